/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planning: the difference between what is in force and what shall be, resolved on this host. Reads values through the
 * knobs, changes nothing.
 */
#pragma once

#include "daemon/engine/session.h"

enum plan_mode {
	PLAN_IMPOSE,      /* apply, repair, replay: a foreign value is shown as drift and overwritten */
	PLAN_TAKE_OUT,    /* rollback: a foreign value is a conflict and left */
	PLAN_FORCE,       /* rollback --force: written all the same */
	PLAN_KEEP_THEIRS, /* rollback --keep-theirs: forgotten */
};

struct plan {
	struct step *steps; /* in the order of writing */
	size_t n_steps, cap_steps;
	struct state next;  /* what will be in force */
	size_t n_writes;
	bool changed;       /* next differs from the state before, though nothing may have to be written */
	char *warning;      /* what a replay does not wait for somebody to settle, for people; or NULL */
};
void plan_done(struct plan *p);

/*
 * next: the layers that shall be in force (owned by the plan in any case; its objects are those of the old state).
 * Fills next's objects: originals captured, released ones dropped. Refuses (ERR_REFUSED) what cannot be put back exactly
 * in a phase without accept = inexact, when refuse_inexact; and, when something is imposed, what sense_check() does.
 */
int plan_build(const struct session *s, struct state *take_next, enum plan_mode mode, bool refuse_inexact,
               struct plan *ret, struct hft_err *err);

/* Refuses layers that make no sense together, or go beyond what their phases accept: ERR_INVALID_PROFILE, ERR_REFUSED. */
int sense_check(const struct session *s, const struct state *next, struct hft_err *err);

/* --- other tools (conflicts.c) --------------------------------------------------------------------------------------- */

/*
 * What else writes the objects of touched layers: a tool that runs is refused (ERR_CONFLICT, -EEXIST), or stopped by an
 * entry of its own in the layer, or said, as the phase has it. What only some file will set later is said. In layers that
 * are replayed nothing is refused: *ret_warning is set instead (caller frees), and may be NULL where no layer is revived.
 */
int conflicts_settle(const struct session *s, struct state *next, char **ret_warning, struct hft_err *err);
/* Mark the steps that a tool may put back which the plan stops. */
void conflicts_mark(struct plan *p);
/* Does a tool run that a layer of the state in force would have refused, or stopped? Each is reported as drift. */
int conflicts_verify(const struct session *s, const struct state *state, const struct layer *l, struct result *ret,
                     struct hft_err *err);
/* Does a tool run that writes an object which drifted? Then that is the reason. */
int conflicts_blame(const struct session *s, struct result *ret, struct hft_err *err);

/* May a layer of next that is in force change the object along with one of its own? */
bool plan_is_needed(const struct session *s, const struct state *next, const struct object_ref *ref);

/* --- resolving ------------------------------------------------------------------------------------------------------- */

/* Turn the settings of a profile's phases (all, or those wanted) into layers put into *next. ERR_INVALID_PROFILE,
 * ERR_NO_MATCH, ERR_OUT_OF_BOUNDS with file:line; ERR_INVALID_ARGUMENT for a phase that the profile lacks. */
int resolve_profile(const struct session *s, const struct profile *p, const struct request *q, struct state *next,
                    struct hft_err *err);
/* The CPUs that will be online when the settings of those phases are in force. Guesses nothing: a setting that cannot be
 * resolved changes nothing here, and is refused later. */
void resolve_online(const struct session *s, const struct profile *p, const struct request *q, struct cpuset *ret);
/* List a recorded setting again: add objects that the layer does not have yet, and take those in earnest that were not
 * applicable and are now. */
int resolve_again(const struct session *s, struct layer *l, size_t setting, struct hft_err *err);
/* Only the latter. */
int resolve_lacking(const struct session *s, struct layer *l, size_t setting, struct hft_err *err);
/* May the setting's objects be other ones than were recorded: has it a selector, or was something not applicable?
 * lacking: what resolve_is_lacking() says of the layer, asked once for all its settings. */
bool resolve_may_differ(const struct layer *l, size_t setting, bool lacking);
bool resolve_is_lacking(const struct layer *l);

/* Move the steps of the plan, and the lines of what lies beneath or is not applicable, into a result. */
int plan_report(const struct session *s, struct plan *p, struct result *ret, struct hft_err *err);
