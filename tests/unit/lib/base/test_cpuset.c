/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of lib/base/cpuset. The random ones compare with plain arrays of bool, and print their seed; HFT_TEST_SEED
 * runs one again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

#define ROUNDS 300

static uint64_t random_state;

/* splitmix64: the same numbers everywhere for one seed */
static uint64_t random_next(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned random_below(unsigned n)
{
	return (unsigned)(random_next() % n);
}

static void seed_random(const char *test)
{
	const char *text = getenv("HFT_TEST_SEED");
	struct timespec now;
	uint64_t seed;

	if (num_parse_u64(text, &seed) < 0) {
		clock_gettime(CLOCK_REALTIME, &now);
		seed = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	}
	print_message("%s: HFT_TEST_SEED=%llu\n", test, (unsigned long long)seed);
	random_state = seed;
}

static void assert_parses(const char *text, const char *canonical)
{
	struct cpuset set;
	struct hft_err err;
	CLEANUP(strbuf_done) struct strbuf b = { 0 };

	assert_int_equal(cpuset_parse(text, &set, &err), 0);
	cpuset_format(&set, &b);
	assert_string_equal(strbuf_str(&b), canonical);
}

static void test_parse(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },         { "0", "0" },           { "0-3,8", "0-3,8" }, { "8,0-3", "0-3,8" },
		{ "2,3", "2-3" },   { "0,1,2", "0-2" },     { "5-5", "5" },       { "1-3,2-6", "1-6" },
		{ "63", "63" },     { "63-64", "63-64" },   { "0-63", "0-63" },   { "64-127", "64-127" },
		{ "8191", "8191" }, { "0-8191", "0-8191" }, { "1,1", "1" },       { "60-200,10", "10,60-200" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_parses(rows[i][0], rows[i][1]);
}

typedef int parse_fn(const char *text, struct cpuset *ret, struct hft_err *err);

static void assert_refused(parse_fn *parse, const char *text, int r)
{
	struct cpuset set, before;
	struct hft_err err;

	memset(&set, 0xa5, sizeof(set));
	before = set;
	assert_int_equal(parse(text, &set, &err), r);
	assert_int_equal(parse(text, &set, NULL), r);
	assert_string_equal(err.code, r == -ERANGE ? ERR_OUT_OF_BOUNDS : ERR_INVALID_ARGUMENT);
	assert_memory_equal(err.subject, text, strnlen(text, 100));
	assert_true(cpuset_equal(&set, &before)); /* outputs are set on success only */
}

static void test_parse_refuses(void **state)
{
	static const char *const invalid[] = {
		" 0",      "0 ",  "0\n", "0, 1", "0,,1",   ",0",     "0,",    ",",      "2-1",
		"0-9:1/2", "all", "-",   "-1",   "1-",     "1--2",   "1-2-3", "00",     "01",
		"0-03",    "+1",  "0x1", "1;2",  "(null)", "9999,x", "a",     "1-2,3-", "64-63",
	};
	static const char *const out_of_range[] = {
		"8192",
		"0-8192",
		"8192-8193",
		"9000-1",
		"4294967296",
		"18446744073709551616",
		"1,99999999999999999999999,2",
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(invalid); i++)
		assert_refused(cpuset_parse, invalid[i], -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(out_of_range); i++)
		assert_refused(cpuset_parse, out_of_range[i], -ERANGE);
}

static void test_parse_limits_length(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct cpuset set;
	(void)state;

	while (b.len < 16 * 1024 - 4)
		strbuf_add(&b, "1,");
	strbuf_add(&b, "1000");
	assert_int_equal(b.len, 16 * 1024);
	assert_int_equal(cpuset_parse(b.s, &set, NULL), 0);
	strbuf_addc(&b, ',');
	assert_refused(cpuset_parse, b.s, -ERANGE);
	strbuf_addc(&b, '1');
	assert_int_equal(cpuset_parse_kernel(b.s, &set, NULL), 0);
	while (b.len <= 32 * 1024)
		strbuf_add(&b, ",1");
	assert_refused(cpuset_parse_kernel, b.s, -ERANGE);
}

static void test_parse_kernel(void **state)
{
	static const char *const empty[] = { "", "\n", "(null)", "(null)\n", " \t\r\n", " (null) " };
	static const char *const invalid[] = { "(null", "(null)1", "0 1", "0,\n", "null" };
	struct cpuset set, expected;
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		memset(&set, 0xff, sizeof(set));
		assert_int_equal(cpuset_parse_kernel(empty[i], &set, NULL), 0);
		assert_true(cpuset_is_empty(&set));
	}
	assert_int_equal(cpuset_parse("1-3,5", &expected, NULL), 0);
	assert_int_equal(cpuset_parse_kernel(" 1-3,5\n", &set, NULL), 0);
	assert_true(cpuset_equal(&set, &expected));
	for (size_t i = 0; i < ARRAY_LEN(invalid); i++)
		assert_refused(cpuset_parse_kernel, invalid[i], -EINVAL);
	assert_refused(cpuset_parse_kernel, "8192\n", -ERANGE);
}

