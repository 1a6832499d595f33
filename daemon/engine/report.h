/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adding lines to a result. */
#pragma once

#include "daemon/engine/engine.h"
#include "daemon/engine/state.h"

/* A bare step; *ret holds until the next one is added. 0 or -ENOMEM, as all here. */
int report_step(struct result *r, const struct knob *knob, const char *key, struct step **ret);
/* A line about an entry of a layer: its texts and wanted value. reason and ret may be NULL. */
int report_entry(struct result *r, const struct layer *l, const struct layer_entry *e, enum step_state state,
                 const char *reason, struct step **ret);
/* The heading of a layer. */
int report_phase(struct result *r, const struct layer *l);
