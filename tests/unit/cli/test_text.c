/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/text: nothing that the daemon sends reaches the terminal as control, and lines fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/text.h"
#include "lib/base/mem.h"

static void assert_escaped(const char *raw, const char *wanted)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };

	text_escape(&b, raw);
	assert_string_equal(strbuf_str(&b), wanted);
}

static void test_escape_leaves_text(void **state)
{
	(void)state;
	assert_escaped("", "");
	assert_escaped("plain, with \\ and \"", "plain, with \\ and \"");
	assert_escaped("\xc3\xbcnder \xe2\x82\xac", "\xc3\xbcnder \xe2\x82\xac");
}

static void test_escape_disarms_control(void **state)
{
	(void)state;
	assert_escaped("a\x1b[31mb", "a\\x1b[31mb");
	assert_escaped("1\t2\n", "1\\x092\\x0a");
	assert_escaped("\x7f", "\\x7f");
	assert_escaped("\xc2\x9b" "0m", "\\xc2\\x9b0m");       /* CSI as a C1 control */
	assert_escaped("\xe2\x80\xae" "x", "\\xe2\\x80\\xaex"); /* right-to-left override */
	assert_escaped("\x9b", "\\x9b");                        /* a byte that is no UTF-8 */
	assert_escaped("\xff\xc3", "\\xff\\xc3");
	assert_escaped("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
}

static void test_format_is_escaped(void **state)
{
	CLEANUP(text_done) struct text t = { 0 };
	(void)state;

	text_line(&t, "%s|%d", "x\x1by", 7);
	text_styled(&t, STYLE_BAD, "%s", "\a");
	assert_string_equal(strbuf_str(&t.b), "x\\x1by|7\n\\x07");
}

static void test_style_needs_colour(void **state)
{
	CLEANUP(text_done) struct text t = { .colour = true };
	(void)state;

	text_styled(&t, STYLE_GOOD, "ok");
	assert_string_equal(strbuf_str(&t.b), "\033[32mok\033[0m");
}

static void assert_break(const char *s, size_t width, size_t n, size_t next)
{
	size_t got_next;

	assert_int_equal(text_break(s, width, &got_next), n);
	assert_int_equal(got_next, next);
}

static void test_break(void **state)
{
	(void)state;
	assert_break("", 5, 0, 0);
	assert_break("short", 5, 5, 5);
	assert_break("two words", 5, 3, 4);
	assert_break("two words", 3, 3, 4);   /* the blank is where the line ends */
	assert_break("two   words", 8, 3, 6); /* blanks before and after a break are dropped */
	assert_break("0-3,5,7", 4, 4, 4);     /* behind the comma */
	assert_break("unbreakable", 4, 4, 4);
	assert_break("x", 0, 1, 1); /* always forward */
}

static void test_break_keeps_characters_whole(void **state)
{
	(void)state;
	assert_break("\xc3\xbc\xc3\xbc\xc3\xbc", 2, 4, 4);
}

static void test_wrap_hangs(void **state)
{
	CLEANUP(text_done) struct text t = { .width = 40 };
	(void)state;

	text_wrap(&t, 2, "why   ", "timers must not wander onto the isolated CPUs");
	assert_string_equal(strbuf_str(&t.b), "  why   timers must not wander onto the\n"
	                                      "        isolated CPUs\n");
}

static void test_width(void **state)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	(void)state;

	assert_int_equal(text_width_of(fd, NULL), 0);
	assert_int_equal(text_width_of(fd, ""), 0);
	assert_int_equal(text_width_of(fd, "132"), 132);
	assert_int_equal(text_width_of(fd, "132x"), 0);
	assert_int_equal(text_width_of(fd, "-5"), 0);
	close(fd);
	assert_int_equal(text_width(&(struct text){ .width = 0 }), TEXT_WIDTH);
	assert_int_equal(text_width(&(struct text){ .width = 200 }), 200);
}

static void test_width_of_a_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	(void)state;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		skip();
	int fd = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(text_width_of(fd, NULL), TEXT_WIDTH); /* a size of 0: not known */
	assert_int_equal(text_width_of(fd, "100"), 100);
	close(fd);
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape_leaves_text),
		cmocka_unit_test(test_escape_disarms_control),
		cmocka_unit_test(test_format_is_escaped),
		cmocka_unit_test(test_style_needs_colour),
		cmocka_unit_test(test_break),
		cmocka_unit_test(test_break_keeps_characters_whole),
		cmocka_unit_test(test_wrap_hangs),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_width_of_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
