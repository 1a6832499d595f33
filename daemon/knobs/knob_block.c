/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob block: the queues of disks (/sys/block/NAME/queue). Objects are "ADDRESS OPTION" (block_device.h). Must not
 * touch partitions, which have no queue, and must not load a scheduler's module.
 *
 * A scheduler comes with settings of its own in queue/iosched, and takes them along when it goes. So that it comes back
 * as it was there is one more object, "ADDRESS iosched", that no profile can name: "none", or the name of the scheduler
 * and all of those, "mq-deadline fifo_batch=16 front_merges=1".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/block_device.h"
#include "daemon/knobs/cpukey.h"
#include "daemon/knobs/row_macros.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

extern const struct knob knob_block;

#define QUEUE "/sys/block/*/queue/"
#define IN_QUEUE(file) .path = QUEUE file
#define ABI SOURCE("Documentation/ABI/stable/sysfs-block")
#define IOSCHED "iosched"
#define SCHEDULER "scheduler"
#define MAX_SECTORS "max_sectors_kb"
#define READ_AHEAD "read_ahead_kb"

/* New limits give a queue the default read-ahead since Linux 6.9, later ones raise it to that (blk-settings.c). */
#define LIMITS CHANGES("block:@ read_ahead_kb")

static const struct row rows[] = {
	{ OPT("add_random", 0, NOW, "feed the kernel's random numbers from the times of requests"),
	  IN_QUEUE("add_random"), BOOL, LIMITS, COUNTER("time of a request in blktrace"), ABI },
	{ OPT("io_poll", 1, NOW, "poll for the end of requests that ask for it"), IN_QUEUE("io_poll"), BOOL,
	  COUNTER("interrupts of the disk"), ABI,
	  TRAPS("EINVAL where the driver has no queues for polling; ignored since Linux 5.16 (nvme.poll_queues=, "
	        "virtio_blk.poll_queues=) and by kernels that took that change over") },
	{ OPT("io_poll_delay", 1, NOW, "sleep before polling; 0 is half of the mean time, -1 does not sleep"),
	  IN_QUEUE("io_poll_delay"), INT(-1, 1000000, "us"), COUNTER("CPU time of who polls"), ABI,
	  TRAPS("ignored since Linux 6.4, which always polls at once") },
	{ OPT("iostats", 1, NOW, "count requests for /proc/diskstats"), IN_QUEUE("iostats"), BOOL, LIMITS,
	  COUNTER("/proc/diskstats stands still"), ABI, TRAPS("iostat, sar and exporters show nothing") },
	{ OPT(MAX_SECTORS, 1, NOW, "largest request"), IN_QUEUE(MAX_SECTORS),
	  INT_RULE(4, 1048576, "KiB", ROW_MULTIPLE, ", a multiple of 4, at most max_hw_sectors_kb"), .step = 4, LIMITS,
	  COUNTER("mean size of requests in /proc/diskstats"), ABI,
	  TRAPS("small ones let others in between; the number stays when the driver's own limit rises later") },
	{ OPT("nomerges", 1, NOW,
	      "look for requests to merge with: 0 far and wide, 1 at the last one, 2 not at all"),
	  IN_QUEUE("nomerges"), INT(0, 2, "level"), COUNTER("merges in /proc/diskstats stand still"), ABI,
	  TRAPS("saves CPU time on fast disks with random requests, and costs throughput with sequential ones; the "
	        "kernel takes any other number for 1") },
	{ OPT("nr_requests", 1, NOW,
	      "requests that the scheduler or the device may have at a time, for each of its queues"),
	  IN_QUEUE("nr_requests"), INT(4, 2048, "requests"), COUNTER("inflight"), ABI,
	  TRAPS("EINVAL above the depth of the device where the scheduler is none; a change of scheduler sets it "
	        "anew") },
	{ OPT(READ_AHEAD, 1, NOW, "read ahead of sequential reads"), IN_QUEUE(READ_AHEAD),
	  INT_RULE(0, 1048576, "KiB", ROW_MULTIPLE, ", a multiple of 4"), .step = 4,
	  COUNTER("sectors read in /proc/diskstats"), ABI,
	  TRAPS("also that of the partitions, and of /sys/class/bdi; files that are open keep theirs") },
	{ OPT("rq_affinity", 1, NOW,
	      "where a request ends: 0 where the interrupt came, 1 near the CPU that began it, 2 on that CPU"),
	  IN_QUEUE("rq_affinity"), INT(0, 2, "level"), COUNTER("BLOCK in /proc/softirqs by CPU"), ABI,
	  TRAPS("2 interrupts the CPU that waits, also an isolated one; any other number is ignored without an "
	        "error") },
	{ OPT(SCHEDULER, 2, NOW, "in which order requests go to the device"), IN_QUEUE(SCHEDULER),
	  SELECT("none|mq-deadline|kyber|bfq"),
	  CHANGES("block:@ nr_requests, block:@ wbt_lat_usec, block:@ iosched"),
	  COUNTER("time of requests in /proc/diskstats"), SOURCE("Documentation/block/switching-sched.rst"),
	  TRAPS("waits until the queue is empty; only what is loaded is offered; bfq switches wbt off") },
	{ OPT("wbt_lat_usec", 1, NOW, "time of a read from which on writes are held back; 0 never holds them back"),
	  IN_QUEUE("wbt_lat_usec"), INT(0, 10000000, "us"), COUNTER("/sys/kernel/debug/block/*/rqos/wbt"), ABI,
	  TRAPS("waits until the queue is empty; what was set by hand stays when the scheduler changes to bfq") },
	{ OPT("write_cache", 3, NOW, "what the kernel takes the device's cache for"), IN_QUEUE("write_cache"),
	  WORDS("write back|write through"), LIMITS, COUNTER("flushes in /proc/diskstats"), ABI,
	  TRAPS("changes nothing in the device: with `write through` no flush is sent, and a power cut loses what a "
	        "cache without battery holds; EINVAL for `write back` where the device has none (since Linux 6.6)") },
};

