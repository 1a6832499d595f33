/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/profile/load: includes, host.conf, and the profile of the manual as a whole. */
#include "tests/unit/daemon/profile/fake.h"

#include <time.h>

static void refused(struct fake *f, const char *name, const char *where, const char *subject)
{
	struct profile *p = NULL;
	struct hft_err err = { 0 };

	assert_int_equal(fake_profile_load(f, name, NULL, 0, &p, &err), -EINVAL);
	assert_null(p);
	assert_string_equal(err.code, ERR_INVALID_PROFILE);
	assert_string_equal(err.where, where);
	assert_string_equal(err.subject, subject);
}

static void test_empty_profile(void **state)
{
	CLEANUP(profile_freep) struct profile *p = fake_accepted("");
	(void)state;

	assert_string_equal(p->name, "p");
	assert_string_equal(p->path, "p.conf");
	assert_string_equal(p->summary, "");
	assert_int_equal(p->n_phases, 0);
	assert_int_equal(p->n_settings, 0);
	assert_int_equal(p->n_values, 0);
	profile_free(NULL);
}

static void test_a_whole_profile(void **state)
{
	static const struct fake_file files[] = {
		{ "low-latency-base", "[profile]\nsummary = base\n[phase network]\norder = 1\n[network/sysctl]\n"
		                      "net.core.busy_read = 50\n" },
		{ "redis", "[profile]\n"
		           "summary = Redis order cache on ${trading}\n"
		           "include = low-latency-base            ; comma list; their settings lie beneath\n"
		           "\n"
		           "[cpus]                                ; CPU sets, as expressions\n"
		           "trading      = ?                      ; ? = the host must say\n"
		           "housekeeping = online - siblings(trading)\n"
		           "\n"
		           "[variables]\n"
		           "redis = redis-server.service\n"
		           "\n"
		           "[phase malloc]\n"
		           "order   = 3\n"
		           "risk    = medium\n"
		           "summary = jemalloc without background surprises\n"
		           "[phase isolation]\n"
		           "order = 2\n"
		           "\n"
		           "[malloc/malloc ${redis}]\n"
		           "narenas        = 2\n"
		           "why narenas    = pinned to one CPU, jemalloc would take one arena\n"
		           "\n"
		           "[isolation/boot]\n"
		           "isolcpus  = managed_irq,domain,${trading}\n"
		           "[isolation/irq *]\n"
		           "affinity = ${housekeeping}\n"
		           "[network/sysctl]\n"
		           "net.core.rmem_max = 16777216\n" },
		{ NULL, NULL },
	};
	struct fake f = { .files = files, .host_conf = "# this host\n[cpus]\ntrading = 3\n" };
	CLEANUP(profile_freep) struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(fake_profile_load(&f, "redis", NULL, 0, &p, &err), 0);
	assert_string_equal(p->name, "redis");
	assert_string_equal(p->path, "redis.conf");
	assert_string_equal(p->summary, "Redis order cache on 3");
	assert_int_equal(p->n_phases, 3);
	assert_string_equal(p->phases[0].name, "network");
	assert_string_equal(p->phases[1].name, "isolation");
	assert_string_equal(p->phases[2].name, "malloc");
	assert_int_equal(p->n_settings, 5);
	assert_string_equal(p->settings[0].option, "net.core.busy_read");
	assert_string_equal(p->settings[0].file, "low-latency-base.conf");
	assert_int_equal(p->settings[0].line, 6);
	assert_string_equal(p->settings[1].selector, "redis-server.service");
	assert_int_equal(p->settings[1].phase, 2);
	assert_non_null(p->settings[1].why);
	assert_string_equal(p->settings[2].value, "managed_irq,domain,3");
	assert_string_equal(p->settings[3].selector, "*");
	assert_string_equal(p->settings[3].value, "0-1,4-6");
	assert_string_equal(p->settings[4].file, "redis.conf");
	assert_string_equal(fake_value(p, "trading")->file, "host.conf");
}

