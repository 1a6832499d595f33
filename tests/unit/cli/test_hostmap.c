/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/hostmap on hand-built hosts of 8, 128 and 512 CPUs: what is where, and that it fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/out.h"
#include "cli/views.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

/* A host of two threads per core: CPU n and n + n_cpus/2. */
struct shape {
	int n_cpus, n_packages, cores_per_l3;
	int isolated_from; /* first isolated core */
};

static void add_cpu(struct strbuf *b, const struct shape *s, int cpu)
{
	int cores = s->n_cpus / 2, core = cpu % cores, package = core * s->n_packages / cores;
	bool isolated = core >= s->isolated_from;

	strbuf_addf(b,
	            "%s{\"cpu\":%d,\"online\":%s,\"package\":%d,\"core\":%d,\"node\":%d,\"l3\":%d,"
	            "\"siblings\":\"%d,%d\",\"isolated\":%s,\"nohz_full\":%s}",
	            cpu > 0 ? "," : "", cpu, cpu == s->n_cpus - 1 ? "false" : "true", package, core, package,
	            core / s->cores_per_l3, core, core + cores, isolated ? "true" : "false",
	            isolated && core % 2 == 0 ? "true" : "false");
}

static struct json *build(const struct shape *s)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	struct json *reply;

	strbuf_add(&b, "{\"host\":{\"kernel\":\"6.12\",\"vendor\":\"V\",\"model\":\"M\",\"virtual\":false,"
	               "\"online\":\"0-6\",\"isolated\":\"2-3\",\"nohz_full\":\"\",\"housekeeping\":\"0-1\","
	               "\"cpus\":[");
	for (int cpu = 0; cpu < s->n_cpus; cpu++)
		add_cpu(&b, s, cpu);
	strbuf_add(&b, "],\"nodes\":[");
	for (int node = 0; node < s->n_packages; node++)
		strbuf_addf(&b, "%s{\"node\":%d,\"cpus\":\"0\",\"distances\":[10,21],\"memory_kib\":1048576,"
		               "\"free_kib\":0}",
		            node > 0 ? "," : "", node);
	strbuf_add(&b, "],\"nics\":["
	               "{\"name\":\"eth0\",\"driver\":\"drv\",\"device\":\"0000:41:00.0\",\"node\":0,\"rx_queues\":2,"
	               "\"tx_queues\":2,\"interrupts\":3,\"local_cpus\":\"0\"},"
	               "{\"name\":\"lo\",\"driver\":\"\",\"device\":\"\",\"node\":-1,\"rx_queues\":1,\"tx_queues\":1,"
	               "\"interrupts\":0,\"local_cpus\":\"\"}],"
	               "\"interrupts\":[{\"key\":\"pci-0000:41:00.0 msi-1\",\"effective\":\"2\"},"
	               "{\"key\":\"pci-0000:41:00.1 msi-1\",\"effective\":\"5\"}],"
	               "\"features\":[{\"name\":\"thp\",\"present\":true,\"note\":\"\"},"
	               "{\"name\":\"resctrl\",\"present\":false,\"note\":\"no cache partitions\"}]}}");
	assert_false(b.oom);
	assert_int_equal(json_parse(b.s, b.len, JSON_RECORD_MAX, &reply, NULL), 0);
	return reply;
}

static void print(const struct shape *s, struct text *t)
{
	CLEANUP(json_freep) struct json *reply = build(s);
	struct result r = { .reply = reply };

	view_host(t, &r);
	assert_false(t->b.oom);
}

static void assert_has(const struct text *t, const char *piece)
{
	assert_non_null(strstr(strbuf_str(&t->b), piece));
}

static void test_small(void **state)
{
	static const struct shape shape = { 8, 1, 2, 2 };
	CLEANUP(text_done) struct text t = { .width = 80 };
	(void)state;

	print(&shape, &t);
	assert_has(&t, "package 0  node 0\n");
	assert_has(&t, "4 cores, CPUs 0-7\n");
	assert_has(&t, "  L3 0  0/4    1/5\n");
	assert_has(&t, "  L3 1  2/6in  3i/7x\n"); /* marks of their own where siblings disagree */
	assert_has(&t, "offline");
	assert_has(&t, "resctrl");
	assert_has(&t, "no cache partitions");
}

static void test_network_devices(void **state)
{
	static const struct shape shape = { 8, 1, 2, 2 };
	CLEANUP(text_done) struct text t = { .width = 200 };
	(void)state;

	print(&shape, &t);
	const char *eth = strstr(strbuf_str(&t.b), "eth0");
	assert_non_null(eth);
	assert_true(eth < strstr(strbuf_str(&t.b), "L3 0")); /* beneath its node */
	assert_non_null(strstr(eth, "3 interrupts on CPUs 2 (isolated"));
	assert_true(strstr(strbuf_str(&t.b), " lo ") > strstr(strbuf_str(&t.b), "of no node"));
}

/* Every core once, no line beyond the width. */
static void assert_complete(const struct shape *shape, size_t width)
{
	CLEANUP(text_done) struct text t = { .width = width };
	CLEANUP(strlist_done) struct strlist lines = { 0 };
	CLEANUP(strlist_done) struct strlist words = { 0 };
	size_t cores = 0;

	print(shape, &t);
	assert_int_equal(strlist_split(&lines, strbuf_str(&t.b), "\n"), 0);
	for (size_t i = 0; i < lines.n; i++)
		assert_true(strlen(lines.s[i]) <= width);
	assert_int_equal(strlist_split(&words, strbuf_str(&t.b), " \n"), 0);
	for (size_t i = 0; i < words.n; i++)
		cores += strchr(words.s[i], '/') != NULL && strspn(words.s[i], "0123456789") > 0;
	assert_int_equal(cores, shape->n_cpus / 2);
}

static void test_fits(void **state)
{
	static const struct shape shapes[] = { { 8, 1, 2, 2 }, { 128, 2, 8, 4 }, { 512, 2, 8, 8 }, { 512, 2, 128, 8 } };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		assert_complete(&shapes[i], 80);
		assert_complete(&shapes[i], 200);
	}
}

static void test_lines_of_a_group_are_even(void **state)
{
	static const struct shape shape = { 512, 2, 8, 8 };
	CLEANUP(text_done) struct text t = { .width = 80 };
	(void)state;

	print(&shape, &t);
	assert_has(&t, "3/259\n"); /* four and four, where six would fit */
	assert_has(&t, "7/263\n");
}

static void test_nothing_known(void **state)
{
	static const char text[] = "{\"host\":{\"cpus\":[{\"cpu\":0},{\"cpu\":1,\"siblings\":\"junk\"}],\"nodes\":[]}}";
	CLEANUP(json_freep) struct json *reply = NULL;
	CLEANUP(text_done) struct text t = { .width = 80 };
	(void)state;

	assert_int_equal(json_parse(text, strlen(text), JSON_RECORD_MAX, &reply, NULL), 0);
	view_host(&t, &(struct result){ .reply = reply });
	assert_has(&t, "package unknown");
	assert_has(&t, "L3 ?");
	strbuf_reset(&t.b);
	view_host(&t, &(struct result){ .reply = NULL });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_network_devices),
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_lines_of_a_group_are_even),
		cmocka_unit_test(test_nothing_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