static const struct row_table table = { "block", rows, ARRAY_LEN(rows) };

/* Numbers that a kernel takes and forgets. */
static const struct {
	const char *option;
	int major, minor;
	const char *why;
} ignored[] = {
	{ "io_poll", 5, 16, "since Linux 5.16 only the driver decides on polling (poll_queues=)" },
	{ "io_poll_delay", 6, 4, "since Linux 6.4 the kernel does not sleep before it polls" },
};

/* --- objects ------------------------------------------------------------------------------------------------------ */

/* The row and the disk, by its name of now, that a key names. For "iosched" the row of its scheduler. */
static int resolve(const struct knob_ctx *c, const char *key, struct row_ref *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf name = {0};
	CLEANUP(strbuf_done) struct strbuf of_row = {0};
	size_t len = str_ends(key, " " IOSCHED) ? strlen(key) - strlen(IOSCHED) : strlen(key);

	strbuf_addn(&of_row, key, len);
	strbuf_add(&of_row, key[len] != '\0' ? SCHEDULER : "");
	if (of_row.oom)
		return err_oom(err);
	int r = row_of_key(&table, strbuf_str(&of_row), ret, err);
	if (r == 0)
		r = block_name(c, ret->instance, &name, err);
	if (r == 0)
		snprintf(ret->instance, sizeof(ret->instance), "%s", strbuf_str(&name));
	return r;
}

/* Why the disk has no such thing though it has the file; NULL: it has. */
static const char *why_lacking(const struct knob_ctx *c, const struct row *row, const char *path)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		if (str_eq(ignored[i].option, row->option) &&
		    host_kernel_at_least(c->host, ignored[i].major, ignored[i].minor))
			return ignored[i].why;
	int r = fsio_probe(c->fs, path, &text);
	if (r == -EINVAL)
		return "the disk has no such thing"; /* wbt_lat_usec until Linux 6.2, without wbt */
	if (r == 0 && row->form == ROW_SELECT && !strchr(strbuf_str(&text), '['))
		return "the disk has no scheduler: it hands on requests as they come";
	return NULL;
}

static int need(const struct knob_ctx *c, const struct row *row, const char *path, const char *key, struct hft_err *err)
{
	const char *why = why_lacking(c, row, path);

	return why ? err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "%s", why) : 0;
}

