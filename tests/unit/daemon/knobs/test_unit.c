/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_unit.c, systemd_unit.c in a copied tree, and the table of others.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "daemon/knobs/others.h"
#include "daemon/knobs/systemd_unit.h"
#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_unit;

#define UNITS "/run/systemd/units/"
#define SHOWN UNITS "invocation:tuned.service"
#define RUN_MASK "/run/systemd/system/tuned.service"
#define ETC_FILE "/etc/systemd/system/tuned.service"

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	put(t, UNITS "invocation:dbus.service", "");
	put(t, "/usr/lib/systemd/system/tuned.service", "[Service]");
	put(t, "/run/systemd/system/here", "");
	cputree_read(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

static void link_to(const struct cputree *t, const char *path, const char *target)
{
	char full[256];

	put(t, path, "");
	take_away(t, path);
	assert_int_equal(symlink(target, cputree_real(t, path, full)), 0);
}

static bool is_there(const struct cputree *t, const char *path)
{
	char full[256];
	struct stat st;

	return lstat(cputree_real(t, path, full), &st) == 0;
}

static const char *now(void **state)
{
	return value_now(*state, &knob_unit, "tuned.service");
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void units_ascend_and_name_knobs(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_others; i++) {
		if (i > 0)
			assert_true(strcmp(others[i - 1].unit, others[i].unit) < 0);
		assert_ptr_equal(other_find(others[i].unit), &others[i]);
		assert_true(others[i].takes == NULL || other_find(others[i].takes) != NULL);
		for (const char *const *w = others[i].writes; *w != NULL; w++) {
			char name[32] = "";

			assert_non_null(strchr(*w, ':'));
			memcpy(name, *w, strcspn(*w, ":"));
			if (knob_find(name) == NULL)
				fail_msg("%s writes %s: there is no such knob", others[i].unit, *w);
		}
	}
	assert_null(other_find("sshd.service"));
	assert_null(other_find(""));
}

static void what_is_written(void **state)
{
	(void)state;
	assert_true(other_writes(other_find("irqbalance.service"), "irq", "pci-0000:00:03.0 msi-1"));
	assert_false(other_writes(other_find("irqbalance.service"), "irqbalance", "service"));
	assert_true(other_writes(other_find("thermald.service"), "cpufreq", "policy0 max_khz"));
	assert_false(other_writes(other_find("thermald.service"), "cpufreq", "policy0 governor"));
	assert_true(other_writes(other_find("tuned.service"), "sysctl", "vm.dirty_ratio|vm.dirty_bytes"));
	assert_false(other_writes(other_find("tuned.service"), "boot", "isolcpus"));
}

static void who_is_busy(void **state)
{
	struct cputree *t = *state;
	const struct other *tuned = other_find("tuned.service");

	assert_false(other_is_busy(&t->c, tuned));
	link_to(t, SHOWN, "0123456789abcdef"); /* dangling, as the manager makes it */
	assert_true(other_is_busy(&t->c, tuned));
	put(t, "/etc/tuned/active_profile", "network-latency");
	assert_true(other_is_busy(&t->c, tuned));
	put(t, "/etc/tuned/active_profile", "");
	assert_false(other_is_busy(&t->c, tuned));
	put(t, UNITS "invocation:cpupower.service", "");
	assert_true(other_is_active(&t->c, "cpupower.service"));
	assert_false(other_is_busy(&t->c, other_find("cpupower.service")));
}

/* --- the knob ----------------------------------------------------------------------------------------------------- */

static void only_units_of_the_table(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_unit, "", "tuned.service"), "tuned.service");
	assert_string_equal(listed(t, &knob_unit, "", "numad.service"), "numad.service(na)");
	assert_string_equal(listed(t, &knob_unit, "", "dbus.service"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_unit, "x", "tuned.service"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_unit, "tuned.service", "tuned.service", "stopped"), "stopped");
	assert_string_equal(parsed(t, &knob_unit, NULL, "tuned.service", "running"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_unit, NULL, "dbus.service", "stopped"), ERR_INVALID_PROFILE);
	assert_string_equal(value_now(t, &knob_unit, "dbus.service"), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_unit, "dbus.service", "stopped"), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_unit, "tuned.service", "gone"), ERR_WRITE_FAILED);
}

static void no_systemd_is_not_applicable(void **state)
{
	struct cputree *t = cputree_new();
	(void)state;

	put(t, "/usr/lib/systemd/system/tuned.service", "[Service]");
	cputree_read(t);
	assert_string_equal(listed(t, &knob_unit, "", "tuned.service"), "tuned.service(na)");
	cputree_free(t);
}

