/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of daemon/engine/repair: replay puts what an earlier boot had in force again, and does nothing else. What repair
 * does within a boot is tested with the other verbs (test_verbs.c), and what replay does to files with those
 * (test_persistent.c).
 */
#include "tests/unit/daemon/engine/tree.h"

static const char *const one = "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 10\nvm.dirty_bytes = 104857600\n"
			       "[a/irq *]\naffinity = 0-1\n"
			       "[phase b]\norder = 2\n[b/sysctl]\nvm.swappiness = 20\n[b/vm]\nthp.enabled = never\n";
static const char *const two = "[phase c]\n[c/sysctl]\nvm.swappiness = 30\nvm.stat_interval = 30\n";

static void apply_and_restart(struct tree *t)
{
	profile(t, "one", one);
	apply(t, "one");
	restart(t);
}

/* A member of what status says of the replay of this boot; "" without one. */
static const char *of_replay(struct tree *t, const char *key)
{
	static char text[512];
	CLEANUP(json_freep) struct json *j = NULL;

	assert_done(t, engine_status(&t->e, &j, &t->err));
	snprintf(text, sizeof(text), "%s", json_get_string(json_get(j, "replay"), key, ""));
	return text;
}

static size_t n_transactions(struct tree *t)
{
	CLEANUP(store_view_done) struct store_view v = {0};

	assert_int_equal(store_load(t->store, &v, &t->err), 0);
	return v.n_txns;
}

static void test_the_layers_are_in_force_again_with_originals_of_this_boot(void **state)
{
	struct tree *t = *state;

	apply_and_restart(t);
	profile(t, "one", "[phase a]\n[a/sysctl]\nvm.swappiness = 1\n"); /* the file is not asked */
	replay(t);
	assert_true(t->result.txn > 0);
	assert_int_equal(t->result.n_phases, 2);
	assert_state(t, "sysctl vm.swappiness", "b", "change");
	assert_state(t, "sysctl vm.swappiness", "a", "beneath");
	assert_layers(t, "one/a one/b");
	assert_file(t, SWAPPINESS, "20");
	assert_file(t, DIRTY_BYTES, "104857600");
	assert_file(t, IRQ_4, "0-1");
	assert_file(t, THP, "always madvise [never]");
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "61");
	assert_string_equal(of_replay(t, "state"), "committed");
	assert_string_equal(of_replay(t, "cause"), "");
	verify(t);
	for (size_t i = 0; i < t->result.n_steps; i++)
		assert_in_range(t->result.steps[i].state == STEP_OK || t->result.steps[i].state == STEP_BENEATH, 1, 1);
	roll_back_all(t);
	assert_as_before(t);
	assert_int_equal(n_originals(t), 0);
}

/* A bare rollback means the last apply, before and after a replay. */
static void test_a_layer_stays_that_of_its_apply(void **state)
{
	struct tree *t = *state;

	profile(t, "two", two);
	profile(t, "one", one);
	apply(t, "one");
	apply(t, "two");
	restart(t);
	replay(t);
	assert_done(t, call(t, engine_rollback, &(struct request){0}));
	assert_layers(t, "one/a one/b");
	assert_file(t, SWAPPINESS, "20");
	roll_back_all(t);
	assert_as_before(t);
}

static void test_without_layers_there_is_nothing_to_do(void **state)
{
	struct tree *t = *state;

	replay(t);
	assert_int_equal(t->result.txn, 0);
	assert_int_equal(faccessat(t->dir, below(STATE), F_OK, 0), -1);
	profile(t, "one", one);
	apply(t, "one");
	roll_back_all(t);
	restart(t);
	replay(t);
	assert_int_equal(t->result.txn, 0);
	assert_int_equal(n_transactions(t), 2);
	assert_string_equal(of_replay(t, "state"), "");
}

/* P4, P10: in the boot that applied them, and after a replay, drift is left to repair. */
static void test_what_is_in_force_is_left_alone(void **state)
{
	struct tree *t = *state;

	profile(t, "one", one);
	apply(t, "one");
	put(t, SWAPPINESS, "99");
	remember(t);
	replay(t);
	assert_int_equal(t->result.txn, 0);
	assert_int_equal(count_written(t), 0);
	put(t, SWAPPINESS, "60");
	remember(t);
	restart(t);
	replay(t);
	put(t, SWAPPINESS, "99");
	remember(t);
	replay(t);
	assert_int_equal(t->result.txn, 0);
	assert_int_equal(count_written(t), 0);
	assert_int_equal(n_transactions(t), 2);
}

/* What was applied since the boot holds what it sets, and its originals are the boot's. */
static void test_layers_of_this_boot_stay_above(void **state)
{
	struct tree *t = *state;

	profile(t, "two", two);
	apply_and_restart(t);
	apply(t, "two");
	put(t, STAT_INTERVAL, "99");
	replay(t);
	assert_layers(t, "one/a one/b two/c");
	assert_file(t, SWAPPINESS, "30");
	assert_file(t, STAT_INTERVAL, "99"); /* drift of a layer that is in force */
	assert_file(t, THP, "always madvise [never]");
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "61");
	put(t, STAT_INTERVAL, "30");
	roll_back_phase(t, "c");
	assert_file(t, SWAPPINESS, "20");
	roll_back_all(t);
	assert_as_before(t);
}

