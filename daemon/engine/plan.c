/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The difference between two stacks of layers, as steps. Three passes: what the new stack holds and has to be looked
 * at, what it no longer holds and goes back to its original, and what the kernel may change along with those.
 */
#include "daemon/engine/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/steps.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

struct build {
	const struct session *s;
	struct plan *p;
	enum plan_mode mode;
	bool refuse_inexact;
	struct object_index steps; /* of p->steps; a step begins with knob and key like an object_ref */
	struct strbuf current, reason;
};

/* object_index looks at the first two members. */
_Static_assert(offsetof(struct step, knob) == offsetof(struct object_ref, knob), "a step begins like an object_ref");
_Static_assert(offsetof(struct step, key) == offsetof(struct object_ref, key), "a step begins like an object_ref");

void plan_done(struct plan *p)
{
	steps_free(p->steps, p->n_steps);
	state_done(&p->next);
	free(p->warning);
	memset(p, 0, sizeof(*p));
}

static const char *boot_id(const struct build *b)
{
	return b->s->host->boot_id;
}

static struct step *find_step(const struct build *b, const struct knob *knob, const char *key)
{
	long at = object_index_find(&b->steps, b->p->steps, sizeof(struct step), knob, key);

	return at < 0 ? NULL : &b->p->steps[at];
}

/* The texts that a step shows of the layer and line behind it; entry may be NULL. */
static bool describe(struct step *st, const struct layer *l, const struct layer_entry *e)
{
	const struct layer_setting *line = e && e->setting < l->n_settings ? &l->settings[e->setting] : NULL;

	st->order = l->order;
	st->restart = st->restart || l->restart;
	return step_set(&st->profile, l->profile) && step_set(&st->phase, l->phase) &&
	       step_set(&st->label, e ? e->label : NULL) && step_set(&st->why, line ? line->why : NULL) &&
	       step_set(&st->where, line ? line->where : NULL);
}

/* A new step in the plan; before may be NULL. The pointer holds until the next one is added. */
static int add_step(struct build *b, const struct knob *knob, const char *key, const char *before, const char *after,
                    struct step **ret, struct hft_err *err)
{
	struct plan *p = b->p;
	struct step *st;

	if (mem_grow(&p->steps, &p->cap_steps, p->n_steps, sizeof(*st)) < 0)
		return err_oom(err);
	st = &p->steps[p->n_steps];
	*st = (struct step){.knob = knob, .exact = true};
	if (!step_set(&st->key, key) || !step_set(&st->before, before) || !step_set(&st->after, after) ||
	    object_index_add(&b->steps, p->steps, sizeof(*st), p->n_steps) < 0) {
		step_done(st);
		return err_oom(err);
	}
	p->n_steps++;
	*ret = st;
	return 0;
}

/* Read into b->current. 1: there; 0: the object is gone or lacks, *err says why; negative: a real failure. */
static int read_current(struct build *b, const struct knob *knob, const char *key, struct hft_err *err)
{
	struct hft_err own;
	int r = knob->read(&b->s->ctx, key, &b->current, err ? err : (err = &own));

	if (r == 0)
		return b->current.oom ? err_oom(err) : 1;
	return strcmp(err->code, ERR_NOT_APPLICABLE) == 0 ? 0 : r;
}

static int judge(struct build *b, const struct knob *k, const char *key, const char *wanted,
                 enum knob_verdict_state *ret, struct hft_err *err)
{
	return step_judge(&b->s->ctx, k, key, strbuf_str(&b->current), wanted, ret, &b->reason, err);
}

static bool holds(enum knob_verdict_state v)
{
	return v == KNOB_OK || v == KNOB_PENDING;
}

/* What we left the object at, in this boot; NULL when it is not ours. */
static const char *ours(const struct build *b, const struct knob *k, const char *key)
{
	const struct state_object *o = state_object(&b->s->state, k, key);

	return o && !state_object_is_void(o, boot_id(b)) ? o->applied : NULL;
}

/* --- conflicts: what somebody else changed stays, and so does its original ---------------------------------------- */

