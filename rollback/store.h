/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: stores transactions durably and says what has to be undone. It knows no knob and no layer: steps and
 * state are opaque JSON of the engine.
 *
 * State directory (0700, root): LOCK, reserve, txn/NNNN.journal, quarantine/. One transaction is one append-only file,
 * which is also the snapshot. A line is a JSON object `{"crc":"xxxxxxxx","seq":N,"type":"...",...}`: the CRC-32C (RFC
 * 3720, B.4), seeded with that of the file's uuid (except line 0, the header, which carries it), is taken over
 * everything behind the comma that follows it; seq counts from 0. Types, the critical ones marked with a capital,
 * which a reader that does not know them must refuse:
 *   "Header"    format, uuid, txn, kind, boot_id, machine_id, started (RFC 3339 UTC), profile, and a warning if there is one
 *   "Step"      index and the engine's record of one object: before and after
 *   "Prepared"  the whole resulting state (layers, stacks, originals). Until this line is durable nothing is touched
 *   "start"     index          "done"  index and what the engine adds
 *   "Applied"   all steps done "Committed" durable: the state of Prepared (or of a replacement in it) is in force
 *   "undoing"   an undo began, and its cause where that is known               "undone" index
 *   "Aborted"   wholly undone  "Incomplete" objects that are neither before nor after
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fsio;
struct hft_err;
struct json;
struct strlist;
struct store;
struct txn;

#define STORE_FORMAT 1
#define STORE_KEEP 64 /* finished journals that are kept for `history`; the last committed one is kept in any case */

/*
 * fs is a handle whose root is the file system that holds dir ("/" or a copied tree's own root); dir is absolute
 * beneath it. Opening reads nothing and creates nothing.
 */
int store_new(struct fsio *fs, const char *dir, struct store **ret, struct hft_err *err);
void store_free(struct store *s);
void store_freep(struct store **s);
const char *store_dir(const struct store *s);
/* Is there a state directory, or anything in its place? The first store_lock makes one. */
bool store_exists(const struct store *s);

/* What the directory holds. Reads only; may be called without the lock. */
enum txn_state { TXN_OPEN, TXN_COMMITTED, TXN_ABORTED, TXN_INCOMPLETE, TXN_DAMAGED };
struct txn_info {
	int64_t txn;
	char *kind;    /* "apply", "repair", "replay", "rollback" */
	char *profile; /* or "" */
	char *started, *boot_id, *machine_id;
	enum txn_state state;
	int64_t n_steps;
	char *warning; /* what it was begun in spite of, for people; "" or NULL: nothing */
	char *cause;   /* why it was undone, or was to be, for people; NULL: not known, or it was not */
	char *damage;  /* TXN_DAMAGED: what and where ("0007.journal line 12: checksum"); else NULL */
};
struct store_view {
	struct txn_info *txns; /* ascending */
	size_t n_txns;
	struct json *state;    /* of the last committed transaction, or NULL */
	int64_t committed;     /* its number, 0 for none */
	int64_t unfinished;    /* an open transaction to recover, 0 for none. Only the last file may be open */
	struct strlist *damage; /* texts; non-empty blocks changes until somebody looks */
	uint64_t generation;   /* changes whenever any of this does */
};
/* A missing directory is an empty view. Caller calls store_view_done. Owner not uid 0 (or the caller) or a mode wider
 * than 0700 is -EPERM ERR_STATE; a directory that may not be read is -EACCES ERR_PERMISSION. A torn tail (last line
 * without newline or with a bad CRC, or a hole of zeroes) of an open journal is no damage; but a whole line with a bad
 * CRC behind "Applied" is, as it was a "Committed" that somebody may have been told of, and so is a journal that was
 * cut before "Prepared", as a file has its name only when that is durable: the host may have been touched. An empty
 * file counts as absent, and names of another form are ignored. A newer format or an unknown critical record is
 * -ENOTSUP ERR_STATE. What cannot be read for another reason is ERR_IO and no damage: it may pass. */
int store_load(struct store *s, struct store_view *ret, struct hft_err *err);
void store_view_done(struct store_view *v);
/* Move what store_load calls damaged into quarantine/, durably. The caller holds the lock. Everything in quarantine/
 * goes on to be listed in store_view.damage until somebody removes it there. Errors as of store_load, or ERR_IO. */
int store_quarantine(struct store *s, struct hft_err *err);
/*
 * The same, reading no further back than the last committed transaction: what planning, judging and changing need. The
 * view lists only the transactions that were read; when one of them is damaged it is the whole view after all.
 */
