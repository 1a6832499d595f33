/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of the command line to verb, arguments and options. Must not open, print or ask anything. */
#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verbs.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

/* What the columns `needs` and `excludes` name. */
#define STANDALONE (OPT_BIT(OPT_STANDALONE) | OPT_BIT(OPT_ROOT))
#define PHASE OPT_BIT(OPT_PHASE)
#define PROFILE OPT_BIT(OPT_PROFILE)
#define TO OPT_BIT(OPT_TO)
#define FORCE OPT_BIT(OPT_FORCE)

const struct opt_row opt_rows[OPT_N] = {
	[OPT_JSON] = { "--json", NULL, false, 0, 0, WORD_NONE,
	               "one JSON object on standard output, also on an error" },
	[OPT_NO_COLOR] = { "--no-color", NULL, false, 0, 0, WORD_NONE,
	                   "no colour (NO_COLOR in the environment does the same)" },
	[OPT_SOCKET] = { "--socket", "PATH", false, 0, STANDALONE, WORD_FILE,
	                 "the daemon's socket" },
	[OPT_STANDALONE] = { "--standalone", NULL, false, 0, 0, WORD_NONE,
	                     "start a private hfttuned for this one command" },
	[OPT_ROOT] = { "--root", "DIR", false, 0, 0, WORD_DIR,
	               "read and write a copied tree, not this host (implies --standalone)" },
	[OPT_STATE_DIR] = { "--state-dir", "DIR", false, STANDALONE, 0, WORD_DIR,
	                    "with --standalone: where the journal is" },
	[OPT_PROFILE_DIR] = { "--profile-dir", "DIR", true, STANDALONE, 0, WORD_DIR,
	                      "with --standalone: where profiles are; may be repeated" },
	[OPT_HOST_CONF] = { "--host-conf", "FILE", false, STANDALONE, 0, WORD_FILE,
	                    "with --standalone: instead of /etc/hfttune/host.conf" },
	[OPT_HELP] = { "--help", NULL, false, 0, 0, WORD_NONE,
	               "this help; after a verb, that of the verb" },
	[OPT_VERSION] = { "--version", NULL, false, 0, 0, WORD_NONE,
	                  "the version of this program" },
	[OPT_PHASE] = { "--phase", "PHASE", true, 0, 0, WORD_PHASE,
	                "only this phase; may be repeated" },
	[OPT_SET] = { "--set", "NAME=VALUE", true, 0, 0, WORD_NONE,
	              "override cpus.NAME or variables.NAME; may be repeated" },
	[OPT_SWITCH] = { "--switch", NULL, false, 0, 0, WORD_NONE,
	                 "take out the layers of other profiles in the same transaction" },
	[OPT_KEEP] = { "--keep", NULL, false, 0, 0, WORD_NONE,
	               "on failure keep the phases that were done before the failed one" },
	[OPT_PROFILE] = { "--profile", "NAME", false, 0, PHASE, WORD_LAYER_PROFILE,
	                  "every layer of this profile" },
	[OPT_TO] = { "--to", "TXN", false, 0, PHASE | PROFILE, WORD_TXN,
	             "what came after this transaction" },
	[OPT_ALL] = { "--all", NULL, false, 0, PHASE | PROFILE | TO, WORD_NONE,
	              "every layer" },
	[OPT_FORCE] = { "--force", NULL, false, 0, 0, WORD_NONE,
	                "write the original over what somebody else wrote since" },
	[OPT_KEEP_THEIRS] = { "--keep-theirs", NULL, false, 0, FORCE, WORD_NONE,
	                      "leave what somebody else wrote since, and forget the original" },
	[OPT_SECONDS] = { "--seconds", "N", false, 0, 0, WORD_NONE,
	                  "how long to watch; 10 unless told, at most 3600" },
};

void options_done(struct options *o)
{
	strlist_done(&o->args);
	for (size_t i = 0; i < OPT_N; i++)
		strlist_done(&o->values[i]);
	*o = (struct options){ 0 };
}

bool options_has(const struct options *o, enum opt opt)
{
	return (o->given & OPT_BIT(opt)) != 0;
}

const char *options_value(const struct options *o, enum opt opt)
{
	const struct strlist *l = &o->values[opt];

	return l->n > 0 ? l->s[l->n - 1] : NULL;
}

const char *options_arg(const struct options *o, size_t i)
{
	return i < o->args.n ? o->args.s[i] : NULL;
}

/* --- the nearest candidate ---------------------------------------------------------------------------------------- */

