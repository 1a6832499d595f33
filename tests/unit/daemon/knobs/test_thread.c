/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of knob_thread.c, thread_find.c and thread_value.c: on a recorded /proc with threads that no kernel has (their
 * numbers are beyond its limit), and, as root, on threads of a process of the test's own in a control group of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_thread;

#define GROUP "/sys/fs/cgroup/system.slice/redis-server.service"
#define REDIS "redis-server.service "
#define PF_WORKER 0x20u
#define PF_KERNEL 0x200000u
#define PF_BOUND 0x4000000u

struct recorded {
	int pid, tid;
	const char *name;
	unsigned flags;
	int nice, born, priority, policy;
	const char *cpus;
};

static void record(const struct cputree *t, const struct recorded *r)
{
	char path[128], text[512];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", r->pid, r->tid);
	snprintf(text, sizeof(text),
	         "%d (%s) S 1 1 1 0 -1 %u 5 0 0 0 1 2 0 0 20 %d 4 0 %d 1000 20 18446744073709551615 1 1 0 0 0 0 0 0 0 "
	         "0 0 0 17 3 %d %d 0 0 0 0 0 0 0 0 0 0 0",
	         r->tid, r->name, r->flags, r->nice, r->born, r->priority, r->policy);
	put(t, path, text);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", r->pid, r->tid);
	snprintf(text, sizeof(text), "Name:\t%s\nCpus_allowed:\t7\nCpus_allowed_list:\t%s\nMems_allowed:\t1", r->name,
	         r->cpus);
	put(t, path, text);
}

static const struct recorded threads[] = {
	{2, 2, "kthreadd", PF_KERNEL, 0, 0, 0, 0, "0-3"},
	{12, 12, "ksoftirqd/0", PF_KERNEL | PF_BOUND, 0, 3, 0, 0, "0"},
	{13, 13, "rcuog/0", PF_KERNEL, 0, 3, 1, SCHED_FIFO, "0-3"},
	{14, 14, "kworker/u8:0-events", PF_KERNEL | PF_WORKER, 0, 3, 0, 0, "0-3"},
	{31, 31, "irq/9-eth0 rx", PF_KERNEL, 0, 40, 50, SCHED_FIFO, "1"},
	{32, 32, "irq/90-other", PF_KERNEL, 0, 40, 50, SCHED_FIFO, "1"},
	{5000001, 5000001, "redis-server", 0, 0, 1000, 0, 0, "0-3"},
	{5000001, 5000002, "bio close file", 0, 5, 1001, 0, 0, "0-3"},
	{5000001, 5000003, "io_thd_1", 0, 0, 1002, 0, 0, "0-3"},
	{5000001, 5000004, "io_thd_2", 0, 0, 1002, 5, SCHED_RR, "0-1"},
	{5000009, 5000009, "io_thd_2", 0, -3, 1003, 0, SCHED_BATCH, "2-3"},
	{5000009, 5000010, "io_thd_2", 0, -3, 1004, 0, SCHED_BATCH, "2-3"},
	{5000020, 5000020, "sleep)(x", 0, 0, 1005, 0, 6, "0-3"},
	{5000021, 5000021, "bad\x01name", 0, 0, 1005, 0, 0, "0-3"},
};

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		record(t, &threads[i]);
	put(t, "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu");
	put(t, GROUP "/cgroup.procs", "5000001");
	put(t, GROUP "/child/cgroup.procs", "0\n5000009\n5000099"); /* of another namespace; gone */
	put(t, "/sys/fs/cgroup/hft.slice/hft-a.slice/odd.service/cgroup.procs", "5000020\n5000021");
	put(t, "/usr/lib/systemd/system/redis-server.service", "[Service]");
	put(t, "/usr/lib/systemd/system/worker@.service", "[Service]");
	put(t, "/etc/systemd/system/x", "");
	char full[256];
	assert_int_equal(symlink("/usr/lib/systemd/system/redis-server.service",
	                         cputree_real(t, "/etc/systemd/system/redis.service", full)), 0);
	put(t, "/sys/kernel/irq/9/chip_name", "IO-APIC");
	put(t, "/sys/kernel/irq/9/hwirq", "9");
	put(t, "/sys/kernel/irq/9/actions", "eth0");
	put(t, "/sys/kernel/irq/8/chip_name", "IO-APIC");
	put(t, "/sys/kernel/irq/8/hwirq", "8");
	put(t, "/sys/kernel/irq/8/actions", "rtc0");
	put(t, "/proc/irq/8/smp_affinity_list", "0-3");
	put(t, "/proc/irq/9/smp_affinity_list", "0-3");
	cputree_read(t);
	t->c.copied = false; /* as the engine has it on a live host; what is written here reaches no thread */
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

