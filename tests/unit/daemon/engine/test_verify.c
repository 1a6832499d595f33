/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/engine/verify: what is judged, by what, and what is said of it (P8). */
#include "tests/unit/daemon/engine/tree.h"

static const char *const text = "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 10\nvm.stat_interval = 10\n[a/irq *]\n"
				"affinity = 0-1\n[phase b]\norder = 2\nsummary = the second\n[b/sysctl]\nvm.swappiness = 20\n";

static void set_up_applied(struct tree *t)
{
	profile(t, "p", text);
	apply(t, "p");
	remember(t);
}

static int verify_profile(struct tree *t, const char *name)
{
	return call(t, engine_verify, &(struct request){.profile = name});
}

static void test_without_layers_there_is_nothing_to_judge(void **state)
{
	struct tree *t = *state;

	verify(t);
	assert_string_equal(t->result.judged, "layers");
	assert_int_equal(t->result.n_steps, 0);
	assert_int_equal(t->result.n_phases, 0);
}

static void test_what_holds_is_ok_and_what_lies_beneath_is_not_judged(void **state)
{
	struct tree *t = *state;

	set_up_applied(t);
	verify(t);
	assert_string_equal(t->result.judged, "layers");
	assert_int_equal(t->result.n_steps, 5);
	assert_state(t, "sysctl vm.swappiness", "a", "beneath");
	assert_state(t, "sysctl vm.swappiness", "b", "ok");
	assert_state(t, "sysctl vm.stat_interval", "a", "ok");
	assert_state(t, "irq IO-APIC hwirq-4", "a", "ok");
	assert_int_equal(t->result.n_phases, 2);
	assert_string_equal(t->result.phases[1].summary, "the second");
	assert_int_equal(count_written(t), 0);
}

static void test_drift_says_what_was_found(void **state)
{
	struct tree *t = *state;

	set_up_applied(t);
	put(t, SWAPPINESS, "10"); /* as the lower layer has it: drift all the same */
	verify(t);
	const struct step *st = step_of(t, "sysctl vm.swappiness", "b");
	assert_int_equal(st->state, STEP_DRIFT);
	assert_string_equal(st->before, "10");
	assert_string_equal(st->after, "20");
	assert_string_equal(st->where, PROFILES "/p.conf:12");
	assert_state(t, "sysctl vm.stat_interval", "a", "ok");
}

/* The mask is as it was written, but the interrupt goes elsewhere. */
static void test_an_interrupt_is_judged_by_where_it_goes(void **state)
{
	struct tree *t = *state;

	set_up_applied(t);
	put(t, "/proc/irq/4/effective_affinity_list", "3");
	put(t, "/proc/irq/4/effective_affinity", "8");
	verify(t);
	assert_string_not_equal(state_of(t, "irq IO-APIC hwirq-4", "a"), "ok");
	assert_state(t, "irq IO-APIC hwirq-5", "a", "ok");
}

static void test_what_has_gone_is_neither_ok_nor_an_error(void **state)
{
	struct tree *t = *state;

	set_up_applied(t);
	take_away(t, STAT_INTERVAL);
	take_away(t, "/sys/kernel/irq/5/chip_name");
	verify(t);
	assert_state(t, "sysctl vm.stat_interval", "a", "drift");
	assert_state(t, "irq IO-APIC hwirq-5", "a", "not_applicable");
	assert_non_null(step_of(t, "sysctl vm.stat_interval", "a")->reason);
	assert_state(t, "irq IO-APIC hwirq-4", "a", "ok");
}

static void test_what_was_not_applicable_stays_so_while_it_is_missing(void **state)
{
	struct tree *t = *state;

	take_away(t, STAT_INTERVAL);
	set_up_applied(t);
	verify(t);
	assert_state(t, "sysctl vm.stat_interval", "a", "not_applicable");
	repair(t);
	verify(t);
	assert_state(t, "sysctl vm.stat_interval", "a", "not_applicable");
	put(t, STAT_INTERVAL, "1"); /* and nobody wrote it */
	verify(t);
	assert_state(t, "sysctl vm.stat_interval", "a", "drift");
}

static void test_what_has_come_and_matches_is_drift(void **state)
{
	struct tree *t = *state;

	set_up_applied(t);
	add_irq(t);
	verify(t);
	const struct step *st = step_of(t, "irq IO-APIC hwirq-6", "a");
	assert_non_null(st);
	assert_int_equal(st->state, STEP_DRIFT);
	assert_string_equal(st->after, "0-1");
	assert_non_null(strstr(st->reason, "new"));
	assert_int_equal(t->result.n_steps, 6);
}

