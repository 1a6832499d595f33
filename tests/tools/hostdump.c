/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judge of promise P1: prints every readable tunable of a host, live or copied, as sorted lines "PATH<TAB>VALUE".
 * It must not share code with hfttune, change anything, or know what hfttune tunes: it walks whole trees and leaves out
 * only what the tables below name, each with its reason. What the kernel changes by itself although it is a tunable is
 * printed, and ignored by hostdump-diff on the strength of hostdump.ignore.
 *
 * Lines that are no plain file bear a class in front: "effective:" (where an interrupt really goes), "kthread:",
 * "user:" (threads of programs that are not as a new process would be), "ethtool:", "file:" (configuration: owner, mode,
 * hash), "mount:", "swap:". The last line is "# end N", so that a dump cut short is never taken for a whole one.
 *
 *	hostdump [--root DIR]
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <mntent.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define VALUE_MAX_BYTES 4096 /* longer values are printed as length and hash */
#define READ_MAX_BYTES 65536
#define CPU_MAX 8192

/* A path beneath the tree's directory, as a shell pattern whose '*' also matches '/'. */
struct rule {
	const char *pattern;
	const char *reason;
};

/* A part of the host. Paths are relative to the root; braces and wildcards name several directories or files. */
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
	{"fs/quota/[acdflrsw]*",                   "counters (quota/warnings is read-only as well)"         },
	{"net/netfilter/nf_conntrack_count",       "counter"                                                },
	{"net/*nf_conntrack_count",                "counter"                                                },
	{"kernel/tainted",                         "log of what happened, also set by reading some files"   },
	{"kernel/sg-big-buff",                     "constant of a driver that may be loaded by anybody"     },
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

static const struct rule skip_cgroup[] = {
	{"*cpuset.memory_pressure",                "counter"                                                },
	{NULL,                                     NULL                                                     },
};

static const struct rule skip_files[] = {
	{"*.wants/*.swp",                          "an editor at work"                                      },
	{NULL,                                     NULL                                                     },
};

static const char *const only_irq[] = {"default_smp_affinity", "*/smp_affinity_list", "*/affinity_hint", "*/node", NULL};
static const char *const only_effective[] = {"*/effective_affinity_list", NULL};
static const char *const only_resctrl[] = {"*schemata", "*cpus_list", "*mode", "*mon_hw_id", NULL};
static const char *const only_cgroup[] = {
	"*cpuset.*", "*cpu.weight*", "*cpu.max*", "*cpu.idle", "*cpu.uclamp*", "*cpu.shares", "*cpu.cfs_*", "*cpu.rt_*",
	"*memory.min", "*memory.low", "*memory.high", "*memory.max", "*memory.swap.max", "*memory.swappiness",
	"*memory.*limit_in_bytes", "*memory.oom.group", "*io.weight", "*io.max", "*pids.max", "*hugetlb.*.max",
	"*cgroup.subtree_control", "*cgroup.type", "*cgroup.freeze", "*cgroup.max.*", "*cgroup.clone_children", NULL,
};

