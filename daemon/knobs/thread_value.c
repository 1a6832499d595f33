/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a thread can be given, and texts that say what each of several has. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/knobs/tasks.h"
#include "daemon/knobs/thread.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"
#include "lib/base/task.h"

/* --- affinity ----------------------------------------------------------------------------------------------------- */

static int parse_affinity(const struct knob_ctx *c, const char *option, const char *value, struct strbuf *ret,
                          struct hft_err *err)
{
	struct cpuset set;
	int r = cpuset_parse(value, &set, NULL);

	if (r == -EINVAL || (r == 0 && cpuset_is_empty(&set)))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "'%s' is not a list of CPUs", value);
	if (r < 0 || (c && (!cpuset_is_subset(&set, &c->host->present) || !cpuset_intersects(&set, &c->host->online)))) {
		err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, option, "CPUs %s are not all present, or none is online",
		          value);
		err_values(err, "present CPUs, at least one online", value);
		return -ERANGE;
	}
	cpuset_format(&set, ret);
	return 0;
}

/* sched_getaffinity(2) could tell it as well, but not of a thread in a recorded /proc. CPUs that are not online are left
 * out, as that call does: the kernel keeps them in some masks and not in others. */
static int read_affinity(const struct knob_ctx *c, const struct host_task *t, struct strbuf *ret, struct hft_err *err)
{
	struct task now;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", t->pid, t->tid);
	int r = task_read(c, path, &now, err);
	if (r < 0)
		return r;
	cpuset_and(&now.allowed, &c->host->online);
	cpuset_format(&now.allowed, ret);
	return 0;
}

/* What may run on every CPU may run on those that come online later. */
static int set_affinity(const struct knob_ctx *c, const struct host_task *t, const char *value)
{
	struct cpuset set;
	int r = cpuset_parse(value, &set, NULL);

	return r < 0 ? r : task_set_affinity(t->tid, cpuset_is_subset(&c->host->online, &set) ? NULL : &set);
}

static const char *refuses_affinity(const struct host_task *t)
{
	return t->flags & HOST_TASK_BOUND ? "the kernel binds the thread to its CPU (PF_NO_SETAFFINITY)" : NULL;
}

/* --- policy ------------------------------------------------------------------------------------------------------- */

static const struct policy {
	const char *name;
	int policy;
	bool real_time;
} policies[] = {
	{"other", SCHED_OTHER, false},
	{"batch", SCHED_BATCH, false},
	{"idle",  SCHED_IDLE,  false},
	{"fifo",  SCHED_FIFO,  true },
	{"rr",    SCHED_RR,    true },
};

static const struct policy *policy_of(int number)
{
	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (policies[i].policy == number)
			return &policies[i];
	return NULL;
}

/* "fifo 10": 0, -EINVAL, -ERANGE. */
static int take_policy(const char *text, const struct policy **ret, int64_t *ret_priority)
{
	size_t len = strcspn(text, " ");

	*ret_priority = 0;
	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		if (strlen(policies[i].name) != len || strncmp(text, policies[i].name, len) != 0)
			continue;
		*ret = &policies[i];
		if (policies[i].real_time)
			return text[len] ? num_parse_range(text + len + 1, 1, 99, ret_priority) : -EINVAL;
		return text[len] ? -EINVAL : 0;
	}
	return -EINVAL;
}

static int parse_policy(const struct knob_ctx *c, const char *option, const char *value, struct strbuf *ret,
                        struct hft_err *err)
{
	const struct policy *p;
	int64_t priority;
	int r = take_policy(value, &p, &priority);

	(void)c;
	if (r == -EINVAL)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option,
		                 "'%s' is not other, batch, idle, or fifo or rr with a priority (\"fifo 10\")", value);
	if (r < 0) {
		err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, option, "the priority of '%s' is not 1..99", value);
		err_values(err, "1..99", value);
		return r;
	}
	strbuf_add(ret, value);
	return 0;
}

static int read_policy(const struct knob_ctx *c, const struct host_task *t, struct strbuf *ret, struct hft_err *err)
{
	const struct policy *p = policy_of(t->policy);

	(void)c;
	(void)err;
	if (p && p->real_time)
		strbuf_addf(ret, "%s %d", p->name, t->priority);
	else if (p)
		strbuf_add(ret, p->name);
	else
		strbuf_addf(ret, "%d", t->policy);
	return 0;
}

static int set_policy(const struct knob_ctx *c, const struct host_task *t, const char *value)
{
	const struct policy *p;
	int64_t priority;
	int r = take_policy(value, &p, &priority);

	(void)c;
	return r < 0 ? r : task_set_policy(t->tid, p->policy, (int)priority, t->nice);
}

static const char *refuses_policy(const struct host_task *t)
{
	return policy_of(t->policy) ? NULL : "the thread is scheduled by deadline or by a program of its own (sched_ext)";
}

/* --- nice --------------------------------------------------------------------------------------------------------- */

