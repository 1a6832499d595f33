/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints hfttune-knobs(7) in scdoc's form from what the knobs say about themselves, so that the page cannot lag behind
 * the code. Runs when hfttune is built; must not look at the host it runs on.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/knobs/knob.h"

static const char *const risks[] = { "none", "low", "medium", "high", "very high" };

static const char *const effects[] = {
	[EFFECT_NOW] = "at once",
	[EFFECT_NEW_CONNECTIONS] = "for new sockets and connections",
	[EFFECT_NEXT_INTERRUPT] = "with the next interrupt",
	[EFFECT_RESTART] = "when the service or program starts again",
	[EFFECT_BOOT] = "at the next boot",
	[EFFECT_SLOW] = "slowly, or for what is made from now on",
};

static const char head[] =
	"hfttune-knobs(7)\n\n"
	"# NAME\n\n"
	"hfttune-knobs - the tunables that hfttune can set\n\n"
	"# DESCRIPTION\n\n"
	"A profile sets options of knobs, in sections *[PHASE/KNOB SELECTOR]*. What is not listed here cannot be set. "
	"The "
	"same text is shown by *hfttune explain* _KNOB.OPTION_.\n\n"
	"Each option says its unit and bounds, how much can go wrong, when a change takes effect, what to watch to "
	"see that "
	"it does, what else the kernel changes along with it (which hfttune reads before and puts back after; @ is the "
	"same device, \\* every other one), where the "
	"facts come from, and what to beware of. Risks are _none_, _low_, _medium_ (performance or a feature can "
	"suffer), "
	"_high_ (the network, the host's responsiveness or its diagnostics can be lost) and _very high_ (the host can "
	"hang, or a barrier against attackers goes).\n\n";

static const char tail[] =
	"# SEE ALSO\n\n"
	"*hfttune*(1), *hfttuned*(8)\n";

/* scdoc reads _ and * as markup, and a backslash as "the next one is text". */
static void print_text(const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("_*\\#`~|[]<>", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void print_field(const char *name, const char *text)
{
	if (!text || text[0] == '\0')
		return;
	printf("\t- %s: ", name);
	print_text(text);
	putchar('\n');
}

static const char *risk_text(int risk)
{
	return risk >= 0 && risk < (int)(sizeof(risks) / sizeof(risks[0])) ? risks[risk] : "unknown";
}

static void print_option(const struct knob_doc *d)
{
	printf("*");
	print_text(d->option);
	printf("*\n\t");
	print_text(d->summary);
	printf("\n\n");
	print_field("Unit", d->unit);
	print_field("Bounds", d->bounds);
	print_field("Risk", risk_text(d->risk));
	print_field("Takes effect", effects[d->effect]);
	print_field("Watch", d->counter);
	print_field("Changes too", d->changes);
	print_field("Beware", d->traps);
	printf("\t- Source: ");
	print_text(d->source);
	printf("\n\n");
}

static void print_knob(const struct knob *k)
{
	struct knob_doc d;

	printf("# KNOB ");
	print_text(k->name);
	printf("\n\n");
	print_text(k->summary);
	printf(". Selector: ");
	print_text(k->selector[0] != '\0' ? k->selector : "none");
	printf(".\n\n");
	for (size_t i = 0; k->explain(i, &d) == 0; i++)
		print_option(&d);
}

int main(void)
{
	fputs(head, stdout);
	for (size_t i = 0; i < n_knobs; i++)
		print_knob(knobs[i]);
	fputs(tail, stdout);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
