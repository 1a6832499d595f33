/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end, as the kernel said at accept; and what they may do. Never looks at a pid. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct hft_err;

struct peer {
	uid_t uid;
	gid_t *groups; /* the primary one first */
	size_t n_groups;
};

enum access_right { ACCESS_READ, ACCESS_CHANGE };

struct access_rules {
	bool private_pair;  /* a socket pair: the owner is its own reader */
	bool copied_tree;   /* no live host is at stake */
	gid_t readers, admins; /* (gid_t)-1 when the group does not exist */
};

/* SO_PEERCRED and SO_PEERGROUPS. 0 or -errno. */
int peer_read(int fd, struct peer *ret, struct hft_err *err);
void peer_done(struct peer *p);
/* Look the groups hfttune and hfttune-admin up, once at start. */
void access_init(struct access_rules *a, bool private_pair, bool copied_tree);
/* 0, or -EPERM ERR_PERMISSION with the group that would be needed as hint. */
int access_check(const struct access_rules *a, const struct peer *p, enum access_right right, struct hft_err *err);
