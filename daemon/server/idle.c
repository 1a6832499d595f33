/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The idle worker: the one that served the last call and waits for the next, warm. There is at most one, and a call
 * that finds none starts a worker of its own. Workers that are let go are killed and reaped here, without waiting.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "daemon/server/server.h"

struct idle {
	struct server *server;
	struct idle *next;     /* of those that were let go and are only to be reaped */
	struct worker worker;
	sd_event_source *child;
};

static void idle_free(struct idle *i)
{
	sd_event_source_disable_unref(i->child);
	worker_done(&i->worker);
	free(i);
}

static void forget(struct idle *i)
{
	struct idle **p = &i->server->let_go;

	if (i->server->idle == i)
		i->server->idle = NULL;
	while (*p && *p != i)
		p = &(*p)->next;
	if (*p)
		*p = i->next;
}

static int on_child(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct idle *i = data;
	siginfo_t info = {0};

	(void)source;
	(void)revents;
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) < 0 || !info.si_pid)
		return 0;
	forget(i);
	idle_free(i);
	return 0;
}

static void let_go(struct server *s, struct idle *i)
{
	worker_kill(&i->worker);
	i->next = s->let_go;
	s->let_go = i;
}

/* What it knows is of use for the next call: it is not worn out, and no other has changed the held descriptors. */
static bool is_good(const struct server *s, const struct worker *w)
{
	return !s->standalone && !s->stopping && w->n_calls < WORKER_CALLS_MAX && w->epoch == s->epoch;
}

void idle_keep(struct server *s, struct worker *take_w)
{
	struct idle *i = calloc(1, sizeof(*i));

	if (i) {
		i->server = s;
		i->worker = *take_w;
	}
	if (!i || sd_event_add_io(s->event, &i->child, i->worker.pidfd, EPOLLIN, on_child, i) < 0) {
		worker_kill(take_w);
		worker_done(take_w);
		free(i);
		return;
	}
	*take_w = (struct worker){.pid = -1, .pidfd = -1, .out = -1, .control = -1};
	if (is_good(s, &i->worker) && !s->idle) {
		s->idle = i;
	} else {
		let_go(s, i);
	}
}

void idle_discard(struct server *s)
{
	struct idle *i = s->idle;

	if (!i)
		return;
	s->idle = NULL;
	let_go(s, i);
}

void idle_free_all(struct server *s)
{
	idle_discard(s);
	while (s->let_go) {
		struct idle *i = s->let_go;

		s->let_go = i->next;
		idle_free(i);
	}
}

int idle_take(struct server *s, const struct worker_job *job, struct worker *ret)
{
	struct idle *i = s->idle;

	if (!i || !job->method || worker_assign(&i->worker, job) < 0)
		return -EAGAIN;
	*ret = i->worker;
	i->worker = (struct worker){.pid = -1, .pidfd = -1, .out = -1, .control = -1};
	s->idle = NULL;
	idle_free(i);
	return 0;
}
