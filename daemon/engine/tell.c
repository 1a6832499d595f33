/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs that only tell: status, history, profiles, show, explain. They build reply objects and change nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/plan.h"
#include "daemon/engine/verify.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

/* Hand over a finished object, or say that memory ended. */
static int give(struct json *j, int r, struct json **ret, struct hft_err *err)
{
	if (!j || r < 0) {
		json_free(j);
		return err_oom(err);
	}
	*ret = j;
	return 0;
}

static struct json *texts(const struct strlist *l)
{
	struct json *a = json_new_array();
	int r = 0;

	for (size_t i = 0; l && i < l->n; i++)
		r |= json_add_string(a, l->s[i]);
	if (r < 0)
		json_freep(&a);
	return a;
}

/* --- status and history --------------------------------------------------------------------------------------------------- */

static const char *const txn_states[] = {
	[TXN_OPEN] = "open",
	[TXN_COMMITTED] = "committed",
	[TXN_ABORTED] = "undone",
	[TXN_INCOMPLETE] = "not wholly undone",
	[TXN_DAMAGED] = "damaged",
};

static struct json *txn_json(const struct txn_info *t)
{
	struct json *j = json_new_object();
	int r = json_set_int(j, "txn", t->txn) | json_set_string(j, "kind", t->kind ? t->kind : "") |
	        json_set_string(j, "profile", t->profile && *t->profile ? t->profile : NULL) |
	        json_set_string(j, "state", txn_states[t->state]) |
	        json_set_string(j, "started", t->started ? t->started : "") | json_set_int(j, "steps", t->n_steps) |
	        json_set_string(j, "boot_id", t->boot_id ? t->boot_id : "") | json_set_string(j, "cause", t->cause) |
	        json_set_string(j, "warning", t->warning && *t->warning ? t->warning : NULL);

	if (r < 0)
		json_freep(&j);
	return j;
}

static struct json *layer_json(const struct layer *l, const char *boot_id)
{
	bool in_force = layer_in_force(l, boot_id);
	struct json *j = json_new_object();
	int64_t held = 0;
	int r;

	for (size_t i = 0; i < l->n_entries; i++)
		held += !l->entries[i].na;
	r = json_set_string(j, "profile", l->profile) | json_set_string(j, "phase", l->phase) |
	    json_set_int(j, "order", l->order) | json_set_string(j, "risk", l->risk ? l->risk : "") |
	    json_set_string(j, "summary", l->summary ? l->summary : "") | json_set_int(j, "txn", l->txn) |
	    json_set_int(j, "updated", l->updated) | json_set_int(j, "objects", held) |
	    json_set_bool(j, "in_force", in_force) | json_set_bool(j, "residue", l->residue) |
	    json_set_string(j, "reason",
	                    !in_force    ? "rebooted"
	                    : l->residue ? "rolled back but for objects that somebody else had changed"
	                                 : NULL);
	if (r < 0)
		json_freep(&j);
	return j;
}

static const struct txn_info *find_txn(const struct store_view *v, int64_t txn)
{
	for (size_t i = 0; i < v->n_txns; i++) {
		if (v->txns[i].txn == txn)
			return &v->txns[i];
	}
	return NULL;
}

/* The last replay of this boot; NULL: there was none, and nothing to replay. */
static const struct txn_info *find_replay(const struct session *s)
{
	for (size_t i = s->view.n_txns; i-- > 0;) {
		const struct txn_info *t = &s->view.txns[i];

		if (str_eq(t->kind, "replay") && str_eq(t->boot_id, s->host->boot_id))
			return t;
	}
	return NULL;
}

/* Objects of a transaction that was not wholly undone. */
static struct json *neither_json(const struct session *s, const struct txn_info *t)
{
	struct json *names = NULL;

	if (t && t->state == TXN_INCOMPLETE && txn_read_incomplete(s->e->store, t->txn, &names, NULL) == 0)
		return names;
	return json_new_array();
}

