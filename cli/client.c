/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Varlink calls over one connection. Must not print, and must not know what the methods do. */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/private.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"
#include "lib/proto/varlink.h"

#define CLIENT_CHUNK 65536
#define CLIENT_REPLIES_MAX (256u * 1024 * 1024) /* all replies of one call, bytes */
#define PRIVATE_END_MS 3000

/* --- connecting --------------------------------------------------------------------------------------------------- */

static int connect_error(int sys, const char *path, struct hft_err *err)
{
	if (sys == EACCES || sys == EPERM) {
		err_raise(err, ERR_PERMISSION, sys, path, "may not connect to hfttuned");
		err_hint(err, "reading needs group hfttune, changing uid 0 or the groups hfttune and hfttune-admin");
		return -sys;
	}
	err_raise(err, ERR_NO_DAEMON, sys, path, "no hfttuned at the socket");
	err_hint(err, "systemctl start hfttuned.socket, or use --standalone; to connect one must be in group hfttune");
	return -sys;
}

static int connect_socket(const char *path, int *ret_fd, struct hft_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP(mem_closep) int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_raise(err, ERR_INVALID_ARGUMENT, ENAMETOOLONG, path, "the path of the socket is too long");
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return connect_error(errno, path, err);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int client_open(struct client *c, const struct options *o, struct hft_err *err)
{
	const char *path = options_value(o, OPT_SOCKET);

	*c = CLIENT_NONE;
	if (!options_has(o, OPT_STANDALONE))
		return connect_socket(path != NULL ? path : CLIENT_SOCKET, &c->fd, err);
	int r = private_start(o, &c->fd, &c->pid, err);
	if (r == 0)
		c->pidfd = pidfd_open(c->pid, 0);
	return r;
}

/* Wait for the private daemon to end: true with its wait status. Without a pidfd this does not wait. */
static bool reap(struct client *c, int *ret_status)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };

	if (c->pid <= 0)
		return false;
	if (c->pidfd >= 0)
		while (poll(&p, 1, PRIVATE_END_MS) < 0 && errno == EINTR)
			;
	if (waitpid(c->pid, ret_status, WNOHANG) != c->pid)
		return false;
	c->pid = 0;
	return true;
}

void client_done(struct client *c)
{
	int status;

	mem_closep(&c->fd);
	reap(c, &status);
	mem_closep(&c->pidfd);
	*c = CLIENT_NONE;
}

/* --- one call ----------------------------------------------------------------------------------------------------- */

