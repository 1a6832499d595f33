/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The phases of a profile: declared, merged across files, checked and sorted. Must not look into their settings. */
#include "daemon/profile/parts.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define ORDER_MAX 1000000

static int set_order(struct profile_phase *ph, const char *value)
{
	int64_t order;

	if (num_parse_range(value, -ORDER_MAX, ORDER_MAX, &order) < 0)
		return -EINVAL;
	ph->order = (int)order;
	return 0;
}

static int replace_text(char **text, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static int set_risk(struct profile_phase *ph, const char *value)
{
	if (!str_eq(value, "low") && !str_eq(value, "medium") && !str_eq(value, "high"))
		return -EINVAL;
	return replace_text(&ph->risk, value);
}

static int set_summary(struct profile_phase *ph, const char *value)
{
	return replace_text(&ph->summary, value);
}

static int set_accept(struct profile_phase *ph, const char *value)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };

	if (strlist_split(&words, value, ", \t") < 0)
		return -ENOMEM;
	ph->accept_inexact = strlist_has(&words, "inexact");
	ph->accept_security = strlist_has(&words, "security");
	for (size_t i = 0; i < words.n; i++)
		if (!str_eq(words.s[i], "inexact") && !str_eq(words.s[i], "security"))
			return -EINVAL;
	return words.n > 0 ? 0 : -EINVAL;
}

static int set_required(struct profile_phase *ph, const char *value)
{
	ph->required = str_eq(value, "yes");
	return ph->required || str_eq(value, "no") ? 0 : -EINVAL;
}

const char *const profile_conflicts_names[PROFILE_N_CONFLICTS] = {
	[PROFILE_CONFLICTS_FAIL] = "fail",
	[PROFILE_CONFLICTS_STOP] = "stop",
	[PROFILE_CONFLICTS_IGNORE] = "ignore",
};

static int set_conflicts(struct profile_phase *ph, const char *value)
{
	for (int i = 0; i < PROFILE_N_CONFLICTS; i++)
		if (str_eq(value, profile_conflicts_names[i])) {
			ph->conflicts = (enum profile_conflicts)i;
			return 0;
		}
	return -EINVAL;
}

static int set_drift(struct profile_phase *ph, const char *value)
{
	ph->drift_report = str_eq(value, "report");
	return ph->drift_report || str_eq(value, "repair") ? 0 : -EINVAL;
}

static int set_restart(struct profile_phase *ph, const char *value)
{
	ph->restart = str_eq(value, "allowed");
	return ph->restart || str_eq(value, "no") ? 0 : -EINVAL;
}

static int add_note(struct profile_phase *ph, const char *value)
{
	return strlist_add(&ph->notes, value);
}

static const struct phase_key {
	const char *name;
	const char *takes; /* for people */
	int (*set)(struct profile_phase *ph, const char *value); /* -EINVAL: not one of `takes`; -ENOMEM */
} phase_keys[] = {
	{ "order",     "a whole number",            set_order     },
	{ "risk",      "low, medium or high",       set_risk      },
	{ "summary",   "text",                      set_summary   },
	{ "accept",    "inexact, security or both", set_accept    },
	{ "required",  "yes or no",                 set_required  },
	{ "conflicts", "fail, stop or ignore",      set_conflicts },
	{ "drift",     "repair or report",          set_drift     },
	{ "restart",   "allowed or no",             set_restart   },
	{ "note",      "text",                      add_note      },
	{ "why",       "text",                      add_note      },
};

/* Options are unique in a section, so that a phase has its notes as "note", "note 2", "note 3". */
static bool is_numbered_note(const char *option)
{
	uint64_t number;

	return str_starts(option, "note ") && num_parse_u64(option + strlen("note "), &number) == 0;
}

