/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verb table points to: parameters made from options, exit statuses read off replies. Pure functions. */
#pragma once

struct json;
struct options;

/* Parameters as the .varlink file has them; only what was given is set. Caller frees; NULL when out of memory. */
struct json *request_profile(const struct options *o); /* show plan apply verify: profile, phases, set, flags */
struct json *request_subject(const struct options *o); /* explain */
struct json *request_rollback(const struct options *o);
struct json *request_txn(const struct options *o);     /* history */
struct json *request_doctor(const struct options *o);

int status_plan(const struct json *reply);   /* 3: something would be written */
int status_verify(const struct json *reply); /* 3: drift; 5: a reboot is pending */
int status_change(const struct json *reply); /* apply repair replay rollback: 5 reboot, 4 conflict, 1 failed in part */
int status_doctor(const struct json *reply); /* 3: something disturbs, or is wrong */
