/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One file of text into sections and "option = value" lines. Must not know what a section means, nor open a file.
 *
 * inih 55 as Debian builds it is lenient: it cuts section names at 49 characters, ignores text after `]`, joins
 * indented lines, cuts a line at 200 bytes and parses the rest as a new one, splits at `:`, hides empty sections and
 * gives no line numbers. So every line is judged here first, and inih sees one logical option line at a time.
 */
#include "daemon/profile/parts.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

/* INI_MAX_LINE of the library as it is built, less the three bytes that ini.h says it needs for line end and NUL. */
#define INIH_LINE_MAX 197

struct scan {
	struct place at;
	struct profile_file *file;
	int added; /* what came of the line that inih was given */
	struct hft_err *err;
};

struct span { /* a piece of the text */
	const char *s;
	size_t len;
};

/* --- the file that comes out -------------------------------------------------------------------------------------- */

static void section_done(struct profile_section *s)
{
	for (size_t i = 0; i < s->n_entries; i++) {
		free(s->entries[i].option);
		free(s->entries[i].value);
	}
	free(s->entries);
	free(s->header);
}

void profile_file_free(struct profile_file *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n_sections; i++)
		section_done(&f->sections[i]);
	free(f->sections);
	free(f->path);
	free(f);
}

static void file_freep(struct profile_file **f)
{
	profile_file_free(*f);
}

static struct profile_section *last_section(const struct scan *s)
{
	return s->file->n_sections > 0 ? &s->file->sections[s->file->n_sections - 1] : NULL;
}

static int add_section(struct scan *s, struct span header)
{
	struct profile_file *f = s->file;
	char *text = str_dup_n(header.s, header.len);

	if (text == NULL || mem_grow(&f->sections, &f->cap, f->n_sections, sizeof(*f->sections)) < 0) {
		free(text);
		return err_oom(s->err);
	}
	f->sections[f->n_sections++] = (struct profile_section){ .header = text, .line = s->at.line };
	return 0;
}

