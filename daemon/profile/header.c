/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text between the brackets of a section into its parts. Must not expand or judge them: the names come later. */
#include "daemon/profile/parts.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

static const struct kind_row {
	const char *word;
	enum header_kind kind;
	size_t n_words; /* with the first one */
} kinds[] = {
	{ "profile",   HEADER_PROFILE,   1 },
	{ "cpus",      HEADER_CPUS,      1 },
	{ "variables", HEADER_VARIABLES, 1 },
	{ "phase",     HEADER_PHASE,     2 },
	{ "conffile",  HEADER_HOST,      1 },
	{ "redis-password", HEADER_HOST, 1 },
};

void header_done(struct header *h)
{
	free(h->phase);
	free(h->knob);
	free(h->selector);
	strlist_done(&h->conditions);
	*h = (struct header){ 0 };
}

static int parse_plain(const struct strlist *words, const struct place *at, struct header *ret, struct hft_err *err)
{
	const char *first = words->s[0];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!str_eq(first, kinds[i].word))
			continue;
		if (words->n != kinds[i].n_words)
			return profile_fail(err, at, first, kinds[i].n_words == 1 ? "[%s] takes nothing more" :
			                    "write [%s NAME]", first);
		ret->kind = kinds[i].kind;
		if (words->n == 2 && (ret->phase = strdup(words->s[1])) == NULL)
			return err_oom(err);
		return 0;
	}
	return profile_fail(err, at, first, "there is no section [%s]; settings stand in [PHASE/KNOB SELECTOR]", first);
}

/* Words i.. up to the first condition, with one blank between them. */
static size_t join_selector(const struct strlist *words, size_t i, struct strbuf *selector)
{
	for (const char *blank = ""; i < words->n && !str_starts(words->s[i], "if="); i++, blank = " ") {
		strbuf_add(selector, blank);
		strbuf_add(selector, words->s[i]);
	}
	return i;
}

static int parse_conditions(const struct strlist *words, size_t i, const struct place *at, struct header *ret,
                            struct hft_err *err)
{
	for (; i < words->n; i++) {
		const char *word = words->s[i];
		if (!str_starts(word, "if="))
			return profile_fail(err, at, word, "\"%s\" follows a condition; those come last", word);
		if (strlist_add(&ret->conditions, word + strlen("if=")) < 0)
			return err_oom(err);
	}
	return 0;
}

static int parse_settings(const struct strlist *words, const struct place *at, struct header *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf selector = { 0 };
	const char *first = words->s[0], *slash = strchr(first, '/');

	ret->kind = HEADER_SETTINGS;
	ret->phase = str_dup_n(first, (size_t)(slash - first));
	ret->knob = strdup(slash + 1);
	size_t i = join_selector(words, 1, &selector);
	ret->selector = strbuf_take(&selector);
	if (ret->phase == NULL || ret->knob == NULL || ret->selector == NULL)
		return err_oom(err);
	/* "[a/b if = virt]" would otherwise be a selector that matches nothing */
	if (str_eq(ret->selector, "if") || str_starts(ret->selector, "if ") || strstr(ret->selector, " if ") != NULL ||
	    str_ends(ret->selector, " if"))
		return profile_fail(err, at, ret->selector, "a condition is written if=CONDITION, without blanks");
	return parse_conditions(words, i, at, ret, err);
}

int header_parse(const char *text, const struct place *at, struct header *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };

	*ret = (struct header){ 0 };
	if (strlist_split(&words, text, " ") < 0)
		return err_oom(err);
	if (words.n == 0)
		return profile_fail(err, at, NULL, "the section header is empty");
	return strchr(words.s[0], '/') != NULL ? parse_settings(&words, at, ret, err) :
	                                         parse_plain(&words, at, ret, err);
}
