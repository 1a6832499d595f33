/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/host/counters and runs: two recorded readings of a host, and what lies between them. */
#include "tests/unit/daemon/host/fixture.h"

#include "daemon/host/counters.h"

/* A recorded reading: the tree and its counters. */
static struct counters reading(const char *file, const char *watched, struct fixture *f)
{
	struct counters c = {0};
	struct cpuset set = cpus(watched);

	*f = tree_begin(NULL);
	assert_int_equal(tree_expand(file, f->root), 0);
	assert_int_equal(host_read(f->fs, &f->h, &f->err), 0);
	assert_int_equal(counters_read(f->h, &set, &c, &f->err), 0);
	return c;
}

/* What happened on the watched CPUs between the two. */
static struct counters between(const char *watched)
{
	struct fixture f, g;
	CLEANUP(counters_done) struct counters before = reading("tests/fixtures/doctor/before.tree", watched, &f);
	struct counters after = reading("tests/fixtures/doctor/after.tree", watched, &g);

	assert_int_equal(counters_since(&after, &before, NULL), 0);
	fixture_end(&f);
	fixture_end(&g);
	return after;
}

static const struct counter *find(const struct counters *c, const char *name, const char *label)
{
	for (size_t i = 0; i < c->n; i++)
		if (str_eq(c->c[i].name, name) && (!label || str_eq(c->c[i].label, label)))
			return &c->c[i];
	return NULL;
}

static void assert_count(const struct counters *c, const char *name, const char *label, size_t place, uint64_t wanted)
{
	const struct counter *x = find(c, name, label);

	if (!x || x->n[place] != wanted)
		fail_msg("%s (%s) at %zu: %lld, not %llu", name, label ? label : "", place, x ? (long long)x->n[place] : -1LL,
		         (unsigned long long)wanted);
}

static void test_columns_are_of_their_cpus(void **state)
{
	CLEANUP(counters_done) struct counters c = between("2-3");

	(void)state;
	assert_int_equal(c.n_cpus, 2);
	assert_count(&c, "interrupts/LOC", NULL, 0, 9);
	assert_count(&c, "interrupts/LOC", NULL, 1, 2480);
	assert_count(&c, "interrupts/CAL", NULL, 0, 30);
	assert_count(&c, "softirqs/TIMER", NULL, 1, 900);
	assert_count(&c, "stat/steal", NULL, 1, 5);
	assert_count(&c, "cpuidle/deep", NULL, 0, 6); /* what takes 2 us is no deep one */
	assert_count(&c, "cpuidle/deep", NULL, 1, 0);
	assert_count(&c, "throttle/core", NULL, 0, 0);
	assert_null(find(&c, "cpufreq/transitions", NULL)); /* no cpufreq there, which is not the same as none */
	assert_null(find(&c, "interrupts/ERR", NULL));
}

static void test_columns_are_found_by_their_names(void **state)
{
	struct fixture f = tree_begin(NULL);
	struct cpuset set = cpus("1,3");
	CLEANUP(counters_done) struct counters c = {0};

	(void)state;
	put_lines(&f, "f 0444 /proc/sys/kernel/osrelease\t6.1\nf 0444 /sys/devices/system/cpu/possible\t0-3\n"
	              "f 0444 /sys/devices/system/cpu/present\t0-3\nf 0444 /sys/devices/system/cpu/online\t0,3\n"
	              "f 0444 /proc/interrupts\t   CPU0  CPU3\\nRES:  5  7  Rescheduling");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	assert_int_equal(counters_read(f.h, &set, &c, &f.err), 0);
	assert_count(&c, "interrupts/RES", NULL, 0, 0);
	assert_count(&c, "interrupts/RES", NULL, 1, 7);
	fixture_end(&f);
}

static void test_devices_bear_their_actions(void **state)
{
	CLEANUP(counters_done) struct counters c = between("2-3");

	(void)state;
	assert_count(&c, "interrupts/33", "virtio2-input.0", 1, 7);
	assert_count(&c, "interrupts/34", "nvme0q0", 0, 0);
}

