/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of rows: from an option or a key to the row, the instance and the file, and the functions of a knob that is
 * nothing but such a table. Must know no row; what a file holds is row_form.c's business.
 */
#include "daemon/knobs/row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/knobs/debugfs.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define OPTION_MAX 160
#define SYSCTL_ROOT "/proc/sys/"

/* --- spelling ----------------------------------------------------------------------------------------------------- */

/* Dots for slashes and slashes for dots, as sysctl(8) has it. */
static void swap_separators(char *s)
{
	for (; *s != '\0'; s++)
		*s = *s == '.' ? '/' : *s == '/' ? '.' : *s;
}

/* The spelling with dots; false when the text is too long to be any option. */
static bool spell_dotted(const char *option, char name[OPTION_MAX])
{
	size_t len = strlen(option);

	if (len >= OPTION_MAX)
		return false;
	memcpy(name, option, len + 1);
	if (name[strcspn(name, "./")] == '/')
		swap_separators(name);
	return true;
}

/* Instances are one component of a path. */
static bool is_instance(const char *s)
{
	return s[0] != '\0' && strlen(s) < ROW_INSTANCE_MAX && !strchr(s, '/') && !str_eq(s, ".") && !str_eq(s, "..");
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static int compare_option(const void *name, const void *row)
{
	return strcmp(name, ((const struct row *)row)->option);
}

static const struct row *find_dotted(const struct row_table *t, const char *name)
{
	return bsearch(name, t->rows, t->n, sizeof(*t->rows), compare_option);
}

const struct row *row_find(const struct row_table *t, const char *option)
{
	char name[OPTION_MAX];

	return spell_dotted(option, name) ? find_dotted(t, name) : NULL;
}

bool row_has_instances(const struct row *row)
{
	return strchr(row->path ? row->path : row->option, '*') != NULL;
}

/* "net.ipv4.conf.eth0/100.rp_filter": the last component but one is the instance. */
static const struct row *find_filled(const struct row_table *t, const char *name, char instance[ROW_INSTANCE_MAX])
{
	char pattern[OPTION_MAX];
	const char *last = strrchr(name, '.');
	const char *first = last ? memrchr(name, '.', (size_t)(last - name)) : NULL;

	if (!first || (size_t)(last - first) > ROW_INSTANCE_MAX || strlen(name) >= OPTION_MAX - 1)
		return NULL;
	memcpy(instance, first + 1, (size_t)(last - first - 1));
	instance[last - first - 1] = '\0';
	swap_separators(instance);
	memcpy(pattern, name, (size_t)(first + 1 - name));
	pattern[first + 1 - name] = '*';
	size_t n = (size_t)(first + 2 - name);
	return str_copy(pattern + n, sizeof(pattern) - n, last) && is_instance(instance) ? find_dotted(t, pattern) : NULL;
}

/* An option with everything in it: no '*' needed, or '*' filled in. */
static const struct row *find_literal(const struct row_table *t, const char *option, struct row_ref *ret)
{
	char name[OPTION_MAX];

	if (!spell_dotted(option, name))
		return NULL;
	ret->instance[0] = '\0';
	ret->row = find_dotted(t, name);
	if (!ret->row)
		ret->row = find_filled(t, name, ret->instance);
	return ret->row;
}

/* "0000:00:03.0 power.control" */
static const struct row *find_blank(const struct row_table *t, const char *key, struct row_ref *ret)
{
	const char *blank = strrchr(key, ' ');
	size_t len = (size_t)(blank - key);

	if (len >= ROW_INSTANCE_MAX)
		return NULL;
	memcpy(ret->instance, key, len);
	ret->instance[len] = '\0';
	ret->row = find_dotted(t, blank + 1);
	return ret->row && is_instance(ret->instance) && row_has_instances(ret->row) ? ret->row : NULL;
}

int row_of_key(const struct row_table *t, const char *key, struct row_ref *ret, struct hft_err *err)
{
	char name[OPTION_MAX];
	size_t len = strcspn(key, "|");
	const struct row *row = NULL;

	*ret = (struct row_ref){0};
	if (len < sizeof(name)) {
		memcpy(name, key, len);
		name[len] = '\0';
		row = strchr(name, ' ') ? find_blank(t, name, ret) : find_literal(t, name, ret);
	}
	if (!row || row_has_instances(row) != (ret->instance[0] != '\0') ||
	    !str_eq(key[len] == '|' ? key + len + 1 : NULL, row->twin))
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "%s has no '%s'", t->knob, key);
	return 0;
}

