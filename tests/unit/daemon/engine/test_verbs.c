/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of daemon/engine/verbs: what apply, rollback and repair do to a stack of layers, and that every way back ends at
 * the originals. HFT_TEST_SEED repeats a random run.
 */
#include <time.h>

#include "tests/unit/daemon/engine/tree.h"

static const char *const one = "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 10\nvm.stat_interval = 10\n"
			       "vm.dirty_bytes = 104857600\n[a/irq *]\naffinity = 0-1\n"
			       "[phase b]\norder = 2\n[b/sysctl]\nvm.swappiness = 20\nvm.compaction_proactiveness = 0\n"
			       "[b/vm]\nthp.enabled = never\n";
static const char *const two = "[phase c]\n[c/sysctl]\nvm.swappiness = 30\nvm.stat_interval = 30\nvm.dirty_ratio = 5\n"
			       "[c/vm]\nthp.enabled = always\n[c/irq parport0]\naffinity = 1\n";

static void apply_three_layers(struct tree *t)
{
	profile(t, "one", one);
	profile(t, "two", two);
	apply(t, "one");
	apply(t, "two");
	assert_layers(t, "one/a one/b two/c");
}

/* --- apply -------------------------------------------------------------------------------------------------------- */

static void test_the_upper_layer_is_written_and_the_originals_are_kept(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	assert_file(t, SWAPPINESS, "30");
	assert_file(t, STAT_INTERVAL, "30");
	assert_file(t, PROACTIVENESS, "0");
	assert_file(t, DIRTY_RATIO, "5");
	assert_file(t, DIRTY_BYTES, "0");
	assert_file(t, THP, "[always] madvise never");
	assert_file(t, IRQ_4, "0-1");
	assert_file(t, IRQ_5, "1");
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "60");
	assert_string_equal(original_of(t, "sysctl vm.dirty_ratio|vm.dirty_bytes"), "vm.dirty_ratio=20");
	assert_string_equal(original_of(t, "sysctl vm.min_free_kbytes"), "67584");
	assert_string_equal(original_of(t, "vm thp.enabled"), "madvise");
}

/* P10. */
static void test_a_second_apply_writes_nothing_and_makes_no_transaction(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	remember(t);
	apply(t, "two");
	assert_int_equal(t->result.txn, 0);
	assert_int_equal(count_written(t), 0);
	assert_int_equal(t->n_progress, 0);
	apply(t, "one"); /* lies beneath: nothing comes to light */
	assert_int_equal(t->result.txn, 0);
	assert_int_equal(count_written(t), 0);
	assert_as_before(t);
}

static void test_only_what_differs_is_written(void **state)
{
	struct tree *t = *state;

	put(t, SWAPPINESS, "10");
	remember(t);
	profile(t, "p", "[phase a]\n[a/sysctl]\nvm.swappiness = 10\nvm.stat_interval = 10\n");
	apply(t, "p");
	assert_int_equal(count_written(t), 1);
	assert_true(was_written(t, STAT_INTERVAL));
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "10");
	put(t, SWAPPINESS, "11"); /* drift: ours all the same */
	apply(t, "p");
	assert_file(t, SWAPPINESS, "10");
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "10");
	roll_back_all(t);
	assert_as_before(t);
}

static void test_drift_is_overwritten_and_the_original_stays(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	put(t, SWAPPINESS, "99");
	apply(t, "two");
	assert_file(t, SWAPPINESS, "30");
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "60");
	roll_back_all(t);
	assert_as_before(t);
}

static void test_a_layer_is_updated_where_it_stands(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	profile(t, "one", "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 11\nnet.core.rmem_max = 16777216\n"
	                  "[phase b]\norder = 2\n[b/sysctl]\nvm.stat_interval = 21\n");
	apply(t, "one");
	assert_layers(t, "one/a one/b two/c");
	assert_file(t, SWAPPINESS, "30");       /* held above */
	assert_file(t, STAT_INTERVAL, "30");    /* held above */
	assert_file(t, RMEM_MAX, "16777216");   /* came */
	assert_file(t, PROACTIVENESS, "20");    /* left: the original */
	assert_file(t, IRQ_4, "0-3");           /* left: the original */
	assert_file(t, IRQ_5, "1");             /* left, and held above */
	roll_back_phase(t, "c");
	assert_file(t, SWAPPINESS, "11");
	assert_file(t, STAT_INTERVAL, "21");
	assert_file(t, DIRTY_RATIO, "20");
	assert_file(t, THP, "always [madvise] never");
	roll_back_all(t);
	assert_as_before(t);
	assert_int_equal(n_originals(t), 0);
}

