/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the interface files say, as tables. build/gen/schema.c is generated from org.hfttune.Tuner.varlink and
 * org.varlink.service.varlink by lib/proto/gen/varlink_gen.c; nothing about the arguments is written twice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct hft_err;
struct json;

enum schema_kind {
	SCHEMA_BOOL, SCHEMA_INT, SCHEMA_FLOAT, SCHEMA_STRING, SCHEMA_OBJECT, /* foreign object */
	SCHEMA_ENUM,   /* one of `words` */
	SCHEMA_STRUCT, /* `fields` */
	SCHEMA_ARRAY, SCHEMA_MAP, /* of `element` */
};

struct schema_type;
struct schema_field {
	const char *name; /* NULL ends the list */
	const struct schema_type *type;
	bool nullable;
};
struct schema_type {
	enum schema_kind kind;
	const struct schema_field *fields;
	const char *const *words; /* NULL-terminated */
	const struct schema_type *element;
};
struct schema_method {
	const char *name; /* "Plan"; NULL ends the list */
	const struct schema_type *in, *out;
};
struct schema_interface {
	const char *name;        /* "org.hfttune.Tuner" */
	const char *description; /* the text of the .varlink file */
	const struct schema_method *methods;
};

extern const struct schema_interface schema_tuner;
extern const struct schema_interface schema_service; /* org.varlink.service */

/* Split "org.hfttune.Tuner.Plan". *ret_interface and *ret_method are set as far as they were found:
 * 0, -ENOENT (no such interface: both NULL), -ESRCH (no such method). */
int schema_find(const char *qualified, const struct schema_interface **ret_interface,
                const struct schema_method **ret_method);
/*
 * Check an object against a struct type: unknown members, missing members that are not nullable, wrong types, words
 * that are not in the enumeration. value NULL is the empty object. 0, or -EINVAL ERR_INVALID_ARGUMENT with the path of
 * the field as subject ("set.trading").
 */
int schema_check(const struct schema_type *type, const struct json *value, struct hft_err *err);
