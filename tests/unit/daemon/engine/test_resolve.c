/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/engine/resolve: from the lines of a profile to objects, and errors that name the line (P7). */
#include "tests/unit/daemon/engine/tree.h"

#define ON_LINE(n) PROFILES "/p.conf:" #n

static int plan_of(struct tree *t, const char *text)
{
	profile(t, "p", text);
	return call(t, engine_plan, &(struct request){.profile = "p"});
}

static void test_an_error_names_the_line_and_the_code(void **state)
{
	static const struct {
		const char *text, *code, *where;
	} bad[] = {
		{"[phase a]\n[a/warp]\nspeed = 9\n", ERR_INVALID_PROFILE, ON_LINE(3)},
		{"[phase a]\n[a/sysctl]\nvm.swappiness = 10\nvm.no_such = 1\n", ERR_INVALID_PROFILE, ON_LINE(4)},
		{"[phase a]\n[a/sysctl]\nvm.swappiness = 201\n", ERR_OUT_OF_BOUNDS, ON_LINE(3)},
		{"[phase a]\n[a/sysctl]\nvm.swappiness = much\n", ERR_INVALID_PROFILE, ON_LINE(3)},
		{"[phase a]\n[a/irq no-such-driver]\naffinity = 0\n", ERR_NO_MATCH, ON_LINE(3)},
		{"[phase a]\n[a/irq *]\naffinity = 9\n", ERR_OUT_OF_BOUNDS, ON_LINE(3)},
		{"[phase a]\n[a/sysctl eth0]\nvm.swappiness = 10\n", ERR_INVALID_PROFILE, ON_LINE(3)},
		{"[phase a]\n[a/sysctl]\nnonsense\n", ERR_INVALID_PROFILE, ON_LINE(3)},
	};
	struct tree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_true(plan_of(t, bad[i].text) < 0);
		assert_string_equal(t->err.code, bad[i].code);
		assert_string_equal(t->err.where, bad[i].where);
		assert_true(call(t, engine_apply, &(struct request){.profile = "p"}) < 0);
		assert_string_equal(t->err.code, bad[i].code);
		assert_true(call(t, engine_verify, &(struct request){.profile = "p"}) < 0);
		assert_string_equal(t->err.where, bad[i].where);
	}
	assert_int_equal(count_written(t), 0);
}

static void test_an_unknown_knob_is_named_with_what_there_is(void **state)
{
	struct tree *t = *state;

	assert_error(t, plan_of(t, "[phase a]\n[a/warp]\nspeed = 9\n"), ERR_INVALID_PROFILE, "warp");
	for (size_t i = 0; i < n_knobs; i++)
		assert_non_null(strstr(t->err.hint, knobs[i]->name));
}

static void test_there_is_no_such_profile(void **state)
{
	struct tree *t = *state;

	assert_error(t, call(t, engine_plan, &(struct request){.profile = "nix"}), ERR_NO_PROFILE, "nix");
}

static void test_an_optional_literal_that_matches_nothing_is_not_applicable(void **state)
{
	struct tree *t = *state;

	assert_done(t, plan_of(t, "[phase a]\n[a/irq no-such-driver]\noptional = yes\naffinity = 0\n"));
	assert_state(t, "irq no-such-driver affinity", "a", "not_applicable");
}

static void test_optional_does_not_excuse_a_wrong_value(void **state)
{
	struct tree *t = *state;

	assert_true(plan_of(t, "[phase a]\n[a/irq ttyS0]\noptional = yes\naffinity = 99\n") < 0);
	assert_string_equal(t->err.code, ERR_OUT_OF_BOUNDS);
}

static void test_a_pattern_that_matches_nothing_is_nothing(void **state)
{
	struct tree *t = *state;

	assert_done(t, plan_of(t, "[phase a]\n[a/irq nothing-*]\naffinity = 0\n"));
	assert_int_equal(t->result.n_steps, 0);
	assert_int_equal(t->result.n_phases, 1);
}

static void test_a_pattern_names_each_object_once(void **state)
{
	struct tree *t = *state;

	assert_done(t, plan_of(t, "[phase a]\n[a/irq *]\naffinity = 0-1\n[a/irq parport0]\naffinity = 2\n"));
	assert_int_equal(t->result.n_steps, 2);
	assert_string_equal(step_of(t, "irq IO-APIC hwirq-4", "a")->after, "0-1");
	assert_string_equal(step_of(t, "irq IO-APIC hwirq-5", "a")->after, "2"); /* the later line wins */
	assert_string_equal(step_of(t, "irq IO-APIC hwirq-5", "a")->where, ON_LINE(5));
	assert_non_null(strstr(step_of(t, "irq IO-APIC hwirq-5", "a")->label, "parport0"));
}

