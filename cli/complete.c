/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Candidates for the last word. Must not print errors: a person is in the middle of typing. */
#include "cli/complete.h"

#include <string.h>

#include "cli/client.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "cli/views.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

#define ANSWER_MS 2000

struct candidates {
	const char *prefix; /* what has been typed of the word */
	struct strlist list;
	struct options typed; /* the words before it */
};

static void offer(struct candidates *c, const char *word)
{
	if (str_starts(word, c->prefix) && !str_has_control(word, strlen(word)) && !strlist_has(&c->list, word))
		(void)strlist_add(&c->list, word); /* out of memory: one candidate fewer */
}

/* --- asking the daemon -------------------------------------------------------------------------------------------- */

static void ask(const struct candidates *c, const char *method, struct merged *ret)
{
	CLEANUP(client_done) struct client client = CLIENT_NONE;
	struct call call = { .method = method, .timeout_ms = ANSWER_MS };
	struct hft_err silent = { 0 };

	if (client_open(&client, &c->typed, &silent) == 0)
		(void)client_call(&client, &call, ret, &silent);
}

static void offer_profiles(struct candidates *c)
{
	CLEANUP(merged_done) struct merged m = { 0 };

	ask(c, CLIENT_METHODS "Profiles", &m);
	for (const struct json *p = json_first(json_get(m.reply, "profiles")); p != NULL; p = json_next(p))
		offer(c, view_str(p, "name"));
}

static void offer_profile_phases(struct candidates *c, const char *profile)
{
	CLEANUP(merged_done) struct merged m = { 0 };

	ask(c, CLIENT_METHODS "Profiles", &m);
	for (const struct json *p = json_first(json_get(m.reply, "profiles")); p != NULL; p = json_next(p)) {
		if (!str_eq(view_str(p, "name"), profile))
			continue;
		for (const struct json *ph = json_first(json_get(p, "phases")); ph != NULL; ph = json_next(ph))
			offer(c, json_string(ph, ""));
	}
}

static void offer_layers(struct candidates *c, const char *member)
{
	CLEANUP(merged_done) struct merged m = { 0 };

	ask(c, CLIENT_METHODS "Status", &m);
	for (const struct json *l = json_first(json_get(m.reply, "layers")); l != NULL; l = json_next(l))
		offer(c, view_str(l, member));
}

static void offer_phases(struct candidates *c)
{
	const char *profile = options_arg(&c->typed, 0);

	if (profile != NULL)
		offer_profile_phases(c, profile);
	else
		offer_layers(c, "phase");
}

static void offer_knobs(struct candidates *c)
{
	CLEANUP(merged_done) struct merged m = { 0 };

	ask(c, CLIENT_METHODS "Explain", &m);
	for (const struct json *row = json_first(json_get(m.reply, "rows")); row != NULL; row = json_next(row)) {
		CLEANUP(strbuf_done) struct strbuf whole = { 0 };
		strbuf_addf(&whole, "%s.%s", view_str(row, "knob"), view_str(row, "option"));
		offer(c, view_str(row, "knob"));
		offer(c, strbuf_str(&whole));
	}
}

static void offer_transactions(struct candidates *c)
{
	CLEANUP(merged_done) struct merged m = { 0 };

	ask(c, CLIENT_METHODS "History", &m);
	for (const struct json *x = json_first(json_get(m.reply, "transactions")); x != NULL; x = json_next(x)) {
		CLEANUP(strbuf_done) struct strbuf number = { 0 };
		strbuf_addf(&number, "%lld", view_int(x, "txn"));
		offer(c, strbuf_str(&number));
	}
}

/* --- which kind of word ------------------------------------------------------------------------------------------- */

static void offer_kind(struct candidates *c, enum word_kind kind)
{
	switch (kind) {
	case WORD_NONE:
		break;
	case WORD_PROFILE:
		offer_profiles(c);
		break;
	case WORD_LAYER_PROFILE:
		offer_layers(c, "profile");
		break;
	case WORD_PHASE:
		offer_phases(c);
		break;
	case WORD_KNOB:
		offer_knobs(c);
		break;
	case WORD_TXN:
		offer_transactions(c);
		break;
	case WORD_FILE:
	case WORD_DIR:
		c->prefix = "";
		offer(c, kind == WORD_FILE ? ":file" : ":dir");
		break;
	}
}

static void offer_options(struct candidates *c)
{
	const struct verb *verb = c->typed.verb;
	unsigned allowed = OPT_GLOBAL | (verb != NULL ? verb->options : 0);

	for (size_t i = 0; i < OPT_N; i++) {
		bool again = opt_rows[i].repeat || c->typed.values[i].n == 0;
		bool excluded = (opt_rows[i].excludes & c->typed.given) != 0;
		bool needs_more = opt_rows[i].needs != 0 && (opt_rows[i].needs & c->typed.given) == 0;
		if ((allowed & OPT_BIT(i)) != 0 && again && !excluded && !needs_more)
			offer(c, opt_rows[i].name);
	}
}

static void offer_words(struct candidates *c)
{
	const struct verb *verb = c->typed.verb;

	if (str_starts(c->prefix, "-")) {
		offer_options(c);
		return;
	}
	for (size_t i = 0; verb == NULL && i < n_verbs; i++)
		if (!verbs[i].hidden)
			offer(c, verbs[i].name);
	if (verb != NULL && c->typed.args.n < verb->max_args)
		offer_kind(c, verb->completes);
	if (verb != NULL && c->list.n == 0 && *c->prefix == '\0')
		offer_options(c);
}

/* The option whose argument is being typed: the word before, when it wants one. */
static const struct opt_row *open_option(const struct strlist *words)
{
	for (size_t i = 0; words->n >= 2 && i < OPT_N; i++)
		if (opt_rows[i].arg != NULL && str_eq(opt_rows[i].name, words->s[words->n - 2]))
			return &opt_rows[i];
	return NULL;
}

int complete_run(const struct options *o, struct out *out)
{
	const struct strlist *words = &o->args;
	struct candidates c = { .prefix = words->n > 0 ? words->s[words->n - 1] : "" };
	const struct opt_row *open = open_option(words);
	size_t before = words->n == 0 ? 0 : words->n - 1 - (open != NULL);

	(void)options_parse(&c.typed, before, (const char *const *)words->s, NULL); /* as far as it makes sense */
	if (open != NULL)
		offer_kind(&c, open->kind);
	else
		offer_words(&c);

	CLEANUP(strbuf_done) struct strbuf lines = { 0 };
	for (size_t i = 0; i < c.list.n; i++)
		strbuf_addf(&lines, "%s\n", c.list.s[i]);
	out_say(out, "candidates", strbuf_str(&lines));
	strlist_done(&c.list);
	options_done(&c.typed);
	return 0;
}
