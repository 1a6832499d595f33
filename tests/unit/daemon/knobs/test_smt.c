/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of daemon/knobs/knob_smt.c, masks.c and tasks.c on a tree of four CPUs in two cores, all of them online. No file
 * of a tree refuses as the kernel does, so that is made up where the build has failpoints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "daemon/knobs/masks.h"
#include "tests/unit/daemon/knobs/threadtree.h"

extern const struct knob knob_smt;

#define CPU "/sys/devices/system/cpu/"
#define CONTROL CPU "smt/control"
#define V1 "/sys/fs/cgroup/cpuset/"

static void put_irq(const struct cputree *t, int irq, const char *cpus)
{
	char path[64], number[16];

	snprintf(number, sizeof(number), "%d", irq);
	snprintf(path, sizeof(path), "/sys/kernel/irq/%d/chip_name", irq);
	put(t, path, "IO-APIC");
	snprintf(path, sizeof(path), "/sys/kernel/irq/%d/hwirq", irq);
	put(t, path, number);
	snprintf(path, sizeof(path), "/sys/kernel/irq/%d/actions", irq);
	put(t, path, "serial");
	snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity_list", irq);
	put(t, path, cpus);
}

static int make_tree(void **state)
{
	struct cputree *t = cputree_new();
	char path[64];

	put(t, CPU "online", "0-3");
	for (int cpu = 1; cpu < 4; cpu++) {
		snprintf(path, sizeof(path), CPU "cpu%d/online", cpu);
		put(t, path, "1");
	}
	put(t, CONTROL, "on");
	put_task(t, 2, 2, "a) (b", PF_KERNEL, "0-3");
	put_task(t, 18, 18, "a) (b", PF_BOUND, "3");
	put_task(t, 40, 40, "a) (b", PF_KERNEL, "1");
	put_task(t, 500, 500, "a) (b", PF_USER, "0-3");
	put_task(t, 500, 501, "a) (b", PF_USER, "3");
	put_task(t, 600, 600, "a) (b", PF_USER, "2-3");
	put_irq(t, 4, "0-3");
	put_irq(t, 5, "3");
	put(t, "/proc/interrupts", "           CPU0       CPU1       CPU2       CPU3");
	cputree_read(t);
	*state = t;
	return 0;
}

static int remove_tree(void **state)
{
	cputree_free(*state);
	return 0;
}

/* What was read, kept while more is read. */
static char *original(struct cputree *t, const char *key)
{
	return strdup(value_now(t, &knob_smt, key));
}

static void test_list(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_smt, "", "control"), "control");
	assert_string_equal(listed(t, &knob_smt, "1", "control"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_smt, "0,3", "online"), "cpu0 online(na)|cpu3 online");
	assert_string_equal(listed(t, &knob_smt, "*", "online"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_smt, "9", "online"), ERR_NO_MATCH);
	assert_string_equal(listed(t, &knob_smt, "", "forceoff"), ERR_INVALID_PROFILE);
	for (size_t i = 0; i < 3; i++) {
		put(t, CONTROL, ((const char *const[]){ "notsupported", "notimplemented", "forceoff" })[i]);
		assert_string_equal(listed(t, &knob_smt, "", "control"), "control(na)");
	}
	take_away(t, CONTROL);
	assert_string_equal(listed(t, &knob_smt, "", "control"), "control(na)");
}

static void test_parse(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(parsed(t, &knob_smt, "control", "control", "off"), "off@1,3");
	assert_string_equal(parsed(t, &knob_smt, "control", "control", "on"), "on@1,3");
	assert_string_equal(parsed(t, &knob_smt, "control", "control", "forceoff"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_smt, "cpu3 online", "online", "0"), "0@2-3");
	assert_string_equal(parsed(t, &knob_smt, "cpu3 online", "online", "off"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_smt, NULL, "online", "1"), "");
	assert_string_equal(parsed(t, &knob_smt, NULL, "offline", "1"), ERR_INVALID_PROFILE);
}

static void test_off_and_on_again(void **state)
{
	struct cputree *t = *state;
	CLEANUP(mem_freep) char *before = original(t, "control");

	assert_string_equal(before, "on@1,3");
	assert_string_equal(written(t, &knob_smt, "control", "off@1,3"), "");
	assert_holds(t, CONTROL, "off");
	assert_holds(t, CPU "online", "0,2");
	assert_int_equal(judged(t, &knob_smt, "control", "off@1,3"), KNOB_OK);
	put(t, CPU "online", "0-2"); /* the word is not enough */
	assert_int_equal(judged(t, &knob_smt, "control", "off@1,3"), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_smt, "control", before), "");
	assert_holds(t, CPU "online", "0-3");
	assert_int_equal(judged(t, &knob_smt, "control", before), KNOB_OK);
	assert_int_equal(judged(t, &knob_smt, "control", "off@1,3"), KNOB_DRIFT);
}

