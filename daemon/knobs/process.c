/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process runs with, from /proc (proc(5)) thread by thread: affinity, policy, limits, memory policy, environment.
 * Must not change anything of it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/knobs/service_rows.h"
#include "lib/base/cpuset.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define ROUNDS 8 /* of looking for threads that have come meanwhile */

/* --- files of /proc/PID -------------------------------------------------------------------------------------------- */

static int read_of(const struct knob_ctx *c, const char *dir, const char *file, struct strbuf *ret)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	int r = fsio_probe(c->fs, path, ret);
	return r == -ESRCH ? -ENOENT : r;
}

/* 1: it is what is expected; 0: not, and *found has it. */
static int compare(const char *is, const char *expected, struct strbuf *found)
{
	strbuf_add(found, is);
	return strcmp(is, expected) == 0;
}

/* The list behind "NAME:" in a status file. */
static int read_list(const struct knob_ctx *c, const char *dir, const char *name, struct cpuset *ret)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	int r = read_of(c, dir, "status", &text);
	if (r < 0)
		return r;
	char *at = strstr(strbuf_str(&text), name) != NULL ? strstr(text.s, name) + strlen(name) : NULL;
	if (at == NULL || *at != ':')
		return -EIO;
	at[strcspn(at, "\n")] = '\0';
	return cpuset_parse_kernel(at + 1, ret, NULL) < 0 ? -EIO : 0;
}

/* Nothing expected: what the service manager itself may use. */
int process_affinity(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found)
{
	struct cpuset is, wanted;

	int r = read_list(c, dir, "Cpus_allowed_list", &is);
	if (r == 0 && expected[0] == '\0')
		r = read_list(c, "/proc/1", "Cpus_allowed_list", &wanted);
	else if (r == 0)
		r = cpuset_parse(expected, &wanted, NULL);
	if (r < 0)
		return r;
	cpuset_format(&is, found);
	return cpuset_equal(&is, &wanted) ? 1 : cpuset_is_subset(&is, &wanted) ? 2 : 0;
}

/* Field `n` of a stat file, counted as in proc(5); the second one is a name that may hold anything. */
static int read_stat(const struct knob_ctx *c, const char *dir, int n, char *ret, size_t size)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	int r = read_of(c, dir, "stat", &text);
	if (r < 0)
		return r;
	const char *p = strrchr(strbuf_str(&text), ')');
	for (int field = 2; p != NULL && field < n; field++) {
		p = strchr(p, ' ');
		p = p != NULL ? p + 1 : NULL;
	}
	if (p == NULL)
		return -EIO;
	snprintf(ret, size, "%.*s", (int)strcspn(p, " \n"), p);
	return 0;
}

int process_nice(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found)
{
	char is[32];

	int r = read_stat(c, dir, 19, is, sizeof(is));
	return r < 0 ? r : compare(is, expected, found);
}

int process_priority(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found)
{
	char is[32];

	int r = read_stat(c, dir, 40, is, sizeof(is));
	return r < 0 ? r : compare(is, expected[0] != '\0' ? expected : "0", found);
}

/* sched.h: SCHED_OTHER ... SCHED_IDLE, SCHED_DEADLINE. */
int process_policy(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found)
{
	static const char *const names[] = { "other", "fifo", "rr", "batch", "", "idle", "deadline" };
	char is[32];
	int64_t n = 0;

	int r = read_stat(c, dir, 41, is, sizeof(is));
	if (r == 0)
		r = num_parse_range(is, 0, ARRAY_LEN(names) - 1, &n) < 0 ? -EIO : 0;
	return r < 0 ? r : compare(names[n], expected, found);
}

/* ioprio_get(2): no file of /proc has it. Without a class of its own a thread is "best-effort". */
int process_io_class(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found)
{
	static const char *const names[] = { "best-effort", "realtime", "best-effort", "idle" };
	int64_t tid;

	if (c->copied || num_parse_range(strrchr(dir, '/') + 1, 1, INT32_MAX, &tid) < 0)
		return -EIO;
	long prio = syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS: a thread */, (int)tid);
	if (prio < 0)
		return errno == ESRCH ? -ENOENT : -errno;
	return compare(names[(prio >> 13) & 3], expected, found);
}

/* "55d0c7a00000 bind:0 file=...", "... prefer=static:1 ...": the policy of the task is that of memory without one. Only
 * the beginning is read: for the rest the kernel walks the page tables. */
