/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The forms a kernel file can have: how a profile says its value, how the file shows it, what the file takes, and what
 * the kernel would show afterwards (for copied trees, where nothing but this code stands in for it). Must know no row.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/cpukey.h"
#include "daemon/knobs/debugfs.h"
#include "daemon/knobs/row.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define BLANKS " \t\n"
#define NAME_MAX_LEN 31 /* clocksource: CS_NAME_LEN is 32; qdisc and congestion control: 16 */
#define TICKS_MS 20

struct form {
	/* Text of a profile to canonical text. */
	int (*parse)(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
	             struct strbuf *ret, struct hft_err *err);
	/* What the file shows to canonical text: 0 or -EINVAL. */
	int (*of_text)(const struct row *row, const char *text, struct strbuf *ret);
	/* Canonical text to what the file takes; NULL: as it is. */
	int (*to_text)(const struct knob_ctx *c, const char *value, struct strbuf *ret);
	/* What the file shows after a write, given what it showed before; NULL: what it takes. */
	void (*shown)(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
	              struct strbuf *ret);
};

/* --- errors ------------------------------------------------------------------------------------------------------- */

static int raise_form(const struct row *row, const char *value, struct hft_err *err)
{
	int r = err_raise(err, ERR_INVALID_PROFILE, EINVAL, row->option, "%s cannot be '%s'", row->option, value);

	err_values(err, row->bounds, value);
	return r;
}

static int raise_bounds(const struct row *row, const char *value, struct hft_err *err)
{
	int r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, row->option, "%s is %s, and cannot be '%s'", row->option,
	                  row->bounds, value);

	err_values(err, row->bounds, value);
	return r;
}

static int raise_not_offered(const struct row *row, const char *offered, const char *value, struct hft_err *err)
{
	int r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, row->option, "%s: this kernel offers %s, not '%s'",
	                  row->option, offered, value);

	err_values(err, offered, value);
	return r;
}

/* --- words in texts ----------------------------------------------------------------------------------------------- */

/* Is `word` one of the words of text, set apart by any of seps? */
static bool has_word(const char *text, const char *seps, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text + strspn(text, seps); *p != '\0'; p += strspn(p, seps)) {
		size_t n = strcspn(p, seps);
		if (n == len && memcmp(p, word, n) == 0)
			return len > 0;
		p += n;
	}
	return false;
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static bool is_power_of_two(int64_t v)
{
	return v >= 0 && (v & (v - 1)) == 0;
}

/* The rule on a number by itself. */
static bool number_fits(const struct row *row, int64_t v)
{
	if (row->rule == ROW_OR_ZERO && v == 0)
		return true;
	if (v < row->min || v > row->max)
		return false;
	if (row->rule == ROW_POW2)
		return is_power_of_two(v);
	if (row->rule == ROW_TICKS_MS)
		return v % TICKS_MS == 0;
	return row->rule != ROW_MULTIPLE || v % row->step == 0;
}

/* The rule on a number after the one before it in a vector. */
static bool follows(const struct row *row, int64_t before, int64_t v)
{
	if (row->rule == ROW_RISING)
		return v > before;
	return row->rule != ROW_ASCENDING || v >= before;
}

/* One number of a profile: strict. `whole` is the value that the error speaks of. */
static int parse_number(const struct row *row, const char *text, const char *whole, int64_t *ret, struct hft_err *err)
{
	int r = num_parse_i64(text, ret);

	if (r == -EINVAL)
		return raise_form(row, whole, err);
	return r < 0 || !number_fits(row, *ret) ? raise_bounds(row, whole, err) : 0;
}

static int parse_int(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                     struct strbuf *ret, struct hft_err *err)
{
	int64_t v;

	(void)c;
	(void)path;
	int r = parse_number(row, value, value, &v, err);
	if (r == 0)
		strbuf_add(ret, value);
	return r;
}

static int int_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	int64_t v;

	(void)row;
	if (num_parse_i64(text, &v) < 0)
		return -EINVAL;
	strbuf_add(ret, text);
	return 0;
}

static int parse_ints(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                      struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist parts = {0};
	int64_t v = 0, before;

	(void)c;
	(void)path;
	if (strlist_split(&parts, value, BLANKS) < 0)
		return err_oom(err);
	if (parts.n != (size_t)row->n)
		return raise_form(row, value, err);
	for (size_t i = 0; i < parts.n; i++) {
		before = v;
		int r = parse_number(row, parts.s[i], value, &v, err);
		if (r < 0)
			return r;
		if (i > 0 && !follows(row, before, v))
			return raise_bounds(row, value, err);
		strbuf_addf(ret, "%s%s", i > 0 ? " " : "", parts.s[i]);
	}
	return 0;
}

