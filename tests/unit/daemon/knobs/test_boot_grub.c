/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of daemon/knobs/boot_grub.c. What it stages is read back by sh(1), as update-grub reads it; the menus are those
 * that grub-mkconfig 2.06 and 2.12 of Debian write. The programs themselves run in tests/promise/boot.bats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "daemon/knobs/boot.h"
#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_boot;

#define DEFAULTS "/etc/default/grub"
#define DROPINS "/etc/default/grub.d"
#define OURS DROPINS "/zz-hfttune.cfg"
#define GRUB_CFG "/boot/grub/grub.cfg"

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	put(t, DEFAULTS, "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"\"");
	put(t, GRUB_CFG, "");
	put(t, "/proc/cmdline", "root=/dev/vda1 ro quiet");
	cputree_read(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

static void stage(struct cputree *t, const char *line)
{
	t->err = (struct hft_err){0};
	if (boot_grub.stage(&t->c, line, &t->err) < 0)
		fail_msg("%s: %s", t->err.subject, t->err.msg);
}

static const char *staged(struct cputree *t)
{
	assert_int_equal(boot_grub.staged(&t->c, &t->b, &t->err), 0);
	return strbuf_str(&t->b);
}

static bool exists(const struct cputree *t, const char *path)
{
	char full[256];

	return access(cputree_real(t, path, full), F_OK) == 0;
}

/* Modes and names of all that is below /etc, one a line. */
static const char *listing(const struct cputree *t)
{
	static char text[4096];
	char command[512];

	snprintf(command, sizeof(command), "cd %s/etc && find . -printf '%%M %%p %%s\\n' | sort", t->root);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	assert_int_equal(pclose(f), 0);
	text[n] = '\0';
	return text;
}

/* What the shell makes of the files, in the order of grub-mkconfig. */
static const char *as_the_shell_reads_it(const struct cputree *t)
{
	static char text[4096];
	char command[1024];

	snprintf(command, sizeof(command),
	         "cd %s/etc/default && set -e && sh -n grub && . ./grub && for x in grub.d/*.cfg; do "
	         "if [ -e \"$x\" ]; then sh -n \"$x\" && . \"./$x\"; fi; done && printf %%s \"$GRUB_CMDLINE_LINUX_DEFAULT\"",
	         t->root);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	assert_int_equal(pclose(f), 0);
	text[n] = '\0';
	return text;
}

/* --- our file ----------------------------------------------------------------------------------------------------- */

static void ours_comes_behind_what_others_set(void **state)
{
	struct cputree *t = *state;

	put(t, DROPINS "/50-cloudimg-settings.cfg", "GRUB_CMDLINE_LINUX_DEFAULT=\"console=ttyS0\"");
	stage(t, "isolcpus=managed_irq,domain,2-3 nosoftlockup hugepagesz=1G hugepages=0:2,1:2");
	assert_string_equal(staged(t), "isolcpus=managed_irq,domain,2-3 nosoftlockup hugepagesz=1G hugepages=0:2,1:2");
	assert_string_equal(as_the_shell_reads_it(t),
	                    "console=ttyS0 isolcpus=managed_irq,domain,2-3 nosoftlockup hugepagesz=1G hugepages=0:2,1:2");
	stage(t, "nohz_full=2-3");
	assert_string_equal(as_the_shell_reads_it(t), "console=ttyS0 nohz_full=2-3");
	stage(t, "");
	assert_string_equal(as_the_shell_reads_it(t), "console=ttyS0");
}

/* I4, the writer's side: every character that a parameter may have comes out of the shell as it went in. */
static void plain_lines_mean_the_same_to_the_shell(void **state)
{
	static const char line[] = "a.b_c-d=AZ09_.,:=/+@- flag x=~";
	struct cputree *t = *state;

	assert_false(boot_line_is_plain(line));
	char plain[sizeof(line)];
	snprintf(plain, sizeof(plain), "%.*s", (int)strlen(line) - 2, line);
	assert_true(boot_line_is_plain(plain));
	stage(t, plain);
	assert_string_equal(as_the_shell_reads_it(t) + strlen("quiet "), plain);
	for (int c = 1; c < 256; c++) {
		char text[] = { (char)c, '\0' };
		bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		               strchr("_.,:=/+@- ", c) != NULL;
		assert_int_equal(boot_line_is_plain(text), allowed);
	}
}

static void what_was_made_goes_again(void **state)
{
	struct cputree *t = *state;
	CLEANUP(mem_freep) char *before = strdup(listing(t));

	assert_false(exists(t, DROPINS));
	stage(t, "nohz_full=2");
	assert_true(exists(t, OURS));
	stage(t, "nohz_full=3"); /* the mark stays */
	stage(t, "");
	assert_string_equal(listing(t), before);
	stage(t, "");
	assert_string_equal(listing(t), before);
}

static void a_directory_that_others_use_stays(void **state)
{
	struct cputree *t = *state;

	stage(t, "nohz_full=2");
	put(t, DROPINS "/x.cfg", "A=1"); /* came after us */
	CLEANUP(mem_freep) char *with = strdup(listing(t));
	stage(t, "");
	assert_true(exists(t, DROPINS "/x.cfg"));
	assert_false(exists(t, OURS));
	assert_null(strstr(listing(t), "hfttune"));
	assert_string_not_equal(listing(t), with);

	take_away(t, DROPINS "/x.cfg"); /* an empty directory that was there before us */
	CLEANUP(mem_freep) char *empty = strdup(listing(t));
	stage(t, "nohz_full=2");
	stage(t, "");
	assert_string_equal(listing(t), empty);
}

static void a_link_is_not_followed(void **state)
{
	struct cputree *t = *state;
	char full[256];

	put(t, DROPINS "/x.cfg", "A=1");
	assert_int_equal(symlink("../../elsewhere", cputree_real(t, OURS, full)), 0);
	assert_true(boot_grub.staged(&t->c, &t->b, &t->err) < 0);
	assert_string_equal(t->err.subject, OURS);
	assert_true(boot_grub.stage(&t->c, "nohz_full=2", &t->err) < 0);
	assert_false(exists(t, "/elsewhere"));
}

/* --- what others say ---------------------------------------------------------------------------------------------- */

static const char *foreign(struct cputree *t, const char *prefix)
{
	assert_int_equal(boot_grub.foreign(&t->c, prefix, &t->b, &t->err), 0);
	return strbuf_str(&t->b);
}

static void others_are_named_with_file_and_line(void **state)
{
	static const struct {
		const char *line, *prefix;
		bool sets;
	} rows[] = {
		{ "GRUB_CMDLINE_LINUX=\"quiet isolcpus=1\"", "isolcpus=", true },
		{ "GRUB_CMDLINE_LINUX='isolcpus=1'", "isolcpus=", true },
		{ "GRUB_CMDLINE_LINUX=isolcpus=1", "isolcpus=", true },
		{ "\texport GRUB_CMDLINE_LINUX_DEFAULT=\"isolcpus=1\"", "isolcpus=", true },
		{ "if true; then GRUB_CMDLINE_LINUX=\"isolcpus=1\"; fi", "isolcpus=", true },
		{ "MINE=\"a isolcpus=1\"", "isolcpus=", true },
		{ "isolcpus=1 \\", "isolcpus=", true }, /* the second line of a quoted text */
		{ "GRUB_CMDLINE_LINUX=\"nosmt=force\"", "nosmt", true },
		{ "GRUB_CMDLINE_LINUX=\"hugepages=8\"", "hugepagesz=1G hugepages=", true },
		{ "GRUB_CMDLINE_LINUX=\"rcu-nocbs=1\"", "rcu_nocbs=", true },
		{ "# GRUB_CMDLINE_LINUX=\"isolcpus=1\"", "isolcpus=", false },
		{ "GRUB_CMDLINE_LINUX=\"\" # isolcpus=1", "isolcpus=", false },
		{ "GRUB_CMDLINE_XEN_DEFAULT=\"nosmt iommu=off\"", "iommu=", false },
		{ "GRUB_CMDLINE_LINUX=\"my_isolcpus=1 xisolcpus=2\"", "isolcpus=", false },
		{ "GRUB_CMDLINE_LINUX=\"nohz_full=1\"", "nohz=", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cputree *t = *state;
		char text[256];
		snprintf(text, sizeof(text), "# first\n\n%s\nLAST=1", rows[i].line);
		put(t, DROPINS "/a.cfg", text);
		if (strcmp(foreign(t, rows[i].prefix), rows[i].sets ? DROPINS "/a.cfg:3" : "") != 0)
			fail_msg("%s: '%s'", rows[i].line, strbuf_str(&t->b));
	}
}

static void what_is_not_read_by_grub_sets_nothing(void **state)
{
	struct cputree *t = *state;

	put(t, DROPINS "/a.cfg.dpkg-old", "GRUB_CMDLINE_LINUX=isolcpus=1");
	put(t, DROPINS "/.a.cfg", "GRUB_CMDLINE_LINUX=isolcpus=1");
	stage(t, "isolcpus=1");
	assert_string_equal(foreign(t, "isolcpus="), "");
	put(t, DEFAULTS, "GRUB_CMDLINE_LINUX=isolcpus=1");
	assert_string_equal(foreign(t, "isolcpus="), DEFAULTS ":1");
}

/* --- what will be booted ------------------------------------------------------------------------------------------ */

/* A menu of grub-mkconfig with our parameters, or others, in each kind of entry. */
static void put_menu(struct cputree *t, const char *simple, const char *advanced, const char *xen)
{
	char text[4096];

	snprintf(text, sizeof(text),
	         "### BEGIN /etc/grub.d/00_header ###\n"
	         "set linux_gfx_mode=keep\n"
	         "### END /etc/grub.d/00_header ###\n\n"
	         "### BEGIN /etc/grub.d/10_linux ###\n"
	         "menuentry 'Debian GNU/Linux' --class debian {\n"
	         "\techo\t'Loading Linux 6.1.0-56-amd64 ...'\n"
	         "\tlinux\t/vmlinuz-6.1.0-56-amd64 root=UUID=aa ro  quiet %s\n"
	         "\tinitrd\t/initrd.img-6.1.0-56-amd64\n"
	         "}\n"
	         "submenu 'Advanced options' {\n"
	         "\tmenuentry 'Debian, with Linux 6.1.0-50-amd64' {\n"
	         "\t\tlinux\t/vmlinuz-6.1.0-50-amd64 root=UUID=aa ro  quiet %s $vt_handoff\n"
	         "\t}\n"
	         "\tmenuentry 'Debian, with Linux 6.1.0-50-amd64 (recovery mode)' {\n"
	         "\t\tlinux\t/vmlinuz-6.1.0-50-amd64 root=UUID=aa ro single \n"
	         "\t}\n"
	         "}\n"
	         "### END /etc/grub.d/10_linux ###\n"
	         "### BEGIN /etc/grub.d/20_linux_xen ###\n"
	         "\tmultiboot2\t/xen-4.17-amd64.gz placeholder  nosmt ${xen_rm_opts}\n"
	         "\tmodule2\t/vmlinuz-6.1.0-56-amd64 placeholder root=UUID=aa ro quiet %s\n"
	         "\tmodule2\t--nounzip   /initrd.img-6.1.0-56-amd64\n"
	         "### END /etc/grub.d/20_linux_xen ###\n"
	         "### BEGIN /etc/grub.d/30_os-prober ###\n"
	         "\tlinux /boot/vmlinuz-5.14 root=/dev/sdb1 ro isolcpus=7\n"
	         "### END /etc/grub.d/30_os-prober ###\n"
	         "### BEGIN /etc/grub.d/40_custom ###\n"
	         "\tlinux /boot/mine isolcpus=9\n"
	         "### END /etc/grub.d/40_custom ###",
	         simple, advanced, xen);
	put(t, GRUB_CFG, text);
}

static bool menu_has(struct cputree *t, const char *prefix, const char *value)
{
	assert_int_equal(boot_grub.entries(&t->c, prefix, value, &t->b, &t->err), 0);
	return t->b.len == 0;
}

static void every_entry_that_boots_normally_counts(void **state)
{
	struct cputree *t = *state;

	put_menu(t, "isolcpus=2-3", "isolcpus=2-3", "isolcpus=2-3");
	assert_true(menu_has(t, "isolcpus=", "2-3"));
	assert_false(menu_has(t, "isolcpus=", "2"));
	assert_false(menu_has(t, "isolcpus=", ""));
	put_menu(t, "isolcpus=2-3", "", "isolcpus=2-3"); /* in the submenu, an older kernel */
	assert_false(menu_has(t, "isolcpus=", "2-3"));
	assert_true(str_starts(strbuf_str(&t->b), "/vmlinuz-6.1.0-50-amd64 "));
	put_menu(t, "isolcpus=2-3", "isolcpus=2-3", "");
	assert_false(menu_has(t, "isolcpus=", "2-3"));
	put_menu(t, "", "", "");
	assert_true(menu_has(t, "isolcpus=", "")); /* other systems' entries, and hand-made ones, are not ours */
	put_menu(t, "isolcpus=1 isolcpus=2-3", "isolcpus=2-3", "isolcpus=2-3");
	assert_true(menu_has(t, "isolcpus=", "2-3")); /* the kernel takes the last one */
	put_menu(t, "isolcpus=2-3 isolcpus=1", "isolcpus=2-3", "isolcpus=2-3");
	assert_false(menu_has(t, "isolcpus=", "2-3"));
}

static void flags_and_pairs_are_found_in_entries(void **state)
{
	struct cputree *t = *state;

	put_menu(t, "nosoftlockup", "nosoftlockup", "nosoftlockup");
	assert_true(menu_has(t, "nosoftlockup", "yes"));
	assert_true(menu_has(t, "nosmt", "")); /* that of Xen is not the kernel's */
	put_menu(t, "hugepagesz=1G hugepages=4", "hugepagesz=1G hugepages=4", "hugepagesz=1G hugepages=4");
	assert_true(menu_has(t, "hugepagesz=1G hugepages=", "4"));
	assert_false(menu_has(t, "hugepagesz=2M hugepages=", "4"));
}

static void a_menu_without_a_kernel_proves_nothing(void **state)
{
	struct cputree *t = *state;

	put(t, GRUB_CFG, "### BEGIN /etc/grub.d/10_linux ###\n### END /etc/grub.d/10_linux ###");
	assert_false(menu_has(t, "isolcpus=", "2-3"));
	assert_false(menu_has(t, "isolcpus=", ""));
}

/* Rolled back while somebody else sets it now: that is theirs, and no reason to say that ours is still there. */
static void what_others_set_since_is_no_drift(void **state)
{
	struct cputree *t = *state;

	t->c.copied = false;
	put_menu(t, "isolcpus=1", "isolcpus=1", "isolcpus=1");
	assert_int_equal(judged(t, &knob_boot, "isolcpus", ""), KNOB_DRIFT);
	put(t, DEFAULTS, "GRUB_CMDLINE_LINUX=isolcpus=1");
	assert_int_equal(judged(t, &knob_boot, "isolcpus", ""), KNOB_OK);
}

static void staged_without_the_program_is_drift(void **state)
{
	struct cputree *t = *state;

	t->c.copied = false;
	put_menu(t, "", "", "");
	stage(t, "nohz_full=2-3");
	assert_int_equal(judged(t, &knob_boot, "nohz_full", "2-3"), KNOB_DRIFT);
	put_menu(t, "nohz_full=2-3", "nohz_full=2-3", "nohz_full=2-3");
	assert_int_equal(judged(t, &knob_boot, "nohz_full", "2-3"), KNOB_PENDING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ours_comes_behind_what_others_set, setup, teardown),
		cmocka_unit_test_setup_teardown(plain_lines_mean_the_same_to_the_shell, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_made_goes_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_that_others_use_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_is_not_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(others_are_named_with_file_and_line, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_read_by_grub_sets_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(every_entry_that_boots_normally_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(flags_and_pairs_are_found_in_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(a_menu_without_a_kernel_proves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(what_others_set_since_is_no_drift, setup, teardown),
		cmocka_unit_test_setup_teardown(staged_without_the_program_is_drift, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
