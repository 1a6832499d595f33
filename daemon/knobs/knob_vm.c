/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob vm: pages. Transparent huge pages, merging of equal pages, and the pools of huge pages. Must not take memory
 * that the host needs: a pool that would leave too little free is refused before anything is written.
 *
 * Keys: "thp.enabled", with a size in front where it is that size's own ("64kB thp.enabled"), and pools as "2048kB
 * hugepages" and "2048kB node0 hugepages".
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/meminfo.h"
#include "daemon/knobs/row_macros.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

extern const struct knob knob_vm;

#define KSM "/sys/kernel/mm/ksm/"
#define THP "/sys/kernel/mm/transparent_hugepage/"
#define KHUGEPAGED THP "khugepaged/"
#define KSM_RST "Documentation/admin-guide/mm/ksm.rst"
#define THP_RST "Documentation/admin-guide/mm/transhuge.rst"
#define POOL_RST "Documentation/admin-guide/mm/hugetlbpage.rst"
#define MIN_FREE "sysctl:vm.min_free_kbytes"
#define COLLAPSED "pages_collapsed and full_scans in khugepaged/"
#define MERGED "pages_shared in ksm/; run time of ksmd"

static const struct row global_rows[] = {
	{ OPT("khugepaged.alloc_sleep_millisecs", 1, NOW,
	      "pause of khugepaged after it found no huge page"),
	  .path = KHUGEPAGED "alloc_sleep_millisecs", INT(0, 3600000, "ms"), COUNTER(COLLAPSED), SOURCE(THP_RST) },
	{ OPT("khugepaged.defrag", 1, NOW, "let khugepaged compact memory"),
	  .path = KHUGEPAGED "defrag", BOOL, COUNTER(COLLAPSED), SOURCE(THP_RST) },
	{ OPT("khugepaged.max_ptes_none", 1, NOW, "empty pages that a new huge page may take in"),
	  .path = KHUGEPAGED "max_ptes_none", INT(0, 511, "pages"), COUNTER(COLLAPSED), SOURCE(THP_RST),
	  TRAPS("a large number takes memory that nobody asked for") },
	{ OPT("khugepaged.max_ptes_shared", 1, NOW,
	      "shared pages that a new huge page may take in"),
	  .path = KHUGEPAGED "max_ptes_shared", INT(0, 511, "pages"), COUNTER(COLLAPSED), SOURCE(THP_RST) },
	{ OPT("khugepaged.max_ptes_swap", 1, NOW,
	      "swapped pages that are read for a new huge page"),
	  .path = KHUGEPAGED "max_ptes_swap", INT(0, 511, "pages"), COUNTER(COLLAPSED), SOURCE(THP_RST) },
	{ OPT("khugepaged.pages_to_scan", 1, NOW,
	      "pages that khugepaged looks at before it sleeps"),
	  .path = KHUGEPAGED "pages_to_scan", INT(1, 1048576, "pages"), COUNTER(COLLAPSED), SOURCE(THP_RST) },
	{ OPT("khugepaged.scan_sleep_millisecs", 1, NOW, "how long khugepaged sleeps"),
	  .path = KHUGEPAGED "scan_sleep_millisecs", INT(0, 3600000, "ms"), COUNTER(COLLAPSED), SOURCE(THP_RST),
	  TRAPS("0 takes a whole CPU; collapsing pages interrupts every CPU that uses them") },
	{ OPT("ksm.merge_across_nodes", 1, NOW,
	      "merge equal pages of different nodes"), .path = KSM "merge_across_nodes",
	  BOOL, COUNTER(MERGED), SOURCE(KSM_RST), TRAPS("EBUSY while any pages are merged; NUMA kernels only") },
	{ OPT("ksm.pages_to_scan", 1, NOW, "pages that ksmd looks at before it sleeps"), .path = KSM "pages_to_scan",
	  INT(1, 1048576, "pages"), COUNTER(MERGED), SOURCE(KSM_RST),
	  TRAPS("EINVAL while ksm/advisor_mode chooses it") },
	{ OPT("ksm.run", 1, NOW,
	      "merge equal pages: 0 stop, 1 run, 2 stop and part what was merged"), .path = KSM "run",
	  INT(0, 2, "mode"), COUNTER(MERGED), SOURCE(KSM_RST),
	  TRAPS("2 can run out of memory, and then reads back as 0; ksmtuned writes it too") },
	{ OPT("ksm.sleep_millisecs", 1, NOW, "how long ksmd sleeps"), .path = KSM "sleep_millisecs",
	  INT(0, 3600000, "ms"), COUNTER(MERGED), SOURCE(KSM_RST) },
	{ OPT("ksm.smart_scan", 1, NOW, "skip pages that were never merged"), .path = KSM "smart_scan",
	  BOOL, COUNTER("pages_skipped in ksm/"), SOURCE(KSM_RST), TRAPS("since Linux 6.7") },
	{ OPT("ksm.use_zero_pages", 1, NOW, "merge empty pages with the zero page"), .path = KSM "use_zero_pages",
	  BOOL, COUNTER(MERGED), SOURCE(KSM_RST) },
	{ OPT("thp.defrag", 1, NOW, "who waits for memory to be compacted when a huge page is wanted"),
	  .path = THP "defrag", SELECT("always|defer|defer+madvise|madvise|never"),
	  COUNTER("compact_stall, allocstall_* and thp_fault_fallback in /proc/vmstat"), SOURCE(THP_RST) },
	{ OPT("thp.enabled", 2, NOW, "huge pages without asking, for those who ask, or never"),
	  .path = THP "enabled", SELECT("always|madvise|never"),
	  COUNTER("AnonHugePages in /proc/PID/smaps; thp_fault_alloc and thp_collapse_alloc in /proc/vmstat"),
	  SOURCE(THP_RST), CHANGES(MIN_FREE),
	  TRAPS("huge pages that are there stay; changes vm.min_free_kbytes; since Linux 6.8 each size has a switch "
	        "of its own "
	        "that need not follow this one") },
	{ OPT("thp.shmem_enabled", 1, NOW,
	      "huge pages for shared memory and tmpfs mounts of the kernel"),
	  .path = THP "shmem_enabled", SELECT("always|within_size|advise|never|deny|force"),
	  COUNTER("ShmemHugePages in /proc/meminfo"), SOURCE(THP_RST), CHANGES(MIN_FREE),
	  TRAPS("deny and force are for tests; newer kernels change vm.min_free_kbytes") },
	{ OPT("thp.shrink_underused", 1, NOW,
	      "part huge pages that are mostly empty when memory is short"),
	  .path = THP "shrink_underused", BOOL, COUNTER("thp_underused_split_page in /proc/vmstat"), SOURCE(THP_RST),
	  TRAPS("since Linux 6.12") },
	{ OPT("thp.use_zero_page", 1, NOW, "one huge page of zeroes for all who only read"),
	  .path = THP "use_zero_page", BOOL, COUNTER("thp_zero_page_alloc in /proc/vmstat"), SOURCE(THP_RST) },
};

