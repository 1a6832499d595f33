/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registry: all knobs in the order of knobs.def, and what every knob needs. Knows no kind of tunable. */
#include "daemon/knobs/knob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define KNOB(name) extern const struct knob knob_##name;
#include "daemon/knobs/knobs.def"
#undef KNOB

#define KNOB(name) &knob_##name,
const struct knob *const knobs[] = {
#include "daemon/knobs/knobs.def"
};
#undef KNOB

const size_t n_knobs = ARRAY_LEN(knobs);

const struct knob *knob_find(const char *name)
{
	for (size_t i = 0; name && i < n_knobs; i++)
		if (strcmp(knobs[i]->name, name) == 0)
			return knobs[i];
	return NULL;
}

int knob_rank(const struct knob *k)
{
	for (size_t i = 0; i < n_knobs; i++)
		if (knobs[i] == k)
			return (int)i;
	return (int)n_knobs;
}

static void object_done(struct knob_object *o)
{
	free(o->key);
	free(o->label);
	free(o->na);
}

/* A missing text stays missing; a failed copy says so. */
static bool copy_text(char **ret, const char *text)
{
	*ret = text ? strdup(text) : NULL;
	return !text || *ret;
}

int knob_objects_add(struct knob_objects *l, const char *key, const char *label, const char *na, struct hft_err *err)
{
	struct knob_object o = {0};

	if (!copy_text(&o.key, key) || !copy_text(&o.label, label) || !copy_text(&o.na, na) ||
	    mem_grow(&l->o, &l->cap, l->n, sizeof(*l->o)) < 0) {
		object_done(&o);
		return err_oom(err);
	}
	l->o[l->n++] = o;
	return 0;
}

void knob_objects_done(struct knob_objects *l)
{
	for (size_t i = 0; i < l->n; i++)
		object_done(&l->o[i]);
	free(l->o);
	*l = (struct knob_objects){0};
}

int knob_host_conf(const struct knob_ctx *c, const char *section, const char *name, struct strbuf *ret,
                   struct hft_err *err)
{
	strbuf_reset(ret);
	return c->host_conf ? c->host_conf(c->host_conf_data, section, name, ret, err) : 0;
}

const char *knob_cannot_hold(const struct knob_ctx *c)
{
	if (c->copied)
		return "not applicable (copied tree)";
	return c->holds ? NULL : "not applicable in standalone mode: nobody stays to hold the descriptor";
}

void knob_verdict_done(struct knob_verdict *v)
{
	strbuf_done(&v->found);
	*v = (struct knob_verdict){0};
}

int knob_verify(const struct knob *k, const struct knob_ctx *c, const char *key, const char *wanted,
                struct knob_verdict *ret, struct hft_err *err)
{
	ret->reason[0] = '\0';
	if (k->verify)
		return k->verify(c, key, wanted, ret, err);
	int r = k->read(c, key, &ret->found, err);
	if (r < 0)
		return r;
	ret->state = strcmp(strbuf_str(&ret->found), wanted) == 0 ? KNOB_OK : KNOB_DRIFT;
	return 0;
}
