/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading transactions back: for recovery, for history. Must not decide what to undo. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "rollback/directory.h"
#include "rollback/journal.h"
#include "rollback/txn.h"

/* A journal that is there and sound. */
static int read_sound(struct store *s, int64_t txn, struct strbuf *text, struct journal *ret, struct hft_err *err)
{
	struct journal j;

	int r = store_read_journal(s, txn, text, &j, err);
	if (r == -ENOENT)
		return err_raise(err, ERR_INVALID_ARGUMENT, ENOENT, "transaction", "there is no transaction %" PRId64,
		                 txn);
	if (r < 0)
		return r;
	if (j.state == TXN_DAMAGED) {
		r = err_raise(err, ERR_STATE, EBADMSG, "transaction", "%04" PRId64 ".journal %s", txn, j.damage);
		journal_done(&j);
		return r;
	}
	*ret = j;
	return 0;
}

static int open_journal(struct store *s, struct journal *j, const struct strbuf *text, struct txn_open *o,
                        struct hft_err *err)
{
	if (j->state != TXN_OPEN && j->state != TXN_INCOMPLETE)
		return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, "transaction", "transaction %" PRId64 " is finished",
		                 j->txn);
	int r = journal_steps(j, text->s, &o->steps, err);
	if (r == 0)
		r = txn_adopt(s, j, text->len, &o->txn, err);
	if (r < 0)
		return r;
	o->kind = TAKE_PTR(j->kind);
	o->boot_id = TAKE_PTR(j->boot_id);
	o->prepared = true; /* without that line a journal is damaged */
	o->applied = j->applied;
	o->undoing = j->undoing;
	return 0;
}

int txn_reopen(struct store *s, int64_t txn, struct txn_open *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	CLEANUP(txn_open_done) struct txn_open o = { 0 };
	struct journal j;

	int r = read_sound(s, txn, &text, &j, err);
	if (r < 0)
		return r;
	r = open_journal(s, &j, &text, &o, err);
	journal_done(&j);
	if (r < 0)
		return r;
	*ret = o;
	o = (struct txn_open){ 0 };
	return 0;
}

void txn_open_done(struct txn_open *o)
{
	txn_free(o->txn);
	json_free(o->steps);
	free(o->kind);
	free(o->boot_id);
	*o = (struct txn_open){ 0 };
}

/* Read a journal and take one thing out of it. */
static int read_part(struct store *s, int64_t txn,
                     int (*part)(const struct journal *j, const char *text, struct json **ret, struct hft_err *err),
                     struct json **ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	struct journal j;

	int r = read_sound(s, txn, &text, &j, err);
	if (r < 0)
		return r;
	r = part(&j, text.s, ret, err);
	journal_done(&j);
	return r;
}

int txn_read(struct store *s, int64_t txn, struct json **ret_steps, struct hft_err *err)
{
	return read_part(s, txn, journal_steps, ret_steps, err);
}

int txn_read_incomplete(struct store *s, int64_t txn, struct json **ret, struct hft_err *err)
{
	return read_part(s, txn, journal_incomplete, ret, err);
}
