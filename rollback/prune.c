/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removing old journals. Must never remove the one that carries the state in force, nor what is not finished. */
#include <stdbool.h>

#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "rollback/directory.h"
#include "rollback/journal.h"

/* TXN_DAMAGED also when it cannot be read: then it is not touched either. */
static enum txn_state state_of(struct store *s, int64_t txn)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	struct journal j;

	if (store_read_journal(s, txn, &text, &j, NULL) < 0)
		return TXN_DAMAGED;
	enum txn_state state = j.state;
	journal_done(&j);
	return state;
}

/* The last committed transaction; 0: none, and nothing is certain while one is damaged. */
static int64_t last_committed(struct store *s, const struct numbers *numbers)
{
	for (size_t i = numbers->len; i-- > 0;) {
		enum txn_state state = state_of(s, numbers->n[i]);
		if (state == TXN_COMMITTED)
			return numbers->n[i];
		if (state == TXN_DAMAGED)
			return 0;
	}
	return 0;
}

static bool may_go(struct store *s, int64_t txn, int64_t committed)
{
	if (txn < committed)
		return true;
	return txn > committed && state_of(s, txn) == TXN_ABORTED;
}

void store_prune(struct store *s, int64_t committed)
{
	CLEANUP(numbers_done) struct numbers numbers = { 0 };

	if (store_numbers(s, &numbers, NULL) < 0 || numbers.len <= STORE_KEEP)
		return;
	if (committed == 0)
		committed = last_committed(s, &numbers);
	for (size_t i = 0; i < numbers.len - STORE_KEEP; i++) {
		CLEANUP(mem_freep) char *path = store_path(s, numbers.n[i]);
		if (path != NULL && may_go(s, numbers.n[i], committed))
			fsio_unlink(s->fs, path, NULL);
	}
}
