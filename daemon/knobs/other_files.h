/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of other programs' files that set what knobs set, when the host starts or a device comes: sysctl.d, rules of udev,
 * connections of NetworkManager, cloud-init. Reads only; a file that is missing or makes no sense says nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct hft_err;
struct knob;
struct knob_ctx;

struct other_line {
	const struct knob *knob;
	char *key;        /* fnmatch pattern of keys; for sysctls also one of two twins */
	char *value;      /* as written there; may be "" */
	char *where;      /* "/etc/sysctl.d/50-net.conf:3" */
	const char *when; /* for people: "at boot", ... */
};

struct other_lines { /* zero-initialise; other_lines_done frees */
	struct other_line *l;
	size_t n, cap;
};

/* What counts in the end: of several lines of sysctl.d for one name the last, and no file that another one masks
 * (sysctl.d(5)). 0 or -ENOMEM. */
int other_files_read(const struct knob_ctx *c, struct other_lines *ret, struct hft_err *err);
void other_lines_done(struct other_lines *l);
/* Does the line set the object? */
bool other_line_sets(const struct other_line *l, const struct knob *knob, const char *key);
