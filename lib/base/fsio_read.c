/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rooted file access: reading, of values and of whole files. */
#include "lib/base/fsio_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define READ_MAX (1024 * 1024) /* longest text that is read whole */

ssize_t fsio_pread(int fd, void *buf, size_t size, size_t offset)
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
	char chunk[FSIO_CHUNK];

	for (;;) {
		ssize_t n =
			kept ? fsio_pread(fd, chunk, sizeof(chunk), ret->len) : read_retry(fd, chunk, sizeof(chunk));
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
	for (size_t size = 4 * FSIO_CHUNK; size <= READ_MAX; size *= 4) {
		CLEANUP(mem_freep) char *buf = malloc(size);
		if (buf == NULL)
			return -ENOMEM;
		ssize_t n = fsio_pread(fd, buf, size, 0);
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

	if (r == 0 && ret->len >= FSIO_CHUNK && str_starts(path, "/proc/sys/"))
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

static int read_kept(struct fsio *fs, struct kept_file *f, const char *path, struct strbuf *ret)
{
	int r = fault_before(FAULT_READ, path);
	if (r < 0)
		return r;
	r = read_content(f->fd, true, path, ret);
	if (fsio_is_gone(r)) {
		strbuf_reset(ret);
		r = fsio_keep_anew(fs, path, r, &f);
		r = r == 1 ? read_content(f->fd, true, path, ret) : r;
	}
	fault_after(FAULT_READ, path);
	return r;
}

static int fail_read(struct hft_err *err, int r, const char *path, struct strbuf *ret)
{
	strbuf_reset(ret);
	return fsio_raise(err, r, path, "read");
}

int fsio_read(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(mem_closep) int fd = -1;
	struct kept_file *f;

	strbuf_reset(ret);
	int r = fsio_keep(fs, path, &f);
	if (r == 0)
		r = fd = fsio_open_faulty(fs, FAULT_OPEN, path, fsio_careful(fs, O_RDONLY), 0);
	if (r < 0)
		return fsio_raise(err, r, path, "open");
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
	CLEANUP(mem_closep) int fd = fsio_open_faulty(fs, FAULT_OPEN, path, fsio_careful(fs, O_RDONLY), 0);
	if (fd < 0)
		return fsio_raise(err, fd, path, "open");
	int r = fault_before(FAULT_READ, path);
	if (r == 0) {
		r = read_exactly(fd, buf, size);
		fault_after(FAULT_READ, path);
	}
	return r < 0 ? fsio_raise(err, r, path, "read") : 0;
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
	CLEANUP(mem_closep)
	int fd = fsio_open_faulty(fs, FAULT_OPEN, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fsio_raise(err, fd == -ENXIO ? -EINVAL : fd, path,
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
