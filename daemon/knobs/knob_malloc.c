/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob malloc: options of jemalloc for a service, in the variable that its jemalloc reads, in the drop-in of the service
 * (dropin.h). An object is one option of one unit, its key "UNIT OPTION". Judged by the environment of the process.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/knobs/malloc_rows.h"
#include "daemon/knobs/redis.h"
#include "daemon/knobs/service_rows.h"
#include "daemon/knobs/unit_filter.h"
#include "daemon/knobs/unit_knob.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

extern const struct knob knob_malloc;

#define THP "/sys/kernel/mm/transparent_hugepage/enabled"

/* --- objects ------------------------------------------------------------------------------------------------------ */

static int malloc_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                       struct hft_err *err)
{
	CLEANUP(malloc_program_done) struct malloc_program p = { 0 };
	struct hft_err why = { 0 };
	enum unit_kind kind;

	if (malloc_row(option) == NULL)
		return row_unknown_option("malloc", option, err);
	int r = unit_check_name(selector, &kind, err);
	if (r < 0)
		return r;
	if (kind != UNIT_SERVICE)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, selector, "%s is no service: it runs no program",
		                 selector);
	r = malloc_program_read(c, selector, &p, &why);
	if (r < 0 && strcmp(why.code, ERR_NOT_APPLICABLE) != 0) {
		if (err != NULL)
			*err = why;
		return r;
	}
	return unit_knob_list(c, selector, option, r < 0 ? why.msg : NULL, ret, err);
}

/* The variable in somebody else's Environment= line: ours would take the place of all that it says. */
struct foreign {
	const char *variable;
	char where[256];
};

static int note_variable(void *data, const char *name, const char *value, const char *where)
{
	struct foreign *f = data;
	size_t n = strlen(f->variable);

	if (strcmp(name, "Environment") != 0 || strstr(where, "/50-hfttune.conf:") != NULL)
		return 0;
	if (value[0] == '\0') /* forgets those before */
		f->where[0] = '\0';
	for (const char *at = value; (at = strstr(at, f->variable)) != NULL; at++)
		if ((at == value || strchr(" \t\"'", at[-1]) != NULL) && at[n] == '=')
			snprintf(f->where, sizeof(f->where), "%s", where);
	return 0;
}

static int refuse_foreign(const struct knob_ctx *c, const char *unit, const char *option, const char *variable,
                          struct hft_err *err)
{
	struct foreign f = { .variable = variable };

	int r = unit_each_setting(c, unit, "[Service]", note_variable, &f, err);
	if (r < 0 || f.where[0] == '\0')
		return r;
	err_raise(err, ERR_CONFLICT, EEXIST, option, "%s sets %s already", f.where, variable);
	err_hint(err, "take it out there, and set its options here: the last line that sets a variable counts alone");
	return -EEXIST;
}

/* Threads of jemalloc that pin themselves: refused, because the unit would be killed as soon as they do. */
static int refuse_deadly(const struct knob_ctx *c, const char *unit, const char *option, const char *value,
                         struct hft_err *err)
{
	char where[256];

	if (strcmp(option, "percpu_arena") != 0 || strcmp(value, "disabled") == 0)
		return 0;
	int r = unit_filter_kills(c, unit, where, err);
	if (r <= 0)
		return r;
	err_raise(err, ERR_CONFLICT, EPERM, option, "%s would be killed: its SystemCallFilter= at %s has no sched_setaffinity, "
	          "which jemalloc's background threads call with %s = %s", unit, where, option, value);
	err_hint(err, "leave it out, or give the unit a drop-in with SystemCallFilter=sched_setaffinity");
	return -EPERM;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int check_on_host(const struct knob_ctx *c, const char *unit, const char *option, const char *value,
                         struct hft_err *err)
{
	CLEANUP(malloc_program_done) struct malloc_program p = { 0 };

	int r = malloc_program_read(c, unit, &p, err);
	if (r < 0)
		return r;
	if (!malloc_program_knows(&p, option)) {
		err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "the jemalloc of %s does not know %s", unit, option);
		err_hint(err, "it would pass over it in silence: take it out");
		return -EINVAL;
	}
	r = refuse_foreign(c, unit, option, p.variable, err);
	return r < 0 ? r : refuse_deadly(c, unit, option, value, err);
}

static int malloc_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                        struct strbuf *ret, struct hft_err *err)
{
	const struct row *row = malloc_row(option);
	char unit[DROPIN_UNIT_MAX];

	if (row == NULL)
		return row_unknown_option("malloc", option, err);
	int r = row_value_parse(c, row, NULL, value, ret, err);
	if (r < 0 || key == NULL)
		return r;
	return dropin_split_key(key, unit) == NULL ? -EINVAL : check_on_host(c, unit, option, strbuf_str(ret), err);
}

