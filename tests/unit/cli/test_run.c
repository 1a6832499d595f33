/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of whole commands (cli/run, cli/out_*, cli/complete) against a peer behind a socket: exit statuses, one JSON
 * object on standard output whatever happens, errors for people on standard error, views that survive any reply.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>

#include "cli/run.h"
#include "cli/verbs.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/proto/codes.h"
#include "tests/unit/cli/peer.h"

#define REPLIES(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct world {
	char directory[32];
	char socket[64], request[64];
	char *out, *err; /* what the last command printed */
	size_t out_len, err_len;
	int status;
};

static int make_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	strcpy(w->directory, "/tmp/hfttune-test-XXXXXX");
	assert_non_null(mkdtemp(w->directory));
	snprintf(w->socket, sizeof(w->socket), "%s/socket", w->directory);
	snprintf(w->request, sizeof(w->request), "%s/request", w->directory);
	*state = w;
	return 0;
}

static int end_world(void **state)
{
	struct world *w = *state;

	unlink(w->socket);
	unlink(w->request);
	rmdir(w->directory);
	free(w->out);
	free(w->err);
	free(w);
	return 0;
}

/* Run words (split at blanks, "_" is an empty word). */
static void run(struct world *w, const char *line)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };

	free(w->out);
	free(w->err);
	FILE *to = open_memstream(&w->out, &w->out_len);
	FILE *errors = open_memstream(&w->err, &w->err_len);
	assert_int_equal(strlist_split(&words, line, " "), 0);
	for (size_t i = 0; i < words.n; i++)
		if (strcmp(words.s[i], "_") == 0)
			words.s[i][0] = '\0';
	w->status = cli_run(words.n, (const char *const *)words.s, to, errors);
	fclose(to);
	fclose(errors);
}

/* The same against a peer that answers so; %s in the line is the socket. */
static void run_against(struct world *w, const char *const *replies, const char *words)
{
	struct peer peer = { .replies = replies, .request = w->request };
	CLEANUP(mem_freep) char *line = str_printf("--socket %s %s", w->socket, words);
	pid_t pid = peer_listen(&peer, w->socket);

	run(w, line);
	peer_wait(pid);
}

static struct json *parse_output(const struct world *w)
{
	struct json *j;
	size_t len = w->out_len;

	assert_true(len > 0 && w->out[len - 1] == '\n');
	assert_int_equal(json_parse(w->out, len - 1, JSON_RECORD_MAX, &j, NULL), 0);
	assert_string_equal(json_get_string(j, "schema", ""), "hfttune/1");
	return j;
}

static void assert_json(const struct world *w, const char *verb, int status, const char *code)
{
	CLEANUP(json_freep) struct json *j = parse_output(w);

	assert_int_equal(w->status, status);
	assert_int_equal(w->err_len, 0);
	assert_string_equal(json_get_string(j, "verb", "?"), verb);
	assert_int_equal(json_get_int(j, "exit", -1), status);
	assert_string_equal(json_get_string(json_get(j, "error"), "code", ""), code);
}

#define STEP "\"profile\":\"demo\",\"phase\":\"base\",\"knob\":\"sysctl\",\"exact\":true,\"coupled\":false"
static const char *const plan_replies[] = {
	"{\"parameters\":{\"phases\":[{\"name\":\"base\",\"order\":1,\"risk\":\"low\",\"summary\":\"S\","
	"\"notes\":[\"N\"]}]},"
	"\"continues\":true}",
	"{\"parameters\":{\"progress\":{\"step\":1,\"steps\":2,\"object\":\"a\"},\"steps\":[{" STEP
	",\"object\":\"vm.swappiness\",\"before\":\"60\",\"after\":\"10\",\"state\":\"change\","
	"\"why\":\"be\\u001bcause\"}]},"
	"\"continues\":true}",
	"{\"parameters\":{\"steps\":[{" STEP ",\"object\":\"vm.none\",\"state\":\"not_applicable\",\"reason\":\"R\"}],"
	"\"summary\":{\"steps\":2,\"change\":1,\"not_applicable\":1,\"reboot_needed\":false}}}",
	NULL,
};

static void test_plan_text(void **state)
{
	struct world *w = *state;

	run_against(w, plan_replies, "plan demo --phase base");
	assert_int_equal(w->status, EXIT_DIFFERS);
	assert_int_equal(w->err_len, 0);
	assert_non_null(strstr(w->out, "phase base"));
	assert_non_null(strstr(w->out, "vm.swappiness"));
	assert_non_null(strstr(w->out, "be\\x1bcause")); /* escaped */
	assert_null(strchr(w->out, '\033'));              /* no colour: this is no terminal */
	CLEANUP(mem_freep) char *next = str_printf("hfttune --socket %s apply demo --phase base\n", w->socket);
	assert_non_null(strstr(w->out, next));
}

