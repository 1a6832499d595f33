/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/host/features.c. */
#include "tests/unit/daemon/host/fixture.h"

static const struct host_feature *feature(const struct host *h, const char *name)
{
	for (size_t i = 0; i < h->n_features; i++)
		if (str_eq(h->features[i].name, name))
			return &h->features[i];
	fail_msg("no feature %s", name);
	return NULL;
}

static bool has(const struct host *h, const char *name)
{
	return feature(h, name)->present;
}

static void a_server_has_nearly_all(void **state)
{
	static const char *const present[] = {
		"cpufreq",
		"intel_pstate",
		"epb",
		"cpuidle",
		"pm-qos-cpu",
		"pm-qos",
		"smt",
		"nohz_full",
		"isolcpus",
		"managed-irq-mode",
		"numa",
		"numa-balancing",
		"thp",
		"ksm",
		"hugepages-2m",
		"hugepages-1g",
		"lru_gen",
		"workqueue",
		"watchdog-cpumask",
		"mce",
		"cgroup2",
		"cgroup2-cpuset",
		"psi",
		"systemd",
	};
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	assert_int_equal(host_read_features(f.h, &f.err), 0);
	assert_true(f.h->features_read);
	for (size_t i = 0; i < ARRAY_LEN(present); i++)
		assert_true(has(f.h, present[i]));
	assert_false(has(f.h, "amd_pstate"));
	assert_false(has(f.h, "resctrl"));
	fixture_end(&f);
}

static void a_small_guest_lacks_much(void **state)
{
	static const char *const absent[] = {
		"cpufreq", "intel_pstate", "epb", "cpuidle", "smt", "managed-irq-mode", "numa", "mce",
	};
	struct fixture f = host_begin("vm-1cpu");

	(void)state;
	put_lines(&f, "d /sys/devices/system/cpu/cpufreq/ondemand"); /* a governor's files are no policy */
	assert_int_equal(host_read_features(f.h, &f.err), 0);
	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		assert_false(has(f.h, absent[i]));
	assert_true(has(f.h, "thp"));
	fixture_end(&f);
}

static void names_are_unique_and_notes_differ(void **state)
{
	struct fixture rich = host_begin("xeon-2s"), poor = host_begin("vm-1cpu");

	(void)state;
	assert_int_equal(host_read_features(rich.h, &rich.err), 0);
	assert_int_equal(host_read_features(poor.h, &poor.err), 0);
	assert_int_equal(rich.h->n_features, poor.h->n_features);
	for (size_t i = 0; i < rich.h->n_features; i++) {
		const struct host_feature *a = &rich.h->features[i], *b = &poor.h->features[i];
		assert_string_equal(a->name, b->name);
		assert_ptr_equal(feature(rich.h, a->name), a);
		assert_true(a->note[0] != '\0' && b->note[0] != '\0');
		assert_int_equal(a->present == b->present, str_eq(a->note, b->note));
	}
	fixture_end(&rich);
	fixture_end(&poor);
}

/* A controller's name is a word of its own, and an SMT that the kernel does not implement is none. */
static void words_are_looked_at_whole(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	put_lines(&f, "f 0444 /sys/fs/cgroup/cgroup.controllers\tcpu cpusets memory\n"
	              "f 0644 /sys/devices/system/cpu/smt/control\tnotimplemented");
	assert_int_equal(host_read_features(f.h, &f.err), 0);
	assert_true(has(f.h, "cgroup2"));
	assert_false(has(f.h, "cgroup2-cpuset"));
	assert_false(has(f.h, "smt"));
	fixture_end(&f);
}

static void reading_twice_reads_once(void **state)
{
	struct fixture f = host_begin("vm-1cpu");

	(void)state;
	assert_int_equal(host_read_features(f.h, &f.err), 0);
	const struct host_feature *first = f.h->features;
	assert_int_equal(host_read_features(f.h, &f.err), 0);
	assert_ptr_equal(f.h->features, first);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_has_nearly_all),           cmocka_unit_test(a_small_guest_lacks_much),
		cmocka_unit_test(names_are_unique_and_notes_differ), cmocka_unit_test(words_are_looked_at_whole),
		cmocka_unit_test(reading_twice_reads_once),
	};

	return cmocka_run_group_tests(tests, NULL, sweep);
}
