/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob sysctl: the files below /proc/sys that sysctl_rows.c allows, by their sysctl names. Must not touch any other.
 *
 * What a table cannot say is here: a bound that depends on the memory of the host, the lockup detectors that switch
 * each other, templates that hand their value on, and modules that a value loads.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/meminfo.h"
#include "daemon/knobs/sysctl_rows.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define MIN_FREE "vm.min_free_kbytes"
#define MIN_FREE_SHARE 10 /* of all memory: a tenth */
#define WATCHDOG "kernel.watchdog"
#define SOFT_WATCHDOG "kernel.soft_watchdog"
#define NMI_WATCHDOG "kernel.nmi_watchdog"
#define DEFAULT_QDISC "net.core.default_qdisc"

extern const struct knob knob_sysctl;

/* --- names that people try, and why they are not in the list ------------------------------------------------------ */

static const struct {
	const char *option, *why;
} elsewhere[] = {
	{ "kernel.sched_latency_ns", "it moved to debugfs in Linux 5.13 and went away in 6.6" },
	{ "kernel.sched_migration_cost_ns", "it moved to debugfs in Linux 5.13: knob sysfs, sched.migration_cost_ns" },
	{ "kernel.sched_min_granularity_ns", "it moved to debugfs in Linux 5.13: knob sysfs, sched.base_slice_ns" },
	{ "kernel.sched_wakeup_granularity_ns", "it moved to debugfs in Linux 5.13 and went away in 6.6" },
	{ "net.ipv4.tcp_low_latency", "it is accepted and does nothing since Linux 4.14" },
	{ "net.ipv4.tcp_tw_recycle", "it went away in Linux 4.12" },
	{ "vm.compact_memory", "it is an act, not a state that can be taken back" },
	{ "vm.drop_caches", "it is an act, not a state that can be taken back" },
	{ "vm.nr_hugepages", "huge pages are options of knob vm: hugepages" },
	{ "vm.nr_hugepages_mempolicy", "huge pages are options of knob vm: hugepages" },
	{ "vm.nr_overcommit_hugepages", "huge pages are options of knob vm: nr_overcommit_hugepages" },
};

static void say_where(const char *option, struct hft_err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		if (str_eq(elsewhere[i].option, option))
			err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "sysctl has no option '%s': %s", option,
			          elsewhere[i].why);
}

static int sysctl_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                       struct hft_err *err)
{
	int r = row_list(&sysctl_rows, c, selector, option, ret, err);

	if (r == -EINVAL && err)
		say_where(option, err);
	return r;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* The kernel takes any number, and a large one leaves no memory for anybody. */
static int check_min_free(const struct knob_ctx *c, const char *value, struct hft_err *err)
{
	uint64_t total;
	int64_t wanted;
	char bounds[64];
	int r = meminfo_total(c, -1, &total, err);

	if (r < 0 || total == 0)
		return r;
	if (num_parse_range(value, 0, (int64_t)(total / MIN_FREE_SHARE), &wanted) == 0)
		return 0;
	r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, MIN_FREE,
	              "%s KiB is more than a tenth of the memory of this host", value);
	snprintf(bounds, sizeof(bounds), "at most %llu", (unsigned long long)(total / MIN_FREE_SHARE));
	err_values(err, bounds, value);
	return r;
}

static int sysctl_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                        struct strbuf *ret, struct hft_err *err)
{
	int r = row_parse(&sysctl_rows, c, key, option, value, ret, err);

	if (r == -EINVAL && err && !key)
		say_where(option, err);
	return r == 0 && str_eq(key, MIN_FREE) ? check_min_free(c, strbuf_str(ret), err) : r;
}

static int sysctl_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	return row_read(&sysctl_rows, c, key, ret, err);
}

/* --- lockup detectors --------------------------------------------------------------------------------------------- */

static bool reads_one(const struct knob_ctx *c, const char *key)
{
	CLEANUP(strbuf_done) struct strbuf value = {0};

	return row_read(&sysctl_rows, c, key, &value, NULL) == 0 && str_eq(strbuf_str(&value), "1");
}

/*
 * kernel/watchdog.c keeps three switches, shows what they come to, and stores what it shows on every read: after both
 * detectors were off, all three switches are off, and turning on one of them alone does nothing. So the common one goes
 * first, and with it alone the soft one follows, which is what the documentation of kernel.watchdog promises.
 */
