/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows by themselves: names, every form of file, twins, instances and coupling, on a table made for the purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "daemon/knobs/row.h"
#include "tests/unit/daemon/knobs/cputree.h"

#define T "/sys/t/"

static const struct row rows[] = {
	{ .option = "cpu.list", .path = T "cpulist", .form = ROW_CPULIST, .bounds = "present CPUs" },
	{ .option = "cpu.mask", .path = T "cpumask", .form = ROW_CPUMASK, .bounds = "present CPUs" },
	{ .option = "dev.*.mode", .path = T "dev/x-*-y/mode", .form = ROW_WORD, .words = "auto|on", .bounds = "auto|on",
	  .changes = "t:dev.*.mode, t:number" },
	{ .option = "hex", .path = T "hex", .form = ROW_HEX, .min = 0, .max = 7, .bounds = "0x0..0x7" },
	{ .option = "inner", .path = T "plain/*/inner", .form = ROW_INT, .min = 0, .max = 9, .bounds = "0..9",
	  .changes = "t:* inner" },
	{ .option = "multiple", .path = T "multiple", .form = ROW_INT, .min = 0, .max = 1000, .rule = ROW_MULTIPLE,
	  .step = 100, .bounds = "0..1000" },
	{ .option = "name", .path = T "name", .form = ROW_NAME, .offers = T "names", .bounds = "a name" },
	{ .option = "names", .path = T "allowed", .form = ROW_NAMES, .offers = T "names", .bounds = "names" },
	{ .option = "net.ipv4.conf.*.rp", .form = ROW_INT, .min = 0, .max = 2, .bounds = "0..2" },
	{ .option = "number", .path = T "number", .form = ROW_INT, .min = -5, .max = 100, .bounds = "-5..100" },
	{ .option = "pow2", .path = T "pow2", .form = ROW_INT, .min = 0, .max = 64, .rule = ROW_POW2,
	  .bounds = "0..64" },
	{ .option = "range", .path = T "range", .form = ROW_INTS, .n = 2, .min = 1, .max = 65535, .rule = ROW_RISING,
	  .bounds = "1..65535" },
	{ .option = "select", .path = T "select", .form = ROW_SELECT, .words = "always|lazy|madvise|never",
	  .bounds = "always|lazy|madvise|never" },
	{ .option = "ticks", .path = T "ticks", .form = ROW_INT, .min = 0, .max = 1000, .rule = ROW_TICKS_MS,
	  .bounds = "0..1000" },
	{ .option = "truth", .path = T "truth", .form = ROW_YN, .bounds = "0..1" },
	{ .option = "twin_bytes", .path = T "twin_bytes", .form = ROW_INT, .min = 8192, .max = 1000000,
	  .bounds = "8192..1000000", .twin = "twin_ratio" },
	{ .option = "twin_ratio", .path = T "twin_ratio", .form = ROW_INT, .min = 0, .max = 100, .bounds = "0..100",
	  .twin = "twin_bytes" },
	{ .option = "vector", .path = T "vector", .form = ROW_INTS, .n = 3, .min = 1, .max = 1000,
	  .rule = ROW_ASCENDING, .bounds = "3 numbers" },
	{ .option = "vm.stat_interval", .form = ROW_INT, .min = 1, .max = 100, .bounds = "1..100" },
	{ .option = "zero_or_more", .path = T "zero_or_more", .form = ROW_INT, .min = 8, .max = 100,
	  .rule = ROW_OR_ZERO, .bounds = "8..100, or 0" },
};

static const struct row_table table = { "t", rows, ARRAY_LEN(rows) };

static int t_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                  struct hft_err *err)
{
	return row_list(&table, c, selector, option, ret, err);
}

static int t_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                   struct strbuf *ret, struct hft_err *err)
{
	return row_parse(&table, c, key, option, value, ret, err);
}

static int t_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	return row_read(&table, c, key, ret, err);
}

static int t_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	return row_write(&table, c, key, value, err);
}

