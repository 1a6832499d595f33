/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/profile/merge: phases and settings of one file and of several, and what replaces what. */
#include "tests/unit/daemon/profile/fake.h"

#include <time.h>

static struct profile *load(const struct fake_file *files)
{
	struct fake f = { .files = files };
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	int r = fake_profile_load(&f, "p", NULL, 0, &p, &err);

	if (r != 0)
		print_error("refused: %s %s\n", err.where, err.msg);
	assert_int_equal(r, 0);
	return p;
}

static void test_phase_keys(void **state)
{
	CLEANUP(profile_freep) struct profile *p = fake_accepted("[variables]\nr = high\n"
	                                                         "[phase a]\n"
	                                                         "order = -3\n"
	                                                         "risk = ${r}\n"
	                                                         "summary = two words\n"
	                                                         "accept = inexact\n"
	                                                         "required = yes\n"
	                                                         "conflicts = stop\n"
	                                                         "note = first\n"
	                                                         "note 2 = second ${r}\n"
	                                                         "note 10 = third\n"
	                                                         "[phase b]\n"
	                                                         "[phase c]\naccept = security, inexact\ndrift = report\n"
	                                                         "[phase d]\naccept = security\n"
	                                                         "conflicts = ignore\ndrift = repair\n");
	(void)state;

	assert_int_equal(p->n_phases, 4);
	const struct profile_phase *a = &p->phases[0], *b = &p->phases[1];
	assert_string_equal(a->name, "a");
	assert_int_equal(a->order, -3);
	assert_string_equal(a->risk, "high");
	assert_string_equal(a->summary, "two words");
	assert_true(a->accept_inexact);
	assert_false(a->accept_security);
	assert_true(a->required);
	assert_int_equal(a->conflicts, PROFILE_CONFLICTS_STOP);
	assert_int_equal(b->conflicts, PROFILE_CONFLICTS_FAIL);
	assert_int_equal(p->phases[3].conflicts, PROFILE_CONFLICTS_IGNORE);
	assert_int_equal(a->notes.n, 3);
	assert_string_equal(a->notes.s[0], "first");
	assert_string_equal(a->notes.s[1], "second high");
	assert_string_equal(a->notes.s[2], "third");
	assert_string_equal(b->name, "b");
	assert_int_equal(b->order, 0);
	assert_string_equal(b->risk, "low");
	assert_string_equal(b->summary, "");
	assert_false(b->accept_inexact);
	assert_false(b->required);
	assert_int_equal(b->notes.n, 0);
	assert_true(p->phases[2].accept_inexact && p->phases[2].accept_security);
	assert_false(p->phases[3].accept_inexact);
	assert_true(p->phases[3].accept_security);
	assert_true(p->phases[2].drift_report);
	assert_false(b->drift_report || p->phases[3].drift_report);
}

