/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob resctrl: shares of the last cache and of memory bandwidth, for groups of CPUs. Must not mount the file system, nor move
 * tasks: whose CPUs are a group's, their tasks use its share.
 *
 * Objects: "hft group", which is there or not, and "hft L3", "hft cpus" and the like; the root group, which is always
 * there, has the name "/". A group that is not there reads as the kernel would make it, so that taking back one option of
 * a group that stays gives it what a new one has.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/cpukey.h"
#include "daemon/knobs/knob.h"
#include "daemon/knobs/resctrl_schemata.h"
#include "daemon/knobs/row.h"
#include "lib/base/cpuset.h"
#include "lib/base/durable.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

extern const struct knob knob_resctrl;

#define STATUS RESCTRL_DIR "/info/last_cmd_status"
#define GROUP "group"
#define CPUS "cpus"
#define MODE "mode"
#define SHAREABLE "shareable"
#define NAME_MAX_LEN 32

/* Resources stand for a line of the file `schemata`; the others for a file each. */
static const struct {
	const char *option;
	const char *file; /* NULL: a resource */
} options[] = {
	{ "L2", NULL }, { "L3", NULL }, { "L3CODE", NULL }, { "L3DATA", NULL }, { RESCTRL_MB, NULL },
	{ CPUS, "cpus_list" }, { MODE, "mode" },
};

static int find_option(const char *option, const char **ret_file)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_eq(options[i].option, option)) {
			*ret_file = options[i].file;
			return 0;
		}
	return -EINVAL;
}

struct object { /* "hft L3" */
	char group[NAME_MAX_LEN];
	const char *option; /* borrowed from the key */
};

static int parse_key(const char *key, struct object *ret, struct hft_err *err)
{
	const char *blank = strchr(key, ' '), *file;

	if (!blank || (size_t)(blank - key) >= sizeof(ret->group) ||
	    (!str_eq(blank + 1, GROUP) && find_option(blank + 1, &file) < 0))
		return cpukey_unknown("resctrl", key, err);
	snprintf(ret->group, sizeof(ret->group), "%.*s", (int)(blank - key), key);
	ret->option = blank + 1;
	return 0;
}

static bool has_group(const struct knob_ctx *c, const char *group)
{
	CLEANUP(mem_freep) char *path = resctrl_path(group, "schemata");

	return path && fsio_exists(c->fs, path);
}

/* --- listing -------------------------------------------------------------------------------------------------------- */

static bool is_group_name(const char *name)
{
	static const char *const taken[] = { "info", "mon_groups", "mon_data", "schemata", "cpus", "cpus_list", "tasks",
	                                     "mode", "size" };
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (str_eq(taken[i], name))
			return false;
	return len > 0 && len < NAME_MAX_LEN && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == len;
}

static char *why_lacking(const struct knob_ctx *c, const char *option)
{
	CLEANUP(mem_freep) char *info = resctrl_info(option, "num_closids");
	const char *file = NULL;

	if (!fsio_exists(c->fs, RESCTRL_DIR "/info"))
		return strdup("resctrl is not mounted (mount -t resctrl resctrl " RESCTRL_DIR "), or this machine has none");
	find_option(option, &file);
	if (!file && info && !fsio_exists(c->fs, info))
		return str_printf("this machine cannot share out %s, or resctrl is mounted otherwise (cdp)", option);
	return strdup("");
}

static int resctrl_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                        struct hft_err *err)
{
	const char *group = selector[0] != '\0' ? selector : RESCTRL_ROOT, *file;

	if (find_option(option, &file) < 0)
		return row_unknown_option("resctrl", option, err);
	if (!str_eq(group, RESCTRL_ROOT) && !is_group_name(group))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, selector, "'%s' is no name for a group", selector);
	CLEANUP(mem_freep) char *why = why_lacking(c, option);
	CLEANUP(mem_freep) char *own = str_printf("%s " GROUP, group), *key = str_printf("%s %s", group, option);
	if (!why || !own || !key)
		return err_oom(err);
	const char *na = why[0] != '\0' ? why : NULL;
	int r = str_eq(group, RESCTRL_ROOT) || na ? 0 : knob_objects_add(ret, own, NULL, NULL, err);
	return r < 0 ? r : knob_objects_add(ret, key, NULL, na, err);
}

