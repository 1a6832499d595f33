/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running a plan as one transaction, and undoing one. The only place that calls a knob's write. */
#pragma once

#include "daemon/engine/plan.h"

struct run_labels {
	const char *kind, *profile; /* "apply", "demo"; the profile may be "" */
	bool keep;                  /* on failure keep the phases before the failed one */
};

/* Journal, write, verify, settle, commit. Steps get their final state. *ret_txn: 0 when nothing had to be done. */
int run_plan(const struct session *s, struct plan *p, const struct run_labels *labels, int64_t *ret_txn,
             struct hft_err *err);

/* What could not even begin leaves word in the journal, as a transaction that was undone. */
void run_note_refusal(const struct session *s, const struct run_labels *labels, const struct hft_err *why);

enum undo_policy { UNDO_CAREFUL, UNDO_FORCE, UNDO_KEEP_THEIRS };
/* Undo the open transaction `txn` of an earlier run. ERR_NOT_UNDONE names the objects. */
int run_recover(const struct session *s, int64_t txn, enum undo_policy policy, struct hft_err *err);
