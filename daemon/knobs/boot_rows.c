/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel parameters that a profile may name (knobs.md, section 1). What is not here cannot be written: nothing that
 * says what is booted, from where, or who may load what (threats.md, I4).
 */
#include <string.h>

#include "daemon/knobs/boot.h"
#include "lib/base/cpuset.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define KP "Documentation/admin-guide/kernel-parameters.txt, "
#define PM "Documentation/admin-guide/pm/"
#define NAMED(name) .option = name, .prefix = name "="
#define CPUS .form = BOOT_CPUS, .unit = "cpulist", .bounds = "CPUs that are present"
#define FLAG(name) .option = name, .prefix = name, .form = BOOT_FLAG, .unit = "flag", .bounds = "yes"
#define INT(lo, hi, of) .form = BOOT_INT, .min = lo, .max = hi, .unit = of, .bounds = #lo ".." #hi
#define BOOL INT(0, 1, "bool")
#define WORD(list) .form = BOOT_WORD, .words = list, .unit = "word", .bounds = list
#define WORDS(list) .form = BOOT_WORDS, .words = list, .unit = "words", .bounds = "some of " list
#define PAGES(name, of, kib)                                                                                           \
	.option = "hugepages." name, .prefix = "hugepagesz=" name " hugepages=", .form = BOOT_PAGES, .min = kib,       \
	.unit = "pages of " of, .bounds = "N, or NODE:N,...; what leaves a tenth of the memory, and 1 GiB",            \
	.effect = "/sys/kernel/mm/hugepages/hugepages-" #kib "kB/nr_hugepages",                                        \
	.counter = "HugePages_Total of /sys/devices/system/node/node*/meminfo"
#define SYSCTL "/proc/sys/kernel/"
#define MODULE(m, p) "/sys/module/" m "/parameters/" p
#define CPU_DIR "/sys/devices/system/cpu/"
#define LOST(what) .traps = what " is lost"

