/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests about one network device, and what a refusal means. Must not know any one setting. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/ethnl.h"
#include "daemon/knobs/nic.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"

#define FAULT_PATH "ethtool" /* what failpoints of tests know all of this by */

/* Every request has its header in attribute 1. */
_Static_assert(ETHTOOL_A_CHANNELS_HEADER == 1 && ETHTOOL_A_RINGS_HEADER == 1 && ETHTOOL_A_COALESCE_HEADER == 1 &&
               ETHTOOL_A_PAUSE_HEADER == 1 && ETHTOOL_A_EEE_HEADER == 1 && ETHTOOL_A_FEATURES_HEADER == 1 &&
               ETHTOOL_A_PRIVFLAGS_HEADER == 1, "ETHTOOL_A_*_HEADER");

struct nlmsghdr *nic_message(void *buf, const struct nic_at *at, uint8_t command)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(m, sizeof(*g));

	g->cmd = command;
	g->version = ETHTOOL_GENL_VERSION;
	struct nlattr *header = mnl_attr_nest_start(m, ETHTOOL_A_CHANNELS_HEADER);
	mnl_attr_put_u32(m, ETHTOOL_A_HEADER_DEV_INDEX, (uint32_t)at->ifindex);
	mnl_attr_nest_end(m, header);
	return m;
}

/* 524 is the kernel's own ENOTSUPP, which some drivers let out. */
static bool is_lacking(int error)
{
	return error == EOPNOTSUPP || error == 524 || error == ENODEV;
}

static int raise_lacking(const struct nic_at *at, int error, const char *text, struct hft_err *err)
{
	if (error == ENODEV)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, at->option, "the interface has gone");
	return nic_raise_lacking(at, err, "%s", text[0] != '\0' ? text : "the driver does not support it");
}

int nic_raise_refused(const struct nic_at *at, int error, const char *text, const char *value, struct hft_err *err)
{
	char title[80];

	if (is_lacking(error))
		return raise_lacking(at, error, text, err);
	int r = err_raise(err, ERR_WRITE_FAILED, error, at->option, "%s refuses '%s': %s%s%s", nic_title(at, title),
	                  value, strerror(error), text[0] != '\0' ? ": " : "", text);
	err_values(err, value, NULL);
	return r;
}

int nic_get(const struct nic_at *at, uint8_t command, struct ethnl_answer *ret, struct hft_err *err)
{
	char buf[NIC_MESSAGE_MAX] __attribute__((aligned(MNL_ALIGNTO)));
	char title[80];
	int r = fault_before(FAULT_READ, FAULT_PATH);

	if (r < 0)
		return err_raise(err, ERR_IO, -r, at->option, "cannot ask: %s", strerror(-r));
	r = ethnl_ask(nic_message(buf, at, command), ret, err);
	fault_after(FAULT_READ, FAULT_PATH);
	if (r < 0)
		return r;
	if (is_lacking(ret->error))
		return raise_lacking(at, ret->error, ret->text, err);
	if (ret->error == 0 && ret->reply)
		return 0;
	return err_raise(err, ERR_IO, ret->error ? ret->error : EIO, at->option, "%s does not tell: %s%s%s",
	                 nic_title(at, title), strerror(ret->error ? ret->error : EIO),
	                 ret->text[0] != '\0' ? ": " : "", ret->text);
}

int nic_set(const struct nic_at *at, struct nlmsghdr *m, const char *value, struct hft_err *err)
{
	struct ethnl_answer a = {0};
	int fault = fault_before(FAULT_WRITE, FAULT_PATH);

	if (fault < 0)
		return nic_raise_refused(at, -fault, "", value, err);
	int r = fault == 0 ? ethnl_ask(m, &a, err) : 0;
	fault_after(FAULT_WRITE, FAULT_PATH);
	if (r == 0 && a.error)
		r = nic_raise_refused(at, a.error, a.text, value, err);
	ethnl_answer_done(&a);
	return r;
}

const struct nlattr *nic_attr(const struct ethnl_answer *a, uint16_t type)
{
	struct nlattr *attr;

	mnl_attr_for_each(attr, a->reply, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}
