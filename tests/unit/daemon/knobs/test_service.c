/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_service.c, service_rows.c and dropin.c, and of names and files of units (unit_file.c). */
#include "daemon/knobs/dropin.h"
#include "daemon/knobs/service_rows.h"
#include "daemon/knobs/unit_file.h"
#include "tests/unit/daemon/knobs/unittree.h"

extern const struct knob knob_service;

#define KEY(option) REDIS " " option

static const char *value(struct cputree *t, const char *option, const char *text)
{
	return parsed(t, &knob_service, KEY(""), option, text);
}

static void write_ok(struct cputree *t, const char *key, const char *text)
{
	assert_string_equal(written(t, &knob_service, key, text), "");
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* I3 */
static void only_units_can_be_named(void **state)
{
	static const char *const never[] = {
		"", ".service", "../x.service", "a.service/../../b.service", "a/b.service", "-.mount", "x.mount", "x.socket",
		"getty@.service", "redis", "redis-server", "a b.service", "a\n.service", "*.service", "%i.service",
		"@x.service", ".x.service", "hfttuned.service", "hfttune-replay.service", "-.slice", "init.scope",
		"x.service.d", "x.target", "x.servicE",
	};
	char longest[300];

	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		struct hft_err err = { 0 };
		if (unit_check_name(never[i], NULL, &err) >= 0)
			fail_msg("%s is taken", never[i]);
		assert_string_equal(err.code, ERR_INVALID_PROFILE);
		assert_string_equal(listed(*state, &knob_service, never[i], "Nice"), ERR_INVALID_PROFILE);
	}
	memset(longest, 'a', sizeof(longest));
	snprintf(longest + 256 - strlen(".service"), 32, ".service");
	assert_int_equal(strlen(longest), 256);
	assert_int_equal(unit_check_name(longest, NULL, NULL), -EINVAL);
	assert_int_equal(unit_check_name(longest + 1, NULL, NULL), 0);
}

static void kinds_are_told_by_the_ending(void **state)
{
	enum unit_kind kind;

	(void)state;
	assert_int_equal(unit_check_name("a-b_c:d.e@f\\x2d.service", &kind, NULL), 0);
	assert_int_equal(kind, UNIT_SERVICE);
	assert_int_equal(unit_check_name("hft.slice", &kind, NULL), 0);
	assert_int_equal(kind, UNIT_SLICE);
	assert_int_equal(unit_check_name("session-1.scope", &kind, NULL), 0);
	assert_int_equal(kind, UNIT_SCOPE);
}

/* F22, F2: a literal that is not there, masked, or another name. */
static void what_is_not_installed_is_no_match(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_service, REDIS, "Nice"), KEY("Nice"));
	assert_string_equal(listed(t, &knob_service, "gone.service", "Nice"), ERR_NO_MATCH);
	assert_string_equal(listed(t, &knob_service, "masked.service", "Nice"), ERR_NO_MATCH);
	assert_non_null(strstr(t->err.msg, "masked"));
	assert_string_equal(listed(t, &knob_service, "redis.service", "Nice"), ERR_NO_MATCH);
	assert_non_null(strstr(t->err.hint, REDIS));
	assert_string_equal(listed(t, &knob_service, "getty@tty1.service", "Nice"), "getty@tty1.service Nice");
	assert_string_equal(listed(t, &knob_service, "hft.slice", "AllowedCPUs"), "hft.slice AllowedCPUs");
	assert_string_equal(listed(t, &knob_service, "hft.slice", "Nice"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_service, REDIS, "ExecStart"), ERR_INVALID_PROFILE);
}

static void links_are_followed_beneath_the_root(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(unit_real_path(&t->c, "/usr/bin/../bin/./redis-server", &t->b, &t->err), 0);
	assert_string_equal(t->b.s, "/usr/bin/redis-check-rdb");
	assert_int_equal(unit_real_path(&t->c, "/lib/systemd/system/" REDIS, &t->b, &t->err), 0);
	assert_string_equal(t->b.s, USR REDIS);
	link_to(t, "/../../../../etc/passwd", "/usr/bin/out");
	assert_int_equal(unit_real_path(&t->c, "/usr/bin/out", &t->b, &t->err), -ENOENT);
	link_to(t, "b", "/usr/bin/a");
	link_to(t, "a", "/usr/bin/b");
	assert_int_equal(unit_real_path(&t->c, "/usr/bin/a", &t->b, &t->err), -ELOOP);
}

