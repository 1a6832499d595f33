/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/proto/varlink: framing, requests, replies, errors over the wire and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include <cmocka.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/proto/codes.h"
#include "lib/proto/varlink.h"

/* --- frames ------------------------------------------------------------------------------------------------------- */

static void assert_next(struct frame *f, const char *text)
{
	const char *message;
	size_t len;

	assert_int_equal(frame_next(f, &message, &len), 1);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(message, text, len + 1);
}

static void assert_no_next(struct frame *f)
{
	const char *message = NULL;
	size_t len = 0;

	assert_int_equal(frame_next(f, &message, &len), 0);
	assert_null(message);
}

static const char stream[] = "one\0\0three\0tail";

static void test_split_everywhere(void **state)
{
	(void)state;
	for (size_t a = 0; a < sizeof(stream); a++) {
		for (size_t b = a; b < sizeof(stream); b++) {
			CLEANUP(frame_done) struct frame f = { .max = 8 };
			assert_int_equal(frame_push(&f, stream, a, NULL), 0);
			assert_int_equal(frame_push(&f, stream + a, b - a, NULL), 0);
			assert_int_equal(frame_push(&f, stream + b, sizeof(stream) - b, NULL), 0);
			assert_next(&f, "one");
			assert_next(&f, "");
			assert_next(&f, "three");
			assert_next(&f, "tail");
			assert_no_next(&f);
			assert_true(frame_is_empty(&f));
		}
	}
}

static void test_byte_by_byte(void **state)
{
	CLEANUP(frame_done) struct frame f = { .max = 8 };

	(void)state;
	assert_true(frame_is_empty(&f));
	assert_no_next(&f);
	for (size_t i = 0; i < sizeof(stream); i++) {
		assert_int_equal(frame_push(&f, stream + i, 1, NULL), 0);
		assert_int_equal(frame_is_empty(&f), stream[i] == '\0');
		if (i == 3)
			assert_next(&f, "one");
		else if (i == 4)
			assert_next(&f, "");
		else if (i == 10)
			assert_next(&f, "three");
		else if (i == 15)
			assert_next(&f, "tail");
		assert_no_next(&f);
	}
}

/* Taking one and pushing more: what waits is kept, what was taken makes room. */
static void test_take_and_push(void **state)
{
	CLEANUP(frame_done) struct frame f = { .max = 100 };

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char text[16];
		int n = snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(frame_push(&f, text, (size_t)n + 1, NULL), 0);
		if (i > 0) {
			snprintf(text, sizeof(text), "%d", i - 1);
			assert_next(&f, text);
		}
	}
	assert_next(&f, "19999");
	assert_no_next(&f);
	assert_true(f.cap <= 101);
}

static void test_many_in_one_push(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	CLEANUP(frame_done) struct frame f = { .max = 16 };
	char text[16];

	(void)state;
	for (int i = 0; i < 50000; i++) {
		int n = snprintf(text, sizeof(text), "message %d", i);
		strbuf_addn(&b, text, (size_t)n + 1);
	}
	assert_int_equal(frame_push(&f, b.s, b.len, NULL), 0);
	for (int i = 0; i < 50000; i++) {
		snprintf(text, sizeof(text), "message %d", i);
		assert_next(&f, text);
	}
	assert_no_next(&f);
}

static void test_longest_message(void **state)
{
	CLEANUP(frame_done) struct frame f = { .max = 4 };
	struct hft_err err;

	(void)state;
	assert_int_equal(frame_push(&f, "abcd", 4, &err), 0);
	assert_int_equal(frame_push(&f, "e", 1, &err), -EMSGSIZE);
	assert_string_equal(err.code, ERR_PROTOCOL);
	assert_int_equal(frame_push(&f, "", 1, &err), 0);
	assert_next(&f, "abcd");
	assert_int_equal(frame_push(&f, "abcde", 6, &err), -EMSGSIZE);
	assert_int_equal(frame_push(&f, "a\0abcde", 8, NULL), -EMSGSIZE);
	assert_no_next(&f); /* nothing of it was kept */
	assert_true(frame_is_empty(&f));
	assert_int_equal(frame_push(&f, "ab\0cd\0ef", 8, &err), 0);
	assert_int_equal(frame_push(&f, "gh\0", 3, &err), 0);
	assert_next(&f, "ab");
	assert_next(&f, "cd");
	assert_next(&f, "efgh");
}