static const struct tree trees[] = {
	{.where = "proc/sys",                                     .skip = skip_sysctl                     },
	{.where = "proc/cmdline"                                                                          },
	{.where = "proc/irq",                                     .only = only_irq                        },
	{.where = "proc/irq", .class = "effective:",              .only = only_effective                  },
	{.where = "sys/kernel",                                   .skip = skip_kernel, .depth = 1         },
	{.where = "sys/kernel/mm",                                .skip = skip_mm                         },
	{.where = "sys/kernel/irq",                               .skip = skip_irq                        },
	{.where = "sys/kernel/reboot"                                                                     },
	{.where = "sys/kernel/cgroup"                                                                     },
	{.where = "sys/kernel/iommu_groups/*/type"                                                        },
	{.where = "sys/kernel/debug/sched",                       .skip = skip_sched                      },
	{.where = "sys/power",                                    .skip = skip_power                      },
	{.where = "sys/devices/system/cpu",                       .skip = skip_cpu                        },
	{.where = "sys/devices/system/node",                      .skip = skip_node                       },
	{.where = "sys/devices/system/machinecheck",              .skip = skip_device                     },
	{.where = "sys/devices/system/{clocksource,clockevents}", .skip = skip_device                     },
	{.where = "sys/devices/system/memory/{auto_online_blocks,memory*/state}"                          },
	{.where = "sys/devices/virtual/{workqueue,bdi}",          .skip = skip_device                     },
	{.where = "sys/module/*/{parameters,initstate}"                                                   },
	{.where = "sys/block/*/{queue,mq}",                       .skip = skip_queue                      },
	{.where = "sys/block/*/device/{queue_depth,timeout,eh_timeout}"                                   },
	{.where = "sys/class/net/*",                              .skip = skip_net                        },
	{.where = "sys/bus/event_source/devices/*/{rdpmc,perf_event_mux_interval_ms,freeze_on_smi}"       },
	{.where = "sys/bus/{pci,usb,platform}/devices/*/power/{control,autosuspend_delay_ms,wakeup}"      },
	{.where = "sys/bus/pci/devices/*/{d3cold_allowed,msi_bus,numa_node,sriov_numvfs,reset_method,link}"},
	{.where = "sys/class/thermal/*/{policy,mode,trip_point_*_temp}"                                   },
	{.where = "sys/class/powercap/*/{enabled,constraint_*_power_limit_uw,constraint_*_time_window_us}"},
	{.where = "sys/class/devfreq/*/{governor,min_freq,max_freq}"                                      },
	{.where = "sys/fs/resctrl",                               .only = only_resctrl, .cross = true     },
	{.where = "sys/fs/cgroup",         .only = only_cgroup,   .skip = skip_cgroup, .cross = true      },
	{.where = "etc/{sysctl.conf,sysctl.d,default/grub,default/grub.d,kernel,modprobe.d,modules-load.d,systemd,udev/rules.d}",
	 .class = "file:", .skip = skip_files, .hash = true                                               },
	{.where = "etc/{redis,tuned,irqbalance.env,default/irqbalance,security/limits.conf,security/limits.d}",
	 .class = "file:", .skip = skip_files, .hash = true                                               },
	{.where = "run/systemd/{system,system.control}", .class = "file:", .skip = skip_files, .hash = true},
	{.where = "boot/{grub/grub.cfg,grub/grubenv,grub2/grub.cfg,grub2/grubenv,loader/entries}",
	 .class = "file:", .skip = skip_files, .hash = true                                               },
};

/* What nobody should find in a dump that is passed around. */
static const char *const secrets[] = {"*/tcp_fastopen_key", "*/stable_secret", "*/netdev_rss_key"};

struct dump {
	char **lines;
	size_t n, cap;
	bool live;
	bool watchdog_off; /* then some kernels lose the stored values of nmi_watchdog and soft_watchdog on a read */
};

static void *must(void *p)
{
	if (!p) {
		fputs("hostdump: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

static uint64_t fnv1a(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n--)
		h = (h ^ *p++) * UINT64_C(0x100000001b3);
	return h;
}
#define FNV_START UINT64_C(0xcbf29ce484222325)

/* Write src so that it holds neither blank nor control character ("value" may hold blanks). Returns the end. */
static char *escape(char *to, const char *src, size_t n, bool value)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)src[i];

		if (c == '\n' && value)
			to = stpcpy(to, "\\n");
		else if (c == '\t' && value)
			to = stpcpy(to, "\\t");
		else if (c < 0x20 || c == 0x7f || c == '\\' || (c == ' ' && !value))
			to += sprintf(to, "\\x%02x", c);
		else
			*to++ = (char)c;
	}
	*to = '\0';
	return to;
}

static void emit_bytes(struct dump *d, const char *class, const char *path, const char *value, size_t n)
{
	char *line = must(malloc(strlen(class) + 4 * strlen(path) + 4 * n + 8)), *p;

	p = stpcpy(line, class);
	p = escape(p, path, strlen(path), false);
	*p++ = '\t';
	escape(p, value, n, true);
	if (d->n == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 4096;
		d->lines = must(realloc(d->lines, d->cap * sizeof(*d->lines)));
	}
	d->lines[d->n++] = line;
}

