/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles and knob rows for people. Must not know the profile language or a knob. */
#include <string.h>

#include "cli/out.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "cli/views.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

/* --- profiles ----------------------------------------------------------------------------------------------------- */

static const struct table_column profile_columns[] = {
	{ "PROFILE", 16, false, false }, { "PHASES", 20, false, false }, { "FILE", 24, false, false },
	{ "SUMMARY", 20, false, true },
};

static void join(struct strbuf *b, const struct json *list)
{
	for (const struct json *e = json_first(list); e != NULL; e = json_next(e))
		strbuf_addf(b, "%s%s", b->len > 0 ? ", " : "", json_string(e, ""));
}

void view_profiles(struct text *t, const struct result *r)
{
	CLEANUP(table_done) struct table table = { 0 };

	table_init(&table, profile_columns, ARRAY_LEN(profile_columns));
	for (const struct json *p = json_first(json_get(r->reply, "profiles")); p != NULL; p = json_next(p)) {
		CLEANUP(strbuf_done) struct strbuf phases = { 0 };
		const char *error = view_str(p, "error");
		join(&phases, json_get(p, "phases"));
		table_cell(&table, STYLE_BOLD, "%s", view_str(p, "name"));
		table_cell(&table, STYLE_PLAIN, "%s", strbuf_str(&phases));
		table_cell(&table, STYLE_DIM, "%s", view_str(p, "path"));
		if (*error != '\0')
			table_cell(&table, STYLE_BAD, "not usable: %s", error);
		else
			table_cell(&table, STYLE_PLAIN, "%s", view_str(p, "summary"));
	}
	table_print(&table, t, 0);
	if (table_rows(&table) == 0)
		text_line(t, "No profile found.");
}

/* --- show --------------------------------------------------------------------------------------------------------- */

static const struct table_column value_columns[] = {
	{ "NAME", 0, false, false }, { "VALUE", 20, false, false }, { "FROM", 20, false, false },
};

static const struct table_column setting_columns[] = {
	{ "KNOB", 0, false, false },   { "SELECTOR", 12, false, false }, { "OPTION", 16, false, false },
	{ "VALUE", 12, false, false }, { "FROM", 16, false, false },     { "WHY", 20, false, true },
};

static void print_values(struct text *t, const char *title, const struct json *list)
{
	CLEANUP(table_done) struct table table = { 0 };

	if (json_size(list) == 0)
		return;
	table_init(&table, value_columns, ARRAY_LEN(value_columns));
	for (const struct json *a = json_first(list); a != NULL; a = json_next(a)) {
		table_cell(&table, STYLE_BOLD, "%s", view_str(a, "name"));
		table_cell(&table, STYLE_PLAIN, "%s", view_str(a, "value"));
		table_cell(&table, STYLE_DIM, "%s", view_str(a, "where"));
	}
	text_styled(t, STYLE_BOLD, "%s", title);
	text_nl(t);
	table_print(&table, t, 2);
	text_nl(t);
}

static void add_setting(struct table *t, const struct json *s)
{
	bool active = json_get_bool(s, "active", true);
	enum style style = active ? STYLE_PLAIN : STYLE_DIM;
	const char *why = view_str(s, "why");

	table_cell(t, style, "%s", view_str(s, "knob"));
	table_cell(t, style, "%s", view_str(s, "selector"));
	table_cell(t, style, "%s", view_str(s, "option"));
	table_cell(t, style, "%s", view_str(s, "value"));
	table_cell(t, STYLE_DIM, "%s", view_str(s, "where"));
	table_cell(t, STYLE_DIM, "%s%s%s", active ? "" : "not on this host: its if= does not hold",
	           active || *why == '\0' ? "" : "; ", why);
}

static void print_settings(struct text *t, const struct json *reply, const struct json *phase)
{
	CLEANUP(table_done) struct table table = { 0 };

	table_init(&table, setting_columns, ARRAY_LEN(setting_columns));
	for (const struct json *s = json_first(json_get(reply, "settings")); s != NULL; s = json_next(s))
		if (str_eq(view_str(s, "phase"), view_str(phase, "name")))
			add_setting(&table, s);
	view_phase(t, view_str(phase, "name"), phase);
	table_print(&table, t, 2);
	text_nl(t);
}