/* Of what a transaction wrote and no layer holds: does anything wait for the next boot? seen: what later ones wrote. */
static bool waits_for_boot(const struct session *s, const struct json *steps, struct strlist *seen)
{
	for (const struct json *e = json_first(steps); e; e = json_next(e)) {
		CLEANUP(knob_verdict_done) struct knob_verdict v = {0};
		const struct json *rec = json_get(e, "record");
		const struct knob *k = knob_find(json_get_string(rec, "knob", ""));
		const char *key = json_get_string(rec, "key", ""), *after = json_get_string(rec, "after", NULL);

		if (!k || !k->at_boot || !after || strlist_has(seen, key) || strlist_add(seen, key) < 0 ||
		    state_object(&s->state, k, key))
			continue;
		if (knob_verify(k, &s->ctx, key, after, &v, NULL) == 0 && v.state == KNOB_PENDING)
			return true;
	}
	return false;
}

/* A parameter that was rolled back in this boot is the kernel's until the next. */
static bool is_rolled_back_at_boot(const struct session *s)
{
	CLEANUP(strlist_done) struct strlist seen = {0};
	bool waits = false;

	for (size_t i = s->view.n_txns; !waits && i-- > 0;) {
		CLEANUP(json_freep) struct json *steps = NULL;
		const struct txn_info *t = &s->view.txns[i];

		if (t->state == TXN_COMMITTED && str_eq(t->boot_id, s->host->boot_id) &&
		    txn_read(s->e->store, t->txn, &steps, NULL) == 0)
			waits = waits_for_boot(s, steps, &seen);
	}
	return waits;
}

int engine_status(const struct engine *e, struct json **ret, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	struct json *j, *layers;
	const struct txn_info *open, *replay;
	int r = session_open(e, SESSION_WHOLE, NULL, &s, err);

	if (r < 0)
		return r;
	replay = find_replay(&s);
	open = find_txn(&s.view, session_unfinished(&s));
	j = json_new_object();
	layers = json_new_array();
	for (size_t i = 0; i < s.state.n_layers; i++)
		r |= json_add_take(layers, layer_json(s.state.layers[i], s.host->boot_id));
	r |= json_set_take(j, "layers", layers);
	if (open)
		r |= json_set_take(j, "unfinished", txn_json(open));
	if (replay && replay != open)
		r |= json_set_take(j, "replay", txn_json(replay));
	r |= json_set_take(j, "neither", neither_json(&s, open)) |
	     json_set_take(j, "damage", texts(s.view.damage)) |
	     json_set_bool(j, "reboot_needed", verify_needs_reboot(&s) || is_rolled_back_at_boot(&s)) |
	     json_set_string(j, "state_dir", store_dir(e->store)) | json_set_string(j, "root", fsio_root(e->fs));
	return give(j, r, ret, err);
}

static struct json *journal_step_json(const struct json *e)
{
	const struct json *rec = json_get(e, "record");
	bool coupled = json_get_bool(rec, "coupled", false);
	struct json *j = json_new_object();
	int r = json_set_string(j, "profile", json_get_string(rec, "profile", "")) |
	        json_set_string(j, "phase", json_get_string(rec, "phase", "")) |
	        json_set_string(j, "knob", json_get_string(rec, "knob", "")) |
	        json_set_string(j, "object", json_get_string(rec, "key", "")) |
	        json_set_string(j, "label", json_get_string(rec, "label", NULL)) |
	        json_set_string(j, "before", json_get_string(rec, "before", NULL)) |
	        json_set_string(j, "after", json_get_string(rec, "after", NULL)) |
	        json_set_string(j, "state", json_get_bool(e, "done", false) ? "change" : "ok") |
	        json_set_bool(j, "exact", true) | json_set_bool(j, "coupled", coupled);

	if (r < 0)
		json_freep(&j);
	return j;
}

static int history_steps(const struct session *s, int64_t txn, struct json *to, struct hft_err *err)
{
	CLEANUP(json_freep) struct json *records = NULL;
	struct json *steps;
	int r = txn_read(s->e->store, txn, &records, err);

	if (r < 0)
		return r;
	steps = json_new_array();
	for (const struct json *e = json_first(records); e; e = json_next(e))
		r |= json_add_take(steps, journal_step_json(e));
	r |= json_set_take(to, "steps", steps);
	return r < 0 ? err_oom(err) : 0;
}

