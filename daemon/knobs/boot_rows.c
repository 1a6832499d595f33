/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel parameters that a profile may name (knobs.md, section 1). What is not here cannot be written. */
#include <string.h>

#include "daemon/knobs/boot.h"
#include "lib/base/mem.h"

#define KP "Documentation/admin-guide/kernel-parameters.txt, "
#define CPUS .form = BOOT_CPUS, .unit = "cpulist", .bounds = "CPUs that are present"
#define FLAG .form = BOOT_FLAG, .unit = "flag", .bounds = "yes"
#define INT(lo, hi, of) .form = BOOT_INT, .min = lo, .max = hi, .unit = of, .bounds = #lo ".." #hi
#define WORD(list) .form = BOOT_WORD, .words = list, .unit = "word", .bounds = list

const struct boot_row boot_rows[] = {
	{ .option = "isolcpus", .prefix = "isolcpus=", .form = BOOT_ISOLCPUS, .unit = "flags and cpulist",
	  .bounds = "managed_irq|domain|nohz flags, then CPUs that are present", .isolates = true, .risk = 2,
	  .effect = "/sys/devices/system/cpu/isolated", .summary = "keep the scheduler's balancing off these CPUs",
	  .counter = "nr_migrations of other tasks in /proc/sched_debug", .source = KP "isolcpus=",
	  .traps = "flags replace the default: isolcpus=managed_irq,4 alone isolates nothing, write managed_irq,domain,4; "
		   "nobody balances inside the set: threads of one service pile up on its first CPU" },
	{ .option = "nohz_full", .prefix = "nohz_full=", CPUS, .isolates = true, .risk = 3,
	  .effect = "/sys/devices/system/cpu/nohz_full", .summary = "no tick on these CPUs while one task runs",
	  .counter = "LOC in /proc/interrupts", .source = "Documentation/timers/no_hz.rst",
	  .traps = "to be had at boot alone; a second runnable task, a POSIX CPU timer or a perf event brings the tick "
		   "back; system calls become slower" },
	{ .option = "rcu_nocbs", .prefix = "rcu_nocbs=", CPUS, .risk = 1,
	  .summary = "callbacks of RCU run elsewhere", .counter = "RCU in /proc/softirqs", .source = KP "rcu_nocbs=",
	  .traps = "implied by nohz_full for its CPUs" },
	{ .option = "rcu_nocb_poll", .prefix = "rcu_nocb_poll", FLAG, .risk = 1,
	  .summary = "the threads of rcu_nocbs poll and need no wake-up", .counter = "CPU time of rcuog/N",
	  .source = KP "rcu_nocb_poll", .traps = "keeps a housekeeping CPU busy" },
	{ .option = "irqaffinity", .prefix = "irqaffinity=", CPUS, .risk = 1,
	  .summary = "where interrupts go that nobody places", .counter = "/proc/irq/default_smp_affinity",
	  .source = KP "irqaffinity=", .traps = "managed interrupts are placed by the kernel all the same" },
	{ .option = "skew_tick", .prefix = "skew_tick=", INT(0, 1, "bool"), .risk = 0,
	  .summary = "ticks of the CPUs at different times", .counter = "tick phases in /proc/timer_list",
	  .source = KP "skew_tick=" },
};
const size_t n_boot_rows = ARRAY_LEN(boot_rows);

const struct boot_row *boot_row(const char *option)
{
	for (size_t i = 0; i < n_boot_rows; i++)
		if (strcmp(boot_rows[i].option, option) == 0)
			return &boot_rows[i];
	return NULL;
}