static void test_parse_mask(void **state)
{
	static const char *const rows[][2] = {
		{ "0", "" },
		{ "3", "0-1" },
		{ "00000000,00000003", "0-1" },
		{ "f\n", "0-3" },
		{ "1,00000000", "32" },
		{ "80000000,00000000,00000001", "0,95" },
		{ "FF", "0-7" },
		{ "1,00000000,00000000", "64" },
	};
	static const char *const invalid[] = {
		"",
		"\n",
		",",
		",1",
		"1,",
		"1,1",
		"1,0000001",
		"123456789",
		"0x3",
		"g",
		" 3",
		"3\n\n",
		"00000000,,00000000",
		"1,000000001",
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf b = { 0 };
		struct cpuset set;
		assert_int_equal(cpuset_parse_mask(rows[i][0], &set, NULL), 0);
		cpuset_format(&set, &b);
		assert_string_equal(strbuf_str(&b), rows[i][1]);
	}
	for (size_t i = 0; i < ARRAY_LEN(invalid); i++)
		assert_refused(cpuset_parse_mask, invalid[i], -EINVAL);
}

static void test_mask_beyond_the_last_cpu(void **state)
{
	CLEANUP(strbuf_done) struct strbuf zeros = { 0 };
	CLEANUP(strbuf_done) struct strbuf one = { 0 };
	struct cpuset set;
	(void)state;

	strbuf_add(&zeros, "0");
	strbuf_add(&one, "1");
	for (unsigned i = 0; i < CPUSET_MAX / 32; i++) {
		strbuf_add(&zeros, ",80000000");
		strbuf_add(&one, ",00000000");
	}
	assert_int_equal(cpuset_parse_mask(zeros.s, &set, NULL), 0);
	assert_int_equal(cpuset_count(&set), CPUSET_MAX / 32);
	assert_true(cpuset_has(&set, CPUSET_MAX - 1));
	assert_refused(cpuset_parse_mask, one.s, -ERANGE);
}

static void test_format_mask(void **state)
{
	static const struct {
		const char *list;
		unsigned n_bits;
		const char *mask;
	} rows[] = {
		{ "0-1",   64,  "00000000,00000003"          },
		{ "0-1",   33,  "00000000,00000003"          },
		{ "0-1",   32,  "00000003"                   },
		{ "0-1",   2,   "00000003"                   },
		{ "",      0,   "00000000"                   },
		{ "0,95",  96,  "80000000,00000000,00000001" },
		{ "32-63", 64,  "ffffffff,00000000"          },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf b = { 0 };
		struct cpuset set;
		assert_int_equal(cpuset_parse(rows[i].list, &set, NULL), 0);
		cpuset_format_mask(&set, rows[i].n_bits, &b);
		assert_string_equal(strbuf_str(&b), rows[i].mask);
	}

	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct cpuset set;
	cpuset_zero(&set);
	cpuset_format_mask(&set, UINT32_MAX, &b); /* more than there are */
	assert_int_equal(b.len, CPUSET_MAX / 32 * 9 - 1);
}

