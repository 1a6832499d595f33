/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that lead flows to queues (ethtool -N), each at a place of its own: ntuple.LOC. By ioctl, as netlink has none.
 *
 * The place is part of the name, so that what stood there before is known and can be put back; a driver that chooses
 * places by itself refuses the write. Canonical is "none", or words in a fixed order as ethtool has them:
 *     flow-type udp4 src-ip 10.0.0.1 dst-ip 224.0.31.1 src-port 5000 dst-port 14310 action 2
 * with what may be anything left out, and action -1 to drop. A rule of somebody else that says more (masks, VLANs,
 * tunnels) reads as "raw", with the bytes of the kernel's structure: it can be put back, and not be asked for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/nic.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

#define PREFIX "ntuple."
#define PLACES_MAX 65536
#define RAW "raw "

static int place_of(const char *option, uint32_t *ret)
{
	int64_t place;

	if (!str_starts(option, PREFIX) || num_parse_range(option + strlen(PREFIX), 0, PLACES_MAX - 1, &place) < 0)
		return -EINVAL;
	*ret = (uint32_t)place;
	return 0;
}

static bool ntuple_has(const char *option)
{
	uint32_t place;

	return place_of(option, &place) == 0;
}

/* --- text and structure ------------------------------------------------------------------------------------------- */

static const struct flow {
	const char *name;
	uint32_t type;
	int family;
} flows[] = {
	{"tcp4", TCP_V4_FLOW, AF_INET },
	{"udp4", UDP_V4_FLOW, AF_INET },
	{"tcp6", TCP_V6_FLOW, AF_INET6},
	{"udp6", UDP_V6_FLOW, AF_INET6},
};

#define SPEC_AT(member) offsetof(struct ethtool_rx_flow_spec, member)

/* In the order of the canonical text. Where they lie: in the value (h_u), and the same in the mask (m_u). */
static const struct field {
	const char *word;
	bool address;
	size_t at4, at6;
} fields[] = {
	{"src-ip",   true,  SPEC_AT(h_u.tcp_ip4_spec.ip4src), SPEC_AT(h_u.tcp_ip6_spec.ip6src)},
	{"dst-ip",   true,  SPEC_AT(h_u.tcp_ip4_spec.ip4dst), SPEC_AT(h_u.tcp_ip6_spec.ip6dst)},
	{"src-port", false, SPEC_AT(h_u.tcp_ip4_spec.psrc),   SPEC_AT(h_u.tcp_ip6_spec.psrc)  },
	{"dst-port", false, SPEC_AT(h_u.tcp_ip4_spec.pdst),   SPEC_AT(h_u.tcp_ip6_spec.pdst)  },
};

#define MASK_AT (SPEC_AT(m_u) - SPEC_AT(h_u)) /* of a field, behind its value */

static size_t size_of(const struct field *f, const struct flow *flow)
{
	return !f->address ? sizeof(uint16_t) : flow->family == AF_INET ? 4 : 16;
}

static uint8_t *value_at(struct ethtool_rx_flow_spec *s, const struct field *f, const struct flow *flow)
{
	return (uint8_t *)s + (flow->family == AF_INET ? f->at4 : f->at6);
}

static const struct flow *flow_of(const struct ethtool_rx_flow_spec *s)
{
	for (size_t i = 0; i < ARRAY_LEN(flows); i++)
		if (flows[i].type == s->flow_type)
			return &flows[i];
	return NULL;
}

static int put_field(struct ethtool_rx_flow_spec *s, const struct field *f, const struct flow *flow, const char *text)
{
	uint8_t *value = value_at(s, f, flow);
	uint16_t port;
	int64_t n;

	if (f->address && inet_pton(flow->family, text, value) != 1)
		return -EINVAL;
	if (!f->address) {
		if (num_parse_range(text, 0, UINT16_MAX, &n) < 0)
			return -EINVAL;
		port = htons((uint16_t)n);
		memcpy(value, &port, sizeof(port));
	}
	memset(value + MASK_AT, 0xff, size_of(f, flow));
	return 0;
}

