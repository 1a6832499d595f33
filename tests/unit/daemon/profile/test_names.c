/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/profile/names: [cpus], [variables], host.conf, --set, and what ${name} becomes. */
#include "tests/unit/daemon/profile/fake.h"

static const struct fake_file trading_files[] = {
	{ "base", "[cpus]\ntrading = ?\nhousekeeping = online - siblings(trading)\n"
	          "[variables]\nredis = a.service\nn = 1\n" },
	{ "p", "[profile]\ninclude = base\n[variables]\nredis = b.service\n"
	       "[phase a]\n[a/b ${redis}]\nx = ${trading} ${n}\n" },
	{ NULL, NULL },
};

static int load(const char *host_conf, const struct profile_assign *assigns, size_t n, struct profile **ret,
                struct hft_err *err)
{
	struct fake f = { .files = trading_files, .host_conf = host_conf };

	return fake_profile_load(&f, "p", assigns, n, ret, err);
}

static void test_sets_come_out_canonical(void **state)
{
	CLEANUP(profile_freep) struct profile *p = fake_accepted("[cpus]\n"
	                                                         "b = a + 5,3\n"
	                                                         "a = 1,0\n"
	                                                         "c = near(${nic}) - 5\n"
	                                                         "housekeeping = online - siblings(a)\n"
	                                                         "[variables]\n"
	                                                         "nic = eth0\n"
	                                                         "list = domain,${b}\n"
	                                                         "rx-queue_2 = ${list}/${nic}\n");
	(void)state;

	assert_string_equal(fake_value(p, "a")->value, "0-1");
	assert_string_equal(fake_value(p, "b")->value, "0-1,3,5");
	assert_string_equal(fake_value(p, "c")->value, "4");
	assert_string_equal(fake_value(p, "housekeeping")->value, "2-6");
	assert_string_equal(fake_value(p, "list")->value, "domain,0-1,3,5");
	assert_string_equal(fake_value(p, "rx-queue_2")->value, "domain,0-1,3,5/eth0");
	assert_true(fake_value(p, "a")->is_cpus);
	assert_false(fake_value(p, "list")->is_cpus);
	assert_string_equal(fake_value(p, "a")->file, "p.conf");
	assert_int_equal(fake_value(p, "a")->line, 3);
	assert_int_equal(p->n_values, 7);
}

static void test_overrides(void **state)
{
	static const struct profile_assign sets[] = { { "cpus.trading", "4" }, { "variables.n", "3" } };
	static const char *const host_conf = "[cpus]\ntrading = 2\nspare = 6\n[variables]\nn = 2\nredis = c.service\n";
	CLEANUP(profile_freep) struct profile *p = NULL, *q = NULL;
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(load(host_conf, NULL, 0, &p, &err), 0);
	assert_string_equal(fake_value(p, "trading")->value, "2");
	assert_string_equal(fake_value(p, "trading")->file, "host.conf");
	assert_int_equal(fake_value(p, "trading")->line, 2);
	assert_string_equal(fake_value(p, "housekeeping")->value, "0-1,4-6");
	assert_string_equal(fake_value(p, "housekeeping")->file, "base.conf");
	assert_string_equal(fake_value(p, "spare")->value, "6"); /* the profile lacks it: fine */
	assert_string_equal(p->settings[0].selector, "c.service");
	assert_string_equal(p->settings[0].value, "2 2");

	assert_int_equal(load(host_conf, sets, 2, &q, &err), 0);
	assert_string_equal(fake_value(q, "trading")->value, "4");
	assert_string_equal(fake_value(q, "trading")->file, "--set");
	assert_string_equal(fake_value(q, "housekeeping")->value, "0-3,6");
	assert_string_equal(q->settings[0].value, "4 3");
}

static void test_the_including_profile_wins(void **state)
{
	static const struct profile_assign set = { "cpus.trading", "online & node(1)" };
	CLEANUP(profile_freep) struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(load(NULL, &set, 1, &p, &err), 0);
	assert_string_equal(fake_value(p, "trading")->value, "4-6");
	assert_string_equal(fake_value(p, "redis")->value, "b.service");
	assert_string_equal(fake_value(p, "redis")->file, "p.conf");
	assert_string_equal(fake_value(p, "n")->value, "1");
}

