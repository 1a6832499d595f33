/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of /proc/meminfo that bounds depend on. Changes nothing. */
#pragma once

#include <stdint.h>

struct hft_err;
struct knob_ctx;

/* The number of the line "NAME:   N kB". 0; -errno ERR_IO when the file or the line is missing or makes no sense. */
int meminfo_read(const struct knob_ctx *c, const char *name, uint64_t *ret_kib, struct hft_err *err);
