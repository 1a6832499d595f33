/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The strict JSON scanner (RFC 8259 and the further rules of json.h). It builds nothing, knows no cJSON and trusts no
 * byte. Its memory is bounded by the text, its time by n log n.
 */
#include "lib/json/scan.h"

#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

#define NUMBER_MAX 63 /* characters: what cJSON looks at; it would take the rest for a syntax error */
#define NO_CHAR UINT32_MAX

/* A key of an object that is still open. Its text, without escapes, is in the document or in scan.decoded. */
struct key {
	size_t at, len;
	bool is_decoded;
};

struct level {
	bool is_object;
	size_t first_key; /* keys from here on belong to this object */
};

struct scan {
	const char *text;
	size_t len, at;
	struct level levels[JSON_DEPTH_MAX];
	unsigned depth;
	struct key *keys;
	size_t n_keys, cap_keys;
	struct strbuf decoded;
	const char *problem;
};

/* What string a token turned out to be. */
struct span {
	size_t at, len;
	bool has_escape;
};

static int problem(struct scan *s, const char *what)
{
	s->problem = what;
	return -EBADMSG;
}

/* The byte at the cursor, or NUL at the end: a NUL in the text matches nothing either. */
static char peek(const struct scan *s)
{
	return s->at < s->len ? s->text[s->at] : '\0';
}

static bool accept(struct scan *s, char c)
{
	if (s->at >= s->len || s->text[s->at] != c)
		return false;
	s->at++;
	return true;
}

static void skip_white(struct scan *s)
{
	for (char c = peek(s); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek(s))
		s->at++;
}

/* --- strings ------------------------------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits, or NO_CHAR. */
static uint32_t scan_hex4(struct scan *s)
{
	uint32_t c = 0;

	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(peek(s));
		if (digit < 0)
			return NO_CHAR;
		c = c << 4 | (uint32_t)digit;
		s->at++;
	}
	return c;
}

/* What follows a backslash. A surrogate must come with its other half; the result may be 0, the caller's to refuse. */
static uint32_t scan_escape(struct scan *s)
{
	static const char names[] = "\"\\/bfnrt", chars[] = "\"\\/\b\f\n\r\t";
	const char *found = peek(s) != '\0' ? strchr(names, peek(s)) : NULL;

	if (found != NULL) {
		s->at++;
		return (unsigned char)chars[found - names];
	}
	if (!accept(s, 'u'))
		return NO_CHAR;
	uint32_t c = scan_hex4(s);
	if (c >= 0xdc00 && c <= 0xdfff)
		return NO_CHAR;
	if (c < 0xd800 || c > 0xdbff)
		return c;
	if (!accept(s, '\\') || !accept(s, 'u'))
		return NO_CHAR;
	uint32_t low = scan_hex4(s);
	if (low < 0xdc00 || low > 0xdfff)
		return NO_CHAR;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

/* A string whose opening quote has been read. */
static int scan_string(struct scan *s, struct span *ret)
{
	bool has_high = false, has_escape = false;
	size_t start = s->at;

	for (;;) {
		if (s->at >= s->len)
			return problem(s, "a string does not end");
		unsigned char c = (unsigned char)s->text[s->at];
		if (c < 0x20)
			return problem(s, "a control character in a string");
		s->at++;
		if (c == '"')
			break;
		has_high |= c >= 0x80;
		if (c != '\\')
			continue;
		has_escape = true;
		uint32_t escaped = scan_escape(s);
		if (escaped == NO_CHAR)
			return problem(s, "a wrong escape in a string");
		if (escaped == 0)
			return problem(s, "an escaped NUL in a string");
	}
	*ret = (struct span){ .at = start, .len = s->at - 1 - start, .has_escape = has_escape };
	if (has_high && !str_is_utf8(s->text + start, ret->len))
		return problem(s, "a string that is not UTF-8");
	return 0;
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static void add_utf8(struct strbuf *b, uint32_t c)
{
	if (c < 0x80) {
		strbuf_addc(b, (char)c);
		return;
	}
	unsigned n_more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char leads[] = { 0, 0xc0, 0xe0, 0xf0 };
	strbuf_addc(b, (char)(leads[n_more] | c >> (6 * n_more)));
	while (n_more-- > 0)
		strbuf_addc(b, (char)(0x80 | ((c >> (6 * n_more)) & 0x3f)));
}

/* Append the text of a string that scan_string has accepted to scan.decoded. */
static void decode_span(struct scan *s, const struct span *span)
{
	size_t after = s->at, end = span->at + span->len;

	for (s->at = span->at; s->at < end;) {
		char c = s->text[s->at++];
		if (c == '\\')
			add_utf8(&s->decoded, scan_escape(s));
		else
			strbuf_addc(&s->decoded, c);
	}
	s->at = after;
}

/* A key and its colon. */
static int scan_key(struct scan *s)
{
	struct span span;

	skip_white(s);
	if (!accept(s, '"'))
		return problem(s, "a name in quotes was expected");
	int r = scan_string(s, &span);
	if (r < 0)
		return r;
	struct key key = { .at = span.at, .len = span.len, .is_decoded = span.has_escape };
	if (span.has_escape) {
		key.at = s->decoded.len;
		decode_span(s, &span);
		key.len = s->decoded.len - key.at;
	}
	if (s->decoded.oom || mem_grow(&s->keys, &s->cap_keys, s->n_keys, sizeof(*s->keys)) < 0)
		return -ENOMEM;
	s->keys[s->n_keys++] = key;
	skip_white(s);
	return accept(s, ':') ? 0 : problem(s, "a colon was expected");
}

static const char *key_text(const struct scan *s, const struct key *key)
{
	return (key->is_decoded ? s->decoded.s : s->text) + key->at;
}

static int compare_keys(const void *a, const void *b, void *scan)
{
	const struct scan *s = scan;
	const struct key *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	if (x->len == 0)
		return 0;
	return memcmp(key_text(s, x), key_text(s, y), x->len);
}

/* The object on top ends: sorted, equal names stand side by side. Comparing each with each would be quadratic. */
static int close_object(struct scan *s)
{
	size_t first = s->levels[s->depth - 1].first_key, n = s->n_keys - first;
	struct key *keys = s->keys + first;

	if (n > 1)
		qsort_r(keys, n, sizeof(*keys), compare_keys, s);
	for (size_t i = 1; i < n; i++)
		if (compare_keys(&keys[i - 1], &keys[i], s) == 0)
			return problem(s, "a name stands twice in one object");
	s->n_keys = first;
	return 0;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* Every double beyond 2^53 is an integer, and no longer the only one it could stand for. */
static bool is_number_exact(const char *text, size_t n)
{
	const double limit = 9007199254740992.0; /* 2^53 */
	char copy[NUMBER_MAX + 1];

	if (n > NUMBER_MAX)
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	char *point = memchr(copy, '.', n);
	if (point != NULL)
		*point = localeconv()->decimal_point[0]; /* strtod(3) follows the locale, and so does cJSON */
	errno = 0;
	double value = strtod(copy, NULL);
	if (errno == ERANGE || (value == 0 && copy[0] == '-'))
		return false;
	if (value != limit && value != -limit)
		return value > -limit && value < limit;
	return strcmp(copy[0] == '-' ? copy + 1 : copy, "9007199254740992") == 0; /* else it may have been rounded */
}

static bool scan_digits(struct scan *s)
{
	size_t start = s->at;

	while (peek(s) >= '0' && peek(s) <= '9')
		s->at++;
	return s->at > start;
}

static int scan_number(struct scan *s)
{
	size_t start = s->at;

	accept(s, '-');
	bool ok = accept(s, '0') || scan_digits(s); /* a digit behind the 0 is nothing that may follow a value */
	if (ok && accept(s, '.'))
		ok = scan_digits(s);
	if (ok && (accept(s, 'e') || accept(s, 'E'))) {
		if (!accept(s, '+'))
			accept(s, '-');
		ok = scan_digits(s);
	}
	if (!ok)
		return problem(s, "a wrong number");
	if (!is_number_exact(s->text + start, s->at - start))
		return problem(s, "a number that cannot be held exactly");
	return 0;
}

static int scan_word(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i]);
		if (s->len - s->at >= n && memcmp(s->text + s->at, words[i], n) == 0) {
			s->at += n;
			return 0;
		}
	}
	return problem(s, "a value was expected");
}