/* Of two twins the one that stands first, vm.dirty_ratio before vm.dirty_bytes: its zero is one that can be written. */
static bool is_first_twin(const struct row *row)
{
	return strcmp(row->option, row->twin) > 0;
}

void row_key(const struct row_ref *ref, struct strbuf *ret)
{
	const char *option = ref->row->option;
	const char *star = strchr(option, '*');

	if (ref->row->twin) {
		bool first = is_first_twin(ref->row);
		strbuf_addf(ret, "%s|%s", first ? option : ref->row->twin, first ? ref->row->twin : option);
	} else if (star) {
		strbuf_addn(ret, option, (size_t)(star - option));
		for (const char *p = ref->instance; *p != '\0'; p++)
			strbuf_addc(ret, *p == '.' ? '/' : *p);
		strbuf_add(ret, star + 1);
	} else if (ref->instance[0] != '\0') {
		strbuf_addf(ret, "%s %s", ref->instance, option);
	} else {
		strbuf_add(ret, option);
	}
}

/* The path as the row has it, '*' and all. */
static void pattern_path(const struct row *row, struct strbuf *ret)
{
	if (row->path) {
		strbuf_add(ret, row->path);
		return;
	}
	strbuf_add(ret, SYSCTL_ROOT);
	size_t start = ret->len;
	strbuf_add(ret, row->option);
	if (!ret->oom)
		swap_separators(ret->s + start);
}

void row_path(const struct row_ref *ref, struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf pattern = {0};

	if (ref->instance[0] == '\0') {
		pattern_path(ref->row, ret);
		return;
	}
	pattern_path(ref->row, &pattern);
	const char *text = strbuf_str(&pattern);
	const char *star = strchr(text, '*');
	if (pattern.oom || !star) {
		ret->oom = true;
		return;
	}
	strbuf_addn(ret, text, (size_t)(star - text));
	strbuf_add(ret, ref->instance);
	strbuf_add(ret, star + 1);
}

/* --- instances ---------------------------------------------------------------------------------------------------- */

/* Where the instances of a row are: "DIR/PREFIX*SUFFIX/..." */
struct place {
	struct strbuf text; /* holds the three parts, each ended by NUL */
	const char *dir, *prefix, *suffix;
};

static int place_init(struct place *p, const struct row *row)
{
	pattern_path(row, &p->text);
	char *star = p->text.oom ? NULL : strchr(p->text.s, '*');
	if (!star)
		return -ENOMEM;
	char *slash = memrchr(p->text.s, '/', (size_t)(star - p->text.s));
	star[1 + strcspn(star + 1, "/")] = '\0';
	*star = '\0';
	*slash = '\0';
	p->dir = p->text.s;
	p->prefix = slash + 1;
	p->suffix = star + 1;
	return 0;
}

int row_instances(const struct knob_ctx *c, const struct row *row, struct strlist *ret, struct hft_err *err)
{
	struct place p = {0};
	CLEANUP(strlist_done) struct strlist names = {0};
	int r = place_init(&p, row);

	if (r == 0)
		r = fsio_list(c->fs, p.dir, &names, err);
	else
		err_oom(err);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		size_t len = strlen(names.s[i]), before = strlen(p.prefix), after = strlen(p.suffix);
		if (len <= before + after || !str_starts(names.s[i], p.prefix) || !str_ends(names.s[i], p.suffix))
			continue;
		if (strlist_take(ret, str_dup_n(names.s[i] + before, len - before - after)) < 0)
			r = err_oom(err);
	}
	strbuf_done(&p.text);
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static bool place_exists(const struct knob_ctx *c, const struct row *row)
{
	struct place p = {0};
	bool there = place_init(&p, row) == 0 && fsio_exists(c->fs, p.dir);

	strbuf_done(&p.text);
	return there;
}

