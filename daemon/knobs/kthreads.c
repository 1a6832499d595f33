/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kthreadd is moved first, on kernels where what it starts may run where it may. */
#include "daemon/knobs/kthreads.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/cpukey.h"
#include "daemon/knobs/tasks.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct walk {
	const struct knob_ctx *c;
	struct cpuset online;
	struct cpuset usual; /* what kthreadd has */
	struct cpuset wanted;
	struct cpuset apart; /* no load is balanced to these */
	const char *others;  /* of an original: "NAME=LIST;..."; NULL: a setting */
	struct strbuf *text;
	struct knob_verdict *verdict;
};

static bool is_ours(const struct task *t)
{
	return task_is_kernel(t) && !task_is_bound(t) && !str_starts(t->comm, "irq/");
}

/* Offline CPUs do not count: the kernel does not let a thread have them. */
static bool same_cpus(const struct walk *w, const struct cpuset *a, const struct cpuset *b)
{
	struct cpuset x = *a, y = *b;

	cpuset_and(&x, &w->online);
	cpuset_and(&y, &w->online);
	return cpuset_equal(&x, &y);
}

static bool is_within(const struct walk *w, const struct cpuset *set, const struct cpuset *of)
{
	struct cpuset there = *set;

	cpuset_and(&there, &w->online);
	return cpuset_is_subset(&there, of);
}

