/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registry of knobs, and what holds for every option of every knob. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/unit/daemon/knobs/cputree.h"

static void knobs_are_found_by_name_and_rank(void **state)
{
	(void)state;
	assert_true(n_knobs > 0);
	for (size_t i = 0; i < n_knobs; i++) {
		assert_ptr_equal(knob_find(knobs[i]->name), knobs[i]);
		assert_int_equal(knob_rank(knobs[i]), (int)i);
	}
	assert_null(knob_find("shell"));
	assert_null(knob_find(""));
	assert_null(knob_find(NULL));
}

/* A THP switch rewrites vm.min_free_kbytes, and masks of workers come before interrupts. */
static void the_order_is_that_of_the_catalogue(void **state)
{
	(void)state;
	assert_true(knob_rank(knob_find("vm")) < knob_rank(knob_find("sysctl")));
	assert_true(knob_rank(knob_find("sysctl")) < knob_rank(knob_find("cpufreq")));
	assert_true(knob_rank(knob_find("workqueue")) < knob_rank(knob_find("irq")));
}

static void every_knob_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_knobs; i++) {
		const struct knob *k = knobs[i];
		assert_true(k->list && k->parse && k->read && k->write && k->explain);
		assert_true(k->name[0] != '\0' && k->summary[0] != '\0');
		assert_non_null(k->selector);
	}
}

static void every_option_explains_itself(void **state)
{
	struct knob_doc d;

	(void)state;
	for (size_t k = 0; k < n_knobs; k++) {
		size_t n = 0;
		for (; knobs[k]->explain(n, &d) == 0; n++) {
			if (d.option[0] == '\0' || d.summary[0] == '\0' || d.unit[0] == '\0' || d.bounds[0] == '\0' ||
			    d.source[0] == '\0')
				fail_msg("%s row %zu (%s) leaves something out", knobs[k]->name, n, d.option);
			assert_non_null(d.counter);
			assert_non_null(d.changes);
			assert_non_null(d.traps);
			assert_in_range(d.risk, 0, 4);
		}
		assert_true(n > 0);
		assert_int_equal(knobs[k]->explain(n, &d), -ENOENT);
		assert_int_equal(knobs[k]->explain(n + 1000, &d), -ENOENT);
	}
}

/* What runs programs, takes protection away, panics, reboots, or acts once. */
static const char *const forbidden[] = {
	"kernel.core_pattern", "kernel.core_pipe_limit", "kernel.modprobe", "kernel.hotplug", "kernel.poweroff_cmd",
	"kernel.sysrq", "kernel.modules_disabled", "kernel.kexec_load_disabled", "kernel.panic*", "kernel.*_panic",
	"kernel.oops_limit", "kernel.warn_limit", "kernel.randomize_va_space", "kernel.unprivileged_bpf_disabled",
	"kernel.unprivileged_userns_clone", "kernel.usermodehelper.*", "kernel.yama.*", "kernel.kptr_restrict",
	"kernel.dmesg_restrict", "kernel.tainted", "kernel.cad_pid", "kernel.ctrl-alt-del", "kernel.hostname",
	"kernel.domainname", "kernel.ns_last_pid", "kernel.pid_max", "kernel.sysctl_writes_strict", "kernel.acct",
	"kernel.ftrace_dump_on_oops", "kernel.seccomp.*", "fs.binfmt_misc*", "fs.suid_dumpable", "fs.protected_*",
	"vm.panic_on_oom", "vm.mmap_min_addr", "vm.mmap_rnd*", "vm.legacy_va_layout", "vm.drop_caches",
	"vm.compact_memory", "vm.stat_refresh", "vm.nr_hugepages*", "vm.nr_overcommit_hugepages",
	"vm.unprivileged_userfaultfd", "vm.memfd_noexec", "net.core.bpf_jit_harden", "net.core.bpf_jit_kallsyms",
	"net.ipv4.ip_forward", "net.ipv4.conf.*.forwarding", "net.ipv4.tcp_fastopen_key", "net.ipv4.route.flush",
	"net.ipv4.ip_unprivileged_port_start", "net.ipv6.conf.*.stable_secret", "net.ipv6.conf.*.disable_ipv6",
};

