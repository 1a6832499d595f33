/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One transaction: journal first, then each write with its proof, then the objects that writes may have changed for
 * each other (settling), then the commit. Any failure puts back what was begun.
 */
#include "daemon/engine/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/steps.h"
#include "daemon/host/host.h"
#include "daemon/knobs/others.h"
#include "daemon/knobs/systemd.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

/* Coupled objects may need several turns: a limit that was refused before the other limit moved, and the one that this
 * write changed again. Four is one more than the longest chain of knobs.md, section 16 needs. */
#define SETTLE_ROUNDS 4

struct run {
	const struct session *s;
	struct plan *p;
	struct txn *txn;
	struct step **steps; /* the journalled ones, in order; borrowed from the plan */
	size_t n;
	int64_t last_done;   /* a "done" not yet appended, -1 none */
	bool state_changed;  /* the prepared state is not what came out */
	const struct hft_err *cause; /* of the undo; NULL: an earlier run failed */
	struct strbuf current, reason;
	struct strlist down; /* units that a restart did not bring back */
};

static const char *step_name(const struct step *st, char *buf, size_t size)
{
	snprintf(buf, size, "%s %s", st->knob->name, st->key);
	return buf;
}

static void report(const struct run *run, size_t i, const struct step *st)
{
	char name[192];

	if (run->s->e->progress)
		run->s->e->progress(run->s->e->data, i, run->n, st ? step_name(st, name, sizeof(name)) : "");
}

/* --- one object --------------------------------------------------------------------------------------------------------- */

/* Refusals that may pass once another object has moved: a limit, a governor, a twin. */
static bool may_pass_later(int r)
{
	return r == -EINVAL || r == -EBUSY || r == -ERANGE;
}

/* Does it hold `wanted` now? 1 yes, 0 no (run->current holds what was found), -ENOENT gone, negative otherwise. */
static int check(struct run *run, const struct step *st, const char *wanted, enum knob_verdict_state *ret,
                 struct hft_err *err)
{
	struct hft_err own;
	int r = st->knob->read(&run->s->ctx, st->key, &run->current, err ? err : (err = &own));

	if (r < 0)
		return strcmp(err->code, ERR_NOT_APPLICABLE) == 0 ? -ENOENT : r;
	if (run->current.oom)
		return err_oom(err);
	r = step_judge(&run->s->ctx, st->knob, st->key, strbuf_str(&run->current), wanted, ret, &run->reason, err);
	if (r < 0)
		return r;
	return *ret == KNOB_OK || *ret == KNOB_PENDING;
}

static int not_in_effect(const struct run *run, const struct step *st, const char *wanted, struct hft_err *err)
{
	char name[192];

	err_raise(err, ERR_NOT_IN_EFFECT, 0, step_name(st, name, sizeof(name)),
	          "was written, and reads back otherwise%s%s", run->reason.len ? ": " : "",
	          strbuf_str(&run->reason));
	err_values(err, wanted, strbuf_str(&run->current));
	return -EREMOTEIO;
}

static void blame_line(const struct step *st, struct hft_err *err)
{
	if (st->where && !err->where[0])
		snprintf(err->where, sizeof(err->where), "%s", st->where);
}

/* Name object, wanted and found in what a knob's write raised. */
static void blame_step(const struct step *st, const char *wanted, struct hft_err *err)
{
	char name[192];

	snprintf(err->subject, sizeof(err->subject), "%s", step_name(st, name, sizeof(name)));
	if (!err->wanted[0])
		snprintf(err->wanted, sizeof(err->wanted), "%s", wanted);
	if (!err->found[0] && st->before)
		snprintf(err->found, sizeof(err->found), "%s", st->before);
	blame_line(st, err);
}

static int note_found(struct run *run, struct step *st, enum knob_verdict_state v, struct hft_err *err)
{
	struct state_object *o = state_object(&run->p->next, st->knob, st->key);

	if (v == KNOB_OK && st->state == STEP_PENDING) { /* what it waited for came with another step */
		st->state = st->settled;
		step_set(&st->reason, NULL);
	}
	if (v == KNOB_PENDING) {
		if (st->state != STEP_PENDING)
			st->settled = st->state;
		st->state = STEP_PENDING;
		if (!step_set(&st->reason, strbuf_str(&run->reason)))
			return err_oom(err);
	}
	/* What the kernel made of the value (rounding) is ours too. */
	if (o && !str_eq(o->applied, strbuf_str(&run->current))) {
		if (state_object_set_applied(o, strbuf_str(&run->current)) < 0)
			return err_oom(err);
		run->state_changed = true;
	}
	return 0;
}

/*
 * A managed interrupt shows itself only when written: the layer records that, and goes on. What has gone meanwhile, with its
 * CPU or its channel, may come back with that, can be seen then, and keeps its original until then.
 */
static int turn_na(struct run *run, struct step *st, struct hft_err *why)
{
	bool set = step_set(&st->reason, why->msg), away = why->sys == ENOENT || why->sys == EBUSY;

	st->state = STEP_NA;
	st->waits = false;
	for (size_t i = 0; set && i < run->p->next.n_layers; i++) {
		struct layer_entry *e = layer_entry(run->p->next.layers[i], st->knob, st->key);

		if (e && run->p->next.layers[i]->required)
			return -EPERM;
		set = !e || step_set(&e->na, why->msg);
		if (e)
			e->refused = !away;
	}
	if (!away)
		state_drop_object(&run->p->next, st->knob, st->key);
	run->state_changed = true;
	return set ? 0 : err_oom(why);
}

