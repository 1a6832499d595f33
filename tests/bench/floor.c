/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor: what a C programmer would write to read, or to set, a list of files, and nothing more. No tables, no
 * bounds, no journal, no undo. Must stay this simple: it is what the daemon is measured against.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench.h"

static bool holds(const char *buf, ssize_t n, const char *value)
{
	size_t len = strlen(value);

	return n > 0 && (size_t)n >= len && memcmp(buf, value, len) == 0 && ((size_t)n == len || buf[len] == '\n');
}

size_t floor_verify(int root_fd, const struct settings *l)
{
	size_t good = 0;

	for (size_t i = 0; i < l->n; i++) {
		char buf[4096];
		int fd = openat(root_fd, l->s[i].path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			die(l->s[i].path, "open: %s", strerror(errno));
		good += holds(buf, read(fd, buf, sizeof(buf)), l->s[i].want);
		close(fd);
	}
	return good;
}

/* The length matters in a copied tree only: there a shorter value would leave the tail of the longer one. */
static bool set_one(int root_fd, const char *path, const char *value)
{
	char buf[4096], text[VALUE_SIZE + 1];
	size_t len = strlen(value);
	int fd = openat(root_fd, path, O_RDWR | O_CLOEXEC);
	bool good;

	if (fd < 0)
		die(path, "open: %s", strerror(errno));
	ssize_t before = pread(fd, buf, sizeof(buf), 0);
	memcpy(text, value, len);
	text[len++] = '\n';
	if (pwrite(fd, text, len, 0) != (ssize_t)len || (before > (ssize_t)len && ftruncate(fd, (off_t)len) < 0 &&
	                                                 errno != EINVAL))
		die(path, "write \"%s\": %s", value, strerror(errno));
	good = holds(buf, pread(fd, buf, sizeof(buf), 0), value);
	close(fd);
	return good;
}

size_t floor_apply(int root_fd, const struct settings *l, bool back)
{
	size_t good = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct setting *s = &l->s[back ? l->n - 1 - i : i];

		good += set_one(root_fd, s->path, back ? s->was : s->want);
	}
	return good;
}
