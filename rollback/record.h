/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line of a journal, in memory: made, and taken apart. No I/O, and no opinion on the order of lines.
 *
 *     {"crc":"xxxxxxxx","seq":N,"type":"NAME"[,MEMBER...]}
 *
 * The CRC-32C in lower-case hexadecimal covers what lies between the comma behind it and the newline. The first members
 * have exactly this order and no white space, so that a line is judged without a JSON parser; it is valid JSON all the
 * same. A type with a capital is critical: who does not know it must not go on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

#define RECORD_START_TEXT "{\"crc\":\"" /* every line starts so */

enum record_type {
	RECORD_HEADER, RECORD_STEP, RECORD_PREPARED, RECORD_START, RECORD_DONE, RECORD_APPLIED, RECORD_COMMITTED,
	RECORD_UNDOING, RECORD_UNDONE, RECORD_ABORTED, RECORD_INCOMPLETE,
	RECORD_UNKNOWN, /* a line of a newer version; its `critical` says whether it may be passed over */
	RECORD_N_TYPES
};

struct record {
	enum record_type type;
	bool critical;
	uint64_t seq;
	int64_t index;       /* of the member "index" when it comes first, else -1 */
	const char *members; /* borrowed from the line: what follows the type, with its comma, without the last brace */
	size_t members_len;
};

/*
 * Make a line: record_open starts one at the end of *b and returns where; the caller appends further members, each with
 * its comma (`,"index":3`); record_close ends the line and puts the checksum in. Errors: b->oom, and then the line is
 * void.
 */
size_t record_open(struct strbuf *b, uint64_t seq, enum record_type type);
void record_close(struct strbuf *b, size_t at, uint32_t seed);
/* The checksum that every line but the header starts from: that of the file's uuid. */
uint32_t record_seed(const char *uuid);

/* Take len bytes without their newline apart. False: no line of ours, damaged, or of another file. */
bool record_decode(const char *line, size_t len, uint32_t seed, struct record *ret);
/* Does the member `"KEY":` come first behind the type? */
bool record_leads_with(const struct record *r, const char *key);
