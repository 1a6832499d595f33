/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/engine/state: stacks of layers, originals, and the JSON form that the journal keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/state.h"
#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

#define BOOT "boot-1"
#define MANY 300

struct fixture {
	struct state s;
	const struct knob *k, *other;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->k = knob_find("sysctl");
	f->other = knob_find("irq");
	assert_non_null(f->k);
	assert_non_null(f->other);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	state_done(&f->s);
	free(f);
	return 0;
}

/* A layer with one setting and one entry for each of the keys "A", "B", ... ; the value is the phase's name. */
static struct layer *layer_with(const struct knob *k, const char *profile, const char *phase, int64_t order,
                                const char *keys)
{
	struct layer *l = layer_new(profile, phase, BOOT);

	assert_non_null(l);
	l->order = order;
	l->risk = strdup("low");
	l->summary = strdup("");
	for (; *keys; keys++) {
		char key[] = {*keys, '\0'}, value[32];
		size_t at;

		snprintf(value, sizeof(value), "%s", phase);
		assert_int_equal(layer_add_setting(l, &(struct layer_setting){
		                                              .knob = value,
		                                              .selector = value,
		                                              .option = key,
		                                              .value = value,
		                                      }, &at), 0);
		assert_int_equal(layer_add_entry(l, &(struct layer_entry){
		                                            .ref = {k, key},
		                                            .value = value,
		                                            .setting = at,
		                                    }), 0);
	}
	return l;
}

static void push(struct fixture *f, const char *profile, const char *phase, int64_t order, const char *keys)
{
	assert_int_equal(state_put_layer(&f->s, layer_with(f->k, profile, phase, order, keys)), 0);
}

static void assert_stack(const struct state *s, const char *wanted)
{
	char text[512] = "";
	size_t n = 0;

	for (size_t i = 0; i < s->n_layers; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s/%s", i ? " " : "", s->layers[i]->profile,
		                      s->layers[i]->phase);
	assert_string_equal(text, wanted);
}

/* The value that the topmost entry in force wants, or "-". */
static const char *top(const struct fixture *f, const char *boot, const char *key)
{
	const struct layer *l = NULL;
	const struct layer_entry *e = state_top(&f->s, boot, f->k, key, &l);

	if (!e)
		return "-";
	assert_string_equal(l->phase, e->value);
	return e->value;
}

/* --- stacking ----------------------------------------------------------------------------------------------------- */

static void test_phases_of_a_profile_stack_by_order_whatever_came_first(void **state)
{
	struct fixture *f = *state;

	push(f, "one", "c", 3, "A");
	push(f, "one", "a", 1, "A");
	push(f, "one", "b", 2, "A");
	assert_stack(&f->s, "one/a one/b one/c");
	push(f, "one", "b2", 2, "A");
	assert_stack(&f->s, "one/a one/b one/b2 one/c");
	assert_string_equal(top(f, BOOT, "A"), "c");
}

static void test_another_profile_goes_on_top_whatever_its_order(void **state)
{
	struct fixture *f = *state;

	push(f, "one", "a", 5, "A");
	push(f, "two", "x", 1, "A");
	push(f, "one", "b", 6, "B");
	assert_stack(&f->s, "one/a two/x one/b");
	push(f, "one", "0", 0, "A");
	assert_stack(&f->s, "one/0 one/a two/x one/b");
	assert_string_equal(top(f, BOOT, "A"), "x");
}

static void test_the_same_phase_is_replaced_where_it_stands(void **state)
{
	struct fixture *f = *state;

	push(f, "one", "a", 1, "AB");
	push(f, "two", "a", 1, "A");
	push(f, "one", "a", 9, "B");
	assert_stack(&f->s, "one/a two/a");
	assert_int_equal(f->s.layers[0]->order, 9);
	assert_null(layer_entry(f->s.layers[0], f->k, "A"));
	assert_non_null(layer_entry(f->s.layers[0], f->k, "B"));
}

