/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_cpufreq: whose options they are, which values make sense, what moves with what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cpufreq.h>

#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_cpufreq;

#define CPU "/sys/devices/system/cpu"
#define POLICY(n, file) CPU "/cpufreq/policy" n "/" file

static void put_policy(const struct cputree *t, int policy, const char *related, const char *affected)
{
	const struct {
		const char *file, *text;
	} files[] = {
		{"related_cpus",                             related                                       },
		{"affected_cpus",                            affected                                      },
		{"cpuinfo_min_freq",                         "1000000"                                     },
		{"cpuinfo_max_freq",                         "3000000"                                     },
		{"base_frequency",                           "2100000"                                     },
		{"scaling_min_freq",                         "1000000"                                     },
		{"scaling_max_freq",                         "3000000"                                     },
		{"scaling_governor",                         "powersave"                                   },
		{"scaling_available_governors",              "performance powersave "                      },
		{"energy_performance_preference",            "balance_performance"                         },
		{"energy_performance_available_preferences", "default performance balance_performance power "},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[160];
		snprintf(path, sizeof(path), CPU "/cpufreq/policy%d/%s", policy, files[i].file);
		put(t, path, files[i].text);
	}
}

/* An Intel machine: a policy for CPUs 0 and 1, one for CPU 2, one for the offline CPU 3. */
static int make_tree(void **state)
{
	struct cputree *t = cputree_new();

	put_policy(t, 0, "0 1", "0 1");
	put_policy(t, 2, "2", "2");
	put_policy(t, 3, "3", "");
	put(t, CPU "/intel_pstate/status", "active");
	put(t, CPU "/intel_pstate/no_turbo", "0");
	put(t, CPU "/intel_pstate/min_perf_pct", "33");
	put(t, CPU "/intel_pstate/max_perf_pct", "100");
	for (int cpu = 0; cpu < 3; cpu++) {
		char path[128];
		snprintf(path, sizeof(path), CPU "/cpu%d/power/energy_perf_bias", cpu);
		put(t, path, "6");
	}
	cputree_read(t);
	*state = t;
	return 0;
}

static int make_bare_tree(void **state)
{
	struct cputree *t = cputree_new();

	cputree_read(t);
	*state = t;
	return 0;
}

static int remove_tree(void **state)
{
	cputree_free(*state);
	return 0;
}

static void test_list_policies(void **state)
{
	struct cputree *t = *state;
	const char *all = "policy0 governor|policy2 governor|policy3 governor(na)";

	assert_string_equal(listed(t, &knob_cpufreq, "*", "governor"), all);
	assert_string_equal(listed(t, &knob_cpufreq, "", "governor"), all);
	assert_string_equal(t->objects.o[0].label, "CPU 0-1");
	assert_string_equal(listed(t, &knob_cpufreq, "1", "governor"), "policy0 governor");
	assert_string_equal(listed(t, &knob_cpufreq, "1-2", "min_khz"), "policy0 min_khz|policy2 min_khz");
	assert_string_equal(listed(t, &knob_cpufreq, "9", "governor"), ERR_NO_MATCH);
	assert_string_equal(listed(t, &knob_cpufreq, "-", "governor"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_cpufreq, "1", "govenor"), ERR_INVALID_PROFILE);
	assert_string_equal(t->err.subject, "govenor");
}

static void test_list_what_a_policy_lacks(void **state)
{
	struct cputree *t = *state;
	const char *option = "energy_performance_preference";

	take_away(t, POLICY("2", "energy_performance_preference"));
	assert_string_equal(listed(t, &knob_cpufreq, "0-2", option),
	                    "policy0 energy_performance_preference|policy2 energy_performance_preference(na)");
	for (size_t i = 0; i < 2; i++)
		put(t, i == 0 ? POLICY("3", "related_cpus") : POLICY("3", "affected_cpus"), "2");
	assert_string_equal(listed(t, &knob_cpufreq, "3", "governor"), "governor(na)");
}