static const struct row size_rows[] = {
	{ OPT("thp.enabled", 2, NOW, "the same for pages of one size: selector \"64kB\""),
	  .path = THP "hugepages-*/enabled", SELECT("always|inherit|madvise|never"),
	  COUNTER("hugepages-SIZE/stats/anon_fault_alloc"), SOURCE(THP_RST), CHANGES(MIN_FREE), TRAPS("since Linux "
	          "6.8") },
	{ OPT("thp.shmem_enabled", 1, NOW, "the same for pages of one size: selector \"64kB\""),
	  .path = THP "hugepages-*/shmem_enabled", SELECT("always|inherit|within_size|advise|never"),
	  COUNTER("hugepages-SIZE/stats/shmem_alloc"), SOURCE(THP_RST), CHANGES(MIN_FREE), TRAPS("since Linux 6.11") },
};

enum { POOL_PAGES, POOL_OVERCOMMIT };

static const struct row pool_rows[] = {
	[POOL_PAGES] = {
	  OPT("hugepages", 2, NOW,
	      "huge pages of the pool; selector \"2048kB\" or \"2048kB node0\", empty for the default size"),
	  INT(0, 1073741824, "pages"), COUNTER("HugePages_Free in /proc/meminfo, huge= in /proc/PID/numa_maps"),
	  SOURCE(POOL_RST), CHANGES("the pools of the same size: of the nodes, or of the host"),
	  TRAPS("refused when less than a tenth of the memory, or less than 1 GiB, would stay free; the kernel takes "
	        "what "
	        "it can get without an error; nothing uses the pool by itself, least of all transparent huge pages; a "
	        "pool "
	        "in use shrinks only as pages are given back; a smaller pool may not grow again, because memory "
	        "fragments; "
	        "1 GiB pages are best taken at boot") },
	[POOL_OVERCOMMIT] = {
	  OPT("nr_overcommit_hugepages", 2, NOW,
	      "huge pages beyond the pool, taken when they are asked for; selector \"2048kB\", empty for the default "
	      "size"),
	  INT(0, 1073741824, "pages"), COUNTER("HugePages_Surp in /proc/meminfo"), SOURCE(POOL_RST),
	  TRAPS("EINVAL for pages of 1 GiB") },
};

