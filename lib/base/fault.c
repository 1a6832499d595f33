/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Failpoints of FAULT builds; every other build gets the empty inlines of the header and nothing from here. Must not
 * be relied upon by anything but tests. A specification that cannot be parsed ends the process at its first
 * failpoint: a test that silently injects nothing could not fail.
 */
#include "lib/base/fault.h"

_Static_assert(FAULT_N_OPS == 11, "a new operation needs a name in op_names");

#ifdef HFT_FAULT

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

#define RULES_MAX 32
#define EXIT_BAD_SPEC 125

static const char *const op_names[FAULT_N_OPS] = {
	[FAULT_OPEN] = "open",         [FAULT_READ] = "read",     [FAULT_WRITE] = "write",   [FAULT_APPEND] = "append",
	[FAULT_SYNC] = "sync",         [FAULT_RENAME] = "rename", [FAULT_UNLINK] = "unlink", [FAULT_MKDIR] = "mkdir",
	[FAULT_LIST] = "list",         [FAULT_LOCK] = "lock",     [FAULT_TRUNCATE] = "truncate",
};

enum action {
	ACTION_ERRNO, ACTION_KILL, ACTION_KILL_AFTER, ACTION_CRASH, ACTION_CRASH_AFTER, ACTION_BLOCK, ACTION_SHORT,
	ACTION_IGNORE,
};

static const struct {
	const char *name;
	enum action action;
} action_names[] = {
	{ "kill",        ACTION_KILL        },
	{ "kill-after",  ACTION_KILL_AFTER  },
	{ "crash",       ACTION_CRASH       },
	{ "crash-after", ACTION_CRASH_AFTER },
	{ "block",       ACTION_BLOCK       },
	{ "short",       ACTION_SHORT       },
	{ "ignore",      ACTION_IGNORE      },
};

struct rule {
	bool any_op;
	enum fault_op op;
	char pattern[512]; /* "" is any path */
	uint64_t from, to; /* fires for calls from..to, counted from 1 */
	enum action action;
	int sys; /* of ACTION_ERRNO */
	uint64_t n_calls, marked;
};

/* The one exception to "no mutable globals" besides the log level: there is no handle to hang it on, and a forked
 * worker is to inherit it. */
static struct {
	bool loaded;
	bool kill_after, crash_after; /* decided by fault_before() for the fault_after() of the same call */
	size_t n_rules;
	struct rule rules[RULES_MAX];
	const char *count_file;
} state;

_Noreturn static void refuse(const char *what, const char *text)
{
	fprintf(stderr, "HFT_FAULT: %s: \"%s\"\n", what, text);
	_exit(EXIT_BAD_SPEC);
}

static void parse_op(char *text, struct rule *rule)
{
	char *at = strchr(text, '@');

	if (at != NULL) {
		*at++ = '\0';
		if (!str_copy(rule->pattern, sizeof(rule->pattern), at))
			refuse("pattern too long", at);
	}
	rule->any_op = strcmp(text, "*") == 0;
	for (size_t i = 0; i < FAULT_N_OPS && !rule->any_op; i++) {
		if (strcmp(text, op_names[i]) == 0) {
			rule->op = (enum fault_op)i;
			return;
		}
	}
	if (!rule->any_op)
		refuse("no such operation", text);
}

static void parse_when(char *text, struct rule *rule)
{
	size_t n = strlen(text);

	rule->from = 1;
	rule->to = UINT64_MAX;
	if (strcmp(text, "*") == 0)
		return;
	bool open_ended = n > 0 && text[n - 1] == '+';
	if (open_ended)
		text[n - 1] = '\0';
	if (num_parse_u64(text, &rule->from) < 0 || rule->from == 0)
		refuse("not a count", text);
	if (!open_ended)
		rule->to = rule->from;
}

static void parse_action(const char *text, struct rule *rule)
{
	for (size_t i = 0; i < ARRAY_LEN(action_names); i++) {
		if (strcmp(text, action_names[i].name) == 0) {
			rule->action = action_names[i].action;
			return;
		}
	}
	rule->action = ACTION_ERRNO;
	for (rule->sys = 1; rule->sys < 200; rule->sys++) {
		const char *name = strerrorname_np(rule->sys);
		if (name != NULL && strcmp(text, name) == 0)
			return;
	}
	refuse("no such action", text);
}

