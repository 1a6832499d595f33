/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hostdump reads, and what it leaves out with the reason. Tables only. A tunable that the kernel changes by itself
 * does not belong here but in hostdump.ignore.
 */
#pragma once

#include "tests/tools/hostdump.h"

/*
 * A part of the host. Paths are relative to the root; braces and wildcards name several directories or files. Rules
 * (struct rule) are of paths beneath it.
 */
struct tree {
	const char *where;
	const char *class;       /* put before the path */
	const char *const *only; /* patterns of what is wanted, NULL for all */
	const struct rule *skip; /* what is left out, NULL for nothing */
	int depth;               /* levels, 0 for all */
	bool cross;              /* go into other file systems mounted there */
	bool hash;               /* configuration: print owner, mode and hash, symbolic links and directories too */
};

static const struct rule skip_sysctl[] = {
	{"vm/stat_refresh",                        "reading it folds the counters of every CPU"             },
	{"kernel/random/uuid",                     "another one at each read"                               },
	{"kernel/random/entropy_avail",            "counter"                                                },
	{"kernel/ns_last_pid",                     "counter"                                                },
	{"kernel/pty/nr",                          "counter"                                                },
	{"kernel/random/boot_id",                  "names the boot, set by nobody"                          },
	{"fs/dentry-state",                        "counters"                                               },
	{"fs/inode-*",                             "counters"                                               },
	{"fs/file-nr",                             "counters"                                               },
	{"fs/aio-nr",                              "counter"                                                },
	{"fs/quota/[!w]*",                         "counters"                                               },
	{"fs/quota/writes",                        "counter"                                                },
	{"net/netfilter/nf_conntrack_count",       "counter"                                                },
	{"net/*nf_conntrack_count",                "counter"                                                },
	{"kernel/tainted",                         "log of what happened, also set by reading some files"   },
	{"fs/binfmt_misc/*",                       "a file system of its own, not host tuning"              },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_mm[] = {
	{"*/stats/*",                              "counters"                                               },
	{"ksm/pages_sh*",                          "counters"                                               },
	{"ksm/pages_un*",                          "counter"                                                },
	{"ksm/pages_volatile",                     "counter"                                                },
	{"ksm/pages_scanned",                      "counter"                                                },
	{"ksm/pages_skipped",                      "counter"                                                },
	{"ksm/full_scans",                         "counter"                                                },
	{"ksm/general_profit",                     "counter"                                                },
	{"ksm/ksm_zero_pages",                     "counter"                                                },
	{"ksm/stable_node_chains",                 "counter"                                                },
	{"ksm/stable_node_dups",                   "counter"                                                },
	{"transparent_hugepage/khugepaged/pages_collapsed", "counter"                                       },
	{"transparent_hugepage/khugepaged/full_scans", "counter"                                            },
	{"page_idle/bitmap",                       "one bit per page; reading walks the memory"             },
	{"cma/*",                                  "counters"                                               },
	{"damon/*/effective_bytes",                "result, not setting"                                    },
	{"damon/*/tried_regions/*",                "result, not setting"                                    },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_kernel[] = {
	{"uevent_seqnum",                          "counter"                                                },
	{"*_count",                                "counters (oops, warn, softlockup, hardlockup, rcu_stall)"},
	{"notes",                                  "binary constant"                                        },
	{"vmcoreinfo",                             "constant"                                               },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_irq[] = {
	{"*per_cpu_count",                         "counter"                                                },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_power[] = {
	{"wakeup_count",                           "counter, and reading waits for wakeups in progress"     },
	{"pm_wakeup_irq",                          "result, not setting"                                    },
	{"suspend_stats/*",                        "counters"                                               },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_cpu[] = {
	{"*/crash_notes*",                         "address, for kdump"                                     },
	{"*uevent",                                "constant"                                               },
	{"modalias",                               "constant"                                               },
	{"*/cpuidle/state*/time",                  "counter"                                                },
	{"*/cpuidle/state*/usage",                 "counter"                                                },
	{"*/cpuidle/state*/above",                 "counter"                                                },
	{"*/cpuidle/state*/below",                 "counter"                                                },
	{"*/cpuidle/state*/rejected",              "counter"                                                },
	{"*/cpuidle/state*/s2idle/*",              "counters"                                               },
	{"*/thermal_throttle/*",                   "counters"                                               },
	{"*/cpufreq/stats/*",                      "counters"                                               },
	{"cpufreq/*/stats/*",                      "counters"                                               },
	{"*/scaling_cur_freq",                     "measured"                                               },
	{"*/cpuinfo_cur_freq",                     "measured"                                               },
	{"*/cpuinfo_avg_freq",                     "measured"                                               },
	{"*/current_freq_khz",                     "measured"                                               },
	{"*/acpi_cppc/feedback_ctrs",              "counter"                                                },
	{"*/power/runtime_*_time",                 "counters"                                               },
	{"*/power/wakeup*count",                   "counters"                                               },
	{"*/power/wakeup*ms",                      "counters"                                               },
	{"power/runtime_*_time",                   "counters"                                               },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_node[] = {
	{"*/meminfo",                              "counters"                                               },
	{"*/numastat",                             "counters"                                               },
	{"*/vmstat",                               "counters"                                               },
	{"*/memory_failure/*",                     "counters"                                               },
	{"*uevent",                                "constant"                                               },
	{"*power/runtime_*_time",                  "counters"                                               },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_device[] = {
	{"*uevent",                                "constant"                                               },
	{"*power/runtime_*_time",                  "counters"                                               },
	{"*power/wakeup*count",                    "counters"                                               },
	{"*power/wakeup*ms",                       "counters"                                               },
	{"*_bytes",                                "derived from the ratio and the memory that is free now" },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_workqueue[] = {
	{"*/pool_ids",                             "numbers of pools, new with each change"                 },
	{"*uevent",                                "constant"                                               },
	{"*power/runtime_*_time",                  "counters"                                               },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_queue[] = {
	{"*uevent",                                "constant"                                               },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_net[] = {
	{"statistics/*",                           "counters"                                               },
	{"carrier_*",                              "counters"                                               },
	{"queues/*/byte_queue_limits/limit",       "tuned by the kernel with the load"                      },
	{"queues/*/byte_queue_limits/inflight",    "counter"                                                },
	{"queues/*/byte_queue_limits/stall_cnt",   "counter"                                                },
	{"queues/*/byte_queue_limits/stall_max",   "counter"                                                },
	{"queues/*/tx_timeout",                    "counter"                                                },
	{"queues/*/virtio_net/mergeable_rx_buffer_size", "average of packet sizes"                          },
	{"power/runtime_*_time",                   "counters"                                               },
	{"*uevent",                                "constant"                                               },
	{"*brforward",                             "binary table of what was learnt"                        },
	{"bridge/*_timer",                         "clock"                                                  },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_sched[] = {
	{"debug",                                  "the state of every run queue"                           },
	{"*max_newidle_lb_cost",                   "measured"                                               },
	{"*newidle_*",                             "measured"                                               },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_x86[] = {
	{"boot_params/*",                          "constant"                                               },
	{"topo/*",                                 "constant"                                               },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_cgroup[] = {
	{"*cgroup.events",                         "state"                                                  },
	{"*cgroup.procs",                          "who is in it; thread: and process: lines say what they are"},
	{"*cgroup.threads",                        "the same"                                               },
	{"*tasks",                                 "the same"                                               },
	{"*.stat",                                 "counters"                                               },
	{"*.stat.local",                           "counters"                                               },
	{"*numa_stat",                             "counters"                                               },
	{"*.current",                              "measured"                                               },
	{"*.peak",                                 "measured"                                               },
	{"*.events",                               "counters"                                               },
	{"*.events.local",                         "counters"                                               },
	{"*cpu.pressure",                          "measured"                                               },
	{"*io.pressure",                           "measured"                                               },
	{"*irq.pressure",                          "measured"                                               },
	{"*memory.pressure",                       "measured"                                               },
	{"*cpuset.memory_pressure",                "counter"                                                },
	{"*usage_in_bytes",                        "measured"                                               },
	{"*failcnt",                               "counter"                                                },
	{"*cpuacct.usage*",                        "counters"                                               },
	{"*blkio.*_recursive",                     "counters"                                               },
	{"*blkio.throttle.io_*",                   "counters"                                               },
	{"*blkio.bfq.io_*",                        "counters"                                               },
	{"*memory.kmem.slabinfo",                  "measured"                                               },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_ext4[] = {
	{"*delayed_allocation_blocks",             "measured"                                               },
	{"*_write_kbytes",                         "counters"                                               },
	{"*/errors_count",                         "counter"                                                },
	{"*/warning_count",                        "counter"                                                },
	{"*/msg_count",                            "counter"                                                },
	{"*/first_error_*",                        "log"                                                    },
	{"*/last_error_*",                         "log"                                                    },
	{"*/journal_task",                         "a process id"                                           },
	{"*/sra_exceeded_retry_limit",             "counter"                                                },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_xfs[] = {
	{"*stats/*",                               "counters"                                               },
	{"*/log/*",                                "state of the log"                                       },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_files[] = {
	{"*.wants/*.swp",                          "an editor at work"                                      },
	{NULL,                                     NULL                                                     },
};

static const char *const only_irq[] = {
	"default_smp_affinity", "*/smp_affinity_list", "*/affinity_hint", "*/node", NULL,
};
static const char *const only_effective[] = {"*/effective_affinity_list", NULL};
static const char *const only_resctrl[] = {"*schemata", "*cpus_list", "*mode", "*mon_hw_id", NULL};

static const struct tree trees[] = {
	{.where = "proc/sys",                                           .skip = skip_sysctl},
	{.where = "proc/cmdline"},
	{.where = "proc/irq",                                           .only = only_irq},
	{.where = "proc/irq",                                           .class = "effective:", .only = only_effective},
	{.where = "sys/kernel",                                         .skip = skip_kernel, .depth = 1},
	{.where = "sys/kernel/mm",                                      .skip = skip_mm},
	{.where = "sys/kernel/irq",                                     .skip = skip_irq},
	{.where = "sys/kernel/reboot"},
	{.where = "sys/kernel/cgroup"},
	{.where = "sys/kernel/iommu_groups/*/type"},
	{.where = "sys/kernel/slab/*/{cpu_partial,min_partial,remote_node_defrag_ratio}"},
	{.where = "sys/kernel/tracing/{current_tracer,tracing_*,trace_{clock,options},buffer_size_kb,set_event*,osnoise/*}"},
	{.where = "sys/kernel/debug/fault_around_bytes"},
	{.where = "sys/kernel/debug/x86",                               .skip = skip_x86},
	{.where = "sys/kernel/debug/sched",                             .skip = skip_sched},
	{.where = "sys/power",                                          .skip = skip_power},
	{.where = "sys/devices/system/cpu",                             .skip = skip_cpu},
	{.where = "sys/devices/system/node",                            .skip = skip_node},
	{.where = "sys/devices/system/machinecheck",                    .skip = skip_device},
	{.where = "sys/devices/system/{clocksource,clockevents,workqueue}",
	 .skip = skip_device},
	{.where = "sys/devices/system/memory/{auto_online_blocks,memory*/state}"},
	{.where = "sys/devices/virtual/workqueue",                      .skip = skip_workqueue},
	{.where = "sys/devices/virtual/bdi",                            .skip = skip_device},
	{.where = "sys/module/*/{parameters,initstate}"},
	{.where = "sys/block/*/{queue,mq}",                             .skip = skip_queue},
	{.where = "sys/class/scsi_host/*/link_power_management_policy"},
	{.where = "sys/class/nvme-subsystem/*/iopolicy"},
	{.where = "sys/block/*/device/{queue_depth,timeout,eh_timeout}"},
	{.where = "sys/class/net/*",                                    .skip = skip_net},
	{.where = "sys/bus/event_source/devices/*/{rdpmc,perf_event_mux_interval_ms,freeze_on_smi,allow_tsx_force_abort}"},
	{.where = "sys/bus/*/devices/*/power/{control,autosuspend_delay_ms,wakeup,async,pm_qos_*}"},
	{.where = "sys/class/{nvme,block}/*/power/{control,autosuspend_delay_ms,wakeup,async,pm_qos_*}"},
	{.where = "sys/bus/pci/devices/*/{driver_override,sriov_drivers_autoprobe}"},
	{.where = "sys/bus/pci/devices/*/{d3cold_allowed,msi_bus,numa_node,sriov_numvfs,reset_method,link}"},
	{.where = "sys/class/thermal/*/{policy,mode,trip_point_*_temp}"},
	{.where = "sys/class/powercap/*/{enabled,constraint_*_power_limit_uw,constraint_*_time_window_us}"},
	{.where = "sys/class/devfreq/*/{governor,min_freq,max_freq}"},
	{.where = "sys/firmware/acpi/platform_profile"},
	{.where = "sys/class/platform-profile/*/profile"},
	{.where = "sys/fs/ext4",                                        .skip = skip_ext4},
	{.where = "sys/fs/xfs",                                         .skip = skip_xfs},
	{.where = "sys/fs/resctrl",                                     .only = only_resctrl, .cross = true},
	{.where = "sys/fs/cgroup",                                      .skip = skip_cgroup, .cross = true},
	{.where = "{etc,run,usr/local/lib,usr/lib}/{sysctl.d,modprobe.d,modules-load.d,tmpfiles.d,sysusers.d,udev/rules.d}",
	 .class = "file:", .skip = skip_files, .hash = true},
	{.where = "{usr/local/lib,usr/lib}/systemd/{system,network,*.conf.d}",
	 .class = "file:", .skip = skip_files, .hash = true},
	{.where = "run/systemd/{system,system.control,transient,generator,generator.early,generator.late,network,*.conf.d}",
	 .class = "file:", .skip = skip_files, .hash = true},
	{.where = "etc/{sysctl.conf,modules,default,grub.d,kernel,systemd,redis,tuned,irqbalance.env,security/limits.*}",
	 .class = "file:", .skip = skip_files, .hash = true},
	{.where = "boot/{grub/grub.cfg,grub/grubenv,grub2/grub.cfg,grub2/grubenv,loader/entries}",
	 .class = "file:", .skip = skip_files, .hash = true},
};