/* --- what the files say -------------------------------------------------------------------------------------------- */

static int collect(void *data, const char *name, const char *text, const char *where)
{
	strbuf_addf(data, "%s=%s @%s\n", name, text, strrchr(where, '/') + 1);
	return 0;
}

static void files_are_read_as_systemd_does(void **state)
{
	struct cputree *t = *state;

	put(t, USR "a@.service", "[Unit]\nNice=1\n[Service]\n# x\nNice = 2\n; y\nOther=a \\\n# c\n  b\n[Install]\nNice=3");
	put(t, USR "a@.service.d/20-x.conf", "[Service]\nNice=20");
	put(t, USR "a@i.service.d/10-x.conf", "[Service]\nNice=hidden");
	put(t, ETC "a@i.service.d/10-x.conf", "[Service]\nNice=10");
	put(t, ETC "a@i.service.d/30-x.conf.bak", "[Service]\nNice=30");
	strbuf_reset(&t->b);
	assert_int_equal(unit_each_setting(&t->c, "a@i.service", "[Service]", collect, &t->b, &t->err), 0);
	assert_string_equal(t->b.s, "Nice=2 @a@.service:5\nOther=a  b @a@.service:7\nNice=10 @10-x.conf:2\n"
	                            "Nice=20 @20-x.conf:2\n");
}

