/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUs and nodes of a made-up machine: lists, topology, caches, frequency and idle drivers, memory. */
#include <string.h>

#include "tests/tools/machine.h"

#define CPU "/sys/devices/system/cpu"
#define NODE "/sys/devices/system/node"

/* --- lists and switches ------------------------------------------------------------------------------------------- */

static void put_lists(struct out *o, const struct machine *m)
{
	struct cpuset all;

	machine_all_cpus(m, &all);
	out_file(o, 0444, list_text(&all), CPU "/online");
	out_file(o, 0444, list_text(&all), CPU "/present");
	out_file(o, 0444, list_text(&all), CPU "/possible");
	out_file(o, 0444, "", CPU "/offline");
	out_number(o, 0444, 8191, CPU "/kernel_max");
	out_file(o, 0444, m->isolated, CPU "/isolated");
	if (m->nohz_full != NULL)
		out_file(o, 0444, m->nohz_full[0] != '\0' ? m->nohz_full : "(null)", CPU "/nohz_full");
	out_file(o, 0644, m->smt_control, CPU "/smt/control");
	out_number(o, 0444, m->threads > 1, CPU "/smt/active");
}

static void put_vulnerabilities(struct out *o, const struct machine *m)
{
	bool amd = strcmp(m->vendor, "AuthenticAMD") == 0;

	out_file(o, 0444, "Not affected", CPU "/vulnerabilities/l1tf");
	out_file(o, 0444, "Not affected", CPU "/vulnerabilities/mds");
	out_file(o, 0444, "Not affected", CPU "/vulnerabilities/meltdown");
	out_file(o, 0444, amd ? "Mitigation: safe RET" : "Not affected", CPU "/vulnerabilities/spec_rstack_overflow");
	out_file(o, 0444, "Mitigation: usercopy/swapgs barriers and __user pointer sanitization",
	         CPU "/vulnerabilities/spectre_v1");
	out_file(o, 0444,
	         amd ? "Mitigation: Retpolines; IBPB: conditional; IBRS_FW; STIBP: always-on; RSB filling"
	             : "Mitigation: Enhanced / Automatic IBRS; IBPB: conditional; RSB filling",
	         CPU "/vulnerabilities/spectre_v2");
}

/* --- topology ----------------------------------------------------------------------------------------------------- */

/* A set and its mask, for all members at once: the text of a list is also what stands between braces. */
static void put_shared(struct out *o, const struct machine *m, const struct cpuset *set, const char *list_file,
                       const char *mask_file)
{
	const char *list = list_text(set);

	out_file(o, 0444, list, CPU "/cpu{%s}/%s", list, list_file);
	if (mask_file != NULL)
		out_file(o, 0444, mask_text(set, (unsigned)machine_cpus(m)), CPU "/cpu{%s}/%s", list, mask_file);
}

static void put_packages(struct out *o, const struct machine *m)
{
	struct cpuset set;

	for (int p = 0; p < m->packages; p++) {
		machine_threads(m, p * m->cores, (p + 1) * m->cores, &set);
		const char *cpus = list_text(&set);
		out_number(o, 0444, p, CPU "/cpu{%s}/topology/physical_package_id", cpus);
		out_number(o, 0444, 0, CPU "/cpu{%s}/topology/die_id", cpus);
		put_shared(o, m, &set, "topology/core_siblings_list", "topology/core_siblings");
		put_shared(o, m, &set, "topology/package_cpus_list", NULL);
	}
}

static void put_cores(struct out *o, const struct machine *m)
{
	struct cpuset set;

	for (int c = 0; c < machine_cores(m); c++) {
		machine_threads(m, c, c + 1, &set);
		out_number(o, 0444, c % m->cores, CPU "/cpu{%s}/topology/core_id", list_text(&set));
		put_shared(o, m, &set, "topology/thread_siblings_list", "topology/thread_siblings");
		put_shared(o, m, &set, "topology/core_cpus_list", NULL);
	}
}

