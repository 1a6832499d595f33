/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line per event on stderr, in one write(2). Must not allocate: running out of memory is something to log. */
#include "lib/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define MESSAGE_MAX 2048

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{ "error",   LOG_LEVEL_ERROR   },
	{ "warning", LOG_LEVEL_WARNING },
	{ "info",    LOG_LEVEL_INFO    },
	{ "debug",   LOG_LEVEL_DEBUG   },
};

static enum log_level max_level = LOG_LEVEL_INFO;

int log_level_parse(const char *text, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (str_eq(levels[i].name, text)) {
			*ret = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

void log_set_level(enum log_level level)
{
	max_level = level;
}

static const char *level_name(enum log_level level)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (levels[i].level == level)
			return levels[i].name;
	return "?";
}

/* journald hands a service a stream socket, and it alone knows what "<N>" means (sd-daemon(3)). */
static bool is_journal(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Bytes of the printable character at s, or 0 when its first byte has to be escaped. */
static size_t printable(const char *s)
{
	unsigned char lead = (unsigned char)s[0];
	size_t n = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if (strnlen(s, n) < n || !str_is_utf8(s, n) || str_has_control(s, n))
		return 0;
	return n;
}

/* out has room for four times the message. Returns the end. */
static char *escape(char *out, const char *s)
{
	while (*s != '\0') {
		size_t n = printable(s);
		if (n > 0) {
			out = mempcpy(out, s, n);
			s += n;
		} else {
			out += sprintf(out, "\\x%02x", (unsigned char)*s++);
		}
	}
	return out;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	if (level > max_level)
		return;

	int saved = errno;
	char message[MESSAGE_MAX], line[128 + 4 * MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(message, sizeof(message), fmt, ap) < 0)
		message[0] = '\0';
	va_end(ap);

	char *end = line;
	if (is_journal())
		end += snprintf(line, 128, "<%d>", (int)level);
	else
		end += snprintf(line, 128, "%.64s: %s: ", program_invocation_short_name, level_name(level));
	end = escape(end, message);
	*end++ = '\n';
	/* A log that nobody takes is no reason to fail; the line is whole or not there. */
	while (write(STDERR_FILENO, line, (size_t)(end - line)) < 0 && errno == EINTR)
		;
	errno = saved;
}
