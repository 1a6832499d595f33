/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directives of Redis that a profile may set, a row each, and what their values may be. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "daemon/host/host.h"
#include "daemon/knobs/redis.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define OPT(name, r, text) .option = name, .risk = r, .summary = text
#define INT(lo, hi, u, b) .form = REDIS_INT, .min = lo, .max = hi, .unit = u, .bounds = b
#define BYTES(lo, hi, b) .form = REDIS_BYTES, .min = lo, .max = hi, .unit = "bytes", .bounds = b
#define WORD(w) .form = REDIS_WORD, .words = w, .unit = "word", .bounds = w
#define YESNO .form = REDIS_WORD, .words = "yes|no", .unit = "bool", .bounds = "yes|no"
#define CPUS .form = REDIS_CPUS, .unit = "cpulist", .bounds = "present CPUs", .fixed = true, .preset = "\"\""
#define DEFAULT(text) .preset = text
#define FIXED .fixed = true
#define COUNTER(text) .counter = text
#define TRAPS(text) .traps = text
#define EVICTION "volatile-lru|allkeys-lru|volatile-lfu|allkeys-lfu|volatile-random|allkeys-random|volatile-ttl|noeviction"
#define SANDBOX "in Debian's unit SystemCallFilter=~@resources kills a server that sets its own affinity"
#define GIB(n) (INT64_C(n) << 30)

