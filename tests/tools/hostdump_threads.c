/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where threads may run and how they are scheduled: each kernel thread, each thread of PID 1 and of services, and what
 * is unusual among the rest. Names stand for them, because numbers do not last: lines of the same name are a set.
 */
#include <ctype.h>
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/tools/hostdump.h"

#define CPU_MAX 8192
#define IOPRIO_WHO_PROCESS 1

struct process {
	const char *pid;
	char name[64];
	char unit[256]; /* empty: neither PID 1 nor part of a service */
};

struct thread {
	char comm[64];
	bool kernel;
	bool rescuer; /* of a work queue: helps when no worker can be made */
	int nice;
};

/* struct sched_attr of the kernel's first extension, under a name of its own: newer C libraries have theirs. */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

/* stat(5) of proc: the name is between the first '(' and the last ')' and may hold anything. */
static bool thread_read(const char *pid, const char *tid, struct thread *ret)
{
	char path[64], buf[1024], *open_paren, *close_paren;
	unsigned flags;

	snprintf(path, sizeof(path), "/proc/%.20s/task/%.20s/stat", pid, tid);
	if (read_text(path, buf, sizeof(buf)) <= 0)
		return false;
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
	/* No flag tells them: PF_NO_SETAFFINITY, their priority, and no worker of a pool. */
	ret->rescuer = ret->kernel && (flags & 0x04000000) && ret->nice == -20 &&
	               (strncmp(ret->comm, "kworker/", 8) != 0 || ret->comm[8] == 'R');
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

/* What only services have printed: too much for every thread of the host, and what a new process has is no news. */
static void service_thread(struct dump *d, const struct process *p, const char *tid, const char *comm,
                           const char *common, const struct scheduling *s)
{
	char path[512], slack[32] = "?", deadline[96] = "";

	snprintf(path, sizeof(path), "/proc/%.20s/timerslack_ns", tid);
	read_text(path, slack, sizeof(slack));
	/* Of other policies the kernel shows a time slice here, which follows a sysctl when the thread next runs. */
	if (s->policy == SCHED_DEADLINE)
		snprintf(deadline, sizeof(deadline), " runtime %llu deadline %llu period %llu",
		         (unsigned long long)s->runtime, (unsigned long long)s->deadline,
		         (unsigned long long)s->period);
	snprintf(path, sizeof(path), "%s/%s/%s", p->unit, p->name, comm);
	emit(d, "thread:", path, "%s slack %s ioprio %ld uclamp %u-%u flags %llu%s", common, slack,
	     syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, atoi(tid)), s->util_min, s->util_max,
	     (unsigned long long)s->flags, deadline);
}

static void dump_thread(struct dump *d, const struct process *p, const char *tid, const char *usual)
{
	static const char *const policies[] = {"other", "fifo", "rr", "batch", "4", "idle", "deadline", "ext"};
	size_t size = CPU_ALLOC_SIZE(CPU_MAX);
	char cpus[4096], common[4096 + 128];
	unsigned char bits[CPU_MAX / 8] = {0};
	cpu_set_t *set = (cpu_set_t *)(void *)bits;
	struct scheduling s = {0};
	struct thread t;

	if (!thread_read(p->pid, tid, &t) || sched_getaffinity(atoi(tid), size, set) < 0 ||
	    syscall(SYS_sched_getattr, atoi(tid), &s, sizeof(s), 0) < 0)
		return;
	/* It keeps the CPUs of the pool that it helped last, and nobody can set them. */
	if (t.rescuer)
		strcpy(cpus, "of-the-last-pool");
	else if (t.kernel && strncmp(t.comm, "irq/", 4) == 0)
		strcpy(cpus, "where-it-fires"); /* hostdump.ignore: effective */
	else
		format_cpus(set, size, cpus, sizeof(cpus));
	thread_name(&t);
	snprintf(common, sizeof(common), "cpus %s policy %s priority %u nice %d", cpus,
	         s.policy < sizeof(policies) / sizeof(*policies) ? policies[s.policy] : "?", s.priority, t.nice);
	if (t.kernel)
		emit(d, "kthread:", t.comm, "%s", common);
	else if (p->unit[0])
		service_thread(d, p, tid, t.comm, common, &s);
	else if (s.policy != SCHED_OTHER || t.nice != 0 || strcmp(cpus, usual) != 0)
		emit(d, "user:", t.comm, "%s", common);
}

/* The outermost service of a process: "0::/system.slice/redis.service/x", or systemd's own hierarchy before v2. */
static void find_unit(struct process *p)
{
	char path[64], buf[8192], *line, *save = NULL;

	p->unit[0] = '\0';
	if (strcmp(p->pid, "1") == 0) {
		strcpy(p->unit, "pid1");
		return;
	}
	snprintf(path, sizeof(path), "/proc/%.20s/cgroup", p->pid);
	if (read_text(path, buf, sizeof(buf)) <= 0)
		return;
	for (line = strtok_r(buf, "\n", &save); line && !p->unit[0]; line = strtok_r(NULL, "\n", &save)) {
		char *end = strstr(line, ".service"), *start = end;

		if (!end || (strncmp(line, "0::", 3) != 0 && !strstr(line, ":name=systemd:")))
			continue;
		while (start > line && start[-1] != '/')
			start--;
		snprintf(p->unit, sizeof(p->unit), "%.*s", (int)(end + strlen(".service") - start), start);
	}
}

static void dump_tasks(struct dump *d, const char *pid, const char *usual)
{
	struct process p = {.pid = pid};
	struct thread first;
	struct dirent *t;
	char path[64];
	DIR *tasks;

	if (!thread_read(pid, pid, &first))
		return;
	strcpy(p.name, first.comm);
	if (!first.kernel)
		find_unit(&p);
	if (p.unit[0])
		dump_process(d, p.unit, p.name, pid);
	snprintf(path, sizeof(path), "/proc/%.20s/task", pid);
	tasks = opendir(path);
	while (tasks && (t = readdir(tasks)))
		if (isdigit((unsigned char)t->d_name[0]))
			dump_thread(d, &p, t->d_name, usual);
	if (tasks)
		closedir(tasks);
}

void dump_threads(struct dump *d)
{
	char usual[4096] = "";
	DIR *proc = opendir("/proc");
	struct dirent *p;

	read_text("/sys/devices/system/cpu/online", usual, sizeof(usual));
	while (proc && (p = readdir(proc)))
		if (isdigit((unsigned char)p->d_name[0]))
			dump_tasks(d, p->d_name, usual);
	if (proc)
		closedir(proc);
}
