/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel and the machine have, for `host` and `doctor`: a row per facility, what to look at, and what it means
 * for hfttune. Must not decide anything: whether one tunable exists is the answer of its own file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/parts.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct feature_row {
	const char *name;
	bool (*is_present)(const struct host *h, const char *arg);
	const char *arg;     /* path, or path and what to find in it, separated by a blank */
	const char *present; /* what it means when it is there */
	const char *absent;  /* and when it is not */
};

/* --- ways to look ------------------------------------------------------------------------------------------------- */

static bool has_path(const struct host *h, const char *path)
{
	return fsio_exists(h->fs, path);
}

/* "DIR PREFIX": an entry of DIR begins with PREFIX. */
static bool has_entry(const struct host *h, const char *arg)
{
	CLEANUP(strlist_done) struct strlist parts = {0};
	CLEANUP(strlist_done) struct strlist names = {0};

	if (strlist_split(&parts, arg, " ") < 0 || parts.n != 2 || fsio_list(h->fs, parts.s[0], &names, NULL) < 0)
		return false;
	for (size_t i = 0; i < names.n; i++)
		if (str_starts(names.s[i], parts.s[1]))
			return true;
	return false;
}

/* "FILE WORD": WORD is one of the words of FILE. */
static bool has_word(const struct host *h, const char *arg)
{
	CLEANUP(strlist_done) struct strlist parts = {0};
	CLEANUP(strlist_done) struct strlist words = {0};
	CLEANUP(strbuf_done) struct strbuf b = {0};

	return strlist_split(&parts, arg, " ") == 0 && parts.n == 2 && fsio_probe(h->fs, parts.s[0], &b) == 0 &&
	       strlist_split(&words, strbuf_str(&b), " \t\n") == 0 && strlist_has(&words, parts.s[1]);
}

/* "notsupported" is a machine without threads, "notimplemented" a kernel that cannot switch them. */
static bool has_smt_control(const struct host *h, const char *path)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};

	return fsio_probe(h->fs, path, &b) == 0 && !str_starts(strbuf_str(&b), "not");
}

static bool has_several_nodes(const struct host *h, const char *arg)
{
	(void)arg;
	return h->n_nodes > 1;
}

static bool has_managed_mode(const struct host *h, const char *arg)
{
	(void)arg;
	return host_kernel_at_least(h, 6, 12);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define CPU_FILE(name) HOST_CPU_DIR "/" name

/* clang-format off */
static const struct feature_row rows[] = {
	{"cpufreq", has_entry, CPU_FILE("cpufreq policy"),
	 "governors and frequency limits can be set", "no frequency driver: governors are not applicable"},
	{"intel_pstate", has_path, CPU_FILE("intel_pstate/status"),
	 "turbo and performance limits are global files", "turbo is in cpufreq/boost, if anywhere"},
	{"amd_pstate", has_path, CPU_FILE("amd_pstate/status"),
	 "the driver's mode can be switched", "no amd-pstate driver with modes"},
	{"epb", has_path, CPU_FILE("cpu0/power/energy_perf_bias"),
	 "energy bias can be set for each CPU", "the CPU has no energy bias, or hides it"},
	{"cpuidle", has_path, CPU_FILE("cpu0/cpuidle/state0"),
	 "idle states can be disabled one by one", "no idle driver: idle states are not applicable"},
	{"pm-qos-cpu", has_path, CPU_FILE("cpu0/power/pm_qos_resume_latency_us"),
	 "wake-up latency can be bounded for each CPU", "wake-up latency can be bounded for all CPUs only"},
	{"pm-qos", has_path, "/dev/cpu_dma_latency",
	 "wake-up latency can be bounded while a descriptor is held", "no global bound on wake-up latency"},
	{"smt", has_smt_control, CPU_FILE("smt/control"),
	 "SMT can be switched off at run time", "one thread per core, or SMT cannot be switched"},
	{"nohz_full", has_path, CPU_FILE("nohz_full"),
	 "the tick can be stopped with a boot parameter", "the kernel is built without NO_HZ_FULL"},
	{"isolcpus", has_path, CPU_FILE("isolated"),
	 "CPUs can be isolated with a boot parameter", "the kernel is built without CPU_ISOLATION"},
	{"managed-irq-mode", has_managed_mode, NULL,
	 "managed interrupts show as files without a write bit", "managed interrupts show only when a write fails"},
	{"numa", has_several_nodes, NULL,
	 "memory and devices have a place", "one node: placement of memory makes no difference"},
	{"numa-balancing", has_path, "/proc/sys/kernel/numa_balancing",
	 "pages may be moved between nodes unless it is off", "the kernel does not move pages between nodes"},
	{"thp", has_path, "/sys/kernel/mm/transparent_hugepage/enabled",
	 "transparent huge pages can be set", "the kernel is built without transparent huge pages"},
	{"ksm", has_path, "/sys/kernel/mm/ksm/run",
	 "page merging can be stopped", "the kernel does not merge pages"},
	{"hugepages-2m", has_path, "/sys/kernel/mm/hugepages/hugepages-2048kB",
	 "2 MiB pages can be reserved", "no pool of 2 MiB pages"},
	{"hugepages-1g", has_path, "/sys/kernel/mm/hugepages/hugepages-1048576kB",
	 "1 GiB pages can be reserved, best at boot", "no pool of 1 GiB pages"},
	{"lru_gen", has_path, "/sys/kernel/mm/lru_gen/enabled",
	 "the multi-generational LRU can be set", "the kernel has the classic LRU only"},
	{"workqueue", has_path, "/sys/devices/virtual/workqueue/cpumask",
	 "unbound workqueues can be kept off CPUs", "unbound workqueues cannot be moved"},
	{"watchdog-cpumask", has_path, "/proc/sys/kernel/watchdog_cpumask",
	 "lockup detectors can be kept off CPUs", "no lockup detector to move"},
	{"mce", has_entry, "/sys/devices/system/machinecheck machinecheck",
	 "polling for corrected errors can be stopped", "no machine-check files: nothing polls, or the host does"},
	{"cgroup2", has_path, "/sys/fs/cgroup/cgroup.controllers",
	 "slices and partitions can hold CPUs", "no unified hierarchy: partitions are not applicable"},
	{"cgroup2-cpuset", has_word, "/sys/fs/cgroup/cgroup.controllers cpuset",
	 "AllowedCPUs= and partitions work", "AllowedCPUs= and partitions have no effect"},
	{"resctrl", has_path, "/sys/fs/resctrl",
	 "cache and memory bandwidth can be partitioned", "the CPU or the kernel cannot partition the cache"},
	{"psi", has_path, "/proc/pressure/cpu",
	 "pressure is measured, at a small cost per switch", "pressure is not measured"},
	{"systemd", has_path, "/run/systemd/system",
	 "services can be tuned, descriptors survive a restart", "services are not applicable"},
};
/* clang-format on */

int host_read_features(struct host *h, struct hft_err *err)
{
	if (h->features_read)
		return 0;
	h->features = calloc(ARRAY_LEN(rows), sizeof(*h->features));
	if (h->features == NULL)
		return err_oom(err);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool present = rows[i].is_present(h, rows[i].arg);
		h->features[i] = (struct host_feature){
			.name = rows[i].name,
			.present = present,
			.note = present ? rows[i].present : rows[i].absent,
		};
	}
	h->n_features = ARRAY_LEN(rows);
	h->features_read = true;
	return 0;
}