static int read_kthreadd(const struct knob_ctx *c, struct task *ret, struct hft_err *err)
{
	int r = task_read(c, TASK_KTHREADD, ret, NULL);

	if (r == 0 && task_is_kernel(ret))
		return 0;
	return err_raise(err, r == 0 || r == -ENOENT ? ERR_NOT_APPLICABLE : ERR_IO, r == 0 ? ENOENT : -r, "kthreads",
	                 "kernel threads cannot be seen here");
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

static int add_other(void *data, const struct task *t, struct hft_err *err)
{
	struct walk *w = data;

	if (!is_ours(t) || same_cpus(w, &t->allowed, &w->usual))
		return 0;
	strbuf_addf(w->text, "%s%s=", str_ends(strbuf_str(w->text), "@") ? "" : ";", t->name);
	cpuset_format(&t->allowed, w->text);
	return w->text->oom ? err_oom(err) : 0;
}

int kthreads_read(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err)
{
	struct walk w = { .c = c, .text = ret };
	struct task kthreadd;
	int r = read_kthreadd(c, &kthreadd, err);

	r = r < 0 ? r : cpukey_online(c, &w.online, err);
	strbuf_reset(ret);
	if (r < 0)
		return r;
	w.usual = kthreadd.allowed;
	cpuset_and(&w.usual, &c->host->present); /* the others may never be there */
	cpuset_format(&w.usual, ret);
	strbuf_addc(ret, '@');
	return tasks_each(c, add_other, &w, err);
}

/* --- values --------------------------------------------------------------------------------------------------------- */

static int parse_value(struct walk *w, const char *value, struct hft_err *err)
{
	size_t len = strcspn(value, "@");
	CLEANUP(mem_freep) char *list = str_dup_n(value, len);

	if (!list)
		return err_oom(err);
	w->others = value[len] == '@' ? value + len + 1 : NULL;
	return cpuset_parse(list, &w->wanted, err);
}

/* What the thread shall have: false, nothing in particular. */
static bool find_wanted(const struct walk *w, const struct task *t, struct cpuset *ret)
{
	size_t len = strlen(t->name);

	*ret = w->wanted;
	if (!w->others) {
		cpuset_and(ret, &t->allowed);
		if (cpuset_is_empty(ret) || !cpuset_intersects(ret, &w->online))
			*ret = w->wanted;
		return true;
	}
	for (const char *at = w->others; *at != '\0'; at += strcspn(at, ";"), at += *at == ';') {
		if (strncmp(at, t->name, len) != 0 || at[len] != '=')
			continue;
		CLEANUP(mem_freep) char *list = str_dup_n(at + len + 1, strcspn(at + len + 1, ";"));
		return list && cpuset_parse(list, ret, NULL) == 0;
	}
	/* One that had what kthreadd had, or was born since: back, if it has what we gave them all. */
	return same_cpus(w, &t->allowed, &w->usual);
}

static bool holds(const struct walk *w, const struct task *t)
{
	struct cpuset wanted;

	if (!w->others)
		return is_within(w, &t->allowed, &w->wanted);
	return !find_wanted(w, t, &wanted) || same_cpus(w, &t->allowed, &wanted);
}

/* Born later, with the mask that the kernel gives to all of them: it stays where kthreadd started it, since the scheduler
 * brings nothing to CPUs that are apart. */
static bool is_kept_off(const struct walk *w, const struct task *t)
{
	struct cpuset all = w->online;

	cpuset_minus(&all, &w->apart);
	return !w->others && !str_eq(t->path, TASK_KTHREADD) && cpuset_is_subset(&w->online, &t->allowed) &&
	       cpuset_is_subset(&all, &w->wanted);
}

static int judge(void *data, const struct task *t, struct hft_err *err)
{
	struct walk *w = data;
	CLEANUP(strbuf_done) struct strbuf list = {0};

	if (!is_ours(t) || holds(w, t) || is_kept_off(w, t))
		return 0;
	cpuset_format(&t->allowed, &list);
	w->verdict->state = KNOB_DRIFT;
	snprintf(w->verdict->reason, sizeof(w->verdict->reason), "%.32s (%d) may run on %.80s", t->comm, t->tid,
	         strbuf_str(&list));
	return list.oom ? err_oom(err) : 1;
}

int kthreads_verify(const struct knob_ctx *c, const char *wanted, struct knob_verdict *ret, struct hft_err *err)
{
	struct walk w = { .c = c, .verdict = ret };
	struct task kthreadd;
	int r = kthreads_read(c, &ret->found, err);

	r = r < 0 ? r : parse_value(&w, wanted, err);
	r = r < 0 ? r : read_kthreadd(c, &kthreadd, err);
	r = r < 0 ? r : cpukey_online(c, &w.online, err);
	if (r == 0 && host_read_partitions(c->fs, &w.apart) < 0)
		r = err_oom(err);
	if (r < 0)
		return r;
	cpuset_or(&w.apart, &c->host->isolated);
	ret->state = KNOB_OK;
	ret->reason[0] = '\0';
	/* Then nobody has what is not usual for a reason of ours. */
	w.usual = w.others ? w.wanted : kthreadd.allowed;
	if (w.others && !same_cpus(&w, &kthreadd.allowed, &w.wanted)) {
		ret->state = KNOB_DRIFT;
		return 0;
	}
	r = tasks_each(c, judge, &w, err);
	return r < 0 ? r : 0;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static int move(void *data, const struct task *t, struct hft_err *err)
{
	struct walk *w = data;
	struct cpuset wanted;

	if (!is_ours(t) || holds(w, t) || !find_wanted(w, t, &wanted))
		return 0;
	int r = task_set_allowed(w->c, t, &wanted);
	if (r == 0 || r == -ESRCH || r == -ENOENT)
		return 0;
	return err_raise(err, ERR_WRITE_FAILED, -r, "kthreads", "cannot move %s (%d): %s", t->comm, t->tid, strerror(-r));
}

int kthreads_write(const struct knob_ctx *c, const char *value, struct hft_err *err)
{
	struct walk w = { .c = c };
	struct task kthreadd;
	int r = parse_value(&w, value, err);

	r = r < 0 ? r : read_kthreadd(c, &kthreadd, err);
	r = r < 0 ? r : cpukey_online(c, &w.online, err);
	if (r < 0)
		return r;
	w.usual = kthreadd.allowed;
	r = move(&w, &kthreadd, err);
	return r < 0 ? r : tasks_each(c, move, &w, err);
}
