/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing strings, string lists and string tests. Must not know what the strings mean. */
#include "lib/base/str.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "lib/base/mem.h"

#define STRBUF_MIN 64

void strbuf_done(struct strbuf *b)
{
	free(b->s);
	*b = (struct strbuf){ 0 };
}

void strbuf_reset(struct strbuf *b)
{
	b->len = 0;
	b->oom = false;
	if (b->s != NULL)
		b->s[0] = '\0';
}

const char *strbuf_str(const struct strbuf *b)
{
	return b->s != NULL ? b->s : "";
}

/* Room for n more bytes and the NUL. */
static bool reserve(struct strbuf *b, size_t n)
{
	if (b->oom)
		return false;
	if (n < b->cap - b->len) /* false for the empty buffer too */
		return true;

	size_t need;
	size_t cap = b->cap < STRBUF_MIN ? STRBUF_MIN : b->cap;
	char *grown = NULL;
	if (!__builtin_add_overflow(b->len, n, &need) && need < SIZE_MAX / 2) {
		while (cap <= need)
			cap *= 2;
		grown = realloc(b->s, cap);
	}
	if (grown == NULL) {
		b->oom = true;
		return false;
	}
	b->s = grown;
	b->cap = cap;
	b->s[b->len] = '\0';
	return true;
}

char *strbuf_take(struct strbuf *b)
{
	bool ok = reserve(b, 0);
	char *s = ok ? TAKE_PTR(b->s) : NULL;

	strbuf_done(b);
	return s;
}

void strbuf_addn(struct strbuf *b, const char *s, size_t n)
{
	if (n == 0 || !reserve(b, n))
		return;
	memcpy(b->s + b->len, s, n);
	b->len += n;
	b->s[b->len] = '\0';
}

void strbuf_add(struct strbuf *b, const char *s)
{
	strbuf_addn(b, s, strlen(s));
}

void strbuf_addc(struct strbuf *b, char c)
{
	strbuf_addn(b, &c, 1);
}

void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
{
	if (!reserve(b, 0))
		return;

	size_t room = b->cap - b->len;
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(b->s + b->len, room, fmt, ap);
	if (n >= 0 && (size_t)n >= room) {
		b->s[b->len] = '\0'; /* what a failed reserve leaves behind */
		n = reserve(b, (size_t)n) ? vsnprintf(b->s + b->len, b->cap - b->len, fmt, again) : 0;
	}
	va_end(again);

	if (n < 0)
		b->oom = true; /* the C library could not format it */
	else
		b->len += (size_t)n;
	b->s[b->len] = '\0';
}

void strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(b, fmt, ap);
	va_end(ap);
}

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void strbuf_trim(struct strbuf *b)
{
	size_t start = 0;

	while (b->len > 0 && is_white(b->s[b->len - 1]))
		b->len--;
	while (start < b->len && is_white(b->s[start]))
		start++;
	if (b->s == NULL)
		return;
	b->len -= start;
	memmove(b->s, b->s + start, b->len);
	b->s[b->len] = '\0';
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

void strlist_done(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->s[i]);
	free(l->s);
	*l = (struct strlist){ 0 };
}

int strlist_take(struct strlist *l, char *s)
{
	if (s == NULL)
		return -ENOMEM;
	if (mem_grow(&l->s, &l->cap, l->n, sizeof(*l->s)) < 0) {
		free(s);
		return -ENOMEM;
	}
	l->s[l->n++] = s;
	return 0;
}

int strlist_add(struct strlist *l, const char *s)
{
	return strlist_take(l, strdup(s));
}

bool strlist_has(const struct strlist *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->s[i], s) == 0)
			return true;
	return false;
}

static int compare_versions(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

void strlist_sort(struct strlist *l)
{
	if (l->n > 1)
		qsort(l->s, l->n, sizeof(*l->s), compare_versions);
}

int strlist_split(struct strlist *l, const char *text, const char *seps)
{
	for (const char *p = text + strspn(text, seps); *p != '\0'; p += strspn(p, seps)) {
		size_t n = strcspn(p, seps);
		if (strlist_take(l, str_dup_n(p, n)) < 0)
			return -ENOMEM;
		p += n;
	}
	return 0;
}

/* --- tests and copies --------------------------------------------------------------------------------------------- */

bool str_eq(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_is_pattern(const char *s)
{
	return strpbrk(s, "*?[") != NULL;
}

bool str_match(const char *pattern, const char *s)
{
	return fnmatch(pattern, s, 0) == 0;
}

/*
 * Decode one character of strict UTF-8 (RFC 3629): its length in bytes, or 0 when the bytes at s are none. Done by
 * hand because mbrtowc(3) depends on the locale, and a daemon runs in "C".
 */
static size_t decode_utf8(const char *s, size_t len, uint32_t *ret_char)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = (unsigned char)s[0];
	size_t n = lead < 0x80             ? 1
	           : (lead & 0xe0) == 0xc0 ? 2
	           : (lead & 0xf0) == 0xe0 ? 3
	           : (lead & 0xf8) == 0xf0 ? 4
	                                   : 0;

	if (n == 0 || n > len)
		return 0;
	uint32_t c = n == 1 ? lead : lead & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_char = c;
	return n;
}

bool str_is_utf8(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t n = decode_utf8(s + i, len - i, &c);
		if (n == 0 || c == 0)
			return false;
		i += n;
	}
	return true;
}

static bool is_control(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} ranges[] = {
		{ 0x00, 0x1f },                                                             /* C0 */
		{ 0x7f, 0x9f },                                                             /* DEL and C1 */
		{ 0x61c, 0x61c }, { 0x200e, 0x200f }, { 0x202a, 0x202e }, { 0x2066, 0x2069 }, /* Bidi_Control */
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	return false;
}

bool str_has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t c = (unsigned char)s[i]; /* a stray byte 0x80-0x9f is a C1 control to an 8-bit terminal */
		size_t n = decode_utf8(s + i, len - i, &c);
		if (is_control(c))
			return true;
		i += n > 0 ? n : 1;
	}
	return false;
}

bool str_copy(char *to, size_t size, const char *s)
{
	size_t len = strlen(s);
	bool fits = len < size;

	if (fits)
		memcpy(to, s, len + 1);
	else if (size > 0)
		to[0] = '\0';
	return fits;
}

char *str_dup_n(const char *s, size_t n)
{
	char *copy = n < SIZE_MAX ? malloc(n + 1) : NULL;

	if (copy == NULL)
		return NULL;
	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *str_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n >= 0 ? s : NULL;
}

size_t str_columns(const char *s)
{
	size_t columns = 0;

	for (size_t left = strlen(s); left > 0;) {
		uint32_t c;
		size_t n = decode_utf8(s, left, &c);
		int width = n > 0 ? wcwidth((wchar_t)c) : 1;
		columns += width >= 0 ? (size_t)width : 1; /* -1: not printable, or not known to the locale */
		n = n > 0 ? n : 1;
		s += n;
		left -= n;
	}
	return columns;
}