/* An endless message ends at the cap, and so does the memory. */
static void test_memory_is_capped(void **state)
{
	CLEANUP(frame_done) struct frame f = { .max = 100000 };
	char chunk[4096];
	int r = 0;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	for (int i = 0; i < 100 && r == 0; i++) {
		r = frame_push(&f, chunk, sizeof(chunk), NULL);
		assert_true(f.cap <= f.max + 1);
	}
	assert_int_equal(r, -EMSGSIZE);
	assert_true(f.len <= f.max);
	frame_done(&f);
	assert_null(f.buf);
	assert_int_equal(f.len, 0);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static void test_decode_call(void **state)
{
	static const char text[] = "{\"method\":\"a.b.C\",\"parameters\":{\"x\":1},\"more\":true}";
	CLEANUP(varlink_call_done) struct varlink_call call = { 0 };

	(void)state;
	assert_int_equal(varlink_decode_call(text, strlen(text), &call, NULL), 0);
	assert_string_equal(call.method, "a.b.C");
	assert_int_equal(json_get_int(call.parameters, "x", 0), 1);
	assert_true(call.more);
	assert_false(call.oneway);
	varlink_call_done(&call);

	static const char bare[] = "{\"parameters\":null,\"oneway\":true,\"more\":false,\"method\":\"a.b.C\"}";
	assert_int_equal(varlink_decode_call(bare, strlen(bare), &call, NULL), 0);
	assert_null(call.parameters);
	assert_true(call.oneway);
}

static void test_decode_call_refuses(void **state)
{
	static const struct {
		const char *text, *subject;
	} cases[] = {
		{ "", "" },
		{ "{", "" },
		{ "[]", "" },
		{ "null", "" },
		{ "\"a.b.C\"", "" },
		{ "{}", "method" },
		{ "{\"parameters\":{}}", "method" },
		{ "{\"method\":null}", "method" },
		{ "{\"method\":1}", "method" },
		{ "{\"method\":\"a\",\"method\":\"b\"}", "" },
		{ "{\"method\":\"a\",\"parameters\":[]}", "parameters" },
		{ "{\"method\":\"a\",\"parameters\":\"{}\"}", "parameters" },
		{ "{\"method\":\"a\",\"more\":1}", "more" },
		{ "{\"method\":\"a\",\"more\":null}", "more" },
		{ "{\"method\":\"a\",\"oneway\":\"true\"}", "oneway" },
		{ "{\"method\":\"a\",\"more\":true,\"oneway\":true}", "oneway" },
		{ "{\"method\":\"a\",\"upgrade\":true}", "upgrade" },
		{ "{\"method\":\"a\",\"upgrade\":false}", "upgrade" },
		{ "{\"method\":\"a\",\"Method\":\"b\"}", "Method" },
		{ "{\"method\":\"a\",\"error\":\"b\"}", "error" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct varlink_call call = { 0 };
		struct hft_err err = { 0 };
		if (varlink_decode_call(cases[i].text, strlen(cases[i].text), &call, &err) != -EBADMSG)
			fail_msg("taken: %s", cases[i].text);
		assert_string_equal(err.code, ERR_PROTOCOL);
		assert_string_equal(err.subject, cases[i].subject);
		assert_null(call.doc);
	}
}

static void test_decode_call_cap(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	CLEANUP(varlink_call_done) struct varlink_call call = { 0 };
	struct hft_err err;

	(void)state;
	strbuf_add(&b, "{\"method\":\"a\"}");
	while (b.len < JSON_REQUEST_MAX)
		strbuf_addc(&b, ' ');
	assert_int_equal(varlink_decode_call(b.s, b.len, &call, &err), 0);
	varlink_call_done(&call);
	strbuf_addc(&b, ' ');
	assert_int_equal(varlink_decode_call(b.s, b.len, &call, &err), -EMSGSIZE);
	assert_string_equal(err.code, ERR_PROTOCOL);
}

/* --- replies ------------------------------------------------------------------------------------------------------ */

static void decode_reply(const char *text, struct varlink_reply *ret)
{
	assert_int_equal(varlink_decode_reply(text, strlen(text), ret, NULL), 0);
}

static void test_decode_reply(void **state)
{
	CLEANUP(varlink_reply_done) struct varlink_reply reply = { 0 };

	(void)state;
	decode_reply("{\"parameters\":{\"x\":1},\"continues\":true}", &reply);
	assert_null(reply.error);
	assert_int_equal(json_get_int(reply.parameters, "x", 0), 1);
	assert_true(reply.continues);
	CLEANUP(json_freep) struct json *taken = TAKE_PTR(reply.parameters);
	varlink_reply_done(&reply);
	assert_int_equal(json_get_int(taken, "x", 0), 1);

	decode_reply("{\"error\":\"a.b.C\"}", &reply);
	assert_string_equal(reply.error, "a.b.C");
	assert_null(reply.parameters);
	assert_false(reply.continues);
	varlink_reply_done(&reply);

	decode_reply("{}", &reply);
	assert_null(reply.error);
}

static void test_decode_reply_refuses(void **state)
{
	static const struct {
		const char *text, *subject;
	} cases[] = {
		{ "[]", "" },
		{ "{\"parameters\":1}", "parameters" },
		{ "{\"parameters\":{},\"continues\":1}", "continues" },
		{ "{\"error\":null}", "error" },
		{ "{\"error\":\"a\",\"continues\":true}", "continues" },
		{ "{\"parameters\":{},\"x\":1}", "x" },
		{ "{\"method\":\"a\"}", "method" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct varlink_reply reply = { 0 };
		struct hft_err err = { 0 };
		assert_int_equal(varlink_decode_reply(cases[i].text, strlen(cases[i].text), &reply, &err), -EBADMSG);
		assert_string_equal(err.code, ERR_PROTOCOL);
		assert_string_equal(err.subject, cases[i].subject);
	}
}

/* --- encoding ----------------------------------------------------------------------------------------------------- */

static struct json *some_parameters(void)
{
	struct json *p = json_new_object();

	assert_int_equal(json_set_int(p, "x", 1), 0);
	return p;
}

static void test_encode(void **state)
{
	static const char wanted[] = "{\"method\":\"a.b.C\",\"parameters\":{\"x\":1},\"more\":true}\0"
	                             "{\"method\":\"a.b.C\",\"parameters\":{}}\0"
	                             "{\"parameters\":{\"x\":1},\"continues\":true}\0"
	                             "{\"parameters\":{}}\0"
	                             "{\"error\":\"a.b.E\",\"parameters\":{\"x\":1}}\0"
	                             "{\"error\":\"a.b.E\",\"parameters\":{}}";
	CLEANUP(strbuf_done) struct strbuf b = { 0 };

	(void)state;
	assert_int_equal(varlink_encode_call("a.b.C", some_parameters(), true, &b), 0);
	assert_int_equal(varlink_encode_call("a.b.C", NULL, false, &b), 0);
	assert_int_equal(varlink_encode_reply(some_parameters(), true, &b), 0);
	assert_int_equal(varlink_encode_reply(NULL, false, &b), 0);
	assert_int_equal(varlink_encode_error("a.b.E", some_parameters(), &b), 0);
	assert_int_equal(varlink_encode_error("a.b.E", NULL, &b), 0);
	assert_int_equal(b.len, sizeof(wanted));
	assert_memory_equal(b.s, wanted, sizeof(wanted));
}

static void test_encode_without_memory(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { .oom = true };

	(void)state;
	assert_int_equal(varlink_encode_reply(some_parameters(), false, &b), -ENOMEM);
	assert_int_equal(b.len, 0);
}

static void encode_err(const struct hft_err *e, struct varlink_reply *ret)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };

	assert_int_equal(varlink_encode_err(e, &b), 0);
	assert_int_equal(strlen(b.s) + 1, b.len);
	decode_reply(b.s, ret);
}

static void test_err_round_trip(void **state)
{
	CLEANUP(varlink_reply_done) struct varlink_reply reply = { 0 };
	struct hft_err e, back;

	(void)state;
	err_raise(&e, ERR_INVALID_PROFILE, EACCES, "subj", "text %d", 1);
	err_where(&e, "/etc/x.conf", 7);
	err_values(&e, "1", "2");
	err_hint(&e, "do that");
	encode_err(&e, &reply);
	assert_string_equal(reply.error, "org.hfttune.Tuner.InvalidProfile");
	assert_string_equal(json_get_string(reply.parameters, "code", ""), ERR_INVALID_PROFILE);
	assert_int_equal(json_get_int(reply.parameters, "errno", 0), EACCES);
	assert_int_equal(json_size(reply.parameters), 8);
	memset(&back, 0x55, sizeof(back));
	varlink_decode_err(&reply, &back);
	assert_string_equal(back.code, e.code);
	assert_int_equal(back.sys, e.sys);
	assert_string_equal(back.subject, e.subject);
	assert_string_equal(back.where, e.where);
	assert_string_equal(back.wanted, e.wanted);
	assert_string_equal(back.found, e.found);
	assert_string_equal(back.hint, e.hint);
	assert_string_equal(back.msg, e.msg);
}

static void test_err_leaves_out_what_is_empty(void **state)
{
	CLEANUP(varlink_reply_done) struct varlink_reply reply = { 0 };
	struct hft_err e, back;

	(void)state;
	err_raise(&e, ERR_BUSY, 0, NULL, "text");
	encode_err(&e, &reply);
	CLEANUP(mem_freep) char *text = json_print(reply.parameters);
	assert_string_equal(text, "{\"code\":\"busy\",\"subject\":\"\",\"message\":\"text\"}");
	memset(&back, 0x55, sizeof(back));
	varlink_decode_err(&reply, &back);
	assert_string_equal(back.code, ERR_BUSY);
	assert_int_equal(back.sys, 0);
	assert_string_equal(back.subject, "");
	assert_string_equal(back.where, "");
	assert_string_equal(back.wanted, "");
	assert_string_equal(back.found, "");
	assert_string_equal(back.hint, "");
}

static void test_err_without_code(void **state)
{
	CLEANUP(varlink_reply_done) struct varlink_reply reply = { 0 };
	struct hft_err e = { 0 };

	(void)state;
	encode_err(&e, &reply);
	assert_string_equal(reply.error, "org.hfttune.Tuner.InputOutput");
}

/* What the other side sends may be anything at all. */
static void test_decode_err(void **state)
{
	static const struct {
		const char *text, *code, *subject;
		int sys;
	} cases[] = {
		{ "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"set\"}}",
		  ERR_INVALID_ARGUMENT, "set", 0 },
		{ "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"Pla\"}}",
		  ERR_PROTOCOL, "Pla", 0 },
		{ "{\"error\":\"org.varlink.service.MethodNotImplemented\"}", ERR_PROTOCOL, "", 0 },
		{ "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":1}}",
		  ERR_PROTOCOL, "", 0 },
		{ "{\"error\":\"org.varlink.service.ExpectedMore\"}", ERR_PROTOCOL, "", 0 },
		{ "{\"error\":\"org.varlink.service.PermissionDenied\"}", ERR_PERMISSION, "", 0 },
		{ "{\"error\":\"InvalidParameter\"}", ERR_PROTOCOL, "InvalidParameter", 0 },
		{ "{\"error\":\"org.hfttune.Tuner.Nonsense\"}", ERR_PROTOCOL, "org.hfttune.Tuner.Nonsense", 0 },
		{ "{\"error\":\"org.example.Busy\"}", ERR_PROTOCOL, "org.example.Busy", 0 },
		{ "{\"error\":\"\"}", ERR_PROTOCOL, "", 0 },
		{ "{\"error\":\"org.hfttune.Tuner.Busy\"}", ERR_BUSY, "", 0 },
		{ "{\"error\":\"org.hfttune.Tuner.Busy\",\"parameters\":{\"code\":\"io\",\"subject\":\"%s%n\","
		  "\"message\":\"%s%n\",\"hint\":\"%n\",\"where\":\"%n\",\"errno\":16}}",
		  ERR_BUSY, "%s%n", 16 },
		{ "{\"error\":\"org.hfttune.Tuner.Busy\",\"parameters\":{\"subject\":1,\"message\":[],\"errno\":-5}}",
		  ERR_BUSY, "", 0 },
		{ "{\"error\":\"org.hfttune.Tuner.Busy\",\"parameters\":{\"errno\":9007199254740992}}",
		  ERR_BUSY, "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(varlink_reply_done) struct varlink_reply reply = { 0 };
		struct hft_err err;
		memset(&err, 0x55, sizeof(err));
		decode_reply(cases[i].text, &reply);
		varlink_decode_err(&reply, &err);
		varlink_reply_done(&reply);
		assert_string_equal(err.code, cases[i].code);
		assert_string_equal(err.subject, cases[i].subject);
		assert_int_equal(err.sys, cases[i].sys);
		assert_true(err.msg[0] != '\0');
	}
}

