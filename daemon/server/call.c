/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call and its worker: bytes passed on, progress noted, deadlines kept, the dead reaped and what they left undone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/server/event.h"
#include "daemon/server/server.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

#define PASS_SIZE 65536

static void begin(struct call *call);

/* --- life ------------------------------------------------------------------------------------------------------------------- */

static void stop_worker(struct call *call)
{
	call->out = sd_event_source_disable_unref(call->out);
	call->control = sd_event_source_disable_unref(call->control);
	call->child = sd_event_source_disable_unref(call->child);
	call->deadline = sd_event_source_disable_unref(call->deadline);
	worker_done(&call->worker);
}

static void call_free(struct call *call)
{
	stop_worker(call);
	*call->prev = call->next;
	if (call->next)
		call->next->prev = call->prev;
	varlink_call_done(&call->request);
	free(call);
}

void call_free_all(struct server *s)
{
	while (s->calls)
		call_free(s->calls);
}

/* Calls that waited for a recovery may begin now. */
static void wake_waiting(struct server *s)
{
	for (struct client *c = s->clients; c; c = c->next) {
		if (c->call && c->call->worker.pid < 0 && !s->changing) {
			s->changing = c->call;
			begin(c->call);
		}
	}
}

static void finish(struct call *call)
{
	struct server *s = call->server;
	struct client *c = call->client;

	if (s->changing == call) {
		s->changing = NULL;
		s->stuck = false;
	}
	if (call->method == &method_reassert)
		watch_done(s, call->outcome);
	call_free(call);
	if (c)
		client_call_done(c);
	if (s->stopping && !s->changing) {
		sd_event_exit(s->event, 0);
		return;
	}
	wake_waiting(s);
}

void call_detach(struct call *call)
{
	struct server *s = call->server;

	call->client = NULL;
	if (call->worker.pid < 0) {
		/* It only waited. */
		if (s->changing == call)
			s->changing = NULL;
		call_free(call);
	} else if (s->changing != call) {
		worker_kill(&call->worker); /* nobody will read what it reads */
	} else if (call->out) {
		sd_event_source_set_enabled(call->out, SD_EVENT_ON);
	}
}

void call_resume(struct call *call)
{
	if (call->out)
		sd_event_source_set_enabled(call->out, SD_EVENT_ON);
}

/* --- what the worker says ---------------------------------------------------------------------------------------------------- */

