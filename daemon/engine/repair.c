/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting the recorded layers in force again, from the journal and never from the file: replay those that an earlier boot
 * had in force, repair all of them.
 */
#include <errno.h>

#include "daemon/engine/verbs.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

/* A device that has gone is the verdict's business. */
static int excuse_gone(int r)
{
	return r == -ENOENT ? 0 : r;
}

/* What the last boot lacked, this one may have; what is new here is left to a repair. */
static int look_for_lacking(const struct session *s, struct layer *l, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n_settings; i++) {
		const struct knob *k = knob_find(l->settings[i].knob);

		if (k && !k->persistent)
			r = excuse_gone(resolve_lacking(s, l, i, err));
	}
	return r;
}

/* Put in force what an earlier boot had. Returns how many layers that concerns. */
static int revive(const struct session *s, struct state *next, struct hft_err *err)
{
	int n = 0;

	for (size_t i = 0; i < next->n_layers; i++) {
		int r = layer_revive(next->layers[i], s->host->boot_id);

		if (r < 0)
			return err_oom(err);
		n += r;
		r = r ? look_for_lacking(s, next->layers[i], err) : 0;
		if (r < 0)
			return r;
	}
	return n;
}

/* Write whatever drifted, and adopt what has come. */
static int refresh(const struct session *s, struct layer *l, struct hft_err *err)
{
	bool lacking = resolve_is_lacking(l);
	int r = 0;

	l->touched = true;
	/* The first line to name a new object gets it: the last one of the file goes first, because it wins. */
	for (size_t i = l->n_settings; r == 0 && i-- > 0;) {
		if (resolve_may_differ(l, i, lacking))
			r = excuse_gone(resolve_again(s, l, i, err));
	}
	return r;
}

int engine_repair(const struct engine *e, struct result *ret, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	CLEANUP(plan_done) struct plan p = {0};
	CLEANUP(state_done) struct state next = {0};
	struct run_labels labels = {.kind = "repair", .profile = ""};
	int r = verb_open_recorded(e, NULL, &s, err);

	if (r < 0)
		return r;
	if (state_copy(&s.state, &next) < 0)
		return err_oom(err);
	r = revive(&s, &next, err);
	for (size_t i = 0; r >= 0 && i < next.n_layers; i++) {
		if (!next.layers[i]->residue)
			r = refresh(&s, next.layers[i], err);
	}
	if (r >= 0)
		r = plan_build(&s, &next, PLAN_IMPOSE, true, &p, err);
	return r < 0 ? r : verb_carry_out(&s, &p, &labels, ret, err);
}

static int plan_replay(const struct session *s, struct plan *ret, struct hft_err *err)
{
	CLEANUP(state_done) struct state next = {0};
	int r = state_copy(&s->state, &next) < 0 ? err_oom(err) : revive(s, &next, err);

	return r > 0 ? plan_build(s, &next, PLAN_IMPOSE, true, ret, err) : r;
}

int engine_replay(const struct engine *e, struct result *ret, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	CLEANUP(plan_done) struct plan p = {0};
	struct run_labels labels = {.kind = "replay", .profile = ""};
	struct hft_err own;
	int r = verb_open_recorded(e, NULL, &s, err ? err : (err = &own));

	if (r < 0)
		return r;
	r = plan_replay(&s, &p, err);
	if (r == 0)
		return verb_carry_out(&s, &p, &labels, ret, err);
	/* Nobody sits at a terminal at boot: why there is nothing in force is asked later. */
	run_note_refusal(&s, &labels, err);
	s.stamp = 0; /* the journal has moved on */
	return r;
}
