/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CONFIG GET * of each Redis that answers: on 127.0.0.1:6379 and where the files in /etc/redis say ("port",
 * "unixsocket"). Nothing is written to it but that question; what it answers instead, when it wants a password, is
 * printed in the place of the values.
 */
#include <arpa/inet.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/tools/hostdump.h"

#define STRING_MAX (1 << 20)

static const char *const secrets[] = {"*pass", "*masterauth*", "*key-file-pass*"};

/* A connection that gives up after two seconds of silence, or -1. */
static int connect_to(const struct sockaddr *address, socklen_t size)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {.tv_sec = 2};

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, address, size) == 0)
		return fd;
	close(fd);
	return -1;
}

/* One bulk string ("$5\r\nhello\r\n"), to be freed, or NULL. */
static char *read_string(FILE *f, size_t *ret_n)
{
	char head[64], *text;
	long n;

	if (!fgets(head, sizeof(head), f) || sscanf(head, "$%ld", &n) != 1 || n < 0 || n > STRING_MAX)
		return NULL;
	text = malloc((size_t)n + 2);
	if (!text || fread(text, 1, (size_t)n + 2, f) != (size_t)n + 2) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	*ret_n = (size_t)n;
	return text;
}

static void emit_setting(struct dump *d, const char *address, const char *name, const char *value, size_t n)
{
	char path[512];
	bool secret = false;

	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		secret = secret || fnmatch(secrets[i], name, 0) == 0;
	snprintf(path, sizeof(path), "%.200s/%.200s", address, name);
	(secret && n ? emit_hash : emit_bytes)(d, "redis:", path, value, n);
}

/* Takes fd. The answer is a flat array of names and values. */
static void ask(struct dump *d, const char *address, int fd)
{
	static const char question[] = "*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$1\r\n*\r\n";
	bool asked = send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(question) - 1;
	FILE *f = fdopen(fd, "r");
	char head[256];
	long n = 0;

	if (!f) {
		close(fd);
		return;
	}
	if (!asked || !fgets(head, sizeof(head), f))
		emit(d, "redis:", address, "!no answer");
	else if (sscanf(head, "*%ld", &n) != 1)
		emit_bytes(d, "redis:", address, head, strcspn(head, "\r\n"));
	for (; n > 1; n -= 2) {
		size_t unused, size = 0;
		char *name = read_string(f, &unused), *value = name ? read_string(f, &size) : NULL;

		if (value) {
			emit_setting(d, address, name, value, size);
		} else {
			emit(d, "redis:", address, "!cut short");
			n = 0;
		}
		free(name);
		free(value);
	}
	fclose(f);
}

static void ask_port(struct dump *d, int port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = connect_to((struct sockaddr *)&to, sizeof(to));
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	if (fd >= 0)
		ask(d, address, fd);
}

static void ask_socket(struct dump *d, const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	fd = connect_to((struct sockaddr *)&to, sizeof(to));
	if (fd >= 0)
		ask(d, path, fd);
}

static void ask_configured(struct dump *d, const char *file)
{
	FILE *f = fopen(file, "re");
	char line[1024], path[108];
	int port;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " port %d", &port) == 1 && port > 0 && port < 65536 && port != 6379)
			ask_port(d, port);
		else if (sscanf(line, " unixsocket %107s", path) == 1)
			ask_socket(d, path);
	if (f)
		fclose(f);
}

void dump_redis(struct dump *d)
{
	glob_t g;

	ask_port(d, 6379);
	if (glob("/etc/redis/*.conf", 0, NULL, &g) != 0)
		return;
	for (size_t i = 0; i < g.gl_pathc; i++)
		ask_configured(d, g.gl_pathv[i]);
	globfree(&g);
}
