/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layers, transactions, versions for people. Must not judge. */
#include "cli/out.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "cli/views.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

/* --- what views share --------------------------------------------------------------------------------------------- */

const char *view_str(const struct json *object, const char *key)
{
	return json_get_string(object, key, "");
}

long long view_int(const struct json *object, const char *key)
{
	return json_get_int(object, key, 0);
}

void view_next(struct text *t, const struct options *o, const char *verb, unsigned keep, bool with_args)
{
	CLEANUP(strbuf_done) struct strbuf command = { 0 };

	options_command(o, verb, keep, with_args, &command);
	text_addf(t, "next: ");
	text_styled(t, STYLE_BOLD, "%s", strbuf_str(&command));
	text_nl(t);
	t->b.oom |= command.oom;
}

/* --- status ------------------------------------------------------------------------------------------------------- */

static const struct table_column layer_columns[] = {
	{ "PROFILE", 12, false, false }, { "PHASE", 12, false, false },  { "ORDER", 0, true, false },
	{ "RISK", 0, false, false },     { "TXN", 0, true, false },      { "UPDATED", 0, true, false },
	{ "OBJECTS", 0, true, false },   { "STATE", 16, false, false },
};

static void add_layer(struct table *t, const struct json *l)
{
	bool in_force = json_get_bool(l, "in_force", false);
	bool residue = json_get_bool(l, "residue", false);
	const char *reason = view_str(l, "reason");
	const char *state = residue ? "residue" : in_force ? "in force" : "not in force";

	table_cell(t, STYLE_BOLD, "%s", view_str(l, "profile"));
	table_cell(t, STYLE_BOLD, "%s", view_str(l, "phase"));
	table_cell(t, STYLE_PLAIN, "%lld", view_int(l, "order"));
	table_cell(t, STYLE_PLAIN, "%s", view_str(l, "risk"));
	table_cell(t, STYLE_PLAIN, "%lld", view_int(l, "txn"));
	table_cell(t, STYLE_PLAIN, "%lld", view_int(l, "updated"));
	table_cell(t, STYLE_PLAIN, "%lld", view_int(l, "objects"));
	table_cell(t, in_force && !residue ? STYLE_GOOD : STYLE_BAD, *reason != '\0' ? "%s (%s)" : "%s", state, reason);
}

static size_t print_layers(struct text *t, const struct json *reply)
{
	CLEANUP(table_done) struct table table = { 0 };

	table_init(&table, layer_columns, ARRAY_LEN(layer_columns));
	for (const struct json *l = json_first(json_get(reply, "layers")); l != NULL; l = json_next(l))
		add_layer(&table, l);
	table_print(&table, t, 0);
	return table_rows(&table);
}

static bool is_any_at_rest(const struct json *reply)
{
	for (const struct json *l = json_first(json_get(reply, "layers")); l != NULL; l = json_next(l))
		if (!json_get_bool(l, "in_force", false))
			return true;
	return false;
}

static void print_cause(struct text *t, const struct json *txn)
{
	if (*view_str(txn, "cause") != '\0')
		text_wrap(t, 2, "cause: ", view_str(txn, "cause"));
	if (*view_str(txn, "warning") != '\0')
		text_wrap(t, 2, "warning: ", view_str(txn, "warning"));
}

static void print_transaction(struct text *t, const struct json *reply, const char *key, enum style style)
{
	const struct json *txn = json_get(reply, key);
	const char *profile = view_str(txn, "profile"), *started = view_str(txn, "started");
	long long steps = view_int(txn, "steps");

	if (!json_is_object(txn))
		return;
	if (view_int(txn, "txn") > 0)
		text_styled(t, style, "%s: transaction %lld", key, view_int(txn, "txn"));
	else
		text_styled(t, style, "%s: no transaction yet", key);
	text_line(t, " (%s%s%s, %s, %lld step%s%s%s)", view_str(txn, "kind"), *profile != '\0' ? " of " : "", profile,
	          view_str(txn, "state"), steps, steps == 1 ? "" : "s", *started != '\0' ? ", begun " : "", started);
	print_cause(t, txn);
}

/* One that failed is of interest as long as something is not in force. */
static void print_replay(struct text *t, const struct json *reply)
{
	bool done = str_eq(view_str(json_get(reply, "replay"), "state"), "committed");

	if (done || is_any_at_rest(reply))
		print_transaction(t, reply, "replay", done ? STYLE_GOOD : STYLE_BAD);
}

