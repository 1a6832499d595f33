/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rooted file access: the one place that opens, renames or removes anything under the host's root or the state
 * directory. Must not interpret what it reads, and must not compare before it writes.
 */
#include "lib/base/fsio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/kept.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define READ_MAX (1024 * 1024) /* longest text that is read whole */
#define CHUNK 4096             /* kernel attributes answer at most one page */
#define AGAIN_MAX 100          /* openat2(2) gives EAGAIN when a rename elsewhere races with a ".." in a link */

struct fsio {
	int root_fd;
	bool live;
	char *root;
	struct kept kept; /* value files that stay open, fsio_keep_open() */
};

static int raise_io(struct hft_err *err, int r, const char *path, const char *doing)
{
	if (err == NULL)
		return r; /* probing: most probes fail, and the sentence would be thrown away */
	return err_raise(err, ERR_IO, -r, path, "cannot %s %s: %s", doing, path, strerror(-r));
}

/* --- paths -------------------------------------------------------------------------------------------------------- */

/* "/a/b" as "a/b", and "/" as "."; -EINVAL for a path that is not absolute or goes up. */
static int beneath(const char *path, const char **ret)
{
	if (path[0] != '/')
		return -EINVAL;
	for (const char *p = path; *p != '\0';) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return -EINVAL;
		p += n;
		p += strspn(p, "/");
	}
	path += strspn(path, "/");
	*ret = *path != '\0' ? path : ".";
	return 0;
}

/* The links inside /sys are the kernel's own, and relative; anywhere else a link may have been planted. */
static uint64_t resolve_flags(const char *path)
{
	return RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | (str_starts(path, "/sys/") ? 0 : RESOLVE_NO_SYMLINKS);
}

/* glibc has no wrapper. A descriptor or -errno. */
static int open_beneath(int dir_fd, const char *relative, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = resolve,
	};

	for (unsigned again = 0;;) {
		long fd = syscall(SYS_openat2, dir_fd, relative, &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		if (errno == EINTR || (errno == EAGAIN && ++again < AGAIN_MAX))
			continue;
		return -errno;
	}
}

static int open_path(const struct fsio *fs, const char *path, int flags, mode_t mode)
{
	const char *relative;

	int r = beneath(path, &relative);
	if (r < 0)
		return r;
	return open_beneath(fs->root_fd, relative, flags, mode, resolve_flags(path));
}

static int open_faulty(const struct fsio *fs, enum fault_op op, const char *path, int flags, mode_t mode)
{
	int r = fault_before(op, path);
	if (r < 0)
		return r;
	r = open_path(fs, path, flags, mode);
	fault_after(op, path);
	return r;
}

/* Flags for reading and writing kernel files: in a copied tree a FIFO or device must not hang or be acquired. */
static int careful(const struct fsio *fs, int flags)
{
	return flags | O_NOCTTY | (fs->live ? 0 : O_NONBLOCK);
}

/* The directory that holds the last component, for calls that act on a name; *ret_name points into path. */
static int open_parent(const struct fsio *fs, const char *path, int *ret_fd, const char **ret_name)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash[1] == '\0' || str_eq(slash, "/.") || str_eq(slash, "/.."))
		return -EINVAL;
	if (slash - path >= PATH_MAX)
		return -ENAMETOOLONG;

	char parent[PATH_MAX] = "/";
	if (slash > path)
		*(char *)mempcpy(parent, path, (size_t)(slash - path)) = '\0';
	int fd = open_path(fs, parent, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	*ret_name = slash + 1;
	return 0;
}

/* --- the handle --------------------------------------------------------------------------------------------------- */

/* By identity, not by spelling: "//" and a link to "/" reach the kernel just as well. */
static bool is_host_root(int fd)
{
	struct stat here, host;

	return fstat(fd, &here) == 0 && stat("/", &host) == 0 && here.st_dev == host.st_dev &&
	       here.st_ino == host.st_ino;
}

