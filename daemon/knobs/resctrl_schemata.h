/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file `schemata` of a group of resctrl: a line for each resource, "L3:0=fff;1=fff", "MB:0= 100;1= 100". Canonical text
 * of a resource: a share for each domain, "0=fff;1=fff", without blanks and zeros in front. Must know nothing of groups but
 * their path.
 */
#pragma once

#include "lib/base/str.h"

#define RESCTRL_DIR "/sys/fs/resctrl"
#define RESCTRL_ROOT "/"  /* the group that is always there */
#define RESCTRL_MB "MB"   /* in percent; all other resources in bits */

struct hft_err;
struct knob_ctx;

/* A file of a group, or of what the machine says about a resource. Caller frees; NULL when out of memory. */
char *resctrl_path(const char *group, const char *file);
char *resctrl_info(const char *resource, const char *file);
/* Such a file as a number: 0 or -errno. */
int resctrl_number(const struct knob_ctx *c, const char *resource, const char *file, int base, unsigned long long *ret);
/* Raise ERR_OUT_OF_BOUNDS; returns -ERANGE. */
int resctrl_out_of_bounds(struct hft_err *err, const char *option, const char *value, const char *bounds);

/* What a group has of a resource: 0, -ENOENT (no such line), other -errno. */
int schemata_read(const struct knob_ctx *c, const char *group, const char *resource, struct strbuf *ret);
int schemata_write(const struct knob_ctx *c, const char *path, const char *resource, const char *value);
/* One share for each domain that the root group has. */
int schemata_spread(const struct knob_ctx *c, const char *resource, const char *value, struct strbuf *ret);
/* "fff" for all domains, or "0=fff;1=ff0"; key NULL as in struct knob. */
int schemata_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value, struct strbuf *ret,
                   struct hft_err *err);
