/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/request: parameters as the .varlink file wants them, exit statuses as the manual page promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/request.h"
#include "cli/verbs.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"
#include "lib/proto/codes.h"
#include "lib/proto/schema.h"

static void assert_request(const char *line, const char *wanted)
{
	CLEANUP(options_done) struct options o = { 0 };
	CLEANUP(strlist_done) struct strlist words = { 0 };
	struct hft_err err = { 0 };

	assert_int_equal(strlist_split(&words, line, " "), 0);
	assert_int_equal(options_parse(&o, words.n, (const char *const *)words.s, &err), 0);
	assert_int_equal(options_check(&o, &err), 0);
	CLEANUP(json_freep) struct json *p = o.verb->request != NULL ? o.verb->request(&o) : json_new_object();
	CLEANUP(mem_freep) char *text = json_print(p);
	assert_string_equal(text, wanted);

	CLEANUP(mem_freep) char *method = str_printf("org.hfttune.Tuner.%s", o.verb->method);
	const struct schema_interface *interface;
	const struct schema_method *m;
	assert_int_equal(schema_find(method, &interface, &m), 0);
	assert_int_equal(schema_check(m->in, p, &err), 0); /* the daemon will take it */
}

static void test_requests(void **state)
{
	(void)state;
	assert_request("profiles", "{}");
	assert_request("show demo --set a=1", "{\"profile\":\"demo\",\"set\":{\"a\":\"1\"}}");
	assert_request("explain", "{}");
	assert_request("explain vm.swappiness", "{\"subject\":\"vm.swappiness\"}");
	assert_request("plan demo", "{\"profile\":\"demo\"}");
	assert_request("plan demo --switch --phase a --phase b --set cpus.x=1-2 --set variables.y=",
	               "{\"profile\":\"demo\",\"phases\":[\"a\",\"b\"],"
	               "\"set\":{\"cpus.x\":\"1-2\",\"variables.y\":\"\"},\"switch\":true}");
	assert_request("apply demo --keep", "{\"profile\":\"demo\",\"keep\":true}");
	assert_request("repair", "{}");
	assert_request("verify", "{}");
	assert_request("verify demo --phase a", "{\"profile\":\"demo\",\"phases\":[\"a\"]}");
	assert_request("status", "{}");
	assert_request("history", "{}");
	assert_request("history 12", "{\"txn\":12}");
	assert_request("rollback", "{}");
	assert_request("rollback --phase demo/a --force", "{\"phases\":[\"demo/a\"],\"force\":true}");
	assert_request("rollback --profile demo --keep-theirs", "{\"profile\":\"demo\",\"keep_theirs\":true}");
	assert_request("rollback --to 3", "{\"to\":3}");
	assert_request("rollback --all", "{\"all\":true}");
	assert_request("host", "{}");
}

static void assert_status(int (*status)(const struct json *), const char *summary, int wanted)
{
	CLEANUP(mem_freep) char *text = str_printf("{\"summary\":{%s}}", summary);
	CLEANUP(json_freep) struct json *reply = NULL;

	assert_int_equal(json_parse(text, strlen(text), JSON_RECORD_MAX, &reply, NULL), 0);
	assert_int_equal(status(reply), wanted);
}

static void test_statuses(void **state)
{
	(void)state;
	assert_status(status_plan, "\"steps\":4,\"ok\":2,\"pending\":1,\"not_applicable\":1,"
	               "\"reboot_needed\":true", EXIT_DONE);
	assert_status(status_plan, "\"change\":1", EXIT_DIFFERS);
	assert_status(status_plan, "\"drift\":1", EXIT_DIFFERS);
	assert_status(status_plan, "\"restored\":1", EXIT_DIFFERS); /* --switch takes something out */
	assert_status(status_verify, "\"pending\":3,\"ok\":1,\"reboot_needed\":false", EXIT_DONE);
	assert_status(status_verify, "\"pending\":3,\"reboot_needed\":true", EXIT_REBOOT);
	assert_status(status_verify, "\"drift\":3,\"reboot_needed\":true", EXIT_DIFFERS);
	assert_status(status_verify, "\"drift\":1", EXIT_DIFFERS);
	assert_status(status_verify, "\"change\":1", EXIT_DIFFERS);
	assert_status(status_change, "\"change\":9,\"reboot_needed\":false", EXIT_DONE);
	assert_status(status_change, "\"reboot_needed\":true", EXIT_REBOOT);
	assert_status(status_change, "\"reboot_needed\":true,\"conflict\":1", EXIT_REFUSED);
	assert_status(status_change, "\"conflict\":1,\"failed\":1", EXIT_FAILED);
	assert_int_equal(status_plan(NULL), EXIT_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
