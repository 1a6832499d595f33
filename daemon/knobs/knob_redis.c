/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * knob redis: directives of the Redis of a unit, in its configuration file and in the server that runs. An object is
 * "UNIT DIRECTIVE". Its value is what is written in the file (redis.h); where a directive can be changed at run time and
 * the server has something else than the file says, "@" and what the server has stand behind it ("1gb@2147483648").
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/knobs/edited.h"
#include "daemon/knobs/redis.h"
#include "daemon/knobs/row.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

extern const struct knob knob_redis;

/* An object, and where it lives. */
struct place {
	struct redis_unit unit;
	const struct redis_row *row;
};

static void place_done(struct place *p)
{
	redis_unit_done(&p->unit);
}

static int place_of(const struct knob_ctx *c, const char *key, struct place *ret, struct hft_err *err)
{
	const char *blank = strchr(key, ' ');

	*ret = (struct place){ .row = blank != NULL ? redis_row(blank + 1) : NULL };
	if (ret->row == NULL)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "not a directive of this version");
	CLEANUP(mem_freep) char *name = str_dup_n(key, (size_t)(blank - key));
	if (name == NULL)
		return err_oom(err);
	int r = redis_unit_load(c, name, &ret->unit, err);
	if (r == -ENOENT && err != NULL)
		err->code = ERR_NOT_APPLICABLE;
	return r;
}

/* --- the value ---------------------------------------------------------------------------------------------------- */

struct value { /* what an object holds, or shall hold */
	struct strbuf written, server; /* both in the forms of redis.h */
	bool has_server;               /* the server runs and was asked; or: this is what it shall have */
};

static void value_done(struct value *v)
{
	strbuf_done(&v->written);
	strbuf_done(&v->server);
}

/* What a server that is started with the file has; "" when that is not known. */
static void would_be(const struct redis_row *row, const char *written, struct strbuf *ret)
{
	redis_value_normal(row, written, ret);
	if (written[0] == '\0' && row->preset != NULL)
		strbuf_add(ret, row->preset);
}

static int look(const struct knob_ctx *c, const struct place *p, struct value *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf answer = { 0 };

	int r = redis_conf_written(strbuf_str(&p->unit.conf), p->unit.conf_path, p->row, &ret->written, err);
	if (r == 0)
		r = redis_server_get(c, &p->unit, p->row->option, &answer, err);
	if (r <= 0)
		return r;
	redis_value_answered(p->row, strbuf_str(&answer), &ret->server);
	ret->has_server = true;
	return ret->server.oom ? err_oom(err) : 0;
}

/* A server that a restart alone changes has what it has for another reason: it is no part of the value. */
static int to_text(const struct redis_row *row, const struct value *v, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf would = { 0 };

	strbuf_reset(ret);
	strbuf_add(ret, strbuf_str(&v->written));
	would_be(row, strbuf_str(&v->written), &would);
	if (v->has_server && !row->fixed && strcmp(strbuf_str(&would), strbuf_str(&v->server)) != 0)
		strbuf_addf(ret, "@%s", strbuf_str(&v->server));
	return ret->oom || would.oom ? err_oom(err) : 0;
}

/* has_server false: it is not known what a server shall have. */
static int of_text(const struct redis_row *row, const char *text, struct value *ret, struct hft_err *err)
{
	const char *at = strchr(text, '@');

	strbuf_addn(&ret->written, text, at != NULL ? (size_t)(at - text) : strlen(text));
	if (at != NULL)
		strbuf_add(&ret->server, at + 1);
	else
		would_be(row, strbuf_str(&ret->written), &ret->server);
	ret->has_server = ret->server.len > 0;
	return ret->written.oom || ret->server.oom ? err_oom(err) : 0;
}

/* --- list and parse ----------------------------------------------------------------------------------------------- */

static int redis_list(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
                      struct hft_err *err)
{
	CLEANUP(redis_unit_done) struct redis_unit unit = { 0 };
	CLEANUP(strbuf_done) struct strbuf answer = { 0 };
	struct hft_err own = { 0 };

	if (redis_row(option) == NULL)
		return row_unknown_option("redis", option, err);
	if (selector[0] == '\0')
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "knob redis wants a unit: [PHASE/redis UNIT]");
	int r = redis_unit_load(c, selector, &unit, err);
	if (r < 0)
		return r;
	CLEANUP(mem_freep) char *key = str_printf("%s %s", selector, option);
	if (key == NULL)
		return err_oom(err);
	r = redis_server_get(c, &unit, option, &answer, &own);
	bool lacks = r == -ENOENT && strcmp(own.code, ERR_NOT_APPLICABLE) == 0;
	if (r < 0 && !lacks) {
		if (err != NULL)
			*err = own;
		return r;
	}
	return knob_objects_add(ret, key, NULL, lacks ? own.msg : NULL, err);
}

