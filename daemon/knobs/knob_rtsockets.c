/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob rtsockets: a socket with SO_TIMESTAMP that the daemon keeps (struct knob_holds). As long as one is open anywhere
 * the kernel's switch netstamp_needed_key stays on; the first one that opens and the last one that closes patch the
 * kernel's code and interrupt every CPU for it, isolated ones too (net/core/dev.c, net_enable_timestamp). A socket with
 * SOF_TIMESTAMPING_RX_SOFTWARE throws the same switch. Must not send or receive.
 *
 * One object, "so_timestamp": "1" while the socket is held. What the switch itself says cannot be read.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/knobs/row_macros.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

#define KEY "so_timestamp"

extern const struct knob knob_rtsockets;

static const struct row row = {
	OPT(KEY, 1, NOW, "keep the time stamps of received packets switched on, by a socket that the daemon holds"),
	BOOL,
	COUNTER("CAL in /proc/interrupts stands still when programs with SO_TIMESTAMP start and stop"),
	SOURCE("net/core/dev.c, netstamp_needed_key"),
	TRAPS("interrupts every CPU once when it is set, and once when it is taken back; every received packet is "
	      "stamped, which costs some 20 ns; gone when the descriptor is closed; not applicable in standalone mode"),
};

static int need_holds(const struct knob_ctx *c, struct hft_err *err)
{
	const char *lacks = knob_cannot_hold(c);

	return lacks ? err_raise(err, ERR_NOT_APPLICABLE, ENOENT, KEY, "%s", lacks) : 0;
}

/* Netlink: the kernel stamps for every family but AF_UNIX, and this one needs no network and gets no packets. */
static int open_stamped(int *ret_fd, struct hft_err *err)
{
	CLEANUP(mem_closep) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)) < 0)
		return err_raise(err, ERR_WRITE_FAILED, errno, KEY, "cannot open a socket with SO_TIMESTAMP: %s",
		                 strerror(errno));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int rtsockets_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                          struct hft_err *err)
{
	if (!str_eq(option, KEY))
		return row_unknown_option("rtsockets", option, err);
	if (selector[0] != '\0')
		return row_no_selector(option, selector, err);
	return knob_objects_add(ret, KEY, NULL, knob_cannot_hold(c), err);
}

static int rtsockets_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                           struct strbuf *ret, struct hft_err *err)
{
	if (!key && !str_eq(option, row.option))
		return row_unknown_option("rtsockets", option, err);
	return row_value_parse(c, &row, "", value, ret, err);
}

static int rtsockets_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	int r = need_holds(c, err);

	if (r < 0)
		return r;
	strbuf_reset(ret);
	strbuf_add(ret, c->holds->value(c->holds->data, key) ? "1" : "0");
	return ret->oom ? err_oom(err) : 0;
}

static int rtsockets_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	int fd = -1;
	int r = need_holds(c, err);

	if (r < 0)
		return r;
	if (str_eq(value, "0"))
		return c->holds->value(c->holds->data, key) ? c->holds->release(c->holds->data, key, err) : 0;
	r = open_stamped(&fd, err);
	return r < 0 ? r : c->holds->hold(c->holds->data, key, value, fd, err);
}

static int rtsockets_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                            struct hft_err *err)
{
	const char *lacks = knob_cannot_hold(c);

	ret->state = KNOB_NA;
	snprintf(ret->reason, sizeof(ret->reason), "%s", lacks ? lacks : "");
	if (lacks)
		return 0;
	int r = rtsockets_read(c, key, &ret->found, err);
	if (r < 0)
		return r;
	ret->state = str_eq(strbuf_str(&ret->found), wanted) ? KNOB_OK : KNOB_DRIFT;
	if (ret->state == KNOB_DRIFT && str_eq(wanted, "1"))
		snprintf(ret->reason, sizeof(ret->reason), "the socket is no longer held");
	return 0;
}

static int rtsockets_explain(size_t i, struct knob_doc *ret)
{
	if (i > 0)
		return -ENOENT;
	row_doc(&row, ret);
	return 0;
}

const struct knob knob_rtsockets = {
	.name = "rtsockets",
	.summary = "switches in the network's receive path that must not be thrown while trading",
	.selector = "",
	.list = rtsockets_list,
	.parse = rtsockets_parse,
	.read = rtsockets_read,
	.write = rtsockets_write,
	.verify = rtsockets_verify,
	.explain = rtsockets_explain,
};
