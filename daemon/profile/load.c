/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile, its includes, host.conf and --set into one struct profile. Must not open a file or ask the host: a loader
 * and an environment do.
 */
#include "daemon/profile/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

struct seen {
	char name[PROFILE_NAME_MAX + 1];
	bool complete; /* with its includes; a file that is met again before is included by itself */
};

struct load {
	const struct profile_loader *loader;
	struct profile *p;
	struct stacked files[PROFILE_INCLUDE_FILES + 1]; /* in stacking order; host.conf last, if any */
	size_t n_files;
	struct seen seen[PROFILE_INCLUDE_FILES];
	size_t n_seen;
	size_t n_bytes;
	struct names names;
};

struct include { /* how a file was come by */
	const char *name;
	unsigned depth;
	const struct place *at; /* the line that includes it; NULL for the profile itself */
};

static int load_file(struct load *l, const struct include *how, struct hft_err *err);

/* --- freeing ------------------------------------------------------------------------------------------------------ */

static void stacked_done(struct stacked *f)
{
	for (size_t i = 0; f->headers != NULL && i < f->file->n_sections; i++)
		header_done(&f->headers[i]);
	free(f->headers);
	profile_file_free(f->file);
}

static void load_freep(struct load **l)
{
	if (*l == NULL)
		return;
	for (size_t i = 0; i < (*l)->n_files; i++)
		stacked_done(&(*l)->files[i]);
	names_done(&(*l)->names);
	profile_free((*l)->p);
	free(*l);
}

static void phase_done(struct profile_phase *ph)
{
	free(ph->name);
	free(ph->risk);
	free(ph->summary);
	strlist_done(&ph->notes);
}

void profile_free(struct profile *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n_phases; i++)
		phase_done(&p->phases[i]);
	for (size_t i = 0; i < p->n_settings; i++)
		profile_setting_done(&p->settings[i]);
	for (size_t i = 0; i < p->n_values; i++) {
		free(p->values[i].name);
		free(p->values[i].value);
	}
	free(p->phases);
	free(p->settings);
	free(p->values);
	strlist_done(&p->files);
	free(p->name);
	free(p->path);
	free(p->summary);
	free(p);
}

void profile_freep(struct profile **p)
{
	profile_free(*p);
	*p = NULL;
}

/* --- one file ----------------------------------------------------------------------------------------------------- */

