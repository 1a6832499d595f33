/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of fsio (lib/base/fsio*.c) share. Nobody else includes this. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/fault.h"
#include "lib/base/fsio.h"
#include "lib/base/kept.h"

#define FSIO_CHUNK 4096 /* kernel attributes answer at most one page */

struct fsio {
	int root_fd;
	bool live;
	char *root;
	struct kept kept; /* value files that stay open, fsio_keep_open() */
};

/* -errno as ERR_IO, "cannot DOING PATH"; returns r. err may be NULL. */
int fsio_raise(struct hft_err *err, int r, const char *path, const char *doing);

/* --- paths (fsio.c): descriptors, or -errno ----------------------------------------------------------------------- */

/* "/a/b" as "a/b", and "/" as "."; -EINVAL for a path that is not absolute or goes up. */
int fsio_beneath(const char *path, const char **ret);
/* RESOLVE_* of openat2(2) for a path: the links inside /sys are the kernel's own; anywhere else one may be planted. */
uint64_t fsio_resolve_flags(const char *path);
int fsio_open_beneath(int dir_fd, const char *relative, int flags, mode_t mode, uint64_t resolve);
int fsio_open_path(const struct fsio *fs, const char *path, int flags, mode_t mode);
/* The same behind a failpoint. */
int fsio_open_faulty(const struct fsio *fs, enum fault_op op, const char *path, int flags, mode_t mode);
/* Flags for reading and writing kernel files: in a copied tree a FIFO or device must not hang or be acquired. */
int fsio_careful(const struct fsio *fs, int flags);
/* The directory that holds the last component, for calls that act on a name; *ret_name points into path. 0. */
int fsio_open_parent(const struct fsio *fs, const char *path, int *ret_fd, const char **ret_name);

/* --- files that stay open (fsio_keep.c) --------------------------------------------------------------------------- */

/* The open file behind a path. 1: *ret is it; 0: none is kept of this path, open it as ever; -errno: cannot be opened.
 */
int fsio_keep(struct fsio *fs, const char *path, struct kept_file **ret);
/* After a failure with r: the file as it is now, in case that it went and came back. 1, or -errno. */
int fsio_keep_anew(struct fsio *fs, const char *path, int r, struct kept_file **ret);
/*
 * Is the kept file the one to write? In a copied tree its mode is what a kernel's refusal is, and counts as it is now;
 * one that was removed or replaced since is kept no longer. *ret_size: what it holds there now.
 */
bool fsio_may_write(struct fsio *fs, const char *path, const struct kept_file *f, off_t *ret_size);
/* Is r what a read of an attribute says when its device, or its sysctl, has been taken away? */
bool fsio_is_gone(int r);

/* --- calls that are made again when a signal ends them: bytes, or -errno ------------------------------------------ */

/* fsio_read.c */
ssize_t fsio_pread(int fd, void *buf, size_t size, size_t offset);
/* fsio_write.c: one write(2) behind a failpoint */
ssize_t fsio_write_faulty(enum fault_op op, int fd, const void *buf, size_t size, const char *path);
