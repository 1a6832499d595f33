/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a unit, and the one line that is asked for. Must not judge what is in them. */
#include "daemon/knobs/unitfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define UNIT_MAX (64 * 1024)
#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@"
#define EXEC_START "ExecStart="

/* Where unit files are, the most important first (systemd.unit(5)); what is not there is passed over. */
static const char *const dirs[] = { "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
	                            "/usr/lib/systemd/system", "/lib/systemd/system" };

bool unitfile_is_service(const char *name)
{
	size_t len = strlen(name);

	return len < 256 && len > strlen(".service") && str_ends(name, ".service") && strspn(name, NAME_CHARS) == len &&
	       name[0] != '.' && name[0] != '@';
}

struct found {
	struct strbuf line; /* behind the last ExecStart= */
	char *path;
};

static void found_done(struct found *f)
{
	strbuf_done(&f->line);
	mem_freep(&f->path);
}

/* An empty assignment takes back the ones before; a backslash at the end goes on in the next line. */
static int scan(const char *path, char *text, struct found *ret, struct hft_err *err)
{
	for (char *p = text; (p = strstr(p, "\\\n")) != NULL;)
		memcpy(p, "  ", 2);
	for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
		line += strspn(line, " \t");
		if (!str_starts(line, EXEC_START))
			continue;
		strbuf_reset(&ret->line);
		strbuf_add(&ret->line, line + strlen(EXEC_START));
		strbuf_trim(&ret->line);
		mem_freep(&ret->path);
		ret->path = strdup(path);
		if (ret->path == NULL || ret->line.oom)
			return err_oom(err);
	}
	return 0;
}

/* 1: read; 0: it is not there. */
static int scan_file(const struct knob_ctx *c, const char *path, struct found *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	int r = fsio_read_file(c->fs, path, UNIT_MAX, &text, err);
	if (r == -ELOOP) {
		err_raise(err, ERR_NO_MATCH, ELOOP, path, "%s is a symbolic link: an alias, or masked", path);
		err_hint(err, "name the unit itself (`systemctl show -p Id`), and unmask it");
		return -ELOOP;
	}
	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	r = text.len > 0 ? scan(path, text.s, ret, err) : 0;
	return r < 0 ? r : 1;
}

struct dropin {
	const char *dir, *name;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct dropin *)a)->name, ((const struct dropin *)b)->name);
}

/* Drop-ins count in the order of their names; of two with one name, that of the more important directory. */
static int scan_dropins(const struct knob_ctx *c, const char *name, struct found *ret, struct hft_err *err)
{
	struct strlist names[ARRAY_LEN(dirs)] = { 0 };
	struct dropin all[128];
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(dirs); i++) {
		CLEANUP(mem_freep) char *dir = str_printf("%s/%s.d", dirs[i], name);
		r = dir == NULL ? err_oom(err) : fsio_list(c->fs, dir, &names[i], err);
		if (r == -ENOENT || r == -ELOOP || r == -ENOTDIR) /* /lib is a link where it is merged with /usr */
			r = 0;
		for (size_t k = 0; k < names[i].n && n < ARRAY_LEN(all); k++) {
			size_t same = 0;
			while (same < n && strcmp(all[same].name, names[i].s[k]) != 0)
				same++;
			if (same == n && str_ends(names[i].s[k], ".conf"))
				all[n++] = (struct dropin){ dirs[i], names[i].s[k] };
		}
	}
	qsort(all, n, sizeof(*all), by_name);
	for (size_t k = 0; r == 0 && k < n; k++) {
		CLEANUP(mem_freep) char *path = str_printf("%s/%s.d/%s", all[k].dir, name, all[k].name);
		r = path == NULL ? err_oom(err) : scan_file(c, path, ret, err);
		r = r > 0 ? 0 : r;
	}
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		strlist_done(&names[i]);
	return r;
}

/* The unit's own file: the most important one alone. 1: there is one. */
static int scan_main(const struct knob_ctx *c, const char *name, struct found *ret, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(dirs); i++) {
		CLEANUP(mem_freep) char *dir = strdup(dirs[i]);
		CLEANUP(mem_freep) char *path = str_printf("%s/%s", dirs[i], name);
		CLEANUP(strbuf_done) struct strbuf target = { 0 };
		if (path == NULL || dir == NULL)
			return err_oom(err);
		*strchr(dir + 1, '/') = '\0';
		if (fsio_link_target(c->fs, dir, &target, NULL) == 0)
			continue; /* /lib */
		r = scan_file(c, path, ret, err);
	}
	return r;
}

/* "redis-server@a.service" is made of "redis-server@.service"; what stands between is its instance. */
static char *template_of(const char *name)
{
	const char *at = strchr(name, '@');

	return at != NULL ? str_printf("%.*s@.service", (int)(at - name), name) : NULL;
}

/* One character of a word; of the specifiers only the instance is filled in. */
static void add_char(const char **p, const char *name, struct strbuf *word)
{
	const char *at = strchr(name, '@');

	if (**p != '%' || (*p)[1] == '\0') {
		strbuf_addc(word, **p);
		return;
	}
	(*p)++;
	if ((**p == 'i' || **p == 'I') && at != NULL)
		strbuf_addn(word, at + 1, strlen(at + 1) - strlen(".service"));
	else if (**p == '%')
		strbuf_addc(word, '%');
	else
		strbuf_addf(word, "%%%c", **p);
}

static int split(const char *line, const char *name, struct strlist *ret)
{
	line += strspn(line, "@-:+!|");
	for (const char *p = line + strspn(line, " \t"); *p != '\0'; p += strspn(p, " \t")) {
		struct strbuf word = { 0 };
		for (char quote = '\0'; *p != '\0' && (quote != '\0' || (*p != ' ' && *p != '\t')); p++) {
			if (quote == '\0' && (*p == '"' || *p == '\''))
				quote = *p;
			else if (quote != '\0' && *p == quote)
				quote = '\0';
			else
				add_char(&p, name, &word);
		}
		if (strlist_take(ret, strbuf_take(&word)) < 0)
			return -ENOMEM;
	}
	return 0;
}

int unitfile_exec_start(const struct knob_ctx *c, const char *name, struct strlist *ret, char **ret_path,
                        struct hft_err *err)
{
	CLEANUP(found_done) struct found found = { 0 };
	CLEANUP(mem_freep) char *template = template_of(name);

	int r = scan_main(c, name, &found, err);
	if (r == 0 && template != NULL)
		r = scan_main(c, template, &found, err);
	if (r == 0)
		return err_raise(err, ERR_NO_MATCH, ENOENT, name, "this host has no unit %s", name);
	if (r > 0 && template != NULL)
		r = scan_dropins(c, template, &found, err);
	if (r >= 0)
		r = scan_dropins(c, name, &found, err);
	if (r < 0)
		return r;
	if (split(strbuf_str(&found.line), name, ret) < 0)
		return err_oom(err);
	if (ret->n == 0)
		return err_raise(err, ERR_NO_MATCH, ENOENT, name, "the unit %s has no command line", name);
	*ret_path = TAKE_PTR(found.path);
	return 0;
}
