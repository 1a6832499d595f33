/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forms of rows: numbers, alone, in vectors and in hex. Strict in profiles; must know no row. */
#include "daemon/knobs/row_form.h"

#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define TICKS_MS 20

static bool is_power_of_two(int64_t v)
{
	return v >= 0 && (v & (v - 1)) == 0;
}

/* The rule on a number by itself. */
static bool number_fits(const struct row *row, int64_t v)
{
	if (row->rule == ROW_OR_ZERO && v == 0)
		return true;
	if (v < row->min || v > row->max)
		return false;
	if (row->rule == ROW_POW2)
		return is_power_of_two(v);
	if (row->rule == ROW_TICKS_MS)
		return v % TICKS_MS == 0;
	return row->rule != ROW_MULTIPLE || v % row->step == 0;
}

/* The rule on a number after the one before it in a vector. */
static bool follows(const struct row *row, int64_t before, int64_t v)
{
	if (row->rule == ROW_RISING)
		return v > before;
	return row->rule != ROW_ASCENDING || v >= before;
}

/* One number of a profile: strict. `whole` is the value that the error speaks of. */
static int parse_number(const struct row *row, const char *text, const char *whole, int64_t *ret, struct hft_err *err)
{
	int r = num_parse_i64(text, ret);

	if (r == -EINVAL)
		return row_raise_form(row, whole, err);
	return r < 0 || !number_fits(row, *ret) ? row_raise_bounds(row, whole, err) : 0;
}

static int parse_int(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                     struct strbuf *ret, struct hft_err *err)
{
	int64_t v;

	(void)c;
	(void)path;
	int r = parse_number(row, value, value, &v, err);
	if (r == 0)
		strbuf_add(ret, value);
	return r;
}

static int int_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	int64_t v;

	(void)row;
	if (num_parse_i64(text, &v) < 0)
		return -EINVAL;
	strbuf_add(ret, text);
	return 0;
}

static int parse_ints(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                      struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist parts = {0};
	int64_t v = 0, before;

	(void)c;
	(void)path;
	if (strlist_split(&parts, value, ROW_BLANKS) < 0)
		return err_oom(err);
	if (parts.n != (size_t)row->n)
		return row_raise_form(row, value, err);
	for (size_t i = 0; i < parts.n; i++) {
		before = v;
		int r = parse_number(row, parts.s[i], value, &v, err);
		if (r < 0)
			return r;
		if (i > 0 && !follows(row, before, v))
			return row_raise_bounds(row, value, err);
		strbuf_addf(ret, "%s%s", i > 0 ? " " : "", parts.s[i]);
	}
	return 0;
}

static int ints_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	CLEANUP(strlist_done) struct strlist parts = {0};
	int64_t v;

	if (strlist_split(&parts, text, ROW_BLANKS) < 0)
		return -ENOMEM;
	if (parts.n != (size_t)row->n)
		return -EINVAL;
	for (size_t i = 0; i < parts.n; i++) {
		if (num_parse_i64(parts.s[i], &v) < 0)
			return -EINVAL;
		strbuf_addf(ret, "%s%s", i > 0 ? " " : "", parts.s[i]);
	}
	return 0;
}

/* The kernel sets the numbers of a vector apart with tabs (proc_dointvec). */
static void ints_shown(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
                       struct strbuf *ret)
{
	(void)c;
	(void)row;
	(void)before;
	for (const char *p = value; *p != '\0'; p++)
		strbuf_addc(ret, *p == ' ' ? '\t' : *p);
}

static int parse_hex(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                     struct strbuf *ret, struct hft_err *err)
{
	uint64_t v;

	(void)c;
	(void)path;
	int r = str_starts(value, "0x") ? num_parse_hex(value, &v) : -EINVAL;
	if (r == -EINVAL)
		return row_raise_form(row, value, err);
	if (r < 0 || v < (uint64_t)row->min || v > (uint64_t)row->max)
		return row_raise_bounds(row, value, err);
	strbuf_addf(ret, "0x%llx", (unsigned long long)v);
	return 0;
}

static int hex_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	uint64_t v;

	(void)row;
	if (num_parse_hex(text, &v) < 0)
		return -EINVAL;
	strbuf_addf(ret, "0x%llx", (unsigned long long)v);
	return 0;
}

/* As many digits as before: "0x0007". */
static void hex_shown(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
                      struct strbuf *ret)
{
	uint64_t v = 0;
	size_t digits = str_starts(before, "0x") ? strlen(before) - 2 : 1;

	(void)c;
	(void)row;
	num_parse_hex(value, &v);
	strbuf_addf(ret, "0x%0*llx", (int)digits, (unsigned long long)v);
}

const struct row_codec row_int = {
	.parse = parse_int,
	.of_text = int_of_text,
};

const struct row_codec row_ints = {
	.parse = parse_ints,
	.of_text = ints_of_text,
	.shown = ints_shown,
};

const struct row_codec row_hex = {
	.parse = parse_hex,
	.of_text = hex_of_text,
	.shown = hex_shown,
};
