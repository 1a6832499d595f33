/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which settings the benchmark writes: asked of the daemon (Explain), found in the tree, changed by as little as the
 * bounds allow, and proven by a plan and an apply that is rolled back. What is refused is tried another way, then
 * left out: the benchmark measures what works and says how many there are.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/bench/bench.h"

#define HEADER_LINES 8 /* of the profile, before its first setting */
#define ATTEMPTS 4

static void setting_done(struct setting *s)
{
	free(s->option);
	free(s->path);
}

void settings_done(struct settings *l)
{
	for (size_t i = 0; i < l->n; i++)
		setting_done(&l->s[i]);
	free(l->s);
	*l = (struct settings){0};
}

static struct setting *add(struct settings *l)
{
	if (mem_grow(&l->s, &l->cap, l->n, sizeof(*l->s)) < 0)
		die("settings", "out of memory");
	l->s[l->n] = (struct setting){0};
	return &l->s[l->n++];
}

/* --- another value ---------------------------------------------------------------------------------------------- */

/* The last number of the text, changed in the way that the attempt says. False: there is none, or no way. */
static bool change(struct setting *s)
{
	const char *last = strrchr(s->was, '\t');
	const char *number = last ? last + 1 : s->was;
	char *end;
	int64_t n, to[ATTEMPTS];

	errno = 0;
	n = strtoll(number, &end, 10);
	if (end == number || *end || errno || n > INT32_MAX)
		return false;
	to[0] = n + 1; /* the least that is another value */
	to[1] = n - 1;
	to[2] = n * 2; /* what the kernel rounds to a power of two */
	to[3] = n + 20; /* what it keeps in ticks */
	for (; s->attempt < ATTEMPTS; s->attempt++) {
		int64_t t = to[s->attempt];

		if (t < s->min || t > s->max || t == n)
			continue;
		snprintf(s->want, sizeof(s->want), "%.*s%" PRId64, (int)(number - s->was), s->was, t);
		return true;
	}
	return false;
}

/* The next way for a value that was refused. */
static void refuse(struct setting *s)
{
	s->attempt++;
	s->dropped = !change(s);
}

/* --- what there is ---------------------------------------------------------------------------------------------- */

static bool read_value(const char *file, char *ret)
{
	CLEANUP(mem_closep) int fd = open(file, O_RDWR | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, VALUE_SIZE - 1);

	if (n <= 0)
		return false;
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

/* The option that a file below /proc/sys stands for; where a name holds a dot, nobody needs the setting. */
static void add_file(struct settings *l, const char *root, const char *file, int64_t min, int64_t max)
{
	const char *path = file + strlen(root), *name;
	struct setting s = {.min = min, .max = max};

	path += strspn(path, "/");
	name = path + strlen("proc/sys/");
	if (strchr(name, '.') || !read_value(file, s.was) || !change(&s))
		return;
	s.option = must(strdup(name));
	s.path = must(strdup(path));
	for (char *p = s.option; *p; p++)
		*p = *p == '/' ? '.' : *p;
	*add(l) = s;
}

/* Of the instances that a '*' stands for, the templates are left out: they change the other ones. */
static bool is_template(const char *file)
{
	return strstr(file, "/default/") || strstr(file, "/all/");
}

static void add_row(struct settings *l, const char *root, const struct json *row)
{
	CLEANUP(mem_freep) char *pattern = str_printf("%s/proc/sys/%s", root, json_get_string(row, "option", ""));
	const char *bounds = json_get_string(row, "bounds", ""), *each = strstr(bounds, "each ");
	int64_t min = 0, max = INT32_MAX;
	glob_t found;

	for (char *p = must(pattern) + strlen(root) + strlen("/proc/sys/"); *p; p++)
		*p = *p == '.' ? '/' : *p;
	sscanf(each ? each + strlen("each ") : bounds, "%" SCNd64 "..%" SCNd64, &min, &max);
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (!strchr(pattern, '*') || !is_template(found.gl_pathv[i]))
			add_file(l, root, found.gl_pathv[i], min, max);
	}
	globfree(&found);
}

static bool is_allowed(const char *option, const char *const *allow)
{
	for (; *allow; allow++) {
		if (fnmatch(*allow, option, 0) == 0)
			return true;
	}
	return false;
}

static void leave_out(struct settings *l, bool (*out)(const struct setting *s, const void *data), const void *data)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (out(&l->s[i], data))
			setting_done(&l->s[i]);
		else
			l->s[kept++] = l->s[i];
	}
	l->n = kept;
}

static bool not_allowed(const struct setting *s, const void *data)
{
	return !is_allowed(s->option, data);
}

static bool is_dropped(const struct setting *s, const void *data)
{
	(void)data;
	return s->dropped;
}

/*
 * Does a write leave every other file alone? One that changes others makes the daemon read and the kernel write more
 * than the floor's loop shows. A row that names itself is changed by its template alone.
 */
static bool stands_alone(const struct json *row)
{
	const char *changes = json_get_string(row, "changes", "");

	return !*changes || (str_starts(changes, "sysctl:") &&
	                     str_eq(changes + strlen("sysctl:"), json_get_string(row, "option", "")));
}

