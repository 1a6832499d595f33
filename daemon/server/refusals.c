/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A short list by user, searched from end to end: it has at most REFUSALS_USERS entries. */
#include "daemon/server/refusals.h"

/* The entry of the user; else a free one, else the one that was logged longest ago. */
static size_t find(const struct refusals *r, uid_t uid)
{
	size_t oldest = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (r->users[i].uid == uid)
			return i;
		if (r->users[i].at_us < r->users[oldest].at_us)
			oldest = i;
	}
	return r->n < REFUSALS_USERS ? r->n : oldest;
}

bool refusals_tell(struct refusals *r, uid_t uid, uint64_t now_us, unsigned *ret_hidden)
{
	size_t i = find(r, uid);
	bool known = i < r->n && r->users[i].uid == uid;

	if (known && now_us - r->users[i].at_us < REFUSALS_PAUSE_US) {
		r->users[i].hidden++;
		return false;
	}
	*ret_hidden = known ? r->users[i].hidden : 0;
	r->users[i].uid = uid;
	r->users[i].at_us = now_us;
	r->users[i].hidden = 0;
	if (i == r->n)
		r->n++;
	return true;
}
