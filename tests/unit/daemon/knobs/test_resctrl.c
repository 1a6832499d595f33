/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_resctrl.c on a tree with two caches of eleven ways, as a Xeon shows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_resctrl;

#define DIR "/sys/fs/resctrl/"
#define STATUS DIR "info/last_cmd_status"

static int make_tree(void **state)
{
	struct cputree *t = cputree_new();

	put(t, DIR "info/L3/num_closids", "16");
	put(t, DIR "info/L3/cbm_mask", "7ff");
	put(t, DIR "info/L3/min_cbm_bits", "2");
	put(t, DIR "info/MB/num_closids", "8");
	put(t, DIR "info/MB/min_bandwidth", "10");
	put(t, DIR "info/MB/bandwidth_gran", "10");
	put(t, STATUS, "ok");
	put(t, DIR "schemata", "    MB:0= 100;1= 100\n    L3:0=7ff;1=7ff");
	put(t, DIR "cpus_list", "0-3");
	put(t, DIR "mode", "shareable");
	cputree_read(t);
	*state = t;
	return 0;
}

static int remove_tree(void **state)
{
	cputree_free(*state);
	return 0;
}

static void test_list(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_resctrl, "hft", "L3"), "hft group|hft L3");
	assert_string_equal(listed(t, &knob_resctrl, "", "L3"), "/ L3");
	assert_string_equal(listed(t, &knob_resctrl, "hft", "L2"), "hft L2(na)");
	assert_string_equal(listed(t, &knob_resctrl, "hft", "tasks"), ERR_INVALID_PROFILE);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(
			listed(t, &knob_resctrl, ((const char *const[]){ "info", "../x", "a b", ".a", "mon_data" })[i], "L3"),
			ERR_INVALID_PROFILE);
	take_away(t, DIR "info/L3/num_closids");
	assert_string_equal(listed(t, &knob_resctrl, "hft", "L3"), "hft L3(na)");
}

static void test_a_host_without(void **state)
{
	struct cputree *t = cputree_new();

	(void)state;
	cputree_read(t);
	assert_string_equal(listed(t, &knob_resctrl, "hft", "MB"), "hft MB(na)");
	assert_string_equal(parsed(t, &knob_resctrl, NULL, "MB", "50"), "");
	cputree_free(t);
}

static void test_parse(void **state)
{
	static const struct {
		const char *option, *value, *canonical;
	} rows[] = {
		{ "L3", "7f0", "0=7f0;1=7f0" },
		{ "L3", "0=07f0;1=3", "0=7f0;1=3" },
		{ "L3", "1=3", "1=3" },
		{ "L3", "7f1", ERR_OUT_OF_BOUNDS },    /* a hole */
		{ "L3", "1", ERR_OUT_OF_BOUNDS },      /* too few */
		{ "L3", "fff", ERR_OUT_OF_BOUNDS },    /* more than there are */
		{ "L3", "0", ERR_OUT_OF_BOUNDS },
		{ "L3", "0=7f0;x=3", ERR_INVALID_PROFILE },
		{ "L3", "half", ERR_INVALID_PROFILE },
		{ "L3", "", ERR_INVALID_PROFILE },
		{ "MB", "50", "0=50;1=50" },
		{ "MB", "0=50;1=100", "0=50;1=100" },
		{ "MB", "55", ERR_OUT_OF_BOUNDS },
		{ "MB", "0", ERR_OUT_OF_BOUNDS },
		{ "MB", "110", ERR_OUT_OF_BOUNDS },
		{ "cpus", "2,3", "2-3" },
		{ "cpus", "4", ERR_OUT_OF_BOUNDS },
		{ "cpus", "x", ERR_INVALID_PROFILE },
		{ "mode", "exclusive", "exclusive" },
		{ "mode", "pseudo-locked", ERR_OUT_OF_BOUNDS },
	};
	struct cputree *t = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char key[32];
		snprintf(key, sizeof(key), "hft %s", rows[i].option);
		assert_string_equal(parsed(t, &knob_resctrl, key, rows[i].option, rows[i].value), rows[i].canonical);
	}
	assert_string_equal(parsed(t, &knob_resctrl, "hft group", "L3", "7f0"), "present");
	assert_string_equal(parsed(t, &knob_resctrl, NULL, "L4", "7f0"), ERR_INVALID_PROFILE);
}

