/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of rollback/journal, in memory: what a crash leaves is told from what it cannot leave. S1, S2, S3, S7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "rollback/crc32c.h"
#include "rollback/journal.h"
#include "rollback/record.h"

#define UUID "01234567-89ab-4cde-8f01-23456789abcd"
#define HEADER(format, uuid, txn)                                                                                      \
	",\"format\":" format ",\"uuid\":\"" uuid "\",\"txn\":" txn ",\"kind\":\"apply\",\"boot_id\":\"b\","               \
	"\"machine_id\":\"m\",\"started\":\"2024-01-01T00:00:00Z\",\"profile\":\"p@x\""

/* A journal under construction. */
struct draft {
	struct strbuf b;
	uint64_t n;
	uint32_t seed;
};

static void draft_done(struct draft *d)
{
	strbuf_done(&d->b);
}

static void add(struct draft *d, enum record_type type, const char *members)
{
	size_t at = record_open(&d->b, d->n++, type);

	strbuf_add(&d->b, members);
	record_close(&d->b, at, type == RECORD_HEADER ? 0 : d->seed);
}

static void add_header(struct draft *d, const char *members)
{
	d->seed = record_seed(UUID);
	add(d, RECORD_HEADER, members);
}

/* "H" Header, "S" Step, "P" Prepared, "s" start 0, "d" done 0, "A" Applied, "C" Committed, "R" Committed with a
 * replacement, "u" undoing, "x" undone 0, "B" Aborted, "I" Incomplete. */
static void add_letters(struct draft *d, const char *letters)
{
	unsigned n_steps = 0;

	for (const char *p = letters; *p != '\0'; p++) {
		char step[80];
		snprintf(step, sizeof(step), ",\"index\":%u,\"record\":{\"key\":\"k%u\"}", n_steps, n_steps);
		n_steps += *p == 'S';
		const struct {
			char letter;
			enum record_type type;
			const char *members;
		} rows[] = {
			{ 'S', RECORD_STEP,       step                                     },
			{ 'P', RECORD_PREPARED,   ",\"state\":{\"layers\":[\"new\"]}"        },
			{ 's', RECORD_START,      ",\"index\":0"                           },
			{ 'd', RECORD_DONE,       ",\"index\":0,\"extra\":{\"twin\":\"t\"}" },
			{ 'A', RECORD_APPLIED,    ""                                       },
			{ 'C', RECORD_COMMITTED,  ""                                       },
			{ 'R', RECORD_COMMITTED,  ",\"state\":{\"layers\":[\"newer\"]}"      },
			{ 'u', RECORD_UNDOING,    ""                                       },
			{ 'x', RECORD_UNDONE,     ",\"index\":0"                           },
			{ 'B', RECORD_ABORTED,    ""                                       },
			{ 'I', RECORD_INCOMPLETE, ",\"objects\":[\"sysctl k0\"]"            },
		};
		if (*p == 'H')
			add_header(d, HEADER("1", UUID, "7"));
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			if (rows[i].letter == *p)
				add(d, rows[i].type, rows[i].members);
	}
	assert_false(d->b.oom);
}

static struct journal decode(const char *text, size_t len)
{
	struct journal j;

	/* A copy of exactly this size, so that a sanitizer sees a read beyond it. */
	CLEANUP(mem_freep) char *exact = malloc(len > 0 ? len : 1);
	assert_non_null(exact);
	if (len > 0)
		memcpy(exact, text, len);
	assert_int_equal(journal_decode(7, exact, len, &j, NULL), 0);
	return j;
}

static enum txn_state judge(const char *text, size_t len)
{
	CLEANUP(journal_done) struct journal j = decode(text, len);

	assert_int_equal(j.state == TXN_DAMAGED, j.damage[0] != '\0');
	return j.state;
}

static enum txn_state judge_letters(const char *letters)
{
	CLEANUP(draft_done) struct draft d = { 0 };

	add_letters(&d, letters);
	return judge(d.b.s, d.b.len);
}

