/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of daemon/engine/run: what is left when a write is refused, a value does not take, a process dies or the disk is
 * full; --keep; recovery. What the kernel would do in between is done at the steps that the engine announces.
 */
#include <sys/resource.h>

#include "tests/unit/daemon/engine/tree.h"

/* Three phases, written in the order swappiness, stat_interval, compaction_proactiveness, then the interrupts. */
static const char *const three = "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 10\n[a/irq ttyS0]\naffinity = 0\n"
				 "[phase b]\norder = 2\n[b/sysctl]\nvm.stat_interval = 20\n"
				 "[phase c]\norder = 3\n[c/sysctl]\nvm.compaction_proactiveness = 30\n"
				 "[c/irq parport0]\naffinity = 1\n";

#define A_SWAPPINESS "sysctl vm.swappiness"
#define B_STAT "sysctl vm.stat_interval"
#define C_PROACTIVENESS "sysctl vm.compaction_proactiveness"
#define A_IRQ "irq IO-APIC hwirq-4"
#define C_IRQ "irq IO-APIC hwirq-5"

static void refuse_swappiness(struct tree *t) { refuse_writes(t, SWAPPINESS, true); }
static void refuse_stat(struct tree *t) { refuse_writes(t, STAT_INTERVAL, true); }
static void refuse_proactiveness(struct tree *t) { refuse_writes(t, PROACTIVENESS, true); }
static void refuse_irq_5(struct tree *t) { refuse_writes(t, IRQ_5, true); }

static int apply_keep(struct tree *t, const char *name)
{
	return call(t, engine_apply, &(struct request){.profile = name, .keep = true});
}

static const char *last_txn_state(struct tree *t)
{
	static char text[32];
	CLEANUP(json_freep) struct json *j = NULL;

	assert_done(t, engine_history(&t->e, 0, &j, &t->err));
	text[0] = '\0';
	for (const struct json *e = json_first(json_get(j, "transactions")); e; e = json_next(e))
		snprintf(text, sizeof(text), "%s", json_get_string(e, "state", ""));
	return text;
}

/* Nothing is in force, nothing is open, and the host is as it was. */
static void assert_untouched(struct tree *t)
{
	CLEANUP(store_view_done) struct store_view v = {0};

	assert_as_before(t);
	assert_layers(t, "");
	assert_int_equal(n_originals(t), 0);
	assert_int_equal(store_load(t->store, &v, &t->err), 0);
	assert_int_equal(v.unfinished, 0);
}

/* --- failures ----------------------------------------------------------------------------------------------------- */

static void test_a_refused_write_undoes_everything_and_says_what_was_refused(void **state)
{
	struct tree *t = *state;

	profile(t, "p", three);
	when(t, C_PROACTIVENESS, refuse_proactiveness);
	assert_error(t, call(t, engine_apply, &(struct request){.profile = "p"}), ERR_WRITE_FAILED, C_PROACTIVENESS);
	assert_int_equal(t->err.sys, EACCES);
	assert_string_equal(t->err.wanted, "30");
	assert_string_equal(t->err.found, "20");
	assert_string_equal(t->err.where, PROFILES "/p.conf:14");
	assert_true(was_written(t, SWAPPINESS));
	assert_untouched(t);
	assert_string_equal(last_txn_state(t), "undone");
}

static void test_the_first_write_refused_leaves_nothing_to_undo(void **state)
{
	struct tree *t = *state;

	profile(t, "p", three);
	when(t, A_SWAPPINESS, refuse_swappiness);
	assert_error(t, call(t, engine_apply, &(struct request){.profile = "p"}), ERR_WRITE_FAILED, A_SWAPPINESS);
	assert_int_equal(count_written(t), 0);
	assert_untouched(t);
}

static void test_a_failed_update_leaves_the_layer_as_it_was(void **state)
{
	struct tree *t = *state;

	profile(t, "p", three);
	apply(t, "p");
	profile(t, "p", "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 11\nvm.compaction_proactiveness = 31\n");
	when(t, C_PROACTIVENESS, refuse_proactiveness);
	assert_error(t, call(t, engine_apply, &(struct request){.profile = "p"}), ERR_WRITE_FAILED, C_PROACTIVENESS);
	t->event = NULL;
	refuse_writes(t, PROACTIVENESS, false);
	assert_layers(t, "p/a p/b p/c");
	assert_file(t, SWAPPINESS, "10");
	assert_file(t, PROACTIVENESS, "30");
	verify(t);
	for (size_t i = 0; i < t->result.n_steps; i++)
		assert_int_equal(t->result.steps[i].state, STEP_OK);
	roll_back_all(t);
	assert_untouched(t);
}

