/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker says: whole Varlink messages on a stream that the daemon passes on unread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/str.h"

struct hft_err;
struct json;
struct result;

struct reply {
	int fd;
	bool more;   /* the caller takes several replies */
	bool oneway; /* the caller takes none */
	unsigned *finished; /* set to 1 before the last message goes out, or NULL */
	int64_t last_progress_us;
	struct strbuf out; /* not yet sent */
};

void reply_done(struct reply *r);
/* Send what is left. 0 or -EPIPE. */
int reply_flush(struct reply *r);
int reply_json(struct reply *r, struct json *take_parameters, bool continues);
int reply_error(struct reply *r, const struct hft_err *err);
/* A progress line, at most ten a second and only with "more". */
void reply_progress(struct reply *r, size_t step, size_t steps, const char *object);
/* Steps (in batches with "more"), headings, summary and what else the result holds. */
int reply_result(struct reply *r, const struct result *result);
