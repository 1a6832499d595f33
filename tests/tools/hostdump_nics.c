/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings of network devices that ethtool's ioctl alone tells, or tells by name: features, private flags, what
 * spreads packets over queues, tunables, hardware timestamps. hostdump_netlink.c has the rest. Only "get" commands.
 */
#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/tools/hostdump.h"

#define TABLE_MAX 4096 /* entries of an indirection table, bytes of a key, rules */

struct nic {
	struct dump *d;
	const char *name;
	int fd;
};

static bool get(const struct nic *nic, unsigned long request, void *data)
{
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", nic->name);
	ifr.ifr_data = data;
	return ioctl(nic->fd, request, &ifr) == 0;
}

static bool ethtool(const struct nic *nic, void *data)
{
	return get(nic, SIOCETHTOOL, data);
}

/* "eth0/WHAT/NAME" into path. */
static const char *path_of(char path[256], const struct nic *nic, const char *what, const char *name)
{
	snprintf(path, 256, "%s/%s/%.*s", nic->name, what, ETH_GSTRING_LEN, name);
	return path;
}

/* The names of a set of bits, *ret_n of them, to be freed; NULL if there are none. */
static struct ethtool_gstrings *names(const struct nic *nic, uint32_t set, uint32_t *ret_n)
{
	union {
		struct ethtool_sset_info info;
		uint32_t words[5]; /* the last is the number of bits */
	} ask = {
		.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = UINT64_C(1) << set}
        };
	struct ethtool_gstrings *all;

	if (!ethtool(nic, &ask) || !ask.info.sset_mask || !ask.words[4])
		return NULL;
	all = must(calloc(1, sizeof(*all) + (size_t)ask.words[4] * ETH_GSTRING_LEN));
	all->cmd = ETHTOOL_GSTRINGS;
	all->string_set = set;
	all->len = ask.words[4];
	if (!ethtool(nic, all)) {
		free(all);
		return NULL;
	}
	*ret_n = ask.words[4];
	return all;
}

static const char *name_at(const struct ethtool_gstrings *all, uint32_t i)
{
	return (const char *)all->data + (size_t)i * ETH_GSTRING_LEN;
}

static bool bit(const uint32_t *words, uint32_t i, size_t stride)
{
	return words[i / 32 * stride] >> i % 32 & 1;
}

/* What is on, and what would be on if the others let it (a feature comes back when what it needs does). */
static void dump_features(const struct nic *nic)
{
	enum { STRIDE = sizeof(struct ethtool_get_features_block) / sizeof(uint32_t) };
	uint32_t n = 0, blocks;
	struct ethtool_gstrings *all = names(nic, ETH_SS_FEATURES, &n);
	struct ethtool_gfeatures *f;
	char path[256];

	if (!all)
		return;
	blocks = (n + 31) / 32;
	f = must(calloc(1, sizeof(*f) + blocks * sizeof(*f->features)));
	f->cmd = ETHTOOL_GFEATURES;
	f->size = blocks;
	n = ethtool(nic, f) ? n : 0;
	for (uint32_t i = 0; i < n; i++)
		if (*name_at(all, i)) /* a bit that is not used */
			emit(nic->d, "ethtool:", path_of(path, nic, "feature", name_at(all, i)), "%s%s",
			     bit(&f->features[0].active, i, STRIDE) ? "on" : "off",
			     bit(&f->features[0].requested, i, STRIDE) ? ", requested" : "");
	free(f);
	free(all);
}

static void dump_private_flags(const struct nic *nic)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GPFLAGS};
	uint32_t n = 0;
	struct ethtool_gstrings *all = names(nic, ETH_SS_PRIV_FLAGS, &n);
	char path[256];

	if (n > 32 || !ethtool(nic, &flags))
		n = 0;
	for (uint32_t i = 0; i < n; i++)
		emit(nic->d, "ethtool:", path_of(path, nic, "private", name_at(all, i)), "%s",
		     bit(&flags.data, i, 1) ? "on" : "off");
	free(all);
}

/* The indirection table as it is, the key by its hash: it is a secret. Older drivers have the table alone. */
static void dump_rss(const struct nic *nic)
{
	struct ethtool_rxfh ask = {.cmd = ETHTOOL_GRSSH}, *all;
	size_t size;
	char path[256];

	if (!ethtool(nic, &ask) || ask.indir_size > TABLE_MAX || ask.key_size > TABLE_MAX)
		return;
	size = ask.indir_size * sizeof(uint32_t) + ask.key_size;
	all = must(calloc(1, sizeof(*all) + size));
	all->cmd = ETHTOOL_GRSSH;
	all->indir_size = ask.indir_size;
	all->key_size = ask.key_size;
	if (ethtool(nic, all)) {
		const char *key = (const char *)(all->rss_config + ask.indir_size);
		char *text = must(calloc(ask.indir_size + 1, 12)), *end = text;

		for (uint32_t i = 0; i < ask.indir_size; i++)
			end += sprintf(end, "%s%u", i ? " " : "", all->rss_config[i]);
		emit(nic->d, "ethtool:", path_of(path, nic, "rss", "function"), "%u", all->hfunc);
		emit_bytes(nic->d, "ethtool:", path_of(path, nic, "rss", "table"), text, (size_t)(end - text));
		emit_hash(nic->d, "ethtool:", path_of(path, nic, "rss", "key"), key, ask.key_size);
		free(text);
	}
	free(all);
}

