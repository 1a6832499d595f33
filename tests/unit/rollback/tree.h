/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A state directory below a temporary one, for the tests of rollback/. Each test is a program and includes it once. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "rollback/store.h"

#define STATE_DIR "/state/hfttune"
#define UNUSED __attribute__((unused))

struct tree {
	char root[64];
	struct fsio *fs;
	struct store *store;
	struct hft_err err;
};

static int set_up(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	/* In memory where that can be had: thousands of flushes. */
	strcpy(t->root, "/dev/shm/test_store.XXXXXX");
	if (mkdtemp(t->root) == NULL) {
		strcpy(t->root, "/tmp/test_store.XXXXXX");
		assert_non_null(mkdtemp(t->root));
	}
	assert_int_equal(fsio_new(t->root, &t->fs, NULL), 0);
	assert_int_equal(store_new(t->fs, STATE_DIR, &t->store, NULL), 0);
	*state = t;
	return 0;
}

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *ftw UNUSED)
{
	return remove(path);
}

static int tear_down(void **state)
{
	struct tree *t = *state;

	store_free(t->store);
	fsio_free(t->fs);
	assert_int_equal(nftw(t->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(t);
	return 0;
}

/* --- files, with plain calls; path is below the state directory --------------------------------------------------- */

UNUSED static const char *in_dir(const struct tree *t, const char *path)
{
	static char full[4][160];
	static unsigned turn;
	char *s = full[turn++ % 4];

	snprintf(s, sizeof(full[0]), "%s" STATE_DIR "/%s", t->root, path);
	return s;
}

UNUSED static char *get_file(const struct tree *t, const char *path, size_t *ret_len)
{
	int fd = open(in_dir(t, path), O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	char *text = malloc((size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_len = (size_t)st.st_size;
	text[*ret_len] = '\0';
	return text;
}

UNUSED static void put_file(const struct tree *t, const char *path, const void *bytes, size_t len)
{
	int fd = open(in_dir(t, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

UNUSED static bool exists(const struct tree *t, const char *path)
{
	struct stat st;

	return lstat(in_dir(t, path), &st) == 0;
}

UNUSED static off_t size_of(const struct tree *t, const char *path)
{
	struct stat st;

	return stat(in_dir(t, path), &st) == 0 ? st.st_size : -1;
}

/* --- transactions ------------------------------------------------------------------------------------------------- */

UNUSED static struct json *parse(const char *text)
{
	struct json *j = NULL;

	assert_int_equal(json_parse(text, strlen(text), JSON_RECORD_MAX, &j, NULL), 0);
	return j;
}

UNUSED static void assert_json(const struct json *j, const char *text)
{
	CLEANUP(mem_freep) char *found = json_print(j);

	assert_non_null(found);
	assert_string_equal(found, text);
}

static const struct txn_header header = { "apply", "redis", "boot-1", "machine-1", NULL };

#define STEPS "[{\"key\":\"kernel.timer_migration\",\"before\":\"1\"},{\"key\":\"irq 4\",\"before\":\"0-3\"}]"

/* Lock, and begin a transaction of two steps. -errno as txn_begin. */
UNUSED static int begin(struct tree *t, const char *state, struct txn **ret)
{
	CLEANUP(json_freep) struct json *steps = parse(STEPS);
	CLEANUP(json_freep) struct json *after = parse(state);
	CLEANUP(mem_closep) int lock = -1;

	int r = store_lock(t->store, &lock, &t->err);
	return r == 0 ? txn_begin(t->store, &header, steps, after, ret, &t->err) : r;
}

UNUSED static void run_steps(struct tree *t, struct txn *txn)
{
	CLEANUP(json_freep) struct json *extra = parse("{\"twin\":\"a \\\"b\\\"\\n\"}");

	assert_int_equal(txn_progress(txn, -1, NULL, 0, &t->err), 0);
	assert_int_equal(txn_progress(txn, 0, extra, 1, &t->err), 0);
	assert_int_equal(txn_progress(txn, 1, NULL, -1, &t->err), 0);
}

UNUSED static void commit_one(struct tree *t, const char *state)
{
	CLEANUP(txn_freep) struct txn *txn = NULL;

	assert_int_equal(begin(t, state, &txn), 0);
	run_steps(t, txn);
	assert_int_equal(txn_commit(txn, NULL, &t->err), 0);
}

UNUSED static void abort_one(struct tree *t)
{
	CLEANUP(txn_freep) struct txn *txn = NULL;

	assert_int_equal(begin(t, "{\"void\":true}", &txn), 0);
	assert_int_equal(txn_undoing(txn, NULL, &t->err), 0);
	assert_int_equal(txn_undone(txn, 1, &t->err), 0);
	assert_int_equal(txn_abort(txn, &t->err), 0);
}

UNUSED static void assert_err(const struct tree *t, int r, int sys, const char *code)
{
	assert_int_equal(r, -sys);
	assert_int_equal(t->err.sys, sys);
	assert_string_equal(t->err.code, code);
}

/* --- views -------------------------------------------------------------------------------------------------------- */

UNUSED static struct store_view load(struct tree *t)
{
	struct store_view v;

	assert_int_equal(store_load(t->store, &v, &t->err), 0);
	return v;
}

/* The committed number and state, the open number, and how many damages. */
UNUSED static void assert_view(struct tree *t, int64_t committed, const char *state, int64_t unfinished, size_t damage)
{
	CLEANUP(store_view_done) struct store_view v = load(t);

	assert_int_equal(v.damage->n, damage);
	assert_int_equal(v.committed, committed);
	assert_int_equal(v.unfinished, unfinished);
	if (state == NULL)
		assert_null(v.state);
	else
		assert_json(v.state, state);
}
