/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which jemalloc a service runs with, by the bytes of its program: the name of the variable depends on how jemalloc was
 * built, and an option that it does not know is passed over in silence. Runs nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/knobs/malloc_rows.h"
#include "daemon/knobs/unit_file.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define PROGRAM_MAX (64 * 1024 * 1024)
#define VARIABLE "MALLOC_CONF"
#define LIBRARY "libjemalloc"

void malloc_program_done(struct malloc_program *p)
{
	strbuf_done(&p->bytes);
}

/* The next place behind `from` where `text` ends a string; NULL: none. */
static const char *next_end(const struct strbuf *in, const char *from, const char *text)
{
	const char *end = strbuf_str(in) + in->len;

	return from < end ? memmem(from, (size_t)(end - from), text, strlen(text) + 1) : NULL;
}

static bool is_name_char(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_';
}

/* "MALLOC_CONF" with the prefix that stands before it, as a string of its own: messages name the variable, too. */
static bool find_variable(struct malloc_program *p)
{
	const char *begin = strbuf_str(&p->bytes);

	for (const char *at = begin; (at = next_end(&p->bytes, at, VARIABLE)) != NULL; at++) {
		const char *from = at;
		while (from > begin && is_name_char(from[-1]))
			from--;
		if (from > begin && from[-1] == '\0' && malloc_is_variable(from) &&
		    str_copy(p->variable, sizeof(p->variable), from))
			return true;
	}
	return false;
}

/* jemalloc names its options in what it tells ("opt.narenas") or where it parses them. */
bool malloc_program_knows(const struct malloc_program *p, const char *option)
{
	const char *begin = strbuf_str(&p->bytes);

	for (const char *at = begin; (at = next_end(&p->bytes, at, option)) != NULL; at++)
		if (at > begin && !is_name_char(at[-1]))
			return true;
	return false;
}

static int read_bytes(const struct knob_ctx *c, const char *path, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf real = { 0 };

	int r = unit_real_path(c, path, &real, err);
	return r < 0 ? r : fsio_read_file(c->fs, strbuf_str(&real), PROGRAM_MAX, ret, err);
}

/* "libjemalloc.so.2" as the program names it: an entry of its dynamic section. "" when it does not. */
static void find_library(const struct strbuf *program, char *ret, size_t size)
{
	const char *begin = strbuf_str(program), *end = begin + program->len, *at;

	ret[0] = '\0';
	for (const char *p = begin; p < end; p = at + 1) {
		at = memmem(p, (size_t)(end - p), LIBRARY, strlen(LIBRARY));
		if (at == NULL)
			return;
		size_t n = strnlen(at, (size_t)(end - at));
		if (at > begin && at[-1] == '\0' && n < size && memmem(at, n, ".so", 3) != NULL && strchr(at, '/') == NULL) {
			snprintf(ret, size, "%s", at);
			return;
		}
	}
}

/* Where the linker looks; a library of another architecture would not be loaded. */
static int read_library(const struct knob_ctx *c, const char *name, struct strbuf *ret, struct hft_err *err)
{
	static const char *const dirs[] = { "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib" };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		char path[256];
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (fsio_exists(c->fs, path))
			return read_bytes(c, path, ret, err);
	}
	return -ENOENT;
}

static int none(const char *unit, const char *program, const char *why, struct hft_err *err)
{
	return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, unit, "%s%s%s", program, program[0] != '\0' ? " " : "", why);
}

int malloc_program_read(const struct knob_ctx *c, const char *unit, struct malloc_program *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = { 0 };
	char library[64];

	ret->variable[0] = '\0';
	int r = unit_program(c, unit, &path, err);
	if (r < 0)
		return r;
	if (path.len == 0)
		return none(unit, "", "its files name no program", err);
	r = read_bytes(c, path.s, &ret->bytes, err);
	if (r == -ENOENT)
		return none(unit, path.s, "is not installed", err);
	if (r < 0 || find_variable(ret))
		return r;
	find_library(&ret->bytes, library, sizeof(library));
	if (library[0] == '\0')
		return none(unit, path.s, "has no jemalloc", err);
	r = read_library(c, library, &ret->bytes, err);
	if (r == -ENOENT)
		return none(unit, library, "is not installed", err);
	return r < 0 || find_variable(ret) ? r : none(unit, library, "reads no variable with options", err);
}
