/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of lib/base/err: what every caller relies on. Judges codes, numbers and fields, and no wording of the tool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

static void fill_with_garbage(struct hft_err *err)
{
	memset(err, 'x', sizeof(*err));
}

static void test_raise_fills_all_fields(void **state)
{
	struct hft_err err;
	(void)state;

	fill_with_garbage(&err);
	assert_int_equal(err_raise(&err, ERR_IO, ENOENT, "/proc/x", "n=%d", 7), -ENOENT);
	assert_string_equal(err.code, ERR_IO);
	assert_int_equal(err.sys, ENOENT);
	assert_string_equal(err.subject, "/proc/x");
	assert_string_equal(err.msg, "n=7");
	assert_string_equal(err.where, "");
	assert_string_equal(err.wanted, "");
	assert_string_equal(err.found, "");
	assert_string_equal(err.hint, "");
}

static void test_return_value(void **state)
{
	struct hft_err err;
	(void)state;

	assert_int_equal(err_raise(&err, ERR_REFUSED, 0, NULL, "x"), -EINVAL);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.subject, "");
	assert_int_equal(err_raise(&err, ERR_IO, -EACCES, NULL, "x"), -EACCES);
	assert_int_equal(err.sys, EACCES);
	assert_int_equal(err_oom(&err), -ENOMEM);
	assert_string_equal(err.code, ERR_NO_MEMORY);
	assert_int_equal(err.sys, ENOMEM);
}

static void test_null_err_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(err_raise(NULL, ERR_IO, EIO, "s", "x"), -EIO);
	assert_int_equal(err_oom(NULL), -ENOMEM);
	err_context(NULL, "x");
	err_where(NULL, "f", 1);
	err_values(NULL, "a", "b");
	err_hint(NULL, "x");
}

static void test_errno_survives(void **state)
{
	struct hft_err err;
	(void)state;

	errno = EXDEV;
	err_raise(&err, ERR_IO, EIO, "s", "%ls", L"\xe9"); /* not to be had in the C locale: EILSEQ within */
	assert_int_equal(errno, EXDEV);
}

static void test_context_goes_in_front(void **state)
{
	struct hft_err err;
	(void)state;

	err_raise(&err, ERR_IO, EIO, "s", "inner");
	err_context(&err, "mid %d", 1);
	err_context(&err, "outer");
	assert_string_equal(err.msg, "outer: mid 1: inner");
	assert_string_equal(err.code, ERR_IO);
	assert_string_equal(err.subject, "s");
}

static void test_raise_from_itself(void **state)
{
	struct hft_err err;
	(void)state;

	err_raise(&err, ERR_IO, EIO, "subject", "cause");
	err_raise(&err, ERR_WRITE_FAILED, err.sys, err.subject, "because %s", err.msg);
	assert_string_equal(err.code, ERR_WRITE_FAILED);
	assert_string_equal(err.subject, "subject");
	assert_string_equal(err.msg, "because cause");
}

static void test_further_fields(void **state)
{
	struct hft_err err;
	(void)state;

	err_raise(&err, ERR_INVALID_PROFILE, 0, "s", "x");
	err_where(&err, "a.conf", 12);
	assert_string_equal(err.where, "a.conf:12");
	err_values(&err, "1", "2");
	assert_string_equal(err.wanted, "1");
	assert_string_equal(err.found, "2");
	err_values(&err, NULL, "3");
	assert_string_equal(err.wanted, "");
	assert_string_equal(err.found, "3");
	err_hint(&err, "run %s", "it");
	assert_string_equal(err.hint, "run it");
}

static void test_long_texts_are_cut_at_characters(void **state)
{
	struct hft_err err;
	char text[2000] = "";
	(void)state;

	for (int shift = 0; shift < 4; shift++) { /* whatever the alignment of the four-byte characters */
		memset(text, 'a', (size_t)shift);
		text[shift] = '\0';
		for (int i = 0; i < 300; i++)
			strcat(text, "\xf0\x9f\x98\x80");
		err_raise(&err, ERR_IO, EIO, text, "%s", text);
		err_values(&err, text, text);
		err_hint(&err, "%s", text);
		err_context(&err, "%s", text);
		const struct {
			const char *s;
			size_t size;
		} fields[] = {
			{ err.subject, sizeof(err.subject) }, { err.msg, sizeof(err.msg) },
			{ err.wanted, sizeof(err.wanted) },   { err.found, sizeof(err.found) },
			{ err.hint, sizeof(err.hint) },
		};
		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
			size_t len = strnlen(fields[i].s, fields[i].size);
			assert_true(len < fields[i].size && len + 4 >= fields[i].size);
			assert_true(str_is_utf8(fields[i].s, len));
		}
	}
}

static void test_long_path_keeps_its_line(void **state)
{
	struct hft_err err;
	char path[400];
	(void)state;

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	err_raise(&err, ERR_INVALID_PROFILE, 0, "s", "x");
	err_where(&err, path, 4294967295u);
	assert_true(strlen(err.where) == sizeof(err.where) - 1);
	assert_true(str_ends(err.where, ":4294967295"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raise_fills_all_fields),
		cmocka_unit_test(test_return_value),
		cmocka_unit_test(test_null_err_is_allowed),
		cmocka_unit_test(test_errno_survives),
		cmocka_unit_test(test_context_goes_in_front),
		cmocka_unit_test(test_raise_from_itself),
		cmocka_unit_test(test_further_fields),
		cmocka_unit_test(test_long_texts_are_cut_at_characters),
		cmocka_unit_test(test_long_path_keeps_its_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