static void what_could_hurt_is_not_offered(void **state)
{
	const struct knob *sysctl = knob_find("sysctl");
	struct knob_doc d;

	(void)state;
	for (size_t i = 0; sysctl->explain(i, &d) == 0; i++)
		for (size_t f = 0; f < ARRAY_LEN(forbidden); f++)
			if (str_match(forbidden[f], d.option))
				fail_msg("%s is on the list", d.option);
}

/* Every "KNOB:KEY" that a row says it changes is of a knob that exists, and of an option that it has. */
static void changes_name_what_exists(void **state)
{
	static const char *const row_knobs[] = { "sysctl", "sysfs" };
	struct knob_doc d;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(row_knobs); k++) {
		const struct knob *knob = knob_find(row_knobs[k]);
		for (size_t i = 0; knob->explain(i, &d) == 0; i++) {
			CLEANUP(strlist_done) struct strlist changes = {0};
			assert_int_equal(strlist_split(&changes, d.changes, ","), 0);
			for (size_t n = 0; n < changes.n; n++) {
				char *colon = strchr(changes.s[n], ':');
				assert_non_null(colon);
				*colon = '\0';
				assert_non_null(knob_find(changes.s[n] + strspn(changes.s[n], " ")));
			}
		}
	}
}

/* --- settings that no object of this host bears ------------------------------------------------------------------- */

/* As a profile has them under conditions that do not hold here, or for what the machine lacks. */
static const struct {
	const char *knob, *option, *value, *expected; /* canonical text, or the code of the error */
} unseen[] = {
	{ "sysctl", "vm.swappiness", "10", "10" },
	{ "sysctl", "vm/swappiness", "201", ERR_OUT_OF_BOUNDS },
	{ "sysctl", "vm.swappiness", "ten", ERR_INVALID_PROFILE },
	{ "sysctl", "vm.dirty_bytes", "4096", ERR_OUT_OF_BOUNDS },
	{ "sysctl", "net.ipv4.conf.eth9.rp_filter", "3", ERR_OUT_OF_BOUNDS },
	{ "sysctl", "net.ipv4.conf.*.rp_filter", "2", "2" },
	{ "sysctl", "net.ipv4.tcp_congestion_control", "elsewhere", "elsewhere" },
	{ "sysctl", "net.ipv4.tcp_congestion_control", "a b", ERR_INVALID_PROFILE },
	{ "sysctl", "vm.min_free_kbytes", "1000000", "1000000" }, /* of which host? */
	{ "sysctl", "kernel.watchdog_cpumask", "4000", "4000" },
	{ "sysctl", "kernel.watchdog_cpumask", "2-1", ERR_INVALID_PROFILE },
	{ "sysctl", "kernel.watchdog_cpumask", "0-99999999999", ERR_OUT_OF_BOUNDS },
	{ "sysfs", "lru_gen.enabled", "0x8", ERR_OUT_OF_BOUNDS },
	{ "sysfs", "pcie_aspm.policy", "fast", ERR_INVALID_PROFILE },
	{ "vm", "thp.enabled", "inherit", "inherit" }, /* of one size */
	{ "vm", "thp.enabled", "perhaps", ERR_INVALID_PROFILE },
	{ "vm", "hugepages", "1024", "1024" },
	{ "vm", "hugepages", "-1", ERR_OUT_OF_BOUNDS },
	{ "workqueue", "cpumask", "0-3", "0-3" },
	{ "workqueue", "nice", "20", ERR_OUT_OF_BOUNDS },
	{ "cpufreq", "governor", "performance", "performance" },
	{ "cpufreq", "governor", "7;rm", ERR_INVALID_PROFILE },
	{ "cpufreq", "min_khz", "abc", ERR_INVALID_PROFILE },
	{ "cpufreq", "boost", "2", ERR_OUT_OF_BOUNDS },
	{ "cpufreq", "energy_perf_bias", "power", "15" },
	{ "cpufreq", "pstate_status", "fast", ERR_OUT_OF_BOUNDS },
	{ "cpuidle", "max_latency_us", "abc", ERR_INVALID_PROFILE },
	{ "cpuidle", "disable", "C6, C1E", "C6, C1E" },
	{ "cpuidle", "disable", ",", ERR_INVALID_PROFILE },
	{ "pmqos", "cpu_dma_latency_us", "10ms", ERR_INVALID_PROFILE },
	{ "pmqos", "cpu_dma_latency_us", "2000000000", ERR_OUT_OF_BOUNDS },
	{ "pmqos", "resume_latency_us", "2000000000", "2000000000" },
	{ "irq", "affinity", "64-127", "64-127" },
	{ "irq", "affinity", "3-1", ERR_INVALID_PROFILE },
	{ "irq", "default_smp_affinity", "", ERR_INVALID_PROFILE },
	{ "conffile", "server.num_shards", "4096", "4096" },
	{ "conffile", "server..num_shards", "4096", ERR_INVALID_PROFILE },
	{ "conffile", "server.num_shards", "", ERR_INVALID_PROFILE },
	{ "redis", "maxmemory", "1gb", "1073741824" },
	{ "redis", "hz", "0", ERR_OUT_OF_BOUNDS },
	{ "redis", "server_cpulist", "64-127", "64-127" },
};

