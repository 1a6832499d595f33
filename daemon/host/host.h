/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host as it was read: CPUs, nodes, interrupts, network devices, kernel. Changes nothing, decides nothing.
 *
 * On the live host nodes, distances and free memory come from libnuma; everything else, and everything of a copied
 * tree, is read through fsio. Parts are read on demand, because 4,096 interrupts cost more than a sysctl profile, and
 * host_read() itself runs before every plan. A file that the kernel lacks gives the default; a file that cannot be read
 * or makes no sense is -errno ERR_IO with the path as subject.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cpuset.h"
#include "lib/base/str.h"

struct fsio;
struct hft_err;

struct host_cpu {
	int cpu;
	bool online;
	int package, node; /* physical_package_id; -1 unknown (an offline CPU has no topology) */
	int core, l3;      /* core_id, cache/index3 id; -1 unknown; after host_read_details() */
	int sibling_group;           /* index into siblings[]: CPUs of one core */
};

struct host_node {
	int node;
	struct cpuset cpus;            /* present CPUs of the node, the offline ones too */
	int *distances;                /* one per node, in the order of host->nodes */
	uint64_t memory_kib, free_kib; /* after host_read_details() */
};

struct host_irq {
	int irq;         /* the number now; never a key */
	char *key;       /* "pci-0000:00:03.0 msi-1", else "IO-APIC hwirq-5" (of a second one "IO-APIC hwirq-5 #2") */
	char *device;    /* "0000:00:03.0", or "" */
	char *driver;    /* driver of the device ("virtio_net": the child's when it has one), or "" */
	char *nic;       /* network device it belongs to ("eth0"), or "" */
	char *actions;   /* action names, comma separated ("virtio2-input.0"), "" when nobody requested it */
	int node;        /* -1 unknown */
	bool managed;    /* the affinity file has no write bit: the kernel keeps it (6.12 and later say so) */
};

struct host_nic {
	char *name, *driver;
	char *device; /* PCI address, or "" for a virtual device */
	char *mac;
	int node;     /* -1 unknown */
	int rx_queues, tx_queues;
	struct cpuset local_cpus; /* all online CPUs where nothing says better */
};

/* A thread as proc(5) shows it. */
struct host_task {
	int pid, tid;
	unsigned long long born; /* clock ticks since the boot: with tid what it is known by */
	char name[64];           /* may hold anything but NUL */
	unsigned flags;          /* HOST_TASK_* among others */
	int policy, priority, nice; /* SCHED_*, 1..99 of real-time policies, -20..19 */
};

/* Flags of include/linux/sched.h that have kept their places since 3.x. */
#define HOST_TASK_WORKQUEUE 0x00000020u /* PF_WQ_WORKER */
#define HOST_TASK_KERNEL 0x00200000u    /* PF_KTHREAD */
#define HOST_TASK_BOUND 0x04000000u     /* PF_NO_SETAFFINITY */

struct host_tasks { /* zero-initialise; host_tasks_done frees */
	struct host_task *t;
	size_t n, cap;
};

struct host_feature {
	const char *name; /* "thp", "cpufreq", "cpuidle", "nohz_full", "smt", "mce", "managed-irq-mode" ... */
	bool present;
	const char *note; /* what it means for hfttune, one clause */
};

struct host {
	struct fsio *fs; /* borrowed */
	char *kernel;    /* "6.18.44-..." from /proc/sys/kernel/osrelease */
	int kernel_major, kernel_minor;
	char *boot_id;   /* /proc/sys/kernel/random/boot_id, "" in a tree without one */
	char *machine_id; /* /etc/machine-id, "" without one */
	char *vendor;    /* "GenuineIntel", "AuthenticAMD"; "" before host_read_details() */
	char *model;     /* "" before host_read_details() */
	bool is_virtual; /* the hypervisor flag of /proc/cpuinfo; false before host_read_details() */
	struct cpuset possible, present, online, isolated, nohz_full;
	struct host_cpu *cpus; /* one per present CPU, ascending */
	size_t n_cpus;
	struct cpuset *siblings; /* sibling groups of present CPUs */
	size_t n_siblings;
	struct host_node *nodes;
	size_t n_nodes;
	struct host_feature *features;
	size_t n_features;