static void test_a_layer_is_found_by_profile_and_phase(void **state)
{
	struct fixture *f = *state;

	push(f, "one", "a", 1, "A");
	push(f, "two", "a", 1, "A");
	assert_ptr_equal(state_layer(&f->s, "two", "a"), f->s.layers[1]);
	assert_null(state_layer(&f->s, "two", "b"));
	assert_null(state_layer(&f->s, "three", "a"));
	state_remove_layer(&f->s, 0);
	assert_stack(&f->s, "two/a");
}

static void test_the_top_entry_is_the_highest_that_holds_anything(void **state)
{
	struct fixture *f = *state;

	push(f, "one", "a", 1, "A");
	push(f, "one", "b", 2, "AB");
	push(f, "one", "c", 3, "AB");
	layer_entry(f->s.layers[2], f->k, "A")->na = strdup("lacks");
	layer_entry(f->s.layers[2], f->k, "B")->residue = true;
	assert_string_equal(top(f, BOOT, "A"), "b");
	assert_string_equal(top(f, BOOT, "B"), "b");
	assert_string_equal(top(f, BOOT, "C"), "-");
	assert_string_equal(top(f, "boot-2", "A"), "-");
	assert_null(state_top(&f->s, BOOT, f->other, "A", NULL));
	assert_true(state_has_residue(&f->s, f->k, "B"));
	assert_false(state_has_residue(&f->s, f->k, "A"));
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static void test_the_later_line_of_a_phase_wins(void **state)
{
	struct fixture *f = *state;
	char key[] = "A", value[] = "later";

	push(f, "one", "a", 1, "AB");
	struct layer *l = f->s.layers[0];
	assert_int_equal(layer_add_entry(l, &(struct layer_entry){.ref = {f->k, key}, .value = value, .setting = 1}), 0);
	assert_int_equal(l->n_entries, 2);
	assert_string_equal(layer_entry(l, f->k, "A")->value, "later");
	assert_int_equal(layer_entry(l, f->k, "A")->setting, 1);
	assert_int_equal(layer_add_entry(l, &(struct layer_entry){.ref = {f->other, key}, .value = value}), 0);
	assert_int_equal(l->n_entries, 3);
}

static void test_dropping_an_entry_keeps_the_others_findable(void **state)
{
	struct fixture *f = *state;

	push(f, "one", "a", 1, "ABCDE");
	struct layer *l = f->s.layers[0];
	layer_drop_entry(l, 2);
	layer_drop_entry(l, 0);
	assert_int_equal(l->n_entries, 3);
	assert_null(layer_entry(l, f->k, "A"));
	assert_null(layer_entry(l, f->k, "C"));
	assert_ptr_equal(layer_entry(l, f->k, "B"), &l->entries[0]);
	assert_ptr_equal(layer_entry(l, f->k, "E"), &l->entries[2]);
}

static void test_a_copy_is_the_same_until_anything_differs(void **state)
{
	struct fixture *f = *state;
	struct layer *a = layer_with(f->k, "one", "a", 1, "AB"), *b;
	static const size_t fields[] = {
		offsetof(struct layer, accept_inexact), offsetof(struct layer, accept_security),
		offsetof(struct layer, drift_report),
		offsetof(struct layer, required), offsetof(struct layer, residue),
	};

	b = layer_dup(a);
	assert_true(layer_same(a, b));
	b->txn = b->updated = 7; /* when, not what */
	b->touched = true;
	assert_true(layer_same(a, b));
	b->order++;
	assert_false(layer_same(a, b));
	b->order--;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		bool *field = (bool *)(void *)((char *)b + fields[i]);

		*field = true;
		assert_false(layer_same(a, b));
		*field = false;
	}
	b->entries[1].value[0] = 'X';
	assert_false(layer_same(a, b));
	b->entries[1].value[0] = a->entries[1].value[0];
	b->settings[0].optional = true;
	assert_false(layer_same(a, b));
	b->settings[0].optional = false;
	layer_drop_entry(b, 1);
	assert_false(layer_same(a, b));
	layer_free(a);
	layer_free(b);
}

/* --- originals ---------------------------------------------------------------------------------------------------- */

