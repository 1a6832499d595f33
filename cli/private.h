/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A private hfttuned at the other end of a socket pair, for --standalone. The program is the one beside this one's own
 * executable, else the installed one; never one that PATH names.
 */
#pragma once

#include <sys/types.h>

struct hft_err;
struct options;
struct strbuf;

/* Start it. The caller owns the socket and reaps the process. ERR_NO_DAEMON, ERR_NO_MEMORY. */
int private_start(const struct options *o, int *ret_fd, pid_t *ret_pid, struct hft_err *err);
/* The path of the program, appended; for the tests. */
void private_path(struct strbuf *ret);
