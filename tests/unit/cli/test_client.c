/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/client against a peer at the other end: streams, errors, lost connections, signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "cli/client.h"
#include "cli/options.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"
#include "tests/unit/cli/peer.h"

#define REPLIES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_REPLY ((const char *const[]){ NULL })

struct seen {
	int n;
	int64_t step, steps;
	char object[32];
};

static void see(void *data, int64_t step, int64_t steps, const char *object)
{
	struct seen *s = data;

	s->n++;
	s->step = step;
	s->steps = steps;
	snprintf(s->object, sizeof(s->object), "%s", object);
}

/* Call a peer that answers so. */
static int call_peer(const struct peer *peer, struct call *call, struct merged *ret, struct hft_err *err)
{
	pid_t pid;
	struct client c = CLIENT_NONE;

	c.fd = peer_pair(peer, &pid);
	call->method = "org.hfttune.Tuner.Test";
	int r = client_call(&c, call, ret, err);
	client_done(&c);
	peer_wait(pid);
	return r;
}

static void test_stream(void **state)
{
	const struct peer peer = { .replies = REPLIES(
		"{\"parameters\":{\"progress\":{\"step\":1,\"steps\":2,\"object\":\"a\"},\"steps\":[1]},"
		"\"continues\":true}",
		"{\"parameters\":{\"progress\":{\"step\":2,\"steps\":2,\"object\":\"b\"},\"steps\":[2]},"
		"\"continues\":true}",
		"{\"parameters\":{\"summary\":{\"steps\":2}}}") };
	CLEANUP(merged_done) struct merged m = { 0 };
	struct seen seen = { 0 };
	struct call call = { .more = true, .timeout_ms = -1, .progress = see, .data = &seen };
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(call_peer(&peer, &call, &m, &err), 0);
	CLEANUP(mem_freep) char *text = json_print(m.reply);
	assert_string_equal(text, "{\"steps\":[1,2],\"summary\":{\"steps\":2}}");
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.step, 2);
	assert_string_equal(seen.object, "b");
}

static void test_error_reply(void **state)
{
	const struct peer peer = { .replies = REPLIES(
		"{\"parameters\":{\"steps\":[1]},\"continues\":true}",
		"{\"error\":\"org.hfttune.Tuner.NotInEffect\",\"parameters\":{\"code\":\"not-in-effect\","
		"\"subject\":\"s\","
		"\"message\":\"m\",\"where\":\"f:1\",\"wanted\":\"1\",\"found\":\"2\",\"errno\":5,\"hint\":\"h\"}}") };
	CLEANUP(merged_done) struct merged m = { 0 };
	struct call call = { .more = true, .timeout_ms = -1 };
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(call_peer(&peer, &call, &m, &err), -EPROTO);
	assert_string_equal(err.code, ERR_NOT_IN_EFFECT);
	assert_string_equal(err.subject, "s");
	assert_string_equal(err.where, "f:1");
	assert_string_equal(err.wanted, "1");
	assert_string_equal(err.found, "2");
	assert_int_equal(err.sys, 5);
	assert_int_equal(json_size(json_get(m.reply, "steps")), 1); /* what came before is kept */
}

static void assert_fails(const struct peer *peer, bool changes, int r, const char *code)
{
	CLEANUP(merged_done) struct merged m = { 0 };
	struct call call = { .changes = changes, .timeout_ms = -1 };
	struct hft_err err = { 0 };

	assert_int_equal(call_peer(peer, &call, &m, &err), r);
	assert_string_equal(err.code, code);
}

static void test_lost(void **state)
{
	const struct peer peer = { .replies = NO_REPLY };
	(void)state;

	assert_fails(&peer, false, -ECONNRESET, ERR_PROTOCOL);
	assert_fails(&peer, true, -ECONNRESET, ERR_NOT_UNDONE); /* how far it came is not known */
}

static void test_nonsense(void **state)
{
	const struct peer no_json = { .replies = REPLIES("nonsense") };
	const struct peer empty = { .replies = REPLIES("") };
	const struct peer unasked = { .replies = REPLIES("{\"continues\":true}", "{}") };
	(void)state;

	assert_fails(&no_json, false, -EBADMSG, ERR_PROTOCOL);
	assert_fails(&empty, false, -EBADMSG, ERR_PROTOCOL);
	assert_fails(&unasked, false, -EBADMSG, ERR_PROTOCOL);
}

static void test_timeout(void **state)
{
	const struct peer peer = { .replies = NO_REPLY, .hold = true };
	CLEANUP(merged_done) struct merged m = { 0 };
	struct call call = { .timeout_ms = 20 };
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(call_peer(&peer, &call, &m, &err), -ETIMEDOUT);
	assert_string_equal(err.code, ERR_TIMEOUT);
}

/* The signal comes when the first reply has been read: from then on it can only end the waiting. */
static void interrupt(void *data, int64_t step, int64_t steps, const char *object)
{
	(void)data;
	(void)step;
	(void)steps;
	(void)object;
	kill(getpid(), SIGINT);
}

static void test_interrupt_detaches(void **state)
{
	const struct peer peer = {
		.replies = REPLIES("{\"parameters\":{\"progress\":{\"step\":1}},\"continues\":true}"), .hold = true
	};
	CLEANUP(merged_done) struct merged m = { 0 };
	struct call call = { .more = true, .changes = true, .timeout_ms = -1, .progress = interrupt };
	struct hft_err err = { 0 };
	(void)state;

	assert_int_equal(call_peer(&peer, &call, &m, &err), -EINTR);
	assert_int_equal(call.signal, SIGINT);
	assert_string_equal(err.code, ERR_TIMEOUT);
}

/* --- connecting --------------------------------------------------------------------------------------------------- */

static int open_socket(const char *path, struct hft_err *err)
{
	CLEANUP(options_done) struct options o = { 0 };
	CLEANUP(client_done) struct client c = CLIENT_NONE;
	const char *words[] = { "--socket", path, "status" };

	assert_int_equal(options_parse(&o, 3, words, err), 0);
	return client_open(&c, &o, err);
}

static void test_no_daemon(void **state)
{
	struct hft_err err = { 0 };
	char longer[200];
	(void)state;

	assert_int_equal(open_socket("/nonexistent/socket", &err), -ENOENT);
	assert_string_equal(err.code, ERR_NO_DAEMON);
	assert_string_equal(err.subject, "/nonexistent/socket");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(open_socket(longer, &err), -ENAMETOOLONG);
	assert_string_equal(err.code, ERR_INVALID_ARGUMENT);
}

static void test_nobody_listens(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char directory[] = "/tmp/hfttune-test-XXXXXX";
	struct hft_err err = { 0 };
	(void)state;

	assert_non_null(mkdtemp(directory));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(open_socket(address.sun_path, &err), -ECONNREFUSED);
	assert_string_equal(err.code, ERR_NO_DAEMON);

	if (geteuid() != 0) { /* root may connect to anything */
		assert_int_equal(chmod(address.sun_path, 0), 0);
		assert_int_equal(open_socket(address.sun_path, &err), -EACCES);
		assert_string_equal(err.code, ERR_PERMISSION);
		assert_non_null(strstr(err.hint, "hfttune"));
	}
	unlink(address.sun_path);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_error_reply),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_interrupt_detaches),
		cmocka_unit_test(test_no_daemon),
		cmocka_unit_test(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
