/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the kernel schedules one thread, set by system calls: there are no files for it. What a thread has now is read
 * from /proc (fsio.h). Every call passes a failpoint "write@task:affinity", "task:policy" or "task:nice" (fault.h).
 * Errors of all: -errno. -ESRCH: the thread has ended. -EPERM: CAP_SYS_NICE is lacking, or real-time scheduling is
 * forbidden to the thread (RT_GROUP_SCHED). Must not decide anything.
 */
#pragma once

struct cpuset;

/* sched_setaffinity(2); NULL: every CPU, those that come later too. -EINVAL: no CPU of the set is online and allowed by
 * the thread's cpuset, or the kernel binds the thread (PF_NO_SETAFFINITY). */
int task_set_affinity(int tid, const struct cpuset *cpus);
/* sched_setattr(2): policy SCHED_*, priority 1..99 of SCHED_FIFO and SCHED_RR (0 otherwise), nice of SCHED_OTHER and
 * SCHED_BATCH. The thread's reset-on-fork flag stays as it is. */
int task_set_policy(int tid, int policy, int priority, int nice);
/* setpriority(2) of one thread: -20..19. */
int task_set_nice(int tid, int nice);
