/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads, from /proc. In a copied tree the status file itself is changed, since no kernel stands behind it. */
#include "daemon/knobs/tasks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"
#include "lib/base/task.h"

#define ALLOWED "Cpus_allowed_list:"
#define CGROUP "/sys/fs/cgroup"

bool task_is_kernel(const struct task *t)
{
	return t->flags & HOST_TASK_KERNEL;
}

bool task_is_bound(const struct task *t)
{
	return t->flags & HOST_TASK_BOUND;
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

static bool is_number(const char *text)
{
	int64_t n;

	return num_parse_range(text, 1, INT32_MAX, &n) == 0;
}

/* ESRCH: it ended between two of our reads. */
static int probe(const struct knob_ctx *c, const char *dir, const char *file, struct strbuf *ret)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	int r = fsio_probe(c->fs, path, ret);
	return r == -ESRCH ? -ENOENT : r;
}

static const char *allowed_line(const char *status)
{
	const char *at = strstr(status, "\n" ALLOWED);

	return at ? at + 1 + strlen(ALLOWED) : NULL;
}

static int parse_status(const char *text, struct cpuset *ret)
{
	const char *at = allowed_line(text);
	CLEANUP(mem_freep) char *list = at ? str_dup_n(at, strcspn(at, "\n")) : NULL;

	return list && cpuset_parse_kernel(list, ret, NULL) == 0 ? 0 : -EIO;
}

static void take_stat(const char *path, const struct host_task *stat, struct task *t)
{
	snprintf(t->path, sizeof(t->path), "%s", path);
	snprintf(t->comm, sizeof(t->comm), "%s", stat->name);
	t->tid = stat->tid;
	t->flags = stat->flags;
	if (stat->tid == stat->pid)
		snprintf(t->name, sizeof(t->name), "%d:%llu", stat->pid, stat->born);
	else
		snprintf(t->name, sizeof(t->name), "%d/%d:%llu", stat->pid, stat->tid, stat->born);
}

int task_read(const struct knob_ctx *c, const char *path, struct task *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf status = {0};
	struct host_task stat;
	int pid, tid, r = sscanf(path, "/proc/%d/task/%d", &pid, &tid) == 2 ? 0 : -EINVAL;

	r = r < 0 ? r : host_read_task(c->fs, pid, tid, &stat, NULL);
	r = r < 0 ? r : probe(c, path, "status", &status);
	r = r < 0 ? r : parse_status(strbuf_str(&status), &ret->allowed);
	if (r == 0)
		take_stat(path, &stat, ret);
	return r == 0 ? 0 : err_raise(err, r == -ENOENT ? ERR_NOT_APPLICABLE : ERR_IO, -r, path,
	                              "cannot read of the thread %s: %s", path, strerror(-r));
}

