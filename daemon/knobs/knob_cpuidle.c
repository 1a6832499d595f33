/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob cpuidle: which idle states a CPU may enter. Must never disable state 0, so that a CPU always has one to go to.
 *
 * Objects "cpu2 state3", canonical value "1" (disabled) or "0". Both options speak about every state of the CPUs that
 * the selector names: `max_latency_us` disables those that take longer to leave, `disable` those that it names, and
 * each enables the others. On the live host libcpupower writes; it loses errno, so a refused write is tried once more
 * through fsio, which says why. Reading is fsio's.
 */
#include <cpuidle.h>
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

#define LATENCY_MAX 1000000000
#define NONE "none"
#define LACKING_KEY "states" /* stands for what a machine or CPU lacks */
#define PATH_LEN 96

struct state {
	int cpu, state;
};

extern const struct knob knob_cpuidle;

static const char *state_path(const struct state *s, const char *file, char *path)
{
	snprintf(path, PATH_LEN, "/sys/devices/system/cpu/cpu%d/cpuidle/state%d%s%s", s->cpu, s->state,
	         file[0] != '\0' ? "/" : "", file);
	return path;
}

static bool state_exists(const struct knob_ctx *c, const struct state *s)
{
	char path[PATH_LEN];

	return fsio_exists(c->fs, state_path(s, "", path));
}

static int state_read(const struct knob_ctx *c, const struct state *s, const char *file, struct strbuf *ret,
                      struct hft_err *err)
{
	char path[PATH_LEN];

	return cpukey_read(c, state_path(s, file, path), ret, err);
}

static int state_of_key(const char *key, struct state *ret, struct hft_err *err)
{
	int64_t state;
	const char *rest;

	int r = cpukey_split(key, "cpu", &ret->cpu, &rest);
	if (r < 0 || !str_starts(rest, "state") || num_parse_range(rest + strlen("state"), 0, 99, &state) < 0)
		return cpukey_unknown("cpuidle", key, err);
	ret->state = (int)state;
	return 0;
}

/* --- listing ------------------------------------------------------------------------------------------------------ */

static int add_states(const struct knob_ctx *c, int cpu, struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf name = {0};
	char key[64];
	int r = 0;

	for (struct state s = {.cpu = cpu}; r == 0 && state_exists(c, &s); s.state++) {
		snprintf(key, sizeof(key), "cpu%d state%d", cpu, s.state);
		bool named = state_read(c, &s, "name", &name, NULL) == 0;
		r = knob_objects_add(ret, key, named ? strbuf_str(&name) : NULL, NULL, err);
	}
	return r;
}

static int add_lacking(int cpu, struct knob_objects *ret, struct hft_err *err)
{
	char key[64];

	snprintf(key, sizeof(key), "cpu%d " LACKING_KEY, cpu);
	return knob_objects_add(ret, key, NULL, "the CPU has no idle states", err);
}

static int add_cpus(const struct knob_ctx *c, const struct cpuset *cpus, bool named, struct knob_objects *ret,
                    struct hft_err *err)
{
	int r = 0;

	for (int cpu = cpuset_next(cpus, 0); r == 0 && cpu >= 0; cpu = cpuset_next(cpus, (unsigned)cpu + 1)) {
		struct state first = {.cpu = cpu};
		if (state_exists(c, &first))
			r = add_states(c, cpu, ret, err);
		else if (named)
			r = add_lacking(cpu, ret, err);
	}
	return r;
}

static bool any_has_states(const struct knob_ctx *c, const struct cpuset *cpus)
{
	for (int cpu = cpuset_next(cpus, 0); cpu >= 0; cpu = cpuset_next(cpus, (unsigned)cpu + 1))
		if (state_exists(c, &(struct state){.cpu = cpu}))
			return true;
	return false;
}

static bool is_option(const char *option)
{
	return str_eq(option, "max_latency_us") || str_eq(option, "disable");
}

