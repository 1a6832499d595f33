/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_workqueue.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_workqueue;

#define WQ "/sys/devices/virtual/workqueue/"

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	put(t, WQ "cpumask", "f");
	put(t, WQ "cpumask_requested", "f");
	put(t, WQ "power/control", "auto");
	put(t, WQ "writeback/cpumask", "f");
	put(t, WQ "writeback/nice", "0");
	put(t, WQ "writeback/affinity_scope", "default (cache)");
	put(t, WQ "blkcg_punt_bio/cpumask", "f");
	put(t, "/sys/module/workqueue/parameters/default_affinity_scope", "cache");
	cputree_read(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

static const char *lists(void **state, const char *selector, const char *option)
{
	return listed(*state, &knob_workqueue, selector, option);
}

static void no_selector_means_all_workers(void **state)
{
	assert_string_equal(lists(state, "", "cpumask"), "cpumask");
	assert_string_equal(lists(state, "", "nice"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "", "max_active"), ERR_INVALID_PROFILE);
}

static void queues_are_selected(void **state)
{
	assert_string_equal(lists(state, "writeback", "cpumask"), "writeback cpumask");
	assert_string_equal(lists(state, "*", "cpumask"), "blkcg_punt_bio cpumask|writeback cpumask");
	assert_string_equal(lists(state, "*", "nice"), "writeback nice");
	assert_string_equal(lists(state, "blkcg_punt_bio", "nice"), "blkcg_punt_bio nice(na)");
	assert_string_equal(lists(state, "nope", "cpumask"), ERR_NO_MATCH);
	assert_string_equal(lists(state, "../..", "cpumask"), ERR_NO_MATCH);
}

static void masks_are_lists(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_workqueue, "cpumask"), "0-3");
	assert_string_equal(parsed(t, &knob_workqueue, "cpumask", "cpumask", "0,1"), "0-1");
	assert_string_equal(parsed(t, &knob_workqueue, "cpumask", "cpumask", "4"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_workqueue, "writeback cpumask", "cpumask", ""), ERR_INVALID_PROFILE);
	assert_string_equal(written(t, &knob_workqueue, "cpumask", "0-1"), "");
	assert_holds(t, WQ "cpumask", "3");
	assert_holds(t, WQ "cpumask_requested", "3");
	assert_holds(t, WQ "writeback/cpumask", "f");
	assert_string_equal(written(t, &knob_workqueue, "writeback cpumask", "2"), "");
	assert_holds(t, WQ "writeback/cpumask", "4");
	assert_holds(t, WQ "cpumask", "3");
}

static void scopes_lose_and_gain_their_decoration(void **state)
{
	struct cputree *t = *state;
	const char *key = "writeback affinity_scope";

	assert_string_equal(value_now(t, &knob_workqueue, key), "default");
	assert_string_equal(parsed(t, &knob_workqueue, key, "affinity_scope", "numa"), "numa");
	assert_string_equal(parsed(t, &knob_workqueue, key, "affinity_scope", "default (cache)"), ERR_INVALID_PROFILE);
	assert_string_equal(written(t, &knob_workqueue, key, "numa"), "");
	assert_holds(t, WQ "writeback/affinity_scope", "numa");
	assert_string_equal(written(t, &knob_workqueue, key, "default"), "");
	assert_holds(t, WQ "writeback/affinity_scope", "default (cache)");
}

static void nice_has_bounds(void **state)
{
	assert_string_equal(parsed(*state, &knob_workqueue, "writeback nice", "nice", "-20"), "-20");
	assert_string_equal(parsed(*state, &knob_workqueue, "writeback nice", "nice", "20"), ERR_OUT_OF_BOUNDS);
}

/* An isolated partition has narrowed the mask: a write cannot say both again. */
static void a_narrowed_mask_is_inexact(void **state)
{
	struct cputree *t = *state;

	assert_null(knob_workqueue.inexact(&t->c, "cpumask", "0-3", "0-1"));
	put(t, WQ "cpumask", "7");
	assert_non_null(knob_workqueue.inexact(&t->c, "cpumask", "0-2", "0-1"));
	assert_null(knob_workqueue.inexact(&t->c, "cpumask", "0-2", "0-2"));
	assert_null(knob_workqueue.inexact(&t->c, "writeback cpumask", "0-2", "0-1"));
	take_away(t, WQ "cpumask_requested");
	assert_null(knob_workqueue.inexact(&t->c, "cpumask", "0-2", "0-1"));
}

static void unknown_keys_are_not_applicable(void **state)
{
	static const char *const bad[] = {
		"", "nice", "writeback max_active", "nope cpumask", "a/b cpumask", "cpumask x",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_string_equal(value_now(*state, &knob_workqueue, bad[i]), ERR_NOT_APPLICABLE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_selector_means_all_workers),
		TEST(queues_are_selected),
		TEST(masks_are_lists),
		TEST(scopes_lose_and_gain_their_decoration),
		TEST(nice_has_bounds),
		TEST(a_narrowed_mask_is_inexact),
		TEST(unknown_keys_are_not_applicable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
