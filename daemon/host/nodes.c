/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NUMA nodes: their CPUs, distances and memory. On the live host libnuma says, in a copied tree the files. Must not
 * allocate or bind memory.
 *
 * libnuma reads only what is below the real /sys, keeps what it read for the life of the process, and prints to stderr
 * what it does not like; it never sees a copied tree.
 */
#include <errno.h>
#include <numa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/parts.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

#define DISTANCE_SELF 10  /* what ACPI says of a node and itself */
#define DISTANCE_OTHER 20 /* and the kernel's assumption where the firmware says nothing */

/* --- making and freeing ------------------------------------------------------------------------------------------- */

void host_nodes_done(struct host *h)
{
	for (size_t i = 0; i < h->n_nodes; i++)
		free(h->nodes[i].distances);
	free(h->nodes);
	h->nodes = NULL;
	h->n_nodes = 0;
}

/* Empty nodes with these numbers, all distances unknown. */
static int make_nodes(struct host *h, const struct cpuset *numbers, struct hft_err *err)
{
	size_t n = cpuset_count(numbers);

	h->nodes = calloc(n, sizeof(*h->nodes));
	if (h->nodes == NULL)
		return err_oom(err);
	h->n_nodes = n;
	int number = -1;
	for (size_t i = 0; i < n; i++) {
		number = cpuset_next(numbers, (unsigned)(number + 1));
		h->nodes[i].node = number;
		h->nodes[i].distances = calloc(n, sizeof(*h->nodes[i].distances));
		if (h->nodes[i].distances == NULL)
			return err_oom(err);
		for (size_t j = 0; j < n; j++)
			h->nodes[i].distances[j] = i == j ? DISTANCE_SELF : DISTANCE_OTHER;
	}
	return 0;
}

/* --- from files --------------------------------------------------------------------------------------------------- */

static int node_numbers_from_dirs(struct fsio *fs, struct cpuset *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	int64_t node;

	int r = fsio_list(fs, HOST_NODE_DIR, &names, NULL);
	if (r == -ENOMEM)
		return err_oom(err);
	for (size_t i = 0; i < names.n; i++)
		if (str_starts(names.s[i], "node") && num_parse_range(names.s[i] + 4, 0, CPUSET_MAX - 1, &node) == 0)
			cpuset_add(ret, (unsigned)node);
	return 0;
}

static int read_distances(struct host *h, struct host_node *node, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};
	char path[HOST_PATH_MAX];

	snprintf(path, sizeof(path), HOST_NODE_DIR "/node%d/distance", node->node);
	int r = host_text(h->fs, path, &b, err);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	const char *p = strbuf_str(&b);
	for (size_t i = 0; i < h->n_nodes; i++) {
		char *end;
		long distance = strtol(p, &end, 10);
		if (end == p || distance < 0 || distance > 255)
			return err_raise(err, ERR_IO, EINVAL, path, "%s holds no distance for each node", path);
		node->distances[i] = (int)distance;
		p = end;
	}
	return 0;
}

static int read_node(struct host *h, struct host_node *node, struct hft_err *err)
{
	char path[HOST_PATH_MAX];

	snprintf(path, sizeof(path), HOST_NODE_DIR "/node%d/cpulist", node->node);
	int r = host_list(h->fs, path, &node->cpus, err);
	if (r < 0 && r != -ENOENT)
		return r;
	return read_distances(h, node, err);
}

int host_nodes_from_files(struct host *h, struct hft_err *err)
{
	struct cpuset numbers = {0};

	int r = host_list(h->fs, HOST_NODE_DIR "/online", &numbers, err);
	if (r == -ENOENT)
		r = node_numbers_from_dirs(h->fs, &numbers, err);
	if (r < 0)
		return r;
	bool one = cpuset_is_empty(&numbers); /* a kernel without NUMA: all is node 0 */
	if (one)
		cpuset_add(&numbers, 0);
	r = make_nodes(h, &numbers, err);
	if (r == 0 && one)
		h->nodes[0].cpus = h->present;
	for (size_t i = 0; i < h->n_nodes && r == 0 && !one; i++)
		r = read_node(h, &h->nodes[i], err);
	return r;
}

/* --- from libnuma ------------------------------------------------------------------------------------------------- */

static int cpus_from_libnuma(struct host_node *node)
{
	struct bitmask *mask = numa_allocate_cpumask();

	if (mask == NULL)
		return -ENOMEM;
	int r = numa_node_to_cpus(node->node, mask);
	for (unsigned cpu = 0; r == 0 && cpu < mask->size; cpu++)
		if (numa_bitmask_isbitset(mask, cpu))
			cpuset_add(&node->cpus, cpu);
	numa_free_cpumask(mask);
	return r < 0 ? -ENOSYS : 0;
}

