/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob conffile: single values in the configuration files of applications, of those files alone that host.conf lists: a
 * profile says NAME, never a path. An object is "NAME SECTION.KEY", or "NAME UNIT SECTION.KEY" where host.conf names the
 * unit that has to be started anew to read the file, too.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/knobs/conffile.h"
#include "daemon/knobs/edited.h"
#include "daemon/knobs/unitfile.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

extern const struct knob knob_conffile;

#define SECTION "conffile"
#define STARTED "/run/systemd/units/invocation:"
#define FILE_MAX (1024 * 1024)
#define VALUE_MAX 1024
#define OPTION_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

/* A file, and the option in it. */
struct place {
	struct strbuf path, text;
	char *unit; /* as host.conf has it, or NULL */
	const struct conffile_format *format;
	const char *option;
};

static void place_done(struct place *p)
{
	strbuf_done(&p->path);
	strbuf_done(&p->text);
	mem_freep(&p->unit);
}

static bool is_option(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < 128 && strspn(s, OPTION_CHARS) == n && s[0] != '.' && s[n - 1] != '.' && strstr(s, "..") == NULL;
}

/* "PATH UNIT" */
static int split_unit(struct place *p, const char *name, struct hft_err *err)
{
	char *blank = strchr(p->path.s, ' ');

	if (blank == NULL)
		return 0;
	const char *unit = blank + strspn(blank, " ");
	if (!unitfile_is_service(unit))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, name,
		                 "host.conf: write `%s = FILE` or `%s = FILE UNIT`; \"%s\" is no name of a service", name, name,
		                 unit);
	p->unit = strdup(unit);
	*blank = '\0';
	p->path.len = (size_t)(blank - p->path.s);
	return p->unit != NULL ? 0 : err_oom(err);
}

static int path_of(const struct knob_ctx *c, const char *name, struct place *ret, struct hft_err *err)
{
	int r = knob_host_conf(c, SECTION, name, &ret->path, err);

	if (r < 0)
		return r;
	if (r == 0) {
		err_raise(err, ERR_NO_MATCH, ENOENT, name, "host.conf lists no file \"%s\"", name);
		err_hint(err, "write `%s = FILE` into its section [" SECTION "]", name);
		return -ENOENT;
	}
	r = split_unit(ret, name, err);
	if (r < 0)
		return r;
	ret->format = conffile_format(strbuf_str(&ret->path));
	if (ret->format != NULL)
		return 0;
	return err_raise(err, ERR_INVALID_PROFILE, EINVAL, name, "the name of %s ends with none of " CONFFILE_SUFFIXES,
	                 strbuf_str(&ret->path));
}

static int read_text(const struct knob_ctx *c, struct place *p, struct hft_err *err)
{
	const char *path = strbuf_str(&p->path);

	int r = fsio_read_file(c->fs, path, FILE_MAX, &p->text, err);
	if (r == 0 && !str_is_utf8(strbuf_str(&p->text), p->text.len))
		return err_raise(err, ERR_IO, EINVAL, path, "%s is no text", path);
	return r;
}

static int place_of(const struct knob_ctx *c, const char *key, struct place *ret, struct hft_err *err)
{
	const char *blank = strrchr(key, ' ');
	CLEANUP(mem_freep) char *name = str_dup_n(key, strcspn(key, " "));

	if (blank == NULL || !is_option(blank + 1))
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "names no value of a file");
	if (name == NULL)
		return err_oom(err);
	ret->option = blank + 1;
	/* A file that host.conf does not list any more is not gone, but out of reach. */
	int r = path_of(c, name, ret, err);
	if (r == -ENOENT && err != NULL)
		err->code = ERR_IO;
	return r < 0 ? r : read_text(c, ret, err);
}

static int conffile_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                         struct hft_err *err)
{
	CLEANUP(place_done) struct place p = { 0 };

	if (!is_option(option))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "\"%s\" is no SECTION.KEY", option);
	if (selector[0] == '\0' || strchr(selector, ' ') != NULL)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option,
		                 "knob conffile wants a name that host.conf lists: [PHASE/conffile NAME]");
	int r = path_of(c, selector, &p, err);
	if (r < 0)
		return r;
	CLEANUP(mem_freep) char *key =
		str_printf("%s%s%s %s", selector, p.unit != NULL ? " " : "", p.unit != NULL ? p.unit : "", option);
	CLEANUP(mem_freep) char *na = str_printf("there is no %s", strbuf_str(&p.path));
	if (key == NULL || na == NULL)
		return err_oom(err);
	return knob_objects_add(ret, key, NULL, fsio_exists(c->fs, strbuf_str(&p.path)) ? NULL : na, err);
}

