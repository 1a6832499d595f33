/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/engine/noise: the table makes sense, and counters are held against it as it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/engine/noise.h"
#include "daemon/host/counters.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define HZ 250

static const struct noise *row(const char *name)
{
	for (size_t i = 0; i < n_noise_rows; i++)
		if (str_eq(noise_rows[i].name, name))
			return &noise_rows[i];
	fail_msg("no row %s", name);
	return NULL;
}

/* Counters of the CPUs 4 and 9. */
static struct counters two_cpus(void)
{
	struct counters c = {.cpus = calloc(2, sizeof(int)), .n_cpus = 2};

	c.cpus[0] = 4;
	c.cpus[1] = 9;
	return c;
}

static void count(struct counters *c, const char *name, const char *label, uint64_t on_4, uint64_t on_9)
{
	struct counter *x = counters_add(c, name, label, false);

	assert_non_null(x);
	x->n[0] = on_4;
	x->n[1] = on_9;
}

static struct noise_verdict judge(const char *name, const struct counters *c, uint64_t ms, struct strbuf *detail)
{
	struct noise_verdict v;
	CLEANUP(strbuf_done) struct strbuf own = {0};

	assert_int_equal(noise_judge(row(name), c, ms, HZ, &v, detail ? detail : &own), 0);
	return v;
}

static void assert_cpus(const struct noise_verdict *v, const char *wanted)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};

	cpuset_format(&v->cpus, &b);
	assert_string_equal(strbuf_str(&b), wanted);
}

static void test_rows_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_noise_rows; i++) {
		const struct noise *n = &noise_rows[i];
		assert_true(n->summary[0] && n->advice[0]);
		assert_ptr_equal(row(n->name), n); /* no name twice */
		assert_false(str_ends(n->advice, "."));
	}
	assert_true(n_noise_rows >= 39);
}

static void test_above_the_budget_is_noisy_on_those_cpus(void **state)
{
	CLEANUP(counters_done) struct counters c = two_cpus();

	(void)state;
	count(&c, "interrupts/RES", NULL, 10, 11);
	struct noise_verdict v = judge("reschedule", &c, 10000, NULL);
	assert_int_equal(v.state, NOISE_LOUD);
	assert_int_equal(v.events, 11);
	assert_cpus(&v, "9");
	assert_int_equal(judge("reschedule", &c, 11000, NULL).state, NOISE_QUIET); /* twelve in that time */
}

static void test_a_short_look_allows_a_whole_event(void **state)
{
	CLEANUP(counters_done) struct counters c = two_cpus();

	(void)state;
	count(&c, "softirqs/RCU", NULL, 1, 0);
	assert_int_equal(judge("rcu", &c, 1000, NULL).state, NOISE_QUIET);
	c.c[0].n[0] = 2;
	assert_int_equal(judge("rcu", &c, 1000, NULL).state, NOISE_LOUD);
}

static void test_the_tick_is_told_from_other_timers(void **state)
{
	CLEANUP(counters_done) struct counters c = two_cpus();

	(void)state;
	count(&c, "interrupts/LOC", NULL, 2400, 40);
	struct noise_verdict tick = judge("tick", &c, 10000, NULL), timers = judge("timers", &c, 10000, NULL);
	assert_int_equal(tick.state, NOISE_LOUD);
	assert_int_equal(tick.events, 2400);
	assert_cpus(&tick, "4");
	assert_int_equal(timers.state, NOISE_LOUD);
	assert_int_equal(timers.events, 40);
	assert_cpus(&timers, "9");
	c.c[0].n[0] = 3;
	assert_int_equal(judge("tick", &c, 10000, NULL).state, NOISE_QUIET);
}

static void test_what_has_no_counter_is_not_called_quiet(void **state)
{
	CLEANUP(counters_done) struct counters c = two_cpus();

	(void)state;
	count(&c, "interrupts/LOC", NULL, 0, 0);
	assert_int_equal(judge("machine-check", &c, 1000, NULL).state, NOISE_ABSENT);
	assert_int_equal(judge("smi", &c, 1000, NULL).state, NOISE_UNWATCHED);
	assert_int_equal(judge("tick", &c, 1000, NULL).state, NOISE_QUIET);
}

static void test_devices_are_named_the_worst_first_and_once(void **state)
{
	CLEANUP(counters_done) struct counters c = two_cpus();
	CLEANUP(strbuf_done) struct strbuf who = {0};

	(void)state;
	count(&c, "interrupts/24", "ttyS0", 0, 0);
	count(&c, "interrupts/30", "nvme0q1", 3, 0);
	count(&c, "interrupts/31", "eth0-0", 4, 5);
	count(&c, "interrupts/32", "nvme0q1", 2, 0);
	count(&c, "interrupts/CAL", "no device", 99, 0);
	struct noise_verdict v = judge("devices", &c, 1000, &who);
	assert_int_equal(v.events, 9);
	assert_cpus(&v, "4,9");
	assert_string_equal(strbuf_str(&who), "eth0-0, nvme0q1");
	count(&c, "interrupts/33", "a", 1, 0);
	count(&c, "interrupts/34", "b", 1, 0);
	strbuf_reset(&who);
	judge("devices", &c, 1000, &who);
	assert_string_equal(strbuf_str(&who), "eth0-0, nvme0q1, a and others");
}

static void test_of_the_host(void **state)
{
	CLEANUP(counters_done) struct counters c = {0};

	(void)state;
	counters_add(&c, "vmstat/allocstall_dma", NULL, true)->n[0] = 2;
	counters_add(&c, "vmstat/pgscan_direct", NULL, true)->n[0] = 5;
	struct noise_verdict v = judge("reclaim", &c, 1000, NULL);
	assert_int_equal(v.state, NOISE_LOUD);
	assert_int_equal(v.events, 7);
	assert_true(cpuset_is_empty(&v.cpus));
	assert_false(v.level);
	counters_add(&c, "console/serial", NULL, true)->level = true;
	assert_true(judge("console", &c, 1000, NULL).level);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_whole),
		cmocka_unit_test(test_above_the_budget_is_noisy_on_those_cpus),
		cmocka_unit_test(test_a_short_look_allows_a_whole_event),
		cmocka_unit_test(test_the_tick_is_told_from_other_timers),
		cmocka_unit_test(test_what_has_no_counter_is_not_called_quiet),
		cmocka_unit_test(test_devices_are_named_the_worst_first_and_once),
		cmocka_unit_test(test_of_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
