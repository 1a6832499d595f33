/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/profile/scan: what one file of text may look like, and where each mistake is said to be. */
#include "tests/unit/daemon/profile/fake.h"

static void free_file(struct profile_file **f)
{
	profile_file_free(*f);
}

static struct profile_file *parse_n(const char *text, size_t len)
{
	struct profile_file *f = NULL;
	struct hft_err err = { 0 };
	int r = profile_parse_buf("f", text, len, &f, &err);

	if (r != 0)
		print_error("refused: %s %s\n", err.where, err.msg);
	assert_int_equal(r, 0);
	return f;
}

static struct profile_file *parse(const char *text)
{
	return parse_n(text, strlen(text));
}

static void refused_n(const char *text, size_t len, const char *where)
{
	struct profile_file *f = NULL;
	struct hft_err err = { 0 };
	int r = profile_parse_buf("f", text, len, &f, &err);

	if (r == 0)
		print_error("not refused: %s\n", text);
	assert_int_equal(r, -EINVAL);
	assert_null(f);
	assert_string_equal(err.code, ERR_INVALID_PROFILE);
	assert_string_equal(err.where, where);
	assert_false(str_has_control(err.subject, strlen(err.subject)));
	assert_false(str_has_control(err.msg, strlen(err.msg)));
	assert_true(str_is_utf8(err.msg, strlen(err.msg)));
}

static void refused(const char *text, const char *where)
{
	refused_n(text, strlen(text), where);
}

static void assert_entry(const struct profile_entry *e, const char *option, const char *value, unsigned line)
{
	assert_string_equal(e->option, option);
	assert_string_equal(e->value, value);
	assert_int_equal(e->line, line);
}

static void test_empty_texts(void **state)
{
	static const char *const texts[] = { "", "\n", "\n\n", "# c", "; c\n", "   \n\t\n", "  # indented comment\n" };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(free_file) struct profile_file *f = parse(texts[i]);
		assert_int_equal(f->n_sections, 0);
		assert_string_equal(f->path, "f");
	}
}

static void test_sections_and_lines(void **state)
{
	CLEANUP(free_file) struct profile_file *f = parse("# top\n"
	                                                  "[profile]\n"
	                                                  "summary = a: b = c  # why\n"
	                                                  "\n"
	                                                  "[ empty ]\n"
	                                                  "[a/irq eth[01]] ; two\n"
	                                                  "x=1\n"
	                                                  "\t\n"
	                                                  "why x\t=\tb;c#d\n"
	                                                  "y ="); /* no newline */
	(void)state;

	assert_int_equal(f->n_sections, 3);
	assert_string_equal(f->sections[0].header, "profile");
	assert_int_equal(f->sections[0].line, 2);
	assert_int_equal(f->sections[0].n_entries, 1);
	assert_entry(&f->sections[0].entries[0], "summary", "a: b = c", 3);
	assert_string_equal(f->sections[1].header, "empty");
	assert_int_equal(f->sections[1].n_entries, 0);
	assert_string_equal(f->sections[2].header, "a/irq eth[01]");
	assert_int_equal(f->sections[2].line, 6);
	assert_int_equal(f->sections[2].n_entries, 3);
	assert_entry(&f->sections[2].entries[0], "x", "1", 7);
	assert_entry(&f->sections[2].entries[1], "why x", "b;c#d", 9);
	assert_entry(&f->sections[2].entries[2], "y", "", 10);
}

static void test_values_are_kept_as_written(void **state)
{
	CLEANUP(free_file) struct profile_file *f = parse("[a]\na = \"q\" 'r'\nb = ${x} %n %s\nc == d\n"
	                                                  "d = \xc3\xa4 \xe2\x82\xac\ne = [x]\n");
	(void)state;

	assert_entry(&f->sections[0].entries[0], "a", "\"q\" 'r'", 2);
	assert_entry(&f->sections[0].entries[1], "b", "${x} %n %s", 3);
	assert_entry(&f->sections[0].entries[2], "c", "= d", 4);
	assert_entry(&f->sections[0].entries[3], "d", "\xc3\xa4 \xe2\x82\xac", 5);
	assert_entry(&f->sections[0].entries[4], "e", "[x]", 6);
}

