/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A knob is one kind of tunable: one file knob_NAME.c with one `const struct knob`, and one line in knobs.def.
 *
 * A knob translates between canonical value text and the kernel. It has no journal, no log, no policy and no JSON.
 * An object is named by a key, stable across reboots of the same machine, unique within the knob and holding the
 * option where an object has several ("policy0 governor"). Everything after `list` works from the key alone, because
 * undo has nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/str.h"

struct cpuset;
struct fsio;
struct hft_err;
struct host;

/* Held descriptors (PM QoS, a socket): kept by the daemon for as long as the layer is in force. */
struct knob_holds {
	/* The value text held under this key, or NULL. Borrowed. */
	const char *(*value)(void *data, const char *key);
	/* Keep fd under key, replacing an older one; owns fd in any case. */
	int (*hold)(void *data, const char *key, const char *value, int fd, struct hft_err *err);
	int (*release)(void *data, const char *key, struct hft_err *err);
	void *data;
};

struct knob_ctx {
	struct fsio *fs;
	struct host *host;              /* knobs that need interrupts or NICs call host_read_irqs() themselves */
	const struct knob_holds *holds; /* NULL where nothing can be held: standalone mode, copied trees */
	bool copied;                    /* a copied tree: the row's transform stands in for the kernel */
	/* What host.conf says for knobs: see knob_host_conf(). NULL: there is none. */
	int (*host_conf)(void *data, const char *section, const char *name, struct strbuf *ret, struct hft_err *err);
	void *host_conf_data;
	/* Does a layer set this object, as things are, or as a transaction is to make them? NULL: none does. */
	bool (*is_set)(const void *data, const char *knob, const char *key);
	const void *is_set_data;
	/* Called about every second by what takes long and knows when to give up; or NULL. Otherwise a step that says
	 * nothing for too long is ended from outside. */
	void (*alive)(void *data);
	void *alive_data;
};

struct knob_object {
	char *key;
	char *label; /* further names for people ("eth0-rx-0"), or NULL */
	char *na;    /* why this machine or kernel lacks it (then nothing is read or written), or NULL */
};

struct knob_objects { /* zero-initialise; knob_objects_done frees */
	struct knob_object *o;
	size_t n, cap;
};

enum knob_verdict_state { KNOB_OK, KNOB_DRIFT, KNOB_PENDING, KNOB_NA };

struct knob_verdict {
	enum knob_verdict_state state;
	struct strbuf found; /* canonical value found now */
	char reason[160];    /* pending: until what; na: what is missing; drift: what was judged, or "" */
};
void knob_verdict_done(struct knob_verdict *v);

/* What a row says about itself; all static text. */
enum knob_effect { EFFECT_NOW, EFFECT_NEW_CONNECTIONS, EFFECT_NEXT_INTERRUPT, EFFECT_RESTART, EFFECT_BOOT, EFFECT_SLOW };
struct knob_doc {
	const char *option;  /* as in a profile; "*" parts are shown as they are */
	const char *summary;
	const char *unit;    /* "us", "pages", "cpulist", "word", "bool", ... */
	const char *bounds;  /* "0..200", "always|madvise|never" */
	int risk;            /* 0..4 as in knobs.md 0.3 */
	enum knob_effect effect;
	const char *counter; /* what must move if it works, or "" */
	const char *changes; /* objects that a write may change too, "knob:key, ...", or "" */
	const char *source;  /* kernel document or source file */
	const char *traps;   /* or "" */
};

#define KNOB_UNIT_MAX 256 /* bytes of a unit's name, NUL included */

/* One write among those of a plan: canonical texts; before may be NULL. */
struct knob_change {
	const char *key, *before, *after;
};

#define KNOB_WIPED_MAX 280
#define KNOB_WIPED_BY_LINK "link"  /* a network device was reset, or its link came up */
#define KNOB_WIPED_BY_UNIT "unit " /* the service of that name was started */

