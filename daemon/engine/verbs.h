/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs that change something have in common. */
#pragma once

#include "daemon/engine/run.h"

/* For what takes back or repairs: without a journal there is nothing, and no lock is needed to say so. */
int verb_open_recorded(const struct engine *e, const struct request *q, struct session *ret, struct hft_err *err);
/* Run and report, whatever the verb. Takes what p holds. */
int verb_carry_out(struct session *s, struct plan *p, const struct run_labels *labels, struct result *ret,
                   struct hft_err *err);
