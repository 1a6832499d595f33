/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sections of all files, in stacking order, into settings. Must not know a knob, nor where files come from.
 * Overlaps are found by sorting, so that a megabyte of settings takes hardly longer per line than ten of them.
 */
#include "daemon/profile/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

struct origin { /* of the setting with the same index */
	size_t file;
	const char *conditions; /* owned by merge.conditions, or "" */
};

struct merge {
	struct profile *p;
	struct names *names;
	struct phases phases;
	struct origin *origins; /* parallel to p->settings */
	size_t cap_origins;
	struct strlist conditions;
	size_t file; /* the one being merged */
	const char *path;
};

struct block { /* a settings section, expanded */
	size_t phase;
	char *knob, *selector;
	const char *conditions;
	bool optional, active;
	size_t first_setting;
};

/* --- settings ----------------------------------------------------------------------------------------------------- */

void profile_setting_done(struct profile_setting *s)
{
	free(s->knob);
	free(s->selector);
	free(s->option);
	free(s->value);
	free(s->why);
}

static bool is_why(const char *option)
{
	return str_starts(option, "why ");
}

static bool is_section_key(const char *option)
{
	return str_eq(option, "optional") || is_why(option);
}

/* Both spellings are one option: "vm/swappiness" is "vm.swappiness". As in sysctl(8) the separator that comes first
 * separates, and the other one stands for it. Caller frees; NULL when out of memory. */
