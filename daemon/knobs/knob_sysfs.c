/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob sysfs: single files of /sys, and of the scheduler's debugfs, that belong to no larger kind. Must not touch a
 * file that is not in the table.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/knobs/cpukey.h"
#include "daemon/knobs/row_macros.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

extern const struct knob knob_sysfs;

#define PCI "/sys/bus/pci/devices/"
#define MCE "/sys/devices/system/machinecheck/machinecheck0/"
#define MCE_ALL "/sys/devices/system/machinecheck/machinecheck*/"
#define SCHED "/sys/kernel/debug/sched/"
#define FAIR_SERVER SCHED "fair_server/"
#define FAIR_RUNTIME "sched.fair_server.runtime_ns"
#define DEBUGFS "needs debugfs, and no lockdown"
#define UNTIL_HOTPLUG "; a CPU that goes on- or offline sets it back; " DEBUGFS
#define UNCORE "/sys/devices/system/cpu/intel_uncore_frequency/*/"

static const struct row rows[] = {
	{ OPT("clocksource.current_clocksource", 2, NOW, "what the kernel reads the time from"),
	  .path = "/sys/devices/system/clocksource/clocksource0/current_clocksource", .form = ROW_NAME, .unit = "name",
	  .offers = "/sys/devices/system/clocksource/clocksource0/available_clocksource",
	  .bounds = "one of available_clocksource", COUNTER("the time that clock_gettime(2) takes"),
	  SOURCE("Documentation/admin-guide/kernel-parameters.txt, clocksource="),
	  TRAPS("anything but tsc takes about a microsecond for each reading; a tsc that the kernel has marked "
	        "unstable is no "
	        "longer offered; the kernel takes a name it does not know without an error") },
	{ OPT("cpuidle.current_governor", 1, NOW, "what chooses the idle state"),
	  .path = "/sys/devices/system/cpu/cpuidle/current_governor", .form = ROW_NAME, .unit = "name",
	  .offers = "/sys/devices/system/cpu/cpuidle/available_governors", .bounds = "one of available_governors",
	  COUNTER("usage and time of the states in cpuidle/stateN"),
	  SOURCE("Documentation/admin-guide/pm/cpuidle.rst") },
	{ OPT("d3cold_allowed", 1, NOW, "let a PCI device lose its power while suspended"),
	  .path = PCI "*/d3cold_allowed", BOOL, COUNTER("power/runtime_status"),
	  SOURCE("Documentation/ABI/testing/sysfs-bus-pci") },
	{ OPT("lru_gen.enabled", 1, NOW,
	      "multi-generational page lists: 1 on, 2 walk page tables, 4 clear upper levels"),
	  .path = "/sys/kernel/mm/lru_gen/enabled", .form = ROW_HEX, .min = 0, .max = 7, .unit = "bits",
	  .bounds = "0x0..0x7", COUNTER("/sys/kernel/debug/lru_gen"),
	  SOURCE("Documentation/admin-guide/mm/multigen_lru.rst"),
	  TRAPS("a change moves every page from one kind of list to the other; bits that the CPU lacks read back as "
	        "0") },
	{ OPT("lru_gen.min_ttl_ms", 1, NOW, "working set that is never evicted; 0 is none"),
	  .path = "/sys/kernel/mm/lru_gen/min_ttl_ms",
	  INT_RULE(0, 600000, "ms", ROW_TICKS_MS, ", a multiple of 20"),
	  SOURCE("Documentation/admin-guide/mm/multigen_lru.rst"), TRAPS("runs out of memory rather than evict it") },
	{ OPT("machinecheck.check_interval", 3, NOW, "how often corrected machine errors are polled for; 0 is never"),
	  .path = MCE "check_interval", INT(0, 86400, "s"), COUNTER("MCP in /proc/interrupts"),
	  SOURCE("Documentation/arch/x86/x86_64/machinecheck.rst"),
	  TRAPS("one number for the whole host, whichever CPU it is written through; restarts the timer of every "
	        "CPU") },
	{ OPT("machinecheck.cmci_disabled", 3, NOW, "no interrupts for corrected machine errors"),
	  .path = MCE "cmci_disabled", BOOL, COUNTER("MCP in /proc/interrupts"),
	  SOURCE("Documentation/arch/x86/x86_64/machinecheck.rst"),
	  TRAPS("one switch for the whole host; sends an interrupt to every CPU") },
	{ OPT("machinecheck.dont_log_ce", 3, NOW, "do not log corrected machine errors"),
	  .path = MCE "dont_log_ce", BOOL, SOURCE("Documentation/arch/x86/x86_64/machinecheck.rst"),
	  TRAPS("one switch for the whole host") },
	{ OPT("machinecheck.ignore_ce", 3, NOW,
	      "neither poll for corrected machine errors nor take interrupts for them"),
	  .path = MCE "ignore_ce", BOOL, COUNTER("MCP in /proc/interrupts"),
	  SOURCE("Documentation/arch/x86/x86_64/machinecheck.rst"),
	  TRAPS("one switch for the whole host; rasdaemon and mcelog go blind; sends an interrupt to every CPU") },
	{ OPT("machinecheck.monarch_timeout", 2, NOW, "how long CPUs wait for each other in a machine check"),
	  .path = MCE "monarch_timeout", INT(0, 10000000, "us"),
	  SOURCE("Documentation/arch/x86/x86_64/machinecheck.rst"),
	  TRAPS("one number for the whole host; 0 waits for ever") },
	{ OPT("numa.demotion_enabled", 1, NOW, "move cold pages to a slower tier of memory"),
	  .path = "/sys/kernel/mm/numa/demotion_enabled", YN, COUNTER("pgdemote_* in /proc/vmstat"),
	  SOURCE("Documentation/ABI/testing/sysfs-kernel-mm-numa") },
	{ OPT("power.control", 1, NOW, "run-time power saving of a PCI device"),
	  .path = PCI "*/power/control", .form = ROW_WORD, .words = "on|auto", .unit = "word", .bounds = "on|auto",
	  COUNTER("power/runtime_status"), SOURCE("Documentation/ABI/testing/sysfs-devices-power"),
	  TRAPS("tlp, powertop and udev rules write it too") },
	{ OPT("rcu_expedited", 2, NOW, "every grace period of RCU in a hurry, with interrupts to all CPUs"),
	  .path = "/sys/kernel/rcu_expedited", BOOL, COUNTER("CAL in /proc/interrupts"),
	  SOURCE("Documentation/RCU/Design/Expedited-Grace-Periods/Expedited-Grace-Periods.rst"),
	  TRAPS("without effect while rcu_normal is 1") },
	{ OPT("rcu_normal", 2, NOW, "no grace period of RCU in a hurry"),
	  .path = "/sys/kernel/rcu_normal", BOOL, COUNTER("CAL in /proc/interrupts"),
	  SOURCE("Documentation/RCU/Design/Expedited-Grace-Periods/Expedited-Grace-Periods.rst"),
	  TRAPS("spares CPUs the interrupts; removing network devices and cgroups takes longer") },
	{ OPT("sched.base_slice_ns", 1, NOW, "time that a task runs before another one may"),
	  .path = SCHED "base_slice_ns", INT(100000, 1000000000, "ns"), COUNTER("/proc/PID/sched"),
	  SOURCE("kernel/sched/debug.c"), TRAPS("since Linux 6.6, before it min_granularity_ns" UNTIL_HOTPLUG) },
	{ OPT("sched.fair_server.period_ns", 4, NOW,
	      "time in which ordinary tasks get runtime_ns of a CPU beside SCHED_FIFO"),
	  .path = FAIR_SERVER "*/period", INT(100000, 4194304000, "ns"), COUNTER("/proc/PID/sched of ordinary tasks"),
	  SOURCE("Documentation/scheduler/sched-deadline.rst"),
	  TRAPS("since Linux 6.12; EINVAL below runtime_ns, EBUSY when deadline tasks have the time; " DEBUGFS) },
	{ OPT(FAIR_RUNTIME, 4, NOW, "time that ordinary tasks get beside SCHED_FIFO; 0 is none"),
	  .path = FAIR_SERVER "*/runtime", INT(0, 4194304000, "ns"), COUNTER("/proc/PID/sched of ordinary tasks"),
	  SOURCE("Documentation/scheduler/sched-deadline.rst"),
	  TRAPS("since Linux 6.12, where this and not kernel.sched_rt_runtime_us throttles real-time tasks; with 0 one "
	        "that spins stops all else on its CPU, kernel threads too, and the kernel says so; EINVAL above "
	        "period_ns; EBUSY for less than before, where the kernel has not counted it (6.12); " DEBUGFS) },
	{ OPT("sched.latency_ns", 1, NOW, "time within which each of a few tasks runs once"),
	  .path = SCHED "latency_ns", INT(100000, 1000000000, "ns"), COUNTER("/proc/PID/sched"),
	  SOURCE("kernel/sched/debug.c"), TRAPS("Linux 5.13 to 6.5" UNTIL_HOTPLUG) },
	{ OPT("sched.migration_cost_ns", 1, NOW, "time for which a task counts as warm in its cache"),
	  .path = SCHED "migration_cost_ns", INT(0, 1000000000, "ns"), COUNTER("nr_migrations in /proc/PID/sched"),
	  SOURCE("kernel/sched/debug.c"), TRAPS("without effect on isolated CPUs; " DEBUGFS) },
	{ OPT("sched.min_granularity_ns", 1, NOW, "time that a task runs before another one may"),
	  .path = SCHED "min_granularity_ns", INT(100000, 1000000000, "ns"), COUNTER("/proc/PID/sched"),
	  SOURCE("kernel/sched/debug.c"), TRAPS("Linux 5.13 to 6.5, since then base_slice_ns" UNTIL_HOTPLUG) },
	{ OPT("sched.nr_migrate", 1, NOW, "tasks that one round of balancing moves, with interrupts off"),
	  .path = SCHED "nr_migrate", INT(1, 1024, "tasks"), COUNTER("nr_migrations in /proc/PID/sched"),
	  SOURCE("kernel/sched/debug.c"), TRAPS(DEBUGFS) },
	{ OPT("sched.preempt", 1, NOW, "where the kernel lets itself be interrupted by another task"),
	  .path = SCHED "preempt", SELECT("none|voluntary|full|lazy"), COUNTER("cyclictest"),
	  SOURCE("Documentation/admin-guide/kernel-parameters.txt, preempt="),
	  TRAPS("kernels with PREEMPT_DYNAMIC; lazy since Linux 6.13; " DEBUGFS) },
	{ OPT("sched.wakeup_granularity_ns", 1, NOW, "how far behind a waking task has to be to run at once"),
	  .path = SCHED "wakeup_granularity_ns", INT(0, 1000000000, "ns"), COUNTER("/proc/PID/sched"),
	  SOURCE("kernel/sched/debug.c"), TRAPS("Linux 5.13 to 6.5" UNTIL_HOTPLUG) },
	{ OPT("swap.vma_ra_enabled", 1, NOW, "read ahead from swap by address"),
	  .path = "/sys/kernel/mm/swap/vma_ra_enabled", YN, COUNTER("swap_ra in /proc/vmstat"),
	  SOURCE("Documentation/ABI/testing/sysfs-kernel-mm-swap") },
	{ OPT("uncore.max_freq_khz", 1, NOW, "highest frequency of what is outside the cores (Intel)"),
	  .path = UNCORE "max_freq_khz", INT_RULE(400000, 12700000, "kHz", ROW_MULTIPLE, ", a multiple of 100000"),
	  .step = 100000, COUNTER("current_freq_khz"), .changes = "sysfs:* uncore.max_freq_khz",
	  SOURCE("Documentation/admin-guide/pm/intel_uncore_frequency_scaling.rst"),
	  TRAPS("a write to a package sets all of its clusters; shares its power with the cores; initial_max_freq_khz "
	        "is what "
	        "the firmware said") },
	{ OPT("uncore.min_freq_khz", 1, NOW, "lowest frequency of what is outside the cores (Intel)"),
	  .path = UNCORE "min_freq_khz", INT_RULE(400000, 12700000, "kHz", ROW_MULTIPLE, ", a multiple of 100000"),
	  .step = 100000, COUNTER("current_freq_khz"), .changes = "sysfs:* uncore.min_freq_khz",
	  SOURCE("Documentation/admin-guide/pm/intel_uncore_frequency_scaling.rst"),
	  TRAPS("a write to a package sets all of its clusters; takes power from the cores; initial_min_freq_khz is "
	        "what the "
	        "firmware said") },
};