/* Where a layer that was taken out belongs in the new stack: below the first one that stood above it. */
static size_t former_place(const struct build *b, const struct layer *from)
{
	const struct state *was = &b->s->state, *next = &b->p->next;
	size_t above = 0;

	while (above < was->n_layers && was->layers[above] != from)
		above++;
	for (above++; above < was->n_layers; above++) {
		for (size_t i = 0; i < next->n_layers; i++) {
			if (str_eq(next->layers[i]->profile, was->layers[above]->profile) &&
			    str_eq(next->layers[i]->phase, was->layers[above]->phase))
				return i;
		}
	}
	return next->n_layers;
}

static int residue_layer(struct build *b, const struct layer *from, struct layer **ret)
{
	struct layer *l = state_layer(&b->p->next, from->profile, from->phase);

	if (!l) {
		l = layer_new(from->profile, from->phase, from->boot_id);
		if (!l || !step_set(&l->risk, from->risk) || !step_set(&l->summary, from->summary)) {
			layer_free(l);
			return -ENOMEM;
		}
		l->order = from->order;
		l->txn = from->txn;
		l->updated = from->updated;
		l->residue = true;
		l->restart = from->restart;
		if (state_insert_layer(&b->p->next, former_place(b, from), l) < 0)
			return -ENOMEM;
	}
	*ret = l;
	return 0;
}

struct wanted { /* an object among those that another one changes along */
	const struct object_ref *ref;
	bool found;
};

static int is_wanted(void *data, const char *knob, const char *key, struct hft_err *err)
{
	struct wanted *w = data;

	(void)err;
	w->found = w->found || (strcmp(knob, w->ref->knob->name) == 0 && strcmp(key, w->ref->key) == 0);
	return 0;
}

/* The entry of a layer that the kernel may have changed an object along with. */
static const struct layer_entry *principal_entry(const struct session *s, const struct layer *l,
                                                 const struct object_ref *ref)
{
	for (size_t i = 0; i < l->n_entries; i++) {
		const struct layer_entry *e = &l->entries[i];
		struct wanted w = {.ref = ref};

		if (!e->na && e->ref.knob->coupled &&
		    e->ref.knob->coupled(&s->ctx, e->ref.key, is_wanted, &w, NULL) == 0 && w.found)
			return e;
	}
	return NULL;
}

bool plan_is_needed(const struct session *s, const struct state *next, const struct object_ref *ref)
{
	for (size_t i = 0; i < next->n_layers; i++) {
		if (layer_in_force(next->layers[i], s->host->boot_id) && principal_entry(s, next->layers[i], ref))
			return true;
	}
	return false;
}

static int leave_residue(struct build *b, const struct layer *from, const struct step *st, struct hft_err *err)
{
	const struct object_ref ref = {st->knob, st->key};
	const struct layer_entry *e = layer_entry(from, st->knob, st->key);
	const struct layer_entry *line = e ? e : principal_entry(b->s, from, &ref);
	const struct state_object *o = state_object(&b->s->state, st->knob, st->key);
	struct layer_entry copy = {.ref = ref, .residue = true};
	struct layer *l;

	if (!line || !o)
		return 0;
	copy.label = e ? e->label : NULL;
	copy.value = e ? e->value : o->applied ? o->applied : o->original;
	if (residue_layer(b, from, &l) < 0 || layer_add_setting(l, &from->settings[line->setting], &copy.setting) < 0 ||
	    layer_add_entry(l, &copy) < 0)
		return err_oom(err);
	return 0;
}

/* A foreign value in the way of taking something out: settles state and write of the step by mode. */
static int meet_foreign(struct build *b, struct step *st, const struct layer *from, struct hft_err *err)
{
	const char *applied = ours(b, st->knob, st->key);

	switch (b->mode) {
	case PLAN_FORCE:
		st->write = true;
		st->state = STEP_RESTORED;
		return 0;
	case PLAN_KEEP_THEIRS:
		st->state = STEP_OK;
		return step_set(&st->reason, "kept as somebody else set it") ? 0 : err_oom(err);
	case PLAN_IMPOSE:
	case PLAN_TAKE_OUT:
		break;
	}
	st->state = STEP_CONFLICT;
	free(st->reason);
	st->reason = str_printf("changed since by somebody else (we left it at %s)", applied ? applied : "?");
	if (!st->reason)
		return err_oom(err);
	return from ? leave_residue(b, from, st, err) : 0;
}

/* --- pass 1: what the new stack holds ------------------------------------------------------------------------------- */

