/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob smt: threads of a core and single CPUs, switched off and on again. Must never write "forceoff", which nothing but a
 * boot takes back.
 *
 * Canonical values: of `control` the word, and the CPUs that it is about, "off@1,3"; of a CPU "0" or "1", and the CPUs of
 * its core, "1@2-3". What follows the "@" is not compared. It is there for what has nothing but the value: P11 and
 * `online` of CPU-set expressions want to know who goes, and the cores of CPUs that are gone nobody else knows.
 *
 * A CPU that goes takes masks along (masks.h), which the kernel does not give back. They are objects of this knob that no
 * option names, and the CPUs that `control` switches are coupled with it, so that each comes back as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/host/host.h"
#include "daemon/knobs/cpukey.h"
#include "daemon/knobs/knob.h"
#include "daemon/knobs/masks.h"
#include "daemon/knobs/row.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

extern const struct knob knob_smt;

#define CPUS "/sys/devices/system/cpu/"
#define CONTROL "control"
#define CONTROL_PATH CPUS "smt/control"
#define ONLINE "online"
#define EFFECTIVE "/sys/fs/cgroup/cpuset.cpus.effective"
#define AWAIT_MS 1000
#define AWAIT_STEP_MS 20

static const char *cpu_path(int cpu, char path[static 64])
{
	snprintf(path, 64, CPUS "cpu%d/" ONLINE, cpu);
	return path;
}

/* The number in "cpu3 online"; -1: another key. */
static int cpu_of_key(const char *key)
{
	const char *rest;
	int cpu;

	return cpukey_split(key, "cpu", &cpu, &rest) == 0 && str_eq(rest, ONLINE) ? cpu : -1;
}

/* --- cores ---------------------------------------------------------------------------------------------------------- */

static void core_of(const struct knob_ctx *c, int cpu, struct cpuset *ret)
{
	struct cpuset one;

	cpuset_zero(&one);
	cpuset_add(&one, (unsigned)cpu);
	host_siblings(c->host, &one, ret);
}

/* All threads but the first of each core (topology_is_primary_thread()), and those of cores that nobody knows any more:
 * what SMT took away before anybody looked. */
static void secondary_threads(const struct knob_ctx *c, const char *word, struct cpuset *ret)
{
	*ret = c->host->present;
	for (size_t i = 0; i < c->host->n_siblings; i++) {
		int first = cpuset_next(&c->host->siblings[i], 0);
		bool unknown = cpuset_count(&c->host->siblings[i]) == 1 && !str_eq(word, "on") &&
		               !cpuset_has(&c->host->online, (unsigned)first);
		if (!unknown)
			cpuset_remove(ret, (unsigned)first);
	}
}

static void add_cpus(struct strbuf *b, const struct cpuset *set)
{
	if (!cpuset_is_empty(set))
		strbuf_addc(b, '@');
	cpuset_format(set, b);
}

/* "off@1,3": the length of the word, and the CPUs. */
static size_t split_value(const char *value, struct cpuset *ret)
{
	size_t len = strcspn(value, "@");

	if (value[len] != '@' || cpuset_parse(value + len + 1, ret, NULL) < 0)
		cpuset_zero(ret);
	return len;
}

static bool same_word(const char *a, const char *b)
{
	size_t len = strcspn(a, "@");

	return len == strcspn(b, "@") && strncmp(a, b, len) == 0;
}

/* --- listing -------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *word, *na; /* what the file says, and what it means */
} fixed[] = {
	{ "notsupported",   "the CPUs of this machine have one thread each" },
	{ "notimplemented", "this kernel cannot switch SMT"                 },
	{ "forceoff",       "SMT was switched off for good at boot (nosmt=force)" },
};

static const char *why_fixed(const struct knob_ctx *c)
{
	CLEANUP(strbuf_done) struct strbuf word = {0};

	if (cpukey_read(c, CONTROL_PATH, &word, NULL) < 0)
		return "this kernel has no " CONTROL_PATH;
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (str_eq(fixed[i].word, strbuf_str(&word)))
			return fixed[i].na;
	return NULL;
}

static int list_cpus(const struct knob_ctx *c, const char *selector, struct knob_objects *ret, struct hft_err *err)
{
	struct cpuset set;
	char path[64], key[32];

	if (cpukey_is_all(selector))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, selector, "%s needs a list of CPUs", ONLINE);
	int r = cpukey_select(c, selector, &set, err);
	for (int cpu = cpuset_next(&set, 0); r == 0 && cpu >= 0; cpu = cpuset_next(&set, (unsigned)cpu + 1)) {
		bool there = fsio_exists(c->fs, cpu_path(cpu, path));
		snprintf(key, sizeof(key), "cpu%d " ONLINE, cpu);
		r = knob_objects_add(ret, key, NULL, there ? NULL : "the kernel cannot take this CPU offline", err);
	}
	return r;
}

