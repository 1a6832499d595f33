/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors with their place in the text, and which names and values are fit for one. Must not know the language. */
#include "daemon/profile/parts.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "lib/base/err.h"

int profile_fail(struct hft_err *err, const struct place *at, const char *subject, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int r = err_vraise(err, at->argument ? ERR_INVALID_ARGUMENT : ERR_INVALID_PROFILE, 0, subject, fmt, ap);
	va_end(ap);
	err_where(err, at->file, at->line);
	return r;
}

int profile_blame(struct hft_err *err, const struct place *at, int r)
{
	if (err->where[0] != '\0' || str_eq(err->code, ERR_NO_MEMORY))
		return r;
	err_where(err, at->file, at->line);
	if (!str_eq(err->code, ERR_INVALID_ARGUMENT) && !str_eq(err->code, ERR_OUT_OF_BOUNDS))
		return r;
	err->code = at->argument ? ERR_INVALID_ARGUMENT : ERR_INVALID_PROFILE;
	err->sys = 0;
	return -EINVAL;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool profile_is_name(const char *s)
{
	size_t len = strnlen(s, PROFILE_NAME_MAX + 1);

	if (len == 0 || len > PROFILE_NAME_MAX || s[0] == '.' || s[0] == '_' || s[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_name_char(s[i]))
			return false;
	return true;
}

bool profile_is_clean(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && s[i] >= ' ' && s[i] <= '~')
		i++;
	return i == len || (str_is_utf8(s + i, len - i) && !str_has_control(s + i, len - i));
}

int profile_check_name(const char *name, struct hft_err *err)
{
	if (profile_is_name(name))
		return 0;
	size_t len = strnlen(name, PROFILE_LINE_MAX);
	return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, profile_is_clean(name, len) ? name : NULL,
	                 "a name has 1 to %d of a-z 0-9 . _ - and begins with a letter or digit", PROFILE_NAME_MAX);
}
