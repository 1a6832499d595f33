/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing again what was wiped, and what that may be. Must not touch anything else that drifted: that is repair.c's. */
#include <errno.h>

#include "daemon/engine/verbs.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

static bool is_about_units(const struct strlist *wiped)
{
	for (size_t i = 0; i < wiped->n; i++) {
		if (str_starts(wiped->s[i], KNOB_WIPED_BY_UNIT))
			return true;
	}
	return false;
}

/* A service that was started may have threads of other names; a device has what it had. */
static int adopt_threads(const struct session *s, struct layer *l, struct hft_err *err)
{
	int r = 0;

	for (size_t i = l->n_settings; r == 0 && i-- > 0 && is_about_units(s->wiped);) {
		const struct knob *k = knob_find(l->settings[i].knob);

		if (k && k->renew)
			r = resolve_again(s, l, i, err);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

int engine_reassert(const struct engine *e, const struct strlist *wiped, struct result *ret, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	CLEANUP(plan_done) struct plan p = {0};
	CLEANUP(state_done) struct state next = {0};
	struct run_labels labels = {.kind = "reassert", .profile = ""};
	int r = verb_open_recorded(e, NULL, &s, err);

	if (r < 0)
		return r;
	s.wiped = wiped;
	if (state_copy(&s.state, &next) < 0)
		return err_oom(err);
	for (size_t i = 0; r == 0 && i < next.n_layers; i++) {
		struct layer *l = next.layers[i];

		if (l->residue || l->drift_report || !layer_in_force(l, s.host->boot_id))
			continue;
		l->touched = true;
		r = adopt_threads(&s, l, err);
	}
	if (r == 0)
		r = plan_build(&s, &next, PLAN_IMPOSE, true, &p, err);
	return r < 0 ? r : verb_carry_out(&s, &p, &labels, ret, err);
}

static int add_watched(const struct session *s, const struct layer *l, struct strlist *ret)
{
	for (size_t i = 0; i < l->n_entries; i++) {
		const struct layer_entry *e = &l->entries[i];
		char text[KNOB_WIPED_MAX];
		const char *by = e->ref.knob->wiped_by ? e->ref.knob->wiped_by(e->ref.key, text) : NULL;

		if (by && !e->residue && layer_entry_in_force(l, e, s->host->boot_id) && !strlist_has(ret, by) &&
		    strlist_add(ret, by) < 0)
			return -ENOMEM;
	}
	return 0;
}

int engine_watched(const struct engine *e, struct strlist *ret, struct hft_err *err)
{
	CLEANUP(session_done) struct session s = {.lock = -1};
	int r = session_open(e, SESSION_READ, NULL, &s, err);

	for (size_t i = 0; r == 0 && i < s.state.n_layers; i++) {
		if (!s.state.layers[i]->drift_report)
			r = add_watched(&s, s.state.layers[i], ret) < 0 ? err_oom(err) : 0;
	}
	return r;
}
