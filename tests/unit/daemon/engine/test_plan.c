/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/engine/plan: what a plan says of each object, in which order, and that making one changes nothing. */
#include "tests/unit/daemon/engine/tree.h"

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"

static const char two_phases[] = "[phase a]\norder = 1\nrisk = low\nsummary = the first\nnote = mind the gap\n"
				 "[a/sysctl]\nvm.swappiness = 10\nwhy vm.swappiness = no swapping\nvm.stat_interval = 1\n"
				 "[phase b]\norder = 2\nrisk = high\n"
				 "[b/sysctl]\nvm.swappiness = 5\n";

static bool exists(const struct tree *t, const char *path)
{
	struct stat st;

	return fstatat(t->dir, below(path), &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* P3. */
static void test_planning_changes_nothing_and_makes_no_directory(void **state)
{
	struct tree *t = *state;

	profile(t, "p", two_phases);
	plan(t, "p");
	assert_int_equal(count_written(t), 0);
	assert_false(exists(t, "/var"));
	assert_int_equal(t->result.txn, 0);
}

static void test_a_step_says_what_is_and_what_shall_be_and_why(void **state)
{
	struct tree *t = *state;

	profile(t, "p", two_phases);
	plan(t, "p");
	const struct step *st = step_of(t, "sysctl vm.swappiness", "b");
	assert_non_null(st);
	assert_int_equal(st->state, STEP_CHANGE);
	assert_string_equal(st->before, "60");
	assert_string_equal(st->after, "5");
	assert_string_equal(st->profile, "p");
	assert_string_equal(st->where, PROFILES "/p.conf:14");
	assert_null(st->why);
	assert_true(st->write);
	assert_true(st->exact);
	assert_false(st->coupled);
	st = step_of(t, "sysctl vm.swappiness", "a");
	assert_string_equal(st->why, "no swapping");
	assert_string_equal(st->where, PROFILES "/p.conf:7");
}

static void test_the_lower_phase_lies_beneath_and_equal_values_are_ok(void **state)
{
	struct tree *t = *state;

	profile(t, "p", two_phases);
	plan(t, "p");
	assert_state(t, "sysctl vm.swappiness", "a", "beneath");
	assert_state(t, "sysctl vm.swappiness", "b", "change");
	assert_state(t, "sysctl vm.stat_interval", "a", "ok");
	assert_int_equal(t->result.n_steps, 3);
}

static void test_the_headings_say_what_the_phases_say(void **state)
{
	struct tree *t = *state;

	profile(t, "p", two_phases);
	plan(t, "p");
	assert_int_equal(t->result.n_phases, 2);
	assert_string_equal(t->result.phases[0].phase, "a");
	assert_string_equal(t->result.phases[0].summary, "the first");
	assert_int_equal(t->result.phases[0].notes.n, 1);
	assert_string_equal(t->result.phases[0].notes.s[0], "mind the gap");
	assert_string_equal(t->result.phases[1].risk, "high");
}

static void test_what_somebody_else_changed_is_drift_and_the_original_stays(void **state)
{
	struct tree *t = *state;

	profile(t, "p", two_phases);
	apply(t, "p");
	put(t, SWAPPINESS, "77");
	plan(t, "p");
	assert_state(t, "sysctl vm.swappiness", "b", "drift");
	assert_string_equal(step_of(t, "sysctl vm.swappiness", "b")->before, "77");
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "60");
}

static void test_a_plan_after_the_apply_has_nothing_to_do(void **state)
{
	struct tree *t = *state;

	profile(t, "p", two_phases);
	apply(t, "p");
	plan(t, "p");
	for (size_t i = 0; i < t->result.n_steps; i++)
		assert_false(t->result.steps[i].write);
	assert_state(t, "sysctl vm.swappiness", "b", "ok");
}

static void test_a_setting_that_left_the_file_is_restored(void **state)
{
	struct tree *t = *state;

	profile(t, "p", two_phases);
	apply(t, "p");
	profile(t, "p", "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 10\n[phase b]\norder = 2\n");
	plan(t, "p");
	const struct step *st = step_of(t, "sysctl vm.swappiness", "a");
	assert_string_equal(step_state_name(st->state), "change");
	assert_string_equal(st->before, "5");
	assert_string_equal(st->after, "10");
	st = step_of(t, "sysctl vm.stat_interval", "a");
	assert_non_null(st);
	assert_string_equal(step_state_name(st->state), "restored");
	assert_false(st->write); /* it holds the original already */
}

/* The order of writing is that of knobs.def, whatever the phase, as recorded in the journal. */
static void test_steps_are_written_by_rank_and_then_by_phase(void **state)
{
	static const char *const wanted[] = {
		"vm thp.enabled", "sysctl vm.min_free_kbytes", "sysctl vm.stat_interval", "sysctl vm.swappiness",
		"irq IO-APIC hwirq-4",
	};
	struct tree *t = *state;
	CLEANUP(json_freep) struct json *j = NULL;
	size_t i = 0;

	profile(t, "p", "[phase z]\norder = 1\n[z/irq ttyS0]\naffinity = 0\n[z/sysctl]\nvm.min_free_kbytes = 70000\n"
	                "vm.stat_interval = 10\n[phase y]\norder = 2\n[y/sysctl]\nvm.swappiness = 10\n"
	                "[y/vm]\nthp.enabled = never\n");
	apply(t, "p");
	assert_int_equal(engine_history(&t->e, t->result.txn, &j, &t->err), 0);
	for (const struct json *st = json_first(json_get(j, "steps")); st; st = json_next(st), i++) {
		char name[128];

		snprintf(name, sizeof(name), "%s %s", json_get_string(st, "knob", ""), json_get_string(st, "object", ""));
		assert_string_equal(name, wanted[i]);
	}
	assert_int_equal(i, ARRAY_LEN(wanted));
}

/* P1: nobody asked for vm.min_free_kbytes, but the kernel may change it along with THP. */
static void test_a_coupled_object_is_in_the_plan(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\n[a/vm]\nthp.enabled = never\n");
	plan(t, "p");
	const struct step *st = step_of(t, "sysctl vm.min_free_kbytes", NULL);
	assert_non_null(st);
	assert_true(st->coupled);
	assert_false(st->write);
	assert_string_equal(st->before, "67584");
	assert_null(st->after);
}

static void test_twins_are_one_object(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\n[a/sysctl]\nvm.dirty_ratio = 5\nvm.dirty_bytes = 104857600\n");
	plan(t, "p");
	assert_int_equal(t->result.n_steps, 1);
	assert_string_equal(t->result.steps[0].before, "vm.dirty_ratio=20");
	assert_string_equal(t->result.steps[0].after, "vm.dirty_bytes=104857600");
}

static void test_what_the_machine_lacks_is_not_applicable(void **state)
{
	struct tree *t = *state;

	take_away(t, STAT_INTERVAL);
	profile(t, "p", two_phases);
	plan(t, "p");
	assert_state(t, "sysctl vm.stat_interval", "a", "not_applicable");
	assert_non_null(step_of(t, "sysctl vm.stat_interval", "a")->reason);
	apply(t, "p");
	assert_state(t, "sysctl vm.stat_interval", "a", "not_applicable");
	assert_string_equal(original_of(t, "sysctl vm.stat_interval"), "(none)");
	assert_file(t, SWAPPINESS, "5");
}

static void test_what_went_away_since_the_apply_is_told_once(void **state)
{
	struct tree *t = *state;
	size_t n = 0;

	profile(t, "p", two_phases);
	apply(t, "p");
	take_away(t, STAT_INTERVAL);
	plan(t, "p");
	for (size_t i = 0; i < t->result.n_steps; i++)
		n += strcmp(t->result.steps[i].key, "vm.stat_interval") == 0;
	assert_int_equal(n, 1);
	assert_state(t, "sysctl vm.stat_interval", "a", "not_applicable");
}

static void test_a_required_phase_that_lacks_something_is_an_error_with_its_line(void **state)
{
	struct tree *t = *state;

	take_away(t, STAT_INTERVAL);
	profile(t, "p", "[phase a]\nrequired = yes\n[a/sysctl]\nvm.swappiness = 10\nvm.stat_interval = 10\n");
	assert_error(t, call(t, engine_apply, &(struct request){.profile = "p"}), ERR_NOT_APPLICABLE, "vm.stat_interval");
	assert_string_equal(t->err.where, PROFILES "/p.conf:5");
	assert_int_equal(count_written(t), 0);
}

static void test_a_read_beside_an_unfinished_transaction_reports_and_leaves_it(void **state)
{
	struct tree *t = *state;
	CLEANUP(store_view_done) struct store_view v = {0};
	CLEANUP(json_freep) struct json *j = NULL;

	profile(t, "p", two_phases);
	int64_t txn = crash_at(t, "p", "sysctl vm.swappiness");
	plan(t, "p");
	assert_int_equal(t->result.unfinished, txn);
	assert_int_equal(t->result.recovered, 0);
	verify(t);
	assert_int_equal(t->result.unfinished, txn);
	assert_int_equal(engine_status(&t->e, &j, &t->err), 0);
	assert_int_equal(json_get_int(json_get(j, "unfinished"), "txn", 0), txn);
	assert_int_equal(store_load(t->store, &v, &t->err), 0);
	assert_int_equal(v.unfinished, txn);
}

/* P1: said by the plan, refused by the apply unless the phase accepts it. */
static void test_what_may_not_come_back_is_refused_unless_accepted(void **state)
{
	struct tree *t = *state;
	char pool[] = "f 0644 " POOL "\t8";

	assert_int_equal(tree_line(t->dir, pool), 0);
	profile(t, "p", "[phase a]\n[a/sysctl]\nvm.swappiness = 10\n[a/vm 2048kB]\nhugepages = 0\n");
	plan(t, "p");
	const struct step *st = step_of(t, "vm 2048kB hugepages", "a");
	assert_non_null(st);
	assert_false(st->exact);
	assert_true(step_of(t, "sysctl vm.swappiness", "a")->exact);
	assert_error(t, call(t, engine_apply, &(struct request){.profile = "p"}), ERR_REFUSED, "2048kB hugepages");
	assert_string_equal(t->err.where, PROFILES "/p.conf:5");
	assert_int_equal(count_written(t), 0);
	profile(t, "p", "[phase a]\naccept = inexact\n[a/vm 2048kB]\nhugepages = 0\n");
	apply(t, "p");
	assert_file(t, POOL, "0");
	roll_back_all(t);
	assert_file(t, POOL, "8");
}

/* A larger pool can be made smaller again. */
static void test_what_comes_back_is_exact(void **state)
{
	struct tree *t = *state;
	char pool[] = "f 0644 " POOL "\t8";

	assert_int_equal(tree_line(t->dir, pool), 0);
	profile(t, "p", "[phase a]\n[a/vm 2048kB]\nhugepages = 16\n");
	apply(t, "p");
	assert_file(t, POOL, "16");
	roll_back_all(t);
	assert_file(t, POOL, "8");
}

/* P11: the set that everything else lives on must hold a whole core. */
static void test_housekeeping_without_a_whole_core_is_refused(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[cpus]\nhousekeeping = 0,2\n[phase a]\n[a/irq *]\naffinity = ${housekeeping}\n");
	assert_true(call(t, engine_plan, &(struct request){.profile = "p"}) < 0);
	assert_string_equal(t->err.code, ERR_INVALID_PROFILE);
	assert_string_equal(t->err.where, PROFILES "/p.conf:2");
	profile(t, "p", "[cpus]\nhousekeeping = 0-1\n[phase a]\n[a/irq *]\naffinity = ${housekeeping}\n");
	plan(t, "p");
	assert_state(t, "irq IO-APIC hwirq-5", "a", "change");
}

/* So that a worker that plans for long is not taken for one that hangs. */
static void test_planning_shows_that_it_gets_on(void **state)
{
	struct tree *t = *state;

	profile(t, "p", two_phases);
	plan(t, "p");
	assert_int_equal(t->n_looked, 2); /* what lies beneath is not read */
	assert_int_equal(t->n_progress, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_planning_changes_nothing_and_makes_no_directory),
		TEST(test_a_step_says_what_is_and_what_shall_be_and_why),
		TEST(test_the_lower_phase_lies_beneath_and_equal_values_are_ok),
		TEST(test_the_headings_say_what_the_phases_say),
		TEST(test_what_somebody_else_changed_is_drift_and_the_original_stays),
		TEST(test_a_plan_after_the_apply_has_nothing_to_do),
		TEST(test_a_setting_that_left_the_file_is_restored),
		TEST(test_steps_are_written_by_rank_and_then_by_phase),
		TEST(test_a_coupled_object_is_in_the_plan),
		TEST(test_twins_are_one_object),
		TEST(test_what_the_machine_lacks_is_not_applicable),
		TEST(test_what_went_away_since_the_apply_is_told_once),
		TEST(test_a_required_phase_that_lacks_something_is_an_error_with_its_line),
		TEST(test_a_read_beside_an_unfinished_transaction_reports_and_leaves_it),
		TEST(test_what_may_not_come_back_is_refused_unless_accepted),
		TEST(test_what_comes_back_is_exact),
		TEST(test_planning_shows_that_it_gets_on),
		TEST(test_housekeeping_without_a_whole_core_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