/* One turn: 1 passed on, 0 nothing there, -EPIPE the end. */
static int pass_on(struct call *call)
{
	char buf[PASS_SIZE];
	ssize_t n = recv(call->worker.out, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	if (n == 0)
		return -EPIPE;
	call->midway = buf[n - 1] != '\0';
	if (call->client)
		client_send(call->client, buf, (size_t)n);
	return 1;
}

static int on_out(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct call *call = data;
	bool reads_only = call->server->changing != call;

	(void)fd;
	(void)revents;
	if (pass_on(call) < 0)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	/* A reading worker waits for a slow client; a changing one never does. */
	else if (reads_only && call->client && client_is_congested(call->client))
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

static void rearm(struct call *call, uint64_t us)
{
	if (sd_event_source_set_time_relative(call->deadline, us) >= 0)
		sd_event_source_set_enabled(call->deadline, SD_EVENT_ONESHOT);
}

static void answer(struct call *call, int r)
{
	char byte = r < 0;

	send(call->worker.control, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void take_control(struct call *call, const struct control *c, int take_fd)
{
	struct holds *holds = &call->server->holds;

	switch ((enum control_kind)c->kind) {
	case CONTROL_HOLD:
		call->worker.epoch = ++call->server->epoch; /* it knows; others do not */
		answer(call, holds_set(holds, c->key, c->value, TAKE_FD(take_fd)));
		break;
	case CONTROL_RELEASE:
		call->worker.epoch = ++call->server->epoch;
		answer(call, holds_drop(holds, c->key));
		break;
	case CONTROL_WATCH:
	case CONTROL_SOURCE:
		watch_take(call->server, c, TAKE_FD(take_fd));
		break;
	case CONTROL_DONE:
		call->done = true;
		snprintf(call->outcome, sizeof(call->outcome), "%s", c->value);
		watch_renew(call->server);
		break;
	}
	mem_closep(&take_fd);
}

static bool receive_control(struct call *call)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} u;
	struct control c;
	struct iovec iov = {.iov_base = &c, .iov_len = sizeof(c)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf, .msg_controllen = sizeof(u.buf)};
	ssize_t n = recvmsg(call->worker.control, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	int fd = -1;

	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	if (n != sizeof(c)) {
		mem_closep(&fd);
		return false;
	}
	c.key[sizeof(c.key) - 1] = '\0';
	c.value[sizeof(c.value) - 1] = '\0';
	take_control(call, &c, fd);
	return true;
}

/* Everything was said: pass the rest on, and keep the worker for the next call. */
static void complete(struct call *call)
{
	struct server *s = call->server;
	struct worker w = call->worker;

	while (pass_on(call) > 0)
		;
	call->worker = (struct worker){.pid = -1, .pidfd = -1, .out = -1, .control = -1};
	stop_worker(call);
	if (w.epoch != s->epoch || s->changing == call)
		idle_discard(s); /* it knows less than this one */
	idle_keep(s, &w);
	finish(call);
}

static int on_control(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct call *call = data;

	(void)fd;
	(void)revents;
	if (!receive_control(call))
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	else if (call->done)
		complete(call);
	return 0;
}

/* --- deadlines and the end ----------------------------------------------------------------------------------------------------- */

/* What the worker last said of itself. True when it has moved since the last look. */
bool call_look(struct call *call)
{
	const struct worker_note *n = call->worker.note;
	unsigned serial;
	bool moved;

	if (!n)
		return false;
	serial = __atomic_load_n(&n->serial, __ATOMIC_ACQUIRE);
	moved = serial != call->serial;
	call->serial = serial;
	call->progress.step = n->step;
	call->progress.steps = n->steps;
	snprintf(call->object, sizeof(call->object), "%.*s", (int)sizeof(n->object) - 1, n->object);
	return moved;
}

static void raise_deadline(struct call *call)
{
	err_raise(&call->cause, ERR_TIMEOUT, ETIMEDOUT, call->object, "a step took longer than %llu s",
	          (unsigned long long)(call->server->step_us / 1000000));
	call->has_cause = true;
}

/* Why the call failed, as the last word to its client. Behind half a message there is nothing to be said. */
static void tell(struct call *call, const struct hft_err *err)
{
	if (!call->client)
		return;
	if (call->midway)
		client_abort(call->client);
	else if (!call->request.oneway)
		client_send_err(call->client, err);
}

/* What waited for this recovery will not begin soon. */
static void refuse_waiting(struct server *s)
{
	struct hft_err err = {0};

	err_raise(&err, ERR_BUSY, EBUSY, s->changing->object, "a transaction is stuck in the kernel");
	err_hint(&err, "see `hfttune status`");
	for (struct client *c = s->clients; c; c = c->next) {
		struct call *call = c->call;

		if (!call || call->worker.pid >= 0 || call == s->changing)
			continue;
		tell(call, &err);
		call_free(call);
		client_call_done(c);
	}
}

/* It was killed and does not go: it hangs in the kernel. The client is told, reads go on, changes are refused. */
static void give_up(struct call *call)
{
	struct client *c = call->client;
	struct hft_err err = {0};

	if (call->server->changing == call) {
		call->server->stuck = true;
		refuse_waiting(call->server);
	}
	event_log(EVENT_STUCK, 0, call->object, "a worker is stuck in the kernel");
	/* A change that hangs is neither done nor undone yet. */
	err_raise(&err, call->server->changing == call ? ERR_NOT_UNDONE : ERR_TIMEOUT, ETIMEDOUT, call->object,
	          "stuck in the kernel; it is undone as soon as it returns");
	err_hint(&err, "see `hfttune status`");
	tell(call, &err);
	call->client = NULL;
	if (c)
		client_call_done(c);
}

/* A slow client has a time limit of its own (client.c). */
static bool waits_for_client(const struct call *call)
{
	return call->server->changing != call && call->client && client_is_congested(call->client);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	struct call *call = data;

	(void)source;
	(void)usec;
	if (call->killed) {
		give_up(call);
		return 0;
	}
	if (call_look(call) || waits_for_client(call)) {
		rearm(call, call->server->step_us);
		return 0;
	}
	raise_deadline(call);
	call->killed = true;
	worker_kill(&call->worker);
	rearm(call, call->server->reap_us);
	return 0;
}

/* What a worker that did not reply left: a change is undone by a new worker, which also tells the client. */
static void handle_loss(struct call *call, const siginfo_t *info)
{
	if (!call->client && call->server->changing != call) {
		finish(call); /* a read that nobody waits for was killed */
		return;
	}
	call_look(call);
	if (!call->has_cause) {
		err_raise(&call->cause, ERR_IO, 0, call->object, "the worker died (%s %d)",
		          info->si_code == CLD_EXITED ? "exit status" : "signal", info->si_status);
		call->has_cause = true;
	}
	log_error("%s: %s", call->method ? call->method->name : "recovery", call->cause.msg);
	/* A recovery is tried once; again, when it was the kernel that held it up and has let it go. */
	if (call->server->changing == call && (!call->recovering || call->server->stuck)) {
		if (call->midway && call->client) {
			tell(call, &call->cause);
			call->client->call = NULL;
			call->client = NULL;
		}
		stop_worker(call);
		call->recovering = true;
		call->killed = false;
		call->server->stuck = false;
		begin(call);
		return;
	}
	tell(call, &call->cause);
	finish(call);
}

static int on_child(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct call *call = data;
	siginfo_t info = {0};

	(void)source;
	(void)revents;
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) < 0 || !info.si_pid)
		return 0;
	while (receive_control(call))
		;
	while (pass_on(call) > 0)
		;
	if (call->done)
		finish(call);
	else
		handle_loss(call, &info);
	return 0;
}

/* --- the beginning ------------------------------------------------------------------------------------------------------------- */

static int watch(struct call *call)
{
	sd_event *e = call->server->event;
	struct worker *w = &call->worker;

	if (sd_event_add_io(e, &call->out, w->out, EPOLLIN, on_out, call) < 0 ||
	    sd_event_add_io(e, &call->control, w->control, EPOLLIN, on_control, call) < 0 ||
	    sd_event_add_io(e, &call->child, w->pidfd, EPOLLIN, on_child, call) < 0 ||
	    sd_event_add_time_relative(e, &call->deadline, CLOCK_MONOTONIC, call->server->step_us, 0, on_deadline,
	                               call) < 0)
		return -ENOMEM;
	return 0;
}

/* What Status may tell of the transaction that runs meanwhile. */
static struct running look_around(struct call *call)
{
	struct server *s = call->server;
	struct running now = {0};

	if (s->changing && s->changing != call) {
		call_look(s->changing);
		now = s->changing->progress;
		now.changing = true;
	}
	now.stuck = s->stuck;
	now.standalone = s->standalone;
	return now;
}

static void begin(struct call *call)
{
	struct server *s = call->server;
	struct running now = look_around(call);
	struct hft_err err = {0};
	struct worker_job job = {
		.engine = &s->engine,
		.method = call->recovering ? NULL : call->method,
		.parameters = call->request.parameters,
		.running = &now,
		.cause = call->recovering && call->has_cause ? &call->cause : NULL,
		.holds = &s->holds,
		.forget = server_forget,
		.data = s,
		.standalone = s->standalone,
		.more = call->request.more,
		.oneway = call->request.oneway,
	};
	int r = idle_take(s, &job, &call->worker);

	if (r < 0) {
		r = worker_start(&job, &call->worker, &err);
		call->worker.epoch = s->epoch;
	}
	if (r == 0 && watch(call) == 0)
		return;
	if (r == 0) {
		worker_kill(&call->worker);
		err_oom(&err);
	}
	tell(call, &err);
	finish(call);
}

static struct call *call_new(struct server *s)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->server = s;
	call->next = s->calls;
	call->prev = &s->calls;
	if (call->next)
		call->next->prev = &call->next;
	s->calls = call;
	call->worker = (struct worker){.pid = -1, .pidfd = -1, .out = -1, .control = -1};
	return call;
}