int task_by_name(const struct knob_ctx *c, const char *name, struct task *ret, struct hft_err *err)
{
	char path[64];
	int pid, tid;

	if (sscanf(name, "%d/%d:", &pid, &tid) != 2) {
		if (sscanf(name, "%d:", &pid) != 1)
			return err_raise(err, ERR_IO, EINVAL, name, "'%s' names no thread", name);
		tid = pid;
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
	int r = task_read(c, path, ret, err);
	if (r == 0 && !str_eq(ret->name, name))
		r = err_raise(err, ERR_NOT_APPLICABLE, ENOENT, name, "thread %s has ended", name);
	return r;
}

/* --- all of them ---------------------------------------------------------------------------------------------------- */

struct walk {
	const struct knob_ctx *c;
	int (*visit)(void *data, const struct task *t, struct hft_err *err);
	void *data;
};

static int walk_process(const struct walk *w, const char *pid, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist tids = {0};
	char dir[64], path[128];
	struct hft_err own;

	snprintf(dir, sizeof(dir), "/proc/%.20s/task", pid);
	if (fsio_list(w->c->fs, dir, &tids, NULL) < 0)
		return 0; /* it has ended */
	for (size_t i = 0; i < tids.n; i++) {
		struct task t;
		snprintf(path, sizeof(path), "%s/%.20s", dir, tids.s[i]);
		int r = task_read(w->c, path, &t, &own);
		if (r == 0)
			r = w->visit(w->data, &t, err);
		else if (r == -ENOENT)
			r = 0;
		else if (err)
			*err = own;
		if (r != 0)
			return r;
	}
	return 0;
}

int tasks_each(const struct knob_ctx *c, int (*visit)(void *data, const struct task *t, struct hft_err *err), void *data,
               struct hft_err *err)
{
	const struct walk w = {c, visit, data};
	CLEANUP(strlist_done) struct strlist pids = {0};
	int r = fsio_list(c->fs, "/proc", &pids, err);

	for (size_t i = 0; r == 0 && i < pids.n; i++)
		if (is_number(pids.s[i]))
			r = walk_process(&w, pids.s[i], err);
	return r;
}

/* --- where they may run --------------------------------------------------------------------------------------------- */

static int set_copied(const struct knob_ctx *c, const struct task *t, const struct cpuset *set)
{
	CLEANUP(strbuf_done) struct strbuf old = {0}, text = {0};
	int r = probe(c, t->path, "status", &old);
	const char *at = r < 0 ? NULL : allowed_line(strbuf_str(&old));
	char path[96];

	if (!at)
		return r < 0 ? r : -EIO;
	strbuf_addn(&text, strbuf_str(&old), (size_t)(at - strbuf_str(&old)));
	strbuf_addc(&text, '\t');
	cpuset_format(set, &text);
	strbuf_add(&text, at + strcspn(at, "\n"));
	snprintf(path, sizeof(path), "%s/status", t->path);
	return text.oom ? -ENOMEM : fsio_write(c->fs, path, strbuf_str(&text), NULL);
}

int task_set_allowed(const struct knob_ctx *c, const struct task *t, const struct cpuset *set)
{
	if (c->copied)
		return set_copied(c, t, set);
	return task_set_affinity(t->tid, set);
}

/* Up from the group at `path` to the first one that has the file. */
static int nearest_cpuset(const struct knob_ctx *c, const char *mount, char *path, const char *file, struct cpuset *ret)
{
	CLEANUP(strbuf_done) struct strbuf list = {0};

	for (;;) {
		CLEANUP(mem_freep) char *full = str_printf("%s%s/%s", mount, str_eq(path, "/") ? "" : path, file);
		if (!full)
			return -ENOMEM;
		if (fsio_probe(c->fs, full, &list) == 0)
			return cpuset_parse_kernel(strbuf_str(&list), ret, NULL);
		char *slash = strrchr(path, '/');
		if (!slash || path[0] == '\0')
			return -ENOENT;
		*slash = '\0';
	}
}

/* "0::/system.slice/redis.service", or where cpusets are a hierarchy of their own "7:cpuset:/group". */
static int cpuset_of_line(const struct knob_ctx *c, char *line, struct cpuset *ret)
{
	char *v1 = strstr(line, ":cpuset:"), *path = strrchr(line, ':');

	if (v1)
		return nearest_cpuset(c, CGROUP "/cpuset", path + 1, "cpuset.effective_cpus", ret);
	return str_starts(line, "0::") ? nearest_cpuset(c, CGROUP, path + 1, "cpuset.cpus.effective", ret) : -ENOENT;
}

void task_cpuset(const struct knob_ctx *c, const struct task *t, const struct cpuset *online, struct cpuset *ret)
{
	CLEANUP(strbuf_done) struct strbuf groups = {0};
	CLEANUP(strlist_done) struct strlist lines = {0};
	struct cpuset found;

	*ret = *online;
	if (task_is_kernel(t) || probe(c, t->path, "cgroup", &groups) < 0 ||
	    strlist_split(&lines, strbuf_str(&groups), "\n") < 0)
		return;
	for (size_t i = 0; i < lines.n; i++)
		if (cpuset_of_line(c, lines.s[i], &found) == 0 && cpuset_intersects(&found, online)) {
			*ret = found;
			cpuset_and(ret, online);
			return;
		}
}
