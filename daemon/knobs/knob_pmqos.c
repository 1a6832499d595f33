/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob pmqos: how long a CPU may take to wake up. Per CPU it is a sysfs file; for the whole host a descriptor of
 * /dev/cpu_dma_latency that somebody keeps open, which is the daemon (struct knob_holds). Must not keep one itself.
 *
 * Objects "cpu2 resume_latency_us" and "cpu_dma_latency". Canonical value: microseconds as a number, where 0 means that
 * the CPU must not sleep at all, or "none" for no limit. The sysfs file spells those "n/a" and "0"
 * (Documentation/ABI/testing/sysfs-devices-power, pm_qos_resume_latency_us).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/cpukey.h"
#include "daemon/knobs/knob.h"
#include "daemon/knobs/row.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

#define RESUME "resume_latency_us"
#define DMA_KEY "cpu_dma_latency"
#define DMA_OPTION "cpu_dma_latency_us"
#define DMA_PATH "/dev/cpu_dma_latency"
#define NONE "none"

/* S32_MAX is the kernel's "no constraint" of a device, 2000 s that of the CPUs (include/linux/pm_qos.h). */
#define RESUME_MAX (INT32_MAX - 1)
#define DMA_MAX 1999999999

extern const struct knob knob_pmqos;

/* --- per CPU ------------------------------------------------------------------------------------------------------ */

#define PATH_LEN 80

static const char *resume_path(int cpu, char *path)
{
	snprintf(path, PATH_LEN, "/sys/devices/system/cpu/cpu%d/power/pm_qos_resume_latency_us", cpu);
	return path;
}

static int resume_cpu(const char *key, int *ret_cpu, struct hft_err *err)
{
	const char *rest;

	int r = cpukey_split(key, "cpu", ret_cpu, &rest);
	return r < 0 || !str_eq(rest, RESUME) ? cpukey_unknown("pmqos", key, err) : 0;
}

static int list_resume(const struct knob_ctx *c, const char *selector, struct knob_objects *ret, struct hft_err *err)
{
	char path[PATH_LEN], key[64];
	struct cpuset cpus;

	int r = cpukey_select(c, selector, &cpus, err);
	if (r < 0)
		return r;
	for (int cpu = cpuset_next(&cpus, 0); r == 0 && cpu >= 0; cpu = cpuset_next(&cpus, (unsigned)cpu + 1)) {
		snprintf(key, sizeof(key), "cpu%d " RESUME, cpu);
		bool present = fsio_exists(c->fs, resume_path(cpu, path));
		r = knob_objects_add(ret, key, NULL,
		                     present ? NULL : "this kernel has no pm_qos_resume_latency_us for the CPU", err);
	}
	return r;
}

static int read_resume(const struct knob_ctx *c, int cpu, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	char path[PATH_LEN];

	int r = cpukey_read(c, resume_path(cpu, path), &text, err);
	if (r < 0)
		return r;
	const char *s = strbuf_str(&text);
	strbuf_add(ret, str_eq(s, "n/a") ? "0" : str_eq(s, "0") ? NONE : s);
	return ret->oom ? err_oom(err) : 0;
}

static int write_resume(const struct knob_ctx *c, int cpu, const char *value, struct hft_err *err)
{
	const char *text = str_eq(value, "0") ? "n/a" : str_eq(value, NONE) ? "0" : value;
	char path[PATH_LEN];

	return cpukey_write(c, resume_path(cpu, path), text, err);
}

/* --- the whole host ----------------------------------------------------------------------------------------------- */

static const char *dma_lacks(const struct knob_ctx *c)
{
	const char *lacks = knob_cannot_hold(c);

	return lacks || fsio_exists(c->fs, DMA_PATH) ? lacks : "this kernel has no " DMA_PATH;
}

static int list_dma(const struct knob_ctx *c, const char *selector, struct knob_objects *ret, struct hft_err *err)
{
	if (selector[0] != '\0')
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, DMA_OPTION,
		                 DMA_OPTION " is for the whole host and takes no selector");
	return knob_objects_add(ret, DMA_KEY, NULL, dma_lacks(c), err);
}

