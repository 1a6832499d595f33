/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small helpers around struct step, inside the engine. */
#pragma once

#include "daemon/engine/engine.h"
#include "daemon/knobs/knob.h"

void step_done(struct step *s);
void steps_free(struct step *steps, size_t n);
/* Replace an owned text; NULL clears it. False when out of memory. */
bool step_set(char **field, const char *text);

/*
 * Does the object hold `wanted`, judged by the effect? current is its value as just read, so that a knob without a
 * verify of its own needs no second read. *ret_reason (may be NULL) gets the reason for pending and not applicable.
 */
int step_judge(const struct knob_ctx *c, const struct knob *k, const char *key, const char *current,
               const char *wanted, enum knob_verdict_state *ret, struct strbuf *ret_reason, struct hft_err *err);

/*
 * P6: is the object as we left it, or has somebody else changed it since? A file by what is in it: whether the kernel
 * took what it was booted with is another question.
 */
int step_is_ours(const struct knob_ctx *c, const struct knob *k, const char *key, const char *current,
                 const char *left, bool *ret, struct hft_err *err);
