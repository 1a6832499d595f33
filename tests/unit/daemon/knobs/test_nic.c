/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_nic.c, nic_device.c and nic_files.c: names of devices, and what /sys holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/unit/daemon/knobs/nictree.h"

extern const struct knob knob_nic;

#define ETH0 "pci-0000:3b:00.0"
#define QUEUES NET "eth0/queues/"

static int setup(void **state)
{
	*state = nictree_new();
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

static const char *lists(void **state, const char *selector, const char *option)
{
	return listed(*state, &knob_nic, selector, option);
}

static void keys_name_the_device_and_not_the_interface(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(lists(state, "eth0", "threaded"), ETH0 " threaded");
	assert_string_equal(t->objects.o[0].label, "eth0");
	assert_string_equal(lists(state, "eth1", "threaded"), ETH0 " port-1 threaded");
	assert_string_equal(lists(state, "eth2", "threaded"), "eth2 threaded"); /* shares its port with eth3 */
	assert_null(t->objects.o[0].label);
	assert_string_equal(lists(state, "v0", "threaded"), "v0 threaded");
}

static void selectors_are_names_addresses_drivers(void **state)
{
	assert_string_equal(lists(state, TWO_PORTS, "threaded"), ETH0 " threaded|" ETH0 " port-1 threaded");
	assert_string_equal(lists(state, "driver:mlx5_core", "threaded"), ETH0 " threaded");
	assert_string_equal(lists(state, "device:0000:5e:* nic:eth3", "threaded"), "eth3 threaded");
	assert_string_equal(lists(state, "eth[23]", "threaded"), "eth2 threaded|eth3 threaded");
	assert_string_equal(lists(state, "*", "threaded"),
	                    ETH0 " threaded|" ETH0 " port-1 threaded|eth2 threaded|eth3 threaded|v0 threaded");
	assert_string_equal(lists(state, "lo", "threaded"), "lo threaded");
	assert_string_equal(lists(state, "eth9", "threaded"), ERR_NO_MATCH);
	assert_string_equal(lists(state, "driver:ice", "threaded"), ERR_NO_MATCH);
	assert_string_equal(lists(state, "driver:ice*", "threaded"), "");
	assert_string_equal(lists(state, "", "threaded"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "driver:", "threaded"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "eth0", "rx-usecs"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "eth0", "feature."), ERR_INVALID_PROFILE);
}

static void a_renamed_interface_keeps_its_key(void **state)
{
	struct cputree *t = *state;
	char from[256], to[256];

	assert_string_equal(written(t, &knob_nic, ETH0 " tx_queue_len", "500"), "");
	assert_holds(t, NET "eth0/tx_queue_len", "500");
	/* Its name goes to another one, all in one moment. */
	cputree_real(t, NET "eth0", from);
	assert_int_equal(rename(from, cputree_real(t, NET "fast0", to)), 0);
	assert_int_equal(rename(cputree_real(t, NET "v0", to), from), 0);
	assert_string_equal(written(t, &knob_nic, ETH0 " tx_queue_len", "600"), "");
	assert_holds(t, NET "fast0/tx_queue_len", "600");
	assert_holds(t, NET "eth0/tx_queue_len", "1000");
	take_away(t, NET "fast0");
	assert_string_equal(written(t, &knob_nic, ETH0 " tx_queue_len", "700"), ERR_NOT_APPLICABLE);
	assert_string_equal(value_now(t, &knob_nic, ETH0), ERR_NOT_APPLICABLE);
	assert_string_equal(value_now(t, &knob_nic, "eth2 nonsense"), ERR_NOT_APPLICABLE);
}

static void a_copied_tree_has_no_driver_to_ask(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(lists(state, "eth0", "rings.rx"), ETH0 " rings.rx(na)");
	assert_string_equal(lists(state, "eth0", "feature.rx-gro"), ETH0 " feature.rx-gro(na)");
	assert_string_equal(lists(state, "eth0", "rss.indir"), ETH0 " rss.indir(na)");
	assert_non_null(strstr(t->objects.o[0].na, "copied tree")); /* and not what this machine's eth0 says */
	assert_string_equal(written(t, &knob_nic, ETH0 " rings.rx", "512"), ERR_NOT_APPLICABLE);
}

static void one_value_is_for_all_queues(void **state)
{
	struct cputree *t = *state;
	const char *key = ETH0 " rps_cpus";

	assert_string_equal(value_now(t, &knob_nic, key), "none");
	assert_string_equal(parsed(t, &knob_nic, key, "rps_cpus", "1,0"), "0-1");
	assert_string_equal(parsed(t, &knob_nic, key, "rps_cpus", "none"), "none");
	assert_string_equal(written(t, &knob_nic, key, "0-1"), "");
	assert_holds(t, QUEUES "rx-0/rps_cpus", "3");
	assert_holds(t, QUEUES "rx-3/rps_cpus", "3");
	assert_string_equal(value_now(t, &knob_nic, key), "0-1");
	assert_string_equal(written(t, &knob_nic, key, "none"), "");
	assert_holds(t, QUEUES "rx-2/rps_cpus", "0");
	assert_string_equal(parsed(t, &knob_nic, ETH0 " rps_flow_cnt", "rps_flow_cnt", "4096"), "4096");
	assert_string_equal(written(t, &knob_nic, ETH0 " rps_flow_cnt", "4096"), "");
	assert_holds(t, QUEUES "rx-1/rps_flow_cnt", "4096");
}

static void queues_can_have_values_of_their_own(void **state)
{
	struct cputree *t = *state;
	const char *key = ETH0 " xps_cpus";

	assert_string_equal(parsed(t, &knob_nic, key, "xps_cpus", "3:none 0:2 2:1,0 1:2"), "0-1:2 2:0-1 3:none");
	assert_string_equal(written(t, &knob_nic, key, "0-1:2 2:0-1 3:none"), "");
	assert_holds(t, QUEUES "tx-1/xps_cpus", "4");
	assert_holds(t, QUEUES "tx-2/xps_cpus", "3");
	assert_holds(t, QUEUES "tx-3/xps_cpus", "0");
	assert_string_equal(value_now(t, &knob_nic, key), "0-1:2 2:0-1 3:none");
	/* Those that are not named are left alone, and not judged. */
	assert_string_equal(written(t, &knob_nic, key, "1:0"), "");
	assert_string_equal(value_now(t, &knob_nic, key), "0:2 1:0 2:0-1 3:none");
	assert_int_equal(judged(t, &knob_nic, key, "1:0"), KNOB_OK);
	assert_int_equal(judged(t, &knob_nic, key, "1:2"), KNOB_DRIFT);
	assert_int_equal(judged(t, &knob_nic, key, "0"), KNOB_DRIFT);
}

static void bad_values_are_refused(void **state)
{
	static const struct {
		const char *option, *value, *code;
	} bad[] = {
		{"rps_cpus", "", ERR_INVALID_PROFILE},          {"rps_cpus", "0:", ERR_INVALID_PROFILE},
		{"rps_cpus", "0:1 0:2", ERR_INVALID_PROFILE},   {"rps_cpus", "0:1 2", ERR_INVALID_PROFILE},
		{"rps_cpus", "0 1", ERR_INVALID_PROFILE},       {"rps_cpus", ":1", ERR_INVALID_PROFILE},
		{"rps_cpus", "x:1", ERR_INVALID_PROFILE},       {"rps_cpus", "0:9", ERR_OUT_OF_BOUNDS},
		{"rps_cpus", "9", ERR_OUT_OF_BOUNDS},           {"rps_flow_cnt", "none", ERR_INVALID_PROFILE},
		{"rps_flow_cnt", "1000", ERR_OUT_OF_BOUNDS},    {"threaded", "2", ERR_OUT_OF_BOUNDS},
		{"threaded", "0:1", ERR_INVALID_PROFILE},       {"gro_flush_timeout", "-1", ERR_OUT_OF_BOUNDS},
		{"tx_queue_len", "1k", ERR_INVALID_PROFILE},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(mem_freep) char *key = str_printf(ETH0 " %s", bad[i].option);
		assert_string_equal(parsed(*state, &knob_nic, key, bad[i].option, bad[i].value), bad[i].code);
	}
}

/* Fewer channels: the queues go, their directories with them. */
static void drop_queue(const struct cputree *t, int queue)
{
	static const char *const rx[] = { "/rps_cpus", "/rps_flow_cnt", "" };
	char path[160], full[256];

	for (size_t i = 0; i < ARRAY_LEN(rx); i++) {
		snprintf(path, sizeof(path), QUEUES "rx-%d%s", queue, rx[i]);
		assert_int_equal(remove(cputree_real(t, path, full)), 0);
	}
}

static void what_a_queue_held_waits_until_it_is_there(void **state)
{
	struct cputree *t = *state;
	const char *key = ETH0 " rps_cpus", *original = "0-1:none 2-3:2";

	assert_string_equal(written(t, &knob_nic, key, original), "");
	drop_queue(t, 2);
	drop_queue(t, 3);
	assert_string_equal(value_now(t, &knob_nic, key), "none");
	assert_int_equal(judged(t, &knob_nic, key, original), KNOB_PENDING);
	assert_string_equal(written(t, &knob_nic, key, original), "");
	assert_int_equal(judged(t, &knob_nic, key, "none"), KNOB_OK);
	/* A queue that differs is drift, whatever the others wait for. */
	assert_int_equal(judged(t, &knob_nic, key, "0:1 2:2"), KNOB_DRIFT);
	put(t, QUEUES "rx-2/rps_cpus", "0");
	put(t, QUEUES "rx-3/rps_cpus", "0");
	assert_int_equal(judged(t, &knob_nic, key, original), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_nic, key, original), "");
	assert_holds(t, QUEUES "rx-3/rps_cpus", "4");
	assert_int_equal(judged(t, &knob_nic, key, original), KNOB_OK);
}

