/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scanner of lines for three formats; a table says in what they differ. Must not open a file. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "daemon/knobs/conffile.h"
#include "daemon/knobs/edited.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define BLANKS " \t\r"
#define DEPTH_MAX 16
#define EMPTY "\"\""

struct conffile_format {
	const char *suffixes;
	const char *assign;   /* one of these stands between key and value */
	const char *between;  /* what a new line has there */
	const char *comments; /* begin a comment at the start of a line */
	bool nests;           /* sections by indentation, not by [headers] */
	bool is_strict;       /* a line that says nothing to us is an error, not a flag */
	bool (*is_bare)(const char *value); /* can it stand without quotes? */
};

/* --- what can stand without quotes -------------------------------------------------------------------------------- */

/* A boolean or a number. */
static bool is_bare_toml(const char *v)
{
	const char *digits = v + (*v == '+' || *v == '-');

	if (str_eq(v, "true") || str_eq(v, "false"))
		return true;
	if (str_starts(v, "0x"))
		return v[2] != '\0' && v[2 + strspn(v + 2, "0123456789abcdefABCDEF_")] == '\0';
	size_t n = strspn(digits, "0123456789_");
	if (n > 0 && digits[n] == '.' && isdigit((unsigned char)digits[n + 1]))
		n += 1 + strspn(digits + n + 1, "0123456789_");
	return n > 0 && digits[0] != '_' && digits[n] == '\0';
}

static bool is_bare_ini(const char *v)
{
	return v[0] != '\0' && strpbrk(v, ";#") == NULL && v[0] != '"' && v[0] != '\'' && v[0] != ' ' &&
	       v[strlen(v) - 1] != ' ';
}

