/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the knobs with objects per CPU or per cpufreq policy share: selectors that are cpulists, keys such as
 * "cpu2 state3", and what a refused read or write means. Must know nothing of any one tunable.
 */
#pragma once

#include "lib/base/cpuset.h"

struct hft_err;
struct knob_ctx;
struct knob_objects;
struct strbuf;

/*
 * The CPUs that a selector names: a cpulist of present CPUs; "" and "*" are all of them.
 * -EINVAL ERR_INVALID_PROFILE (not a cpulist, or the empty one), -ENOENT ERR_NO_MATCH (a CPU that is not present).
 */
int cpukey_select(const struct knob_ctx *c, const char *selector, struct cpuset *ret, struct hft_err *err);
bool cpukey_is_all(const char *selector); /* "" or "*" */

/* The CPUs that are online now, which are others than when the host was read if a step has switched some. -errno ERR_IO. */
int cpukey_online(const struct knob_ctx *c, struct cpuset *ret, struct hft_err *err);

/* "cpu12 state3" with what = "cpu" gives 12 and "state3" (borrowed). Strict: 0, or -EINVAL for any other form. */
int cpukey_split(const char *key, const char *what, int *ret_n, const char **ret_rest);

/* Raise that a knob has no object of that key: -ENOENT ERR_NOT_APPLICABLE. */
int cpukey_unknown(const char *knob, const char *key, struct hft_err *err);

/* Read the text of a file without white space around it. A missing file, one that the kernel has but does not serve
 * (ENODEV, EOPNOTSUPP), or one that lockdown keeps (debugfs.h), is -ENOENT ERR_NOT_APPLICABLE; the rest is -errno
 * ERR_IO. */
int cpukey_read(const struct knob_ctx *c, const char *path, struct strbuf *ret, struct hft_err *err);
/* Write it. A missing file, or one that lockdown keeps, is -ENOENT ERR_NOT_APPLICABLE; the rest is -errno
 * ERR_WRITE_FAILED. */
int cpukey_write(const struct knob_ctx *c, const char *path, const char *value, struct hft_err *err);
