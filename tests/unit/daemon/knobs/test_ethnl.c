/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/ethnl.c against the kernel that runs: questions about lo, which anybody may ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "daemon/host/host.h"
#include "daemon/knobs/ethnl.h"
#include "daemon/knobs/nic.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

static struct host_nic lo = { .name = (char[]){"lo"}, .driver = (char[]){""}, .device = (char[]){""} };

/* The family is there since Linux 5.6. */
static bool is_old_kernel(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%d.%d", &major, &minor), 2);
	return major < 5 || (major == 5 && minor < 6);
}

static int ask(struct ethnl_answer *a, int ifindex, uint8_t command, struct hft_err *err)
{
	const struct nic_at at = { .nic = &lo, .ifindex = ifindex };
	char buf[NIC_MESSAGE_MAX] __attribute__((aligned(MNL_ALIGNTO)));
	int r = ethnl_ask(nic_message(buf, &at, command), a, err);

	if (r == -ENOENT && is_old_kernel())
		skip();
	return r;
}

static void an_answer_has_its_attributes(void **state)
{
	struct ethnl_answer a = {0};
	struct hft_err err = {0};

	(void)state;
	assert_int_equal(ask(&a, 1, ETHTOOL_MSG_FEATURES_GET, &err), 0);
	assert_int_equal(a.error, 0);
	assert_non_null(a.reply);
	assert_non_null(nic_attr(&a, ETHTOOL_A_FEATURES_ACTIVE));
	assert_null(nic_attr(&a, 99));
	ethnl_answer_done(&a);
}

static void a_refusal_is_an_answer(void **state)
{
	struct ethnl_answer a = {0};
	struct hft_err err = {0};

	(void)state;
	assert_int_equal(ask(&a, 1, ETHTOOL_MSG_RINGS_GET, &err), 0);
	assert_int_equal(a.error, EOPNOTSUPP);
	assert_null(a.reply);
	assert_int_equal(ask(&a, 1 << 30, ETHTOOL_MSG_FEATURES_GET, &err), 0);
	assert_int_equal(a.error, ENODEV);
	assert_string_not_equal(a.text, ""); /* the extended acknowledgement came through */
	assert_int_equal(ask(&a, 1, 250, &err), 0);
	assert_int_equal(a.error, EOPNOTSUPP); /* a message of newer kernels */
	ethnl_answer_done(&a);
}

static void what_is_not_there_is_not_applicable(void **state)
{
	const struct nic_at at = { .nic = &lo, .ifindex = 1, .option = "rings.rx" };
	const struct nic_at gone = { .nic = &lo, .ifindex = 1 << 30, .option = "rings.rx" };
	struct ethnl_answer a = {0};
	struct hft_err err = {0};

	(void)state;
	ask(&a, 1, ETHTOOL_MSG_RINGS_GET, &err);
	assert_int_equal(nic_get(&at, ETHTOOL_MSG_RINGS_GET, &a, &err), -ENOENT);
	assert_string_equal(err.code, ERR_NOT_APPLICABLE);
	assert_string_equal(err.subject, "rings.rx");
	assert_int_equal(nic_get(&gone, ETHTOOL_MSG_RINGS_GET, &a, &err), -ENOENT);
	assert_string_equal(err.code, ERR_NOT_APPLICABLE);
	ethnl_answer_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_has_its_attributes),
		cmocka_unit_test(a_refusal_is_an_answer),
		cmocka_unit_test(what_is_not_there_is_not_applicable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