/* --- whose threads ------------------------------------------------------------------------------------------------ */

static void threads_of_a_unit_are_listed_by_name(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_thread, REDIS "io_thd_*", "policy"),
	                    REDIS "io_thd_1 policy|" REDIS "io_thd_2 policy");
	assert_string_equal(listed(t, &knob_thread, REDIS " bio close file", "nice"), REDIS "bio close file nice");
	assert_string_equal(listed(t, &knob_thread, "redis.service redis-server", "affinity"),
	                    REDIS "redis-server affinity"); /* a link to the unit */
	assert_string_equal(listed(t, &knob_thread, REDIS "jemalloc_*", "nice"), "");
	assert_string_equal(listed(t, &knob_thread, REDIS "jemalloc_bg_thd", "nice"), REDIS "jemalloc_bg_thd nice(na)");
	/* in a slice of a slice; a name with brackets; one that no text can hold; deadline scheduling */
	assert_string_equal(listed(t, &knob_thread, "odd.service *", "affinity"), "odd.service sleep)(x affinity");
	assert_string_equal(listed(t, &knob_thread, "odd.service *", "policy"), "odd.service sleep)(x policy(na)");
}

static void units_that_do_not_run(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_thread, "worker@7.service pool-*", "nice"),
	                    "worker@7.service pool-* nice(na)");
	assert_string_equal(t->objects.o[0].na, "worker@7.service is not running");
	assert_string_equal(listed(t, &knob_thread, "nosuch.service *", "nice"), ERR_NO_MATCH);
	take_away(t, GROUP "/cgroup.procs");
	take_away(t, GROUP "/child/cgroup.procs");
	assert_string_equal(listed(t, &knob_thread, REDIS "*", "nice"), REDIS "* nice(na)");
	assert_string_equal(value_now(t, &knob_thread, REDIS "io_thd_1 nice"), ERR_NOT_APPLICABLE);
	assert_int_equal(judged(t, &knob_thread, REDIS "io_thd_1 nice", "0"), KNOB_PENDING);
	assert_string_equal(t->verdict.reason, "restart (redis-server.service is not running)");
	assert_string_equal(written(t, &knob_thread, REDIS "io_thd_1 nice", "0"), ERR_NOT_APPLICABLE);
}

static void threads_of_the_kernel(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_thread, "kernel *", "policy"),
	                    "kernel kthreadd policy|kernel ksoftirqd/0 policy|kernel rcuog/0 policy|"
	                    "kernel irq/9-eth0 rx policy|kernel irq/90-other policy");
	assert_string_equal(listed(t, &knob_thread, "kernel ksoftirqd/*", "affinity"),
	                    "kernel ksoftirqd/0 affinity(na)");
	assert_string_equal(listed(t, &knob_thread, "kernel rcuop/0", "nice"), "kernel rcuop/0 nice(na)");
	assert_string_equal(value_now(t, &knob_thread, "kernel rcuog/0 policy"), "fifo 1@13!3");
	/* another thread has got the number since the list was made */
	record(t, &(struct recorded){13, 13, "other", PF_KERNEL, 0, 99, 0, 0, "0-3"});
	assert_string_equal(value_now(t, &knob_thread, "kernel rcuog/0 policy"), ERR_NOT_APPLICABLE);
	assert_string_equal(value_now(t, &knob_thread, "kernel other policy"), "other@13!99");
	assert_int_equal(judged(t, &knob_thread, "kernel rcuog/0 policy", "fifo 1"), KNOB_NA);
	record(t, &(struct recorded){12, 12, "ksoftirqd/0", 0, 0, 99, 0, 0, "0-3"}); /* of a user */
	assert_string_equal(value_now(t, &knob_thread, "kernel ksoftirqd/0 policy"), ERR_NOT_APPLICABLE);
}

