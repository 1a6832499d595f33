/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directory trees from one text file, for tests: a copied /proc and /sys with the modes that git does not keep. Header
 * only, so that tools and unit tests can share it. Knows nothing of what the files mean.
 *
 * A line is one of
 *     d PATH                       a directory
 *     f MODE PATH<TAB>CONTENT      a file with this octal mode
 *     l PATH<TAB>TARGET            a symbolic link
 *     # anything                   ignored, like an empty line
 * PATH is absolute within the tree; missing directories are made. {0-3,8} in a PATH stands for each of these numbers,
 * so that 128 CPUs need not take 128 lines. In CONTENT \n, \t and \\ stand for newline, tab and backslash; a newline is
 * added at the end, as the kernel does it, unless CONTENT ends in \c.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Make the directories above path, which is relative to dir_fd. 0 or -errno. */
static inline int tree_make_parents(int dir_fd, const char *path)
{
	char parent[PATH_MAX];

	for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*(char *)mempcpy(parent, path, (size_t)(slash - path)) = '\0';
		if (mkdirat(dir_fd, parent, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* The text of CONTENT in buf, which is as long as CONTENT and 2 bytes more; its length. */
static inline size_t tree_unescape(const char *content, char *buf)
{
	char *out = buf;

	for (const char *p = content; *p != '\0'; p++) {
		if (*p != '\\') {
			*out++ = *p;
			continue;
		}
		p++;
		if (p[0] == 'c' && p[1] == '\0')
			return (size_t)(out - buf);
		*out++ = (char)(*p == 'n' ? '\n' : *p == 't' ? '\t' : *p);
		if (*p == '\0')
			break;
	}
	*out++ = '\n';
	return (size_t)(out - buf);
}

static inline int tree_put_file(int dir_fd, const char *path, mode_t mode, const char *content)
{
	char *buf = malloc(strlen(content) + 2);
	int r = 0;

	if (buf == NULL)
		return -ENOMEM;
	size_t size = tree_unescape(content, buf);
	int fd = openat(dir_fd, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, buf, size) != (ssize_t)size || fchmod(fd, mode) < 0)
		r = -errno;
	if (fd >= 0)
		close(fd);
	free(buf);
	return r;
}

/* One entry, its path without braces. */
static inline int tree_put_once(int dir_fd, char kind, const char *path, mode_t mode, const char *rest)
{
	if (kind == 'f')
		return tree_put_file(dir_fd, path, mode, rest);
	if (kind == 'l')
		return symlinkat(rest, dir_fd, path) < 0 ? -errno : 0;
	return mkdirat(dir_fd, path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static inline int tree_put(int dir_fd, char kind, const char *path, mode_t mode, const char *rest)
{
	int r = tree_put_once(dir_fd, kind, path, mode, rest);

	if (r != -ENOENT)
		return r;
	r = tree_make_parents(dir_fd, path);
	return r < 0 ? r : tree_put_once(dir_fd, kind, path, mode, rest);
}

static inline int tree_put_each(int dir_fd, char kind, const char *path, mode_t mode, const char *rest);

/* The path for each number from..to in place of the braces: path up to open, then the number, then tail. */
static inline int tree_put_range(int dir_fd, char kind, const char *path, const char *open, const char *tail, long from,
                                 long to, mode_t mode, const char *rest)
{
	char one[PATH_MAX];

	for (long n = from; n <= to; n++) {
		int len = snprintf(one, sizeof(one), "%.*s%ld%s", (int)(open - path), path, n, tail);
		if (len < 0 || (size_t)len >= sizeof(one))
			return -ENAMETOOLONG;
		int r = tree_put_each(dir_fd, kind, one, mode, rest);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The same for each path that the braces stand for. */
static inline int tree_put_each(int dir_fd, char kind, const char *path, mode_t mode, const char *rest)
{
	const char *open = strchr(path, '{');
	const char *close_brace = open != NULL ? strchr(open, '}') : NULL;

	if (open == NULL)
		return tree_put(dir_fd, kind, path, mode, rest);
	if (close_brace == NULL)
		return -EINVAL;
	for (const char *p = open; p < close_brace;) {
		char *end;
		long from = strtol(p + 1, &end, 10);
		if (end == p + 1)
			return -EINVAL;
		long to = *end == '-' ? strtol(end + 1, &end, 10) : from;
		if (to < from || (*end != ',' && end != close_brace))
			return -EINVAL;
		int r = tree_put_range(dir_fd, kind, path, open, close_brace + 1, from, to, mode, rest);
		if (r < 0)
			return r;
		p = end;
	}
	return 0;
}

/* One line without its newline, written to. 0 or -errno; -EINVAL: not in the format. */
static inline int tree_line(int dir_fd, char *line)
{
	char kind = line[0];
	unsigned long mode = 0;

	if (kind == '\0' || kind == '#')
		return 0;
	if (strchr("dfl", kind) == NULL || line[1] != ' ')
		return -EINVAL;
	char *path = line + 2;
	if (kind == 'f') {
		mode = strtoul(path, &path, 8);
		if (*path++ != ' ' || mode > 07777)
			return -EINVAL;
	}
	char *rest = kind == 'd' ? path + strlen(path) : strchr(path, '\t');
	if (rest == NULL)
		return -EINVAL;
	if (kind != 'd')
		*rest++ = '\0';
	if (path[0] != '/' || strstr(path, "/..") != NULL)
		return -EINVAL;
	return tree_put_each(dir_fd, kind, path + strspn(path, "/"), (mode_t)mode, rest);
}

/* Expand a file into a directory that is there. 0 or -errno, with a message on stderr. */
static inline int tree_expand(const char *file, const char *dir)
{
	char *line = NULL;
	size_t cap = 0;
	unsigned number = 0;
	int r = 0;

	FILE *f = fopen(file, "re");
	int dir_fd = f != NULL ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (f == NULL || dir_fd < 0) {
		r = -errno;
		fprintf(stderr, "%s: %s\n", f == NULL ? file : dir, strerror(errno));
	}
	while (r == 0) {
		ssize_t n = getline(&line, &cap, f);
		if (n < 0)
			break;
		number++;
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		r = tree_line(dir_fd, line);
		if (r < 0)
			fprintf(stderr, "%s:%u: %s\n", file, number, strerror(-r));
	}
	free(line);
	if (dir_fd >= 0)
		close(dir_fd);
	if (f != NULL)
		fclose(f);
	return r;
}

static inline int tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

/* Remove a directory and everything below. */
static inline void tree_remove(const char *dir)
{
	nftw(dir, tree_remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/*
 * For unit tests, which run at the top of the sources: a new temporary directory in *ret (freed by the caller) with
 * the recorded host NAME (tests/fixtures/hosts/NAME.tree) in it, or nothing when name is NULL. 0 or -errno.
 * In memory where that is possible: thousands of small files take seconds on some disks.
 */
static inline int tree_host(const char *name, char **ret)
{
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	char file[PATH_MAX];
	char *dir = NULL;

	if (getenv("TMPDIR") != NULL)
		tmp = getenv("TMPDIR");
	if (asprintf(&dir, "%s/hfttune-tree-XXXXXX", tmp) < 0)
		return -ENOMEM;
	if (mkdtemp(dir) == NULL) {
		free(dir);
		return -errno;
	}
	snprintf(file, sizeof(file), "tests/fixtures/hosts/%s.tree", name != NULL ? name : "");
	int r = name != NULL ? tree_expand(file, dir) : 0;
	if (r < 0) {
		tree_remove(dir);
		free(dir);
		return r;
	}
	*ret = dir;
	return 0;
}
