/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of jemalloc that knob malloc sets, by jemalloc's names, and the variables that it reads them from. */
#pragma once

#include "daemon/knobs/row.h"

extern const struct row malloc_rows[]; /* ascending by option; in this order they stand in the variable */
extern const size_t n_malloc_rows;
const struct row *malloc_row(const char *option); /* or NULL */
/* MALLOC_CONF, or with one of the prefixes that jemalloc is built with. */
bool malloc_is_variable(const char *name);

/*
 * What a program says of itself, by its bytes and those of the jemalloc that it names: the variable that it reads; and
 * whether it knows an option. 0; -ENOENT ERR_NOT_APPLICABLE: no jemalloc in it, or no program; other -errno ERR_IO.
 */
struct malloc_program { /* zero-initialise; malloc_program_done frees */
	struct strbuf bytes; /* of the file with the allocator in it */
	char variable[32];
};
int malloc_program_read(const struct knob_ctx *c, const char *unit, struct malloc_program *ret, struct hft_err *err);
void malloc_program_done(struct malloc_program *p);
bool malloc_program_knows(const struct malloc_program *p, const char *option);
