/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_malloc.c, malloc_rows.c and malloc_program.c. */
#include "daemon/knobs/malloc_rows.h"
#include "tests/unit/daemon/knobs/unittree.h"

extern const struct knob knob_malloc;
extern const struct knob knob_service;

#define KEY(option) REDIS " " option

static const char *value(struct cputree *t, const char *option, const char *text)
{
	return parsed(t, &knob_malloc, KEY(""), option, text);
}

static void the_variable_is_found_in_program_or_library(void **state)
{
	static const char own[] = "\177ELF\0jemalloc_bg_thd\0JE_MALLOC_CONF\0opt.narenas";
	static const char rust[] = "\0_RJEM_MALLOC_CONF\0libjemalloc.so.2\0";
	struct cputree *t = *state;
	static const struct {
		const char *bytes;
		size_t size;
		const char *variable;
	} rows[] = { { own, sizeof(own), "JE_MALLOC_CONF" }, { rust, sizeof(rust), "_RJEM_MALLOC_CONF" } };
	struct malloc_program p = { 0 };

	assert_int_equal(malloc_program_read(&t->c, REDIS, &p, &t->err), 0);
	assert_string_equal(p.variable, "MALLOC_CONF");
	assert_true(malloc_program_knows(&p, "narenas"));
	assert_false(malloc_program_knows(&p, "arenas")); /* within another name */
	assert_false(malloc_program_knows(&p, "tcache_max"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put_bytes(t, "/usr/bin/redis-check-rdb", rows[i].bytes, rows[i].size);
		assert_int_equal(malloc_program_read(&t->c, REDIS, &p, &t->err), 0);
		assert_string_equal(p.variable, rows[i].variable);
	}
	malloc_program_done(&p);
}

static void what_has_no_jemalloc_is_not_applicable(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_malloc, REDIS, "narenas"), KEY("narenas"));
	assert_string_equal(listed(t, &knob_malloc, "gone.service", "narenas"), ERR_NO_MATCH);
	assert_string_equal(listed(t, &knob_malloc, "hft.slice", "narenas"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_malloc, REDIS, "arenas"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_malloc, "getty@tty1.service", "narenas"), "getty@tty1.service narenas(na)");
	take_away(t, "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2");
	assert_string_equal(listed(t, &knob_malloc, REDIS, "narenas"), KEY("narenas") "(na)");
	put_bytes(t, "/usr/bin/redis-check-rdb", "\0MALLOC_CONF_X\0see MALLOC_CONF\0", 32);
	assert_string_equal(listed(t, &knob_malloc, REDIS, "narenas"), KEY("narenas") "(na)");
}

static void values_have_jemallocs_grammar(void **state)
{
	static const struct {
		const char *option, *text, *canonical;
	} rows[] = {
		{ "narenas", "2", "2" },
		{ "narenas", "0", ERR_OUT_OF_BOUNDS },
		{ "narenas", "4095", ERR_OUT_OF_BOUNDS },
		{ "narenas", "default", ERR_INVALID_PROFILE },
		{ "background_thread", "true", "true" },
		{ "background_thread", "TRUE", ERR_INVALID_PROFILE },
		{ "background_thread", "1", ERR_INVALID_PROFILE },
		{ "thp", "madvise", ERR_INVALID_PROFILE },
		{ "thp", "always", "always" },
		{ "dirty_decay_ms", "-1", "-1" },
		{ "dirty_decay_ms", "-2", ERR_OUT_OF_BOUNDS },
		{ "dirty_decay_ms", "5,abort:true", ERR_INVALID_PROFILE },
		{ "metadata_thp", "auto", "auto" },
		{ "percpu_arena", "on", ERR_INVALID_PROFILE },
		{ "prof_prefix", "/tmp/x", ERR_INVALID_PROFILE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(value(*state, rows[i].option, rows[i].text), rows[i].canonical) != 0)
			fail_msg("%s = %s: %s", rows[i].option, rows[i].text, value(*state, rows[i].option, rows[i].text));
}

/* jemalloc itself would pass over it in silence. */
static void an_option_that_this_jemalloc_lacks_is_an_error(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value(t, "zero_realloc", "free"), ERR_INVALID_PROFILE);
	assert_non_null(strstr(t->err.msg, "does not know zero_realloc"));
	assert_string_equal(parsed(t, &knob_malloc, NULL, "zero_realloc", "free"), "free");
}

static void options_share_one_line_and_both_knobs_one_file(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(written(t, &knob_malloc, KEY("narenas"), "2"), "");
	assert_string_equal(written(t, &knob_service, KEY("Nice"), "-5"), "");
	assert_string_equal(written(t, &knob_malloc, KEY("dirty_decay_ms"), "-1"), "");
	assert_non_null(strstr(content(t, OURS), "[Service]\nNice=-5\nEnvironment=MALLOC_CONF=dirty_decay_ms:-1,narenas:2\n"));
	assert_string_equal(value_now(t, &knob_malloc, KEY("narenas")), "2");
	assert_int_equal(judged(t, &knob_malloc, KEY("narenas"), "2"), KNOB_PENDING);
	assert_string_equal(written(t, &knob_service, KEY("Nice"), ""), "");
	assert_string_equal(written(t, &knob_malloc, KEY("narenas"), ""), "");
	take_away(t, "/usr/bin/redis-check-rdb"); /* what is taken out needs no program */
	assert_string_equal(written(t, &knob_malloc, KEY("dirty_decay_ms"), ""), "");
	assert_false(is_there(t, ETC REDIS ".d"));
}

