/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receive-side scaling: which queue a packet's hash leads to (rss.indir), and the key of the hash (rss.hkey). Of the
 * device itself, not of further contexts. By ioctl, as netlink cannot set it before Linux 6.17.
 *
 * A profile writes the table as ethtool -X has it: "equal 4", "equal 2 start 2", "weight 6 1 1". Canonical is "equal
 * N", with "start M" where it does not begin at queue 0, for a table that repeats M, M+1, ... and otherwise its entries
 * with the number of repetitions: "table 0*96 1*16 2*16". The key is bytes in hex, with colons.
 */
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

#define INDIR "rss.indir"
#define HKEY "rss.hkey"
#define ENTRIES_MAX 65536
#define KEY_MAX 1024

static bool rss_has(const char *option)
{
	return str_eq(option, INDIR) || str_eq(option, HKEY);
}

/* --- the kernel's structure --------------------------------------------------------------------------------------- */

/* The size of its table, then of its key, stand in front; both follow, the table in words of 32 bits. */
static int get_sized(const struct nic_at *at, uint32_t n_entries, uint32_t n_key, struct ethtool_rxfh **ret)
{
	CLEANUP(mem_freep) struct ethtool_rxfh *x = calloc(1, sizeof(*x) + n_entries * sizeof(uint32_t) + n_key);

	if (!x)
		return -ENOMEM;
	x->cmd = ETHTOOL_GRSSH;
	x->indir_size = n_entries;
	x->key_size = n_key;
	int r = nic_ioctl(at->nic->name, x);
	if (r == 0)
		*ret = TAKE_PTR(x);
	return r;
}

static int raise_get(const struct nic_at *at, int r, struct hft_err *err)
{
	if (r == -ENOMEM)
		return err_oom(err);
	if (r == -EOPNOTSUPP || r == -ENODEV)
		return nic_raise_refused(at, -r, "", "", err);
	return err_raise(err, ERR_IO, -r, at->option, "%s does not tell its RSS: %s", at->nic->name, strerror(-r));
}

static int get(const struct nic_at *at, struct ethtool_rxfh **ret, struct hft_err *err)
{
	CLEANUP(mem_freep) struct ethtool_rxfh *sizes = NULL;
	bool table = str_eq(at->option, INDIR);
	int r = get_sized(at, 0, 0, &sizes);

	if (r < 0)
		return raise_get(at, r, err);
	if ((table ? sizes->indir_size : sizes->key_size) == 0)
		return nic_raise_lacking(at, err, "the driver does not tell");
	if (sizes->indir_size > ENTRIES_MAX || sizes->key_size > KEY_MAX)
		return raise_get(at, -EFBIG, err);
	r = get_sized(at, sizes->indir_size, sizes->key_size, ret);
	return r < 0 ? raise_get(at, r, err) : 0;
}

static uint8_t *key_of(struct ethtool_rxfh *x)
{
	return (uint8_t *)(x->rss_config + x->indir_size);
}

static int count_rings(const struct nic_at *at, uint32_t *ret, struct hft_err *err)
{
	struct ethtool_rxnfc x = {.cmd = ETHTOOL_GRXRINGS};
	int r = nic_ioctl(at->nic->name, &x);

	*ret = (uint32_t)x.data;
	return r < 0 ? raise_get(at, r, err) : 0;
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static void format_runs(const uint32_t *table, uint32_t n, struct strbuf *ret)
{
	strbuf_add(ret, "table");
	for (uint32_t i = 0, run; i < n; i += run) {
		for (run = 1; i + run < n && table[i + run] == table[i]; run++)
			;
		strbuf_addf(ret, " %u*%u", table[i], run);
	}
}

/* How many queues a table goes round; 0 when it does not. */
static uint32_t round_of(const uint32_t *table, uint32_t n)
{
	uint32_t period = 1;

	while (period < n && table[period] == table[0] + period)
		period++;
	for (uint32_t i = 0; i < n; i++)
		if (table[i] != table[0] + i % period)
			return 0;
	return period;
}

static void format_table(const uint32_t *table, uint32_t n, struct strbuf *ret)
{
	uint32_t period = round_of(table, n);

	if (period == 0) {
		format_runs(table, n, ret);
		return;
	}
	strbuf_addf(ret, "equal %u", period);
	if (table[0] > 0)
		strbuf_addf(ret, " start %u", table[0]);
}

/* "0*96" */
static int take_run(const char *word, uint32_t *table, uint32_t n, uint32_t *filled)
{
	char queue[16];
	const char *star = strchr(word, '*');
	int64_t which, times;

	if (!star || (size_t)(star - word) >= sizeof(queue))
		return -EINVAL;
	snprintf(queue, sizeof(queue), "%.*s", (int)(star - word), word);
	if (num_parse_range(queue, 0, ENTRIES_MAX, &which) < 0 ||
	    num_parse_range(star + 1, 1, n - *filled, &times) < 0)
		return -EINVAL;
	for (int64_t i = 0; i < times; i++)
		table[(*filled)++] = (uint32_t)which;
	return 0;
}

static int fill_runs(const struct strlist *words, uint32_t *table, uint32_t n)
{
	uint32_t filled = 0;

	for (size_t i = 1; i < words->n; i++)
		if (take_run(words->s[i], table, n, &filled) < 0)
			return -EINVAL;
	return filled == n ? 0 : -EINVAL;
}

static int fill_equal(const struct strlist *words, uint32_t *table, uint32_t n)
{
	int64_t queues, start = 0;
	bool started = words->n == 4 && str_eq(words->s[2], "start");

	if ((words->n != 2 && !started) || num_parse_range(words->s[1], 1, ENTRIES_MAX, &queues) < 0 ||
	    (started && num_parse_range(words->s[3], 0, ENTRIES_MAX, &start) < 0))
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++)
		table[i] = (uint32_t)(start + i % queues);
	return 0;
}

