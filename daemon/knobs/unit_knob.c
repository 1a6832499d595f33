/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The common part of service and malloc. Must not know what a property or an option means. */
#include "daemon/knobs/unit_knob.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/knobs/unit_file.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

#define LOOKS 20 /* at what systemd writes soon after a reload, 100 ms apart */

/* --- objects ------------------------------------------------------------------------------------------------------ */

int unit_knob_list(const struct knob_ctx *c, const char *unit, const char *option, const char *na,
                   struct knob_objects *ret, struct hft_err *err)
{
	char key[DROPIN_UNIT_MAX + 64];
	const char *lacks = systemd_lacks(c);

	int r = unit_check_name(unit, NULL, err);
	if (r == 0 && lacks == NULL)
		r = unit_check_installed(c, unit, err);
	if (r < 0)
		return r;
	snprintf(key, sizeof(key), "%s %s", unit, option);
	return knob_objects_add(ret, key, NULL, lacks != NULL ? lacks : na, err);
}

int unit_knob_open(const struct knob_ctx *c, const char *key, char ret_unit[static DROPIN_UNIT_MAX],
                   const char **ret_option, struct dropin *ret, struct hft_err *err)
{
	*ret_option = dropin_split_key(key, ret_unit);
	if (*ret_option == NULL)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "not a setting of a unit");
	return dropin_read(c, ret_unit, ret, err);
}

int unit_knob_read(const struct knob_ctx *c, const char *key, bool is_option, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(dropin_done) struct dropin d = { 0 };
	char unit[DROPIN_UNIT_MAX];
	const char *option;

	strbuf_reset(ret);
	int r = unit_knob_open(c, key, unit, &option, &d, err);
	if (r == 0)
		strbuf_add(ret, dropin_get(is_option ? &d.options : &d.properties, option));
	return r;
}

int unit_knob_take_effect(const struct knob_ctx *c, struct hft_err *err)
{
	return c->copied ? 0 : systemd_reload(c, err);
}

/* Slices and scopes have nothing that could be started again. */
bool unit_knob_restarts(const char *key, char ret_unit[static KNOB_UNIT_MAX])
{
	return dropin_split_key(key, ret_unit) != NULL && str_ends(ret_unit, ".service");
}

/* --- the effect ---------------------------------------------------------------------------------------------------- */

static int verdict(struct knob_verdict *v, enum knob_verdict_state state, const char *reason)
{
	v->state = state;
	snprintf(v->reason, sizeof(v->reason), "%.*s", (int)sizeof(v->reason) - 1, reason);
	return 0;
}

int unit_judge_foreign(int r, const struct hft_err *why, struct knob_verdict *ret, struct hft_err *err)
{
	if (r < 0 && r != -ENOMEM && strcmp(why->code, ERR_CONFLICT) == 0)
		return verdict(ret, KNOB_DRIFT, why->msg);
	if (r < 0 && err != NULL)
		*err = *why;
	return r;
}

/* A control group gets its values soon after the reload, not with it. */
static int look(const struct knob_ctx *c, const struct unit_question *q, const struct systemd_unit *u,
                const char *expected, struct strbuf *found)
{
	int has = q->holds(c, u, q->data, expected, found);

	for (int i = 0; q->at_once && has == 0 && i < LOOKS; i++) {
		usleep(100000);
		strbuf_reset(found);
		has = q->holds(c, u, q->data, expected, found);
	}
	return has;
}

/* It runs since before, and its group is as without the setting: systemd 257 gives a group its values when the unit starts,
 * older ones at a reload as well. */
static bool is_without(const struct knob_ctx *c, const struct unit_question *q, const struct systemd_unit *u)
{
	CLEANUP(strbuf_done) struct strbuf found = { 0 };

	return u->pid != 0 && u->started_us < q->changed_us && q->holds(c, u, q->data, "", &found) == 1;
}

static int judge_running(const struct knob_ctx *c, const struct unit_question *q, const struct systemd_unit *u,
                         const char *expected, struct knob_verdict *v, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf found = { 0 };
	bool set = q->wanted[0] != '\0', younger = u->started_us >= q->changed_us;

	int has = look(c, q, u, expected, &found);
	if (has == -ENOENT) /* it has ended just now */
		return verdict(v, KNOB_OK, "at the next start");
	if (has < 0)
		return err_raise(err, ERR_IO, -has, q->unit, "cannot see what %s runs with: %s", q->unit, strerror(-has));
	/* What is not set is the unit's own doing, once it was started without us. */
	if (has == 1 || (younger && (has == 2 || !set)))
		return verdict(v, KNOB_OK, "");
	if (q->at_once ? is_without(c, q, u) : !younger)
		return verdict(v, KNOB_PENDING, "restart");
	return verdict(v, KNOB_DRIFT, strbuf_str(&found));
}

int unit_judge(const struct knob_ctx *c, const struct unit_question *q, struct knob_verdict *ret, struct hft_err *err)
{
	CLEANUP(systemd_unit_done) struct systemd_unit u = { 0 };
	CLEANUP(strbuf_done) struct strbuf loaded = { 0 };

	strbuf_reset(&ret->found);
	strbuf_add(&ret->found, q->written);
	if (strcmp(q->written, q->wanted) != 0)
		return verdict(ret, KNOB_DRIFT, "");
	if (c->copied)
		return verdict(ret, q->wanted[0] != '\0' ? KNOB_PENDING : KNOB_OK, q->wanted[0] != '\0' ? "restart" : "");
	int r = systemd_unit_open(q->unit, &u, err);
	if (r == 0)
		r = q->loaded(&u, q->data, &loaded, err);
	if (r < 0)
		return r;
	if (q->wanted[0] != '\0' && strcmp(strbuf_str(&loaded), q->wanted) != 0) {
		char why[160];
		snprintf(why, sizeof(why), "systemd has \"%.60s\": another drop-in, or a missing daemon-reload",
		         strbuf_str(&loaded));
		return verdict(ret, KNOB_DRIFT, why);
	}
	if (u.pid == 0 && !(q->at_once && u.cgroup[0] != '\0'))
		return verdict(ret, KNOB_OK, q->wanted[0] != '\0' ? "at the next start" : "");
	return judge_running(c, q, &u, strbuf_str(&loaded), ret, err);
}
