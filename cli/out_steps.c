/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps for people: a plan by phases, what a change did, what verify found. Must not judge: states and reasons are the
 * daemon's.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/fold.h"
#include "cli/out.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "cli/views.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"
#include "lib/proto/codes.h"

#define FOLD_LEAST 3        /* fewer steps alike than this are listed one by one */
#define COUPLED_SHOWN 40    /* bytes of a coupled value */
#define OBJECTS_SHOWN 6     /* of those that share a reason, after folding */
#define REPEAT_PROFILE (OPT_BIT(OPT_PHASE) | OPT_BIT(OPT_SET) | OPT_BIT(OPT_SWITCH))
#define REPEAT_ROLLBACK (OPT_BIT(OPT_PHASE) | OPT_BIT(OPT_PROFILE) | OPT_BIT(OPT_TO) | OPT_BIT(OPT_ALL))

/* --- states ------------------------------------------------------------------------------------------------------- */

enum shown { SHOWN_NOT, SHOWN_ROW, SHOWN_REASON }; /* nothing but counted; a row of its own; by reason, with others */

struct state {
	const char *name;  /* on the wire, and a member of Summary */
	const char *word;  /* in a plan or a verdict */
	const char *done;  /* after a change */
	enum style style;
	enum shown after;  /* how apply, repair, replay, rollback and verify show it */
};

static const struct state states[] = {
	{ "change", "change", "written", STYLE_NOTE, SHOWN_ROW },
	{ "drift", "drift", "written over drift", STYLE_BAD, SHOWN_ROW },
	{ "restored", "restore", "restored", STYLE_NOTE, SHOWN_NOT },
	{ "conflict", "conflict", "in conflict", STYLE_BAD, SHOWN_ROW },
	{ "failed", "failed", "failed", STYLE_BAD, SHOWN_ROW },
	{ "pending", "pending", "pending", STYLE_NOTE, SHOWN_REASON },
	{ "beneath", "beneath", "beneath another layer", STYLE_DIM, SHOWN_NOT },
	{ "not_applicable", "not applicable", "not applicable", STYLE_DIM, SHOWN_REASON },
	{ "ok", "ok", "ok already", STYLE_GOOD, SHOWN_NOT },
};

static const struct state *find_state(const char *name)
{
	static const struct state unknown = { "", "?", "?", STYLE_BAD, SHOWN_ROW };

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq(states[i].name, name))
			return &states[i];
	return &unknown;
}

