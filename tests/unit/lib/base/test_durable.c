/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of lib/base/durable.c: what each call makes of a directory. For failures and kills: test_durable_faults.c. */
#include "tests/unit/lib/base/durable_dir.h"

/* --- plain files -------------------------------------------------------------------------------------------------- */

static void a_file_is_replaced_with_its_mode(void **state)
{
	struct dir *d = *state;
	mode_t mask = umask(0077);

	shell(d, "mkdir -p etc/d && echo old >etc/d/file && chmod 0600 etc/d/file && echo left >etc/d/.file.hfttune-new");
	assert_int_equal(durable_replace(d->fs, FILE_NAME, "new", 3, 0644, &d->err), 0);
	umask(mask);
	assert_string_equal(get(d, FILE_NAME), "new");
	assert_int_equal(stat_of(d, FILE_NAME).st_mode & 07777, 0644);
	assert_string_equal(get(d, NEW), "(none)");
	assert_int_equal(durable_replace(d->fs, FILE_NAME, "", 0, 0644, &d->err), 0);
	assert_string_equal(get(d, FILE_NAME), "");
}

static void removing_twice_is_removing(void **state)
{
	struct dir *d = *state;

	shell(d, "mkdir -p etc/d && echo old >etc/d/file && echo left >etc/d/.file.hfttune-new && echo x >etc/d/other");
	assert_int_equal(durable_remove(d->fs, FILE_NAME, &d->err), 0);
	assert_int_equal(durable_remove(d->fs, FILE_NAME, &d->err), 0);
	assert_string_equal(get(d, FILE_NAME), "(none)");
	assert_string_equal(get(d, NEW), "(none)");
	assert_string_equal(get(d, "/etc/d/other"), "x\n");
}

static void a_directory_is_wanted(void **state)
{
	struct dir *d = *state;

	assert_int_equal(durable_replace(d->fs, FILE_NAME, "new", 3, 0644, &d->err), -ENOENT);
	assert_string_equal(d->err.code, ERR_IO);
	assert_int_equal(durable_replace(d->fs, "/file", "new", 3, 0644, &d->err), -EINVAL);
	assert_int_equal(durable_replace(d->fs, "file", "new", 3, 0644, &d->err), -EINVAL);
}

/* --- with the directory ------------------------------------------------------------------------------------------- */

static void a_directory_comes_and_goes_with_the_file(void **state)
{
	struct dir *d = *state;
	mode_t mask = umask(0077);

	shell(d, "mkdir etc && chmod 0755 etc");
	CLEANUP(mem_freep) char *before = strdup(listing(d));
	assert_int_equal(durable_replace_in_dir(d->fs, FILE_NAME, "new", 3, 0644, &d->err), 0);
	assert_string_equal(get(d, FILE_NAME), "new");
	assert_int_equal(stat_of(d, "/etc/d").st_mode & 07777, 0755);
	assert_int_equal(durable_replace_in_dir(d->fs, FILE_NAME, "newer", 5, 0640, &d->err), 0);
	umask(mask);
	assert_string_equal(get(d, FILE_NAME), "newer");
	assert_int_equal(stat_of(d, FILE_NAME).st_mode & 07777, 0640);
	assert_int_equal(durable_remove_with_dir(d->fs, FILE_NAME, &d->err), 0);
	assert_string_equal(listing(d), before);
	assert_int_equal(durable_remove_with_dir(d->fs, FILE_NAME, &d->err), 0);
	assert_string_equal(listing(d), before);
}

static void a_directory_with_somebody_else_in_it_stays(void **state)
{
	struct dir *d = *state;

	shell(d, "mkdir -p etc/d && echo old >etc/d/file && echo x >etc/d/other && echo left >etc/d/.file.hfttune-new");
	assert_int_equal(durable_remove_with_dir(d->fs, FILE_NAME, &d->err), 0);
	assert_string_equal(get(d, FILE_NAME), "(none)");
	assert_string_equal(get(d, NEW), "(none)");
	assert_string_equal(get(d, "/etc/d/other"), "x\n");
}

