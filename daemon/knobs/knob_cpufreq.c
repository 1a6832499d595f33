/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob cpufreq: driver mode, turbo, governor, frequency limits and energy hints of CPUs. Must not read energy_* of a
 * CPU that nobody named: the kernel sends an interrupt to the CPU to answer.
 *
 * Objects: "policy0 governor" per policy, "cpu2 energy_perf_bias" per CPU, "boost" for the host; cpufreq_options.c has
 * the table of options.
 *
 * Canonical values are what the kernel shows, but: boost is 1 for on, whichever file says it; a frequency limit of
 * `max` stays "max", because boost, written just before, moves the end of the range. On the live host libcpupower sets
 * governors and limits; it loses errno, so a refused write is tried once more through fsio, which says why.
 */
#include "daemon/knobs/cpufreq.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/cpukey.h"
#include "daemon/knobs/knob.h"
#include "daemon/knobs/row.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

#define KEY_LEN 64

extern const struct knob knob_cpufreq;

static int accept(const char *value, struct strbuf *ret, struct hft_err *err)
{
	strbuf_add(ret, value);
	return ret->oom ? err_oom(err) : 0;
}

static const struct cpufreq_option *option_find(const char *name, bool by_host)
{
	for (size_t i = 0; i < CPUFREQ_N_OPTIONS; i++)
		if (str_eq(cpufreq_options[i].doc.option, name) &&
		    (cpufreq_options[i].scope == CPUFREQ_HOST) == by_host)
			return &cpufreq_options[i];
	return NULL;
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

static const char *scope_prefix(enum cpufreq_scope scope)
{
	static const char *const prefixes[] = {
		[CPUFREQ_HOST] = "",
		[CPUFREQ_POLICY] = "policy",
		[CPUFREQ_CPU] = "cpu",
	};

	return prefixes[scope];
}

static void key_of(const struct cpufreq_option *o, int n, char *key)
{
	if (o->scope == CPUFREQ_HOST)
		snprintf(key, KEY_LEN, "%s", o->doc.option);
	else
		snprintf(key, KEY_LEN, "%s%d %s", scope_prefix(o->scope), n, o->doc.option);
}

/* The first of the option's files that exists. */
static void find_file(const struct knob_ctx *c, struct cpufreq_object *o)
{
	static const char *const dirs[] = {
		[CPUFREQ_HOST] = CPUFREQ_CPU_DIR,
		[CPUFREQ_POLICY] = CPUFREQ_POLICY_DIR "/policy",
		[CPUFREQ_CPU] = CPUFREQ_CPU_DIR "/cpu",
	};
	const struct cpufreq_option *option = o->option;
	char number[16] = "";

	if (option->scope != CPUFREQ_HOST)
		snprintf(number, sizeof(number), "%d", o->n);
	for (size_t i = 0; i < ARRAY_LEN(option->files) && option->files[i] != NULL; i++) {
		snprintf(o->path, sizeof(o->path), "%s%s/%s", dirs[option->scope], number, option->files[i]);
		o->inverted = str_ends(o->path, "/no_turbo");
		if (fsio_exists(c->fs, o->path))
			return;
	}
	o->path[0] = '\0';
}

static struct cpufreq_object object_of(const struct knob_ctx *c, const struct cpufreq_option *option, int n)
{
	struct cpufreq_object o = {.option = option, .n = n};

	find_file(c, &o);
	return o;
}

/* Of the whole host, where there is one of that name; "boost" is both. */
static const struct cpufreq_option *option_of_name(const char *name)
{
	const struct cpufreq_option *host = option_find(name, true);

	return host != NULL ? host : option_find(name, false);
}

/* Which option and which policy or CPU a key names; a bare "governor" is what list says a reason for. */
static int split_key(const char *key, const struct cpufreq_option **ret, int *ret_n)
{
	static const enum cpufreq_scope scopes[] = {CPUFREQ_POLICY, CPUFREQ_CPU};
	const char *name;

	*ret_n = -1;
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
		if (cpukey_split(key, scope_prefix(scopes[i]), ret_n, &name) < 0)
			continue;
		*ret = option_find(name, false);
		return *ret != NULL && (*ret)->scope == scopes[i] ? 0 : -EINVAL;
	}
	*ret = option_of_name(key);
	return *ret != NULL ? 0 : -EINVAL;
}