/* What the file does not say (preset) is that of 7.0 and 8.0. */
const struct redis_row redis_rows[] = {
	{ OPT("activedefrag", 1, "move values together while the server runs"), YESNO, DEFAULT("no"),
	  COUNTER("active_defrag_running of INFO memory"),
	  TRAPS("refused by a server that is linked to the system's jemalloc, as Debian's is") },
	{ OPT("activerehashing", 1, "spend a millisecond of every 100 on growing hash tables"), YESNO, DEFAULT("yes"),
	  COUNTER("latency"), TRAPS("no: a table that grows keeps its old half until it is used") },
	{ OPT("aof-rewrite-incremental-fsync", 1, "flush a rewritten append-only file in pieces"), YESNO, DEFAULT("yes"),
	  COUNTER("latency") },
	{ OPT("aof_rewrite_cpulist", 2, "CPUs of the process that rewrites the append-only file"), CPUS,
	  COUNTER("/proc/PID/status"), TRAPS(SANDBOX) },
	{ OPT("appendfsync", 4, "how often the append-only file is flushed"), WORD("always|everysec|no"),
	  DEFAULT("everysec"), COUNTER("aof_delayed_fsync of INFO persistence"),
	  TRAPS("everysec can lose a second, no all that the kernel has not written") },
	{ OPT("appendonly", 4, "log every write to a file"), YESNO, DEFAULT("no"),
	  COUNTER("aof_enabled of INFO persistence"),
	  TRAPS("no: what was written since the last snapshot is lost with the server; yes forks once") },
	{ OPT("bgsave_cpulist", 2, "CPUs of the process that writes a snapshot"), CPUS, COUNTER("/proc/PID/status"),
	  TRAPS(SANDBOX) },
	{ OPT("bio_cpulist", 2, "CPUs of the threads that close, flush and free"), CPUS,
	  COUNTER("/proc/PID/task/*/status"), TRAPS(SANDBOX) },
	{ OPT("busy-reply-threshold", 1, "time after which a script answers others with BUSY"),
	  INT(0, INT_MAX, "ms", "0..2147483647"), DEFAULT("5000"), COUNTER("BUSY errors of INFO errorstats") },
	{ OPT("client-query-buffer-limit", 1, "bytes that a client may send at once"),
	  BYTES(1 << 20, GIB(1024), "1mb..1024gb"), DEFAULT("1073741824"), COUNTER("CLIENT LIST qbuf") },
	{ OPT("databases", 2, "number of databases"), INT(1, INT_MAX, "databases", "1..2147483647"), DEFAULT("16"), FIXED,
	  COUNTER("INFO keyspace"), TRAPS("a client that selects a higher one gets errors, and a snapshot that has keys in a "
	  "higher one keeps the server from starting") },
	{ OPT("disable-thp", 0, "no transparent huge pages for the server, where the system says always"), YESNO,
	  DEFAULT("yes"), FIXED, COUNTER("THP_enabled in /proc/PID/status") },
	{ OPT("dynamic-hz", 0, "raise hz with the number of clients"), YESNO, DEFAULT("yes"), COUNTER("hz of INFO server"),
	  TRAPS("yes makes more of hz than was asked for") },
	{ OPT("hz", 0, "rounds of background work a second"), INT(1, 500, "per s", "1..500"), DEFAULT("10"),
	  COUNTER("hz of INFO server"), TRAPS("Redis takes any number, and keeps to 1..500 in silence; see dynamic-hz") },
	{ OPT("io-threads", 2, "threads that read and write for clients"), INT(1, 128, "threads", "1..128"), DEFAULT("1"),
	  FIXED, COUNTER("threads io_thd_*"), TRAPS("they poll: each needs a CPU of its own") },
	{ OPT("io-threads-do-reads", 2, "those threads read, too"), YESNO, DEFAULT("no"), FIXED,
	  COUNTER("io_threaded_reads_processed of INFO stats"), TRAPS("Redis 8 always does, and ignores it") },
	{ OPT("jemalloc-bg-thread", 0, "the allocator gives memory back in a thread of its own"), YESNO, DEFAULT("yes"),
	  COUNTER("thread jemalloc_bg_thd"), TRAPS("overrides background_thread of MALLOC_CONF") },
	{ OPT("latency-monitor-threshold", 0, "record what takes longer; 0 is off"),
	  INT(0, INT64_MAX, "ms", "0..2^63-1"), DEFAULT("0"), COUNTER("LATENCY LATEST") },
	{ OPT("latency-tracking", 0, "keep a histogram of each command's time"), YESNO, DEFAULT("yes"),
	  COUNTER("INFO latencystats"), TRAPS("since Redis 7.0") },
	{ OPT("lazyfree-lazy-eviction", 1, "free evicted values in another thread"), YESNO, DEFAULT("no"),
	  COUNTER("lazyfreed_objects of INFO memory"), TRAPS("memory comes back later") },
	{ OPT("lazyfree-lazy-expire", 1, "free expired values in another thread"), YESNO, DEFAULT("no"),
	  COUNTER("lazyfreed_objects of INFO memory"), TRAPS("memory comes back later") },
	{ OPT("lazyfree-lazy-server-del", 1, "free what a command replaces in another thread"), YESNO, DEFAULT("no"),
	  COUNTER("lazyfreed_objects of INFO memory"), TRAPS("memory comes back later") },
	{ OPT("lazyfree-lazy-user-del", 1, "DEL works like UNLINK"), YESNO, DEFAULT("no"),
	  COUNTER("lazyfreed_objects of INFO memory"), TRAPS("memory comes back later") },
	{ OPT("lazyfree-lazy-user-flush", 1, "FLUSHALL and FLUSHDB free in another thread"), YESNO, DEFAULT("no"),
	  COUNTER("lazyfreed_objects of INFO memory"), TRAPS("memory comes back later") },
	{ OPT("maxclients", 1, "clients at once"), INT(1, 1000000, "clients", "1..1000000"), DEFAULT("10000"),
	  COUNTER("connected_clients of INFO clients"),
	  TRAPS("refused, and at a start lowered, where LimitNOFILE of the unit is less than that and 32") },
	{ OPT("maxmemory", 3, "bytes of data before eviction; 0 is no limit"), BYTES(0, INT64_MAX, "0..2^63-1"), DEFAULT("0"),
	  COUNTER("used_memory and evicted_keys of INFO"),
	  TRAPS("1gb is 2^30, 1g is 10^9; less than is used evicts keys at once, or makes writes fail with OOM errors") },
	{ OPT("maxmemory-policy", 3, "what is evicted when memory is full"), WORD(EVICTION), DEFAULT("noeviction"),
	  COUNTER("evicted_keys of INFO stats"), TRAPS("allkeys-*: data that nobody gave an end goes, too") },
	{ OPT("maxmemory-samples", 1, "keys that are looked at to evict one"), INT(1, 64, "keys", "1..64"), DEFAULT("5"),
	  COUNTER("evicted_keys of INFO stats") },
	{ OPT("no-appendfsync-on-rewrite", 4, "do not flush the append-only file while a child writes"), YESNO, DEFAULT("no"),
	  COUNTER("aof_delayed_fsync of INFO persistence"), TRAPS("yes: a crash then loses up to 30 s of writes") },
	{ OPT("proto-max-bulk-len", 1, "longest string in a request"), BYTES(1 << 20, INT64_MAX, "1mb..2^63-1"),
	  DEFAULT("536870912"), COUNTER("protocol errors") },
	{ OPT("rdb-save-incremental-fsync", 1, "flush a snapshot in pieces"), YESNO, DEFAULT("yes"), COUNTER("latency") },
	{ OPT("repl-disable-tcp-nodelay", 1, "gather what goes to replicas for up to 40 ms"), YESNO, DEFAULT("no"),
	  COUNTER("lag of INFO replication") },
	{ OPT("repl-diskless-sync", 2, "send a snapshot to replicas without a file"), YESNO, DEFAULT("yes"),
	  COUNTER("sync_full of INFO stats") },
	{ OPT("save", 4, "when a snapshot is written: pairs of seconds and changes, or \"\" for never"), .form = REDIS_SAVE,
	  .min = 1, .max = INT_MAX, .unit = "s changes ...", .bounds = "\"\", or pairs of 1..2147483647 and 0..2147483647",
	  DEFAULT("3600 1 300 100 60 10000"), COUNTER("rdb_last_bgsave_time_sec of INFO persistence"),
	  TRAPS("each snapshot forks, and the page tables are copied while clients wait; with \"\" and without an "
	        "append-only file all data is lost with the server") },
	{ OPT("server_cpulist", 2, "CPUs of the main and I/O threads"), CPUS, COUNTER("/proc/PID/task/*/status"),
	  TRAPS(SANDBOX) },
	{ OPT("slowlog-log-slower-than", 0, "log commands that take longer; -1 is off"),
	  INT(-1, INT64_MAX, "us", "-1..2^63-1"), DEFAULT("10000"), COUNTER("SLOWLOG LEN") },
	{ OPT("slowlog-max-len", 0, "entries of that log"), INT(0, INT_MAX, "entries", "0..2147483647"), DEFAULT("128"),
	  COUNTER("SLOWLOG LEN") },
	{ OPT("tcp-backlog", 1, "connections that wait to be accepted"), INT(0, INT_MAX, "connections", "0..2147483647"),
	  DEFAULT("511"), FIXED, COUNTER("Recv-Q of ss -lt"), TRAPS("no more than net.core.somaxconn") },
	{ OPT("tcp-keepalive", 0, "time between probes of idle connections; 0 is none"),
	  INT(0, INT_MAX, "s", "0..2147483647"), DEFAULT("300"), COUNTER("timer of ss -o"),
	  TRAPS("new connections only") },
	{ OPT("timeout", 1, "close clients that are idle for so long; 0 is never"), INT(0, INT_MAX, "s", "0..2147483647"),
	  DEFAULT("0"), COUNTER("connected_clients of INFO clients") },
};
const size_t n_redis_rows = ARRAY_LEN(redis_rows);