static void put_caches(struct out *o, const struct machine *m)
{
	struct cpuset set;

	if (m->cores_per_l3 == 0)
		return;
	for (int c = 0; c < machine_cores(m); c += m->cores_per_l3) {
		int end = c + m->cores_per_l3;
		machine_threads(m, c, end < machine_cores(m) ? end : machine_cores(m), &set);
		const char *cpus = list_text(&set);
		out_number(o, 0444, c / m->cores_per_l3, CPU "/cpu{%s}/cache/index3/id", cpus);
		put_shared(o, m, &set, "cache/index3/shared_cpu_list", "cache/index3/shared_cpu_map");
	}
	machine_all_cpus(m, &set);
	const char *all = list_text(&set);
	out_number(o, 0444, 3, CPU "/cpu{%s}/cache/index3/level", all);
	out_file(o, 0444, "Unified", CPU "/cpu{%s}/cache/index3/type", all);
	out_file(o, 0444, m->l3_size, CPU "/cpu{%s}/cache/index3/size", all);
}

/* --- power -------------------------------------------------------------------------------------------------------- */

static void put_intel_pstate(struct out *o, const struct machine *m, const char *all)
{
	out_file(o, 0644, "active", CPU "/intel_pstate/status");
	out_number(o, 0644, 0, CPU "/intel_pstate/no_turbo");
	out_number(o, 0644, 100, CPU "/intel_pstate/max_perf_pct");
	out_number(o, 0644, 100LL * m->min_khz / m->max_khz, CPU "/intel_pstate/min_perf_pct");
	out_number(o, 0644, 0, CPU "/intel_pstate/hwp_dynamic_boost");
	out_number(o, 0444, 28, CPU "/intel_pstate/num_pstates");
	out_number(o, 0444, 40, CPU "/intel_pstate/turbo_pct");
	out_file(o, 0644, "balance_performance", CPU "/cpufreq/policy{%s}/energy_performance_preference", all);
	out_file(o, 0444, "default performance balance_performance balance_power power ",
	         CPU "/cpufreq/policy{%s}/energy_performance_available_preferences", all);
	out_number(o, 0444, m->base_khz, CPU "/cpufreq/policy{%s}/base_frequency", all);
	out_number(o, 0644, 6, CPU "/cpu{%s}/power/energy_perf_bias", all);
	for (int p = 0; p < m->packages; p++) {
		static const char *const files[] = {"min", "max"};
		for (int i = 0; i < 2; i++) {
			out_number(o, 0644, i == 0 ? 800000 : 2200000,
			           CPU "/intel_uncore_frequency/package_%02d_die_00/%s_freq_khz", p, files[i]);
			out_number(o, 0444, i == 0 ? 800000 : 2200000,
			           CPU "/intel_uncore_frequency/package_%02d_die_00/initial_%s_freq_khz", p, files[i]);
		}
	}
}

static void put_amd_pstate(struct out *o, const struct machine *m, const char *all)
{
	out_number(o, 0644, 1, CPU "/cpufreq/boost");
	out_number(o, 0444, m->max_khz, CPU "/cpufreq/policy{%s}/amd_pstate_max_freq", all);
	out_number(o, 0444, 166, CPU "/cpufreq/policy{%s}/amd_pstate_highest_perf", all);
	out_number(o, 0444, m->base_khz / 1000, CPU "/cpu{%s}/acpi_cppc/nominal_freq", all); /* MHz */
	out_number(o, 0444, 166, CPU "/cpu{%s}/acpi_cppc/highest_perf", all);
	out_number(o, 0444, 104, CPU "/cpu{%s}/acpi_cppc/nominal_perf", all);
	out_number(o, 0444, 1720000, CPU "/cpufreq/policy{%s}/amd_pstate_lowest_nonlinear_freq", all);
}