static const struct state *state_of(const struct json *step)
{
	return find_state(view_str(step, "state"));
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static const struct table_column step_columns[] = {
	{ "OBJECT", 24, false, false }, { "NOW", 10, false, false }, { "WANTED", 10, false, false },
	{ "STATE", 0, false, false },   { "WHY", 20, false, true },
};

static const char *const alike[] = { "knob", "before", "after", "state", "reason", "why" };

/* May b stand in the same row as a? With labels each object is told apart by people, so it keeps its row; but not where
 * nothing is to be done about it, like the interrupts of a disk's queues, which the kernel keeps. */
static bool are_alike(const struct json *a, const struct json *b)
{
	bool lacking = str_eq(view_str(a, "state"), "not_applicable");
	bool labels = *view_str(a, "label") != '\0' || *view_str(b, "label") != '\0';

	for (size_t i = 0; i < ARRAY_LEN(alike); i++)
		if (!str_eq(view_str(a, alike[i]), view_str(b, alike[i])))
			return false;
	return (lacking || !labels) && json_get_bool(a, "exact", true) == json_get_bool(b, "exact", true);
}

static void add_clause(struct strbuf *b, const char *clause)
{
	if (*clause == '\0')
		return;
	if (b->len > 0)
		strbuf_add(b, "; ");
	strbuf_add(b, clause);
}

static const char *or_dash(const char *s)
{
	return *s != '\0' ? s : "-";
}

/* What is not done needs no reason for doing it, and of rows that are alike the first one speaks for all. */
static const char *why_of(const struct json *step, const struct json *before)
{
	const char *why = view_str(step, "why");
	bool lacking = str_eq(view_str(step, "state"), "not_applicable") && *view_str(step, "reason") != '\0';
	bool said = before != NULL && str_eq(view_str(before, "knob"), view_str(step, "knob")) &&
	            str_eq(view_str(before, "why"), why) && !str_eq(view_str(before, "state"), "not_applicable");

	return lacking || said ? "" : why;
}

/* Nobody asked for what is coupled, and some of it lists all masks of a host: the beginning will do here. */
static void add_now(struct table *t, const struct json *step)
{
	const char *now = or_dash(view_str(step, "before"));
	bool cut = json_get_bool(step, "coupled", false) && strlen(now) > COUPLED_SHOWN;

	table_cell(t, STYLE_PLAIN, "%.*s%s", cut ? COUPLED_SHOWN : (int)strlen(now), now, cut ? "..." : "");
}

/* before: the step of the row above, or NULL */
static void add_row(struct table *t, const struct json *step, const struct json *before, const char *object)
{
	CLEANUP(strbuf_done) struct strbuf why = { 0 };
	const struct state *state = state_of(step);
	const char *reason = view_str(step, "reason");
	bool pending = str_eq(state->name, "pending");

	if (!pending)
		add_clause(&why, reason);
	if (!json_get_bool(step, "exact", true))
		add_clause(&why, "not exactly reversible");
	if (json_get_bool(step, "coupled", false))
		add_clause(&why, "coupled: the kernel changes it along");
	add_clause(&why, why_of(step, before));

	table_cell(t, STYLE_PLAIN, "%s", object);
	add_now(t, step);
	table_cell(t, STYLE_PLAIN, "%s", or_dash(view_str(step, "after")));
	table_cell(t, state->style, pending && *reason != '\0' ? "%s: %s" : "%s", state->word, reason);
	table_cell(t, STYLE_DIM, "%s", strbuf_str(&why));
	t->oom |= why.oom;
}

struct steps { /* borrowed steps, in order */
	const struct json **s;
	size_t n, cap;
	bool oom;
};

static void steps_add(struct steps *l, const struct json *step)
{
	if (mem_grow(&l->s, &l->cap, l->n, sizeof(*l->s)) < 0)
		l->oom = true;
	else
		l->s[l->n++] = step;
}

static void steps_done(struct steps *l)
{
	free(l->s);
	*l = (struct steps){ 0 };
}

/* Fold the steps from l->s[i] on into f; how many went in. */
static size_t fold_run(const struct steps *l, size_t i, struct fold *f)
{
	size_t n = 1;

	fold_begin(f, view_str(l->s[i], "object"));
	while (i + n < l->n && are_alike(l->s[i], l->s[i + n]) && fold_add(f, view_str(l->s[i + n], "object")))
		n++;
	return n;
}

/* " (nvme0q1)", and of several " (nvme0q1 ... nvme0q8)" */
static void add_labels(struct strbuf *object, const struct json *first, const struct json *last)
{
	const char *from = view_str(first, "label"), *to = view_str(last, "label");

	if (*from != '\0' && str_eq(from, to))
		strbuf_addf(object, " (%s)", from);
	else if (*from != '\0')
		strbuf_addf(object, " (%s ... %s)", from, to);
}

static void print_steps(struct text *t, const struct steps *l, size_t indent)
{
	CLEANUP(table_done) struct table table = { 0 };

	const struct json *before = NULL;

	table_init(&table, step_columns, ARRAY_LEN(step_columns));
	for (size_t i = 0; i < l->n;) {
		CLEANUP(fold_done) struct fold f = { 0 };
		CLEANUP(strbuf_done) struct strbuf object = { 0 };
		const char *knob = view_str(l->s[i], "knob");
		size_t n = fold_run(l, i, &f);
		if (!str_eq(knob, "sysctl")) /* those names speak for themselves */
			strbuf_addf(&object, "%s ", knob);
		if (n >= FOLD_LEAST)
			fold_format(&f, &object);
		else
			strbuf_add(&object, f.first);
		n = n >= FOLD_LEAST ? n : 1;
		add_labels(&object, l->s[i], l->s[i + n - 1]);
		add_row(&table, l->s[i], before, strbuf_str(&object));
		table.oom |= object.oom;
		before = l->s[i];
		i += n;
	}
	table.oom |= l->oom;
	table_print(&table, t, indent);
}

void view_steps(struct text *t, const struct json *steps)
{
	CLEANUP(steps_done) struct steps all = { 0 };

	for (const struct json *s = json_first(steps); s != NULL; s = json_next(s))
		steps_add(&all, s);
	print_steps(t, &all, 0);
}

/* --- counts ------------------------------------------------------------------------------------------------------- */

/* "12 steps: 8 change, 4 ok", broken behind a comma where the line ends. */
static void print_summary(struct text *t, const struct json *reply, bool done)
{
	const struct json *summary = json_get(reply, "summary");
	const char *separator = ":";
	char lead[64], count[64];
	long long all = view_int(summary, "steps");
	int column = snprintf(lead, sizeof(lead), "%lld step%s", all, all == 1 ? "" : "s");

	text_addf(t, "%s", lead);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		long long n = view_int(summary, states[i].name);
		if (n == 0)
			continue;
		int len = snprintf(count, sizeof(count), "%lld %s", n, done ? states[i].done : states[i].word);
		text_addf(t, "%s", separator);
		column += len + 2;
		if ((size_t)column >= text_width(t)) {
			text_nl(t);
			text_pad(t, 1);
			column = len + 2;
		}
		text_pad(t, 1);
		text_styled(t, states[i].style, "%s", count);
		separator = ",";
	}
	text_nl(t);
}