static int set_reason(struct step *st, const char *text, struct hft_err *err)
{
	return step_set(&st->reason, text && *text ? text : NULL) ? 0 : err_oom(err);
}

static void blame_line(struct hft_err *err, const char *where)
{
	if (err && where)
		snprintf(err->where, sizeof(err->where), "%s", where);
}

static int mark_na(struct build *b, const struct layer *l, struct layer_entry *e, const char *why, struct hft_err *err)
{
	struct step *st;
	int r;

	if (l->required) {
		err_raise(err, ERR_NOT_APPLICABLE, ENOENT, e->ref.key, "phase \"%s\" requires it, and %s", l->phase,
		          why);
		blame_line(err, l->settings[e->setting].where);
		return -ENOENT;
	}
	if (!step_set(&e->na, why))
		return err_oom(err);
	r = add_step(b, e->ref.knob, e->ref.key, NULL, e->value, &st, err);
	if (r < 0)
		return r;
	st->state = STEP_NA;
	return describe(st, l, e) ? set_reason(st, why, err) : err_oom(err);
}

/* P1: what may not come back is said, and refused unless the phase accepts it. */
static int check_exact(struct build *b, struct step *st, const struct layer *l, struct hft_err *err)
{
	const char *why = NULL;

	if (st->write && st->before && st->knob->inexact)
		why = st->knob->inexact(&b->s->ctx, st->key, st->before, st->after);
	if (!why)
		return 0;
	st->exact = false;
	if (b->refuse_inexact && !l->accept_inexact) {
		err_raise(err, ERR_REFUSED, EPERM, st->key, "not exactly reversible: %s", why);
		err_values(err, st->after, st->before);
		blame_line(err, st->where);
		err_hint(err, "write `accept = inexact` under [phase %s], if that is acceptable", l->phase);
		return -EPERM;
	}
	return set_reason(st, why, err);
}

/* The original of an object whose parts come and go, as it is for those that are there now. */
static int renew(struct build *b, struct state_object *o, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf original = {0};
	const struct knob *k = o->ref.knob;
	int r = k->renew(&b->s->ctx, o->ref.key, o->original, o->applied ? o->applied : o->original, &original, err);

	if (r == -ENOENT) /* they have all gone just now */
		return 0;
	if (r < 0)
		return r;
	return step_set(&o->original, strbuf_str(&original)) ? 0 : err_oom(err);
}

/* Remember what is there now, unless an earlier layer of this boot did. */
static int capture(struct build *b, const struct knob *k, const char *key, const char *applied, struct hft_err *err)
{
	struct state_object *o = k->renew ? state_object(&b->p->next, k, key) : NULL;
	int r = o && !state_object_is_void(o, boot_id(b)) ? renew(b, o, err) : 0;

	if (r < 0)
		return r;
	o = state_add_object(&b->p->next, k, key, strbuf_str(&b->current), boot_id(b));
	if (!o || (applied && state_object_set_applied(o, applied) < 0))
		return err_oom(err);
	return 0;
}

/* Is the object, whose value is in b->current, as we left it in this boot? *ret_left NULL: it was not ours. */
static int compare_ours(struct build *b, const struct step *st, const char **ret_left, bool *ret, struct hft_err *err)
{
	*ret = false;
	*ret_left = ours(b, st->knob, st->key);
	if (!*ret_left)
		return 0;
	return step_is_ours(&b->s->ctx, st->knob, st->key, strbuf_str(&b->current), *ret_left, ret, err);
}

/* What people should know before it is written. */
static int add_note(struct build *b, struct step *st, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	int r;

	if (!st->knob->note)
		return 0;
	r = st->knob->note(&b->s->ctx, st->key, st->after, &text, err);
	if (r < 0 || !text.len)
		return r;
	if (st->reason)
		strbuf_addf(&text, "; %s", st->reason);
	return text.oom ? err_oom(err) : set_reason(st, strbuf_str(&text), err);
}

