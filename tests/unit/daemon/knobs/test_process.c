/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/process.c, on files of /proc as Linux writes them. */
#include "daemon/knobs/service_rows.h"
#include "tests/unit/daemon/knobs/unittree.h"

#define STATUS(list) "Name:\tredis-server\nCpus_allowed:\tc\nCpus_allowed_list:\t" list "\nMems_allowed_list:\t0"

/* A thread with a name that holds what ends names: nice, priority, policy. */
static void thread(const struct cputree *t, int tid, const char *cpus, int nice, int priority, int policy)
{
	char path[128], text[512];

	snprintf(path, sizeof(path), PROC "task/%d/status", tid);
	snprintf(text, sizeof(text), "Name:\tx\nCpus_allowed_list:\t%s", cpus);
	put(t, path, text);
	snprintf(path, sizeof(path), PROC "task/%d/stat", tid);
	snprintf(text, sizeof(text),
	         "%d (a) b 1 (c) S 1 1 1 0 -1 4194560 1 0 0 0 1 2 0 0 20 %d 4 0 100 1 1 18446744073709551615 1 1 1 1 1 0 0 "
	         "4096 1 0 0 0 17 2 %d %d 0 0 0",
	         tid, nice, priority, policy);
	put(t, path, text);
	snprintf(path, sizeof(path), PROC "task/%d/comm", tid);
	put(t, path, tid == 100 ? "redis-server" : "bio_close_file");
}

static int setup(void **state)
{
	unittree_setup(state);
	struct cputree *t = *state;
	thread(t, 100, "2-3", -5, 10, 1);
	thread(t, 101, "2-3", -5, 10, 1);
	put(t, "/proc/1/status", STATUS("0-2"));
	put(t, PROC "limits",
	    "Limit                     Soft Limit           Hard Limit           Units     \n"
	    "Max open files            1024                 65536                files     \n"
	    "Max locked memory         unlimited            unlimited            bytes     \n"
	    "Max realtime priority     0                    0                              ");
	put(t, PROC "oom_score_adj", "-800");
	put(t, PROC "cgroup", "0::/hft.slice/hft-a.slice/" REDIS "/sub");
	put(t, PROC "task/100/numa_maps", "55d0c7a00000 prefer=static:1 file=/usr/bin/redis-check-rdb mapped=10");
	put(t, PROC "task/101/numa_maps", "55d0c7a00000 bind:0-1 file=/usr/bin/redis-check-rdb mapped=10 active=0");
	put_bytes(t, PROC "environ", "PATH=/x\0AMALLOC_CONF=a\0MALLOC_CONF=narenas:2,thp:never\0HOME=/", 60);
	return 0;
}

static int holds(struct cputree *t, const char *option, const char *expected)
{
	strbuf_reset(&t->b);
	return process_holds(&t->c, "a.service", 100, service_row(option), expected, &t->b);
}

static int holds_one(struct cputree *t, const char *option, const char *dir, const char *expected)
{
	strbuf_reset(&t->b);
	return service_row(option)->holds(&t->c, dir, expected, &t->b);
}

static void all_threads_are_looked_at(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(holds(t, "CPUAffinity", "2-3"), 1);
	assert_int_equal(holds(t, "Nice", "-5"), 1);
	assert_int_equal(holds(t, "CPUSchedulingPriority", "10"), 1);
	assert_int_equal(holds(t, "CPUSchedulingPolicy", "fifo"), 1);
	thread(t, 101, "1", 0, 0, 0);
	assert_int_equal(holds(t, "Nice", "-5"), 0);
	assert_string_equal(t->b.s, "thread 101 (bio_close_file) has 0");
	assert_int_equal(holds(t, "CPUSchedulingPriority", "10"), 0);
	assert_int_equal(holds(t, "CPUSchedulingPolicy", "fifo"), 0);
	assert_string_equal(t->b.s, "thread 101 (bio_close_file) has other");
	assert_int_equal(holds(t, "CPUAffinity", "2-3"), 0);
	assert_int_equal(holds(t, "CPUAffinity", "1-3"), 2);
}

static bool is_set(const void *data, const char *knob, const char *key)
{
	return strcmp(knob, "thread") == 0 && strcmp(data, key) == 0;
}

/* What knob thread gives to a thread is not the unit's; each of its options stands for itself. */
static void threads_set_one_by_one_are_left_out(void **state)
{
	struct cputree *t = *state;

	thread(t, 101, "1", 0, 0, 0);
	t->c.is_set = is_set;
	t->c.is_set_data = "a.service bio_close_file policy";
	assert_int_equal(holds(t, "CPUSchedulingPolicy", "fifo"), 1);
	assert_int_equal(holds(t, "CPUSchedulingPriority", "10"), 1);
	assert_int_equal(holds(t, "Nice", "-5"), 0);
	assert_int_equal(holds(t, "CPUAffinity", "2-3"), 0);
	t->c.is_set_data = "a.service bio_close_file affinity";
	assert_int_equal(holds(t, "CPUAffinity", "2-3"), 1);
	assert_int_equal(holds(t, "CPUSchedulingPolicy", "fifo"), 0);
	t->c.is_set_data = "b.service bio_close_file affinity";
	assert_int_equal(holds(t, "CPUAffinity", "2-3"), 0);
}