static int ints_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	CLEANUP(strlist_done) struct strlist parts = {0};
	int64_t v;

	if (strlist_split(&parts, text, BLANKS) < 0)
		return -ENOMEM;
	if (parts.n != (size_t)row->n)
		return -EINVAL;
	for (size_t i = 0; i < parts.n; i++) {
		if (num_parse_i64(parts.s[i], &v) < 0)
			return -EINVAL;
		strbuf_addf(ret, "%s%s", i > 0 ? " " : "", parts.s[i]);
	}
	return 0;
}

/* The kernel sets the numbers of a vector apart with tabs (proc_dointvec). */
static void ints_shown(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
                       struct strbuf *ret)
{
	(void)c;
	(void)row;
	(void)before;
	for (const char *p = value; *p != '\0'; p++)
		strbuf_addc(ret, *p == ' ' ? '\t' : *p);
}

static int parse_hex(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                     struct strbuf *ret, struct hft_err *err)
{
	uint64_t v;

	(void)c;
	(void)path;
	int r = str_starts(value, "0x") ? num_parse_hex(value, &v) : -EINVAL;
	if (r == -EINVAL)
		return raise_form(row, value, err);
	if (r < 0 || v < (uint64_t)row->min || v > (uint64_t)row->max)
		return raise_bounds(row, value, err);
	strbuf_addf(ret, "0x%llx", (unsigned long long)v);
	return 0;
}

static int hex_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	uint64_t v;

	(void)row;
	if (num_parse_hex(text, &v) < 0)
		return -EINVAL;
	strbuf_addf(ret, "0x%llx", (unsigned long long)v);
	return 0;
}

/* As many digits as before: "0x0007". */
static void hex_shown(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
                      struct strbuf *ret)
{
	uint64_t v = 0;
	size_t digits = str_starts(before, "0x") ? strlen(before) - 2 : 1;

	(void)c;
	(void)row;
	num_parse_hex(value, &v);
	strbuf_addf(ret, "0x%0*llx", (int)digits, (unsigned long long)v);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static int parse_word(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                      struct strbuf *ret, struct hft_err *err)
{
	(void)c;
	(void)path;
	if (!has_word(row->words, "|", value))
		return raise_form(row, value, err);
	strbuf_add(ret, value);
	return 0;
}

/* Without decoration: "default (cache)" is "default". But "write back" is one of the words. */
static int word_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	size_t len = has_word(row->words, "|", text) ? strlen(text) : strcspn(text, BLANKS);

	strbuf_addn(ret, text, len);
	return len > 0 ? 0 : -EINVAL;
}

/* The words that a selection offers, without its brackets (Z3) or parentheses (Z4, sched/preempt). */
static void strip_brackets(const char *text, struct strbuf *ret)
{
	for (const char *p = text; *p != '\0'; p++)
		if (!strchr("[]()", *p))
			strbuf_addc(ret, *p);
}

static int parse_select(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                        struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0}, offered = {0};
	int r = parse_word(c, row, path, value, ret, err);

	if (r < 0 || !path || fsio_probe(c->fs, path, &text) < 0)
		return r;
	strbuf_trim(&text);
	strip_brackets(strbuf_str(&text), &offered);
	return has_word(strbuf_str(&offered), BLANKS, value) ? 0 :
	       raise_not_offered(row, strbuf_str(&offered), value, err);
}

static int select_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	const char *open = strpbrk(text, "[(");

	(void)row;
	if (!open)
		return -EINVAL;
	size_t len = strcspn(open + 1, "])");
	if (len == 0 || open[1 + len] == '\0')
		return -EINVAL;
	strbuf_addn(ret, open + 1, len);
	return 0;
}

/* The same words, the brackets around another one. */
static void select_shown(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
                         struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf offered = {0};
	bool round = strchr(before, '(') != NULL;

	(void)c;
	(void)row;
	strip_brackets(before, &offered);
	for (const char *p = strbuf_str(&offered); *p != '\0';) {
		size_t blank = strspn(p, BLANKS), n = strcspn(p + blank, BLANKS);
		bool chosen = n > 0 && n == strlen(value) && memcmp(p + blank, value, n) == 0;

		strbuf_addn(ret, p, blank);
		strbuf_add(ret, !chosen ? "" : round ? "(" : "[");
		strbuf_addn(ret, p + blank, n);
		strbuf_add(ret, !chosen ? "" : round ? ")" : "]");
		p += blank + n;
	}
}

static bool is_name(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");

	return n > 0 && n <= NAME_MAX_LEN && s[n] == '\0';
}

