/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of the command line: one table, from which parsing, help, usage errors and completion come. Which verb
 * takes which is said in the verb table (verbs.h). This file opens nothing and asks nobody.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"

struct hft_err;
struct verb;

enum opt {
	OPT_JSON, OPT_NO_COLOR, OPT_SOCKET, OPT_STANDALONE, OPT_ROOT, OPT_STATE_DIR, OPT_PROFILE_DIR, OPT_HOST_CONF,
	OPT_HELP, OPT_VERSION,
	OPT_PHASE, OPT_SET, OPT_SWITCH, OPT_KEEP, OPT_PROFILE, OPT_TO, OPT_ALL, OPT_FORCE, OPT_KEEP_THEIRS,
	OPT_SECONDS,
	OPT_N
};
#define OPT_BIT(o) (1u << (o))
#define OPT_GLOBAL (OPT_BIT(OPT_PHASE) - 1) /* every verb takes them */

/* What a word stands for, so that completion can offer some. */
enum word_kind {
	WORD_NONE, WORD_PROFILE, WORD_LAYER_PROFILE, WORD_PHASE, WORD_KNOB, WORD_TXN, WORD_FILE, WORD_DIR
};

struct opt_row {
	const char *name;    /* "--phase" */
	const char *arg;     /* "PHASE", or NULL for a flag */
	bool repeat;         /* may be given more than once, each adding to it */
	unsigned needs;      /* OPT_BITs: makes sense only together with one of these; 0: always */
	unsigned excludes;   /* OPT_BITs: not together with any of these; one of each two says so */
	enum word_kind kind; /* of the argument */
	const char *summary; /* for help, one line */
};

extern const struct opt_row opt_rows[OPT_N];

struct options { /* zero-initialise; options_done frees */
	const struct verb *verb;      /* NULL: none was named */
	struct strlist args;          /* what follows the verb */
	struct strlist values[OPT_N]; /* "" for a flag */
	unsigned given;               /* OPT_BITs */
};

void options_done(struct options *o);
bool options_has(const struct options *o, enum opt opt);
const char *options_value(const struct options *o, enum opt opt); /* NULL when not given */
const char *options_arg(const struct options *o, size_t i);       /* NULL when there is none */

/*
 * Split words into verb, arguments and options; options may stand anywhere before "--". --json is noticed even behind
 * an error, so that the error can be said in the right form. What was understood stays in *o on an error too.
 * -EINVAL ERR_INVALID_ARGUMENT (subject: the word; the hint has the nearest candidate), -ENOMEM.
 */
int options_parse(struct options *o, size_t n, const char *const *words, struct hft_err *err);
/* Does it all go together: verb there, number of arguments, options of this verb, pairs that exclude each other.
 * Same errors. */
int options_check(const struct options *o, struct hft_err *err);

/*
 * Append the command line to type next: "hfttune", the global options as given, verb, then the argument and the options
 * of o whose bits are in `keep`, quoted for a shell.
 */
void options_command(const struct options *o, const char *verb, unsigned keep, bool with_args, struct strbuf *ret);

/* The candidate nearest to a mistyped word, or NULL when none is near. */
const char *options_nearest(const char *word, const char *const *candidates, size_t n);