static void __attribute__((format(printf, 4, 5)))
emit(struct dump *d, const char *class, const char *path, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		must(NULL);
	emit_bytes(d, class, path, text, (size_t)n);
	free(text);
}

/* Why a value is missing is a value too: a file that cannot be read any more is a difference. */
static void emit_errno(struct dump *d, const char *class, const char *path, int err)
{
	const char *name = strerrorname_np(err);

	if (name)
		emit(d, class, path, "!%s", name);
	else
		emit(d, class, path, "!errno %d", err); /* the kernel's own ENOTSUPP has no name */
}

/* -1 and errno, or the number of bytes in buf. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t r = read(fd, buf + n, size - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

static bool is_secret(const char *path)
{
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		if (fnmatch(secrets[i], path, 0) == 0)
			return true;
	return false;
}

static void dump_value(struct dump *d, const char *class, const char *path, int dirfd, const char *name)
{
	static char buf[READ_MAX_BYTES]; /* one thread, and too large for the stack of a deep walk */
	int fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read_all(fd, buf, sizeof(buf));
	int err = errno;

	if (fd >= 0)
		close(fd);
	if (n < 0 && err == ENOENT)
		return; /* gone since the directory was read: as if it had never been there */
	if (n < 0) {
		emit_errno(d, class, path, err);
		return;
	}
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	if (n > VALUE_MAX_BYTES || is_secret(path))
		emit(d, class, path, "%zd bytes, hash %016llx", n, (unsigned long long)fnv1a(FNV_START, buf, (size_t)n));
	else
		emit_bytes(d, class, path, buf, (size_t)n);
}

/* Configuration: everything that a byte-for-byte restore has to bring back. */
static void dump_entry(struct dump *d, const char *class, const char *path, int dirfd, const char *name,
                       const struct stat *st)
{
	static char buf[READ_MAX_BYTES];
	uint64_t h = FNV_START;
	ssize_t n;
	int fd;

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(dirfd, name, buf, sizeof(buf) - 1);
		emit(d, class, path, "link %.*s", n < 0 ? 0 : (int)n, buf);
		return;
	}
	if (S_ISDIR(st->st_mode)) {
		emit(d, class, path, "dir %04o %u:%u", st->st_mode & 07777u, st->st_uid, st->st_gid);
		return;
	}
	fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		emit_errno(d, class, path, errno);
		return;
	}
	while ((n = read_all(fd, buf, sizeof(buf))) > 0)
		h = fnv1a(h, buf, (size_t)n);
	close(fd);
	emit(d, class, path, "file %04o %u:%u links %lu size %lld hash %016llx", st->st_mode & 07777u, st->st_uid,
	     st->st_gid, (unsigned long)st->st_nlink, (long long)st->st_size, (unsigned long long)h);
}

static bool wanted(const struct tree *t, const char *rel)
{
	bool in = !t->only;

	for (size_t i = 0; !in && t->only[i]; i++)
		in = fnmatch(t->only[i], rel, 0) == 0;
	for (size_t i = 0; in && t->skip && t->skip[i].pattern; i++)
		in = fnmatch(t->skip[i].pattern, rel, 0) != 0;
	return in;
}

static bool loses_value(const struct dump *d, const char *path)
{
	return d->watchdog_off && (strcmp(path, "/proc/sys/kernel/nmi_watchdog") == 0 ||
	                           strcmp(path, "/proc/sys/kernel/soft_watchdog") == 0);
}

static void walk(struct dump *d, const struct tree *t, const char *path, size_t base, int dirfd, dev_t dev, int level);

