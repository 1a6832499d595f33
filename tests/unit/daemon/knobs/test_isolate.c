/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_isolate.c, systemd_slice.c and kthreads.c on a tree, where they write what systemd would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/knobs/systemd_slice.h"
#include "tests/unit/daemon/knobs/threadtree.h"

extern const struct knob knob_isolate;

#define CGROUP "/sys/fs/cgroup/"
#define HFT CGROUP "hft.slice/"
#define DROPIN(unit) "/run/systemd/system.control/" unit ".d/50-AllowedCPUs.conf"

static int make_tree(void **state)
{
	struct cputree *t = cputree_new();

	put(t, "/sys/devices/system/cpu/online", "0-3");
	put(t, CGROUP "cgroup.controllers", "cpuset cpu io memory");
	put(t, CGROUP "system.slice/cpuset.cpus", "");
	put(t, CGROUP "system.slice/cgroup.events", "populated 1");
	put(t, CGROUP "user.slice/cgroup.events", "populated 1\nfrozen 0"); /* without the controller */
	put(t, CGROUP "init.scope/cpuset.cpus", "");
	put_task(t, 2, 2, "kthreadd", PF_KERNEL, "0-3");
	put_task(t, 18, 18, "migration/0", PF_BOUND, "0");
	put_task(t, 40, 40, "khugepaged", PF_KERNEL, "0-3");
	put_task(t, 57, 57, "kswapd0", PF_KERNEL, "0-2");
	put_task(t, 58, 58, "kcompactd1", PF_KERNEL, "2-3");
	put_task(t, 60, 60, "irq/24-eth0", PF_KERNEL, "3");
	put_task(t, 500, 500, "redis-server", PF_USER, "0-3");
	cputree_read(t);
	*state = t;
	return 0;
}

static int remove_tree(void **state)
{
	cputree_free(*state);
	return 0;
}

static bool is_there(const struct cputree *t, const char *path)
{
	return fsio_exists(t->fs, path);
}

/* --- slices --------------------------------------------------------------------------------------------------------- */

static void test_list(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_isolate, "hft.slice", "cpus"), "hft.slice");
	assert_string_equal(listed(t, &knob_isolate, "hft.slice", "isolated"), "hft.slice");
	assert_string_equal(listed(t, &knob_isolate, "hft.slice", "root"), "hft.slice");
	assert_string_equal(listed(t, &knob_isolate, "hft.slice", "others"),
	                    "system.slice|user.slice|init.scope|machine.slice");
	assert_string_equal(listed(t, &knob_isolate, "hft.slice", "kthreads"), "kthreads");
	assert_string_equal(listed(t, &knob_isolate, "system.slice", "cpus"), "system.slice");
	assert_string_equal(listed(t, &knob_isolate, "hft.slice", "partition"), ERR_INVALID_PROFILE);
	for (size_t i = 0; i < 9; i++)
		assert_string_equal(
			listed(t, &knob_isolate,
		               ((const char *const[]){ "", "*", "-.slice", "a--b.slice", "a-.slice", "hft.service",
		                                       "../x.slice", "system.slice", "init.scope" })[i],
		               "isolated"),
			ERR_INVALID_PROFILE);
}

static void test_hosts_that_lack_it(void **state)
{
	struct cputree *t = *state;

	put(t, "/etc/systemd/system.control/hft.slice.d/50-AllowedCPUs.conf", "[Slice]\nAllowedCPUs=1");
	assert_string_equal(listed(t, &knob_isolate, "hft.slice", "isolated"), "hft.slice(na)");
	assert_string_equal(listed(t, &knob_isolate, "a.slice", "isolated"), "a.slice");
	put(t, CGROUP "cgroup.controllers", "cpu memory");
	assert_string_equal(listed(t, &knob_isolate, "a.slice", "isolated"), "a.slice(na)");
	take_away(t, CGROUP "cgroup.controllers"); /* v1, or both */
	assert_string_equal(listed(t, &knob_isolate, "a.slice", "isolated"), "a.slice(na)");
	assert_string_equal(value_now(t, &knob_isolate, "a.slice"), ERR_NOT_APPLICABLE);
	take_away(t, "/proc/2/task/2/stat");
	assert_string_equal(listed(t, &knob_isolate, "a.slice", "kthreads"), "kthreads(na)");
}