/* An opening bracket has been read. 1 when a value must follow, 0 when the container was empty and is closed again. */
static int scan_open(struct scan *s, bool is_object)
{
	if (s->depth == JSON_DEPTH_MAX)
		return problem(s, "nested too deeply");
	skip_white(s);
	if (accept(s, is_object ? '}' : ']'))
		return 0;
	s->levels[s->depth++] = (struct level){ .is_object = is_object, .first_key = s->n_keys };
	int r = is_object ? scan_key(s) : 0;
	return r < 0 ? r : 1;
}

/* The start of a value: 0 when it is complete, 1 when it was a bracket and another value must follow. */
static int scan_value(struct scan *s)
{
	struct span ignored;

	skip_white(s);
	if (accept(s, '{'))
		return scan_open(s, true);
	if (accept(s, '['))
		return scan_open(s, false);
	if (accept(s, '"'))
		return scan_string(s, &ignored);
	char c = peek(s);
	return c == '-' || (c >= '0' && c <= '9') ? scan_number(s) : scan_word(s);
}

/* What follows a complete value: 1 when another one must follow, 0 at the end of the document. */
static int scan_after(struct scan *s)
{
	while (s->depth > 0) {
		const struct level *top = &s->levels[s->depth - 1];
		skip_white(s);
		if (accept(s, ',')) {
			int r = top->is_object ? scan_key(s) : 0;
			return r < 0 ? r : 1;
		}
		if (!accept(s, top->is_object ? '}' : ']'))
			return problem(s, "a comma or a closing bracket was expected");
		if (top->is_object && close_object(s) < 0)
			return -EBADMSG;
		s->depth--;
	}
	skip_white(s);
	return s->at == s->len ? 0 : problem(s, "something follows the document");
}

int json_scan(const char *text, size_t len, size_t *ret_at, const char **ret_problem)
{
	struct scan s = { .text = text, .len = len };
	int r;

	do {
		r = scan_value(&s);
		if (r == 0)
			r = scan_after(&s);
	} while (r > 0);
	if (r == -EBADMSG) {
		*ret_at = s.at;
		*ret_problem = s.problem;
	}
	free(s.keys);
	strbuf_done(&s.decoded);
	return r;
}
