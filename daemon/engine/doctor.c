/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `hfttune doctor`: who disturbs the CPUs that shall be quiet. Counters are read, read again after some seconds, and the
 * difference is held against the table of noise sources. Changes nothing, and asks no CPU anything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/engine/doctor.h"
#include "daemon/engine/noise.h"
#include "daemon/host/counters.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

#define LOWEST_HZ 100 /* of the kernel's choices */
#define CONFIG_MAX (1024 * 1024)

/* --- waiting ---------------------------------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void sleep_until(uint64_t ms)
{
	struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static void wait_for(const struct engine *e, uint64_t start, unsigned seconds, const char *what)
{
	for (unsigned i = 0; i < seconds; i++) {
		if (e->progress)
			e->progress(e->data, i, seconds, what);
		sleep_until(start + 1000 * (i + 1));
	}
	if (e->progress)
		e->progress(e->data, seconds, seconds, what);
}

/* Two readings, and how far apart they were. */
static int watch(const struct engine *e, struct doctor *d, unsigned seconds, struct counters *ret, uint64_t *ret_ms,
                 struct hft_err *err)
{
	CLEANUP(counters_done) struct counters before = {0};
	CLEANUP(strbuf_done) struct strbuf what = {0};

	strbuf_add(&what, cpuset_is_empty(&d->watched) ? "watching the host" : "watching CPUs ");
	cpuset_format(&d->watched, &what);
	int r = what.oom ? err_oom(err) : counters_read(d->s.host, &d->watched, &before, err);
	uint64_t start = now_ms();
	if (r == 0)
		wait_for(e, start, seconds, strbuf_str(&what));
	if (r == 0)
		r = counters_read(d->s.host, &d->watched, ret, err);
	*ret_ms = now_ms() - start;
	return r == 0 ? counters_since(ret, &before, err) : r;
}

/* A copy of a host moves when somebody copies it again; otherwise there is nothing to see, which is not the same as quiet. */
static int refuse_still(const struct engine *e, const struct counters *c, struct hft_err *err)
{
	bool moves = fsio_is_live(e->fs);

	for (size_t i = 0; !moves && i < c->n; i++)
		for (size_t k = 0; !c->c[i].level && k < (c->c[i].of_host ? 1 : c->n_cpus); k++)
			moves |= c->c[i].n[k] > 0;
	if (moves)
		return 0;
	return err_raise(err, ERR_NOT_APPLICABLE, ENODATA, fsio_root(e->fs),
	                 "the counters of this copied tree stand still: only a host that runs can be watched");
}

/* CONFIG_HZ, as far as the distribution says. */
static unsigned read_hz(const struct host *h)
{
	CLEANUP(mem_freep) char *path = str_printf("/boot/config-%s", h->kernel);
	CLEANUP(strbuf_done) struct strbuf text = {0};

	if (!path || fsio_read_file(h->fs, path, CONFIG_MAX, &text, NULL) < 0)
		return LOWEST_HZ;
	const char *at = strstr(strbuf_str(&text), "\nCONFIG_HZ=");
	long hz = at ? strtol(at + strlen("\nCONFIG_HZ="), NULL, 10) : 0;
	return hz >= LOWEST_HZ && hz <= 1000 ? (unsigned)hz : LOWEST_HZ;
}

/* --- the answer ------------------------------------------------------------------------------------------------------- */

struct finding {
	const struct noise *row;
	struct noise_verdict verdict;
	struct strbuf detail;
};

struct findings {
	struct finding *f; /* as many as there are rows */
	int64_t counts[NOISE_UNWATCHED + 1];
};

static void findings_done(struct findings *l)
{
	for (size_t i = 0; l->f && i < n_noise_rows; i++)
		strbuf_done(&l->f[i].detail);
	free(l->f);
}

/* The noisy ones first, the worst of them at the top; the others as in the table. */
static int by_noise(const void *va, const void *vb)
{
	const struct finding *a = va, *b = vb;
	bool la = a->verdict.state == NOISE_LOUD, lb = b->verdict.state == NOISE_LOUD;

	if (la != lb)
		return la ? -1 : 1;
	if (la && a->verdict.events != b->verdict.events)
		return a->verdict.events > b->verdict.events ? -1 : 1;
	return (a->row > b->row) - (a->row < b->row);
}

