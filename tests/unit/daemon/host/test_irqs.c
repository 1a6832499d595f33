/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/host/irqs.c: keys on new and old kernels, what an interrupt belongs to, and re-checking one. */
#include "tests/unit/daemon/host/fixture.h"

static struct fixture irqs_begin(const char *name)
{
	struct fixture f = host_begin(name);

	assert_int_equal(host_read_irqs(f.h, &f.err), 0);
	assert_true(f.h->irqs_read && f.h->nics_read);
	return f;
}

static const struct host_irq *by_action(const struct host *h, const char *actions)
{
	for (size_t i = 0; i < h->n_irqs; i++)
		if (str_eq(h->irqs[i].actions, actions))
			return &h->irqs[i];
	fail_msg("no interrupt of %s", actions);
	return NULL;
}

static void new_kernels_name_the_device(void **state)
{
	struct fixture f = irqs_begin("xeon-2s");

	(void)state;
	const struct host_irq *irq = host_irq_by_key(f.h, "pci-0000:98:00.0 msi-3");
	assert_non_null(irq);
	assert_string_equal(irq->actions, "mlx5_comp2@pci:0000:98:00.0");
	assert_string_equal(irq->device, "0000:98:00.0");
	assert_string_equal(irq->driver, "mlx5_core");
	assert_string_equal(irq->nic, "eth0");
	assert_int_equal(irq->node, 1);
	assert_false(irq->managed);
	assert_null(host_irq_by_key(f.h, "pci-0000:98:00.0 msi-17"));
	fixture_end(&f);
}

/* hwirq of the device 0000:41:00.1: index | 0x4101 << 11; of a device in another domain: | domain << 27. */
static void old_kernels_have_it_in_hwirq(void **state)
{
	struct fixture f = host_begin("epyc-1s");

	(void)state;
	put_lines(&f, "f 0444 /sys/kernel/irq/900/chip_name\tIR-PCI-MSI\n"
	              "f 0444 /sys/kernel/irq/900/hwirq\t8796194230277\n" /* 0x10000 << 27 | 0xc10a << 11 | 5 */
	              "f 0644 /proc/irq/900/smp_affinity_list\t0\n"
	              "f 0444 /sys/kernel/irq/901/chip_name\tVMD-MSI\n"
	              "f 0444 /sys/kernel/irq/901/hwirq\t524288\n"
	              "f 0644 /proc/irq/901/smp_affinity_list\t0");
	assert_int_equal(host_read_irqs(f.h, &f.err), 0);
	const struct host_irq *irq = host_irq_by_key(f.h, "pci-0000:41:00.1 msi-24");
	assert_non_null(irq);
	assert_string_equal(irq->actions, "mlx5_comp23@pci:0000:41:00.1");
	assert_string_equal(irq->nic, "enp65s0f1np1");
	assert_string_equal(irq->driver, "mlx5_core");
	assert_int_equal(irq->node, 0);
	assert_string_equal(by_action(f.h, "nvme0q64")->key, "pci-0000:c1:00.0 msi-64");
	assert_non_null(host_irq_by_key(f.h, "pci-10000:c1:01.2 msi-5"));
	assert_string_equal(host_irq_by_key(f.h, "pci-10000:c1:01.2 msi-5")->driver,
	                    ""); /* no such device in the tree */
	assert_non_null(host_irq_by_key(f.h, "pci-0000:01:00.0 msi-0"));
	fixture_end(&f);
}

static void others_are_named_by_chip_and_pin(void **state)
{
	struct fixture f = irqs_begin("vm-1cpu");

	(void)state;
	const struct host_irq *irq = host_irq_by_key(f.h, "IO-APIC hwirq-4");
	assert_non_null(irq);
	assert_string_equal(irq->actions, "ttyS0");
	assert_string_equal(irq->device, "");
	assert_string_equal(irq->driver, "");
	assert_string_equal(irq->nic, "");
	assert_int_equal(irq->irq, 4);
	fixture_end(&f);
}

