/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob isolate: CPUs for one slice alone, without a reboot: a cpuset partition of cgroup v2 within the rules of the service
 * manager, which owns the tree, and everything else kept on other CPUs. Must not write to a control group but the type of
 * its partition, and never stop a slice that somebody uses.
 *
 * An object is a unit ("hft.slice"), or "kthreads" (kthreads.h). Canonical value of a unit: the type of the partition, the
 * CPUs, and "runtime" where those come from a drop-in of `systemctl set-property --runtime`, as ours do:
 *     isolated 2-3 runtime | member 0-1 runtime | member 0-3 | member | absent
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/cpukey.h"
#include "daemon/knobs/knob.h"
#include "daemon/knobs/kthreads.h"
#include "daemon/knobs/program.h"
#include "daemon/knobs/row.h"
#include "daemon/knobs/systemd_slice.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

extern const struct knob knob_isolate;

#define KTHREADS "kthreads"
#define OTHERS "others"
#define MEMBER "member"
#define ABSENT "absent"
#define PARTITION "cpuset.cpus.partition"
#define CONTROLLERS "/sys/fs/cgroup/cgroup.controllers"

/* Where everything runs that is in no slice of its own. */
static const char *const others[] = { "system.slice", "user.slice", "init.scope", "machine.slice" };

struct value {
	char type[16]; /* "isolated", "root", "member", "invalid", "absent" */
	struct cpuset cpus;
	bool runtime;
};

static bool is_other(const char *unit)
{
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (str_eq(others[i], unit))
			return true;
	return false;
}

/* --- listing -------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *option, *type; /* of the partition; NULL: no slice's */
} options[] = {
	{ "cpus", MEMBER }, { "isolated", "isolated" }, { "root", "root" }, { OTHERS, MEMBER }, { KTHREADS, NULL },
};

static int find_option(const char *option, const char **ret_type, struct hft_err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_eq(options[i].option, option)) {
			*ret_type = options[i].type;
			return 0;
		}
	return row_unknown_option("isolate", option, err);
}

static const char *why_lacking(const struct knob_ctx *c)
{
	CLEANUP(strbuf_done) struct strbuf words = {0};

	if (fsio_probe(c->fs, CONTROLLERS, &words) < 0)
		return "control groups are not unified here (v1, or both): boot with systemd.unified_cgroup_hierarchy=1";
	if (!strstr(strbuf_str(&words), "cpuset"))
		return "the unified hierarchy of control groups has no cpusets here";
	if (!c->copied && !fsio_exists(c->fs, "/run/systemd/system"))
		return "systemd does not run here";
	return NULL;
}

static int add_unit(const struct knob_ctx *c, const char *unit, struct knob_objects *ret, struct hft_err *err)
{
	const char *why = why_lacking(c);

	return knob_objects_add(ret, unit, NULL, why ? why : slice_overridden(c, unit), err);
}

static int list_others(const struct knob_ctx *c, struct knob_objects *ret, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(others); i++)
		r = add_unit(c, others[i], ret, err);
	return r;
}

static int list_kthreads(const struct knob_ctx *c, struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf now = {0};
	bool there = kthreads_read(c, &now, NULL) == 0;

	return knob_objects_add(ret, KTHREADS, NULL, there ? NULL : "kernel threads cannot be seen here", err);
}

/* The slice of a section stands for all its options: `others` and `kthreads` are the host's, whatever it is called. */
static int isolate_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                        struct hft_err *err)
{
	const char *type = NULL;
	int r = find_option(option, &type, err);

	if (r < 0)
		return r;
	if (!slice_is_name(selector))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, selector, "'%s' is no slice, as in hft.slice", selector);
	if (!type)
		return list_kthreads(c, ret, err);
	if (str_eq(option, OTHERS))
		return list_others(c, ret, err);
	if (is_other(selector) && !str_eq(type, MEMBER))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, selector, "%s is for everything else", selector);
	return add_unit(c, selector, ret, err);
}

/* --- values --------------------------------------------------------------------------------------------------------- */

static int check_cpus(const struct knob_ctx *c, const char *option, const char *value, bool present, struct cpuset *ret,
                      struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf bounds = {0};
	int r = cpuset_parse(value, ret, NULL);

	if (r == -EINVAL || (r == 0 && cpuset_is_empty(ret)))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "'%s' is not a list of CPUs", value);
	if (r == 0 && (!present || cpuset_is_subset(ret, &c->host->present)))
		return 0;
	cpuset_format(&c->host->present, &bounds);
	err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, option, "CPUs %s are not all present", value);
	err_values(err, strbuf_str(&bounds), value);
	return -ERANGE;
}