/* From the name of now, which becomes the label, to the address. */
static int name_by_address(const struct knob_ctx *c, struct knob_object *o, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf address = {0}, path = {0};
	const char *blank = strrchr(o->key, ' ');
	struct row_ref ref = { .row = row_find(&table, blank + 1) };

	snprintf(ref.instance, sizeof(ref.instance), "%.*s", (int)(blank - o->key), o->key);
	row_path(&ref, &path);
	const char *why = o->na || path.oom ? NULL : why_lacking(c, ref.row, strbuf_str(&path));
	int r = path.oom ? err_oom(err) : block_address(c, ref.instance, &address, NULL);
	if (r == -ENOENT)
		return 0; /* a name that nobody has; it lacks the file, too */
	bool named = str_eq(strbuf_str(&address), ref.instance);
	strbuf_addf(&address, " %s", ref.row->option);
	if (r < 0 || address.oom || (why && !(o->na = strdup(why))) || (!named && !(o->label = strdup(ref.instance))))
		return err_oom(err);
	free(o->key);
	o->key = strbuf_take(&address);
	return o->key ? 0 : err_oom(err);
}

static int block_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                      struct hft_err *err)
{
	size_t before = ret->n;
	int r = row_list_matching(&table, c, selector, option, block_selected, ret, err);

	for (size_t i = before; r == 0 && i < ret->n; i++)
		r = name_by_address(c, &ret->o[i], err);
	return r;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int check_max_sectors(const struct knob_ctx *c, const struct row_ref *ref, const char *value,
                             struct hft_err *err)
{
	CLEANUP(mem_freep) char *path = str_printf("/sys/block/%s/queue/max_hw_sectors_kb", ref->instance);
	CLEANUP(strbuf_done) struct strbuf most = {0};
	int64_t wanted, max;

	if (!path)
		return err_oom(err);
	if (cpukey_read(c, path, &most, NULL) < 0 || num_parse_i64(strbuf_str(&most), &max) < 0 ||
	    num_parse_i64(value, &wanted) < 0 || wanted <= max)
		return 0;
	int r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, MAX_SECTORS, "%s of %s is at most %s", MAX_SECTORS,
	                  ref->instance, strbuf_str(&most));
	err_values(err, strbuf_str(&most), value);
	return r;
}

static int block_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                       struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	struct row_ref ref;

	if (!key)
		return row_parse(&table, c, NULL, option, value, ret, err);
	int r = resolve(c, key, &ref, err);
	if (r < 0)
		return r;
	row_path(&ref, &path);
	if (path.oom)
		return err_oom(err);
	r = row_value_parse(c, ref.row, strbuf_str(&path), value, ret, err);
	return r == 0 && str_eq(ref.row->option, MAX_SECTORS) ? check_max_sectors(c, &ref, value, err) : r;
}

/* --- what a scheduler takes along --------------------------------------------------------------------------------- */

static char *iosched_path(const struct row_ref *ref, const char *name, size_t len)
{
	return str_printf("/sys/block/%s/queue/iosched%s%.*s", ref->instance, len > 0 ? "/" : "", (int)len, name);
}

/* Append " NAME=NUMBER" for a file that can be read and written. */
static int add_setting(const struct knob_ctx *c, const struct row_ref *ref, const char *name, struct strbuf *ret)
{
	CLEANUP(mem_freep) char *path = iosched_path(ref, name, strlen(name));
	CLEANUP(strbuf_done) struct strbuf number = {0};
	mode_t mode;

	if (!path)
		return -ENOMEM;
	if (fsio_mode(c->fs, path, &mode) < 0 || (mode & 0222) == 0 || fsio_probe(c->fs, path, &number) < 0)
		return 0;
	strbuf_trim(&number);
	if (strpbrk(strbuf_str(&number), " =\n") == NULL)
		strbuf_addf(ret, " %s=%s", name, strbuf_str(&number));
	return 0;
}