/* Each queue gets its share of the table, in order. */
static int fill_weighted(const struct strlist *words, uint32_t *table, uint32_t n)
{
	int64_t sum = 0, upto = 0, weight;
	uint32_t filled = 0;

	for (size_t i = 1; i < words->n; i++) {
		if (num_parse_range(words->s[i], 0, ENTRIES_MAX, &weight) < 0)
			return -EINVAL;
		sum += weight;
	}
	for (size_t i = 1; sum > 0 && i < words->n; i++) {
		num_parse_range(words->s[i], 0, ENTRIES_MAX, &weight);
		upto += weight;
		while (filled < n && filled < (uint64_t)n * (uint64_t)upto / (uint64_t)sum)
			table[filled++] = (uint32_t)(i - 1);
	}
	return filled == n ? 0 : -EINVAL;
}

static const struct {
	const char *word;
	int (*fill)(const struct strlist *words, uint32_t *table, uint32_t n);
} forms[] = {
	{"equal",  fill_equal   },
	{"weight", fill_weighted},
	{"table",  fill_runs    },
};

/* Text in any form to a table of n entries. -EINVAL. */
static int fill_table(const char *text, uint32_t *table, uint32_t n)
{
	CLEANUP(strlist_done) struct strlist words = {0};

	if (strlist_split(&words, text, " ") < 0)
		return -ENOMEM;
	for (size_t i = 0; words.n > 1 && i < ARRAY_LEN(forms); i++)
		if (str_eq(words.s[0], forms[i].word))
			return forms[i].fill(&words, table, n);
	return -EINVAL;
}

static int parse_table(const struct nic_at *at, struct ethtool_rxfh *x, const char *value, struct strbuf *ret,
                       struct hft_err *err)
{
	uint32_t rings = 0, highest = 0, most = nic_queues_max(at);
	char bounds[48];
	int r = fill_table(value, x->rss_config, x->indir_size);

	if (r == -ENOMEM)
		return err_oom(err);
	if (r < 0)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, INDIR, INDIR " cannot be '%s'", value);
	r = count_rings(at, &rings, err);
	if (r < 0)
		return r;
	most = most > rings ? most : rings; /* the same plan may add channels */
	for (uint32_t i = 0; i < x->indir_size; i++)
		highest = x->rss_config[i] > highest ? x->rss_config[i] : highest;
	format_table(x->rss_config, x->indir_size, ret);
	if (highest < most)
		return 0;
	snprintf(bounds, sizeof(bounds), "queues 0..%u", most > 0 ? most - 1 : 0);
	r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, INDIR, "%s cannot have a queue %u", at->nic->name, highest);
	err_values(err, bounds, value);
	return r;
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static void format_key(const uint8_t *key, uint32_t n, struct strbuf *ret)
{
	for (uint32_t i = 0; i < n; i++)
		strbuf_addf(ret, "%s%02x", i > 0 ? ":" : "", key[i]);
}

/* "6d:5a:...", exactly n bytes: 0 or -EINVAL. */
static int fill_key(const char *text, uint8_t *key, uint32_t n)
{
	CLEANUP(strlist_done) struct strlist bytes = {0};

	if (strlist_split(&bytes, text, ":") < 0)
		return -ENOMEM;
	if (bytes.n != n || strlen(text) != 3 * (size_t)n - 1)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t byte;
		if (num_parse_hex(bytes.s[i], &byte) < 0 || strlen(bytes.s[i]) != 2)
			return -EINVAL;
		key[i] = (uint8_t)byte;
	}
	return 0;
}

static int parse_key(struct ethtool_rxfh *x, const char *value, struct strbuf *ret, struct hft_err *err)
{
	int r = fill_key(value, key_of(x), x->key_size);

	if (r == -ENOMEM)
		return err_oom(err);
	if (r < 0)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, HKEY,
		                 HKEY " of this device is %u bytes in hex with colons, not '%s'", x->key_size, value);
	format_key(key_of(x), x->key_size, ret);
	return 0;
}