static void stopped_and_back(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(now(state), "idle");
	link_to(t, SHOWN, "0123");
	assert_string_equal(now(state), "running");
	assert_int_equal(judged(t, &knob_unit, "tuned.service", "stopped"), KNOB_DRIFT);
	assert_non_null(strstr(t->verdict.reason, "it runs again"));
	assert_string_equal(written(t, &knob_unit, "tuned.service", "stopped"), "");
	assert_string_equal(now(state), "stopped");
	assert_false(is_there(t, SHOWN));
	assert_int_equal(judged(t, &knob_unit, "tuned.service", "stopped"), KNOB_OK);
	assert_string_equal(written(t, &knob_unit, "tuned.service", "running"), "");
	assert_string_equal(now(state), "running");
	assert_false(is_there(t, RUN_MASK));
	assert_string_equal(written(t, &knob_unit, "tuned.service", "idle"), "");
	assert_string_equal(now(state), "idle");
	assert_int_equal(judged(t, &knob_unit, "tuned.service", "stopped"), KNOB_DRIFT);
	assert_non_null(strstr(t->verdict.reason, "may start it again"));
}

/* Masked by somebody at run time while it ran: so it comes back. */
static void a_mask_of_somebody_else(void **state)
{
	struct cputree *t = *state;

	link_to(t, SHOWN, "0123");
	link_to(t, RUN_MASK, "/dev/null");
	assert_string_equal(now(state), "running masked");
	assert_null(knob_unit.inexact(&t->c, "tuned.service", "running masked", "stopped"));
	assert_string_equal(written(t, &knob_unit, "tuned.service", "stopped"), "");
	assert_string_equal(now(state), "stopped");
	assert_string_equal(written(t, &knob_unit, "tuned.service", "running masked"), "");
	assert_string_equal(now(state), "running masked");
}

static void masked_for_good(void **state)
{
	struct cputree *t = *state;

	link_to(t, SHOWN, "0123");
	link_to(t, ETC_FILE, "/dev/null");
	assert_string_equal(now(state), "running masked");
	assert_non_null(knob_unit.inexact(&t->c, "tuned.service", "running masked", "stopped"));
	assert_string_equal(written(t, &knob_unit, "tuned.service", "stopped"), "");
	assert_string_equal(now(state), "stopped");
	assert_false(is_there(t, RUN_MASK));
	assert_string_equal(written(t, &knob_unit, "tuned.service", "running masked"), ERR_WRITE_FAILED);
}

/* The administrator's own unit file outdoes a run-time mask: stopped is all that can be had. */
static void a_unit_file_in_etc(void **state)
{
	struct cputree *t = *state;

	link_to(t, SHOWN, "0123");
	put(t, ETC_FILE, "[Service]");
	assert_string_equal(written(t, &knob_unit, "tuned.service", "stopped"), "");
	assert_string_equal(now(state), "idle");
	assert_false(is_there(t, RUN_MASK));
	assert_int_equal(judged(t, &knob_unit, "tuned.service", "stopped"), KNOB_OK);
	assert_string_equal(written(t, &knob_unit, "tuned.service", "running"), "");
	assert_string_equal(now(state), "running");
}

static int count(void *data, const char *knob, const char *key, struct hft_err *err)
{
	(void)err;
	assert_string_equal(knob, "unit");
	assert_string_equal(key, "tuned-ppd.service");
	++*(int *)data;
	return 0;
}

static void what_goes_down_with_it(void **state)
{
	struct cputree *t = *state;
	int n = 0;

	assert_int_equal(knob_unit.coupled(&t->c, "tuned.service", count, &n, NULL), 0);
	assert_int_equal(n, 0); /* not installed */
	put(t, "/usr/lib/systemd/system/tuned-ppd.service", "[Service]");
	assert_int_equal(knob_unit.coupled(&t->c, "tuned.service", count, &n, NULL), 0);
	assert_int_equal(knob_unit.coupled(&t->c, "tuned-ppd.service", count, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_true(knob_unit.order("tuned-ppd.service") < knob_unit.order("tuned.service"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_ascend_and_name_knobs),
		cmocka_unit_test(what_is_written),
		TEST(who_is_busy),
		TEST(only_units_of_the_table),
		cmocka_unit_test(no_systemd_is_not_applicable),
		TEST(stopped_and_back),
		TEST(a_mask_of_somebody_else),
		TEST(masked_for_good),
		TEST(a_unit_file_in_etc),
		TEST(what_goes_down_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
