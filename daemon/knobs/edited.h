/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration file of somebody else's, of which hfttune changes single lines. The original is kept beside it
 * (durable.h) from the first change on; when the lines are all back and nobody else has changed anything, the very file
 * comes back, else it stays until edited_let_go().
 */
#pragma once

#include "daemon/knobs/knob.h"

struct strlist;

/*
 * The text with the lines from..to (offsets; to: behind their newline) replaced by others; "" takes them out, from == to
 * adds. No newline behind the last one of `lines`. A text that ends without a newline goes on doing so, so that what is
 * added at its end can be taken out again. -ENOMEM.
 */
int edited_lines(const char *text, size_t from, size_t to, const char *lines, struct strbuf *ret, struct hft_err *err);
/* Make the file, which holds `now`, hold `text`: owner, mode and extended attributes stay. 0; -EROFS with what to do
 * about it; other -errno. */
int edited_write(const struct knob_ctx *c, const char *path, const struct strbuf *now, const struct strbuf *text,
                 struct hft_err *err);
/* A line is not ours any more (knob.let_go): when none is, forget the original that was kept, if there is one. Keys have
 * the form "OWNER LINE", an owner has one file. */
void edited_let_go(const struct knob_ctx *c, const char *path, const char *key, const struct strlist *held);