static void test_plan_json(void **state)
{
	struct world *w = *state;

	run_against(w, plan_replies, "--json plan demo");
	assert_json(w, "plan", EXIT_DIFFERS, "");
	CLEANUP(json_freep) struct json *j = parse_output(w);
	assert_int_equal(json_size(json_get(j, "steps")), 2);
	assert_int_equal(json_size(json_get(j, "phases")), 1);
	assert_null(json_get(j, "progress"));
	assert_null(json_get(j, "error"));
}

static void test_request_is_sent(void **state)
{
	struct world *w = *state;
	char request[256] = "";

	run_against(w, REPLIES("{\"parameters\":{\"profiles\":[]}}"), "profiles");
	FILE *f = fopen(w->request, "re");
	assert_non_null(f);
	assert_true(fread(request, 1, sizeof(request) - 1, f) > 0);
	fclose(f);
	assert_string_equal(request, "{\"method\":\"org.hfttune.Tuner.Profiles\",\"parameters\":{}}");
}

#define ERROR(name, code)                                                                                              \
	"{\"error\":\"org.hfttune.Tuner." name "\",\"parameters\":{\"code\":\"" code "\","                             \
	"\"subject\":\"vm.swappiness\",\"message\":\"M\",\"where\":\"p.conf:3\",\"wanted\":\"10\","                    \
	"\"found\":\"6\\u00070\",\"errno\":5,\"hint\":\"H\"}}"

static void test_error_text(void **state)
{
	struct world *w = *state;

	run_against(w, REPLIES(ERROR("NotInEffect", "not-in-effect")), "apply demo");
	assert_int_equal(w->status, EXIT_FAILED);
	assert_int_equal(w->out_len, 0);
	assert_string_equal(w->err, "hfttune: M\n"
	                            "  where   p.conf:3\n"
	                            "  object  vm.swappiness\n"
	                            "  wanted  10\n"
	                            "  found   6\\x070\n"
	                            "  errno   EIO (Input/output error)\n"
	                            "  next    H\n");
}

static void test_error_statuses(void **state)
{
	static const struct {
		const char *reply, *code;
		int status;
	} rows[] = {
		{ ERROR("InvalidProfile", "invalid-profile"), ERR_INVALID_PROFILE, EXIT_USAGE },
		{ ERROR("PermissionDenied", "permission-denied"), ERR_PERMISSION, EXIT_REFUSED },
		{ ERROR("Busy", "busy"), ERR_BUSY, EXIT_REFUSED },
		{ ERROR("WriteFailed", "write-failed"), ERR_WRITE_FAILED, EXIT_FAILED },
		{ ERROR("NotUndone", "not-undone"), ERR_NOT_UNDONE, EXIT_NOT_UNDONE },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		run_against(w, REPLIES(rows[i].reply), "--json apply demo");
		assert_json(w, "apply", rows[i].status, rows[i].code);
	}
}

static void test_no_daemon(void **state)
{
	struct world *w = *state;
	CLEANUP(mem_freep) char *line = str_printf("--socket %s/none status", w->directory);
	CLEANUP(mem_freep) char *json = str_printf("--json %s", line);

	run(w, line);
	assert_int_equal(w->status, EXIT_NO_DAEMON);
	assert_int_equal(w->out_len, 0);
	assert_non_null(strstr(w->err, "group hfttune"));
	run(w, json);
	assert_json(w, "status", EXIT_NO_DAEMON, ERR_NO_DAEMON);
}

static void test_usage(void **state)
{
	struct world *w = *state;

	run(w, "plam");
	assert_int_equal(w->status, EXIT_USAGE);
	assert_int_equal(w->out_len, 0);
	assert_non_null(strstr(w->err, "'plan'"));
	assert_non_null(strstr(w->err, "usage: hfttune "));
	run(w, "plam --json");
	assert_json(w, "", EXIT_USAGE, ERR_INVALID_ARGUMENT);
	run(w, "plan --json");
	assert_json(w, "plan", EXIT_USAGE, ERR_INVALID_ARGUMENT);
}

static void test_help_needs_nobody(void **state)
{
	struct world *w = *state;

	run(w, "--help");
	assert_int_equal(w->status, 0);
	for (size_t i = 0; i < n_verbs; i++)
		if (!verbs[i].hidden)
			assert_non_null(strstr(w->out, verbs[i].name));
	run(w, "plan --help");
	assert_int_equal(w->status, 0);
	assert_non_null(strstr(w->out, "--phase"));
	run(w, "plan --help --json");
	assert_json(w, "help", 0, "");
}

static void test_version(void **state)
{
	struct world *w = *state;
	CLEANUP(mem_freep) char *line = str_printf("--json --socket %s/none version", w->directory);

	run(w, line);
	assert_json(w, "version", 0, ""); /* nobody answers: still an answer */
	run_against(w, REPLIES("{\"parameters\":{\"version\":\"9.9\"}}"), "version");
	assert_int_equal(w->status, 0);
	assert_non_null(strstr(w->out, HFT_VERSION));
	assert_non_null(strstr(w->out, "9.9"));
	run(w, "--version");
	assert_int_equal(w->status, 0);
	assert_string_equal(w->out, "hfttune " HFT_VERSION "\n");
}