struct knob {
	const char *name;    /* "sysctl" */
	const char *summary; /* one line */
	/* the form of the selector for people: "", "DEVICE|DRIVER|ACTION pattern", ... ; "" = must be empty */
	const char *selector;
	/* What it writes is a file and outlives a reboot: its originals hold for ever, not for one boot. The canonical value
	 * of what is not there is "". */
	bool persistent;
	bool at_boot; /* what it writes takes effect at the next boot */

	/*
	 * The objects that (selector, option) names on this host, added to *ret. An object that the machine lacks is
	 * added with `na` set. A pattern that matches nothing adds nothing and returns 0. Reads only.
	 * -ENOENT ERR_NO_MATCH: a literal selector matches nothing. -EINVAL ERR_INVALID_PROFILE: unknown option, or a
	 * selector that makes no sense; the caller adds file:line and the list of options as hint.
	 */
	int (*list)(const struct knob_ctx *c, const char *selector, const char *option, struct knob_objects *ret,
	            struct hft_err *err);
	/* Value text of a profile to canonical text, bounds checked (min/max, words, CPUs present). key NULL: no object of
	 * this host is meant (its section's conditions do not hold, the machine lacks it), so nothing of the host is
	 * asked: only the option, the form, and the bounds that are compiled in.
	 * -EINVAL ERR_INVALID_PROFILE (form; without a key also: no such option), -ERANGE ERR_OUT_OF_BOUNDS (`wanted`
	 * says the bounds). Must not write. */
	int (*parse)(const struct knob_ctx *c, const char *key, const char *option, const char *value,
	             struct strbuf *ret, struct hft_err *err);
	/* The current canonical value. -ENOENT ERR_NOT_APPLICABLE when the object is gone or lacks, -EBUSY ERR_NOT_APPLICABLE
	 * when it is only away with its CPU; -EIO and others ERR_IO. ret is reset first. */
	int (*read)(const struct knob_ctx *c, const char *key, struct strbuf *ret, struct hft_err *err);
	/* Write a canonical value (from parse, or from read: an original). Re-resolves the key first. Does not read
	 * back. -EPERM/-EIO of a managed interrupt is ERR_NOT_APPLICABLE; otherwise ERR_WRITE_FAILED. */
	int (*write)(const struct knob_ctx *c, const char *key, const char *value, struct hft_err *err);
	/* Judge the effect of wanted. NULL: canonical equality of read. Fills *ret whenever it returns 0. This, not a
	 * comparison of texts, is how to learn whether a value holds now: an original may say more than a setting
	 * (irq "0-1@1"), and a setting may be a word that stands for a number (cpufreq "max"). */
	int (*verify)(const struct knob_ctx *c, const char *key, const char *wanted, struct knob_verdict *ret,
	              struct hft_err *err);
	/* Makes what was written take effect (update-grub, daemon-reload): called once after the last write of this knob in
	 * a transaction, before the writes of the next one; only then are they judged. NULL: a write is all it takes. */
	int (*take_effect)(const struct knob_ctx *c, struct hft_err *err);
	/* The transaction is committed, and no layer holds the object any more; `held` are the keys of this knob that layers do
	 * hold. What was kept for it beside the object can go; what cannot is left, and does no harm. NULL: nothing is kept. */
	void (*let_go)(const struct knob_ctx *c, const char *key, const struct strlist *held);
	/* The unit that has to be restarted until a value that verify calls pending takes effect. The engine restarts it where
	 * the phase allows that: once, after the last write of those knobs that have this, which stand together in knobs.def.
	 * NULL, or false: no restart helps. Static: reads nothing. */
	bool (*restarts)(const char *key, char ret_unit[static KNOB_UNIT_MAX]);
	/* P11: the CPUs that a value takes away from everybody else. NULL: none. Static tables only: reads nothing. */
	void (*isolates)(const char *key, const char *value, struct cpuset *ret);
	/* The CPUs that a value takes offline, and those that it brings online. NULL: none. Static tables only. */
	void (*hotplugs)(const char *key, const char *value, struct cpuset *ret_off, struct cpuset *ret_on);
	/* Tell the host what an original still in force remembers of it, and nobody else does: which CPUs that are offline
	 * now shared a core. NULL: nothing. Reads nothing. */
	void (*recall)(struct host *h, const char *key, const char *original);
	/* What goes with a value that takes down a barrier against attackers: written only where the phase accepts that.
	 * NULL: none does. Text for people or NULL. Static tables only. */
	const char *(*barrier)(const char *key, const char *value);
	/* Why this value makes no sense beside that of another object of the knob. NULL: all do. Text for people or NULL;
	 * the order of the two does not matter. Static tables only. */
	const char *(*clash)(const char *key, const char *value, const char *other, const char *other_value);
	/* What people should know before this value is written on this host: what overrides it, or looks like an obstacle and is
	 * none. One clause added to ret, or nothing. NULL: there is never anything. Reads only. */
	int (*note)(const struct knob_ctx *c, const char *key, const char *value, struct strbuf *ret, struct hft_err *err);
	/* Objects that a write to key may change (the kernel's coupling), as objects of knobs by name: calls add for
	 * each. NULL: none. */
	int (*coupled)(const struct knob_ctx *c, const char *key,
	               int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
	               struct hft_err *err);
	/* P1: may putting `before` back after `after` fail (a fragmented pool)? NULL: never. Text for people or NULL. */
	const char *(*inexact)(const struct knob_ctx *c, const char *key, const char *before, const char *after);
	/* May these be written one after the other, each of which parse has passed by itself? NULL: always. -ERANGE
	 * ERR_OUT_OF_BOUNDS with the key of one that is too much as `subject`. Reads only. */
	int (*together)(const struct knob_ctx *c, const struct knob_change *changes, size_t n, struct hft_err *err);
	/*
	 * For objects made of parts that come and go (threads): an original that takes in the parts which came since, with
	 * what they hold now, and forgets those that went. `applied` is what we left the object at: what a new part holds
	 * of that it has inherited. Called before the object is written again. NULL: an original stays as it is.
	 */
	int (*renew)(const struct knob_ctx *c, const char *key, const char *original, const char *applied,
	             struct strbuf *ret, struct hft_err *err);
	/*
	 * What may wipe the object without anybody's having meant it; when that has happened, the daemon writes again what
	 * a layer in force says (hfttuned(8)): KNOB_WIPED_BY_LINK, or KNOB_WIPED_BY_UNIT and a name, in the caller's text;
	 * NULL: nothing does. NULL: no object of the knob is written again.
	 */
	const char *(*wiped_by)(const char *key, char text[KNOB_WIPED_MAX]);
	/* Where the object stands among those of the same knob when several are written; ascending, equal keeps the
	 * profile's order. NULL: always equal. */
	int (*order)(const char *key);
	/* Row i of the table: 0, or -ENOENT past the end. */
	int (*explain)(size_t i, struct knob_doc *ret);
};