static void test_parse(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(parsed(t, &knob_isolate, "hft.slice", "isolated", "2-3"), "isolated 2-3 runtime");
	assert_string_equal(parsed(t, &knob_isolate, "hft.slice", "cpus", "2,3"), "member 2-3 runtime");
	assert_string_equal(parsed(t, &knob_isolate, "system.slice", "others", "0-1"), "member 0-1 runtime");
	assert_string_equal(parsed(t, &knob_isolate, "kthreads", "kthreads", "0-1"), "0-1");
	assert_string_equal(parsed(t, &knob_isolate, "hft.slice", "isolated", "4"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_isolate, "hft.slice", "isolated", ""), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_isolate, "hft.slice", "isolated", "yes"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_isolate, NULL, "root", "2000"), "root 2000 runtime");
	assert_string_equal(parsed(t, &knob_isolate, NULL, "partition", "2"), ERR_INVALID_PROFILE);
}

static void test_paths(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(slice_path("a-b-c.slice", "x", &t->b, &t->err), 0);
	assert_string_equal(strbuf_str(&t->b), CGROUP "a.slice/a-b.slice/a-b-c.slice/x");
	assert_int_equal(slice_path("init.scope", "", &t->b, &t->err), 0);
	assert_string_equal(strbuf_str(&t->b), CGROUP "init.scope");
}

static void test_a_partition_comes_and_goes(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_isolate, "hft.slice"), "absent");
	assert_string_equal(written(t, &knob_isolate, "hft.slice", "isolated 2-3 runtime"), "");
	assert_string_equal(value_now(t, &knob_isolate, "hft.slice"), "isolated 2-3 runtime");
	assert_holds(t, HFT "cpuset.cpus.partition", "isolated");
	assert_holds(t, HFT "cpuset.cpus", "2-3");
	assert_true(is_there(t, DROPIN("hft.slice")));
	assert_int_equal(judged(t, &knob_isolate, "hft.slice", "isolated 2-3 runtime"), KNOB_OK);
	assert_int_equal(judged(t, &knob_isolate, "hft.slice", "isolated 3 runtime"), KNOB_DRIFT);
	assert_int_equal(judged(t, &knob_isolate, "hft.slice", "root 2-3 runtime"), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_isolate, "hft.slice", "root 3 runtime"), "");
	assert_string_equal(value_now(t, &knob_isolate, "hft.slice"), "root 3 runtime");
	assert_string_equal(written(t, &knob_isolate, "hft.slice", "absent"), "");
	assert_string_equal(value_now(t, &knob_isolate, "hft.slice"), "absent");
	assert_false(is_there(t, CGROUP "hft.slice"));
	assert_false(is_there(t, "/run/systemd/system.control/hft.slice.d"));
}

/* The kernel takes the write and says later what it thinks of it. */
static void test_an_invalid_partition_is_no_success(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_isolate, "hft.slice", "isolated 2-3 runtime"), "");
	put(t, HFT "cpuset.cpus.partition", "isolated invalid (Cpu list in cpuset.cpus not exclusive)");
	assert_string_equal(value_now(t, &knob_isolate, "hft.slice"), "invalid 2-3 runtime");
	assert_int_equal(judged(t, &knob_isolate, "hft.slice", "isolated 2-3 runtime"), KNOB_DRIFT);
	assert_non_null(strstr(t->verdict.reason, "not exclusive"));
	put(t, HFT "cpuset.cpus.partition", "isolated invalid (partition config conflicts with housekeeping setup)");
	cpuset_parse("2", &t->c.host->isolated, NULL);
	assert_int_equal(judged(t, &knob_isolate, "hft.slice", "isolated 2-3 runtime"), KNOB_DRIFT);
	cpuset_parse("2-3", &t->c.host->isolated, NULL); /* by isolcpus= */
	assert_int_equal(judged(t, &knob_isolate, "hft.slice", "isolated 2-3 runtime"), KNOB_OK);
	assert_int_equal(judged(t, &knob_isolate, "hft.slice", "root 2-3 runtime"), KNOB_DRIFT);
	put(t, HFT "cpuset.cpus.partition", "isolated invalid"); /* the kernel before it gave reasons */
	assert_int_equal(judged(t, &knob_isolate, "hft.slice", "isolated 2-3 runtime"), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_isolate, "hft.slice", "isolated 2-3 runtime"), "");
	assert_int_equal(judged(t, &knob_isolate, "hft.slice", "isolated 2-3 runtime"), KNOB_OK);
}

/* Stopping a slice stops all that is in it. */
static void test_a_slice_in_use_is_left(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_isolate, "hft.slice", "isolated 2-3 runtime"), "");
	put(t, HFT "cgroup.events", "populated 1");
	assert_int_equal(judged(t, &knob_isolate, "hft.slice", "absent"), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_isolate, "hft.slice", "absent"), "");
	assert_string_equal(value_now(t, &knob_isolate, "hft.slice"), "member");
	assert_false(is_there(t, DROPIN("hft.slice")));
	assert_int_equal(judged(t, &knob_isolate, "hft.slice", "absent"), KNOB_OK);
	put(t, HFT "cgroup.events", "populated 0");
	assert_int_equal(judged(t, &knob_isolate, "hft.slice", "absent"), KNOB_DRIFT);
}