static const struct row_table globals = { "vm", global_rows, ARRAY_LEN(global_rows) };
static const struct row_table sizes = { "vm", size_rows, ARRAY_LEN(size_rows) };
static const struct row_table pools = { "vm", pool_rows, ARRAY_LEN(pool_rows) };

/* --- pools of huge pages ------------------------------------------------------------------------------------------ */

#define POOL_DIR "/sys/kernel/mm/hugepages"
#define NODE_DIR "/sys/devices/system/node"
#define NR "nr_hugepages"
#define PATH_LEN 160
#define NODE_MAX 1023       /* MAX_NUMNODES */
#define FREE_SHARE 10       /* a tenth stays free, */
#define FREE_FLOOR_KIB 1048576 /* and 1 GiB */

struct pool {
	const struct row *row;
	uint64_t size_kib;
	int node; /* -1: of the host */
};

static void pool_path(const struct pool *p, const char *file, char path[PATH_LEN])
{
	if (p->node < 0)
		snprintf(path, PATH_LEN, POOL_DIR "/hugepages-%llukB/%s", (unsigned long long)p->size_kib, file);
	else
		snprintf(path, PATH_LEN, NODE_DIR "/node%d/hugepages/hugepages-%llukB/%s", p->node,
		         (unsigned long long)p->size_kib, file);
}

static const char *pool_file(const struct pool *p)
{
	return p->row == &pool_rows[POOL_PAGES] ? NR : p->row->option;
}

static void pool_key(const struct pool *p, char key[PATH_LEN])
{
	if (p->node < 0)
		snprintf(key, PATH_LEN, "%llukB %s", (unsigned long long)p->size_kib, p->row->option);
	else
		snprintf(key, PATH_LEN, "%llukB node%d %s", (unsigned long long)p->size_kib, p->node, p->row->option);
}

/* "2048kB" */
static int parse_size(const char *text, uint64_t *ret_kib)
{
	size_t len = strlen(text);
	char number[24];

	if (len < 3 || len - 2 >= sizeof(number) || !str_ends(text, "kB"))
		return -EINVAL;
	memcpy(number, text, len - 2);
	number[len - 2] = '\0';
	return num_parse_u64(number, ret_kib) == 0 && *ret_kib > 0 ? 0 : -EINVAL;
}

/* "node0" */
static int parse_node(const char *text, int *ret)
{
	int64_t node;

	if (!str_starts(text, "node") || num_parse_range(text + strlen("node"), 0, NODE_MAX, &node) < 0)
		return -EINVAL;
	*ret = (int)node;
	return 0;
}

/* "2048kB node0 hugepages": 0, or -EINVAL when the key is no pool's. */
static int pool_of_key(const char *key, struct pool *ret)
{
	CLEANUP(strlist_done) struct strlist words = {0};

	if (strlist_split(&words, key, " ") < 0 || words.n < 2 || words.n > 3)
		return -EINVAL;
	*ret = (struct pool){ .row = row_find(&pools, words.s[words.n - 1]), .node = -1 };
	if (!ret->row || parse_size(words.s[0], &ret->size_kib) < 0)
		return -EINVAL;
	return words.n == 3 ? parse_node(words.s[1], &ret->node) : 0;
}

/* Free, or held by files that nobody has read lately: the kernel drops those for huge pages. */
static int unused_memory(const struct knob_ctx *c, int node, uint64_t *ret_kib, struct hft_err *err)
{
	uint64_t cached = 0;
	int r = host_free_memory(c->host, node, ret_kib, err);

	if (r == 0 && meminfo_read(c, node, "Inactive(file)", &cached, NULL) == 0)
		*ret_kib += cached;
	return r;
}