void call_start(struct server *s, struct client *c, struct varlink_call *take_request, const struct method *m)
{
	struct call *call = call_new(s);
	struct hft_err err = {0};

	if (!call) {
		err_oom(&err);
		client_send_err(c, &err);
		return;
	}
	call->client = c;
	call->request = *take_request;
	*take_request = (struct varlink_call){0};
	call->method = m;
	call->progress.kind = m->changes;
	snprintf(call->progress.profile, sizeof(call->progress.profile), "%s",
	         json_get_string(call->request.parameters, "profile", ""));
	c->call = call;
	if (m->changes) /* another matter than what somebody else kept undoing */
		watch_resume(s);
	if (m->changes && s->changing)
		return; /* wake_waiting() comes back when the recovery has ended */
	if (m->changes)
		s->changing = call;
	begin(call);
}

void call_recover_at_start(struct server *s)
{
	struct call *call = call_new(s);

	if (!call)
		return;
	call->recovering = true;
	call->progress.kind = "recovery";
	s->changing = call;
	begin(call);
}

void call_reassert(struct server *s, struct json *take_parameters)
{
	struct call *call = call_new(s);

	if (!call) {
		json_free(take_parameters);
		return;
	}
	call->method = &method_reassert;
	call->request = (struct varlink_call){.parameters = take_parameters, .oneway = true};
	call->progress.kind = method_reassert.changes;
	s->changing = call;
	begin(call);
}
