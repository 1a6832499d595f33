/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/host/nics.c. */
#include "tests/unit/daemon/host/fixture.h"

static void physical_devices(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	put_lines(&f, "d /sys/devices/pci0000:97/0000:97:02.0/0000:98:00.0/net/eth0/queues/tx-16");
	assert_int_equal(host_read_nics(f.h, &f.err), 0);
	assert_true(f.h->nics_read);
	assert_int_equal(f.h->n_nics, 3); /* bonding_masters is a file */
	const struct host_nic *nic = host_nic(f.h, "eth0");
	assert_non_null(nic);
	assert_string_equal(nic->name, "eth0");
	assert_string_equal(nic->driver, "mlx5_core");
	assert_string_equal(nic->device, "0000:98:00.0"); /* and not the port above it */
	assert_string_equal(nic->mac, "b8:3f:d2:1a:4c:60");
	assert_int_equal(nic->node, 1);
	assert_int_equal(nic->rx_queues, 16);
	assert_int_equal(nic->tx_queues, 17);
	assert_list(&nic->local_cpus, "8-15,24-31");
	assert_string_equal(host_nic(f.h, "eth1")->driver, "ice");
	assert_null(host_nic(f.h, "eth2"));
	assert_null(host_nic(f.h, "bonding_masters"));
	fixture_end(&f);
}

static void the_loopback_has_no_device(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	assert_int_equal(host_read_nics(f.h, &f.err), 0);
	const struct host_nic *nic = host_nic(f.h, "lo");
	assert_non_null(nic);
	assert_string_equal(nic->device, "");
	assert_string_equal(nic->driver, "");
	assert_int_equal(nic->node, -1);
	assert_int_equal(nic->rx_queues, 1);
	assert_list(&nic->local_cpus, "0-31");
	fixture_end(&f);
}

static void a_virtio_device_is_below_a_pci_device(void **state)
{
	struct fixture f = host_begin("vm-1cpu");

	(void)state;
	assert_int_equal(host_read_nics(f.h, &f.err), 0);
	const struct host_nic *nic = host_nic(f.h, "ens3");
	assert_non_null(nic);
	assert_string_equal(nic->driver, "virtio_net"); /* the child's, not virtio-pci */
	assert_string_equal(nic->device, "0000:00:03.0");
	assert_int_equal(nic->node, -1);
	assert_list(&nic->local_cpus, "0");
	fixture_end(&f);
}

/* The controller's interrupt and node are not those of a network device that hangs on its USB. */
static void behind_usb_is_no_pci_device(void **state)
{
	struct fixture f = host_begin("vm-1cpu");

	(void)state;
	put_lines(&f,
	          "f 0444 /sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/net/enx0/address\t02:00:00:00:00:09\n"
	          "l /sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/net/enx0/device\t../../../2-1:1.0\n"
	          "l /sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/driver\t../../bus/usb/drivers/r8152\n"
	          "l /sys/class/net/enx0\t../../devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/net/enx0");
	assert_int_equal(host_read_nics(f.h, &f.err), 0);
	assert_string_equal(host_nic(f.h, "enx0")->device, "");
	assert_string_equal(host_nic(f.h, "enx0")->driver, "r8152");
	assert_string_equal(host_nic(f.h, "enx0")->mac, "02:00:00:00:00:09");
	assert_int_equal(host_nic(f.h, "enx0")->rx_queues, 0);
	fixture_end(&f);
}