/* One directory entry; path is its whole path, base the length of the tree's own. */
static void visit(struct dump *d, const struct tree *t, const char *path, size_t base, int dirfd, const char *name,
                  dev_t dev, int level)
{
	const char *class = t->class ? t->class : "", *rel = path[base] ? path + base + 1 : "";
	struct stat st;

	/* AT_NO_AUTOMOUNT: looking must not mount anything (binfmt_misc). */
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return;
	if (t->hash && (*rel == '\0' || wanted(t, rel)))
		dump_entry(d, class, path, dirfd, name, &st);
	if (S_ISDIR(st.st_mode)) {
		if ((t->cross || st.st_dev == dev) && (!t->depth || level < t->depth)) {
			int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			if (fd >= 0)
				walk(d, t, path, base, fd, dev, level + 1);
		}
		return;
	}
	if (t->hash || !S_ISREG(st.st_mode) || !(st.st_mode & 0444) || (*rel && !wanted(t, rel)))
		return; /* no read bit: write-only, even for root */
	if (loses_value(d, path))
		emit(d, class, path, "!not read while the watchdog is off");
	else
		dump_value(d, class, path, dirfd, name);
}

/* Takes dirfd. */
static void walk(struct dump *d, const struct tree *t, const char *path, size_t base, int dirfd, dev_t dev, int level)
{
	DIR *dir = fdopendir(dirfd);
	struct dirent *e;

	if (!dir) {
		close(dirfd);
		return;
	}
	while ((e = readdir(dir))) {
		char sub[4096];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if ((size_t)snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name) < sizeof(sub))
			visit(d, t, sub, base, dirfd, e->d_name, dev, level);
	}
	closedir(dir);
}

/* The top of a tree may be a symbolic link (/sys/class/net/eth0), anything below may not. */
static void dump_tree(struct dump *d, const struct tree *t)
{
	glob_t g;

	if (glob(t->where, GLOB_BRACE | GLOB_NOSORT, NULL, &g) != 0)
		return;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		const char *at = g.gl_pathv[i];
		char path[4096];
		struct stat st;
		int fd;

		if (stat(at, &st) < 0 || (size_t)snprintf(path, sizeof(path), "/%s", at) >= sizeof(path))
			continue;
		if (t->hash || !S_ISDIR(st.st_mode)) {
			visit(d, t, path, strlen(path), AT_FDCWD, at, st.st_dev, 0);
			continue;
		}
		fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			walk(d, t, path, strlen(path), fd, st.st_dev, 1);
	}
	globfree(&g);
}

/* The tightest limit that anybody holds, in microseconds: 32 bits, host order. A copied tree may hold text instead. */
static void dump_dma_latency(struct dump *d)
{
	int fd = open("dev/cpu_dma_latency", O_RDONLY | O_CLOEXEC);
	char buf[64];
	int32_t us;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return;
	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));
	if (n < 0) {
		emit_errno(d, "", "/dev/cpu_dma_latency", errno);
	} else if (n == sizeof(us)) {
		memcpy(&us, buf, sizeof(us));
		emit(d, "", "/dev/cpu_dma_latency", "%d", us);
	} else {
		emit_bytes(d, "", "/dev/cpu_dma_latency", buf, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
}

static void dump_mounts(struct dump *d)
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	struct mntent *m;

	while (f && (m = getmntent(f)))
		emit(d, "mount:", m->mnt_dir, "%s %s %s", m->mnt_type, m->mnt_fsname, m->mnt_opts);
	if (f)
		endmntent(f);
}

static void dump_swaps(struct dump *d)
{
	FILE *f = fopen("/proc/swaps", "re");
	char line[4096], name[2048], type[64];
	int priority;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%2047s %63s %*s %*s %d", name, type, &priority) == 3)
			emit(d, "swap:", name, "%s priority %d", type, priority);
	if (f)
		fclose(f);
}

/* --- threads --------------------------------------------------------------------------------------------------------- */

struct thread {
	char comm[64];
	bool kernel;
	int nice;
};

/* stat(5) of proc: the name is between the first '(' and the last ')' and may hold anything. */
static bool thread_read(const char *pid, const char *tid, struct thread *ret)
{
	char path[64], buf[1024], *open_paren, *close_paren;
	unsigned flags;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/task/%.20s/stat", pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	open_paren = strchr(buf, '(');
	close_paren = strrchr(buf, ')');
	if (!open_paren || !close_paren || close_paren - open_paren > 60)
		return false;
	*close_paren = '\0';
	strcpy(ret->comm, open_paren + 1);
	if (sscanf(close_paren + 2, "%*c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %d", &flags,
	           &ret->nice) != 2)
		return false;
	ret->kernel = flags & 0x00200000; /* PF_KTHREAD */
	return true;
}

