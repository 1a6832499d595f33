/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that are the interface to something (update-grub, grubby): run to their end by absolute path, without a
 * shell, with nothing on standard input and an environment of PATH and the host's LANG alone (update-grub writes titles
 * of entries in it, and GRUB_DEFAULT may name one). With systemd as PID 1 in a transient unit of their own, outside the
 * sandbox of hfttuned; elsewhere as a child in a process group of its own.
 */
#pragma once

#include <stddef.h>

struct hft_err;
struct knob_ctx;

/*
 * argv[0] is the absolute path, the last one NULL. deadline_s: then it is killed, with what it has started.
 * 0: it ended with status 0. -ENOENT: it is not installed; -ETIMEDOUT ERR_TIMEOUT; -EREMOTEIO: it failed, with the end
 * of what it printed (or the name of its unit, whose journal has it) in the message; other -errno ERR_IO.
 */
int program_run(const struct knob_ctx *c, const char *const argv[], unsigned deadline_s, struct hft_err *err);

/*
 * Write text to a file of the control groups, which the sandbox of hfttuned keeps read-only: where the kernel says so
 * (EROFS), the service manager opens it as the standard output of cat(1). 0 or -errno; -EREMOTEIO: cat could not write.
 */
int program_write(const struct knob_ctx *c, const char *path, const char *text);

/* "LANG=..." as /etc/default/locale or /etc/locale.conf of the host has it; "" when neither says. */
#define PROGRAM_LANG_MAX 64
void program_lang(const struct knob_ctx *c, char ret[static PROGRAM_LANG_MAX]);
/* The two ways of it; for program.c and its tests. The unit is hfttune-NAME.service of the system bus: one that still
 * runs, for a daemon that was killed meanwhile, is waited for first. */
int program_run_child(const struct knob_ctx *c, const char *const argv[], unsigned deadline_s, struct hft_err *err);
struct program {
	const char *const *argv;
	unsigned deadline_s;
	const char *input, *output; /* text, and the path of a file; NULL: nothing, and the journal */
};
int program_run_unit(const struct knob_ctx *c, const struct program *p, struct hft_err *err);