static int format(const struct value *v, struct strbuf *ret, struct hft_err *err)
{
	strbuf_add(ret, v->type);
	if (!cpuset_is_empty(&v->cpus)) {
		strbuf_addc(ret, ' ');
		cpuset_format(&v->cpus, ret);
	}
	strbuf_add(ret, v->runtime ? " runtime" : "");
	return ret->oom ? err_oom(err) : 0;
}

static int isolate_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                         struct strbuf *ret, struct hft_err *err)
{
	struct value v = { .runtime = true };
	const char *type = NULL;
	int r = find_option(option, &type, err);

	strbuf_reset(ret);
	r = r < 0 ? r : check_cpus(c, option, value, key != NULL, &v.cpus, err);
	if (r < 0)
		return r;
	if (type) {
		snprintf(v.type, sizeof(v.type), "%s", type);
		return format(&v, ret, err);
	}
	cpuset_format(&v.cpus, ret);
	return ret->oom ? err_oom(err) : 0;
}

static int parse_value(const char *text, struct value *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = {0};

	*ret = (struct value){0};
	if (strlist_split(&words, text, " ") < 0)
		return err_oom(err);
	if (words.n == 0 || !str_copy(ret->type, sizeof(ret->type), words.s[0]) ||
	    (words.n > 1 && cpuset_parse(words.s[1], &ret->cpus, NULL) < 0))
		return err_raise(err, ERR_IO, EINVAL, text, "'%s' is no state of a slice", text);
	ret->runtime = words.n > 2;
	return 0;
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

/* A file of the unit's control group; "" where there is none: the controller is off, and nothing is set. */
static int read_file(const struct knob_ctx *c, const char *unit, const char *file, struct strbuf *ret,
                     struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	int r = slice_path(unit, file, &path, err);

	r = r < 0 ? r : fsio_read(c->fs, strbuf_str(&path), ret, err);
	if (r == -ENOENT || r == -ENODEV) { /* the latter: it is just going away */
		strbuf_reset(ret);
		return 0;
	}
	strbuf_trim(ret);
	return r;
}

/* "isolated invalid (Cpu list in cpuset.cpus not exclusive)": *ret_reason gets what is in the parentheses. */
static int read_type(const struct knob_ctx *c, const char *unit, struct value *v, struct strbuf *ret_reason,
                     struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	int r = read_file(c, unit, PARTITION, &text, err);

	if (r < 0)
		return r;
	const char *invalid = strstr(strbuf_str(&text), " invalid");
	if (invalid)
		strbuf_add(ret_reason, strchr(invalid, '(') ? strchr(invalid, '(') : "invalid");
	snprintf(v->type, sizeof(v->type), "%s", invalid ? "invalid" : text.len > 0 ? strbuf_str(&text) : MEMBER);
	return 0;
}

static int read_unit(const struct knob_ctx *c, const char *unit, struct value *v, struct strbuf *ret_reason,
                     struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf list = {0};

	*v = (struct value){ .type = ABSENT };
	int r = slice_runtime_cpus(c, unit, &v->cpus, err);
	if (r < 0)
		return r;
	v->runtime = r == 1;
	if (!slice_is_active(c, unit)) {
		snprintf(v->type, sizeof(v->type), "%s", v->runtime ? MEMBER : ABSENT);
		return 0;
	}
	r = read_file(c, unit, "cpuset.cpus", &list, err);
	r = r < 0 ? r : cpuset_parse_kernel(strbuf_str(&list), &v->cpus, err);
	if (r == 0 && !v->runtime && cpuset_is_subset(&c->host->present, &v->cpus))
		cpuset_zero(&v->cpus); /* all is as good as nothing said */
	return r < 0 ? r : read_type(c, unit, v, ret_reason, err);
}

static int isolate_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf reason = {0};
	struct value v;

	if (str_eq(key, KTHREADS))
		return kthreads_read(c, ret, err);
	strbuf_reset(ret);
	if (!slice_is_name(key))
		return cpukey_unknown("isolate", key, err);
	const char *why = why_lacking(c);
	if (why)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "%s", why);
	int r = read_unit(c, key, &v, &reason, err);
	return r < 0 ? r : format(&v, ret, err);
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static int write_type(const struct knob_ctx *c, const char *unit, const char *type, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	int r = slice_path(unit, PARTITION, &path, err);

	r = r < 0 ? r : program_write(c, strbuf_str(&path), type);
	if (r == 0 || (r == -ENOENT && str_eq(type, MEMBER)))
		return 0;
	if (r == -ENOENT)
		return err_raise(err, ERR_WRITE_FAILED, ENOENT, unit, "%s has no cpusets, though it was asked for", unit);
	if (r == -EINVAL)
		return err_raise(err, ERR_NOT_APPLICABLE, EINVAL, unit, "this kernel has no partitions of type %s", type);
	return err_raise(err, ERR_WRITE_FAILED, -r, unit, "cannot make a partition of type %s: %s", type, strerror(-r));
}

