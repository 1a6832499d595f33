/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole files that outlive a power cut: after a call the file is as it was or as it shall be, never between, whatever
 * stops the process. What is not yet, or no longer, in force bears names that nothing reads, and is taken away by the
 * next call for the same file:
 *     DIR/.NAME.hfttune-new        what is about to be NAME
 *     DIR/.NAME.hfttune-original   what somebody else's file was before the first change of ours
 *     PARENT/.DIR.hfttune-new      a directory that comes with the file in it, or goes with it
 * One writer at a time: the caller holds the lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct fsio;
struct hft_err;

/* Make path hold these bytes, with exactly this mode. Its directory must exist. -errno ERR_IO; then it is as before, or
 * (when only the flush of the directory failed) holds them already. */
int durable_replace(struct fsio *fs, const char *path, const void *bytes, size_t size, mode_t mode,
                    struct hft_err *err);
/* Remove it; 0 when it was not there. -errno ERR_IO. */
int durable_remove(struct fsio *fs, const char *path, struct hft_err *err);

/* --- a file with its directory ------------------------------------------------------------------------------------ */

/* As durable_replace, and when the directory is not there, it appears (0755) with the file in it, at once. */
int durable_replace_in_dir(struct fsio *fs, const char *path, const void *bytes, size_t size, mode_t mode,
                           struct hft_err *err);
/* As durable_remove, and the directory disappears with the file, at once; unless somebody else has put something there. */
int durable_remove_with_dir(struct fsio *fs, const char *path, struct hft_err *err);

/* --- somebody else's file ----------------------------------------------------------------------------------------- */

/* As durable_replace, for a file that is there: it keeps owner, mode and extended attributes, and the original is kept
 * until durable_restore. -ENOENT when it is not there. */
int durable_edit(struct fsio *fs, const char *path, const void *bytes, size_t size, struct hft_err *err);
/* The name of the kept original in *ret (the caller frees); whether there is one, fsio_exists() says. */
int durable_original(const char *path, char **ret, struct hft_err *err);
/* Put the original back, the very file; 0 when none is kept. */
int durable_restore(struct fsio *fs, const char *path, struct hft_err *err);
/* Keep the file as it is, and forget the original. */
int durable_forget(struct fsio *fs, const char *path, struct hft_err *err);
