/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of daemon/knobs/boot_{bls,sdboot,entries}.c and of the choice of a loader. grubby, rpm-ostree and kernel-install
 * of other systems cannot run here: their files are fixtures, and what would be run is looked at as words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "daemon/knobs/boot.h"
#include "daemon/knobs/boot_bls.h"
#include "daemon/knobs/boot_entries.h"
#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_boot;

#define ENTRIES "/boot/loader/entries"
#define RECORD "/etc/kernel/hfttune-parameters"
#define CMDLINE "/etc/kernel/cmdline"
#define ORIGINAL "/etc/kernel/.cmdline.hfttune-original"

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	cputree_read(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

static const char *text_of(const struct cputree *t, const char *path)
{
	static char text[1024];
	char full[256];
	FILE *f = fopen(cputree_real(t, path, full), "r");

	if (f == NULL)
		return "(none)";
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

static void stage(struct cputree *t, const struct boot_loader *l, const char *line)
{
	t->err = (struct hft_err){0};
	if (l->stage(&t->c, line, &t->err) < 0)
		fail_msg("%s: %s", t->err.subject, t->err.msg);
	assert_int_equal(l->staged(&t->c, &t->b, &t->err), 0);
	assert_string_equal(strbuf_str(&t->b), line);
}

static const char *foreign(struct cputree *t, const struct boot_loader *l, const char *prefix)
{
	assert_int_equal(l->foreign(&t->c, prefix, &t->b, &t->err), 0);
	return strbuf_str(&t->b);
}

static bool has(struct cputree *t, const struct boot_loader *l, const char *prefix, const char *value)
{
	assert_int_equal(l->entries(&t->c, prefix, value, &t->b, &t->err), 0);
	return t->b.len == 0;
}

/* --- which one ---------------------------------------------------------------------------------------------------- */

static void put_grub(const struct cputree *t)
{
	put(t, "/etc/default/grub", "");
	put(t, "/boot/grub/grub.cfg", "");
}

static void put_fedora(const struct cputree *t)
{
	put(t, "/usr/sbin/grubby", "");
	put(t, ENTRIES "/aa-6.8.0.conf", "title x\nversion 6.8.0\noptions root=UUID=1 ro $tuned_params");
	put(t, ENTRIES "/aa-6.9.1.conf", "title x\nversion 6.9.1\noptions root=UUID=1 ro nosmt=force");
	put(t, ENTRIES "/aa-0-rescue.conf", "title x\noptions root=UUID=1 ro");
}

static void put_sdboot(const struct cputree *t)
{
	put(t, "/usr/bin/kernel-install", "");
	put(t, CMDLINE, "root=UUID=1 ro  quiet nosmt");
	put(t, "/efi/loader/loader.conf", "");
	put(t, "/efi/loader/entries/aa-6.9.1.conf", "options  root=UUID=1 ro quiet nosmt");
}

static const char *loader_name(struct cputree *t)
{
	const struct boot_loader *l;

	t->err = (struct hft_err){0};
	return boot_loader(&t->c, &l, &t->err) == 0 ? l->name : t->err.code;
}

static void the_loader_is_known_by_its_files(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(loader_name(t), ERR_NO_MATCH);
	assert_non_null(strstr(t->err.hint, "/etc/default/grub"));
	assert_non_null(strstr(t->err.hint, "grubby"));
	assert_non_null(strstr(t->err.hint, "kernel-install"));
	put_grub(t);
	assert_string_equal(loader_name(t), "grub");
	put_sdboot(t);
	assert_string_equal(loader_name(t), ERR_NO_MATCH); /* which of the two boots the host is not to be seen */
	assert_non_null(strstr(t->err.msg, "grub"));
	assert_non_null(strstr(t->err.msg, "systemd-boot"));
	take_away(t, "/etc/default/grub");
	assert_string_equal(loader_name(t), "systemd-boot");
	take_away(t, CMDLINE);
	put_fedora(t);
	assert_string_equal(loader_name(t), "bls");
	take_away(t, "/usr/sbin/grubby");
	put(t, "/usr/bin/rpm-ostree", "");
	assert_string_equal(loader_name(t), ERR_NO_MATCH);
	put(t, "/run/ostree-booted", "");
	assert_string_equal(loader_name(t), "bls");
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static void every_entry_but_the_rescue_counts(void **state)
{
	struct cputree *t = *state;

	put_fedora(t);
	assert_true(has(t, &boot_bls, "isolcpus=", ""));
	assert_false(has(t, &boot_bls, "isolcpus=", "2-3"));
	put(t, ENTRIES "/aa-6.8.0.conf", "options root=UUID=1 ro isolcpus=2-3");
	assert_false(has(t, &boot_bls, "isolcpus=", "2-3"));
	assert_non_null(strstr(strbuf_str(&t->b), "aa-6.9.1.conf"));
	assert_false(has(t, &boot_bls, "isolcpus=", ""));
	put(t, ENTRIES "/aa-6.9.1.conf", "options root=UUID=1 ro\noptions\tisolcpus=2-3"); /* several lines are one */
	assert_true(has(t, &boot_bls, "isolcpus=", "2-3"));
	assert_false(has(t, &boot_bls, "isolcpus=", "2"));
}

static void variables_of_rhel_8_are_read(void **state)
{
	struct cputree *t = *state;

	put_fedora(t);
	put(t, ENTRIES "/aa-6.8.0.conf", "options $kernelopts");
	put(t, ENTRIES "/aa-6.9.1.conf", "options $kernelopts");
	put(t, "/boot/grub2/grubenv", "# GRUB Environment Block\nkernelopts=root=UUID=1 ro isolcpus=2-3 \nboot_success=1");
	assert_true(has(t, &boot_bls, "isolcpus=", "2-3"));
	assert_string_equal(foreign(t, &boot_bls, "isolcpus="), ENTRIES "/aa-6.8.0.conf:1");
}

static void no_entry_proves_nothing(void **state)
{
	struct cputree *t = *state;

	put(t, "/usr/sbin/grubby", "");
	put(t, ENTRIES "/README", "");
	assert_false(has(t, &boot_bls, "isolcpus=", ""));
}

/* The deployment that is booted next; the older one is there to go back to. */
static void of_an_image_the_newest_counts(void **state)
{
	struct cputree *t = *state;

	put(t, "/usr/bin/rpm-ostree", "");
	put(t, "/run/ostree-booted", "");
	put(t, ENTRIES "/ostree-1.conf", "version 1\noptions root=UUID=1 ostree=/ostree/boot.0/x");
	put(t, ENTRIES "/ostree-2.conf", "version 2\noptions root=UUID=1 ostree=/ostree/boot.1/x isolcpus=2-3");
	assert_true(has(t, &boot_bls, "isolcpus=", "2-3"));
	put(t, ENTRIES "/ostree-10.conf", "version 10\noptions root=UUID=1 ostree=/ostree/boot.1/x");
	assert_true(has(t, &boot_bls, "isolcpus=", ""));
}

/* --- grubby and rpm-ostree ---------------------------------------------------------------------------------------- */

static void what_others_set_in_entries_is_named(void **state)
{
	struct cputree *t = *state;

	put_fedora(t);
	assert_string_equal(foreign(t, &boot_bls, "nosmt"), ENTRIES "/aa-6.9.1.conf:3");
	assert_string_equal(foreign(t, &boot_bls, "isolcpus="), "");
	put(t, ENTRIES "/aa-6.9.1.conf", "options root=UUID=1 isolcpus=2-3");
	assert_string_equal(foreign(t, &boot_bls, "isolcpus="), ENTRIES "/aa-6.9.1.conf:1");
	put(t, RECORD, "# x\nwanted: isolcpus=2-3\ngiven: isolcpus=2-3"); /* that is ours */
	assert_string_equal(foreign(t, &boot_bls, "isolcpus="), "");
	put(t, ENTRIES "/aa-6.9.1.conf", "options root=UUID=1 isolcpus=3");
	assert_string_equal(foreign(t, &boot_bls, "isolcpus="), ENTRIES "/aa-6.9.1.conf:1");
}

static void what_was_given_is_remembered(void **state)
{
	struct cputree *t = *state;

	put_fedora(t);
	stage(t, &boot_bls, "isolcpus=2-3 nosoftlockup");
	stage(t, &boot_bls, "");
	assert_string_equal(text_of(t, RECORD), "(none)"); /* nothing was handed over */
	put(t, RECORD, "# x\nwanted: isolcpus=2-3\ngiven: isolcpus=2-3");
	stage(t, &boot_bls, "nohz_full=2-3");
	assert_non_null(strstr(text_of(t, RECORD), "\nwanted: nohz_full=2-3\ngiven: isolcpus=2-3\n"));
	stage(t, &boot_bls, "");
	assert_non_null(strstr(text_of(t, RECORD), "\nwanted: \ngiven: isolcpus=2-3\n"));
}

/* The program is not there: what may have reached it counts as given, and what is wanted stays. */
static void a_failed_program_leaves_what_may_have_been_given(void **state)
{
	struct cputree *t = *state;

	put_fedora(t);
	put(t, RECORD, "# x\nwanted: nohz_full=2-3\ngiven: isolcpus=2-3");
	if (access("/usr/sbin/grubby", F_OK) == 0)
		skip();
	assert_true(boot_bls.take_effect(&t->c, &t->err) < 0);
	assert_string_equal(t->err.subject, "/usr/sbin/grubby");
	assert_non_null(strstr(text_of(t, RECORD), "\nwanted: nohz_full=2-3\ngiven: isolcpus=2-3 nohz_full=2-3\n"));
}

static const char *command(bool ostree, const char *given, const char *wanted)
{
	static char text[512];
	CLEANUP(strlist_done) struct strlist words = { 0 };
	size_t n = 0;

	assert_int_equal(boot_bls_command(ostree, given, wanted, &words, NULL), 0);
	for (size_t i = 0; i < words.n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s[%s]", i > 0 ? " " : "", words.s[i]);
	return text;
}

/* Each with its value: a parameter of somebody else with another one stays where it is. */
static void commands_name_what_is_ours_alone(void **state)
{
	(void)state;
	assert_string_equal(command(false, "", "isolcpus=2-3 nosmt"),
	                    "[/usr/sbin/grubby] [--update-kernel=ALL] [--args=isolcpus=2-3 nosmt]");
	assert_string_equal(command(false, "isolcpus=2-3 nosmt", "isolcpus=3"),
	                    "[/usr/sbin/grubby] [--update-kernel=ALL] [--remove-args=isolcpus=2-3 nosmt] [--args=isolcpus=3]");
	assert_string_equal(command(false, "nosmt", ""),
	                    "[/usr/sbin/grubby] [--update-kernel=ALL] [--remove-args=nosmt]");
	assert_string_equal(command(true, "nosmt isolcpus=2", "isolcpus=3"),
	                    "[/usr/bin/rpm-ostree] [kargs] [--delete-if-present=nosmt] [--delete-if-present=isolcpus=2] "
	                    "[--append-if-missing=isolcpus=3]");
}

/* --- systemd-boot ------------------------------------------------------------------------------------------------- */

static struct stat stat_of(const struct cputree *t, const char *path)
{
	char full[256];
	struct stat st;

	assert_int_equal(stat(cputree_real(t, path, full), &st), 0);
	return st;
}

static void ours_stands_behind_theirs_and_goes_without_a_trace(void **state)
{
	static const char *const originals[] = {
		"root=UUID=1 ro  quiet nosmt", /* two blanks, and a newline at the end */
		"root=UUID=1\nro quiet ",
	};

	for (size_t i = 0; i < ARRAY_LEN(originals); i++) {
		struct cputree *t = *state;
		put_sdboot(t);
		put(t, CMDLINE, originals[i]);
		struct stat before = stat_of(t, CMDLINE);
		stage(t, &boot_sdboot, "isolcpus=2-3 hugepagesz=1G hugepages=4");
		char want[256];
		snprintf(want, sizeof(want), "%s isolcpus=2-3 hugepagesz=1G hugepages=4\n", originals[i]);
		assert_string_equal(text_of(t, CMDLINE), want);
		stage(t, &boot_sdboot, "nohz_full=2");
		snprintf(want, sizeof(want), "%s nohz_full=2\n", originals[i]);
		assert_string_equal(text_of(t, CMDLINE), want);
		stage(t, &boot_sdboot, "");
		struct stat after = stat_of(t, CMDLINE);
		assert_int_equal(after.st_ino, before.st_ino); /* the very file */
		assert_string_equal(text_of(t, ORIGINAL), "(none)");
		stage(t, &boot_sdboot, "");
	}
}

static void theirs_may_change_meanwhile(void **state)
{
	struct cputree *t = *state;

	put_sdboot(t);
	stage(t, &boot_sdboot, "isolcpus=2-3");
	put(t, CMDLINE, "root=UUID=2 ro isolcpus=2-3 debug");
	stage(t, &boot_sdboot, "isolcpus=2-3 nohz_full=2-3");
	assert_string_equal(text_of(t, CMDLINE), "root=UUID=2 ro debug isolcpus=2-3 nohz_full=2-3\n");
	stage(t, &boot_sdboot, "");
	assert_string_equal(text_of(t, CMDLINE), "root=UUID=2 ro debug\n"); /* not what the original was */
	assert_string_equal(text_of(t, ORIGINAL), "(none)");
}

static void what_the_original_sets_is_theirs(void **state)
{
	struct cputree *t = *state;

	put_sdboot(t);
	assert_string_equal(foreign(t, &boot_sdboot, "nosmt"), CMDLINE ":1");
	assert_string_equal(foreign(t, &boot_sdboot, "isolcpus="), "");
	stage(t, &boot_sdboot, "isolcpus=2-3");
	assert_string_equal(foreign(t, &boot_sdboot, "isolcpus="), "");
	assert_string_equal(value_now(t, &knob_boot, "nosmt"), "");
	assert_string_equal(value_now(t, &knob_boot, "isolcpus"), "2-3");
	assert_false(has(t, &boot_sdboot, "isolcpus=", "2-3"));
	put(t, "/efi/loader/entries/aa-6.9.1.conf", "options  root=UUID=1 ro quiet nosmt isolcpus=2-3");
	assert_true(has(t, &boot_sdboot, "isolcpus=", "2-3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_loader_is_known_by_its_files, setup, teardown),
		cmocka_unit_test_setup_teardown(every_entry_but_the_rescue_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(variables_of_rhel_8_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(no_entry_proves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(of_an_image_the_newest_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(what_others_set_in_entries_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_given_is_remembered, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_program_leaves_what_may_have_been_given, setup, teardown),
		cmocka_unit_test_setup_teardown(commands_name_what_is_ours_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(ours_stands_behind_theirs_and_goes_without_a_trace, setup, teardown),
		cmocka_unit_test_setup_teardown(theirs_may_change_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_original_sets_is_theirs, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
