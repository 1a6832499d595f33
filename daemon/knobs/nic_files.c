/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /sys/class/net/NAME holds: settings of the device, and of its queues. A setting of queues is one object for all
 * queues of a direction: queues come and go with the channels, their settings with them, and what a queue held that is
 * not there now has to wait for it.
 *
 * Canonical: one value where all queues have the same, else queue lists with theirs: "0-1:2-3 2:none". A profile may
 * write either; queues that it does not name are left as they are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/nic.h"
#include "daemon/knobs/row.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define NET_DIR "/sys/class/net"
#define NONE "none" /* an empty set of CPUs */
#define PATH_LEN 160

struct file {
	struct row row;     /* without a path: that has the interface in it */
	const char *queues; /* "rx" or "tx": a file of each such queue; NULL: one of the device */
};

#define OPT(name, level, when, what)                                                                                   \
	.row.option = name, .row.risk = level, .row.effect = EFFECT_##when, .row.summary = what
#define INT(lo, hi, of) .row.form = ROW_INT, .row.min = lo, .row.max = hi, .row.unit = of, .row.bounds = #lo ".." #hi
#define CPUS .row.form = ROW_CPUMASK, .row.unit = "cpulist", .row.bounds = "present CPUs, or none; or QUEUES:CPUS ..."
#define DOC(watch, of, beware) .row.counter = watch, .row.source = of, .row.traps = beware

#define SYSFS_NET "Documentation/ABI/testing/sysfs-class-net"
#define SCALING "Documentation/networking/scaling.rst"
#define NAPI "Documentation/networking/napi.rst"

static const struct file files[] = {
	{ OPT("gro_flush_timeout", 2, NOW,
	      "how long packets are held for merging, and interrupts off while a program polls"),
	  INT(0, 1000000000, "ns"), DOC("interrupts of the device fall while the program polls", NAPI,
	  "with napi_defer_hard_irqs, and a program that polls (SO_PREFER_BUSY_POLL); without one it adds up to that "
	  "much latency; since Linux 6.13 each NAPI has its own too, which a write here sets for all") },
	{ OPT("napi_defer_hard_irqs", 2, NOW, "empty polls before interrupts are turned on again"),
	  INT(0, 1000000, "polls"), DOC("interrupts of the device fall while the program polls", NAPI,
	  "only together with gro_flush_timeout") },
	{ OPT("rps_cpus", 1, NOW, "the CPUs that packets of a receive queue are handed to; none: they stay"), CPUS,
	  .queues = "rx", DOC("received_rps in /proc/net/softnet_stat", SCALING,
	  "costs an interrupt between CPUs for each packet; the kernel takes isolated CPUs out of the mask, and then it "
	  "is not in effect") },
	{ OPT("rps_flow_cnt", 1, NOW, "flows whose program's CPU a receive queue remembers"),
	  .row.form = ROW_INT, .row.max = 1073741824, .row.rule = ROW_POW2, .row.unit = "flows",
	  .row.bounds = "0, or a power of two up to 1073741824; or QUEUES:FLOWS ...",
	  .queues = "rx", DOC("received_rps in /proc/net/softnet_stat", SCALING,
	  "without effect while net.core.rps_sock_flow_entries is 0") },
	{ OPT("threaded", 1, NOW, "poll in threads napi/NAME-N, which can be placed, and not in softirqs"),
	  INT(0, 1, "bool"), DOC("the threads napi/NAME-N", NAPI,
	  "adds a wakeup; the threads have to be placed afterwards; not for devices without NAPI") },
	{ OPT("tx_queue_len", 1, NOW, "packets that may wait in the queueing discipline"),
	  INT(0, 1000000, "packets"), DOC("backlog in tc -s qdisc", SYSFS_NET,
	  "disciplines with a limit of their own (fq, fq_codel) do not follow") },
	{ OPT("xps_cpus", 1, NOW, "the CPUs whose packets a queue sends; none: any"), CPUS, .queues = "tx",
	  DOC("packets per queue in ethtool -S", SCALING, "a device with one queue that sends has none") },
};