const struct redis_row *redis_row(const char *option)
{
	for (size_t i = 0; i < n_redis_rows; i++)
		if (strcmp(redis_rows[i].option, option) == 0)
			return &redis_rows[i];
	return NULL;
}

/* --- forms -------------------------------------------------------------------------------------------------------- */

/* Words and quotes to what CONFIG GET says. 0, -EINVAL or -ERANGE. */
typedef int (*form_fn)(const struct redis_row *row, const struct strlist *words, struct strbuf *ret);

static int put_number(const struct redis_row *row, int64_t v, struct strbuf *ret)
{
	if (v < row->min || v > row->max)
		return -ERANGE;
	strbuf_addf(ret, "%lld", (long long)v);
	return 0;
}

static int form_int(const struct redis_row *row, const struct strlist *words, struct strbuf *ret)
{
	int64_t v;

	int r = words->n == 1 ? num_parse_i64(words->s[0], &v) : -EINVAL;
	return r < 0 ? r : put_number(row, v, ret);
}

/* memtoull() of Redis: a whole number and one of these, in any case. */
static int form_bytes(const struct redis_row *row, const struct strlist *words, struct strbuf *ret)
{
	static const struct {
		const char *name;
		int64_t bytes;
	} units[] = {
		{ "", 1 },        { "b", 1 },           { "k", 1000 },       { "kb", 1 << 10 },
		{ "m", 1000000 }, { "mb", 1 << 20 },    { "g", 1000000000 }, { "gb", 1 << 30 },
	};

	if (words->n != 1)
		return -EINVAL;
	size_t digits = strspn(words->s[0], "0123456789");
	CLEANUP(mem_freep) char *number = str_dup_n(words->s[0], digits);
	for (size_t i = 0; number != NULL && i < ARRAY_LEN(units); i++) {
		int64_t v;
		if (strcasecmp(units[i].name, words->s[0] + digits) != 0)
			continue;
		int r = num_parse_i64(number, &v);
		if (r == 0 && __builtin_mul_overflow(v, units[i].bytes, &v))
			r = -ERANGE;
		return r < 0 ? r : put_number(row, v, ret);
	}
	return number == NULL ? -ENOMEM : -EINVAL;
}

static int form_word(const struct redis_row *row, const struct strlist *words, struct strbuf *ret)
{
	for (const char *p = words->n == 1 ? row->words : ""; *p != '\0'; p += strspn(p, "|")) {
		size_t n = strcspn(p, "|");
		if (strlen(words->s[0]) == n && strncasecmp(words->s[0], p, n) == 0) {
			strbuf_addn(ret, p, n);
			return 0;
		}
		p += n;
	}
	return -EINVAL;
}

