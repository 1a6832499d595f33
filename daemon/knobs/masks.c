/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the three kinds differ in is in a row each: where the masks are, when one is broken, how to set it. */
#include "daemon/knobs/masks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/cpukey.h"
#include "daemon/knobs/program.h"
#include "daemon/knobs/tasks.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define V1 "/sys/fs/cgroup/cpuset"
#define V1_CPUS "cpuset.cpus"

/* A list of masks while it is read: calls add for each. */
struct lister {
	const struct knob_ctx *c;
	struct cpuset online; /* as it is now: the host was read before CPUs came and went */
	bool all;             /* also the masks that hold all CPUs online */
	struct strbuf *ret;
};

struct mask_kind {
	const char *key;
	bool all; /* see struct lister */
	int (*list)(struct lister *l, struct hft_err *err);
	/* The mask now; -ENOENT: whose it was has ended. */
	int (*now)(const struct knob_ctx *c, const char *name, struct cpuset *ret, struct hft_err *err);
	/* Is `now` what the kernel falls back to, and can `wanted`, which it is not, be put back? */
	bool (*is_broken)(const struct knob_ctx *c, const char *name, const struct cpuset *now,
	                  const struct cpuset *wanted, const struct cpuset *online);
	int (*set)(const struct knob_ctx *c, const char *name, const struct cpuset *set);
};

/* A mask with CPUs that are offline is left out: the kernel will not take it, or has yet to break it. */
static int add(struct lister *l, const char *name, const struct cpuset *set, struct hft_err *err)
{
	if (cpuset_is_empty(set) || !cpuset_is_subset(set, &l->online) ||
	    (!l->all && cpuset_equal(set, &l->online)) || strpbrk(name, ";=\n"))
		return 0;
	strbuf_addf(l->ret, "%s%s=", l->ret->len > 0 ? ";" : "", name);
	cpuset_format(set, l->ret);
	return l->ret->oom ? err_oom(err) : 0;
}

/* --- interrupts ----------------------------------------------------------------------------------------------------- */

static const char *irq_path(const struct host_irq *irq, char path[static 64])
{
	snprintf(path, 64, "/proc/irq/%d/smp_affinity_list", irq->irq);
	return path;
}

static int read_irq(const struct knob_ctx *c, const struct host_irq *irq, struct cpuset *ret)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	char path[64];
	int r = fsio_probe(c->fs, irq_path(irq, path), &text);

	return r < 0 ? r : cpuset_parse_kernel(strbuf_str(&text), ret, NULL);
}

static int list_irqs(struct lister *l, struct hft_err *err)
{
	int r = host_read_irqs(l->c->host, err);

	for (size_t i = 0; r == 0 && i < l->c->host->n_irqs; i++) {
		const struct host_irq *irq = &l->c->host->irqs[i];
		struct cpuset set;
		if (!irq->managed && read_irq(l->c, irq, &set) == 0)
			r = add(l, irq->key, &set, err);
	}
	return r;
}

static int find_irq(const struct knob_ctx *c, const char *name, const struct host_irq **ret, struct hft_err *err)
{
	int r = host_read_irqs(c->host, err);

	*ret = r < 0 ? NULL : host_irq_by_key(c->host, name);
	return r < 0 ? r : *ret && host_irq_recheck(c->host, *ret, NULL) == 0 ? 0 : -ENOENT;
}

static int irq_now(const struct knob_ctx *c, const char *name, struct cpuset *ret, struct hft_err *err)
{
	const struct host_irq *irq;
	int r = find_irq(c, name, &irq, err);

	return r < 0 ? r : read_irq(c, irq, ret);
}

/*
 * fixup_irqs() gives it all CPUs that are online then, the siblings of others that go along with it or not: the first
 * threads of the other cores are among them in any case. And it may come back with all there are (seen on Linux 6.12).
 */
static bool irq_is_broken(const struct knob_ctx *c, const char *name, const struct cpuset *now,
                          const struct cpuset *wanted, const struct cpuset *online)
{
	struct cpuset sure;

	(void)name;
	cpuset_zero(&sure);
	for (size_t i = 0; i < c->host->n_siblings; i++)
		cpuset_add(&sure, (unsigned)cpuset_next(&c->host->siblings[i], 0));
	cpuset_and(&sure, online);
	cpuset_and(&sure, &c->host->online);
	cpuset_minus(&sure, wanted);
	return cpuset_is_subset(wanted, online) && cpuset_is_subset(&sure, now) &&
	       (!cpuset_intersects(now, wanted) || cpuset_is_subset(online, now));
}

