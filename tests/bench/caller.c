/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A Varlink client that knows when its request left and when the reply had come. Must not decode in between. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/bench/bench.h"

#define CONTINUES "\"continues\":true"

void caller_open(struct caller *c, const char *socket_path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	*c = (struct caller){.in.max = JSON_RECORD_MAX};
	if (strlen(socket_path) >= sizeof(a.sun_path))
		die(socket_path, "the path is too long for a socket");
	strcpy(a.sun_path, socket_path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die(socket_path, "cannot connect: %s", strerror(errno));
}

void caller_close(struct caller *c)
{
	varlink_reply_done(&c->last);
	json_freep(&c->last.parameters);
	frame_done(&c->in);
	mem_closep(&c->fd);
}

static void send_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);

		if (sent < 0)
			die("send", "%s", strerror(errno));
		data += sent;
		n -= (size_t)sent;
	}
}

/* The text of the last reply, borrowed from the frame. Inside strings quotes are escaped, so the search cannot err. */
static const char *receive(struct caller *c, size_t *ret_len)
{
	static char buf[1 << 16];
	struct hft_err err;
	const char *text;

	for (;;) {
		while (frame_next(&c->in, &text, ret_len) > 0) {
			if (!memmem(text, *ret_len, CONTINUES, strlen(CONTINUES)))
				return text;
		}
		ssize_t n = recv(c->fd, buf, sizeof(buf), 0);
		if (n <= 0)
			die("recv", "%s", n < 0 ? strerror(errno) : "the daemon hung up");
		if (frame_push(&c->in, buf, (size_t)n, &err) < 0)
			die("recv", "%s", err.msg);
		c->bytes += (size_t)n;
	}
}

static const struct json *decode(struct caller *c, const char *text, size_t len, struct hft_err *err)
{
	struct hft_err own;

	if (varlink_decode_reply(text, len, &c->last, &own) < 0)
		die("reply", "%s", own.msg);
	if (!c->last.error)
		return c->last.parameters;
	varlink_decode_err(&c->last, &own);
	if (!err)
		die(own.subject, "%s (wanted \"%s\", found \"%s\", at %s)", own.msg, own.wanted, own.found, own.where);
	*err = own;
	return NULL;
}

const struct json *caller_call(struct caller *c, const char *method, struct json *take_parameters, bool more,
                               struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf request = {0};
	const char *text;
	uint64_t start;
	size_t len;

	varlink_reply_done(&c->last);
	json_freep(&c->last.parameters);
	c->last = (struct varlink_reply){0};
	c->bytes = 0;
	if (varlink_encode_call(method, take_parameters, more, &request) < 0)
		die(method, "out of memory");
	start = now_ns();
	send_all(c->fd, request.s, request.len);
	text = receive(c, &len);
	c->ns = now_ns() - start;
	return decode(c, text, len, err);
}