int host_nodes_from_libnuma(struct host *h, struct hft_err *err)
{
	struct cpuset numbers = {0};

	if (numa_available() < 0)
		return -ENOSYS;
	numa_node_to_cpu_update(); /* CPUs may have come or gone since this process first asked */
	for (int n = 0; n <= numa_max_node(); n++)
		if (numa_bitmask_isbitset(numa_nodes_ptr, (unsigned)n))
			cpuset_add(&numbers, (unsigned)n);
	if (cpuset_is_empty(&numbers))
		return -ENOSYS;
	int r = make_nodes(h, &numbers, err);
	for (size_t i = 0; i < h->n_nodes && r == 0; i++) {
		r = cpus_from_libnuma(&h->nodes[i]);
		for (size_t j = 0; j < h->n_nodes; j++) {
			int distance = numa_distance(h->nodes[i].node, h->nodes[j].node);
			if (distance > 0) /* 0: it cannot say */
				h->nodes[i].distances[j] = distance;
		}
		if (r == -ENOMEM)
			err_oom(err);
	}
	return r;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

/* The kernel's list of a node has its online CPUs only; of the others a link in their directory tells. */
static void add_offline_cpus(struct host *h)
{
	char path[HOST_PATH_MAX];

	for (size_t i = 0; i < h->n_cpus; i++) {
		struct host_cpu *cpu = &h->cpus[i];
		for (size_t j = 0; j < h->n_nodes && cpu->node < 0 && !cpu->online; j++) {
			snprintf(path, sizeof(path), HOST_CPU_DIR "/cpu%d/node%d", cpu->cpu, h->nodes[j].node);
			if (!fsio_exists(h->fs, path))
				continue;
			cpu->node = h->nodes[j].node;
			cpuset_add(&h->nodes[j].cpus, (unsigned)cpu->cpu);
		}
	}
}

int host_nodes_read(struct host *h, struct hft_err *err)
{
	int r = fsio_is_live(h->fs) ? host_nodes_from_libnuma(h, err) : -ENOSYS;

	if (r == -ENOSYS) {
		host_nodes_done(h);
		r = host_nodes_from_files(h, err);
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < h->n_nodes; i++) {
		const struct cpuset *set = &h->nodes[i].cpus;
		for (int c = cpuset_next(set, 0); c >= 0; c = cpuset_next(set, (unsigned)c + 1)) {
			struct host_cpu *cpu = host_cpu(h, c);
			if (cpu != NULL)
				cpu->node = h->nodes[i].node;
		}
		cpuset_and(&h->nodes[i].cpus, &h->present);
	}
	add_offline_cpus(h);
	return 0;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* "MemFree:  16314832 kB" of /proc/meminfo, "Node 0 MemFree: ..." of a node's. */
static int meminfo_value(const char *path, const char *text, const char *name, uint64_t *ret_kib, struct hft_err *err)
{
	const char *p = strstr(text, name);
	char *end = NULL;

	if (p != NULL)
		p += strlen(name);
	uint64_t kib = p != NULL ? strtoull(p, &end, 10) : 0;
	if (p == NULL || end == p)
		return err_raise(err, ERR_IO, EINVAL, path, "%s has no %s", path, name);
	*ret_kib = kib;
	return 0;
}

/* node -1: of the host. A tree without the file has no memory to give. */
static int memory_from_files(struct fsio *fs, int node, uint64_t *ret_kib, uint64_t *ret_free_kib, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};
	char path[HOST_PATH_MAX] = "/proc/meminfo";

	if (node >= 0)
		snprintf(path, sizeof(path), HOST_NODE_DIR "/node%d/meminfo", node);
	*ret_kib = *ret_free_kib = 0;
	int r = host_text(fs, path, &b, err);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = meminfo_value(path, strbuf_str(&b), "MemTotal:", ret_kib, err);
	if (r == 0)
		r = meminfo_value(path, strbuf_str(&b), "MemFree:", ret_free_kib, err);
	return r;
}

static int memory_of(const struct host *h, int node, uint64_t *ret_kib, uint64_t *ret_free_kib, struct hft_err *err)
{
	if (fsio_is_live(h->fs) && numa_available() >= 0) {
		long long free_bytes = 0;
		long long bytes = numa_node_size64(node, &free_bytes);
		if (bytes >= 0) { /* -1: libnuma could not read it, so let the files say why */
			*ret_kib = (uint64_t)bytes / 1024;
			*ret_free_kib = (uint64_t)free_bytes / 1024;
			return 0;
		}
	}
	/* A kernel without NUMA has the host's memory only, and all of it is in the node that stands for the host. */
	bool no_numa = h->n_nodes == 1 && !fsio_exists(h->fs, HOST_NODE_DIR "/node0");
	return memory_from_files(h->fs, no_numa ? -1 : node, ret_kib, ret_free_kib, err);
}

int host_nodes_details(struct host *h, struct hft_err *err)
{
	for (size_t i = 0; i < h->n_nodes; i++) {
		struct host_node *node = &h->nodes[i];
		int r = memory_of(h, node->node, &node->memory_kib, &node->free_kib, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int host_free_memory(const struct host *h, int node, uint64_t *ret_kib, struct hft_err *err)
{
	uint64_t sum = 0;
	bool found = false;

	for (size_t i = 0; i < h->n_nodes; i++) {
		uint64_t kib, free_kib;
		if (node >= 0 && h->nodes[i].node != node)
			continue;
		int r = memory_of(h, h->nodes[i].node, &kib, &free_kib, err);
		if (r < 0)
			return r;
		sum += free_kib;
		found = true;
	}
	if (!found) {
		char name[32];
		snprintf(name, sizeof(name), "node %d", node);
		return err_raise(err, ERR_NO_MATCH, ENOENT, name, "there is no NUMA %s on this host", name);
	}
	*ret_kib = sum;
	return 0;
}
