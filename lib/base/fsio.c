/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rooted file access, the handle: every path is resolved beneath its root here. What is done with the file is in
 * fsio_*.c. Must not interpret what it reads, and must not compare before it writes.
 */
#include "lib/base/fsio_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define AGAIN_MAX 100 /* openat2(2) gives EAGAIN when a rename elsewhere races with a ".." in a link */

int fsio_raise(struct hft_err *err, int r, const char *path, const char *doing)
{
	if (err == NULL)
		return r; /* probing: most probes fail, and the sentence would be thrown away */
	return err_raise(err, ERR_IO, -r, path, "cannot %s %s: %s", doing, path, strerror(-r));
}

/* --- paths -------------------------------------------------------------------------------------------------------- */

int fsio_beneath(const char *path, const char **ret)
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

uint64_t fsio_resolve_flags(const char *path)
{
	return RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | (str_starts(path, "/sys/") ? 0 : RESOLVE_NO_SYMLINKS);
}

/* glibc has no wrapper. A descriptor or -errno. */
int fsio_open_beneath(int dir_fd, const char *relative, int flags, mode_t mode, uint64_t resolve)
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

int fsio_open_path(const struct fsio *fs, const char *path, int flags, mode_t mode)
{
	const char *relative;

	int r = fsio_beneath(path, &relative);
	if (r < 0)
		return r;
	return fsio_open_beneath(fs->root_fd, relative, flags, mode, fsio_resolve_flags(path));
}

int fsio_open_faulty(const struct fsio *fs, enum fault_op op, const char *path, int flags, mode_t mode)
{
	int r = fault_before(op, path);
	if (r < 0)
		return r;
	r = fsio_open_path(fs, path, flags, mode);
	fault_after(op, path);
	return r;
}

int fsio_careful(const struct fsio *fs, int flags)
{
	return flags | O_NOCTTY | (fs->live ? 0 : O_NONBLOCK);
}

int fsio_open_parent(const struct fsio *fs, const char *path, int *ret_fd, const char **ret_name)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash[1] == '\0' || str_eq(slash, "/.") || str_eq(slash, "/.."))
		return -EINVAL;
	if (slash - path >= PATH_MAX)
		return -ENAMETOOLONG;

	char parent[PATH_MAX] = "/";
	if (slash > path)
		*(char *)mempcpy(parent, path, (size_t)(slash - path)) = '\0';
	int fd = fsio_open_path(fs, parent, O_PATH | O_DIRECTORY, 0);
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
		return fsio_raise(err, -errno, fs->root, "open the root directory");
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
