/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose threads: of a unit by its control group, of the kernel by their flag, of an interrupt by its number now. Reads
 * /proc and /sys/fs/cgroup, changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/knobs/thread.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

#define CGROUP_DIR "/sys/fs/cgroup"
#define DEPTH_MAX 16 /* of slices in slices, and of control groups in a unit */

/* --- keys --------------------------------------------------------------------------------------------------------- */

int thread_key_parse(const char *key, struct thread_key *ret, struct hft_err *err)
{
	const char *first = strchr(key, ' '), *last = strrchr(key, ' ');

	*ret = (struct thread_key){0};
	if (!first || first == last)
		return err_raise(err, ERR_NOT_APPLICABLE, EINVAL, key, "thread has no '%s'", key);
	ret->who = str_dup_n(key, (size_t)(first - key));
	ret->name = str_dup_n(first + 1, (size_t)(last - first - 1));
	ret->option = last + 1;
	return ret->who && ret->name ? 0 : err_oom(err);
}

void thread_key_done(struct thread_key *k)
{
	free(k->who);
	free(k->name);
	*k = (struct thread_key){0};
}

bool thread_is_unit(const char *who)
{
	return (str_ends(who, ".service") || str_ends(who, ".scope")) && who[0] != '.' && !strchr(who, '/');
}

/* --- units -------------------------------------------------------------------------------------------------------- */

/* Where systemd keeps its groups: the one hierarchy of version 2, or its own beside those of version 1. */
static const char *cgroup_base(const struct knob_ctx *c)
{
	return fsio_exists(c->fs, CGROUP_DIR "/cgroup.controllers") ? CGROUP_DIR : CGROUP_DIR "/systemd";
}

/* The group of a unit, in any slice: 1 and *ret, or 0. */
static int find_group(const struct knob_ctx *c, const char *dir, const char *unit, int depth, struct strbuf *ret)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	int found = 0;

	if (depth == 0 || fsio_list(c->fs, dir, &names, NULL) < 0)
		return 0;
	if (strlist_has(&names, unit)) {
		strbuf_addf(ret, "%s/%s", dir, unit);
		return 1;
	}
	for (size_t i = 0; !found && i < names.n; i++) {
		CLEANUP(mem_freep) char *below = str_printf("%s/%s", dir, names.s[i]);

		found = below && str_ends(names.s[i], ".slice") && find_group(c, below, unit, depth - 1, ret);
	}
	return found;
}

static int add_process(const struct knob_ctx *c, const char *pid, struct host_tasks *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist tids = {0};
	char path[64];
	int64_t n;
	int r;

	if (num_parse_range(pid, 1, INT32_MAX, &n) < 0) /* 0 is one of another PID namespace */
		return 0;
	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	r = host_number_names(c->fs, path, &tids, err);
	for (size_t i = 0; r == 0 && i < tids.n; i++)
		r = host_tasks_add(c->fs, (int)n, (int)strtol(tids.s[i], NULL, 10), ret, err);
	return r;
}

/* The processes of a group and of those below it. A group that goes meanwhile has none. */
static int add_group(const struct knob_ctx *c, const char *dir, int depth, struct host_tasks *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0}, pids = {0};
	CLEANUP(strbuf_done) struct strbuf text = {0};
	CLEANUP(mem_freep) char *path = str_printf("%s/cgroup.procs", dir);
	int r = 0;

	if (!path)
		return err_oom(err);
	if (depth == 0 || fsio_probe(c->fs, path, &text) < 0)
		return 0;
	if (strlist_split(&pids, strbuf_str(&text), "\n") < 0)
		return err_oom(err);
	for (size_t i = 0; r == 0 && i < pids.n; i++)
		r = add_process(c, pids.s[i], ret, err);
	if (r < 0 || fsio_list(c->fs, dir, &names, NULL) < 0)
		return r;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		CLEANUP(mem_freep) char *below = str_printf("%s/%s", dir, names.s[i]);

		r = below ? add_group(c, below, depth - 1, ret, err) : err_oom(err);
	}
	return r;
}

static const char *const unit_dirs[] = {
	"/etc/systemd/system",    "/run/systemd/system",          "/run/systemd/transient",
	"/run/systemd/generator", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
};

/* "redis@6379.service" is made from "redis@.service". */
static bool has_unit_file(const struct knob_ctx *c, const char *unit)
{
	const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');
	bool found = false;

	for (size_t i = 0; !found && i < ARRAY_LEN(unit_dirs); i++) {
		CLEANUP(mem_freep) char *file = str_printf("%s/%s", unit_dirs[i], unit);
		CLEANUP(mem_freep) char *template = str_printf("%s/%.*s%s", unit_dirs[i],
		                                               at ? (int)(at + 1 - unit) : 0, unit, dot);

		found = (file && fsio_exists(c->fs, file)) || (at && template && fsio_exists(c->fs, template));
	}
	return found;
}

