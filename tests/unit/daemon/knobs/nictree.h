/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network devices in a cputree: an adapter with two ports, one with two interfaces on a port, a virtual one, lo. */
#pragma once

#include "tests/unit/daemon/knobs/cputree.h"

#define NET "/sys/class/net/"
#define TWO_PORTS "0000:3b:00.0"
#define ONE_PORT "0000:5e:00.0"

static inline void put_link(const struct cputree *t, const char *target, const char *path)
{
	char full[256];

	assert_int_equal(symlink(target, cputree_real(t, path, full)), 0);
}

/* device: below /sys/devices */
static inline void put_nic(const struct cputree *t, const char *device, const char *name, const char *port, int queues)
{
	static const struct {
		const char *file, *text;
	} files[] = {
		{"address", "02:00:00:00:00:01"}, {"gro_flush_timeout", "0"},
		{"napi_defer_hard_irqs", "0"},    {"tx_queue_len", "1000"},
		{"threaded", "0"},                {"ifindex", "7"},
	};
	char path[160], target[160];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "/sys/devices/%s/net/%s/%s", device, name, files[i].file);
		put(t, path, files[i].text);
	}
	snprintf(path, sizeof(path), "/sys/devices/%s/net/%s/dev_port", device, name);
	put(t, path, port);
	for (int i = 0; i < queues; i++) {
		snprintf(path, sizeof(path), "/sys/devices/%s/net/%s/queues/rx-%d/rps_cpus", device, name, i);
		put(t, path, "0");
		snprintf(path, sizeof(path), "/sys/devices/%s/net/%s/queues/rx-%d/rps_flow_cnt", device, name, i);
		put(t, path, "0");
		snprintf(path, sizeof(path), "/sys/devices/%s/net/%s/queues/tx-%d/xps_cpus", device, name, i);
		put(t, path, "0");
	}
	snprintf(path, sizeof(path), NET "%s", name);
	snprintf(target, sizeof(target), "../../devices/%s/net/%s", device, name);
	put_link(t, target, path);
}

static inline void put_pci_driver(const struct cputree *t, const char *address, const char *driver, const char *nic)
{
	char path[160], target[160];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/bind", driver);
	put(t, path, "");
	snprintf(path, sizeof(path), "/sys/devices/pci0000:00/%s/driver", address);
	snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
	put_link(t, target, path);
	snprintf(path, sizeof(path), "/sys/devices/pci0000:00/%s/net/%s/device", address, nic);
	put_link(t, "../..", path);
}

static inline struct cputree *nictree_new(void)
{
	struct cputree *t = cputree_new();

	put(t, NET "bonding_masters", "");
	put_nic(t, "pci0000:00/" TWO_PORTS, "eth0", "0", 4);
	put_pci_driver(t, TWO_PORTS, "mlx5_core", "eth0");
	put_nic(t, "pci0000:00/" TWO_PORTS, "eth1", "1", 1);
	put_nic(t, "pci0000:00/" ONE_PORT, "eth2", "0", 1);
	put_nic(t, "pci0000:00/" ONE_PORT, "eth3", "0", 1);
	put_nic(t, "virtual", "v0", "0", 2);
	put_nic(t, "virtual", "lo", "0", 1);
	cputree_read(t);
	return t;
}