const struct boot_row boot_rows[] = {
	/* --- CPUs for the work that matters --- */
	{ NAMED("isolcpus"), .form = BOOT_ISOLCPUS, .unit = "flags and cpulist",
	  .bounds = "flags of managed_irq,domain,nohz, then CPUs that are present", .isolates = true, .risk = 2,
	  .effect = CPU_DIR "isolated", .summary = "keep the scheduler's balancing off these CPUs",
	  .counter = "nr_migrations of other tasks in /proc/sched_debug", .source = KP "isolcpus=",
	  .traps = "flags replace the default: isolcpus=managed_irq,4 alone isolates nothing, write managed_irq,domain,4; "
		   "nobody balances inside the set: threads of one service pile up on its first CPU" },
	{ NAMED("nohz_full"), CPUS, .isolates = true, .risk = 3, .effect = CPU_DIR "nohz_full",
	  .summary = "no tick on these CPUs while one task runs", .counter = "LOC in /proc/interrupts",
	  .source = "Documentation/timers/no_hz.rst",
	  .traps = "to be had at boot alone; a second runnable task, a POSIX CPU timer or a perf event brings the tick "
		   "back; system calls become slower" },
	{ NAMED("rcu_nocbs"), CPUS, .risk = 1, .summary = "callbacks of RCU run elsewhere",
	  .counter = "RCU in /proc/softirqs", .source = KP "rcu_nocbs=", .traps = "implied by nohz_full for its CPUs" },
	{ FLAG("rcu_nocb_poll"), .risk = 1, .summary = "the threads of rcu_nocbs poll and need no wake-up",
	  .counter = "CPU time of rcuog/N", .source = KP "rcu_nocb_poll", .traps = "keeps a housekeeping CPU busy" },
	{ NAMED("irqaffinity"), CPUS, .risk = 1, .summary = "where interrupts go that nobody places",
	  .counter = "/proc/irq/default_smp_affinity", .source = KP "irqaffinity=",
	  .traps = "the kernel adds the CPU it boots on; managed interrupts are placed by the kernel all the same" },
	{ NAMED("workqueue.unbound_cpus"), CPUS, .risk = 0, .summary = "where unbound work of the kernel runs",
	  .counter = "/sys/devices/virtual/workqueue/cpumask", .source = KP "workqueue.unbound_cpus=",
	  .traps = "since Linux 6.6; the kernel takes out CPUs of isolcpus" },
	{ NAMED("nohz"), WORD("on|off"), .risk = 2, .summary = "may the tick of an idle CPU stop?",
	  .counter = "LOC in /proc/interrupts", .source = "Documentation/timers/no_hz.rst",
	  .traps = "off makes nohz_full impossible, and costs power" },
	{ NAMED("skew_tick"), BOOL, .risk = 0, .summary = "ticks of the CPUs at different times",
	  .counter = "tick phases in /proc/timer_list", .source = KP "skew_tick=", .traps = "costs some power" },
	{ FLAG("nosmt"), .risk = 1, .effect = CPU_DIR "smt/control", .shows = "yes=off notsupported notimplemented",
	  .summary = "one thread on each core from the start", .counter = CPU_DIR "smt/active", .source = KP "nosmt",
	  .traps = "half of the CPUs are gone: name only first threads elsewhere" },

	/* --- RCU, workqueues, scheduler --- */
	{ NAMED("rcupdate.rcu_normal_after_boot"), BOOL, .risk = 1, .effect = MODULE("rcupdate", "rcu_normal_after_boot"),
	  .summary = "no expedited grace periods once the host is up", .counter = "CAL in /proc/interrupts",
	  .source = KP "rcupdate.rcu_normal_after_boot=", .traps = "what waits for a grace period waits longer" },
	{ NAMED("rcutree.nohz_full_patience_delay"), INT(0, 5000, "ms"), .risk = 1,
	  .effect = MODULE("rcutree", "nohz_full_patience_delay"), .summary = "RCU leaves CPUs without a tick alone for so long",
	  .counter = "LOC in /proc/interrupts", .source = KP "rcutree.nohz_full_patience_delay=",
	  .traps = "since Linux 6.11" },
	{ NAMED("rcutree.use_softirq"), BOOL, .risk = 1, .effect = MODULE("rcutree", "use_softirq"), .shows = "0=N|1=Y",
	  .summary = "RCU in softirqs, or (0) in threads rcuc/N that can be placed and ranked",
	  .counter = "RCU in /proc/softirqs", .source = KP "rcutree.use_softirq=", .traps = "" },
	{ NAMED("rcutree.kthread_prio"), INT(0, 99, "FIFO priority"), .risk = 2, .effect = MODULE("rcutree", "kthread_prio"),
	  .summary = "priority of the threads of RCU", .counter = "ps -eo comm,rtprio", .source = KP "rcutree.kthread_prio=",
	  .traps = "below that of a thread that spins they starve, and the host stalls" },
	{ NAMED("rcutree.enable_rcu_lazy"), BOOL, .risk = 1, .effect = MODULE("rcutree", "enable_rcu_lazy"),
	  .shows = "0=N|1=Y", .summary = "callbacks of RCU may wait to save power", .counter = "RCU in /proc/softirqs",
	  .source = KP "rcutree.enable_rcu_lazy=" },
	{ NAMED("workqueue.power_efficient"), BOOL, .risk = 0, .effect = MODULE("workqueue", "power_efficient"),
	  .shows = "0=N|1=Y", .summary = "per-CPU work may run on any CPU, to save power", .counter = "kworker/u* in top",
	  .source = KP "workqueue.power_efficient" },
	{ FLAG("threadirqs"), .risk = 2, .summary = "handlers of interrupts in threads that can be placed and ranked",
	  .counter = "threads irq/N-NAME", .source = KP "threadirqs", .traps = "one more wake-up for each interrupt" },
	{ NAMED("preempt"), WORD("none|voluntary|full|lazy"), .risk = 1, .summary = "where the kernel may be preempted",
	  .counter = "/sys/kernel/debug/sched/preempt", .source = KP "preempt=",
	  .traps = "needs PREEMPT_DYNAMIC; lazy since Linux 6.13" },
	{ NAMED("psi"), BOOL, .risk = 1, .summary = "pressure accounting in the scheduler", .counter = "/proc/pressure/cpu",
	  .source = KP "psi=", .traps = "systemd-oomd needs it" },

	/* --- watchdogs, clocks, errors, audit --- */
	{ FLAG("nowatchdog"), .risk = 2, .effect = SYSCTL "watchdog", .shows = "yes=0",
	  .summary = "no detectors of lockups", .counter = "NMI in /proc/interrupts", .source = KP "nowatchdog",
	  LOST("the diagnosis of hangs") },
	{ FLAG("nosoftlockup"), .risk = 2, .effect = SYSCTL "soft_watchdog", .shows = "yes=0",
	  .summary = "no detector of soft lockups", .counter = "hrtimers watchdog_timer_fn in /proc/timer_list",
	  .source = KP "nosoftlockup", LOST("the diagnosis of hangs") },
	{ NAMED("nmi_watchdog"), BOOL, .risk = 2, .effect = SYSCTL "nmi_watchdog",
	  .summary = "the detector of hard lockups", .counter = "NMI in /proc/interrupts", .source = KP "nmi_watchdog=",
	  LOST("with 0 the diagnosis of hangs") },
	{ NAMED("mce"), WORD("ignore_ce|no_cmci|dont_log_ce"), .risk = 3,
	  .effect = "/sys/devices/system/machinecheck/machinecheck0/ignore_ce", .shows = "ignore_ce=1",
	  .summary = "what the kernel does about corrected memory errors", .counter = "MCP in /proc/interrupts",
	  .source = "Documentation/arch/x86/x86_64/boot-options.rst", LOST("the count of corrected errors, but in the BMC,") },
	{ NAMED("tsc"), WORD("reliable|nowatchdog|recalibrate"), .risk = 2,
	  .summary = "trust the time stamp counter, without a timer that watches it",
	  .counter = "time per clock_gettime(2)", .source = KP "tsc=",
	  .traps = "time jumps where the counters of the sockets disagree" },
	{ NAMED("clocksource"), WORD("tsc|hpet|acpi_pm|kvm-clock|hyperv_clocksource_tsc_page"), .risk = 2,
	  .effect = "/sys/devices/system/clocksource/clocksource0/current_clocksource",
	  .summary = "what time is read from", .counter = "time per clock_gettime(2)", .source = KP "clocksource=",
	  .traps = "the kernel takes another one when this is not there or not stable" },
	{ NAMED("hpet"), WORD("disable"), .risk = 3, .summary = "the event timer of the board",
	  .counter = "available_clocksource", .source = KP "hpet=", .traps = "nothing watches the time stamp counter then" },
	{ NAMED("audit"), BOOL, .risk = 2, .barrier = "0", .summary = "the audit subsystem",
	  .counter = "CPU time of kauditd", .source = KP "audit=", .traps = "0 holds until the next boot; compliance may want 1" },
	{ NAMED("loglevel"), INT(0, 7, "level"), .risk = 1, .summary = "which messages of the kernel go to consoles",
	  .counter = SYSCTL "printk", .source = KP "loglevel=", .traps = "a serial console stops the CPU that prints" },

	/* --- power --- */
	{ NAMED("idle"), WORD("poll|halt|nomwait"), .risk = 3, .effect = CPU_DIR "cpuidle/current_driver",
	  .shows = "poll=none|halt=none", .summary = "what idle CPUs do", .counter = CPU_DIR "cpuidle/current_driver",
	  .source = PM "cpuidle.rst", .traps = "poll heats all CPUs, takes their turbo, and starves SMT siblings" },
	{ NAMED("intel_idle.max_cstate"), INT(0, 9, "C-state"), .risk = 1, .effect = MODULE("intel_idle", "max_cstate"),
	  .vendor = "GenuineIntel", .summary = "the deepest idle state of intel_idle",
	  .counter = CPU_DIR "cpu*/cpuidle/state*/usage", .source = PM "intel_idle.rst",
	  .traps = "0 alone hands over to acpi_idle with its deep states: set processor.max_cstate too" },
	{ NAMED("processor.max_cstate"), INT(1, 9, "C-state"), .risk = 1, .effect = MODULE("processor", "max_cstate"),
	  .summary = "the deepest idle state of acpi_idle", .counter = CPU_DIR "cpu*/cpuidle/state*/usage",
	  .source = KP "processor.max_cstate=", .traps = "intel_idle does not look at it" },
	{ NAMED("processor.ignore_ppc"), BOOL, .risk = 3, .effect = MODULE("processor", "ignore_ppc"),
	  .summary = "disregard the firmware's limits of frequency", .counter = "scaling_cur_freq",
	  .source = KP "processor.ignore_ppc=", .traps = "the firmware may have had a reason" },
	{ NAMED("cpuidle.off"), BOOL, .risk = 3, .effect = MODULE("cpuidle", "off"), .summary = "no idle states but the first",
	  .counter = CPU_DIR "cpuidle/current_driver", .source = PM "cpuidle.rst", .traps = "as idle=poll or halt" },
	{ NAMED("cpuidle.governor"), WORD("menu|teo|ladder|haltpoll"), .risk = 1,
	  .effect = CPU_DIR "cpuidle/current_governor", .summary = "who chooses idle states",
	  .counter = CPU_DIR "cpu*/cpuidle/state*/usage", .source = PM "cpuidle.rst" },
	{ NAMED("intel_pstate"), WORD("active|passive|disable|no_hwp|per_cpu_perf_limits"), .risk = 1,
	  .effect = CPU_DIR "cpufreq/policy0/scaling_driver", .shows = "active=intel_pstate|passive=intel_cpufreq",
	  .vendor = "GenuineIntel", .summary = "how intel_pstate works", .counter = "scaling_driver",
	  .source = PM "intel_pstate.rst", .traps = "disable leaves acpi-cpufreq, which may be a module that nobody loads" },
	{ NAMED("amd_pstate"), WORD("active|passive|guided|disable"), .risk = 1,
	  .effect = CPU_DIR "cpufreq/policy0/scaling_driver", .vendor = "AuthenticAMD",
	  .shows = "active=amd-pstate-epp|passive=amd-pstate|guided=amd-pstate", .summary = "how amd_pstate works",
	  .counter = "scaling_driver", .source = PM "amd-pstate.rst", .traps = "active since Linux 6.3, guided since 6.4" },
	{ NAMED("cpufreq.default_governor"), WORD("performance|powersave|schedutil|ondemand|conservative|userspace"),
	  .risk = 0, .effect = MODULE("cpufreq", "default_governor"), .summary = "the governor from the start",
	  .counter = "scaling_governor", .source = PM "cpufreq.rst", .traps = "one that is a module is not there in time" },
	{ NAMED("pcie_aspm"), WORD("off|force"), .risk = 2, .summary = "may the kernel manage the power of PCIe links?",
	  .counter = "LnkCtl of lspci -vv", .source = KP "pcie_aspm=",
	  .traps = "off leaves what the firmware has set; pcie_aspm.policy=performance is what turns it off" },
	{ NAMED("pcie_aspm.policy"), WORD("default|performance|powersave|powersupersave"), .risk = 1,
	  .effect = MODULE("pcie_aspm", "policy"), .summary = "how the power of PCIe links is managed",
	  .counter = "LnkCtl of lspci -vv", .source = KP "pcie_aspm.policy=" },

	/* --- memory --- */
	{ NAMED("transparent_hugepage"), WORD("always|madvise|never"), .risk = 1,
	  .effect = "/sys/kernel/mm/transparent_hugepage/enabled", .summary = "transparent huge pages from the start",
	  .counter = "thp_fault_alloc in /proc/vmstat", .source = "Documentation/admin-guide/mm/transhuge.rst",
	  .traps = "vm thp.enabled sets the same file at run time" },
	{ NAMED("default_hugepagesz"), WORD("2M|1G"), .risk = 1, .summary = "the size that MAP_HUGETLB and vm.nr_hugepages mean",
	  .counter = "Hugepagesize in /proc/meminfo", .source = "Documentation/admin-guide/mm/hugetlbpage.rst",
	  .traps = "1G needs the CPU flag pdpe1gb" },
	{ PAGES("1G", "1 GiB", 1048576), .risk = 2, .summary = "a pool of huge pages, before memory is fragmented",
	  .source = "Documentation/admin-guide/mm/hugetlbpage.rst",
	  .traps = "nobody else gets this memory; what does not fit is left out in silence; by node since Linux 5.16" },
	{ PAGES("2M", "2 MiB", 2048), .risk = 2, .summary = "a pool of huge pages, before memory is fragmented",
	  .source = "Documentation/admin-guide/mm/hugetlbpage.rst",
	  .traps = "nobody else gets this memory; what does not fit is left out in silence; by node since Linux 5.16" },
	{ NAMED("numa_balancing"), WORD("enable|disable"), .risk = 0, .effect = SYSCTL "numa_balancing",
	  .shows = "disable=0|enable=1 2 3", .summary = "memory that follows its users across nodes",
	  .counter = "numa_hint_faults in /proc/vmstat", .source = KP "numa_balancing=" },
	{ NAMED("init_on_alloc"), BOOL, .risk = 3, .barrier = "0", .summary = "clear memory when it is given out",
	  .counter = "\"mem auto-init\" in dmesg", .source = KP "init_on_alloc=", .traps = "0 shows a bug old content" },
	{ NAMED("init_on_free"), BOOL, .risk = 3, .barrier = "0", .summary = "clear memory when it is given back",
	  .counter = "\"mem auto-init\" in dmesg", .source = KP "init_on_free=", .traps = "1 costs some per cent" },
	{ NAMED("page_poison"), BOOL, .risk = 2, .summary = "fill free pages with a pattern", .counter = "",
	  .source = KP "page_poison=" },
	{ NAMED("slub_debug"), WORD("-"), .risk = 2, .summary = "\"-\" turns checks of kernel objects off", .counter = "",
	  .source = KP "slub_debug" },
	{ NAMED("rdt"), WORDS("cmt|mbmtotal|mbmlocal|l3cat|l3cdp|l2cat|l2cdp|mba|smba|bmec"), .risk = 0,
	  .summary = "partitions of caches and bandwidth to force on",
	  .counter = "flags in /proc/cpuinfo", .source = KP "rdt=" },

	/* --- I/O --- */
	{ NAMED("iommu"), WORD("pt|nopt|off"), .risk = 3, .barrier = "off", .summary = "how devices reach memory",
	  .counter = "/sys/kernel/iommu_groups/*/type", .source = KP "iommu=",
	  .traps = "pt: no translation for the kernel's own devices; off: none at all, and no x2APIC on large hosts" },
	{ NAMED("iommu.passthrough"), BOOL, .risk = 3, .summary = "no translation for the kernel's own devices",
	  .counter = "/sys/kernel/iommu_groups/*/type", .source = KP "iommu.passthrough=" },
	{ NAMED("iommu.strict"), BOOL, .risk = 2, .summary = "flush the IOTLB at once (1) or lazily (0)",
	  .counter = "/sys/kernel/iommu_groups/*/type", .source = KP "iommu.strict=",
	  .traps = "0: a device can reach a buffer for some ms after it was given back" },
	{ NAMED("intel_iommu"), WORD("on|off"), .risk = 3, .barrier = "off", .vendor = "GenuineIntel",
	  .summary = "the IOMMU of Intel", .counter = "/sys/kernel/iommu_groups", .source = KP "intel_iommu=",
	  .traps = "off: every device reaches all memory" },
	{ NAMED("amd_iommu"), WORD("off"), .risk = 3, .barrier = "off", .vendor = "AuthenticAMD",
	  .summary = "the IOMMU of AMD", .counter = "/sys/kernel/iommu_groups", .source = KP "amd_iommu=",
	  .traps = "off: every device reaches all memory" },
	{ FLAG("nox2apic"), .risk = 3, .summary = "interrupt controllers in their old mode", .counter = "x2apic in dmesg",
	  .source = KP "nox2apic", .traps = "no more than 255 CPUs" },
	{ FLAG("acpi_irq_nobalance"), .risk = 3, .summary = "ACPI does not move interrupts of the board",
	  .counter = "/proc/interrupts", .source = KP "acpi_irq_nobalance" },

	/* --- barriers --- */
	{ NAMED("mitigations"), WORD("auto|auto,nosmt|off"), .risk = 4, .barrier = "off",
	  .summary = "barriers against attacks through the CPU", .counter = CPU_DIR "vulnerabilities/*",
	  .source = "Documentation/admin-guide/hw-vuln/", .traps = "off: any process can read what others keep secret" },
	{ NAMED("randomize_kstack_offset"), WORD("on|off"), .risk = 3, .barrier = "off",
	  .summary = "another stack offset for each system call", .counter = "time per getppid(2)",
	  .source = KP "randomize_kstack_offset=",
	  .traps = "off: an attack on the kernel's stack need not guess" },
	{ NAMED("split_lock_detect"), WORD("off|warn|fatal"), .risk = 2, .summary = "what follows on a lock across cache lines",
	  .counter = "\"split lock\" in dmesg", .source = KP "split_lock_detect=",
	  .traps = "off: one process can slow down all CPUs unseen; fatal kills it" },

	/* --- control groups --- */
	{ NAMED("cgroup_no_v1"), WORD("all"), .risk = 2, .summary = "no controllers of cgroup v1", .counter = "/proc/cgroups",
	  .source = KP "cgroup_no_v1=", .traps = "software that needs v1 fails" },
	{ NAMED("systemd.unified_cgroup_hierarchy"), BOOL, .risk = 2, .summary = "cgroup v2 alone, which partitions need",
	  .counter = "stat -f /sys/fs/cgroup", .source = "systemd(1)", .traps = "software that needs v1 fails" },
};
const size_t n_boot_rows = ARRAY_LEN(boot_rows);

