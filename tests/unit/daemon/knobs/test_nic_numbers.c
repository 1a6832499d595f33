/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/nic_numbers.c and nic_message.c, with what real drivers answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/daemon/knobs/nickernel.h"

#define COMBINED ETH0 "channels.combined"
#define RX_RING ETH0 "rings.rx"
#define RX_USECS ETH0 "coalesce.rx-usecs"

static void has_rings(uint32_t now, uint32_t max)
{
	kernel.numbers[0] = (struct kernel_number){ETHTOOL_A_RINGS_RX, 0, now};
	kernel.numbers[1] = (struct kernel_number){ETHTOOL_A_RINGS_RX_MAX, 0, max};
}

static void has_coalescing(uint32_t usecs, bool adaptive)
{
	kernel.numbers[0] = (struct kernel_number){ETHTOOL_A_COALESCE_RX_USECS, 0, usecs};
	kernel.numbers[1] = (struct kernel_number){ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, 1, adaptive};
}

static void one_attribute_is_written(void **state)
{
	struct cputree *t = *state;

	has_rings(512, 4096);
	assert_string_equal(listed(t, &knob_nic, "eth0", "rings.rx"), RX_RING);
	assert_string_equal(value_now(t, &knob_nic, RX_RING), "512");
	assert_string_equal(written(t, &knob_nic, RX_RING, "2048"), "");
	assert_int_equal(kernel.change.command, ETHTOOL_MSG_RINGS_SET);
	assert_int_equal(kernel.change.attr, ETHTOOL_A_RINGS_RX);
	assert_int_equal(kernel.change.value, 2048);
	has_coalescing(8, true);
	assert_string_equal(value_now(t, &knob_nic, ETH0 "coalesce.adaptive-rx"), "on");
	assert_string_equal(written(t, &knob_nic, ETH0 "coalesce.adaptive-rx", "off"), "");
	assert_int_equal(kernel.change.command, ETHTOOL_MSG_COALESCE_SET);
	assert_int_equal(kernel.change.attr, ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX);
	assert_int_equal(kernel.change.value, 0);
	assert_string_equal(written(t, &knob_nic, ETH0 "pause.tx", "on"), "");
	assert_int_equal(kernel.change.attr, ETHTOOL_A_PAUSE_TX);
	assert_int_equal(kernel.change.value, 1);
	assert_int_equal(kernel.change.n, 3);
	assert_string_equal(written(t, &knob_nic, RX_RING, "many"), ERR_WRITE_FAILED);
	assert_int_equal(kernel.change.n, 3);
}

/* What comes after it in the same transaction finds the interrupts as they are now. */
static void interrupts_are_read_anew_after_a_write_that_remakes_them(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(host_read_irqs(t->host, &t->err), 0);
	assert_null(host_irq_by_key(t->host, "pci-0000:3b:00.0 msi-3"));
	put(t, "/sys/kernel/irq/40/chip_name", "PCI-MSIX-0000:3b:00.0");
	put(t, "/sys/kernel/irq/40/hwirq", "3");
	put(t, "/sys/kernel/irq/40/actions", "mlx5_comp2");
	put(t, "/proc/irq/40/smp_affinity_list", "0-3");
	assert_string_equal(written(t, &knob_nic, ETH0 "pause.tx", "on"), "");
	assert_int_equal(host_read_irqs(t->host, &t->err), 0);
	assert_null(host_irq_by_key(t->host, "pci-0000:3b:00.0 msi-3"));
	assert_string_equal(written(t, &knob_nic, COMBINED, "2"), "");
	assert_int_equal(host_read_irqs(t->host, &t->err), 0);
	assert_non_null(host_irq_by_key(t->host, "pci-0000:3b:00.0 msi-3"));
}