int fsio_new(const char *root, struct fsio **ret, struct hft_err *err)
{
	CLEANUP(fsio_freep) struct fsio *fs = calloc(1, sizeof(*fs));

	if (fs == NULL)
		return err_oom(err);
	fs->root_fd = -1;
	fs->root = strdup(root != NULL ? root : "/");
	if (fs->root == NULL)
		return err_oom(err);
	fs->root_fd = open(fs->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fs->root_fd < 0)
		return raise_io(err, -errno, fs->root, "open the root directory");
	fs->live = is_host_root(fs->root_fd);
	*ret = TAKE_PTR(fs);
	return 0;
}

void fsio_free(struct fsio *fs)
{
	if (fs == NULL)
		return;
	kept_done(&fs->kept);
	mem_closep(&fs->root_fd);
	free(fs->root);
	free(fs);
}

void fsio_freep(struct fsio **fs)
{
	fsio_free(*fs);
	*fs = NULL;
}

bool fsio_is_live(const struct fsio *fs)
{
	return fs->live;
}

const char *fsio_root(const struct fsio *fs)
{
	return fs->root;
}

/* --- files that stay open ----------------------------------------------------------------------------------------- */

void fsio_keep_open(struct fsio *fs, size_t max)
{
	struct rlimit limit;

	/* The other half is for whatever else the process opens. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && max > limit.rlim_cur / 2)
		max = limit.rlim_cur / 2;
	kept_init(&fs->kept, max); /* without memory nothing is kept, and all is as before */
}

/* Where the kernel has values, and opening a file does nothing. */
static bool is_of_values(const char *path)
{
	return str_starts(path, "/proc/sys/") || str_starts(path, "/sys/") || str_starts(path, "/proc/irq/");
}

/*
 * Is the kept file the one to write? In a copied tree its mode is what a kernel's refusal is, and counts as it is now;
 * one that was removed or replaced since is kept no longer. *ret_size: what it holds there now.
 */
static bool may_write(struct fsio *fs, const char *path, const struct kept_file *f, off_t *ret_size)
{
	struct stat st;

	if (fs->live)
		return f->writable;
	if (fstat(f->fd, &st) < 0 || st.st_nlink == 0) {
		kept_drop(&fs->kept, path);
		return false;
	}
	*ret_size = st.st_size;
	return f->writable && st.st_mode == f->mode;
}

/* Writable if that may be: the kernel says EINVAL for an attribute without a write bit, even to root (kernfs). */
static int open_value(const struct fsio *fs, const char *path, bool *ret_writable)
{
	int fd = open_path(fs, path, careful(fs, O_RDWR), 0);

	*ret_writable = fd >= 0;
	if (fd == -EACCES || fd == -EPERM || fd == -EINVAL || fd == -EROFS)
		fd = open_path(fs, path, careful(fs, O_RDONLY), 0);
	return fd;
}

/* As keep(), for a path that is not there yet. */
static int open_to_keep(struct fsio *fs, const char *path, struct kept_file **ret)
{
	struct stat st;
	bool writable;

	int r = fault_before(FAULT_OPEN, path);
	if (r < 0)
		return r;
	CLEANUP(mem_closep) int fd = open_value(fs, path, &writable);
	fault_after(FAULT_OPEN, path);
	if (fd < 0)
		return fd == -ENOENT ? fd : 0; /* ENOENT is the answer to any way of opening */
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	struct kept_file *f = kept_add_take(&fs->kept, path, fd);
	if (f == NULL)
		return 0;
	TAKE_FD(fd);
	f->writable = writable;
	f->mode = st.st_mode;
	*ret = f;
	return 1;
}

/* The open file behind a path. 1: *ret is it; 0: none is kept of this path, open it as ever; -errno: cannot be opened. */
static int keep(struct fsio *fs, const char *path, struct kept_file **ret)
{
	if (fs->kept.max == 0 || !is_of_values(path))
		return 0;
	struct kept_file *f = kept_find(&fs->kept, path);
	if (f == NULL)
		return kept_has_room(&fs->kept) ? open_to_keep(fs, path, ret) : 0;
	*ret = f;
	return 1;
}

