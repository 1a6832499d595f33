/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of a dump: hostdump_files.c and hostdump_boot.c read files, live or copied; the others ask the kernel,
 * systemd and Redis what no file shows. Nothing here may change the host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct dump {
	char **lines;
	size_t n, cap;
	bool watchdog_off; /* then some kernels lose the stored values of nmi_watchdog and soft_watchdog on a read */
};

/* What a table leaves out: a shell pattern whose '*' also matches '/'. The last row of a table has no pattern. */
struct rule {
	const char *pattern;
	const char *reason;
};

#define FNV_START UINT64_C(0xcbf29ce484222325)
uint64_t fnv1a(uint64_t h, const void *data, size_t n);

/* p, or the end of the program with status 2: memory is exhausted. */
void *must(void *p);

/* Add "CLASSPATH<TAB>VALUE", escaped. */
void emit_bytes(struct dump *d, const char *class, const char *path, const char *value, size_t n);
void emit(struct dump *d, const char *class, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Of what is long, binary or secret. */
void emit_hash(struct dump *d, const char *class, const char *path, const char *value, size_t n);
/* Why a value is missing is a value too. */
void emit_errno(struct dump *d, const char *class, const char *path, int err);

/* The number of bytes read until the end or size, or -1 and errno. */
ssize_t read_all(int fd, char *buf, size_t size);
/* The same of a file, as a string without the newlines at its end. */
ssize_t read_text(const char *path, char *buf, size_t size);

void dump_files(struct dump *d, bool live);
void dump_boot(struct dump *d);
void dump_mounts(struct dump *d);
void dump_swaps(struct dump *d);
void dump_threads(struct dump *d);
/* One process of a service, or PID 1; name is its main thread's. */
void dump_process(struct dump *d, const char *unit, const char *name, const char *pid);
void dump_units(struct dump *d);
void dump_nics(struct dump *d);
void dump_netlink(struct dump *d);
void dump_redis(struct dump *d);
