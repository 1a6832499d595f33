/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other tools that write what a plan writes (knobs/others.h), and what a phase says about them: refuse, stop, ignore. A
 * tool that is to be stopped becomes a line of the layer like those of the file, so that verify, repair and rollback
 * need to know nothing of it. A replay is not refused: at boot nobody is there to be told, and a host with none of its
 * tuning is worse than one where a tool may undo some of it. It is warned of.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/engine/plan.h"
#include "daemon/engine/report.h"
#include "daemon/engine/steps.h"
#include "daemon/host/host.h"
#include "daemon/knobs/other_files.h"
#include "daemon/knobs/others.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

#define STOPPED "stopped" /* the value of knob unit, and of irqbalance's `service` */

/* The objects of a layer that a tool, or a line of a file, writes too. */
struct overlap {
	const struct layer_entry *first;
	size_t n;
};

/* Is the request at hand about the layer? */
static bool is_meant(const struct layer *l)
{
	return l->touched || l->revived;
}

static bool counts(const struct layer_entry *e)
{
	return !e->na && !e->residue;
}

static struct overlap overlap(const struct layer *l, const struct other *o)
{
	struct overlap found = {0};

	for (size_t i = 0; i < l->n_entries; i++) {
		const struct layer_entry *e = &l->entries[i];

		if (!counts(e) || !other_writes(o, e->ref.knob->name, e->ref.key))
			continue;
		found.first = found.first ? found.first : e;
		found.n++;
	}
	return found;
}

static void add_overlap(struct strbuf *b, const struct overlap *v)
{
	strbuf_addf(b, "%s %s", v->first->ref.knob->name, v->first->ref.key);
	if (v->n > 1)
		strbuf_addf(b, " and %zu more", v->n - 1);
}

/* --- who is in the way ----------------------------------------------------------------------------------------------- */

/* Would it run, had we not stopped it? */
static bool is_held_down(const struct session *s, const struct other *o)
{
	const struct state_object *was = state_object(&s->state, knob_find("unit"), o->unit);

	return was && !state_object_is_void(was, s->host->boot_id) && str_starts(was->original, "running");
}

static bool is_in_the_way(const struct session *s, const struct other *o)
{
	return other_is_busy(&s->ctx, o) || is_held_down(s, o);
}

static bool holds_stopped(const struct session *s, const struct state *next, const char *knob, const char *key)
{
	const struct knob *k = knob_find(knob);
	const struct layer_entry *e = k ? state_top(next, s->host->boot_id, k, key, NULL) : NULL;

	return e && str_eq(e->value, STOPPED);
}

static bool will_be_stopped(const struct session *s, const struct state *next, const struct other *o)
{
	return holds_stopped(s, next, "unit", o->unit) ||
	       (str_eq(o->unit, "irqbalance.service") && holds_stopped(s, next, "irqbalance", "service"));
}

/* --- stop ------------------------------------------------------------------------------------------------------------- */

static int add_stop(struct layer *l, const struct other *o, const struct overlap *v, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf why = {0};
	struct layer_entry e = {.ref = {.knob = knob_find("unit"), .key = strdup(o->unit)}, .value = strdup(STOPPED)};
	struct layer_setting line = {.knob = strdup("unit"), .selector = strdup(""), .option = strdup(o->unit),
	                             .value = strdup(STOPPED), .where = l->settings[v->first->setting].where};
	int r = -ENOMEM;

	strbuf_add(&why, "conflicts = stop: it sets ");
	add_overlap(&why, v);
	line.why = why.s;
	if (!why.oom && e.ref.key && e.value && line.knob && line.selector && line.option && line.value)
		r = layer_add_setting(l, &line, &e.setting);
	if (r == 0)
		r = layer_add_entry(l, &e);
	mem_freep(&e.ref.key);
	mem_freep(&e.value);
	mem_freep(&line.knob);
	mem_freep(&line.selector);
	mem_freep(&line.option);
	mem_freep(&line.value);
	return r < 0 ? err_oom(err) : 0;
}

/* Every layer that a tool disturbs says so itself: it stays stopped until the last of them has gone. */
static int pass_stop(struct state *next, const struct other *o, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < next->n_layers; i++) {
		struct layer *l = next->layers[i];
		struct overlap v;

		if (!is_meant(l) || l->conflicts != PROFILE_CONFLICTS_STOP || layer_entry(l, knob_find("unit"), o->unit))
			continue;
		v = overlap(l, o);
		if (v.n > 0)
			r = add_stop(l, o, &v, err);
	}
	return r;
}

