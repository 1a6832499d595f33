/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single values in texts of TOML, INI and YAML: found, read and replaced, everything else left to the letter. For knob
 * conffile alone. Rules of lines, not of the languages: whatever they cannot tell is refused with its line.
 *
 * An option is the path of a key: "server.num_shards". Its value is what stands there without quotes; an empty one is two
 * quotes, and "" is a key that is not there.
 */
#pragma once

#include "daemon/knobs/knob.h"

struct conffile_format;
/* By the end of a file's name; NULL: none of them. */
const struct conffile_format *conffile_format(const char *path);
#define CONFFILE_SUFFIXES ".toml .ini .conf .cfg .yaml .yml"

/* The value now. path: for messages. -EEXIST ERR_CONFLICT, with the line: what is there cannot be told by these rules. */
int conffile_get(const struct conffile_format *f, const char *text, const char *path, const char *option,
                 struct strbuf *ret, struct hft_err *err);
/*
 * The text with another value, in the quotes that the present one has; "" takes the line out; a key that is not there goes
 * to the end of its section. As above, and: the section is not there, or a value that these quotes cannot hold.
 */
int conffile_with(const struct conffile_format *f, const char *text, const char *path, const char *option,
                  const char *value, struct strbuf *ret, struct hft_err *err);