static void test_list_host(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_cpufreq, "", "boost"), "boost");
	assert_string_equal(listed(t, &knob_cpufreq, "*", "pstate_status"), "pstate_status");
	assert_string_equal(listed(t, &knob_cpufreq, "*", "min_perf_pct"), "min_perf_pct");
	assert_string_equal(listed(t, &knob_cpufreq, "2", "min_perf_pct"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_cpufreq, "2", "boost"), "policy2 boost(na)");
	put(t, POLICY("2", "boost"), "1");
	assert_string_equal(listed(t, &knob_cpufreq, "2", "boost"), "policy2 boost");
}

static void test_list_cpus(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_cpufreq, "2-3", "energy_perf_bias"),
	                    "cpu2 energy_perf_bias|cpu3 energy_perf_bias(na)");
	assert_string_equal(listed(t, &knob_cpufreq, "*", "energy_perf_bias"),
	                    "cpu0 energy_perf_bias|cpu1 energy_perf_bias|cpu2 energy_perf_bias");
}

static void test_no_driver(void **state)
{
	struct cputree *t = *state;
	static const char *const options[] = {
		"governor", "min_khz",      "max_khz",      "energy_performance_preference", "energy_perf_bias",
		"boost",    "min_perf_pct", "max_perf_pct", "pstate_status",
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		listed(t, &knob_cpufreq, "*", options[i]);
		assert_int_equal(t->objects.n, 1);
		assert_string_equal(t->objects.o[0].key, options[i]);
		assert_non_null(t->objects.o[0].na);
		assert_string_equal(value_now(t, &knob_cpufreq, options[i]), ERR_NOT_APPLICABLE);
		assert_int_equal(judged(t, &knob_cpufreq, options[i], "1"), KNOB_NA);
	}
	/* Only the form can be judged. */
	assert_string_equal(parsed(t, &knob_cpufreq, "governor", "governor", "performance"), "performance");
	assert_string_equal(parsed(t, &knob_cpufreq, "governor", "governor", "per formance"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_cpufreq, "min_khz", "min_khz", "base"), "base");
	assert_string_equal(parsed(t, &knob_cpufreq, "min_khz", "min_khz", "fast"), ERR_INVALID_PROFILE);
}

static void assert_parses(struct cputree *t, const char *key, const char *value, const char *result)
{
	const char *option = strrchr(key, ' ') != NULL ? strrchr(key, ' ') + 1 : key;

	assert_string_equal(parsed(t, &knob_cpufreq, key, option, value), result);
	if (t->err.code != NULL)
		assert_string_equal(t->err.subject, option);
}

static void test_parse_words(void **state)
{
	struct cputree *t = *state;

	assert_parses(t, "policy0 governor", "performance", "performance");
	assert_parses(t, "policy0 governor", "schedutil", ERR_OUT_OF_BOUNDS);
	assert_parses(t, "policy0 governor", "", ERR_INVALID_PROFILE);
	assert_parses(t, "policy0 energy_performance_preference", "power", "power");
	assert_parses(t, "policy0 energy_performance_preference", "swift", ERR_OUT_OF_BOUNDS);
	assert_parses(t, "policy0 energy_performance_preference", "default", ERR_INVALID_PROFILE);
	assert_parses(t, "pstate_status", "passive", "passive");
	assert_parses(t, "pstate_status", "guided", ERR_OUT_OF_BOUNDS); /* AMD's */
}

static void test_parse_numbers(void **state)
{
	struct cputree *t = *state;

	assert_parses(t, "policy0 min_khz", "min", "1000000");
	assert_parses(t, "policy0 min_khz", "base", "2100000");
	assert_parses(t, "policy0 max_khz", "max", "max");
	assert_parses(t, "policy0 max_khz", "3000000", "3000000");
	assert_parses(t, "policy0 max_khz", "3000001", ERR_OUT_OF_BOUNDS);
	assert_parses(t, "policy0 min_khz", "999999", ERR_OUT_OF_BOUNDS);
	assert_parses(t, "policy0 min_khz", "2GHz", ERR_INVALID_PROFILE);
	assert_parses(t, "boost", "1", "1");
	assert_parses(t, "boost", "2", ERR_OUT_OF_BOUNDS);
	assert_parses(t, "min_perf_pct", "100", "100");
	assert_parses(t, "max_perf_pct", "0", ERR_OUT_OF_BOUNDS);
	assert_parses(t, "cpu2 energy_perf_bias", "15", "15");
	assert_parses(t, "cpu2 energy_perf_bias", "16", ERR_OUT_OF_BOUNDS);
	assert_parses(t, "cpu2 energy_perf_bias", "performance", "0");
	assert_parses(t, "cpu2 energy_perf_bias", "balance-power", "8");
}

