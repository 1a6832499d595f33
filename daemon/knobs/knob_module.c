/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob module: parameters of the kernel's modules, in the spelling of the kernel command line ("zswap.enabled"). Must
 * not touch a parameter that is not in the table, and never load a module: what is not loaded lacks its parameters.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/knobs/row_macros.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

extern const struct knob knob_module;

#define MODULES "/sys/module/"
#define OF(module, parameter) .path = MODULES module "/parameters/" parameter
#define DAMON_RST "Documentation/admin-guide/mm/damon/"
#define HALTPOLL_RST "Documentation/virt/guest-halt-polling.rst"
#define PARAMETERS_TXT "Documentation/admin-guide/kernel-parameters.txt"

static const struct row rows[] = {
	{ OPT("clocksource.verify_n_cpus", 1, NOW,
	      "CPUs whose clocks are compared when one is found wanting; -1 is all"),
	  OF("clocksource", "verify_n_cpus"), INT(-1, 8192, "CPUs"), COUNTER("'CPUs ... ahead of' in the kernel log"),
	  SOURCE(PARAMETERS_TXT), TRAPS("each comparison interrupts a CPU, isolated ones too; 0 compares none") },
	{ OPT("damon_lru_sort.enabled", 1, SLOW, "sort the page lists by access"), OF("damon_lru_sort", "enabled"), YN,
	  COUNTER("the thread kdamond.0"), SOURCE(DAMON_RST "lru_sort.rst") },
	{ OPT("damon_reclaim.enabled", 1, SLOW, "reclaim memory that nobody uses before it is needed"),
	  OF("damon_reclaim", "enabled"), YN, COUNTER("the thread kdamond.0"), SOURCE(DAMON_RST "reclaim.rst") },
	{ OPT("haltpoll.guest_halt_poll_allow_shrink", 1, NOW,
	      "let a guest poll for less time when polling is in vain"),
	  OF("haltpoll", "guest_halt_poll_allow_shrink"), YN, COUNTER("usage of cpuidle/state0"), SOURCE(HALTPOLL_RST),
	  TRAPS("guests with the haltpoll governor only") },
	{ OPT("haltpoll.guest_halt_poll_ns", 1, NOW, "longest time that a guest polls before it halts"),
	  OF("haltpoll", "guest_halt_poll_ns"), INT(0, 10000000, "ns"),
	  COUNTER("time of cpuidle/state0; exits seen by the host"), SOURCE(HALTPOLL_RST),
	  TRAPS("guests with the haltpoll governor only") },
	{ OPT("kvm.halt_poll_ns", 1, NEW_CONNECTIONS,
	      "longest time that the host polls before a halted guest CPU sleeps"),
	  OF("kvm", "halt_poll_ns"), INT(0, 10000000, "ns"), COUNTER("halt_successful_poll in /sys/kernel/debug/kvm"),
	  SOURCE("Documentation/virt/kvm/halt-polling.rst"),
	  TRAPS("guests that run keep the time they were started with, in older kernels") },
	{ OPT("pcie_aspm.policy", 1, NOW, "power saving of PCIe links"), OF("pcie_aspm", "policy"),
	  SELECT("default|performance|powersave|powersupersave"), COUNTER("ASPM in LnkCtl of lspci -vv"),
	  SOURCE("drivers/pci/pcie/aspm.c"),
	  TRAPS("EPERM where the firmware keeps control, and with pcie_aspm=off, which leaves the links as the "
	        "firmware set them; link/*_aspm of the devices follow") },
	{ OPT("workqueue.cpu_intensive_thresh_us", 1, NOW,
	      "time after which work on a bound worker lets others start; 0 is never"),
	  OF("workqueue", "cpu_intensive_thresh_us"), INT(0, 1000000, "us"),
	  COUNTER("'hogged CPU' in the kernel log"), SOURCE(PARAMETERS_TXT), TRAPS("since Linux 6.5") },
	{ OPT("workqueue.default_affinity_scope", 1, NOW, "how near to where it was queued unbound work is done"),
	  OF("workqueue", "default_affinity_scope"), WORDS("cpu|smt|cache|numa|system"),
	  COUNTER("kworker/u* threads on other CPUs"), SOURCE("Documentation/core-api/workqueue.rst"),
	  TRAPS("since Linux 6.6; queues whose affinity_scope is `default` follow") },
	{ OPT("zswap.enabled", 1, NOW, "keep swapped pages compressed in memory"), OF("zswap", "enabled"), YN,
	  COUNTER("zswpin and zswpout in /proc/vmstat"), SOURCE("Documentation/admin-guide/mm/zswap.rst"),
	  TRAPS("pages that are compressed stay so; turned on for the first time it makes a pool, which stays") },
};

static const struct row_table table = { "module", rows, ARRAY_LEN(rows) };

static int module_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                       struct hft_err *err)
{
	const struct row *row = row_find(&table, option);
	char dir[64], why[96];

	if (!row)
		return row_unknown_option(table.knob, option, err);
	if (selector[0] != '\0')
		return row_no_selector(option, selector, err);
	int len = (int)strcspn(row->option, ".");
	snprintf(dir, sizeof(dir), MODULES "%.*s", len, row->option);
	if (fsio_exists(c->fs, dir))
		return row_add(c, row->option, row->path, ret, err);
	snprintf(why, sizeof(why), "the module %.*s is not loaded", len, row->option);
	return knob_objects_add(ret, row->option, NULL, why, err);
}

static int module_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                        struct strbuf *ret, struct hft_err *err)
{
	return row_parse(&table, c, key, option, value, ret, err);
}

static int module_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	return row_read(&table, c, key, ret, err);
}

static int module_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	return row_write(&table, c, key, value, err);
}

static int module_explain(size_t i, struct knob_doc *ret)
{
	return row_explain(&table, i, ret);
}

const struct knob knob_module = {
	.name = "module",
	.summary = "parameters of kernel modules that are loaded",
	.selector = "",
	.list = module_list,
	.parse = module_parse,
	.read = module_read,
	.write = module_write,
	.explain = module_explain,
};
