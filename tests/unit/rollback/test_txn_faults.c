/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of rollback/ against a disk that fails and a process that is killed, at every failpoint there is (make FAULT=1;
 * any other build has none, and skips). The host is one file that a small engine writes. Whatever happens, one recovery
 * must find it before or after, as the journal says, and what was told to the client must have been true: F5 to F11.
 *
 * Failpoints are read once per process, so every part runs in a child.
 */
#include "tests/unit/rollback/tree.h"

#ifndef HFT_FAULT

static void test_needs_failpoints(void **state)
{
	(void)state;
	print_message("not a FAULT build: build with FAULT=1\n");
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_needs_failpoints, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <signal.h>

#define PRE "{\"layers\":[\"before\"]}"
#define POST "{\"layers\":[\"after\"]}"
#define JOURNAL "txn/0002.journal"
#define CRASHED 1000 /* instead of an exit status */

enum { TOLD_OK, TOLD_FAILED, TOLD_NOT_RECORDED, TOLD_NOTHING };

/* --- children ----------------------------------------------------------------------------------------------------- */

static int run(struct tree *t, const char *faults, int (*part)(struct tree *t))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (faults != NULL)
			setenv("HFT_FAULT", faults, 1);
		_exit(part(t));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return CRASHED;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* How many failpoints a part passes. */
static int count_points(struct tree *t, int (*part)(struct tree *t))
{
	char path[100];
	int n = 0;

	snprintf(path, sizeof(path), "%s/count", t->root);
	setenv("HFT_FAULT_COUNT", path, 1);
	run(t, NULL, part);
	unsetenv("HFT_FAULT_COUNT");
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	for (int c = getc(f); c != EOF; c = getc(f))
		n += c == '\n';
	fclose(f);
	assert_int_equal(unlink(path), 0);
	return n;
}

/* --- the host, and a small engine --------------------------------------------------------------------------------- */

static void host_set(const struct tree *t, char value)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/host", t->root);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || pwrite(fd, &value, 1, 0) != 1)
		abort();
	close(fd);
}

static char host_get(const struct tree *t)
{
	char path[100], value = 0;

	snprintf(path, sizeof(path), "%s/host", t->root);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &value, 1, 0) != 1)
		abort();
	close(fd);
	return value;
}

static int undo(struct tree *t, struct txn *txn)
{
	txn_undoing(txn, NULL, NULL);
	host_set(t, '0');
	txn_undone(txn, 0, NULL);
	return txn_abort(txn, NULL) < 0 ? TOLD_NOT_RECORDED : TOLD_FAILED;
}

static int apply(struct tree *t)
{
	CLEANUP(json_freep) struct json *steps = parse(STEPS);
	CLEANUP(json_freep) struct json *after = parse(POST);
	CLEANUP(txn_freep) struct txn *txn = NULL;
	CLEANUP(mem_closep) int lock = -1;

	int r = store_lock(t->store, &lock, NULL);
	if (r == 0)
		r = txn_begin(t->store, &header, steps, after, &txn, NULL);
	if (r < 0)
		return TOLD_FAILED;
	r = txn_progress(txn, -1, NULL, 0, NULL);
	if (r == 0)
		host_set(t, '1');
	if (r == 0)
		r = txn_progress(txn, 0, NULL, 1, NULL);
	if (r == 0)
		r = txn_progress(txn, 1, NULL, -1, NULL);
	if (r == 0)
		r = txn_commit(txn, NULL, NULL);
	return r == 0 ? TOLD_OK : undo(t, txn);
}

/* Begins, and is killed in the midst of the steps. */
static int apply_and_die(struct tree *t)
{
	struct txn *txn = NULL;

	if (begin(t, POST, &txn) < 0 || txn_progress(txn, -1, NULL, 0, NULL) < 0)
		return 1;
	host_set(t, '1');
	return 0;
}

static int recover(struct tree *t)
{
	CLEANUP(store_view_done) struct store_view v = { 0 };
	CLEANUP(txn_open_done) struct txn_open open = { 0 };
	CLEANUP(mem_closep) int lock = -1;

	if (store_lock(t->store, &lock, NULL) < 0 || store_load(t->store, &v, NULL) < 0)
		return TOLD_NOTHING;
	if (v.damage->n > 0)
		return 50;
	if (v.unfinished == 0)
		return TOLD_OK;
	return txn_reopen(t->store, v.unfinished, &open, NULL) < 0 ? TOLD_NOTHING : undo(t, open.txn);
}

