/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results as messages. */
#include "daemon/server/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/engine/engine.h"
#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"
#include "lib/proto/varlink.h"

#define STEPS_PER_MESSAGE 256
#define PROGRESS_EVERY_US 100000

void reply_done(struct reply *r)
{
	strbuf_done(&r->out);
}

int reply_flush(struct reply *r)
{
	size_t sent = 0;

	while (sent < r->out.len) {
		ssize_t n = write(r->fd, r->out.s + sent, r->out.len - sent);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		sent += (size_t)n;
	}
	strbuf_reset(&r->out);
	return 0;
}

/* From here on the caller may act on the answer: what it sends next must not meet a busy daemon. */
static void mark_finished(struct reply *r)
{
	if (r->finished)
		__atomic_store_n(r->finished, 1, __ATOMIC_RELEASE);
}

int reply_json(struct reply *r, struct json *take_parameters, bool continues)
{
	if (!continues)
		mark_finished(r);
	if (r->oneway) {
		json_free(take_parameters);
		return 0;
	}
	if (varlink_encode_reply(take_parameters, continues, &r->out) < 0)
		return -ENOMEM;
	return reply_flush(r);
}

int reply_error(struct reply *r, const struct hft_err *err)
{
	mark_finished(r);
	if (r->oneway)
		return 0;
	strbuf_reset(&r->out);
	if (varlink_encode_err(err, &r->out) < 0)
		return -ENOMEM;
	return reply_flush(r);
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void reply_progress(struct reply *r, size_t step, size_t steps, const char *object)
{
	struct json *j, *p;
	int64_t now;

	if (!r->more)
		return;
	now = now_us();
	if (r->last_progress_us && now - r->last_progress_us < PROGRESS_EVERY_US)
		return;
	r->last_progress_us = now;
	j = json_new_object();
	p = json_new_object();
	if ((json_set_int(p, "step", (int64_t)step) | json_set_int(p, "steps", (int64_t)steps) |
	     json_set_string(p, "object", object) | json_set_take(j, "progress", p)) < 0)
		json_free(j);
	else
		reply_json(r, j, true);
}

/* --- results ------------------------------------------------------------------------------------------------------------- */

static void step_text(struct strbuf *b, const struct step *s)
{
	json_text_next(b);
	json_text_begin(b, '{');
	json_text_string(b, "profile", s->profile ? s->profile : "");
	json_text_string(b, "phase", s->phase ? s->phase : "");
	json_text_string(b, "knob", s->knob->name);
	json_text_string(b, "object", s->key);
	json_text_string(b, "label", s->label);
	json_text_string(b, "before", s->before);
	json_text_string(b, "after", s->after);
	json_text_string(b, "state", step_state_name(s->state));
	json_text_string(b, "reason", s->reason);
	json_text_string(b, "why", s->why);
	json_text_string(b, "where", s->where);
	json_text_bool(b, "exact", s->exact);
	json_text_bool(b, "coupled", s->coupled);
	json_text_end(b, '}');
}

static struct json *phase_json(const struct phase_line *p)
{
	struct json *j = json_new_object(), *notes = json_new_array();
	int r = json_set_string(j, "profile", p->profile) | json_set_string(j, "name", p->phase) |
	        json_set_int(j, "order", p->order) |
	        json_set_string(j, "risk", p->risk ? p->risk : "") |
	        json_set_string(j, "summary", p->summary ? p->summary : "");

	for (size_t i = 0; i < p->notes.n; i++)
		r |= json_add_string(notes, p->notes.s[i]);
	r |= json_set_take(j, "notes", notes);
	if (r < 0)
		json_freep(&j);
	return j;
}

static struct json *summary_json(const struct result *res)
{
	int64_t counts[STEP_N_STATES] = {0};
	struct json *j = json_new_object();
	int r = json_set_int(j, "steps", (int64_t)res->n_steps);
	bool reboot = false;

	for (size_t i = 0; i < res->n_steps; i++) {
		counts[res->steps[i].state]++;
		reboot = reboot || step_needs_reboot(&res->steps[i]);
	}
	for (size_t i = 0; i < STEP_N_STATES; i++)
		r |= json_set_int(j, step_state_name((enum step_state)i), counts[i]);
	r |= json_set_bool(j, "reboot_needed", reboot);
	if (r < 0)
		json_freep(&j);
	return j;
}

/* Thousands of steps: as text, because a tree of them costs more than reading the host. */
static int set_steps(struct json *j, const struct result *res, size_t from, size_t to)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};

	json_text_begin(&b, '[');
	for (size_t i = from; i < to; i++)
		step_text(&b, &res->steps[i]);
	json_text_end(&b, ']');
	return b.oom ? -ENOMEM : json_set_text(j, "steps", b.s);
}

static int last_message(struct reply *r, const struct result *res, size_t from)
{
	struct json *j = json_new_object(), *phases = json_new_array();
	int e = 0;

	for (size_t i = 0; i < res->n_phases; i++)
		e |= json_add_take(phases, phase_json(&res->phases[i]));
	e |= json_set_take(j, "phases", phases) | set_steps(j, res, from, res->n_steps) |
	     json_set_take(j, "summary", summary_json(res)) | json_set_string(j, "judged", res->judged) |
	     json_set_string(j, "warning", res->warning);
	if (res->txn)
		e |= json_set_int(j, "txn", res->txn);
	if (res->recovered)
		e |= json_set_int(j, "recovered", res->recovered);
	if (res->unfinished)
		e |= json_set_int(j, "unfinished", res->unfinished);
	if (e < 0) {
		json_free(j);
		return -ENOMEM;
	}
	return reply_json(r, j, false);
}

int reply_result(struct reply *r, const struct result *res)
{
	size_t from = 0;

	while (r->more && res->n_steps - from > STEPS_PER_MESSAGE) {
		struct json *j = json_new_object();
		int e = set_steps(j, res, from, from + STEPS_PER_MESSAGE);

		if (e < 0) {
			json_free(j);
			return e;
		}
		e = reply_json(r, j, true);
		if (e < 0)
			return e;
		from += STEPS_PER_MESSAGE;
	}
	return last_message(r, res, from);
}
