/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/proto/schema: the generated tables, and what each kind refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include <cmocka.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/proto/schema.h"

/* A struct with one member of each kind. */
static const struct schema_type basic[] = {
	[SCHEMA_BOOL] = { .kind = SCHEMA_BOOL },     [SCHEMA_INT] = { .kind = SCHEMA_INT },
	[SCHEMA_FLOAT] = { .kind = SCHEMA_FLOAT },   [SCHEMA_STRING] = { .kind = SCHEMA_STRING },
	[SCHEMA_OBJECT] = { .kind = SCHEMA_OBJECT },
};
static const char *const words[] = { "red", "green", NULL };
static const struct schema_type word_type = { .kind = SCHEMA_ENUM, .words = words };
static const struct schema_field inner_fields[] = {
	{ "x", &basic[SCHEMA_INT], false },
	{ NULL, NULL, false },
};
static const struct schema_type inner = { .kind = SCHEMA_STRUCT, .fields = inner_fields };
static const struct schema_type list = { .kind = SCHEMA_ARRAY, .element = &inner };
static const struct schema_type map = { .kind = SCHEMA_MAP, .element = &basic[SCHEMA_STRING] };
static const struct schema_field outer_fields[] = {
	{ "bool", &basic[SCHEMA_BOOL], true },     { "int", &basic[SCHEMA_INT], true },
	{ "float", &basic[SCHEMA_FLOAT], true },   { "string", &basic[SCHEMA_STRING], true },
	{ "object", &basic[SCHEMA_OBJECT], true }, { "word", &word_type, true },
	{ "struct", &inner, true },                { "list", &list, true },
	{ "map", &map, true },                     { NULL, NULL, false },
};
static const struct schema_type outer = { .kind = SCHEMA_STRUCT, .fields = outer_fields };

static int check(const struct schema_type *type, const char *text, struct hft_err *err)
{
	CLEANUP(json_freep) struct json *j = NULL;

	assert_int_equal(json_parse(text, strlen(text), JSON_REQUEST_MAX, &j, NULL), 0);
	int r = schema_check(type, j, err);
	assert_int_equal(schema_check(type, j, NULL), r);
	return r;
}

static void accepts(const struct schema_type *type, const char *text)
{
	struct hft_err err = { 0 };

	if (check(type, text, &err) != 0)
		fail_msg("%s: %s", text, err.msg);
}

static void refuses(const struct schema_type *type, const char *text, const char *subject)
{
	struct hft_err err = { 0 };

	if (check(type, text, &err) != -EINVAL)
		fail_msg("taken: %s", text);
	assert_string_equal(err.code, ERR_INVALID_ARGUMENT);
	assert_int_equal(err.sys, EINVAL);
	assert_string_equal(err.subject, subject);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *member, *good, *bad;
	} cases[] = {
		{ "bool", "true", "1" },
		{ "bool", "false", "\"true\"" },
		{ "int", "-3", "1.5" },
		{ "int", "0", "\"1\"" },
		{ "int", "0", "true" },
		{ "float", "1.5", "\"1.5\"" },
		{ "float", "1", "{}" },
		{ "string", "\"x\"", "1" },
		{ "string", "\"\"", "[\"x\"]" },
		{ "object", "{\"any\":[1]}", "[]" },
		{ "object", "{}", "\"x\"" },
		{ "word", "\"green\"", "\"blue\"" },
		{ "word", "\"red\"", "\"Red\"" },
		{ "word", "\"red\"", "\"\"" },
		{ "word", "\"red\"", "0" },
		{ "struct", "{\"x\":1}", "[1]" },
		{ "list", "[]", "{}" },
		{ "list", "[{\"x\":1},{\"x\":2}]", "\"x\"" },
		{ "map", "{}", "[]" },
		{ "map", "{\"k\":\"v\"}", "\"k=v\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(mem_freep) char *good = str_printf("{\"%s\":%s}", cases[i].member, cases[i].good);
		CLEANUP(mem_freep) char *bad = str_printf("{\"%s\":%s}", cases[i].member, cases[i].bad);
		CLEANUP(mem_freep) char *null = str_printf("{\"%s\":null}", cases[i].member);
		accepts(&outer, good);
		accepts(&outer, null);
		refuses(&outer, bad, cases[i].member);
	}
}

static void test_paths(void **state)
{
	(void)state;
	refuses(&outer, "{\"struct\":{}}", "struct.x");
	refuses(&outer, "{\"struct\":{\"x\":null}}", "struct.x");
	refuses(&outer, "{\"struct\":{\"x\":\"1\"}}", "struct.x");
	refuses(&outer, "{\"struct\":{\"x\":1,\"y\":2}}", "struct.y");
	refuses(&outer, "{\"list\":[{\"x\":1},{\"x\":true}]}", "list[1].x");
	refuses(&outer, "{\"list\":[{\"x\":1},{\"x\":1},3]}", "list[2]");
	refuses(&outer, "{\"list\":[null]}", "list[0]");
	refuses(&outer, "{\"map\":{\"trading\":\"4\",\"other\":4}}", "map.other");
	refuses(&outer, "{\"unknown\":1}", "unknown");
	refuses(&outer, "{\"String\":\"x\"}", "String");
	refuses(&outer, "[]", "parameters");
	refuses(&outer, "null", "parameters");
	refuses(&outer, "\"x\"", "parameters");
	refuses(&outer, "{\"\":1}", "parameters");
}

