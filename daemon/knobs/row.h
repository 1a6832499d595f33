/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunables that are one file each: a table row says where, in which form, within which bounds. Knobs made of such rows
 * (sysctl, vm, sysfs, workqueue) share this code; a new tunable is one row. Must know nothing of any one tunable.
 *
 * Names. An option may be written with dots or with slashes, as sysctl(8) takes it: the separator that comes first in
 * the text separates, the other one stands for it inside a component ("net/ipv4/conf/eth0.100/rp_filter" is
 * "net.ipv4.conf.eth0/100.rp_filter"). Keys have dots. The key of an object is
 *     the option                         "vm.swappiness"                        no '*' in the path
 *     the option with '*' filled in      "net.ipv4.conf.eth0/100.rp_filter"     '*' in path and option
 *     the instance, a blank, the option  "0000:00:03.0 power.control"           '*' in the path alone
 *     both twins, the sizeless one first "vm.dirty_ratio|vm.dirty_bytes"        rows with `twin`
 * and the canonical value of twins says which one is in force: "vm.dirty_ratio=10".
 */
#pragma once

#include "daemon/knobs/knob.h"

struct strlist;

#define ROW_INSTANCE_MAX 64 /* bytes of an instance name: an interface, a PCI address, a workqueue */

enum row_form {
	ROW_INT,     /* plain integer within min..max */
	ROW_INTS,    /* vector of n integers, each within min..max; canonical with single spaces */
	ROW_WORD,    /* one of `words` (or phrases); the file shows it as it is, or decorated: "default (cache)" */
	ROW_SELECT,  /* one of the words that the file offers, the chosen one in brackets: "always [madvise] never" */
	ROW_NAME,    /* a name of [A-Za-z0-9_.-], at most 31 characters (clocksource, congestion control) */
	ROW_NAMES,   /* a set of such names; canonical sorted, with single spaces */
	ROW_CPULIST, /* canonical cpulist; the file shows a list */
	ROW_CPUMASK, /* canonical cpulist; the file shows a mask and takes a mask */
	ROW_YN,      /* canonical "1"/"0"; the file shows Y/N or 1/0 or true/false */
	ROW_HEX,     /* canonical "0x%x" within min..max; the file shows hex */
};

/* What the kernel wants or rounds to beyond the bounds of each number. */
enum row_rule {
	ROW_ANY,
	ROW_OR_ZERO,    /* 0 beside min..max */
	ROW_POW2,       /* a power of two, or 0 where min allows it: the kernel rounds others up */
	ROW_ASCENDING,  /* a vector whose numbers do not fall */
	ROW_RISING,     /* a vector whose numbers rise */
	ROW_TICKS_MS,   /* a multiple of 20 ms, which HZ of 100, 250, 300 and 1000 all can store */
	ROW_MULTIPLE,   /* a multiple of `step` */
};

struct row {
	const char *option; /* the option in a profile; may hold '*' where the path does */
	const char *path;   /* "/sys/kernel/mm/ksm/run"; a '*' stands for instances. NULL: the option below /proc/sys */
	enum row_form form;
	int n;              /* ROW_INTS: how many */
	int64_t min, max;
	enum row_rule rule;
	int64_t step;       /* ROW_MULTIPLE */
	const char *words;  /* ROW_WORD, ROW_SELECT: "always|madvise|never" */
	const char *offers; /* ROW_NAME, ROW_NAMES: the file that lists the names of this kernel, or NULL: not known */
	const char *unit, *bounds; /* for people */
	int risk;
	enum knob_effect effect;
	/* `changes`: "KNOB:KEY, ..."; in a key '@' stands for the own instance, '*' for every other one */
	const char *summary, *counter, *changes, *source, *traps; /* NULL is "" */
	const char *twin;   /* the option that the kernel zeroes when this one is written (dirty_bytes), or NULL */
};

struct row_table {
	const char *knob;       /* the name of the knob, for messages */
	const struct row *rows; /* ascending by option (strcmp): row_find is a binary search */
	size_t n;
};

