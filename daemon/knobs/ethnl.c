/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netlink socket behind ethtool. A socket lives for one question: nothing is kept between two steps, so there is
 * nothing to get stale. The kernel carries a request out within sendmsg(2), however long the driver takes, and the
 * answer is there when that returns; a receive that has to wait is a kernel that has forgotten us.
 */
#include "daemon/knobs/ethnl.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

#define ANSWER_MAX (256 * 1024) /* the features of a device with all their names take some 12 KiB */
#define WAIT_S 5
#define SUBJECT "ethtool netlink"

void ethnl_answer_done(struct ethnl_answer *a)
{
	free(a->reply);
	*a = (struct ethnl_answer){0};
}

static void close_socket(struct mnl_socket **s)
{
	if (*s)
		mnl_socket_close(*s);
}

static int raise_errno(struct hft_err *err, const char *what)
{
	int e = errno;

	if (e == EAGAIN || e == EWOULDBLOCK)
		return err_raise(err, ERR_TIMEOUT, ETIMEDOUT, SUBJECT, "the kernel did not answer within %d s", WAIT_S);
	return err_raise(err, ERR_IO, e, SUBJECT, "%s: %s", what, strerror(e));
}

/* The text of an error is wanted, the request that it answers is not. */
static int open_socket(struct mnl_socket **ret, struct hft_err *err)
{
	CLEANUP(close_socket) struct mnl_socket *s = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	const struct timeval wait = {.tv_sec = WAIT_S};
	int on = 1;

	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		return raise_errno(err, "cannot open a netlink socket");
	if (setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0)
		return raise_errno(err, "cannot limit the time to wait");
	mnl_socket_setsockopt(s, NETLINK_EXT_ACK, &on, sizeof(on)); /* without it there is no text, but an errno */
	mnl_socket_setsockopt(s, NETLINK_CAP_ACK, &on, sizeof(on));
	*ret = TAKE_PTR(s);
	return 0;
}

/* --- taking an answer apart --------------------------------------------------------------------------------------- */

static int take_text(const struct nlattr *attr, void *data)
{
	struct ethnl_answer *a = data;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(a->text, sizeof(a->text), "%s", mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

/* struct nlmsgerr, the request's payload unless it was left out, attributes (include/uapi/linux/netlink.h). */
static int take_acknowledgement(const struct nlmsghdr *m, struct ethnl_answer *a)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
	size_t offset = sizeof(*e);

	if (mnl_nlmsg_get_payload_len(m) < sizeof(*e))
		return -EBADMSG;
	a->error = -e->error;
	if (!(m->nlmsg_flags & NLM_F_CAPPED))
		offset += MNL_ALIGN(e->msg.nlmsg_len) - MNL_NLMSG_HDRLEN;
	if (m->nlmsg_flags & NLM_F_ACK_TLVS && offset <= mnl_nlmsg_get_payload_len(m))
		mnl_attr_parse(m, (unsigned)offset, take_text, a);
	return 0;
}

static int take_reply(const struct nlmsghdr *m, struct ethnl_answer *a)
{
	if (a->reply || mnl_nlmsg_get_payload_len(m) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	a->reply = malloc(m->nlmsg_len);
	if (!a->reply)
		return -ENOMEM;
	memcpy(a->reply, m, m->nlmsg_len);
	return 0;
}

/* What one read from the socket brought: 1 when the acknowledgement was in it, 0 when more is to come. */
static int take_messages(const void *buf, size_t size, unsigned seq, struct ethnl_answer *a)
{
	const struct nlmsghdr *m = buf;
	int left = (int)size, r = 0;

	for (; r == 0 && mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		if (m->nlmsg_seq != seq)
			continue;
		if (m->nlmsg_type == NLMSG_ERROR) {
			r = take_acknowledgement(m, a);
			return r < 0 ? r : 1;
		}
		if (m->nlmsg_type >= NLMSG_MIN_TYPE)
			r = take_reply(m, a);
	}
	return r;
}

static ssize_t receive(const struct mnl_socket *s, void *buf)
{
	ssize_t n;

	do
		n = mnl_socket_recvfrom(s, buf, ANSWER_MAX);
	while (n < 0 && errno == EINTR);
	return n;
}

static int exchange(const struct mnl_socket *s, struct nlmsghdr *m, uint16_t type, struct ethnl_answer *ret,
                    struct hft_err *err)
{
	CLEANUP(mem_freep) char *buf = malloc(ANSWER_MAX);
	int r = 0;

	if (!buf)
		return err_oom(err);
	m->nlmsg_type = type;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	m->nlmsg_seq = type; /* a socket asks each family once */
	if (mnl_socket_sendto(s, m, m->nlmsg_len) < 0)
		return raise_errno(err, "cannot ask the kernel");
	while (r == 0) {
		ssize_t n = receive(s, buf);
		if (n < 0)
			return raise_errno(err, "cannot hear the kernel's answer");
		r = take_messages(buf, (size_t)n, m->nlmsg_seq, ret);
	}
	if (r == -ENOMEM)
		return err_oom(err);
	return r < 0 ? err_raise(err, ERR_IO, -r, SUBJECT, "the kernel's answer makes no sense") : 0;
}

/* --- the family --------------------------------------------------------------------------------------------------- */

/* What the controller says of the family. */
static int ask_controller(const struct mnl_socket *s, struct ethnl_answer *ret, struct hft_err *err)
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(m, sizeof(*g));

	g->cmd = CTRL_CMD_GETFAMILY;
	mnl_attr_put_strz(m, CTRL_ATTR_FAMILY_NAME, ETHTOOL_GENL_NAME);
	int r = exchange(s, m, GENL_ID_CTRL, ret, err);
	if (r == 0 && (ret->error != 0 || !ret->reply))
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, SUBJECT, "this kernel has no ethtool netlink");
	return r;
}