/* 0: it holds what was written; -EREMOTEIO: it does not; other negatives: it cannot be read. */
static int prove(struct run *run, struct step *st, const char *wanted, struct hft_err *err)
{
	enum knob_verdict_state v = KNOB_DRIFT;
	int r = check(run, st, wanted, &v, err);

	if (r == 1)
		return note_found(run, st, v, err);
	if (r == 0)
		r = not_in_effect(run, st, wanted, err);
	blame_step(st, wanted, err);
	return r;
}

struct beat {
	const struct run *run;
	size_t i;
};

static void on_alive(void *data)
{
	const struct beat *b = data;

	report(b->run, b->i, b->run->steps[b->i]);
}

/* A context with which what takes longer than a step may (stopping a unit, update-grub) says that it gets on. */
static struct knob_ctx patient(const struct run *run, struct beat *b)
{
	struct knob_ctx c = run->s->ctx;

	c.alive = on_alive;
	c.alive_data = b;
	return c;
}

/*
 * Write and prove one object. 0: it holds; -EAGAIN: not yet, settle later (*err says why); other negatives: failed.
 * Where a write takes effect only with take_effect(), the proof comes after that.
 */
static int write_step(struct run *run, size_t i, const char *wanted, struct hft_err *err)
{
	struct step *st = run->steps[i];
	struct beat b = {run, i};
	struct knob_ctx c = patient(run, &b);
	int r = st->knob->write(&c, st->key, wanted, err);

	if (r < 0 && strcmp(err->code, ERR_NOT_APPLICABLE) == 0)
		return turn_na(run, st, err);
	if (r < 0) {
		blame_step(st, wanted, err);
		if (!may_pass_later(r))
			return r;
		st->settle = true;
		return -EAGAIN;
	}
	if (st->knob->take_effect)
		return 0;
	r = prove(run, st, wanted, err);
	return r == -EREMOTEIO && st->settle ? -EAGAIN : r;
}

/* --- settling ------------------------------------------------------------------------------------------------------------ */

struct refusal { /* the last one of a round */
	size_t step;
	struct hft_err err;
};

static bool is_settled(const struct step *st, const char *wanted)
{
	return !st->settle || !wanted || st->state == STEP_CONFLICT || (st->state == STEP_NA && !st->waits);
}

/* One turn over the objects that depend on each other: 1 when all hold, 0 when something had to be written. */
static int settle_round(struct run *run, bool undo, struct refusal *last, struct hft_err *err)
{
	int all = 1;

	last->err.code = NULL;
	for (size_t i = 0; i < run->n; i++) {
		struct step *st = run->steps[i];
		const char *wanted = undo ? st->before : st->after;
		struct hft_err own = {0};
		enum knob_verdict_state v;
		int r;

		if (is_settled(st, wanted))
			continue;
		r = check(run, st, wanted, &v, &own);
		if (r == 1 && st->state == STEP_PENDING)
			r = note_found(run, st, v, &own);
		else if (r == 0) {
			all = 0;
			report(run, i, st);
			r = write_step(run, i, wanted, &own);
			if (r == -EAGAIN)
				*last = (struct refusal){i, own};
		}
		if (r >= 0 || r == -EAGAIN || r == -ENOENT)
			continue;
		*last = (struct refusal){i, own};
		*err = own;
		if (!undo)
			return r;
		all = 0; /* the others go back all the same */
	}
	return all;
}

/* After the last round: the first object that does not hold, and why. 0: all do. */
static int settle_verdict(struct run *run, bool undo, const struct refusal *last, size_t *ret_failed,
                          struct hft_err *err)
{
	for (size_t i = 0; i < run->n; i++) {
		const struct step *st = run->steps[i];
		const char *wanted = undo ? st->before : st->after;
		enum knob_verdict_state v;
		int r = is_settled(st, wanted) ? 1 : check(run, st, wanted, &v, err);

		if (r == 1 || r == -ENOENT)
			continue;
		*ret_failed = i;
		if (r == 0)
			r = not_in_effect(run, st, wanted, err);
		blame_step(st, wanted, err);
		if (last->err.code && last->step == i)
			*err = last->err;
		return r;
	}
	return 0;
}

/* 0: all hold. A refusal in a round is no failure, what is left after the last one is; *ret_failed is its step. */
static int settle(struct run *run, bool undo, size_t *ret_failed, struct hft_err *err)
{
	struct refusal last = {0};
	int r = 0;

	for (int round = 0; round < SETTLE_ROUNDS && r == 0; round++)
		r = settle_round(run, undo, &last, err);
	if (r < 0)
		*ret_failed = last.step;
	return r == 0 ? settle_verdict(run, undo, &last, ret_failed, err) : r < 0 ? r : 0;
}

/* --- forward -------------------------------------------------------------------------------------------------------------- */

static int flush_done(struct run *run, int64_t next, struct hft_err *err)
{
	int r;

	if (run->last_done < 0 && next < 0)
		return 0;
	r = txn_progress(run->txn, run->last_done, NULL, next, err);
	run->last_done = -1;
	return r;
}

/* The steps of one knob stand together: where they end. */
static size_t end_of_knob(const struct run *run, size_t from)
{
	size_t to = from + 1;

	while (to < run->n && run->steps[to]->knob == run->steps[from]->knob)
		to++;
	return to;
}

/* It may take longer than a step may, and says so all along. */
static int call_take_effect(const struct run *run, size_t i, struct hft_err *err)
{
	struct beat b = {run, i};
	struct knob_ctx c = patient(run, &b);

	on_alive(&b);
	return run->steps[i]->knob->take_effect(&c, err);
}

