/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob thread: on which CPUs threads run and by which policy, by name: of a service, of the kernel, of an interrupt.
 * Whose threads a key means is thread_find.c's business, what they can be given thread_value.c's. Must not start, end
 * or signal anything.
 *
 * A profile's value is of all threads of a name. An original is thread by thread (thread.h). Threads that were born
 * since are not in it: renew() takes them in before they are written, and what a thread has inherited from one that we
 * had set is not taken for its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/knobs/irq_selector.h"
#include "daemon/knobs/row.h"
#include "daemon/knobs/thread.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* A service may make threads while it is written: until a look finds nothing to do. */
#define ROUNDS 8

extern const struct knob knob_thread;

/* What an operation on a key needs. */
struct at {
	struct thread_key key;
	const struct thread_option *option;
	struct host_tasks now;
	enum thread_unit unit;
};

static void at_done(struct at *a)
{
	thread_key_done(&a->key);
	host_tasks_done(&a->now);
}

static int look(const struct knob_ctx *c, struct at *a, struct hft_err *err)
{
	host_tasks_done(&a->now);
	return thread_find_key(c, &a->key, &a->now, &a->unit, err);
}

static int resolve(const struct knob_ctx *c, const char *key, struct at *ret, struct hft_err *err)
{
	int r;

	*ret = (struct at){0};
	if (c->copied)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "not applicable (copied tree)");
	r = thread_key_parse(key, &ret->key, err);
	ret->option = r == 0 ? thread_option(ret->key.option) : NULL;
	if (r == 0 && !ret->option)
		r = err_raise(err, ERR_NOT_APPLICABLE, EINVAL, key, "thread has no '%s'", ret->key.option);
	return r == 0 ? look(c, ret, err) : r;
}

/* Why there is no thread now. */
static void describe_lack(const struct at *a, char text[160])
{
	if (a->unit == THREAD_RUNS)
		snprintf(text, 160, "%.80s has no thread \"%.40s\" now", a->key.who, a->key.name);
	else
		snprintf(text, 160, "%.100s is not running", a->key.who);
}

static const char *refuses(const struct at *a)
{
	const char *why = NULL;

	for (size_t i = 0; !why && a->option->refuses && i < a->now.n; i++)
		why = a->option->refuses(&a->now.t[i]);
	return why;
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

static int add_object(const char *who, const char *name, const char *option, const char *label, const char *na,
                      struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *key = str_printf("%s %s %s", who, name, option);

	if (!key)
		return err_oom(err);
	for (size_t i = 0; i < ret->n; i++)
		if (str_eq(ret->o[i].key, key))
			return 0;
	return knob_objects_add(ret, key, label, na, err);
}

/* The names among the threads that match, each once; *ret_n counts the threads. */
static int add_named(const struct host_tasks *l, const char *who, const char *pattern, const struct thread_option *o,
                     size_t *ret_n, struct knob_objects *ret, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		const struct host_task *t = &l->t[i];

		if (!str_eq(t->name, pattern) && !str_match(pattern, t->name))
			continue;
		(*ret_n)++;
		r = add_object(who, t->name, o->name, NULL, o->refuses ? o->refuses(t) : NULL, ret, err);
	}
	return r;
}

static int list_named(const struct knob_ctx *c, const char *who, const char *pattern, const struct thread_option *o,
                      struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(host_tasks_done) struct host_tasks found = {0};
	struct at a = {.key = {.who = (char *)(uintptr_t)who, .name = (char *)(uintptr_t)pattern}};
	size_t n = 0;
	char why[160];
	int r = thread_find(c, who, pattern, &found, &a.unit, err);

	if (r == 0)
		r = add_named(&found, who, pattern, o, &n, ret, err);
	if (r < 0 || n > 0)
		return r;
	if (a.unit == THREAD_NO_UNIT) {
		err_raise(err, ERR_NO_MATCH, ENOENT, who, "this host has no unit '%s'", who);
		err_hint(err, "the name is the one that `systemctl status` shows first");
		return -ENOENT;
	}
	if (a.unit == THREAD_RUNS && str_is_pattern(pattern))
		return 0;
	describe_lack(&a, why);
	return add_object(who, pattern, o->name, NULL, why, ret, err);
}

