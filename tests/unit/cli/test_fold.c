/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/fold: keys that differ in one number become one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/fold.h"
#include "lib/base/mem.h"

/* Fold the keys as far as it goes; n must be what went in. */
static void assert_folded(const char *const *keys, size_t n, const char *wanted)
{
	CLEANUP(fold_done) struct fold f = { 0 };
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	size_t i = 1;

	fold_begin(&f, keys[0]);
	while (keys[i] != NULL && fold_add(&f, keys[i]))
		i++;
	assert_int_equal(i, n);
	assert_int_equal(f.n, n);
	fold_format(&f, &b);
	assert_string_equal(strbuf_str(&b), wanted);
}

#define KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_folds(void **state)
{
	(void)state;
	assert_folded(KEYS("vm.swappiness"), 1, "vm.swappiness");
	assert_folded(KEYS("policy0 governor", "policy1 governor", "policy2 governor"), 3, "policy{0-2} governor");
	assert_folded(KEYS("cpu9", "cpu10", "cpu12", "cpu13"), 4, "cpu{9-10,12-13}");
	assert_folded(KEYS("pci-0000:41:00.0 msi-1", "pci-0000:41:00.0 msi-2"), 2, "pci-0000:41:00.0 msi-{1-2}");
}

static void test_stops(void **state)
{
	(void)state;
	assert_folded(KEYS("policy0 governor", "policy1 boost"), 1, "policy0 governor");
	assert_folded(KEYS("a1", "a2", "b3"), 2, "a{1-2}");
	assert_folded(KEYS("cpu1", "cpu1"), 1, "cpu1");                 /* the same twice is not a range */
	assert_folded(KEYS("cpu2", "cpu1"), 1, "cpu2");                 /* order is kept */
	assert_folded(KEYS("node0 hp1", "node1 hp2"), 1, "node0 hp1");  /* two numbers differ */
	assert_folded(KEYS("0000:00:03.0", "0000:00:04.0"), 1, "0000:00:03.0"); /* a PCI address is no number */
	assert_folded(KEYS("cpu1", "cpu"), 1, "cpu1");
	assert_folded(KEYS("a", "b"), 1, "a");
	assert_folded(KEYS("", "1"), 1, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folds),
		cmocka_unit_test(test_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
