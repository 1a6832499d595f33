/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judging and reading a whole journal in memory. Must not do I/O, and must not look into steps and state. */
#include "rollback/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"
#include "rollback/record.h"

#define SECTOR 512 /* what a disk writes whole: a hole starts or ends at a multiple */

/* How far the records have come. */
enum phase { PHASE_EMPTY, PHASE_STEPS, PHASE_RUNNING, PHASE_UNDOING, PHASE_APPLIED, PHASE_INCOMPLETE, PHASE_SEALED };

#define IN(phase) (1u << (phase))
/* The steps of a phase that failed may be undone, and the others be done and committed (apply --keep). */
#define IN_WORK (IN(PHASE_RUNNING) | IN(PHASE_UNDOING))
/* From where it may be undone; what stayed incomplete is tried again. */
#define IN_UNDO (IN_WORK | IN(PHASE_APPLIED) | IN(PHASE_INCOMPLETE))

struct rule {
	unsigned allowed;     /* the phases that the record may come in */
	enum phase next;      /* the phase that follows */
	bool stays;           /* the phase stays instead */
	bool has_index;       /* and it must be that of a step */
	enum txn_state seals; /* TXN_OPEN: does not */
};

static const struct rule rules[RECORD_UNKNOWN] = {
	[RECORD_HEADER] =     { IN(PHASE_EMPTY),             PHASE_STEPS,      false, false, TXN_OPEN       },
	[RECORD_STEP] =       { IN(PHASE_STEPS),             PHASE_STEPS,      false, true,  TXN_OPEN       },
	[RECORD_PREPARED] =   { IN(PHASE_STEPS),             PHASE_RUNNING,    false, false, TXN_OPEN       },
	[RECORD_START] =      { IN_WORK,                     PHASE_RUNNING,    true,  true,  TXN_OPEN       },
	[RECORD_DONE] =       { IN_WORK,                     PHASE_RUNNING,    true,  true,  TXN_OPEN       },
	[RECORD_APPLIED] =    { IN_WORK | IN(PHASE_APPLIED), PHASE_APPLIED,    false, false, TXN_OPEN       },
	[RECORD_COMMITTED] =  { IN(PHASE_APPLIED),           PHASE_SEALED,     false, false, TXN_COMMITTED  },
	[RECORD_UNDOING] =    { IN_UNDO,                     PHASE_UNDOING,    false, false, TXN_OPEN       },
	[RECORD_UNDONE] =     { IN_UNDO,                     PHASE_UNDOING,    false, true,  TXN_OPEN       },
	[RECORD_ABORTED] =    { IN_UNDO,                     PHASE_SEALED,     false, false, TXN_ABORTED    },
	[RECORD_INCOMPLETE] = { IN_UNDO,                     PHASE_INCOMPLETE, false, false, TXN_INCOMPLETE },
};

struct reader {
	struct journal *j;
	const char *text;
	size_t len;
	enum phase phase;
	struct hft_err *err;
};

/* The line at `at`; *ret_whole says whether a newline ends it. */
static struct journal_line line_at(const char *text, size_t len, size_t at, bool *ret_whole)
{
	const char *newline = memchr(text + at, '\n', len - at);

	*ret_whole = newline != NULL;
	return (struct journal_line){ at, newline != NULL ? (size_t)(newline - text) - at : len - at };
}

__attribute__((format(printf, 2, 3))) static int damaged(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	int n = snprintf(r->j->damage, sizeof(r->j->damage), "line %" PRIu64 ": ", r->j->n_records + 1);
	va_start(ap, fmt);
	vsnprintf(r->j->damage + n, sizeof(r->j->damage) - (size_t)n, fmt, ap);
	va_end(ap);
	r->j->state = TXN_DAMAGED;
	return 0;
}

/* --- the header --------------------------------------------------------------------------------------------------- */

static int copy_member(const struct json *header, const char *key, char **ret)
{
	*ret = strdup(json_get_string(header, key, ""));
	return *ret != NULL ? 0 : -ENOMEM;
}

