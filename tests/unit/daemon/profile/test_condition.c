/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/profile/condition: which conditions hold on the host of fake.h, and which are none. */
#include "tests/unit/daemon/profile/fake.h"

#define BASE "[cpus]\nt = 2-3\n[variables]\nmode = fast\nnic = eth0\nnone =\n[phase a]\n"

static void test_values(void **state)
{
	static const struct {
		const char *conditions;
		bool holds;
	} rows[] = {
		{ "if=virt",                                  true  },
		{ "if=!virt",                                 false },
		{ "if=driver:virtio_net",                     true  },
		{ "if=driver:mlx5_core",                      false },
		{ "if=!driver:mlx5_core",                     true  },
		{ "if=kernel>=6.8",                           true  },
		{ "if=kernel>=7.0",                           false },
		{ "if=cpu:GenuineIntel",                      true  },
		{ "if=cpu:AuthenticAMD",                      false },
		{ "if=cpu:AuthenticAMD,cpu:GenuineIntel",     true  },
		{ "if=cpu:GenuineIntel,cpu:AuthenticAMD",     true  },
		{ "if=cpu:AuthenticAMD,!virt",                false },
		{ "if=!virt if=virt",                         false },
		{ "if=virt if=!virt",                         false },
		{ "if=virt if=kernel>=6.8",                   true  },
		{ "if=!virt,virt if=driver:mlx5_core",        false },
		{ "if=var:mode=fast",                         true  },
		{ "if=var:mode=slow",                         false },
		{ "if=!var:mode=slow",                        true  },
		{ "if=var:mode=${mode}",                      true  },
		{ "if=var:t=2-3",                             true  },
		{ "if=var:none=",                             true  },
		{ "if=driver:${mode}",                        false },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf text = { 0 };
		strbuf_addf(&text, BASE "[a/b x %s]\no = 1\n", rows[i].conditions);
		CLEANUP(profile_freep) struct profile *p = fake_accepted(strbuf_str(&text));
		if (fake_setting(p, "o")->active != rows[i].holds)
			fail_msg("%s", rows[i].conditions);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *conditions, *subject;
	} rows[] = {
		{ "if=",                  ""                },
		{ "if=!",                 "!"               },
		{ "if=!!virt",            "!!virt"          },
		{ "if=virtual",           "virtual"         },
		{ "if=virt:x",            "virt:x"          },
		{ "if=virt,",             ""                },
		{ "if=virt,,virt",        ""                },
		{ "if=Virt",              "Virt"            },
		{ "if=driver",            "driver"          },
		{ "if=driver:",           "driver:"         },
		{ "if=driver=x",          "driver=x"        },
		{ "if=kernel>6.8",        "kernel>6.8"      },
		{ "if=kernel>=6",         "kernel>=6"       },
		{ "if=kernel>=6.8.1",     "kernel>=6.8.1"   },
		{ "if=kernel>=6.x",       "kernel>=6.x"     },
		{ "if=kernel>=.8",        "kernel>=.8"      },
		{ "if=kernel>=6.999999",  "kernel>=6.999999" },
		{ "if=cpu:",              "cpu:"            },
		{ "if=var:mode",          "var:mode"        },
		{ "if=var:=x",            "var:=x"          },
		{ "if=var:mod=x",         "mod=x"           },
		{ "if=driver:${mod}",     "mod"             },
		{ "if=hostname:x",        "hostname:x"      },
		{ "if=virt,hostname:x",   "hostname:x"      }, /* judged though the other holds */
		{ "if=!virt if=huh",      "huh"             }, /* and though the other does not */
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf text = { 0 };
		strbuf_addf(&text, BASE "[a/b x %s]\no = 1\n", rows[i].conditions);
		fake_refused(strbuf_str(&text), "p.conf:8", rows[i].subject);
	}
}

static int failing_condition(void *data, const char *name, const char *arg, bool *ret, struct hft_err *err)
{
	(void)data;
	(void)arg;
	(void)ret;
	return err_raise(err, ERR_IO, EIO, name, "broken");
}

static void test_the_host_fails(void **state)
{
	const struct fake_file files[] = { { "p", "[phase a]\n[a/b if=virt]\nx = 1\n" }, { NULL, NULL } };
	struct fake f = { .files = files };
	struct profile_loader loader = { .load = fake_load, .host_conf = fake_host_conf, .data = &f };
	struct profile_env env = fake_env(&f);
	struct profile *p = NULL;
	struct hft_err err;
	(void)state;

	env.condition = failing_condition;
	assert_int_equal(profile_load("p", &loader, &env, NULL, 0, &p, &err), -EIO);
	assert_string_equal(err.code, ERR_IO);
	assert_string_equal(err.where, "p.conf:2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_the_host_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