static void test_a_phase_that_left_goes_with_a_full_apply_only(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	profile(t, "one", "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 10\n");
	assert_done(t, call_phase(t, engine_apply, (struct request){.profile = "one"}, "a"));
	assert_layers(t, "one/a one/b two/c");
	assert_file(t, PROACTIVENESS, "0");
	apply(t, "one");
	assert_layers(t, "one/a two/c");
	assert_file(t, PROACTIVENESS, "20");
	roll_back_all(t);
	assert_as_before(t);
}

static void test_one_phase_can_be_applied_by_itself(void **state)
{
	struct tree *t = *state;

	profile(t, "one", one);
	assert_done(t, call_phase(t, engine_apply, (struct request){.profile = "one"}, "b"));
	assert_layers(t, "one/b");
	assert_file(t, SWAPPINESS, "20");
	assert_done(t, call_phase(t, engine_apply, (struct request){.profile = "one"}, "a"));
	assert_layers(t, "one/a one/b"); /* by order, not by time */
	assert_file(t, SWAPPINESS, "20");
	roll_back_phase(t, "b");
	assert_file(t, SWAPPINESS, "10");
	roll_back_phase(t, "a");
	assert_as_before(t);
}

/* P9. */
static void test_switch_writes_only_the_differences(void **state)
{
	struct tree *t = *state;

	profile(t, "one", one);
	profile(t, "two", "[phase c]\n[c/sysctl]\nvm.swappiness = 20\nvm.stat_interval = 10\nnet.core.rmem_max = 16777216\n");
	apply(t, "one");
	remember(t);
	assert_done(t, call(t, engine_apply, &(struct request){.profile = "two", .switch_ = true}));
	assert_layers(t, "two/c");
	assert_false(was_written(t, SWAPPINESS));
	assert_false(was_written(t, STAT_INTERVAL));
	assert_file(t, RMEM_MAX, "16777216");
	assert_file(t, PROACTIVENESS, "20");
	assert_file(t, IRQ_4, "0-3");
	assert_file(t, DIRTY_RATIO, "20");
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "60");
	roll_back_all(t);
	assert_file(t, SWAPPINESS, "60");
	assert_file(t, STAT_INTERVAL, "1");
	assert_int_equal(n_originals(t), 0);
}

/* --- rollback in every order --------------------------------------------------------------------------------------- */

static void test_any_order_of_rollbacks_ends_at_the_originals(void **state)
{
	static const char *const orders[][3] = {
		{"a", "b", "c"}, {"a", "c", "b"}, {"b", "a", "c"}, {"b", "c", "a"}, {"c", "a", "b"}, {"c", "b", "a"},
	};
	struct tree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		apply_three_layers(t);
		for (size_t k = 0; k < 3; k++)
			roll_back_phase(t, orders[i][k]);
		assert_as_before(t);
		assert_layers(t, "");
		assert_int_equal(n_originals(t), 0);
	}
}

static void test_taking_the_middle_out_restores_nothing_that_is_held_above(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	remember(t);
	roll_back_phase(t, "one/b");
	assert_int_equal(count_written(t), 1);
	assert_true(was_written(t, PROACTIVENESS));
	assert_file(t, PROACTIVENESS, "20");
	assert_file(t, SWAPPINESS, "30");
	roll_back_phase(t, "two/c");
	assert_file(t, SWAPPINESS, "10");
	assert_file(t, DIRTY_BYTES, "104857600");
	assert_file(t, DIRTY_RATIO, "0");
	assert_file(t, IRQ_5, "0-1");
}

static void test_bare_rollback_takes_the_last_apply_back(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	assert_done(t, call(t, engine_rollback, &(struct request){0}));
	assert_layers(t, "one/a one/b");
	assert_file(t, SWAPPINESS, "20");
	assert_done(t, call(t, engine_rollback, &(struct request){0}));
	assert_layers(t, "");
	assert_as_before(t);
	assert_done(t, call(t, engine_rollback, &(struct request){0}));
	assert_int_equal(t->result.txn, 0);
}

static void test_rollback_by_profile(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	assert_done(t, call(t, engine_rollback, &(struct request){.profile = "one"}));
	assert_layers(t, "two/c");
	assert_file(t, PROACTIVENESS, "20");
	assert_file(t, SWAPPINESS, "30");
	assert_error(t, call(t, engine_rollback, &(struct request){.profile = "one"}), ERR_INVALID_ARGUMENT, "one");
}

static void test_rollback_to_a_transaction_never_adds(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	assert_error(t, call(t, engine_rollback, &(struct request){.to = 99}), ERR_INVALID_ARGUMENT, "to");
	assert_done(t, call(t, engine_rollback, &(struct request){.to = 1}));
	assert_layers(t, "one/a one/b");
	profile(t, "one", "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 12\n[phase b]\norder = 2\n");
	apply(t, "one");
	assert_error(t, call(t, engine_rollback, &(struct request){.to = 1}), ERR_REFUSED, "b");
	assert_layers(t, "one/a one/b");
}

