/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judging the host against layers, recorded or just resolved, by the effect. Reads only. */
#include "daemon/engine/verify.h"

#include <errno.h>
#include <string.h>

#include "daemon/engine/plan.h"
#include "daemon/engine/report.h"
#include "daemon/engine/steps.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

static const enum step_state state_of_verdict[] = {
	[KNOB_OK] = STEP_OK,
	[KNOB_DRIFT] = STEP_DRIFT,
	[KNOB_PENDING] = STEP_PENDING,
	[KNOB_NA] = STEP_NA,
};

static int judge_entry(const struct session *s, const struct layer *l, const struct layer_entry *e,
                       struct result *ret, struct hft_err *err)
{
	CLEANUP(knob_verdict_done) struct knob_verdict v = {0};
	struct hft_err own = {0};
	struct step *st;
	int r = knob_verify(e->ref.knob, &s->ctx, e->ref.key, e->value, &v, &own);

	if (r < 0 && strcmp(own.code, ERR_NOT_APPLICABLE) == 0) {
		/* It was there when the layer was applied. */
		return report_entry(ret, l, e, STEP_DRIFT, own.msg, NULL) < 0 ? err_oom(err) : 0;
	}
	if (r < 0) {
		if (err)
			*err = own;
		return r;
	}
	if (report_entry(ret, l, e, state_of_verdict[v.state], v.reason[0] ? v.reason : NULL, &st) < 0 ||
	    !step_set(&st->before, strbuf_str(&v.found)))
		return err_oom(err);
	return 0;
}

static int verify_entry(const struct session *s, const struct state *state, const struct layer *l,
                        const struct layer_entry *e, struct result *ret, struct hft_err *err)
{
	const char *boot = s->host->boot_id;
	int r;

	if (!layer_entry_in_force(l, e, boot))
		r = report_entry(ret, l, e, STEP_DRIFT, "not in force (rebooted)", NULL);
	else if (e->na)
		r = report_entry(ret, l, e, STEP_NA, e->na, NULL);
	else if (e->residue)
		r = report_entry(ret, l, e, STEP_CONFLICT, "left by a rollback: somebody else had changed it", NULL);
	else if (state_top(state, boot, e->ref.knob, e->ref.key, NULL) != e)
		r = report_entry(ret, l, e, STEP_BENEATH, NULL, NULL);
	else
		return judge_entry(s, l, e, ret, err);
	return r < 0 ? err_oom(err) : 0;
}

static bool may_differ(const struct layer *l)
{
	for (size_t i = 0; i < l->n_settings; i++) {
		if (resolve_may_differ(l, i, false))
			return true;
	}
	return resolve_is_lacking(l);
}

/* The layer as a repair would have it: with interrupts, devices and queues that appeared since, and what is applicable
 * now. */
static int look_again(const struct session *s, const struct layer *l, struct layer **ret, struct hft_err *err)
{
	struct layer *now = layer_dup(l);
	bool lacking = resolve_is_lacking(l);
	int r = now ? 0 : err_oom(err);

	for (size_t i = l->n_settings; r == 0 && i-- > 0;) { /* as repair does */
		if (resolve_may_differ(now, i, lacking))
			r = resolve_again(s, now, i, NULL) == -ENOMEM ? err_oom(err) : 0;
	}
	*ret = now;
	return r;
}

static int verify_new_objects(const struct layer *l, const struct layer *now, struct result *ret, struct hft_err *err)
{
	for (size_t i = 0; i < now->n_entries; i++) {
		const struct layer_entry *e = &now->entries[i], *was = layer_entry(l, e->ref.knob, e->ref.key);

		if (e->na || (was && !was->na))
			continue;
		if (report_entry(ret, now, e, STEP_DRIFT, was ? "applicable by now" : "new object", NULL) < 0)
			return err_oom(err);
	}
	return 0;
}

/* Was it not applicable, and is that over? */
static bool is_outdated(const struct layer_entry *e, const struct layer *now)
{
	const struct layer_entry *n = e->na && now ? layer_entry(now, e->ref.knob, e->ref.key) : e;

	return !n || (e->na && !n->na);
}

static int verify_layer(const struct session *s, const struct state *state, const struct layer *l, bool recorded,
                        struct result *ret, struct hft_err *err)
{
	struct layer *now = NULL;
	int r = report_phase(ret, l) < 0 ? err_oom(err) : 0;

	if (r == 0 && recorded && !l->residue && layer_in_force(l, s->host->boot_id) && may_differ(l))
		r = look_again(s, l, &now, err);
	for (size_t i = 0; r == 0 && i < l->n_entries; i++) {
		if (is_outdated(&l->entries[i], now))
			continue;
		if (s->e->progress)
			s->e->progress(s->e->data, i, l->n_entries, l->entries[i].ref.key);
		r = verify_entry(s, state, l, &l->entries[i], ret, err);
	}
	if (r == 0 && now)
		r = verify_new_objects(l, now, ret, err);
	if (r == 0 && layer_in_force(l, s->host->boot_id))
		r = conflicts_verify(s, state, l, ret, err);
	layer_free(now);
	return r;
}

int verify_state(const struct session *s, const struct state *state, bool recorded, struct result *ret,
                 struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < state->n_layers; i++)
		r = verify_layer(s, state, state->layers[i], recorded, ret, err);
	return r < 0 ? r : conflicts_blame(s, ret, err);
}

bool verify_needs_reboot(const struct session *s)
{
	for (size_t i = 0; i < s->state.n_layers; i++) {
		const struct layer *l = s->state.layers[i];

		for (size_t k = 0; k < l->n_entries; k++) {
			const struct object_ref *ref = &l->entries[k].ref;
			CLEANUP(knob_verdict_done) struct knob_verdict v = {0};

			if (ref->knob->at_boot && !l->entries[k].na &&
			    state_top(&s->state, s->host->boot_id, ref->knob, ref->key, NULL) == &l->entries[k] &&
			    knob_verify(ref->knob, &s->ctx, ref->key, l->entries[k].value, &v, NULL) == 0 &&
			    v.state == KNOB_PENDING)
				return true;
		}
	}
	return false;
}