static void test_siblings_are_those_that_are_not_watched(void **state)
{
	CLEANUP(counters_done) struct counters c = between("2-3");
	CLEANUP(counters_done) struct counters core = between("0,2");

	(void)state;
	assert_count(&c, "stat/siblings", NULL, 0, 200);
	assert_count(&c, "stat/siblings", NULL, 1, 0);
	assert_count(&core, "stat/siblings", NULL, 0, 0);
	assert_count(&core, "stat/siblings", NULL, 1, 0);
}

static void test_threads_are_counted_by_class_where_they_ran(void **state)
{
	CLEANUP(counters_done) struct counters c = between("2-3");

	(void)state;
	assert_count(&c, "threads/ksoftirqd", "ksoftirqd/3", 1, 4);
	assert_count(&c, "threads/kworker", "kworker/2:1-mm_percpu_wq", 0, 3);
	assert_count(&c, "threads/user", "cron", 1, 3);
	assert_count(&c, "threads/user", "node", 1, 4);    /* born since */
	assert_count(&c, "threads/user", "spinner", 1, 1); /* never put off, and had time all the same */
	assert_count(&c, "threads/own", "redis-server", 0, 2);
	assert_count(&c, "threads/preempted", "redis-server", 0, 1);
	assert_null(find(&c, "threads/own", "bio_close (x)")); /* slept */
	assert_null(find(&c, "threads/user", "elsewhere"));
	assert_null(find(&c, "threads/kworker-unbound", "kworker/u8:1"));
	assert_count(&c, "threads/kworker-unbound", NULL, 0, 0); /* the class is there, with nobody in it */
	assert_count(&c, "movable/kernel", "kthreadd", 0, 1);
	assert_null(find(&c, "movable/kernel", "rcu_preempt")); /* kept off already */
	assert_null(find(&c, "movable/kernel", "ksoftirqd/3"));  /* bound */
}

static void test_another_thread_of_the_same_number_is_new(void **state)
{
	struct fixture f, g;
	CLEANUP(counters_done) struct counters before = reading("tests/fixtures/doctor/before.tree", "3", &f);
	CLEANUP(counters_done) struct counters after = reading("tests/fixtures/doctor/after.tree", "3", &g);

	(void)state;
	for (size_t i = 0; i < after.n_runs; i++)
		after.runs[i].born += after.runs[i].tid == 900;
	assert_int_equal(counters_since(&after, &before, NULL), 0);
	assert_count(&after, "threads/user", "cron", 0, 10);
	fixture_end(&f);
	fixture_end(&g);
}

static void test_of_the_host(void **state)
{
	CLEANUP(counters_done) struct counters c = between("");

	(void)state;
	assert_int_equal(c.n_cpus, 0);
	assert_int_equal(c.n_runs, 0);
	assert_count(&c, "vmstat/numa_hint_faults", NULL, 0, 40);
	assert_count(&c, "softnet/squeezed", NULL, 0, 0);
	assert_count(&c, "softnet/dropped", NULL, 0, 3);
	assert_count(&c, "console/serial", NULL, 0, 1); /* as it is, though it was 0 before */
	assert_count(&c, "clocksource/slow", NULL, 0, 0);
	assert_null(find(&c, "interrupts/LOC", NULL));
}

static void test_a_counter_that_went_back_counts_nothing(void **state)
{
	struct counters before = {0}, after = {0};

	(void)state;
	counters_add(&before, "vmstat/x", NULL, true)->n[0] = 100;
	counters_add(&after, "vmstat/x", NULL, true)->n[0] = 30;
	assert_int_equal(counters_since(&after, &before, NULL), 0);
	assert_count(&after, "vmstat/x", NULL, 0, 0);
	counters_done(&before);
	counters_done(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_are_of_their_cpus),
		cmocka_unit_test(test_columns_are_found_by_their_names),
		cmocka_unit_test(test_devices_bear_their_actions),
		cmocka_unit_test(test_siblings_are_those_that_are_not_watched),
		cmocka_unit_test(test_threads_are_counted_by_class_where_they_ran),
		cmocka_unit_test(test_another_thread_of_the_same_number_is_new),
		cmocka_unit_test(test_of_the_host),
		cmocka_unit_test(test_a_counter_that_went_back_counts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, sweep);
}