/* Words in pairs: flow-type first, then fields in any order, then action. -EINVAL. */
static int put_words(struct ethtool_rx_flow_spec *s, const struct strlist *w)
{
	const struct flow *flow = NULL;
	uint64_t seen = 0;
	int64_t action;

	for (size_t i = 0; w->n >= 4 && i < ARRAY_LEN(flows); i++)
		if (str_eq(w->s[0], "flow-type") && str_eq(w->s[1], flows[i].name))
			flow = &flows[i];
	if (!flow || w->n % 2 != 0 || !str_eq(w->s[w->n - 2], "action") ||
	    num_parse_range(w->s[w->n - 1], -1, UINT16_MAX, &action) < 0)
		return -EINVAL;
	s->flow_type = flow->type;
	s->ring_cookie = action < 0 ? RX_CLS_FLOW_DISC : (uint64_t)action;
	for (size_t i = 2; i < w->n - 2; i += 2) {
		size_t f = 0;
		while (f < ARRAY_LEN(fields) && !str_eq(fields[f].word, w->s[i]))
			f++;
		if (f == ARRAY_LEN(fields) || (seen >> f & 1) || put_field(s, &fields[f], flow, w->s[i + 1]) < 0)
			return -EINVAL;
		seen |= UINT64_C(1) << f;
	}
	return 0;
}

static int put_raw(struct ethtool_rx_flow_spec *s, const char *hex)
{
	char digits[3] = "";
	uint64_t byte;

	if (strlen(hex) != 2 * sizeof(*s))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(*s); i++) {
		memcpy(digits, hex + 2 * i, 2);
		if (num_parse_hex(digits, &byte) < 0)
			return -EINVAL;
		((uint8_t *)s)[i] = (uint8_t)byte;
	}
	return 0;
}

/* Text in either form, but not "none". -EINVAL, -ENOMEM. */
static int spec_of(const char *text, struct ethtool_rx_flow_spec *ret)
{
	CLEANUP(strlist_done) struct strlist words = {0};

	memset(ret, 0, sizeof(*ret));
	if (str_starts(text, RAW))
		return put_raw(ret, text + strlen(RAW));
	return strlist_split(&words, text, " ") < 0 ? -ENOMEM : put_words(ret, &words);
}

static bool is_set(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return true;
	return false;
}

static void format_words(struct ethtool_rx_flow_spec *s, const struct flow *flow, struct strbuf *ret)
{
	char address[INET6_ADDRSTRLEN] = "";
	uint16_t port;

	strbuf_addf(ret, "flow-type %s", flow->name);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const uint8_t *value = value_at(s, &fields[i], flow);
		if (!is_set(value + MASK_AT, size_of(&fields[i], flow)))
			continue;
		memcpy(&port, value, sizeof(port));
		if (fields[i].address)
			strbuf_addf(ret, " %s %s", fields[i].word,
			            inet_ntop(flow->family, value, address, sizeof(address)));
		else
			strbuf_addf(ret, " %s %u", fields[i].word, ntohs(port));
	}
	if (s->ring_cookie == RX_CLS_FLOW_DISC)
		strbuf_add(ret, " action -1");
	else
		strbuf_addf(ret, " action %llu", (unsigned long long)s->ring_cookie);
}

/* Words, when they say all that there is in it. */
static void format(struct ethtool_rx_flow_spec *s, struct strbuf *ret)
{
	const struct flow *flow = flow_of(s);
	struct ethtool_rx_flow_spec again;

	s->location = 0;
	if (flow)
		format_words(s, flow, ret);
	if (flow && spec_of(strbuf_str(ret), &again) == 0 && memcmp(s, &again, sizeof(again)) == 0)
		return;
	strbuf_reset(ret);
	strbuf_add(ret, RAW);
	for (size_t i = 0; i < sizeof(*s); i++)
		strbuf_addf(ret, "%02x", ((const uint8_t *)s)[i]);
}