/* Debian's "redis.service" is a link to "redis-server.service". */
int thread_real_unit(const struct knob_ctx *c, const char *who, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf target = {0};

	strbuf_reset(ret);
	for (size_t i = 0; ret->len == 0 && thread_is_unit(who) && i < ARRAY_LEN(unit_dirs); i++) {
		CLEANUP(mem_freep) char *file = str_printf("%s/%s", unit_dirs[i], who);

		if (file && fsio_link_name(c->fs, file, &target, NULL) == 0 && thread_is_unit(strbuf_str(&target)))
			strbuf_add(ret, strbuf_str(&target));
	}
	if (ret->len == 0)
		strbuf_add(ret, who);
	return ret->oom ? err_oom(err) : 0;
}

static int find_unit(const struct knob_ctx *c, const char *unit, struct host_tasks *ret, enum thread_unit *ret_unit,
                     struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf dir = {0};
	int r = 0;

	if (find_group(c, cgroup_base(c), unit, DEPTH_MAX, &dir))
		r = add_group(c, strbuf_str(&dir), DEPTH_MAX, ret, err);
	*ret_unit = ret->n > 0 ? THREAD_RUNS : dir.len > 0 || has_unit_file(c, unit) ? THREAD_STOPPED : THREAD_NO_UNIT;
	return r;
}

/* --- the kernel's ------------------------------------------------------------------------------------------------- */

/* As they were when the list was made, looked at again: *ret_lost when one has gone. */
static int add_kernel(const struct knob_ctx *c, const char *prefix, struct host_tasks *ret, bool *ret_lost,
                      struct hft_err *err)
{
	int r = host_read_kthreads(c->host, err);

	*ret_lost = false;
	for (size_t i = 0; r == 0 && i < c->host->kthreads.n; i++) {
		const struct host_task *was = &c->host->kthreads.t[i];
		size_t n = ret->n;

		if (was->flags & HOST_TASK_WORKQUEUE || !str_starts(was->name, prefix))
			continue;
		r = host_tasks_add(c->fs, was->pid, was->tid, ret, err);
		if (ret->n == n || ret->t[n].born != was->born || !str_eq(ret->t[n].name, was->name)) {
			*ret_lost = true;
			ret->n = n;
		}
	}
	return r;
}

/* The list lives as long as the request: once more, when it names none or has grown old. */
static int find_kernel(const struct knob_ctx *c, const char *prefix, struct host_tasks *ret, struct hft_err *err)
{
	bool lost;
	int r = add_kernel(c, prefix, ret, &lost, err);

	if (r < 0 || !lost)
		return r;
	ret->n = 0;
	host_forget_kthreads(c->host);
	return add_kernel(c, prefix, ret, &lost, err);
}

/* "irq/24-eth0-rx-0", and "irq/24-s-eth0" of one that is handled in two halves. */
static int find_irq(const struct knob_ctx *c, const char *key, struct host_tasks *ret, struct hft_err *err)
{
	const struct host_irq *irq;
	char prefix[32];
	int r = host_read_irqs(c->host, err);

	if (r < 0)
		return r;
	irq = host_irq_by_key(c->host, key);
	if (!irq)
		return 0;
	snprintf(prefix, sizeof(prefix), "irq/%d-", irq->irq);
	return find_kernel(c, prefix, ret, err);
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static int compare_tids(const void *a, const void *b)
{
	const struct host_task *ta = a, *tb = b;

	return ta->tid < tb->tid ? -1 : ta->tid > tb->tid;
}

static bool is_nameable(const struct host_task *t)
{
	size_t len = strlen(t->name);

	return len > 0 && str_is_utf8(t->name, len) && !str_has_control(t->name, len);
}

int thread_find(const struct knob_ctx *c, const char *who, const char *name, struct host_tasks *ret,
                enum thread_unit *ret_unit, struct hft_err *err)
{
	size_t n = 0;
	int r;

	*ret_unit = THREAD_RUNS;
	if (str_eq(who, THREAD_KERNEL))
		r = find_kernel(c, "", ret, err);
	else if (str_eq(who, THREAD_IRQ))
		r = find_irq(c, name, ret, err);
	else
		r = find_unit(c, who, ret, ret_unit, err);
	for (size_t i = 0; r == 0 && i < ret->n; i++)
		if (is_nameable(&ret->t[i]))
			ret->t[n++] = ret->t[i];
	ret->n = r == 0 ? n : ret->n;
	if (ret->n > 1)
		qsort(ret->t, ret->n, sizeof(*ret->t), compare_tids);
	return r;
}

int thread_find_key(const struct knob_ctx *c, const struct thread_key *k, struct host_tasks *ret,
                    enum thread_unit *ret_unit, struct hft_err *err)
{
	int r = thread_find(c, k->who, k->name, ret, ret_unit, err);
	size_t n = 0;

	if (r < 0 || str_eq(k->who, THREAD_IRQ))
		return r;
	for (size_t i = 0; i < ret->n; i++)
		if (str_eq(ret->t[i].name, k->name))
			ret->t[n++] = ret->t[i];
	ret->n = n;
	return 0;
}
