/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices of a made-up machine: PCI functions with their drivers, interrupts as /proc/irq and /sys/kernel/irq show them
 * on this kernel, and network interfaces.
 */
#include <string.h>

#include "tests/tools/machine.h"

#define PATH_LEN 256

/* --- kinds -------------------------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct kind {
	const char *driver, *class, *vendor, *id;
	bool msix;
	int fixed;           /* vectors besides those of the queues */
	int per_queue;
	bool managed;        /* the vectors of the queues are */
	const char *virtio;  /* driver of the virtio child, or NULL */
	const char *virtio_id;
} kinds[] = {
	[DEVICE_PORT] = {"pcieport", "0x060400", "0x8086", "0x347a", false, 1, 0, false, NULL, NULL},
	[DEVICE_MLX5] = {"mlx5_core", "0x020000", "0x15b3", "0x101d", true, 1, 1, false, NULL, NULL},
	[DEVICE_ICE] = {"ice", "0x020000", "0x8086", "0x159b", true, 1, 1, false, NULL, NULL},
	[DEVICE_NVME] = {"nvme", "0x010802", "0x144d", "0xa80a", true, 1, 1, true, NULL, NULL},
	[DEVICE_AHCI] = {"ahci", "0x010601", "0x8086", "0xa1d2", false, 1, 0, false, NULL, NULL},
	[DEVICE_VIRTIO_NET] =
		{"virtio-pci", "0x020000", "0x1af4", "0x1041", true, 1, 2, false, "virtio_net", "0x0001"},
	[DEVICE_VIRTIO_BLK] =
		{"virtio-pci", "0x010000", "0x1af4", "0x1042", true, 1, 1, true, "virtio_blk", "0x0002"},
};
/* clang-format on */

int device_vectors(const struct device *d)
{
	return kinds[d->kind].fixed + kinds[d->kind].per_queue * d->queues;
}

static const char *address(const struct device *d)
{
	static char text[4][24];
	static unsigned next;
	char *a = text[next++ % 4];

	snprintf(a, sizeof(text[0]), "%04x:%02x:%02x.%x", d->domain, d->bus, d->slot, d->function);
	return a;
}

/* "pci0000:3a/0000:3a:00.0/0000:3b:00.0", below /sys/devices. */
static void device_path(const struct device *d, char path[PATH_LEN])
{
	const struct device *root = d->port != NULL ? d->port : d;

	snprintf(path, PATH_LEN, "pci%04x:%02x/%s%s%s", root->domain, root->bus, address(root),
	         d->port != NULL ? "/" : "", d->port != NULL ? address(d) : "");
}

/* As many "../" as lead from path up to /sys/devices, and on to /sys. */
static void up_to_sys(const char *path, const char *rest, char target[PATH_LEN])
{
	size_t len = (size_t)snprintf(target, PATH_LEN, "../../");

	for (const char *p = path; (p = strchr(p, '/')) != NULL; p++)
		len += (size_t)snprintf(target + len, PATH_LEN - len, "../");
	snprintf(target + len, PATH_LEN - len, "%s", rest);
}

/* --- interrupts --------------------------------------------------------------------------------------------------- */

struct irq {
	int number;
	char chip[64], actions[64];
	unsigned long long hwirq;
	const char *type;
	int node;
	bool managed;
	struct cpuset affinity;
};

static void put_irq_counts(struct out *o, const struct machine *m, const struct irq *irq)
{
	int handler = cpuset_next(&irq->affinity, 0);
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	for (int cpu = 0; cpu < machine_cpus(m); cpu++)
		fprintf(f, "%s%d", cpu > 0 ? "," : "", cpu == handler ? irq->number * 37 : 0);
	fclose(f);
	out_file(o, 0444, text, "/sys/kernel/irq/%d/per_cpu_count", irq->number);
	free(text);
}

