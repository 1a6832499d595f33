/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/host/nodes.c: nodes of copied trees, and libnuma against the files on the machine at hand. */
#include "daemon/host/parts.h"
#include "tests/unit/daemon/host/fixture.h"

#define NODE "/sys/devices/system/node"

static void nodes_of_two_sockets(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	assert_int_equal(f.h->n_nodes, 2);
	assert_list(&f.h->nodes[0].cpus, "0-7,16-23");
	assert_list(&host_node(f.h, 1)->cpus, "8-15,24-31");
	assert_int_equal(f.h->nodes[0].distances[0], 10);
	assert_int_equal(f.h->nodes[0].distances[1], 21);
	assert_int_equal(f.h->nodes[1].distances[0], 21);
	assert_int_equal(f.h->nodes[1].distances[1], 10);
	assert_int_equal(host_read_details(f.h, &f.err), 0);
	assert_int_equal(f.h->nodes[1].memory_kib, 128 * 1024 * 1024);
	assert_int_equal(f.h->nodes[1].free_kib, 107374182);
	fixture_end(&f);
}

static void free_memory_is_read_each_time(void **state)
{
	struct fixture f = host_begin("xeon-2s");
	uint64_t kib = 0;

	(void)state;
	assert_int_equal(host_read_details(f.h, &f.err), 0);
	put_lines(&f, "f 0444 " NODE "/node0/meminfo\tNode 0 MemTotal:  100 kB\\nNode 0 MemFree:   70 kB\n"
	              "f 0444 " NODE "/node1/meminfo\tNode 1 MemTotal:  100 kB\\nNode 1 MemFree:   8 kB");
	assert_int_equal(host_free_memory(f.h, 0, &kib, &f.err), 0);
	assert_int_equal(kib, 70);
	assert_int_equal(host_free_memory(f.h, 1, &kib, &f.err), 0);
	assert_int_equal(kib, 8);
	assert_int_equal(host_free_memory(f.h, -1, &kib, &f.err), 0);
	assert_int_equal(kib, 78);
	fixture_end(&f);
}

static void a_node_that_is_not_there(void **state)
{
	struct fixture f = host_begin("vm-1cpu");
	uint64_t kib = 5;

	(void)state;
	assert_int_equal(host_free_memory(f.h, 3, &kib, &f.err), -ENOENT);
	assert_string_equal(f.err.code, ERR_NO_MATCH);
	assert_string_equal(f.err.subject, "node 3");
	assert_int_equal(kib, 5);
	fixture_end(&f);
}

static void a_kernel_without_numa_is_one_node(void **state)
{
	struct fixture f = tree_begin("xeon-2s");
	uint64_t kib = 0;

	(void)state;
	take_away(&f, NODE);
	put_lines(&f, "f 0444 /proc/meminfo\tMemTotal:  1000 kB\\nMemFree:  400 kB");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	assert_int_equal(f.h->n_nodes, 1);
	assert_list(&host_node(f.h, 0)->cpus, "0-31");
	assert_int_equal(host_node(f.h, 0)->distances[0], 10);
	assert_int_equal(host_cpu(f.h, 31)->node, 0);
	assert_int_equal(host_read_details(f.h, &f.err), 0);
	assert_int_equal(host_node(f.h, 0)->memory_kib, 1000);
	assert_int_equal(host_free_memory(f.h, -1, &kib, &f.err), 0);
	assert_int_equal(kib, 400);
	fixture_end(&f);
}

static void node_numbers_may_have_gaps(void **state)
{
	struct fixture f = tree_begin(NULL);

	(void)state;
	put_lines(&f, "f 0444 /sys/devices/system/cpu/present\t0-3\n"
	              "f 0444 " NODE "/node2/cpulist\t0-3\n"
	              "f 0444 " NODE "/node2/distance\t10 40\n"
	              "f 0444 " NODE "/node10/cpulist\t\n" /* memory alone */
	              "f 0444 " NODE "/node10/distance\t40 10");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	assert_int_equal(f.h->n_nodes, 2);
	assert_int_equal(f.h->nodes[0].node, 2);
	assert_int_equal(f.h->nodes[1].node, 10);
	assert_int_equal(host_node(f.h, 2)->distances[1], 40);
	assert_list(&host_node(f.h, 10)->cpus, "");
	assert_int_equal(host_cpu(f.h, 3)->node, 2);
	fixture_end(&f);
}

