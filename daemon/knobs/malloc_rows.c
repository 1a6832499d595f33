/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of knob malloc: options that jemalloc 5.3 takes, with the values that it takes. */
#include "daemon/knobs/malloc_rows.h"

#include <string.h>

#include "daemon/knobs/row_macros.h"
#include "lib/base/mem.h"

#define MAN SOURCE("jemalloc(3), TUNING")
#define TRUE_FALSE WORDS("true|false")
#define STATS(name) COUNTER("opt." name " of MEMORY MALLOC-STATS")

const struct row malloc_rows[] = {
	{ OPT("abort_conf", 0, RESTART, "end the program when an option is wrong, instead of passing over it"), TRUE_FALSE,
	  STATS("abort_conf"), MAN, TRAPS("the service does not start then, and what was written is undone") },
	{ OPT("background_thread", 1, RESTART, "give memory back from threads of jemalloc's own"), TRUE_FALSE,
	  COUNTER("threads called jemalloc_bg_thd"), MAN,
	  TRAPS("Redis sets it by itself when it starts: jemalloc-bg-thread of knob redis decides there") },
	{ OPT("confirm_conf", 0, RESTART, "print all options when the program starts"), TRUE_FALSE,
	  COUNTER("the journal of the unit"), MAN },
	{ OPT("dirty_decay_ms", 1, RESTART, "after how long unused pages go back; 0 is at once, -1 is never"),
	  INT(-1, 86400000, "ms"), STATS("dirty_decay_ms"), MAN,
	  TRAPS("shorter means less memory, more page faults and TLB shootdowns: for the tail of latencies longer is better") },
	{ OPT("dss", 1, RESTART, "use of sbrk(2) beside mmap(2)"), WORDS("disabled|primary|secondary"), STATS("dss"), MAN },
	{ OPT("hpa", 2, RESTART, "allocate in whole huge pages"), TRUE_FALSE, STATS("hpa"), MAN,
	  TRAPS("experimental in 5.3") },
	{ OPT("lg_extent_max_active_fit", 1, RESTART, "how much larger a reused extent may be, as a power of two"),
	  INT(0, 64, "log2"), STATS("lg_extent_max_active_fit"), MAN },
	{ OPT("lg_prof_sample", 1, RESTART, "bytes between two samples of the profiler, as a power of two"),
	  INT(0, 63, "log2"), STATS("lg_prof_sample"), MAN, TRAPS("with prof alone") },
	{ OPT("lg_tcache_max", 0, RESTART, "largest size that threads keep for themselves, as a power of two"),
	  INT(3, 23, "log2"), STATS("tcache_max"), MAN, TRAPS("the older spelling of tcache_max") },
	{ OPT("max_background_threads", 2, RESTART, "most threads of jemalloc's own"), INT(1, 4094, "threads"),
	  STATS("max_background_threads"), MAN,
	  TRAPS("with percpu_arena each of them pins itself to a CPU, isolated ones too") },
	{ OPT("metadata_thp", 1, RESTART, "transparent huge pages for jemalloc's own data"),
	  WORDS("disabled|auto|always"), STATS("metadata_thp"), MAN,
	  TRAPS("nothing while THP is `never`; `auto` begins when the data has grown") },
	{ OPT("mutex_max_spin", 1, RESTART, "turns before a lock is slept on; -1 is for ever"), INT(-1, 1000000, "turns"),
	  STATS("mutex_max_spin"), MAN },
	{ OPT("muzzy_decay_ms", 1, RESTART, "after how long pages that the kernel may take are given up; 0 is at once"),
	  INT(-1, 86400000, "ms"), STATS("muzzy_decay_ms"), MAN },
	{ OPT("narenas", 1, RESTART, "arenas that threads share"), INT(1, 4094, "arenas"), STATS("narenas"), MAN,
	  TRAPS("left out, it is four for each CPU that the program may use when it starts, and one where that is one CPU; one "
	        "thread uses one arena: more serve background threads alone") },
	{ OPT("oversize_threshold", 1, RESTART, "size from which allocations have an arena to themselves; 0 is never"),
	  INT(0, 8070450532247928832, "bytes"), STATS("oversize_threshold"), MAN,
	  TRAPS("0 keeps large buffers that come and go from being given back each time") },
	{ OPT("percpu_arena", 2, RESTART, "an arena for each CPU"), WORDS("disabled|percpu|phycpu"), STATS("percpu_arena"),
	  MAN,
	  TRAPS("jemalloc turns it off where the program may not use all CPUs; its background threads set their affinity, for "
	        "which a unit without sched_setaffinity in SystemCallFilter= is killed") },
	{ OPT("prof", 2, RESTART, "profile allocations"), TRUE_FALSE, STATS("prof"), MAN,
	  TRAPS("slow, and writes files where the program runs: not in production") },
	{ OPT("prof_active", 1, RESTART, "begin to profile at the start"), TRUE_FALSE, STATS("prof_active"), MAN,
	  TRAPS("with prof alone") },
	{ OPT("prof_final", 1, RESTART, "write a profile at the end"), TRUE_FALSE, STATS("prof_final"), MAN,
	  TRAPS("with prof alone") },
	{ OPT("retain", 1, RESTART, "keep address space for reuse"), TRUE_FALSE, STATS("retain"), MAN,
	  TRAPS("without it memory is unmapped, which is slow on Linux") },
	{ OPT("stats_interval", 1, RESTART, "print statistics each time so many bytes were allocated; -1 is never"),
	  INT(-1, 1099511627776, "bytes"), STATS("stats_interval"), MAN, TRAPS("slow") },
	{ OPT("stats_print", 0, RESTART, "print statistics at the end"), TRUE_FALSE, COUNTER("the journal of the unit"),
	  MAN },
	{ OPT("tcache", 1, RESTART, "let threads keep some memory for themselves"), TRUE_FALSE, STATS("tcache"), MAN,
	  TRAPS("without it every allocation takes a lock") },
	{ OPT("tcache_max", 0, RESTART, "largest size that threads keep for themselves"), INT(8, 8388608, "bytes"),
	  STATS("tcache_max"), MAN, TRAPS("since 5.3; larger means fewer locks of arenas and more memory kept") },
	{ OPT("tcache_nslots_large", 0, RESTART, "large blocks of one size that a thread keeps at most"),
	  INT(1, 2048, "blocks"), STATS("tcache_nslots_large"), MAN, TRAPS("since 5.3") },
	{ OPT("tcache_nslots_small_max", 0, RESTART, "small blocks of one size that a thread keeps at most"),
	  INT(1, 2048, "blocks"), STATS("tcache_nslots_small_max"), MAN, TRAPS("since 5.3") },
	{ OPT("tcache_nslots_small_min", 0, RESTART, "small blocks of one size that a thread has room for at least"),
	  INT(1, 2048, "blocks"), STATS("tcache_nslots_small_min"), MAN, TRAPS("since 5.3") },
	{ OPT("thp", 2, RESTART, "ask for transparent huge pages"), WORDS("default|always|never"), STATS("thp"), MAN,
	  TRAPS("nothing while THP is `never`; the pool of nr_hugepages is another thing; Redis' disable-thp overrides it") },
	{ OPT("trust_madvise", 1, RESTART, "believe that pages given back are zero when they return"), TRUE_FALSE,
	  STATS("trust_madvise"), MAN },
	{ OPT("zero_realloc", 0, RESTART, "what realloc(p, 0) does"), WORDS("alloc|free|abort"), STATS("zero_realloc"), MAN,
	  TRAPS("since 5.3") },
};
const size_t n_malloc_rows = ARRAY_LEN(malloc_rows);

const struct row *malloc_row(const char *option)
{
	static const struct row_table table = { "malloc", malloc_rows, ARRAY_LEN(malloc_rows) };

	return row_find(&table, option);
}

bool malloc_is_variable(const char *name)
{
	static const char *const names[] = { "MALLOC_CONF", "JE_MALLOC_CONF", "_RJEM_MALLOC_CONF" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}