/* --- listing ------------------------------------------------------------------------------------------------------ */

int row_unknown_option(const char *knob, const char *option, struct hft_err *err)
{
	return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "%s has no option '%s'", knob, option);
}

int row_no_selector(const char *option, const char *selector, struct hft_err *err)
{
	return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option,
	                 "%s is one for the whole host and takes no selector '%s'", option, selector);
}

/* r and mode: what fsio_mode() says. A locked debugfs shows itself only to who opens a file. */
static const char *why_not(const struct knob_ctx *c, int r, mode_t mode, const char *path, char text[256])
{
	CLEANUP(strbuf_done) struct strbuf content = {0};

	if (r == 0 && debugfs_has(path))
		r = fsio_probe(c->fs, path, &content);
	const char *debugfs = debugfs_lacks(c, path, r);
	if (debugfs)
		return debugfs;
	if (r == -ENOENT || r == -ENOTDIR)
		snprintf(text, 256, "this kernel has no %s", path);
	else if (r == 0 && (mode & 0222) == 0)
		snprintf(text, 256, "%s is read-only in this kernel", path);
	else
		return NULL;
	return text;
}

int row_add(const struct knob_ctx *c, const char *key, const char *path, struct knob_objects *ret, struct hft_err *err)
{
	char why[256];
	mode_t mode = 0;
	int r = fsio_mode(c->fs, path, &mode);

	return knob_objects_add(ret, key, NULL, why_not(c, r, mode, path, why), err);
}

static int add_ref(const struct knob_ctx *c, const struct row_ref *ref, struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf key = {0}, path = {0};

	row_key(ref, &key);
	row_path(ref, &path);
	return key.oom || path.oom ? err_oom(err) : row_add(c, strbuf_str(&key), strbuf_str(&path), ret, err);
}

/* The kernel lacks the whole directory of instances. */
static int add_lacking(const struct row *row, const char *selector, struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf key = {0};
	struct row_ref ref = { .row = row, .instance = "*" };
	struct place p = {0};
	char why[256];

	if (is_instance(selector) && !str_is_pattern(selector))
		str_copy(ref.instance, sizeof(ref.instance), selector);
	row_key(&ref, &key);
	if (key.oom || place_init(&p, row) < 0)
		return err_oom(err);
	snprintf(why, sizeof(why), "this kernel has no %s", p.dir);
	int r = knob_objects_add(ret, strbuf_str(&key), NULL, why, err);
	strbuf_done(&p.text);
	return r;
}

/* The templates below /proc/sys/net: named only in full. */
static bool is_template(const char *instance)
{
	return str_eq(instance, "all") || str_eq(instance, "default");
}

static bool matches_name(const struct knob_ctx *c, const char *selector, const char *instance)
{
	(void)c;
	if (str_is_pattern(selector))
		return !is_template(instance) && str_match(selector, instance);
	return str_eq(selector, instance);
}

/* Directories beside the instances ("power", "uevent") lack the file and are none. */
static bool has_file(const struct knob_ctx *c, const struct row_ref *ref)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};

	row_path(ref, &path);
	return !path.oom && fsio_exists(c->fs, strbuf_str(&path));
}

/* One instance by its name. 1: added; 0: it has no such file, and the directory has to say more. */
static int add_named(const struct knob_ctx *c, const struct row *row, const char *name, struct knob_objects *ret,
                     struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf key = {0}, path = {0};
	struct row_ref ref = { .row = row };
	char why[256];
	mode_t mode;

	if (!is_instance(name) || !str_copy(ref.instance, sizeof(ref.instance), name))
		return 0;
	row_path(&ref, &path);
	if (path.oom || fsio_mode(c->fs, strbuf_str(&path), &mode) < 0)
		return path.oom ? err_oom(err) : 0;
	row_key(&ref, &key);
	const char *na = why_not(c, 0, mode, strbuf_str(&path), why);
	int r = key.oom ? err_oom(err) : knob_objects_add(ret, strbuf_str(&key), NULL, na, err);
	return r < 0 ? r : 1;
}