/* What was written takes effect, and is proven. Only then is it recorded as done. */
static int take_effect(struct run *run, size_t from, size_t to, size_t *ret_failed, struct hft_err *err)
{
	const struct knob *k = run->steps[from]->knob;
	int r = 0;

	while (from < to && (!run->steps[from]->write || run->steps[from]->done))
		from++;
	if (!k->take_effect || from == to)
		return 0;
	*ret_failed = from;
	r = call_take_effect(run, from, err);
	for (size_t i = from; r == 0 && i < to; i++) {
		struct step *st = run->steps[i];

		if (!st->write || st->done)
			continue;
		*ret_failed = i;
		r = prove(run, st, st->after, err);
		if (r == 0)
			r = txn_progress(run->txn, (int64_t)i, NULL, -1, err);
		st->done = r == 0;
	}
	return r;
}

/* --- restarts ------------------------------------------------------------------------------------------------------------ */

static bool names_unit(const struct step *st, char ret_unit[static KNOB_UNIT_MAX])
{
	return st->knob->restarts && st->knob->restarts(st->key, ret_unit);
}

/* Does it hold but for a restart that its phase allows? */
static bool is_waiting(const struct step *st)
{
	char unit[KNOB_UNIT_MAX];

	return st->state == STEP_PENDING && st->restart && names_unit(st, unit);
}

/* It ran before, and a restart that was cut short has left it stopped. */
static bool has_stopped(const struct run *run, const struct step *st)
{
	char unit[KNOB_UNIT_MAX];

	return st->ran && names_unit(st, unit) && !other_is_active(&run->s->ctx, unit);
}

static bool waits_for_restart(struct run *run, const struct step *st, bool undo)
{
	enum knob_verdict_state v;
	struct hft_err err = {0};

	if (!undo)
		return is_waiting(st);
	if (has_stopped(run, st))
		return true;
	return st->started && st->restart && st->before && check(run, st, st->before, &v, &err) == 1 && v == KNOB_PENDING;
}

static int restart_unit(struct run *run, size_t i, const char *unit, struct hft_err *err)
{
	int (*restart)(const struct knob_ctx *c, const char *unit, struct hft_err *err) = run->s->e->restart;
	struct knob_ctx c = run->s->ctx;
	struct beat b = {run, i};
	int r;

	if (!restart && c.copied)
		return 0;
	c.alive = on_alive;
	c.alive_data = &b;
	on_alive(&b);
	r = restart ? restart(&c, unit, err) : systemd_restart(&c, unit, err);
	if (r < 0 && !strlist_has(&run->down, unit) && strlist_add(&run->down, unit) < 0)
		return err_oom(err);
	return r;
}

/* The step of the topmost phase that waits for the unit of step i: what a failure to start is put down to first. */
static size_t suspect(const struct run *run, size_t i, const char *unit)
{
	char other[KNOB_UNIT_MAX];

	for (size_t k = i + 1; k < run->n; k++) {
		if (is_waiting(run->steps[k]) && names_unit(run->steps[k], other) && strcmp(other, unit) == 0 &&
		    run->steps[k]->order > run->steps[i]->order)
			i = k;
	}
	return i;
}

/* Each unit that a step waits for, once; and again one that did not come back before. *ret_units: those restarted. */
static int restart_units(struct run *run, bool undo, struct strlist *ret_units, size_t *ret_failed, struct hft_err *err)
{
	char unit[KNOB_UNIT_MAX];

	for (size_t i = 0; i < run->n; i++) {
		int r;

		if (!names_unit(run->steps[i], unit) || strlist_has(ret_units, unit) ||
		    (!strlist_has(&run->down, unit) && !waits_for_restart(run, run->steps[i], undo)))
			continue;
		*ret_failed = suspect(run, i, unit);
		r = strlist_add(ret_units, unit) < 0 ? err_oom(err) : restart_unit(run, i, unit, err);
		if (r < 0 && !undo) {
			blame_line(run->steps[*ret_failed], err);
			return r;
		}
		if (r < 0) /* it ran before */
			run->steps[i]->state = STEP_FAILED;
	}
	return 0;
}

/* What held may not hold any more. */
static int judge_again(struct run *run, struct step *st, struct hft_err *err)
{
	enum knob_verdict_state v;
	int r = st->write || !st->after ? 1 : step_judge(&run->s->ctx, st->knob, st->key, strbuf_str(&run->current), st->after, &v, NULL, err);

	if (r == 0)
		st->write = v == KNOB_DRIFT;
	return r < 0 ? r : 0;
}

/* Is it wiped by the start of one of these units? */
static bool follows(const struct step *st, const struct strlist *units)
{
	char text[KNOB_WIPED_MAX];
	const char *by = st->knob->wiped_by ? st->knob->wiped_by(st->key, text) : NULL;

	return by && str_starts(by, KNOB_WIPED_BY_UNIT) && strlist_has(units, by + strlen(KNOB_WIPED_BY_UNIT));
}

/* What a unit has given to threads that it was started with is their original; of what they had that went, nothing is left. */
static int renew_original(struct run *run, const struct step *st, struct state_object *o, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf original = {0};
	const char *applied = o->applied ? o->applied : o->original;

	if (!st->knob->renew || st->knob->renew(&run->s->ctx, st->key, o->original, applied, &original, NULL) < 0)
		return 0;
	run->state_changed = true;
	return step_set(&o->original, strbuf_str(&original)) ? 0 : err_oom(err);
}

/* Threads that held what they shall have are others now. Where no layer sets them any more there is nothing to put back, now
 * or at the end: they have what their unit gives them. */
static int judge_followers(struct run *run, size_t from, const struct strlist *units, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->n; i++) {
		struct step *st = run->steps[i];
		struct state_object *o = state_object(&run->p->next, st->knob, st->key);

		if (!follows(st, units))
			continue;
		if (!o) {
			st->settle = false;
			st->write = st->write && i < from;
		} else if (i >= from && !st->done) {
			r = renew_original(run, st, o, err);
			if (r == 0 && st->knob->read(&run->s->ctx, st->key, &run->current, NULL) == 0)
				r = judge_again(run, st, err);
		}
	}
	return r;
}

