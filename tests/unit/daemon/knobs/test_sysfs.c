/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_sysfs.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_sysfs;

#define MCE "/sys/devices/system/machinecheck/machinecheck"
#define PCI "/sys/bus/pci/devices/"
#define UNCORE "/sys/devices/system/cpu/intel_uncore_frequency/"
#define SCHED "/sys/kernel/debug/sched/"
#define CLOCK "/sys/devices/system/clocksource/clocksource0/"

static void put_pci(struct cputree *t, const char *address, const char *driver)
{
	char path[160], full[256], target[160];

	snprintf(path, sizeof(path), PCI "%s/power/control", address);
	put(t, path, "auto");
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/module", driver);
	put(t, path, "");
	snprintf(path, sizeof(path), PCI "%s/driver", address);
	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	assert_int_equal(symlink(target, cputree_real(t, path, full)), 0);
}

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	put(t, MCE "0/ignore_ce", "0");
	put(t, MCE "1/ignore_ce", "0");
	put(t, MCE "0/check_interval", "300");
	put(t, "/sys/kernel/mm/numa/demotion_enabled", "false");
	put(t, "/sys/kernel/mm/lru_gen/enabled", "0x0007");
	put(t, "/sys/kernel/rcu_normal", "0");
	put(t, SCHED "preempt", "none voluntary (full) ");
	put(t, SCHED "base_slice_ns", "3000000");
	put(t, SCHED "fair_server/cpu0/runtime", "50000000");
	put(t, SCHED "fair_server/cpu1/runtime", "50000000");
	put(t, SCHED "fair_server/cpu2/runtime", "50000000");
	put(t, CLOCK "available_clocksource", "tsc hpet acpi_pm ");
	put(t, CLOCK "current_clocksource", "hpet");
	put(t, UNCORE "package_00_die_00/min_freq_khz", "800000");
	put(t, UNCORE "package_01_die_00/min_freq_khz", "800000");
	put_pci(t, "0000:00:03.0", "nvme");
	put_pci(t, "0000:00:1f.2", "mlx5_core");
	put_pci(t, "0000:3b:00.0", "mlx5_core");
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
	return listed(*state, &knob_sysfs, selector, option);
}

static void rows_ascend(void **state)
{
	struct knob_doc d, before = { .option = "" };

	(void)state;
	for (size_t i = 0; knob_sysfs.explain(i, &d) == 0; i++) {
		if (strcmp(before.option, d.option) >= 0)
			fail_msg("%s stands before %s", before.option, d.option);
		before = d;
	}
}

/* Shown for every CPU, and one variable: one object, and in a copied tree every CPU shows the new value. */
static void machine_checks_are_one_switch(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(lists(state, "", "machinecheck.ignore_ce"), "machinecheck.ignore_ce");
	assert_string_equal(lists(state, "0", "machinecheck.ignore_ce"), ERR_INVALID_PROFILE);
	assert_string_equal(written(t, &knob_sysfs, "machinecheck.ignore_ce", "1"), "");
	assert_holds(t, MCE "0/ignore_ce", "1");
	assert_holds(t, MCE "1/ignore_ce", "1");
	assert_string_equal(written(t, &knob_sysfs, "machinecheck.check_interval", "0"), "");
	assert_holds(t, MCE "0/check_interval", "0");
	assert_string_equal(lists(state, "", "machinecheck.cmci_disabled"), "machinecheck.cmci_disabled(na)");
}

static void pci_devices_go_by_address_or_driver(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(lists(state, "0000:00:03.0", "power.control"), "0000:00:03.0 power.control");
	assert_string_equal(lists(state, "0000:00:03.0", "power/control"), "0000:00:03.0 power.control");
	assert_string_equal(lists(state, "mlx5_core", "power.control"),
	                    "0000:00:1f.2 power.control|0000:3b:00.0 power.control");
	assert_string_equal(lists(state, "0000:00:*", "power.control"),
	                    "0000:00:03.0 power.control|0000:00:1f.2 power.control");
	assert_string_equal(lists(state, "mlx*", "power.control"),
	                    "0000:00:1f.2 power.control|0000:3b:00.0 power.control");
	assert_string_equal(lists(state, "ice", "power.control"), ERR_NO_MATCH);
	assert_string_equal(lists(state, "ice*", "power.control"), "");
	assert_string_equal(lists(state, "", "power.control"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_sysfs, "0000:3b:00.0 power.control", "power.control", "off"),
	                    ERR_INVALID_PROFILE);
	assert_string_equal(written(t, &knob_sysfs, "0000:3b:00.0 power.control", "on"), "");
	assert_holds(t, PCI "0000:3b:00.0/power/control", "on");
	assert_holds(t, PCI "0000:00:1f.2/power/control", "auto");
	assert_string_equal(value_now(t, &knob_sysfs, "0000:99:00.0 power.control"), ERR_NOT_APPLICABLE);
}

