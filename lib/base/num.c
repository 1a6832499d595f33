/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict numbers. strtol(3) and its kin skip blanks, take signs and octal, and clamp; so the digits are read here. */
#include "lib/base/num.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* The whole text as canonical decimal digits. Not a number wins over too large: "99999999999999999999x" is -EINVAL. */
static int parse_digits(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	bool overflow = false;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		overflow |= __builtin_mul_overflow(value, 10, &value);
		overflow |= __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value);
	}
	if (overflow)
		return -ERANGE;
	*ret = value;
	return 0;
}

/* Splits the sign off; "-0" is not canonical. */
static int parse_signed(const char *text, bool *ret_negative, uint64_t *ret_magnitude)
{
	if (text == NULL)
		return -EINVAL;
	*ret_negative = text[0] == '-';
	if (*ret_negative && text[1] == '0')
		return -EINVAL;
	return parse_digits(text + *ret_negative, ret_magnitude);
}

int num_parse_i64(const char *text, int64_t *ret)
{
	bool negative;
	uint64_t magnitude;

	int r = parse_signed(text, &negative, &magnitude);
	if (r < 0)
		return r;
	if (magnitude > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	/* Two's complement, reached without the overflow that -INT64_MIN would be. */
	*ret = negative ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
	return 0;
}

int num_parse_u64(const char *text, uint64_t *ret)
{
	bool negative;
	uint64_t magnitude;

	int r = parse_signed(text, &negative, &magnitude);
	if (r < 0)
		return r;
	if (negative)
		return -ERANGE; /* a number, and it does not fit */
	*ret = magnitude;
	return 0;
}

int num_parse_range(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	int64_t value;

	int r = num_parse_i64(text, &value);
	if (r < 0)
		return r;
	if (value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int num_parse_hex(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	bool overflow = false;

	if (text == NULL)
		return -EINVAL;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	if (*text == '\0')
		return -EINVAL;
	for (; *text != '\0'; text++) {
		int digit = hex_digit(*text);
		if (digit < 0)
			return -EINVAL;
		overflow |= value >> 60 != 0;
		value = value << 4 | (uint64_t)digit;
	}
	if (overflow)
		return -ERANGE;
	*ret = value;
	return 0;
}
