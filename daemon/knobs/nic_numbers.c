/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers and switches that an ethtool message holds one by one: channels, rings, coalescing, pause frames, EEE. An
 * option is a row: which message, which attribute. Each is written by itself, in a message that holds nothing else.
 *
 * Canonical: the number, or on|off. While the device adapts its interrupt rate, what it tells of rx-usecs and its like
 * may be its own choice of the moment: the value then reads "8 adaptive". Profiles give the number alone; an original
 * with the word is back when it adapts again, whatever the number.
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
#include "lib/base/num.h"
#include "lib/base/str.h"

#define ADAPTIVE " adaptive"

enum form { NUMBER, SWITCH }; /* u32; u8 of 0 or 1 */
enum rounding {
	EXACT,
	ROUND_UP,   /* to a multiple of a power of two: descriptors are allotted in blocks */
	ROUND_UNIT, /* to a unit of 2, 4 or 8 us, up or down: timers of hardware tick like that */
};

struct number {
	const char *option;
	uint8_t get, set;
	enum form form;
	uint16_t attr;
	uint16_t max_attr;      /* the attribute with what the device can do; 0: there is none */
	uint16_t adaptive_attr; /* the switch under which the device chooses by itself; 0: none */
	enum rounding rounding;
	int64_t min, max;
	struct knob_doc doc;
};

#define OPT(name, what) .option = name, .doc.option = name, .doc.summary = what
#define MESSAGE(kind) .get = ETHTOOL_MSG_##kind##_GET, .set = ETHTOOL_MSG_##kind##_SET
#define U32(name, lo, hi, of)                                                                                          \
	.form = NUMBER, .attr = ETHTOOL_A_##name, .min = lo, .max = hi, .doc.unit = of, .doc.bounds = #lo ".." #hi
#define UP_TO_MAX(name, lo, hi, of)                                                                                    \
	.form = NUMBER, .attr = ETHTOOL_A_##name, .max_attr = ETHTOOL_A_##name##_MAX, .min = lo, .max = hi,            \
	.doc.unit = of, .doc.bounds = #lo " .. what the device can, or max"
#define ON_OFF(name) .form = SWITCH, .attr = ETHTOOL_A_##name, .max = 1, .doc.unit = "word", .doc.bounds = "on|off"
#define UNDER(name) .adaptive_attr = ETHTOOL_A_COALESCE_USE_ADAPTIVE_##name
#define DOC(level, when, watch, drags, of, beware)                                                                     \
	.doc.risk = level, .doc.effect = EFFECT_##when, .doc.counter = watch, .doc.changes = drags, .doc.source = of,  \
	.doc.traps = beware

#define RST "Documentation/networking/ethtool-netlink.rst"
#define CHANNELS_CHANGE                                                                                                \
	"nic:channels.*, nic:coalesce.*, nic:rss.indir, nic:ntuple.*, nic:rps_cpus, nic:rps_flow_cnt, nic:xps_cpus, irq:*"
#define CHANNELS_TRAPS                                                                                                 \
	"most drivers take the link down for a moment and make their interrupts anew; refused below what rss.indir "   \
	"points to (it is tried again after rss.indir), and while AF_XDP uses a queue; settings of queues that are "   \
	"not there wait until they are"