/* inih cuts at 200 bytes, sections at 49. */
static void test_lengths_around_those_of_inih(void **state)
{
	static const size_t lengths[] = { 1, 49, 50, 190, 191, 192, 193, 194, 195, 196, 197, 198, 199, 200, 201, 4000 };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		char value[4096] = { 0 };
		CLEANUP(strbuf_done) struct strbuf text = { 0 };
		memset(value, 'v', lengths[i] - 1);
		value[lengths[i] - 1] = 'w';
		strbuf_addf(&text, "[%s]\nname = %s\nnext = 1\n", value, value);
		CLEANUP(free_file) struct profile_file *f = parse(strbuf_str(&text));
		assert_string_equal(f->sections[0].header, value);
		assert_int_equal(f->sections[0].n_entries, 2);
		assert_entry(&f->sections[0].entries[0], "name", value, 2);
		assert_entry(&f->sections[0].entries[1], "next", "1", 3);
	}
}

static void test_line_length(void **state)
{
	static char text[3 * PROFILE_LINE_MAX];
	(void)state;

	strcpy(text, "[a]\nx=");
	memset(text + 6, 'v', PROFILE_LINE_MAX - 2);
	CLEANUP(free_file) struct profile_file *f = parse(text);
	assert_int_equal(strlen(f->sections[0].entries[0].value), PROFILE_LINE_MAX - 2);
	strcat(text, "v");
	refused(text, "f:2");
	text[4] = '#'; /* a comment is a line too */
	refused(text, "f:2");
}

static void test_file_size(void **state)
{
	CLEANUP(mem_freep) char *text = malloc(PROFILE_FILE_MAX + 2);
	(void)state;

	memset(text, '\n', PROFILE_FILE_MAX + 2);
	profile_file_free(parse_n(text, PROFILE_FILE_MAX));
	refused_n(text, PROFILE_FILE_MAX + 1, "f:1048577");
	memset(text, '#', PROFILE_FILE_MAX + 2);
	refused_n(text, PROFILE_FILE_MAX + 1, "f:1");
}

