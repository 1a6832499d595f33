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

/* A directory that we make comes and goes with the file; the file says whether we made it. */
static int grub_stage(const struct knob_ctx *c, const char *line, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	int r = read_ours(c, &text, err);
	if (r < 0)
		return r;
	bool made_dir = !fsio_exists(c->fs, DROPINS) || strstr(strbuf_str(&text), MADE_DIR) != NULL;
	if (line[0] == '\0')
		return made_dir ? durable_remove_with_dir(c->fs, OURS, err) : durable_remove(c->fs, OURS, err);
	strbuf_reset(&text);
	strbuf_addf(&text, HEAD "%s" BEFORE_LINE "%s" AFTER_LINE, made_dir ? MADE_DIR : "", line);
	return text.oom ? err_oom(err) : durable_replace_in_dir(c->fs, OURS, text.s, text.len, 0644, err);
}

static int grub_take_effect(const struct knob_ctx *c, struct hft_err *err)
{
	static const char *const update_grub[] = { UPDATE_GRUB, NULL };

	return program_run(c, update_grub, DEADLINE_S, err);
}

/* --- what others say ---------------------------------------------------------------------------------------------- */

/*
 * Does a line of shell set it? Whatever variable it goes through ("MINE='isolcpus=2'", "export GRUB_CMDLINE_LINUX=..."),
 * it is a word of its own once quotes, separators and the "NAME=" before it are blanks. Xen's own parameters are not the
 * kernel's.
 */
static bool line_sets(char *line, const char *prefix)
{
	line += strspn(line, " \t");
	if (line[0] == '#' || strncmp(line, "GRUB_CMDLINE_XEN", strlen("GRUB_CMDLINE_XEN")) == 0)
		return false;
	char *comment = strstr(line, " #");
	if (comment != NULL)
		*comment = '\0';
	for (char *p = line; (p = strpbrk(p, "\"'`;(){}\\")) != NULL;)
		*p = ' ';
	if (boot_names(line, prefix))
		return true;
	char *value = strchr(line, '=');
	return value != NULL && boot_names(value + 1, prefix);
}

static int look_in(const struct knob_ctx *c, const char *path, const char *prefix, struct strbuf *ret,
                   struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	char *rest = NULL;
	unsigned n = 0;

	int r = fsio_read_file(c->fs, path, FILE_MAX, &text, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (char *line = text.s; line != NULL && ret->len == 0; line = rest) {
		rest = strchr(line, '\n');
		if (rest != NULL)
			*rest++ = '\0';
		n++;
		if (line_sets(line, prefix))
			strbuf_addf(ret, "%s:%u", path, n);
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
		if (str_ends(path, ".cfg") && names.s[i][0] != '.' && strcmp(path, OURS) != 0)
			r = look_in(c, path, prefix, ret, err);
	}
	return r;
}

/* --- what will be booted ------------------------------------------------------------------------------------------ */

/* The scripts that make entries of this system's kernels: 10_linux, 20_linux_xen, 10_linux_zfs; not 30_os-prober. */
static bool is_linux_part(const char *line)
{
	return str_match("### BEGIN /etc/grub.d/*_linux* ###", line);
}

/* "	linux	/boot/vmlinuz-6.1.0-56-amd64 root=... ro quiet", and under Xen "	module2	/boot/vmlinuz-...
 * placeholder root=...": the kernel's file and command line, or NULL. */
static const char *command_line(const char *line)
{
	static const char *const commands[] = { "linux", "linux16", "linuxefi", "module", "module2", "xen_module" };

	line += strspn(line, " \t");
	size_t n = strcspn(line, " \t");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strlen(commands[i]) != n || strncmp(line, commands[i], n) != 0)
			continue;
		if (commands[i][0] != 'l' && strstr(line, " placeholder ") == NULL) /* an initrd, or a policy */
			return NULL;
		line += n;
		return line + strspn(line, " \t");
	}
	return NULL;
}

/* For hosts that do not come up: it does not get what GRUB_CMDLINE_LINUX_DEFAULT says. */
static bool is_recovery(const char *line)
{
	return boot_names(line, "single") || boot_names(line, "recovery");
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
	bool is_linux = false;
	char *rest = NULL;
	size_t n = 0;

	strbuf_reset(ret);
	int r = fsio_read_file(c->fs, GRUB_CFG, FILE_MAX, &text, err);
	if (r < 0)
		return r;
	for (char *line = text.s; line != NULL && ret->len == 0; line = rest) {
		rest = strchr(line, '\n');
		if (rest != NULL)
			*rest++ = '\0';
		if (str_starts(line, "### BEGIN "))
			is_linux = is_linux_part(line);
		const char *booted = is_linux ? command_line(line) : NULL;
		if (booted == NULL || is_recovery(booted))
			continue;
		n++;
		judge_entry(booted, prefix, value, ret);
	}
	if (n == 0)
		strbuf_add(ret, "no entry in " GRUB_CFG " that boots a kernel of this system");
	return ret->oom ? err_oom(err) : 0;
}

const struct boot_loader boot_grub = {
	.name = "grub",
	.wants = DEFAULTS " and " GRUB_CFG,
	.staging = OURS,
	.is_here = grub_is_here,
	.staged = grub_staged,
	.stage = grub_stage,
	.take_effect = grub_take_effect,
	.foreign = grub_foreign,
	.entries = grub_entries,
};
