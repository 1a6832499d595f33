/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open descriptors by path: a hash with open addressing over an array. Must not open or read, and judges no path. */
#include "lib/base/kept.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* FNV-1a */
static size_t hash_path(const char *path)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *path != '\0'; path++)
		h = (h ^ (unsigned char)*path) * 0x100000001b3;
	return (size_t)(h ^ h >> 32);
}

int kept_init(struct kept *k, size_t max)
{
	size_t n_slots = 2;

	kept_done(k);
	if (max == 0)
		return 0;
	while (n_slots < 2 * max)
		n_slots *= 2;
	k->files = calloc(max, sizeof(*k->files));
	k->slots = calloc(n_slots, sizeof(*k->slots));
	if (k->files == NULL || k->slots == NULL) {
		kept_done(k);
		return -ENOMEM;
	}
	k->max = max;
	k->n_slots = n_slots;
	return 0;
}

void kept_done(struct kept *k)
{
	for (size_t i = 0; i < k->n; i++) {
		mem_closep(&k->files[i].fd);
		free(k->files[i].path);
	}
	free(k->files);
	free(k->slots);
	*k = (struct kept){ 0 };
}

/* The slot of a path, or the free one where it would go. */
static size_t find_slot(const struct kept *k, const char *path, size_t hash)
{
	size_t slot = hash & (k->n_slots - 1);

	for (; k->slots[slot] != 0; slot = (slot + 1) & (k->n_slots - 1)) {
		const struct kept_file *f = &k->files[k->slots[slot] - 1];
		if (f->hash == hash && strcmp(f->path, path) == 0)
			break;
	}
	return slot;
}

struct kept_file *kept_find(struct kept *k, const char *path)
{
	if (k->n == 0)
		return NULL;
	size_t slot = find_slot(k, path, hash_path(path));
	if (k->slots[slot] == 0)
		return NULL;
	struct kept_file *f = &k->files[k->slots[slot] - 1];
	if (!f->used_again) {
		f->used_again = true;
		k->n_once--;
	}
	return f;
}

/* Those behind a freed slot may have been pushed there by what was in it: they move up. */
static void free_slot(struct kept *k, size_t slot)
{
	size_t mask = k->n_slots - 1;

	k->slots[slot] = 0;
	for (size_t i = (slot + 1) & mask; k->slots[i] != 0; i = (i + 1) & mask) {
		size_t home = k->files[k->slots[i] - 1].hash & mask;
		if (((i - home) & mask) < ((i - slot) & mask))
			continue; /* its place is between the free slot and here */
		k->slots[slot] = k->slots[i];
		k->slots[i] = 0;
		slot = i;
	}
}

/* The last file takes the place of the one that goes. */
static void remove_at(struct kept *k, size_t at)
{
	struct kept_file *f = &k->files[at], *last = &k->files[k->n - 1];

	free_slot(k, find_slot(k, f->path, f->hash));
	mem_closep(&f->fd);
	free(f->path);
	k->n_once -= !f->used_again;
	if (f != last) {
		k->slots[find_slot(k, last->path, last->hash)] = (unsigned)at + 1;
		*f = *last;
	}
	k->n--;
}

void kept_drop(struct kept *k, const char *path)
{
	if (k->n == 0)
		return;
	size_t slot = find_slot(k, path, hash_path(path));
	if (k->slots[slot] != 0)
		remove_at(k, k->slots[slot] - 1);
}

bool kept_has_room(const struct kept *k)
{
	return k->n < k->max || k->n_once > 0;
}

static void make_room(struct kept *k)
{
	while (k->files[k->hand %= k->n].used_again)
		k->hand++;
	remove_at(k, k->hand);
}

struct kept_file *kept_add_take(struct kept *k, const char *path, int fd)
{
	char *copy = kept_has_room(k) ? strdup(path) : NULL;

	if (copy == NULL)
		return NULL;
	if (k->n == k->max)
		make_room(k);
	struct kept_file *f = &k->files[k->n];
	*f = (struct kept_file){ .fd = fd, .path = copy, .hash = hash_path(path) };
	k->slots[find_slot(k, path, f->hash)] = (unsigned)++k->n;
	k->n_once++;
	return f;
}
