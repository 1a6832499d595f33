/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/server/refusals: a line a second for each user, and none of them lost in the count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/server/refusals.h"

#define START 5000000ULL

static void test_one_a_second(void **state)
{
	struct refusals r = { 0 };
	unsigned hidden = 99;
	(void)state;

	assert_true(refusals_tell(&r, 7, START, &hidden));
	assert_int_equal(hidden, 0);
	hidden = 99;
	for (unsigned i = 0; i < 10; i++)
		assert_false(refusals_tell(&r, 7, START + i * 1000, &hidden));
	assert_false(refusals_tell(&r, 7, START + REFUSALS_PAUSE_US - 1, &hidden));
	assert_int_equal(hidden, 99);
	assert_true(refusals_tell(&r, 7, START + REFUSALS_PAUSE_US, &hidden));
	assert_int_equal(hidden, 11);
	assert_true(refusals_tell(&r, 7, START + 3 * REFUSALS_PAUSE_US, &hidden));
	assert_int_equal(hidden, 0);
}

/* A flood of one user hides nobody else. */
static void test_each_user(void **state)
{
	struct refusals r = { 0 };
	unsigned hidden;
	(void)state;

	for (uid_t uid = 0; uid < REFUSALS_USERS; uid++) {
		assert_true(refusals_tell(&r, uid, START + uid, &hidden));
		assert_false(refusals_tell(&r, uid, START + uid, &hidden));
	}
	for (uid_t uid = 0; uid < REFUSALS_USERS; uid++)
		assert_false(refusals_tell(&r, uid, START + 100, &hidden));
}

static void test_forgets_the_oldest(void **state)
{
	struct refusals r = { 0 };
	unsigned hidden;
	(void)state;

	for (uid_t uid = 0; uid < REFUSALS_USERS; uid++)
		assert_true(refusals_tell(&r, uid, START + uid, &hidden));
	assert_true(refusals_tell(&r, 1000, START + 50, &hidden));
	assert_false(refusals_tell(&r, 1, START + 60, &hidden));
	assert_true(refusals_tell(&r, 0, START + 60, &hidden));
	assert_int_equal(hidden, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_a_second),
		cmocka_unit_test(test_each_user),
		cmocka_unit_test(test_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