static void somebody_elses_variable_is_a_conflict(void **state)
{
	struct cputree *t = *state;

	put(t, ETC REDIS ".d/10.conf", "[Service]\nEnvironment=A=1 \"MALLOC_CONF=thp:never\"");
	assert_string_equal(value(t, "narenas", "2"), ERR_CONFLICT);
	assert_non_null(strstr(t->err.msg, "10.conf:2"));
	put(t, ETC REDIS ".d/20.conf", "[Service]\nEnvironment=");
	assert_string_equal(value(t, "narenas", "2"), "2");
	put(t, ETC REDIS ".d/20.conf", "[Service]\nEnvironment=JE_MALLOC_CONF=x");
	take_away(t, ETC REDIS ".d/10.conf");
	assert_string_equal(value(t, "narenas", "2"), "2");
}

static void what_the_sandbox_kills_is_refused(void **state)
{
	static const struct {
		const char *lines, *verdict;
	} rows[] = {
		{ "", ERR_CONFLICT }, /* the unit's own two lines */
		{ "SystemCallFilter=sched_setaffinity", "percpu" },
		{ "SystemCallErrorNumber=EPERM", "percpu" },
		{ "SystemCallFilter=", "percpu" },
		{ "SystemCallFilter=\nSystemCallFilter=~@resources", ERR_CONFLICT },
		{ "SystemCallFilter=\nSystemCallFilter=~@resources:EPERM", "percpu" },
		{ "SystemCallFilter=\nSystemCallFilter=~@clock", "percpu" },
		{ "SystemCallFilter=\nSystemCallFilter=@basic-io", ERR_CONFLICT },
	};
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[256];
		snprintf(text, sizeof(text), "[Service]\n%s", rows[i].lines);
		put(t, ETC REDIS ".d/10.conf", text);
		if (strcmp(value(t, "percpu_arena", "percpu"), rows[i].verdict) != 0)
			fail_msg("%s: %s", rows[i].lines, value(t, "percpu_arena", "percpu"));
	}
	put(t, ETC REDIS ".d/10.conf", "");
	assert_string_equal(value(t, "percpu_arena", "disabled"), "disabled");
	value(t, "percpu_arena", "percpu");
	assert_non_null(strstr(t->err.msg, USR REDIS ":9"));
}

static const char *note(struct cputree *t, const char *option, const char *text)
{
	char key[128];

	snprintf(key, sizeof(key), REDIS " %s", option);
	strbuf_reset(&t->b);
	assert_int_equal(knob_malloc.note(&t->c, key, text, &t->b, &t->err), 0);
	return strbuf_str(&t->b);
}

static void what_overrides_an_option_is_said(void **state)
{
	struct cputree *t = *state;

	assert_non_null(strstr(note(t, "background_thread", "false"), "jemalloc-bg-thread"));
	assert_string_equal(note(t, "thp", "always"), "");
	put(t, "/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]");
	assert_non_null(strstr(note(t, "thp", "always"), "never"));
	assert_non_null(strstr(note(t, "metadata_thp", "auto"), "never"));
	assert_string_equal(note(t, "thp", "never"), "");
	assert_string_equal(note(t, "narenas", "2"), "");
	assert_string_equal(note(t, "percpu_arena", "percpu"), "");
	assert_string_equal(written(t, &knob_service, KEY("CPUAffinity"), "2"), "");
	assert_non_null(strstr(note(t, "narenas", "2"), "one CPU"));
	assert_non_null(strstr(note(t, "percpu_arena", "percpu"), "turns it off"));
	assert_string_equal(written(t, &knob_service, KEY("CPUAffinity"), "1-2"), "");
	assert_string_equal(note(t, "narenas", "2"), "");
	put(t, ETC REDIS ".d/10.conf", "[Unit]\nBefore=network.target");
	assert_non_null(strstr(note(t, "narenas", "2"), "hfttune-replay.service"));
}

/* The file renders them in this order, and finds them by it. */
static void the_table_ascends(void **state)
{
	(void)state;
	for (size_t i = 1; i < n_malloc_rows; i++)
		assert_true(strcmp(malloc_rows[i - 1].option, malloc_rows[i].option) < 0);
	assert_null(malloc_row("prof_prefix"));
	assert_non_null(malloc_row("zero_realloc"));
	assert_non_null(malloc_row("abort_conf"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, unittree_setup, unittree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_variable_is_found_in_program_or_library),
		CASE(what_has_no_jemalloc_is_not_applicable),
		CASE(values_have_jemallocs_grammar),
		CASE(an_option_that_this_jemalloc_lacks_is_an_error),
		CASE(options_share_one_line_and_both_knobs_one_file),
		CASE(somebody_elses_variable_is_a_conflict),
		CASE(what_the_sandbox_kills_is_refused),
		CASE(what_overrides_an_option_is_said),
		CASE(the_table_ascends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
