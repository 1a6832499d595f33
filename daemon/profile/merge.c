/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sections of all files, in stacking order, into phases and settings. Must not know a knob, nor where files come
 * from. Overlaps are found by sorting, so that a megabyte of settings takes no longer per line than ten of them.
 */
#include "daemon/profile/parts.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define ORDER_MAX 1000000

struct phase_use { /* what the finished phase does not say */
	struct place first;        /* that mentioned it */
	const char *declared_in;   /* the last file that did, or NULL */
};

struct origin { /* of the setting with the same index */
	size_t file;
	const char *conditions; /* owned by merge.conditions, or "" */
};

struct merge {
	struct profile *p;
	struct names *names;
	struct phase_use uses[PROFILE_PHASES_MAX]; /* parallel to p->phases */
	struct origin *origins;                    /* parallel to p->settings */
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

/* --- phases ---------------------------------------------------------------------------------------------------------- */

static int set_order(struct profile_phase *ph, const char *value)
{
	int64_t order;

	if (num_parse_range(value, -ORDER_MAX, ORDER_MAX, &order) < 0)
		return -EINVAL;
	ph->order = (int)order;
	return 0;
}

static int replace_text(char **text, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static int set_risk(struct profile_phase *ph, const char *value)
{
	if (!str_eq(value, "low") && !str_eq(value, "medium") && !str_eq(value, "high"))
		return -EINVAL;
	return replace_text(&ph->risk, value);
}

static int set_summary(struct profile_phase *ph, const char *value)
{
	return replace_text(&ph->summary, value);
}

static int set_accept(struct profile_phase *ph, const char *value)
{
	ph->accept_inexact = str_eq(value, "inexact");
	return ph->accept_inexact ? 0 : -EINVAL;
}

static int set_required(struct profile_phase *ph, const char *value)
{
	ph->required = str_eq(value, "yes");
	return ph->required || str_eq(value, "no") ? 0 : -EINVAL;
}

static int add_note(struct profile_phase *ph, const char *value)
{
	return strlist_add(&ph->notes, value);
}

static const struct phase_key {
	const char *name;
	const char *takes; /* for people; NULL: known and not built yet */
	int (*set)(struct profile_phase *ph, const char *value); /* -EINVAL: not one of `takes`; -ENOMEM */
} phase_keys[] = {
	{ "order",     "a whole number",      set_order    },
	{ "risk",      "low, medium or high", set_risk     },
	{ "summary",   "text",                set_summary  },
	{ "accept",    "inexact",             set_accept   },
	{ "required",  "yes or no",           set_required },
	{ "note",      "text",                add_note     },
	{ "why",       NULL,                  NULL         },
	{ "restart",   NULL,                  NULL         },
	{ "conflicts", NULL,                  NULL         },
	{ "drift",     NULL,                  NULL         },
};

/* Options are unique in a section, so that a phase has its notes as "note", "note 2", "note 3". */
static bool is_numbered_note(const char *option)
{
	uint64_t number;

	return str_starts(option, "note ") && num_parse_u64(option + strlen("note "), &number) == 0;
}

static int set_phase_key(struct merge *m, struct profile_phase *ph, const struct profile_entry *e,
                         const struct place *at, struct hft_err *err)
{
	const char *option = is_numbered_note(e->option) ? "note" : e->option;
	CLEANUP(mem_freep) char *value = NULL;
	size_t i = 0;

	while (i < ARRAY_LEN(phase_keys) && !str_eq(option, phase_keys[i].name))
		i++;
	if (i == ARRAY_LEN(phase_keys)) {
		profile_fail(err, at, e->option, "a phase has no \"%s\"", e->option);
		err_hint(err, "it takes order, risk, summary, accept, required and note");
		return -EINVAL;
	}
	if (phase_keys[i].set == NULL)
		return profile_fail(err, at, e->option, "\"%s\" is not built yet", e->option);
	int r = names_expand(m->names, e->value, at, &value, err);
	if (r < 0)
		return r;
	r = phase_keys[i].set(ph, value);
	if (r == -ENOMEM)
		return err_oom(err);
	return r == 0 ? 0 : profile_fail(err, at, e->option, "\"%s\" is %s, not \"%s\"", option, phase_keys[i].takes, value);
}

static int new_phase(struct merge *m, char **name, const struct place *at, struct hft_err *err)
{
	struct profile *p = m->p;
	struct profile_phase ph = { .risk = strdup("low"), .summary = strdup("") };

	if (ph.risk == NULL || ph.summary == NULL || mem_grow(&p->phases, &p->cap_phases, p->n_phases, sizeof(ph)) < 0) {
		free(ph.risk);
		free(ph.summary);
		return err_oom(err);
	}
	ph.name = TAKE_PTR(*name);
	m->uses[p->n_phases] = (struct phase_use){ .first = *at };
	p->phases[p->n_phases++] = ph;
	return 0;
}

/* The index of a phase as a header spells it; made when it is new. */
static int find_phase(struct merge *m, const char *text, const struct place *at, size_t *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *name = NULL;
	int r = names_expand(m->names, text, at, &name, err);
	if (r < 0)
		return r;

	for (size_t i = 0; i < m->p->n_phases; i++)
		if (str_eq(m->p->phases[i].name, name)) {
			*ret = i;
			return 0;
		}
	if (!profile_is_name(name))
		return profile_fail(err, at, name, "\"%s\" cannot be the name of a phase", name);
	if (m->p->n_phases == PROFILE_PHASES_MAX)
		return profile_fail(err, at, name, "more than %d phases", PROFILE_PHASES_MAX);
	*ret = m->p->n_phases;
	return new_phase(m, &name, at, err);
}

static int merge_phase(struct merge *m, const struct profile_section *s, const struct header *h, struct hft_err *err)
{
	struct place at = { .file = m->path, .line = s->line };
	size_t i;
	int r = find_phase(m, h->phase, &at, &i, err);
	if (r < 0)
		return r;

	if (m->uses[i].declared_in == m->path)
		return profile_fail(err, &at, h->phase, "phase \"%s\" has two sections in this file", h->phase);
	m->uses[i].declared_in = m->path;
	for (size_t k = 0; k < s->n_entries; k++) {
		at.line = s->entries[k].line;
		r = set_phase_key(m, &m->p->phases[i], &s->entries[k], &at, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_declared(const struct merge *m, struct hft_err *err)
{
	for (size_t i = 0; i < m->p->n_phases; i++) {
		const char *name = m->p->phases[i].name;
		if (m->uses[i].declared_in == NULL)
			return profile_fail(err, &m->uses[i].first, name, "phase \"%s\" is not declared; write [phase %s]",
			                    name, name);
	}
	return 0;
}

/* By order, then as they came; insertion, because there are few and it is stable. */
static void sort_phases(struct profile *p)
{
	size_t rank[PROFILE_PHASES_MAX]; /* old index by new index, then the other way about */
	size_t new_index[PROFILE_PHASES_MAX];
	struct profile_phase sorted[PROFILE_PHASES_MAX];

	for (size_t i = 0; i < p->n_phases; i++) {
		size_t at = i;
		for (; at > 0 && p->phases[rank[at - 1]].order > p->phases[i].order; at--)
			rank[at] = rank[at - 1];
		rank[at] = i;
	}
	for (size_t i = 0; i < p->n_phases; i++) {
		sorted[i] = p->phases[rank[i]];
		new_index[rank[i]] = i;
	}
	if (p->n_phases > 0)
		memcpy(p->phases, sorted, p->n_phases * sizeof(*sorted));
	for (size_t i = 0; i < p->n_settings; i++)
		p->settings[i].phase = new_index[p->settings[i].phase];
}

/* --- settings -------------------------------------------------------------------------------------------------------- */

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
		return profile_fail(err, &at, e->option, "variables stand in values and headers, not in the option \"%s\"",
		                    e->option);
	if (m->p->n_settings == PROFILE_SETTINGS_MAX)
		return profile_fail(err, &at, e->option, "more than %d settings", PROFILE_SETTINGS_MAX);
	int r = names_expand(m->names, e->value, &at, &s.value, err);
	if (r < 0)
		return r;
	s.file = m->p->files.s[m->file];
	s.knob = strdup(b->knob);
	s.selector = strdup(b->selector);
	s.option = strdup(e->option);
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
	const char *option = e->option + strlen("why ");

	option += strspn(option, " ");
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
	int r = find_phase(m, h->phase, &at, &b->phase, err);

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

/* --- settings of the same place -------------------------------------------------------------------------------------- */

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

/* --- all files ------------------------------------------------------------------------------------------------------- */

static int merge_file(struct merge *m, const struct stacked *f, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->file->n_sections; i++) {
		const struct header *h = &f->headers[i];
		if (h->kind == HEADER_PHASE)
			r = merge_phase(m, &f->file->sections[i], h, err);
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
	CLEANUP(merge_done) struct merge m = { .p = p, .names = names };
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_files; i++) {
		m.file = i;
		m.path = files[i].path;
		r = merge_file(&m, &files[i], err);
	}
	if (r == 0)
		r = check_declared(&m, err);
	if (r == 0)
		r = drop_replaced(&m, err);
	if (r == 0)
		sort_phases(p);
	return r;
}