static bool is_bare_yaml(const char *v)
{
	size_t len = strlen(v);

	return len > 0 && v[strspn(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+:-")] == '\0' &&
	       v[0] != ':' && v[len - 1] != ':' && (v[0] != '-' || isdigit((unsigned char)v[1]));
}

static const struct conffile_format formats[] = {
	{ ".toml",           "=",  " = ", "#",  false, true,  is_bare_toml },
	{ ".ini .conf .cfg", "=:", " = ", "#;", false, false, is_bare_ini  },
	{ ".yaml .yml",      ":",  ": ",  "#",  true,  true,  is_bare_yaml },
};

const struct conffile_format *conffile_format(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		for (const char *s = formats[i].suffixes; *s != '\0'; s += strspn(s, " ")) {
			size_t n = strcspn(s, " "), len = strlen(path);
			if (len > n && strncmp(path + len - n, s, n) == 0)
				return &formats[i];
			s += n;
		}
	return NULL;
}

/* --- the scan ----------------------------------------------------------------------------------------------------- */

struct spot { /* where an option is, or would be; offsets into the text */
	bool found, has_section;
	bool is_odd;        /* its value cannot be read by these rules */
	size_t from, to;    /* of the value, with its quotes */
	size_t at, next;    /* of its lines */
	size_t insert;      /* where a new line goes: behind the last one of the section */
	size_t indent;      /* of that line */
	char quote;         /* or NUL */
	unsigned line;
};

struct scan {
	const struct conffile_format *f;
	const char *text, *path, *option;
	size_t section_len;        /* of the option's section; its key stands behind the dot */
	struct strbuf section;     /* that lines are in: the header's */
	bool is_list;              /* [[header]]: not for us */
	struct {
		size_t indent, path_len;
	} stack[DEPTH_MAX];        /* keys that the line is inside of, nests only */
	size_t depth;
	size_t skip;               /* lines that are indented by more belong to something else; SIZE_MAX: none */
	size_t last_indent;
	unsigned number;
	struct spot *spot;
	struct hft_err *err;
};

static int refuse(const struct scan *s, const char *why)
{
	err_raise(s->err, ERR_CONFLICT, EEXIST, s->option, "%s:%u: %s", s->path, s->number, why);
	err_where(s->err, s->path, s->number);
	err_hint(s->err, "hfttune edits simple lines alone; write this value by hand, or the file in a simpler way");
	return -EEXIST;
}

static bool is_section(const struct scan *s, const char *name)
{
	return strlen(name) == s->section_len && strncmp(name, s->option, s->section_len) == 0;
}

/* The section is here, and a new line would go behind this one. */
static void note_section(struct scan *s, size_t indent, size_t next)
{
	s->spot->has_section = true;
	s->spot->insert = next;
	s->spot->indent = indent;
}

/* A key of the section; what goes on in the lines below is nothing to put a line behind. */
static void note_sibling(struct scan *s, size_t indent, size_t next, bool goes_on)
{
	s->spot->indent = indent;
	if (!goes_on)
		note_section(s, indent, next);
}

static bool is_comment_or_end(const struct scan *s, const char *p)
{
	p += strspn(p, BLANKS);
	return *p == '\0' || *p == '\n' || strchr(s->f->comments, *p) != NULL;
}

static int take_header(struct scan *s, const char *p, size_t next)
{
	const char *name = p + 1 + (p[1] == '[');
	size_t n = strcspn(name, "]\n");

	s->is_list = p[1] == '[';
	if (name[n] != ']' || (s->is_list && name[n + 1] != ']') || !is_comment_or_end(s, name + n + 1 + s->is_list))
		return refuse(s, "no section header that this can read");
	if (s->f->is_strict && memchr(name, '"', n) != NULL)
		return refuse(s, "a section in quotes");
	strbuf_reset(&s->section);
	strbuf_addn(&s->section, name, n);
	strbuf_trim(&s->section);
	if (is_section(s, strbuf_str(&s->section))) {
		if (s->is_list)
			return refuse(s, "one of several sections of this name");
		note_section(s, 0, next);
	}
	return 0;
}

/* The end of a value in quotes, behind the closing one; NULL: not in this line. */
static const char *end_of_quotes(const char *p, bool *ret_odd)
{
	for (const char *q = p + 1; *q != '\0' && *q != '\n'; q++) {
		if (*q == '\\' && *p == '"') {
			*ret_odd = true;
			q += q[1] != '\0' && q[1] != '\n';
		} else if (*q == *p && q[1] == *p && *p == '\'') { /* YAML: a quote */
			*ret_odd = true;
			q++;
		} else if (*q == *p)
			return q + 1;
	}
	return NULL;
}

/* A value without quotes: to a comment. An INI file's may hold what looks like one. */
static const char *end_of_bare(const struct scan *s, const char *p, bool *ret_odd)
{
	const char *end = p + strcspn(p, "\n"), *stop = end;

	for (const char *q = p; q < end && stop == end; q++) {
		bool starts = strchr(s->f->comments, *q) != NULL;
		bool spaced = q == p || strchr(BLANKS, q[-1]) != NULL;
		if (!starts || (!spaced && (s->f->nests || !s->f->is_strict)))
			continue;
		if (s->f->is_strict)
			stop = q;
		else
			*ret_odd = true;
	}
	while (stop > p && strchr(BLANKS, stop[-1]) != NULL)
		stop--;
	return stop;
}

struct token {
	const char *from, *to;
	char quote;
	bool is_odd, is_block;
};

static int take_value(struct scan *s, const char *p, struct token *ret)
{
	*ret = (struct token){ .from = p };
	if (*p == '"' || *p == '\'') {
		const char *end = end_of_quotes(p, &ret->is_odd);
		if (end != NULL && is_comment_or_end(s, end) && !(end - p == 2 && *end == *p)) {
			ret->to = end;
			ret->quote = *p;
			return 0;
		}
		if (s->f->is_strict)
			return refuse(s, "a text that goes on in the next line, or is followed by something");
	}
	ret->to = end_of_bare(s, p, &ret->is_odd);
	if (!s->f->is_strict || ret->to == p)
		return 0;
	ret->is_odd = ret->is_odd || strchr("[{&*!|>", *p) != NULL;
	ret->is_block = s->f->nests && (*p == '|' || *p == '>');
	if ((*p == '[' && ret->to[-1] != ']') || (*p == '{' && ret->to[-1] != '}'))
		return refuse(s, "a list or table that goes on in the next line");
	return 0;
}

static int note_value(struct scan *s, const struct token *t, size_t at, size_t next)
{
	struct spot *spot = s->spot;

	if (spot->found)
		return refuse(s, "the key is there a second time");
	spot->found = true;
	spot->is_odd = t->is_odd;
	spot->from = (size_t)(t->from - s->text);
	spot->to = (size_t)(t->to - s->text);
	spot->quote = t->quote;
	spot->at = at;
	spot->next = next;
	spot->line = s->number;
	return 0;
}

/* Leave what the indentation has left, and append the path of the rest to *ret. */
static void unwind(struct scan *s, size_t indent)
{
	while (s->depth > 0 && s->stack[s->depth - 1].indent >= indent)
		s->depth--;
	size_t keep = s->depth > 0 ? s->stack[s->depth - 1].path_len : 0;
	if (s->section.len > keep) {
		s->section.len = keep;
		s->section.s[keep] = '\0';
	}
}

/* A key with nothing behind it begins a section of YAML. */
static int enter(struct scan *s, const char *key, size_t len, size_t indent, size_t next)
{
	if (s->depth == DEPTH_MAX)
		return refuse(s, "sections in sections, too deep");
	if (s->section.len > 0)
		strbuf_addc(&s->section, '.');
	strbuf_addn(&s->section, key, len);
	s->stack[s->depth].indent = indent;
	s->stack[s->depth++].path_len = s->section.len;
	if (is_section(s, strbuf_str(&s->section)))
		note_section(s, indent + 2, next);
	return 0;
}

static bool is_key(const struct scan *s, const char *key, size_t len)
{
	const char *section = strbuf_str(&s->section);
	size_t n = strlen(section);

	if (strncmp(s->option, section, n) != 0 || (n > 0 && s->option[n] != '.'))
		return false;
	const char *rest = s->option + n + (n > 0);
	return strlen(rest) == len && strncmp(rest, key, len) == 0;
}

static int take_key(struct scan *s, const char *p, size_t indent, size_t at, size_t next)
{
	struct token t;
	size_t n = strcspn(p, s->f->nests ? ":\n" : s->f->assign[1] != '\0' ? "=:\n" : "=\n"), len = n;
	bool is_plain = strchr(s->f->assign, p[n]) != NULL && p[n] != '\0';

	if (s->f->nests && is_plain && p[n + 1] != '\0' && strchr(" \t\r\n", p[n + 1]) == NULL)
		is_plain = false; /* "a:b" is a text */
	if (!is_plain)
		return s->f->is_strict ? refuse(s, "no key with a value") : 0;
	while (len > 0 && strchr(BLANKS, p[len - 1]) != NULL)
		len--;
	if (s->f->is_strict && (len == 0 || strcspn(p, "\"'?&*!{}[]") < len))
		return refuse(s, "a key in quotes, or a list");
	const char *value = p + n + 1 + strspn(p + n + 1, BLANKS);
	int r = take_value(s, value, &t);
	if (r < 0)
		return r;
	if (is_section(s, strbuf_str(&s->section)) && !s->is_list)
		note_sibling(s, indent, next, s->f->nests && (t.is_block || t.from == t.to));
	if (t.is_block)
		s->skip = indent;
	if (!s->is_list && is_key(s, p, len)) {
		r = note_value(s, &t, at, next);
		if (r == 0 && s->f->nests && t.from == t.to)
			s->spot->is_odd = true; /* nothing, or a section */
	}
	if (r == 0 && s->f->nests && t.from == t.to)
		r = enter(s, p, len, indent, next);
	return r;
}

/* Lists of YAML are not for us, and neither is what is in them. */
static bool is_item(const char *p)
{
	return p[0] == '-' && strchr(" \t\r\n", p[1]) != NULL;
}

static int take_nested(struct scan *s, const char *p, size_t indent, size_t at, size_t next)
{
	if (memchr(s->text + at, '\t', (size_t)(p - s->text) - at) != NULL)
		return refuse(s, "a tab in the indentation");
	if (str_starts(p, "---") && s->number > 1 && s->last_indent != SIZE_MAX)
		return refuse(s, "a second document");
	if (str_starts(p, "---")) {
		s->spot->insert = next;
		return 0;
	}
	unwind(s, indent + is_item(p)); /* items may stand as far left as the key of their list */
	if (is_item(p)) {
		s->skip = indent;
		return 0;
	}
	if (s->depth > 0 && s->last_indent != SIZE_MAX && indent > s->last_indent &&
	    s->stack[s->depth - 1].indent != s->last_indent)
		return refuse(s, "a line that belongs to the one before");
	if (s->depth == 0 && s->last_indent != SIZE_MAX && indent > s->last_indent)
		return refuse(s, "a line that belongs to the one before");
	return take_key(s, p, indent, at, next);
}

static int take_line(struct scan *s, size_t at, size_t next)
{
	const char *p = s->text + at + strspn(s->text + at, BLANKS);
	size_t indent = (size_t)(p - s->text) - at;
	int r;

	if (s->skip != SIZE_MAX && (*p == '\n' || *p == '\0' || indent > s->skip))
		return 0;
	if (is_comment_or_end(s, p))
		return 0;
	if (s->skip != SIZE_MAX && s->f->nests)
		s->last_indent = s->skip;
	s->skip = SIZE_MAX;
	if (s->f->nests)
		r = take_nested(s, p, indent, at, next);
	else if (*p == '[')
		r = take_header(s, p, next);
	else if (!s->f->is_strict && indent > 0 && s->last_indent != SIZE_MAX && indent > s->last_indent)
		r = refuse(s, "a line that belongs to the one before");
	else
		r = take_key(s, p, indent, at, next);
	s->last_indent = !s->f->nests && *p == '[' ? SIZE_MAX : indent;
	return r;
}

static int find(const struct conffile_format *f, const char *text, const char *path, const char *option,
                struct spot *ret, struct hft_err *err)
{
	const char *dot = strrchr(option, '.');
	struct scan s = {
		.f = f, .text = text, .path = path, .option = option, .skip = SIZE_MAX, .last_indent = SIZE_MAX,
		.section_len = dot != NULL ? (size_t)(dot - option) : 0, .spot = ret, .err = err,
	};
	int r = 0;

	*ret = (struct spot){ .has_section = s.section_len == 0 };
	for (size_t at = 0, next; r == 0 && text[at] != '\0'; at = next) {
		size_t n = strcspn(text + at, "\n");
		next = at + n + (text[at + n] == '\n');
		s.number++;
		r = take_line(&s, at, next);
	}
	bool oom = s.section.oom;
	strbuf_done(&s.section);
	if (r == 0 && oom)
		return err_oom(err);
	s.number = ret->line;
	return r == 0 && ret->found && ret->is_odd ? refuse(&s, "no simple value") : r;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

int conffile_get(const struct conffile_format *f, const char *text, const char *path, const char *option,
                 struct strbuf *ret, struct hft_err *err)
{
	struct spot spot;

	strbuf_reset(ret);
	int r = find(f, text, path, option, &spot, err);
	if (r < 0 || !spot.found)
		return r;
	size_t quoted = spot.quote != '\0';
	strbuf_addn(ret, text + spot.from + quoted, spot.to - spot.from - 2 * quoted);
	if (ret->len == 0)
		strbuf_add(ret, EMPTY);
	return ret->oom ? err_oom(err) : 0;
}

/* The value in these quotes (NUL: none). False: they cannot hold it. */
static bool encode(const struct conffile_format *f, const char *value, char quote, struct strbuf *ret)
{
	const char *text = str_eq(value, EMPTY) ? "" : value;

	if (quote == '\0' && !f->is_bare(text) && !(text[0] == '\0' && !f->is_strict))
		return false;
	if (quote != '\0' && (strchr(text, quote) != NULL || strchr(text, '\\') != NULL))
		return false;
	if (quote != '\0')
		strbuf_addc(ret, quote);
	strbuf_add(ret, text);
	if (quote != '\0')
		strbuf_addc(ret, quote);
	return true;
}

static int refuse_value(const struct spot *spot, const char *path, const char *option, const char *value,
                        struct hft_err *err)
{
	err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, option, "%s:%u holds a value %s, which '%s' cannot be", path, spot->line,
	          spot->quote == '\0' ? "without quotes" : "in quotes", value);
	err_values(err, spot->quote == '\0' ? "what can stand without quotes" : "a text without quotes or backslashes", value);
	return -ERANGE;
}

static int replace(const struct conffile_format *f, const char *text, const char *path, const char *option,
                   const char *value, const struct spot *spot, struct strbuf *ret, struct hft_err *err)
{
	if (value[0] == '\0')
		return edited_lines(text, spot->at, spot->next, "", ret, err);
	strbuf_addn(ret, text, spot->from);
	if (!encode(f, value, spot->quote, ret))
		return refuse_value(spot, path, option, value, err);
	strbuf_add(ret, text + spot->to);
	return ret->oom ? err_oom(err) : 0;
}

static int insert(const struct conffile_format *f, const char *text, const char *path, const char *option,
                  const char *value, const struct spot *spot, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf line = { 0 };
	const char *dot = strrchr(option, '.');

	strbuf_addf(&line, "%*s%s%s", (int)spot->indent, "", dot != NULL ? dot + 1 : option, f->between);
	if (!encode(f, value, '\0', &line) && !encode(f, value, '"', &line))
		return refuse_value(&(struct spot){ .quote = '"' }, path, option, value, err);
	return line.oom ? err_oom(err) : edited_lines(text, spot->insert, spot->insert, strbuf_str(&line), ret, err);
}

int conffile_with(const struct conffile_format *f, const char *text, const char *path, const char *option,
                  const char *value, struct strbuf *ret, struct hft_err *err)
{
	struct spot spot;

	strbuf_reset(ret);
	int r = find(f, text, path, option, &spot, err);
	if (r < 0)
		return r;
	if (spot.found)
		return replace(f, text, path, option, value, &spot, ret, err);
	if (value[0] == '\0') {
		strbuf_add(ret, text);
		return ret->oom ? err_oom(err) : 0;
	}
	if (spot.has_section)
		return insert(f, text, path, option, value, &spot, ret, err);
	err_raise(err, ERR_CONFLICT, ENOENT, option, "%s has no section for %s", path, option);
	err_hint(err, "add the section by hand, empty");
	return -ENOENT;
}