static void a_device_without_queues_has_no_such_setting(void **state)
{
	struct cputree *t = *state;

	put_nic(t, "virtual", "dummy0", "0", 0);
	host_forget_devices(t->host);
	assert_string_equal(lists(state, "dummy0", "rps_cpus"), "dummy0 rps_cpus(na)");
	take_away(t, NET "dummy0/threaded");
	assert_string_equal(lists(state, "dummy0", "threaded"), "dummy0 threaded(na)");
}

/* --- what goes along, and in which order -------------------------------------------------------------------------- */

static int collect(void *data, const char *knob, const char *key, struct hft_err *err)
{
	(void)err;
	strbuf_addf(data, "%s:%s;", knob, key);
	return 0;
}

static bool takes_along(struct cputree *t, const char *key, const char *other)
{
	CLEANUP(strbuf_done) struct strbuf all = {0};

	assert_int_equal(knob_nic.coupled(&t->c, key, collect, &all, &t->err), 0);
	return strstr(strbuf_str(&all), other) != NULL;
}

static void put_irq(const struct cputree *t)
{
	put(t, "/sys/kernel/irq/40/chip_name", "PCI-MSIX-" TWO_PORTS);
	put(t, "/sys/kernel/irq/40/hwirq", "3");
	put(t, "/sys/kernel/irq/40/actions", "mlx5_comp2");
	put(t, "/proc/irq/40/smp_affinity_list", "0-3");
}