#define WORD_LONGEST 32

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* How many letters must be changed, dropped, added or swapped (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_LONGEST + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	size_t na = strnlen(a, WORD_LONGEST), nb = strnlen(b, WORD_LONGEST);

	for (size_t j = 0; j <= nb; j++)
		above[j] = j;
	for (size_t i = 1; i <= na; i++) {
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
			if (swapped && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		size_t *free_row = before;
		before = above;
		above = row;
		row = free_row;
	}
	return above[nb];
}

const char *options_nearest(const char *word, const char *const *candidates, size_t n)
{
	const char *best = NULL;
	size_t least = strlen(word + strspn(word, "-")) / 3 + 1; /* more than this is another word */

	for (size_t i = 0; i < n; i++) {
		bool begins = strlen(word) >= 2 && str_starts(candidates[i], word) && !str_eq(word, "--");
		size_t d = begins ? 0 : distance(word, candidates[i]);
		if (d > least || (d == least && best != NULL))
			continue;
		least = d;
		best = candidates[i];
	}
	return best;
}

/* --- parsing ------------------------------------------------------------------------------------------------------ */

static int usage_error(struct hft_err *err, const char *subject, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int usage_error(struct hft_err *err, const char *subject, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vraise(err, ERR_INVALID_ARGUMENT, 0, subject, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int unknown_verb(const char *word, struct hft_err *err)
{
	const char *names[64];
	size_t n = 0;

	for (size_t i = 0; i < n_verbs && n < ARRAY_LEN(names); i++)
		if (!verbs[i].hidden)
			names[n++] = verbs[i].name;
	const char *near = options_nearest(word, names, n);
	usage_error(err, word, "unknown verb '%s'", word);
	if (near != NULL)
		err_hint(err, "did you mean '%s'?", near);
	else
		err_hint(err, "hfttune --help lists the verbs");
	return -EINVAL;
}

static int unknown_option(const struct options *o, const char *word, struct hft_err *err)
{
	unsigned allowed = o->verb != NULL ? OPT_GLOBAL | o->verb->options : ~0u;
	const char *names[OPT_N];
	size_t n = 0;

	for (size_t i = 0; i < OPT_N; i++)
		if ((allowed & OPT_BIT(i)) != 0)
			names[n++] = opt_rows[i].name;
	const char *near = options_nearest(word, names, n);
	usage_error(err, word, "unknown option '%s'", word);
	if (near != NULL)
		err_hint(err, "did you mean '%s'?", near);
	return -EINVAL;
}

/* The option that a word names, up to "=". OPT_N when there is none. */
static enum opt find_option(const char *word)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; i < OPT_N; i++)
		if (strlen(opt_rows[i].name) == len && memcmp(opt_rows[i].name, word, len) == 0)
			return (enum opt)i;
	return OPT_N;
}

/* NAME=VALUE with both halves, and no name twice. */
static int check_assignment(const struct strlist *before, const char *text, struct hft_err *err)
{
	size_t len = strcspn(text, "=");

	if (text[len] == '\0' || len == 0)
		return usage_error(err, text, "--set wants NAME=VALUE, not '%s'", text);
	for (size_t i = 0; i < before->n; i++)
		if (strncmp(before->s[i], text, len + 1) == 0)
			return usage_error(err, text, "--set gives '%.*s' twice", (int)len, text);
	return 0;
}

static int store(struct options *o, enum opt opt, const char *value, struct hft_err *err)
{
	const struct opt_row *row = &opt_rows[opt];
	struct strlist *values = &o->values[opt];

	if (row->arg != NULL && *value == '\0')
		return usage_error(err, row->name, "%s wants a %s that is not empty", row->name, row->arg);
	if (row->arg != NULL && !row->repeat && values->n > 0)
		return usage_error(err, row->name, "%s is given twice", row->name);
	if (opt == OPT_SET) {
		int r = check_assignment(values, value, err);
		if (r < 0)
			return r;
	}
	o->given |= OPT_BIT(opt) | (opt == OPT_ROOT ? OPT_BIT(OPT_STANDALONE) : 0);
	if (row->arg == NULL && values->n > 0)
		return 0;
	return strlist_add(values, value) < 0 ? err_oom(err) : 0;
}

/* One option at words[*i]; *i moves over an argument that is a word of its own. */
static int take_option(struct options *o, size_t n, const char *const *words, size_t *i, struct hft_err *err)
{
	const char *word = words[*i];
	enum opt opt = find_option(word);
	const char *value = strchr(word, '=');

	if (opt == OPT_N)
		return unknown_option(o, word, err);
	if (opt_rows[opt].arg == NULL && value != NULL)
		return usage_error(err, opt_rows[opt].name, "%s takes no argument", opt_rows[opt].name);
	if (opt_rows[opt].arg == NULL)
		return store(o, opt, "", err);
	if (value != NULL)
		return store(o, opt, value + 1, err);
	if (*i + 1 >= n)
		return usage_error(err, word, "%s wants a %s", word, opt_rows[opt].arg);
	return store(o, opt, words[++*i], err);
}

static int take_word(struct options *o, const char *word, struct hft_err *err)
{
	if (o->verb != NULL)
		return strlist_add(&o->args, word) < 0 ? err_oom(err) : 0;
	o->verb = verb_find(word);
	return o->verb != NULL ? 0 : unknown_verb(word, err);
}

/* Known behind an error too: a program that asked for JSON gets its usage error as JSON. */
static void notice_json(struct options *o, size_t n, const char *const *words)
{
	for (size_t i = 0; i < n && !str_eq(words[i], "--"); i++)
		if (str_eq(words[i], opt_rows[OPT_JSON].name))
			o->given |= OPT_BIT(OPT_JSON);
}

int options_parse(struct options *o, size_t n, const char *const *words, struct hft_err *err)
{
	bool only_words = false;

	notice_json(o, n, words);
	for (size_t i = 0; i < n; i++) {
		int r = 0;
		if (!only_words && str_eq(words[i], "--"))
			only_words = true;
		else if (!only_words && words[i][0] == '-' && words[i][1] != '\0')
			r = take_option(o, n, words, &i, err);
		else
			r = take_word(o, words[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- does it go together ------------------------------------------------------------------------------------------ */

static int check_option(const struct options *o, enum opt opt, struct hft_err *err)
{
	const struct opt_row *row = &opt_rows[opt];
	const struct verb *v = o->verb;

	if ((OPT_BIT(opt) & (OPT_GLOBAL | v->options)) == 0)
		return usage_error(err, row->name, "'%s' does not take %s", v->name, row->name);
	if ((OPT_BIT(opt) & v->with_arg) != 0 && o->args.n == 0)
		return usage_error(err, row->name, "%s makes sense only with an argument: %s", row->name, v->args);
	if (row->needs != 0 && (row->needs & o->given) == 0)
		return usage_error(err, row->name, "%s makes sense only with --standalone", row->name);
	for (size_t i = 0; i < OPT_N; i++)
		if ((row->excludes & o->given & OPT_BIT(i)) != 0)
			return usage_error(err, row->name, "%s and %s exclude each other", opt_rows[i].name, row->name);
	return 0;
}

/* Transactions are numbered from 1. */
static int check_txn(const char *text, struct hft_err *err)
{
	int64_t txn;

	if (text == NULL || num_parse_range(text, 1, INT32_MAX, &txn) == 0)
		return 0;
	usage_error(err, text, "'%s' is no transaction number", text);
	err_hint(err, "hfttune history lists them");
	return -EINVAL;
}

static int check_seconds(const char *text, struct hft_err *err)
{
	int64_t seconds;

	if (text == NULL || num_parse_range(text, 1, 3600, &seconds) == 0)
		return 0;
	return usage_error(err, text, "--seconds wants 1 to 3600, not '%s'", text);
}

static int check_words(const struct options *o, struct hft_err *err)
{
	const struct verb *v = o->verb;

	if (o->args.n < v->min_args)
		return usage_error(err, v->name, "'%s' wants %s", v->name, v->args);
	if (o->args.n > v->max_args)
		return usage_error(err, o->args.s[v->max_args], "'%s' is one word too many for '%s'",
		                   o->args.s[v->max_args], v->name);
	int r = check_txn(options_value(o, OPT_TO), err);
	if (r == 0)
		r = check_seconds(options_value(o, OPT_SECONDS), err);
	return r < 0 || v->completes != WORD_TXN ? r : check_txn(options_arg(o, 0), err);
}

int options_check(const struct options *o, struct hft_err *err)
{
	const struct verb *v = o->verb;

	if (v == NULL) {
		usage_error(err, NULL, "no verb given");
		err_hint(err, "hfttune --help lists the verbs");
		return -EINVAL;
	}
	for (size_t i = 0; i < OPT_N; i++) {
		int r = options_has(o, (enum opt)i) ? check_option(o, (enum opt)i, err) : 0;
		if (r < 0)
			return r;
	}
	return check_words(o, err);
}

/* --- and back to a command line ----------------------------------------------------------------------------------- */

/* Quoted for a POSIX shell where it has to be. */
static void add_quoted(struct strbuf *b, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	if (*word != '\0' && word[strspn(word, plain)] == '\0') {
		strbuf_add(b, word);
		return;
	}
	strbuf_addc(b, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			strbuf_add(b, "'\\''");
		else
			strbuf_addc(b, *word);
	}
	strbuf_addc(b, '\'');
}

static void add_options(const struct options *o, unsigned bits, struct strbuf *b)
{
	for (size_t i = 0; i < OPT_N; i++) {
		const struct strlist *values = &o->values[i];
		for (size_t j = 0; (bits & OPT_BIT(i)) != 0 && j < values->n; j++) {
			strbuf_addf(b, " %s", opt_rows[i].name);
			if (opt_rows[i].arg == NULL)
				continue;
			strbuf_addc(b, ' ');
			add_quoted(b, values->s[j]);
		}
	}
}

void options_command(const struct options *o, const char *verb, unsigned keep, bool with_args, struct strbuf *ret)
{
	unsigned not_again = OPT_BIT(OPT_JSON) | OPT_BIT(OPT_NO_COLOR) | OPT_BIT(OPT_HELP) | OPT_BIT(OPT_VERSION);

	strbuf_add(ret, "hfttune");
	add_options(o, OPT_GLOBAL & ~not_again, ret);
	strbuf_addf(ret, " %s", verb);
	for (size_t i = 0; with_args && i < o->args.n; i++) {
		strbuf_addc(ret, ' ');
		add_quoted(ret, o->args.s[i]);
	}
	add_options(o, keep & ~OPT_GLOBAL, ret);
}
