/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob irqbalance: the CPUs that the daemon irqbalance leaves alone, or the daemon stopped. Objects are the options.
 *
 * The CPUs are told by its environment, in a run-time drop-in of its unit, and judged by the environment of the process.
 * The unit's own environment file (/etc/default/irqbalance) outdoes Environment=, so the drop-in is an environment file,
 * too: it names itself, and its last section is one that systemd skips. The same lines are then read as variables, where
 * "EnvironmentFile" among them shows whose environment it is.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/host/host.h"
#include "daemon/knobs/knob.h"
#include "daemon/knobs/others.h"
#include "daemon/knobs/row.h"
#include "daemon/knobs/systemd_unit.h"
#include "lib/base/cpuset.h"
#include "lib/base/durable.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

extern const struct knob knob_irqbalance;

#define UNIT "irqbalance.service"
#define BANNED "banned_cpus"
#define SERVICE "service"
#define STOPPED "stopped"
#define NONE "none" /* no drop-in: irqbalance finds isolated CPUs by itself */
#define DROPIN "/run/systemd/system/" UNIT ".d/50-hfttune.conf"
#define PROCESSES "/sys/fs/cgroup/system.slice/" UNIT "/cgroup.procs"
#define MARK "EnvironmentFile=" DROPIN
#define VARIABLE "IRQBALANCE_BANNED_CPULIST="
#define ENVIRONMENT_MAX (256 * 1024)
#define AWAIT_MS 50
#define AWAIT_TURNS 100

static const struct knob_doc docs[] = {
	{
		.option = BANNED,
		.summary = "CPUs that irqbalance moves no interrupt to",
		.unit = "cpulist",
		.bounds = "present CPUs",
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "/proc/interrupts of those CPUs",
		.changes = "",
		.source = "irqbalance(1)",
		.traps = "restarts irqbalance; what it would leave alone of itself (isolated, nohz_full) is added, because the "
			 "variable replaces that; interrupts that are there already move when it next balances",
	},
	{
		.option = SERVICE,
		.summary = "irqbalance stopped and masked until the next boot",
		.unit = "word",
		.bounds = STOPPED,
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "/proc/irq/*/smp_affinity stand still",
		.changes = "",
		.source = "irqbalance(1)",
		.traps = "interrupts stay where they were: place them with the knob irq",
	},
};

static const struct knob_doc *find_doc(const char *option)
{
	for (size_t i = 0; i < ARRAY_LEN(docs); i++)
		if (str_eq(docs[i].option, option))
			return &docs[i];
	return NULL;
}

static bool is_service(const char *key)
{
	return str_eq(key, SERVICE);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int irqbalance_list(const struct knob_ctx *c, const char *selector, const char *option,
                           struct knob_objects *ret, struct hft_err *err)
{
	if (find_doc(option) == NULL)
		return row_unknown_option("irqbalance", option, err);
	if (selector[0] != '\0')
		return row_no_selector(option, selector, err);
	return knob_objects_add(ret, option, NULL, systemd_unit_lacks(c, UNIT), err);
}

static int bad(const char *option, int sys, const char *value, const char *wanted, struct hft_err *err)
{
	int r = err_raise(err, sys == ERANGE ? ERR_OUT_OF_BOUNDS : ERR_INVALID_PROFILE, sys, option, "'%s' is not %s", value,
	                  wanted);

	err_values(err, wanted, value);
	return r;
}

/* host NULL: whether the CPUs are there is not asked. */
static int parse_cpus(const struct host *host, const char *value, struct strbuf *ret, struct hft_err *err)
{
	struct cpuset cpus;

	if (cpuset_parse(value, &cpus, NULL) < 0 || cpuset_is_empty(&cpus))
		return bad(BANNED, EINVAL, value, "a list of CPUs", err);
	if (host != NULL && !cpuset_is_subset(&cpus, &host->present))
		return bad(BANNED, ERANGE, value, "a list of present CPUs", err);
	if (host != NULL && cpuset_is_subset(&host->online, &cpus))
		return bad(BANNED, ERANGE, value, "a list that leaves a CPU online", err);
	cpuset_format(&cpus, ret);
	return ret->oom ? err_oom(err) : 0;
}

static int irqbalance_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                            struct strbuf *ret, struct hft_err *err)
{
	if (find_doc(option) == NULL)
		return row_unknown_option("irqbalance", option, err);
	strbuf_reset(ret);
	if (!is_service(option))
		return parse_cpus(key != NULL ? c->host : NULL, value, ret, err);
	if (!str_eq(value, STOPPED))
		return bad(option, EINVAL, value, STOPPED, err);
	strbuf_add(ret, STOPPED);
	return ret->oom ? err_oom(err) : 0;
}