struct session { /* a call under way */
	struct client *client;
	struct call *call;
	struct merged *merged;
	struct frame frame;
	size_t total;
	int signals;         /* signalfd, or -1 */
	int64_t deadline_ms; /* CLOCK_MONOTONIC, or -1 */
	bool answered;       /* a reply has come */
	bool finished;       /* the last one has */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int send_request(struct session *s, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct json *parameters = TAKE_PTR(s->call->parameters);

	if (varlink_encode_call(s->call->method, parameters, s->call->more, &b) < 0)
		return err_oom(err);
	if (b.len > JSON_REQUEST_MAX)
		return err_raise(err, ERR_INVALID_ARGUMENT, EMSGSIZE, s->call->method, "the request is too long");
	for (size_t done = 0; done < b.len;) {
		ssize_t n = send(s->client->fd, b.s + done, b.len - done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return 0; /* turned away: the reason may wait to be read */
		if (n < 0)
			return err_raise(err, ERR_PROTOCOL, errno, NULL, "cannot send to hfttuned");
		done += (size_t)n;
	}
	return 0;
}

static void report_progress(const struct session *s, const struct json *parameters)
{
	const struct json *p = json_get(parameters, "progress");

	if (s->call->progress != NULL && json_is_object(p))
		s->call->progress(s->call->data, json_get_int(p, "step", 0), json_get_int(p, "steps", 0),
		                  json_get_string(p, "object", ""));
}

static int take_message(struct session *s, const char *text, size_t len, struct hft_err *err)
{
	CLEANUP(varlink_reply_done) struct varlink_reply reply = { 0 };

	int r = varlink_decode_reply(text, len, &reply, err);
	if (r < 0)
		return r;
	s->answered = true;
	if (reply.error != NULL) {
		varlink_decode_err(&reply, err);
		return -EPROTO;
	}
	if (reply.continues && !s->call->more)
		return err_raise(err, ERR_PROTOCOL, EBADMSG, s->call->method, "more replies than were asked for");
	report_progress(s, reply.parameters);
	s->finished = !reply.continues;
	if (reply.parameters == NULL)
		return 0;
	return merged_add(s->merged, TAKE_PTR(reply.parameters), err);
}

static int take_bytes(struct session *s, const char *data, size_t n, struct hft_err *err)
{
	const char *text;
	size_t len;

	s->total += n;
	if (s->total > CLIENT_REPLIES_MAX)
		return err_raise(err, ERR_PROTOCOL, EMSGSIZE, s->call->method, "the reply is too long");
	int r = frame_push(&s->frame, data, n, err);
	while (r == 0 && !s->finished && frame_next(&s->frame, &text, &len) == 1)
		r = take_message(s, text, len, err);
	return r;
}

/* The daemon closed before the last reply. What that means depends on what it was doing. */
static int lost(struct session *s, struct hft_err *err)
{
	bool private = s->client->pid > 0;
	int status = 0;

	if (reap(s->client, &status) && WIFEXITED(status) && WEXITSTATUS(status) != 0 && !s->answered) {
		err_raise(err, ERR_IO, ECONNRESET, NULL, "the private hfttuned could not start: exit status %d",
		          WEXITSTATUS(status));
		return -ECONNRESET;
	}
	const char *who = private ? "the private hfttuned" : "hfttuned";
	if (!s->call->changes)
		return err_raise(err, ERR_PROTOCOL, ECONNRESET, NULL, "%s went away without an answer", who);
	err_raise(err, ERR_NOT_UNDONE, ECONNRESET, NULL, "%s went away, and how far it came is not known", who);
	err_hint(err, "hfttune status says what was left behind");
	return -ECONNRESET;
}

static int detach(struct session *s, struct hft_err *err)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	s->call->signal = (int)info.ssi_signo;
	mem_closep(&s->client->pidfd); /* nor wait for a private one to end */
	err_raise(err, ERR_TIMEOUT, EINTR, NULL, "stopped waiting; hfttuned goes on with what it has begun");
	err_hint(err, "hfttune status says how it ended");
	return -EINTR;
}

static int wait_timeout(const struct session *s)
{
	int64_t left = s->deadline_ms - now_ms();

	return s->deadline_ms < 0 ? -1 : left > 0 ? (int)left : 0;
}

/* Wait for something, and take what came. */
static int step(struct session *s, char *chunk, struct hft_err *err)
{
	struct pollfd p[2] = { { .fd = s->client->fd, .events = POLLIN }, { .fd = s->signals, .events = POLLIN } };

	int n = poll(p, 2, wait_timeout(s));
	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0)
		return err_raise(err, ERR_PROTOCOL, errno, NULL, "cannot wait for hfttuned");
	if (n == 0)
		return err_raise(err, ERR_TIMEOUT, ETIMEDOUT, s->call->method, "hfttuned does not answer");
	if (p[1].revents != 0)
		return detach(s, err);
	ssize_t got = recv(s->client->fd, chunk, CLIENT_CHUNK, 0);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (got <= 0)
		return lost(s, err);
	return take_bytes(s, chunk, (size_t)got, err);
}

static int receive(struct session *s, struct hft_err *err)
{
	CLEANUP(mem_freep) char *chunk = malloc(CLIENT_CHUNK);
	int r = chunk != NULL ? 0 : err_oom(err);

	while (r == 0 && !s->finished)
		r = step(s, chunk, err);
	return r;
}

int client_call(struct client *c, struct call *call, struct merged *ret, struct hft_err *err)
{
	struct session s = { .client = c, .call = call, .merged = ret, .frame.max = JSON_RECORD_MAX, .signals = -1 };
	sigset_t ours, before;

	s.deadline_ms = call->timeout_ms < 0 ? -1 : now_ms() + call->timeout_ms;
	sigemptyset(&ours);
	if (call->changes) {
		sigaddset(&ours, SIGINT);
		sigaddset(&ours, SIGTERM);
		sigaddset(&ours, SIGHUP);
	}
	sigprocmask(SIG_BLOCK, &ours, &before);
	if (call->changes)
		s.signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);

	int r = send_request(&s, err);
	if (r == 0)
		r = receive(&s, err);

	mem_closep(&s.signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	frame_done(&s.frame);
	return r;
}
