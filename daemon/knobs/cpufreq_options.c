/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of knob cpufreq: one row each, what values make sense, and how libcpupower sets them. Must not write
 * anything but through a row's `set`.
 */
#include "daemon/knobs/cpufreq.h"

#include <cpufreq.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/knobs/cpukey.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

/* --- values ------------------------------------------------------------------------------------------------------- */

static int accept(const char *value, struct strbuf *ret, struct hft_err *err)
{
	strbuf_add(ret, value);
	return ret->oom ? err_oom(err) : 0;
}

static int raise_bounds(struct hft_err *err, const struct cpufreq_object *o, const char *bounds, const char *value)
{
	int r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, o->option->doc.option, "'%s' is not one of: %s", value,
	                  bounds);

	err_values(err, bounds, value);
	return r;
}

static int parse_number(const struct cpufreq_object *o, const char *value, int64_t min, int64_t max, struct strbuf *ret,
                        struct hft_err *err)
{
	char bounds[64];
	int64_t n;

	int r = num_parse_range(value, min, max, &n);
	if (r == -EINVAL)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, o->option->doc.option, "'%s' is not a number",
		                 value);
	snprintf(bounds, sizeof(bounds), "%lld..%lld", (long long)min, (long long)max);
	return r < 0 ? raise_bounds(err, o, bounds, value) : accept(value, ret, err);
}

/* A file beside the object's own: "policy0/cpuinfo_max_freq". -ENOENT when there is none. */
int cpufreq_read_beside(const struct knob_ctx *c, const struct cpufreq_object *o, const char *file, struct strbuf *ret)
{
	char path[CPUFREQ_PATH_LEN];

	if (o->n < 0)
		return -ENOENT;
	snprintf(path, sizeof(path), CPUFREQ_POLICY_DIR "/policy%d/%s", o->n, file);
	return cpukey_read(c, path, ret, NULL);
}

static int number_beside(const struct knob_ctx *c, const struct cpufreq_object *o, const char *file, int64_t *ret)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};

	int r = cpufreq_read_beside(c, o, file, &text);
	return r < 0 ? r : num_parse_i64(strbuf_str(&text), ret);
}

static int parse_bool(const struct knob_ctx *c, const struct cpufreq_object *o, const char *value, struct strbuf *ret,
                      struct hft_err *err)
{
	(void)c;
	return parse_number(o, value, 0, 1, ret, err);
}

static int parse_percent(const struct knob_ctx *c, const struct cpufreq_object *o, const char *value,
                         struct strbuf *ret, struct hft_err *err)
{
	(void)c;
	return parse_number(o, value, 1, 100, ret, err);
}

/* Two drivers, two sets of words (admin-guide/pm/intel_pstate.rst, amd-pstate.rst). */
static int parse_status(const struct knob_ctx *c, const struct cpufreq_object *o, const char *value, struct strbuf *ret,
                        struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = {0};
	bool intel = strstr(o->path, "intel") != NULL, amd = strstr(o->path, "amd") != NULL;
	const char *bounds = intel ? "active passive off"
	                     : amd ? "active passive guided disable"
	                           : "active passive guided disable off";

	(void)c;
	if (strlist_split(&words, bounds, " ") < 0)
		return err_oom(err);
	return strlist_has(&words, value) ? accept(value, ret, err) : raise_bounds(err, o, bounds, value);
}

static bool is_word(const char *value)
{
	size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n > 0 && value[n] == '\0';
}

/* A word that the policy offers in a file. A policy without the file is not there to be asked. */
static int parse_offered(const struct knob_ctx *c, const struct cpufreq_object *o, const char *file, const char *value,
                         struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = {0};
	CLEANUP(strbuf_done) struct strbuf text = {0};

	if (!is_word(value))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, o->option->doc.option, "'%s' is not a word", value);
	if (cpufreq_read_beside(c, o, file, &text) < 0)
		return accept(value, ret, err);
	if (strlist_split(&words, strbuf_str(&text), " \t\n") < 0)
		return err_oom(err);
	return strlist_has(&words, value) ? accept(value, ret, err) : raise_bounds(err, o, strbuf_str(&text), value);
}

