/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of lib/base/num: what is a number, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "lib/base/num.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define UNTOUCHED 4242

/* Neither signed nor unsigned. */
static const char *const no_numbers[] = {
	NULL, "", " ", " 1", "1 ", "1\n", "\t1", "+1", "-", "--1", "01", "00", "-0", "-01", "0x10", "1e3", "1.0", "1_0",
	"1,2", "a", "1a", "99999999999999999999x", "\xd9\xa1", /* a digit, and not ours */
};

static void test_no_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(no_numbers); i++) {
		int64_t s = UNTOUCHED;
		uint64_t u = UNTOUCHED;
		assert_int_equal(num_parse_i64(no_numbers[i], &s), -EINVAL);
		assert_int_equal(num_parse_u64(no_numbers[i], &u), -EINVAL);
		assert_int_equal(num_parse_range(no_numbers[i], INT64_MIN, INT64_MAX, &s), -EINVAL);
		assert_true(s == UNTOUCHED && u == UNTOUCHED);
	}
}

static void test_i64(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t value;
	} rows[] = {
		{ "0",                     0,       0                      },
		{ "-1",                    0,       -1                     },
		{ "1000",                  0,       1000                   },
		{ "9223372036854775807",   0,       INT64_MAX              },
		{ "-9223372036854775808",  0,       INT64_MIN              },
		{ "9223372036854775808",   -ERANGE, UNTOUCHED              },
		{ "-9223372036854775809",  -ERANGE, UNTOUCHED              },
		{ "18446744073709551616",  -ERANGE, UNTOUCHED              },
		{ "-18446744073709551616", -ERANGE, UNTOUCHED              },
	};
	(void)state;

	for (size_t i = 0; i < N(rows); i++) {
		int64_t value = UNTOUCHED;
		assert_int_equal(num_parse_i64(rows[i].text, &value), rows[i].r);
		assert_true(value == rows[i].value);
	}
}

static void test_u64(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t value;
	} rows[] = {
		{ "0",                      0,       0          },
		{ "10",                     0,       10         },
		{ "18446744073709551615",   0,       UINT64_MAX },
		{ "18446744073709551616",   -ERANGE, UNTOUCHED  },
		{ "184467440737095516150",  -ERANGE, UNTOUCHED  },
		{ "340282366920938463463374607431768211456", -ERANGE, UNTOUCHED },
		{ "-1",                     -ERANGE, UNTOUCHED  },
	};
	(void)state;

	for (size_t i = 0; i < N(rows); i++) {
		uint64_t value = UNTOUCHED;
		assert_int_equal(num_parse_u64(rows[i].text, &value), rows[i].r);
		assert_true(value == rows[i].value);
	}
}

static void test_range(void **state)
{
	int64_t value = UNTOUCHED;
	(void)state;

	assert_int_equal(num_parse_range("-6", -5, 5, &value), -ERANGE);
	assert_int_equal(num_parse_range("6", -5, 5, &value), -ERANGE);
	assert_true(value == UNTOUCHED);
	assert_int_equal(num_parse_range("-5", -5, 5, &value), 0);
	assert_true(value == -5);
	assert_int_equal(num_parse_range("5", -5, 5, &value), 0);
	assert_true(value == 5);
}

static void test_hex(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t value;
	} rows[] = {
		{ "0",                    0,       0          },
		{ "00ff",                 0,       255        },
		{ "0xdeadBEEF",           0,       0xdeadbeef },
		{ "0X1",                  0,       1          },
		{ "ffffffffffffffff",     0,       UINT64_MAX },
		{ "0000ffffffffffffffff", 0,       UINT64_MAX },
		{ "10000000000000000",    -ERANGE, UNTOUCHED  },
		{ "1000000000000000000000000000000000", -ERANGE, UNTOUCHED },
		{ "",                     -EINVAL, UNTOUCHED  },
		{ "0x",                   -EINVAL, UNTOUCHED  },
		{ "x1",                   -EINVAL, UNTOUCHED  },
		{ "0x0x1",                -EINVAL, UNTOUCHED  },
		{ "g",                    -EINVAL, UNTOUCHED  },
		{ "-1",                   -EINVAL, UNTOUCHED  },
		{ " 1",                   -EINVAL, UNTOUCHED  },
		{ "1 ",                   -EINVAL, UNTOUCHED  },
		{ "10000000000000000x",   -EINVAL, UNTOUCHED  },
		{ NULL,                   -EINVAL, UNTOUCHED  },
	};
	(void)state;

	for (size_t i = 0; i < N(rows); i++) {
		uint64_t value = UNTOUCHED;
		assert_int_equal(num_parse_hex(rows[i].text, &value), rows[i].r);
		assert_true(value == rows[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_numbers), cmocka_unit_test(test_i64), cmocka_unit_test(test_u64),
		cmocka_unit_test(test_range),      cmocka_unit_test(test_hex),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
