/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judge of promise P1: prints every readable tunable of a host, live or copied, as sorted lines "PATH<TAB>VALUE".
 * It must not share code with hfttune, change anything, or know what hfttune tunes: it walks whole trees and leaves out
 * only what the tables below name, each with its reason. What the kernel changes by itself although it is a tunable is
 * printed, and ignored by hostdump-diff on the strength of hostdump.ignore.
 *
 * Lines that are no plain file bear a class in front: "effective:" (where an interrupt really goes), "kthread:",
 * "user:" (threads of programs that are not as a new process would be), "ethtool:", "file:" (configuration: owner,
 *mode, hash), "mount:", "swap:". The last line is "# end N", so that a dump cut short is never taken for a whole one.
 *
 *	hostdump [--root DIR]
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tools/hostdump.h"
#include "tests/tools/hostdump_trees.h"

#define VALUE_MAX_BYTES 4096 /* longer values are printed as length and hash */
#define READ_MAX_BYTES 65536

static void *must(void *p)
{
	if (!p) {
		fputs("hostdump: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

uint64_t fnv1a(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n--)
		h = (h ^ *p++) * UINT64_C(0x100000001b3);
	return h;
}

/* Write src so that it holds neither blank nor control character ("value" may hold blanks). Returns the end. */
static char *escape(char *to, const char *src, size_t n, bool value)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)src[i];

		if (c == '\n' && value)
			to = stpcpy(to, "\\n");
		else if (c == '\t' && value)
			to = stpcpy(to, "\\t");
		else if (c < 0x20 || c == 0x7f || c == '\\' || (c == ' ' && !value))
			to += sprintf(to, "\\x%02x", c);
		else
			*to++ = (char)c;
	}
	*to = '\0';
	return to;
}

void emit_bytes(struct dump *d, const char *class, const char *path, const char *value, size_t n)
{
	char *line = must(malloc(strlen(class) + 4 * strlen(path) + 4 * n + 8)), *p;

	p = stpcpy(line, class);
	p = escape(p, path, strlen(path), false);
	*p++ = '\t';
	escape(p, value, n, true);
	if (d->n == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 4096;
		d->lines = must(realloc(d->lines, d->cap * sizeof(*d->lines)));
	}
	d->lines[d->n++] = line;
}

void emit(struct dump *d, const char *class, const char *path, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		must(NULL);
	emit_bytes(d, class, path, text, (size_t)n);
	free(text);
}

/* Why a value is missing is a value too: a file that cannot be read any more is a difference. */
static void emit_errno(struct dump *d, const char *class, const char *path, int err)
{
	const char *name = strerrorname_np(err);

	if (name)
		emit(d, class, path, "!%s", name);
	else
		emit(d, class, path, "!errno %d", err); /* the kernel's own ENOTSUPP has no name */
}

/* -1 and errno, or the number of bytes in buf. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t r = read(fd, buf + n, size - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

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
		emit(d, class, path, "%zd bytes, hash %016llx", n,
		     (unsigned long long)fnv1a(FNV_START, buf, (size_t)n));
	else
		emit_bytes(d, class, path, buf, (size_t)n);
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
	if (t->hash && (*rel == '\0' || wanted(t, rel)))
		dump_entry(d, class, path, dirfd, name, &st);
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

/* The tightest limit that anybody holds, in microseconds: 32 bits, host order. A copied tree may hold text instead. */
static void dump_dma_latency(struct dump *d)
{
	int fd = open("dev/cpu_dma_latency", O_RDONLY | O_CLOEXEC);
	char buf[64];
	int32_t us;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return;
	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));
	if (n < 0) {
		emit_errno(d, "", "/dev/cpu_dma_latency", errno);
	} else if (n == sizeof(us)) {
		memcpy(&us, buf, sizeof(us));
		emit(d, "", "/dev/cpu_dma_latency", "%d", us);
	} else {
		emit_bytes(d, "", "/dev/cpu_dma_latency", buf, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
}

static bool file_says(const char *path, char c)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char got = 0;
	bool same = fd >= 0 && read(fd, &got, 1) == 1 && got == c;

	if (fd >= 0)
		close(fd);
	return same;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int print(struct dump *d)
{
	size_t n = 0;

	qsort(d->lines, d->n, sizeof(*d->lines), compare);
	for (size_t i = 0; i < d->n; i++) {
		if (i && strcmp(d->lines[i], d->lines[i - 1]) == 0)
			continue;
		puts(d->lines[i]);
		n++;
	}
	printf("# end %zu\n", n);
	for (size_t i = 0; i < d->n; i++)
		free(d->lines[i]);
	free(d->lines);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 2;
}

int main(int argc, char **argv)
{
	const char *root = argc == 3 && strcmp(argv[1], "--root") == 0 ? argv[2] : "/";
	struct dump d = {0};
	struct stat a, b;
	bool live;

	if (argc != 1 && argc != 3) {
		fputs("usage: hostdump [--root DIR]\n", stderr);
		return 2;
	}
	if (chdir(root) < 0 || stat(".", &a) < 0 || stat("/", &b) < 0) {
		fprintf(stderr, "hostdump: %s: %s\n", root, strerror(errno));
		return 2;
	}
	live = a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	d.watchdog_off = live && file_says("proc/sys/kernel/watchdog", '0');
	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++)
		dump_tree(&d, &trees[i]);
	dump_dma_latency(&d);
	if (live) {
		dump_mounts(&d);
		dump_swaps(&d);
		dump_threads(&d);
		dump_nics(&d);
	}
	return print(&d);
}
