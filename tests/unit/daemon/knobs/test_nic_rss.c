/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/nic_rss.c, with an adapter whose table has 8 entries and whose key has 4 bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/ethtool.h>

#include "daemon/knobs/nic.h"
#include "tests/unit/daemon/knobs/nickernel.h"

#define TABLE ETH0 "rss.indir"
#define KEY ETH0 "rss.hkey"
#define N_TABLE 8
#define N_KEY 4
#define SYMMETRIC 3 /* a byte that older kernels want as they gave it, and newer ones read (input_xfrm) */

static struct adapter {
	int error, reset_error;
	uint32_t n_rings, n_table;
	uint32_t table[N_TABLE], own[N_TABLE]; /* own: what an empty table asks for */
	uint8_t key[N_KEY];
	unsigned n_sets, n_resets;
} adapter;

static int get_rxfh(struct ethtool_rxfh *x)
{
	bool all = x->indir_size == adapter.n_table && x->key_size == N_KEY;

	if (!all && (x->indir_size || x->key_size))
		return -EINVAL;
	x->indir_size = adapter.n_table;
	x->key_size = N_KEY;
	x->hfunc = 1;
	x->rsvd8[0] = SYMMETRIC;
	if (all) {
		memcpy(x->rss_config, adapter.table, adapter.n_table * sizeof(uint32_t));
		memcpy(x->rss_config + adapter.n_table, adapter.key, N_KEY);
	}
	return 0;
}

/* net/ethtool/ioctl.c, ethtool_set_rxfh */
static int set_rxfh(const struct ethtool_rxfh *x)
{
	bool keep = x->indir_size == ETH_RXFH_INDIR_NO_CHANGE;

	if (x->rsvd8[0] != SYMMETRIC || x->hfunc != 0 || (keep && !x->key_size) || (x->key_size && x->key_size != N_KEY))
		return -EINVAL;
	if (!x->indir_size && adapter.reset_error)
		return -adapter.reset_error;
	if (x->indir_size && !keep && x->indir_size != N_TABLE)
		return -EINVAL;
	for (uint32_t i = 0; x->indir_size == N_TABLE && i < N_TABLE; i++)
		if (x->rss_config[i] >= adapter.n_rings)
			return -EINVAL;
	if (!x->indir_size)
		memcpy(adapter.table, adapter.own, sizeof(adapter.table));
	else if (!keep)
		memcpy(adapter.table, x->rss_config, sizeof(adapter.table));
	if (x->key_size)
		memcpy(adapter.key, x->rss_config + (keep ? 0 : x->indir_size), N_KEY);
	adapter.n_sets++;
	adapter.n_resets += !x->indir_size;
	return 0;
}

int nic_ioctl(const char *name, void *command)
{
	struct ethtool_rxnfc *rings = command;

	assert_string_equal(name, "eth0");
	if (adapter.error)
		return -adapter.error;
	switch (*(uint32_t *)command) {
	case ETHTOOL_GRXRINGS:
		rings->data = adapter.n_rings;
		return 0;
	case ETHTOOL_GRSSH:
		return get_rxfh(command);
	case ETHTOOL_SRSSH:
		return set_rxfh(command);
	default:
		return -EOPNOTSUPP;
	}
}

static void fill(uint32_t *table, uint32_t queues)
{
	for (uint32_t i = 0; i < N_TABLE; i++)
		table[i] = i % queues;
}

static int setup(void **state)
{
	kernel_setup(state);
	kernel.get_error = EOPNOTSUPP; /* no word about channels, unless a test says so */
	adapter = (struct adapter){.n_rings = 4, .n_table = N_TABLE, .key = {0x6d, 0x5a, 0x00, 0xff}};
	fill(adapter.table, 4);
	fill(adapter.own, 4);
	return 0;
}

static void tables_read_as_they_are_written(void **state)
{
	static const struct {
		const char *given, *canonical;
	} forms[] = {
		{"equal 4", "equal 4"},
		{"equal 1", "equal 1"},
		{"equal 3", "equal 3"},
		{"equal 2 start 2", "equal 2 start 2"},
		{"equal 1 start 3", "equal 1 start 3"},
		{"weight 6 1 1", "table 0*6 1*1 2*1"},
		{"weight 1 1", "table 0*4 1*4"},
		{"weight 0 1 0 1", "table 1*4 3*4"},
		{"weight 1", "equal 1"},
		{"table 3*2 0*6", "table 3*2 0*6"},
		{"table 0*1 1*1 0*1 1*1 0*1 1*1 0*1 1*1", "equal 2"},
	};
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_string_equal(parsed(t, &knob_nic, TABLE, "rss.indir", forms[i].given), forms[i].canonical);
		assert_string_equal(written(t, &knob_nic, TABLE, forms[i].canonical), "");
		assert_string_equal(value_now(t, &knob_nic, TABLE), forms[i].canonical);
	}
	assert_memory_equal(adapter.key, "\x6d\x5a\x00\xff", N_KEY);
}

