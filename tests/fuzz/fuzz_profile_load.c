/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer: a profile, what it may include as "b", and host.conf, separated by bytes 0xff, loaded on a host of eight
 * CPUs. Built as fuzz_profile.c is.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/profile/profile.h"
#include "lib/base/err.h"

struct texts {
	const char *s[3];
	size_t len[3];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int load(void *data, const char *name, struct strbuf *path, struct strbuf *text, struct hft_err *err)
{
	const struct texts *t = data;

	if (!str_eq(name, "a") && !str_eq(name, "b"))
		return err_raise(err, ERR_NO_PROFILE, ENOENT, name, "none");
	strbuf_add(path, name);
	strbuf_addn(text, t->s[name[0] - 'a'], t->len[name[0] - 'a']);
	return 0;
}

static int host_conf(void *data, struct strbuf *path, struct strbuf *text, struct hft_err *err)
{
	const struct texts *t = data;

	(void)err;
	strbuf_add(path, "host.conf");
	strbuf_addn(text, t->s[2], t->len[2]);
	return t->len[2] > 0;
}

static int cpus(void *data, const char *name, const char *arg, struct cpuset *ret, struct hft_err *err)
{
	(void)data;
	if (arg[0] == '9')
		return err_raise(err, ERR_NO_MATCH, ENOENT, name, "none");
	return cpuset_parse("0-7", ret, err);
}

static int siblings(void *data, const struct cpuset *set, struct cpuset *ret, struct hft_err *err)
{
	(void)data;
	(void)err;
	*ret = *set;
	return 0;
}

static int condition(void *data, const char *name, const char *arg, bool *ret, struct hft_err *err)
{
	(void)data;
	(void)name;
	(void)err;
	*ret = strlen(arg) % 2 == 0;
	return 0;
}

static bool whole_core(void *data, const struct cpuset *set)
{
	(void)data;
	return cpuset_has(set, 0);
}

static void split(struct texts *t, const char *data, size_t size)
{
	for (int i = 0; i < 3; i++) {
		const char *end = i < 2 && size > 0 ? memchr(data, 0xff, size) : NULL;
		t->s[i] = data;
		t->len[i] = end != NULL ? (size_t)(end - data) : size;
		data += t->len[i] + (end != NULL);
		size -= t->len[i] + (end != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile_env env = { cpus, siblings, condition, whole_core, NULL };
	struct profile_assign set = { "cpus.t", "1" };
	struct profile *p = NULL;
	struct hft_err err = { 0 };
	struct texts t;

	split(&t, (const char *)data, size);
	struct profile_loader loader = { load, host_conf, &t };
	int r = profile_load("a", &loader, &env, &set, size % 2, &p, &err);
	if (r < 0 && (p != NULL || err.code == NULL || str_has_control(err.msg, strlen(err.msg))))
		abort();
	for (size_t i = 0; p != NULL && i < p->n_settings; i++) {
		const struct profile_setting *s = &p->settings[i];
		if (s->phase >= p->n_phases || str_has_control(s->value, strlen(s->value)))
			abort();
	}
	profile_free(p);
	return 0;
}