static void put_cpufreq(struct out *o, const struct machine *m, const char *all)
{
	bool intel = m->cpufreq_driver != NULL && strcmp(m->cpufreq_driver, "intel_pstate") == 0;

	out_dir(o, CPU "/cpufreq");
	if (m->cpufreq_driver == NULL)
		return;
	if (intel)
		put_intel_pstate(o, m, all);
	else
		put_amd_pstate(o, m, all);
	for (int cpu = 0; cpu < machine_cpus(m); cpu++) {
		char target[64];
		snprintf(target, sizeof(target), "../cpufreq/policy%d", cpu);
		out_link(o, target, CPU "/cpu%d/cpufreq", cpu);
		out_number(o, 0444, cpu, CPU "/cpufreq/policy%d/affected_cpus", cpu);
		out_number(o, 0444, cpu, CPU "/cpufreq/policy%d/related_cpus", cpu);
	}
	out_file(o, 0444, m->cpufreq_driver, CPU "/cpufreq/policy{%s}/scaling_driver", all);
	out_file(o, 0644, intel ? "powersave" : "schedutil", CPU "/cpufreq/policy{%s}/scaling_governor", all);
	out_file(o, 0444,
	         intel ? "performance powersave" : "conservative ondemand userspace powersave performance schedutil ",
	         CPU "/cpufreq/policy{%s}/scaling_available_governors", all);
	out_file(o, 0644, "<unsupported>", CPU "/cpufreq/policy{%s}/scaling_setspeed", all);
	out_number(o, 0644, m->min_khz, CPU "/cpufreq/policy{%s}/scaling_min_freq", all);
	out_number(o, 0644, m->max_khz, CPU "/cpufreq/policy{%s}/scaling_max_freq", all);
	out_number(o, 0444, m->base_khz, CPU "/cpufreq/policy{%s}/scaling_cur_freq", all);
	out_number(o, 0444, m->min_khz, CPU "/cpufreq/policy{%s}/cpuinfo_min_freq", all);
	out_number(o, 0444, m->max_khz, CPU "/cpufreq/policy{%s}/cpuinfo_max_freq", all);
	out_number(o, 0444, intel ? 0 : 20000, CPU "/cpufreq/policy{%s}/cpuinfo_transition_latency", all);
}

static void put_idle_state(struct out *o, const struct idle_state *s, int i, const char *all)
{
	out_file(o, 0444, s->name, CPU "/cpu{%s}/cpuidle/state%d/name", all, i);
	out_file(o, 0444, s->desc, CPU "/cpu{%s}/cpuidle/state%d/desc", all, i);
	out_number(o, 0444, s->latency_us, CPU "/cpu{%s}/cpuidle/state%d/latency", all, i);
	out_number(o, 0444, s->residency_us, CPU "/cpu{%s}/cpuidle/state%d/residency", all, i);
	out_number(o, 0644, 0, CPU "/cpu{%s}/cpuidle/state%d/disable", all, i);
	out_file(o, 0444, "enabled", CPU "/cpu{%s}/cpuidle/state%d/default_status", all, i);
	out_number(o, 0444, 104729 * (i + 1), CPU "/cpu{%s}/cpuidle/state%d/usage", all, i);
	out_number(o, 0444, 15485863 * (i + 1), CPU "/cpu{%s}/cpuidle/state%d/time", all, i);
}

static void put_cpuidle(struct out *o, const struct machine *m, const char *all)
{
	out_file(o, 0444, m->idle_driver != NULL ? m->idle_driver : "none", CPU "/cpuidle/current_driver");
	out_file(o, 0644, m->idle_governor, CPU "/cpuidle/current_governor");
	out_file(o, 0444, m->idle_governor, CPU "/cpuidle/current_governor_ro");
	out_file(o, 0444, "ladder menu ", CPU "/cpuidle/available_governors");
	for (int i = 0; i < MACHINE_MAX_STATES && m->states[i].name != NULL; i++)
		put_idle_state(o, &m->states[i], i, all);
}