static int judge_held(struct build *b, struct step *st, const struct layer *l, struct hft_err *err)
{
	enum knob_verdict_state now;
	const char *left;
	bool untouched;
	int r = judge(b, st->knob, st->key, st->after, &now, err);

	if (r < 0)
		return r;
	if (holds(now)) {
		st->state = now == KNOB_PENDING ? STEP_PENDING : STEP_OK;
		return set_reason(st, strbuf_str(&b->reason), err);
	}
	r = compare_ours(b, st, &left, &untouched, err);
	if (r < 0)
		return r;
	if (left && !untouched && b->mode != PLAN_IMPOSE)
		return meet_foreign(b, st, l, err);
	st->state = left && !untouched ? STEP_DRIFT : STEP_CHANGE;
	st->write = true;
	r = check_exact(b, st, l, err);
	return r < 0 ? r : add_note(b, st, err);
}

static int examine_held(struct build *b, struct layer *l, struct layer_entry *e, const struct layer *was,
                        struct hft_err *err)
{
	const struct engine *engine = b->s->e;
	struct hft_err gone = {0};
	struct step *st;
	int r;

	if (engine->progress)
		engine->progress(engine->data, 0, 0, e->ref.key);
	r = read_current(b, e->ref.knob, e->ref.key, &gone);

	if (r == 0) /* what has not come back yet, may */
		return b->s->wiped ? 0 : mark_na(b, l, e, gone.msg, err);
	if (r < 0) {
		if (err)
			*err = gone;
		return r;
	}
	r = add_step(b, e->ref.knob, e->ref.key, strbuf_str(&b->current), e->value, &st, err);
	if (r < 0)
		return r;
	if (!describe(st, l, e))
		return err_oom(err);
	st->restart = st->restart || (b->mode != PLAN_IMPOSE && was && was->restart);
	/* A conflict below belongs to the layer that is taken out, not to the one that comes to light. */
	r = judge_held(b, st, was && b->mode != PLAN_IMPOSE ? was : l, err);
	if (r < 0 || st->state == STEP_CONFLICT)
		return r;
	return capture(b, e->ref.knob, e->ref.key, e->value, err);
}

/* The layer with the residue of an object that the new stack no longer has; NULL: there is none, or it stays. */
static const struct layer *ended_residue(const struct build *b, const struct object_ref *ref)
{
	if (state_has_residue(&b->p->next, ref->knob, ref->key))
		return NULL;
	for (size_t i = b->s->state.n_layers; i-- > 0;) {
		const struct layer *l = b->s->state.layers[i];
		const struct layer_entry *e = layer_entry(l, ref->knob, ref->key);

		if (e && e->residue && layer_entry_in_force(l, e, boot_id(b)))
			return l;
	}
	return NULL;
}

/* What a layer was applied over is no longer somebody else's. */
static void end_residues(struct build *b)
{
	for (size_t i = 0; i < b->p->n_steps; i++) {
		const struct step *st = &b->p->steps[i];
		const struct layer *l = NULL;

		if (state_top(&b->p->next, boot_id(b), st->knob, st->key, &l) && l->touched)
			state_drop_residue(&b->p->next, &(struct object_ref){st->knob, st->key});
	}
}

/* Is it to be looked at: all that a request has touched, or of that what was wiped alone? */
static bool is_meant(const struct build *b, const struct layer *l, const struct layer_entry *e)
{
	return l->touched && (!b->s->wiped || session_is_wiped(b->s, e->ref.knob, e->ref.key));
}

static int pass_held(struct build *b, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->p->next.n_layers; i++) {
		struct layer *l = b->p->next.layers[i];

		for (size_t k = 0; r == 0 && k < l->n_entries; k++) {
			struct layer_entry *e = &l->entries[k];
			const struct layer *was_layer = NULL, *residue;
			const struct layer_entry *was;

			if (e->na || e->residue || !layer_entry_in_force(l, e, boot_id(b)) ||
			    state_top(&b->p->next, boot_id(b), e->ref.knob, e->ref.key, NULL) != e)
				continue;
			was = state_top(&b->s->state, boot_id(b), e->ref.knob, e->ref.key, &was_layer);
			residue = ended_residue(b, &e->ref);
			if (is_meant(b, l, e) || residue || !was || !str_eq(was->value, e->value))
				r = examine_held(b, l, e, residue ? residue : was_layer, err);
		}
	}
	return r;
}

