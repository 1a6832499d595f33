/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Made-up machines that look like real ones: what a machine is, and how its /proc and /sys are written out, as lines of
 * a tree (tree.h) or straight into a directory. Shared by the files of genhost; must not read the host it runs on.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "lib/base/cpuset.h"

#define MACHINE_MAX_DEVICES 512
#define MACHINE_MAX_STATES 6

/* --- where it goes ------------------------------------------------------------------------------------------------ */

struct out {
	FILE *text; /* lines of a tree; NULL: into the directory */
	int dir_fd;
	unsigned long lines;
};

/* A file with this text; NULL text: a file that can only be written. Exits on failure, as all of these. */
void out_file(struct out *o, mode_t mode, const char *text, const char *path_fmt, ...)
	__attribute__((format(printf, 4, 5)));
void out_number(struct out *o, mode_t mode, long long number, const char *path_fmt, ...)
	__attribute__((format(printf, 4, 5)));
void out_link(struct out *o, const char *target, const char *path_fmt, ...) __attribute__((format(printf, 3, 4)));
void out_dir(struct out *o, const char *path_fmt, ...) __attribute__((format(printf, 2, 3)));
void out_comment(struct out *o, const char *text);

/* The kernel's two forms of a set, in a static buffer of four that take turns. */
const char *list_text(const struct cpuset *set);
const char *mask_text(const struct cpuset *set, unsigned nr_cpu_ids);

/* --- what a machine is -------------------------------------------------------------------------------------------- */

enum device_kind {
	DEVICE_PORT,       /* PCI Express root port */
	DEVICE_MLX5,       /* network, 1 + queues vectors */
	DEVICE_ICE,        /* network, 1 + queues vectors */
	DEVICE_NVME,       /* block, 1 + queues vectors, all but the first managed */
	DEVICE_AHCI,       /* one plain MSI */
	DEVICE_VIRTIO_NET, /* config, then input and output of each queue */
	DEVICE_VIRTIO_BLK, /* config, then the managed queues */
};

struct device {
	enum device_kind kind;
	unsigned domain, bus, slot, function;
	const struct device *port; /* the root port it sits behind; NULL: on the root bus */
	int node;                  /* -1: unknown, as on most virtual machines */
	int queues;
	int instance;             /* nvme0, virtio2 */
	const char *ifname, *mac; /* network devices */
};

struct legacy_irq { /* an interrupt without a PCI device */
	int irq;
	const char *chip;
	unsigned hwirq;
	const char *type; /* "edge", "fasteoi" */
	const char *actions;
};

struct idle_state {
	const char *name, *desc;
	unsigned latency_us, residency_us;
};

struct machine {
	const char *comment;
	const char *kernel; /* osrelease */
	int version;        /* 612 is 6.12 */
	const char *vendor, *model, *flags;
	int family, model_number, stepping;
	int packages, cores, threads; /* cores of a package, threads of a core; CPU n and n + all cores are siblings */
	int nodes;                    /* of the host, an equal part in each package */
	int cores_per_l3;
	const char *l3_size;
	unsigned long long node_memory_kib;
	const char *cmdline;
	const char *isolated, *nohz_full; /* lists; NULL nohz_full: built without it */
	const char *cpufreq_driver;       /* NULL: none */
	unsigned min_khz, max_khz, base_khz;
	const char *idle_driver, *idle_governor; /* NULL driver: none */
	struct idle_state states[MACHINE_MAX_STATES];
	const char *smt_control;
	bool has_mce, has_interrupt_remapping, has_bonding, is_virtual;
	const char *clocksource, *clocksources;
	const char *machine_id, *boot_id, *hostname;
	const struct legacy_irq *legacy;
	size_t n_legacy;
	struct device devices[MACHINE_MAX_DEVICES];
	size_t n_devices;
	int first_msi; /* number of the first interrupt of a PCI device */
};

static inline int machine_cores(const struct machine *m)
{
	return m->packages * m->cores;
}

static inline int machine_cpus(const struct machine *m)
{
	return machine_cores(m) * m->threads;
}

static inline int machine_node_of_core(const struct machine *m, int core)
{
	return core * m->nodes / machine_cores(m);
}

/* The threads of the cores from..to-1. */
void machine_threads(const struct machine *m, int from, int to, struct cpuset *ret);
void machine_node_cpus(const struct machine *m, int node, struct cpuset *ret); /* -1: all CPUs */
void machine_all_cpus(const struct machine *m, struct cpuset *ret);

/* --- writing it out ----------------------------------------------------------------------------------------------- */

void machine_put_cpus(struct out *o, const struct machine *m); /* machine_cpus.c */
void machine_put_nodes(struct out *o, const struct machine *m);
void machine_put_devices(struct out *o, const struct machine *m); /* machine_devices.c: PCI, interrupts, networks */
void machine_put_kernel(struct out *o, const struct machine *m);  /* machine_kernel.c: sysctls and other knobs */

/* A fixture by name, or NULL; and the big one for the benchmarks (machine_models.c). Freed by free(). */
struct machine *machine_model(const char *name);
struct machine *machine_big(int cpus, int irqs, int nodes, int nics);
/* The interrupts that a device has. */
int device_vectors(const struct device *d);