static void test_one_cpu(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_smt, "cpu3 online"), "1@2-3");
	assert_string_equal(written(t, &knob_smt, "cpu3 online", "0@2-3"), "");
	assert_holds(t, CPU "cpu3/online", "0");
	assert_holds(t, CPU "online", "0-2");
	assert_int_equal(judged(t, &knob_smt, "cpu3 online", "0"), KNOB_OK);
	assert_string_equal(value_now(t, &knob_smt, "cpu9 online"), ERR_NOT_APPLICABLE);
	assert_string_equal(value_now(t, &knob_smt, "cpu3"), ERR_NOT_APPLICABLE);
}

/* The kernel takes the topology of offline CPUs away; an original knows it. */
static void test_cores_are_remembered(void **state)
{
	struct cputree *t = *state;
	struct cpuset off, on;

	put(t, CONTROL, "off");
	put(t, CPU "online", "0,2");
	put(t, CPU "cpu1/topology/thread_siblings_list", "1");
	put(t, CPU "cpu0/topology/thread_siblings_list", "0");
	put(t, CPU "cpu2/topology/thread_siblings_list", "2");
	put(t, CPU "cpu3/topology/thread_siblings_list", "3");
	cputree_read(t);
	assert_int_equal(t->host->n_siblings, 4);
	assert_string_equal(value_now(t, &knob_smt, "control"), "off@1,3"); /* what is gone, for want of better */
	knob_smt.recall(t->host, "cpu1 online", "1@0-1");
	knob_smt.recall(t->host, "cpu3 online", "1@2-3");
	knob_smt.recall(t->host, "control", "on@1,3");
	assert_int_equal(t->host->n_siblings, 2);
	assert_string_equal(value_now(t, &knob_smt, "cpu3 online"), "1@2-3");
	assert_string_equal(parsed(t, &knob_smt, "control", "control", "off"), "off@1,3");

	knob_smt.hotplugs("control", "off@1,3", &off, &on);
	assert_true(cpuset_count(&off) == 2 && cpuset_has(&off, 1) && cpuset_has(&off, 3) && cpuset_is_empty(&on));
	knob_smt.hotplugs("control", "on@1,3", &off, &on);
	assert_true(cpuset_is_empty(&off) && cpuset_count(&on) == 2);
	knob_smt.hotplugs("cpu3 online", "0@2-3", &off, &on);
	assert_true(cpuset_count(&off) == 1 && cpuset_has(&off, 3) && cpuset_is_empty(&on));
	knob_smt.hotplugs("tasks", "500/501:5010=3", &off, &on);
	assert_true(cpuset_is_empty(&off) && cpuset_is_empty(&on));
}

static void test_clash(void **state)
{
	(void)state;
	assert_non_null(knob_smt.clash("control", "off@1,3", "cpu3 online", "1@2-3"));
	assert_non_null(knob_smt.clash("cpu3 online", "1@2-3", "control", "off@1,3"));
	assert_null(knob_smt.clash("cpu3 online", "0@2-3", "control", "off@1,3"));
	assert_null(knob_smt.clash("cpu2 online", "1@2-3", "control", "off@1,3"));
	assert_null(knob_smt.clash("cpu3 online", "1@2-3", "control", "on@1,3"));
	assert_null(knob_smt.clash("cpu3 online", "1@2-3", "cpu1 online", "0@0-1"));
}

static int collect(void *data, const char *knob, const char *key, struct hft_err *err)
{
	(void)err;
	strbuf_addf(data, "%s:%s ", knob, key);
	return 0;
}

static void test_coupled(void **state)
{
	struct cputree *t = *state;
	CLEANUP(strbuf_done) struct strbuf all = {0};

	assert_int_equal(knob_smt.coupled(&t->c, "control", collect, &all, &t->err), 0);
	assert_string_equal(strbuf_str(&all),
	                    "smt:cpu1 online smt:cpu3 online smt:interrupts smt:cpusets smt:tasks ");
	strbuf_reset(&all);
	assert_int_equal(knob_smt.coupled(&t->c, "tasks", collect, &all, &t->err), 0);
	assert_string_equal(strbuf_str(&all), "");
	assert_true(knob_smt.order("control") < knob_smt.order("cpu1 online"));
	assert_true(knob_smt.order("cpu1 online") < knob_smt.order("cpusets"));
	assert_true(knob_smt.order("cpusets") < knob_smt.order("tasks"));
}

/* --- masks ---------------------------------------------------------------------------------------------------------- */

