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
#include "lib/base/num.h"
#include "lib/base/str.h"

extern const struct knob knob_boot;

/* --- lines -------------------------------------------------------------------------------------------------------- */

bool boot_find(const char *line, const char *prefix, struct strbuf *ret)
{
	size_t len = strlen(prefix);
	bool is_flag = prefix[len - 1] != '=', found = false;

	strbuf_reset(ret);
	for (const char *p = line; (p = strstr(p, prefix)) != NULL; p += len) {
		const char *value = p + len;
		size_t n = strcspn(value, " \t\n");
		if ((p > line && strchr(" \t\n", p[-1]) == NULL) || (is_flag && n > 0))
			continue;
		strbuf_reset(ret);
		strbuf_addn(ret, value, n);
		found = true;
	}
	return found;
}

/* The value of a row in a line as canonical text: "" when it is not there. */
static void value_in(const char *line, const struct boot_row *row, struct strbuf *ret)
{
	if (boot_find(line, row->prefix, ret) && row->form == BOOT_FLAG)
		strbuf_add(ret, "yes");
}

/* The line with one row set to a value. */
static void line_with(const char *line, const struct boot_row *row, const char *value, struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf own = { 0 };

	strbuf_reset(ret);
	for (size_t i = 0; i < n_boot_rows; i++) {
		const struct boot_row *other = &boot_rows[i];
		value_in(line, other, &own);
		const char *text = other == row ? value : strbuf_str(&own);
		if (text[0] != '\0')
			strbuf_addf(ret, "%s%s%s", ret->len > 0 ? " " : "", other->prefix,
			            other->form == BOOT_FLAG ? "" : text);
	}
	ret->oom = ret->oom || own.oom;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int raise_form(const struct boot_row *row, const char *value, struct hft_err *err)
{
	int r = err_raise(err, ERR_INVALID_PROFILE, EINVAL, row->option, "%s cannot be '%s'", row->option, value);

	err_values(err, row->bounds, value);
	return r;
}

static int parse_cpus(const struct knob_ctx *c, const struct boot_row *row, const char *list, struct strbuf *ret,
                      struct hft_err *err)
{
	struct cpuset cpus;

	int r = cpuset_parse(list, &cpus, err);
	if (r < 0)
		return r;
	if (cpuset_is_empty(&cpus))
		return raise_form(row, list, err);
	if (!cpuset_is_subset(&cpus, &c->host->present)) {
		r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, row->option, "%s names CPUs that are not present",
		              row->option);
		err_values(err, row->bounds, list);
		return r;
	}
	cpuset_format(&cpus, ret);
	return 0;
}

/* Flags in any order, then the list: "managed_irq,domain,2-3". */
static int parse_isolcpus(const struct knob_ctx *c, const struct boot_row *row, const char *value, struct strbuf *ret,
                          struct hft_err *err)
{
	static const char *const flags[] = { "managed_irq", "domain", "nohz" };

	for (size_t i = 0; i < ARRAY_LEN(flags);) {
		size_t n = strlen(flags[i]);
		if (strncmp(value, flags[i], n) != 0 || value[n] != ',') {
			i++;
			continue;
		}
		strbuf_addf(ret, "%s,", flags[i]);
		value += n + 1;
		i = 0;
	}
	return parse_cpus(c, row, value, ret, err);
}

static int parse_value(const struct knob_ctx *c, const struct boot_row *row, const char *value, struct strbuf *ret,
                       struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };
	int64_t number;

	switch (row->form) {
	case BOOT_FLAG:
		if (strcmp(value, "yes") != 0)
			return raise_form(row, value, err);
		break;
	case BOOT_INT:
		if (num_parse_range(value, row->min, row->max, &number) < 0)
			return raise_form(row, value, err);
		break;
	case BOOT_WORD:
		if (strlist_split(&words, row->words, "|") < 0)
			return err_oom(err);
		if (!strlist_has(&words, value))
			return raise_form(row, value, err);
		break;
	case BOOT_CPUS:
		return parse_cpus(c, row, value, ret, err);
	case BOOT_ISOLCPUS:
		return parse_isolcpus(c, row, value, ret, err);
	}
	strbuf_add(ret, value);
	return 0;
}

/* The CPUs of a canonical value: what stands behind the last flag. */
static void cpus_of(const struct boot_row *row, const char *value, struct cpuset *ret)
{
	cpuset_zero(ret);
	if (row->form == BOOT_ISOLCPUS)
		value += strcspn(value, "0123456789");
	if (row->form == BOOT_ISOLCPUS || row->form == BOOT_CPUS)
		cpuset_parse(value, ret, NULL);
}