/* Interrupts without a thread are named where they were meant one by one. */
static int list_irqs(const struct knob_ctx *c, const char *selector, const struct thread_option *o,
                     struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(irq_selector_done) struct irq_selector wanted = {0};
	size_t n = 0;
	int r = irq_selector_parse(selector, &wanted, err);

	if (r == 0)
		r = host_read_irqs(c->host, err);
	for (size_t i = 0; r == 0 && i < c->host->n_irqs; i++) {
		CLEANUP(host_tasks_done) struct host_tasks found = {0};
		const struct host_irq *irq = &c->host->irqs[i];
		enum thread_unit unit;

		if (irq->actions[0] == '\0' || !irq_selector_matches(&wanted, irq))
			continue;
		n++;
		r = thread_find(c, THREAD_IRQ, irq->key, &found, &unit, err);
		if (r == 0 && (found.n > 0 || irq_selector_is_literal(&wanted)))
			r = add_object(THREAD_IRQ, irq->key, o->name, irq->actions,
			               found.n > 0 ? NULL : "the interrupt is handled without a thread", ret, err);
	}
	if (r == 0 && n == 0 && irq_selector_is_literal(&wanted))
		return err_raise(err, ERR_NO_MATCH, ENOENT, selector, "no interrupt in use matches '%s'", selector);
	return r;
}

static int list_of(const struct knob_ctx *c, const char *who, const char *rest, const struct thread_option *o,
                   struct knob_objects *ret, struct hft_err *err)
{
	if (rest[0] == '\0')
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, o->name, "%s needs the name of a thread after '%s'",
		                 o->name, who);
	if (!str_eq(who, THREAD_KERNEL) && !str_eq(who, THREAD_IRQ) && !thread_is_unit(who))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, who,
		                 "'%s' is neither a unit (NAME.service) nor kernel nor irq", who);
	if (str_eq(who, THREAD_IRQ) && str_eq(o->name, "affinity")) {
		err_raise(err, ERR_INVALID_PROFILE, EINVAL, o->name, "the thread of an interrupt runs where that goes");
		err_hint(err, "set the affinity of the interrupt: [PHASE/irq %s]", rest);
		return -EINVAL;
	}
	if (c->copied)
		return add_object(who, rest, o->name, NULL, "not applicable (copied tree)", ret, err);
	return str_eq(who, THREAD_IRQ) ? list_irqs(c, rest, o, ret, err) : list_named(c, who, rest, o, ret, err);
}

static int thread_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                       struct hft_err *err)
{
	const struct thread_option *o = thread_option(option);
	size_t len = strcspn(selector, " \t");
	CLEANUP(mem_freep) char *who = str_dup_n(selector, len);
	CLEANUP(strbuf_done) struct strbuf real = {0};

	if (!o)
		return row_unknown_option("thread", option, err);
	if (!who)
		return err_oom(err);
	int r = thread_real_unit(c, who, &real, err);
	return r < 0 ? r : list_of(c, strbuf_str(&real), selector + len + strspn(selector + len, " \t"), o, ret, err);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int thread_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                        struct strbuf *ret, struct hft_err *err)
{
	const struct thread_option *o = thread_option(option);

	strbuf_reset(ret);
	if (!o)
		return row_unknown_option("thread", option, err);
	int r = o->parse(key ? c : NULL, option, value, ret, err);
	return r == 0 && ret->oom ? err_oom(err) : r;
}

