/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The noise meter: runs a busy loop on a CPU and prints, per second and source, what came in between: interrupts,
 * softirqs, and switches to other threads; and the longest gap that the loop saw. Shares no code with hfttune.
 *
 * The last line is for scripts: "total: N interrupts/s, N softirqs/s, N context switches/s". Switches are counted by
 *the CPU's own counter where the kernel has one, to the others and back to the loop; where not, they are those listed.
 *
 *	noise CPU SECONDS
 */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/tools/noise.h"

#define SECONDS_MAX 86400

static const char *const kinds[] = {
	[INTERRUPT] = "interrupt",
	[SOFTIRQ] = "softirq",
	[SWITCH] = "context switch",
};

struct measured {
	double seconds, longest_us;
	int64_t switches;
};

static double clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A clock that is read without a system call, whatever the clock source: in a guest clock_gettime() may make one. */
static uint64_t ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#else
	return (uint64_t)(clock_s() * 1e9);
#endif
}

/* Spin for a number of ticks; the longest time between two looks at the clock. */
static uint64_t spin(uint64_t n)
{
	uint64_t start = ticks(), last = start, now, longest = 0;

	while ((now = ticks()) - start < n) {
		if (now - last > longest)
			longest = now - last;
		last = now;
	}
	return now - last > longest ? now - last : longest;
}

static double ticks_per_second(void)
{
	double from = clock_s();
	uint64_t start = ticks();

	while (clock_s() - from < 0.02)
		;
	return (double)(ticks() - start) / (clock_s() - from);
}

/* How often the loop itself has left the CPU, pushed away or not. */
static int64_t own_switches(struct sources *to)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	sources_add(to, SWITCH, 0, "noise itself, by its own will", (uint64_t)r.ru_nvcsw);
	sources_add(to, SWITCH, 0, "noise itself, pushed away", (uint64_t)r.ru_nivcsw);
	return r.ru_nvcsw + r.ru_nivcsw;
}

/*
 * Threads are read outside of the other counters because that takes long: theirs is a little more time, and nothing
 * of it is missed. The interrupts come last before the loop and first after it.
 */
static struct measured measure(int cpu, double seconds, struct sources *ret)
{
	struct sources before = {0};
	double rate = ticks_per_second(), start;
	struct measured m;
	int64_t own, all;
	uint64_t longest;

	sources_read_threads(&before, -1);
	own = own_switches(&before);
	all = cpu_switches(cpu);
	sources_read_interrupts(&before, cpu);
	start = clock_s();
	longest = spin((uint64_t)(seconds * rate));
	m.seconds = clock_s() - start;
	sources_read_interrupts(ret, cpu);
	m.switches = cpu_switches(cpu) - all;
	own = own_switches(ret) - own;
	if (all < 0)
		m.switches = own;
	sources_read_threads(ret, cpu);
	m.longest_us = (double)longest / rate * 1e6;
	sources_subtract(ret, &before);
	free(before.list);
	return m;
}

static int compare(const void *a, const void *b)
{
	const struct source *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->name, y->name);
}

static void print(int cpu, const struct measured *m, struct sources *all)
{
	double total[3] = {0};

	qsort(all->list, all->n, sizeof(*all->list), compare);
	printf("CPU %d, %.1f s of busy loop, longest gap %.1f us\n\n", cpu, m->seconds, m->longest_us);
	printf("%12s  %-14s  %s\n", "per second", "kind", "source");
	for (size_t i = 0; i < all->n && all->list[i].count; i++) {
		const struct source *s = &all->list[i];

		printf("%12.2f  %-14s  %s\n", (double)s->count / m->seconds, kinds[s->kind], s->name);
		total[s->kind] += (double)s->count;
	}
	total[SWITCH] = (double)m->switches;
	printf("\ntotal: %.2f interrupts/s, %.2f softirqs/s, %.2f context switches/s\n", total[INTERRUPT] / m->seconds,
	       total[SOFTIRQ] / m->seconds, total[SWITCH] / m->seconds);
}

/* Why this process cannot run there. */
static const char *why_not(int cpu)
{
	char path[64], online = '1';
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d", cpu);
	if (access(path, F_OK) < 0)
		return "does not exist";
	strcat(path, "/online"); /* the first CPU often has none */
	f = fopen(path, "re");
	if (f && fread(&online, 1, 1, f) != 1)
		online = '1';
	if (f)
		fclose(f);
	return online == '0' ? "is offline" : "is not in this process's cpuset";
}

static bool pin(int cpu)
{
	cpu_set_t *set = CPU_ALLOC(CPU_MAX);
	size_t size = CPU_ALLOC_SIZE(CPU_MAX);
	int rc;

	if (!set)
		return false;
	CPU_ZERO_S(size, set);
	CPU_SET_S((size_t)cpu, size, set);
	rc = sched_setaffinity(0, size, set);
	CPU_FREE(set);
	return rc == 0;
}

int main(int argc, char **argv)
{
	struct sources all = {0};
	struct measured m;
	char *end_cpu, *end_seconds;
	double seconds;
	long cpu;

	if (argc != 3 || !argv[1][0] || !argv[2][0]) {
		fputs("usage: noise CPU SECONDS\n", stderr);
		return 2;
	}
	cpu = strtol(argv[1], &end_cpu, 10);
	seconds = strtod(argv[2], &end_seconds);
	if (*end_cpu || *end_seconds || cpu < 0 || cpu >= CPU_MAX || !(seconds > 0 && seconds <= SECONDS_MAX)) {
		fprintf(stderr, "noise: CPU is a number below %d, SECONDS one up to %d\n", CPU_MAX, SECONDS_MAX);
		return 2;
	}
	if (!pin((int)cpu)) {
		fprintf(stderr, "noise: CPU %ld %s\n", cpu, why_not((int)cpu));
		return 2;
	}
	mlockall(MCL_CURRENT | MCL_FUTURE); /* as far as permitted: no page fault in the loop */
	m = measure((int)cpu, seconds, &all);
	print((int)cpu, &m, &all);
	free(all.list);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 2;
}