/* "kworker/0:1H-kblockd" -> "kworker/0:*H": pool workers come and go, and carry the name of their last work item. */
static void thread_name(char *comm)
{
	char *colon = strchr(comm, ':'), *dash, *end;
	bool high;

	if (strncmp(comm, "kworker/", 8) != 0 || !colon || comm[8] == 'R')
		return;
	if (comm[8] == 'u') {
		colon = comm + 9;
		*colon = ':';
	}
	dash = strchr(colon + 1, '-');
	end = dash ? dash : comm + strlen(comm);
	high = end[-1] == 'H';
	strcpy(colon + 1, high ? "*H" : "*");
}

static void format_cpus(const cpu_set_t *set, size_t size, char *to, size_t room)
{
	size_t used = 0;

	to[0] = '\0';
	for (int cpu = 0; cpu < CPU_MAX && used + 24 < room; cpu++) {
		int last = cpu;

		if (!CPU_ISSET_S(cpu, size, set))
			continue;
		while (last + 1 < CPU_MAX && CPU_ISSET_S(last + 1, size, set))
			last++;
		used += (size_t)snprintf(to + used, room - used, "%s%d", used ? "," : "", cpu);
		if (last > cpu)
			used += (size_t)snprintf(to + used, room - used, "-%d", last);
		cpu = last;
	}
}

static void dump_thread(struct dump *d, const char *pid, const char *tid, const char *usual)
{
	static const char *const policies[] = {"other", "fifo", "rr", "batch", "4", "idle", "deadline", "ext"};
	size_t size = CPU_ALLOC_SIZE(CPU_MAX);
	char cpus[4096];
	unsigned char bits[CPU_MAX / 8];
	cpu_set_t *set = (cpu_set_t *)(void *)bits;
	struct sched_param param = {0};
	struct thread t;
	int id = atoi(tid), policy;

	memset(bits, 0, sizeof(bits));
	if (!thread_read(pid, tid, &t) || sched_getaffinity(id, size, set) < 0)
		return;
	policy = sched_getscheduler(id);
	if (policy < 0)
		return;
	policy &= ~SCHED_RESET_ON_FORK;
	sched_getparam(id, &param);
	format_cpus(set, size, cpus, sizeof(cpus));
	if (!t.kernel && policy == SCHED_OTHER && t.nice == 0 && strcmp(cpus, usual) == 0)
		return;
	thread_name(t.comm);
	emit(d, t.kernel ? "kthread:" : "user:", t.comm, "cpus %s policy %s priority %d nice %d", cpus,
	     (unsigned)policy < 8 ? policies[policy] : "?", param.sched_priority, t.nice);
}