/* What the kernel gives a new group. */
static int read_default(const struct knob_ctx *c, const char *option, struct strbuf *ret)
{
	unsigned long long mask = 100;
	const char *file;
	char text[32];

	if (find_option(option, &file) == 0 && file) {
		strbuf_add(ret, str_eq(option, MODE) ? SHAREABLE : "");
		return ret->oom ? -ENOMEM : 0;
	}
	int r = str_eq(option, RESCTRL_MB) ? 0 : resctrl_number(c, option, "cbm_mask", 16, &mask);
	snprintf(text, sizeof(text), str_eq(option, RESCTRL_MB) ? "%llu" : "%llx", mask);
	return r < 0 ? r : schemata_spread(c, option, text, ret);
}

/* --- values --------------------------------------------------------------------------------------------------------- */

static int parse_cpus(const struct knob_ctx *c, const char *key, const char *value, struct strbuf *ret,
                      struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf bounds = {0};
	struct cpuset set;
	int r = cpuset_parse(value, &set, NULL);

	if (r == -EINVAL || (r == 0 && cpuset_is_empty(&set)))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, CPUS, "'%s' is not a list of CPUs", value);
	cpuset_format(&c->host->present, &bounds);
	if (r < 0 || (key && !cpuset_is_subset(&set, &c->host->present)))
		return resctrl_out_of_bounds(err, CPUS, value, strbuf_str(&bounds));
	cpuset_format(&set, ret);
	return ret->oom ? err_oom(err) : 0;
}

static int resctrl_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                         struct strbuf *ret, struct hft_err *err)
{
	const char *file;

	strbuf_reset(ret);
	if (find_option(option, &file) < 0)
		return row_unknown_option("resctrl", option, err);
	if (key && str_ends(key, " " GROUP)) {
		strbuf_add(ret, "present");
		return ret->oom ? err_oom(err) : 0;
	}
	if (!file)
		return schemata_parse(c, key, option, value, ret, err);
	if (str_eq(option, CPUS))
		return parse_cpus(c, key, value, ret, err);
	if (!str_eq(value, SHAREABLE) && !str_eq(value, "exclusive"))
		return resctrl_out_of_bounds(err, MODE, value, SHAREABLE "|exclusive");
	strbuf_add(ret, value);
	return ret->oom ? err_oom(err) : 0;
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

static int read_there(const struct knob_ctx *c, const struct object *o, struct strbuf *ret)
{
	const char *file = NULL;

	find_option(o->option, &file);
	if (!file)
		return schemata_read(c, o->group, o->option, ret);
	CLEANUP(mem_freep) char *path = resctrl_path(o->group, file);
	struct cpuset set;
	int r = path ? fsio_probe(c->fs, path, ret) : -ENOMEM;
	strbuf_trim(ret);
	if (r == 0 && str_eq(o->option, CPUS)) {
		r = cpuset_parse_kernel(strbuf_str(ret), &set, NULL);
		strbuf_reset(ret);
		cpuset_format(&set, ret);
	}
	return r;
}

static int resctrl_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	struct object o;
	int r = parse_key(key, &o, err);

	strbuf_reset(ret);
	if (r < 0)
		return r;
	bool there = has_group(c, o.group);
	if (str_eq(o.option, GROUP)) {
		strbuf_add(ret, there ? "present" : "absent");
		return ret->oom ? err_oom(err) : 0;
	}
	r = there ? read_there(c, &o, ret) : read_default(c, o.option, ret);
	if (r == -ENOENT)
		return cpukey_unknown("resctrl", key, err);
	return r < 0 ? err_raise(err, ERR_IO, -r, key, "cannot make sense of %s: %s", key, strerror(-r)) : 0;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

/* The kernel says in words what it had against a write. */
static int refuse(const struct knob_ctx *c, const char *key, const char *value, int r, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf why = {0};

	fsio_probe(c->fs, STATUS, &why);
	strbuf_trim(&why);
	bool told = why.len > 0 && !str_eq(strbuf_str(&why), "ok");
	err_raise(err, ERR_WRITE_FAILED, -r, key, "the kernel refuses %s: %s", value,
	          told ? strbuf_str(&why) : strerror(-r));
	err_values(err, value, NULL);
	return r;
}

static const char *const group_files[] = { "schemata", "cpus_list", "mode" };

/* In a copied tree the files come and go with the directory. */
static int put_files(const struct knob_ctx *c, const char *group, struct hft_err *err)
{
	CLEANUP(mem_freep) char *from = resctrl_path(RESCTRL_ROOT, "schemata");
	CLEANUP(strbuf_done) struct strbuf schemata = {0};
	int r = from ? fsio_read(c->fs, from, &schemata, err) : err_oom(err);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(group_files); i++) {
		const char *text[] = { strbuf_str(&schemata), "", SHAREABLE };
		CLEANUP(mem_freep) char *path = resctrl_path(group, group_files[i]), *line = str_printf("%s\n", text[i]);
		r = path && line ? durable_replace(c->fs, path, line, strlen(line), 0644, err) : err_oom(err);
	}
	return r;
}

