/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of lib/base/str: growing strings, lists, and the tests that guard what enters and leaves the tool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

static void test_strbuf_starts_empty(void **state)
{
	struct strbuf b = { 0 };
	(void)state;

	assert_string_equal(strbuf_str(&b), "");
	strbuf_trim(&b);
	strbuf_reset(&b);
	strbuf_add(&b, "");
	assert_string_equal(strbuf_str(&b), "");
	char *s = strbuf_take(&b);
	assert_non_null(s);
	assert_string_equal(s, "");
	free(s);
	strbuf_done(&b);
	strbuf_done(&b);
}

static void test_strbuf_appends(void **state)
{
	struct strbuf b = { 0 };
	(void)state;

	strbuf_add(&b, "ab");
	strbuf_addc(&b, 'c');
	strbuf_addn(&b, "defg", 2);
	strbuf_addf(&b, "-%d-%s", 42, "x");
	assert_string_equal(b.s, "abcde-42-x");
	assert_int_equal(b.len, 10);
	assert_false(b.oom);
	char *s = strbuf_take(&b);
	assert_string_equal(s, "abcde-42-x");
	assert_null(b.s);
	assert_int_equal(b.len, 0);
	free(s);
}

static void test_strbuf_grows(void **state)
{
	struct strbuf b = { 0 };
	char long_text[5000];
	(void)state;

	memset(long_text, 'y', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	for (size_t n = 0; n < 300; n++) { /* over every boundary of a doubling buffer */
		assert_int_equal(b.len, n);
		assert_int_equal(strlen(strbuf_str(&b)), n);
		strbuf_addf(&b, "%c", 'x');
	}
	strbuf_addf(&b, "%s", long_text);
	assert_int_equal(b.len, 300 + 4999);
	assert_int_equal(strlen(b.s), b.len);
	assert_true(b.s[299] == 'x' && b.s[300] == 'y');

	const char *memory = b.s;
	strbuf_reset(&b);
	strbuf_add(&b, "again");
	assert_ptr_equal(b.s, memory); /* reset keeps the memory */
	assert_string_equal(b.s, "again");
	strbuf_done(&b);
}

static void test_strbuf_out_of_memory(void **state)
{
	struct strbuf b = { 0 };
	(void)state;

	strbuf_add(&b, "kept");
	strbuf_addn(&b, "x", SIZE_MAX - 2);
	assert_true(b.oom);
	strbuf_add(&b, "ignored");
	assert_string_equal(strbuf_str(&b), "kept");
	assert_null(strbuf_take(&b));
	assert_false(b.oom); /* taken is done */

	b.oom = true;
	strbuf_reset(&b);
	strbuf_add(&b, "ok");
	assert_string_equal(strbuf_str(&b), "ok");
	strbuf_done(&b);
}

static void test_strbuf_keeps_nul_bytes(void **state)
{
	struct strbuf b = { 0 };
	(void)state;

	strbuf_addn(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.s, "a\0b", 4);
	strbuf_done(&b);
}

static void test_strbuf_trim(void **state)
{
	static const char *const rows[][2] = {
		{"a",             "a"    },
                {" \t a b\r\n\n", "a b"  },
                {" \n",           ""     },
                {"a ",            "a"    },
                {" a",            "a"    },
                {"\va\v",         "\va\v"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf b = { 0 };
		strbuf_add(&b, rows[i][0]);
		strbuf_trim(&b);
		assert_string_equal(b.s, rows[i][1]);
		assert_int_equal(b.len, strlen(rows[i][1]));
	}
}

static void assert_list(const struct strlist *l, const char *joined)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };

	for (size_t i = 0; i < l->n; i++)
		strbuf_addf(&b, "%s%s", i > 0 ? "|" : "", l->s[i]);
	assert_string_equal(strbuf_str(&b), joined);
}