static void test_an_original_is_taken_once_and_kept(void **state)
{
	struct fixture *f = *state;
	struct state_object *o = state_add_object(&f->s, f->k, "A", "60", BOOT);

	assert_int_equal(state_object_set_applied(o, "10"), 0);
	o = state_add_object(&f->s, f->k, "A", "10", "boot-2");
	assert_string_equal(o->original, "60");
	assert_string_equal(o->boot_id, BOOT);
	assert_string_equal(o->applied, "10");
	assert_int_equal(f->s.n_objects, 1);
	assert_null(state_object(&f->s, f->other, "A"));
}

static void add_many(struct fixture *f)
{
	for (int i = 0; i < MANY; i++) {
		char key[16];

		snprintf(key, sizeof(key), "key %d", i);
		assert_non_null(state_add_object(&f->s, f->k, key, key, i % 3 ? BOOT : "boot-0"));
	}
}

static void test_dropped_objects_go_with_the_sweep_and_not_before(void **state)
{
	struct fixture *f = *state;

	add_many(f);
	for (int i = 0; i < MANY; i += 2) {
		char key[16];

		snprintf(key, sizeof(key), "key %d", i);
		state_drop_object(&f->s, f->k, key);
		assert_non_null(state_object(&f->s, f->k, key));
	}
	state_drop_object(&f->s, f->k, "never there");
	state_sweep(&f->s);
	assert_int_equal(f->s.n_objects, MANY / 2);
	for (int i = 0; i < MANY; i++) {
		char key[16];

		snprintf(key, sizeof(key), "key %d", i);
		const struct state_object *o = state_object(&f->s, f->k, key);
		assert_int_equal(o != NULL, i % 2);
		if (o)
			assert_string_equal(o->original, key);
	}
}

static void test_originals_of_other_boots_are_forgotten(void **state)
{
	struct fixture *f = *state;

	add_many(f);
	state_drop_old_boots(&f->s, BOOT);
	assert_int_equal(f->s.n_objects, MANY - MANY / 3);
	assert_null(state_object(&f->s, f->k, "key 0"));
	assert_non_null(state_object(&f->s, f->k, "key 1"));
	state_drop_old_boots(&f->s, "boot-0");
	assert_int_equal(f->s.n_objects, 0);
}

/* --- copies and JSON ---------------------------------------------------------------------------------------------- */

static void fill(struct fixture *f)
{
	push(f, "one", "a", 1, "AB");
	push(f, "two", "b", -2, "BC");
	struct layer *l = f->s.layers[1];
	l->txn = 3;
	l->updated = 4;
	l->accept_inexact = l->accept_security = l->required = l->residue = l->drift_report = true;
	l->entries[0].residue = true;
	l->entries[0].label = strdup("eth0-rx-0");
	l->entries[1].na = strdup("this machine lacks it");
	l->settings[1].why = strdup("because");
	l->settings[1].where = strdup("two.conf:7");
	l->settings[1].optional = true;
	assert_int_equal(strlist_add(&l->notes, "a note"), 0);
	assert_int_equal(strlist_add(&l->sets, "cpus.trading=4"), 0);
	assert_int_equal(state_object_set_applied(state_add_object(&f->s, f->k, "A", "60", BOOT), "10"), 0);
	assert_non_null(state_add_object(&f->s, f->other, "pci-0000:00:03.0 msi-1", "0-1@1", BOOT));
}

static void assert_same_json(const struct state *a, const struct state *b)
{
	CLEANUP(json_freep) struct json *ja = state_to_json(a);
	CLEANUP(json_freep) struct json *jb = state_to_json(b);
	CLEANUP(mem_freep) char *ta = json_print(ja);
	CLEANUP(mem_freep) char *tb = json_print(jb);

	assert_non_null(ta);
	assert_string_equal(ta, tb);
}

