/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and rendering of the drop-in. Must not write a value that its table would not take. */
#include "daemon/knobs/dropin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/knobs/malloc_rows.h"
#include "daemon/knobs/others.h"
#include "daemon/knobs/service_rows.h"
#include "daemon/knobs/unit_file.h"
#include "lib/base/durable.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define FILE_MAX (64 * 1024)
#define LINE_MAX_BYTES 1024 /* systemd took longer ones apart once */

#define HEAD "# Settings of hfttune for this unit; `hfttune rollback` takes them out again. Do not edit:\n" \
             "# what is to stay belongs into a file of its own beside this one.\n"
#define MADE_DIR "# The directory was made for this file, and goes with it."
#define ENVIRONMENT "Environment="

void dropin_done(struct dropin *d)
{
	mem_freep(&d->path);
	strlist_done(&d->properties);
	strlist_done(&d->options);
}

const char *dropin_split_key(const char *key, char ret_unit[static DROPIN_UNIT_MAX])
{
	const char *blank = strchr(key, ' ');
	size_t n = blank != NULL ? (size_t)(blank - key) : 0;

	if (n == 0 || n >= DROPIN_UNIT_MAX)
		return NULL;
	snprintf(ret_unit, DROPIN_UNIT_MAX, "%.*s", (int)n, key);
	return unit_check_name(ret_unit, NULL, NULL) < 0 ? NULL : blank + 1;
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

static size_t find(const struct strlist *l, const char *name)
{
	size_t i = 0, n = strlen(name);

	while (i < l->n && (strncmp(l->s[i], name, n) != 0 || l->s[i][n] != '='))
		i++;
	return i;
}

const char *dropin_get(const struct strlist *l, const char *name)
{
	size_t i = find(l, name);

	return i < l->n ? l->s[i] + strlen(name) + 1 : "";
}

int dropin_set(struct strlist *l, const char *name, const char *value)
{
	size_t i = find(l, name);

	if (i < l->n) {
		free(l->s[i]);
		l->s[i] = l->s[--l->n];
	}
	return value[0] != '\0' ? strlist_take(l, str_printf("%s=%s", name, value)) : 0;
}

/* --- what may stand there ------------------------------------------------------------------------------------------ */

static enum unit_kind kind_of(const char *unit)
{
	enum unit_kind kind = UNIT_SERVICE;

	unit_check_name(unit, &kind, NULL);
	return kind;
}

/* Is it a property of such a unit, with a value as the table makes it? */
static bool is_property(const char *unit, const char *name, const char *value)
{
	CLEANUP(strbuf_done) struct strbuf canonical = { 0 };
	const struct service_row *row = service_row(name);

	return row != NULL && (row->kinds & 1U << kind_of(unit)) != 0 &&
	       service_value_parse(NULL, row, value, &canonical, NULL) == 0 && strcmp(strbuf_str(&canonical), value) == 0;
}

static bool is_option(const char *name, const char *value)
{
	CLEANUP(strbuf_done) struct strbuf canonical = { 0 };
	const struct row *row = malloc_row(name);

	return row != NULL && row_value_parse(NULL, row, NULL, value, &canonical, NULL) == 0 &&
	       strcmp(strbuf_str(&canonical), value) == 0;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* "MALLOC_CONF=narenas:2,dirty_decay_ms:1000"; 1: it is that, 0: something else. */
static int take_options(struct dropin *d, char *text)
{
	char *value = strchr(text, '='), *rest = NULL;

	if (value == NULL || d->variable[0] != '\0')
		return 0;
	*value++ = '\0';
	if (!malloc_is_variable(text) || !str_copy(d->variable, sizeof(d->variable), text))
		return 0;
	for (char *pair = value; pair != NULL; pair = rest) {
		rest = strchr(pair, ',');
		if (rest != NULL)
			*rest++ = '\0';
		char *colon = strchr(pair, ':');
		if (colon == NULL)
			return 0;
		*colon++ = '\0';
		if (!is_option(pair, colon) || dropin_get(&d->options, pair)[0] != '\0')
			return 0;
		if (dropin_set(&d->options, pair, colon) < 0)
			return -ENOMEM;
	}
	return 1;
}

/* What is the same in every drop-in, and "". */
static bool is_frame(const char *line)
{
	static const char *const frame[] = { "[Unit]", "[Service]", "[Slice]", "[Scope]", "Wants=" DROPIN_REPLAY,
		                             "After=" DROPIN_REPLAY };

	for (size_t i = 0; i < ARRAY_LEN(frame); i++)
		if (strcmp(line, frame[i]) == 0)
			return true;
	return line[0] == '\0' || line[0] == '#';
}

static int take_line(const char *unit, struct dropin *d, char *line)
{
	if (strcmp(line, MADE_DIR) == 0)
		d->made_dir = true;
	if (is_frame(line))
		return 1;
	if (str_starts(line, ENVIRONMENT))
		return take_options(d, line + strlen(ENVIRONMENT));
	char *value = strchr(line, '=');
	if (value == NULL)
		return 0;
	*value++ = '\0';
	if (!is_property(unit, line, value) || dropin_get(&d->properties, line)[0] != '\0')
		return 0;
	return dropin_set(&d->properties, line, value) < 0 ? -ENOMEM : 1;
}

static int read_lines(const char *unit, struct dropin *d, char *text, struct hft_err *err)
{
	unsigned n = 0;

	for (char *line = text, *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		n++;
		int r = take_line(unit, d, line);
		if (r < 0)
			return err_oom(err);
		if (r > 0)
			continue;
		err_raise(err, ERR_CONFLICT, EEXIST, unit, "%s:%u is not a line of hfttune", d->path, n);
		err_where(err, d->path, n);
		err_hint(err, "move it to a file of its own in that directory, and take it out there");
		return -EEXIST;
	}
	return 0;
}

/* Where the file is not, its directory changed when it went; or the one above, with the directory. */
static uint64_t changed(const struct knob_ctx *c, const char *path)
{
	CLEANUP(mem_freep) char *at = strdup(path);
	struct stat st = { 0 };

	for (char *slash = at; slash != NULL && fsio_stat(c->fs, at, &st, NULL) == -ENOENT;) {
		slash = strrchr(at, '/');
		if (slash == NULL || slash == at)
			break;
		*slash = '\0';
	}
	return (uint64_t)st.st_mtim.tv_sec * 1000000 + (uint64_t)st.st_mtim.tv_nsec / 1000;
}

int dropin_read(const struct knob_ctx *c, const char *unit, struct dropin *ret, struct hft_err *err)
{
	CLEANUP(dropin_done) struct dropin d = { 0 };
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	struct hft_err own = { 0 };

	d.path = str_printf("/etc/systemd/system/%s.d/50-hfttune.conf", unit);
	if (d.path == NULL)
		return err_oom(err);
	int r = fsio_read_file(c->fs, d.path, FILE_MAX, &text, &own);
	if (r == 0 && text.len > 0)
		r = read_lines(unit, &d, text.s, &own);
	if (r < 0 && r != -ENOENT) {
		if (err != NULL)
			*err = own;
		return r;
	}
	d.changed_us = changed(c, d.path);
	dropin_done(ret);
	*ret = d;
	d = (struct dropin){ 0 };
	return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* What hfttune-replay.service waits for: its After=, and what is implied. The other tools of others.h are so as well. */
static bool is_before_replay(const char *unit)
{
	static const char *const targets[] = { "basic.target", "network-pre.target", "network.target", "paths.target",
		                               "sockets.target", "sysinit.target", "timers.target" };

	if (str_starts(unit, "systemd-") || str_starts(unit, "dbus") || other_find(unit) != NULL)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		if (strcmp(unit, targets[i]) == 0)
			return true;
	return false;
}

struct start {
	const struct knob_ctx *c;
	struct strlist seen; /* units whose files were read */
	unsigned depth;      /* 1: those of the unit itself */
	bool is_early;
};

static int follow(struct start *s, const char *unit);

/* A target comes after what it wants. Without the default dependencies a unit may start with the first ones; of a target
 * they say nothing. */
static int note_start(void *data, const char *name, const char *value, const char *where)
{
	CLEANUP(strlist_done) struct strlist units = { 0 };
	struct start *s = data;
	int r = 0;

	(void)where;
	if (s->depth == 1 && strcmp(name, "DefaultDependencies") == 0 && value[0] != '\0' &&
	    (strchr("nNfF0", value[0]) != NULL || str_starts(value, "of")))
		s->is_early = true;
	if (strcmp(name, "Before") != 0 && strcmp(name, "WantedBy") != 0 && strcmp(name, "RequiredBy") != 0)
		return 0;
	if (strlist_split(&units, value, " \t") < 0)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && !s->is_early && i < units.n; i++)
		r = name[0] == 'B' || str_ends(units.s[i], ".target") ? follow(s, units.s[i]) : 0;
	return r;
}

/* What starts before a unit that starts before replay does so as well. */
static int follow(struct start *s, const char *unit)
{
	s->is_early = is_before_replay(unit);
	if (s->is_early || strlist_has(&s->seen, unit))
		return 0;
	if (strlist_add(&s->seen, unit) < 0)
		return -ENOMEM;
	s->depth++;
	int r = unit_each_setting(s->c, unit, "[", note_start, s, NULL);
	s->depth--;
	return r == -ENOMEM ? r : 0; /* a name that makes no sense says nothing */
}

/* A service waits for replay, but for one that replay waits for, by its own word: systemd would break the ring by leaving
 * one of them out. A slice has nothing to wait for, and replay runs in one. */
static int is_after_replay(const struct knob_ctx *c, const char *unit, struct hft_err *err)
{
	struct start s = { .c = c };

	if (!str_ends(unit, ".service"))
		return 0;
	int r = follow(&s, unit);
	strlist_done(&s.seen);
	return r < 0 ? err_oom(err) : !s.is_early;
}

int dropin_note(const struct knob_ctx *c, const char *unit, struct strbuf *ret, struct hft_err *err)
{
	int r = str_ends(unit, ".service") ? is_after_replay(c, unit, err) : 1;

	if (r == 0)
		strbuf_addf(ret, "%sthe unit starts before " DROPIN_REPLAY ": at boot the rest is in force only later",
		            ret->len > 0 ? "; " : "");
	return r < 0 ? r : 0;
}

static void render_options(const struct dropin *d, struct strbuf *ret)
{
	char separator = '=';

	for (size_t i = 0; i < n_malloc_rows; i++) {
		const char *value = dropin_get(&d->options, malloc_rows[i].option);
		if (value[0] == '\0')
			continue;
		if (separator == '=')
			strbuf_addf(ret, ENVIRONMENT "%s", d->variable);
		strbuf_addf(ret, "%c%s:%s", separator, malloc_rows[i].option, value);
		separator = ',';
	}
	if (d->options.n > 0)
		strbuf_addc(ret, '\n');
}

static void render(const char *unit, const struct dropin *d, bool made_dir, bool is_after, struct strbuf *ret)
{
	static const char *const sections[] = {
		[UNIT_SERVICE] = "[Service]\n", [UNIT_SLICE] = "[Slice]\n", [UNIT_SCOPE] = "[Scope]\n",
	};

	strbuf_add(ret, HEAD);
	if (made_dir)
		strbuf_add(ret, MADE_DIR "\n");
	if (is_after)
		strbuf_add(ret, "\n[Unit]\nWants=" DROPIN_REPLAY "\nAfter=" DROPIN_REPLAY "\n");
	strbuf_addf(ret, "\n%s", sections[kind_of(unit)]);
	for (size_t i = 0; i < n_service_rows; i++) {
		const char *value = dropin_get(&d->properties, service_rows[i].row.option);
		if (value[0] != '\0')
			strbuf_addf(ret, "%s=%s\n", service_rows[i].row.option, value);
	}
	render_options(d, ret);
}

/* I2: read back as it would be read from the file. What came from a table is taken by it; what did not is not written. */
static int check_rendered(const char *unit, const struct dropin *d, const char *text, struct hft_err *err)
{
	CLEANUP(mem_freep) char *copy = strdup(text);
	CLEANUP(dropin_done) struct dropin again = { 0 };

	again.path = strdup(d->path);
	if (copy == NULL || again.path == NULL)
		return err_oom(err);
	int r = read_lines(unit, &again, copy, NULL);
	if (r == -ENOMEM)
		return err_oom(err);
	bool whole = r == 0 && again.properties.n == d->properties.n && again.options.n == d->options.n;
	for (const char *line = text; whole && *line != '\0'; line += strcspn(line, "\n") + 1)
		whole = strcspn(line, "\n") <= LINE_MAX_BYTES;
	return whole ? 0
	             : err_raise(err, ERR_WRITE_FAILED, EINVAL, unit, "a value that the drop-in of %s must not hold", unit);
}

int dropin_write(const struct knob_ctx *c, const char *unit, const struct dropin *d, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	CLEANUP(mem_freep) char *dir = str_dup_n(d->path, (size_t)(strrchr(d->path, '/') - d->path));

	if (dir == NULL)
		return err_oom(err);
	bool made_dir = d->made_dir || !fsio_exists(c->fs, dir);
	if (d->properties.n == 0 && d->options.n == 0)
		return made_dir ? durable_remove_with_dir(c->fs, d->path, err) : durable_remove(c->fs, d->path, err);
	int r = is_after_replay(c, unit, err);
	if (r < 0)
		return r;
	render(unit, d, made_dir, r == 1, &text);
	if (text.oom)
		return err_oom(err);
	r = check_rendered(unit, d, text.s, err);
	return r < 0 ? r : durable_replace_in_dir(c->fs, d->path, text.s, text.len, 0644, err);
}
