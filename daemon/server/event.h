/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an operator should see in the journal: one record for each event, with the message id that
 * packaging/hfttune.catalog explains. Elsewhere than under journald it is an ordinary log line.
 */
#pragma once

#include <stdint.h>

struct hft_err;

enum event { EVENT_RECOVERED, EVENT_UNDONE, EVENT_NOT_UNDONE, EVENT_STUCK, EVENT_DAMAGE, EVENT_REPLAYED,
	     EVENT_REASSERTED, EVENT_GAVE_UP, EVENT_CONTESTED };

/* objects: names or a path, becomes the field of the event's row; message: one sentence. txn 0: not known. */
void event_log(enum event e, int64_t txn, const char *objects, const char *message);
/* What the failure of a changing method means to an operator: undone, not undone, damaged; or nothing. */
void event_log_failure(const struct hft_err *err);
