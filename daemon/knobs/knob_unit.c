/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob unit: other tools that tune the host (others.c), stopped and masked until the next boot, when replay stops them
 * again. Objects are units. No unit that is not in the table can be named: hfttune stops what gets in its way, and
 * nothing else.
 */
#include <errno.h>
#include <string.h>

#include "daemon/knobs/knob.h"
#include "daemon/knobs/others.h"
#include "daemon/knobs/row.h"
#include "daemon/knobs/systemd_unit.h"
#include "lib/base/err.h"

extern const struct knob knob_unit;

#define STOPPED "stopped"

static int unit_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                     struct hft_err *err)
{
	if (other_find(option) == NULL)
		return row_unknown_option("unit", option, err);
	if (selector[0] != '\0')
		return row_no_selector(option, selector, err);
	return knob_objects_add(ret, option, NULL, systemd_unit_lacks(c, option), err);
}

static int unit_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                      struct strbuf *ret, struct hft_err *err)
{
	(void)c;
	(void)key;
	if (other_find(option) == NULL)
		return row_unknown_option("unit", option, err);
	if (!str_eq(value, STOPPED)) {
		int r = err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "'%s' is not " STOPPED, value);

		err_values(err, STOPPED, value);
		return r;
	}
	strbuf_reset(ret);
	strbuf_add(ret, STOPPED);
	return ret->oom ? err_oom(err) : 0;
}

static int need(const char *key, struct hft_err *err)
{
	if (other_find(key) != NULL)
		return 0;
	return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "not a unit that this version stops");
}

static int unit_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	int r = need(key, err);

	return r < 0 ? r : systemd_unit_read(c, key, ret, err);
}

static int unit_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	int r = need(key, err);

	return r < 0 ? r : systemd_unit_write(c, key, value, err);
}

static int unit_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                       struct hft_err *err)
{
	int r = need(key, err);

	return r < 0 ? r : systemd_unit_verify(c, key, wanted, ret, err);
}

/* What goes down with it comes back with it. */
static int unit_coupled(const struct knob_ctx *c, const char *key,
                        int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                        struct hft_err *err)
{
	const struct other *o = other_find(key);

	if (o == NULL || o->takes == NULL || systemd_unit_lacks(c, o->takes) != NULL)
		return 0;
	return add(data, "unit", o->takes, err);
}

static const char *unit_inexact(const struct knob_ctx *c, const char *key, const char *before, const char *after)
{
	return str_eq(before, "running masked") && str_eq(after, STOPPED) && systemd_unit_is_barred(c, key)
	               ? "it runs though it is masked in /etc, so that nobody could start it again"
	               : NULL;
}

/* What goes down with another one first, so that it is not found stopped by that. */
static int unit_order(const char *key)
{
	for (size_t i = 0; i < n_others; i++)
		if (others[i].takes != NULL && str_eq(others[i].takes, key))
			return 0;
	return 1;
}

static int unit_explain(size_t i, struct knob_doc *ret)
{
	static const char *const changes[] = { "", "unit:tuned-ppd.service" };

	if (i >= n_others)
		return -ENOENT;
	const struct other *o = &others[i];
	*ret = (struct knob_doc){
		.option = o->unit,
		.summary = o->what,
		.unit = "word",
		.bounds = STOPPED,
		.risk = 2,
		.effect = EFFECT_NOW,
		.counter = "systemctl is-active",
		.changes = changes[o->takes != NULL],
		.source = o->source,
		.traps = o->undoes ? "puts back what it had set when it is stopped" : "",
	};
	return 0;
}

const struct knob knob_unit = {
	.name = "unit",
	.summary = "other tools that tune the host, stopped and masked until the next boot",
	.selector = "",
	.list = unit_list,
	.parse = unit_parse,
	.read = unit_read,
	.write = unit_write,
	.verify = unit_verify,
	.coupled = unit_coupled,
	.inexact = unit_inexact,
	.order = unit_order,
	.explain = unit_explain,
};
