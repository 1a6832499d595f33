/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Aligned tables fitted to the terminal. A column without any content is left out. Where the room is short, columns
 * that may wrap are narrowed, the widest first; a last column marked `under` goes below its row instead of becoming a
 * narrow strip. Nothing is ever cut: an operator must be able to read the whole key of an object.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/text.h"

#define TABLE_COLUMNS_MAX 12
#define TABLE_GAP 2
#define TABLE_UNDER_LEAST 30 /* narrower than this, an `under` column goes below */

struct table_column {
	const char *title;
	size_t least; /* may be wrapped down to this width; 0: never wrapped */
	bool right;   /* numbers */
	bool under;   /* the last column only: goes below the row where it does not fit */
};

struct table_cell {
	char *s; /* escaped; NULL: empty */
	enum style style;
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	struct table_cell *cells; /* row by row */
	size_t n_cells, cap;
	bool oom;
};

/* columns is borrowed (a static table), at most TABLE_COLUMNS_MAX. */
void table_init(struct table *t, const struct table_column *columns, size_t n_columns);
void table_done(struct table *t);
/* The next cell, from left to right, row after row. The text is escaped. */
void table_cell(struct table *t, enum style style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
size_t table_rows(const struct table *t);
/* Headings and rows, each line indented. */
void table_print(const struct table *t, struct text *out, size_t indent);

struct table_need {
	size_t natural; /* the widest content; 0: left out */
	size_t word;    /* the widest piece of it that wrapping keeps whole */
};
/*
 * The widths of n columns within `room` columns, gaps included; room 0 is unlimited. Words are broken only when nothing
 * else helps. Returns true when the last column goes below the rows (its width is then 0).
 */
bool table_fit(const struct table_column *columns, const struct table_need *needs, size_t n, size_t room,
               size_t *ret_widths);
