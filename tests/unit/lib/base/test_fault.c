/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of lib/base/fault, through fsio. A FAULT build (make FAULT=1) injects and judges every kind of fault, each in a
 * child of its own, since the specification is read once per process. Any other build proves that nothing is injected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#ifndef HFT_FAULT

static void test_is_constantly_zero(void **state)
{
	(void)state;
	print_message("not a FAULT build: only that nothing is injected is tested; build with FAULT=1 for the rest\n");
	setenv("HFT_FAULT", "*:*:EIO", 1);
	for (int op = 0; op < FAULT_N_OPS; op++) {
		assert_int_equal(fault_before((enum fault_op)op, "/x"), 0);
		fault_after((enum fault_op)op, "/x");
	}
}

static void test_fsio_ignores_the_environment(void **state)
{
	CLEANUP(fsio_freep) struct fsio *fs = NULL;
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	(void)state;

	setenv("HFT_FAULT", "*:*:kill", 1);
	assert_int_equal(fsio_new("/", &fs, NULL), 0);
	assert_int_equal(fsio_read(fs, "/proc/version", &b, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_constantly_zero),
		cmocka_unit_test(test_fsio_ignores_the_environment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

struct tree {
	char root[64];
	struct fsio *fs;
};

static const char *full(const struct tree *t, const char *path)
{
	static char text[100];

	snprintf(text, sizeof(text), "%s%s", t->root, path);
	return text;
}

static void assert_content(const struct tree *t, const char *path, const char *expected)
{
	char content[4096] = "";
	int fd = open(full(t, path), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, content, sizeof(content) - 1) >= 0);
	close(fd);
	assert_string_equal(content, expected);
}

static void put(const struct tree *t, const char *path, const char *text)
{
	int fd = open(full(t, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int set_up(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	strcpy(t->root, "/tmp/test_fault.XXXXXX");
	assert_non_null(mkdtemp(t->root));
	assert_int_equal(fsio_new(t->root, &t->fs, NULL), 0);
	put(t, "/a", "old\n");
	put(t, "/b", "old\n");
	*state = t;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct tree *t = *state;

	assert_int_equal(nftw(t->root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	fsio_free(t->fs);
	free(t);
	return 0;
}

/* --- children ----------------------------------------------------------------------------------------------------- */

typedef int action_fn(struct tree *t);

/* Run the action under a specification; its negative result is the exit status. */
static pid_t spawn(struct tree *t, const char *spec, action_fn *action)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setenv("HFT_FAULT", spec, 1);
		_exit(-action(t));
	}
	return pid;
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_exits(struct tree *t, const char *spec, action_fn *action, int expected)
{
	int status = wait_for(spawn(t, spec, action));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), expected);
}

static void assert_killed(struct tree *t, const char *spec, action_fn *action)
{
	int status = wait_for(spawn(t, spec, action));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static int write_a(struct tree *t)
{
	return fsio_write(t->fs, "/a", "new", NULL);
}

/* Four writes; the first failure is the result, with the rest still tried. */
static int write_a_b_a_b(struct tree *t)
{
	int first = 0;

	for (int i = 0; i < 4; i++) {
		int r = fsio_write(t->fs, i % 2 == 0 ? "/a" : "/b", i < 2 ? "one" : "two", NULL);
		first = first != 0 ? first : r;
	}
	return first;
}

/* Every operation once, checking that an injected error arrives with its code, errno and path. */
static int everything(struct tree *t)
{
	struct hft_err err = { 0 };
	struct strbuf b = { 0 };
	struct strlist names = { 0 };
	int file = -1, lock = -1, r;

	(void)((r = fsio_lock(t->fs, "/LOCK", &lock, &err)) < 0 ||
	       (r = fsio_mkdirs(t->fs, "/dir", 0700, &err)) < 0 ||
	       (r = fsio_create(t->fs, "/dir/new", 0600, &file, &err)) < 0 ||
	       (r = fsio_append(file, "line\n", 5, "/dir/new", &err)) < 0 ||
	       (r = fsio_datasync(file, "/dir/new", &err)) < 0 ||
	       (r = fsio_truncate(file, 2, "/dir/new", &err)) < 0 ||
	       (r = fsio_rename(t->fs, "/dir/new", "/dir/name", &err)) < 0 ||
	       (r = fsio_sync_dir(t->fs, "/dir", &err)) < 0 ||
	       (r = fsio_write(t->fs, "/a", "new", &err)) < 0 ||
	       (r = fsio_read(t->fs, "/a", &b, &err)) < 0 ||
	       (r = fsio_list(t->fs, "/dir", &names, &err)) < 0 ||
	       (r = fsio_unlink(t->fs, "/dir/name", &err)) < 0);
	strbuf_done(&b);
	strlist_done(&names);
	mem_closep(&file);
	mem_closep(&lock);
	if (r < 0 && (err.sys != -r || !str_eq(err.code, ERR_IO) || !str_starts(err.subject, "/")))
		return -99;
	return r;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *op, *path;
} passed[] = { /* what everything() passes, in order */
	{ "lock", "/LOCK" },
	{ "mkdir", "/dir" },
	{ "open", "/dir/new" },
	{ "append", "/dir/new" },
	{ "sync", "/dir/new" },
	{ "truncate", "/dir/new" },
	{ "rename", "/dir/name" },
	{ "sync", "/dir" },
	{ "open", "/a" },
	{ "write", "/a" },
	{ "open", "/a" },
	{ "read", "/a" },
	{ "list", "/dir" },
	{ "unlink", "/dir/name" },
};

static void test_without_specification(void **state)
{
	assert_exits(*state, "", everything, 0);
}

static void test_count_names_every_failpoint(void **state)
{
	struct tree *t = *state;
	CLEANUP(strbuf_done) struct strbuf b = { 0 };

	setenv("HFT_FAULT_COUNT", full(t, "/count"), 1);
	assert_exits(t, "", everything, 0);
	unsetenv("HFT_FAULT_COUNT");
	for (size_t i = 0; i < ARRAY_LEN(passed); i++)
		strbuf_addf(&b, "%s %s\n", passed[i].op, passed[i].path);
	assert_content(t, "/count", strbuf_str(&b));
}

/* Walk over all of them, as the promise tests do: the Nth call fails, and only that one. */
static void test_nth_call_fails(void **state)
{
	char spec[64];

	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		snprintf(spec, sizeof(spec), "*:%zu:EDQUOT", i + 1);
		assert_exits(*state, spec, everything, EDQUOT);
		tear_down(state); /* what was made so far is in the way of the next round */
		set_up(state);
	}
	snprintf(spec, sizeof(spec), "*:%zu:EDQUOT", ARRAY_LEN(passed) + 1);
	assert_exits(*state, spec, everything, 0);
}

static void test_each_operation_by_name(void **state)
{
	char spec[64];

	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		snprintf(spec, sizeof(spec), "%s@%s:*:ENOSPC", passed[i].op, passed[i].path);
		assert_exits(*state, spec, everything, ENOSPC);
		tear_down(state);
		set_up(state);
	}
}

static void test_when(void **state)
{
	static const struct {
		const char *spec;
		int r;
		const char *a, *b;
	} rows[] = {
		{ "write:1:EIO",                     EIO,    "two\n", "two\n" },
		{ "write:3:EIO",                     EIO,    "one\n", "two\n" },
		{ "write:3+:EIO",                    EIO,    "one\n", "one\n" },
		{ "write:*:EIO",                     EIO,    "old\n", "old\n" },
		{ "write@/b:2:EIO",                  EIO,    "two\n", "one\n" }, /* only matching calls count */
		{ "write@/[bc]:*:EIO",               EIO,    "two\n", "old\n" },
		{ "write@/c:*:EIO",                  0,      "two\n", "two\n" },
		{ "read:*:EIO",                      0,      "two\n", "two\n" },
		{ "write@/b:2:EPERM;write:*:EACCES", EACCES, "old\n", "old\n" },
		{ "write:1:EPERM;write:1:EACCES",    EPERM,  "two\n", "two\n" }, /* the first rule acts, both count */
		{ "write:1:EPERM;write:2:EACCES",    EPERM,  "two\n", "two\n" },
		{ "open@/a:*:EAGAIN",                EAGAIN, "old\n", "two\n" },
		{ "write:5:EIO",                     0,      "two\n", "two\n" },
	};
	struct tree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put(t, "/a", "old\n");
		put(t, "/b", "old\n");
		assert_exits(t, rows[i].spec, write_a_b_a_b, rows[i].r);
		assert_content(t, "/a", rows[i].a);
		assert_content(t, "/b", rows[i].b);
	}
}

static int write_pci(struct tree *t)
{
	return fsio_write(t->fs, "/0000:00:03.0", "1", NULL);
}

static void test_paths_with_colons(void **state)
{
	put(*state, "/0000:00:03.0", "0\n");
	assert_exits(*state, "write@/0000:00:04.0:1:EIO", write_pci, 0);
	assert_exits(*state, "write@/0000:00:03.0:1:EIO", write_pci, EIO);
}

static void test_short(void **state)
{
	struct tree *t = *state;

	assert_exits(t, "write:1:short", write_a, EIO);
	assert_content(t, "/a", "new"); /* one byte less */
	assert_exits(t, "append:1:short", everything, EIO);
	assert_content(t, "/dir/new", "line");
	assert_exits(t, "open:*:short;read:*:short", write_a, 0); /* means nothing there */
}

static void test_kill(void **state)
{
	struct tree *t = *state;

	assert_killed(t, "write:1:kill", write_a);
	assert_content(t, "/a", "old\n");
	assert_killed(t, "write:1:kill-after", write_a);
	assert_content(t, "/a", "new\n");
	assert_killed(t, "write:2:kill-after", write_a_b_a_b);
	assert_content(t, "/a", "one\n");
	assert_content(t, "/b", "one\n");
	assert_killed(t, "rename:1:kill-after", everything);
	assert_content(t, "/dir/name", "li");
}

static int fail_then_write_b(struct tree *t)
{
	(void)fsio_write(t->fs, "/none", "1", NULL); /* its open fails, and "after" comes all the same */
	return fsio_write(t->fs, "/b", "new", NULL);
}

static void test_kill_after_a_failed_call(void **state)
{
	assert_killed(*state, "open@/none:1:kill-after", fail_then_write_b);
	assert_content(*state, "/b", "old\n");
}

static char process_state(pid_t pid)
{
	char path[32], text[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	CLEANUP(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return '?';
	const char *end = strrchr(text, ')');
	return end != NULL ? end[2] : '?';
}

/* Once the failpoint has been counted the child either sleeps in it, or goes on to its end. */
static void test_block(void **state)
{
	struct tree *t = *state;
	struct stat st;

	setenv("HFT_FAULT_COUNT", full(t, "/count"), 1);
	pid_t pid = spawn(t, "open:1:block", write_a);
	unsetenv("HFT_FAULT_COUNT");
	while (stat(full(t, "/count"), &st) < 0 || st.st_size == 0)
		sched_yield();
	while (process_state(pid) != 'S' && process_state(pid) != 'Z')
		sched_yield();
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_true(WIFSIGNALED(wait_for(pid)));
	assert_content(t, "/a", "old\n");
}

/* One write, and then the second one in a forked worker. */
static int second_write_in_worker(struct tree *t)
{
	int r = fsio_write(t->fs, "/b", "new", NULL);
	pid_t pid = fork();

	if (r < 0 || pid < 0)
		return -98;
	if (pid == 0)
		_exit(-write_a(t));
	int status = wait_for(pid);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -97;
}

static void test_worker_starts_from_the_counts_of_its_parent(void **state)
{
	assert_exits(*state, "write:2:ENOLCK", second_write_in_worker, ENOLCK);
}

static void test_bad_specifications_end_the_process(void **state)
{
	static const char *const bad[] = {
		"write",       "write:1",       "wrote:1:EIO",   ":1:EIO",        "write:0:EIO",
		"write:x:EIO", "write:+:EIO",   "write:-1:EIO",  "write:1:EWHAT", "write:1:",
		"write:1:5",   "write:1:EIO;x", "write:1+2:EIO",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_exits(*state, bad[i], write_a, 125);
	assert_content(*state, "/a", "old\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_specification),
		TEST(test_count_names_every_failpoint),
		TEST(test_nth_call_fails),
		TEST(test_each_operation_by_name),
		TEST(test_when),
		TEST(test_paths_with_colons),
		TEST(test_short),
		TEST(test_kill),
		TEST(test_kill_after_a_failed_call),
		TEST(test_block),
		TEST(test_worker_starts_from_the_counts_of_its_parent),
		TEST(test_bad_specifications_end_the_process),
	};
	unsetenv("HFT_FAULT");
	unsetenv("HFT_FAULT_COUNT");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