#define CHANNELS(name, attribute, what)                                                                                \
	{ OPT("channels." name, what), MESSAGE(CHANNELS), UP_TO_MAX(CHANNELS_##attribute##_COUNT, 0, 65535, "queues"), \
	  DOC(3, NOW, "directories in queues/; interrupts of the device in /proc/interrupts", CHANNELS_CHANGE, RST,    \
	      CHANNELS_TRAPS) }
#define ETHTOOL_A_CHANNELS_COMBINED_COUNT_MAX ETHTOOL_A_CHANNELS_COMBINED_MAX
#define ETHTOOL_A_CHANNELS_RX_COUNT_MAX ETHTOOL_A_CHANNELS_RX_MAX
#define ETHTOOL_A_CHANNELS_TX_COUNT_MAX ETHTOOL_A_CHANNELS_TX_MAX
#define RINGS(name, attribute, what, watch)                                                                            \
	{ OPT("rings." name, what), MESSAGE(RINGS), UP_TO_MAX(RINGS_##attribute, 1, 1048576, "descriptors"),           \
	  .rounding = ROUND_UP, DOC(3, NOW, watch, "nic:coalesce.*, nic:xps_cpus, irq:*", RST,                         \
	  "most drivers take the link down for a moment; a number that the driver rounds up holds as the next "        \
	  "multiple of a power of two; small is kind to caches, large survives bursts") }
#define COALESCE_CHANGE "nic:coalesce.*"
#define USECS(name, attribute, under, what)                                                                            \
	{ OPT("coalesce." name, what), MESSAGE(COALESCE), U32(COALESCE_##attribute, 0, 1000000, "us"), UNDER(under),   \
	  .rounding = ROUND_UNIT, DOC(1, NOW, "interrupts per packet", COALESCE_CHANGE, RST,                           \
	  "without effect while the device adapts by itself (coalesce.adaptive-*), and then not in effect; some "      \
	  "devices know units of 2, 4 or 8 us only, or one timer for both directions") }
#define FRAMES(name, attribute, under, what)                                                                           \
	{ OPT("coalesce." name, what), MESSAGE(COALESCE), U32(COALESCE_##attribute, 0, 1048576, "packets"),            \
	  UNDER(under), DOC(1, NOW, "interrupts per packet", COALESCE_CHANGE, RST,                                     \
	  "0 is no limit in some drivers and refused together with usecs of 0 in others") }
#define COALESCE_SWITCH(name, attribute, what, beware)                                                                 \
	{ OPT("coalesce." name, what), MESSAGE(COALESCE), ON_OFF(COALESCE_USE_##attribute),                            \
	  DOC(1, NOW, "interrupts per packet", COALESCE_CHANGE, RST, beware) }
#define ADAPTIVE_TRAPS "written before the numbers that it rules over; the driver may set those when it goes off"
#define PAUSE(name, attribute, what)                                                                                   \
	{ OPT("pause." name, what), MESSAGE(PAUSE), ON_OFF(PAUSE_##attribute),                                         \
	  DOC(2, NOW, "rx_pause and tx_pause of ethtool -S", "nic:pause.*", RST,                                       \
	  "the link may go down for a moment; refused while autonegotiation owns it; RDMA may need it") }
#define EEE(name, attribute, what)                                                                                     \
	{ OPT("eee." name, what), MESSAGE(EEE), ON_OFF(EEE_##attribute),                                               \
	  DOC(2, NOW, "ethtool --show-eee: active", "nic:eee.*", RST, "the link may go down for a moment") }

/* Ascending by option. */
static const struct number rows[] = {
	CHANNELS("combined", COMBINED, "queues that receive and send"),
	CHANNELS("rx", RX, "queues that receive only"),
	CHANNELS("tx", TX, "queues that send only"),
	COALESCE_SWITCH("adaptive-rx", ADAPTIVE_RX, "let the device choose how long it gathers received packets",
	                ADAPTIVE_TRAPS),
	COALESCE_SWITCH("adaptive-tx", ADAPTIVE_TX, "let the device choose how long it gathers sent packets",
	                ADAPTIVE_TRAPS),
	COALESCE_SWITCH("cqe-mode-rx", CQE_MODE_RX, "count the time anew with each packet received",
	                "since Linux 5.15"),
	COALESCE_SWITCH("cqe-mode-tx", CQE_MODE_TX, "count the time anew with each packet sent", "since Linux 5.15"),
	FRAMES("rx-frames", RX_MAX_FRAMES, RX, "received packets after which an interrupt comes"),
	FRAMES("rx-frames-irq", RX_MAX_FRAMES_IRQ, RX, "the same while an interrupt is being handled"),
	USECS("rx-usecs", RX_USECS, RX, "how long received packets may wait for an interrupt"),
	USECS("rx-usecs-irq", RX_USECS_IRQ, RX, "the same while an interrupt is being handled"),
	FRAMES("tx-frames", TX_MAX_FRAMES, TX, "sent packets after which an interrupt comes"),
	FRAMES("tx-frames-irq", TX_MAX_FRAMES_IRQ, TX, "the same while an interrupt is being handled"),
	USECS("tx-usecs", TX_USECS, TX, "how long sent packets may wait for an interrupt"),
	USECS("tx-usecs-irq", TX_USECS_IRQ, TX, "the same while an interrupt is being handled"),
	EEE("enabled", ENABLED, "let an idle link sleep (Energy-Efficient Ethernet)"),
	EEE("tx-lpi", TX_LPI_ENABLED, "let the sending side of an idle link sleep"),
	PAUSE("autoneg", AUTONEG, "agree with the other side about pause frames"),
	PAUSE("rx", RX, "stop sending when the other side asks for it"),
	PAUSE("tx", TX, "ask the other side to stop when the ring is full"),
	RINGS("rx", RX, "packets that may wait to be taken", "rx_missed, rx_dropped of ethtool -S"),
	RINGS("rx-jumbo", RX_JUMBO, "the same for large packets, where they have a ring of their own",
	      "rx_missed, rx_dropped of ethtool -S"),
	RINGS("rx-mini", RX_MINI, "the same for small packets, where they have a ring of their own",
	      "rx_missed, rx_dropped of ethtool -S"),
	RINGS("tx", TX, "packets that may wait to be sent", "tx_dropped, requeues of tc -s qdisc"),
};

static const struct number *find(const char *option)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(rows[i].option, option))
			return &rows[i];
	return NULL;
}

static bool number_has(const char *option)
{
	return find(option) != NULL;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* -ENOENT when the attribute is missing, which is how the kernel leaves out what a driver lacks. */
static int take(const struct ethnl_answer *a, enum form form, uint16_t type, uint32_t *ret)
{
	const struct nlattr *attr = type ? nic_attr(a, type) : NULL;

	if (!attr || mnl_attr_validate(attr, form == SWITCH ? MNL_TYPE_U8 : MNL_TYPE_U32) < 0)
		return -ENOENT;
	*ret = form == SWITCH ? mnl_attr_get_u8(attr) : mnl_attr_get_u32(attr);
	return 0;
}

struct reading {
	uint32_t now, max;
	bool adaptive;
};

static int ask(const struct nic_at *at, const struct number *row, struct reading *ret, struct hft_err *err)
{
	CLEANUP(ethnl_answer_done) struct ethnl_answer a = {0};
	uint32_t adaptive = 0;
	int r = nic_get(at, row->get, &a, err);

	if (r < 0)
		return r;
	*ret = (struct reading){.max = (uint32_t)row->max};
	if (take(&a, row->form, row->attr, &ret->now) < 0)
		return nic_raise_lacking(at, err, "the driver does not tell");
	if (row->max_attr && (take(&a, NUMBER, row->max_attr, &ret->max) < 0 || ret->max == 0))
		return nic_raise_lacking(at, err, "its maximum is 0");
	ret->adaptive = take(&a, SWITCH, row->adaptive_attr, &adaptive) == 0 && adaptive;
	return 0;
}

uint32_t nic_queues_max(const struct nic_at *at)
{
	CLEANUP(ethnl_answer_done) struct ethnl_answer a = {0};
	uint32_t combined = 0, rx = 0;

	if (nic_get(at, ETHTOOL_MSG_CHANNELS_GET, &a, NULL) < 0)
		return 0;
	take(&a, NUMBER, ETHTOOL_A_CHANNELS_COMBINED_MAX, &combined);
	take(&a, NUMBER, ETHTOOL_A_CHANNELS_RX_MAX, &rx);
	return combined > rx ? combined : rx;
}

static int number_read(const struct knob_ctx *c, const struct nic_at *at, struct strbuf *ret, struct hft_err *err)
{
	const struct number *row = find(at->option);
	struct reading now;
	int r = ask(at, row, &now, err);

	(void)c;
	if (r < 0)
		return r;
	if (row->form == SWITCH)
		strbuf_add(ret, now.now ? "on" : "off");
	else
		strbuf_addf(ret, "%u%s", now.now, now.adaptive ? ADAPTIVE : "");
	return ret->oom ? err_oom(err) : 0;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int raise_form(const struct number *row, const char *value, struct hft_err *err)
{
	int r = err_raise(err, ERR_INVALID_PROFILE, EINVAL, row->option, "%s cannot be '%s'", row->option, value);

	err_values(err, row->doc.bounds, value);
	return r;
}

static int number_parse(const struct knob_ctx *c, const struct nic_at *at, const char *value, struct strbuf *ret,
                        struct hft_err *err)
{
	const struct number *row = find(at->option);
	struct reading now = {.max = UINT32_MAX};
	char bounds[48];
	int64_t n;

	(void)c;
	if (row->form == SWITCH) {
		strbuf_add(ret, value);
		return str_eq(value, "on") || str_eq(value, "off") ? 0 : raise_form(row, value, err);
	}
	int r = at->nic ? ask(at, row, &now, err) : 0;
	if (r < 0)
		return r;
	bool is_max = row->max_attr && str_eq(value, "max");
	r = is_max ? 0 : num_parse_range(value, row->min, now.max, &n);
	if (r == -EINVAL)
		return raise_form(row, value, err);
	if (r < 0) {
		snprintf(bounds, sizeof(bounds), "%lld..%u", (long long)row->min, now.max);
		r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, row->option, "%s cannot be %s: %s%s%s", row->option,
		              value, bounds, at->nic ? " of " : "", at->nic ? at->nic->name : "");
		err_values(err, bounds, value);
		return r;
	}
	if (is_max && !at->nic)
		strbuf_add(ret, value);
	else
		strbuf_addf(ret, "%lld", is_max ? (long long)now.max : (long long)n);
	return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static int number_set(const struct knob_ctx *c, const struct nic_at *at, const char *value, struct hft_err *err)
{
	const struct number *row = find(at->option);
	char buf[NIC_MESSAGE_MAX] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *m = nic_message(buf, at, row->set);
	char number[24];
	int64_t n = str_eq(value, "on");

	(void)c;
	snprintf(number, sizeof(number), "%.*s", (int)strcspn(value, " "), value);
	if (row->form == NUMBER && num_parse_range(number, 0, UINT32_MAX, &n) < 0)
		return err_raise(err, ERR_WRITE_FAILED, EINVAL, row->option, "'%s' is no value of it", value);
	if (row->form == SWITCH)
		mnl_attr_put_u8(m, row->attr, (uint8_t)n);
	else
		mnl_attr_put_u32(m, row->attr, (uint32_t)n);
	return nic_set(at, m, value, err);
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

static uint64_t next_multiple(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* Is `found` what a device that rounds makes of `wanted`? */
static bool is_rounded(enum rounding how, uint64_t wanted, uint64_t found)
{
	uint64_t coarsest = how == ROUND_UNIT ? 8 : wanted;

	if (how == EXACT || wanted == 0)
		return false;
	for (uint64_t unit = 2; unit <= coarsest; unit *= 2) {
		if (found == next_multiple(wanted, unit))
			return true;
		if (how == ROUND_UNIT && found > 0 && found == wanted / unit * unit)
			return true;
	}
	return false;
}

static bool split(const char *text, uint64_t *ret, bool *ret_adaptive)
{
	char number[24];

	snprintf(number, sizeof(number), "%.*s", (int)strcspn(text, " "), text);
	*ret_adaptive = str_ends(text, ADAPTIVE);
	return num_parse_u64(number, ret) == 0;
}

static int number_judge(const struct knob_ctx *c, const struct nic_at *at, const char *wanted,
                        struct knob_verdict *ret, struct hft_err *err)
{
	const struct number *row = find(at->option);
	bool was_adaptive, is_adaptive;
	uint64_t want, found;

	(void)c;
	(void)err;
	if (row->form == SWITCH || !split(wanted, &want, &was_adaptive) ||
	    !split(strbuf_str(&ret->found), &found, &is_adaptive))
		return 0;
	if (is_adaptive && !was_adaptive)
		snprintf(ret->reason, sizeof(ret->reason), "the device chooses by itself (coalesce.adaptive-*)");
	else if (is_adaptive || found == want || is_rounded(row->rounding, want, found))
		ret->state = KNOB_OK;
	return 0;
}

static int number_explain(size_t i, struct knob_doc *ret)
{
	if (i >= ARRAY_LEN(rows))
		return -ENOENT;
	*ret = rows[i].doc;
	return 0;
}

const struct nic_part nic_numbers = {
	.by_ethtool = true,
	.has = number_has,
	.parse = number_parse,
	.read = number_read,
	.set = number_set,
	.judge = number_judge,
	.explain = number_explain,
};
