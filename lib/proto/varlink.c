/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Varlink messages: framing, encoding, decoding. No I/O, no method, no schema. */
#include "lib/proto/varlink.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/proto/codes.h"

#define TUNER_PREFIX "org.hfttune.Tuner."
#define SERVICE_PREFIX "org.varlink.service."
#define FRAME_MIN 4096
#define ERRNO_MAX 4095 /* include/linux/err.h, MAX_ERRNO */

/* --- frames ------------------------------------------------------------------------------------------------------- */

void frame_done(struct frame *f)
{
	free(f->buf);
	*f = (struct frame){ .max = f->max };
}

/* How much of a message would be unfinished after these bytes; -EMSGSIZE when one of them would be too long. */
static int measure(const struct frame *f, const char *data, size_t n, size_t *ret_tail)
{
	size_t tail = f->tail;

	while (n > 0) {
		const char *nul = memchr(data, '\0', n);
		size_t part = nul != NULL ? (size_t)(nul - data) : n;
		if (part > f->max || tail > f->max - part)
			return -EMSGSIZE;
		tail = nul != NULL ? 0 : tail + part;
		part += nul != NULL;
		data += part;
		n -= part;
	}
	*ret_tail = tail;
	return 0;
}

/* Room for n more bytes, after the taken messages have made theirs. One message never takes more than max + 1. */
static int make_room(struct frame *f, size_t n)
{
	size_t need;

	if (f->start > 0) {
		memmove(f->buf, f->buf + f->start, f->len - f->start);
		f->len -= f->start;
		f->start = 0;
	}
	if (__builtin_add_overflow(f->len, n, &need) || need > SIZE_MAX / 2)
		return -ENOMEM;
	if (need <= f->cap)
		return 0;
	size_t cap = f->cap > FRAME_MIN / 2 ? 2 * f->cap : FRAME_MIN;
	if (cap > f->max)
		cap = f->max + 1;
	if (cap < need)
		cap = need;
	char *grown = realloc(f->buf, cap);
	if (grown == NULL)
		return -ENOMEM;
	f->buf = grown;
	f->cap = cap;
	return 0;
}

int frame_push(struct frame *f, const char *data, size_t n, struct hft_err *err)
{
	size_t tail;

	if (n == 0)
		return 0;
	if (measure(f, data, n, &tail) < 0)
		return err_raise(err, ERR_PROTOCOL, EMSGSIZE, NULL, "a message of more than %zu bytes", f->max);
	if (make_room(f, n) < 0)
		return err_oom(err);
	memcpy(f->buf + f->len, data, n);
	f->len += n;
	f->tail = tail;
	return 0;
}

int frame_next(struct frame *f, const char **ret, size_t *ret_len)
{
	if (f->len - f->start == f->tail)
		return 0;
	const char *message = f->buf + f->start;
	const char *nul = memchr(message, '\0', f->len - f->start);
	*ret = message;
	*ret_len = (size_t)(nul - message);
	f->start += *ret_len + 1;
	return 1;
}

bool frame_is_empty(const struct frame *f)
{
	return f->tail == 0;
}

/* --- decoding ----------------------------------------------------------------------------------------------------- */

struct member {
	const char *name;
	bool (*is)(const struct json *);
	bool may_be_null; /* some implementations write null for "none" */
};

static const struct member call_members[] = {
	{ "method", json_is_string, false },
	{ "parameters", json_is_object, true },
	{ "more", json_is_bool, false },
	{ "oneway", json_is_bool, false },
	{ NULL, NULL, false },
};

static const struct member reply_members[] = {
	{ "error", json_is_string, false },
	{ "parameters", json_is_object, true },
	{ "continues", json_is_bool, false },
	{ NULL, NULL, false },
};

static int refuse(struct hft_err *err, const char *subject, const char *what)
{
	return err_raise(err, ERR_PROTOCOL, EBADMSG, subject, "%s", what);
}

