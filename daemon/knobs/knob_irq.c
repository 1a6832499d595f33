/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob irq: on which CPUs an interrupt is handled. Translates between cpulists and /proc/irq; must not decide anything,
 * and never takes an interrupt's number from anybody: numbers change, so each access goes from the key to the number.
 *
 * Canonical value: the cpulist of the mask, and "@" with the CPUs that the kernel really delivers to when those are
 * other ones ("0-1@1"). Profiles give the mask alone. Only an original bears the second part: on x86 the kernel picks
 * one CPU of the mask and stays with it as long as the mask allows, so writing back the mask alone would leave the
 * interrupt where the layer had moved it. Equality ignores it (verify).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/host/host.h"
#include "daemon/knobs/cpukey.h"
#include "daemon/knobs/irq_selector.h"
#include "daemon/knobs/knob.h"
#include "daemon/knobs/row.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define DEFAULT_KEY "default_smp_affinity"
#define DEFAULT_PATH "/proc/irq/default_smp_affinity"
#define MANAGED "managed interrupt: the kernel keeps its affinity (isolcpus=managed_irq at boot)"
#define FIXED "the kernel lets nobody move it (as with timers)"

/* Putting many interrupts back may take this long in all, waiting for their next interrupt. */
#define AWAIT_ALL_MS 2000
#define AWAIT_ONE_MS 100
#define AWAIT_STEP_NS 500000

struct value { /* "0-1@1" */
	struct cpuset mask, effective;
	bool has_effective;
};

extern const struct knob knob_irq;

/* --- listing ------------------------------------------------------------------------------------------------------ */

/* Why an interrupt refuses its affinity. The kernel does not say; only those that drivers request queue by queue can be
 * managed, and those are messages of a device (genirq: pci_alloc_irq_vectors_affinity()). */
static const char *why_refused(const struct host_irq *irq)
{
	return irq->device[0] != '\0' ? MANAGED : FIXED;
}

/* For people: "eth0 virtio2-input.0". */
static int add_irq(const struct host_irq *irq, struct knob_objects *ret, struct hft_err *err)
{
	bool named = irq->nic[0] != '\0' && strstr(irq->actions, irq->nic) == NULL;
	CLEANUP(mem_freep) char *label = str_printf("%s%s%s", named ? irq->nic : "", named ? " " : "", irq->actions);

	if (label == NULL)
		return err_oom(err);
	return knob_objects_add(ret, irq->key, label, irq->managed ? why_refused(irq) : NULL, err);
}

static int list_affinity(const struct knob_ctx *c, const char *selector, struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(irq_selector_done) struct irq_selector wanted = {0};
	size_t n_matched = 0;

	int r = irq_selector_parse(selector, &wanted, err);
	if (r < 0)
		return r;
	r = host_read_irqs(c->host, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->host->n_irqs; i++) {
		const struct host_irq *irq = &c->host->irqs[i];
		if (irq->actions[0] == '\0' || !irq_selector_matches(&wanted, irq))
			continue;
		r = add_irq(irq, ret, err);
		if (r < 0)
			return r;
		n_matched++;
	}
	if (n_matched == 0 && irq_selector_is_literal(&wanted))
		return err_raise(err, ERR_NO_MATCH, ENOENT, selector, "no interrupt in use matches '%s'", selector);
	return 0;
}

static int irq_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                    struct hft_err *err)
{
	if (str_eq(option, "affinity"))
		return list_affinity(c, selector, ret, err);
	if (!str_eq(option, DEFAULT_KEY))
		return row_unknown_option("irq", option, err);
	if (selector[0] != '\0')
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "%s takes no selector", option);
	bool present = fsio_exists(c->fs, DEFAULT_PATH);
	return knob_objects_add(ret, DEFAULT_KEY, NULL, present ? NULL : "this kernel has no " DEFAULT_PATH, err);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int irq_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                     struct strbuf *ret, struct hft_err *err)
{
	struct cpuset set;

	strbuf_reset(ret);
	if (key == NULL && !str_eq(option, "affinity") && !str_eq(option, DEFAULT_KEY))
		return row_unknown_option("irq", option, err);
	int r = cpuset_parse(value, &set, NULL);
	if (r == -EINVAL || (r == 0 && cpuset_is_empty(&set)))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "'%s' is not a list of CPUs", value);
	if (r < 0 || (key != NULL && (!cpuset_is_subset(&set, &c->host->present) ||
	                              !cpuset_intersects(&set, &c->host->online)))) {
		CLEANUP(strbuf_done) struct strbuf bounds = {0};
		cpuset_format(&c->host->present, &bounds);
		strbuf_addf(&bounds, ", at least one online");
		r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, option, "CPUs %s are not all present, or none is online",
		              value);
		err_values(err, strbuf_str(&bounds), value);
		return r;
	}
	cpuset_format(&set, ret);
	return ret->oom ? err_oom(err) : 0;
}