static void test_a_failed_rollback_leaves_the_layers_in_force(void **state)
{
	struct tree *t = *state;

	profile(t, "p", three);
	apply(t, "p");
	when(t, A_SWAPPINESS, refuse_swappiness);
	assert_error(t, call(t, engine_rollback, &(struct request){.all = true}), ERR_WRITE_FAILED, A_SWAPPINESS);
	t->event = NULL;
	assert_layers(t, "p/a p/b p/c");
	assert_file(t, PROACTIVENESS, "30");
	assert_file(t, IRQ_4, "0");
	refuse_writes(t, SWAPPINESS, false);
	roll_back_all(t);
	assert_untouched(t);
}

/* Two settings that exclude each other: each is written, and each undoes the other. */
static void test_values_that_exclude_each_other_are_undone(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\n[a/sysctl]\nvm.swappiness = 10\nkernel.watchdog = 0\nkernel.soft_watchdog = 1\n");
	assert_true(call(t, engine_apply, &(struct request){.profile = "p"}) < 0);
	assert_string_equal(t->err.code, ERR_NOT_IN_EFFECT);
	assert_string_equal(t->err.subject, "sysctl kernel.watchdog");
	assert_string_equal(t->err.wanted, "0");
	assert_string_equal(t->err.found, "1");
	assert_untouched(t);
}

static void test_what_the_kernel_offers_no_more_is_refused(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\n[a/vm]\nthp.enabled = never\n[a/sysctl]\nvm.swappiness = 10\n");
	plan(t, "p");
	profile(t, "q", "[phase a]\n[a/vm]\nthp.enabled = sometimes\n");
	assert_true(call(t, engine_plan, &(struct request){.profile = "q"}) < 0);
	assert_string_equal(t->err.code, ERR_INVALID_PROFILE);
	assert_string_equal(t->err.where, PROFILES "/q.conf:3");
}

static void refuse_stat_and_irq_5(struct tree *t)
{
	refuse_stat(t);
	refuse_irq_5(t);
}

static void fail_and_fail_to_undo(struct tree *t)
{
	profile(t, "p", "[phase a]\n[a/sysctl]\nvm.swappiness = 10\nvm.stat_interval = 20\n[a/irq parport0]\naffinity = 1\n");
	when(t, C_IRQ, refuse_stat_and_irq_5);
	assert_error(t, call(t, engine_apply, &(struct request){.profile = "p"}), ERR_NOT_UNDONE, B_STAT);
	t->event = NULL;
}

static void test_what_is_neither_before_nor_after_is_named(void **state)
{
	struct tree *t = *state;
	CLEANUP(json_freep) struct json *j = NULL;

	fail_and_fail_to_undo(t);
	assert_int_equal(t->err.sys, EACCES);
	assert_file(t, SWAPPINESS, "60"); /* everything else is back */
	assert_file(t, STAT_INTERVAL, "20");
	assert_layers(t, "");
	assert_done(t, engine_status(&t->e, &j, &t->err));
	assert_int_equal(json_size(json_get(j, "neither")), 1);
	assert_string_equal(json_string(json_first(json_get(j, "neither")), ""), B_STAT);
	plan(t, "p");
	assert_true(t->result.unfinished > 0);
}

static void test_the_next_change_first_puts_back_what_was_left(void **state)
{
	struct tree *t = *state;

	fail_and_fail_to_undo(t);
	profile(t, "q", "[phase q]\n[q/sysctl]\nnet.core.rmem_max = 16777216\n");
	assert_error(t, call(t, engine_apply, &(struct request){.profile = "q"}), ERR_NOT_UNDONE, B_STAT);
	assert_file(t, RMEM_MAX, "212992");
	refuse_writes(t, STAT_INTERVAL, false);
	refuse_writes(t, IRQ_5, false);
	apply(t, "q");
	assert_true(t->result.recovered > 0);
	assert_file(t, STAT_INTERVAL, "1");
	roll_back_all(t);
	assert_untouched(t);
}