static void test_units_that_are_there(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_isolate, "system.slice"), "member");
	assert_string_equal(value_now(t, &knob_isolate, "user.slice"), "member");
	assert_string_equal(value_now(t, &knob_isolate, "machine.slice"), "absent");
	assert_string_equal(written(t, &knob_isolate, "system.slice", "member 0-1 runtime"), "");
	assert_holds(t, CGROUP "system.slice/cpuset.cpus", "0-1");
	assert_string_equal(written(t, &knob_isolate, "machine.slice", "member 0-1 runtime"), "");
	assert_false(is_there(t, CGROUP "machine.slice")); /* not started for that; it will have them when it is */
	assert_string_equal(value_now(t, &knob_isolate, "machine.slice"), "member 0-1 runtime");
	assert_string_equal(written(t, &knob_isolate, "system.slice", "member"), "");
	assert_holds(t, CGROUP "system.slice/cpuset.cpus", "0-3"); /* none would be refused while anything runs in it */
	assert_string_equal(written(t, &knob_isolate, "machine.slice", "absent"), "");
	assert_string_equal(value_now(t, &knob_isolate, "system.slice"), "member");
	assert_string_equal(value_now(t, &knob_isolate, "machine.slice"), "absent");
}

/* What the unit's own files say is not ours, and a drop-in that was there is put back. */
static void test_originals_of_others(void **state)
{
	struct cputree *t = *state;

	put(t, CGROUP "system.slice/cpuset.cpus", "0-2");
	assert_string_equal(value_now(t, &knob_isolate, "system.slice"), "member 0-2");
	put(t, DROPIN("init.scope"), "# by systemctl\n[Scope]\nAllowedCPUs=\nAllowedCPUs=0-1 3");
	put(t, CGROUP "init.scope/cpuset.cpus", "0-1,3");
	assert_string_equal(value_now(t, &knob_isolate, "init.scope"), "member 0-1,3 runtime");
	put(t, CGROUP "init.scope/cpuset.cpus", "0"); /* not what systemd had written */
	assert_int_equal(judged(t, &knob_isolate, "init.scope", "member 0-1,3 runtime"), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_isolate, "init.scope", "member 0-1,3 runtime"), "");
	assert_int_equal(judged(t, &knob_isolate, "init.scope", "member 0-1,3 runtime"), KNOB_OK);
	put(t, DROPIN("init.scope"), "[Scope]\nAllowedCPUs=x");
	assert_string_equal(value_now(t, &knob_isolate, "init.scope"), ERR_IO);
	/* where systemd puts those of units without a file */
	take_away(t, DROPIN("init.scope"));
	put(t, "/run/systemd/transient/init.scope.d/50-AllowedCPUs.conf", "[Scope]\nAllowedCPUs=\nAllowedCPUs=0-1");
	put(t, CGROUP "init.scope/cpuset.cpus", "0-1");
	assert_string_equal(value_now(t, &knob_isolate, "init.scope"), "member 0-1 runtime");
	assert_string_equal(written(t, &knob_isolate, "init.scope", "member"), "");
	assert_false(is_there(t, "/run/systemd/transient/init.scope.d"));
	assert_string_equal(value_now(t, &knob_isolate, "init.scope"), "member");
}

/* P11 */
static void test_what_is_taken_from_the_house(void **state)
{
	struct cpuset set;

	(void)state;
	knob_isolate.isolates("hft.slice", "isolated 2-3 runtime", &set);
	assert_true(cpuset_count(&set) == 2 && cpuset_has(&set, 2) && cpuset_has(&set, 3));
	knob_isolate.isolates("batch.slice", "member 0-1 runtime", &set);
	assert_true(cpuset_is_empty(&set));
	knob_isolate.isolates("system.slice", "member 0-1 runtime", &set);
	assert_true(!cpuset_has(&set, 0) && !cpuset_has(&set, 1) && cpuset_has(&set, 2) && cpuset_has(&set, 500));
	knob_isolate.isolates("system.slice", "member", &set);
	assert_true(cpuset_is_empty(&set));
	knob_isolate.isolates("kthreads", "0-1", &set);
	assert_true(cpuset_is_empty(&set));
	assert_true(knob_isolate.order("system.slice") < knob_isolate.order("hft.slice"));
	assert_true(knob_isolate.order("hft.slice") < knob_isolate.order("kthreads"));
}

/* --- kernel threads ------------------------------------------------------------------------------------------------- */

#define BEFORE "0-3@57:570=0-2;58:580=2-3"

