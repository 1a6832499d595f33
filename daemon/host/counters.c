/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters of noise (counters.h): reading them, and the difference of two readings. */
#include "daemon/host/counters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/parts.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define TABLE_MAX (32 * 1024 * 1024) /* /proc/interrupts: 11 bytes for each CPU in each of thousands of rows */
#define NAME_MAX_LEN 96

void counters_done(struct counters *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->c[i].name);
		free(c->c[i].label);
		free(c->c[i].n);
	}
	free(c->c);
	free(c->cpus);
	free(c->runs);
	*c = (struct counters){0};
}

struct counter *counters_add(struct counters *c, const char *name, const char *label, bool of_host)
{
	if (mem_grow(&c->c, &c->cap, c->n, sizeof(*c->c)) < 0)
		return NULL;
	struct counter *new = &c->c[c->n];
	*new = (struct counter){
		.name = strdup(name),
		.label = label ? strdup(label) : NULL,
		.n = calloc(of_host || !c->n_cpus ? 1 : c->n_cpus, sizeof(*new->n)),
		.of_host = of_host,
	};
	c->n++;
	return new->name && new->n && (!label || new->label) ? new : NULL;
}

int counters_place(const struct counters *c, int cpu)
{
	for (size_t i = 0; i < c->n_cpus; i++)
		if (c->cpus[i] == cpu)
			return (int)i;
	return -1;
}

static int add_of_host(struct counters *c, const char *name, uint64_t value, bool level)
{
	struct counter *new = counters_add(c, name, NULL, true);

	if (!new)
		return -ENOMEM;
	new->n[0] = value;
	new->level = level;
	return 0;
}

/* --- tables with a column for each CPU ------------------------------------------------------------------------------ */

/* The next number of a line, or false; *p moves behind it. */
static bool take_number(char **p, uint64_t *ret)
{
	char *end;

	*p += strspn(*p, " \t");
	if (**p < '0' || **p > '9')
		return false;
	*ret = strtoull(*p, &end, 10);
	if (*end != ' ' && *end != '\t' && *end != '\0') /* "5-edge" */
		return false;
	*p = end;
	return true;
}

/* "CPU0 CPU1 CPU3": places[i] is where the counts of column i go, -1: nowhere. Caller frees; NULL when out of memory. */
static int *parse_columns(const struct counters *c, char *line, size_t *ret_n)
{
	size_t n = 0, cap = 0;
	int *places = NULL;

	for (char *rest = line, *word; (word = strsep(&rest, " \t")) != NULL;) {
		int64_t cpu;
		if (!str_starts(word, "CPU") || num_parse_range(word + 3, 0, CPUSET_MAX - 1, &cpu) < 0)
			continue;
		if (mem_grow(&places, &cap, n, sizeof(*places)) < 0) {
			free(places);
			return NULL;
		}
		places[n++] = counters_place(c, (int)cpu);
	}
	*ret_n = n;
	return places ? places : calloc(1, sizeof(*places));
}

/* Behind the counts of a device's interrupt stand chip, number and kind, and then who asked for it. */
static const char *action_of(const char *rest)
{
	for (int i = 0; i < 2; i++) {
		rest += strspn(rest, " \t");
		rest += strcspn(rest, " \t");
	}
	return rest + strspn(rest, " \t");
}

static int add_row(struct counters *c, const char *folder, const int *places, size_t n_places, char *line)
{
	char name[NAME_MAX_LEN], *colon = strchr(line, ':'), *p;
	CLEANUP(mem_freep) uint64_t *values = calloc(n_places ? n_places : 1, sizeof(*values));
	size_t n = 0;

	if (!values)
		return -ENOMEM;
	if (!colon)
		return 0;
	*colon = '\0';
	line += strspn(line, " \t");
	for (p = colon + 1; n < n_places && take_number(&p, &values[n]); n++)
		;
	if (n < n_places) /* ERR and MIS are of the host, and no noise */
		return 0;
	snprintf(name, sizeof(name), "%s/%s", folder, line);
	bool is_device = *line >= '0' && *line <= '9';
	struct counter *new = counters_add(c, name, is_device ? action_of(p) : NULL, false);
	for (size_t i = 0; new && i < n; i++)
		if (places[i] >= 0)
			new->n[places[i]] = values[i];
	return new ? 0 : -ENOMEM;
}

