/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of rollback/record: a line is made as documented, and nothing but such a line is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "rollback/crc32c.h"
#include "rollback/record.h"

#define UUID "01234567-89ab-4cde-8f01-23456789abcd"

static void make(struct strbuf *b, uint64_t seq, enum record_type type, const char *members, uint32_t seed)
{
	strbuf_reset(b);
	size_t at = record_open(b, seq, type);
	strbuf_add(b, members);
	record_close(b, at, seed);
	assert_false(b->oom);
}

/* A line with any text behind the checksum, which is right. */
static void make_raw(struct strbuf *b, const char *covered, uint32_t seed)
{
	strbuf_reset(b);
	strbuf_addf(b, "{\"crc\":\"%08x\",%s", crc32c(seed, covered, strlen(covered)), covered);
}

static void test_form(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	char joined[200], expected[200];
	const char *covered = "\"seq\":12,\"type\":\"done\",\"index\":3,\"extra\":{\"a\":\"b\"}}";
	(void)state;

	make(&b, 12, RECORD_DONE, ",\"index\":3,\"extra\":{\"a\":\"b\"}", record_seed(UUID));
	/* The seed is the checksum of the uuid: as if the uuid stood before the line. */
	snprintf(joined, sizeof(joined), UUID "%s", covered);
	snprintf(expected, sizeof(expected), "{\"crc\":\"%08x\",%s\n", crc32c(0, joined, strlen(joined)), covered);
	assert_string_equal(b.s, expected);
}

static void test_is_json(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	CLEANUP(json_freep) struct json *j = NULL;
	(void)state;

	make(&b, 0, RECORD_HEADER, ",\"format\":1", 0);
	assert_int_equal(json_parse(b.s, b.len - 1, JSON_RECORD_MAX, &j, NULL), 0);
	assert_string_equal(json_get_string(j, "type", ""), "Header");
	assert_int_equal(json_get_int(j, "format", 0), 1);
}

static void test_all_types_return(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct record r;
	(void)state;

	for (enum record_type type = 0; type < RECORD_UNKNOWN; type++) {
		make(&b, 7, type, "", 5);
		assert_true(record_decode(b.s, b.len - 1, 5, &r));
		assert_int_equal(r.type, type);
		assert_int_equal(r.seq, 7);
		assert_int_equal(r.index, -1);
		assert_int_equal(r.members_len, 0);
		bool lower = type == RECORD_START || type == RECORD_DONE || type == RECORD_UNDOING || type == RECORD_UNDONE;
		assert_int_equal(r.critical, !lower);
	}
}

static void test_index(void **state)
{
	static const struct {
		const char *members;
		int64_t index;
	} rows[] = {
		{ ",\"index\":0",                  0                  },
		{ ",\"index\":37,\"extra\":{}",    37                 },
		{ ",\"index\":999999999999999999", 999999999999999999 },
		{ ",\"index\":9999999999999999999", -1                },
		{ ",\"index\":01",                 -1                 },
		{ ",\"index\":-1",                 -1                 },
		{ ",\"index\":1.5",                -1                 },
		{ ",\"index\":",                   -1                 },
		{ ",\"other\":1,\"index\":1",      -1                 },
	};
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct record r;
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		make(&b, 1, RECORD_START, rows[i].members, 0);
		assert_true(record_decode(b.s, b.len - 1, 0, &r));
		assert_int_equal(r.index, rows[i].index);
	}
}

static void test_leads_with(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct record r;
	(void)state;

	make(&b, 1, RECORD_COMMITTED, ",\"state\":{}", 0);
	assert_true(record_decode(b.s, b.len - 1, 0, &r));
	assert_true(record_leads_with(&r, "state"));
	assert_false(record_leads_with(&r, "stat"));
	make(&b, 1, RECORD_COMMITTED, "", 0);
	assert_true(record_decode(b.s, b.len - 1, 0, &r));
	assert_false(record_leads_with(&r, "state"));
}

static void test_unknown_types(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct record r;
	(void)state;

	make_raw(&b, "\"seq\":3,\"type\":\"Novel\",\"x\":1}", 9);
	assert_true(record_decode(b.s, b.len, 9, &r));
	assert_int_equal(r.type, RECORD_UNKNOWN);
	assert_true(r.critical);
	make_raw(&b, "\"seq\":3,\"type\":\"novel\"}", 9);
	assert_true(record_decode(b.s, b.len, 9, &r));
	assert_int_equal(r.type, RECORD_UNKNOWN);
	assert_false(r.critical);
}

/* With a checksum that is right, so that it is the form that is refused. */
static void test_refuses_other_forms(void **state)
{
	static const char *const covered[] = {
		"", "}", "\"seq\":1}", "\"seq\":,\"type\":\"done\"}", "\"seq\":01,\"type\":\"done\"}",
		"\"seq\":-1,\"type\":\"done\"}", "\"seq\": 1,\"type\":\"done\"}", "\"seq\":1,\"type\":\"\"}",
		"\"seq\":1,\"type\":\"do ne\"}", "\"seq\":1,\"type\":\"done\"", "\"seq\":1,\"type\":\"done\"x}",
		"\"seq\":1,\"type\":\"done\",\"index\":1", "\"seq\":1,\"type\":\"done", "\"type\":\"done\",\"seq\":1}",
		"\"seq\":1111111111111111111,\"type\":\"done\"}",
	};
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct record r;
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(covered); i++) {
		make_raw(&b, covered[i], 0);
		assert_false(record_decode(b.s, b.len, 0, &r));
	}
}

static void test_refuses_another_file(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct record r;
	(void)state;

	make(&b, 4, RECORD_APPLIED, "", record_seed(UUID));
	assert_true(record_decode(b.s, b.len - 1, record_seed(UUID), &r));
	assert_false(record_decode(b.s, b.len - 1, record_seed("11234567-89ab-4cde-8f01-23456789abcd"), &r));
	assert_false(record_decode(b.s, b.len - 1, 0, &r));
}

static void test_every_bit_and_every_cut(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct record r;
	(void)state;

	make(&b, 4, RECORD_DONE, ",\"index\":2,\"extra\":{\"k\":\"v\"}", 77);
	for (size_t len = 0; len < b.len - 1; len++)
		assert_false(record_decode(b.s, len, 77, &r));
	for (size_t bit = 0; bit < (b.len - 1) * 8; bit++) {
		b.s[bit / 8] = (char)(b.s[bit / 8] ^ (1 << bit % 8));
		assert_false(record_decode(b.s, b.len - 1, 77, &r));
		b.s[bit / 8] = (char)(b.s[bit / 8] ^ (1 << bit % 8));
	}
	assert_true(record_decode(b.s, b.len - 1, 77, &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_is_json),
		cmocka_unit_test(test_all_types_return),
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_leads_with),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_refuses_other_forms),
		cmocka_unit_test(test_refuses_another_file),
		cmocka_unit_test(test_every_bit_and_every_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