/* Once the last of the knobs that need it has written: what acts on the running service comes after that. */
static int restart(struct run *run, size_t to, size_t *ret_failed, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist units = {0};
	char unit[KNOB_UNIT_MAX];
	int r;

	if (!run->steps[to - 1]->knob->restarts || (to < run->n && run->steps[to]->knob->restarts))
		return 0;
	r = flush_done(run, -1, err);
	if (r == 0)
		r = restart_units(run, false, &units, ret_failed, err);
	for (size_t i = 0; r == 0 && i < to; i++) {
		struct step *st = run->steps[i];

		if (!st->knob->restarts || !(st->done || is_waiting(st)) ||
		    !(st->state == STEP_PENDING || (names_unit(st, unit) && strlist_has(&units, unit))))
			continue;
		*ret_failed = i;
		r = prove(run, st, st->after, err);
	}
	return r < 0 ? r : judge_followers(run, to, &units, err);
}

/* The services run with what they had before. */
static void undo_restart(struct run *run, size_t from)
{
	CLEANUP(strlist_done) struct strlist units = {0};
	struct hft_err err = {0};
	size_t at;

	if (!run->steps[from]->knob->restarts || (from > 0 && run->steps[from - 1]->knob->restarts))
		return;
	restart_units(run, true, &units, &at, &err);
}

/* --- forward, all of it --------------------------------------------------------------------------------------------------- */

/* A setting of a layer; on a file system that is read-only (the /sys of a container) it is one that this host lacks. What
 * has to be put back, and a file that has to last, fail there. */
static bool is_asked_for(const struct run *run, const struct step *st)
{
	return !st->knob->persistent && state_top(&run->p->next, run->s->host->boot_id, st->knob, st->key, NULL);
}

/*
 * A tool that was stopped has put back what it had set: what is there now, and not what it had made of it, is the original
 * of what was captured in this transaction. A journal cut short says the other; then the tool runs again as well.
 */
static int read_again(struct run *run, size_t from, struct hft_err *err)
{
	const char *boot_id = run->s->host->boot_id;
	int r = 0;

	for (size_t i = from; r == 0 && i < run->n; i++) {
		struct step *st = run->steps[i];
		struct state_object *o = state_object(&run->p->next, st->knob, st->key);
		const struct state_object *was = state_object(&run->s->state, st->knob, st->key);

		if (!st->read_again || st->done || st->knob->read(&run->s->ctx, st->key, &run->current, NULL) < 0 ||
		    str_eq(strbuf_str(&run->current), st->before))
			continue;
		if (!step_set(&st->before, strbuf_str(&run->current)) ||
		    (o && (!was || state_object_is_void(was, boot_id)) && !step_set(&o->original, st->before)))
			return err_oom(err);
		run->state_changed = true;
		r = judge_again(run, st, err);
	}
	return r;
}

static bool is_upset(const struct run *run, size_t from, size_t to)
{
	for (; from < to; from++) {
		if (run->steps[from]->upsets && run->steps[from]->done)
			return true;
	}
	return false;
}

static int write_some(struct run *run, size_t from, size_t to, size_t *ret_failed, struct hft_err *err)
{
	for (size_t i = from; i < to; i++) {
		struct step *st = run->steps[i];
		struct hft_err own = {0};
		int r;

		if (!st->write || st->done)
			continue;
		*ret_failed = i;
		report(run, i, st);
		r = flush_done(run, (int64_t)i, err);
		if (r < 0)
			return r;
		st->started = true;
		r = write_step(run, i, st->after, &own);
		if (r == -EROFS && is_asked_for(run, st))
			r = turn_na(run, st, &own);
		if (r < 0 && r != -EAGAIN) {
			*err = own;
			return r;
		}
		if (st->knob->take_effect)
			continue;
		st->done = true;
		run->last_done = (int64_t)i;
	}
	return 0;
}

/* *ret_failed: the step that failed, for `keep`. */
static int write_all(struct run *run, size_t *ret_failed, struct hft_err *err)
{
	for (size_t from = 0, to; from < run->n; from = to) {
		int r;

		to = end_of_knob(run, from);
		r = write_some(run, from, to, ret_failed, err);
		if (r == 0)
			r = take_effect(run, from, to, ret_failed, err);
		if (r == 0 && is_upset(run, from, to))
			r = read_again(run, to, err);
		if (r == 0)
			r = restart(run, to, ret_failed, err);
		if (r < 0)
			return r;
	}
	*ret_failed = run->n;
	return flush_done(run, -1, err);
}

