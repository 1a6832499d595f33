/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd-boot: kernel-install(8) makes an entry for each kernel, with the parameters in /etc/kernel/cmdline. That file
 * is somebody else's: ours stand behind theirs, the original is kept beside it, and comes back, the very file, unless
 * they have changed theirs meanwhile. What is in the file and was not in the original is ours.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/knobs/boot.h"
#include "daemon/knobs/boot_entries.h"
#include "daemon/knobs/program.h"
#include "lib/base/durable.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define CMDLINE "/etc/kernel/cmdline"
#define KERNEL_INSTALL "/usr/bin/kernel-install"
#define MODULES "/lib/modules"
#define FILE_MAX (64 * 1024)
#define DEADLINE_S 300 /* it may make an initrd */

/* Where the loader has its files: the boot partition, by the places that bootctl(1) looks at. */
static const char *entries_dir(const struct knob_ctx *c)
{
	static const struct {
		const char *conf, *entries;
	} places[] = {
		{ "/efi/loader/loader.conf",      "/efi/loader/entries"      },
		{ "/boot/loader/loader.conf",     "/boot/loader/entries"     },
		{ "/boot/efi/loader/loader.conf", "/boot/efi/loader/entries" },
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (fsio_exists(c->fs, places[i].conf))
			return places[i].entries;
	return NULL;
}

static bool sdboot_is_here(const struct knob_ctx *c)
{
	return fsio_exists(c->fs, CMDLINE) && fsio_exists(c->fs, KERNEL_INSTALL) && entries_dir(c) != NULL;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

struct texts {
	struct strbuf now, original; /* the same when none is kept */
};

static void texts_done(struct texts *t)
{
	strbuf_done(&t->now);
	strbuf_done(&t->original);
}

static int read_texts(const struct knob_ctx *c, struct texts *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *kept = NULL;

	int r = fsio_read_file(c->fs, CMDLINE, FILE_MAX, &ret->now, err);
	if (r == 0)
		r = durable_original(CMDLINE, &kept, err);
	if (r < 0)
		return r;
	r = fsio_read_file(c->fs, kept, FILE_MAX, &ret->original, err);
	if (r != -ENOENT)
		return r;
	strbuf_reset(&ret->original);
	strbuf_add(&ret->original, strbuf_str(&ret->now));
	return ret->original.oom ? err_oom(err) : 0;
}

static void ours_in(const struct texts *t, struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf value = { 0 };
	CLEANUP(strbuf_done) struct strbuf line = { 0 };

	strbuf_reset(ret);
	for (size_t i = 0; i < n_boot_rows; i++) {
		if (boot_names(strbuf_str(&t->original), boot_rows[i].prefix))
			continue;
		boot_value_in(strbuf_str(&t->now), &boot_rows[i], &value);
		boot_line_with(strbuf_str(ret), &boot_rows[i], strbuf_str(&value), &line);
		strbuf_reset(ret);
		strbuf_add(ret, strbuf_str(&line));
	}
	ret->oom = ret->oom || value.oom || line.oom;
}

/* Cut each word of ours, with the blank before it, out of the text. */
static void cut(struct strbuf *text, const char *ours)
{
	for (const char *word = ours; *word != '\0'; word += strspn(word, " ")) {
		size_t n = strcspn(word, " ");
		for (char *p = text->s; (p = memmem(p, strlen(p), word, n)) != NULL; p++) {
			if (strchr(" \t\n", p[n]) == NULL || p == text->s || strchr(" \t", p[-1]) == NULL)
				continue;
			memmove(p - 1, p + n, strlen(p + n) + 1);
			text->len -= n + 1;
			break;
		}
		word += n;
	}
}

static int sdboot_staged(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(texts_done) struct texts t = { 0 };

	int r = read_texts(c, &t, err);
	if (r < 0)
		return r;
	ours_in(&t, ret);
	return ret->oom ? err_oom(err) : 0;
}

static int put_back(const struct knob_ctx *c, const struct texts *t, struct hft_err *err)
{
	if (strcmp(strbuf_str(&t->now), strbuf_str(&t->original)) == 0)
		return durable_restore(c->fs, CMDLINE, err);
	int r = durable_edit(c->fs, CMDLINE, strbuf_str(&t->now), t->now.len, err);
	return r < 0 ? r : durable_forget(c->fs, CMDLINE, err);
}

static int sdboot_stage(const struct knob_ctx *c, const char *line, struct hft_err *err)
{
	CLEANUP(texts_done) struct texts t = { 0 };
	CLEANUP(strbuf_done) struct strbuf ours = { 0 };

	int r = read_texts(c, &t, err);
	if (r < 0)
		return r;
	ours_in(&t, &ours);
	if (ours.oom)
		return err_oom(err);
	cut(&t.now, strbuf_str(&ours));
	if (line[0] == '\0')
		return put_back(c, &t, err);
	/* Before the newline at the end, so that cutting it out gives the very text again. */
	size_t end = t.now.len > 0 && t.now.s[t.now.len - 1] == '\n' ? t.now.len - 1 : t.now.len;
	CLEANUP(mem_freep) char *text = str_printf("%.*s %s%s", (int)end, strbuf_str(&t.now), line, strbuf_str(&t.now) + end);
	return text == NULL ? err_oom(err) : durable_edit(c->fs, CMDLINE, text, strlen(text), err);
}

/* --- the program -------------------------------------------------------------------------------------------------- */

static int install(const struct knob_ctx *c, const char *version, struct hft_err *err)
{
	CLEANUP(mem_freep) char *image = str_printf(MODULES "/%s/vmlinuz", version);
	CLEANUP(mem_freep) char *in_boot = str_printf("/boot/vmlinuz-%s", version);

	if (image == NULL || in_boot == NULL)
		return err_oom(err);
	const char *found = fsio_exists(c->fs, image) ? image : in_boot;
	const char *const argv[] = { KERNEL_INSTALL, "add", version, found, NULL };
	return fsio_exists(c->fs, found) ? program_run(c, argv, DEADLINE_S, err) : 0; /* modules without a kernel */
}

static int sdboot_take_effect(const struct knob_ctx *c, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist versions = { 0 };

	int r = fsio_list(c->fs, MODULES, &versions, err);
	for (size_t i = 0; r == 0 && i < versions.n; i++)
		r = install(c, versions.s[i], err);
	return r;
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static int sdboot_foreign(const struct knob_ctx *c, const char *prefix, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(texts_done) struct texts t = { 0 };

	strbuf_reset(ret);
	int r = read_texts(c, &t, err);
	if (r == 0 && boot_names(strbuf_str(&t.original), prefix))
		strbuf_add(ret, CMDLINE ":1");
	return r;
}

static int sdboot_entries(const struct knob_ctx *c, const char *prefix, const char *value, struct strbuf *ret,
                          struct hft_err *err)
{
	return boot_entries_judge(c, &(struct boot_entries){ .dir = entries_dir(c) }, prefix, value, ret, err);
}

const struct boot_loader boot_sdboot = {
	.name = "systemd-boot",
	.wants = CMDLINE ", " KERNEL_INSTALL " and loader/loader.conf on the boot partition",
	.staging = CMDLINE,
	.is_here = sdboot_is_here,
	.staged = sdboot_staged,
	.stage = sdboot_stage,
	.take_effect = sdboot_take_effect,
	.foreign = sdboot_foreign,
	.entries = sdboot_entries,
};
