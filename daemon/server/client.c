/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection: bytes in and out, its time limits, and the messages that need no worker. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/server/server.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"
#include "lib/proto/schema.h"

#define READ_SIZE 16384

static size_t queued(const struct client *c)
{
	return c->out.len - c->sent;
}

bool client_is_congested(const struct client *c)
{
	return queued(c) > SERVER_QUEUE_HIGH;
}

/* Nothing more to say and nothing more to hear. */
static bool is_finished(const struct client *c)
{
	return !queued(c) && !c->call && (c->closing || c->eof);
}

static bool takes_input(const struct client *c)
{
	return !c->call && !c->closing && !c->eof && !client_is_congested(c);
}

/* --- life ------------------------------------------------------------------------------------------------------------------ */

void client_close(int *fd)
{
	if (*fd >= 0)
		shutdown(*fd, SHUT_RDWR);
	mem_closep(fd);
}

void client_free(struct client *c)
{
	if (!c)
		return;
	if (c->call)
		call_detach(c->call);
	if (c->prev) {
		*c->prev = c->next;
		if (c->next)
			c->next->prev = c->prev;
		c->server->n_clients--;
	}
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->timer);
	if (c->server->standalone && c->fd >= 0) {
		c->server->stopping = true;
		if (!c->server->changing)
			sd_event_exit(c->server->event, 0);
	}
	client_close(&c->fd);
	frame_done(&c->in);
	strbuf_done(&c->out);
	peer_done(&c->peer);
	free(c);
}

static int on_time(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	client_free(data);
	return 0;
}

static enum wait waits_for(const struct client *c)
{
	if (is_finished(c))
		return WAIT_END;
	if (queued(c))
		return WAIT_STALL;
	if (c->call || c->server->standalone)
		return WAIT_NOTHING;
	return !c->served || !frame_is_empty(&c->in) ? WAIT_MESSAGE : WAIT_IDLE;
}

/* The time begins anew with what the client is waited for, or when it got on (a whole message, bytes of a reply): not
 * with every byte it sends, or one that sends a byte a second would stay for ever. */
static void arm(struct client *c, bool got_on)
{
	static const uint64_t limits[] = {
		[WAIT_MESSAGE] = SERVER_MESSAGE_US,
		[WAIT_IDLE] = SERVER_IDLE_US,
		[WAIT_STALL] = SERVER_STALL_US,
		[WAIT_END] = 0, /* freed by the loop, where nobody holds the pointer */
	};
	enum wait now = waits_for(c);

	if (now == c->wait && !got_on)
		return;
	c->wait = now;
	if (now == WAIT_NOTHING)
		sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
	else if (sd_event_source_set_time_relative(c->timer, limits[now] / c->server->haste) >= 0)
		sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

/* Input only while no call runs and replies are taken: what comes meanwhile stays in the socket. Hang-up is reported
 * always. */
void client_update(struct client *c)
{
	uint32_t events = 0;

	if (queued(c))
		events |= EPOLLOUT;
	if (takes_input(c))
		events |= EPOLLIN;
	sd_event_source_set_io_events(c->io, events);
}

/* --- out --------------------------------------------------------------------------------------------------------------------- */

/* 0, or -EPIPE when the peer has gone. */
static int flush(struct client *c)
{
	while (queued(c)) {
		ssize_t n = send(c->fd, c->out.s + c->sent, queued(c), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -EPIPE;
		c->sent += (size_t)n;
	}
	strbuf_done(&c->out);
	c->sent = 0;
	return 0;
}

void client_abort(struct client *c)
{
	strbuf_done(&c->out);
	c->sent = 0;
	c->closing = c->eof = true;
	shutdown(c->fd, SHUT_RDWR);
	arm(c, false);
	client_update(c);
}

void client_send(struct client *c, const char *data, size_t n)
{
	size_t before;

	if (c->closing && c->eof)
		return;
	strbuf_addn(&c->out, data, n);
	before = queued(c);
	if (c->out.oom || before > SERVER_QUEUE_MAX || flush(c) < 0) {
		client_abort(c);
		return;
	}
	arm(c, queued(c) < before);
	client_update(c);
}

void client_send_err(struct client *c, const struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};

	if (varlink_encode_err(err, &out) == 0)
		client_send(c, out.s, out.len);
}

/* An error of org.varlink.service with one parameter. */
static void send_standard(struct client *c, const char *error, const char *name, const char *value)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};
	struct json *p = json_new_object();

	if (json_set_string(p, name, value) < 0 || varlink_encode_error(error, TAKE_PTR(p), &out) < 0)
		json_free(p);
	else
		client_send(c, out.s, out.len);
}

