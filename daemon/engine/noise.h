/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sources of noise on CPUs that shall have none: a row each, with what counts it, how much of it is let pass, and
 * what removes it. Judging counters by the rows; reads nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cpuset.h"

struct counters;
struct strbuf;

#define NOISE_WINDOW_S 10 /* budgets are for so long */

struct noise {
	const char *name;     /* stable, for programs */
	const char *summary;  /* for people */
	const char *counters; /* names of counters (host/counters.h) or patterns, parted by blanks; NULL: not watched */
	unsigned budget;      /* events in NOISE_WINDOW_S that nobody minds, on each CPU or of the host */
	/* Of the local timer's interrupts alone: a CPU with its tick on has CONFIG_HZ of them a second. */
	enum { ANY_RATE, FROM_TICK, BELOW_TICK } rate;
	bool of_host;         /* judged also where no CPU is isolated */
	const char *advice;   /* what removes it: the setting, or what to do; of what is not watched: why */
};

extern const struct noise noise_rows[];
extern const size_t n_noise_rows;

enum noise_state { NOISE_QUIET, NOISE_LOUD, NOISE_ABSENT, NOISE_UNWATCHED };
const char *noise_state_name(enum noise_state s);

struct noise_verdict {
	enum noise_state state; /* absent: this kernel or machine has no such counter, or no CPU is watched */
	uint64_t events;        /* of the worst CPU, or of the host */
	bool level;             /* they are so many now, and did not happen */
	struct cpuset cpus;     /* those above the budget; none of the host's */
};

/* c: what happened in ms milliseconds. hz: CONFIG_HZ. Into *detail goes who it was, the most frequent first, where the
 * counters have names; may stay empty. 0 or -ENOMEM. */
int noise_judge(const struct noise *row, const struct counters *c, uint64_t ms, unsigned hz, struct noise_verdict *ret,
                struct strbuf *detail);