static void test_a_copied_state_shares_nothing(void **state)
{
	struct fixture *f = *state;
	struct state copy;

	fill(f);
	assert_int_equal(state_copy(&f->s, &copy), 0);
	assert_same_json(&f->s, &copy);
	copy.layers[0]->entries[0].value[0] = 'X';
	state_remove_layer(&copy, 1);
	state_drop_object(&copy, f->k, "A");
	state_sweep(&copy);
	state_done(&copy);
	assert_stack(&f->s, "one/a two/b");
	assert_string_equal(f->s.layers[0]->entries[0].value, "a");
	assert_non_null(state_object(&f->s, f->k, "A"));
}

static void test_json_and_back_is_the_same_state(void **state)
{
	struct fixture *f = *state;
	CLEANUP(json_freep) struct json *written = NULL;
	CLEANUP(json_freep) struct json *j = NULL;
	CLEANUP(mem_freep) char *text = NULL;
	struct state back;
	struct hft_err err = {0};

	fill(f);
	written = state_to_json(&f->s);
	text = json_print(written);
	assert_non_null(text);
	assert_int_equal(json_parse(text, strlen(text), JSON_RECORD_MAX, &j, &err), 0);
	assert_int_equal(state_from_json(j, &back, &err), 0);
	assert_same_json(&f->s, &back);
	assert_true(layer_same(f->s.layers[1], back.layers[1]));
	assert_int_equal(back.layers[1]->updated, 4);
	assert_int_equal(back.layers[1]->order, -2);
	assert_string_equal(back.layers[1]->sets.s[0], "cpus.trading=4");
	assert_true(back.layers[1]->entries[0].residue);
	assert_string_equal(state_object(&back, f->other, "pci-0000:00:03.0 msi-1")->original, "0-1@1");
	assert_null(state_object(&back, f->other, "pci-0000:00:03.0 msi-1")->applied);
	state_done(&back);
}

static void test_no_record_is_the_empty_state(void **state)
{
	struct state s;
	struct hft_err err = {0};

	(void)state;
	assert_int_equal(state_from_json(NULL, &s, &err), 0);
	assert_int_equal(s.n_layers + s.n_objects, 0);
	state_done(&s);
}

static void test_a_record_that_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *text, *subject;
	} bad[] = {
		{"{\"objects\":[{\"knob\":\"warp\",\"key\":\"A\"}]}", "warp"},
		{"{\"objects\":[{\"knob\":\"sysctl\"}]}", "(no key)"},
		{"{\"layers\":[{\"entries\":[{\"knob\":\"warp\",\"key\":\"A\"}]}]}", "warp"},
		{"{\"layers\":[{\"entries\":[{\"knob\":\"sysctl\",\"key\":\"A\",\"setting\":0}]}]}", "A"},
		{"{\"layers\":[{\"settings\":[{}],\"entries\":[{\"knob\":\"sysctl\",\"key\":\"A\",\"setting\":-1}]}]}", "A"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(json_freep) struct json *j = NULL;
		struct state s;
		struct hft_err err = {0};

		assert_int_equal(json_parse(bad[i].text, strlen(bad[i].text), JSON_RECORD_MAX, &j, &err), 0);
		assert_int_equal(state_from_json(j, &s, &err), -EINVAL);
		assert_string_equal(err.code, ERR_STATE);
		assert_string_equal(err.subject, bad[i].subject);
		assert_int_equal(s.n_layers + s.n_objects, 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_phases_of_a_profile_stack_by_order_whatever_came_first),
		TEST(test_another_profile_goes_on_top_whatever_its_order),
		TEST(test_the_same_phase_is_replaced_where_it_stands),
		TEST(test_a_layer_is_found_by_profile_and_phase),
		TEST(test_the_top_entry_is_the_highest_that_holds_anything),
		TEST(test_the_later_line_of_a_phase_wins),
		TEST(test_dropping_an_entry_keeps_the_others_findable),
		TEST(test_a_copy_is_the_same_until_anything_differs),
		TEST(test_an_original_is_taken_once_and_kept),
		TEST(test_dropped_objects_go_with_the_sweep_and_not_before),
		TEST(test_originals_of_other_boots_are_forgotten),
		TEST(test_a_copied_state_shares_nothing),
		TEST(test_json_and_back_is_the_same_state),
		TEST(test_no_record_is_the_empty_state),
		TEST(test_a_record_that_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