static int set_phase_key(struct phases *t, struct profile_phase *ph, const struct profile_entry *e,
                         const struct place *at, struct hft_err *err)
{
	const char *option = is_numbered_note(e->option) ? "note" : e->option;
	CLEANUP(mem_freep) char *value = NULL;
	size_t i = 0;

	while (i < ARRAY_LEN(phase_keys) && !str_eq(option, phase_keys[i].name))
		i++;
	if (i == ARRAY_LEN(phase_keys)) {
		profile_fail(err, at, e->option, "a phase has no \"%s\"", e->option);
		err_hint(err, "it takes order, risk, summary, accept, required, restart, conflicts, drift, note and why");
		return -EINVAL;
	}
	int r = names_expand(t->names, e->value, at, &value, err);
	if (r < 0)
		return r;
	r = phase_keys[i].set(ph, value);
	if (r == -ENOMEM)
		return err_oom(err);
	if (r < 0)
		return profile_fail(err, at, e->option, "\"%s\" is %s, not \"%s\"", option, phase_keys[i].takes, value);
	return 0;
}

static int new_phase(struct phases *t, char **name, const struct place *at, struct hft_err *err)
{
	struct profile *p = t->p;
	struct profile_phase ph = { .risk = strdup("low"), .summary = strdup("") };

	if (ph.risk == NULL || ph.summary == NULL ||
	    mem_grow(&p->phases, &p->cap_phases, p->n_phases, sizeof(ph)) < 0) {
		free(ph.risk);
		free(ph.summary);
		return err_oom(err);
	}
	ph.name = TAKE_PTR(*name);
	t->uses[p->n_phases] = (struct phase_use){ .first = *at };
	p->phases[p->n_phases++] = ph;
	return 0;
}

int phases_find(struct phases *t, const char *text, const struct place *at, size_t *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *name = NULL;
	int r = names_expand(t->names, text, at, &name, err);
	if (r < 0)
		return r;

	for (size_t i = 0; i < t->p->n_phases; i++)
		if (str_eq(t->p->phases[i].name, name)) {
			*ret = i;
			return 0;
		}
	if (!profile_is_name(name))
		return profile_fail(err, at, name, "\"%s\" cannot be the name of a phase", name);
	if (t->p->n_phases == PROFILE_PHASES_MAX)
		return profile_fail(err, at, name, "more than %d phases", PROFILE_PHASES_MAX);
	*ret = t->p->n_phases;
	return new_phase(t, &name, at, err);
}

int phases_declare(struct phases *t, const struct profile_section *s, const struct header *h, const char *path,
                   struct hft_err *err)
{
	struct place at = { .file = path, .line = s->line };
	size_t i;
	int r = phases_find(t, h->phase, &at, &i, err);
	if (r < 0)
		return r;

	if (t->uses[i].declared_in == path)
		return profile_fail(err, &at, h->phase, "phase \"%s\" has two sections in this file", h->phase);
	t->uses[i].declared_in = path;
	for (size_t k = 0; k < s->n_entries; k++) {
		at.line = s->entries[k].line;
		r = set_phase_key(t, &t->p->phases[i], &s->entries[k], &at, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int phases_check(const struct phases *t, struct hft_err *err)
{
	for (size_t i = 0; i < t->p->n_phases; i++) {
		const char *name = t->p->phases[i].name;
		if (t->uses[i].declared_in == NULL)
			return profile_fail(err, &t->uses[i].first, name, "phase \"%s\" needs a section [phase %s]",
			                    name, name);
	}
	return 0;
}

/* By insertion, because there are few and it is stable. */
void phases_sort(struct profile *p)
{
	size_t rank[PROFILE_PHASES_MAX]; /* old index by new index, then the other way about */
	size_t new_index[PROFILE_PHASES_MAX];
	struct profile_phase sorted[PROFILE_PHASES_MAX];

	for (size_t i = 0; i < p->n_phases; i++) {
		size_t at = i;
		for (; at > 0 && p->phases[rank[at - 1]].order > p->phases[i].order; at--)
			rank[at] = rank[at - 1];
		rank[at] = i;
	}
	for (size_t i = 0; i < p->n_phases; i++) {
		sorted[i] = p->phases[rank[i]];
		new_index[rank[i]] = i;
	}
	if (p->n_phases > 0)
		memcpy(p->phases, sorted, p->n_phases * sizeof(*sorted));
	for (size_t i = 0; i < p->n_settings; i++)
		p->settings[i].phase = new_index[p->settings[i].phase];
}
