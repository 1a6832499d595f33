/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many keys that differ in one number only, as one: "policy0 governor" to "policy127 governor" is
 * "policy{0-127} governor". A plan for 512 CPUs is read by a person.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/str.h"

struct fold { /* zero-initialise; fold_done frees */
	const char *first;    /* borrowed */
	size_t n;             /* keys in it */
	size_t at;            /* where the number begins, once two keys are known */
	const char *tail;     /* behind the number, borrowed from the first key */
	uint64_t from, last;  /* the open range */
	struct strbuf ranges; /* the closed ones: "0-3," */
};

void fold_done(struct fold *f);
void fold_begin(struct fold *f, const char *key); /* borrowed until the end */
/* Take the key in: true when it is the others but for one number, which is larger than theirs. */
bool fold_add(struct fold *f, const char *key);
void fold_format(struct fold *f, struct strbuf *ret); /* appended */