static void the_uncore_goes_by_package(void **state)
{
	struct cputree *t = *state;
	const char *key = "package_00_die_00 uncore.min_freq_khz";

	assert_string_equal(lists(state, "package_*", "uncore.min_freq_khz"),
	                    "package_00_die_00 uncore.min_freq_khz|package_01_die_00 uncore.min_freq_khz");
	assert_string_equal(parsed(t, &knob_sysfs, key, "uncore.min_freq_khz", "2400000"), "2400000");
	assert_string_equal(parsed(t, &knob_sysfs, key, "uncore.min_freq_khz", "2450000"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(lists(state, "package_*", "uncore.max_freq_khz"), "");
}

static int collect(void *data, const char *knob, const char *key, struct hft_err *err)
{
	(void)err;
	strbuf_addf(data, "%s:%s;", knob, key);
	return 0;
}

static void packages_are_read_along(void **state)
{
	struct cputree *t = *state;

	strbuf_reset(&t->b);
	assert_int_equal(
		knob_sysfs.coupled(&t->c, "package_00_die_00 uncore.min_freq_khz", collect, &t->b, &t->err), 0);
	assert_string_equal(strbuf_str(&t->b), "sysfs:package_01_die_00 uncore.min_freq_khz;");
}

static void each_file_keeps_its_form(void **state)
{
	static const struct {
		const char *key, *before, *value, *file, *shown;
	} cases[] = {
		{ "numa.demotion_enabled", "0", "1", "/sys/kernel/mm/numa/demotion_enabled", "true" },
		{ "lru_gen.enabled", "0x7", "0x0", "/sys/kernel/mm/lru_gen/enabled", "0x0000" },
		{ "rcu_normal", "0", "1", "/sys/kernel/rcu_normal", "1" },
		{ "sched.preempt", "full", "none", "/sys/kernel/debug/sched/preempt", "(none) voluntary full " },
	};
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(lists(state, "", cases[i].key), cases[i].key);
		assert_string_equal(value_now(t, &knob_sysfs, cases[i].key), cases[i].before);
		assert_string_equal(parsed(t, &knob_sysfs, cases[i].key, cases[i].key, cases[i].value), cases[i].value);
		assert_string_equal(written(t, &knob_sysfs, cases[i].key, cases[i].value), "");
		assert_holds(t, cases[i].file, cases[i].shown);
	}
}

/* The kernel takes a clock it does not know without an error, so it is refused before. */
static void names_are_those_of_the_kernel(void **state)
{
	struct cputree *t = *state;
	const char *key = "clocksource.current_clocksource";

	assert_string_equal(parsed(t, &knob_sysfs, key, key, "tsc"), "tsc");
	assert_string_equal(parsed(t, &knob_sysfs, key, key, "kvm-clock"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(t->err.wanted, "tsc hpet acpi_pm");
}

/* What the time is read from is as the kernel says, also when it has given up a clock since. */
static void a_clock_that_is_gone_is_refused(void **state)
{
	struct cputree *t = *state;
	const char *key = "clocksource.current_clocksource";

	put(t, CLOCK "available_clocksource", "hpet acpi_pm ");
	assert_string_equal(lists(state, "", key), key);
	assert_string_equal(parsed(t, &knob_sysfs, key, key, "tsc"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(written(t, &knob_sysfs, key, "acpi_pm"), "");
	assert_string_equal(value_now(t, &knob_sysfs, key), "acpi_pm");
	assert_int_equal(judged(t, &knob_sysfs, key, "tsc"), KNOB_DRIFT);
}

/* Each kernel has one of the two: since Linux 6.6 the slice, before it the granularity. */
static void the_scheduler_has_what_its_kernel_has(void **state)
{
	struct cputree *t = *state;
	const char *slice = "sched.base_slice_ns", *granularity = "sched.min_granularity_ns";

	assert_string_equal(lists(state, "", slice), slice);
	assert_string_equal(lists(state, "", granularity), "sched.min_granularity_ns(na)");
	assert_string_equal(parsed(t, &knob_sysfs, slice, slice, "99999"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(written(t, &knob_sysfs, slice, "1000000"), "");
	assert_holds(t, SCHED "base_slice_ns", "1000000");
	take_away(t, SCHED "base_slice_ns");
	put(t, SCHED "min_granularity_ns", "3000000");
	assert_string_equal(lists(state, "", slice), "sched.base_slice_ns(na)");
	assert_string_equal(lists(state, "", granularity), granularity);
}

static void the_fair_server_goes_by_cpu(void **state)
{
	struct cputree *t = *state;
	const char *option = "sched.fair_server.runtime_ns", *key = "cpu1 sched.fair_server.runtime_ns";

	assert_string_equal(lists(state, "1-2", option), "cpu1 sched.fair_server.runtime_ns|"
	                                                 "cpu2 sched.fair_server.runtime_ns");
	assert_string_equal(lists(state, "9", option), ERR_NO_MATCH);
	assert_string_equal(lists(state, "cpu1", option), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "", option), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_sysfs, key, option, "4194304001"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(written(t, &knob_sysfs, key, "0"), "");
	assert_holds(t, SCHED "fair_server/cpu1/runtime", "0");
	assert_holds(t, SCHED "fair_server/cpu2/runtime", "50000000");
}

static void what_is_not_in_the_table_is_refused(void **state)
{
	assert_string_equal(lists(state, "", "kernel.rcu_normal"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "", "/sys/kernel/rcu_normal"), ERR_INVALID_PROFILE);
	assert_string_equal(value_now(*state, &knob_sysfs, "kernel.rcu_normal"), ERR_NOT_APPLICABLE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_ascend),
		TEST(machine_checks_are_one_switch),
		TEST(pci_devices_go_by_address_or_driver),
		TEST(the_uncore_goes_by_package),
		TEST(packages_are_read_along),
		TEST(each_file_keeps_its_form),
		TEST(names_are_those_of_the_kernel),
		TEST(a_clock_that_is_gone_is_refused),
		TEST(the_scheduler_has_what_its_kernel_has),
		TEST(the_fair_server_goes_by_cpu),
		TEST(what_is_not_in_the_table_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
