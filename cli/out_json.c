/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer for programs: one object, schema "hfttune/1", on an error too. It adds what the command line knows and
 * passes the daemon's facts on as they are; what a verb means must not matter here.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cli/out.h"
#include "cli/verbs.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

static const char *none_if_empty(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static struct json *error_object(const struct hft_err *err)
{
	struct json *e = json_new_object();
	int r = 0;

	r |= json_set_string(e, "code", err->code);
	r |= json_set_string(e, "subject", err->subject);
	r |= json_set_string(e, "message", err->msg);
	r |= json_set_string(e, "where", none_if_empty(err->where));
	r |= json_set_string(e, "wanted", none_if_empty(err->wanted));
	r |= json_set_string(e, "found", none_if_empty(err->found));
	if (err->sys != 0)
		r |= json_set_int(e, "errno", err->sys);
	r |= json_set_string(e, "hint", none_if_empty(err->hint));
	if (r == 0)
		return e;
	json_free(e);
	return NULL;
}

/* The members of the reply, which outlives the object that borrows their names. */
static int add_members(struct json *doc, const struct json *reply)
{
	int r = 0;

	for (const struct json *m = json_first(reply); m != NULL; m = json_next(m))
		if (json_get(doc, json_key(m)) == NULL)
			r |= json_set_take(doc, json_key(m), json_dup(m));
	return r;
}

static int begin(struct json *doc, const char *verb, int status)
{
	int r = 0;

	r |= json_set_string(doc, "schema", "hfttune/1");
	r |= json_set_string(doc, "verb", verb);
	r |= json_set_int(doc, "exit", status);
	return r;
}

/* Indented on a terminal, one line for a program. */
static void write_object(struct out *o, const struct json *doc, int r)
{
	CLEANUP(mem_freep) char *s = NULL;

	if (r == 0)
		s = isatty(fileno(o->to)) ? json_print_pretty(doc) : json_print(doc);
	o->text.b.oom |= s == NULL;
	strbuf_add(&o->text.b, s != NULL ? s : "");
	strbuf_addc(&o->text.b, '\n');
}

static void json_progress(struct out *o, int64_t step, int64_t steps, const char *object)
{
	(void)o;
	(void)step;
	(void)steps;
	(void)object;
}

static void json_result(struct out *o, const struct result *res)
{
	CLEANUP(json_freep) struct json *doc = json_new_object();
	const struct verb *verb = res->options->verb;

	int r = begin(doc, verb != NULL ? verb->name : "", res->exit);
	r |= add_members(doc, res->reply);
	if (res->err != NULL)
		r |= json_set_take(doc, "error", error_object(res->err));
	write_object(o, doc, r);
}

static void json_say(struct out *o, const char *key, const char *text)
{
	CLEANUP(json_freep) struct json *doc = json_new_object();

	int r = begin(doc, key, 0);
	r |= json_set_string(doc, key, text);
	write_object(o, doc, r);
}

const struct out_ops out_json_ops = { json_progress, json_result, json_say };