/* --- the drop-in -------------------------------------------------------------------------------------------------- */

/* The list behind the variable in a text of lines, or in an environment of `len` bytes. False: it is not there. */
static bool find_list(const char *text, size_t len, char separator, struct strbuf *ret)
{
	const char *end = text + len;

	strbuf_reset(ret);
	for (const char *line = text; line < end;) {
		const char *next = memchr(line, separator, (size_t)(end - line));
		size_t n = (size_t)((next != NULL ? next : end) - line);

		if (n >= strlen(VARIABLE) && strncmp(line, VARIABLE, strlen(VARIABLE)) == 0) {
			strbuf_addn(ret, line + strlen(VARIABLE), n - strlen(VARIABLE));
			return true;
		}
		line = next != NULL ? next + 1 : end;
	}
	return false;
}

static int read_banned(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	struct hft_err own;
	int r = fsio_read_file(c->fs, DROPIN, ENVIRONMENT_MAX, &text, &own);

	if (r < 0 && r != -ENOENT) {
		if (err != NULL)
			*err = own;
		return r;
	}
	if (r < 0 || !find_list(strbuf_str(&text), text.len, '\n', ret)) {
		strbuf_reset(ret);
		strbuf_add(ret, NONE);
	}
	return ret->oom ? err_oom(err) : 0;
}

/* What irqbalance would ban of itself, too. */
static void with_isolated(const struct knob_ctx *c, const char *value, struct strbuf *ret)
{
	struct cpuset cpus;

	if (cpuset_parse(value, &cpus, NULL) == 0) {
		cpuset_or(&cpus, &c->host->isolated);
		cpuset_or(&cpus, &c->host->nohz_full);
		strbuf_reset(ret);
		cpuset_format(&cpus, ret);
	} else {
		strbuf_add(ret, value);
	}
}

/* The older variable goes before the newer one, unless it is empty. */
static int write_banned(const struct knob_ctx *c, const char *value, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf cpus = { 0 };
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	if (str_eq(value, NONE))
		return durable_remove_with_dir(c->fs, DROPIN, err);
	with_isolated(c, value, &cpus);
	strbuf_addf(&text,
	            "# Written by hfttune; `hfttune rollback` takes it away. Also an environment file: see below.\n"
	            "[Service]\n" MARK "\n\n[X-Environment]\n" VARIABLE "%s\nIRQBALANCE_BANNED_CPUS=\n",
	            strbuf_str(&cpus));
	if (text.oom || cpus.oom)
		return err_oom(err);
	return durable_replace_in_dir(c->fs, DROPIN, text.s, text.len, 0644, err);
}

/* --- the process -------------------------------------------------------------------------------------------------- */

/* The environment of the process: 1; 0: it does not run. */
static int read_process(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf pid = { 0 };
	char path[64];
	struct hft_err own;

	if (!other_is_active(c, UNIT) || fsio_probe(c->fs, PROCESSES, &pid) < 0 || pid.len == 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%.*s/environ", (int)strcspn(strbuf_str(&pid), "\n"), strbuf_str(&pid));
	int r = fsio_read_file(c->fs, path, ENVIRONMENT_MAX, ret, &own);
	if (r == -ENOENT || r == -ESRCH)
		return 0; /* it has ended meanwhile */
	if (r < 0 && err != NULL)
		*err = own;
	return r < 0 ? r : 1;
}

/* Has the process what the drop-in says (wanted as in the file, or NONE)? ret gets its list. */
static bool has_it(const struct strbuf *environment, const char *wanted, struct strbuf *ret)
{
	bool ours = memmem(strbuf_str(environment), environment->len, MARK, strlen(MARK)) != NULL;

	if (!find_list(strbuf_str(environment), environment->len, '\0', ret))
		strbuf_add(ret, NONE);
	return ours ? str_eq(strbuf_str(ret), wanted) : str_eq(wanted, NONE);
}

static int judge_process(const struct knob_ctx *c, const char *wanted, struct knob_verdict *v, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf environment = { 0 };
	CLEANUP(strbuf_done) struct strbuf list = { 0 };
	int r = read_process(c, &environment, err);

	if (r < 0)
		return r;
	if (r == 0 && !str_eq(wanted, NONE)) {
		v->state = KNOB_PENDING;
		snprintf(v->reason, sizeof(v->reason), "start of " UNIT);
	} else if (r == 1 && !has_it(&environment, wanted, &list)) {
		v->state = KNOB_DRIFT;
		snprintf(v->reason, sizeof(v->reason), "irqbalance runs with %.60s", strbuf_str(&list));
	}
	return 0;
}

/* --- the knob ----------------------------------------------------------------------------------------------------- */

static int need(const char *key, struct hft_err *err)
{
	return find_doc(key) != NULL ? 0 : err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "not an option of this version");
}

