/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of CPU numbers. Must not ask the host anything: which CPUs exist is somebody else's question. */
#include "lib/base/cpuset.h"

#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define WORD_BITS 64
#define N_WORDS (CPUSET_MAX / WORD_BITS)
#define N_CHUNKS (CPUSET_MAX / 32) /* 32-bit words of a printed mask */

/* What a person may write; and more than the kernel can print for CPUSET_MAX CPUs (every second one takes 20 KiB). */
#define LIST_MAX (16 * 1024)
#define KERNEL_LIST_MAX (32 * 1024)

void cpuset_zero(struct cpuset *s)
{
	memset(s, 0, sizeof(*s));
}

void cpuset_add(struct cpuset *s, unsigned cpu)
{
	if (cpu < CPUSET_MAX)
		s->bits[cpu / WORD_BITS] |= UINT64_C(1) << cpu % WORD_BITS;
}

void cpuset_remove(struct cpuset *s, unsigned cpu)
{
	if (cpu < CPUSET_MAX)
		s->bits[cpu / WORD_BITS] &= ~(UINT64_C(1) << cpu % WORD_BITS);
}

bool cpuset_has(const struct cpuset *s, unsigned cpu)
{
	return cpu < CPUSET_MAX && (s->bits[cpu / WORD_BITS] >> cpu % WORD_BITS & 1) != 0;
}

bool cpuset_is_empty(const struct cpuset *s)
{
	for (size_t i = 0; i < N_WORDS; i++)
		if (s->bits[i] != 0)
			return false;
	return true;
}

bool cpuset_equal(const struct cpuset *a, const struct cpuset *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool cpuset_is_subset(const struct cpuset *a, const struct cpuset *of)
{
	for (size_t i = 0; i < N_WORDS; i++)
		if ((a->bits[i] & ~of->bits[i]) != 0)
			return false;
	return true;
}

bool cpuset_intersects(const struct cpuset *a, const struct cpuset *b)
{
	for (size_t i = 0; i < N_WORDS; i++)
		if ((a->bits[i] & b->bits[i]) != 0)
			return true;
	return false;
}

void cpuset_or(struct cpuset *s, const struct cpuset *with)
{
	for (size_t i = 0; i < N_WORDS; i++)
		s->bits[i] |= with->bits[i];
}

void cpuset_and(struct cpuset *s, const struct cpuset *with)
{
	for (size_t i = 0; i < N_WORDS; i++)
		s->bits[i] &= with->bits[i];
}

void cpuset_minus(struct cpuset *s, const struct cpuset *without)
{
	for (size_t i = 0; i < N_WORDS; i++)
		s->bits[i] &= ~without->bits[i];
}

size_t cpuset_count(const struct cpuset *s)
{
	size_t n = 0;

	for (size_t i = 0; i < N_WORDS; i++)
		n += (size_t)__builtin_popcountll(s->bits[i]);
	return n;
}

/* The smallest number >= from whose bit differs from those of `skip` (0: the next member; all ones: the next gap). */
static int next_differing(const struct cpuset *s, unsigned from, uint64_t skip)
{
	if (from >= CPUSET_MAX)
		return -1;

	size_t i = from / WORD_BITS;
	uint64_t word = (s->bits[i] ^ skip) & (UINT64_MAX << from % WORD_BITS);
	while (word == 0) {
		if (++i == N_WORDS)
			return -1;
		word = s->bits[i] ^ skip;
	}
	return (int)(i * WORD_BITS) + __builtin_ctzll(word);
}

int cpuset_next(const struct cpuset *s, unsigned from)
{
	return next_differing(s, from, 0);
}

static void add_range(struct cpuset *s, unsigned first, unsigned last)
{
	for (size_t i = first / WORD_BITS; i <= last / WORD_BITS; i++) {
		uint64_t word = UINT64_MAX;
		if (i == first / WORD_BITS)
			word <<= first % WORD_BITS;
		if (i == last / WORD_BITS)
			word &= UINT64_MAX >> (WORD_BITS - 1 - last % WORD_BITS);
		s->bits[i] |= word;
	}
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

static int raise_invalid(struct hft_err *err, const char *text)
{
	return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, text, "not a list of CPUs such as 2-5,8");
}

static int raise_range(struct hft_err *err, const char *text)
{
	return err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, text, "CPU numbers are below %d", CPUSET_MAX);
}

/* One canonical number; *p moves behind it. Beyond CPUSET_MAX it stays there, so that the syntax is judged first. */
static bool scan_cpu(const char **p, const char *end, unsigned *ret)
{
	const char *start = *p;
	unsigned value = 0;

	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++)
		if (value < CPUSET_MAX)
			value = value * 10 + (unsigned)(**p - '0');
	*ret = value;
	return *p > start && !(*start == '0' && *p > start + 1);
}