static int need_holds(const struct knob_ctx *c, struct hft_err *err)
{
	const char *lacks = knob_cannot_hold(c);

	return lacks == NULL ? 0 : err_raise(err, ERR_NOT_APPLICABLE, ENOENT, DMA_KEY, "%s", lacks);
}

static const char *held(const struct knob_ctx *c)
{
	const char *value = c->holds->value(c->holds->data, DMA_KEY);

	return value != NULL ? value : NONE;
}

static int read_dma(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err)
{
	int r = need_holds(c, err);
	if (r < 0)
		return r;
	strbuf_add(ret, held(c));
	return ret->oom ? err_oom(err) : 0;
}

/* As four bytes: text would be taken for hexadecimal (kernel/power/qos.c, cpu_latency_qos_write). */
static int open_request(const struct knob_ctx *c, int32_t us, int *ret_fd, struct hft_err *err)
{
	CLEANUP(mem_closep) int fd = -1;

	int r = fsio_open_device(c->fs, DMA_PATH, &fd, NULL);
	if (r == -ENOENT)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, DMA_KEY, "this kernel has no " DMA_PATH);
	if (r == 0)
		r = fsio_write_fd(fd, &us, sizeof(us), DMA_PATH, NULL);
	if (r < 0)
		return err_raise(err, ERR_WRITE_FAILED, -r, DMA_KEY, "cannot hold " DMA_PATH ": %s", strerror(-r));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int write_dma(const struct knob_ctx *c, const char *value, struct hft_err *err)
{
	int64_t us;
	int fd = -1;

	int r = need_holds(c, err);
	if (r < 0)
		return r;
	if (str_eq(value, NONE))
		return str_eq(held(c), NONE) ? 0 : c->holds->release(c->holds->data, DMA_KEY, err);
	if (num_parse_range(value, 0, DMA_MAX, &us) < 0)
		return err_raise(err, ERR_WRITE_FAILED, EINVAL, DMA_KEY, "'%s' is not a number of microseconds", value);
	r = open_request(c, (int32_t)us, &fd, err);
	return r < 0 ? r : c->holds->hold(c->holds->data, DMA_KEY, value, fd, err);
}

/* --- the knob ----------------------------------------------------------------------------------------------------- */

static int pmqos_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                      struct hft_err *err)
{
	if (str_eq(option, RESUME))
		return list_resume(c, selector, ret, err);
	if (str_eq(option, DMA_OPTION))
		return list_dma(c, selector, ret, err);
	return row_unknown_option("pmqos", option, err);
}

static int pmqos_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                       struct strbuf *ret, struct hft_err *err)
{
	int64_t max = str_eq(option, DMA_OPTION) ? DMA_MAX : RESUME_MAX, us;

	(void)c;
	if (key == NULL && !str_eq(option, DMA_OPTION) && !str_eq(option, RESUME))
		return row_unknown_option("pmqos", option, err);
	strbuf_reset(ret);
	if (str_eq(value, NONE)) {
		strbuf_add(ret, NONE);
		return ret->oom ? err_oom(err) : 0;
	}
	int r = num_parse_range(value, 0, max, &us);
	if (r == -ERANGE) {
		r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, option, "%s is out of bounds", value);
		err_values(err, max == DMA_MAX ? "0..1999999999, or none" : "0..2147483646, or none", value);
	}
	if (r == -EINVAL)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option,
		                 "'%s' is neither a number of microseconds nor 'none'", value);
	if (r < 0)
		return r;
	strbuf_addf(ret, "%lld", (long long)us);
	return ret->oom ? err_oom(err) : 0;
}

static int pmqos_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	int cpu;

	strbuf_reset(ret);
	if (str_eq(key, DMA_KEY))
		return read_dma(c, ret, err);
	int r = resume_cpu(key, &cpu, err);
	return r < 0 ? r : read_resume(c, cpu, ret, err);
}

static int pmqos_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	int cpu;

	if (str_eq(key, DMA_KEY))
		return write_dma(c, value, err);
	int r = resume_cpu(key, &cpu, err);
	return r < 0 ? r : write_resume(c, cpu, value, err);
}