static int irq_set(const struct knob_ctx *c, const char *name, const struct cpuset *set)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	const struct host_irq *irq;
	char path[64];
	int r = find_irq(c, name, &irq, NULL);

	cpuset_format(set, &text);
	if (text.oom)
		return -ENOMEM;
	return r < 0 ? r : fsio_write(c->fs, irq_path(irq, path), strbuf_str(&text), NULL);
}

/* --- threads -------------------------------------------------------------------------------------------------------- */

/* One that has all of its cpuset has asked for nothing, and follows that. */
static int list_task(void *data, const struct task *t, struct hft_err *err)
{
	struct lister *l = data;
	struct cpuset may;

	if (task_is_bound(t) || cpuset_equal(&t->allowed, &l->online))
		return 0;
	task_cpuset(l->c, t, &l->online, &may);
	return cpuset_equal(&t->allowed, &may) ? 0 : add(l, t->name, &t->allowed, err);
}

static int list_tasks(struct lister *l, struct hft_err *err)
{
	return tasks_each(l->c, list_task, l, err);
}

struct widening {
	const struct knob_ctx *c;
	struct cpuset before, online;
};

static int widen(void *data, const struct task *t, struct hft_err *err)
{
	const struct widening *w = data;
	struct cpuset may;

	if (task_is_bound(t) || !cpuset_equal(&t->allowed, &w->before))
		return 0;
	task_cpuset(w->c, t, &w->online, &may);
	if (cpuset_equal(&may, &w->before) || !cpuset_is_subset(&w->before, &may))
		return 0;
	int r = task_set_allowed(w->c, t, &may);
	if (r == 0 || r == -ESRCH || r == -ENOENT)
		return 0;
	return err_raise(err, ERR_WRITE_FAILED, -r, TASKS, "cannot give %s all CPUs again: %s", t->name, strerror(-r));
}

int masks_widen(const struct knob_ctx *c, const struct cpuset *before, struct hft_err *err)
{
	struct widening w = { .c = c, .before = *before };
	int r = cpukey_online(c, &w.online, err);

	return r < 0 ? r : tasks_each(c, widen, &w, err);
}

static int task_now(const struct knob_ctx *c, const char *name, struct cpuset *ret, struct hft_err *err)
{
	struct task t;
	int r = task_by_name(c, name, &t, err);

	if (r == 0)
		*ret = t.allowed;
	return r;
}

/* select_fallback_rq(): all CPUs that there may be. Before Linux 6.2 a cpuset that changes gives its threads all it has,
 * whatever they had asked for. */
static bool task_is_broken(const struct knob_ctx *c, const char *name, const struct cpuset *now,
                           const struct cpuset *wanted, const struct cpuset *online)
{
	struct cpuset may;
	struct task t;

	if (task_by_name(c, name, &t, NULL) < 0)
		return false;
	task_cpuset(c, &t, online, &may);
	return cpuset_is_subset(wanted, &may) && cpuset_is_subset(&may, now);
}

static int task_set(const struct knob_ctx *c, const char *name, const struct cpuset *set)
{
	struct task t;
	int r = task_by_name(c, name, &t, NULL);

	return r < 0 ? r : task_set_allowed(c, &t, set);
}

/* --- cpusets of cgroup v1 ------------------------------------------------------------------------------------------- */

static int group_now(const struct knob_ctx *c, const char *name, struct cpuset *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *path = str_printf(V1 "%s/" V1_CPUS, name);
	CLEANUP(strbuf_done) struct strbuf text = {0};

	if (!path)
		return err_oom(err);
	int r = fsio_probe(c->fs, path, &text);
	return r < 0 ? r : cpuset_parse_kernel(strbuf_str(&text), ret, NULL);
}

/* The groups below one, the outer ones first: those cannot have less than the inner ones. */
static int list_groups_below(struct lister *l, const char *name, unsigned depth, struct hft_err *err)
{
	CLEANUP(mem_freep) char *dir = str_printf(V1 "%s", name);
	CLEANUP(strlist_done) struct strlist names = {0};
	int r = dir ? 0 : err_oom(err);

	if (r < 0 || depth == 0 || fsio_list(l->c->fs, dir, &names, NULL) < 0)
		return r;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		CLEANUP(mem_freep) char *child = str_printf("%s/%s", name, names.s[i]);
		struct cpuset set;
		if (!child)
			return err_oom(err);
		if (group_now(l->c, child, &set, NULL) < 0)
			continue;
		r = add(l, child, &set, err);
		if (r == 0)
			r = list_groups_below(l, child, depth - 1, err);
	}
	return r;
}

static int list_groups(struct lister *l, struct hft_err *err)
{
	return list_groups_below(l, "", 16, err);
}

/* What went offline was taken out, and nothing else changed. */
static bool group_is_broken(const struct knob_ctx *c, const char *name, const struct cpuset *now,
                            const struct cpuset *wanted, const struct cpuset *online)
{
	(void)c;
	(void)name;
	return cpuset_is_subset(wanted, online) && cpuset_is_subset(now, wanted);
}

