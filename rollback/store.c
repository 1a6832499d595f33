/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the state directory holds as a whole: the view, its generation, the lock, the quarantine. Loading changes
 * nothing; only store_lock and store_quarantine write.
 */
#include "rollback/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "rollback/directory.h"
#include "rollback/journal.h"

#define LOOKS_MAX 8       /* how often a directory that changes meanwhile is looked at again */
#define SAME_NAME_MAX 100 /* files of one name in quarantine/ */

/* --- generation --------------------------------------------------------------------------------------------------- */

/* FNV-1a, 64 bits: nobody attacks it, it only has to differ. */
#define HASH_START 0xcbf29ce484222325u
#define HASH_PRIME 0x100000001b3u

static uint64_t hash(uint64_t h, const void *buf, size_t len)
{
	const unsigned char *p = buf;

	while (len-- > 0)
		h = (h ^ *p++) * HASH_PRIME;
	return h;
}

static uint64_t hash_stat(uint64_t h, const struct stat *st)
{
	const int64_t facts[] = {
		st->st_size,          st->st_mtim.tv_sec, st->st_mtim.tv_nsec, st->st_ctim.tv_sec,
		st->st_ctim.tv_nsec, (int64_t)st->st_ino, st->st_mode,         st->st_uid,
	};

	return hash(h, facts, sizeof(facts));
}

static int hash_journal(struct store *s, int64_t txn, uint64_t *h, struct hft_err *err)
{
	CLEANUP(mem_freep) char *path = store_path(s, txn);
	struct stat st = { 0 };

	if (path == NULL)
		return err_oom(err);
	int r = fsio_stat(s->fs, path, &st, err);
	if (r == -ENOENT)
		return 0; /* pruned since it was listed */
	if (r < 0 && r != -ELOOP)
		return r;
	*h = hash_stat(hash(*h, &txn, sizeof(txn)), &st);
	return 0;
}

static int generation(struct store *s, const struct numbers *numbers, const struct strlist *quarantined, uint64_t *ret,
                      struct hft_err *err)
{
	uint64_t h = HASH_START;

