/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads, as /proc shows them: one by its number, and those of the kernel. Must not know what they are for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/parts.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

/* proc(5): the name stands between the first '(' and the last ')' and may hold anything. */
static int parse_stat(const char *text, struct host_task *ret)
{
	const char *from = strchr(text, '('), *to = strrchr(text, ')');
	size_t len = from && to ? (size_t)(to - from - 1) : sizeof(ret->name);

	if (len >= sizeof(ret->name))
		return -EINVAL;
	memcpy(ret->name, from + 1, len);
	ret->name[len] = '\0';
	ret->priority = ret->policy = 0; /* a record may be cut short */
	/* 3 state, 9 flags, 19 nice, 22 starttime, 40 rt_priority, 41 policy */
	if (sscanf(to + 1, " %*c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %d %*d %*d %llu"
	           " %*u %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %*d %d %d",
	           &ret->flags, &ret->nice, &ret->born, &ret->priority, &ret->policy) < 3)
		return -EINVAL;
	return 0;
}

int host_read_task(struct fsio *fs, int pid, int tid, struct host_task *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	char path[HOST_PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	int r = fsio_probe(fs, path, &text);
	if (r == 0)
		r = parse_stat(strbuf_str(&text), ret);
	ret->pid = pid;
	ret->tid = tid;
	if (r == -ESRCH) /* it ended between open(2) and read(2) */
		r = -ENOENT;
	return r < 0 ? err_raise(err, ERR_IO, -r, path, "cannot read %s: %s", path, strerror(-r)) : 0;
}

int host_tasks_add(struct fsio *fs, int pid, int tid, struct host_tasks *l, struct hft_err *err)
{
	struct hft_err own = {0};

	if (mem_grow(&l->t, &l->cap, l->n, sizeof(*l->t)) < 0)
		return err_oom(err);
	int r = host_read_task(fs, pid, tid, &l->t[l->n], &own);
	if (r == 0)
		l->n++;
	if (r < 0 && r != -ENOENT && err)
		*err = own;
	return r == -ENOENT ? 0 : r;
}

void host_tasks_done(struct host_tasks *l)
{
	free(l->t);
	*l = (struct host_tasks){0};
}

int host_number_names(struct fsio *fs, const char *dir, struct strlist *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	struct hft_err own = {0};
	int64_t n;
	int r = fsio_list(fs, dir, &names, &own);

	if (r == -ENOENT || r == -ESRCH)
		return 0;
	if (r < 0 && err)
		*err = own;
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (num_parse_range(names.s[i], 1, INT32_MAX, &n) == 0 && strlist_add(ret, names.s[i]) < 0)
			r = err_oom(err);
	return r;
}

int host_read_kthreads(struct host *h, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist pids = {0};
	CLEANUP(host_tasks_done) struct host_tasks found = {0};
	int r = h->kthreads_read ? 0 : host_number_names(h->fs, "/proc", &pids, err);

	for (size_t i = 0; r == 0 && i < pids.n; i++) {
		int pid = (int)strtol(pids.s[i], NULL, 10);
		r = host_tasks_add(h->fs, pid, pid, &found, err);
		if (found.n > 0 && found.t[found.n - 1].tid == pid && !(found.t[found.n - 1].flags & HOST_TASK_KERNEL))
			found.n--;
	}
	if (r < 0 || h->kthreads_read)
		return r;
	h->kthreads = found;
	found = (struct host_tasks){0};
	h->kthreads_read = true;
	return 0;
}

void host_forget_kthreads(struct host *h)
{
	host_tasks_done(&h->kthreads);
	h->kthreads_read = false;
}
