/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ownership helpers: cleanup attributes, taking ownership out, and growing arrays. Knows nothing of tuning. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Run fn(&var) when var leaves its scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hand the pointer over: yields its value and leaves NULL behind. */
#define TAKE_PTR(p)                                                                                                    \
	({                                                                                                             \
		__typeof__(p) take_ptr_ = (p);                                                                         \
		(p) = NULL;                                                                                            \
		take_ptr_;                                                                                             \
	})

/* The same for a descriptor: yields it and leaves -1 behind. */
#define TAKE_FD(fd)                                                                                                    \
	({                                                                                                             \
		int take_fd_ = (fd);                                                                                   \
		(fd) = -1;                                                                                             \
		take_fd_;                                                                                              \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* For CLEANUP: free a `T *` variable, close a descriptor variable (>= 0), keeping errno. */
void mem_freep(void *pp);
void mem_closep(int *fd);

/*
 * Make room for one more element in a growing array (doubles). *array holds n elements of `size` bytes with room for
 * *cap. Returns 0, or -ENOMEM with the array untouched.
 */
int mem_grow(void *array_pp, size_t *cap, size_t n, size_t size);
