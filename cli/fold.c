/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys that differ in one number, folded. Must not know what the keys name. */
#include "cli/fold.h"

#include <ctype.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/num.h"

void fold_done(struct fold *f)
{
	strbuf_done(&f->ranges);
	*f = (struct fold){ 0 };
}

void fold_begin(struct fold *f, const char *key)
{
	fold_done(f);
	f->first = key;
	f->n = 1;
}

/* The number at s, as people write it: no leading zero (a PCI address is no number). */
static bool number_at(const char *s, uint64_t *ret, const char **ret_tail)
{
	size_t len = strspn(s, "0123456789");
	CLEANUP(mem_freep) char *digits = str_dup_n(s, len);

	*ret_tail = s + len;
	return digits != NULL && num_parse_u64(digits, ret) == 0;
}

/* Where the number begins in which two keys differ first. */
static size_t difference(const char *a, const char *b)
{
	size_t i = 0;

	while (a[i] != '\0' && a[i] == b[i])
		i++;
	while (i > 0 && isdigit((unsigned char)a[i - 1]))
		i--;
	return i;
}

static bool begin_range(struct fold *f, const char *key)
{
	size_t at = difference(f->first, key);

	if (!number_at(f->first + at, &f->from, &f->tail))
		return false;
	f->at = at;
	f->last = f->from;
	return true;
}

static void close_range(struct fold *f)
{
	if (f->from == f->last)
		strbuf_addf(&f->ranges, "%llu,", (unsigned long long)f->from);
	else
		strbuf_addf(&f->ranges, "%llu-%llu,", (unsigned long long)f->from, (unsigned long long)f->last);
}

bool fold_add(struct fold *f, const char *key)
{
	uint64_t number;
	const char *tail;

	if (f->n == 1 && !begin_range(f, key))
		return false;
	if (strncmp(f->first, key, f->at) != 0 || !number_at(key + f->at, &number, &tail) || number <= f->last ||
	    strcmp(tail, f->tail) != 0)
		return false;
	if (number != f->last + 1) {
		close_range(f);
		f->from = number;
	}
	f->last = number;
	f->n++;
	return true;
}

void fold_format(struct fold *f, struct strbuf *ret)
{
	if (f->n < 2) {
		strbuf_add(ret, f->first);
		return;
	}
	close_range(f);
	strbuf_addn(ret, f->first, f->at);
	strbuf_addf(ret, "{%.*s}%s", (int)f->ranges.len - 1, strbuf_str(&f->ranges), f->tail);
}
