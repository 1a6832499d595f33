/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words -> options -> verb -> daemon -> writer -> exit status. Must not know what any verb does. */
#include "cli/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/help.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "cli/version.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"
#include "lib/proto/codes.h"

static const char *environment(const char *name)
{
	return getenv(name);
}

/* --- calling the daemon ------------------------------------------------------------------------------------------- */

static void show_progress(void *data, int64_t step, int64_t steps, const char *object)
{
	out_progress(data, step, steps, object);
}

/* The request of the verb, sent; what came back. *ret_signal: what ended the waiting, or 0. */
static int call_method(const struct options *o, struct out *out, struct merged *ret, int *ret_signal,
                       struct hft_err *err)
{
	CLEANUP(client_done) struct client client = CLIENT_NONE;
	CLEANUP(mem_freep) char *method = str_printf(CLIENT_METHODS "%s", o->verb->method);
	struct call call = { .method = method, .more = o->verb->streams, .changes = o->verb->changes, .timeout_ms = -1,
		             .progress = show_progress, .data = out };

	int r = client_open(&client, o, err);
	if (r < 0)
		return r;
	if (o->verb->request != NULL)
		call.parameters = o->verb->request(o);
	if (method == NULL || (o->verb->request != NULL && call.parameters == NULL))
		return err_oom(err);
	r = client_call(&client, &call, ret, err);
	*ret_signal = call.signal;
	return r;
}

/* An error that leaves a question open says how to ask it, with the same --socket or --root. */
static void point_to_status(const struct options *o, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf command = { 0 };

	options_command(o, "status", 0, false, &command);
	err_hint(err, "%s", strbuf_str(&command));
}

static int run_method(const struct options *o, struct out *out)
{
	CLEANUP(merged_done) struct merged merged = { 0 };
	struct hft_err err = { 0 };
	int interrupted = 0;

	int r = call_method(o, out, &merged, &interrupted, &err);
	struct result result = { .options = o, .reply = merged.reply, .err = r < 0 ? &err : NULL };
	if (interrupted != 0)
		result.exit = 128 + interrupted;
	else if (r < 0)
		result.exit = code_find(err.code)->exit;
	else if (o->verb->status != NULL)
		result.exit = o->verb->status(merged.reply);
	if (interrupted != 0 || result.exit == EXIT_NOT_UNDONE)
		point_to_status(o, &err);
	out_result(out, &result);
	return result.exit;
}

/* --- help, usage -------------------------------------------------------------------------------------------------- */

static int run_help(const struct options *o, struct out *out)
{
	CLEANUP(text_done) struct text t = { .width = out->text.width, .colour = out->text.colour };

	help_print(&t, o->verb);
	out_say(out, "help", strbuf_str(&t.b));
	return EXIT_DONE;
}

static int run_usage_error(const struct options *o, struct out *out, const struct hft_err *err)
{
	struct result result = { .options = o, .exit = code_find(err->code)->exit, .err = err, .usage = true };

	out_result(out, &result);
	return result.exit;
}

static int run_options(struct options *o, size_t n, const char *const *words, struct out *out, FILE *to, FILE *errors)
{
	struct hft_err err = { 0 };

	int r = options_parse(o, n, words, &err);
	out_init(out, o, to, errors, environment);
	if (r == 0 && options_has(o, OPT_HELP))
		return run_help(o, out);
	if (r == 0 && options_has(o, OPT_VERSION)) {
		o->verb = verb_find("version");
		return version_own(o, out);
	}
	if (r == 0)
		r = options_check(o, &err);
	if (r < 0)
		return run_usage_error(o, out, &err);
	return o->verb->run != NULL ? o->verb->run(o, out) : run_method(o, out);
}

int cli_run(size_t n, const char *const *words, FILE *to, FILE *errors)
{
	CLEANUP(options_done) struct options o = { 0 };
	struct out out;

	int status = run_options(&o, n, words, &out, to, errors);
	int r = out_done(&out);
	if (r == 0 || r == -EPIPE) /* a reader that has seen enough (head) */
		return status;
	fprintf(errors, "hfttune: cannot write the output: %s\n", strerror(-r));
	/* What a change has done to the host is not undone by a full disk under the output. */
	return o.verb != NULL && o.verb->changes ? status : exit_worse(status, EXIT_FAILED);
}
