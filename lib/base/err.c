/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filling struct hft_err. Must not allocate, log or exit: it has to work when memory or descriptors have run out. */
#include "lib/base/err.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Errors travel as JSON, so a text that is too long is never cut inside a UTF-8 character. */
static size_t cut_before_partial(const char *s, size_t len)
{
	while (len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void put_text(char *field, size_t size, const char *text)
{
	if (text == NULL)
		text = "";
	size_t len = strnlen(text, size);
	if (len == size)
		len = cut_before_partial(text, size - 1);
	memmove(field, text, len); /* the text may be this very field, when an error is raised anew */
	field[len] = '\0';
}

/* Formatted beside the field first: an argument may point into the error that is being filled. */
static void put_format(char *field, size_t size, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));
static void put_format(char *field, size_t size, const char *fmt, va_list ap)
{
	char text[sizeof(((struct hft_err *)NULL)->msg) + 4]; /* 4: a cut shows as such, and not inside a character */

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	put_text(field, size, text);
}

int err_vraise(struct hft_err *err, const char *code, int sys, const char *subject, const char *fmt, va_list ap)
{
	int saved = errno;

	if (sys < 0)
		sys = -sys;
	if (err != NULL) {
		put_format(err->msg, sizeof(err->msg), fmt, ap);
		put_text(err->subject, sizeof(err->subject), subject);
		err->code = code;
		err->sys = sys;
		err->where[0] = err->wanted[0] = err->found[0] = err->hint[0] = '\0';
	}
	errno = saved;
	return sys != 0 ? -sys : -EINVAL;
}

int err_raise(struct hft_err *err, const char *code, int sys, const char *subject, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int r = err_vraise(err, code, sys, subject, fmt, ap);
	va_end(ap);
	return r;
}

int err_oom(struct hft_err *err)
{
	return err_raise(err, ERR_NO_MEMORY, ENOMEM, NULL, "out of memory");
}

void err_context(struct hft_err *err, const char *fmt, ...)
{
	if (err == NULL)
		return;

	char text[sizeof(err->msg)], joined[2 * sizeof(err->msg) + 2];
	va_list ap;

	va_start(ap, fmt);
	put_format(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(joined, sizeof(joined), "%s: %s", text, err->msg);
	put_text(err->msg, sizeof(err->msg), joined);
}

void err_where(struct hft_err *err, const char *file, unsigned line)
{
	if (err == NULL || file == NULL)
		return;

	char number[16] = "";
	char name[sizeof(err->where)];

	/* A path that is too long loses its end, never the line number. */
	if (line > 0)
		snprintf(number, sizeof(number), ":%u", line);
	put_text(name, sizeof(name) - strlen(number), file);
	size_t len = strlen(name);
	memmove(err->where, name, len);
	put_text(err->where + len, sizeof(err->where) - len, number);
}

void err_values(struct hft_err *err, const char *wanted, const char *found)
{
	if (err == NULL)
		return;
	put_text(err->wanted, sizeof(err->wanted), wanted);
	put_text(err->found, sizeof(err->found), found);
}

void err_hint(struct hft_err *err, const char *fmt, ...)
{
	if (err == NULL)
		return;

	va_list ap;

	va_start(ap, fmt);
	put_format(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}