/* '0' or '1': the state in force; anything else is a failure. */
static int settled(struct tree *t)
{
	CLEANUP(store_view_done) struct store_view v = { 0 };

	if (store_load(t->store, &v, NULL) < 0 || v.damage->n > 0 || v.unfinished != 0 || v.state == NULL)
		return 'E';
	CLEANUP(mem_freep) char *text = json_print(v.state);
	return str_eq(text, PRE) ? '0' : str_eq(text, POST) ? '1' : 'X';
}

static int commit_pre(struct tree *t)
{
	CLEANUP(txn_freep) struct txn *txn = NULL;

	return begin(t, PRE, &txn) < 0 || txn_commit(txn, NULL, NULL) < 0;
}

/* A store with one committed transaction, and the host as before. */
static void start_over(struct tree *t)
{
	char state[100];

	snprintf(state, sizeof(state), "%s/state", t->root);
	nftw(state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	host_set(t, '0');
	assert_int_equal(run(t, NULL, commit_pre), 0);
}

/* After a recovery without faults the host is what the store says, and nothing lies around. */
static void check_invariant(struct tree *t, const char *spec, int told)
{
	int recovered = run(t, NULL, recover), state = run(t, NULL, settled), host = host_get(t);
	bool is_true = told == TOLD_OK ? host == '1' : told == CRASHED || host == '0';

	/* A disk that fails for good while the commit is flushed takes the question with it whether that was done. */
	if (told == TOLD_NOT_RECORDED && strchr(spec, '+') != NULL)
		state = host;
	if ((recovered != TOLD_OK && recovered != TOLD_FAILED) || state != host || !is_true || exists(t, "txn/new.tmp"))
		fail_msg("%s: told %d, recovery %d, state '%c', host '%c'", spec, told, recovered, state, host);
	assert_int_equal(run(t, NULL, recover), TOLD_OK);
}

/* --- every failpoint ---------------------------------------------------------------------------------------------- */

static const char *const actions[] = {
	"EIO", "ENOSPC", "EROFS", "EDQUOT", "ENOMEM", "EMFILE", "short", "kill", "kill-after",
};

static void check_point(struct tree *t, const char *spec, int (*part)(struct tree *t), bool begun)
{
	start_over(t);
	if (begun)
		assert_int_equal(run(t, NULL, apply_and_die), 0);
	int told = run(t, spec, part);
	if (begun && told == TOLD_OK)
		fail_msg("%s: recovered without a word", spec);
	assert_int_not_equal(told, 50);
	check_invariant(t, spec, begun ? TOLD_FAILED : told);
}

static void check_every_point(struct tree *t, int (*part)(struct tree *t), bool begun)
{
	start_over(t);
	if (begun)
		assert_int_equal(run(t, NULL, apply_and_die), 0);
	int n_points = count_points(t, part);

	assert_true(n_points > 10);
	for (int n = 1; n <= n_points; n++) {
		for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
			for (int on = 0; on < 2; on++) {
				char spec[40];
				snprintf(spec, sizeof(spec), "*:%d%s:%s", n, on ? "+" : "", actions[i]);
				check_point(t, spec, part, begun);
			}
		}
	}
	print_message("%d failpoints, %zu actions, once and for ever\n", n_points, ARRAY_LEN(actions));
}

static void test_every_point_of_apply(void **state)
{
	check_every_point(*state, apply, false);
}

static void test_every_point_of_recovery(void **state)
{
	check_every_point(*state, recover, true);
}

/* The undo after a commit that failed has failpoints of its own. */
static void test_every_point_after_a_failed_commit(void **state)
{
	struct tree *t = *state;
	static const char *const first[] = { "sync@*/0002.journal:1:EIO", "sync@*/0002.journal:2:EIO" };

	for (size_t f = 0; f < ARRAY_LEN(first); f++) {
		for (int n = 18; n <= 45; n++) {
			for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
				char spec[80];
				snprintf(spec, sizeof(spec), "%s;*:%d:%s", first[f], n, actions[i]);
				check_point(t, spec, apply, false);
			}
		}
	}
}

/* --- single faults, and what must be seen ------------------------------------------------------------------------- */

static ino_t inode_of(const struct tree *t, const char *path)
{
	struct stat st;

	assert_int_equal(stat(in_dir(t, path), &st), 0);
	return st.st_ino;
}

