/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob nic: network devices, by ethtool and /sys/class/net. Options are named as in ethtool(8), with the group in front
 * ("rings.rx"), features and private flags by name, files of /sys by theirs. Must not know any one option; the parts
 * (nic.h) do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/nic.h"
#include "daemon/knobs/row.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

extern const struct knob knob_nic;

static const struct nic_part *const parts[] = { &nic_numbers, &nic_bits, &nic_rss, &nic_ntuple, &nic_files };

static const struct nic_part *part_of(const char *option)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i]->has(option))
			return parts[i];
	return NULL;
}

static const char *option_of(const char *key)
{
	const char *blank = strrchr(key, ' ');

	return blank ? blank + 1 : key;
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

static int raise_copied(const struct nic_at *at, struct hft_err *err)
{
	return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, at->option, "copied tree: %s is had by asking a driver",
	                 at->option);
}

static int read_at(const struct knob_ctx *c, const struct nic_part *part, const struct nic_at *at, struct strbuf *ret,
                   struct hft_err *err)
{
	strbuf_reset(ret);
	return part->by_ethtool && c->copied ? raise_copied(at, err) : part->read(c, at, ret, err);
}

/* What cannot be read cannot be put back, so the value is asked for before the object is offered. */
static int offer(const struct knob_ctx *c, const struct nic_part *part, const struct nic_at *at,
               struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *key = str_printf("%s %s", at->id, at->option);
	CLEANUP(strbuf_done) struct strbuf value = {0};
	const char *label = str_eq(at->id, at->nic->name) ? NULL : at->nic->name;
	struct hft_err why = {0};

	if (!key)
		return err_oom(err);
	int r = read_at(c, part, at, &value, &why);
	if (r == 0)
		return knob_objects_add(ret, key, label, NULL, err);
	if (str_eq(why.code, ERR_NOT_APPLICABLE))
		return knob_objects_add(ret, key, label, why.msg, err);
	if (err)
		*err = why;
	return r;
}

static int nic_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                    struct hft_err *err)
{
	CLEANUP(mem_freep) struct nic_at *at = NULL;
	const struct nic_part *part = part_of(option);
	size_t n = 0;

	if (!part)
		return row_unknown_option("nic", option, err);
	int r = nic_select(c, selector, option, &at, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = offer(c, part, &at[i], ret, err);
	return r;
}

/* The device of a key, and the part that its option belongs to. */
static int resolve(const struct knob_ctx *c, const char *key, struct nic_at *at, const struct nic_part **ret,
                   struct hft_err *err)
{
	*ret = part_of(option_of(key));
	if (!*ret)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "nic has no '%s'", key);
	int r = nic_resolve(c, key, at, err);
	return r == 0 && (*ret)->by_ethtool && c->copied ? raise_copied(at, err) : r;
}

static int nic_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                     struct strbuf *ret, struct hft_err *err)
{
	const struct nic_part *part = part_of(option);
	struct nic_at at = {.option = option};
	int r = key ? resolve(c, key, &at, &part, err) : part ? 0 : row_unknown_option("nic", option, err);

	strbuf_reset(ret);
	if (r == 0)
		r = part->parse(c, &at, value, ret, err);
	return r == 0 && ret->oom ? err_oom(err) : r;
}

static int nic_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	const struct nic_part *part;
	struct nic_at at;
	int r = resolve(c, key, &at, &part, err);

	strbuf_reset(ret);
	return r == 0 ? part->read(c, &at, ret, err) : r;
}

static int nic_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                      struct hft_err *err)
{
	const struct nic_part *part;
	struct nic_at at;
	int r = resolve(c, key, &at, &part, err);

	ret->reason[0] = '\0';
	if (r == 0)
		r = read_at(c, part, &at, &ret->found, err);
	if (r < 0)
		return r;
	ret->state = str_eq(strbuf_str(&ret->found), wanted) ? KNOB_OK : KNOB_DRIFT;
	return ret->state == KNOB_DRIFT && part->judge ? part->judge(c, &at, wanted, ret, err) : 0;
}

/* --- what a change takes along ------------------------------------------------------------------------------------ */

struct adder {
	int (*add)(void *data, const char *knob, const char *key, struct hft_err *err);
	void *data;
	const struct knob_ctx *c;
	const char *key; /* of the object that is written */
};

static int add_option(const struct adder *a, const char *option, struct hft_err *err)
{
	size_t len = (size_t)(option_of(a->key) - a->key);
	CLEANUP(mem_freep) char *key = str_printf("%.*s%s", (int)len, a->key, option);

	if (!key)
		return err_oom(err);
	return str_eq(key, a->key) ? 0 : a->add(a->data, "nic", key, err);
}

static int nic_explain(size_t i, struct knob_doc *ret);

