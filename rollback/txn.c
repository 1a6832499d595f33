/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing one transaction. Must not read other transactions.
 *
 * What is appended in vain is cut off again, so that the file always holds whole records. Where that fails, or a flush
 * failed, the file cannot be trusted any more: after fdatasync(2) has reported an error, the next one may report
 * success without the bytes being on the disk. From then on only a new file helps, with the sound records copied; it is
 * made when an undo begins and when the end is recorded (heal).
 */
#include "rollback/txn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"
#include "rollback/directory.h"
#include "rollback/journal.h"

#define RESERVE_BYTES (256 * 1024) /* thousands of records of an undo */

/* --- the reserve -------------------------------------------------------------------------------------------------- */

static int write_reserve(struct store *s, struct hft_err *err)
{
	CLEANUP(mem_freep) char *zeroes = calloc(1, RESERVE_BYTES);
	CLEANUP(mem_closep) int fd = -1;

	if (zeroes == NULL)
		return err_oom(err);
	int r = fsio_create(s->fs, s->reserve, 0600, &fd, err);
	return r == 0 ? fsio_append(fd, zeroes, RESERVE_BYTES, s->reserve, err) : r;
}

/* Bytes really written, not posix_fallocate(3): a copy-on-write file system needs new blocks for those all the same. */
static int make_reserve(struct store *s, struct hft_err *err)
{
	struct stat st;

	if (fsio_stat(s->fs, s->reserve, &st, NULL) == 0 && st.st_size == RESERVE_BYTES)
		return 0;
	fsio_unlink(s->fs, s->reserve, NULL);
	int r = write_reserve(s, err);
	if (r < 0)
		fsio_unlink(s->fs, s->reserve, NULL);
	return r;
}

/* --- a file under its name ---------------------------------------------------------------------------------------- */

static int create_temp(struct store *s, int *ret_fd, struct hft_err *err)
{
	int r = fsio_create(s->fs, s->temp, 0600, ret_fd, err);

	if (r != -EEXIST)
		return r;
	fsio_unlink(s->fs, s->temp, NULL);
	return fsio_create(s->fs, s->temp, 0600, ret_fd, err);
}

/* Write a whole journal durably. *ret_fd is set as soon as the name stands for the new file, even on an error. */
static int publish(struct store *s, const char *path, const char *text, size_t len, int *ret_fd, struct hft_err *err)
{
	CLEANUP(mem_closep) int fd = -1;

	int r = create_temp(s, &fd, err);
	if (r == 0)
		r = fsio_append(fd, text, len, s->temp, err);
	if (r == 0)
		r = fsio_datasync(fd, s->temp, err);
	if (r == 0)
		r = fsio_rename(s->fs, s->temp, path, err);
	if (r < 0) {
		fsio_unlink(s->fs, s->temp, NULL);
		return r;
	}
	*ret_fd = TAKE_FD(fd);
	return fsio_sync_dir(s->fs, s->txn_dir, err);
}

/* --- records ------------------------------------------------------------------------------------------------------ */

/* Records are collected in t->lines, and one write(2) appends them all. */
static void lines_start(struct txn *t)
{
	strbuf_reset(&t->lines);
	t->n_lines = 0;
}

static size_t line_open(struct txn *t, enum record_type type)
{
	return record_open(&t->lines, t->n_records + t->n_lines++, type);
}

static void line_close(struct txn *t, size_t at)
{
	record_close(&t->lines, at, t->seed);
}

static void add_member(struct txn *t, const char *key, const struct json *value)
{
	CLEANUP(mem_freep) char *text = json_print(value);

	if (text == NULL) {
		t->lines.oom = true;
		return;
	}
	strbuf_addf(&t->lines, ",\"%s\":", key);
	strbuf_add(&t->lines, text);
}

static void add_line(struct txn *t, enum record_type type)
{
	line_close(t, line_open(t, type));
}

static void add_line_index(struct txn *t, enum record_type type, int64_t index, const char *key,
                           const struct json *value)
{
	size_t at = line_open(t, type);

	strbuf_addf(&t->lines, ",\"index\":%" PRId64, index);
	if (value != NULL)
		add_member(t, key, value);
	line_close(t, at);
}

