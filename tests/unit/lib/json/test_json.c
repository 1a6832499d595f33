/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/json: what is refused, what is read, what is built and printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <time.h>

#include <cmocka.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

#define TEXT(s) (s), sizeof(s) - 1

/* Parsed from a copy of exactly that size, so that the sanitizer sees a byte too many being looked at. */
static struct json *parse_n(const char *text, size_t len, struct hft_err *err)
{
	CLEANUP(mem_freep) char *copy = malloc(len > 0 ? len : 1);
	struct json *j = NULL;

	assert_non_null(copy);
	memcpy(copy, text, len);
	int r = json_parse(copy, len, JSON_RECORD_MAX, &j, err);
	if (r == 0) {
		assert_non_null(j);
		return j;
	}
	assert_int_equal(r, -EBADMSG);
	assert_null(j);
	return NULL;
}

static struct json *parse(const char *text)
{
	return parse_n(text, strlen(text), NULL);
}

static void refuse_n(const char *text, size_t len)
{
	struct hft_err err = { 0 };
	CLEANUP(json_freep) struct json *j = parse_n(text, len, &err);

	if (j != NULL)
		fail_msg("taken: %.*s", (int)len, text);
	assert_string_equal(err.code, ERR_PROTOCOL);
	assert_int_equal(err.sys, EBADMSG);
}

static void take_n(const char *text, size_t len)
{
	struct hft_err err = { 0 };
	CLEANUP(json_freep) struct json *j = parse_n(text, len, &err);

	if (j == NULL)
		fail_msg("refused: %.*s: %s", (int)len, text, err.msg);
}

static void test_syntax(void **state)
{
	static const char *const good[] = {
		"{}", "[]", " {\t\"a\"\r:\n1 } ", "[1,2]", "[[],{}]", "\"x\"", "0", "true", "false", "null",
		"[{\"a\":[{}]}]", "\"\"", "{\"\":1}",
	};
	static const char *const bad[] = {
		"", " ", "{", "}", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}",
		"{\"a\":1,}", "{a:1}", "{'a':1}", "{1:1}", "{\"a\":1]", "[1}", "tru", "truex", "True", "nul", "NaN", "Infinity",
		"[1]]",
		"{} {}", "{}x", "1 1", "//x\n1", "[1]//x", "\xef\xbb\xbf{}", "\v1", "\f1", "\"a", "\"a\\\"", ",", ":",
		"{\"a\":1 \"b\":2}", "{\"a\" 1}", "{,}", "undefined", "-", "[\"a\":1]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		take_n(good[i], strlen(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuse_n(bad[i], strlen(bad[i]));
	refuse_n(TEXT("{}\0"));
	refuse_n(TEXT("[1\0]"));
	refuse_n(TEXT("\0{}"));
}

static void test_prefixes(void **state)
{
	static const char text[] = "{\"a\":[1,-2.5e3,\"x\\u00e9\\ud83d\\ude00\\n\",{\"b\":null}],\"c\":true}";

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		refuse_n(text, n);
	take_n(TEXT(text));
}

