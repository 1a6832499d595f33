/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer for people: results through the view of their verb, errors to standard error, progress on a terminal.
 * Must not know what a verb does.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/help.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

#define PROGRESS_EVERY_MS 50
#define ERASE_LINE "\r\033[K"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* One line that rewrites itself; as long as it fits, or the terminal would scroll. */
static void text_progress(struct out *o, int64_t step, int64_t steps, const char *object)
{
	CLEANUP(text_done) struct text line = { 0 };
	int64_t now = now_ms();

	if (!o->live || (o->progress_shown && now - o->progress_at_ms < PROGRESS_EVERY_MS))
		return;
	text_addf(&line, "%lld/%lld %s", (long long)step, (long long)steps, object);
	size_t next, n = text_break(strbuf_str(&line.b), text_width_of(fileno(o->errors), NULL) - 1, &next);
	fprintf(o->errors, ERASE_LINE "%.*s", (int)n, strbuf_str(&line.b));
	fflush(o->errors);
	o->progress_shown = true;
	o->progress_at_ms = now;
}

static void end_progress(struct out *o)
{
	if (o->progress_shown)
		fputs(ERASE_LINE, o->errors);
	o->progress_shown = false;
}

static void add_field(struct text *t, const char *name, const char *value)
{
	char lead[16];

	if (*value == '\0')
		return;
	snprintf(lead, sizeof(lead), "%-8s", name);
	text_wrap(t, 2, lead, value);
}

static void add_errno(struct text *t, int sys)
{
	char value[128];
	const char *name = strerrorname_np(sys);

	if (sys == 0)
		return;
	if (name != NULL)
		snprintf(value, sizeof(value), "%s (%s)", name, strerrordesc_np(sys));
	else
		snprintf(value, sizeof(value), "%d", sys); /* 524, ENOTSUPP: the kernel's own, libc has no name */
	add_field(t, "errno", value);
}

static void print_error(struct out *o, const struct result *r)
{
	CLEANUP(text_done) struct text t = { .width = text_width_of(fileno(o->errors), NULL) };
	const struct hft_err *err = r->err;

	text_line(&t, "hfttune: %s", err->msg);
	add_field(&t, "where", err->where);
	add_field(&t, "object", err->subject);
	add_field(&t, "wanted", err->wanted);
	add_field(&t, "found", err->found);
	add_errno(&t, err->sys);
	add_field(&t, "next", err->hint);
	if (r->usage)
		help_usage(&t, r->options->verb);
	fputs(strbuf_str(&t.b), o->errors);
	fflush(o->errors);
}

static void text_result(struct out *o, const struct result *r)
{
	end_progress(o);
	if (r->err != NULL)
		print_error(o, r);
	else if (r->options->verb->view != NULL)
		r->options->verb->view(&o->text, r);
}

static void text_say(struct out *o, const char *key, const char *text)
{
	(void)key;
	strbuf_add(&o->text.b, text);
}

const struct out_ops out_text_ops = { text_progress, text_result, text_say };