void view_show(struct text *t, const struct result *r)
{
	const struct json *profile = json_get(r->reply, "profile");

	text_styled(t, STYLE_BOLD, "%s", view_str(profile, "name"));
	text_line(t, "  %s", view_str(profile, "path"));
	if (*view_str(profile, "summary") != '\0')
		text_wrap(t, 2, "", view_str(profile, "summary"));
	text_nl(t);
	print_values(t, "CPU sets", json_get(r->reply, "cpus"));
	print_values(t, "variables", json_get(r->reply, "variables"));
	for (const struct json *p = json_first(json_get(r->reply, "phases")); p != NULL; p = json_next(p))
		print_settings(t, r->reply, p);
	view_next(t, r->options, "plan", OPT_BIT(OPT_SET), true);
}

/* --- explain ------------------------------------------------------------------------------------------------------ */

static const struct table_column row_columns[] = {
	{ "KNOB", 0, false, false }, { "OPTION", 26, false, false }, { "UNIT", 8, false, false },
	{ "BOUNDS", 12, false, false }, { "RISK", 0, true, false },  { "EFFECT", 8, false, false },
	{ "SUMMARY", 20, false, true },
};

/* Every column of a row, under a name for people. */
static const struct {
	const char *key, *title;
} row_fields[] = {
	{ "summary", "what" },    { "unit", "unit" },       { "bounds", "bounds" }, { "effect", "takes effect" },
	{ "counter", "proof" },   { "changes", "changes too" }, { "traps", "traps" },   { "source", "source" },
};

static void print_row(struct text *t, const struct json *row)
{
	static const char *const risks[] = { "none", "low", "medium", "high", "can make the host unusable" };
	long long risk = view_int(row, "risk");
	char lead[20];

	text_styled(t, STYLE_BOLD, "%s %s", view_str(row, "knob"), view_str(row, "option"));
	text_nl(t);
	for (size_t i = 0; i < ARRAY_LEN(row_fields); i++) {
		if (*view_str(row, row_fields[i].key) == '\0')
			continue;
		snprintf(lead, sizeof(lead), "%-14s", row_fields[i].title);
		text_wrap(t, 2, lead, view_str(row, row_fields[i].key));
	}
	text_line(t, "  %-14s%lld%s%s%s", "risk", risk, risk >= 0 && risk < 5 ? " (" : "",
	          risk >= 0 && risk < 5 ? risks[risk] : "", risk >= 0 && risk < 5 ? ")" : "");
}

static void print_row_table(struct text *t, const struct json *rows)
{
	CLEANUP(table_done) struct table table = { 0 };

	table_init(&table, row_columns, ARRAY_LEN(row_columns));
	for (const struct json *row = json_first(rows); row != NULL; row = json_next(row)) {
		table_cell(&table, STYLE_PLAIN, "%s", view_str(row, "knob"));
		table_cell(&table, STYLE_BOLD, "%s", view_str(row, "option"));
		table_cell(&table, STYLE_PLAIN, "%s", view_str(row, "unit"));
		table_cell(&table, STYLE_PLAIN, "%s", view_str(row, "bounds"));
		table_cell(&table, STYLE_PLAIN, "%lld", view_int(row, "risk"));
		table_cell(&table, STYLE_PLAIN, "%s", view_str(row, "effect"));
		table_cell(&table, STYLE_DIM, "%s", view_str(row, "summary"));
	}
	table_print(&table, t, 0);
}

void view_explain(struct text *t, const struct result *r)
{
	const struct json *rows = json_get(r->reply, "rows");

	if (json_size(rows) == 1) {
		print_row(t, json_first(rows));
		return;
	}
	print_row_table(t, rows);
	text_nl(t);
	text_line(t, "hfttune explain KNOB.OPTION shows everything about one of them.");
}