static int read_header(struct reader *r, struct journal_line line)
{
	CLEANUP(json_freep) struct json *header = NULL;
	struct journal *j = r->j;

	int n = json_parse(r->text + line.at, line.len, JSON_RECORD_MAX, &header, r->err);
	if (n == -ENOMEM)
		return n;
	int64_t format = n == 0 ? json_get_int(header, "format", 0) : 0;
	if (format > STORE_FORMAT)
		return err_raise(r->err, ERR_STATE, ENOTSUP, "format",
		                 "%04" PRId64 ".journal has format %" PRId64 ", and this version reads up to %d", j->txn,
		                 format, STORE_FORMAT);
	const char *uuid = json_get_string(header, "uuid", "");
	if (format < 1 || *uuid == '\0')
		return damaged(r, "no header");
	if (copy_member(header, "kind", &j->kind) < 0 || copy_member(header, "profile", &j->profile) < 0 ||
	    copy_member(header, "started", &j->started) < 0 || copy_member(header, "boot_id", &j->boot_id) < 0 ||
	    copy_member(header, "machine_id", &j->machine_id) < 0 || copy_member(header, "warning", &j->warning) < 0)
		return err_oom(r->err);
	j->seed = record_seed(uuid);
	int64_t txn = json_get_int(header, "txn", 0);
	if (txn != j->txn)
		return damaged(r, "the header is that of transaction %" PRId64, txn);
	return 0;
}

/* --- one record after the other ----------------------------------------------------------------------------------- */

/* What cannot be read is for people only. */
static int read_cause(struct reader *r, struct journal_line line)
{
	CLEANUP(json_freep) struct json *record = NULL;

	int n = json_parse(r->text + line.at, line.len, JSON_RECORD_MAX, &record, r->err);
	if (n == -ENOMEM)
		return n;
	const char *text = n == 0 ? json_get_string(record, "cause", NULL) : NULL;
	if (text == NULL)
		return 0;
	free(r->j->cause);
	r->j->cause = strdup(text);
	return r->j->cause != NULL ? 0 : err_oom(r->err);
}

static void note_line(struct reader *r, const struct record *record, struct journal_line line)
{
	struct journal *j = r->j;

	j->n_steps += record->type == RECORD_STEP;
	j->applied = (j->applied || record->type == RECORD_APPLIED) && record->type != RECORD_UNDOING;
	j->undoing = (j->undoing || record->type == RECORD_UNDOING) && record->type != RECORD_START;
	if (record->type == RECORD_PREPARED || (record->type == RECORD_COMMITTED && record_leads_with(record, "state")))
		j->resulting = line;
	if (record->type == RECORD_INCOMPLETE)
		j->incomplete = line;
	if (record->type == RECORD_ABORTED)
		j->incomplete = (struct journal_line){ 0 };
}

static bool index_fits(const struct journal *j, const struct record *record)
{
	if (record->type == RECORD_STEP)
		return record->index == (int64_t)j->n_steps;
	return record->index >= 0 && (uint64_t)record->index < j->n_steps;
}

