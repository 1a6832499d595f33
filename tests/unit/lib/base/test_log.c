/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of lib/base/log: levels, one record per call, and that no value can forge a second one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static char got[16384];

/* stderr goes to fd while the message is logged. */
static void log_to(int fd, enum log_level level, const char *text)
{
	int saved = dup(STDERR_FILENO);

	assert_true(saved >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	log_at(level, "%s", text);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
}

/* As a service sees it: stderr is a socket. Datagrams, so that one record can be told from two. */
static const char *journal(enum log_level level, const char *text)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	log_to(pair[0], level, text);
	ssize_t n = recv(pair[1], got, sizeof(got) - 1, MSG_DONTWAIT);
	got[n > 0 ? n : 0] = '\0';
	assert_true(recv(pair[1], got + sizeof(got) - 1, 1, MSG_DONTWAIT) < 0);
	close(pair[0]);
	close(pair[1]);
	return got;
}

static void test_level_parse(void **state)
{
	static const struct {
		const char *text;
		enum log_level level;
	} rows[] = {
		{ "error", LOG_LEVEL_ERROR },
		{ "warning", LOG_LEVEL_WARNING },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};
	static const char *const bad[] = { "", "Error", "warn", "6", "info ", NULL };
	enum log_level level;
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(log_level_parse(rows[i].text, &level), 0);
		assert_int_equal(level, rows[i].level);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(log_level_parse(bad[i], &level), -EINVAL);
}

static void test_priority_prefix(void **state)
{
	(void)state;
	assert_string_equal(journal(LOG_LEVEL_ERROR, "a b"), "<3>a b\n");
	assert_string_equal(journal(LOG_LEVEL_WARNING, "x"), "<4>x\n");
	assert_string_equal(journal(LOG_LEVEL_INFO, ""), "<6>\n");
}

static void test_no_prefix_elsewhere(void **state)
{
	int pair[2];
	(void)state;

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	log_to(pair[1], LOG_LEVEL_ERROR, "the text");
	ssize_t n = read(pair[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_true(got[0] != '<');
	assert_true(str_ends(got, "the text\n"));
	close(pair[0]);
	close(pair[1]);
}

static void test_level_filters(void **state)
{
	(void)state;
	assert_string_equal(journal(LOG_LEVEL_DEBUG, "x"), "");
	log_set_level(LOG_LEVEL_DEBUG);
	assert_string_equal(journal(LOG_LEVEL_DEBUG, "x"), "<7>x\n");
	log_set_level(LOG_LEVEL_ERROR);
	assert_string_equal(journal(LOG_LEVEL_WARNING, "x"), "");
	assert_string_equal(journal(LOG_LEVEL_ERROR, "x"), "<3>x\n");
	log_set_level(LOG_LEVEL_INFO);
}

static void test_escapes(void **state)
{
	static const char *const rows[][2] = {
		{ "a\n<3>forged", "<6>a\\x0a<3>forged\n" },
		{ "\x1b[31m\t\x7f", "<6>\\x1b[31m\\x09\\x7f\n" },
		{ "caf\xc3\xa9 \xf0\x9f\x98\x80", "<6>caf\xc3\xa9 \xf0\x9f\x98\x80\n" },
		{ "\xc2\x9b", "<6>\\xc2\\x9b\n" },         /* C1 */
		{ "\xe2\x80\xae", "<6>\\xe2\\x80\\xae\n" }, /* right-to-left override */
		{ "\xff\xc3", "<6>\\xff\\xc3\n" },         /* no UTF-8, and one cut at the end */
		{ "%s%n", "<6>%s%n\n" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(journal(LOG_LEVEL_INFO, rows[i][0]), rows[i][1]);
}

static void test_long_message(void **state)
{
	char text[9000];
	(void)state;

	memset(text, '\x01', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	const char *line = journal(LOG_LEVEL_INFO, text);
	size_t len = strlen(line);
	assert_true(len > 1000 && line[len - 1] == '\n');
	assert_int_equal((len - 4) % 4, 0); /* no escape is cut */
}

static void test_errno_survives(void **state)
{
	(void)state;
	errno = EXDEV;
	log_debug("not shown");
	assert_int_equal(errno, EXDEV);
	int saved = dup(STDERR_FILENO);
	close(STDERR_FILENO);
	errno = EXDEV;
	log_error("nowhere to go");
	assert_int_equal(errno, EXDEV);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level_parse),         cmocka_unit_test(test_priority_prefix),
		cmocka_unit_test(test_no_prefix_elsewhere), cmocka_unit_test(test_level_filters),
		cmocka_unit_test(test_escapes),             cmocka_unit_test(test_long_message),
		cmocka_unit_test(test_errno_survives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