static int read_numa(const struct knob_ctx *c, const char *dir, char *policy, char *nodes, size_t size)
{
	char path[128], text[48] = "";

	snprintf(path, sizeof(path), "%s/numa_maps", dir);
	int r = fsio_read_bytes(c->fs, path, text, sizeof(text) - 1, NULL);
	if (r < 0)
		return r == -ESRCH ? -ENOENT : r;
	const char *p = strchr(text, ' ');
	if (p == NULL)
		return -EIO;
	p++;
	snprintf(policy, size, "%.*s", (int)strcspn(p, " :=\n"), p);
	p += strcspn(p, " :\n");
	snprintf(nodes, size, "%.*s", *p == ':' ? (int)strcspn(p + 1, " \n") : 0, p + 1);
	return 0;
}

int process_numa_policy(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found)
{
	char policy[32], nodes[32];

	int r = read_numa(c, dir, policy, nodes, sizeof(policy));
	if (r < 0)
		return r;
	return compare(strcmp(policy, "prefer") == 0 ? "preferred" : policy,
	               expected[0] != '\0' ? expected : "default", found);
}

/* Policies without nodes ("local") show none. */
int process_numa_nodes(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found)
{
	char policy[32], nodes[32];

	int r = read_numa(c, dir, policy, nodes, sizeof(policy));
	if (r < 0)
		return r;
	return compare(nodes, strcmp(policy, "default") == 0 || strcmp(policy, "local") == 0 ? nodes : expected, found);
}

int process_oom(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found)
{
	CLEANUP(strbuf_done) struct strbuf is = { 0 };

	int r = read_of(c, dir, "oom_score_adj", &is);
	return r < 0 ? r : compare(strbuf_str(&is), expected, found);
}

/* --- limits -------------------------------------------------------------------------------------------------------- */

static uint64_t limit_number(const char *text, size_t n)
{
	char number[32];
	uint64_t ret;

	snprintf(number, sizeof(number), "%.*s", (int)n, text);
	return num_parse_u64(number, &ret) < 0 ? UINT64_MAX : ret;
}

/* "Max open files            1024                 524288               files": a service may raise its soft limit as far
 * as the hard one. */
static int process_limit(const struct knob_ctx *c, const char *dir, const char *name, const char *expected,
                         struct strbuf *found)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	char soft[32], hard[32];

	int r = read_of(c, dir, "limits", &text);
	if (r < 0)
		return r;
	const char *at = strstr(strbuf_str(&text), name);
	if (at == NULL || sscanf(at + strlen(name), "%31s %31s", soft, hard) != 2)
		return -EIO;
	const char *colon = strchr(expected, ':');
	uint64_t wanted_soft = limit_number(expected, strcspn(expected, ":"));
	uint64_t wanted_hard = colon != NULL ? limit_number(colon + 1, strlen(colon + 1)) : wanted_soft;
	uint64_t is = limit_number(soft, strlen(soft));
	strbuf_addf(found, "%s:%s", soft, hard);
	return limit_number(hard, strlen(hard)) == wanted_hard && is >= wanted_soft && is <= wanted_hard;
}

int process_files(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found)
{
	return process_limit(c, dir, "Max open files", expected, found);
}

int process_memlock(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found)
{
	return process_limit(c, dir, "Max locked memory", expected, found);
}

int process_rtprio(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found)
{
	return process_limit(c, dir, "Max realtime priority", expected, found);
}

/* The unit's group: "0::/hft.slice/redis-server.service", or that of systemd's own hierarchy where nothing is in the other
 * one. */
static const char *group_of(const char *text)
{
	const char *unified = strstr(text, "0::/"), *named = strstr(text, "name=systemd:/");
	const char *at = named != NULL && (unified == NULL || unified[4] == '\0' || unified[4] == '\n') ? named : unified;

	return at != NULL ? strchr(at, '/') : NULL;
}

/* The directory above that of the unit. */
int process_slice(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	int r = read_of(c, dir, "cgroup", &text);
	if (r < 0)
		return r;
	const char *at = group_of(strbuf_str(&text));
	if (at == NULL)
		return -EIO;
	for (size_t n = strcspn(at, "\n"); n > 0;) {
		const char *end = memrchr(at, '/', n), *begin;
		if (end == NULL || end == at)
			return compare("-.slice", expected, found);
		begin = memrchr(at, '/', (size_t)(end - at));
		n = (size_t)(end - at);
		if (n < strlen(".slice") || strncmp(end - strlen(".slice"), ".slice", strlen(".slice")) != 0)
			continue; /* below the unit's own group */
		strbuf_addn(found, begin + 1, (size_t)(end - begin) - 1);
		return strcmp(strbuf_str(found), expected) == 0;
	}
	return -EIO;
}

/* --- all threads ---------------------------------------------------------------------------------------------------- */

/* "4096": "the process has 4096", "thread 12 (bio_aof) has 4096". */
static void name_process(struct strbuf *found, const char *who)
{
	CLEANUP(mem_freep) char *what = strbuf_take(found);

	strbuf_addf(found, "%s has %s", who, what != NULL ? what : "?");
}

