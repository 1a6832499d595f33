/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's loop: accepts, frames, checks, and hands each call to a worker. It never opens a file of the host, never
 * waits for a client, and never waits for a worker.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "daemon/engine/engine.h"
#include "daemon/server/holds.h"
#include "daemon/server/methods.h"
#include "daemon/server/peer.h"
#include "daemon/server/refusals.h"
#include "daemon/server/watch.h"
#include "daemon/server/worker.h"
#include "lib/base/err.h"
#include "lib/proto/varlink.h"

#define SERVER_MAX_CLIENTS 256
#define SERVER_ROOT_RESERVE 8   /* of those, kept for root */
#define SERVER_MAX_PER_UID 16
#define SERVER_MESSAGE_US (5 * 1000000ULL)  /* to begin, and to finish, a message */
#define SERVER_IDLE_US (60 * 1000000ULL)    /* between messages */
#define SERVER_STALL_US (30 * 1000000ULL)   /* without taking a byte of a reply */
#define SERVER_STEP_US (30 * 1000000ULL)    /* a step of a worker */
#define SERVER_REAP_US (5 * 1000000ULL)     /* for a killed worker to go */
#define SERVER_QUEUE_HIGH (256 * 1024)      /* bytes queued for a client before a reading worker is held up */
#define SERVER_QUEUE_MAX (64 * 1024 * 1024) /* before it is dropped */

struct server;
struct call;

/* What a client is waited for; each has its time limit (client.c). */
enum wait { WAIT_NOTHING, WAIT_MESSAGE, WAIT_IDLE, WAIT_STALL, WAIT_END };

struct client {
	struct server *server;
	struct client *next, **prev; /* in the server's list */
	int fd;
	struct peer peer;
	struct frame in;
	struct strbuf out;
	size_t sent;             /* of out */
	sd_event_source *io, *timer;
	struct call *call;       /* running, or waiting for a recovery to end */
	enum wait wait;
	bool eof, closing, served, processing;
};

struct call {
	struct server *server;
	struct call *next, **prev; /* in the server's list */
	struct client *client;   /* NULL: it went away, or nobody asked */
	struct varlink_call request;
	const struct method *method; /* NULL: recovery */
	struct worker worker;
	sd_event_source *out, *control, *child, *deadline;
	struct running progress;
	char object[128];        /* as of the last look */
	unsigned serial;         /* of the worker's note, at the last look */
	struct hft_err cause;    /* of the recovery that this call has become */
	bool has_cause, killed, recovering, done;
	char outcome[64];        /* of CONTROL_DONE; "" before */
	bool midway;             /* the client has been sent a part of a message */
};

struct server {
	sd_event *event;
	struct engine engine;
	struct access_rules access;
	struct refusals refusals;
	struct holds holds;
	struct client *clients;
	size_t n_clients;
	struct call *calls;
	struct call *changing;   /* at most one */
	struct idle *idle;       /* a worker that waits for its next call, or NULL */
	struct idle *let_go;     /* killed, not yet reaped */
	struct watch *watch;     /* NULL until a worker has said what for */
	unsigned epoch;          /* counts changes of the held descriptors */
	uint64_t step_us, reap_us;
	uint64_t haste;          /* divides the time limits of clients; 1 but in tests */
	int listen_fd, spare_fd;
	bool stuck, stopping, standalone;
};

struct server_options {
	int listen_fd;  /* taken; -1 with client_fd */
	int client_fd;  /* taken: the one client of a standalone run; -1 otherwise */
	struct engine engine; /* borrowed members; copied */
	struct holds holds;   /* taken */
	bool copied_tree;
};

/* Runs until told to stop. 0, or a negative errno with *err when it could not begin. */
int server_run(struct server_options *o, struct hft_err *err);

/* --- between the files of this folder ---------------------------------------------------------------------------------- */

int client_new(struct server *s, int take_fd, struct client **ret, struct hft_err *err);
void client_free(struct client *c);
/* The peer sees the end, whoever else still has a copy of the descriptor. */
void client_close(int *fd);
/* Queue bytes and send what goes now. The client may be closed by this, never freed. */
void client_send(struct client *c, const char *data, size_t n);
void client_send_err(struct client *c, const struct hft_err *err);
void client_update(struct client *c);  /* events and timer after anything changed */
void client_process(struct client *c); /* take the next message, if no call is running */
bool client_is_congested(const struct client *c);
void client_abort(struct client *c);     /* nothing sensible can be said any more; freed by the loop */
void client_call_done(struct client *c); /* never frees: callers still hold the pointer */

/* In a worker: close what belongs to the loop, so that a worker that hangs keeps no connection and no address alive. */
void server_forget(void *data);

/* Keep the worker of a call that is done, or let it go when there is a better one. Takes *w. */
void idle_keep(struct server *s, struct worker *take_w);
void idle_discard(struct server *s);
void idle_free_all(struct server *s); /* at exit */
/* Give the idle worker this call: 0 and the worker, or -EAGAIN. */
int idle_take(struct server *s, const struct worker_job *job, struct worker *ret);

/* Start the call of a client whose request has been checked. Owns request in any case. */
void call_start(struct server *s, struct client *c, struct varlink_call *take_request, const struct method *m);
/* Undo what an earlier daemon left unfinished. */
void call_recover_at_start(struct server *s);
/* Write again what was wiped (method_reassert); nobody asked. No call may be changing. */
void call_reassert(struct server *s, struct json *take_parameters);
void call_free_all(struct server *s); /* at exit */
void call_detach(struct call *call); /* its client is going away */
void call_resume(struct call *call); /* the client took what was queued */
bool call_look(struct call *call);   /* note where the worker is; true when it moved since the last look */