static void test_profile_section(void **state)
{
	(void)state;

	fake_refused("[profile]\nsumary = x\n", "p.conf:2", "sumary");
	fake_refused("[profile]\nsummary = x\nrequired = yes\n", "p.conf:3", "required");
	fake_refused("[profile]\n[cpus]\n[profile]\n", "p.conf:3", "profile");
	fake_refused("[unknown]\n", "p.conf:1", "unknown");
	fake_refused("[a/b c\n", "p.conf:1", "");
}

static void test_names_of_profiles(void **state)
{
	static const char *const bad[] = { "", "..", "../p", "P", "a b" };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct fake f = { .files = (const struct fake_file[]){ { NULL, NULL } } };
		struct profile *p = NULL;
		struct hft_err err = { 0 };
		assert_int_equal(fake_profile_load(&f, bad[i], NULL, 0, &p, &err), -EINVAL);
		assert_string_equal(err.code, ERR_INVALID_ARGUMENT);
		assert_int_equal(f.n_loads, 0);
	}
}

static void test_names_of_includes(void **state)
{
	static const struct {
		const char *list, *subject;
	} rows[] = {
		{ "../../etc/shadow", "../../etc/shadow" }, { "/etc/x", "/etc/x" }, { "A",    "A"    },
		{ "b,,c",             ""                 }, { "b,",     ""       }, { "",     ""     },
		{ "-x",               "-x"               }, { ".b",     ".b"     }, { "b;c",  "b;c"  },
		{ "${x}",             "${x}"             }, { "b c",    "b c"    },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf text = { 0 };
		strbuf_addf(&text, "[profile]\n\ninclude = %s\n", rows[i].list);
		const struct fake_file files[] = {
			{ "p", strbuf_str(&text) }, { "b", "" }, { "c", "" }, { NULL, NULL },
		};
		struct fake f = { .files = files };
		refused(&f, "p", "p.conf:3", rows[i].subject);
	}
}

static void test_missing_files(void **state)
{
	static const struct fake_file files[] = { { "p", "[profile]\ninclude = b\n" }, { NULL, NULL } };
	struct fake f = { .files = files };
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(fake_profile_load(&f, "b", NULL, 0, &p, &err), -ENOENT);
	assert_string_equal(err.code, ERR_NO_PROFILE);
	assert_string_equal(err.where, "");
	assert_int_equal(fake_profile_load(&f, "p", NULL, 0, &p, &err), -ENOENT);
	assert_string_equal(err.code, ERR_NO_PROFILE);
	assert_string_equal(err.where, "p.conf:2");
	assert_int_equal(fake_profile_load(&f, "p", NULL, 0, &p, NULL), -ENOENT);
}

static void test_errors_in_includes(void **state)
{
	static const struct fake_file files[] = {
		{ "p", "[profile]\ninclude = b\n" },
		{ "b", "[phase a]\n[a/k]\nx: 1\n" },
		{ "q", "[profile]\ninclude = c\n" },
		{ "c", "[phase a]\n[a/k]\nx = ${y}\n" },
		{ "r", "[profile]\ninclude = d\n" },
		{ "d", "[profile]\nsummary = ${y}\n" },
		{ NULL, NULL },
	};
	struct fake f = { .files = files };
	(void)state;

	refused(&f, "p", "b.conf:3", "");
	refused(&f, "q", "c.conf:3", "y");
	refused(&f, "r", "d.conf:2", "y");
}

static void test_cycles(void **state)
{
	static const struct fake_file files[] = {
		{ "self", "[profile]\nsummary = x\ninclude = self\n" },
		{ "a", "[profile]\ninclude = b\n" },
		{ "b", "# b\n[profile]\ninclude = ok, c\n" },
		{ "c", "# c\n\n[profile]\ninclude = a\n" },
		{ "ok", "" },
		{ NULL, NULL },
	};
	struct fake f = { .files = files };
	(void)state;

	refused(&f, "self", "self.conf:3", "self");
	refused(&f, "a", "c.conf:4", "a");
}