static void test_a_group_comes_and_goes(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_resctrl, "hft group"), "absent");
	assert_string_equal(value_now(t, &knob_resctrl, "hft L3"), "0=7ff;1=7ff"); /* as a new one would have it */
	assert_string_equal(value_now(t, &knob_resctrl, "hft MB"), "0=100;1=100");
	assert_string_equal(value_now(t, &knob_resctrl, "hft cpus"), "");
	assert_string_equal(value_now(t, &knob_resctrl, "hft mode"), "shareable");
	assert_string_equal(written(t, &knob_resctrl, "hft group", "present"), "");
	assert_string_equal(value_now(t, &knob_resctrl, "hft group"), "present");
	assert_string_equal(written(t, &knob_resctrl, "hft L3", "0=7f0;1=7f0"), "");
	assert_string_equal(written(t, &knob_resctrl, "hft MB", "0=50;1=50"), "");
	assert_string_equal(value_now(t, &knob_resctrl, "hft L3"), "0=7f0;1=7f0"); /* the other line did not touch it */
	assert_string_equal(value_now(t, &knob_resctrl, "hft MB"), "0=50;1=50");
	assert_string_equal(value_now(t, &knob_resctrl, "/ L3"), "0=7ff;1=7ff");
	assert_string_equal(written(t, &knob_resctrl, "hft cpus", "2-3"), "");
	assert_holds(t, DIR "hft/cpus_list", "2-3");
	assert_string_equal(written(t, &knob_resctrl, "hft group", "absent"), "");
	assert_false(fsio_exists(t->fs, DIR "hft"));
	assert_string_equal(written(t, &knob_resctrl, "hft L3", "0=7ff;1=7ff"), ""); /* nothing left to put back */
	assert_int_equal(judged(t, &knob_resctrl, "hft L3", "0=7ff;1=7ff"), KNOB_OK);
	assert_string_equal(value_now(t, &knob_resctrl, "hft tasks"), ERR_NOT_APPLICABLE);
	assert_string_equal(value_now(t, &knob_resctrl, "hft L2"), ERR_NOT_APPLICABLE);
}

static int collect(void *data, const char *knob, const char *key, struct hft_err *err)
{
	(void)err;
	strbuf_addf(data, "%s:%s ", knob, key);
	return 0;
}

static void test_cpus_leave_other_groups(void **state)
{
	struct cputree *t = *state;
	CLEANUP(strbuf_done) struct strbuf all = {0};

	put(t, DIR "other/schemata", "    L3:0=7ff;1=7ff");
	put(t, DIR "hft/schemata", "    L3:0=7ff;1=7ff");
	assert_int_equal(knob_resctrl.coupled(&t->c, "hft cpus", collect, &all, &t->err), 0);
	assert_string_equal(strbuf_str(&all), "resctrl:/ cpus resctrl:other cpus ");
	strbuf_reset(&all);
	assert_int_equal(knob_resctrl.coupled(&t->c, "hft L3", collect, &all, &t->err), 0);
	assert_string_equal(strbuf_str(&all), "");
	assert_true(knob_resctrl.order("hft group") < knob_resctrl.order("hft L3"));
	assert_true(knob_resctrl.order("hft L3") < knob_resctrl.order("hft mode"));
}

#ifdef HFT_FAULT
/* The kernel's own words, where it has some. The first test: main() asks for the refusals. */
static void test_refusals(void **state)
{
	struct cputree *t = *state;

	put(t, STATUS, "overlapping ways");
	assert_string_equal(written(t, &knob_resctrl, "/ mode", "exclusive"), ERR_WRITE_FAILED);
	assert_int_equal(t->err.sys, EINVAL);
	assert_non_null(strstr(t->err.msg, "overlapping ways"));
	assert_string_equal(written(t, &knob_resctrl, "hft group", "present"), ERR_WRITE_FAILED);
	assert_int_equal(t->err.sys, ENOSPC);
}
#endif

static void test_explain(void **state)
{
	(void)state;
	assert_explained(&knob_resctrl, 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef HFT_FAULT
		TEST(test_refusals),
#endif
		TEST(test_list),
		TEST(test_a_host_without),
		TEST(test_parse),
		TEST(test_a_group_comes_and_goes),
		TEST(test_cpus_leave_other_groups),
		TEST(test_explain),
	};

#ifdef HFT_FAULT
	setenv("HFT_FAULT", "write@" DIR "mode:1:EINVAL;mkdir@" DIR "hft:1:ENOSPC", 1);
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
