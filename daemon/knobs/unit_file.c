/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and files of units. Must not interpret a setting, but for the program of ExecStart=. */
#include "daemon/knobs/unit_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define UNIT_NAME_MAX 255
#define FILE_MAX (256 * 1024)
#define LINKS_MAX 40
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@"

/* Where systemd looks, the first wins. */
static const char *const unit_dirs[] = {
	"/etc/systemd/system", "/run/systemd/transient", "/run/systemd/system", "/run/systemd/generator",
	"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
};

/* --- names -------------------------------------------------------------------------------------------------------- */

static const char *const suffixes[] = {
	[UNIT_SERVICE] = ".service", [UNIT_SLICE] = ".slice", [UNIT_SCOPE] = ".scope",
};

static int refuse_name(const char *unit, const char *why, struct hft_err *err)
{
	return err_raise(err, ERR_INVALID_PROFILE, EINVAL, unit, "\"%s\" %s", unit, why);
}

/* What would lock out hfttune itself, or has no settings of its own. */
static bool is_off_limits(const char *unit)
{
	return str_match("hfttune*", unit) || strcmp(unit, "-.slice") == 0 || strcmp(unit, "init.scope") == 0;
}

int unit_check_name(const char *unit, enum unit_kind *ret, struct hft_err *err)
{
	size_t kind = 0, len = strlen(unit);

	while (kind < ARRAY_LEN(suffixes) && !str_ends(unit, suffixes[kind]))
		kind++;
	if (len == 0 || len > UNIT_NAME_MAX || strspn(unit, NAME_CHARS) != len || unit[0] == '.' || unit[0] == '@')
		return refuse_name(unit, "cannot be the name of a unit", err);
	if (kind == ARRAY_LEN(suffixes) || len == strlen(suffixes[kind]))
		return refuse_name(unit, "is no service, slice or scope; write the whole name, with its ending", err);
	const char *at = strchr(unit, '@');
	if (at != NULL && strcmp(at + 1, suffixes[kind]) == 0)
		return refuse_name(unit, "is a template; name an instance of it", err);
	if (is_off_limits(unit))
		return refuse_name(unit, "is not given settings: hfttune itself depends on it", err);
	if (ret != NULL)
		*ret = (enum unit_kind)kind;
	return 0;
}

/* "foo@.service" of "foo@a.service"; NULL *ret: not an instance. */
static int template_of(const char *unit, char **ret, struct hft_err *err)
{
	const char *at = strchr(unit, '@');

	*ret = NULL;
	if (at == NULL)
		return 0;
	*ret = str_printf("%.*s%s", (int)(at + 1 - unit), unit, strrchr(unit, '.'));
	return *ret != NULL ? 0 : err_oom(err);
}

/* --- links -------------------------------------------------------------------------------------------------------- */

static void cut_last(struct strbuf *path)
{
	const char *slash = path->len > 0 ? memrchr(path->s, '/', path->len) : NULL;

	if (slash != NULL) {
		path->len = (size_t)(slash - path->s);
		path->s[path->len] = '\0';
	}
}

/* Add one component to a path without links. A link is replaced by its target, before what is left. */
static int step_into(const struct knob_ctx *c, struct strbuf *path, const char *name, int n, char **rest,
                     struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf target = { 0 };
	struct hft_err own;

	strbuf_addf(path, "/%.*s", n, name);
	int r = fsio_link_target(c->fs, strbuf_str(path), &target, &own);
	if (r == -EINVAL) /* no link */
		return 0;
	if (r < 0 && err != NULL)
		*err = own;
	if (r < 0)
		return r;
	char *left = str_printf("%s%s", strbuf_str(&target), name + n);
	if (left == NULL)
		return err_oom(err);
	cut_last(path);
	if (left[0] == '/')
		strbuf_reset(path);
	free(*rest);
	*rest = left;
	return 1;
}