/* d0 includes d1, d1 includes d2, ... */
static void make_chain(struct fake_file *files, char names[][16], char texts[][48], int n)
{
	for (int i = 0; i < n; i++) {
		snprintf(names[i], 16, "d%d", i);
		snprintf(texts[i], 48, "[profile]\n%s = d%d\n", i + 1 < n ? "include" : "summary", i + 1);
		files[i] = (struct fake_file){ names[i], texts[i] };
	}
	files[n] = (struct fake_file){ NULL, NULL };
}

static void test_depth(void **state)
{
	char names[16][16], texts[16][48];
	struct fake_file files[17];
	struct fake f = { .files = files };
	CLEANUP(profile_freep) struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	make_chain(files, names, texts, 9); /* eight beneath the first */
	assert_int_equal(fake_profile_load(&f, "d0", NULL, 0, &p, &err), 0);
	assert_string_equal(p->files.s[0], "d8.conf");
	assert_string_equal(p->path, "d0.conf");
	assert_string_equal(p->summary, "");
	make_chain(files, names, texts, 10);
	refused(&f, "d0", "d8.conf:2", "d9");
}

static void test_number_of_files(void **state)
{
	char names[70][16];
	struct fake_file files[70];
	struct fake f = { .files = files };
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	CLEANUP(profile_freep) struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	strbuf_add(&text, "[profile]\ninclude = f1");
	for (int i = 1; i < 65; i++) {
		snprintf(names[i], sizeof(names[i]), "f%d", i);
		files[i] = (struct fake_file){ names[i], "" };
		if (i > 1 && i < 64)
			strbuf_addf(&text, ", f%d", i);
	}
	files[65] = (struct fake_file){ NULL, NULL };
	files[0] = (struct fake_file){ "p", strbuf_str(&text) };
	f.host_conf = "[variables]\n"; /* not counted */
	assert_int_equal(fake_profile_load(&f, "p", NULL, 0, &p, &err), 0);
	assert_int_equal(f.n_loads, 64);

	strbuf_add(&text, ", f64");
	files[0].text = strbuf_str(&text);
	refused(&f, "p", "p.conf:2", "f64");
}

static void test_diamonds_are_loaded_once(void **state)
{
	static const struct fake_file files[] = {
		{ "p", "[profile]\ninclude = l, r, l\n" },
		{ "l", "[profile]\ninclude = base\n[a/k]\nx = l\n" },
		{ "r", "[profile]\ninclude = base\n[a/k]\ny = r\n" },
		{ "base", "[phase a]\n[a/k]\nx = b\ny = b\n" },
		{ NULL, NULL },
	};
	struct fake f = { .files = files };
	CLEANUP(profile_freep) struct profile *p = NULL;
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(fake_profile_load(&f, "p", NULL, 0, &p, &err), 0);
	assert_int_equal(f.n_loads, 4);
	assert_int_equal(p->n_settings, 2);
	assert_string_equal(fake_setting(p, "x")->value, "l");
	assert_string_equal(fake_setting(p, "y")->value, "r");
	assert_int_equal(p->files.n, 4);
}

static void test_host_conf(void **state)
{
	static const struct {
		const char *text, *where, *subject;
	} rows[] = {
		{ "[profile]\nsummary = x\n",       "host.conf:1", "profile"  },
		{ "[cpus]\n[phase a]\n",            "host.conf:2", "phase a"  },
		{ "[a/b c]\nx = 1\n",               "host.conf:1", "a/b c"    },
		{ "[hosts]\n",                      "host.conf:1", "hosts"    },
		{ "trading = 2\n",                  "host.conf:1", ""         },
		{ "[cpus]\ntrading: 2\n",           "host.conf:2", ""         },
		{ "[cpus]\ntrading = 2\ntrading = 3\n", "host.conf:3", "trading" },
		{ "[cpus]\nx = 2-1\n",              "host.conf:2", "2-1"      },
		{ "[cpus]\nx = 8\n",                "host.conf:2", "8"        },
		{ "[cpus]\nhousekeeping = 0\n",     "host.conf:2", "housekeeping" },
		{ "[variables]\nx = ${y}\n",        "host.conf:2", "y"        },
		{ "[variables]\nx = \x1b[2J\n",     "host.conf:2", ""         },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const struct fake_file files[] = { { "p", "" }, { NULL, NULL } };
		struct fake f = { .files = files, .host_conf = rows[i].text };
		refused(&f, "p", rows[i].where, rows[i].subject);
	}
}

