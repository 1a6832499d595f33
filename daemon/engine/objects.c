/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An open-addressing hash of element numbers; grows at three quarters. */
#include "daemon/engine/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct object_ref *ref_at(const void *array, size_t size, size_t number)
{
	return (const struct object_ref *)((const char *)array + number * size);
}

/* FNV-1a, begun with the knob's address: keys of different knobs need not collide. */
static size_t hash(const struct knob *knob, const char *key)
{
	uint64_t h = 14695981039346656037ULL ^ (uintptr_t)knob;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211ULL;
	return (size_t)(h ^ (h >> 29));
}

void object_index_done(struct object_index *x)
{
	free(x->slots);
	memset(x, 0, sizeof(*x));
}

void object_index_reset(struct object_index *x)
{
	if (x->slots)
		memset(x->slots, 0, x->n_slots * sizeof(*x->slots));
	x->n_used = 0;
}

long object_index_find(const struct object_index *x, const void *array, size_t size, const struct knob *knob,
                       const char *key)
{
	if (!x->n_slots)
		return -1;
	for (size_t i = hash(knob, key) & (x->n_slots - 1);; i = (i + 1) & (x->n_slots - 1)) {
		const struct object_ref *r;

		if (!x->slots[i])
			return -1;
		r = ref_at(array, size, x->slots[i] - 1);
		if (r->knob == knob && strcmp(r->key, key) == 0)
			return (long)x->slots[i] - 1;
	}
}

static void put(uint32_t *slots, size_t n_slots, const struct object_ref *r, uint32_t value)
{
	size_t i = hash(r->knob, r->key) & (n_slots - 1);

	while (slots[i])
		i = (i + 1) & (n_slots - 1);
	slots[i] = value;
}

static int grow(struct object_index *x, const void *array, size_t size)
{
	size_t n = x->n_slots ? x->n_slots * 2 : 64;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < x->n_slots; i++) {
		if (x->slots[i])
			put(slots, n, ref_at(array, size, x->slots[i] - 1), x->slots[i]);
	}
	free(x->slots);
	x->slots = slots;
	x->n_slots = n;
	return 0;
}

int object_index_add(struct object_index *x, const void *array, size_t size, size_t number)
{
	if (x->n_used * 4 >= x->n_slots * 3 && grow(x, array, size) < 0)
		return -ENOMEM;
	put(x->slots, x->n_slots, ref_at(array, size, number), (uint32_t)number + 1);
	x->n_used++;
	return 0;
}