/* Which fields of a packet the hash is of, for each kind of flow. */
static void dump_flow_hash(const struct nic *nic)
{
	for (uint32_t flow = TCP_V4_FLOW; flow <= ETHER_FLOW; flow++) {
		struct ethtool_rxnfc ask = {.cmd = ETHTOOL_GRXFH, .flow_type = flow};
		char path[256], name[16];

		snprintf(name, sizeof(name), "%u", flow);
		if (ethtool(nic, &ask))
			emit(nic->d, "ethtool:", path_of(path, nic, "flow-hash", name), "%#llx",
			     (unsigned long long)ask.data);
	}
}

/* Rules that steer flows to queues, by their place. */
static void dump_rules(const struct nic *nic)
{
	struct ethtool_rxnfc count = {.cmd = ETHTOOL_GRXCLSRLCNT}, *all;

	if (!ethtool(nic, &count) || !count.rule_cnt || count.rule_cnt > TABLE_MAX)
		return;
	all = must(calloc(1, sizeof(*all) + count.rule_cnt * sizeof(uint32_t)));
	all->cmd = ETHTOOL_GRXCLSRLALL;
	all->rule_cnt = count.rule_cnt;
	if (!ethtool(nic, all) || all->rule_cnt > count.rule_cnt)
		all->rule_cnt = 0;
	for (uint32_t i = 0; i < all->rule_cnt; i++) {
		struct ethtool_rxnfc rule = {.cmd = ETHTOOL_GRXCLSRULE};
		char path[256], name[16];

		rule.fs.location = all->rule_locs[i];
		snprintf(name, sizeof(name), "%u", rule.fs.location);
		if (ethtool(nic, &rule))
			emit(nic->d, "ethtool:", path_of(path, nic, "rule", name), "flow %u to %lld, hash %016llx",
			     rule.fs.flow_type, (long long)rule.fs.ring_cookie,
			     (unsigned long long)fnv1a(FNV_START, &rule.fs, sizeof(rule.fs)));
	}
	free(all);
}

/* The kernel takes a tunable only with its right type: all that there are have 16 or 32 bits. */
static void dump_tunables(const struct nic *nic)
{
	static const struct {
		const char *name;
		uint32_t id, type, size;
	} tunables[] = {
		{"rx-copybreak",          ETHTOOL_RX_COPYBREAK,          ETHTOOL_TUNABLE_U32, 4},
		{"tx-copybreak",          ETHTOOL_TX_COPYBREAK,          ETHTOOL_TUNABLE_U32, 4},
		{"pfc-prevention-tout",   ETHTOOL_PFC_PREVENTION_TOUT,   ETHTOOL_TUNABLE_U16, 2},
		{"tx-copybreak-buf-size", ETHTOOL_TX_COPYBREAK_BUF_SIZE, ETHTOOL_TUNABLE_U32, 4},
	};

	for (size_t i = 0; i < sizeof(tunables) / sizeof(*tunables); i++) {
		union {
			struct ethtool_tunable head;
			uint32_t words[6]; /* the fifth begins with the value; little-endian hosts are meant */
		} ask = {
			.head = {ETHTOOL_GTUNABLE, tunables[i].id, tunables[i].type, tunables[i].size}
                };
		char path[256];

		if (ethtool(nic, &ask))
			emit(nic->d, "ethtool:", path_of(path, nic, "tunable", tunables[i].name), "%u", ask.words[4]);
	}
}

static void dump_timestamps(const struct nic *nic)
{
	struct hwtstamp_config c = {0};
	char path[256];

	if (get(nic, SIOCGHWTSTAMP, &c))
		emit(nic->d, "ethtool:", path_of(path, nic, "timestamps", "config"), "tx %d rx %d flags %d", c.tx_type,
		     c.rx_filter, c.flags);
}

static void (*const parts[])(const struct nic *nic) = {
	dump_features, dump_private_flags, dump_rss, dump_flow_hash, dump_rules, dump_tunables, dump_timestamps,
};

void dump_nics(struct dump *d)
{
	struct nic nic = {.d = d, .fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	struct if_nameindex *all = if_nameindex();

	for (size_t i = 0; nic.fd >= 0 && all && all[i].if_name; i++) {
		nic.name = all[i].if_name;
		for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++)
			parts[k](&nic);
	}
	if (all)
		if_freenameindex(all);
	if (nic.fd >= 0)
		close(nic.fd);
}
