/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection to hfttuned: the service behind its socket, or a private one behind a socket pair. Calls one method at
 * a time and merges the replies of a stream into one object. Prints nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/str.h"

struct hft_err;
struct json;
struct options;

#define CLIENT_SOCKET "/run/hfttune/org.hfttune.Tuner"
#define CLIENT_METHODS "org.hfttune.Tuner."

struct client { /* client_done closes */
	int fd;
	pid_t pid; /* the private hfttuned, or 0 */
	int pidfd;
};
#define CLIENT_NONE ((struct client){ .fd = -1, .pidfd = -1 })

/*
 * Connect as the options say. -ENOENT/-ECONNREFUSED ERR_NO_DAEMON (nobody listens; the private hfttuned cannot be
 * started), -EACCES ERR_PERMISSION (the hint names the group), others ERR_NO_DAEMON.
 */
int client_open(struct client *c, const struct options *o, struct hft_err *err);
/* Close. Waits a little for a private hfttuned to end, so that nothing of it outlives the command. */
void client_done(struct client *c);

/* What the replies of one call add up to. Zero-initialise; merged_done frees. */
struct merged {
	struct json *reply;  /* arrays are concatenated, other members are the last ones; "progress" is left out */
	struct strlist keys; /* the names in it */
};
void merged_done(struct merged *m);
/* Add the parameters of one reply; owns them in any case. -ENOMEM. */
int merged_add(struct merged *m, struct json *take_parameters, struct hft_err *err);

struct call {
	const char *method;      /* "org.hfttune.Tuner.Plan" */
	struct json *parameters; /* owned by client_call in any case; NULL: none */
	bool more;               /* may be answered by several replies */
	bool changes;            /* an answer that never comes means that the outcome is not known */
	int timeout_ms;          /* -1: wait for ever */
	void (*progress)(void *data, int64_t step, int64_t steps, const char *object); /* or NULL */
	void *data;
	int signal; /* out: the signal that made a changing call return -EINTR, or 0 */
};

/*
 * Call and wait for the last reply. With `changes`, SIGINT, SIGTERM and SIGHUP end the waiting (-EINTR, ERR_TIMEOUT,
 * call->signal set) and leave the daemon at work.
 * -EPROTO with the code that the daemon's error reply has; -EBADMSG, -EMSGSIZE ERR_PROTOCOL; -ECONNRESET: the daemon
 * went away, ERR_NOT_UNDONE when it may have been in the middle of a change, else ERR_PROTOCOL; -ETIMEDOUT ERR_TIMEOUT.
 * Whatever came before an error is in *ret.
 */
int client_call(struct client *c, struct call *call, struct merged *ret, struct hft_err *err);
