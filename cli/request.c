/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options to parameters, replies to exit statuses. Must not do I/O. */
#include "cli/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/json/json.h"
#include "lib/proto/codes.h"

/* --- parameters --------------------------------------------------------------------------------------------------- */

static int set_flag(struct json *p, const struct options *o, enum opt opt, const char *key)
{
	return options_has(o, opt) ? json_set_bool(p, key, true) : 0;
}

static int set_phases(struct json *p, const struct options *o)
{
	const struct strlist *l = &o->values[OPT_PHASE];
	struct json *array = l->n > 0 ? json_new_array() : NULL;
	int r = 0;

	if (l->n == 0)
		return 0;
	for (size_t i = 0; i < l->n; i++)
		r |= json_add_string(array, l->s[i]);
	return r | json_set_take(p, "phases", array);
}

static int set_assignments(struct json *p, const struct options *o)
{
	const struct strlist *l = &o->values[OPT_SET];
	struct json *map = l->n > 0 ? json_new_object() : NULL;
	int r = 0;

	if (l->n == 0)
		return 0;
	for (size_t i = 0; i < l->n; i++) {
		size_t len = strcspn(l->s[i], "=");
		CLEANUP(mem_freep) char *name = str_dup_n(l->s[i], len);
		r |= name != NULL ? json_put_string(map, name, l->s[i] + len + 1) : -ENOMEM;
	}
	return r | json_set_take(p, "set", map);
}

/* options_check() has seen to it that the text is a number. */
static int set_number(struct json *p, const char *key, const char *text)
{
	int64_t n;

	return text != NULL && num_parse_i64(text, &n) == 0 ? json_set_int(p, key, n) : 0;
}

static struct json *finish(struct json *p, int r)
{
	if (r == 0)
		return p;
	json_free(p);
	return NULL;
}

struct json *request_profile(const struct options *o)
{
	struct json *p = json_new_object();
	int r = 0;

	r |= json_set_string(p, "profile", options_arg(o, 0));
	r |= set_phases(p, o);
	r |= set_assignments(p, o);
	r |= set_flag(p, o, OPT_SWITCH, "switch");
	r |= set_flag(p, o, OPT_KEEP, "keep");
	return finish(p, r);
}

struct json *request_subject(const struct options *o)
{
	struct json *p = json_new_object();

	return finish(p, json_set_string(p, "subject", options_arg(o, 0)));
}

struct json *request_rollback(const struct options *o)
{
	struct json *p = json_new_object();
	int r = 0;

	r |= set_phases(p, o);
	r |= json_set_string(p, "profile", options_value(o, OPT_PROFILE));
	r |= set_number(p, "to", options_value(o, OPT_TO));
	r |= set_flag(p, o, OPT_ALL, "all");
	r |= set_flag(p, o, OPT_FORCE, "force");
	r |= set_flag(p, o, OPT_KEEP_THEIRS, "keep_theirs");
	return finish(p, r);
}

struct json *request_txn(const struct options *o)
{
	struct json *p = json_new_object();

	return finish(p, set_number(p, "txn", options_arg(o, 0)));
}

struct json *request_doctor(const struct options *o)
{
	struct json *p = json_new_object();

	return finish(p, set_number(p, "seconds", options_value(o, OPT_SECONDS)));
}

/* --- exit statuses ------------------------------------------------------------------------------------------------ */

struct rule {
	const char *count; /* a member of Summary */
	int status;        /* when it is not zero */
};

static int judge(const struct json *reply, const struct rule *rules, size_t n)
{
	const struct json *summary = json_get(reply, "summary");
	int status = EXIT_DONE;

	for (size_t i = 0; i < n; i++) {
		const struct json *count = json_get(summary, rules[i].count);
		if (json_int(count, 0) > 0 || json_bool(count, false))
			status = exit_worse(status, rules[i].status);
	}
	return status;
}

int status_plan(const struct json *reply)
{
	static const struct rule rules[] = {
		{ "change", EXIT_DIFFERS }, { "drift", EXIT_DIFFERS }, { "restored", EXIT_DIFFERS },
		{ "conflict", EXIT_DIFFERS },
	};

	return judge(reply, rules, ARRAY_LEN(rules));
}

int status_verify(const struct json *reply)
{
	static const struct rule rules[] = {
		{ "drift", EXIT_DIFFERS }, { "change", EXIT_DIFFERS }, { "conflict", EXIT_DIFFERS },
		{ "failed", EXIT_DIFFERS }, { "reboot_needed", EXIT_REBOOT },
	};

	return judge(reply, rules, ARRAY_LEN(rules));
}

int status_change(const struct json *reply)
{
	static const struct rule rules[] = {
		{ "failed", EXIT_FAILED }, { "conflict", EXIT_REFUSED }, { "reboot_needed", EXIT_REBOOT },
	};

	return judge(reply, rules, ARRAY_LEN(rules));
}

int status_doctor(const struct json *reply)
{
	static const struct rule rules[] = { { "noisy", EXIT_DIFFERS }, { "warnings", EXIT_DIFFERS } };

	return judge(reply, rules, ARRAY_LEN(rules));
}