/* A name of any length comes from outside; the subject takes what fits. */
static void test_long_name(void **state)
{
	CLEANUP(json_freep) struct json *j = json_new_object();
	char name[4000];
	struct hft_err err;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(json_put_string(j, name, "x"), 0);
	assert_int_equal(schema_check(&outer, j, &err), -EINVAL);
	assert_true(strlen(err.subject) == sizeof(err.subject) - 1);
}

static void test_nothing_given(void **state)
{
	struct hft_err err;

	(void)state;
	assert_int_equal(schema_check(&outer, NULL, &err), 0);
	assert_int_equal(schema_check(&inner, NULL, &err), -EINVAL);
	assert_string_equal(err.subject, "x");
}

static void test_find(void **state)
{
	static const struct {
		const char *name;
		int r;
		const struct schema_interface *interface;
	} cases[] = {
		{ "org.hfttune.Tuner.Plan", 0, &schema_tuner },
		{ "org.varlink.service.GetInfo", 0, &schema_service },
		{ "org.hfttune.Tuner.Pla", -ESRCH, &schema_tuner },
		{ "org.hfttune.Tuner.Planx", -ESRCH, &schema_tuner },
		{ "org.hfttune.Tuner.plan", -ESRCH, &schema_tuner },
		{ "org.hfttune.Tuner.", -ESRCH, &schema_tuner },
		{ "org.hfttune.Tuner", -ENOENT, NULL },
		{ "org.hfttune.Tuner.GetInfo", -ESRCH, &schema_tuner },
		{ "org.hfttune.Tunerx.Plan", -ENOENT, NULL },
		{ "org.hfttune.Tune.Plan", -ENOENT, NULL },
		{ "org.hfttune.Tuner.Plan.Plan", -ENOENT, NULL },
		{ ".Plan", -ENOENT, NULL },
		{ "Plan", -ENOENT, NULL },
		{ "", -ENOENT, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct schema_interface *interface = &schema_tuner;
		const struct schema_method *method = schema_tuner.methods;
		assert_int_equal(schema_find(cases[i].name, &interface, &method), cases[i].r);
		assert_ptr_equal(interface, cases[i].interface);
		if (cases[i].r == 0)
			assert_string_equal(method->name, strrchr(cases[i].name, '.') + 1);
		else
			assert_null(method);
	}
}

static const struct schema_type *input_of(const char *qualified)
{
	const struct schema_interface *interface;
	const struct schema_method *method;

	assert_int_equal(schema_find(qualified, &interface, &method), 0);
	return method->in;
}

/* The generated tables say what the interface file says. */
static void test_tuner(void **state)
{
	const struct schema_type *plan = input_of("org.hfttune.Tuner.Plan");

	(void)state;
	accepts(plan, "{\"profile\":\"x\"}");
	accepts(plan, "{\"profile\":\"x\",\"phases\":[\"a\",\"b\"],\"set\":{\"cpus.trading\":\"4\"},\"switch\":true}");
	accepts(plan, "{\"profile\":\"x\",\"phases\":null,\"set\":null,\"switch\":null}");
	refuses(plan, "{}", "profile");
	refuses(plan, "{\"profile\":null}", "profile");
	refuses(plan, "{\"profile\":\"x\",\"set\":{\"trading\":4}}", "set.trading");
	refuses(plan, "{\"profile\":\"x\",\"phases\":[\"a\",1]}", "phases[1]");
	refuses(plan, "{\"profile\":\"x\",\"keep\":true}", "keep");
	refuses(input_of("org.hfttune.Tuner.Rollback"), "{\"to\":\"3\"}", "to");
	refuses(input_of("org.varlink.service.GetInfo"), "{\"x\":1}", "x");
	refuses(input_of("org.varlink.service.GetInterfaceDescription"), "{}", "interface");
}

static void test_tuner_out(void **state)
{
	const struct schema_interface *interface;
	const struct schema_method *plan;
	static const char step[] = "{\"steps\":[{\"profile\":\"p\",\"phase\":\"a\",\"knob\":\"k\",\"object\":\"o\","
	                           "\"state\":\"%s\",\"exact\":true,\"coupled\":false}]}";

	(void)state;
	assert_int_equal(schema_find("org.hfttune.Tuner.Plan", &interface, &plan), 0);
	CLEANUP(strbuf_done) struct strbuf good = { 0 }, bad = { 0 };
	const char *split = strstr(step, "%s");
	strbuf_addn(&good, step, (size_t)(split - step));
	strbuf_addn(&bad, good.s, good.len);
	strbuf_add(&good, "drift");
	strbuf_add(&bad, "fine");
	strbuf_add(&good, split + 2);
	strbuf_add(&bad, split + 2);
	accepts(plan->out, good.s);
	refuses(plan->out, bad.s, "steps[0].state");
	accepts(plan->out, "{}");
}

static void test_tables(void **state)
{
	size_t n = 0;

	(void)state;
	for (const struct schema_method *m = schema_tuner.methods; m->name != NULL; m++) {
		CLEANUP(mem_freep) char *text = str_printf("\nmethod %s(", m->name);
		assert_non_null(strstr(schema_tuner.description, text));
		assert_int_equal(m->in->kind, SCHEMA_STRUCT);
		assert_int_equal(m->out->kind, SCHEMA_STRUCT);
		n++;
	}
	for (const char *at = schema_tuner.description; (at = strstr(at, "\nmethod ")) != NULL; at++)
		n--;
	assert_int_equal(n, 0);
	assert_string_equal(schema_tuner.name, "org.hfttune.Tuner");
	assert_string_equal(schema_service.name, "org.varlink.service");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_nothing_given),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_tuner),
		cmocka_unit_test(test_tuner_out),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