static int broken_host_conf(void *data, struct strbuf *path, struct strbuf *text, struct hft_err *err)
{
	(void)data;
	strbuf_add(path, "host.conf");
	strbuf_add(text, "[cpus]\n");
	return err_raise(err, ERR_IO, EIO, "host.conf", "broken");
}

static void test_the_loader_fails(void **state)
{
	static const struct fake_file files[] = { { "p", "" }, { NULL, NULL } };
	struct fake f = { .files = files };
	struct profile_loader loader = { .load = fake_load, .host_conf = broken_host_conf, .data = &f };
	struct profile_env env = fake_env(&f);
	struct profile *p = NULL;
	struct hft_err err;
	(void)state;

	assert_int_equal(profile_load("p", &loader, &env, NULL, 0, &p, &err), -EIO);
	assert_string_equal(err.code, ERR_IO);
	assert_null(p);
}

/* 64 files of a megabyte are not a profile. */
static void test_total_size(void **state)
{
	CLEANUP(mem_freep) char *big = malloc(PROFILE_FILE_MAX + 1);
	(void)state;

	memset(big, '\n', PROFILE_FILE_MAX);
	big[PROFILE_FILE_MAX] = '\0';
	const struct fake_file files[] = {
		{ "p", "[profile]\ninclude = a,b,c,d\n" }, { "a", big }, { "b", big }, { "c", big }, { "d", big },
		{ NULL, NULL },
	};
	struct fake f = { .files = files };
	refused(&f, "p", "d.conf:1", "");
}

/* The best of some runs, so that a busy machine does not fail it; the promise is far below the bound. */
static void test_two_hundred_settings_are_fast(void **state)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	double best = 1;
	(void)state;

	strbuf_add(&text, "[cpus]\nt = 2-3\n[variables]\nv = x\n");
	for (int i = 0; i < 200; i++) {
		if (i % 20 == 0)
			strbuf_addf(&text, "[phase p%d]\n[p%d/sysctl ${v} if=virt]\n", i, i);
		strbuf_addf(&text, "net.ipv4.some_setting_%d = %d ${t}   # a comment\n", i, i);
	}
	for (int i = 0; i < 50; i++) {
		struct timespec a, b;
		clock_gettime(CLOCK_MONOTONIC, &a);
		profile_free(fake_accepted(strbuf_str(&text)));
		clock_gettime(CLOCK_MONOTONIC, &b);
		double took = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
		best = took < best ? took : best;
	}
	print_message("200 settings: %.0f us\n", best * 1e6);
	assert_true(best < 0.02);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_profile),
		cmocka_unit_test(test_a_whole_profile),
		cmocka_unit_test(test_profile_section),
		cmocka_unit_test(test_names_of_profiles),
		cmocka_unit_test(test_names_of_includes),
		cmocka_unit_test(test_missing_files),
		cmocka_unit_test(test_errors_in_includes),
		cmocka_unit_test(test_cycles),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_number_of_files),
		cmocka_unit_test(test_diamonds_are_loaded_once),
		cmocka_unit_test(test_host_conf),
		cmocka_unit_test(test_the_loader_fails),
		cmocka_unit_test(test_total_size),
		cmocka_unit_test(test_two_hundred_settings_are_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
