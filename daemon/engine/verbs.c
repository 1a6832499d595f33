/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each verb means in terms of layers; the rest is planning, running and judging. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/plan.h"
#include "daemon/engine/verbs.h"
#include "daemon/engine/verify.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

/* --- apply and plan -------------------------------------------------------------------------------------------------- */

static bool profile_has_phase(const struct profile *p, const char *phase)
{
	for (size_t i = 0; i < p->n_phases; i++) {
		if (strcmp(p->phases[i].name, phase) == 0)
			return true;
	}
	return false;
}

/* Phases that left the file go with a full apply; other profiles go with --switch. */
static void drop_layers(struct state *next, const struct profile *p, const struct request *q)
{
	for (size_t i = next->n_layers; i-- > 0;) {
		const struct layer *l = next->layers[i];
		bool own = str_eq(l->profile, p->name);

		if (own ? !q->phases.n && !profile_has_phase(p, l->phase) : q->switch_)
			state_remove_layer(next, i);
	}
}

static int plan_apply(const struct session *s, const struct request *q, bool refuse_inexact, struct plan *ret,
                      struct hft_err *err)
{
	CLEANUP(profile_freep) struct profile *p = NULL;
	CLEANUP(state_done) struct state next = {0};
	int r = session_load_profile(s, q, &p, err);

	if (r < 0)
		return r;
	if (state_copy(&s->state, &next) < 0)
		return err_oom(err);
	drop_layers(&next, p, q);
	r = resolve_profile(s, p, q, &next, err);
	return r < 0 ? r : plan_build(s, &next, PLAN_IMPOSE, refuse_inexact, ret, err);
}

int engine_plan(const struct engine *e, const struct request *q, struct result *ret, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	CLEANUP(plan_done) struct plan p = {0};
	int r = session_open(e, SESSION_READ, q, &s, err);

	if (r == 0)
		r = plan_apply(&s, q, false, &p, err);
	if (r < 0)
		return r;
	ret->unfinished = session_unfinished(&s);
	return plan_report(&s, &p, ret, err);
}

/* The lock makes the state directory, so where there is none yet a change first looks whether it would be refused. */
static int rehearse_apply(const struct engine *e, const struct request *q, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	CLEANUP(plan_done) struct plan p = {0};
	int r = store_exists(e->store) ? 1 : session_open(e, SESSION_READ, q, &s, err);

	if (r == 0)
		r = plan_apply(&s, q, true, &p, err);
	return r < 0 ? r : 0;
}

int verb_open_recorded(const struct engine *e, const struct request *q, struct session *ret, struct hft_err *err)
{
	return session_open(e, store_exists(e->store) ? SESSION_CHANGE : SESSION_READ, q, ret, err);
}

int verb_carry_out(struct session *s, struct plan *p, const struct run_labels *labels, struct result *ret,
                   struct hft_err *err)
{
	int r;

	if (s->kind != SESSION_CHANGE && (p->n_writes || p->changed))
		return err_raise(err, ERR_BUSY, EBUSY, "transaction", "the first transaction has begun just now");
	s->ctx.is_set_data = &p->next;
	r = run_plan(s, p, labels, &ret->txn, err);
	s->ctx.is_set_data = &s->state;
	ret->recovered = s->recovered;
	if (r == 0)
		r = plan_report(s, p, ret, err);
	if (r < 0)
		s->stamp = 0; /* the journal has moved on without us */
	else if (ret->txn)
		session_adopt(s, &p->next, ret->txn);
	return r;
}

int engine_apply(const struct engine *e, const struct request *q, struct result *ret, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	CLEANUP(plan_done) struct plan p = {0};
	struct run_labels labels = {.kind = "apply", .profile = q->profile, .keep = q->keep};
	int r = rehearse_apply(e, q, err);

	if (r == 0)
		r = session_open(e, SESSION_CHANGE, q, &s, err);
	if (r == 0)
		r = plan_apply(&s, q, true, &p, err);
	return r < 0 ? r : verb_carry_out(&s, &p, &labels, ret, err);
}

/* --- rollback ------------------------------------------------------------------------------------------------------------ */

static bool layer_is_named(const struct layer *l, const char *name)
{
	const char *slash = strchr(name, '/');
	size_t n = slash ? (size_t)(slash - name) : 0;

	if (!slash)
		return strcmp(l->phase, name) == 0;
	return strlen(l->profile) == n && strncmp(l->profile, name, n) == 0 && strcmp(l->phase, slash + 1) == 0;
}

