/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GRUB as Debian has it: /etc/default/grub and the *.cfg files of /etc/default/grub.d are shell that update-grub reads
 * in this order; grub.cfg is made of them. Ours is a file of its own that sorts last and appends, so that nothing that
 * is not ours is touched, and a file that assigns anew (50-cloudimg-settings.cfg) does not undo it. The entries for
 * recovery do not get it: they are for hosts that do not come up.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/knobs/boot.h"
#include "daemon/knobs/program.h"
#include "lib/base/durable.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define DEFAULTS "/etc/default/grub"
#define DROPINS "/etc/default/grub.d"
#define OURS DROPINS "/zz-hfttune.cfg"
#define GRUB_CFG "/boot/grub/grub.cfg"
#define UPDATE_GRUB "/usr/sbin/update-grub"
#define FILE_MAX (1024 * 1024)
#define DEADLINE_S 300 /* os-prober looks at every disk */

#define HEAD "# Kernel parameters of hfttune; `hfttune rollback` takes them out again.\n"
#define MADE_DIR "# The directory was made for this file, and goes with it.\n"
#define BEFORE_LINE "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT \"'"
#define AFTER_LINE "'\n"

static bool grub_is_here(const struct knob_ctx *c)
{
	return fsio_exists(c->fs, DEFAULTS) && fsio_exists(c->fs, GRUB_CFG);
}

/* --- our file ----------------------------------------------------------------------------------------------------- */

/* 0 with "" when it is not there. */
static int read_ours(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err)
{
	int r = fsio_read_file(c->fs, OURS, FILE_MAX, ret, err);

	return r == -ENOENT ? 0 : r;
}

static int grub_staged(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	strbuf_reset(ret);
	int r = read_ours(c, &text, err);
	if (r < 0)
		return r;
	const char *at = strstr(strbuf_str(&text), BEFORE_LINE);
	if (at == NULL)
		return 0;
	at += strlen(BEFORE_LINE);
	strbuf_addn(ret, at, strcspn(at, "'"));
	return ret->oom ? err_oom(err) : 0;
}

static int remove_ours(const struct knob_ctx *c, bool with_dir, struct hft_err *err)
{
	int r = durable_remove(c->fs, OURS, err);

	if (r < 0 || !with_dir)
		return r;
	r = fsio_rmdir(c->fs, DROPINS, err);
	if (r == -ENOTEMPTY || r == -ENOENT) /* somebody else has put a file there since */
		return 0;
	return r < 0 ? r : fsio_sync_dir(c->fs, "/etc/default", err);
}

static int grub_stage(const struct knob_ctx *c, const char *line, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	int r = read_ours(c, &text, err);
	if (r < 0)
		return r;
	bool has_dir = fsio_exists(c->fs, DROPINS);
	bool made_dir = !has_dir || strstr(strbuf_str(&text), MADE_DIR) != NULL;
	if (line[0] == '\0')
		return has_dir ? remove_ours(c, made_dir, err) : 0;
	if (!has_dir)
		r = fsio_mkdirs(c->fs, DROPINS, 0755, err);
	if (r < 0)
		return r;
	strbuf_reset(&text);
	strbuf_addf(&text, HEAD "%s" BEFORE_LINE "%s" AFTER_LINE, made_dir ? MADE_DIR : "", line);
	return text.oom ? err_oom(err) : durable_replace(c->fs, OURS, text.s, text.len, 0644, err);
}

static int grub_take_effect(const struct knob_ctx *c, struct hft_err *err)
{
	static const char *const update_grub[] = { UPDATE_GRUB, NULL };

	(void)c;
	return program_run(update_grub, DEADLINE_S, err);
}

/* --- what others say ---------------------------------------------------------------------------------------------- */

/* Shell quotes are blanks to us: a word that is set apart by them is set apart. */
static bool line_sets(char *line, const char *prefix)
{
	CLEANUP(strbuf_done) struct strbuf value = { 0 };

	line += strspn(line, " \t");
	if (strncmp(line, "GRUB_CMDLINE_LINUX", strlen("GRUB_CMDLINE_LINUX")) != 0)
		return false;
	for (char *p = line; *p != '\0'; p++)
		if (*p == '"' || *p == '\'')
			*p = ' ';
	return boot_find(line, prefix, &value);
}

