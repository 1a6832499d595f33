/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of files: walks the trees of hostdump_trees.h and prints values as they are, configuration as owner, mode,
 * hash and extended attributes. Paths are relative to the working directory, the root of the host.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/tools/hostdump.h"
#include "tests/tools/hostdump_trees.h"

#define VALUE_MAX_BYTES 4096 /* longer values are printed as length and hash */
#define READ_MAX_BYTES 65536

/* What nobody should find in a dump that is passed around. */
static const char *const secrets[] = {
	"*/tcp_fastopen_key",
	"*/stable_secret",
	"*/netdev_rss_key",
};

static bool is_secret(const char *path)
{
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		if (fnmatch(secrets[i], path, 0) == 0)
			return true;
	return false;
}

static void dump_value(struct dump *d, const char *class, const char *path, int dirfd, const char *name)
{
	static char buf[READ_MAX_BYTES]; /* one thread, and too large for the stack of a deep walk */
	int fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read_all(fd, buf, sizeof(buf));
	int err = errno;

	if (fd >= 0)
		close(fd);
	if (n < 0 && err == ENOENT)
		return; /* gone since the directory was read: as if it had never been there */
	if (n < 0) {
		emit_errno(d, class, path, err);
		return;
	}
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	if (n > VALUE_MAX_BYTES || is_secret(path))
		emit_hash(d, class, path, buf, (size_t)n);
	else
		emit_bytes(d, class, path, buf, (size_t)n);
}

/* Names and values of extended attributes, ACLs among them; the kernel lists them in no order that is promised. */
static void dump_xattrs(struct dump *d, const char *class, const char *path)
{
	char names[4096], value[READ_MAX_BYTES];
	ssize_t n = llistxattr(path + 1, names, sizeof(names));

	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t size = lgetxattr(path + 1, names + at, value, sizeof(value));
		char full[4096 + 256];

		snprintf(full, sizeof(full), "%s#%.255s", path, names + at);
		if (size < 0)
			emit_errno(d, class, full, errno);
		else
			emit_hash(d, class, full, value, (size_t)size);
	}
}

/* Configuration: everything that a byte-for-byte restore has to bring back. */
static void dump_entry(struct dump *d, const char *class, const char *path, int dirfd, const char *name,
                       const struct stat *st)
{
	static char buf[READ_MAX_BYTES];
	uint64_t h = FNV_START;
	ssize_t n;
	int fd;

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(dirfd, name, buf, sizeof(buf) - 1);
		emit(d, class, path, "link %.*s", n < 0 ? 0 : (int)n, buf);
		return;
	}
	if (S_ISDIR(st->st_mode)) {
		emit(d, class, path, "dir %04o %u:%u", st->st_mode & 07777u, st->st_uid, st->st_gid);
		return;
	}
	fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		emit_errno(d, class, path, errno);
		return;
	}
	while ((n = read_all(fd, buf, sizeof(buf))) > 0)
		h = fnv1a(h, buf, (size_t)n);
	close(fd);
	emit(d, class, path, "file %04o %u:%u links %lu size %lld hash %016llx", st->st_mode & 07777u, st->st_uid,
	     st->st_gid, (unsigned long)st->st_nlink, (long long)st->st_size, (unsigned long long)h);
}

static bool wanted(const struct tree *t, const char *rel)
{
	bool in = !t->only;

	for (size_t i = 0; !in && t->only[i]; i++)
		in = fnmatch(t->only[i], rel, 0) == 0;
	for (size_t i = 0; in && t->skip && t->skip[i].pattern; i++)
		in = fnmatch(t->skip[i].pattern, rel, 0) != 0;
	return in;
}

static bool loses_value(const struct dump *d, const char *path)
{
	return d->watchdog_off && (strcmp(path, "/proc/sys/kernel/nmi_watchdog") == 0 ||
	                           strcmp(path, "/proc/sys/kernel/soft_watchdog") == 0);
}

static void walk(struct dump *d, const struct tree *t, const char *path, size_t base, int dirfd, dev_t dev, int level);

/* One directory entry; path is its whole path, base the length of the tree's own. */
static void visit(struct dump *d, const struct tree *t, const char *path, size_t base, int dirfd, const char *name,
                  dev_t dev, int level)
{
	const char *class = t->class ? t->class : "", *rel = path[base] ? path + base + 1 : "";
	struct stat st;

	/* AT_NO_AUTOMOUNT: looking must not mount anything (binfmt_misc). */
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return;
	if (t->hash && (*rel == '\0' || wanted(t, rel))) {
		dump_entry(d, class, path, dirfd, name, &st);
		dump_xattrs(d, class, path);
	}
	if (S_ISDIR(st.st_mode)) {
		if ((t->cross || st.st_dev == dev) && (!t->depth || level < t->depth)) {
			int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			if (fd >= 0)
				walk(d, t, path, base, fd, dev, level + 1);
		}
		return;
	}
	if (t->hash || !S_ISREG(st.st_mode) || !(st.st_mode & 0444) || (*rel && !wanted(t, rel)))
		return; /* no read bit: write-only, even for root */
	if (loses_value(d, path))
		emit(d, class, path, "!not read while the watchdog is off");
	else
		dump_value(d, class, path, dirfd, name);
}

/* Takes dirfd. */
static void walk(struct dump *d, const struct tree *t, const char *path, size_t base, int dirfd, dev_t dev, int level)
{
	DIR *dir = fdopendir(dirfd);
	struct dirent *e;

	if (!dir) {
		close(dirfd);
		return;
	}
	while ((e = readdir(dir))) {
		char sub[4096];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if ((size_t)snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name) < sizeof(sub))
			visit(d, t, sub, base, dirfd, e->d_name, dev, level);
	}
	closedir(dir);
}

/* The top of a tree may be a symbolic link (/sys/class/net/eth0), anything below may not. */
static void dump_tree(struct dump *d, const struct tree *t)
{
	glob_t g;

	if (glob(t->where, GLOB_BRACE | GLOB_NOSORT, NULL, &g) != 0)
		return;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		const char *at = g.gl_pathv[i];
		char path[4096];
		struct stat st;
		int fd;

		if (stat(at, &st) < 0 || (size_t)snprintf(path, sizeof(path), "/%s", at) >= sizeof(path))
			continue;
		if (t->hash || !S_ISDIR(st.st_mode)) {
			visit(d, t, path, strlen(path), AT_FDCWD, at, st.st_dev, 0);
			continue;
		}
		fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			walk(d, t, path, strlen(path), fd, st.st_dev, 1);
	}
	globfree(&g);
}

static bool file_says(const char *path, char c)
{
	char text[64];

	return read_text(path, text, sizeof(text)) > 0 && text[0] == c;
}

void dump_files(struct dump *d, bool live)
{
	d->watchdog_off = live && file_says("proc/sys/kernel/watchdog", '0');
	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++)
		dump_tree(d, &trees[i]);
}