/* A second IO-APIC has a pin 8 too. */
static void twins_are_numbered(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	put_lines(&f, "f 0444 /sys/kernel/irq/19/chip_name\tIR-IO-APIC\n"
	              "f 0444 /sys/kernel/irq/19/hwirq\t8\n"
	              "f 0444 /sys/kernel/irq/19/actions\tthird\n"
	              "f 0644 /proc/irq/19/smp_affinity_list\t0");
	assert_int_equal(host_read_irqs(f.h, &f.err), 0);
	assert_string_equal(host_irq_by_key(f.h, "IR-IO-APIC hwirq-8")->actions, "rtc0");
	assert_string_equal(host_irq_by_key(f.h, "IR-IO-APIC hwirq-8 #2")->actions, "ioat3");
	assert_string_equal(host_irq_by_key(f.h, "IR-IO-APIC hwirq-8 #3")->actions, "third");
	assert_int_equal(host_irq_recheck(f.h, host_irq_by_key(f.h, "IR-IO-APIC hwirq-8 #2"), &f.err), 0);
	fixture_end(&f);
}

/* "#10" sorts before "#2", and each must be found all the same. */
static void many_twins_are_found(void **state)
{
	struct fixture f = host_begin("vm-1cpu");

	(void)state;
	put_lines(&f, "f 0444 /sys/kernel/irq/{100-111}/chip_name\tIO-APIC\n"
	              "f 0444 /sys/kernel/irq/{100-111}/hwirq\t30\n"
	              "f 0644 /proc/irq/{100-111}/smp_affinity_list\t0");
	assert_int_equal(host_read_irqs(f.h, &f.err), 0);
	assert_int_equal(host_irq_by_key(f.h, "IO-APIC hwirq-30")->irq, 100);
	for (int i = 1; i < 12; i++) {
		CLEANUP(mem_freep) char *key = str_printf("IO-APIC hwirq-30 #%d", i + 1);
		assert_non_null(host_irq_by_key(f.h, key));
		assert_int_equal(host_irq_by_key(f.h, key)->irq, 100 + i);
	}
	fixture_end(&f);
}

static void keys_are_unique_and_sorted(void **state)
{
	static const char *const names[] = {"xeon-2s", "epyc-1s", "vm-1cpu"};

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(names); n++) {
		struct fixture f = irqs_begin(names[n]);
		for (size_t i = 0; i < f.h->n_irqs; i++) {
			assert_ptr_equal(host_irq_by_key(f.h, f.h->irqs[i].key), &f.h->irqs[i]);
			if (i > 0) {
				assert_true(f.h->irqs[i - 1].irq < f.h->irqs[i].irq);
				assert_true(strcmp(f.h->irqs_by_key[i - 1]->key, f.h->irqs_by_key[i]->key) < 0);
			}
		}
		fixture_end(&f);
	}
}

/* Since 6.12 the file says it; before, nothing does. */
static void managed_interrupts_have_no_write_bit(void **state)
{
	struct fixture f = irqs_begin("xeon-2s");

	(void)state;
	assert_false(by_action(f.h, "nvme0q0")->managed);
	assert_true(by_action(f.h, "nvme0q1")->managed);
	assert_true(by_action(f.h, "nvme0q32")->managed);
	assert_false(by_action(f.h, "ttyS0")->managed);
	fixture_end(&f);
	f = irqs_begin("epyc-1s");
	assert_false(by_action(f.h, "nvme0q1")->managed);
	fixture_end(&f);
}

static void the_child_of_virtio_pci_says_the_driver(void **state)
{
	struct fixture f = irqs_begin("vm-1cpu");

	(void)state;
	assert_string_equal(by_action(f.h, "virtio0-input.0")->driver, "virtio_net");
	assert_string_equal(by_action(f.h, "virtio0-input.0")->nic, "ens3");
	assert_string_equal(by_action(f.h, "virtio1-req.0")->driver, "virtio_blk");
	assert_string_equal(by_action(f.h, "virtio1-req.0")->nic, "");
	fixture_end(&f);
}