static int take_record(struct reader *r, const struct record *record, struct journal_line line)
{
	struct journal *j = r->j;

	if (record->seq != j->n_records)
		return damaged(r, "number %" PRIu64, record->seq);
	if (record->type == RECORD_UNKNOWN && record->critical)
		return err_raise(r->err, ERR_STATE, ENOTSUP, "type",
		                 "%04" PRId64 ".journal line %" PRIu64 " has a type that this version does not know",
		                 j->txn, j->n_records + 1);
	if (record->type == RECORD_UNKNOWN)
		return r->phase == PHASE_EMPTY ? damaged(r, "no header") : 0;

	const struct rule *rule = &rules[record->type];
	if ((rule->allowed & IN(r->phase)) == 0)
		return damaged(r, "out of order");
	if (rule->has_index && !index_fits(j, record))
		return damaged(r, "index");
	note_line(r, record, line);
	r->phase = rule->stays ? r->phase : rule->next;
	j->state = rule->seals;
	if (record->type == RECORD_UNDOING)
		return read_cause(r, line);
	return record->type == RECORD_HEADER ? read_header(r, line) : 0;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/*
 * Zeroes that a lost block would leave: from the start of a line (where an earlier flush ended) or of a sector, to the
 * end of a sector or of the file. JSON has no NUL of its own.
 */
static bool has_hole(const struct reader *r, struct journal_line line)
{
	const char *nul = memchr(r->text + line.at, '\0', line.len);

	if (nul == NULL)
		return false;
	size_t from = (size_t)(nul - r->text), to = from;
	while (to < r->len && r->text[to] == '\0')
		to++;
	return (from == line.at || from % SECTOR == 0) && (to == r->len || to % SECTOR == 0);
}

static bool seal_follows(const struct reader *r, size_t at)
{
	struct record record;

	while (at < r->len) {
		bool whole;
		struct journal_line line = line_at(r->text, r->len, at, &whole);
		if (whole && record_decode(r->text + line.at, line.len, r->j->seed, &record) &&
		    record.type != RECORD_UNKNOWN && rules[record.type].seals != TXN_OPEN)
			return true;
		at = line.at + line.len + 1;
	}
	return false;
}

/* Does a sound record end this line? Then the newline before that record is another character now. */
static bool ends_in_record(const struct reader *r, struct journal_line line)
{
	const char *end = r->text + line.at + line.len, *p = r->text + line.at + (line.len > 0);
	struct record record;

	while ((p = memmem(p, (size_t)(end - p), RECORD_START_TEXT, strlen(RECORD_START_TEXT))) != NULL) {
		if (record_decode(p, (size_t)(end - p), r->j->seed, &record))
			return true;
		p++;
	}
	return false;
}

/* May a crash have left this line, which is not sound? */
static bool is_torn(const struct reader *r, struct journal_line line, bool whole)
{
	struct record record;

	if (r->phase <= PHASE_STEPS || r->phase == PHASE_SEALED)
		return false;
	if (has_hole(r, line))
		return !seal_follows(r, line.at + line.len + 1);
	if (whole && (line.at + line.len + 1 < r->len || ends_in_record(r, line)))
		return false;
	if (r->phase != PHASE_APPLIED)
		return true;
	/* A "Committed" whose newline is another character now was not torn, since what is torn is a prefix. */
	return !whole && (line.len == 0 || !record_decode(r->text + line.at, line.len - 1, r->j->seed, &record));
}

static int read_lines(struct reader *r)
{
	struct journal *j = r->j;

	while (j->clean < r->len) {
		struct record record;
		bool whole;
		struct journal_line line = line_at(r->text, r->len, j->clean, &whole);
		if (!whole || !record_decode(r->text + line.at, line.len, j->seed, &record))
			return is_torn(r, line, whole) ? 0 : damaged(r, whole ? "checksum" : "cut off");
		int n = take_record(r, &record, line);
		if (n < 0 || j->state == TXN_DAMAGED)
			return n;
		j->n_records++;
		j->clean += line.len + 1;
	}
	return r->phase > PHASE_STEPS ? 0 : damaged(r, "missing");
}

int journal_decode(int64_t txn, const char *text, size_t len, struct journal *ret, struct hft_err *err)
{
	struct journal j = { .txn = txn, .state = TXN_OPEN };
	struct reader r = { &j, text, len, PHASE_EMPTY, err };

	int n = read_lines(&r);
	if (n < 0) {
		journal_done(&j);
		return n;
	}
	*ret = j;
	return 0;
}

void journal_done(struct journal *j)
{
	free(j->kind);
	free(j->profile);
	free(j->started);
	free(j->boot_id);
	free(j->machine_id);
	free(j->warning);
	free(j->cause);
	*j = (struct journal){ 0 };
}

/* --- what the lines hold ------------------------------------------------------------------------------------------ */

static int parse_line(const struct journal *j, const char *text, struct journal_line line, struct json **ret,
                      struct hft_err *err)
{
	int r = json_parse(text + line.at, line.len, JSON_RECORD_MAX, ret, err);

	if (r == 0 || r == -ENOMEM)
		return r;
	return err_raise(err, ERR_STATE, EBADMSG, "record", "%04" PRId64 ".journal holds a line that is not JSON",
	                 j->txn);
}

/* One member of a line, or *ret untouched when it has none. */
static int parse_member(const struct journal *j, const char *text, struct journal_line line, const char *key,
                        struct json **ret, struct hft_err *err)
{
	CLEANUP(json_freep) struct json *record = NULL;

	int r = parse_line(j, text, line, &record, err);
	if (r < 0)
		return r;
	struct json *member = json_detach(record, key);
	if (member != NULL)
		*ret = member;
	return 0;
}

static int need_member(const struct journal *j, const char *text, struct journal_line line, const char *key,
                       struct json **ret, struct hft_err *err)
{
	struct json *member = NULL;

	int r = parse_member(j, text, line, key, &member, err);
	if (r < 0)
		return r;
	if (member == NULL)
		return err_raise(err, ERR_STATE, EBADMSG, key, "%04" PRId64 ".journal holds a line without \"%s\"",
		                 j->txn, key);
	*ret = member;
	return 0;
}

int journal_state(const struct journal *j, const char *text, struct json **ret, struct hft_err *err)
{
	return need_member(j, text, j->resulting, "state", ret, err);
}

int journal_incomplete(const struct journal *j, const char *text, struct json **ret, struct hft_err *err)
{
	if (j->incomplete.len == 0)
		return err_raise(err, ERR_INVALID_ARGUMENT, ENODATA, "transaction",
		                 "transaction %" PRId64 " is not incomplete", j->txn);
	return need_member(j, text, j->incomplete, "objects", ret, err);
}

/* What the records say of one step. */
struct progress {
	struct json *record, *extra; /* owned */
	bool started, done, undone;
};

static void free_progress(struct progress *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_free(p[i].record);
		json_free(p[i].extra);
	}
	free(p);
}