static int malloc_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	return unit_knob_read(c, key, true, ret, err);
}

/* The variable is that of the program as it is now; one that was replaced reads another one. */
static int choose_variable(const struct knob_ctx *c, const char *unit, struct dropin *d, struct hft_err *err)
{
	CLEANUP(malloc_program_done) struct malloc_program p = { 0 };

	int r = malloc_program_read(c, unit, &p, err);
	if (r == 0)
		snprintf(d->variable, sizeof(d->variable), "%s", p.variable);
	return r;
}

static int malloc_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	CLEANUP(dropin_done) struct dropin d = { 0 };
	char unit[DROPIN_UNIT_MAX];
	const char *option;

	int r = unit_knob_open(c, key, unit, &option, &d, err);
	if (r == 0 && value[0] != '\0') /* what is taken out needs no program, which may be gone by now */
		r = choose_variable(c, unit, &d, err);
	if (r < 0)
		return r;
	return dropin_set(&d.options, option, value) < 0 ? err_oom(err) : dropin_write(c, unit, &d, err);
}

/* --- the effect ---------------------------------------------------------------------------------------------------- */

struct question {
	const char *unit, *variable, *option;
};

/* The value of an option in "narenas:2,thp:never"; the last one counts. */
static void value_of(const char *conf, const char *option, struct strbuf *ret)
{
	size_t n = strlen(option);

	for (const char *p = conf; *p != '\0'; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ',')) {
		if (strncmp(p, option, n) != 0 || p[n] != ':')
			continue;
		strbuf_reset(ret);
		strbuf_addn(ret, p + n + 1, strcspn(p + n + 1, ","));
	}
}

static int malloc_loaded(const struct systemd_unit *u, const void *data, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf lines = { 0 };
	const struct question *q = data;
	size_t n = strlen(q->variable);
	char *rest = NULL;

	strbuf_reset(ret);
	int r = systemd_property(u, "Environment", &lines, err);
	for (char *line = lines.s; r == 0 && line != NULL; line = rest) {
		rest = strchr(line, '\n');
		if (rest != NULL)
			*rest++ = '\0';
		if (strncmp(line, q->variable, n) == 0 && line[n] == '=')
			value_of(line + n + 1, q->option, ret);
	}
	return r;
}

/* A program that writes its title there (Redis) takes the place of its environment. What systemd has loaded is what it was
 * started with, if it was started since. 2: so it is. */
static int has_lost_environment(const struct knob_ctx *c, unsigned pid)
{
	CLEANUP(strbuf_done) struct strbuf id = { 0 };

	int r = process_variable(c, pid, "INVOCATION_ID", &id); /* systemd gives it to every service */
	return r < 0 ? r : id.len > 0 ? 0 : 2;
}

static bool runs_redis(const struct knob_ctx *c, const char *unit)
{
	CLEANUP(strbuf_done) struct strbuf path = { 0 };

	return unit_program(c, unit, &path, NULL) == 0 &&
	       (str_ends(strbuf_str(&path), "/redis-server") || str_ends(strbuf_str(&path), "/valkey-server"));
}

/* What jemalloc itself says, where that is the value as it was given: sizes are rounded. 2: it cannot be asked. */
static int holds_in_redis(const struct knob_ctx *c, const struct question *q, const char *expected, struct strbuf *found)
{
	static const char *const as_given[] = { "narenas", "dirty_decay_ms", "muzzy_decay_ms", "metadata_thp", "thp",
		                                "background_thread", "retain", "tcache", "dss" };
	CLEANUP(redis_unit_done) struct redis_unit u = { 0 };
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	char line[64];
	size_t i = 0;

	while (i < ARRAY_LEN(as_given) && strcmp(as_given[i], q->option) != 0)
		i++;
	snprintf(line, sizeof(line), "  opt.%s: ", q->option);
	if (i == ARRAY_LEN(as_given) || !runs_redis(c, q->unit) || redis_unit_load(c, q->unit, &u, NULL) < 0 ||
	    redis_server_malloc(c, &u, &text, NULL) <= 0 || strstr(strbuf_str(&text), line) == NULL)
		return 2;
	const char *is = strstr(text.s, line) + strlen(line);
	is += strspn(is, "\""); /* words stand in quotes, numbers and truths do not */
	size_t len = strcspn(is, "\" \n");
	strbuf_addf(found, "MEMORY MALLOC-STATS says %.*s", (int)len, is);
	return strlen(expected) == len && strncmp(is, expected, len) == 0;
}

static int malloc_holds(const struct knob_ctx *c, const struct systemd_unit *u, const void *data, const char *expected,
                        struct strbuf *found)
{
	CLEANUP(strbuf_done) struct strbuf conf = { 0 };
	CLEANUP(strbuf_done) struct strbuf is = { 0 };
	const struct question *q = data;

