/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control group of a slice or scope, and what the service manager (org.freedesktop.systemd1(5)) may be asked about its
 * CPUs. The manager owns the tree: only cpuset.cpus.partition is ours to write, all else goes through it. In a copied tree
 * the files that it and the kernel would write are written here.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/cpuset.h"
#include "lib/base/str.h"

#define SLICE_NAME_MAX 128 /* bytes of a unit's name, NUL included */

struct hft_err;
struct knob_ctx;

/* Is it the name of a slice other than the root, or of init.scope? */
bool slice_is_name(const char *unit);
/* "/sys/fs/cgroup/a.slice/a-b.slice" of a-b.slice, whether it is there or not; with a file in it, or "". */
int slice_path(const char *unit, const char *file, struct strbuf *ret, struct hft_err *err);
/* Is its control group there (setting CPUs makes it, even of one that was never started)? And is any process in it, or
 * below? */
bool slice_is_active(const struct knob_ctx *c, const char *unit);
bool slice_is_populated(const struct knob_ctx *c, const char *unit);
/* The CPUs that a drop-in of `systemctl set-property --runtime` gives it, ours or anybody's: 1, or 0 without one. */
int slice_runtime_cpus(const struct knob_ctx *c, const char *unit, struct cpuset *ret, struct hft_err *err);
/* The file of a lasting `systemctl set-property`, which wins over ours; NULL: there is none. Static text. */
const char *slice_overridden(const struct knob_ctx *c, const char *unit);

/* AllowedCPUs= by such a drop-in, in force when this returns if the unit is active. ERR_IO, ERR_TIMEOUT. */
int slice_set_cpus(const struct knob_ctx *c, const char *unit, const struct cpuset *set, struct hft_err *err);
/* As the unit's own files have it, or all CPUs: the drop-in goes, and its directory unless somebody else has put something
 * there. */
int slice_reset_cpus(const struct knob_ctx *c, const char *unit, struct hft_err *err);
int slice_start(const struct knob_ctx *c, const char *unit, struct hft_err *err);
int slice_stop(const struct knob_ctx *c, const char *unit, struct hft_err *err);