static int note_progress(const struct journal *j, const char *text, struct journal_line line,
                         const struct record *record, struct progress *steps, struct hft_err *err)
{
	if (record->type == RECORD_UNKNOWN || !rules[record->type].has_index)
		return 0;

	struct progress *p = &steps[record->index];
	if (record->type == RECORD_STEP)
		return need_member(j, text, line, "record", &p->record, err);
	p->started = true;
	p->done = record->type == RECORD_DONE || (p->done && record->type == RECORD_UNDONE);
	p->undone = record->type == RECORD_UNDONE;
	if (record->type != RECORD_DONE)
		return 0;
	json_freep(&p->extra);
	return parse_member(j, text, line, "extra", &p->extra, err);
}

static int collect_progress(const struct journal *j, const char *text, struct progress *steps, struct hft_err *err)
{
	struct record record;
	uint32_t seed = 0;

	for (size_t at = 0; at < j->clean;) {
		bool whole;
		struct journal_line line = line_at(text, j->clean, at, &whole);
		if (!record_decode(text + line.at, line.len, seed, &record))
			return err_raise(err, ERR_STATE, EBADMSG, "record", "%04" PRId64 ".journal changed meanwhile",
			                 j->txn);
		int r = note_progress(j, text, line, &record, steps, err);
		if (r < 0)
			return r;
		seed = j->seed; /* of all but the header */
		at = line.at + line.len + 1;
	}
	return 0;
}

static int build_step(struct progress *p, struct json *array)
{
	struct json *step = json_new_object();

	int r = json_set_take(step, "record", TAKE_PTR(p->record)) | json_set_bool(step, "started", p->started) |
	        json_set_bool(step, "done", p->done) | json_set_bool(step, "undone", p->undone);
	if (p->extra != NULL)
		r |= json_set_take(step, "extra", TAKE_PTR(p->extra));
	return json_add_take(array, step) | r;
}

int journal_steps(const struct journal *j, const char *text, struct json **ret, struct hft_err *err)
{
	CLEANUP(json_freep) struct json *array = json_new_array();
	struct progress *steps = calloc(j->n_steps + 1, sizeof(*steps));

	int r = steps != NULL && array != NULL ? collect_progress(j, text, steps, err) : err_oom(err);
	for (size_t i = 0; i < j->n_steps && r == 0; i++)
		if (build_step(&steps[i], array) < 0)
			r = err_oom(err);
	if (steps != NULL)
		free_progress(steps, j->n_steps);
	if (r == 0)
		*ret = TAKE_PTR(array);
	return r;
}