/* What coupled objects came to is recorded as ours, so that rollback knows it from a stranger's value. */
static int note_companions(struct run *run, struct hft_err *err)
{
	for (size_t i = 0; i < run->n; i++) {
		struct step *st = run->steps[i];

		if (!st->coupled || st->after)
			continue;
		if (st->knob->read(&run->s->ctx, st->key, &run->current, NULL) < 0)
			continue;
		if (note_found(run, st, KNOB_OK, err) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The originals that waited are in place when what they are of came back with this transaction; else they wait on. */
static void release_waiting(struct run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		struct step *st = run->steps[i];
		struct hft_err err = {0};
		enum knob_verdict_state v;

		if (!st->waits)
			continue;
		st->state = check(run, st, st->after, &v, &err) == 1 ? STEP_RESTORED : STEP_NA;
		if (st->state != STEP_RESTORED)
			continue;
		state_drop_object(&run->p->next, st->knob, st->key);
		step_set(&st->reason, NULL);
		run->state_changed = true;
	}
}

/* --- back ------------------------------------------------------------------------------------------------------------------- */

static int name_object(struct json *list, const struct step *st)
{
	char name[192];

	return json_add_string(list, step_name(st, name, sizeof(name)));
}

/* 1: back (or nothing to do), 0: not. */
static int restore_one(struct run *run, size_t i, enum undo_policy policy)
{
	struct step *st = run->steps[i];
	struct hft_err err = {0};
	enum knob_verdict_state v;
	bool ours = false;
	int r = check(run, st, st->before, &v, &err);

	/* A write that was cut short may have left something beside the file; the next one for it clears that away. */
	if (r == -ENOENT || (r == 1 && v == KNOB_OK && !st->knob->persistent))
		return 1;
	/* Nor does it matter there whether what runs has taken it up again. */
	if (r == 1 && st->knob->persistent && st->done && (v == KNOB_OK || str_eq(strbuf_str(&run->current), st->before)))
		return 1;
	if (r < 0)
		return 0;
	/* Only a step that was proven can have been changed by somebody else since. */
	if (policy != UNDO_FORCE && st->done && !st->settle && st->after &&
	    (step_is_ours(&run->s->ctx, st->knob, st->key, strbuf_str(&run->current), st->after, &ours, &err) < 0 ||
	     !ours))
		return policy == UNDO_KEEP_THEIRS;
	st->write = true;
	r = write_step(run, i, st->before, &err);
	return r == 0 || r == -EAGAIN;
}

/* What was written back takes effect now, and is judged by that. */
static void undo_take_effect(struct run *run, size_t from, size_t to)
{
	struct hft_err err = {0};
	enum knob_verdict_state v;

	while (from < to && !run->steps[from]->write)
		from++;
	if (from == to)
		return;
	call_take_effect(run, from, &err); /* what came of it is seen below */
	for (size_t i = from; i < to; i++) {
		struct step *st = run->steps[i];

		if (st->write && check(run, st, st->before, &v, &err) != 1)
			st->state = STEP_FAILED;
	}
}

/* All steps of one knob, the last first. A step counts as undone when nothing more has to happen for it. */
static void undo_knob(struct run *run, size_t from, size_t to, enum undo_policy policy, int *journal)
{
	bool at_once = !run->steps[from]->knob->take_effect;

	for (size_t i = to; i-- > from;) {
		struct step *st = run->steps[i];

		st->write = false;
		if (!st->started || !st->before)
			continue;
		report(run, i, st);
		st->state = restore_one(run, i, policy) || st->settle ? STEP_RESTORED : STEP_FAILED;
		if (*journal == 0 && at_once)
			*journal = txn_undone(run->txn, (int64_t)i, NULL);
	}
	if (at_once)
		return;
	undo_take_effect(run, from, to);
	for (size_t i = to; i-- > from;) {
		if (*journal == 0 && run->steps[i]->started)
			*journal = txn_undone(run->txn, (int64_t)i, NULL);
	}
}

/* For whoever asks later: `status` and `history`. */
static void record_cause(struct run *run)
{
	const struct hft_err *why = run->cause;

	strbuf_reset(&run->reason);
	if (why && why->subject[0])
		strbuf_addf(&run->reason, "%s: ", why->subject);
	if (why)
		strbuf_add(&run->reason, why->msg);
	if (why && why->wanted[0])
		strbuf_addf(&run->reason, " (wanted %s, found %s)", why->wanted, why->found[0] ? why->found : "nothing");
}

static int begin_undo(struct run *run)
{
	record_cause(run);
	return txn_undoing(run->txn, strbuf_str(&run->reason), NULL);
}

static void undo_steps(struct run *run, enum undo_policy policy)
{
	int journal = begin_undo(run);

	for (size_t to = run->n, from; to > 0; to = from) {
		from = to - 1;
		while (from > 0 && run->steps[from - 1]->knob == run->steps[from]->knob)
			from--;
		undo_knob(run, from, to, policy, &journal);
		undo_restart(run, from);
	}
}

/* Objects that change each other come last: only then can be said which of them are back. */
static void undo_settle(struct run *run)
{
	struct hft_err err = {0};
	size_t failed;

	settle(run, true, &failed, &err);
	for (size_t i = 0; i < run->n; i++) {
		struct step *st = run->steps[i];
		enum knob_verdict_state v;
		int r = st->settle && st->before ? check(run, st, st->before, &v, &err) : 1;

		/* What cannot be read any more is not known to be back. */
		if (r != 1 && r != -ENOENT)
			st->state = STEP_FAILED;
	}
}

static bool is_begun(const struct run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		if (run->steps[i]->started || has_stopped(run, run->steps[i]))
			return true;
	}
	return false;
}

/*
 * Put back what was begun, the last first, and all that it may have changed. *ret_left: names of what is neither.
 * A journal that cannot be written does not keep the host from being put back: only its end counts (close_undo).
 */
static int undo(struct run *run, enum undo_policy policy, struct json *ret_left, struct hft_err *err)
{
	int r = 0;

	if (!is_begun(run))
		return 0;
	for (size_t i = 0; i < run->n; i++) {
		if (run->steps[i]->state == STEP_FAILED) /* to write; whether it can be put back is still to be seen */
			run->steps[i]->state = STEP_RESTORED;
	}
	undo_steps(run, policy);
	undo_settle(run);
	for (size_t i = 0; i < run->n; i++) {
		if (run->steps[i]->state == STEP_FAILED)
			r |= name_object(ret_left, run->steps[i]);
	}
	return r < 0 ? err_oom(err) : 0;
}

/* All is back. When the journal cannot say so, it stays open, and the next change finds nothing to do. */
static int close_undone(struct run *run, struct hft_err *cause)
{
	struct hft_err err = {0};
	int r = txn_abort(run->txn, &err);

	if (r == 0)
		return 0;
	err_context(&err, "undone, but the journal could not say so");
	if (cause->code)
		err_context(cause, "%s", err.msg);
	else
		*cause = err;
	return r;
}

/* *cause: why it had to be undone, with its code; a code of NULL: an earlier run failed. */
static int close_undo(struct run *run, struct json *left, struct hft_err *cause)
{
	struct hft_err err;

	if (!json_size(left))
		return close_undone(run, cause);
	txn_incomplete(run->txn, left, NULL);
	err = *cause;
	err_raise(cause, ERR_NOT_UNDONE, err.sys, json_string(json_first(left), ""),
	          "%zu object%s neither before nor after (%s)", json_size(left), json_size(left) == 1 ? " is" : "s are",
	          err.msg);
	err_values(cause, err.wanted, err.found);
	err_hint(cause, "`hfttune status` names them; `hfttune rollback --force` writes the originals, "
	         "`--keep-theirs` leaves them");
	return -EREMOTEIO;
}

static void say_undone(struct hft_err *err)
{
	size_t n = strlen(err->msg);

	snprintf(err->msg + n, sizeof(err->msg) - n, "; what was begun has been undone");
}

/* After a failure: everything back. Returns the code of the cause, or of an undo that failed too. */
static int back_out(struct run *run, int cause, struct hft_err *err)
{
	CLEANUP(json_freep) struct json *left = json_new_array();
	int r;

	if (!left)
		return err_oom(err);
	run->cause = err;
	r = undo(run, UNDO_FORCE, left, err);
	if (r == 0)
		r = close_undo(run, left, err);
	if (r == 0 && is_begun(run))
		say_undone(err);
	return r < 0 ? r : cause;
}

/* --- the journal's view of a step --------------------------------------------------------------------------------------- */

static struct json *step_to_json(const struct step *st, struct strbuf *b)
{
	strbuf_reset(b);
	json_text_begin(b, '{');
	json_text_string(b, "knob", st->knob->name);
	json_text_string(b, "key", st->key);
	json_text_string(b, "label", st->label);
	json_text_string(b, "before", st->before);
	json_text_string(b, "after", st->after);
	json_text_string(b, "profile", st->profile);
	json_text_string(b, "phase", st->phase);
	if (st->coupled)
		json_text_bool(b, "coupled", true);
	if (st->settle)
		json_text_bool(b, "settle", true);
	if (st->restart)
		json_text_bool(b, "restart", true);
	if (st->ran)
		json_text_bool(b, "ran", true);
	json_text_end(b, '}');
	return b->oom ? NULL : json_new_text(b->s);
}

/* What a restart that is cut short has to be held against. */
static void note_running(struct run *run)
{
	char unit[KNOB_UNIT_MAX];

	for (size_t i = 0; i < run->n; i++) {
		struct step *st = run->steps[i];

		st->ran = st->restart && names_unit(st, unit) && other_is_active(&run->s->ctx, unit);
	}
}

static int begin(struct run *run, const struct run_labels *labels, struct hft_err *err)
{
	const struct host *h = run->s->host;
	CLEANUP(json_freep) struct json *steps = json_new_array();
	CLEANUP(json_freep) struct json *state = state_to_json(&run->p->next);
	int r = 0;

	note_running(run);
	for (size_t i = 0; i < run->n; i++)
		r |= json_add_take(steps, step_to_json(run->steps[i], &run->current));
	if (r < 0 || !steps || !state)
		return err_oom(err);
	return txn_begin(run->s->e->store, &(struct txn_header){
	                                           .kind = labels->kind,
	                                           .profile = labels->profile,
	                                           .boot_id = h->boot_id,
	                                           .machine_id = h->machine_id,
	                                           .warning = run->p->warning,
	                                   }, steps, state, &run->txn, err);
}

static int commit(struct run *run, struct hft_err *err)
{
	CLEANUP(json_freep) struct json *state = NULL;

	if (run->state_changed) {
		state_sweep(&run->p->next);
		state = state_to_json(&run->p->next);
		if (!state)
			return err_oom(err);
	}
	return txn_commit(run->txn, state, err);
}

/* --- keep: what came before the failed phase stands ---------------------------------------------------------------------- */

/* Where the layer that a step is about stands among those that are being applied; -1: it is none of them. That is the
 * one that holds the object now, else the one that held it. */
static long layer_of_step(const struct run *run, const struct step *st)
{
	const struct state *next = &run->p->next;
	const char *boot_id = run->s->host->boot_id;
	const struct layer *top = NULL;

	if (!state_top(next, boot_id, st->knob, st->key, &top))
		state_top(&run->s->state, boot_id, st->knob, st->key, &top);
	for (size_t i = 0; top && i < next->n_layers; i++) {
		const struct layer *l = next->layers[i];

		if (l->touched && str_eq(l->profile, top->profile) && str_eq(l->phase, top->phase))
			return (long)i;
	}
	return -1;
}

static bool is_anything_touched_below(const struct run *run, long at)
{
	for (long i = 0; i < at; i++) {
		if (run->p->next.layers[i]->touched)
			return true;
	}
	return false;
}

/* Put the former layer back, or none, for every touched one from `at` upwards. */
static int drop_phases(struct run *run, long at)
{
	struct state *next = &run->p->next;

	for (long i = (long)next->n_layers - 1; i >= at; i--) {
		const struct layer *l = next->layers[i];
		const struct layer *was = state_layer(&run->s->state, l->profile, l->phase);
		struct layer *copy;

		if (!l->touched)
			continue;
		if (!was) {
			state_remove_layer(next, (size_t)i);
			continue;
		}
		copy = layer_dup(was);
		if (!copy || state_put_layer(next, copy) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The original of an object that is held, or needed, again or still; none for one that is not. */
static int keep_original(struct run *run, const struct step *st, const struct state_object *was, bool wanted)
{
	struct state *next = &run->p->next;
	struct state_object *o = state_object(next, st->knob, st->key);

	if (o)
		o->doomed = !wanted;
	if (o || !wanted)
		return 0;
	o = state_add_object(next, st->knob, st->key, was ? was->original : st->before, run->s->host->boot_id);
	return o && state_object_set_applied(o, was ? was->applied : st->before) == 0 ? 0 : -ENOMEM;
}

/* What a journalled object shall hold now that phases were dropped. */
static int retarget(struct run *run, struct step *st, const char *why)
{
	const struct object_ref ref = {st->knob, st->key};
	const char *boot_id = run->s->host->boot_id;
	const struct layer_entry *e = state_top(&run->p->next, boot_id, st->knob, st->key, NULL);
	const struct state_object *was = state_object(&run->s->state, st->knob, st->key);
	bool needed = plan_is_needed(run->s, &run->p->next, &ref);
	const char *wanted;
	struct state_object *o;
	enum knob_verdict_state v;
	int r;

	if (was && state_object_is_void(was, boot_id))
		was = NULL;
	if (keep_original(run, st, was, e || needed || state_has_residue(&run->p->next, st->knob, st->key)) < 0)
		return -ENOMEM;
	if (st->coupled && !st->after && needed && !e)
		return 0; /* whatever the kernel makes of it */
	wanted = e ? e->value : was ? was->original : st->before;
	if (str_eq(wanted, st->after))
		return 0;
	if (!step_set(&st->after, wanted) || !step_set(&st->reason, why))
		return -ENOMEM;
	st->state = STEP_RESTORED;
	st->done = false;
	r = check(run, st, wanted, &v, NULL);
	st->write = r != 1 && r != -ENOENT;
	o = st->write ? NULL : state_object(&run->p->next, st->knob, st->key);
	return o ? state_object_set_applied(o, wanted) : 0;
}

/*
 * Give up the phase of the failed step and those above it. 1: go on with what is left; 0: nothing would be left, or the
 * step is not one of a phase that is being applied.
 */
static int keep_earlier(struct run *run, size_t failed, struct hft_err *err)
{
	long at = layer_of_step(run, run->steps[failed]);
	struct step *st = run->steps[failed];

	if (at < 0 || !is_anything_touched_below(run, at))
		return 0;
	if (drop_phases(run, at) < 0)
		return err_oom(err);
	for (size_t i = 0; i < run->n; i++) {
		if (retarget(run, run->steps[i], i == failed ? err->msg : "phase not kept") < 0)
			return err_oom(err);
	}
	st->state = STEP_FAILED;
	run->state_changed = true;
	return 1;
}

/* Write everything; with keep, again without the failed phase and those after it, until it holds or nothing is left. */
static int forward(struct run *run, bool keep, struct hft_err *err)
{
	for (;;) {
		size_t failed = run->n;
		int r = write_all(run, &failed, err), kept;

		if (r == 0)
			r = settle(run, false, &failed, err);
		if (r == 0 || !keep || failed >= run->n)
			return r;
		kept = keep_earlier(run, failed, err);
		if (kept <= 0)
			return kept < 0 ? kept : r;
	}
}

/* --- the transaction ------------------------------------------------------------------------------------------------------ */

static int held_keys(const struct run *run, const struct knob *k, struct strlist *ret)
{
	const struct state *next = &run->p->next;
	int r = 0;

	strlist_done(ret);
	for (size_t i = 0; r == 0 && i < next->n_objects; i++) {
		if (next->objects[i].ref.knob == k)
			r = strlist_add(ret, next->objects[i].ref.key);
	}
	return r;
}

/* After the commit: objects that no layer holds any more. */
static void let_go(const struct run *run)
{
	CLEANUP(strlist_done) struct strlist held = {0};

	for (size_t i = 0; i < run->p->n_steps; i++) {
		const struct step *st = &run->p->steps[i];

		if (st->knob->let_go && !state_object(&run->p->next, st->knob, st->key) &&
		    held_keys(run, st->knob, &held) == 0)
			st->knob->let_go(&run->s->ctx, st->key, &held);
	}
}

/* What holds already may have to be written all the same when its phase is not kept. */
static bool may_have_to_move(const struct step *st)
{
	return st->before && st->state != STEP_NA && st->state != STEP_CONFLICT;
}

/* The units that this transaction may restart. */
static int list_units(const struct plan *p, struct strlist *ret)
{
	char unit[KNOB_UNIT_MAX];

	for (size_t i = 0; i < p->n_steps; i++) {
		const struct step *st = &p->steps[i];

		if (st->restart && (st->write || is_waiting(st)) && names_unit(st, unit) && !strlist_has(ret, unit) &&
		    strlist_add(ret, unit) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int collect(struct run *run, bool keep, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist units = {0};

	if (list_units(run->p, &units) < 0)
		return err_oom(err);
	run->steps = calloc(run->p->n_steps ? run->p->n_steps : 1, sizeof(*run->steps));
	if (!run->steps)
		return err_oom(err);
	for (size_t i = 0; i < run->p->n_steps; i++) {
		struct step *st = &run->p->steps[i];

		if (st->write || st->settle || st->read_again || is_waiting(st) || follows(st, &units) ||
		    (keep && may_have_to_move(st)))
			run->steps[run->n++] = st;
	}
	return 0;
}

static void run_done(struct run *run)
{
	free(run->steps);
	txn_free(run->txn);
	strbuf_done(&run->current);
	strbuf_done(&run->reason);
	strlist_done(&run->down);
}

/* Layers learn which transaction made or changed them. A repair changes none: bare `rollback` means the last apply. */
static void stamp(struct run *run, bool is_apply)
{
	const struct store_view *v = &run->s->view;
	int64_t txn = v->n_txns ? v->txns[v->n_txns - 1].txn + 1 : 1;

	for (size_t i = 0; i < run->p->next.n_layers; i++) {
		struct layer *l = run->p->next.layers[i];
		const struct layer *was = state_layer(&run->s->state, l->profile, l->phase);

		if (!l->touched || l->residue)
			continue;
		l->txn = was && was->txn ? was->txn : txn;
		l->updated = was && (!is_apply || layer_same(was, l)) ? was->updated : txn;
	}
}

static bool is_any_waiting(const struct plan *p)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		if (is_waiting(&p->steps[i]))
			return true;
	}
	return false;
}

int run_plan(const struct session *s, struct plan *p, const struct run_labels *labels, int64_t *ret_txn,
             struct hft_err *err)
{
	CLEANUP(run_done) struct run run = {.s = s, .p = p, .last_done = -1};
	struct hft_err own = {0};
	int r;

	*ret_txn = 0;
	if (!p->n_writes && !p->changed && !is_any_waiting(p))
		return 0;
	err = err ? err : &own;
	stamp(&run, strcmp(labels->kind, "apply") == 0);
	r = collect(&run, labels->keep, err);
	if (r == 0)
		r = begin(&run, labels, err);
	if (r < 0)
		return r;
	r = forward(&run, labels->keep, err);
	if (r == 0)
		release_waiting(&run);
	if (r == 0)
		r = note_companions(&run, err);
	if (r == 0)
		r = commit(&run, err);
	if (r < 0)
		return back_out(&run, r, err);
	let_go(&run);
	report(&run, run.n, NULL);
	*ret_txn = txn_number(run.txn);
	return 0;
}

void run_note_refusal(const struct session *s, const struct run_labels *labels, const struct hft_err *why)
{
	CLEANUP(plan_done) struct plan p = {0};
	CLEANUP(run_done) struct run run = {.s = s, .p = &p, .last_done = -1, .cause = why};

	if (state_copy(&s->state, &p.next) < 0 || begin(&run, labels, NULL) < 0)
		return;
	begin_undo(&run);
	txn_abort(run.txn, NULL);
}

/* --- recovery --------------------------------------------------------------------------------------------------------------- */

static bool step_from_json(const struct json *j, struct step *st)
{
	const struct json *rec = json_get(j, "record");

	*st = (struct step){
		.knob = knob_find(json_get_string(rec, "knob", "")),
		.exact = true,
		.coupled = json_get_bool(rec, "coupled", false),
		.settle = json_get_bool(rec, "settle", false),
		.restart = json_get_bool(rec, "restart", false),
		.ran = json_get_bool(rec, "ran", false),
		.started = json_get_bool(j, "started", false),
		.done = json_get_bool(j, "done", false),
	};
	return st->knob && step_set(&st->key, json_get_string(rec, "key", "")) &&
	       step_set(&st->before, json_get_string(rec, "before", NULL)) &&
	       step_set(&st->after, json_get_string(rec, "after", NULL));
}

/*
 * Values of an earlier boot are void: what they described went away with it. A file is still what it was, and the word
 * that it was begun may be missing after a power cut: it was a plain append.
 */
static int steps_from_json(const struct json *list, bool same_boot, struct plan *p, struct hft_err *err)
{
	p->steps = calloc(json_size(list) ? json_size(list) : 1, sizeof(*p->steps));
	if (!p->steps)
		return err_oom(err);
	for (const struct json *e = json_first(list); e; e = json_next(e)) {
		struct step *st = &p->steps[p->n_steps++];

		if (!step_from_json(e, st))
			return err_raise(err, ERR_STATE, EINVAL, json_get_string(json_get(e, "record"), "knob", ""),
			                 "the open transaction names a knob that this version does not have");
		st->started = same_boot ? st->started : st->knob->persistent;
		st->ran = same_boot && st->ran; /* in another one it is started with the boot */
		st->write = true; /* all are looked at, so that they are counted as the journal counts them */
		/* A started principal may have changed what it is coupled with. */
		st->settle = same_boot && (st->settle || (st->coupled && !st->after));
	}
	return 0;
}

/* An undo that was interrupted may have left the step it was at with a value that is neither: ours all the same. */
static void distrust_interrupted(struct plan *p, const struct json *list)
{
	struct step *at = NULL;
	size_t i = 0;

	for (const struct json *e = json_first(list); e; e = json_next(e), i++) {
		if (!p->steps[i].started || json_get_bool(e, "undone", false))
			continue;
		at = &p->steps[i];
		if (at->knob->take_effect) /* all of them are undone together */
			at->done = false;
	}
	if (at)
		at->done = false;
}

int run_recover(const struct session *s, int64_t txn, enum undo_policy policy, struct hft_err *err)
{
	CLEANUP(plan_done) struct plan p = {0};
	CLEANUP(run_done) struct run run = {.s = s, .p = &p, .last_done = -1};
	CLEANUP(txn_open_done) struct txn_open open = {0};
	CLEANUP(json_freep) struct json *left = json_new_array();
	struct hft_err own = {0};
	int r = left ? txn_reopen(s->e->store, txn, &open, err) : err_oom(err);

	if (r < 0)
		return r;
	err = err ? err : &own;
	run.txn = TAKE_PTR(open.txn);
	if (open.prepared) {
		r = steps_from_json(open.steps, str_eq(open.boot_id, s->host->boot_id), &p, err);
		if (r == 0 && open.undoing)
			distrust_interrupted(&p, open.steps);
		if (r == 0)
			r = collect(&run, false, err);
		if (r == 0)
			r = undo(&run, policy, left, err);
		if (r < 0)
			return r;
	}
	if (policy == UNDO_KEEP_THEIRS)
		return txn_abort(run.txn, err);
	*err = (struct hft_err){0};
	if (json_size(left))
		err_raise(err, ERR_NOT_UNDONE, 0, "", "somebody else changed or refused them");
	return close_undo(&run, left, err);
}
