/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of /proc/meminfo, and of a node's own, that bounds depend on. Changes nothing. */
#pragma once

#include <stdint.h>

struct hft_err;
struct knob_ctx;

/* The number of the line "NAME:   N kB" of a node, or of the host (-1). 0; -errno ERR_IO when the file or the line is
 * missing or makes no sense. */
int meminfo_read(const struct knob_ctx *c, int node, const char *name, uint64_t *ret_kib, struct hft_err *err);
/* All memory of a node, or of all nodes (-1); 0 when nothing says. -ENOENT ERR_NOT_APPLICABLE: no such node. */
int meminfo_total(const struct knob_ctx *c, int node, uint64_t *ret_kib, struct hft_err *err);