static void put_mce(struct out *o, const char *all)
{
	static const struct {
		const char *name, *value;
	} files[] = {
		{"check_interval",  "300"},
                {"cmci_disabled",   "0"  },
                {"dont_log_ce",     "0"  },
		{"ignore_ce",       "0"  },
                {"monarch_timeout", "0"  },
                {"print_all",       "0"  },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		out_file(o, 0644, files[i].value, "/sys/devices/system/machinecheck/machinecheck{%s}/%s", all,
		         files[i].name);
}

void machine_put_cpus(struct out *o, const struct machine *m)
{
	struct cpuset set;

	out_comment(o, "CPUs");
	put_lists(o, m);
	put_vulnerabilities(o, m);
	put_packages(o, m);
	put_cores(o, m);
	put_caches(o, m);

	machine_all_cpus(m, &set);
	char *all = strdup(list_text(&set));
	out_number(o, 0644, 0, CPU "/cpu{%s}/power/pm_qos_resume_latency_us", all);
	out_file(o, 0644, "auto", CPU "/cpu{%s}/power/control", all);
	put_cpufreq(o, m, all);
	put_cpuidle(o, m, all);
	if (m->has_mce)
		put_mce(o, all);
	cpuset_remove(&set, 0); /* the boot CPU cannot go offline */
	if (!cpuset_is_empty(&set))
		out_number(o, 0644, 1, CPU "/cpu{%s}/online", list_text(&set));
	free(all);
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

static void put_node_memory(struct out *o, const struct machine *m, int node)
{
	static const struct {
		const char *name;
		unsigned permille; /* of the memory */
	} rows[] = {
		{"MemTotal",      1000},
                {"MemFree",       800 },
                {"MemUsed",       200 },
                {"SwapCached",    0   },
                {"Active",        60  },
		{"Inactive",      90  },
                {"Dirty",         0   },
                {"Writeback",     0   },
                {"FilePages",     120 },
                {"AnonPages",     30  },
		{"Shmem",         2   },
                {"KernelStack",   0   },
                {"PageTables",    1   },
                {"Slab",          15  },
                {"AnonHugePages", 10  },
	};
	static const char *const pages[] = {"Total", "Free", "Surp"};
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(f, "Node %d %s:%*llu kB\n", node, rows[i].name, 23 - (int)strlen(rows[i].name),
		        m->node_memory_kib * rows[i].permille / 1000);
	for (int i = 0; i < 3; i++)
		fprintf(f, "Node %d HugePages_%s: %5d%s", node, pages[i], 0, i < 2 ? "\n" : "");
	fclose(f);
	out_file(o, 0444, text, NODE "/node%d/meminfo", node);
	free(text);
}

static void put_node_hugepages(struct out *o, const char *nodes)
{
	static const char *const sizes[] = {"2048kB", "1048576kB"};

	for (int i = 0; i < 2; i++) {
		out_number(o, 0644, 0, NODE "/node{%s}/hugepages/hugepages-%s/nr_hugepages", nodes, sizes[i]);
		out_number(o, 0444, 0, NODE "/node{%s}/hugepages/hugepages-%s/free_hugepages", nodes, sizes[i]);
		out_number(o, 0444, 0, NODE "/node{%s}/hugepages/hugepages-%s/surplus_hugepages", nodes, sizes[i]);
	}
}

static void put_node(struct out *o, const struct machine *m, int node)
{
	struct cpuset set;
	char distance[512];
	size_t len = 0;

	machine_node_cpus(m, node, &set);
	out_file(o, 0444, list_text(&set), NODE "/node%d/cpulist", node);
	out_file(o, 0444, mask_text(&set, (unsigned)machine_cpus(m)), NODE "/node%d/cpumap", node);
	for (int n = 0; n < m->nodes; n++) {
		int per_package = m->nodes / m->packages > 0 ? m->nodes / m->packages : 1;
		int d = n == node ? 10 : n / per_package == node / per_package ? 12 : 21;
		len += (size_t)snprintf(distance + len, sizeof(distance) - len, "%s%d", n > 0 ? " " : "", d);
	}
	out_file(o, 0444, distance, NODE "/node%d/distance", node);
	out_file(o, 0200, NULL, NODE "/node%d/compact", node);
	out_file(o, 0444,
	         "numa_hit 48261733\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 6044\n"
	         "local_node 47918222\nother_node 343511",
	         NODE "/node%d/numastat", node);
	put_node_memory(o, m, node);
}

void machine_put_nodes(struct out *o, const struct machine *m)
{
	struct cpuset nodes = {0};
	char target[64];

	for (int n = 0; n < m->nodes; n++)
		cpuset_add(&nodes, (unsigned)n);
	out_comment(o, "NUMA nodes");
	out_file(o, 0444, list_text(&nodes), NODE "/online");
	out_file(o, 0444, list_text(&nodes), NODE "/possible");
	out_file(o, 0444, list_text(&nodes), NODE "/has_cpu");
	out_file(o, 0444, list_text(&nodes), NODE "/has_memory");
	for (int n = 0; n < m->nodes; n++)
		put_node(o, m, n);
	put_node_hugepages(o, list_text(&nodes));
	for (int n = 0; n < m->nodes; n++) {
		struct cpuset cpus;
		machine_node_cpus(m, n, &cpus);
		snprintf(target, sizeof(target), "../../node/node%d", n);
		out_link(o, target, CPU "/cpu{%s}/node%d", list_text(&cpus), n);
	}
}