/* F9: a flush that failed is final for its file. */
static void test_failed_flush_is_final(void **state)
{
	struct tree *t = *state;
	char count[100];
	size_t n_syncs = 0;

	start_over(t);
	snprintf(count, sizeof(count), "%s/count", t->root);
	setenv("HFT_FAULT_COUNT", count, 1);
	assert_int_equal(run(t, "sync@*/0002.journal:2+:EIO", apply), TOLD_NOT_RECORDED);
	unsetenv("HFT_FAULT_COUNT");
	FILE *f = fopen(count, "re");
	char line[200];
	bool renewed = true;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (str_starts(line, "rename ") && strstr(line, JOURNAL) != NULL)
			renewed = true;
		if (!str_starts(line, "sync ") || strstr(line, JOURNAL) == NULL)
			continue;
		n_syncs++;
		if (n_syncs > 2)
			assert_true(renewed); /* the second failed: the next is for a new file */
		if (n_syncs >= 2)
			renewed = false;
	}
	fclose(f);
	assert_int_equal(unlink(count), 0);
	assert_true(n_syncs > 2);
	check_invariant(t, "one fault", TOLD_NOT_RECORDED);
}

static int commit_only(struct tree *t)
{
	struct txn *txn = NULL;

	if (begin(t, POST, &txn) < 0)
		return 9;
	return txn_commit(txn, NULL, NULL) < 0 ? 1 : 0;
}

static int is_open(struct tree *t)
{
	struct store_view v;

	return store_load(t->store, &v, NULL) == 0 && v.unfinished == 2 && v.committed == 1 && v.damage->n == 0;
}

/* Nobody may find a commit whose flush failed, not even before the undo begins. */
static void test_failed_commit_is_not_seen(void **state)
{
	static const char *const specs[] = {
		"sync@*/0002.journal:1:EIO", "sync@*/0002.journal:2:EIO", "sync@*/0002.journal:2:ENOSPC",
		"append@*/0002.journal:2+:ENOSPC", "append@*/0002.journal:1+:EIO",
	};
	struct tree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		start_over(t);
		assert_int_equal(run(t, specs[i], commit_only), 1);
		assert_int_equal(run(t, NULL, is_open), 1);
	}
}

/* The undo of such a commit is recorded in another file. */
static int commit_fails_then_undo(struct tree *t)
{
	struct txn *txn = NULL;

	if (begin(t, POST, &txn) < 0)
		return 9;
	ino_t before = inode_of(t, JOURNAL);
	if (txn_commit(txn, NULL, NULL) == 0 || inode_of(t, JOURNAL) != before)
		return 8;
	/* Already before the host is touched: a power cut in the midst of the undo must not bring the commit back. */
	if (txn_undoing(txn, NULL, NULL) < 0 || inode_of(t, JOURNAL) == before)
		return 7;
	return undo(t, txn);
}

static void test_undo_goes_to_a_new_file(void **state)
{
	struct tree *t = *state;

	start_over(t);
	assert_int_equal(run(t, "sync@*/0002.journal:2:EIO", commit_fails_then_undo), TOLD_FAILED);
	check_invariant(t, "one fault", TOLD_FAILED);
}

/* The flush of an end that fails is made good with a new file too, and nobody hears of it. */
static void test_end_is_tried_twice(void **state)
{
	static const char *const specs[] = {
		"append@*/0002.journal:2:EROFS;sync@*/0002.journal:1:EIO", /* before the seal */
		"append@*/0002.journal:2:EROFS;sync@*/0002.journal:2:EIO", /* after it */
	};
	struct tree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		start_over(t);
		assert_int_equal(run(t, specs[i], apply), TOLD_FAILED);
		assert_int_equal(run(t, NULL, settled), '0');
		check_invariant(t, specs[i], TOLD_FAILED);
	}
}

static int end_twice(struct tree *t)
{
	CLEANUP(json_freep) struct json *objects = parse("[\"irq 4\"]");
	struct txn *txn = NULL;

	if (begin(t, POST, &txn) < 0 || txn_abort(txn, NULL) == 0)
		return 9;
	return txn_incomplete(txn, objects, &t->err) == -EALREADY ? 0 : 1;
}

/* An end that is not durable is an end all the same: a second one behind it would be damage. */
static void test_end_that_is_not_durable(void **state)
{
	struct tree *t = *state;

	start_over(t);
	assert_int_equal(run(t, "sync@*/0002.journal:*:EIO;open@*/new.tmp:2+:EIO", end_twice), 0);
	assert_int_equal(run(t, NULL, settled), '0');
}

/* What a short append leaves is cut off, so that the next one stands on a line of its own. */
static void test_short_append_is_cut(void **state)
{
	static const char spec[] = "append@*/0002.journal:2:short;append@*/0002.journal:3:short";
	struct tree *t = *state;

	start_over(t);
	assert_int_equal(run(t, spec, apply), TOLD_FAILED);
	assert_int_equal(run(t, NULL, settled), '0');
	check_invariant(t, spec, TOLD_FAILED);
}