static int list_instances(const struct knob_ctx *c, const struct row *row, const char *selector,
                          bool (*matches)(const struct knob_ctx *c, const char *selector, const char *instance),
                          struct knob_objects *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	size_t matched = 0;
	int r = 0;

	if (matches == matches_name && !str_is_pattern(selector))
		r = add_named(c, row, selector, ret, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = row_instances(c, row, &names, err);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct row_ref ref = { .row = row };
		if (!is_instance(names.s[i]) || !matches(c, selector, names.s[i]))
			continue;
		str_copy(ref.instance, sizeof(ref.instance), names.s[i]);
		if (!str_eq(selector, names.s[i]) && !has_file(c, &ref))
			continue;
		matched++;
		r = add_ref(c, &ref, ret, err);
	}
	if (r == 0 && matched == 0 && !place_exists(c, row))
		return add_lacking(row, selector, ret, err);
	if (r == 0 && matched == 0 && !str_is_pattern(selector))
		return err_raise(err, ERR_NO_MATCH, ENOENT, selector, "there is no '%s' with %s", selector,
		                 row->option);
	return r;
}

int row_list_matching(const struct row_table *t, const struct knob_ctx *c, const char *selector, const char *option,
                      bool (*matches)(const struct knob_ctx *c, const char *selector, const char *instance),
                      struct knob_objects *ret, struct hft_err *err)
{
	struct row_ref ref;

	if (!find_literal(t, option, &ref) || str_is_pattern(ref.instance))
		return row_unknown_option(t->knob, option, err);
	if (!row_has_instances(ref.row) || ref.instance[0] != '\0') {
		if (selector[0] != '\0')
			return row_no_selector(option, selector, err);
		return ref.instance[0] == '\0' ? add_ref(c, &ref, ret, err) :
		       list_instances(c, ref.row, ref.instance, matches_name, ret, err);
	}
	if (selector[0] == '\0')
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "%s needs a selector: a name, or a pattern",
		                 option);
	return list_instances(c, ref.row, selector, matches, ret, err);
}

int row_list(const struct row_table *t, const struct knob_ctx *c, const char *selector, const char *option,
             struct knob_objects *ret, struct hft_err *err)
{
	return row_list_matching(t, c, selector, option, matches_name, ret, err);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static const struct row *twin_of(const struct row_table *t, const struct row *row)
{
	return find_dotted(t, row->twin);
}

/* The row that a canonical value of twins names, and the number in it. */
static int split_twin(const struct row_table *t, const struct row *first, const char *value, const struct row **ret_row,
                      const char **ret_number, struct hft_err *err)
{
	const char *equals = strchr(value, '=');
	const struct row *both[] = { first, twin_of(t, first) };

	for (size_t i = 0; equals && i < ARRAY_LEN(both); i++) {
		size_t len = strlen(both[i]->option);
		if ((size_t)(equals - value) == len && memcmp(value, both[i]->option, len) == 0) {
			*ret_row = both[i];
			*ret_number = equals + 1;
			return 0;
		}
	}
	return err_raise(err, ERR_WRITE_FAILED, EINVAL, first->option, "'%s' is no value of %s or %s", value,
	                 first->option, first->twin);
}

static int read_one(const struct knob_ctx *c, const struct row *row, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};

	row_path(&(struct row_ref){ .row = row }, &path);
	return path.oom ? err_oom(err) : row_value_read(c, row, strbuf_str(&path), ret, err);
}

static int write_one(const struct knob_ctx *c, const struct row *row, const char *value, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};

	row_path(&(struct row_ref){ .row = row }, &path);
	return path.oom ? err_oom(err) : row_value_write(c, row, strbuf_str(&path), value, err);
}

