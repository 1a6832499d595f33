/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of cli/private: the private hfttuned is the one beside the program's own executable, gets what was asked for
 * and nothing that was meant for a service, and PATH is not searched. The test copies itself beside a script of that
 * name and runs there as the command line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/private.h"
#include "cli/run.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define AS_COMMAND "--as-the-command-line"

/* Writes down what it got, answers, and waits for the other end to close. */
static const char script[] = "#!/bin/sh\n"
			     "cd \"${0%/*}\" || exit 1\n"
			     "printf '%s\\n' \"$@\" >args\n"
			     "env >env\n"
			     "cut -d ' ' -f 5 /proc/$$/stat >group\n"
			     "readlink /proc/$$/fd/0 >stdin\n"
			     "printf '{\"parameters\":{\"version\":\"7.7\"}}\\0' >&3\n"
			     "cat <&3 >/dev/null\n";

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void copy_self(const char *to)
{
	char data[65536];
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, data, sizeof(data))) > 0)
		assert_int_equal(write(out, data, (size_t)n), n);
	close(in);
	close(out);
}

/* Read DIRECTORY/NAME into buf and remove it. */
static void take_file(const char *directory, const char *name, char *buf, size_t size)
{
	CLEANUP(mem_freep) char *path = str_printf("%s/%s", directory, name);
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	buf[fread(buf, 1, size - 1, f)] = '\0';
	fclose(f);
	unlink(path);
}

static int run_copy(const char *program, const char *output)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open(output, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDIN_FILENO); /* not what the daemon is to have */
		setenv("NOTIFY_SOCKET", "/nonexistent", 1);
		setenv("LISTEN_FDS", "1", 1);
		setenv("KEPT", "yes", 1);
		execl(program, program, AS_COMMAND, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_started(const char *directory)
{
	char text[65536];

	take_file(directory, "output", text, sizeof(text));
	assert_non_null(strstr(text, "7.7"));
	take_file(directory, "args", text, sizeof(text));
	assert_string_equal(text, "--socket\nfd:3\n--log-level\nwarning\n--state-dir\n/s\n--profile-dir\n/a\n"
	                          "--profile-dir\n/b\n--host-conf\n/h\n");
	take_file(directory, "env", text, sizeof(text));
	assert_null(strstr(text, "NOTIFY_SOCKET"));
	assert_null(strstr(text, "LISTEN_FDS"));
	assert_non_null(strstr(text, "KEPT=yes"));
	take_file(directory, "stdin", text, sizeof(text));
	assert_string_equal(text, "/dev/null\n");
	take_file(directory, "group", text, sizeof(text));
	assert_int_not_equal(atoi(text), getpgrp()); /* a Ctrl-C of the terminal does not reach it */
}

static void test_starts_the_one_beside(void **state)
{
	char directory[] = "/tmp/hfttune-test-XXXXXX";
	(void)state;

	assert_non_null(mkdtemp(directory));
	CLEANUP(mem_freep) char *program = str_printf("%s/hfttune", directory);
	CLEANUP(mem_freep) char *daemon = str_printf("%s/hfttuned", directory);
	CLEANUP(mem_freep) char *output = str_printf("%s/output", directory);
	copy_self(program);
	write_file(daemon, script, 0755);
	assert_int_equal(run_copy(program, output), 0);
	assert_started(directory);
	unlink(program);
	unlink(daemon);
	assert_int_equal(rmdir(directory), 0);
}

static void test_else_the_installed_one(void **state)
{
	CLEANUP(strbuf_done) struct strbuf path = { 0 };
	(void)state;

	private_path(&path); /* there is none beside a test */
	assert_string_equal(strbuf_str(&path), HFT_LIBEXECDIR "/hfttuned");
}

static int run_as_command(void)
{
	static const char *const words[] = { "--standalone", "--state-dir", "/s", "--profile-dir", "/a",
		                             "--profile-dir", "/b", "--host-conf", "/h", "version" };

	return cli_run(ARRAY_LEN(words), words, stdout, stderr);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts_the_one_beside),
		cmocka_unit_test(test_else_the_installed_one),
	};

	if (argc == 2 && strcmp(argv[1], AS_COMMAND) == 0)
		return run_as_command();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