static void test_rollback_conflict(void **state)
{
	struct world *w = *state;

	run_against(w, REPLIES("{\"parameters\":{\"steps\":[{" STEP ",\"object\":\"vm.swappiness\",\"before\":\"60\","
	                       "\"after\":\"10\",\"state\":\"conflict\",\"reason\":\"now 33\"}],\"txn\":4,"
	                       "\"summary\":{\"steps\":1,\"conflict\":1,\"reboot_needed\":true}}}"),
	            "rollback --phase base");
	assert_int_equal(w->status, EXIT_REFUSED);
	assert_non_null(strstr(w->out, "vm.swappiness"));
	assert_non_null(strstr(w->out, "rollback --force --phase base"));
}

/* A reply that says nothing, or the wrong types, must not hurt. */
static void test_views_survive(void **state)
{
	static const char *const replies[] = {
		"{}",
		"{\"parameters\":{}}",
		"{\"parameters\":{\"steps\":7,\"layers\":\"x\",\"profiles\":{\"a\":1},\"rows\":[1,null,\"x\"],"
		"\"host\":[],"
		"\"summary\":[],\"transactions\":[{\"txn\":\"x\"}],\"phases\":[[]],\"unfinished\":1,\"profile\":3}}",
		"{\"parameters\":{\"steps\":[{},{},{}],\"layers\":[{}],\"profiles\":[{}],\"rows\":[{}],"
		"\"host\":{\"cpus\":[{}],"
		"\"nodes\":[{}],\"nics\":[{}],\"features\":[{}]},\"summary\":{},\"phases\":[{}],\"neither\":[1]}}",
	};
	static const char *const lines[] = { "profiles", "show x", "explain", "plan x", "apply x", "repair", "replay", "verify",
		                             "verify x", "status", "history 1", "rollback", "host", "version" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(replies); i++)
		for (size_t j = 0; j < ARRAY_LEN(lines); j++) {
			run_against(w, REPLIES(replies[i]), lines[j]);
			assert_int_equal(w->status, EXIT_DONE);
			assert_int_equal(w->err_len, 0);
		}
}

static void test_output_that_cannot_be_written(void **state)
{
	struct world *w = *state;
	const char *words[] = { "--help" };
	FILE *full = fopen("/dev/full", "we");

	free(w->err);
	FILE *errors = open_memstream(&w->err, &w->err_len);
	assert_int_equal(cli_run(1, words, full, errors), EXIT_FAILED);
	fclose(errors);
	fclose(full);
	assert_true(w->err_len > 0);
}

/* --- completion --------------------------------------------------------------------------------------------------- */

static void test_complete(void **state)
{
	static const char *const profiles[] = {
		"{\"parameters\":{\"profiles\":[{\"name\":\"demo\",\"phases\":[\"base\",\"power\"]},"
		"{\"name\":\"de\\u001b\"},"
		"{\"name\":\"other\"}]}}", NULL
	};
	struct world *w = *state;
	CLEANUP(mem_freep) char *profile = str_printf("complete -- --socket %s plan de", w->socket);
	CLEANUP(mem_freep) char *phase = str_printf("complete -- --socket %s plan demo --phase _", w->socket);
	struct peer peer = { .replies = profiles };

	run(w, "complete -- pl");
	assert_string_equal(w->out, "plan\n");
	run(w, "complete -- rollback --keep");
	assert_string_equal(w->out, "--keep-theirs\n");
	run(w, "complete -- --root _");
	assert_string_equal(w->out, ":dir\n");
	run(w, "complete -- --no-such-option pl");
	assert_int_equal(w->status, 0);
	pid_t pid = peer_listen(&peer, w->socket);
	run(w, profile);
	assert_string_equal(w->out, "demo\n");
	peer_wait(pid);
	pid = peer_listen(&peer, w->socket);
	run(w, phase);
	assert_string_equal(w->out, "base\npower\n");
	peer_wait(pid);
}

static void test_complete_without_a_daemon(void **state)
{
	struct world *w = *state;
	CLEANUP(mem_freep) char *line = str_printf("complete -- --socket %s/none plan x", w->directory);

	run(w, line);
	assert_int_equal(w->status, 0);
	assert_int_equal(w->out_len, 0);
	assert_int_equal(w->err_len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_text),
		cmocka_unit_test(test_plan_json),
		cmocka_unit_test(test_request_is_sent),
		cmocka_unit_test(test_error_text),
		cmocka_unit_test(test_error_statuses),
		cmocka_unit_test(test_no_daemon),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_help_needs_nobody),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_rollback_conflict),
		cmocka_unit_test(test_views_survive),
		cmocka_unit_test(test_output_that_cannot_be_written),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_complete_without_a_daemon),
	};

	unsetenv("COLUMNS");
	return cmocka_run_group_tests(tests, make_world, end_world);
}