static void test_the_host_must_say(void **state)
{
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(load(NULL, NULL, 0, &p, &err), -EINVAL);
	assert_null(p);
	assert_string_equal(err.code, ERR_INVALID_PROFILE);
	assert_string_equal(err.where, "base.conf:2");
	assert_string_equal(err.subject, "trading");
	assert_non_null(strstr(err.hint, "--set cpus.trading="));
	assert_non_null(strstr(err.hint, "host.conf"));
	assert_int_equal(load("[cpus]\n\ntrading = ?\n", NULL, 0, &p, &err), -EINVAL);
	assert_string_equal(err.where, "host.conf:3");
	fake_refused("[variables]\nnic = ?\n", "p.conf:2", "nic");
}

static void test_choices(void **state)
{
	static const struct fake_file files[] = {
		{ "base", "[variables]\nhow = fast\nchoices how = fast|slow\n" },
		{ "p", "[profile]\ninclude = base\n[variables]\nhow = slow\n" },
		{ NULL, NULL },
	};
	static const struct profile_assign good = { "variables.how", "fast" }, bad = { "variables.how", "fats" };
	struct fake f = { .files = files };
	CLEANUP(profile_freep) struct profile *p = NULL, *q = NULL;
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(fake_profile_load(&f, "p", &good, 1, &p, &err), 0);
	assert_string_equal(fake_value(p, "how")->value, "fast");
	assert_int_equal(p->n_values, 1);
	assert_int_equal(fake_profile_load(&f, "p", &bad, 1, &q, &err), -EINVAL);
	assert_string_equal(err.wanted, "fast|slow");
	assert_string_equal(err.found, "fats");
	fake_refused("[variables]\nchoices v = b|c\nv = a\n", "p.conf:3", "v");
	fake_refused("[variables]\nchoices v = b|c\n", "p.conf:2", "v");
	fake_refused("[cpus]\nv = 1\n[variables]\nchoices v = b|c\n", "p.conf:4", "v");
	fake_refused("[variables]\nv = b\nchoices v = b|c\n[phase a]\n[a/k if=!var:v=d]\nx = 1\n", "p.conf:5", "v");
}

static void test_refused_assignments(void **state)
{
	static const struct {
		const char *name, *value, *subject;
	} rows[] = {
		{ "cpus.nosuch",       "4",            "cpus.nosuch"      },
		{ "variables.trading", "4",            "variables.trading" },
		{ "cpus.redis",        "4",            "cpus.redis"       },
		{ "trading",           "4",            "trading"          },
		{ "cpu.trading",       "4",            "cpu.trading"      },
		{ "cpuss.trading",     "4",            "cpuss.trading"    },
		{ ".trading",          "4",            ".trading"         },
		{ "cpus.",             "4",            "cpus."            },
		{ "",                  "4",            ""                 },
		{ "cpus.\x1b[2J",      "4",            ""                 },
		{ "cpus.trading",      "4\n5",         "cpus.trading"     },
		{ "cpus.trading",      "\xff",         "cpus.trading"     },
		{ "cpus.trading",      "?",            "trading"          },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct profile_assign set = { rows[i].name, rows[i].value };
		struct profile *p = NULL;
		struct hft_err err = { 0 };
		assert_int_equal(load("[cpus]\ntrading = 2\n", &set, 1, &p, &err), -EINVAL);
		assert_string_equal(err.code, ERR_INVALID_ARGUMENT);
		assert_string_equal(err.subject, rows[i].subject);
		assert_false(str_has_control(err.msg, strlen(err.msg)));
	}
}

static void test_refused_assigned_values(void **state)
{
	static const char *const values[] = {
		"", "2-1", "8", "0-99999999999", "4 - 4", "${nosuch}", "bogus", "0-6", "housekeeping",
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct profile_assign set = { "cpus.trading", values[i] };
		struct profile *p = NULL;
		struct hft_err err = { 0 };
		assert_int_equal(load(NULL, &set, 1, &p, &err), -EINVAL);
		bool spoils = str_eq(values[i], "0-6"); /* nothing is left for another set */
		assert_string_equal(err.code, spoils ? ERR_INVALID_PROFILE : ERR_INVALID_ARGUMENT);
		assert_string_equal(err.where, spoils ? "base.conf:3" : "--set");
	}
}

