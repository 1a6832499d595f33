/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switches that an ethtool message holds by name: features ("feature.rx-gro") and the private flags of a driver
 * ("priv.rx_cqe_compress"). Features go by the kernel's names alone, which `ethtool -k` shows beside those of its own
 * for groups of them ("generic-receive-offload" is rx-gro).
 *
 * Canonical: on|off, and for a feature that is not as it was asked for the words of `ethtool -k`: "off [requested on]".
 * The request is what is written; what comes of it the kernel works out from the requests of all features.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool_netlink.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/ethnl.h"
#include "daemon/knobs/nic.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define FEATURE "feature."
#define PRIVATE "priv."
#define REQUESTED "[requested "
#define NAME_MAX_LEN 31 /* ETH_GSTRING_LEN with its NUL */

static bool is_feature(const char *option)
{
	return str_starts(option, FEATURE);
}

static const char *name_of(const char *option)
{
	return strchr(option, '.') + 1;
}

static bool bits_has(const char *option)
{
	if (!is_feature(option) && !str_starts(option, PRIVATE))
		return false;
	size_t len = strlen(name_of(option));
	return len > 0 && len <= NAME_MAX_LEN && !str_is_pattern(option);
}

/* --- bit sets (Documentation/networking/ethtool-netlink.rst, Bit sets) -------------------------------------------- */

/* 1 or 0: the bit of that name; -ENOENT when the set does not speak of it. */
static int bit_of(const struct nlattr *set, const char *name)
{
	struct nlattr *attr, *bit, *bits = NULL;
	bool is_list = false; /* of what is set; otherwise with values */

	if (!set)
		return -ENOENT;
	mnl_attr_for_each_nested(attr, set) {
		is_list = is_list || mnl_attr_get_type(attr) == ETHTOOL_A_BITSET_NOMASK;
		if (mnl_attr_get_type(attr) == ETHTOOL_A_BITSET_BITS)
			bits = attr;
	}
	if (!bits)
		return is_list ? 0 : -ENOENT;
	mnl_attr_for_each_nested(bit, bits) {
		bool found = false, value = is_list;
		mnl_attr_for_each_nested(attr, bit) {
			if (mnl_attr_get_type(attr) == ETHTOOL_A_BITSET_BIT_VALUE)
				value = true;
			else if (mnl_attr_get_type(attr) == ETHTOOL_A_BITSET_BIT_NAME &&
			         mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
				found = str_eq(mnl_attr_get_str(attr), name);
		}
		if (found)
			return value;
	}
	return is_list ? 0 : -ENOENT;
}

static void put_bit(struct nlmsghdr *m, uint16_t type, const char *name, bool value)
{
	struct nlattr *set = mnl_attr_nest_start(m, type);
	struct nlattr *bits = mnl_attr_nest_start(m, ETHTOOL_A_BITSET_BITS);
	struct nlattr *bit = mnl_attr_nest_start(m, ETHTOOL_A_BITSET_BITS_BIT);

	mnl_attr_put_strz(m, ETHTOOL_A_BITSET_BIT_NAME, name);
	if (value)
		mnl_attr_put(m, ETHTOOL_A_BITSET_BIT_VALUE, 0, NULL);
	mnl_attr_nest_end(m, bit);
	mnl_attr_nest_end(m, bits);
	mnl_attr_nest_end(m, set);
}

/* --- features ----------------------------------------------------------------------------------------------------- */

/* Names that no kernel has are errors of a profile; these are those of Linux 6.1 (net/ethtool/common.c) and later. */
static const char *const features[] = {
	"esp-hw-offload", "esp-tx-csum-hw-offload", "fcoe-mtu", "highdma", "hsr-dup-offload", "hsr-fwd-offload",
	"hsr-tag-ins-offload", "hsr-tag-rm-offload", "hw-tc-offload", "l2-fwd-offload", "loopback",
	"macsec-hw-offload", "rx-all", "rx-checksum", "rx-fcs", "rx-gro", "rx-gro-hw", "rx-gro-list", "rx-hashing",
	"rx-lro", "rx-ntuple-filter", "rx-udp-gro-forwarding", "rx-udp_tunnel-port-offload", "rx-vlan-filter",
	"rx-vlan-hw-parse", "rx-vlan-stag-filter", "rx-vlan-stag-hw-parse", "tls-hw-record", "tls-hw-rx-offload",
	"tls-hw-tx-offload", "tx-checksum-fcoe-crc", "tx-checksum-ip-generic", "tx-checksum-ipv4",
	"tx-checksum-ipv6", "tx-checksum-sctp", "tx-esp-segmentation", "tx-fcoe-segmentation",
	"tx-generic-segmentation", "tx-gre-csum-segmentation", "tx-gre-segmentation", "tx-gso-list",
	"tx-gso-partial", "tx-gso-robust", "tx-ipxip4-segmentation", "tx-ipxip6-segmentation", "tx-nocache-copy",
	"tx-scatter-gather", "tx-scatter-gather-fraglist", "tx-sctp-segmentation", "tx-tcp-accecn-segmentation",
	"tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-tcp-segmentation", "tx-tcp6-segmentation",
	"tx-tunnel-remcsum-segmentation", "tx-udp-segmentation", "tx-udp_tnl-csum-segmentation",
	"tx-udp_tnl-segmentation", "tx-vlan-hw-insert", "tx-vlan-stag-hw-insert",
};

/* What the kernel turns off along with a feature, whatever was asked for it (net/core/dev.c, netdev_fix_features). */
#define SEGMENTATION                                                                                                   \
	"nic:feature.tx-tcp-segmentation, nic:feature.tx-tcp-ecn-segmentation, "                                       \
	"nic:feature.tx-tcp-mangleid-segmentation, nic:feature.tx-tcp6-segmentation, "                                 \
	"nic:feature.tx-generic-segmentation, nic:feature.tx-udp-segmentation"

static const struct {
	const char *feature, *changes;
} drags[] = {
	{"tx-checksum-*",     "nic:feature.tx-scatter-gather, " SEGMENTATION},
	{"tx-scatter-gather", SEGMENTATION                                  },
	{"rx-checksum",       "nic:feature.rx-gro-hw, nic:feature.rx-lro"   },
	{"rx-gro-hw",         "nic:feature.rx-lro"                          },
	{"rx-ntuple-filter",  "nic:ntuple.*"                                },
	{"rx-lro",            "nic:feature.rx-gro-hw"                       },
};

const char *nic_feature_changes(const char *option)
{
	for (size_t i = 0; is_feature(option) && i < ARRAY_LEN(drags); i++)
		if (str_match(drags[i].feature, name_of(option)))
			return drags[i].changes;
	return "";
}

static bool is_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		if (str_eq(features[i], name))
			return true;
	return false;
}