static int look_in(const struct knob_ctx *c, const char *path, const char *prefix, struct strbuf *ret,
                   struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	unsigned n = 0;

	int r = fsio_read_file(c->fs, path, FILE_MAX, &text, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (char *line = text.s; line != NULL && *line != '\0' && ret->len == 0;) {
		char *end = strchrnul(line, '\n');
		char *next = *end != '\0' ? end + 1 : end;
		*end = '\0';
		n++;
		if (line_sets(line, prefix))
			strbuf_addf(ret, "%s:%u", path, n);
		line = next;
	}
	return ret->oom ? err_oom(err) : 0;
}

static int grub_foreign(const struct knob_ctx *c, const char *prefix, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = { 0 };

	strbuf_reset(ret);
	int r = look_in(c, DEFAULTS, prefix, ret, err);
	if (r == 0 && fsio_list(c->fs, DROPINS, &names, NULL) == -ENOMEM)
		return err_oom(err);
	for (size_t i = 0; r == 0 && ret->len == 0 && i < names.n; i++) {
		CLEANUP(mem_freep) char *path = str_printf(DROPINS "/%s", names.s[i]);
		if (path == NULL)
			return err_oom(err);
		if (str_ends(path, ".cfg") && strcmp(path, OURS) != 0)
			r = look_in(c, path, prefix, ret, err);
	}
	return r;
}

/* --- what will be booted ------------------------------------------------------------------------------------------ */

/* "	linux	/boot/vmlinuz-6.1.0-56-amd64 root=... ro quiet": the command line, or NULL. */
static const char *command_line(const char *line)
{
	line += strspn(line, " \t");
	if (strncmp(line, "linux", 5) != 0)
		return NULL;
	line += strcspn(line, " \t");
	line += strspn(line, " \t");
	return *line != '\0' ? line : NULL;
}

static bool is_recovery(const char *line)
{
	CLEANUP(strbuf_done) struct strbuf value = { 0 };

	return boot_find(line, "single", &value) || boot_find(line, "recovery", &value);
}

static void judge_entry(const char *line, const char *prefix, const char *value, struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf has = { 0 };
	bool is_flag = prefix[strlen(prefix) - 1] != '=';
	bool there = boot_find(line, prefix, &has);

	if (there != (value[0] != '\0') || (there && !is_flag && strcmp(strbuf_str(&has), value) != 0))
		strbuf_addf(ret, "%.*s in " GRUB_CFG " %s; run update-grub", (int)strcspn(line, " \t"), line,
		            value[0] == '\0' ? "still has it" : there ? "has another value" : "lacks it");
}

static int grub_entries(const struct knob_ctx *c, const char *prefix, const char *value, struct strbuf *ret,
                        struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	bool ours = false; /* in the part of 10_linux; other parts boot other systems */

	strbuf_reset(ret);
	int r = fsio_read_file(c->fs, GRUB_CFG, FILE_MAX, &text, err);
	if (r < 0)
		return r;
	for (char *line = text.s; line != NULL && *line != '\0' && ret->len == 0;) {
		char *end = strchrnul(line, '\n');
		char *next = *end != '\0' ? end + 1 : end;
		*end = '\0';
		if (str_starts(line, "### BEGIN "))
			ours = str_ends(line, "/10_linux ###");
		const char *booted = ours ? command_line(line) : NULL;
		if (booted != NULL && !is_recovery(booted))
			judge_entry(booted, prefix, value, ret);
		line = next;
	}
	return ret->oom ? err_oom(err) : 0;
}

const struct boot_loader boot_grub = {
	.name = "grub",
	.is_here = grub_is_here,
	.staged = grub_staged,
	.stage = grub_stage,
	.take_effect = grub_take_effect,
	.foreign = grub_foreign,
	.entries = grub_entries,
};
