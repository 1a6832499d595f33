/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON values over cJSON: a `struct json` is a cJSON node under another name. Parsing, reading and building; scan.c
 * refuses, print.c writes. Must not know what the values mean.
 */
#include "lib/json/json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/json/scan.h"

#define INT_LIMIT 9007199254740992 /* 2^53 */

static const cJSON *node(const struct json *j)
{
	return (const cJSON *)j;
}

static cJSON *mutable(struct json *j)
{
	return (cJSON *)j;
}

static bool has_type(const struct json *j, int type)
{
	return j != NULL && (node(j)->type & 0xff & type) != 0;
}

int json_parse(const char *text, size_t len, size_t max, struct json **ret, struct hft_err *err)
{
	size_t at;
	const char *problem;

	if (len > max)
		return err_raise(err, ERR_PROTOCOL, EMSGSIZE, NULL, "JSON of %zu bytes, at most %zu may be", len, max);
	int r = json_scan(text, len, &at, &problem);
	if (r == -ENOMEM)
		return err_oom(err);
	if (r < 0)
		return err_raise(err, ERR_PROTOCOL, EBADMSG, NULL, "JSON at offset %zu: %s", at, problem);
	cJSON *parsed = cJSON_ParseWithLength(text, len);
	if (parsed == NULL) /* the text is good, so what ended is memory */
		return err_oom(err);
	*ret = (struct json *)parsed;
	return 0;
}

void json_free(struct json *j)
{
	cJSON_Delete(mutable(j));
}

void json_freep(struct json **j)
{
	int saved = errno;

	json_free(*j);
	*j = NULL;
	errno = saved;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

bool json_is_object(const struct json *j)
{
	return has_type(j, cJSON_Object);
}

bool json_is_array(const struct json *j)
{
	return has_type(j, cJSON_Array);
}

bool json_is_string(const struct json *j)
{
	return has_type(j, cJSON_String);
}

bool json_is_bool(const struct json *j)
{
	return has_type(j, cJSON_True | cJSON_False);
}

bool json_is_number(const struct json *j)
{
	return has_type(j, cJSON_Number);
}

bool json_is_null(const struct json *j)
{
	return has_type(j, cJSON_NULL);
}

bool json_is_int(const struct json *j)
{
	if (!json_is_number(j))
		return false;
	double value = node(j)->valuedouble;
	return value >= -(double)INT_LIMIT && value <= (double)INT_LIMIT && (double)(int64_t)value == value;
}

static const cJSON *find(const struct json *object, const char *key)
{
	if (!json_is_object(object))
		return NULL;
	for (const cJSON *c = node(object)->child; c != NULL; c = c->next)
		if (strcmp(c->string, key) == 0)
			return c;
	return NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
	return (const struct json *)find(object, key);
}

const struct json *json_first(const struct json *j)
{
	return has_type(j, cJSON_Object | cJSON_Array) ? (const struct json *)node(j)->child : NULL;
}

const struct json *json_next(const struct json *child)
{
	return child != NULL ? (const struct json *)node(child)->next : NULL;
}

const char *json_key(const struct json *child)
{
	return child != NULL ? node(child)->string : NULL;
}

size_t json_size(const struct json *j)
{
	size_t n = 0;

	for (const struct json *c = json_first(j); c != NULL; c = json_next(c))
		n++;
	return n;
}

const char *json_string(const struct json *j, const char *otherwise)
{
	return json_is_string(j) ? node(j)->valuestring : otherwise;
}

int64_t json_int(const struct json *j, int64_t otherwise)
{
	return json_is_int(j) ? (int64_t)node(j)->valuedouble : otherwise;
}

bool json_bool(const struct json *j, bool otherwise)
{
	return json_is_bool(j) ? has_type(j, cJSON_True) : otherwise;
}

const char *json_get_string(const struct json *object, const char *key, const char *otherwise)
{
	return json_string(json_get(object, key), otherwise);
}

int64_t json_get_int(const struct json *object, const char *key, int64_t otherwise)
{
	return json_int(json_get(object, key), otherwise);
}

bool json_get_bool(const struct json *object, const char *key, bool otherwise)
{
	return json_bool(json_get(object, key), otherwise);
}

/* --- building ----------------------------------------------------------------------------------------------------- */

struct json *json_new_object(void)
{
	return (struct json *)cJSON_CreateObject();
}

struct json *json_new_array(void)
{
	return (struct json *)cJSON_CreateArray();
}

struct json *json_dup(const struct json *j)
{
	return (struct json *)cJSON_Duplicate(node(j), true);
}

/* Owns value in any case. key NULL appends to an array; copy: the key is not the caller's promise to keep. */
static int attach(struct json *target, const char *key, bool copy, cJSON *value)
{
	bool ok = false;

	if (target != NULL && value != NULL) {
		if (key == NULL)
			ok = cJSON_AddItemToArray(mutable(target), value);
		else if (copy)
			ok = cJSON_AddItemToObject(mutable(target), key, value);
		else
			ok = cJSON_AddItemToObjectCS(mutable(target), key, value);
	}
	if (ok)
		return 0;
	cJSON_Delete(value);
	return -ENOMEM;
}

static int attach_string(struct json *target, const char *key, bool copy, const char *value)
{
	if (target == NULL)
		return -ENOMEM;
	return value != NULL ? attach(target, key, copy, cJSON_CreateString(value)) : 0;
}

static int attach_int(struct json *target, const char *key, int64_t value)
{
	if (value > INT_LIMIT || value < -INT_LIMIT)
		return -ERANGE;
	return attach(target, key, false, cJSON_CreateNumber((double)value));
}

int json_set_string(struct json *object, const char *key, const char *value)
{
	return attach_string(object, key, false, value);
}

int json_put_string(struct json *object, const char *key, const char *value)
{
	return attach_string(object, key, true, value);
}

struct json *json_new_text(const char *text)
{
	return (struct json *)cJSON_CreateRaw(text);
}

int json_set_text(struct json *object, const char *key, const char *text)
{
	return json_set_take(object, key, json_new_text(text));
}

int json_set_int(struct json *object, const char *key, int64_t value)
{
	return attach_int(object, key, value);
}

int json_set_bool(struct json *object, const char *key, bool value)
{
	return attach(object, key, false, cJSON_CreateBool(value));
}

int json_set_take(struct json *object, const char *key, struct json *value)
{
	return attach(object, key, false, mutable(value));
}

int json_add_string(struct json *array, const char *value)
{
	return attach_string(array, NULL, false, value);
}

int json_add_int(struct json *array, int64_t value)
{
	return attach_int(array, NULL, value);
}

int json_add_take(struct json *array, struct json *value)
{
	return attach(array, NULL, false, mutable(value));
}

/* The name of its former object would else be seen by json_key. */
static void drop_key(cJSON *item)
{
	if ((item->type & cJSON_StringIsConst) == 0)
		cJSON_free(item->string);
	item->string = NULL;
	item->type &= ~cJSON_StringIsConst;
}

struct json *json_detach(struct json *object, const char *key)
{
	cJSON *item = NULL;

	if (json_is_array(object))
		item = mutable(object)->child;
	else if (json_is_object(object))
		item = cJSON_GetObjectItemCaseSensitive(mutable(object), key);
	if (item == NULL)
		return NULL;
	cJSON_DetachItemViaPointer(mutable(object), item);
	drop_key(item);
	return (struct json *)item;
}