static void test_base_of_cppc(void **state)
{
	struct cputree *t = *state;

	take_away(t, POLICY("2", "base_frequency"));
	assert_parses(t, "policy2 max_khz", "base", ERR_NOT_APPLICABLE);
	put(t, CPU "/cpu2/acpi_cppc/nominal_freq", "2450");
	assert_parses(t, "policy2 max_khz", "base", "2450000");
}

static void test_read_and_write(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_cpufreq, "policy2 governor", "performance"), "");
	assert_holds(t, POLICY("2", "scaling_governor"), "performance");
	assert_holds(t, POLICY("0", "scaling_governor"), "powersave");
	assert_string_equal(value_now(t, &knob_cpufreq, "policy2 governor"), "performance");
	assert_string_equal(written(t, &knob_cpufreq, "cpu2 energy_perf_bias", "0"), "");
	assert_holds(t, CPU "/cpu2/power/energy_perf_bias", "0");
	assert_int_equal(judged(t, &knob_cpufreq, "cpu2 energy_perf_bias", "0"), KNOB_OK);
	assert_int_equal(judged(t, &knob_cpufreq, "cpu1 energy_perf_bias", "0"), KNOB_DRIFT);
	assert_string_equal(value_now(t, &knob_cpufreq, "policy9 governor"), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_cpufreq, "cpu2 governor", "x"), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_cpufreq, "policy2 energy_perf_bias", "0"), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_cpufreq, "nonsense", "0"), ERR_NOT_APPLICABLE);
}

static void test_max_follows_the_machine(void **state)
{
	struct cputree *t = *state;

	put(t, POLICY("2", "scaling_min_freq"), "1000000");
	put(t, POLICY("2", "cpuinfo_max_freq"), "3800000"); /* boost came on */
	assert_int_equal(judged(t, &knob_cpufreq, "policy2 min_khz", "max"), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_cpufreq, "policy2 min_khz", "max"), "");
	assert_holds(t, POLICY("2", "scaling_min_freq"), "3800000");
	assert_int_equal(judged(t, &knob_cpufreq, "policy2 min_khz", "max"), KNOB_OK);
	assert_string_equal(strbuf_str(&t->verdict.found), "3800000");
}

static void test_boost_is_no_turbo_the_other_way_round(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_cpufreq, "boost"), "1");
	assert_string_equal(written(t, &knob_cpufreq, "boost", "0"), "");
	assert_holds(t, CPU "/intel_pstate/no_turbo", "1");
	assert_int_equal(judged(t, &knob_cpufreq, "boost", "0"), KNOB_OK);
	assert_string_equal(written(t, &knob_cpufreq, "boost", "1"), "");
	assert_holds(t, CPU "/intel_pstate/no_turbo", "0");
	put(t, CPU "/cpufreq/boost", "0"); /* where it exists, it counts */
	assert_string_equal(value_now(t, &knob_cpufreq, "boost"), "0");
	assert_string_equal(written(t, &knob_cpufreq, "boost", "1"), "");
	assert_holds(t, CPU "/cpufreq/boost", "1");
}

static int collect(void *data, const char *knob, const char *key, struct hft_err *err)
{
	(void)err;
	assert_string_equal(knob, "cpufreq");
	strbuf_addf(data, "%s|", key);
	return 0;
}

static void assert_couples(struct cputree *t, const char *key, const char *keys)
{
	CLEANUP(strbuf_done) struct strbuf all = {0};

	assert_int_equal(knob_cpufreq.coupled(&t->c, key, collect, &all, &t->err), 0);
	assert_string_equal(strbuf_str(&all), keys);
}