/* What the command line of the unit says has the last word. */
static int refuse_overridden(const struct place *p, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };

	if (!redis_conf_last(strbuf_str(&p->unit.args), p->row->option, NULL, &words, NULL))
		return 0;
	err_raise(err, ERR_CONFLICT, EEXIST, p->row->option, "%s starts %s with --%s, whatever the configuration says",
	          p->unit.unit_path, p->unit.name, p->row->option);
	err_hint(err, "take it out there, or leave it out of the profile");
	return -EEXIST;
}

/* A server with keys in a database that it shall not have loses them, or does not start. */
static int refuse_lost_databases(const struct knob_ctx *c, const struct place *p, const char *value, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf info = { 0 };
	int64_t wanted, n;

	if (strcmp(p->row->option, "databases") != 0 || num_parse_i64(value, &wanted) < 0)
		return 0;
	int r = redis_server_info(c, &p->unit, "keyspace", &info, err);
	for (const char *at = r > 0 ? strstr(info.s, "\ndb") : NULL; at != NULL; at = strstr(at + 1, "\ndb")) {
		CLEANUP(mem_freep) char *number = str_dup_n(at + 3, strspn(at + 3, "0123456789"));
		if (number == NULL)
			return err_oom(err);
		if (num_parse_i64(number, &n) < 0 || n < wanted)
			continue;
		err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, p->row->option, "%s has keys in database %s: with %s databases it "
		          "would not start with its snapshot", p->unit.name, number, value);
		return -ERANGE;
	}
	return r < 0 ? r : 0;
}

static int redis_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                       struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(place_done) struct place p = { 0 };
	const struct redis_row *row = redis_row(option);

	if (row == NULL)
		return row_unknown_option("redis", option, err);
	int r = redis_value_parse(key != NULL ? c : NULL, row, value, ret, err);
	if (r < 0 || key == NULL)
		return r;
	r = place_of(c, key, &p, err);
	if (r == 0)
		r = refuse_overridden(&p, err);
	return r < 0 ? r : refuse_lost_databases(c, &p, strbuf_str(ret), err);
}

/* --- read, write, judge ------------------------------------------------------------------------------------------- */

static int redis_read(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(place_done) struct place p = { 0 };
	CLEANUP(value_done) struct value now = { 0 };

	strbuf_reset(ret);
	int r = place_of(c, key, &p, err);
	if (r == 0)
		r = look(c, &p, &now, err);
	return r < 0 ? r : to_text(p.row, &now, ret, err);
}

static int write_file(const struct knob_ctx *c, const struct place *p, const char *written, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	int r = redis_conf_with(strbuf_str(&p->unit.conf), p->unit.conf_path, p->row, written, &text, err);
	return r < 0 ? r : edited_write(c, p->unit.conf_path, &p->unit.conf, &text, err);
}

/* The server first: a value that it refuses never gets into the file, with which it would not start. */
static int redis_write(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err)
{
	CLEANUP(place_done) struct place p = { 0 };
	CLEANUP(value_done) struct value now = { 0 };
	CLEANUP(value_done) struct value wanted = { 0 };
	int r = place_of(c, key, &p, err);

	if (r == 0)
		r = look(c, &p, &now, err);
	if (r == 0)
		r = of_text(p.row, value, &wanted, err);
	if (r < 0)
		return r;
	const char *server = strbuf_str(&wanted.server);
	if (!p.row->fixed && now.has_server && wanted.has_server && strcmp(server, strbuf_str(&now.server)) != 0)
		r = redis_server_set(c, &p.unit, p.row->option, strcmp(server, "\"\"") == 0 ? "" : server, err);
	if (r < 0)
		return r;
	return write_file(c, &p, strbuf_str(&wanted.written), err);
}

/* To the letter; a value that is in its normal form (a profile's is) may be spelled in any way. */
static bool is_written(const struct redis_row *row, const struct value *now, const struct value *wanted)
{
	CLEANUP(strbuf_done) struct strbuf normal = { 0 };
	const char *text = strbuf_str(&wanted->written);

	if (strcmp(strbuf_str(&now->written), text) == 0)
		return true;
	redis_value_normal(row, text, &normal);
	if (text[0] == '\0' || strcmp(strbuf_str(&normal), text) != 0)
		return false;
	redis_value_normal(row, strbuf_str(&now->written), &normal);
	return strcmp(strbuf_str(&normal), text) == 0;
}