static void test_a_phase_of_two_profiles_must_be_named_in_full(void **state)
{
	struct tree *t = *state;

	profile(t, "one", "[phase a]\n[a/sysctl]\nvm.swappiness = 10\n");
	profile(t, "two", "[phase a]\n[a/sysctl]\nvm.swappiness = 20\n");
	apply(t, "one");
	apply(t, "two");
	assert_error(t, call_phase(t, engine_rollback, (struct request){0}, "a"), ERR_INVALID_ARGUMENT, "a");
	assert_non_null(strstr(t->err.hint, "one/a"));
	assert_non_null(strstr(t->err.hint, "two/a"));
	assert_error(t, call_phase(t, engine_rollback, (struct request){0}, "z"), ERR_INVALID_ARGUMENT, "z");
	roll_back_phase(t, "one/a");
	assert_file(t, SWAPPINESS, "20");
	roll_back_phase(t, "a");
	assert_as_before(t);
}

static void test_contradictions_in_a_request_are_refused(void **state)
{
	struct tree *t = *state;

	assert_error(t, call(t, engine_rollback, &(struct request){.all = true, .profile = "p"}), ERR_INVALID_ARGUMENT,
	             "rollback");
	assert_error(t, call(t, engine_rollback, &(struct request){.force = true, .keep_theirs = true}),
	             ERR_INVALID_ARGUMENT, "force");
}

/* --- P6: what somebody else changed -------------------------------------------------------------------------------- */

static void conflict_on_top(struct tree *t)
{
	apply_three_layers(t);
	put(t, PROACTIVENESS, "77"); /* b alone */
	put(t, STAT_INTERVAL, "88"); /* c, and a beneath it */
	roll_back_phase(t, "b");
	assert_state(t, "sysctl vm.compaction_proactiveness", "b", "conflict");
}

static void test_a_foreign_value_is_left_and_its_original_stays(void **state)
{
	struct tree *t = *state;

	conflict_on_top(t);
	assert_layers(t, "one/a one/b(residue) two/c");
	assert_file(t, PROACTIVENESS, "77");
	assert_file(t, SWAPPINESS, "30");
	assert_string_equal(original_of(t, "sysctl vm.compaction_proactiveness"), "20");
	verify(t);
	assert_state(t, "sysctl vm.compaction_proactiveness", "b", "conflict");
	roll_back_phase(t, "b"); /* still theirs */
	assert_state(t, "sysctl vm.compaction_proactiveness", "b", "conflict");
	assert_layers(t, "one/a one/b(residue) two/c");
}

static void test_force_writes_the_original(void **state)
{
	struct tree *t = *state;

	conflict_on_top(t);
	assert_done(t, call_phase(t, engine_rollback, (struct request){.force = true}, "b"));
	assert_file(t, PROACTIVENESS, "20");
	assert_layers(t, "one/a two/c");
	assert_string_equal(original_of(t, "sysctl vm.compaction_proactiveness"), "(none)");
}

static void test_keep_theirs_forgets_it(void **state)
{
	struct tree *t = *state;

	conflict_on_top(t);
	assert_done(t, call_phase(t, engine_rollback, (struct request){.keep_theirs = true}, "b"));
	assert_file(t, PROACTIVENESS, "77");
	assert_layers(t, "one/a two/c");
	assert_string_equal(original_of(t, "sysctl vm.compaction_proactiveness"), "(none)");
}

static void test_a_residue_whose_value_came_back_is_no_conflict(void **state)
{
	struct tree *t = *state;

	conflict_on_top(t);
	put(t, PROACTIVENESS, "20"); /* they put it back themselves */
	roll_back_phase(t, "b");
	assert_state(t, "sysctl vm.compaction_proactiveness", "b", "restored");
	assert_layers(t, "one/a two/c");
}

/* The same where a layer beneath would come to light. */
static void conflict_over_another_layer(struct tree *t)
{
	conflict_on_top(t);
	roll_back_phase(t, "c");
	assert_layers(t, "one/a one/b(residue) two/c(residue)");
	assert_file(t, STAT_INTERVAL, "88");
	assert_file(t, SWAPPINESS, "10");
	assert_string_equal(original_of(t, "sysctl vm.stat_interval"), "1");
	roll_back_phase(t, "c");
	assert_layers(t, "one/a one/b(residue) two/c(residue)");
}