static int phase_problem(const struct state *st, const char *name, size_t matches, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf names = {0};

	for (size_t i = 0; i < st->n_layers; i++) {
		if (!matches || layer_is_named(st->layers[i], name))
			strbuf_addf(&names, "%s%s/%s", names.len ? ", " : "", st->layers[i]->profile,
			            st->layers[i]->phase);
	}
	err_raise(err, ERR_INVALID_ARGUMENT, 0, name, matches ? "more than one profile in force has this phase"
	                                                      : "no such phase is in force");
	err_hint(err, "%s: %s", matches ? "write one of" : "in force", names.len ? strbuf_str(&names) : "nothing");
	return -EINVAL;
}

static int choose_phases(struct state *next, const struct request *q, struct hft_err *err)
{
	for (size_t p = 0; p < q->phases.n; p++) {
		size_t matches = 0, at = 0;

		for (size_t i = 0; i < next->n_layers; i++) {
			if (!layer_is_named(next->layers[i], q->phases.s[p]))
				continue;
			matches++;
			at = i;
		}
		if (matches != 1)
			return phase_problem(next, q->phases.s[p], matches, err);
		state_remove_layer(next, at);
	}
	return 0;
}

static int choose_profile(struct state *next, const struct request *q, struct hft_err *err)
{
	size_t n = next->n_layers;

	for (size_t i = next->n_layers; i-- > 0;) {
		if (str_eq(next->layers[i]->profile, q->profile))
			state_remove_layer(next, i);
	}
	if (n != next->n_layers)
		return 0;
	err_raise(err, ERR_INVALID_ARGUMENT, 0, q->profile, "no layer of this profile is in force");
	err_hint(err, "see `hfttune status`");
	return -EINVAL;
}

static int choose_to(const struct session *s, struct state *next, const struct request *q, struct hft_err *err)
{
	if (!s->view.n_txns || q->to > s->view.txns[s->view.n_txns - 1].txn || q->to < 0) {
		err_raise(err, ERR_INVALID_ARGUMENT, 0, "to", "there is no transaction %lld", (long long)q->to);
		err_hint(err, "see `hfttune history`");
		return -EINVAL;
	}
	for (size_t i = next->n_layers; i-- > 0;) {
		const struct layer *l = next->layers[i];

		if (l->txn > q->to) {
			state_remove_layer(next, i);
		} else if (l->updated > q->to) {
			err_raise(err, ERR_REFUSED, EPERM, l->phase,
			          "layer %s/%s was updated by transaction %lld; what it was before is not kept",
			          l->profile, l->phase, (long long)l->updated);
			err_hint(err, "roll it back by name, and apply the older file again");
			return -EPERM;
		}
	}
	return 0;
}

/* The layers that the last apply made or changed. */
static void choose_last(struct state *next)
{
	int64_t last = 0;

	for (size_t i = 0; i < next->n_layers; i++)
		last = next->layers[i]->updated > last ? next->layers[i]->updated : last;
	for (size_t i = next->n_layers; i-- > 0;) {
		if (next->layers[i]->updated == last)
			state_remove_layer(next, i);
	}
}

static int choose(const struct session *s, struct state *next, const struct request *q, struct hft_err *err)
{
	if (q->phases.n)
		return choose_phases(next, q, err);
	if (q->profile)
		return choose_profile(next, q, err);
	if (q->to)
		return choose_to(s, next, q, err);
	if (q->all) {
		while (next->n_layers)
			state_remove_layer(next, next->n_layers - 1);
		return 0;
	}
	choose_last(next);
	return 0;
}

static int n_selectors(const struct request *q)
{
	return (q->phases.n > 0) + (q->profile != NULL) + (q->to != 0) + q->all;
}

static int check_request(const struct request *q, struct hft_err *err)
{
	if (n_selectors(q) > 1)
		return err_raise(err, ERR_INVALID_ARGUMENT, 0, "rollback",
		                 "phases, profile, to and all exclude each other");
	if (q->force && q->keep_theirs)
		return err_raise(err, ERR_INVALID_ARGUMENT, 0, "force", "force and keep_theirs exclude each other");
	return 0;
}