int engine_history(const struct engine *e, int64_t txn, struct json **ret, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	CLEANUP(json_freep) struct json *j = json_new_object();
	struct json *list;
	int r = session_open(e, SESSION_WHOLE, NULL, &s, err);

	if (r < 0)
		return r;
	if (txn && !find_txn(&s.view, txn)) {
		err_raise(err, ERR_INVALID_ARGUMENT, 0, "txn", "there is no transaction %lld", (long long)txn);
		err_hint(err, "`hfttune history` lists them");
		return -EINVAL;
	}
	list = json_new_array();
	for (size_t i = 0; i < s.view.n_txns; i++) {
		if (!txn || s.view.txns[i].txn == txn)
			r |= json_add_take(list, txn_json(&s.view.txns[i]));
	}
	r |= json_set_take(j, "transactions", list);
	if (r == 0 && txn)
		r = history_steps(&s, txn, j, err);
	return r < 0 && r != -ENOMEM ? r : give(TAKE_PTR(j), r, ret, err);
}

/* --- profiles and show ------------------------------------------------------------------------------------------------------- */

static struct json *info_json(const char *name, const char *path, const struct profile *p, const struct hft_err *bad)
{
	struct json *j = json_new_object(), *phases = json_new_array();
	int r = json_set_string(j, "name", name) | json_set_string(j, "path", path) |
	        json_set_string(j, "summary", p && p->summary ? p->summary : "");

	for (size_t i = 0; p && i < p->n_phases; i++)
		r |= json_add_string(phases, p->phases[i].name);
	r |= json_set_take(j, "phases", phases);
	if (!p) {
		CLEANUP(mem_freep) char *text = str_printf("%s%s%s", bad->where, bad->where[0] ? ": " : "", bad->msg);

		r |= json_set_string(j, "error", text ? text : bad->msg);
	}
	if (r < 0)
		json_freep(&j);
	return j;
}

int engine_profiles(const struct engine *e, struct json **ret, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	CLEANUP(strlist_done) struct strlist names = {0};
	CLEANUP(strlist_done) struct strlist dirs = {0};
	struct json *j, *list;
	int r = session_open(e, SESSION_READ, NULL, &s, err);

	if (r == 0)
		r = engine_profile_names(e, &names, &dirs, err);
	if (r < 0)
		return r;
	j = json_new_object();
	list = json_new_array();
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP(profile_freep) struct profile *p = NULL;
		CLEANUP(mem_freep) char *path = str_printf("%s/%s.conf", dirs.s[i], names.s[i]);
		struct hft_err bad = {0};

		session_load_profile(&s, &(struct request){.profile = names.s[i]}, &p, &bad);
		r |= json_add_take(list, info_json(names.s[i], path ? path : "", p, &bad));
	}
	r |= json_set_take(j, "profiles", list);
	return give(j, r, ret, err);
}

static struct json *phase_json(const struct profile_phase *p)
{
	struct json *j = json_new_object();
	int r = json_set_string(j, "name", p->name) | json_set_int(j, "order", p->order) |
	        json_set_string(j, "risk", p->risk) | json_set_string(j, "summary", p->summary ? p->summary : "") |
	        json_set_take(j, "notes", texts(&p->notes));

	if (r < 0)
		json_freep(&j);
	return j;
}

static struct json *setting_json(const struct profile *p, const struct profile_setting *st)
{
	CLEANUP(mem_freep) char *where = str_printf("%s:%u", st->file, st->line);
	struct json *j = json_new_object();
	int r = json_set_string(j, "phase", p->phases[st->phase].name) | json_set_string(j, "knob", st->knob) |
	        json_set_string(j, "selector", st->selector) | json_set_string(j, "option", st->option) |
	        json_set_string(j, "value", st->value) | json_set_string(j, "where", where ? where : "") |
	        json_set_string(j, "why", st->why) | json_set_bool(j, "active", st->active);

	if (r < 0)
		json_freep(&j);
	return j;
}

static struct json *value_json(const struct profile_value *v)
{
	CLEANUP(mem_freep) char *where = v->line ? str_printf("%s:%u", v->file, v->line) : str_printf("%s", v->file);
	struct json *j = json_new_object();
	int r = json_set_string(j, "name", v->name) | json_set_string(j, "value", v->value) |
	        json_set_string(j, "where", where ? where : "");

	if (r < 0)
		json_freep(&j);
	return j;
}

