/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole journal in memory: is it sound, how far did the transaction come, what does it hold. No I/O, so that it can
 * be fuzzed.
 *
 * What a crash can leave behind is told from what it cannot. A crash leaves a prefix of what was appended since the
 * last flush, with the last line torn (no newline, or a wrong checksum), or, after a power cut, blocks that read as
 * zeroes. A seal ("Committed", "Aborted", "Incomplete") is appended only after everything before it was flushed, so a
 * journal with a hole before a valid seal was not made by a crash. Neither was
 *  - a journal without "Prepared": a file gets its name only when that line is durable;
 *  - a whole line behind "Applied" with a wrong checksum: it was a "Committed" that somebody may have been told of.
 * These, and everything else that cannot arise, are damage.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rollback/store.h"

struct hft_err;
struct json;

/* A line of the text. */
struct journal_line {
	size_t at, len; /* without the newline; len 0: there is none */
};

struct journal {
	int64_t txn;
	char *kind, *profile, *started, *boot_id, *machine_id; /* NULL when the header is damaged */
	char *warning;      /* of the header, or ""; NULL when that is damaged */
	char *cause;        /* the last that an "undoing" names, or NULL */
	uint32_t seed;
	enum txn_state state;
	bool applied;
	bool undoing;       /* an undo began, and no step after it */
	size_t clean;       /* bytes of sound lines; what follows in an open journal is to be cut */
	uint64_t n_records; /* sound lines; the next seq */
	size_t n_steps;
	struct journal_line resulting;  /* the record that holds the state: "Prepared", or "Committed" with a replacement */
	struct journal_line incomplete; /* the "Incomplete" record */
	char damage[80];                /* TXN_DAMAGED: "line 12: checksum", from 1 as less(1) counts; else "" */
};

/*
 * Judge a text of len bytes, which is said to be transaction txn. 0, also for a damaged one (the fields then tell what
 * comes before the damage); -ENOTSUP ERR_STATE (a newer format, or an unknown critical record); -ENOMEM. The caller
 * calls journal_done after 0.
 */
int journal_decode(int64_t txn, const char *text, size_t len, struct journal *ret, struct hft_err *err);
void journal_done(struct journal *j);

/*
 * From the text that was decoded; the caller frees. -EBADMSG ERR_STATE when a line with a valid checksum is not the
 * JSON it should be.
 */
/* The array of txn_open.steps, of all sound lines. */
int journal_steps(const struct journal *j, const char *text, struct json **ret, struct hft_err *err);
/* The state of a journal that has "Prepared". */
int journal_state(const struct journal *j, const char *text, struct json **ret, struct hft_err *err);
/* The objects of the "Incomplete" record; -ENODATA ERR_INVALID_ARGUMENT when there is none. */
int journal_incomplete(const struct journal *j, const char *text, struct json **ret, struct hft_err *err);