static int judge_all(const struct doctor *d, const struct counters *c, uint64_t ms, struct findings *ret)
{
	unsigned hz = read_hz(d->s.host);
	int r = 0;

	ret->f = calloc(n_noise_rows, sizeof(*ret->f));
	for (size_t i = 0; ret->f && r == 0 && i < n_noise_rows; i++) {
		struct finding *f = &ret->f[i];
		f->row = &noise_rows[i];
		r = noise_judge(f->row, c, ms, hz, &f->verdict, &f->detail);
		ret->counts[f->verdict.state]++;
	}
	if (!ret->f || r < 0)
		return -ENOMEM;
	qsort(ret->f, n_noise_rows, sizeof(*ret->f), by_noise);
	return 0;
}

static int set_cpus(struct json *j, const char *key, const struct cpuset *set)
{
	CLEANUP(strbuf_done) struct strbuf list = {0};

	cpuset_format(set, &list);
	return list.oom ? -ENOMEM : json_set_string(j, key, strbuf_str(&list));
}

/* Events in a second with one decimal; "" of what is, and does not happen. */
static int set_rate(struct json *j, const struct noise_verdict *v, uint64_t ms)
{
	uint64_t tenths = ms ? v->events * 10000 / ms : 0;
	char rate[32] = "";

	if (!v->level)
		snprintf(rate, sizeof(rate), "%llu.%llu", (unsigned long long)tenths / 10, (unsigned long long)tenths % 10);
	return json_set_string(j, "per_second", rate);
}

static struct json *finding_json(const struct finding *f, uint64_t ms)
{
	struct json *j = json_new_object();
	int r = json_set_string(j, "name", f->row->name) | json_set_string(j, "summary", f->row->summary) |
	        json_set_string(j, "state", noise_state_name(f->verdict.state)) |
	        json_set_bool(j, "host_wide", f->row->of_host) | set_cpus(j, "cpus", &f->verdict.cpus) |
	        json_set_int(j, "events", (int64_t)f->verdict.events) | set_rate(j, &f->verdict, ms) |
	        json_set_int(j, "budget", f->row->budget) |
	        json_set_string(j, "counters", f->row->counters ? f->row->counters : "") |
	        json_set_string(j, "detail", f->detail.len ? f->detail.s : NULL) |
	        json_set_string(j, "advice", f->row->advice);

	if (r < 0)
		json_freep(&j);
	return j;
}

static struct json *cpus_json(const struct doctor *d)
{
	struct json *j = json_new_object();
	int r = set_cpus(j, "watched", &d->watched) | set_cpus(j, "isolated", &d->isolated) |
	        set_cpus(j, "nohz_full", &d->nohz_full) | set_cpus(j, "partitions", &d->partitions) |
	        set_cpus(j, "layers", &d->layers);

	if (r < 0)
		json_freep(&j);
	return j;
}

static struct json *summary_json(const struct findings *l, const struct json *warnings)
{
	struct json *j = json_new_object();
	int r = json_set_int(j, "warnings", (int64_t)json_size(warnings));

	for (size_t i = 0; i < ARRAY_LEN(l->counts); i++)
		r |= json_set_int(j, noise_state_name((enum noise_state)i), l->counts[i]);
	if (r < 0)
		json_freep(&j);
	return j;
}

static struct json *reply_of(struct doctor *d, const struct findings *l, uint64_t ms)
{
	struct json *j = json_new_object(), *list = json_new_array();
	int r = 0;

	for (size_t i = 0; i < n_noise_rows; i++)
		r |= json_add_take(list, finding_json(&l->f[i], ms));
	r |= json_set_int(j, "milliseconds", (int64_t)ms) | json_set_take(j, "cpus", cpus_json(d)) |
	     json_set_take(j, "summary", summary_json(l, d->warnings)) |
	     json_set_take(j, "warnings", TAKE_PTR(d->warnings)) | json_set_take(j, "findings", list);
	if (r < 0)
		json_freep(&j);
	return j;
}

static void doctor_done(struct doctor *d)
{
	session_done(&d->s);
	json_freep(&d->warnings);
}

int engine_doctor(const struct engine *e, unsigned seconds, struct json **ret, struct hft_err *err)
{
	CLEANUP(doctor_done) struct doctor d = {.s = {.lock = -1}, .warnings = json_new_array()};
	CLEANUP(counters_done) struct counters c = {0};
	CLEANUP(findings_done) struct findings found = {0};
	uint64_t ms = 0;
	int r = session_open(e, SESSION_WHOLE, NULL, &d.s, err);

	if (r == 0)
		r = doctor_find_cpus(&d, err);
	if (r == 0)
		r = doctor_warn(&d, err);
	if (r == 0)
		r = watch(e, &d, seconds, &c, &ms, err);
	if (r == 0)
		r = refuse_still(e, &c, err);
	if (r < 0)
		return r;
	if (judge_all(&d, &c, ms, &found) < 0 || !(*ret = reply_of(&d, &found, ms)))
		return err_oom(err);
	return 0;
}
