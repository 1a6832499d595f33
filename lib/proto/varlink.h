/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Varlink (https://varlink.org): messages are JSON objects, each ended by one NUL byte. This file frames, encodes and
 * decodes; it does no I/O and knows no method.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct hft_err;
struct json;
struct strbuf;

/* Bytes that came in and were not yet taken as messages. Zero-initialise with a max; frame_done frees. */
struct frame {
	char *buf;
	size_t len, cap;
	size_t max;   /* longest message without its NUL; more is -EMSGSIZE */
	size_t start; /* where the next message begins */
	size_t tail;  /* bytes of the last, unfinished message: nothing is searched twice */
};

void frame_done(struct frame *f);
/* Append what was read. -EMSGSIZE (ERR_PROTOCOL) when a message grows beyond max, -ENOMEM; then nothing was appended. */
int frame_push(struct frame *f, const char *data, size_t n, struct hft_err *err);
/*
 * The next whole message: 1 with *ret (NUL-terminated, borrowed until the next frame_ call) and *ret_len, 0 when more
 * bytes are needed. An empty message is returned as such (length 0).
 */
int frame_next(struct frame *f, const char **ret, size_t *ret_len);
bool frame_is_empty(const struct frame *f); /* no partial message waits */

struct varlink_call {
	struct json *doc;             /* owns everything below */
	const char *method;           /* "org.hfttune.Tuner.Plan" */
	const struct json *parameters; /* an object, or NULL */
	bool more, oneway;
};

void varlink_call_done(struct varlink_call *c);
/* Decode a request. Refuses unknown members, wrong types, "upgrade", "more" with "oneway". -EBADMSG ERR_PROTOCOL. */
int varlink_decode_call(const char *text, size_t len, struct varlink_call *ret, struct hft_err *err);

struct varlink_reply {
	struct json *doc;        /* owns error */
	const char *error;       /* NULL for a result */
	struct json *parameters; /* an object, or NULL; owned beside doc, so that TAKE_PTR may take it out */
	bool continues;
};

void varlink_reply_done(struct varlink_reply *r);
/* Decode a reply. Refuses unknown members, wrong types, an error that continues. -EBADMSG ERR_PROTOCOL. */
int varlink_decode_reply(const char *text, size_t len, struct varlink_reply *ret, struct hft_err *err);

/*
 * Encode a whole message including its NUL into *ret (appended, whole or not at all). parameters is owned in any case
 * and may be NULL, which is the empty object. 0 or -ENOMEM.
 */
int varlink_encode_call(const char *method, struct json *take_parameters, bool more, struct strbuf *ret);
int varlink_encode_reply(struct json *take_parameters, bool continues, struct strbuf *ret);
int varlink_encode_error(const char *error, struct json *take_parameters, struct strbuf *ret);

/* The wire form of an error: "org.hfttune.Tuner.InvalidProfile" and its parameters. */
int varlink_encode_err(const struct hft_err *e, struct strbuf *ret);
/* And back, on the client's side: fills *ret from an error reply. A standard org.varlink.service error becomes
 * ERR_PROTOCOL, ERR_INVALID_ARGUMENT or ERR_PERMISSION; `code` points to a constant of err.h. */
void varlink_decode_err(const struct varlink_reply *r, struct hft_err *ret);
