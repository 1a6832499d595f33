/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUs: which there are, which threads share a core, and what kind they are. Facts that CPUs share are read from one of
 * them: a file each for 512 CPUs would cost more than a whole plan. Must not know nodes, which nodes.c reads.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/parts.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

#define CPUINFO "/proc/cpuinfo"
#define CPUINFO_START 4096 /* holds the first CPU's record: its flags take some 1,500 bytes */

/* --- which CPUs --------------------------------------------------------------------------------------------------- */

/* A tree without the list: its cpuN directories are the CPUs. */
static int present_from_dirs(struct host *h, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	int64_t cpu;

	int r = fsio_list(h->fs, HOST_CPU_DIR, &names, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n; i++)
		if (str_starts(names.s[i], "cpu") && num_parse_range(names.s[i] + 3, 0, CPUSET_MAX - 1, &cpu) == 0)
			cpuset_add(&h->present, (unsigned)cpu);
	return 0;
}

static int read_present(struct host *h, struct hft_err *err)
{
	int r = host_list(h->fs, HOST_CPU_DIR "/present", &h->present, err);
	if (r == -ENOENT)
		r = present_from_dirs(h, err);
	if (r < 0)
		return r;
	if (cpuset_is_empty(&h->present))
		return err_raise(err, ERR_IO, ENOENT, HOST_CPU_DIR, "%s has no CPU", HOST_CPU_DIR);
	h->n_cpus = cpuset_count(&h->present);
	return 0;
}

static int read_lists(struct host *h, struct hft_err *err)
{
	static const struct {
		const char *path;
		size_t offset;   /* of the set in struct host */
		bool as_present; /* without the file: the present CPUs, else none */
	} lists[] = {
		{HOST_CPU_DIR "/possible",  offsetof(struct host, possible),  true },
		{HOST_CPU_DIR "/online",    offsetof(struct host, online),    true },
		{HOST_CPU_DIR "/isolated",  offsetof(struct host, isolated),  false},
		{HOST_CPU_DIR "/nohz_full", offsetof(struct host, nohz_full), false},
	};

	int r = read_present(h, err);
	for (size_t i = 0; i < ARRAY_LEN(lists) && r == 0; i++) {
		struct cpuset *set = (struct cpuset *)(void *)((char *)h + lists[i].offset);
		r = host_list(h->fs, lists[i].path, set, err);
		if (r != -ENOENT)
			continue;
		if (lists[i].as_present)
			*set = h->present;
		r = 0;
	}
	cpuset_and(&h->online, &h->present);
	return r;
}

/* --- cores and packages ------------------------------------------------------------------------------------------- */

/* One of the files that say which CPUs share something with cpu: never without cpu itself, never with absent ones. */
static int read_sharers(const struct host *h, int cpu, const char *file, struct cpuset *ret, struct hft_err *err)
{
	char path[HOST_PATH_MAX];

	snprintf(path, sizeof(path), HOST_CPU_DIR "/cpu%d/%s", cpu, file);
	int r = host_list(h->fs, path, ret, err);
	if (r == 0) {
		cpuset_and(ret, &h->present);
		cpuset_add(ret, (unsigned)cpu);
	}
	return r;
}

static int read_number(const struct host *h, int cpu, const char *file, int missing, int *ret, struct hft_err *err)
{
	char path[HOST_PATH_MAX];

	snprintf(path, sizeof(path), HOST_CPU_DIR "/cpu%d/%s", cpu, file);
	return host_int(h->fs, path, missing, ret, err);
}

/* The next group of siblings: the threads of cpu's core. */
static int read_core(struct host *h, int cpu, struct hft_err *err)
{
	struct cpuset *group = &h->siblings[h->n_siblings];

	int r = read_sharers(h, cpu, "topology/thread_siblings_list", group, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == -ENOENT) {
		cpuset_zero(group);
		cpuset_add(group, (unsigned)cpu);
	}
	for (int c = cpuset_next(group, 0); c >= 0; c = cpuset_next(group, (unsigned)c + 1)) {
		struct host_cpu *member = host_cpu(h, c);
		if (member->sibling_group < 0)
			member->sibling_group = (int)h->n_siblings;
		else /* a tree that contradicts itself: every CPU is in one group all the same */
			cpuset_remove(group, (unsigned)c);
	}
	h->n_siblings++;
	return 0;
}

static int read_package(struct host *h, int cpu, struct hft_err *err)
{
	struct cpuset members;
	int package;

	int r = read_number(h, cpu, "topology/physical_package_id", 0, &package, err);
	if (r < 0)
		return r;
	r = read_sharers(h, cpu, "topology/core_siblings_list", &members, err);
	if (r == -ENOENT) {
		cpuset_zero(&members);
		cpuset_add(&members, (unsigned)cpu);
	} else if (r < 0) {
		return r;
	}
	for (int c = cpuset_next(&members, 0); c >= 0; c = cpuset_next(&members, (unsigned)c + 1))
		host_cpu(h, c)->package = package;
	return 0;
}

