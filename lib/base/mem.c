/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ownership helpers. Must not know what the memory is for. */
#include "lib/base/mem.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The callers' variables are of any pointer type, so they are copied as bytes: a cast would break aliasing rules. */
static void *load_ptr(const void *pp)
{
	void *p;

	memcpy(&p, pp, sizeof(p));
	return p;
}

void mem_freep(void *pp)
{
	int saved = errno;
	void *none = NULL;

	free(load_ptr(pp));
	memcpy(pp, &none, sizeof(none));
	errno = saved;
}

void mem_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int mem_grow(void *array_pp, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return 0;
	if (*cap > SIZE_MAX / 2 || n == SIZE_MAX)
		return -ENOMEM;

	size_t want = *cap == 0 ? 8 : *cap * 2;
	if (want <= n)
		want = n + 1;

	size_t bytes;
	void *grown = NULL;
	if (!__builtin_mul_overflow(want, size, &bytes))
		grown = realloc(load_ptr(array_pp), bytes);
	if (grown == NULL)
		return -ENOMEM;
	memcpy(array_pp, &grown, sizeof(grown));
	*cap = want;
	return 0;
}