static void the_program_is_that_of_the_last_exec_start(void **state)
{
	struct cputree *t = *state;

	assert_int_equal(unit_program(&t->c, REDIS, &t->b, &t->err), 0);
	assert_string_equal(t->b.s, "/usr/bin/redis-server");
	put(t, ETC REDIS ".d/10.conf", "[Service]\nExecStart=\nExecStart=-@/opt/x y z");
	assert_int_equal(unit_program(&t->c, REDIS, &t->b, &t->err), 0);
	assert_string_equal(t->b.s, "/opt/x");
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static void values_have_one_form(void **state)
{
	static const struct {
		const char *option, *text, *canonical;
	} rows[] = {
		{ "CPUAffinity", "2,0-1", "0-2" },
		{ "CPUAffinity", "0-4", ERR_OUT_OF_BOUNDS },
		{ "CPUAffinity", "0 1", ERR_INVALID_PROFILE },
		{ "CPUAffinity", "numa", ERR_INVALID_PROFILE },
		{ "CPUAffinity", "", ERR_INVALID_PROFILE },
		{ "CPUAffinity", "2-3\nExecStartPre=/bin/sh", ERR_INVALID_PROFILE },
		{ "NUMAPolicy", "preferred", "preferred" },
		{ "NUMAPolicy", "Bind", ERR_INVALID_PROFILE },
		{ "NUMAMask", "1,0", "0-1" },
		{ "NUMAMask", "2", ERR_OUT_OF_BOUNDS },
		{ "NUMAMask", "all", ERR_INVALID_PROFILE },
		{ "CPUSchedulingPolicy", "fifo", "fifo" },
		{ "CPUSchedulingPolicy", "deadline", ERR_INVALID_PROFILE },
		{ "CPUSchedulingPriority", "0", ERR_OUT_OF_BOUNDS },
		{ "CPUSchedulingPriority", "99", "99" },
		{ "Nice", "-20", "-20" },
		{ "Nice", "20", ERR_OUT_OF_BOUNDS },
		{ "Nice", "05", ERR_INVALID_PROFILE },
		{ "LimitNOFILE", "65536", "65536" },
		{ "LimitNOFILE", "1024:65536", "1024:65536" },
		{ "LimitNOFILE", "10:10", "10" },
		{ "LimitNOFILE", "65536:1024", ERR_OUT_OF_BOUNDS },
		{ "LimitNOFILE", "infinity", ERR_OUT_OF_BOUNDS },
		{ "LimitNOFILE", "10:", ERR_INVALID_PROFILE },
		{ "LimitNOFILE", "64K", ERR_INVALID_PROFILE },
		{ "LimitMEMLOCK", "infinity", "infinity" },
		{ "LimitMEMLOCK", "64M", "67108864" },
		{ "LimitMEMLOCK", "1M:infinity", "1048576:infinity" },
		{ "LimitMEMLOCK", "99999999T", ERR_OUT_OF_BOUNDS },
		{ "LimitRTPRIO", "99", "99" },
		{ "LimitRTPRIO", "100", ERR_OUT_OF_BOUNDS },
		{ "IOSchedulingClass", "realtime", "realtime" },
		{ "IOSchedulingClass", "none", ERR_INVALID_PROFILE },
		{ "OOMScoreAdjust", "-1000", "-1000" },
		{ "OOMScoreAdjust", "-1001", ERR_OUT_OF_BOUNDS },
		{ "MemoryMin", "1G", "1073741824" },
		{ "MemoryMin", "50%", ERR_INVALID_PROFILE },
		{ "MemoryMin", "K", ERR_INVALID_PROFILE },
		{ "Slice", "hft.slice", "hft.slice" },
		{ "Slice", "hft", ERR_INVALID_PROFILE },
		{ "Slice", "x.service", ERR_INVALID_PROFILE },
		{ "Slice", "../a.slice", ERR_INVALID_PROFILE },
		{ "Slice", "%i.slice", ERR_INVALID_PROFILE },
		{ "AllowedCPUs", "0-3", "0-3" },
		{ "AllowedMemoryNodes", "1", "1" },
		{ "Environment", "LD_PRELOAD=/x", ERR_INVALID_PROFILE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(value(*state, rows[i].option, rows[i].text), rows[i].canonical) != 0)
			fail_msg("%s = %s: %s", rows[i].option, rows[i].text, value(*state, rows[i].option, rows[i].text));
	assert_explained(&knob_service, n_service_rows);
}

static void what_systemd_says_is_the_same_text(void **state)
{
	struct cputree *t = *state;

	service_value_of_systemd(service_row("CPUSchedulingPolicy"), "1", &t->b);
	assert_string_equal(strbuf_str(&t->b), "fifo");
	service_value_of_systemd(service_row("NUMAPolicy"), "-1", &t->b);
	assert_string_equal(strbuf_str(&t->b), "");
	service_value_of_systemd(service_row("Nice"), "-5", &t->b);
	assert_string_equal(strbuf_str(&t->b), "-5");
	service_value_of_systemd(service_row("IOSchedulingClass"), "0", &t->b);
	assert_string_equal(strbuf_str(&t->b), "best-effort");
}

static void contradictions_are_seen(void **state)
{
	(void)state;
	assert_non_null(knob_service.clash(KEY("CPUSchedulingPriority"), "5", KEY("CPUSchedulingPolicy"), "other"));
	assert_non_null(knob_service.clash(KEY("CPUSchedulingPolicy"), "idle", KEY("CPUSchedulingPriority"), "5"));
	assert_null(knob_service.clash(KEY("CPUSchedulingPolicy"), "fifo", KEY("CPUSchedulingPriority"), "5"));
	assert_null(knob_service.clash(KEY("CPUSchedulingPolicy"), "idle", "a.service CPUSchedulingPriority", "5"));
	assert_non_null(knob_service.clash(KEY("NUMAMask"), "0-1", KEY("NUMAPolicy"), "preferred"));
}

/* --- the file ------------------------------------------------------------------------------------------------------ */

static void the_file_comes_and_goes_with_its_directory(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_service, KEY("Nice")), "");
	write_ok(t, KEY("Nice"), "-5");
	write_ok(t, KEY("CPUAffinity"), "2");
	assert_string_equal(content(t, OURS),
	                    "# Settings of hfttune for this unit; `hfttune rollback` takes them out again. Do not edit:\n"
	                    "# what is to stay belongs into a file of its own beside this one.\n"
	                    "# The directory was made for this file, and goes with it.\n\n"
	                    "[Unit]\nWants=hfttune-replay.service\nAfter=hfttune-replay.service\n\n"
	                    "[Service]\nCPUAffinity=2\nNice=-5\n");
	assert_string_equal(value_now(t, &knob_service, KEY("Nice")), "-5");
	write_ok(t, KEY("CPUAffinity"), "");
	assert_string_equal(value_now(t, &knob_service, KEY("CPUAffinity")), "");
	write_ok(t, KEY("Nice"), "");
	assert_false(is_there(t, ETC REDIS ".d"));
}

