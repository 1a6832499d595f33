/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is listened to, when a look is due, and when to give up. */
#include "daemon/server/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/knobs/knob.h"
#include "daemon/knobs/wipes.h"
#include "daemon/server/event.h"
#include "daemon/server/server.h"
#include "lib/base/fsio.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/json/json.h"

struct source {
	struct watch *watch;
	enum wipes_kind kind;
	int fd;
	sd_event_source *io;
};

struct needs { /* what a worker says */
	struct strlist words;
	int fds[WIPES_N_KINDS];
};

struct watch {
	struct server *server;
	struct strlist words;                 /* listened for */
	struct source sources[WIPES_N_KINDS];
	struct needs next;                    /* being told */
	bool telling;
	struct strlist wiped, looked_for;     /* since the last look, and that it was about */
	sd_event_source *timer;
	bool later;                           /* a unit was started: look once more */
	unsigned n_idle;                      /* looks without need, one after the other */
	uint64_t looked_us;
	uint64_t wrote_us[WATCH_WRITES_MAX];  /* the last times, in a ring */
	unsigned n_wrote;
	bool given_up;
};

/* --- in a worker -------------------------------------------------------------------------------------------------- */

static void tell_words(int control, const struct strlist *words)
{
	struct control c = {.kind = CONTROL_WATCH};

	control_send(control, &c, -1);
	for (size_t i = 0; i < words->n; i++) {
		snprintf(c.key, sizeof(c.key), "%s", words->s[i]);
		control_send(control, &c, -1);
	}
}

