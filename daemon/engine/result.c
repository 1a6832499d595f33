/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps and results as data: their states' names and their end. */
#include "daemon/engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/engine/steps.h"
#include "lib/base/mem.h"

static const char *const state_names[STEP_N_STATES] = {
	[STEP_OK] = "ok",
	[STEP_CHANGE] = "change",
	[STEP_DRIFT] = "drift",
	[STEP_PENDING] = "pending",
	[STEP_NA] = "not_applicable",
	[STEP_BENEATH] = "beneath",
	[STEP_CONFLICT] = "conflict",
	[STEP_RESTORED] = "restored",
	[STEP_FAILED] = "failed",
};

const char *step_state_name(enum step_state s)
{
	return state_names[s];
}

void step_done(struct step *s)
{
	free(s->key);
	free(s->label);
	free(s->profile);
	free(s->phase);
	free(s->why);
	free(s->where);
	free(s->before);
	free(s->after);
	free(s->reason);
}

void steps_free(struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		step_done(&steps[i]);
	free(steps);
}

static void phase_line_done(struct phase_line *p)
{
	free(p->profile);
	free(p->phase);
	free(p->risk);
	free(p->summary);
	strlist_done(&p->notes);
}

void result_done(struct result *r)
{
	steps_free(r->steps, r->n_steps);
	for (size_t i = 0; i < r->n_phases; i++)
		phase_line_done(&r->phases[i]);
	free(r->phases);
	free(r->warning);
	memset(r, 0, sizeof(*r));
}

bool step_needs_reboot(const struct step *s)
{
	return s->knob && s->knob->at_boot && (s->state == STEP_PENDING || (s->write && !s->done));
}

bool step_set(char **field, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return false;
	free(*field);
	*field = copy;
	return true;
}