/* A row with its instance: one file. */
struct row_ref {
	const struct row *row;
	char instance[ROW_INSTANCE_MAX]; /* "" without '*' in the path; as the directory is called ("eth0.100") */
};

/* --- names ------------------------------------------------------------------------------------------------------- */

/* The row of an option in either spelling; NULL when there is none. An instance in place of '*' is not looked for. */
const struct row *row_find(const struct row_table *t, const char *option);
/* Does the row stand for several objects, one per instance? */
bool row_has_instances(const struct row *row);
/* The row and instance that a key names: 0, or -ENOENT ERR_NOT_APPLICABLE. Of twins: the one named first. */
int row_of_key(const struct row_table *t, const char *key, struct row_ref *ret, struct hft_err *err);
/* Append the key, or the path, of one file. */
void row_key(const struct row_ref *ref, struct strbuf *ret);
void row_path(const struct row_ref *ref, struct strbuf *ret);
/* The instances that exist now, sorted; none when the directory is missing. 0, or -errno ERR_IO. */
int row_instances(const struct knob_ctx *c, const struct row *row, struct strlist *ret, struct hft_err *err);

/* --- a knob made of one table: the functions of struct knob, with the table in front ------------------------------ */

/*
 * A row without instances wants an empty selector. Otherwise the selector is an instance or a pattern of instances, or
 * the option itself says the instance ("net.ipv4.conf.eth0.rp_filter") and the selector is empty. Patterns do not match
 * "all" and "default", the templates below /proc/sys/net. Objects without a file, or without a write bit, get `na`.
 */
int row_list(const struct row_table *t, const struct knob_ctx *c, const char *selector, const char *option,
             struct knob_objects *ret, struct hft_err *err);
/* The same with a say about which instances a selector names, for selectors that are more than a name (a driver).
 * `is_pattern` selectors may match nothing; for others nothing is ERR_NO_MATCH. */
int row_list_matching(const struct row_table *t, const struct knob_ctx *c, const char *selector, const char *option,
                      bool (*matches)(const struct knob_ctx *c, const char *selector, const char *instance),
                      struct knob_objects *ret, struct hft_err *err);
/* key NULL as in struct knob. */
int row_parse(const struct row_table *t, const struct knob_ctx *c, const char *key, const char *option,
              const char *value, struct strbuf *ret, struct hft_err *err);
int row_read(const struct row_table *t, const struct knob_ctx *c, const char *key, struct strbuf *ret,
             struct hft_err *err);
int row_write(const struct row_table *t, const struct knob_ctx *c, const char *key, const char *value,
              struct hft_err *err);
/* Calls add for each object of the row's `changes`. */
int row_coupled(const struct row_table *t, const struct knob_ctx *c, const char *key,
                int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                struct hft_err *err);
int row_explain(const struct row_table *t, size_t i, struct knob_doc *ret);

/* --- one file, for knobs whose keys or checks are their own ------------------------------------------------------- */

/* Add the object `key` of one file, with `na` when the file is missing or has no write bit. */
int row_add(const struct knob_ctx *c, const char *key, const char *path, struct knob_objects *ret, struct hft_err *err);
/* Value text of a profile to canonical text; the file at path says what this kernel offers (ROW_SELECT). path NULL: what
 * this host has and offers does not count. */
int row_value_parse(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                    struct strbuf *ret, struct hft_err *err);
/* The content of a file to canonical text: 0, or -EIO ERR_IO when it makes no sense. */
int row_value_of_text(const struct row *row, const char *text, struct strbuf *ret, struct hft_err *err);
int row_value_read(const struct knob_ctx *c, const struct row *row, const char *path, struct strbuf *ret,
                   struct hft_err *err);
/* Write canonical text in the form the file takes. In a copied tree: as the kernel would show it afterwards. */
int row_value_write(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                    struct hft_err *err);
/* What the row says about itself. */
void row_doc(const struct row *row, struct knob_doc *ret);

/* Raise that a knob has no such option: -EINVAL ERR_INVALID_PROFILE. Or that one takes no selector. */
int row_unknown_option(const char *knob, const char *option, struct hft_err *err);
int row_no_selector(const char *option, const char *selector, struct hft_err *err);
