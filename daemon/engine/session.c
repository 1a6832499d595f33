/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens and closes what a request works on. */
#include "daemon/engine/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/engine/env.h"
#include "daemon/engine/plan.h"
#include "daemon/engine/run.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

/* A change looks at each file several times, and opening costs more than all the rest. The unit permits 1024. */
#define KEEP_MAX 400

/* What the host no longer tells, and the originals of this boot do. */
static void recall(struct session *s)
{
	for (size_t i = 0; i < s->state.n_objects; i++) {
		const struct state_object *o = &s->state.objects[i];

		if (o->ref.knob->recall && !state_object_is_void(o, s->host->boot_id))
			o->ref.knob->recall(s->host, o->ref.key, o->original);
	}
}

static int load_state(struct session *s, enum session_kind kind, struct hft_err *err)
{
	int r = kind == SESSION_WHOLE ? store_load(s->e->store, &s->view, err)
	                              : store_load_current(s->e->store, &s->view, err);

	if (r < 0)
		return r;
	state_done(&s->state);
	r = state_from_json(s->view.state, &s->state, err);
	if (r == 0)
		recall(s);
	return r;
}

int64_t session_unfinished(const struct session *s)
{
	const struct txn_info *last = s->view.n_txns ? &s->view.txns[s->view.n_txns - 1] : NULL;

	if (s->view.unfinished)
		return s->view.unfinished;
	return last && last->state == TXN_INCOMPLETE ? last->txn : 0;
}

bool session_is_wiped(const struct session *s, const struct knob *k, const char *key)
{
	char text[KNOB_WIPED_MAX];
	const char *by = k->wiped_by ? k->wiped_by(key, text) : NULL;

	return by && strlist_has(s->wiped, by);
}

/* What is damaged is kept aside first, where nothing adds to it. A failure of that changes nothing: it is refused either
 * way, and the next change tries again. */
static int refuse_damage(const struct session *s, struct hft_err *err)
{
	if (!s->view.damage || !s->view.damage->n)
		return 0;
	store_quarantine(s->e->store, NULL);
	err_raise(err, ERR_STATE, EUCLEAN, s->view.damage->s[0], "the journal is damaged, nothing may change before "
	          "somebody has looked");
	err_hint(err, "look at it in %s/quarantine, then move it away; `hfttune status` names every damaged file",
	         store_dir(s->e->store));
	return -EUCLEAN;
}

static int recover_first(struct session *s, const struct request *q, struct hft_err *err)
{
	int64_t txn = session_unfinished(s);
	enum undo_policy policy = q && q->force         ? UNDO_FORCE
	                          : q && q->keep_theirs ? UNDO_KEEP_THEIRS
	                                                : UNDO_CAREFUL;
	int r;

	if (!txn)
		return 0;
	r = run_recover(s, txn, policy, err);
	if (r < 0)
		return r;
	s->recovered = txn;
	s->stamp = 0;
	store_view_done(&s->view);
	return load_state(s, SESSION_CHANGE, err);
}

static bool session_is_set(const void *state, const char *knob, const char *key)
{
	return state_object(state, knob_find(knob), key);
}

static void set_context(const struct engine *e, struct session *s)
{
	union { /* a knob only asks */
		const struct engine *in;
		void *out;
	} u = {.in = e};

	s->ctx = (struct knob_ctx){
		.fs = e->fs,
		.host = s->host,
		.holds = e->holds,
		.copied = !fsio_is_live(e->fs),
		.host_conf = session_host_conf,
		.host_conf_data = u.out,
		.is_set = session_is_set,
		.is_set_data = &s->state,
	};
}

static int open_host(const struct engine *e, struct session *s, struct hft_err *err)
{
	int r = host_read(e->fs, &s->host, err);

	set_context(e, s);
	return r;
}

/* --- kept warm between requests -------------------------------------------------------------------------------------------- */

int engine_keep_warm(struct engine *e)
{
	e->warm = calloc(1, sizeof(*e->warm));
	if (!e->warm)
		return -ENOMEM;
	*e->warm = (struct session){.e = e, .lock = -1};
	return 0;
}

static bool is_online_still(const struct engine *e, const struct host *h)
{
	CLEANUP(strbuf_done) struct strbuf now = {0};
	struct cpuset online;

	return fsio_probe(e->fs, "/sys/devices/system/cpu/online", &now) == 0 &&
	       cpuset_parse_kernel(strbuf_str(&now), &online, NULL) == 0 && cpuset_equal(&online, &h->online);
}

