/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forked workers. Every engine call runs in one, because any read or write of a kernel file may block. A worker speaks
 * over two sockets: `out` carries whole Varlink messages for the client, `control` carries held descriptors for the
 * daemon, and the word that a call is done. Where it is stands in a page that both share, so that a step costs no
 * system call. It dies with the daemon (PR_SET_PDEATHSIG).
 *
 * A worker that has done its call waits for the next one and keeps what it knows of host and journal warm; the daemon
 * keeps one such worker and lets the others go.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/server/holds.h"
#include "daemon/server/methods.h"

/* Written by the worker before each step. A torn text is possible and harmless: it is for people. */
struct worker_note {
	unsigned serial;   /* counts steps begun */
	unsigned finished; /* the transaction is over, the last message is on its way */
	unsigned step, steps;
	char object[128];
};

struct worker {
	pid_t pid;
	struct worker_note *note; /* shared */
	int pidfd, out, control; /* the daemon's ends; -1 when closed */
	unsigned n_calls;        /* that it was given */
	unsigned epoch;          /* of the held descriptors that it knows */
};

struct worker_job {
	struct engine *engine;        /* progress and holds are filled in by the worker */
	const struct method *method;  /* NULL: recover an unfinished transaction */
	const struct json *parameters;
	const struct running *running;
	const struct hft_err *cause;  /* of a recovery on behalf of a client: what went wrong; NULL at start */
	struct holds *holds;
	void (*forget)(void *data);   /* closes what is the loop's alone */
	void *data;
	bool standalone, more, oneway;
};

#define WORKER_CALLS_MAX 1000 /* then it has served long enough */

/* Give an idle worker its next call. -EAGAIN when it cannot take it: start another one then. */
int worker_assign(struct worker *idle, const struct worker_job *job);
/* Fork and run. 0, or -errno ERR_IO. */
int worker_start(const struct worker_job *job, struct worker *ret, struct hft_err *err);
void worker_done(struct worker *w); /* closes; does not kill */
void worker_kill(const struct worker *w);
