/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forking a worker, and what it does between fork and exit. */
#include "daemon/server/worker.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/knobs/knob.h"
#include "daemon/server/event.h"
#include "daemon/server/watch.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/fsio.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

#define KEEP_BYTES (4 * 1024 * 1024)

/* --- in the worker --------------------------------------------------------------------------------------------------------- */

struct inside {
	struct reply reply;
	struct worker_note *note;
};

static void on_progress(void *data, size_t i, size_t n, const char *object)
{
	struct inside *in = data;

	in->note->step = (unsigned)i;
	in->note->steps = (unsigned)n;
	strncpy(in->note->object, object, sizeof(in->note->object) - 1);
	__atomic_add_fetch(&in->note->serial, 1, __ATOMIC_RELEASE);
	if (n > 0) /* planning is no step of the client's */
		reply_progress(&in->reply, i, n, object);
}

/* Undo what a worker left, then tell the client why. */
static int recover(const struct worker_job *job, struct hft_err *err)
{
	struct hft_err own = {0};
	int64_t txn;
	int r = engine_recover(job->engine, &txn, &own);

	if (r < 0) {
		*err = own;
		return r;
	}
	if (txn)
		event_log(EVENT_RECOVERED, txn, "", "an unfinished transaction has been undone");
	if (!job->cause)
		return 0;
	*err = *job->cause;
	if (txn)
		err_context(err, "undone");
	else /* it died before it began, or when all was committed */
		err_hint(err, "nothing was left to undo; `hfttune status` says what is in force");
	return -EIO;
}

/* What happened to whom nobody asked for: the log is where it is told. */
static void log_failure(const struct worker_job *job, const struct hft_err *err)
{
	event_log_failure(err);
	if (job->method == &method_reassert)
		log_warning("what was wiped is not written again: %s: %s", err->subject, err->msg);
}

static int run(const struct worker_job *job, struct inside *in, struct control *ret_done)
{
	struct hft_err err = {0};
	struct work w = {
		.engine = job->engine,
		.parameters = job->parameters,
		.running = job->running,
		.reply = &in->reply,
	};
	int r = job->method ? job->method->run(&w, &err) : recover(job, &err);

	if (r < 0)
		snprintf(ret_done->value, sizeof(ret_done->value), "failed");
	else
		snprintf(ret_done->value, sizeof(ret_done->value), "%lld", (long long)w.txn);
	/* A standalone run has nobody to tell but its client. */
	if (r < 0 && !job->standalone && (!job->method || job->method->changes))
		log_failure(job, &err);
	if (r < 0)
		r = reply_error(&in->reply, &err);
	return r == -ENOMEM ? r : 0;
}

static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A stop of the service is the daemon's to decide: it waits for a change and kills a read. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static _Noreturn void lose(void)
{
	_exit(EXIT_FAILURE);
}

/* One call, and the word that it is done. */
static void serve(const struct worker_job *job, struct worker_note *note, int out, int control)
{
	struct inside in = {
		.reply = {.fd = out, .more = job->more, .oneway = job->oneway, .finished = &note->finished},
		.note = note,
	};
	struct control done = {.kind = CONTROL_DONE};
	struct knob_holds holds;
	int r;

	note->finished = 0;
	job->holds->control = control;
	holds_for_knobs(job->holds, &holds);
	/* Nobody stays to hold a descriptor after a standalone run; a copied tree has no device. */
	job->engine->holds = job->standalone || !fsio_is_live(job->engine->fs) ? NULL : &holds;
	job->engine->progress = on_progress;
	job->engine->data = &in;
	r = run(job, &in, &done);
	reply_done(&in.reply);
	if (!job->standalone && (!job->method || job->method->changes))
		watch_tell(job->engine, control);
	if (r < 0 || send(control, &done, sizeof(done), MSG_NOSIGNAL) < 0)
		lose();
	engine_close_files(job->engine);
}

/* --- further calls ---------------------------------------------------------------------------------------------------------- */

#define PARAMETERS_MAX 32768 /* longer ones get a worker of their own: they would not fit into one datagram for sure */

/* A call as it is handed over. Pointers to code and tables are good on both sides of the fork. */
struct assignment {
	const struct method *method;
	struct running running;
	bool more, oneway;
	char parameters[PARAMETERS_MAX];
};