	for (size_t i = 0; i < numbers->len; i++) {
		int r = hash_journal(s, numbers->n[i], &h, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < quarantined->n; i++)
		h = hash(h, quarantined->s[i], strlen(quarantined->s[i]) + 1);
	*ret = h;
	return 0;
}

int store_generation(struct store *s, uint64_t *ret, struct hft_err *err)
{
	CLEANUP(numbers_done) struct numbers numbers = { 0 };
	CLEANUP(strlist_done) struct strlist quarantined = { 0 };

	int r = store_numbers(s, &numbers, err);
	if (r == 0)
		r = store_quarantined(s, &quarantined, err);
	return r == 0 ? generation(s, &numbers, &quarantined, ret, err) : r;
}

int store_stamp(struct store *s, uint64_t *ret, struct hft_err *err)
{
	CLEANUP(numbers_done) struct numbers numbers = { 0 };
	CLEANUP(strlist_done) struct strlist quarantined = { 0 };
	uint64_t h = HASH_START;

	int r = store_numbers(s, &numbers, err);
	if (r == 0)
		r = store_quarantined(s, &quarantined, err);
	if (r == 0 && numbers.len > 0) {
		h = hash(h, numbers.n, numbers.len * sizeof(*numbers.n));
		r = hash_journal(s, numbers.n[numbers.len - 1], &h, err);
	}
	for (size_t i = 0; i < quarantined.n; i++)
		h = hash(h, quarantined.s[i], strlen(quarantined.s[i]) + 1);
	*ret = h;
	return r;
}

/* --- the view ----------------------------------------------------------------------------------------------------- */

static void info_done(struct txn_info *info)
{
	free(info->kind);
	free(info->profile);
	free(info->started);
	free(info->boot_id);
	free(info->machine_id);
	free(info->warning);
	free(info->cause);
	free(info->damage);
	*info = (struct txn_info){ 0 };
}

void store_view_done(struct store_view *v)
{
	for (size_t i = 0; i < v->n_txns; i++)
		info_done(&v->txns[i]);
	free(v->txns);
	json_free(v->state);
	if (v->damage != NULL)
		strlist_done(v->damage);
	free(v->damage);
	*v = (struct store_view){ 0 };
}

static int mark_damaged(struct txn_info *info, const char *what, struct hft_err *err)
{
	char *text = str_printf("%04" PRId64 ".journal %s", info->txn, what);

	if (text == NULL)
		return err_oom(err);
	free(info->damage);
	info->damage = text;
	info->state = TXN_DAMAGED;
	return 0;
}

/* Takes the texts of j. */
static int fill_info(struct journal *j, struct txn_info *info, struct hft_err *err)
{
	*info = (struct txn_info){ .txn = j->txn, .state = j->state, .n_steps = (int64_t)j->n_steps };
	info->kind = j->kind != NULL ? TAKE_PTR(j->kind) : strdup("");
	info->profile = j->profile != NULL ? TAKE_PTR(j->profile) : strdup("");
	info->started = j->started != NULL ? TAKE_PTR(j->started) : strdup("");
	info->boot_id = j->boot_id != NULL ? TAKE_PTR(j->boot_id) : strdup("");
	info->machine_id = j->machine_id != NULL ? TAKE_PTR(j->machine_id) : strdup("");
	info->warning = TAKE_PTR(j->warning);
	info->cause = TAKE_PTR(j->cause);
	if (info->kind == NULL || info->profile == NULL || info->started == NULL || info->boot_id == NULL ||
	    info->machine_id == NULL)
		return err_oom(err);
	return j->state == TXN_DAMAGED ? mark_damaged(info, j->damage, err) : 0;
}

/* Append what journal txn says; one that has vanished or is empty is left out, and *vanished set. */
static int add_journal(struct store *s, int64_t txn, struct strbuf *text, struct store_view *v, bool *vanished,
                       struct hft_err *err)
{
	struct journal j;