/* What each thread has; one that has ended meanwhile is taken off the list. */
static int read_each(const struct knob_ctx *c, struct at *a, struct strlist *ret, struct hft_err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < a->now.n; i++) {
		struct strbuf value = {0};
		int r = a->option->read(c, &a->now.t[i], &value, err);

		if (r == 0) {
			a->now.t[n++] = a->now.t[i];
			r = strlist_take(ret, strbuf_take(&value)) < 0 ? err_oom(err) : 0;
		}
		strbuf_done(&value);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	a->now.n = n;
	return 0;
}

static int read_all(const struct knob_ctx *c, const char *key, struct at *a, struct strlist *values,
                    struct hft_err *err)
{
	char why[160];
	int r = read_each(c, a, values, err);

	if (r < 0)
		return r;
	if (a->now.n == 0) {
		describe_lack(a, why);
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "%s", why);
	}
	return refuses(a) ? err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "%s", refuses(a)) : 0;
}

static int thread_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(at_done) struct at a = {0};
	CLEANUP(strlist_done) struct strlist values = {0};
	int r = resolve(c, key, &a, err);

	strbuf_reset(ret);
	if (r == 0)
		r = read_all(c, key, &a, &values, err);
	if (r < 0)
		return r;
	thread_value_format(&a.now, &values, ret);
	return ret->oom ? err_oom(err) : 0;
}

/* What a thread shall have. One that the text does not know counts when none is left that it knows: it stands for those. */
static const char *wanted_of(const struct thread_value *v, const struct host_task *t, bool is_over)
{
	const char *own = thread_value_of(v, t);

	return own || !is_over ? own : thread_value_first(v);
}

/* CPUs that are offline say nothing. */
static bool is_same(const struct knob_ctx *c, const struct thread_option *o, const char *a, const char *b)
{
	struct cpuset sa, sb;

	if (str_eq(a, b) || !str_eq(o->name, "affinity"))
		return str_eq(a, b);
	if (cpuset_parse(a, &sa, NULL) < 0 || cpuset_parse(b, &sb, NULL) < 0)
		return false;
	cpuset_and(&sa, &c->host->online);
	cpuset_and(&sb, &c->host->online);
	return cpuset_equal(&sa, &sb);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static int raise_refused(const struct host_task *t, const struct thread_option *o, const char *value, int r,
                         struct hft_err *err)
{
	err_raise(err, ERR_WRITE_FAILED, -r, "", "cannot set %s of thread %d (%s): %s", o->name, t->tid, t->name,
	          strerror(-r));
	err_values(err, value, NULL);
	if (r == -EINVAL && str_eq(o->name, "affinity"))
		err_hint(err, "none of the CPUs is online and allowed by the cpuset of its control group");
	else if (r == -EPERM)
		err_hint(err, "hfttuned needs CAP_SYS_NICE, and a control group of real-time tasks a runtime "
		         "(RT_GROUP_SCHED, cpu.rt_runtime_us)");
	return r;
}

/* One look at all: 1 when something was set, 0 when all have it. */
static int write_round(const struct knob_ctx *c, struct at *a, const struct thread_value *v, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist values = {0};
	int wrote = 0, r = read_each(c, a, &values, err);

	for (size_t i = 0; r >= 0 && i < a->now.n; i++) {
		const char *own = thread_value_of(v, &a->now.t[i]);
		const char *wanted = own ? own : thread_value_first(v);

		if (is_same(c, a->option, values.s[i], wanted))
			continue;
		wrote = 1;
		r = a->option->set(c, &a->now.t[i], wanted);
		if (r == -ESRCH)
			r = 0;
		if (r < 0)
			return raise_refused(&a->now.t[i], a->option, wanted, r, err);
	}
	return r < 0 ? r : wrote;
}

static int thread_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	CLEANUP(at_done) struct at a = {0};
	CLEANUP(thread_value_done) struct thread_value v = {0};
	char why[160];
	int r = resolve(c, key, &a, err);

	if (r == 0)
		r = thread_value_parse(value, &v, err);
	if (r == 0 && a.now.n == 0) {
		describe_lack(&a, why);
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "%s", why);
	}
	if (r == 0 && refuses(&a))
		return err_raise(err, ERR_NOT_APPLICABLE, EPERM, key, "%s", refuses(&a));
	for (int round = 0; r == 0 && round < ROUNDS; round++) {
		r = write_round(c, &a, &v, err);
		if (r <= 0)
			return r;
		r = look(c, &a, err);
	}
	return r;
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

