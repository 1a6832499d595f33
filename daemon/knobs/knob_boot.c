/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob boot: parameters of the kernel's command line, staged for the next boot through the boot loader. An object is one
 * parameter, its key the option. Judged by what the loader will boot, by /proc/cmdline, and by what the kernel made of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/boot.h"
#include "daemon/knobs/row.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

extern const struct knob knob_boot;

/* --- the knob ----------------------------------------------------------------------------------------------------- */

/* Why this machine or kernel has no use for a parameter, or "". */
static int lacks(const struct knob_ctx *c, const struct boot_row *row, struct strbuf *ret, struct hft_err *err)
{
	int r = row->vendor != NULL ? host_read_details(c->host, err) : 0;

	if (r < 0)
		return r;
	if (row->vendor != NULL && c->host->vendor[0] != '\0' && strcmp(row->vendor, c->host->vendor) != 0)
		strbuf_addf(ret, "is for a CPU of %s", row->vendor);
	else if (row->effect != NULL && !fsio_exists(c->fs, row->effect))
		strbuf_addf(ret, "this kernel or machine has no %s", row->effect);
	return ret->oom ? err_oom(err) : 0;
}

static int boot_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                     struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf na = { 0 };
	const struct boot_row *row = boot_row(option);
	const struct boot_loader *loader;

	if (row == NULL)
		return row_unknown_option("boot", option, err);
	if (selector[0] != '\0')
		return row_no_selector(option, selector, err);
	int r = boot_loader(c, &loader, err);
	if (r == 0)
		r = lacks(c, row, &na, err);
	return r < 0 ? r : knob_objects_add(ret, option, NULL, na.len > 0 ? na.s : NULL, err);
}

static int refuse_foreign(const struct knob_ctx *c, const struct boot_row *row, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf where = { 0 };
	const struct boot_loader *loader;

	int r = boot_loader(c, &loader, err);
	if (r == 0)
		r = loader->foreign(c, row->prefix, &where, err);
	if (r < 0 || where.len == 0)
		return r;
	err_raise(err, ERR_CONFLICT, EEXIST, row->option, "%s sets %s already", strbuf_str(&where), row->option);
	err_hint(err, "take it out there, or leave it out of the profile: two would contradict each other");
	return -EEXIST;
}

static int boot_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                      struct strbuf *ret, struct hft_err *err)
{
	const struct boot_row *row = boot_row(option);

	if (row == NULL)
		return row_unknown_option("boot", option, err);
	int r = boot_value_parse(key != NULL ? c : NULL, row, value, ret, err);
	if (r == 0 && key != NULL)
		r = refuse_foreign(c, row, err);
	if (r < 0)
		return r;
	return ret->oom ? err_oom(err) : 0;
}

/* The row of a key, the loader, and the line that is staged now. */
static int staged_line(const struct knob_ctx *c, const char *key, const struct boot_row **ret_row,
                       const struct boot_loader **ret_loader, struct strbuf *ret, struct hft_err *err)
{
	*ret_row = boot_row(key);
	if (*ret_row == NULL)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "not a parameter of this version");
	/* Without its boot loader the parameter is not gone, but out of reach. */
	if (boot_loader(c, ret_loader, err) < 0)
		return err_raise(err, ERR_IO, EIO, key, "its boot loader is not there any more");
	return (*ret_loader)->staged(c, ret, err);
}

static int boot_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf line = { 0 };
	const struct boot_loader *loader;
	const struct boot_row *row;

	strbuf_reset(ret);
	int r = staged_line(c, key, &row, &loader, &line, err);
	if (r == 0)
		boot_value_in(strbuf_str(&line), row, ret);
	return r;
}

/* Every value was checked when it was parsed; what goes to files that others read is checked once more. */
static int check_line(const char *line, struct hft_err *err)
{
	if (boot_line_is_plain(line))
		return 0;
	return err_raise(err, ERR_WRITE_FAILED, EINVAL, "boot", "a character that no parameter may have");
}

/* What this kernel was booted with, without what is staged and in force already, and the new line. */
static int check_length(const struct knob_ctx *c, const char *staged, const char *line, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf booted = { 0 };

	fsio_probe(c->fs, "/proc/cmdline", &booted);
	size_t len = booted.len + 1 + strlen(line);
	if (staged[0] != '\0' && strstr(strbuf_str(&booted), staged) != NULL)
		len -= strlen(staged) + 1;
	if (len <= BOOT_LINE_MAX)
		return 0;
	return err_raise(err, ERR_WRITE_FAILED, E2BIG, "boot",
	                 "the command line would have %zu characters, and the kernel takes %d", len, BOOT_LINE_MAX);
}

static int boot_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf staged = { 0 };
	CLEANUP(strbuf_done) struct strbuf line = { 0 };
	const struct boot_loader *loader;
	const struct boot_row *row;

	int r = staged_line(c, key, &row, &loader, &staged, err);
	if (r < 0)
		return r;
	boot_line_with(strbuf_str(&staged), row, value, &line);
	if (line.oom)
		return err_oom(err);
	r = check_line(strbuf_str(&line), err);
	if (r == 0)
		r = check_length(c, strbuf_str(&staged), strbuf_str(&line), err);
	return r < 0 ? r : loader->stage(c, strbuf_str(&line), err);
}