static int object_of_key(const struct knob_ctx *c, const char *key, struct cpufreq_object *ret, struct hft_err *err)
{
	const struct cpufreq_option *option;
	int n;

	if (split_key(key, &option, &n) < 0)
		return cpukey_unknown("cpufreq", key, err);
	*ret = (struct cpufreq_object){.option = option, .n = n};
	if (n >= 0 || option->scope == CPUFREQ_HOST)
		find_file(c, ret);
	return 0;
}

static bool is_offline(const struct knob_ctx *c, const struct cpufreq_object *o);

#define OFFLINE "all CPUs of the policy are offline"

/* As object_of_key, for a file that must be there. Those of a policy stay when its CPUs go, and say EBUSY. */
static int object_present(const struct knob_ctx *c, const char *key, struct cpufreq_object *ret, struct hft_err *err)
{
	int r = object_of_key(c, key, ret, err);
	if (r < 0)
		return r;
	if (ret->path[0] == '\0')
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "%s", ret->option->lacks);
	return is_offline(c, ret) ? err_raise(err, ERR_NOT_APPLICABLE, EBUSY, key, OFFLINE) : 0;
}

/* --- policies ----------------------------------------------------------------------------------------------------- */

/* The numbers of all policies, as a set. No directory: none. */
static int policies_of(const struct knob_ctx *c, struct cpuset *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	int64_t n;

	cpuset_zero(ret);
	int r = fsio_list(c->fs, CPUFREQ_POLICY_DIR, &names, err);
	if (r == -ENOENT)
		return 0;
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (str_starts(names.s[i], "policy") &&
		    num_parse_range(names.s[i] + strlen("policy"), 0, CPUSET_MAX - 1, &n) == 0)
			cpuset_add(ret, (unsigned)n);
	return r;
}

/* affected_cpus and related_cpus are numbers parted by blanks. */
static int cpus_beside(const struct knob_ctx *c, int policy, const char *file, struct cpuset *ret)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	CLEANUP(strlist_done) struct strlist numbers = {0};
	int64_t cpu;

	cpuset_zero(ret);
	int r = cpufreq_read_beside(c, &(struct cpufreq_object){.n = policy}, file, &text);
	if (r == 0)
		r = strlist_split(&numbers, strbuf_str(&text), " \t\n");
	for (size_t i = 0; r == 0 && i < numbers.n; i++) {
		r = num_parse_range(numbers.s[i], 0, CPUSET_MAX - 1, &cpu);
		if (r == 0)
			cpuset_add(ret, (unsigned)cpu);
	}
	return r;
}

/* All CPUs of a policy, the offline ones too. */
static void policy_cpus(const struct knob_ctx *c, int policy, struct cpuset *ret)
{
	if (cpus_beside(c, policy, "related_cpus", ret) < 0 && cpus_beside(c, policy, "affected_cpus", ret) < 0) {
		cpuset_zero(ret);
		cpuset_add(ret, (unsigned)policy);
	}
}

/* A policy without a CPU says EBUSY to any question (drivers/cpufreq/cpufreq.c, show), or (a copied tree) names none. */
static bool is_offline(const struct knob_ctx *c, const struct cpufreq_object *o)
{
	struct cpuset online;

	if (o->option->scope != CPUFREQ_POLICY)
		return false;
	int r = cpus_beside(c, o->n, "affected_cpus", &online);
	return r == -EBUSY || (r == 0 && cpuset_is_empty(&online));
}

static const char *policy_lacks(const struct knob_ctx *c, const struct cpufreq_object *o)
{
	if (o->path[0] == '\0')
		return o->option->lacks;
	return is_offline(c, o) ? OFFLINE : NULL;
}

static int add_policy(const struct knob_ctx *c, const struct cpufreq_option *option, int policy,
                      const struct cpuset *cpus, struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf label = {0};
	struct cpufreq_object o = object_of(c, option, policy);
	char key[KEY_LEN];

	key_of(option, policy, key);
	/* A policy of one CPU bears its number; only others have to say which CPUs they are. */
	if (cpuset_count(cpus) > 1) {
		strbuf_addf(&label, "CPU ");
		cpuset_format(cpus, &label);
	}
	return knob_objects_add(ret, key, label.len ? strbuf_str(&label) : NULL, policy_lacks(c, &o), err);
}

