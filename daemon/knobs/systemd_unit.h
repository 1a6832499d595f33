/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A unit of systemd that hfttune stops and starts again: in force until the next boot (the mask is a run-time one), on
 * the live host over D-Bus. In a copied tree the files that show the state stand for it. Must not decide which unit.
 */
#pragma once

#include <stdbool.h>

struct hft_err;
struct knob_ctx;
struct knob_verdict;
struct strbuf;

/*
 * The states, as canonical values:
 *     running          active, and not masked
 *     running masked   active, though masked since: once it has ended nobody can start it
 *     idle             not active; whoever asks may start it
 *     stopped          not active, and masked: nobody can start it
 * A file of the same name in /etc/systemd/system outdoes a run-time mask: then `stopped` is not to be had, and reads "idle".
 */
int systemd_unit_read(const struct knob_ctx *c, const char *unit, struct strbuf *ret, struct hft_err *err);
/* Bring it there, and wait until it is; what is masked in /etc is not started. -errno ERR_WRITE_FAILED, -ETIMEDOUT ERR_TIMEOUT. */
int systemd_unit_write(const struct knob_ctx *c, const char *unit, const char *state, struct hft_err *err);
/* Is it there? A unit that shall be "stopped" and runs again, or may, is drift with what it sets. */
int systemd_unit_verify(const struct knob_ctx *c, const char *unit, const char *wanted, struct knob_verdict *ret,
                        struct hft_err *err);
/* Why the unit cannot be stopped here, or NULL: no systemd, or not installed. */
const char *systemd_unit_lacks(const struct knob_ctx *c, const char *unit);
/* Is it masked for good, in /etc? */
bool systemd_unit_is_barred(const struct knob_ctx *c, const char *unit);
/* Can a run-time mask not keep it from being started? */
bool systemd_unit_outdoes_mask(const struct knob_ctx *c, const char *unit);

/* --- for one whose files have changed; live only, no-ops in a copied tree ------------------------------------------- */

/* Let the manager read its files again; and restart the unit if it is active. Errors as above. */
int systemd_unit_reload(const struct knob_ctx *c, struct hft_err *err);
int systemd_unit_try_restart(const struct knob_ctx *c, const char *unit, struct hft_err *err);