static void judge_none(const struct at *a, struct knob_verdict *ret)
{
	ret->state = a->unit == THREAD_RUNS ? KNOB_NA : KNOB_PENDING;
	if (a->unit == THREAD_RUNS)
		describe_lack(a, ret->reason);
	else
		snprintf(ret->reason, sizeof(ret->reason), "restart (%.100s is not running)", a->key.who);
}

static void judge_each(const struct knob_ctx *c, const struct at *a, const struct strlist *values,
                       const struct thread_value *v, struct knob_verdict *ret)
{
	bool is_over = thread_value_is_over(v, &a->now);
	size_t n = 0, first = 0;

	for (size_t i = a->now.n; i-- > 0;) {
		const char *wanted = wanted_of(v, &a->now.t[i], is_over);

		if (!wanted || is_same(c, a->option, values->s[i], wanted))
			continue;
		n++;
		first = i;
	}
	ret->state = n > 0 ? KNOB_DRIFT : KNOB_OK;
	if (n > 0 && n < a->now.n)
		snprintf(ret->reason, sizeof(ret->reason), "%zu of %zu threads, thread %d has %.60s", n, a->now.n,
		         a->now.t[first].tid, values->s[first]);
}

static int thread_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                         struct hft_err *err)
{
	CLEANUP(at_done) struct at a = {0};
	CLEANUP(strlist_done) struct strlist values = {0};
	CLEANUP(thread_value_done) struct thread_value v = {0};
	int r = resolve(c, key, &a, err);

	ret->reason[0] = '\0';
	strbuf_reset(&ret->found);
	if (r == 0)
		r = thread_value_parse(wanted, &v, err);
	if (r == 0)
		r = read_each(c, &a, &values, err);
	if (r < 0)
		return r;
	if (a.now.n == 0) {
		judge_none(&a, ret);
		return 0;
	}
	judge_each(c, &a, &values, &v, ret);
	thread_value_format(&a.now, &values, &ret->found);
	return ret->found.oom ? err_oom(err) : 0;
}

/* --- originals ---------------------------------------------------------------------------------------------------- */

static int thread_renew(const struct knob_ctx *c, const char *key, const char *original, const char *applied,
                        struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(at_done) struct at a = {0};
	CLEANUP(strlist_done) struct strlist values = {0}, own = {0};
	CLEANUP(thread_value_done) struct thread_value was = {0}, set = {0};
	int r = resolve(c, key, &a, err);

	strbuf_reset(ret);
	if (r == 0)
		r = thread_value_parse(original, &was, err);
	if (r == 0)
		r = thread_value_parse(applied, &set, err);
	if (r == 0)
		r = read_all(c, key, &a, &values, err);
	bool is_over = r < 0 || thread_value_is_over(&was, &a.now);
	for (size_t i = 0; r == 0 && i < a.now.n; i++) {
		const char *old = thread_value_of(&was, &a.now.t[i]);

		if (!old && !is_over && is_same(c, a.option, values.s[i], thread_value_first(&set)))
			old = thread_value_first(&was);
		if (strlist_add(&own, old ? old : values.s[i]) < 0)
			return err_oom(err);
	}
	if (r < 0)
		return r;
	thread_value_format(&a.now, &own, ret);
	return ret->oom ? err_oom(err) : 0;
}

/* Real-time last: a thread that spins is on its CPU by then. */
static int thread_order(const char *key)
{
	return str_ends(key, " affinity") ? 0 : str_ends(key, " nice") ? 1 : 2;
}

