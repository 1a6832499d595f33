/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/table: fitting to the width, and that nothing is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "lib/base/mem.h"

static const struct table_column columns[] = {
	{ "OBJECT", 10, false, false }, { "N", 0, true, false }, { "WHY", 10, false, true },
};
#define N ARRAY_LEN(columns)

static void assert_fit(size_t room, const struct table_need *needs, bool under, size_t a, size_t b, size_t c)
{
	size_t widths[TABLE_COLUMNS_MAX];

	assert_int_equal(table_fit(columns, needs, N, room, widths), under);
	assert_int_equal(widths[0], a);
	assert_int_equal(widths[1], b);
	assert_int_equal(widths[2], c);
}

static void test_fit(void **state)
{
	static const struct table_need needs[] = { { 30, 8 }, { 3, 3 }, { 60, 8 } };
	(void)state;

	assert_fit(0, needs, false, 30, 3, 60);   /* a pipe */
	assert_fit(97, needs, false, 30, 3, 60);  /* 2 gaps of 2 */
	assert_fit(96, needs, false, 30, 3, 59);  /* the last one wraps beside the others */
	assert_fit(67, needs, false, 30, 3, 30);
	assert_fit(66, needs, true, 30, 3, 0);    /* a narrow strip goes below */
	assert_fit(30, needs, true, 25, 3, 0);    /* then the others give */
	assert_fit(5, needs, true, 10, 3, 0);     /* as far as they may */
}

static void test_fit_spares_words(void **state)
{
	static const struct table_column two[] = { { "A", 5, false, false }, { "B", 5, false, false } };
	static const struct table_need needs[] = { { 40, 30 }, { 40, 6 } };
	size_t widths[2];
	(void)state;

	table_fit(two, needs, 2, 50, widths);
	assert_int_equal(widths[0], 30); /* its word stays whole, the other gives more */
	assert_int_equal(widths[1], 18);
	table_fit(two, needs, 2, 20, widths);
	assert_true(widths[0] + widths[1] + TABLE_GAP <= 20);
}

static void test_fit_without_content(void **state)
{
	static const struct table_need needs[] = { { 30, 30 }, { 0, 0 }, { 0, 0 } };
	(void)state;

	assert_fit(31, needs, false, 30, 0, 0); /* no gap for what is left out */
	assert_fit(20, needs, false, 20, 0, 0);
}

static void fill(struct table *t)
{
	table_init(t, columns, N);
	table_cell(t, STYLE_PLAIN, "%s", "kernel.timer_migration");
	table_cell(t, STYLE_PLAIN, "%d", 1);
	table_cell(t, STYLE_PLAIN, "%s", "");
	table_cell(t, STYLE_PLAIN, "%s", "vm.swappiness\n");
	table_cell(t, STYLE_BAD, "%d", 100);
	table_cell(t, STYLE_DIM, "%s", "swapping stalls the thread that touches the page, whoever it is");
}

static void test_print_wide(void **state)
{
	CLEANUP(table_done) struct table t = { 0 };
	CLEANUP(text_done) struct text out = { .width = 200 };
	(void)state;

	fill(&t);
	assert_int_equal(table_rows(&t), 2);
	table_print(&t, &out, 2);
	assert_string_equal(strbuf_str(&out.b),
	                    "  OBJECT                    N  WHY\n"
	                    "  kernel.timer_migration    1\n"
	                    "  vm.swappiness\\x0a       100  swapping stalls the thread that touches the page, "
	                    "whoever it is\n");
}

static void test_print_narrow(void **state)
{
	CLEANUP(table_done) struct table t = { 0 };
	CLEANUP(text_done) struct text out = { .width = 44 };
	(void)state;

	fill(&t);
	table_print(&t, &out, 0);
	assert_string_equal(strbuf_str(&out.b), "OBJECT                    N\n"
	                                        "kernel.timer_migration    1\n"
	                                        "vm.swappiness\\x0a       100\n"
	                                        "    swapping stalls the thread that touches\n"
	                                        "    the page, whoever it is\n");
}

/* No line is wider than the terminal, and every character of every cell is there. */
static void test_print_fits_every_width(void **state)
{
	(void)state;
	for (size_t width = 44; width < 140; width++) {
		CLEANUP(table_done) struct table t = { 0 };
		CLEANUP(text_done) struct text out = { .width = width };
		CLEANUP(strlist_done) struct strlist lines = { 0 };
		fill(&t);
		table_print(&t, &out, 0);
		assert_int_equal(strlist_split(&lines, strbuf_str(&out.b), "\n"), 0);
		for (size_t i = 0; i < lines.n; i++)
			assert_true(strlen(lines.s[i]) <= width);
		assert_non_null(strstr(strbuf_str(&out.b), "kernel.timer_migration"));
		assert_non_null(strstr(strbuf_str(&out.b), "whoever"));
	}
}

static void test_empty_table_prints_nothing(void **state)
{
	CLEANUP(table_done) struct table t = { 0 };
	CLEANUP(text_done) struct text out = { .width = 80 };
	(void)state;

	table_init(&t, columns, N);
	table_print(&t, &out, 0);
	assert_int_equal(out.b.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_fit_spares_words),
		cmocka_unit_test(test_fit_without_content),
		cmocka_unit_test(test_print_wide),
		cmocka_unit_test(test_print_narrow),
		cmocka_unit_test(test_print_fits_every_width),
		cmocka_unit_test(test_empty_table_prints_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