static void values_are_judged_without_an_object(void **state)
{
	struct cputree *t = cputree_new();

	(void)state;
	cputree_read(t);
	for (size_t i = 0; i < ARRAY_LEN(unseen); i++)
		assert_string_equal(parsed(t, knob_find(unseen[i].knob), NULL, unseen[i].option, unseen[i].value),
		                    unseen[i].expected);
	for (size_t k = 0; k < n_knobs; k++)
		assert_string_equal(parsed(t, knobs[k], NULL, "no such.option", "1"), ERR_INVALID_PROFILE);
	cputree_free(t);
}

/* --- what every knob uses ----------------------------------------------------------------------------------------- */

static void objects_are_copied(void **state)
{
	struct knob_objects l = {0};
	struct hft_err err = {0};
	char key[] = "key";

	(void)state;
	assert_int_equal(knob_objects_add(&l, key, "label", NULL, &err), 0);
	assert_int_equal(knob_objects_add(&l, "other", NULL, "lacking", &err), 0);
	key[0] = 'X';
	assert_int_equal(l.n, 2);
	assert_string_equal(l.o[0].key, "key");
	assert_string_equal(l.o[0].label, "label");
	assert_null(l.o[0].na);
	assert_null(l.o[1].label);
	assert_string_equal(l.o[1].na, "lacking");
	knob_objects_done(&l);
	assert_int_equal(l.n, 0);
	knob_objects_done(&l);
}

static const char *fake_value;

static int fake_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	(void)c;
	if (!fake_value)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "gone");
	strbuf_reset(ret);
	strbuf_add(ret, fake_value);
	return 0;
}

static void verify_is_equality_of_what_is_read(void **state)
{
	const struct knob k = { .name = "fake", .read = fake_read };
	struct knob_verdict v = {0};
	struct hft_err err = {0};

	(void)state;
	fake_value = "10";
	assert_int_equal(knob_verify(&k, NULL, "x", "10", &v, &err), 0);
	assert_int_equal(v.state, KNOB_OK);
	assert_string_equal(strbuf_str(&v.found), "10");
	assert_int_equal(knob_verify(&k, NULL, "x", "100", &v, &err), 0);
	assert_int_equal(v.state, KNOB_DRIFT);
	fake_value = NULL;
	assert_int_equal(knob_verify(&k, NULL, "x", "10", &v, &err), -ENOENT);
	assert_string_equal(err.code, ERR_NOT_APPLICABLE);
	knob_verdict_done(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knobs_are_found_by_name_and_rank),
		cmocka_unit_test(the_order_is_that_of_the_catalogue),
		cmocka_unit_test(every_knob_is_whole),
		cmocka_unit_test(every_option_explains_itself),
		cmocka_unit_test(what_could_hurt_is_not_offered),
		cmocka_unit_test(changes_name_what_exists),
		cmocka_unit_test(values_are_judged_without_an_object),
		cmocka_unit_test(objects_are_copied),
		cmocka_unit_test(verify_is_equality_of_what_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