int unit_real_path(const struct knob_ctx *c, const char *path, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *rest = strdup(path);
	const char *p = rest;

	strbuf_reset(ret);
	for (int links = 0; p != NULL && *p != '\0';) {
		int n = (int)strcspn(p, "/"), r = 0;
		if (n == 2 && strncmp(p, "..", 2) == 0)
			cut_last(ret);
		else if (n > 0 && !(n == 1 && *p == '.'))
			r = step_into(c, ret, p, n, &rest, err);
		if (r < 0)
			return r;
		if (r > 0 && ++links > LINKS_MAX)
			return err_raise(err, ERR_IO, ELOOP, path, "too many symbolic links in %s", path);
		p = r > 0 ? rest : p + n + (p[n] == '/');
	}
	return p == NULL || ret->oom ? err_oom(err) : 0;
}

/* --- which file --------------------------------------------------------------------------------------------------- */

/* The first directory that has the name: its path with links followed in *ret, "" when none has it. */
static int find_fragment(const struct knob_ctx *c, const char *name, struct strbuf *ret, struct hft_err *err)
{
	strbuf_reset(ret);
	for (size_t i = 0; i < ARRAY_LEN(unit_dirs); i++) {
		char path[512];
		snprintf(path, sizeof(path), "%s/%s", unit_dirs[i], name);
		/* a link to nowhere is no file */
		if (!fsio_exists(c->fs, path) || unit_real_path(c, path, ret, NULL) == -ENOENT)
			continue;
		return unit_real_path(c, path, ret, err);
	}
	strbuf_reset(ret);
	return 0;
}

/* Of the unit, or of its template. */
static int fragment(const struct knob_ctx *c, const char *unit, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *template = NULL;

	int r = find_fragment(c, unit, ret, err);
	if (r < 0 || ret->len > 0)
		return r;
	r = template_of(unit, &template, err);
	return r < 0 || template == NULL ? r : find_fragment(c, template, ret, err);
}

int unit_check_installed(const struct knob_ctx *c, const char *unit, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = { 0 };
	CLEANUP(mem_freep) char *template = NULL;

	int r = fragment(c, unit, &path, err);
	if (r == 0)
		r = template_of(unit, &template, err);
	if (r < 0)
		return r;
	if (path.len == 0)
		return str_ends(unit, ".slice") ? 0
		                                : err_raise(err, ERR_NO_MATCH, ENOENT, unit, "%s is not installed", unit);
	const char *name = strrchr(path.s, '/') + 1;
	if (strcmp(path.s, "/dev/null") == 0) {
		err_raise(err, ERR_NO_MATCH, ENOENT, unit, "%s is masked", unit);
		err_hint(err, "systemctl unmask %s", unit);
		return -ENOENT;
	}
	if (strcmp(name, unit) == 0 || str_eq(name, template))
		return 0;
	err_raise(err, ERR_NO_MATCH, ENOENT, unit, "%s is another name of %s", unit, name);
	err_hint(err, "write %s: its settings are kept under that name", name);
	return -ENOENT;
}

/* --- drop-ins ----------------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "NAME/PATH" of each drop-in directory of one unit name; the first that has a NAME wins. */
static int add_dropins(const struct knob_ctx *c, const char *unit, struct strlist *names, struct strlist *paths,
                       struct hft_err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(unit_dirs); i++) {
		CLEANUP(strlist_done) struct strlist found = { 0 };
		char dir[512];
		snprintf(dir, sizeof(dir), "%s/%s.d", unit_dirs[i], unit);
		if (fsio_list(c->fs, dir, &found, NULL) == -ENOMEM)
			return err_oom(err);
		for (size_t k = 0; k < found.n; k++) {
			if (!str_ends(found.s[k], ".conf") || strlist_has(names, found.s[k]))
				continue;
			if (strlist_add(names, found.s[k]) < 0 ||
			    strlist_take(paths, str_printf("%s/%s/%s", found.s[k], dir + 1, found.s[k])) < 0)
				return err_oom(err);
		}
	}
	return 0;
}