static int parse_governor(const struct knob_ctx *c, const struct cpufreq_object *o, const char *value,
                          struct strbuf *ret, struct hft_err *err)
{
	return parse_offered(c, o, "scaling_available_governors", value, ret, err);
}

/* "default" is offered too, but reads back as what the default is: nothing could ever be said to hold it. */
static int parse_preference(const struct knob_ctx *c, const struct cpufreq_object *o, const char *value,
                            struct strbuf *ret, struct hft_err *err)
{
	if (str_eq(value, "default"))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, o->option->doc.option,
		                 "'default' cannot be verified: name the preference");
	return parse_offered(c, o, "energy_performance_available_preferences", value, ret, err);
}

/* The words that the kernel takes for numbers (arch/x86/kernel/cpu/intel_epb.c). */
static int parse_bias(const struct knob_ctx *c, const struct cpufreq_object *o, const char *value, struct strbuf *ret,
                      struct hft_err *err)
{
	static const struct {
		const char *word, *number;
	} words[] = {
		{"performance",         "0" },
		{"balance-performance", "4" },
		{"normal",              "6" },
		{"balance-power",       "8" },
		{"power",               "15"},
	};

	(void)c;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(value, words[i].word))
			return accept(words[i].number, ret, err);
	return parse_number(o, value, 0, 15, ret, err);
}

/* Intel's driver names the base frequency in kHz, ACPI CPPC the nominal one in MHz. */
static int base_khz(const struct knob_ctx *c, const struct cpufreq_object *o, int64_t *ret)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	char path[CPUFREQ_PATH_LEN];
	int64_t mhz;

	if (number_beside(c, o, "base_frequency", ret) == 0)
		return 0;
	if (o->n < 0)
		return -ENOENT;
	snprintf(path, sizeof(path), CPUFREQ_CPU_DIR "/cpu%d/acpi_cppc/nominal_freq", o->n);
	int r = cpukey_read(c, path, &text, NULL);
	if (r == 0)
		r = num_parse_range(strbuf_str(&text), 1, 1000000, &mhz);
	if (r == 0)
		*ret = mhz * 1000;
	return r;
}

static int parse_khz_word(const struct knob_ctx *c, const struct cpufreq_object *o, const char *word,
                          struct strbuf *ret, struct hft_err *err)
{
	int64_t khz;

	int r = str_eq(word, "base") ? base_khz(c, o, &khz) : number_beside(c, o, "cpuinfo_min_freq", &khz);
	if (r < 0)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, o->option->doc.option,
		                 "the machine does not say its %s frequency", word);
	strbuf_addf(ret, "%lld", (long long)khz);
	return ret->oom ? err_oom(err) : 0;
}

static int parse_khz(const struct knob_ctx *c, const struct cpufreq_object *o, const char *value, struct strbuf *ret,
                     struct hft_err *err)
{
	int64_t min = 0, max = INT32_MAX;

	if (str_eq(value, "max") || (o->n < 0 && (str_eq(value, "min") || str_eq(value, "base"))))
		return accept(value, ret, err);
	if (str_eq(value, "min") || str_eq(value, "base"))
		return parse_khz_word(c, o, value, ret, err);
	number_beside(c, o, "cpuinfo_min_freq", &min);
	number_beside(c, o, "cpuinfo_max_freq", &max);
	return parse_number(o, value, min, max, ret, err);
}

/* --- libcpupower -------------------------------------------------------------------------------------------------- */

static int set_governor(unsigned cpu, const char *value)
{
	CLEANUP(mem_freep) char *governor = strdup(value); /* the library wants it writable */

	return governor != NULL ? cpufreq_modify_policy_governor(cpu, governor) : -ENOMEM;
}

static int set_min(unsigned cpu, const char *value)
{
	uint64_t khz;

	return num_parse_u64(value, &khz) < 0 ? -EINVAL : cpufreq_modify_policy_min(cpu, khz);
}

static int set_max(unsigned cpu, const char *value)
{
	uint64_t khz;

	return num_parse_u64(value, &khz) < 0 ? -EINVAL : cpufreq_modify_policy_max(cpu, khz);
}

/* --- the options, in the order of writing ------------------------------------------------------------------------- */

