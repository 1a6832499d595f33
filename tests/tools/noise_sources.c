/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of what disturbs a CPU, from /proc.
 */
#include <ctype.h>
#include <dirent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/tools/noise.h"

void sources_add(struct sources *to, enum kind kind, int tid, const char *name, uint64_t count)
{
	if (to->n == to->cap) {
		to->cap = to->cap ? 2 * to->cap : 256;
		to->list = realloc(to->list, to->cap * sizeof(*to->list));
		if (!to->list) {
			fputs("noise: out of memory\n", stderr);
			exit(1);
		}
	}
	to->list[to->n] = (struct source){.kind = kind, .tid = tid, .count = count};
	snprintf(to->list[to->n++].name, sizeof(to->list->name), "%s", name);
}

/* "           CPU0       CPU2": the column of a CPU, from 0, and how many there are; false if it has none. */
static bool find_column(const char *heading, int cpu, int *ret_column, int *ret_columns)
{
	int number, used, column = -1, n = 0;

	for (; sscanf(heading, " CPU%d%n", &number, &used) == 1; heading += used, n++)
		if (number == cpu)
			column = n;
	*ret_column = column;
	*ret_columns = n;
	return column >= 0;
}

/* "LOC:   27   3   Local timer interrupts" -> "LOC Local timer interrupts", and the count of a column. */
static bool parse_row(char *line, int column, int columns, char name[96], uint64_t *ret_count)
{
	char *colon = strchr(line, ':'), *at;
	size_t n;

	if (!colon)
		return false;
	at = colon + 1;
	for (int i = 0; i < columns; i++) {
		char *end;
		uint64_t count = strtoull(at, &end, 10);

		if (end == at)
			return false; /* ERR and MIS count for all CPUs together */
		if (i == column)
			*ret_count = count;
		at = end;
	}
	*colon = '\0';
	n = (size_t)snprintf(name, 96, "%s", line + strspn(line, " "));
	for (char *word = strtok(at, " \n"); word && n < 95; word = strtok(NULL, " \n"))
		n += (size_t)snprintf(name + n, 96 - n, " %s", word);
	return true;
}

static void read_table(struct sources *to, enum kind kind, const char *path, int cpu)
{
	FILE *f = fopen(path, "re");
	char *line = NULL, name[96];
	int column, columns;
	uint64_t count = 0;
	size_t room = 0;

	if (f && getline(&line, &room, f) >= 0 && find_column(line, cpu, &column, &columns))
		while (getline(&line, &room, f) >= 0)
			if (parse_row(line, column, columns, name, &count) && strcmp(name, "ERR") != 0 &&
			    strcmp(name, "MIS") != 0) /* with one CPU they look like the others */
				sources_add(to, kind, 0, name, count);
	free(line);
	if (f)
		fclose(f);
}

void sources_read_interrupts(struct sources *to, int cpu)
{
	read_table(to, INTERRUPT, "/proc/interrupts", cpu);
	read_table(to, SOFTIRQ, "/proc/softirqs", cpu);
}

/* A file of a thread as a string, false if the thread has gone. */
static bool read_of(const char *pid, const char *tid, const char *file, char *buf, size_t size)
{
	char path[96];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%.20s/task/%.20s/%s", pid, tid, file);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(buf, 1, size - 1, f);
	fclose(f);
	buf[n] = '\0';
	return n > 0;
}

static bool is_bound(const char *tid)
{
	cpu_set_t *set = CPU_ALLOC(CPU_MAX);
	size_t size = CPU_ALLOC_SIZE(CPU_MAX);
	bool bound = set && sched_getaffinity(atoi(tid), size, set) == 0 && CPU_COUNT_S(size, set) == 1;

	if (set)
		CPU_FREE(set);
	return bound;
}

/* stat(5): the name is in parentheses, field 39 is the CPU where it ran last. schedstat: the third number. */
static void read_thread(struct sources *to, const char *pid, const char *tid, int cpu)
{
	char stat[1024], schedstat[128], name[96], *open, *close;
	unsigned long long times;
	int last = -1;

	if (!read_of(pid, tid, "stat", stat, sizeof(stat)) ||
	    !read_of(pid, tid, "schedstat", schedstat, sizeof(schedstat)))
		return;
	open = strchr(stat, '(');
	close = strrchr(stat, ')');
	if (!open || !close || sscanf(schedstat, "%*u %*u %llu", &times) != 1)
		return;
	*close++ = '\0';
	for (int field = 3; field < 39 && close; field++)
		close = strchr(close + 1, ' ');
	if (!close || sscanf(close, "%d", &last) != 1 || (cpu >= 0 && last != cpu))
		return;
	snprintf(name, sizeof(name), "%s (%s)%s", open + 1, tid, is_bound(tid) ? "" : ", elsewhere too");
	sources_add(to, SWITCH, atoi(tid), name, times);
}

void sources_read_threads(struct sources *to, int cpu)
{
	DIR *proc = opendir("/proc"), *tasks;
	struct dirent *p, *t;
	char path[64];

	while (proc && (p = readdir(proc))) {
		if (!isdigit((unsigned char)p->d_name[0]) || atoi(p->d_name) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/task", p->d_name);
		tasks = opendir(path);
		while (tasks && (t = readdir(tasks)))
			if (isdigit((unsigned char)t->d_name[0]))
				read_thread(to, p->d_name, t->d_name, cpu);
		if (tasks)
			closedir(tasks);
	}
	if (proc)
		closedir(proc);
}

/* "cpu2 0 0 ... N": the last number of a line is how often a task was put on the CPU, in each version of the file. */
int64_t cpu_switches(int cpu)
{
	FILE *f = fopen("/proc/schedstat", "re");
	char *line = NULL, *last;
	int64_t times = -1;
	size_t room = 0;
	int number;

	while (f && times < 0 && getline(&line, &room, f) >= 0)
		if (sscanf(line, "cpu%d ", &number) == 1 && number == cpu && (last = strrchr(line, ' ')))
			times = strtoll(last, NULL, 10);
	free(line);
	if (f)
		fclose(f);
	return times;
}

/* The lists are in the same order but for what has come and gone: the search begins where the last one ended. */
void sources_subtract(struct sources *after, const struct sources *before)
{
	size_t at = 0;

	for (size_t i = 0; i < after->n; i++) {
		struct source *s = &after->list[i];

		for (size_t tries = 0; tries < before->n; tries++, at = (at + 1) % before->n) {
			const struct source *b = &before->list[at];

			if (b->kind != s->kind || b->tid != s->tid || (!s->tid && strcmp(b->name, s->name) != 0))
				continue;
			s->count -= b->count <= s->count ? b->count : s->count;
			at = (at + 1) % before->n;
			break;
		}
	}
}
