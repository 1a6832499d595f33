/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rooted file access: what is there. */
#include "lib/base/fsio_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

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
	CLEANUP(strlist_done) struct strlist names = {0};

	int r = fsio_open_faulty(fs, FAULT_LIST, path, O_RDONLY | O_DIRECTORY, 0);
	if (r >= 0)
		r = list_names(r, &names);
	if (r < 0)
		return fsio_raise(err, r, path, "list");
	strlist_sort(&names);
	strlist_done(ret);
	*ret = names;
	names = (struct strlist){0};
	return 0;
}

int fsio_link_target(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err)
{
	char target[PATH_MAX];

	strbuf_reset(ret);
	CLEANUP(mem_closep) int fd = fsio_open_faulty(fs, FAULT_OPEN, path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fsio_raise(err, fd, path, "open");
	ssize_t n = readlinkat(fd, "", target, sizeof(target));
	if (n < 0) /* ENOENT is how the kernel says that the open file is no link */
		return fsio_raise(err, errno == ENOENT ? -EINVAL : -errno, path, "read the link");
	if ((size_t)n == sizeof(target))
		return fsio_raise(err, -ENAMETOOLONG, path, "read the link");
	strbuf_addn(ret, target, (size_t)n);
	return ret->oom ? err_oom(err) : 0;
}

int fsio_link_stat(struct fsio *fs, const char *path, struct stat *ret, struct hft_err *err)
{
	CLEANUP(mem_closep) int fd = fsio_open_faulty(fs, FAULT_OPEN, path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fsio_raise(err, fd, path, "open");
	return fstat(fd, ret) < 0 ? fsio_raise(err, -errno, path, "look at") : 0;
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
	CLEANUP(mem_closep) int fd = fsio_open_faulty(fs, FAULT_OPEN, path, O_PATH | nofollow, 0);

	return fd >= 0;
}

static int stat_path(struct fsio *fs, const char *path, struct stat *ret)
{
	CLEANUP(mem_closep) int fd = fsio_open_faulty(fs, FAULT_OPEN, path, O_PATH, 0);

	if (fd < 0)
		return fd;
	return fstat(fd, ret) < 0 ? -errno : 0;
}

int fsio_mode(struct fsio *fs, const char *path, mode_t *ret)
{
	struct kept_file *f;
	struct stat st;

	int r = fsio_keep(fs, path, &f);
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
		return fsio_raise(err, r, path, "look at");
	*ret_uid = st.st_uid;
	*ret_mode = st.st_mode;
	return 0;
}

int fsio_stat(struct fsio *fs, const char *path, struct stat *ret, struct hft_err *err)
{
	struct stat st;

	int r = stat_path(fs, path, &st);
	if (r < 0)
		return fsio_raise(err, r, path, "look at");
	*ret = st;
	return 0;
}
