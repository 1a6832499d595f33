/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that are held for as long as a layer is in force (PM QoS, a socket). The daemon owns them; systemd keeps a copy in
 * its descriptor store, so that a restart or a crash of the daemon lets nothing go. A worker sees the table as it was
 * when it was forked, and asks for changes over its control socket.
 */
#pragma once

#include <stddef.h>

struct hft_err;
struct knob_holds;

struct hold {
	char *key, *value;
	int fd;
};

struct holds {
	struct hold *h;
	size_t n, cap;
	int control; /* in a worker: where requests go; -1 in the daemon */
};

void holds_init(struct holds *h);
void holds_done(struct holds *h); /* closes them: only at exit, when systemd's copies stay */
/* Keep (replacing) or let go, and tell systemd. fd is owned in any case. */
int holds_set(struct holds *h, const char *key, const char *value, int fd);
int holds_drop(struct holds *h, const char *key);
/* Take over what systemd passed at start (names "hold.KEY=VALUE"). */
int holds_adopt(struct holds *h, const char *fd_name, int fd);
/* The knobs' view, in a worker. */
void holds_for_knobs(struct holds *h, struct knob_holds *ret);

/* A request as it travels: one datagram. */
enum control_kind {
	CONTROL_HOLD = 'h',
	CONTROL_RELEASE = 'r',
	CONTROL_WATCH = 'w',  /* key: what may be wiped from now on (watch.h); "" begins the list */
	CONTROL_SOURCE = 's', /* value: the wipes_kind of the descriptor that comes with it */
	CONTROL_DONE = 'd',   /* the call; everything is said. value: the transaction, or "failed" */
};
struct control {
	char kind;
	char key[280];
	char value[64];
};
/* Send one without waiting for an answer; fd -1: none goes along. 0 or -EIO. */
int control_send(int control, const struct control *c, int fd);