/* The one that is not zero is in force; the first one when both are. */
static int read_twins(const struct row_table *t, const struct knob_ctx *c, const struct row *first, struct strbuf *ret,
                      struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf number = {0};
	const struct row *row = twin_of(t, first);
	int r = read_one(c, row, &number, err);

	if (r == 0 && str_eq(strbuf_str(&number), "0")) {
		row = first;
		r = read_one(c, row, &number, err);
	}
	if (r < 0)
		return r;
	strbuf_reset(ret);
	strbuf_addf(ret, "%s=%s", row->option, strbuf_str(&number));
	return ret->oom ? err_oom(err) : 0;
}

static bool reads_zero(const struct knob_ctx *c, const struct row *row)
{
	CLEANUP(strbuf_done) struct strbuf number = {0};

	return read_one(c, row, &number, NULL) == 0 && str_eq(strbuf_str(&number), "0");
}

/*
 * Writing one zeroes the other, but only when its number changes (mm/page-writeback.c, dirty_ratio_handler): a ratio of
 * 0 while the bytes are in force has to go by way of 1.
 */
static int write_twins(const struct row_table *t, const struct knob_ctx *c, const struct row *first, const char *value,
                       struct hft_err *err)
{
	const struct row *row = NULL;
	const char *number = "";
	int r = split_twin(t, first, value, &row, &number, err);

	/* A copied tree has two files: the old one first, so that a crash between them leaves none that looks whole. */
	if (r == 0 && c->copied)
		r = write_one(c, twin_of(t, row), "0", err);
	else if (r == 0 && str_eq(number, "0") && !reads_zero(c, twin_of(t, row)))
		r = write_one(c, row, "1", err);
	return r == 0 ? write_one(c, row, number, err) : r;
}

/* For no object: what the option says by itself. */
static int parse_unseen(const struct row_table *t, const struct knob_ctx *c, const char *option, const char *value,
                        struct strbuf *ret, struct hft_err *err)
{
	struct row_ref ref;

	if (!find_literal(t, option, &ref))
		return row_unknown_option(t->knob, option, err);
	return row_value_parse(c, ref.row, NULL, value, ret, err);
}

int row_parse(const struct row_table *t, const struct knob_ctx *c, const char *key, const char *option,
              const char *value, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0}, number = {0};
	struct row_ref ref;

	if (!key)
		return parse_unseen(t, c, option, value, ret, err);
	int r = row_of_key(t, key, &ref, err);
	if (r < 0)
		return r;
	if (ref.row->twin && row_find(t, option) == twin_of(t, ref.row))
		ref.row = twin_of(t, ref.row);
	row_path(&ref, &path);
	if (path.oom)
		return err_oom(err);
	if (!ref.row->twin)
		return row_value_parse(c, ref.row, strbuf_str(&path), value, ret, err);
	r = row_value_parse(c, ref.row, strbuf_str(&path), value, &number, err);
	if (r < 0)
		return r;
	strbuf_reset(ret);
	strbuf_addf(ret, "%s=%s", ref.row->option, strbuf_str(&number));
	return ret->oom ? err_oom(err) : 0;
}

int row_read(const struct row_table *t, const struct knob_ctx *c, const char *key, struct strbuf *ret,
             struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	struct row_ref ref;
	int r = row_of_key(t, key, &ref, err);

	if (r < 0)
		return r;
	if (ref.row->twin)
		return read_twins(t, c, ref.row, ret, err);
	row_path(&ref, &path);
	return path.oom ? err_oom(err) : row_value_read(c, ref.row, strbuf_str(&path), ret, err);
}

int row_write(const struct row_table *t, const struct knob_ctx *c, const char *key, const char *value,
              struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	struct row_ref ref;
	int r = row_of_key(t, key, &ref, err);

	if (r < 0)
		return r;
	if (ref.row->twin)
		return write_twins(t, c, ref.row, value, err);
	row_path(&ref, &path);
	return path.oom ? err_oom(err) : row_value_write(c, ref.row, strbuf_str(&path), value, err);
}

