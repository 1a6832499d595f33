/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The error contract of the whole tree, written once.
 *
 * A fallible function takes `struct hft_err *err` as its last parameter and returns 0, or a negative errno with *err
 * filled. The struct lives on the caller's stack; err may be NULL when the caller only wants the return value. Nothing
 * here logs, allocates or exits. `code` is what clients and tests compare; `msg` is for people and may be reworded.
 */
#pragma once

#include <stdarg.h>

struct hft_err {
	const char *code;  /* stable tag with static lifetime, one of ERR_* below */
	int sys;           /* errno (positive), or 0 when no system call failed */
	char subject[192]; /* knob and object, path, or field that the error is about */
	char where[192];   /* "file:line" of the profile, or "" */
	char wanted[192];  /* the value that was wanted, or "" */
	char found[192];   /* the value that was found, or "" */
	char hint[256];    /* what to do next, one sentence, or "" */
	char msg[512];     /* one sentence for people, no trailing full stop or newline */
};

/* The complete list of codes. The exit status that the command line gives for each stands beside it. */
#define ERR_INVALID_ARGUMENT "invalid-argument" /* 2: usage, a name or a request that cannot be meant */
#define ERR_INVALID_PROFILE "invalid-profile"   /* 2: profile, host.conf or --set; `where` names the line */
#define ERR_NO_PROFILE "no-such-profile"        /* 2 */
#define ERR_NO_MATCH "no-match"                 /* 2: a literal selector matches nothing on this host */
#define ERR_OUT_OF_BOUNDS "out-of-bounds"       /* 2: a value outside the bounds of its row */
#define ERR_NOT_APPLICABLE "not-applicable"     /* a kernel or machine that lacks the tunable; not a failure by itself */
#define ERR_REFUSED "refused"                   /* 4: permitted syntax, refused by a promise (P1 inexact, P11) */
#define ERR_PERMISSION "permission-denied"      /* 4 */
#define ERR_BUSY "busy"                         /* 4: another transaction holds the lock, or one is stuck */
#define ERR_CONFLICT "conflict"                 /* 4: somebody else changed the object since */
#define ERR_WRITE_FAILED "write-failed"         /* 1: the kernel refused a write */
#define ERR_NOT_IN_EFFECT "not-in-effect"       /* 1: written, and found different on read-back */
#define ERR_NOT_UNDONE "not-undone"             /* 7: objects that are neither before nor after */
#define ERR_IO "io"                             /* 1 */
#define ERR_NO_MEMORY "no-memory"               /* 1 */
#define ERR_STATE "state-damaged"               /* 4: the state directory needs a look before anything may change */
#define ERR_TIMEOUT "timeout"                   /* 1 */
#define ERR_NO_DAEMON "no-daemon"               /* 6 */
#define ERR_PROTOCOL "protocol"                 /* 1: the peer does not speak the protocol */

/*
 * Fill *err and return -sys (-EINVAL when sys is 0), so that raising is one line:
 *     return err_raise(err, ERR_IO, errno, path, "cannot open");
 * subject may be NULL. Clears where, wanted, found and hint.
 */
int err_raise(struct hft_err *err, const char *code, int sys, const char *subject, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
int err_vraise(struct hft_err *err, const char *code, int sys, const char *subject, const char *fmt, va_list ap)
	__attribute__((format(printf, 5, 0)));

/* Memory is exhausted: fills *err, returns -ENOMEM. */
int err_oom(struct hft_err *err);

/* Put "TEXT: " in front of the message of a filled error. */
void err_context(struct hft_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Fill one of the further fields of a filled error; err may be NULL, NULL texts are left "". */
void err_where(struct hft_err *err, const char *file, unsigned line);
void err_values(struct hft_err *err, const char *wanted, const char *found);
void err_hint(struct hft_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