static void test_states(void **state)
{
	static const struct {
		const char *letters;
		enum txn_state state;
	} rows[] = {
		{ "HSSP",              TXN_OPEN       },
		{ "HP",                TXN_OPEN       },
		{ "HSSPsds",           TXN_OPEN       },
		{ "HSSPsdA",           TXN_OPEN       },
		{ "HSSPsdAC",          TXN_COMMITTED  },
		{ "HSSPsdAR",          TXN_COMMITTED  },
		{ "HSSPsduxsdAC",      TXN_COMMITTED  }, /* --keep */
		{ "HSSPsduxB",         TXN_ABORTED    },
		{ "HSSPB",             TXN_ABORTED    },
		{ "HSSPsdAuxB",        TXN_ABORTED    },
		{ "HSSPsuuxB",         TXN_ABORTED    }, /* a second recovery */
		{ "HSSPsdxB",          TXN_ABORTED    }, /* "undoing" could not be appended */
		{ "HSSPsduI",          TXN_INCOMPLETE },
		{ "HSSPsduIux",        TXN_OPEN       }, /* tried again */
		{ "HSSPsduIuxB",       TXN_ABORTED    },
		{ "HSSPsduIuI",        TXN_INCOMPLETE },
		{ "HSSPsduIB",         TXN_ABORTED    }, /* --keep-theirs */
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(judge_letters(rows[i].letters), rows[i].state);
}

static void test_order_is_damage(void **state)
{
	static const char *const letters[] = {
		"", "H", "HSS", "SP", "P", "HHSP", "HSPP", "HSPS", "HSsP", "HSPC", "HSPACC", "HSPACs", "HSPACu", "HSPBu", "HSPBC",
		"HSPAs", "HSPIs", "HSPIA", "HPs", "HSPACH",
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		assert_int_equal(judge_letters(letters[i]), TXN_DAMAGED);
}

static void test_index_is_checked(void **state)
{
	static const struct {
		enum record_type type;
		const char *members;
	} rows[] = {
		{ RECORD_START, ",\"index\":2"                  },
		{ RECORD_DONE,  ""                              },
		{ RECORD_START, ",\"index\":999999999999999999" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(draft_done) struct draft d = { 0 };
		add_letters(&d, "HSSP");
		add(&d, rows[i].type, rows[i].members);
		assert_int_equal(judge(d.b.s, d.b.len), TXN_DAMAGED);
	}
	CLEANUP(draft_done) struct draft gap = { 0 };
	add_letters(&gap, "H");
	add(&gap, RECORD_STEP, ",\"index\":1,\"record\":{}");
	add(&gap, RECORD_PREPARED, ",\"state\":{}");
	assert_int_equal(judge(gap.b.s, gap.b.len), TXN_DAMAGED);
}

static void test_fields(void **state)
{
	CLEANUP(draft_done) struct draft d = { 0 };
	(void)state;

	add_letters(&d, "HSSPsdA");
	CLEANUP(journal_done) struct journal j = decode(d.b.s, d.b.len);
	assert_int_equal(j.txn, 7);
	assert_string_equal(j.kind, "apply");
	assert_string_equal(j.profile, "p@x");
	assert_string_equal(j.started, "2024-01-01T00:00:00Z");
	assert_string_equal(j.boot_id, "b");
	assert_string_equal(j.machine_id, "m");
	assert_int_equal(j.n_steps, 2);
	assert_int_equal(j.n_records, 7);
	assert_int_equal(j.clean, d.b.len);
	assert_true(j.applied);
	assert_false(j.undoing);
	add(&d, RECORD_UNDOING, "");
	CLEANUP(journal_done) struct journal undoing = decode(d.b.s, d.b.len);
	assert_false(undoing.applied);
	assert_true(undoing.undoing);
}

static void check_part(int (*part)(const struct journal *, const char *, struct json **, struct hft_err *),
                       const char *letters, const char *expected)
{
	CLEANUP(draft_done) struct draft d = { 0 };
	CLEANUP(json_freep) struct json *found = NULL;

	add_letters(&d, letters);
	CLEANUP(journal_done) struct journal j = decode(d.b.s, d.b.len);
	assert_int_equal(part(&j, d.b.s, &found, NULL), 0);
	CLEANUP(mem_freep) char *text = json_print(found);
	assert_string_equal(text, expected);
}

#define STEP_TEXT(key, started, done, undone)                                                                          \
	"{\"record\":{\"key\":\"" key "\"},\"started\":" started ",\"done\":" done ",\"undone\":" undone
#define IDLE STEP_TEXT("k1", "false", "false", "false") "}]"

static void test_parts(void **state)
{
	(void)state;
	check_part(journal_state, "HSSPsdAC", "{\"layers\":[\"new\"]}");
	check_part(journal_state, "HSSPsdAR", "{\"layers\":[\"newer\"]}");
	check_part(journal_incomplete, "HSSPsuI", "[\"sysctl k0\"]");
	check_part(journal_steps, "HP", "[]");
	check_part(journal_steps, "HSSP", "[" STEP_TEXT("k0", "false", "false", "false") "}," IDLE);
	check_part(journal_steps, "HSSPs", "[" STEP_TEXT("k0", "true", "false", "false") "}," IDLE);
	check_part(journal_steps, "HSSPsd",
	           "[" STEP_TEXT("k0", "true", "true", "false") ",\"extra\":{\"twin\":\"t\"}}," IDLE);
	check_part(journal_steps, "HSSPsddux",
	           "[" STEP_TEXT("k0", "true", "true", "true") ",\"extra\":{\"twin\":\"t\"}}," IDLE);
	check_part(journal_steps, "HSSPsux", "[" STEP_TEXT("k0", "true", "false", "true") "}," IDLE);
}

static void test_no_incomplete(void **state)
{
	CLEANUP(draft_done) struct draft d = { 0 };
	struct json *found = NULL;
	struct hft_err err;
	(void)state;

	add_letters(&d, "HSPIB");
	CLEANUP(journal_done) struct journal j = decode(d.b.s, d.b.len);
	assert_int_equal(journal_incomplete(&j, d.b.s, &found, &err), -ENODATA);
	assert_string_equal(err.code, ERR_INVALID_ARGUMENT);
	assert_null(found);
}

/* The checksum is right, and what it covers is not what it should be. */
static void test_lines_without_sense(void **state)
{
	CLEANUP(draft_done) struct draft d = { 0 };
	struct json *found = NULL;
	struct hft_err err;
	(void)state;

	add_letters(&d, "HS");
	add(&d, RECORD_PREPARED, ",\"state\":{");
	add_letters(&d, "AC");
	CLEANUP(journal_done) struct journal j = decode(d.b.s, d.b.len);
	assert_int_equal(j.state, TXN_COMMITTED);
	assert_int_equal(journal_state(&j, d.b.s, &found, &err), -EBADMSG);
	assert_string_equal(err.code, ERR_STATE);
	assert_null(found);

	CLEANUP(draft_done) struct draft bare = { 0 };
	add_letters(&bare, "H");
	add(&bare, RECORD_STEP, ",\"index\":0");
	add_letters(&bare, "P");
	CLEANUP(journal_done) struct journal k = decode(bare.b.s, bare.b.len);
	assert_int_equal(journal_steps(&k, bare.b.s, &found, &err), -EBADMSG);
	assert_null(found);
}

/* --- S3, S7: not this file, not this version ---------------------------------------------------------------------- */

static int decode_header(const char *members, struct journal *ret, struct hft_err *err)
{
	CLEANUP(draft_done) struct draft d = { 0 };

	add_header(&d, members);
	add_letters(&d, "SP");
	return journal_decode(7, d.b.s, d.b.len, ret, err);
}

static void test_header(void **state)
{
	static const char *const damaged[] = {
		HEADER("1", UUID, "8"), HEADER("0", UUID, "7"), HEADER("\"1\"", UUID, "7"), HEADER("1", "", "7"),
		HEADER("1", UUID, "\"7\""), "", ",\"format\":1", ",\"format\":1,\"uuid\":[]",
		HEADER("1", UUID, "7") ",\"txn\":7", /* twice */
		HEADER("1", "11234567-89ab-4cde-8f01-23456789abcd", "7"), /* then the other lines are of another file */
	};
	struct journal j;
	struct hft_err err;
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
		assert_int_equal(decode_header(damaged[i], &j, &err), 0);
		assert_int_equal(j.state, TXN_DAMAGED);
		journal_done(&j);
	}
	assert_int_equal(decode_header(HEADER("2", UUID, "7"), &j, &err), -ENOTSUP);
	assert_string_equal(err.code, ERR_STATE);
}

static int decode_with(const char *covered_after_seq, const char *tail_letters, struct journal *ret,
                       struct hft_err *err)
{
	CLEANUP(draft_done) struct draft d = { 0 };
	CLEANUP(strbuf_done) struct strbuf covered = { 0 };

	add_letters(&d, "HSP");
	strbuf_addf(&covered, "\"seq\":%d,%s", (int)d.n++, covered_after_seq);
	strbuf_addf(&d.b, "{\"crc\":\"%08x\",%s\n", crc32c(d.seed, covered.s, covered.len), covered.s);
	add_letters(&d, tail_letters);
	return journal_decode(7, d.b.s, d.b.len, ret, err);
}

static void test_unknown_records(void **state)
{
	struct journal j;
	struct hft_err err;
	(void)state;

	assert_int_equal(decode_with("\"type\":\"Pending\"}", "AC", &j, &err), -ENOTSUP);
	assert_string_equal(err.code, ERR_STATE);
	assert_int_equal(decode_with("\"type\":\"note\",\"text\":\"x\"}", "AC", &j, &err), 0);
	assert_int_equal(j.state, TXN_COMMITTED);
	journal_done(&j);
}

static void test_lines_of_another_file(void **state)
{
	CLEANUP(draft_done) struct draft d = { 0 };
	(void)state;

	add_letters(&d, "HSP");
	d.seed = record_seed("11234567-89ab-4cde-8f01-23456789abcd");
	add_letters(&d, "sdAC");
	assert_int_equal(judge(d.b.s, d.b.len), TXN_DAMAGED);
}

/* --- S1: cut anywhere --------------------------------------------------------------------------------------------- */

static size_t prepared_end(const struct draft *d)
{
	const char *p = strstr(d->b.s, "\"Prepared\"");

	return (size_t)(strchr(p, '\n') + 1 - d->b.s);
}

/* The whole lines within len bytes. */
static size_t whole_lines(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] != '\n')
		len--;
	return len;
}