static void test_keep_theirs_ends_what_cannot_be_put_back(void **state)
{
	struct tree *t = *state;

	fail_and_fail_to_undo(t);
	assert_done(t, call(t, engine_rollback, &(struct request){.all = true, .keep_theirs = true}));
	assert_file(t, STAT_INTERVAL, "20");
	refuse_writes(t, STAT_INTERVAL, false);
	apply(t, "p"); /* nothing is in the way any more */
	assert_int_equal(t->result.recovered, 0);
}

/* The journal cannot be appended to: the host is put back without it. */
static void fill_the_disk(struct tree *t)
{
	struct stat st;

	assert_int_equal(fstatat(t->dir, below(STATE "/txn/0001.journal"), &st, 0), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)st.st_size, RLIM_INFINITY}), 0);
}

static void test_a_full_disk_undoes_everything(void **state)
{
	struct tree *t = *state;
	int64_t txn;

	profile(t, "p", three);
	signal(SIGXFSZ, SIG_IGN);
	when(t, C_PROACTIVENESS, fill_the_disk);
	assert_true(call(t, engine_apply, &(struct request){.profile = "p"}) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), 0);
	t->event = NULL;
	assert_string_equal(t->err.code, ERR_IO);
	assert_true(was_written(t, SWAPPINESS));
	assert_as_before(t);
	assert_layers(t, "");
	assert_done(t, engine_recover(&t->e, &txn, &t->err));
	assert_untouched(t);
	apply(t, "p");
	assert_layers(t, "p/a p/b p/c");
}

/* --- coupled objects ---------------------------------------------------------------------------------------------- */

static void test_a_coupled_object_that_moved_along_is_put_back(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\n[a/sysctl]\nkernel.watchdog = 0\n");
	apply(t, "p");
	assert_file(t, SOFT_WATCHDOG, "0");
	assert_string_equal(original_of(t, "sysctl kernel.soft_watchdog"), "1");
	verify(t);
	assert_int_equal(t->result.n_steps, 1);
	roll_back_all(t);
	assert_untouched(t);
}

static void min_free_moves(struct tree *t)
{
	put(t, MIN_FREE, "45056");
}

static void min_free_moves_and_irq_4_is_refused(struct tree *t)
{
	min_free_moves(t);
	refuse_writes(t, IRQ_4, true);
}

static const char *const huge = "[phase h]\n[h/vm]\nthp.enabled = never\n[h/irq ttyS0]\naffinity = 0\n";

static void test_a_coupled_object_is_undone_with_the_others(void **state)
{
	struct tree *t = *state;

	profile(t, "p", huge);
	when(t, A_IRQ, min_free_moves_and_irq_4_is_refused);
	assert_error(t, call(t, engine_apply, &(struct request){.profile = "p"}), ERR_WRITE_FAILED, A_IRQ);
	assert_untouched(t);
}

static void test_a_coupled_object_is_recovered_with_the_others(void **state)
{
	struct tree *t = *state;
	int64_t txn;

	profile(t, "p", huge);
	crash_at(t, "p", A_IRQ);
	min_free_moves(t);
	assert_done(t, engine_recover(&t->e, &txn, &t->err));
	assert_untouched(t);
}

static void test_a_coupled_object_that_a_layer_below_holds_is_kept(void **state)
{
	struct tree *t = *state;

	profile(t, "low", "[phase l]\n[l/sysctl]\nvm.min_free_kbytes = 70000\n");
	profile(t, "high", huge);
	apply(t, "low");
	/* The kernel answers THP with a new min_free_kbytes: the layer below wants its own. */
	when(t, A_IRQ, min_free_moves);
	apply(t, "high");
	t->event = NULL;
	assert_file(t, MIN_FREE, "70000");
	roll_back_phase(t, "h");
	assert_file(t, MIN_FREE, "70000");
	roll_back_all(t);
	assert_untouched(t);
}

/* --- keep --------------------------------------------------------------------------------------------------------- */

static void test_keep_commits_what_came_before_the_failed_phase(void **state)
{
	struct tree *t = *state;

	profile(t, "p", three);
	when(t, B_STAT, refuse_stat);
	assert_done(t, apply_keep(t, "p"));
	t->event = NULL;
	assert_layers(t, "p/a");
	assert_file(t, SWAPPINESS, "10");
	assert_file(t, STAT_INTERVAL, "1");
	assert_file(t, PROACTIVENESS, "20");
	assert_file(t, IRQ_4, "0"); /* a step of the phase that was kept, behind the failed one */
	assert_file(t, IRQ_5, "0-3");
	assert_state(t, B_STAT, "b", "failed");
	assert_int_equal(n_originals(t), 2);
	roll_back_all(t);
	assert_untouched(t);
}

