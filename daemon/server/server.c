/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening, limits, signals, and the loop itself. */
#include "daemon/server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"

/* --- accepting ------------------------------------------------------------------------------------------------------------ */

static size_t count_uid(const struct server *s, uid_t uid)
{
	size_t n = 0;

	for (const struct client *c = s->clients; c; c = c->next)
		n += c->peer.uid == uid;
	return n;
}

/* After the client was counted in. */
static bool is_too_many(const struct server *s, const struct client *c)
{
	if (s->n_clients > SERVER_MAX_CLIENTS)
		return true;
	return c->peer.uid != 0 && (s->n_clients > SERVER_MAX_CLIENTS - SERVER_ROOT_RESERVE ||
	                            count_uid(s, c->peer.uid) > SERVER_MAX_PER_UID);
}

/* Out of descriptors: give up the spare one, take the connection off the queue and close it, so that the loop does not
 * spin on a socket that stays readable. */
static void shed(struct server *s)
{
	int fd;

	mem_closep(&s->spare_fd);
	fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	mem_closep(&fd);
	s->spare_fd = fcntl(s->listen_fd, F_DUPFD_CLOEXEC, 0);
}

static int on_listen(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct server *s = data;
	struct client *c;
	struct hft_err err = {0};
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)revents;
	if (client < 0) {
		if (errno == EMFILE || errno == ENFILE)
			shed(s);
		return 0;
	}
	if (client_new(s, client, &c, &err) < 0) {
		log_warning("connection: %s", err.msg);
		return 0;
	}
	if (!is_too_many(s, c))
		return 0;
	err_raise(&err, ERR_BUSY, EBUSY, "connections", "too many connections");
	err_hint(&err, "at most %d at a time for one user", SERVER_MAX_PER_UID);
	client_send_err(c, &err);
	client_free(c);
	return 0;
}

/* --- stopping -------------------------------------------------------------------------------------------------------------- */

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	struct server *s = data;

	(void)source;
	(void)info;
	s->stopping = true;
	if (!s->changing || s->stuck)
		return sd_event_exit(s->event, 0);
	log_info("stopping after the transaction that is running");
	return 0;
}

static int add_signals(struct server *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (s->standalone) /* its only client is what ends it */
		return signal(SIGHUP, SIG_IGN) == SIG_ERR ? -errno : 0;
	if (sd_event_add_signal(s->event, NULL, SIGTERM, on_signal, s) < 0)
		return -ENOMEM;
	return sd_event_add_signal(s->event, NULL, SIGINT, on_signal, s);
}

/* --- the loop ---------------------------------------------------------------------------------------------------------------- */

/* A number from the environment of a FAULT build; no other build looks there. */
static uint64_t test_number(const char *name, uint64_t otherwise)
{
#ifdef HFT_FAULT
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
#else
	(void)name;
	return otherwise;
#endif
}

static void set_deadlines(struct server *s)
{
	s->step_us = 1000 * test_number("HFT_STEP_DEADLINE_MS", SERVER_STEP_US / 1000);
	s->reap_us = s->step_us < SERVER_REAP_US ? s->step_us : SERVER_REAP_US;
	s->haste = test_number("HFT_HASTE", 1);
}

static int open_sources(struct server *s, int client_fd, struct hft_err *err)
{
	struct client *c;

	if (sd_event_new(&s->event) < 0 || add_signals(s) < 0)
		return err_oom(err);
	sd_event_set_watchdog(s->event, true);
	if (s->standalone)
		return client_new(s, client_fd, &c, err);
	s->spare_fd = fcntl(s->listen_fd, F_DUPFD_CLOEXEC, 0);
	if (sd_event_add_io(s->event, NULL, s->listen_fd, EPOLLIN, on_listen, s) < 0)
		return err_oom(err);
	return 0;
}

void server_forget(void *data)
{
	struct server *s = data;

	mem_closep(&s->listen_fd);
	mem_closep(&s->spare_fd);
	watch_forget(s);
	for (struct client *c = s->clients; c; c = c->next)
		mem_closep(&c->fd);
	for (struct call *call = s->calls; call; call = call->next) {
		mem_closep(&call->worker.pidfd);
		mem_closep(&call->worker.out);
		mem_closep(&call->worker.control);
	}
}

static void close_all(struct server *s)
{
	while (s->clients)
		client_free(s->clients);
	idle_free_all(s);
	call_free_all(s);
	watch_free(s);
	mem_closep(&s->spare_fd);
	mem_closep(&s->listen_fd);
	holds_done(&s->holds);
	sd_event_unref(s->event);
}

int server_run(struct server_options *o, struct hft_err *err)
{
	struct server s = {
		.engine = o->engine,
		.holds = o->holds,
		.listen_fd = TAKE_FD(o->listen_fd),
		.spare_fd = -1,
		.standalone = o->client_fd >= 0,
	};
	int r;

	set_deadlines(&s);
	access_init(&s.access, s.standalone, o->copied_tree);
	r = open_sources(&s, TAKE_FD(o->client_fd), err);
	if (r == 0) {
		if (!s.standalone)
			call_recover_at_start(&s);
		sd_notify(0, "READY=1\nSTATUS=Waiting for requests");
		r = sd_event_loop(s.event);
		sd_notify(0, "STOPPING=1");
		r = r < 0 ? err_raise(err, ERR_IO, -r, "event loop", "the event loop failed") : 0;
	}
	close_all(&s);
	return r;
}