/* CPUs that the profile names one by one, and that no policy covers. */
static int add_uncovered(const struct cpufreq_option *option, const struct cpuset *cpus, struct knob_objects *ret,
                         struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};

	strbuf_addf(&text, "no cpufreq policy for CPU ");
	cpuset_format(cpus, &text);
	return knob_objects_add(ret, option->doc.option, NULL, strbuf_str(&text), err);
}

static int list_policies(const struct knob_ctx *c, const char *selector, const struct cpufreq_option *option,
                         struct knob_objects *ret, struct hft_err *err)
{
	struct cpuset wanted, left, policies, cpus;

	int r = cpukey_select(c, selector, &wanted, err);
	if (r == 0)
		r = policies_of(c, &policies, err);
	if (r < 0)
		return r;
	if (cpuset_is_empty(&policies))
		return knob_objects_add(ret, option->doc.option, NULL, CPUFREQ_NO_DRIVER, err);
	left = wanted;
	for (int p = cpuset_next(&policies, 0); r == 0 && p >= 0; p = cpuset_next(&policies, (unsigned)p + 1)) {
		policy_cpus(c, p, &cpus);
		if (!cpukey_is_all(selector) && !cpuset_intersects(&cpus, &wanted))
			continue;
		cpuset_minus(&left, &cpus);
		r = add_policy(c, option, p, &cpus, ret, err);
	}
	if (r == 0 && !cpukey_is_all(selector) && !cpuset_is_empty(&left))
		r = add_uncovered(option, &left, ret, err);
	return r;
}

/* --- listing ------------------------------------------------------------------------------------------------------ */

static bool any_cpu_has(const struct knob_ctx *c, const struct cpufreq_option *option)
{
	const struct cpuset *cpus = &c->host->present;

	for (int cpu = cpuset_next(cpus, 0); cpu >= 0; cpu = cpuset_next(cpus, (unsigned)cpu + 1))
		if (object_of(c, option, cpu).path[0] != '\0')
			return true;
	return false;
}

static int list_cpus(const struct knob_ctx *c, const char *selector, const struct cpufreq_option *option,
                     struct knob_objects *ret, struct hft_err *err)
{
	struct cpuset cpus;
	char key[KEY_LEN];

	int r = cpukey_select(c, selector, &cpus, err);
	if (r < 0)
		return r;
	if (!any_cpu_has(c, option))
		return knob_objects_add(ret, option->doc.option, NULL, "no CPU of this machine has it", err);
	for (int cpu = cpuset_next(&cpus, 0); r == 0 && cpu >= 0; cpu = cpuset_next(&cpus, (unsigned)cpu + 1)) {
		bool present = object_of(c, option, cpu).path[0] != '\0';
		key_of(option, cpu, key);
		if (present || !cpukey_is_all(selector))
			r = knob_objects_add(ret, key, NULL, present ? NULL : option->lacks, err);
	}
	return r;
}

static int list_host(const struct knob_ctx *c, const struct cpufreq_option *option, struct knob_objects *ret,
                     struct hft_err *err)
{
	struct cpufreq_object o = object_of(c, option, -1);

	return knob_objects_add(ret, option->doc.option, NULL, o.path[0] != '\0' ? NULL : option->lacks, err);
}

static int cpufreq_list(const struct knob_ctx *c, const char *selector, const char *name, struct knob_objects *ret,
                        struct hft_err *err)
{
	bool all = cpukey_is_all(selector);
	const struct cpufreq_option *host = option_find(name, true), *part = option_find(name, false);

	if (host == NULL && part == NULL)
		return row_unknown_option("cpufreq", name, err);
	if (host != NULL && all)
		return list_host(c, host, ret, err);
	if (part == NULL)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, name,
		                 "%s is for the whole host: leave the selector empty or '*'", name);
	return part->scope == CPUFREQ_POLICY ? list_policies(c, selector, part, ret, err)
	                                   : list_cpus(c, selector, part, ret, err);
}