static void test_members(void **state)
{
	struct cpuset set;
	(void)state;

	cpuset_zero(&set);
	assert_int_equal(cpuset_next(&set, 0), -1);
	cpuset_add(&set, CPUSET_MAX);
	cpuset_add(&set, UINT32_MAX);
	assert_true(cpuset_is_empty(&set));
	assert_false(cpuset_has(&set, CPUSET_MAX));
	assert_false(cpuset_has(&set, UINT32_MAX));
	cpuset_add(&set, 0);
	cpuset_add(&set, 64);
	cpuset_add(&set, CPUSET_MAX - 1);
	cpuset_remove(&set, CPUSET_MAX + 64);
	assert_int_equal(cpuset_count(&set), 3);
	assert_int_equal(cpuset_next(&set, 0), 0);
	assert_int_equal(cpuset_next(&set, 1), 64);
	assert_int_equal(cpuset_next(&set, 65), CPUSET_MAX - 1);
	assert_int_equal(cpuset_next(&set, CPUSET_MAX), -1);
	cpuset_remove(&set, 64);
	assert_int_equal(cpuset_next(&set, 1), CPUSET_MAX - 1);
	assert_false(cpuset_is_empty(&set));
}

/* --- random ------------------------------------------------------------------------------------------------------- */

static bool model_a[CPUSET_MAX], model_b[CPUSET_MAX];

/* Runs of members, so that ranges, words and gaps of all lengths occur. */
static void random_set(bool *model, struct cpuset *set)
{
	unsigned longest = 1u << random_below(10);
	unsigned within = 1 + random_below(CPUSET_MAX);

	cpuset_zero(set);
	memset(model, 0, CPUSET_MAX * sizeof(*model));
	for (unsigned cpu = random_below(longest); cpu < within; cpu += 1 + random_below(longest)) {
		for (unsigned run = 1 + random_below(longest); run > 0 && cpu < within; run--, cpu++) {
			model[cpu] = true;
			cpuset_add(set, cpu);
		}
	}
}

static void assert_model(const struct cpuset *set, const bool *model)
{
	size_t count = 0;
	int next = cpuset_next(set, 0);

	for (unsigned cpu = 0; cpu < CPUSET_MAX; cpu++) {
		assert_int_equal(cpuset_has(set, cpu), model[cpu]);
		if (!model[cpu])
			continue;
		count++;
		assert_int_equal(next, cpu);
		next = cpuset_next(set, cpu + 1);
	}
	assert_int_equal(next, -1);
	assert_int_equal(cpuset_count(set), count);
	assert_int_equal(cpuset_is_empty(set), count == 0);
}

static void test_random_operations(void **state)
{
	static bool expected[3][CPUSET_MAX];
	(void)state;

	seed_random(__func__);
	for (int round = 0; round < ROUNDS / 10; round++) {
		struct cpuset a, b;
		bool subset = true, meets = false;
		random_set(model_a, &a);
		random_set(model_b, &b);
		struct cpuset either = a, both = a, rest = a;
		cpuset_or(&either, &b);
		cpuset_and(&both, &b);
		cpuset_minus(&rest, &b);
		for (unsigned i = 0; i < CPUSET_MAX; i++) {
			expected[0][i] = model_a[i] || model_b[i];
			expected[1][i] = model_a[i] && model_b[i];
			expected[2][i] = model_a[i] && !model_b[i];
			subset &= !expected[2][i];
			meets |= expected[1][i];
		}
		assert_model(&either, expected[0]);
		assert_model(&both, expected[1]);
		assert_model(&rest, expected[2]);
		assert_int_equal(cpuset_is_subset(&a, &b), subset);
		assert_int_equal(cpuset_intersects(&a, &b), meets);
		assert_true(cpuset_is_subset(&both, &a) && cpuset_is_subset(&a, &either));
		assert_int_equal(cpuset_equal(&a, &b), memcmp(model_a, model_b, sizeof(model_a)) == 0);
	}
}