static void check_cuts(const char *letters)
{
	CLEANUP(draft_done) struct draft d = { 0 };

	add_letters(&d, letters);
	for (size_t len = 0; len < d.b.len; len++) {
		CLEANUP(journal_done) struct journal j = decode(d.b.s, len);
		if (len < prepared_end(&d)) {
			assert_int_equal(j.state, TXN_DAMAGED);
			continue;
		}
		assert_int_equal(j.clean, whole_lines(d.b.s, len));
		assert_int_not_equal(j.state, TXN_DAMAGED);
		assert_int_not_equal(j.state, TXN_COMMITTED); /* the last line says so, and it is cut */
		assert_int_not_equal(j.state, TXN_ABORTED);
	}
}

static void test_cut_anywhere(void **state)
{
	(void)state;
	check_cuts("HSSPsdsdux");
	check_cuts("HSSPsdAC");
	check_cuts("HSSPsdAR");
	check_cuts("HSSPsduxB");
	check_cuts("HSSPsduxIuxB");
}

/* --- S2: every bit ------------------------------------------------------------------------------------------------ */

static void flip(struct draft *d, size_t bit)
{
	d->b.s[bit / 8] = (char)(d->b.s[bit / 8] ^ (1 << bit % 8));
}

/* Of a committed one, every flip is damage; the state of another type that is sealed never says it was committed. */
static void test_every_bit_of_a_committed_one(void **state)
{
	static const char *const letters[] = { "HSSPsdAC", "HSSPsdAR" };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
		CLEANUP(draft_done) struct draft d = { 0 };
		add_letters(&d, letters[i]);
		for (size_t bit = 0; bit < d.b.len * 8; bit++) {
			flip(&d, bit);
			assert_int_equal(judge(d.b.s, d.b.len), TXN_DAMAGED);
			flip(&d, bit);
		}
		assert_int_equal(judge(d.b.s, d.b.len), TXN_COMMITTED);
	}
}

