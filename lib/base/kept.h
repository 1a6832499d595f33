/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open descriptors by path, a limited number of them. A part of fsio, for no other: opens and reads nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct kept_file {
	int fd;
	bool used_again; /* found since it was added */
	bool writable;   /* the owner's, like the next one: open for writing, too */
	mode_t mode;     /* when it was opened */
	char *path;      /* for kept.c, like the next one */
	size_t hash;
};

struct kept {
	struct kept_file *files; /* in no order */
	size_t n, max;           /* max 0: nothing is kept */
	size_t n_once;           /* those that nobody came back for */
	size_t hand;             /* where the search for one of them goes on */
	unsigned *slots;         /* open addressing: index in files + 1, 0 is free */
	size_t n_slots;          /* a power of two, at least twice max */
};

/* Closes all that was kept before. -ENOMEM: nothing is kept. Embedded; an all-zero one is empty and keeps nothing. */
int kept_init(struct kept *k, size_t max);
void kept_done(struct kept *k);
/* NULL when there is none. Borrowed until the next call that changes the set. */
struct kept_file *kept_find(struct kept *k, const char *path);
/*
 * Takes fd and gives the place that holds it. When full, a file that nobody came back for makes room: values are looked
 * at again and again, what describes the host once. NULL: no room, or no memory; fd stays the caller's.
 */
struct kept_file *kept_add_take(struct kept *k, const char *path, int fd);
/* May a file be added? */
bool kept_has_room(const struct kept *k);
/* Close one, if it is there. */
void kept_drop(struct kept *k, const char *path);
