/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of a redis.conf: found, read and replaced in a text. Must not open a file, nor touch another line. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "daemon/knobs/edited.h"
#include "daemon/knobs/redis.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

#define BLANKS " \t\r"
#define BETWEEN "; "

int redis_words(const char *text, struct strlist *ret)
{
	for (const char *p = text + strspn(text, BLANKS); *p != '\0'; p += strspn(p, BLANKS)) {
		bool quoted = *p == '"' || *p == '\'';
		const char end[] = { *p, '\0' };
		p += quoted;
		size_t n = strcspn(p, quoted ? end : BLANKS);
		if (memchr(p, '\\', n) != NULL || (quoted && p[n] == '\0') ||
		    (!quoted && (memchr(p, '"', n) != NULL || memchr(p, '\'', n) != NULL)))
			return -EINVAL;
		if (strlist_take(ret, str_dup_n(p, n)) < 0)
			return -ENOMEM;
		p += n + quoted;
		if (quoted && *p != '\0' && strchr(BLANKS, *p) == NULL)
			return -EINVAL;
	}
	return 0;
}

struct line {
	const char *at, *next; /* next: the line behind it, or the end of the text */
	const char *name, *value;
	size_t len, name_len;  /* len: without the newline */
	unsigned number;
};

/* The first line of a text has number 0 before the first call. False: there is no further one. */
static bool next_line(struct line *l)
{
	if (*l->next == '\0')
		return false;
	l->at = l->next;
	l->len = strcspn(l->at, "\n");
	l->next = l->at + l->len + (l->at[l->len] == '\n');
	l->name = l->at + strspn(l->at, BLANKS);
	l->name_len = strcspn(l->name, BLANKS "\n");
	l->value = l->name + l->name_len + strspn(l->name + l->name_len, BLANKS);
	l->number++;
	return true;
}

static bool is_named(const struct line *l, const char *name)
{
	return l->name_len == strlen(name) && strncasecmp(l->name, name, l->name_len) == 0;
}

bool redis_conf_last(const char *text, const char *name, const char *first, struct strlist *ret, unsigned *ret_line)
{
	bool found = false;

	for (struct line l = { .next = text }; next_line(&l);) {
		CLEANUP(strlist_done) struct strlist words = { 0 };
		if (!is_named(&l, name))
			continue;
		CLEANUP(mem_freep) char *value = str_dup_n(l.value, l.len - (size_t)(l.value - l.at));
		bool is_read = value != NULL && redis_words(value, &words) == 0 && words.n > 0;
		if (first != NULL && (!is_read || strcasecmp(words.s[0], first) != 0))
			continue;
		strlist_done(ret);
		*ret = words;
		words = (struct strlist){ 0 };
		found = is_read;
		if (ret_line != NULL)
			*ret_line = l.number;
	}
	return found;
}

/* --- the lines of one directive ----------------------------------------------------------------------------------- */

static int refuse(struct hft_err *err, const struct redis_row *row, const char *path, unsigned line, const char *why)
{
	err_raise(err, ERR_CONFLICT, EEXIST, row->option, "%s:%u: %s", path, line, why);
	err_where(err, path, line);
	return -EEXIST;
}

struct run { /* from NULL: there is none */
	const char *from, *to;
	unsigned first; /* number of the first line */
};

/* The last line counts, but for what adds up: that is one run of lines. */
static int find_run(const char *text, const char *path, const struct redis_row *row, struct run *ret, struct hft_err *err)
{
	*ret = (struct run){ 0 };
	for (struct line l = { .next = text }; next_line(&l);) {
		if (!is_named(&l, row->option))
			continue;
		bool goes_on = row->form == REDIS_SAVE && ret->from != NULL;
		if (goes_on && ret->to != l.at)
			return refuse(err, row, path, l.number,
			              "lines of this directive stand apart from each other; put them together");
		*ret = (struct run){ goes_on ? ret->from : l.at, l.next, goes_on ? ret->first : l.number };
	}
	return 0;
}

/* "NAME VALUE" to the letter, and nothing in VALUE that stands for something else in here? */
static bool is_plain(const struct redis_row *row, const struct line *l)
{
	size_t name_len = strlen(row->option), value_len = l->len - (size_t)(l->value - l->at);

	return l->name == l->at && memcmp(l->name, row->option, name_len) == 0 && l->value == l->at + name_len + 1 &&
	       l->at[name_len] == ' ' && value_len > 0 && l->value[0] != '=' &&
	       strchr(BLANKS, l->at[l->len - 1]) == NULL;
}

int redis_conf_written(const char *text, const char *path, const struct redis_row *row, struct strbuf *ret,
                       struct hft_err *err)
{
	struct run run;

	strbuf_reset(ret);
	int r = find_run(text, path, row, &run, err);
	if (r < 0 || run.from == NULL)
		return r;
	for (struct line l = { .next = run.from, .number = run.first - 1 }; l.next < run.to && next_line(&l);) {
		if (memchr(l.at, '@', l.len) != NULL || memmem(l.at, l.len, BETWEEN, strlen(BETWEEN)) != NULL)
			return refuse(err, row, path, l.number, "a value with \"@\" or \"; \"");
		strbuf_add(ret, ret->len > 0 ? BETWEEN : "");
		strbuf_add(ret, is_plain(row, &l) ? "" : "=");
		strbuf_addn(ret, is_plain(row, &l) ? l.value : l.at,
		            is_plain(row, &l) ? l.len - (size_t)(l.value - l.at) : l.len);
	}
	return ret->oom ? err_oom(err) : 0;
}

/* The lines again, without a newline behind the last one. */
static void to_lines(const struct redis_row *row, const char *written, struct strbuf *ret)
{
	for (const char *p = written; *p != '\0';) {
		const char *end = strstr(p, BETWEEN);
		size_t n = end != NULL ? (size_t)(end - p) : strlen(p);
		if (p > written)
			strbuf_addc(ret, '\n');
		if (*p != '=')
			strbuf_addf(ret, "%s ", row->option);
		strbuf_addn(ret, p + (*p == '='), n - (*p == '='));
		p = end != NULL ? end + strlen(BETWEEN) : "";
	}
}

int redis_conf_with(const char *text, const char *path, const struct redis_row *row, const char *written,
                    struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf lines = { 0 };
	struct run run;

	strbuf_reset(ret);
	int r = find_run(text, path, row, &run, err);
	if (r < 0)
		return r;
	to_lines(row, written, &lines);
	if (lines.oom)
		return err_oom(err);
	size_t end = strlen(text), from = run.from != NULL ? (size_t)(run.from - text) : end;
	return edited_lines(text, from, run.from != NULL ? (size_t)(run.to - text) : end, strbuf_str(&lines), ret, err);
}
