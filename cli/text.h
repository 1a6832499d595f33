/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for a terminal, gathered in memory: width, colour, wrapping. Whatever goes in is escaped, so that nothing that
 * the daemon sends can move the cursor; only line ends and colours, which have calls of their own, go through as such.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"

#define TEXT_WIDTH 80 /* of prose and maps, where neither the terminal nor COLUMNS say more */

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_NOTE, STYLE_BAD };

struct text {
	struct strbuf b;
	size_t width; /* columns; 0: as wide as it gets (a pipe) */
	bool colour;
};

void text_done(struct text *t);

/* The width to use: that of the terminal behind fd; where it is none, the number in `columns` ($COLUMNS, or NULL);
 * else 80 for a terminal and 0 for a pipe. */
size_t text_width_of(int fd, const char *columns);
/* The same, never 0: for prose and maps. */
size_t text_width(const struct text *t);

/* Append s with every control character, bidi control and byte that is no UTF-8 as \xNN. */
void text_escape(struct strbuf *b, const char *s);

void text_addf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_line(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* and a line end */
void text_nl(struct text *t);
void text_pad(struct text *t, size_t n); /* n blanks */
/* Begin a style; STYLE_PLAIN ends it. Nothing without colour. */
void text_style(struct text *t, enum style style);
/* A word in a style. */
void text_styled(struct text *t, enum style style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * How much of s fits into width columns: the bytes to print, and in *ret_next where the rest begins (blanks skipped).
 * Breaks at blanks, else behind punctuation, else anywhere. s is escaped text. At least one character is taken.
 */
bool text_is_break(char c); /* may a line end behind it, inside a word? */
size_t text_break(const char *s, size_t width, size_t *ret_next);
/* A paragraph: `lead` (own text, at column `indent`), then s wrapped and aligned behind it, with a line end. */
void text_wrap(struct text *t, size_t indent, const char *lead, const char *s);