static void move(struct session *to, struct session *from)
{
	to->host = TAKE_PTR(from->host);
	to->view = from->view;
	to->state = from->state;
	to->stamp = from->stamp;
	from->view = (struct store_view){0};
	state_init(&from->state);
}

static void drop(struct session *s)
{
	state_done(&s->state);
	store_view_done(&s->view);
	host_free(TAKE_PTR(s->host));
}

/* Take over what the request before has read, if it still holds; otherwise only note the stamp. */
static bool take_warm(const struct engine *e, struct session *ret)
{
	if (!e->warm || store_stamp(e->store, &ret->stamp, NULL) < 0) {
		ret->stamp = 0;
		return false;
	}
	if (!e->warm->host || e->warm->stamp != ret->stamp || !is_online_still(e, e->warm->host)) {
		drop(e->warm);
		return false;
	}
	move(ret, e->warm);
	set_context(e, ret);
	return true;
}

/* Interrupts and network devices come and go: they are read anew by who needs them. */
static void give_warm(struct session *s)
{
	const struct engine *e = s->e;

	if (!e || !e->warm || !s->host || !s->stamp || s->kind == SESSION_WHOLE)
		return;
	drop(e->warm);
	host_forget_devices(s->host);
	move(e->warm, s);
}

void session_adopt(struct session *s, struct state *take_next, int64_t txn)
{
	struct txn_info *info = s->stamp ? calloc(1, sizeof(*info)) : NULL;

	s->stamp = 0;
	if (!info || store_stamp(s->e->store, &s->stamp, NULL) < 0) {
		free(info);
		return;
	}
	/* What store_load_current() would say: this one transaction, committed. */
	store_view_done(&s->view);
	*info = (struct txn_info){.txn = txn, .state = TXN_COMMITTED};
	s->view = (struct store_view){.txns = info, .n_txns = 1, .committed = txn};
	state_done(&s->state);
	s->state = *take_next;
	state_init(take_next);
	for (size_t i = 0; i < s->state.n_layers; i++)
		s->state.layers[i]->touched = s->state.layers[i]->revived = false;
}

/* --- opening --------------------------------------------------------------------------------------------------------------- */

static int read_all(const struct engine *e, enum session_kind kind, struct session *s, struct hft_err *err)
{
	int r;

	if (kind != SESSION_WHOLE && take_warm(e, s))
		return 0;
	r = open_host(e, s, err);
	return r < 0 ? r : load_state(s, kind, err);
}

void engine_close_files(const struct engine *e)
{
	fsio_keep_open(e->fs, 0);
}

int session_open(const struct engine *e, enum session_kind kind, const struct request *q, struct session *ret,
                 struct hft_err *err)
{
	bool changing = kind == SESSION_CHANGE;
	int r;

	*ret = (struct session){.e = e, .kind = kind, .lock = -1};
	engine_close_files(e); /* whoever came before may not have */
	r = changing ? store_lock(e->store, &ret->lock, err) : 0;
	if (r == 0)
		r = read_all(e, kind, ret, err);
	if (changing) /* not before: what describes the host is read once */
		fsio_keep_open(e->fs, KEEP_MAX);
	if (r == 0 && changing)
		r = refuse_damage(ret, err);
	if (r == 0 && changing)
		r = recover_first(ret, q, err);
	if (r < 0) {
		ret->stamp = 0; /* what was read only in part is nobody's to take over */
		session_done(ret);
	}
	return r;
}

void session_done(struct session *s)
{
	give_warm(s);
	drop(s);
	mem_closep(&s->lock);
	*s = (struct session){.lock = -1};
}

int session_load_profile(const struct session *s, const struct request *q, struct profile **ret, struct hft_err *err)
{
	struct profile_loader loader;
	struct profile_env env;
	struct cpuset online;
	struct env own;
	int r;

	env_init(&env, &own, s->host);
	session_loader(s->e, &loader);
	r = profile_load(q->profile, &loader, &env, q->assigns, q->n_assigns, ret, err);
	if (r < 0)
		return r;
	resolve_online(s, *ret, q, &online);
	if (cpuset_equal(&online, &own.online))
		return 0;
	own.online = online;
	profile_freep(ret);
	return profile_load(q->profile, &loader, &env, q->assigns, q->n_assigns, ret, err);
}