/* Of any other one, a flip in the last line may pass for a torn one: then that line does not count. */
static void test_every_bit_of_the_others(void **state)
{
	static const char *const letters[] = { "HSSPsd", "HSSPsduxB", "HSSPsduxI", "HSSP" };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
		CLEANUP(draft_done) struct draft d = { 0 };
		add_letters(&d, letters[i]);
		size_t last = whole_lines(d.b.s, d.b.len - 1), prepared = prepared_end(&d);
		for (size_t bit = 0; bit < d.b.len * 8; bit++) {
			flip(&d, bit);
			CLEANUP(journal_done) struct journal j = decode(d.b.s, d.b.len);
			if (bit / 8 < last || last < prepared) {
				assert_int_equal(j.state, TXN_DAMAGED);
			} else if (j.state != TXN_DAMAGED) {
				assert_int_equal(j.state, TXN_OPEN);
				assert_int_equal(j.clean, last);
			}
			flip(&d, bit);
		}
	}
}

/* --- a power cut: blocks that never came -------------------------------------------------------------------------- */

/* Records after Prepared until text is longer than size. */
static void fill_up(struct draft *d, size_t size)
{
	while (d->b.len <= size)
		add_letters(d, "sd");
}

static void test_hole_is_torn(void **state)
{
	(void)state;
	for (size_t from = 0; from < 2; from++) {
		CLEANUP(draft_done) struct draft d = { 0 };
		add_letters(&d, "HSSP");
		size_t flushed = d.b.len;
		fill_up(&d, 2048);
		/* Zeroes from where the last flush ended, or from a sector, up to the end of a sector. */
		size_t start = from == 0 ? flushed : 1024;
		memset(d.b.s + start, 0, 1536 - start);
		CLEANUP(journal_done) struct journal j = decode(d.b.s, d.b.len);
		assert_int_equal(j.state, TXN_OPEN);
		assert_int_equal(j.clean, whole_lines(d.b.s, start));
	}
}