static const struct nlattr *find_attr(const struct ethnl_answer *a, uint16_t type)
{
	struct nlattr *attr;

	mnl_attr_for_each(attr, a->reply, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

static int find_family(const struct mnl_socket *s, uint16_t *ret, struct hft_err *err)
{
	CLEANUP(ethnl_answer_done) struct ethnl_answer a = {0};
	const struct nlattr *id;
	int r = ask_controller(s, &a, err);

	if (r < 0)
		return r;
	id = find_attr(&a, CTRL_ATTR_FAMILY_ID);
	if (!id || mnl_attr_validate(id, MNL_TYPE_U16) < 0)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, SUBJECT, "this kernel has no ethtool netlink");
	*ret = mnl_attr_get_u16(id);
	return 0;
}

int ethnl_ask(struct nlmsghdr *request, struct ethnl_answer *ret, struct hft_err *err)
{
	CLEANUP(close_socket) struct mnl_socket *s = NULL;
	uint16_t family = 0;

	ethnl_answer_done(ret);
	int r = open_socket(&s, err);
	if (r == 0)
		r = find_family(s, &family, err);
	return r == 0 ? exchange(s, request, family, ret, err) : r;
}

/* --- being told --------------------------------------------------------------------------------------------------- */

struct group {
	const char *name;
	uint32_t id;
};

static int take_group_attr(const struct nlattr *attr, void *data)
{
	struct group *g = data;

	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		g->name = mnl_attr_get_str(attr);
	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
		g->id = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int find_monitor(const struct mnl_socket *s, uint32_t *ret, struct hft_err *err)
{
	CLEANUP(ethnl_answer_done) struct ethnl_answer a = {0};
	const struct nlattr *groups;
	struct nlattr *one;
	int r = ask_controller(s, &a, err);

	if (r < 0)
		return r;
	groups = find_attr(&a, CTRL_ATTR_MCAST_GROUPS);
	if (groups) {
		mnl_attr_for_each_nested(one, groups) {
			struct group g = {.name = ""};

			mnl_attr_parse_nested(one, take_group_attr, &g);
			if (strcmp(g.name, ETHTOOL_MCGRP_MONITOR_NAME) != 0)
				continue;
			*ret = g.id;
			return 0;
		}
	}
	return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, SUBJECT, "this kernel does not tell of changes");
}

int ethnl_monitor(int *ret_fd, struct hft_err *err)
{
	CLEANUP(close_socket) struct mnl_socket *s = NULL;
	CLEANUP(mem_closep) int fd = -1;
	uint32_t group = 0;
	int r = open_socket(&s, err);

	if (r == 0)
		r = find_monitor(s, &group, err);
	if (r < 0)
		return r;
	/* A descriptor that outlives the library's socket. */
	fd = fcntl(mnl_socket_get_fd(s), F_DUPFD_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return raise_errno(err, "cannot listen");
	*ret_fd = TAKE_FD(fd);
	return 0;
}