static int read_table(struct fsio *fs, const char *path, const char *folder, struct counters *c, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	CLEANUP(mem_freep) int *places = NULL;
	size_t n_places = 0;
	int r = fsio_read_file(fs, path, TABLE_MAX, &text, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	char *rest = text.s, *line = strsep(&rest, "\n");
	places = parse_columns(c, line ? line : (char[]){""}, &n_places);
	if (!places)
		return err_oom(err);
	while (r == 0 && (line = strsep(&rest, "\n")) != NULL)
		r = add_row(c, folder, places, n_places, line);
	return r < 0 ? err_oom(err) : 0;
}

/* --- /proc/stat ------------------------------------------------------------------------------------------------------ */

enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, N_TIMES };

struct times {
	struct counter *steal, *siblings;
	const struct host *h;
	struct cpuset watched;
};

static void add_times(const struct counters *c, const struct times *t, int cpu, const uint64_t *v)
{
	uint64_t busy = v[USER] + v[NICE] + v[SYSTEM] + v[IRQ] + v[SOFTIRQ];
	int place = counters_place(c, cpu);

	if (place >= 0) {
		t->steal->n[place] = v[STEAL];
		return;
	}
	for (size_t i = 0; i < c->n_cpus; i++) {
		struct cpuset one, core;
		cpuset_zero(&one);
		cpuset_add(&one, (unsigned)c->cpus[i]);
		host_siblings(t->h, &one, &core);
		if (cpuset_has(&core, (unsigned)cpu))
			t->siblings->n[i] += busy;
	}
}

static void parse_times(const struct counters *c, const struct times *t, char *line)
{
	uint64_t v[N_TIMES] = {0};
	char *end;

	if (!str_starts(line, "cpu") || line[3] < '0' || line[3] > '9')
		return;
	int cpu = (int)strtol(line + 3, &end, 10);
	for (size_t i = 0; i < N_TIMES && take_number(&end, &v[i]); i++)
		;
	add_times(c, t, cpu, v);
}

static int read_times(struct host *h, struct counters *c, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct times t = {.h = h};
	int r = c->n_cpus ? host_text(h->fs, "/proc/stat", &text, err) : -ENOENT;

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* two calls: the first one's counter may move */
	if (!counters_add(c, "stat/steal", NULL, false) || !counters_add(c, "stat/siblings", NULL, false))
		return err_oom(err);
	t.steal = &c->c[c->n - 2];
	t.siblings = &c->c[c->n - 1];
	for (char *rest = text.s, *line; (line = strsep(&rest, "\n")) != NULL;)
		parse_times(c, &t, line);
	return 0;
}

/* --- small files ----------------------------------------------------------------------------------------------------- */

/* The number in a file; 0 and false where there is none. */
static bool number_in(struct fsio *fs, const char *path, uint64_t *ret)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};

	*ret = 0;
	return fsio_probe(fs, path, &text) == 0 && num_parse_u64(strbuf_str(&text), ret) == 0;
}

static const struct {
	const char *name, *file; /* below the CPU's directory */
} cpu_files[] = {
	{"cpufreq/transitions", "cpufreq/stats/total_trans"},
	{"throttle/core", "thermal_throttle/core_throttle_count"},
	{"throttle/package", "thermal_throttle/package_throttle_count"},
};