int engine_rollback(const struct engine *e, const struct request *q, struct result *ret, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	CLEANUP(plan_done) struct plan p = {0};
	CLEANUP(state_done) struct state next = {0};
	enum plan_mode mode = q->force ? PLAN_FORCE : q->keep_theirs ? PLAN_KEEP_THEIRS : PLAN_TAKE_OUT;
	struct run_labels labels = {.kind = "rollback", .profile = q->profile ? q->profile : ""};
	int r = check_request(q, err);

	if (r == 0)
		r = verb_open_recorded(e, q, &s, err);
	if (r < 0)
		return r;
	/* What the transaction that was not wholly undone left was what --force and --keep-theirs were about. */
	if (s.recovered && (q->force || q->keep_theirs) && !n_selectors(q)) {
		ret->recovered = s.recovered;
		return 0;
	}
	if (state_copy(&s.state, &next) < 0)
		return err_oom(err);
	r = choose(&s, &next, q, err);
	if (r == 0)
		r = plan_build(&s, &next, mode, false, &p, err);
	return r < 0 ? r : verb_carry_out(&s, &p, &labels, ret, err);
}

/* A look first: a daemon that starts on a clean host takes no lock and makes no directory. */
static int needs_recovery(const struct engine *e, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	int r = session_open(e, SESSION_READ, NULL, &s, err);

	return r < 0 ? r : session_unfinished(&s) != 0;
}

int engine_recover(const struct engine *e, int64_t *ret_txn, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	int r = needs_recovery(e, err);

	*ret_txn = 0;
	if (r <= 0)
		return r;
	r = session_open(e, SESSION_CHANGE, NULL, &s, err);
	if (r == 0)
		*ret_txn = s.recovered;
	return r;
}

/* --- verify ---------------------------------------------------------------------------------------------------------------- */

/* --set of the layer, for a file that was applied with it and is judged without. */
static int recall_sets(const struct session *s, const struct request *q, struct strlist *texts,
                       struct profile_assign **ret, size_t *ret_n)
{
	const struct layer *l = NULL;

	for (size_t i = 0; i < s->state.n_layers && !l; i++) {
		if (str_eq(s->state.layers[i]->profile, q->profile))
			l = s->state.layers[i];
	}
	if (!l || !l->sets.n)
		return 0;
	*ret = calloc(l->sets.n, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < l->sets.n; i++) {
		char *eq;

		if (strlist_add(texts, l->sets.s[i]) < 0)
			return -ENOMEM;
		eq = strchr(texts->s[i], '=');
		if (!eq)
			continue;
		*eq = '\0';
		(*ret)[(*ret_n)++] = (struct profile_assign){.name = texts->s[i], .value = eq + 1};
	}
	return 0;
}

static int verify_profile(const struct session *s, const struct request *q, struct result *ret, struct hft_err *err)
{
	CLEANUP(profile_freep) struct profile *p = NULL;
	CLEANUP(state_done) struct state fresh = {0};
	CLEANUP(strlist_done) struct strlist texts = {0};
	CLEANUP(mem_freep) struct profile_assign *recalled = NULL;
	struct request own = *q;
	size_t n = 0;
	int r;

	if (!q->n_assigns) {
		if (recall_sets(s, q, &texts, &recalled, &n) < 0)
			return err_oom(err);
		own.assigns = recalled;
		own.n_assigns = n;
	}
	r = session_load_profile(s, &own, &p, err);
	if (r == 0)
		r = resolve_profile(s, p, &own, &fresh, err);
	return r < 0 ? r : verify_state(s, &fresh, false, ret, err);
}

/* With a damaged journal nobody knows which layers are in force, and "nothing to judge" would sound like "ok". */
static int verify_layers(const struct session *s, struct result *ret, struct hft_err *err)
{
	if (!s->view.damage || !s->view.damage->n)
		return verify_state(s, &s->state, true, ret, err);
	err_raise(err, ERR_STATE, EUCLEAN, s->view.damage->s[0], "the journal is damaged: what is in force is not known");
	err_hint(err, "`hfttune status` names every damaged file; a profile can be verified by its name");
	return -EUCLEAN;
}

int engine_verify(const struct engine *e, const struct request *q, struct result *ret, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	int r = !q->profile && (q->phases.n || q->n_assigns)
	                ? err_raise(err, ERR_INVALID_ARGUMENT, 0, "profile", "phases and set say nothing without a profile")
	                : session_open(e, SESSION_READ, q, &s, err);

	if (r < 0)
		return r;
	ret->unfinished = session_unfinished(&s);
	ret->judged = q->profile ? "profile" : "layers";
	if (q->profile)
		return verify_profile(&s, q, ret, err);
	return verify_layers(&s, ret, err);
}