static void print_if_none(struct text *t, const struct json *reply, const char *sentence)
{
	if (view_int(json_get(reply, "summary"), "steps") == 0)
		text_line(t, "%s", sentence);
}

static bool needs_reboot(const struct json *reply)
{
	return json_get_bool(json_get(reply, "summary"), "reboot_needed", false);
}

/* Is anything done but for the restart of a service? */
static void print_restart_help(struct text *t, const struct json *reply)
{
	for (const struct json *s = json_first(json_get(reply, "steps")); s != NULL; s = json_next(s)) {
		if (!str_eq(view_str(s, "state"), "pending") || !str_eq(view_str(s, "reason"), "restart"))
			continue;
		text_wrap(t, 0, "", "Pending until the services are restarted: do it by hand, or write `restart = allowed` under "
		                    "[phase ...] and apply again.");
		return;
	}
}

/* --- by reason ---------------------------------------------------------------------------------------------------- */

static const struct table_column reason_columns[] = {
	{ "STATE", 0, false, false }, { "STEPS", 0, true, false }, { "REASON", 30, false, false },
	{ "OBJECTS", 24, false, true },
};

static bool same_reason(const struct json *a, const struct json *b)
{
	return state_of(a) == state_of(b) && str_eq(view_str(a, "reason"), view_str(b, "reason"));
}

/* The first few objects of those that share the reason of `like`, folded, and their number. */
static size_t list_objects(const struct json *steps, const struct json *like, struct strbuf *ret)
{
	CLEANUP(steps_done) struct steps same = { 0 };
	size_t i = 0;

	for (const struct json *s = json_first(steps); s != NULL; s = json_next(s))
		if (same_reason(s, like))
			steps_add(&same, s);
	for (size_t shown = 0; i < same.n && shown < OBJECTS_SHOWN; shown++) {
		CLEANUP(fold_done) struct fold f = { 0 };
		fold_begin(&f, view_str(same.s[i], "object"));
		for (i++; i < same.n && fold_add(&f, view_str(same.s[i], "object")); i++)
			;
		strbuf_add(ret, shown > 0 ? ", " : "");
		fold_format(&f, ret);
	}
	if (i < same.n)
		strbuf_addf(ret, " and %zu more", same.n - i);
	ret->oom |= same.oom;
	return same.n;
}

static bool reason_was_listed(const struct steps *listed, const struct json *step)
{
	for (size_t i = 0; i < listed->n; i++)
		if (same_reason(listed->s[i], step))
			return true;
	return false;
}

/* What is pending or not applicable: each reason once. */
static void print_reasons(struct text *t, const struct json *steps)
{
	CLEANUP(table_done) struct table table = { 0 };
	CLEANUP(steps_done) struct steps listed = { 0 };

	table_init(&table, reason_columns, ARRAY_LEN(reason_columns));
	for (const struct json *s = json_first(steps); s != NULL; s = json_next(s)) {
		CLEANUP(strbuf_done) struct strbuf objects = { 0 };
		const struct state *state = state_of(s);
		if (state->after != SHOWN_REASON || reason_was_listed(&listed, s))
			continue;
		steps_add(&listed, s);
		size_t n = list_objects(steps, s, &objects);
		table_cell(&table, state->style, "%s", state->word);
		table_cell(&table, STYLE_PLAIN, "%zu", n);
		table_cell(&table, STYLE_PLAIN, "%s", or_dash(view_str(s, "reason")));
		table_cell(&table, STYLE_DIM, "%s", strbuf_str(&objects));
		table.oom |= objects.oom || listed.oom;
	}
	table_print(&table, t, 0);
	if (table_rows(&table) > 0)
		text_nl(t);
}