static void test_strlist(void **state)
{
	CLEANUP(strlist_done) struct strlist l = { 0 };
	(void)state;

	strlist_sort(&l);
	assert_false(strlist_has(&l, "cpu1"));
	assert_int_equal(strlist_add(&l, "cpu10"), 0);
	assert_int_equal(strlist_take(&l, strdup("cpu2")), 0);
	assert_int_equal(strlist_add(&l, "cpu1"), 0);
	assert_int_equal(strlist_take(&l, NULL), -ENOMEM);
	for (int i = 0; i < 20; i++)
		assert_int_equal(strlist_add(&l, "z"), 0);
	assert_int_equal(l.n, 23);
	strlist_sort(&l);
	assert_string_equal(l.s[0], "cpu1");
	assert_string_equal(l.s[1], "cpu2");
	assert_string_equal(l.s[2], "cpu10");
	assert_true(strlist_has(&l, "cpu2"));
	assert_false(strlist_has(&l, "cpu"));
	strlist_done(&l);
	assert_int_equal(l.n, 0);
	assert_null(l.s);
}

static void test_strlist_split(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" }, { " ,", "" }, { "a", "a" }, { "a,b c", "a|b|c" }, { ", a,, b ,", "a|b" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strlist_done) struct strlist l = { 0 };
		assert_int_equal(strlist_split(&l, rows[i][0], ", "), 0);
		assert_list(&l, rows[i][1]);
	}
}

static void test_comparisons(void **state)
{
	(void)state;
	assert_true(str_eq("a", "a"));
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq("a", NULL));
	assert_false(str_eq(NULL, "a"));
	assert_false(str_eq("a", "ab"));
	assert_true(str_starts("/sys/x", "/sys/"));
	assert_true(str_starts("a", ""));
	assert_false(str_starts("/sy", "/sys/"));
	assert_true(str_ends("a.conf", ".conf"));
	assert_true(str_ends("a", ""));
	assert_false(str_ends("conf", ".conf"));
	assert_true(str_is_pattern("eth*"));
	assert_true(str_is_pattern("eth?"));
	assert_true(str_is_pattern("eth[0]"));
	assert_false(str_is_pattern("eth0]"));
	assert_true(str_match("virtio*-input.*", "virtio0-input.0"));
	assert_true(str_match("a*", "a/b")); /* no FNM_PATHNAME */
	assert_false(str_match("eth?", "eth10"));
}