static void test_refused_phases(void **state)
{
	static const struct {
		const char *text, *where, *subject;
	} rows[] = {
		{ "[phase a]\nordr = 1\n",                      "p.conf:2", "ordr"      }, /* unknown key */
		{ "[phase a]\noptional = yes\n",                "p.conf:2", "optional"  },
		{ "[phase a]\nrestart = maybe\n",               "p.conf:2", "restart"   },
		{ "[phase a]\nconflicts = b\n",                 "p.conf:2", "conflicts" },
		{ "[phase a]\ndrift = yes\n",                   "p.conf:2", "drift"     },
		{ "[phase a]\norder = x\n",                     "p.conf:2", "order"     },
		{ "[phase a]\norder = 99999999999\n",           "p.conf:2", "order"     },
		{ "[phase a]\norder = 01\n",                    "p.conf:2", "order"     },
		{ "[phase a]\nrisk = huge\n",                   "p.conf:2", "risk"      },
		{ "[phase a]\naccept = all\n",                  "p.conf:2", "accept"    },
		{ "[phase a]\naccept = inexact, all\n",         "p.conf:2", "accept"    },
		{ "[phase a]\naccept = ,\n",                    "p.conf:2", "accept"    },
		{ "[phase a]\nrequired = maybe\n",              "p.conf:2", "required"  },
		{ "[phase a]\nnote x = y\n",                    "p.conf:2", "note x"    },
		{ "[phase a]\nnote2 = y\n",                     "p.conf:2", "note2"     },
		{ "[phase A]\n",                                "p.conf:1", "A"         },
		{ "[phase a/b]\n",                              "p.conf:1", "a/b"       },
		{ "[phase a]\n\n[phase a]\n",                   "p.conf:3", "a"         },
		{ "[phase a]\n[b/c]\nx = 1\n",                  "p.conf:2", "b"         }, /* undeclared */
		{ "[phase a]\n[b/c]\n[a/c]\n[b/d]\n",           "p.conf:2", "b"         },
		{ "[b/c]\n",                                    "p.conf:1", "b"         },
		{ "[/c]\n",                                     "p.conf:1", ""          },
		{ "[phase a]\n[a/]\n",                          "p.conf:2", ""          },
		{ "[phase a]\n[a/b/c]\n",                       "p.conf:2", "b/c"       },
		{ "[phase a]\n[a/../x]\n",                      "p.conf:2", "../x"      },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		fake_refused(rows[i].text, rows[i].where, rows[i].subject);
}

static void test_phases_are_sorted(void **state)
{
	CLEANUP(profile_freep) struct profile *p = fake_accepted("[e/k]\nx = 1\n" /* mentioned before it is declared */
	                                                         "[phase c]\norder = 2\n"
	                                                         "[phase a]\n"
	                                                         "[phase d]\norder = -1\n"
	                                                         "[phase b]\norder = 2\n"
	                                                         "[phase e]\n"
	                                                         "[b/k]\ny = 1\n[d/k]\nz = 1\n");
	(void)state;

	static const char *const names[] = { "d", "e", "a", "c", "b" };
	assert_int_equal(p->n_phases, ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(p->phases[i].name, names[i]);
	assert_int_equal(fake_setting(p, "x")->phase, 1);
	assert_int_equal(fake_setting(p, "y")->phase, 4);
	assert_int_equal(fake_setting(p, "z")->phase, 0);
	assert_string_equal(p->settings[0].option, "x"); /* settings stay as written */
	assert_string_equal(p->settings[2].option, "z");
}

static void test_settings(void **state)
{
	CLEANUP(profile_freep) struct profile *p = fake_accepted("[phase a]\n"
	                                                         "[a/service x.service if=virt]\n"
	                                                         "why Nice = it must not be\n"
	                                                         "Nice = -5\n"
	                                                         "optional = yes\n"
	                                                         "CPUAffinity = 2 3\n"
	                                                         "[a/sysctl]\n"
	                                                         "optional = no\n"
	                                                         "vm.swappiness = 10\n"
	                                                         "why  vm.swappiness = b\n");
	(void)state;

	assert_int_equal(p->n_settings, 3);
	const struct profile_setting *nice = fake_setting(p, "Nice"), *swap = fake_setting(p, "vm.swappiness");
	assert_string_equal(nice->knob, "service");
	assert_string_equal(nice->selector, "x.service");
	assert_string_equal(nice->value, "-5");
	assert_string_equal(nice->why, "it must not be");
	assert_string_equal(nice->file, "p.conf");
	assert_int_equal(nice->line, 4);
	assert_true(nice->optional);
	assert_true(nice->active);
	assert_null(fake_setting(p, "CPUAffinity")->why);
	assert_true(fake_setting(p, "CPUAffinity")->optional);
	assert_string_equal(swap->selector, "");
	assert_string_equal(swap->why, "b");
	assert_false(swap->optional);
}

static void test_refused_settings(void **state)
{
	static const struct {
		const char *text, *where, *subject;
	} rows[] = {
		{ "[phase a]\n[a/b]\nx = 1\nwhy y = z\n",               "p.conf:4", "y"        },
		{ "[phase a]\n[a/b]\nwhy y = z\n",                      "p.conf:3", "y"        },
		{ "[phase a]\n[a/b]\nx = 1\n[a/b]\nwhy x = z\n",        "p.conf:5", "x"        },
		{ "[phase a]\n[a/b]\nx = 1\nwhy x = z\nwhy  x = z\n",   "p.conf:5", "x"        },
		{ "[phase a]\n[a/b]\nx = 1\noptional = maybe\n",        "p.conf:4", "optional" },
		{ "[phase a]\n[a/b]\nx = 1\noptional =\n",              "p.conf:4", "optional" },
		{ "[phase a]\n[a/b]\n${x} = 1\n[variables]\nx = y\n",   "p.conf:3", "${x}"     },
		{ "[phase a]\n[a/b]\nx = 1\n[a/b]\nx = 2\n",            "p.conf:5", "x"        }, /* twice in a file */
		{ "[phase a]\n[a/b]\nx.y = 1\nx/y = 2\n",              "p.conf:4", "x.y"      }, /* in two spellings */
		{ "[phase a]\n[a/b]\nx/y.1/z = 1\nx.y/1.z = 2\n",      "p.conf:4", "x.y/1.z"  },
		{ "[phase a]\n[a/b]\nx/y = 1\nwhy x.y = a\nwhy x/y = b\n", "p.conf:5", "x.y"   },
		{ "[phase a]\n[a/b  s]\nx = 1\n[a/b s]\nx = 1\n",       "p.conf:5", "x"        },
		{ "[phase a]\n[a/b s]\nx = 1\n[a/b ${s}]\nx = 1\n[variables]\ns = s\n", "p.conf:5", "x" },
		{ "[phase a]\n[a/b if=virt]\nx = 1\n[a/b if=!virt]\nx = 2\n[a/b if=virt]\nx = 1\n", "p.conf:7", "x" },
		{ "[phase a]\n[a/b if=!virt]\nx = 1\n[a/b if=!virt]\nx = 2\n", "p.conf:5", "x" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		fake_refused(rows[i].text, rows[i].where, rows[i].subject);
}

static void test_phases_merge_across_includes(void **state)
{
	static const struct fake_file files[] = {
		{ "base", "[phase n]\norder = 5\nrisk = high\nsummary = base\nnote = one\nrequired = yes\n"
		          "[n/k]\nx = 1\n[phase z]\n" },
		{ "p", "[profile]\ninclude = base\n[phase y]\n[phase n]\norder = 7\nsummary = mine\nnote = two\n"
		       "[n/k]\ny = 2\n[z/k]\nq = 1\n" },
		{ NULL, NULL },
	};
	CLEANUP(profile_freep) struct profile *p = load(files);
	(void)state;

	assert_int_equal(p->n_phases, 3);
	assert_string_equal(p->phases[0].name, "z"); /* of the include, so before y */
	assert_string_equal(p->phases[1].name, "y");
	assert_string_equal(p->phases[2].name, "n");
	assert_int_equal(p->phases[2].order, 7);
	assert_string_equal(p->phases[2].risk, "high");
	assert_string_equal(p->phases[2].summary, "mine");
	assert_true(p->phases[2].required);
	assert_int_equal(p->phases[2].notes.n, 2);
	assert_string_equal(p->phases[2].notes.s[0], "one");
	assert_string_equal(p->phases[2].notes.s[1], "two");
	assert_int_equal(fake_setting(p, "x")->phase, 2);
	assert_int_equal(fake_setting(p, "y")->phase, 2);
	assert_int_equal(fake_setting(p, "q")->phase, 0);
}

static void test_later_files_replace(void **state)
{
	static const struct fake_file files[] = {
		{ "b1", "[phase a]\n[phase b]\n[a/k s]\nx = 1\ny = 1\nwhy x = old\n[a/k t]\nx = 1\n[b/k s]\nx = 1\n" },
		{ "b2", "[phase a]\n[a/k s]\nz = 2\ny = 2\n" },
		{ "p", "[profile]\ninclude = b1, b2\n[a/k s]\nx = 3\n[a/m s]\nx = 3\n" },
		{ NULL, NULL },
	};
	static const struct {
		const char *option, *knob, *selector, *value, *file;
		size_t phase;
	} rows[] = {
		{ "x", "k", "t", "1", "b1.conf", 0 }, { "x", "k", "s", "1", "b1.conf", 1 },
		{ "z", "k", "s", "2", "b2.conf", 0 }, { "y", "k", "s", "2", "b2.conf", 0 },
		{ "x", "k", "s", "3", "p.conf",  0 }, { "x", "m", "s", "3", "p.conf",  0 },
	};
	CLEANUP(profile_freep) struct profile *p = load(files);
	(void)state;

	assert_int_equal(p->n_settings, ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct profile_setting *s = &p->settings[i];
		assert_string_equal(s->option, rows[i].option);
		assert_string_equal(s->knob, rows[i].knob);
		assert_string_equal(s->selector, rows[i].selector);
		assert_string_equal(s->value, rows[i].value);
		assert_string_equal(s->file, rows[i].file);
		assert_int_equal(s->phase, rows[i].phase);
		assert_null(s->why);
	}
}

/* What a condition keeps out replaces nothing; what it lets in does. */
static void test_conditions_and_replacing(void **state)
{
	static const struct fake_file files[] = {
		{ "base", "[phase a]\n[a/k]\nx = 1\ny = 1\n[a/k if=!virt]\nz = 1\nv = 1\n" },
		{ "p", "[profile]\ninclude = base\n[a/k if=!virt]\nx = 2\nz = 2\n[a/k if=virt]\ny = 2\nv = 2\n" },
		{ NULL, NULL },
	};
	CLEANUP(profile_freep) struct profile *p = load(files);
	(void)state;

	assert_int_equal(p->n_settings, 4);
	assert_string_equal(fake_setting(p, "x")->value, "1");
	assert_string_equal(fake_setting(p, "y")->value, "2");
	assert_string_equal(fake_setting(p, "z")->value, "2");
	assert_false(fake_setting(p, "z")->active);
	assert_string_equal(fake_setting(p, "v")->value, "2");
	assert_true(fake_setting(p, "v")->active);
}

static void test_alternatives_in_one_file(void **state)
{
	CLEANUP(profile_freep) struct profile *p = fake_accepted("[phase a]\n"
	                                                         "[a/k if=!virt]\nx = 1\n"
	                                                         "[a/k if=virt]\nx = 2\n"
	                                                         "[a/k if=cpu:AuthenticAMD]\nx = 3\n");
	CLEANUP(profile_freep) struct profile *q = fake_accepted("[phase a]\n[a/k]\nx = 1\n[a/k if=virt]\nx = 2\n");
	(void)state;

	assert_int_equal(p->n_settings, 1);
	assert_string_equal(p->settings[0].value, "2");
	assert_int_equal(q->n_settings, 1);
	assert_string_equal(q->settings[0].value, "2");
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The line n times, each N a number of six digits. */
static void add_lines(struct strbuf *text, const char *line, int n)
{
	for (int i = 0; i < n; i++)
		for (const char *c = line; *c != '\0'; c++) {
			if (*c == 'N')
				strbuf_addf(text, "%06d", i);
			else
				strbuf_addc(text, *c);
		}
}

/* Quadratic merging would take minutes here; the bound leaves room for sanitizers and slow machines. */
static void test_many_settings(void **state)
{
	static const struct {
		const char *what, *line;
		int n;
		size_t n_settings;
	} rows[] = {
		{ "one section",     "oN = ${v}\nwhy oN = because\n", 20000, 20000 },
		{ "many sections",   "[a/k sN]\nx = ${t}\n",          20000, 20000 },
		{ "one selector",    "[a/k]\nxN = 1\n",               50000, 50000 },
		{ "many conditions", "[a/k if=var:v=N]\nx = 1\n",     30000, 1     },
		{ "empty sections",  "[a/k]\n[a/k]\n",                80000, 0     },
		{ "short lines",     "xN=1\n",                        90000, 90000 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf text = { 0 };
		strbuf_add(&text, "[cpus]\nt = 2-3\n[variables]\nv = 1\n[phase a]\n[a/k first]\n");
		add_lines(&text, rows[i].line, rows[i].n);
		double start = seconds();
		CLEANUP(profile_freep) struct profile *p = fake_accepted(strbuf_str(&text));
		double took = seconds() - start;
		assert_int_equal(p->n_settings, rows[i].n_settings);
		print_message("%s: %.1f ms\n", rows[i].what, took * 1000);
		assert_true(took < 5);
	}
}

static void test_number_of_phases_is_bounded(void **state)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	struct profile *p;
	struct hft_err err = { 0 };
	(void)state;

	for (int i = 0; i < 256; i++)
		strbuf_addf(&text, "[phase p%d]\n", i);
	p = fake_accepted(strbuf_str(&text));
	assert_int_equal(p->n_phases, 256);
	profile_freep(&p);
	strbuf_add(&text, "[phase q]\n");
	assert_int_equal(fake_load_text(strbuf_str(&text), &p, &err), -EINVAL);
	assert_string_equal(err.where, "p.conf:257");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phase_keys),
		cmocka_unit_test(test_refused_phases),
		cmocka_unit_test(test_phases_are_sorted),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_refused_settings),
		cmocka_unit_test(test_phases_merge_across_includes),
		cmocka_unit_test(test_later_files_replace),
		cmocka_unit_test(test_conditions_and_replacing),
		cmocka_unit_test(test_alternatives_in_one_file),
		cmocka_unit_test(test_many_settings),
		cmocka_unit_test(test_number_of_phases_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
