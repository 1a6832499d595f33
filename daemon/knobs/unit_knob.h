/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the knobs that write drop-ins (service, malloc) have in common: their objects, and how an effect is judged. */
#pragma once

#include "daemon/knobs/dropin.h"
#include "daemon/knobs/knob.h"
#include "daemon/knobs/systemd.h"

/* Add the object "UNIT OPTION". na: why this host lacks it, or NULL. The errors of unit_check_name() and
 * unit_check_installed(). */
int unit_knob_list(const struct knob_ctx *c, const char *unit, const char *option, const char *na,
                   struct knob_objects *ret, struct hft_err *err);
/* Its unit and drop-in, and the option behind the unit in *ret_option. -ENOENT ERR_NOT_APPLICABLE: a key that makes no
 * sense; and the errors of dropin_read(). */
int unit_knob_open(const struct knob_ctx *c, const char *key, char ret_unit[static DROPIN_UNIT_MAX],
                   const char **ret_option, struct dropin *ret, struct hft_err *err);
/* knob.h's read: of the allocator's options, or of the properties. */
int unit_knob_read(const struct knob_ctx *c, const char *key, bool is_option, struct strbuf *ret, struct hft_err *err);
/* Hands the drop-ins over to the service manager. */
int unit_knob_take_effect(const struct knob_ctx *c, struct hft_err *err);
bool unit_knob_restarts(const char *key, char ret_unit[static KNOB_UNIT_MAX]);

struct unit_question {
	const char *unit, *wanted;
	const char *written;      /* the value in the drop-in */
	uint64_t changed_us;      /* when the drop-in was written, or taken away */
	bool at_once;             /* needs no restart */
	/* What systemd has loaded, canonical. */
	int (*loaded)(const struct systemd_unit *u, const void *data, struct strbuf *ret, struct hft_err *err);
	/* Does what runs have it? As service_row's holds. */
	int (*holds)(const struct knob_ctx *c, const struct systemd_unit *u, const void *data, const char *expected,
	             struct strbuf *found);
	const void *data;
};

/*
 * Is it written, loaded, and in the running process? What started before the drop-in was written is pending; what started
 * after it, and has something else, was changed by somebody.
 */
int unit_judge(const struct knob_ctx *c, const struct unit_question *q, struct knob_verdict *ret, struct hft_err *err);
/* A drop-in that cannot be read because of a foreign line: drift that says where. 0, or r for other errors. */
int unit_judge_foreign(int r, const struct hft_err *why, struct knob_verdict *ret, struct hft_err *err);