/* Is the name on the list of this kernel? A list that cannot be read lists everything. */
static int check_offer(const struct knob_ctx *c, const struct row *row, const char *name, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};

	if (!row->offers || fsio_probe(c->fs, row->offers, &text) < 0)
		return 0;
	strbuf_trim(&text);
	return has_word(strbuf_str(&text), BLANKS, name) ? 0 : raise_not_offered(row, strbuf_str(&text), name, err);
}

static int parse_name(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                      struct strbuf *ret, struct hft_err *err)
{
	if (!is_name(value))
		return raise_form(row, value, err);
	strbuf_add(ret, value);
	return path ? check_offer(c, row, value, err) : 0;
}

static int name_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	(void)row;
	if (!is_name(text))
		return -EINVAL;
	strbuf_add(ret, text);
	return 0;
}

static void add_sorted(struct strlist *names, struct strbuf *ret)
{
	strlist_sort(names);
	for (size_t i = 0; i < names->n; i++)
		if (i == 0 || !str_eq(names->s[i - 1], names->s[i]))
			strbuf_addf(ret, "%s%s", ret->len > 0 ? " " : "", names->s[i]);
}

static int parse_names(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                       struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};

	if (strlist_split(&names, value, BLANKS) < 0)
		return err_oom(err);
	if (names.n == 0)
		return raise_form(row, value, err);
	for (size_t i = 0; i < names.n; i++) {
		if (!is_name(names.s[i]))
			return raise_form(row, value, err);
		int r = path ? check_offer(c, row, names.s[i], err) : 0;
		if (r < 0)
			return r;
	}
	add_sorted(&names, ret);
	return 0;
}

static int names_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	CLEANUP(strlist_done) struct strlist names = {0};

	(void)row;
	if (strlist_split(&names, text, BLANKS) < 0)
		return -ENOMEM;
	add_sorted(&names, ret);
	return 0;
}

/* In the kernel's own order, which is that of its list. */
static void names_shown(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
                        struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	CLEANUP(strlist_done) struct strlist order = {0};

	(void)before;
	if (!row->offers || fsio_probe(c->fs, row->offers, &text) < 0 ||
	    strlist_split(&order, strbuf_str(&text), BLANKS) < 0) {
		strbuf_add(ret, value);
		return;
	}
	for (size_t i = 0; i < order.n; i++)
		if (has_word(value, BLANKS, order.s[i]))
			strbuf_addf(ret, "%s%s", ret->len > 0 ? " " : "", order.s[i]);
}

static const struct {
	const char *text;
	char canonical;
} truths[] = {
	{ "1", '1' }, { "Y", '1' }, { "y", '1' }, { "true", '1' },
	{ "0", '0' }, { "N", '0' }, { "n", '0' }, { "false", '0' },
};

static int yn_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	(void)row;
	for (size_t i = 0; i < ARRAY_LEN(truths); i++) {
		if (str_eq(truths[i].text, text)) {
			strbuf_addc(ret, truths[i].canonical);
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_yn(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                    struct strbuf *ret, struct hft_err *err)
{
	(void)c;
	(void)path;
	return yn_of_text(row, value, ret) < 0 ? raise_form(row, value, err) : 0;
}

static void yn_shown(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
                     struct strbuf *ret)
{
	bool on = value[0] == '1';

	(void)c;
	(void)row;
	if (before[0] == 'Y' || before[0] == 'N')
		strbuf_add(ret, on ? "Y" : "N");
	else if (before[0] == 't' || before[0] == 'f')
		strbuf_add(ret, on ? "true" : "false");
	else
		strbuf_add(ret, value);
}

/* --- CPUs --------------------------------------------------------------------------------------------------------- */

static int parse_cpus(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                      struct strbuf *ret, struct hft_err *err)
{
	struct cpuset set;
	int r = cpuset_parse(value, &set, NULL);

	if (r == -EINVAL || (r == 0 && cpuset_is_empty(&set)))
		return raise_form(row, value, err);
	if (r < 0 || (path && !cpuset_is_subset(&set, &c->host->present))) {
		CLEANUP(strbuf_done) struct strbuf present = {0};
		cpuset_format(&c->host->present, &present);
		r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, row->option, "%s: not all of CPUs %s are present",
		              row->option, value);
		err_values(err, strbuf_str(&present), value);
		return r;
	}
	cpuset_format(&set, ret);
	return 0;
}

static int cpulist_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	struct cpuset set;

	(void)row;
	if (cpuset_parse_kernel(text, &set, NULL) < 0)
		return -EINVAL;
	cpuset_format(&set, ret);
	return 0;
}

static int cpumask_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	struct cpuset set;

	(void)row;
	if (cpuset_parse_mask(text, &set, NULL) < 0)
		return -EINVAL;
	cpuset_format(&set, ret);
	return 0;
}