static void find(struct caller *c, const struct settings_wanted *w, struct settings *l)
{
	const char *root = strcmp(w->root, "/") == 0 ? "" : w->root;
	struct json *p = must(json_new_object());
	const struct json *reply;

	json_set_string(p, "subject", "sysctl");
	reply = caller_call(c, "org.hfttune.Tuner.Explain", p, false, NULL);
	for (const struct json *row = json_first(json_get(reply, "rows")); row; row = json_next(row)) {
		if (json_get_int(row, "risk", 9) <= w->max_risk && stands_alone(row))
			add_row(l, root, row);
	}
	leave_out(l, not_allowed, w->allow);
}

/* --- the files -------------------------------------------------------------------------------------------------- */

static FILE *create(const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f)
		die(path, "%s", strerror(errno));
	return f;
}

static void finish(FILE *f, const char *path)
{
	if (fclose(f) != 0)
		die(path, "%s", strerror(errno));
}

/* A setting is on line HEADER_LINES + 1 + its index. */
static void write_profile(const struct settings_wanted *w, const struct settings *l)
{
	FILE *f = create(w->profile_path);

	fputs("[profile]\nsummary = Written by the benchmark\n\n[phase bench]\norder = 1\nrisk = low\n\n[bench/sysctl]\n", f);
	for (size_t i = 0; i < l->n; i++) {
		fprintf(f, "%s = ", l->s[i].option);
		for (const char *p = l->s[i].want; *p; p++)
			fputc(*p == '\t' ? ' ' : *p, f);
		fputc('\n', f);
	}
	finish(f, w->profile_path);
}

/* Vectors have TABs in them, so the fields are one to a line. */
static void write_list(const char *list_path, const struct settings *l)
{
	FILE *f = create(list_path);

	for (size_t i = 0; i < l->n; i++)
		fprintf(f, "%s\n%s\n%s\n", l->s[i].path, l->s[i].was, l->s[i].want);
	finish(f, list_path);
}

static bool read_line(FILE *f, char *buf, size_t size)
{
	if (!fgets(buf, (int)size, f))
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

void settings_read(const char *list_path, struct settings *ret)
{
	FILE *f = fopen(list_path, "re");
	char path[4096];

	if (!f)
		die(list_path, "%s", strerror(errno));
	while (read_line(f, path, sizeof(path))) {
		struct setting *s = add(ret);

		s->path = must(strdup(path));
		if (!read_line(f, s->was, sizeof(s->was)) || !read_line(f, s->want, sizeof(s->want)))
			die(list_path, "the file is cut short");
	}
	fclose(f);
}

/* --- the trial -------------------------------------------------------------------------------------------------- */

/* The setting that "FILE:LINE" means; NULL when it is none. */
static struct setting *at_line(struct settings *l, const char *where)
{
	const char *colon = strrchr(where, ':');
	long line = colon ? strtol(colon + 1, NULL, 10) : 0;

	return line > HEADER_LINES && (size_t)(line - HEADER_LINES) <= l->n ? &l->s[line - HEADER_LINES - 1] : NULL;
}

static struct setting *named(struct settings *l, const char *subject)
{
	const char *key = strrchr(subject, ' ');

	key = key ? key + 1 : subject;
	for (size_t i = 0; i < l->n; i++) {
		if (str_eq(l->s[i].option, key))
			return &l->s[i];
	}
	return NULL;
}

static const struct json *try(struct caller *c, const struct settings_wanted *w, const char *method,
                              struct settings *l)
{
	for (;;) {
		struct json *p = must(json_new_object());
		struct hft_err err;
		struct setting *s;
		const struct json *reply;

		write_profile(w, l);
		write_list(w->list_path, l);
		json_set_string(p, "profile", w->profile);
		reply = caller_call(c, method, p, false, &err);
		if (reply)
			return reply;
		s = at_line(l, err.where);
		s = s ? s : named(l, err.subject);
		if (!s)
			die(err.subject, "%s (%s)", err.msg, err.where);
		refuse(s);
		leave_out(l, is_dropped, NULL);
	}
}

/*
 * Only what the plan would write counts as a setting: no "not applicable", no value that is there already. An object
 * that is called otherwise than its option is two files of which one zeroes the other: more than the floor does.
 */
static void keep_changes(struct settings *l, const struct json *reply, size_t max)
{
	for (size_t i = 0; i < l->n; i++)
		l->s[i].dropped = true;
	for (const struct json *st = json_first(json_get(reply, "steps")); st; st = json_next(st)) {
		struct setting *s = at_line(l, json_get_string(st, "where", ""));

		if (s && str_eq(json_get_string(st, "object", ""), s->option) &&
		    str_eq(json_get_string(st, "state", ""), "change") && max) {
			s->dropped = false;
			max--;
		}
	}
	leave_out(l, is_dropped, NULL);
}

void settings_make(struct caller *c, const struct settings_wanted *w)
{
	CLEANUP(settings_done) struct settings l = {0};
	CLEANUP(mem_freep) char *tried = must(str_printf("%s.all", w->list_path));
	struct json *all = must(json_new_object());

	find(c, w, &l);
	if (!l.n)
		die(w->root, "no sysctl here is allowed to the benchmark");
	write_list(tried, &l);
	keep_changes(&l, try(c, w, "org.hfttune.Tuner.Plan", &l), w->max);
	try(c, w, "org.hfttune.Tuner.Apply", &l);
	json_set_bool(all, "all", true);
	caller_call(c, "org.hfttune.Tuner.Rollback", all, false, NULL);
	/* Answered only when the worker of the rollback has gone, so that whoever comes next finds the daemon free. */
	caller_call(c, "org.varlink.service.GetInfo", NULL, false, NULL);
	printf("settings %zu\n", l.n);
}
