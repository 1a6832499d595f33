/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading entries of the Boot Loader Specification. Writes none: that is the boot loaders' programs' to do. */
#include "daemon/knobs/boot_entries.h"

#include <errno.h>
#include <string.h>

#include "daemon/knobs/boot.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define ENTRY_MAX (64 * 1024)
#define GRUBENV "/boot/grub2/grubenv" /* where RHEL 8 keeps what its entries call $kernelopts */

/* The entries that boot normally, in rising order of their versions; "0-rescue" ones are for hosts that do not come up. */
static int list_entries(const struct knob_ctx *c, const struct boot_entries *e, struct strlist *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = { 0 };

	int r = fsio_list(c->fs, e->dir, &names, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < names.n; i++)
		if (str_ends(names.s[i], ".conf") && strstr(names.s[i], "-0-rescue") == NULL &&
		    strlist_take(ret, str_printf("%s/%s", e->dir, names.s[i])) < 0)
			return err_oom(err);
	return 0;
}

static int add_kernelopts(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf env = { 0 };

	int r = fsio_read_file(c->fs, GRUBENV, ENTRY_MAX, &env, err);
	if (r < 0)
		return r;
	const char *at = str_starts(strbuf_str(&env), "kernelopts=") ? env.s : strstr(strbuf_str(&env), "\nkernelopts=");
	if (at != NULL) {
		at = strchr(at, '=') + 1;
		strbuf_addc(ret, ' ');
		strbuf_addn(ret, at, strcspn(at, "\n"));
	}
	return 0;
}

/* The command line of an entry: all its "options" lines; the number of the first one in *ret_line, 0: there is none. */
static int read_options(const struct knob_ctx *c, const char *path, struct strbuf *ret, unsigned *ret_line,
                        struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	char *rest = NULL;
	unsigned n = 0;

	strbuf_reset(ret);
	*ret_line = 0;
	int r = fsio_read_file(c->fs, path, ENTRY_MAX, &text, err);
	for (char *line = r == 0 ? text.s : NULL; line != NULL; line = rest) {
		rest = strchr(line, '\n');
		if (rest != NULL)
			*rest++ = '\0';
		n++;
		if (!str_starts(line, "options ") && !str_starts(line, "options\t"))
			continue;
		*ret_line = *ret_line == 0 ? n : *ret_line;
		strbuf_addf(ret, " %s", line + strlen("options "));
	}
	if (r == 0 && strstr(strbuf_str(ret), "$kernelopts") != NULL)
		r = add_kernelopts(c, ret, err);
	return r < 0 ? r : ret->oom ? err_oom(err) : 0;
}

static bool has_value(const char *options, const char *prefix, const char *value)
{
	CLEANUP(strbuf_done) struct strbuf has = { 0 };
	bool is_flag = prefix[strlen(prefix) - 1] != '=', there = boot_find(options, prefix, &has);

	return value[0] == '\0' ? !there : there && (is_flag || strcmp(strbuf_str(&has), value) == 0);
}

int boot_entries_judge(const struct knob_ctx *c, const struct boot_entries *e, const char *prefix, const char *value,
                       struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist paths = { 0 };
	CLEANUP(strbuf_done) struct strbuf options = { 0 };
	unsigned line;

	strbuf_reset(ret);
	int r = list_entries(c, e, &paths, err);
	if (r == 0 && paths.n == 0)
		strbuf_addf(ret, "no entry in %s", e->dir);
	for (size_t i = e->newest_only && paths.n > 0 ? paths.n - 1 : 0; r == 0 && ret->len == 0 && i < paths.n; i++) {
		r = read_options(c, paths.s[i], &options, &line, err);
		if (r == 0 && !has_value(strbuf_str(&options), prefix, value))
			strbuf_addf(ret, "%s %s", paths.s[i], value[0] == '\0' ? "still has it" : "lacks it");
	}
	return r < 0 ? r : ret->oom ? err_oom(err) : 0;
}

int boot_entries_foreign(const struct knob_ctx *c, const struct boot_entries *e, const char *prefix, const char *ours,
                         struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist paths = { 0 };
	CLEANUP(strbuf_done) struct strbuf options = { 0 };
	CLEANUP(strbuf_done) struct strbuf value = { 0 };
	unsigned line;

	strbuf_reset(ret);
	bool is_ours = boot_find(ours, prefix, &value);
	int r = list_entries(c, e, &paths, err);
	for (size_t i = 0; r == 0 && ret->len == 0 && i < paths.n; i++) {
		r = read_options(c, paths.s[i], &options, &line, err);
		if (r == 0 && boot_names(strbuf_str(&options), prefix) &&
		    !(is_ours && (value.len == 0 || has_value(strbuf_str(&options), prefix, strbuf_str(&value)))))
			strbuf_addf(ret, "%s:%u", paths.s[i], line);
	}
	return r < 0 ? r : ret->oom || value.oom ? err_oom(err) : 0;
}
