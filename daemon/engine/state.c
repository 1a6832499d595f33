/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layers and originals in memory, and their JSON form. Decides nothing and touches no host. */
#include "daemon/engine/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

/* strdup that keeps NULL and says when memory ended. */
static char *dup_text(const char *s, bool *oom)
{
	char *copy = s ? strdup(s) : NULL;

	if (s && !copy)
		*oom = true;
	return copy;
}

static void setting_done(struct layer_setting *s)
{
	free(s->knob);
	free(s->selector);
	free(s->option);
	free(s->value);
	free(s->why);
	free(s->where);
}

static void entry_done(struct layer_entry *e)
{
	free(e->ref.key);
	free(e->label);
	free(e->value);
	free(e->na);
}

static void object_done(struct state_object *o)
{
	free(o->ref.key);
	free(o->original);
	free(o->applied);
	free(o->boot_id);
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

void layer_free(struct layer *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n_settings; i++)
		setting_done(&l->settings[i]);
	for (size_t i = 0; i < l->n_entries; i++)
		entry_done(&l->entries[i]);
	free(l->settings);
	free(l->entries);
	object_index_done(&l->index);
	strlist_done(&l->notes);
	strlist_done(&l->sets);
	strlist_done(&l->remarks);
	free(l->profile);
	free(l->phase);
	free(l->risk);
	free(l->summary);
	free(l->boot_id);
	free(l);
}

struct layer *layer_new(const char *profile, const char *phase, const char *boot_id)
{
	struct layer *l = calloc(1, sizeof(*l));
	bool oom = false;

	if (!l)
		return NULL;
	l->profile = dup_text(profile, &oom);
	l->phase = dup_text(phase, &oom);
	l->boot_id = dup_text(boot_id, &oom);
	if (!oom)
		return l;
	layer_free(l);
	return NULL;
}

