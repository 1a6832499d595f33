/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of daemon/host share: a copied tree, from a recorded host or from lines, and the host read from it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/host/host.h"
#include "daemon/host/parts.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/tools/tree.h"

struct fixture {
	char *root;
	struct fsio *fs;
	struct host *h;
	struct hft_err err;
};

/* The trees made so far: a test that fails does not come to its fixture_end(). */
static inline struct strlist *trees(void)
{
	static struct strlist made;

	return &made;
}

/* Group teardown. */
static inline int sweep(void **state)
{
	(void)state;
	for (size_t i = 0; i < trees()->n; i++)
		tree_remove(trees()->s[i]);
	strlist_done(trees());
	return 0;
}

/* A tree with a recorded host, or an empty one (NULL); nothing is read yet. */
static inline struct fixture tree_begin(const char *name)
{
	struct fixture f = {0};

	assert_int_equal(tree_host(name, &f.root), 0);
	assert_int_equal(strlist_add(trees(), f.root), 0);
	assert_int_equal(fsio_new(f.root, &f.fs, &f.err), 0);
	return f;
}

/* The same with host_read(). */
static inline struct fixture host_begin(const char *name)
{
	struct fixture f = tree_begin(name);

	assert_int_equal(host_read(f.fs, &f.h, &f.err), 0);
	return f;
}

static inline void fixture_end(struct fixture *f)
{
	host_freep(&f->h);
	fsio_freep(&f->fs);
	tree_remove(f->root);
	free(f->root);
	f->root = NULL;
}

/* Add or replace entries: lines of a tree. */
static inline void put_lines(const struct fixture *f, const char *text)
{
	CLEANUP(strlist_done) struct strlist lines = {0};
	int fd = open(f->root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(strlist_split(&lines, text, "\n"), 0);
	for (size_t i = 0; i < lines.n; i++) {
		const char *path = strchr(lines.s[i], '/') + 1;
		CLEANUP(mem_freep) char *name = strndup(path, strcspn(path, "\t"));
		if (lines.s[i][0] != 'd')
			unlinkat(fd, name, 0);
		assert_int_equal(tree_line(fd, lines.s[i]), 0);
	}
	close(fd);
}

/* Take an entry and all below it away. */
static inline void take_away(const struct fixture *f, const char *path)
{
	CLEANUP(mem_freep) char *full = str_printf("%s%s", f->root, path);

	assert_non_null(full);
	tree_remove(full);
	assert_int_equal(access(full, F_OK), -1);
}

static inline void assert_list(const struct cpuset *set, const char *wanted)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};

	cpuset_format(set, &b);
	assert_string_equal(strbuf_str(&b), wanted);
}

static inline struct cpuset cpus(const char *list)
{
	struct cpuset set;

	assert_int_equal(cpuset_parse(list, &set, NULL), 0);
	return set;
}
