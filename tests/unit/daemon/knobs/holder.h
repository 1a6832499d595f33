/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands in for the daemon, which keeps one descriptor for a knob. */
#pragma once

#include "tests/unit/daemon/knobs/cputree.h"

struct holder {
	const char *key; /* no other may be asked for */
	char value[32];
	int fd;          /* -1: nothing is held */
	int n_released;
};

static inline const char *holder_value(void *data, const char *key)
{
	struct holder *h = data;

	assert_string_equal(key, h->key);
	return h->fd >= 0 ? h->value : NULL;
}

static inline int holder_release(void *data, const char *key, struct hft_err *err)
{
	struct holder *h = data;

	(void)err;
	assert_string_equal(key, h->key);
	mem_closep(&h->fd);
	h->fd = -1;
	h->n_released++;
	return 0;
}

static inline int holder_hold(void *data, const char *key, const char *value, int fd, struct hft_err *err)
{
	struct holder *h = data;

	(void)err;
	assert_string_equal(key, h->key);
	mem_closep(&h->fd);
	h->fd = fd;
	snprintf(h->value, sizeof(h->value), "%s", value);
	return 0;
}

static inline struct knob_holds holder_of(struct holder *h)
{
	return (struct knob_holds){
		.value = holder_value, .hold = holder_hold, .release = holder_release, .data = h};
}
