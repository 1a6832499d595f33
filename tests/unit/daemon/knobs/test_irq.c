/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_irq and irq_selector: selectors, the forms of a mask, and what is judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_irq;

#define RX0 "pci-0000:00:03.0 msi-1"
#define TX0 "pci-0000:00:03.0 msi-2"
#define DISK "pci-0000:00:05.0 msi-1"
#define UART "IO-APIC hwirq-4"
#define TIMER "IO-APIC hwirq-2"

struct line {
	int irq;
	const char *chip, *hwirq, *actions;
	mode_t mode;
};

static const struct line lines[] = {
	{0,  "IO-APIC",                "2", "timer",           0444},
	{4,  "IO-APIC",                "4", "ttyS0",           0644},
	{9,  "IO-APIC",                "9", "",                0644},
	{37, "PCI-MSIX-0000:00:03.0",  "0", "virtio2-config",  0644},
	{38, "PCI-MSIX-0000:00:03.0",  "1", "virtio2-input.0", 0644},
	{39, "PCI-MSIX-0000:00:03.0",  "2", "virtio2-output.0", 0644},
	{40, "PCI-MSIX-0000:00:03.0",  "3", "virtio2-input.1", 0644},
	{50, "PCI-MSIX-0000:00:05.0",  "1", "virtio1-req.0",   0444},
	{60, "PCI-MSIX-0000:3b:00.0",  "1", "mlx5_comp3@pci:0000:3b:00.0", 0644},
	{61, "PCI-MSI-0000:00:1c.0",   "0", "PCIe PME,aerdrv", 0644},
	{62, "PCI-MSI-0000:00:17.0",   "0", "ahci[0000:00:17.0]", 0644},
};

static void put_file(const struct cputree *t, const char *dir, int irq, const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%d/%s", dir, irq, file);
	put(t, path, text);
}

static void put_link(const struct cputree *t, const char *target, const char *path)
{
	char full[256];

	assert_int_equal(symlink(target, cputree_real(t, path, full)), 0);
}

static void put_line(const struct cputree *t, const struct line *l)
{
	char path[128], full[256];

	put_file(t, "/sys/kernel/irq", l->irq, "chip_name", l->chip);
	put_file(t, "/sys/kernel/irq", l->irq, "hwirq", l->hwirq);
	put_file(t, "/sys/kernel/irq", l->irq, "actions", l->actions);
	put_file(t, "/proc/irq", l->irq, "smp_affinity", "f");
	put_file(t, "/proc/irq", l->irq, "smp_affinity_list", "0-3");
	put_file(t, "/proc/irq", l->irq, "effective_affinity", "2");
	put_file(t, "/proc/irq", l->irq, "effective_affinity_list", "1");
	snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity_list", l->irq);
	assert_int_equal(chmod(cputree_real(t, path, full), l->mode), 0);
}

static int make_tree(void **state)
{
	struct cputree *t = cputree_new();

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		put_line(t, &lines[i]);
	put(t, "/proc/irq/default_smp_affinity", "f");
	put(t, "/sys/bus/pci/devices/0000:3b:00.0/vendor", "0x15b3");
	put(t, "/sys/bus/pci/drivers/mlx5_core/bind", "");
	put_link(t, "../../drivers/mlx5_core", "/sys/bus/pci/devices/0000:3b:00.0/driver");
	put(t, "/sys/devices/pci0000:00/0000:00:03.0/net/eth0/address", "52:54:00:00:00:01");
	put(t, "/sys/devices/pci0000:00/0000:00:03.0/vendor", "0x1af4");
	put(t, "/sys/class/net/placeholder", "");
	take_away(t, "/sys/class/net/placeholder");
	put_link(t, "../../devices/pci0000:00/0000:00:03.0/net/eth0", "/sys/class/net/eth0");
	put_link(t, "../../../0000:00:03.0", "/sys/devices/pci0000:00/0000:00:03.0/net/eth0/device");
	put_link(t, "../../../devices/pci0000:00/0000:00:03.0", "/sys/bus/pci/devices/0000:00:03.0");
	cputree_read(t);
	*state = t;
	return 0;
}

