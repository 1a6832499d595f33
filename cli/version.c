/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Versions of both ends. Must not fail because there is no daemon. */
#include "cli/version.h"

#include "cli/client.h"
#include "cli/out.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

#define ANSWER_MS 3000

static int ask(const struct options *o, struct merged *ret, struct hft_err *err)
{
	CLEANUP(client_done) struct client client = CLIENT_NONE;
	struct call call = { .method = "org.varlink.service.GetInfo", .timeout_ms = ANSWER_MS };

	int r = client_open(&client, o, err);
	return r < 0 ? r : client_call(&client, &call, ret, err);
}

static int print(const struct options *o, struct out *out, const struct json *reply, int r)
{
	struct result result = { .options = o, .exit = 0, .reply = r == 0 ? reply : NULL };

	out_result(out, &result);
	return result.exit;
}

int version_run(const struct options *o, struct out *out)
{
	CLEANUP(merged_done) struct merged info = { 0 };
	CLEANUP(json_freep) struct json *reply = json_new_object();
	struct hft_err err = { 0 };

	int r = json_set_string(reply, "version", HFT_VERSION);
	if (ask(o, &info, &err) == 0)
		r |= json_set_take(reply, "daemon", json_dup(info.reply));
	else
		r |= json_set_string(reply, "reason", err.msg);
	return print(o, out, reply, r);
}

int version_own(const struct options *o, struct out *out)
{
	CLEANUP(json_freep) struct json *reply = json_new_object();

	return print(o, out, reply, json_set_string(reply, "version", HFT_VERSION));
}
