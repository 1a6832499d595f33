/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one namespace of [cpus] and [variables]: who defines what, in which order, and what comes out. Must not know
 * phases or settings. Lookups are by bisection in a sorted array, so that no text can make them slow.
 */
#include "daemon/profile/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

#define UNSET "?" /* the host must say */
#define CHOICES "choices "

static const char *const words_of_expressions[] = { "online", "present", "node", "package", "siblings", "near" };

static const char *kind_of(const struct name *x)
{
	return x->is_cpus ? "cpus" : "variables";
}

void names_done(struct names *n)
{
	for (size_t i = 0; i < n->n; i++) {
		free(n->list[i].value);
		free(n->list[i].set);
	}
	free(n->list);
	free(n->choices);
	*n = (struct names){ 0 };
}

/* --- definitions -------------------------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* "-" is an operator between CPU sets, so only variables have it in their names. */
static bool is_name(const char *s, bool is_cpus)
{
	size_t i = 0;

	while (is_letter(s[i]) || (i > 0 && ((s[i] >= '0' && s[i] <= '9') || (s[i] == '-' && !is_cpus))))
		i++;
	return i > 0 && i <= PROFILE_NAME_MAX && s[i] == '\0';
}

static bool is_reserved(const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(words_of_expressions); i++)
		if (str_eq(s, words_of_expressions[i]))
			return true;
	return false;
}

/* "choices NAME = a|b|c" */
static int add_choices(struct names *n, const struct profile_entry *e, const struct place *at, struct hft_err *err)
{
	if (n->n_choices == PROFILE_NAMES_MAX)
		return profile_fail(err, at, e->option, "more than %d choices", PROFILE_NAMES_MAX);
	if (mem_grow(&n->choices, &n->choices_cap, n->n_choices, sizeof(*n->choices)) < 0)
		return err_oom(err);
	n->choices[n->n_choices++] = (struct choices){ e->option + strlen(CHOICES), e->value, *at };
	return 0;
}

static int define(struct names *n, const struct profile_entry *e, const struct place *at, bool is_cpus,
                  struct hft_err *err)
{
	if (!is_cpus && str_starts(e->option, CHOICES))
		return add_choices(n, e, at, err);
	if (!is_name(e->option, is_cpus))
		return profile_fail(err, at, e->option, "\"%s\" is no name: at most %d letters, digits and _%s",
		                    e->option, PROFILE_NAME_MAX, is_cpus ? "" : " and -");
	if (is_cpus && is_reserved(e->option))
		return profile_fail(err, at, e->option, "\"%s\" has a meaning of its own in CPU sets", e->option);
	if (n->n == PROFILE_NAMES_MAX)
		return profile_fail(err, at, e->option, "more than %d CPU sets and variables", PROFILE_NAMES_MAX);
	if (mem_grow(&n->list, &n->cap, n->n, sizeof(*n->list)) < 0)
		return err_oom(err);
	n->list[n->n] = (struct name){
		.name = e->option, .raw = e->value, .at = *at, .is_cpus = is_cpus, .sequence = n->n,
	};
	n->n++;
	return 0;
}