static void test_keep_undoes_later_phases_that_were_written_already(void **state)
{
	struct tree *t = *state;

	profile(t, "p", three);
	when(t, C_IRQ, refuse_irq_5);
	assert_done(t, apply_keep(t, "p"));
	t->event = NULL;
	assert_layers(t, "p/a p/b");
	assert_file(t, STAT_INTERVAL, "20");
	assert_file(t, PROACTIVENESS, "20");
	assert_file(t, IRQ_4, "0");
	verify(t);
	for (size_t i = 0; i < t->result.n_steps; i++)
		assert_int_equal(t->result.steps[i].state, STEP_OK);
	roll_back_all(t);
	assert_untouched(t);
}

static void test_keep_has_nothing_to_keep_when_the_first_phase_fails(void **state)
{
	struct tree *t = *state;

	profile(t, "p", three);
	when(t, A_SWAPPINESS, refuse_swappiness);
	assert_error(t, apply_keep(t, "p"), ERR_WRITE_FAILED, A_SWAPPINESS);
	assert_untouched(t);
}

static void test_keep_takes_phases_of_equal_order_as_they_appear(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\n[a/sysctl]\nvm.swappiness = 10\n[phase b]\n[b/sysctl]\nvm.stat_interval = 20\n"
	                "[phase c]\n[c/sysctl]\nvm.compaction_proactiveness = 30\n");
	when(t, B_STAT, refuse_stat);
	assert_done(t, apply_keep(t, "p"));
	assert_layers(t, "p/a");
	assert_file(t, SWAPPINESS, "10");
	assert_file(t, PROACTIVENESS, "20");
}

/* An object that the failed phase held over the kept one, written or not, or right from the start. */
static void test_keep_brings_what_lay_beneath_to_light(void **state)
{
	static const char *const text =
		"[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 10\nvm.compaction_proactiveness = 11\nnet.core.rmem_max = 65536\n"
		"[phase b]\norder = 2\n[b/sysctl]\nvm.swappiness = 20\nvm.stat_interval = 20\nvm.compaction_proactiveness = 21\n"
		"net.core.rmem_max = 131072\n";
	struct tree *t = *state;

	put(t, RMEM_MAX, "131072"); /* as phase b wants it */
	remember(t);
	profile(t, "p", text);
	when(t, B_STAT, refuse_stat);
	assert_done(t, apply_keep(t, "p"));
	t->event = NULL;
	assert_layers(t, "p/a");
	assert_file(t, SWAPPINESS, "10");
	assert_file(t, STAT_INTERVAL, "1");
	assert_file(t, PROACTIVENESS, "11");
	assert_file(t, RMEM_MAX, "65536");
	assert_int_equal(n_originals(t), 3);
	roll_back_all(t);
	assert_untouched(t);
}

static void refuse_rmem(struct tree *t)
{
	refuse_writes(t, RMEM_MAX, true);
}

/* The failed phase was applied before: it is what it was, with its originals. */
static void test_keep_puts_the_former_layer_back(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 10\nkernel.timer_migration = 0\n"
	                "[phase b]\norder = 2\n[b/sysctl]\nvm.stat_interval = 20\nvm.compaction_proactiveness = 30\n");
	apply(t, "p");
	/* a loses timer_migration; b loses stat_interval and gets rmem_max, which is refused. */
	profile(t, "p", "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 11\n"
	                "[phase b]\norder = 2\n[b/sysctl]\nnet.core.rmem_max = 131072\nvm.compaction_proactiveness = 31\n");
	when(t, "sysctl net.core.rmem_max", refuse_rmem);
	assert_done(t, apply_keep(t, "p"));
	t->event = NULL;
	assert_layers(t, "p/a p/b");
	assert_file(t, SWAPPINESS, "11");
	assert_file(t, TIMER_MIGRATION, "1");
	assert_file(t, STAT_INTERVAL, "20");
	assert_file(t, PROACTIVENESS, "30");
	assert_string_equal(original_of(t, "sysctl vm.stat_interval"), "1");
	assert_string_equal(original_of(t, "sysctl kernel.timer_migration"), "(none)");
	verify(t);
	for (size_t i = 0; i < t->result.n_steps; i++)
		assert_int_equal(t->result.steps[i].state, STEP_OK);
	roll_back_all(t);
	assert_untouched(t);
}