/* --- messages that need no worker ------------------------------------------------------------------------------------------ */

static void send_json(struct client *c, struct json *take)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};

	if (varlink_encode_reply(take, false, &out) == 0)
		client_send(c, out.s, out.len);
}

static void get_info(struct client *c)
{
	struct json *j = json_new_object(), *list = json_new_array();

	json_add_string(list, schema_service.name);
	json_add_string(list, schema_tuner.name);
	json_set_string(j, "vendor", "hfttune");
	json_set_string(j, "product", "hfttuned");
	json_set_string(j, "version", HFT_VERSION);
	json_set_string(j, "url", "https://varlink.org");
	json_set_take(j, "interfaces", list);
	send_json(c, j);
}

static void get_description(struct client *c, const struct json *parameters)
{
	const char *name = json_get_string(parameters, "interface", "");
	const struct schema_interface *known[] = {&schema_service, &schema_tuner};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct json *j;

		if (strcmp(known[i]->name, name) != 0)
			continue;
		j = json_new_object();
		json_set_string(j, "description", known[i]->description);
		send_json(c, j);
		return;
	}
	send_standard(c, "org.varlink.service.InterfaceNotFound", "interface", name);
}

static void serve_standard(struct client *c, const char *method, const struct json *parameters)
{
	if (strcmp(method, "GetInfo") == 0)
		get_info(c);
	else
		get_description(c, parameters);
}

/* --- in ------------------------------------------------------------------------------------------------------------------------ */

/* What is no message at all ends the conversation. */
static void protocol_error(struct client *c, const struct hft_err *err)
{
	client_send_err(c, err);
	c->closing = true;
	arm(c, false);
	client_update(c);
}

static int check_busy(const struct server *s, const struct method *m, struct hft_err *err)
{
	struct call *now = s->changing;

	if (!m->changes || !now)
		return 0;
	/* What the daemon does of its own accord is waited for. */
	if ((now->recovering || now->method == &method_reassert) && !now->client && !s->stuck)
		return 0;
	/* Its caller has the answer already; only the worker has not been reaped: the next one waits for that. */
	if (call_look(now), now->worker.note && __atomic_load_n(&now->worker.note->finished, __ATOMIC_ACQUIRE))
		return 0;
	err_raise(err, ERR_BUSY, EBUSY, now->object[0] ? now->object : "transaction", s->stuck
	          ? "a transaction is stuck in the kernel"
	          : "another transaction is running");
	err_hint(err, "see `hfttune status`");
	return -EBUSY;
}

/* The name of a method is its interface's, a dot, and its own. */
static void send_no_interface(struct client *c, const char *method)
{
	const char *dot = strrchr(method, '.');
	CLEANUP(mem_freep) char *interface = str_dup_n(method, dot ? (size_t)(dot - method) : strlen(method));

	send_standard(c, "org.varlink.service.InterfaceNotFound", "interface", interface ? interface : method);
}

static void log_refusal(struct client *c, const struct method *m)
{
	uint64_t now = 0;
	unsigned hidden;

	sd_event_now(c->server->event, CLOCK_MONOTONIC, &now);
	if (!refusals_tell(&c->server->refusals, c->peer.uid, now, &hidden))
		return;
	if (hidden)
		log_warning("refused %s to uid %u, and %u calls before it", m->name, (unsigned)c->peer.uid, hidden);
	else
		log_warning("refused %s to uid %u", m->name, (unsigned)c->peer.uid);
}

