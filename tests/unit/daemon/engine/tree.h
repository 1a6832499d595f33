/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small copied host with profiles and a state directory, and an engine on it, for the tests of daemon/engine. The tree
 * is written with plain calls, so that what the engine left there is judged by something else than the engine.
 *
 * Four CPUs in two cores; a few sysctls (dirty_ratio with its twin), THP, two interrupts in use.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/engine/engine.h"
#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"
#include "rollback/store.h"
#include "tests/tools/tree.h"

#define UNUSED __attribute__((unused))
#define PROFILES "/etc/hfttune/profiles"
#define STATE "/var/lib/hfttune"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define BOOT_1 "11111111-1111-1111-1111-111111111111"
#define BOOT_2 "22222222-2222-2222-2222-222222222222"
#define BOOT_3 "33333333-3333-3333-3333-333333333333"

#define SWAPPINESS "/proc/sys/vm/swappiness"
#define STAT_INTERVAL "/proc/sys/vm/stat_interval"
#define PROACTIVENESS "/proc/sys/vm/compaction_proactiveness"
#define TIMER_MIGRATION "/proc/sys/kernel/timer_migration"
#define RMEM_MAX "/proc/sys/net/core/rmem_max"
#define DIRTY_RATIO "/proc/sys/vm/dirty_ratio"
#define DIRTY_BYTES "/proc/sys/vm/dirty_bytes"
#define MIN_FREE "/proc/sys/vm/min_free_kbytes"
#define WATCHDOG "/proc/sys/kernel/watchdog"
#define SOFT_WATCHDOG "/proc/sys/kernel/soft_watchdog" /* the same file here, as if the kernel kept both in step */
#define THP "/sys/kernel/mm/transparent_hugepage/enabled"
#define IRQ_4 "/proc/irq/4/smp_affinity_list"
#define IRQ_5 "/proc/irq/5/smp_affinity_list"

static const char *const tree_lines[] = {
	"f 0644 " BOOT_ID "\t" BOOT_1,
	"f 0644 /etc/machine-id\t0123456789abcdef0123456789abcdef",
	"f 0444 /proc/sys/kernel/osrelease\t6.1.0-56-amd64",
	"f 0444 /sys/devices/system/cpu/possible\t0-3",
	"f 0444 /sys/devices/system/cpu/present\t0-3",
	"f 0444 /sys/devices/system/cpu/online\t0-3",
	"f 0444 /sys/devices/system/cpu/cpu{0-3}/topology/physical_package_id\t0",
	"f 0444 /sys/devices/system/cpu/cpu{0-1}/topology/thread_siblings_list\t0-1",
	"f 0444 /sys/devices/system/cpu/cpu{2-3}/topology/thread_siblings_list\t2-3",
	"f 0444 /proc/meminfo\tMemTotal: 8388608 kB\\nMemFree: 4194304 kB\\nHugePages_Total: 0\\nHugepagesize: 2048 kB",
	"f 0644 " SWAPPINESS "\t60",
	"f 0644 " STAT_INTERVAL "\t1",
	"f 0644 " PROACTIVENESS "\t20",
	"f 0644 " TIMER_MIGRATION "\t1",
	"f 0644 " RMEM_MAX "\t212992",
	"f 0644 " WATCHDOG "\t1",
	"f 0644 " DIRTY_RATIO "\t20",
	"f 0644 " DIRTY_BYTES "\t0",
	"f 0644 " MIN_FREE "\t67584",
	"f 0644 " THP "\talways [madvise] never",
	"f 0444 /sys/kernel/irq/{4-5}/chip_name\tIO-APIC",
	"f 0444 /sys/kernel/irq/4/hwirq\t4",
	"f 0444 /sys/kernel/irq/5/hwirq\t5",
	"f 0444 /sys/kernel/irq/4/actions\tttyS0",
	"f 0444 /sys/kernel/irq/5/actions\tparport0",
	"f 0644 /proc/irq/{4-5}/smp_affinity\tf",
	"f 0644 /proc/irq/{4-5}/smp_affinity_list\t0-3",
	"f 0644 /proc/irq/{4-5}/effective_affinity\t2",
	"f 0644 /proc/irq/{4-5}/effective_affinity_list\t1",
	"d /etc/hfttune/profiles",
};

