/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of this directory share and nobody else includes: places in the text, section headers, the names of
 * [cpus] and [variables], and the merging of settings. `err` is never NULL in here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/profile/profile.h"

struct hft_err;

/* Caps against a profile that was written to exhaust memory; no real one comes near. */
#define PROFILE_TEXT_MAX (4 * 1024 * 1024)      /* bytes of a profile and all its includes */
#define PROFILE_SETTINGS_MAX (256 * 1024)
#define PROFILE_PHASES_MAX 256
#define PROFILE_NAMES_MAX 4096                  /* definitions in [cpus] and [variables] */
#define PROFILE_VALUE_MAX (16 * 1024)           /* bytes of one value after expansion */
#define PROFILE_EXPANDED_MAX (16 * 1024 * 1024) /* bytes of all values that hold a ${name}, after expansion */
#define PROFILE_NESTING_MAX 16                  /* names defined by names, and parentheses */

/* Where a text stands. Borrowed; `argument` is set for what came from --set. */
struct place {
	const char *file;
	unsigned line;
	bool argument;
};

/* --- place.c ------------------------------------------------------------------------------------------------------ */

/* Raise ERR_INVALID_PROFILE (ERR_INVALID_ARGUMENT for an argument) at a place; returns -EINVAL. The subject must hold
 * neither control characters nor broken UTF-8: it is shown to people. */
int profile_fail(struct hft_err *err, const struct place *at, const char *subject, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same for an error that cpuexpr_eval, a loader or the environment raised: add the place unless a deeper one is
 * there, and make what is wrong with the text one of the two codes above. Returns what the caller returns. */
int profile_blame(struct hft_err *err, const struct place *at, int r);

bool profile_is_name(const char *s); /* the rule of PROFILE_NAME_MAX */
bool profile_is_clean(const char *s, size_t len); /* UTF-8 without control characters: fit for a value and a terminal */

/* --- header.c ----------------------------------------------------------------------------------------------------- */

/* HEADER_HOST: a section of host.conf that is for knobs; profile_host_value() */
enum header_kind { HEADER_PROFILE, HEADER_CPUS, HEADER_VARIABLES, HEADER_PHASE, HEADER_SETTINGS, HEADER_HOST };

struct header { /* as written, nothing expanded */
	enum header_kind kind;
	char *phase;               /* of HEADER_PHASE and HEADER_SETTINGS */
	char *knob, *selector;     /* of HEADER_SETTINGS; the selector may be "" */
	struct strlist conditions; /* what follows each "if=" */
};

/* Split the text between the brackets. *ret is to be given to header_done whatever the result. */
int header_parse(const char *text, const struct place *at, struct header *ret, struct hft_err *err);
void header_done(struct header *h);

/* --- names.c: one namespace for [cpus] and [variables] ------------------------------------------------------------ */

struct name {
	const char *name, *raw; /* borrowed from the files and the assignments */
	const char *choices;    /* "a|b|c", borrowed; NULL: any text */
	struct place at;
	bool is_cpus;
	size_t sequence;
	enum { NAME_NEW, NAME_BUSY, NAME_DONE } state;
	unsigned depth;     /* of definitions beneath this one */
	char *value;        /* set when done */
	struct cpuset *set; /* of CPU sets */
};

struct names { /* zero-initialise, set env; names_done frees */
	const struct profile_env *env;
	struct name *list; /* sorted by name once settled */
	size_t n, cap;
	struct choices {
		const char *name, *words;
		struct place at;
	} *choices; /* in the order of the files */
	size_t n_choices, choices_cap;
	struct name *current; /* being resolved */
	unsigned level;
	size_t expanded; /* bytes so far, against PROFILE_EXPANDED_MAX */
};

void names_done(struct names *n);
/* Take the definitions of a section; the stacking order is the order of the calls. `path` outlives *n. */
int names_define(struct names *n, const struct profile_section *s, const char *path, bool is_cpus,
                 struct hft_err *err);
/* After the last definition: the last one wins; the same name twice in one file, or of both kinds, is an error, and so are
 * choices of what is no variable. */
int names_settle(struct names *n, struct hft_err *err);
/* --set, over everything else. */
int names_assign(struct names *n, const struct profile_assign *assigns, size_t n_assigns, struct hft_err *err);
/* Compute every value. */
int names_resolve(struct names *n, struct hft_err *err);
/* Is that the value of a name? -ENOENT, without an error: there is no such name; -EINVAL: it may not have that value. */
int names_compare(const struct names *n, const char *name, size_t len, const char *value, const struct place *at,
                  bool *ret, struct hft_err *err);
/* Replace each ${name}, once: what comes out is not looked at again. Caller frees. */
int names_expand(struct names *n, const char *text, const struct place *at, char **ret, struct hft_err *err);

/* --- condition.c -------------------------------------------------------------------------------------------------- */

/* Judge the conditions of a header, all of them, so that a misspelt one is found on every host. */
int conditions_hold(const struct strlist *conditions, struct names *n, const struct place *at, bool *ret,
                    struct hft_err *err);

/* --- phases.c ----------------------------------------------------------------------------------------------------- */

struct phase_use { /* what the finished phase does not say */
	struct place first;      /* that mentioned it */
	const char *declared_in; /* the last file that declared it, or NULL */
};

struct phases {
	struct profile *p;
	struct names *names;
	struct phase_use uses[PROFILE_PHASES_MAX]; /* parallel to p->phases */
};

/* The index of a phase as a header spells it, made when it is new. */
int phases_find(struct phases *t, const char *text, const struct place *at, size_t *ret, struct hft_err *err);
/* Take a [phase NAME] section; what it sets replaces what earlier files did, its notes come behind theirs. */
int phases_declare(struct phases *t, const struct profile_section *s, const struct header *h, const char *path,
                   struct hft_err *err);
/* Is every phase declared somewhere? */
int phases_check(const struct phases *t, struct hft_err *err);
/* By order, then as they came; settings follow. */
void phases_sort(struct profile *p);

/* --- merge.c ------------------------------------------------------------------------------------------------------ */

struct stacked { /* one file in stacking order: includes come first */
	struct profile_file *file;
	struct header *headers; /* one per section */
	const char *path;       /* owned by profile->files */
};

void profile_setting_done(struct profile_setting *s);
/* Phases and settings of all files into *p, expanded, merged and sorted. */
int merge_files(struct profile *p, const struct stacked *files, size_t n_files, struct names *names,
                struct hft_err *err);