static void dump_threads(struct dump *d)
{
	char usual[4096] = "";
	DIR *proc = opendir("/proc"), *tasks;
	struct dirent *p, *t;
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");

	if (f && !fgets(usual, sizeof(usual), f))
		usual[0] = '\0';
	usual[strcspn(usual, "\n")] = '\0';
	if (f)
		fclose(f);
	while (proc && (p = readdir(proc))) {
		char path[64];

		if (!isdigit((unsigned char)p->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/task", p->d_name);
		tasks = opendir(path);
		while (tasks && (t = readdir(tasks)))
			if (isdigit((unsigned char)t->d_name[0]))
				dump_thread(d, p->d_name, t->d_name, usual);
		if (tasks)
			closedir(tasks);
	}
	if (proc)
		closedir(proc);
}

/* --- network devices, what sysfs does not show ----------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t command;
	int words; /* after the command */
} ethtool_gets[] = {
	{"rings",    ETHTOOL_GRINGPARAM,  8 },
	{"channels", ETHTOOL_GCHANNELS,   8 },
	{"coalesce", ETHTOOL_GCOALESCE,   22},
	{"pause",    ETHTOOL_GPAUSEPARAM, 3 },
	{"private",  ETHTOOL_GPFLAGS,     1 },
	{"messages", ETHTOOL_GMSGLVL,     1 },
	{"eee",      ETHTOOL_GEEE,        7 },
};

static int ethtool_get(int fd, const char *nic, void *data)
{
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", nic);
	ifr.ifr_data = data;
	return ioctl(fd, SIOCETHTOOL, &ifr);
}

static void emit_words(struct dump *d, const char *nic, const char *name, const uint32_t *words, int n)
{
	char path[64], text[1024];
	size_t used = 0;

	snprintf(path, sizeof(path), "%.20s/%s", nic, name);
	text[0] = '\0';
	for (int i = 0; i < n && used + 12 < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", i ? " " : "", words[i]);
	emit(d, "ethtool:", path, "%s", text);
}

static void dump_nic(struct dump *d, int fd, const char *nic)
{
	uint32_t words[4096];

	for (size_t i = 0; i < sizeof(ethtool_gets) / sizeof(*ethtool_gets); i++) {
		memset(words, 0, sizeof(words));
		words[0] = ethtool_gets[i].command;
		if (ethtool_get(fd, nic, words) == 0)
			emit_words(d, nic, ethtool_gets[i].name, words + 1, ethtool_gets[i].words);
	}
	memset(words, 0, sizeof(words));
	words[0] = ETHTOOL_GFEATURES;
	words[1] = 3; /* blocks of 32 features: available, requested, active, never changed */
	if (ethtool_get(fd, nic, words) == 0)
		emit_words(d, nic, "features", words + 2, 12);
	memset(words, 0, sizeof(words));
	words[0] = ETHTOOL_GRXFHINDIR;
	words[1] = 4000;
	if (ethtool_get(fd, nic, words) == 0 && words[1] <= 4000)
		emit(d, "ethtool:", nic, "rss table of %u, hash %016llx", words[1],
		     (unsigned long long)fnv1a(FNV_START, words + 2, words[1] * sizeof(*words)));
}

static void dump_nics(struct dump *d)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct if_nameindex *nics = if_nameindex();

	for (size_t i = 0; fd >= 0 && nics && nics[i].if_name; i++)
		dump_nic(d, fd, nics[i].if_name);
	if (nics)
		if_freenameindex(nics);
	if (fd >= 0)
		close(fd);
}

/* --------------------------------------------------------------------------------------------------------------------- */

static bool file_says(const char *path, char c)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char got = 0;
	bool same = fd >= 0 && read(fd, &got, 1) == 1 && got == c;

	if (fd >= 0)
		close(fd);
	return same;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int print(struct dump *d)
{
	size_t n = 0;

	qsort(d->lines, d->n, sizeof(*d->lines), compare);
	for (size_t i = 0; i < d->n; i++) {
		if (i && strcmp(d->lines[i], d->lines[i - 1]) == 0)
			continue;
		puts(d->lines[i]);
		n++;
	}
	printf("# end %zu\n", n);
	for (size_t i = 0; i < d->n; i++)
		free(d->lines[i]);
	free(d->lines);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 2;
}

int main(int argc, char **argv)
{
	const char *root = argc == 3 && strcmp(argv[1], "--root") == 0 ? argv[2] : "/";
	struct dump d = {0};
	struct stat a, b;

	if (argc != 1 && argc != 3) {
		fputs("usage: hostdump [--root DIR]\n", stderr);
		return 2;
	}
	if (chdir(root) < 0 || stat(".", &a) < 0 || stat("/", &b) < 0) {
		fprintf(stderr, "hostdump: %s: %s\n", root, strerror(errno));
		return 2;
	}
	d.live = a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	d.watchdog_off = d.live && file_says("proc/sys/kernel/watchdog", '0');
	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++)
		dump_tree(&d, &trees[i]);
	dump_dma_latency(&d);
	if (d.live) {
		dump_mounts(&d);
		dump_swaps(&d);
		dump_threads(&d);
		dump_nics(&d);
	}
	return print(&d);
}