/* Dropping one phase makes another one fail: then that one goes too. */
static void test_keep_drops_one_phase_after_the_other(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase o]\norder = 0\n[o/sysctl]\nvm.swappiness = 10\n"
	                "[phase a]\norder = 1\n[a/sysctl]\nvm.stat_interval = 20\n");
	apply(t, "p");
	profile(t, "p", "[phase o]\norder = 0\n[o/sysctl]\nvm.swappiness = 11\n"
	                "[phase a]\norder = 1\n[a/sysctl]\nvm.compaction_proactiveness = 5\n"
	                "[phase b]\norder = 2\n[b/sysctl]\nvm.stat_interval = 21\n");
	when(t, B_STAT, refuse_stat); /* neither 21 nor, without b, the original */
	assert_done(t, apply_keep(t, "p"));
	t->event = NULL;
	refuse_writes(t, STAT_INTERVAL, false);
	assert_layers(t, "p/o p/a");
	assert_file(t, SWAPPINESS, "11");
	assert_file(t, STAT_INTERVAL, "20");
	assert_file(t, PROACTIVENESS, "20");
	assert_string_equal(original_of(t, B_STAT), "1");
	roll_back_all(t);
	assert_untouched(t);
}

/* A phase that left the file cannot be restored: there is no sense in keeping the rest. */
static void test_keep_gives_up_when_a_phase_that_left_cannot_be_undone(void **state)
{
	struct tree *t = *state;

	profile(t, "p", three);
	apply(t, "p");
	profile(t, "p", "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 11\n[a/irq ttyS0]\naffinity = 0\n"
	                "[phase c]\norder = 3\n[c/sysctl]\nvm.compaction_proactiveness = 30\n[c/irq parport0]\naffinity = 1\n");
	when(t, B_STAT, refuse_stat);
	assert_error(t, apply_keep(t, "p"), ERR_WRITE_FAILED, B_STAT);
	t->event = NULL;
	refuse_writes(t, STAT_INTERVAL, false);
	assert_layers(t, "p/a p/b p/c");
	assert_file(t, SWAPPINESS, "10");
	assert_file(t, STAT_INTERVAL, "20");
	assert_string_equal(original_of(t, "sysctl vm.stat_interval"), "1");
	roll_back_all(t);
	assert_untouched(t);
}

/* What was put aside cannot be put back either: keep ends, and everything is undone as far as it can be. */
static void refuse_irq_5_and_proactiveness(struct tree *t)
{
	refuse_irq_5(t);
	refuse_proactiveness(t);
}

static void test_keep_ends_when_the_undoing_is_refused_too(void **state)
{
	struct tree *t = *state;

	profile(t, "p", three);
	when(t, C_IRQ, refuse_irq_5_and_proactiveness);
	assert_error(t, apply_keep(t, "p"), ERR_NOT_UNDONE, C_PROACTIVENESS);
	t->event = NULL;
	assert_file(t, SWAPPINESS, "60");
	assert_layers(t, "");
}

/* A refusal that might have passed once something else had moved (EINVAL) is a failure of its phase all the same. */
static void test_keep_holds_for_what_only_settling_found(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\norder = 1\n[a/sysctl]\nvm.swappiness = 10\n[phase b]\norder = 2\n[b/sysctl]\n"
	                "vm.stat_interval = 20\nkernel.watchdog = 0\nkernel.soft_watchdog = 1\n");
	assert_done(t, apply_keep(t, "p"));
	assert_layers(t, "p/a");
	assert_file(t, SWAPPINESS, "10");
	assert_file(t, STAT_INTERVAL, "1");
	assert_file(t, WATCHDOG, "1");
	assert_state(t, "sysctl kernel.watchdog", "b", "failed");
	roll_back_all(t);
	assert_untouched(t);
}

/* --- recovery ----------------------------------------------------------------------------------------------------- */

static void test_an_apply_that_died_is_undone(void **state)
{
	static const char *const steps[] = {A_SWAPPINESS, B_STAT, C_PROACTIVENESS, A_IRQ, C_IRQ};
	struct tree *t = *state;

	profile(t, "p", three);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int64_t txn = crash_at(t, "p", steps[i]), recovered;

		assert_done(t, engine_recover(&t->e, &recovered, &t->err));
		assert_int_equal(recovered, txn);
		assert_untouched(t);
		assert_done(t, engine_recover(&t->e, &recovered, &t->err));
		assert_int_equal(recovered, 0);
	}
}