static void judge(const struct place *p, const struct value *now, const struct value *wanted, struct knob_verdict *ret)
{
	ret->state = KNOB_DRIFT;
	if (!is_written(p->row, now, wanted)) {
		snprintf(ret->reason, sizeof(ret->reason), "%s", p->unit.conf_path);
		return;
	}
	ret->state = KNOB_OK;
	if (!now->has_server || !wanted->has_server || strcmp(strbuf_str(&now->server), strbuf_str(&wanted->server)) == 0)
		return;
	ret->state = p->row->fixed ? KNOB_PENDING : KNOB_DRIFT;
	if (p->row->fixed)
		snprintf(ret->reason, sizeof(ret->reason), "restart");
	else
		snprintf(ret->reason, sizeof(ret->reason), "the running server has %s", strbuf_str(&now->server));
}

static int redis_verify(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
                        struct hft_err *err)
{
	CLEANUP(place_done) struct place p = { 0 };
	CLEANUP(value_done) struct value now = { 0 };
	CLEANUP(value_done) struct value shall = { 0 };

	ret->reason[0] = '\0';
	int r = place_of(c, key, &p, err);
	if (r == 0)
		r = look(c, &p, &now, err);
	if (r == 0)
		r = of_text(p.row, wanted, &shall, err);
	if (r == 0)
		r = to_text(p.row, &now, &ret->found, err);
	if (r == 0)
		judge(&p, &now, &shall, ret);
	return r;
}

/* --- what else there is to say ------------------------------------------------------------------------------------ */

/* Keys that are evicted for want of room do not come back. */
static const char *redis_inexact(const struct knob_ctx *c, const char *key, const char *before, const char *after)
{
	CLEANUP(place_done) struct place p = { 0 };
	CLEANUP(strbuf_done) struct strbuf info = { 0 };
	int64_t wanted, used;

	(void)before;
	if (!str_ends(key, " maxmemory") || num_parse_i64(after, &wanted) < 0 || wanted == 0)
		return NULL;
	if (place_of(c, key, &p, NULL) < 0 || redis_server_info(c, &p.unit, "memory", &info, NULL) <= 0)
		return NULL;
	const char *at = strstr(info.s, "used_memory:");
	CLEANUP(mem_freep) char *number = at != NULL ? str_dup_n(at + 12, strspn(at + 12, "0123456789")) : NULL;
	if (number == NULL || num_parse_i64(number, &used) < 0 || used <= wanted)
		return NULL;
	return strstr(info.s, "maxmemory_policy:noeviction") != NULL ?
	               NULL : "the server uses more than that: it would evict keys, and they would not come back";
}

static void redis_let_go(const struct knob_ctx *c, const char *key, const struct strlist *held)
{
	CLEANUP(place_done) struct place p = { 0 };

	if (place_of(c, key, &p, NULL) == 0)
		edited_let_go(c, p.unit.conf_path, key, held);
}

static bool redis_restarts(const char *key, char ret_unit[static KNOB_UNIT_MAX])
{
	const char *blank = strchr(key, ' ');
	const struct redis_row *row = blank != NULL ? redis_row(blank + 1) : NULL;

	if (row == NULL || !row->fixed)
		return false;
	snprintf(ret_unit, KNOB_UNIT_MAX, "%.*s", (int)(blank - key), key);
	return true;
}

static int redis_explain(size_t i, struct knob_doc *ret)
{
	if (i >= n_redis_rows)
		return -ENOENT;
	const struct redis_row *row = &redis_rows[i];
	*ret = (struct knob_doc){
		.option = row->option,
		.summary = row->summary,
		.unit = row->unit,
		.bounds = row->bounds,
		.risk = row->risk,
		.effect = row->fixed ? EFFECT_RESTART : EFFECT_NOW,
		.counter = row->counter != NULL ? row->counter : "",
		.changes = "",
		.source = "redis.conf of Redis 7.0, src/config.c",
		.traps = row->traps != NULL ? row->traps : "",
	};
	return 0;
}

const struct knob knob_redis = {
	.name = "redis",
	.summary = "directives of a Redis: in its configuration file, and in the server that runs",
	.selector = "UNIT",
	.persistent = true,
	.list = redis_list,
	.parse = redis_parse,
	.read = redis_read,
	.write = redis_write,
	.verify = redis_verify,
	.let_go = redis_let_go,
	.restarts = redis_restarts,
	.inexact = redis_inexact,
	.explain = redis_explain,
};