/* All knobs by rank (the order of writing, knobs.def); index is the rank. */
extern const struct knob *const knobs[];
extern const size_t n_knobs;
const struct knob *knob_find(const char *name); /* NULL when unknown */
int knob_rank(const struct knob *k);

/* Add an object; owns nothing of the caller's. na and label may be NULL. 0 or -ENOMEM (err filled). */
int knob_objects_add(struct knob_objects *l, const char *key, const char *label, const char *na, struct hft_err *err);
void knob_objects_done(struct knob_objects *l);
/* The value of a name in a section of host.conf that is for knobs ("conffile", "redis-password"): 1; 0: it does not say.
 * -EINVAL ERR_INVALID_PROFILE: host.conf makes no sense; other -errno ERR_IO. Nothing of a profile comes here (P11). */
int knob_host_conf(const struct knob_ctx *c, const char *section, const char *name, struct strbuf *ret,
                   struct hft_err *err);
/* Why no descriptor can be held here, or NULL. Static text. */
const char *knob_cannot_hold(const struct knob_ctx *c);
/* verify as the engine calls it: k->verify, or equality of k->read. */
int knob_verify(const struct knob *k, const struct knob_ctx *c, const char *key, const char *wanted,
                struct knob_verdict *ret, struct hft_err *err);
