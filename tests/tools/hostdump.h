/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of a dump: hostdump.c walks files, hostdump_live.c asks the kernel what no file shows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dump {
	char **lines;
	size_t n, cap;
	bool watchdog_off; /* then some kernels lose the stored values of nmi_watchdog and soft_watchdog on a read */
};

#define FNV_START UINT64_C(0xcbf29ce484222325)
uint64_t fnv1a(uint64_t h, const void *data, size_t n);

/* Add "CLASSPATH<TAB>VALUE", escaped. Memory exhaustion ends the program with status 2. */
void emit_bytes(struct dump *d, const char *class, const char *path, const char *value, size_t n);
void emit(struct dump *d, const char *class, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void dump_mounts(struct dump *d);
void dump_swaps(struct dump *d);
void dump_threads(struct dump *d);
void dump_nics(struct dump *d);