static int check_members(const struct json *doc, const struct member *members, struct hft_err *err)
{
	if (!json_is_object(doc))
		return refuse(err, NULL, "a message that is not an object");
	for (const struct json *c = json_first(doc); c != NULL; c = json_next(c)) {
		const struct member *m = members;
		while (m->name != NULL && strcmp(m->name, json_key(c)) != 0)
			m++;
		if (m->name == NULL)
			return refuse(err, json_key(c), "an unknown member in a message");
		if (!m->is(c) && !(m->may_be_null && json_is_null(c)))
			return refuse(err, json_key(c), "a member of the wrong type in a message");
	}
	return 0;
}

static int parse_message(const char *text, size_t len, size_t max, const struct member *members, struct json **ret,
                         struct hft_err *err)
{
	CLEANUP(json_freep) struct json *doc = NULL;

	int r = json_parse(text, len, max, &doc, err);
	if (r == 0)
		r = check_members(doc, members, err);
	if (r == 0)
		*ret = TAKE_PTR(doc);
	return r;
}

void varlink_call_done(struct varlink_call *c)
{
	json_free(c->doc);
	*c = (struct varlink_call){ 0 };
}

int varlink_decode_call(const char *text, size_t len, struct varlink_call *ret, struct hft_err *err)
{
	CLEANUP(json_freep) struct json *doc = NULL;

	int r = parse_message(text, len, JSON_REQUEST_MAX, call_members, &doc, err);
	if (r < 0)
		return r;
	const struct json *parameters = json_get(doc, "parameters");
	struct varlink_call call = {
		.method = json_get_string(doc, "method", NULL),
		.parameters = json_is_object(parameters) ? parameters : NULL,
		.more = json_get_bool(doc, "more", false),
		.oneway = json_get_bool(doc, "oneway", false),
	};
	if (call.method == NULL)
		return refuse(err, "method", "a request without a method");
	if (call.more && call.oneway)
		return refuse(err, "oneway", "a request for more than one reply and for none");
	call.doc = TAKE_PTR(doc);
	*ret = call;
	return 0;
}

void varlink_reply_done(struct varlink_reply *r)
{
	json_free(r->doc);
	json_free(r->parameters);
	*r = (struct varlink_reply){ 0 };
}

int varlink_decode_reply(const char *text, size_t len, struct varlink_reply *ret, struct hft_err *err)
{
	CLEANUP(json_freep) struct json *doc = NULL;

	int r = parse_message(text, len, JSON_RECORD_MAX, reply_members, &doc, err);
	if (r < 0)
		return r;
	struct varlink_reply reply = {
		.error = json_get_string(doc, "error", NULL),
		.continues = json_get_bool(doc, "continues", false),
	};
	if (reply.error != NULL && reply.continues)
		return refuse(err, "continues", "an error that is not the last reply");
	if (json_is_object(json_get(doc, "parameters")))
		reply.parameters = json_detach(doc, "parameters");
	reply.doc = TAKE_PTR(doc);
	*ret = reply;
	return 0;
}

/* --- encoding ----------------------------------------------------------------------------------------------------- */

/* {KEY: value, "parameters": {...}, FLAG: true}; key and flag may be NULL. */
static int encode(const char *key, const char *value, struct json *take_parameters, const char *flag,
                  struct strbuf *ret)
{
	CLEANUP(json_freep) struct json *doc = json_new_object();
	CLEANUP(mem_freep) char *text = NULL;
	int r = 0;

	if (key != NULL)
		r |= json_set_string(doc, key, value);
	r |= json_set_take(doc, "parameters", take_parameters != NULL ? take_parameters : json_new_object());
	if (flag != NULL)
		r |= json_set_bool(doc, flag, true);
	if (r == 0)
		text = json_print(doc);
	if (text == NULL)
		return -ENOMEM;
	strbuf_addn(ret, text, strlen(text) + 1);
	return ret->oom ? -ENOMEM : 0;
}

int varlink_encode_call(const char *method, struct json *take_parameters, bool more, struct strbuf *ret)
{
	return encode("method", method, take_parameters, more ? "more" : NULL, ret);
}

