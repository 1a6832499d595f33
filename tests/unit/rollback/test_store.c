/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of rollback/store, directory and prune: the directory as a whole. S1, S3, S5, S6, S7, S10 and F1 of threats. */
#include "tests/unit/rollback/tree.h"

#include <dirent.h>
#include <signal.h>

#include "rollback/record.h"

#define A "{\"layers\":[\"a\"]}"
#define B "{\"layers\":[\"b\"]}"
#define C "{\"layers\":[\"c\"]}"

static size_t n_names(const struct tree *t, const char *path)
{
	DIR *dir = opendir(in_dir(t, path));
	size_t n = 0;

	if (dir == NULL)
		return 0;
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void rename_in(const struct tree *t, const char *from, const char *to)
{
	assert_int_equal(rename(in_dir(t, from), in_dir(t, to)), 0);
}

static void copy_in(const struct tree *t, const char *from, const char *to)
{
	size_t len;
	CLEANUP(mem_freep) char *text = get_file(t, from, &len);

	put_file(t, to, text, len);
}

static void leave_open(struct tree *t)
{
	CLEANUP(txn_freep) struct txn *txn = NULL;

	assert_int_equal(begin(t, C, &txn), 0);
}

/* --- the directory ------------------------------------------------------------------------------------------------ */

static void test_new(void **state)
{
	struct tree *t = *state;
	struct store *s = NULL;

	assert_err(t, store_new(t->fs, "state", &s, &t->err), EINVAL, ERR_INVALID_ARGUMENT);
	assert_err(t, store_new(t->fs, "//", &s, &t->err), EINVAL, ERR_INVALID_ARGUMENT);
	assert_int_equal(store_new(t->fs, STATE_DIR "//", &s, &t->err), 0);
	assert_string_equal(store_dir(s), STATE_DIR);
	store_free(s);
}

/* P3: a read creates nothing. */
static void test_missing_is_empty(void **state)
{
	struct tree *t = *state;
	uint64_t generation;
	struct stat st;

	CLEANUP(store_view_done) struct store_view v = load(t);
	assert_int_equal(v.n_txns, 0);
	assert_int_equal(v.damage->n, 0);
	assert_null(v.state);
	assert_int_equal(store_generation(t->store, &generation, &t->err), 0);
	assert_int_equal(generation, v.generation);
	assert_int_equal(lstat(in_dir(t, ""), &st), -1);
	assert_int_equal(errno, ENOENT);
}

static mode_t mode_of(const struct tree *t, const char *path)
{
	struct stat st;

	assert_int_equal(lstat(in_dir(t, path), &st), 0);
	return st.st_mode & 07777;
}

static void test_lock_creates(void **state)
{
	struct tree *t = *state;
	CLEANUP(mem_closep) int lock = -1;
	mode_t before = umask(0);

	assert_int_equal(store_lock(t->store, &lock, &t->err), 0);
	umask(before);
	assert_int_equal(mode_of(t, ""), 0700);
	assert_int_equal(mode_of(t, "txn"), 0700);
	assert_int_equal(mode_of(t, "LOCK"), 0600);
	assert_int_equal(mode_of(t, ".."), 0755);
	assert_view(t, 0, NULL, 0, 0);
}

static int try_lock(struct tree *t)
{
	CLEANUP(mem_closep) int lock = -1;

	return store_lock(t->store, &lock, &t->err);
}

/* In another process. */
static int try_lock_elsewhere(struct tree *t)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(try_lock(t) == -EWOULDBLOCK && str_eq(t->err.code, ERR_BUSY));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status) ? -EWOULDBLOCK : 0;
}

static void test_lock_excludes(void **state)
{
	struct tree *t = *state;
	CLEANUP(mem_closep) int lock = -1;

	assert_int_equal(store_lock(t->store, &lock, &t->err), 0);
	assert_err(t, try_lock(t), EWOULDBLOCK, ERR_BUSY);
	assert_int_equal(try_lock_elsewhere(t), -EWOULDBLOCK);
	mem_closep(&lock);
	assert_int_equal(try_lock_elsewhere(t), 0);
}

