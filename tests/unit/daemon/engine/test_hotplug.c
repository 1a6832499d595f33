/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changes for the engine when CPUs come and go with a plan: `online` of CPU sets, P11, the memory of who shared a core,
 * and what goes along. The tree does what the kernel would: tests put and take the rest.
 */
#include "tests/unit/daemon/engine/tree.h"

#define CPU "/sys/devices/system/cpu/"
#define CONTROL CPU "smt/control"
#define TASK "/proc/500/task/500/"
#define STATUS "Name:\ta\nCpus_allowed_list:\t"

static int set_up_smt(void **state)
{
	struct tree *t;
	static const char *const lines[] = {
		"f 0644 " CONTROL "\ton",
		"f 0644 " CPU "cpu{1-3}/online\t1",
		"f 0444 " TASK "stat\t500 (a) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 77 0 0",
		"f 0644 " TASK "status\t" STATUS "3",
	};

	set_up(state);
	t = *state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char line[256];

		snprintf(line, sizeof(line), "%s", lines[i]);
		assert_int_equal(tree_line(t->dir, line), 0);
	}
	return 0;
}

/* The kernel takes topologies away with the CPUs, and gives a thread that has none left all of them. */
static void let_loose(struct tree *t)
{
	put(t, CPU "cpu0/topology/thread_siblings_list", "0");
	put(t, CPU "cpu2/topology/thread_siblings_list", "2");
	take_away(t, CPU "cpu1/topology/thread_siblings_list");
	take_away(t, CPU "cpu3/topology/thread_siblings_list");
	put(t, TASK "status", STATUS "0-3");
}

static void put_cores(struct tree *t)
{
	put(t, CPU "cpu0/topology/thread_siblings_list", "0-1");
	put(t, CPU "cpu1/topology/thread_siblings_list", "0-1");
	put(t, CPU "cpu2/topology/thread_siblings_list", "2-3");
	put(t, CPU "cpu3/topology/thread_siblings_list", "2-3");
}

static const char *allowed(const struct tree *t)
{
	static char list[64];
	char text[256];
	int fd = openat(t->dir, below(TASK "status"), O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof(text) - 1);

	close(fd);
	assert_true(len > 0);
	text[len] = '\0';
	snprintf(list, sizeof(list), "%s", strstr(text, "list:\t") + 6);
	list[strcspn(list, "\n")] = '\0';
	return list;
}

static const char quiet[] = "[cpus]\ntrading = 2\nhousekeeping = online - siblings(trading)\n"
			    "[phase a]\norder = 1\n[a/smt]\ncontrol = off\n"
			    "[phase b]\norder = 2\n[b/irq *]\naffinity = ${housekeeping}\n";

static void test_online_is_after_the_plans_own_steps(void **state)
{
	struct tree *t = *state;

	profile(t, "quiet", quiet);
	apply(t, "quiet");
	assert_file(t, CONTROL, "off");
	assert_file(t, CPU "online", "0,2");
	assert_file(t, IRQ_5, "0");
	let_loose(t);
	remember(t);
	apply(t, "quiet"); /* siblings(2) are 2 and 3, though the host no longer says so */
	assert_int_equal(t->result.txn, 0);
	assert_int_equal(count_written(t), 0);
	profile(t, "core", "[cpus]\ncore = siblings(2)\n[phase c]\n[c/irq parport0]\naffinity = ${core}\n");
	apply(t, "core");
	assert_file(t, IRQ_5, "2-3");
}

static void test_only_the_phases_that_are_asked_for_count(void **state)
{
	struct tree *t = *state;

	profile(t, "quiet", quiet);
	assert_done(t, call_phase(t, engine_apply, (struct request){.profile = "quiet"}, "b"));
	assert_file(t, IRQ_5, "0-1");
}

static void test_all_comes_back(void **state)
{
	struct tree *t = *state;

	profile(t, "quiet", quiet);
	apply(t, "quiet");
	let_loose(t);
	verify(t);
	assert_state(t, "smt control", "a", "ok");
	roll_back_all(t);
	put_cores(t);
	assert_file(t, CONTROL, "on");
	assert_file(t, CPU "online", "0-3");
	assert_as_before(t);
	assert_string_equal(allowed(t), "3");
}

static void driver_resets(struct tree *t)
{
	put(t, IRQ_5, "2");
}

/* A driver that places its interrupts anew when CPUs come (virtio_net), after they were put back. */
static void test_all_is_looked_at_again_when_cpus_have_come(void **state)
{
	struct tree *t = *state;

	profile(t, "quiet", quiet);
	apply(t, "quiet");
	t->object = "smt control";
	t->event = driver_resets;
	roll_back_all(t);
	t->event = NULL;
	assert_file(t, IRQ_5, "0-3");
}

/* A thread that somebody pinned anew is theirs, and no conflict. */
static void test_what_others_pinned_stays(void **state)
{
	struct tree *t = *state;

	profile(t, "quiet", quiet);
	apply(t, "quiet");
	let_loose(t);
	put(t, TASK "status", STATUS "0");
	roll_back_all(t);
	assert_file(t, CONTROL, "on");
	assert_string_equal(allowed(t), "0");
}

static void apply_two(struct tree *t)
{
	profile(t, "one", "[phase a]\n[a/smt 3]\nonline = 0\n");
	profile(t, "two", "[phase b]\n[b/smt]\ncontrol = off\n");
	apply(t, "one");
	apply(t, "two");
	assert_file(t, CPU "online", "0,2");
	let_loose(t);
}