static int add_entry(struct scan *s, struct span option, struct span value)
{
	struct profile_section *section = last_section(s);
	struct profile_entry entry = { .line = s->at.line };

	entry.option = str_dup_n(option.s, option.len);
	entry.value = str_dup_n(value.s, value.len);
	if (entry.option == NULL || entry.value == NULL ||
	    mem_grow(&section->entries, &section->cap, section->n_entries, sizeof(entry)) < 0) {
		free(entry.option);
		free(entry.value);
		return err_oom(s->err);
	}
	section->entries[section->n_entries++] = entry;
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct profile_entry *x = *(const struct profile_entry *const *)a;
	const struct profile_entry *y = *(const struct profile_entry *const *)b;
	int order = strcmp(x->option, y->option);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* Sorted and not compared pair by pair: a megabyte of text has a hundred thousand options. */
static int check_duplicates(struct scan *s)
{
	const struct profile_section *section = last_section(s);
	const struct profile_entry *twice = NULL;
	size_t n = section != NULL ? section->n_entries : 0;

	if (n < 2)
		return 0;
	CLEANUP(mem_freep) const struct profile_entry **sorted = calloc(n, sizeof(*sorted));
	if (sorted == NULL)
		return err_oom(s->err);
	for (size_t i = 0; i < n; i++)
		sorted[i] = &section->entries[i];
	qsort(sorted, n, sizeof(*sorted), compare_entries);
	for (size_t i = 1; i < n; i++)
		if (strcmp(sorted[i - 1]->option, sorted[i]->option) == 0 &&
		    (twice == NULL || sorted[i]->line < twice->line))
			twice = sorted[i];
	if (twice == NULL)
		return 0;
	struct place at = { .file = s->at.file, .line = twice->line };
	return profile_fail(s->err, &at, twice->option, "\"%s\" is set twice in this section", twice->option);
}

/* --- one line ----------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trim(struct span t)
{
	while (t.len > 0 && is_blank(t.s[t.len - 1]))
		t.len--;
	while (t.len > 0 && is_blank(t.s[0])) {
		t.s++;
		t.len--;
	}
	return t;
}

static bool has(struct span t, char c)
{
	return memchr(t.s, c, t.len) != NULL;
}

/* A comment begins with # or ; at the start of the line or after white space. Drops the white space before it too. */
static struct span without_comment(struct span t)
{
	size_t i = 0;

	while (i < t.len && !((t.s[i] == '#' || t.s[i] == ';') && (i == 0 || is_blank(t.s[i - 1]))))
		i++;
	while (i > 0 && is_blank(t.s[i - 1]))
		i--;
	return (struct span){ t.s, i };
}

/* Tabs are white space between words; whoever takes a word refuses them inside it. */
static int check_characters(struct scan *s, struct span t)
{
	if (t.len > PROFILE_LINE_MAX)
		return profile_fail(s->err, &s->at, NULL, "the line is longer than %d bytes", PROFILE_LINE_MAX);
	if (has(t, '\0'))
		return profile_fail(s->err, &s->at, NULL, "the line holds a NUL byte");
	if (s->at.line == 1 && t.len >= 3 && memcmp(t.s, "\xef\xbb\xbf", 3) == 0)
		return profile_fail(s->err, &s->at, NULL, "the file begins with a byte order mark");
	if (t.len > 0 && t.s[t.len - 1] == '\r')
		return profile_fail(s->err, &s->at, NULL, "the line ends with a carriage return");
	while (t.len > 0) {
		const char *tab = memchr(t.s, '\t', t.len);
		size_t n = tab != NULL ? (size_t)(tab - t.s) : t.len;
		if (!profile_is_clean(t.s, n))
			return profile_fail(s->err, &s->at, NULL, str_is_utf8(t.s, n) ?
			                    "the line holds a control character" : "the line is not UTF-8");
		n += tab != NULL;
		t.s += n;
		t.len -= n;
	}
	return 0;
}

/* Brackets nest, because selectors are patterns: [net/ethtool eth[01]]. */
static int scan_header(struct scan *s, struct span t)
{
	size_t depth = 0, i = 0;

	for (; i < t.len; i++) {
		if (t.s[i] == '[')
			depth++;
		else if (t.s[i] == ']' && --depth == 0)
			break;
	}
	if (i == t.len)
		return profile_fail(s->err, &s->at, NULL, "the section header has no closing bracket");
	if (i + 1 != t.len)
		return profile_fail(s->err, &s->at, NULL, "text follows the section header");
	struct span header = trim((struct span){ t.s + 1, i - 1 });
	if (header.len == 0)
		return profile_fail(s->err, &s->at, NULL, "the section header is empty");
	if (has(header, '\t'))
		return profile_fail(s->err, &s->at, NULL, "the section header holds a tab");
	int r = check_duplicates(s);
	return r < 0 ? r : add_section(s, header);
}

static int on_option(void *data, const char *section, const char *option, const char *value)
{
	struct scan *s = data;

	(void)section;
	s->added = add_entry(s, (struct span){ option, strlen(option) }, (struct span){ value, strlen(value) });
	return s->added == 0;
}

/*
 * inih cannot take a line beyond its compiled-in buffer: it would parse the rest as a line of its own. For those the
 * split that the scanner has made already is taken as it is.
 */
static int feed_option(struct scan *s, struct span t, struct span option, struct span value)
{
	char line[INIH_LINE_MAX + 1];

	if (t.len > INIH_LINE_MAX)
		return add_entry(s, option, value);
	memcpy(line, t.s, t.len);
	line[t.len] = '\0';
	s->added = 1; /* not called */
	int r = ini_parse_string(line, on_option, s);
	if (s->added < 0)
		return s->added;
	return r == 0 && s->added == 0 ? 0 : profile_fail(s->err, &s->at, NULL, "the line cannot be parsed");
}

static int check_option(struct scan *s, struct span option, struct span value)
{
	if (option.len == 0)
		return profile_fail(s->err, &s->at, NULL, "there is no option before the \"=\"");
	if (has(option, ':'))
		return profile_fail(s->err, &s->at, NULL, "an option is set with \"=\" and holds no \":\"");
	for (size_t i = 0; i < option.len; i++)
		if (option.s[i] < ' ' || option.s[i] > '~')
			return profile_fail(s->err, &s->at, NULL, "the option holds a tab or a letter beyond ASCII");
	if (has(value, '\t'))
		return profile_fail(s->err, &s->at, NULL, "the value holds a tab; use blanks");
	if (last_section(s) == NULL)
		return profile_fail(s->err, &s->at, NULL, "the option stands before the first section");
	return 0;
}

static int scan_option(struct scan *s, struct span t)
{
	const char *equals = memchr(t.s, '=', t.len);

	if (equals == NULL)
		return profile_fail(s->err, &s->at, NULL, has(t, ':') ? "an option is set with \"=\", not with \":\"" :
		                    "the line is neither a section nor \"option = value\"");
	struct span option = trim((struct span){ t.s, (size_t)(equals - t.s) });
	struct span value = trim((struct span){ equals + 1, (size_t)(t.s + t.len - equals - 1) });
	int r = check_option(s, option, value);
	return r < 0 ? r : feed_option(s, t, option, value);
}

static int scan_line(struct scan *s, struct span t)
{
	int r = check_characters(s, t);
	if (r < 0)
		return r;

	t = without_comment(t);
	if (t.len == 0)
		return 0;
	if (is_blank(t.s[0]))
		return profile_fail(s->err, &s->at, NULL, "the line is indented; a value ends with its line");
	return t.s[0] == '[' ? scan_header(s, t) : scan_option(s, t);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int raise_size(struct scan *s, const char *text)
{
	for (size_t i = 0; i < PROFILE_FILE_MAX; i++)
		s->at.line += text[i] == '\n';
	return profile_fail(s->err, &s->at, NULL, "the file is larger than %d bytes", PROFILE_FILE_MAX);
}

static int scan_text(struct scan *s, const char *text, size_t len)
{
	for (size_t start = 0; start < len; s->at.line++) {
		const char *newline = memchr(text + start, '\n', len - start);
		size_t n = newline != NULL ? (size_t)(newline - text) - start : len - start;
		int r = scan_line(s, (struct span){ text + start, n });
		if (r < 0)
			return r;
		start += n + 1;
	}
	return check_duplicates(s);
}

int profile_parse_buf(const char *path, const char *text, size_t len, struct profile_file **ret, struct hft_err *err)
{
	CLEANUP(file_freep) struct profile_file *file = calloc(1, sizeof(*file));
	struct hft_err unwanted;
	struct scan s = { .at = { .file = path, .line = 1 }, .file = file, .err = err != NULL ? err : &unwanted };

	if (file == NULL || (file->path = strdup(path)) == NULL)
		return err_oom(err);
	int r = len > PROFILE_FILE_MAX ? raise_size(&s, text) : scan_text(&s, text, len);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(file);
	return 0;
}