static void judge(struct knob_verdict *ret, enum knob_verdict_state state, const char *reason)
{
	ret->state = state;
	snprintf(ret->reason, sizeof(ret->reason), "%.*s", (int)sizeof(ret->reason) - 1, reason);
}

/* Held is what the daemon believes; the limit in effect, read through a descriptor of its own, is what the kernel does.
 * It may be lower, because others may hold the device too. */
static int judge_effect(const struct knob_ctx *c, const char *wanted, struct knob_verdict *ret, struct hft_err *err)
{
	int64_t want;
	int32_t now;

	int r = fsio_read_bytes(c->fs, DMA_PATH, &now, sizeof(now), err);
	if (r < 0)
		return r;
	if (num_parse_i64(wanted, &want) == 0 && now <= want) {
		judge(ret, KNOB_OK, "");
		return 0;
	}
	judge(ret, KNOB_DRIFT, "");
	snprintf(ret->reason, sizeof(ret->reason), "held, but the limit in effect is %d us", (int)now);
	return 0;
}

static int verify_dma(const struct knob_ctx *c, const char *wanted, struct knob_verdict *ret, struct hft_err *err)
{
	int r = read_dma(c, &ret->found, err);
	if (r < 0)
		return r;
	bool is_held = !str_eq(strbuf_str(&ret->found), NONE);
	if (str_eq(strbuf_str(&ret->found), wanted)) {
		judge(ret, KNOB_OK, "");
		return is_held ? judge_effect(c, wanted, ret, err) : 0;
	}
	judge(ret, KNOB_DRIFT, is_held ? "" : "the descriptor is no longer held");
	return 0;
}

static int pmqos_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                        struct hft_err *err)
{
	struct hft_err lacks = {0};
	int r;

	strbuf_reset(&ret->found);
	if (str_eq(key, DMA_KEY)) {
		r = verify_dma(c, wanted, ret, &lacks);
	} else {
		r = pmqos_read(c, key, &ret->found, &lacks);
		if (r == 0)
			judge(ret, str_eq(strbuf_str(&ret->found), wanted) ? KNOB_OK : KNOB_DRIFT, "");
	}
	if (r == -ENOENT) {
		judge(ret, KNOB_NA, lacks.msg);
		return 0;
	}
	if (r < 0 && err != NULL)
		*err = lacks;
	return r;
}

static const struct knob_doc docs[] = {
	{
		.option = RESUME,
		.summary = "longest time that a CPU of the selector may take to wake up; deeper idle states are not "
		           "used",
		.unit = "us",
		.bounds = "0..2147483646, or none",
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "cpuidle/stateN/usage of the deeper states stands still",
		.changes = "",
		.source = "Documentation/ABI/testing/sysfs-devices-power",
		.traps = "here 0 is zero microseconds (the CPU polls) and 'none' is no limit; the kernel's file says "
		         "n/a and 0 "
			"for those; one request per CPU, the last writer wins",
	},
	{
		.option = DMA_OPTION,
		.summary = "longest time that any CPU may take to wake up, held by the daemon; no selector",
		.unit = "us",
		.bounds = "0..1999999999, or none",
		.risk = 1,
		.effect = EFFECT_NOW,
		.counter = "cpuidle/stateN/usage of the deeper states stands still",
		.changes = "",
		.source = "Documentation/power/pm_qos_interface.rst",
		.traps = "acts on housekeeping CPUs too and costs turbo headroom: resume_latency_us is the finer tool; "
		         "gone when "
			"the descriptor is closed; not applicable in standalone mode",
	},
};

static int pmqos_explain(size_t i, struct knob_doc *ret)
{
	if (i >= ARRAY_LEN(docs))
		return -ENOENT;
	*ret = docs[i];
	return 0;
}

const struct knob knob_pmqos = {
	.name = "pmqos",
	.summary = "limits on the time that CPUs may take to wake up",
	.selector = "cpulist, or * for all; empty for cpu_dma_latency_us",
	.list = pmqos_list,
	.parse = pmqos_parse,
	.read = pmqos_read,
	.write = pmqos_write,
	.verify = pmqos_verify,
	.explain = pmqos_explain,
};