static int cpufreq_parse(const struct knob_ctx *c, const char *key, const char *name, const char *value,
                         struct strbuf *ret, struct hft_err *err)
{
	struct cpufreq_object o = {.option = key == NULL ? option_of_name(name) : NULL, .n = -1};

	strbuf_reset(ret);
	if (key == NULL && o.option == NULL)
		return row_unknown_option("cpufreq", name, err);
	int r = key == NULL ? 0 : object_of_key(c, key, &o, err);
	return r < 0 ? r : o.option->parse(c, &o, value, ret, err);
}

/* --- reading and writing ------------------------------------------------------------------------------------------ */

static const char *invert(const struct cpufreq_object *o, const char *value)
{
	return !o->inverted ? value : str_eq(value, "0") ? "1" : "0";
}

static int object_read(const struct knob_ctx *c, const struct cpufreq_object *o, struct strbuf *ret,
                       struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};

	int r = cpukey_read(c, o->path, &text, err);
	return r < 0 ? r : accept(invert(o, strbuf_str(&text)), ret, err);
}

static int cpufreq_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	struct cpufreq_object o;

	strbuf_reset(ret);
	int r = object_present(c, key, &o, err);
	return r < 0 ? r : object_read(c, &o, ret, err);
}

/* "max" as the number that it is now; anything else as it is. */
static int settle(const struct knob_ctx *c, const struct cpufreq_object *o, const char *value, struct strbuf *ret,
                  struct hft_err *err)
{
	if (!cpufreq_is_limit(o->option) || !str_eq(value, "max"))
		return accept(value, ret, err);
	if (cpufreq_read_beside(c, o, "cpuinfo_max_freq", ret) < 0)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, o->option->doc.option,
		                 "the machine does not say its max frequency");
	return 0;
}

/* libcpupower goes by CPU, and a policy may bear the number of an offline one. */
static bool set_by_library(const struct knob_ctx *c, const struct cpufreq_object *o, const char *value)
{
	struct cpuset cpus;

	if (o->option->set == NULL || !fsio_is_live(c->fs) || cpus_beside(c, o->n, "affected_cpus", &cpus) < 0)
		return false;
	int cpu = cpuset_next(&cpus, 0);
	return cpu >= 0 && o->option->set((unsigned)cpu, value) == 0;
}

static int cpufreq_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct cpufreq_object o;

	int r = object_present(c, key, &o, err);
	if (r == 0)
		r = settle(c, &o, value, &text, err);
	if (r < 0 || set_by_library(c, &o, strbuf_str(&text)))
		return r;
	r = cpukey_write(c, o.path, invert(&o, strbuf_str(&text)), err);
	if (r < 0 && o.option->refused != NULL)
		err_hint(err, "%s", o.option->refused);
	return r;
}

static int judge(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                 struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf want = {0};
	struct cpufreq_object o;

	int r = object_present(c, key, &o, err);
	if (r == 0)
		r = settle(c, &o, wanted, &want, err);
	if (r == 0)
		r = object_read(c, &o, &ret->found, err);
	if (r < 0)
		return r;
	bool holds = str_eq(strbuf_str(&ret->found), strbuf_str(&want));
	ret->state = holds ? KNOB_OK : KNOB_DRIFT;
	snprintf(ret->reason, sizeof(ret->reason), "%s",
	         !holds && cpufreq_is_limit(o.option) ? "thermal, platform and *_perf_pct limits count too" : "");
	return 0;
}

static int cpufreq_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                          struct hft_err *err)
{
	struct hft_err lacks = {0};

	strbuf_reset(&ret->found);
	int r = judge(c, key, wanted, ret, &lacks);
	if (r < 0 && str_eq(lacks.code, ERR_NOT_APPLICABLE)) {
		ret->state = KNOB_NA;
		snprintf(ret->reason, sizeof(ret->reason), "%.*s", (int)sizeof(ret->reason) - 1, lacks.msg);
		return 0;
	}
	if (r < 0 && err != NULL)
		*err = lacks;
	return r;
}

/* --- coupling and order ------------------------------------------------------------------------------------------- */

