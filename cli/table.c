/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Aligned tables fitted to a width. Must not know what the cells mean. */
#include "cli/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define UNDER_INDENT 4

void table_init(struct table *t, const struct table_column *columns, size_t n_columns)
{
	*t = (struct table){ .columns = columns, .n_columns = n_columns };
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i].s);
	free(t->cells);
	*t = (struct table){ 0 };
}

void table_cell(struct table *t, enum style style, const char *fmt, ...)
{
	CLEANUP(strbuf_done) struct strbuf raw = { 0 };
	CLEANUP(strbuf_done) struct strbuf escaped = { 0 };
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&raw, fmt, ap);
	va_end(ap);
	text_escape(&escaped, strbuf_str(&raw));
	if (raw.oom || escaped.oom || mem_grow(&t->cells, &t->cap, t->n_cells, sizeof(*t->cells)) < 0) {
		t->oom = true;
		return;
	}
	t->cells[t->n_cells++] = (struct table_cell){ .s = strbuf_take(&escaped), .style = style };
}

size_t table_rows(const struct table *t)
{
	return t->n_columns > 0 ? t->n_cells / t->n_columns : 0;
}

static const struct table_cell *cell(const struct table *t, size_t row, size_t column)
{
	return &t->cells[row * t->n_columns + column];
}

static const char *cell_str(const struct table *t, size_t row, size_t column)
{
	const char *s = cell(t, row, column)->s;

	return s != NULL ? s : "";
}

/* --- widths ------------------------------------------------------------------------------------------------------- */

static size_t total(const size_t *widths, size_t n)
{
	size_t sum = 0, used = 0;

	for (size_t i = 0; i < n; i++) {
		sum += widths[i];
		used += widths[i] > 0;
	}
	return sum + (used > 1 ? (used - 1) * TABLE_GAP : 0);
}

/* The widest column that may still give; n when none may. */
static size_t widest(const size_t *least, const size_t *widths, size_t n)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++)
		if (widths[i] > least[i] && (best == n || widths[i] > widths[best]))
			best = i;
	return best;
}

static void narrow(const size_t *least, size_t *widths, size_t n, size_t room)
{
	while (total(widths, n) > room) {
		size_t i = widest(least, widths, n);
		if (i == n)
			return;
		widths[i]--;
	}
}

/* First down to whole words, then to what the columns allow. */
static void narrow_all(const struct table_column *columns, const struct table_need *needs, size_t n, size_t room,
                       size_t *widths)
{
	size_t words[TABLE_COLUMNS_MAX], least[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < n; i++) {
		least[i] = columns[i].least > 0 ? columns[i].least : SIZE_MAX;
		words[i] = needs[i].word > least[i] ? needs[i].word : least[i];
	}
	narrow(words, widths, n, room);
	narrow(least, widths, n, room);
}

bool table_fit(const struct table_column *columns, const struct table_need *needs, size_t n, size_t room,
               size_t *ret_widths)
{
	for (size_t i = 0; i < n; i++)
		ret_widths[i] = needs[i].natural;
	if (room == 0 || n == 0 || total(ret_widths, n) <= room)
		return false;

	size_t last = ret_widths[n - 1];
	if (!columns[n - 1].under || last == 0) {
		narrow_all(columns, needs, n, room, ret_widths);
		return false;
	}
	size_t others = total(ret_widths, n - 1) + TABLE_GAP;
	if (room >= others + TABLE_UNDER_LEAST) {
		ret_widths[n - 1] = room - others;
		return false;
	}
	ret_widths[n - 1] = 0;
	narrow_all(columns, needs, n - 1, room, ret_widths);
	return true;
}