/* After a failure with r: the file as it is now, in case that it went and came back. 1, or -errno. */
static int keep_anew(struct fsio *fs, const char *path, int r, struct kept_file **ret)
{
	kept_drop(&fs->kept, path);
	int again = keep(fs, path, ret);
	return again == 0 ? r : again;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static ssize_t pread_retry(int fd, void *buf, size_t size, size_t offset)
{
	ssize_t n;

	do
		n = pread(fd, buf, size, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t read_retry(int fd, void *buf, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buf, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/*
 * Where one read(2) that came back short was all: /proc/sys, and the parts of /sys that hold one value per file. Not
 * seq_files of many records (/proc/interrupts, cgroup.procs), which come back short at any record.
 */
static bool is_one_value(const char *path)
{
	static const char *const prefixes[] = {
		"/proc/sys/",   "/sys/devices/", "/sys/class/",     "/sys/bus/",
		"/sys/module/", "/sys/block/",   "/sys/kernel/mm/",
	};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(path, prefixes[i]))
			return true;
	return false;
}

/* The whole file into *ret, which is empty; at most max bytes, else -EFBIG. A kept file is read from its start. */
static int read_stream(int fd, bool kept, size_t max, bool short_is_end, struct strbuf *ret)
{
	char chunk[CHUNK];

	for (;;) {
		ssize_t n = kept ? pread_retry(fd, chunk, sizeof(chunk), ret->len) :
		                   read_retry(fd, chunk, sizeof(chunk));
		if (n < 0)
			return (int)n;
		if ((size_t)n > max - ret->len)
			return -EFBIG;
		strbuf_addn(ret, chunk, (size_t)n);
		if (ret->oom)
			return -ENOMEM;
		if (n == 0 || (short_is_end && (size_t)n < sizeof(chunk)))
			return 0;
	}
}

/*
 * A sysctl longer than what was asked for is cut, and the next read(2) says end of file (proc_do_large_bitmap behind
 * net.ipv4.ip_local_reserved_ports). So a full answer is asked for again, from the start, with more room.
 */
static int read_sysctl_again(int fd, struct strbuf *ret)
{
	for (size_t size = 4 * CHUNK; size <= READ_MAX; size *= 4) {
		CLEANUP(mem_freep) char *buf = malloc(size);
		if (buf == NULL)
			return -ENOMEM;
		ssize_t n = pread_retry(fd, buf, size, 0);
		if (n < 0)
			return (int)n;
		if ((size_t)n < size) {
			strbuf_reset(ret);
			strbuf_addn(ret, buf, (size_t)n);
			return ret->oom ? -ENOMEM : 0;
		}
	}
	return -EFBIG;
}

static void cut_text(struct strbuf *b)
{
	const char *nul = b->len > 0 ? memchr(b->s, '\0', b->len) : NULL;

	if (nul != NULL)
		b->len = (size_t)(nul - b->s);
	if (b->len > 0 && b->s[b->len - 1] == '\n')
		b->len--;
	if (b->s != NULL)
		b->s[b->len] = '\0';
}

static int read_content(int fd, bool kept, const char *path, struct strbuf *ret)
{
	int r = read_stream(fd, kept, READ_MAX, is_one_value(path), ret);

	if (r == 0 && ret->len >= CHUNK && str_starts(path, "/proc/sys/"))
		r = read_sysctl_again(fd, ret);
	return r;
}

static int read_text(int fd, const char *path, struct strbuf *ret)
{
	int r = fault_before(FAULT_READ, path);
	if (r < 0)
		return r;
	r = read_content(fd, false, path, ret);
	fault_after(FAULT_READ, path);
	return r;
}

/* What a read of an attribute says when its device, or its sysctl, has been taken away. */
static bool is_gone(int r)
{
	return r == -ENODEV || r == -ENOENT || r == -EIO;
}

static int read_kept(struct fsio *fs, struct kept_file *f, const char *path, struct strbuf *ret)
{
	int r = fault_before(FAULT_READ, path);
	if (r < 0)
		return r;
	r = read_content(f->fd, true, path, ret);
	if (is_gone(r)) {
		strbuf_reset(ret);
		r = keep_anew(fs, path, r, &f);
		r = r == 1 ? read_content(f->fd, true, path, ret) : r;
	}
	fault_after(FAULT_READ, path);
	return r;
}

static int fail_read(struct hft_err *err, int r, const char *path, struct strbuf *ret)
{
	strbuf_reset(ret);
	return raise_io(err, r, path, "read");
}

int fsio_read(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(mem_closep) int fd = -1;
	struct kept_file *f;

	strbuf_reset(ret);
	int r = keep(fs, path, &f);
	if (r == 0)
		r = fd = open_faulty(fs, FAULT_OPEN, path, careful(fs, O_RDONLY), 0);
	if (r < 0)
		return raise_io(err, r, path, "open");
	r = fd < 0 ? read_kept(fs, f, path, ret) : read_text(fd, path, ret);
	if (r < 0)
		return fail_read(err, r, path, ret);
	cut_text(ret);
	return 0;
}

int fsio_probe(struct fsio *fs, const char *path, struct strbuf *ret)
{
	return fsio_read(fs, path, ret, NULL);
}

static int read_exactly(int fd, char *buf, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = read_retry(fd, buf + done, size - done);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

int fsio_read_bytes(struct fsio *fs, const char *path, void *buf, size_t size, struct hft_err *err)
{
	CLEANUP(mem_closep) int fd = open_faulty(fs, FAULT_OPEN, path, careful(fs, O_RDONLY), 0);
	if (fd < 0)
		return raise_io(err, fd, path, "open");
	int r = fault_before(FAULT_READ, path);
	if (r == 0) {
		r = read_exactly(fd, buf, size);
		fault_after(FAULT_READ, path);
	}
	return r < 0 ? raise_io(err, r, path, "read") : 0;
}

static int check_regular(int fd, size_t max)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return st.st_size > 0 && (uintmax_t)st.st_size > max ? -EFBIG : 0;
}

int fsio_read_file(struct fsio *fs, const char *path, size_t max, struct strbuf *ret, struct hft_err *err)
{
	strbuf_reset(ret);
	CLEANUP(mem_closep) int fd =
		open_faulty(fs, FAULT_OPEN, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return raise_io(err, fd == -ENXIO ? -EINVAL : fd, path,
		                "open"); /* ENXIO: a socket, or a missing device */
	int r = check_regular(fd, max);
	if (r == 0)
		r = fault_before(FAULT_READ, path);
	if (r == 0) {
		r = read_stream(fd, false, max, false, ret); /* to the end: the size of a file in /proc says 0 */
		fault_after(FAULT_READ, path);
	}
	return r < 0 ? fail_read(err, r, path, ret) : 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static ssize_t write_retry(int fd, const void *buf, size_t size)
{
	ssize_t n;

	do
		n = write(fd, buf, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* One write(2) behind a failpoint: bytes written, or -errno. */
static ssize_t write_faulty(enum fault_op op, int fd, const void *buf, size_t size, const char *path)
{
	int r = fault_before(op, path);
	if (r < 0)
		return r;
	ssize_t n = write_retry(fd, buf, r == 1 && size > 0 ? size - 1 : size);
	fault_after(op, path);
	return n;
}

/*
 * In a copied tree the content is replaced. The rest of a longer old value goes only after the new one has arrived, so
 * that a full disk or a kill cannot leave an empty file where the kernel would have kept the old value.
 */
static int cut_behind(int fd, off_t old_size, size_t size)
{
	if ((uintmax_t)old_size <= size)
		return 0;
	return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

static int size_of(int fd, off_t *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = S_ISREG(st.st_mode) ? st.st_size : 0;
	return 0;
}

/* From the start, by one call that arrives. A seq_file (/proc/irq) refuses pwrite(2) before looking at it. */
static ssize_t write_from_start(int fd, const char *text, size_t size)
{
	ssize_t n;

	do
		n = pwrite(fd, text, size, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == ESPIPE && lseek(fd, 0, SEEK_SET) == 0)
		return write_retry(fd, text, size);
	return n < 0 ? -errno : n;
}

/* A write can be refused with the same codes for what it says; then a read does not fail with them. */
static bool is_gone_for_reading(int fd, int r)
{
	char c;

	return is_gone(r) && pread_retry(fd, &c, 1, 0) == r;
}

/* *f may be another one afterwards: the file that is there now. */
static ssize_t write_kept(struct fsio *fs, struct kept_file **f, const char *path, const char *text, size_t size)
{
	ssize_t n = write_from_start((*f)->fd, text, size);

	if (n >= 0 || !fs->live || !is_gone_for_reading((*f)->fd, (int)n))
		return n;
	int r = keep_anew(fs, path, (int)n, f);
	if (r < 0 || !(*f)->writable)
		return r < 0 ? r : n;
	return write_from_start((*f)->fd, text, size);
}

/* Into the kept file f, or (NULL) into fd, which is at its start. old_size: what a file of a copied tree holds. */
static int write_value(struct fsio *fs, struct kept_file *f, int fd, off_t old_size, const char *path,
                       const char *text, size_t size)
{
	int r = fault_before(FAULT_WRITE, path);
	if (r < 0 || r == 2)
		return r < 0 ? r : 0;
	size_t n_asked = r == 1 ? size - 1 : size;
	ssize_t n = f != NULL ? write_kept(fs, &f, path, text, n_asked) : write_retry(fd, text, n_asked);
	r = n < 0 ? (int)n : 0;
	if (r == 0 && !fs->live)
		r = cut_behind(f != NULL ? f->fd : fd, old_size, (size_t)n);
	fault_after(FAULT_WRITE, path);
	if (r == 0 && (size_t)n < size)
		r = -EIO;
	return r;
}

int fsio_write(struct fsio *fs, const char *path, const char *value, struct hft_err *err)
{
	size_t len = strlen(value);
	char small[CHUNK];
	CLEANUP(mem_freep) char *large = len < sizeof(small) ? NULL : malloc(len + 1);
	char *text = len < sizeof(small) ? small : large;

	if (text == NULL)
		return err_oom(err);
	*(char *)mempcpy(text, value, len) = '\n';

	CLEANUP(mem_closep) int fd = -1;
	struct kept_file *f = NULL;
	off_t old_size = 0;
	int r = keep(fs, path, &f);
	if (r == 1 && !may_write(fs, path, f, &old_size))
		f = NULL; /* refused as ever, or the permission came since */
	if (r >= 0 && f == NULL) {
		r = fd = open_faulty(fs, FAULT_OPEN, path, careful(fs, O_WRONLY), 0);
		if (r >= 0 && !fs->live)
			r = size_of(fd, &old_size);
	}
	if (r < 0)
		return raise_io(err, r, path, "open");
	r = write_value(fs, f, fd, old_size, path, text, len + 1);
	return r < 0 ? raise_io(err, r, path, "write") : 0;
}

int fsio_open_device(struct fsio *fs, const char *path, int *ret_fd, struct hft_err *err)
{
	int fd = open_faulty(fs, FAULT_OPEN, path, careful(fs, O_RDWR), 0);
	if (fd < 0)
		return raise_io(err, fd, path, "open");
	*ret_fd = fd;
	return 0;
}

int fsio_write_fd(int fd, const void *buf, size_t size, const char *path, struct hft_err *err)
{
	ssize_t n = write_faulty(FAULT_WRITE, fd, buf, size, path);
	if (n >= 0 && (size_t)n < size)
		n = -EIO;
	return n < 0 ? raise_io(err, (int)n, path, "write") : 0;
}

/* --- looking around ----------------------------------------------------------------------------------------------- */

static void close_dirp(DIR **dir)
{
	if (*dir != NULL)
		closedir(*dir);
}

/* Takes fd. */
static int list_names(int fd, struct strlist *names)
{
	CLEANUP(close_dirp) DIR *dir = fdopendir(fd);

	if (dir == NULL) {
		int r = -errno;
		close(fd);
		return r;
	}
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (entry == NULL)
			return -errno;
		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (strlist_add(names, entry->d_name) < 0)
			return -ENOMEM;
	}
}

int fsio_list(struct fsio *fs, const char *path, struct strlist *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = { 0 };

	int r = open_faulty(fs, FAULT_LIST, path, O_RDONLY | O_DIRECTORY, 0);
	if (r >= 0)
		r = list_names(r, &names);
	if (r < 0)
		return raise_io(err, r, path, "list");
	strlist_sort(&names);
	strlist_done(ret);
	*ret = names;
	names = (struct strlist){ 0 };
	return 0;
}

int fsio_link_target(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err)
{
	char target[PATH_MAX];

	strbuf_reset(ret);
	CLEANUP(mem_closep) int fd = open_faulty(fs, FAULT_OPEN, path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return raise_io(err, fd, path, "open");
	ssize_t n = readlinkat(fd, "", target, sizeof(target));
	if (n < 0) /* ENOENT is how the kernel says that the open file is no link */
		return raise_io(err, errno == ENOENT ? -EINVAL : -errno, path, "read the link");
	if ((size_t)n == sizeof(target))
		return raise_io(err, -ENAMETOOLONG, path, "read the link");
	strbuf_addn(ret, target, (size_t)n);
	return ret->oom ? err_oom(err) : 0;
}

int fsio_link_name(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err)
{
	int r = fsio_link_target(fs, path, ret, err);
	if (r < 0)
		return r;

	const char *slash = ret->len > 0 ? memrchr(ret->s, '/', ret->len) : NULL;
	if (slash != NULL) {
		ret->len -= (size_t)(slash + 1 - ret->s);
		memmove(ret->s, slash + 1, ret->len + 1);
	}
	return 0;
}

bool fsio_exists(struct fsio *fs, const char *path)
{
	/* Outside /sys a link is not followed, and is there all the same. */
	int nofollow = str_starts(path, "/sys/") ? 0 : O_NOFOLLOW;
	CLEANUP(mem_closep) int fd = open_faulty(fs, FAULT_OPEN, path, O_PATH | nofollow, 0);

	return fd >= 0;
}

static int stat_path(struct fsio *fs, const char *path, struct stat *ret)
{
	CLEANUP(mem_closep) int fd = open_faulty(fs, FAULT_OPEN, path, O_PATH, 0);

	if (fd < 0)
		return fd;
	return fstat(fd, ret) < 0 ? -errno : 0;
}

int fsio_mode(struct fsio *fs, const char *path, mode_t *ret)
{
	struct kept_file *f;
	struct stat st;

	int r = keep(fs, path, &f);
	if (r == 1 && !f->used_again)
		st.st_mode = f->mode; /* opened just now */
	else if (r == 1)
		r = fstat(f->fd, &st) < 0 ? -errno : 0;
	else if (r == 0)
		r = stat_path(fs, path, &st);
	if (r < 0)
		return r;
	*ret = st.st_mode & 07777;
	return 0;
}

int fsio_owner(struct fsio *fs, const char *path, uid_t *ret_uid, mode_t *ret_mode, struct hft_err *err)
{
	struct stat st;

	int r = stat_path(fs, path, &st);
	if (r < 0)
		return raise_io(err, r, path, "look at");
	*ret_uid = st.st_uid;
	*ret_mode = st.st_mode;
	return 0;
}

int fsio_stat(struct fsio *fs, const char *path, struct stat *ret, struct hft_err *err)
{
	struct stat st;

	int r = stat_path(fs, path, &st);
	if (r < 0)
		return raise_io(err, r, path, "look at");
	*ret = st;
	return 0;
}

/* --- durable files ------------------------------------------------------------------------------------------------ */

static int sync_retry(int fd, int (*sync)(int fd))
{
	int r;

	do
		r = sync(fd);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int sync_dir_at(int dir_fd, const char *relative, uint64_t resolve)
{
	CLEANUP(mem_closep) int fd = open_beneath(dir_fd, relative, O_RDONLY | O_DIRECTORY, 0, resolve);

	return fd < 0 ? fd : sync_retry(fd, fsync);
}

/* Make one directory with exactly this mode, whatever the umask, and make its name durable. 0 when it was there. */
static int make_dir(int parent_fd, const char *name, mode_t mode)
{
	if (mkdirat(parent_fd, name, mode) < 0)
		return errno == EEXIST ? 0 : -errno;

	CLEANUP(mem_closep) int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return -errno;
	return sync_dir_at(parent_fd, ".", RESOLVE_BENEATH);
}

static int make_dirs(struct fsio *fs, const char *path, mode_t mode)
{
	const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
	char name[NAME_MAX + 1];

	CLEANUP(mem_closep) int fd = open_beneath(fs->root_fd, ".", O_PATH | O_DIRECTORY, 0, resolve);
	for (const char *p = path + strspn(path, "/"); *p != '\0' && fd >= 0; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");
		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		*(char *)mempcpy(name, p, n) = '\0';
		int next = open_beneath(fd, name, O_PATH | O_DIRECTORY, 0, resolve);
		if (next == -ENOENT) {
			int r = make_dir(fd, name, mode);
			if (r < 0)
				return r;
			next = open_beneath(fd, name, O_PATH | O_DIRECTORY, 0, resolve);
		}
		mem_closep(&fd);
		fd = next;
		p += n;
	}
	return fd < 0 ? fd : 0;
}

int fsio_mkdirs(struct fsio *fs, const char *path, mode_t mode, struct hft_err *err)
{
	const char *relative;

	int r = beneath(path, &relative);
	if (r == 0)
		r = fault_before(FAULT_MKDIR, path);
	if (r == 0) {
		r = make_dirs(fs, path, mode);
		fault_after(FAULT_MKDIR, path);
	}
	return r < 0 ? raise_io(err, r, path, "make the directory") : 0;
}

int fsio_create(struct fsio *fs, const char *path, mode_t mode, int *ret_fd, struct hft_err *err)
{
	CLEANUP(mem_closep) int fd =
		open_faulty(fs, FAULT_OPEN, path, O_CREAT | O_EXCL | O_WRONLY | O_APPEND, mode);
	if (fd < 0)
		return raise_io(err, fd, path, "create");
	if (fchmod(fd, mode) < 0) /* the umask took bits away */
		return raise_io(err, -errno, path, "set the mode of");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int fsio_append_open(struct fsio *fs, const char *path, int *ret_fd, struct hft_err *err)
{
	int fd = open_faulty(fs, FAULT_OPEN, path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return raise_io(err, fd, path, "open");
	*ret_fd = fd;
	return 0;
}

/* A short write carries no errno; the file system knows whether it is full. */
static int why_short(int fd, size_t missing)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) == 0 && (uintmax_t)fs.f_bavail * fs.f_frsize < missing)
		return -ENOSPC;
	return -EIO;
}

int fsio_append(int fd, const void *buf, size_t size, const char *path, struct hft_err *err)
{
	ssize_t n = write_faulty(FAULT_APPEND, fd, buf, size, path);
	if (n >= 0 && (size_t)n < size)
		n = why_short(fd, size - (size_t)n);
	return n < 0 ? raise_io(err, (int)n, path, "append to") : 0;
}

int fsio_datasync(int fd, const char *path, struct hft_err *err)
{
	int r = fault_before(FAULT_SYNC, path);
	if (r == 0) {
		r = sync_retry(fd, fdatasync);
		fault_after(FAULT_SYNC, path);
	}
	return r < 0 ? raise_io(err, r, path, "flush") : 0;
}

int fsio_truncate(int fd, size_t size, const char *path, struct hft_err *err)
{
	int r = fault_before(FAULT_TRUNCATE, path);
	if (r == 0) {
		do
			r = ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
		while (r == -EINTR);
		fault_after(FAULT_TRUNCATE, path);
	}
	return r < 0 ? raise_io(err, r, path, "truncate") : 0;
}

static int rename_beneath(struct fsio *fs, const char *from, const char *to)
{
	CLEANUP(mem_closep) int from_fd = -1;
	CLEANUP(mem_closep) int to_fd = -1;
	const char *from_name, *to_name;

	int r = open_parent(fs, from, &from_fd, &from_name);
	if (r == 0)
		r = open_parent(fs, to, &to_fd, &to_name);
	if (r < 0)
		return r;
	return renameat(from_fd, from_name, to_fd, to_name) < 0 ? -errno : 0;
}

int fsio_rename(struct fsio *fs, const char *from, const char *to, struct hft_err *err)
{
	int r = fault_before(FAULT_RENAME, to);
	if (r == 0) {
		r = rename_beneath(fs, from, to);
		kept_drop(&fs->kept, from);
		kept_drop(&fs->kept, to);
		fault_after(FAULT_RENAME, to);
	}
	return r < 0 ? raise_io(err, r, to, "rename to") : 0;
}

static int link_beneath(struct fsio *fs, const char *from, const char *to)
{
	CLEANUP(mem_closep) int from_fd = -1;
	CLEANUP(mem_closep) int to_fd = -1;
	const char *from_name, *to_name;

	int r = open_parent(fs, from, &from_fd, &from_name);
	if (r == 0)
		r = open_parent(fs, to, &to_fd, &to_name);
	if (r < 0)
		return r;
	return linkat(from_fd, from_name, to_fd, to_name, 0) < 0 ? -errno : 0;
}

int fsio_link(struct fsio *fs, const char *from, const char *to, struct hft_err *err)
{
	int r = fault_before(FAULT_RENAME, to);
	if (r == 0) {
		r = link_beneath(fs, from, to);
		fault_after(FAULT_RENAME, to);
	}
	return r < 0 ? raise_io(err, r, to, "link to") : 0;
}

/* One extended attribute; what this file system or process may not set is not there to be read either. */
static int copy_xattr(int from, int to, const char *name)
{
	char value[4096];
	ssize_t n = fgetxattr(from, name, value, sizeof(value));

	if (n < 0)
		return -errno;
	return fsetxattr(to, name, value, (size_t)n, 0) < 0 ? -errno : 0;
}

static int copy_attributes(int from, int to)
{
	char names[4096];
	struct stat st, now;

	if (fstat(from, &st) < 0 || fstat(to, &now) < 0)
		return -errno;
	/* A service without the right to give files away may still keep its own. */
	if ((st.st_uid != now.st_uid || st.st_gid != now.st_gid) && fchown(to, st.st_uid, st.st_gid) < 0)
		return -errno;
	if (fchmod(to, st.st_mode & 07777) < 0)
		return -errno;
	ssize_t size = flistxattr(from, names, sizeof(names));
	if (size < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (const char *name = names; name < names + size; name += strlen(name) + 1) {
		int r = copy_xattr(from, to, name);
		if (r < 0)
			return r;
	}
	return 0;
}

int fsio_copy_attributes(struct fsio *fs, const char *from, int fd, struct hft_err *err)
{
	CLEANUP(mem_closep) int from_fd = open_faulty(fs, FAULT_OPEN, from, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (from_fd < 0)
		return raise_io(err, from_fd, from, "open");
	int r = copy_attributes(from_fd, fd);
	return r < 0 ? raise_io(err, r, from, "copy owner, mode and attributes of") : 0;
}

static int unlink_beneath(struct fsio *fs, const char *path, int flags)
{
	CLEANUP(mem_closep) int fd = -1;
	const char *name;

	int r = open_parent(fs, path, &fd, &name);
	if (r < 0)
		return r;
	return unlinkat(fd, name, flags) < 0 ? -errno : 0;
}

static int remove_name(struct fsio *fs, const char *path, int flags, struct hft_err *err)
{
	int r = fault_before(FAULT_UNLINK, path);
	if (r == 0) {
		r = unlink_beneath(fs, path, flags);
		kept_drop(&fs->kept, path);
		fault_after(FAULT_UNLINK, path);
	}
	return r < 0 ? raise_io(err, r, path, "remove") : 0;
}

int fsio_unlink(struct fsio *fs, const char *path, struct hft_err *err)
{
	return remove_name(fs, path, 0, err);
}

int fsio_rmdir(struct fsio *fs, const char *path, struct hft_err *err)
{
	return remove_name(fs, path, AT_REMOVEDIR, err);
}

int fsio_sync_dir(struct fsio *fs, const char *path, struct hft_err *err)
{
	const char *relative;

	int r = beneath(path, &relative);
	if (r == 0)
		r = fault_before(FAULT_SYNC, path);
	if (r == 0) {
		r = sync_dir_at(fs->root_fd, relative, resolve_flags(path));
		fault_after(FAULT_SYNC, path);
	}
	return r < 0 ? raise_io(err, r, path, "flush the directory") : 0;
}

int fsio_lock(struct fsio *fs, const char *path, int *ret_fd, struct hft_err *err)
{
	CLEANUP(mem_closep) int fd =
		open_faulty(fs, FAULT_LOCK, path, O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd == -EROFS)
		fd = open_path(fs, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return raise_io(err, fd, path, "open");
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return err_raise(err, ERR_BUSY, EWOULDBLOCK, path, "%s is locked by another transaction", path);
		if (errno != EINTR)
			return raise_io(err, -errno, path, "lock");
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}