static int take_files(const struct knob_ctx *c, const char *group, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(group_files); i++) {
		CLEANUP(mem_freep) char *path = resctrl_path(group, group_files[i]);
		r = path ? fsio_unlink(c->fs, path, err) : err_oom(err);
	}
	return r;
}

/* ENOSPC: the machine has no class of service left. */
static int write_group(const struct knob_ctx *c, const struct object *o, const char *key, bool wanted, struct hft_err *err)
{
	CLEANUP(mem_freep) char *path = resctrl_path(o->group, "");
	int r = path ? 0 : err_oom(err);

	if (r < 0 || wanted == has_group(c, o->group))
		return r;
	if (wanted) {
		r = fsio_mkdirs(c->fs, path, 0755, NULL);
		if (r == -ENOSPC)
			return err_raise(err, ERR_WRITE_FAILED, ENOSPC, key, "this machine has no class of service left");
		return r < 0 ? refuse(c, key, "a new group", r, err) : c->copied ? put_files(c, o->group, err) : 0;
	}
	r = c->copied ? take_files(c, o->group, err) : 0;
	return r < 0 ? r : fsio_rmdir(c->fs, path, err);
}

static int resctrl_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	const char *file = NULL;
	struct object o;
	int r = parse_key(key, &o, err);

	if (r < 0)
		return r;
	if (str_eq(o.option, GROUP))
		return write_group(c, &o, key, str_eq(value, "present"), err);
	find_option(o.option, &file);
	CLEANUP(mem_freep) char *path = resctrl_path(o.group, file ? file : "schemata");
	if (!path)
		return err_oom(err);
	if (!has_group(c, o.group)) /* a group that has gone meanwhile has what a new one has */
		return 0;
	r = file ? fsio_write(c->fs, path, value, NULL) : schemata_write(c, path, o.option, value);
	return r == -ENOMEM ? err_oom(err) : r < 0 ? refuse(c, key, value, r, err) : 0;
}