static int raise_too_much(const struct pool *p, uint64_t room_pages, uint64_t wanted, struct hft_err *err)
{
	char bounds[96], found[24];
	int r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, p->row->option,
	                  "%llu pages of %llu kB would leave less than a tenth of the memory, or less than 1 GiB, free",
	                  (unsigned long long)wanted, (unsigned long long)p->size_kib);

	snprintf(bounds, sizeof(bounds), "at most %llu", (unsigned long long)room_pages);
	snprintf(found, sizeof(found), "%llu", (unsigned long long)wanted);
	err_values(err, bounds, found);
	return r;
}

/* What pools may take of the node (-1: of the host). */
static int room_for_pools(const struct knob_ctx *c, int node, uint64_t *ret_kib, struct hft_err *err)
{
	uint64_t total, unused;
	int r = meminfo_total(c, node, &total, err);

	if (r == 0)
		r = unused_memory(c, node, &unused, err);
	if (r < 0)
		return r;
	uint64_t keep = total / FREE_SHARE > FREE_FLOOR_KIB ? total / FREE_SHARE : FREE_FLOOR_KIB;
	*ret_kib = unused > keep ? unused - keep : 0;
	return 0;
}

/* Would the growth from `now` to `wanted` leave enough free memory in the node (-1: on the host)? */
static int check_memory(const struct knob_ctx *c, const struct pool *p, int node, uint64_t now, uint64_t wanted,
                        struct hft_err *err)
{
	uint64_t room_kib;
	int r = room_for_pools(c, node, &room_kib, err);

	if (r < 0)
		return r;
	uint64_t room = room_kib / p->size_kib;
	return wanted - now > room ? raise_too_much(p, now + room, wanted, err) : 0;
}

static int read_pool(const struct knob_ctx *c, const struct pool *p, const char *file, struct strbuf *ret,
                     struct hft_err *err)
{
	char path[PATH_LEN];

	pool_path(p, file, path);
	return row_value_read(c, p->row, path, ret, err);
}

/* The kernel takes all memory it can get and calls it a success, so what may be asked for is decided here. */
static int check_pool(const struct knob_ctx *c, const struct pool *p, const char *value, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	uint64_t now, wanted;
	int r = read_pool(c, p, pool_file(p), &text, err);

	if (r < 0)
		return r;
	if (num_parse_u64(strbuf_str(&text), &now) < 0 || num_parse_u64(value, &wanted) < 0)
		return err_raise(err, ERR_IO, EIO, p->row->option, "the pool says '%s' pages", strbuf_str(&text));
	if (wanted <= now)
		return 0;
	r = check_memory(c, p, -1, now, wanted, err);
	return r == 0 && p->node >= 0 ? check_memory(c, p, p->node, now, wanted, err) : r;
}

/* --- several pools at a time ---------------------------------------------------------------------------------------- */

/* By how much a change makes a pool grow; 0 for anything else. */
static uint64_t growth_kib(const struct knob_change *change, struct pool *ret)
{
	uint64_t now, wanted;

	if (pool_of_key(change->key, ret) < 0 || ret->row != &pool_rows[POOL_PAGES] || !change->before ||
	    num_parse_u64(change->before, &now) < 0 || num_parse_u64(change->after, &wanted) < 0 || wanted <= now)
		return 0;
	return (wanted - now) * ret->size_kib;
}

/* All growth of one size of page (0: of any size) in a node; ANY_NODE is the sum of all nodes, -1 the host's own pools. */
#define ANY_NODE -2
static uint64_t growth_of(const struct knob_change *changes, size_t n, uint64_t size_kib, int node)
{
	uint64_t sum = 0;
	struct pool p;

	for (size_t i = 0; i < n; i++) {
		uint64_t kib = growth_kib(&changes[i], &p);
		bool here = node == ANY_NODE ? p.node >= 0 : p.node == node;

		if (kib > 0 && here && (size_kib == 0 || p.size_kib == size_kib))
			sum += kib;
	}
	return sum;
}

