/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machines: the three of tests/fixtures/hosts, and one of any size for the benchmarks. */
#include <string.h>

#include "tests/tools/machine.h"

#define GIB (1024ULL * 1024)
#define LEN(a) (sizeof(a) / sizeof((a)[0]))

#define INTEL_FLAGS                                                                                                    \
	"fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ss ht tm "  \
	"syscall nx pdpe1gb rdtscp lm constant_tsc arch_perfmon nonstop_tsc cpuid aperfmperf pni monitor vmx ssse3 "   \
	"pcid sse4_1 sse4_2 x2apic tsc_deadline_timer avx epb cat_l3 cdp_l3 mba tsc_adjust avx2 erms cqm avx512f "     \
	"rdt_a hwp hwp_act_window hwp_epp hwp_pkg_req arat"
#define AMD_FLAGS                                                                                                      \
	"fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht "        \
	"syscall "                                                                                                     \
	"nx mmxext fxsr_opt pdpe1gb rdtscp lm constant_tsc rep_good nopl nonstop_tsc cpuid aperfmperf rapl pni ssse3 " \
	"x2apic topoext perfctr_core cpb cat_l3 cdp_l3 mba avx2 smep erms cqm rdt_a cppc arat"
#define GUEST_FLAGS                                                                                                    \
	"fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 syscall "   \
	"nx "                                                                                                          \
	"pdpe1gb rdtscp lm constant_tsc rep_good nopl cpuid pni ssse3 sse4_1 sse4_2 x2apic tsc_deadline_timer avx "    \
	"hypervisor lahf_lm tsc_adjust avx2 erms arat"

static const struct legacy_irq intel_legacy[] = {
	{0,   "IR-IO-APIC", 2,  "edge",    "timer"     },
	{4,   "IR-IO-APIC", 4,  "edge",    "ttyS0"     },
	{8,   "IR-IO-APIC", 8,  "edge",    "rtc0"      },
	{9,   "IR-IO-APIC", 9,  "fasteoi", "acpi"      },
	{16,  "IR-IO-APIC", 16, "fasteoi", "i801_smbus"},
	{18,  "IR-IO-APIC", 8,  "fasteoi", "ioat3"     }, /* pin 8 of the second IO-APIC */
	{120, "DMAR-MSI",   0,  "edge",    "dmar0"     },
	{121, "DMAR-MSI",   1,  "edge",    "dmar1"     },
};

static const struct legacy_irq amd_legacy[] = {
	{0, "IO-APIC", 2, "edge",    "timer"      },
        {4, "IO-APIC", 4, "edge",    "ttyS0"      },
	{7, "IO-APIC", 7, "fasteoi", "pinctrl_amd"},
        {8, "IO-APIC", 8, "edge",    "rtc0"       },
	{9, "IO-APIC", 9, "fasteoi", "acpi"       },
};

static const struct legacy_irq guest_legacy[] = {
	{0,  "IO-APIC", 2,  "edge",    "timer"},
        {1,  "IO-APIC", 1,  "edge",    "i8042"},
        {4,  "IO-APIC", 4,  "edge",    "ttyS0"},
	{8,  "IO-APIC", 8,  "edge",    "rtc0" },
        {9,  "IO-APIC", 9,  "fasteoi", "acpi" },
        {12, "IO-APIC", 12, "edge",    "i8042"},
};

static struct device *add(struct machine *m, struct device d)
{
	m->devices[m->n_devices] = d;
	return &m->devices[m->n_devices++];
}

/* --- fixtures ----------------------------------------------------------------------------------------------------- */