struct adding {
	int (*add)(void *data, const char *knob, const char *key, struct hft_err *err);
	void *data;
	const char *from; /* the key that is written: not coupled to itself */
};

static int add_if_present(const struct knob_ctx *c, const struct cpufreq_option *option, int n, const struct adding *a,
                          struct hft_err *err)
{
	char key[KEY_LEN];

	if (object_of(c, option, n).path[0] == '\0')
		return 0;
	key_of(option, n, key);
	return str_eq(key, a->from) ? 0 : a->add(a->data, "cpufreq", key, err);
}

/* What the options in `changes` are for a policy. */
static int couple_policy(const struct knob_ctx *c, const struct cpufreq_option *from, int policy,
                         const struct adding *a, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < CPUFREQ_N_CHANGES && from->changes[i] != NULL; i++) {
		const struct cpufreq_option *option = option_find(from->changes[i], false);
		if (option != NULL && option->scope == CPUFREQ_POLICY)
			r = add_if_present(c, option, policy, a, err);
	}
	return r;
}

static int couple_host(const struct knob_ctx *c, const struct cpufreq_option *from, const struct adding *a,
                       struct hft_err *err)
{
	struct cpuset policies;

	int r = policies_of(c, &policies, err);
	for (size_t i = 0; r == 0 && i < CPUFREQ_N_CHANGES && from->changes[i] != NULL; i++) {
		const struct cpufreq_option *option = option_find(from->changes[i], true);
		if (option != NULL)
			r = add_if_present(c, option, -1, a, err);
	}
	if (r < 0)
		return r;
	for (int p = cpuset_next(&policies, 0); r == 0 && p >= 0; p = cpuset_next(&policies, (unsigned)p + 1))
		r = couple_policy(c, from, p, a, err);
	return r;
}

/* The register of the bias may be shared by the threads of a core (admin-guide/pm/intel_epb.rst). */
static int couple_siblings(const struct knob_ctx *c, const struct cpufreq_object *o, const struct adding *a,
                           struct hft_err *err)
{
	struct cpuset one, cpus;
	int r = 0;

	cpuset_zero(&one);
	cpuset_add(&one, (unsigned)o->n);
	host_siblings(c->host, &one, &cpus);
	for (int cpu = cpuset_next(&cpus, 0); r == 0 && cpu >= 0; cpu = cpuset_next(&cpus, (unsigned)cpu + 1))
		r = add_if_present(c, o->option, cpu, a, err);
	return r;
}

static int cpufreq_coupled(const struct knob_ctx *c, const char *key,
                           int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                           struct hft_err *err)
{
	struct adding a = {.add = add, .data = data, .from = key};
	struct cpufreq_object o;

	int r = object_of_key(c, key, &o, err);
	if (r < 0)
		return r;
	if (o.path[0] == '\0')
		return 0;
	switch (o.option->scope) {
	case CPUFREQ_HOST:
		return o.option->changes[0] != NULL ? couple_host(c, o.option, &a, err) : 0;
	case CPUFREQ_POLICY:
		return couple_policy(c, o.option, o.n, &a, err);
	case CPUFREQ_CPU:
		return couple_siblings(c, &o, &a, err);
	}
	return 0;
}

static int cpufreq_order(const char *key)
{
	const struct cpufreq_option *option;
	int n;

	return split_key(key, &option, &n) < 0 ? (int)CPUFREQ_N_OPTIONS : (int)(option - cpufreq_options);
}

/* --- the knob ----------------------------------------------------------------------------------------------------- */

static int cpufreq_explain(size_t i, struct knob_doc *ret)
{
	if (i >= CPUFREQ_N_OPTIONS)
		return -ENOENT;
	*ret = cpufreq_options[i].doc;
	return 0;
}

const struct knob knob_cpufreq = {
	.name = "cpufreq",
	.summary = "driver mode, turbo, governor, frequency limits and energy hints",
	.selector = "cpulist, or * or empty for all; options of the whole host take * or empty only",
	.list = cpufreq_list,
	.parse = cpufreq_parse,
	.read = cpufreq_read,
	.write = cpufreq_write,
	.verify = cpufreq_verify,
	.coupled = cpufreq_coupled,
	.order = cpufreq_order,
	.explain = cpufreq_explain,
};