/* F6, F7: an append that lacks room takes the reserve, and the next transaction makes a new one. */
static void test_reserve(void **state)
{
	static const char *const specs[] = { "append@*/0002.journal:1:ENOSPC", "append@*/0002.journal:1:EDQUOT",
		                             "append@*/0002.journal:4:short" };
	struct tree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		start_over(t);
		assert_true(exists(t, "reserve"));
		assert_int_equal(run(t, specs[i], apply), TOLD_OK);
		assert_false(exists(t, "reserve"));
		check_invariant(t, "one fault", TOLD_OK);
		assert_int_equal(run(t, NULL, apply), TOLD_OK);
		assert_true(exists(t, "reserve"));
	}
}

/* F5, F8: no room before anything was touched. */
static void test_no_room_to_begin(void **state)
{
	static const char *const specs[] = {
		"append@*/new.tmp:1:ENOSPC", "append@*/new.tmp:1:short", "open@*/new.tmp:1+:ENOSPC",
		"rename@*:1:ENOSPC", "sync@*/new.tmp:1:ENOSPC", "sync@*/txn:1:EIO", "append@*/new.tmp:1:EDQUOT",
	};
	struct tree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		start_over(t);
		assert_int_equal(run(t, specs[i], apply), TOLD_FAILED);
		assert_false(exists(t, JOURNAL));
		assert_false(exists(t, "txn/new.tmp"));
		assert_true(exists(t, "reserve"));
		check_invariant(t, "one fault", TOLD_FAILED);
	}
	start_over(t);
	assert_int_equal(unlink(in_dir(t, "reserve")), 0);
	assert_int_equal(run(t, "append@*/reserve:1:short", apply), TOLD_FAILED);
	assert_false(exists(t, "reserve"));
	assert_false(exists(t, JOURNAL));
}

/* F11: a read-only disk does not hinder the undo; that it could not be recorded is said. */
static void test_read_only_recovery(void **state)
{
	struct tree *t = *state;

	start_over(t);
	assert_int_equal(run(t, NULL, apply_and_die), 0);
	assert_int_equal(host_get(t), '1');
	/* The sixth opening is that for appending. */
	assert_int_equal(run(t, "lock@*:*:EROFS;open@*/0002.journal:6:EROFS;open@*/new.tmp:*:EROFS;append@*:*:EROFS;"
	                        "truncate@*:*:EROFS;rename@*:*:EROFS;unlink@*:*:EROFS",
	                     recover),
	                 TOLD_NOT_RECORDED);
	assert_int_equal(host_get(t), '0');
	check_invariant(t, "one fault", TOLD_NOT_RECORDED);
}

static int load_fails(struct tree *t)
{
	struct store_view v;

	return store_load(t->store, &v, &t->err) == -EIO && str_eq(t->err.code, ERR_IO);
}

/* What cannot be read may be readable again: it is an error, and no damage to be set aside. */
static void test_unreadable_is_no_damage(void **state)
{
	struct tree *t = *state;

	start_over(t);
	assert_int_equal(run(t, "read@*/0001.journal:1:EIO", load_fails), 1);
	assert_int_equal(run(t, "list@*:1:EIO", load_fails), 1);
	assert_int_equal(run(t, NULL, settled), '0');
}

/* A quarantine that is cut short leaves every file in one place or the other. */
static int quarantine(struct tree *t)
{
	return store_quarantine(t->store, NULL) < 0;
}

static void test_every_point_of_quarantine(void **state)
{
	struct tree *t = *state;

	for (int n = 1;; n++) {
		char spec[40];
		start_over(t);
		assert_int_equal(chmod(in_dir(t, "txn/0001.journal"), 0644), 0);
		snprintf(spec, sizeof(spec), "*:%d:kill", n);
		int r = run(t, spec, quarantine);
		assert_true(exists(t, "txn/0001.journal") != exists(t, "quarantine/0001.journal"));
		assert_int_equal(run(t, NULL, quarantine), 0);
		assert_true(exists(t, "quarantine/0001.journal"));
		if (r != CRASHED)
			break;
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_every_point_of_apply),
		TEST(test_every_point_of_recovery),
		TEST(test_every_point_after_a_failed_commit),
		TEST(test_failed_flush_is_final),
		TEST(test_failed_commit_is_not_seen),
		TEST(test_undo_goes_to_a_new_file),
		TEST(test_end_is_tried_twice),
		TEST(test_end_that_is_not_durable),
		TEST(test_short_append_is_cut),
		TEST(test_reserve),
		TEST(test_no_room_to_begin),
		TEST(test_read_only_recovery),
		TEST(test_unreadable_is_no_damage),
		TEST(test_every_point_of_quarantine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