static char *dup_dotted(const char *option)
{
	char *name = strdup(option);

	if (name == NULL || name[strcspn(name, "./")] != '/')
		return name;
	for (char *p = name; *p != '\0'; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	return name;
}

static int push_setting(struct merge *m, const struct block *b, struct profile_setting *s, struct hft_err *err)
{
	struct profile *p = m->p;

	if (s->knob == NULL || s->selector == NULL || s->option == NULL ||
	    mem_grow(&p->settings, &p->cap_settings, p->n_settings, sizeof(*s)) < 0 ||
	    mem_grow(&m->origins, &m->cap_origins, p->n_settings, sizeof(*m->origins)) < 0) {
		profile_setting_done(s);
		return err_oom(err);
	}
	m->origins[p->n_settings] = (struct origin){ .file = m->file, .conditions = b->conditions };
	p->settings[p->n_settings++] = *s;
	return 0;
}

static int add_setting(struct merge *m, const struct block *b, const struct profile_entry *e, struct hft_err *err)
{
	struct place at = { .file = m->path, .line = e->line };
	struct profile_setting s = { .phase = b->phase, .line = e->line, .optional = b->optional, .active = b->active };

	if (strstr(e->option, "${") != NULL)
		return profile_fail(err, &at, e->option, "\"%s\": only values and headers are expanded", e->option);
	if (m->p->n_settings == PROFILE_SETTINGS_MAX)
		return profile_fail(err, &at, e->option, "more than %d settings", PROFILE_SETTINGS_MAX);
	int r = names_expand(m->names, e->value, &at, &s.value, err);
	if (r < 0)
		return r;
	s.file = m->p->files.s[m->file];
	s.knob = strdup(b->knob);
	s.selector = strdup(b->selector);
	s.option = dup_dotted(e->option);
	return push_setting(m, b, &s, err);
}

static int compare_options(const void *a, const void *b)
{
	const struct profile_setting *const *x = a, *const *y = b;

	return strcmp((*x)->option, (*y)->option);
}

static int find_option(const void *option, const void *element)
{
	const struct profile_setting *const *s = element;

	return strcmp(option, (*s)->option);
}

static int set_why(struct merge *m, const struct profile_entry *e, struct profile_setting **sorted, size_t n,
                   struct hft_err *err)
{
	struct place at = { .file = m->path, .line = e->line };
	const char *written = e->option + strlen("why ");
	CLEANUP(mem_freep) char *option = dup_dotted(written + strspn(written, " "));

	if (option == NULL)
		return err_oom(err);
	struct profile_setting **found = n > 0 ? bsearch(option, sorted, n, sizeof(*sorted), find_option) : NULL;
	if (found == NULL)
		return profile_fail(err, &at, option, "this section does not set \"%s\"", option);
	if ((*found)->why != NULL)
		return profile_fail(err, &at, option, "\"%s\" has two reasons", option);
	return names_expand(m->names, e->value, &at, &(*found)->why, err);
}

/* The reasons of a section, once all its settings are there. */
static int set_whys(struct merge *m, const struct profile_section *s, const struct block *b, struct hft_err *err)
{
	CLEANUP(mem_freep) struct profile_setting **sorted = NULL;
	size_t n = m->p->n_settings - b->first_setting;

	for (size_t k = 0; k < s->n_entries; k++) {
		if (!is_why(s->entries[k].option))
			continue;
		if (sorted == NULL) {
			sorted = calloc(n + 1, sizeof(struct profile_setting *));
			if (sorted == NULL)
				return err_oom(err);
			for (size_t i = 0; i < n; i++)
				sorted[i] = &m->p->settings[b->first_setting + i];
			qsort(sorted, n, sizeof(struct profile_setting *), compare_options);
		}
		int r = set_why(m, &s->entries[k], sorted, n, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The conditions in one text that compares equal when they do. */
static int keep_conditions(struct merge *m, const struct header *h, const char **ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf joined = { 0 };

	*ret = "";
	if (h->conditions.n == 0)
		return 0;
	for (size_t i = 0; i < h->conditions.n; i++)
		strbuf_addf(&joined, "if=%s ", h->conditions.s[i]);
	if (strlist_take(&m->conditions, strbuf_take(&joined)) < 0)
		return err_oom(err);
	*ret = m->conditions.s[m->conditions.n - 1];
	return 0;
}

static void block_done(struct block *b)
{
	free(b->knob);
	free(b->selector);
}

static int read_optional(struct merge *m, const struct profile_entry *e, bool *ret, struct hft_err *err)
{
	struct place at = { .file = m->path, .line = e->line };
	CLEANUP(mem_freep) char *value = NULL;
	int r = names_expand(m->names, e->value, &at, &value, err);
	if (r < 0)
		return r;

	*ret = str_eq(value, "yes");
	return *ret || str_eq(value, "no") ? 0 : profile_fail(err, &at, e->option, "\"optional\" is yes or no");
}

static int open_block(struct merge *m, const struct profile_section *s, const struct header *h, struct block *b,
                      struct hft_err *err)
{
	struct place at = { .file = m->path, .line = s->line };
	int r = phases_find(&m->phases, h->phase, &at, &b->phase, err);

	if (r == 0)
		r = names_expand(m->names, h->knob, &at, &b->knob, err);
	if (r == 0 && !profile_is_name(b->knob))
		return profile_fail(err, &at, b->knob, "\"%s\" cannot be the name of a knob", b->knob);
	if (r == 0)
		r = names_expand(m->names, h->selector, &at, &b->selector, err);
	if (r == 0 && b->selector[0] == '\0' && h->selector[0] != '\0')
		return profile_fail(err, &at, h->selector, "the selector %s comes out empty", h->selector);
	if (r == 0)
		r = conditions_hold(&h->conditions, m->names, &at, &b->active, err);
	if (r == 0)
		r = keep_conditions(m, h, &b->conditions, err);
	for (size_t k = 0; r == 0 && k < s->n_entries; k++)
		if (str_eq(s->entries[k].option, "optional"))
			r = read_optional(m, &s->entries[k], &b->optional, err);
	return r;
}

static int merge_settings(struct merge *m, const struct profile_section *s, const struct header *h,
                          struct hft_err *err)
{
	CLEANUP(block_done) struct block b = { .first_setting = m->p->n_settings };
	int r = open_block(m, s, h, &b, err);

	for (size_t k = 0; r == 0 && k < s->n_entries; k++)
		if (!is_section_key(s->entries[k].option))
			r = add_setting(m, &b, &s->entries[k], err);
	return r < 0 ? r : set_whys(m, s, &b, err);
}

/* --- settings of the same place ----------------------------------------------------------------------------------- */

static int compare_places(const struct profile_setting *x, const struct profile_setting *y)
{
	int order = (x->phase > y->phase) - (x->phase < y->phase);

	if (order == 0)
		order = strcmp(x->option, y->option); /* first, because it differs most often */
	if (order == 0)
		order = strcmp(x->knob, y->knob);
	return order != 0 ? order : strcmp(x->selector, y->selector);
}

/* By place, then file and conditions, so that what must not be set twice stands side by side. */
static int compare_settings(const void *a, const void *b, void *data)
{
	const struct merge *m = data;
	size_t i = *(const size_t *)a, k = *(const size_t *)b;
	int order = compare_places(&m->p->settings[i], &m->p->settings[k]);

	if (order == 0)
		order = (m->origins[i].file > m->origins[k].file) - (m->origins[i].file < m->origins[k].file);
	if (order == 0)
		order = strcmp(m->origins[i].conditions, m->origins[k].conditions);
	return order != 0 ? order : (i > k) - (i < k);
}

static int check_repeated(const struct merge *m, size_t i, size_t k, struct hft_err *err)
{
	const struct profile_setting *first = &m->p->settings[i], *second = &m->p->settings[k];
	struct place at = { .file = second->file, .line = second->line };

	if (m->origins[i].file != m->origins[k].file || !str_eq(m->origins[i].conditions, m->origins[k].conditions))
		return 0;
	return profile_fail(err, &at, second->option, "\"%s\" is set twice for the same, first at line %u",
	                    second->option, first->line);
}

/* Does k win over i, both for the same place? The later one does, but not when its conditions keep it out. */
static bool wins(const struct profile *p, size_t k, size_t i)
{
	return p->settings[k].active == p->settings[i].active ? k > i : p->settings[k].active;
}

static void drop_settings(struct profile *p, const bool *dropped)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n_settings; i++) {
		if (dropped[i])
			profile_setting_done(&p->settings[i]);
		else
			p->settings[kept++] = p->settings[i];
	}
	p->n_settings = kept;
}

/* Of the settings of one phase, knob, selector and option one stays, at its own position in the stack. */
static int drop_replaced(struct merge *m, struct hft_err *err)
{
	size_t n = m->p->n_settings;
	CLEANUP(mem_freep) size_t *sorted = calloc(n + 1, sizeof(*sorted));
	CLEANUP(mem_freep) bool *dropped = calloc(n + 1, sizeof(*dropped));
	if (sorted == NULL || dropped == NULL)
		return err_oom(err);

	for (size_t i = 0; i < n; i++)
		sorted[i] = i;
	qsort_r(sorted, n, sizeof(*sorted), compare_settings, m);
	for (size_t i = 1, winner = n > 0 ? sorted[0] : 0; i < n; i++) {
		size_t k = sorted[i];
		if (compare_places(&m->p->settings[winner], &m->p->settings[k]) != 0) {
			winner = k;
			continue;
		}
		int r = check_repeated(m, sorted[i - 1], k, err);
		if (r < 0)
			return r;
		dropped[wins(m->p, k, winner) ? winner : k] = true;
		winner = dropped[winner] ? k : winner;
	}
	drop_settings(m->p, dropped);
	return 0;
}

/* --- all files ---------------------------------------------------------------------------------------------------- */

static int merge_file(struct merge *m, const struct stacked *f, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->file->n_sections; i++) {
		const struct header *h = &f->headers[i];
		if (h->kind == HEADER_PHASE)
			r = phases_declare(&m->phases, &f->file->sections[i], h, m->path, err);
		else if (h->kind == HEADER_SETTINGS)
			r = merge_settings(m, &f->file->sections[i], h, err);
	}
	return r;
}

static void merge_done(struct merge *m)
{
	free(m->origins);
	strlist_done(&m->conditions);
}

int merge_files(struct profile *p, const struct stacked *files, size_t n_files, struct names *names,
                struct hft_err *err)
{
	CLEANUP(merge_done) struct merge m = { .p = p, .names = names, .phases = { .p = p, .names = names } };
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_files; i++) {
		m.file = i;
		m.path = files[i].path;
		r = merge_file(&m, &files[i], err);
	}
	if (r == 0)
		r = phases_check(&m.phases, err);
	if (r == 0)
		r = drop_replaced(&m, err);
	if (r == 0)
		phases_sort(p);
	return r;
}
