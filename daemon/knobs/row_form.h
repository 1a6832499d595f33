/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forms a kernel file can have, one struct each. For row_form.c and the files of the forms (row_*.c) alone. */
#pragma once

#include <stdbool.h>

#include "daemon/knobs/row.h"

#define ROW_BLANKS " \t\n"

struct row_codec {
	/* Text of a profile to canonical text. */
	int (*parse)(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
	             struct strbuf *ret, struct hft_err *err);
	/* What the file shows to canonical text: 0 or -EINVAL. */
	int (*of_text)(const struct row *row, const char *text, struct strbuf *ret);
	/* Canonical text to what the file takes; NULL: as it is. */
	int (*to_text)(const struct knob_ctx *c, const char *value, struct strbuf *ret);
	/* What the file shows after a write, given what it showed before; NULL: what it takes. */
	void (*shown)(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
	              struct strbuf *ret);
};

extern const struct row_codec row_int, row_ints, row_hex;                        /* row_number.c */
extern const struct row_codec row_word, row_select, row_name, row_names, row_yn; /* row_word.c */
extern const struct row_codec row_cpulist, row_cpumask;                          /* row_cpus.c */

/* -EINVAL ERR_INVALID_PROFILE: not of the form. -ERANGE ERR_OUT_OF_BOUNDS: beyond the row's bounds, or none of what
 * this kernel offers. */
int row_raise_form(const struct row *row, const char *value, struct hft_err *err);
int row_raise_bounds(const struct row *row, const char *value, struct hft_err *err);
int row_raise_not_offered(const struct row *row, const char *offered, const char *value, struct hft_err *err);
/* Is `word` one of the words of text, set apart by any of seps? */
bool row_has_word(const char *text, const char *seps, const char *word);