static void test_strings(void **state)
{
	(void)state;
	take_n(TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\""));
	take_n(TEXT("\"\\uD83D\\uDE00\\ud83d\\ude00\""));
	take_n(TEXT("\"\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""));
	refuse_n(TEXT("\"\\u0000\""));
	refuse_n(TEXT("{\"a\\u0000b\":1}"));
	refuse_n(TEXT("\"a\0b\""));
	refuse_n(TEXT("\"\n\""));
	refuse_n(TEXT("\"\x1f\""));
	refuse_n(TEXT("\"\\x\""));
	refuse_n(TEXT("\"\\u12\""));
	refuse_n(TEXT("\"\\u12g4\""));
	refuse_n(TEXT("\"\\ud800\""));
	refuse_n(TEXT("\"\\ud800x\""));
	refuse_n(TEXT("\"\\ud800\\n\""));
	refuse_n(TEXT("\"\\ud800\\ud800\""));
	refuse_n(TEXT("\"\\udc00\""));
	refuse_n(TEXT("\"\\"));
	refuse_n(TEXT("\"\\u"));
	refuse_n(TEXT("\"\\ud800\\"));
}

static void test_utf8(void **state)
{
	(void)state;
	refuse_n(TEXT("\"\x80\""));             /* a continuation alone */
	refuse_n(TEXT("\"\xc3\""));             /* cut short */
	refuse_n(TEXT("\"\xc0\xaf\""));         /* overlong "/" */
	refuse_n(TEXT("\"\xc0\x80\""));         /* overlong NUL */
	refuse_n(TEXT("\"\xe0\x80\xaf\""));     /* overlong */
	refuse_n(TEXT("\"\xf0\x80\x80\xaf\"")); /* overlong */
	refuse_n(TEXT("\"\xed\xa0\x80\""));     /* a surrogate */
	refuse_n(TEXT("\"\xf4\x90\x80\x80\"")); /* beyond U+10FFFF */
	refuse_n(TEXT("\"\xff\""));
	refuse_n(TEXT("{\"\xc0\xaf\":1}"));
}

static void test_numbers(void **state)
{
	static const char *const good[] = {
		"0", "-1", "10", "1.5", "-0.5", "1e3", "1E+3", "1e-3", "9007199254740992", "-9007199254740992", "0.0",
		"0e5",
	};
	static const char *const bad[] = {
		"-0", "-0.0", "-0e3", "01", "-01", "00", "+1", ".5", "1.", "1.e3", "1e", "1e+", "0x10", "1_0",
		"1e400", "-1e400",
		"1e-400", "9007199254740993", "-9007199254740993", "9007199254740992.5", "1e16", "18446744073709551616",
		"[1e400]", "{\"a\":-0}", "--1", "1-",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		take_n(good[i], strlen(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuse_n(bad[i], strlen(bad[i]));

	/* As many digits as cJSON looks at, and one more. */
	char digits[80] = "0.";
	memset(digits + 2, '1', 61);
	take_n(digits, 63);
	digits[63] = '1';
	refuse_n(digits, 64);
}

static void test_number_types(void **state)
{
	(void)state;
	CLEANUP(json_freep) struct json *j = parse("{\"i\":-7,\"f\":1.5,\"e\":1e3,"
	                                           "\"max\":9007199254740992,\"s\":\"1\"}");

	assert_true(json_is_int(json_get(j, "i")));
	assert_int_equal(json_get_int(j, "i", 0), -7);
	assert_true(json_is_number(json_get(j, "f")));
	assert_false(json_is_int(json_get(j, "f")));
	assert_int_equal(json_get_int(j, "f", 42), 42);
	assert_int_equal(json_get_int(j, "e", 0), 1000);
	assert_true(json_get_int(j, "max", 0) == INT64_C(9007199254740992));
	assert_int_equal(json_get_int(j, "s", 42), 42);
	assert_int_equal(json_get_int(j, "missing", 42), 42);
}

static void test_duplicate_keys(void **state)
{
	(void)state;
	refuse_n(TEXT("{\"a\":1,\"a\":2}"));
	refuse_n(TEXT("{\"a\":1,\"b\":2,\"a\":3}"));
	refuse_n(TEXT("{\"a\":1,\"\\u0061\":2}"));
	refuse_n(TEXT("{\"\\u0061\":1,\"\\u0061\":2}"));
	refuse_n(TEXT("{\"\\u00e9\":1,\"\xc3\xa9\":2}"));
	refuse_n(TEXT("{\"\\u20ac\":1,\"\xe2\x82\xac\":2}"));
	refuse_n(TEXT("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"));
	refuse_n(TEXT("{\"\\/\":1,\"/\":2}"));
	refuse_n(TEXT("{\"\":1,\"\":2}"));
	refuse_n(TEXT("{\"x\":[{\"a\":{\"b\":1,\"c\":2,\"b\":3}}]}"));
	refuse_n(TEXT("{\"a\":{\"z\":1},\"a\":2}"));
	refuse_n(TEXT("{\"a\":{\"b\":{\"c\":1}},\"b\":[{\"a\":1}],\"a\":1}"));
	take_n(TEXT("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}"));
	take_n(TEXT("[{\"a\":1},{\"a\":1}]"));
	take_n(TEXT("{\"a\":1,\"A\":2,\"\\u0041a\":3,\"\\n\":4,\"n\":5}"));
}

/* A quarter of a megabyte of keys: must take milliseconds, whether or not the last one is a duplicate. */
static void test_many_keys(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct timespec from, to;

	(void)state;
	strbuf_addc(&b, '{');
	for (int i = 0; b.len < JSON_REQUEST_MAX - 32; i++)
		strbuf_addf(&b, "\"%06d\":1,", i);
	size_t len = b.len;
	strbuf_add(&b, "\"x\":1}");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	take_n(b.s, b.len);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	assert_true((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 500);

	b.len = len;
	strbuf_add(&b, "\"000000\":1}");
	refuse_n(b.s, b.len);
}

static void fill_nested(struct strbuf *b, const char *open, size_t depth, const char *close)
{
	for (size_t i = 0; i < depth; i++)
		strbuf_add(b, open);
	strbuf_add(b, "1");
	for (size_t i = 0; i < depth; i++)
		strbuf_add(b, close);
	assert_false(b->oom);
}

static void test_nesting(void **state)
{
	static const struct {
		const char *open, *close;
	} kinds[] = { { "[", "]" }, { "{\"a\":", "}" }, { "[", "" } };
	static const size_t too_deep[] = { JSON_DEPTH_MAX + 1, 10000, 1000000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		for (size_t k = 0; k < ARRAY_LEN(too_deep); k++) {
			CLEANUP(strbuf_done) struct strbuf b = { 0 };
			fill_nested(&b, kinds[i].open, too_deep[k], kinds[i].close);
			refuse_n(b.s, b.len);
		}
	}
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(strbuf_done) struct strbuf b = { 0 };
		fill_nested(&b, kinds[i].open, JSON_DEPTH_MAX, kinds[i].close);
		take_n(b.s, b.len);
	}
	refuse_n(TEXT("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]")); /* an empty one counts as well */
}

static void test_size_cap(void **state)
{
	struct hft_err err;
	struct json *j = NULL;

	(void)state;
	assert_int_equal(json_parse("[1]", 3, 2, &j, &err), -EMSGSIZE);
	assert_string_equal(err.code, ERR_PROTOCOL);
	assert_null(j);
	assert_int_equal(json_parse("[1]", 3, 2, &j, NULL), -EMSGSIZE);
	assert_int_equal(json_parse("[1]", 3, 3, &j, &err), 0);
	json_freep(&j);
	assert_null(j);
}

static void test_access(void **state)
{
	(void)state;
	CLEANUP(json_freep) struct json *j = parse("{\"s\":\"x\\u00e9\\n\",\"b\":true,\"n\":null,\"a\":[\"p\",2],"
	                                           "\"o\":{},\"S\":\"y\"}");

	assert_true(json_is_object(j));
	assert_int_equal(json_size(j), 6);
	assert_string_equal(json_get_string(j, "s", ""), "x\xc3\xa9\n");
	assert_string_equal(json_get_string(j, "S", ""), "y");
	assert_null(json_get_string(j, "b", NULL));
	assert_true(json_get_bool(j, "b", false));
	assert_true(json_get_bool(j, "s", true));
	assert_true(json_is_null(json_get(j, "n")));
	assert_false(json_is_null(json_get(j, "missing")));
	assert_true(json_is_object(json_get(j, "o")));
	assert_null(json_first(json_get(j, "o")));
	assert_null(json_first(json_get(j, "s")));

	const struct json *a = json_get(j, "a");
	assert_true(json_is_array(a) && !json_is_object(a));
	assert_null(json_get(a, "p"));
	assert_null(json_key(json_first(a)));
	assert_string_equal(json_string(json_first(a), ""), "p");
	assert_int_equal(json_int(json_next(json_first(a)), 0), 2);
	assert_null(json_next(json_next(json_first(a))));
	assert_string_equal(json_key(json_next(json_first(j))), "b");

	assert_false(json_is_object(NULL) || json_is_array(NULL) || json_is_string(NULL) || json_is_bool(NULL) ||
	             json_is_int(NULL) || json_is_number(NULL) || json_is_null(NULL));
	assert_null(json_get(NULL, "a"));
	assert_int_equal(json_size(NULL), 0);
	assert_null(json_first(NULL));
	assert_null(json_next(NULL));
	assert_null(json_key(NULL));
}

static void assert_prints(const struct json *j, const char *text)
{
	CLEANUP(mem_freep) char *printed = json_print(j);

	assert_non_null(printed);
	assert_string_equal(printed, text);
}

static void test_build(void **state)
{
	CLEANUP(json_freep) struct json *j = json_new_object();
	char key[] = "built";

	(void)state;
	assert_int_equal(json_set_string(j, "s", "a\"\\/\n\x01\x7f\xc3\xa9"), 0);
	assert_int_equal(json_set_string(j, "none", NULL), 0);
	assert_int_equal(json_set_int(j, "i", -5), 0);
	assert_int_equal(json_set_bool(j, "t", true), 0);
	assert_int_equal(json_set_bool(j, "f", false), 0);
	assert_int_equal(json_put_string(j, key, "v"), 0);
	memset(key, 'x', sizeof(key) - 1);
	struct json *a = json_new_array();
	assert_int_equal(json_add_string(a, "p"), 0);
	assert_int_equal(json_add_string(a, NULL), 0);
	assert_int_equal(json_add_int(a, 7), 0);
	assert_int_equal(json_add_take(a, json_new_object()), 0);
	assert_int_equal(json_set_take(j, "a", a), 0);
	assert_prints(j, "{\"s\":\"a\\\"\\\\/\\n\\u0001\x7f\xc3\xa9\",\"i\":-5,\"t\":true,\"f\":false,\"built\":\"v\","
	                 "\"a\":[\"p\",7,{}]}");

	CLEANUP(json_freep) struct json *copy = json_dup(j);
	json_freep(&j);
	assert_string_equal(json_get_string(copy, "built", ""), "v");
	assert_null(json_dup(NULL));
}

/* Memory exhaustion is sticky: a missing target or value is -ENOMEM, and what was to be owned is freed. */
static void test_build_without_memory(void **state)
{
	CLEANUP(json_freep) struct json *j = json_new_object();

	(void)state;
	assert_int_equal(json_set_string(NULL, "a", "b"), -ENOMEM);
	assert_int_equal(json_set_string(NULL, "a", NULL), -ENOMEM);
	assert_int_equal(json_put_string(NULL, "a", "b"), -ENOMEM);
	assert_int_equal(json_set_int(NULL, "a", 1), -ENOMEM);
	assert_int_equal(json_set_bool(NULL, "a", true), -ENOMEM);
	assert_int_equal(json_add_string(NULL, "a"), -ENOMEM);
	assert_int_equal(json_add_int(NULL, 1), -ENOMEM);
	assert_int_equal(json_set_take(NULL, "a", json_new_object()), -ENOMEM);
	assert_int_equal(json_add_take(NULL, json_new_array()), -ENOMEM);
	assert_int_equal(json_set_take(j, "a", NULL), -ENOMEM);
	assert_prints(j, "{}");
	assert_null(json_print(NULL));
	assert_null(json_print_pretty(NULL));
}

/* cJSON's own printer rounds the last of these. */
static void test_integers_survive(void **state)
{
	static const int64_t values[] = {
		0, 1, -1, INT32_MAX, INT32_MIN, INT64_C(2147483648), INT64_C(1000000000000000),
		INT64_C(4503599627370497),
		INT64_C(9007199254740991), INT64_C(-9007199254740991), INT64_C(9007199254740992),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		CLEANUP(json_freep) struct json *j = json_new_array();
		assert_int_equal(json_add_int(j, values[i]), 0);
		CLEANUP(mem_freep) char *text = json_print(j);
		CLEANUP(json_freep) struct json *again = parse(text);
		assert_true(json_int(json_first(again), 77) == values[i]);
	}
	CLEANUP(json_freep) struct json *j = json_new_array();
	assert_int_equal(json_add_int(j, INT64_C(9007199254740993)), -ERANGE);
	assert_int_equal(json_add_int(j, INT64_MIN), -ERANGE);
	assert_int_equal(json_size(j), 0);
}

static void test_print_numbers(void **state)
{
	(void)state;
	CLEANUP(json_freep) struct json *ints = parse("[9007199254740991,-2147483649,1e15]");
	assert_prints(ints, "[9007199254740991,-2147483649,1000000000000000]");

	CLEANUP(json_freep) struct json *j = parse("[0.1,1e3,-2.50,1e-7,0.3333333333333333]");

	assert_prints(j, "[0.1,1000,-2.5,1e-07,0.3333333333333333]");
}

/* What a file of the kernel may hold must not make a message that the other side refuses. */
static void test_print_bad_utf8(void **state)
{
	CLEANUP(json_freep) struct json *j = json_new_array();

	(void)state;
	assert_int_equal(json_add_string(j, "a\xff\xc3"), 0);
	assert_int_equal(json_add_string(j, "\xe2\x82"), 0);
	assert_int_equal(json_add_string(j, "\xf0\x9f\x98\x80\xc0\xaf"), 0);
	assert_prints(j, "[\"a\xef\xbf\xbd\xef\xbf\xbd\",\"\xef\xbf\xbd\xef\xbf\xbd\","
	                 "\"\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd\"]");
}

static void test_print_pretty(void **state)
{
	(void)state;
	CLEANUP(json_freep) struct json *j = parse("{\"a\":[1,{}],\"b\":[],\"c\":\"x\"}");
	CLEANUP(mem_freep) char *text = json_print_pretty(j);

	assert_string_equal(text, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": [],\n  \"c\": \"x\"\n}");
}

static void test_detach(void **state)
{
	(void)state;
	CLEANUP(json_freep) struct json *j = parse("{\"a\":1,\"b\":{\"x\":2},\"c\":3}");
	CLEANUP(json_freep) struct json *b = json_detach(j, "b");

	assert_int_equal(json_get_int(b, "x", 0), 2);
	assert_null(json_key(b));
	assert_null(json_detach(j, "b"));
	assert_null(json_detach(NULL, "b"));
	assert_prints(j, "{\"a\":1,\"c\":3}");
	assert_int_equal(json_set_take(j, "b", TAKE_PTR(b)), 0);
	json_free(json_detach(j, "a"));
	json_free(json_detach(j, "b")); /* the last one, under a key that is not owned */
	assert_int_equal(json_set_int(j, "d", 4), 0);
	assert_prints(j, "{\"c\":3,\"d\":4}");

	CLEANUP(json_freep) struct json *array = parse("[1,2]");
	CLEANUP(json_freep) struct json *first = json_detach(array, NULL);
	assert_int_equal(json_int(first, 0), 1);
	json_free(json_detach(array, NULL));
	assert_null(json_detach(array, NULL));
	assert_int_equal(json_add_int(array, 3), 0);
	assert_prints(array, "[3]");
}

/* --- random texts ------------------------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void mutate(char *text, size_t *len, size_t room, uint64_t *seed)
{
	static const char bytes[] = "{}[],:\"\\u0019aedE+-.tfn \xc3\xa9\xed\xa0\xff\x01";
	size_t at = *len > 0 ? next_random(seed) % *len : 0;

	switch (next_random(seed) % 4) {
	case 0:
		if (*len > 0)
			text[at] = bytes[next_random(seed) % sizeof(bytes)];
		break;
	case 1:
		if (*len > 0) {
			memmove(text + at, text + at + 1, *len - at - 1);
			(*len)--;
		}
		break;
	case 2:
		if (*len < room) {
			memmove(text + at + 1, text + at, *len - at);
			text[at] = bytes[next_random(seed) % sizeof(bytes)];
			(*len)++;
		}
		break;
	default:
		if (*len > 0)
			text[at] = (char)next_random(seed);
	}
}

/* Whatever passes the scan, cJSON takes (else json_parse says -ENOMEM); printed and parsed it prints the same again. */
static void test_random(void **state)
{
	static const char *const starts[] = {
		"{\"a\":[1,-2.5e3,\"x\\u00e9\\ud83d\\ude00\\n\"],"
		"\"b\":{\"c\":null,\"\\u0061\":true},\"d\":\"\xe2\x82\xac\"}",
		"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
		"{\"method\":\"org.hfttune.Tuner.Plan\","
		"\"parameters\":{\"profile\":\"x\",\"set\":{\"a\":\"1\",\"b\":\"2\"}}}",
		"[0,9007199254740992,1e-3,0.1111111111111111111111111111111111111111111111111111111111111]",
	};
	const char *given = getenv("SEED");
	uint64_t first = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL), seed = first * 2 + 1;
	size_t rounds = getenv("ROUNDS") != NULL ? strtoull(getenv("ROUNDS"), NULL, 10) : 40000, n_taken = 0;

	(void)state;
	print_message("SEED=%llu\n", (unsigned long long)first);
	for (size_t i = 0; i < rounds; i++) {
		char text[256];
		const char *start = starts[next_random(&seed) % ARRAY_LEN(starts)];
		size_t len = strlen(start);
		memcpy(text, start, len);
		for (size_t n = next_random(&seed) % 4; n > 0; n--)
			mutate(text, &len, sizeof(text), &seed);

		CLEANUP(json_freep) struct json *j = parse_n(text, len, NULL);
		if (j == NULL)
			continue;
		n_taken++;
		CLEANUP(mem_freep) char *printed = json_print(j);
		assert_non_null(printed);
		CLEANUP(json_freep) struct json *again = parse(printed);
		assert_non_null(again);
		assert_prints(again, printed);
	}
	assert_true(n_taken > rounds / 8 && n_taken < rounds);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_number_types),
		cmocka_unit_test(test_duplicate_keys),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_size_cap),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_build_without_memory),
		cmocka_unit_test(test_integers_survive),
		cmocka_unit_test(test_print_numbers),
		cmocka_unit_test(test_print_bad_utf8),
		cmocka_unit_test(test_print_pretty),
		cmocka_unit_test(test_detach),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
