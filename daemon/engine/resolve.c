/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of a profile become entries of layers: each knob says which objects a line names and what its value means. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/plan.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

/* An error about a setting: add its line, and for an unknown option what there is. */
static int blame(const struct layer_setting *st, int r, struct hft_err *err)
{
	if (!err || r == -ENOMEM || strcmp(err->code, ERR_IO) == 0)
		return r;
	if (!err->where[0]) {
		CLEANUP(mem_freep) char *file = strdup(st->where ? st->where : "");
		char *colon = file ? strrchr(file, ':') : NULL;

		if (colon)
			*colon = '\0';
		err_where(err, file ? file : "", colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0);
	}
	if (!err->subject[0])
		err_context(err, "%s", st->option);
	return r;
}

static int unknown_knob(const struct layer_setting *st, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf names = {0};

	for (size_t i = 0; i < n_knobs; i++)
		strbuf_addf(&names, "%s%s", i ? ", " : "", knobs[i]->name);
	err_raise(err, ERR_INVALID_PROFILE, 0, st->knob, "there is no knob \"%s\"", st->knob);
	err_hint(err, "knobs are %s", strbuf_str(&names));
	return blame(st, -EINVAL, err);
}

/* P7: a setting that no object of this host bears is judged all the same, by what is compiled in. */
static int check_unseen(const struct session *s, const struct layer_setting *st, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf value = {0};
	const struct knob *k = knob_find(st->knob);
	int r;

	if (!k)
		return unknown_knob(st, err);
	r = k->parse(&s->ctx, NULL, st->option, st->value, &value, err);
	if (r < 0 && err && !err->hint[0])
		err_hint(err, "`hfttune explain %s` lists what there is", k->name);
	return r < 0 ? blame(st, r, err) : 0;
}

/* One object of a setting into the layer. */
static int add_object(const struct session *s, struct layer *l, size_t setting, const struct knob *k,
                      const struct knob_object *o, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf value = {0};
	const struct layer_setting *st = &l->settings[setting];
	const char *refusal = o->na || l->required ? NULL : state_refusal(&s->state, s->host->boot_id, k, o->key);
	union { /* layer_add_entry() copies it */
		const char *in;
		char *out;
	} why = {.in = refusal ? refusal : o->na};
	struct layer_entry e = {
		.ref = {.knob = k, .key = o->key},
		.label = o->label,
		.na = why.out,
		.setting = setting,
		.refused = refusal,
	};

	if (!o->na) {
		int r = k->parse(&s->ctx, o->key, st->option, st->value, &value, err);

		if (r < 0)
			return blame(st, r, err);
	} else if (l->required) {
		err_raise(err, ERR_NOT_APPLICABLE, ENOENT, o->key, "phase \"%s\" requires it, and %s", l->phase,
		          o->na);
		return blame(st, -ENOENT, err);
	} else {
		strbuf_add(&value, st->value);
	}
	e.value = value.s ? value.s : (char[]){""};
	return value.oom || layer_add_entry(l, &e) < 0 ? err_oom(err) : 0;
}

/* An optional setting that finds nothing: an object by selector and option, and what the knob misses. */
static int add_optional(const struct layer_setting *st, const char *missing, struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *key = str_printf("%s%s%s", st->selector, st->selector[0] ? " " : "", st->option);
	CLEANUP(mem_freep) char *na = str_printf("optional: %s", missing);

	return key && na ? knob_objects_add(ret, key, NULL, na, err) : err_oom(err);
}

static int list_objects(const struct session *s, const struct layer_setting *st, const struct knob *k,
                        struct knob_objects *ret, struct hft_err *err)
{
	struct hft_err why = {0};
	int r = k->list(&s->ctx, st->selector, st->option, ret, &why);

	if (r == -ENOENT && st->optional)
		return add_optional(st, why.msg, ret, err);
	if (r == 0)
		return 0;
	if (!why.hint[0])
		err_hint(&why, "`hfttune explain %s` lists what there is", k->name);
	if (err)
		*err = why;
	return blame(st, r, err);
}

static bool any_there(const struct knob_objects *found)
{
	for (size_t i = 0; i < found->n; i++) {
		if (!found->o[i].na)
			return true;
	}
	return false;
}

static size_t n_lacking(const struct layer *l, size_t setting)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_entries; i++)
		n += l->entries[i].setting == setting && layer_entry_is_lacking(&l->entries[i]);
	return n;
}

static bool is_found(const struct knob_objects *found, const char *key)
{
	for (size_t i = 0; i < found->n; i++) {
		if (str_eq(found->o[i].key, key))
			return true;
	}
	return false;
}

