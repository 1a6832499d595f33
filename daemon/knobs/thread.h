/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of knob thread share: whose threads a key means, and values that say something of each thread. Nobody
 * else includes this, but for tests.
 *
 * Keys are "WHO NAME OPTION". WHO is a unit as systemd calls it ("redis-server.service"), "kernel", or "irq"; NAME is
 * what the threads are called (proc(5), comm), which may hold blanks, or the key of an interrupt. All threads of one
 * name are one object.
 *
 * Canonical values: "2-3" and "fifo 10" are of all of them. What is read says it thread by thread, because threads of
 * one name need not agree and have to get back what each had: "2-3@812-815,820;5@816!4711", numbers of threads behind
 * '@'. A number may go to a thread that comes later, so none that was born after the tick behind '!' is meant.
 */
#pragma once

#include "daemon/host/host.h"
#include "daemon/knobs/knob.h"

#define THREAD_KERNEL "kernel"
#define THREAD_IRQ "irq"

/* --- whose threads (thread_find.c) -------------------------------------------------------------------------------- */

struct thread_key { /* thread_key_done frees */
	char *who, *name;
	const char *option; /* borrowed */
};
/* -EINVAL ERR_NOT_APPLICABLE: no such form. */
int thread_key_parse(const char *key, struct thread_key *ret, struct hft_err *err);
void thread_key_done(struct thread_key *k); /* also for CLEANUP */

/* "name.service" and "name.scope" have threads. */
bool thread_is_unit(const char *who);
/* The name that an alias stands for; any other stays as it is. */
int thread_real_unit(const struct knob_ctx *c, const char *who, struct strbuf *ret, struct hft_err *err);
/* What is known of a unit whose threads are looked for; the others always run. */
enum thread_unit { THREAD_RUNS, THREAD_STOPPED, THREAD_NO_UNIT };
/* The threads of WHO, of whatever name; an interrupt's are those of `name`, its key. Those of work queues are left out,
 * they come and go, and so is what has a name that no text can hold. -ENOENT never; ERR_IO. */
int thread_find(const struct knob_ctx *c, const char *who, const char *name, struct host_tasks *ret,
                enum thread_unit *ret_unit, struct hft_err *err);
/* The threads that a key means, ascending; none is 0, too. */
int thread_find_key(const struct knob_ctx *c, const struct thread_key *k, struct host_tasks *ret,
                    enum thread_unit *ret_unit, struct hft_err *err);

/* --- what they have (thread_value.c) ------------------------------------------------------------------------------ */

struct thread_option {
	const char *name;
	/* Text of a profile to canonical text; c NULL: nothing of the host is asked. As parse of struct knob. */
	int (*parse)(const struct knob_ctx *c, const char *option, const char *value, struct strbuf *ret,
	             struct hft_err *err);
	/* Append what the thread has now. -ENOENT: it has ended. */
	int (*read)(const struct knob_ctx *c, const struct host_task *t, struct strbuf *ret, struct hft_err *err);
	/* 0 or -errno; -ESRCH: it has ended. */
	int (*set)(const struct knob_ctx *c, const struct host_task *t, const char *value);
	/* Why nobody may set it, or NULL. Static text. */
	const char *(*refuses)(const struct host_task *t);
};
const struct thread_option *thread_option(const char *name); /* NULL when unknown */

/* A value taken apart; thread_value_done frees. */
struct thread_value {
	char *text; /* cut to pieces */
	struct thread_group {
		const char *value, *tids; /* tids NULL: of all threads */
	} *groups;
	size_t n;
	unsigned long long born; /* of the youngest thread that is meant */
};
int thread_value_parse(const char *text, struct thread_value *ret, struct hft_err *err);
void thread_value_done(struct thread_value *v); /* also for CLEANUP */
/* What the value says of a thread; NULL: nothing, it is not one of those. */
const char *thread_value_of(const struct thread_value *v, const struct host_task *t);
/* What it says of the first one. */
const char *thread_value_first(const struct thread_value *v);
/* Is none of the threads left that it speaks of? */
bool thread_value_is_over(const struct thread_value *v, const struct host_tasks *now);
/* Canonical text of what each thread has, `values` in the order of the threads. */
void thread_value_format(const struct host_tasks *l, const struct strlist *values, struct strbuf *ret);