static int group_set(const struct knob_ctx *c, const char *name, const struct cpuset *set)
{
	CLEANUP(mem_freep) char *path = str_printf(V1 "%s/" V1_CPUS, name);
	CLEANUP(strbuf_done) struct strbuf text = {0};

	cpuset_format(set, &text);
	return !path || text.oom ? -ENOMEM : program_write(c, path, strbuf_str(&text));
}

/* --- the kinds ------------------------------------------------------------------------------------------------------ */

/* In the order of mending: a thread may only have CPUs that its cpuset has. */
static const struct mask_kind kinds[] = {
	{ "interrupts", false, list_irqs,   irq_now,   irq_is_broken,   irq_set   },
	{ "cpusets",    true,  list_groups, group_now, group_is_broken, group_set },
	{ TASKS,        false, list_tasks,  task_now,  task_is_broken,  task_set  },
};

const struct mask_kind *mask_kind(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(kinds[i].key, key))
			return &kinds[i];
	return NULL;
}

const char *mask_key(size_t i)
{
	return i < ARRAY_LEN(kinds) ? kinds[i].key : NULL;
}

int masks_read(const struct mask_kind *k, const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err)
{
	struct lister l = { .c = c, .all = k->all, .ret = ret };
	int r = cpukey_online(c, &l.online, err);

	strbuf_reset(ret);
	return r < 0 ? r : k->list(&l, err);
}

/* The broken ones of a value, one after the other. */
struct mender {
	const struct mask_kind *k;
	const struct knob_ctx *c;
	struct cpuset online;
	struct strlist items;
	size_t i;
	const char *name; /* of this one, with what it has and what it had */
	struct cpuset now, wanted;
};

static void mender_done(struct mender *m)
{
	strlist_done(&m->items);
}

static int mender_begin(struct mender *m, const struct mask_kind *k, const struct knob_ctx *c, const char *value,
                        struct hft_err *err)
{
	*m = (struct mender){ .k = k, .c = c };
	int r = cpukey_online(c, &m->online, err);

	return r == 0 && strlist_split(&m->items, value, ";") < 0 ? err_oom(err) : r;
}

/* 1: there is one; 0: no more. */
static int mender_next(struct mender *m, struct hft_err *err)
{
	while (m->i < m->items.n) {
		char *item = m->items.s[m->i++], *list = strrchr(item, '=');
		if (!list || cpuset_parse(list + 1, &m->wanted, NULL) < 0)
			return err_raise(err, ERR_IO, EINVAL, m->k->key, "'%s' is no mask", item);
		*list = '\0';
		m->name = item;
		int r = m->k->now(m->c, item, &m->now, NULL);
		if (r == -ENOMEM)
			return err_oom(err);
		if (r == 0 && !cpuset_equal(&m->now, &m->wanted) &&
		    m->k->is_broken(m->c, item, &m->now, &m->wanted, &m->online))
			return 1;
	}
	return 0;
}

int masks_verify(const struct mask_kind *k, const struct knob_ctx *c, const char *wanted, struct knob_verdict *ret,
                 struct hft_err *err)
{
	CLEANUP(mender_done) struct mender m = {0};
	CLEANUP(strbuf_done) struct strbuf lists = {0};
	int r = masks_read(k, c, &ret->found, err);

	r = r < 0 ? r : mender_begin(&m, k, c, wanted, err);
	r = r < 0 ? r : mender_next(&m, err);
	if (r < 0)
		return r;
	ret->state = r == 1 ? KNOB_DRIFT : KNOB_OK;
	ret->reason[0] = '\0';
	if (r == 0)
		return 0;
	cpuset_format(&m.now, &lists);
	strbuf_add(&lists, ", was ");
	cpuset_format(&m.wanted, &lists);
	snprintf(ret->reason, sizeof(ret->reason), "%.60s has CPUs %.80s", m.name, strbuf_str(&lists));
	return lists.oom ? err_oom(err) : 0;
}

int masks_write(const struct mask_kind *k, const struct knob_ctx *c, const char *value, struct hft_err *err)
{
	CLEANUP(mender_done) struct mender m = {0};
	int r = mender_begin(&m, k, c, value, err);

	while (r == 0 && (r = mender_next(&m, err)) == 1) {
		r = k->set(c, m.name, &m.wanted);
		if (r == -ESRCH || r == -ENOENT)
			r = 0;
		else if (r < 0)
			return err_raise(err, ERR_WRITE_FAILED, -r, k->key, "cannot put the CPUs of %s back: %s", m.name,
			                 strerror(-r));
	}
	return r;
}
