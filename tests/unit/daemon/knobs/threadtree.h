/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads in a cputree, as /proc shows them. */
#pragma once

#include "daemon/knobs/tasks.h"
#include "tests/unit/daemon/knobs/cputree.h"

#define PF_USER "4194304"
#define PF_KERNEL "2097152"
#define PF_BOUND "69206016" /* a kernel thread with PF_NO_SETAFFINITY */

static inline void put_task(const struct cputree *t, int pid, int tid, const char *comm, const char *flags,
                            const char *cpus)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	snprintf(text, sizeof(text), "%d (%s) S 1 1 1 0 -1 %s 0 0 0 0 0 0 0 0 20 0 1 0 %d0 0 0", tid, comm, flags, tid);
	put(t, path, text);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	snprintf(text, sizeof(text), "Name:\ta\nCpus_allowed:\tf\nCpus_allowed_list:\t%s\nMems_allowed_list:\t0", cpus);
	put(t, path, text);
}

static inline const char *allowed(struct cputree *t, int pid, int tid)
{
	static char text[64];
	char path[64];
	struct task task;
	CLEANUP(strbuf_done) struct strbuf list = {0};

	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
	assert_int_equal(task_read(&t->c, path, &task, &t->err), 0);
	cpuset_format(&task.allowed, &list);
	snprintf(text, sizeof(text), "%s", strbuf_str(&list));
	return text;
}