	int r = store_read_journal(s, txn, text, &j, err);
	if (r == -ENOENT) {
		*vanished = true;
		return 0;
	}
	if (r < 0)
		return r;
	r = fill_info(&j, &v->txns[v->n_txns++], err);
	journal_done(&j);
	return r;
}

static int add_journals(struct store *s, const struct numbers *numbers, struct store_view *v, bool *vanished,
                        struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	v->txns = calloc(numbers->len + 1, sizeof(*v->txns));
	if (v->txns == NULL)
		return err_oom(err);
	for (size_t i = 0; i < numbers->len; i++) {
		int r = add_journal(s, numbers->n[i], &text, v, vanished, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A transaction is begun only when the one before is finished. */
static int judge_open(struct store_view *v, struct hft_err *err)
{
	for (size_t i = 0; i < v->n_txns; i++) {
		struct txn_info *info = &v->txns[i];
		if (info->state != TXN_OPEN)
			continue;
		if (i + 1 == v->n_txns) {
			v->unfinished = info->txn;
			continue;
		}
		int r = mark_damaged(info, "is not finished, and others came after it", err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_state(struct store *s, struct txn_info *info, struct json **ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	struct journal j;

	int r = store_read_journal(s, info->txn, &text, &j, err);
	if (r < 0)
		return r;
	r = j.state == TXN_COMMITTED ? journal_state(&j, text.s, ret, err) : -EBADMSG;
	journal_done(&j);
	return r == -EBADMSG ? mark_damaged(info, "holds a state that cannot be read", err) : r;
}

static int find_state(struct store *s, struct store_view *v, bool *vanished, struct hft_err *err)
{
	for (size_t i = v->n_txns; i-- > 0 && v->state == NULL;) {
		struct txn_info *info = &v->txns[i];
		if (info->state != TXN_COMMITTED)
			continue;
		int r = read_state(s, info, &v->state, err);
		if (r == -ENOENT)
			*vanished = true;
		else if (r < 0)
			return r;
		v->committed = v->state != NULL ? info->txn : 0;
	}
	return 0;
}

static int list_damage(struct store_view *v, const struct strlist *quarantined, struct hft_err *err)
{
	v->damage = calloc(1, sizeof(*v->damage));
	if (v->damage == NULL)
		return err_oom(err);
	for (size_t i = 0; i < v->n_txns; i++)
		if (v->txns[i].damage != NULL && strlist_add(v->damage, v->txns[i].damage) < 0)
			return err_oom(err);
	for (size_t i = 0; i < quarantined->n; i++)
		if (strlist_take(v->damage, str_printf("quarantine/%s was damaged", quarantined->s[i])) < 0)
			return err_oom(err);
	return 0;
}

static int look(struct store *s, struct store_view *v, bool *vanished, struct hft_err *err)
{
	CLEANUP(numbers_done) struct numbers numbers = { 0 };
	CLEANUP(strlist_done) struct strlist quarantined = { 0 };

	int r = store_check_dir(s, err);
	if (r == -ENOENT) {
		v->generation = HASH_START;
		return list_damage(v, &quarantined, err);
	}
	if (r == 0)
		r = store_numbers(s, &numbers, err);
	if (r == 0)
		r = store_quarantined(s, &quarantined, err);
	/* Before the files are read: what changes afterwards shows as another generation. */
	if (r == 0)
		r = generation(s, &numbers, &quarantined, &v->generation, err);
	if (r == 0)
		r = add_journals(s, &numbers, v, vanished, err);
	if (r == 0)
		r = judge_open(v, err);
	if (r == 0)
		r = find_state(s, v, vanished, err);
	return r == 0 ? list_damage(v, &quarantined, err) : r;
}

/* Somebody who holds the lock may be writing: was a gap, or what looks like damage, only a matter of time? */
static bool is_worth_another_look(struct store *s, const struct store_view *v, bool vanished)
{
	uint64_t now;

	if (!vanished && v->damage->n == 0)
		return false;
	return store_generation(s, &now, NULL) == 0 && now != v->generation;
}

int store_load(struct store *s, struct store_view *ret, struct hft_err *err)
{
	for (int looks = 1;; looks++) {
		struct store_view v = { 0 };
		bool vanished = false;

		int r = look(s, &v, &vanished, err);
		if (r == 0 && (looks == LOOKS_MAX || !is_worth_another_look(s, &v, vanished))) {
			*ret = v;
			return 0;
		}
		store_view_done(&v);
		if (r < 0)
			return r;
	}
}

/* Newest first, until one is committed: *ret_enough false when that does not tell the whole truth. */
static int look_back(struct store *s, const struct numbers *numbers, struct store_view *v, bool *ret_enough,
                     struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	*ret_enough = true;
	for (size_t i = numbers->len; i-- > 0 && v->state == NULL && *ret_enough;) {
		struct journal j;
		int r = store_read_journal(s, numbers->n[i], &text, &j, err);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		r = fill_info(&j, &v->txns[v->n_txns++], err);
		if (r == 0 && j.state == TXN_COMMITTED) {
			v->committed = j.txn;
			r = journal_state(&j, text.s, &v->state, err);
		}
		*ret_enough = j.state != TXN_DAMAGED && r != -EBADMSG && (j.state != TXN_OPEN || v->n_txns == 1);
		journal_done(&j);
		if (r < 0 && r != -EBADMSG)
			return r;
	}
	return 0;
}

static void reverse(struct store_view *v)
{
	for (size_t i = 0; i < v->n_txns / 2; i++) {
		struct txn_info tmp = v->txns[i];
		v->txns[i] = v->txns[v->n_txns - 1 - i];
		v->txns[v->n_txns - 1 - i] = tmp;
	}
}

int store_load_current(struct store *s, struct store_view *ret, struct hft_err *err)
{
	CLEANUP(numbers_done) struct numbers numbers = { 0 };
	CLEANUP(strlist_done) struct strlist quarantined = { 0 };
	struct store_view v = { 0 };
	bool enough = false;

	int r = store_check_dir(s, err);
	if (r == 0)
		r = store_numbers(s, &numbers, err);
	if (r == 0)
		r = store_quarantined(s, &quarantined, err);
	if (r == 0) {
		v.txns = calloc(numbers.len + 1, sizeof(*v.txns));
		r = v.txns != NULL ? look_back(s, &numbers, &v, &enough, err) : err_oom(err);
	}
	reverse(&v);
	if (r == 0 && enough)
		r = judge_open(&v, err);
	if (r == 0 && enough)
		r = list_damage(&v, &quarantined, err);
	if (r == 0 && enough) {
		*ret = v;
		return 0;
	}
	store_view_done(&v);
	return r == 0 || r == -ENOENT ? store_load(s, ret, err) : r;
}

/* --- the lock ----------------------------------------------------------------------------------------------------- */

static int make_dirs(struct store *s, struct hft_err *err)
{
	CLEANUP(mem_freep) char *parent = strdup(s->dir);

	if (parent == NULL)
		return err_oom(err);
	char *slash = strrchr(parent, '/');
	slash[slash == parent] = '\0';
	int r = fsio_mkdirs(s->fs, parent, 0755, err);
	if (r == 0)
		r = fsio_mkdirs(s->fs, s->dir, 0700, err);
	return r;
}

int store_lock(struct store *s, int *ret_fd, struct hft_err *err)
{
	int r = store_check_dir(s, err);
	if (r == -ENOENT) {
		r = make_dirs(s, err);
		if (r == 0)
			r = store_check_dir(s, err);
	}
	if (r == 0)
		r = fsio_mkdirs(s->fs, s->txn_dir, 0700, err);
	if (r == 0)
		r = fsio_lock(s->fs, s->lock, ret_fd, err);
	if (r == 0)
		fsio_unlink(s->fs, s->temp, NULL); /* of a process that died; most often there is none */
	return r;
}

/* --- the quarantine ----------------------------------------------------------------------------------------------- */

/* A name in quarantine/ that is free: "0007.journal", else "0007.journal.2" and so on. Caller frees; or NULL. */
static char *free_name(struct store *s, int64_t txn)
{
	char *path = str_printf("%s/%04" PRId64 ".journal", s->quarantine_dir, txn);

	for (int i = 2; path != NULL && i <= SAME_NAME_MAX && fsio_exists(s->fs, path); i++) {
		free(path);
		path = str_printf("%s/%04" PRId64 ".journal.%d", s->quarantine_dir, txn, i);
	}
	return path;
}

static int set_aside(struct store *s, int64_t txn, struct hft_err *err)
{
	CLEANUP(mem_freep) char *from = store_path(s, txn);
	CLEANUP(mem_freep) char *to = free_name(s, txn);

	if (from == NULL || to == NULL)
		return err_oom(err);
	return fsio_rename(s->fs, from, to, err);
}

static int set_aside_all(struct store *s, const struct store_view *v, struct hft_err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_txns; i++) {
		if (v->txns[i].state != TXN_DAMAGED)
			continue;
		int r = n++ == 0 ? fsio_mkdirs(s->fs, s->quarantine_dir, 0700, err) : 0;
		if (r == 0)
			r = set_aside(s, v->txns[i].txn, err);
		if (r < 0)
			return r;
	}
	if (n == 0)
		return 0;
	int r = fsio_sync_dir(s->fs, s->quarantine_dir, err); /* the new names first: never neither */
	return r == 0 ? fsio_sync_dir(s->fs, s->txn_dir, err) : r;
}

int store_quarantine(struct store *s, struct hft_err *err)
{
	struct store_view v;

	int r = store_load(s, &v, err);
	if (r < 0)
		return r;
	r = set_aside_all(s, &v, err);
	store_view_done(&v);
	return r;
}