static int smt_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                    struct hft_err *err)
{
	if (str_eq(option, ONLINE))
		return list_cpus(c, selector, ret, err);
	if (!str_eq(option, CONTROL))
		return row_unknown_option("smt", option, err);
	if (selector[0] != '\0')
		return row_no_selector(option, selector, err);
	return knob_objects_add(ret, CONTROL, NULL, why_fixed(c), err);
}

/* --- values --------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *option, *a, *b, *bounds;
} words[] = {
	{ CONTROL, "on", "off", "on|off" },
	{ ONLINE,  "0",  "1",   "0..1"   },
};

static int check_word(const char *option, const char *value, struct hft_err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!str_eq(words[i].option, option))
			continue;
		if (str_eq(value, words[i].a) || str_eq(value, words[i].b))
			return 0;
		err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, option, "%s is one of %s", option, words[i].bounds);
		err_values(err, words[i].bounds, value);
		return -ERANGE;
	}
	return row_unknown_option("smt", option, err);
}

/* The canonical text of a word, for an object. */
static int add_value(const struct knob_ctx *c, const char *key, const char *word, struct strbuf *ret,
                     struct hft_err *err)
{
	int cpu = cpu_of_key(key);
	struct cpuset set;

	if (cpu >= 0)
		core_of(c, cpu, &set);
	else
		secondary_threads(c, word, &set);
	strbuf_add(ret, word);
	if (cpu < 0 || cpuset_count(&set) > 1)
		add_cpus(ret, &set);
	return ret->oom ? err_oom(err) : 0;
}

static int smt_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                     struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf now = {0};
	int r = check_word(option, value, err);

	strbuf_reset(ret);
	if (r < 0 || !key)
		return r;
	if (cpu_of_key(key) >= 0)
		return add_value(c, key, value, ret, err);
	/* Who is gone when SMT is off already is asked the same way as when it is read. */
	struct cpuset set;
	r = cpukey_read(c, CONTROL_PATH, &now, err);
	if (r < 0)
		return r;
	secondary_threads(c, strbuf_str(&now), &set);
	strbuf_add(ret, value);
	add_cpus(ret, &set);
	return ret->oom ? err_oom(err) : 0;
}

static int smt_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf word = {0};
	int cpu = cpu_of_key(key);
	char path[64];

	strbuf_reset(ret);
	if (mask_kind(key))
		return masks_read(mask_kind(key), c, ret, err);
	if (cpu < 0 && !str_eq(key, CONTROL))
		return cpukey_unknown("smt", key, err);
	int r = cpukey_read(c, cpu < 0 ? CONTROL_PATH : cpu_path(cpu, path), &word, err);
	return r < 0 ? r : add_value(c, key, strbuf_str(&word), ret, err);
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static bool same_list(const struct knob_ctx *c, const char *a, const char *b)
{
	CLEANUP(strbuf_done) struct strbuf ta = {0}, tb = {0};

	return fsio_probe(c->fs, a, &ta) < 0 || fsio_probe(c->fs, b, &tb) < 0 ||
	       str_eq(strbuf_str(&ta), strbuf_str(&tb));
}

/*
 * Cpusets follow CPUs in a worker of their own (cpuset_hotplug_workfn), which nothing waits for, and give the masks of
 * their threads anew: what is put back before that is lost. The root follows first; a partition keeps it short for good.
 */
static void await_cpusets(const struct knob_ctx *c)
{
	for (int ms = 0; ms < AWAIT_MS && !same_list(c, EFFECTIVE, CPUS ONLINE); ms += AWAIT_STEP_MS)
		pause_ms(AWAIT_STEP_MS);
	pause_ms(5 * AWAIT_STEP_MS);
}

