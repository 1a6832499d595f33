/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `hfttune doctor` found, for people: whose CPUs, who disturbs them, what to do. Must not judge. */
#include <stdlib.h>
#include <string.h>

#include "cli/out.h"
#include "cli/table.h"
#include "cli/views.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"
#include "lib/proto/codes.h"

static const struct table_column columns[] = {
	{ "SOURCE", 20, false, false },   { "CPUS", 8, false, false }, { "EVENTS/S", 0, true, false },
	{ "BUDGET/S", 0, true, false }, { "WHAT TO DO", 30, false, true },
};

/* "CPUs 4-7 watched for 10.0 s (isolated 4-7, nohz_full 4-7)." */
static void print_watched(struct text *t, const struct json *reply)
{
	static const struct {
		const char *key, *word;
	} says[] = {
		{ "isolated", "isolated" }, { "nohz_full", "nohz_full" }, { "partitions", "partitions" }, { "layers", "layers" },
	};
	const struct json *cpus = json_get(reply, "cpus");
	CLEANUP(strbuf_done) struct strbuf line = { 0 };
	long long ms = view_int(reply, "milliseconds");
	const char *separator = " (";

	if (*view_str(cpus, "watched") == '\0') {
		strbuf_addf(&line, "No CPU of this host is isolated, so that only what concerns the host was watched, for "
		                   "%lld.%lld s.", ms / 1000, ms / 100 % 10);
		text_wrap(t, 0, "", strbuf_str(&line));
		return;
	}
	const char *watched = view_str(cpus, "watched");
	strbuf_addf(&line, "CPU%s %s watched for %lld.%lld s", strpbrk(watched, ",-") != NULL ? "s" : "", watched,
	            ms / 1000, ms / 100 % 10);
	for (size_t i = 0; i < ARRAY_LEN(says); i++) {
		const char *list = view_str(cpus, says[i].key);
		if (*list == '\0')
			continue;
		strbuf_addf(&line, "%s%s %s", separator, says[i].word, list);
		separator = ", ";
	}
	strbuf_add(&line, str_eq(separator, ", ") ? ")." : ".");
	text_wrap(t, 0, "", strbuf_str(&line));
}

static void print_warnings(struct text *t, const struct json *reply)
{
	const struct json *list = json_get(reply, "warnings");

	for (const struct json *w = json_first(list); w != NULL; w = json_next(w)) {
		text_nl(t);
		text_style(t, STYLE_BAD);
		text_wrap(t, 0, "warning: ", view_str(w, "message"));
		text_style(t, STYLE_PLAIN);
		text_wrap(t, 9, "", view_str(w, "hint"));
	}
}

static void add_finding(struct table *table, const struct json *f)
{
	const char *detail = view_str(f, "detail"), *cpus = view_str(f, "cpus");

	table_cell(table, STYLE_BAD, *detail != '\0' ? "%s: %s" : "%s", view_str(f, "summary"), detail);
	table_cell(table, STYLE_PLAIN, "%s", *cpus != '\0' ? cpus : "host");
	if (*view_str(f, "per_second") != '\0')
		table_cell(table, STYLE_PLAIN, "%s", view_str(f, "per_second"));
	else
		table_cell(table, STYLE_PLAIN, "%lld now", view_int(f, "events"));
	table_cell(table, STYLE_PLAIN, "%lld.%lld", view_int(f, "budget") / 10, view_int(f, "budget") % 10);
	table_cell(table, STYLE_DIM, "%s", view_str(f, "advice"));
}

static void print_findings(struct text *t, const struct json *reply)
{
	CLEANUP(table_done) struct table table = { 0 };

	table_init(&table, columns, ARRAY_LEN(columns));
	for (const struct json *f = json_first(json_get(reply, "findings")); f != NULL; f = json_next(f))
		if (str_eq(view_str(f, "state"), "noisy"))
			add_finding(&table, f);
	if (table_rows(&table) == 0)
		return;
	text_nl(t);
	table_print(&table, t, 0);
}

/* What cannot be seen from here, so that nobody takes silence for proof. */
static void print_unwatched(struct text *t, const struct json *reply)
{
	for (const struct json *f = json_first(json_get(reply, "findings")); f != NULL; f = json_next(f)) {
		CLEANUP(strbuf_done) struct strbuf line = { 0 };
		if (!str_eq(view_str(f, "state"), "not_watched"))
			continue;
		strbuf_addf(&line, "%s: %s", view_str(f, "summary"), view_str(f, "advice"));
		text_wrap(t, 2, "", strbuf_str(&line));
		t->b.oom |= line.oom;
	}
}

void view_doctor(struct text *t, const struct result *r)
{
	const struct json *summary = json_get(r->reply, "summary");
	bool none = *view_str(json_get(r->reply, "cpus"), "watched") == '\0';
	long long noisy = view_int(summary, "noisy");

	print_watched(t, r->reply);
	print_warnings(t, r->reply);
	print_findings(t, r->reply);
	text_nl(t);
	text_addf(t, "%lld source%s noisy, %lld quiet", noisy, noisy == 1 ? "" : "s", view_int(summary, "quiet"));
	if (none) {
		text_nl(t);
	} else {
		text_line(t, ", %lld without a counter on this host; not watched:", view_int(summary, "absent"));
		print_unwatched(t, r->reply);
	}
	if (r->exit == EXIT_DONE)
		text_line(t, none ? "Nothing disturbs this host." : "Nothing disturbs these CPUs.");
	if (none)
		view_next(t, r->options, "plan low-latency-base", 0, false);
}
