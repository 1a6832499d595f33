/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of how daemon/engine restarts units: when, how often, and what comes of one that does not come back. By the
 * example of the knobs service and malloc; whether a service then runs with what was set is for the lab.
 */
#include "tests/unit/daemon/engine/tree.h"

#define UNIT "a.service"
#define OURS "/etc/systemd/system/a.service.d/50-hfttune.conf"
#define RUNS "/run/systemd/units/invocation:a.service"

static const char *const settings = "[a/service a.service]\nNice = -5\nCPUAffinity = 1\n[a/malloc a.service]\nnarenas = 2\n"
				    "[a/sysctl]\nvm.swappiness = 10\n";

/* What a restart saw: the file, and whether it fails. */
static struct {
	int n, fail_at;
	bool always;
	char file[4][1024];
	char units[4][64];
} seen;

static void read_all(const struct tree *t, const char *path, char *ret, size_t size)
{
	int fd = openat(t->dir, below(path), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, ret, size - 1) : 0;

	if (fd >= 0)
		close(fd);
	assert_true(n >= 0);
	ret[n] = '\0';
}

static const struct tree *current; /* the call has no data of its own */

static int on_restart(const struct knob_ctx *c, const char *unit, struct hft_err *err)
{
	int n = seen.n++;

	assert_non_null(c->alive);
	assert_true(n < 4);
	snprintf(seen.units[n], sizeof(seen.units[n]), "%s", unit);
	read_all(current, OURS, seen.file[n], sizeof(seen.file[n]));
	return seen.always || seen.n == seen.fail_at ? err_raise(err, ERR_NOT_IN_EFFECT, EREMOTEIO, unit, "is failed") : 0;
}

static void put_program(const struct tree *t)
{
	static const char bytes[] = "ELF\0MALLOC_CONF\0opt.narenas";
	int fd;

	put(t, "/usr/bin/a", "");
	fd = openat(t->dir, below("/usr/bin/a"), O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	close(fd);
}

static int set_up_unit(void **state)
{
	struct tree *t;
	char bin[] = "d /usr/bin", units[] = "d /usr/lib/systemd/system", etc[] = "d /etc/systemd/system";
	char run[] = "d /run/systemd/units";

	set_up(state);
	current = t = *state;
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(tree_line(t->dir, bin), 0);
	assert_int_equal(tree_line(t->dir, units), 0);
	assert_int_equal(tree_line(t->dir, etc), 0);
	assert_int_equal(tree_line(t->dir, run), 0);
	put(t, "/usr/lib/systemd/system/" UNIT, "[Service]\nExecStart=/usr/bin/a");
	put_program(t);
	t->e.restart = on_restart;
	return 0;
}

static void write_profile(const struct tree *t, const char *name, const char *keys)
{
	char text[1024];

	snprintf(text, sizeof(text), "[phase a]\n%s%s", keys, settings);
	profile(t, name, text);
}

static bool is_written(const struct tree *t)
{
	return faccessat(t->dir, below(OURS), F_OK, 0) == 0;
}

static bool has_note(const struct tree *t, const char *text)
{
	for (size_t i = 0; i < t->result.phases[0].notes.n; i++) {
		if (strstr(t->result.phases[0].notes.s[i], text))
			return true;
	}
	return false;
}

static void test_a_unit_is_restarted_once_after_all_is_written(void **state)
{
	struct tree *t = *state;

	write_profile(t, "p", "restart = allowed\n");
	plan(t, "p");
	assert_true(has_note(t, "apply restarts a.service"));
	assert_int_equal(seen.n, 0);
	apply(t, "p");
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.units[0], UNIT);
	assert_non_null(strstr(seen.file[0], "Nice=-5\n"));
	assert_non_null(strstr(seen.file[0], "MALLOC_CONF=narenas:2\n"));
	assert_file(t, SWAPPINESS, "10");
}

static void test_without_leave_it_is_pending(void **state)
{
	struct tree *t = *state;

	write_profile(t, "p", "");
	plan(t, "p");
	assert_true(has_note(t, "restart = allowed"));
	apply(t, "p");
	assert_int_equal(seen.n, 0);
	assert_state(t, "service a.service Nice", "a", "pending");
	assert_string_equal(step_of(t, "malloc a.service narenas", "a")->reason, "restart");
	apply(t, "p"); /* P10 */
	assert_int_equal(t->result.txn, 0);
	assert_int_equal(seen.n, 0);
}

