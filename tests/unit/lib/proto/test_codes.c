/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/proto/codes: looking up, and the order of exit statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/proto/codes.h"

static void test_find(void **state)
{
	(void)state;
	assert_string_equal(code_find(ERR_INVALID_PROFILE)->error, "InvalidProfile");
	assert_string_equal(code_find(ERR_NO_DAEMON)->code, ERR_NO_DAEMON);
	assert_string_equal(code_find("nonsense")->code, ERR_IO);
	assert_string_equal(code_find("")->code, ERR_IO);
	assert_string_equal(code_find(NULL)->code, ERR_IO);
}

static void test_find_error(void **state)
{
	(void)state;
	assert_string_equal(code_find_error("StateDamaged")->code, ERR_STATE);
	assert_string_equal(code_find_error("InputOutput")->code, ERR_IO);
	assert_null(code_find_error("statedamaged"));
	assert_null(code_find_error(""));
	assert_null(code_find_error("org.hfttune.Tuner.StateDamaged"));
}

static void test_exit_of_code(void **state)
{
	static const struct {
		const char *code;
		int exit;
	} wanted[] = {
		{ ERR_INVALID_ARGUMENT, 2 }, { ERR_INVALID_PROFILE, 2 }, { ERR_NO_PROFILE, 2 }, { ERR_NO_MATCH, 2 },
		{ ERR_OUT_OF_BOUNDS, 2 }, { ERR_REFUSED, 4 }, { ERR_PERMISSION, 4 }, { ERR_BUSY, 4 }, { ERR_CONFLICT,
		4 },
		{ ERR_WRITE_FAILED, 1 }, { ERR_NOT_IN_EFFECT, 1 }, { ERR_NOT_UNDONE, 7 }, { ERR_IO, 1 },
		{ ERR_NO_MEMORY, 1 }, { ERR_STATE, 4 }, { ERR_TIMEOUT, 1 }, { ERR_NO_DAEMON, 6 }, { ERR_PROTOCOL, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		assert_string_equal(code_find(wanted[i].code)->code, wanted[i].code);
		assert_int_equal(code_find(wanted[i].code)->exit, wanted[i].exit);
	}
}

static void test_exit_order(void **state)
{
	static const int order[] = { 7, 1, 6, 2, 4, 3, 5, 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		for (size_t k = i; k < ARRAY_LEN(order); k++) {
			assert_int_equal(exit_worse(order[i], order[k]), order[i]);
			assert_int_equal(exit_worse(order[k], order[i]), order[i]);
		}
	}
	assert_int_equal(exit_worse(99, 0), 99); /* an unknown one is a failure, not a success */
	assert_int_equal(exit_worse(7, 99), 7);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_error),
		cmocka_unit_test(test_exit_of_code),
		cmocka_unit_test(test_exit_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
