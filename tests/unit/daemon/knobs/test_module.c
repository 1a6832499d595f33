/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_module.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_module;

#define MODULE(name) "/sys/module/" name "/parameters/"

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	put(t, MODULE("pcie_aspm") "policy", "[default] performance powersave powersupersave ");
	put(t, MODULE("zswap") "enabled", "N");
	put(t, MODULE("clocksource") "verify_n_cpus", "8");
	put(t, MODULE("workqueue") "power_efficient", "N");
	put(t, MODULE("damon_reclaim") "enabled", "N");
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
	return listed(*state, &knob_module, selector, option);
}

static void rows_ascend(void **state)
{
	struct knob_doc d, before = { .option = "" };

	(void)state;
	for (size_t i = 0; knob_module.explain(i, &d) == 0; i++) {
		if (strcmp(before.option, d.option) >= 0)
			fail_msg("%s stands before %s", before.option, d.option);
		before = d;
	}
}

/* The bounds are the table's: no parameter is to be had that it does not name. */
static void only_the_table_is_taken(void **state)
{
	assert_string_equal(lists(state, "", "zswap.enabled"), "zswap.enabled");
	assert_string_equal(lists(state, "", "workqueue.power_efficient"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "", "zswap/../zswap.enabled"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "zswap", "zswap.enabled"), ERR_INVALID_PROFILE);
	assert_string_equal(value_now(*state, &knob_module, "workqueue.power_efficient"), ERR_NOT_APPLICABLE);
}

static void what_is_not_loaded_is_not_applicable(void **state)
{
	struct cputree *t = *state;
	char full[256];

	assert_string_equal(lists(state, "", "kvm.halt_poll_ns"), "kvm.halt_poll_ns(na)");
	assert_non_null(strstr(t->objects.o[0].na, "module kvm is not loaded"));
	assert_string_equal(value_now(t, &knob_module, "kvm.halt_poll_ns"), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_module, "kvm.halt_poll_ns", "0"), ERR_NOT_APPLICABLE);
	/* Loaded, and of a version without it; and one that says it may not be written. */
	assert_string_equal(lists(state, "", "workqueue.cpu_intensive_thresh_us"),
	                    "workqueue.cpu_intensive_thresh_us(na)");
	assert_null(strstr(t->objects.o[0].na, "loaded"));
	assert_int_equal(chmod(cputree_real(t, MODULE("damon_reclaim") "enabled", full), 0444), 0);
	assert_string_equal(lists(state, "", "damon_reclaim.enabled"), "damon_reclaim.enabled(na)");
}

static void each_file_keeps_its_form(void **state)
{
	static const struct {
		const char *key, *before, *value, *file, *shown;
	} cases[] = {
		{ "pcie_aspm.policy", "default", "performance", MODULE("pcie_aspm") "policy",
		  "default [performance] powersave powersupersave " },
		{ "zswap.enabled", "0", "1", MODULE("zswap") "enabled", "Y" },
		{ "clocksource.verify_n_cpus", "8", "-1", MODULE("clocksource") "verify_n_cpus", "-1" },
	};
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(lists(state, "", cases[i].key), cases[i].key);
		assert_string_equal(value_now(t, &knob_module, cases[i].key), cases[i].before);
		assert_string_equal(parsed(t, &knob_module, cases[i].key, cases[i].key, cases[i].value),
		                    cases[i].value);
		assert_string_equal(written(t, &knob_module, cases[i].key, cases[i].value), "");
		assert_holds(t, cases[i].file, cases[i].shown);
	}
	assert_string_equal(parsed(t, &knob_module, "clocksource.verify_n_cpus", "clocksource.verify_n_cpus", "-2"),
	                    ERR_OUT_OF_BOUNDS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_ascend),
		TEST(only_the_table_is_taken),
		TEST(what_is_not_loaded_is_not_applicable),
		TEST(each_file_keeps_its_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
