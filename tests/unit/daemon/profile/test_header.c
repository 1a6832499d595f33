/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/profile/header: the parts of a section header, as written. */
#include "tests/unit/daemon/profile/fake.h"

#include "daemon/profile/parts.h"

static const struct place here = { .file = "f", .line = 7 };

static void test_plain_headers(void **state)
{
	static const struct {
		const char *text;
		enum header_kind kind;
		const char *phase;
	} rows[] = {
		{ "profile",       HEADER_PROFILE,   NULL    },
		{ "cpus",          HEADER_CPUS,      NULL    },
		{ "variables",     HEADER_VARIABLES, NULL    },
		{ "phase malloc",  HEADER_PHASE,     "malloc" },
		{ "phase   phase", HEADER_PHASE,     "phase" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(header_done) struct header h;
		struct hft_err err = { 0 };
		assert_int_equal(header_parse(rows[i].text, &here, &h, &err), 0);
		assert_int_equal(h.kind, rows[i].kind);
		assert_true(str_eq(h.phase, rows[i].phase));
	}
}

static void test_settings_headers(void **state)
{
	static const struct {
		const char *text, *phase, *knob, *selector, *conditions[3];
	} rows[] = {
		{ "network/sysctl",             "network",  "sysctl",  "",             { NULL }                      },
		{ "malloc/malloc ${redis}",     "malloc",   "malloc",  "${redis}",     { NULL }                      },
		{ "a/irq  pci-0000:00:03.0   msi-1", "a",   "irq",     "pci-0000:00:03.0 msi-1", { NULL }            },
		{ "a/b if=virt",                "a",        "b",       "",             { "virt" }                    },
		{ "a/b e[0-9]* if=!virt,cpu:x if=kernel>=6.8", "a", "b", "e[0-9]*", { "!virt,cpu:x", "kernel>=6.8" } },
		{ "${p}/${k} s/t",              "${p}",     "${k}",    "s/t",          { NULL }                      },
		{ "a/b/c",                      "a",        "b/c",     "",             { NULL }                      },
		{ "a/b iffy xif",               "a",        "b",       "iffy xif",     { NULL }                      },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(header_done) struct header h;
		struct hft_err err = { 0 };
		assert_int_equal(header_parse(rows[i].text, &here, &h, &err), 0);
		assert_int_equal(h.kind, HEADER_SETTINGS);
		assert_string_equal(h.phase, rows[i].phase);
		assert_string_equal(h.knob, rows[i].knob);
		assert_string_equal(h.selector, rows[i].selector);
		size_t n = 0;
		for (; rows[i].conditions[n] != NULL; n++) {
			assert_true(n < h.conditions.n);
			assert_string_equal(h.conditions.s[n], rows[i].conditions[n]);
		}
		assert_int_equal(h.conditions.n, n);
	}
}

static void test_refused_headers(void **state)
{
	static const struct {
		const char *text, *subject;
	} rows[] = {
		{ "network",           "network"  }, /* unknown kind */
		{ "Profile",           "Profile"  },
		{ "sysctl foo",        "sysctl"   },
		{ "profile x",         "profile"  },
		{ "cpus if=virt",      "cpus"     },
		{ "phase",             "phase"    },
		{ "phase a b",         "phase"    },
		{ "a/b if=virt x",     "x"        },
		{ "a/b if = virt",     "if = virt" },
		{ "a/b x if = virt",   "x if = virt" },
		{ "a/b x if",          "x if"     },
		{ "a/b if",            "if"       },
		{ " ",                 ""         },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(header_done) struct header h;
		struct hft_err err = { 0 };
		assert_int_equal(header_parse(rows[i].text, &here, &h, &err), -EINVAL);
		assert_string_equal(err.code, ERR_INVALID_PROFILE);
		assert_string_equal(err.where, "f:7");
		assert_string_equal(err.subject, rows[i].subject);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_headers),
		cmocka_unit_test(test_settings_headers),
		cmocka_unit_test(test_refused_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