/* A channel of Hyper-V has a node and no PCI device. */
static void a_parent_without_pci_may_have_a_node(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	put_lines(&f, "f 0444 /sys/devices/LNXSYSTM:00/ACPI0004:00/MSFT1000:00/0d-3a/numa_node\t1\n"
	              "d /sys/devices/LNXSYSTM:00/ACPI0004:00/MSFT1000:00/0d-3a/net/eth9\n"
	              "l /sys/devices/LNXSYSTM:00/ACPI0004:00/MSFT1000:00/0d-3a/net/eth9/device\t../../../0d-3a\n"
	              "l /sys/devices/LNXSYSTM:00/ACPI0004:00/MSFT1000:00/0d-3a/driver\t../hv_netvsc\n"
	              "l /sys/class/net/eth9\t../../devices/LNXSYSTM:00/ACPI0004:00/MSFT1000:00/0d-3a/net/eth9");
	assert_int_equal(host_read_nics(f.h, &f.err), 0);
	assert_int_equal(host_nic(f.h, "eth9")->node, 1);
	assert_string_equal(host_nic(f.h, "eth9")->driver, "hv_netvsc");
	assert_string_equal(host_nic(f.h, "eth9")->mac, "");
	fixture_end(&f);
}

static void many_interfaces_are_found(void **state)
{
	struct fixture f = host_begin("vm-1cpu");

	(void)state;
	put_lines(&f, "f 0444 /sys/devices/virtual/net/veth{0-120}/address\t02:00:00:00:00:00");
	for (int i = 0; i <= 120; i++) {
		CLEANUP(mem_freep)
		char *line = str_printf("l /sys/class/net/veth%d\t../../devices/virtual/net/veth%d", i, i);
		put_lines(&f, line);
	}
	assert_int_equal(host_read_nics(f.h, &f.err), 0);
	assert_int_equal(f.h->n_nics, 123);
	for (int i = 0; i <= 120; i++) {
		CLEANUP(mem_freep) char *name = str_printf("veth%d", i);
		assert_string_equal(host_nic(f.h, name)->name, name);
	}
	assert_non_null(host_nic(f.h, "lo"));
	assert_non_null(host_nic(f.h, "ens3"));
	assert_null(host_nic(f.h, "veth121"));
	fixture_end(&f);
}

static void a_host_without_network(void **state)
{
	struct fixture f = host_begin("vm-1cpu");

	(void)state;
	take_away(&f, "/sys/class/net");
	assert_int_equal(host_read_nics(f.h, &f.err), 0);
	assert_int_equal(f.h->n_nics, 0);
	fixture_end(&f);
}

static void a_failure_leaves_nothing(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	put_lines(&f, "f 0444 /sys/devices/pci0000:97/0000:97:02.0/0000:98:00.0/numa_node\tone");
	assert_int_equal(host_read_nics(f.h, &f.err), -EINVAL);
	assert_string_equal(f.err.code, ERR_IO);
	assert_string_equal(f.err.subject, "/sys/bus/pci/devices/0000:98:00.0/numa_node");
	assert_false(f.h->nics_read);
	assert_int_equal(f.h->n_nics, 0);
	put_lines(&f, "f 0444 /sys/devices/pci0000:97/0000:97:02.0/0000:98:00.0/numa_node\t0");
	assert_int_equal(host_read_nics(f.h, &f.err), 0);
	assert_int_equal(host_nic(f.h, "eth0")->node, 0);
	fixture_end(&f);
}

static void reading_twice_reads_once(void **state)
{
	struct fixture f = host_begin("xeon-2s");

	(void)state;
	assert_int_equal(host_read_nics(f.h, &f.err), 0);
	const struct host_nic *nic = host_nic(f.h, "eth0");
	take_away(&f, "/sys/class/net");
	assert_int_equal(host_read_nics(f.h, &f.err), 0);
	assert_ptr_equal(host_nic(f.h, "eth0"), nic);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(physical_devices),
		cmocka_unit_test(the_loopback_has_no_device),
		cmocka_unit_test(a_virtio_device_is_below_a_pci_device),
		cmocka_unit_test(behind_usb_is_no_pci_device),
		cmocka_unit_test(a_parent_without_pci_may_have_a_node),
		cmocka_unit_test(many_interfaces_are_found),
		cmocka_unit_test(a_host_without_network),
		cmocka_unit_test(a_failure_leaves_nothing),
		cmocka_unit_test(reading_twice_reads_once),
	};

	return cmocka_run_group_tests(tests, NULL, sweep);
}