/* Whether the value fits into the place that is there for it is seen by trying. */
static int conffile_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                          struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(place_done) struct place p = { 0 };
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	size_t len = strlen(value);

	strbuf_reset(ret);
	if (!is_option(option))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "\"%s\" is no SECTION.KEY", option);
	if (len == 0 || len > VALUE_MAX || str_has_control(value, len))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "a value of one line, of at most %d bytes; \"\" is "
		                 "the empty one", VALUE_MAX);
	strbuf_add(ret, value);
	int r = key != NULL ? place_of(c, key, &p, err) : 0;
	if (r == 0 && key != NULL)
		r = conffile_with(p.format, strbuf_str(&p.text), strbuf_str(&p.path), p.option, value, &text, err);
	return r < 0 ? r : ret->oom ? err_oom(err) : 0;
}

static int conffile_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(place_done) struct place p = { 0 };

	strbuf_reset(ret);
	int r = place_of(c, key, &p, err);
	return r < 0 ? r : conffile_get(p.format, strbuf_str(&p.text), strbuf_str(&p.path), p.option, ret, err);
}

static int conffile_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	CLEANUP(place_done) struct place p = { 0 };
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	int r = place_of(c, key, &p, err);
	if (r == 0)
		r = conffile_with(p.format, strbuf_str(&p.text), strbuf_str(&p.path), p.option, value, &text, err);
	return r < 0 ? r : edited_write(c, strbuf_str(&p.path), &p.text, &text, err);
}

/* Was the unit started before the file was changed? The link is made when a unit starts, and goes when it stops. */
static bool is_read_before(const struct knob_ctx *c, const char *unit, const char *path)
{
	CLEANUP(mem_freep) char *link = str_printf(STARTED "%s", unit);
	struct stat start, file;

	if (link == NULL || fsio_link_stat(c->fs, link, &start, NULL) < 0 || fsio_stat(c->fs, path, &file, NULL) < 0)
		return false;
	return file.st_ctim.tv_sec > start.st_mtim.tv_sec ||
	       (file.st_ctim.tv_sec == start.st_mtim.tv_sec && file.st_ctim.tv_nsec > start.st_mtim.tv_nsec);
}

static int conffile_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                           struct hft_err *err)
{
	CLEANUP(place_done) struct place p = { 0 };

	ret->reason[0] = '\0';
	int r = place_of(c, key, &p, err);
	if (r == 0)
		r = conffile_get(p.format, strbuf_str(&p.text), strbuf_str(&p.path), p.option, &ret->found, err);
	if (r < 0)
		return r;
	ret->state = strcmp(strbuf_str(&ret->found), wanted) == 0 ? KNOB_OK : KNOB_DRIFT;
	if (ret->state == KNOB_OK && p.unit != NULL && is_read_before(c, p.unit, strbuf_str(&p.path))) {
		ret->state = KNOB_PENDING;
		snprintf(ret->reason, sizeof(ret->reason), "restart");
	}
	return 0;
}

static void conffile_let_go(const struct knob_ctx *c, const char *key, const struct strlist *held)
{
	CLEANUP(place_done) struct place p = { 0 };

	if (place_of(c, key, &p, NULL) == 0)
		edited_let_go(c, strbuf_str(&p.path), key, held);
}

/* "NAME UNIT SECTION.KEY" */
static bool conffile_restarts(const char *key, char ret_unit[static KNOB_UNIT_MAX])
{
	const char *unit = strchr(key, ' '), *end = unit != NULL ? strchr(++unit, ' ') : NULL;

	if (end == NULL)
		return false;
	snprintf(ret_unit, KNOB_UNIT_MAX, "%.*s", (int)(end - unit), unit);
	return true;
}

static int conffile_explain(size_t i, struct knob_doc *ret)
{
	static const struct knob_doc doc = {
		.option = "SECTION.KEY",
		.summary = "a value in a TOML, INI or YAML file that host.conf lists in [" SECTION "]",
		.unit = "text",
		.bounds = "one line; \"\" is the empty one",
		.risk = 2,
		.effect = EFFECT_RESTART,
		.counter = "",
		.changes = "",
		.source = "the application's documentation",
		.traps = "hfttune does not know what the application makes of it; quotes stay as they are in the file; texts of "
			 "several lines, anchors, and what stands in lists or [[tables]] are refused",
	};

	if (i > 0)
		return -ENOENT;
	*ret = doc;
	return 0;
}

const struct knob knob_conffile = {
	.name = "conffile",
	.summary = "values in configuration files of applications",
	.selector = "NAME of host.conf",
	.persistent = true,
	.list = conffile_list,
	.parse = conffile_parse,
	.read = conffile_read,
	.write = conffile_write,
	.verify = conffile_verify,
	.let_go = conffile_let_go,
	.restarts = conffile_restarts,
	.explain = conffile_explain,
};
