/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel of a made-up machine shows besides CPUs and devices: identity, sysctls, memory, workqueues, cgroups.
 */
#include <string.h>

#include "tests/tools/machine.h"
#include "tests/tools/machine_sysctls.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* --- identity ----------------------------------------------------------------------------------------------------- */

static void put_identity(struct out *o, const struct machine *m)
{
	out_file(o, 0444, m->machine_id, "/etc/machine-id");
	out_file(o, 0444, m->kernel, "/proc/sys/kernel/osrelease");
	out_file(o, 0444, m->boot_id, "/proc/sys/kernel/random/boot_id");
	out_file(o, 0644, m->hostname, "/proc/sys/kernel/hostname");
	out_file(o, 0644, "(none)", "/proc/sys/kernel/domainname");
	out_file(o, 0444, m->cmdline, "/proc/cmdline");
	out_dir(o, "/run/systemd/system");
	out_file(o, 0600, NULL, "/dev/cpu_dma_latency"); /* stands for the device: fsio_exists must find it */
}

/* As arch/x86/kernel/cpu/proc.c prints it; the flags are a choice of the many. */
static void put_cpuinfo(struct out *o, const struct machine *m)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	for (int cpu = 0; cpu < machine_cpus(m); cpu++) {
		int core = cpu % machine_cores(m);
		fprintf(f, "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %d\nmodel\t\t: %d\nmodel name\t: %s\n", cpu,
		        m->vendor, m->family, m->model_number, m->model);
		fprintf(f, "stepping\t: %d\ncpu MHz\t\t: %u.%03u\ncache size\t: %s\n", m->stepping, m->base_khz / 1000,
		        m->base_khz % 1000, m->l3_size);
		fprintf(f, "physical id\t: %d\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\napicid\t\t: %d\n",
		        core / m->cores, m->cores * m->threads, core % m->cores, m->cores,
		        core * m->threads + cpu / machine_cores(m));
		fprintf(f, "fpu\t\t: yes\nflags\t\t: %s\naddress sizes\t: 46 bits physical, 48 bits virtual\n",
		        m->flags);
		fprintf(f, "power management:\n%s", cpu + 1 < machine_cpus(m) ? "\n" : "");
	}
	fclose(f);
	out_file(o, 0444, text, "/proc/cpuinfo");
	free(text);
}

static void put_meminfo(struct out *o, const struct machine *m)
{
	static const struct {
		const char *name;
		unsigned permille; /* of the memory */
	} rows[] = {
		{"MemTotal",      1000},
                {"MemFree",       800 },
                {"MemAvailable",  930 },
                {"Buffers",       5   },
		{"Cached",        115 },
                {"SwapCached",    0   },
                {"Active",        60  },
                {"Inactive",      90  },
		{"SwapTotal",     0   },
                {"SwapFree",      0   },
                {"Dirty",         0   },
                {"Writeback",     0   },
		{"AnonPages",     30  },
                {"Mapped",        8   },
                {"Shmem",         2   },
                {"Slab",          15  },
		{"PageTables",    1   },
                {"CommitLimit",   500 },
                {"Committed_AS",  40  },
                {"AnonHugePages", 10  },
	};
	static const char *const pages[] = {"Total", "Free", "Rsvd", "Surp"};
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; i < LEN(rows); i++)
		fprintf(f, "%s:%*llu kB\n", rows[i].name, 23 - (int)strlen(rows[i].name),
		        m->node_memory_kib * (unsigned)m->nodes * rows[i].permille / 1000);
	for (size_t i = 0; i < LEN(pages); i++)
		fprintf(f, "HugePages_%s:   %5d\n", pages[i], 0);
	fprintf(f, "Hugepagesize:       2048 kB\nHugetlb:               0 kB");
	fclose(f);
	out_file(o, 0444, text, "/proc/meminfo");
	free(text);
	out_file(o, 0444, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority", "/proc/swaps");
}

/* --- sysctls ------------------------------------------------------------------------------------------------------ */

static void put_interface_sysctls(struct out *o, const char *name)
{
	bool real = strcmp(name, "all") != 0;

	for (size_t i = 0; i < LEN(conf_sysctls); i++)
		out_file(o, conf_sysctls[i].mode, conf_sysctls[i].value, "/proc/sys/net/ipv4/conf/%s/%s", name,
		         conf_sysctls[i].name);
	for (size_t i = 0; i < LEN(neigh_sysctls) && real; i++)
		out_file(o, neigh_sysctls[i].mode, neigh_sysctls[i].value, "/proc/sys/net/ipv4/neigh/%s/%s", name,
		         neigh_sysctls[i].name);
	for (size_t i = 0; i < LEN(gc_sysctls) && strcmp(name, "default") == 0; i++)
		out_file(o, gc_sysctls[i].mode, gc_sysctls[i].value, "/proc/sys/net/ipv4/neigh/default/%s",
		         gc_sysctls[i].name);
}

