/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of the Boot Loader Specification, DIR/loader/entries/NAME.conf with their "options" lines. For boot loaders. */
#pragma once

#include <stdbool.h>

struct hft_err;
struct knob_ctx;
struct strbuf;

struct boot_entries {
	const char *dir;  /* "/boot/loader/entries" */
	bool newest_only; /* what is booted is the last one alone; the others are kept to go back to */
};

/* As `entries` of struct boot_loader: "" when each one that boots normally has the value, or ("") lacks the parameter. */
int boot_entries_judge(const struct knob_ctx *c, const struct boot_entries *e, const char *prefix, const char *value,
                       struct strbuf *ret, struct hft_err *err);
/* As `foreign`: "FILE:LINE" where an entry names what the prefix names, otherwise than `ours` does; else "". */
int boot_entries_foreign(const struct knob_ctx *c, const struct boot_entries *e, const char *prefix, const char *ours,
                         struct strbuf *ret, struct hft_err *err);