/* From the right, since a path has colons of its own (0000:00:03.0). */
static void parse_rule(char *text, struct rule *rule)
{
	char *action = strrchr(text, ':');
	if (action == NULL)
		refuse("OP[@PATHPATTERN]:WHEN:ACTION wanted", text);
	*action++ = '\0';
	char *when = strrchr(text, ':');
	if (when == NULL)
		refuse("OP[@PATHPATTERN]:WHEN:ACTION wanted", text);
	*when++ = '\0';
	parse_op(text, rule);
	parse_when(when, rule);
	parse_action(action, rule);
}

static void load(void)
{
	const char *spec = getenv("HFT_FAULT");

	state.loaded = true;
	state.count_file = getenv("HFT_FAULT_COUNT");
	if (spec == NULL)
		return;
	CLEANUP(mem_freep) char *copy = strdup(spec);
	if (copy == NULL)
		refuse("out of memory", spec);
	char *rest = NULL;
	for (char *part = strtok_r(copy, ";", &rest); part != NULL; part = strtok_r(NULL, ";", &rest)) {
		if (state.n_rules == RULES_MAX)
			refuse("too many rules", part);
		parse_rule(part, &state.rules[state.n_rules++]);
	}
}

static void count_call(enum fault_op op, const char *path)
{
	if (state.count_file == NULL)
		return;
	CLEANUP(mem_closep) int fd = open(state.count_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%s %s\n", op_names[op], path) < 0)
		refuse("cannot write HFT_FAULT_COUNT", state.count_file);
}

_Noreturn static void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* The daemon that forked this worker, if that is what the parent is: a test's own shell must live. */
static void kill_parent(void)
{
	char own[4096] = "", theirs[4096] = "", path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)getppid());
	if (readlink("/proc/self/exe", own, sizeof(own) - 1) > 0 && readlink(path, theirs, sizeof(theirs) - 1) > 0 &&
	    strcmp(own, theirs) == 0)
		kill(getppid(), SIGKILL);
}

static int act(const struct rule *rule, enum fault_op op)
{
	switch (rule->action) {
	case ACTION_ERRNO:
		return -rule->sys;
	case ACTION_KILL:
		die();
	case ACTION_KILL_AFTER:
		state.kill_after = true;
		return 0;
	case ACTION_CRASH:
		kill_parent();
		die();
	case ACTION_CRASH_AFTER:
		state.crash_after = true;
		return 0;
	case ACTION_BLOCK:
		for (;;)
			pause();
	case ACTION_SHORT:
		return op == FAULT_WRITE || op == FAULT_APPEND ? 1 : 0; /* nothing else can be short */
	case ACTION_IGNORE:
		return op == FAULT_WRITE ? 2 : 0;
	}
	return 0;
}

int fault_before(enum fault_op op, const char *path)
{
	const struct rule *fires = NULL;

	if (!state.loaded)
		load();
	count_call(op, path);
	state.kill_after = state.crash_after = false;
	for (size_t i = 0; i < state.n_rules; i++) {
		struct rule *rule = &state.rules[i];
		if (!rule->any_op && rule->op != op)
			continue;
		if (rule->pattern[0] != '\0' && fnmatch(rule->pattern, path, 0) != 0)
			continue;
		rule->n_calls++; /* every rule counts, and the first one whose turn it is acts */
		if (fires == NULL && rule->n_calls >= rule->from && rule->n_calls <= rule->to)
			fires = rule;
	}
	return fires != NULL ? act(fires, op) : 0;
}

void fault_after(enum fault_op op, const char *path)
{
	(void)op;
	(void)path;
	if (state.crash_after)
		kill_parent();
	if (state.kill_after || state.crash_after)
		die();
}

void fault_mark(void)
{
	if (!state.loaded)
		load();
	for (size_t i = 0; i < state.n_rules; i++)
		state.rules[i].marked = state.rules[i].n_calls;
}

void fault_rewind(void)
{
	for (size_t i = 0; i < state.n_rules; i++)
		state.rules[i].n_calls = state.rules[i].marked;
}

#endif
