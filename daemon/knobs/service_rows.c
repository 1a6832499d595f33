/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of knob service, and its values as text. Must not read or write a unit. */
#include "daemon/knobs/service_rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/row_macros.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define EXEC_MAN "systemd.exec(5)"
#define CGROUP_MAN "systemd.resource-control(5)"
#define SERVICES (1U << UNIT_SERVICE)
#define ALL_KINDS (SERVICES | 1U << UNIT_SLICE | 1U << UNIT_SCOPE)

/* --- forms -------------------------------------------------------------------------------------------------------- */

/* A list of memory nodes. */
static int parse_nodes(const struct knob_ctx *c, const char *value, struct strbuf *ret)
{
	struct cpuset set;

	int r = cpuset_parse(value, &set, NULL);
	if (r < 0 || cpuset_is_empty(&set))
		return r < 0 ? r : -EINVAL;
	for (int node = cpuset_next(&set, 0); c != NULL && node >= 0; node = cpuset_next(&set, (unsigned)node + 1))
		if (host_node(c->host, node) == NULL)
			return -ERANGE;
	cpuset_format(&set, ret);
	return 0;
}

/* "65536", with K, M, G or T behind it where `units`; UINT64_MAX is what systemd takes for infinity. */
static int parse_number(const char *text, size_t len, bool units, uint64_t *ret)
{
	static const char letters[] = "KMGT";
	char number[32];
	unsigned shift = 0;

	const char *letter = units && len > 1 ? strchr(letters, text[len - 1]) : NULL;
	if (letter != NULL && *letter != '\0') {
		shift = 10 * (unsigned)(letter - letters + 1);
		len--;
	}
	if (len >= sizeof(number))
		return -EINVAL;
	snprintf(number, sizeof(number), "%.*s", (int)len, text);
	int r = num_parse_u64(number, ret);
	if (r == 0 && *ret > (UINT64_MAX - 1) >> shift)
		return -ERANGE;
	*ret <<= shift;
	return r;
}