/* The kernel takes the topology directory of an offline CPU away: such a CPU is a core of its own, package unknown. */
static int read_topology(struct host *h, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; i < h->n_cpus && r == 0; i++) {
		const struct host_cpu *c = &h->cpus[i];
		if (c->sibling_group < 0)
			r = read_core(h, c->cpu, err);
		if (r == 0 && c->online && c->package < 0)
			r = read_package(h, c->cpu, err);
	}
	return r;
}

int host_cpus_read(struct host *h, struct hft_err *err)
{
	int r = read_lists(h, err);
	if (r < 0)
		return r;
	h->cpus = calloc(h->n_cpus, sizeof(*h->cpus));
	h->siblings =
		calloc(h->n_cpus, sizeof(*h->siblings)); /* as many groups at most; pages not written cost nothing */
	if (h->cpus == NULL || h->siblings == NULL)
		return err_oom(err);

	struct host_cpu *next = h->cpus;
	for (int c = cpuset_next(&h->present, 0); c >= 0; c = cpuset_next(&h->present, (unsigned)c + 1))
		*next++ = (struct host_cpu){
			.cpu = c,
			.online = cpuset_has(&h->online, (unsigned)c),
			.package = -1,
			.core = -1,
			.node = -1,
			.l3 = -1,
			.sibling_group = -1,
		};
	return read_topology(h, err);
}

/* --- details ------------------------------------------------------------------------------------------------------ */

/* Without core_id, a core is named after its first thread. */
static int read_core_ids(struct host *h, struct hft_err *err)
{
	for (size_t i = 0; i < h->n_siblings; i++) {
		const struct cpuset *group = &h->siblings[i];
		int first = cpuset_next(group, 0);
		int core;
		int r = read_number(h, first, "topology/core_id", cpuset_has(&h->online, (unsigned)first) ? first : -1,
		                    &core, err);
		if (r < 0)
			return r;
		for (int c = first; c >= 0; c = cpuset_next(group, (unsigned)c + 1))
			host_cpu(h, c)->core = core;
	}
	return 0;
}

static int read_l3(struct host *h, struct hft_err *err)
{
	for (size_t i = 0; i < h->n_cpus; i++) {
		const struct host_cpu *cpu = &h->cpus[i];
		struct cpuset sharers;
		int id;

		if (!cpu->online || cpu->l3 >= 0)
			continue;
		int r = read_sharers(h, cpu->cpu, "cache/index3/shared_cpu_list", &sharers, err);
		if (r == -ENOENT)
			continue;
		if (r == 0) /* some hypervisors give no id: then the first CPU that shares it names the cache */
			r = read_number(h, cpu->cpu, "cache/index3/id", cpu->cpu, &id, err);
		if (r < 0)
			return r;
		for (int c = cpuset_next(&sharers, 0); c >= 0; c = cpuset_next(&sharers, (unsigned)c + 1))
			host_cpu(h, c)->l3 = id;
	}
	return 0;
}

/* The value of a "name<tabs>: value" line of the first CPU, as a part of text; NULL when there is none. */
static const char *cpuinfo_value(const char *text, const char *name, size_t *ret_len)
{
	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		size_t n = strlen(name);
		if (strncmp(line, name, n) != 0)
			continue;
		n += strspn(line + n, "\t ");
		if (line[n] != ':')
			continue;
		const char *value = line + n + 1 + strspn(line + n + 1, " ");
		*ret_len = strcspn(value, "\n");
		return value;
	}
	return NULL;
}

static int replace_text(char **text, const char *value, size_t len, struct hft_err *err)
{
	char *copy = str_dup_n(value != NULL ? value : "", value != NULL ? len : 0);

	if (copy == NULL)
		return err_oom(err);
	free(*text);
	*text = copy;
	return 0;
}

static bool has_word(const char *list, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list, *end = list + len; p < end; p += strcspn(p, " \n") + 1)
		if ((size_t)(end - p) >= n && strncmp(p, word, n) == 0 && (p + n == end || p[n] == ' '))
			return true;
	return false;
}

/* Only the start: 512 CPUs give the best part of a megabyte of cpuinfo, all of it the same. */
static int read_cpuinfo(struct host *h, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};
	char start[CPUINFO_START + 1] = "";
	const char *text = start;
	const char *value;
	size_t len = 0;

	if (fsio_read_bytes(h->fs, CPUINFO, start, CPUINFO_START, NULL) < 0) { /* EIO: a machine so small has less */
		int r = host_text(h->fs, CPUINFO, &b, err);
		if (r < 0 && r != -ENOENT)
			return r;
		text = strbuf_str(&b);
	}
	value = cpuinfo_value(text, "vendor_id", &len);
	int r = replace_text(&h->vendor, value, len, err);
	if (r < 0)
		return r;
	value = cpuinfo_value(text, "model name", &len);
	r = replace_text(&h->model, value, len, err);
	value = cpuinfo_value(text, "flags", &len);
	h->is_virtual = value != NULL && has_word(value, len, "hypervisor");
	return r;
}

int host_cpus_details(struct host *h, struct hft_err *err)
{
	int r = read_cpuinfo(h, err);
	if (r == 0)
		r = read_core_ids(h, err);
	if (r == 0)
		r = read_l3(h, err);
	return r;
}
