/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keeps the whole of debugfs from everybody: nobody has mounted it, or the kernel is locked down. */
#pragma once

#include <stdbool.h>

struct knob_ctx;

bool debugfs_has(const char *path);
/*
 * Why a file of debugfs is not to be had, when a look at it, a read or a write said r (-errno). NULL: the file is none
 * of debugfs, or debugfs is not to blame. Static text.
 */
const char *debugfs_lacks(const struct knob_ctx *c, const char *path, int r);