static void what_a_kill_left_of_a_directory_goes(void **state)
{
	struct dir *d = *state;

	shell(d, "mkdir -p etc/.d.hfttune-new && echo a >etc/.d.hfttune-new/file && "
	         "echo b >etc/.d.hfttune-new/.file.hfttune-new");
	assert_int_equal(durable_remove_with_dir(d->fs, FILE_NAME, &d->err), 0);
	assert_string_equal(strchr(listing(d), '\n'), "\n"); /* etc itself alone */
	shell(d, "mkdir -p etc/.d.hfttune-new && echo a >etc/.d.hfttune-new/file");
	assert_int_equal(durable_replace_in_dir(d->fs, FILE_NAME, "new", 3, 0644, &d->err), 0);
	assert_string_equal(get(d, FILE_NAME), "new");
	assert_null(strstr(listing(d), "hfttune"));
}

/* --- somebody else's file ----------------------------------------------------------------------------------------- */

static void an_edit_keeps_what_the_file_is(void **state)
{
	struct dir *d = *state;
	CLEANUP(mem_freep) char *full = str_printf("%s%s", d->root, FILE_NAME);
	char label[8] = "";

	shell(d, "mkdir -p etc/d && echo theirs >etc/d/file && chmod 0640 etc/d/file");
	bool labelled = setxattr(full, "user.label", "abc", 3, 0) == 0;
	struct stat before = stat_of(d, FILE_NAME);
	assert_int_equal(durable_edit(d->fs, FILE_NAME, "theirs and ours", 15, &d->err), 0);
	assert_string_equal(get(d, FILE_NAME), "theirs and ours");
	assert_string_equal(get(d, ORIGINAL), "theirs\n");
	struct stat after = stat_of(d, FILE_NAME);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_int_not_equal(after.st_ino, before.st_ino);
	if (labelled)
		assert_int_equal(getxattr(full, "user.label", label, sizeof(label)), 3);
	assert_int_equal(durable_edit(d->fs, FILE_NAME, "other", 5, &d->err), 0);
	assert_string_equal(get(d, ORIGINAL), "theirs\n"); /* the first one */
	assert_int_equal(durable_restore(d->fs, FILE_NAME, &d->err), 0);
	assert_int_equal(stat_of(d, FILE_NAME).st_ino, before.st_ino); /* the very file */
	assert_int_equal(stat_of(d, FILE_NAME).st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	assert_string_equal(get(d, ORIGINAL), "(none)");
	assert_int_equal(durable_restore(d->fs, FILE_NAME, &d->err), 0);
	assert_string_equal(get(d, FILE_NAME), "theirs\n");
}

static void an_edit_wants_a_file(void **state)
{
	struct dir *d = *state;

	shell(d, "mkdir -p etc/d");
	assert_int_equal(durable_edit(d->fs, FILE_NAME, "x", 1, &d->err), -ENOENT);
	shell(d, "ln -s /elsewhere etc/d/file");
	assert_true(durable_edit(d->fs, FILE_NAME, "x", 1, &d->err) < 0);
	assert_string_equal(get(d, "/elsewhere"), "(none)");
}

static void what_is_forgotten_does_not_come_back(void **state)
{
	struct dir *d = *state;

	shell(d, "mkdir -p etc/d && echo theirs >etc/d/file");
	assert_int_equal(durable_edit(d->fs, FILE_NAME, "new", 3, &d->err), 0);
	assert_int_equal(durable_forget(d->fs, FILE_NAME, &d->err), 0);
	assert_string_equal(get(d, ORIGINAL), "(none)");
	assert_int_equal(durable_restore(d->fs, FILE_NAME, &d->err), 0);
	assert_string_equal(get(d, FILE_NAME), "new");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_replaced_with_its_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(removing_twice_is_removing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_is_wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_comes_and_goes_with_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_with_somebody_else_in_it_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_kill_left_of_a_directory_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(an_edit_keeps_what_the_file_is, setup, teardown),
		cmocka_unit_test_setup_teardown(an_edit_wants_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_forgotten_does_not_come_back, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
