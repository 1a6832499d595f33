/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one table of verbs. Dispatch, help, usage errors and completion come from it; a new verb is a new row.
 * A verb is: a request made from the options, a method of the daemon, an exit status read off the reply, and a view
 * that the text writer uses. None of them knows in which form the answer will be written.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"

struct hft_err;
struct json;
struct out;
struct result;
struct text;

struct verb {
	const char *name;
	const char *args;       /* for people: "PROFILE", "[TXN]", "" */
	size_t min_args, max_args;
	enum word_kind completes; /* what the argument is */
	unsigned options;       /* OPT_BITs that it takes besides the global ones */
	unsigned with_arg;      /* those of them that make sense only together with the argument */
	const char *summary;    /* one line for `hfttune --help` */
	const char *details;    /* more for `hfttune VERB --help` */
	bool hidden;            /* not in help: for the completion scripts */
	bool streams;           /* call with "more" */
	bool changes;           /* a lost connection leaves a transaction behind */
	const char *method;     /* "Plan"; NULL when `run` does it all */
	/* Parameters of the call; NULL when out of memory, the row may leave it out: no parameters. */
	struct json *(*request)(const struct options *o);
	/* The exit status that a successful reply means; left out: 0. */
	int (*status)(const struct json *reply);
	/* The reply for people. */
	void (*view)(struct text *t, const struct result *r);
	/* Instead of the above: returns the exit status. */
	int (*run)(const struct options *o, struct out *out);
};

extern const struct verb verbs[];
extern const size_t n_verbs;

const struct verb *verb_find(const char *name); /* NULL when unknown */