/* --- fail and ignore ---------------------------------------------------------------------------------------------------- */

struct refusal {
	struct strbuf what;   /* for people */
	struct strbuf units;  /* with blanks between them */
	const char *first;    /* unit */
	const char *where, *phase;
	bool binds;           /* somebody asked for a layer of these: it is no replay */
};

static int remark(struct layer *l, char *text_take, struct hft_err *err)
{
	return strlist_take(&l->remarks, text_take) < 0 ? err_oom(err) : 0;
}

static int refuse(struct refusal *f, const struct layer *l, const struct other *o, const struct overlap *v, bool busy)
{
	f->binds = f->binds || l->touched;
	if (!f->first) {
		f->first = o->unit;
		f->phase = l->phase;
		f->where = l->settings[v->first->setting].where;
	}
	if (strstr(strbuf_str(&f->units), o->unit))
		return 0; /* said of a layer below */
	strbuf_addf(&f->units, "%s%s", f->units.len ? " " : "", o->unit);
	strbuf_addf(&f->what, "%s%s (%s) %s and sets ", f->what.len ? "; " : "", o->unit, o->name,
	            busy ? "runs" : "would run again");
	add_overlap(&f->what, v);
	strbuf_addf(&f->what, " of phase %s, too (%s)", l->phase, o->what);
	return f->what.oom || f->units.oom ? -ENOMEM : 0;
}

static int pass_others(const struct session *s, struct state *next, const struct other *o, struct refusal *f,
                       struct hft_err *err)
{
	bool runs = !o->at_start && is_in_the_way(s, o) && !will_be_stopped(s, next, o);
	int r = 0;

	if (!runs && !(o->at_start && other_is_active(&s->ctx, o->unit)))
		return 0;
	for (size_t i = 0; r == 0 && i < next->n_layers; i++) {
		struct layer *l = next->layers[i];
		struct overlap v = {0};

		if (is_meant(l))
			v = overlap(l, o);
		if (v.n == 0)
			continue;
		if (runs && l->conflicts != PROFILE_CONFLICTS_IGNORE)
			r = refuse(f, l, o, &v, other_is_busy(&s->ctx, o)) < 0 ? err_oom(err) : 0;
		else
			r = remark(l, str_printf("%s (%s) sets %s%s", o->unit, o->name, o->what,
			                         runs ? "; ignored, as the phase says" : ""), err);
	}
	return r;
}

static int raise_refusal(const struct refusal *f, struct hft_err *err)
{
	err_raise(err, ERR_CONFLICT, EEXIST, f->first, "%s", strbuf_str(&f->what));
	if (err && f->where)
		snprintf(err->where, sizeof(err->where), "%s", f->where);
	err_hint(err, "`systemctl mask --now %s`; or write `conflicts = stop` under [phase %s], and rollback starts it again",
	         strbuf_str(&f->units), f->phase);
	return -EEXIST;
}

static int give_warning(const struct refusal *f, char **ret, struct hft_err *err)
{
	*ret = str_printf("%s; `systemctl mask --now %s` and `hfttune repair`", strbuf_str(&f->what), strbuf_str(&f->units));
	return *ret ? 0 : err_oom(err);
}

/* --- files --------------------------------------------------------------------------------------------------------------- */

/* Does the line say what the layer says? */
static bool agrees(const struct session *s, const struct layer *l, const struct layer_entry *e,
                   const struct other_line *line)
{
	CLEANUP(strbuf_done) struct strbuf value = {0};
	const struct knob *k = e->ref.knob;
	/* A sysctl is called in the file as in the profile; of twins the file says which one. */
	const char *option = str_eq(k->name, "sysctl") && !str_is_pattern(line->key) ? line->key : l->settings[e->setting].option;

	return k->parse(&s->ctx, e->ref.key, option, line->value, &value, NULL) == 0 && str_eq(strbuf_str(&value), e->value);
}

static int remark_line(const struct session *s, struct layer *l, const struct other_line *line, struct hft_err *err)
{
	struct overlap v = {0};

	for (size_t i = 0; i < l->n_entries; i++) {
		const struct layer_entry *e = &l->entries[i];

		if (!counts(e) || !other_line_sets(line, e->ref.knob, e->ref.key) || agrees(s, l, e, line))
			continue;
		v.first = v.first ? v.first : e;
		v.n++;
	}
	if (v.n == 0)
		return 0;
	CLEANUP(strbuf_done) struct strbuf text = {0};
	strbuf_addf(&text, "%s sets ", line->where);
	add_overlap(&text, &v);
	strbuf_addf(&text, "%s%s %s", *line->value ? " to " : "", line->value, line->when);
	return remark(l, strbuf_take(&text), err);
}