/* The pools of the nodes are parts of the host's: of each size the larger claim counts. */
static uint64_t growth_of_host(const struct knob_change *changes, size_t n)
{
	uint64_t sum = 0;
	struct pool p, before;

	for (size_t i = 0; i < n; i++) {
		bool counted = growth_kib(&changes[i], &p) == 0;

		for (size_t k = 0; k < i && !counted; k++)
			counted = growth_kib(&changes[k], &before) > 0 && before.size_kib == p.size_kib;
		if (counted)
			continue;
		uint64_t own = growth_of(changes, n, p.size_kib, -1), nodes = growth_of(changes, n, p.size_kib, ANY_NODE);
		sum += own > nodes ? own : nodes;
	}
	return sum;
}

static int check_sum(const struct knob_ctx *c, int node, uint64_t growth, const char *key, struct hft_err *err)
{
	uint64_t room;
	char bounds[64], found[32];
	int r = room_for_pools(c, node, &room, err);

	if (r < 0 || growth <= room)
		return r;
	r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, key,
	              "the pools together would leave less than a tenth of the memory, or less than 1 GiB, free");
	snprintf(bounds, sizeof(bounds), "at most %llu kB for all", (unsigned long long)room);
	snprintf(found, sizeof(found), "%llu kB", (unsigned long long)growth);
	err_values(err, bounds, found);
	return r;
}

static int vm_together(const struct knob_ctx *c, const struct knob_change *changes, size_t n, struct hft_err *err)
{
	struct pool p;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (growth_kib(&changes[i], &p) == 0)
			continue;
		r = check_sum(c, -1, growth_of_host(changes, n), changes[i].key, err);
		if (r == 0 && p.node >= 0)
			r = check_sum(c, p.node, growth_of(changes, n, 0, p.node), changes[i].key, err);
	}
	return r;
}

/* --- listing ------------------------------------------------------------------------------------------------------ */

static int add_pool(const struct knob_ctx *c, const struct pool *p, struct knob_objects *ret, struct hft_err *err)
{
	char key[PATH_LEN], path[PATH_LEN];

	pool_key(p, key);
	pool_path(p, pool_file(p), path);
	return row_add(c, key, path, ret, err);
}

/* The names in dir that begin with prefix and match, without the prefix. */
static int list_names(const struct knob_ctx *c, const char *dir, const char *prefix, const char *pattern,
                      struct strlist *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	int r = fsio_list(c->fs, dir, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const char *name = names.s[i];
		if (!str_starts(name, prefix) || !str_match(pattern, name + strlen(prefix)))
			continue;
		if (strlist_add(ret, name + strlen(prefix)) < 0)
			r = err_oom(err);
	}
	return r == -ENOENT ? 0 : r;
}

static int add_nodes(const struct knob_ctx *c, struct pool *p, const char *pattern, struct knob_objects *ret,
                     struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist nodes = {0};
	char node[32], path[PATH_LEN];
	int r = list_names(c, NODE_DIR, "", pattern, &nodes, err);

	for (size_t i = 0; r == 0 && i < nodes.n; i++) {
		snprintf(node, sizeof(node), "%.31s", nodes.s[i]);
		if (parse_node(node, &p->node) < 0)
			continue;
		pool_path(p, pool_file(p), path);
		if (fsio_exists(c->fs, path))
			r = add_pool(c, p, ret, err);
	}
	p->node = -1;
	return r;
}

static int raise_selector(const char *option, const char *selector, struct hft_err *err)
{
	return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option,
	                 "'%s' is no selector of %s: a size (2048kB), and a node (node0) after it", selector, option);
}

static int raise_no_pool(const struct pool *p, const char *selector, struct hft_err *err)
{
	return err_raise(err, ERR_NO_MATCH, ENOENT, selector, "there is no pool of huge pages '%s' for %s", selector,
	                 p->row->option);
}

/* Sizes that match, and of each the nodes that match. */
static int list_pools_of(const struct knob_ctx *c, struct pool *p, const char *size, const char *node,
                         struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist found = {0};
	int r = list_names(c, POOL_DIR, "hugepages-", size, &found, err);

	for (size_t i = 0; r == 0 && i < found.n; i++) {
		if (parse_size(found.s[i], &p->size_kib) == 0)
			r = node ? add_nodes(c, p, node, ret, err) : add_pool(c, p, ret, err);
	}
	return r;
}

static bool is_part(const char *text, bool node)
{
	uint64_t size;
	int number;

	return str_is_pattern(text) || (node ? parse_node(text, &number) : parse_size(text, &size)) == 0;
}

