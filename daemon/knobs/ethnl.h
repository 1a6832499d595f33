/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question to the kernel's ethtool family (Documentation/networking/ethtool-netlink.rst), and its answer. The only
 * place with a netlink socket. Must not know what is asked.
 */
#pragma once

#include <stdint.h>

struct hft_err;
struct nlmsghdr;

struct ethnl_answer {         /* zero-initialise; ethnl_answer_done frees */
	int error;              /* the errno that the kernel acknowledges with, 0 for success */
	char text[160];         /* what it says about that (extended acknowledgement), or "" */
	struct nlmsghdr *reply; /* the message that it answers with, or NULL: it had none */
};

void ethnl_answer_done(struct ethnl_answer *a); /* also for CLEANUP */

/*
 * Send a request made by libmnl: a genlmsghdr and attributes; its type, flags and sequence number are filled in here.
 * 0: the kernel has answered, a->error says how. -ENOENT ERR_NOT_APPLICABLE: no such family (Linux before 5.6).
 * -ETIMEDOUT ERR_TIMEOUT, -errno ERR_IO: it could not be asked.
 */
int ethnl_ask(struct nlmsghdr *request, struct ethnl_answer *ret, struct hft_err *err);

/* A socket, not blocking, that hears of every change of a device's settings (ETHTOOL_MCGRP_MONITOR_NAME). The caller's.
 * Errors as above. */
int ethnl_monitor(int *ret_fd, struct hft_err *err);
