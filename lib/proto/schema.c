/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments held against the tables of the interface files. Must not know any method; the tables themselves are
 * generated (lib/proto/gen/varlink_gen.c). Recursion is as deep as the value, JSON_DEPTH_MAX at most.
 */
#include "lib/proto/schema.h"

#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

/* Where in the value we are: a chain through the stack, written out only when there is something to complain of. */
struct place {
	const struct place *up; /* NULL at the top */
	const char *name;       /* of a member; NULL for an element */
	size_t index;
};

int schema_find(const char *qualified, const struct schema_interface **ret_interface,
                const struct schema_method **ret_method)
{
	static const struct schema_interface *const interfaces[] = { &schema_tuner, &schema_service };
	const char *dot = strrchr(qualified, '.');
	const struct schema_interface *found = NULL;

	*ret_interface = NULL;
	*ret_method = NULL;
	for (size_t i = 0; dot != NULL && i < ARRAY_LEN(interfaces); i++) {
		const char *name = interfaces[i]->name;
		if (strlen(name) == (size_t)(dot - qualified) && str_starts(qualified, name))
			found = interfaces[i];
	}
	if (found == NULL)
		return -ENOENT;
	*ret_interface = found;
	for (const struct schema_method *m = found->methods; m->name != NULL; m++) {
		if (str_eq(m->name, dot + 1)) {
			*ret_method = m;
			return 0;
		}
	}
	return -ESRCH;
}

/* --- complaints --------------------------------------------------------------------------------------------------- */

static void add_place(const struct place *place, struct strbuf *b)
{
	if (place->up != NULL)
		add_place(place->up, b);
	if (place->name == NULL)
		strbuf_addf(b, "[%zu]", place->index);
	else if (b->len == 0)
		strbuf_add(b, place->name);
	else
		strbuf_addf(b, ".%s", place->name);
}

/* What the value is in JSON, for people who have not read the interface file. */
static const char *type_name(const struct schema_type *type)
{
	static const char *const names[] = {
		[SCHEMA_BOOL] = "bool",     [SCHEMA_INT] = "int",       [SCHEMA_FLOAT] = "float",
		[SCHEMA_STRING] = "string", [SCHEMA_OBJECT] = "object", [SCHEMA_ENUM] = "string",
		[SCHEMA_STRUCT] = "object", [SCHEMA_ARRAY] = "array",   [SCHEMA_MAP] = "object",
	};

	return names[type->kind];
}

static const char *value_name(const struct json *value)
{
	static const struct {
		bool (*is)(const struct json *);
		const char *name;
	} names[] = {
		{ json_is_null, "null" },    { json_is_bool, "bool" },     { json_is_int, "int" },
		{ json_is_number, "float" }, { json_is_string, "string" }, { json_is_array, "array" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].is(value))
			return names[i].name;
	return "object";
}

static int complain(const struct place *place, const char *wanted, const char *found, const char *what,
                    struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf subject = { 0 };

	if (place != NULL)
		add_place(place, &subject);
	const char *name = subject.len > 0 ? subject.s : "parameters";
	int r = err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, name, "%s %s", name, what);
	err_values(err, wanted, found);
	return r;
}

/* --- checks ------------------------------------------------------------------------------------------------------- */

static int check(const struct schema_type *type, const struct json *value, const struct place *place,
                 struct hft_err *err);

static bool has_kind(enum schema_kind kind, const struct json *value)
{
	switch (kind) {
	case SCHEMA_BOOL:
		return json_is_bool(value);
	case SCHEMA_INT:
		return json_is_int(value);
	case SCHEMA_FLOAT:
		return json_is_number(value);
	case SCHEMA_STRING:
	case SCHEMA_ENUM:
		return json_is_string(value);
	case SCHEMA_OBJECT:
	case SCHEMA_STRUCT:
	case SCHEMA_MAP:
		return json_is_object(value);
	case SCHEMA_ARRAY:
		return json_is_array(value);
	}
	return false;
}

static int check_word(const struct schema_type *type, const struct json *value, const struct place *place,
                      struct hft_err *err)
{
	const char *word = json_string(value, "");

	for (const char *const *w = type->words; *w != NULL; w++)
		if (strcmp(*w, word) == 0)
			return 0;
	return complain(place, NULL, word, "is not one of the words that are known here", err);
}

static int check_known(const struct schema_field *fields, const struct json *value, const struct place *up,
                       struct hft_err *err)
{
	for (const struct json *c = json_first(value); c != NULL; c = json_next(c)) {
		const struct schema_field *f = fields;
		while (f->name != NULL && strcmp(f->name, json_key(c)) != 0)
			f++;
		if (f->name == NULL) {
			struct place place = { .up = up, .name = json_key(c) };
			return complain(&place, NULL, NULL, "is not known here", err);
		}
	}
	return 0;
}

static int check_fields(const struct schema_field *fields, const struct json *value, const struct place *up,
                        struct hft_err *err)
{
	int r = check_known(fields, value, up, err); /* first: a misspelt name is missing under its right one too */

	if (r < 0)
		return r;
	for (const struct schema_field *f = fields; f->name != NULL; f++) {
		struct place place = { .up = up, .name = f->name };
		const struct json *member = json_get(value, f->name);
		if (f->nullable && (member == NULL || json_is_null(member)))
			continue;
		if (member == NULL)
			return complain(&place, type_name(f->type), NULL, "is missing", err);
		r = check(f->type, member, &place, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_elements(const struct schema_type *type, const struct json *value, const struct place *up,
                          struct hft_err *err)
{
	struct place place = { .up = up };

	for (const struct json *c = json_first(value); c != NULL; c = json_next(c)) {
		place.name = type->kind == SCHEMA_MAP ? json_key(c) : NULL;
		int r = check(type->element, c, &place, err);
		if (r < 0)
			return r;
		place.index++;
	}
	return 0;
}

static int check(const struct schema_type *type, const struct json *value, const struct place *place,
                 struct hft_err *err)
{
	if (!has_kind(type->kind, value))
		return complain(place, type_name(type), value_name(value), "is of the wrong type", err);
	switch (type->kind) {
	case SCHEMA_ENUM:
		return check_word(type, value, place, err);
	case SCHEMA_STRUCT:
		return check_fields(type->fields, value, place, err);
	case SCHEMA_ARRAY:
	case SCHEMA_MAP:
		return check_elements(type, value, place, err);
	case SCHEMA_BOOL:
	case SCHEMA_INT:
	case SCHEMA_FLOAT:
	case SCHEMA_STRING:
	case SCHEMA_OBJECT:
		return 0;
	}
	return 0;
}

int schema_check(const struct schema_type *type, const struct json *value, struct hft_err *err)
{
	if (value == NULL)
		return check_fields(type->fields, NULL, NULL, err);
	return check(type, value, NULL, err);
}
