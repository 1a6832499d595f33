/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/nic_ntuple.c, with an adapter that has 8 places for rules and 4 queues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <linux/ethtool.h>

#include "daemon/knobs/nic.h"
#include "tests/unit/daemon/knobs/nickernel.h"

#define RULE(n) ETH0 "ntuple." #n
#define N_PLACES 8
#define ORDERS "flow-type udp4 dst-ip 224.0.31.1 dst-port 14310 action 2"

static struct adapter {
	int error, insert_error;
	bool chooses;  /* the driver can choose places, too */
	bool replaces; /* what stands at the place; else it is refused */
	bool taken[N_PLACES];
	struct ethtool_rx_flow_spec rules[N_PLACES];
} adapter;

static uint32_t n_rules(void)
{
	uint32_t n = 0;

	for (size_t i = 0; i < N_PLACES; i++)
		n += adapter.taken[i];
	return n;
}

static int list_rules(struct ethtool_rxnfc *x)
{
	uint32_t n = 0;

	if (x->rule_cnt < n_rules())
		return -EMSGSIZE;
	for (uint32_t i = 0; i < N_PLACES; i++)
		if (adapter.taken[i])
			x->rule_locs[n++] = i;
	x->rule_cnt = n;
	return 0;
}

static int insert(const struct ethtool_rx_flow_spec *s)
{
	if (adapter.insert_error)
		return -adapter.insert_error;
	if (s->location >= N_PLACES || (s->ring_cookie >= 4 && s->ring_cookie != RX_CLS_FLOW_DISC))
		return -EINVAL;
	if (adapter.taken[s->location] && !adapter.replaces)
		return -EEXIST;
	adapter.taken[s->location] = true;
	adapter.rules[s->location] = *s;
	return 0;
}

/* net/ethtool/ioctl.c, ethtool_get_rxnfc and ethtool_set_rxnfc */
int nic_ioctl(const char *name, void *command)
{
	struct ethtool_rxnfc *x = command;
	bool there = x->fs.location < N_PLACES && adapter.taken[x->fs.location];

	assert_string_equal(name, "eth0");
	if (adapter.error)
		return -adapter.error;
	switch (x->cmd) {
	case ETHTOOL_GRXRINGS:
		x->data = 4;
		return 0;
	case ETHTOOL_GRXCLSRLCNT:
		x->rule_cnt = n_rules();
		x->data = N_PLACES | (adapter.chooses ? RX_CLS_LOC_SPECIAL : 0);
		return 0;
	case ETHTOOL_GRXCLSRLALL:
		return list_rules(x);
	case ETHTOOL_GRXCLSRULE:
		if (there)
			x->fs = adapter.rules[x->fs.location];
		return there ? 0 : -EINVAL;
	case ETHTOOL_SRXCLSRLINS:
		return insert(&x->fs);
	case ETHTOOL_SRXCLSRLDEL:
		if (there)
			adapter.taken[x->fs.location] = false;
		return there ? 0 : -ENOENT;
	default:
		return -EOPNOTSUPP;
	}
}

static int setup(void **state)
{
	kernel_setup(state);
	kernel.get_error = EOPNOTSUPP; /* no word about channels, unless a test says so */
	adapter = (struct adapter){.replaces = true};
	return 0;
}

static void rules_read_as_they_are_written(void **state)
{
	static const struct {
		const char *given, *canonical;
	} forms[] = {
		{ORDERS, ORDERS},
		{"flow-type udp4 dst-port 14310 dst-ip 224.0.31.1 action 2", ORDERS},
		{"flow-type tcp4 action 0", "flow-type tcp4 action 0"},
		{"flow-type tcp4 src-ip 10.0.0.1 src-port 0 action -1",
		 "flow-type tcp4 src-ip 10.0.0.1 src-port 0 action -1"},
		{"flow-type tcp6 dst-ip 2001:DB8:0::1 dst-port 6379 action 3",
		 "flow-type tcp6 dst-ip 2001:db8::1 dst-port 6379 action 3"},
		{"flow-type udp6 src-ip :: action 1", "flow-type udp6 src-ip :: action 1"},
		{"none", "none"},
	};
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_string_equal(parsed(t, &knob_nic, RULE(3), "ntuple.3", forms[i].given), forms[i].canonical);
		assert_string_equal(written(t, &knob_nic, RULE(3), forms[i].canonical), "");
		assert_string_equal(value_now(t, &knob_nic, RULE(3)), forms[i].canonical);
	}
	assert_int_equal(n_rules(), 0);
}