/* A slice that is there for us alone goes; one that somebody has put something into stays, and is all that stays. */
static int let_go(const struct knob_ctx *c, const char *unit, const struct value *v, struct hft_err *err)
{
	int r = slice_reset_cpus(c, unit, err);

	if (r == 0 && str_eq(v->type, ABSENT) && str_ends(unit, ".slice") && slice_is_active(c, unit) &&
	    !slice_is_populated(c, unit))
		return slice_stop(c, unit, err);
	return r;
}

/*
 * A partition gives its CPUs back before it is given others, and up to Linux 6.1 an invalid one recovers no other way. The
 * manager has to have written the new ones before the kernel is asked to part them off.
 */
static int write_unit(const struct knob_ctx *c, const char *unit, const struct value *v, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf reason = {0};
	struct value now;
	bool parted = !str_eq(v->type, MEMBER) && !str_eq(v->type, ABSENT);
	int r = read_unit(c, unit, &now, &reason, err);

	if (r == 0 && !str_eq(now.type, MEMBER) && !str_eq(now.type, ABSENT))
		r = write_type(c, unit, MEMBER, err);
	if (r == 0 && parted)
		r = slice_start(c, unit, err);
	if (r == 0)
		r = v->runtime ? slice_set_cpus(c, unit, &v->cpus, err) : let_go(c, unit, v, err);
	return r == 0 && parted ? write_type(c, unit, v->type, err) : r;
}

static int isolate_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	struct value v;

	if (str_eq(key, KTHREADS))
		return kthreads_write(c, value, err);
	if (!slice_is_name(key))
		return cpukey_unknown("isolate", key, err);
	int r = parse_value(value, &v, err);
	return r < 0 ? r : write_unit(c, key, &v, err);
}

/* --- judging -------------------------------------------------------------------------------------------------------- */

/* isolcpus= has taken them out of the domains already, and Linux 6.12 makes no partition of such CPUs ("conflicts with
 * housekeeping setup"). The slice has them all the same. */
static bool is_isolated_since_boot(const struct knob_ctx *c, const struct value *v, const struct value *now,
                                   const char *reason)
{
	return str_eq(v->type, "isolated") && str_eq(now->type, "invalid") && strstr(reason, "housekeeping") &&
	       cpuset_is_subset(&v->cpus, &c->host->isolated);
}

static int isolate_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                          struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf reason = {0};
	struct value v, now;

	if (str_eq(key, KTHREADS))
		return kthreads_verify(c, wanted, ret, err);
	int r = isolate_read(c, key, &ret->found, err);
	r = r < 0 ? r : read_unit(c, key, &now, &reason, err);
	r = r < 0 ? r : parse_value(wanted, &v, err);
	if (r < 0)
		return r;
	bool same = (str_eq(v.type, now.type) || is_isolated_since_boot(c, &v, &now, strbuf_str(&reason))) &&
	            cpuset_equal(&v.cpus, &now.cpus) && v.runtime == now.runtime;
	/* Somebody else has put something into it meanwhile, or it is about to go with what is in it. */
	bool left = str_eq(v.type, ABSENT) && str_eq(now.type, MEMBER) && !now.runtime && slice_is_populated(c, key);
	ret->state = same || left ? KNOB_OK : KNOB_DRIFT;
	snprintf(ret->reason, sizeof(ret->reason), "%.150s", strbuf_str(&reason));
	return 0;
}

/* A partition takes its CPUs away from the house; what is left to everything else takes away the others. */
static void isolate_isolates(const char *key, const char *value, struct cpuset *ret)
{
	struct value v;

	cpuset_zero(ret);
	if (str_eq(key, KTHREADS) || parse_value(value, &v, NULL) < 0 || cpuset_is_empty(&v.cpus))
		return;
	if (!str_eq(v.type, MEMBER)) {
		*ret = v.cpus;
	} else if (is_other(key)) {
		memset(ret, 0xff, sizeof(*ret));
		cpuset_minus(ret, &v.cpus);
	}
}