static void test_rolled_back_in_any_order(void **state)
{
	struct tree *t = *state;

	apply_two(t);
	roll_back_phase(t, "one/a"); /* SMT is off: the CPU stays where it is */
	assert_file(t, CPU "online", "0,2");
	roll_back_phase(t, "two/b");
	assert_file(t, CPU "online", "0-3");
	assert_string_equal(allowed(t), "3");

	put_cores(t);
	apply_two(t);
	roll_back_phase(t, "two/b"); /* the layer beneath still wants CPU 3 off */
	assert_file(t, CPU "online", "0-2");
	assert_file(t, CPU "cpu3/online", "0");
	roll_back_phase(t, "one/a");
	assert_file(t, CPU "online", "0-3");
	assert_string_equal(allowed(t), "3");
}

/* --- what is away with its CPU --------------------------------------------------------------------------------------- */

#define POLICY(n) CPU "cpufreq/policy" n "/"

static void put_policies(struct tree *t)
{
	char line[] = "f 0644 " POLICY("{0-3}") "scaling_governor\tpowersave";
	char offered[] = "f 0444 " POLICY("{0-3}") "scaling_available_governors\tperformance powersave";

	assert_int_equal(tree_line(t->dir, line), 0);
	assert_int_equal(tree_line(t->dir, offered), 0);
	put(t, POLICY("0") "affected_cpus", "0");
	put(t, POLICY("1") "affected_cpus", "1");
	put(t, POLICY("2") "affected_cpus", "2");
	put(t, POLICY("3") "affected_cpus", "3");
	profile(t, "power", "[phase p]\n[p/cpufreq]\ngovernor = performance\n");
	profile(t, "smt", "[phase s]\n[s/smt]\ncontrol = off\n");
}

static void come_back(struct tree *t)
{
	put(t, POLICY("1") "affected_cpus", "1");
	put(t, POLICY("3") "affected_cpus", "3");
}

static void go(struct tree *t)
{
	put(t, POLICY("1") "affected_cpus", "");
	put(t, POLICY("3") "affected_cpus", "");
}

/* Tuned, then gone, then back: in one transaction, or one after the other. */
static void test_what_was_away_is_put_back_with_its_cpu(void **state)
{
	struct tree *t = *state;

	put_policies(t);
	for (int together = 0; together < 2; together++) {
		apply(t, "power");
		apply(t, "smt");
		assert_file(t, POLICY("1") "scaling_governor", "performance");
		go(t);
		t->object = "smt control";
		t->event = come_back;
		if (together) {
			roll_back_all(t);
		} else {
			t->event = NULL;
			roll_back_phase(t, "power/p");
			assert_file(t, POLICY("0") "scaling_governor", "powersave");
			assert_file(t, POLICY("1") "scaling_governor", "performance");
			plan(t, "smt");
			assert_int_equal(t->result.txn, 0);
			t->event = come_back;
			roll_back_phase(t, "smt/s");
		}
		t->event = NULL;
		assert_file(t, CPU "online", "0-3");
		assert_file(t, POLICY("1") "scaling_governor", "powersave");
		assert_file(t, POLICY("3") "scaling_governor", "powersave");
		assert_int_equal(n_originals(t), 0);
	}
}

/* A policy whose CPU goes with the plan is not applicable, and the rest is applied. */
static void test_what_goes_with_the_plan(void **state)
{
	struct tree *t = *state;

	put_policies(t);
	profile(t, "both", "[phase a]\n[a/smt]\ncontrol = off\n[a/cpufreq]\ngovernor = performance\n");
	t->object = "cpufreq policy0 governor";
	t->event = go;
	apply(t, "both");
	t->event = NULL;
	assert_file(t, POLICY("0") "scaling_governor", "performance");
	assert_file(t, POLICY("1") "scaling_governor", "powersave");
	assert_state(t, "cpufreq policy1 governor", "a", "not_applicable");
	verify(t);
	assert_state(t, "cpufreq policy1 governor", "a", "not_applicable");
	t->object = "smt control";
	t->event = come_back;
	roll_back_all(t);
	assert_file(t, POLICY("0") "scaling_governor", "powersave");
}

/* P11: half a core that lost its other half is a whole one; none at all is refused. */
static void test_a_core_is_left_for_the_house(void **state)
{
	struct tree *t = *state;

	profile(t, "q", "[phase a]\n[a/smt 1-3]\nonline = 0\n");
	profile(t, "r", "[phase a]\n[a/smt 3]\nonline = 0\n[a/smt 2]\nonline = 1\n");
	plan(t, "q");
	assert_int_equal(tree_line(t->dir, (char[]){"f 0644 " CPU "cpu0/online\t1"}), 0);
	profile(t, "q", "[phase a]\n[a/smt 0-3]\nonline = 0\n");
	assert_true(call(t, engine_plan, &(struct request){.profile = "q"}) < 0);
	assert_string_equal(t->err.code, ERR_INVALID_PROFILE);
	plan(t, "r");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_smt, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_online_is_after_the_plans_own_steps),
		TEST(test_only_the_phases_that_are_asked_for_count),
		TEST(test_all_comes_back),
		TEST(test_all_is_looked_at_again_when_cpus_have_come),
		TEST(test_what_others_pinned_stays),
		TEST(test_rolled_back_in_any_order),
		TEST(test_what_was_away_is_put_back_with_its_cpu),
		TEST(test_what_goes_with_the_plan),
		TEST(test_a_core_is_left_for_the_house),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
