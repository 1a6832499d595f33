/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judging counters by the rows of noise.h. */
#include "daemon/engine/noise.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/counters.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define NAMED 3 /* in a detail */

const char *noise_state_name(enum noise_state s)
{
	static const char *const names[] = {
		[NOISE_QUIET] = "quiet", [NOISE_LOUD] = "noisy", [NOISE_ABSENT] = "absent", [NOISE_UNWATCHED] = "not_watched",
	};

	return names[s];
}

/* Is it one of the row's? */
static bool counts(const struct noise *row, const struct counter *c)
{
	char pattern[64];

	for (const char *p = row->counters, *end; p; p = *end ? end + 1 : NULL) {
		end = p + strcspn(p, " ");
		if ((size_t)(end - p) >= sizeof(pattern))
			continue;
		memcpy(pattern, p, (size_t)(end - p));
		pattern[end - p] = '\0';
		if (str_match(pattern, c->name))
			return true;
	}
	return false;
}

static uint64_t total(const struct counter *c, size_t n_cpus)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < (c->of_host ? 1 : n_cpus); i++)
		sum += c->n[i];
	return sum;
}

/* The label with the largest number below `below`, or at it and behind `after`. */
static const struct counter *next_largest(const struct noise *row, const struct counters *c, const struct counter *after)
{
	uint64_t below = after ? total(after, c->n_cpus) : UINT64_MAX;
	const struct counter *best = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct counter *x = &c->c[i];
		uint64_t n = total(x, c->n_cpus);
		if (!x->label || !*x->label || n == 0 || n > below || (n == below && after && x <= after) || !counts(row, x))
			continue;
		if (!best || n > total(best, c->n_cpus))
			best = x;
	}
	return best;
}

/* Threads of one program bear one name: said once. */
static void add_names(const struct noise *row, const struct counters *c, struct strbuf *ret)
{
	CLEANUP(strlist_done) struct strlist said = {0};
	const struct counter *x = next_largest(row, c, NULL);

	for (; x && said.n < NAMED; x = next_largest(row, c, x)) {
		if (strlist_has(&said, x->label))
			continue;
		strbuf_addf(ret, "%s%s", said.n ? ", " : "", x->label);
		ret->oom |= strlist_add(&said, x->label) < 0;
	}
	while (x && strlist_has(&said, x->label))
		x = next_largest(row, c, x);
	if (x)
		strbuf_add(ret, " and others");
}

/* A budget is for ten seconds; of a shorter time at least the share that is a whole event. */
static uint64_t allowed(const struct noise *row, uint64_t ms)
{
	return ((uint64_t)row->budget * ms + NOISE_WINDOW_S * 1000 - 1) / (NOISE_WINDOW_S * 1000);
}

/* Nine tenths of the tick's rate is the tick, whatever else there is. */
static bool rate_is(const struct noise *row, uint64_t n, uint64_t ms, unsigned hz)
{
	bool ticks = n * 1000 * 10 >= (uint64_t)hz * 9 * ms;

	return row->rate == ANY_RATE || ticks == (row->rate == FROM_TICK);
}

static bool is_loud(const struct noise *row, uint64_t n, uint64_t ms, unsigned hz)
{
	return n > allowed(row, ms) && rate_is(row, n, ms, hz);
}

static void note(struct noise_verdict *v, const struct noise *row, uint64_t n, int cpu, uint64_t ms, unsigned hz)
{
	if (is_loud(row, n, ms, hz)) {
		v->state = NOISE_LOUD;
		if (cpu >= 0)
			cpuset_add(&v->cpus, (unsigned)cpu);
	}
	if (rate_is(row, n, ms, hz) && n > v->events)
		v->events = n;
}

/* What the row's counters come to, CPU by CPU and of the host; false: there are none. */
static bool sum_up(const struct noise *row, const struct counters *c, uint64_t *per_cpu, uint64_t *ret_of_host,
                   bool *ret_level)
{
	bool any = false;

	for (size_t i = 0; row->counters && i < c->n; i++) {
		const struct counter *x = &c->c[i];
		if (!counts(row, x))
			continue;
		any = true;
		*ret_level |= x->level;
		*ret_of_host += x->of_host ? x->n[0] : 0;
		for (size_t k = 0; !x->of_host && k < c->n_cpus; k++)
			per_cpu[k] += x->n[k];
	}
	return any;
}

int noise_judge(const struct noise *row, const struct counters *c, uint64_t ms, unsigned hz, struct noise_verdict *ret,
                struct strbuf *detail)
{
	CLEANUP(mem_freep) uint64_t *per_cpu = calloc(c->n_cpus + 1, sizeof(*per_cpu));
	uint64_t of_host = 0;

	*ret = (struct noise_verdict){.state = row->counters ? NOISE_ABSENT : NOISE_UNWATCHED};
	if (!per_cpu)
		return -ENOMEM;
	if (!sum_up(row, c, per_cpu, &of_host, &ret->level))
		return 0;
	ret->state = NOISE_QUIET;
	for (size_t k = 0; k < c->n_cpus; k++)
		note(ret, row, per_cpu[k], c->cpus[k], ms, hz);
	note(ret, row, of_host, -1, ms, hz);
	if (ret->state == NOISE_LOUD)
		add_names(row, c, detail);
	return detail->oom ? -ENOMEM : 0;
}
