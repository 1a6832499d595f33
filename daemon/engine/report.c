/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plan or a run looked at, as lines for people and programs: layer by layer, in the order of the profile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/plan.h"
#include "daemon/engine/report.h"
#include "daemon/engine/steps.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

int report_step(struct result *r, const struct knob *knob, const char *key, struct step **ret)
{
	struct step *st;

	if (mem_grow(&r->steps, &r->cap_steps, r->n_steps, sizeof(*st)) < 0)
		return -ENOMEM;
	st = &r->steps[r->n_steps];
	*st = (struct step){.knob = knob, .exact = true};
	if (!step_set(&st->key, key))
		return -ENOMEM;
	r->n_steps++;
	*ret = st;
	return 0;
}

int report_entry(struct result *r, const struct layer *l, const struct layer_entry *e, enum step_state state,
                 const char *reason, struct step **ret)
{
	const struct layer_setting *line = &l->settings[e->setting];
	struct step *st;

	if (report_step(r, e->ref.knob, e->ref.key, &st) < 0)
		return -ENOMEM;
	st->state = state;
	st->order = l->order;
	if (ret)
		*ret = st;
	return step_set(&st->profile, l->profile) && step_set(&st->phase, l->phase) &&
	                       step_set(&st->label, e->label) && step_set(&st->why, line->why) &&
	                       step_set(&st->where, line->where) && step_set(&st->after, e->value) &&
	                       step_set(&st->reason, reason)
	               ? 0
	               : -ENOMEM;
}

int report_phase(struct result *r, const struct layer *l)
{
	struct phase_line *p;

	if (mem_grow(&r->phases, &r->cap_phases, r->n_phases, sizeof(*p)) < 0)
		return -ENOMEM;
	p = &r->phases[r->n_phases++];
	*p = (struct phase_line){.order = l->order};
	for (size_t i = 0; i < l->notes.n; i++) {
		if (strlist_add(&p->notes, l->notes.s[i]) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < l->remarks.n; i++) {
		if (strlist_add(&p->notes, l->remarks.s[i]) < 0)
			return -ENOMEM;
	}
	return step_set(&p->profile, l->profile) && step_set(&p->phase, l->phase) && step_set(&p->risk, l->risk) &&
	                       step_set(&p->summary, l->summary)
	               ? 0
	               : -ENOMEM;
}

struct lookup {
	struct object_index index; /* of the plan's steps */
	struct plan *p;
	const char *boot_id;
	struct result *ret;
};

/* Hand a planned step over to the result. The plan's copy stays readable for the index until all are told. */
static int hand_over(struct lookup *k, struct step *st)
{
	if (mem_grow(&k->ret->steps, &k->ret->cap_steps, k->ret->n_steps, sizeof(*st)) < 0)
		return -ENOMEM;
	k->ret->steps[k->ret->n_steps++] = *st;
	st->reported = true;
	return 0;
}

/* A step is about the layer that holds the object, not about those that name it beneath. */
static bool is_about(const struct step *st, const struct layer *l)
{
	return str_eq(st->profile, l->profile) && str_eq(st->phase, l->phase);
}

static int report_layer_entry(struct lookup *k, const struct layer *l, const struct layer_entry *e)
{
	long at = object_index_find(&k->index, k->p->steps, sizeof(struct step), e->ref.knob, e->ref.key);
	struct step *st = at < 0 ? NULL : &k->p->steps[at];

	if (e->residue)
		return 0; /* its step, if any, is among the released ones */
	if (st && !st->reported && is_about(st, l))
		return hand_over(k, st);
	if (e->na)
		return report_entry(k->ret, l, e, STEP_NA, e->na, NULL);
	if (state_top(&k->p->next, k->boot_id, e->ref.knob, e->ref.key, NULL) != e)
		return report_entry(k->ret, l, e, STEP_BENEATH, NULL, NULL);
	return 0;
}

/* What is stopped comes first, as it does when it is done. */
static int report_entries(struct lookup *k, const struct layer *l, bool units)
{
	const struct knob *unit = knob_find("unit");
	int r = 0;

	for (size_t j = 0; r == 0 && j < l->n_entries; j++) {
		if ((l->entries[j].ref.knob == unit) == units)
			r = report_layer_entry(k, l, &l->entries[j]);
	}
	return r;
}

/* The units behind the steps of a layer that take effect with a restart: each once. */
static int list_restarts(const struct lookup *k, const struct layer *l, struct strlist *ret)
{
	char unit[KNOB_UNIT_MAX];

	for (size_t i = 0; i < k->p->n_steps; i++) {
		const struct step *st = &k->p->steps[i];

		if (!(st->write || st->state == STEP_PENDING) || !is_about(st, l) || !st->knob->restarts ||
		    !st->knob->restarts(st->key, unit) || strlist_has(ret, unit))
			continue;
		if (strlist_add(ret, unit) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int note_restarts(struct lookup *k, const struct layer *l)
{
	CLEANUP(strlist_done) struct strlist units = {0};
	struct phase_line *line = &k->ret->phases[k->ret->n_phases - 1];

	if (list_restarts(k, l, &units) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < units.n; i++) {
		if (strlist_take(&line->notes, str_printf(l->restart ? "apply restarts %s"
		                                                     : "%s has to be restarted afterwards: `restart = allowed` "
		                                                       "would let apply do it", units.s[i])) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int report_layers(struct lookup *k)
{
	for (size_t i = 0; i < k->p->next.n_layers; i++) {
		const struct layer *l = k->p->next.layers[i];

		if (!l->touched && !l->revived)
			continue;
		if (report_phase(k->ret, l) < 0 || note_restarts(k, l) < 0 || report_entries(k, l, true) < 0 ||
		    report_entries(k, l, false) < 0)
			return -ENOMEM;
	}
	return 0;
}

int plan_report(const struct session *s, struct plan *p, struct result *ret, struct hft_err *err)
{
	struct lookup k = {.p = p, .boot_id = s->host->boot_id, .ret = ret};
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n_steps; i++)
		r = object_index_add(&k.index, p->steps, sizeof(struct step), i);
	if (r == 0)
		r = report_layers(&k);
	for (size_t i = 0; r == 0 && i < p->n_steps; i++) {
		if (!p->steps[i].reported)
			r = hand_over(&k, &p->steps[i]);
	}
	object_index_done(&k.index);
	ret->warning = TAKE_PTR(p->warning);
	for (size_t i = 0; i < p->n_steps; i++) {
		if (p->steps[i].reported) /* owned by the result now */
			memset(&p->steps[i], 0, sizeof(p->steps[i]));
	}
	return r < 0 ? err_oom(err) : 0;
}