static int parse_limit_part(const char *text, size_t len, bool units, uint64_t *ret)
{
	if (len == strlen("infinity") && strncmp(text, "infinity", len) == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	return parse_number(text, len, units, ret);
}

static void add_limit(struct strbuf *ret, uint64_t n)
{
	if (n == UINT64_MAX)
		strbuf_add(ret, "infinity");
	else
		strbuf_addf(ret, "%llu", (unsigned long long)n);
}

/* "65536", "infinity", "1024:65536" (soft and hard); canonical without the colon where both are the same. */
static int parse_limit(const char *value, bool units, uint64_t max, struct strbuf *ret)
{
	const char *colon = strchr(value, ':');
	uint64_t soft, hard;

	int r = parse_limit_part(value, strcspn(value, ":"), units, &soft);
	if (r == 0)
		r = colon != NULL ? parse_limit_part(colon + 1, strlen(colon + 1), units, &hard) : 0;
	if (r < 0)
		return r;
	hard = colon != NULL ? hard : soft;
	if (soft > hard || hard > max)
		return -ERANGE;
	add_limit(ret, soft);
	if (soft != hard) {
		strbuf_addc(ret, ':');
		add_limit(ret, hard);
	}
	return 0;
}

/* The kernel wants a number there, and no more than fs.nr_open, which knob sysctl may raise first. */
static int parse_files(const struct knob_ctx *c, const char *value, struct strbuf *ret)
{
	(void)c;
	return parse_limit(value, false, INT32_MAX, ret);
}

static int parse_memlock(const struct knob_ctx *c, const char *value, struct strbuf *ret)
{
	(void)c;
	return parse_limit(value, true, UINT64_MAX, ret);
}

static int parse_rtprio(const struct knob_ctx *c, const char *value, struct strbuf *ret)
{
	(void)c;
	return parse_limit(value, false, 99, ret);
}

static int parse_bytes(const struct knob_ctx *c, const char *value, struct strbuf *ret)
{
	uint64_t n;

	(void)c;
	int r = parse_number(value, strlen(value), true, &n);
	if (r == 0)
		add_limit(ret, n);
	return r;
}

static int parse_slice(const struct knob_ctx *c, const char *value, struct strbuf *ret)
{
	enum unit_kind kind;

	(void)c;
	if (unit_check_name(value, &kind, NULL) < 0 || kind != UNIT_SLICE || strpbrk(value, "\\@%") != NULL)
		return -EINVAL;
	strbuf_add(ret, value);
	return 0;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define OF_TASK(fn) .kinds = SERVICES, .holds = fn
#define OF_PROCESS(fn) .kinds = SERVICES, .holds = fn, .whole = true
#define OF_CGROUP(name) .kinds = ALL_KINDS, .file = name
#define FORM(of, text) .unit = of, .bounds = text

const struct service_row service_rows[] = {
	{ { OPT("Slice", 1, RESTART, "the slice that the service runs in"), FORM("slice", "NAME.slice"),
	    COUNTER("/proc/PID/cgroup"), SOURCE(CGROUP_MAN),
	    TRAPS("a slice without a file of its own is made; its settings are given to it by its own name") },
	  .parse = parse_slice, OF_PROCESS(process_slice) },
	{ { OPT("CPUAffinity", 1, RESTART, "CPUs that the service starts on"), CPULIST,
	    COUNTER("nonvoluntary_ctxt_switches in /proc/PID/status"), SOURCE(EXEC_MAN),
	    TRAPS("Redis and jemalloc size themselves by it when they start: on one CPU jemalloc takes one arena; the program "
	          "may leave these CPUs again, AllowedCPUs it cannot leave") },
	  OF_TASK(process_affinity), .thread = "affinity" },
	{ { OPT("NUMAPolicy", 2, RESTART, "where the memory of the service comes from"),
	    WORDS("default|preferred|bind|interleave|local"), COUNTER("numa_miss and other_node of the node's numastat"),
	    SOURCE(EXEC_MAN),
	    TRAPS("`bind` ends in an out-of-memory kill when its nodes are full: `preferred` is safer; memory that the service "
	          "has already stays where it is; bind, preferred and interleave want NUMAMask") },
	  .numbers = "-1=|0=default|1=preferred|2=bind|3=interleave|4=local", OF_TASK(process_numa_policy) },
	{ { OPT("NUMAMask", 2, RESTART, "the nodes of NUMAPolicy"), FORM("nodelist", "nodes of this host"),
	    COUNTER("numa_miss and other_node of the node's numastat"), SOURCE(EXEC_MAN),
	    TRAPS("the service does not start when a node is not in AllowedMemoryNodes (exit 242)") },
	  .parse = parse_nodes, OF_TASK(process_numa_nodes) },
	{ { OPT("CPUSchedulingPolicy", 4, RESTART, "the scheduler's class for the service"),
	    WORDS("other|batch|idle|fifo|rr"), COUNTER("nonvoluntary_ctxt_switches in /proc/PID/status"), SOURCE(EXEC_MAN),
	    TRAPS("with fifo or rr a thread that never sleeps starves the kernel's own on its CPU (RCU stalls): only on "
	          "isolated CPUs, step by step; set by systemd it passes RestrictRealtime=") },
	  .numbers = "0=other|1=fifo|2=rr|3=batch|5=idle", OF_TASK(process_policy), .thread = "policy" },
	{ { OPT("CPUSchedulingPriority", 3, RESTART, "priority among real-time threads"), INT(1, 99, "priority"),
	    COUNTER("nonvoluntary_ctxt_switches in /proc/PID/status"), SOURCE(EXEC_MAN),
	    TRAPS("wants CPUSchedulingPolicy fifo or rr; above 50 it comes before threaded interrupts") },
	  .numbers = "0=", OF_TASK(process_priority), .thread = "policy" },
	{ { OPT("Nice", 1, RESTART, "weight among threads of the class `other`"), INT(-20, 19, "nice"),
	    COUNTER("nonvoluntary_ctxt_switches in /proc/PID/status"), SOURCE(EXEC_MAN),
	    TRAPS("means nothing beside fifo and rr, and little while kernel.sched_autogroup_enabled is 1") },
	  OF_TASK(process_nice), .thread = "nice" },
	{ { OPT("IOSchedulingClass", 1, RESTART, "class of the disk accesses of the service"),
	    WORDS("realtime|best-effort|idle"), COUNTER("await of iostat -x"), SOURCE(EXEC_MAN),
	    TRAPS("only schedulers of disks that have priorities look at it: bfq, mq-deadline since Linux 5.14") },
	  .numbers = "0=best-effort|1=realtime|2=best-effort|3=idle", OF_TASK(process_io_class) },
	{ { OPT("LimitNOFILE", 0, RESTART, "most open files"), FORM("files", "N, SOFT:HARD; up to fs.nr_open"),
	    COUNTER("'Too many open files' in its log"), SOURCE(EXEC_MAN),
	    TRAPS("Redis lowers maxclients when it gets less than it wants") },
	  .parse = parse_files, OF_PROCESS(process_files) },
	{ { OPT("LimitMEMLOCK", 0, RESTART, "most locked memory"), FORM("bytes", "N with K, M, G or T, infinity, SOFT:HARD"),
	    COUNTER("VmLck in /proc/PID/status"), SOURCE(EXEC_MAN), TRAPS("io_uring and mlockall(2) count here") },
	  .parse = parse_memlock, OF_PROCESS(process_memlock) },
	{ { OPT("LimitRTPRIO", 1, RESTART, "highest real-time priority that the service may give itself"),
	    FORM("priority", "0..99, SOFT:HARD"), COUNTER("policy and priority of its threads"), SOURCE(EXEC_MAN),
	    TRAPS("nothing where the unit has RestrictRealtime=yes") },
	  .parse = parse_rtprio, OF_PROCESS(process_rtprio) },
	{ { OPT("OOMScoreAdjust", 1, RESTART, "who is killed first when memory ends; -1000 is never"),
	    INT(-1000, 1000, "points"), COUNTER("/proc/PID/oom_score"), SOURCE(EXEC_MAN),
	    TRAPS("Redis changes it by itself with oom-score-adj") },
	  OF_PROCESS(process_oom) },
	{ { OPT("MemoryMin", 2, NOW, "memory that is never reclaimed from it"), FORM("bytes", "N with K, M, G or T"),
	    COUNTER("workingset_refault_* in memory.stat of its control group"), SOURCE(CGROUP_MAN),
	    TRAPS("the slices above need it too; too much of it ends in an out-of-memory kill of the others; systemd 257 gives it "
	          "to a service when that starts") },
	  .parse = parse_bytes, OF_CGROUP("memory.min") },
	{ { OPT("AllowedCPUs", 1, NOW, "CPUs that it cannot leave"), CPULIST, COUNTER("cpuset.cpus.effective"),
	    SOURCE(CGROUP_MAN),
	    TRAPS("a reload of systemd writes it again; a change sets the affinity of all its threads anew (before Linux 6.2 for "
	          "good)") },
	  OF_CGROUP("cpuset.cpus") },
	{ { OPT("AllowedMemoryNodes", 2, NOW, "memory nodes that it cannot leave"), FORM("nodelist", "nodes of this host"),
	    COUNTER("cpuset.mems.effective"), SOURCE(CGROUP_MAN), TRAPS("memory that it has is moved, which takes its time") },
	  .parse = parse_nodes, OF_CGROUP("cpuset.mems") },
};
const size_t n_service_rows = ARRAY_LEN(service_rows);

const struct service_row *service_row(const char *option)
{
	for (size_t i = 0; i < n_service_rows; i++)
		if (strcmp(service_rows[i].row.option, option) == 0)
			return &service_rows[i];
	return NULL;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int raise_value(const struct service_row *row, const char *value, int r, struct hft_err *err)
{
	if (r == -ERANGE)
		err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, row->row.option, "%s: %s is out of bounds", row->row.option, value);
	else
		err_raise(err, ERR_INVALID_PROFILE, EINVAL, row->row.option, "%s: \"%s\" is not in the form that it takes",
		          row->row.option, value);
	err_values(err, row->row.bounds, value);
	return r;
}

int service_value_parse(const struct knob_ctx *c, const struct service_row *row, const char *value, struct strbuf *ret,
                        struct hft_err *err)
{
	strbuf_reset(ret);
	if (row->parse == NULL) /* the path says only that the host counts: CPUs have to be present */
		return row_value_parse(c, &row->row, c != NULL ? "/sys/devices/system/cpu/present" : NULL, value, ret, err);
	int r = row->parse(c, value, ret);
	if (r < 0)
		return raise_value(row, value, r, err);
	return ret->oom ? err_oom(err) : 0;
}

void service_value_of_systemd(const struct service_row *row, const char *text, struct strbuf *ret)
{
	size_t len = strlen(text);

	strbuf_reset(ret);
	for (const char *p = row->numbers; p != NULL; p = strchr(p, '|') != NULL ? strchr(p, '|') + 1 : NULL) {
		if (strncmp(p, text, len) != 0 || p[len] != '=')
			continue;
		strbuf_addn(ret, p + len + 1, strcspn(p + len + 1, "|"));
		return;
	}
	strbuf_add(ret, text);
}

static bool is_real_time(const char *policy)
{
	return strcmp(policy, "fifo") == 0 || strcmp(policy, "rr") == 0;
}

static const char *clash_one_way(const char *option, const char *value, const char *other, const char *other_value)
{
	if (strcmp(option, "CPUSchedulingPolicy") == 0 && strcmp(other, "CPUSchedulingPriority") == 0 && !is_real_time(value))
		return "a priority means something with fifo and rr alone";
	if (strcmp(option, "NUMAPolicy") == 0 && strcmp(other, "NUMAMask") == 0 && strcmp(value, "preferred") == 0 &&
	    strpbrk(other_value, ",-") != NULL)
		return "one node is preferred, not several";
	return NULL;
}

const char *service_clash(const char *option, const char *value, const char *other, const char *other_value)
{
	const char *why = clash_one_way(option, value, other, other_value);

	return why != NULL ? why : clash_one_way(other, other_value, option, value);
}