void watch_tell(const struct engine *e, int control)
{
	CLEANUP(strlist_done) struct strlist words = {0};

	if (!fsio_is_live(e->fs) || engine_watched(e, &words, NULL) < 0)
		return;
	tell_words(control, &words);
	for (int kind = 0; kind < WIPES_N_KINDS; kind++) {
		CLEANUP(mem_closep) int fd = -1;
		struct control c = {.kind = CONTROL_SOURCE};
		struct hft_err err = {0};

		if (wipes_open((enum wipes_kind)kind, e->fs, &words, &fd, &err) < 0)
			log_warning("what is wiped is not written again: %s", err.msg);
		snprintf(c.value, sizeof(c.value), "%d", kind);
		if (fd >= 0)
			control_send(control, &c, fd);
	}
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static uint64_t now_us(const struct watch *w)
{
	uint64_t now = 0;

	sd_event_now(w->server->event, CLOCK_MONOTONIC, &now);
	return now;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data);

static void look_in(struct watch *w, uint64_t us)
{
	if (!w->timer)
		sd_event_add_time_relative(w->server->event, &w->timer, CLOCK_MONOTONIC, us, 0, on_timer, w);
	else if (sd_event_source_set_time_relative(w->timer, us) >= 0)
		sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

/* A look that found nothing to do makes the next one wait for longer, up to a quiet minute. */
static void look_soon(struct watch *w)
{
	if (now_us(w) - w->looked_us > WATCH_WINDOW_US)
		w->n_idle = 0;
	look_in(w, WATCH_CALM_US << w->n_idle);
}

/* The words of a list as a JSON array under "wiped". */
static struct json *parameters_of(const struct strlist *words)
{
	struct json *j = json_new_object(), *list = json_new_array();
	int r = 0;

	for (size_t i = 0; i < words->n; i++)
		r |= json_add_string(list, words->s[i]);
	r |= json_set_take(j, "wiped", list);
	if (r >= 0)
		return j;
	json_free(j);
	return NULL;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct watch *w = data;
	struct server *s = w->server;
	struct json *parameters;

	(void)source;
	(void)usec;
	if (!w->wiped.n || w->given_up || s->stopping)
		return 0;
	if (s->changing) { /* it may be what wipes */
		look_in(w, WATCH_CALM_US);
		return 0;
	}
	parameters = parameters_of(&w->wiped);
	strlist_done(&w->looked_for);
	w->looked_for = w->wiped;
	w->wiped = (struct strlist){0};
	w->looked_us = now_us(w);
	if (parameters)
		call_reassert(s, parameters);
	return 0;
}

static void add_wiped(struct watch *w, const struct strlist *words)
{
	for (size_t i = 0; i < words->n; i++) {
		if (!strlist_has(&w->wiped, words->s[i]))
			strlist_add(&w->wiped, words->s[i]);
	}
}

static bool is_about_a_unit(const struct strlist *words)
{
	for (size_t i = 0; i < words->n; i++) {
		if (str_starts(words->s[i], KNOB_WIPED_BY_UNIT))
			return true;
	}
	return false;
}

static int on_source(sd_event_source *io, int fd, uint32_t revents, void *data)
{
	struct source *source = data;
	struct watch *w = source->watch;
	CLEANUP(strlist_done) struct strlist wiped = {0};

	if (revents & EPOLLHUP || wipes_read(source->kind, fd, &w->words, &wiped) < 0)
		sd_event_source_set_enabled(io, SD_EVENT_OFF);
	add_wiped(w, &wiped);
	if (is_about_a_unit(&wiped))
		w->later = true;
	if (wiped.n && !w->given_up)
		look_soon(w);
	return 0;
}

/* --- after a look ------------------------------------------------------------------------------------------------- */

/* The one that would be overwritten is the oldest. */
static bool is_too_often(const struct watch *w, uint64_t now)
{
	uint64_t oldest = w->wrote_us[w->n_wrote % WATCH_WRITES_MAX];

	return w->n_wrote >= WATCH_WRITES_MAX && now - oldest < WATCH_WINDOW_US;
}

static void give_up(struct watch *w)
{
	w->given_up = true;
	w->later = false;
	strlist_done(&w->wiped);
	event_log(EVENT_GAVE_UP, 0, "", "somebody keeps changing what layers in force hold: it is not written again");
}

void watch_done(struct server *s, const char *outcome)
{
	struct watch *w = s->watch;
	bool failed = num_parse_u64(outcome, &(uint64_t){0}) < 0;
	uint64_t now;

	if (!w)
		return;
	now = now_us(w);
	if (!failed && str_eq(outcome, "0")) {
		w->n_idle += w->n_idle < WATCH_IDLE_MAX;
	} else {
		w->n_idle = failed ? w->n_idle + (w->n_idle < WATCH_IDLE_MAX) : 0;
		w->wrote_us[w->n_wrote++ % WATCH_WRITES_MAX] = now;
	}
	if (is_too_often(w, now)) {
		give_up(w);
	} else if (failed || w->later) {
		add_wiped(w, &w->looked_for);
		look_in(w, failed ? WATCH_CALM_US << w->n_idle : WATCH_LATER_US);
		w->later = failed && w->later;
	}
}

/* --- what is listened to ------------------------------------------------------------------------------------------ */

static void needs_done(struct needs *n)
{
	strlist_done(&n->words);
	for (size_t i = 0; i < WIPES_N_KINDS; i++)
		mem_closep(&n->fds[i]);
}

static void source_done(struct source *source)
{
	source->io = sd_event_source_disable_unref(source->io);
	mem_closep(&source->fd);
}

static struct watch *watch_of(struct server *s)
{
	struct watch *w = s->watch ? s->watch : calloc(1, sizeof(*w));

	if (!w || s->watch)
		return w;
	w->server = s;
	for (size_t i = 0; i < WIPES_N_KINDS; i++) {
		w->sources[i] = (struct source){.watch = w, .kind = (enum wipes_kind)i, .fd = -1};
		w->next.fds[i] = -1;
	}
	s->watch = w;
	return w;
}

void watch_take(struct server *s, const struct control *c, int take_fd)
{
	CLEANUP(mem_closep) int fd = take_fd;
	struct watch *w = watch_of(s);
	int64_t kind;

	if (!w)
		return;
	if (c->kind == CONTROL_SOURCE) {
		if (num_parse_range(c->value, 0, WIPES_N_KINDS - 1, &kind) == 0) {
			mem_closep(&w->next.fds[kind]);
			w->next.fds[kind] = TAKE_FD(fd);
		}
	} else if (c->key[0] == '\0') {
		needs_done(&w->next);
		w->telling = true;
	} else {
		strlist_add(&w->next.words, c->key);
	}
}

void watch_renew(struct server *s)
{
	struct watch *w = s->watch;

	if (!w || !w->telling)
		return;
	w->telling = false;
	strlist_done(&w->words);
	w->words = w->next.words;
	w->next.words = (struct strlist){0};
	for (size_t i = 0; i < WIPES_N_KINDS; i++) {
		struct source *source = &w->sources[i];

		source_done(source);
		source->fd = TAKE_FD(w->next.fds[i]);
		if (source->fd >= 0 && sd_event_add_io(s->event, &source->io, source->fd, EPOLLIN, on_source, source) < 0)
			mem_closep(&source->fd);
	}
}

void watch_resume(struct server *s)
{
	if (!s->watch)
		return;
	s->watch->given_up = false;
	s->watch->n_wrote = 0;
	s->watch->n_idle = 0;
}

void watch_forget(struct server *s)
{
	for (size_t i = 0; s->watch && i < WIPES_N_KINDS; i++) {
		mem_closep(&s->watch->sources[i].fd);
		mem_closep(&s->watch->next.fds[i]);
	}
}

void watch_free(struct server *s)
{
	if (!s->watch)
		return;
	for (size_t i = 0; i < WIPES_N_KINDS; i++)
		source_done(&s->watch->sources[i]);
	needs_done(&s->watch->next);
	sd_event_source_disable_unref(s->watch->timer);
	strlist_done(&s->watch->words);
	strlist_done(&s->watch->wiped);
	strlist_done(&s->watch->looked_for);
	free(TAKE_PTR(s->watch));
}