static int irqbalance_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	int r = need(key, err);

	if (r < 0)
		return r;
	return is_service(key) ? systemd_unit_read(c, UNIT, ret, err) : read_banned(c, ret, err);
}

static int irqbalance_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	int r = need(key, err);

	if (r < 0)
		return r;
	return is_service(key) ? systemd_unit_write(c, UNIT, value, err) : write_banned(c, value, err);
}

static int irqbalance_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                             struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf cpus = { 0 };

	if (is_service(key))
		return systemd_unit_verify(c, UNIT, wanted, ret, err);
	int r = irqbalance_read(c, key, &ret->found, err);
	if (r < 0)
		return r;
	with_isolated(c, wanted, &cpus);
	if (cpus.oom)
		return err_oom(err);
	ret->state = str_eq(strbuf_str(&ret->found), strbuf_str(&cpus)) ? KNOB_OK : KNOB_DRIFT;
	return ret->state == KNOB_OK && !c->copied ? judge_process(c, strbuf_str(&cpus), ret, err) : 0;
}

/* The job is done when the process was forked; the environment is its own only once it has become irqbalance. What does
 * not come to pass is seen by the proof. */
static int await_process(const struct knob_ctx *c, const char *wanted, struct hft_err *err)
{
	const struct timespec turn = { .tv_nsec = AWAIT_MS * 1000000L };
	struct knob_verdict v = { .state = KNOB_DRIFT };
	int r = 0;

	for (int i = 0; r == 0 && v.state == KNOB_DRIFT && i < AWAIT_TURNS; i++) {
		nanosleep(&turn, NULL);
		v.state = KNOB_OK;
		r = judge_process(c, wanted, &v, err);
	}
	return r;
}

/* One restart for all that was written, and none where the process has it already, or does not run. */
static int irqbalance_take_effect(const struct knob_ctx *c, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf wanted = { 0 };
	struct knob_verdict v = { .state = KNOB_OK };

	if (c->copied)
		return 0;
	int r = read_banned(c, &wanted, err);
	if (r == 0)
		r = judge_process(c, strbuf_str(&wanted), &v, err);
	if (r == 0)
		r = systemd_unit_reload(c, err);
	if (r < 0 || v.state != KNOB_DRIFT)
		return r;
	r = systemd_unit_try_restart(c, UNIT, err);
	return r < 0 ? r : await_process(c, strbuf_str(&wanted), err);
}

static const char *irqbalance_clash(const char *key, const char *value, const char *other, const char *other_value)
{
	(void)value;
	(void)other_value;
	return is_service(key) != is_service(other) ? "stopped, it balances nothing" : NULL;
}

static int irqbalance_explain(size_t i, struct knob_doc *ret)
{
	if (i >= ARRAY_LEN(docs))
		return -ENOENT;
	*ret = docs[i];
	return 0;
}

const struct knob knob_irqbalance = {
	.name = "irqbalance",
	.summary = "the daemon that spreads interrupts: kept off CPUs, or stopped",
	.selector = "",
	.list = irqbalance_list,
	.parse = irqbalance_parse,
	.read = irqbalance_read,
	.write = irqbalance_write,
	.verify = irqbalance_verify,
	.take_effect = irqbalance_take_effect,
	.clash = irqbalance_clash,
	.explain = irqbalance_explain,
};