int varlink_encode_reply(struct json *take_parameters, bool continues, struct strbuf *ret)
{
	return encode(NULL, NULL, take_parameters, continues ? "continues" : NULL, ret);
}

int varlink_encode_error(const char *error, struct json *take_parameters, struct strbuf *ret)
{
	return encode("error", error, take_parameters, NULL, ret);
}

static const char *none_if_empty(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

int varlink_encode_err(const struct hft_err *e, struct strbuf *ret)
{
	const struct code_row *row = code_find(e->code);
	CLEANUP(json_freep) struct json *p = json_new_object();
	char name[sizeof(TUNER_PREFIX) + 64];
	int r = 0;

	r |= json_set_string(p, "code", row->code);
	r |= json_set_string(p, "subject", e->subject);
	r |= json_set_string(p, "message", e->msg);
	r |= json_set_string(p, "where", none_if_empty(e->where));
	r |= json_set_string(p, "wanted", none_if_empty(e->wanted));
	r |= json_set_string(p, "found", none_if_empty(e->found));
	if (e->sys != 0)
		r |= json_set_int(p, "errno", e->sys);
	r |= json_set_string(p, "hint", none_if_empty(e->hint));
	if (r != 0)
		return -ENOMEM;
	snprintf(name, sizeof(name), TUNER_PREFIX "%s", row->error);
	return varlink_encode_error(name, TAKE_PTR(p), ret);
}

/* --- errors of the other side ------------------------------------------------------------------------------------- */

/* A standard error, and the one parameter that says what it is about. */
struct service_error {
	const char *error;
	const char *code;
	const char *parameter;
	const char *message;
};

static const struct service_error service_errors[] = {
	{ "InterfaceNotFound", ERR_PROTOCOL, "interface", "the service does not have this interface" },
	{ "MethodNotFound", ERR_PROTOCOL, "method", "the service does not have this method" },
	{ "MethodNotImplemented", ERR_PROTOCOL, "method", "the service does not implement this method" },
	{ "InvalidParameter", ERR_INVALID_ARGUMENT, "parameter", "the service refused this parameter" },
	{ "PermissionDenied", ERR_PERMISSION, "method", "the service refused the caller" },
	{ "ExpectedMore", ERR_PROTOCOL, "method", "the service answers this method only in several replies" },
};

static const struct service_error *find_service_error(const char *error)
{
	if (!str_starts(error, SERVICE_PREFIX))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(service_errors); i++)
		if (strcmp(service_errors[i].error, error + strlen(SERVICE_PREFIX)) == 0)
			return &service_errors[i];
	return NULL;
}

static void decode_foreign(const char *error, const struct json *p, struct hft_err *ret)
{
	const struct service_error *e = find_service_error(error);

	if (e != NULL)
		err_raise(ret, e->code, 0, json_get_string(p, e->parameter, ""), "%s", e->message);
	else
		err_raise(ret, ERR_PROTOCOL, 0, error, "the service answered with an error that is not known here");
}

void varlink_decode_err(const struct varlink_reply *r, struct hft_err *ret)
{
	const struct json *p = r->parameters;
	const char *error = r->error != NULL ? r->error : "";
	const struct code_row *row = NULL;

	if (str_starts(error, TUNER_PREFIX))
		row = code_find_error(error + strlen(TUNER_PREFIX));
	if (row == NULL) {
		decode_foreign(error, p, ret);
		return;
	}
	int64_t sys = json_get_int(p, "errno", 0);
	err_raise(ret, row->code, sys > 0 && sys <= ERRNO_MAX ? (int)sys : 0, json_get_string(p, "subject", ""), "%s",
	          json_get_string(p, "message", "the service gave no reason"));
	err_values(ret, json_get_string(p, "wanted", NULL), json_get_string(p, "found", NULL));
	err_hint(ret, "%s", json_get_string(p, "hint", ""));
	snprintf(ret->where, sizeof(ret->where), "%s", json_get_string(p, "where", ""));
}
