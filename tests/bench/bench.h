/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the benchmark is made of: a client that times whole calls, the floor it is compared with, and the settings that
 * both write. Test code: any failure ends the program with a message, because a benchmark that did not do the work must
 * not print a number. Shares only lib/ with the program it measures.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/proto/varlink.h"

struct hft_err;
struct json;

_Noreturn void die(const char *subject, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void *must(void *memory); /* dies on NULL */
uint64_t now_ns(void);    /* CLOCK_MONOTONIC */

/* --- samples (bench.c) ------------------------------------------------------------------------------------------ */

#define SAMPLES_MAX 1000

struct samples {
	uint64_t ns[SAMPLES_MAX];
	size_t n;
};

void samples_add(struct samples *s, uint64_t ns);
uint64_t samples_median(struct samples *s); /* sorts */
uint64_t samples_least(struct samples *s);  /* sorts */

/* --- calls (caller.c) ------------------------------------------------------------------------------------------- */

struct caller {
	int fd;
	struct frame in;
	uint64_t ns;             /* from before the first byte of the last call was sent to after the last of its reply */
	size_t bytes;            /* of that reply */
	struct varlink_reply last; /* decoded outside that time; its parameters when it is no error */
};

void caller_open(struct caller *c, const char *socket);
void caller_close(struct caller *c);
/*
 * One call. take_parameters may be NULL. With more, replies that continue are read and dropped. Returns the parameters
 * of the last reply (borrowed until the next call); an error reply returns NULL with *err filled, or dies when err is
 * NULL.
 */
const struct json *caller_call(struct caller *c, const char *method, struct json *take_parameters, bool more,
                               struct hft_err *err);

/* --- settings and the floor (settings.c, floor.c) --------------------------------------------------------------- */

#define VALUE_SIZE 256

struct setting {
	char *option;          /* "net.ipv4.conf.eth0.rp_filter" */
	char *path;            /* below the root, without a leading slash: "proc/sys/net/..." */
	char was[VALUE_SIZE];  /* as the file shows it, without the newline */
	char want[VALUE_SIZE]; /* in the same form */
	int attempt;           /* which way to change the value is tried; see settings.c */
	int64_t min, max;
	bool dropped;
};

struct settings {
	struct setting *s;
	size_t n, cap;
};

void settings_done(struct settings *l);

struct settings_wanted {
	const char *root;         /* "/" is the live host */
	const char *const *allow; /* patterns of options, NULL at the end */
	int max_risk;
	size_t max;
	const char *profile_path; /* written */
	const char *profile;      /* its name */
	const char *list_path;    /* written: three lines for each file: path, what was, what is wanted */
};

/*
 * Find single-file sysctls that the daemon at the other end of c knows and this host has, a harmless other value for
 * each, and prove them by a trial apply that is rolled back. Writes the profile and the list, and before the trial a
 * list of all that it may touch, LIST.all.
 */
void settings_make(struct caller *c, const struct settings_wanted *w);
/* Read such a list. */
void settings_read(const char *list_path, struct settings *ret);

/* As a C programmer would write it: open, read, close for each file. Returns how many files hold what is wanted. */
size_t floor_verify(int root_fd, const struct settings *l);
/* Open, read, write, read back, close for each file; back: in reverse order, to what was. The same count. */
size_t floor_apply(int root_fd, const struct settings *l, bool back);
