/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict numbers: the whole text, decimal, no leading blank, sign "+" or leading zero; nothing is clamped. */
#pragma once

#include <stdint.h>

struct hft_err;

/* 0; -EINVAL (not a number) or -ERANGE (does not fit). The text must be consumed whole. */
int num_parse_i64(const char *text, int64_t *ret);
int num_parse_u64(const char *text, uint64_t *ret);
/* As above and within min..max, else -ERANGE. */
int num_parse_range(const char *text, int64_t min, int64_t max, int64_t *ret);
/* A hexadecimal number with or without 0x. */
int num_parse_hex(const char *text, uint64_t *ret);