static void test_what_holds_already_is_not_written(void **state)
{
	struct tree *t = *state;

	profile(t, "two", two);
	apply(t, "two");
	restart(t);
	put(t, STAT_INTERVAL, "30"); /* by sysctl.d */
	remember(t);
	replay(t);
	assert_int_equal(count_written(t), 1);
	assert_state(t, "sysctl vm.stat_interval", "c", "ok");
	roll_back_all(t);
	assert_file(t, STAT_INTERVAL, "30");
	assert_as_before(t);
}

/* --- objects that come and go ------------------------------------------------------------------------------------- */

#define HWIRQ_5 "/sys/kernel/irq/5/hwirq" /* by which it is named */

static void test_what_is_gone_is_said_and_what_is_new_is_left_to_repair(void **state)
{
	struct tree *t = *state;

	apply_and_restart(t);
	take_away(t, HWIRQ_5);
	add_irq(t);
	replay(t);
	assert_state(t, "irq IO-APIC hwirq-4", "a", "change");
	assert_state(t, "irq IO-APIC hwirq-5", "a", "not_applicable");
	assert_state(t, "irq IO-APIC hwirq-6", "a", "");
	assert_file(t, "/proc/irq/6/smp_affinity_list", "0-3");
	assert_layers(t, "one/a one/b");
	verify(t);
	assert_state(t, "irq IO-APIC hwirq-6", "a", "drift");
	repair(t);
	assert_file(t, "/proc/irq/6/smp_affinity_list", "0-1");
}

/* What was missing in one boot is not given up for the next. */
static void test_what_is_back_a_boot_later_is_replayed(void **state)
{
	struct tree *t = *state;

	apply_and_restart(t);
	take_away(t, HWIRQ_5);
	replay(t);
	assert_file(t, IRQ_5, "0-3");
	for (size_t i = 0; i < N_TUNABLES; i++)
		put(t, tunables[i], t->before[i]);
	put(t, BOOT_ID, BOOT_3);
	put(t, HWIRQ_5, "5");
	add_irq(t);
	remember(t);
	replay(t);
	assert_state(t, "irq IO-APIC hwirq-5", "a", "change");
	assert_file(t, IRQ_5, "0-1");
	assert_file(t, "/proc/irq/6/smp_affinity_list", "0-3");
	roll_back_all(t);
	assert_as_before(t);
}

/* --- what goes wrong ---------------------------------------------------------------------------------------------- */

static void test_a_replay_that_fails_is_undone_and_says_why_later(void **state)
{
	struct tree *t = *state;

	apply_and_restart(t);
	refuse_writes(t, SWAPPINESS, true);
	assert_error(t, call(t, call_replay, NULL), ERR_WRITE_FAILED, "sysctl vm.swappiness");
	assert_non_null(strstr(t->err.msg, "undone"));
	assert_as_before(t);
	assert_layers(t, "one/a(not in force) one/b(not in force)");
	assert_string_equal(of_replay(t, "state"), "undone");
	assert_memory_equal(of_replay(t, "cause"), "sysctl vm.swappiness: ", 22);
	refuse_writes(t, SWAPPINESS, false);
	replay(t);
	assert_layers(t, "one/a one/b");
	assert_string_equal(of_replay(t, "state"), "committed");
	roll_back_all(t);
	assert_as_before(t);
}

/* One that cannot be planned leaves word, too. */
static void test_a_replay_that_is_refused_says_why_later(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\nrequired = yes\n[a/sysctl]\nvm.swappiness = 10\nvm.compaction_proactiveness = 0\n");
	apply(t, "p");
	restart(t);
	take_away(t, PROACTIVENESS);
	remember(t);
	assert_error(t, call(t, call_replay, NULL), ERR_NOT_APPLICABLE, "vm.compaction_proactiveness");
	assert_int_equal(count_written(t), 0);
	assert_layers(t, "p/a(not in force)");
	assert_string_equal(of_replay(t, "state"), "undone");
	assert_memory_equal(of_replay(t, "cause"), "vm.compaction_proactiveness: ", 29);
	put(t, PROACTIVENESS, "20");
	replay(t);
	assert_layers(t, "p/a");
	roll_back_all(t);
	assert_layers(t, "");
	assert_int_equal(n_originals(t), 0);
}

static void test_what_the_last_boot_left_unfinished_is_undone_first(void **state)
{
	struct tree *t = *state;
	int64_t txn;

	profile(t, "one", one);
	profile(t, "two", two);
	apply(t, "one");
	txn = crash_at(t, "two", "sysctl vm.stat_interval");
	t->event = NULL;
	for (size_t i = 0; i < N_TUNABLES; i++)
		put(t, tunables[i], t->before[i]);
	reboot(t);
	remember(t);
	replay(t);
	assert_int_equal(t->result.recovered, txn);
	assert_layers(t, "one/a one/b");
	assert_file(t, SWAPPINESS, "20");
	roll_back_all(t);
	assert_as_before(t);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_layers_are_in_force_again_with_originals_of_this_boot),
		TEST(test_a_layer_stays_that_of_its_apply),
		TEST(test_without_layers_there_is_nothing_to_do),
		TEST(test_what_is_in_force_is_left_alone),
		TEST(test_layers_of_this_boot_stay_above),
		TEST(test_what_holds_already_is_not_written),
		TEST(test_what_is_gone_is_said_and_what_is_new_is_left_to_repair),
		TEST(test_what_is_back_a_boot_later_is_replayed),
		TEST(test_a_replay_that_fails_is_undone_and_says_why_later),
		TEST(test_a_replay_that_is_refused_says_why_later),
		TEST(test_what_the_last_boot_left_unfinished_is_undone_first),
	};

	become_nobody();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
