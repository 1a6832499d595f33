/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/redis_conf.c and redis_rows.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/knobs/redis.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static struct strbuf b;
static struct hft_err err;

static const char *written(const char *text, const char *option)
{
	return redis_conf_written(text, "redis.conf", redis_row(option), &b, &err) < 0 ? err.code : strbuf_str(&b);
}

/* Setting a value makes `wanted` of text, and setting what was written before makes text of that again. */
static void sets(const char *text, const char *option, const char *value, const char *wanted)
{
	CLEANUP(strbuf_done) struct strbuf before = { 0 };
	CLEANUP(strbuf_done) struct strbuf back = { 0 };
	const struct redis_row *row = redis_row(option);

	assert_int_equal(redis_conf_written(text, "redis.conf", row, &before, &err), 0);
	assert_int_equal(redis_conf_with(text, "redis.conf", row, value, &b, &err), 0);
	assert_string_equal(strbuf_str(&b), wanted);
	assert_int_equal(redis_conf_with(wanted, "redis.conf", row, strbuf_str(&before), &back, &err), 0);
	assert_string_equal(strbuf_str(&back), text);
}

static void a_directive_is_read_as_it_stands_there(void **state)
{
	(void)state;
	assert_string_equal(written("", "hz"), "");
	assert_string_equal(written("# hz 7\n#hz 7\nhz-not 7\n", "hz"), "");
	assert_string_equal(written("hz 10\n", "hz"), "10");
	assert_string_equal(written("hz 10\nhz 11", "hz"), "11");
	assert_string_equal(written("hz  10\n", "hz"), "=hz  10");
	assert_string_equal(written("HZ 10\r\n", "hz"), "=HZ 10\r");
	assert_string_equal(written("\thz 10 \n", "hz"), "=\thz 10 ");
	assert_string_equal(written("hz\n", "hz"), "=hz");
	assert_string_equal(written("save 60 1\nsave  30 2\nhz 1\n", "save"), "60 1; =save  30 2");
	assert_string_equal(written("save 60 1\n\nsave 30 2\n", "save"), ERR_CONFLICT);
	assert_string_equal(err.where, "redis.conf:3");
	assert_string_equal(written("hz 1@2\n", "hz"), ERR_CONFLICT);
}

static void its_line_changes_and_comes_back(void **state)
{
	(void)state;
	sets("a 1\nhz 10\nb 2\n", "hz", "8", "a 1\nhz 8\nb 2\n");
	sets("a 1\n\tHZ   10\r\nb 2\n", "hz", "8", "a 1\nhz 8\nb 2\n");
	sets("hz 9\nhz 10", "hz", "8", "hz 9\nhz 8");
	sets("a 1\nb 2\n", "hz", "8", "a 1\nb 2\nhz 8\n");
	sets("a 1\nb 2", "hz", "8", "a 1\nb 2\nhz 8");
	sets("", "hz", "8", "hz 8\n");
	sets("a 1\nsave 60 1\nsave 30 2\nb 2\n", "save", "\"\"", "a 1\nsave \"\"\nb 2\n");
	sets("save 60 1\nsave 30 2", "save", "\"\"", "save \"\"");
}

static const char *normal(const char *option, const char *text)
{
	redis_value_normal(redis_row(option), text, &b);
	return strbuf_str(&b);
}

static void values_are_compared_in_the_units_of_redis(void **state)
{
	(void)state;
	assert_string_equal(normal("maxmemory", "1gb"), "1073741824");
	assert_string_equal(normal("maxmemory", "1G"), "1000000000");
	assert_string_equal(normal("maxmemory", "=MaxMemory \t\"2KB\" "), "2048");
	assert_string_equal(normal("maxmemory", "5 %"), "5 %");
	assert_string_equal(normal("dynamic-hz", "YES"), "yes");
	assert_string_equal(normal("save", "60 1; 30 2"), "60 1 30 2");
	assert_string_equal(normal("save", "60 1; \"\"; 30 2"), "30 2");
	assert_string_equal(normal("save", "\"\""), "\"\"");
	assert_string_equal(normal("hz", ""), "");
	redis_value_answered(redis_row("save"), "", &b);
	assert_string_equal(strbuf_str(&b), "\"\"");
}

static const char *parsed(const char *option, const char *value)
{
	return redis_value_parse(NULL, redis_row(option), value, &b, &err) < 0 ? err.code : strbuf_str(&b);
}

static void values_have_bounds(void **state)
{
	(void)state;
	assert_string_equal(parsed("hz", "500"), "500");
	assert_string_equal(parsed("hz", "501"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed("hz", "0"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed("hz", "8 9"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed("hz", "1kb"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed("maxmemory", "9000000000gb"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed("maxmemory", "-1"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed("appendfsync", "sometimes"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed("save", "60 1 30"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed("save", "0 1"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed("save", "60 1\nsave 1 1"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed("server_cpulist", "2-3,1"), "1-3");
	assert_string_equal(parsed("server_cpulist", "3-1"), ERR_INVALID_PROFILE);
	assert_null(redis_row("unixsocket"));
	assert_null(redis_row("rename-command"));
}

static void rows_ascend(void **state)
{
	(void)state;
	for (size_t i = 1; i < n_redis_rows; i++)
		if (strcmp(redis_rows[i - 1].option, redis_rows[i].option) >= 0)
			fail_msg("%s", redis_rows[i].option);
}

static int done(void **state)
{
	(void)state;
	strbuf_done(&b);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directive_is_read_as_it_stands_there),
		cmocka_unit_test(its_line_changes_and_comes_back),
		cmocka_unit_test(values_are_compared_in_the_units_of_redis),
		cmocka_unit_test(values_have_bounds),
		cmocka_unit_test(rows_ascend),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
