/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the engine finds an object again: (knob, key) in an array, by hash. Holds no values. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct knob;

/* The first member of every array element that is looked up here. */
struct object_ref {
	const struct knob *knob;
	char *key; /* owned */
};

struct object_index { /* zero-initialise; object_index_done frees */
	uint32_t *slots; /* element number + 1, 0 is free */
	size_t n_slots, n_used;
};

void object_index_done(struct object_index *x);
/* Forget all; keeps the memory. */
void object_index_reset(struct object_index *x);
/* array: base of elements of `size` bytes that begin with an object_ref. Returns the number, or -1. */
long object_index_find(const struct object_index *x, const void *array, size_t size, const struct knob *knob,
                       const char *key);
/* Add element `number`, whose ref must be filled and not yet present. 0 or -ENOMEM. */
int object_index_add(struct object_index *x, const void *array, size_t size, size_t number);
