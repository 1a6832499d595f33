/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/profile/cpuexpr: what expressions come to on the host of fake.h, and which are none. */
#include "tests/unit/daemon/profile/fake.h"

static int lookup(void *data, const char *name, struct cpuset *ret, struct hft_err *err)
{
	(void)data;
	if (str_eq(name, "trading") || str_eq(name, "T_2") ||
	    str_eq(name, "n234567890123456789012345678901234567890123456789012345678901234")) {
		fake_set(ret, "2-3");
		return 0;
	}
	return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, name, "unknown");
}

static int eval(const char *text, struct cpuset *ret, struct hft_err *err)
{
	struct profile_env env = fake_env(NULL);
	struct profile_names names = { .set = lookup };

	return cpuexpr_eval(text, &env, &names, ret, err);
}

static void test_values(void **state)
{
	static const struct {
		const char *text, *list;
	} rows[] = {
		{ "2-5,7",                             "2-5,7"   },
		{ "2-5",                               "2-5"     },
		{ "5,2,3,4",                           "2-5"     },
		{ "0",                                 "0"       },
		{ "  online ",                         "0-6"     },
		{ "present",                           "0-7"     },
		{ "trading",                           "2-3"     },
		{ "T_2",                               "2-3"     },
		{ "n234567890123456789012345678901234567890123456789012345678901234", "2-3" },
		{ "node(1)",                           "4-7"     },
		{ "node ( 0 )",                        "0-3"     },
		{ "package(0)",                        "0-7"     },
		{ "near(eth0)",                        "4-5"     },
		{ "siblings(2)",                       "2-3"     },
		{ "siblings(trading + 5)",             "2-5"     },
		{ "online - siblings(trading)",        "0-1,4-6" },
		{ "online-siblings(trading)",          "0-1,4-6" },
		{ "online-2",                          "0-1,3-6" },
		{ "0-7 - 2",                           "0-1,3-7" },
		{ "0 + 1 + 2",                         "0-2"     },
		{ "0-3 & 2-5 + 7",                     "2-3,7"   }, /* from the left */
		{ "7 + 0-3 & 2-5",                     "2-3"     }, /* from the left, not & first */
		{ "7 + (0-3 & 2-5)",                   "2-3,7"   },
		{ "0-7 - 1 - 2",                       "0,3-7"   },
		{ "0-7 - (1 + 2)",                     "0,3-7"   },
		{ "0-3 - 0-3",                         ""        }, /* empty is for the caller to judge */
		{ "((((((((((((((((2))))))))))))))))", "2"       }, /* 16 deep */
		{ "(2)+(2)+(2)+(2)+(2)+(2)+(2)+(2)+(2)+(2)+(2)+(2)+(2)+(2)+(2)+(2)+(2)+(2)", "2" }, /* not deep */
		{ "online + present & node(0) - near(eth0) + 6", "0-3,6" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf list = { 0 };
		struct cpuset set;
		struct hft_err err = { 0 };
		if (eval(rows[i].text, &set, &err) != 0)
			fail_msg("%s: %s", rows[i].text, err.msg);
		cpuset_format(&set, &list);
		assert_string_equal(strbuf_str(&list), rows[i].list);
	}
}

static void assert_fails(const char *text, int wanted, const char *code)
{
	struct cpuset set, untouched;
	struct hft_err err = { 0 };

	memset(&set, 0x5a, sizeof(set));
	untouched = set;
	int r = eval(text, &set, &err);
	if (r != wanted)
		fail_msg("%s: %d, not %d: %s", text, r, wanted, err.msg);
	assert_string_equal(err.code, code);
	assert_true(cpuset_equal(&set, &untouched));
}

static void test_errors(void **state)
{
	static const char *const invalid[] = {
		"", " ", "?", "2-1", "2-", "-2", "0,,1", "0-3:1/2", "0-7-2", "1, 2", "1 2", "all", "0x3", "01",
		"1 +", "+ 1", "1 + + 2", "1 | 2", "(1", "1)", "()", "siblings()", "siblings(1", "siblings", "node()",
		"node(x)", "node(-1)", "node(0", "node(0 1)", "node(99999999999)", "near(eth0(1))", "far(1)",
		"near(eth00000000000000000000000000000)", "unknown", "online(0)", "${x}", "\xc3\xa4",
		"n2345678901234567890123456789012345678901234567890123456789012345",
		"(((((((((((((((((2)))))))))))))))))",
	};
	static const char *const absent[] = {
		"8", "0-8", "0-99999999999", "0-7 - 8", "8191", "8192",
	};
	static const char *const unmatched[] = {
		"node(7)", "near(eth9)",
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(invalid); i++)
		assert_fails(invalid[i], -EINVAL, ERR_INVALID_ARGUMENT);
	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		assert_fails(absent[i], -ERANGE, ERR_OUT_OF_BOUNDS);
	for (size_t i = 0; i < ARRAY_LEN(unmatched); i++)
		assert_fails(unmatched[i], -ENOENT, ERR_NO_MATCH);
}

/* Depth is bounded whatever the length, and so is time. */
static void test_hostile_lengths(void **state)
{
	static const char *const units[] = { "(", "siblings(", "1+", "1-", ")", "0,", "a" };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		CLEANUP(strbuf_done) struct strbuf text = { 0 };
		struct cpuset set;
		while (text.len < PROFILE_LINE_MAX)
			strbuf_add(&text, units[i]);
		assert_true(eval(strbuf_str(&text), &set, NULL) < 0);
	}
}

static void test_without_names(void **state)
{
	struct profile_env env = fake_env(NULL);
	struct cpuset set;
	(void)state;

	assert_int_equal(cpuexpr_eval("0-1 + online", &env, NULL, &set, NULL), 0);
	assert_int_equal(cpuexpr_eval("trading", &env, NULL, &set, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_hostile_lengths),
		cmocka_unit_test(test_without_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