static void add_line_member(struct txn *t, enum record_type type, const char *key, const struct json *value)
{
	size_t at = line_open(t, type);

	if (value != NULL)
		add_member(t, key, value);
	line_close(t, at);
}

/* Back to size bytes and n_records records. */
static void cut(struct txn *t, size_t size, uint64_t n_records)
{
	if (fsio_truncate(t->fd, size, t->path, NULL) < 0)
		t->no_append = true;
	t->size = size;
	t->n_records = n_records;
}

/* EIO too: a quota can make a write(2) short although the file system has room. */
static bool is_room_lacking(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EIO;
}

static int append(struct txn *t, struct hft_err *err)
{
	if (t->is_sealed)
		return err_raise(err, ERR_IO, EALREADY, t->path, "%s is finished", t->path);
	if (t->no_append)
		return err_raise(err, ERR_IO, EIO, t->path, "nothing more can be appended to %s", t->path);
	if (t->lines.oom)
		return err_oom(err);
	if (t->lines.len > STORE_JOURNAL_MAX / 2 || t->size > STORE_JOURNAL_MAX - t->lines.len)
		return err_raise(err, ERR_IO, EFBIG, t->path, "%s would get too long", t->path);
	t->is_flushed = false;
	int r = fsio_append(t->fd, t->lines.s, t->lines.len, t->path, err);
	if (is_room_lacking(r)) {
		cut(t, t->size, t->n_records);
		if (!t->no_append && fsio_unlink(t->store->fs, t->store->reserve, NULL) == 0)
			r = fsio_append(t->fd, t->lines.s, t->lines.len, t->path, err);
	}
	if (r < 0) {
		cut(t, t->size, t->n_records);
		return r;
	}
	t->size += t->lines.len;
	t->n_records += t->n_lines;
	return 0;
}

static int flush(struct txn *t, struct hft_err *err)
{
	if (t->is_flushed)
		return 0;
	if (t->no_sync)
		return err_raise(err, ERR_IO, EIO, t->path, "%s could not be flushed before", t->path);
	int r = fsio_datasync(t->fd, t->path, err);
	t->no_sync = r < 0;
	t->is_flushed = r == 0;
	return r;
}

/* --- a new file for one that failed ------------------------------------------------------------------------------- */

/* What the failed file holds, up to the last sound record; a page that was lost meanwhile shows here. */
static int read_sound(struct txn *t, struct strbuf *text, struct hft_err *err)
{
	struct journal j;

	int r = fsio_read_file(t->store->fs, t->path, STORE_JOURNAL_MAX, text, err);
	if (r < 0)
		return r;
	size_t len = text->len < t->size ? text->len : t->size;
	r = journal_decode(t->number, text->s, len, &j, err);
	if (r < 0)
		return r;
	bool is_open = j.state == TXN_OPEN || j.state == TXN_INCOMPLETE;
	bool is_same = is_open && j.clean == t->size && j.n_records == t->n_records && j.seed == t->seed;
	journal_done(&j);
	return is_same ? 0 : err_raise(err, ERR_IO, EIO, t->path, "%s does not hold what was written", t->path);
}

static int heal(struct txn *t, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	CLEANUP(mem_closep) int fd = -1;

	if (!t->no_sync && !t->no_append)
		return 0;
	int r = read_sound(t, &text, err);
	if (r < 0)
		return r;
	fsio_unlink(t->store->fs, t->store->reserve, NULL);
	r = publish(t->store, t->path, text.s, t->size, &fd, err);
	if (fd < 0)
		return r;
	mem_closep(&t->fd);
	t->fd = TAKE_FD(fd);
	t->no_append = false;
	t->no_sync = r < 0; /* the old file might come back, with what was cut off */
	t->is_flushed = r == 0;
	return r;
}

/* --- begin -------------------------------------------------------------------------------------------------------- */