static void threads_of_interrupts(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_thread, "irq eth0", "policy"), "irq IO-APIC hwirq-9 policy");
	assert_string_equal(listed(t, &knob_thread, "irq *", "policy"), "irq IO-APIC hwirq-9 policy");
	assert_string_equal(listed(t, &knob_thread, "irq rtc0", "policy"), "irq IO-APIC hwirq-8 policy(na)");
	assert_string_equal(listed(t, &knob_thread, "irq eth7", "policy"), ERR_NO_MATCH);
	assert_string_equal(listed(t, &knob_thread, "irq eth0", "affinity"), ERR_INVALID_PROFILE);
	assert_string_equal(value_now(t, &knob_thread, "irq IO-APIC hwirq-9 policy"), "fifo 50@31!40");
}

static void selectors_that_make_no_sense(void **state)
{
	struct cputree *t = *state;
	static const char *const bad[] = {"", "kernel", REDIS, "redis-server io_thd_1", "../x.service *", ".service a"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_string_equal(listed(t, &knob_thread, bad[i], "nice"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_thread, REDIS "*", "priority"), ERR_INVALID_PROFILE);
	t->c.copied = true;
	assert_string_equal(listed(t, &knob_thread, REDIS "*", "nice"), REDIS "* nice(na)");
	assert_string_equal(value_now(t, &knob_thread, REDIS "io_thd_1 nice"), ERR_NOT_APPLICABLE);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static void values_are_strict(void **state)
{
	struct cputree *t = *state;
	static const struct {
		const char *option, *value, *canonical;
	} cases[] = {
		{"affinity", "0,1,2", "0-2"},
		{"affinity", "", ERR_INVALID_PROFILE},
		{"affinity", "all", ERR_INVALID_PROFILE},
		{"affinity", "7", ERR_OUT_OF_BOUNDS},
		{"affinity", "3", ERR_OUT_OF_BOUNDS}, /* present, and offline */
		{"policy", "other", "other"},
		{"policy", "idle", "idle"},
		{"policy", "fifo 99", "fifo 99"},
		{"policy", "rr 1", "rr 1"},
		{"policy", "fifo", ERR_INVALID_PROFILE},
		{"policy", "fifo 0", ERR_OUT_OF_BOUNDS},
		{"policy", "fifo 100", ERR_OUT_OF_BOUNDS},
		{"policy", "fifo  5", ERR_INVALID_PROFILE},
		{"policy", "other 5", ERR_INVALID_PROFILE},
		{"policy", "deadline", ERR_INVALID_PROFILE},
		{"nice", "-20", "-20"},
		{"nice", "19", "19"},
		{"nice", "20", ERR_OUT_OF_BOUNDS},
		{"nice", "low", ERR_INVALID_PROFILE},
		{"slack", "1", ERR_INVALID_PROFILE},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(parsed(t, &knob_thread, REDIS "io_thd_1 x", cases[i].option, cases[i].value),
		                    cases[i].canonical);
	assert_string_equal(parsed(t, &knob_thread, NULL, "affinity", "7"), "7"); /* of a host that is not there */
	assert_string_equal(parsed(t, &knob_thread, NULL, "policy", "fifo 0"), ERR_OUT_OF_BOUNDS);
	assert_explained(&knob_thread, 3);
}

static void what_is_read_says_it_of_each(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_thread, REDIS "io_thd_2 policy"), "rr 5@5000004;batch@5000009-5000010!1004");
	assert_string_equal(value_now(t, &knob_thread, REDIS "io_thd_2 affinity"), "0-1@5000004;2@5000009-5000010!1004");
	assert_string_equal(value_now(t, &knob_thread, REDIS "io_thd_2 nice"), "0@5000004;-3@5000009-5000010!1004");
	assert_string_equal(value_now(t, &knob_thread, REDIS "io_thd_9 nice"), ERR_NOT_APPLICABLE);
	assert_string_equal(value_now(t, &knob_thread, "nonsense"), ERR_NOT_APPLICABLE);
}

static void verdicts(void **state)
{
	struct cputree *t = *state;
	const char *key = REDIS "io_thd_2 nice";

	assert_int_equal(judged(t, &knob_thread, REDIS "io_thd_1 affinity", "0-3"), KNOB_OK); /* 3 is offline */
	assert_int_equal(judged(t, &knob_thread, REDIS "io_thd_1 affinity", "0-1"), KNOB_DRIFT);
	assert_int_equal(judged(t, &knob_thread, key, "-3"), KNOB_DRIFT);
	assert_string_equal(t->verdict.reason, "1 of 3 threads, thread 5000004 has 0");
	/* of each what it had */
	assert_int_equal(judged(t, &knob_thread, key, "0@5000004;-3@5000009-5000010!1004"), KNOB_OK);
	assert_int_equal(judged(t, &knob_thread, key, "0@5000004-5000009;-3@5000010!1004"), KNOB_DRIFT);
	/* a thread that came later is nobody's change, one with a number that was another's neither */
	assert_int_equal(judged(t, &knob_thread, key, "0@5000004!1004"), KNOB_OK);
	assert_int_equal(judged(t, &knob_thread, key, "0@5000004,5000009-5000010!1002"), KNOB_OK);
	/* unless none is left that was meant: it stands for them */
	assert_int_equal(judged(t, &knob_thread, key, "7@5000004!900"), KNOB_DRIFT);
	assert_int_equal(judged(t, &knob_thread, REDIS "io_thd_1 nice", "0@7!900"), KNOB_OK);
	assert_int_equal(judged(t, &knob_thread, REDIS "io_thd_9 nice", "0"), KNOB_NA);
}

static const char *renewed(struct cputree *t, const char *key, const char *original, const char *applied)
{
	t->err = (struct hft_err){0};
	return knob_thread.renew(&t->c, key, original, applied, &t->b, &t->err) < 0 ? t->err.code : strbuf_str(&t->b);
}

static void originals_take_in_what_came_since(void **state)
{
	struct cputree *t = *state;
	const char *key = REDIS "io_thd_2 nice"; /* 0, -3, -3 */

	/* nothing new: what is known stays, whatever it holds now */
	assert_string_equal(renewed(t, key, "4@5000004;5@5000009-5000010!1004", "0"), "4@5000004;5@5000009-5000010!1004");
	/* a new one with a value of its own, beside one that has gone */
	assert_string_equal(renewed(t, key, "4@5000004,5000007!1002", "9"), "4@5000004;-3@5000009-5000010!1004");
	/* a new one with ours has inherited it */
	assert_string_equal(renewed(t, key, "4@5000004!1002", "-3@5000004!1002"), "4@5000004,5000009-5000010!1004");
	/* all are new: the service was started again, and nothing is inherited from one start to the next */
	assert_string_equal(renewed(t, key, "4@5000004!900", "-3"), "0@5000004;-3@5000009-5000010!1004");
	assert_string_equal(renewed(t, REDIS "io_thd_9 nice", "4@5000004!900", "-3"), ERR_NOT_APPLICABLE);
}

static void what_may_wipe_them(void **state)
{
	char text[KNOB_WIPED_MAX];

	(void)state;
	assert_string_equal(knob_thread.wiped_by(REDIS "io_thd_2 nice", text), "unit redis-server.service");
	assert_string_equal(knob_thread.wiped_by("irq IO-APIC hwirq-9 policy", text), "link");
	assert_null(knob_thread.wiped_by("kernel rcuog/0 policy", text));
	assert_in_range(knob_thread.order(REDIS "a affinity"), 0, knob_thread.order(REDIS "a nice") - 1);
	assert_in_range(knob_thread.order(REDIS "a nice"), 0, knob_thread.order(REDIS "a policy") - 1);
}

/* --- on real threads ---------------------------------------------------------------------------------------------- */

#define N_THREADS 3

static int tids[N_THREADS]; /* in the child */

struct service {
	pid_t pid;
	int out[2], tids[N_THREADS];
	char slice[64], group[128], unit[40], key[80];
	struct cputree t;
};

static void *idle_thread(void *data)
{
	int *tid = data;

	prctl(PR_SET_NAME, "hft worker");
	__atomic_store_n(tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	while (pause() < 0)
		;
	return NULL;
}

/* The threads of a service. The last one is not like the others. */
static _Noreturn void serve(int out)
{
	const struct sched_param none = {0};
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
	for (int i = 0; i < N_THREADS; i++)
		pthread_create(&thread, NULL, idle_thread, &tids[i]);
	for (int i = 0; i < N_THREADS; i++)
		while (!__atomic_load_n(&tids[i], __ATOMIC_ACQUIRE))
			sched_yield();
	sched_setscheduler(tids[N_THREADS - 1], SCHED_BATCH | SCHED_RESET_ON_FORK, &none);
	setpriority(PRIO_PROCESS, (id_t)tids[N_THREADS - 1], 13);
	(void)!write(out, tids, sizeof(tids));
	for (;;)
		pause();
}

static bool put_in_group(const struct service *s)
{
	char path[160];
	snprintf(path, sizeof(path), "%s/cgroup.procs", s->group);
	FILE *f = fopen(path, "w");
	bool there = f && fprintf(f, "%d\n", s->pid) > 0;

	return (!f || fclose(f) == 0) && there;
}

static void service_free(struct service *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	for (int i = 0; i < 200 && rmdir(s->group) < 0 && errno == EBUSY; i++)
		usleep(10000);
	rmdir(s->slice);
	strbuf_done(&s->t.b);
	knob_verdict_done(&s->t.verdict);
	host_free(s->t.host);
	fsio_free(s->t.fs);
	free(s);
}

/* NULL: not root, or no control groups here. */
static struct service *service_new(void)
{
	struct service *s = calloc(1, sizeof(*s));
	const char *base = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 ? "" : "/systemd";

	assert_non_null(s);
	assert_int_equal(pipe(s->out), 0);
	s->pid = fork();
	if (s->pid == 0)
		serve(s->out[1]);
	snprintf(s->unit, sizeof(s->unit), "hft-unit-%d.service", s->pid);
	snprintf(s->slice, sizeof(s->slice), "/sys/fs/cgroup%s/hftunit%d.slice", base, s->pid);
	snprintf(s->group, sizeof(s->group), "%s/%s", s->slice, s->unit);
	assert_int_equal(read(s->out[0], s->tids, sizeof(s->tids)), sizeof(s->tids));
	close(s->out[0]);
	close(s->out[1]);
	mkdir(s->slice, 0755);
	mkdir(s->group, 0755);
	if (geteuid() != 0 || !put_in_group(s)) {
		service_free(s);
		return NULL;
	}
	assert_int_equal(fsio_new(NULL, &s->t.fs, NULL), 0);
	assert_int_equal(host_read(s->t.fs, &s->t.host, NULL), 0);
	s->t.c = (struct knob_ctx){.fs = s->t.fs, .host = s->t.host};
	return s;
}

static const char *key_of(struct service *s, const char *option)
{
	snprintf(s->key, sizeof(s->key), "%s hft worker %s", s->unit, option);
	return s->key;
}

static void threads_get_it_and_each_goes_back(void **state)
{
	struct service *s = service_new();
	CLEANUP(mem_freep) char *original = NULL;
	int own = getpriority(PRIO_PROCESS, 0); /* of whoever runs the tests */

	(void)state;
	if (!s)
		skip();
	original = strdup(value_now(&s->t, &knob_thread, key_of(s, "policy")));
	assert_string_equal(written(&s->t, &knob_thread, s->key, "fifo 3"), "");
	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(sched_getscheduler(s->tids[i]) & ~SCHED_RESET_ON_FORK, SCHED_FIFO);
	assert_int_equal(sched_getscheduler(s->pid), SCHED_OTHER); /* of another name */
	assert_int_equal(judged(&s->t, &knob_thread, s->key, "fifo 3"), KNOB_OK);
	assert_int_equal(judged(&s->t, &knob_thread, s->key, original), KNOB_DRIFT);
	assert_string_equal(written(&s->t, &knob_thread, s->key, original), "");
	assert_int_equal(sched_getscheduler(s->tids[0]), SCHED_OTHER);
	assert_int_equal(sched_getscheduler(s->tids[2]), SCHED_BATCH | SCHED_RESET_ON_FORK);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)s->tids[0]), own);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)s->tids[2]), 13);
	assert_int_equal(judged(&s->t, &knob_thread, s->key, original), KNOB_OK);
	service_free(s);
}