static void distances_that_do_not_fit_are_an_error(void **state)
{
	struct fixture f = tree_begin("xeon-2s");

	(void)state;
	put_lines(&f, "f 0444 " NODE "/node1/distance\t10");
	assert_int_equal(host_read(f.fs, &f.h, &f.err), -EINVAL);
	assert_string_equal(f.err.code, ERR_IO);
	assert_string_equal(f.err.subject, NODE "/node1/distance");
	fixture_end(&f);
}

static void memory_that_is_not_said_is_an_error(void **state)
{
	struct fixture f = host_begin("vm-1cpu");
	uint64_t kib = 5;

	(void)state;
	put_lines(&f, "f 0444 " NODE "/node0/meminfo\tNode 0 MemTotal:  100 kB");
	assert_int_equal(host_free_memory(f.h, 0, &kib, &f.err), -EINVAL);
	assert_string_equal(f.err.code, ERR_IO);
	assert_string_equal(f.err.subject, NODE "/node0/meminfo");
	assert_int_equal(kib, 5);
	fixture_end(&f);
}

/* libnuma hard-codes /sys; what it says of this machine must be what our own reading says. */
static void libnuma_and_the_files_agree(void **state)
{
	struct host *numa, *files;
	struct fsio *fs;
	struct hft_err err;

	(void)state;
	assert_int_equal(fsio_new("/", &fs, &err), 0);
	assert_int_equal(host_read(fs, &numa, &err), 0);
	assert_int_equal(host_read(fs, &files, &err), 0);
	host_nodes_done(numa);
	host_nodes_done(files);
	assert_int_equal(host_nodes_from_files(files, &err), 0);
	int r = host_nodes_from_libnuma(numa, &err);
	if (r != -ENOSYS) { /* a kernel without NUMA, or a container that hides it: nothing to compare */
		assert_int_equal(r, 0);
		assert_int_equal(numa->n_nodes, files->n_nodes);
		for (size_t i = 0; i < numa->n_nodes; i++) {
			assert_int_equal(numa->nodes[i].node, files->nodes[i].node);
			assert_true(cpuset_equal(&numa->nodes[i].cpus, &files->nodes[i].cpus));
			for (size_t j = 0; j < numa->n_nodes; j++)
				assert_int_equal(numa->nodes[i].distances[j], files->nodes[i].distances[j]);
		}
	}
	host_free(numa);
	host_free(files);
	fsio_free(fs);
}

/* The same of memory, which moves between two readings: within an eighth. */
static void libnuma_and_meminfo_agree(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};
	struct fsio *fs;
	struct host *h;
	struct hft_err err;
	uint64_t kib = 0;
	char path[64];

	(void)state;
	assert_int_equal(fsio_new("/", &fs, &err), 0);
	assert_int_equal(host_read(fs, &h, &err), 0);
	snprintf(path, sizeof(path), NODE "/node%d/meminfo", h->nodes[0].node);
	assert_int_equal(host_free_memory(h, h->nodes[0].node, &kib, &err), 0);
	if (fsio_probe(fs, path, &b) == 0) {
		const char *line = strstr(b.s, "MemFree:");
		assert_non_null(line);
		uint64_t said = strtoull(line + strlen("MemFree:"), NULL, 10);
		assert_in_range(kib, said - said / 8, said + said / 8);
	}
	host_free(h);
	fsio_free(fs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_of_two_sockets),
		cmocka_unit_test(free_memory_is_read_each_time),
		cmocka_unit_test(a_node_that_is_not_there),
		cmocka_unit_test(a_kernel_without_numa_is_one_node),
		cmocka_unit_test(node_numbers_may_have_gaps),
		cmocka_unit_test(distances_that_do_not_fit_are_an_error),
		cmocka_unit_test(memory_that_is_not_said_is_an_error),
		cmocka_unit_test(libnuma_and_the_files_agree),
		cmocka_unit_test(libnuma_and_meminfo_agree),
	};

	return cmocka_run_group_tests(tests, NULL, sweep);
}