int names_define(struct names *n, const struct profile_section *s, const char *path, bool is_cpus, struct hft_err *err)
{
	for (size_t i = 0; i < s->n_entries; i++) {
		struct place at = { .file = path, .line = s->entries[i].line };
		int r = define(n, &s->entries[i], &at, is_cpus, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_definitions(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

/* May `later` take the place of `earlier`, which has the same name? */
static int check_override(const struct name *earlier, const struct name *later, struct hft_err *err)
{
	if (earlier->is_cpus != later->is_cpus)
		return profile_fail(err, &later->at, later->name, "\"%s\" is in [%s], but at %s:%u in [%s]",
		                    later->name, kind_of(later), earlier->at.file, earlier->at.line,
		                    kind_of(earlier));
	if (earlier->at.file == later->at.file)
		return profile_fail(err, &later->at, later->name, "\"%s\" is defined twice, first at line %u",
		                    later->name, earlier->at.line);
	return 0;
}

static struct name *find(const struct names *n, const char *s, size_t len);

static int settle_choices(struct names *n, struct hft_err *err)
{
	for (size_t i = 0; i < n->n_choices; i++) {
		const struct choices *c = &n->choices[i];
		struct name *x = find(n, c->name, strlen(c->name));
		if (x == NULL || x->is_cpus)
			return profile_fail(err, &c->at, c->name, "there is no variable \"%s\" to choose", c->name);
		x->choices = c->words;
	}
	return 0;
}

int names_settle(struct names *n, struct hft_err *err)
{
	size_t kept = 0;

	if (n->n > 1)
		qsort(n->list, n->n, sizeof(*n->list), compare_definitions);
	for (size_t i = 0; i < n->n; i++) {
		bool again = kept > 0 && str_eq(n->list[kept - 1].name, n->list[i].name);
		int r = again ? check_override(&n->list[kept - 1], &n->list[i], err) : 0;
		if (r < 0)
			return r;
		n->list[again ? kept - 1 : kept++] = n->list[i];
	}
	n->n = kept;
	return settle_choices(n, err);
}

static struct name *find(const struct names *n, const char *s, size_t len)
{
	size_t low = 0, high = n->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *name = n->list[middle].name;
		int order = strncmp(s, name, len);
		if (order == 0 && name[len] == '\0')
			return &n->list[middle];
		if (order > 0)
			low = middle + 1;
		else
			high = middle; /* a longer name that begins with this one sorts behind it */
	}
	return NULL;
}

/* --- --set -------------------------------------------------------------------------------------------------------- */

static int raise_unknown(const struct names *n, const char *name, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf candidates = { 0 };

	for (size_t i = 0; i < n->n && candidates.len < sizeof(err->hint); i++)
		strbuf_addf(&candidates, "%s%s.%s", i > 0 ? ", " : "", kind_of(&n->list[i]), n->list[i].name);
	err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, name, "neither profile nor host.conf has \"%s\"", name);
	if (n->n > 0)
		err_hint(err, "there are %s", strbuf_str(&candidates));
	return -EINVAL;
}

static int assign(struct names *n, const struct profile_assign *a, struct hft_err *err)
{
	static const struct place at = { .file = "--set", .argument = true };
	const char *dot = strchr(a->name, '.');
	size_t len = strnlen(a->value, PROFILE_LINE_MAX + 1);

	if (!profile_is_clean(a->name, strlen(a->name)))
		return profile_fail(err, &at, NULL, "the name holds a control character or is not UTF-8");
	if (len > PROFILE_LINE_MAX || !profile_is_clean(a->value, len))
		return profile_fail(err, &at, a->name, "the value of \"%s\" is too long or not plain UTF-8", a->name);
	struct name *x = dot != NULL ? find(n, dot + 1, strlen(dot + 1)) : NULL;
	if (x == NULL || strlen(kind_of(x)) != (size_t)(dot - a->name) || !str_starts(a->name, kind_of(x)))
		return raise_unknown(n, a->name, err);
	if (x->at.argument)
		return profile_fail(err, &at, a->name, "\"%s\" is set twice", a->name);
	x->raw = a->value;
	x->at = at;
	return 0;
}

int names_assign(struct names *n, const struct profile_assign *assigns, size_t n_assigns, struct hft_err *err)
{
	for (size_t i = 0; i < n_assigns; i++) {
		int r = assign(n, &assigns[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int compute(struct names *n, struct name *x, struct hft_err *err);

static int raise_nesting(const struct name *x, const struct place *at, struct hft_err *err)
{
	return profile_fail(err, at, x->name, "names are nested more than %d deep", PROFILE_NESTING_MAX);
}

static int resolve(struct names *n, struct name *x, const struct place *at, struct hft_err *err)
{
	struct name *outer = n->current;

	if (x->state == NAME_BUSY)
		return profile_fail(err, at, x->name, "\"%s\" is defined by itself", x->name);
	if (x->state == NAME_NEW) {
		if (n->level > PROFILE_NESTING_MAX)
			return raise_nesting(x, at, err);
		x->state = NAME_BUSY;
		n->current = x;
		n->level++;
		int r = compute(n, x, err);
		n->level--;
		n->current = outer;
		if (r < 0)
			return r;
		x->state = NAME_DONE;
	}
	/* Counted here too, so that the verdict does not hang on the order in which names are resolved. */
	if (outer != NULL && outer->depth <= x->depth)
		outer->depth = x->depth + 1;
	if (outer != NULL && outer->depth > PROFILE_NESTING_MAX)
		return raise_nesting(x, at, err);
	return 0;
}

/* profile_names.set: a set named in the expression of another one. */
static int lookup_set(void *data, const char *name, struct cpuset *ret, struct hft_err *err)
{
	struct names *n = data;
	const struct place *at = &n->current->at;
	struct name *x = find(n, name, strlen(name));

	if (x == NULL)
		return profile_fail(err, at, name, "there is no CPU set \"%s\"", name);
	if (!x->is_cpus)
		return profile_fail(err, at, name, "\"%s\" is a variable; write ${%s}", name, name);
	int r = resolve(n, x, at, err);
	if (r == 0)
		*ret = *x->set;
	return r;
}

static int raise_unset(const struct name *x, struct hft_err *err)
{
	profile_fail(err, &x->at, x->name, "%s \"%s\" must be given by the host", x->is_cpus ? "CPU set" : "variable",
	             x->name);
	err_hint(err, "write \"%s = ...\" into [%s] of host.conf, or use --set %s.%s=...", x->name, kind_of(x),
	         kind_of(x), x->name);
	return -EINVAL;
}

static int check_set(const struct names *n, const struct name *x, struct hft_err *err)
{
	bool housekeeping = str_eq(x->name, "housekeeping");
	int r = 0;

	if (cpuset_is_empty(x->set))
		r = profile_fail(err, &x->at, x->name, "CPU set \"%s\" is empty: %s", x->name, x->raw);
	else if (housekeeping && !n->env->whole_core(n->env->data, x->set))
		r = profile_fail(err, &x->at, x->name, "CPU set \"%s\" does not hold all online threads of any core",
		                 x->name);
	if (r < 0 && housekeeping)
		err_hint(err, "the system itself needs one whole core: give trading fewer CPUs (`hfttune host` draws "
		              "the cores); on a host with a single core nothing can be isolated");
	return r;
}

static int compute_set(struct names *n, struct name *x, struct hft_err *err)
{
	struct profile_names lookup = { .set = lookup_set, .data = n };
	CLEANUP(strbuf_done) struct strbuf list = { 0 };

	x->set = malloc(sizeof(*x->set));
	if (x->set == NULL)
		return err_oom(err);
	int r = cpuexpr_eval(x->value, n->env, &lookup, x->set, err);
	if (r < 0) {
		if (err->where[0] == '\0')
			err_context(err, "CPU set \"%s\"", x->name);
		return profile_blame(err, &x->at, r);
	}
	r = check_set(n, x, err);
	if (r < 0)
		return r;
	cpuset_format(x->set, &list);
	free(x->value);
	x->value = strbuf_take(&list);
	return x->value != NULL ? 0 : err_oom(err);
}

static int check_choice(const struct name *x, const char *value, const struct place *at, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };

	if (x->choices == NULL)
		return 0;
	if (strlist_split(&words, x->choices, "|") < 0)
		return err_oom(err);
	if (strlist_has(&words, value))
		return 0;
	profile_fail(err, at, x->name, "variable \"%s\" cannot be \"%s\"", x->name, value);
	err_values(err, x->choices, value);
	return -EINVAL;
}

static int compute(struct names *n, struct name *x, struct hft_err *err)
{
	if (str_eq(x->raw, UNSET))
		return raise_unset(x, err);
	int r = names_expand(n, x->raw, &x->at, &x->value, err);
	if (r < 0)
		return r;
	return x->is_cpus ? compute_set(n, x, err) : check_choice(x, x->value, &x->at, err);
}

int names_resolve(struct names *n, struct hft_err *err)
{
	for (size_t i = 0; i < n->n; i++) {
		int r = resolve(n, &n->list[i], &n->list[i].at, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int names_compare(const struct names *n, const char *name, size_t len, const char *value, const struct place *at,
                  bool *ret, struct hft_err *err)
{
	const struct name *x = find(n, name, len);

	if (x == NULL || x->value == NULL)
		return -ENOENT;
	*ret = str_eq(x->value, value);
	return check_choice(x, value, at, err);
}

/* The ${name} at p into *b; *ret_end is what follows it. */
static int expand_one(struct names *n, const char *p, const struct place *at, struct strbuf *b, const char **ret_end,
                      struct hft_err *err)
{
	const char *name = p + 2, *end = strchr(name, '}');

	if (end == NULL)
		return profile_fail(err, at, p, "\"%s\" has no closing brace", p);
	struct name *x = find(n, name, (size_t)(end - name));
	if (x == NULL) {
		CLEANUP(mem_freep) char *unknown = str_dup_n(name, (size_t)(end - name));
		if (unknown == NULL)
			return err_oom(err);
		return profile_fail(err, at, unknown, "there is no variable or CPU set \"%s\"", unknown);
	}
	int r = resolve(n, x, at, err);
	if (r < 0)
		return r;
	strbuf_add(b, x->value);
	*ret_end = end + 1;
	return 0;
}

static int check_expanded(struct names *n, const struct strbuf *b, const struct place *at, struct hft_err *err)
{
	n->expanded += b->len;
	if (b->len > PROFILE_VALUE_MAX || n->expanded > PROFILE_EXPANDED_MAX)
		return profile_fail(err, at, NULL, "the variables make more text than is allowed");
	return 0;
}

int names_expand(struct names *n, const char *text, const struct place *at, char **ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	const char *dollar = strstr(text, "${");
	char *expanded;

	if (dollar == NULL) {
		expanded = strdup(text);
	} else {
		int r = 0;
		for (; dollar != NULL; dollar = strstr(text, "${")) {
			strbuf_addn(&b, text, (size_t)(dollar - text));
			r = expand_one(n, dollar, at, &b, &text, err);
			if (r < 0)
				return r;
			if (b.len > PROFILE_VALUE_MAX)
				break;
		}
		strbuf_add(&b, text);
		r = check_expanded(n, &b, at, err);
		if (r < 0)
			return r;
		expanded = strbuf_take(&b);
	}
	if (expanded == NULL)
		return err_oom(err);
	*ret = expanded;
	return 0;
}