static void test_threads_that_the_kernel_let_loose(void **state)
{
	struct cputree *t = *state;
	CLEANUP(mem_freep) char *before = original(t, "tasks");

	assert_string_equal(before, "40:400=1;500/501:5010=3;600:6000=2-3"); /* not those bound, nor those with all CPUs */
	assert_int_equal(judged(t, &knob_smt, "tasks", before), KNOB_OK);
	put(t, CPU "online", "0,2");
	assert_string_equal(value_now(t, &knob_smt, "tasks"), ""); /* none that would hold */
	put_task(t, 500, 501, "a) (b", PF_USER, "0-3");
	put_task(t, 40, 40, "a) (b", PF_KERNEL, "0-3");
	assert_int_equal(judged(t, &knob_smt, "tasks", before), KNOB_OK); /* nothing can be mended yet */
	assert_string_equal(written(t, &knob_smt, "tasks", before), "");
	assert_string_equal(allowed(t, 500, 501), "0-3");
	put(t, CPU "online", "0-3");
	assert_int_equal(judged(t, &knob_smt, "tasks", before), KNOB_DRIFT);
	assert_non_null(strstr(t->verdict.reason, "40:400"));
	assert_string_equal(written(t, &knob_smt, "tasks", before), "");
	assert_string_equal(allowed(t, 500, 501), "3");
	assert_string_equal(allowed(t, 40, 40), "1");
	assert_string_equal(allowed(t, 600, 600), "2-3");
	assert_string_equal(allowed(t, 500, 500), "0-3");
	assert_int_equal(judged(t, &knob_smt, "tasks", before), KNOB_OK);
}

static void test_threads_of_others_are_left(void **state)
{
	struct cputree *t = *state;
	const char *before = "500/501:5010=3;600:6001=2-3;700:7000=1;40:9=1";

	put_task(t, 500, 501, "a) (b", PF_USER, "0-1"); /* pinned anew */
	put_task(t, 600, 600, "a) (b", PF_USER, "0-3"); /* another one with its number; 700 has ended */
	assert_int_equal(judged(t, &knob_smt, "tasks", before), KNOB_OK);
	assert_string_equal(written(t, &knob_smt, "tasks", before), "");
	assert_string_equal(allowed(t, 500, 501), "0-1");
	assert_string_equal(allowed(t, 600, 600), "0-3");
	assert_string_equal(allowed(t, 40, 40), "1");
	assert_string_equal(written(t, &knob_smt, "tasks", "500/501:5010=x"), ERR_IO);
}

/* Before Linux 6.2 a cpuset that changes gives all that it has; what it does not have cannot be put back. */
static void test_threads_in_a_cpuset(void **state)
{
	struct cputree *t = *state;

	put(t, "/proc/600/task/600/cgroup", "0::/a.slice/b.service");
	put(t, "/sys/fs/cgroup/a.slice/cpuset.cpus.effective", "1-3");
	put_task(t, 600, 600, "a) (b", PF_USER, "1-2");
	assert_non_null(strstr(value_now(t, &knob_smt, "tasks"), "600:6000=1-2"));
	put_task(t, 600, 600, "a) (b", PF_USER, "1-3");
	assert_null(strstr(value_now(t, &knob_smt, "tasks"), "600:6000")); /* it has asked for nothing */
	assert_int_equal(judged(t, &knob_smt, "tasks", "600:6000=2-3"), KNOB_DRIFT);
	assert_int_equal(judged(t, &knob_smt, "tasks", "600:6000=0-1"), KNOB_OK);
	put(t, "/proc/600/task/600/cgroup", "7:cpuset:/x\n0::/a.slice");
	put(t, V1 "cpuset.effective_cpus", "0-3");
	assert_int_equal(judged(t, &knob_smt, "tasks", "600:6000=2-3"), KNOB_OK); /* 1-3 of 0-3 is a choice */
	put(t, V1 "x/cpuset.effective_cpus", "2-3");
	put_task(t, 600, 600, "a) (b", PF_USER, "2-3");
	assert_int_equal(judged(t, &knob_smt, "tasks", "600:6000=3"), KNOB_DRIFT);
}

/* Who had all has all again; one that is short of a CPU for another reason is not touched. */
static void test_threads_that_had_all(void **state)
{
	struct cputree *t = *state;
	struct cpuset before;

	cpuset_parse("0,2", &before, NULL);
	put_task(t, 600, 600, "all", PF_USER, "0,2");
	put_task(t, 601, 601, "one", PF_USER, "0");
	put_task(t, 602, 602, "in a cpuset", PF_USER, "0,2");
	put(t, "/proc/602/task/602/cgroup", "0::/a.slice");
	put(t, "/sys/fs/cgroup/a.slice/cpuset.cpus.effective", "0,2");
	put_task(t, 603, 603, "bound", PF_BOUND, "0,2");
	assert_int_equal(masks_widen(&t->c, &before, &t->err), 0);
	assert_string_equal(allowed(t, 600, 600), "0-3");
	assert_string_equal(allowed(t, 601, 601), "0");
	assert_string_equal(allowed(t, 602, 602), "0,2");
	assert_string_equal(allowed(t, 603, 603), "0,2");
}

