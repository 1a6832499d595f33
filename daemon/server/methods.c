/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods of org.hfttune.Tuner: parameters in, an engine call, a reply out. They run in a worker. */
#include "daemon/server/methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/knobs/knob.h"
#include "daemon/server/event.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

#define DOCTOR_SECONDS 10
#define DOCTOR_SECONDS_MAX 3600

static void request_done(struct request *q)
{
	strlist_done(&q->phases);
	free(q->assigns);
}

static int read_sets(const struct json *set, struct request *q)
{
	if (!json_size(set))
		return 0;
	q->assigns = calloc(json_size(set), sizeof(*q->assigns));
	if (!q->assigns)
		return -ENOMEM;
	for (const struct json *e = json_first(set); e; e = json_next(e))
		q->assigns[q->n_assigns++] =
			(struct profile_assign){.name = json_key(e), .value = json_string(e, "")};
	return 0;
}

static int request_read(const struct json *p, struct request *q, struct hft_err *err)
{
	*q = (struct request){
		.profile = json_get_string(p, "profile", NULL),
		.switch_ = json_get_bool(p, "switch", false),
		.keep = json_get_bool(p, "keep", false),
		.all = json_get_bool(p, "all", false),
		.force = json_get_bool(p, "force", false),
		.keep_theirs = json_get_bool(p, "keep_theirs", false),
		.to = json_get_int(p, "to", 0),
	};
	if (json_get(p, "to") && q->to < 1)
		return err_raise(err, ERR_INVALID_ARGUMENT, 0, "to", "transactions are counted from 1");
	for (const struct json *e = json_first(json_get(p, "phases")); e; e = json_next(e)) {
		if (strlist_add(&q->phases, json_string(e, "")) < 0)
			return err_oom(err);
	}
	return read_sets(json_get(p, "set"), q) < 0 ? err_oom(err) : 0;
}

/* The verbs whose answer is a result share everything but the engine's function. */
typedef int engine_call(const struct engine *e, const struct request *q, struct result *ret, struct hft_err *err);

static int send_result(struct work *w, int r, const struct result *result, struct hft_err *err)
{
	if (r < 0)
		return r;
	return reply_result(w->reply, result) == -ENOMEM ? err_oom(err) : 0;
}

static int run_result(struct work *w, engine_call *call, struct hft_err *err)
{
	CLEANUP(request_done) struct request q = {0};
	CLEANUP(result_done) struct result result = {0};
	int r = request_read(w->parameters, &q, err);

	if (r == 0)
		r = call(w->engine, &q, &result, err);
	return send_result(w, r, &result, err);
}

static int run_plan_method(struct work *w, struct hft_err *err)
{
	return run_result(w, engine_plan, err);
}

static int run_apply(struct work *w, struct hft_err *err)
{
	return run_result(w, engine_apply, err);
}

static int run_verify(struct work *w, struct hft_err *err)
{
	return run_result(w, engine_verify, err);
}

static int run_rollback(struct work *w, struct hft_err *err)
{
	return run_result(w, engine_rollback, err);
}

static int call_repair(const struct engine *e, const struct request *q, struct result *ret, struct hft_err *err)
{
	(void)q;
	return engine_repair(e, ret, err);
}

static int run_repair(struct work *w, struct hft_err *err)
{
	return run_result(w, call_repair, err);
}

/* P4: nobody asked for it at a terminal, so the log says that the host was changed. */
static void announce_replay(const struct work *w, const struct result *result)
{
	CLEANUP(mem_freep) char *text = NULL;
	size_t settings = 0, lacking = 0;

	for (size_t i = 0; i < result->n_steps; i++) {
		const struct step *st = &result->steps[i];

		settings += !st->coupled && (st->state == STEP_OK || st->state == STEP_CHANGE || st->state == STEP_PENDING);
		lacking += st->state == STEP_NA;
	}
	text = str_printf("replayed %zu setting%s of %zu layer%s (%zu not applicable)", settings, settings == 1 ? "" : "s",
	                  result->n_phases, result->n_phases == 1 ? "" : "s", lacking);
	if (!result->txn || w->running->standalone)
		return;
	event_log(EVENT_REPLAYED, result->txn, "", text ? text : "replayed");
	if (result->warning)
		event_log(EVENT_CONTESTED, result->txn, "", result->warning);
}

static int run_replay(struct work *w, struct hft_err *err)
{
	CLEANUP(result_done) struct result result = {0};
	int r = engine_replay(w->engine, &result, err);

	if (r == 0)
		announce_replay(w, &result);
	return send_result(w, r, &result, err);
}

/* The others hand a finished object over. */
static int send_json(struct work *w, int r, struct json *take, struct hft_err *err)
{
	if (r < 0)
		return r;
	return reply_json(w->reply, take, false) == -ENOMEM ? err_oom(err) : 0;
}

static int run_profiles(struct work *w, struct hft_err *err)
{
	struct json *j = NULL;
	int r = engine_profiles(w->engine, &j, err);

	return send_json(w, r, j, err);
}

static int run_show(struct work *w, struct hft_err *err)
{
	CLEANUP(request_done) struct request q = {0};
	struct json *j = NULL;
	int r = request_read(w->parameters, &q, err);

	if (r == 0)
		r = engine_show(w->engine, &q, &j, err);
	return send_json(w, r, j, err);
}

