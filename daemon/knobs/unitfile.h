/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit files as systemd finds them, read without systemd: what a service would be started with. Changes nothing. */
#pragma once

#include <stdbool.h>

struct hft_err;
struct knob_ctx;
struct strlist;

/* A name that a service can have: "redis-server.service", "redis-server@a.service". */
bool unitfile_is_service(const char *name);
/*
 * The words of a service's last ExecStart=, drop-ins counted, without quotes, prefixes ("-", "@" and their like) and with
 * %i and %I filled in. *ret_path is the file that it stands in (the caller frees). -ENOENT ERR_NO_MATCH: no such unit, or
 * one without a command line; -ELOOP ERR_NO_MATCH: masked, or an alias; other -errno ERR_IO.
 */
int unitfile_exec_start(const struct knob_ctx *c, const char *name, struct strlist *ret, char **ret_path,
                        struct hft_err *err);