static int read_cpu_files(struct fsio *fs, struct counters *c)
{
	char path[HOST_PATH_MAX];

	for (size_t k = 0; k < ARRAY_LEN(cpu_files); k++) {
		struct counter *counter = NULL;
		for (size_t i = 0; i < c->n_cpus; i++) {
			uint64_t value;
			snprintf(path, sizeof(path), HOST_CPU_DIR "/cpu%d/%s", c->cpus[i], cpu_files[k].file);
			if (!number_in(fs, path, &value))
				continue;
			if (!counter && !(counter = counters_add(c, cpu_files[k].name, NULL, false)))
				return -ENOMEM;
			counter->n[i] = value;
		}
	}
	return 0;
}

/* Entries into the idle states of a CPU that take long to leave; false: it has no states. */
static bool deep_sleeps(struct fsio *fs, int cpu, uint64_t *ret)
{
	char path[HOST_PATH_MAX];
	uint64_t latency, usage;

	*ret = 0;
	for (int state = 0;; state++) {
		snprintf(path, sizeof(path), HOST_CPU_DIR "/cpu%d/cpuidle/state%d/latency", cpu, state);
		if (!number_in(fs, path, &latency))
			return state > 0;
		snprintf(path, sizeof(path), HOST_CPU_DIR "/cpu%d/cpuidle/state%d/usage", cpu, state);
		if (number_in(fs, path, &usage) && latency > COUNTERS_SHALLOW_US)
			*ret += usage;
	}
}

static int read_idle(struct fsio *fs, struct counters *c)
{
	struct counter *counter = NULL;

	for (size_t i = 0; i < c->n_cpus; i++) {
		uint64_t n;
		if (!deep_sleeps(fs, c->cpus[i], &n))
			continue;
		if (!counter && !(counter = counters_add(c, "cpuidle/deep", NULL, false)))
			return -ENOMEM;
		counter->n[i] = n;
	}
	return 0;
}

/* --- of the host ----------------------------------------------------------------------------------------------------- */

static int read_vmstat(struct fsio *fs, struct counters *c)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	char name[NAME_MAX_LEN];
	int r = 0;

	if (fsio_probe(fs, "/proc/vmstat", &text) < 0)
		return 0;
	for (char *rest = text.s, *line; r == 0 && (line = strsep(&rest, "\n")) != NULL;) {
		char *blank = strchr(line, ' ');
		uint64_t value;
		if (!blank || num_parse_u64(blank + 1, &value) < 0)
			continue;
		*blank = '\0';
		snprintf(name, sizeof(name), "vmstat/%s", line);
		r = add_of_host(c, name, value, false);
	}
	return r;
}

/* Documentation/networking/scaling.rst, net/core/net-procfs.c: a row per CPU in hexadecimal; 2nd dropped, 3rd squeezed. */
static int read_softnet(struct fsio *fs, struct counters *c)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	uint64_t dropped = 0, squeezed = 0;

	if (fsio_probe(fs, "/proc/net/softnet_stat", &text) < 0)
		return 0;
	for (char *rest = text.s, *line; (line = strsep(&rest, "\n")) != NULL;) {
		unsigned long long d, s;
		if (sscanf(line, "%*x %llx %llx", &d, &s) != 2)
			continue;
		dropped += d;
		squeezed += s;
	}
	return add_of_host(c, "softnet/dropped", dropped, false) | add_of_host(c, "softnet/squeezed", squeezed, false);
}

/* A serial console that says more than errors: each line of it is written with interrupts off. */
static int read_consoles(struct fsio *fs, struct counters *c)
{
	CLEANUP(strbuf_done) struct strbuf consoles = {0};
	CLEANUP(strbuf_done) struct strbuf levels = {0};
	uint64_t n = 0;

	if (fsio_probe(fs, "/proc/consoles", &consoles) < 0 || fsio_probe(fs, "/proc/sys/kernel/printk", &levels) < 0)
		return 0;
	for (const char *p = strbuf_str(&consoles); p; p = strchr(p, '\n')) {
		p += *p == '\n';
		n += str_starts(p, "ttyS") || str_starts(p, "ttyAMA");
	}
	return add_of_host(c, "console/serial", strtol(strbuf_str(&levels), NULL, 10) > 4 ? n : 0, true);
}