/* All files of a unit in the order of reading. */
static int list_files(const struct knob_ctx *c, const char *unit, struct strlist *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = { 0 };
	CLEANUP(strlist_done) struct strlist paths = { 0 };
	CLEANUP(strbuf_done) struct strbuf main_file = { 0 };
	CLEANUP(mem_freep) char *template = NULL;

	int r = fragment(c, unit, &main_file, err);
	if (r == 0)
		r = template_of(unit, &template, err);
	if (r == 0)
		r = add_dropins(c, unit, &names, &paths, err);
	if (r == 0 && template != NULL)
		r = add_dropins(c, template, &names, &paths, err);
	if (r < 0)
		return r;
	if (main_file.len > 0 && strlist_add(ret, main_file.s) < 0)
		return err_oom(err);
	if (paths.n > 0)
		qsort(paths.s, paths.n, sizeof(*paths.s), compare_names); /* by name, and no name is there twice */
	for (size_t i = 0; i < paths.n; i++)
		if (strlist_add(ret, strchr(paths.s[i], '/')) < 0)
			return err_oom(err);
	return 0;
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

struct walk {
	const char *path, *section;
	unsigned line;
	bool in_section;
	unit_setting_fn *fn;
	void *data;
};

static int take_line(struct walk *w, char *text)
{
	char where[512];
	char *value = strchr(text, '=');

	if (text[0] == '[')
		w->in_section = str_starts(text, w->section);
	if (!w->in_section || value == NULL || strchr("[#;", text[0]) != NULL)
		return 0;
	*value++ = '\0';
	value += strspn(value, " \t");
	for (char *end = text + strlen(text); end > text && (end[-1] == ' ' || end[-1] == '\t');)
		*--end = '\0';
	snprintf(where, sizeof(where), "%s:%u", w->path, w->line);
	return w->fn(w->data, text, value, where);
}

/* A line that ends with a backslash goes on in the next one. */
static int walk_text(struct walk *w, char *text)
{
	CLEANUP(strbuf_done) struct strbuf whole = { 0 };
	int r = 0;
	unsigned n = 0;

	for (char *line = text, *next; r == 0 && line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		n++;
		line += strspn(line, " \t");
		if (whole.len > 0 && (*line == '#' || *line == ';'))
			continue;
		if (whole.len == 0)
			w->line = n;
		strbuf_add(&whole, line);
		strbuf_trim(&whole);
		if (whole.len > 0 && whole.s[whole.len - 1] == '\\' && next != NULL) {
			whole.s[whole.len - 1] = ' ';
			continue;
		}
		if (whole.oom)
			return -ENOMEM;
		r = whole.len > 0 ? take_line(w, whole.s) : 0;
		strbuf_reset(&whole);
	}
	return r;
}

int unit_each_setting(const struct knob_ctx *c, const char *unit, const char *section, unit_setting_fn *fn, void *data,
                      struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist files = { 0 };

	int r = list_files(c, unit, &files, err);
	for (size_t i = 0; r == 0 && i < files.n; i++) {
		CLEANUP(strbuf_done) struct strbuf text = { 0 };
		struct walk w = { .path = files.s[i], .section = section, .fn = fn, .data = data };
		if (fsio_read_file(c->fs, files.s[i], FILE_MAX, &text, NULL) == 0 && text.len > 0)
			r = walk_text(&w, text.s);
	}
	return r == -ENOMEM ? err_oom(err) : r;
}

/* The last ExecStart= counts; an empty one forgets those before. "-/usr/bin/x", "@/usr/bin/x x", "!!/usr/bin/x". */
static int note_program(void *data, const char *name, const char *value, const char *where)
{
	struct strbuf *program = data;

	(void)where;
	if (strcmp(name, "ExecStart") != 0)
		return 0;
	strbuf_reset(program);
	value += strspn(value, "@-:+!\"");
	if (value[0] == '/')
		strbuf_addn(program, value, strcspn(value, " \t\""));
	return program->oom ? -ENOMEM : 0;
}

int unit_program(const struct knob_ctx *c, const char *unit, struct strbuf *ret, struct hft_err *err)
{
	strbuf_reset(ret);
	return unit_each_setting(c, unit, "[Service]", note_program, ret, err);
}