static void test_kernel_threads(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_isolate, "kthreads"), BEFORE);
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-3"), KNOB_OK);
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-2"), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_isolate, "kthreads", "0-2"), "");
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-2"), KNOB_OK);
	assert_string_equal(allowed(t, 2, 2), "0-2");
	assert_string_equal(allowed(t, 40, 40), "0-2");
	assert_string_equal(allowed(t, 58, 58), "2"); /* still on its node */
	assert_string_equal(allowed(t, 18, 18), "0");
	assert_string_equal(allowed(t, 60, 60), "3");
	assert_string_equal(allowed(t, 500, 500), "0-3");
	put_task(t, 70, 70, "jbd2/sdb-8", PF_KERNEL, "0-3"); /* born since, on a kernel that lets it have all */
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-2"), KNOB_DRIFT);
	assert_non_null(strstr(t->verdict.reason, "jbd2"));
	assert_string_equal(written(t, &knob_isolate, "kthreads", "0-1"), "");
	assert_string_equal(allowed(t, 58, 58), "0-1"); /* nothing of its own is left */
	assert_int_equal(judged(t, &knob_isolate, "kthreads", BEFORE), KNOB_DRIFT);

	assert_string_equal(written(t, &knob_isolate, "kthreads", BEFORE), "");
	assert_int_equal(judged(t, &knob_isolate, "kthreads", BEFORE), KNOB_OK);
	assert_string_equal(allowed(t, 2, 2), "0-3");
	assert_string_equal(allowed(t, 40, 40), "0-3");
	assert_string_equal(allowed(t, 57, 57), "0-2");
	assert_string_equal(allowed(t, 58, 58), "2-3");
	assert_string_equal(allowed(t, 70, 70), "0-3"); /* what we had given it goes with the rest */
}

/* What is born on a host whose CPUs are parted off may have all of them, since nobody brings it there; kthreadd may not. */
static void test_kernel_threads_born_beside_a_partition(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_isolate, "kthreads", "0-1"), "");
	put_task(t, 70, 70, "psimon", PF_KERNEL, "0-3");
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-1"), KNOB_DRIFT);
	put(t, HFT "cpuset.cpus.partition", "isolated");
	put(t, HFT "cpuset.cpus.effective", "3");
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-1"), KNOB_DRIFT); /* 2 is balanced to */
	put(t, HFT "cpuset.cpus.effective", "2-3");
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-1"), KNOB_OK);
	put_task(t, 70, 70, "psimon", PF_KERNEL, "1-2"); /* somebody's */
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-1"), KNOB_DRIFT);
	put_task(t, 70, 70, "psimon", PF_KERNEL, "0-3");
	put_task(t, 2, 2, "kthreadd", PF_KERNEL, "0-3");
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-1"), KNOB_DRIFT);
}

/* An original that is one list is not taken for a setting: "stay within" would hold already. */
static void test_an_original_is_exact(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_isolate, "kthreads", "0-1"), "");
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-3"), KNOB_OK);
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-3@"), KNOB_DRIFT);
	put_task(t, 58, 58, "kcompactd1", PF_KERNEL, "1"); /* somebody else, after us */
	assert_string_equal(written(t, &knob_isolate, "kthreads", "0-3@"), "");
	assert_string_equal(allowed(t, 40, 40), "0-3");
	assert_string_equal(allowed(t, 58, 58), "1");
}

/* CPUs that have gone do not count, those that came back do. */
static void test_kernel_threads_and_cpus_offline(void **state)
{
	struct cputree *t = *state;

	put(t, "/sys/devices/system/cpu/online", "0,2");
	put_task(t, 2, 2, "kthreadd", PF_KERNEL, "0,2");
	put_task(t, 40, 40, "khugepaged", PF_KERNEL, "0,2");
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-3@57:570=0-2"), KNOB_OK);
	put(t, "/sys/devices/system/cpu/online", "0-3");
	assert_int_equal(judged(t, &knob_isolate, "kthreads", "0-3@57:570=0-2"), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_isolate, "kthreads", "0-3@57:570=0-2"), "");
	assert_string_equal(allowed(t, 40, 40), "0-3");
}

static void test_explain(void **state)
{
	(void)state;
	assert_explained(&knob_isolate, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list),
		TEST(test_hosts_that_lack_it),
		TEST(test_parse),
		TEST(test_paths),
		TEST(test_a_partition_comes_and_goes),
		TEST(test_an_invalid_partition_is_no_success),
		TEST(test_a_slice_in_use_is_left),
		TEST(test_units_that_are_there),
		TEST(test_originals_of_others),
		TEST(test_what_is_taken_from_the_house),
		TEST(test_kernel_threads),
		TEST(test_kernel_threads_born_beside_a_partition),
		TEST(test_an_original_is_exact),
		TEST(test_kernel_threads_and_cpus_offline),
		TEST(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
