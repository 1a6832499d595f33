/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens and closes what a request works on. */
#include "daemon/engine/session.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/engine/env.h"
#include "daemon/engine/run.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

static int load_state(struct session *s, enum session_kind kind, struct hft_err *err)
{
	int r = kind == SESSION_WHOLE ? store_load(s->e->store, &s->view, err)
	                              : store_load_current(s->e->store, &s->view, err);

	if (r < 0)
		return r;
	state_done(&s->state);
	return state_from_json(s->view.state, &s->state, err);
}

int64_t session_unfinished(const struct session *s)
{
	const struct txn_info *last = s->view.n_txns ? &s->view.txns[s->view.n_txns - 1] : NULL;

	if (s->view.unfinished)
		return s->view.unfinished;
	return last && last->state == TXN_INCOMPLETE ? last->txn : 0;
}

static int refuse_damage(const struct session *s, struct hft_err *err)
{
	if (!s->view.damage || !s->view.damage->n)
		return 0;
	err_raise(err, ERR_STATE, EUCLEAN, s->view.damage->s[0], "the journal is damaged, nothing may change before "
	          "somebody has looked");
	err_hint(err, "look at it in %s, then move it away; `hfttune status` names every damaged file",
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
	store_view_done(&s->view);
	return load_state(s, SESSION_CHANGE, err);
}

static int open_host(const struct engine *e, struct session *s, struct hft_err *err)
{
	int r = host_read(e->fs, &s->host, err);

	s->ctx = (struct knob_ctx){
		.fs = e->fs,
		.host = s->host,
		.holds = e->holds,
		.copied = !fsio_is_live(e->fs),
	};
	return r;
}

int session_open(const struct engine *e, enum session_kind kind, const struct request *q, struct session *ret,
                 struct hft_err *err)
{
	bool changing = kind == SESSION_CHANGE;
	int r;

	*ret = (struct session){.e = e, .lock = -1};
	r = changing ? store_lock(e->store, &ret->lock, err) : 0;
	if (r == 0)
		r = open_host(e, ret, err);
	if (r == 0)
		r = load_state(ret, kind, err);
	if (r == 0 && changing)
		r = refuse_damage(ret, err);
	if (r == 0 && changing)
		r = recover_first(ret, q, err);
	if (r < 0)
		session_done(ret);
	return r;
}

void session_done(struct session *s)
{
	state_done(&s->state);
	store_view_done(&s->view);
	host_free(s->host);
	mem_closep(&s->lock);
	*s = (struct session){.lock = -1};
}

int session_load_profile(const struct session *s, const struct request *q, struct profile **ret, struct hft_err *err)
{
	struct profile_loader loader;
	struct profile_env env;

	env_init(&env, s->host);
	session_loader(s->e, &loader);
	return profile_load(q->profile, &loader, &env, q->assigns, q->n_assigns, ret, err);
}