/* Would all the writes of one knob together be too much? */
static int check_together(struct build *b, const struct knob *k, struct hft_err *err)
{
	CLEANUP(mem_freep) struct knob_change *changes = calloc(b->p->n_steps + 1, sizeof(*changes));
	struct hft_err own = {0};
	size_t n = 0;
	int r;

	if (!changes)
		return err_oom(err);
	for (size_t i = 0; i < b->p->n_steps; i++) {
		const struct step *st = &b->p->steps[i];

		if (st->knob == k && st->write)
			changes[n++] = (struct knob_change){st->key, st->before, st->after};
	}
	r = n > 1 ? k->together(&b->s->ctx, changes, n, &own) : 0;
	if (r < 0) {
		const struct step *st = find_step(b, k, own.subject);

		blame_line(&own, st ? st->where : NULL);
		if (err)
			*err = own;
	}
	return r;
}

static int pass_together(struct build *b, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && b->mode == PLAN_IMPOSE && i < n_knobs; i++) {
		if (knobs[i]->together)
			r = check_together(b, knobs[i], err);
	}
	return r;
}

/* --- pass 2: what it no longer holds -------------------------------------------------------------------------------- */

static int add_needed(void *data, const char *knob, const char *key, struct hft_err *err)
{
	struct strlist *needed = data;

	return strlist_take(needed, str_printf("%s:%s", knob, key)) < 0 ? err_oom(err) : 0;
}

/* The objects that held ones may change: they keep their originals as long as those are held. */
static int list_needed(struct build *b, struct strlist *ret, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->p->next.n_layers; i++) {
		const struct layer *l = b->p->next.layers[i];

		for (size_t k = 0; r == 0 && k < l->n_entries; k++) {
			const struct layer_entry *e = &l->entries[k];

			if (!e->na && e->ref.knob->coupled && layer_in_force(l, boot_id(b)))
				r = e->ref.knob->coupled(&b->s->ctx, e->ref.key, add_needed, ret, err);
		}
	}
	return r;
}

/* The layer that a released object belonged to, or that it was changed along with; the top one of the state before. */
static const struct layer *former_layer(const struct build *b, const struct object_ref *ref)
{
	const struct layer *l = NULL;

	if (state_top(&b->s->state, boot_id(b), ref->knob, ref->key, &l))
		return l;
	for (size_t i = b->s->state.n_layers; i-- > 0;) {
		const struct layer_entry *e = layer_entry(b->s->state.layers[i], ref->knob, ref->key);

		l = b->s->state.layers[i];
		if (e && layer_entry_in_force(l, e, boot_id(b)))
			return l;
	}
	for (size_t i = b->s->state.n_layers; i-- > 0;) {
		l = b->s->state.layers[i];
		if (layer_in_force(l, boot_id(b)) && principal_entry(b->s, l, ref))
			return l;
	}
	return NULL;
}

static int judge_released(struct build *b, struct step *st, const struct layer *from, const char *original,
                          struct hft_err *err)
{
	enum knob_verdict_state now;
	const char *left;
	bool untouched;
	int r = judge(b, st->knob, st->key, original, &now, err);

	if (r < 0)
		return r;
	st->state = STEP_RESTORED;
	/* A file that is as it was needs no write, though the kernel may still run with what it was. */
	if (now == KNOB_OK || (now == KNOB_PENDING && st->knob->persistent))
		return 0;
	r = compare_ours(b, st, &left, &untouched, err);
	if (r < 0)
		return r;
	/* What somebody put back by hand, or a driver when its CPU came online, has yet to take effect. */
	if (!untouched && !str_eq(strbuf_str(&b->current), original))
		return meet_foreign(b, st, from, err);
	st->write = true;
	return 0;
}

/*
 * Gone since it was set, as interrupts go with the channels of their device, and may come back with this plan. Where nothing
 * is taken out its original is kept until then. A layer that names it still says so itself.
 */
static int release_gone(struct build *b, const struct state_object *o, const char *why, struct hft_err *err)
{
	struct step *st;
	int r;

	if (b->mode != PLAN_IMPOSE)
		state_drop_object(&b->p->next, o->ref.knob, o->ref.key);
	for (size_t i = 0; i < b->p->next.n_layers; i++) {
		if (layer_entry(b->p->next.layers[i], o->ref.knob, o->ref.key))
			return 0;
	}
	r = add_step(b, o->ref.knob, o->ref.key, NULL, o->original, &st, err);
	if (r < 0)
		return r;
	st->state = STEP_NA;
	st->settle = st->waits = true;
	return set_reason(st, why, err);
}