static void put_irq(struct out *o, const struct machine *m, const struct irq *irq)
{
	unsigned n_cpus = (unsigned)machine_cpus(m);
	struct cpuset effective = {0}, none = {0};
	/* Since 6.12 the kernel takes the write bits away from the files of a managed interrupt. */
	mode_t mode = irq->managed && m->version >= 612 ? 0444 : 0644;
	int n = irq->number;

	cpuset_add(&effective, (unsigned)cpuset_next(&irq->affinity, 0));
	out_file(o, mode, mask_text(&irq->affinity, n_cpus), "/proc/irq/%d/smp_affinity", n);
	out_file(o, mode, list_text(&irq->affinity), "/proc/irq/%d/smp_affinity_list", n);
	out_file(o, 0444, mask_text(&effective, n_cpus), "/proc/irq/%d/effective_affinity", n);
	out_file(o, 0444, list_text(&effective), "/proc/irq/%d/effective_affinity_list", n);
	out_file(o, 0444, mask_text(&none, n_cpus), "/proc/irq/%d/affinity_hint", n);
	out_number(o, 0444, irq->node < 0 ? 0 : irq->node, "/proc/irq/%d/node", n);
	out_file(o, 0444, "count 0\nunhandled 0\nlast_unhandled 0 ms", "/proc/irq/%d/spurious", n);
	if (strpbrk(irq->actions, "/,") == NULL)
		out_dir(o, "/proc/irq/%d/%s", n, irq->actions);

	out_file(o, 0444, irq->actions, "/sys/kernel/irq/%d/actions", n);
	out_file(o, 0444, irq->chip, "/sys/kernel/irq/%d/chip_name", n);
	out_number(o, 0444, (long long)irq->hwirq, "/sys/kernel/irq/%d/hwirq", n);
	out_file(o, 0444, irq->type, "/sys/kernel/irq/%d/name", n);
	out_file(o, 0444, strcmp(irq->type, "fasteoi") == 0 ? "level" : "edge", "/sys/kernel/irq/%d/type", n);
	out_file(o, 0444, "disabled", "/sys/kernel/irq/%d/wakeup", n);
	put_irq_counts(o, m, irq);
}

/* Since 6.2 every PCI device has a domain of its own; before, hwirq said which device it was. */
static void name_chip(const struct machine *m, const struct device *d, int vector, struct irq *irq)
{
	const char *prefix = m->has_interrupt_remapping ? "IR-" : "";

	if (m->version >= 602) {
		snprintf(irq->chip, sizeof(irq->chip), "%sPCI-MSI%s-%s", prefix, kinds[d->kind].msix ? "X" : "",
		         address(d));
		irq->hwirq = (unsigned long long)vector;
		return;
	}
	snprintf(irq->chip, sizeof(irq->chip), "%sPCI-MSI", prefix);
	irq->hwirq = (unsigned long long)vector | (unsigned long long)(d->bus << 8 | d->slot << 3 | d->function) << 11 |
	             (unsigned long long)d->domain << 27;
}

static void name_queue(const struct device *d, int vector, struct irq *irq)
{
	char *s = irq->actions;
	const size_t size = sizeof(irq->actions);

	switch (d->kind) {
	case DEVICE_PORT:
		snprintf(s, size, "PCIe PME,PCIe bwctrl");
		break;
	case DEVICE_AHCI:
		snprintf(s, size, "ahci[%s]", address(d));
		break;
	case DEVICE_MLX5:
		if (vector == 0)
			snprintf(s, size, "mlx5_async0@pci:%s", address(d));
		else
			snprintf(s, size, "mlx5_comp%d@pci:%s", vector - 1, address(d));
		break;
	case DEVICE_ICE:
		if (vector == 0)
			snprintf(s, size, "ice-%s:misc", address(d));
		else
			snprintf(s, size, "ice-%s-TxRx-%d", d->ifname, vector - 1);
		break;
	case DEVICE_NVME:
		snprintf(s, size, "nvme%dq%d", d->instance, vector);
		break;
	case DEVICE_VIRTIO_NET:
		if (vector == 0)
			snprintf(s, size, "virtio%d-config", d->instance);
		else
			snprintf(s, size, "virtio%d-%s.%d", d->instance, vector % 2 ? "input" : "output",
			         (vector - 1) / 2);
		break;
	case DEVICE_VIRTIO_BLK:
		if (vector == 0)
			snprintf(s, size, "virtio%d-config", d->instance);
		else
			snprintf(s, size, "virtio%d-req.%d", d->instance, vector - 1);
		break;
	}
}

/* A network queue on one CPU of its node, as irqbalance leaves it; a managed one on its share; the rest anywhere. */
static void place_vector(const struct machine *m, const struct device *d, int vector, struct irq *irq)
{
	const struct kind *kind = &kinds[d->kind];
	int n_cpus = machine_cpus(m);
	int queue = (vector - kind->fixed) / (kind->per_queue > 0 ? kind->per_queue : 1);
	struct cpuset node;

	machine_node_cpus(m, d->node, &node);
	cpuset_zero(&irq->affinity);
	if (vector < kind->fixed) {
		machine_all_cpus(m, &irq->affinity);
	} else if (kind->managed) {
		irq->managed = true;
		for (int cpu = queue; cpu < n_cpus; cpu += d->queues)
			cpuset_add(&irq->affinity, (unsigned)cpu);
		if (cpuset_is_empty(&irq->affinity))
			cpuset_add(&irq->affinity, (unsigned)(queue % n_cpus));
	} else {
		int cpu = cpuset_next(&node, 0);
		for (int i = 0; i < queue % (int)cpuset_count(&node); i++)
			cpu = cpuset_next(&node, (unsigned)cpu + 1);
		cpuset_add(&irq->affinity, (unsigned)cpu);
	}
}