/* What stood for a facility that the host lacked ("governor") goes when the host has it ("policy0 governor"). */
static void drop_stale(struct layer *l, size_t setting, const struct knob *k, const struct knob_objects *found)
{
	size_t known = 0;

	for (size_t i = 0; i < found->n; i++) {
		const struct layer_entry *e = layer_entry(l, k, found->o[i].key);

		known += e && e->setting == setting && layer_entry_is_lacking(e);
	}
	if (known == n_lacking(l, setting)) /* nearly always; what follows would be slow for thousands of interrupts */
		return;
	for (size_t i = l->n_entries; i-- > 0;) {
		if (l->entries[i].setting == setting && layer_entry_is_lacking(&l->entries[i]) && !is_found(found, l->entries[i].ref.key))
			layer_drop_entry(l, i);
	}
}

enum resolve { RESOLVE_ALL, RESOLVE_NEW, RESOLVE_LACKING };

/* Is an object that was found, and that the layer may hold as `there`, to be set anew? */
static bool is_for(enum resolve what, const struct layer_entry *there, const struct knob_object *found)
{
	if (what == RESOLVE_ALL)
		return true;
	return there ? layer_entry_is_lacking(there) && !found->na : what == RESOLVE_NEW;
}

static int resolve_setting(const struct session *s, struct layer *l, size_t setting, enum resolve what,
                           struct hft_err *err)
{
	CLEANUP(knob_objects_done) struct knob_objects found = {0};
	const struct layer_setting *st = &l->settings[setting];
	const struct knob *k = knob_find(st->knob);
	int r;

	if (!k)
		return unknown_knob(st, err);
	r = list_objects(s, st, k, &found, err);
	if (r == 0 && what == RESOLVE_ALL && !any_there(&found))
		r = check_unseen(s, st, err);
	if (r == 0 && what == RESOLVE_NEW)
		drop_stale(l, setting, k, &found);
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		if (is_for(what, layer_entry(l, k, found.o[i].key), &found.o[i]))
			r = add_object(s, l, setting, k, &found.o[i], err);
	}
	return r;
}

bool resolve_is_lacking(const struct layer *l)
{
	for (size_t i = 0; i < l->n_entries; i++) {
		if (layer_entry_is_lacking(&l->entries[i]))
			return true;
	}
	return false;
}

bool resolve_may_differ(const struct layer *l, size_t setting, bool lacking)
{
	return l->settings[setting].selector[0] != '\0' || (lacking && n_lacking(l, setting) > 0);
}

int resolve_again(const struct session *s, struct layer *l, size_t setting, struct hft_err *err)
{
	return resolve_setting(s, l, setting, RESOLVE_NEW, err);
}

int resolve_lacking(const struct session *s, struct layer *l, size_t setting, struct hft_err *err)
{
	return n_lacking(l, setting) ? resolve_setting(s, l, setting, RESOLVE_LACKING, err) : 0;
}

static struct layer *layer_of_phase(const struct session *s, const struct profile *p, size_t phase,
                                    const struct request *q)
{
	const struct profile_phase *ph = &p->phases[phase];
	struct layer *l = layer_new(p->name, ph->name, s->host->boot_id);
	bool oom = !l;

	if (oom)
		return NULL;
	l->touched = true;
	l->order = ph->order;
	l->risk = strdup(ph->risk);
	l->summary = strdup(ph->summary ? ph->summary : "");
	l->accept_inexact = ph->accept_inexact;
	l->accept_security = ph->accept_security;
	l->required = ph->required;
	l->conflicts = ph->conflicts;
	l->drift_report = ph->drift_report;
	l->restart = ph->restart;
	oom = !l->risk || !l->summary;
	for (size_t i = 0; !oom && i < ph->notes.n; i++)
		oom = strlist_add(&l->notes, ph->notes.s[i]) < 0;
	for (size_t i = 0; !oom && i < q->n_assigns; i++)
		oom = strlist_take(&l->sets, str_printf("%s=%s", q->assigns[i].name, q->assigns[i].value)) < 0;
	if (!oom)
		return l;
	layer_free(l);
	return NULL;
}

static int add_setting(const struct session *s, struct layer *l, const struct profile_setting *ps,
                       struct hft_err *err)
{
	CLEANUP(mem_freep) char *where = str_printf("%s:%u", ps->file, ps->line);
	size_t at;

	if (!where || layer_add_setting(l, &(struct layer_setting){
	                                           .knob = ps->knob,
	                                           .selector = ps->selector,
	                                           .option = ps->option,
	                                           .value = ps->value,
	                                           .why = ps->why,
	                                           .where = where,
	                                           .optional = ps->optional,
	                                   }, &at) < 0)
		return err_oom(err);
	return resolve_setting(s, l, at, RESOLVE_ALL, err);
}