static int remove_tree(void **state)
{
	cputree_free(*state);
	return 0;
}

static void assert_selects(struct cputree *t, const char *selector, const char *keys)
{
	assert_string_equal(listed(t, &knob_irq, selector, "affinity"), keys);
}

static void test_star_takes_every_requested_interrupt(void **state)
{
	assert_selects(*state, "*",
	               TIMER "(na)|" UART "|pci-0000:00:03.0 msi-0|" RX0 "|" TX0 "|pci-0000:00:03.0 msi-3|" DISK
	                    "(na)|pci-0000:3b:00.0 msi-1|pci-0000:00:1c.0 msi-0|pci-0000:00:17.0 msi-0");
}

static void test_names_select(void **state)
{
	struct cputree *t = *state;

	assert_selects(t, RX0, RX0);
	assert_selects(t, UART, UART);
	assert_selects(t, "virtio2-input.0", RX0);
	assert_selects(t, "virtio2-input.*", RX0 "|pci-0000:00:03.0 msi-3");
	assert_selects(t, "0000:00:05.0", DISK "(na)");
	assert_selects(t, "device:0000:3b:00.0", "pci-0000:3b:00.0 msi-1");
	assert_selects(t, "driver:mlx5_core", "pci-0000:3b:00.0 msi-1");
	assert_selects(t, "action:ttyS0", UART);
	assert_selects(t, "PCIe PME", "pci-0000:00:1c.0 msi-0");
	assert_selects(t, "aerdrv", "pci-0000:00:1c.0 msi-0");
	assert_selects(t, "ahci[0000:00:17.0]", "pci-0000:00:17.0 msi-0");
}

static void test_words_must_all_hold(void **state)
{
	struct cputree *t = *state;

	assert_selects(t, "nic:eth0 queue:0", RX0 "|" TX0);
	assert_selects(t, "eth0 queue:1-7", "pci-0000:00:03.0 msi-3");
	assert_selects(t, "nic:eth0 action:*-input.*", RX0 "|pci-0000:00:03.0 msi-3");
	assert_selects(t, "queue:3", "pci-0000:3b:00.0 msi-1");
	assert_selects(t, "nic:*", "pci-0000:00:03.0 msi-0|" RX0 "|" TX0 "|pci-0000:00:03.0 msi-3");
}

static void test_what_matches_nothing(void **state)
{
	struct cputree *t = *state;

	assert_selects(t, "eth7", ERR_NO_MATCH);
	assert_string_equal(t->err.subject, "eth7");
	assert_selects(t, "IO-APIC hwirq-9", ERR_NO_MATCH); /* nobody requested it */
	assert_selects(t, "38", ERR_NO_MATCH);              /* a number is no name */
	assert_selects(t, "eth7-*", "");
	assert_selects(t, "driver:i40*", "");
}

static void test_selectors_that_make_no_sense(void **state)
{
	struct cputree *t = *state;

	assert_selects(t, "", ERR_INVALID_PROFILE);
	assert_selects(t, "queue:x", ERR_INVALID_PROFILE);
	assert_selects(t, "nic:", ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_irq, "*", "afinity"), ERR_INVALID_PROFILE);
	assert_string_equal(t->err.subject, "afinity");
	assert_string_equal(listed(t, &knob_irq, "*", "default_smp_affinity"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_irq, "", "default_smp_affinity"), "default_smp_affinity");
}

static void test_labels_name_the_interface(void **state)
{
	struct cputree *t = *state;

	assert_selects(t, RX0, RX0);
	assert_string_equal(t->objects.o[0].label, "eth0 virtio2-input.0");
}

static void test_parse_checks_the_cpus(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(parsed(t, &knob_irq, RX0, "affinity", "1,0"), "0-1");
	assert_string_equal(parsed(t, &knob_irq, RX0, "affinity", "2-3"), "2-3");
	assert_string_equal(parsed(t, &knob_irq, RX0, "affinity", "3"), ERR_OUT_OF_BOUNDS); /* offline */
	assert_string_equal(parsed(t, &knob_irq, RX0, "affinity", "0-4"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_irq, RX0, "affinity", "99999"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_irq, RX0, "affinity", ""), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_irq, RX0, "affinity", "0-1@1"), ERR_INVALID_PROFILE);
	assert_string_equal(t->err.subject, "affinity");
}