static void put_vectors(struct out *o, const struct machine *m, const struct device *d, int *next)
{
	char path[PATH_LEN];

	device_path(d, path);
	for (int v = 0; v < device_vectors(d); v++) {
		struct irq irq = {.number = (*next)++, .type = "edge", .node = d->node};
		name_chip(m, d, v, &irq);
		name_queue(d, v, &irq);
		place_vector(m, d, v, &irq);
		put_irq(o, m, &irq);
		out_file(o, 0444, kinds[d->kind].msix ? "msix" : "msi", "/sys/devices/%s/msi_irqs/%d", path,
		         irq.number);
	}
}

static void put_legacy_irqs(struct out *o, const struct machine *m)
{
	for (size_t i = 0; i < m->n_legacy; i++) {
		const struct legacy_irq *l = &m->legacy[i];
		struct irq irq = {.number = l->irq, .hwirq = l->hwirq, .type = l->type, .node = -1};
		snprintf(irq.chip, sizeof(irq.chip), "%s", l->chip);
		snprintf(irq.actions, sizeof(irq.actions), "%s", l->actions);
		machine_all_cpus(m, &irq.affinity);
		put_irq(o, m, &irq);
	}
}

/* --- network interfaces ------------------------------------------------------------------------------------------- */

static void put_queues(struct out *o, const struct machine *m, const char *path, int n)
{
	struct cpuset none = {0};
	char queues[16];

	snprintf(queues, sizeof(queues), "0-%d", n - 1);
	out_file(o, 0644, mask_text(&none, (unsigned)machine_cpus(m)), "%s/queues/rx-{%s}/rps_cpus", path, queues);
	out_number(o, 0644, 0, "%s/queues/rx-{%s}/rps_flow_cnt", path, queues);
	out_file(o, 0644, mask_text(&none, (unsigned)machine_cpus(m)), "%s/queues/tx-{%s}/xps_cpus", path, queues);
	out_number(o, 0644, 0, "%s/queues/tx-{%s}/xps_rxqs", path, queues);
	out_number(o, 0644, 0, "%s/queues/tx-{%s}/tx_maxrate", path, queues);
	out_number(o, 0444, 0, "%s/queues/tx-{%s}/tx_timeout", path, queues);
	out_number(o, 0644, 1879048192, "%s/queues/tx-{%s}/byte_queue_limits/limit_max", path, queues);
	out_number(o, 0644, 0, "%s/queues/tx-{%s}/byte_queue_limits/limit_min", path, queues);
	out_number(o, 0644, 0, "%s/queues/tx-{%s}/byte_queue_limits/limit", path, queues);
	out_number(o, 0644, 1000, "%s/queues/tx-{%s}/byte_queue_limits/hold_time", path, queues);
	out_number(o, 0444, 0, "%s/queues/tx-{%s}/byte_queue_limits/inflight", path, queues);
}

/* path: of the interface's own directory. */
static void put_interface(struct out *o, const struct machine *m, const char *path, const char *mac, int ifindex,
                          int mtu, int queues)
{
	bool loopback = ifindex == 1;

	out_file(o, 0444, mac, "%s/address", path);
	out_number(o, 0444, ifindex, "%s/ifindex", path);
	out_number(o, 0644, mtu, "%s/mtu", path);
	out_number(o, 0644, 1000, "%s/tx_queue_len", path);
	out_file(o, 0644, loopback ? "0x9" : "0x1003", "%s/flags", path);
	out_number(o, 0444, loopback ? 772 : 1, "%s/type", path);
	out_file(o, 0444, loopback ? "unknown" : "up", "%s/operstate", path);
	out_number(o, 0644, 1, "%s/carrier", path);
	out_number(o, 0644, 0, "%s/gro_flush_timeout", path);
	out_number(o, 0644, 0, "%s/napi_defer_hard_irqs", path);
	out_number(o, 0644, 0, "%s/threaded", path);
	put_queues(o, m, path, queues);
}