/* It may come back with its CPU, and that with this plan; the original is kept until then. */
static int release_away(struct build *b, const struct state_object *o, const struct layer *from, const char *why,
                        struct hft_err *err)
{
	struct step *st;
	int r = add_step(b, o->ref.knob, o->ref.key, NULL, o->original, &st, err);

	if (r < 0)
		return r;
	st->state = STEP_NA;
	st->settle = st->waits = true;
	if (from && !describe(st, from, layer_entry(from, o->ref.knob, o->ref.key)))
		return err_oom(err);
	return set_reason(st, why, err);
}

static int release(struct build *b, const struct state_object *o, struct hft_err *err)
{
	const struct layer *from = former_layer(b, &o->ref);
	struct hft_err gone = {0};
	struct step *st;
	int r = read_current(b, o->ref.knob, o->ref.key, &gone);

	if (r < 0) {
		if (err)
			*err = gone;
		return r;
	}
	if (r == 0 && gone.sys == EBUSY)
		return release_away(b, o, from, gone.msg, err);
	if (r == 0)
		return release_gone(b, o, gone.msg, err);
	r = add_step(b, o->ref.knob, o->ref.key, strbuf_str(&b->current), o->original, &st, err);
	if (r < 0)
		return r;
	st->coupled = !from || !layer_entry(from, o->ref.knob, o->ref.key);
	if (from && !describe(st, from, layer_entry(from, o->ref.knob, o->ref.key)))
		return err_oom(err);
	r = judge_released(b, st, from, o->original, err);
	if (r == 0 && st->state != STEP_CONFLICT)
		state_drop_object(&b->p->next, o->ref.knob, o->ref.key);
	return r;
}

static int pass_released(struct build *b, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist needed = {0};
	bool listed = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->s->state.n_objects; i++) {
		const struct state_object *o = &b->s->state.objects[i];
		CLEANUP(mem_freep) char *name = NULL;

		if (state_object_is_void(o, boot_id(b)) ||
		    state_top(&b->p->next, boot_id(b), o->ref.knob, o->ref.key, NULL) ||
		    state_has_residue(&b->p->next, o->ref.knob, o->ref.key))
			continue;
		if (!listed)
			r = list_needed(b, &needed, err);
		listed = true;
		name = str_printf("%s:%s", o->ref.knob->name, o->ref.key);
		if (r == 0 && !name)
			r = err_oom(err);
		if (r == 0 && !strlist_has(&needed, name))
			r = release(b, o, err);
	}
	return r;
}

/* --- pass 3: what the kernel may change along with it -------------------------------------------------------------- */

struct couple {
	struct build *b;
	size_t principal;
};

/* A line that no layer owns stands where the one stands that brought it in. */
static int place_beside(struct build *b, size_t principal, struct step *st, struct hft_err *err)
{
	const struct step *by = &b->p->steps[principal];

	st->order = by->order;
	return step_set(&st->profile, by->profile) && step_set(&st->phase, by->phase) ? 0 : err_oom(err);
}

/* A step for an object that nobody asked for, or that a layer at rest holds. */
static int add_companion(struct build *b, size_t principal, const struct knob *k, const char *key, struct hft_err *err)
{
	const struct layer *l = NULL;
	const struct layer_entry *e = state_top(&b->p->next, boot_id(b), k, key, &l);
	enum knob_verdict_state now = KNOB_DRIFT;
	struct step *st;
	int r = read_current(b, k, key, NULL);

	if (r <= 0)
		return 0; /* what cannot be read cannot be put back; the principal is judged by itself */
	if (e)
		r = judge(b, k, key, e->value, &now, err);
	if (r < 0)
		return r;
	r = add_step(b, k, key, strbuf_str(&b->current), e && holds(now) ? e->value : NULL, &st, err);
	if (r < 0)
		return r;
	st->settle = true;
	st->coupled = true;
	if (e)
		return describe(st, l, e) ? 0 : err_oom(err);
	r = place_beside(b, principal, st, err);
	return r < 0 ? r : capture(b, k, key, NULL, err);
}

