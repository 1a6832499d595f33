/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/engine/conflicts: other tools that write the same objects are refused, stopped and started again, or
 * said. */
#include "tests/unit/daemon/engine/tree.h"

#define UNITS "/run/systemd/units/"
#define BALANCE UNITS "invocation:irqbalance.service"
#define TUNED UNITS "invocation:tuned.service"
#define TUNED_MASK "/run/systemd/system/tuned.service"

static void line(const struct tree *t, const char *text)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", text);
	assert_int_equal(tree_line(t->dir, copy), 0);
}

/* As the manager shows a unit that is active. */
static void start(const struct tree *t, const char *unit)
{
	char text[256];

	snprintf(text, sizeof(text), "d /run/systemd/system");
	line(t, text);
	snprintf(text, sizeof(text), "l " UNITS "invocation:%s\t0123", unit);
	line(t, text);
}

static bool is_there(const struct tree *t, const char *path)
{
	return faccessat(t->dir, below(path), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void settings(const struct tree *t, const char *phase_keys)
{
	char text[512];

	snprintf(text, sizeof(text),
	         "[phase a]\n%s\n[a/sysctl]\nvm.swappiness = 10\nvm.stat_interval = 10\n[a/irq *]\naffinity = 0-1\n", phase_keys);
	profile(t, "p", text);
}

static int try(struct tree *t, engine_call f)
{
	return call(t, f, &(struct request){.profile = "p"});
}

/* The notes of the first phase, a line each. */
static const char *notes(const struct tree *t)
{
	static char text[2048];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; t->result.n_phases && i < t->result.phases[0].notes.n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n", t->result.phases[0].notes.s[i]);
	return text;
}

/* --- fail ---------------------------------------------------------------------------------------------------------- */

static void test_a_tool_that_runs_is_refused(void **state)
{
	struct tree *t = *state;

	settings(t, "");
	start(t, "irqbalance.service");
	assert_error(t, try(t, engine_plan), ERR_CONFLICT, "irqbalance.service");
	assert_non_null(strstr(t->err.where, "p.conf:7"));
	start(t, "tuned.service");
	assert_error(t, try(t, engine_apply), ERR_CONFLICT, "irqbalance.service");
	assert_non_null(strstr(t->err.msg, "irq IO-APIC hwirq-4 and 1 more"));
	assert_non_null(strstr(t->err.msg, "tuned.service (TuneD) runs and sets sysctl vm.swappiness and 3 more"));
	assert_non_null(strstr(t->err.hint, "mask --now irqbalance.service tuned.service"));
	assert_int_equal(count_written(t), 0);
	assert_false(is_there(t, STATE));
}

static void test_a_tool_that_writes_nothing_of_it_is_not_in_the_way(void **state)
{
	struct tree *t = *state;

	settings(t, "");
	start(t, "thermald.service");
	plan(t, "p");
	start(t, "tuned.service"); /* told to do nothing: `tuned-adm off` */
	line(t, "f 0644 /etc/tuned/active_profile\t");
	plan(t, "p");
	put(t, "/etc/tuned/active_profile", "network-latency");
	assert_error(t, try(t, engine_plan), ERR_CONFLICT, "tuned.service");
	/* Somebody else's layer is not judged by an apply that does not touch it. */
	profile(t, "q", "[phase b]\n[b/vm]\nthp.enabled = never\n");
	put(t, "/etc/tuned/active_profile", "");
	apply(t, "p");
	start(t, "irqbalance.service");
	apply(t, "q");
}

static void test_what_the_plan_stops_by_itself_is_no_conflict(void **state)
{
	struct tree *t = *state;

	start(t, "irqbalance.service");
	profile(t, "p", "[phase a]\n[a/irqbalance]\nservice = stopped\n[a/irq *]\naffinity = 0-1\n");
	apply(t, "p");
	assert_false(is_there(t, BALANCE));
	roll_back_all(t);
	assert_true(is_there(t, BALANCE));
	profile(t, "p", "[phase a]\n[a/unit]\nirqbalance.service = stopped\n[a/irq *]\naffinity = 0-1\n");
	apply(t, "p");
	assert_string_equal(original_of(t, "unit irqbalance.service"), "running");
}

/* --- stop ---------------------------------------------------------------------------------------------------------- */

static void test_stopped_first_and_started_again(void **state)
{
	struct tree *t = *state;

	settings(t, "conflicts = stop");
	start(t, "tuned.service");
	plan(t, "p");
	assert_string_equal(t->result.steps[0].key, "tuned.service");
	assert_non_null(strstr(t->result.steps[0].why, "sysctl vm.swappiness and 3 more"));
	apply(t, "p");
	assert_state(t, "unit tuned.service", "a", "change");
	assert_false(is_there(t, TUNED));
	assert_true(is_there(t, TUNED_MASK));
	verify(t);
	assert_state(t, "unit tuned.service", "a", "ok");
	remember(t);
	apply(t, "p"); /* P10: it is known that it would run */
	assert_int_equal(t->result.txn, 0);
	assert_int_equal(count_written(t), 0);
	roll_back_all(t);
	assert_true(is_there(t, TUNED));
	assert_false(is_there(t, TUNED_MASK));
	assert_file(t, SWAPPINESS, "60");
}

static void test_a_failed_apply_starts_it_again(void **state)
{
	struct tree *t = *state;

	settings(t, "conflicts = stop");
	start(t, "tuned.service");
	crash_at(t, "p", "sysctl vm.stat_interval");
	t->event = NULL;
	assert_false(is_there(t, TUNED));
	assert_file(t, SWAPPINESS, "10");
	repair(t);
	assert_true(is_there(t, TUNED));
	assert_false(is_there(t, TUNED_MASK));
	assert_as_before(t);
}

static void test_it_runs_again_is_drift_and_repaired(void **state)
{
	struct tree *t = *state;

	settings(t, "conflicts = stop");
	start(t, "tuned.service");
	apply(t, "p");
	take_away(t, TUNED_MASK);
	start(t, "tuned.service");
	put(t, SWAPPINESS, "77");
	verify(t);
	assert_state(t, "unit tuned.service", "a", "drift");
	assert_non_null(strstr(step_of(t, "unit tuned.service", "a")->reason, "it runs again"));
	assert_non_null(strstr(step_of(t, "sysctl vm.swappiness", "a")->reason, "tuned.service (TuneD) runs"));
	repair(t);
	assert_false(is_there(t, TUNED));
	assert_file(t, SWAPPINESS, "10");
	repair(t); /* it is in the layer once */
	assert_int_equal(t->result.txn, 0);
	roll_back_all(t);
	assert_true(is_there(t, TUNED));
}

/* One that was not there before is stopped by the repair, and is a part of the layer from then on. */
static void test_started_since_is_the_cause_of_drift_and_stopped_by_repair(void **state)
{
	struct tree *t = *state;

	settings(t, "conflicts = stop");
	apply(t, "p");
	start(t, "irqbalance.service");
	put(t, IRQ_4, "3");
	verify(t);
	assert_state(t, "unit irqbalance.service", "a", "drift");
	assert_non_null(strstr(step_of(t, "unit irqbalance.service", "a")->reason, "it runs, and sets irq IO-APIC hwirq-4"));
	assert_non_null(strstr(step_of(t, "irq IO-APIC hwirq-4", "a")->reason, "irqbalance.service (irqbalance) runs"));
	repair(t);
	assert_false(is_there(t, BALANCE));
	assert_file(t, IRQ_4, "0-1");
	verify(t);
	assert_state(t, "unit irqbalance.service", "a", "ok");
	roll_back_all(t);
	assert_true(is_there(t, BALANCE));
	assert_file(t, IRQ_4, "0-3");
}

/* Where the phase refuses it, a repair does, too: what it writes would not last. */
static void test_started_since_is_refused_by_repair(void **state)
{
	struct tree *t = *state;

	settings(t, "");
	apply(t, "p");
	start(t, "irqbalance.service");
	verify(t);
	assert_state(t, "unit irqbalance.service", "a", "drift");
	assert_state(t, "irq IO-APIC hwirq-4", "a", "ok");
	assert_error(t, call(t, call_repair, NULL), ERR_CONFLICT, "irqbalance.service");
	take_away(t, BALANCE);
	repair(t);
}

/* --- a replay ------------------------------------------------------------------------------------------------------------ */

static const char *warning_of_replay(struct tree *t)
{
	static char text[1024];
	CLEANUP(json_freep) struct json *j = NULL;

	assert_done(t, engine_status(&t->e, &j, &t->err));
	snprintf(text, sizeof(text), "%s", json_get_string(json_get(j, "replay"), "warning", ""));
	return text;
}

/* A host with none of its tuning would be worse, and nobody is there to be told. */
static void test_a_replay_is_not_refused_but_warned_of(void **state)
{
	struct tree *t = *state;

	settings(t, "");
	apply(t, "p");
	restart(t);
	start(t, "irqbalance.service");
	start(t, "tuned.service");
	replay(t);
	assert_file(t, SWAPPINESS, "10");
	assert_file(t, IRQ_4, "0-1");
	assert_true(is_there(t, BALANCE));
	assert_non_null(strstr(t->result.warning, "irqbalance.service (irqbalance) runs and sets irq IO-APIC hwirq-4 and 1 more"));
	assert_non_null(strstr(t->result.warning, "systemctl mask --now irqbalance.service tuned.service"));
	assert_string_equal(warning_of_replay(t), t->result.warning);
	verify(t);
	assert_state(t, "unit irqbalance.service", "a", "drift");
	restart(t); /* once more */
	put(t, BOOT_ID, BOOT_3);
	/* Somebody at a terminal is. */
	assert_error(t, call(t, call_repair, NULL), ERR_CONFLICT, "irqbalance.service");
	assert_error(t, try(t, engine_apply), ERR_CONFLICT, "irqbalance.service");
	take_away(t, BALANCE);
	take_away(t, TUNED);
	replay(t);
	assert_null(t->result.warning);
	assert_string_equal(warning_of_replay(t), "");
	roll_back_all(t);
	assert_as_before(t);
}

/* One that is enabled runs again in the next boot, and one that has come since is stopped, too. */
static void test_a_replay_stops(void **state)
{
	struct tree *t = *state;

	settings(t, "conflicts = stop");
	start(t, "tuned.service");
	apply(t, "p");
	restart(t);
	take_away(t, TUNED_MASK);
	start(t, "tuned.service");
	start(t, "irqbalance.service");
	replay(t);
	assert_null(t->result.warning);
	assert_false(is_there(t, TUNED));
	assert_false(is_there(t, BALANCE));
	assert_true(is_there(t, TUNED_MASK));
	assert_file(t, SWAPPINESS, "10");
	assert_state(t, "unit irqbalance.service", "a", "change");
	verify(t);
	assert_state(t, "unit irqbalance.service", "a", "ok");
	replay(t);
	assert_int_equal(t->result.txn, 0);
	roll_back_all(t);
	assert_true(is_there(t, TUNED));
	assert_true(is_there(t, BALANCE));
	assert_as_before(t);
}

static void test_a_replay_leaves_what_is_ignored(void **state)
{
	struct tree *t = *state;

	settings(t, "conflicts = ignore");
	apply(t, "p");
	restart(t);
	start(t, "irqbalance.service");
	replay(t);
	assert_null(t->result.warning);
	assert_true(is_there(t, BALANCE));
	assert_file(t, IRQ_4, "0-1");
}

/* It stays stopped for as long as a layer is left that it would disturb. */
static void test_the_last_layer_starts_it(void **state)
{
	struct tree *t = *state;

	start(t, "tuned.service");
	profile(t, "p", "[phase a]\norder = 1\nconflicts = stop\n[a/sysctl]\nvm.swappiness = 10\n"
	                "[phase b]\norder = 2\nconflicts = stop\n[b/sysctl]\nvm.stat_interval = 10\n");
	apply(t, "p");
	roll_back_phase(t, "a");
	assert_false(is_there(t, TUNED));
	/* Not stopped any more is to run again, and in the way. */
	profile(t, "p", "[phase b]\n[b/sysctl]\nvm.stat_interval = 10\n");
	assert_error(t, try(t, engine_plan), ERR_CONFLICT, "tuned.service");
	assert_non_null(strstr(t->err.msg, "would run again"));
	roll_back_phase(t, "b");
	assert_true(is_there(t, TUNED));
}

static void put_back(struct tree *t)
{
	put(t, SWAPPINESS, "60");
	put(t, STAT_INTERVAL, "2");
}

/* TuneD takes back what it had set when it is stopped: the original is what it leaves, and what it had set as wanted is
 * set again. */
static void test_what_a_stopped_tool_puts_back_is_the_original(void **state)
{
	struct tree *t = *state;

	settings(t, "conflicts = stop");
	start(t, "tuned.service");
	put(t, SWAPPINESS, "10");
	put(t, STAT_INTERVAL, "30");
	when(t, "unit tuned.service", put_back);
	apply(t, "p");
	t->event = NULL;
	assert_file(t, SWAPPINESS, "10");
	assert_file(t, STAT_INTERVAL, "10");
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "60");
	assert_string_equal(original_of(t, "sysctl vm.stat_interval"), "2");
	assert_string_equal(original_of(t, "irq IO-APIC hwirq-4"), "0-3@1");
	roll_back_all(t);
	assert_file(t, SWAPPINESS, "60");
	assert_file(t, STAT_INTERVAL, "2");
}

/* --- ignore, and what only speaks at boot ---------------------------------------------------------------------------- */

static void test_ignored_is_said(void **state)
{
	struct tree *t = *state;

	settings(t, "conflicts = ignore");
	start(t, "irqbalance.service");
	apply(t, "p");
	assert_true(is_there(t, BALANCE));
	assert_non_null(strstr(notes(t), "irqbalance.service (irqbalance) sets affinities of interrupts, every 10 s; ignored"));
	verify(t);
	assert_state(t, "unit irqbalance.service", "a", "");
}

static void test_what_sets_at_boot_is_said(void **state)
{
	struct tree *t = *state;

	settings(t, "");
	start(t, "laptop-mode.service");
	line(t, "f 0644 /etc/sysctl.d/50-a.conf\tvm.swappiness = 30\\nvm.stat_interval = 10");
	plan(t, "p");
	assert_non_null(strstr(notes(t), "laptop-mode.service"));
	assert_non_null(strstr(notes(t), "/etc/sysctl.d/50-a.conf:1 sets sysctl vm.swappiness to 30 at boot"));
	assert_null(strstr(notes(t), "stat_interval")); /* the same value */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_tool_that_runs_is_refused),
		TEST(test_a_tool_that_writes_nothing_of_it_is_not_in_the_way),
		TEST(test_what_the_plan_stops_by_itself_is_no_conflict),
		TEST(test_stopped_first_and_started_again),
		TEST(test_a_failed_apply_starts_it_again),
		TEST(test_it_runs_again_is_drift_and_repaired),
		TEST(test_started_since_is_the_cause_of_drift_and_stopped_by_repair),
		TEST(test_started_since_is_refused_by_repair),
		TEST(test_a_replay_is_not_refused_but_warned_of),
		TEST(test_a_replay_stops),
		TEST(test_a_replay_leaves_what_is_ignored),
		TEST(test_the_last_layer_starts_it),
		TEST(test_what_a_stopped_tool_puts_back_is_the_original),
		TEST(test_ignored_is_said),
		TEST(test_what_sets_at_boot_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