static int form_cpus(const struct redis_row *row, const struct strlist *words, struct strbuf *ret)
{
	struct cpuset set;

	(void)row;
	if (words->n == 1 && words->s[0][0] == '\0') {
		strbuf_add(ret, "\"\"");
		return 0;
	}
	if (words->n != 1 || cpuset_parse(words->s[0], &set, NULL) < 0 || cpuset_is_empty(&set))
		return -EINVAL;
	cpuset_format(&set, ret);
	return 0;
}

static int form_save(const struct redis_row *row, const struct strlist *words, struct strbuf *ret)
{
	bool none = words->n == 1 && words->s[0][0] == '\0';

	if (none)
		strbuf_add(ret, "\"\"");
	if (none || words->n == 0 || words->n % 2 != 0)
		return none ? 0 : -EINVAL;
	for (size_t i = 0; i < words->n; i++) {
		int64_t v;
		int r = num_parse_range(words->s[i], i % 2 == 0 ? row->min : 0, row->max, &v);
		if (r < 0)
			return r;
		strbuf_addf(ret, "%s%s", i > 0 ? " " : "", words->s[i]);
	}
	return 0;
}

static const form_fn forms[] = {
	[REDIS_INT] = form_int,   [REDIS_BYTES] = form_bytes, [REDIS_WORD] = form_word,
	[REDIS_CPUS] = form_cpus, [REDIS_SAVE] = form_save,
};

static int to_normal(const struct redis_row *row, const char *text, struct strbuf *ret)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };

	int r = redis_words(text, &words);
	return r < 0 ? r : forms[row->form](row, &words, ret);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int check_present(const struct knob_ctx *c, const struct redis_row *row, const char *cpus, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf present = { 0 };
	struct cpuset set;

	if (c == NULL || row->form != REDIS_CPUS || cpuset_parse(cpus, &set, NULL) < 0 ||
	    cpuset_is_subset(&set, &c->host->present))
		return 0;
	cpuset_format(&c->host->present, &present);
	err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, row->option, "this host has the CPUs %s", strbuf_str(&present));
	err_values(err, strbuf_str(&present), cpus);
	return -ERANGE;
}

int redis_value_parse(const struct knob_ctx *c, const struct redis_row *row, const char *value, struct strbuf *ret,
                      struct hft_err *err)
{
	strbuf_reset(ret);
	int r = to_normal(row, value, ret);
	if (r == -ENOMEM || ret->oom)
		return err_oom(err);
	if (r == 0)
		return check_present(c, row, strbuf_str(ret), err);
	err_raise(err, r == -ERANGE ? ERR_OUT_OF_BOUNDS : ERR_INVALID_PROFILE, -r, row->option, "%s is %s, and cannot be '%s'",
	          row->option, row->bounds, value);
	err_values(err, row->bounds, value);
	return r;
}

/* Lines that add up, but for one that says: none. */
static int add_up(const struct redis_row *row, const char *written, struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf one = { 0 };
	int r = 0;

	for (const char *p = written; r == 0 && *p != '\0';) {
		const char *end = strstr(p, "; ");
		CLEANUP(mem_freep) char *line = str_dup_n(p, end != NULL ? (size_t)(end - p) : strlen(p));
		const char *value = line;
		if (line == NULL)
			return -ENOMEM;
		if (line[0] == '=') { /* behind the name, which is in it */
			value = line + 1 + strspn(line + 1, " \t");
			value += strcspn(value, " \t");
		}
		strbuf_reset(&one);
		r = to_normal(row, value, &one);
		if (r == 0 && (strcmp(strbuf_str(&one), "\"\"") == 0 || strcmp(strbuf_str(ret), "\"\"") == 0))
			strbuf_reset(ret);
		if (r == 0)
			strbuf_addf(ret, "%s%s", ret->len > 0 ? " " : "", strbuf_str(&one));
		p = end != NULL ? end + strlen("; ") : "";
	}
	return r;
}

void redis_value_normal(const struct redis_row *row, const char *written, struct strbuf *ret)
{
	strbuf_reset(ret);
	if (add_up(row, written, ret) == 0)
		return;
	strbuf_reset(ret);
	strbuf_add(ret, written);
}

void redis_value_answered(const struct redis_row *row, const char *answer, struct strbuf *ret)
{
	strbuf_reset(ret);
	if (answer[0] != '\0' && to_normal(row, answer, ret) == 0)
		return;
	strbuf_reset(ret);
	strbuf_add(ret, answer[0] == '\0' ? "\"\"" : answer);
}