static void test_interrupts(void **state)
{
	struct cputree *t = *state;
	CLEANUP(mem_freep) char *before = original(t, "interrupts");

	assert_string_equal(before, "IO-APIC hwirq-5=3");
	put_irq(t, 5, "0,2"); /* all that were online while 1 and 3 were not */
	assert_int_equal(judged(t, &knob_smt, "interrupts", before), KNOB_DRIFT);
	put_irq(t, 5, "0-3"); /* all that there are */
	assert_int_equal(judged(t, &knob_smt, "interrupts", before), KNOB_DRIFT);
	put_irq(t, 5, "0"); /* somebody's choice */
	assert_int_equal(judged(t, &knob_smt, "interrupts", before), KNOB_OK);
	put_irq(t, 5, "0-2");
	put(t, CPU "online", "0,2");
	assert_int_equal(judged(t, &knob_smt, "interrupts", before), KNOB_OK);
	put(t, CPU "online", "0-3");
	assert_string_equal(written(t, &knob_smt, "interrupts", before), "");
	assert_holds(t, "/proc/irq/5/smp_affinity_list", "3");
	assert_holds(t, "/proc/irq/4/smp_affinity_list", "0-3");
}

static void test_cpusets_of_v1(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_smt, "cpusets"), "");
	put(t, V1 "cpuset.cpus", "0-3");
	put(t, V1 "x/cpuset.cpus", "0-3");
	put(t, V1 "x/y/cpuset.cpus", "2-3");
	put(t, V1 "z/cpuset.cpus", "");
	CLEANUP(mem_freep) char *before = original(t, "cpusets");
	assert_string_equal(before, "/x=0-3;/x/y=2-3");
	put(t, V1 "x/cpuset.cpus", "0,2");
	put(t, V1 "x/y/cpuset.cpus", "2");
	assert_int_equal(judged(t, &knob_smt, "cpusets", before), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_smt, "cpusets", before), "");
	assert_holds(t, V1 "x/cpuset.cpus", "0-3");
	assert_holds(t, V1 "x/y/cpuset.cpus", "2-3");
	put(t, V1 "x/y/cpuset.cpus", "1-2"); /* somebody's choice */
	assert_int_equal(judged(t, &knob_smt, "cpusets", before), KNOB_OK);
}

/* --- what the kernel says --------------------------------------------------------------------------------------------- */

#ifdef HFT_FAULT
/* One after the other, as main() asks for them; the first test. */
static void test_refusals(void **state)
{
	static const struct {
		const char *key, *value, *code;
		int sys;
	} rows[] = {
		{ "control",     "on@1,3",  ERR_WRITE_FAILED,   EPERM  },
		{ "control",     "off@1,3", ERR_WRITE_FAILED,   EBUSY  },
		{ "control",     "off@1,3", ERR_NOT_APPLICABLE, ENODEV },
		{ "cpu3 online", "0",       ERR_WRITE_FAILED,   EBUSY  },
		{ "cpu3 online", "1",       ERR_WRITE_FAILED,   EBUSY  },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct cputree *t = *state;
		assert_string_equal(written(t, &knob_smt, rows[i].key, rows[i].value), rows[i].code);
		assert_int_equal(t->err.sys, rows[i].sys);
	}
}

#define REFUSALS                                                                                                       \
	"write@" CONTROL ":1:EPERM;write@" CONTROL ":2:EBUSY;write@" CONTROL ":3:ENODEV;"                              \
	"write@" CPU "cpu3/online:1:EBUSY;write@" CPU "cpu3/online:2:EPERM"
#endif

static void test_forceoff_is_never_written(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_smt, "control", "forceoff"), ERR_WRITE_FAILED);
	assert_holds(t, CONTROL, "on");
}

static void test_explain(void **state)
{
	(void)state;
	assert_explained(&knob_smt, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef HFT_FAULT
		TEST(test_refusals),
#endif
		TEST(test_list),
		TEST(test_parse),
		TEST(test_off_and_on_again),
		TEST(test_one_cpu),
		TEST(test_cores_are_remembered),
		TEST(test_clash),
		TEST(test_coupled),
		TEST(test_threads_that_the_kernel_let_loose),
		TEST(test_threads_of_others_are_left),
		TEST(test_threads_in_a_cpuset),
		TEST(test_threads_that_had_all),
		TEST(test_interrupts),
		TEST(test_cpusets_of_v1),
		TEST(test_forceoff_is_never_written),
		TEST(test_explain),
	};

#ifdef HFT_FAULT
	setenv("HFT_FAULT", REFUSALS, 1);
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
