/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU masks that the kernel breaks by itself when CPUs go offline or cpusets shrink, and does not mend when they are back:
 * of interrupts and threads that may only run on what went away, and of cpusets of cgroup v1, which lose CPUs for good.
 *
 * Each kind is one object; its value lists the masks that could be broken: "NAME=CPULIST;NAME=CPULIST". A value is never
 * asked for, only put back: of each mask that has become what the kernel falls back to. One that somebody set since is
 * theirs, one whose owner has ended is nobody's, and one whose CPUs are not there cannot be put back yet.
 */
#pragma once

#include "daemon/knobs/knob.h"

struct mask_kind; /* one of the three, by its key */

#define TASKS "tasks"

const struct mask_kind *mask_kind(const char *key); /* "interrupts", "cpusets", "tasks"; NULL: none of them */
const char *mask_key(size_t i);                     /* the ith key, NULL past the end */

int masks_read(const struct mask_kind *k, const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err);
/* KNOB_DRIFT with the first one that is broken and could be mended; else KNOB_OK. */
int masks_verify(const struct mask_kind *k, const struct knob_ctx *c, const char *wanted, struct knob_verdict *ret,
                 struct hft_err *err);
/* CPUs have come online: threads that could run on all of `before` get all of their cpuset again, where the kernel has not
 * seen to that (Linux 6.12, of threads outside of all cpusets that had been in one). What ended meanwhile is no error. */
int masks_widen(const struct knob_ctx *c, const struct cpuset *before, struct hft_err *err);
int masks_write(const struct mask_kind *k, const struct knob_ctx *c, const char *value, struct hft_err *err);
