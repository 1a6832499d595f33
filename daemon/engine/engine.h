/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: what a request means on this host, what to write, whether it took, and how to get back.
 * No sockets, no event loop, no log. Every function here may block in the kernel; the server calls them in a worker.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/profile/profile.h"
#include "lib/base/str.h"

struct fsio;
struct hft_err;
struct host;
struct json;
struct knob;
struct knob_ctx;
struct knob_holds;
struct session;
struct store;

struct engine { /* borrowed by every call; the owner frees what it points to */
	struct fsio *fs;              /* the host, or a copied tree */
	struct fsio *files;           /* the live file system: profiles live there */
	struct store *store;
	struct strlist profile_dirs;  /* searched in this order */
	const char *host_conf;        /* path, below `files`; NULL: /etc/hfttune/host.conf below fs */
	const struct knob_holds *holds; /* NULL: nobody stays to hold a descriptor */
	/* For a worker that serves several requests: where the last one leaves what it read of host and journal. The next
	 * one uses it when neither journal nor online CPUs have changed since. NULL: every request reads for itself. */
	struct session *warm;
	/* Before each step, and once at the end with i == n; with n == 0 before each object that is looked at while planning,
	 * so that a long plan is seen to get on. May be NULL. */
	void (*progress)(void *data, size_t i, size_t n, const char *object);
	void *data;
	/* How a unit is restarted. NULL: by systemd, and not at all in a copied tree, where nothing runs. */
	int (*restart)(const struct knob_ctx *c, const char *unit, struct hft_err *err);
};

enum step_state { STEP_OK, STEP_CHANGE, STEP_DRIFT, STEP_PENDING, STEP_NA, STEP_BENEATH, STEP_CONFLICT, STEP_RESTORED,
	          STEP_FAILED, STEP_N_STATES };
const char *step_state_name(enum step_state s);

/* One object of one knob in a plan or a verdict. Texts are owned. */
struct step {
	const struct knob *knob;
	char *key, *label;
	char *profile, *phase;  /* the layer that the line is about */
	char *why, *where;      /* or NULL */
	char *before;           /* now; NULL when nothing was read */
	char *after;            /* wanted; NULL: whatever the kernel makes of it (a coupled object) */
	char *reason;           /* for people, or NULL */
	enum step_state state;
	enum step_state settled; /* STEP_PENDING: the state when it is no longer */
	bool exact;             /* putting `before` back cannot fail */
	bool coupled;           /* nobody asked for it: the kernel may change it along with another object */
	bool settle;            /* checked and written again after all others, because they may change it */
	bool write;             /* has to be written */
	bool waits;             /* an original whose object is away: put back if that comes with the plan */
	bool upsets;            /* once it is written, steps marked read_again may find another value there */
	bool read_again;        /* then that one is its original, and what held may have to be written */
	bool started, done;     /* while it runs */
	bool restart;           /* its unit may be restarted for it */
	bool ran;               /* its unit did when the transaction began */
	bool reported;          /* handed over to a result */
	int64_t order;          /* of the phase; decides ties and `keep` */
	int place;              /* within its knob, by knob->order(); set when the plan is sorted */
	size_t sequence;        /* as planned; decides what order leaves open */
};

/* Will it take a reboot until the step, planned or done, holds? */
bool step_needs_reboot(const struct step *s);

struct phase_line { /* for the headings */
	char *profile, *phase, *risk, *summary;
	int64_t order;
	struct strlist notes;
};

struct result { /* zero-initialise; result_done frees */
	struct step *steps;
	size_t n_steps, cap_steps;
	struct phase_line *phases;
	size_t n_phases, cap_phases;
	int64_t txn;        /* the transaction that was committed, 0: nothing had to be */
	int64_t recovered;  /* an unfinished one that was undone first, 0: none */
	int64_t unfinished; /* one that a read found and left alone, 0: none */
	const char *judged; /* verify: "layers" or "profile" */
	char *warning;      /* what it was done in spite of, for people; or NULL */
};
void result_done(struct result *r);

struct request {
	const char *profile;            /* NULL where optional */
	struct strlist phases;          /* "PHASE" or "PROFILE/PHASE"; empty: all */
	struct profile_assign *assigns;
	size_t n_assigns;
	bool switch_, keep, all, force, keep_theirs;
	int64_t to;                     /* rollback --to, 0: not given */
};

/* Make e->warm. 0 or -ENOMEM. */
int engine_keep_warm(struct engine *e);

/* Reads: change nothing, take no lock. */
int engine_plan(const struct engine *e, const struct request *q, struct result *ret, struct hft_err *err);
int engine_verify(const struct engine *e, const struct request *q, struct result *ret, struct hft_err *err);

/*
 * Changes: take the lock, undo an unfinished transaction first. On failure everything that was begun has been undone
 * (codes other than ERR_NOT_UNDONE), or the objects that are neither before nor after are named (ERR_NOT_UNDONE).
 * ERR_BUSY, ERR_STATE, ERR_REFUSED, ERR_WRITE_FAILED, ERR_NOT_IN_EFFECT, ERR_IO and the errors of planning.
 */
int engine_apply(const struct engine *e, const struct request *q, struct result *ret, struct hft_err *err);
int engine_repair(const struct engine *e, struct result *ret, struct hft_err *err);
/* The layers of an earlier boot, from the journal, with originals of this one; files are left as they are. */
int engine_replay(const struct engine *e, struct result *ret, struct hft_err *err);
/*
 * A repair of what was wiped, and of nothing else: `wiped` are words of engine_watched(). What has not come back stays
 * what it was in the journal; threads that a started service has under new names are taken in, as repair does it. Does
 * nothing, and makes no transaction, when all holds. The transaction is a "reassert".
 */
int engine_reassert(const struct engine *e, const struct strlist *wiped, struct result *ret, struct hft_err *err);
int engine_rollback(const struct engine *e, const struct request *q, struct result *ret, struct hft_err *err);
/* Undo an unfinished transaction, if there is one. *ret_txn 0: there was none. */
int engine_recover(const struct engine *e, int64_t *ret_txn, struct hft_err *err);

/* What may wipe objects of the layers in force (knob->wiped_by), each once; empty without layers. Reads the journal. */
int engine_watched(const struct engine *e, struct strlist *ret, struct hft_err *err);

/* A change keeps the host's files open to the end, and closing hundreds of them takes time: call this after the answer. */
void engine_close_files(const struct engine *e);

/* --- what is told rather than done ------------------------------------------------------------------------------------ */

/* Reply objects as the interface wants them. Caller frees. */
int engine_status(const struct engine *e, struct json **ret, struct hft_err *err);
int engine_history(const struct engine *e, int64_t txn, struct json **ret, struct hft_err *err);
int engine_profiles(const struct engine *e, struct json **ret, struct hft_err *err);
int engine_show(const struct engine *e, const struct request *q, struct json **ret, struct hft_err *err);
int engine_explain(const char *subject, struct json **ret, struct hft_err *err);
int engine_host(const struct engine *e, struct json **ret, struct hft_err *err);
/* Watch for so many seconds who disturbs the CPUs that shall be quiet. ERR_NOT_APPLICABLE: a copied tree that stands
 * still. */
int engine_doctor(const struct engine *e, unsigned seconds, struct json **ret, struct hft_err *err);
