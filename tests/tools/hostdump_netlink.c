/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What netlink tells of network devices: every attribute that the kernel answers to ethtool's "get" requests, be its
 * meaning known here or not, and the queueing disciplines. Attributes beyond the names in the table go by number.
 */
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/tools/hostdump.h"

#define ANSWER_MAX 65536

/* A request: headers, then attributes. */
struct request {
	struct nlmsghdr head;
	union {
		struct genlmsghdr generic;
		struct tcmsg tc;
	} body;
	char attributes[256];
};

/* What ethtool(8) calls the attributes, from the first after the header on; '-' is left out, with the reason there. */
static const struct {
	const char *name;
	uint8_t command;
	const char *attributes;
} gets[] = {
	{"link",     ETHTOOL_MSG_LINKINFO_GET,  "port phyaddr mdix mdix-ctrl transceiver"                          },
 /* -: the peer's modes and speed, duplex, roles as negotiated: results */
	{"modes",    ETHTOOL_MSG_LINKMODES_GET, "autoneg ours - - - master-slave"                                  },
	{"messages", ETHTOOL_MSG_DEBUG_GET,     "mask"							     },
 /* -: the password */
	{"wol",      ETHTOOL_MSG_WOL_GET,       "modes -"							  },
	{"rings",    ETHTOOL_MSG_RINGS_GET,
         "rx-max rx-mini-max rx-jumbo-max tx-max rx rx-mini rx-jumbo tx rx-buf-len tcp-data-split cqe-size tx-push"},
	{"channels", ETHTOOL_MSG_CHANNELS_GET,  "rx-max tx-max other-max combined-max rx tx other combined"        },
	{"coalesce", ETHTOOL_MSG_COALESCE_GET,
         "rx-usecs rx-frames rx-usecs-irq rx-frames-irq tx-usecs tx-frames tx-usecs-irq tx-frames-irq "
         "stats-block-usecs "
         "adaptive-rx adaptive-tx pkt-rate-low rx-usecs-low rx-frames-low tx-usecs-low tx-frames-low pkt-rate-high "
         "rx-usecs-high rx-frames-high tx-usecs-high tx-frames-high sample-interval cqe-mode-tx cqe-mode-rx"       },
	{"pause",    ETHTOOL_MSG_PAUSE_GET,     "autoneg rx tx"                                                    },
 /* -: the peer's modes, and whether it is active now: results */
	{"eee",      ETHTOOL_MSG_EEE_GET,       "modes - - enabled tx-lpi tx-timer"                                },
 /* -: what is active now */
	{"fec",      ETHTOOL_MSG_FEC_GET,       "modes auto -"						     },
};

struct attributes {
	const char *at;
	size_t left;
};

/* The next attribute, or NULL at the end. */
static const struct nlattr *take(struct attributes *from)
{
	const struct nlattr *a = (const struct nlattr *)(const void *)from->at;
	size_t step;

	if (from->left < NLA_HDRLEN || a->nla_len < NLA_HDRLEN || a->nla_len > from->left)
		return NULL;
	step = (size_t)NLA_ALIGN(a->nla_len);
	if (step > from->left)
		step = from->left;
	from->at += step;
	from->left -= step;
	return a;
}

static int type_of(const struct nlattr *a)
{
	return a->nla_type & NLA_TYPE_MASK;
}

static const char *data_of(const struct nlattr *a, size_t *ret_n)
{
	*ret_n = a->nla_len - NLA_HDRLEN;
	return (const char *)a + NLA_HDRLEN;
}

static struct request generic(uint16_t family, uint8_t command)
{
	return (struct request){
		.head = {.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN, .nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST},
		.body.generic = {.cmd = command,                                       .version = 1                                             },
	};
}

/* Append an attribute to a request; what it holds must be shorter than the room for all (none is longer than a name).
 */
static struct nlattr *put(struct request *r, uint16_t type, const void *data, size_t size)
{
	struct nlattr *a = (struct nlattr *)(void *)((char *)r + NLMSG_ALIGN(r->head.nlmsg_len));

	a->nla_type = type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + size);
	memcpy((char *)a + NLA_HDRLEN, data, size);
	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + (uint32_t)NLA_ALIGN(a->nla_len);
	return a;
}

/* A request of ethtool's about one device: all of them begin with the same nested header, attribute 1. */
static struct request about(uint16_t family, uint8_t command, const char *nic)
{
	struct request r = generic(family, command);
	struct nlattr *header = put(&r, 1 | NLA_F_NESTED, "", 0);
	uint32_t flags = ETHTOOL_FLAG_COMPACT_BITSETS;

	put(&r, ETHTOOL_A_HEADER_DEV_NAME, nic, strlen(nic) + 1);
	put(&r, ETHTOOL_A_HEADER_FLAGS, &flags, sizeof(flags));
	header->nla_len = (uint16_t)((char *)&r + r.head.nlmsg_len - (char *)header);
	return r;
}

/* Send, and receive the one answer: false if it is an error. */
static bool ask(int fd, const struct request *r, char *answer, struct attributes *ret)
{
	const struct nlmsghdr *head = (const struct nlmsghdr *)(const void *)answer;
	enum { BEFORE = NLMSG_HDRLEN + GENL_HDRLEN };
	ssize_t n;

	if (send(fd, r, r->head.nlmsg_len, 0) < 0)
		return false;
	n = recv(fd, answer, ANSWER_MAX, 0);
	if (n < BEFORE || head->nlmsg_type == NLMSG_ERROR || head->nlmsg_len > (size_t)n || head->nlmsg_len < BEFORE)
		return false;
	*ret = (struct attributes){answer + BEFORE, head->nlmsg_len - BEFORE};
	return true;
}