static void test_coupling(void **state)
{
	struct cputree *t = *state;

	assert_couples(t, "policy2 governor", "policy2 energy_performance_preference|policy2 max_khz|policy2 min_khz|");
	assert_couples(t, "policy2 max_khz", "policy2 min_khz|");
	assert_couples(t, "policy2 min_khz", "policy2 max_khz|");
	assert_couples(t, "cpu1 energy_perf_bias", "cpu0 energy_perf_bias|");
	assert_couples(t, "cpu2 energy_perf_bias", ""); /* its sibling is offline */
	assert_couples(t, "min_perf_pct", "");
	assert_couples(t, "policy2 energy_performance_preference", "");
	assert_couples(t, "boost",
	               "policy0 max_khz|policy0 min_khz|policy0 governor|policy0 energy_performance_preference|"
	               "policy2 max_khz|policy2 min_khz|policy2 governor|policy2 energy_performance_preference|"
	               "policy3 max_khz|policy3 min_khz|policy3 governor|policy3 energy_performance_preference|");
}

static void test_coupling_of_status(void **state)
{
	struct cputree *t = *state;
	CLEANUP(strbuf_done) struct strbuf all = {0};

	put(t, POLICY("2", "boost"), "1");
	assert_int_equal(knob_cpufreq.coupled(&t->c, "pstate_status", collect, &all, &t->err), 0);
	assert_non_null(strstr(strbuf_str(&all), "boost|max_perf_pct|min_perf_pct|"));
	assert_non_null(strstr(strbuf_str(&all), "policy2 boost|"));
	assert_non_null(strstr(strbuf_str(&all), "policy0 governor|"));
	assert_null(strstr(strbuf_str(&all), "pstate_status|"));
}

static void test_order(void **state)
{
	static const char *const keys[] = {
		"pstate_status",
		"boost",
		"policy0 boost",
		"policy0 governor",
		"policy0 max_khz",
		"policy0 min_khz",
		"policy0 energy_performance_preference",
		"cpu0 energy_perf_bias",
	};

	(void)state;
	for (size_t i = 1; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_true(knob_cpufreq.order(keys[i - 1]) < knob_cpufreq.order(keys[i]));
	assert_int_equal(knob_cpufreq.order("policy0 governor"), knob_cpufreq.order("policy7 governor"));
}

/* The library and fsio must say the same of the machine that runs this, where it has a driver. */
static void test_library_agrees(void **state)
{
	CLEANUP(fsio_freep) struct fsio *fs = NULL;
	CLEANUP(host_freep) struct host *host = NULL;
	CLEANUP(strbuf_done) struct strbuf value = {0};
	struct hft_err err = {0};
	char number[32];

	(void)state;
	struct cpufreq_policy *policy = cpufreq_get_policy(0);
	if (policy == NULL)
		skip();
	assert_int_equal(fsio_new("/", &fs, &err), 0);
	assert_int_equal(host_read(fs, &host, &err), 0);
	struct knob_ctx c = {.fs = fs, .host = host};
	assert_int_equal(knob_cpufreq.read(&c, "policy0 governor", &value, &err), 0);
	assert_string_equal(strbuf_str(&value), policy->governor);
	snprintf(number, sizeof(number), "%lu", policy->max);
	assert_int_equal(knob_cpufreq.read(&c, "policy0 max_khz", &value, &err), 0);
	assert_string_equal(strbuf_str(&value), number);
	cpufreq_put_policy(policy);
}

static void test_explain(void **state)
{
	(void)state;
	assert_explained(&knob_cpufreq, 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list_policies),
		TEST(test_list_what_a_policy_lacks),
		TEST(test_list_host),
		TEST(test_list_cpus),
		cmocka_unit_test_setup_teardown(test_no_driver, make_bare_tree, remove_tree),
		TEST(test_parse_words),
		TEST(test_parse_numbers),
		TEST(test_base_of_cppc),
		TEST(test_read_and_write),
		TEST(test_max_follows_the_machine),
		TEST(test_boost_is_no_turbo_the_other_way_round),
		TEST(test_coupling),
		TEST(test_coupling_of_status),
		TEST(test_order),
		cmocka_unit_test(test_library_agrees),
		TEST(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
