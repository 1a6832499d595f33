/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob service: properties of a unit, in a drop-in of its own (dropin.h). An object is one property of one unit, its key
 * "UNIT PROPERTY". Judged by what runs: every thread of the main process, or the control group.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/knobs/service_rows.h"
#include "daemon/knobs/unit_knob.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

extern const struct knob knob_service;

#define CGROUP "/sys/fs/cgroup"
#define PAGE 4096

/* --- objects ------------------------------------------------------------------------------------------------------ */

/* The controller of a file of the unified hierarchy, "cpuset" of "cpuset.cpus": is it there? In a copied tree nobody
 * asks. */
static const char *lacks_controller(const struct knob_ctx *c, const struct service_row *row)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	CLEANUP(strlist_done) struct strlist names = { 0 };
	char name[16];

	if (row->file == NULL || c->copied)
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(row->file, "."), row->file);
	fsio_probe(c->fs, CGROUP "/cgroup.controllers", &text);
	strlist_split(&names, strbuf_str(&text), " \n");
	return strlist_has(&names, name) ? NULL : "this host's unified control groups lack its controller";
}

static int service_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                        struct hft_err *err)
{
	const struct service_row *row = service_row(option);
	enum unit_kind kind;

	if (row == NULL)
		return row_unknown_option("service", option, err);
	int r = unit_check_name(selector, &kind, err);
	if (r < 0)
		return r;
	if ((row->kinds & 1U << kind) == 0)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "%s is for services, which %s is not", option,
		                 selector);
	return unit_knob_list(c, selector, option, lacks_controller(c, row), ret, err);
}

static int service_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                         struct strbuf *ret, struct hft_err *err)
{
	const struct service_row *row = service_row(option);

	if (row == NULL)
		return row_unknown_option("service", option, err);
	return service_value_parse(key != NULL ? c : NULL, row, value, ret, err);
}

static int service_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	return unit_knob_read(c, key, false, ret, err);
}

static int service_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	CLEANUP(dropin_done) struct dropin d = { 0 };
	char unit[DROPIN_UNIT_MAX];
	const char *option;

	int r = unit_knob_open(c, key, unit, &option, &d, err);
	if (r < 0)
		return r;
	return dropin_set(&d.properties, option, value) < 0 ? err_oom(err) : dropin_write(c, unit, &d, err);
}

/* --- the effect ---------------------------------------------------------------------------------------------------- */

/* A limit is two properties, "LimitNOFILE" the hard one. */
static int loaded_limit(const struct systemd_unit *u, const char *name, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf hard = { 0 };
	char soft[64];

	snprintf(soft, sizeof(soft), "%sSoft", name);
	int r = systemd_property(u, soft, ret, err);
	if (r == 0)
		r = systemd_property(u, name, &hard, err);
	if (r == 0 && strcmp(strbuf_str(ret), strbuf_str(&hard)) != 0)
		strbuf_addf(ret, ":%s", strbuf_str(&hard));
	return r;
}

static int service_loaded(const struct systemd_unit *u, const void *data, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	const struct service_row *row = data;

	if (str_starts(row->row.option, "Limit"))
		return loaded_limit(u, row->row.option, ret, err);
	int r = systemd_property(u, row->row.option, &text, err);
	if (r == 0)
		service_value_of_systemd(row, strbuf_str(&text), ret);
	return r;
}

/* The kernel counts in pages. */
static int holds_bytes(const char *is, const char *expected)
{
	uint64_t a = 0, b = 0;

	num_parse_u64(is, &a);
	num_parse_u64(expected, &b);
	return a / PAGE == b / PAGE;
}

static int holds_list(const struct knob_ctx *c, const char *path, const char *is, const char *expected)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	struct cpuset set, wanted, effective;
	char file[600];

	if (cpuset_parse_kernel(is, &set, NULL) < 0 || cpuset_parse_kernel(expected, &wanted, NULL) < 0 ||
	    !cpuset_equal(&set, &wanted))
		return 0;
	if (expected[0] == '\0')
		return 1;
	snprintf(file, sizeof(file), "%s.effective", path);
	int r = fsio_probe(c->fs, file, &text);
	if (r < 0 || cpuset_parse_kernel(strbuf_str(&text), &effective, NULL) < 0)
		return r < 0 ? r : -EIO;
	return !cpuset_is_empty(&effective) && cpuset_is_subset(&effective, &wanted);
}