static void put_nic(struct out *o, const struct machine *m, const struct device *d, const char *parent, int ifindex)
{
	char path[3 * PATH_LEN], target[PATH_LEN], net[2 * PATH_LEN], device[64];

	snprintf(net, sizeof(net), "%s/net/%s", parent, d->ifname);
	snprintf(path, sizeof(path), "/sys/devices/%s", net);
	put_interface(o, m, path, d->mac, ifindex, 1500, d->queues);
	if (!m->is_virtual) {
		out_number(o, 0444, 25000, "%s/speed", path);
		out_file(o, 0444, "full", "%s/duplex", path);
	}
	const char *last = strrchr(parent, '/') + 1;
	snprintf(device, sizeof(device), "../../../%s", last);
	out_link(o, device, "%s/device", path);
	up_to_sys(net, "class/net", target);
	out_link(o, target, "%s/subsystem", path);
	snprintf(path, sizeof(path), "../../devices/%s", net);
	out_link(o, path, "/sys/class/net/%s", d->ifname);
}

static void put_loopback(struct out *o, const struct machine *m)
{
	put_interface(o, m, "/sys/devices/virtual/net/lo", "00:00:00:00:00:00", 1, 65536, 1);
	out_link(o, "../../devices/virtual/net/lo", "/sys/class/net/lo");
	if (m->has_bonding) /* a file, and no interface */
		out_file(o, 0644, "", "/sys/class/net/bonding_masters");
}

/* --- PCI devices -------------------------------------------------------------------------------------------------- */

static void put_pci(struct out *o, const struct machine *m, const struct device *d, const char *path)
{
	const struct kind *kind = &kinds[d->kind];
	char target[PATH_LEN], rest[PATH_LEN];
	struct cpuset local;

	machine_node_cpus(m, d->node, &local);
	out_file(o, 0444, kind->class, "/sys/devices/%s/class", path);
	out_file(o, 0444, kind->vendor, "/sys/devices/%s/vendor", path);
	out_file(o, 0444, kind->id, "/sys/devices/%s/device", path);
	out_number(o, 0644, d->node, "/sys/devices/%s/numa_node", path);
	out_file(o, 0444, mask_text(&local, (unsigned)machine_cpus(m)), "/sys/devices/%s/local_cpus", path);
	out_file(o, 0444, list_text(&local), "/sys/devices/%s/local_cpulist", path);
	out_file(o, 0644, "(null)", "/sys/devices/%s/driver_override", path);
	out_file(o, 0644, "on", "/sys/devices/%s/power/control", path);
	snprintf(rest, sizeof(rest), "bus/pci/drivers/%s", kind->driver);
	up_to_sys(path, rest, target);
	out_link(o, target, "/sys/devices/%s/driver", path);
	up_to_sys(path, "bus/pci", target);
	out_link(o, target, "/sys/devices/%s/subsystem", path);
	snprintf(target, sizeof(target), "../../../devices/%.200s", path);
	out_link(o, target, "/sys/bus/pci/devices/%s", address(d));
}

static void put_virtio(struct out *o, const struct device *d, const char *path, char child[PATH_LEN])
{
	const struct kind *kind = &kinds[d->kind];
	char target[PATH_LEN], rest[PATH_LEN];

	snprintf(child, PATH_LEN, "%.200s/virtio%d", path, d->instance);
	out_file(o, 0444, kind->virtio_id, "/sys/devices/%s/device", child);
	out_file(o, 0444, "0x1af4", "/sys/devices/%s/vendor", child);
	out_file(o, 0444, "0x0000000f", "/sys/devices/%s/status", child);
	snprintf(rest, sizeof(rest), "bus/virtio/drivers/%s", kind->virtio);
	up_to_sys(child, rest, target);
	out_link(o, target, "/sys/devices/%s/driver", child);
}

void machine_put_devices(struct out *o, const struct machine *m)
{
	struct cpuset all;
	int next_irq = m->first_msi;
	int ifindex = 2;

	out_comment(o, "devices, interrupts and network interfaces");
	machine_all_cpus(m, &all);
	out_file(o, 0644, mask_text(&all, (unsigned)machine_cpus(m)), "/proc/irq/default_smp_affinity");
	put_legacy_irqs(o, m);
	for (size_t i = 0; i < m->n_devices; i++) {
		const struct device *d = &m->devices[i];
		char path[PATH_LEN], parent[PATH_LEN];
		device_path(d, path);
		snprintf(parent, sizeof(parent), "%s", path);
		put_pci(o, m, d, path);
		if (kinds[d->kind].virtio != NULL)
			put_virtio(o, d, path, parent);
		if (d->ifname != NULL)
			put_nic(o, m, d, parent, ifindex++);
		put_vectors(o, m, d, &next_irq);
	}
	put_loopback(o, m);
}