static void bounds_are_the_device_s(void **state)
{
	struct cputree *t = *state;

	has_rings(512, 4096);
	assert_string_equal(parsed(t, &knob_nic, RX_RING, "rings.rx", "4096"), "4096");
	assert_string_equal(parsed(t, &knob_nic, RX_RING, "rings.rx", "max"), "4096");
	assert_string_equal(parsed(t, &knob_nic, RX_RING, "rings.rx", "4097"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(t->err.wanted, "1..4096");
	assert_string_equal(parsed(t, &knob_nic, RX_RING, "rings.rx", "0"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_nic, RX_RING, "rings.rx", "4k"), ERR_INVALID_PROFILE);
	has_coalescing(8, false);
	assert_string_equal(parsed(t, &knob_nic, RX_USECS, "coalesce.rx-usecs", "max"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_nic, RX_USECS, "coalesce.rx-usecs", "1000001"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_nic, ETH0 "pause.rx", "pause.rx", "off"), "off");
	assert_string_equal(parsed(t, &knob_nic, ETH0 "pause.rx", "pause.rx", "0"), ERR_INVALID_PROFILE);
}

static const char *na_of_rings(struct cputree *t)
{
	assert_string_equal(listed(t, &knob_nic, "eth0", "rings.rx"), RX_RING "(na)");
	return t->objects.o[0].na;
}

static void what_a_driver_lacks_is_not_applicable(void **state)
{
	struct cputree *t = *state;

	na_of_rings(t); /* it does not tell */
	has_rings(0, 0);
	na_of_rings(t);
	kernel.numbers[0].size = 2; /* no u32 */
	na_of_rings(t);
	has_rings(512, 4096);
	kernel.get_error = EOPNOTSUPP;
	na_of_rings(t);
	kernel.get_error = 524; /* ENOTSUPP, which the kernel keeps for itself and drivers let out */
	kernel.text = "no rings while the firmware sleeps";
	assert_non_null(strstr(na_of_rings(t), kernel.text));
	kernel.get_error = ENODEV;
	assert_string_equal(value_now(t, &knob_nic, RX_RING), ERR_NOT_APPLICABLE);
	kernel.get_error = 0;
	kernel.set_error = EOPNOTSUPP;
	assert_string_equal(written(t, &knob_nic, RX_RING, "512"), ERR_NOT_APPLICABLE);
}

/* mlx5, ice and ethtool itself, in their words. */
static void a_refused_write_says_why(void **state)
{
	static const struct {
		int error;
		const char *text;
	} refusals[] = {
		{EINVAL, "requested channel counts are too low for existing indirection table settings"},
		{EINVAL, "requested channel counts are too low for existing ntuple filter settings"},
		{EBUSY, ""},
		{ENOMEM, "Failed to allocate receive rings"},
		{EPERM, ""},
	};
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		kernel.set_error = refusals[i].error;
		kernel.text = refusals[i].text;
		assert_string_equal(written(t, &knob_nic, COMBINED, "2"), ERR_WRITE_FAILED);
		assert_int_equal(t->err.sys, refusals[i].error);
		assert_string_equal(t->err.subject, "channels.combined");
		assert_string_equal(t->err.wanted, "2");
		assert_non_null(strstr(t->err.msg, refusals[i].text));
	}
}

static void a_kernel_that_does_not_answer_is_an_error(void **state)
{
	struct cputree *t = *state;

	kernel.failure = -ETIMEDOUT;
	assert_string_equal(listed(t, &knob_nic, "eth0", "rings.rx"), ERR_TIMEOUT);
	assert_string_equal(value_now(t, &knob_nic, RX_RING), ERR_TIMEOUT);
	assert_string_equal(written(t, &knob_nic, RX_RING, "512"), ERR_TIMEOUT);
	kernel.failure = 0;
	kernel.get_error = EIO;
	assert_string_equal(value_now(t, &knob_nic, RX_RING), ERR_IO);
}

static int ring_of(struct cputree *t, uint32_t found, const char *wanted)
{
	has_rings(found, 8192);
	return judged(t, &knob_nic, RX_RING, wanted);
}

static void rings_may_be_rounded_up(void **state)
{
	assert_int_equal(ring_of(*state, 1000, "1000"), KNOB_OK);
	assert_int_equal(ring_of(*state, 1008, "1000"), KNOB_OK);  /* a multiple of 16 */
	assert_int_equal(ring_of(*state, 1024, "1000"), KNOB_OK);  /* a power of two */
	assert_int_equal(ring_of(*state, 1010, "1000"), KNOB_DRIFT);
	assert_int_equal(ring_of(*state, 992, "1000"), KNOB_DRIFT);
	assert_int_equal(ring_of(*state, 2048, "1000"), KNOB_DRIFT);
	assert_int_equal(ring_of(*state, 2048, "1024"), KNOB_DRIFT);
	assert_int_equal(ring_of(*state, 1032, "1024"), KNOB_DRIFT);
}

static int usecs_of(struct cputree *t, uint32_t found, bool adaptive, const char *wanted)
{
	has_coalescing(found, adaptive);
	return judged(t, &knob_nic, RX_USECS, wanted);
}

static void times_may_be_rounded_to_units(void **state)
{
	assert_int_equal(usecs_of(*state, 4, false, "5"), KNOB_OK);
	assert_int_equal(usecs_of(*state, 6, false, "5"), KNOB_OK);
	assert_int_equal(usecs_of(*state, 8, false, "5"), KNOB_OK);
	assert_int_equal(usecs_of(*state, 7, false, "5"), KNOB_DRIFT);
	assert_int_equal(usecs_of(*state, 0, false, "1"), KNOB_DRIFT);
	assert_int_equal(usecs_of(*state, 8, false, "0"), KNOB_DRIFT);
	assert_int_equal(usecs_of(*state, 16, false, "8"), KNOB_DRIFT);
	has_coalescing(0, false);
	kernel.numbers[0].attr = ETHTOOL_A_COALESCE_RX_MAX_FRAMES;
	kernel.numbers[0].value = 6;
	assert_int_equal(judged(*state, &knob_nic, ETH0 "coalesce.rx-frames", "5"), KNOB_DRIFT);
}

static void under_adaptation_the_number_is_the_device_s(void **state)
{
	struct cputree *t = *state;

	has_coalescing(8, true);
	assert_string_equal(value_now(t, &knob_nic, RX_USECS), "8 adaptive");
	assert_string_equal(written(t, &knob_nic, RX_USECS, "8 adaptive"), "");
	assert_int_equal(kernel.change.value, 8);
	assert_int_equal(usecs_of(t, 8, true, "8"), KNOB_DRIFT); /* the number, and no effect */
	assert_string_not_equal(t->verdict.reason, "");
	assert_int_equal(usecs_of(t, 64, true, "8 adaptive"), KNOB_OK);
	assert_int_equal(usecs_of(t, 8, false, "8 adaptive"), KNOB_OK);
	assert_int_equal(usecs_of(t, 64, false, "8 adaptive"), KNOB_DRIFT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_attribute_is_written, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(interrupts_are_read_anew_after_a_write_that_remakes_them, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(bounds_are_the_device_s, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(what_a_driver_lacks_is_not_applicable, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(a_refused_write_says_why, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(a_kernel_that_does_not_answer_is_an_error, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(rings_may_be_rounded_up, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(times_may_be_rounded_to_units, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(under_adaptation_the_number_is_the_device_s, kernel_setup, kernel_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