static void nice_and_cpus_too(void **state)
{
	struct service *s = service_new();
	CLEANUP(mem_freep) char *nice = NULL, *cpus = NULL;
	int own = getpriority(PRIO_PROCESS, 0);
	cpu_set_t set;

	(void)state;
	if (!s)
		skip();
	nice = strdup(value_now(&s->t, &knob_thread, key_of(s, "nice")));
	assert_string_equal(written(&s->t, &knob_thread, s->key, "-7"), "");
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)s->tids[1]), -7);
	assert_string_equal(written(&s->t, &knob_thread, s->key, nice), "");
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)s->tids[1]), own);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)s->tids[2]), 13);
	cpus = strdup(value_now(&s->t, &knob_thread, key_of(s, "affinity")));
	assert_string_equal(written(&s->t, &knob_thread, s->key, "0"), "");
	assert_int_equal(sched_getaffinity(s->tids[1], sizeof(set), &set), 0);
	assert_int_equal(CPU_COUNT(&set), 1);
	assert_true(CPU_ISSET(0, &set));
	assert_string_equal(written(&s->t, &knob_thread, s->key, cpus), "");
	assert_string_equal(value_now(&s->t, &knob_thread, s->key), cpus);
	service_free(s);
}

static void what_the_kernel_refuses_is_said(void **state)
{
	struct service *s = service_new();

	(void)state;
	if (!s)
		skip();
	assert_string_equal(written(&s->t, &knob_thread, key_of(s, "affinity"), "8000"), ERR_WRITE_FAILED);
	assert_int_equal(s->t.err.sys, EINVAL);
	assert_true(s->t.err.hint[0] != '\0');
	service_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads_of_a_unit_are_listed_by_name, setup, teardown),
		cmocka_unit_test_setup_teardown(units_that_do_not_run, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_of_the_kernel, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_of_interrupts, setup, teardown),
		cmocka_unit_test_setup_teardown(selectors_that_make_no_sense, setup, teardown),
		cmocka_unit_test_setup_teardown(values_are_strict, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_read_says_it_of_each, setup, teardown),
		cmocka_unit_test_setup_teardown(verdicts, setup, teardown),
		cmocka_unit_test_setup_teardown(originals_take_in_what_came_since, setup, teardown),
		cmocka_unit_test(what_may_wipe_them),
		cmocka_unit_test(threads_get_it_and_each_goes_back),
		cmocka_unit_test(nice_and_cpus_too),
		cmocka_unit_test(what_the_kernel_refuses_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
