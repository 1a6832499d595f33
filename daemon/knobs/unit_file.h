/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Units of systemd as files: which names are units, which are installed, and what their files say, in the order in which
 * systemd reads them (systemd.unit(5)). Reads only; asks nobody.
 */
#pragma once

#include "daemon/knobs/knob.h"

enum unit_kind { UNIT_SERVICE, UNIT_SLICE, UNIT_SCOPE };

/* May settings be given to a unit of this name? By systemd's rules for names, without templates and without the units
 * that hfttune itself needs. *ret may be NULL. -EINVAL ERR_INVALID_PROFILE. */
int unit_check_name(const char *unit, enum unit_kind *ret, struct hft_err *err);
/* Is it installed under this name? A slice needs no file. -ENOENT ERR_NO_MATCH: no, it is masked, or the name is an
 * alias (the hint has the real one). */
int unit_check_installed(const struct knob_ctx *c, const char *unit, struct hft_err *err);

/* One "NAME=VALUE" of a section; where is "file:line". Return 0, or a negative errno that ends the walk. */
typedef int unit_setting_fn(void *data, const char *name, const char *value, const char *where);
/* All that the files of a unit say in a section ("[Service]"; "[": in any), its drop-ins included; an unreadable or missing
 * file says nothing. */
int unit_each_setting(const struct knob_ctx *c, const char *unit, const char *section, unit_setting_fn *fn, void *data,
                      struct hft_err *err);
/* The program that a service starts ("/usr/bin/redis-server"), as its files say: "" when they do not. */
int unit_program(const struct knob_ctx *c, const char *unit, struct strbuf *ret, struct hft_err *err);

/* A path of the host without symbolic links in it; they are followed beneath the root. -ENOENT, -ELOOP ERR_IO. */
int unit_real_path(const struct knob_ctx *c, const char *path, struct strbuf *ret, struct hft_err *err);