/* --- the part ----------------------------------------------------------------------------------------------------- */

static int rss_parse(const struct knob_ctx *c, const struct nic_at *at, const char *value, struct strbuf *ret,
                     struct hft_err *err)
{
	CLEANUP(mem_freep) struct ethtool_rxfh *x = NULL;

	(void)c;
	if (!at->nic) { /* tables and keys are as long as the device says */
		strbuf_add(ret, value);
		return 0;
	}
	int r = get(at, &x, err);
	if (r < 0)
		return r;
	return str_eq(at->option, INDIR) ? parse_table(at, x, value, ret, err) : parse_key(x, value, ret, err);
}

static int rss_read(const struct knob_ctx *c, const struct nic_at *at, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) struct ethtool_rxfh *x = NULL;
	int r = get(at, &x, err);

	(void)c;
	if (r < 0)
		return r;
	if (str_eq(at->option, INDIR))
		format_table(x->rss_config, x->indir_size, ret);
	else
		format_key(key_of(x), x->key_size, ret);
	return ret->oom ? err_oom(err) : 0;
}

/* Everything but what is changed goes back as it was read, or is marked as not to be changed. */
static int set(const struct nic_at *at, struct ethtool_rxfh *x, uint32_t indir_size, uint32_t key_size)
{
	x->cmd = ETHTOOL_SRSSH;
	x->indir_size = indir_size;
	x->key_size = key_size;
	x->hfunc = 0; /* ETH_RSS_HASH_NO_CHANGE */
	return nic_ioctl(at->nic->name, x);
}

/*
 * The driver's own table is asked for by an empty one. It alone leaves the kernel free to change the table when the
 * number of channels changes, so it is tried where the table wanted is what most drivers make: all queues in turn.
 */
static bool reset_table(const struct nic_at *at, const char *value)
{
	CLEANUP(mem_freep) struct ethtool_rxfh *x = NULL;
	CLEANUP(strbuf_done) struct strbuf now = {0}, all = {0};
	uint32_t rings = 0;

	if (count_rings(at, &rings, NULL) < 0)
		return false;
	strbuf_addf(&all, "equal %u", rings);
	if (!str_eq(strbuf_str(&all), value) || get(at, &x, NULL) < 0 || set(at, x, 0, 0) < 0)
		return false;
	return rss_read(NULL, at, &now, NULL) == 0 && str_eq(strbuf_str(&now), value);
}

static int rss_set(const struct knob_ctx *c, const struct nic_at *at, const char *value, struct hft_err *err)
{
	CLEANUP(mem_freep) struct ethtool_rxfh *x = NULL;
	bool table = str_eq(at->option, INDIR);

	(void)c;
	if (table && reset_table(at, value))
		return 0;
	int r = get(at, &x, err);
	if (r < 0)
		return r;
	r = table ? fill_table(value, x->rss_config, x->indir_size) : fill_key(value, key_of(x), x->key_size);
	if (r == 0 && table)
		r = set(at, x, x->indir_size, 0);
	else if (r == 0) { /* without a table the key comes first */
		memmove(x->rss_config, key_of(x), x->key_size);
		r = set(at, x, ETH_RXFH_INDIR_NO_CHANGE, x->key_size);
	}
	return r < 0 ? nic_raise_refused(at, -r, "", value, err) : 0;
}

static const struct knob_doc docs[] = {
	{
		.option = HKEY,
		.summary = "the key of the hash that leads packets to queues",
		.unit = "bytes",
		.bounds = "as many bytes as the device's key has, in hex with colons",
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "packets per queue in ethtool -S",
		.changes = "",
		.source = "include/uapi/linux/ethtool.h, ETHTOOL_SRSSH",
		.traps = "drivers make a random one at each boot; the value is kept in the journal",
	},
	{
		.option = INDIR,
		.summary = "the queues that received packets are spread over: equal 4, equal 2 start 2, weight 6 1 1",
		.unit = "table",
		.bounds = "equal N [start M] | weight W0 W1 ...; queues that are there",
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "packets per queue in ethtool -S",
		.changes = "",
		.source = "Documentation/networking/scaling.rst",
		.traps = "a table that was set keeps channels from being made fewer than it needs; equal over all "
			 "queues is asked for as the driver's own table, which follows the channels",
	},
};

static int rss_explain(size_t i, struct knob_doc *ret)
{
	if (i >= ARRAY_LEN(docs))
		return -ENOENT;
	*ret = docs[i];
	return 0;
}

const struct nic_part nic_rss = {
	.by_ethtool = true,
	.has = rss_has,
	.parse = rss_parse,
	.read = rss_read,
	.set = rss_set,
	.explain = rss_explain,
};