static void test_assignment_twice_and_too_long(void **state)
{
	static const struct profile_assign twice[] = { { "variables.n", "4" }, { "variables.n", "5" } };
	static char value[PROFILE_LINE_MAX + 2];
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(load("[cpus]\ntrading = 2\n", twice, 2, &p, &err), -EINVAL);
	assert_string_equal(err.code, ERR_INVALID_ARGUMENT);
	assert_string_equal(err.subject, "variables.n");

	memset(value, 'v', PROFILE_LINE_MAX + 1);
	struct profile_assign set = { "variables.n", value };
	assert_int_equal(load("[cpus]\ntrading = 2\n", &set, 1, &p, &err), -EINVAL);
	assert_string_equal(err.subject, "variables.n");
}

static void test_candidates_are_named(void **state)
{
	static const struct profile_assign set = { "cpus.tradin", "4" };
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(load(NULL, &set, 1, &p, &err), -EINVAL);
	assert_non_null(strstr(err.hint, "cpus.trading"));
	assert_non_null(strstr(err.hint, "variables.redis"));
}

static void test_a_name_of_host_conf_can_be_set(void **state)
{
	static const struct profile_assign set = { "variables.extra", "9" };
	CLEANUP(profile_freep) struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(load("[cpus]\ntrading = 2\n[variables]\nextra = 1\n", &set, 1, &p, &err), 0);
	assert_string_equal(fake_value(p, "extra")->value, "9");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *where, *subject;
	} rows[] = {
		{ "[cpus]\na = 0\n[variables]\na = 0\n",             "p.conf:4", "a"            }, /* clash */
		{ "[cpus]\na = 0\n[cpus]\na = 1\n",                  "p.conf:4", "a"            },
		{ "[variables]\na = 0\n\n[variables]\na = 1\n",      "p.conf:5", "a"            },
		{ "[cpus]\na-b = 0\n",                               "p.conf:2", "a-b"          },
		{ "[cpus]\n2 = 0\n",                                 "p.conf:2", "2"            },
		{ "[cpus]\na b = 0\n",                               "p.conf:2", "a b"          },
		{ "[cpus]\nonline = 0\n",                            "p.conf:2", "online"       },
		{ "[cpus]\nnear = 0\n",                              "p.conf:2", "near"         },
		{ "[variables]\na.b = 0\n",                          "p.conf:2", "a.b"          },
		{ "[variables]\n-a = 0\n",                           "p.conf:2", "-a"           },
		{ "[variables]\n${a} = 0\n",                         "p.conf:2", "${a}"         },
		{ "[cpus]\na = 2-1\n",                               "p.conf:2", "2-1"          },
		{ "[cpus]\na = 0-99999999999\n",                     "p.conf:2", "0-99999999999" },
		{ "[cpus]\n\na = 8\n",                               "p.conf:3", "8"            }, /* not present */
		{ "[cpus]\na = 0 - 0\n",                             "p.conf:2", "a"            }, /* empty */
		{ "[cpus]\na =\n",                                   "p.conf:2", ""             },
		{ "[cpus]\nhousekeeping = 0,2,4\n",                  "p.conf:2", "housekeeping" }, /* no whole core */
		{ "[cpus]\na = nosuch\n",                            "p.conf:2", "nosuch"       },
		{ "[cpus]\na = v\n[variables]\nv = 0\n",             "p.conf:2", "v"            },
		{ "[cpus]\na = a\n",                                 "p.conf:2", "a"            },
		{ "[cpus]\na = b\nb = siblings(a)\n",                "p.conf:3", "a"            },
		{ "[variables]\na = ${b}\nb = ${c}\nc = ${a}\n",     "p.conf:4", "a"            },
		{ "[cpus]\na = ${b}\n[variables]\nb = ${a}\n",       "p.conf:4", "a"            },
		{ "[variables]\na = ${nosuch}\n",                    "p.conf:2", "nosuch"       },
		{ "[variables]\na = ${}\n",                          "p.conf:2", ""             },
		{ "[variables]\na = x${b\nb = 1\n",                  "p.conf:2", "${b"          },
		{ "[variables]\na = ${ b }\nb = 1\n",                "p.conf:2", " b "          },
		{ "[phase a]\n[a/b]\nx = ${y}\n",                    "p.conf:3", "y"            },
		{ "[phase a]\n[a/b ${y}]\nx = 1\n",                  "p.conf:2", "y"            },
		{ "[phase a]\n[a/b]\nx = 1\nwhy x = ${y}\n",         "p.conf:4", "y"            },
		{ "[phase a]\nsummary = ${y}\n",                     "p.conf:2", "y"            },
		{ "[profile]\nsummary = ${y}\n",                     "p.conf:2", "y"            },
		{ "[phase ${y}]\n",                                  "p.conf:1", "y"            },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		fake_refused(rows[i].text, rows[i].where, rows[i].subject);
}