static void test_zeroes_at_the_end(void **state)
{
	CLEANUP(draft_done) struct draft d = { 0 };
	(void)state;

	add_letters(&d, "HSSPsA");
	size_t clean = d.b.len;
	for (int i = 0; i < 100; i++)
		strbuf_addc(&d.b, '\0');
	CLEANUP(journal_done) struct journal j = decode(d.b.s, d.b.len);
	assert_int_equal(j.state, TXN_OPEN);
	assert_int_equal(j.clean, clean);
	assert_true(j.applied);
}

static void test_hole_before_a_seal_is_damage(void **state)
{
	static const char *const seals[] = { "AC", "B", "I" };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(seals); i++) {
		CLEANUP(draft_done) struct draft d = { 0 };
		add_letters(&d, "HSSP");
		fill_up(&d, 2048);
		memset(d.b.s + 1024, 0, 512);
		add_letters(&d, seals[i]);
		assert_int_equal(judge(d.b.s, d.b.len), TXN_DAMAGED);
	}
}

static void test_zeroes_elsewhere_are_damage(void **state)
{
	/* Not from a sector or a line, not to a sector, neither. */
	static const size_t rows[][2] = { { 1025, 1536 }, { 1024, 1535 }, { 1025, 1200 } };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(draft_done) struct draft d = { 0 };
		add_letters(&d, "HSSP");
		fill_up(&d, 2048);
		assert_int_not_equal(d.b.s[1024], '\n');
		memset(d.b.s + rows[i][0], 0, rows[i][1] - rows[i][0]);
		assert_int_equal(judge(d.b.s, d.b.len), TXN_DAMAGED);
	}
}

/* A line that was taken out, or is there twice. */
static void test_numbers_without_gap(void **state)
{
	(void)state;
	for (int step = 0; step < 2; step++) {
		CLEANUP(draft_done) struct draft d = { 0 };
		add_letters(&d, "HSP");
		d.n = step == 0 ? d.n + 1 : d.n - 1;
		add_letters(&d, "sd");
		assert_int_equal(judge(d.b.s, d.b.len), TXN_DAMAGED);
	}
}

static void test_nothing_after_a_seal(void **state)
{
	CLEANUP(draft_done) struct draft d = { 0 };
	(void)state;

	add_letters(&d, "HSSPAC");
	strbuf_add(&d.b, "{");
	assert_int_equal(judge(d.b.s, d.b.len), TXN_DAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_order_is_damage),
		cmocka_unit_test(test_index_is_checked),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_no_incomplete),
		cmocka_unit_test(test_lines_without_sense),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_unknown_records),
		cmocka_unit_test(test_lines_of_another_file),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_every_bit_of_a_committed_one),
		cmocka_unit_test(test_every_bit_of_the_others),
		cmocka_unit_test(test_hole_is_torn),
		cmocka_unit_test(test_zeroes_at_the_end),
		cmocka_unit_test(test_hole_before_a_seal_is_damage),
		cmocka_unit_test(test_zeroes_elsewhere_are_damage),
		cmocka_unit_test(test_numbers_without_gap),
		cmocka_unit_test(test_nothing_after_a_seal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
