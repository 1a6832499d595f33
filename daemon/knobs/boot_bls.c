/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of the Boot Loader Specification that a program keeps: grubby on RHEL and Fedora, rpm-ostree where the system
 * is an image. Both take single parameters out and add others, and leave the rest as it is. Which ones are ours stands
 * in a file of ours: what shall be there, and what was handed over and may be there. Only the latter is taken out, each
 * with its value.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/knobs/boot.h"
#include "daemon/knobs/boot_bls.h"
#include "daemon/knobs/boot_entries.h"
#include "daemon/knobs/program.h"
#include "lib/base/durable.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define OURS "/etc/kernel/hfttune-parameters"
#define ENTRIES "/boot/loader/entries"
#define GRUBBY "/usr/sbin/grubby"
#define RPM_OSTREE "/usr/bin/rpm-ostree"
#define OSTREE_BOOTED "/run/ostree-booted"
#define FILE_MAX (64 * 1024)
#define DEADLINE_S 600 /* rpm-ostree makes a new deployment */

#define HEAD "# Kernel parameters of hfttune; `hfttune rollback` takes them out again.\n"

/* --- our file ----------------------------------------------------------------------------------------------------- */

struct record {
	struct strbuf wanted, given;
};

static void record_done(struct record *rec)
{
	strbuf_done(&rec->wanted);
	strbuf_done(&rec->given);
}

static void read_field(const char *text, const char *name, struct strbuf *ret)
{
	const char *at = strstr(text, name);

	if (at != NULL)
		strbuf_addn(ret, at + strlen(name), strcspn(at + strlen(name), "\n"));
}

static int read_record(const struct knob_ctx *c, struct record *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	int r = fsio_read_file(c->fs, OURS, FILE_MAX, &text, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	read_field(strbuf_str(&text), "\nwanted: ", &ret->wanted);
	read_field(strbuf_str(&text), "\ngiven: ", &ret->given);
	return ret->wanted.oom || ret->given.oom ? err_oom(err) : 0;
}

static int write_record(const struct knob_ctx *c, const char *wanted, const char *given, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	if (wanted[0] == '\0' && given[0] == '\0')
		return fsio_exists(c->fs, OURS) ? durable_remove(c->fs, OURS, err) : 0;
	strbuf_addf(&text, HEAD "wanted: %s\ngiven: %s\n", wanted, given);
	return text.oom ? err_oom(err) : durable_replace_in_dir(c->fs, OURS, text.s, text.len, 0644, err);
}

static int bls_staged(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(record_done) struct record rec = { 0 };

	strbuf_reset(ret);
	int r = read_record(c, &rec, err);
	strbuf_add(ret, strbuf_str(&rec.wanted));
	return r < 0 ? r : ret->oom ? err_oom(err) : 0;
}

static int bls_stage(const struct knob_ctx *c, const char *line, struct hft_err *err)
{
	CLEANUP(record_done) struct record rec = { 0 };

	int r = read_record(c, &rec, err);
	return r < 0 ? r : write_record(c, line, strbuf_str(&rec.given), err);
}

/* --- the programs ------------------------------------------------------------------------------------------------- */

int boot_bls_command(bool ostree, const char *given, const char *wanted, struct strlist *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist out = { 0 };
	CLEANUP(strlist_done) struct strlist in = { 0 };
	int r = strlist_split(&out, given, " ") | strlist_split(&in, wanted, " ");

	r |= strlist_add(ret, ostree ? RPM_OSTREE : GRUBBY) | strlist_add(ret, ostree ? "kargs" : "--update-kernel=ALL");
	if (!ostree && given[0] != '\0')
		r |= strlist_take(ret, str_printf("--remove-args=%s", given));
	if (!ostree && wanted[0] != '\0')
		r |= strlist_take(ret, str_printf("--args=%s", wanted));
	for (size_t i = 0; ostree && i < out.n; i++)
		r |= strlist_take(ret, str_printf("--delete-if-present=%s", out.s[i]));
	for (size_t i = 0; ostree && i < in.n; i++)
		r |= strlist_take(ret, str_printf("--append-if-missing=%s", in.s[i]));
	return r < 0 ? err_oom(err) : 0;
}

static bool is_ostree(const struct knob_ctx *c)
{
	return fsio_exists(c->fs, OSTREE_BOOTED) && fsio_exists(c->fs, RPM_OSTREE);
}

static int run_command(const struct knob_ctx *c, const char *given, const char *wanted, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist args = { 0 };

	int r = boot_bls_command(is_ostree(c), given, wanted, &args, err);
	if (r < 0)
		return r;
	const char **argv = calloc(args.n + 1, sizeof(*argv));
	if (argv == NULL)
		return err_oom(err);
	memcpy(argv, args.s, args.n * sizeof(*argv));
	r = program_run(c, argv, DEADLINE_S, err);
	free(argv);
	return r;
}

/* What is about to be handed over counts as given before the program runs: it may be killed half-way. */
static int bls_take_effect(const struct knob_ctx *c, struct hft_err *err)
{
	CLEANUP(record_done) struct record rec = { 0 };
	CLEANUP(strbuf_done) struct strbuf both = { 0 };

	int r = read_record(c, &rec, err);
	if (r < 0 || (rec.given.len == 0 && rec.wanted.len == 0))
		return r;
	const char *given = strbuf_str(&rec.given), *wanted = strbuf_str(&rec.wanted);
	strbuf_addf(&both, "%s%s%s", given, rec.given.len > 0 && rec.wanted.len > 0 ? " " : "", wanted);
	r = both.oom ? err_oom(err) : write_record(c, wanted, strbuf_str(&both), err);
	if (r == 0)
		r = run_command(c, given, wanted, err);
	return r == 0 ? write_record(c, wanted, wanted, err) : r;
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static struct boot_entries entries_of(const struct knob_ctx *c)
{
	return (struct boot_entries){ .dir = ENTRIES, .newest_only = is_ostree(c) };
}

static bool bls_is_here(const struct knob_ctx *c)
{
	return (fsio_exists(c->fs, GRUBBY) || is_ostree(c)) && fsio_exists(c->fs, ENTRIES);
}

static int bls_foreign(const struct knob_ctx *c, const char *prefix, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(record_done) struct record rec = { 0 };
	const struct boot_entries e = entries_of(c);

	int r = read_record(c, &rec, err);
	return r < 0 ? r : boot_entries_foreign(c, &e, prefix, strbuf_str(&rec.given), ret, err);
}

static int bls_entries(const struct knob_ctx *c, const char *prefix, const char *value, struct strbuf *ret,
                       struct hft_err *err)
{
	const struct boot_entries e = entries_of(c);

	return boot_entries_judge(c, &e, prefix, value, ret, err);
}

const struct boot_loader boot_bls = {
	.name = "bls",
	.wants = ENTRIES " with " GRUBBY " or " RPM_OSTREE,
	.staging = OURS,
	.is_here = bls_is_here,
	.staged = bls_staged,
	.stage = bls_stage,
	.take_effect = bls_take_effect,
	.foreign = bls_foreign,
	.entries = bls_entries,
};