static const struct knob knob_t = {
	.name = "t", .list = t_list, .parse = t_parse, .read = t_read, .write = t_write,
};

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	put(t, T "cpulist", "0-2");
	put(t, T "cpumask", "f");
	put(t, T "dev/x-a-y/mode", "on");
	put(t, T "dev/x-b.c-y/mode", "auto");
	put(t, T "dev/x-none-y/other", "");
	put(t, T "dev/stranger/mode", "on");
	put(t, T "hex", "0x0003");
	put(t, T "plain/one/inner", "1");
	put(t, T "plain/two/inner", "2");
	put(t, T "plain/power/control", "auto");
	put(t, T "multiple", "250");
	put(t, T "name", "tsc");
	put(t, T "names", "zeta tsc alpha ");
	put(t, T "allowed", "zeta alpha");
	put(t, T "number", "50");
	put(t, T "pow2", "16");
	put(t, T "range", "100\t200");
	put(t, T "select", "always [madvise] never");
	put(t, T "ticks", "100");
	put(t, T "truth", "N");
	put(t, T "twin_bytes", "0");
	put(t, T "twin_ratio", "20");
	put(t, T "vector", "1\t2\t3");
	put(t, T "zero_or_more", "0");
	put(t, "/proc/sys/vm/stat_interval", "1");
	put(t, "/proc/sys/net/ipv4/conf/all/rp", "0");
	put(t, "/proc/sys/net/ipv4/conf/default/rp", "0");
	put(t, "/proc/sys/net/ipv4/conf/eth0/rp", "0");
	put(t, "/proc/sys/net/ipv4/conf/eth0.100/rp", "1");
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
	return listed(*state, &knob_t, selector, option);
}

static const char *parses(void **state, const char *option, const char *value)
{
	return parsed(*state, &knob_t, option, option, value);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static void options_have_two_spellings(void **state)
{
	(void)state;
	assert_ptr_equal(row_find(&table, "vm.stat_interval"), row_find(&table, "vm/stat_interval"));
	assert_non_null(row_find(&table, "vm.stat_interval"));
	assert_ptr_equal(row_find(&table, "net/ipv4/conf/*/rp"), row_find(&table, "net.ipv4.conf.*.rp"));
	assert_null(row_find(&table, "vm.stat_interval2"));
	assert_null(row_find(&table, ""));
}

static void paths_and_keys_follow_from_the_row(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};
	struct row_ref ref = { .row = row_find(&table, "net.ipv4.conf.*.rp"), .instance = "eth0.100" };

	(void)state;
	row_path(&ref, &b);
	assert_string_equal(strbuf_str(&b), "/proc/sys/net/ipv4/conf/eth0.100/rp");
	strbuf_reset(&b);
	row_key(&ref, &b);
	assert_string_equal(strbuf_str(&b), "net.ipv4.conf.eth0/100.rp");
	ref = (struct row_ref){ .row = row_find(&table, "inner"), .instance = "one" };
	strbuf_reset(&b);
	row_key(&ref, &b);
	assert_string_equal(strbuf_str(&b), "one inner");
	ref = (struct row_ref){ .row = row_find(&table, "dev.*.mode"), .instance = "b.c" };
	strbuf_reset(&b);
	row_path(&ref, &b);
	assert_string_equal(strbuf_str(&b), T "dev/x-b.c-y/mode");
}

static void keys_lead_back_to_the_row(void **state)
{
	static const char *const bad[] = {
		"", " ", "nothing", "inner", "one number", "/ inner", ".. inner", "a/b inner", "dev.*.mode2",
		"twin_ratio", "twin_ratio|", "number|number", "net.ipv4.conf..rp", "one two inner2",
		"0123456789012345678901234567890123456789012345678901234567890123456789 inner",
	};
	struct row_ref ref;
	struct hft_err err;

	(void)state;
	assert_int_equal(row_of_key(&table, "net.ipv4.conf.eth0/100.rp", &ref, NULL), 0);
	assert_string_equal(ref.instance, "eth0.100");
	assert_int_equal(row_of_key(&table, "one inner", &ref, NULL), 0);
	assert_string_equal(ref.instance, "one");
	assert_int_equal(row_of_key(&table, "twin_ratio|twin_bytes", &ref, NULL), 0);
	assert_string_equal(ref.row->option, "twin_ratio");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		err = (struct hft_err){0};
		if (row_of_key(&table, bad[i], &ref, &err) != -ENOENT)
			fail_msg("'%s' is taken for a key", bad[i]);
		assert_string_equal(err.code, ERR_NOT_APPLICABLE);
	}
}