	int r = process_variable(c, u->pid, q->variable, &conf);
	if (r == 0 && conf.len == 0)
		r = has_lost_environment(c, u->pid);
	if (r == 2 && expected[0] != '\0')
		return holds_in_redis(c, q, expected, found);
	if (r != 0)
		return r;
	value_of(strbuf_str(&conf), q->option, &is);
	strbuf_addf(found, "the process was started with %s=%s", q->variable, strbuf_str(&conf));
	return strcmp(strbuf_str(&is), expected) == 0;
}

static int malloc_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                         struct hft_err *err)
{
	CLEANUP(dropin_done) struct dropin d = { 0 };
	struct hft_err why = { 0 };
	char unit[DROPIN_UNIT_MAX];
	const char *option;

	int r = unit_knob_open(c, key, unit, &option, &d, &why);
	if (r == 0 && d.variable[0] == '\0' && !c->copied)
		choose_variable(c, unit, &d, NULL); /* a program that is gone reads none */
	if (r < 0)
		return unit_judge_foreign(r, &why, ret, err);
	return unit_judge(c, &(struct unit_question){
		.unit = unit,
		.wanted = wanted,
		.written = dropin_get(&d.options, option),
		.changed_us = d.changed_us,
		.loaded = malloc_loaded,
		.holds = malloc_holds,
		.data = &(struct question){ unit, d.variable[0] != '\0' ? d.variable : "MALLOC_CONF", option },
	}, ret, err);
}

/* --- what overrides it ---------------------------------------------------------------------------------------------- */

static const char *note_thp(const struct knob_ctx *c, const char *unit, const char *value)
{
	CLEANUP(strbuf_done) struct strbuf enabled = { 0 };

	(void)unit;
	if (strcmp(value, "always") != 0 && strcmp(value, "auto") != 0)
		return NULL;
	fsio_probe(c->fs, THP, &enabled);
	return strstr(strbuf_str(&enabled), "[never]") != NULL ? "transparent huge pages are `never`: it has no effect" : NULL;
}

static const char *note_background(const struct knob_ctx *c, const char *unit, const char *value)
{
	(void)value;
	return runs_redis(c, unit) ? "Redis sets it anew when it starts: what counts is its jemalloc-bg-thread" : NULL;
}

static int note_affinity(void *data, const char *name, const char *value, const char *where)
{
	struct cpuset *set = data;

	(void)where;
	if (strcmp(name, "CPUAffinity") == 0 && cpuset_parse(value, set, NULL) < 0)
		cpuset_zero(set);
	return 0;
}

static const char *note_arenas(const struct knob_ctx *c, const char *unit, const char *value)
{
	struct cpuset set = { 0 };

	(void)value;
	if (unit_each_setting(c, unit, "[Service]", note_affinity, &set, NULL) < 0 || cpuset_count(&set) != 1)
		return NULL;
	return "the unit is pinned to one CPU, where jemalloc would take one arena";
}

static const char *note_percpu(const struct knob_ctx *c, const char *unit, const char *value)
{
	struct cpuset set = { 0 };

	if (strcmp(value, "disabled") == 0 || unit_each_setting(c, unit, "[Service]", note_affinity, &set, NULL) < 0 ||
	    cpuset_is_empty(&set))
		return NULL;
	return "the unit may not use all CPUs: jemalloc turns it off";
}

static int malloc_note(const struct knob_ctx *c, const char *key, const char *value, struct strbuf *ret,
                       struct hft_err *err)
{
	static const struct {
		const char *option;
		const char *(*note)(const struct knob_ctx *c, const char *unit, const char *value);
	} notes[] = {
		{ "background_thread", note_background }, { "metadata_thp", note_thp }, { "narenas", note_arenas },
		{ "percpu_arena", note_percpu },          { "thp", note_thp },
	};
	char unit[DROPIN_UNIT_MAX];
	const char *option = dropin_split_key(key, unit), *text = NULL;

	if (option == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(notes); i++)
		if (strcmp(notes[i].option, option) == 0)
			text = notes[i].note(c, unit, value);
	strbuf_add(ret, text != NULL ? text : "");
	return dropin_note(c, unit, ret, err);
}

static int malloc_explain(size_t i, struct knob_doc *ret)
{
	if (i >= n_malloc_rows)
		return -ENOENT;
	row_doc(&malloc_rows[i], ret);
	return 0;
}

const struct knob knob_malloc = {
	.name = "malloc",
	.summary = "options of jemalloc for a service, in a drop-in",
	.selector = "SERVICE",
	.persistent = true,
	.list = malloc_list,
	.parse = malloc_parse,
	.read = malloc_read,
	.write = malloc_write,
	.verify = malloc_verify,
	.take_effect = unit_knob_take_effect,
	.restarts = unit_knob_restarts,
	.note = malloc_note,
	.explain = malloc_explain,
};