static void test_force_brings_the_layer_beneath_to_light(void **state)
{
	struct tree *t = *state;

	conflict_over_another_layer(t);
	assert_done(t, call_phase(t, engine_rollback, (struct request){.force = true}, "c"));
	assert_file(t, STAT_INTERVAL, "10");
	assert_layers(t, "one/a one/b(residue)");
	assert_done(t, call(t, engine_rollback, &(struct request){.all = true, .force = true}));
	assert_as_before(t);
	assert_int_equal(n_originals(t), 0);
}

static void test_keep_theirs_over_a_layer_leaves_that_layer_with_drift(void **state)
{
	struct tree *t = *state;

	conflict_over_another_layer(t);
	assert_done(t, call_phase(t, engine_rollback, (struct request){.keep_theirs = true}, "c"));
	assert_file(t, STAT_INTERVAL, "88");
	assert_layers(t, "one/a one/b(residue)");
	verify(t);
	assert_state(t, "sysctl vm.stat_interval", "a", "drift");
	repair(t);
	assert_file(t, STAT_INTERVAL, "10");
	assert_string_equal(original_of(t, "sysctl vm.stat_interval"), "1");
}

static void test_the_layer_beneath_taken_out_first_leaves_the_residue(void **state)
{
	struct tree *t = *state;

	conflict_over_another_layer(t);
	roll_back_phase(t, "a");
	assert_layers(t, "one/b(residue) two/c(residue)");
	assert_file(t, STAT_INTERVAL, "88");
	assert_string_equal(original_of(t, "sysctl vm.stat_interval"), "1");
	assert_done(t, call(t, engine_rollback, &(struct request){.all = true, .force = true}));
	assert_as_before(t);
}

/* Another apply overwrites the foreign value; the original is still that of before, and the conflict is over. */
static void test_an_apply_over_a_residue_goes_back_to_the_original(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase x]\n[x/sysctl]\nvm.compaction_proactiveness = 5\n");
	conflict_on_top(t);
	apply(t, "p");
	assert_file(t, PROACTIVENESS, "5");
	assert_string_equal(original_of(t, "sysctl vm.compaction_proactiveness"), "20");
	roll_back_phase(t, "x");
	assert_file(t, PROACTIVENESS, "20");
	assert_layers(t, "one/a two/c");
}

static void test_applying_the_profile_again_ends_its_residue(void **state)
{
	struct tree *t = *state;

	conflict_on_top(t);
	apply(t, "one");
	assert_layers(t, "one/a one/b two/c");
	assert_file(t, PROACTIVENESS, "0");
	put(t, STAT_INTERVAL, "30");
	roll_back_all(t);
	assert_as_before(t);
}

static void test_a_coupled_object_that_somebody_changed_is_a_conflict_too(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\n[a/vm]\nthp.enabled = never\n");
	apply(t, "p");
	put(t, MIN_FREE, "99999");
	roll_back_all(t);
	assert_state(t, "sysctl vm.min_free_kbytes", NULL, "conflict");
	assert_file(t, MIN_FREE, "99999");
	assert_file(t, THP, "always [madvise] never");
	assert_string_equal(original_of(t, "sysctl vm.min_free_kbytes"), "67584");
	assert_layers(t, "p/a(residue)");
	assert_done(t, call(t, engine_rollback, &(struct request){.all = true, .force = true}));
	assert_as_before(t);
	assert_layers(t, "");
	assert_int_equal(n_originals(t), 0);
}

/* What the kernel made of a coupled object is ours: it goes back without a conflict. */
static void the_kernel_changes_min_free(struct tree *t)
{
	put(t, MIN_FREE, "45056");
}

static void test_what_the_kernel_changed_along_goes_back(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\n[a/vm]\nthp.enabled = never\n[a/sysctl]\nvm.swappiness = 10\n");
	when(t, "sysctl vm.swappiness", the_kernel_changes_min_free);
	apply(t, "p");
	assert_file(t, MIN_FREE, "45056");
	t->event = NULL;
	roll_back_all(t);
	assert_as_before(t);
	assert_int_equal(n_originals(t), 0);
}

/* An object that another one's step takes away, as interrupts go with channels, and that comes back with that. */
static void it_comes_back_at_its_default(struct tree *t)
{
	put(t, MIN_FREE, "67584");
}

static void test_what_was_gone_comes_back_to_its_original(void **state)
{
	struct tree *t = *state;

	put(t, MIN_FREE, "70000");
	profile(t, "p", "[phase a]\n[a/vm]\nthp.enabled = never\n[phase b]\n[b/sysctl]\nvm.stat_interval = 10\n");
	apply(t, "p");
	assert_string_equal(original_of(t, "sysctl vm.min_free_kbytes"), "70000");
	take_away(t, MIN_FREE);
	roll_back_phase(t, "b");
	assert_string_equal(original_of(t, "sysctl vm.min_free_kbytes"), "70000");
	when(t, "vm thp.enabled", it_comes_back_at_its_default);
	roll_back_all(t);
	t->event = NULL;
	assert_file(t, MIN_FREE, "70000");
	assert_state(t, "sysctl vm.min_free_kbytes", NULL, "restored");
	assert_int_equal(n_originals(t), 0);
	/* What stays away has none. */
	apply(t, "p");
	take_away(t, MIN_FREE);
	roll_back_all(t);
	assert_state(t, "sysctl vm.min_free_kbytes", NULL, "not_applicable");
	assert_int_equal(n_originals(t), 0);
}