/* What the kernel would make of it, in a copied tree. */
static int mirror_online(const struct knob_ctx *c, const struct cpuset *set, bool on)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct cpuset online;
	char path[64];
	int r = cpukey_online(c, &online, NULL);

	if (r < 0)
		return r;
	(on ? cpuset_or : cpuset_minus)(&online, set);
	cpuset_format(&online, &text);
	r = text.oom ? -ENOMEM : fsio_write(c->fs, CPUS ONLINE, strbuf_str(&text), NULL);
	for (int cpu = cpuset_next(set, 0); r == 0 && cpu >= 0; cpu = cpuset_next(set, (unsigned)cpu + 1)) {
		r = fsio_write(c->fs, cpu_path(cpu, path), on ? "1" : "0", NULL);
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

static int raise_control(int r, const char *word, struct hft_err *err)
{
	switch (-r) {
	case ENODEV:
	case ENOENT:
	case EOPNOTSUPP:
		return err_raise(err, ERR_NOT_APPLICABLE, -r, CONTROL, "this machine cannot switch SMT");
	case EPERM:
		return err_raise(err, ERR_WRITE_FAILED, EPERM, CONTROL,
		                 "SMT was switched off for good (forceoff), until the next boot");
	case EBUSY:
		return err_raise(err, ERR_WRITE_FAILED, EBUSY, CONTROL,
		                 "CPUs cannot come or go now: hotplug is disabled, or no CPU would be left to the kernel");
	}
	return err_raise(err, ERR_WRITE_FAILED, -r, CONTROL, "cannot switch SMT %s: %s", word, strerror(-r));
}

static int write_control(const struct knob_ctx *c, const char *value, struct hft_err *err)
{
	struct cpuset set;
	CLEANUP(mem_freep) char *word = str_dup_n(value, split_value(value, &set));

	if (!word)
		return err_oom(err);
	if (str_eq(word, "forceoff")) /* no original either: it was not applicable then */
		return err_raise(err, ERR_WRITE_FAILED, EPERM, CONTROL, "forceoff is never written");
	int r = fsio_write(c->fs, CONTROL_PATH, word, NULL);
	if (r == 0 && c->copied)
		r = mirror_online(c, &set, str_eq(word, "on"));
	return r < 0 ? raise_control(r, word, err) : 0;
}

/* EPERM of a sibling while SMT is off: it has to wait, as for any other object that has not moved yet. */
static int write_cpu(const struct knob_ctx *c, int cpu, const char *value, struct hft_err *err)
{
	struct cpuset one;
	char path[64], word[2] = { value[0], '\0' };
	int r = fsio_write(c->fs, cpu_path(cpu, path), word, NULL);

	cpuset_zero(&one);
	cpuset_add(&one, (unsigned)cpu);
	if (r == 0 && c->copied)
		r = mirror_online(c, &one, word[0] == '1');
	if (r == -ENOENT)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, path, "the kernel cannot take CPU %d offline", cpu);
	if (r < 0)
		return err_raise(err, ERR_WRITE_FAILED, r == -EPERM ? EBUSY : -r, path, "cannot take CPU %d %s: %s", cpu,
		                 word[0] == '1' ? "online" : "offline",
		                 r == -EPERM ? "SMT is off" : strerror(-r));
	return 0;
}

static int smt_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf masks = {0};
	struct cpuset before;
	int cpu = cpu_of_key(key);

	if (mask_kind(key))
		return masks_write(mask_kind(key), c, value, err);
	if (cpu < 0 && !str_eq(key, CONTROL))
		return cpukey_unknown("smt", key, err);
	/* Before Linux 6.2 all threads lose what they had asked for, also those whose CPUs stay. */
	int r = masks_read(mask_kind(TASKS), c, &masks, err);
	r = r < 0 ? r : cpukey_online(c, &before, err);
	if (r == 0)
		r = cpu < 0 ? write_control(c, value, err) : write_cpu(c, cpu, value, err);
	if (r < 0 || c->copied)
		return r;
	await_cpusets(c);
	r = masks_write(mask_kind(TASKS), c, strbuf_str(&masks), err);
	return r < 0 ? r : masks_widen(c, &before, err);
}

/* --- judging -------------------------------------------------------------------------------------------------------- */

/* `off` is what the CPUs are, not what the file says. */
static int judge_off(const struct knob_ctx *c, const char *wanted, struct knob_verdict *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf left = {0};
	struct cpuset gone, online;

	split_value(wanted, &gone);
	int r = cpukey_online(c, &online, err);
	if (r < 0)
		return r;
	cpuset_and(&gone, &online);
	cpuset_format(&gone, &left);
	if (cpuset_is_empty(&gone))
		return 0;
	ret->state = KNOB_DRIFT;
	snprintf(ret->reason, sizeof(ret->reason), "CPUs %.100s are online all the same", strbuf_str(&left));
	return 0;
}

static int smt_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                      struct hft_err *err)
{
	if (mask_kind(key))
		return masks_verify(mask_kind(key), c, wanted, ret, err);
	int r = smt_read(c, key, &ret->found, err);

	if (r < 0)
		return r;
	ret->state = same_word(strbuf_str(&ret->found), wanted) ? KNOB_OK : KNOB_DRIFT;
	ret->reason[0] = '\0';
	return ret->state == KNOB_OK && str_starts(wanted, "off") ? judge_off(c, wanted, ret, err) : 0;
}