/* "", "2048kB", and "2048kB node0" where there are nodes. */
static bool is_selector(const struct strlist *words, bool nodes)
{
	return words->n <= (nodes ? 2 : 1) && (words->n < 1 || is_part(words->s[0], false)) &&
	       (words->n < 2 || is_part(words->s[1], true));
}

/* "" is the size that MAP_HUGETLB and vm.nr_hugepages mean. */
static int default_size(const struct knob_ctx *c, char size[32], struct hft_err *err)
{
	uint64_t kib;
	int r = meminfo_read(c, -1, "Hugepagesize", &kib, err);

	if (r == 0)
		snprintf(size, 32, "%llukB", (unsigned long long)kib);
	return r;
}

static int list_pools(const struct knob_ctx *c, const struct row *row, const char *selector, struct knob_objects *ret,
                      struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = {0};
	struct pool p = { .row = row, .node = -1 };
	size_t before = ret->n;
	char size[32];

	if (!fsio_exists(c->fs, POOL_DIR))
		return knob_objects_add(ret, row->option, NULL, "this kernel has no huge pages", err);
	if (strlist_split(&words, selector, " ") < 0)
		return err_oom(err);
	if (!is_selector(&words, row == &pool_rows[POOL_PAGES]))
		return raise_selector(row->option, selector, err);
	int r = words.n == 0 ? default_size(c, size, err) : 0;
	if (r == 0)
		r = list_pools_of(c, &p, words.n == 0 ? size : words.s[0], words.n > 1 ? words.s[1] : NULL, ret, err);
	if (r == 0 && ret->n == before && !str_is_pattern(selector))
		return raise_no_pool(&p, selector, err);
	return r;
}

static int vm_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                   struct hft_err *err)
{
	const struct row *pool = row_find(&pools, option);

	if (pool)
		return list_pools(c, pool, selector, ret, err);
	if (selector[0] != '\0' && row_find(&sizes, option))
		return row_list(&sizes, c, selector, option, ret, err);
	return row_list(&globals, c, selector, option, ret, err);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static const struct row_table *table_of_key(const char *key)
{
	return strchr(key, ' ') ? &sizes : &globals;
}

/* For no object: what any of the tables takes will do, because the selector tells them apart. */
static int parse_unseen(const struct knob_ctx *c, const char *option, const char *value, struct strbuf *ret,
                        struct hft_err *err)
{
	static const struct row_table *const tables[] = { &pools, &globals, &sizes };
	const struct row_table *known = NULL;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (!row_find(tables[i], option))
			continue;
		known = tables[i];
		if (row_parse(known, c, NULL, option, value, ret, NULL) == 0)
			return 0;
	}
	return row_parse(known ? known : &globals, c, NULL, option, value, ret, err);
}

static int vm_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                    struct strbuf *ret, struct hft_err *err)
{
	struct pool p;
	char path[PATH_LEN];

	if (!key)
		return parse_unseen(c, option, value, ret, err);
	if (pool_of_key(key, &p) < 0)
		return row_parse(table_of_key(key), c, key, option, value, ret, err);
	pool_path(&p, pool_file(&p), path);
	int r = row_value_parse(c, p.row, path, value, ret, err);
	return r == 0 && p.row == &pool_rows[POOL_PAGES] ? check_pool(c, &p, strbuf_str(ret), err) : r;
}

static int vm_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	struct pool p;

	if (pool_of_key(key, &p) < 0)
		return row_read(table_of_key(key), c, key, ret, err);
	return read_pool(c, &p, pool_file(&p), ret, err);
}

/* --- a copied tree: what else shows the pool ---------------------------------------------------------------------- */

/* Add a difference to a number in a file; a missing file stays missing, and nothing falls below zero. */
static int shift_number(const struct knob_ctx *c, const char *path, int64_t by, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	char number[24];
	int64_t now;

	if (fsio_probe(c->fs, path, &text) < 0)
		return 0;
	strbuf_trim(&text);
	if (num_parse_i64(strbuf_str(&text), &now) < 0)
		return 0;
	now = now + by < 0 ? 0 : now + by;
	snprintf(number, sizeof(number), "%lld", (long long)now);
	return fsio_write(c->fs, path, number, err);
}