static void test_bytes(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *where;
	} rows[] = {
		{ "[a]\nx = \xff\n",          10, "f:2" }, /* not UTF-8 */
		{ "[a]\nx = \xc0\xaf\n",      11, "f:2" }, /* overlong */
		{ "[a]\nx = \xed\xa0\x80\n",  12, "f:2" }, /* surrogate */
		{ "[a]\n\n# \xe2\x82\n",      10, "f:3" }, /* cut, in a comment */
		{ "[a]\nx = 1\0y\n",          12, "f:2" }, /* NUL */
		{ "[a]\n#\0\n",               7,  "f:2" },
		{ "\0",                       1,  "f:1" },
		{ "[a]\nx = \x1b[2J\n",       13, "f:2" }, /* terminal escape */
		{ "[a]\nx = \xc2\x9b" "2J\n", 13, "f:2" }, /* its 8-bit form */
		{ "[a]\nx = \xe2\x80\xae\n",  12, "f:2" }, /* right-to-left override */
		{ "[a]\n\x1b[0m = 1\n",       14, "f:2" },
		{ "[a\x07]\n",                5,  "f:1" },
		{ "[a]\n# \x1b]0;t\x07\n",    13, "f:2" },
		{ "[a]\nx = 1\x7f\n",         11, "f:2" },
		{ "[a]\nx = 1\x0b\n",         11, "f:2" },
		{ "[a]\r\nx = 1\r\n",         12, "f:1" }, /* DOS */
		{ "[a]\nx = 1\r2\n",          12, "f:2" },
		{ "\xef\xbb\xbf[a]\n",        7,  "f:1" }, /* byte order mark */
		{ "[a]\n\xef\xbb\xbfx = 1\n", 13, "f:2" },
		{ "[a]\n\xd0\xb0 = 1\n",      11, "f:2" }, /* an option that only looks like ASCII */
		{ "[a]\nx = 4096\t16\n",      16, "f:2" }, /* tabs stand between words only */
		{ "[a]\nx\ty = 1\n",          12, "f:2" },
		{ "[a\tb]\n",                 6,  "f:1" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		refused_n(rows[i].text, rows[i].len, rows[i].where);
}

static void test_syntax(void **state)
{
	static const struct {
		const char *text, *where;
	} rows[] = {
		{ "[a] x = 1\n",               "f:1" }, /* text after ] */
		{ "[a]]\n",                    "f:1" },
		{ "[a] [b]\n",                 "f:1" },
		{ "[a]x\n",                    "f:1" },
		{ "\n[a\n",                    "f:2" },
		{ "[a # ]\n",                  "f:1" },
		{ "[[a]\n",                    "f:1" },
		{ "[]\n",                      "f:1" },
		{ "[  ]\n",                    "f:1" },
		{ "[a]\nx: 1\n",               "f:2" }, /* : instead of = */
		{ "[a]\nx : 1\n",              "f:2" },
		{ "[a]\nx:y = 1\n",            "f:2" },
		{ "[a]\nx = 1\n  2\n",         "f:3" }, /* continuation */
		{ "[a]\nx = 1\n\ty = 2\n",     "f:3" },
		{ " [a]\n",                    "f:1" },
		{ "[a]\nx\n",                  "f:2" }, /* no = */
		{ "[a]\nx # = 1\n",            "f:2" },
		{ "[a]\n= 1\n",                "f:2" },
		{ "[a]\n =\n",                 "f:2" },
		{ "x = 1\n",                   "f:1" }, /* no section */
		{ "# c\n\nx = 1\n[a]\n",       "f:3" },
		{ "[a]\nx = 1\ny = 2\nx = 1\n", "f:4" }, /* twice */
		{ "[a]\nx = 1\nx = 2\n[b]\n",  "f:3" },
		{ "[a]\nb=1\na=1\nb=2\na=2\n", "f:4" }, /* the first of two */
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		refused(rows[i].text, rows[i].where);
}

static void test_duplicate_names_the_option(void **state)
{
	struct profile_file *f = NULL;
	struct hft_err err;
	const char *text = "[a]\nx y = 1\nx y = 2\n";
	(void)state;

	assert_int_equal(profile_parse_buf("f", text, strlen(text), &f, &err), -EINVAL);
	assert_string_equal(err.subject, "x y");
	assert_int_equal(profile_parse_buf("f", text, strlen(text), &f, NULL), -EINVAL);
}

static void test_same_option_in_two_sections(void **state)
{
	CLEANUP(free_file) struct profile_file *f = parse("[a]\nx = 1\n[a]\nx = 2\n");
	(void)state;

	assert_int_equal(f->n_sections, 2);
	assert_entry(&f->sections[1].entries[0], "x", "2", 4);
}

static void test_names(void **state)
{
	static const char *const good[] = { "a", "0", "low-latency-base", "a.b_c-d", "9.conf",
		"a234567890123456789012345678901234567890123456789012345678901234" };
	static const char *const bad[] = { "", ".", "..", "-x", "_x", ".x", "a/b", "../../etc/shadow", "A", "a b",
		"CON\n", "a\x1b[2J", "\xc3\xa4", "a23456789012345678901234567890123456789012345678901234567890123456" };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(profile_check_name(good[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct hft_err err = { 0 };
		assert_int_equal(profile_check_name(bad[i], &err), -EINVAL);
		assert_string_equal(err.code, ERR_INVALID_ARGUMENT);
		assert_false(str_has_control(err.subject, strlen(err.subject)));
		assert_false(str_has_control(err.msg, strlen(err.msg)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_texts),
		cmocka_unit_test(test_sections_and_lines),
		cmocka_unit_test(test_values_are_kept_as_written),
		cmocka_unit_test(test_lengths_around_those_of_inih),
		cmocka_unit_test(test_line_length),
		cmocka_unit_test(test_file_size),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_duplicate_names_the_option),
		cmocka_unit_test(test_same_option_in_two_sections),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