static const struct row_table table = { "sysfs", rows, ARRAY_LEN(rows) };

/* --- PCI devices by address, or by driver ------------------------------------------------------------------------- */

static bool matches_text(const char *selector, const char *text)
{
	return str_is_pattern(selector) ? str_match(selector, text) : str_eq(selector, text);
}

static bool matches_pci(const struct knob_ctx *c, const char *selector, const char *address)
{
	CLEANUP(mem_freep) char *path = str_printf(PCI "%s/driver", address);
	CLEANUP(strbuf_done) struct strbuf driver = {0};

	if (matches_text(selector, address))
		return true;
	return path && fsio_link_name(c->fs, path, &driver, NULL) == 0 && matches_text(selector, strbuf_str(&driver));
}

static bool matches_plain(const struct knob_ctx *c, const char *selector, const char *instance)
{
	(void)c;
	return matches_text(selector, instance);
}

/* "cpu2", of the CPUs in the selector. */
static bool matches_cpu(const struct knob_ctx *c, const char *selector, const char *instance)
{
	struct cpuset cpus;
	int64_t cpu;

	return str_starts(instance, "cpu") && num_parse_range(instance + 3, 0, CPUSET_MAX - 1, &cpu) == 0 &&
	       cpukey_select(c, selector, &cpus, NULL) == 0 && cpuset_has(&cpus, (unsigned)cpu);
}