const struct boot_row *boot_row(const char *option)
{
	for (size_t i = 0; i < n_boot_rows; i++)
		if (strcmp(boot_rows[i].option, option) == 0)
			return &boot_rows[i];
	return NULL;
}

/* --- together ----------------------------------------------------------------------------------------------------- */

/* Beyond the values: which CPUs must both name, or not both name? */
enum clash_kind { ANY_CPUS, SHARED_CPUS, OTHER_CPUS };

static const struct clash {
	const char *option, *value, *other, *other_value; /* a value of NULL: any; "nohz,*": with this flag */
	enum clash_kind kind;
	const char *why;
} clashes[] = {
	{ "nohz", "off", "nohz_full", NULL, ANY_CPUS, "nohz=off keeps the tick that nohz_full takes away" },
	{ "isolcpus", "nohz,*", "nohz_full", NULL, OTHER_CPUS, "the kernel drops the second of two lists that disagree" },
	{ "irqaffinity", NULL, "isolcpus", NULL, SHARED_CPUS, "interrupts would go to isolated CPUs" },
	{ "irqaffinity", NULL, "nohz_full", NULL, SHARED_CPUS, "interrupts would go to CPUs without a tick" },
	{ "workqueue.unbound_cpus", NULL, "isolcpus", NULL, SHARED_CPUS, "work of the kernel would go to isolated CPUs" },
	{ "workqueue.unbound_cpus", NULL, "nohz_full", NULL, SHARED_CPUS, "work of the kernel would bring the tick back" },
	{ "nowatchdog", NULL, "nmi_watchdog", "1", ANY_CPUS, "one turns off what the other turns on" },
	{ "hpet", "disable", "clocksource", "hpet", ANY_CPUS, "one turns off what the other chooses" },
	{ "cgroup_no_v1", "all", "systemd.unified_cgroup_hierarchy", "0", ANY_CPUS, "no version of cgroups would be left" },
};

