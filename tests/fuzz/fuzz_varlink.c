/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes what a client can send (libFuzzer; `make fuzz`): bytes in, in pieces, through the frame decoder, the decoder of
 * requests and the schema; and the same bytes as a reply, the other way round.
 *
 * Must hold: the pieces do not matter; the buffer never grows beyond its cap; what is taken apart successfully has a
 * method, and what is refused says why without control characters.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/proto/schema.h"
#include "lib/proto/varlink.h"

#define MESSAGE_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out of the frames, one way of cutting or another. */
struct seen {
	size_t messages, bytes;
	bool refused;
};

static void check_error(const struct hft_err *err)
{
	struct strbuf out = { 0 };

	if (err->code == NULL || str_has_control(err->msg, strlen(err->msg)) || varlink_encode_err(err, &out) < 0)
		abort();
	strbuf_done(&out);
}

static void check_arguments(const struct varlink_call *call)
{
	const struct schema_interface *interface;
	const struct schema_method *method;
	struct hft_err err = { 0 };

	if (call->method == NULL || (call->more && call->oneway))
		abort();
	if (schema_find(call->method, &interface, &method) == 0 && schema_check(method->in, call->parameters, &err) < 0)
		check_error(&err);
}

static void check_request(const char *text, size_t len)
{
	struct varlink_call call = { 0 };
	struct hft_err err = { 0 };

	if (text[len] != '\0')
		abort();
	if (varlink_decode_call(text, len, &call, &err) < 0)
		check_error(&err);
	else
		check_arguments(&call);
	varlink_call_done(&call);
}

static void check_reply(const char *text, size_t len)
{
	struct varlink_reply reply = { 0 };
	struct hft_err err = { 0 };

	if (varlink_decode_reply(text, len, &reply, &err) < 0)
		check_error(&err);
	else if (reply.error != NULL)
		varlink_decode_err(&reply, &err);
	varlink_reply_done(&reply);
}

/* Pieces of the size `step`; the messages are looked at as they come. */
static struct seen take_apart(const char *data, size_t size, size_t step, bool look)
{
	struct frame f = { .max = MESSAGE_MAX };
	struct seen seen = { 0 };
	const char *text;
	size_t len;

	for (size_t at = 0; at < size && !seen.refused; at += step) {
		size_t n = size - at < step ? size - at : step;
		seen.refused = frame_push(&f, data + at, n, NULL) < 0;
		if (f.cap > MESSAGE_MAX + 1 + step)
			abort();
		while (!seen.refused && frame_next(&f, &text, &len) > 0) {
			seen.messages++;
			seen.bytes += len;
			if (look)
				check_request(text, len);
		}
	}
	frame_done(&f);
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	if (size < 2)
		return 0;
	size_t step = 1 + data[0];
	text++;
	size--;
	/* Whole messages before one that is too long are lost when they come in the same piece, and only then. */
	struct seen pieces = take_apart(text, size, step, true), bytes = take_apart(text, size, 1, false);
	if (pieces.refused != bytes.refused ||
	    (!pieces.refused && (pieces.messages != bytes.messages || pieces.bytes != bytes.bytes)))
		abort();
	check_reply(text, size);
	return 0;
}
