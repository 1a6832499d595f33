/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many replies of one call to one object. Must not know what the members mean, but for "progress", which passes. */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

void merged_done(struct merged *m)
{
	json_free(m->reply);
	strlist_done(&m->keys);
	*m = (struct merged){ 0 };
}

/* A copy of the name that lives as long as the merged object; NULL when out of memory. */
static const char *intern(struct merged *m, const char *key)
{
	for (size_t i = 0; i < m->keys.n; i++)
		if (strcmp(m->keys.s[i], key) == 0)
			return m->keys.s[i];
	return strlist_add(&m->keys, key) == 0 ? m->keys.s[m->keys.n - 1] : NULL;
}

/* The elements of `more` behind those of `array`. Owns both; NULL when out of memory. */
static struct json *concatenate(struct json *array, struct json *more)
{
	struct json *element;
	int r = 0;

	while (r == 0 && (element = json_detach(more, NULL)) != NULL)
		r = json_add_take(array, element);
	json_free(more);
	if (r == 0)
		return array;
	json_free(array);
	return NULL;
}

static int merge_member(struct merged *m, const char *key, struct json *take_value)
{
	if (json_is_null(take_value) || strcmp(key, "progress") == 0) {
		json_free(take_value);
		return 0;
	}
	struct json *before = json_detach(m->reply, key);
	if (json_is_array(before) && json_is_array(take_value)) {
		take_value = concatenate(before, take_value);
		before = NULL;
	}
	json_free(before);
	return json_set_take(m->reply, key, take_value);
}

int merged_add(struct merged *m, struct json *take_parameters, struct hft_err *err)
{
	CLEANUP(json_freep) struct json *parameters = take_parameters;
	const struct json *member;

	if (m->reply == NULL)
		m->reply = json_new_object();
	if (m->reply == NULL)
		return err_oom(err);
	while ((member = json_first(parameters)) != NULL) {
		const char *key = intern(m, json_key(member));
		if (key == NULL || merge_member(m, key, json_detach(parameters, key)) < 0)
			return err_oom(err);
	}
	return 0;
}