static int write_watchdog(const struct knob_ctx *c, const char *key, struct hft_err *err)
{
	int r = row_write(&sysctl_rows, c, WATCHDOG, "1", err);

	if (r < 0)
		return r;
	if (!str_eq(key, WATCHDOG))
		return row_write(&sysctl_rows, c, key, "1", err);
	if (!reads_one(c, SOFT_WATCHDOG) && !reads_one(c, NMI_WATCHDOG))
		return row_write(&sysctl_rows, c, SOFT_WATCHDOG, "1", err);
	return 0;
}

static bool is_watchdog(const char *key)
{
	return str_eq(key, WATCHDOG) || str_eq(key, SOFT_WATCHDOG) || str_eq(key, NMI_WATCHDOG);
}

static int sysctl_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	if (is_watchdog(key) && str_eq(value, "1") && !c->copied)
		return write_watchdog(c, key, err);
	return row_write(&sysctl_rows, c, key, value, err);
}

/* --- coupling ----------------------------------------------------------------------------------------------------- */

static bool is_template(const char *key)
{
	struct row_ref ref;

	return row_of_key(&sysctl_rows, key, &ref, NULL) == 0 && str_eq(ref.instance, "default");
}

/* With instances, only the template `default` changes others (devinet_copy_dflt_conf, neigh_copy_dflt_parms). */
static int sysctl_coupled(const struct knob_ctx *c, const char *key,
                          int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                          struct hft_err *err)
{
	struct row_ref ref;
	int r = row_of_key(&sysctl_rows, key, &ref, err);

	if (r < 0 || (ref.instance[0] != '\0' && !str_eq(ref.instance, "default")))
		return r;
	return row_coupled(&sysctl_rows, c, key, add, data, err);
}

/* An interface that was written keeps its own value, so templates go last, and first on the way back. */
static int sysctl_order(const char *key)
{
	return is_template(key) ? 1 : 0;
}

/* --- what stays --------------------------------------------------------------------------------------------------- */

static bool is_built_in(const struct knob_ctx *c, const char *module)
{
	CLEANUP(mem_freep) char *path = str_printf("/usr/lib/modules/%s/modules.builtin", c->host->kernel);
	CLEANUP(mem_freep) char *line = str_printf("/%s.ko", module);
	CLEANUP(strbuf_done) struct strbuf list = {0};

	return path && line && fsio_probe(c->fs, path, &list) == 0 && strstr(strbuf_str(&list), line);
}

/* Would the kernel have to load a module for the discipline? pfifo_fast and its like are part of it. */
static bool loads_module(const struct knob_ctx *c, const char *qdisc)
{
	static const char *const own[] = { "pfifo_fast", "pfifo", "bfifo", "mq", "noqueue", "noop" };
	CLEANUP(mem_freep) char *module = str_printf("sch_%s", qdisc);
	CLEANUP(mem_freep) char *path = str_printf("/sys/module/sch_%s", qdisc);

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (str_eq(own[i], qdisc))
			return false;
	if (!fsio_exists(c->fs, "/proc/modules") || !module || !path)
		return false;
	return !fsio_exists(c->fs, path) && !is_built_in(c, module);
}

static const char *sysctl_inexact(const struct knob_ctx *c, const char *key, const char *before, const char *after)
{
	if (!str_eq(key, DEFAULT_QDISC) || str_eq(before, after) || !loads_module(c, after))
		return NULL;
	return "the kernel loads a module for this queueing discipline, which stays loaded";
}

static int sysctl_explain(size_t i, struct knob_doc *ret)
{
	return row_explain(&sysctl_rows, i, ret);
}

const struct knob knob_sysctl = {
	.name = "sysctl",
	.summary = "kernel parameters below /proc/sys, of an allow-list",
	.selector = "interface, or a pattern of interfaces, where the option has a '*'; else empty",
	.list = sysctl_list,
	.parse = sysctl_parse,
	.read = sysctl_read,
	.write = sysctl_write,
	.coupled = sysctl_coupled,
	.inexact = sysctl_inexact,
	.order = sysctl_order,
	.explain = sysctl_explain,
};