static void a_rule_is_in_the_kernel_s_form(void **state)
{
	struct ethtool_rx_flow_spec *s = &adapter.rules[5];

	assert_string_equal(written(*state, &knob_nic, RULE(5), ORDERS), "");
	assert_int_equal(s->location, 5);
	assert_int_equal(s->flow_type, UDP_V4_FLOW);
	assert_int_equal(s->ring_cookie, 2);
	assert_int_equal(s->h_u.udp_ip4_spec.ip4dst, inet_addr("224.0.31.1"));
	assert_int_equal(s->m_u.udp_ip4_spec.ip4dst, UINT32_MAX);
	assert_int_equal(s->h_u.udp_ip4_spec.pdst, htons(14310));
	assert_int_equal(s->m_u.udp_ip4_spec.pdst, UINT16_MAX);
	assert_int_equal(s->m_u.udp_ip4_spec.ip4src, 0);
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "flow-type udp4", "flow-type ether action 1", "udp4 action 1", "flow-type udp4 action",
		"flow-type udp4 dst-port 70000 action 1", "flow-type udp4 dst-ip 1.2.3 action 1", "raw 00",
		"flow-type udp4 dst-ip ::1 action 1", "flow-type udp4 dst-port 1 dst-port 2 action 1",
		"flow-type udp4 action 1 dst-port 5", "flow-type udp4 vlan 5 action 1", "flow-type udp4 action -2",
	};
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_string_equal(parsed(t, &knob_nic, RULE(1), "ntuple.1", bad[i]), ERR_INVALID_PROFILE);
		assert_string_equal(parsed(t, &knob_nic, NULL, "ntuple.1", bad[i]), ERR_INVALID_PROFILE);
	}
	assert_string_equal(parsed(t, &knob_nic, RULE(8), "ntuple.8", ORDERS), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_nic, RULE(1), "ntuple.1", "flow-type udp4 action 4"), ERR_OUT_OF_BOUNDS);
	/* The same plan may make more channels. */
	kernel.get_error = 0;
	kernel.numbers[0] = (struct kernel_number){ETHTOOL_A_CHANNELS_COMBINED_MAX, 0, 8};
	assert_string_equal(parsed(t, &knob_nic, RULE(1), "ntuple.1", "flow-type udp4 action 4"),
	                    "flow-type udp4 action 4");
	assert_int_equal(n_rules(), 0);
}

/* With a mask, or of a kind that has no words here: put back to the byte. */
static void somebody_else_s_rule_comes_back(void **state)
{
	struct ethtool_rx_flow_spec theirs[] = {
		{.flow_type = UDP_V4_FLOW, .location = 2, .h_u.udp_ip4_spec.ip4dst = htonl(0xe0000000),
		 .m_u.udp_ip4_spec.ip4dst = htonl(0xf0000000), .ring_cookie = 1},
		{.flow_type = ETHER_FLOW, .location = 2, .h_u.ether_spec.h_proto = htons(0x88f7),
		 .m_u.ether_spec.h_proto = 0xffff, .ring_cookie = 3},
		{.flow_type = TCP_V4_FLOW | FLOW_EXT, .location = 2, .h_ext.vlan_tci = htons(7),
		 .m_ext.vlan_tci = 0xffff, .ring_cookie = RX_CLS_FLOW_DISC},
	};
	CLEANUP(mem_freep) char *original = NULL;
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(theirs); i++) {
		adapter.taken[2] = true;
		adapter.rules[2] = theirs[i];
		free(original);
		original = strdup(value_now(t, &knob_nic, RULE(2)));
		assert_true(str_starts(original, "raw "));
		assert_string_equal(written(t, &knob_nic, RULE(2), ORDERS), "");
		assert_string_equal(value_now(t, &knob_nic, RULE(2)), ORDERS);
		assert_string_equal(written(t, &knob_nic, RULE(2), original), "");
		assert_memory_equal(&adapter.rules[2], &theirs[i], sizeof(theirs[i]));
	}
}

static void drivers_that_do_not_replace(void **state)
{
	struct cputree *t = *state;

	adapter.replaces = false;
	adapter.chooses = true;
	assert_string_equal(written(t, &knob_nic, RULE(0), ORDERS), "");
	assert_string_equal(written(t, &knob_nic, RULE(0), "flow-type tcp4 action 1"), "");
	assert_string_equal(value_now(t, &knob_nic, RULE(0)), "flow-type tcp4 action 1");
	adapter.insert_error = ENOSPC;
	assert_string_equal(written(t, &knob_nic, RULE(1), ORDERS), ERR_WRITE_FAILED);
}

static int collect(void *data, const char *knob, const char *key, struct hft_err *err)
{
	(void)err;
	if (str_eq(knob, "nic") && str_starts(key, ETH0 "ntuple."))
		strbuf_addf(data, "%s ", key + strlen(ETH0));
	return 0;
}

/* Turned off, the feature takes the rules along; so do new channels with many drivers. */
static void rules_hang_on_the_feature_and_the_channels(void **state)
{
	static const char *const options[] = {"feature.rx-ntuple-filter", "channels.combined"};
	CLEANUP(strbuf_done) struct strbuf rules = {0};
	struct cputree *t = *state;
	char key[80];

	assert_string_equal(written(t, &knob_nic, RULE(1), ORDERS), "");
	assert_string_equal(written(t, &knob_nic, RULE(6), ORDERS), "");
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		strbuf_reset(&rules);
		snprintf(key, sizeof(key), ETH0 "%s", options[i]);
		assert_int_equal(knob_nic.coupled(&t->c, key, collect, &rules, NULL), 0);
		assert_string_equal(strbuf_str(&rules), "ntuple.1 ntuple.6 ");
		assert_true(knob_nic.order(key) < knob_nic.order(RULE(1)));
	}
}

static void a_device_without_has_none(void **state)
{
	struct cputree *t = *state;

	adapter.error = EOPNOTSUPP;
	assert_string_equal(listed(t, &knob_nic, "eth0", "ntuple.0"), RULE(0) "(na)");
	assert_string_equal(written(t, &knob_nic, RULE(0), ORDERS), ERR_NOT_APPLICABLE);
	adapter.error = EPERM;
	assert_string_equal(value_now(t, &knob_nic, RULE(0)), ERR_IO);
	assert_string_equal(parsed(t, &knob_nic, NULL, "ntuple.x", ORDERS), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_nic, NULL, "ntuple.65536", ORDERS), ERR_INVALID_PROFILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rules_read_as_they_are_written, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(a_rule_is_in_the_kernel_s_form, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(somebody_else_s_rule_comes_back, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(drivers_that_do_not_replace, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(rules_hang_on_the_feature_and_the_channels, setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(a_device_without_has_none, setup, kernel_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
