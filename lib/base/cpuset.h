/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of CPU numbers, and the two text forms the kernel has for them: lists ("0-3,8") and masks (32-bit hexadecimal
 * words separated by commas, most significant first; Documentation/core-api/printk-formats.rst, "%*pb[l]").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hft_err;
struct strbuf;

#define CPUSET_MAX 8192 /* NR_CPUS of x86 kernels with MAXSMP */

struct cpuset {
	uint64_t bits[CPUSET_MAX / 64];
};

void cpuset_zero(struct cpuset *s);
void cpuset_add(struct cpuset *s, unsigned cpu); /* cpu < CPUSET_MAX, else nothing */
void cpuset_remove(struct cpuset *s, unsigned cpu);
bool cpuset_has(const struct cpuset *s, unsigned cpu); /* false for cpu >= CPUSET_MAX */
bool cpuset_is_empty(const struct cpuset *s);
bool cpuset_equal(const struct cpuset *a, const struct cpuset *b);
bool cpuset_is_subset(const struct cpuset *a, const struct cpuset *of);
bool cpuset_intersects(const struct cpuset *a, const struct cpuset *b);
void cpuset_or(struct cpuset *s, const struct cpuset *with);
void cpuset_and(struct cpuset *s, const struct cpuset *with);
void cpuset_minus(struct cpuset *s, const struct cpuset *without);
size_t cpuset_count(const struct cpuset *s);
/* The smallest member >= from, or -1. for (int c = cpuset_next(&s, 0); c >= 0; c = cpuset_next(&s, c + 1)) */
int cpuset_next(const struct cpuset *s, unsigned from);

/*
 * A list as a person writes it: "2-5,8". Strict: no blanks, no empty parts ("0,,1"), no "2-1", no strides
 * ("0-9:1/2"), no "all", numbers below CPUSET_MAX. The empty text is the empty set.
 * Errors: -EINVAL ERR_INVALID_ARGUMENT, -ERANGE ERR_OUT_OF_BOUNDS; subject is the text.
 */
int cpuset_parse(const char *text, struct cpuset *ret, struct hft_err *err);
/*
 * A list as the kernel prints it: as above, and surrounding white space, "(null)" and "" are the empty set
 * (nohz_full prints "(null)" on kernels with CPUMASK_OFFSTACK). Same errors.
 */
int cpuset_parse_kernel(const char *text, struct cpuset *ret, struct hft_err *err);
/* A mask as the kernel prints it: "00000000,00000003" or "3", trailing newline allowed. Same errors. */
int cpuset_parse_mask(const char *text, struct cpuset *ret, struct hft_err *err);

/* Append the canonical list: ascending, packed ("2-5,8"; two neighbours are "2-3"). */
void cpuset_format(const struct cpuset *s, struct strbuf *b);
/* Append the mask with as many 32-bit words as n_bits need (at least one). */
void cpuset_format_mask(const struct cpuset *s, unsigned n_bits, struct strbuf *b);