static void it_goes(struct tree *t)
{
	take_away(t, STAT_INTERVAL);
}

static void it_is_there_again(struct tree *t)
{
	put(t, STAT_INTERVAL, "1");
}

static void test_what_goes_before_it_is_written_keeps_its_original(void **state)
{
	struct tree *t = *state;

	put(t, STAT_INTERVAL, "5");
	profile(t, "p", "[phase a]\n[a/sysctl]\nvm.stat_interval = 10\nvm.swappiness = 10\n");
	when(t, "sysctl vm.stat_interval", it_goes);
	apply(t, "p");
	t->event = NULL;
	assert_state(t, "sysctl vm.stat_interval", "a", "not_applicable");
	assert_string_equal(original_of(t, "sysctl vm.stat_interval"), "5");
	repair(t);
	assert_string_equal(original_of(t, "sysctl vm.stat_interval"), "5");
	when(t, "sysctl vm.swappiness", it_is_there_again);
	roll_back_all(t);
	t->event = NULL;
	assert_file(t, STAT_INTERVAL, "5");
	assert_int_equal(n_originals(t), 0);
}

/* --- repair ------------------------------------------------------------------------------------------------------- */

static void test_repair_writes_what_drifted_and_nothing_else(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	put(t, SWAPPINESS, "99");
	profile(t, "two", "[phase c]\n[c/sysctl]\nvm.swappiness = 1\n"); /* the file is not asked */
	remember(t);
	repair(t);
	assert_int_equal(count_written(t), 1);
	assert_file(t, SWAPPINESS, "30");
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "60");
	repair(t);
	assert_int_equal(t->result.txn, 0);
}

static void test_repair_adopts_what_has_appeared_with_an_original_of_its_own(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	add_irq(t);
	repair(t);
	assert_file(t, "/proc/irq/6/smp_affinity_list", "0-1");
	assert_string_equal(original_of(t, "irq IO-APIC hwirq-6"), "0-3@2");
	verify(t);
	assert_state(t, "irq IO-APIC hwirq-6", "a", "ok");
	roll_back_all(t);
	assert_file(t, "/proc/irq/6/smp_affinity_list", "0-3");
	assert_file(t, "/proc/irq/6/effective_affinity_list", "2");
	assert_as_before(t);
}

/* --- another boot ------------------------------------------------------------------------------------------------- */

static void test_after_a_reboot_nothing_is_in_force(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	restart(t);
	assert_layers(t, "one/a(not in force) one/b(not in force) two/c(not in force)");
	verify(t);
	assert_int_equal(t->result.n_steps, 13);
	for (size_t i = 0; i < t->result.n_steps; i++)
		assert_int_equal(t->result.steps[i].state, STEP_DRIFT);
}

static void test_rollback_after_a_reboot_drops_without_a_write(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	restart(t);
	roll_back_phase(t, "b");
	assert_layers(t, "one/a(not in force) two/c(not in force)");
	roll_back_all(t);
	assert_layers(t, "");
	assert_int_equal(count_written(t), 0);
	assert_int_equal(n_originals(t), 0);
}

static void test_an_apply_after_a_reboot_takes_fresh_originals(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	restart(t);
	apply(t, "one");
	assert_layers(t, "one/a one/b two/c(not in force)");
	assert_file(t, SWAPPINESS, "20"); /* what is not in force holds nothing */
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "61");
	roll_back_all(t);
	assert_as_before(t);
	assert_file(t, SWAPPINESS, "61");
}

static void test_repair_after_a_reboot_replays_all_layers(void **state)
{
	struct tree *t = *state;

	apply_three_layers(t);
	restart(t);
	repair(t);
	assert_layers(t, "one/a one/b two/c");
	assert_file(t, SWAPPINESS, "30");
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "61");
	roll_back_all(t);
	assert_as_before(t);
}

static void test_a_residue_of_another_boot_hinders_nobody(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase x]\n[x/sysctl]\nvm.swappiness = 5\n");
	conflict_on_top(t);
	restart(t);
	apply(t, "p");
	assert_layers(t, "one/a(not in force) two/c(not in force) p/x");
	profile(t, "p", "[phase x]\n[x/sysctl]\nvm.compaction_proactiveness = 5\n");
	apply(t, "p");
	assert_file(t, PROACTIVENESS, "5");
	assert_layers(t, "one/a(not in force) two/c(not in force) p/x");
	roll_back_phase(t, "x");
	assert_as_before(t);
	assert_int_equal(n_originals(t), 0);
}