static int shift_pool(const struct knob_ctx *c, const struct pool *p, int64_t by, bool nr, struct hft_err *err)
{
	static const char *const files[] = { "free_hugepages", "nr_hugepages_mempolicy", NR };
	char path[PATH_LEN];
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files) - !nr; i++) {
		pool_path(p, files[i], path);
		r = shift_number(c, path, by, err);
	}
	return r;
}

/* The pages of the host are those of its nodes: the first node stands for all that have no say. */
static int mirror_pool(const struct knob_ctx *c, const struct pool *p, int64_t by, struct hft_err *err)
{
	struct pool other = *p;
	char size[32], own[32];
	int r = shift_pool(c, p, by, false, err);

	other.node = p->node >= 0 ? -1 : c->host->n_nodes > 0 ? c->host->nodes[0].node : 0;
	if (r == 0)
		r = shift_pool(c, &other, by, true, err);
	snprintf(own, sizeof(own), "%llukB", (unsigned long long)p->size_kib);
	if (r < 0 || default_size(c, size, NULL) < 0 || !str_eq(size, own))
		return r;
	r = shift_number(c, "/proc/sys/vm/nr_hugepages", by, err);
	return r < 0 ? r : shift_number(c, "/proc/sys/vm/nr_hugepages_mempolicy", by, err);
}

static int write_pool_copied(const struct knob_ctx *c, const struct pool *p, const char *path, const char *value,
                             struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	int64_t before = 0, after = 0;
	int r = row_value_read(c, p->row, path, &text, err);

	if (r == 0)
		r = row_value_write(c, p->row, path, value, err);
	if (r < 0 || p->row != &pool_rows[POOL_PAGES])
		return r;
	num_parse_i64(strbuf_str(&text), &before);
	num_parse_i64(value, &after);
	return mirror_pool(c, p, after - before, err);
}

static int vm_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	struct pool p;
	char path[PATH_LEN];

	if (pool_of_key(key, &p) < 0)
		return row_write(table_of_key(key), c, key, value, err);
	pool_path(&p, pool_file(&p), path);
	return c->copied ? write_pool_copied(c, &p, path, value, err) : row_value_write(c, p.row, path, value, err);
}

/* --- coupling ----------------------------------------------------------------------------------------------------- */

/* A node's pool is part of the host's, and the other way round. */
static int couple_pool(const struct knob_ctx *c, struct pool *p,
                       int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                       struct hft_err *err)
{
	CLEANUP(knob_objects_done) struct knob_objects others = {0};
	int r;

	if (p->row != &pool_rows[POOL_PAGES])
		return 0;
	if (p->node < 0) {
		r = add_nodes(c, p, "node*", &others, err);
	} else {
		p->node = -1;
		r = add_pool(c, p, &others, err);
	}
	for (size_t i = 0; r == 0 && i < others.n; i++)
		r = add(data, "vm", others.o[i].key, err);
	return r;
}

static int vm_coupled(const struct knob_ctx *c, const char *key,
                      int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                      struct hft_err *err)
{
	struct pool p;

	if (pool_of_key(key, &p) == 0)
		return couple_pool(c, &p, add, data, err);
	return row_coupled(table_of_key(key), c, key, add, data, err);
}

/* Pages that were given back may not be found again in one piece. */
static const char *vm_inexact(const struct knob_ctx *c, const char *key, const char *before, const char *after)
{
	struct pool p;
	int64_t was, is;

	(void)c;
	if (pool_of_key(key, &p) < 0 || p.row != &pool_rows[POOL_PAGES] ||
	    num_parse_i64(before, &was) < 0 || num_parse_i64(after, &is) < 0 || is >= was)
		return NULL;
	return "a pool of huge pages that was made smaller may not grow again, because memory fragments";
}

static int vm_explain(size_t i, struct knob_doc *ret)
{
	if (i < globals.n)
		return row_explain(&globals, i, ret);
	i -= globals.n;
	return i < sizes.n ? row_explain(&sizes, i, ret) : row_explain(&pools, i - sizes.n, ret);
}

const struct knob knob_vm = {
	.name = "vm",
	.summary = "transparent huge pages, merging of equal pages, and pools of huge pages",
	.selector = "size of page and node (2048kB node0) for pools, size for thp; else empty",
	.list = vm_list,
	.parse = vm_parse,
	.read = vm_read,
	.write = vm_write,
	.coupled = vm_coupled,
	.inexact = vm_inexact,
	.together = vm_together,
	.explain = vm_explain,
};
