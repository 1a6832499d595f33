/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/engine/objects: finding by knob and key, through growth and clashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/objects.h"
#include "daemon/knobs/knob.h"

#define N 5000

struct element {
	struct object_ref ref;
	size_t number; /* makes the elements larger than their ref */
};

/* Only their addresses matter. */
static const struct knob knob_a = {.name = "a"}, knob_b = {.name = "b"};

static void assert_found(const struct object_index *x, const struct element *e, const struct knob *k, const char *key,
                         long number)
{
	assert_int_equal(object_index_find(x, e, sizeof(*e), k, key), number);
}

static void test_an_empty_index_finds_nothing(void **state)
{
	struct object_index x = {0};
	struct element e = {0};

	(void)state;
	assert_found(&x, &e, &knob_a, "vm.swappiness", -1);
	object_index_reset(&x);
	object_index_done(&x);
}

static void test_the_knob_is_part_of_the_name(void **state)
{
	struct object_index x = {0};
	char key[] = "key";
	struct element e[2] = {{.ref = {&knob_a, key}}, {.ref = {&knob_b, key}}};

	(void)state;
	assert_int_equal(object_index_add(&x, e, sizeof(*e), 0), 0);
	assert_found(&x, e, &knob_a, "key", 0);
	assert_found(&x, e, &knob_b, "key", -1);
	assert_int_equal(object_index_add(&x, e, sizeof(*e), 1), 0);
	assert_found(&x, e, &knob_b, "key", 1);
	assert_found(&x, e, &knob_a, "kez", -1);
	assert_found(&x, e, &knob_a, "", -1);
	object_index_done(&x);
}

static struct element *many(void)
{
	struct element *e = calloc(N, sizeof(*e));

	assert_non_null(e);
	for (size_t i = 0; i < N; i++) {
		e[i].ref.knob = i % 2 ? &knob_a : &knob_b;
		assert_true(asprintf(&e[i].ref.key, "object %zu", i / 2) > 0);
	}
	return e;
}

static void many_done(struct element *e)
{
	for (size_t i = 0; i < N; i++)
		free(e[i].ref.key);
	free(e);
}

static void test_thousands_are_found_through_growth(void **state)
{
	struct object_index x = {0};
	struct element *e = many();

	(void)state;
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(object_index_add(&x, e, sizeof(*e), i), 0);
		assert_found(&x, e, e[i / 3].ref.knob, e[i / 3].ref.key, (long)(i / 3));
	}
	for (size_t i = 0; i < N; i++)
		assert_found(&x, e, e[i].ref.knob, e[i].ref.key, (long)i);
	assert_found(&x, e, &knob_a, "object 999999", -1);
	assert_true(x.n_slots > x.n_used);
	object_index_done(&x);
	many_done(e);
}

static void test_reset_forgets_and_keeps_the_memory(void **state)
{
	struct object_index x = {0};
	struct element *e = many();

	(void)state;
	for (size_t i = 0; i < N; i++)
		assert_int_equal(object_index_add(&x, e, sizeof(*e), i), 0);
	const uint32_t *slots = x.slots;
	object_index_reset(&x);
	assert_found(&x, e, e[7].ref.knob, e[7].ref.key, -1);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(object_index_add(&x, e, sizeof(*e), i), 0);
	assert_ptr_equal(x.slots, slots);
	assert_found(&x, e, e[7].ref.knob, e[7].ref.key, 7);
	object_index_done(&x);
	assert_null(x.slots);
	many_done(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_index_finds_nothing),
		cmocka_unit_test(test_the_knob_is_part_of_the_name),
		cmocka_unit_test(test_thousands_are_found_through_growth),
		cmocka_unit_test(test_reset_forgets_and_keeps_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