static int new_uuid(char *ret, size_t size, struct hft_err *err)
{
	uint16_t w[8];

	if (getrandom(w, sizeof(w), 0) != (ssize_t)sizeof(w))
		return err_raise(err, ERR_IO, EIO, "getrandom", "no random bytes");
	w[3] = (uint16_t)((w[3] & 0x0fff) | 0x4000); /* version 4 and the variant, RFC 4122 */
	w[4] = (uint16_t)((w[4] & 0x3fff) | 0x8000);
	snprintf(ret, size, "%04x%04x-%04x-%04x-%04x-%04x%04x%04x", w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]);
	return 0;
}

/* RFC 3339, for people: nothing is decided by it. */
static void now_utc(char *ret, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL || strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		ret[0] = '\0';
}

/* Caller frees; NULL when out of memory. */
static char *print_header(const struct txn *t, const struct txn_header *h, const char *uuid)
{
	CLEANUP(json_freep) struct json *header = json_new_object();
	char started[40];

	now_utc(started, sizeof(started));
	int r = json_set_int(header, "format", STORE_FORMAT) | json_set_string(header, "uuid", uuid) |
	        json_set_int(header, "txn", t->number) | json_set_string(header, "kind", h->kind) |
	        json_set_string(header, "boot_id", h->boot_id) | json_set_string(header, "machine_id", h->machine_id) |
	        json_set_string(header, "started", started) | json_set_string(header, "profile", h->profile) |
	        json_set_string(header, "warning", h->warning);
	return r == 0 ? json_print(header) : NULL;
}

static int add_header(struct txn *t, const struct txn_header *h, const char *uuid, struct hft_err *err)
{
	CLEANUP(mem_freep) char *text = print_header(t, h, uuid);

	if (text == NULL)
		return err_oom(err);
	size_t at = line_open(t, RECORD_HEADER);
	strbuf_addc(&t->lines, ',');
	strbuf_addn(&t->lines, text + 1, strlen(text) - 2); /* without its braces */
	line_close(t, at); /* with the seed 0: the reader knows the uuid only from here */
	return 0;
}

static int build(struct txn *t, const struct txn_header *h, const struct json *steps, const struct json *state,
                 struct hft_err *err)
{
	char uuid[40];
	int64_t index = 0;

	int r = new_uuid(uuid, sizeof(uuid), err);
	if (r == 0)
		r = add_header(t, h, uuid, err);
	if (r < 0)
		return r;
	t->seed = record_seed(uuid);
	for (const struct json *step = json_first(steps); step != NULL; step = json_next(step))
		add_line_index(t, RECORD_STEP, index++, "record", step);
	add_line_member(t, RECORD_PREPARED, "state", state);
	if (t->lines.oom)
		return err_oom(err);
	if (t->lines.len > STORE_JOURNAL_MAX / 2)
		return err_raise(err, ERR_IO, EFBIG, t->path, "a journal of %zu bytes is too long", t->lines.len);
	return 0;
}

static int txn_new(struct store *s, int64_t number, struct txn **ret, struct hft_err *err)
{
	CLEANUP(txn_freep) struct txn *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_oom(err);
	t->store = s;
	t->number = number;
	t->fd = -1;
	t->path = store_path(s, number);
	if (t->path == NULL)
		return err_oom(err);
	*ret = TAKE_PTR(t);
	return 0;
}

int txn_begin(struct store *s, const struct txn_header *h, const struct json *steps, const struct json *state,
              struct txn **ret, struct hft_err *err)
{
	CLEANUP(txn_freep) struct txn *t = NULL;
	int64_t number;

	int r = store_next_number(s, &number, err);
	if (r == 0)
		r = txn_new(s, number, &t, err);
	if (r == 0)
		r = build(t, h, steps, state, err);
	if (r == 0)
		r = make_reserve(s, err);
	if (r < 0)
		return r;
	r = publish(s, t->path, t->lines.s, t->lines.len, &t->fd, err);
	if (r < 0) {
		/* Should the name survive this, then as a transaction that did nothing: recovery finds nothing to undo. */
		if (t->fd >= 0)
			fsio_unlink(s->fs, t->path, NULL);
		return r;
	}
	t->size = t->lines.len;
	t->n_records = t->n_lines;
	t->is_flushed = true;
	*ret = TAKE_PTR(t);
	return 0;
}