/* Canonical: ascending, packed, and made of the members and nothing else. Written the slow way. */
static void format_model(const bool *model, struct strbuf *b)
{
	for (unsigned cpu = 0; cpu < CPUSET_MAX; cpu++) {
		unsigned last = cpu;
		if (!model[cpu])
			continue;
		while (last + 1 < CPUSET_MAX && model[last + 1])
			last++;
		if (b->len > 0)
			strbuf_addc(b, ',');
		strbuf_addf(b, last > cpu ? "%u-%u" : "%u", cpu, last);
		cpu = last;
	}
}

static void test_random_round_trips(void **state)
{
	(void)state;
	seed_random(__func__);
	for (int round = 0; round < ROUNDS; round++) {
		CLEANUP(strbuf_done) struct strbuf list = { 0 };
		CLEANUP(strbuf_done) struct strbuf slow = { 0 };
		CLEANUP(strbuf_done) struct strbuf mask = { 0 };
		struct cpuset set, again;
		random_set(model_a, &set);
		cpuset_format(&set, &list);
		format_model(model_a, &slow);
		assert_string_equal(strbuf_str(&list), strbuf_str(&slow));
		assert_int_equal(cpuset_parse_kernel(strbuf_str(&list), &again, NULL), 0);
		assert_true(cpuset_equal(&set, &again));
		if (list.len <= 16 * 1024) {
			assert_int_equal(cpuset_parse(strbuf_str(&list), &again, NULL), 0);
			assert_true(cpuset_equal(&set, &again));
		}
		cpuset_format_mask(&set, CPUSET_MAX, &mask);
		assert_int_equal(cpuset_parse_mask(strbuf_str(&mask), &again, NULL), 0);
		assert_true(cpuset_equal(&set, &again));
	}
}

/* Nonsense of the right alphabet: no crash, only the two errors, and what is accepted has one canonical form. */
static void test_random_nonsense(void **state)
{
	static const char alphabet[] = "0123456789012345678,,,,--- \n(null):/xf";
	static parse_fn *const parsers[] = { cpuset_parse, cpuset_parse_kernel, cpuset_parse_mask };
	unsigned n_accepted = 0;
	(void)state;

	seed_random(__func__);
	for (int round = 0; round < 20 * ROUNDS; round++) {
		char text[24];
		unsigned len = random_below(sizeof(text)), letters = 1 + random_below(sizeof(alphabet) - 1);
		for (unsigned i = 0; i < len; i++)
			text[i] = alphabet[random_below(letters)];
		text[len] = '\0';
		for (size_t i = 0; i < ARRAY_LEN(parsers); i++) {
			CLEANUP(strbuf_done) struct strbuf b = { 0 };
			struct cpuset set, again;
			int r = parsers[i](text, &set, NULL);
			assert_true(r == 0 || r == -EINVAL || r == -ERANGE);
			if (r < 0)
				continue;
			n_accepted++;
			cpuset_format(&set, &b);
			assert_int_equal(cpuset_parse(strbuf_str(&b), &again, NULL), 0);
			assert_true(cpuset_equal(&set, &again));
		}
	}
	assert_true(n_accepted > 100); /* or the alphabet tests nothing */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_parse_limits_length),
		cmocka_unit_test(test_parse_kernel),
		cmocka_unit_test(test_parse_mask),
		cmocka_unit_test(test_mask_beyond_the_last_cpu),
		cmocka_unit_test(test_format_mask),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_random_operations),
		cmocka_unit_test(test_random_round_trips),
		cmocka_unit_test(test_random_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