static int raise_unknown(const struct nic_at *at, const char *name, struct hft_err *err)
{
	if (is_known(name))
		return nic_raise_lacking(at, err, "this kernel does not know it");
	int r = err_raise(err, ERR_INVALID_PROFILE, EINVAL, at->option, "no kernel has a feature '%s'", name);
	err_hint(err, "`ethtool -k %s` shows the names; of groups of features take the single ones", at->nic->name);
	return r;
}

static int read_feature(const struct nic_at *at, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(ethnl_answer_done) struct ethnl_answer a = {0};
	const char *name = name_of(at->option);
	int r = nic_get(at, ETHTOOL_MSG_FEATURES_GET, &a, err);

	if (r < 0)
		return r;
	int hw = bit_of(nic_attr(&a, ETHTOOL_A_FEATURES_HW), name);
	int wanted = bit_of(nic_attr(&a, ETHTOOL_A_FEATURES_WANTED), name);
	int active = bit_of(nic_attr(&a, ETHTOOL_A_FEATURES_ACTIVE), name);
	if (hw < 0 || wanted < 0 || active < 0)
		return raise_unknown(at, name, err);
	if (hw == 0 || bit_of(nic_attr(&a, ETHTOOL_A_FEATURES_NOCHANGE), name) == 1)
		return nic_raise_lacking(at, err, "fixed at %s by the driver", active ? "on" : "off");
	strbuf_add(ret, active ? "on" : "off");
	if (wanted != active)
		strbuf_addf(ret, " " REQUESTED "%s]", wanted ? "on" : "off");
	return ret->oom ? err_oom(err) : 0;
}

/* --- private flags ------------------------------------------------------------------------------------------------ */

