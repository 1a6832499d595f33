/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help and usage from the tables. Nothing about a verb or an option is said here a second time. */
#include "cli/help.h"

#include <string.h>

#include "cli/text.h"
#include "cli/verbs.h"
#include "lib/base/mem.h"
#include "lib/proto/codes.h"

#define NAME_COLUMN 26

const struct exit_row exit_rows[] = {
	{ EXIT_DONE, "done; nothing differs" },
	{ EXIT_FAILED, "failed; what was begun has been undone" },
	{ EXIT_USAGE, "wrong usage, or the profile is invalid" },
	{ EXIT_DIFFERS, "differences: the plan has changes, verify found drift" },
	{ EXIT_REFUSED, "refused: not permitted, conflict, another transaction open or stuck" },
	{ EXIT_REBOOT, "done, and a reboot is needed before all of it holds" },
	{ EXIT_NO_DAEMON, "no daemon at the socket" },
	{ EXIT_NOT_UNDONE, "failed and not wholly undone; 'hfttune status' names the objects" },
	{ 130, "interrupted (128 + signal): only the waiting; hfttuned goes on" },
};
const size_t n_exit_rows = ARRAY_LEN(exit_rows);

static void add_option(struct strbuf *b, const struct opt_row *row)
{
	strbuf_addf(b, " [%s%s%s]%s", row->name, row->arg != NULL ? " " : "", row->arg != NULL ? row->arg : "",
	            row->repeat ? "..." : "");
}

void help_usage(struct text *t, const struct verb *verb)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	CLEANUP(strbuf_done) struct strbuf lead = { 0 };

	strbuf_addf(&lead, "usage: hfttune %s", verb != NULL ? verb->name : "[OPTION]...");
	strbuf_add(&b, verb != NULL ? verb->args : "VERB [ARGUMENT] [OPTION]...");
	for (size_t i = 0; verb != NULL && i < OPT_N; i++)
		if ((verb->options & OPT_BIT(i)) != 0)
			add_option(&b, &opt_rows[i]);
	strbuf_trim(&b);
	strbuf_add(&lead, b.len > 0 ? " " : "");
	text_wrap(t, 0, strbuf_str(&lead), strbuf_str(&b));
}

/* "  name and argument     what it is", wrapped behind the column. */
static void add_entry(struct text *t, const char *name, const char *arg, const char *summary)
{
	CLEANUP(strbuf_done) struct strbuf lead = { 0 };

	strbuf_addf(&lead, "%s%s%s", name, *arg != '\0' ? " " : "", arg);
	while (lead.len < NAME_COLUMN && !lead.oom)
		strbuf_addc(&lead, ' ');
	if (lead.len > NAME_COLUMN)
		strbuf_add(&lead, "  ");
	text_wrap(t, 2, strbuf_str(&lead), summary);
}

static void add_heading(struct text *t, const char *title)
{
	text_nl(t);
	text_styled(t, STYLE_BOLD, "%s", title);
	text_nl(t);
}

static void add_options(struct text *t, const char *title, unsigned bits)
{
	if (bits == 0)
		return;
	add_heading(t, title);
	for (size_t i = 0; i < OPT_N; i++)
		if ((bits & OPT_BIT(i)) != 0)
			add_entry(t, opt_rows[i].name, opt_rows[i].arg != NULL ? opt_rows[i].arg : "",
			          opt_rows[i].summary);
}

static void print_program(struct text *t)
{
	CLEANUP(strbuf_done) struct strbuf number = { 0 };

	help_usage(t, NULL);
	text_nl(t);
	text_line(t, "Tune this host for low latency, prove what was done, and take all of it back.");
	add_heading(t, "Verbs");
	for (size_t i = 0; i < n_verbs; i++)
		if (!verbs[i].hidden)
			add_entry(t, verbs[i].name, verbs[i].args, verbs[i].summary);
	add_options(t, "Options of every verb", OPT_GLOBAL);
	add_heading(t, "Exit status");
	for (size_t i = 0; i < n_exit_rows; i++) {
		strbuf_reset(&number);
		strbuf_addf(&number, "%-5d", exit_rows[i].status);
		text_wrap(t, 2, strbuf_str(&number), exit_rows[i].meaning);
	}
	text_nl(t);
	text_wrap(t, 0, "", "'hfttune VERB --help' says more. Manual pages: hfttune(1), hfttune-profile(5), "
	                    "hfttune-knobs(7).");
}

void help_print(struct text *t, const struct verb *verb)
{
	if (verb == NULL) {
		print_program(t);
		return;
	}
	help_usage(t, verb);
	text_nl(t);
	text_wrap(t, 0, "", verb->summary);
	if (verb->details != NULL) {
		text_nl(t);
		text_wrap(t, 0, "", verb->details);
	}
	add_options(t, "Options", verb->options);
	text_nl(t);
	text_line(t, "'hfttune --help' lists the options of every verb.");
}