/* --- listing ------------------------------------------------------------------------------------------------------ */

static void plain_rows_take_no_selector(void **state)
{
	assert_string_equal(lists(state, "", "number"), "number");
	assert_string_equal(lists(state, "eth0", "number"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "", "nothing"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "", "vm/stat_interval"), "vm.stat_interval");
	assert_string_equal(lists(state, "", "twin_bytes"), "twin_ratio|twin_bytes");
	assert_string_equal(lists(state, "", "twin_ratio"), "twin_ratio|twin_bytes");
}

static void instances_are_chosen_by_name_or_pattern(void **state)
{
	assert_string_equal(lists(state, "eth0", "net.ipv4.conf.*.rp"), "net.ipv4.conf.eth0.rp");
	assert_string_equal(lists(state, "eth0.100", "net.ipv4.conf.*.rp"), "net.ipv4.conf.eth0/100.rp");
	assert_string_equal(lists(state, "all", "net.ipv4.conf.*.rp"), "net.ipv4.conf.all.rp");
	assert_string_equal(lists(state, "*", "net.ipv4.conf.*.rp"),
	                    "net.ipv4.conf.eth0.rp|net.ipv4.conf.eth0/100.rp");
	assert_string_equal(lists(state, "wlan*", "net.ipv4.conf.*.rp"), "");
	assert_string_equal(lists(state, "eth9", "net.ipv4.conf.*.rp"), ERR_NO_MATCH);
	assert_string_equal(lists(state, "", "net.ipv4.conf.*.rp"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "../eth0", "net.ipv4.conf.*.rp"), ERR_NO_MATCH);
}

static void an_option_may_say_the_instance(void **state)
{
	assert_string_equal(lists(state, "", "net.ipv4.conf.all.rp"), "net.ipv4.conf.all.rp");
	assert_string_equal(lists(state, "", "net/ipv4/conf/eth0.100/rp"), "net.ipv4.conf.eth0/100.rp");
	assert_string_equal(lists(state, "", "net.ipv4.conf.eth9.rp"), ERR_NO_MATCH);
	assert_string_equal(lists(state, "", "net.ipv4.conf.eth*.rp"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "eth0", "net.ipv4.conf.eth0.rp"), ERR_INVALID_PROFILE);
}

/* Beside the instances of /sys there are directories that are none. */
static void directories_without_the_file_are_no_instances(void **state)
{
	assert_string_equal(lists(state, "*", "inner"), "one inner|two inner");
	assert_string_equal(lists(state, "power", "inner"), "power inner(na)");
	assert_string_equal(lists(state, "*", "dev.*.mode"), "dev.a.mode|dev.b/c.mode");
}

static void what_the_kernel_lacks_is_not_applicable(void **state)
{
	struct cputree *t = *state;
	char full[256];

	take_away(t, T "number");
	assert_string_equal(lists(state, "", "number"), "number(na)");
	assert_int_equal(chmod(cputree_real(t, T "hex", full), 0444), 0);
	assert_string_equal(lists(state, "", "hex"), "hex(na)");
	assert_string_equal(value_now(t, &knob_t, "number"), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_t, "number", "1"), ERR_NOT_APPLICABLE);
}