/* What a layer of another boot would be coupled with is not kept for it. */
static void test_a_layer_of_another_boot_keeps_no_original(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase x]\n[x/vm]\nthp.enabled = never\n[x/sysctl]\nvm.swappiness = 10\n");
	apply_three_layers(t);
	restart(t);
	when(t, "sysctl vm.swappiness", the_kernel_changes_min_free);
	apply(t, "p");
	t->event = NULL;
	assert_file(t, MIN_FREE, "45056");
	roll_back_phase(t, "x");
	assert_as_before(t);
	assert_int_equal(n_originals(t), 0);
}

/* --- against a model ---------------------------------------------------------------------------------------------- */

/* What can be set in the random test: file, option, and values that read back as they are. */
static const struct {
	const char *path, *option, *original;
	int min, max;
} things[] = {
	{SWAPPINESS,    "vm.swappiness",             "60", 0, 200},
	{STAT_INTERVAL, "vm.stat_interval",          "1",  1, 60},
	{PROACTIVENESS, "vm.compaction_proactiveness", "20", 0, 100},
	{TIMER_MIGRATION, "kernel.timer_migration",  "1",  0, 1},
	{RMEM_MAX,      "net.core.rmem_max",         "212992", 65536, 65599},
};
#define N_THINGS ARRAY_LEN(things)
#define N_PROFILES 3
#define N_PHASES 3

struct model_layer {
	int profile, phase, order;
	int value[N_THINGS]; /* -1: not set */
};

struct model {
	struct model_layer file[N_PROFILES][N_PHASES]; /* the profiles as they are now; order -1: no such phase */
	struct model_layer stack[N_PROFILES * N_PHASES];
	int n;
	unsigned seed;
};

static int pick(struct model *m, int n)
{
	m->seed = m->seed * 1103515245u + 12345u;
	return (int)((m->seed >> 16) % (unsigned)n);
}

static void write_profile(struct tree *t, struct model *m, int p)
{
	char text[2048], name[] = {(char)('p' + p), '\0'};
	size_t n = 0;

	text[0] = '\0';
	for (int i = 0; i < N_PHASES; i++) {
		struct model_layer *l = &m->file[p][i];

		*l = (struct model_layer){.profile = p, .phase = i, .order = pick(m, 4) ? i : -1};
		if (l->order < 0)
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "[phase %c]\norder = %d\n[%c/sysctl]\n", 'a' + i, i, 'a' + i);
		for (size_t k = 0; k < N_THINGS; k++) {
			l->value[k] = pick(m, 2) ? things[k].min + pick(m, things[k].max - things[k].min + 1) : -1;
			if (l->value[k] >= 0)
				n += (size_t)snprintf(text + n, sizeof(text) - n, "%s = %d\n", things[k].option, l->value[k]);
		}
	}
	profile(t, name, text[0] ? text : "[profile]\nsummary = empty\n");
}

static void model_remove(struct model *m, int i)
{
	memmove(&m->stack[i], &m->stack[i + 1], (size_t)(m->n - i - 1) * sizeof(m->stack[0]));
	m->n--;
}

/* In place, or below the first layer of the same profile with a greater order, or on top. */
static void model_put(struct model *m, const struct model_layer *l)
{
	int at = m->n;

	for (int i = m->n - 1; i >= 0; i--) {
		if (m->stack[i].profile != l->profile)
			continue;
		if (m->stack[i].phase == l->phase) {
			m->stack[i] = *l;
			return;
		}
		if (m->stack[i].order > l->order)
			at = i;
	}
	memmove(&m->stack[at + 1], &m->stack[at], (size_t)(m->n - at) * sizeof(m->stack[0]));
	m->stack[at] = *l;
	m->n++;
}

static void model_apply(struct model *m, int p, int phase, bool switch_)
{
	for (int i = m->n - 1; i >= 0; i--) {
		const struct model_layer *l = &m->stack[i];

		if (l->profile == p ? phase < 0 && m->file[p][l->phase].order < 0 : switch_)
			model_remove(m, i);
	}
	for (int i = 0; i < N_PHASES; i++) {
		if (m->file[p][i].order >= 0 && (phase < 0 || phase == i))
			model_put(m, &m->file[p][i]);
	}
}

/* The place of the layer that holds a thing; -1: none does. */
static int model_top(const struct model *m, size_t k)
{
	int i = m->n - 1;

	while (i >= 0 && m->stack[i].value[k] < 0)
		i--;
	return i;
}