static void test_a_copied_tree_mirrors_the_mask(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_irq, RX0), "0-3@1");
	assert_string_equal(written(t, &knob_irq, RX0, "2"), "");
	assert_holds(t, "/proc/irq/38/smp_affinity", "4");
	assert_holds(t, "/proc/irq/38/smp_affinity_list", "2");
	assert_holds(t, "/proc/irq/38/effective_affinity", "4");
	assert_holds(t, "/proc/irq/38/effective_affinity_list", "2");
	assert_string_equal(value_now(t, &knob_irq, RX0), "2");
}

/* P1: the original bears where the kernel delivered to. */
static void test_an_original_is_put_back_exactly(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_irq, RX0, "2"), "");
	assert_string_equal(written(t, &knob_irq, RX0, "0-3@1"), "");
	assert_holds(t, "/proc/irq/38/smp_affinity", "f");
	assert_holds(t, "/proc/irq/38/smp_affinity_list", "0-3");
	assert_holds(t, "/proc/irq/38/effective_affinity", "2");
	assert_holds(t, "/proc/irq/38/effective_affinity_list", "1");
}

static void test_the_width_of_a_mask_stays(void **state)
{
	struct cputree *t = *state;

	put(t, "/proc/irq/38/smp_affinity", "00000000,00000000,0000000f");
	put(t, "/proc/irq/38/effective_affinity", "00,0000000f");
	assert_string_equal(written(t, &knob_irq, RX0, "0-2"), "");
	assert_holds(t, "/proc/irq/38/smp_affinity", "00000000,00000000,00000007");
	assert_holds(t, "/proc/irq/38/effective_affinity", "00,00000007");
}

static void test_mirrors_that_an_old_kernel_lacks(void **state)
{
	struct cputree *t = *state;

	take_away(t, "/proc/irq/38/effective_affinity");
	take_away(t, "/proc/irq/38/effective_affinity_list");
	assert_string_equal(value_now(t, &knob_irq, RX0), "0-3");
	assert_string_equal(written(t, &knob_irq, RX0, "2"), "");
	assert_int_equal(judged(t, &knob_irq, RX0, "2"), KNOB_OK);
	assert_int_equal(judged(t, &knob_irq, RX0, "0"), KNOB_DRIFT);
}

static void test_verify_judges_the_effect(void **state)
{
	struct cputree *t = *state;

	put(t, "/proc/irq/38/smp_affinity_list", "0");
	assert_int_equal(judged(t, &knob_irq, RX0, "0"), KNOB_PENDING);
	put(t, "/proc/irq/38/effective_affinity_list", "0");
	assert_int_equal(judged(t, &knob_irq, RX0, "0"), KNOB_OK);
	assert_string_equal(strbuf_str(&t->verdict.found), "0");
	assert_int_equal(judged(t, &knob_irq, RX0, "1"), KNOB_DRIFT);
	put(t, "/proc/irq/38/smp_affinity_list", "0-1");
	assert_int_equal(judged(t, &knob_irq, RX0, "0-1"), KNOB_OK);
	assert_string_equal(strbuf_str(&t->verdict.found), "0-1@0");
}

static void test_verify_ignores_where_an_original_was_delivered(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(judged(t, &knob_irq, RX0, "0-3@1"), KNOB_OK);
	assert_int_equal(judged(t, &knob_irq, RX0, "0-3@0"), KNOB_OK);
	assert_int_equal(judged(t, &knob_irq, RX0, "0-2@1"), KNOB_DRIFT);
}

static void test_managed_interrupts_are_not_applicable(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_irq, DISK, "0"), ERR_NOT_APPLICABLE);
	assert_holds(t, "/proc/irq/50/smp_affinity_list", "0-3");
	assert_int_equal(judged(t, &knob_irq, DISK, "0"), KNOB_NA);
}

