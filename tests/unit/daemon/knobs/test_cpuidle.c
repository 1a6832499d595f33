/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_cpuidle: which states an option disables, and that state 0 never is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cpuidle.h>

#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_cpuidle;

#define STATE(cpu, state, file) "/sys/devices/system/cpu/cpu" cpu "/cpuidle/state" state "/" file

static void put_state(const struct cputree *t, int cpu, int state, const char *name, const char *latency)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpuidle/state%d/name", cpu, state);
	put(t, path, name);
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpuidle/state%d/latency", cpu, state);
	put(t, path, latency);
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpuidle/state%d/disable", cpu, state);
	put(t, path, "0");
}

/* CPU 3 is offline and has no states. */
static int make_tree(void **state)
{
	struct cputree *t = cputree_new();

	for (int cpu = 0; cpu < 3; cpu++) {
		put_state(t, cpu, 0, "POLL", "0");
		put_state(t, cpu, 1, "C1", "2");
		put_state(t, cpu, 2, "C1E", "10");
		put_state(t, cpu, 3, "haltpoll idle", "133");
	}
	cputree_read(t);
	*state = t;
	return 0;
}

static int make_bare_tree(void **state)
{
	struct cputree *t = cputree_new();

	cputree_read(t);
	*state = t;
	return 0;
}

static int remove_tree(void **state)
{
	cputree_free(*state);
	return 0;
}

static const char *each_state(struct cputree *t, const char *option, const char *value)
{
	static char all[5];

	for (int i = 0; i < 4; i++) {
		char key[32];
		snprintf(key, sizeof(key), "cpu2 state%d", i);
		const char *one = parsed(t, &knob_cpuidle, key, option, value);
		if (one[1] != '\0')
			return one;
		all[i] = one[0];
	}
	return all;
}

static void test_list(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_cpuidle, "2", "max_latency_us"),
	                    "cpu2 state0|cpu2 state1|cpu2 state2|cpu2 state3");
	assert_string_equal(t->objects.o[3].label, "haltpoll idle");
	assert_string_equal(listed(t, &knob_cpuidle, "3", "disable"), "cpu3 states(na)");
	listed(t, &knob_cpuidle, "*", "disable");
	assert_int_equal(t->objects.n, 12);
	assert_string_equal(listed(t, &knob_cpuidle, "9", "disable"), ERR_NO_MATCH);
	assert_string_equal(listed(t, &knob_cpuidle, "2", "C6"), ERR_INVALID_PROFILE);
	assert_string_equal(t->err.subject, "C6");
}

static void test_latency_disables_what_is_slower(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(each_state(t, "max_latency_us", "10"), "0001");
	assert_string_equal(each_state(t, "max_latency_us", "9"), "0011");
	assert_string_equal(each_state(t, "max_latency_us", "0"), "0111");
	assert_string_equal(each_state(t, "max_latency_us", "133"), "0000");
	assert_string_equal(each_state(t, "max_latency_us", "-1"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(each_state(t, "max_latency_us", "1ms"), ERR_INVALID_PROFILE);
	assert_string_equal(t->err.subject, "max_latency_us");
}

static void test_state_0_stays(void **state)
{
	struct cputree *t = *state;

	put(t, STATE("2", "0", "latency"), "500");
	assert_string_equal(each_state(t, "max_latency_us", "0"), "0111");
	assert_string_equal(each_state(t, "disable", "*"), "0111");
	assert_string_equal(each_state(t, "disable", "POLL"), ERR_INVALID_PROFILE);
}

static void test_names_disable(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(each_state(t, "disable", "C1E"), "0010");
	assert_string_equal(each_state(t, "disable", "C1, haltpoll idle"), "0101");
	assert_string_equal(each_state(t, "disable", "C1*"), "0110");
	assert_string_equal(each_state(t, "disable", "C9*"), "0000");
	assert_string_equal(each_state(t, "disable", "none"), "0000");
	assert_string_equal(each_state(t, "disable", "C9"), ERR_INVALID_PROFILE);
	assert_string_equal(t->err.found, "C9");
	assert_string_equal(each_state(t, "disable", ""), ERR_INVALID_PROFILE);
}

static void test_read_and_write(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_cpuidle, "cpu2 state3"), "0");
	assert_string_equal(written(t, &knob_cpuidle, "cpu2 state3", "1"), "");
	assert_holds(t, STATE("2", "3", "disable"), "1");
	assert_holds(t, STATE("1", "3", "disable"), "0");
	assert_int_equal(judged(t, &knob_cpuidle, "cpu2 state3", "1"), KNOB_OK);
	assert_int_equal(judged(t, &knob_cpuidle, "cpu2 state2", "1"), KNOB_DRIFT);
	assert_string_equal(value_now(t, &knob_cpuidle, "cpu2 state4"), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_cpuidle, "cpu3 state1", "1"), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_cpuidle, "cpu2 state", "1"), ERR_NOT_APPLICABLE);
}

static void test_no_driver(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_cpuidle, "2", "disable"), "states(na)");
	assert_string_equal(listed(t, &knob_cpuidle, "", "max_latency_us"), "states(na)");
	assert_string_equal(parsed(t, &knob_cpuidle, "states", "max_latency_us", "5"), "5");
	assert_string_equal(parsed(t, &knob_cpuidle, "states", "max_latency_us", "x"), ERR_INVALID_PROFILE);
}

/* The library and fsio must say the same of the machine that runs this. */
static void test_library_agrees(void **state)
{
	CLEANUP(fsio_freep) struct fsio *fs = NULL;
	CLEANUP(host_freep) struct host *host = NULL;
	CLEANUP(strbuf_done) struct strbuf value = {0};
	struct hft_err err = {0};

	(void)state;
	assert_int_equal(fsio_new("/", &fs, &err), 0);
	if (host_read(fs, &host, &err) < 0)
		skip();
	struct knob_ctx c = {.fs = fs, .host = host};
	for (unsigned i = 0; i < cpuidle_state_count(0); i++) {
		char key[32];
		snprintf(key, sizeof(key), "cpu0 state%u", i);
		assert_int_equal(knob_cpuidle.read(&c, key, &value, &err), 0);
		assert_int_equal(strcmp(strbuf_str(&value), "1") == 0, cpuidle_is_state_disabled(0, i) > 0);
	}
}

static void test_explain(void **state)
{
	(void)state;
	assert_explained(&knob_cpuidle, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list),
		TEST(test_latency_disables_what_is_slower),
		TEST(test_state_0_stays),
		TEST(test_names_disable),
		TEST(test_read_and_write),
		cmocka_unit_test_setup_teardown(test_no_driver, make_bare_tree, remove_tree),
		cmocka_unit_test(test_library_agrees),
		TEST(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
