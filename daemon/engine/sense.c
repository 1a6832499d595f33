/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What no plan may ask for, though each setting by itself is in order: no CPU left for the house, a barrier taken down
 * without leave, values that contradict each other. Looks at layers alone; reads nothing from the host.
 */
#include <errno.h>
#include <stdio.h>

#include "daemon/engine/plan.h"
#include "daemon/host/host.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"

static int refuse(const struct layer *l, const struct layer_entry *e, const char *code, int r, struct hft_err *err,
                  const char *why)
{
	err_raise(err, code, -r, e->ref.key, "%s", why);
	err_values(err, NULL, e->value);
	if (err && l->settings[e->setting].where)
		snprintf(err->where, sizeof(err->where), "%s", l->settings[e->setting].where);
	return r;
}

static bool counts(const struct layer_entry *e)
{
	return !e->na && !e->residue;
}

/* Take out what any layer takes offline. */
static void take_offline(const struct state *next, struct cpuset *online)
{
	for (size_t i = 0; i < next->n_layers; i++) {
		const struct layer *l = next->layers[i];

		for (size_t k = 0; k < l->n_entries; k++) {
			const struct layer_entry *e = &l->entries[k];
			struct cpuset off, on;

			if (!counts(e) || !e->ref.knob->hotplugs)
				continue;
			e->ref.knob->hotplugs(e->ref.key, e->value, &off, &on);
			cpuset_minus(online, &off);
		}
	}
}

static bool takes_away(const struct layer_entry *e, struct cpuset *ret)
{
	const struct knob *k = e->ref.knob;
	struct cpuset on;

	if (!counts(e) || (!k->isolates && !k->hotplugs))
		return false;
	cpuset_zero(ret);
	if (k->isolates)
		k->isolates(e->ref.key, e->value, ret);
	else
		k->hotplugs(e->ref.key, e->value, ret, &on);
	return true;
}

/* P11: CPUs online, less those that any layer takes away, hold all threads of a core. Who took the last one is named. */
static int check_housekeeping(const struct session *s, const struct layer *l, const struct cpuset *online,
                              struct cpuset *left, struct hft_err *err)
{
	struct cpuset taken;

	for (size_t i = 0; i < l->n_entries; i++) {
		const struct layer_entry *e = &l->entries[i];

		if (!takes_away(e, &taken))
			continue;
		cpuset_minus(left, &taken);
		if (host_has_whole_core(s->host, online, left))
			continue;
		refuse(l, e, ERR_INVALID_PROFILE, -EINVAL, err, "no whole core would be left for housekeeping");
		err_values(err, "CPUs that leave all threads of one core alone", NULL);
		return -EINVAL;
	}
	return 0;
}

static int check_barriers(const struct layer *l, struct hft_err *err)
{
	for (size_t i = 0; l->touched && !l->accept_security && i < l->n_entries; i++) {
		const struct layer_entry *e = &l->entries[i];
		const char *why = NULL;

		if (counts(e) && e->ref.knob->barrier)
			why = e->ref.knob->barrier(e->ref.key, e->value);
		if (!why)
			continue;
		refuse(l, e, ERR_REFUSED, -EPERM, err, why);
		err_context(err, "takes down a barrier against attackers");
		err_hint(err, "write `accept = security` under [phase %s], if that is acceptable", l->phase);
		return -EPERM;
	}
	return 0;
}

/* Does e contradict an entry of layer `of`, up to its `n`th? Both are what will be written. */
static int check_against(const struct session *s, const struct state *next, const struct layer *l,
                         const struct layer_entry *e, const struct layer *of, size_t n, struct hft_err *err)
{
	const struct knob *k = e->ref.knob;

	for (size_t i = 0; i < n; i++) {
		const struct layer_entry *other = &of->entries[i];
		const char *why = NULL;

		if (other->ref.knob == k && counts(other))
			why = k->clash(e->ref.key, e->value, other->ref.key, other->value);
		if (!why || state_top(next, s->host->boot_id, k, other->ref.key, NULL) != other)
			continue;
		refuse(l, e, ERR_INVALID_PROFILE, -EINVAL, err, why);
		err_context(err, "%s = %s and %s = %s contradict each other", e->ref.key, e->value, other->ref.key,
		            other->value);
		return -EINVAL;
	}
	return 0;
}

static int check_clashes(const struct session *s, const struct state *next, size_t at, struct hft_err *err)
{
	const struct layer *l = next->layers[at];
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n_entries; i++) {
		const struct layer_entry *e = &l->entries[i];

		if (!counts(e) || !e->ref.knob->clash ||
		    state_top(next, s->host->boot_id, e->ref.knob, e->ref.key, NULL) != e)
			continue;
		for (size_t k = 0; r == 0 && k < at; k++)
			r = check_against(s, next, l, e, next->layers[k], next->layers[k]->n_entries, err);
		if (r == 0)
			r = check_against(s, next, l, e, l, i, err);
	}
	return r;
}

int sense_check(const struct session *s, const struct state *next, struct hft_err *err)
{
	struct cpuset online = s->host->online, left = online;
	int r = 0;

	take_offline(next, &online);
	for (size_t i = 0; r == 0 && i < next->n_layers; i++) {
		r = check_barriers(next->layers[i], err);
		if (r == 0)
			r = check_housekeeping(s, next->layers[i], &online, &left, err);
		if (r == 0)
			r = check_clashes(s, next, i, err);
	}
	return r;
}