/* Those whose value follows from the machine. */
static void put_machine_sysctls(struct out *o, const struct machine *m)
{
	struct cpuset all, none = {0};

	machine_all_cpus(m, &all);
	out_number(o, 0644, m->nodes > 1, "/proc/sys/kernel/numa_balancing");
	out_number(o, m->is_virtual ? 0444 : 0644, !m->is_virtual, "/proc/sys/kernel/nmi_watchdog");
	out_file(o, 0644, list_text(&all), "/proc/sys/kernel/watchdog_cpumask");
	out_number(o, 0444, 0, "/proc/sys/kernel/tainted");
	out_number(o, 0644, (long long)(m->node_memory_kib * (unsigned)m->nodes / 128), "/proc/sys/kernel/threads-max");
	out_file(o, 0644, mask_text(&none, (unsigned)machine_cpus(m)), "/proc/sys/net/core/flow_limit_cpu_bitmap");
	if (m->version >= 603)
		out_file(o, 0644, mask_text(&none, (unsigned)machine_cpus(m)), "/proc/sys/net/core/rps_default_mask");
}

static void put_sysctls(struct out *o, const struct machine *m)
{
	for (size_t i = 0; i < LEN(sysctls); i++)
		if (m->version >= sysctls[i].since && (sysctls[i].until == 0 || m->version < sysctls[i].until))
			out_file(o, sysctls[i].mode, sysctls[i].value, "/proc/sys/%s", sysctls[i].name);
	put_machine_sysctls(o, m);
	put_interface_sysctls(o, "all");
	put_interface_sysctls(o, "default");
	put_interface_sysctls(o, "lo");
	for (size_t i = 0; i < m->n_devices; i++)
		if (m->devices[i].ifname != NULL)
			put_interface_sysctls(o, m->devices[i].ifname);
}

/* --- files that are the same on many machines --------------------------------------------------------------------- */

struct row {
	const char *path;
	unsigned mode;
	int since, until;
	const char *value;
};

#define THP "/sys/kernel/mm/transparent_hugepage/"
#define KSM "/sys/kernel/mm/ksm/"
#define POOL "/sys/kernel/mm/hugepages/hugepages-"

/* clang-format off */
static const struct row rows[] = {
	{THP "enabled", 0644, 0, 0, "[always] madvise never"},
	{THP "defrag", 0644, 0, 0, "always defer defer+madvise [madvise] never"},
	{THP "shmem_enabled", 0644, 0, 0, "always within_size advise [never] deny force"},
	{THP "use_zero_page", 0644, 0, 0, "1"},
	{THP "hpage_pmd_size", 0444, 0, 0, "2097152"},
	{THP "shrink_underused", 0644, 612, 0, "1"},
	{THP "khugepaged/defrag", 0644, 0, 0, "1"},
	{THP "khugepaged/pages_to_scan", 0644, 0, 0, "4096"},
	{THP "khugepaged/scan_sleep_millisecs", 0644, 0, 0, "10000"},
	{THP "khugepaged/alloc_sleep_millisecs", 0644, 0, 0, "60000"},
	{THP "khugepaged/max_ptes_none", 0644, 0, 0, "511"},
	{THP "khugepaged/max_ptes_swap", 0644, 0, 0, "64"},
	{THP "khugepaged/max_ptes_shared", 0644, 0, 0, "256"},
	{THP "khugepaged/pages_collapsed", 0444, 0, 0, "1283"},
	{THP "khugepaged/full_scans", 0444, 0, 0, "52"},
	{THP "hugepages-{64,128,256,512,1024}kB/enabled", 0644, 608, 0, "always inherit madvise [never]"},
	{THP "hugepages-2048kB/enabled", 0644, 608, 0, "always [inherit] madvise never"},

	{KSM "run", 0644, 0, 0, "0"},
	{KSM "pages_to_scan", 0644, 0, 0, "100"},
	{KSM "sleep_millisecs", 0644, 0, 0, "20"},
	{KSM "merge_across_nodes", 0644, 0, 0, "1"},
	{KSM "max_page_sharing", 0644, 0, 0, "256"},
	{KSM "use_zero_pages", 0644, 0, 0, "0"},
	{KSM "stable_node_chains_prune_millisecs", 0644, 0, 0, "2000"},
	{KSM "smart_scan", 0644, 607, 0, "1"},
	{KSM "advisor_mode", 0644, 608, 0, "[none] scan-time"},
	{KSM "advisor_max_cpu", 0644, 608, 0, "70"},
	{KSM "pages_shared", 0444, 0, 0, "0"},
	{KSM "pages_sharing", 0444, 0, 0, "0"},
	{KSM "full_scans", 0444, 0, 0, "0"},

	{POOL "{2048,1048576}kB/nr_hugepages", 0644, 0, 0, "0"},
	{POOL "{2048,1048576}kB/nr_hugepages_mempolicy", 0644, 0, 0, "0"},
	{POOL "{2048,1048576}kB/nr_overcommit_hugepages", 0644, 0, 0, "0"},
	{POOL "{2048,1048576}kB/free_hugepages", 0444, 0, 0, "0"},
	{POOL "{2048,1048576}kB/resv_hugepages", 0444, 0, 0, "0"},
	{POOL "{2048,1048576}kB/surplus_hugepages", 0444, 0, 0, "0"},
	{POOL "1048576kB/demote_size", 0644, 0, 0, "2048kB"},
	{POOL "1048576kB/demote", 0200, 0, 0, NULL},

	{"/sys/kernel/mm/lru_gen/enabled", 0644, 601, 0, "0x0000"},
	{"/sys/kernel/mm/lru_gen/min_ttl_ms", 0644, 601, 0, "0"},
	{"/sys/kernel/mm/numa/demotion_enabled", 0644, 0, 0, "false"},
	{"/sys/kernel/mm/swap/vma_ra_enabled", 0644, 0, 0, "true"},

	{"/sys/kernel/rcu_expedited", 0644, 0, 0, "0"},
	{"/sys/kernel/rcu_normal", 0644, 0, 0, "0"},
	{"/sys/kernel/security/lockdown", 0644, 0, 0, "[none] integrity confidentiality"},
	{"/sys/module/pcie_aspm/parameters/policy", 0644, 0, 0, "[default] performance powersave powersupersave "},
	{"/sys/module/workqueue/parameters/power_efficient", 0444, 0, 0, "N"},
	{"/sys/module/workqueue/parameters/cpu_intensive_thresh_us", 0644, 605, 0, "10000"},
	{"/sys/module/workqueue/parameters/default_affinity_scope", 0644, 606, 0, "cache"},
	{"/sys/module/zswap/parameters/enabled", 0644, 0, 0, "N"},
	{"/sys/module/rcupdate/parameters/rcu_normal_after_boot", 0444, 0, 0, "0"},
	{"/sys/module/haltpoll/parameters/guest_halt_poll_ns", 0644, 0, 0, "200000"},
	{"/sys/module/clocksource/parameters/verify_n_cpus", 0644, 0, 0, "8"},
	{"/sys/module/intel_idle/parameters/max_cstate", 0444, 0, 0, "9"},
	{"/sys/module/processor/parameters/max_cstate", 0444, 0, 0, "8"},

	{"/sys/fs/cgroup/cgroup.controllers", 0444, 0, 0, "cpuset cpu io memory hugetlb pids rdma misc"},
	{"/sys/fs/cgroup/cgroup.subtree_control", 0644, 0, 0, "cpu memory pids"},
	{"/proc/pressure/cpu", 0644, 0, 0,
	 "some avg10=0.00 avg60=0.00 avg300=0.00 total=8244901\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0"},
};
/* clang-format on */

