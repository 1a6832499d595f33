/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob workqueue: where the kernel's unbound workers may run, for all of them ("cpumask", selector empty) and for one
 * queue ("writeback cpumask"). Must not touch workers that are bound to a CPU: those cannot be moved.
 */
#include <string.h>

#include "daemon/knobs/row.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define DIR "/sys/devices/virtual/workqueue/"
#define WORKQUEUE_RST "Documentation/core-api/workqueue.rst"
#define CPUMASK "cpumask"
#define SCOPE "affinity_scope"
#define DEFAULT_SCOPE "/sys/module/workqueue/parameters/default_affinity_scope"
#define WORKERS "kworker/u* threads on other CPUs; the tracepoint workqueue_execute_start"

extern const struct knob knob_workqueue;

#define SCOPES "default|cpu|smt|cache|numa|system"
#define OPT(name, what) .option = name, .risk = 1, .effect = EFFECT_NOW, .summary = what, .source = WORKQUEUE_RST
#define INT(lo, hi, of) .form = ROW_INT, .min = lo, .max = hi, .unit = of, .bounds = #lo ".." #hi
#define MASK .form = ROW_CPUMASK, .unit = "cpulist", .bounds = "present CPUs"

static const struct row global_rows[] = {
	{ OPT(CPUMASK, "CPUs that unbound workers may run on; without a selector all of them"),
	  .path = DIR "cpumask", MASK, .counter = WORKERS,
	  .traps = "isolcpus= and nohz_full= already leave their CPUs out; since Linux 6.8 an isolated cpuset "
	           "partition "
	           "does too, until somebody writes" },
};

static const struct row queue_rows[] = {
	{ OPT(SCOPE, "how near to where it was queued work is done"), .path = DIR "*/affinity_scope", .form = ROW_WORD,
	  .words = SCOPES, .unit = "word", .bounds = SCOPES, .counter = WORKERS, .traps = "since Linux 6.6" },
	{ OPT("affinity_strict", "keep workers inside affinity_scope at all times"), .path = DIR "*/affinity_strict",
	  INT(0, 1, "bool"), .counter = WORKERS, .traps = "since Linux 6.6" },
	{ OPT(CPUMASK, "CPUs that the workers of one queue may run on"), .path = DIR "*/cpumask", MASK,
	  .counter = WORKERS, .traps = "only queues that the kernel shows in sysfs; EINVAL for ordered ones" },
	{ OPT("nice", "priority of the workers of one queue"), .path = DIR "*/nice", INT(-20, 19, "nice"),
	  .counter = "nice of the kworker/u* threads" },
};

static const struct row_table globals = { "workqueue", global_rows, ARRAY_LEN(global_rows) };
static const struct row_table queues = { "workqueue", queue_rows, ARRAY_LEN(queue_rows) };

static const struct row_table *table_of_key(const char *key)
{
	return strchr(key, ' ') ? &queues : &globals;
}

static int workqueue_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                          struct hft_err *err)
{
	bool global = selector[0] == '\0' && row_find(&globals, option);

	return row_list(global ? &globals : &queues, c, selector, option, ret, err);
}

static int workqueue_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                           struct strbuf *ret, struct hft_err *err)
{
	if (!key)
		return row_parse(row_find(&globals, option) ? &globals : &queues, c, NULL, option, value, ret, err);
	return row_parse(table_of_key(key), c, key, option, value, ret, err);
}

static int workqueue_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	return row_read(table_of_key(key), c, key, ret, err);
}

/* In a copied tree: what else the kernel would show after the write. */
static int mirror_copied(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0}, scope = {0}, path = {0};
	struct row_ref ref;
	int r = row_of_key(table_of_key(key), key, &ref, err);

	if (r < 0)
		return r;
	if (ref.row == &global_rows[0] && fsio_exists(c->fs, DIR "cpumask_requested"))
		return row_value_write(c, ref.row, DIR "cpumask_requested", value, err);
	if (!str_eq(ref.row->option, SCOPE) || !str_eq(value, "default") ||
	    fsio_probe(c->fs, DEFAULT_SCOPE, &scope) < 0)
		return 0;
	strbuf_trim(&scope);
	strbuf_addf(&text, "default (%s)", strbuf_str(&scope));
	row_path(&ref, &path);
	return text.oom || path.oom ? err_oom(err) : fsio_write(c->fs, strbuf_str(&path), strbuf_str(&text), err);
}

static int workqueue_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	int r = row_write(table_of_key(key), c, key, value, err);

	return r == 0 && c->copied ? mirror_copied(c, key, value, err) : r;
}

/* A write sets the mask and the request alike (workqueue_set_unbound_cpumask), so two that differ do not come back. */
static const char *workqueue_inexact(const struct knob_ctx *c, const char *key, const char *before, const char *after)
{
	CLEANUP(strbuf_done) struct strbuf requested = {0};

	if (!str_eq(key, CPUMASK) || str_eq(before, after) ||
	    row_value_read(c, &global_rows[0], DIR "cpumask_requested", &requested, NULL) < 0 ||
	    str_eq(strbuf_str(&requested), before))
		return NULL;
	return "an isolated cpuset partition has taken CPUs out of the mask, which a write cannot say again";
}

static int workqueue_explain(size_t i, struct knob_doc *ret)
{
	return i < globals.n ? row_explain(&globals, i, ret) : row_explain(&queues, i - globals.n, ret);
}

const struct knob knob_workqueue = {
	.name = "workqueue",
	.summary = "where unbound kernel workers run",
	.selector = "queue, or a pattern of queues; empty for all workers",
	.list = workqueue_list,
	.parse = workqueue_parse,
	.read = workqueue_read,
	.write = workqueue_write,
	.inexact = workqueue_inexact,
	.explain = workqueue_explain,
};