/* Cpusets that come, change and go set the masks of what is in them, and since Linux 6.2 of kernel threads. */
static int isolate_coupled(const struct knob_ctx *c, const char *key,
                           int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                           struct hft_err *err)
{
	(void)c;
	if (str_eq(key, KTHREADS))
		return 0;
	int r = add(data, "isolate", KTHREADS, err);
	return r < 0 ? r : add(data, "smt", "tasks", err);
}

/* Everything else leaves before a partition is made: its CPUs must be its own. */
static int isolate_order(const char *key)
{
	return str_eq(key, KTHREADS) ? 2 : !is_other(key);
}

/* --- documentation -------------------------------------------------------------------------------------------------- */

#define MASKS "isolate:kthreads, smt:tasks"
#define SLICE_SOURCE "Documentation/admin-guide/cgroup-v2.rst, cpuset; systemd.resource-control(5)"
#define CPULIST .unit = "cpulist", .bounds = "present CPUs"

static const struct knob_doc docs[] = {
	{ .option = "cpus", .summary = "the CPUs that the slice may use (AllowedCPUs=)", CPULIST, .risk = 2,
	  .effect = EFFECT_NOW, .counter = "cpuset.cpus.effective of the slice", .changes = MASKS, .source = SLICE_SOURCE,
	  .traps = "up to Linux 6.1 threads that asked for less get all of it" },
	{ .option = "isolated",
	  .summary = "CPUs for the slice alone, out of the scheduler's domains: as isolcpus=domain, without a reboot", CPULIST,
	  .risk = 2, .effect = EFFECT_NOW, .counter = "cpuset.cpus.partition of the slice", .changes = MASKS,
	  .source = SLICE_SOURCE,
	  .traps = "the tick, RCU callbacks and managed interrupts stay (nohz_full=, rcu_nocbs= and isolcpus=managed_irq are "
		   "for boot), and up to Linux 6.7 unbound workers and the vmstat worker too; no load is balanced "
		   "within: pin each thread; no other slice may have these CPUs, so set `others`; since Linux 6.1, with "
		   "cgroup v2 alone; CPUs of isolcpus= can only be `isolated`, which they are since the boot: 6.12 makes no partition of them" },
	{ .option = KTHREADS,
	  .summary = "the CPUs that kernel threads stay within, but for those that the kernel binds to a CPU", CPULIST,
	  .risk = 1, .effect = EFFECT_NOW, .counter = "Cpus_allowed_list in /proc/PID/status", .changes = "",
	  .source = "kernel/kthread.c, sched_setaffinity(2)",
	  .traps = "one born later may run on all CPUs but those of nohz_full= (since Linux 5.9): isolcpus= or an isolated "
		   "partition keeps it off all the same; without, verify names it, and repair moves it; workers are the knob workqueue's, and "
		   "threads of interrupts follow theirs; leave a CPU of each NUMA node for its kswapd" },
	{ .option = OTHERS,
	  .summary = "the CPUs that are left to everything else: system.slice, user.slice, init.scope, machine.slice", CPULIST,
	  .risk = 2, .effect = EFFECT_NOW, .counter = "EffectiveCPUs of the units", .changes = MASKS,
	  .source = SLICE_SOURCE,
	  .traps = "up to Linux 6.1 threads that asked for less get all of it; holds for what is started later, too; not for "
		   "slices beside these four" },
	{ .option = "root", .summary = "CPUs for the slice alone, with domains of their own: load is balanced within", CPULIST,
	  .risk = 2, .effect = EFFECT_NOW, .counter = "cpuset.cpus.partition of the slice", .changes = MASKS,
	  .source = SLICE_SOURCE, .traps = "as for isolated" },
};

static int isolate_explain(size_t i, struct knob_doc *ret)
{
	if (i >= ARRAY_LEN(docs))
		return -ENOENT;
	*ret = docs[i];
	return 0;
}

const struct knob knob_isolate = {
	.name = "isolate",
	.summary = "CPUs for one slice alone, now",
	.selector = "slice (hft.slice)",
	.list = isolate_list,
	.parse = isolate_parse,
	.read = isolate_read,
	.write = isolate_write,
	.verify = isolate_verify,
	.isolates = isolate_isolates,
	.coupled = isolate_coupled,
	.order = isolate_order,
	.explain = isolate_explain,
};
