/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of kernel parameters: from a profile's text to the one form that is written and compared. Writes nothing. */
#include <errno.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/boot.h"
#include "daemon/knobs/meminfo.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

#define RESERVE_KIB ((uint64_t)1024 * 1024) /* what huge pages leave, at least: 1 GiB, or a tenth (threats.md, I12) */

static int raise_form(const struct boot_row *row, const char *value, struct hft_err *err)
{
	int r = err_raise(err, ERR_INVALID_PROFILE, EINVAL, row->option, "%s cannot be '%s'", row->option, value);

	err_values(err, row->bounds, value);
	return r;
}

static int raise_bounds(const struct boot_row *row, const char *value, const char *why, struct hft_err *err)
{
	int r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, row->option, "%s %s", row->option, why);

	err_values(err, row->bounds, value);
	return r;
}

bool boot_is_one_of(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; p != NULL; p = strchr(p, '|') != NULL ? strchr(p, '|') + 1 : NULL)
		if (strcspn(p, "|") == len && strncmp(p, word, len) == 0)
			return true;
	return false;
}

/* --- CPUs --------------------------------------------------------------------------------------------------------- */

static int parse_cpus(const struct knob_ctx *c, const struct boot_row *row, const char *list, struct strbuf *ret,
                      struct hft_err *err)
{
	struct cpuset cpus;

	int r = cpuset_parse(list, &cpus, NULL);
	if (r == -ERANGE)
		return raise_bounds(row, list, "names CPUs beyond all bounds", err);
	if (r < 0 || cpuset_is_empty(&cpus))
		return raise_form(row, list, err);
	if (c != NULL && !cpuset_is_subset(&cpus, &c->host->present))
		return raise_bounds(row, list, "names CPUs that are not present", err);
	cpuset_format(&cpus, ret);
	return 0;
}

/* Flags in any order, then the list: "managed_irq,domain,2-3". */
static int parse_isolcpus(const struct knob_ctx *c, const struct boot_row *row, const char *value, struct strbuf *ret,
                          struct hft_err *err)
{
	static const char *const flags[] = { "managed_irq", "domain", "nohz" };

	for (size_t i = 0; i < ARRAY_LEN(flags);) {
		size_t n = strlen(flags[i]);
		if (strncmp(value, flags[i], n) != 0 || value[n] != ',') {
			i++;
			continue;
		}
		strbuf_addf(ret, "%s,", flags[i]);
		value += n + 1;
		i = 0;
	}
	return parse_cpus(c, row, value, ret, err);
}

void boot_value_cpus(const struct boot_row *row, const char *value, struct cpuset *ret)
{
	cpuset_zero(ret);
	if (row->form == BOOT_ISOLCPUS)
		value += strcspn(value, "0123456789");
	if (row->form == BOOT_ISOLCPUS || row->form == BOOT_CPUS)
		cpuset_parse(value, ret, NULL);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static int parse_words(const struct boot_row *row, const char *value, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };
	CLEANUP(strlist_done) struct strlist given = { 0 };

	if (strlist_split(&words, row->words, "|") < 0 || strlist_split(&given, value, ",") < 0)
		return err_oom(err);
	for (size_t i = 0; i < given.n; i++)
		if (!strlist_has(&words, given.s[i]))
			return raise_form(row, value, err);
	for (size_t i = 0; i < words.n; i++)
		if (strlist_has(&given, words.s[i]))
			strbuf_addf(ret, "%s%s", ret->len > 0 ? "," : "", words.s[i]);
	return ret->len > 0 ? 0 : raise_form(row, value, err);
}

/* --- pages -------------------------------------------------------------------------------------------------------- */

bool boot_next_pages(const char **p, int *ret_node, uint64_t *ret_pages)
{
	char part[48], *colon;
	size_t n = strcspn(*p, ",");
	int64_t node = -1;

	if (n == 0 || n >= sizeof(part))
		return false;
	*(char *)mempcpy(part, *p, n) = '\0';
	colon = strchr(part, ':');
	if (colon != NULL)
		*colon = '\0';
	if (colon != NULL && num_parse_range(part, 0, 1023, &node) < 0)
		return false;
	if (num_parse_u64(colon != NULL ? colon + 1 : part, ret_pages) < 0)
		return false;
	*ret_node = (int)node;
	*p += n + ((*p)[n] == ',' && (*p)[n + 1] != '\0');
	return true;
}

static int check_memory(const struct knob_ctx *c, const struct boot_row *row, const char *value, int node,
                        uint64_t pages, struct hft_err *err)
{
	uint64_t total;

	if (c == NULL)
		return 0;
	int r = meminfo_total(c, node, &total, err);
	if (r < 0)
		return r == -ENOENT ? raise_bounds(row, value, "names a NUMA node that is not there", err) : r;
	uint64_t reserve = total / 10 > RESERVE_KIB || node >= 0 ? total / 10 : RESERVE_KIB;
	if (total == 0 || (reserve < total && pages <= (total - reserve) / (uint64_t)row->min))
		return 0;
	return raise_bounds(row, value, "would leave too little memory for everything else", err);
}

/* "16", or "0:8,1:8" with rising nodes. */
static int parse_pages(const struct knob_ctx *c, const struct boot_row *row, const char *value, struct strbuf *ret,
                       struct hft_err *err)
{
	const char *p = value;
	int node, last = -2;
	uint64_t pages, sum = 0;

	while (boot_next_pages(&p, &node, &pages)) {
		if (node <= last || last == -1)
			return raise_form(row, value, err);
		int r = check_memory(c, row, value, node, pages, err);
		if (r < 0)
			return r;
		last = node;
		sum += pages;
	}
	if (*p != '\0' || last == -2)
		return raise_form(row, value, err);
	strbuf_add(ret, value);
	return check_memory(c, row, value, -1, sum, err);
}

/* --- any ---------------------------------------------------------------------------------------------------------- */

static int parse_int(const struct boot_row *row, const char *value, struct hft_err *err)
{
	int64_t number;

	int r = num_parse_range(value, row->min, row->max, &number);
	return r == -ERANGE ? raise_bounds(row, value, "is out of bounds", err) : r < 0 ? raise_form(row, value, err) : 0;
}

int boot_value_parse(const struct knob_ctx *c, const struct boot_row *row, const char *value, struct strbuf *ret,
                     struct hft_err *err)
{
	int r = 0;

	strbuf_reset(ret);
	switch (row->form) {
	case BOOT_FLAG:
		r = strcmp(value, "yes") == 0 ? 0 : raise_form(row, value, err);
		break;
	case BOOT_INT:
		r = parse_int(row, value, err);
		break;
	case BOOT_WORD:
		r = boot_is_one_of(row->words, value) ? 0 : raise_form(row, value, err);
		break;
	case BOOT_WORDS:
		return parse_words(row, value, ret, err);
	case BOOT_CPUS:
		return parse_cpus(c, row, value, ret, err);
	case BOOT_ISOLCPUS:
		return parse_isolcpus(c, row, value, ret, err);
	case BOOT_PAGES:
		return parse_pages(c, row, value, ret, err);
	}
	if (r == 0)
		strbuf_add(ret, value);
	return r;
}
