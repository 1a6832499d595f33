/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who runs on the watched CPUs: all threads of the host, how often each was put off a CPU, where it ran last. Nobody
 * counts by thread and CPU, so that what a thread did is said of the CPU where it was last seen.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/counters.h"
#include "daemon/host/host.h"
#include "daemon/host/parts.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define PREEMPTED "threads/preempted"
#define MOVABLE "movable/kernel"

/* --- reading ---------------------------------------------------------------------------------------------------------- */

/* proc(5): the name stands between the first '(' and the last ')'. 9 flags, 14 and 15 time, 22 birth, 39 CPU. */
static bool parse_stat(const char *text, struct run *ret)
{
	const char *from = strchr(text, '('), *to = strrchr(text, ')');
	unsigned long long user, system, born;

	if (!from || !to || to < from)
		return false;
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(to - from - 1), from + 1);
	if (sscanf(to + 1, " %*c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %llu"
	           " %*u %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %d",
	           &ret->flags, &user, &system, &born, &ret->cpu) != 5)
		return false;
	ret->born = born;
	ret->ticks = user + system;
	return true;
}

/* What stands behind "NAME:" in a status file; NULL when there is no such line. */
static const char *field(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	}
	return NULL;
}

static uint64_t number_of(const char *text, const char *name)
{
	const char *at = field(text, name);

	return at ? strtoull(at, NULL, 10) : 0;
}

static void parse_status(const char *text, const struct cpuset *watched, struct run *ret)
{
	const char *list = field(text, "Cpus_allowed_list");
	CLEANUP(mem_freep) char *copy = list ? str_dup_n(list, strcspn(list, "\n")) : NULL;
	struct cpuset allowed;

	if (copy && cpuset_parse_kernel(copy, &allowed, NULL) == 0) {
		ret->stays = cpuset_is_subset(&allowed, watched);
		ret->may = cpuset_intersects(&allowed, watched);
	}
	ret->forced = number_of(text, "nonvoluntary_ctxt_switches");
	ret->switches = ret->forced + number_of(text, "voluntary_ctxt_switches");
}

/* One that has ended is left out. */
static int read_run(struct fsio *fs, const char *pid, const char *tid, const struct cpuset *watched, struct counters *ret)
{
	CLEANUP(strbuf_done) struct strbuf stat = {0};
	CLEANUP(strbuf_done) struct strbuf status = {0};
	char path[HOST_PATH_MAX];
	struct run run = {.tid = (int)strtol(tid, NULL, 10)};

	snprintf(path, sizeof(path), "/proc/%s/task/%s/stat", pid, tid);
	if (fsio_probe(fs, path, &stat) < 0 || !parse_stat(strbuf_str(&stat), &run))
		return 0;
	snprintf(path, sizeof(path), "/proc/%s/task/%s/status", pid, tid);
	if (fsio_probe(fs, path, &status) < 0)
		return 0;
	parse_status(strbuf_str(&status), watched, &run);
	if (mem_grow(&ret->runs, &ret->cap_runs, ret->n_runs, sizeof(*ret->runs)) < 0)
		return -ENOMEM;
	ret->runs[ret->n_runs++] = run;
	return 0;
}

static int numbers_in(struct fsio *fs, const char *dir, struct strlist *ret)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	int64_t n;
	int r = 0;

	if (fsio_list(fs, dir, &names, NULL) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (num_parse_range(names.s[i], 1, INT32_MAX, &n) == 0)
			r = strlist_add(ret, names.s[i]);
	return r;
}

