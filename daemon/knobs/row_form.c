/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The value of one row's file: how a profile says it, how the file shows it, what the file takes, and what the kernel
 * would show afterwards (for copied trees, where nothing but this code stands in for it). Must know no row.
 */
#include "daemon/knobs/row_form.h"

#include <errno.h>
#include <string.h>

#include "daemon/knobs/cpukey.h"
#include "daemon/knobs/debugfs.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

/* --- for the forms ------------------------------------------------------------------------------------------------ */

int row_raise_form(const struct row *row, const char *value, struct hft_err *err)
{
	int r = err_raise(err, ERR_INVALID_PROFILE, EINVAL, row->option, "%s cannot be '%s'", row->option, value);

	err_values(err, row->bounds, value);
	return r;
}

int row_raise_bounds(const struct row *row, const char *value, struct hft_err *err)
{
	int r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, row->option, "%s is %s, and cannot be '%s'", row->option,
	                  row->bounds, value);

	err_values(err, row->bounds, value);
	return r;
}

int row_raise_not_offered(const struct row *row, const char *offered, const char *value, struct hft_err *err)
{
	int r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, row->option, "%s: this kernel offers %s, not '%s'",
	                  row->option, offered, value);

	err_values(err, offered, value);
	return r;
}

bool row_has_word(const char *text, const char *seps, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text + strspn(text, seps); *p != '\0'; p += strspn(p, seps)) {
		size_t n = strcspn(p, seps);
		if (n == len && memcmp(p, word, n) == 0)
			return len > 0;
		p += n;
	}
	return false;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static const struct row_codec *const forms[] = {
	[ROW_INT] = &row_int,   [ROW_INTS] = &row_ints,   [ROW_WORD] = &row_word,       [ROW_SELECT] = &row_select,
	[ROW_NAME] = &row_name, [ROW_NAMES] = &row_names, [ROW_CPULIST] = &row_cpulist, [ROW_CPUMASK] = &row_cpumask,
	[ROW_YN] = &row_yn,     [ROW_HEX] = &row_hex,
};

int row_value_parse(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                    struct strbuf *ret, struct hft_err *err)
{
	strbuf_reset(ret);
	int r = forms[row->form]->parse(c, row, path, value, ret, err);
	return r == 0 && ret->oom ? err_oom(err) : r;
}

int row_value_of_text(const struct row *row, const char *text, struct strbuf *ret, struct hft_err *err)
{
	strbuf_reset(ret);
	int r = forms[row->form]->of_text(row, text, ret);
	if (r == -ENOMEM || ret->oom)
		return err_oom(err);
	return r < 0 ? err_raise(err, ERR_IO, EIO, row->option, "the kernel says '%s', which makes no sense", text) : 0;
}

/* A file can be there and say ENOENT to a name it does not know (net.core.default_qdisc); those of debugfs do not, but
 * can be there and locked. */
static int write_text(const struct knob_ctx *c, const char *path, const char *text, struct hft_err *err)
{
	int r = cpukey_write(c, path, text, err);

	if (r != -ENOENT || debugfs_has(path) || !fsio_exists(c->fs, path))
		return r;
	r = err_raise(err, ERR_WRITE_FAILED, EINVAL, path, "this kernel does not know '%s'", text);
	err_values(err, text, NULL);
	return r;
}

int row_value_read(const struct knob_ctx *c, const struct row *row, const char *path, struct strbuf *ret,
                   struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	int r = cpukey_read(c, path, &text, err);

	return r < 0 ? r : row_value_of_text(row, strbuf_str(&text), ret, err);
}

/* What the file would show is what it holds from now on. */
static int write_copied(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                        struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf before = {0}, after = {0};
	const struct row_codec *f = forms[row->form];

	if (!f->shown || fsio_probe(c->fs, path, &before) < 0) /* the write says why */
		return write_text(c, path, value, err);
	f->shown(c, row, strbuf_str(&before), value, &after);
	return before.oom || after.oom ? err_oom(err) : write_text(c, path, strbuf_str(&after), err);
}

int row_value_write(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                    struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};

	if (c->copied)
		return write_copied(c, row, path, value, err);
	if (!forms[row->form]->to_text)
		return write_text(c, path, value, err);
	if (forms[row->form]->to_text(c, value, &text) < 0)
		return err_raise(err, ERR_WRITE_FAILED, EINVAL, path, "'%s' is no set of CPUs", value);
	return text.oom ? err_oom(err) : write_text(c, path, strbuf_str(&text), err);
}
