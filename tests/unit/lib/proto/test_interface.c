/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interface file, the code table and err.h belong together: each code has an error, each error a code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/proto/codes.h"
#include "lib/proto/schema.h"
#include "lib/proto/varlink.h"

/* err.h is read as text: a code that is added there and nowhere else must be seen. Tests run at the top of the tree. */
static void read_codes(struct strlist *ret)
{
	FILE *f = fopen("lib/base/err.h", "re");
	char line[512], name[64], code[64];

	if (f == NULL)
		skip();
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "#define ERR_%63[A-Z_] \"%63[a-z-]\"", name, code) == 2)
			assert_int_equal(strlist_add(ret, code), 0);
	fclose(f);
	assert_true(ret->n >= 19);
}

/* The names behind "error " at the start of a line. */
static void read_errors(struct strlist *ret)
{
	for (const char *at = schema_tuner.description; at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (str_starts(at, "error "))
			assert_int_equal(strlist_take(ret, str_dup_n(at + 6, strcspn(at + 6, " ("))), 0);
	}
	assert_true(ret->n >= 18);
}

static void test_every_code_has_an_error(void **state)
{
	CLEANUP(strlist_done) struct strlist codes = { 0 }, errors = { 0 };

	(void)state;
	read_codes(&codes);
	read_errors(&errors);
	for (size_t i = 0; i < codes.n; i++) {
		const struct code_row *row = code_find(codes.s[i]);
		assert_string_equal(row->code, codes.s[i]);
		assert_true(strlist_has(&errors, row->error));
		if (!str_eq(row->code, ERR_NO_DAEMON)) /* never sent */
			assert_string_equal(code_find_error(row->error)->code, row->code);
	}
}

static void test_every_error_has_a_code(void **state)
{
	CLEANUP(strlist_done) struct strlist codes = { 0 }, errors = { 0 };

	(void)state;
	read_codes(&codes);
	read_errors(&errors);
	for (size_t i = 0; i < errors.n; i++) {
		const struct code_row *row = code_find_error(errors.s[i]);
		assert_non_null(row);
		assert_true(strlist_has(&codes, row->code));
	}
}

/* What varlink_encode_err sends is what the file says of every error. */
static void test_error_parameters(void **state)
{
	static const char wanted[] = "(code: string, subject: string, message: string, where: ?string, "
	                             "wanted: ?string, found: ?string, errno: ?int, hint: ?string)\n";
	const char *at = schema_tuner.description;
	size_t n = 0;

	(void)state;
	for (; (at = strstr(at, "\nerror ")) != NULL; at++) {
		assert_true(str_starts(strchr(at, '('), wanted));
		n++;
	}
	assert_true(n >= 18);
}

static void test_descriptions(void **state)
{
	static const struct {
		const struct schema_interface *interface;
		const char *path;
	} files[] = {
		{ &schema_tuner, "lib/proto/org.hfttune.Tuner.varlink" },
		{ &schema_service, "lib/proto/org.varlink.service.varlink" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEANUP(mem_freep) char *text = NULL;
		size_t size = 0;
		FILE *f = fopen(files[i].path, "re");
		if (f == NULL)
			skip();
		assert_true(getdelim(&text, &size, '\0', f) > 0);
		fclose(f);
		assert_string_equal(files[i].interface->description, text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_has_an_error),
		cmocka_unit_test(test_every_error_has_a_code),
		cmocka_unit_test(test_error_parameters),
		cmocka_unit_test(test_descriptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