static void make_xeon(struct machine *m)
{
	*m = (struct machine){
		.comment = "Two-socket Intel server, 2 x 8 cores x 2 threads, one node per socket, Debian 13",
		.kernel = "6.12.43+deb13-amd64",
		.version = 612,
		.vendor = "GenuineIntel",
		.model = "Intel(R) Xeon(R) Gold 6334 CPU @ 3.60GHz",
		.flags = INTEL_FLAGS,
		.family = 6,
		.model_number = 106,
		.stepping = 6,
		.packages = 2,
		.cores = 8,
		.threads = 2,
		.nodes = 2,
		.cores_per_l3 = 8,
		.l3_size = "18432K",
		.node_memory_kib = 128 * GIB,
		.cmdline = "BOOT_IMAGE=/boot/vmlinuz-6.12.43+deb13-amd64 "
			   "root=UUID=7c3a5a0e-1d0f-4a3c-9a55-0b1f6c2f7d11 ro quiet",
		.isolated = "",
		.nohz_full = "",
		.cpufreq_driver = "intel_pstate",
		.min_khz = 800000,
		.max_khz = 3700000,
		.base_khz = 3600000,
		.idle_driver = "intel_idle",
		.idle_governor = "menu",
		.states = {{"POLL", "CPUIDLE CORE POLL IDLE", 0, 0},
	                   {"C1", "MWAIT 0x00", 1, 1},
	                   {"C1E", "MWAIT 0x01", 4, 4},
	                   {"C6", "MWAIT 0x20", 170, 600}},
		.smt_control = "on",
		.has_mce = true,
		.has_interrupt_remapping = true,
		.has_bonding = true,
		.clocksource = "tsc",
		.clocksources = "tsc hpet acpi_pm ",
		.machine_id = "4d1c1e9cbb3f4c0e8f5a1f0c6a2d7e01",
		.boot_id = "b7c0a9c2-52a8-4e54-9d3b-3a1b1c0e6f10",
		.hostname = "trade1",
		.legacy = intel_legacy,
		.n_legacy = LEN(intel_legacy),
		.first_msi = 122,
	};
	const struct device *port0 = add(m, (struct device){.kind = DEVICE_PORT, .bus = 0x16, .slot = 2, .node = 0});
	const struct device *port1 = add(m, (struct device){.kind = DEVICE_PORT, .bus = 0x97, .slot = 2, .node = 1});
	add(m, (struct device){.kind = DEVICE_AHCI, .bus = 0, .slot = 0x17, .node = 0});
	add(m, (struct device){.kind = DEVICE_NVME, .bus = 0x17, .port = port0, .node = 0, .queues = 32});
	add(m, (struct device){.kind = DEVICE_MLX5,
	                       .bus = 0x98,
	                       .port = port1,
	                       .node = 1,
	                       .queues = 16,
	                       .ifname = "eth0",
	                       .mac = "b8:3f:d2:1a:4c:60"});
	add(m, (struct device){.kind = DEVICE_ICE,
	                       .bus = 0x17,
	                       .slot = 1,
	                       .port = port0,
	                       .node = 0,
	                       .queues = 4,
	                       .ifname = "eth1",
	                       .mac = "40:a6:b7:5e:10:21"});
}

static void make_epyc(struct machine *m)
{
	*m = (struct machine){
		.comment =
			"One-socket AMD server, 64 cores x 2 threads in 16 L3 groups, NPS2, CPUs isolated, Debian 12",
		.kernel = "6.1.0-38-amd64",
		.version = 601,
		.vendor = "AuthenticAMD",
		.model = "AMD EPYC 7773X 64-Core Processor",
		.flags = AMD_FLAGS,
		.family = 25,
		.model_number = 1,
		.stepping = 2,
		.packages = 1,
		.cores = 64,
		.threads = 2,
		.nodes = 2,
		.cores_per_l3 = 4,
		.l3_size = "98304K",
		.node_memory_kib = 256 * GIB,
		.cmdline = "BOOT_IMAGE=/vmlinuz-6.1.0-38-amd64 root=/dev/nvme0n1p2 ro amd_pstate=passive "
			   "isolcpus=managed_irq,domain,4-7,68-71 nohz_full=4-7,68-71 rcu_nocbs=4-7,68-71",
		.isolated = "4-7,68-71",
		.nohz_full = "4-7,68-71",
		.cpufreq_driver = "amd-pstate",
		.min_khz = 400000,
		.max_khz = 3527734,
		.base_khz = 2200000,
		.idle_driver = "acpi_idle",
		.idle_governor = "menu",
		.states = {{"POLL", "CPUIDLE CORE POLL IDLE", 0, 0},
	                   {"C1", "ACPI FFH MWAIT 0x0", 1, 2},
	                   {"C2", "ACPI IOPORT 0x814", 800, 1600}},
		.smt_control = "on",
		.has_mce = true,
		.clocksource = "tsc",
		.clocksources = "tsc hpet acpi_pm ",
		.machine_id = "0f6e2b7a9d514c38a1b07c95d3e8f402",
		.boot_id = "2e9d8f31-07f4-4b0a-8c62-94b5a7d1e320",
		.hostname = "trade2",
		.legacy = amd_legacy,
		.n_legacy = LEN(amd_legacy),
		.first_msi = 27,
	};
	const struct device *port0 =
		add(m, (struct device){.kind = DEVICE_PORT, .bus = 0x40, .slot = 1, .function = 1});
	const struct device *port1 =
		add(m, (struct device){.kind = DEVICE_PORT, .bus = 0xc0, .slot = 3, .function = 1, .node = 1});
	add(m, (struct device){.kind = DEVICE_NVME, .bus = 0xc1, .port = port1, .node = 1, .queues = 64});
	add(m, (struct device){.kind = DEVICE_MLX5,
	                       .bus = 0x41,
	                       .port = port0,
	                       .node = 0,
	                       .queues = 24,
	                       .ifname = "enp65s0f0np0",
	                       .mac = "94:6d:ae:12:7f:3e"});
	add(m, (struct device){.kind = DEVICE_MLX5,
	                       .bus = 0x41,
	                       .function = 1,
	                       .port = port0,
	                       .node = 0,
	                       .queues = 24,
	                       .ifname = "enp65s0f1np1",
	                       .mac = "94:6d:ae:12:7f:3f"});
}