/* The number that ethtool's messages have on this host, 0 if there is none. */
static uint16_t ethtool_family(int fd, char *answer)
{
	struct request r = generic(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	const struct nlattr *a;
	struct attributes all;
	uint16_t id = 0;
	size_t n;

	put(&r, CTRL_ATTR_FAMILY_NAME, ETHTOOL_GENL_NAME, sizeof(ETHTOOL_GENL_NAME));
	if (ask(fd, &r, answer, &all))
		while ((a = take(&all)))
			if (type_of(a) == CTRL_ATTR_FAMILY_ID)
				memcpy(&id, data_of(a, &n), sizeof(id));
	return id;
}

/* The name in the table, else the number; false if it is to be left out. */
static bool name_of(const char *names, int type, char ret[64])
{
	int first = 2; /* 1 is the header */

	for (; *names && first < type; first++) {
		names += strcspn(names, " ");
		names += strspn(names, " ");
	}
	if (*names)
		snprintf(ret, 64, "%.*s", (int)strcspn(names, " "), names);
	else
		snprintf(ret, 64, "%d", type);
	return strcmp(ret, "-") != 0;
}

static void emit_attribute(struct dump *d, const char *path, const char *data, size_t n)
{
	uint64_t number = 0;
	char hex[2 * 64 + 1];

	if (n == 1 || n == 2 || n == 4 || n == 8) {
		memcpy(&number, data, n); /* little-endian hosts are meant */
		emit(d, "ethtool:", path, "%llu", (unsigned long long)number);
	} else if (n <= 64) {
		for (size_t i = 0; i < n; i++)
			sprintf(hex + 2 * i, "%02x", (unsigned char)data[i]);
		emit_bytes(d, "ethtool:", path, hex, 2 * n);
	} else {
		emit_hash(d, "ethtool:", path, data, n);
	}
}

static void dump_nic(struct dump *d, int fd, uint16_t family, const char *nic, char *answer)
{
	for (size_t i = 0; i < sizeof(gets) / sizeof(*gets); i++) {
		struct request r = about(family, gets[i].command, nic);
		const struct nlattr *a;
		struct attributes all;
		char path[256], name[64];
		size_t n;

		if (!ask(fd, &r, answer, &all))
			continue;
		while ((a = take(&all))) {
			const char *data = data_of(a, &n);

			if (type_of(a) < 2 || !name_of(gets[i].attributes, type_of(a), name))
				continue;
			snprintf(path, sizeof(path), "%s/%s/%s", nic, gets[i].name, name);
			emit_attribute(d, path, data, n);
		}
	}
}

/* --- queueing disciplines --------------------------------------------------------------------------------------- */

/* "root", "1:2"; numbers from 8000 on are the kernel's choice, and others each time. */
static const char *format_handle(uint32_t handle, char to[32])
{
	if (handle == TC_H_ROOT)
		return strcpy(to, "root");
	if (handle >> 31)
		snprintf(to, 32, "auto:%x", handle & 0xffff);
	else
		snprintf(to, 32, "%x:%x", handle >> 16, handle & 0xffff);
	return to;
}

static void dump_qdisc(struct dump *d, struct nlmsghdr *head)
{
	enum { BEFORE = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct tcmsg)) };
	const struct tcmsg *tc = NLMSG_DATA(head);
	struct attributes all = {(char *)head + BEFORE, head->nlmsg_len - BEFORE};
	char nic[IF_NAMESIZE] = "?", path[64], parent[32], handle[32], kind[32] = "";
	uint64_t hash = FNV_START;
	const struct nlattr *a;

	while ((a = take(&all))) {
		size_t n;
		const char *data = data_of(a, &n);

		if (type_of(a) == TCA_KIND)
			snprintf(kind, sizeof(kind), "%.*s", (int)n, data);
		if (type_of(a) == TCA_OPTIONS)
			hash = fnv1a(hash, data, n);
	}
	if_indextoname((unsigned)tc->tcm_ifindex, nic);
	snprintf(path, sizeof(path), "%s/%s", nic, format_handle(tc->tcm_parent, parent));
	emit(d, "qdisc:", path, "%s %s, options hash %016llx", kind, format_handle(tc->tcm_handle, handle),
	     (unsigned long long)hash);
}

static void dump_qdiscs(struct dump *d, int fd, char *answer)
{
	struct request r = {
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct tcmsg)),
	                 .nlmsg_type = RTM_GETQDISC,
	                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};

	if (send(fd, &r, r.head.nlmsg_len, 0) < 0)
		return;
	for (;;) {
		ssize_t n = recv(fd, answer, ANSWER_MAX, 0);
		struct nlmsghdr *head = (struct nlmsghdr *)(void *)answer;

		if (n <= 0)
			return;
		for (; NLMSG_OK(head, (size_t)n); head = NLMSG_NEXT(head, n)) {
			if (head->nlmsg_type == NLMSG_DONE || head->nlmsg_type == NLMSG_ERROR)
				return;
			if (head->nlmsg_type == RTM_NEWQDISC)
				dump_qdisc(d, head);
		}
	}
}

void dump_netlink(struct dump *d)
{
	int generic_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int route_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct if_nameindex *nics = if_nameindex();
	char *answer = must(malloc(ANSWER_MAX));
	uint16_t family = generic_fd < 0 ? 0 : ethtool_family(generic_fd, answer);

	for (size_t i = 0; family && nics && nics[i].if_name; i++)
		dump_nic(d, generic_fd, family, nics[i].if_name, answer);
	if (route_fd >= 0)
		dump_qdiscs(d, route_fd, answer);
	free(answer);
	if (nics)
		if_freenameindex(nics);
	if (route_fd >= 0)
		close(route_fd);
	if (generic_fd >= 0)
		close(generic_fd);
}