static int pass_files(const struct session *s, struct state *next, struct hft_err *err)
{
	CLEANUP(other_lines_done) struct other_lines lines = {0};
	int r = other_files_read(&s->ctx, &lines, err);

	for (size_t i = 0; r == 0 && i < next->n_layers; i++) {
		for (size_t k = 0; r == 0 && next->layers[i]->touched && k < lines.n; k++)
			r = remark_line(s, next->layers[i], &lines.l[k], err);
	}
	return r;
}

/* --- the whole -------------------------------------------------------------------------------------------------------- */

int conflicts_settle(const struct session *s, struct state *next, char **ret_warning, struct hft_err *err)
{
	struct refusal f = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_others; i++) {
		if (!others[i].at_start && is_in_the_way(s, &others[i]))
			r = pass_stop(next, &others[i], err);
	}
	for (size_t i = 0; r == 0 && i < n_others; i++)
		r = pass_others(s, next, &others[i], &f, err);
	if (r == 0 && f.first)
		r = f.binds ? raise_refusal(&f, err) : give_warning(&f, ret_warning, err);
	strbuf_done(&f.what);
	strbuf_done(&f.units);
	return r < 0 ? r : pass_files(s, next, err);
}

void conflicts_mark(struct plan *p)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		struct step *st = &p->steps[i];
		const struct other *o = str_eq(st->knob->name, "unit") ? other_find(st->key) : NULL;

		if (!o || !o->undoes || !st->write)
			continue;
		st->upsets = true;
		for (size_t k = 0; k < p->n_steps; k++) {
			if (other_writes(o, p->steps[k].knob->name, p->steps[k].key) && p->steps[k].before)
				p->steps[k].read_again = true;
		}
	}
}

static int report_running(const struct layer *l, const struct other *o, const struct overlap *v, struct result *ret)
{
	CLEANUP(strbuf_done) struct strbuf why = {0};
	struct step *st;

	strbuf_addf(&why, "it runs, and sets ");
	add_overlap(&why, v);
	strbuf_addf(&why, ", too (%s)", o->what);
	if (why.oom || report_step(ret, knob_find("unit"), o->unit, &st) < 0)
		return -ENOMEM;
	st->state = STEP_DRIFT;
	st->order = l->order;
	return step_set(&st->profile, l->profile) && step_set(&st->phase, l->phase) && step_set(&st->before, "running") &&
	                       step_set(&st->after, STOPPED) && step_set(&st->reason, why.s)
	               ? 0
	               : -ENOMEM;
}

int conflicts_verify(const struct session *s, const struct state *state, const struct layer *l, struct result *ret,
                     struct hft_err *err)
{
	for (size_t i = 0; l->conflicts != PROFILE_CONFLICTS_IGNORE && !l->residue && i < n_others; i++) {
		struct overlap v;

		/* One that shall be stopped is judged by its own line. */
		if (!other_is_busy(&s->ctx, &others[i]) || will_be_stopped(s, state, &others[i]))
			continue;
		v = overlap(l, &others[i]);
		if (v.n > 0 && report_running(l, &others[i], &v, ret) < 0)
			return err_oom(err);
	}
	return 0;
}

static int blame(struct step *st, const struct other *o, struct hft_err *err)
{
	char *text = str_printf("%s%s%s (%s) runs, and sets %s", st->reason ? st->reason : "", st->reason ? "; " : "",
	                        o->unit, o->name, o->what);

	if (!text)
		return err_oom(err);
	mem_freep(&st->reason);
	st->reason = text;
	return 0;
}

int conflicts_blame(const struct session *s, struct result *ret, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_others; i++) {
		int busy = -1; /* not asked yet: most hosts do not drift */

		for (size_t k = 0; r == 0 && k < ret->n_steps; k++) {
			struct step *st = &ret->steps[k];

			if (st->state != STEP_DRIFT || !st->before || !other_writes(&others[i], st->knob->name, st->key))
				continue;
			busy = busy < 0 ? other_is_busy(&s->ctx, &others[i]) : busy;
			r = busy ? blame(st, &others[i], err) : 0;
		}
	}
	return r;
}
