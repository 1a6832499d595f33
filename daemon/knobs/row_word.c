/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forms of rows: words, selections, names and truths. Must know no row. */
#include "daemon/knobs/row_form.h"

#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define NAME_MAX_LEN 31 /* clocksource: CS_NAME_LEN is 32; qdisc and congestion control: 16 */

static int parse_word(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                      struct strbuf *ret, struct hft_err *err)
{
	(void)c;
	(void)path;
	if (!row_has_word(row->words, "|", value))
		return row_raise_form(row, value, err);
	strbuf_add(ret, value);
	return 0;
}

/* Without decoration: "default (cache)" is "default". But "write back" is one of the words. */
static int word_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	size_t len = row_has_word(row->words, "|", text) ? strlen(text) : strcspn(text, ROW_BLANKS);

	strbuf_addn(ret, text, len);
	return len > 0 ? 0 : -EINVAL;
}

/* The words that a selection offers, without its brackets (Z3) or parentheses (Z4, sched/preempt). */
static void strip_brackets(const char *text, struct strbuf *ret)
{
	for (const char *p = text; *p != '\0'; p++)
		if (!strchr("[]()", *p))
			strbuf_addc(ret, *p);
}

static int parse_select(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                        struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0}, offered = {0};
	int r = parse_word(c, row, path, value, ret, err);

	if (r < 0 || !path || fsio_probe(c->fs, path, &text) < 0)
		return r;
	strbuf_trim(&text);
	strip_brackets(strbuf_str(&text), &offered);
	return row_has_word(strbuf_str(&offered), ROW_BLANKS, value)
	               ? 0
	               : row_raise_not_offered(row, strbuf_str(&offered), value, err);
}

static int select_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	const char *open = strpbrk(text, "[(");

	(void)row;
	if (!open)
		return -EINVAL;
	size_t len = strcspn(open + 1, "])");
	if (len == 0 || open[1 + len] == '\0')
		return -EINVAL;
	strbuf_addn(ret, open + 1, len);
	return 0;
}

/* The same words, the brackets around another one. */
static void select_shown(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
                         struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf offered = {0};
	bool round = strchr(before, '(') != NULL;

	(void)c;
	(void)row;
	strip_brackets(before, &offered);
	for (const char *p = strbuf_str(&offered); *p != '\0';) {
		size_t blank = strspn(p, ROW_BLANKS), n = strcspn(p + blank, ROW_BLANKS);
		bool chosen = n > 0 && n == strlen(value) && memcmp(p + blank, value, n) == 0;

		strbuf_addn(ret, p, blank);
		strbuf_add(ret, !chosen ? "" : round ? "(" : "[");
		strbuf_addn(ret, p + blank, n);
		strbuf_add(ret, !chosen ? "" : round ? ")" : "]");
		p += blank + n;
	}
}

static bool is_name(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");

	return n > 0 && n <= NAME_MAX_LEN && s[n] == '\0';
}

/* Is the name on the list of this kernel? A list that cannot be read lists everything. */
static int check_offer(const struct knob_ctx *c, const struct row *row, const char *name, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};

	if (!row->offers || fsio_probe(c->fs, row->offers, &text) < 0)
		return 0;
	strbuf_trim(&text);
	return row_has_word(strbuf_str(&text), ROW_BLANKS, name)
	               ? 0
	               : row_raise_not_offered(row, strbuf_str(&text), name, err);
}

static int parse_name(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                      struct strbuf *ret, struct hft_err *err)
{
	if (!is_name(value))
		return row_raise_form(row, value, err);
	strbuf_add(ret, value);
	return path ? check_offer(c, row, value, err) : 0;
}

static int name_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	(void)row;
	if (!is_name(text))
		return -EINVAL;
	strbuf_add(ret, text);
	return 0;
}

static void add_sorted(struct strlist *names, struct strbuf *ret)
{
	strlist_sort(names);
	for (size_t i = 0; i < names->n; i++)
		if (i == 0 || !str_eq(names->s[i - 1], names->s[i]))
			strbuf_addf(ret, "%s%s", ret->len > 0 ? " " : "", names->s[i]);
}

static int parse_names(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                       struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};

	if (strlist_split(&names, value, ROW_BLANKS) < 0)
		return err_oom(err);
	if (names.n == 0)
		return row_raise_form(row, value, err);
	for (size_t i = 0; i < names.n; i++) {
		if (!is_name(names.s[i]))
			return row_raise_form(row, value, err);
		int r = path ? check_offer(c, row, names.s[i], err) : 0;
		if (r < 0)
			return r;
	}
	add_sorted(&names, ret);
	return 0;
}

static int names_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	CLEANUP(strlist_done) struct strlist names = {0};

	(void)row;
	if (strlist_split(&names, text, ROW_BLANKS) < 0)
		return -ENOMEM;
	add_sorted(&names, ret);
	return 0;
}

/* In the kernel's own order, which is that of its list. */
static void names_shown(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
                        struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	CLEANUP(strlist_done) struct strlist order = {0};

	(void)before;
	if (!row->offers || fsio_probe(c->fs, row->offers, &text) < 0 ||
	    strlist_split(&order, strbuf_str(&text), ROW_BLANKS) < 0) {
		strbuf_add(ret, value);
		return;
	}
	for (size_t i = 0; i < order.n; i++)
		if (row_has_word(value, ROW_BLANKS, order.s[i]))
			strbuf_addf(ret, "%s%s", ret->len > 0 ? " " : "", order.s[i]);
}

static const struct {
	const char *text;
	char canonical;
} truths[] = {
	{"1",     '1'},
        {"Y",     '1'},
        {"y",     '1'},
        {"true",  '1'},
        {"0",     '0'},
        {"N",     '0'},
        {"n",     '0'},
        {"false", '0'},
};

static int yn_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	(void)row;
	for (size_t i = 0; i < ARRAY_LEN(truths); i++) {
		if (str_eq(truths[i].text, text)) {
			strbuf_addc(ret, truths[i].canonical);
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_yn(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                    struct strbuf *ret, struct hft_err *err)
{
	(void)c;
	(void)path;
	return yn_of_text(row, value, ret) < 0 ? row_raise_form(row, value, err) : 0;
}

static void yn_shown(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
                     struct strbuf *ret)
{
	bool on = value[0] == '1';

	(void)c;
	(void)row;
	if (before[0] == 'Y' || before[0] == 'N')
		strbuf_add(ret, on ? "Y" : "N");
	else if (before[0] == 't' || before[0] == 'f')
		strbuf_add(ret, on ? "true" : "false");
	else
		strbuf_add(ret, value);
}

const struct row_codec row_word = {
	.parse = parse_word,
	.of_text = word_of_text,
};

const struct row_codec row_select = {
	.parse = parse_select,
	.of_text = select_of_text,
	.shown = select_shown,
};

const struct row_codec row_name = {
	.parse = parse_name,
	.of_text = name_of_text,
};

const struct row_codec row_names = {
	.parse = parse_names,
	.of_text = names_of_text,
	.shown = names_shown,
};

const struct row_codec row_yn = {
	.parse = parse_yn,
	.of_text = yn_of_text,
	.shown = yn_shown,
};
