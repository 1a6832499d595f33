/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every request begins with: the host read, the journal loaded, and for a change the lock held. */
#pragma once

#include "daemon/engine/engine.h"
#include "daemon/engine/state.h"
#include "daemon/knobs/knob.h"
#include "rollback/store.h"

enum session_kind {
	SESSION_READ,   /* what is in force */
	SESSION_WHOLE,  /* and every transaction that is kept: status, history */
	SESSION_CHANGE, /* under the lock, after recovery */
};

struct session {
	const struct engine *e;
	struct host *host;
	struct knob_ctx ctx;
	struct store_view view;
	struct state state;   /* in force, or of an earlier boot */
	uint64_t stamp;       /* of the journal before it was read; 0: not taken */
	enum session_kind kind;
	int lock;             /* -1 for reads */
	int64_t recovered;
	const struct strlist *wiped; /* borrowed: the words of knob->wiped_by() that a change is about; NULL: all is meant */
};

/* For a change: takes the lock, refuses a damaged journal, and recovers. force/keep_theirs: how recovery treats objects that
 * it could not put back before. */
int session_open(const struct engine *e, enum session_kind kind, const struct request *q, struct session *ret,
                 struct hft_err *err);
void session_done(struct session *s);
/* A change was committed as txn: its layers and originals are what is in force now. Takes *next. */
void session_adopt(struct session *s, struct state *take_next, int64_t txn);

/* Has what happened (s->wiped) wiped the object? */
bool session_is_wiped(const struct session *s, const struct knob *k, const char *key);

/* The number of a transaction that is open or left objects neither before nor after; 0: none. */
int64_t session_unfinished(const struct session *s);

/* Load and expand a profile on the session's host. */
int session_load_profile(const struct session *s, const struct request *q, struct profile **ret, struct hft_err *err);
/* For `profiles`: names found, first directory wins; *ret_dirs in parallel. */
int engine_profile_names(const struct engine *e, struct strlist *ret_names, struct strlist *ret_dirs,
                         struct hft_err *err);
void session_loader(const struct engine *e, struct profile_loader *ret);
/* What a knob asks of host.conf (knob_ctx.host_conf); data is the engine. */
int session_host_conf(void *data, const char *section, const char *name, struct strbuf *ret, struct hft_err *err);
