/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/conffile_text.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "daemon/knobs/conffile.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static const char toml[] = "# top\n"
			   "name = \"x\" # first\n"
			   "\n"
			   "[server]\n"
			   "num_shards = 2_048   # many\n"
			   "  policy='allkeys-lru'\n"
			   "hash = \"a#b\"\n"
			   "ports = [1, 2]\n"
			   "\n"
			   "# of memory\n"
			   "[memory]\n"
			   "max = 0\n"
			   "server.odd = 1\n"
			   "[[user]]\n"
			   "name = \"y\"\n"
			   "[empty]";

static const char ini[] = "; top\n"
			  "[main]\n"
			  "workers=4\n"
			  "mode : fast and loose\n"
			  "empty =\n"
			  "flag\n"
			  "note = a ; b\n";

static const char yaml[] = "---\n"
			   "# top\n"
			   "server:\n"
			   "    num_shards: 8 # many\n"
			   "    name: 'a: b'\n"
			   "    url: http://x:1\n"
			   "    deep:\n"
			   "      er: true\n"
			   "    text: |\n"
			   "      num_shards: 9\n"
			   "\n"
			   "      more\n"
			   "list:\n"
			   "- name: z\n"
			   "  size: 3\n"
			   "-\n"
			   "  size: 4\n"
			   "flow: {size: 5}\n"
			   "size: 6\n";

static struct strbuf b;
static struct hft_err err;

/* The value, or "CODE LINE" of the error. */
static const char *get(const char *path, const char *text, const char *option)
{
	if (conffile_get(conffile_format(path), text, path, option, &b, &err) == 0)
		return strbuf_str(&b);
	const char *colon = strrchr(err.where, ':');
	strbuf_reset(&b);
	strbuf_addf(&b, "%s %s", err.code, colon != NULL ? colon + 1 : "");
	return strbuf_str(&b);
}

/* The text with `from` replaced by `to`, which must be what comes of setting the option; and what leads back. */
static void sets(const char *path, const char *text, const char *option, const char *value, const char *from,
                 const char *to)
{
	CLEANUP(strbuf_done) struct strbuf before = { 0 };
	CLEANUP(strbuf_done) struct strbuf back = { 0 };
	CLEANUP(strbuf_done) struct strbuf wanted = { 0 };
	const struct conffile_format *f = conffile_format(path);
	const char *at = strstr(text, from);

	assert_non_null(at);
	strbuf_addn(&wanted, text, (size_t)(at - text));
	strbuf_add(&wanted, to);
	strbuf_add(&wanted, at + strlen(from));
	assert_int_equal(conffile_get(f, text, path, option, &before, &err), 0);
	assert_int_equal(conffile_with(f, text, path, option, value, &b, &err), 0);
	assert_string_equal(strbuf_str(&b), strbuf_str(&wanted));
	assert_string_equal(get(path, strbuf_str(&wanted), option), value);
	assert_int_equal(conffile_with(f, strbuf_str(&wanted), path, option, strbuf_str(&before), &back, &err), 0);
	assert_string_equal(strbuf_str(&back), text);
}

static const char *refuses(const char *path, const char *text, const char *option, const char *value)
{
	err = (struct hft_err){ .code = "taken" };
	conffile_with(conffile_format(path), text, path, option, value, &b, &err);
	return err.code;
}

static void values_are_read(void **state)
{
	(void)state;
	assert_string_equal(get("a.toml", toml, "name"), "x");
	assert_string_equal(get("a.toml", toml, "server.num_shards"), "2_048");
	assert_string_equal(get("a.toml", toml, "server.policy"), "allkeys-lru");
	assert_string_equal(get("a.toml", toml, "server.hash"), "a#b");
	assert_string_equal(get("a.toml", toml, "memory.max"), "0");
	assert_string_equal(get("a.toml", toml, "memory.server.odd"), "1");
	assert_string_equal(get("a.toml", toml, "server.none"), "");
	assert_string_equal(get("a.ini", ini, "main.workers"), "4");
	assert_string_equal(get("a.cfg", ini, "main.mode"), "fast and loose");
	assert_string_equal(get("a.conf", ini, "main.empty"), "\"\"");
	assert_string_equal(get("a.yaml", yaml, "server.num_shards"), "8");
	assert_string_equal(get("a.yml", yaml, "server.name"), "a: b");
	assert_string_equal(get("a.yaml", yaml, "server.url"), "http://x:1");
	assert_string_equal(get("a.yaml", yaml, "server.deep.er"), "true");
	assert_string_equal(get("a.yaml", yaml, "size"), "6");
	assert_string_equal(get("a.yaml", yaml, "list.size"), "");
	assert_null(conffile_format("a.json"));
	assert_null(conffile_format("toml"));
}

static void one_value_changes_and_comes_back(void **state)
{
	(void)state;
	sets("a.toml", toml, "server.num_shards", "4096", "2_048 ", "4096 ");
	sets("a.toml", toml, "server.policy", "noeviction", "allkeys-lru", "noeviction");
	sets("a.toml", toml, "name", "\"\"", "\"x\"", "\"\"");
	sets("a.ini", ini, "main.mode", "slow", "fast and loose", "slow");
	sets("a.ini", ini, "main.empty", "no", "empty =", "empty =no");
	sets("a.yaml", yaml, "server.num_shards", "16", "8 #", "16 #");
	sets("a.yaml", yaml, "server.name", "c", "'a: b'", "'c'");
	sets("a.yaml", yaml, "server.deep.er", "false", "true", "false");
}

