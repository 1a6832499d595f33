/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drop-in of hfttune for one unit, /etc/systemd/system/UNIT.d/50-hfttune.conf: what the knobs service and malloc
 * have set, rendered from single values in the order of their tables. A write renders it anew from what stands in it,
 * plus the change; the file goes with its last value, and the directory with the file where it came with it. Nothing
 * but what this file would write itself is read: a line that somebody else put there is an error that names it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/str.h"

struct hft_err;
struct knob_ctx;

#define DROPIN_REPLAY "hfttune-replay.service"

struct dropin { /* zero-initialise; dropin_done frees */
	char *path;
	struct strlist properties; /* "Nice=-5" */
	char variable[32];         /* what the allocator reads: "MALLOC_CONF"; "" without options */
	struct strlist options;    /* "narenas=2" */
	bool made_dir;             /* the directory came with the file */
	uint64_t changed_us;       /* when it was written, CLOCK_REALTIME; when it is not there: at the latest since then */
};
void dropin_done(struct dropin *d);

/* 0 and an empty one when there is no file. -EEXIST ERR_CONFLICT: a line that is not ours, `where` is its file:line. */
int dropin_read(const struct knob_ctx *c, const char *unit, struct dropin *ret, struct hft_err *err);
/* The value of a name in one of its lists, "" when it is not there; borrowed. */
const char *dropin_get(const struct strlist *l, const char *name);
/* Set it; "" takes it out. 0 or -ENOMEM. */
int dropin_set(struct strlist *l, const char *name, const char *value);
/* Make the file say so, or take it away when nothing is left. ERR_WRITE_FAILED: it would hold what it must not; ERR_IO. */
int dropin_write(const struct knob_ctx *c, const char *unit, const struct dropin *d, struct hft_err *err);
/* What people should know before a unit gets one, as knob.h's note. */
int dropin_note(const struct knob_ctx *c, const char *unit, struct strbuf *ret, struct hft_err *err);

/* --- keys of both knobs: "UNIT NAME" -------------------------------------------------------------------------------- */

/* Split a key: the unit in *ret_unit, the name behind it returned (borrowed). NULL: it makes no sense. */
#define DROPIN_UNIT_MAX 256 /* as KNOB_UNIT_MAX */
const char *dropin_split_key(const char *key, char ret_unit[static DROPIN_UNIT_MAX]);
