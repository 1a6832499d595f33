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
	struct server *server; /* NULL: let go, only to be reaped */
	struct worker worker;
	sd_event_source *child;
};

static void idle_free(struct idle *i)
{
	sd_event_source_disable_unref(i->child);
	worker_done(&i->worker);
	free(i);
}

static int on_child(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct idle *i = data;
	siginfo_t info = {0};

	(void)source;
	(void)revents;
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) < 0 || !info.si_pid)
		return 0;
	if (i->server)
		i->server->idle = NULL;
	idle_free(i);
	return 0;
}

/* What it knows is of use for the next call: it is not worn out, and no other has changed the held descriptors. */
static bool is_good(const struct server *s, const struct worker *w)
{
	return !s->standalone && !s->stopping && w->n_calls < WORKER_CALLS_MAX && w->epoch == s->epoch;
}

void idle_keep(struct server *s, struct worker *take_w)
{
	struct idle *i = calloc(1, sizeof(*i));

	if (i)
		i->worker = *take_w;
	if (!i || sd_event_add_io(s->event, &i->child, i->worker.pidfd, EPOLLIN, on_child, i) < 0) {
		worker_kill(take_w);
		worker_done(take_w);
		free(i);
		return;
	}
	*take_w = (struct worker){.pid = -1, .pidfd = -1, .out = -1, .control = -1};
	if (is_good(s, &i->worker) && !s->idle) {
		i->server = s;
		s->idle = i;
	} else {
		worker_kill(&i->worker);
	}
}

void idle_discard(struct server *s)
{
	struct idle *i = s->idle;

	if (!i)
		return;
	worker_kill(&i->worker);
	i->server = NULL;
	s->idle = NULL;
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
