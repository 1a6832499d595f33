/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system calls, and nothing else. */
#include "lib/base/task.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cpuset.h"
#include "lib/base/fault.h"

/* As of Linux 3.14 (SCHED_ATTR_SIZE_VER0), under a name of its own: newer C libraries have theirs. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

#define RESET_ON_FORK 1 /* SCHED_FLAG_RESET_ON_FORK of linux/sched.h, which clashes with the C library's sched.h */

_Static_assert(sizeof(struct attributes) == 48, "SCHED_ATTR_SIZE_VER0");

/* What a failpoint says of a call: to make it, or its result (a call that is skipped succeeds). */
static int result(int fault, long r, const char *what)
{
	if (fault == 0)
		fault_after(FAULT_WRITE, what);
	return fault < 0 ? fault : (int)r;
}

int task_set_affinity(int tid, const struct cpuset *cpus)
{
	static const char what[] = "task:affinity";
	int fault = fault_before(FAULT_WRITE, what);
	struct cpuset all;
	long r = 0;

	memset(&all, 0xff, sizeof(all));
	if (fault == 0 && sched_setaffinity(tid, sizeof(all), (const cpu_set_t *)(cpus ? cpus : &all)) < 0)
		r = -errno;
	return result(fault, r, what);
}

static long set_policy(int tid, struct attributes *a)
{
	struct attributes now = {.size = sizeof(now)};

	if (syscall(SYS_sched_getattr, tid, &now, sizeof(now), 0) < 0)
		return -errno;
	a->flags = now.flags & RESET_ON_FORK;
	return syscall(SYS_sched_setattr, tid, a, 0) < 0 ? -errno : 0;
}

int task_set_policy(int tid, int policy, int priority, int nice)
{
	static const char what[] = "task:policy";
	struct attributes a = {
		.size = sizeof(a),
		.policy = (uint32_t)policy,
		.priority = (uint32_t)priority,
		.nice = nice,
	};
	int fault = fault_before(FAULT_WRITE, what);

	return result(fault, fault == 0 ? set_policy(tid, &a) : 0, what);
}

int task_set_nice(int tid, int nice)
{
	static const char what[] = "task:nice";
	int fault = fault_before(FAULT_WRITE, what);
	long r = 0;

	if (fault == 0 && setpriority(PRIO_PROCESS, (id_t)tid, nice) < 0)
		r = -errno;
	return result(fault, r, what);
}