/* CPUs leave the group that they were in. */
static int resctrl_coupled(const struct knob_ctx *c, const char *key,
                           int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                           struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	struct object o;
	int r = parse_key(key, &o, err);

	if (r < 0 || !str_eq(o.option, CPUS))
		return r;
	if (fsio_list(c->fs, RESCTRL_DIR, &names, NULL) < 0)
		return 0;
	r = str_eq(o.group, RESCTRL_ROOT) ? 0 : add(data, "resctrl", RESCTRL_ROOT " " CPUS, err);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		CLEANUP(mem_freep) char *other = str_printf("%s " CPUS, names.s[i]);
		if (!is_group_name(names.s[i]) || str_eq(names.s[i], o.group) || !has_group(c, names.s[i]))
			continue;
		r = other ? add(data, "resctrl", other, err) : err_oom(err);
	}
	return r;
}

/* A group, then its shares; then what it has to itself, which the shares of others must have left; then who uses it. */
static int resctrl_order(const char *key)
{
	static const char *const last[] = { " " MODE, " " CPUS };

	if (str_ends(key, " " GROUP))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(last); i++)
		if (str_ends(key, last[i]))
			return 2 + (int)i;
	return 1;
}

/* --- documentation -------------------------------------------------------------------------------------------------- */

#define SOURCE_TEXT "Documentation/arch/x86/resctrl.rst"
#define CACHE(name, what)                                                                                              \
	{ .option = name, .summary = what, .unit = "bits",                                                             \
	  .bounds = "neighbouring bits of info/" name "/cbm_mask, hexadecimal; for each cache: 0=ff0;1=ff", .risk = 2, \
	  .effect = EFFECT_NOW, .counter = "mon_data/*/llc_occupancy", .changes = "", .source = SOURCE_TEXT,           \
	  .traps = "what lies in other ways stays there until it is used up; network devices write into some ways "   \
		   "too (DDIO); pqos with MSRs of its own contradicts it" }

static const struct knob_doc docs[] = {
	CACHE("L2", "ways of the L2 caches that the group may fill"),
	CACHE("L3", "ways of the L3 caches that the group may fill"),
	CACHE("L3CODE", "the same for code, mounted with cdp"),
	CACHE("L3DATA", "the same for data, mounted with cdp"),
	{ .option = RESCTRL_MB, .summary = "memory bandwidth of the group", .unit = "percent",
	  .bounds = "info/MB/min_bandwidth..100 in steps of info/MB/bandwidth_gran; for each cache: 0=50;1=100", .risk = 2,
	  .effect = EFFECT_NOW, .counter = "mon_data/*/mbm_total_bytes", .changes = "", .source = SOURCE_TEXT,
	  .traps = "throttles requests of a core, not bytes: throttle the others, not the trading CPUs" },
	{ .option = CPUS, .summary = "the CPUs whose tasks use the group, unless they are in one themselves",
	  .unit = "cpulist", .bounds = "present CPUs", .risk = 1, .effect = EFFECT_NOW, .counter = "mon_data/*/llc_occupancy",
	  .changes = "resctrl:GROUP cpus", .source = SOURCE_TEXT, .traps = "a CPU leaves the group that it was in" },
	{ .option = MODE, .summary = "may other groups share its ways?", .unit = "word", .bounds = SHAREABLE "|exclusive",
	  .risk = 2, .effect = EFFECT_NOW, .counter = "bit_usage in info/L3", .changes = "", .source = SOURCE_TEXT,
	  .traps = "refused while another group, the root group too, has one of its ways" },
};

static int resctrl_explain(size_t i, struct knob_doc *ret)
{
	if (i >= ARRAY_LEN(docs))
		return -ENOENT;
	*ret = docs[i];
	return 0;
}

const struct knob knob_resctrl = {
	.name = "resctrl",
	.summary = "shares of cache and memory bandwidth",
	.selector = "group, made if it is not there; empty for the root group",
	.list = resctrl_list,
	.parse = resctrl_parse,
	.read = resctrl_read,
	.write = resctrl_write,
	.coupled = resctrl_coupled,
	.order = resctrl_order,
	.explain = resctrl_explain,
};