/* ret holds the name of the scheduler. */
static int read_iosched(const struct knob_ctx *c, const struct row_ref *ref, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *dir = iosched_path(ref, "", 0);
	CLEANUP(strlist_done) struct strlist names = {0};

	if (!dir)
		return err_oom(err);
	int r = str_eq(strbuf_str(ret), "none") ? -ENOENT : fsio_list(c->fs, dir, &names, NULL);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = add_setting(c, ref, names.s[i], ret);
	return r == -ENOMEM || ret->oom ? err_oom(err) : 0;
}

/* "fifo_batch=16", unless it is so. */
static int write_setting(const struct knob_ctx *c, const struct row_ref *ref, const char *setting, struct hft_err *err)
{
	size_t len = strcspn(setting, "=");
	CLEANUP(strbuf_done) struct strbuf now = {0};
	CLEANUP(mem_freep) char *path = iosched_path(ref, setting, len);

	if (!path)
		return err_oom(err);
	if (setting[len] == '\0')
		return err_raise(err, ERR_WRITE_FAILED, EINVAL, IOSCHED, "'%s' is no setting of a scheduler", setting);
	if (cpukey_read(c, path, &now, NULL) == 0 && str_eq(strbuf_str(&now), setting + len + 1))
		return 0;
	return cpukey_write(c, path, setting + len + 1, err);
}

/* Settings of another scheduler than that of now have to wait for theirs: EINVAL, and the engine tries again. */
static int write_iosched(const struct knob_ctx *c, const struct row_ref *ref, const char *path, const char *value,
                         struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf now = {0};
	CLEANUP(strlist_done) struct strlist words = {0};
	int r = row_value_read(c, ref->row, path, &now, err);

	if (r == 0 && strlist_split(&words, value, " ") < 0)
		r = err_oom(err);
	if (r < 0)
		return r;
	if (words.n == 0 || !str_eq(words.s[0], strbuf_str(&now)))
		return err_raise(err, ERR_WRITE_FAILED, EINVAL, IOSCHED, "the scheduler of %s is %s", ref->instance,
		                 strbuf_str(&now));
	for (size_t i = 1; r == 0 && i < words.n; i++)
		r = write_setting(c, ref, words.s[i], err);
	return r;
}

/* --- the knob ----------------------------------------------------------------------------------------------------- */

static int block_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	struct row_ref ref;
	int r = resolve(c, key, &ref, err);

	if (r < 0)
		return r;
	row_path(&ref, &path);
	r = path.oom ? err_oom(err) : need(c, ref.row, strbuf_str(&path), key, err);
	if (r == 0)
		r = row_value_read(c, ref.row, strbuf_str(&path), ret, err);
	return r == 0 && str_ends(key, " " IOSCHED) ? read_iosched(c, &ref, ret, err) : r;
}

static int block_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	struct row_ref ref;
	int r = resolve(c, key, &ref, err);

	if (r < 0)
		return r;
	row_path(&ref, &path);
	if (path.oom)
		return err_oom(err);
	if (str_ends(key, " " IOSCHED))
		return write_iosched(c, &ref, strbuf_str(&path), value, err);
	return row_value_write(c, ref.row, strbuf_str(&path), value, err);
}

static int block_coupled(const struct knob_ctx *c, const char *key,
                         int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                         struct hft_err *err)
{
	return str_ends(key, " " IOSCHED) ? 0 : row_coupled(&table, c, key, add, data, err);
}

/* The scheduler first, since it sets others; last the read-ahead, which limits set, and what belongs to a scheduler. */
static int block_order(const char *key)
{
	if (str_ends(key, " " SCHEDULER))
		return 0;
	return str_ends(key, " " READ_AHEAD) || str_ends(key, " " IOSCHED) ? 2 : 1;
}

static int block_explain(size_t i, struct knob_doc *ret)
{
	return row_explain(&table, i, ret);
}

const struct knob knob_block = {
	.name = "block",
	.summary = "queues of disks",
	.selector = "disk by name (nvme0n1) or address (pci-0000:00:02.0), a pattern of either, or driver:NAME (nvme, "
	            "virtio_blk); loop, ram and zram by name only",
	.list = block_list,
	.parse = block_parse,
	.read = block_read,
	.write = block_write,
	.coupled = block_coupled,
	.order = block_order,
	.explain = block_explain,
};