static int value_parse(const char *text, struct value *ret, struct hft_err *err)
{
	const char *at = strchrnul(text, '@');
	CLEANUP(mem_freep) char *mask = str_dup_n(text, (size_t)(at - text));

	if (mask == NULL)
		return err_oom(err);
	ret->has_effective = *at == '@';
	cpuset_zero(&ret->effective);
	int r = cpuset_parse(mask, &ret->mask, err);
	if (r == 0 && ret->has_effective)
		r = cpuset_parse(at + 1, &ret->effective, err);
	return r;
}

static int value_format(const struct value *v, struct strbuf *ret, struct hft_err *err)
{
	cpuset_format(&v->mask, ret);
	if (v->has_effective && !cpuset_equal(&v->mask, &v->effective)) {
		strbuf_addc(ret, '@');
		cpuset_format(&v->effective, ret);
	}
	return ret->oom ? err_oom(err) : 0;
}

/* --- the kernel's files ------------------------------------------------------------------------------------------- */

#define PATH_LEN 64

static const char *irq_path(const struct host_irq *irq, const char *file, char *path)
{
	snprintf(path, PATH_LEN, "/proc/irq/%d/%s", irq->irq, file);
	return path;
}

static int resolve(const struct knob_ctx *c, const char *key, const struct host_irq **ret, struct hft_err *err)
{
	int r = host_read_irqs(c->host, err);
	if (r < 0)
		return r;
	*ret = host_irq_by_key(c->host, key);
	return *ret != NULL ? 0 : cpukey_unknown("irq", key, err);
}

static int read_list(const struct knob_ctx *c, const struct host_irq *irq, const char *file, struct cpuset *ret,
                     struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	char path[PATH_LEN];

	int r = cpukey_read(c, irq_path(irq, file, path), &text, err);
	return r < 0 ? r : cpuset_parse_kernel(strbuf_str(&text), ret, err);
}

/* Kernels without CONFIG_GENERIC_IRQ_EFFECTIVE_AFF_MASK do not say which CPU they chose. */
static int read_now(const struct knob_ctx *c, const struct host_irq *irq, struct value *ret, struct hft_err *err)
{
	int r = read_list(c, irq, "smp_affinity_list", &ret->mask, err);
	if (r < 0)
		return r;
	r = read_list(c, irq, "effective_affinity_list", &ret->effective, err);
	ret->has_effective = r == 0;
	return r == -ENOENT ? 0 : r;
}

static int read_default(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct cpuset set;

	int r = cpukey_read(c, DEFAULT_PATH, &text, err);
	if (r == 0)
		r = cpuset_parse_mask(strbuf_str(&text), &set, err);
	if (r < 0)
		return r;
	cpuset_format(&set, ret);
	return ret->oom ? err_oom(err) : 0;
}

static int irq_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	const struct host_irq *irq;
	struct value now;

	strbuf_reset(ret);
	if (str_eq(key, DEFAULT_KEY))
		return read_default(c, ret, err);
	int r = resolve(c, key, &irq, err);
	if (r == 0)
		r = read_now(c, irq, &now, err);
	return r < 0 ? r : value_format(&now, ret, err);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* EIO up to 6.11, EPERM from 6.12 (commit eb29369fa543): managed, or IRQF_NOBALANCING. */
static int raise_refused(struct hft_err *err, const struct host_irq *irq, int r, const char *value)
{
	if (r == -EIO || r == -EPERM)
		return err_raise(err, ERR_NOT_APPLICABLE, -r, irq->key, "%s", why_refused(irq));
	if (r == -ENOENT)
		return cpukey_unknown("irq", irq->key, err);
	r = err_raise(err, ERR_WRITE_FAILED, -r, irq->key, "cannot move the interrupt to CPUs %s: %s", value, strerror(-r));
	err_values(err, value, NULL);
	if (r == -ENOSPC)
		err_hint(err, "the CPUs have no interrupt vector left; spread the interrupts over more CPUs");
	return r;
}

static int write_list(const struct knob_ctx *c, const struct host_irq *irq, const struct cpuset *set,
                      struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	char path[PATH_LEN];

	cpuset_format(set, &text);
	if (text.oom)
		return err_oom(err);
	int r = fsio_write(c->fs, irq_path(irq, "smp_affinity_list", path), strbuf_str(&text), NULL);
	return r < 0 ? raise_refused(err, irq, r, strbuf_str(&text)) : 0;
}

