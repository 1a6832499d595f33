/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_irqbalance.c: the drop-in, and the verdict by the environment of the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_irqbalance;

#define DIR "/run/systemd/system/irqbalance.service.d"
#define DROPIN DIR "/50-hfttune.conf"
#define SHOWN "/run/systemd/units/invocation:irqbalance.service"
#define LIST "IRQBALANCE_BANNED_CPULIST="

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	put(t, "/run/systemd/units/invocation:dbus.service", "");
	put(t, "/run/systemd/system/here", "");
	put(t, "/usr/lib/systemd/system/irqbalance.service", "[Service]");
	cputree_read(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

static const char *content(const struct cputree *t)
{
	static char text[1024];
	char full[256];
	FILE *f = fopen(cputree_real(t, DROPIN, full), "r");

	if (f == NULL)
		return "(none)";
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

/* irqbalance as a process with this environment; NUL-terminated parts. */
static void run(const struct cputree *t, const char *environment, size_t size)
{
	char full[256];

	put(t, SHOWN, "");
	put(t, "/sys/fs/cgroup/system.slice/irqbalance.service/cgroup.procs", "777");
	put(t, "/proc/777/environ", "");
	FILE *f = fopen(cputree_real(t, "/proc/777/environ", full), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(environment, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}
#define RUN(t, text) run(t, text, sizeof(text))

static int verdict(struct cputree *t, const char *wanted)
{
	t->c.copied = false; /* of the host, as it would be: only reads follow */
	int v = judged(t, &knob_irqbalance, "banned_cpus", wanted);
	t->c.copied = true;
	return v;
}

static void values(void **state)
{
	struct cputree *t = *state;
	const struct knob *k = &knob_irqbalance;

	assert_string_equal(listed(t, k, "", "banned_cpus"), "banned_cpus");
	assert_string_equal(listed(t, k, "", "banirq"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, k, "x", "service"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, k, "banned_cpus", "banned_cpus", "2,1"), "1-2");
	assert_string_equal(parsed(t, k, "banned_cpus", "banned_cpus", "4"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, k, NULL, "banned_cpus", "4"), "4");
	assert_string_equal(parsed(t, k, NULL, "banned_cpus", ""), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, k, NULL, "banned_cpus", "none"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, k, "banned_cpus", "banned_cpus", "0-2"), ERR_OUT_OF_BOUNDS); /* nothing is left */
	assert_string_equal(parsed(t, k, NULL, "service", "stopped"), "stopped");
	assert_string_equal(parsed(t, k, NULL, "service", "masked"), ERR_INVALID_PROFILE);
	assert_non_null(k->clash("service", "stopped", "banned_cpus", "1"));
	assert_explained(k, 2);
}

static void not_installed_is_not_applicable(void **state)
{
	struct cputree *t = *state;

	take_away(t, "/usr/lib/systemd/system/irqbalance.service");
	assert_string_equal(listed(t, &knob_irqbalance, "", "banned_cpus"), "banned_cpus(na)");
}

static void the_drop_in_comes_and_goes(void **state)
{
	struct cputree *t = *state;
	char full[256];

	assert_string_equal(value_now(t, &knob_irqbalance, "banned_cpus"), "none");
	assert_string_equal(written(t, &knob_irqbalance, "banned_cpus", "1-2"), "");
	/* An environment file that outdoes /etc/default/irqbalance, and its older variable. */
	assert_non_null(strstr(content(t), "[Service]\nEnvironmentFile=" DROPIN "\n"));
	assert_non_null(strstr(content(t), "[X-Environment]\n" LIST "1-2\nIRQBALANCE_BANNED_CPUS=\n"));
	assert_string_equal(value_now(t, &knob_irqbalance, "banned_cpus"), "1-2");
	assert_int_equal(judged(t, &knob_irqbalance, "banned_cpus", "1-2"), KNOB_OK);
	assert_int_equal(judged(t, &knob_irqbalance, "banned_cpus", "1"), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_irqbalance, "banned_cpus", "none"), "");
	assert_string_equal(content(t), "(none)");
	assert_int_equal(access(cputree_real(t, DIR, full), F_OK), -1);
}

/* The variable replaces what irqbalance would ban of itself. */
static void isolated_cpus_are_added(void **state)
{
	struct cputree *t = *state;

	put(t, "/sys/devices/system/cpu/isolated", "2");
	put(t, "/sys/devices/system/cpu/nohz_full", "3");
	cputree_read(t);
	assert_string_equal(written(t, &knob_irqbalance, "banned_cpus", "1"), "");
	assert_non_null(strstr(content(t), LIST "1-3\n"));
	assert_int_equal(judged(t, &knob_irqbalance, "banned_cpus", "1"), KNOB_OK);
}

static void judged_by_the_process(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_irqbalance, "banned_cpus", "1-2"), "");
	assert_int_equal(verdict(t, "1-2"), KNOB_PENDING);
	assert_string_equal(t->verdict.reason, "start of irqbalance.service");
	RUN(t, "PATH=/bin\0" LIST "1-2\0EnvironmentFile=" DROPIN);
	assert_int_equal(verdict(t, "1-2"), KNOB_OK);
	RUN(t, "PATH=/bin\0" LIST "1\0EnvironmentFile=" DROPIN);
	assert_int_equal(verdict(t, "1-2"), KNOB_DRIFT);
	assert_string_equal(t->verdict.reason, "irqbalance runs with 1");
	RUN(t, "PATH=/bin\0X=" LIST "1-2"); /* from before; another variable's value is not it */
	assert_int_equal(verdict(t, "1-2"), KNOB_DRIFT);
	assert_string_equal(t->verdict.reason, "irqbalance runs with none");
}

/* Rolled back: the process has to be rid of it; what its own environment file bans is not ours. */
static void none_is_judged_by_the_process(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(verdict(t, "none"), KNOB_OK);
	RUN(t, LIST "3");
	assert_int_equal(verdict(t, "none"), KNOB_OK);
	RUN(t, LIST "1-2\0EnvironmentFile=" DROPIN);
	assert_int_equal(verdict(t, "none"), KNOB_DRIFT);
}

static void the_service(void **state)
{
	struct cputree *t = *state;

	put(t, SHOWN, "");
	assert_string_equal(value_now(t, &knob_irqbalance, "service"), "running");
	assert_string_equal(written(t, &knob_irqbalance, "service", "stopped"), "");
	assert_int_equal(judged(t, &knob_irqbalance, "service", "stopped"), KNOB_OK);
	put(t, SHOWN, "");
	assert_int_equal(judged(t, &knob_irqbalance, "service", "stopped"), KNOB_DRIFT);
	assert_non_null(strstr(t->verdict.reason, "it runs again: it sets affinities of interrupts"));
	assert_string_equal(written(t, &knob_irqbalance, "service", "running"), "");
	assert_int_equal(judged(t, &knob_irqbalance, "service", "running"), KNOB_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values),
		TEST(not_installed_is_not_applicable),
		TEST(the_drop_in_comes_and_goes),
		TEST(isolated_cpus_are_added),
		TEST(judged_by_the_process),
		TEST(none_is_judged_by_the_process),
		TEST(the_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
