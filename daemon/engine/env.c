/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers a profile's questions from the host. Changes nothing. */
#include "daemon/engine/env.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

static int no_such(struct hft_err *err, const char *what, const char *arg)
{
	err_raise(err, ERR_NO_MATCH, ENOENT, arg, "this host has no %s \"%s\"", what, arg);
	err_hint(err, "see `hfttune host`");
	return -ENOENT;
}

static int cpus_online(struct env *e, const char *arg, struct cpuset *ret, struct hft_err *err)
{
	(void)arg;
	(void)err;
	*ret = e->online;
	return 0;
}

static int cpus_present(struct env *e, const char *arg, struct cpuset *ret, struct hft_err *err)
{
	(void)arg;
	(void)err;
	*ret = e->host->present;
	return 0;
}

static int cpus_node(struct env *e, const char *arg, struct cpuset *ret, struct hft_err *err)
{
	int64_t n;
	const struct host_node *node = num_parse_range(arg, 0, INT_MAX, &n) < 0 ? NULL : host_node(e->host, (int)n);

	if (!node)
		return no_such(err, "NUMA node", arg);
	*ret = node->cpus;
	return 0;
}

static int cpus_package(struct env *e, const char *arg, struct cpuset *ret, struct hft_err *err)
{
	int64_t n;

	if (num_parse_range(arg, 0, INT_MAX, &n) < 0)
		return no_such(err, "package", arg);
	host_package(e->host, (int)n, ret);
	return cpuset_is_empty(ret) ? no_such(err, "package", arg) : 0;
}

static int cpus_near(struct env *e, const char *arg, struct cpuset *ret, struct hft_err *err)
{
	const struct host_nic *nic;
	int r = host_read_nics(e->host, err);

	if (r < 0)
		return r;
	nic = host_nic(e->host, arg);
	if (!nic)
		return no_such(err, "network device", arg);
	*ret = cpuset_is_empty(&nic->local_cpus) ? e->online : nic->local_cpus;
	return 0;
}

static int env_cpus(void *data, const char *name, const char *arg, struct cpuset *ret, struct hft_err *err)
{
	static const struct {
		const char *name;
		int (*get)(struct env *e, const char *arg, struct cpuset *ret, struct hft_err *err);
	} sources[] = {
		{"online", cpus_online}, {"present", cpus_present}, {"node", cpus_node},
		{"package", cpus_package}, {"near", cpus_near},
	};

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		if (strcmp(sources[i].name, name) == 0)
			return sources[i].get(data, arg, ret, err);
	}
	return no_such(err, "CPU set", name);
}

static int env_siblings(void *data, const struct cpuset *set, struct cpuset *ret, struct hft_err *err)
{
	const struct env *e = data;

	(void)err;
	host_siblings(e->host, set, ret);
	return 0;
}

static int is_driver(struct host *h, const char *arg, bool *ret, struct hft_err *err)
{
	int r = host_read_irqs(h, err);

	if (r < 0)
		return r;
	*ret = host_has_driver(h, arg);
	return 0;
}

static int is_kernel(struct host *h, const char *arg, bool *ret, struct hft_err *err)
{
	int major, minor, end = 0;

	if (sscanf(arg, "%4d.%4d%n", &major, &minor, &end) != 2 || arg[end] != '\0')
		return err_raise(err, ERR_INVALID_PROFILE, 0, arg, "a kernel version is written X.Y");
	*ret = host_kernel_at_least(h, major, minor);
	return 0;
}

static int is_virt(struct host *h, const char *arg, bool *ret, struct hft_err *err)
{
	int r = host_read_details(h, err);

	(void)arg;
	*ret = r == 0 && h->is_virtual;
	return r;
}

static int is_cpu(struct host *h, const char *arg, bool *ret, struct hft_err *err)
{
	int r = host_read_details(h, err);

	*ret = r == 0 && str_eq(h->vendor, arg);
	return r;
}

static int env_condition(void *data, const char *name, const char *arg, bool *ret, struct hft_err *err)
{
	static const struct {
		const char *name;
		int (*is)(struct host *h, const char *arg, bool *ret, struct hft_err *err);
	} conditions[] = {{"driver", is_driver}, {"kernel", is_kernel}, {"virt", is_virt}, {"cpu", is_cpu}};

	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		if (strcmp(conditions[i].name, name) == 0)
			return conditions[i].is(((struct env *)data)->host, arg, ret, err);
	}
	return err_raise(err, ERR_INVALID_PROFILE, 0, name, "unknown condition");
}

static bool env_whole_core(void *data, const struct cpuset *set)
{
	const struct env *e = data;

	return host_has_whole_core(e->host, &e->online, set);
}

void env_init(struct profile_env *env, struct env *own, struct host *host)
{
	*own = (struct env){.host = host, .online = host->online};
	*env = (struct profile_env){
		.cpus = env_cpus,
		.siblings = env_siblings,
		.condition = env_condition,
		.whole_core = env_whole_core,
		.data = own,
	};
}
