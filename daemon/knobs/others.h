/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other tools that tune hosts: which there are, what they write, and whether they run. A table and reads; what is to be
 * done about them is decided elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct knob_ctx;

struct other {
	const char *unit;      /* "irqbalance.service" */
	const char *name;      /* for people: "TuneD" */
	/* Patterns (fnmatch) of what it writes, "KNOB:KEY", NULL behind the last one. */
	const char *const *writes;
	const char *what;      /* the same for people, with when it does so */
	const char *source;    /* where that is from */
	/* A file with the tuning it was told to do: while that is there and empty, it writes nothing. Or NULL. */
	const char *told_by;
	const char *takes;     /* a unit that stops when it does, or NULL */
	/* It starts, sets and has ended: it writes again at the next boot, or when somebody starts it, and to stop it changes
	 * nothing. Otherwise it runs, and may write at any time. */
	bool at_start;
	bool undoes;           /* when it is stopped it puts back what it had written */
};

extern const struct other others[]; /* ascending by unit */
extern const size_t n_others;
const struct other *other_find(const char *unit); /* or NULL */

/* Is the unit active, by what the manager shows of it in /run/systemd/units? */
bool other_is_active(const struct knob_ctx *c, const char *unit);
/* Does it write, active as it is? */
bool other_is_busy(const struct knob_ctx *c, const struct other *o);
/* May it write this object? */
bool other_writes(const struct other *o, const char *knob, const char *key);
/* The path "/run/systemd/units/invocation:UNIT"; there while the unit is active. */
#define OTHER_PATH_MAX 320 /* of a unit's name come up to 255 bytes */
void other_active_path(const char *unit, char ret[static OTHER_PATH_MAX]);