/* --- the driver --------------------------------------------------------------------------------------------------- */

static int raise_get(const struct nic_at *at, int r, struct hft_err *err)
{
	if (r == -ENOMEM)
		return err_oom(err);
	if (r == -EOPNOTSUPP || r == -ENODEV)
		return nic_raise_refused(at, -r, "", "", err);
	return err_raise(err, ERR_IO, -r, at->option, "%s does not tell its flow rules: %s", at->nic->name,
	                 strerror(-r));
}

/* How many rules there are, and may be (0: the driver does not say). */
static int count(const struct nic_at *at, uint32_t *ret, uint32_t *ret_most, struct hft_err *err)
{
	struct ethtool_rxnfc x = {.cmd = ETHTOOL_GRXCLSRLCNT};
	int r = nic_ioctl(at->nic->name, &x);

	*ret = x.rule_cnt < PLACES_MAX ? x.rule_cnt : PLACES_MAX;
	*ret_most = (uint32_t)x.data & ~RX_CLS_LOC_SPECIAL;
	return r < 0 ? raise_get(at, r, err) : 0;
}

int nic_ntuple_places(const struct nic_at *at, uint32_t **ret, size_t *ret_n, struct hft_err *err)
{
	CLEANUP(mem_freep) struct ethtool_rxnfc *x = NULL;
	uint32_t n, most;
	int r = count(at, &n, &most, err);

	*ret = NULL;
	*ret_n = 0;
	if (r < 0 || n == 0)
		return r;
	x = calloc(1, sizeof(*x) + n * sizeof(uint32_t));
	if (!x)
		return err_oom(err);
	x->cmd = ETHTOOL_GRXCLSRLALL;
	x->rule_cnt = n;
	r = nic_ioctl(at->nic->name, x);
	if (r < 0)
		return raise_get(at, r, err);
	*ret_n = x->rule_cnt < n ? x->rule_cnt : n;
	memmove(x, x->rule_locs, *ret_n * sizeof(uint32_t));
	*ret = (uint32_t *)TAKE_PTR(x);
	return 0;
}

/* Drivers differ in what they say of an empty place, so the list is asked. */
static int is_taken(const struct nic_at *at, uint32_t place, bool *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) uint32_t *places = NULL;
	size_t n;
	int r = nic_ntuple_places(at, &places, &n, err);

	*ret = false;
	for (size_t i = 0; r == 0 && i < n; i++)
		*ret = *ret || places[i] == place;
	return r;
}

/* --- the part ----------------------------------------------------------------------------------------------------- */

static int ntuple_parse(const struct knob_ctx *c, const struct nic_at *at, const char *value, struct strbuf *ret,
                        struct hft_err *err)
{
	struct ethtool_rxnfc rings = {.cmd = ETHTOOL_GRXRINGS};
	uint32_t place = 0, n, places, queues;
	char bounds[48];
	struct ethtool_rx_flow_spec s;
	int r = str_eq(value, "none") ? 0 : str_starts(value, RAW) ? -EINVAL : spec_of(value, &s);

