/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running a program as a child: spawn, read what it prints, wait no longer than it may take. Must not use a shell. */
#include "daemon/knobs/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/spawn.h"
#include "lib/base/str.h"

#define TAIL_BYTES 200 /* of what a program that failed had printed last */
#define WRITE_DEADLINE_S 10
#define BEAT_MS 1000

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool read_lang(const char *text, char *ret)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-";
	const char *at = strncmp(text, "LANG=", 5) == 0 ? text : strstr(text, "\nLANG=");

	if (at == NULL)
		return false;
	at = strchr(at, '=') + 1;
	at += *at == '"' || *at == '\'';
	size_t n = strspn(at, plain);
	if (n == 0 || strlen("LANG=") + n >= PROGRAM_LANG_MAX)
		return false;
	snprintf(ret, PROGRAM_LANG_MAX, "LANG=%.*s", (int)n, at);
	return true;
}

void program_lang(const struct knob_ctx *c, char ret[static PROGRAM_LANG_MAX])
{
	static const char *const files[] = { "/etc/default/locale", "/etc/locale.conf" };
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	ret[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (fsio_probe(c->fs, files[i], &text) == 0 && read_lang(strbuf_str(&text), ret))
			return;
}

/* Until the end of its output. False: the time is over. */
static bool read_to_end(const struct knob_ctx *c, int fd, int64_t deadline_ms, struct strbuf *tail)
{
	char chunk[4096];

	for (;;) {
		int64_t left = deadline_ms - now_ms();
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (left <= 0)
			return false;
		if (poll(&p, 1, left < BEAT_MS ? (int)left : BEAT_MS) <= 0) {
			if (c->alive != NULL)
				c->alive(c->alive_data);
			continue;
		}
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return true;
		if (n < 0)
			continue;
		strbuf_addn(tail, chunk, (size_t)n);
		if (tail->len > 2 * sizeof(chunk)) { /* the end is what says why */
			memmove(tail->s, tail->s + tail->len - TAIL_BYTES, TAIL_BYTES + 1);
			tail->len = TAIL_BYTES;
		}
	}
}

static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EREMOTEIO;
}

/* In a message there is one line. */
static const char *one_line(struct strbuf *text)
{
	strbuf_trim(text);
	for (size_t i = 0; i < text->len; i++)
		if ((unsigned char)text->s[i] < ' ')
			text->s[i] = ' ';
	return text->len > TAIL_BYTES ? text->s + text->len - TAIL_BYTES : strbuf_str(text);
}

int program_run_child(const struct knob_ctx *c, const char *const argv[], unsigned deadline_s, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf tail = { 0 };
	CLEANUP(mem_closep) int ours = -1;
	CLEANUP(mem_closep) int theirs = -1;
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", lang[PROGRAM_LANG_MAX];
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_raise(err, ERR_IO, errno, argv[0], "cannot make a pipe");
	ours = ends[0];
	theirs = ends[1];
	program_lang(c, lang);
	const struct spawn_fd out[] = { { theirs, STDOUT_FILENO }, { theirs, STDERR_FILENO } };
	/* posix_spawn(3) takes texts that it does not change as char *. */
	int r = spawn_program(argv[0], (char *const *)(uintptr_t)argv,
	                      (char *[]){ path, lang[0] != '\0' ? lang : NULL, NULL }, out, ARRAY_LEN(out), &pid);
	if (r < 0)
		return err_raise(err, ERR_IO, -r, argv[0], "cannot start %s: %s", argv[0], strerror(-r));
	mem_closep(&theirs);
	bool in_time = read_to_end(c, ours, now_ms() + (int64_t)deadline_s * 1000, &tail);
	if (!in_time)
		kill(-pid, SIGKILL);
	r = reap(pid);
	if (!in_time)
		return err_raise(err, ERR_TIMEOUT, ETIMEDOUT, argv[0], "%s did not end within %u s", argv[0],
		                 deadline_s);
	if (r < 0)
		return err_raise(err, ERR_IO, -r, argv[0], "%s failed: %s", argv[0], one_line(&tail));
	return 0;
}

int program_run(const struct knob_ctx *c, const char *const argv[], unsigned deadline_s, struct hft_err *err)
{
	const struct program p = { .argv = argv, .deadline_s = deadline_s };

	return sd_booted() > 0 ? program_run_unit(c, &p, err) : program_run_child(c, argv, deadline_s, err);
}

int program_write(const struct knob_ctx *c, const char *path, const char *text)
{
	static const char *const cat[] = { "/bin/cat", NULL };
	const struct program p = { .argv = cat, .deadline_s = WRITE_DEADLINE_S, .input = text, .output = path };
	int r = fsio_write(c->fs, path, text, NULL);

	return r == -EROFS && !c->copied && sd_booted() > 0 ? program_run_unit(c, &p, NULL) : r;
}
