/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads of the host and the CPUs they may run on, from /proc. Must not decide which of them belong where.
 *
 * A thread is named by numbers that do not come back while the host is up: "PID:START", or "PID/TID:START" of a thread
 * that is not the first of its process; START is the time of its birth in ticks since the boot (proc(5), stat).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cpuset.h"

struct hft_err;
struct knob_ctx;

#define TASK_NAME_MAX 48
#define TASK_KTHREADD "/proc/2/task/2" /* the parent of all kernel threads: what it may run on, new ones may */

struct task {
	char path[64];            /* "/proc/812/task/815" */
	char name[TASK_NAME_MAX]; /* "812/815:4711" */
	int tid;
	char comm[64];
	unsigned flags;           /* PF_* of linux/sched.h */
	struct cpuset allowed;    /* as the kernel has it, offline CPUs too */
};

bool task_is_kernel(const struct task *t);
/* PF_NO_SETAFFINITY: bound to a CPU or a pool of workers by the kernel, which refuses to move it. */
bool task_is_bound(const struct task *t);

/* The thread behind a path: 0, -ENOENT when it has ended (no *err needed), other -errno ERR_IO. */
int task_read(const struct knob_ctx *c, const char *path, struct task *ret, struct hft_err *err);
/* The thread of a name; -ENOENT: it has ended, whoever has its number now. */
int task_by_name(const struct knob_ctx *c, const char *name, struct task *ret, struct hft_err *err);
/* Calls visit for each thread there is, in the order of numbers; ends with the first result that is not 0. */
int tasks_each(const struct knob_ctx *c, int (*visit)(void *data, const struct task *t, struct hft_err *err), void *data,
               struct hft_err *err);

/* sched_setaffinity(2): 0 or -errno. -ESRCH: it has ended; -EINVAL: bound, or its cpuset has none of the CPUs. */
int task_set_allowed(const struct knob_ctx *c, const struct task *t, const struct cpuset *set);
/* What the cpuset of its control group leaves it, as far as online (cgroup v2 and v1); all online CPUs where none says. */
void task_cpuset(const struct knob_ctx *c, const struct task *t, const struct cpuset *online, struct cpuset *ret);