static void test_a_timer_refuses_too_but_is_not_managed(void **state)
{
	struct cputree *t = *state;
	char managed[sizeof(t->err.msg)];

	assert_string_equal(written(t, &knob_irq, DISK, "0"), ERR_NOT_APPLICABLE);
	snprintf(managed, sizeof(managed), "%s", t->err.msg);
	assert_string_equal(written(t, &knob_irq, TIMER, "0"), ERR_NOT_APPLICABLE);
	assert_string_not_equal(t->err.msg, managed);
	assert_int_equal(judged(t, &knob_irq, DISK, "0"), KNOB_NA);
	assert_string_equal(t->verdict.reason, managed);
	assert_int_equal(judged(t, &knob_irq, TIMER, "0"), KNOB_NA);
	assert_string_not_equal(t->verdict.reason, managed);
}

static void test_an_interrupt_that_is_gone(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_irq, "pci-0000:00:09.0 msi-1"), ERR_NOT_APPLICABLE);
	assert_int_equal(judged(t, &knob_irq, "pci-0000:00:09.0 msi-1", "0"), KNOB_NA);
	assert_string_equal(value_now(t, &knob_irq, RX0), "0-3@1");
	put(t, "/sys/kernel/irq/38/hwirq", "7"); /* the number is another interrupt's now */
	assert_string_equal(written(t, &knob_irq, RX0, "0"), ERR_NOT_APPLICABLE);
	assert_holds(t, "/proc/irq/38/smp_affinity_list", "0-3");
}

static void test_default_affinity_is_a_mask_of_some_width(void **state)
{
	struct cputree *t = *state;
	const char *key = "default_smp_affinity";

	assert_string_equal(value_now(t, &knob_irq, key), "0-3");
	assert_string_equal(written(t, &knob_irq, key, "0-1"), "");
	assert_holds(t, "/proc/irq/default_smp_affinity", "3");
	assert_int_equal(judged(t, &knob_irq, key, "0-1"), KNOB_OK);
	assert_int_equal(judged(t, &knob_irq, key, "0"), KNOB_DRIFT);
	take_away(t, "/proc/irq/default_smp_affinity");
	assert_string_equal(listed(t, &knob_irq, "", key), "default_smp_affinity(na)");
	assert_int_equal(judged(t, &knob_irq, key, "0"), KNOB_NA);
}

/* What the live host does, on files that never answer: narrow, wait in vain, and still leave the whole mask. */
static void test_an_idle_interrupt_gets_its_mask_back(void **state)
{
	struct cputree *t = *state;

	t->c.copied = false;
	put(t, "/proc/irq/38/smp_affinity_list", "2");
	put(t, "/proc/irq/38/effective_affinity_list", "2");
	assert_string_equal(written(t, &knob_irq, RX0, "0-3@1"), "");
	assert_holds(t, "/proc/irq/38/smp_affinity_list", "0-3");
	assert_string_equal(written(t, &knob_irq, RX0, "1"), "");
	assert_holds(t, "/proc/irq/38/smp_affinity_list", "1");
}

static void test_explain(void **state)
{
	struct knob_doc doc;

	(void)state;
	assert_int_equal(knob_irq.explain(0, &doc), 0);
	assert_int_equal(doc.effect, EFFECT_NEXT_INTERRUPT);
	assert_explained(&knob_irq, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_star_takes_every_requested_interrupt),
		TEST(test_names_select),
		TEST(test_words_must_all_hold),
		TEST(test_what_matches_nothing),
		TEST(test_selectors_that_make_no_sense),
		TEST(test_labels_name_the_interface),
		TEST(test_parse_checks_the_cpus),
		TEST(test_a_copied_tree_mirrors_the_mask),
		TEST(test_an_original_is_put_back_exactly),
		TEST(test_the_width_of_a_mask_stays),
		TEST(test_mirrors_that_an_old_kernel_lacks),
		TEST(test_verify_judges_the_effect),
		TEST(test_verify_ignores_where_an_original_was_delivered),
		TEST(test_managed_interrupts_are_not_applicable),
		TEST(test_a_timer_refuses_too_but_is_not_managed),
		TEST(test_an_interrupt_that_is_gone),
		TEST(test_default_affinity_is_a_mask_of_some_width),
		TEST(test_an_idle_interrupt_gets_its_mask_back),
		TEST(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