static void test_a_section_whose_condition_does_not_hold_is_left_out(void **state)
{
	struct tree *t = *state;

	assert_done(t, plan_of(t, "[phase a]\n[a/sysctl if=kernel>=99.0]\nvm.swappiness = 10\n"
	                          "[a/sysctl if=kernel>=6.1]\nvm.stat_interval = 10\n"));
	assert_int_equal(t->result.n_steps, 1);
	assert_state(t, "sysctl vm.stat_interval", "a", "change");
}

/* P7: whatever this host has to do with it. */
static void test_settings_that_bear_on_nothing_here_are_judged_all_the_same(void **state)
{
	static const struct {
		const char *text, *code;
		unsigned line;
	} rows[] = {
		{ "[phase a]\n[a/sysctl if=kernel>=99.0]\nvm.nonsense = 1\n", ERR_INVALID_PROFILE, 3 },
		{ "[phase a]\n[a/sysctl if=kernel>=99.0]\nvm.swappiness = 999\n", ERR_OUT_OF_BOUNDS, 3 },
		{ "[phase a]\n[a/nonsense if=kernel>=99.0]\nx = 1\n", ERR_INVALID_PROFILE, 3 },
		{ "[phase a]\n[a/cpufreq]\nmin_khz = abc\n", ERR_INVALID_PROFILE, 3 },
		{ "[phase a]\n[a/pmqos]\ncpu_dma_latency_us = 10ms\n", ERR_INVALID_PROFILE, 3 },
		{ "[phase a]\n[a/irq nothing-*]\naffinity = 3-1\n", ERR_INVALID_PROFILE, 3 },
		{ "[phase a]\n[a/irq nothing]\noptional = yes\naffinity = x\n", ERR_INVALID_PROFILE, 4 },
	};
	struct tree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char where[64];

		snprintf(where, sizeof(where), PROFILES "/p.conf:%u", rows[i].line);
		assert_true(plan_of(t, rows[i].text) < 0);
		assert_string_equal(t->err.code, rows[i].code);
		assert_string_equal(t->err.where, where);
	}
	/* CPUs that another host has are no mistake there. */
	assert_done(t, plan_of(t, "[phase a]\n[a/irq * if=kernel>=99.0]\naffinity = 64-127\n"));
}

static void test_phases_that_are_not_wanted_are_judged_too(void **state)
{
	struct tree *t = *state;
	struct request q = {.profile = "p"};

	profile(t, "p", "[phase a]\n[phase b]\n[a/sysctl]\nvm.swappiness = 999\n[b/sysctl]\nvm.stat_interval = 2\n");
	assert_true(call_phase(t, engine_plan, q, "b") < 0);
	assert_string_equal(t->err.code, ERR_OUT_OF_BOUNDS);
	assert_string_equal(t->err.where, ON_LINE(4));
}

/* --- --phase and --set -------------------------------------------------------------------------------------------- */

static const char two_phases[] = "[cpus]\nsome = ?\n[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 10\n"
				 "[phase b]\norder = 2\n[b/irq ttyS0]\naffinity = ${some}\n";

static void test_only_the_wanted_phases_are_planned(void **state)
{
	struct tree *t = *state;
	struct profile_assign set = {"cpus.some", "0"};
	struct request q = {.profile = "p", .assigns = &set, .n_assigns = 1};

	profile(t, "p", two_phases);
	assert_done(t, call_phase(t, engine_plan, q, "b"));
	assert_int_equal(t->result.n_steps, 1);
	assert_state(t, "irq IO-APIC hwirq-4", "b", "change");
	assert_done(t, call_phase(t, engine_plan, q, "p/a"));
	assert_int_equal(t->result.n_steps, 1);
	assert_state(t, "sysctl vm.swappiness", "a", "change");
	assert_error(t, call_phase(t, engine_plan, q, "c"), ERR_INVALID_ARGUMENT, "c");
	assert_error(t, call_phase(t, engine_plan, q, "q/a"), ERR_INVALID_ARGUMENT, "q/a");
	assert_error(t, call_phase(t, engine_plan, q, "pp/a"), ERR_INVALID_ARGUMENT, "pp/a");
}

static void test_a_set_that_nobody_gave_is_an_error_with_its_line(void **state)
{
	struct tree *t = *state;

	assert_true(plan_of(t, two_phases) < 0);
	assert_string_equal(t->err.code, ERR_INVALID_PROFILE);
	assert_string_equal(t->err.where, ON_LINE(2));
}