int txn_adopt(struct store *s, const struct journal *j, size_t file_size, struct txn **ret, struct hft_err *err)
{
	CLEANUP(txn_freep) struct txn *t = NULL;

	int r = txn_new(s, j->txn, &t, err);
	if (r < 0)
		return r;
	t->seed = j->seed;
	t->size = j->clean;
	t->n_records = j->n_records;
	if (fsio_append_open(s->fs, t->path, &t->fd, NULL) < 0)
		t->no_append = true;
	else if (file_size > t->size)
		cut(t, t->size, t->n_records);
	*ret = TAKE_PTR(t);
	return 0;
}

int64_t txn_number(const struct txn *t)
{
	return t->number;
}

void txn_free(struct txn *t)
{
	if (t == NULL)
		return;
	mem_closep(&t->fd);
	free(t->path);
	strbuf_done(&t->lines);
	free(t);
}

void txn_freep(struct txn **t)
{
	txn_free(*t);
	*t = NULL;
}

/* --- on the way --------------------------------------------------------------------------------------------------- */

int txn_progress(struct txn *t, int64_t i_done, const struct json *extra, int64_t i_start, struct hft_err *err)
{
	lines_start(t);
	if (i_done >= 0)
		add_line_index(t, RECORD_DONE, i_done, "extra", extra);
	if (i_start >= 0)
		add_line_index(t, RECORD_START, i_start, NULL, NULL);
	return t->n_lines > 0 ? append(t, err) : 0;
}

int txn_undoing(struct txn *t, const char *cause, struct hft_err *err)
{
	heal(t, NULL); /* where it fails, the end is recorded with another attempt */
	lines_start(t);
	size_t at = line_open(t, RECORD_UNDOING);
	if (cause != NULL && cause[0] != '\0')
		json_text_string(&t->lines, "cause", cause);
	line_close(t, at);
	return append(t, err);
}

int txn_undone(struct txn *t, int64_t i, struct hft_err *err)
{
	lines_start(t);
	add_line_index(t, RECORD_UNDONE, i, NULL, NULL);
	return append(t, err);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* Flush everything, and only then append the seal, so that a seal on the disk vouches for all before it. */
static int seal_once(struct txn *t, enum record_type type, const char *key, const struct json *value,
                     struct hft_err *err)
{
	size_t size = t->size;
	uint64_t n_records = t->n_records;

	int r = t->is_sealed ? err_raise(err, ERR_IO, EALREADY, t->path, "%s is finished", t->path) : heal(t, err);
	if (r == 0 && type == RECORD_COMMITTED) {
		lines_start(t);
		add_line(t, RECORD_APPLIED);
		r = append(t, err);
	}
	if (r == 0)
		r = flush(t, err);
	if (r == 0) {
		lines_start(t);
		add_line_member(t, type, key, value);
		r = append(t, err);
	}
	if (r == 0)
		r = flush(t, err);
	if (r == 0)
		t->is_sealed = true;
	else if (t->size > size)
		cut(t, size, n_records);
	return r;
}

int txn_commit(struct txn *t, const struct json *state, struct hft_err *err)
{
	int r = seal_once(t, RECORD_COMMITTED, "state", state, err);

	if (r == 0)
		store_prune(t->store, t->number);
	return r;
}

/* The host is as it is, whatever the disk says: a second attempt, and then at least the page cache gets to know. */
static int seal(struct txn *t, enum record_type type, const struct json *objects, struct hft_err *err)
{
	int r = seal_once(t, type, "objects", objects, err);

	if (r < 0 && (t->no_sync || t->no_append))
		r = seal_once(t, type, "objects", objects, err);
	if (r < 0 && !t->is_sealed) {
		lines_start(t);
		add_line_member(t, type, "objects", objects);
		t->is_sealed = append(t, NULL) == 0;
	}
	return r;
}

int txn_abort(struct txn *t, struct hft_err *err)
{
	int r = seal(t, RECORD_ABORTED, NULL, err);

	if (r == 0)
		store_prune(t->store, 0);
	return r;
}

int txn_incomplete(struct txn *t, const struct json *objects, struct hft_err *err)
{
	return seal(t, RECORD_INCOMPLETE, objects, err);
}
