/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names and files of the state directory, and whose they are. Must not judge one journal by another. */
#include "rollback/directory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"
#include "rollback/journal.h"
#include "rollback/store.h"

#define SUFFIX ".journal"
#define DIGITS 4 /* at least; more when the number needs them */

int store_new(struct fsio *fs, const char *dir, struct store **ret, struct hft_err *err)
{
	if (dir[0] != '/' || dir[strspn(dir, "/")] == '\0')
		return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, dir, "the state directory is no absolute path");

	CLEANUP(store_freep) struct store *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_oom(err);
	int len = (int)strlen(dir);
	while (dir[len - 1] == '/' && len > 1)
		len--;
	s->fs = fs;
	s->dir = str_printf("%.*s", len, dir);
	s->txn_dir = str_printf("%.*s/txn", len, dir);
	s->quarantine_dir = str_printf("%.*s/quarantine", len, dir);
	s->temp = str_printf("%.*s/txn/new.tmp", len, dir);
	s->reserve = str_printf("%.*s/reserve", len, dir);
	s->lock = str_printf("%.*s/LOCK", len, dir);
	if (s->dir == NULL || s->txn_dir == NULL || s->quarantine_dir == NULL || s->temp == NULL ||
	    s->reserve == NULL || s->lock == NULL)
		return err_oom(err);
	*ret = TAKE_PTR(s);
	return 0;
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	free(s->dir);
	free(s->txn_dir);
	free(s->quarantine_dir);
	free(s->temp);
	free(s->reserve);
	free(s->lock);
	free(s);
}

void store_freep(struct store **s)
{
	store_free(*s);
	*s = NULL;
}

const char *store_dir(const struct store *s)
{
	return s->dir;
}

