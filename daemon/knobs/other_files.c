/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading other programs' files, line by line, no more of their languages than it takes. Must not judge what they say. */
#include "daemon/knobs/other_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define FILE_MAX (256 * 1024)
#define BLANKS " \t"

struct reader {
	const struct knob_ctx *c;
	struct other_lines *ret;
	const struct source *source;
	const char *path;
	unsigned line;
	bool in_section;
};

/* Files that speak the same language. */
struct source {
	const char *const *dirs; /* NULL behind the last; a name that an earlier one has masks it in the later ones */
	const char *ends;        /* of names; files in `dirs` themselves when NULL */
	const char *when;
	bool last_wins;          /* a line replaces an earlier one for the same key */
	int (*line)(struct reader *r, char *text); /* 0 or -ENOMEM; may write to the text */
};

static void line_done(struct other_line *l)
{
	free(l->key);
	free(l->value);
	free(l->where);
}

void other_lines_done(struct other_lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		line_done(&l->l[i]);
	free(l->l);
	*l = (struct other_lines){ 0 };
}

/* vm.dirty_ratio is half of the object "vm.dirty_ratio|vm.dirty_bytes". */
static bool is_twin(const char *one, const char *key)
{
	const char *bar = strchr(key, '|');

	return bar != NULL && (str_eq(bar + 1, one) || (strlen(one) == (size_t)(bar - key) && str_starts(key, one)));
}

bool other_line_sets(const struct other_line *l, const struct knob *knob, const char *key)
{
	if (l->knob != knob)
		return false;
	/* A twin of 0 says that the other one counts. */
	return str_match(l->key, key) || (is_twin(l->key, key) && !str_eq(l->value, "0"));
}

/* Owns key. */
static int add(struct reader *r, const char *knob, char *key_take, const char *value)
{
	struct other_lines *all = r->ret;
	struct other_line l = {
		.knob = knob_find(knob),
		.key = key_take,
		.value = strdup(value),
		.where = str_printf("%s:%u", r->path, r->line),
		.when = r->source->when,
	};

	if (!l.key || !l.value || !l.where || mem_grow(&all->l, &all->cap, all->n, sizeof(l)) < 0) {
		line_done(&l);
		return -ENOMEM;
	}
	for (size_t i = 0; r->source->last_wins && i < all->n; i++)
		if (str_eq(all->l[i].key, l.key)) {
			line_done(&all->l[i]);
			all->l[i] = l;
			return 0;
		}
	all->l[all->n++] = l;
	return 0;
}

static char *trimmed(char *s)
{
	s += strspn(s, BLANKS);
	for (size_t n = strlen(s); n > 0 && strchr(BLANKS, s[n - 1]) != NULL; n--)
		s[n - 1] = '\0';
	return s;
}

/* --- sysctl.d ----------------------------------------------------------------------------------------------------- */

/* The separator that comes first in the text separates; with slashes, dots belong to names (sysctl.d(5)). */
static char *dotted(const char *name)
{
	char *copy = strdup(name);

	if (copy == NULL || name[strcspn(name, "./")] != '/')
		return copy;
	for (char *s = copy; *s != '\0'; s++)
		*s = *s == '/' ? '.' : *s == '.' ? '/' : *s;
	return copy;
}

static int add_sysctl(struct reader *r, const char *name, const char *value)
{
	return add(r, "sysctl", dotted(name), value);
}

static int sysctl_line(struct reader *r, char *text)
{
	char *eq = strchr(text, '=');

	if (*text == '#' || *text == ';' || eq == NULL)
		return 0;
	*eq = '\0';
	text += *text == '-'; /* "no matter whether it fails" */
	return add_sysctl(r, trimmed(text), trimmed(eq + 1));
}

/* --- udev --------------------------------------------------------------------------------------------------------- */

/* ATTR{NAME} of a device, and the objects that it belongs to; "%s" is what follows the prefix. */
static const struct {
	const char *prefix, *knob, *key;
} attributes[] = {
	{ "queue/", "block", "* %s" },
	{ "queues/", "nic", "* %s" },
	{ "gro_flush_timeout", "nic", "* gro_flush_timeout" },
	{ "napi_defer_hard_irqs", "nic", "* napi_defer_hard_irqs" },
	{ "threaded", "nic", "* threaded" },
	{ "tx_queue_len", "nic", "* tx_queue_len" },
	{ "power/control", "sysfs", "* power.control" },
	{ "d3cold_allowed", "sysfs", "* d3cold_allowed" },
};