static int read_private(const struct nic_at *at, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(ethnl_answer_done) struct ethnl_answer a = {0};
	int r = nic_get(at, ETHTOOL_MSG_PRIVFLAGS_GET, &a, err);

	if (r < 0)
		return r;
	int bit = bit_of(nic_attr(&a, ETHTOOL_A_PRIVFLAGS_FLAGS), name_of(at->option));
	if (bit < 0)
		return nic_raise_lacking(at, err, "the driver has no private flag of that name");
	strbuf_add(ret, bit ? "on" : "off");
	return ret->oom ? err_oom(err) : 0;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

static int bits_read(const struct knob_ctx *c, const struct nic_at *at, struct strbuf *ret, struct hft_err *err)
{
	(void)c;
	return is_feature(at->option) ? read_feature(at, ret, err) : read_private(at, ret, err);
}

static int bits_parse(const struct knob_ctx *c, const struct nic_at *at, const char *value, struct strbuf *ret,
                      struct hft_err *err)
{
	(void)c;
	strbuf_add(ret, value);
	if (str_eq(value, "on") || str_eq(value, "off"))
		return 0;
	int r = err_raise(err, ERR_INVALID_PROFILE, EINVAL, at->option, "%s cannot be '%s'", at->option, value);
	err_values(err, "on|off", value);
	return r;
}

static int bits_set(const struct knob_ctx *c, const struct nic_at *at, const char *value, struct hft_err *err)
{
	char buf[NIC_MESSAGE_MAX] __attribute__((aligned(MNL_ALIGNTO)));
	bool feature = is_feature(at->option);
	struct nlmsghdr *m = nic_message(buf, at, feature ? ETHTOOL_MSG_FEATURES_SET : ETHTOOL_MSG_PRIVFLAGS_SET);
	const char *requested = strstr(value, REQUESTED);
	const char *word = requested ? requested + strlen(REQUESTED) : value;

	(void)c;
	put_bit(m, feature ? ETHTOOL_A_FEATURES_WANTED : ETHTOOL_A_PRIVFLAGS_FLAGS, name_of(at->option),
	        str_starts(word, "on"));
	return nic_set(at, m, value, err);
}

static int bits_judge(const struct knob_ctx *c, const struct nic_at *at, const char *wanted, struct knob_verdict *ret,
                      struct hft_err *err)
{
	(void)c;
	(void)at;
	(void)wanted;
	(void)err;
	if (strstr(strbuf_str(&ret->found), REQUESTED))
		snprintf(ret->reason, sizeof(ret->reason),
		         "another feature, or the driver, does not let it be as it was asked for");
	return 0;
}

static const struct knob_doc docs[] = {
	{
		.option = FEATURE "*",
		.summary = "a feature by the kernel's name: feature.rx-gro, feature.rx-lro, "
			   "feature.tx-tcp-segmentation",
		.unit = "word",
		.bounds = "on|off",
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "ethtool -k",
		.changes = "features that need it: of tx-checksum-* and tx-scatter-gather the segmentation, of "
			   "rx-checksum rx-gro-hw and rx-lro",
		.source = "Documentation/networking/netdev-features.rst, net/ethtool/common.c",
		.traps = "names are those of single features (rx-gro, not generic-receive-offload); [fixed] ones "
			 "are not applicable; a feature that another one holds back reads \"off [requested on]\" and "
			 "is not in effect; interfaces on top follow; some drivers restart the device",
	},
	{
		.option = PRIVATE "*",
		.summary = "a private flag of the driver, as ethtool --show-priv-flags has it: priv.rx_cqe_compress",
		.unit = "word",
		.bounds = "on|off",
		.risk = 2,
		.effect = EFFECT_NOW,
		.counter = "ethtool --show-priv-flags",
		.changes = "nic:rings.*, nic:coalesce.*, nic:xps_cpus, irq:*",
		.source = "Documentation/networking/ethtool-netlink.rst, and the driver's document in "
			  "Documentation/networking/device_drivers",
		.traps = "a misspelt flag is not applicable, as nobody knows the flags of all drivers; many restart "
			 "the device; a name with blanks cannot be written in a profile",
	},
};

static int bits_explain(size_t i, struct knob_doc *ret)
{
	if (i >= ARRAY_LEN(docs))
		return -ENOENT;
	*ret = docs[i];
	return 0;
}

const struct nic_part nic_bits = {
	.by_ethtool = true,
	.has = bits_has,
	.parse = bits_parse,
	.read = bits_read,
	.set = bits_set,
	.judge = bits_judge,
	.explain = bits_explain,
};