bool store_exists(const struct store *s)
{
	return fsio_exists(s->fs, s->dir);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

void numbers_done(struct numbers *numbers)
{
	free(numbers->n);
	*numbers = (struct numbers){ 0 };
}

char *store_path(const struct store *s, int64_t txn)
{
	return str_printf("%s/%0*" PRId64 SUFFIX, s->txn_dir, DIGITS, txn);
}

/* The number of "0007.journal"; 0 for any name that is not exactly what store_path makes. */
static int64_t number_of(const char *name)
{
	size_t n = strspn(name, "0123456789");
	char digits[20];
	int64_t txn;

	if (n < DIGITS || n >= sizeof(digits) || strcmp(name + n, SUFFIX) != 0 || (n > DIGITS && name[0] == '0'))
		return 0;
	*(char *)mempcpy(digits, name, n) = '\0';
	const char *significant = digits + strspn(digits, "0");
	return num_parse_range(significant, 1, INT64_MAX - 1, &txn) == 0 ? txn : 0;
}

/* Names in a directory that need not exist. */
static int list_names(struct store *s, const char *dir, struct strlist *ret, struct hft_err *err)
{
	int r = fsio_list(s->fs, dir, ret, err);

	if (r == -ENOENT) {
		strlist_done(ret);
		return 0;
	}
	if (r == -EACCES)
		return err_raise(err, ERR_PERMISSION, EACCES, dir, "no permission to read %s", dir);
	return r;
}

static int compare_numbers(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int store_numbers(struct store *s, struct numbers *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = { 0 };
	CLEANUP(numbers_done) struct numbers numbers = { 0 };

	int r = list_names(s, s->txn_dir, &names, err);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		int64_t txn = number_of(names.s[i]);
		if (txn == 0)
			continue; /* not ours: neither read nor touched */
		if (mem_grow(&numbers.n, &numbers.cap, numbers.len, sizeof(*numbers.n)) < 0)
			return err_oom(err);
		numbers.n[numbers.len++] = txn;
	}
	if (r < 0)
		return r;
	if (numbers.len > 1)
		qsort(numbers.n, numbers.len, sizeof(*numbers.n), compare_numbers);
	*ret = numbers;
	numbers = (struct numbers){ 0 };
	return 0;
}

int store_quarantined(struct store *s, struct strlist *ret, struct hft_err *err)
{
	return list_names(s, s->quarantine_dir, ret, err);
}

/* Such a file counts as absent, and its name is taken over. */
static bool is_empty(struct store *s, int64_t txn)
{
	CLEANUP(mem_freep) char *path = store_path(s, txn);
	struct stat st;

	return path != NULL && fsio_stat(s->fs, path, &st, NULL) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

int store_next_number(struct store *s, int64_t *ret, struct hft_err *err)
{
	CLEANUP(numbers_done) struct numbers numbers = { 0 };
	CLEANUP(strlist_done) struct strlist quarantined = { 0 };

	int r = store_numbers(s, &numbers, err);
	if (r == 0)
		r = store_quarantined(s, &quarantined, err);
	if (r < 0)
		return r;
	while (numbers.len > 0 && is_empty(s, numbers.n[numbers.len - 1]))
		numbers.len--;
	int64_t last = numbers.len > 0 ? numbers.n[numbers.len - 1] : 0;
	for (size_t i = 0; i < quarantined.n; i++) {
		int64_t txn = number_of(quarantined.s[i]);
		last = txn > last ? txn : last;
	}
	*ret = last + 1;
	return 0;
}

/* --- whose it is -------------------------------------------------------------------------------------------------- */

static bool is_owner_good(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

int store_check_dir(struct store *s, struct hft_err *err)
{
	uid_t uid;
	mode_t mode;

	int r = fsio_owner(s->fs, s->dir, &uid, &mode, err);
	if (r == -ELOOP || r == -ENOTDIR)
		return err_raise(err, ERR_STATE, EPERM, s->dir, "a symbolic link or a file is in the way of %s",
		                 s->dir);
	if (r == -EACCES)
		return err_raise(err, ERR_PERMISSION, EACCES, s->dir, "no permission to read %s", s->dir);
	if (r < 0)
		return r;
	if (!S_ISDIR(mode))
		return err_raise(err, ERR_STATE, EPERM, s->dir, "%s is no directory", s->dir);
	if (!is_owner_good(uid))
		return err_raise(err, ERR_STATE, EPERM, s->dir, "%s belongs to uid %u", s->dir, (unsigned)uid);
	if ((mode & 07777 & ~0700u) != 0)
		return err_raise(err, ERR_STATE, EPERM, s->dir, "%s has mode %04o, wider than 0700", s->dir,
		                 mode & 07777);
	return 0;
}

/* Text for journal.damage, or "" when the file is ours alone. */
static void judge_file(const struct stat *st, char *ret, size_t size)
{
	ret[0] = '\0';
	if (!S_ISREG(st->st_mode))
		snprintf(ret, size, "is no regular file");
	else if (!is_owner_good(st->st_uid))
		snprintf(ret, size, "belongs to uid %u", (unsigned)st->st_uid);
	else if ((st->st_mode & 07777 & ~0600u) != 0)
		snprintf(ret, size, "has mode %04o", (unsigned)st->st_mode & 07777);
}

static int read_ours(struct store *s, int64_t txn, const char *path, struct strbuf *text, struct journal *ret,
                     struct hft_err *err)
{
	struct journal unread = { .txn = txn, .state = TXN_DAMAGED };
	struct stat st;

	int r = fsio_stat(s->fs, path, &st, err);
	if (r == 0)
		judge_file(&st, unread.damage, sizeof(unread.damage));
	if (r == 0 && unread.damage[0] == '\0')
		r = fsio_read_file(s->fs, path, STORE_JOURNAL_MAX, text, err);
	if (r == -ELOOP)
		snprintf(unread.damage, sizeof(unread.damage), "is a symbolic link");
	if (r == -EFBIG)
		snprintf(unread.damage, sizeof(unread.damage), "is too long");
	if (unread.damage[0] != '\0') {
		*ret = unread;
		return 0;
	}
	if (r < 0)
		return r;
	if (text->len == 0) /* a delayed allocation that never came */
		return err_raise(err, ERR_IO, ENOENT, path, "%s is empty", path);
	return journal_decode(txn, text->s, text->len, ret, err);
}

int store_read_journal(struct store *s, int64_t txn, struct strbuf *text, struct journal *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *path = store_path(s, txn);

	return path != NULL ? read_ours(s, txn, path, text, ret, err) : err_oom(err);
}