/* -EINVAL or -ERANGE; *set may be half filled then. */
static int scan_list(const char *p, const char *end, struct cpuset *set)
{
	bool out_of_range = false;

	cpuset_zero(set);
	if (p == end)
		return 0;
	for (;;) {
		unsigned first, last;
		if (!scan_cpu(&p, end, &first))
			return -EINVAL;
		last = first;
		if (p < end && *p == '-') {
			p++;
			if (!scan_cpu(&p, end, &last))
				return -EINVAL;
		}
		if (first >= CPUSET_MAX || last >= CPUSET_MAX)
			out_of_range = true;
		else if (last < first)
			return -EINVAL;
		else
			add_range(set, first, last);
		if (p == end)
			return out_of_range ? -ERANGE : 0;
		if (*p++ != ',')
			return -EINVAL;
	}
}

static int report(int r, const char *text, const struct cpuset *set, struct cpuset *ret, struct hft_err *err)
{
	if (r == -ERANGE)
		return raise_range(err, text);
	if (r < 0)
		return raise_invalid(err, text);
	*ret = *set;
	return 0;
}

static int raise_length(struct hft_err *err, const char *text)
{
	return err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, text, "the list of CPUs is too long");
}

int cpuset_parse(const char *text, struct cpuset *ret, struct hft_err *err)
{
	struct cpuset set;
	size_t len = strnlen(text, LIST_MAX + 1);

	if (len > LIST_MAX)
		return raise_length(err, text);
	return report(scan_list(text, text + len, &set), text, &set, ret, err);
}

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int cpuset_parse_kernel(const char *text, struct cpuset *ret, struct hft_err *err)
{
	struct cpuset set;
	size_t len = strnlen(text, KERNEL_LIST_MAX + 1);
	const char *start = text, *end = text + len;

	if (len > KERNEL_LIST_MAX)
		return raise_length(err, text);
	while (start < end && is_white(*start))
		start++;
	while (end > start && is_white(end[-1]))
		end--;
	if (end - start == 6 && memcmp(start, "(null)", 6) == 0)
		start = end;
	return report(scan_list(start, end, &set), text, &set, ret, err);
}

/* --- masks -------------------------------------------------------------------------------------------------------- */

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

/* From the right, since the least significant chunk stands last. Only the first chunk may have fewer than 8 digits. */
static int scan_mask(const char *text, const char *end, struct cpuset *set)
{
	bool out_of_range = false;
	unsigned bit = 0, digits = 0;

	cpuset_zero(set);
	for (const char *p = end; p > text; p--) {
		if (p[-1] == ',') {
			if (digits != 8)
				return -EINVAL;
			digits = 0;
			continue;
		}
		int digit = hex_digit(p[-1]);
		if (digit < 0 || ++digits > 8)
			return -EINVAL;
		if (bit < CPUSET_MAX)
			set->bits[bit / WORD_BITS] |= (uint64_t)digit << bit % WORD_BITS;
		else
			out_of_range |= digit != 0;
		bit += 4;
	}
	if (digits == 0)
		return -EINVAL;
	return out_of_range ? -ERANGE : 0;
}

int cpuset_parse_mask(const char *text, struct cpuset *ret, struct hft_err *err)
{
	struct cpuset set;
	size_t len = strnlen(text, LIST_MAX + 1);

	if (len > LIST_MAX)
		return raise_length(err, text);
	if (len > 0 && text[len - 1] == '\n')
		len--;
	int r = scan_mask(text, text + len, &set);
	if (r == -EINVAL)
		return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, text, "not a CPU mask such as 00000000,00000003");
	return report(r, text, &set, ret, err);
}

void cpuset_format(const struct cpuset *s, struct strbuf *b)
{
	const char *separator = "";

	for (int first = cpuset_next(s, 0); first >= 0;) {
		int gap = next_differing(s, (unsigned)first, UINT64_MAX);
		int last = (gap >= 0 ? gap : CPUSET_MAX) - 1;
		if (last == first)
			strbuf_addf(b, "%s%d", separator, first);
		else
			strbuf_addf(b, "%s%d-%d", separator, first, last);
		separator = ",";
		first = cpuset_next(s, (unsigned)last + 1);
	}
}

void cpuset_format_mask(const struct cpuset *s, unsigned n_bits, struct strbuf *b)
{
	unsigned n = n_bits > CPUSET_MAX ? N_CHUNKS : (n_bits + 31) / 32;

	for (unsigned i = n > 0 ? n : 1; i-- > 0;)
		strbuf_addf(b, "%08x%s", (unsigned)(uint32_t)(s->bits[i / 2] >> i % 2 * 32), i > 0 ? "," : "");
}
