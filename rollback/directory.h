/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state directory, as the files of rollback/ share it. Not for anybody else. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fsio;
struct hft_err;
struct journal;
struct strbuf;
struct strlist;

#define STORE_JOURNAL_MAX (128u * 1024 * 1024) /* longest journal that is read; half of it may be planned and state */

struct store {
	struct fsio *fs;
	char *dir;
	char *txn_dir;        /* DIR/txn */
	char *quarantine_dir; /* DIR/quarantine */
	char *temp;           /* where a journal is written before it gets its name; no name of a journal */
	char *reserve;        /* zeroes, given back when the disk is full */
	char *lock;
};

/* Numbers of transactions, ascending. */
struct numbers {
	int64_t *n;
	size_t len, cap;
};
void numbers_done(struct numbers *numbers); /* also for CLEANUP */

/* -ENOENT ERR_IO: there is no directory yet. -EPERM ERR_STATE: it is not ours alone. */
int store_check_dir(struct store *s, struct hft_err *err);
/* The path of a journal; caller frees; NULL when out of memory. */
char *store_path(const struct store *s, int64_t txn);
/* The transactions that txn/ has a file for. */
int store_numbers(struct store *s, struct numbers *ret, struct hft_err *err);
/* The names in quarantine/. */
int store_quarantined(struct store *s, struct strlist *ret, struct hft_err *err);
/* The number for a new transaction: above all that are in txn/ or in quarantine/. */
int store_next_number(struct store *s, int64_t *ret, struct hft_err *err);
/*
 * Read and judge a journal. 0, also for a damaged one, or one whose owner, mode or kind of file says that it is not
 * ours; -ENOENT ERR_IO (no such file, or an empty one); else as fsio_read_file and journal_decode. *text has what the
 * lines of *ret refer to; caller calls journal_done.
 */
int store_read_journal(struct store *s, int64_t txn, struct strbuf *text, struct journal *ret, struct hft_err *err);
/*
 * Remove the oldest journals beyond STORE_KEEP: not the last committed one (0: look which it is), and of those after it
 * only what was wholly undone. What cannot be removed stays: the transaction that just ended is no worse for it.
 */
void store_prune(struct store *s, int64_t committed);
