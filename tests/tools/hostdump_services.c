/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What belongs to a process as a whole: limits, the memory policy, the allocator's environment. Of PID 1 and of
 * services only (hostdump_threads.c). numa_maps walks the page tables: on a service with much memory that takes its
 * time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tools/hostdump.h"

static const char *const status_fields[] = {"Mems_allowed_list", "THP_enabled"};

/* Variables that tune: nothing else of an environment belongs into a dump. */
static const char *const variables[] = {
	"MALLOC_CONF", "JE_MALLOC_CONF", "_RJEM_MALLOC_CONF", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "LD_PRELOAD",
};

static const char unreadable[] = "!not readable";

static void emit_of(struct dump *d, const char *of, const char *what, const char *value, size_t n)
{
	char path[640];

	snprintf(path, sizeof(path), "%.500s/%.120s", of, what);
	emit_bytes(d, "process:", path, value, n);
}

static void dump_whole(struct dump *d, const char *of, const char *file, char *text, size_t n)
{
	emit_of(d, of, file, text, n);
}

/* "/autogroup-83 nice 0": the number does not outlast the process. */
static void dump_autogroup(struct dump *d, const char *of, const char *file, char *text, size_t n)
{
	size_t at = strcspn(text, " ");

	at += strspn(text + at, " ");
	emit_of(d, of, file, text + at, n - at);
}

/* "Max open files            1024                 524288               files     ": a name of fixed width, two values.
 */
static void dump_limits(struct dump *d, const char *of, const char *file, char *text, size_t n)
{
	enum { NAME = 26 };
	char *line = strsep(&text, "\n"); /* the heading */

	(void)n;
	while ((line = strsep(&text, "\n"))) {
		char name[64], value[128], soft[40], hard[40], unit[40] = "";
		int end = NAME;

		if (strlen(line) < NAME || sscanf(line + NAME, "%39s %39s %39s", soft, hard, unit) < 2)
			continue;
		while (end > 0 && line[end - 1] == ' ')
			end--;
		snprintf(name, sizeof(name), "%s/%.*s", file, end, line);
		for (char *c = name; *c; c++)
			if (*c == ' ')
				*c = '-';
		snprintf(value, sizeof(value), "soft %s hard %s %s", soft, hard, unit);
		emit_of(d, of, name, value, strlen(value));
	}
}

/* In the unified hierarchy; the numbers in front of the others are not the same at each boot. */
static void dump_cgroup(struct dump *d, const char *of, const char *file, char *text, size_t n)
{
	char *line;

	(void)n;
	while ((line = strsep(&text, "\n")))
		if (strncmp(line, "0::", 3) == 0)
			emit_of(d, of, file, line + 3, strlen(line + 3));
}

static void dump_status(struct dump *d, const char *of, const char *file, char *text, size_t n)
{
	char *line;

	(void)file, (void)n;
	while ((line = strsep(&text, "\n")))
		for (size_t i = 0; i < sizeof(status_fields) / sizeof(*status_fields); i++) {
			char *value = line + strlen(status_fields[i]);

			if (strncmp(line, status_fields[i], strlen(status_fields[i])) != 0 || *value != ':')
				continue;
			value += 1 + strspn(value + 1, "\t ");
			emit_of(d, of, status_fields[i], value, strlen(value));
		}
}

static void dump_environment(struct dump *d, const char *of, const char *file, char *text, size_t n)
{
	for (char *at = text; at < text + n; at += strlen(at) + 1)
		for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
			char *value = at + strlen(variables[i]), name[64];

			if (strncmp(at, variables[i], strlen(variables[i])) != 0 || *value != '=')
				continue;
			snprintf(name, sizeof(name), "%s/%s", file, variables[i]);
			emit_of(d, of, name, value + 1, strlen(value + 1));
		}
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The policies that occur in the process's mappings, each once, in the order of the alphabet: "bind:1 default". */
static void dump_memory_policy(struct dump *d, const char *of, const char *pid)
{
	char path[64], *line = NULL, policies[16][64], all[16 * 65] = "";
	size_t room = 0, n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/numa_maps", pid);
	f = fopen(path, "re");
	if (!f && errno != ENOENT && errno != ESRCH)
		emit_of(d, of, "mempolicy", unreadable, strlen(unreadable));
	while (f && n < 16 && getline(&line, &room, f) >= 0) {
		size_t i = 0;

		if (sscanf(line, "%*s %63s", policies[n]) != 1)
			continue;
		while (strcmp(policies[i], policies[n]) != 0)
			i++;
		n += i == n;
	}
	free(line);
	if (f)
		fclose(f);
	qsort(policies, n, sizeof(*policies), compare);
	for (size_t i = 0; i < n; i++)
		strcat(strcat(all, i ? " " : ""), policies[i]);
	if (n)
		emit_of(d, of, "mempolicy", all, strlen(all));
}

static const struct {
	const char *file;
	void (*dump)(struct dump *d, const char *of, const char *file, char *text, size_t n);
} files[] = {
	{"oom_score_adj",   dump_whole      },
        {"coredump_filter", dump_whole      },
        {"autogroup",       dump_autogroup  },
	{"limits",          dump_limits     },
        {"cgroup",          dump_cgroup     },
        {"status",          dump_status     },
	{"environ",         dump_environment},
};

void dump_process(struct dump *d, const char *unit, const char *name, const char *pid)
{
	static char text[256 * 1024]; /* an environment may be large */
	char of[400], path[64];

	snprintf(of, sizeof(of), "%s/%s", unit, name);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, files[i].file);
		n = read_text(path, text, sizeof(text));
		if (n < 0 && errno != ENOENT && errno != ESRCH)
			emit_of(d, of, files[i].file, unreadable, strlen(unreadable));
		if (n > 0)
			files[i].dump(d, of, files[i].file, text, (size_t)n);
	}
	dump_memory_policy(d, of, pid);
}