#define COUNTER_MHZ "cycles that the pinned thread itself counts against TSC"
#define OF_POLICY "max_khz", "min_khz", "governor", "energy_performance_preference"

/* The two limits of a policy in kHz. `other`: the limit that a write may move along. */
#define KHZ(name, which, file, setter, other, trap) {                                                                   \
	.doc = {                                                                                                         \
		.option = name,                                                                                          \
		.summary = which " limit of the frequency; 'max' follows cpuinfo_max_freq, 'base' is the nominal "       \
		           "frequency",                                                                                  \
		.unit = "kHz, or min|max|base",                                                                          \
		.bounds = "cpuinfo_min_freq..cpuinfo_max_freq",                                                          \
		.risk = 1,                                                                                               \
		.effect = EFFECT_NOW,                                                                                    \
		.counter = COUNTER_MHZ,                                                                                  \
		.changes = "cpufreq:" other " of the policy",                                                            \
		.source = "Documentation/admin-guide/pm/cpufreq.rst",                                                    \
		.traps = trap,                                                                                           \
	},                                                                                                               \
	.scope = CPUFREQ_POLICY,                                                                                         \
	.files = {file},                                                                                                 \
	.parse = parse_khz,                                                                                              \
	.set = setter,                                                                                                   \
	.lacks = CPUFREQ_NO_DRIVER,                                                                                      \
	.changes = {other},                                                                                              \
}

/* The two limits of intel_pstate in percent; its files are called like the options. */
#define PERCENT(name, which, trap) {                                                                                    \
	.doc = {                                                                                                         \
		.option = name,                                                                                          \
		.summary = which " limit of performance in percent of the highest, turbo included; for the whole host",  \
		.unit = "%",                                                                                             \
		.bounds = "1..100",                                                                                      \
		.risk = 1,                                                                                               \
		.effect = EFFECT_NOW,                                                                                    \
		.counter = COUNTER_MHZ,                                                                                  \
		.changes = "",                                                                                           \
		.source = "Documentation/admin-guide/pm/intel_pstate.rst",                                               \
		.traps = trap,                                                                                           \
	},                                                                                                               \
	.files = {"intel_pstate/" name},                                                                                 \
	.parse = parse_percent,                                                                                          \
	.lacks = "intel_pstate does not drive this machine",                                                             \
}