/* Every file whose content a test may find changed. */
static const char *const tunables[] = {
	SWAPPINESS, STAT_INTERVAL, PROACTIVENESS, TIMER_MIGRATION, RMEM_MAX, DIRTY_RATIO, DIRTY_BYTES, MIN_FREE, THP,
	WATCHDOG, IRQ_4, IRQ_5, "/proc/irq/4/smp_affinity", "/proc/irq/5/smp_affinity", "/proc/irq/4/effective_affinity_list",
	"/proc/irq/5/effective_affinity_list", "/proc/irq/4/effective_affinity", "/proc/irq/5/effective_affinity",
};
#define N_TUNABLES (sizeof(tunables) / sizeof(tunables[0]))

struct tree {
	char *root;
	int dir;
	struct fsio *fs;
	struct store *store;
	struct engine e;
	struct result result; /* of the last call */
	struct hft_err err;
	char before[N_TUNABLES][64]; /* what remember() saw */
	/* What happens before the step that names `object` is written. */
	const char *object;
	void (*event)(struct tree *t);
	size_t n_progress, n_looked; /* of a run, and of planning */
};

/* A path of the host, for the *at(2) calls that begin at the tree's root. */
static const char *below(const char *path)
{
	return path + 1;
}

/* --- files, with plain calls -------------------------------------------------------------------------------------- */

