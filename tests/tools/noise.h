/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the noise meter: noise.c runs the loop and prints, noise_sources.c reads the kernel's counters.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CPU_MAX 8192

enum kind { INTERRUPT, SOFTIRQ, SWITCH };

/* One thing that disturbs a CPU, and how often it has done so since the start of the counter. */
struct source {
	enum kind kind;
	int tid; /* of a thread, else 0: names change, kworkers bear the one of their last work item */
	char name[96];
	uint64_t count;
};

struct sources {
	struct source *list;
	size_t n, cap;
};

void sources_add(struct sources *to, enum kind kind, int tid, const char *name, uint64_t count);

/* Add what /proc/interrupts and /proc/softirqs show of one CPU. */
void sources_read_interrupts(struct sources *to, int cpu);
/*
 * Add how often each thread of the host, the caller's own left out, was put on a CPU: those that ran last on this one,
 * or all (-1). Nobody counts by thread and CPU: of a thread that may run elsewhere the times there are among them, and
 * its name says so.
 */
void sources_read_threads(struct sources *to, int cpu);

/* How often anybody but the idle task was put on the CPU, or -1: a kernel without /proc/schedstat. */
int64_t cpu_switches(int cpu);

/* Take what was counted before from what was counted after; a source that was not there before began at 0. */
void sources_subtract(struct sources *after, const struct sources *before);