static int cpuidle_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                        struct hft_err *err)
{
	struct cpuset cpus;

	if (!is_option(option))
		return row_unknown_option("cpuidle", option, err);
	int r = cpukey_select(c, selector, &cpus, err);
	if (r < 0)
		return r;
	if (!any_has_states(c, &c->host->present))
		return knob_objects_add(ret, LACKING_KEY, NULL, "no cpuidle driver on this machine", err);
	return add_cpus(c, &cpus, !cpukey_is_all(selector), ret, err);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int parse_limit(const char *value, int64_t *ret, struct hft_err *err)
{
	int r = num_parse_range(value, 0, LATENCY_MAX, ret);
	if (r == -ERANGE) {
		r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, "max_latency_us", "%s is out of bounds", value);
		err_values(err, "0..1000000000", value);
	} else if (r < 0) {
		r = err_raise(err, ERR_INVALID_PROFILE, EINVAL, "max_latency_us",
		              "'%s' is not a number of microseconds", value);
	}
	return r;
}

static int parse_latency(const struct knob_ctx *c, const struct state *s, const char *value, bool *ret,
                         struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	int64_t limit, latency;

	int r = parse_limit(value, &limit, err);
	if (r < 0)
		return r;
	r = state_read(c, s, "latency", &text, err);
	if (r < 0)
		return r;
	if (num_parse_i64(strbuf_str(&text), &latency) < 0)
		return err_raise(err, ERR_IO, EIO, "max_latency_us", "the kernel says a latency of '%s'",
		                 strbuf_str(&text));
	*ret = s->state > 0 && latency > limit;
	return 0;
}

static int raise_no_such_state(const struct knob_ctx *c, int cpu, const char *name, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf names = {0}, one = {0};

	for (struct state s = {.cpu = cpu}; state_exists(c, &s); s.state++)
		if (state_read(c, &s, "name", &one, NULL) == 0)
			strbuf_addf(&names, "%s%s", names.len > 0 ? ", " : "", strbuf_str(&one));
	int r = err_raise(err, ERR_INVALID_PROFILE, EINVAL, "disable", "CPU %d has no idle state '%s'", cpu, name);
	err_values(err, strbuf_str(&names), name);
	return r;
}

/* The state that bears a name on this CPU, the first of several; -1 when none does. */
static int find_state(const struct knob_ctx *c, int cpu, const char *name)
{
	CLEANUP(strbuf_done) struct strbuf one = {0};

	for (struct state s = {.cpu = cpu}; state_exists(c, &s); s.state++)
		if (state_read(c, &s, "name", &one, NULL) == 0 && str_eq(strbuf_str(&one), name))
			return s.state;
	return -1;
}

static int check_name(const struct knob_ctx *c, const struct state *s, const char *name, struct hft_err *err)
{
	if (str_is_pattern(name))
		return 0;
	int state = find_state(c, s->cpu, name);
	if (state < 0)
		return raise_no_such_state(c, s->cpu, name, err);
	if (state == 0)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, "disable",
		                 "'%s' is state 0, which stays enabled: a CPU needs a state to go to", name);
	return 0;
}

/* Names hold blanks ("haltpoll idle"), so only a comma parts them. */
static int split_names(const char *value, struct strlist *ret, struct hft_err *err)
{
	if (strlist_split(ret, value, ",") < 0)
		return err_oom(err);
	if (ret->n > 0)
		return 0;
	return err_raise(err, ERR_INVALID_PROFILE, EINVAL, "disable", "no idle state is named; 'none' enables all");
}

static int parse_names(const struct knob_ctx *c, const struct state *s, const char *value, bool *ret,
                       struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	CLEANUP(strbuf_done) struct strbuf own = {0}, name = {0};
	bool disabled = false;

	int r = split_names(value, &names, err);
	if (r == 0)
		r = state_read(c, s, "name", &own, err);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		strbuf_reset(&name);
		strbuf_add(&name, names.s[i]);
		strbuf_trim(&name);
		if (name.oom)
			return err_oom(err);
		r = check_name(c, s, strbuf_str(&name), err);
		disabled = disabled || str_eq(strbuf_str(&name), strbuf_str(&own)) ||
		           str_match(strbuf_str(&name), strbuf_str(&own));
	}
	*ret = s->state > 0 && disabled;
	return r;
}