/* verify PROFILE takes the --set of the layer, unless it is given. */
static void test_verify_recalls_what_was_given_at_the_apply(void **state)
{
	struct tree *t = *state;
	struct profile_assign zero = {"cpus.some", "0"}, one = {"cpus.some", "1"};

	profile(t, "p", two_phases);
	assert_done(t, call(t, engine_apply, &(struct request){.profile = "p", .assigns = &zero, .n_assigns = 1}));
	assert_file(t, IRQ_4, "0");
	assert_done(t, call(t, engine_verify, &(struct request){.profile = "p"}));
	assert_string_equal(t->result.judged, "profile");
	assert_state(t, "irq IO-APIC hwirq-4", "b", "ok");
	assert_done(t, call(t, engine_verify, &(struct request){.profile = "p", .assigns = &one, .n_assigns = 1}));
	assert_state(t, "irq IO-APIC hwirq-4", "b", "drift");
}

/* --- who may say what a root daemon does --------------------------------------------------------------------------- */

static void test_a_profile_that_others_may_write_is_refused(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\n[a/sysctl]\nvm.swappiness = 10\n");
	assert_int_equal(fchmodat(t->dir, below(PROFILES), 0777, 0), 0);
	assert_error(t, call(t, engine_plan, &(struct request){.profile = "p"}), ERR_INVALID_PROFILE, PROFILES);
	assert_int_equal(fchmodat(t->dir, below(PROFILES), 0755, 0), 0);
	assert_int_equal(fchmodat(t->dir, below(PROFILES "/p.conf"), 0666, 0), 0);
	assert_error(t, call(t, engine_plan, &(struct request){.profile = "p"}), ERR_INVALID_PROFILE, PROFILES "/p.conf");
	assert_int_equal(fchmodat(t->dir, below(PROFILES "/p.conf"), 0644, 0), 0);
	plan(t, "p");
}

static void test_a_profile_that_is_no_file_is_invalid(void **state)
{
	struct tree *t = *state;

	assert_int_equal(mkdirat(t->dir, below(PROFILES "/p.conf"), 0755), 0);
	assert_error(t, call(t, engine_plan, &(struct request){.profile = "p"}), ERR_INVALID_PROFILE, PROFILES "/p.conf");
	assert_int_equal(symlinkat("/dev/zero", t->dir, below(PROFILES "/q.conf")), 0);
	assert_error(t, call(t, engine_plan, &(struct request){.profile = "q"}), ERR_INVALID_PROFILE, PROFILES "/q.conf");
}

static void test_the_first_directory_wins(void **state)
{
	struct tree *t = *state;
	CLEANUP(json_freep) struct json *j = NULL;

	assert_int_equal(strlist_add(&t->e.profile_dirs, "/usr/lib/hfttune/profiles"), 0);
	assert_int_equal(tree_make_parents(t->dir, "usr/lib/hfttune/profiles/x"), 0);
	put(t, "/usr/lib/hfttune/profiles/p.conf", "[phase a]\n[a/sysctl]\nvm.swappiness = 1\n");
	put(t, "/usr/lib/hfttune/profiles/q.conf", "nonsense");
	assert_done(t, plan_of(t, "[phase a]\n[a/sysctl]\nvm.swappiness = 2\n"));
	assert_string_equal(t->result.steps[0].after, "2");
	assert_int_equal(engine_profiles(&t->e, &j, &t->err), 0);
	const struct json *list = json_get(j, "profiles");
	assert_int_equal(json_size(list), 2);
	assert_string_equal(json_get_string(json_first(list), "path", ""), PROFILES "/p.conf");
	assert_null(json_get(json_first(list), "error"));
	assert_string_equal(json_get_string(json_next(json_first(list)), "name", ""), "q");
	assert_non_null(json_get(json_next(json_first(list)), "error"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_error_names_the_line_and_the_code),
		TEST(test_an_unknown_knob_is_named_with_what_there_is),
		TEST(test_there_is_no_such_profile),
		TEST(test_an_optional_literal_that_matches_nothing_is_not_applicable),
		TEST(test_optional_does_not_excuse_a_wrong_value),
		TEST(test_a_pattern_that_matches_nothing_is_nothing),
		TEST(test_a_pattern_names_each_object_once),
		TEST(test_a_section_whose_condition_does_not_hold_is_left_out),
		TEST(test_settings_that_bear_on_nothing_here_are_judged_all_the_same),
		TEST(test_phases_that_are_not_wanted_are_judged_too),
		TEST(test_only_the_wanted_phases_are_planned),
		TEST(test_a_set_that_nobody_gave_is_an_error_with_its_line),
		TEST(test_verify_recalls_what_was_given_at_the_apply),
		TEST(test_a_profile_that_others_may_write_is_refused),
		TEST(test_a_profile_that_is_no_file_is_invalid),
		TEST(test_the_first_directory_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