static const struct file *find(const char *option)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (strcmp(files[i].row.option, option) == 0)
			return &files[i];
	return NULL;
}

static bool files_has(const char *option)
{
	return find(option) != NULL;
}

static const char *file_path(const struct nic_at *at, const struct file *f, unsigned queue, char path[PATH_LEN])
{
	if (f->queues)
		snprintf(path, PATH_LEN, NET_DIR "/%s/queues/%s-%u/%s", at->nic->name, f->queues, queue, f->row.option);
	else
		snprintf(path, PATH_LEN, NET_DIR "/%s/%s", at->nic->name, f->row.option);
	return path;
}

/* --- values for queues -------------------------------------------------------------------------------------------- */

/* Values, and the queues that have each. */
struct queue_values {
	struct value {
		char *text;
		struct cpuset queues;
	} *v;
	size_t n, cap;
	bool is_all; /* one value without queues, in v[0]: of whatever queues there are */
};

static void values_done(struct queue_values *q)
{
	for (size_t i = 0; i < q->n; i++)
		free(q->v[i].text);
	free(q->v);
	*q = (struct queue_values){0};
}

static int values_add(struct queue_values *q, const char *text, const struct cpuset *queues)
{
	for (size_t i = 0; i < q->n; i++) {
		if (strcmp(q->v[i].text, text) != 0)
			continue;
		cpuset_or(&q->v[i].queues, queues);
		return 0;
	}
	char *copy = strdup(text);
	if (!copy || mem_grow(&q->v, &q->cap, q->n, sizeof(*q->v)) < 0) {
		free(copy);
		return -ENOMEM;
	}
	q->v[q->n++] = (struct value){copy, *queues};
	return 0;
}

/* The value of a queue, NULL when it is not named. */
static const char *values_of(const struct queue_values *q, unsigned queue)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->is_all || cpuset_has(&q->v[i].queues, queue))
			return q->v[i].text;
	return NULL;
}

static void values_queues(const struct queue_values *q, struct cpuset *ret)
{
	cpuset_zero(ret);
	for (size_t i = 0; i < q->n; i++)
		cpuset_or(ret, &q->v[i].queues);
}

static int compare_first(const void *a, const void *b)
{
	return cpuset_next(&((const struct value *)a)->queues, 0) - cpuset_next(&((const struct value *)b)->queues, 0);
}

static int values_format(struct queue_values *q, struct strbuf *ret, struct hft_err *err)
{
	if (!q->is_all)
		qsort(q->v, q->n, sizeof(*q->v), compare_first);
	for (size_t i = 0; i < q->n; i++) {
		strbuf_add(ret, i > 0 ? " " : "");
		if (!q->is_all)
			cpuset_format(&q->v[i].queues, ret);
		strbuf_addf(ret, "%s%s", q->is_all ? "" : ":", q->v[i].text);
	}
	return ret->oom ? err_oom(err) : 0;
}

/* "QUEUES:VALUE ..." or "VALUE", without a look at the values. -EINVAL: no such form, or a queue twice. */
static int values_split(const char *text, struct queue_values *ret)
{
	CLEANUP(strlist_done) struct strlist words = {0};
	struct cpuset queues, named;
	int r = strlist_split(&words, text, " \t");

	cpuset_zero(&named);
	ret->is_all = words.n == 1 && !strchr(words.s[0], ':');
	if (r == 0 && ret->is_all)
		return values_add(ret, words.s[0], &named);
	for (size_t i = 0; r == 0 && i < words.n; i++) {
		char *colon = strchr(words.s[i], ':');
		if (!colon)
			return -EINVAL;
		*colon = '\0';
		if (cpuset_parse(words.s[i], &queues, NULL) < 0 || cpuset_is_empty(&queues) ||
		    cpuset_intersects(&queues, &named))
			return -EINVAL;
		cpuset_or(&named, &queues);
		r = values_add(ret, colon + 1, &queues);
	}
	return r == 0 && words.n == 0 ? -EINVAL : r;
}

/* --- one file ----------------------------------------------------------------------------------------------------- */

static bool is_none(const struct file *f, const char *value)
{
	return f->row.form == ROW_CPUMASK && strcmp(value, NONE) == 0;
}