static int sysfs_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                      struct hft_err *err)
{
	const struct row *row = row_find(&table, option);
	struct cpuset cpus;

	if (!row || !str_starts(row->path, FAIR_SERVER))
		return row_list_matching(&table, c, selector, option,
		                         row && str_starts(row->path, PCI) ? matches_pci : matches_plain, ret, err);
	int r = cpukey_select(c, selector, &cpus, err);
	return r < 0 ? r : row_list_matching(&table, c, selector, option, matches_cpu, ret, err);
}

static int sysfs_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                       struct strbuf *ret, struct hft_err *err)
{
	return row_parse(&table, c, key, option, value, ret, err);
}

static int sysfs_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	return row_read(&table, c, key, ret, err);
}

/* In a copied tree: the variables of machinecheck are one for all CPUs, each of which shows them. */
static int mirror_machinecheck(const struct knob_ctx *c, const struct row *row, const char *value, struct hft_err *err)
{
	CLEANUP(mem_freep) char *pattern = str_printf(MCE_ALL "%s", row->path + strlen(MCE));
	CLEANUP(strlist_done) struct strlist names = {0};
	CLEANUP(strbuf_done) struct strbuf path = {0};
	struct row each = *row;
	struct row_ref ref = { .row = &each };

	if (!pattern)
		return err_oom(err);
	each.path = pattern;
	int r = row_instances(c, &each, &names, err);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		snprintf(ref.instance, sizeof(ref.instance), "%s", names.s[i]);
		strbuf_reset(&path);
		row_path(&ref, &path);
		if (path.oom)
			r = err_oom(err);
		else if (fsio_exists(c->fs, strbuf_str(&path)))
			r = row_value_write(c, row, strbuf_str(&path), value, err);
	}
	return r;
}