static const char *model_value(const struct model *m, size_t k)
{
	static char text[32];
	int i = model_top(m, k);

	if (i < 0)
		return things[k].original;
	snprintf(text, sizeof(text), "%d", m->stack[i].value[k]);
	return text;
}

/* Layer i is one of those that the request applies. */
static bool is_applied(const struct model *m, int i, int p, int phase)
{
	return m->stack[i].profile == p && (phase < 0 || m->stack[i].phase == phase);
}

/* The layers from `at` upwards that the request applies are what they were. */
static void model_drop(struct model *m, const struct model *old, int at, int p, int phase)
{
	for (int i = m->n - 1; i >= at; i--) {
		int k = old->n - 1;

		if (!is_applied(m, i, p, phase))
			continue;
		while (k >= 0 && (old->stack[k].profile != p || old->stack[k].phase != m->stack[i].phase))
			k--;
		if (k < 0)
			model_remove(m, i);
		else
			m->stack[i] = old->stack[k];
	}
}

/* The layer whose step fails when k cannot be written: that which holds it, or which held it and does not any more. */
static int model_failed(const struct model *m, const struct model *old, size_t k)
{
	int at = model_top(m, k), was = model_top(old, k), i = 0;

	if (at >= 0 || was < 0)
		return at;
	while (i < m->n && (m->stack[i].profile != old->stack[was].profile || m->stack[i].phase != old->stack[was].phase))
		i++;
	return i < m->n ? i : -1;
}

/* An apply with --keep during which thing k cannot be written. False: nothing is kept. */
static bool model_keep(struct model *m, const struct model *old, size_t k, int p, int phase)
{
	bool dropped[N_PROFILES * N_PHASES] = {false}; /* by phase: is what it was */

	for (;;) {
		int at = model_failed(m, old, k), low = 0;
		char now[32];

		snprintf(now, sizeof(now), "%s", model_value(old, k));
		if (strcmp(model_value(m, k), now) == 0)
			return true;
		if (at < 0 || !is_applied(m, at, p, phase) || dropped[m->stack[at].phase])
			return false;
		while (low < at && (!is_applied(m, low, p, phase) || dropped[m->stack[low].phase]))
			low++;
		if (low == at)
			return false;
		for (int i = at; i < m->n; i++) {
			if (is_applied(m, i, p, phase))
				dropped[m->stack[i].phase] = true;
		}
		model_drop(m, old, at, p, phase);
	}
}

static void assert_like_model(const struct tree *t, const struct model *m)
{
	for (size_t k = 0; k < N_THINGS; k++) {
		const char *wanted = model_value(m, k);

		if (strcmp(get(t, things[k].path), wanted) != 0)
			fail_msg("%s: %s, the model says %s", things[k].path, get(t, things[k].path), wanted);
	}
}

static void refuse_the_thing(struct tree *t)
{
	for (size_t k = 0; k < N_THINGS; k++) {
		if (strcmp(t->object + strlen("sysctl "), things[k].option) == 0)
			refuse_writes(t, things[k].path, true);
	}
}

/* An apply during which one thing turns out not to be writable. */
static void random_refusal(struct tree *t, struct model *m)
{
	int p = pick(m, N_PROFILES), phase = pick(m, 3) ? -1 : pick(m, N_PHASES);
	size_t k = (size_t)pick(m, N_THINGS);
	char name[] = {(char)('p' + p), '\0'}, phase_name[] = {(char)('a' + phase), '\0'}, object[64];
	struct request q = {.profile = name, .switch_ = pick(m, 4) == 0, .keep = pick(m, 4) != 0};
	struct model old;

	write_profile(t, m, p);
	if (phase >= 0 && m->file[p][phase].order < 0)
		return;
	old = *m;
	model_apply(m, p, phase, q.switch_);
	snprintf(object, sizeof(object), "sysctl %s", things[k].option);
	when(t, object, refuse_the_thing);
	int r = call_phase(t, engine_apply, q, phase < 0 ? NULL : phase_name);
	t->event = NULL;
	refuse_writes(t, things[k].path, false);
	bool is_kept = q.keep ? model_keep(m, &old, k, p, phase)
	                      : strcmp(get(t, things[k].path), model_value(m, k)) == 0;
	assert_int_equal(r == 0, is_kept);
	if (is_kept)
		return;
	assert_string_equal(t->err.code, ERR_WRITE_FAILED);
	assert_string_equal(t->err.subject, object);
	memcpy(m->stack, old.stack, sizeof(m->stack));
	m->n = old.n;
}

