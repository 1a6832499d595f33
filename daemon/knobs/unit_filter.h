/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sandbox of a unit does to a system call that its program may want, as its files say. */
#pragma once

#include "daemon/knobs/knob.h"

/* Would a program of the unit be killed for setting an affinity, sched_setaffinity(2)? 1 with the "file:line" of its
 * SystemCallFilter= in *ret_where, 0, or -ENOMEM. */
int unit_filter_kills(const struct knob_ctx *c, const char *unit, char ret_where[static 256], struct hft_err *err);