	bool details_read, nics_read, irqs_read, features_read, kthreads_read; /* set by the functions below */
	struct host_nic *nics;
	size_t n_nics;
	struct host_irq *irqs; /* ascending by number */
	size_t n_irqs;
	struct host_irq **irqs_by_key; /* the same, sorted by key */
	struct host_tasks kthreads; /* threads of the kernel, ascending by number */
};

/* Kernel, CPUs, siblings, nodes. fs is borrowed and must outlive the host. Missing facts are defaults (a tree without
 * topology is one package and one node, one core per CPU); a tree without CPUs is -ENOENT ERR_IO. Caller frees. */
int host_read(struct fsio *fs, struct host **ret, struct hft_err *err);
/* These read more, and do nothing when it was read already; after a failure the host is as before. */
int host_read_details(struct host *h, struct hft_err *err);  /* vendor, model, is_virtual, cores, L3, memory of nodes */
int host_read_nics(struct host *h, struct hft_err *err);
int host_read_irqs(struct host *h, struct hft_err *err);     /* reads the NICs too */
int host_read_features(struct host *h, struct hft_err *err); /* what the kernel and the machine have */
int host_read_kthreads(struct host *h, struct hft_err *err); /* empty in a tree without processes */
/* Forget interrupts, network devices and kernel threads, which come and go: the next host_read_ call reads them anew. */
void host_forget_devices(struct host *h);
void host_forget_kthreads(struct host *h); /* these alone */
void host_free(struct host *h);
void host_freep(struct host **h);

const struct host_node *host_node(const struct host *h, int node);
const struct host_nic *host_nic(const struct host *h, const char *name);
const struct host_irq *host_irq_by_key(const struct host *h, const char *key);
/* All present CPUs that share a core with a member of set (includes set). */
void host_siblings(const struct host *h, const struct cpuset *set, struct cpuset *ret);
/* Online CPUs of a package; empty when there is none. */
void host_package(const struct host *h, int package, struct cpuset *ret);
/* Does set hold all threads of at least one core, as far as they are online (P11)? online: the host's, or what is to be. */
bool host_has_whole_core(const struct host *h, const struct cpuset *online, const struct cpuset *set);
/* These present CPUs share a core: the kernel does not say it of those that are offline. */
void host_join_core(struct host *h, const struct cpuset *core);
/* online minus isolated minus nohz_full: what the kernel itself may use for everything else. */
void host_housekeeping(const struct host *h, struct cpuset *ret);
bool host_kernel_at_least(const struct host *h, int major, int minor);
/* CPUs of cpuset partitions, now: those that balance no load with the others. -ENOMEM. */
int host_read_partitions(struct fsio *fs, struct cpuset *ret);
/* Is any NIC or interrupt of that driver? The reads must be done. */
bool host_has_driver(const struct host *h, const char *driver);

/* One thread, now. -ENOENT ERR_IO when it has ended. And into a list: one that has ended is left out. */
int host_read_task(struct fsio *fs, int pid, int tid, struct host_task *ret, struct hft_err *err);
int host_tasks_add(struct fsio *fs, int pid, int tid, struct host_tasks *l, struct hft_err *err);
void host_tasks_done(struct host_tasks *l); /* also for CLEANUP */
/* The entries of a directory that are numbers above 0, ascending: processes, threads. None when it is missing. */
int host_number_names(struct fsio *fs, const char *dir, struct strlist *ret, struct hft_err *err);

/* For the huge-page question: free memory of a node (-1: the host), KiB, now. Live: libnuma; a tree: meminfo.
 * -ENOENT ERR_NO_MATCH: no such node. */
int host_free_memory(const struct host *h, int node, uint64_t *ret_kib, struct hft_err *err);

/* Is the interrupt still the one that the key names? Re-reads chip and hwirq of its number: 0, -ESTALE
 * ERR_NOT_APPLICABLE when the number now belongs to another one or is gone. Called right before each write. */
int host_irq_recheck(const struct host *h, const struct host_irq *irq, struct hft_err *err);
