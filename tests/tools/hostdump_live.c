/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What no file of a copied tree can show: mounts, swap, threads, and the settings of network devices that only
 * ethtool's ioctl tells. Must not change anything: only "get" commands.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <mntent.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/tools/hostdump.h"

#define CPU_MAX 8192

void dump_mounts(struct dump *d)
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	struct mntent *m;

	while (f && (m = getmntent(f)))
		emit(d, "mount:", m->mnt_dir, "%s %s %s", m->mnt_type, m->mnt_fsname, m->mnt_opts);
	if (f)
		endmntent(f);
}

void dump_swaps(struct dump *d)
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

/* --- threads -------------------------------------------------------------------------------------------------- */

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

/* "kworker/0:1H-kblockd" -> "kworker/0:pool/nice-20": they come and go, and bear the name of their last work item. */
static void thread_name(struct thread *t)
{
	char *at = strchr(t->comm, ':');

	if (strncmp(t->comm, "kworker/", 8) != 0 || !at || t->comm[8] == 'R')
		return;
	if (t->comm[8] == 'u')
		at = t->comm + 9; /* numbered pools of unbound work come and go, too */
	snprintf(at, sizeof(t->comm) - (size_t)(at - t->comm), ":pool/nice%d", t->nice);
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
	thread_name(&t);
	emit(d, t.kernel ? "kthread:" : "user:", t.comm, "cpus %s policy %s priority %d nice %d", cpus,
	     (unsigned)policy < 8 ? policies[policy] : "?", param.sched_priority, t.nice);
}

void dump_threads(struct dump *d)
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

/* --- network devices, what sysfs does not show ---------------------------------------------------------------- */

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

void dump_nics(struct dump *d)
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