static int read_one(const struct knob_ctx *c, const struct nic_at *at, const struct file *f, unsigned queue,
                    struct strbuf *ret, struct hft_err *err)
{
	char path[PATH_LEN];
	int r = row_value_read(c, &f->row, file_path(at, f, queue, path), ret, err);

	if (r == 0 && ret->len == 0 && f->row.form == ROW_CPUMASK)
		strbuf_add(ret, NONE);
	return r;
}

static int write_one(const struct knob_ctx *c, const struct nic_at *at, const struct file *f, unsigned queue,
                     const char *value, struct hft_err *err)
{
	struct hft_err own = {0};
	char path[PATH_LEN];
	int r = row_value_write(c, &f->row, file_path(at, f, queue, path), is_none(f, value) ? "" : value, &own);

	if (r == -EOPNOTSUPP) /* a device without NAPI cannot be threaded */
		return nic_raise_refused(at, EOPNOTSUPP, "", value, err);
	if (r < 0 && err)
		*err = own;
	return r;
}

static int parse_one(const struct knob_ctx *c, const struct nic_at *at, const struct file *f, const char *value,
                     struct strbuf *ret, struct hft_err *err)
{
	char path[PATH_LEN];

	if (is_none(f, value)) {
		strbuf_reset(ret);
		strbuf_add(ret, NONE);
		return ret->oom ? err_oom(err) : 0;
	}
	return row_value_parse(c, &f->row, at->nic ? file_path(at, f, 0, path) : NULL, value, ret, err);
}

/* --- all queues of a direction ------------------------------------------------------------------------------------ */

static int list_queues(const struct knob_ctx *c, const struct nic_at *at, const struct file *f, struct cpuset *ret,
                       struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	char path[PATH_LEN];
	int64_t queue;

	cpuset_zero(ret);
	snprintf(path, sizeof(path), NET_DIR "/%s/queues", at->nic->name);
	int r = fsio_list(c->fs, path, &names, err);
	if (r < 0 && r != -ENOENT)
		return r;
	for (size_t i = 0; i < names.n; i++)
		if (strncmp(names.s[i], f->queues, 2) == 0 && names.s[i][2] == '-' &&
		    num_parse_range(names.s[i] + 3, 0, CPUSET_MAX - 1, &queue) == 0)
			cpuset_add(ret, (unsigned)queue);
	return cpuset_is_empty(ret) ? nic_raise_lacking(at, err, "it has no such queues") : 0;
}

static int read_queues(const struct knob_ctx *c, const struct nic_at *at, const struct file *f,
                       struct queue_values *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf value = {0};
	struct cpuset queues, one;
	int r = list_queues(c, at, f, &queues, err);

	for (int i = cpuset_next(&queues, 0); r == 0 && i >= 0; i = cpuset_next(&queues, (unsigned)i + 1)) {
		r = read_one(c, at, f, (unsigned)i, &value, err);
		cpuset_zero(&one);
		cpuset_add(&one, (unsigned)i);
		if (r == 0 && (value.oom || values_add(ret, strbuf_str(&value), &one) < 0))
			r = err_oom(err);
	}
	return r;
}

/* Only what differs is written: a write can interrupt other CPUs. Queues that are not there wait (files_judge). */
static int write_queues(const struct knob_ctx *c, const struct nic_at *at, const struct file *f,
                        const struct queue_values *wanted, struct hft_err *err)
{
	CLEANUP(values_done) struct queue_values now = {0};
	struct cpuset queues;
	int r = read_queues(c, at, f, &now, err);

	values_queues(&now, &queues);
	for (int i = cpuset_next(&queues, 0); r == 0 && i >= 0; i = cpuset_next(&queues, (unsigned)i + 1)) {
		const char *value = values_of(wanted, (unsigned)i);
		if (value && strcmp(value, values_of(&now, (unsigned)i)) != 0)
			r = write_one(c, at, f, (unsigned)i, value, err);
	}
	return r;
}

/* --- the part ----------------------------------------------------------------------------------------------------- */

