/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes the journal reader (libFuzzer). Input whose first byte is even is a journal as it is; else every further line
 * is given its number and a valid checksum first, so that what lies behind the checksum is reached too.
 *
 *     clang -g -O1 -std=gnu11 -D_GNU_SOURCE -I. -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_journal.c \
 *           rollback/crc32c.c rollback/record.c rollback/journal.c lib/base/[a-z]*.c lib/json/[a-z]*.c -lcjson
 *
 * Must hold: what is sound stays sound when the rest is cut off, and reading it out never fails but with an error.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "rollback/crc32c.h"
#include "rollback/journal.h"
#include "rollback/record.h"

#define TXN 7
#define UUID "01234567-89ab-4cde-8f01-23456789abcd"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_line(struct strbuf *b, size_t n, const char *line, size_t len)
{
	size_t at = b->len;

	/* The header says which seed counts; a fuzzer that changes it gets damage, and changes it back. */
	strbuf_addf(b, RECORD_START_TEXT "00000000\",\"seq\":%zu,", n);
	strbuf_addn(b, line, len);
	uint32_t crc = crc32c(n == 0 ? 0 : record_seed(UUID), b->s + at + 18, b->len - at - 18);
	char digits[9];
	snprintf(digits, sizeof(digits), "%08x", crc);
	memcpy(b->s + at + sizeof(RECORD_START_TEXT) - 1, digits, 8);
	strbuf_addc(b, '\n');
}

static void repair(struct strbuf *b, const char *text, size_t len)
{
	size_t n = 0;

	while (len > 0) {
		const char *newline = memchr(text, '\n', len);
		size_t line = newline != NULL ? (size_t)(newline - text) : len;
		add_line(b, n++, text, line);
		line += newline != NULL;
		text += line;
		len -= line;
	}
}

static void read_part(int (*part)(const struct journal *, const char *, struct json **, struct hft_err *),
                      const struct journal *j, const char *text)
{
	CLEANUP(json_freep) struct json *found = NULL;

	if ((part(j, text, &found, NULL) == 0) != (found != NULL))
		abort();
}

/* Without the tail that does not count, the journal is the same. */
static void check_clean_prefix(const struct journal *j, const char *text)
{
	struct journal again;

	if (journal_decode(TXN, text, j->clean, &again, NULL) < 0 || again.state != j->state || again.clean != j->clean ||
	    again.n_steps != j->n_steps || again.n_records != j->n_records)
		abort();
	journal_done(&again);
}

static void check(const char *text, size_t len)
{
	struct journal j;

	if (journal_decode(TXN, text, len, &j, NULL) < 0)
		return;
	if (j.clean > len || (j.state == TXN_DAMAGED) != (j.damage[0] != '\0'))
		abort();
	read_part(journal_steps, &j, text);
	if (j.state != TXN_DAMAGED) {
		check_clean_prefix(&j, text);
		read_part(journal_state, &j, text);
		read_part(journal_incomplete, &j, text);
	}
	journal_done(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };

	if (size == 0)
		return 0;
	if (data[0] % 2 == 0)
		strbuf_addn(&b, (const char *)data + 1, size - 1);
	else
		repair(&b, (const char *)data + 1, size - 1);
	/* A block of exactly this size, so that a read beyond it is seen. */
	CLEANUP(mem_freep) char *exact = malloc(b.len > 0 ? b.len : 1);
	if (exact == NULL)
		return 0;
	if (b.len > 0)
		memcpy(exact, b.s, b.len);
	check(exact, b.len);
	return 0;
}
