/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a journal in memory. Must not read or write files, nor judge the order of lines. */
#include "rollback/record.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/str.h"
#include "rollback/crc32c.h"

#define CRC_AT (sizeof(RECORD_START_TEXT) - 1)
#define CRC_DIGITS 8
#define COVERED_AT (CRC_AT + CRC_DIGITS + 2) /* behind the quote and the comma */

static const char *const type_names[RECORD_UNKNOWN] = {
	[RECORD_HEADER] = "Header",       [RECORD_STEP] = "Step",       [RECORD_PREPARED] = "Prepared",
	[RECORD_START] = "start",         [RECORD_DONE] = "done",       [RECORD_APPLIED] = "Applied",
	[RECORD_COMMITTED] = "Committed", [RECORD_UNDOING] = "undoing", [RECORD_UNDONE] = "undone",
	[RECORD_ABORTED] = "Aborted",     [RECORD_INCOMPLETE] = "Incomplete",
};

size_t record_open(struct strbuf *b, uint64_t seq, enum record_type type)
{
	size_t at = b->len;

	strbuf_addf(b, RECORD_START_TEXT "00000000\",\"seq\":%" PRIu64 ",\"type\":\"%s\"", seq, type_names[type]);
	return at;
}

void record_close(struct strbuf *b, size_t at, uint32_t seed)
{
	static const char digits[] = "0123456789abcdef";

	strbuf_addc(b, '}');
	if (b->oom)
		return;
	uint32_t crc = crc32c(seed, b->s + at + COVERED_AT, b->len - at - COVERED_AT);
	for (size_t i = CRC_DIGITS; i-- > 0; crc >>= 4)
		b->s[at + CRC_AT + i] = digits[crc & 0xf];
	strbuf_addc(b, '\n');
}

uint32_t record_seed(const char *uuid)
{
	return crc32c(0, uuid, strlen(uuid));
}

/* --- taking apart ------------------------------------------------------------------------------------------------- */

struct cursor {
	const char *p, *end;
};

static bool take_text(struct cursor *c, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, text, n) != 0)
		return false;
	c->p += n;
	return true;
}

/* Lower case alone: the case of a digit is a bit that could flip unseen. */
static bool take_crc(struct cursor *c, uint32_t *ret)
{
	uint32_t crc = 0;

	if (c->end - c->p < CRC_DIGITS)
		return false;
	for (int i = 0; i < CRC_DIGITS; i++, c->p++) {
		if (*c->p >= '0' && *c->p <= '9')
			crc = crc << 4 | (uint32_t)(*c->p - '0');
		else if (*c->p >= 'a' && *c->p <= 'f')
			crc = crc << 4 | (uint32_t)(*c->p - 'a' + 10);
		else
			return false;
	}
	*ret = crc;
	return true;
}

/* A number without sign or leading zero, at most 18 digits, so that it fits. */
static bool take_number(struct cursor *c, uint64_t *ret)
{
	const char *from = c->p;
	uint64_t value = 0;

	for (; c->p < c->end && c->p - from < 18 && *c->p >= '0' && *c->p <= '9'; c->p++)
		value = value * 10 + (uint64_t)(*c->p - '0');
	if (c->p == from || (*from == '0' && c->p - from > 1))
		return false;
	*ret = value;
	return true;
}

static bool take_type(struct cursor *c, enum record_type *ret, bool *ret_critical)
{
	const char *name = c->p;

	while (c->p < c->end && ((*c->p >= 'a' && *c->p <= 'z') || (*c->p >= 'A' && *c->p <= 'Z')))
		c->p++;
	size_t n = (size_t)(c->p - name);
	if (n == 0)
		return false;
	*ret_critical = *name <= 'Z';
	for (*ret = RECORD_HEADER; *ret < RECORD_UNKNOWN; (*ret)++)
		if (strlen(type_names[*ret]) == n && memcmp(type_names[*ret], name, n) == 0)
			break;
	return true;
}

static int64_t leading_index(const struct record *r)
{
	struct cursor c = { r->members, r->members + r->members_len };
	uint64_t index;

	if (!take_text(&c, ",\"index\":") || !take_number(&c, &index) || (c.p < c.end && *c.p != ','))
		return -1;
	return (int64_t)index;
}

bool record_decode(const char *line, size_t len, uint32_t seed, struct record *ret)
{
	struct cursor c = { line, line + len };
	struct record r = { 0 };
	uint32_t crc;

	if (!take_text(&c, RECORD_START_TEXT) || !take_crc(&c, &crc) || !take_text(&c, "\","))
		return false;
	if (crc32c(seed, c.p, (size_t)(c.end - c.p)) != crc)
		return false;
	if (!take_text(&c, "\"seq\":") || !take_number(&c, &r.seq) || !take_text(&c, ",\"type\":\"") ||
	    !take_type(&c, &r.type, &r.critical) || !take_text(&c, "\""))
		return false;
	if (c.p == c.end || c.end[-1] != '}' || (*c.p != ',' && c.end - c.p > 1))
		return false;
	r.members = c.p;
	r.members_len = (size_t)(c.end - 1 - c.p);
	r.index = leading_index(&r);
	*ret = r;
	return true;
}

bool record_leads_with(const struct record *r, const char *key)
{
	struct cursor c = { r->members, r->members + r->members_len };

	return take_text(&c, ",\"") && take_text(&c, key) && take_text(&c, "\":");
}
