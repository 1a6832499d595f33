/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON: parsed under caps, read with types, built. The only place that includes cJSON.
 *
 * A scan before cJSON refuses what cJSON would let pass: duplicate keys (at any depth), invalid UTF-8, raw control
 * characters or NUL (raw or \u0000) in strings, numbers that a double cannot hold exactly as integers or at all (1e400,
 * leading zeros, -0 and integers beyond 2^53 are refused), nesting beyond the cap, anything after the document.
 *
 * Building: memory exhaustion is sticky per call chain: every json_set_* and json_add_* returns 0 or -ENOMEM and
 * accepts a NULL target or a NULL value to take (then -ENOMEM), so that a caller may OR the results and check once.
 * An integer beyond 2^53 is refused with -ERANGE: nobody could read it back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hft_err;
struct json; /* opaque: a node; owned by its parent, or by the caller when it has none */

#define JSON_DEPTH_MAX 16
#define JSON_REQUEST_MAX (256 * 1024) /* a request, bytes */
#define JSON_RECORD_MAX (64 * 1024 * 1024) /* a journal line or a reply, bytes */

/* Parse one document of len bytes, at most max bytes. Caller frees. Errors: -EBADMSG ERR_PROTOCOL with the offset in
 * the message, -EMSGSIZE ERR_PROTOCOL, -ENOMEM. */
int json_parse(const char *text, size_t len, size_t max, struct json **ret, struct hft_err *err);
void json_free(struct json *j);
void json_freep(struct json **j);

/* Types. All take NULL (a missing member) and answer false. */
bool json_is_object(const struct json *j);
bool json_is_array(const struct json *j);
bool json_is_string(const struct json *j);
bool json_is_bool(const struct json *j);
bool json_is_int(const struct json *j); /* a number without fraction */
bool json_is_number(const struct json *j);
bool json_is_null(const struct json *j);

/* Members and elements, borrowed; NULL when missing. Iterate with json_first(j), json_next(child); json_key(child) is
 * the name of a member. json_size counts children. */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_first(const struct json *j);
const struct json *json_next(const struct json *child);
const char *json_key(const struct json *child);
size_t json_size(const struct json *j);

/* Values of a node, with a default when it is missing or of another type. Strings are borrowed. */
const char *json_string(const struct json *j, const char *otherwise);
int64_t json_int(const struct json *j, int64_t otherwise);
bool json_bool(const struct json *j, bool otherwise);
/* The same of a member. */
const char *json_get_string(const struct json *object, const char *key, const char *otherwise);
int64_t json_get_int(const struct json *object, const char *key, int64_t otherwise);
bool json_get_bool(const struct json *object, const char *key, bool otherwise);

struct json *json_new_object(void); /* NULL when out of memory */
struct json *json_new_array(void);
struct json *json_dup(const struct json *j); /* deep copy */
/* Set a member (the key must not exist yet and must outlive the node: a literal; use json_put_* for built keys). A NULL
 * string sets nothing and returns 0. */
int json_set_string(struct json *object, const char *key, const char *value);
int json_set_int(struct json *object, const char *key, int64_t value);
int json_set_bool(struct json *object, const char *key, bool value);
int json_set_take(struct json *object, const char *key, struct json *value); /* owns value in any case */
int json_put_string(struct json *object, const char *key, const char *value); /* copies the key */
int json_add_string(struct json *array, const char *value); /* NULL adds nothing and returns 0 */
int json_add_int(struct json *array, int64_t value);
int json_add_take(struct json *array, struct json *value);
/* Take a member out of an object or the first child out of an array; the caller owns it. NULL when missing. */
struct json *json_detach(struct json *object, const char *key);

/*
 * Text for large flat objects, without a tree: json_text_begin, members, json_text_end, with json_text_next between the
 * elements of an array. A NULL string writes nothing. Out of memory shows in b->oom.
 */
struct strbuf;
void json_text_begin(struct strbuf *b, char bracket); /* '{' or '[' */
void json_text_end(struct strbuf *b, char bracket);   /* '}' or ']' */
void json_text_next(struct strbuf *b);
void json_text_key(struct strbuf *b, const char *key); /* before a value that is an object or array */
void json_text_string(struct strbuf *b, const char *key, const char *value);
void json_text_element(struct strbuf *b, const char *value); /* of an array, after json_text_next */
void json_text_int(struct strbuf *b, const char *key, int64_t value);
void json_text_bool(struct strbuf *b, const char *key, bool value);
/* Set a member to such a text, which is JSON already: it can be printed, not read. The text is copied. */
int json_set_text(struct json *object, const char *key, const char *text);
/* The same as a node of its own; NULL when out of memory. */
struct json *json_new_text(const char *text);

/* Text without white space; or indented for people. A byte of a string that is not UTF-8 is printed as U+FFFD. Caller
 * frees; NULL when out of memory. */
char *json_print(const struct json *j);
char *json_print_pretty(const struct json *j);
