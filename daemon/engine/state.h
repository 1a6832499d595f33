/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in force: layers from bottom to top, and the original of every object that a layer touched. This is the whole
 * state that a PREPARED record carries; the JSON form below is its only persistent form, readable for ever.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/engine/objects.h"
#include "daemon/profile/profile.h"
#include "lib/base/str.h"

struct hft_err;
struct json;
struct profile_phase;

/* A line of a profile, expanded, as it was applied. repair lists it again to find objects that appeared since. */
struct layer_setting {
	char *knob, *selector, *option, *value, *why, *where;
	bool optional;
};

/* One object that a layer sets. */
struct layer_entry {
	struct object_ref ref; /* first: see objects.h */
	char *label;           /* or NULL */
	char *value;           /* canonical, wanted */
	char *na;              /* this host lacks it: nothing was read or written; else NULL */
	size_t setting;        /* index into settings */
	bool refused;          /* na is what a write said; nothing that can be read tells it, so it is not looked at again */
	bool residue;          /* left by a rollback: somebody else had changed it */
};

struct layer {
	char *profile, *phase, *risk, *summary;
	char *boot_id;        /* volatile entries are in force only in the boot that applied them */
	int64_t order;
	int64_t txn, updated; /* transactions that made it, and that changed it last */
	bool accept_inexact, accept_security, required;
	enum profile_conflicts conflicts;
	bool drift_report;    /* what was wiped is not written again */
	bool restart;         /* units may be restarted, for it and when it is taken back */
	bool residue;         /* rolled back but for conflicting objects */
	bool touched;         /* by the request at hand; not stored */
	bool revived;         /* of an earlier boot, and put in force again by the request at hand; not stored */
	struct strlist remarks; /* about other tools, found by the request at hand; not stored */
	struct strlist notes;
	struct strlist sets;  /* "NAME=VALUE" of --set, as given */
	struct layer_setting *settings;
	size_t n_settings, cap_settings;
	struct layer_entry *entries;
	size_t n_entries, cap_entries;
	struct object_index index; /* of entries */
};

/* What an object held before the first layer touched it: in this boot, or ever where the knob is persistent. */
struct state_object {
	struct object_ref ref; /* first */
	char *original;
	char *applied;         /* what we left it at last, as read back */
	char *boot_id;
	bool doomed;           /* dropped at the next state_sweep() */
};

struct state {
	struct layer **layers; /* bottom to top; owned */
	size_t n_layers, cap_layers;
	struct state_object *objects;
	size_t n_objects, cap_objects;
	struct object_index index; /* of objects */
};

void layer_free(struct layer *l);
struct layer *layer_new(const char *profile, const char *phase, const char *boot_id); /* NULL when out of memory */
struct layer *layer_dup(const struct layer *l);                                       /* NULL when out of memory */
/* Append; texts are copied, NULL stays NULL. *ret_index may be NULL. 0 or -ENOMEM. */
int layer_add_setting(struct layer *l, const struct layer_setting *s, size_t *ret_index);
/* Append, or replace the entry of the same object: the later line of a phase wins. */
int layer_add_entry(struct layer *l, const struct layer_entry *e);
struct layer_entry *layer_entry(const struct layer *l, const struct knob *knob, const char *key); /* or NULL */
void layer_drop_entry(struct layer *l, size_t i); /* keeps the order of the rest; reindexes */
/* What an earlier boot had in force is in force again, and what was refused there is to be tried. 1; 0: it is in force, or holds nothing but a residue; -ENOMEM. */
int layer_revive(struct layer *l, const char *boot_id);
/* Of this boot, or of persistent entries alone. */
bool layer_in_force(const struct layer *l, const char *boot_id);
/* The same of one entry of l: what is persistent outlives a reboot. */
bool layer_entry_in_force(const struct layer *l, const struct layer_entry *e, const char *boot_id);
/* Did the host lack it when it was resolved, as it would say again? */
bool layer_entry_is_lacking(const struct layer_entry *e);
bool layer_same(const struct layer *a, const struct layer *b); /* same settings, entries and phase texts */

void state_init(struct state *s);
void state_done(struct state *s);
int state_copy(const struct state *s, struct state *ret);                             /* 0 or -ENOMEM */
struct layer *state_layer(const struct state *s, const char *profile, const char *phase); /* or NULL */
/* Owns l in any case. Replaces the layer of the same key in place, else adds it: below the first layer of the same
 * profile with a greater order, or on top. */
int state_put_layer(struct state *s, struct layer *l);
/* The same at a place of the caller's choice; l must not be in the stack. */
int state_insert_layer(struct state *s, size_t at, struct layer *l);
void state_remove_layer(struct state *s, size_t i);
/* The topmost entry in force that holds the object (na entries and residues hold nothing), or NULL. */
const struct layer_entry *state_top(const struct state *s, const char *boot_id, const struct knob *knob,
                                    const char *key, const struct layer **ret_layer);
/* Why the kernel refused a write to the object in this boot, as a layer remembers, or NULL. */
const char *state_refusal(const struct state *s, const char *boot_id, const struct knob *knob, const char *key);
struct state_object *state_object(const struct state *s, const struct knob *knob, const char *key); /* or NULL */
/* Add an object (texts copied), or return the one there is. NULL when out of memory. */
struct state_object *state_add_object(struct state *s, const struct knob *knob, const char *key, const char *original,
                                      const char *boot_id);
/* Mark for dropping; gone after state_sweep(), which costs once for all. */
void state_drop_object(struct state *s, const struct knob *knob, const char *key);
void state_sweep(struct state *s);
/* Is what it says of an earlier boot, and gone with that? */
bool state_object_is_void(const struct state_object *o, const char *boot_id);
/* Forget void originals, and residues of other boots: what they describe is gone. */
void state_drop_old_boots(struct state *s, const char *boot_id);
/* Text is copied; 0 or -ENOMEM. */
int state_object_set_applied(struct state_object *o, const char *applied);
/* Forget the residues of an object, and the layers that held nothing else. ref must not be that of a residue itself. */
void state_drop_residue(struct state *s, const struct object_ref *ref);
/* Is the object in a residue of any layer? */
bool state_has_residue(const struct state *s, const struct knob *knob, const char *key);

/* To be printed, not read (json_new_text). NULL when out of memory. */
struct json *state_to_json(const struct state *s);
/* j NULL is the empty state. -EINVAL ERR_STATE when the record makes no sense or names a knob that is not built in. */
int state_from_json(const struct json *j, struct state *ret, struct hft_err *err);
