/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of rollback/crc32c against the values of RFC 3720, B.4, and of one way to compute it against the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollback/crc32c.h"

static void check(uint32_t expected, const void *buf, size_t len)
{
	assert_int_equal(crc32c(0, buf, len), expected);
	assert_int_equal(crc32c_portable(0, buf, len), expected);
}

static void test_known_values(void **state)
{
	unsigned char zeroes[32] = { 0 }, ones[32], up[32], down[32];
	(void)state;

	memset(ones, 0xff, sizeof(ones));
	for (unsigned char i = 0; i < 32; i++) {
		up[i] = i;
		down[i] = (unsigned char)(31 - i);
	}
	check(0xe3069283, "123456789", 9);
	check(0x8a9136aa, zeroes, sizeof(zeroes));
	check(0x62a8ab43, ones, sizeof(ones));
	check(0x46dd794e, up, sizeof(up));
	check(0x113fdb5c, down, sizeof(down));
	check(0, "", 0);
}

static void test_continues(void **state)
{
	static const char text[] = "123456789";
	(void)state;

	for (size_t i = 0; i <= 9; i++) {
		assert_int_equal(crc32c(crc32c(0, text, i), text + i, 9 - i), 0xe3069283);
		assert_int_equal(crc32c_portable(crc32c_portable(0, text, i), text + i, 9 - i), 0xe3069283);
	}
}

static void test_both_agree(void **state)
{
	unsigned char buf[300];
	unsigned seed = (unsigned)time(NULL);
	(void)state;

	print_message("seed %u\n", seed);
	srandom(seed);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (unsigned char)random();
	for (size_t at = 0; at < 9; at++) /* any alignment */
		for (size_t len = 0; len + at <= sizeof(buf); len++)
			assert_int_equal(crc32c(7, buf + at, len), crc32c_portable(7, buf + at, len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_continues),
		cmocka_unit_test(test_both_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
