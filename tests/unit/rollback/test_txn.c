/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of rollback/txn and reopen: what is written, and what is found of it after the writer vanished at any point. */
#include "tests/unit/rollback/tree.h"

#define PRE "{\"layers\":[\"before\"]}"
#define POST "{\"layers\":[\"after\"]}"
#define OTHER "{\"layers\":[\"coupled\"]}"
#define RESERVE 262144

static char *lines_of(const struct tree *t, const char *path)
{
	size_t len;

	return get_file(t, path, &len);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
		n++;
	return n;
}

static void assert_steps(struct tree *t, int64_t txn, const char *expected)
{
	CLEANUP(json_freep) struct json *steps = NULL;

	assert_int_equal(txn_read(t->store, txn, &steps, &t->err), 0);
	assert_json(steps, expected);
}

#define STEP(key, before, progress) "{\"record\":{\"key\":\"" key "\",\"before\":\"" before "\"}," progress "}"
#define STEP_0(progress) STEP("kernel.timer_migration", "1", progress)
#define STEP_1(progress) STEP("irq 4", "0-3", progress)
#define IS(started, done, undone) "\"started\":" started ",\"done\":" done ",\"undone\":" undone
#define IDLE IS("false", "false", "false")
#define EXTRA ",\"extra\":{\"twin\":\"a \\\"b\\\"\\n\"}"

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void test_begin(void **state)
{
	struct tree *t = *state;
	CLEANUP(txn_freep) struct txn *txn = NULL;
	struct stat st;

	assert_int_equal(begin(t, POST, &txn), 0);
	assert_int_equal(txn_number(txn), 1);
	assert_int_equal(stat(in_dir(t, "txn/0001.journal"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(exists(t, "txn/new.tmp"));
	assert_int_equal(size_of(t, "reserve"), RESERVE);
	CLEANUP(mem_freep) char *text = lines_of(t, "txn/0001.journal");
	assert_int_equal(count(text, "\n"), 4);
	assert_int_equal(count(text, "\"type\":\"Step\",\"index\":"), 2);
	assert_non_null(strstr(text, "\"type\":\"Prepared\",\"state\":" POST "}\n"));
}

/* Every line is JSON on its own, for people and their tools. */
static void test_lines_are_json(void **state)
{
	struct tree *t = *state;

	commit_one(t, POST);
	CLEANUP(mem_freep) char *text = lines_of(t, "txn/0001.journal");
	char *rest = NULL;
	int64_t n = 0;
	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		CLEANUP(json_freep) struct json *j = parse(line);
		assert_int_equal(json_get_int(j, "seq", -1), n++);
		assert_true(json_is_string(json_get(j, "crc")));
		assert_true(json_is_string(json_get(j, "type")));
	}
	assert_int_equal(n, 4 + 4 + 2);
}

static void test_uuids_differ(void **state)
{
	struct tree *t = *state;

	commit_one(t, POST);
	commit_one(t, POST);
	CLEANUP(mem_freep) char *a = lines_of(t, "txn/0001.journal");
	CLEANUP(mem_freep) char *b = lines_of(t, "txn/0002.journal");
	const char *uuid_a = strstr(a, "\"uuid\":\""), *uuid_b = strstr(b, "\"uuid\":\"");
	assert_memory_not_equal(uuid_a + 8, uuid_b + 8, 36);
}

static void test_commit(void **state)
{
	struct tree *t = *state;

	commit_one(t, POST);
	assert_view(t, 1, POST, 0, 0);
	assert_steps(t, 1, "[" STEP_0(IS("true", "true", "false") EXTRA) "," STEP_1(IS("true", "true", "false")) "]");
}

static void test_commit_replaces_the_state(void **state)
{
	struct tree *t = *state;
	CLEANUP(json_freep) struct json *other = parse(OTHER);
	CLEANUP(txn_freep) struct txn *txn = NULL;

	assert_int_equal(begin(t, POST, &txn), 0);
	assert_int_equal(txn_commit(txn, other, &t->err), 0);
	assert_view(t, 1, OTHER, 0, 0);
}

static void test_abort(void **state)
{
	struct tree *t = *state;

	commit_one(t, PRE);
	abort_one(t);
	assert_view(t, 1, PRE, 0, 0);
	assert_steps(t, 2, "[" STEP_0(IDLE) "," STEP_1(IS("true", "false", "true")) "]");
}

/* apply --keep: the failed phase is undone, the rest committed. */
static void test_keep(void **state)
{
	struct tree *t = *state;
	CLEANUP(json_freep) struct json *other = parse(OTHER);
	CLEANUP(txn_freep) struct txn *txn = NULL;

	assert_int_equal(begin(t, POST, &txn), 0);
	assert_int_equal(txn_progress(txn, -1, NULL, 0, &t->err), 0);
	assert_int_equal(txn_undoing(txn, NULL, &t->err), 0);
	assert_int_equal(txn_undone(txn, 0, &t->err), 0);
	assert_int_equal(txn_progress(txn, -1, NULL, 1, &t->err), 0);
	assert_int_equal(txn_progress(txn, 1, NULL, -1, &t->err), 0);
	assert_int_equal(txn_commit(txn, other, &t->err), 0);
	assert_view(t, 1, OTHER, 0, 0);
}

/* Why it was undone is there for whoever asks; the last one that knows. */
static void test_the_cause_of_an_undo(void **state)
{
	struct tree *t = *state;
	CLEANUP(txn_freep) struct txn *txn = NULL;

	commit_one(t, PRE);
	assert_int_equal(begin(t, POST, &txn), 0);
	assert_int_equal(txn_undoing(txn, "disk \"full\"\n", &t->err), 0);
	assert_int_equal(txn_undoing(txn, NULL, &t->err), 0);
	assert_int_equal(txn_undoing(txn, "", &t->err), 0);
	assert_int_equal(txn_abort(txn, &t->err), 0);
	CLEANUP(store_view_done) struct store_view v = load(t);
	assert_int_equal(v.n_txns, 2);
	assert_null(v.txns[0].cause);
	assert_string_equal(v.txns[1].cause, "disk \"full\"\n");
}

static void test_progress_of_nothing(void **state)
{
	struct tree *t = *state;
	CLEANUP(txn_freep) struct txn *txn = NULL;

	assert_int_equal(begin(t, POST, &txn), 0);
	off_t before = size_of(t, "txn/0001.journal");
	assert_int_equal(txn_progress(txn, -1, NULL, -1, &t->err), 0);
	assert_int_equal(size_of(t, "txn/0001.journal"), before);
}

static void test_nothing_after_the_end(void **state)
{
	struct tree *t = *state;
	CLEANUP(txn_freep) struct txn *txn = NULL;

	assert_int_equal(begin(t, POST, &txn), 0);
	assert_int_equal(txn_commit(txn, NULL, &t->err), 0);
	assert_true(txn_progress(txn, -1, NULL, 0, &t->err) < 0);
	assert_true(txn_undoing(txn, NULL, &t->err) < 0);
	assert_true(txn_commit(txn, NULL, &t->err) < 0);
	assert_true(txn_abort(txn, &t->err) < 0);
	assert_view(t, 1, POST, 0, 0);
}

static void test_no_steps(void **state)
{
	struct tree *t = *state;
	CLEANUP(json_freep) struct json *none = parse("[]");
	CLEANUP(json_freep) struct json *after = parse(POST);
	CLEANUP(txn_freep) struct txn *txn = NULL;
	CLEANUP(mem_closep) int lock = -1;

	assert_int_equal(store_lock(t->store, &lock, &t->err), 0);
	const struct txn_header bare = { "rollback", NULL, "b", "m", "tuned runs" };
	assert_int_equal(txn_begin(t->store, &bare, none, after, &txn, &t->err), 0);
	assert_int_equal(txn_commit(txn, NULL, &t->err), 0);
	CLEANUP(store_view_done) struct store_view v = load(t);
	assert_string_equal(v.txns[0].profile, "");
	assert_string_equal(v.txns[0].kind, "rollback");
	assert_string_equal(v.txns[0].warning, "tuned runs");
	assert_int_equal(v.txns[0].n_steps, 0);
}

/* As deep as the header promises. */
static void test_deepest(void **state)
{
	struct tree *t = *state;
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	CLEANUP(txn_freep) struct txn *txn = NULL;

	for (int i = 0; i < JSON_DEPTH_MAX - 2; i++)
		strbuf_add(&b, "{\"a\":");
	strbuf_add(&b, "[]");
	for (int i = 0; i < JSON_DEPTH_MAX - 2; i++)
		strbuf_add(&b, "}");
	assert_int_equal(begin(t, b.s, &txn), 0);
	assert_int_equal(txn_commit(txn, NULL, &t->err), 0);
	assert_view(t, 1, b.s, 0, 0);
}

static void test_strange_texts(void **state)
{
	static const char strange[] = "{\"%n%s\":\"\\\\ \\\" \\n \\u001b[31m \xc3\xa9 {\\\"crc\\\":\\\"\"}";
	struct tree *t = *state;

	commit_one(t, strange);
	CLEANUP(json_freep) struct json *expected = parse(strange);
	CLEANUP(mem_freep) char *text = json_print(expected);
	assert_view(t, 1, text, 0, 0);
}

static void test_reserve_is_made_again(void **state)
{
	struct tree *t = *state;

	commit_one(t, PRE);
	assert_int_equal(unlink(in_dir(t, "reserve")), 0);
	commit_one(t, PRE);
	assert_int_equal(size_of(t, "reserve"), RESERVE);
	put_file(t, "reserve", "short", 5);
	commit_one(t, PRE);
	assert_int_equal(size_of(t, "reserve"), RESERVE);
}

/* Without a directory there is nothing to begin in; nothing is left behind. */
static void test_begin_fails(void **state)
{
	struct tree *t = *state;
	CLEANUP(json_freep) struct json *none = parse("[]");
	struct txn *txn = NULL;

	assert_err(t, txn_begin(t->store, &header, none, none, &txn, &t->err), ENOENT, ERR_IO);
	assert_null(txn);
	assert_false(exists(t, ""));
}

/* --- the writer vanishes ------------------------------------------------------------------------------------------ */

/* Run the first `stage` calls of a transaction, and forget it without a word, as a kill would. */
static void vanish_at(struct tree *t, int stage)
{
	CLEANUP(json_freep) struct json *extra = parse("{\"twin\":\"a \\\"b\\\"\\n\"}");
	CLEANUP(txn_freep) struct txn *txn = NULL;

	assert_int_equal(begin(t, POST, &txn), 0);
	for (int i = 1; i <= stage; i++) {
		int r = -1;
		if (i == 1)
			r = txn_progress(txn, -1, NULL, 0, &t->err);
		else if (i == 2)
			r = txn_progress(txn, 0, extra, 1, &t->err);
		else if (i == 3)
			r = txn_progress(txn, 1, NULL, -1, &t->err);
		else if (i == 4)
			r = txn_undoing(txn, NULL, &t->err);
		else if (i == 5)
			r = txn_undone(txn, 1, &t->err);
		assert_int_equal(r, 0);
	}
}

static const char *const after_stage[] = {
	"[" STEP_0(IDLE) "," STEP_1(IDLE) "]",
	"[" STEP_0(IS("true", "false", "false")) "," STEP_1(IDLE) "]",
	"[" STEP_0(IS("true", "true", "false") EXTRA) "," STEP_1(IS("true", "false", "false")) "]",
	"[" STEP_0(IS("true", "true", "false") EXTRA) "," STEP_1(IS("true", "true", "false")) "]",
	"[" STEP_0(IS("true", "true", "false") EXTRA) "," STEP_1(IS("true", "true", "false")) "]",
	"[" STEP_0(IS("true", "true", "false") EXTRA) "," STEP_1(IS("true", "true", "true")) "]",
};

static void recover(struct tree *t, int64_t number, const char *expected_steps)
{
	CLEANUP(txn_open_done) struct txn_open open = { 0 };

	assert_int_equal(txn_reopen(t->store, number, &open, &t->err), 0);
	assert_int_equal(txn_number(open.txn), number);
	assert_true(open.prepared);
	assert_string_equal(open.kind, "apply");
	assert_string_equal(open.boot_id, "boot-1");
	assert_json(open.steps, expected_steps);
	assert_int_equal(txn_undoing(open.txn, NULL, &t->err), 0);
	assert_int_equal(txn_undone(open.txn, 1, &t->err), 0);
	assert_int_equal(txn_undone(open.txn, 0, &t->err), 0);
	assert_int_equal(txn_abort(open.txn, &t->err), 0);
}

static void test_vanish_anywhere(void **state)
{
	struct tree *t = *state;

	commit_one(t, PRE);
	for (int stage = 0; stage < (int)ARRAY_LEN(after_stage); stage++) {
		vanish_at(t, stage);
		assert_view(t, 1, PRE, 2 + stage, 0);
		recover(t, 2 + stage, after_stage[stage]);
		assert_view(t, 1, PRE, 0, 0);
	}
}

/* A recovery that vanishes itself is recovered. */
static void test_vanish_twice(void **state)
{
	struct tree *t = *state;
	CLEANUP(txn_open_done) struct txn_open open = { 0 };

	vanish_at(t, 3);
	assert_int_equal(txn_reopen(t->store, 1, &open, &t->err), 0);
	assert_int_equal(txn_undoing(open.txn, NULL, &t->err), 0);
	assert_int_equal(txn_undone(open.txn, 1, &t->err), 0);
	txn_open_done(&open);
	assert_view(t, 0, NULL, 1, 0);
	recover(t, 1, after_stage[5]);
	assert_view(t, 0, NULL, 0, 0);
}

static void test_applied_but_not_committed(void **state)
{
	struct tree *t = *state;
	CLEANUP(txn_open_done) struct txn_open open = { 0 };

	commit_one(t, POST);
	CLEANUP(mem_freep) char *text = lines_of(t, "txn/0001.journal");
	size_t applied = (size_t)(strchr(strstr(text, "\"Applied\""), '\n') + 1 - text);
	assert_int_equal(truncate(in_dir(t, "txn/0001.journal"), (off_t)applied), 0);
	assert_int_equal(txn_reopen(t->store, 1, &open, &t->err), 0);
	assert_true(open.applied);
	assert_int_equal(txn_abort(open.txn, &t->err), 0);
	assert_view(t, 0, NULL, 0, 0);
}

/* S1: wherever the last line is torn, it is cut and the file goes on soundly. */
static void test_torn_tail_is_cut(void **state)
{
	struct tree *t = *state;
	size_t len;

	vanish_at(t, 1);
	off_t clean = size_of(t, "txn/0001.journal");
	CLEANUP(mem_freep) char *text = NULL;
	{
		CLEANUP(txn_open_done) struct txn_open open = { 0 };
		assert_int_equal(txn_reopen(t->store, 1, &open, &t->err), 0);
		assert_int_equal(txn_progress(open.txn, 0, NULL, -1, &t->err), 0);
		text = get_file(t, "txn/0001.journal", &len);
	}
	for (size_t n = (size_t)clean; n < len; n++) {
		put_file(t, "txn/0001.journal", text, n);
		assert_view(t, 0, NULL, 1, 0);
		recover(t, 1, after_stage[1]);
		assert_view(t, 0, NULL, 0, 0);
	}
}

static void test_reading_does_not_cut(void **state)
{
	struct tree *t = *state;
	size_t len, len_after;

	vanish_at(t, 2);
	CLEANUP(mem_freep) char *text = get_file(t, "txn/0001.journal", &len);
	put_file(t, "txn/0001.journal", text, len - 1);
	assert_view(t, 0, NULL, 1, 0);
	assert_steps(t, 1, "[" STEP_0(IS("true", "true", "false") EXTRA) "," STEP_1(IDLE) "]");
	CLEANUP(mem_freep) char *after = get_file(t, "txn/0001.journal", &len_after);
	assert_int_equal(len_after, len - 1);
	assert_memory_equal(after, text, len - 1);
}

static void test_incomplete_is_tried_again(void **state)
{
	struct tree *t = *state;
	CLEANUP(json_freep) struct json *objects = parse("[\"irq 4\"]");
	CLEANUP(json_freep) struct json *found = NULL;
	CLEANUP(txn_open_done) struct txn_open open = { 0 };

	commit_one(t, PRE);
	vanish_at(t, 3);
	assert_int_equal(txn_reopen(t->store, 2, &open, &t->err), 0);
	assert_int_equal(txn_undoing(open.txn, NULL, &t->err), 0);
	assert_int_equal(txn_incomplete(open.txn, objects, &t->err), 0);
	txn_open_done(&open);
	{
		CLEANUP(store_view_done) struct store_view v = load(t);
		assert_int_equal(v.txns[1].state, TXN_INCOMPLETE);
		assert_int_equal(v.unfinished, 0);
		assert_int_equal(v.committed, 1);
	}
	assert_int_equal(txn_read_incomplete(t->store, 2, &found, &t->err), 0);
	assert_json(found, "[\"irq 4\"]");
	recover(t, 2, after_stage[3]);
	assert_view(t, 1, PRE, 0, 0);
	json_freep(&found);
	assert_err(t, txn_read_incomplete(t->store, 2, &found, &t->err), ENODATA, ERR_INVALID_ARGUMENT);
}

static void test_reopen_refuses(void **state)
{
	struct tree *t = *state;
	struct txn_open open;
	size_t len;

	commit_one(t, PRE);
	abort_one(t);
	assert_err(t, txn_reopen(t->store, 1, &open, &t->err), EINVAL, ERR_INVALID_ARGUMENT);
	assert_err(t, txn_reopen(t->store, 2, &open, &t->err), EINVAL, ERR_INVALID_ARGUMENT);
	assert_err(t, txn_reopen(t->store, 3, &open, &t->err), ENOENT, ERR_INVALID_ARGUMENT);
	CLEANUP(mem_freep) char *text = get_file(t, "txn/0001.journal", &len);
	text[len / 3] ^= 4;
	put_file(t, "txn/0001.journal", text, len);
	struct json *steps = NULL;
	assert_err(t, txn_reopen(t->store, 1, &open, &t->err), EBADMSG, ERR_STATE);
	assert_err(t, txn_read(t->store, 1, &steps, &t->err), EBADMSG, ERR_STATE);
	assert_err(t, txn_read(t->store, 9, &steps, &t->err), ENOENT, ERR_INVALID_ARGUMENT);
	assert_null(steps);
}

/* F9: the disk is gone, the host is undone all the same; here the file cannot be opened for appending. */
static void test_reopen_without_a_writable_file(void **state)
{
	struct tree *t = *state;
	CLEANUP(txn_open_done) struct txn_open open = { 0 };

	if (geteuid() == 0)
		skip(); /* root may always; test_txn_faults does it with a failpoint */
	vanish_at(t, 1);
	assert_int_equal(chmod(in_dir(t, "txn/0001.journal"), 0400), 0);
	assert_int_equal(chmod(in_dir(t, "txn"), 0500), 0);
	assert_int_equal(txn_reopen(t->store, 1, &open, &t->err), 0);
	assert_json(open.steps, after_stage[1]);
	assert_true(txn_undoing(open.txn, NULL, &t->err) < 0);
	assert_true(txn_abort(open.txn, &t->err) < 0);
	assert_int_equal(chmod(in_dir(t, "txn"), 0700), 0);
	assert_view(t, 0, NULL, 1, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_begin),
		TEST(test_lines_are_json),
		TEST(test_uuids_differ),
		TEST(test_commit),
		TEST(test_commit_replaces_the_state),
		TEST(test_abort),
		TEST(test_keep),
		TEST(test_the_cause_of_an_undo),
		TEST(test_progress_of_nothing),
		TEST(test_nothing_after_the_end),
		TEST(test_no_steps),
		TEST(test_deepest),
		TEST(test_strange_texts),
		TEST(test_reserve_is_made_again),
		TEST(test_begin_fails),
		TEST(test_vanish_anywhere),
		TEST(test_vanish_twice),
		TEST(test_applied_but_not_committed),
		TEST(test_torn_tail_is_cut),
		TEST(test_reading_does_not_cut),
		TEST(test_incomplete_is_tried_again),
		TEST(test_reopen_refuses),
		TEST(test_reopen_without_a_writable_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
