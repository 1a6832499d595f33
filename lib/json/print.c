/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON text from a tree. Instead of cJSON's printer: that one rounds integers of 16 digits (it compares with a
 * tolerance), formats and reads back every number, and passes on bytes that are not UTF-8. What is printed here
 * json_parse takes, and finds the same values.
 */
#include "lib/json/json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

#define COMPACT (-1) /* instead of a depth */

/* Bytes of the UTF-8 character at s, 0 when there is none. Looks no further than the first byte that does not fit. */
static size_t utf8_length(const char *s)
{
	unsigned char lead = (unsigned char)*s;
	size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

	return str_is_utf8(s, strnlen(s, n)) ? n : 0;
}

/* One character that cannot stand for itself: returns how many bytes of the text it was. */
static size_t print_special(const char *s, struct strbuf *b)
{
	static const char chars[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	const char *found = strchr(chars, *s);

	if (found != NULL) {
		strbuf_addc(b, '\\');
		strbuf_addc(b, names[found - chars]);
		return 1;
	}
	if ((unsigned char)*s < 0x20) {
		strbuf_addf(b, "\\u%04x", (unsigned)*s);
		return 1;
	}
	size_t n = utf8_length(s);
	if (n == 0) {
		strbuf_add(b, "\xef\xbf\xbd"); /* U+FFFD */
		return 1;
	}
	strbuf_addn(b, s, n);
	return n;
}

static void print_string(const char *s, struct strbuf *b)
{
	strbuf_addc(b, '"');
	while (*s != '\0') {
		size_t n = 0;
		for (unsigned char c = (unsigned char)*s; c >= 0x20 && c < 0x80 && c != '"' && c != '\\';)
			c = (unsigned char)s[++n];
		strbuf_addn(b, s, n);
		s += n;
		if (*s != '\0')
			s += print_special(s, b);
	}
	strbuf_addc(b, '"');
}

static void print_number(const struct json *j, double value, struct strbuf *b)
{
	char text[32];

	if (json_is_int(j)) {
		strbuf_addf(b, "%" PRId64, json_int(j, 0));
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	char *point = strchr(text, localeconv()->decimal_point[0]);
	if (point != NULL)
		*point = '.';
	strbuf_add(b, text);
}

static void print_break(int depth, struct strbuf *b)
{
	if (depth != COMPACT)
		strbuf_addf(b, "\n%*s", 2 * depth, "");
}

static void print_value(const cJSON *item, int depth, struct strbuf *b);

static void print_children(const cJSON *item, bool is_object, int depth, struct strbuf *b)
{
	int inside = depth == COMPACT ? COMPACT : depth + 1;

	strbuf_addc(b, is_object ? '{' : '[');
	for (const cJSON *c = item->child; c != NULL; c = c->next) {
		if (c != item->child)
			strbuf_addc(b, ',');
		print_break(inside, b);
		if (is_object) {
			print_string(c->string, b);
			strbuf_add(b, depth == COMPACT ? ":" : ": ");
		}
		print_value(c, inside, b);
	}
	if (item->child != NULL)
		print_break(depth, b);
	strbuf_addc(b, is_object ? '}' : ']');
}

/* As deep as the tree, which its maker decides: a parsed one has JSON_DEPTH_MAX levels at most. */
static void print_value(const cJSON *item, int depth, struct strbuf *b)
{
	const struct json *j = (const struct json *)item;

	if (json_is_object(j) || json_is_array(j))
		print_children(item, json_is_object(j), depth, b);
	else if (json_is_string(j))
		print_string(item->valuestring, b);
	else if (json_is_number(j))
		print_number(j, item->valuedouble, b);
	else if (json_is_bool(j))
		strbuf_add(b, json_bool(j, false) ? "true" : "false");
	else
		strbuf_add(b, cJSON_IsRaw(item) ? item->valuestring : "null");
}

static char *print(const struct json *j, int depth)
{
	struct strbuf b = { 0 };

	if (j == NULL)
		return NULL;
	print_value((const cJSON *)j, depth, &b);
	return strbuf_take(&b);
}

char *json_print(const struct json *j)
{
	return print(j, COMPACT);
}

char *json_print_pretty(const struct json *j)
{
	return print(j, 0);
}

/* --- text without a tree -------------------------------------------------------------------------------------------- */

void json_text_begin(struct strbuf *b, char bracket)
{
	strbuf_addc(b, bracket);
}

void json_text_end(struct strbuf *b, char bracket)
{
	strbuf_addc(b, bracket);
}

static bool is_fresh(const struct strbuf *b)
{
	char last = b->len > 0 ? b->s[b->len - 1] : '{';

	return last == '{' || last == '[';
}

void json_text_next(struct strbuf *b)
{
	if (!is_fresh(b))
		strbuf_addc(b, ',');
}

void json_text_key(struct strbuf *b, const char *key)
{
	json_text_next(b);
	print_string(key, b);
	strbuf_addc(b, ':');
}

void json_text_string(struct strbuf *b, const char *key, const char *value)
{
	if (value == NULL)
		return;
	json_text_key(b, key);
	print_string(value, b);
}

void json_text_bool(struct strbuf *b, const char *key, bool value)
{
	json_text_key(b, key);
	strbuf_add(b, value ? "true" : "false");
}

void json_text_int(struct strbuf *b, const char *key, int64_t value)
{
	json_text_key(b, key);
	strbuf_addf(b, "%" PRId64, value);
}

void json_text_element(struct strbuf *b, const char *value)
{
	print_string(value, b);
}
