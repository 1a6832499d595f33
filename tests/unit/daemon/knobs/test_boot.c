/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_boot.c and the files boot_{rows,value,line,effect}.c; of GRUB here is no more than a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "daemon/knobs/boot.h"
#include "lib/base/cpuset.h"
#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_boot;

#define OURS "/etc/default/grub.d/zz-hfttune.cfg"
#define CMDLINE "/proc/cmdline"
#define BOOTED "BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro quiet"
#define CPU_DIR "/sys/devices/system/cpu/"
#define POOL_1G "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages"
#define NODE(n) "/sys/devices/system/node/node" n "/"

static void mode(const struct cputree *t, const char *path, mode_t bits)
{
	char full[256];

	assert_int_equal(chmod(cputree_real(t, path, full), bits), 0);
}

static void put_mode(const struct cputree *t, const char *path, const char *text, mode_t bits)
{
	put(t, path, text);
	mode(t, path, bits);
}

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	put(t, "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"");
	put(t, "/boot/grub/grub.cfg", "### BEGIN /etc/grub.d/10_linux ###");
	put(t, CMDLINE, BOOTED);
	put(t, "/proc/cpuinfo", "vendor_id\t: GenuineIntel");
	put(t, "/proc/meminfo", "MemTotal:       16777216 kB\nMemFree:        16000000 kB");
	put_mode(t, CPU_DIR "isolated", "", 0444);
	put_mode(t, CPU_DIR "nohz_full", "(null)", 0444);
	put_mode(t, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never", 0644);
	put_mode(t, "/sys/module/rcutree/parameters/use_softirq", "Y", 0444);
	put_mode(t, CPU_DIR "smt/control", "notsupported", 0644);
	put_mode(t, POOL_1G, "0", 0644);
	put(t, "/sys/devices/system/node/online", "0-1");
	for (char n = '0'; n < '2'; n++) {
		char path[128];
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%c/meminfo", n);
		put(t, path, n == '0' ? "Node 0 MemTotal: 8388608 kB\nNode 0 MemFree: 8000000 kB"
		                      : "Node 1 MemTotal: 8388608 kB\nNode 1 MemFree: 8000000 kB");
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%c/cpulist", n);
		put(t, path, n == '0' ? "0-1" : "2-3");
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%c/distance", n);
		put(t, path, n == '0' ? "10 20" : "20 10");
	}
	cputree_read(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

static const char *value(struct cputree *t, const char *option, const char *text)
{
	return parsed(t, &knob_boot, option, option, text);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* I4: what says what is booted, from where, or who may load what. */
static void what_guards_the_boot_cannot_be_named(void **state)
{
	static const char *const never[] = {
		"init", "rdinit", "root", "rootflags", "rootfstype", "ro", "rw", "resume", "initrd", "noinitrd", "selinux",
		"enforcing", "apparmor", "security", "lsm", "lockdown", "module.sig_enforce", "module_blacklist", "modprobe",
		"single", "1", "S", "rescue", "emergency", "recovery", "systemd.debug-shell", "systemd.debug_shell",
		"systemd.unit", "systemd.mask", "systemd.wants", "systemd.run", "systemd.setenv", "rd.break", "rd.shell",
		"efi", "acpi", "console", "panic", "kexec", "kgdboc", "ima_appraise", "evm", "integrity", "nokaslr", "pti",
		"nopti", "spectre_v2", "debugfs", "sysctl.kernel.modprobe", "netconsole", "ip", "nfsroot", "mem", "memmap",
	};

	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		assert_null(boot_row(never[i]));
		for (size_t k = 0; k < n_boot_rows; k++)
			assert_false(boot_names(never[i], boot_rows[k].prefix));
		assert_string_equal(listed(*state, &knob_boot, "", never[i]), ERR_INVALID_PROFILE);
	}
}

/* Every value that a row takes must come out of the line again, and the line must be plain for shells and loaders. */
static void rows_are_sound(void **state)
{
	CLEANUP(strbuf_done) struct strbuf line = { 0 };
	CLEANUP(strbuf_done) struct strbuf back = { 0 };

	(void)state;
	for (size_t i = 0; i < n_boot_rows; i++) {
		const struct boot_row *row = &boot_rows[i];
		size_t len = strlen(row->prefix);
		assert_true(boot_line_is_plain(row->prefix));
		assert_true(row->words == NULL || boot_line_is_plain(row->words) || strchr(row->words, '|') != NULL);
		assert_int_equal(row->prefix[len - 1] == '=', row->form != BOOT_FLAG);
		assert_int_equal(row->words != NULL, row->form == BOOT_WORD || row->form == BOOT_WORDS);
		assert_ptr_equal(boot_row(row->option), row); /* no name twice */
		for (size_t k = 0; k < n_boot_rows; k++)
			if (k != i && row->form != BOOT_PAGES)
				assert_false(boot_names(row->prefix, boot_rows[k].prefix));
		const char *text = row->form == BOOT_FLAG ? "yes" : "X1";
		boot_line_with("nohz=on skew_tick=1", row, text, &line);
		boot_value_in(strbuf_str(&line), row, &back);
		assert_string_equal(strbuf_str(&back), text);
		assert_true(row->barrier == NULL || row->traps != NULL);
	}
}

/* The parameters that the issue and the catalogue name. */
static void the_table_is_complete(void **state)
{
	static const char *const names[] = {
		"isolcpus", "nohz_full", "rcu_nocbs", "rcu_nocb_poll", "irqaffinity", "skew_tick", "nohz", "nosmt",
		"mitigations", "idle", "intel_idle.max_cstate", "processor.max_cstate", "intel_pstate", "amd_pstate",
		"nowatchdog", "nosoftlockup", "nmi_watchdog", "mce", "tsc", "clocksource", "audit", "transparent_hugepage",
		"default_hugepagesz", "hugepages.2M", "hugepages.1G", "numa_balancing", "threadirqs", "preempt",
		"pcie_aspm.policy", "iommu", "intel_iommu", "split_lock_detect", "psi", "init_on_alloc",
		"randomize_kstack_offset", "workqueue.unbound_cpus", "workqueue.power_efficient",
		"rcupdate.rcu_normal_after_boot", "rcutree.nohz_full_patience_delay", "rcutree.use_softirq",
		"rcutree.kthread_prio", "rcutree.enable_rcu_lazy", "cpufreq.default_governor", "hpet", "nox2apic",
		"acpi_irq_nobalance", "processor.ignore_ppc", "cgroup_no_v1", "systemd.unified_cgroup_hierarchy", "rdt",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (boot_row(names[i]) == NULL)
			fail_msg("no row %s", names[i]);
}

static void what_the_machine_lacks_is_not_applicable(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_boot, "", "isolcpus"), "isolcpus");
	assert_string_equal(listed(t, &knob_boot, "", "amd_pstate"), "amd_pstate(na)");
	assert_string_equal(listed(t, &knob_boot, "", "intel_pstate"), "intel_pstate(na)"); /* no scaling_driver */
	assert_string_equal(listed(t, &knob_boot, "", "mce"), "mce(na)");
	take_away(t, CPU_DIR "nohz_full");
	assert_string_equal(listed(t, &knob_boot, "", "nohz_full"), "nohz_full(na)");
	assert_string_equal(listed(t, &knob_boot, "cpu0", "isolcpus"), ERR_INVALID_PROFILE);
	take_away(t, "/boot/grub/grub.cfg");
	assert_string_equal(listed(t, &knob_boot, "", "isolcpus"), ERR_NO_MATCH);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static void values_are_made_canonical(void **state)
{
	static const struct {
		const char *option, *text, *canonical;
	} rows[] = {
		{ "nohz_full", "3,2", "2-3" },
		{ "isolcpus", "2,3", "2-3" },
		{ "isolcpus", "managed_irq,domain,2,3", "managed_irq,domain,2-3" },
		{ "isolcpus", "domain,managed_irq,3", "domain,managed_irq,3" },
		{ "skew_tick", "1", "1" },
		{ "nosoftlockup", "yes", "yes" },
		{ "mitigations", "auto,nosmt", "auto,nosmt" },
		{ "rdt", "mba,cmt", "cmt,mba" },
		{ "hugepages.1G", "4", "4" },
		{ "hugepages.1G", "0:2,1:3", "0:2,1:3" },
		{ "slub_debug", "-", "-" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(value(*state, rows[i].option, rows[i].text), rows[i].canonical);
}

static void other_values_are_refused(void **state)
{
	static const struct {
		const char *option, *text, *code;
	} rows[] = {
		{ "nohz_full", "", ERR_INVALID_PROFILE },
		{ "nohz_full", "4", ERR_OUT_OF_BOUNDS }, /* not present */
		{ "nohz_full", "9999", ERR_OUT_OF_BOUNDS },
		{ "nohz_full", "2-", ERR_INVALID_PROFILE },
		{ "nohz_full", "all", ERR_INVALID_PROFILE },
		{ "nohz_full", "0-3:1/2", ERR_INVALID_PROFILE },
		{ "nohz_full", "2 init=/bin/sh", ERR_INVALID_PROFILE },
		{ "isolcpus", "managed_irq", ERR_INVALID_PROFILE },
		{ "isolcpus", "managed_irq,", ERR_INVALID_PROFILE },
		{ "isolcpus", "unknown,2", ERR_INVALID_PROFILE },
		{ "skew_tick", "2", ERR_OUT_OF_BOUNDS },
		{ "skew_tick", "x", ERR_INVALID_PROFILE },
		{ "nosoftlockup", "1", ERR_INVALID_PROFILE },
		{ "idle", "poll|halt", ERR_INVALID_PROFILE },
		{ "idle", "", ERR_INVALID_PROFILE },
		{ "idle", "pol", ERR_INVALID_PROFILE },
		{ "mitigations", "nosmt", ERR_INVALID_PROFILE },
		{ "rdt", "cmt,root", ERR_INVALID_PROFILE },
		{ "rdt", ",", ERR_INVALID_PROFILE },
		{ "hugepages.1G", "15", ERR_OUT_OF_BOUNDS }, /* of 16 GiB a tenth stays */
		{ "hugepages.1G", "0:8", ERR_OUT_OF_BOUNDS },
		{ "hugepages.1G", "2:1", ERR_OUT_OF_BOUNDS }, /* no such node */
		{ "hugepages.1G", "1:2,0:2", ERR_INVALID_PROFILE },
		{ "hugepages.1G", "0:2,0:2", ERR_INVALID_PROFILE },
		{ "hugepages.1G", "4,", ERR_INVALID_PROFILE },
		{ "hugepages.1G", "4,5", ERR_INVALID_PROFILE },
		{ "hugepages.1G", "4,0:5", ERR_INVALID_PROFILE },
		{ "hugepages.1G", "0:7,1", ERR_INVALID_PROFILE },
		{ "hugepages.1G", "18446744073709551615", ERR_OUT_OF_BOUNDS },
		{ "hugepages.1G", "-1", ERR_INVALID_PROFILE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(value(*state, rows[i].option, rows[i].text), rows[i].code) != 0)
			fail_msg("%s = %s: %s", rows[i].option, rows[i].text, value(*state, rows[i].option, rows[i].text));
}

/* I1, I4: nothing that a shell or a loader reads as something else gets through any form. */
static void hostile_values_are_refused(void **state)
{
	static const char *const hostile[] = {
		"2\nGRUB_TERMINAL=x", "2\r", "2'", "2'; reboot; '", "2\"", "$(reboot)", "`reboot`", "2\\", "2;x", "2|x", "2&x",
		"2>x", "2<x", "(2)", "2#x", "2*", "2?", "~2", "2!", "2 init=/bin/sh", "2\tx", "\xc3\xa9", "on'", "1 1", "%n",
	};

	for (size_t i = 0; i < n_boot_rows; i++)
		for (size_t k = 0; k < ARRAY_LEN(hostile); k++) {
			const char *code = value(*state, boot_rows[i].option, hostile[k]);
			if (strcmp(code, ERR_INVALID_PROFILE) != 0 && strcmp(code, ERR_OUT_OF_BOUNDS) != 0)
				fail_msg("%s = %s: %s", boot_rows[i].option, hostile[k], code);
		}
	/* And should a record be forged: the writer looks once more. */
	assert_string_equal(written(*state, &knob_boot, "isolcpus", "2'; reboot; '"), ERR_WRITE_FAILED);
	assert_string_equal(written(*state, &knob_boot, "isolcpus", "2\nx"), ERR_WRITE_FAILED);
	assert_string_equal(written(*state, &knob_boot, "init", "/bin/sh"), ERR_NOT_APPLICABLE);
}

static void somebody_else_set_it(void **state)
{
	struct cputree *t = *state;

	put(t, "/etc/default/grub", "# isolcpus=1\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet isolcpus=1\"");
	assert_string_equal(value(t, "isolcpus", "2-3"), ERR_CONFLICT);
	assert_non_null(strstr(t->err.msg, "/etc/default/grub:2"));
	assert_string_equal(value(t, "nohz_full", "2-3"), "2-3");
}

static void barriers_are_known(void **state)
{
	(void)state;
	assert_non_null(knob_boot.barrier("mitigations", "off"));
	assert_null(knob_boot.barrier("mitigations", "auto,nosmt"));
	assert_non_null(knob_boot.barrier("init_on_alloc", "0"));
	assert_null(knob_boot.barrier("init_on_alloc", "1"));
	assert_null(knob_boot.barrier("isolcpus", "2"));
}

static void clashes_are_known(void **state)
{
	static const struct {
		const char *a, *a_value, *b, *b_value;
		bool clash;
	} rows[] = {
		{ "nohz", "off", "nohz_full", "2-3", true },
		{ "nohz", "on", "nohz_full", "2-3", false },
		{ "irqaffinity", "0-1", "isolcpus", "managed_irq,domain,2-3", false },
		{ "irqaffinity", "0-2", "isolcpus", "managed_irq,domain,2-3", true },
		{ "workqueue.unbound_cpus", "0-2", "nohz_full", "2", true },
		{ "isolcpus", "nohz,domain,2", "nohz_full", "2-3", true },
		{ "isolcpus", "managed_irq,nohz,2", "nohz_full", "2-3", true },
		{ "isolcpus", "nohz,domain,2-3", "nohz_full", "2-3", false },
		{ "isolcpus", "domain,2", "nohz_full", "2-3", false },
		{ "isolcpus", "2", "nohz_full", "2-3", false },
		{ "hpet", "disable", "clocksource", "hpet", true },
		{ "hpet", "disable", "clocksource", "tsc", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(rows[i].clash,
		                 knob_boot.clash(rows[i].a, rows[i].a_value, rows[i].b, rows[i].b_value) != NULL);
		assert_int_equal(rows[i].clash,
		                 knob_boot.clash(rows[i].b, rows[i].b_value, rows[i].a, rows[i].a_value) != NULL);
	}
}

static void isolated_cpus_are_told(void **state)
{
	struct cpuset set, want;

	(void)state;
	assert_int_equal(cpuset_parse("2-3", &want, NULL), 0);
	knob_boot.isolates("isolcpus", "managed_irq,domain,2-3", &set);
	assert_true(cpuset_equal(&set, &want));
	knob_boot.isolates("nohz_full", "2-3", &set);
	assert_true(cpuset_equal(&set, &want));
	knob_boot.isolates("irqaffinity", "2-3", &set);
	assert_true(cpuset_is_empty(&set));
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static void parameters_are_found_as_the_kernel_finds_them(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };

	(void)state;
	assert_true(boot_find("a isolcpus=1 isolcpus=2-3 b", "isolcpus=", &b));
	assert_string_equal(strbuf_str(&b), "2-3"); /* the last one */
	assert_false(boot_find("xisolcpus=1 isolcpus", "isolcpus=", &b));
	assert_false(boot_find("nohz_full=1", "nohz=", &b));
	assert_true(boot_find("nosmt", "nosmt", &b));
	assert_false(boot_find("nosmt=force", "nosmt", &b));
	assert_true(boot_names("nosmt=force", "nosmt"));
	assert_true(boot_find("rcu-nocbs=1", "rcu_nocbs=", &b)); /* '-' is '_' */
	assert_string_equal(strbuf_str(&b), "1");
	assert_false(boot_find("ro -- isolcpus=1", "isolcpus=", &b)); /* that is for init */
	assert_true(boot_find("hugepagesz=2M hugepages=8 hugepagesz=1G hugepages=4", "hugepagesz=1G hugepages=", &b));
	assert_string_equal(strbuf_str(&b), "4");
	assert_true(boot_names("hugepages=8", "hugepagesz=1G hugepages="));
	assert_false(boot_names("default_hugepagesz=1G", "hugepagesz=1G hugepages="));
	assert_false(boot_names("", "isolcpus="));
}

static void lines_keep_the_order_of_the_table(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_boot, "hugepages.1G", "4"), "");
	assert_string_equal(written(t, &knob_boot, "nosoftlockup", "yes"), "");
	assert_string_equal(written(t, &knob_boot, "isolcpus", "2-3"), "");
	assert_string_equal(written(t, &knob_boot, "hugepages.2M", "8"), "");
	put(t, "/tmp/x", ""); /* nothing but ours is looked at */
	CLEANUP(strbuf_done) struct strbuf line = { 0 };
	assert_int_equal(boot_grub.staged(&t->c, &line, &t->err), 0);
	assert_string_equal(strbuf_str(&line),
	                    "isolcpus=2-3 nosoftlockup hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=8");
	assert_string_equal(value_now(t, &knob_boot, "hugepages.1G"), "4");
	assert_string_equal(value_now(t, &knob_boot, "nosoftlockup"), "yes");
	assert_string_equal(value_now(t, &knob_boot, "nohz_full"), "");
	assert_string_equal(written(t, &knob_boot, "nosoftlockup", ""), "");
	assert_int_equal(boot_grub.staged(&t->c, &line, &t->err), 0);
	assert_string_equal(strbuf_str(&line), "isolcpus=2-3 hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=8");
}

static void a_line_that_the_kernel_would_cut_is_refused(void **state)
{
	struct cputree *t = *state;
	char booted[BOOT_LINE_MAX + 2 - sizeof(" isolcpus=2") + 1];

	memset(booted, 'x', sizeof(booted) - 1);
	booted[sizeof(booted) - 1] = '\0';
	put(t, CMDLINE, booted); /* with blank and parameter one more than the kernel takes */
	assert_string_equal(written(t, &knob_boot, "isolcpus", "2"), ERR_WRITE_FAILED);
	assert_int_equal(t->err.sys, E2BIG);
	put(t, CMDLINE, booted + 1);
	assert_string_equal(written(t, &knob_boot, "isolcpus", "2"), "");
}

/* --- verdicts ----------------------------------------------------------------------------------------------------- */

static void staged_is_pending_until_the_next_boot(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(judged(t, &knob_boot, "nohz_full", "2-3"), KNOB_DRIFT);
	assert_string_equal(t->verdict.reason, "/etc/default/grub.d/zz-hfttune.cfg does not have it");
	assert_string_equal(written(t, &knob_boot, "nohz_full", "2-3"), "");
	assert_int_equal(judged(t, &knob_boot, "nohz_full", "2"), KNOB_DRIFT);
	assert_string_equal(t->verdict.reason, "/etc/default/grub.d/zz-hfttune.cfg says otherwise");
	assert_int_equal(judged(t, &knob_boot, "nohz_full", "2-3"), KNOB_PENDING);
	assert_string_equal(t->verdict.reason, "reboot");
	put(t, CMDLINE, BOOTED " nohz_full=2-3");
	put_mode(t, CPU_DIR "nohz_full", "2-3", 0444);
	assert_int_equal(judged(t, &knob_boot, "nohz_full", "2-3"), KNOB_OK);
	assert_string_equal(written(t, &knob_boot, "nohz_full", ""), "");
	assert_int_equal(judged(t, &knob_boot, "nohz_full", ""), KNOB_PENDING);
	put(t, CMDLINE, BOOTED);
	assert_int_equal(judged(t, &knob_boot, "nohz_full", ""), KNOB_OK);
}

static void stage(struct cputree *t, const char *option, const char *text)
{
	CLEANUP(strbuf_done) struct strbuf line = { 0 };

	assert_string_equal(written(t, &knob_boot, option, text), "");
	boot_line_with("", boot_row(option), text, &line);
	char booted[256];
	snprintf(booted, sizeof(booted), BOOTED " %s", strbuf_str(&line));
	put(t, CMDLINE, booted);
}

/* A file that nobody can write: the kernel did not take it. One that can be written: the next boot brings it back. */
static void the_effect_is_what_the_kernel_shows(void **state)
{
	static const struct {
		const char *option, *text, *file, *shows;
		mode_t mode;
		int verdict;
	} rows[] = {
		{ "nohz_full", "2-3", CPU_DIR "nohz_full", "(null)", 0444, KNOB_DRIFT },
		{ "nohz_full", "2-3", CPU_DIR "nohz_full", "2,3", 0444, KNOB_OK },
		{ "isolcpus", "managed_irq,domain,2-3", CPU_DIR "isolated", "2-3", 0444, KNOB_OK },
		{ "isolcpus", "managed_irq,domain,2-3", CPU_DIR "isolated", "2", 0444, KNOB_DRIFT },
		{ "isolcpus", "managed_irq,2-3", CPU_DIR "isolated", "", 0444, KNOB_OK }, /* the file is not about that */
		{ "rcutree.use_softirq", "0", "/sys/module/rcutree/parameters/use_softirq", "N", 0444, KNOB_OK },
		{ "rcutree.use_softirq", "0", "/sys/module/rcutree/parameters/use_softirq", "Y", 0444, KNOB_DRIFT },
		{ "transparent_hugepage", "never", "/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]",
		  0644, KNOB_OK },
		{ "transparent_hugepage", "never", "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never",
		  0644, KNOB_PENDING },
		{ "nosmt", "yes", CPU_DIR "smt/control", "off", 0644, KNOB_OK },
		{ "nosmt", "yes", CPU_DIR "smt/control", "notsupported", 0644, KNOB_OK },
		{ "nosmt", "yes", CPU_DIR "smt/control", "on", 0644, KNOB_PENDING },
		{ "hugepages.1G", "4", POOL_1G, "4", 0644, KNOB_OK },
		{ "hugepages.1G", "4", POOL_1G, "3", 0644, KNOB_PENDING },
		{ "hugepages.1G", "4", POOL_1G, "6", 0644, KNOB_OK }, /* somebody added some */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cputree *t = *state;
		stage(t, rows[i].option, rows[i].text);
		mode(t, rows[i].file, 0644);
		put_mode(t, rows[i].file, rows[i].shows, rows[i].mode);
		int v = judged(t, &knob_boot, rows[i].option, rows[i].text);
		if (v != rows[i].verdict)
			fail_msg("row %zu: %d: %s", i, v, t->verdict.reason);
		assert_int_equal(v != KNOB_OK, strstr(t->verdict.reason, rows[i].file) != NULL);
		assert_string_equal(written(t, &knob_boot, rows[i].option, ""), "");
	}
}

static void pages_are_counted_by_node(void **state)
{
	struct cputree *t = *state;

	stage(t, "hugepages.1G", "0:1,1:3");
	put(t, POOL_1G, "4");
	put(t, NODE("0") "hugepages/hugepages-1048576kB/nr_hugepages", "2");
	put(t, NODE("1") "hugepages/hugepages-1048576kB/nr_hugepages", "2");
	assert_int_equal(judged(t, &knob_boot, "hugepages.1G", "0:1,1:3"), KNOB_PENDING);
	put(t, NODE("1") "hugepages/hugepages-1048576kB/nr_hugepages", "3");
	assert_int_equal(judged(t, &knob_boot, "hugepages.1G", "0:1,1:3"), KNOB_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_guards_the_boot_cannot_be_named, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_are_sound, setup, teardown),
		cmocka_unit_test_setup_teardown(the_table_is_complete, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_machine_lacks_is_not_applicable, setup, teardown),
		cmocka_unit_test_setup_teardown(values_are_made_canonical, setup, teardown),
		cmocka_unit_test_setup_teardown(other_values_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_values_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(somebody_else_set_it, setup, teardown),
		cmocka_unit_test_setup_teardown(barriers_are_known, setup, teardown),
		cmocka_unit_test_setup_teardown(clashes_are_known, setup, teardown),
		cmocka_unit_test_setup_teardown(isolated_cpus_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(parameters_are_found_as_the_kernel_finds_them, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_keep_the_order_of_the_table, setup, teardown),
		cmocka_unit_test_setup_teardown(a_line_that_the_kernel_would_cut_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(staged_is_pending_until_the_next_boot, setup, teardown),
		cmocka_unit_test_setup_teardown(the_effect_is_what_the_kernel_shows, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_are_counted_by_node, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