static void a_directory_of_somebody_else_stays(void **state)
{
	struct cputree *t = *state;

	put(t, ETC REDIS ".d/keep.txt", "");
	take_away(t, ETC REDIS ".d/keep.txt");
	write_ok(t, KEY("Nice"), "1");
	assert_null(strstr(content(t, OURS), "was made for"));
	write_ok(t, KEY("Nice"), "");
	assert_false(is_there(t, OURS));
	assert_true(is_there(t, ETC REDIS ".d"));
}

/* What replay runs in, or stands on, does not wait for it. */
static void slices_and_systemd_do_not_wait_for_replay(void **state)
{
	struct cputree *t = *state;

	write_ok(t, "hft.slice AllowedCPUs", "2-3");
	assert_non_null(strstr(content(t, ETC "hft.slice.d/50-hfttune.conf"), "\n[Slice]\nAllowedCPUs=2-3\n"));
	assert_null(strstr(content(t, ETC "hft.slice.d/50-hfttune.conf"), "replay"));
	write_ok(t, "systemd-journald.service Nice", "2");
	assert_null(strstr(content(t, ETC "systemd-journald.service.d/50-hfttune.conf"), "replay"));
}

static const char *note(struct cputree *t, const char *option, const char *text)
{
	char key[128];

	snprintf(key, sizeof(key), REDIS " %s", option);
	strbuf_reset(&t->b);
	assert_int_equal(knob_service.note(&t->c, key, text, &t->b, &t->err), 0);
	return strbuf_str(&t->b);
}

/* What starts before that, by its own word, does not either: systemd would leave one of the two out. */
static void what_starts_early_does_not_wait_for_replay(void **state)
{
	static const struct {
		const char *text;
		bool waits;
	} rows[] = {
		{ "[Unit]\nBefore=nss-lookup.target network.target", false },
		{ "[Unit]\nBefore=tuned.service", false },
		{ "[Unit]\nDefaultDependencies=no", false },
		{ "[Unit]\nDefaultDependencies=yes\nBefore=shutdown.target a.service", true },
		{ "[Unit]\nAfter=network.target\n[Install]\nWantedBy=multi-user.target", true },
		{ "[Install]\nWantedBy=sysinit.target", false },
		{ "[Install]\nWantedBy=multi-user.target", true },
		{ "[Unit]\nBefore=first.service\nBefore=shutdown.target", false },
		{ "[Unit]\nBefore=shutdown.target late.service ../x %n", true },
		{ "[Unit]\nBefore=late.service\nDefaultDependencies=no", false },
		{ "[Install]\nWantedBy=early.target", false },
		{ "[Install]\nWantedBy=first.service", true },
	};
	struct cputree *t = *state;

	put(t, USR "first.service", "[Unit]\nBefore=second.service first.service");
	put(t, USR "second.service", "[Unit]\nBefore=" REDIS "\n[Install]\nRequiredBy=early.target");
	put(t, USR "early.target", "[Unit]\nBefore=network-pre.target");
	put(t, USR "late.service", "[Unit]\nBefore=" REDIS);
	put(t, USR "shutdown.target", "[Unit]\nDefaultDependencies=no");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put(t, USR REDIS, rows[i].text);
		write_ok(t, KEY("Nice"), i % 2 ? "1" : "2");
		assert_int_equal(strstr(content(t, OURS), "After=hfttune-replay.service") != NULL, rows[i].waits);
		assert_int_equal(note(t, "Nice", "1")[0] == '\0', rows[i].waits); /* a plan says so */
	}
}

/* I2: whatever came so far, the writer takes only what its table takes. */
static void nothing_free_form_is_written(void **state)
{
	static const struct {
		const char *key, *text;
	} rows[] = {
		{ KEY("Nice"), "-5\nExecStartPre=/bin/sh" }, { KEY("ExecStart"), "/bin/sh" }, { KEY("Nice"), "x" },
		{ KEY("CPUAffinity"), "0-3,1" },              { "hft.slice Nice", "1" },
	};
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(written(t, &knob_service, rows[i].key, rows[i].text), ERR_WRITE_FAILED);
	assert_string_equal(written(t, &knob_service, "../x.service Nice", "1"), ERR_NOT_APPLICABLE);
	assert_false(is_there(t, ETC REDIS ".d"));
}