static int list_copy(struct strlist *to, const struct strlist *from)
{
	for (size_t i = 0; i < from->n; i++) {
		if (strlist_add(to, from->s[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

struct layer *layer_dup(const struct layer *l)
{
	struct layer *copy = layer_new(l->profile, l->phase, l->boot_id);
	bool oom = false;

	if (!copy)
		return NULL;
	copy->risk = dup_text(l->risk, &oom);
	copy->summary = dup_text(l->summary, &oom);
	copy->order = l->order;
	copy->txn = l->txn;
	copy->updated = l->updated;
	copy->accept_inexact = l->accept_inexact;
	copy->accept_security = l->accept_security;
	copy->drift_report = l->drift_report;
	copy->required = l->required;
	copy->conflicts = l->conflicts;
	copy->restart = l->restart;
	copy->residue = l->residue;
	oom = oom || list_copy(&copy->notes, &l->notes) < 0 || list_copy(&copy->sets, &l->sets) < 0;
	for (size_t i = 0; !oom && i < l->n_settings; i++)
		oom = layer_add_setting(copy, &l->settings[i], NULL) < 0;
	for (size_t i = 0; !oom && i < l->n_entries; i++)
		oom = layer_add_entry(copy, &l->entries[i]) < 0;
	if (!oom)
		return copy;
	layer_free(copy);
	return NULL;
}

int layer_add_setting(struct layer *l, const struct layer_setting *s, size_t *ret_index)
{
	struct layer_setting *n;
	bool oom = false;

	if (mem_grow(&l->settings, &l->cap_settings, l->n_settings, sizeof(*n)) < 0)
		return -ENOMEM;
	n = &l->settings[l->n_settings];
	*n = (struct layer_setting){
		.knob = dup_text(s->knob, &oom),
		.selector = dup_text(s->selector, &oom),
		.option = dup_text(s->option, &oom),
		.value = dup_text(s->value, &oom),
		.why = dup_text(s->why, &oom),
		.where = dup_text(s->where, &oom),
		.optional = s->optional,
	};
	if (oom) {
		setting_done(n);
		return -ENOMEM;
	}
	if (ret_index)
		*ret_index = l->n_settings;
	l->n_settings++;
	return 0;
}

static int entry_copy(const struct layer_entry *e, struct layer_entry *ret)
{
	bool oom = false;

	*ret = (struct layer_entry){
		.ref = {.knob = e->ref.knob, .key = dup_text(e->ref.key, &oom)},
		.label = dup_text(e->label, &oom),
		.value = dup_text(e->value, &oom),
		.na = dup_text(e->na, &oom),
		.setting = e->setting,
		.refused = e->refused,
		.residue = e->residue,
	};
	if (!oom)
		return 0;
	entry_done(ret);
	return -ENOMEM;
}

int layer_add_entry(struct layer *l, const struct layer_entry *e)
{
	long at = object_index_find(&l->index, l->entries, sizeof(*e), e->ref.knob, e->ref.key);
	struct layer_entry copy;

	if (entry_copy(e, &copy) < 0)
		return -ENOMEM;
	if (at >= 0) {
		/* The key's text is equal; the index holds numbers, so the element may be replaced where it stands. */
		entry_done(&l->entries[at]);
		l->entries[at] = copy;
		return 0;
	}
	if (mem_grow(&l->entries, &l->cap_entries, l->n_entries, sizeof(copy)) < 0)
		goto oom;
	l->entries[l->n_entries] = copy;
	if (object_index_add(&l->index, l->entries, sizeof(copy), l->n_entries) < 0)
		goto oom;
	l->n_entries++;
	return 0;
oom:
	entry_done(&copy);
	return -ENOMEM;
}

struct layer_entry *layer_entry(const struct layer *l, const struct knob *knob, const char *key)
{
	long at = object_index_find(&l->index, l->entries, sizeof(*l->entries), knob, key);

	return at < 0 ? NULL : &l->entries[at];
}

void layer_drop_entry(struct layer *l, size_t i)
{
	entry_done(&l->entries[i]);
	memmove(&l->entries[i], &l->entries[i + 1], (l->n_entries - i - 1) * sizeof(*l->entries));
	l->n_entries--;
	object_index_reset(&l->index);
	/* The index only shrinks here, so its memory suffices and adding cannot fail. */
	for (size_t k = 0; k < l->n_entries; k++)
		object_index_add(&l->index, l->entries, sizeof(*l->entries), k);
}

bool layer_in_force(const struct layer *l, const char *boot_id)
{
	size_t persistent = 0;

	if (str_eq(l->boot_id, boot_id))
		return true;
	while (persistent < l->n_entries && l->entries[persistent].ref.knob->persistent)
		persistent++;
	return l->n_entries > 0 && persistent == l->n_entries;
}

int layer_revive(struct layer *l, const char *boot_id)
{
	char *copy;

	if (l->residue || layer_in_force(l, boot_id))
		return 0;
	copy = strdup(boot_id);
	if (!copy)
		return -ENOMEM;
	free(l->boot_id);
	l->boot_id = copy;
	l->revived = true;
	for (size_t i = 0; i < l->n_entries; i++) /* another kernel, or another driver, may not */
		l->entries[i].refused = false;
	return 1;
}

bool layer_entry_is_lacking(const struct layer_entry *e)
{
	return e->na && !e->refused;
}

bool layer_entry_in_force(const struct layer *l, const struct layer_entry *e, const char *boot_id)
{
	return e->ref.knob->persistent || str_eq(l->boot_id, boot_id);
}

static bool setting_same(const struct layer_setting *a, const struct layer_setting *b)
{
	return str_eq(a->knob, b->knob) && str_eq(a->selector, b->selector) && str_eq(a->option, b->option) &&
	       str_eq(a->value, b->value) && str_eq(a->why, b->why) && a->optional == b->optional;
}

static bool entry_same(const struct layer_entry *a, const struct layer_entry *b)
{
	return a->ref.knob == b->ref.knob && str_eq(a->ref.key, b->ref.key) && str_eq(a->value, b->value) &&
	       str_eq(a->na, b->na) && a->residue == b->residue;
}

bool layer_same(const struct layer *a, const struct layer *b)
{
	if (a->n_settings != b->n_settings || a->n_entries != b->n_entries || a->order != b->order ||
	    a->residue != b->residue || !str_eq(a->risk, b->risk) || !str_eq(a->summary, b->summary) ||
	    !str_eq(a->boot_id, b->boot_id) || a->accept_inexact != b->accept_inexact ||
	    a->accept_security != b->accept_security || a->required != b->required ||
	    a->conflicts != b->conflicts || a->drift_report != b->drift_report || a->restart != b->restart)
		return false;
	for (size_t i = 0; i < a->n_settings; i++) {
		if (!setting_same(&a->settings[i], &b->settings[i]))
			return false;
	}
	for (size_t i = 0; i < a->n_entries; i++) {
		if (!entry_same(&a->entries[i], &b->entries[i]))
			return false;
	}
	return true;
}

/* --- the state ------------------------------------------------------------------------------------------------------ */

void state_init(struct state *s)
{
	memset(s, 0, sizeof(*s));
}

void state_done(struct state *s)
{
	for (size_t i = 0; i < s->n_layers; i++)
		layer_free(s->layers[i]);
	for (size_t i = 0; i < s->n_objects; i++)
		object_done(&s->objects[i]);
	free(s->layers);
	free(s->objects);
	object_index_done(&s->index);
	state_init(s);
}

int state_insert_layer(struct state *s, size_t at, struct layer *l)
{
	if (!l || mem_grow(&s->layers, &s->cap_layers, s->n_layers, sizeof(struct layer *)) < 0) {
		layer_free(l);
		return -ENOMEM;
	}
	memmove(&s->layers[at + 1], &s->layers[at], (s->n_layers - at) * sizeof(struct layer *));
	s->layers[at] = l;
	s->n_layers++;
	return 0;
}

int state_object_set_applied(struct state_object *o, const char *applied)
{
	bool oom = false;
	char *copy = dup_text(applied, &oom);

	if (oom)
		return -ENOMEM;
	free(o->applied);
	o->applied = copy;
	return 0;
}

int state_copy(const struct state *s, struct state *ret)
{
	state_init(ret);
	for (size_t i = 0; i < s->n_layers; i++) {
		if (state_insert_layer(ret, i, layer_dup(s->layers[i])) < 0)
			goto oom;
	}
	for (size_t i = 0; i < s->n_objects; i++) {
		const struct state_object *o = &s->objects[i];
		struct state_object *copy = state_add_object(ret, o->ref.knob, o->ref.key, o->original, o->boot_id);

		if (!copy || state_object_set_applied(copy, o->applied) < 0)
			goto oom;
	}
	return 0;
oom:
	state_done(ret);
	return -ENOMEM;
}

struct layer *state_layer(const struct state *s, const char *profile, const char *phase)
{
	for (size_t i = 0; i < s->n_layers; i++) {
		if (str_eq(s->layers[i]->profile, profile) && str_eq(s->layers[i]->phase, phase))
			return s->layers[i];
	}
	return NULL;
}

int state_put_layer(struct state *s, struct layer *l)
{
	size_t at = s->n_layers;

	for (size_t i = 0; i < s->n_layers; i++) {
		struct layer *old = s->layers[i];

		if (!str_eq(old->profile, l->profile))
			continue;
		if (str_eq(old->phase, l->phase)) {
			layer_free(old);
			s->layers[i] = l;
			return 0;
		}
		if (old->order > l->order && at == s->n_layers)
			at = i;
	}
	return state_insert_layer(s, at, l);
}

void state_remove_layer(struct state *s, size_t i)
{
	layer_free(s->layers[i]);
	memmove(&s->layers[i], &s->layers[i + 1], (s->n_layers - i - 1) * sizeof(struct layer *));
	s->n_layers--;
}

const struct layer_entry *state_top(const struct state *s, const char *boot_id, const struct knob *knob,
                                    const char *key, const struct layer **ret_layer)
{
	for (size_t i = s->n_layers; i-- > 0;) {
		const struct layer *l = s->layers[i];
		const struct layer_entry *e = layer_entry(l, knob, key);

		if (!e || e->na || e->residue || !layer_entry_in_force(l, e, boot_id))
			continue;
		if (ret_layer)
			*ret_layer = l;
		return e;
	}
	return NULL;
}

const char *state_refusal(const struct state *s, const char *boot_id, const struct knob *knob, const char *key)
{
	for (size_t i = s->n_layers; i-- > 0;) {
		const struct layer_entry *e = layer_entry(s->layers[i], knob, key);

		if (e && e->refused && layer_in_force(s->layers[i], boot_id))
			return e->na;
	}
	return NULL;
}

struct state_object *state_object(const struct state *s, const struct knob *knob, const char *key)
{
	long at = object_index_find(&s->index, s->objects, sizeof(*s->objects), knob, key);

	return at < 0 ? NULL : &s->objects[at];
}

struct state_object *state_add_object(struct state *s, const struct knob *knob, const char *key, const char *original,
                                      const char *boot_id)
{
	struct state_object *o = state_object(s, knob, key);
	bool oom = false;

	if (o)
		return o;
	if (mem_grow(&s->objects, &s->cap_objects, s->n_objects, sizeof(*o)) < 0)
		return NULL;
	o = &s->objects[s->n_objects];
	*o = (struct state_object){
		.ref = {.knob = knob, .key = dup_text(key, &oom)},
		.original = dup_text(original, &oom),
		.boot_id = dup_text(boot_id, &oom),
	};
	if (oom || object_index_add(&s->index, s->objects, sizeof(*o), s->n_objects) < 0) {
		object_done(o);
		return NULL;
	}
	s->n_objects++;
	return o;
}

static void reindex_objects(struct state *s)
{
	object_index_reset(&s->index);
	/* The index never shrinks, so adding what it already held cannot fail. */
	for (size_t k = 0; k < s->n_objects; k++)
		object_index_add(&s->index, s->objects, sizeof(*s->objects), k);
}

void state_drop_object(struct state *s, const struct knob *knob, const char *key)
{
	struct state_object *o = state_object(s, knob, key);

	if (o)
		o->doomed = true;
}

void state_sweep(struct state *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_objects; i++) {
		if (s->objects[i].doomed)
			object_done(&s->objects[i]);
		else
			s->objects[n++] = s->objects[i];
	}
	if (n == s->n_objects)
		return;
	s->n_objects = n;
	reindex_objects(s);
}

static bool is_of(const struct layer_entry *e, const struct object_ref *ref)
{
	return e->ref.knob == ref->knob && strcmp(e->ref.key, ref->key) == 0;
}

/* Drop the residue of one object, or (NULL) those of another boot, and layers when nothing else was in them. */
static void drop_residues(struct state *s, const struct object_ref *only, const char *boot_id)
{
	for (size_t i = s->n_layers; i-- > 0;) {
		struct layer *l = s->layers[i];

		for (size_t k = l->n_entries; k-- > 0;) {
			const struct layer_entry *e = &l->entries[k];

			if (e->residue && (only ? is_of(e, only) : !layer_entry_in_force(l, e, boot_id)))
				layer_drop_entry(l, k);
		}
		if (l->residue && !l->n_entries)
			state_remove_layer(s, i);
	}
}

void state_drop_residue(struct state *s, const struct object_ref *ref)
{
	drop_residues(s, ref, NULL);
}

bool state_object_is_void(const struct state_object *o, const char *boot_id)
{
	return !o->ref.knob->persistent && !str_eq(o->boot_id, boot_id);
}

void state_drop_old_boots(struct state *s, const char *boot_id)
{
	drop_residues(s, NULL, boot_id);
	for (size_t i = 0; i < s->n_objects; i++)
		s->objects[i].doomed = s->objects[i].doomed || state_object_is_void(&s->objects[i], boot_id);
	state_sweep(s);
}

bool state_has_residue(const struct state *s, const struct knob *knob, const char *key)
{
	for (size_t i = 0; i < s->n_layers; i++) {
		const struct layer_entry *e = layer_entry(s->layers[i], knob, key);

		if (e && e->residue)
			return true;
	}
	return false;
}

/* --- JSON ------------------------------------------------------------------------------------------------------------ */

/* Written as text: a tree of thousands of entries costs more than the journal's disk. */

static void texts_out(struct strbuf *b, const char *key, const struct strlist *l)
{
	if (!l->n)
		return;
	json_text_key(b, key);
	json_text_begin(b, '[');
	for (size_t i = 0; i < l->n; i++) {
		json_text_next(b);
		json_text_element(b, l->s[i]);
	}
	json_text_end(b, ']');
}

static void setting_out(struct strbuf *b, const struct layer_setting *s)
{
	json_text_next(b);
	json_text_begin(b, '{');
	json_text_string(b, "knob", s->knob);
	json_text_string(b, "selector", s->selector);
	json_text_string(b, "option", s->option);
	json_text_string(b, "value", s->value);
	json_text_string(b, "why", s->why);
	json_text_string(b, "where", s->where);
	if (s->optional)
		json_text_bool(b, "optional", true);
	json_text_end(b, '}');
}

static void entry_out(struct strbuf *b, const struct layer_entry *e)
{
	json_text_next(b);
	json_text_begin(b, '{');
	json_text_string(b, "knob", e->ref.knob->name);
	json_text_string(b, "key", e->ref.key);
	json_text_string(b, "value", e->value);
	json_text_int(b, "setting", (int64_t)e->setting);
	json_text_string(b, "label", e->label);
	json_text_string(b, "na", e->na);
	if (e->refused)
		json_text_bool(b, "refused", true);
	if (e->residue)
		json_text_bool(b, "residue", true);
	json_text_end(b, '}');
}

static void layer_out(struct strbuf *b, const struct layer *l)
{
	json_text_next(b);
	json_text_begin(b, '{');
	json_text_string(b, "profile", l->profile);
	json_text_string(b, "phase", l->phase);
	json_text_string(b, "risk", l->risk);
	json_text_string(b, "summary", l->summary);
	json_text_string(b, "boot_id", l->boot_id);
	json_text_int(b, "order", l->order);
	json_text_int(b, "txn", l->txn);
	json_text_int(b, "updated", l->updated);
	json_text_bool(b, "accept_inexact", l->accept_inexact);
	json_text_bool(b, "accept_security", l->accept_security);
	json_text_bool(b, "drift_report", l->drift_report);
	json_text_bool(b, "required", l->required);
	json_text_string(b, "conflicts", profile_conflicts_names[l->conflicts]);
	json_text_bool(b, "restart", l->restart);
	json_text_bool(b, "residue", l->residue);
	texts_out(b, "notes", &l->notes);
	texts_out(b, "sets", &l->sets);
	json_text_key(b, "settings");
	json_text_begin(b, '[');
	for (size_t i = 0; i < l->n_settings; i++)
		setting_out(b, &l->settings[i]);
	json_text_end(b, ']');
	json_text_key(b, "entries");
	json_text_begin(b, '[');
	for (size_t i = 0; i < l->n_entries; i++)
		entry_out(b, &l->entries[i]);
	json_text_end(b, ']');
	json_text_end(b, '}');
}

static void object_out(struct strbuf *b, const struct state_object *o)
{
	json_text_next(b);
	json_text_begin(b, '{');
	json_text_string(b, "knob", o->ref.knob->name);
	json_text_string(b, "key", o->ref.key);
	json_text_string(b, "original", o->original);
	json_text_string(b, "applied", o->applied);
	json_text_string(b, "boot_id", o->boot_id);
	json_text_end(b, '}');
}

struct json *state_to_json(const struct state *s)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};

	json_text_begin(&b, '{');
	json_text_key(&b, "layers");
	json_text_begin(&b, '[');
	for (size_t i = 0; i < s->n_layers; i++)
		layer_out(&b, s->layers[i]);
	json_text_end(&b, ']');
	json_text_key(&b, "objects");
	json_text_begin(&b, '[');
	for (size_t i = 0; i < s->n_objects; i++)
		object_out(&b, &s->objects[i]);
	json_text_end(&b, ']');
	json_text_end(&b, '}');
	return b.oom ? NULL : json_new_text(b.s);
}

/* Borrowed text that is only read: dup_text copies it. */
static char *text(const struct json *j, const char *key)
{
	union {
		const char *in;
		char *out;
	} u = {.in = json_get_string(j, key, NULL)};

	return u.out;
}

static int bad_state(struct hft_err *err, const char *what, const char *value)
{
	return err_raise(err, ERR_STATE, EINVAL, value, "the journal's state record names %s that this version does not have",
	                 what);
}

static int ref_from_json(const struct json *j, struct object_ref *ret, struct hft_err *err)
{
	const char *name = json_get_string(j, "knob", "");

	ret->knob = knob_find(name);
	ret->key = text(j, "key");
	if (!ret->knob)
		return bad_state(err, "a knob", name);
	return ret->key ? 0 : bad_state(err, "an object", "(no key)");
}

static int texts_from_json(const struct json *j, struct strlist *ret)
{
	for (const struct json *e = json_first(j); e; e = json_next(e)) {
		if (strlist_add(ret, json_string(e, "")) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int settings_from_json(const struct json *j, struct layer *l)
{
	for (const struct json *e = json_first(j); e; e = json_next(e)) {
		struct layer_setting s = {
			.knob = text(e, "knob"),
			.selector = text(e, "selector"),
			.option = text(e, "option"),
			.value = text(e, "value"),
			.why = text(e, "why"),
			.where = text(e, "where"),
			.optional = json_get_bool(e, "optional", false),
		};

		if (layer_add_setting(l, &s, NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int entries_from_json(const struct json *j, struct layer *l, struct hft_err *err)
{
	for (const struct json *e = json_first(j); e; e = json_next(e)) {
		struct layer_entry n = {
			.label = text(e, "label"),
			.value = text(e, "value"),
			.na = text(e, "na"),
			.setting = (size_t)json_get_int(e, "setting", 0),
			.refused = json_get_bool(e, "refused", false),
			.residue = json_get_bool(e, "residue", false),
		};
		int r = ref_from_json(e, &n.ref, err);

		if (r < 0)
			return r;
		if (n.setting >= l->n_settings)
			return bad_state(err, "a setting", n.ref.key);
		if (layer_add_entry(l, &n) < 0)
			return err_oom(err);
	}
	return 0;
}

/* Older journals have none, and knew no other way. */
static enum profile_conflicts conflicts_from_json(const struct json *j)
{
	const char *name = json_get_string(j, "conflicts", "");
	int i = PROFILE_N_CONFLICTS - 1;

	while (i > PROFILE_CONFLICTS_FAIL && !str_eq(name, profile_conflicts_names[i]))
		i--;
	return (enum profile_conflicts)i;
}

static int layer_from_json(const struct json *j, struct state *s, struct hft_err *err)
{
	struct layer *l = layer_new(json_get_string(j, "profile", ""), json_get_string(j, "phase", ""),
	                            json_get_string(j, "boot_id", ""));
	bool oom = false;
	int r;

	if (!l)
		return err_oom(err);
	l->risk = dup_text(json_get_string(j, "risk", "low"), &oom);
	l->summary = dup_text(json_get_string(j, "summary", ""), &oom);
	l->order = json_get_int(j, "order", 0);
	l->txn = json_get_int(j, "txn", 0);
	l->updated = json_get_int(j, "updated", 0);
	l->accept_inexact = json_get_bool(j, "accept_inexact", false);
	l->accept_security = json_get_bool(j, "accept_security", false);
	l->drift_report = json_get_bool(j, "drift_report", false);
	l->required = json_get_bool(j, "required", false);
	l->conflicts = conflicts_from_json(j);
	l->restart = json_get_bool(j, "restart", false);
	l->residue = json_get_bool(j, "residue", false);
	if (oom || texts_from_json(json_get(j, "notes"), &l->notes) < 0 ||
	    texts_from_json(json_get(j, "sets"), &l->sets) < 0 || settings_from_json(json_get(j, "settings"), l) < 0)
		r = err_oom(err);
	else
		r = entries_from_json(json_get(j, "entries"), l, err);
	if (r < 0) {
		layer_free(l);
		return r;
	}
	return state_insert_layer(s, s->n_layers, l) < 0 ? err_oom(err) : 0;
}

static int object_from_json(const struct json *j, struct state *s, struct hft_err *err)
{
	struct object_ref ref;
	struct state_object *o;
	int r = ref_from_json(j, &ref, err);

	if (r < 0)
		return r;
	o = state_add_object(s, ref.knob, ref.key, json_get_string(j, "original", NULL),
	                     json_get_string(j, "boot_id", ""));
	if (!o || state_object_set_applied(o, json_get_string(j, "applied", NULL)) < 0)
		return err_oom(err);
	return 0;
}

int state_from_json(const struct json *j, struct state *ret, struct hft_err *err)
{
	int r = 0;

	state_init(ret);
	for (const struct json *e = json_first(json_get(j, "layers")); r == 0 && e; e = json_next(e))
		r = layer_from_json(e, ret, err);
	for (const struct json *e = json_first(json_get(j, "objects")); r == 0 && e; e = json_next(e))
		r = object_from_json(e, ret, err);
	if (r < 0)
		state_done(ret);
	return r;
}
