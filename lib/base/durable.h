/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole files that outlive a power cut: after a call the file is as it was or as it shall be, never between, whatever
 * stops the process. What is written first bears a name beside the target that nothing reads ("." NAME ".hfttune-new"),
 * and is taken away by the next call for the same file. One writer at a time: the caller holds the lock.
 */
#pragma once

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
