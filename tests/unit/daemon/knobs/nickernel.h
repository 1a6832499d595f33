/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel with the drivers that no machine of ours has: stands in for daemon/knobs/ethnl.c, which the linker then
 * leaves out. It holds what a test puts into `kernel`, answers and refuses in the kernel's form, and remembers the last
 * change. The device is eth0 of nictree.h.
 */
#pragma once

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include "daemon/knobs/ethnl.h"
#include "tests/unit/daemon/knobs/nictree.h"

extern const struct knob knob_nic;

#define ETH0 "pci-" TWO_PORTS " "

struct kernel_number {
	uint16_t attr;
	uint8_t size; /* 0: u32 */
	uint32_t value;
};

struct kernel_bit {
	const char *name;
	bool hw, nochange, wanted, active;
};

static struct kernel {
	int failure;                     /* of the question itself: -ETIMEDOUT */
	int get_error, set_error;
	const char *text;                /* extended acknowledgement of these */
	struct kernel_number numbers[8]; /* ended by attr 0 */
	struct kernel_bit bits[4];       /* ended by NULL */
	struct {
		unsigned n;
		uint8_t command;
		uint16_t attr;
		uint32_t value;
		char name[40];
	} change;
} kernel;

void ethnl_answer_done(struct ethnl_answer *a)
{
	free(a->reply);
	*a = (struct ethnl_answer){0};
}

/* As the kernel does: with a mask every bit is listed, without one ("no mask") only those that are set. */
static void put_set(struct nlmsghdr *m, uint16_t type, bool masked, size_t member)
{
	struct nlattr *set = mnl_attr_nest_start(m, type), *bits, *bit;

	if (!masked)
		mnl_attr_put(m, ETHTOOL_A_BITSET_NOMASK, 0, NULL);
	mnl_attr_put_u32(m, ETHTOOL_A_BITSET_SIZE, 64);
	bits = mnl_attr_nest_start(m, ETHTOOL_A_BITSET_BITS);
	for (uint32_t i = 0; i < ARRAY_LEN(kernel.bits) && kernel.bits[i].name; i++) {
		bool value = *((const bool *)((const char *)&kernel.bits[i] + member));
		if (!masked && !value)
			continue;
		bit = mnl_attr_nest_start(m, ETHTOOL_A_BITSET_BITS_BIT);
		mnl_attr_put_u32(m, ETHTOOL_A_BITSET_BIT_INDEX, i);
		mnl_attr_put_strz(m, ETHTOOL_A_BITSET_BIT_NAME, kernel.bits[i].name);
		if (masked && value)
			mnl_attr_put(m, ETHTOOL_A_BITSET_BIT_VALUE, 0, NULL);
		mnl_attr_nest_end(m, bit);
	}
	mnl_attr_nest_end(m, bits);
	mnl_attr_nest_end(m, set);
}

static void answer(uint8_t command, struct ethnl_answer *ret)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(calloc(1, 8192));

	mnl_nlmsg_put_extra_header(m, sizeof(struct genlmsghdr));
	for (const struct kernel_number *n = kernel.numbers; n->attr; n++)
		mnl_attr_put(m, n->attr, n->size ? n->size : 4, &n->value);
	if (command == ETHTOOL_MSG_FEATURES_GET) {
		put_set(m, ETHTOOL_A_FEATURES_HW, true, offsetof(struct kernel_bit, hw));
		put_set(m, ETHTOOL_A_FEATURES_WANTED, false, offsetof(struct kernel_bit, wanted));
		put_set(m, ETHTOOL_A_FEATURES_ACTIVE, false, offsetof(struct kernel_bit, active));
		put_set(m, ETHTOOL_A_FEATURES_NOCHANGE, true, offsetof(struct kernel_bit, nochange));
	} else if (command == ETHTOOL_MSG_PRIVFLAGS_GET) {
		put_set(m, ETHTOOL_A_PRIVFLAGS_FLAGS, true, offsetof(struct kernel_bit, active));
	}
	ret->reply = m;
}

/* The request has the header, and one attribute after it: a number, or a set of one named bit. */
static void remember(struct nlmsghdr *m)
{
	const struct genlmsghdr *g = mnl_nlmsg_get_payload(m);
	struct nlattr *attr, *bits, *part;

	kernel.change.n++;
	kernel.change.command = g->cmd;
	kernel.change.name[0] = '\0';
	mnl_attr_for_each(attr, m, sizeof(*g)) {
		if (mnl_attr_get_type(attr) == 1) {
			part = mnl_attr_get_payload(attr);
			assert_int_equal(mnl_attr_get_type(part), ETHTOOL_A_HEADER_DEV_INDEX);
			assert_int_equal(mnl_attr_get_u32(part), 7);
			continue;
		}
		kernel.change.attr = mnl_attr_get_type(attr);
		if (g->cmd != ETHTOOL_MSG_FEATURES_SET && g->cmd != ETHTOOL_MSG_PRIVFLAGS_SET) {
			kernel.change.value = mnl_attr_get_payload_len(attr) == 1 ? mnl_attr_get_u8(attr) :
			                      mnl_attr_get_u32(attr);
			continue;
		}
		bits = mnl_attr_get_payload(attr);
		kernel.change.value = 0;
		mnl_attr_for_each_nested(part, (struct nlattr *)mnl_attr_get_payload(bits)) {
			if (mnl_attr_get_type(part) == ETHTOOL_A_BITSET_BIT_NAME)
				snprintf(kernel.change.name, sizeof(kernel.change.name), "%s", mnl_attr_get_str(part));
			kernel.change.value |= mnl_attr_get_type(part) == ETHTOOL_A_BITSET_BIT_VALUE;
		}
	}
}

static bool is_set(uint8_t command)
{
	static const uint8_t sets[] = { ETHTOOL_MSG_CHANNELS_SET, ETHTOOL_MSG_RINGS_SET, ETHTOOL_MSG_COALESCE_SET,
		                        ETHTOOL_MSG_PAUSE_SET, ETHTOOL_MSG_EEE_SET, ETHTOOL_MSG_FEATURES_SET,
		                        ETHTOOL_MSG_PRIVFLAGS_SET };

	return memchr(sets, command, sizeof(sets)) != NULL;
}

int ethnl_ask(struct nlmsghdr *request, struct ethnl_answer *ret, struct hft_err *err)
{
	uint8_t command = ((const struct genlmsghdr *)mnl_nlmsg_get_payload(request))->cmd;

	ethnl_answer_done(ret);
	if (kernel.failure)
		return err_raise(err, ERR_TIMEOUT, -kernel.failure, "ethtool netlink", "no answer");
	ret->error = is_set(command) ? kernel.set_error : kernel.get_error;
	if (ret->error)
		snprintf(ret->text, sizeof(ret->text), "%s", kernel.text ? kernel.text : "");
	else if (is_set(command))
		remember(request);
	else
		answer(command, ret);
	return 0;
}

static inline int kernel_setup(void **state)
{
	struct cputree *t = nictree_new();

	kernel = (struct kernel){0};
	t->c.copied = false; /* a tree, with a kernel beside it */
	*state = t;
	return 0;
}

static inline int kernel_teardown(void **state)
{
	cputree_free(*state);
	return 0;
}
