/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The method table: name, who may call, does it change the host, function. */
#pragma once

#include <stdbool.h>

#include "daemon/engine/engine.h"
#include "daemon/server/peer.h"
#include "daemon/server/reply.h"

struct hft_err;
struct json;

/* What runs at the moment of a call, for Status. */
struct running {
	bool changing; /* a changing worker runs */
	bool stuck;    /* it did not stop when it was told to */
	bool standalone;
	const char *kind; /* as in struct method: "apply" */
	char profile[80];
	unsigned step, steps;
};

struct work {
	const struct engine *engine;
	const struct json *parameters; /* checked against the schema; may be NULL */
	const struct running *running;
	struct reply *reply;
	int64_t txn; /* set by method_reassert: what it made */
};

struct method {
	const char *name; /* as in org.hfttune.Tuner */
	enum access_right right;
	const char *changes; /* the kind of its transactions, as the journal calls it; NULL: it only reads */
	/* Runs in a worker. Sends its own reply and returns 0, or a negative errno with *err. */
	int (*run)(struct work *w, struct hft_err *err);
};

/* Not to be called by anybody: the daemon's own. Its parameter "wiped" is a list of words for engine_reassert(). */
extern const struct method method_reassert;
const struct method *method_find(const char *name); /* NULL when unknown */