const struct cpufreq_option cpufreq_options[] = {
	{
		.doc = {
			.option = "pstate_status",
			.summary = "mode of the intel_pstate or amd_pstate driver; for the whole host",
			.unit = "word",
			.bounds = "active|passive|off (Intel), active|passive|guided|disable (AMD)",
			.risk = 2,
			.effect = EFFECT_NOW,
			.counter = "cpufreq/policy*/scaling_driver",
			.changes = "cpufreq:governor, max_khz, min_khz, energy_performance_preference of every policy, "
			           "boost, "
				   "max_perf_pct, min_perf_pct",
			.source = "Documentation/admin-guide/pm/intel_pstate.rst, amd-pstate.rst",
			.traps = "a change rebuilds every policy, so it goes first; off is refused with hardware "
			         "P-states (EBUSY)",
		},
		.files = {"intel_pstate/status", "amd_pstate/status"},
		.parse = parse_status,
		.lacks = "neither intel_pstate nor amd_pstate drives this machine",
		.changes = {"boost", "max_perf_pct", "min_perf_pct", OF_POLICY},
	},
	{
		.doc = {
			.option = "boost",
			.summary = "turbo frequencies of the whole host: 1 on, 0 off",
			.unit = "bool",
			.bounds = "0..1",
			.risk = 2,
			.effect = EFFECT_NOW,
			.counter = COUNTER_MHZ,
			.changes = "cpufreq:max_khz, min_khz, governor, energy_performance_preference, boost of every "
			           "policy",
			.source = "Documentation/admin-guide/pm/cpufreq.rst, intel_pstate.rst (no_turbo, here the "
			          "other way round)",
			.traps = "on gives the lowest mean, off the steadier tail; firmware may lock it (EPERM)",
		},
		.files = {"cpufreq/boost", "intel_pstate/no_turbo"},
		.parse = parse_bool,
		.lacks = "the cpufreq driver of this machine has no turbo control",
		.changes = {OF_POLICY, "boost"},
		.refused = "turbo may be locked by the firmware",
	},
	{
		.doc = {
			.option = "boost",
			.summary = "turbo frequencies of the policies of a cpulist: 1 on, 0 off",
			.unit = "bool",
			.bounds = "0..1",
			.risk = 2,
			.effect = EFFECT_NOW,
			.counter = COUNTER_MHZ,
			.changes = "cpufreq:max_khz, min_khz of the policy",
			.source = "drivers/cpufreq/cpufreq.c (local_boost, kernel 6.11)",
			.traps = "refused while turbo is off for the whole host",
		},
		.scope = CPUFREQ_POLICY,
		.files = {"boost"},
		.parse = parse_bool,
		.lacks = "turbo control per policy needs kernel 6.11 and a driver that has it; leave the selector "
		         "empty",
		.changes = {"max_khz", "min_khz"},
		.refused = "turbo may be off for the whole host, or locked by the firmware",
	},
	{
		.doc = {
			.option = "governor",
			.summary = "who chooses the frequency",
			.unit = "word",
			.bounds = "one of scaling_available_governors",
			.risk = 1,
			.effect = EFFECT_NOW,
			.counter = COUNTER_MHZ,
			.changes = "cpufreq:energy_performance_preference, max_khz, min_khz of the policy",
			.source = "Documentation/admin-guide/pm/cpufreq.rst",
			.traps = "acts on every CPU of the policy; scaling_cur_freq of an idle or nohz_full CPU is the "
			         "requested value",
		},
		.scope = CPUFREQ_POLICY,
		.files = {"scaling_governor"},
		.parse = parse_governor,
		.set = set_governor,
		.lacks = CPUFREQ_NO_DRIVER,
		.changes = {"energy_performance_preference", "max_khz", "min_khz"},
	},
	/* The maximum first: where they cross, the kernel cuts the minimum. */
	KHZ("max_khz", "upper", "scaling_max_freq", set_max, "min_khz",
	    "the kernel shows the tightest of all limits: thermal and platform limits and max_perf_pct count too"),
	KHZ("min_khz", "lower", "scaling_min_freq", set_min, "max_khz",
	    "above max_khz it is cut without an error, so the maximum is written first"),
	PERCENT("max_perf_pct", "upper", "clamped to min_perf_pct and the hardware's range without an error; passive mode: "
	        "see scaling_*_freq"),
	PERCENT("min_perf_pct", "lower", "clamped to max_perf_pct and the hardware's range without an error"),
	{
		.doc = {
			.option = "energy_performance_preference",
			.summary = "hint to the CPU's own frequency control",
			.unit = "word",
			.bounds = "one of energy_performance_available_preferences, but 'default'",
			.risk = 0,
			.effect = EFFECT_NOW,
			.counter = COUNTER_MHZ,
			.changes = "",
			.source = "Documentation/admin-guide/pm/intel_pstate.rst, amd-pstate.rst",
			.traps = "EBUSY for anything but 'performance' under the governor performance; reading it "
			         "interrupts the CPU",
		},
		.scope = CPUFREQ_POLICY,
		.files = {"energy_performance_preference"},
		.parse = parse_preference,
		.lacks = "the policy has no energy_performance_preference (Intel HWP or AMD CPPC, driver active)",
		.refused = "the governor 'performance' accepts no other preference than 'performance'",
	},
	{
		.doc = {
			.option = "energy_perf_bias",
			.summary = "Intel's energy hint per CPU: 0 performance ... 15 power; the kernel's words are "
			           "taken too",
			.unit = "number",
			.bounds = "0..15",
			.risk = 0,
			.effect = EFFECT_NOW,
			.counter = COUNTER_MHZ,
			.changes = "cpufreq:energy_perf_bias of the core's other threads",
			.source = "Documentation/admin-guide/pm/intel_epb.rst",
			.traps = "the register may be shared by the core or the package; reading it interrupts the CPU",
		},
		.scope = CPUFREQ_CPU,
		.files = {"power/energy_perf_bias"},
		.parse = parse_bias,
		.lacks = "the CPU has no energy_perf_bias",
	},
};

bool cpufreq_is_limit(const struct cpufreq_option *option)
{
	return option->parse == parse_khz;
}