int engine_show(const struct engine *e, const struct request *q, struct json **ret, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	CLEANUP(profile_freep) struct profile *p = NULL;
	struct json *j, *phases, *cpus, *variables, *settings;
	int r = session_open(e, SESSION_READ, NULL, &s, err);

	if (r == 0)
		r = session_load_profile(&s, q, &p, err);
	if (r < 0)
		return r;
	j = json_new_object();
	phases = json_new_array();
	cpus = json_new_array();
	variables = json_new_array();
	settings = json_new_array();
	for (size_t i = 0; i < p->n_phases; i++)
		r |= json_add_take(phases, phase_json(&p->phases[i]));
	for (size_t i = 0; i < p->n_values; i++)
		r |= json_add_take(p->values[i].is_cpus ? cpus : variables, value_json(&p->values[i]));
	for (size_t i = 0; i < p->n_settings; i++)
		r |= json_add_take(settings, setting_json(p, &p->settings[i]));
	r |= json_set_take(j, "profile", info_json(p->name, p->path, p, NULL)) | json_set_take(j, "phases", phases) |
	     json_set_take(j, "cpus", cpus) | json_set_take(j, "variables", variables) |
	     json_set_take(j, "settings", settings);
	return give(j, r, ret, err);
}

/* --- explain ------------------------------------------------------------------------------------------------------------------- */

static const char *const effects[] = {
	[EFFECT_NOW] = "at once",
	[EFFECT_NEW_CONNECTIONS] = "on new connections",
	[EFFECT_NEXT_INTERRUPT] = "with the next interrupt",
	[EFFECT_RESTART] = "after a restart of the service",
	[EFFECT_BOOT] = "after a reboot",
	[EFFECT_SLOW] = "slowly",
};

static struct json *row_json(const struct knob *k, const struct knob_doc *d)
{
	struct json *j = json_new_object();
	int r = json_set_string(j, "knob", k->name) | json_set_string(j, "option", d->option) |
	        json_set_string(j, "summary", d->summary) | json_set_string(j, "unit", d->unit) |
	        json_set_string(j, "bounds", d->bounds) | json_set_int(j, "risk", d->risk) |
	        json_set_string(j, "effect", effects[d->effect]) |
	        json_set_string(j, "counter", d->counter ? d->counter : "") |
	        json_set_string(j, "changes", d->changes ? d->changes : "") |
	        json_set_string(j, "source", d->source ? d->source : "") |
	        json_set_string(j, "traps", d->traps ? d->traps : "");

	if (r < 0)
		json_freep(&j);
	return j;
}

/* "KNOB" or "KNOB.OPTION"; option NULL: all of the knob. Dots and slashes of an option are one spelling. */
static bool option_matches(const char *wanted, const char *option)
{
	for (; *option && *option != '*'; wanted++, option++) {
		if (*wanted != *option && !(*wanted == '/' && *option == '.'))
			return false;
	}
	if (!*option || !*wanted)
		return *option == *wanted;
	/* What stands for the '*' is something, of any length. */
	while (*wanted++) {
		if (option_matches(wanted, option + 1))
			return true;
	}
	return false;
}

static int explain_knob(const struct knob *k, const char *option, struct json *rows)
{
	struct knob_doc d;
	int r = 0;

	for (size_t i = 0; r == 0 && k->explain(i, &d) == 0; i++) {
		if (!option || option_matches(option, d.option))
			r = json_add_take(rows, row_json(k, &d));
	}
	return r;
}

int engine_explain(const char *subject, struct json **ret, struct hft_err *err)
{
	const char *dot = subject ? strchr(subject, '.') : NULL;
	size_t n = subject ? (dot ? (size_t)(dot - subject) : strlen(subject)) : 0;
	struct json *j = json_new_object(), *rows = json_new_array();
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_knobs; i++) {
		const char *name = knobs[i]->name;

		if (!subject || (strlen(name) == n && strncmp(name, subject, n) == 0))
			r = explain_knob(knobs[i], dot ? dot + 1 : NULL, rows);
	}
	if (r == 0 && !json_size(rows)) {
		json_free(rows);
		json_free(j);
		err_raise(err, ERR_INVALID_ARGUMENT, ENOENT, subject, "no knob or option is called \"%s\"", subject);
		err_hint(err, "`hfttune explain` lists all; an option is written KNOB.OPTION");
		return -EINVAL;
	}
	r |= json_set_take(j, "rows", rows);
	return give(j, r, ret, err);
}
