/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small copied tree in a temporary directory, with a host read from it, for the tests of the knobs about CPUs. */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host/host.h"
#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

struct cputree {
	char root[64];
	struct fsio *fs;
	struct host *host;
	struct knob_ctx c;
	struct knob_objects objects;
	struct knob_verdict verdict;
	struct strbuf b;
	struct hft_err err;
};

static inline const char *cputree_real(const struct cputree *t, const char *path, char *full)
{
	snprintf(full, 256, "%s%s", t->root, path);
	return full;
}

/* A file with a line in it, directories made as needed. */
static inline void put(const struct cputree *t, const char *path, const char *text)
{
	char full[256];

	cputree_real(t, path, full);
	for (char *p = full + strlen(t->root) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	FILE *f = fopen(full, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", text);
	assert_int_equal(fclose(f), 0);
}

static inline void take_away(const struct cputree *t, const char *path)
{
	char full[256];

	assert_int_equal(unlink(cputree_real(t, path, full)), 0);
}

static inline void assert_holds(const struct cputree *t, const char *path, const char *text)
{
	char full[256], line[512] = "";
	FILE *f = fopen(cputree_real(t, path, full), "r");

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	assert_string_equal(line, text);
}

/* Four CPUs in two cores, CPU 3 offline. */
static inline struct cputree *cputree_new(void)
{
	struct cputree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	snprintf(t->root, sizeof(t->root), "/tmp/hft-knobs-XXXXXX");
	assert_non_null(mkdtemp(t->root));
	put(t, "/proc/sys/kernel/osrelease", "6.1.0-56-amd64");
	put(t, "/sys/devices/system/cpu/possible", "0-3");
	put(t, "/sys/devices/system/cpu/present", "0-3");
	put(t, "/sys/devices/system/cpu/online", "0-2");
	for (int cpu = 0; cpu < 4; cpu++) {
		char path[128];
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
		put(t, path, cpu < 2 ? "0-1" : "2-3");
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/core_cpus_list", cpu);
		put(t, path, cpu < 2 ? "0-1" : "2-3");
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/core_id", cpu);
		put(t, path, cpu < 2 ? "0" : "1");
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
		put(t, path, "0");
	}
	assert_int_equal(fsio_new(t->root, &t->fs, &t->err), 0);
	return t;
}

/* Once the files are there. */
static inline void cputree_read(struct cputree *t)
{
	host_free(t->host);
	t->host = NULL;
	assert_int_equal(host_read(t->fs, &t->host, &t->err), 0);
	t->c = (struct knob_ctx){.fs = t->fs, .host = t->host, .copied = true};
}

static inline int cputree_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void cputree_free(struct cputree *t)
{
	nftw(t->root, cputree_remove, 16, FTW_DEPTH | FTW_PHYS);
	knob_objects_done(&t->objects);
	knob_verdict_done(&t->verdict);
	strbuf_done(&t->b);
	host_free(t->host);
	fsio_free(t->fs);
	free(t);
}

/* The objects as "KEY|KEY(na)|...", in the order of the list. */
static inline const char *listed(struct cputree *t, const struct knob *k, const char *selector, const char *option)
{
	knob_objects_done(&t->objects);
	t->objects = (struct knob_objects){0};
	strbuf_reset(&t->b);
	t->err = (struct hft_err){0};
	if (k->list(&t->c, selector, option, &t->objects, &t->err) < 0)
		return t->err.code;
	for (size_t i = 0; i < t->objects.n; i++)
		strbuf_addf(&t->b, "%s%s%s", i > 0 ? "|" : "", t->objects.o[i].key,
		            t->objects.o[i].na != NULL ? "(na)" : "");
	return strbuf_str(&t->b);
}

/* The canonical text, or the code of the error. */
static inline const char *parsed(struct cputree *t, const struct knob *k, const char *key, const char *option,
                                 const char *value)
{
	t->err = (struct hft_err){0};
	int r = k->parse(&t->c, key, option, value, &t->b, &t->err);
	assert_int_equal(r < 0, t->err.code != NULL);
	return r < 0 ? t->err.code : strbuf_str(&t->b);
}

static inline const char *value_now(struct cputree *t, const struct knob *k, const char *key)
{
	t->err = (struct hft_err){0};
	return k->read(&t->c, key, &t->b, &t->err) < 0 ? t->err.code : strbuf_str(&t->b);
}

static inline const char *written(struct cputree *t, const struct knob *k, const char *key, const char *value)
{
	t->err = (struct hft_err){0};
	return k->write(&t->c, key, value, &t->err) < 0 ? t->err.code : "";
}

static inline int judged(struct cputree *t, const struct knob *k, const char *key, const char *wanted)
{
	t->err = (struct hft_err){0};
	knob_verdict_done(&t->verdict);
	t->verdict = (struct knob_verdict){0};
	assert_int_equal(knob_verify(k, &t->c, key, wanted, &t->verdict, &t->err), 0);
	return (int)t->verdict.state;
}

/* Every row of explain says all that a reader of it may ask for. */
static inline void assert_explained(const struct knob *k, size_t n_rows)
{
	struct knob_doc doc;

	for (size_t i = 0; i < n_rows; i++) {
		assert_int_equal(k->explain(i, &doc), 0);
		assert_true(doc.option[0] != '\0' && doc.summary[0] != '\0' && doc.unit[0] != '\0');
		assert_true(doc.bounds[0] != '\0' && doc.source[0] != '\0' && doc.traps[0] != '\0');
		assert_non_null(doc.counter);
		assert_non_null(doc.changes);
		assert_in_range(doc.risk, 0, 4);
	}
	assert_int_equal(k->explain(n_rows, &doc), -2); /* ENOENT */
}