static void name_thread(const struct knob_ctx *c, const char *dir, const char *tid, struct strbuf *found)
{
	CLEANUP(strbuf_done) struct strbuf comm = { 0 };
	char who[64];

	read_of(c, dir, "comm", &comm);
	snprintf(who, sizeof(who), "thread %s (%.32s)", tid, strbuf_str(&comm));
	name_process(found, who);
}

/* Has knob thread been told what this one shall have? */
static bool is_set_alone(const struct knob_ctx *c, const char *unit, const char *dir, const struct service_row *row)
{
	CLEANUP(strbuf_done) struct strbuf comm = { 0 };

	if (row->thread == NULL || c->is_set == NULL || read_of(c, dir, "comm", &comm) < 0)
		return false;
	CLEANUP(mem_freep) char *key = str_printf("%s %s %s", unit, strbuf_str(&comm), row->thread);
	return key != NULL && c->is_set(c->is_set_data, "thread", key);
}

/* The threads of a process, looked at until no new one comes. */
struct threads {
	const struct knob_ctx *c;
	const char *unit, *expected;
	const struct service_row *row;
	struct strlist seen;
	struct strbuf *found;
	bool is_new, is_judged; /* there was one in the last look; there is one that knob thread does not set */
};

/* As holds, of one thread: 1 also for one that is gone, or not the unit's. */
static int holds_thread(struct threads *t, const char *dir, const char *tid)
{
	strbuf_reset(t->found);
	int has = t->row->holds(t->c, dir, t->expected, t->found);
	bool differs = has == 0 || has == 2;

	if (has == -ENOENT || (differs && is_set_alone(t->c, t->unit, dir, t->row)))
		return 1;
	t->is_judged = true;
	if (differs)
		name_thread(t->c, dir, tid, t->found);
	return has;
}

/* One look at all threads that there are. */
static int look(struct threads *t, const char *tasks)
{
	CLEANUP(strlist_done) struct strlist tids = { 0 };
	int least = 1;

	t->is_new = false;
	int r = fsio_list(t->c->fs, tasks, &tids, NULL);
	for (size_t i = 0; r == 0 && i < tids.n; i++) {
		char dir[96];
		if (strlist_has(&t->seen, tids.s[i]))
			continue;
		t->is_new = true;
		if (strlist_add(&t->seen, tids.s[i]) < 0)
			return -ENOMEM;
		snprintf(dir, sizeof(dir), "%s/%s", tasks, tids.s[i]);
		int has = holds_thread(t, dir, tids.s[i]);
		if (has <= 0)
			return has;
		least = has == 2 ? 2 : least;
	}
	return r < 0 ? r : least;
}

static int hold(struct threads *t, unsigned pid)
{
	char dir[64];
	int r = 1, least = 1;

	snprintf(dir, sizeof(dir), "/proc/%u/task", pid);
	t->is_new = true;
	for (int round = 0; r > 0 && t->is_new && round < ROUNDS; round++) {
		r = look(t, dir);
		least = r == 2 ? 2 : least;
	}
	/* Whose threads are all set one by one shows nothing of what it was started with. */
	return r <= 0 ? r : t->is_judged ? least : 2;
}

int process_holds(const struct knob_ctx *c, const char *unit, unsigned pid, const struct service_row *row, const char *expected,
                  struct strbuf *found)
{
	struct threads t = { .c = c, .unit = unit, .expected = expected, .row = row, .found = found };
	char dir[64];
	int r;

	strbuf_reset(found);
	if (!row->whole) {
		r = hold(&t, pid);
		strlist_done(&t.seen);
		return r;
	}
	snprintf(dir, sizeof(dir), "/proc/%u", pid);
	r = row->holds(c, dir, expected, found);
	if (r == 0)
		name_process(found, "the process");
	return r;
}

int process_variable(const struct knob_ctx *c, unsigned pid, const char *name, struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	char path[64];
	size_t n = strlen(name);

	strbuf_reset(ret);
	snprintf(path, sizeof(path), "/proc/%u/environ", pid);
	int r = fsio_read_file(c->fs, path, 1024 * 1024, &text, NULL);
	for (const char *p = strbuf_str(&text); r == 0 && p < strbuf_str(&text) + text.len; p += strlen(p) + 1)
		if (strncmp(p, name, n) == 0 && p[n] == '=') {
			strbuf_reset(ret); /* the last one counts, as for systemd; there is but one */
			strbuf_add(ret, p + n + 1);
		}
	return r < 0 ? r : ret->oom ? -ENOMEM : 0;
}