/* The widest piece of s that text_break() keeps whole. */
static size_t longest_word(const char *s)
{
	size_t longest = 0, n = 0;

	for (; *s != '\0'; s++) {
		n = *s == ' ' ? 0 : n + 1;
		longest = n > longest ? n : longest;
		if (text_is_break(*s))
			n = 0;
	}
	return longest;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static struct table_need measure(const struct table *t, size_t column)
{
	struct table_need need = { 0 };

	for (size_t r = 0; r < table_rows(t); r++) {
		need.natural = larger(need.natural, str_columns(cell_str(t, r, column)));
		need.word = larger(need.word, longest_word(cell_str(t, r, column)));
	}
	if (need.natural > 0)
		need.natural = larger(need.natural, strlen(t->columns[column].title));
	return need;
}

/* --- printing ----------------------------------------------------------------------------------------------------- */

struct layout {
	const struct table *t;
	struct text *out;
	size_t indent;
	size_t widths[TABLE_COLUMNS_MAX];
	size_t last; /* the last column that is shown beside the others */
	bool under;
};

/* n bytes of s in a field; the last field of a line is not padded. */
static void put_field(const struct layout *l, size_t column, enum style style, const char *s, size_t n)
{
	struct text *out = l->out;
	char *part = str_dup_n(s, n);
	size_t w = part != NULL ? str_columns(part) : 0;
	size_t pad = l->widths[column] > w ? l->widths[column] - w : 0;
	bool right = l->t->columns[column].right;

	if (right)
		text_pad(out, pad);
	if (n > 0 && style != STYLE_PLAIN)
		text_style(out, style);
	strbuf_addn(&out->b, s, n);
	if (n > 0 && style != STYLE_PLAIN)
		text_style(out, STYLE_PLAIN);
	if (column != l->last)
		text_pad(out, (right ? 0 : pad) + TABLE_GAP);
	free(part);
}

static void put_titles(const struct layout *l)
{
	text_pad(l->out, l->indent);
	for (size_t c = 0; c <= l->last; c++)
		if (l->widths[c] > 0)
			put_field(l, c, STYLE_BOLD, l->t->columns[c].title, strlen(l->t->columns[c].title));
	text_nl(l->out);
}

/* A line end without the blanks before it. */
static void end_line(struct text *out)
{
	while (out->b.len > 0 && out->b.s[out->b.len - 1] == ' ')
		out->b.s[--out->b.len] = '\0';
	text_nl(out);
}

/* One row, in as many lines as its longest cell needs. */
static void put_row(const struct layout *l, size_t row)
{
	const char *rest[TABLE_COLUMNS_MAX];
	bool more = true;

	for (size_t c = 0; c <= l->last; c++)
		rest[c] = cell_str(l->t, row, c);
	while (more) {
		more = false;
		text_pad(l->out, l->indent);
		for (size_t c = 0; c <= l->last; c++) {
			size_t next = 0, n = 0;
			if (l->widths[c] == 0)
				continue;
			if (*rest[c] != '\0')
				n = text_break(rest[c], l->widths[c], &next);
			put_field(l, c, cell(l->t, row, c)->style, rest[c], n);
			rest[c] += next;
			more = more || *rest[c] != '\0';
		}
		end_line(l->out);
	}
}

static void put_under(const struct layout *l, size_t row)
{
	const char *rest = cell_str(l->t, row, l->t->n_columns - 1);
	size_t indent = l->indent + UNDER_INDENT;
	size_t width = TABLE_UNDER_LEAST;

	if (text_width(l->out) > indent + width)
		width = text_width(l->out) - indent;
	while (*rest != '\0') {
		size_t next, n = text_break(rest, width, &next);
		text_pad(l->out, indent);
		text_style(l->out, STYLE_DIM);
		strbuf_addn(&l->out->b, rest, n);
		text_style(l->out, STYLE_PLAIN);
		text_nl(l->out);
		rest += next;
	}
}

void table_print(const struct table *t, struct text *out, size_t indent)
{
	struct layout l = { .t = t, .out = out, .indent = indent };
	struct table_need needs[TABLE_COLUMNS_MAX];

	out->b.oom |= t->oom;
	if (table_rows(t) == 0 || out->b.oom)
		return;
	for (size_t c = 0; c < t->n_columns; c++)
		needs[c] = measure(t, c);
	size_t room = out->width > indent ? out->width - indent : out->width;
	l.under = table_fit(t->columns, needs, t->n_columns, room, l.widths);
	for (size_t c = 0; c < t->n_columns; c++)
		if (l.widths[c] > 0)
			l.last = c;

	put_titles(&l);
	for (size_t r = 0; r < table_rows(t); r++) {
		put_row(&l, r);
		if (l.under)
			put_under(&l, r);
	}
}
