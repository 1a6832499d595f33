/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of tests/tools/tree.h: what stands in a tree is what lies in the directory, modes included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/tools/tree.h"

static char *root;

static int make_root(void **state)
{
	(void)state;
	return tree_host(NULL, &root);
}

static int remove_root(void **state)
{
	(void)state;
	tree_remove(root);
	int r = access(root, F_OK) == 0 ? -1 : 0;
	free(root);
	return r;
}

static int put(const char *text)
{
	char *line = strdup(text);
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = tree_line(fd, line);

	close(fd);
	free(line);
	return r;
}

static void assert_file(const char *path, mode_t mode, const char *text)
{
	char full[PATH_MAX], found[256] = "";
	struct stat st;

	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(lstat(full, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	int fd = open(full, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, found, sizeof(found) - 1) >= 0);
	assert_string_equal(found, text);
	close(fd);
}

static void files_have_mode_and_newline(void **state)
{
	(void)state;
	assert_int_equal(put("f 0644 /proc/sys/vm/swappiness\t60"), 0);
	assert_file("/proc/sys/vm/swappiness", 0644, "60\n");
	assert_int_equal(put("f 0444 /proc/irq/1/smp_affinity_list\t0-3"), 0);
	assert_file("/proc/irq/1/smp_affinity_list", 0444, "0-3\n");
	assert_int_equal(put("f 600 /empty\t"), 0);
	assert_file("/empty", 0600, "\n");
	assert_int_equal(put("f 0600 /nothing\t\\c"), 0);
	assert_file("/nothing", 0600, "");
}

static void escapes_stand_for_characters(void **state)
{
	(void)state;
	assert_int_equal(put("f 0644 /a\t4096\\t131072\\n\\\\n {1}"), 0);
	assert_file("/a", 0644, "4096\t131072\n\\n {1}\n");
	assert_int_equal(put("f 0644 /b\tx\ty\\c"), 0);
	assert_file("/b", 0644, "x\ty");
	assert_int_equal(put("f 0644 /d\tc\\cd"), 0); /* only at the end */
	assert_file("/d", 0644, "ccd\n");
}

static void links_and_directories(void **state)
{
	char full[PATH_MAX], target[64] = "";
	struct stat st;

	(void)state;
	assert_int_equal(put("l /sys/class/net/eth0\t../../devices/x/net/eth0"), 0);
	snprintf(full, sizeof(full), "%s/sys/class/net/eth0", root);
	assert_true(readlink(full, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "../../devices/x/net/eth0");
	assert_int_equal(put("d /run/systemd/system"), 0);
	assert_int_equal(put("d /run/systemd/system"), 0); /* a directory may be there */
	snprintf(full, sizeof(full), "%s/run/systemd/system", root);
	assert_int_equal(stat(full, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
}

static void braces_are_ranges(void **state)
{
	(void)state;
	assert_int_equal(put("f 0444 /cpu{0-2,7}/state{0,1}/name\tC1"), 0);
	assert_file("/cpu0/state0/name", 0444, "C1\n");
	assert_file("/cpu2/state1/name", 0444, "C1\n");
	assert_file("/cpu7/state1/name", 0444, "C1\n");
	char full[PATH_MAX];
	snprintf(full, sizeof(full), "%s/cpu3", root);
	assert_int_equal(access(full, F_OK), -1);
}

static void nothing_is_overwritten(void **state)
{
	(void)state;
	assert_int_equal(put("f 0644 /a\t1"), 0);
	assert_int_equal(put("f 0644 /a\t2"), -EEXIST);
	assert_int_equal(put("l /a\t2"), -EEXIST);
	assert_file("/a", 0644, "1\n");
}

static void bad_lines_are_refused(void **state)
{
	static const char *const lines[] = {
		"x /a\tb",      "f /a\tb",       "f 0644 a\tb",      "f 0644 /a",        "l /a",
		"d a",          "f 99 /a\tb",    "f 17777 /a\tb",    "f 0644 /../a\tb",  "d /a/..",
		"f 0644 /{\tb", "f 0644 /{}\tb", "f 0644 /{2-1}\tb", "f 0644 /{1;2}\tb", "f",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(put(lines[i]), -EINVAL);
	assert_int_equal(put(""), 0);
	assert_int_equal(put("# f 0644 /a"), 0);
}

static void a_recorded_host_expands(void **state)
{
	char *host = NULL, full[PATH_MAX];
	struct stat st;

	(void)state;
	assert_int_equal(tree_host("vm-1cpu", &host), 0);
	snprintf(full, sizeof(full), "%s/proc/sys/vm/drop_caches", host);
	assert_int_equal(stat(full, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0200);
	tree_remove(host);
	assert_int_equal(access(host, F_OK), -1);
	free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_have_mode_and_newline, make_root, remove_root),
		cmocka_unit_test_setup_teardown(escapes_stand_for_characters, make_root, remove_root),
		cmocka_unit_test_setup_teardown(links_and_directories, make_root, remove_root),
		cmocka_unit_test_setup_teardown(braces_are_ranges, make_root, remove_root),
		cmocka_unit_test_setup_teardown(nothing_is_overwritten, make_root, remove_root),
		cmocka_unit_test_setup_teardown(bad_lines_are_refused, make_root, remove_root),
		cmocka_unit_test(a_recorded_host_expands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
