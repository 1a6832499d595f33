/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The replies of the daemon as people see them: one view per verb, used by the text writer through the verb table. */
#pragma once

#include <stddef.h>

#include "cli/text.h"

struct json;
struct options;
struct result;

void view_profiles(struct text *t, const struct result *r);
void view_show(struct text *t, const struct result *r);
void view_explain(struct text *t, const struct result *r);
void view_plan(struct text *t, const struct result *r);
void view_change(struct text *t, const struct result *r); /* apply, repair, replay, rollback */
void view_verify(struct text *t, const struct result *r);
void view_status(struct text *t, const struct result *r);
void view_history(struct text *t, const struct result *r);
void view_host(struct text *t, const struct result *r);
void view_doctor(struct text *t, const struct result *r);
void view_version(struct text *t, const struct result *r);

/* --- what views share --------------------------------------------------------------------------------------------- */

/* A member as text; "" when it is missing. */
const char *view_str(const struct json *object, const char *key);
long long view_int(const struct json *object, const char *key);
/* "next: hfttune VERB ...", with the global options as they were given. keep: OPT_BITs to repeat. */
void view_next(struct text *t, const struct options *o, const char *verb, unsigned keep, bool with_args);
/* "phase NAME" with order, risk, summary and notes; info may be NULL. */
void view_phase(struct text *t, const char *name, const struct json *info);
/* A plain list of steps as a table: object, now, wanted, state, why. */
void view_steps(struct text *t, const struct json *steps);