static int add_attribute(struct reader *r, const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
		const char *rest = name + strlen(attributes[i].prefix);
		const char *holder = strstr(attributes[i].key, "%s");

		if (!str_starts(name, attributes[i].prefix) || (holder == NULL && *rest != '\0'))
			continue;
		/* "rx-0/rps_cpus" is "... rps_cpus rx-0" or the like for the knob: any queue will do. */
		const char *slash = strrchr(rest, '/');
		if (holder == NULL)
			return add(r, attributes[i].knob, strdup(attributes[i].key), value);
		return add(r, attributes[i].knob, str_printf("* %s%s", slash != NULL ? slash + 1 : rest, slash != NULL ? "*" : ""),
		           value);
	}
	return 0;
}

/* NAME{WHAT}="VALUE" with one '=': sets. Leaves *p behind it. NULL: no more of them. */
static char *next_assignment(char **p, const char *name, char **ret_value)
{
	char *at = *p, *end, *quote;

	while ((at = strstr(at, name)) != NULL) {
		at += strlen(name);
		end = strchr(at, '}');
		if (end == NULL)
			return NULL;
		if (end[1] != '=' || end[2] != '"' || (quote = strchr(end + 3, '"')) == NULL)
			continue;
		*end = *quote = '\0';
		*ret_value = end + 3;
		*p = quote + 1;
		return at;
	}
	return NULL;
}

static int udev_line(struct reader *r, char *text)
{
	char *what, *value, *p = text;
	CLEANUP(mem_freep) char *copy = strdup(text);
	int e = copy == NULL ? -ENOMEM : 0;

	if (*text == '#')
		return 0;
	while (e == 0 && (what = next_assignment(&p, "ATTR{", &value)) != NULL)
		e = add_attribute(r, what, value);
	p = copy;
	while (e == 0 && (what = next_assignment(&p, "SYSCTL{", &value)) != NULL)
		e = add_sysctl(r, what, value);
	return e;
}

/* --- NetworkManager ------------------------------------------------------------------------------------------------ */

/* What ethtool(8) calls otherwise in short than the kernel does. */
static const char *const feature_names[][2] = {
	{ "gro", "rx-gro" },
	{ "gso", "tx-generic-segmentation" },
	{ "lro", "rx-lro" },
	{ "ntuple", "rx-ntuple-filter" },
	{ "rx", "rx-checksum" },
	{ "rxhash", "rx-hashing" },
	{ "rxvlan", "rx-vlan-hw-parse" },
	{ "tso", "tx-tcp-segmentation" },
	{ "txvlan", "tx-vlan-hw-insert" },
};

static const char *feature_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(feature_names); i++)
		if (str_eq(name, feature_names[i][0]))
			return feature_names[i][1];
	return name;
}

/* "ring-rx" of nm-settings-keyfile(5) is the option "rings.rx". */
static char *nic_option(const char *name)
{
	static const char *const kinds[][2] = { { "channels-", "channels" }, { "coalesce-", "coalesce" },
		                                { "eee-", "eee" },           { "feature-", "feature" },
		                                { "pause-", "pause" },       { "ring-", "rings" } };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const char *rest = name + strlen(kinds[i][0]);

		if (str_starts(name, kinds[i][0]))
			return str_printf("* %s.%s", kinds[i][1], str_starts(name, "feature-") ? feature_name(rest) : rest);
	}
	return str_printf("* %s", name);
}

static int manager_line(struct reader *r, char *text)
{
	char *eq = strchr(text, '=');

	if (*text == '[')
		r->in_section = str_eq(text, "[ethtool]");
	if (!r->in_section || *text == '#' || eq == NULL)
		return 0;
	*eq = '\0';
	return add(r, "nic", nic_option(trimmed(text)), trimmed(eq + 1));
}

/* --- cloud-init --------------------------------------------------------------------------------------------------- */

