/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credentials of a connection, frozen at accept (unix(7)). */
#include "daemon/server/peer.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/err.h"

#define NO_GROUP ((gid_t)-1)

static int read_groups(int fd, struct peer *p)
{
	socklen_t size = 0;

	/* Asked with no room, the kernel says how much it needs (ERANGE). */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE)
		return 0;
	p->groups = malloc(size + sizeof(gid_t));
	if (!p->groups)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, p->groups + 1, &size) < 0)
		return -errno;
	p->n_groups = size / sizeof(gid_t);
	return 0;
}

int peer_read(int fd, struct peer *ret, struct hft_err *err)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);
	int r;

	*ret = (struct peer){0};
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return err_raise(err, ERR_PERMISSION, errno, "SO_PEERCRED", "cannot tell who is connected");
	ret->uid = cred.uid;
	r = read_groups(fd, ret);
	if (r == 0 && !ret->groups)
		ret->groups = malloc(sizeof(gid_t));
	if (r < 0 || !ret->groups) {
		peer_done(ret);
		return err_raise(err, ERR_PERMISSION, r < 0 ? -r : ENOMEM, "SO_PEERGROUPS",
		                 "cannot tell the groups of who is connected");
	}
	ret->groups[0] = cred.gid;
	ret->n_groups++;
	return 0;
}

void peer_done(struct peer *p)
{
	free(p->groups);
	*p = (struct peer){0};
}

static gid_t find_group(const char *name)
{
	const struct group *g = getgrnam(name);

	return g ? g->gr_gid : NO_GROUP;
}

void access_init(struct access_rules *a, bool private_pair, bool copied_tree)
{
	*a = (struct access_rules){
		.private_pair = private_pair,
		.copied_tree = copied_tree,
		.readers = NO_GROUP,
		.admins = NO_GROUP,
	};
	if (private_pair)
		return;
	a->readers = find_group("hfttune");
	a->admins = find_group("hfttune-admin");
}

static bool in_group(const struct peer *p, gid_t gid)
{
	for (size_t i = 0; gid != NO_GROUP && i < p->n_groups; i++) {
		if (p->groups[i] == gid)
			return true;
	}
	return false;
}

int access_check(const struct access_rules *a, const struct peer *p, enum access_right right, struct hft_err *err)
{
	bool own = p->uid == geteuid();

	if (p->uid == 0 || (a->copied_tree && own) || (a->private_pair && own && right == ACCESS_READ) ||
	    in_group(p, a->admins) || (right == ACCESS_READ && in_group(p, a->readers)))
		return 0;
	err_raise(err, ERR_PERMISSION, EPERM, right == ACCESS_READ ? "hfttune" : "hfttune-admin",
	          right == ACCESS_READ ? "reading needs group hfttune" : "changing needs root or group hfttune-admin");
	err_hint(err, a->private_pair ? "run it as root" : "usermod -aG %s USER, and log in again",
	         right == ACCESS_READ ? "hfttune" : "hfttune,hfttune-admin");
	return -EPERM;
}
