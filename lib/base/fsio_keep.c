/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rooted file access: value files that stay open between calls. Must not keep a file that it does something to open. */
#include "lib/base/fsio_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

void fsio_keep_open(struct fsio *fs, size_t max)
{
	struct rlimit limit;

	/* The other half is for whatever else the process opens. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && max > limit.rlim_cur / 2)
		max = limit.rlim_cur / 2;
	kept_init(&fs->kept, max); /* without memory nothing is kept, and all is as before */
}

/* Where the kernel has values, and opening a file does nothing. Those of debugfs can be read once for each opening: they
 * are not seekable (simple_attr_open()). */
static bool is_of_values(const char *path)
{
	return str_starts(path, "/proc/sys/") || str_starts(path, "/proc/irq/") ||
	       (str_starts(path, "/sys/") && !str_starts(path, "/sys/kernel/debug/"));
}

bool fsio_may_write(struct fsio *fs, const char *path, const struct kept_file *f, off_t *ret_size)
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
	int fd = fsio_open_path(fs, path, fsio_careful(fs, O_RDWR), 0);

	*ret_writable = fd >= 0;
	if (fd == -EACCES || fd == -EPERM || fd == -EINVAL || fd == -EROFS)
		fd = fsio_open_path(fs, path, fsio_careful(fs, O_RDONLY), 0);
	return fd;
}

/* As fsio_keep(), for a path that is not there yet. */
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

int fsio_keep(struct fsio *fs, const char *path, struct kept_file **ret)
{
	if (fs->kept.max == 0 || !is_of_values(path))
		return 0;
	struct kept_file *f = kept_find(&fs->kept, path);
	if (f == NULL)
		return kept_has_room(&fs->kept) ? open_to_keep(fs, path, ret) : 0;
	*ret = f;
	return 1;
}

int fsio_keep_anew(struct fsio *fs, const char *path, int r, struct kept_file **ret)
{
	kept_drop(&fs->kept, path);
	int again = fsio_keep(fs, path, ret);
	return again == 0 ? r : again;
}

bool fsio_is_gone(int r)
{
	return r == -ENODEV || r == -ENOENT || r == -EIO;
}