/* --- the knob ----------------------------------------------------------------------------------------------------- */

static int boot_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                     struct hft_err *err)
{
	const struct boot_loader *loader;

	if (boot_row(option) == NULL)
		return row_unknown_option("boot", option, err);
	if (selector[0] != '\0')
		return row_no_selector(option, selector, err);
	int r = boot_loader(c, &loader, err);
	return r < 0 ? r : knob_objects_add(ret, option, NULL, NULL, err);
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

	(void)key;
	strbuf_reset(ret);
	int r = parse_value(c, row, value, ret, err);
	if (r == 0)
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
	int r = boot_loader(c, ret_loader, err);
	return r < 0 ? r : (*ret_loader)->staged(c, ret, err);
}

static int boot_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf line = { 0 };
	const struct boot_loader *loader;
	const struct boot_row *row;

	strbuf_reset(ret);
	int r = staged_line(c, key, &row, &loader, &line, err);
	if (r == 0)
		value_in(strbuf_str(&line), row, ret);
	return r;
}

/* Every value was checked when it was parsed; what goes to a file that a shell reads is checked once more. */
static int check_line(const char *line, struct hft_err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:=/+@- ";

	if (line[strspn(line, allowed)] != '\0')
		return err_raise(err, ERR_WRITE_FAILED, EINVAL, "boot", "a character that no parameter may have");
	return 0;
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
	line_with(strbuf_str(&staged), row, value, &line);
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

/* The kernel was booted with it: did it take it? */
static void judge_effect(const struct knob_ctx *c, const struct boot_row *row, const char *wanted,
                         struct knob_verdict *v)
{
	CLEANUP(strbuf_done) struct strbuf shown = { 0 };
	struct cpuset want, have;

	judge(v, KNOB_OK, "");
	if (row->effect == NULL)
		return;
	cpus_of(row, wanted, &want);
	if (fsio_probe(c->fs, row->effect, &shown) == 0 && cpuset_parse_kernel(strbuf_str(&shown), &have, NULL) == 0 &&
	    cpuset_equal(&want, &have))
		return;
	v->state = KNOB_DRIFT;
	snprintf(v->reason, sizeof(v->reason), "the kernel was booted with it, and %s says '%s'", row->effect,
	         strbuf_str(&shown));
}

static int boot_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                       struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf line = { 0 };
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	const struct boot_loader *loader;
	const struct boot_row *row;

	int r = staged_line(c, key, &row, &loader, &line, err);
	if (r < 0)
		return r;
	value_in(strbuf_str(&line), row, &ret->found);
	if (strcmp(strbuf_str(&ret->found), wanted) != 0) {
		judge(ret, KNOB_DRIFT, "");
		return 0;
	}
	r = c->copied ? 0 : loader->entries(c, row->prefix, wanted, &text, err);
	if (r < 0)
		return r;
	if (text.len > 0) {
		judge(ret, KNOB_DRIFT, strbuf_str(&text));
		return 0;
	}
	fsio_probe(c->fs, "/proc/cmdline", &line);
	value_in(strbuf_str(&line), row, &text);
	if (strcmp(strbuf_str(&text), wanted) != 0)
		judge(ret, KNOB_PENDING, "reboot");
	else
		judge_effect(c, row, wanted, ret);
	return 0;
}

static void boot_isolates(const char *key, const char *value, struct cpuset *ret)
{
	const struct boot_row *row = boot_row(key);

	cpuset_zero(ret);
	if (row != NULL && row->isolates)
		cpus_of(row, value, ret);
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

int boot_loader(const struct knob_ctx *c, const struct boot_loader **ret, struct hft_err *err)
{
	static const struct boot_loader *const loaders[] = { &boot_grub };

	for (size_t i = 0; i < ARRAY_LEN(loaders); i++) {
		if (!loaders[i]->is_here(c))
			continue;
		*ret = loaders[i];
		return 0;
	}
	err_raise(err, ERR_NO_MATCH, ENOENT, "boot", "no boot loader that hfttune knows how to give parameters to");
	err_hint(err, "hfttune knows GRUB as Debian has it (/etc/default/grub and /boot/grub/grub.cfg)");
	return -ENOENT;
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
	.explain = boot_explain,
};