static void a_key_comes_and_goes(void **state)
{
	(void)state;
	sets("a.toml", toml, "server.batch", "16", "ports = [1, 2]\n", "ports = [1, 2]\nbatch = 16\n");
	sets("a.toml", toml, "server.label", "lab", "ports = [1, 2]\n", "ports = [1, 2]\nlabel = \"lab\"\n");
	sets("a.toml", toml, "top", "1", "# first\n", "# first\ntop = 1\n");
	sets("a.toml", toml, "empty.key", "true", "[empty]", "[empty]\nkey = true");
	sets("a.toml", "", "key", "1", "", "key = 1\n");
	sets("a.ini", ini, "main.more", "x", "note = a ; b\n", "note = a ; b\nmore = x\n");
	sets("a.yaml", yaml, "server.batch", "16", "    url: http://x:1\n", "    url: http://x:1\n    batch: 16\n");
	sets("a.yaml", yaml, "server.deep.est", "a, b", "      er: true\n", "      er: true\n      est: \"a, b\"\n");
	sets("a.yaml", "a:\n    b:\n        c: 1\n", "a.x", "1", "a:\n", "a:\n    x: 1\n");
	sets("a.yaml", "---\na:\n  b: 1\n", "x", "1", "---\n", "---\nx: 1\n");
}

static void what_rules_of_lines_cannot_tell_is_refused(void **state)
{
	(void)state;
	assert_string_equal(get("a.toml", toml, "server.ports"), ERR_CONFLICT " 8");
	assert_string_equal(get("a.toml", toml, "user.name"), ERR_CONFLICT " 14");
	assert_string_equal(get("a.toml", "a = 1\nb = \"\"\"\nc = 2\n\"\"\"\n", "a"), ERR_CONFLICT " 2");
	assert_string_equal(get("a.toml", "a = 1\nb = [\n1]\n", "a"), ERR_CONFLICT " 2");
	assert_string_equal(get("a.toml", "a = 1\na = 2\n", "a"), ERR_CONFLICT " 2");
	assert_string_equal(get("a.toml", "\"a\" = 1\n", "a"), ERR_CONFLICT " 1");
	assert_string_equal(get("a.toml", "a = \"x\\n\"\nb = 1\n", "a"), ERR_CONFLICT " 1");
	assert_string_equal(get("a.toml", "a = \"x\\\"\"\nb = 1\n", "b"), "1");
	assert_string_equal(get("a.ini", ini, "main.note"), ERR_CONFLICT " 7");
	assert_string_equal(get("a.ini", "[a]\nb = 1\n  2\n", "a.b"), ERR_CONFLICT " 3");
	assert_string_equal(get("a.yaml", yaml, "flow"), ERR_CONFLICT " 18");
	assert_string_equal(get("a.yaml", yaml, "server.text"), ERR_CONFLICT " 9");
	assert_string_equal(get("a.yaml", yaml, "server"), ERR_CONFLICT " 3");
	assert_string_equal(get("a.yaml", "a: &x 1\nb: *x\n", "b"), ERR_CONFLICT " 2");
	assert_string_equal(get("a.yaml", "a: b\n  c\n", "a"), ERR_CONFLICT " 2");
	assert_string_equal(get("a.yaml", "a: b\n  c: d\n", "a"), ERR_CONFLICT " 2");
	assert_string_equal(get("a.yaml", "a:\n\tb: 1\n", "a.b"), ERR_CONFLICT " 2");
	assert_string_equal(get("a.yaml", "a: 1\n---\na: 2\n", "a"), ERR_CONFLICT " 2");
	assert_string_equal(get("a.yaml", "a: \"x\n  y\"\n", "a"), ERR_CONFLICT " 1");
}

static void a_value_stays_within_its_quotes(void **state)
{
	(void)state;
	assert_string_equal(refuses("a.toml", toml, "server.num_shards", "1\nx = 2"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(refuses("a.toml", toml, "server.num_shards", "many"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(refuses("a.toml", toml, "server.num_shards", "1 # x"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(refuses("a.toml", toml, "server.policy", "it's"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(refuses("a.toml", toml, "name", "a\\"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(refuses("a.toml", toml, "server.new", "say \"x\""), ERR_OUT_OF_BOUNDS);
	assert_string_equal(refuses("a.ini", ini, "main.workers", "4 ; 5"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(refuses("a.yaml", yaml, "server.num_shards", "a: b"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(refuses("a.yaml", yaml, "server.num_shards", "*x"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(refuses("a.toml", toml, "none.key", "1"), ERR_CONFLICT);
	assert_string_equal(refuses("a.toml", toml, "server.num_shards", "1e"), ERR_OUT_OF_BOUNDS);
}

static int done(void **state)
{
	(void)state;
	strbuf_done(&b);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(one_value_changes_and_comes_back),
		cmocka_unit_test(a_key_comes_and_goes),
		cmocka_unit_test(what_rules_of_lines_cannot_tell_is_refused),
		cmocka_unit_test(a_value_stays_within_its_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