static int raise_form(const struct file *f, const char *value, struct hft_err *err)
{
	int r = err_raise(err, ERR_INVALID_PROFILE, EINVAL, f->row.option, "%s cannot be '%s'", f->row.option, value);

	err_values(err, f->row.bounds, value);
	return r;
}

static int parse_queues(const struct knob_ctx *c, const struct nic_at *at, const struct file *f, const char *value,
                        struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(values_done) struct queue_values given = {0}, canonical = {0};
	CLEANUP(strbuf_done) struct strbuf one = {0};
	int r = values_split(value, &given);

	if (r < 0)
		return r == -ENOMEM ? err_oom(err) : raise_form(f, value, err);
	canonical.is_all = given.is_all;
	for (size_t i = 0; r == 0 && i < given.n; i++) {
		r = parse_one(c, at, f, given.v[i].text, &one, err);
		if (r == 0 && values_add(&canonical, strbuf_str(&one), &given.v[i].queues) < 0)
			r = err_oom(err);
	}
	return r == 0 ? values_format(&canonical, ret, err) : r;
}

static int files_parse(const struct knob_ctx *c, const struct nic_at *at, const char *value, struct strbuf *ret,
                       struct hft_err *err)
{
	const struct file *f = find(at->option);

	return f->queues ? parse_queues(c, at, f, value, ret, err) : parse_one(c, at, f, value, ret, err);
}

static int files_read(const struct knob_ctx *c, const struct nic_at *at, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(values_done) struct queue_values now = {0};
	const struct file *f = find(at->option);

	if (!f->queues)
		return read_one(c, at, f, 0, ret, err);
	int r = read_queues(c, at, f, &now, err);
	if (r < 0)
		return r;
	now.is_all = now.n == 1;
	return values_format(&now, ret, err);
}

static int files_set(const struct knob_ctx *c, const struct nic_at *at, const char *value, struct hft_err *err)
{
	CLEANUP(values_done) struct queue_values wanted = {0};
	const struct file *f = find(at->option);

	if (!f->queues)
		return write_one(c, at, f, 0, value, err);
	int r = values_split(value, &wanted);
	if (r < 0)
		return err_raise(err, ERR_WRITE_FAILED, EINVAL, at->option, "'%s' is no value of it", value);
	return write_queues(c, at, f, &wanted, err);
}

/* Every queue that is named holds its value; one that is not there is waited for. */
static int judge_queues(const struct queue_values *wanted, const struct queue_values *now, struct knob_verdict *ret)
{
	struct cpuset queues, absent;

	values_queues(now, &queues);
	ret->state = KNOB_OK;
	for (int i = cpuset_next(&queues, 0); i >= 0; i = cpuset_next(&queues, (unsigned)i + 1)) {
		const char *value = values_of(wanted, (unsigned)i);
		if (value && strcmp(value, values_of(now, (unsigned)i)) != 0)
			ret->state = KNOB_DRIFT;
	}
	values_queues(wanted, &absent);
	cpuset_minus(&absent, &queues);
	if (ret->state == KNOB_OK && !cpuset_is_empty(&absent)) {
		ret->state = KNOB_PENDING;
		snprintf(ret->reason, sizeof(ret->reason), "queue %d", cpuset_next(&absent, 0));
	}
	return 0;
}

static int files_judge(const struct knob_ctx *c, const struct nic_at *at, const char *wanted, struct knob_verdict *ret,
                       struct hft_err *err)
{
	CLEANUP(values_done) struct queue_values want = {0}, now = {0};
	const struct file *f = find(at->option);

	if (!f->queues || values_split(wanted, &want) < 0)
		return 0;
	int r = read_queues(c, at, f, &now, err);
	return r == 0 ? judge_queues(&want, &now, ret) : r;
}

static int files_explain(size_t i, struct knob_doc *ret)
{
	if (i >= ARRAY_LEN(files))
		return -ENOENT;
	row_doc(&files[i].row, ret);
	return 0;
}

const struct nic_part nic_files = {
	.has = files_has,
	.parse = files_parse,
	.read = files_read,
	.set = files_set,
	.judge = files_judge,
	.explain = files_explain,
};