/* A CPU without states: only the form can be judged. */
static int parse_lacking(const char *option, const char *value, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	int64_t limit;
	int r = str_eq(option, "max_latency_us") ? parse_limit(value, &limit, err) : split_names(value, &names, err);

	if (r < 0)
		return r;
	strbuf_add(ret, value);
	return ret->oom ? err_oom(err) : 0;
}

static int cpuidle_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                         struct strbuf *ret, struct hft_err *err)
{
	bool disabled = false;
	struct state s;

	strbuf_reset(ret);
	if (key == NULL && !is_option(option))
		return row_unknown_option("cpuidle", option, err);
	if (key == NULL || str_ends(key, LACKING_KEY))
		return parse_lacking(option, value, ret, err);
	int r = state_of_key(key, &s, err);
	if (r < 0)
		return r;
	if (str_eq(option, "max_latency_us"))
		r = parse_latency(c, &s, value, &disabled, err);
	else if (!str_eq(value, NONE))
		r = parse_names(c, &s, value, &disabled, err);
	if (r < 0)
		return r;
	strbuf_add(ret, disabled ? "1" : "0");
	return ret->oom ? err_oom(err) : 0;
}

/* --- reading and writing ------------------------------------------------------------------------------------------ */

static int cpuidle_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct state s;

	strbuf_reset(ret);
	int r = state_of_key(key, &s, err);
	if (r == 0)
		r = state_read(c, &s, "disable", &text, err);
	if (r < 0)
		return r;
	strbuf_add(ret, str_eq(strbuf_str(&text), "0") ? "0" : "1");
	return ret->oom ? err_oom(err) : 0;
}

static int cpuidle_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	char path[PATH_LEN];
	struct state s;

	int r = state_of_key(key, &s, err);
	if (r < 0)
		return r;
	if (fsio_is_live(c->fs) &&
	    cpuidle_state_disable((unsigned)s.cpu, (unsigned)s.state, str_eq(value, "1") ? 1 : 0) == 0)
		return 0;
	return cpukey_write(c, state_path(&s, "disable", path), value, err);
}

static const struct knob_doc docs[] = {
	{
		.option = "max_latency_us",
		.summary = "idle states that take longer than this to leave are disabled, the others enabled; state 0 "
		           "stays",
		.unit = "us",
		.bounds = "0..1000000000",
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "cpuidle/stateN/usage and time of the disabled states stand still",
		.changes = "",
		.source = "Documentation/admin-guide/pm/cpuidle.rst, "
		          "Documentation/ABI/testing/sysfs-devices-system-cpu",
		.traps = "the latency is what the firmware or the driver's table says; the ladder governor also avoids "
		         "the "
			"states beyond a disabled one; gone when the CPU goes offline",
	},
	{
		.option = "disable",
		.summary = "the idle states that the value names are disabled, the others enabled; state 0 stays",
		.unit = "names or patterns, parted by commas",
		.bounds = "names of cpuidle/stateN/name but that of state 0, or none",
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "cpuidle/stateN/usage and time of the disabled states stand still",
		.changes = "",
		.source = "Documentation/admin-guide/pm/cpuidle.rst, "
		          "Documentation/ABI/testing/sysfs-devices-system-cpu",
		.traps = "names differ between drivers (C1E of intel_idle is C2 of acpi_idle): prefer max_latency_us; "
		         "it speaks "
			"about the same objects as max_latency_us, and the later setting wins",
	},
};

static int cpuidle_explain(size_t i, struct knob_doc *ret)
{
	if (i >= ARRAY_LEN(docs))
		return -ENOENT;
	*ret = docs[i];
	return 0;
}

const struct knob knob_cpuidle = {
	.name = "cpuidle",
	.summary = "which idle states CPUs may enter",
	.selector = "cpulist, or * or empty for all",
	.list = cpuidle_list,
	.parse = cpuidle_parse,
	.read = cpuidle_read,
	.write = cpuidle_write,
	.explain = cpuidle_explain,
};