/* "PHASE" or "PROFILE/PHASE", as --phase takes it. */
static bool names_phase(const char *wanted, const char *profile, const char *phase)
{
	const char *slash = strchr(wanted, '/');

	if (!slash)
		return strcmp(wanted, phase) == 0;
	return strncmp(wanted, profile, (size_t)(slash - wanted)) == 0 && !profile[slash - wanted] &&
	       strcmp(slash + 1, phase) == 0;
}

static bool phase_wanted(const struct request *q, const struct profile *p, size_t phase)
{
	for (size_t i = 0; i < q->phases.n; i++) {
		if (names_phase(q->phases.s[i], p->name, p->phases[phase].name))
			return true;
	}
	return !q->phases.n;
}

static int check_phases(const struct request *q, const struct profile *p, struct hft_err *err)
{
	for (size_t i = 0; i < q->phases.n; i++) {
		CLEANUP(strbuf_done) struct strbuf names = {0};
		bool found = false;

		for (size_t k = 0; k < p->n_phases; k++) {
			found = found || names_phase(q->phases.s[i], p->name, p->phases[k].name);
			strbuf_addf(&names, "%s%s", k ? ", " : "", p->phases[k].name);
		}
		if (found)
			continue;
		err_raise(err, ERR_INVALID_ARGUMENT, 0, q->phases.s[i], "profile \"%s\" has no such phase", p->name);
		err_hint(err, "its phases are %s", strbuf_str(&names));
		return -EINVAL;
	}
	return 0;
}

/* Settings whose conditions do not hold, and those of phases that are not wanted. */
static int check_others(const struct session *s, const struct profile *p, const struct request *q, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n_settings; i++) {
		const struct profile_setting *ps = &p->settings[i];
		CLEANUP(mem_freep) char *where = NULL;

		if (ps->active && phase_wanted(q, p, ps->phase))
			continue;
		where = str_printf("%s:%u", ps->file, ps->line);
		r = !where ? err_oom(err) : check_unseen(s, &(struct layer_setting){
			.knob = ps->knob, .option = ps->option, .value = ps->value, .where = where,
		}, err);
	}
	return r;
}

static int resolve_phase(const struct session *s, const struct profile *p, size_t phase, const struct request *q,
                         struct state *next, struct hft_err *err)
{
	struct layer *l = layer_of_phase(s, p, phase, q);
	int r = l ? 0 : err_oom(err);

	for (size_t i = 0; r == 0 && i < p->n_settings; i++) {
		if (p->settings[i].phase == phase && p->settings[i].active)
			r = add_setting(s, l, &p->settings[i], err);
	}
	if (r == 0)
		return state_put_layer(next, l) < 0 ? err_oom(err) : 0;
	layer_free(l);
	return r;
}

int resolve_profile(const struct session *s, const struct profile *p, const struct request *q, struct state *next,
                    struct hft_err *err)
{
	int r = check_phases(q, p, err);

	if (r == 0)
		r = check_others(s, p, q, err);
	for (size_t i = 0; r == 0 && i < p->n_phases; i++) {
		if (phase_wanted(q, p, i))
			r = resolve_phase(s, p, i, q, next, err);
	}
	return r;
}

/* --- CPUs that come and go with the plan --------------------------------------------------------------------------- */

static void hotplug(const struct session *s, const struct knob *k, const struct profile_setting *ps, struct cpuset *online)
{
	CLEANUP(knob_objects_done) struct knob_objects found = {0};
	CLEANUP(strbuf_done) struct strbuf value = {0};
	struct cpuset off, on;

	if (k->list(&s->ctx, ps->selector, ps->option, &found, NULL) < 0)
		return;
	for (size_t i = 0; i < found.n; i++) {
		if (found.o[i].na || k->parse(&s->ctx, found.o[i].key, ps->option, ps->value, &value, NULL) < 0)
			continue;
		k->hotplugs(found.o[i].key, strbuf_str(&value), &off, &on);
		cpuset_minus(online, &off);
		cpuset_or(online, &on);
	}
}

void resolve_online(const struct session *s, const struct profile *p, const struct request *q, struct cpuset *ret)
{
	*ret = s->host->online;
	for (size_t i = 0; i < p->n_settings; i++) {
		const struct profile_setting *ps = &p->settings[i];
		const struct knob *k = ps->active && phase_wanted(q, p, ps->phase) ? knob_find(ps->knob) : NULL;

		if (k && k->hotplugs)
			hotplug(s, k, ps, ret);
	}
}
