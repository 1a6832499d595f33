/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/nic_bits.c: features and private flags by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/daemon/knobs/nickernel.h"

#define TSO ETH0 "feature.tx-tcp-segmentation"

static int setup(void **state)
{
	kernel_setup(state);
	kernel.bits[0] = (struct kernel_bit){"tx-tcp-segmentation", true, false, true, false};
	kernel.bits[1] = (struct kernel_bit){"rx-gro", true, false, true, true};
	kernel.bits[2] = (struct kernel_bit){"rx-vlan-filter", false, false, true, true};
	kernel.bits[3] = (struct kernel_bit){"tx-from-the-future", true, false, false, true};
	return 0;
}

static void a_feature_is_what_it_is_and_what_was_asked(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_nic, ETH0 "feature.rx-gro"), "on");
	assert_string_equal(value_now(t, &knob_nic, TSO), "off [requested on]");
	assert_string_equal(value_now(t, &knob_nic, ETH0 "feature.tx-from-the-future"), "on [requested off]");
	assert_int_equal(judged(t, &knob_nic, TSO, "off [requested on]"), KNOB_OK);
	assert_int_equal(judged(t, &knob_nic, TSO, "on"), KNOB_DRIFT);
	assert_string_not_equal(t->verdict.reason, "");
	assert_int_equal(judged(t, &knob_nic, TSO, "off"), KNOB_DRIFT); /* it would come back with what holds it */
	assert_int_equal(judged(t, &knob_nic, ETH0 "feature.rx-gro", "off"), KNOB_DRIFT);
	assert_string_equal(t->verdict.reason, "");
}

static void the_request_is_written(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_nic, TSO, "off"), "");
	assert_int_equal(kernel.change.command, ETHTOOL_MSG_FEATURES_SET);
	assert_int_equal(kernel.change.attr, ETHTOOL_A_FEATURES_WANTED);
	assert_string_equal(kernel.change.name, "tx-tcp-segmentation");
	assert_int_equal(kernel.change.value, 0);
	assert_string_equal(written(t, &knob_nic, TSO, "on"), "");
	assert_int_equal(kernel.change.value, 1);
	assert_string_equal(written(t, &knob_nic, TSO, "on [requested off]"), "");
	assert_int_equal(kernel.change.value, 0);
	assert_string_equal(written(t, &knob_nic, TSO, "off [requested on]"), "");
	assert_int_equal(kernel.change.value, 1);
}

static void fixed_features_are_not_applicable(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_nic, "eth0", "feature.rx-vlan-filter"), ETH0 "feature.rx-vlan-filter(na)");
	kernel.bits[2].hw = true;
	assert_string_equal(listed(t, &knob_nic, "eth0", "feature.rx-vlan-filter"), ETH0 "feature.rx-vlan-filter");
	kernel.bits[2].nochange = true;
	assert_string_equal(listed(t, &knob_nic, "eth0", "feature.rx-vlan-filter"), ETH0 "feature.rx-vlan-filter(na)");
}

static void names_that_no_kernel_has_are_refused(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_nic, "eth0", "feature.rx-lro"), ETH0 "feature.rx-lro(na)");
	assert_string_equal(listed(t, &knob_nic, "eth0", "feature.gro"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_nic, "eth0", "feature.generic-receive-offload"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_nic, "eth0", "feature.*"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_nic, TSO, "feature.tx-tcp-segmentation", "1"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_nic, TSO, "feature.tx-tcp-segmentation", "on"), "on");
}

static void private_flags_are_the_driver_s(void **state)
{
	struct cputree *t = *state;

	kernel.bits[0] = (struct kernel_bit){.name = "rx_cqe_compress", .active = true};
	kernel.bits[1] = (struct kernel_bit){.name = "rx_striding_rq"};
	assert_string_equal(value_now(t, &knob_nic, ETH0 "priv.rx_cqe_compress"), "on");
	assert_string_equal(value_now(t, &knob_nic, ETH0 "priv.rx_striding_rq"), "off");
	assert_string_equal(listed(t, &knob_nic, "eth0", "priv.legacy-rx"), ETH0 "priv.legacy-rx(na)");
	assert_string_equal(written(t, &knob_nic, ETH0 "priv.rx_striding_rq", "on"), "");
	assert_int_equal(kernel.change.command, ETHTOOL_MSG_PRIVFLAGS_SET);
	assert_int_equal(kernel.change.attr, ETHTOOL_A_PRIVFLAGS_FLAGS);
	assert_string_equal(kernel.change.name, "rx_striding_rq");
	assert_int_equal(kernel.change.value, 1);
	kernel.set_error = EINVAL;
	kernel.text = "HW timestamping is not supported together with it";
	assert_string_equal(written(t, &knob_nic, ETH0 "priv.rx_cqe_compress", "on"), ERR_WRITE_FAILED);
	kernel.get_error = EOPNOTSUPP;
	assert_string_equal(listed(t, &knob_nic, "eth0", "priv.rx_cqe_compress"), ETH0 "priv.rx_cqe_compress(na)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_feature_is_what_it_is_and_what_was_asked, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(the_request_is_written, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(fixed_features_are_not_applicable, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(names_that_no_kernel_has_are_refused, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(private_flags_are_the_driver_s, setup, kernel_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
