/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUs that a cpuset of cgroup v2 keeps for itself. */
#include <errno.h>

#include "daemon/host/host.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define CGROUPS "/sys/fs/cgroup"

static void add_list(struct fsio *fs, const char *path, struct cpuset *to)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct cpuset set;

	if (fsio_probe(fs, path, &text) == 0 && cpuset_parse_kernel(strbuf_str(&text), &set, NULL) == 0)
		cpuset_or(to, &set);
}

/* Partitions that are: "isolated invalid (reason)" is none. Slices stand at the top. */
static int add_partition(struct fsio *fs, const char *group, struct cpuset *to)
{
	CLEANUP(mem_freep) char *kind = str_printf(CGROUPS "/%s/cpuset.cpus.partition", group);
	CLEANUP(mem_freep) char *cpus = str_printf(CGROUPS "/%s/cpuset.cpus.effective", group);
	CLEANUP(strbuf_done) struct strbuf text = {0};

	if (!kind || !cpus)
		return -ENOMEM;
	if (fsio_probe(fs, kind, &text) == 0 && (str_eq(strbuf_str(&text), "isolated") || str_eq(strbuf_str(&text), "root")))
		add_list(fs, cpus, to);
	return 0;
}

int host_read_partitions(struct fsio *fs, struct cpuset *ret)
{
	CLEANUP(strlist_done) struct strlist groups = {0};
	int r = 0;

	cpuset_zero(ret);
	add_list(fs, CGROUPS "/cpuset.cpus.isolated", ret); /* since 6.8 */
	if (fsio_list(fs, CGROUPS, &groups, NULL) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < groups.n; i++)
		r = add_partition(fs, groups.s[i], ret);
	return r;
}