/* Where the device does not say, the interrupt does; where there is one node, it is that one. */
static void the_node_is_the_devices_or_its_own(void **state)
{
	struct fixture f = host_begin("vm-1cpu");

	(void)state;
	put_lines(&f, "f 0444 /proc/irq/4/node\t-1");
	assert_int_equal(host_read_irqs(f.h, &f.err), 0);
	assert_int_equal(by_action(f.h, "virtio0-input.0")->node, 0); /* numa_node is -1 */
	assert_int_equal(by_action(f.h, "ttyS0")->node, 0);
	fixture_end(&f);

	f = host_begin("xeon-2s");
	put_lines(&f, "f 0444 /proc/irq/4/node\t-1\nf 0444 /proc/irq/9/node\t1\n"
	              "f 0644 /sys/devices/pci0000:00/0000:00:17.0/numa_node\t-1");
	assert_int_equal(host_read_irqs(f.h, &f.err), 0);
	assert_int_equal(by_action(f.h, "ttyS0")->node, -1);
	assert_int_equal(by_action(f.h, "acpi")->node, 1);
	assert_int_equal(by_action(f.h, "ahci[0000:00:17.0]")->node, 0);
	fixture_end(&f);
}

static void every_interrupt_of_the_directory_is_there(void **state)
{
	struct fixture f = irqs_begin("xeon-2s");
	CLEANUP(strlist_done) struct strlist names = {0};

	(void)state;
	assert_int_equal(fsio_list(f.fs, "/proc/irq", &names, &f.err), 0);
	assert_int_equal(f.h->n_irqs, names.n - 1); /* default_smp_affinity */
	assert_string_equal(by_action(f.h, "PCIe PME,PCIe bwctrl")->driver, "pcieport");
	assert_string_equal(by_action(f.h, "ahci[0000:00:17.0]")->key, "pci-0000:00:17.0 msi-0");
	fixture_end(&f);
}

/* Gone between the listing and the reading, not wired to a chip, or without a domain: no key, so no interrupt. */
static void what_has_no_name_is_left_out(void **state)
{
	struct fixture f = host_begin("vm-1cpu");

	(void)state;
	take_away(&f, "/sys/kernel/irq/12");
	put_lines(&f, "f 0444 /sys/kernel/irq/9/chip_name\t\n"
	              "f 0444 /sys/kernel/irq/8/hwirq\t\n"
	              "f 0444 /sys/kernel/irq/1/actions\t");
	assert_int_equal(host_read_irqs(f.h, &f.err), 0);
	for (size_t i = 0; i < f.h->n_irqs; i++)
		assert_true(f.h->irqs[i].irq != 12 && f.h->irqs[i].irq != 9 && f.h->irqs[i].irq != 8);
	assert_string_equal(host_irq_by_key(f.h, "IO-APIC hwirq-1")->actions, ""); /* nobody requested it */
	fixture_end(&f);
}

static void a_host_without_interrupts(void **state)
{
	struct fixture f = host_begin("vm-1cpu");

	(void)state;
	take_away(&f, "/proc/irq");
	assert_int_equal(host_read_irqs(f.h, &f.err), 0);
	assert_int_equal(f.h->n_irqs, 0);
	assert_null(host_irq_by_key(f.h, "IO-APIC hwirq-4"));
	fixture_end(&f);
}

static void a_failure_leaves_nothing(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	take_away(&f, "/sys/kernel/irq/150/actions");
	put_lines(&f, "d /sys/kernel/irq/150/actions");
	assert_int_equal(host_read_irqs(f.h, &f.err), -EISDIR);
	assert_string_equal(f.err.code, ERR_IO);
	assert_string_equal(f.err.subject, "/sys/kernel/irq/150/actions");
	assert_false(f.h->irqs_read);
	assert_int_equal(f.h->n_irqs, 0);
	fixture_end(&f);
}