static int read_clock(struct fsio *fs, struct counters *c)
{
	static const char *const slow[] = {"hpet", "acpi_pm", "jiffies", "refined-jiffies"};
	CLEANUP(strbuf_done) struct strbuf name = {0};
	bool is_slow = false;

	if (fsio_probe(fs, "/sys/devices/system/clocksource/clocksource0/current_clocksource", &name) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(slow); i++)
		is_slow |= str_eq(strbuf_str(&name), slow[i]);
	return add_of_host(c, "clocksource/slow", is_slow, true);
}

static int read_tracing(struct fsio *fs, struct counters *c)
{
	CLEANUP(strbuf_done) struct strbuf events = {0};
	uint64_t n = 0;

	if (fsio_probe(fs, "/sys/kernel/tracing/set_event", &events) < 0)
		return 0;
	for (const char *p = strbuf_str(&events); *p; p++)
		n += *p == '\n' || p[1] == '\0';
	return add_of_host(c, "tracing/events", n, true);
}

static int read_scans(struct fsio *fs, struct counters *c)
{
	uint64_t n;
	int r = 0;

	if (number_in(fs, "/sys/kernel/mm/ksm/full_scans", &n))
		r |= add_of_host(c, "ksm/full_scans", n, false);
	if (number_in(fs, "/sys/kernel/mm/transparent_hugepage/khugepaged/full_scans", &n))
		r |= add_of_host(c, "khugepaged/full_scans", n, false);
	return r;
}

/* --- all of them ------------------------------------------------------------------------------------------------------ */

static int set_cpus(struct counters *c, const struct cpuset *watched)
{
	c->cpus = calloc(cpuset_count(watched) + 1, sizeof(*c->cpus));
	if (!c->cpus)
		return -ENOMEM;
	for (int cpu = cpuset_next(watched, 0); cpu >= 0; cpu = cpuset_next(watched, (unsigned)cpu + 1))
		c->cpus[c->n_cpus++] = cpu;
	return 0;
}

int counters_read(struct host *h, const struct cpuset *watched, struct counters *ret, struct hft_err *err)
{
	int (*const small[])(struct fsio *fs, struct counters *c) = {
		read_cpu_files, read_idle, read_vmstat, read_softnet, read_consoles, read_clock, read_tracing, read_scans,
	};
	int r = set_cpus(ret, watched) < 0 ? err_oom(err) : 0;

	if (r == 0 && ret->n_cpus)
		r = read_table(h->fs, "/proc/interrupts", "interrupts", ret, err);
	if (r == 0 && ret->n_cpus)
		r = read_table(h->fs, "/proc/softirqs", "softirqs", ret, err);
	if (r == 0)
		r = read_times(h, ret, err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(small); i++)
		r = small[i](h->fs, ret) < 0 ? err_oom(err) : 0;
	return r == 0 && ret->n_cpus ? runs_read(h->fs, watched, ret, err) : r;
}

/* --- the difference --------------------------------------------------------------------------------------------------- */

/* The counter of the same thing; *at is where the last one was found, since both lists are in the same order. */
static const struct counter *same(const struct counters *in, const struct counter *like, size_t *at)
{
	for (size_t i = 0; i < in->n; i++) {
		const struct counter *c = &in->c[(*at + i) % in->n];
		if (str_eq(c->name, like->name) && str_eq(c->label, like->label)) {
			*at = (*at + i + 1) % in->n;
			return c;
		}
	}
	return NULL;
}

int counters_since(struct counters *after, const struct counters *before, struct hft_err *err)
{
	size_t at = 0;

	for (size_t i = 0; i < after->n; i++) {
		struct counter *now = &after->c[i];
		const struct counter *then = now->level ? NULL : same(before, now, &at);
		size_t n = now->of_host ? 1 : after->n_cpus;
		for (size_t k = 0; then && k < n; k++)
			now->n[k] -= then->n[k] < now->n[k] ? then->n[k] : now->n[k];
	}
	return runs_since(after, before, err);
}
