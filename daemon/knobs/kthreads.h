/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where kernel threads may run, as one object: all of them but those that the kernel binds to a CPU or a pool of workers,
 * and those of interrupts, which follow their interrupt.
 *
 * Value: a cpulist that all of them stay within; or, of an original, what kthreadd had and "@" with those that had
 * something else, by the names of tasks.h: "0-7@57:30=0-3;58:30=4-7". A thread that may run on some of the CPUs wanted
 * keeps those alone; the others get all of them.
 */
#pragma once

#include "daemon/knobs/knob.h"

/* -ENOENT ERR_NOT_APPLICABLE: there is no kthreadd (a container, a copied tree). */
int kthreads_read(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err);
int kthreads_verify(const struct knob_ctx *c, const char *wanted, struct knob_verdict *ret, struct hft_err *err);
int kthreads_write(const struct knob_ctx *c, const char *value, struct hft_err *err);