static void test_is_utf8(void **state)
{
	static const struct {
		const char *s;
		size_t len;
		bool good;
	} rows[] = {
		{ "",                 0, true  },
		{ "plain\t\n",        7, true  },
		{ "\xc3\xa9",         2, true  },
		{ "\xe2\x82\xac",     3, true  },
		{ "\xf0\x9f\x98\x80", 4, true  },
		{ "\xf4\x8f\xbf\xbf", 4, true  }, /* U+10FFFF */
		{ "\xed\x9f\xbf",     3, true  }, /* right below the surrogates */
		{ "\xee\x80\x80",     3, true  }, /* right above them */
		{ "a\0b",             3, false },
		{ "\xc0\x80",         2, false }, /* overlong NUL */
		{ "\xc1\xbf",         2, false }, /* overlong */
		{ "\xe0\x9f\xbf",     3, false }, /* overlong */
		{ "\xf0\x8f\xbf\xbf", 4, false }, /* overlong */
		{ "\xed\xa0\x80",     3, false }, /* surrogate */
		{ "\xed\xbf\xbf",     3, false }, /* surrogate */
		{ "\xf4\x90\x80\x80", 4, false }, /* beyond U+10FFFF */
		{ "\xf8\x88\x80\x80\x80", 5, false },
		{ "\x80",             1, false },
		{ "\xff",             1, false },
		{ "\xc3",             1, false },
		{ "\xc3\xa9",         1, false }, /* cut by len */
		{ "\xc3(",            2, false },
		{ "\xe2\x82",         2, false },
		{ "a\xe2\x82z",       4, false },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(str_is_utf8(rows[i].s, rows[i].len), rows[i].good);
}

static void test_has_control(void **state)
{
	static const char *const bad[] = {
		"a\tb", "\n", "\x1b[31m", "\x7f", "\xc2\x80", "\xc2\x9b", "\xc2\x9f", "\x9b", /* a bare C1 byte */
		"\xd8\x9c",                                                                   /* U+061C */
		"\xe2\x80\x8e", "\xe2\x80\xaa", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9", "x\xe2\x80\x8f",
	};
	static const char *const good[] = {
		"",
		"plain ~",
		"\xc2\xa0",
		"\xe2\x82\xac",
		"\xf0\x9f\x98\x80",
		"\xe2\x80\x8d",
		"\xe2\x80\xa9",
		"\xe2\x81\xa5",
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(str_has_control(bad[i], strlen(bad[i])));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_false(str_has_control(good[i], strlen(good[i])));
	assert_true(str_has_control("a\0b", 3));
}

static void test_copies(void **state)
{
	CLEANUP(mem_freep) char *a = str_dup_n("abcdef", 3);
	CLEANUP(mem_freep) char *b = str_printf("%s-%d", "n", 5);
	(void)state;

	assert_string_equal(a, "abc");
	assert_string_equal(b, "n-5");
	assert_null(str_dup_n("", SIZE_MAX));
}

static void test_copies_into_a_buffer(void **state)
{
	char buf[4] = "xyz";
	(void)state;

	assert_true(str_copy(buf, sizeof(buf), "abc"));
	assert_string_equal(buf, "abc");
	assert_false(str_copy(buf, sizeof(buf), "abcd"));
	assert_string_equal(buf, "");
	assert_true(str_copy(buf, 1, ""));
	assert_false(str_copy(buf, 0, ""));
}

static void test_columns(void **state)
{
	(void)state;
	assert_int_equal(str_columns(""), 0);
	assert_int_equal(str_columns("abc"), 3);
	assert_int_equal(str_columns("\xff\x80z"), 3);
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return;
	assert_int_equal(str_columns("\xc3\xa9"), 1);
	assert_int_equal(str_columns("e\xcc\x81"), 1);                /* a combining accent takes none */
	assert_int_equal(str_columns("\xe6\xbc\xa2\xe5\xad\x97"), 4); /* two wide characters */
	setlocale(LC_CTYPE, "C");
}

static void test_ownership_helpers(void **state)
{
	int *array = NULL;
	size_t cap = 0;
	char *p = strdup("x"), *taken = TAKE_PTR(p);
	int fd = 5;
	(void)state;

	assert_null(p);
	mem_freep(&taken);
	assert_null(taken);
	assert_int_equal(TAKE_FD(fd), 5);
	assert_int_equal(fd, -1);
	mem_closep(&fd);
	for (size_t n = 0; n < 1000; n++) {
		assert_int_equal(mem_grow(&array, &cap, n, sizeof(*array)), 0);
		assert_true(cap > n);
		array[n] = (int)n;
	}
	assert_int_equal(array[999], 999);
	int *before = array;
	size_t before_cap = cap;
	assert_int_equal(mem_grow(&array, &cap, cap, SIZE_MAX / 4), -ENOMEM);
	assert_ptr_equal(array, before);
	assert_int_equal(cap, before_cap);
	mem_freep(&array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strbuf_starts_empty),
		cmocka_unit_test(test_strbuf_appends),
		cmocka_unit_test(test_strbuf_grows),
		cmocka_unit_test(test_strbuf_out_of_memory),
		cmocka_unit_test(test_strbuf_keeps_nul_bytes),
		cmocka_unit_test(test_strbuf_trim),
		cmocka_unit_test(test_strlist),
		cmocka_unit_test(test_strlist_split),
		cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_is_utf8),
		cmocka_unit_test(test_has_control),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_copies_into_a_buffer),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_ownership_helpers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