static int add_coupled(void *data, const char *knob, const char *key, struct hft_err *err)
{
	struct couple *c = data;
	const struct knob *k = knob_find(knob);
	struct step *there = k ? find_step(c->b, k, key) : NULL;

	if (!k)
		return err_raise(err, ERR_INVALID_ARGUMENT, 0, knob, "a row names a coupled knob that does not exist");
	c->b->p->steps[c->principal].settle = true;
	if (there) {
		there->settle = true;
		return there->profile ? 0 : place_beside(c->b, c->principal, there, err);
	}
	return add_companion(c->b, c->principal, k, key, err);
}

static void settle_all(struct plan *p)
{
	for (size_t i = 0; i < p->n_steps; i++)
		p->steps[i].settle = true;
}

static int pass_coupled(struct build *b, struct hft_err *err)
{
	size_t n = b->p->n_steps;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct knob *k = b->p->steps[i].knob;
		CLEANUP(mem_freep) char *key = NULL; /* the array may move */

		if (!b->p->steps[i].write || !k->coupled)
			continue;
		if (k->hotplugs) /* CPUs that come and go may change anything */
			settle_all(b->p);
		key = strdup(b->p->steps[i].key);
		if (!key)
			return err_oom(err);
		r = k->coupled(&b->s->ctx, key, add_coupled, &(struct couple){b, i}, err);
	}
	return r;
}

/* --- order and result ------------------------------------------------------------------------------------------------ */

static int order_in_knob(const struct step *st)
{
	return st->knob->order ? st->knob->order(st->key) : 0;
}

static int compare_steps(const void *va, const void *vb)
{
	const struct step *a = va, *b = vb;
	int ra = knob_rank(a->knob), rb = knob_rank(b->knob);

	if (ra != rb)
		return ra < rb ? -1 : 1;
	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

/* By rank; for taking out, the reverse. */
static void sort_steps(struct plan *p, bool reverse)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		p->steps[i].sequence = i;
		p->steps[i].place = order_in_knob(&p->steps[i]); /* looks the key up: not for every comparison */
	}
	if (p->n_steps > 0) /* qsort(3) takes no NULL */
		qsort(p->steps, p->n_steps, sizeof(*p->steps), compare_steps);
	for (size_t i = 0; reverse && i < p->n_steps / 2; i++) {
		struct step tmp = p->steps[i];

		p->steps[i] = p->steps[p->n_steps - 1 - i];
		p->steps[p->n_steps - 1 - i] = tmp;
	}
}

static bool same_layers(const struct state *a, const struct state *b)
{
	if (a->n_layers != b->n_layers)
		return false;
	for (size_t i = 0; i < a->n_layers; i++) {
		if (!str_eq(a->layers[i]->profile, b->layers[i]->profile) ||
		    !str_eq(a->layers[i]->phase, b->layers[i]->phase) || !layer_same(a->layers[i], b->layers[i]))
			return false;
	}
	return true;
}

int plan_build(const struct session *s, struct state *take_next, enum plan_mode mode, bool refuse_inexact,
               struct plan *ret, struct hft_err *err)
{
	struct build b = {.s = s, .p = ret, .mode = mode, .refuse_inexact = refuse_inexact};
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->next = *take_next;
	state_init(take_next);
	state_drop_old_boots(&ret->next, s->host->boot_id);
	/* What is taken out, or back, is nobody's wish: it is not to be refused. */
	r = mode == PLAN_IMPOSE ? sense_check(s, &ret->next, err) : 0;
	if (r == 0 && mode == PLAN_IMPOSE)
		r = conflicts_settle(s, &ret->next, &ret->warning, err);
	if (r == 0)
		r = pass_held(&b, err);
	if (r == 0)
		r = pass_together(&b, err);
	if (r == 0)
		end_residues(&b);
	if (r == 0)
		r = pass_released(&b, err);
	if (r == 0)
		r = pass_coupled(&b, err);
	object_index_done(&b.steps);
	strbuf_done(&b.current);
	strbuf_done(&b.reason);
	if (r < 0) {
		plan_done(ret);
		return r;
	}
	if (mode == PLAN_IMPOSE)
		conflicts_mark(ret);
	state_sweep(&ret->next);
	sort_steps(ret, mode != PLAN_IMPOSE);
	for (size_t i = 0; i < ret->n_steps; i++)
		ret->n_writes += ret->steps[i].write;
	ret->changed = !same_layers(&s->state, &ret->next) || ret->next.n_objects != s->state.n_objects;
	return 0;
}