static void print_list(struct text *t, const char *title, const struct json *list)
{
	if (json_size(list) == 0)
		return;
	text_styled(t, STYLE_BAD, "%s", title);
	text_nl(t);
	for (const struct json *e = json_first(list); e != NULL; e = json_next(e))
		text_wrap(t, 2, "", json_string(e, ""));
}

/* Where the answer comes from, when it is not the usual place. */
static void print_place(struct text *t, const struct json *reply)
{
	const char *root = view_str(reply, "root");

	if (*root != '\0' && !str_eq(root, "/"))
		text_line(t, "copied tree: %s", root);
	if (json_get_bool(reply, "standalone", false))
		text_line(t, "standalone, state in %s", view_str(reply, "state_dir"));
}

void view_status(struct text *t, const struct result *r)
{
	const struct json *reply = r->reply;

	print_place(t, reply);
	size_t n_layers = print_layers(t, reply);
	bool damaged = json_size(json_get(reply, "damage")) > 0;
	if (n_layers == 0 && !damaged)
		text_line(t, "No layer is applied.");
	print_replay(t, reply);
	print_transaction(t, reply, "running", STYLE_NOTE);
	print_transaction(t, reply, "unfinished", STYLE_BAD);
	if (json_get_bool(reply, "stuck", false))
		text_line(t, "It is stuck in the kernel: changes are refused until it ends.");
	print_list(t, "neither before nor after:", json_get(reply, "neither"));
	print_list(t, "damaged state files, changes are refused until someone has looked:", json_get(reply, "damage"));
	if (json_get_bool(reply, "reboot_needed", false))
		text_line(t, "A reboot is needed before all of it holds.");
	text_nl(t);
	if (json_is_object(json_get(reply, "unfinished")))
		view_next(t, r->options, "repair", 0, false);
	else if (is_any_at_rest(reply) && !damaged)
		view_next(t, r->options, "replay", 0, false);
	else if (!damaged)
		view_next(t, r->options, n_layers > 0 ? "verify" : "profiles", 0, false);
}

/* --- history ------------------------------------------------------------------------------------------------------ */

static const struct table_column txn_columns[] = {
	{ "TXN", 0, true, false },     { "KIND", 0, false, false },  { "PROFILE", 12, false, false },
	{ "STATE", 10, false, false }, { "STEPS", 0, true, false },  { "STARTED", 0, false, false },
	{ "BOOT", 8, false, false },
};

static void add_transaction(struct table *t, const struct json *txn)
{
	const char *state = view_str(txn, "state");

	table_cell(t, STYLE_BOLD, "%lld", view_int(txn, "txn"));
	table_cell(t, STYLE_PLAIN, "%s", view_str(txn, "kind"));
	table_cell(t, STYLE_PLAIN, "%s", *view_str(txn, "profile") != '\0' ? view_str(txn, "profile") : "-");
	table_cell(t, str_eq(state, "committed") ? STYLE_GOOD : STYLE_NOTE, "%s", state);
	table_cell(t, STYLE_PLAIN, "%lld", view_int(txn, "steps"));
	table_cell(t, STYLE_PLAIN, "%s", view_str(txn, "started"));
	table_cell(t, STYLE_DIM, "%.8s", view_str(txn, "boot_id"));
}

void view_history(struct text *t, const struct result *r)
{
	CLEANUP(table_done) struct table table = { 0 };

	table_init(&table, txn_columns, ARRAY_LEN(txn_columns));
	for (const struct json *x = json_first(json_get(r->reply, "transactions")); x != NULL; x = json_next(x))
		add_transaction(&table, x);
	table_print(&table, t, 0);
	if (table_rows(&table) == 0)
		text_line(t, "No transaction yet.");
	if (options_arg(r->options, 0) != NULL)
		print_cause(t, json_first(json_get(r->reply, "transactions")));
	if (json_size(json_get(r->reply, "steps")) > 0) {
		text_nl(t);
		view_steps(t, json_get(r->reply, "steps"));
	}
}

/* --- version ------------------------------------------------------------------------------------------------------ */

void view_version(struct text *t, const struct result *r)
{
	const struct json *daemon = json_get(r->reply, "daemon");

	text_line(t, "hfttune %s", view_str(r->reply, "version"));
	if (json_is_object(daemon))
		text_line(t, "hfttuned %s", view_str(daemon, "version"));
	else if (*view_str(r->reply, "reason") != '\0')
		text_line(t, "hfttuned not reached: %s", view_str(r->reply, "reason"));
}