/* Leave that comes later is enough: nothing has to be written again. */
static void test_leave_may_come_later(void **state)
{
	struct tree *t = *state;
	struct stat before, after;

	write_profile(t, "p", "");
	apply(t, "p");
	assert_int_equal(fstatat(t->dir, below(OURS), &before, 0), 0);
	write_profile(t, "p", "restart = allowed\n");
	apply(t, "p");
	assert_int_equal(seen.n, 1);
	assert_int_equal(fstatat(t->dir, below(OURS), &after, 0), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void test_a_unit_that_stays_down_is_undone_and_started_again(void **state)
{
	struct tree *t = *state;

	write_profile(t, "p", "restart = allowed\n");
	seen.fail_at = 1;
	assert_true(call(t, engine_apply, &(struct request){.profile = "p"}) < 0);
	assert_string_equal(t->err.code, ERR_NOT_IN_EFFECT);
	assert_string_equal(t->err.subject, UNIT);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.file[1], ""); /* as it was before */
	assert_false(is_written(t));
	assert_as_before(t);
	verify(t);
	assert_int_equal(t->result.n_steps, 0);
}

/* What systemd shows of an active unit. */
static void show_active(const struct tree *t, bool active)
{
	if (active)
		put(t, RUNS, "x");
	else
		take_away(t, RUNS);
}

/* Stopped, and then there is nobody any more to start it. */
static int end_in_restart(const struct knob_ctx *c, const char *unit, struct hft_err *err)
{
	(void)c;
	(void)unit;
	(void)err;
	show_active(current, false);
	_exit(77);
}

static void apply_killed_in_restart(struct tree *t)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		t->e.restart = end_in_restart;
		engine_apply(&t->e, &(struct request){.profile = "p"}, &t->result, &t->err);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 77);
}

static void test_a_unit_that_a_kill_left_stopped_is_started_again(void **state)
{
	struct tree *t = *state;

	show_active(t, true);
	write_profile(t, "p", "restart = allowed\n");
	apply_killed_in_restart(t);
	roll_back_all(t);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.units[0], UNIT);
	assert_string_equal(seen.file[0], ""); /* with what it had before */
	assert_false(is_written(t));
}

/* Nothing had to be written, so that nothing has to be put back. */
static void test_so_is_one_that_was_only_restarted(void **state)
{
	struct tree *t = *state;

	show_active(t, true);
	write_profile(t, "p", "");
	apply(t, "p");
	write_profile(t, "p", "restart = allowed\n");
	apply_killed_in_restart(t);
	repair(t);
	assert_int_equal(seen.n, 1);
	assert_non_null(strstr(seen.file[0], "Nice=-5\n"));
	assert_true(is_written(t));
}

/* One that did not run before, or that another boot has yet to start, stays as it is. */
static void test_what_did_not_run_is_not_started(void **state)
{
	struct tree *t = *state;

	write_profile(t, "p", "restart = allowed\n");
	crash_at(t, "p", "malloc a.service narenas");
	roll_back_all(t);
	assert_int_equal(seen.n, 0);
	show_active(t, true);
	apply_killed_in_restart(t);
	reboot(t);
	roll_back_all(t);
	assert_int_equal(seen.n, 0);
	assert_false(is_written(t));
}

/* Down with the old settings, too: that is neither before nor after, and is named. */
static void test_a_unit_that_cannot_be_brought_back_is_named(void **state)
{
	struct tree *t = *state;

	write_profile(t, "p", "restart = allowed\n");
	seen.always = true;
	assert_int_equal(call(t, engine_apply, &(struct request){.profile = "p"}), -EREMOTEIO);
	assert_string_equal(t->err.code, ERR_NOT_UNDONE);
	assert_int_equal(seen.n, 2);
	assert_false(is_written(t));
}

/* Only what the failed phase did is given up; the unit runs with the rest. */
static void test_keep_starts_it_with_what_is_kept(void **state)
{
	struct tree *t = *state;

	profile(t, "p", "[phase a]\norder = 1\nrestart = allowed\n[a/service a.service]\nNice = -5\n"
	                "[phase b]\norder = 2\nrestart = allowed\n[b/service a.service]\nLimitNOFILE = 10\n");
	seen.fail_at = 1;
	assert_done(t, call(t, engine_apply, &(struct request){.profile = "p", .keep = true}));
	assert_int_equal(seen.n, 2);
	assert_non_null(strstr(seen.file[0], "LimitNOFILE=10"));
	assert_non_null(strstr(seen.file[1], "Nice=-5"));
	assert_null(strstr(seen.file[1], "LimitNOFILE"));
}

/* The leave is that of the phase that writes; of one that comes to light, either's. */
static void test_the_leave_of_the_layer_beneath_is_not_that_of_the_upper_one(void **state)
{
	struct tree *t = *state;

	write_profile(t, "p", "restart = allowed\n");
	apply(t, "p");
	profile(t, "q", "[phase b]\n[b/service a.service]\nNice = -7\n");
	apply(t, "q");
	assert_int_equal(seen.n, 1);
	assert_state(t, "service a.service Nice", "b", "pending");
	roll_back_phase(t, "b");
	assert_int_equal(seen.n, 2);
	assert_non_null(strstr(seen.file[1], "Nice=-5\n"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up_unit, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_unit_is_restarted_once_after_all_is_written),
		CASE(test_without_leave_it_is_pending),
		CASE(test_leave_may_come_later),
		CASE(test_a_unit_that_stays_down_is_undone_and_started_again),
		CASE(test_a_unit_that_a_kill_left_stopped_is_started_again),
		CASE(test_so_is_one_that_was_only_restarted),
		CASE(test_what_did_not_run_is_not_started),
		CASE(test_a_unit_that_cannot_be_brought_back_is_named),
		CASE(test_keep_starts_it_with_what_is_kept),
		CASE(test_the_leave_of_the_layer_beneath_is_not_that_of_the_upper_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