static void tables_that_make_no_sense_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "equal", "equal 0", "equal 2 start", "equal 2 from 1", "weight", "weight 0 0", "weight x",
		"table 0*7", "table 0*9", "table 0", "table *8", "4", "spread 4",
	};
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_string_equal(parsed(t, &knob_nic, TABLE, "rss.indir", bad[i]), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_nic, TABLE, "rss.indir", "equal 5"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_nic, TABLE, "rss.indir", "equal 2 start 3"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(written(t, &knob_nic, TABLE, "equal 5"), ERR_WRITE_FAILED);
	/* The same plan may make more channels. */
	kernel.get_error = 0;
	kernel.numbers[0] = (struct kernel_number){ETHTOOL_A_CHANNELS_COMBINED_MAX, 0, 8};
	assert_string_equal(parsed(t, &knob_nic, TABLE, "rss.indir", "equal 5"), "equal 5");
}

/* A table that was set keeps the number of channels from falling; the driver's own does not. */
static void all_queues_in_turn_is_the_driver_s_own(void **state)
{
	struct cputree *t = *state;

	fill(adapter.table, 2);
	assert_string_equal(written(t, &knob_nic, TABLE, "equal 4"), "");
	assert_int_equal(adapter.n_sets, 1);
	assert_int_equal(adapter.n_resets, 1);
	assert_string_equal(value_now(t, &knob_nic, TABLE), "equal 4");
	assert_string_equal(written(t, &knob_nic, TABLE, "equal 2"), "");
	assert_int_equal(adapter.n_resets, 1);
}

static void another_driver_s_own_is_not_taken_for_it(void **state)
{
	struct cputree *t = *state;

	fill(adapter.own, 1);
	assert_string_equal(written(t, &knob_nic, TABLE, "equal 4"), "");
	assert_string_equal(value_now(t, &knob_nic, TABLE), "equal 4");
	adapter.reset_error = EOPNOTSUPP;
	fill(adapter.table, 2);
	assert_string_equal(written(t, &knob_nic, TABLE, "equal 4"), "");
	assert_string_equal(value_now(t, &knob_nic, TABLE), "equal 4");
}

static void the_key_leaves_the_table_alone(void **state)
{
	struct cputree *t = *state;

	fill(adapter.table, 3);
	assert_string_equal(value_now(t, &knob_nic, KEY), "6d:5a:00:ff");
	assert_string_equal(parsed(t, &knob_nic, KEY, "rss.hkey", "6D:5A:6D:5A"), "6d:5a:6d:5a");
	assert_string_equal(written(t, &knob_nic, KEY, "6d:5a:6d:5a"), "");
	assert_memory_equal(adapter.key, "\x6d\x5a\x6d\x5a", N_KEY);
	assert_string_equal(value_now(t, &knob_nic, TABLE), "equal 3");
	assert_string_equal(parsed(t, &knob_nic, KEY, "rss.hkey", "6d:5a:6d"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_nic, KEY, "rss.hkey", "6d:5a:6d:5a:6d"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_nic, KEY, "rss.hkey", "6d:5a:6d:zz"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_nic, KEY, "rss.hkey", "6d:5a::6d:5"), ERR_INVALID_PROFILE);
}

static void a_device_without_has_none(void **state)
{
	struct cputree *t = *state;

	adapter.n_table = 0;
	assert_string_equal(listed(t, &knob_nic, "eth0", "rss.indir"), TABLE "(na)");
	assert_string_equal(listed(t, &knob_nic, "eth0", "rss.hkey"), KEY);
	adapter.error = EOPNOTSUPP;
	assert_string_equal(listed(t, &knob_nic, "eth0", "rss.hkey"), KEY "(na)");
	assert_string_equal(written(t, &knob_nic, KEY, "6d:5a:6d:5a"), ERR_NOT_APPLICABLE);
	adapter.error = EPERM;
	assert_string_equal(value_now(t, &knob_nic, TABLE), ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tables_read_as_they_are_written, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(tables_that_make_no_sense_are_refused, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(all_queues_in_turn_is_the_driver_s_own, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(another_driver_s_own_is_not_taken_for_it, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(the_key_leaves_the_table_alone, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(a_device_without_has_none, setup, kernel_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