static void dispatch(struct client *c, struct varlink_call *request)
{
	const struct schema_interface *interface;
	const struct schema_method *schema;
	const struct method *m;
	struct hft_err err = {0};

	schema_find(request->method, &interface, &schema);
	if (!interface) {
		send_no_interface(c, request->method);
		return;
	}
	if (!schema) {
		send_standard(c, "org.varlink.service.MethodNotFound", "method", request->method);
		return;
	}
	if (schema_check(schema->in, request->parameters, &err) < 0) {
		send_standard(c, "org.varlink.service.InvalidParameter", "parameter", err.subject);
		return;
	}
	if (interface == &schema_service) {
		serve_standard(c, schema->name, request->parameters);
		return;
	}
	m = method_find(schema->name);
	if (!m) {
		send_standard(c, "org.varlink.service.MethodNotImplemented", "method", request->method);
	} else if (access_check(&c->server->access, &c->peer, m->right, &err) < 0) {
		log_refusal(c, m);
		client_send_err(c, &err);
	} else if (check_busy(c->server, m, &err) < 0) {
		client_send_err(c, &err);
	} else {
		if (m->changes)
			log_info("%s %s for uid %u", m->name,
			         json_get_string(request->parameters, "profile", ""), (unsigned)c->peer.uid);
		call_start(c->server, c, request, m);
	}
}

void client_process(struct client *c)
{
	const char *text;
	size_t len;
	bool got_on = false;

	if (c->processing)
		return; /* a call that could not begin ended at once: the loop below goes on */
	c->processing = true;
	while (!c->call && !c->closing && !client_is_congested(c) && frame_next(&c->in, &text, &len) > 0) {
		struct varlink_call request = {0};
		struct hft_err err = {0};

		c->served = got_on = true;
		if (varlink_decode_call(text, len, &request, &err) < 0)
			protocol_error(c, &err);
		else
			dispatch(c, &request);
		varlink_call_done(&request);
	}
	c->processing = false;
	arm(c, got_on);
	client_update(c);
}

void client_call_done(struct client *c)
{
	c->call = NULL;
	client_process(c);
}

/* The peer will send no more. Half a message is told: the other half of the connection may still be open. */
static void end_of_input(struct client *c)
{
	struct hft_err err = {0};

	c->eof = true;
	if (frame_is_empty(&c->in))
		return;
	err_raise(&err, ERR_PROTOCOL, EBADMSG, NULL, "a message that does not end");
	protocol_error(c, &err);
}

static void receive(struct client *c)
{
	char buf[READ_SIZE];
	struct hft_err err = {0};
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_of_input(c);
	} else if (frame_push(&c->in, buf, (size_t)n, &err) < 0) {
		protocol_error(c, &err);
	} else {
		client_process(c);
		return;
	}
	client_update(c);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct client *c = data;
	bool gone = false;

	(void)source;
	(void)fd;
	if (revents & EPOLLOUT) {
		client_send(c, "", 0);
		if (c->call && !client_is_congested(c))
			call_resume(c->call);
		else if (!c->call)
			client_process(c);
	}
	if ((revents & EPOLLIN) && takes_input(c))
		receive(c);
	else if (revents & (EPOLLHUP | EPOLLERR)) /* and all that it sent before has been read */
		gone = true;
	if (gone || is_finished(c))
		client_free(c);
	return 0;
}

int client_new(struct server *s, int take_fd, struct client **ret, struct hft_err *err)
{
	struct client *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		close(take_fd);
		return err_oom(err);
	}
	c->server = s;
	c->fd = take_fd;
	c->in.max = JSON_REQUEST_MAX;
	r = peer_read(take_fd, &c->peer, err);
	if (r == 0 && (sd_event_add_io(s->event, &c->io, take_fd, EPOLLIN, on_io, c) < 0 ||
	               sd_event_add_time_relative(s->event, &c->timer, CLOCK_MONOTONIC, SERVER_MESSAGE_US, 0, on_time,
	                                          c) < 0))
		r = err_oom(err);
	if (r < 0) {
		mem_closep(&c->fd);
		client_free(c);
		return r;
	}
	c->next = s->clients;
	c->prev = &s->clients;
	if (c->next)
		c->next->prev = &c->next;
	s->clients = c;
	s->n_clients++;
	c->wait = WAIT_END;
	arm(c, true);
	*ret = c;
	return 0;
}
