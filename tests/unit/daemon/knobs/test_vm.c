/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_vm.c: transparent huge pages, merging, and pools that must not take the last memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_vm;

#define MM "/sys/kernel/mm/"
#define POOL MM "hugepages/hugepages-2048kB/"
#define GIGANTIC MM "hugepages/hugepages-1048576kB/"
#define NODE(n) "/sys/devices/system/node/node" n "/"
#define NODE_POOL(n) NODE(n) "hugepages/hugepages-2048kB/"

static void put_pool(struct cputree *t, const char *dir, const char *pages)
{
	static const char *const files[] = { "nr_hugepages", "free_hugepages" };
	char path[160];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, files[i]);
		put(t, path, pages);
	}
}

/* Two nodes of 8 GiB with 4 GiB free each. */
static int setup(void **state)
{
	struct cputree *t = cputree_new();

	put(t, "/proc/meminfo", "MemTotal:       16777216 kB\nMemFree:         8388608 kB\n"
	                        "Hugepagesize:       2048 kB");
	put(t, NODE("0") "meminfo", "Node 0 MemTotal:       8388608 kB\nNode 0 MemFree:        4194304 kB\n"
	                            "Node 0 Inactive(file):    204800 kB");
	put(t, NODE("1") "meminfo", "Node 1 MemTotal:       8388608 kB\nNode 1 MemFree:        4194304 kB");
	put(t, "/sys/devices/system/node/online", "0-1");
	put(t, NODE("0") "cpulist", "0-1");
	put(t, NODE("1") "cpulist", "2-3");
	put(t, NODE("0") "distance", "10 20");
	put(t, NODE("1") "distance", "20 10");
	put_pool(t, POOL, "10");
	put_pool(t, GIGANTIC, "0");
	put_pool(t, NODE_POOL("0"), "6");
	put_pool(t, NODE_POOL("1"), "4");
	put(t, POOL "nr_overcommit_hugepages", "0");
	put(t, "/proc/sys/vm/nr_hugepages", "10");
	put(t, MM "transparent_hugepage/enabled", "always [madvise] never");
	put(t, MM "transparent_hugepage/defrag", "always defer defer+madvise [madvise] never");
	put(t, MM "transparent_hugepage/khugepaged/scan_sleep_millisecs", "10000");
	put(t, MM "transparent_hugepage/hugepages-64kB/enabled", "always inherit madvise [never]");
	put(t, MM "transparent_hugepage/hugepages-2048kB/enabled", "always [inherit] madvise never");
	put(t, MM "ksm/run", "0");
	cputree_read(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

static const char *lists(void **state, const char *selector, const char *option)
{
	return listed(*state, &knob_vm, selector, option);
}

/* --- switches ----------------------------------------------------------------------------------------------------- */

static void every_switch_is_found(void **state)
{
	struct knob_doc d, before = { .option = "" };

	for (size_t i = 0; knob_vm.explain(i, &d) == 0; i++) {
		CLEANUP(knob_objects_done) struct knob_objects l = {0};
		assert_int_equal(knob_vm.list(&((struct cputree *)*state)->c, "", d.option, &l, NULL), 0);
		assert_true(l.n > 0);
		/* Sorted but for the two tables that begin anew. */
		if (strcmp(before.option, d.option) >= 0)
			assert_true(str_eq(d.option, "thp.enabled") || str_eq(d.option, "hugepages"));
		before = d;
	}
}

static void transparent_pages_are_selections(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(lists(state, "", "thp.enabled"), "thp.enabled");
	assert_string_equal(lists(state, "", "thp/enabled"), "thp.enabled");
	assert_string_equal(value_now(t, &knob_vm, "thp.enabled"), "madvise");
	assert_string_equal(parsed(t, &knob_vm, "thp.enabled", "thp.enabled", "never"), "never");
	assert_string_equal(parsed(t, &knob_vm, "thp.enabled", "thp.enabled", "inherit"), ERR_INVALID_PROFILE);
	assert_string_equal(written(t, &knob_vm, "thp.enabled", "never"), "");
	assert_holds(t, MM "transparent_hugepage/enabled", "always madvise [never]");
	assert_string_equal(written(t, &knob_vm, "thp.defrag", "defer+madvise"), "");
	assert_holds(t, MM "transparent_hugepage/defrag", "always defer [defer+madvise] madvise never");
	assert_string_equal(lists(state, "", "thp.use_zero_page"), "thp.use_zero_page(na)");
	assert_string_equal(lists(state, "2048kB", "thp.defrag"), ERR_INVALID_PROFILE);
}

static void sizes_have_their_own_switch(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(lists(state, "64kB", "thp.enabled"), "64kB thp.enabled");
	assert_string_equal(lists(state, "*", "thp.enabled"), "64kB thp.enabled|2048kB thp.enabled");
	assert_string_equal(lists(state, "32kB", "thp.enabled"), ERR_NO_MATCH);
	assert_string_equal(parsed(t, &knob_vm, "64kB thp.enabled", "thp.enabled", "inherit"), "inherit");
	assert_string_equal(written(t, &knob_vm, "64kB thp.enabled", "inherit"), "");
	assert_holds(t, MM "transparent_hugepage/hugepages-64kB/enabled", "always [inherit] madvise never");
}

static void merging_has_bounds(void **state)
{
	assert_string_equal(parsed(*state, &knob_vm, "ksm.run", "ksm.run", "2"), "2");
	assert_string_equal(parsed(*state, &knob_vm, "ksm.run", "ksm.run", "3"), ERR_OUT_OF_BOUNDS);
}

/* --- pools -------------------------------------------------------------------------------------------------------- */

static void pools_are_selected_by_size_and_node(void **state)
{
	assert_string_equal(lists(state, "", "hugepages"), "2048kB hugepages");
	assert_string_equal(lists(state, "2048kB", "hugepages"), "2048kB hugepages");
	assert_string_equal(lists(state, "*", "hugepages"), "2048kB hugepages|1048576kB hugepages");
	assert_string_equal(lists(state, "2048kB node1", "hugepages"), "2048kB node1 hugepages");
	assert_string_equal(lists(state, "2048kB node*", "hugepages"), "2048kB node0 hugepages|2048kB node1 hugepages");
	assert_string_equal(lists(state, "2048kB", "nr_overcommit_hugepages"), "2048kB nr_overcommit_hugepages");
	assert_string_equal(lists(state, "2048kB node7", "hugepages"), ERR_NO_MATCH);
	assert_string_equal(lists(state, "64kB", "hugepages"), ERR_NO_MATCH);
	assert_string_equal(lists(state, "2M", "hugepages"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "node0", "hugepages"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "2048kB node0", "nr_overcommit_hugepages"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "2048kB node0 x", "hugepages"), ERR_INVALID_PROFILE);
}

static const char *parses_pool(void **state, const char *key, const char *value)
{
	return parsed(*state, &knob_vm, key, "hugepages", value);
}

/* Of 16 GiB, 1.6 GiB have to stay free: (8388608 + 204800 - 1677721) / 2048 is 3376 more. */
static void a_pool_leaves_a_tenth_free(void **state)
{
	const struct cputree *t = *state;

	assert_string_equal(parses_pool(state, "2048kB hugepages", "3286"), "3286");
	assert_string_equal(parses_pool(state, "2048kB hugepages", "3287"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(t->err.wanted, "at most 3286");
	assert_string_equal(parses_pool(state, "2048kB hugepages", "99999999"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses_pool(state, "2048kB hugepages", "99999999999999999999"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses_pool(state, "2048kB hugepages", "1g"), ERR_INVALID_PROFILE);
	assert_string_equal(parses_pool(state, "1048576kB hugepages", "7"), ERR_OUT_OF_BOUNDS);
}

/* A tenth of 8 GiB is less than 1 GiB, which stays free; files that nobody reads count as free. */
static void a_node_keeps_a_gibibyte(void **state)
{
	assert_string_equal(parses_pool(state, "2048kB node0 hugepages", "1642"), "1642");
	assert_string_equal(parses_pool(state, "2048kB node0 hugepages", "1643"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses_pool(state, "2048kB node1 hugepages", "1540"), "1540");
	assert_string_equal(parses_pool(state, "2048kB node1 hugepages", "1541"), ERR_OUT_OF_BOUNDS);
}

static const char *fits(void **state, const struct knob_change *changes, size_t n)
{
	struct cputree *t = *state;

	t->err = (struct hft_err){0};
	return knob_vm.together(&t->c, changes, n, &t->err) < 0 ? t->err.subject : "";
}

/* The numbers are those of the two tests above: 3276 pages more for the host, 1632 for node 0, 1540 for node 1. */
static void pools_are_added_up(void **state)
{
	const struct knob_change sizes[] = {
		{ "2048kB hugepages", "10", "1034" },       /* 2 GiB */
		{ "1048576kB hugepages", "0", "4" },        /* 4 GiB; 6.4 GiB may be taken */
		{ "1048576kB hugepages", "0", "5" },
		{ "1048576kB hugepages", "0", "2" },
		{ "thp.enabled", "always", "never" },
	};
	const struct knob_change nodes[] = {
		{ "2048kB node0 hugepages", "0", "1024" },
		{ "1048576kB node0 hugepages", "0", "1" },  /* 3 GiB of 3.1 */
		{ "1048576kB node0 hugepages", "0", "2" },
		{ "2048kB node1 hugepages", "5", "1500" },
		{ "2048kB hugepages", "0", "2700" },        /* of which the nodes' are parts */
	};
	const struct knob_change smaller[] = {
		{ "2048kB hugepages", "5000", "10" },
		{ "1048576kB hugepages", "0", "6" },
	};

	assert_string_equal(fits(state, sizes, 2), "");
	assert_string_equal(fits(state, (struct knob_change[]){ sizes[2], sizes[4] }, 2), "");
	assert_string_equal(fits(state, (struct knob_change[]){ sizes[0], sizes[2] }, 2), "2048kB hugepages");
	assert_string_equal(((struct cputree *)*state)->err.code, ERR_OUT_OF_BOUNDS);
	assert_string_equal(fits(state, nodes, 2), "");
	assert_string_equal(fits(state, (struct knob_change[]){ nodes[0], nodes[2] }, 2), "2048kB node0 hugepages");
	assert_string_equal(fits(state, (struct knob_change[]){ nodes[0], nodes[3], nodes[4] }, 3), "");
	assert_string_equal(fits(state, (struct knob_change[]){ nodes[0], nodes[3], nodes[4], sizes[1] }, 4),
	                    "2048kB node0 hugepages");
	assert_string_equal(fits(state, (struct knob_change[]){ nodes[0], nodes[3], sizes[3] }, 3),
	                    "2048kB node0 hugepages");
	assert_string_equal(fits(state, smaller, 2), "");
	assert_string_equal(fits(state, NULL, 0), "");
}

/* A pool that is there already costs nothing, however little is free now. */
static void what_is_there_may_stay(void **state)
{
	struct cputree *t = *state;

	put(t, NODE("0") "meminfo", "Node 0 MemTotal:       8388608 kB\nNode 0 MemFree:        1000 kB");
	put(t, NODE("1") "meminfo", "Node 1 MemTotal:       8388608 kB\nNode 1 MemFree:        1000 kB");
	assert_string_equal(parses_pool(state, "2048kB hugepages", "10"), "10");
	assert_string_equal(parses_pool(state, "2048kB hugepages", "0"), "0");
	assert_string_equal(parses_pool(state, "2048kB hugepages", "11"), ERR_OUT_OF_BOUNDS);
}

static void a_copied_tree_shows_the_pool_everywhere(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_vm, "2048kB hugepages", "15"), "");
	assert_holds(t, POOL "nr_hugepages", "15");
	assert_holds(t, POOL "free_hugepages", "15");
	assert_holds(t, NODE_POOL("0") "nr_hugepages", "11");
	assert_holds(t, "/proc/sys/vm/nr_hugepages", "15");
	assert_string_equal(written(t, &knob_vm, "2048kB hugepages", "10"), "");
	assert_string_equal(written(t, &knob_vm, "2048kB node1 hugepages", "5"), "");
	assert_holds(t, NODE_POOL("1") "nr_hugepages", "5");
	assert_holds(t, POOL "nr_hugepages", "11");
	assert_holds(t, NODE_POOL("0") "nr_hugepages", "6");
	assert_string_equal(value_now(t, &knob_vm, "2048kB node1 hugepages"), "5");
}

static void a_smaller_pool_may_not_grow_back(void **state)
{
	const struct knob_ctx *c = &((struct cputree *)*state)->c;

	assert_non_null(knob_vm.inexact(c, "2048kB hugepages", "10", "9"));
	assert_non_null(knob_vm.inexact(c, "2048kB node0 hugepages", "10", "0"));
	assert_null(knob_vm.inexact(c, "2048kB hugepages", "10", "10"));
	assert_null(knob_vm.inexact(c, "2048kB hugepages", "9", "10"));
	assert_null(knob_vm.inexact(c, "2048kB nr_overcommit_hugepages", "10", "9"));
	assert_null(knob_vm.inexact(c, "thp.enabled", "always", "never"));
}

/* --- coupling ----------------------------------------------------------------------------------------------------- */

static int collect(void *data, const char *knob, const char *key, struct hft_err *err)
{
	(void)err;
	strbuf_addf(data, "%s:%s;", knob, key);
	return 0;
}

static const char *coupled_with(void **state, const char *key)
{
	struct cputree *t = *state;

	strbuf_reset(&t->b);
	assert_int_equal(knob_vm.coupled(&t->c, key, collect, &t->b, &t->err), 0);
	return strbuf_str(&t->b);
}

static void pools_are_parts_of_each_other(void **state)
{
	assert_string_equal(coupled_with(state, "2048kB hugepages"),
	                    "vm:2048kB node0 hugepages;vm:2048kB node1 hugepages;");
	assert_string_equal(coupled_with(state, "2048kB node1 hugepages"), "vm:2048kB hugepages;");
	assert_string_equal(coupled_with(state, "2048kB nr_overcommit_hugepages"), "");
}

static void transparent_pages_change_what_is_kept_free(void **state)
{
	assert_string_equal(coupled_with(state, "thp.enabled"), "sysctl:vm.min_free_kbytes;");
	assert_string_equal(coupled_with(state, "64kB thp.enabled"), "sysctl:vm.min_free_kbytes;");
	assert_string_equal(coupled_with(state, "thp.defrag"), "");
}

static void unknown_keys_are_not_applicable(void **state)
{
	static const char *const bad[] = {
		"", "hugepages", "2M hugepages", "2048kB node hugepages", "2048kB node-1 hugepages", "32kB thp.enabled",
		"4096kB hugepages", "2048kB node9 hugepages", "2048kB node1 nr_overcommit_hugepages", "../x hugepages",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_string_equal(value_now(*state, &knob_vm, bad[i]), ERR_NOT_APPLICABLE);
		assert_string_equal(written(*state, &knob_vm, bad[i], "0"), ERR_NOT_APPLICABLE);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_switch_is_found),
		TEST(transparent_pages_are_selections),
		TEST(sizes_have_their_own_switch),
		TEST(merging_has_bounds),
		TEST(pools_are_selected_by_size_and_node),
		TEST(a_pool_leaves_a_tenth_free),
		TEST(a_node_keeps_a_gibibyte),
		TEST(pools_are_added_up),
		TEST(what_is_there_may_stay),
		TEST(a_copied_tree_shows_the_pool_everywhere),
		TEST(a_smaller_pool_may_not_grow_back),
		TEST(pools_are_parts_of_each_other),
		TEST(transparent_pages_change_what_is_kept_free),
		TEST(unknown_keys_are_not_applicable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
