/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel counts of the things that take time from a CPU, read twice: the difference is what happened between.
 * Must not disturb the CPUs that it looks at: it reads what the kernel has in memory, and no file that asks a CPU
 * (energy_perf_bias, energy_performance_preference, msr, cpuinfo_cur_freq). Must not judge.
 *
 * Names are a folder and what the kernel calls it:
 *   interrupts/LOC, interrupts/36   /proc/interrupts; a device's has the action as label
 *   softirqs/NET_RX                 /proc/softirqs
 *   stat/steal, stat/siblings       /proc/stat, in ticks of 10 ms: taken by the hypervisor; used on the threads of the
 *                                   core that are not watched
 *   cpuidle/deep                    entries into idle states that take more than COUNTERS_SHALLOW_US to leave
 *   cpufreq/transitions, throttle/core, throttle/package
 *   softnet/dropped, softnet/squeezed, vmstat/NAME, ksm/full_scans, khugepaged/full_scans   of the host
 *   console/serial, clocksource/slow, tracing/events   of the host, as they are: 0 or how many
 *   threads/CLASS                   how often a thread ran that was last seen there; its name as label (see runs.c)
 *   movable/kernel                  of the host, as it is: threads of the kernel that could be kept off the watched CPUs
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cpuset.h"

struct fsio;
struct hft_err;
struct host;

#define COUNTERS_SHALLOW_US 2 /* C1 */

struct counter {
	char *name, *label; /* label may be NULL */
	bool of_host;       /* one number, not one per CPU */
	bool level;         /* as it is: nothing is taken off it */
	uint64_t *n;        /* of cpus[i]; of the host n[0] */
};

struct run { /* one thread */
	int tid;
	uint64_t born;      /* ticks since the boot: with tid what it is known by */
	char name[48];
	unsigned flags;     /* PF_* */
	int cpu;            /* where it ran last */
	bool stays, may;    /* it may run on watched CPUs only; on some of them */
	uint64_t switches;  /* how often it was put off a CPU */
	uint64_t forced;    /* of those: against its will */
	uint64_t ticks;     /* time that it had, in ticks of 10 ms */
};

struct counters { /* zero-initialise; counters_done frees */
	int *cpus;          /* those that are watched, ascending; may be none */
	size_t n_cpus;
	struct counter *c;
	size_t n, cap;
	struct run *runs;   /* ascending by tid */
	size_t n_runs, cap_runs;
};

/* Read all that there is; what a kernel or machine lacks has no counter. watched: CPUs of the host.
 * Errors: ERR_IO of a file that is there and cannot be read, out of memory. */
int counters_read(struct host *h, const struct cpuset *watched, struct counters *ret, struct hft_err *err);
/* Make `after` what happened since `before`, which has the same CPUs. Threads become counters of their classes. */
int counters_since(struct counters *after, const struct counters *before, struct hft_err *err);
void counters_done(struct counters *c); /* also for CLEANUP */

/* --- what counters.c and runs.c share ----------------------------------------------------------------------------- */

/* A new counter, all zero; NULL when out of memory. label may be NULL. */
struct counter *counters_add(struct counters *c, const char *name, const char *label, bool of_host);
int counters_place(const struct counters *c, int cpu); /* index into cpus, or -1 */
/* All threads of the host. Nothing in a tree without processes. */
int runs_read(struct fsio *fs, const struct cpuset *watched, struct counters *ret, struct hft_err *err);
/* What ran since then, as counters. */
int runs_since(struct counters *after, const struct counters *before, struct hft_err *err);