static void test_an_update_that_died_is_undone_to_the_layers(void **state)
{
	struct tree *t = *state;
	int64_t txn;

	profile(t, "p", three);
	apply(t, "p");
	profile(t, "p", "[phase a]\n[a/sysctl]\nvm.swappiness = 11\nvm.stat_interval = 21\n");
	crash_at(t, "p", "irq IO-APIC hwirq-5"); /* left the file */
	assert_file(t, SWAPPINESS, "11");
	assert_done(t, engine_recover(&t->e, &txn, &t->err));
	assert_layers(t, "p/a p/b p/c");
	assert_file(t, SWAPPINESS, "10");
	assert_file(t, PROACTIVENESS, "30");
	roll_back_all(t);
	assert_untouched(t);
}

static void test_the_next_change_recovers_first(void **state)
{
	struct tree *t = *state;

	profile(t, "p", three);
	profile(t, "q", "[phase q]\n[q/sysctl]\nvm.swappiness = 99\n");
	int64_t txn = crash_at(t, "p", C_IRQ);
	apply(t, "q");
	assert_int_equal(t->result.recovered, txn);
	assert_layers(t, "q/q");
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "60");
	roll_back_all(t);
	assert_untouched(t);
}

static void test_what_somebody_changed_after_the_crash_is_left_and_named(void **state)
{
	struct tree *t = *state;
	int64_t txn;

	profile(t, "p", three);
	crash_at(t, "p", C_IRQ);
	put(t, SWAPPINESS, "77");
	assert_error(t, engine_recover(&t->e, &txn, &t->err), ERR_NOT_UNDONE, A_SWAPPINESS);
	assert_file(t, SWAPPINESS, "77");
	assert_file(t, STAT_INTERVAL, "1");
	assert_done(t, call(t, engine_rollback, &(struct request){.all = true, .force = true}));
	assert_untouched(t);
}

/* The recovery died too, in the middle of a step: what that left there is nobody else's. */
static void test_an_undo_that_died_is_undone_further(void **state)
{
	struct tree *t = *state;
	CLEANUP(txn_open_done) struct txn_open open = {0};
	int64_t txn;

	profile(t, "p", three);
	txn = crash_at(t, "p", C_IRQ);
	assert_int_equal(txn_reopen(t->store, txn, &open, &t->err), 0);
	assert_false(open.undoing);
	assert_int_equal(txn_undoing(open.txn, NULL, &t->err), 0);
	for (int64_t i = 4; i > 1; i--) /* down to stat_interval */
		assert_int_equal(txn_undone(open.txn, i, &t->err), 0);
	for (size_t i = 0; i < N_TUNABLES; i++) {
		if (strstr(tunables[i], "/irq/"))
			put(t, tunables[i], t->before[i]);
	}
	put(t, PROACTIVENESS, "20");
	put(t, STAT_INTERVAL, "55");
	assert_done(t, engine_recover(&t->e, &txn, &t->err));
	assert_true(txn > 0);
	assert_untouched(t);
}

/* But what it had not come to may be somebody else's. */
static void test_an_undo_that_died_does_not_excuse_what_it_had_not_come_to(void **state)
{
	struct tree *t = *state;
	CLEANUP(txn_open_done) struct txn_open open = {0};
	int64_t txn;

	profile(t, "p", three);
	txn = crash_at(t, "p", C_IRQ);
	assert_int_equal(txn_reopen(t->store, txn, &open, &t->err), 0);
	assert_int_equal(txn_undoing(open.txn, NULL, &t->err), 0);
	put(t, SWAPPINESS, "77");
	assert_error(t, engine_recover(&t->e, &txn, &t->err), ERR_NOT_UNDONE, A_SWAPPINESS);
	assert_file(t, SWAPPINESS, "77");
}

static void test_what_died_in_another_boot_is_void(void **state)
{
	struct tree *t = *state;
	int64_t txn;

	profile(t, "p", three);
	crash_at(t, "p", C_IRQ);
	reboot(t);
	put(t, SWAPPINESS, "61"); /* the default of the new boot, never the value of the old one */
	remember(t);
	assert_done(t, engine_recover(&t->e, &txn, &t->err));
	assert_true(txn > 0);
	assert_int_equal(count_written(t), 0);
	assert_untouched(t);
}