static int parse_headers(struct stacked *f, struct hft_err *err)
{
	f->headers = calloc(f->file->n_sections + 1, sizeof(*f->headers));
	if (f->headers == NULL)
		return err_oom(err);
	for (size_t i = 0; i < f->file->n_sections; i++) {
		struct place at = { .file = f->path, .line = f->file->sections[i].line };
		int r = header_parse(f->file->sections[i].header, &at, &f->headers[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Parse a text that has come from the loader. The file is not in the stack yet. */
static int parse_text(struct load *l, struct strbuf *path, const struct strbuf *text, struct stacked *ret,
                      struct hft_err *err)
{
	struct place at = { .file = strbuf_str(path), .line = 1 };

	if (path->oom || text->oom)
		return err_oom(err);
	l->n_bytes += text->len;
	if (l->n_bytes > PROFILE_TEXT_MAX && text->len <= PROFILE_FILE_MAX)
		return profile_fail(err, &at, NULL, "with this file the profile exceeds %d bytes", PROFILE_TEXT_MAX);
	int r = profile_parse_buf(strbuf_str(path), strbuf_str(text), text->len, &ret->file, err);
	if (r < 0)
		return r;
	ret->path = ret->file->path; /* until the stack owns one */
	return parse_headers(ret, err);
}

/* Files enter the stack behind their includes. Takes what f holds when it succeeds. */
static int push_file(struct load *l, struct stacked *f, struct hft_err *err)
{
	if (strlist_add(&l->p->files, f->path) < 0)
		return err_oom(err);
	f->path = l->p->files.s[l->n_files];
	l->files[l->n_files++] = *f;
	*f = (struct stacked){ 0 };
	return 0;
}

/* --- includes ----------------------------------------------------------------------------------------------------- */

static int include_one(struct load *l, const struct include *from, const char *name, const struct place *at,
                       struct hft_err *err)
{
	if (!profile_is_name(name))
		return profile_fail(err, at, name, "\"%s\" cannot be the name of a profile", name);
	return load_file(l, &(struct include){ .name = name, .depth = from->depth + 1, .at = at }, err);
}

static int include_list(struct load *l, const struct include *from, const char *list, const struct place *at,
                        struct hft_err *err)
{
	CLEANUP(mem_freep) char *copy = strdup(list);
	int r = 0;

	if (copy == NULL)
		return err_oom(err);
	for (char *rest = copy, *name; r == 0 && (name = strsep(&rest, ",")) != NULL;) {
		name += strspn(name, " ");
		size_t len = strlen(name);
		while (len > 0 && name[len - 1] == ' ')
			name[--len] = '\0';
		r = include_one(l, from, name, at, err);
	}
	return r;
}

/* [profile] of a file: its includes are loaded at once, the summary is for later. */
static int read_profile_section(struct load *l, const struct include *from, const struct stacked *f, size_t section,
                                struct hft_err *err)
{
	const struct profile_section *s = &f->file->sections[section];
	struct place at = { .file = f->path, .line = s->line };

	for (size_t i = 0; i < section; i++)
		if (f->headers[i].kind == HEADER_PROFILE)
			return profile_fail(err, &at, "profile", "there are two [profile] sections in this file");
	for (size_t i = 0; i < s->n_entries; i++) {
		const struct profile_entry *e = &s->entries[i];
		at.line = e->line;
		if (!str_eq(e->option, "include") && !str_eq(e->option, "summary"))
			return profile_fail(err, &at, e->option, "[profile] takes summary and include, not \"%s\"",
			                    e->option);
		int r = str_eq(e->option, "include") ? include_list(l, from, e->value, &at, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_profile_sections(struct load *l, const struct include *from, const struct stacked *f,
                                 struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->file->n_sections; i++) {
		const struct profile_section *s = &f->file->sections[i];
		struct place at = { .file = f->path, .line = s->line };
		if (f->headers[i].kind == HEADER_PROFILE)
			r = read_profile_section(l, from, f, i, err);
		else if (f->headers[i].kind == HEADER_HOST)
			r = profile_fail(err, &at, s->header, "[%s] belongs into host.conf: no profile names a file", s->header);
	}
	return r;
}

/* 1: loaded already; 0: remembered as being loaded, at *ret. */
static int enter(struct load *l, const struct include *how, size_t *ret, struct hft_err *err)
{
	for (size_t i = 0; i < l->n_seen; i++) {
		if (!str_eq(l->seen[i].name, how->name))
			continue;
		if (l->seen[i].complete)
			return 1;
		return profile_fail(err, how->at, how->name, "\"%s\" includes itself", how->name);
	}
	if (how->depth > PROFILE_INCLUDE_DEPTH)
		return profile_fail(err, how->at, how->name, "includes are more than %d deep", PROFILE_INCLUDE_DEPTH);
	if (l->n_seen == PROFILE_INCLUDE_FILES)
		return profile_fail(err, how->at, how->name, "the profile has over %d files", PROFILE_INCLUDE_FILES);
	*ret = l->n_seen;
	str_copy(l->seen[l->n_seen].name, sizeof(l->seen[0].name), how->name); /* profile_is_name has limited it */
	l->n_seen++;
	return 0;
}

/* Depth first, and at most PROFILE_INCLUDE_DEPTH deep. */
static int load_file(struct load *l, const struct include *how, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = { 0 }, text = { 0 };
	CLEANUP(stacked_done) struct stacked f = { 0 };
	size_t seen = 0;

	int r = enter(l, how, &seen, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = l->loader->load(l->loader->data, how->name, &path, &text, err);
	if (r < 0)
		return how->at != NULL ? profile_blame(err, how->at, r) : r;
	r = parse_text(l, &path, &text, &f, err);
	strbuf_done(&text); /* not to be held while the includes are read */
	if (r == 0)
		r = read_profile_sections(l, how, &f, err);
	if (r < 0)
		return r;
	l->seen[seen].complete = true;
	return push_file(l, &f, err);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static int define_names(struct load *l, const struct stacked *f, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->file->n_sections; i++) {
		enum header_kind kind = f->headers[i].kind;
		if (kind == HEADER_CPUS || kind == HEADER_VARIABLES)
			r = names_define(&l->names, &f->file->sections[i], f->path, kind == HEADER_CPUS, err);
	}
	return r;
}

static int check_host_paths(const struct profile_section *s, const char *path, struct hft_err *err)
{
	for (size_t i = 0; i < s->n_entries; i++) {
		struct place at = { .file = path, .line = s->entries[i].line };
		if (s->entries[i].value[0] != '/')
			return profile_fail(err, &at, s->entries[i].option, "[%s] wants the absolute path of a file",
			                    s->header);
	}
	return 0;
}

int profile_host_value(const char *path, const struct strbuf *text, const char *section, const char *name,
                       struct strbuf *ret, struct hft_err *err)
{
	struct profile_file *f = NULL;

	int r = profile_parse_buf(path, strbuf_str(text), text->len, &f, err);
	for (size_t i = 0; r == 0 && i < f->n_sections; i++) {
		const struct profile_section *s = &f->sections[i];
		if (!str_eq(s->header, section))
			continue;
		r = check_host_paths(s, path, err);
		for (size_t k = 0; r == 0 && k < s->n_entries; k++)
			if (str_eq(s->entries[k].option, name)) {
				strbuf_reset(ret);
				strbuf_add(ret, s->entries[k].value);
				r = ret->oom ? err_oom(err) : 1;
			}
	}
	profile_file_free(f);
	return r;
}

static int check_host_conf(const struct stacked *f, struct hft_err *err)
{
	for (size_t i = 0; i < f->file->n_sections; i++) {
		const struct profile_section *s = &f->file->sections[i];
		struct place at = { .file = f->path, .line = s->line };
		enum header_kind kind = f->headers[i].kind;
		if (kind != HEADER_CPUS && kind != HEADER_VARIABLES && kind != HEADER_HOST)
			return profile_fail(err, &at, s->header, "[%s] does not belong into this file", s->header);
		int r = kind == HEADER_HOST ? check_host_paths(s, f->path, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_host_conf(struct load *l, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = { 0 }, text = { 0 };
	CLEANUP(stacked_done) struct stacked f = { 0 };

	if (l->loader->host_conf == NULL)
		return 0;
	int r = l->loader->host_conf(l->loader->data, &path, &text, err);
	if (r <= 0)
		return r;
	r = parse_text(l, &path, &text, &f, err);
	if (r == 0)
		r = check_host_conf(&f, err);
	return r < 0 ? r : push_file(l, &f, err);
}

static int resolve_names(struct load *l, const struct profile_assign *assigns, size_t n_assigns, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n_files; i++)
		r = define_names(l, &l->files[i], err);
	if (r == 0)
		r = names_settle(&l->names, err);
	if (r == 0)
		r = names_assign(&l->names, assigns, n_assigns, err);
	return r < 0 ? r : names_resolve(&l->names, err);
}

/* --- the profile that comes out ----------------------------------------------------------------------------------- */

static char *find_path(const struct profile *p, const char *path)
{
	for (size_t i = 0; i < p->files.n; i++)
		if (p->files.s[i] == path)
			return p->files.s[i];
	return "--set";
}

static int copy_values(struct load *l, struct hft_err *err)
{
	struct profile *p = l->p;

	p->values = calloc(l->names.n + 1, sizeof(*p->values));
	if (p->values == NULL)
		return err_oom(err);
	p->cap_values = l->names.n + 1;
	for (size_t i = 0; i < l->names.n; i++) {
		struct name *x = &l->names.list[i];
		struct profile_value *v = &p->values[p->n_values++];
		*v = (struct profile_value){
			.name = strdup(x->name), .value = TAKE_PTR(x->value), .file = find_path(p, x->at.file),
			.line = x->at.line, .is_cpus = x->is_cpus,
		};
		if (v->name == NULL)
			return err_oom(err);
	}
	return 0;
}

/* The summaries of includes are expanded too, because a mistake in them is one in every profile. */
static int set_summary(struct load *l, const struct stacked *f, struct hft_err *err)
{
	free(TAKE_PTR(l->p->summary));
	for (size_t i = 0; i < f->file->n_sections; i++) {
		const struct profile_section *s = &f->file->sections[i];
		for (size_t k = 0; f->headers[i].kind == HEADER_PROFILE && k < s->n_entries; k++) {
			struct place at = { .file = f->path, .line = s->entries[k].line };
			int r = 0;
			if (str_eq(s->entries[k].option, "summary"))
				r = names_expand(&l->names, s->entries[k].value, &at, &l->p->summary, err);
			if (r < 0)
				return r;
		}
	}
	if (l->p->summary == NULL)
		l->p->summary = strdup("");
	return l->p->summary != NULL ? 0 : err_oom(err);
}

static int finish(struct load *l, const char *name, size_t n_profiles, struct hft_err *err)
{
	struct profile *p = l->p;
	int r = 0;

	p->name = strdup(name);
	p->path = strdup(l->files[n_profiles - 1].path); /* what includes comes last */
	if (p->name == NULL || p->path == NULL)
		return err_oom(err);
	for (size_t i = 0; r == 0 && i < n_profiles; i++)
		r = set_summary(l, &l->files[i], err);
	if (r == 0)
		r = merge_files(p, l->files, n_profiles, &l->names, err);
	return r < 0 ? r : copy_values(l, err);
}

int profile_load(const char *name, const struct profile_loader *loader, const struct profile_env *env,
                 const struct profile_assign *assigns, size_t n_assigns, struct profile **ret, struct hft_err *err)
{
	struct hft_err unwanted;
	if (err == NULL)
		err = &unwanted;

	int r = profile_check_name(name, err);
	if (r < 0)
		return r;
	CLEANUP(load_freep) struct load *l = calloc(1, sizeof(*l));
	if (l == NULL || (l->p = calloc(1, sizeof(*l->p))) == NULL)
		return err_oom(err);
	l->loader = loader;
	l->names.env = env;
	r = load_file(l, &(struct include){ .name = name }, err);
	if (r < 0)
		return r;
	size_t n_profiles = l->n_files;
	r = load_host_conf(l, err);
	if (r == 0)
		r = resolve_names(l, assigns, n_assigns, err);
	if (r == 0)
		r = finish(l, name, n_profiles, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l->p);
	return 0;
}