static void test_the_error_is_where_the_mistake_is(void **state)
{
	(void)state;

	fake_refused("[cpus]\na = siblings(b)\nb = c + 0\nc = 8\n", "p.conf:4", "8");
	fake_refused("[phase a]\n[a/b]\nx = ${v}\n[variables]\nv = ${w}\nw = ${nosuch}\n", "p.conf:6", "nosuch");
}

static void test_clashes_between_files(void **state)
{
	static const struct fake_file files[] = {
		{ "base", "[cpus]\na = 0\n" },
		{ "p", "[profile]\ninclude = base\n[variables]\na = 0\n" },
		{ "q", "[profile]\ninclude = base\n" },
		{ NULL, NULL },
	};
	struct fake f = { .files = files };
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(fake_profile_load(&f, "p", NULL, 0, &p, &err), -EINVAL);
	assert_string_equal(err.where, "p.conf:4");
	f.host_conf = "[variables]\n\na = 0\n";
	assert_int_equal(fake_profile_load(&f, "q", NULL, 0, &p, &err), -EINVAL);
	assert_string_equal(err.code, ERR_INVALID_PROFILE);
	assert_string_equal(err.where, "host.conf:3");
	assert_string_equal(err.subject, "a");
}

static void test_what_the_host_lacks(void **state)
{
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(fake_load_text("[cpus]\na = 0\nb = near(eth9)\n", &p, &err), -ENOENT);
	assert_string_equal(err.code, ERR_NO_MATCH);
	assert_string_equal(err.where, "p.conf:3");
	assert_string_equal(err.subject, "eth9");
}

/* What comes out of a name is not looked at again, and cannot end a header or become a condition. */
static void test_expanded_once(void **state)
{
	CLEANUP(profile_freep) struct profile *p = fake_accepted("[variables]\n"
	                                                         "brace = {name}\n"
	                                                         "name = x\n"
	                                                         "sel = s] if=nosuch\n"
	                                                         "[phase a]\n"
	                                                         "[a/b ${sel}]\n"
	                                                         "x = $${brace} ${name}${name}$ $x {name}\n");
	(void)state;

	assert_string_equal(p->settings[0].value, "${name} xx$ $x {name}");
	assert_string_equal(p->settings[0].selector, "s] if=nosuch");
	assert_true(p->settings[0].active);
}

static void test_headers_are_expanded(void **state)
{
	CLEANUP(profile_freep) struct profile *p = fake_accepted("[variables]\nph = net\nkn = sysctl\ns = eth0\n"
	                                                         "[phase ${ph}]\n[${ph}/${kn} ${s}-rx-*]\nx = 1\n");
	(void)state;

	assert_string_equal(p->phases[0].name, "net");
	assert_string_equal(p->settings[0].knob, "sysctl");
	assert_string_equal(p->settings[0].selector, "eth0-rx-*");
	fake_refused("[variables]\ns =\n[phase a]\n[a/b ${s}]\n", "p.conf:4", "${s}");
	fake_refused("[variables]\ns = a/b\n[phase ${s}]\n", "p.conf:3", "a/b");
	fake_refused("[variables]\ns = a/b\n[phase a]\n[a/${s}]\n", "p.conf:4", "a/b");
}

/* v00 = x and each next one holds the one before, in an order in which they are resolved upwards or downwards. */
static void add_chain(struct strbuf *text, unsigned length, bool downwards)
{
	strbuf_add(text, "[variables]\n");
	for (unsigned i = 0; i <= length; i++) {
		unsigned name = downwards ? length - i : i; /* names are resolved in their order */
		if (i == 0)
			strbuf_addf(text, "v%02u = x\n", name);
		else
			strbuf_addf(text, "v%02u = ${v%02u}\n", name, downwards ? name + 1 : name - 1);
	}
}

