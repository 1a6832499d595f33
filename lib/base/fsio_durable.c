/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rooted file access: names and contents that outlive a power cut, in the order that the caller says. */
#include "lib/base/fsio_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

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
	CLEANUP(mem_closep) int fd = fsio_open_beneath(dir_fd, relative, O_RDONLY | O_DIRECTORY, 0, resolve);

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

	CLEANUP(mem_closep) int fd = fsio_open_beneath(fs->root_fd, ".", O_PATH | O_DIRECTORY, 0, resolve);
	for (const char *p = path + strspn(path, "/"); *p != '\0' && fd >= 0; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");
		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		*(char *)mempcpy(name, p, n) = '\0';
		int next = fsio_open_beneath(fd, name, O_PATH | O_DIRECTORY, 0, resolve);
		if (next == -ENOENT) {
			int r = make_dir(fd, name, mode);
			if (r < 0)
				return r;
			next = fsio_open_beneath(fd, name, O_PATH | O_DIRECTORY, 0, resolve);
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

	int r = fsio_beneath(path, &relative);
	if (r == 0)
		r = fault_before(FAULT_MKDIR, path);
	if (r == 0) {
		r = make_dirs(fs, path, mode);
		fault_after(FAULT_MKDIR, path);
	}
	return r < 0 ? fsio_raise(err, r, path, "make the directory") : 0;
}

int fsio_create(struct fsio *fs, const char *path, mode_t mode, int *ret_fd, struct hft_err *err)
{
	CLEANUP(mem_closep)
	int fd = fsio_open_faulty(fs, FAULT_OPEN, path, O_CREAT | O_EXCL | O_WRONLY | O_APPEND, mode);
	if (fd < 0)
		return fsio_raise(err, fd, path, "create");
	if (fchmod(fd, mode) < 0) /* the umask took bits away */
		return fsio_raise(err, -errno, path, "set the mode of");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int fsio_append_open(struct fsio *fs, const char *path, int *ret_fd, struct hft_err *err)
{
	int fd = fsio_open_faulty(fs, FAULT_OPEN, path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fsio_raise(err, fd, path, "open");
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
	ssize_t n = fsio_write_faulty(FAULT_APPEND, fd, buf, size, path);
	if (n >= 0 && (size_t)n < size)
		n = why_short(fd, size - (size_t)n);
	return n < 0 ? fsio_raise(err, (int)n, path, "append to") : 0;
}

int fsio_datasync(int fd, const char *path, struct hft_err *err)
{
	int r = fault_before(FAULT_SYNC, path);
	if (r == 0) {
		r = sync_retry(fd, fdatasync);
		fault_after(FAULT_SYNC, path);
	}
	return r < 0 ? fsio_raise(err, r, path, "flush") : 0;
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
	return r < 0 ? fsio_raise(err, r, path, "truncate") : 0;
}

/* A call on two names, each in its directory. */
static int call_beneath(struct fsio *fs, const char *from, const char *to,
                        int (*call)(int from_fd, const char *from, int to_fd, const char *to))
{
	CLEANUP(mem_closep) int from_fd = -1;
	CLEANUP(mem_closep) int to_fd = -1;
	const char *from_name, *to_name;

	int r = fsio_open_parent(fs, from, &from_fd, &from_name);
	if (r == 0)
		r = fsio_open_parent(fs, to, &to_fd, &to_name);
	if (r < 0)
		return r;
	return call(from_fd, from_name, to_fd, to_name) < 0 ? -errno : 0;
}

int fsio_rename(struct fsio *fs, const char *from, const char *to, struct hft_err *err)
{
	int r = fault_before(FAULT_RENAME, to);
	if (r == 0) {
		r = call_beneath(fs, from, to, renameat);
		kept_drop(&fs->kept, from);
		kept_drop(&fs->kept, to);
		fault_after(FAULT_RENAME, to);
	}
	return r < 0 ? fsio_raise(err, r, to, "rename to") : 0;
}

static int link_name(int from_fd, const char *from, int to_fd, const char *to)
{
	return linkat(from_fd, from, to_fd, to, 0);
}

int fsio_link(struct fsio *fs, const char *from, const char *to, struct hft_err *err)
{
	int r = fault_before(FAULT_RENAME, to);
	if (r == 0) {
		r = call_beneath(fs, from, to, link_name);
		fault_after(FAULT_RENAME, to);
	}
	return r < 0 ? fsio_raise(err, r, to, "link to") : 0;
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
	CLEANUP(mem_closep) int from_fd = fsio_open_faulty(fs, FAULT_OPEN, from, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (from_fd < 0)
		return fsio_raise(err, from_fd, from, "open");
	int r = copy_attributes(from_fd, fd);
	return r < 0 ? fsio_raise(err, r, from, "copy owner, mode and attributes of") : 0;
}

static int unlink_beneath(struct fsio *fs, const char *path, int flags)
{
	CLEANUP(mem_closep) int fd = -1;
	const char *name;

	int r = fsio_open_parent(fs, path, &fd, &name);
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
	return r < 0 ? fsio_raise(err, r, path, "remove") : 0;
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

	int r = fsio_beneath(path, &relative);
	if (r == 0)
		r = fault_before(FAULT_SYNC, path);
	if (r == 0) {
		r = sync_dir_at(fs->root_fd, relative, fsio_resolve_flags(path));
		fault_after(FAULT_SYNC, path);
	}
	return r < 0 ? fsio_raise(err, r, path, "flush the directory") : 0;
}

int fsio_lock(struct fsio *fs, const char *path, int *ret_fd, struct hft_err *err)
{
	CLEANUP(mem_closep)
	int fd = fsio_open_faulty(fs, FAULT_LOCK, path, O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd == -EROFS)
		fd = fsio_open_path(fs, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fsio_raise(err, fd, path, "open");
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return err_raise(err, ERR_BUSY, EWOULDBLOCK, path, "%s is locked by another transaction", path);
		if (errno != EINTR)
			return fsio_raise(err, -errno, path, "lock");
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}
