/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/unitfile.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "daemon/knobs/unitfile.h"
#include "tests/unit/daemon/knobs/cputree.h"

#define LIB "/usr/lib/systemd/system/"
#define ETC "/etc/systemd/system/"
#define RUN "/run/systemd/system/"

static int setup(void **state)
{
	struct cputree *t = cputree_new();
	char lib[256];

	put(t, LIB "a.service", "[Service]\nExecStart=-/usr/bin/a \"one two\" --x=%% \\\n  three\nExecStop=/bin/b");
	put(t, LIB "t@.service", "[Service]\nExecStart=/usr/bin/t /etc/%i.conf %n");
	assert_int_equal(symlink("usr/lib", cputree_real(t, "/lib", lib)), 0); /* merged, as Debian has it */
	cputree_read(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

/* The words with '|' between them and the file, or the code of the error. */
static const char *command(void **state, const char *unit)
{
	struct cputree *t = *state;
	CLEANUP(strlist_done) struct strlist words = { 0 };
	CLEANUP(mem_freep) char *path = NULL;

	strbuf_reset(&t->b);
	if (unitfile_exec_start(&t->c, unit, &words, &path, &t->err) < 0)
		return t->err.code;
	for (size_t i = 0; i < words.n; i++)
		strbuf_addf(&t->b, "%s|", words.s[i]);
	strbuf_add(&t->b, path);
	return strbuf_str(&t->b);
}

static void the_command_line_is_taken_apart(void **state)
{
	assert_string_equal(command(state, "a.service"), "/usr/bin/a|one two|--x=%|three|" LIB "a.service");
	assert_string_equal(command(state, "t@one.service"), "/usr/bin/t|/etc/one.conf|%n|" LIB "t@.service");
	assert_string_equal(command(state, "b.service"), ERR_NO_MATCH);
}

static void the_more_important_file_counts(void **state)
{
	put(*state, ETC "a.service", "[Service]\nExecStart=/bin/etc");
	assert_string_equal(command(state, "a.service"), "/bin/etc|" ETC "a.service");
	put(*state, LIB "a.service.d/50-x.conf", "[Service]\nExecStart=\nExecStart=/bin/lib");
	put(*state, RUN "a.service.d/40-x.conf", "[Service]\nExecStart=\nExecStart=/bin/run");
	assert_string_equal(command(state, "a.service"), "/bin/lib|" LIB "a.service.d/50-x.conf");
	put(*state, ETC "a.service.d/50-x.conf", "[Service]\nNice=1"); /* hides the other one */
	assert_string_equal(command(state, "a.service"), "/bin/run|" RUN "a.service.d/40-x.conf");
	put(*state, ETC "t@.service.d/a.conf", "[Service]\nExecStart=\nExecStart=/bin/all %I");
	assert_string_equal(command(state, "t@one.service"), "/bin/all|one|" ETC "t@.service.d/a.conf");
	put(*state, ETC "t@one.service.d/a.conf", "[Service]\nExecStart=");
	assert_string_equal(command(state, "t@one.service"), ERR_NO_MATCH);
}

static void links_are_not_followed(void **state)
{
	struct cputree *t = *state;
	char path[256];

	put(t, ETC "x", "");
	assert_int_equal(symlink("/dev/null", cputree_real(t, ETC "a.service", path)), 0);
	assert_string_equal(command(state, "a.service"), ERR_NO_MATCH);
	assert_int_equal(t->err.sys, ELOOP);
}

static void names_of_services(void **state)
{
	(void)state;
	assert_true(unitfile_is_service("redis-server@a.service"));
	assert_false(unitfile_is_service("../redis.service"));
	assert_false(unitfile_is_service("a/b.service"));
	assert_false(unitfile_is_service(".service"));
	assert_false(unitfile_is_service("a.socket"));
	assert_false(unitfile_is_service("a b.service"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_command_line_is_taken_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(the_more_important_file_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(links_are_not_followed, setup, teardown),
		cmocka_unit_test(names_of_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
