/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting a program: nothing of this process leaks into it but what is named. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct spawn_fd {
	int ours, theirs; /* a descriptor of this process, and its number in the new one */
};

/*
 * In a process group of its own (what it starts can be ended with it; Ctrl-C does not reach it), with /dev/null as
 * standard input, no signal blocked or ignored, and these descriptors. argv and environment end with NULL.
 * 0 and the process in *ret, for the caller to wait for; or -errno.
 */
int spawn_program(const char *path, char *const argv[], char *const environment[], const struct spawn_fd *fds,
                  size_t n_fds, pid_t *ret);
