/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of daemon/engine with knobs that write files: layers outlive a reboot, originals hold for ever, a transaction that
 * a reboot cut short is undone as far as files go. By the example of knob boot with GRUB's file.
 */
#include "tests/unit/daemon/engine/tree.h"

#define OURS "/etc/default/grub.d/zz-hfttune.cfg"
#define DROPINS "/etc/default/grub.d"
#define CMDLINE "/proc/cmdline"
#define ISOLATED "/sys/devices/system/cpu/isolated"
#define NOHZ_FULL "/sys/devices/system/cpu/nohz_full"
#define BOOTED "root=/dev/vda1 ro quiet"

static const char *const one = "[phase a]\n[a/sysctl]\nvm.swappiness = 10\n[a/boot]\nisolcpus = 2-3\nnohz_full = 2-3\n";

static void look_booted(const struct tree *t, const char *line, const char *isolated, const char *nohz_full)
{
	char text[256];

	snprintf(text, sizeof(text), BOOTED "%s%s", line[0] ? " " : "", line);
	put(t, CMDLINE, text);
	put(t, ISOLATED, isolated);
	put(t, NOHZ_FULL, nohz_full);
}

static int set_up_boot(void **state)
{
	struct tree *t;

	set_up(state);
	t = *state;
	char line[] = "d /etc/default";
	char cfg[] = "f 0444 /boot/grub/grub.cfg\t";
	assert_int_equal(tree_line(t->dir, line), 0);
	assert_int_equal(tree_line(t->dir, cfg), 0);
	put(t, "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"");
	look_booted(t, "", "", "");
	return 0;
}

static bool exists(const struct tree *t, const char *path)
{
	return faccessat(t->dir, below(path), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What stands between the quotes of our file; "" without one. */
static const char *staged(const struct tree *t)
{
	static char text[512];
	char file[2048];
	int fd = openat(t->dir, below(OURS), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, file, sizeof(file) - 1) : 0;

	if (fd >= 0)
		close(fd);
	assert_true(n >= 0);
	file[n] = '\0';
	const char *open = strchr(file, '\'');
	snprintf(text, sizeof(text), "%.*s", open ? (int)strcspn(open + 1, "'") : 0, open ? open + 1 : "");
	return text;
}

/* The host's files, as they were. */
static void assert_nothing_is_staged(const struct tree *t)
{
	assert_false(exists(t, DROPINS));
	assert_false(exists(t, "/etc/default/.grub.d.hfttune-new"));
}

static bool needs_reboot(struct tree *t)
{
	CLEANUP(json_freep) struct json *j = NULL;

	assert_done(t, engine_status(&t->e, &j, &t->err));
	return json_get_bool(j, "reboot_needed", false);
}

static void next_boot(struct tree *t)
{
	reboot(t);
	put(t, SWAPPINESS, "60"); /* what was volatile is gone */
}

static void set_by_hand(const struct tree *t, const char *line)
{
	char text[512];

	snprintf(text, sizeof(text), "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT \"'%s'", line);
	put(t, OURS, text);
}

/* --- a boot later ------------------------------------------------------------------------------------------------- */

static void test_a_file_is_pending_until_the_next_boot(void **state)
{
	struct tree *t = *state;

	profile(t, "one", one);
	plan(t, "one");
	assert_state(t, "boot isolcpus", "a", "change");
	assert_true(step_needs_reboot(step_of(t, "boot isolcpus", "a")));
	assert_false(step_needs_reboot(step_of(t, "sysctl vm.swappiness", "a")));
	apply(t, "one");
	assert_string_equal(staged(t), "isolcpus=2-3 nohz_full=2-3");
	assert_state(t, "boot isolcpus", "a", "pending");
	assert_true(step_needs_reboot(step_of(t, "boot isolcpus", "a")));
	assert_true(needs_reboot(t));
	assert_string_equal(original_of(t, "boot isolcpus"), "");
	verify(t);
	assert_state(t, "boot nohz_full", "a", "pending");
	assert_string_equal(step_of(t, "boot nohz_full", "a")->reason, "reboot");
	apply(t, "one"); /* P10 */
	assert_int_equal(t->result.txn, 0);
}

static void test_it_holds_in_the_next_boot_and_what_is_volatile_does_not(void **state)
{
	struct tree *t = *state;

	profile(t, "one", one);
	apply(t, "one");
	next_boot(t);
	look_booted(t, "isolcpus=2-3 nohz_full=2-3", "2-3", "2-3");
	assert_false(needs_reboot(t));
	verify(t);
	assert_state(t, "boot isolcpus", "a", "ok");
	assert_state(t, "boot nohz_full", "a", "ok");
	assert_state(t, "sysctl vm.swappiness", "a", "drift");
	put(t, SWAPPINESS, "70"); /* the original of this boot */
	apply(t, "one");
	assert_file(t, SWAPPINESS, "10");
	assert_state(t, "boot isolcpus", "a", "ok");
	assert_string_equal(original_of(t, "boot isolcpus"), "");
	assert_string_equal(original_of(t, "sysctl vm.swappiness"), "70");
	roll_back_all(t);
	assert_file(t, SWAPPINESS, "70");
	assert_nothing_is_staged(t);
	assert_state(t, "boot isolcpus", "a", "pending"); /* the kernel still runs with it */
	assert_int_equal(n_originals(t), 0);
}

static void test_rollback_in_another_boot_writes_files_alone(void **state)
{
	struct tree *t = *state;

	profile(t, "one", one);
	apply(t, "one");
	next_boot(t);
	look_booted(t, "isolcpus=2-3 nohz_full=2-3", "2-3", "2-3");
	put(t, SWAPPINESS, "33"); /* somebody's, in this boot */
	roll_back_all(t);
	assert_nothing_is_staged(t);
	assert_file(t, SWAPPINESS, "33");
	assert_layers(t, "");
	assert_int_equal(n_originals(t), 0);
}

static void test_a_layer_of_files_alone_is_in_force_in_every_boot(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\n[a/boot]\nskew_tick = 1\n");
	apply(t, "p");
	next_boot(t);
	assert_layers(t, "p/a");
	verify(t);
	assert_state(t, "boot skew_tick", "a", "pending"); /* a boot of an older entry */
	assert_true(needs_reboot(t));
	look_booted(t, "skew_tick=1", "", "");
	verify(t);
	assert_state(t, "boot skew_tick", "a", "ok");
}

static void test_what_the_kernel_did_not_take_is_drift(void **state)
{
	struct tree *t = *state;

	profile(t, "one", one);
	apply(t, "one");
	next_boot(t);
	look_booted(t, "isolcpus=2-3 nohz_full=2-3", "2-3", "(null)");
	refuse_writes(t, NOHZ_FULL, true);
	verify(t);
	assert_state(t, "boot isolcpus", "a", "ok");
	assert_state(t, "boot nohz_full", "a", "drift");
}

static void test_repair_mends_the_file_in_any_boot(void **state)
{
	struct tree *t = *state;

	profile(t, "one", one);
	apply(t, "one");
	next_boot(t);
	look_booted(t, "isolcpus=2-3 nohz_full=2-3", "2-3", "2-3");
	set_by_hand(t, "isolcpus=3");
	repair(t);
	assert_string_equal(staged(t), "isolcpus=2-3 nohz_full=2-3");
	assert_file(t, SWAPPINESS, "10");
	roll_back_all(t);
	assert_false(exists(t, OURS)); /* the directory is theirs now */
}

/* P4: nobody's edit is overwritten at a boot. */
static void test_replay_leaves_files_as_they_are(void **state)
{
	struct tree *t = *state;

	profile(t, "one", one);
	apply(t, "one");
	next_boot(t);
	look_booted(t, "isolcpus=2-3 nohz_full=2-3", "2-3", "2-3");
	set_by_hand(t, "isolcpus=3");
	replay(t);
	assert_string_equal(staged(t), "isolcpus=3");
	assert_file(t, SWAPPINESS, "10");
	assert_string_equal(original_of(t, "boot isolcpus"), "");
	assert_state(t, "boot isolcpus", "a", "");
	assert_layers(t, "one/a");
	verify(t);
	assert_state(t, "boot isolcpus", "a", "drift");
	/* Files alone never went out of force. */
	roll_back_all(t);
	profile(t, "p", "[phase x]\n[x/boot]\nisolcpus = 2-3\n");
	apply(t, "p");
	put(t, BOOT_ID, BOOT_3);
	replay(t);
	assert_int_equal(t->result.txn, 0);
}

/* --- a transaction cut short -------------------------------------------------------------------------------------- */

static void recover(struct tree *t, int64_t txn)
{
	int64_t recovered;

	assert_done(t, engine_recover(&t->e, &recovered, &t->err));
	assert_int_equal(recovered, txn);
	assert_layers(t, "");
}

static void test_recovery_in_the_same_boot_undoes_all(void **state)
{
	static const char *const steps[] = { "sysctl vm.swappiness", "boot isolcpus", "boot nohz_full" };
	struct tree *t = *state;

	profile(t, "one", one);
	for (size_t i = 0; i < 3; i++) {
		int64_t txn = crash_at(t, "one", steps[i]);

		assert_string_equal(staged(t), i == 2 ? "isolcpus=2-3" : "");
		recover(t, txn);
		assert_nothing_is_staged(t);
		assert_as_before(t);
	}
}

/* A value of the boot before is void, whoever has it now; a file is still what it was. */
static void test_recovery_in_another_boot_undoes_files_alone(void **state)
{
	struct tree *t = *state;
	int64_t txn;

	profile(t, "one", one);
	txn = crash_at(t, "one", "boot nohz_full");
	assert_string_equal(staged(t), "isolcpus=2-3");
	next_boot(t);
	put(t, SWAPPINESS, "10"); /* what we would have written, by somebody else */
	recover(t, txn);
	assert_nothing_is_staged(t);
	assert_file(t, SWAPPINESS, "10");
}

/* The word that a step was begun may be lost with the power; and what was committed before stays. */
static void test_recovery_in_another_boot_leaves_the_layers_beneath(void **state)
{
	struct tree *t = *state;
	int64_t txn, recovered;

	profile(t, "base", "[phase b]\n[b/boot]\nskew_tick = 1\n");
	profile(t, "one", one);
	apply(t, "base");
	txn = crash_at(t, "one", "boot nohz_full");
	assert_string_equal(staged(t), "isolcpus=2-3 skew_tick=1");
	next_boot(t);
	assert_done(t, engine_recover(&t->e, &recovered, &t->err));
	assert_int_equal(recovered, txn);
	assert_string_equal(staged(t), "skew_tick=1");
	assert_layers(t, "base/b");
	roll_back_all(t);
	assert_nothing_is_staged(t);
}

/* What was not begun in this boot is not ours to undo. */
static void test_recovery_leaves_alone_what_was_not_begun(void **state)
{
	struct tree *t = *state;
	int64_t txn;

	profile(t, "one", one);
	txn = crash_at(t, "one", "sysctl vm.swappiness");
	char line[] = "d " DROPINS;
	assert_int_equal(tree_line(t->dir, line), 0);
	set_by_hand(t, "isolcpus=3");
	recover(t, txn);
	assert_string_equal(staged(t), "isolcpus=3");
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

static const char *const stack[] = {
	"[phase a]\n[a/boot]\nisolcpus = 3\nskew_tick = 1\n",
	"[phase b]\n[b/boot]\nisolcpus = 2-3\nnohz_full = 2-3\n",
	"[phase c]\n[c/boot]\nisolcpus = domain,2-3\nnosoftlockup = yes\n",
};

/* The staged line when these layers are in force. */
static void expect(bool a, bool b, bool c, char *text, size_t size)
{
	snprintf(text, size, "%s%s%s%s", c ? "isolcpus=domain,2-3 " : b ? "isolcpus=2-3 " : a ? "isolcpus=3 " : "",
	         b ? "nohz_full=2-3 " : "", a ? "skew_tick=1 " : "", c ? "nosoftlockup " : "");
	if (text[0])
		text[strlen(text) - 1] = '\0';
}

static void test_any_order_of_rollbacks_ends_at_the_originals(void **state)
{
	static const char orders[][4] = { "abc", "acb", "bac", "bca", "cab", "cba" };
	struct tree *t = *state;
	char names[] = "p0", phase[] = "a", text[256];

	put(t, "/proc/sys/kernel/soft_watchdog", "1");
	for (size_t i = 0; i < 3; i++) {
		names[1] = (char)('0' + i);
		profile(t, names, stack[i]);
	}
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		bool in[3] = { true, true, true };

		for (size_t k = 0; k < 3; k++) {
			names[1] = (char)('0' + k);
			apply(t, names);
		}
		for (size_t k = 0; k < 3; k++) {
			expect(in[0], in[1], in[2], text, sizeof(text));
			assert_string_equal(staged(t), text);
			phase[0] = orders[i][k];
			in[phase[0] - 'a'] = false;
			if (k == 1) /* and a reboot makes no difference */
				put(t, BOOT_ID, i % 2 ? BOOT_1 : BOOT_2);
			roll_back_phase(t, phase);
		}
		assert_nothing_is_staged(t);
		assert_int_equal(n_originals(t), 0);
	}
}

static void test_an_original_is_of_before_the_first_layer_of_any_boot(void **state)
{
	struct tree *t = *state;
	char line[] = "d " DROPINS;

	/* An administrator's own copy of our file, before we came. */
	assert_int_equal(tree_line(t->dir, line), 0);
	set_by_hand(t, "isolcpus=1");
	profile(t, "p0", stack[0]);
	profile(t, "p1", stack[1]);
	apply(t, "p0");
	next_boot(t);
	apply(t, "p1");
	assert_string_equal(original_of(t, "boot isolcpus"), "1");
	roll_back_all(t);
	assert_string_equal(staged(t), "isolcpus=1");
}

/* --- P6 ----------------------------------------------------------------------------------------------------------- */

static void edited_by_hand(struct tree *t)
{
	profile(t, "one", one);
	apply(t, "one");
	set_by_hand(t, "isolcpus=3 nohz_full=2-3");
	assert_done(t, call(t, engine_rollback, &(struct request){.all = true}));
	assert_state(t, "boot isolcpus", "a", "conflict");
	assert_string_equal(staged(t), "isolcpus=3"); /* theirs stays, ours goes */
	assert_layers(t, "one/a(residue)");
	assert_file(t, SWAPPINESS, "60");
}

static void test_a_foreign_edit_is_a_conflict_until_forced(void **state)
{
	struct tree *t = *state;

	edited_by_hand(t);
	next_boot(t);
	assert_layers(t, "one/a(residue)"); /* it outlives a reboot, as its file does */
	assert_done(t, call(t, engine_rollback, &(struct request){.all = true, .force = true}));
	assert_false(exists(t, OURS));
	assert_layers(t, "");
	assert_int_equal(n_originals(t), 0);
}

static void test_a_foreign_edit_is_kept_when_told(void **state)
{
	struct tree *t = *state;

	edited_by_hand(t);
	assert_done(t, call(t, engine_rollback, &(struct request){.all = true, .keep_theirs = true}));
	assert_string_equal(staged(t), "isolcpus=3");
	assert_layers(t, "");
	assert_int_equal(n_originals(t), 0);
}

/* Taken out by hand: as it was before us, so nothing to argue about. */
static void test_a_file_that_was_removed_by_hand_is_no_conflict(void **state)
{
	struct tree *t = *state;

	profile(t, "one", one);
	apply(t, "one");
	take_away(t, OURS);
	assert_int_equal(unlinkat(t->dir, below(DROPINS), AT_REMOVEDIR), 0);
	roll_back_all(t);
	assert_layers(t, "");
	assert_nothing_is_staged(t);
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

static void refused(struct tree *t, const char *text, const char *code, const char *subject, const char *where)
{
	profile(t, "bad", text);
	assert_error(t, call(t, engine_apply, &(struct request){.profile = "bad"}), code, subject);
	const char *file = strrchr(t->err.where, '/');
	assert_string_equal(file ? file + 1 : t->err.where, where);
	assert_nothing_is_staged(t);
	assert_as_before(t);
}

static void test_a_core_is_left_for_the_house(void **state)
{
	struct tree *t = *state;

	refused(t, "[phase a]\n[a/sysctl]\nvm.swappiness = 1\n[a/boot]\nisolcpus = 0-3\n", ERR_INVALID_PROFILE, "isolcpus",
	        "bad.conf:5");
	refused(t, "[phase a]\n[a/boot]\nisolcpus = 2\nnohz_full = 1\n", ERR_INVALID_PROFILE, "nohz_full", "bad.conf:4");
	/* By layers of different profiles, too. */
	profile(t, "good", "[phase a]\n[a/boot]\nisolcpus = managed_irq,domain,2-3\n");
	apply(t, "good");
	profile(t, "bad", "[phase b]\n[b/boot]\nnohz_full = 0\n");
	assert_error(t, call(t, engine_apply, &(struct request){.profile = "bad"}), ERR_INVALID_PROFILE, "nohz_full");
	assert_string_equal(staged(t), "isolcpus=managed_irq,domain,2-3");
	/* What is in force can be taken out, one by one, whatever has become of the CPUs. */
	profile(t, "other", "[phase o]\n[o/boot]\nskew_tick = 1\n");
	apply(t, "other");
	put(t, "/sys/devices/system/cpu/online", "2-3");
	roll_back_phase(t, "o");
	assert_string_equal(staged(t), "isolcpus=managed_irq,domain,2-3");
	roll_back_all(t);
	assert_nothing_is_staged(t);
}

static void test_values_that_contradict_each_other(void **state)
{
	struct tree *t = *state;

	refused(t, "[phase a]\n[a/boot]\nnohz_full = 2-3\nnohz = off\n", ERR_INVALID_PROFILE, "nohz", "bad.conf:4");
	refused(t, "[phase a]\n[a/boot]\nirqaffinity = 1-2\nisolcpus = 2-3\n", ERR_INVALID_PROFILE, "isolcpus", "bad.conf:4");
	/* What lies beneath is not written. */
	profile(t, "p", "[phase a]\norder = 1\n[a/boot]\nnohz = off\n"
	                "[phase b]\norder = 2\n[b/boot]\nnohz = on\nnohz_full = 2-3\n");
	apply(t, "p");
	assert_string_equal(staged(t), "nohz_full=2-3 nohz=on");
	roll_back_phase(t, "b");
	assert_string_equal(staged(t), "nohz=off");
}

static void test_barriers_come_down_with_leave_alone(void **state)
{
	struct tree *t = *state;

	refused(t, "[phase a]\n[a/boot]\nmitigations = off\n", ERR_REFUSED, "mitigations", "bad.conf:3");
	refused(t, "[phase a]\naccept = inexact\n[a/boot]\nmitigations = off\n", ERR_REFUSED, "mitigations", "bad.conf:4");
	profile(t, "p", "[phase a]\naccept = inexact, security\n[a/boot]\nmitigations = off\n");
	apply(t, "p");
	assert_string_equal(staged(t), "mitigations=off");
	set_by_hand(t, "");
	repair(t); /* the leave is kept with the layer */
	assert_string_equal(staged(t), "mitigations=off");
	profile(t, "q", "[phase b]\n[b/boot]\nmitigations = auto,nosmt\n");
	apply(t, "q");
	assert_string_equal(staged(t), "mitigations=auto,nosmt");
}

static void test_a_parameter_of_somebody_else(void **state)
{
	struct tree *t = *state;

	put(t, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"isolcpus=1\"");
	profile(t, "one", one);
	assert_error(t, call(t, engine_apply, &(struct request){.profile = "one"}), ERR_CONFLICT, "isolcpus");
	assert_non_null(strstr(t->err.msg, "/etc/default/grub:1"));
	assert_nothing_is_staged(t);
}

static void test_no_boot_loader_is_an_error(void **state)
{
	struct tree *t = *state;

	take_away(t, "/boot/grub/grub.cfg");
	profile(t, "one", one);
	assert_error(t, call(t, engine_plan, &(struct request){.profile = "one"}), ERR_NO_MATCH, "boot");
}

/* --- failures ----------------------------------------------------------------------------------------------------- */

static void break_the_loader(struct tree *t)
{
	unlinkat(t->dir, below("/boot/grub/grub.cfg"), 0);
}

/* P2: named, and put back when that is possible again. */
static void test_what_cannot_be_undone_is_named(void **state)
{
	struct tree *t = *state;

	profile(t, "one", one);
	when(t, "boot nohz_full", break_the_loader);
	assert_error(t, call(t, engine_apply, &(struct request){.profile = "one"}), ERR_NOT_UNDONE, "boot isolcpus");
	assert_file(t, SWAPPINESS, "60");
	t->event = NULL;
	put(t, "/boot/grub/grub.cfg", "");
	int64_t recovered;
	assert_done(t, engine_recover(&t->e, &recovered, &t->err));
	assert_nothing_is_staged(t);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_boot, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_file_is_pending_until_the_next_boot),
		TEST(test_it_holds_in_the_next_boot_and_what_is_volatile_does_not),
		TEST(test_rollback_in_another_boot_writes_files_alone),
		TEST(test_a_layer_of_files_alone_is_in_force_in_every_boot),
		TEST(test_what_the_kernel_did_not_take_is_drift),
		TEST(test_repair_mends_the_file_in_any_boot),
		TEST(test_replay_leaves_files_as_they_are),
		TEST(test_recovery_in_the_same_boot_undoes_all),
		TEST(test_recovery_in_another_boot_undoes_files_alone),
		TEST(test_recovery_in_another_boot_leaves_the_layers_beneath),
		TEST(test_recovery_leaves_alone_what_was_not_begun),
		TEST(test_any_order_of_rollbacks_ends_at_the_originals),
		TEST(test_an_original_is_of_before_the_first_layer_of_any_boot),
		TEST(test_a_foreign_edit_is_a_conflict_until_forced),
		TEST(test_a_foreign_edit_is_kept_when_told),
		TEST(test_a_file_that_was_removed_by_hand_is_no_conflict),
		TEST(test_a_core_is_left_for_the_house),
		TEST(test_values_that_contradict_each_other),
		TEST(test_barriers_come_down_with_leave_alone),
		TEST(test_a_parameter_of_somebody_else),
		TEST(test_no_boot_loader_is_an_error),
		TEST(test_what_cannot_be_undone_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
