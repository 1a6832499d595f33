/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of other tools, and how they are seen to run. Must change nothing. */
#include "daemon/knobs/others.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/knobs/knob.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define WRITES(...) .writes = (const char *const[]){ __VA_ARGS__, NULL }

#define FREQUENCIES "cpufreq:*"
#define KSM "vm:ksm.*"
#define THP "vm:thp.*", "vm:khugepaged.*"

const struct other others[] = {
	{ .unit = "auto-cpufreq.service", .name = "auto-cpufreq",
	  WRITES("cpufreq:* governor", "cpufreq:* energy_*", "cpufreq:* max_khz", "cpufreq:* min_khz", "cpufreq:*boost"),
	  .what = "governors, limits and boost, every few seconds", .source = "auto_cpufreq/core.py" },
	{ .unit = "cpufrequtils.service", .name = "cpufrequtils", WRITES(FREQUENCIES), .at_start = true,
	  .what = "governors and limits, when it is started", .source = "/etc/init.d/cpufrequtils" },
	{ .unit = "cpupower.service", .name = "cpupower", WRITES(FREQUENCIES), .at_start = true,
	  .what = "governors and limits, when it is started and stopped", .source = "cpupower.service" },
	{ .unit = "irqbalance.service", .name = "irqbalance", WRITES("irq:*"),
	  .what = "affinities of interrupts, every 10 s", .source = "irqbalance(1)" },
	{ .unit = "ksm.service", .name = "ksmctl", WRITES(KSM), .at_start = true,
	  .what = "KSM, when it is started and stopped", .source = "ksm.service" },
	{ .unit = "ksmtuned.service", .name = "ksmtuned", WRITES(KSM), .what = "KSM, every minute",
	  .source = "/usr/sbin/ksmtuned" },
	{ .unit = "laptop-mode.service", .name = "laptop-mode-tools", WRITES("sysctl:vm.*", FREQUENCIES, "block:* read_ahead_kb"),
	  .at_start = true, .what = "writeback, governors and disks, when it is started and when power comes or goes",
	  .source = "laptop-mode.conf(8)" },
	{ .unit = "numad.service", .name = "numad", WRITES("sysctl:kernel.numa_balancing*", "vm:khugepaged.*"),
	  .what = "NUMA balancing and khugepaged; moves processes and their memory", .source = "numad(8)" },
	{ .unit = "power-profiles-daemon.service", .name = "power-profiles-daemon",
	  WRITES("cpufreq:* governor", "cpufreq:* energy_*", "cpufreq:*boost", "sysfs:*platform_profile*"),
	  .what = "preferences, governors and boost, when the profile or the power supply changes",
	  .source = "power-profiles-daemon's ppd-driver-intel-pstate.c" },
	{ .unit = "thermald.service", .name = "thermald", WRITES("cpufreq:* max_khz", "cpufreq:max_perf_pct", "cpufreq:*boost"),
	  .what = "the highest frequency and turbo, by temperature", .source = "thermald(8)" },
	{ .unit = "tlp.service", .name = "TLP",
	  WRITES(FREQUENCIES, "block:* scheduler", "sysctl:vm.*", "sysctl:kernel.nmi_watchdog", "sysfs:* power.control",
	         "module:pcie_aspm.policy"),
	  .at_start = true, .what = "much, when it is started and when power comes or goes", .source = "tlp(8)" },
	{ .unit = "tuned-ppd.service", .name = "tuned-ppd", WRITES(FREQUENCIES),
	  .what = "TuneD's profile, and with it governors, when somebody asks for another power profile",
	  .source = "tuned-ppd(8)" },
	{ .unit = "tuned.service", .name = "TuneD",
	  WRITES("sysctl:*", THP, FREQUENCIES, "cpuidle:*", "pmqos:*", "irq:*", "workqueue:*", "sysfs:*", "module:*",
	         "block:*", "nic:*", "irqbalance:*"),
	  .what = "whatever its profile says, at start, when devices come, and now and then", .source = "tuned.conf(5)",
	  .told_by = "/etc/tuned/active_profile", .takes = "tuned-ppd.service", .undoes = true },
};

const size_t n_others = ARRAY_LEN(others);

static int compare(const void *unit, const void *other)
{
	return strcmp(unit, ((const struct other *)other)->unit);
}

const struct other *other_find(const char *unit)
{
	return bsearch(unit, others, n_others, sizeof(*others), compare);
}

void other_active_path(const char *unit, char ret[static OTHER_PATH_MAX])
{
	snprintf(ret, OTHER_PATH_MAX, "/run/systemd/units/invocation:%s", unit);
}

bool other_is_active(const struct knob_ctx *c, const char *unit)
{
	char path[OTHER_PATH_MAX];

	other_active_path(unit, path);
	return fsio_exists(c->fs, path);
}

bool other_is_busy(const struct knob_ctx *c, const struct other *o)
{
	CLEANUP(strbuf_done) struct strbuf told = { 0 };

	if (o->at_start || !other_is_active(c, o->unit))
		return false;
	if (o->told_by == NULL || fsio_probe(c->fs, o->told_by, &told) < 0)
		return true;
	strbuf_trim(&told);
	return told.len > 0;
}

bool other_writes(const struct other *o, const char *knob, const char *key)
{
	size_t len = strlen(knob);

	for (const char *const *w = o->writes; *w != NULL; w++)
		if (strncmp(*w, knob, len) == 0 && (*w)[len] == ':' && str_match(*w + len + 1, key))
			return true;
	return false;
}
