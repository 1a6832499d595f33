/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/merge: what many replies add up to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

static void add(struct merged *m, const char *text)
{
	struct json *j;

	assert_int_equal(json_parse(text, strlen(text), JSON_RECORD_MAX, &j, NULL), 0);
	assert_int_equal(merged_add(m, j, NULL), 0);
}

static void assert_merged(const struct merged *m, const char *wanted)
{
	CLEANUP(mem_freep) char *text = json_print(m->reply);

	assert_string_equal(text, wanted);
}

static void test_arrays_are_concatenated(void **state)
{
	CLEANUP(merged_done) struct merged m = { 0 };
	(void)state;

	add(&m, "{\"steps\":[1,2]}");
	add(&m, "{\"steps\":[]}");
	add(&m, "{\"steps\":[{\"a\":[3]}]}");
	assert_merged(&m, "{\"steps\":[1,2,{\"a\":[3]}]}");
}

static void test_others_are_the_last(void **state)
{
	CLEANUP(merged_done) struct merged m = { 0 };
	(void)state;

	add(&m, "{\"txn\":1,\"summary\":{\"steps\":1,\"ok\":1}}");
	add(&m, "{\"txn\":2,\"summary\":{\"steps\":3}}");
	assert_merged(&m, "{\"txn\":2,\"summary\":{\"steps\":3}}");
}

static void test_progress_and_null_pass(void **state)
{
	CLEANUP(merged_done) struct merged m = { 0 };
	(void)state;

	add(&m, "{\"txn\":1,\"steps\":[1]}");
	add(&m, "{\"progress\":{\"step\":1},\"txn\":null,\"steps\":null}");
	assert_merged(&m, "{\"txn\":1,\"steps\":[1]}");
}

static void test_no_member_is_an_object(void **state)
{
	CLEANUP(merged_done) struct merged m = { 0 };
	(void)state;

	add(&m, "{}");
	assert_merged(&m, "{}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrays_are_concatenated),
		cmocka_unit_test(test_others_are_the_last),
		cmocka_unit_test(test_progress_and_null_pass),
		cmocka_unit_test(test_no_member_is_an_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