static bool is_delivered_to(const struct knob_ctx *c, const struct host_irq *irq, const struct cpuset *set)
{
	struct cpuset now;

	return read_list(c, irq, "effective_affinity_list", &now, NULL) < 0 || cpuset_equal(&now, set);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Without interrupt remapping the kernel moves a vector when its next interrupt arrives, and offers no way to wait for
 * that. An idle interrupt is not worth waiting for long, and there may be thousands. */
static bool await_delivery(const struct knob_ctx *c, const struct host_irq *irq, const struct cpuset *set)
{
	int64_t share_ms = AWAIT_ALL_MS / (int64_t)(c->host->n_irqs > 0 ? c->host->n_irqs : 1);
	int64_t until_ms = now_ms() + (share_ms < AWAIT_ONE_MS ? share_ms : AWAIT_ONE_MS);
	struct timespec step = {.tv_nsec = AWAIT_STEP_NS};

	while (!is_delivered_to(c, irq, set)) {
		if (now_ms() > until_ms)
			return false;
		nanosleep(&step, NULL);
	}
	return true;
}

/*
 * Put an original back, delivery included: narrow the mask to the CPU that had it, and widen it once the vector has
 * moved; the kernel then leaves it there. Twice, when an interrupt carries out an earlier move in between.
 */
static int write_original(const struct knob_ctx *c, const struct host_irq *irq, const struct value *v,
                          struct hft_err *err)
{
	bool steerable = cpuset_intersects(&v->effective, &c->host->online) &&
	                 cpuset_is_subset(&v->effective, &v->mask);

	for (int round = 0; round < 2; round++) {
		bool there = is_delivered_to(c, irq, &v->effective);
		if (steerable && !there && write_list(c, irq, &v->effective, NULL) == 0)
			there = await_delivery(c, irq, &v->effective);
		int r = write_list(c, irq, &v->mask, err);
		if (r < 0)
			return r;
		if (!steerable || !there || is_delivered_to(c, irq, &v->effective))
			break;
	}
	return 0;
}

/* The mask in the width that the file has: the kernel pads to the number of possible CPUs. */
static void format_mask_as_wide(const struct cpuset *set, const char *old, struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf mask = {0};

	cpuset_format_mask(set, CPUSET_MAX, &mask);
	const char *s = strbuf_str(&mask);
	size_t width = old[0] != '\0' ? strlen(old) : 1;
	for (size_t len = mask.len; len > width && (*s == '0' || *s == ','); len--)
		s++;
	strbuf_add(ret, s);
	ret->oom = ret->oom || mask.oom;
}

static int write_mask_file(const struct knob_ctx *c, const char *path, const struct cpuset *set, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf old = {0}, text = {0};

	int r = cpukey_read(c, path, &old, err);
	if (r < 0)
		return r;
	format_mask_as_wide(set, strbuf_str(&old), &text);
	return text.oom ? err_oom(err) : cpukey_write(c, path, strbuf_str(&text), err);
}

/* A copied tree has no kernel behind it: the other files of the interrupt follow here. */
static int write_copied(const struct knob_ctx *c, const struct host_irq *irq, const struct value *v,
                        struct hft_err *err)
{
	const struct cpuset *effective = v->has_effective ? &v->effective : &v->mask;
	CLEANUP(strbuf_done) struct strbuf text = {0};
	char path[PATH_LEN];

	int r = write_list(c, irq, &v->mask, err);
	if (r < 0)
		return r;
	r = write_mask_file(c, irq_path(irq, "smp_affinity", path), &v->mask, err);
	if (r < 0 && r != -ENOENT)
		return r;
	r = write_mask_file(c, irq_path(irq, "effective_affinity", path), effective, err);
	if (r < 0 && r != -ENOENT)
		return r;
	cpuset_format(effective, &text);
	r = cpukey_write(c, irq_path(irq, "effective_affinity_list", path), strbuf_str(&text), err);
	return r == -ENOENT ? 0 : r;
}

static int write_irq(const struct knob_ctx *c, const char *key, const struct value *v, struct hft_err *err)
{
	const struct host_irq *irq;

	int r = resolve(c, key, &irq, err);
	if (r < 0)
		return r;
	if (host_irq_recheck(c->host, irq, NULL) < 0)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key,
		                 "the interrupt has gone, or its number has gone to another one");
	if (irq->managed)
		return err_raise(err, ERR_NOT_APPLICABLE, EPERM, key, "%s", why_refused(irq));
	if (c->copied)
		return write_copied(c, irq, v, err);
	return v->has_effective ? write_original(c, irq, v, err) : write_list(c, irq, &v->mask, err);
}