static void test_a_file_is_judged_whether_it_was_applied_or_not(void **state)
{
	struct tree *t = *state;

	profile(t, "p", text);
	assert_done(t, verify_profile(t, "p"));
	assert_string_equal(t->result.judged, "profile");
	assert_state(t, "sysctl vm.swappiness", "b", "drift");
	apply(t, "p");
	assert_done(t, verify_profile(t, "p"));
	assert_state(t, "sysctl vm.swappiness", "b", "ok");
	assert_state(t, "sysctl vm.swappiness", "a", "beneath");
	profile(t, "p", "[phase a]\n[a/sysctl]\nvm.swappiness = 11\n");
	assert_done(t, verify_profile(t, "p"));
	assert_int_equal(t->result.n_steps, 1);
	assert_string_equal(step_of(t, "sysctl vm.swappiness", "a")->before, "20");
	assert_string_equal(step_of(t, "sysctl vm.swappiness", "a")->after, "11");
	verify(t); /* the layers are not the file */
	assert_int_equal(t->result.n_steps, 5);
	assert_state(t, "sysctl vm.swappiness", "b", "ok");
}

static void test_only_the_wanted_phases_of_a_file_are_judged(void **state)
{
	struct tree *t = *state;

	profile(t, "p", text);
	assert_done(t, call_phase(t, engine_verify, (struct request){.profile = "p"}, "b"));
	assert_int_equal(t->result.n_steps, 1);
	assert_state(t, "sysctl vm.swappiness", "b", "drift");
}

static void test_verifying_makes_no_directory(void **state)
{
	struct tree *t = *state;
	struct stat st;

	profile(t, "p", text);
	verify(t);
	assert_done(t, verify_profile(t, "p"));
	assert_int_equal(fstatat(t->dir, "var", &st, 0), -1);
	assert_int_equal(count_written(t), 0);
}

/* A module was loaded, a driver came: what was recorded as not applicable is looked at again. */
static void test_what_has_become_applicable_is_drift_and_repaired(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\n[a/sysctl]\nkernel.timer_migration = 0\nnet.core.optmem_max = 4096\n"
	                "[a/cpuidle]\nmax_latency_us = 10\n");
	apply(t, "p");
	assert_state(t, "sysctl net.core.optmem_max", "a", "not_applicable");
	assert_int_equal(tree_make_parents(t->dir, "proc/sys/net/core/x"), 0);
	put(t, "/proc/sys/net/core/optmem_max", "20480");
	for (int cpu = 0; cpu < 4; cpu++) {
		char path[128];

		for (int i = 0; i < 2; i++) {
			snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpuidle/state%d/disable", cpu, i);
			assert_int_equal(tree_make_parents(t->dir, path + 1), 0);
			put(t, path, "0");
			snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpuidle/state%d/latency", cpu, i);
			put(t, path, i ? "100" : "0");
		}
	}
	verify(t);
	assert_state(t, "sysctl net.core.optmem_max", "a", "drift");
	assert_state(t, "cpuidle cpu0 state1", "a", "drift");
	assert_null(step_of(t, "cpuidle states", "a"));
	repair(t);
	verify(t);
	assert_state(t, "sysctl net.core.optmem_max", "a", "ok");
	assert_state(t, "cpuidle cpu0 state1", "a", "ok");
	assert_null(step_of(t, "cpuidle states", "a"));
	roll_back_all(t);
	assert_string_equal(get(t, "/proc/sys/net/core/optmem_max"), "20480");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_layers_there_is_nothing_to_judge),
		TEST(test_what_holds_is_ok_and_what_lies_beneath_is_not_judged),
		TEST(test_drift_says_what_was_found),
		TEST(test_an_interrupt_is_judged_by_where_it_goes),
		TEST(test_what_has_gone_is_neither_ok_nor_an_error),
		TEST(test_what_was_not_applicable_stays_so_while_it_is_missing),
		TEST(test_what_has_become_applicable_is_drift_and_repaired),
		TEST(test_what_has_come_and_matches_is_drift),
		TEST(test_a_file_is_judged_whether_it_was_applied_or_not),
		TEST(test_only_the_wanted_phases_of_a_file_are_judged),
		TEST(test_verifying_makes_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