static int sysfs_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	struct row_ref ref;
	int r = row_write(&table, c, key, value, err);

	/* __dl_overflow(): what is taken away was never added. */
	if (r == -EBUSY && str_ends(key, FAIR_RUNTIME))
		return err_raise(err, ERR_NOT_APPLICABLE, EOPNOTSUPP, key,
		                 "refused (EBUSY): Linux 6.12 does not count its own servers, and takes nothing from them");
	if (r < 0 || !c->copied)
		return r;
	r = row_of_key(&table, key, &ref, err);
	return r == 0 && str_starts(ref.row->path, MCE) ? mirror_machinecheck(c, ref.row, value, err) : r;
}

static int sysfs_coupled(const struct knob_ctx *c, const char *key,
                         int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                         struct hft_err *err)
{
	return row_coupled(&table, c, key, add, data, err);
}

static int sysfs_explain(size_t i, struct knob_doc *ret)
{
	return row_explain(&table, i, ret);
}

const struct knob knob_sysfs = {
	.name = "sysfs",
	.summary = "single switches of the kernel below /sys",
	.selector = "PCI address or driver, package of the uncore, a pattern of them, or cpulist; empty where there is "
	            "only one",
	.list = sysfs_list,
	.parse = sysfs_parse,
	.read = sysfs_read,
	.write = sysfs_write,
	.coupled = sysfs_coupled,
	.explain = sysfs_explain,
};