static int parse_nice(const struct knob_ctx *c, const char *option, const char *value, struct strbuf *ret,
                      struct hft_err *err)
{
	int64_t n;
	int r = num_parse_range(value, -20, 19, &n);

	(void)c;
	if (r == -EINVAL)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "'%s' is not a number", value);
	if (r < 0) {
		err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, option, "%s is not within -20..19", value);
		err_values(err, "-20..19", value);
		return r;
	}
	strbuf_addf(ret, "%d", (int)n);
	return 0;
}

static int read_nice(const struct knob_ctx *c, const struct host_task *t, struct strbuf *ret, struct hft_err *err)
{
	(void)c;
	(void)err;
	strbuf_addf(ret, "%d", t->nice);
	return 0;
}

static int set_nice(const struct knob_ctx *c, const struct host_task *t, const char *value)
{
	int64_t n;
	int r = num_parse_i64(value, &n);

	(void)c;
	return r < 0 ? r : task_set_nice(t->tid, (int)n);
}

static const struct thread_option options[] = {
	{"affinity", parse_affinity, read_affinity, set_affinity, refuses_affinity},
	{"policy",   parse_policy,   read_policy,   set_policy,   refuses_policy  },
	{"nice",     parse_nice,     read_nice,     set_nice,     refuses_policy  },
};

const struct thread_option *thread_option(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_eq(options[i].name, name))
			return &options[i];
	return NULL;
}

/* --- of each ------------------------------------------------------------------------------------------------------ */

void thread_value_done(struct thread_value *v)
{
	free(v->text);
	free(v->groups);
	*v = (struct thread_value){0};
}

/* "2-3@812-815,820;5@816!4711" */
int thread_value_parse(const char *text, struct thread_value *ret, struct hft_err *err)
{
	char *born, *rest;
	uint64_t tick = 0;
	size_t n = 1;

	*ret = (struct thread_value){.text = strdup(text)};
	for (const char *p = text; (p = strchr(p, ';')) != NULL; p++)
		n++;
	ret->groups = calloc(n, sizeof(*ret->groups));
	if (!ret->text || !ret->groups)
		return err_oom(err);
	born = strchr(ret->text, '!');
	if (born)
		*born++ = '\0';
	for (char *group = strtok_r(ret->text, ";", &rest); group; group = strtok_r(NULL, ";", &rest)) {
		char *tids = strchr(group, '@');

		if (tids)
			*tids++ = '\0';
		if (!tids != !born)
			return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, text, "not a value of threads");
		ret->groups[ret->n++] = (struct thread_group){.value = group, .tids = tids};
	}
	if (!ret->n || (born && num_parse_u64(born, &tick) < 0))
		return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, text, "not a value of threads");
	ret->born = tick;
	return 0;
}

/* Is the number in "812-815,820"? */
static bool has_tid(const char *tids, int tid)
{
	for (const char *p = tids; *p;) {
		char *end;
		long lo = strtol(p, &end, 10), hi = lo;

		if (*end == '-')
			hi = strtol(end + 1, &end, 10);
		if (lo <= tid && tid <= hi)
			return true;
		if (*end != ',')
			return false;
		p = end + 1;
	}
	return false;
}

const char *thread_value_of(const struct thread_value *v, const struct host_task *t)
{
	for (size_t i = 0; i < v->n; i++)
		if (!v->groups[i].tids || (t->born <= v->born && has_tid(v->groups[i].tids, t->tid)))
			return v->groups[i].value;
	return NULL;
}

const char *thread_value_first(const struct thread_value *v)
{
	return v->groups[0].value;
}

bool thread_value_is_over(const struct thread_value *v, const struct host_tasks *now)
{
	for (size_t i = 0; i < now->n; i++)
		if (thread_value_of(v, &now->t[i]))
			return false;
	return true;
}

/* The numbers of those with the value of thread `first`, neighbours packed. They ascend. */
static void format_group(const struct host_tasks *l, const struct strlist *values, size_t first, struct strbuf *ret)
{
	char before = '@';

	strbuf_add(ret, values->s[first]);
	for (size_t i = first; i < l->n; i++) {
		size_t last = i;

		if (!str_eq(values->s[i], values->s[first]))
			continue;
		while (last + 1 < l->n && l->t[last + 1].tid == l->t[last].tid + 1 &&
		       str_eq(values->s[last + 1], values->s[first]))
			last++;
		strbuf_addf(ret, "%c%d", before, l->t[i].tid);
		if (last > i)
			strbuf_addf(ret, "-%d", l->t[last].tid);
		before = ',';
		i = last;
	}
}

void thread_value_format(const struct host_tasks *l, const struct strlist *values, struct strbuf *ret)
{
	unsigned long long born = 0;

	for (size_t i = 0; i < l->n; i++) {
		size_t first = 0;

		born = l->t[i].born > born ? l->t[i].born : born;
		while (!str_eq(values->s[first], values->s[i]))
			first++;
		if (first < i)
			continue;
		if (i > 0)
			strbuf_addc(ret, ';');
		format_group(l, values, i, ret);
	}
	strbuf_addf(ret, "!%llu", born);
}