/* The rules that there are; a device without has none to lose. */
static int add_rules(const struct adder *a, struct hft_err *err)
{
	CLEANUP(mem_freep) uint32_t *places = NULL;
	char option[24];
	struct nic_at at;
	size_t n = 0;
	int r = 0;

	if (a->c->copied || nic_resolve(a->c, a->key, &at, NULL) < 0 || nic_ntuple_places(&at, &places, &n, NULL) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		snprintf(option, sizeof(option), "ntuple.%u", places[i]);
		r = add_option(a, option, err);
	}
	return r;
}

/* An option, or a pattern of options that stand in the tables. */
static int add_options(const struct adder *a, const char *pattern, struct hft_err *err)
{
	struct knob_doc doc;
	int r = 0;

	if (str_eq(pattern, "ntuple.*"))
		return add_rules(a, err);
	if (!str_is_pattern(pattern))
		return add_option(a, pattern, err);
	for (size_t i = 0; r == 0 && nic_explain(i, &doc) == 0; i++)
		if (str_match(pattern, doc.option))
			r = add_option(a, doc.option, err);
	return r;
}

/* A device that is gone has no interrupts. */
static int add_irqs(const struct adder *a, struct hft_err *err)
{
	const struct host *h = a->c->host;
	struct nic_at at;
	int r = 0;

	if (nic_resolve(a->c, a->key, &at, NULL) < 0 || at.nic->device[0] == '\0')
		return 0;
	r = host_read_irqs(a->c->host, err);
	for (size_t i = 0; r == 0 && i < h->n_irqs; i++)
		if (str_eq(h->irqs[i].device, at.nic->device) && h->irqs[i].actions[0] != '\0' && !h->irqs[i].managed)
			r = a->add(a->data, "irq", h->irqs[i].key, err);
	return r;
}

static const char *changes_of(const char *option)
{
	struct knob_doc doc;

	if (str_starts(option, "feature."))
		return nic_feature_changes(option);
	for (size_t i = 0; nic_explain(i, &doc) == 0; i++)
		if (str_match(doc.option, option))
			return doc.changes;
	return "";
}

static int nic_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	const struct nic_part *part;
	struct nic_at at;
	int r = resolve(c, key, &at, &part, err);

	if (r == 0)
		r = part->set(c, &at, value, err);
	/* Interrupts go and come with it, and may have other numbers then. */
	if (strstr(changes_of(option_of(key)), "irq:") != NULL)
		host_forget_devices(c->host);
	return r;
}

static int nic_coupled(const struct knob_ctx *c, const char *key,
                       int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                       struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist changes = {0};
	const struct adder a = {add, data, c, key};
	int r = strlist_split(&changes, changes_of(option_of(key)), ", ");

	if (r < 0)
		return err_oom(err);
	for (size_t i = 0; r == 0 && i < changes.n; i++)
		r = str_starts(changes.s[i], "nic:") ? add_options(&a, changes.s[i] + strlen("nic:"), err) :
		                                       add_irqs(&a, err);
	return r;
}

/* --- order -------------------------------------------------------------------------------------------------------- */

/* What restarts the link or the queues comes first, and what that wipes after it (knobs.md, section 16.3). */
static const char *const places[] = {
	"pause.autoneg", "pause.", "eee.", "channels.", "rings.", "priv.", "feature.", "coalesce.adaptive-",
	"coalesce.", "rss.hkey", "rss.", "ntuple.", "tx_queue_len", "gro_flush_timeout", "napi_defer_hard_irqs", "threaded",
};

static int nic_order(const char *key)
{
	size_t i = 0;

	while (i < ARRAY_LEN(places) && !str_starts(option_of(key), places[i]))
		i++;
	return (int)i;
}

/* What a reset of the device takes away, and what its driver writes at ifup. */
static const char *nic_wiped_by(const char *key, char text[KNOB_WIPED_MAX])
{
	(void)key;
	(void)text;
	return KNOB_WIPED_BY_LINK;
}

/* --- documentation ------------------------------------------------------------------------------------------------ */

static int nic_explain(size_t i, struct knob_doc *ret)
{
	for (size_t p = 0; p < ARRAY_LEN(parts); p++) {
		size_t n = 0;

		if (parts[p]->explain(i, ret) == 0)
			return 0;
		while (parts[p]->explain(n, ret) == 0)
			n++;
		i -= n;
	}
	return -ENOENT;
}

const struct knob knob_nic = {
	.name = "nic",
	.summary = "network devices: queues, rings, interrupt moderation, features, steering",
	.selector = "NIC | PCI-ADDRESS | nic: device: driver:NAME; patterns; several words all hold",
	.list = nic_list,
	.parse = nic_parse,
	.read = nic_read,
	.write = nic_write,
	.verify = nic_verify,
	.coupled = nic_coupled,
	.order = nic_order,
	.wiped_by = nic_wiped_by,
	.explain = nic_explain,
};
