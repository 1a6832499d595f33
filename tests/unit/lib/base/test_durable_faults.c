/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of lib/base/durable.c against a disk that fails and a process that is killed, at every failpoint of every call
 * (make FAULT=1; any other build has none, and skips). The file is as it was or as it shall be, and so is the directory
 * that comes with it; the way back works; and the next call clears up. Failpoints are read once per process, so every
 * part runs in a child.
 */
#include "tests/unit/lib/base/durable_dir.h"

#ifdef HFT_FAULT

#define KILLED 1000 /* instead of an exit status */

static int do_replace(struct dir *d)
{
	return durable_replace(d->fs, FILE_NAME, "new", 3, 0644, NULL);
}

static int do_remove(struct dir *d)
{
	return durable_remove(d->fs, FILE_NAME, NULL);
}

static int do_replace_in_dir(struct dir *d)
{
	return durable_replace_in_dir(d->fs, FILE_NAME, "new", 3, 0644, NULL);
}

static int do_remove_with_dir(struct dir *d)
{
	return durable_remove_with_dir(d->fs, FILE_NAME, NULL);
}

static int do_edit(struct dir *d)
{
	return durable_edit(d->fs, FILE_NAME, "new", 3, NULL);
}

static int do_restore(struct dir *d)
{
	return durable_restore(d->fs, FILE_NAME, NULL);
}

#define OTHER "f 0644 /etc/d/other\tx"
#define OLD "f 0644 /etc/d/file\told\\c"
static const struct call {
	int (*f)(struct dir *d);
	const char *before[3];     /* lines of tests/tools/tree.h */
	const char *was, *is;      /* the file before and after; "(none)" */
	int (*back)(struct dir *d); /* the way back, which must always work afterwards; to `was` */
	bool dir_is_ours;          /* the directory must be there exactly when the file is */
} calls[] = {
	{ do_replace,         { OTHER, OLD }, "old", "new", NULL, false },
	{ do_remove,          { OTHER, OLD }, "old", "(none)", NULL, false },
	{ do_replace_in_dir,  { "d /etc" }, "(none)", "new", do_remove_with_dir, true },
	{ do_remove_with_dir, { OLD }, "old", "(none)", NULL, true },
	{ do_edit,            { OTHER, OLD }, "old", "new", do_restore, false },
	{ do_restore,         { OTHER, "f 0644 /etc/d/file\tnew\\c", "f 0644 /etc/d/.file.hfttune-original\told\\c" }, "new", "old", NULL,
	                      false },
};

static int in_child(struct dir *d, const char *faults, const char *count, int (*f)(struct dir *d))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (faults != NULL)
			setenv("HFT_FAULT", faults, 1);
		if (count != NULL)
			setenv("HFT_FAULT_COUNT", count, 1);
		if (fsio_new(d->root, &d->fs, NULL) < 0)
			_exit(2);
		_exit(f(d) < 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? KILLED : WEXITSTATUS(status);
}

static void start_over(const struct dir *d, const struct call *c)
{
	CLEANUP(mem_freep) char *etc = str_printf("%s/etc", d->root);
	CLEANUP(mem_closep) int dir = open(d->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	tree_remove(etc);
	for (size_t i = 0; i < ARRAY_LEN(c->before) && c->before[i] != NULL; i++) {
		char line[128];
		snprintf(line, sizeof(line), "%s", c->before[i]);
		assert_int_equal(tree_line(dir, line), 0);
	}
}

static int count_points(struct dir *d, const struct call *c)
{
	CLEANUP(mem_freep) char *path = str_printf("%s/count", d->root);
	int n = 0;

	start_over(d, c);
	assert_int_equal(in_child(d, NULL, path, c->f), 0);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	for (int ch = getc(f); ch != EOF; ch = getc(f))
		n += ch == '\n';
	fclose(f);
	assert_int_equal(unlink(path), 0);
	return n;
}

static bool dir_is_there(const struct dir *d)
{
	CLEANUP(mem_freep) char *full = str_printf("%s/etc/d", d->root);

	return access(full, F_OK) == 0;
}

static const char *looked_for;
static bool found;

static int look_at(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	found = found || strstr(path + where->base, looked_for) != NULL;
	return 0;
}

/* Does a name below the root hold the text? */
static bool has_name(const struct dir *d, const char *text)
{
	CLEANUP(mem_freep) char *etc = str_printf("%s/etc", d->root);

	looked_for = text;
	found = false;
	nftw(etc, look_at, 8, FTW_PHYS);
	return found;
}

/* Before or after, as was told; then the same call, and the way back, do their work. */
static void check(struct dir *d, const struct call *c, const char *spec, int told)
{
	const char *now = get(d, FILE_NAME);
	bool is_after = strcmp(now, c->is) == 0, is_before = strcmp(now, c->was) == 0;

	if ((!is_after && !is_before) || (told == 0 && !is_after) ||
	    (c->dir_is_ours && dir_is_there(d) != (strcmp(now, "(none)") != 0)))
		fail_msg("call %td, %s: told %d, '%s'\n%s", c - calls, spec, told, now, listing(d));
	if (c->back != NULL) {
		assert_int_equal(in_child(d, NULL, NULL, c->back), 0);
		if (strcmp(get(d, FILE_NAME), c->was) != 0 || has_name(d, "hfttune"))
			fail_msg("call %td, %s: no way back: %s", c - calls, spec, listing(d));
	}
	assert_int_equal(in_child(d, NULL, NULL, c->f), 0);
	if (strcmp(get(d, FILE_NAME), c->is) != 0 || has_name(d, "hfttune-new"))
		fail_msg("call %td, %s: not mended by the next one: %s", c - calls, spec, listing(d));
}

static void every_fault_leaves_one_or_the_other(void **state)
{
	static const char *const actions[] = { "kill", "kill-after", "EIO", "ENOSPC", "short" };
	struct dir one = { 0 }, *d = &one;
	char spec[32];
	size_t n = 0;

	(void)state;
	assert_int_equal(tree_host(NULL, &d->root), 0);

	for (size_t k = 0; k < ARRAY_LEN(calls); k++) {
		int points = count_points(d, &calls[k]);
		assert_true(points >= 3);
		for (size_t a = 0; a < ARRAY_LEN(actions); a++)
			for (int i = 1; i <= points; i++, n++) {
				snprintf(spec, sizeof(spec), "*:%d:%s", i, actions[a]);
				start_over(d, &calls[k]);
				check(d, &calls[k], spec, in_child(d, spec, NULL, calls[k].f));
			}
	}
	print_message("%zu faults\n", n);
	tree_remove(d->root);
	free(d->root);
}

#else

static void every_fault_leaves_one_or_the_other(void **state)
{
	(void)state;
	print_message("not a FAULT build: build with FAULT=1\n");
	skip();
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fault_leaves_one_or_the_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
