/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU-set expressions: "online - siblings(trading) + 2-5". Must not know where sets and CPUs come from.
 *
 *     expression = operand { ( "+" | "-" | "&" ) operand }        equal precedence, from the left
 *     operand    = list | name | "online" | "present" | "(" expression ")" | "siblings" "(" expression ")"
 *                | "node" "(" number ")" | "package" "(" number ")" | "near" "(" device ")"
 *
 * A "-" between digits belongs to the list: "0-7 - 2" takes CPU 2 out, "0-7-2" is an error.
 */
#include "daemon/profile/parts.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define WORD_MAX 64    /* the longest name of a set */
#define ARG_MAX_LEN 32 /* a device has at most 15 letters */
#define LIST_CHARS "0123456789,-"
#define WORD_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

struct expr {
	const char *text, *p; /* p: what has not been read yet */
	const struct profile_env *env;
	const struct profile_names *names;
	unsigned depth;
	struct hft_err *err;
};

static int parse_expression(struct expr *e, struct cpuset *ret);

static int fail(const struct expr *e, const char *what)
{
	return err_raise(e->err, ERR_INVALID_ARGUMENT, EINVAL, e->text, "%s at column %zu of \"%s\"", what,
	                 (size_t)(e->p - e->text) + 1, e->text);
}

static void skip_blanks(struct expr *e)
{
	e->p += strspn(e->p, " \t");
}

static int ask_cpus(const struct expr *e, const char *name, const char *arg, struct cpuset *ret)
{
	return e->env->cpus(e->env->data, name, arg, ret, e->err);
}

static int raise_absent(const struct expr *e, const char *list, const struct cpuset *present)
{
	CLEANUP(strbuf_done) struct strbuf there = { 0 };
	int r = err_raise(e->err, ERR_OUT_OF_BOUNDS, ERANGE, list, "this host lacks CPUs of \"%s\"", list);

	cpuset_format(present, &there);
	err_values(e->err, strbuf_str(&there), list);
	return r;
}

/* "2-5,8" */
static int parse_list(struct expr *e, struct cpuset *ret)
{
	CLEANUP(mem_freep) char *list = NULL;
	struct cpuset present;
	size_t len = strspn(e->p, LIST_CHARS);

	list = str_dup_n(e->p, len);
	if (list == NULL)
		return err_oom(e->err);
	int r = cpuset_parse(list, ret, e->err);
	if (r == 0)
		r = ask_cpus(e, "present", "", &present);
	if (r < 0)
		return r;
	if (!cpuset_is_subset(ret, &present))
		return raise_absent(e, list, &present);
	e->p += len;
	return 0;
}

/* The text up to the closing parenthesis, which is read too. */
static int parse_arg(struct expr *e, char arg[static ARG_MAX_LEN])
{
	skip_blanks(e);
	size_t len = strcspn(e->p, " \t()");
	if (len == 0 || len >= ARG_MAX_LEN)
		return fail(e, "an argument is missing or too long");
	memcpy(arg, e->p, len);
	arg[len] = '\0';
	e->p += len;
	skip_blanks(e);
	if (*e->p != ')')
		return fail(e, "a closing parenthesis is missing");
	e->p++;
	return 0;
}

static int parse_device(struct expr *e, const char *name, struct cpuset *ret)
{
	char arg[ARG_MAX_LEN];
	int r = parse_arg(e, arg);

	return r < 0 ? r : ask_cpus(e, name, arg, ret);
}

static int parse_number(struct expr *e, const char *name, struct cpuset *ret)
{
	char arg[ARG_MAX_LEN];
	int64_t number;
	int r = parse_arg(e, arg);

	if (r < 0)
		return r;
	if (num_parse_range(arg, 0, INT32_MAX, &number) < 0)
		return fail(e, "not a number");
	return ask_cpus(e, name, arg, ret);
}

/* An expression and the closing parenthesis. */
static int parse_nested(struct expr *e, struct cpuset *ret)
{
	if (e->depth == PROFILE_NESTING_MAX)
		return fail(e, "nested too deeply");
	e->depth++;
	int r = parse_expression(e, ret);
	e->depth--;
	if (r < 0)
		return r;
	if (*e->p != ')')
		return fail(e, "a closing parenthesis is missing");
	e->p++;
	return 0;
}

static int parse_siblings(struct expr *e, const char *name, struct cpuset *ret)
{
	struct cpuset of;
	int r = parse_nested(e, &of);

	(void)name;
	return r < 0 ? r : e->env->siblings(e->env->data, &of, ret, e->err);
}

static const struct {
	const char *name;
	int (*parse)(struct expr *e, const char *name, struct cpuset *ret); /* behind "(" */
} functions[] = {
	{ "siblings", parse_siblings },
	{ "node",     parse_number   },
	{ "package",  parse_number   },
	{ "near",     parse_device   },
};

static int parse_function(struct expr *e, const char *word, struct cpuset *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (str_eq(word, functions[i].name)) {
			e->p++;
			return functions[i].parse(e, functions[i].name, ret);
		}
	return fail(e, "not a function");
}

static int parse_word(struct expr *e, struct cpuset *ret)
{
	char word[WORD_MAX + 1];
	size_t len = strspn(e->p, WORD_CHARS);

	if (len == 0 || len > WORD_MAX)
		return fail(e, "not a CPU list, name or function");
	memcpy(word, e->p, len);
	word[len] = '\0';
	e->p += len;
	skip_blanks(e);
	if (*e->p == '(')
		return parse_function(e, word, ret);
	if (str_eq(word, "online") || str_eq(word, "present"))
		return ask_cpus(e, word, "", ret);
	if (e->names == NULL)
		return fail(e, "not a known name");
	return e->names->set(e->names->data, word, ret, e->err);
}

static int parse_operand(struct expr *e, struct cpuset *ret)
{
	skip_blanks(e);
	if (*e->p >= '0' && *e->p <= '9')
		return parse_list(e, ret);
	if (*e->p == '(') {
		e->p++;
		return parse_nested(e, ret);
	}
	return parse_word(e, ret);
}

static const struct {
	char sign;
	void (*apply)(struct cpuset *s, const struct cpuset *with);
} operators[] = {
	{ '+', cpuset_or    },
	{ '-', cpuset_minus },
	{ '&', cpuset_and   },
};

/* Stops in front of what is no operator. */
static int parse_expression(struct expr *e, struct cpuset *ret)
{
	int r = parse_operand(e, ret);

	while (r == 0) {
		struct cpuset right;
		size_t i = 0;
		skip_blanks(e);
		while (i < ARRAY_LEN(operators) && operators[i].sign != *e->p)
			i++;
		if (i == ARRAY_LEN(operators))
			return 0;
		e->p++;
		r = parse_operand(e, &right);
		if (r == 0)
			operators[i].apply(ret, &right);
	}
	return r;
}

int cpuexpr_eval(const char *text, const struct profile_env *env, const struct profile_names *names,
                 struct cpuset *ret, struct hft_err *err)
{
	struct expr e = { .text = text, .p = text, .env = env, .names = names, .err = err };
	struct cpuset set;

	int r = parse_expression(&e, &set);
	if (r < 0)
		return r;
	if (*e.p != '\0')
		return fail(&e, "unexpected text");
	*ret = set;
	return 0;
}