static void test_chains_are_bounded(void **state)
{
	(void)state;

	for (int downwards = 0; downwards < 2; downwards++) {
		CLEANUP(strbuf_done) struct strbuf good = { 0 }, bad = { 0 };
		struct profile *p = NULL;
		struct hft_err err = { 0 };
		add_chain(&good, 16, downwards);
		profile_free(fake_accepted(strbuf_str(&good)));
		add_chain(&bad, 17, downwards);
		assert_int_equal(fake_load_text(strbuf_str(&bad), &p, &err), -EINVAL);
		assert_string_equal(err.code, ERR_INVALID_PROFILE);
		assert_memory_equal(err.where, "p.conf:", 7);
	}
}

/* Without a bound on the way down, four thousand expressions would not fit on the stack. */
static void test_long_chains_do_not_recurse(void **state)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	strbuf_add(&text, "[cpus]\n");
	for (int i = 0; i < 4000; i++)
		strbuf_addf(&text, "s%04d = siblings(s%04d)\n", i, i + 1);
	strbuf_add(&text, "s4000 = 0\n");
	assert_int_equal(fake_load_text(strbuf_str(&text), &p, &err), -EINVAL);
	assert_string_equal(err.code, ERR_INVALID_PROFILE);
	assert_string_equal(err.where, "p.conf:18"); /* and not at the end of the way */
}

/* a doubles b, b doubles c, ... 2^15 times 64 bytes must not come out. */
static void test_doubling_is_bounded(void **state)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	strbuf_addf(&text, "[variables]\nv0 = %064d\n", 0);
	for (int i = 1; i < 16; i++)
		strbuf_addf(&text, "v%d = ${v%d}${v%d}\n", i, i - 1, i - 1);
	assert_int_equal(fake_load_text(strbuf_str(&text), &p, &err), -EINVAL);
	assert_string_equal(err.code, ERR_INVALID_PROFILE);
	assert_memory_equal(err.where, "p.conf:", 7);
}

static void test_total_expansion_is_bounded(void **state)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	strbuf_addf(&text, "[variables]\nv = %04000d\n[phase a]\n[a/b]\n", 0);
	for (int i = 0; i < 10000; i++)
		strbuf_addf(&text, "x%d = ${v}\n", i);
	assert_int_equal(fake_load_text(strbuf_str(&text), &p, &err), -EINVAL);
	assert_string_equal(err.code, ERR_INVALID_PROFILE);
}

static void test_number_of_names_is_bounded(void **state)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	strbuf_add(&text, "[variables]\n");
	for (int i = 0; i < 4096; i++)
		strbuf_addf(&text, "v%d = %d\n", i, i);
	p = fake_accepted(strbuf_str(&text));
	assert_string_equal(fake_value(p, "v4095")->value, "4095");
	profile_freep(&p);
	strbuf_add(&text, "w = 1\n");
	assert_int_equal(fake_load_text(strbuf_str(&text), &p, &err), -EINVAL);
	assert_string_equal(err.where, "p.conf:4098");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets_come_out_canonical),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_the_including_profile_wins),
		cmocka_unit_test(test_the_host_must_say),
		cmocka_unit_test(test_refused_assignments),
		cmocka_unit_test(test_refused_assigned_values),
		cmocka_unit_test(test_assignment_twice_and_too_long),
		cmocka_unit_test(test_candidates_are_named),
		cmocka_unit_test(test_a_name_of_host_conf_can_be_set),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_the_error_is_where_the_mistake_is),
		cmocka_unit_test(test_clashes_between_files),
		cmocka_unit_test(test_what_the_host_lacks),
		cmocka_unit_test(test_expanded_once),
		cmocka_unit_test(test_headers_are_expanded),
		cmocka_unit_test(test_chains_are_bounded),
		cmocka_unit_test(test_long_chains_do_not_recurse),
		cmocka_unit_test(test_doubling_is_bounded),
		cmocka_unit_test(test_total_expansion_is_bounded),
		cmocka_unit_test(test_number_of_names_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