/* --- coupling ----------------------------------------------------------------------------------------------------- */

struct adder {
	int (*add)(void *data, const char *knob, const char *key, struct hft_err *err);
	void *data;
};

/* Every instance of a row but the own one; templates are changed by nobody. */
static int add_others(const struct knob_ctx *c, const char *knob, const struct row_ref *others, const char *own,
                      const struct adder *a, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	CLEANUP(strbuf_done) struct strbuf key = {0};
	int r = row_instances(c, others->row, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct row_ref ref = { .row = others->row };
		if (!is_instance(names.s[i]) || is_template(names.s[i]) || str_eq(names.s[i], own))
			continue;
		str_copy(ref.instance, sizeof(ref.instance), names.s[i]);
		if (!has_file(c, &ref))
			continue;
		strbuf_reset(&key);
		row_key(&ref, &key);
		r = key.oom ? err_oom(err) : a->add(a->data, knob, strbuf_str(&key), err);
	}
	return r;
}

/* The key, of the own instance in place of '@'. */
static int add_own(const char *knob, const char *key, const struct row_ref *own, const struct adder *a,
                   struct hft_err *err)
{
	const char *at = strchr(key, '@');
	CLEANUP(mem_freep) char *filled =
		at ? str_printf("%.*s%s%s", (int)(at - key), key, own->instance, at + 1) : strdup(key);

	return filled ? a->add(a->data, knob, filled, err) : err_oom(err);
}

/* One "KNOB:KEY" of `changes`. */
static int add_change(const struct row_table *t, const struct knob_ctx *c, const struct row_ref *own,
                      const char *change, size_t len, const struct adder *a, struct hft_err *err)
{
	char text[2 * OPTION_MAX];
	struct row_ref others;

	if (len >= sizeof(text))
		return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, own->row->option, "a change is too long");
	memcpy(text, change, len);
	text[len] = '\0';
	char *key = strchr(text, ':');
	if (!key)
		return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, own->row->option, "'%s' names no knob", text);
	*key++ = '\0';
	if (!strchr(key, '*'))
		return add_own(text, key, own, a, err);
	/* A '*' in the key stands where the row of that key has its instance. */
	others.row = find_dotted(t, strchr(key, ' ') ? strrchr(key, ' ') + 1 : key);
	if (!others.row)
		return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, own->row->option, "'%s' is no row", key);
	return add_others(c, text, &others, own->row == others.row ? own->instance : "", a, err);
}

int row_coupled(const struct row_table *t, const struct knob_ctx *c, const char *key,
                int (*add)(void *data, const char *knob, const char *key, struct hft_err *err), void *data,
                struct hft_err *err)
{
	struct adder a = { add, data };
	struct row_ref ref;
	int r = row_of_key(t, key, &ref, err);

	for (const char *p = r == 0 && ref.row->changes ? ref.row->changes : ""; r == 0 && *p != '\0';) {
		const char *end = strstr(p, ", ");
		size_t len = end ? (size_t)(end - p) : strlen(p);
		r = add_change(t, c, &ref, p, len, &a, err);
		p += len + (end ? 2 : 0);
	}
	return r;
}

/* --- what a row says about itself --------------------------------------------------------------------------------- */

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

void row_doc(const struct row *row, struct knob_doc *ret)
{
	*ret = (struct knob_doc){
		.option = row->option,
		.summary = or_empty(row->summary),
		.unit = or_empty(row->unit),
		.bounds = or_empty(row->bounds),
		.risk = row->risk,
		.effect = row->effect,
		.counter = or_empty(row->counter),
		.changes = or_empty(row->changes),
		.source = or_empty(row->source),
		.traps = or_empty(row->traps),
	};
}

int row_explain(const struct row_table *t, size_t i, struct knob_doc *ret)
{
	if (i >= t->n)
		return -ENOENT;
	row_doc(&t->rows[i], ret);
	return 0;
}