static void smt_hotplugs(const char *key, const char *value, struct cpuset *ret_off, struct cpuset *ret_on)
{
	int cpu = cpu_of_key(key);
	struct cpuset set;

	cpuset_zero(ret_off);
	cpuset_zero(ret_on);
	split_value(value, &set);
	if (cpu >= 0)
		cpuset_add(value[0] == '0' ? ret_off : ret_on, (unsigned)cpu);
	else if (str_eq(key, CONTROL))
		*(same_word(value, "off") ? ret_off : ret_on) = set;
}

static void smt_recall(struct host *h, const char *key, const char *original)
{
	struct cpuset core;

	if (cpu_of_key(key) < 0)
		return;
	split_value(original, &core);
	host_join_core(h, &core);
}

static const char *smt_clash(const char *key, const char *value, const char *other, const char *other_value)
{
	bool is_control = str_eq(key, CONTROL);
	int cpu = cpu_of_key(is_control ? other : key);
	struct cpuset gone;

	if (is_control == str_eq(other, CONTROL) || cpu < 0 || !same_word(is_control ? value : other_value, "off"))
		return NULL;
	split_value(is_control ? value : other_value, &gone);
	return cpuset_has(&gone, (unsigned)cpu) && (is_control ? other_value : value)[0] == '1'
	               ? "a thread of a core cannot be online while SMT is off"
	               : NULL;
}

static int smt_coupled(const struct knob_ctx *c, const char *key,
                       int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                       struct hft_err *err)
{
	struct cpuset set;
	char path[64];
	int r = 0;

	if (mask_kind(key))
		return 0;
	cpuset_zero(&set);
	if (str_eq(key, CONTROL))
		secondary_threads(c, "", &set);
	for (int cpu = cpuset_next(&set, 0); r == 0 && cpu >= 0; cpu = cpuset_next(&set, (unsigned)cpu + 1)) {
		snprintf(path, sizeof(path), "cpu%d " ONLINE, cpu);
		r = add(data, "smt", path, err);
	}
	for (size_t i = 0; r == 0 && mask_key(i); i++)
		r = add(data, "smt", mask_key(i), err);
	return r;
}

/* SMT before single CPUs, which it switches; masks when all CPUs are there, in the order of mending. */
static int smt_order(const char *key)
{
	for (int i = 0; mask_key((size_t)i); i++)
		if (str_eq(mask_key((size_t)i), key))
			return 2 + i;
	return str_eq(key, CONTROL) ? 0 : 1;
}

/* --- documentation -------------------------------------------------------------------------------------------------- */

#define MASKS "smt:interrupts, smt:cpusets, smt:tasks"

static const struct knob_doc docs[] = {
	{
		.option = CONTROL,
		.summary = "threads of a core: on, or off so that each core runs one; no selector",
		.unit = "word",
		.bounds = "on|off",
		.risk = 3,
		.effect = EFFECT_NOW,
		.counter = "/sys/devices/system/cpu/smt/active",
		.changes = "smt:cpuN online, " MASKS,
		.source = "Documentation/ABI/testing/sysfs-devices-system-cpu",
		.traps = "stops all CPUs for milliseconds, several times: not while the market is open; half of the CPUs go, "
			 "and what counted them at its start (jemalloc, Redis io-threads) counted more; threads that "
			 "may run on nothing else wander until they are put back; with cgroup v1 a cpuset that is left "
			 "without CPUs hands its threads to its parent for good; `nosmt` at boot has none of this",
	},
	{
		.option = ONLINE,
		.summary = "the CPUs that the selector lists: 1 online, 0 offline",
		.unit = "bool",
		.bounds = "0..1",
		.risk = 3,
		.effect = EFFECT_NOW,
		.counter = "/sys/devices/system/cpu/online",
		.changes = MASKS,
		.source = "Documentation/core-api/cpu_hotplug.rst",
		.traps = "keeps SMT for the other cores when only siblings of the trading CPUs go; CPU 0 mostly has no "
			 "such file; stops all CPUs for milliseconds; refused while SMT is off",
	},
};

static int smt_explain(size_t i, struct knob_doc *ret)
{
	if (i >= ARRAY_LEN(docs))
		return -ENOENT;
	*ret = docs[i];
	return 0;
}

const struct knob knob_smt = {
	.name = "smt",
	.summary = "threads of cores, and CPUs, on and off",
	.selector = "cpulist for online; empty for control",
	.list = smt_list,
	.parse = smt_parse,
	.read = smt_read,
	.write = smt_write,
	.verify = smt_verify,
	.hotplugs = smt_hotplugs,
	.recall = smt_recall,
	.clash = smt_clash,
	.coupled = smt_coupled,
	.order = smt_order,
	.explain = smt_explain,
};
