/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_sysctl.c and its rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "daemon/knobs/sysctl_rows.h"
#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_sysctl;

#define SYS "/proc/sys/"
#define DIRTY "vm.dirty_ratio|vm.dirty_bytes"

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	put(t, "/proc/meminfo", "MemTotal:       10240000 kB\nMemFree:         8000000 kB");
	put(t, SYS "vm/swappiness", "60");
	put(t, SYS "vm/stat_interval", "1");
	put(t, SYS "vm/dirty_ratio", "20");
	put(t, SYS "vm/dirty_bytes", "0");
	put(t, SYS "vm/overcommit_ratio", "50");
	put(t, SYS "vm/overcommit_kbytes", "0");
	put(t, SYS "vm/min_free_kbytes", "67584");
	put(t, SYS "kernel/watchdog", "0");
	put(t, SYS "kernel/soft_watchdog", "0");
	put(t, SYS "kernel/watchdog_cpumask", "0-3");
	put(t, SYS "kernel/printk_devkmsg", "ratelimit");
	put(t, SYS "net/core/default_qdisc", "pfifo_fast");
	put(t, SYS "net/core/rps_default_mask", "0");
	put(t, SYS "net/ipv4/tcp_rmem", "4096\t131072\t6291456");
	put(t, SYS "net/ipv4/tcp_available_congestion_control", "reno cubic");
	put(t, SYS "net/ipv4/tcp_allowed_congestion_control", "reno cubic");
	put(t, SYS "net/ipv4/tcp_congestion_control", "cubic");
	put(t, SYS "net/ipv4/conf/all/rp_filter", "0");
	put(t, SYS "net/ipv4/conf/default/rp_filter", "2");
	put(t, SYS "net/ipv4/conf/eth0/rp_filter", "2");
	put(t, SYS "net/ipv4/conf/eth0.100/rp_filter", "2");
	put(t, SYS "net/ipv4/neigh/default/gc_thresh3", "1024");
	cputree_read(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void rows_ascend_and_are_found(void **state)
{
	(void)state;
	assert_true(sysctl_rows.n >= 130);
	for (size_t i = 0; i < sysctl_rows.n; i++) {
		const char *option = sysctl_rows.rows[i].option;
		if (i > 0 && strcmp(sysctl_rows.rows[i - 1].option, option) >= 0)
			fail_msg("%s stands before %s", sysctl_rows.rows[i - 1].option, option);
		assert_ptr_equal(row_find(&sysctl_rows, option), &sysctl_rows.rows[i]);
	}
}

static void rows_are_consistent(void **state)
{
	(void)state;
	for (size_t i = 0; i < sysctl_rows.n; i++) {
		const struct row *r = &sysctl_rows.rows[i];
		bool numbers = r->form == ROW_INT || r->form == ROW_INTS;
		if (numbers != (r->min < r->max) || (r->form == ROW_INTS) != (r->n > 1) ||
		    (r->form == ROW_WORD) != (r->words != NULL) || r->path)
			fail_msg("%s does not fit its form", r->option);
		if (!r->twin)
			continue;
		const struct row *twin = row_find(&sysctl_rows, r->twin);
		assert_non_null(twin);
		assert_string_equal(twin->twin, r->option);
	}
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static void both_spellings_name_one_object(void **state)
{
	assert_string_equal(listed(*state, &knob_sysctl, "", "vm.swappiness"), "vm.swappiness");
	assert_string_equal(listed(*state, &knob_sysctl, "", "vm/swappiness"), "vm.swappiness");
	assert_string_equal(listed(*state, &knob_sysctl, "", "vm.dirty_bytes"), DIRTY);
	assert_string_equal(listed(*state, &knob_sysctl, "", "vm/dirty_ratio"), DIRTY);
}

static void what_is_not_listed_is_refused(void **state)
{
	static const char *const bad[] = {
		"kernel.core_pattern", "kernel/modprobe", "vm.nr_hugepages", "vm.drop_caches",
		"net.ipv4.tcp_low_latency", "kernel.sched_min_granularity_ns", "vm.swappiness2", "", "*",
		"vm.*", "../../etc/passwd",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_string_equal(listed(*state, &knob_sysctl, "", bad[i]), ERR_INVALID_PROFILE);
}

static void interfaces_are_selected(void **state)
{
	assert_string_equal(listed(*state, &knob_sysctl, "eth0.100", "net.ipv4.conf.*.rp_filter"),
	                    "net.ipv4.conf.eth0/100.rp_filter");
	assert_string_equal(listed(*state, &knob_sysctl, "eth*", "net.ipv4.conf.*.rp_filter"),
	                    "net.ipv4.conf.eth0.rp_filter|net.ipv4.conf.eth0/100.rp_filter");
	assert_string_equal(listed(*state, &knob_sysctl, "*", "net/ipv4/conf/*/rp_filter"),
	                    "net.ipv4.conf.eth0.rp_filter|net.ipv4.conf.eth0/100.rp_filter");
	assert_string_equal(listed(*state, &knob_sysctl, "", "net.ipv4.conf.all.rp_filter"),
	                    "net.ipv4.conf.all.rp_filter");
	assert_string_equal(listed(*state, &knob_sysctl, "ppp0", "net.ipv4.conf.*.rp_filter"), ERR_NO_MATCH);
	assert_string_equal(listed(*state, &knob_sysctl, "ppp*", "net.ipv4.conf.*.rp_filter"), "");
	/* A kernel without IPv6. */
	assert_string_equal(listed(*state, &knob_sysctl, "eth0", "net.ipv6.neigh.*.gc_stale_time"),
	                    "net.ipv6.neigh.eth0.gc_stale_time(na)");
	assert_string_equal(listed(*state, &knob_sysctl, "", "net.ipv4.neigh.default.gc_thresh3"),
	                    "net.ipv4.neigh.default.gc_thresh3");
}

static void interfaces_with_dots_are_read_and_written(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_sysctl, "net.ipv4.conf.eth0/100.rp_filter", "1"), "");
	assert_holds(t, SYS "net/ipv4/conf/eth0.100/rp_filter", "1");
	assert_holds(t, SYS "net/ipv4/conf/eth0/rp_filter", "2");
	assert_string_equal(value_now(t, &knob_sysctl, "net.ipv4.conf.eth0/100.rp_filter"), "1");
}

static void a_file_without_a_write_bit_is_not_applicable(void **state)
{
	struct cputree *t = *state;
	char full[256];

	assert_int_equal(chmod(cputree_real(t, SYS "kernel/soft_watchdog", full), 0444), 0);
	assert_string_equal(listed(t, &knob_sysctl, "", "kernel.soft_watchdog"), "kernel.soft_watchdog(na)");
	assert_string_equal(listed(t, &knob_sysctl, "", "kernel.nmi_watchdog"), "kernel.nmi_watchdog(na)");
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static void bounds_are_those_of_the_row(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(parsed(t, &knob_sysctl, "vm.swappiness", "vm.swappiness", "200"), "200");
	assert_string_equal(parsed(t, &knob_sysctl, "vm.swappiness", "vm/swappiness", "201"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(t->err.wanted, "0..200");
	assert_string_equal(parsed(t, &knob_sysctl, "vm.stat_interval", "vm.stat_interval", "0"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_sysctl, "net.ipv4.tcp_rmem", "net.ipv4.tcp_rmem", "4096  87380 16777216"),
	                    "4096 87380 16777216");
	assert_string_equal(parsed(t, &knob_sysctl, "net.ipv4.tcp_rmem", "net.ipv4.tcp_rmem", "8192 4096 16777216"),
	                    ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_sysctl, "net.ipv4.tcp_congestion_control",
	                           "net.ipv4.tcp_congestion_control", "bbr"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_sysctl, "kernel.printk_devkmsg", "kernel.printk_devkmsg", "off"), "off");
	assert_string_equal(parsed(t, &knob_sysctl, "kernel.watchdog_cpumask", "kernel.watchdog_cpumask", "0-9"),
	                    ERR_OUT_OF_BOUNDS);
}

static void no_more_than_a_tenth_stays_free(void **state)
{
	struct cputree *t = *state;
	const char *key = "vm.min_free_kbytes";

	assert_string_equal(parsed(t, &knob_sysctl, key, key, "1024000"), "1024000");
	assert_string_equal(parsed(t, &knob_sysctl, key, key, "1024001"), ERR_OUT_OF_BOUNDS);
}

static void twins_share_one_object(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_sysctl, DIRTY), "vm.dirty_ratio=20");
	assert_string_equal(parsed(t, &knob_sysctl, DIRTY, "vm/dirty_bytes", "1048576"), "vm.dirty_bytes=1048576");
	assert_string_equal(written(t, &knob_sysctl, DIRTY, "vm.dirty_bytes=1048576"), "");
	assert_holds(t, SYS "vm/dirty_ratio", "0");
	assert_string_equal(value_now(t, &knob_sysctl, DIRTY), "vm.dirty_bytes=1048576");
	assert_string_equal(written(t, &knob_sysctl, DIRTY, "vm.dirty_ratio=20"), "");
	assert_holds(t, SYS "vm/dirty_bytes", "0");
	assert_string_equal(parsed(t, &knob_sysctl, DIRTY, "vm.dirty_bytes", "0"), ERR_OUT_OF_BOUNDS);
}

/* --- the lockup detectors ----------------------------------------------------------------------------------------- */

/* The kernel forgets the common switch once both detectors are off: it has to be turned on first. */
static void turning_a_detector_on_turns_the_common_switch_on(void **state)
{
	struct cputree *t = *state;

	t->c.copied = false;
	assert_string_equal(written(t, &knob_sysctl, "kernel.soft_watchdog", "1"), "");
	assert_holds(t, SYS "kernel/watchdog", "1");
	assert_holds(t, SYS "kernel/soft_watchdog", "1");
	assert_string_equal(written(t, &knob_sysctl, "kernel.soft_watchdog", "0"), "");
	assert_holds(t, SYS "kernel/watchdog", "1");
}

static void the_common_switch_brings_one_detector_back(void **state)
{
	struct cputree *t = *state;

	t->c.copied = false;
	assert_string_equal(written(t, &knob_sysctl, "kernel.watchdog", "1"), "");
	assert_holds(t, SYS "kernel/soft_watchdog", "1");
	put(t, SYS "kernel/soft_watchdog", "0");
	put(t, SYS "kernel/nmi_watchdog", "1");
	assert_string_equal(written(t, &knob_sysctl, "kernel.watchdog", "1"), "");
	assert_holds(t, SYS "kernel/soft_watchdog", "0");
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
	assert_int_equal(knob_sysctl.coupled(&t->c, key, collect, &t->b, &t->err), 0);
	return strbuf_str(&t->b);
}

static void templates_change_interfaces(void **state)
{
	assert_string_equal(coupled_with(state, "net.ipv4.conf.default.rp_filter"),
	                    "sysctl:net.ipv4.conf.eth0.rp_filter;sysctl:net.ipv4.conf.eth0/100.rp_filter;");
	assert_string_equal(coupled_with(state, "net.ipv4.conf.all.rp_filter"), "");
	assert_string_equal(coupled_with(state, "net.ipv4.conf.eth0.rp_filter"), "");
	assert_string_equal(coupled_with(state, "vm.swappiness"), "");
	assert_string_equal(coupled_with(state, DIRTY), "");
	assert_string_equal(coupled_with(state, "kernel.watchdog"),
	                    "sysctl:kernel.nmi_watchdog;sysctl:kernel.soft_watchdog;");
	assert_string_equal(coupled_with(state, "net.ipv4.tcp_congestion_control"),
	                    "sysctl:net.ipv4.tcp_allowed_congestion_control;");
}

static void templates_are_written_after_interfaces(void **state)
{
	(void)state;
	assert_true(knob_sysctl.order("net.ipv4.conf.default.rp_filter") >
	            knob_sysctl.order("net.ipv4.conf.eth0.rp_filter"));
	assert_int_equal(knob_sysctl.order("vm.swappiness"), knob_sysctl.order(DIRTY));
	assert_int_equal(knob_sysctl.order("net.ipv4.neigh.default.gc_thresh3"), knob_sysctl.order("vm.swappiness"));
}

/* --- what stays --------------------------------------------------------------------------------------------------- */

static bool is_inexact(void **state, const char *after)
{
	struct cputree *t = *state;

	return knob_sysctl.inexact(&t->c, "net.core.default_qdisc", "pfifo_fast", after) != NULL;
}

static void a_module_that_stays_is_inexact(void **state)
{
	struct cputree *t = *state;

	assert_false(is_inexact(state, "fq")); /* a kernel without modules */
	put(t, "/proc/modules", "");
	assert_true(is_inexact(state, "fq"));
	assert_false(is_inexact(state, "pfifo"));
	put(t, "/usr/lib/modules/6.1.0-56-amd64/modules.builtin", "kernel/net/sched/sch_fq_codel.ko");
	assert_false(is_inexact(state, "fq_codel"));
	assert_true(is_inexact(state, "fq"));
	put(t, "/sys/module/sch_fq/refcnt", "0");
	assert_false(is_inexact(state, "fq"));
	assert_null(knob_sysctl.inexact(&t->c, "vm.swappiness", "60", "10"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_ascend_and_are_found),
		TEST(rows_are_consistent),
		TEST(both_spellings_name_one_object),
		TEST(what_is_not_listed_is_refused),
		TEST(interfaces_are_selected),
		TEST(interfaces_with_dots_are_read_and_written),
		TEST(a_file_without_a_write_bit_is_not_applicable),
		TEST(bounds_are_those_of_the_row),
		TEST(no_more_than_a_tenth_stays_free),
		TEST(twins_share_one_object),
		TEST(turning_a_detector_on_turns_the_common_switch_on),
		TEST(the_common_switch_brings_one_detector_back),
		TEST(templates_change_interfaces),
		TEST(templates_are_written_after_interfaces),
		TEST(a_module_that_stays_is_inexact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