static void serve_next(const struct worker_job *first, struct worker_note *note, int out, int control)
{
	CLEANUP(json_freep) struct json *parameters = NULL;
	CLEANUP(mem_freep) struct assignment *a = malloc(sizeof(*a));
	const size_t head = offsetof(struct assignment, parameters);
	ssize_t n = a ? recv(control, a, sizeof(*a), 0) : -1;

	if (n <= (ssize_t)head ||
	    json_parse(a->parameters, (size_t)n - head, JSON_REQUEST_MAX, &parameters, NULL) < 0)
		lose();
	serve(&(struct worker_job){
		      .engine = first->engine,
		      .method = a->method,
		      .parameters = parameters,
		      .running = &a->running,
		      .holds = first->holds,
		      .standalone = first->standalone,
		      .more = a->more,
		      .oneway = a->oneway,
	      }, note, out, control);
}

static _Noreturn void worker_main(const struct worker_job *job, pid_t parent, struct worker_note *note, int out,
                                  int control)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || engine_keep_warm(job->engine) < 0)
		lose();
	job->forget(job->data);
	reset_signals();
	/* A worker serves again: memory that goes back to the kernel after each call would only be faulted in anew. */
	mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
	mallopt(M_MMAP_THRESHOLD, KEEP_BYTES);
	fault_mark();
	for (serve(job, note, out, control);;) {
		fault_rewind();
		serve_next(job, note, out, control);
	}
}

/* --- in the daemon ----------------------------------------------------------------------------------------------------------- */

static void close_pair(int pair[2])
{
	mem_closep(&pair[0]);
	mem_closep(&pair[1]);
}

static int open_sockets(int out[2], int control[2])
{
	/* Both ends block: a worker waits for a slow reader, and the loop asks for no more than is there. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
		return -errno;
	return 0;
}

static int fork_worker(const struct worker_job *job, int out[2], int control[2], struct worker *ret)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		mem_closep(&out[0]);
		mem_closep(&control[0]);
		worker_main(job, parent, ret->note, out[1], control[1]);
	}
	ret->pid = pid;
	ret->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ret->pidfd >= 0)
		return 0;
	kill(pid, SIGKILL);
	return -errno;
}

int worker_start(const struct worker_job *job, struct worker *ret, struct hft_err *err)
{
	int out[2] = {-1, -1}, control[2] = {-1, -1};
	int r;

	*ret = (struct worker){.pid = -1, .pidfd = -1, .out = -1, .control = -1, .n_calls = 1};
	ret->note = mmap(NULL, sizeof(*ret->note), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ret->note == MAP_FAILED) {
		ret->note = NULL;
		return err_oom(err);
	}
	r = open_sockets(out, control);
	if (r == 0)
		r = fork_worker(job, out, control, ret);
	if (r < 0) {
		close_pair(out);
		close_pair(control);
		worker_done(ret);
		return err_raise(err, ERR_IO, -r, "worker", "cannot start a worker");
	}
	ret->out = TAKE_FD(out[0]);
	ret->control = TAKE_FD(control[0]);
	close_pair(out);
	close_pair(control);
	return 0;
}

int worker_assign(struct worker *idle, const struct worker_job *job)
{
	CLEANUP(mem_freep) char *text = job->parameters ? json_print(job->parameters) : strdup("{}");
	CLEANUP(mem_freep) struct assignment *a = calloc(1, sizeof(*a));
	size_t len = text ? strlen(text) : 0;

	if (!text || !a || len > PARAMETERS_MAX)
		return -EAGAIN;
	a->method = job->method;
	a->running = *job->running;
	a->more = job->more;
	a->oneway = job->oneway;
	memcpy(a->parameters, text, len);
	idle->note->finished = 0;
	if (send(idle->control, a, offsetof(struct assignment, parameters) + len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -EAGAIN;
	idle->n_calls++;
	return 0;
}

void worker_done(struct worker *w)
{
	mem_closep(&w->pidfd);
	mem_closep(&w->out);
	mem_closep(&w->control);
	if (w->note)
		munmap(w->note, sizeof(*w->note));
	w->note = NULL;
	w->pid = -1;
}

void worker_kill(const struct worker *w)
{
	if (w->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
}