/* The kernel refuses a mask with bits beyond its own (EOVERFLOW), so it is no wider than `possible`. */
static int cpumask_to_text(const struct knob_ctx *c, const char *value, struct strbuf *ret)
{
	struct cpuset set;
	unsigned n = 1;

	if (cpuset_parse(value, &set, NULL) < 0)
		return -EINVAL;
	for (int cpu = cpuset_next(&c->host->possible, 0); cpu >= 0;
	     cpu = cpuset_next(&c->host->possible, (unsigned)cpu + 1))
		n = (unsigned)cpu + 1;
	cpuset_format_mask(&set, n, ret);
	return 0;
}

/* As many digits as before: the kernel shows as many as the machine can have CPUs ("%*pb"). */
static void cpumask_shown(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
                          struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf wide = {0};
	struct cpuset set;
	size_t len = strlen(before);

	(void)c;
	(void)row;
	cpuset_zero(&set);
	cpuset_parse(value, &set, NULL);
	cpuset_format_mask(&set, CPUSET_MAX, &wide);
	strbuf_add(ret, strbuf_str(&wide) + (len < wide.len ? wide.len - len : 0));
}

/* --- the table of forms ------------------------------------------------------------------------------------------- */

static const struct form forms[] = {
	[ROW_INT]     = { parse_int,    int_of_text,     NULL,            NULL          },
	[ROW_INTS]    = { parse_ints,   ints_of_text,    NULL,            ints_shown    },
	[ROW_WORD]    = { parse_word,   word_of_text,    NULL,            NULL          },
	[ROW_SELECT]  = { parse_select, select_of_text,  NULL,            select_shown  },
	[ROW_NAME]    = { parse_name,   name_of_text,    NULL,            NULL          },
	[ROW_NAMES]   = { parse_names,  names_of_text,   NULL,            names_shown   },
	[ROW_CPULIST] = { parse_cpus,   cpulist_of_text, NULL,            NULL          },
	[ROW_CPUMASK] = { parse_cpus,   cpumask_of_text, cpumask_to_text, cpumask_shown },
	[ROW_YN]      = { parse_yn,     yn_of_text,      NULL,            yn_shown      },
	[ROW_HEX]     = { parse_hex,    hex_of_text,     NULL,            hex_shown     },
};

int row_value_parse(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                    struct strbuf *ret, struct hft_err *err)
{
	strbuf_reset(ret);
	int r = forms[row->form].parse(c, row, path, value, ret, err);
	return r == 0 && ret->oom ? err_oom(err) : r;
}

int row_value_of_text(const struct row *row, const char *text, struct strbuf *ret, struct hft_err *err)
{
	strbuf_reset(ret);
	int r = forms[row->form].of_text(row, text, ret);
	if (r == -ENOMEM || ret->oom)
		return err_oom(err);
	return r < 0 ? err_raise(err, ERR_IO, EIO, row->option, "the kernel says '%s', which makes no sense", text) : 0;
}

/* A file can be there and say ENOENT to a name it does not know (net.core.default_qdisc); those of debugfs do not, but
 * can be there and locked. */
static int write_text(const struct knob_ctx *c, const char *path, const char *text, struct hft_err *err)
{
	int r = cpukey_write(c, path, text, err);

	if (r != -ENOENT || debugfs_has(path) || !fsio_exists(c->fs, path))
		return r;
	r = err_raise(err, ERR_WRITE_FAILED, EINVAL, path, "this kernel does not know '%s'", text);
	err_values(err, text, NULL);
	return r;
}

int row_value_read(const struct knob_ctx *c, const struct row *row, const char *path, struct strbuf *ret,
                   struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	int r = cpukey_read(c, path, &text, err);

	return r < 0 ? r : row_value_of_text(row, strbuf_str(&text), ret, err);
}

/* What the file would show is what it holds from now on. */
static int write_copied(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                        struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf before = {0}, after = {0};
	const struct form *f = &forms[row->form];

	if (!f->shown || fsio_probe(c->fs, path, &before) < 0) /* the write says why */
		return write_text(c, path, value, err);
	f->shown(c, row, strbuf_str(&before), value, &after);
	return before.oom || after.oom ? err_oom(err) : write_text(c, path, strbuf_str(&after), err);
}

int row_value_write(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                    struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};

	if (c->copied)
		return write_copied(c, row, path, value, err);
	if (!forms[row->form].to_text)
		return write_text(c, path, value, err);
	if (forms[row->form].to_text(c, value, &text) < 0)
		return err_raise(err, ERR_WRITE_FAILED, EINVAL, path, "'%s' is no set of CPUs", value);
	return text.oom ? err_oom(err) : write_text(c, path, strbuf_str(&text), err);
}
