/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place that opens anything under the host's root, or under the state directory. No other file of lib, daemon
 * or rollback calls open(2), rename(2) and their like.
 *
 * Paths are given as on the host ("/proc/sys/vm/swappiness") and resolved beneath the root of the handle with
 * openat2(2) RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS; ".." is refused; symbolic links are refused except below /sys.
 * Every fallible call passes a failpoint (fault.h), so that a test can make the Nth one fail, block or stop the process.
 *
 * Text is read whole, with the trailing newline cut; a NUL byte inside ends the text.
 * Errors of all: -errno with ERR_IO, the path as subject; -ENOENT, -EACCES and the like are left for the caller to judge.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct hft_err;
struct stat;
struct strbuf;
struct strlist;
struct fsio;

/* root: a directory, "/" or NULL for the live host. Caller frees. -ENOTDIR, -ENOENT, -EACCES. */
int fsio_new(const char *root, struct fsio **ret, struct hft_err *err);
void fsio_free(struct fsio *fs);
void fsio_freep(struct fsio **fs);
bool fsio_is_live(const struct fsio *fs); /* the root is "/": writes reach the kernel */
const char *fsio_root(const struct fsio *fs);

/*
 * From now on keep up to max descriptors of the files that fsio_read, fsio_probe, fsio_mode and fsio_write open below
 * /proc/sys, /proc/irq and /sys, and close those kept so far; 0 keeps none, as at first. No more than half of what the
 * process may open. Each read asks the kernel anew: what somebody else wrote is seen, and so is a file that was taken
 * away. In a copied tree a file that was removed or replaced since is noticed by the next write to it; until then reads
 * are of the old one. For one transaction: a kept file goes with a device that is given another name.
 */
void fsio_keep_open(struct fsio *fs, size_t max);

/* Append the content of a file to *ret (reset first). At most 1 MiB, beyond that -EFBIG. */
int fsio_read(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err);
/* The same without an error record, for probing: 0 or -errno. */
int fsio_probe(struct fsio *fs, const char *path, struct strbuf *ret);
/* Exactly size bytes from the start, for binary files (/dev/cpu_dma_latency). -EIO when short. */
int fsio_read_bytes(struct fsio *fs, const char *path, void *buf, size_t size, struct hft_err *err);
/*
 * Write value and a newline with one write(2). On the live host: O_WRONLY at offset 0 without truncation, as
 * Documentation/admin-guide/sysctl/kernel.rst (sysctl_writes_strict) wants it. In a copied tree the content is replaced;
 * a missing file stays missing (-ENOENT). A short write is -EIO. Skips nothing: comparing first is the caller's.
 */
int fsio_write(struct fsio *fs, const char *path, const char *value, struct hft_err *err);
/* A regular file of at most max bytes as it is (no newline cut): O_NOFOLLOW, O_NONBLOCK, S_ISREG.
 * -EISDIR, -EFBIG, -EINVAL (no regular file), -ELOOP (a symbolic link). */
int fsio_read_file(struct fsio *fs, const char *path, size_t max, struct strbuf *ret, struct hft_err *err);

/* The names in a directory without "." and "..", sorted by strverscmp. */
int fsio_list(struct fsio *fs, const char *path, struct strlist *ret, struct hft_err *err);
/* The last component that a symbolic link points to ("../../devices/x/virtio2" gives "virtio2"); and the whole target. */
int fsio_link_name(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err);
int fsio_link_target(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err);
/* stat(2) of a symbolic link itself: when it was made. */
int fsio_link_stat(struct fsio *fs, const char *path, struct stat *ret, struct hft_err *err);
bool fsio_exists(struct fsio *fs, const char *path);
/* Permission bits (07777) of a file; 0 or -errno. A kernel file without a write bit cannot be changed, even by root. */
int fsio_mode(struct fsio *fs, const char *path, mode_t *ret);
/* Open a device and keep it: O_RDWR | O_CLOEXEC. The descriptor is the caller's. */
int fsio_open_device(struct fsio *fs, const char *path, int *ret_fd, struct hft_err *err);
/* One write(2) of size bytes to a descriptor (a held device). */
int fsio_write_fd(int fd, const void *buf, size_t size, const char *path, struct hft_err *err);

/* --- durable files, for the state directory and for persistent knobs ---------------------------------------------- */

/* Create missing directories down to path, with mode for the ones made. */
int fsio_mkdirs(struct fsio *fs, const char *path, mode_t mode, struct hft_err *err);
/* Create for writing (O_EXCL), or open an existing file for appending. The descriptor is the caller's. */
int fsio_create(struct fsio *fs, const char *path, mode_t mode, int *ret_fd, struct hft_err *err);
int fsio_append_open(struct fsio *fs, const char *path, int *ret_fd, struct hft_err *err);
/* Append all bytes with one write(2); a short write is an error (-ENOSPC when it was space, else -EIO). */
int fsio_append(int fd, const void *buf, size_t size, const char *path, struct hft_err *err);
int fsio_datasync(int fd, const char *path, struct hft_err *err);          /* fdatasync(2); an error is final */
int fsio_truncate(int fd, size_t size, const char *path, struct hft_err *err); /* ftruncate(2) */
int fsio_rename(struct fsio *fs, const char *from, const char *to, struct hft_err *err);
/* A second name for a file, on the same file system. -EEXIST when `to` is there, as ERR_IO too. */
int fsio_link(struct fsio *fs, const char *from, const char *to, struct hft_err *err);
/* Owner, mode and extended attributes (labels) of a file to an open one. */
int fsio_copy_attributes(struct fsio *fs, const char *from, int fd, struct hft_err *err);
int fsio_unlink(struct fsio *fs, const char *path, struct hft_err *err);
int fsio_rmdir(struct fsio *fs, const char *path, struct hft_err *err); /* -ENOTEMPTY as ERR_IO, too */
int fsio_sync_dir(struct fsio *fs, const char *path, struct hft_err *err); /* fsync(2) of the directory */
/* Owner and mode of a directory or file as fstat(2) says, for refusing what is not ours. */
int fsio_owner(struct fsio *fs, const char *path, uid_t *ret_uid, mode_t *ret_mode, struct hft_err *err);

/* All that stat(2) says of a file, for "has it changed". */
int fsio_stat(struct fsio *fs, const char *path, struct stat *ret, struct hft_err *err);

/*
 * Take the exclusive lock on a file (created 0600) without waiting: flock(2), so that a forked worker inherits it with
 * the descriptor. -EWOULDBLOCK when somebody else has it (ERR_BUSY). On a read-only file system an existing file is locked
 * all the same, so that what can be undone without the disk is.
 */
int fsio_lock(struct fsio *fs, const char *path, int *ret_fd, struct hft_err *err);