int store_load_current(struct store *s, struct store_view *ret, struct hft_err *err);
/* Only the generation (a cheap look: names, sizes and mtimes of txn/), for "has anything changed". */
int store_generation(struct store *s, uint64_t *ret, struct hft_err *err);
/* A cheaper look, enough to know that what store_load_current() said still holds: the names, and the newest file. */
int store_stamp(struct store *s, uint64_t *ret, struct hft_err *err);
/* The lock. Creates the directory when it is missing. -EWOULDBLOCK ERR_BUSY; -EPERM ERR_STATE as of store_load.
 * Closing the descriptor (in every process that has it) releases it. */
int store_lock(struct store *s, int *ret_fd, struct hft_err *err);

/* --- writing a transaction: the caller holds the lock ------------------------------------------------------------- */

struct txn_header {
	const char *kind, *profile, *boot_id, *machine_id;
	const char *warning; /* or NULL */
};
/*
 * Write header, steps (a JSON array of objects) and the resulting state; make all of it durable under its final name
 * (write to a temporary name, fdatasync, rename, fsync of the directory). When this returns 0 the host may be touched.
 * Room for finishing is reserved first (posix_fallocate is not used: a file of zeroes in the same directory is given
 * back when space runs out), so that undo and its records need no new block. steps and state are borrowed; s must
 * outlive the transaction. Levels of nesting: a step and the state have JSON_DEPTH_MAX less 1.
 * Errors leave nothing behind: ERR_IO, ERR_NO_MEMORY.
 */
int txn_begin(struct store *s, const struct txn_header *h, const struct json *steps, const struct json *state,
              struct txn **ret, struct hft_err *err);
int64_t txn_number(const struct txn *t);
/* Plain appends. done of step i and start of the next may be joined: i_start < 0 or i_done < 0 leaves one out. extra is
 * an object that the done record carries as "extra" (borrowed, may be NULL). After a power cut they may be missing, so
 * recovery looks at every step of a persistent knob, started or not. */
int txn_progress(struct txn *t, int64_t i_done, const struct json *extra, int64_t i_start, struct hft_err *err);
/* state: a replacement of the prepared state (what the kernel made of coupled objects), or NULL. Writes "Applied",
 * fdatasync, "Committed", fdatasync; prunes old journals. After an error the transaction is still open, and is to be
 * undone: the file may not be flushed again, so the next call that records an end first copies it to a new one. */
int txn_commit(struct txn *t, const struct json *state, struct hft_err *err);
/* An error of these two is no reason to stop undoing: the end is what counts, and a record that cannot be appended only
 * makes a recovery look at one object more. cause: for people; NULL or "": an undo that somebody else began goes on. */
int txn_undoing(struct txn *t, const char *cause, struct hft_err *err);
int txn_undone(struct txn *t, int64_t i, struct hft_err *err);
/* Wholly undone; fdatasync. ERR_IO: it is not durable; the journal says so at least until the machine stops, and after
 * that a recovery finds everything undone. */
int txn_abort(struct txn *t, struct hft_err *err);
/* Not wholly undone: names of the objects that are neither (an array of strings); fdatasync. */
int txn_incomplete(struct txn *t, const struct json *objects, struct hft_err *err);
void txn_free(struct txn *t); /* writes nothing: what is not finished stays open */
void txn_freep(struct txn **t);

/* --- recovery ----------------------------------------------------------------------------------------------------- */

/* Open the unfinished transaction, or an incomplete one, for undoing; cuts a torn tail. *ret_steps: array of
 * {"record": step object, "started": bool, "done": bool, "undone": bool, "extra": object or absent}; owned by the
 * caller. prepared is always true (store_load). applied true: everything was done, only the commit is missing (it is
 * undone all the same: nobody was told "ok"). undoing: an undo was interrupted; of
 * the steps not yet undone, the last one may hold anything. A disk that cannot be written does not hinder reopening: that shows when
 * something is recorded. -ENOENT, -EINVAL (committed or aborted) ERR_INVALID_ARGUMENT; -EBADMSG (damaged), -ENOTSUP
 * ERR_STATE; ERR_IO. */
struct txn_open {
	struct txn *txn;
	struct json *steps;
	char *kind, *boot_id;
	bool prepared, applied, undoing;
};
int txn_reopen(struct store *s, int64_t txn, struct txn_open *ret, struct hft_err *err);
void txn_open_done(struct txn_open *o);
/* The steps of any readable transaction, as in txn_open.steps, for `history TXN`. Errors as of txn_reopen. */
int txn_read(struct store *s, int64_t txn, struct json **ret_steps, struct hft_err *err);
/* The objects of the "Incomplete" record of a transaction (array of strings). Errors as of txn_reopen, and -ENODATA
 * ERR_INVALID_ARGUMENT when it has none. */
int txn_read_incomplete(struct store *s, int64_t txn, struct json **ret, struct hft_err *err);
