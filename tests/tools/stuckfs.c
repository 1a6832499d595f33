/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stuckfs SOURCE MOUNT FILE CONTROL: shows the directory SOURCE at MOUNT, and holds back every write to FILE (a path below
 * SOURCE) for as long as the file CONTROL exists. A request that a FUSE server has read cannot be interrupted, not even
 * by SIGKILL: who writes there hangs as a driver can make it hang. Stays in the foreground; unmount it to end it. For
 * tests alone: it passes on what hfttuned does to a copied tree, and nothing more.
 */
#define FUSE_USE_VERSION 31
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct stuck {
	int source; /* the directory */
	const char *file, *control;
};

static struct stuck *context(void)
{
	return fuse_get_context()->private_data;
}

/* FUSE's paths begin with a slash. */
static const char *below(const char *path)
{
	return path[1] != '\0' ? path + 1 : ".";
}

static int result(long r)
{
	return r < 0 ? -errno : (int)r;
}

static int on_getattr(const char *path, struct stat *st, struct fuse_file_info *info)
{
	(void)info;
	return result(fstatat(context()->source, below(path), st, AT_SYMLINK_NOFOLLOW));
}

static int on_readlink(const char *path, char *buf, size_t size)
{
	ssize_t n = readlinkat(context()->source, below(path), buf, size - 1);

	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

static int on_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *info,
                      enum fuse_readdir_flags flags)
{
	int fd = openat(context()->source, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	(void)offset;
	(void)info;
	(void)flags;
	if (dir == NULL)
		return -errno;
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
		fill(buf, e->d_name, NULL, 0, 0);
	closedir(dir);
	return 0;
}

static int on_open(const char *path, struct fuse_file_info *info)
{
	int fd = openat(context()->source, below(path), info->flags & ~O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	info->fh = (uint64_t)fd;
	info->direct_io = 1; /* as the kernel's own files: no page cache */
	return 0;
}

static int on_read(const char *path, char *buf, size_t size, off_t offset, struct fuse_file_info *info)
{
	(void)path;
	return result(pread((int)info->fh, buf, size, offset));
}

static int on_write(const char *path, const char *buf, size_t size, off_t offset, struct fuse_file_info *info)
{
	const struct stuck *s = context();
	const struct timespec tick = { .tv_nsec = 5000000 };

	while (strcmp(path + 1, s->file) == 0 && access(s->control, F_OK) == 0)
		nanosleep(&tick, NULL);
	return result(pwrite((int)info->fh, buf, size, offset));
}

static int on_truncate(const char *path, off_t size, struct fuse_file_info *info)
{
	int fd = info != NULL ? (int)info->fh : openat(context()->source, below(path), O_WRONLY | O_CLOEXEC);
	int r = result(ftruncate(fd, size));

	if (info == NULL && fd >= 0)
		close(fd);
	return r;
}

static int on_release(const char *path, struct fuse_file_info *info)
{
	(void)path;
	return result(close((int)info->fh));
}

static const struct fuse_operations operations = {
	.getattr = on_getattr,
	.readlink = on_readlink,
	.readdir = on_readdir,
	.open = on_open,
	.read = on_read,
	.write = on_write,
	.truncate = on_truncate,
	.release = on_release,
};

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: stuckfs SOURCE MOUNT FILE CONTROL\n");
		return 2;
	}
	struct stuck s = {
		.source = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC),
		.file = argv[3],
		.control = argv[4],
	};
	if (s.source < 0) {
		fprintf(stderr, "stuckfs: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	char *fuse_argv[] = { argv[0], argv[2], (char[]){ "-f" }, NULL };
	return fuse_main(3, fuse_argv, &operations, &s);
}