static void put_rows(struct out *o, const struct machine *m)
{
	for (size_t i = 0; i < LEN(rows); i++)
		if (m->version >= rows[i].since && (rows[i].until == 0 || m->version < rows[i].until))
			out_file(o, rows[i].mode, rows[i].value, "%s", rows[i].path);
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

#define WQ "/sys/devices/virtual/workqueue"

static void put_workqueues(struct out *o, const struct machine *m)
{
	static const char *const names[] = {"writeback", "blkcg_punt_bio", "nvme-wq"};
	struct cpuset all, none = {0};
	char target[64];

	machine_all_cpus(m, &all);
	const char *mask = mask_text(&all, (unsigned)machine_cpus(m));
	out_file(o, 0644, mask, WQ "/cpumask");
	if (m->version >= 608) {
		out_file(o, 0444, mask, WQ "/cpumask_requested");
		out_file(o, 0444, mask_text(&none, (unsigned)machine_cpus(m)), WQ "/cpumask_isolated");
	}
	for (size_t i = 0; i < LEN(names); i++) {
		out_file(o, 0644, mask, WQ "/%s/cpumask", names[i]);
		out_number(o, 0644, 0, WQ "/%s/nice", names[i]);
		out_number(o, 0644, 256, WQ "/%s/max_active", names[i]);
		out_number(o, 0444, 0, WQ "/%s/per_cpu", names[i]);
		if (m->version >= 606) {
			out_file(o, 0644, "default (cache)", WQ "/%s/affinity_scope", names[i]);
			out_number(o, 0644, 0, WQ "/%s/affinity_strict", names[i]);
		} else {
			out_number(o, 0644, 1, WQ "/%s/numa", names[i]);
		}
		snprintf(target, sizeof(target), "../../../devices/virtual/workqueue/%s", names[i]);
		out_link(o, target, "/sys/bus/workqueue/devices/%s", names[i]);
	}
}

void machine_put_kernel(struct out *o, const struct machine *m)
{
	struct cpuset all;

	machine_all_cpus(m, &all);
	out_comment(o, "kernel");
	put_identity(o, m);
	put_cpuinfo(o, m);
	put_meminfo(o, m);
	put_sysctls(o, m);
	put_rows(o, m);
	put_workqueues(o, m);
	out_file(o, 0444, list_text(&all), "/sys/fs/cgroup/cpuset.cpus.effective");
	out_file(o, 0644, m->clocksource, "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	out_file(o, 0444, m->clocksources, "/sys/devices/system/clocksource/clocksource0/available_clocksource");
}
