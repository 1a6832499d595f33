/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory below a root of its own, for the tests of lib/base/durable.c; looked at with plain calls. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/durable.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/tools/tree.h"

#define UNUSED __attribute__((unused))
#define FILE_NAME "/etc/d/file"
#define NEW "/etc/d/.file.hfttune-new"
#define ORIGINAL "/etc/d/.file.hfttune-original"

struct dir {
	char *root;
	struct fsio *fs;
	struct hft_err err;
};

UNUSED static int setup(void **state)
{
	struct dir *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	assert_int_equal(tree_host(NULL, &d->root), 0);
	assert_int_equal(fsio_new(d->root, &d->fs, &d->err), 0);
	*state = d;
	return 0;
}

UNUSED static int teardown(void **state)
{
	struct dir *d = *state;

	fsio_free(d->fs);
	tree_remove(d->root);
	free(d->root);
	free(d);
	return 0;
}

/* --- the host, with plain calls ----------------------------------------------------------------------------------- */

UNUSED static void shell(const struct dir *d, const char *command)
{
	CLEANUP(mem_freep) char *all = str_printf("cd %s && { %s ; }", d->root, command);

	assert_non_null(all);
	assert_int_equal(system(all), 0);
}

UNUSED static const char *get(const struct dir *d, const char *path)
{
	static char text[256];
	CLEANUP(mem_freep) char *full = str_printf("%s%s", d->root, path);
	int fd = open(full, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return "(none)";
	text[n] = '\0';
	return text;
}

/* Names, kinds, modes and sizes below /etc. */
UNUSED static const char *listing(const struct dir *d)
{
	static char turn[2][2048];
	static unsigned n;
	char *text = turn[n++ % 2];
	CLEANUP(mem_freep) char *all = str_printf("cd %s && find etc -printf '%%p %%M %%s\\n' | sort", d->root);
	FILE *f = popen(all, "r");

	assert_non_null(f);
	size_t size = fread(text, 1, sizeof(turn[0]) - 1, f);
	assert_int_equal(pclose(f), 0);
	text[size] = '\0';
	return text;
}

UNUSED static struct stat stat_of(const struct dir *d, const char *path)
{
	CLEANUP(mem_freep) char *full = str_printf("%s%s", d->root, path);
	struct stat st;

	assert_int_equal(stat(full, &st), 0);
	return st;
}