static void test_decode_err_long(void **state)
{
	CLEANUP(varlink_reply_done) struct varlink_reply reply = { 0 };
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct hft_err err;
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	strbuf_addf(&b, "{\"error\":\"org.hfttune.Tuner.Busy\",\"parameters\":{\"subject\":\"%s\",\"message\":\"%s\","
	                "\"where\":\"%s\",\"wanted\":\"%s\",\"found\":\"%s\",\"hint\":\"%s\"}}",
	            text, text, text, text, text, text);
	decode_reply(b.s, &reply);
	varlink_decode_err(&reply, &err);
	assert_true(strlen(err.subject) == sizeof(err.subject) - 1);
	assert_true(strlen(err.where) == sizeof(err.where) - 1);
	assert_true(strlen(err.wanted) == sizeof(err.wanted) - 1);
	assert_true(strlen(err.found) == sizeof(err.found) - 1);
	assert_true(strlen(err.hint) == sizeof(err.hint) - 1);
	assert_true(strlen(err.msg) == sizeof(err.msg) - 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split_everywhere),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_take_and_push),
		cmocka_unit_test(test_many_in_one_push),
		cmocka_unit_test(test_longest_message),
		cmocka_unit_test(test_memory_is_capped),
		cmocka_unit_test(test_decode_call),
		cmocka_unit_test(test_decode_call_refuses),
		cmocka_unit_test(test_decode_call_cap),
		cmocka_unit_test(test_decode_reply),
		cmocka_unit_test(test_decode_reply_refuses),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_encode_without_memory),
		cmocka_unit_test(test_err_round_trip),
		cmocka_unit_test(test_err_leaves_out_what_is_empty),
		cmocka_unit_test(test_err_without_code),
		cmocka_unit_test(test_decode_err),
		cmocka_unit_test(test_decode_err_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
