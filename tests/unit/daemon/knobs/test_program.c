/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of daemon/knobs/program.c: a program as a child. The shell is the program here, with what it shall do as its
 * argument; hfttuned itself runs none. As a unit it runs in the lab alone: that needs systemd.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "daemon/knobs/program.h"
#include "tests/unit/daemon/knobs/cputree.h"

static unsigned n_beats;

static void beat(void *data)
{
	(void)data;
	n_beats++;
}

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	cputree_read(t);
	t->c.alive = beat;
	n_beats = 0;
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

static int run(struct cputree *t, const char *script, unsigned deadline_s)
{
	const char *const argv[] = { "/bin/sh", "-c", script, "sh", t->root, NULL };

	t->err = (struct hft_err){0};
	return program_run_child(&t->c, argv, deadline_s, &t->err);
}

/* The content of a file that a script wrote below the root. */
static const char *said(const struct cputree *t, const char *name)
{
	static char text[1024];
	char path[256];
	FILE *f = fopen(cputree_real(t, name, path), "r");

	assert_non_null(f);
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

static void status_0_is_success(void **state)
{
	assert_int_equal(run(*state, "exit 0", 10), 0);
	assert_int_equal(run(*state, "echo chatter; echo more >&2", 10), 0);
}

static void other_ends_are_failures_with_the_last_words(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(run(t, "echo first; echo 'cannot find /boot' >&2; exit 3", 10), -EREMOTEIO);
	assert_string_equal(t->err.code, ERR_IO);
	assert_string_equal(t->err.subject, "/bin/sh");
	assert_non_null(strstr(t->err.msg, "cannot find /boot"));
	assert_int_equal(run(t, "kill -SEGV $$", 10), -EREMOTEIO);
	/* However much it says, the end is kept, on one line. */
	assert_int_equal(run(t, "i=0; while [ $i -lt 2000 ]; do echo line $i of very many; i=$((i+1)); done; exit 1", 30),
	                 -EREMOTEIO);
	assert_non_null(strstr(t->err.msg, "line 1999 of very many"));
	assert_null(strstr(t->err.msg, "line 1000 "));
	assert_null(strchr(t->err.msg, '\n'));
}

static void a_missing_program_is_told(void **state)
{
	struct cputree *t = *state;
	const char *const argv[] = { "/nonexistent/program", NULL };

	assert_int_equal(program_run_child(&t->c, argv, 10, &t->err), -ENOENT);
	assert_string_equal(t->err.subject, "/nonexistent/program");
}

static bool is_running(pid_t pid)
{
	return kill(pid, 0) == 0;
}

/* The deadline ends what it has started, too. */
static void the_deadline_ends_the_whole_group(void **state)
{
	struct cputree *t = *state;
	struct timespec begin, end;

	clock_gettime(CLOCK_BOOTTIME, &begin);
	assert_int_equal(run(t, "sleep 100 & echo $! >$1/child; wait", 2), -ETIMEDOUT);
	clock_gettime(CLOCK_BOOTTIME, &end);
	assert_string_equal(t->err.code, ERR_TIMEOUT);
	assert_in_range(end.tv_sec - begin.tv_sec, 1, 20);
	pid_t child = (pid_t)atoi(said(t, "/child"));
	assert_true(child > 1);
	for (int i = 0; i < 100 && is_running(child); i++) /* until somebody has reaped it */
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	char path[64], text[256] = "";
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
	FILE *f = fopen(path, "r");
	if (f != NULL && fgets(text, sizeof(text), f) != NULL)
		assert_non_null(strstr(text, ") Z ")); /* dead; where nobody reaps orphans it stays so */
	if (f != NULL)
		fclose(f);
	assert_true(n_beats >= 1);
}

/* I7: nothing of ours reaches it. */
static void it_gets_no_environment_but_path_and_the_hosts_language(void **state)
{
	struct cputree *t = *state;

	setenv("LD_PRELOAD_TEST", "x", 1);
	setenv("LC_ALL", "C", 1);
	assert_int_equal(run(t, "/usr/bin/env >$1/env", 10), 0);
	assert_null(strstr(said(t, "/env"), "LD_PRELOAD_TEST"));
	assert_null(strstr(said(t, "/env"), "LC_ALL"));
	assert_null(strstr(said(t, "/env"), "LANG"));
	assert_non_null(strstr(said(t, "/env"), "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"));
	put(t, "/etc/locale.conf", "LANG=fr_FR.UTF-8");
	put(t, "/etc/default/locale", "# x\nLC_TIME=C\nLANG=\"de_DE.UTF-8\"");
	assert_int_equal(run(t, "/usr/bin/env >$1/env", 10), 0);
	assert_non_null(strstr(said(t, "/env"), "LANG=de_DE.UTF-8\n"));
	put(t, "/etc/default/locale", "LANG=$(reboot)");
	assert_int_equal(run(t, "/usr/bin/env >$1/env", 10), 0);
	assert_non_null(strstr(said(t, "/env"), "LANG=fr_FR.UTF-8\n"));
}

/* Standard input is empty, signals are as a program expects them, no descriptor is handed down, and it leads a group. */
static void it_starts_clean(void **state)
{
	struct cputree *t = *state;
	sigset_t all;
	int fd = dup(1);

	assert_true(fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	int r = run(t, "cat; ls -l /proc/$$/fd >$1/fds; "
	               /* By itself: a shell blocks signals while it starts a program. */
	               "while read -r l; do echo \"$l\"; done </proc/$$/status >$1/signals; "
	               "cut -d' ' -f1,5 /proc/$$/stat >$1/group", 10);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGPIPE, SIG_DFL);
	close(fd);
	assert_int_equal(r, 0);
	assert_non_null(strstr(said(t, "/fds"), "0 -> /dev/null"));
	assert_null(strstr(said(t, "/fds"), " 3 -> "));
	assert_non_null(strstr(said(t, "/signals"), "SigBlk:\t0000000000000000"));
	const char *ignored = strstr(said(t, "/signals"), "SigIgn:");
	assert_non_null(ignored);
	assert_int_equal(strtoull(ignored + strlen("SigIgn:"), NULL, 16) & 0x7fffffff, 0); /* beyond: those of glibc */
	int pid = 0, group = -1;
	assert_int_equal(sscanf(said(t, "/group"), "%d %d", &pid, &group), 2);
	assert_int_equal(pid, group);
}

/* A step that says nothing for long is ended from outside: it must say that it lives. */
static void it_says_that_it_lives(void **state)
{
	assert_int_equal(run(*state, "sleep 2.5", 10), 0);
	assert_in_range(n_beats, 1, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(status_0_is_success, setup, teardown),
		cmocka_unit_test_setup_teardown(other_ends_are_failures_with_the_last_words, setup, teardown),
		cmocka_unit_test_setup_teardown(a_missing_program_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(the_deadline_ends_the_whole_group, setup, teardown),
		cmocka_unit_test_setup_teardown(it_gets_no_environment_but_path_and_the_hosts_language, setup, teardown),
		cmocka_unit_test_setup_teardown(it_starts_clean, setup, teardown),
		cmocka_unit_test_setup_teardown(it_says_that_it_lives, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