/* Rows for what went wrong or differs. */
static void print_troubles(struct text *t, const struct json *steps, bool done)
{
	CLEANUP(steps_done) struct steps rows = { 0 };

	for (const struct json *s = json_first(steps); s != NULL; s = json_next(s)) {
		const struct state *state = state_of(s);
		bool was_written = done && (str_eq(state->name, "change") || str_eq(state->name, "drift"));
		if (state->after == SHOWN_ROW && !was_written)
			steps_add(&rows, s);
	}
	print_steps(t, &rows, 0);
	if (rows.n > 0)
		text_nl(t);
}

/* --- by phase ----------------------------------------------------------------------------------------------------- */

struct group {
	const char *profile, *phase;
	const struct json *info; /* PhaseInfo, or NULL */
	size_t rank;             /* place in the list of phases */
};

struct groups {
	struct group *g;
	size_t n, cap;
};

static void groups_done(struct groups *l)
{
	free(l->g);
	*l = (struct groups){ 0 };
}

static const struct json *find_phase(const struct json *phases, const struct group *g, size_t *ret_rank)
{
	*ret_rank = 0;
	for (const struct json *p = json_first(phases); p != NULL; p = json_next(p), ++*ret_rank)
		if (str_eq(view_str(p, "name"), g->phase) &&
		    str_eq(json_get_string(p, "profile", g->profile), g->profile))
			return p;
	return NULL;
}

static bool is_in_group(const struct json *step, const struct group *g)
{
	return str_eq(view_str(step, "phase"), g->phase) && str_eq(view_str(step, "profile"), g->profile);
}

/* Add the group of a step behind those of the same or a lower rank. */
static int groups_add(struct groups *l, const struct json *step, const struct json *phases)
{
	struct group g = { .profile = view_str(step, "profile"), .phase = view_str(step, "phase") };

	for (size_t i = 0; i < l->n; i++)
		if (is_in_group(step, &l->g[i]))
			return 0;
	if (mem_grow(&l->g, &l->cap, l->n, sizeof(*l->g)) < 0)
		return -1;
	g.info = find_phase(phases, &g, &g.rank);
	size_t at = l->n++;
	for (; at > 0 && l->g[at - 1].rank > g.rank; at--)
		l->g[at] = l->g[at - 1];
	l->g[at] = g;
	return 0;
}

static bool has_several_profiles(const struct groups *l)
{
	for (size_t i = 1; i < l->n; i++)
		if (*l->g[i].phase != '\0' && !str_eq(l->g[i].profile, l->g[0].profile))
			return true;
	return false;
}

void view_phase(struct text *t, const char *name, const struct json *info)
{
	text_style(t, STYLE_BOLD);
	text_addf(t, "phase %s", name);
	text_style(t, STYLE_PLAIN);
	if (info != NULL)
		text_addf(t, "  (order %lld, risk %s)", view_int(info, "order"), or_dash(view_str(info, "risk")));
	text_nl(t);
	if (*view_str(info, "summary") != '\0')
		text_wrap(t, 2, "", view_str(info, "summary"));
	for (const struct json *n = json_first(json_get(info, "notes")); n != NULL; n = json_next(n))
		text_wrap(t, 2, "note: ", json_string(n, ""));
}

static void print_group(struct text *t, const struct json *steps, const struct group *g, bool name_profile)
{
	CLEANUP(steps_done) struct steps rows = { 0 };
	CLEANUP(strbuf_done) struct strbuf name = { 0 };

	for (const struct json *s = json_first(steps); s != NULL; s = json_next(s))
		if (is_in_group(s, g))
			steps_add(&rows, s);
	strbuf_addf(&name, name_profile ? "%s of %s" : "%s", g->phase, g->profile);
	if (*g->phase != '\0')
		view_phase(t, strbuf_str(&name), g->info);
	else
		text_line(t, "in no phase: what the kernel changes along, or what waits for a CPU");
	print_steps(t, &rows, 2);
	text_nl(t);
}

static void print_groups(struct text *t, const struct json *reply)
{
	CLEANUP(groups_done) struct groups groups = { 0 };
	const struct json *steps = json_get(reply, "steps");

	for (const struct json *s = json_first(steps); s != NULL; s = json_next(s))
		if (groups_add(&groups, s, json_get(reply, "phases")) < 0)
			t->b.oom = true;
	for (size_t i = 0; i < groups.n; i++)
		print_group(t, steps, &groups.g[i], has_several_profiles(&groups));
}

/* --- the views ---------------------------------------------------------------------------------------------------- */

