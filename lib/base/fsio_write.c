/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rooted file access: writing a value, by one call. */
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

static ssize_t write_retry(int fd, const void *buf, size_t size)
{
	ssize_t n;

	do
		n = write(fd, buf, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t fsio_write_faulty(enum fault_op op, int fd, const void *buf, size_t size, const char *path)
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

	return fsio_is_gone(r) && fsio_pread(fd, &c, 1, 0) == r;
}

/* *f may be another one afterwards: the file that is there now. */
static ssize_t write_kept(struct fsio *fs, struct kept_file **f, const char *path, const char *text, size_t size)
{
	ssize_t n = write_from_start((*f)->fd, text, size);

	if (n >= 0 || !fs->live || !is_gone_for_reading((*f)->fd, (int)n))
		return n;
	int r = fsio_keep_anew(fs, path, (int)n, f);
	if (r < 0 || !(*f)->writable)
		return r < 0 ? r : n;
	return write_from_start((*f)->fd, text, size);
}

/* Into the kept file f, or (NULL) into fd, which is at its start. old_size: what a file of a copied tree holds. */
static int write_value(struct fsio *fs, struct kept_file *f, int fd, off_t old_size, const char *path, const char *text,
                       size_t size)
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
	char small[FSIO_CHUNK];
	CLEANUP(mem_freep) char *large = len < sizeof(small) ? NULL : malloc(len + 1);
	char *text = len < sizeof(small) ? small : large;

	if (text == NULL)
		return err_oom(err);
	*(char *)mempcpy(text, value, len) = '\n';

	CLEANUP(mem_closep) int fd = -1;
	struct kept_file *f = NULL;
	off_t old_size = 0;
	int r = fsio_keep(fs, path, &f);
	if (r == 1 && !fsio_may_write(fs, path, f, &old_size))
		f = NULL; /* refused as ever, or the permission came since */
	if (r >= 0 && f == NULL) {
		r = fd = fsio_open_faulty(fs, FAULT_OPEN, path, fsio_careful(fs, O_WRONLY), 0);
		if (r >= 0 && !fs->live)
			r = size_of(fd, &old_size);
	}
	if (r < 0)
		return fsio_raise(err, r, path, "open");
	r = write_value(fs, f, fd, old_size, path, text, len + 1);
	return r < 0 ? fsio_raise(err, r, path, "write") : 0;
}

int fsio_open_device(struct fsio *fs, const char *path, int *ret_fd, struct hft_err *err)
{
	int fd = fsio_open_faulty(fs, FAULT_OPEN, path, fsio_careful(fs, O_RDWR), 0);
	if (fd < 0)
		return fsio_raise(err, fd, path, "open");
	*ret_fd = fd;
	return 0;
}

int fsio_write_fd(int fd, const void *buf, size_t size, const char *path, struct hft_err *err)
{
	ssize_t n = fsio_write_faulty(FAULT_WRITE, fd, buf, size, path);
	if (n >= 0 && (size_t)n < size)
		n = -EIO;
	return n < 0 ? fsio_raise(err, (int)n, path, "write") : 0;
}