	(void)c;
	if (r == -ENOMEM)
		return err_oom(err);
	if (r < 0)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, at->option,
		                 "%s cannot be '%s': none, or flow-type tcp4|udp4|tcp6|udp6 [src-ip A] [dst-ip A] "
		                 "[src-port N] [dst-port N] action QUEUE",
		                 at->option, value);
	if (str_eq(value, "none"))
		strbuf_add(ret, value);
	else
		format(&s, ret);
	if (!at->nic)
		return 0;
	place_of(at->option, &place);
	r = count(at, &n, &places, err);
	if (r < 0)
		return r;
	if (places > 0 && place >= places) {
		snprintf(bounds, sizeof(bounds), "ntuple.0 .. ntuple.%u", places - 1);
		r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, at->option, "%s has no such place", at->nic->name);
		err_values(err, bounds, at->option);
		return r;
	}
	if (str_eq(value, "none") || s.ring_cookie == RX_CLS_FLOW_DISC || nic_ioctl(at->nic->name, &rings) < 0)
		return 0;
	queues = nic_queues_max(at) > rings.data ? nic_queues_max(at) : (uint32_t)rings.data;
	if (s.ring_cookie < queues)
		return 0;
	snprintf(bounds, sizeof(bounds), "queues 0..%u", queues > 0 ? queues - 1 : 0);
	r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, at->option, "%s cannot have a queue %llu", at->nic->name,
	              (unsigned long long)s.ring_cookie);
	err_values(err, bounds, value);
	return r;
}

static int ntuple_read(const struct knob_ctx *c, const struct nic_at *at, struct strbuf *ret, struct hft_err *err)
{
	struct ethtool_rxnfc x = {.cmd = ETHTOOL_GRXCLSRULE};
	bool taken;
	int r = place_of(at->option, &x.fs.location) < 0 ? -EINVAL : is_taken(at, x.fs.location, &taken, err);

	(void)c;
	if (r == 0 && !taken)
		strbuf_add(ret, "none");
	if (r < 0 || !taken)
		return r;
	r = nic_ioctl(at->nic->name, &x);
	if (r < 0)
		return raise_get(at, r, err);
	format(&x.fs, ret);
	return ret->oom ? err_oom(err) : 0;
}

static int ntuple_set(const struct knob_ctx *c, const struct nic_at *at, const char *value, struct hft_err *err)
{
	struct ethtool_rxnfc x = {.cmd = ETHTOOL_SRXCLSRLINS}, old = {.cmd = ETHTOOL_SRXCLSRLDEL};
	bool taken = false;
	int r = str_eq(value, "none") ? 0 : spec_of(value, &x.fs);

	(void)c;
	if (r == 0)
		r = place_of(at->option, &x.fs.location);
	if (r < 0)
		return err_raise(err, ERR_WRITE_FAILED, -r, at->option, "not a flow rule: '%s'", value);
	r = is_taken(at, x.fs.location, &taken, err);
	if (r < 0)
		return r;
	/* Most drivers replace what stands there, some refuse to; all can take it away first. */
	old.fs.location = x.fs.location;
	if (taken)
		r = nic_ioctl(at->nic->name, &old);
	if (r == 0 && !str_eq(value, "none"))
		r = nic_ioctl(at->nic->name, &x);
	return r < 0 ? nic_raise_refused(at, -r, "", value, err) : 0;
}

static int ntuple_explain(size_t i, struct knob_doc *ret)
{
	if (i > 0)
		return -ENOENT;
	*ret = (struct knob_doc){
		.option = PREFIX "*",
		.summary = "the rule at a place of the device's table that leads a flow to a queue",
		.unit = "rule",
		.bounds = "none | flow-type tcp4|udp4|tcp6|udp6 [src-ip A] [dst-ip A] [src-port N] [dst-port N] action "
			  "QUEUE (-1 drops)",
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "packets per queue in ethtool -S",
		.changes = "",
		.source = "include/uapi/linux/ethtool.h, ETHTOOL_SRXCLSRLINS",
		.traps = "needs feature.rx-ntuple-filter = on; many drivers lose rules in a reset and when channels "
			 "change (drift then); which places come first is the device's affair; a driver that chooses "
	                 "places "
			 "by itself refuses",
	};
	return 0;
}

const struct nic_part nic_ntuple = {
	.by_ethtool = true,
	.has = ntuple_has,
	.parse = ntuple_parse,
	.read = ntuple_read,
	.set = ntuple_set,
	.explain = ntuple_explain,
};