/* What may come back with other settings than it had: a unit that is started, an interrupt's thread at ifup. */
static const char *thread_wiped_by(const char *key, char text[KNOB_WIPED_MAX])
{
	size_t len = strcspn(key, " ");

	if (str_starts(key, THREAD_KERNEL " "))
		return NULL;
	if (str_starts(key, THREAD_IRQ " "))
		return KNOB_WIPED_BY_LINK;
	snprintf(text, KNOB_WIPED_MAX, KNOB_WIPED_BY_UNIT "%.*s", (int)len, key);
	return text;
}

/* --- documentation ------------------------------------------------------------------------------------------------ */

#define SELECTORS                                                                                                      \
	"the selector is a unit and a thread's name (redis-server.service io_thd_*), kernel and a name "                \
	"(kernel ksoftirqd/*), or irq and an interrupt as knob irq takes it (irq nic:eth0); "
#define INHERITED "threads and processes that a thread starts later inherit it, and keep it after a rollback; "

static const struct knob_doc docs[] = {
	{
		.option = "affinity",
		.summary = "the CPUs that the threads may run on",
		.unit = "cpulist",
		.bounds = "present CPUs, at least one online",
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "Cpus_allowed_list in /proc/PID/task/TID/status; nonvoluntary_ctxt_switches",
		.changes = "",
		.source = "sched_setaffinity(2), kernel/sched/core.c",
		.traps = SELECTORS INHERITED
			 "a change of the unit's cpuset writes it anew; jemalloc and Redis count the CPUs they may run on "
			 "when they start; per-CPU threads of the kernel (ksoftirqd, migration) refuse; the thread of an "
			 "interrupt follows knob irq; threads of work queues are the knob workqueue's",
	},
	{
		.option = "policy",
		.summary = "how the threads are scheduled: other, batch, idle, or fifo or rr and a priority (fifo 10)",
		.unit = "word",
		.bounds = "other|batch|idle|fifo 1..99|rr 1..99",
		.risk = 4,
		.effect = EFFECT_NOW,
		.counter = "nonvoluntary_ctxt_switches in /proc/PID/task/TID/status stands still",
		.changes = "",
		.source = "sched_setattr(2), sched(7), Documentation/scheduler/sched-rt-group.rst",
		.traps = SELECTORS INHERITED
			 "a fifo thread that never sleeps starves what must run on its CPU too (ksoftirqd, kworkers, RCU): "
			 "isolate the CPU first, and begin low; kernel.sched_rt_runtime_us takes it off the CPU for 5 % of "
			 "the time, and with -1 nothing does; above 50 it runs before the threads of interrupts; from "
			 "Linux 6.13 on a real-time policy drops a timer slack and a time slice of the thread's own; "
			 "deadline threads are left alone",
	},
	{
		.option = "nice",
		.summary = "the share of a CPU that threads of the policies other and batch get",
		.unit = "nice",
		.bounds = "-20..19",
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "nonvoluntary_ctxt_switches in /proc/PID/task/TID/status",
		.changes = "",
		.source = "setpriority(2), sched(7)",
		.traps = SELECTORS INHERITED
			 "of threads alone on their CPU it changes nothing; of one session against another only with "
			 "kernel.sched_autogroup_enabled = 0",
	},
};

static int thread_explain(size_t i, struct knob_doc *ret)
{
	if (i >= ARRAY_LEN(docs))
		return -ENOENT;
	*ret = docs[i];
	return 0;
}

const struct knob knob_thread = {
	.name = "thread",
	.summary = "CPUs and scheduling of threads by name: of services, of the kernel, of interrupts",
	.selector = "UNIT THREAD | kernel THREAD | irq INTERRUPT; patterns of threads",
	.list = thread_list,
	.parse = thread_parse,
	.read = thread_read,
	.write = thread_write,
	.verify = thread_verify,
	.renew = thread_renew,
	.wiped_by = thread_wiped_by,
	.order = thread_order,
	.explain = thread_explain,
};
