/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A writer: commands hand over a result and never know whether text or JSON comes of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/text.h"

struct hft_err;
struct json;
struct options;
struct out;

struct result {
	const struct options *options; /* options->verb may be NULL: it was mistyped */
	int exit;
	const struct json *reply;     /* an object, all continuations merged; or NULL */
	const struct hft_err *err;    /* NULL: it went well */
	bool usage;                   /* the command line itself is wrong: show how it is meant */
};

struct out_ops {
	void (*progress)(struct out *o, int64_t step, int64_t steps, const char *object);
	void (*result)(struct out *o, const struct result *r);
	void (*say)(struct out *o, const char *key, const char *text);
};

struct out {
	const struct out_ops *ops;
	FILE *to, *errors;
	struct text text;     /* width and colour of `to` */
	bool live;            /* `errors` is a terminal: progress can be shown */
	bool progress_shown;
	int64_t progress_at_ms; /* when it was shown last */
};

/* Choose the writer that the options ask for. `environment` answers getenv(3): tests bring their own. */
void out_init(struct out *o, const struct options *options, FILE *to, FILE *errors,
              const char *(*environment)(const char *name));
/* Free, flush. 0, or -errno when the output could not be written (-EPIPE: nobody reads it any more). */
int out_done(struct out *o);

void out_progress(struct out *o, int64_t step, int64_t steps, const char *object);
void out_result(struct out *o, const struct result *r);
/* A text as such (help); in JSON it is a member of that name. */
void out_say(struct out *o, const char *key, const char *text);

extern const struct out_ops out_text_ops, out_json_ops;