static void a_number_can_be_rechecked(void **state)
{
	struct fixture f = irqs_begin("xeon-2s");
	const struct host_irq *irq = host_irq_by_key(f.h, "pci-0000:98:00.0 msi-3");
	CLEANUP(mem_freep) char *dir = str_printf("/sys/kernel/irq/%d", irq->irq);
	CLEANUP(mem_freep) char *hwirq = str_printf("f 0444 %s/hwirq\t4", dir);
	CLEANUP(mem_freep) char *chip = str_printf("f 0444 %s/chip_name\tIR-PCI-MSIX-0000:98:00.1", dir);
	CLEANUP(mem_freep) char *back = str_printf("f 0444 %s/hwirq\t3", dir);

	(void)state;
	assert_int_equal(host_irq_recheck(f.h, irq, &f.err), 0);
	put_lines(&f, hwirq);
	assert_int_equal(host_irq_recheck(f.h, irq, &f.err), -ESTALE);
	assert_string_equal(f.err.code, ERR_NOT_APPLICABLE);
	assert_string_equal(f.err.subject, irq->key);
	assert_string_equal(f.err.found, "pci-0000:98:00.0 msi-4");
	put_lines(&f, back);
	assert_int_equal(host_irq_recheck(f.h, irq, &f.err), 0);
	put_lines(&f, chip);
	assert_int_equal(host_irq_recheck(f.h, irq, &f.err), -ESTALE);
	take_away(&f, dir);
	assert_int_equal(host_irq_recheck(f.h, irq, &f.err), -ESTALE);
	assert_string_equal(f.err.code, ERR_NOT_APPLICABLE);
	fixture_end(&f);
}

/* "msi-3" must not pass for "msi-30". */
static void a_longer_key_is_another_interrupt(void **state)
{
	struct fixture f = irqs_begin("epyc-1s");
	struct host_irq like = *host_irq_by_key(f.h, "pci-0000:c1:00.0 msi-3");
	char key[] = "pci-0000:c1:00.0 msi-30";

	(void)state;
	assert_int_equal(host_irq_recheck(f.h, &like, &f.err), 0);
	like.key = key;
	assert_int_equal(host_irq_recheck(f.h, &like, &f.err), -ESTALE);
	fixture_end(&f);
}

/* The machine at hand: every interrupt passes its own check, and the keys are unique. */
static void the_live_host(void **state)
{
	struct fsio *fs;
	struct host *h;
	struct hft_err err;

	(void)state;
	assert_int_equal(fsio_new("/", &fs, &err), 0);
	assert_int_equal(host_read(fs, &h, &err), 0);
	assert_int_equal(host_read_irqs(h, &err), 0);
	for (size_t i = 0; i < h->n_irqs; i++) {
		assert_int_equal(host_irq_recheck(h, &h->irqs[i], &err), 0);
		assert_ptr_equal(host_irq_by_key(h, h->irqs[i].key), &h->irqs[i]);
	}
	host_free(h);
	fsio_free(fs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_kernels_name_the_device),
		cmocka_unit_test(old_kernels_have_it_in_hwirq),
		cmocka_unit_test(others_are_named_by_chip_and_pin),
		cmocka_unit_test(twins_are_numbered),
		cmocka_unit_test(many_twins_are_found),
		cmocka_unit_test(keys_are_unique_and_sorted),
		cmocka_unit_test(managed_interrupts_have_no_write_bit),
		cmocka_unit_test(the_child_of_virtio_pci_says_the_driver),
		cmocka_unit_test(the_node_is_the_devices_or_its_own),
		cmocka_unit_test(every_interrupt_of_the_directory_is_there),
		cmocka_unit_test(what_has_no_name_is_left_out),
		cmocka_unit_test(a_host_without_interrupts),
		cmocka_unit_test(a_failure_leaves_nothing),
		cmocka_unit_test(a_number_can_be_rechecked),
		cmocka_unit_test(a_longer_key_is_another_interrupt),
		cmocka_unit_test(the_live_host),
	};

	return cmocka_run_group_tests(tests, NULL, sweep);
}