static int run_explain(struct work *w, struct hft_err *err)
{
	struct json *j = NULL;
	int r = engine_explain(json_get_string(w->parameters, "subject", NULL), &j, err);

	return send_json(w, r, j, err);
}

static int run_history(struct work *w, struct hft_err *err)
{
	struct json *j = NULL;
	int r = engine_history(w->engine, json_get_int(w->parameters, "txn", 0), &j, err);

	return send_json(w, r, j, err);
}

static int run_host(struct work *w, struct hft_err *err)
{
	struct json *j = NULL;
	int r = engine_host(w->engine, &j, err);

	return send_json(w, r, j, err);
}

static int run_doctor(struct work *w, struct hft_err *err)
{
	int64_t seconds = json_get_int(w->parameters, "seconds", DOCTOR_SECONDS);
	struct json *j = NULL;

	if (seconds < 1 || seconds > DOCTOR_SECONDS_MAX)
		return err_raise(err, ERR_INVALID_ARGUMENT, 0, "seconds", "it watches for 1 to %d seconds", DOCTOR_SECONDS_MAX);
	int r = engine_doctor(w->engine, (unsigned)seconds, &j, err);
	return send_json(w, r, j, err);
}

/* The transaction that the journal calls open is the one that runs: told once. It is there from PREPARED on. */
static struct json *take_open(struct json *status)
{
	if (!str_eq(json_get_string(json_get(status, "unfinished"), "state", NULL), "open"))
		return NULL;
	return json_detach(status, "unfinished");
}

static int add_running(struct json *j, const struct running *now)
{
	CLEANUP(json_freep) struct json *open = now->changing ? take_open(j) : NULL;
	int r = json_set_bool(j, "stuck", now->stuck) | json_set_bool(j, "standalone", now->standalone);

	if (now->changing) {
		struct json *t = json_new_object();

		r |= json_set_int(t, "txn", json_get_int(open, "txn", 0)) | json_set_string(t, "kind", now->kind) |
		     json_set_string(t, "profile", now->profile[0] ? now->profile : NULL) |
		     json_set_string(t, "state", now->stuck ? "stuck in the kernel" : "running") |
		     json_set_string(t, "started", json_get_string(open, "started", "")) |
		     json_set_int(t, "steps", now->steps) |
		     json_set_string(t, "boot_id", json_get_string(open, "boot_id", "")) |
		     json_set_take(j, "running", t);
	}
	return r;
}

static int run_status(struct work *w, struct hft_err *err)
{
	struct json *j = NULL;
	int r = engine_status(w->engine, &j, err);

	if (r == 0 && add_running(j, w->running) < 0) {
		json_free(j);
		return err_oom(err);
	}
	return send_json(w, r, j, err);
}

/* The objects that were written, for the log: as many as have room. */
static void name_written(const struct result *result, struct strbuf *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < result->n_steps; i++) {
		const struct step *st = &result->steps[i];

		if (!st->write || st->coupled)
			continue;
		if (n++ < 8)
			strbuf_addf(ret, "%s%s %s", ret->len ? ", " : "", st->knob->name, st->key);
	}
	if (n > 8)
		strbuf_addf(ret, " and %zu more", n - 8);
}

static int run_reassert(struct work *w, struct hft_err *err)
{
	CLEANUP(result_done) struct result result = {0};
	CLEANUP(strlist_done) struct strlist wiped = {0};
	CLEANUP(strbuf_done) struct strbuf names = {0};
	int r = 0;

	for (const struct json *e = json_first(json_get(w->parameters, "wiped")); r == 0 && e; e = json_next(e))
		r = strlist_add(&wiped, json_string(e, "")) < 0 ? err_oom(err) : 0;
	if (r == 0)
		r = engine_reassert(w->engine, &wiped, &result, err);
	if (r < 0)
		return r;
	w->txn = result.txn;
	name_written(&result, &names);
	if (result.txn && names.len)
		event_log(EVENT_REASSERTED, result.txn, strbuf_str(&names), "was wiped, and is written again");
	return 0;
}

const struct method method_reassert = {"Reassert", ACCESS_CHANGE, "reassert", run_reassert};

static const struct method methods[] = {
	{"Profiles", ACCESS_READ,   NULL,       run_profiles   },
	{"Show",     ACCESS_READ,   NULL,       run_show       },
	{"Explain",  ACCESS_READ,   NULL,       run_explain    },
	{"Plan",     ACCESS_READ,   NULL,       run_plan_method},
	{"Apply",    ACCESS_CHANGE, "apply",    run_apply      },
	{"Repair",   ACCESS_CHANGE, "repair",   run_repair     },
	{"Replay",   ACCESS_CHANGE, "replay",   run_replay     },
	{"Verify",   ACCESS_READ,   NULL,       run_verify     },
	{"Rollback", ACCESS_CHANGE, "rollback", run_rollback   },
	{"Status",   ACCESS_READ,   NULL,       run_status     },
	{"History",  ACCESS_READ,   NULL,       run_history    },
	{"Host",     ACCESS_READ,   NULL,       run_host       },
	{"Doctor",   ACCESS_READ,   NULL,       run_doctor     },
};

const struct method *method_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	}
	return NULL;
}