static void a_foreign_line_is_named_and_kept(void **state)
{
	static const char *const lines[] = { "ExecStartPre=/bin/true", "Nice=+5", "Nice = 5", "CPUAffinity=0 1", "Nice",
		                             "Environment=A=b", "Environment=MALLOC_CONF=narenas:0", "[Install]" };
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char text[256];
		snprintf(text, sizeof(text), "[Service]\nCPUAffinity=2\n%s", lines[i]);
		put(t, OURS, text);
		assert_string_equal(value_now(t, &knob_service, KEY("CPUAffinity")), ERR_CONFLICT);
		assert_string_equal(t->err.where, OURS ":3");
		assert_string_equal(written(t, &knob_service, KEY("CPUAffinity"), "1"), ERR_CONFLICT);
		assert_non_null(strstr(content(t, OURS), lines[i]));
		assert_int_equal(judged(t, &knob_service, KEY("CPUAffinity"), "2"), KNOB_DRIFT);
		assert_non_null(strstr(t->verdict.reason, OURS ":3"));
	}
}

static void a_copied_tree_is_pending(void **state)
{
	struct cputree *t = *state;

	write_ok(t, KEY("Nice"), "-5");
	assert_int_equal(judged(t, &knob_service, KEY("Nice"), "-5"), KNOB_PENDING);
	assert_string_equal(t->verdict.reason, "restart");
	assert_int_equal(judged(t, &knob_service, KEY("Nice"), "-6"), KNOB_DRIFT);
	assert_string_equal(t->verdict.found.s, "-5");
	assert_int_equal(judged(t, &knob_service, KEY("CPUAffinity"), ""), KNOB_OK);
}

static void a_host_without_systemd_lacks_it(void **state)
{
	struct cputree *t = *state;

	t->c.copied = false; /* as if it were live */
	assert_string_equal(listed(t, &knob_service, REDIS, "Nice"), KEY("Nice") "(na)");
	put(t, "/run/systemd/system/x", "");
	assert_string_equal(listed(t, &knob_service, REDIS, "Nice"), KEY("Nice"));
	assert_string_equal(listed(t, &knob_service, REDIS, "AllowedCPUs"), KEY("AllowedCPUs") "(na)");
	put(t, "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io");
	assert_string_equal(listed(t, &knob_service, REDIS, "AllowedCPUs"), KEY("AllowedCPUs"));
	assert_string_equal(listed(t, &knob_service, REDIS, "MemoryMin"), KEY("MemoryMin") "(na)");
}

static void only_processes_are_restarted(void **state)
{
	char unit[KNOB_UNIT_MAX];

	(void)state;
	assert_true(knob_service.restarts(KEY("Nice"), unit));
	assert_string_equal(unit, REDIS);
	assert_false(knob_service.restarts(KEY("AllowedCPUs"), unit));
	assert_false(knob_service.restarts("hft.slice AllowedCPUs", unit));
}

static void the_sandbox_of_the_unit_is_explained(void **state)
{
	struct cputree *t = *state;

	assert_non_null(strstr(note(t, "CPUSchedulingPolicy", "fifo"), USR REDIS ":7 is no obstacle"));
	assert_non_null(strstr(note(t, "LimitRTPRIO", "99"), "keeps the service from"));
	assert_string_equal(note(t, "CPUSchedulingPolicy", "batch"), "");
	assert_string_equal(note(t, "Nice", "1"), "");
	put(t, ETC REDIS ".d/10.conf", "[Service]\nRestrictRealtime=no");
	assert_string_equal(note(t, "CPUSchedulingPolicy", "fifo"), "");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, unittree_setup, unittree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(only_units_can_be_named),
		CASE(kinds_are_told_by_the_ending),
		CASE(what_is_not_installed_is_no_match),
		CASE(links_are_followed_beneath_the_root),
		CASE(files_are_read_as_systemd_does),
		CASE(the_program_is_that_of_the_last_exec_start),
		CASE(values_have_one_form),
		CASE(what_systemd_says_is_the_same_text),
		CASE(contradictions_are_seen),
		CASE(the_file_comes_and_goes_with_its_directory),
		CASE(a_directory_of_somebody_else_stays),
		CASE(slices_and_systemd_do_not_wait_for_replay),
		CASE(what_starts_early_does_not_wait_for_replay),
		CASE(nothing_free_form_is_written),
		CASE(a_foreign_line_is_named_and_kept),
		CASE(a_copied_tree_is_pending),
		CASE(a_host_without_systemd_lacks_it),
		CASE(only_processes_are_restarted),
		CASE(the_sandbox_of_the_unit_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