static void a_missing_facility_is_not_applicable(void **state)
{
	struct cputree *t = *state;

	take_away(t, T "plain/one/inner");
	take_away(t, T "plain/two/inner");
	take_away(t, T "plain/power/control");
	char full[256];
	rmdir(cputree_real(t, T "plain/one", full));
	rmdir(cputree_real(t, T "plain/two", full));
	rmdir(cputree_real(t, T "plain/power", full));
	assert_string_equal(lists(state, "*", "inner"), "");
	assert_int_equal(rmdir(cputree_real(t, T "plain", full)), 0);
	assert_string_equal(lists(state, "*", "inner"), "* inner(na)");
	assert_string_equal(lists(state, "one", "inner"), "one inner(na)");
}

/* --- values of a profile ------------------------------------------------------------------------------------------ */

static void numbers_are_strict(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "0x1", "1k", "+1", "01", "-0", "1.0", "one", "1 2" };

	assert_string_equal(parses(state, "number", "-5"), "-5");
	assert_string_equal(parses(state, "number", "100"), "100");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_string_equal(parses(state, "number", bad[i]), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "number", "-6"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses(state, "number", "101"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses(state, "number", "99999999999999999999"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(((struct cputree *)*state)->err.wanted, "-5..100");
}

static void rules_bind_numbers(void **state)
{
	assert_string_equal(parses(state, "pow2", "64"), "64");
	assert_string_equal(parses(state, "pow2", "0"), "0");
	assert_string_equal(parses(state, "pow2", "48"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses(state, "multiple", "300"), "300");
	assert_string_equal(parses(state, "multiple", "350"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses(state, "ticks", "60"), "60");
	assert_string_equal(parses(state, "ticks", "50"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses(state, "zero_or_more", "0"), "0");
	assert_string_equal(parses(state, "zero_or_more", "8"), "8");
	assert_string_equal(parses(state, "zero_or_more", "7"), ERR_OUT_OF_BOUNDS);
}

static void vectors_are_counted_and_ordered(void **state)
{
	assert_string_equal(parses(state, "vector", "1  2\t3"), "1 2 3");
	assert_string_equal(parses(state, "vector", "2 2 3"), "2 2 3");
	assert_string_equal(parses(state, "vector", "3 2 3"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses(state, "vector", "1 2"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "vector", "1 2 3 4"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "vector", "1,2,3"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "vector", "1 2 1001"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses(state, "range", "1024 65535"), "1024 65535");
	assert_string_equal(parses(state, "range", "1024 1024"), ERR_OUT_OF_BOUNDS);
}

static void words_are_those_of_the_row_and_of_the_kernel(void **state)
{
	assert_string_equal(parses(state, "select", "never"), "never");
	assert_string_equal(parses(state, "select", "lazy"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses(state, "select", "[never]"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "select", "mad"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "select", ""), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "select", "always|never"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "name", "alpha"), "alpha");
	assert_string_equal(parses(state, "name", "hpet"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses(state, "name", "a/b"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "name", "a23456789012345678901234567890123"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "names", "tsc  alpha tsc"), "alpha tsc");
	assert_string_equal(parses(state, "names", "tsc hpet"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses(state, "names", " "), ERR_INVALID_PROFILE);
	take_away(*state, T "names");
	assert_string_equal(parses(state, "name", "hpet"), "hpet");
}

static void truths_and_hex_have_their_own_forms(void **state)
{
	assert_string_equal(parses(state, "truth", "Y"), "1");
	assert_string_equal(parses(state, "truth", "false"), "0");
	assert_string_equal(parses(state, "truth", "1"), "1");
	assert_string_equal(parses(state, "truth", "on"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "truth", "2"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "hex", "0x0007"), "0x7");
	assert_string_equal(parses(state, "hex", "7"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "hex", "0x8"), ERR_OUT_OF_BOUNDS);
}

static void cpus_are_present_and_not_none(void **state)
{
	assert_string_equal(parses(state, "cpu.list", "3,0-1"), "0-1,3");
	assert_string_equal(parses(state, "cpu.mask", "1"), "1");
	assert_string_equal(parses(state, "cpu.list", ""), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "cpu.list", "2-1"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "cpu.list", "all"), ERR_INVALID_PROFILE);
	assert_string_equal(parses(state, "cpu.list", "0-4"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parses(state, "cpu.list", "0-99999999"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(((struct cputree *)*state)->err.wanted, "0-3");
}

/* --- what files show ---------------------------------------------------------------------------------------------- */

static void files_are_read_in_canonical_form(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_t, "vector"), "1 2 3");
	assert_string_equal(value_now(t, &knob_t, "select"), "madvise");
	assert_string_equal(value_now(t, &knob_t, "names"), "alpha zeta");
	assert_string_equal(value_now(t, &knob_t, "truth"), "0");
	assert_string_equal(value_now(t, &knob_t, "hex"), "0x3");
	assert_string_equal(value_now(t, &knob_t, "cpu.mask"), "0-3");
	assert_string_equal(value_now(t, &knob_t, "cpu.list"), "0-2");
	assert_string_equal(value_now(t, &knob_t, "two inner"), "2");
	/* Originals may lie outside the bounds that a profile has. */
	put(t, T "number", "4711");
	assert_string_equal(value_now(t, &knob_t, "number"), "4711");
	put(t, T "dev/x-a-y/mode", "auto (cache)");
	assert_string_equal(value_now(t, &knob_t, "dev.a.mode"), "auto");
	put(t, T "select", "none voluntary (full)");
	assert_string_equal(value_now(t, &knob_t, "select"), "full");
	put(t, T "truth", "true");
	assert_string_equal(value_now(t, &knob_t, "truth"), "1");
	put(t, T "cpumask", "00000000,00000005");
	assert_string_equal(value_now(t, &knob_t, "cpu.mask"), "0,2");
	put(t, T "cpulist", "");
	assert_string_equal(value_now(t, &knob_t, "cpu.list"), "");
}

static void nonsense_is_an_error(void **state)
{
	static const struct {
		const char *file, *key, *text;
	} bad[] = {
		{ T "number", "number", "12 apples" }, { T "number", "number", "" },
		{ T "vector", "vector", "1 2" },       { T "vector", "vector", "1 2 x" },
		{ T "select", "select", "always" },    { T "select", "select", "a [b" },
		{ T "truth", "truth", "maybe" },       { T "hex", "hex", "0xg" },
		{ T "cpumask", "cpu.mask", "x" },      { T "cpulist", "cpu.list", "1-" },
		{ T "name", "name", "a b" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put(*state, bad[i].file, bad[i].text);
		assert_string_equal(value_now(*state, &knob_t, bad[i].key), ERR_IO);
	}
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void a_copied_tree_shows_what_the_kernel_would(void **state)
{
	static const struct {
		const char *key, *value, *file, *shown;
	} cases[] = {
		{ "number", "7", T "number", "7" },
		{ "vector", "4 5 6", T "vector", "4\t5\t6" },
		{ "select", "never", T "select", "always madvise [never]" },
		{ "names", "alpha tsc zeta", T "allowed", "zeta tsc alpha" },
		{ "truth", "1", T "truth", "Y" },
		{ "hex", "0x1", T "hex", "0x0001" },
		{ "cpu.mask", "0-1", T "cpumask", "3" },
		{ "cpu.list", "1-2", T "cpulist", "1-2" },
		{ "one inner", "5", T "plain/one/inner", "5" },
	};
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(written(t, &knob_t, cases[i].key, cases[i].value), "");
		assert_holds(t, cases[i].file, cases[i].shown);
		assert_string_equal(value_now(t, &knob_t, cases[i].key), cases[i].value);
	}
	put(t, T "truth", "true");
	assert_string_equal(written(t, &knob_t, "truth", "0"), "");
	assert_holds(t, T "truth", "false");
	put(t, T "cpumask", "00,00000001,00000001");
	assert_string_equal(written(t, &knob_t, "cpu.mask", "0-3"), "");
	assert_holds(t, T "cpumask", "00,00000000,0000000f");
	put(t, T "select", "none (voluntary) full ");
	assert_string_equal(written(t, &knob_t, "select", "full"), "");
	assert_holds(t, T "select", "none voluntary (full) ");
}

/* What goes to the kernel is what it takes: plain words, and masks. */
static void a_live_host_gets_what_files_take(void **state)
{
	struct cputree *t = *state;

	t->c.copied = false;
	assert_string_equal(written(t, &knob_t, "select", "never"), "");
	assert_holds(t, T "select", "never");
	assert_string_equal(written(t, &knob_t, "vector", "4 5 6"), "");
	assert_holds(t, T "vector", "4 5 6");
	assert_string_equal(written(t, &knob_t, "cpu.mask", "1-2"), "");
	assert_holds(t, T "cpumask", "00000006");
	assert_string_equal(written(t, &knob_t, "cpu.mask", ""), "");
	assert_holds(t, T "cpumask", "00000000");
	assert_string_equal(written(t, &knob_t, "truth", "1"), "");
	assert_holds(t, T "truth", "1");
}

/* --- twins -------------------------------------------------------------------------------------------------------- */

#define TWINS "twin_ratio|twin_bytes"

static void twins_are_one_value(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(parsed(t, &knob_t, TWINS, "twin_bytes", "8192"), "twin_bytes=8192");
	assert_string_equal(parsed(t, &knob_t, TWINS, "twin_ratio", "5"), "twin_ratio=5");
	assert_string_equal(parsed(t, &knob_t, TWINS, "twin_bytes", "0"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(value_now(t, &knob_t, TWINS), "twin_ratio=20");
	assert_string_equal(written(t, &knob_t, TWINS, "twin_bytes=9000"), "");
	assert_holds(t, T "twin_bytes", "9000");
	assert_holds(t, T "twin_ratio", "0");
	assert_string_equal(value_now(t, &knob_t, TWINS), "twin_bytes=9000");
	assert_string_equal(written(t, &knob_t, TWINS, "twin_ratio=20"), "");
	assert_holds(t, T "twin_bytes", "0");
	assert_holds(t, T "twin_ratio", "20");
	assert_string_equal(written(t, &knob_t, TWINS, "twin_ratio=0"), "");
	assert_string_equal(value_now(t, &knob_t, TWINS), "twin_ratio=0");
	assert_string_equal(written(t, &knob_t, TWINS, "number=0"), ERR_WRITE_FAILED);
	assert_string_equal(written(t, &knob_t, TWINS, "20"), ERR_WRITE_FAILED);
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
	assert_int_equal(row_coupled(&table, &t->c, key, collect, &t->b, &t->err), 0);
	return strbuf_str(&t->b);
}

static void a_star_stands_for_all_the_others(void **state)
{
	assert_string_equal(coupled_with(state, "dev.a.mode"), "t:dev.b/c.mode;t:number;");
	assert_string_equal(coupled_with(state, "one inner"), "t:two inner;");
	assert_string_equal(coupled_with(state, "number"), "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(options_have_two_spellings),
		TEST(paths_and_keys_follow_from_the_row),
		TEST(keys_lead_back_to_the_row),
		TEST(plain_rows_take_no_selector),
		TEST(instances_are_chosen_by_name_or_pattern),
		TEST(an_option_may_say_the_instance),
		TEST(directories_without_the_file_are_no_instances),
		TEST(what_the_kernel_lacks_is_not_applicable),
		TEST(a_missing_facility_is_not_applicable),
		TEST(numbers_are_strict),
		TEST(rules_bind_numbers),
		TEST(vectors_are_counted_and_ordered),
		TEST(words_are_those_of_the_row_and_of_the_kernel),
		TEST(truths_and_hex_have_their_own_forms),
		TEST(cpus_are_present_and_not_none),
		TEST(files_are_read_in_canonical_form),
		TEST(nonsense_is_an_error),
		TEST(a_copied_tree_shows_what_the_kernel_would),
		TEST(a_live_host_gets_what_files_take),
		TEST(twins_are_one_value),
		TEST(a_star_stands_for_all_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
