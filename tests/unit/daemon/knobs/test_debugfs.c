/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of daemon/knobs/debugfs.c: by itself, and what knob sysfs makes of it. No file of a copied tree says EPERM, so
 * the second needs a FAULT build (make FAULT=1), where reads and writes below debugfs do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "daemon/knobs/debugfs.h"
#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_sysfs;

#define LOCKDOWN "/sys/kernel/security/lockdown"
#define DEBUG "/sys/kernel/debug/"
#define OPTION "sched.nr_migrate"
#define NR_MIGRATE DEBUG "sched/nr_migrate"

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	put(t, NR_MIGRATE, "32");
	put(t, LOCKDOWN, "none [integrity] confidentiality");
	cputree_read(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

static void lockdown_is_a_refusal_and_a_mode(void **state)
{
	struct cputree *t = *state;

	assert_non_null(debugfs_lacks(&t->c, NR_MIGRATE, -EPERM));
	assert_null(debugfs_lacks(&t->c, NR_MIGRATE, -EACCES));
	assert_null(debugfs_lacks(&t->c, NR_MIGRATE, 0));
	assert_null(debugfs_lacks(&t->c, "/sys/kernel/rcu_normal", -EPERM));
	put(t, LOCKDOWN, "none integrity [confidentiality]");
	assert_non_null(debugfs_lacks(&t->c, NR_MIGRATE, -EPERM));
	put(t, LOCKDOWN, "[none] integrity confidentiality");
	assert_null(debugfs_lacks(&t->c, NR_MIGRATE, -EPERM));
	take_away(t, LOCKDOWN);
	assert_null(debugfs_lacks(&t->c, NR_MIGRATE, -EPERM));
}

static void an_empty_debugfs_is_not_mounted(void **state)
{
	struct cputree *t = *state;
	char full[256];

	take_away(t, NR_MIGRATE);
	assert_string_equal(listed(t, &knob_sysfs, "", OPTION), OPTION "(na)");
	assert_null(strstr(t->objects.o[0].na, "mounted")); /* there, and without the file */
	assert_int_equal(rmdir(cputree_real(t, DEBUG "sched", full)), 0);
	assert_string_equal(listed(t, &knob_sysfs, "", OPTION), OPTION "(na)");
	assert_non_null(strstr(t->objects.o[0].na, "not mounted"));
	assert_string_equal(value_now(t, &knob_sysfs, OPTION), ERR_NOT_APPLICABLE);
}

#ifdef HFT_FAULT

static void a_locked_kernel_lacks_the_scheduler(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_sysfs, "", OPTION), OPTION "(na)");
	assert_non_null(strstr(t->objects.o[0].na, "lockdown"));
	assert_string_equal(value_now(t, &knob_sysfs, OPTION), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_sysfs, OPTION, "8"), ERR_NOT_APPLICABLE);
	put(t, LOCKDOWN, "[none] integrity confidentiality");
	assert_string_equal(listed(t, &knob_sysfs, "", OPTION), OPTION);
	assert_string_equal(value_now(t, &knob_sysfs, OPTION), ERR_IO);
	assert_string_equal(written(t, &knob_sysfs, OPTION, "8"), ERR_WRITE_FAILED);
}

#else

static void a_locked_kernel_lacks_the_scheduler(void **state)
{
	struct cputree *t = *state;

	print_message("not a FAULT build: no refusal is made; build with FAULT=1\n");
	assert_string_equal(listed(t, &knob_sysfs, "", OPTION), OPTION);
}

#endif

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lockdown_is_a_refusal_and_a_mode),
		TEST(an_empty_debugfs_is_not_mounted),
		TEST(a_locked_kernel_lacks_the_scheduler),
	};

	setenv("HFT_FAULT", "read@" NR_MIGRATE ":*:EPERM;write@" NR_MIGRATE ":*:EPERM", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
