/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * if=A,B is A or B; several if= are and; ! negates. Must not know the host: it asks the environment, and only about
 * predicates of the table below.
 */
#include "daemon/profile/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

struct term { /* what a predicate is judged with */
	const char *arg; /* expanded */
	struct names *names;
	const struct place *at;
};

static bool is_word(const char *arg)
{
	return arg[0] != '\0' && strchr(arg, ' ') == NULL;
}

static bool is_nothing(const char *arg)
{
	return arg[0] == '\0';
}

static size_t count_digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* X.Y, each of at most five digits */
static bool is_version(const char *arg)
{
	size_t major = count_digits(arg);

	if (major == 0 || major > 5 || arg[major] != '.')
		return false;
	size_t minor = count_digits(arg + major + 1);
	return minor > 0 && minor <= 5 && arg[major + 1 + minor] == '\0';
}

static bool is_assignment(const char *arg)
{
	return arg[0] != '=' && strchr(arg, '=') != NULL;
}

static int judge_variable(const struct term *t, const char *predicate, bool *ret, struct hft_err *err)
{
	size_t len = strcspn(t->arg, "=");
	int r = names_compare(t->names, t->arg, len, t->arg + len + 1, t->at, ret, err);

	if (r == -ENOENT)
		return profile_fail(err, t->at, t->arg, "condition %s:%s: there is no such name", predicate, t->arg);
	return r;
}

static int ask_host(const struct term *t, const char *predicate, bool *ret, struct hft_err *err)
{
	const struct profile_env *env = t->names->env;

	return env->condition(env->data, predicate, t->arg, ret, err);
}

static const struct predicate {
	const char *name, *separator;
	bool (*takes)(const char *arg);
	int (*judge)(const struct term *t, const char *predicate, bool *ret, struct hft_err *err);
} predicates[] = {
	{ "driver", ":",  is_word,       ask_host       },
	{ "kernel", ">=", is_version,    ask_host       },
	{ "virt",   "",   is_nothing,    ask_host       },
	{ "cpu",    ":",  is_word,       ask_host       },
	{ "var",    ":",  is_assignment, judge_variable },
};

/* The predicate of a term, and where its argument begins. */
static const struct predicate *find_predicate(const char *text, const char **ret_arg)
{
	for (size_t i = 0; i < ARRAY_LEN(predicates); i++) {
		const struct predicate *p = &predicates[i];
		size_t n = strlen(p->name);
		if (str_starts(text, p->name) && str_starts(text + n, p->separator)) {
			*ret_arg = text + n + strlen(p->separator);
			return p;
		}
	}
	return NULL;
}

static int judge_term(const char *text, struct names *n, const struct place *at, bool *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *arg = NULL;
	const char *raw = NULL;
	bool negated = text[0] == '!';
	const struct predicate *p = find_predicate(text + negated, &raw);

	if (p == NULL)
		goto unknown;
	int r = names_expand(n, raw, at, &arg, err);
	if (r < 0)
		return r;
	if (!p->takes(arg))
		goto unknown;
	r = p->judge(&(struct term){ arg, n, at }, p->name, ret, err);
	if (r < 0)
		return profile_blame(err, at, r);
	*ret = *ret != negated;
	return 0;
unknown:
	profile_fail(err, at, text, "there is no condition \"%s\"", text);
	err_hint(err, "conditions are driver:NAME, kernel>=X.Y, virt, cpu:VENDOR and var:NAME=VALUE");
	return -EINVAL;
}

/* A or B or C */
static int judge_any(const char *text, struct names *n, const struct place *at, bool *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *copy = strdup(text);
	bool any = false;

	if (copy == NULL)
		return err_oom(err);
	for (char *rest = copy, *term; (term = strsep(&rest, ",")) != NULL;) {
		bool holds = false;
		int r = judge_term(term, n, at, &holds, err);
		if (r < 0)
			return r;
		any |= holds;
	}
	*ret = any;
	return 0;
}

int conditions_hold(const struct strlist *conditions, struct names *n, const struct place *at, bool *ret,
                    struct hft_err *err)
{
	bool all = true;

	for (size_t i = 0; i < conditions->n; i++) {
		bool holds = false;
		int r = judge_any(conditions->s[i], n, at, &holds, err);
		if (r < 0)
			return r;
		all &= holds;
	}
	*ret = all;
	return 0;
}
