/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for a terminal: escaping, wrapping, colour. Must not know what the text says, and must not print. */
#include "cli/text.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/num.h"

#define WIDTH_LEAST 40 /* a narrower terminal gets this, and wraps by itself */
#define WIDTH_MOST 10000

void text_done(struct text *t)
{
	strbuf_done(&t->b);
}

size_t text_width_of(int fd, const char *columns)
{
	struct winsize ws = { 0 };
	int64_t n;

	if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
		return ws.ws_col < WIDTH_LEAST ? WIDTH_LEAST : ws.ws_col;
	if (columns != NULL && num_parse_range(columns, WIDTH_LEAST, WIDTH_MOST, &n) == 0)
		return (size_t)n;
	return isatty(fd) ? TEXT_WIDTH : 0;
}

size_t text_width(const struct text *t)
{
	return t->width > 0 ? t->width : TEXT_WIDTH;
}

/* Bytes of the UTF-8 character at s, 0 when there is none. */
static size_t char_len(const char *s)
{
	for (size_t n = 1; n <= 4 && (n == 1 || s[n - 1] != '\0'); n++)
		if (str_is_utf8(s, n))
			return n;
	return 0;
}

void text_escape(struct strbuf *b, const char *s)
{
	while (*s != '\0') {
		size_t n = char_len(s);
		bool plain = n > 0 && !str_has_control(s, n);
		if (plain)
			strbuf_addn(b, s, n);
		for (size_t i = 0; !plain && i < (n > 0 ? n : 1); i++)
			strbuf_addf(b, "\\x%02x", (unsigned char)s[i]);
		s += n > 0 ? n : 1;
	}
}

static void add_escaped(struct text *t, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void add_escaped(struct text *t, const char *fmt, va_list ap)
{
	CLEANUP(strbuf_done) struct strbuf raw = { 0 };

	strbuf_vaddf(&raw, fmt, ap);
	text_escape(&t->b, strbuf_str(&raw));
	t->b.oom |= raw.oom;
}

void text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_escaped(t, fmt, ap);
	va_end(ap);
}

void text_line(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_escaped(t, fmt, ap);
	va_end(ap);
	text_nl(t);
}

void text_nl(struct text *t)
{
	strbuf_addc(&t->b, '\n');
}

void text_pad(struct text *t, size_t n)
{
	while (n-- > 0)
		strbuf_addc(&t->b, ' ');
}

void text_style(struct text *t, enum style style)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "\033[0m",  [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[2m",
		[STYLE_GOOD] = "\033[32m", [STYLE_NOTE] = "\033[33m", [STYLE_BAD] = "\033[1;31m",
	};

	if (t->colour)
		strbuf_add(&t->b, codes[style]);
}

void text_styled(struct text *t, enum style style, const char *fmt, ...)
{
	va_list ap;

	if (style != STYLE_PLAIN)
		text_style(t, style);
	va_start(ap, fmt);
	add_escaped(t, fmt, ap);
	va_end(ap);
	if (style != STYLE_PLAIN)
		text_style(t, STYLE_PLAIN);
}

/* --- wrapping ----------------------------------------------------------------------------------------------------- */

static size_t char_columns(const char *s, size_t len)
{
	char one[8] = { 0 };

	memcpy(one, s, len < sizeof(one) ? len : sizeof(one) - 1);
	return str_columns(one);
}

bool text_is_break(char c)
{
	return c != '\0' && strchr(",;/|", c) != NULL;
}

static size_t skip_blanks(const char *s, size_t i)
{
	while (s[i] == ' ')
		i++;
	return i;
}

size_t text_break(const char *s, size_t width, size_t *ret_next)
{
	size_t i = 0, columns = 0;
	size_t blank = 0, punct = 0; /* the last places where a break looks well */

	while (s[i] != '\0') {
		size_t n = char_len(s + i);
		n = n > 0 ? n : 1;
		size_t w = char_columns(s + i, n);
		if (s[i] == ' ')
			blank = i;
		if (columns + w > width && i > 0)
			break;
		columns += w;
		i += n;
		if (text_is_break(s[i - 1]) && s[i] != ' ')
			punct = i;
	}

	size_t end = s[i] == '\0' ? i : blank > 0 ? blank : punct > 0 ? punct : i;
	*ret_next = skip_blanks(s, end);
	while (end > 0 && s[end - 1] == ' ')
		end--;
	return end;
}

void text_wrap(struct text *t, size_t indent, const char *lead, const char *s)
{
	CLEANUP(strbuf_done) struct strbuf escaped = { 0 };
	size_t hang = indent + str_columns(lead);
	size_t width = text_width(t) > hang + 20 ? text_width(t) - hang : 20;

	text_escape(&escaped, s);
	text_pad(t, indent);
	strbuf_add(&t->b, lead);
	const char *rest = strbuf_str(&escaped);
	do {
		size_t next, n = text_break(rest, width, &next);
		strbuf_addn(&t->b, rest, n);
		text_nl(t);
		rest += next;
		if (*rest != '\0')
			text_pad(t, hang);
	} while (*rest != '\0');
	t->b.oom |= escaped.oom;
}