/* Then the service may have been started with anything. */
static void a_process_of_such_threads_alone_shows_nothing(void **state)
{
	struct cputree *t = *state;

	thread(t, 100, "2-3", -5, 10, 1);
	put(t, PROC "task/100/comm", "bio_close_file");
	t->c.is_set = is_set;
	t->c.is_set_data = "a.service bio_close_file policy";
	assert_int_equal(holds(t, "CPUSchedulingPolicy", "other"), 2);
	assert_int_equal(holds(t, "CPUSchedulingPriority", "7"), 2);
	assert_int_equal(holds(t, "Nice", "-5"), 1);
}

/* Without a value of its own a service may use what its manager may. */
static void nothing_expected_is_the_default(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(holds(t, "CPUAffinity", ""), 0);
	thread(t, 100, "0-2", 0, 0, 0);
	thread(t, 101, "2", 0, 0, 0);
	assert_int_equal(holds(t, "CPUAffinity", ""), 2);
	thread(t, 101, "0-2", 0, 0, 0);
	assert_int_equal(holds(t, "CPUAffinity", ""), 1);
	assert_int_equal(holds(t, "CPUSchedulingPriority", ""), 1);
}

static void a_soft_limit_may_be_raised_as_far_as_the_hard_one(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(holds(t, "LimitNOFILE", "1024:65536"), 1);
	assert_int_equal(holds(t, "LimitNOFILE", "512:65536"), 1);
	assert_int_equal(holds(t, "LimitNOFILE", "2048:65536"), 0);
	assert_int_equal(holds(t, "LimitNOFILE", "1024"), 0);
	assert_string_equal(t->b.s, "the process has 1024:65536");
	assert_int_equal(holds(t, "LimitMEMLOCK", "infinity"), 1);
	assert_int_equal(holds(t, "LimitMEMLOCK", "4096"), 0);
	assert_int_equal(holds(t, "LimitRTPRIO", "0"), 1);
	assert_int_equal(holds(t, "LimitRTPRIO", "5"), 0);
}

static void the_process_as_a_whole(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(holds(t, "OOMScoreAdjust", "-800"), 1);
	assert_int_equal(holds(t, "OOMScoreAdjust", "0"), 0);
	assert_int_equal(holds(t, "Slice", "hft-a.slice"), 1);
	assert_int_equal(holds(t, "Slice", "hft.slice"), 0);
	assert_string_equal(t->b.s, "the process has hft-a.slice");
	put(t, PROC "cgroup", "2:cpuset:/\n1:name=systemd:/system.slice/" REDIS "\n0::/");
	assert_int_equal(holds(t, "Slice", "system.slice"), 1);
	put(t, PROC "cgroup", "1:name=systemd:/\n0::/hft.slice/" REDIS);
	assert_int_equal(holds(t, "Slice", "hft.slice"), 1);
}

static void the_memory_policy_is_that_of_the_task(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(holds_one(t, "NUMAPolicy", PROC "task/100", "preferred"), 1);
	assert_int_equal(holds_one(t, "NUMAMask", PROC "task/100", "1"), 1);
	assert_int_equal(holds_one(t, "NUMAMask", PROC "task/101", "0-1"), 1);
	assert_int_equal(holds_one(t, "NUMAMask", PROC "task/101", "0"), 0);
	assert_int_equal(holds(t, "NUMAPolicy", "bind"), 0);
	put(t, PROC "task/100/numa_maps", "55d0c7a00000 default file=/usr/bin/redis-check-rdb mapped=10 active");
	assert_int_equal(holds_one(t, "NUMAPolicy", PROC "task/100", ""), 1);
	assert_int_equal(holds_one(t, "NUMAMask", PROC "task/100", ""), 1);
}

static void the_environment_is_that_of_the_start(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(process_variable(&t->c, 100, "MALLOC_CONF", &t->b), 0);
	assert_string_equal(strbuf_str(&t->b), "narenas:2,thp:never");
	assert_int_equal(process_variable(&t->c, 100, "JE_MALLOC_CONF", &t->b), 0);
	assert_string_equal(strbuf_str(&t->b), "");
	assert_int_equal(process_variable(&t->c, 7, "MALLOC_CONF", &t->b), -ENOENT);
}

/* A thread that ends while it is looked at is none. */
static void what_is_gone_is_no_failure(void **state)
{
	struct cputree *t = *state;

	take_away(t, PROC "task/101/stat");
	assert_int_equal(holds(t, "Nice", "-5"), 1);
	assert_int_equal(process_holds(&t->c, "a.service", 7, service_row("Nice"), "-5", &t->b), -ENOENT);
	put(t, PROC "task/101/stat", "101 (x");
	assert_int_equal(holds(t, "Nice", "-5"), -EIO);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, unittree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(all_threads_are_looked_at),
		CASE(threads_set_one_by_one_are_left_out),
		CASE(a_process_of_such_threads_alone_shows_nothing),
		CASE(nothing_expected_is_the_default),
		CASE(a_soft_limit_may_be_raised_as_far_as_the_hard_one),
		CASE(the_process_as_a_whole),
		CASE(the_memory_policy_is_that_of_the_task),
		CASE(the_environment_is_that_of_the_start),
		CASE(what_is_gone_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