static int read_process(struct fsio *fs, const char *pid, const struct cpuset *watched, struct counters *ret)
{
	CLEANUP(strlist_done) struct strlist tids = {0};
	char path[HOST_PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	r = numbers_in(fs, path, &tids);
	for (size_t i = 0; r == 0 && i < tids.n; i++)
		r = read_run(fs, pid, tids.s[i], watched, ret);
	return r;
}

static int by_tid(const void *va, const void *vb)
{
	const struct run *a = va, *b = vb;

	return (a->tid > b->tid) - (a->tid < b->tid);
}

int runs_read(struct fsio *fs, const struct cpuset *watched, struct counters *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist pids = {0};
	int r = numbers_in(fs, "/proc", &pids);

	for (size_t i = 0; r == 0 && i < pids.n; i++)
		r = read_process(fs, pids.s[i], watched, ret);
	if (ret->n_runs)
		qsort(ret->runs, ret->n_runs, sizeof(*ret->runs), by_tid);
	return r < 0 ? err_oom(err) : 0;
}

/* --- the difference --------------------------------------------------------------------------------------------------- */

/* What a thread is to the CPU that it ran on; the first that fits. */
static const struct class {
	const char *name;    /* of the counter */
	const char *pattern; /* of the thread's name */
	bool kernel;
} classes[] = {
	{"threads/ksoftirqd", "ksoftirqd/*", true}, {"threads/migration", "migration/*", true},
	{"threads/kworker-unbound", "kworker/u*", true}, {"threads/kworker", "kworker/*", true},
	{"threads/interrupt", "irq/*", true}, {"threads/interrupt", "napi/*", true},
	{"threads/rcu", "rcu*", true}, {"threads/kernel", "*", true},
	{"threads/user", "*", false},
};

static const char *class_of(const struct run *r)
{
	bool kernel = r->flags & HOST_TASK_KERNEL;
	size_t i = 0;

	while (classes[i].kernel != kernel || !str_match(classes[i].pattern, r->name))
		i++;
	return !kernel && r->stays ? "threads/own" : classes[i].name;
}

static int add_run(struct counters *c, const char *name, const struct run *r, int place, uint64_t n)
{
	struct counter *new = n ? counters_add(c, name, r->name, false) : NULL;

	if (new)
		new->n[place] = n;
	return n && !new ? -ENOMEM : 0;
}

/* One that had time and was never put off has run, too. */
static int add_difference(struct counters *c, const struct run *now, const struct run *then)
{
	static const struct run born = {0};
	int place = counters_place(c, now->cpu);

	if (place < 0)
		return 0;
	then = then && then->born == now->born ? then : &born;
	uint64_t runs = now->switches - then->switches, forced = now->forced - then->forced;
	runs = runs == 0 && now->ticks > then->ticks ? 1 : runs;
	int r = add_run(c, class_of(now), now, place, runs);
	return r == 0 && now->stays && !(now->flags & HOST_TASK_KERNEL) ? add_run(c, PREEMPTED, now, place, forced) : r;
}

static bool is_movable(const struct run *r)
{
	return (r->flags & HOST_TASK_KERNEL) && !(r->flags & HOST_TASK_BOUND) && r->may;
}

/* A class of which nobody ran is there all the same. */
static int add_classes(struct counters *c)
{
	bool ok = counters_add(c, PREEMPTED, NULL, false) && counters_add(c, MOVABLE, NULL, true);

	for (size_t i = 0; ok && i < ARRAY_LEN(classes); i++)
		ok = counters_add(c, classes[i].name, NULL, false);
	return ok ? 0 : -ENOMEM;
}

int runs_since(struct counters *after, const struct counters *before, struct hft_err *err)
{
	int r = after->n_runs ? add_classes(after) : 0;

	for (size_t i = 0; r == 0 && i < after->n_runs; i++) {
		const struct run *now = &after->runs[i];
		const struct run *then = before->n_runs ? bsearch(now, before->runs, before->n_runs, sizeof(*now), by_tid) : NULL;
		r = add_difference(after, now, then);
		struct counter *movable = r == 0 && is_movable(now) ? counters_add(after, MOVABLE, now->name, true) : NULL;
		if (movable) {
			movable->n[0] = 1;
			movable->level = true;
		} else if (is_movable(now)) {
			r = -ENOMEM;
		}
	}
	return r < 0 ? err_oom(err) : 0;
}