UNUSED static void put(const struct tree *t, const char *path, const char *text)
{
	char buf[4096];
	int len = snprintf(buf, sizeof(buf), "%s\n", text);
	int fd = openat(t->dir, below(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_in_range(len, 0, sizeof(buf) - 1);
	assert_int_equal(write(fd, buf, (size_t)len), len);
	close(fd);
}

/* The content without its newline. */
UNUSED static const char *get(const struct tree *t, const char *path)
{
	static char turn[4][4096];
	static unsigned n;
	char *buf = turn[n++ % 4];
	int fd = openat(t->dir, below(path), O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, buf, sizeof(turn[0]) - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (len < 0)
		return "(none)";
	buf[len] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

UNUSED static void take_away(const struct tree *t, const char *path)
{
	assert_int_equal(unlinkat(t->dir, below(path), 0), 0);
}

#define assert_file(t, path, text) assert_string_equal(get(t, path), text)

/* Note what all tunables hold, and make every later write show. */
UNUSED static void remember(struct tree *t)
{
	const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	for (size_t i = 0; i < N_TUNABLES; i++) {
		snprintf(t->before[i], sizeof(t->before[i]), "%s", get(t, tunables[i]));
		if (strcmp(t->before[i], "(none)") != 0)
			assert_int_equal(utimensat(t->dir, below(tunables[i]), long_ago, 0), 0);
	}
}

/* All tunables hold what remember() saw. */
UNUSED static void assert_as_before(const struct tree *t)
{
	for (size_t i = 0; i < N_TUNABLES; i++) {
		if (strcmp(get(t, tunables[i]), t->before[i]) != 0)
			fail_msg("%s: %s, was %s", tunables[i], get(t, tunables[i]), t->before[i]);
	}
}

UNUSED static bool was_written(const struct tree *t, const char *path)
{
	struct stat st;

	return fstatat(t->dir, below(path), &st, 0) == 0 && st.st_mtim.tv_sec != 1000;
}

/* How many tunables were written since remember(), with whatever value. */
UNUSED static size_t count_written(const struct tree *t)
{
	size_t n = 0;

	for (size_t i = 0; i < N_TUNABLES; i++)
		n += was_written(t, tunables[i]);
	return n;
}

/* --- the tree and its engine -------------------------------------------------------------------------------------- */

static void on_progress(void *data, size_t i UNUSED, size_t n, const char *object)
{
	struct tree *t = data;

	t->n_looked += n == 0;
	t->n_progress += n > 0 && object[0] != '\0';
	if (t->event && t->object && strcmp(object, t->object) == 0)
		t->event(t);
}

static struct tree *tree_new(void)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	assert_int_equal(tree_host(NULL, &t->root), 0);
	t->dir = open(t->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(t->dir >= 0);
	for (size_t i = 0; i < sizeof(tree_lines) / sizeof(tree_lines[0]); i++) {
		char line[256];

		snprintf(line, sizeof(line), "%s", tree_lines[i]);
		assert_int_equal(tree_line(t->dir, line), 0);
	}
	assert_int_equal(linkat(t->dir, below(WATCHDOG), t->dir, below(SOFT_WATCHDOG), 0), 0);
	assert_int_equal(fsio_new(t->root, &t->fs, NULL), 0);
	assert_int_equal(store_new(t->fs, STATE, &t->store, NULL), 0);
	t->e = (struct engine){.fs = t->fs, .files = t->fs, .store = t->store, .progress = on_progress, .data = t};
	assert_int_equal(strlist_add(&t->e.profile_dirs, PROFILES), 0);
	remember(t);
	return t;
}

UNUSED static int set_up(void **state)
{
	*state = tree_new();
	return 0;
}

UNUSED static int tear_down(void **state)
{
	struct tree *t = *state;

	result_done(&t->result);
	strlist_done(&t->e.profile_dirs);
	store_free(t->store);
	fsio_free(t->fs);
	close(t->dir);
	tree_remove(t->root);
	free(t->root);
	free(t);
	return 0;
}

UNUSED static void profile(const struct tree *t, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), PROFILES "/%s.conf", name);
	put(t, path, text);
}

UNUSED static void reboot(const struct tree *t)
{
	put(t, BOOT_ID, BOOT_2);
}

/* The machine restarts: everything volatile is back at its defaults, which are others now. */
UNUSED static void restart(struct tree *t)
{
	for (size_t i = 0; i < N_TUNABLES; i++)
		put(t, tunables[i], t->before[i]);
	put(t, SWAPPINESS, "61");
	reboot(t);
	remember(t);
}

/* An interrupt that was not there. */
UNUSED static void add_irq(struct tree *t)
{
	static const char *const lines[] = {
		"f 0444 /sys/kernel/irq/6/chip_name\tIO-APIC", "f 0444 /sys/kernel/irq/6/hwirq\t6",
		"f 0444 /sys/kernel/irq/6/actions\tfloppy",    "f 0644 /proc/irq/6/smp_affinity\tf",
		"f 0644 /proc/irq/6/smp_affinity_list\t0-3",   "f 0644 /proc/irq/6/effective_affinity\t4",
		"f 0644 /proc/irq/6/effective_affinity_list\t2",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char line[128];

		snprintf(line, sizeof(line), "%s", lines[i]);
		assert_int_equal(tree_line(t->dir, line), 0);
	}
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

typedef int (*engine_call)(const struct engine *e, const struct request *q, struct result *ret, struct hft_err *err);

UNUSED static int call(struct tree *t, engine_call f, const struct request *q)
{
	result_done(&t->result);
	t->err = (struct hft_err){0};
	t->n_progress = t->n_looked = 0;
	int r = f(&t->e, q, &t->result, &t->err);
	assert_true(r >= 0 || t->err.code);
	return r;
}

/* A request about the phase "PHASE" or "PROFILE/PHASE"; NULL: all. */
UNUSED static int call_phase(struct tree *t, engine_call f, struct request q, const char *phase)
{
	if (phase)
		assert_int_equal(strlist_add(&q.phases, phase), 0);
	int r = call(t, f, &q);
	strlist_done(&q.phases);
	return r;
}

static void assert_done(const struct tree *t, int r)
{
	if (r < 0)
		fail_msg("%s: %s: %s (%s) wanted %s found %s", t->err.code, t->err.subject, t->err.msg, t->err.where,
		         t->err.wanted, t->err.found);
}

UNUSED static void apply(struct tree *t, const char *name)
{
	assert_done(t, call(t, engine_apply, &(struct request){.profile = name}));
}

UNUSED static void plan(struct tree *t, const char *name)
{
	assert_done(t, call(t, engine_plan, &(struct request){.profile = name}));
}

UNUSED static void verify(struct tree *t)
{
	assert_done(t, call(t, engine_verify, &(struct request){0}));
}

UNUSED static void roll_back_phase(struct tree *t, const char *phase)
{
	assert_done(t, call_phase(t, engine_rollback, (struct request){0}, phase));
}

UNUSED static void roll_back_all(struct tree *t)
{
	assert_done(t, call(t, engine_rollback, &(struct request){.all = true}));
}

UNUSED static int call_repair(const struct engine *e, const struct request *q UNUSED, struct result *ret,
                              struct hft_err *err)
{
	return engine_repair(e, ret, err);
}

UNUSED static void repair(struct tree *t)
{
	assert_done(t, call(t, call_repair, NULL));
}

UNUSED static int call_replay(const struct engine *e, const struct request *q UNUSED, struct result *ret,
                              struct hft_err *err)
{
	return engine_replay(e, ret, err);
}

UNUSED static void replay(struct tree *t)
{
	assert_done(t, call(t, call_replay, NULL));
}

UNUSED static void assert_error(const struct tree *t, int r, const char *code, const char *subject)
{
	assert_true(r < 0);
	assert_string_equal(t->err.code, code);
	assert_string_equal(t->err.subject, subject);
}

/* --- what came out ------------------------------------------------------------------------------------------------ */

/* The step of an object ("sysctl vm.swappiness") that is about a phase; phase NULL: the first one of the object. */
UNUSED static const struct step *step_of(const struct tree *t, const char *object, const char *phase)
{
	for (size_t i = 0; i < t->result.n_steps; i++) {
		const struct step *st = &t->result.steps[i];
		size_t n = strlen(st->knob->name);

		if (strncmp(object, st->knob->name, n) == 0 && object[n] == ' ' && strcmp(object + n + 1, st->key) == 0 &&
		    (!phase || (st->phase && strcmp(phase, st->phase) == 0)))
			return st;
	}
	return NULL;
}

/* The name of its state, or "" when there is no such step. */
UNUSED static const char *state_of(const struct tree *t, const char *object, const char *phase)
{
	const struct step *st = step_of(t, object, phase);

	return st ? step_state_name(st->state) : "";
}

#define assert_state(t, object, phase, state) assert_string_equal(state_of(t, object, phase), state)

/* "PROFILE/PHASE" of the layers from bottom to top, with what is special about them. */
UNUSED static const char *layers(struct tree *t)
{
	static char text[1024];
	CLEANUP(json_freep) struct json *j = NULL;
	size_t n = 0;

	assert_done(t, engine_status(&t->e, &j, &t->err));
	text[0] = '\0';
	for (const struct json *l = json_first(json_get(j, "layers")); l; l = json_next(l))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s/%s%s%s", n ? " " : "",
		                      json_get_string(l, "profile", "?"), json_get_string(l, "phase", "?"),
		                      json_get_bool(l, "residue", false) ? "(residue)" : "",
		                      json_get_bool(l, "in_force", false) ? "" : "(not in force)");
	return text;
}

#define assert_layers(t, text) assert_string_equal(layers(t), text)

/* The journalled original of an object, or "(none)". */
UNUSED static const char *original_of(struct tree *t, const char *object)
{
	static char text[256];
	CLEANUP(store_view_done) struct store_view v = {0};

	assert_int_equal(store_load(t->store, &v, &t->err), 0);
	for (const struct json *o = json_first(json_get(v.state, "objects")); o; o = json_next(o)) {
		snprintf(text, sizeof(text), "%s %s", json_get_string(o, "knob", ""), json_get_string(o, "key", ""));
		if (strcmp(text, object) == 0) {
			snprintf(text, sizeof(text), "%s", json_get_string(o, "original", "(null)"));
			return text;
		}
	}
	return "(none)";
}

/* How many objects have an original in the journal. */
UNUSED static size_t n_originals(struct tree *t)
{
	CLEANUP(store_view_done) struct store_view v = {0};

	assert_int_equal(store_load(t->store, &v, &t->err), 0);
	return json_size(json_get(v.state, "objects"));
}

/* --- accidents ---------------------------------------------------------------------------------------------------- */

UNUSED static void end_the_process(struct tree *t UNUSED)
{
	_exit(77);
}

/* An apply that ends, as if killed, right before the step of `object` is written. The number of its transaction. */
UNUSED static int64_t crash_at(struct tree *t, const char *name, const char *object)
{
	CLEANUP(store_view_done) struct store_view v = {0};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		t->object = object;
		t->event = end_the_process;
		engine_apply(&t->e, &(struct request){.profile = name}, &t->result, &t->err);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 77);
	assert_int_equal(store_load(t->store, &v, &t->err), 0);
	assert_true(v.unfinished > 0);
	return v.unfinished;
}

/* During a later call, before the step of `object` is written. */
UNUSED static void when(struct tree *t, const char *object, void (*event)(struct tree *t))
{
	t->object = object;
	t->event = event;
}

/* Mode bits do not stop root: tests about refused writes run as somebody else. */
UNUSED static void become_nobody(void)
{
	if (geteuid() != 0)
		return;
	if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		abort();
	unsetenv("TMPDIR");        /* it may be root's alone */
	prctl(PR_SET_DUMPABLE, 1); /* or the leak checker cannot look */
}

UNUSED static void refuse_writes(const struct tree *t, const char *path, bool refuse)
{
	assert_int_equal(fchmodat(t->dir, below(path), refuse ? 0444 : 0644, 0), 0);
}
