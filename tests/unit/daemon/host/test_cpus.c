/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/host/cpus.c: lists, cores, packages, caches, cpuinfo. */
#include "tests/unit/daemon/host/fixture.h"

#define CPU "/sys/devices/system/cpu"

static void two_sockets_with_threads(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	assert_int_equal(f.h->n_cpus, 32);
	assert_int_equal(f.h->n_siblings, 16);
	assert_list(&f.h->online, "0-31");
	assert_list(&f.h->present, "0-31");
	assert_list(&f.h->possible, "0-31");
	assert_list(&f.h->isolated, "");
	assert_list(&f.h->nohz_full, ""); /* "(null)" */
	for (int c = 0; c < 32; c++) {
		const struct host_cpu *cpu = host_cpu(f.h, c);
		assert_int_equal(cpu->cpu, c);
		assert_true(cpu->online);
		assert_int_equal(cpu->package, c % 16 / 8);
		assert_int_equal(cpu->node, c % 16 / 8);
		assert_int_equal(cpu->sibling_group, c % 16);
		assert_true(cpuset_has(&f.h->siblings[cpu->sibling_group], (unsigned)c));
		assert_int_equal(cpuset_count(&f.h->siblings[cpu->sibling_group]), 2);
		assert_int_equal(cpu->core, -1);
		assert_int_equal(cpu->l3, -1);
	}
	fixture_end(&f);
}

static void details_of_two_sockets(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	assert_int_equal(host_read_details(f.h, &f.err), 0);
	assert_true(f.h->details_read);
	assert_string_equal(f.h->vendor, "GenuineIntel");
	assert_string_equal(f.h->model, "Intel(R) Xeon(R) Gold 6334 CPU @ 3.60GHz");
	assert_false(f.h->is_virtual);
	assert_int_equal(host_cpu(f.h, 9)->core, 1);
	assert_int_equal(host_cpu(f.h, 25)->core, 1);
	assert_int_equal(host_cpu(f.h, 7)->l3, 0);
	assert_int_equal(host_cpu(f.h, 24)->l3, 1);
	fixture_end(&f);
}

static void many_cache_groups_and_isolated_cpus(void **state)
{
	struct fixture f = host_begin("epyc-1s");

	(void)state;
	assert_int_equal(f.h->n_cpus, 128);
	assert_int_equal(f.h->n_siblings, 64);
	assert_list(&f.h->isolated, "4-7,68-71");
	assert_list(&f.h->nohz_full, "4-7,68-71");
	assert_int_equal(host_read_details(f.h, &f.err), 0);
	assert_string_equal(f.h->vendor, "AuthenticAMD");
	assert_int_equal(host_cpu(f.h, 4)->l3, 1);
	assert_int_equal(host_cpu(f.h, 68)->l3, 1);
	assert_int_equal(host_cpu(f.h, 127)->l3, 15);
	assert_int_equal(host_cpu(f.h, 127)->core, 63);
	fixture_end(&f);
}

static void a_virtual_machine_is_known_by_its_flag(void **state)
{
	struct fixture f = host_begin("vm-1cpu");

	(void)state;
	assert_int_equal(f.h->n_cpus, 1);
	assert_int_equal(host_read_details(f.h, &f.err), 0);
	assert_true(f.h->is_virtual);
	fixture_end(&f);
}

/* Part of a word is not the flag, and neither is the same word elsewhere. */
static void other_flags_are_not_it(void **state)
{
	struct fixture f = host_begin("vm-1cpu");

	(void)state;
	put_lines(
		&f,
		"f 0444 /proc/cpuinfo\tvendor_id\\t: hypervisor\\nmodel names\\t: no\\nmodel name\\t: a hypervisor b\\n"
		"flags\\t\\t: fpu nohypervisor hypervisors vme\\nbugs\\t\\t: hypervisor");
	assert_int_equal(host_read_details(f.h, &f.err), 0);
	assert_false(f.h->is_virtual);
	assert_string_equal(f.h->model, "a hypervisor b");
	fixture_end(&f);
}

static void without_topology_each_cpu_is_a_core_of_one_package(void **state)
{
	struct fixture f = tree_begin(NULL);

	(void)state;
	put_lines(&f, "f 0444 " CPU "/present\t0-3\nf 0444 " CPU "/online\t0-5");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	assert_list(&f.h->online, "0-3"); /* never more than the present ones */
	assert_list(&f.h->possible, "0-3");
	assert_int_equal(f.h->n_siblings, 4);
	for (int c = 0; c < 4; c++) {
		assert_int_equal(host_cpu(f.h, c)->package, 0);
		assert_int_equal(host_cpu(f.h, c)->node, 0);
		assert_int_equal(host_cpu(f.h, c)->sibling_group, c);
	}
	assert_int_equal(host_read_details(f.h, &f.err), 0);
	assert_int_equal(host_cpu(f.h, 2)->core, 2);
	assert_int_equal(host_cpu(f.h, 2)->l3, -1);
	assert_string_equal(f.h->vendor, "");
	fixture_end(&f);
}

static void without_lists_the_directories_say(void **state)
{
	struct fixture f = tree_begin(NULL);

	(void)state;
	put_lines(&f, "d " CPU "/cpu{0-2,10}\nd " CPU "/cpufreq\nd " CPU "/cpuidle\nd " CPU "/cpu03");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	assert_list(&f.h->present, "0-2,10");
	fixture_end(&f);
}