/* Without the file its controller is not turned on for the group: it has what is by default. */
static int holds_in_cgroup(const struct knob_ctx *c, const char *cgroup, const struct service_row *row,
                           const char *expected, struct strbuf *found)
{
	CLEANUP(strbuf_done) struct strbuf is = { 0 };
	char path[512];

	snprintf(path, sizeof(path), CGROUP "%s/%s", cgroup, row->file);
	int r = fsio_probe(c->fs, path, &is);
	if (r < 0 && r != -ENOENT)
		return r;
	strbuf_addf(found, "%s holds \"%s\"", path, strbuf_str(&is));
	return str_starts(row->file, "memory.") ? holds_bytes(strbuf_str(&is), expected)
	                                        : holds_list(c, path, strbuf_str(&is), expected);
}

static int service_holds(const struct knob_ctx *c, const struct systemd_unit *u, const void *data, const char *expected,
                         struct strbuf *found)
{
	const struct service_row *row = data;

	return row->file != NULL ? holds_in_cgroup(c, u->cgroup, row, expected, found)
	                         : process_holds(c, u->name, u->pid, row, expected, found);
}

static int service_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                          struct hft_err *err)
{
	CLEANUP(dropin_done) struct dropin d = { 0 };
	struct hft_err why = { 0 };
	char unit[DROPIN_UNIT_MAX];
	const char *option;

	int r = unit_knob_open(c, key, unit, &option, &d, &why);
	if (r < 0)
		return unit_judge_foreign(r, &why, ret, err);
	const struct service_row *row = service_row(option);
	if (row == NULL)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "not a property of this version");
	return unit_judge(c, &(struct unit_question){
		.unit = unit,
		.wanted = wanted,
		.written = dropin_get(&d.properties, option),
		.changed_us = d.changed_us,
		.at_once = row->file != NULL,
		.loaded = service_loaded,
		.holds = service_holds,
		.data = row,
	}, ret, err);
}

/* --- what people should know ---------------------------------------------------------------------------------------- */

struct restriction {
	bool on;
	char where[256];
};

static int note_restriction(void *data, const char *name, const char *value, const char *where)
{
	struct restriction *x = data;

	if (strcmp(name, "RestrictRealtime") != 0)
		return 0;
	x->on = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0 || strcmp(value, "1") == 0 || strcmp(value, "on") == 0;
	snprintf(x->where, sizeof(x->where), "%s", where);
	return 0;
}

static int service_note(const struct knob_ctx *c, const char *key, const char *value, struct strbuf *ret,
                        struct hft_err *err)
{
	struct restriction real_time = { 0 };
	char unit[DROPIN_UNIT_MAX];
	const char *option = dropin_split_key(key, unit);
	bool is_policy = option != NULL && strcmp(option, "CPUSchedulingPolicy") == 0 &&
	                 (strcmp(value, "fifo") == 0 || strcmp(value, "rr") == 0);
	int r = 0;

	if (option == NULL)
		return 0;
	if (is_policy || strcmp(option, "LimitRTPRIO") == 0)
		r = unit_each_setting(c, unit, "[Service]", note_restriction, &real_time, err);
	if (r == 0 && real_time.on)
		strbuf_addf(ret, is_policy ? "RestrictRealtime= at %s is no obstacle: systemd sets the policy before it"
		                           : "RestrictRealtime= at %s keeps the service from using it",
		            real_time.where);
	return r < 0 ? r : dropin_note(c, unit, ret, err);
}

/* A control group has its values at once. */
static bool service_restarts(const char *key, char ret_unit[static KNOB_UNIT_MAX])
{
	const char *option = dropin_split_key(key, ret_unit);
	const struct service_row *row = option != NULL ? service_row(option) : NULL;

	return row != NULL && row->file == NULL && unit_knob_restarts(key, ret_unit);
}

static const char *clash_in_unit(const char *key, const char *value, const char *other, const char *other_value)
{
	char unit[DROPIN_UNIT_MAX], other_unit[DROPIN_UNIT_MAX];
	const char *option = dropin_split_key(key, unit), *other_option = dropin_split_key(other, other_unit);

	if (option == NULL || other_option == NULL || strcmp(unit, other_unit) != 0)
		return NULL;
	return service_clash(option, value, other_option, other_value);
}

static int service_explain(size_t i, struct knob_doc *ret)
{
	if (i >= n_service_rows)
		return -ENOENT;
	row_doc(&service_rows[i].row, ret);
	return 0;
}

const struct knob knob_service = {
	.name = "service",
	.summary = "properties of systemd's units, in a drop-in",
	.selector = "UNIT",
	.persistent = true,
	.list = service_list,
	.parse = service_parse,
	.read = service_read,
	.write = service_write,
	.verify = service_verify,
	.take_effect = unit_knob_take_effect,
	.restarts = service_restarts,
	.clash = clash_in_unit,
	.note = service_note,
	.explain = service_explain,
};