static int boot_take_effect(const struct knob_ctx *c, struct hft_err *err)
{
	const struct boot_loader *loader;

	if (c->copied)
		return 0;
	int r = boot_loader(c, &loader, err);
	return r < 0 ? r : loader->take_effect(c, err);
}

/* --- the verdict -------------------------------------------------------------------------------------------------- */

static void judge(struct knob_verdict *v, enum knob_verdict_state state, const char *reason)
{
	v->state = state;
	snprintf(v->reason, sizeof(v->reason), "%s", reason);
}

/* Will every entry boot what is staged? What somebody else sets is there for another reason. */
static int judge_entries(const struct knob_ctx *c, const struct boot_loader *loader, const struct boot_row *row,
                         const char *wanted, struct knob_verdict *v, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	int r = wanted[0] == '\0' ? loader->foreign(c, row->prefix, &text, err) : 0;
	if (r < 0 || text.len > 0 || c->copied)
		return r < 0 ? r : text.len > 0;
	r = loader->entries(c, row->prefix, wanted, &text, err);
	if (r == 0 && text.len > 0)
		judge(v, KNOB_DRIFT, strbuf_str(&text));
	return r < 0 ? r : text.len > 0;
}

static int boot_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                       struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf line = { 0 };
	CLEANUP(strbuf_done) struct strbuf booted = { 0 };
	const struct boot_loader *loader;
	const struct boot_row *row;

	int r = staged_line(c, key, &row, &loader, &line, err);
	if (r < 0)
		return r;
	boot_value_in(strbuf_str(&line), row, &ret->found);
	judge(ret, KNOB_OK, "");
	if (strcmp(strbuf_str(&ret->found), wanted) != 0) {
		ret->state = KNOB_DRIFT;
		snprintf(ret->reason, sizeof(ret->reason), "%s %s", loader->staging,
		         ret->found.len == 0 ? "does not have it" : wanted[0] == '\0' ? "has it" : "says otherwise");
		return 0;
	}
	r = judge_entries(c, loader, row, wanted, ret, err);
	if (r != 0)
		return r < 0 ? r : 0;
	fsio_probe(c->fs, "/proc/cmdline", &line);
	boot_value_in(strbuf_str(&line), row, &booted);
	if (strcmp(strbuf_str(&booted), wanted) != 0)
		judge(ret, KNOB_PENDING, "reboot");
	else if (wanted[0] != '\0')
		boot_effect(c, row, wanted, ret);
	return 0;
}

static void boot_isolates(const char *key, const char *value, struct cpuset *ret)
{
	const struct boot_row *row = boot_row(key);

	cpuset_zero(ret);
	if (row != NULL && row->isolates)
		boot_value_cpus(row, value, ret);
}

static const char *boot_barrier(const char *key, const char *value)
{
	const struct boot_row *row = boot_row(key);

	return row != NULL && row->barrier != NULL && boot_is_one_of(row->barrier, value) ? row->traps : NULL;
}

static int boot_explain(size_t i, struct knob_doc *ret)
{
	if (i >= n_boot_rows)
		return -ENOENT;
	const struct boot_row *row = &boot_rows[i];
	*ret = (struct knob_doc){
		.option = row->option,
		.summary = row->summary,
		.unit = row->unit,
		.bounds = row->bounds,
		.risk = row->risk,
		.effect = EFFECT_BOOT,
		.counter = row->counter != NULL ? row->counter : "",
		.changes = "",
		.source = row->source,
		.traps = row->traps != NULL ? row->traps : "",
	};
	return 0;
}

/* --- which loader ------------------------------------------------------------------------------------------------- */

static const struct boot_loader *const loaders[] = { &boot_grub, &boot_bls, &boot_sdboot };

static int raise_none(struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf known = { 0 };

	err_raise(err, ERR_NO_MATCH, ENOENT, "boot", "no boot loader that hfttune knows how to give parameters to");
	for (size_t i = 0; i < ARRAY_LEN(loaders); i++)
		strbuf_addf(&known, "%s%s by %s", i > 0 ? "; " : "", loaders[i]->name, loaders[i]->wants);
	err_hint(err, "it knows %s", strbuf_str(&known));
	return -ENOENT;
}

/* Which of two it is that boots the host cannot be seen from its files. */
int boot_loader(const struct knob_ctx *c, const struct boot_loader **ret, struct hft_err *err)
{
	const struct boot_loader *found = NULL;

	for (size_t i = 0; i < ARRAY_LEN(loaders); i++) {
		if (!loaders[i]->is_here(c))
			continue;
		if (found != NULL) {
			err_raise(err, ERR_NO_MATCH, ENOENT, "boot", "both %s and %s look installed", found->name,
			          loaders[i]->name);
			err_hint(err, "remove what does not boot this host: %s is known by %s", found->name, found->wants);
			return -ENOENT;
		}
		found = loaders[i];
	}
	*ret = found;
	return found != NULL ? 0 : raise_none(err);
}

const struct knob knob_boot = {
	.name = "boot",
	.summary = "parameters of the kernel, for the next boot",
	.selector = "",
	.persistent = true,
	.at_boot = true,
	.list = boot_list,
	.parse = boot_parse,
	.read = boot_read,
	.write = boot_write,
	.verify = boot_verify,
	.take_effect = boot_take_effect,
	.isolates = boot_isolates,
	.barrier = boot_barrier,
	.clash = boot_clash,
	.explain = boot_explain,
};