/* Names of sysctls in commands and in files to be written, whatever the YAML around them: "sysctl -w vm.swappiness=10". */
static int cloud_line(struct reader *r, char *text)
{
	static const char *const tops[] = { "dev.", "fs.", "kernel.", "net.", "vm." };
	char *save = NULL;
	int e = 0;

	if (*text == '#')
		return 0;
	for (char *word = strtok_r(text, " \t\"',[]|", &save); e == 0 && word != NULL;
	     word = strtok_r(NULL, " \t\"',[]|", &save)) {
		char *eq = strchr(word, '=');
		size_t i = 0;

		while (i < ARRAY_LEN(tops) && !str_starts(word, tops[i]))
			i++;
		if (i == ARRAY_LEN(tops))
			continue;
		if (eq != NULL)
			*eq = '\0';
		e = add_sysctl(r, word, eq != NULL ? eq + 1 : "");
	}
	return e;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static int read_text(struct reader *r, char *text)
{
	int e = 0;

	r->line = 0;
	r->in_section = false;
	for (char *next; e == 0 && text != NULL; text = next) {
		next = strchr(text, '\n');
		if (next != NULL)
			*next++ = '\0';
		r->line++;
		e = r->source->line(r, trimmed(text));
	}
	return e;
}

/* Where a link in dir leads: what is a link itself is not followed. NULL: to /dev/null, or out of memory. */
static char *follow(const struct knob_ctx *c, const char *dir, const char *path)
{
	CLEANUP(strbuf_done) struct strbuf target = { 0 };
	const char *slash = strrchr(dir, '/');

	if (fsio_link_target(c->fs, path, &target, NULL) < 0)
		return strdup(path);
	const char *t = strbuf_str(&target);
	if (str_eq(t, "/dev/null"))
		return NULL;
	if (*t == '/')
		return strdup(t);
	return str_starts(t, "../") ? str_printf("%.*s/%s", (int)(slash - dir), dir, t + 3) : str_printf("%s/%s", dir, t);
}

static int read_path(struct reader *r, const char *dir, const char *path)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	CLEANUP(mem_freep) char *real = follow(r->c, dir, path);

	if (real == NULL || fsio_read_file(r->c->fs, real, FILE_MAX, &text, NULL) < 0 || text.s == NULL)
		return 0;
	r->path = real;
	return read_text(r, text.s);
}

/* The first directory that has the name: the others' file is masked. */
static int read_name(struct reader *r, const char *name)
{
	for (const char *const *dir = r->source->dirs; *dir != NULL; dir++) {
		CLEANUP(mem_freep) char *path = str_printf("%s/%s", *dir, name);

		if (path == NULL)
			return -ENOMEM;
		if (fsio_exists(r->c->fs, path))
			return read_path(r, *dir, path);
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_of(const struct reader *r, struct strlist *ret)
{
	for (const char *const *dir = r->source->dirs; *dir != NULL; dir++) {
		CLEANUP(strlist_done) struct strlist here = { 0 };

		if (fsio_list(r->c->fs, *dir, &here, NULL) < 0)
			continue;
		for (size_t i = 0; i < here.n; i++)
			if (str_ends(here.s[i], r->source->ends) && !strlist_has(ret, here.s[i]) &&
			    strlist_add(ret, here.s[i]) < 0)
				return -ENOMEM;
	}
	if (ret->n > 0)
		qsort(ret->s, ret->n, sizeof(*ret->s), compare_names);
	return 0;
}

static int read_source(struct reader *r)
{
	CLEANUP(strlist_done) struct strlist names = { 0 };
	int e = 0;

	for (const char *const *path = r->source->dirs; e == 0 && r->source->ends == NULL && *path != NULL; path++)
		e = read_path(r, "/etc", *path);
	if (r->source->ends != NULL)
		e = names_of(r, &names);
	for (size_t i = 0; e == 0 && i < names.n; i++)
		e = read_name(r, names.s[i]);
	return e;
}

#define LIST(...) (const char *const[]){ __VA_ARGS__, NULL }
static const struct source sources[] = {
	{ LIST("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"), ".conf",
	  "at boot and by `sysctl --system`", true, sysctl_line },
	{ LIST("/etc/udev/rules.d", "/run/udev/rules.d"), ".rules", "when a device that it means comes", false, udev_line },
	{ LIST("/etc/NetworkManager/system-connections"), ".nmconnection", "when the connection comes up", false,
	  manager_line },
	{ LIST("/etc/cloud/cloud.cfg.d"), ".cfg", "when cloud-init runs", false, cloud_line },
	{ LIST("/etc/cloud/cloud.cfg", "/var/lib/cloud/instance/user-data.txt"), NULL, "when cloud-init runs", false,
	  cloud_line },
};

int other_files_read(const struct knob_ctx *c, struct other_lines *ret, struct hft_err *err)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < ARRAY_LEN(sources); i++)
		e = read_source(&(struct reader){ .c = c, .ret = ret, .source = &sources[i] });
	return e < 0 ? err_oom(err) : 0;
}
