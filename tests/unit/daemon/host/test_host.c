/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/host/host.c: identity, and the questions that a plan asks. */
#include "tests/unit/daemon/host/fixture.h"

static void identity_is_read(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	assert_string_equal(f.h->kernel, "6.12.43+deb13-amd64");
	assert_int_equal(f.h->kernel_major, 6);
	assert_int_equal(f.h->kernel_minor, 12);
	assert_string_equal(f.h->boot_id, "b7c0a9c2-52a8-4e54-9d3b-3a1b1c0e6f10");
	assert_string_equal(f.h->machine_id, "4d1c1e9cbb3f4c0e8f5a1f0c6a2d7e01");
	assert_ptr_equal(f.h->fs, f.fs);
	fixture_end(&f);
}

static void identity_may_be_missing(void **state)
{
	struct fixture f = tree_begin("vm-1cpu");

	(void)state;
	take_away(&f, "/etc");
	take_away(&f, "/proc/sys/kernel");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	assert_string_equal(f.h->machine_id, "");
	assert_string_equal(f.h->boot_id, "");
	assert_string_equal(f.h->kernel, "");
	assert_false(host_kernel_at_least(f.h, 2, 6));
	fixture_end(&f);
}

static void kernel_versions_compare(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	assert_true(host_kernel_at_least(f.h, 6, 12));
	assert_true(host_kernel_at_least(f.h, 6, 2)); /* 12 is more than 2 */
	assert_true(host_kernel_at_least(f.h, 5, 19));
	assert_false(host_kernel_at_least(f.h, 6, 13));
	assert_false(host_kernel_at_least(f.h, 7, 0));
	fixture_end(&f);
}

static void nothing_is_read_that_was_not_asked_for(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	assert_false(f.h->details_read || f.h->nics_read || f.h->irqs_read || f.h->features_read);
	assert_string_equal(f.h->vendor, "");
	assert_string_equal(f.h->model, "");
	assert_int_equal(f.h->n_nics, 0);
	assert_int_equal(f.h->n_irqs, 0);
	assert_int_equal(f.h->n_features, 0);
	assert_null(host_nic(f.h, "eth0"));
	assert_null(host_irq_by_key(f.h, "IO-APIC hwirq-4"));
	fixture_end(&f);
}

static void siblings_include_the_set(void **state)
{
	struct fixture f = host_begin("xeon-2s");
	struct cpuset set = cpus("3-4,20"), ret;

	(void)state;
	host_siblings(f.h, &set, &ret);
	assert_list(&ret, "3-4,19-20");
	set = cpus("");
	host_siblings(f.h, &set, &ret);
	assert_list(&ret, "");
	set = cpus("31");
	host_siblings(f.h, &set, &set); /* in place */
	assert_list(&set, "15,31");
	fixture_end(&f);
}

static void a_package_is_its_online_cpus(void **state)
{
	struct fixture f = tree_begin("xeon-2s");
	struct cpuset ret;

	(void)state;
	put_lines(&f, "f 0444 /sys/devices/system/cpu/online\t0-30");
	take_away(&f, "/sys/devices/system/cpu/cpu31/topology");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	host_package(f.h, 0, &ret);
	assert_list(&ret, "0-7,16-23");
	host_package(f.h, 1, &ret);
	assert_list(&ret, "8-15,24-30");
	host_package(f.h, 2, &ret);
	assert_list(&ret, "");
	fixture_end(&f);
}

/* P11: all online threads of at least one core. */
static void a_whole_core_is_all_its_online_threads(void **state)
{
	struct fixture f = tree_begin("xeon-2s");
	struct cpuset set;

	(void)state;
	put_lines(&f, "f 0444 /sys/devices/system/cpu/online\t0-9,11-19,21-25,27-31");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	set = cpus("0-7,24-31"); /* one thread of each core, but of core 4 there is no other */
	assert_true(host_has_whole_core(f.h, &f.h->online, &set));
	cpuset_remove(&set, 4);
	assert_false(host_has_whole_core(f.h, &f.h->online, &set));
	set = cpus("20"); /* offline, and so are 10 and 26: no cores to run on */
	assert_false(host_has_whole_core(f.h, &f.h->online, &set));
	set = cpus("9,25");
	assert_true(host_has_whole_core(f.h, &f.h->online, &set));
	set = cpus("");
	assert_false(host_has_whole_core(f.h, &f.h->online, &set));
	fixture_end(&f);
}

static void housekeeping_is_neither_isolated_nor_tickless(void **state)
{
	struct fixture f = tree_begin("epyc-1s");
	struct cpuset ret;

	(void)state;
	put_lines(&f, "f 0444 /sys/devices/system/cpu/isolated\t4-5,80\n"
	              "f 0444 /sys/devices/system/cpu/online\t0-99");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	assert_list(&f.h->nohz_full, "4-7,68-71");
	host_housekeeping(f.h, &ret);
	assert_list(&ret, "0-3,8-67,72-79,81-99");
	fixture_end(&f);
}

static void drivers_are_those_of_nics_and_interrupts(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	assert_false(host_has_driver(f.h, "mlx5_core")); /* nothing read yet */
	assert_int_equal(host_read_nics(f.h, &f.err), 0);
	assert_true(host_has_driver(f.h, "mlx5_core"));
	assert_false(host_has_driver(f.h, "nvme"));
	assert_int_equal(host_read_irqs(f.h, &f.err), 0);
	assert_true(host_has_driver(f.h, "nvme"));
	assert_false(host_has_driver(f.h, "sfc"));
	fixture_end(&f);
}

static void cpus_and_nodes_are_found_by_number(void **state)
{
	struct fixture f = tree_begin("vm-1cpu");

	(void)state;
	put_lines(&f, "f 0444 /sys/devices/system/cpu/present\t0-2,64,70\n"
	              "f 0444 /sys/devices/system/cpu/online\t0-2,64,70");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	assert_int_equal(host_cpu(f.h, 2)->cpu, 2);
	assert_int_equal(host_cpu(f.h, 64)->cpu, 64);
	assert_int_equal(host_cpu(f.h, 70)->cpu, 70);
	assert_null(host_cpu(f.h, 3));
	assert_null(host_cpu(f.h, 71));
	assert_null(host_cpu(f.h, -1));
	assert_int_equal(host_node(f.h, 0)->node, 0);
	assert_null(host_node(f.h, 1));
	assert_null(host_node(f.h, -1));
	fixture_end(&f);
}

static void nothing_is_freed_twice(void **state)
{
	struct host *h = NULL;

	(void)state;
	host_free(NULL);
	host_freep(&h);
	assert_null(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_is_read),
		cmocka_unit_test(identity_may_be_missing),
		cmocka_unit_test(kernel_versions_compare),
		cmocka_unit_test(nothing_is_read_that_was_not_asked_for),
		cmocka_unit_test(siblings_include_the_set),
		cmocka_unit_test(a_package_is_its_online_cpus),
		cmocka_unit_test(a_whole_core_is_all_its_online_threads),
		cmocka_unit_test(housekeeping_is_neither_isolated_nor_tickless),
		cmocka_unit_test(drivers_are_those_of_nics_and_interrupts),
		cmocka_unit_test(cpus_and_nodes_are_found_by_number),
		cmocka_unit_test(nothing_is_freed_twice),
	};

	return cmocka_run_group_tests(tests, NULL, sweep);
}
