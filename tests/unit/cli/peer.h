/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The far end of a connection, for the tests of the command line: a process that reads one request, keeps it in a file,
 * sends what the test wrote down, and ends. It knows no method.
 */
#pragma once

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct peer {
	const char *const *replies; /* JSON texts, NULL-terminated; each is sent with its NUL */
	const char *request;        /* a file that gets the request, or NULL */
	bool hold;                  /* stay connected, silent, until the other side closes */
};

static inline void peer_keep(const struct peer *p, const char *data, size_t n)
{
	FILE *f = p->request != NULL ? fopen(p->request, "we") : NULL;

	if (f == NULL)
		return;
	fwrite(data, 1, n, f);
	fclose(f);
}

static inline void peer_serve(const struct peer *p, int fd)
{
	static char data[300000];
	size_t n = 0;

	while (n < sizeof(data) && memchr(data, '\0', n) == NULL) {
		ssize_t got = recv(fd, data + n, sizeof(data) - n, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	peer_keep(p, data, n > 0 ? n - 1 : 0);
	for (size_t i = 0; p->replies[i] != NULL; i++)
		(void)send(fd, p->replies[i], strlen(p->replies[i]) + 1, MSG_NOSIGNAL);
	while (p->hold && recv(fd, data, sizeof(data), 0) > 0)
		;
	close(fd);
}

/* The test's end of a pair. The caller waits for *ret_pid after closing it. */
static inline int peer_pair(const struct peer *p, pid_t *ret_pid)
{
	int pair[2];
	int r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	assert(r == 0);
	*ret_pid = fork();
	assert(*ret_pid >= 0);
	if (*ret_pid == 0) {
		close(pair[0]);
		peer_serve(p, pair[1]);
		_exit(0);
	}
	close(pair[1]);
	return pair[0];
}

/* A listener for one connection. It listens when this returns. */
static inline pid_t peer_listen(const struct peer *p, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(fd >= 0);
	assert(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	unlink(path);
	int r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	assert(r == 0);
	r = listen(fd, 1);
	assert(r == 0);
	pid_t pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		int connection = accept(fd, NULL, NULL);
		close(fd);
		peer_serve(p, connection);
		_exit(0);
	}
	close(fd);
	return pid;
}

static inline void peer_wait(pid_t pid)
{
	int status;
	pid_t r = waitpid(pid, &status, 0);
	assert(r == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)r;
}