static int irq_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	struct value v;

	int r = value_parse(value, &v, err);
	if (r < 0)
		return r;
	if (str_eq(key, DEFAULT_KEY))
		return write_mask_file(c, DEFAULT_PATH, &v.mask, err);
	return write_irq(c, key, &v, err);
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

static void judge(struct knob_verdict *ret, enum knob_verdict_state state, const char *reason)
{
	ret->state = state;
	snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
}

static int verify_default(const struct knob_ctx *c, const char *wanted, struct knob_verdict *ret, struct hft_err *err)
{
	int r = read_default(c, &ret->found, err);
	if (r == 0)
		judge(ret, str_eq(strbuf_str(&ret->found), wanted) ? KNOB_OK : KNOB_DRIFT, "");
	return r;
}

static int verify_irq(const struct knob_ctx *c, const char *key, const struct value *wanted, struct knob_verdict *ret,
                      struct hft_err *err)
{
	const struct host_irq *irq;
	struct value now;

	int r = resolve(c, key, &irq, err);
	if (r == 0)
		r = read_now(c, irq, &now, err);
	if (r == 0)
		r = value_format(&now, &ret->found, err);
	if (r < 0)
		return r;
	if (irq->managed)
		judge(ret, KNOB_NA, why_refused(irq));
	else if (!cpuset_equal(&now.mask, &wanted->mask))
		judge(ret, KNOB_DRIFT, "");
	else if (now.has_effective && !cpuset_is_subset(&now.effective, &wanted->mask))
		judge(ret, KNOB_PENDING, "next interrupt");
	else
		judge(ret, KNOB_OK, "");
	return 0;
}

static int irq_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                      struct hft_err *err)
{
	struct value v;

	strbuf_reset(&ret->found);
	int r = value_parse(wanted, &v, err);
	if (r == 0)
		r = str_eq(key, DEFAULT_KEY) ? verify_default(c, wanted, ret, err) : verify_irq(c, key, &v, ret, err);
	if (r == -ENOENT) {
		judge(ret, KNOB_NA, "the interrupt is gone");
		return 0;
	}
	return r;
}

/* Drivers ask for their interrupts anew at ifup and when queues change. */
static const char *irq_wiped_by(const char *key, char text[KNOB_WIPED_MAX])
{
	(void)text;
	return str_eq(key, DEFAULT_KEY) ? NULL : KNOB_WIPED_BY_LINK;
}

/* --- documentation ------------------------------------------------------------------------------------------------ */

static const struct knob_doc docs[] = {
	{
		.option = "affinity",
		.summary = "the CPUs on which the interrupts that the selector names may be handled; words of a "
			   "selector must all hold (nic:eth0 queue:0-3)",
		.unit = "cpulist",
		.bounds = "present CPUs, at least one online",
		.risk = 2,
		.effect = EFFECT_NEXT_INTERRUPT,
		.counter = "the CPU's column in /proc/interrupts",
		.changes = "",
		.source = "Documentation/core-api/irq/irq-affinity.rst, kernel/irq/proc.c",
		.traps = "irqbalance undoes it, drivers undo it at ifup and when queues change; x86 handles an "
			 "interrupt on one CPU of a longer list; an original \"0-1@1\" is the mask 0-1, delivered to "
			 "CPU 1, and an idle interrupt may stay on another CPU of its mask; managed interrupts refuse",
	},
	{
		.option = DEFAULT_KEY,
		.summary = "the mask that interrupts requested from now on start with; no selector",
		.unit = "cpulist",
		.bounds = "present CPUs, at least one online",
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "",
		.changes = "",
		.source = "Documentation/core-api/irq/irq-affinity.rst",
		.traps = "leaves every interrupt that exists already where it is",
	},
};

static int irq_explain(size_t i, struct knob_doc *ret)
{
	if (i >= ARRAY_LEN(docs))
		return -ENOENT;
	*ret = docs[i];
	return 0;
}

const struct knob knob_irq = {
	.name = "irq",
	.summary = "on which CPUs interrupts are handled",
	.selector = "* | KEY | NIC | PCI-ADDRESS | ACTION | nic: device: driver: action: queue:LIST; patterns; several "
		    "words all hold; empty for default_smp_affinity",
	.list = irq_list,
	.parse = irq_parse,
	.read = irq_read,
	.write = irq_write,
	.verify = irq_verify,
	.wiped_by = irq_wiped_by,
	.explain = irq_explain,
};
