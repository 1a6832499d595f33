/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judging layers against the host. */
#pragma once

#include "daemon/engine/plan.h"

/* recorded: the layers are those of the journal, so objects that appeared since are drift. */
int verify_state(const struct session *s, const struct state *state, bool recorded, struct result *ret,
                 struct hft_err *err);
/* Is anything in force that only the next boot brings? */
bool verify_needs_reboot(const struct session *s);