static bool is_value(const char *wanted, const char *value)
{
	size_t n = wanted != NULL && str_ends(wanted, ",*") ? strlen(wanted) - 1 : 0; /* the flag and its comma */
	const char *flag = n > 0 ? memmem(value, strlen(value), wanted, n) : NULL;

	if (n > 0)
		return flag != NULL && (flag == value || flag[-1] == ',');
	return wanted == NULL || strcmp(wanted, value) == 0;
}

static bool is_clash(const struct clash *c, const char *option, const char *value, const char *other,
                     const char *other_value)
{
	struct cpuset one, two;

	if (strcmp(option, c->option) != 0 || strcmp(other, c->other) != 0 || !is_value(c->value, value) ||
	    !is_value(c->other_value, other_value))
		return false;
	if (c->kind == ANY_CPUS)
		return true;
	boot_value_cpus(boot_row(option), value, &one);
	boot_value_cpus(boot_row(other), other_value, &two);
	return c->kind == SHARED_CPUS ? cpuset_intersects(&one, &two) : !cpuset_equal(&one, &two);
}

const char *boot_clash(const char *option, const char *value, const char *other, const char *other_value)
{
	for (size_t i = 0; i < ARRAY_LEN(clashes); i++)
		if (is_clash(&clashes[i], option, value, other, other_value) ||
		    is_clash(&clashes[i], other, other_value, option, value))
			return clashes[i].why;
	return NULL;
}