static void random_apply(struct tree *t, struct model *m)
{
	int p = pick(m, N_PROFILES), phase = pick(m, 3) ? -1 : pick(m, N_PHASES);
	char name[] = {(char)('p' + p), '\0'}, phase_name[] = {(char)('a' + phase), '\0'};
	struct request q = {.profile = name, .switch_ = pick(m, 6) == 0};

	if (pick(m, 2))
		write_profile(t, m, p);
	if (phase >= 0 && m->file[p][phase].order < 0)
		return;
	assert_done(t, call_phase(t, engine_apply, q, phase < 0 ? NULL : phase_name));
	model_apply(m, p, phase, q.switch_);
}

static void random_rollback(struct tree *t, struct model *m)
{
	if (!m->n)
		return;
	int i = pick(m, m->n);
	char name[] = {(char)('p' + m->stack[i].profile), '/', (char)('a' + m->stack[i].phase), '\0'};

	roll_back_phase(t, name);
	model_remove(m, i);
}

static void random_drift(struct tree *t, struct model *m)
{
	size_t k = (size_t)pick(m, N_THINGS);

	put(t, things[k].path, things[k].min ? "7" : "0");
	repair(t);
	/* What no layer holds is nobody's to repair. */
	for (int i = 0; i < m->n; i++) {
		if (m->stack[i].value[k] >= 0)
			return;
	}
	put(t, things[k].path, things[k].original);
}

static void test_random_requests_agree_with_a_simple_model(void **state)
{
	struct tree *t = *state;
	const char *given = getenv("HFT_TEST_SEED");
	struct model m = {.seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL)};

	print_message("HFT_TEST_SEED=%u\n", m.seed);
	for (int p = 0; p < N_PROFILES; p++)
		write_profile(t, &m, p);
	for (int i = 0; i < 300; i++) {
		int what = pick(&m, 10);

		if (what < 4)
			random_apply(t, &m);
		else if (what < 6)
			random_refusal(t, &m);
		else if (what < 9)
			random_rollback(t, &m);
		else
			random_drift(t, &m);
		assert_like_model(t, &m);
	}
	while (m.n) {
		random_rollback(t, &m);
		assert_like_model(t, &m);
	}
	assert_as_before(t);
	assert_int_equal(n_originals(t), 0);
	assert_layers(t, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_upper_layer_is_written_and_the_originals_are_kept),
		TEST(test_a_second_apply_writes_nothing_and_makes_no_transaction),
		TEST(test_only_what_differs_is_written),
		TEST(test_drift_is_overwritten_and_the_original_stays),
		TEST(test_a_layer_is_updated_where_it_stands),
		TEST(test_a_phase_that_left_goes_with_a_full_apply_only),
		TEST(test_one_phase_can_be_applied_by_itself),
		TEST(test_switch_writes_only_the_differences),
		TEST(test_any_order_of_rollbacks_ends_at_the_originals),
		TEST(test_taking_the_middle_out_restores_nothing_that_is_held_above),
		TEST(test_bare_rollback_takes_the_last_apply_back),
		TEST(test_rollback_by_profile),
		TEST(test_rollback_to_a_transaction_never_adds),
		TEST(test_a_phase_of_two_profiles_must_be_named_in_full),
		TEST(test_contradictions_in_a_request_are_refused),
		TEST(test_a_foreign_value_is_left_and_its_original_stays),
		TEST(test_force_writes_the_original),
		TEST(test_keep_theirs_forgets_it),
		TEST(test_a_residue_whose_value_came_back_is_no_conflict),
		TEST(test_force_brings_the_layer_beneath_to_light),
		TEST(test_keep_theirs_over_a_layer_leaves_that_layer_with_drift),
		TEST(test_the_layer_beneath_taken_out_first_leaves_the_residue),
		TEST(test_an_apply_over_a_residue_goes_back_to_the_original),
		TEST(test_applying_the_profile_again_ends_its_residue),
		TEST(test_a_coupled_object_that_somebody_changed_is_a_conflict_too),
		TEST(test_what_the_kernel_changed_along_goes_back),
		TEST(test_what_was_gone_comes_back_to_its_original),
		TEST(test_what_goes_before_it_is_written_keeps_its_original),
		TEST(test_repair_writes_what_drifted_and_nothing_else),
		TEST(test_repair_adopts_what_has_appeared_with_an_original_of_its_own),
		TEST(test_after_a_reboot_nothing_is_in_force),
		TEST(test_rollback_after_a_reboot_drops_without_a_write),
		TEST(test_an_apply_after_a_reboot_takes_fresh_originals),
		TEST(test_repair_after_a_reboot_replays_all_layers),
		TEST(test_a_residue_of_another_boot_hinders_nobody),
		TEST(test_a_layer_of_another_boot_keeps_no_original),
		TEST(test_random_requests_agree_with_a_simple_model),
	};

	become_nobody();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