/* A worker that inherited the descriptor holds the lock until it ends. */
static void test_lock_is_inherited(void **state)
{
	struct tree *t = *state;
	int lock = -1, status;

	assert_int_equal(store_lock(t->store, &lock, &t->err), 0);
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	mem_closep(&lock);
	assert_int_equal(try_lock(t), -EWOULDBLOCK);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(try_lock(t), 0);
}

static void test_lock_sweeps(void **state)
{
	struct tree *t = *state;

	assert_int_equal(try_lock(t), 0);
	put_file(t, "txn/new.tmp", "{", 1);
	assert_view(t, 0, NULL, 0, 0);
	assert_true(exists(t, "txn/new.tmp"));
	assert_int_equal(try_lock(t), 0);
	assert_false(exists(t, "txn/new.tmp"));
}

/* --- whose it is: F1, S10 ----------------------------------------------------------------------------------------- */

static void check_refused(struct tree *t)
{
	struct store_view v;

	assert_err(t, store_load(t->store, &v, &t->err), EPERM, ERR_STATE);
	assert_string_equal(t->err.subject, STATE_DIR);
	assert_err(t, try_lock(t), EPERM, ERR_STATE);
}

static void test_wide_mode(void **state)
{
	static const mode_t wide[] = { 0755, 0750, 0701, 0770, 0777, 01700 };
	struct tree *t = *state;

	commit_one(t, A);
	for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
		assert_int_equal(chmod(in_dir(t, ""), wide[i]), 0);
		check_refused(t);
	}
	assert_int_equal(chmod(in_dir(t, ""), 0700), 0);
	assert_view(t, 1, A, 0, 0);
}