static void a_tree_without_cpus_is_an_error(void **state)
{
	struct fixture f = tree_begin(NULL);

	(void)state;
	assert_int_equal(host_read(f.fs, &f.h, &f.err), -ENOENT);
	assert_string_equal(f.err.code, ERR_IO);
	assert_string_equal(f.err.subject, CPU);
	put_lines(&f, "d " CPU "/cpufreq");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), -ENOENT);
	assert_string_equal(f.err.code, ERR_IO);
	assert_null(f.h);
	fixture_end(&f);
}

static void a_list_that_is_none_is_an_error(void **state)
{
	struct fixture f = tree_begin("vm-1cpu");

	(void)state;
	put_lines(&f, "f 0444 " CPU "/isolated\tnone");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), -EINVAL);
	assert_string_equal(f.err.code, ERR_IO);
	assert_string_equal(f.err.subject, CPU "/isolated");
	fixture_end(&f);
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
	struct fixture f = tree_begin("vm-1cpu");

	(void)state;
	take_away(&f, CPU "/online");
	put_lines(&f, "d " CPU "/online");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), -EISDIR);
	assert_string_equal(f.err.code, ERR_IO);
	assert_string_equal(f.err.subject, CPU "/online");
	assert_null(f.h);
	fixture_end(&f);
}

/* SMT off at run time: the siblings are present, offline, and without a topology directory. */
static void offline_cpus_have_a_node_and_no_package(void **state)
{
	struct fixture f = tree_begin("xeon-2s");

	(void)state;
	put_lines(&f, "f 0444 " CPU "/online\t0-15\n"
	              "f 0444 /sys/devices/system/node/node0/cpulist\t0-7\n"
	              "f 0444 /sys/devices/system/node/node1/cpulist\t8-15\n");
	for (int c = 0; c < 32; c++) {
		CLEANUP(mem_freep) char *path = str_printf(CPU "/cpu%d/topology", c);
		CLEANUP(mem_freep)
		char *line = str_printf("f 0444 %s/thread_siblings_list\t%d\n"
		                        "f 0444 %s/core_siblings_list\t%s",
		                        path, c, path, c < 8 ? "0-7" : "8-15");
		if (c >= 16)
			take_away(&f, path);
		else
			put_lines(&f, line);
	}
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	assert_int_equal(f.h->n_cpus, 32);
	assert_int_equal(f.h->n_siblings, 32);
	assert_false(host_cpu(f.h, 24)->online);
	assert_int_equal(host_cpu(f.h, 24)->package, -1);
	assert_int_equal(host_cpu(f.h, 24)->node, 1);
	assert_list(&host_node(f.h, 1)->cpus, "8-15,24-31");
	assert_int_equal(host_cpu(f.h, 8)->package, 1);
	assert_int_equal(host_read_details(f.h, &f.err), 0);
	assert_int_equal(host_cpu(f.h, 24)->core, -1);
	fixture_end(&f);
}

/* Every CPU is in exactly one group, whatever the files say. */
static void contradicting_siblings_stay_a_partition(void **state)
{
	struct fixture f = tree_begin(NULL);
	struct cpuset seen = {0};

	(void)state;
	put_lines(&f, "f 0444 " CPU "/present\t0-3\n"
	              "f 0444 " CPU "/cpu0/topology/thread_siblings_list\t0,2,9\n"
	              "f 0444 " CPU "/cpu1/topology/thread_siblings_list\t0-1\n"
	              "f 0444 " CPU "/cpu3/topology/thread_siblings_list\t1\n");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	for (size_t i = 0; i < f.h->n_siblings; i++) {
		assert_false(cpuset_intersects(&seen, &f.h->siblings[i]));
		assert_false(cpuset_is_empty(&f.h->siblings[i]));
		cpuset_or(&seen, &f.h->siblings[i]);
	}
	assert_list(&seen, "0-3");
	assert_int_equal(host_cpu(f.h, 2)->sibling_group, host_cpu(f.h, 0)->sibling_group);
	assert_int_not_equal(host_cpu(f.h, 1)->sibling_group, host_cpu(f.h, 0)->sibling_group);
	fixture_end(&f);
}

static void a_cache_without_id_is_named_by_its_first_cpu(void **state)
{
	struct fixture f = tree_begin("xeon-2s");

	(void)state;
	for (int c = 0; c < 32; c++) {
		CLEANUP(mem_freep) char *path = str_printf(CPU "/cpu%d/cache/index3/id", c);
		take_away(&f, path);
	}
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	assert_int_equal(host_read_details(f.h, &f.err), 0);
	assert_int_equal(host_cpu(f.h, 23)->l3, 0);
	assert_int_equal(host_cpu(f.h, 24)->l3, 8);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_sockets_with_threads),
		cmocka_unit_test(details_of_two_sockets),
		cmocka_unit_test(many_cache_groups_and_isolated_cpus),
		cmocka_unit_test(a_virtual_machine_is_known_by_its_flag),
		cmocka_unit_test(other_flags_are_not_it),
		cmocka_unit_test(without_topology_each_cpu_is_a_core_of_one_package),
		cmocka_unit_test(without_lists_the_directories_say),
		cmocka_unit_test(a_tree_without_cpus_is_an_error),
		cmocka_unit_test(a_list_that_is_none_is_an_error),
		cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
		cmocka_unit_test(offline_cpus_have_a_node_and_no_package),
		cmocka_unit_test(contradicting_siblings_stay_a_partition),
		cmocka_unit_test(a_cache_without_id_is_named_by_its_first_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, sweep);
}