static void make_vm(struct machine *m)
{
	*m = (struct machine){
		.comment = "Virtual machine with one CPU, no frequency or idle driver, Debian 12",
		.kernel = "6.1.0-38-cloud-amd64",
		.version = 601,
		.vendor = "GenuineIntel",
		.model = "Intel Xeon Processor (Icelake)",
		.flags = GUEST_FLAGS,
		.family = 6,
		.model_number = 134,
		.packages = 1,
		.cores = 1,
		.threads = 1,
		.nodes = 1,
		.cores_per_l3 = 1,
		.l3_size = "16384K",
		.node_memory_kib = 2 * GIB,
		.cmdline = "BOOT_IMAGE=/boot/vmlinuz-6.1.0-38-cloud-amd64 root=PARTUUID=9b1d3c52-01 ro console=ttyS0",
		.isolated = "",
		.nohz_full = "",
		.base_khz = 2800000,
		.idle_governor = "menu",
		.smt_control = "notsupported",
		.is_virtual = true,
		.clocksource = "kvm-clock",
		.clocksources = "kvm-clock tsc acpi_pm ",
		.machine_id = "c2a8f17d64e9473bb0d5938ee1a6047c",
		.boot_id = "65f2c0d7-3b18-4f9e-a1c4-7d20e5b98f41",
		.hostname = "cache1",
		.legacy = guest_legacy,
		.n_legacy = LEN(guest_legacy),
		.first_msi = 24,
	};
	add(m, (struct device){.kind = DEVICE_VIRTIO_NET,
	                       .slot = 3,
	                       .node = -1,
	                       .queues = 1,
	                       .instance = 0,
	                       .ifname = "ens3",
	                       .mac = "52:54:00:8e:31:07"});
	add(m, (struct device){.kind = DEVICE_VIRTIO_BLK, .slot = 4, .node = -1, .queues = 1, .instance = 1});
}

struct machine *machine_model(const char *name)
{
	static const struct {
		const char *name;
		void (*make)(struct machine *m);
	} models[] = {
		{"xeon-2s", make_xeon},
		{"epyc-1s", make_epyc},
		{"vm-1cpu", make_vm  },
	};

	for (size_t i = 0; i < LEN(models); i++) {
		if (strcmp(models[i].name, name) != 0)
			continue;
		struct machine *m = calloc(1, sizeof(*m));
		if (m != NULL)
			models[i].make(m);
		return m;
	}
	return NULL;
}

/* --- one of any size ---------------------------------------------------------------------------------------------- */

static const char *interface_text(int i, bool mac)
{
	static char texts[64][2][24];

	snprintf(texts[i][0], sizeof(texts[i][0]), "eth%d", i);
	snprintf(texts[i][1], sizeof(texts[i][1]), "02:00:00:00:00:%02x", i + 1);
	return texts[i][mac];
}

/* Bus numbers go round within domains of 200 devices. */
static struct device big_device(const struct machine *m, enum device_kind kind, int queues)
{
	int i = (int)m->n_devices;

	return (struct device){
		.kind = kind,
		.domain = (unsigned)i / 200,
		.bus = 0x10 + (unsigned)i % 200,
		.node = i % m->nodes,
		.queues = queues,
	};
}

struct machine *machine_big(int cpus, int irqs, int nodes, int nics)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (m == NULL || cpus < 2 || cpus > CPUSET_MAX || nodes < 1 || nodes > cpus / 2 || nics < 0 || nics > 64)
		return NULL;
	make_xeon(m);
	int packages = nodes % 2 == 0 ? 2 : 1;
	m->comment = "A large server, for benchmarks";
	m->packages = packages;
	m->threads = 2;
	m->cores = cpus / 2 / packages;
	m->nodes = nodes;
	m->cores_per_l3 = 8;
	m->n_devices = 0;
	int left = irqs - (int)m->n_legacy;
	for (int i = 0; i < nics && left > 1; i++) {
		struct device d = big_device(m, DEVICE_MLX5, left > 64 ? 63 : left - 1);
		d.ifname = interface_text(i, false);
		d.mac = interface_text(i, true);
		left -= device_vectors(add(m, d));
	}
	for (int instance = 0; left > 0 && m->n_devices < MACHINE_MAX_DEVICES; instance++) {
		struct device d = big_device(m, DEVICE_NVME, left > 128 ? 127 : left - 1);
		d.instance = instance;
		left -= device_vectors(add(m, d));
	}
	return m;
}