static void test_link_or_file_in_the_way(void **state)
{
	struct tree *t = *state;
	char other[100], dir[100];

	snprintf(other, sizeof(other), "%s/other", t->root);
	snprintf(dir, sizeof(dir), "%s" STATE_DIR, t->root);
	commit_one(t, A);
	assert_int_equal(rename(dir, other), 0);
	assert_int_equal(symlink("../other", dir), 0);
	check_refused(t);
	assert_int_equal(unlink(dir), 0);
	int fd = open(dir, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	check_refused(t);
}

static void test_foreign_owner(void **state)
{
	struct tree *t = *state;

	if (geteuid() != 0)
		skip();
	commit_one(t, A);
	assert_int_equal(chown(in_dir(t, ""), 12345, 0), 0);
	check_refused(t);
	assert_int_equal(chown(in_dir(t, ""), 0, 0), 0);
	assert_int_equal(chown(in_dir(t, "txn/0001.journal"), 12345, 0), 0);
	assert_view(t, 0, NULL, 0, 1);
}

/* Somebody who may not read the directory. */
static int load_as_nobody(struct tree *t)
{
	struct store_view v;

	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 1;
	int r = store_load(t->store, &v, &t->err);
	return r == -EACCES && str_eq(t->err.code, ERR_PERMISSION) ? 0 : 2;
}

static void test_no_permission(void **state)
{
	struct tree *t = *state;
	int status;

	commit_one(t, A);
	assert_int_equal(chmod(t->root, 0755), 0);
	if (geteuid() != 0)
		assert_int_equal(chmod(in_dir(t, ""), 0), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(load_as_nobody(t));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(in_dir(t, ""), 0700), 0);
	assert_int_equal(status, 0);
}

static void test_journal_that_is_not_ours(void **state)
{
	struct tree *t = *state;

	commit_one(t, A);
	assert_int_equal(chmod(in_dir(t, "txn/0001.journal"), 0644), 0);
	assert_view(t, 0, NULL, 0, 1);
	assert_int_equal(chmod(in_dir(t, "txn/0001.journal"), 0600), 0);
	assert_view(t, 1, A, 0, 0);

	rename_in(t, "txn/0001.journal", "moved");
	assert_int_equal(symlink("../moved", in_dir(t, "txn/0001.journal")), 0);
	assert_view(t, 0, NULL, 0, 1);
	assert_int_equal(unlink(in_dir(t, "txn/0001.journal")), 0);
	assert_int_equal(mkfifo(in_dir(t, "txn/0001.journal"), 0600), 0);
	assert_view(t, 0, NULL, 0, 1);
	assert_int_equal(unlink(in_dir(t, "txn/0001.journal")), 0);
	assert_int_equal(mkdir(in_dir(t, "txn/0001.journal"), 0600), 0);
	assert_view(t, 0, NULL, 0, 1);
}

/* --- the view ----------------------------------------------------------------------------------------------------- */

static void test_infos(void **state)
{
	struct tree *t = *state;

	commit_one(t, A);
	abort_one(t);
	leave_open(t);
	CLEANUP(store_view_done) struct store_view v = load(t);
	assert_int_equal(v.n_txns, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(v.txns[i].txn, i + 1);
		assert_int_equal(v.txns[i].n_steps, 2);
		assert_string_equal(v.txns[i].kind, "apply");
		assert_string_equal(v.txns[i].profile, "redis");
		assert_string_equal(v.txns[i].boot_id, "boot-1");
		assert_string_equal(v.txns[i].machine_id, "machine-1");
		assert_int_equal(strlen(v.txns[i].started), strlen("2024-01-01T00:00:00Z"));
		assert_null(v.txns[i].damage);
	}
	assert_int_equal(v.txns[0].state, TXN_COMMITTED);
	assert_int_equal(v.txns[1].state, TXN_ABORTED);
	assert_int_equal(v.txns[2].state, TXN_OPEN);
	assert_int_equal(v.committed, 1);
	assert_json(v.state, A);
	assert_int_equal(v.unfinished, 3);
}

static void test_last_committed_counts(void **state)
{
	struct tree *t = *state;

	commit_one(t, A);
	commit_one(t, B);
	assert_view(t, 2, B, 0, 0);
	abort_one(t);
	assert_view(t, 2, B, 0, 0);
}

static void test_foreign_names(void **state)
{
	static const char *const names[] = {
		"txn/1.journal",     "txn/001.journal",   "txn/00002.journal", "txn/0000.journal", "txn/0002.journal~",
		"txn/0002.JOURNAL",  "txn/x002.journal",  "txn/+002.journal",  "txn/.journal",     "txn/0002",
		"txn/99999999999999999999.journal",       "txn/9223372036854775807.journal",       "notes",
	};
	struct tree *t = *state;

	commit_one(t, A);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		put_file(t, names[i], "x", 1);
	assert_view(t, 1, A, 0, 0);
	commit_one(t, B);
	assert_view(t, 2, B, 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_true(exists(t, names[i]));
}

/* S5. Its number is taken over. */
static void test_empty_file_is_absent(void **state)
{
	struct tree *t = *state;

	commit_one(t, A);
	put_file(t, "txn/0002.journal", "", 0);
	put_file(t, "txn/0003.journal", "", 0);
	assert_view(t, 1, A, 0, 0);
	commit_one(t, B);
	assert_view(t, 2, B, 0, 0);
}

static void test_more_digits(void **state)
{
	struct tree *t = *state;

	commit_one(t, A);
	rename_in(t, "txn/0001.journal", "txn/9999.journal");
	assert_view(t, 0, NULL, 0, 1);
	CLEANUP(txn_freep) struct txn *txn = NULL;
	assert_int_equal(begin(t, B, &txn), 0);
	assert_int_equal(txn_number(txn), 10000);
	assert_true(exists(t, "txn/10000.journal"));
	CLEANUP(store_view_done) struct store_view v = load(t);
	assert_int_equal(v.n_txns, 2);
	assert_int_equal(v.txns[1].txn, 10000);
}

/* --- damage ------------------------------------------------------------------------------------------------------- */

/* S3 */
static void test_swapped(void **state)
{
	struct tree *t = *state;

	commit_one(t, A);
	commit_one(t, B);
	rename_in(t, "txn/0001.journal", "x");
	rename_in(t, "txn/0002.journal", "txn/0001.journal");
	rename_in(t, "x", "txn/0002.journal");
	assert_view(t, 0, NULL, 0, 2);
}

static void test_duplicated(void **state)
{
	struct tree *t = *state;

	commit_one(t, A);
	commit_one(t, B);
	copy_in(t, "txn/0001.journal", "txn/0003.journal");
	assert_view(t, 2, B, 0, 1);
}

static void test_open_but_not_last(void **state)
{
	struct tree *t = *state;

	commit_one(t, A);
	leave_open(t);
	leave_open(t);
	CLEANUP(store_view_done) struct store_view v = load(t);
	assert_int_equal(v.damage->n, 1);
	assert_int_equal(v.txns[1].state, TXN_DAMAGED);
	assert_true(str_starts(v.damage->s[0], "0002.journal "));
	assert_string_equal(v.txns[1].damage, v.damage->s[0]);
	assert_int_equal(v.unfinished, 3);
	assert_int_equal(v.committed, 1);
}

/* Write a journal of these lines as transaction 1; "" for members of the standard ones. */
static void put_journal(struct tree *t, const char *header_members, const char *state_members)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	const struct {
		enum record_type type;
		const char *members;
	} rows[] = {
		{ RECORD_HEADER,    header_members },
		{ RECORD_PREPARED,  state_members  },
		{ RECORD_APPLIED,   ""             },
		{ RECORD_COMMITTED, ""             },
	};

	assert_int_equal(try_lock(t), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t at = record_open(&b, i, rows[i].type);
		strbuf_add(&b, rows[i].members);
		record_close(&b, at, i == 0 ? 0 : record_seed("u"));
	}
	put_file(t, "txn/0001.journal", b.s, b.len);
}

/* S7 */
static void test_newer_format(void **state)
{
	struct tree *t = *state;
	struct store_view v;

	put_journal(t, ",\"format\":1,\"uuid\":\"u\",\"txn\":1", ",\"state\":" A);
	assert_view(t, 1, A, 0, 0);
	put_journal(t, ",\"format\":2,\"uuid\":\"u\",\"txn\":1", ",\"state\":" A);
	assert_err(t, store_load(t->store, &v, &t->err), ENOTSUP, ERR_STATE);
	assert_err(t, store_quarantine(t->store, &t->err), ENOTSUP, ERR_STATE);
	assert_true(exists(t, "txn/0001.journal"));
}

/* The checksum is right and the state is none: not the state of the transaction before, and nothing made up. */
static void test_state_without_sense(void **state)
{
	struct tree *t = *state;

	put_journal(t, ",\"format\":1,\"uuid\":\"u\",\"txn\":1", ",\"state\":{");
	assert_view(t, 0, NULL, 0, 1);
	put_journal(t, ",\"format\":1,\"uuid\":\"u\",\"txn\":1", "");
	assert_view(t, 0, NULL, 0, 1);
}

/* S1, with the transaction before it: never a third state, and never the new one unless it is whole. */
static void test_cut_anywhere(void **state)
{
	struct tree *t = *state;
	size_t len;

	commit_one(t, A);
	commit_one(t, B);
	CLEANUP(mem_freep) char *text = get_file(t, "txn/0002.journal", &len);
	for (size_t n = 0; n < len; n++) {
		assert_int_equal(truncate(in_dir(t, "txn/0002.journal"), 0), 0);
		put_file(t, "txn/0002.journal", text, n);
		CLEANUP(store_view_done) struct store_view v = load(t);
		assert_int_equal(v.committed, 1);
		assert_json(v.state, A);
		assert_int_equal((v.damage->n > 0) + (v.unfinished == 2), n > 0);
	}
	put_file(t, "txn/0002.journal", text, len);
	assert_view(t, 2, B, 0, 0);
}

/* --- quarantine --------------------------------------------------------------------------------------------------- */

static void spoil(const struct tree *t, const char *path)
{
	size_t len;
	CLEANUP(mem_freep) char *text = get_file(t, path, &len);

	text[len / 2] ^= 1;
	put_file(t, path, text, len);
}

static void test_quarantine(void **state)
{
	struct tree *t = *state;

	commit_one(t, A);
	commit_one(t, B);
	assert_int_equal(store_quarantine(t->store, &t->err), 0);
	assert_false(exists(t, "quarantine"));
	spoil(t, "txn/0002.journal");
	assert_view(t, 1, A, 0, 1);
	assert_true(exists(t, "txn/0002.journal"));
	assert_int_equal(store_quarantine(t->store, &t->err), 0);
	assert_false(exists(t, "txn/0002.journal"));
	assert_true(exists(t, "quarantine/0002.journal"));
	assert_int_equal(mode_of(t, "quarantine"), 0700);

	/* It blocks until somebody looks. */
	CLEANUP(store_view_done) struct store_view v = load(t);
	assert_int_equal(v.damage->n, 1);
	assert_true(str_starts(v.damage->s[0], "quarantine/0002.journal "));
	assert_int_equal(unlink(in_dir(t, "quarantine/0002.journal")), 0);
	assert_view(t, 1, A, 0, 0);
}

static void test_quarantine_keeps_all(void **state)
{
	struct tree *t = *state;

	commit_one(t, A);
	for (int i = 0; i < 3; i++) {
		copy_in(t, "txn/0001.journal", "txn/0002.journal");
		assert_int_equal(store_quarantine(t->store, &t->err), 0);
	}
	assert_int_equal(n_names(t, "quarantine"), 3);
	assert_view(t, 1, A, 0, 3);
	/* The number is not given twice while its file is there. */
	CLEANUP(txn_freep) struct txn *txn = NULL;
	assert_int_equal(begin(t, B, &txn), 0);
	assert_int_equal(txn_number(txn), 3);
}

static void test_quarantine_spares_the_last_open(void **state)
{
	struct tree *t = *state;

	leave_open(t);
	leave_open(t);
	assert_int_equal(store_quarantine(t->store, &t->err), 0);
	assert_view(t, 0, NULL, 2, 1);
	assert_true(exists(t, "quarantine/0001.journal"));
}

/* --- generation --------------------------------------------------------------------------------------------------- */

static uint64_t generation(struct tree *t)
{
	uint64_t found = 0;

	assert_int_equal(store_generation(t->store, &found, &t->err), 0);
	CLEANUP(store_view_done) struct store_view v = load(t);
	assert_int_equal(v.generation, found);
	return found;
}

static void assert_changed(struct tree *t, uint64_t *known)
{
	uint64_t now = generation(t);

	assert_int_not_equal(now, *known);
	assert_int_equal(generation(t), now);
	*known = now;
}

static void test_generation(void **state)
{
	struct tree *t = *state;
	CLEANUP(txn_freep) struct txn *txn = NULL;
	uint64_t known = generation(t);

	assert_int_equal(try_lock(t), 0);
	assert_int_equal(generation(t), known);
	assert_int_equal(begin(t, A, &txn), 0);
	assert_changed(t, &known);
	assert_int_equal(txn_progress(txn, -1, NULL, 0, &t->err), 0);
	assert_changed(t, &known);
	assert_int_equal(txn_commit(txn, NULL, &t->err), 0);
	assert_changed(t, &known);
	assert_int_equal(chmod(in_dir(t, "txn/0001.journal"), 0640), 0);
	assert_changed(t, &known);
	assert_int_equal(store_quarantine(t->store, &t->err), 0);
	assert_changed(t, &known);
	assert_int_equal(unlink(in_dir(t, "quarantine/0001.journal")), 0);
	assert_changed(t, &known);
	put_file(t, "txn/foreign", "x", 1);
	assert_int_equal(generation(t), known);
}

/* --- pruning ------------------------------------------------------------------------------------------------------ */

static void test_prune(void **state)
{
	struct tree *t = *state;

	for (int i = 0; i < STORE_KEEP + 3; i++)
		commit_one(t, A);
	assert_int_equal(n_names(t, "txn"), STORE_KEEP);
	assert_false(exists(t, "txn/0003.journal"));
	assert_true(exists(t, "txn/0004.journal"));
	assert_view(t, STORE_KEEP + 3, A, 0, 0);
}

/* The last committed one carries the state, however many came to nothing since. */
static void test_prune_spares_the_last_committed(void **state)
{
	struct tree *t = *state;

	commit_one(t, A);
	commit_one(t, B);
	for (int i = 0; i < STORE_KEEP + 5; i++)
		abort_one(t);
	assert_false(exists(t, "txn/0001.journal"));
	assert_true(exists(t, "txn/0002.journal"));
	assert_false(exists(t, "txn/0003.journal"));
	assert_true(n_names(t, "txn") <= STORE_KEEP + 1);
	assert_view(t, 2, B, 0, 0);
}

static void test_prune_spares_the_incomplete(void **state)
{
	struct tree *t = *state;
	CLEANUP(json_freep) struct json *objects = parse("[\"irq 4\"]");
	CLEANUP(txn_freep) struct txn *txn = NULL;

	commit_one(t, A);
	assert_int_equal(begin(t, B, &txn), 0);
	assert_int_equal(txn_incomplete(txn, objects, &t->err), 0);
	for (int i = 0; i < STORE_KEEP + 2; i++)
		abort_one(t);
	assert_true(exists(t, "txn/0002.journal"));
	assert_true(exists(t, "txn/0001.journal"));
	assert_false(exists(t, "txn/0003.journal"));
	/* What is older than the last committed one goes, whatever it was. */
	for (int i = 0; i < 3; i++)
		commit_one(t, C);
	assert_false(exists(t, "txn/0002.journal"));
	assert_false(exists(t, "txn/0001.journal"));
}

/* --- readers beside a writer -------------------------------------------------------------------------------------- */

static int write_many(struct tree *t)
{
	for (int i = 0; i < STORE_KEEP + 30; i++) {
		CLEANUP(txn_freep) struct txn *txn = NULL;
		if (begin(t, B, &txn) < 0 || txn_progress(txn, -1, NULL, 0, NULL) < 0)
			return 1;
		if (i % 3 == 2 ? txn_abort(txn, NULL) < 0 : txn_commit(txn, NULL, NULL) < 0)
			return 1;
	}
	return 0;
}

static void test_reading_beside_a_writer(void **state)
{
	struct tree *t = *state;
	int status = 0;
	size_t n = 0;

	commit_one(t, A);
	pid_t pid = fork();
	if (pid == 0)
		_exit(write_many(t));
	while (waitpid(pid, &status, WNOHANG) == 0) {
		CLEANUP(store_view_done) struct store_view v = load(t);
		assert_int_equal(v.damage->n, 0);
		assert_true(v.committed > 0);
		assert_non_null(v.state);
		n++;
	}
	assert_int_equal(status, 0);
	assert_true(n > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_new),
		TEST(test_missing_is_empty),
		TEST(test_lock_creates),
		TEST(test_lock_excludes),
		TEST(test_lock_is_inherited),
		TEST(test_lock_sweeps),
		TEST(test_wide_mode),
		TEST(test_link_or_file_in_the_way),
		TEST(test_foreign_owner),
		TEST(test_no_permission),
		TEST(test_journal_that_is_not_ours),
		TEST(test_infos),
		TEST(test_last_committed_counts),
		TEST(test_foreign_names),
		TEST(test_empty_file_is_absent),
		TEST(test_more_digits),
		TEST(test_swapped),
		TEST(test_duplicated),
		TEST(test_open_but_not_last),
		TEST(test_newer_format),
		TEST(test_state_without_sense),
		TEST(test_cut_anywhere),
		TEST(test_quarantine),
		TEST(test_quarantine_keeps_all),
		TEST(test_quarantine_spares_the_last_open),
		TEST(test_generation),
		TEST(test_prune),
		TEST(test_prune_spares_the_last_committed),
		TEST(test_prune_spares_the_incomplete),
		TEST(test_reading_beside_a_writer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
