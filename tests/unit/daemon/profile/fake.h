/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of daemon/profile: files in memory and a host of eight CPUs. Two threads a core (0-1, 2-3, 4-5, 6-7),
 * node 0 is 0-3 and node 1 is 4-7, eth0 is near 4-5, CPU 7 is offline; the driver is virtio_net, the kernel 6.8.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/profile/profile.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

struct fake_file {
	const char *name; /* NULL ends the list */
	const char *text;
};

struct fake {
	const struct fake_file *files;
	const char *host_conf;   /* or NULL */
	unsigned n_loads;        /* how often a file was asked for */
	unsigned n_conditions;   /* how often the host was */
};

static inline int fake_load(void *data, const char *name, struct strbuf *path, struct strbuf *text,
                            struct hft_err *err)
{
	struct fake *f = data;

	for (const struct fake_file *file = f->files; file->name != NULL; file++) {
		if (!str_eq(file->name, name))
			continue;
		f->n_loads++;
		strbuf_addf(path, "%s.conf", name);
		strbuf_add(text, file->text);
		return 0;
	}
	return err_raise(err, ERR_NO_PROFILE, ENOENT, name, "none");
}

static inline int fake_host_conf(void *data, struct strbuf *path, struct strbuf *text, struct hft_err *err)
{
	const struct fake *f = data;

	(void)err;
	if (f->host_conf == NULL)
		return 0;
	strbuf_add(path, "host.conf");
	strbuf_add(text, f->host_conf);
	return 1;
}

static inline void fake_set(struct cpuset *s, const char *list)
{
	assert_int_equal(cpuset_parse(list, s, NULL), 0);
}

static inline int fake_cpus(void *data, const char *name, const char *arg, struct cpuset *ret, struct hft_err *err)
{
	static const struct {
		const char *name, *arg, *list;
	} rows[] = {
		{ "present", "",     "0-7" }, { "online",  "",  "0-6" }, { "node", "0", "0-3" }, { "node", "1", "4-7" },
		{ "package", "0",    "0-7" }, { "near", "eth0", "4-5" },
	};

	(void)data;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(rows[i].name, name) && str_eq(rows[i].arg, arg)) {
			fake_set(ret, rows[i].list);
			return 0;
		}
	return err_raise(err, ERR_NO_MATCH, ENOENT, arg, "this host has none");
}

static inline int fake_siblings(void *data, const struct cpuset *set, struct cpuset *ret, struct hft_err *err)
{
	(void)data;
	(void)err;
	cpuset_zero(ret);
	for (int c = cpuset_next(set, 0); c >= 0; c = cpuset_next(set, (unsigned)c + 1)) {
		cpuset_add(ret, (unsigned)c);
		cpuset_add(ret, (unsigned)c ^ 1);
	}
	return 0;
}

static inline int fake_condition(void *data, const char *name, const char *arg, bool *ret, struct hft_err *err)
{
	struct fake *f = data;

	(void)err;
	if (f != NULL)
		f->n_conditions++;
	*ret = (str_eq(name, "driver") && str_eq(arg, "virtio_net")) ||
	       (str_eq(name, "kernel") && str_eq(arg, "6.8")) || (str_eq(name, "cpu") && str_eq(arg, "GenuineIntel")) ||
	       (str_eq(name, "virt") && str_eq(arg, ""));
	return 0;
}

/* CPU 7 is offline, so CPU 6 alone is a whole core of online threads. */
static inline bool fake_whole_core(void *data, const struct cpuset *set)
{
	(void)data;
	for (unsigned c = 0; c < 6; c += 2)
		if (cpuset_has(set, c) && cpuset_has(set, c + 1))
			return true;
	return cpuset_has(set, 6);
}

static inline struct profile_env fake_env(struct fake *f)
{
	return (struct profile_env){ .cpus = fake_cpus, .siblings = fake_siblings, .condition = fake_condition,
		                     .whole_core = fake_whole_core, .data = f };
}

static inline int fake_profile_load(struct fake *f, const char *name, const struct profile_assign *assigns,
                                    size_t n_assigns, struct profile **ret, struct hft_err *err)
{
	struct profile_loader loader = { .load = fake_load, .host_conf = fake_host_conf, .data = f };
	struct profile_env env = fake_env(f);

	return profile_load(name, &loader, &env, assigns, n_assigns, ret, err);
}

/* One text, called "p". */
static inline int fake_load_text(const char *text, struct profile **ret, struct hft_err *err)
{
	const struct fake_file files[] = { { "p", text }, { NULL, NULL } };
	struct fake f = { .files = files };

	return fake_profile_load(&f, "p", NULL, 0, ret, err);
}

/* The text must be refused with this `where` and subject. */
static inline void fake_refused(const char *text, const char *where, const char *subject)
{
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	int r = fake_load_text(text, &p, &err);

	if (r == 0)
		print_error("not refused: %s\n", text);
	assert_int_equal(r, -EINVAL);
	assert_null(p);
	assert_string_equal(err.code, ERR_INVALID_PROFILE);
	assert_string_equal(err.where, where);
	assert_string_equal(err.subject, subject);
}

static inline struct profile *fake_accepted(const char *text)
{
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	int r = fake_load_text(text, &p, &err);

	if (r != 0)
		print_error("refused: %s %s\n", err.where, err.msg);
	assert_int_equal(r, 0);
	assert_non_null(p);
	return p;
}

static inline const struct profile_value *fake_value(const struct profile *p, const char *name)
{
	for (size_t i = 0; i < p->n_values; i++)
		if (str_eq(p->values[i].name, name))
			return &p->values[i];
	fail_msg("there is no value %s", name);
	return NULL;
}

static inline const struct profile_setting *fake_setting(const struct profile *p, const char *option)
{
	for (size_t i = 0; i < p->n_settings; i++)
		if (str_eq(p->settings[i].option, option))
			return &p->settings[i];
	fail_msg("there is no setting %s", option);
	return NULL;
}
