/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which refused calls get a line in the log: one a second for each user, so that nobody can flood the journal with
 * calls that he may not make (and every user who tries is still seen). Must not log itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define REFUSALS_PAUSE_US 1000000ULL
#define REFUSALS_USERS 32 /* remembered at a time; beyond them the one that was logged longest ago is forgotten */

struct refusals { /* zero-initialise */
	struct {
		uid_t uid;
		uint64_t at_us; /* of the last line */
		unsigned hidden; /* refused since, without a line */
	} users[REFUSALS_USERS];
	size_t n;
};

/*
 * A call of uid is refused at now_us (CLOCK_MONOTONIC). True: write a line; *ret_hidden is how many refusals of this
 * user had none since the last. False: do not, and *ret_hidden is left alone.
 */
bool refusals_tell(struct refusals *r, uid_t uid, uint64_t now_us, unsigned *ret_hidden);