/* --- who may begin ------------------------------------------------------------------------------------------------ */

static void test_only_one_change_at_a_time(void **state)
{
	struct tree *t = *state;
	CLEANUP(mem_closep) int lock = -1;

	profile(t, "p", three);
	assert_int_equal(store_lock(t->store, &lock, &t->err), 0);
	assert_true(call(t, engine_apply, &(struct request){.profile = "p"}) < 0);
	assert_string_equal(t->err.code, ERR_BUSY);
	assert_true(call(t, call_repair, NULL) < 0);
	assert_string_equal(t->err.code, ERR_BUSY);
	assert_true(call(t, engine_rollback, &(struct request){.all = true}) < 0);
	assert_string_equal(t->err.code, ERR_BUSY);
	plan(t, "p");
	verify(t);
	assert_int_equal(count_written(t), 0);
}

static void test_a_damaged_journal_blocks_changes_and_no_read(void **state)
{
	struct tree *t = *state;

	profile(t, "p", three);
	apply(t, "p");
	apply(t, "p");
	put(t, STATE "/txn/0001.journal", "{\"crc\":\"00000000\",\"seq\":0,\"type\":\"Header\"}");
	remember(t);
	assert_true(call(t, engine_apply, &(struct request){.profile = "p"}) < 0);
	assert_string_equal(t->err.code, ERR_STATE);
	assert_true(call(t, engine_rollback, &(struct request){.all = true, .force = true}) < 0);
	assert_string_equal(t->err.code, ERR_STATE);
	plan(t, "p");
	assert_done(t, call(t, engine_verify, &(struct request){.profile = "p"}));
	/* What is in force nobody knows, and so it is not "ok". */
	assert_true(call(t, engine_verify, &(struct request){0}) < 0);
	assert_string_equal(t->err.code, ERR_STATE);
	assert_int_equal(count_written(t), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_refused_write_undoes_everything_and_says_what_was_refused),
		TEST(test_the_first_write_refused_leaves_nothing_to_undo),
		TEST(test_a_failed_update_leaves_the_layer_as_it_was),
		TEST(test_a_failed_rollback_leaves_the_layers_in_force),
		TEST(test_values_that_exclude_each_other_are_undone),
		TEST(test_what_the_kernel_offers_no_more_is_refused),
		TEST(test_what_is_neither_before_nor_after_is_named),
		TEST(test_the_next_change_first_puts_back_what_was_left),
		TEST(test_keep_theirs_ends_what_cannot_be_put_back),
		TEST(test_a_full_disk_undoes_everything),
		TEST(test_a_coupled_object_that_moved_along_is_put_back),
		TEST(test_a_coupled_object_is_undone_with_the_others),
		TEST(test_a_coupled_object_is_recovered_with_the_others),
		TEST(test_a_coupled_object_that_a_layer_below_holds_is_kept),
		TEST(test_keep_commits_what_came_before_the_failed_phase),
		TEST(test_keep_undoes_later_phases_that_were_written_already),
		TEST(test_keep_has_nothing_to_keep_when_the_first_phase_fails),
		TEST(test_keep_takes_phases_of_equal_order_as_they_appear),
		TEST(test_keep_brings_what_lay_beneath_to_light),
		TEST(test_keep_puts_the_former_layer_back),
		TEST(test_keep_drops_one_phase_after_the_other),
		TEST(test_keep_gives_up_when_a_phase_that_left_cannot_be_undone),
		TEST(test_keep_ends_when_the_undoing_is_refused_too),
		TEST(test_keep_holds_for_what_only_settling_found),
		TEST(test_an_apply_that_died_is_undone),
		TEST(test_an_update_that_died_is_undone_to_the_layers),
		TEST(test_the_next_change_recovers_first),
		TEST(test_what_somebody_changed_after_the_crash_is_left_and_named),
		TEST(test_an_undo_that_died_is_undone_further),
		TEST(test_an_undo_that_died_does_not_excuse_what_it_had_not_come_to),
		TEST(test_what_died_in_another_boot_is_void),
		TEST(test_only_one_change_at_a_time),
		TEST(test_a_damaged_journal_blocks_changes_and_no_read),
	};

	become_nobody();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