static void print_unfinished(struct text *t, const struct json *reply)
{
	if (json_get(reply, "unfinished") == NULL)
		return;
	text_styled(t, STYLE_BAD, "Transaction %lld is unfinished.", view_int(reply, "unfinished"));
	text_nl(t);
	text_wrap(t, 0, "", "The next verb that changes something undoes it first; hfttune status says more.");
	text_nl(t);
}

void view_plan(struct text *t, const struct result *r)
{
	print_unfinished(t, r->reply);
	print_groups(t, r->reply);
	print_summary(t, r->reply, false);
	if (needs_reboot(r->reply))
		text_line(t, "A reboot will be needed before all of it holds.");
	if (r->exit == EXIT_DIFFERS)
		view_next(t, r->options, "apply", REPEAT_PROFILE, true);
	else
		text_line(t, "Nothing to write.");
}

/* What to do about conflicts: the same rollback again, with one of two words. */
static void print_conflict_help(struct text *t, const struct result *r, const char *verb)
{
	text_wrap(t, 0, "", "Somebody else changed these since, so they were left: --force writes the original, "
	                    "--keep-theirs leaves theirs for good.");
	view_next(t, r->options, verb, REPEAT_ROLLBACK, false);
}

static void print_next_after_change(struct text *t, const struct result *r)
{
	bool rollback = str_eq(r->options->verb->name, "rollback");
	bool conflict = view_int(json_get(r->reply, "summary"), "conflict") > 0;

	if (needs_reboot(r->reply))
		text_line(t, "Reboot this host before all of it holds.");
	print_restart_help(t, r->reply);
	if (rollback && conflict)
		print_conflict_help(t, r, "rollback --force");
	else
		view_next(t, r->options, rollback ? "status" : "verify", 0, false);
}

void view_change(struct text *t, const struct result *r)
{
	const struct json *steps = json_get(r->reply, "steps");

	if (json_get(r->reply, "recovered") != NULL)
		text_line(t, "Transaction %lld was unfinished; it has been undone first.",
		          view_int(r->reply, "recovered"));
	print_troubles(t, steps, true);
	print_reasons(t, steps);
	print_if_none(t, r->reply, "Nothing to do.");
	print_summary(t, r->reply, true);
	if (*view_str(r->reply, "warning") != '\0')
		text_wrap(t, 0, "warning: ", view_str(r->reply, "warning"));
	if (json_get(r->reply, "txn") != NULL)
		text_line(t, "Recorded as transaction %lld.", view_int(r->reply, "txn"));
	print_next_after_change(t, r);
}

/* Was the host judged against a file? */
static bool of_file(const struct result *r)
{
	return options_arg(r->options, 0) != NULL;
}

/* The layer of the first conflict, by its whole name. */
static void print_next_of_residue(struct text *t, const struct result *r)
{
	CLEANUP(mem_freep) char *verb = NULL;

	for (const struct json *s = json_first(json_get(r->reply, "steps")); s != NULL && verb == NULL; s = json_next(s))
		if (str_eq(view_str(s, "state"), "conflict"))
			verb = str_printf("rollback --phase %s/%s --force", view_str(s, "profile"),
			                  view_str(s, "phase"));
	t->b.oom |= verb == NULL;
	print_conflict_help(t, r, verb != NULL ? verb : "status");
}

static void print_next_after_verify(struct text *t, const struct result *r)
{
	const struct json *summary = json_get(r->reply, "summary");

	if (r->exit == EXIT_REBOOT)
		text_line(t, "Reboot this host before all of it holds.");
	print_restart_help(t, r->reply);
	if (r->exit != EXIT_DIFFERS)
		return;
	if (of_file(r))
		view_next(t, r->options, "plan", REPEAT_PROFILE, true);
	else if (view_int(summary, "drift") == 0 && view_int(summary, "conflict") > 0)
		print_next_of_residue(t, r); /* a repair leaves them */
	else
		view_next(t, r->options, "repair", 0, false);
}

void view_verify(struct text *t, const struct result *r)
{
	const struct json *steps = json_get(r->reply, "steps");

	print_unfinished(t, r->reply);
	if (*view_str(r->reply, "judged") != '\0')
		text_line(t, of_file(r) ? "Judged against the file as it is now." : "Judged against the layers in force.");
	print_troubles(t, steps, false);
	print_reasons(t, steps);
	print_if_none(t, r->reply, of_file(r) ? "The profile has no settings here." : "No layer is applied.");
	print_summary(t, r->reply, false);
	print_next_after_verify(t, r);
}