static void channels_take_queues_and_interrupts_along(void **state)
{
	struct cputree *t = *state;
	const char *key = ETH0 " channels.combined";

	put_irq(t);
	assert_true(takes_along(t, key, "nic:" ETH0 " rps_cpus;"));
	assert_true(takes_along(t, key, "nic:" ETH0 " xps_cpus;"));
	assert_true(takes_along(t, key, "nic:" ETH0 " rss.indir;"));
	assert_true(takes_along(t, key, "nic:" ETH0 " channels.rx;"));
	assert_true(takes_along(t, key, "nic:" ETH0 " coalesce.rx-usecs;"));
	assert_true(takes_along(t, key, "irq:pci-0000:3b:00.0 msi-3;"));
	assert_false(takes_along(t, key, "channels.combined;"));
	assert_false(takes_along(t, "v0 channels.rx", "irq:"));
	assert_false(takes_along(t, ETH0 " coalesce.adaptive-rx", "irq:"));
	assert_true(takes_along(t, ETH0 " coalesce.adaptive-rx", "nic:" ETH0 " coalesce.rx-usecs;"));
	assert_true(takes_along(t, ETH0 " priv.legacy-rx", "nic:" ETH0 " rings.rx;"));
	assert_true(takes_along(t, ETH0 " feature.tx-checksum-ipv4", "nic:" ETH0 " feature.tx-tcp-segmentation;"));
	assert_false(takes_along(t, ETH0 " feature.rx-gro", "nic:"));
	/* Rollback asks about devices that are gone, too. */
	assert_true(takes_along(t, "pci-0000:99:00.0 channels.rx", "nic:pci-0000:99:00.0 rps_cpus;"));
}

static void what_resets_comes_first(void **state)
{
	static const char *const order[] = {
		"pause.autoneg", "pause.rx", "eee.enabled", "channels.rx", "rings.tx", "priv.x", "feature.rx-gro",
		"coalesce.adaptive-tx", "coalesce.rx-usecs", "rss.indir", "ntuple.3", "tx_queue_len", "threaded", "rps_cpus",
	};
	int before = -1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		CLEANUP(mem_freep) char *key = str_printf("eth0 %s", order[i]);
		if (knob_nic.order(key) <= before)
			fail_msg("%s comes too early", order[i]);
		before = knob_nic.order(key);
	}
}

static void every_row_explains_itself(void **state)
{
	struct knob_doc d;
	size_t n = 0;

	(void)state;
	while (knob_nic.explain(n, &d) == 0)
		n++;
	assert_int_equal(n, 36);
	assert_explained(&knob_nic, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_name_the_device_and_not_the_interface, setup, teardown),
		cmocka_unit_test_setup_teardown(selectors_are_names_addresses_drivers, setup, teardown),
		cmocka_unit_test_setup_teardown(a_renamed_interface_keeps_its_key, setup, teardown),
		cmocka_unit_test_setup_teardown(a_copied_tree_has_no_driver_to_ask, setup, teardown),
		cmocka_unit_test_setup_teardown(one_value_is_for_all_queues, setup, teardown),
		cmocka_unit_test_setup_teardown(queues_can_have_values_of_their_own, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_values_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_queue_held_waits_until_it_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(a_device_without_queues_has_no_such_setting, setup, teardown),
		cmocka_unit_test_setup_teardown(channels_take_queues_and_interrupts_along, setup, teardown),
		cmocka_unit_test(what_resets_comes_first),
		cmocka_unit_test(every_row_explains_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
