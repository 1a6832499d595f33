/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/options: what is understood, what is refused and with which word, and the way back to a command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/verbs.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

#define WORDS_MAX 16

/* Parse and check a line split at blanks ("_" stands for an empty word). */
static int parse(struct options *o, const char *line, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };
	const char *w[WORDS_MAX];

	assert_int_equal(strlist_split(&words, line, " "), 0);
	for (size_t i = 0; i < words.n; i++)
		w[i] = strcmp(words.s[i], "_") == 0 ? "" : words.s[i];
	int r = options_parse(o, words.n, w, err);
	return r < 0 ? r : options_check(o, err);
}

static void test_understands(void **state)
{
	CLEANUP(options_done) struct options o = { 0 };
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(parse(&o, "--json plan --phase a demo --set=x=1=2 --phase b --set y=", &err), 0);
	assert_string_equal(o.verb->name, "plan");
	assert_int_equal(o.args.n, 1);
	assert_string_equal(options_arg(&o, 0), "demo");
	assert_null(options_arg(&o, 1));
	assert_true(options_has(&o, OPT_JSON));
	assert_false(options_has(&o, OPT_SWITCH));
	assert_int_equal(o.values[OPT_PHASE].n, 2);
	assert_string_equal(o.values[OPT_PHASE].s[1], "b");
	assert_string_equal(o.values[OPT_SET].s[0], "x=1=2");
	assert_string_equal(o.values[OPT_SET].s[1], "y=");
}

static void test_root_implies_standalone(void **state)
{
	CLEANUP(options_done) struct options o = { 0 };
	(void)state;

	assert_int_equal(parse(&o, "--root /t --state-dir /s --profile-dir a --profile-dir b status", NULL), 0);
	assert_true(options_has(&o, OPT_STANDALONE));
	assert_int_equal(o.values[OPT_PROFILE_DIR].n, 2);
}

static void test_words_after_dashes(void **state)
{
	CLEANUP(options_done) struct options o = { 0 };
	(void)state;

	assert_int_equal(parse(&o, "complete -- --json plan", NULL), 0);
	assert_false(options_has(&o, OPT_JSON));
	assert_int_equal(o.args.n, 2);
}

struct refusal {
	const char *line;
	const char *subject;
};

static const struct refusal refusals[] = {
	{ "", "" },
	{ "plam", "plam" },
	{ "help", "help" },
	{ "doctor --seconds 0", "0" },
	{ "confirm", "confirm" },
	{ "plan", "plan" },
	{ "plan a b", "b" },
	{ "status x", "x" },
	{ "plan a --phse x", "--phse" },
	{ "plan a -p x", "-p" },
	{ "plan a --phase", "--phase" },
	{ "plan a --phase _", "--phase" },
	{ "plan a --force", "--force" },
	{ "apply a --confirm-within 60s", "--confirm-within" },
	{ "plan a --set x", "x" },
	{ "plan a --set =x", "=x" },
	{ "plan a --set x=1 --set x=2", "x=2" },
	{ "apply a --keep=yes", "--keep" },
	{ "verify --phase x", "--phase" },
	{ "verify --set x=1", "--set" },
	{ "rollback --profile a --profile b", "--profile" },
	{ "rollback --all --to 3", "--all" },
	{ "rollback --phase x --profile y", "--profile" },
	{ "rollback --force --keep-theirs", "--keep-theirs" },
	{ "rollback --to 0", "0" },
	{ "rollback --to 3x", "3x" },
	{ "history -- -1", "-1" },
	{ "history x", "x" },
	{ "status --state-dir /x", "--state-dir" },
	{ "status --socket /x --standalone", "--socket" },
	{ "status --socket /x --root /y", "--socket" },
};

static void test_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		CLEANUP(options_done) struct options o = { 0 };
		struct hft_err err = { 0 };
		assert_int_equal(parse(&o, refusals[i].line, &err), -EINVAL);
		assert_string_equal(err.code, ERR_INVALID_ARGUMENT);
		assert_string_equal(err.subject, refusals[i].subject);
	}
}

static void test_verify_takes_phases_with_a_profile(void **state)
{
	CLEANUP(options_done) struct options o = { 0 };
	(void)state;
	assert_int_equal(parse(&o, "verify demo --phase x --set a=1", NULL), 0);
}

static void test_json_is_noticed_behind_an_error(void **state)
{
	CLEANUP(options_done) struct options o = { 0 };
	(void)state;

	assert_int_equal(parse(&o, "plam --json", NULL), -EINVAL);
	assert_true(options_has(&o, OPT_JSON));
}

static void assert_hint(const char *line, const char *candidate)
{
	CLEANUP(options_done) struct options o = { 0 };
	struct hft_err err = { 0 };

	assert_int_equal(parse(&o, line, &err), -EINVAL);
	if (candidate != NULL)
		assert_non_null(strstr(err.hint, candidate));
	else
		assert_null(strstr(err.hint, "'"));
}

static void test_nearest(void **state)
{
	(void)state;
	assert_hint("plam x", "'plan'");
	assert_hint("verfiy", "'verify'"); /* two letters swapped */
	assert_hint("rollback --ot 3", "'--to'");
	assert_hint("roll", "'rollback'");
	assert_hint("xyzzy", NULL);
	assert_hint("complet", NULL); /* hidden verbs are not offered */
	assert_hint("plan a --sett x=1", "'--set'");
	assert_hint("plan a --forc", NULL); /* an option of another verb is not */
}

static void assert_command(const char *line, const char *wanted)
{
	CLEANUP(options_done) struct options o = { 0 };
	CLEANUP(strbuf_done) struct strbuf b = { 0 };

	assert_int_equal(parse(&o, line, NULL), 0);
	options_command(&o, "apply", OPT_BIT(OPT_PHASE) | OPT_BIT(OPT_SET), true, &b);
	assert_string_equal(strbuf_str(&b), wanted);
}

static void test_command(void **state)
{
	(void)state;
	assert_command("plan demo", "hfttune apply demo");
	assert_command("--json --no-color --root /t plan demo --phase a --switch --phase b",
	               "hfttune --root /t apply demo --phase a --phase b");
	assert_command("plan demo --set x=$(id)", "hfttune apply demo --set 'x=$(id)'");
	assert_command("plan a'b", "hfttune apply 'a'\\''b'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_understands),
		cmocka_unit_test(test_root_implies_standalone),
		cmocka_unit_test(test_words_after_dashes),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_verify_takes_phases_with_a_profile),
		cmocka_unit_test(test_json_is_noticed_behind_an_error),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
