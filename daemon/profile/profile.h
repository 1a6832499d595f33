/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Profiles: text in, settings out. A parser without I/O: files come through a loader, the host's facts through an
 * environment. It knows no knob: knob and option names pass through as text.
 *
 * The language is in hfttune-profile(5). Every error of the text is ERR_INVALID_PROFILE with `where` = "file:line",
 * unless said otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/cpuset.h"
#include "lib/base/str.h"

struct hft_err;

#define PROFILE_FILE_MAX (1024 * 1024) /* bytes */
#define PROFILE_LINE_MAX 4096
#define PROFILE_NAME_MAX 64            /* ^[a-z0-9][a-z0-9._-]{0,63}$ */
#define PROFILE_INCLUDE_DEPTH 8
#define PROFILE_INCLUDE_FILES 64

/* --- one file --------------------------------------------------------------------------------------------------- */

struct profile_entry { /* one "option = value" line, nothing expanded */
	char *option, *value;
	unsigned line;
};

struct profile_section {
	char *header; /* the text between the brackets, trimmed */
	unsigned line;
	struct profile_entry *entries;
	size_t n_entries, cap;
};

struct profile_file {
	char *path; /* as shown in "file:line" */
	struct profile_section *sections; /* in file order; may be empty sections */
	size_t n_sections, cap;
};

/*
 * Scan and parse one buffer. The strict scanner (UTF-8, NUL, line length, header syntax, "=" only, no continuation,
 * comments) runs first and hands inih one logical line at a time. The same option twice in one section is an error.
 */
int profile_parse_buf(const char *path, const char *text, size_t len, struct profile_file **ret, struct hft_err *err);
void profile_file_free(struct profile_file *f);

/* 0, or -EINVAL ERR_INVALID_ARGUMENT: the name may be used as a file name. */
int profile_check_name(const char *name, struct hft_err *err);

/* --- a profile with its includes, on one host --------------------------------------------------------------------- */

/* Where files come from. */
struct profile_loader {
	/* The text of profile NAME (already checked): *ret_path as shown to people, *ret_text; both appended.
	 * -ENOENT ERR_NO_PROFILE. */
	int (*load)(void *data, const char *name, struct strbuf *ret_path, struct strbuf *ret_text,
	            struct hft_err *err);
	/* host.conf: 1 and text; 0 when there is none. */
	int (*host_conf)(void *data, struct strbuf *ret_path, struct strbuf *ret_text, struct hft_err *err);
	void *data;
};

/* What the host answers. */
struct profile_env {
	/* "online", "present", "node" + "1", "package" + "0", "near" + "eth0". -ENOENT ERR_NO_MATCH: no such node,
	 * package or device. */
	int (*cpus)(void *data, const char *name, const char *arg, struct cpuset *ret, struct hft_err *err);
	int (*siblings)(void *data, const struct cpuset *set, struct cpuset *ret, struct hft_err *err);
	/* "driver" + "mlx5_core", "kernel" + "6.8" (at least), "virt", "cpu" + "GenuineIntel". */
	int (*condition)(void *data, const char *name, const char *arg, bool *ret, struct hft_err *err);
	/* P11: does the set hold all online threads of at least one core? */
	bool (*whole_core)(void *data, const struct cpuset *set);
	void *data;
};

struct profile_assign { /* --set NAME=VALUE: "cpus.trading" or "variables.redis" */
	const char *name, *value;
};

/* What to do about other tools that write the same objects. */
enum profile_conflicts { PROFILE_CONFLICTS_FAIL, PROFILE_CONFLICTS_STOP, PROFILE_CONFLICTS_IGNORE, PROFILE_N_CONFLICTS };
extern const char *const profile_conflicts_names[PROFILE_N_CONFLICTS];

struct profile_phase {
	char *name;
	int order;     /* default 0 */
	char *risk;    /* "low", "medium", "high"; default "low" */
	char *summary; /* "" */
	struct strlist notes; /* `note` lines; "note", "note 2", ... as options, in order */
	bool accept_inexact;  /* accept = inexact, among others */
	bool accept_security; /* accept = security, among others */
	bool required;        /* required = yes */
	enum profile_conflicts conflicts; /* default fail */
	bool drift_report;    /* drift = report: what was wiped is not written again */
	bool restart;         /* restart = allowed */
};

struct profile_setting {
	size_t phase; /* index into phases */
	char *knob, *selector, *option, *value; /* expanded; selector "" when none */
	char *why;    /* or NULL */
	char *file;   /* borrowed from profile->files */
	unsigned line;
	bool optional; /* section key optional = yes */
	bool active;   /* the section's conditions hold */
};

struct profile_value { /* a CPU set or variable as it came out */
	char *name, *value, *file; /* file borrowed; "--set" for those */
	unsigned line;
	bool is_cpus;
};

struct profile {
	char *name, *path, *summary;
	struct profile_phase *phases; /* sorted by order, then first appearance (includes come first) */
	size_t n_phases, cap_phases;
	struct profile_setting *settings; /* in stacking order: includes first, then as written */
	size_t n_settings, cap_settings;
	struct profile_value *values;
	size_t n_values, cap_values;
	struct strlist files; /* owned paths that settings point to */
};

/*
 * Load a profile with its includes, host.conf and --set assignments, and expand it. Merges phases of the same name.
 * A later setting of the same (phase, knob, selector, option) replaces an earlier one of an include.
 * Phase keys: order risk summary accept required restart conflicts drift note why; others are an error.
 * A CPU set "?" that nobody gave is an error that says to write it into host.conf or use --set. An empty set is an error.
 * A set named "housekeeping" that holds no whole core is refused (P11).
 * Errors: ERR_INVALID_PROFILE, ERR_NO_PROFILE, ERR_INVALID_ARGUMENT (name, --set), what loader and env return.
 */
int profile_load(const char *name, const struct profile_loader *loader, const struct profile_env *env,
                 const struct profile_assign *assigns, size_t n_assigns, struct profile **ret, struct hft_err *err);
/*
 * What host.conf says for knobs: the value of a name in its section [conffile] or [redis-password], where files are named
 * that no profile may name (P11). 1 and the value; 0: it does not say. Every value of these two sections begins with
 * an absolute path; nothing is expanded. Errors: ERR_INVALID_PROFILE.
 */
int profile_host_value(const char *path, const struct strbuf *text, const char *section, const char *name,
                       struct strbuf *ret, struct hft_err *err);
void profile_free(struct profile *p);
void profile_freep(struct profile **p);

/* --- CPU-set expressions, exported for the unit tests and the fuzzer ---------------------------------------------- */

struct profile_names { /* how ${NAME} and set names are looked up */
	int (*set)(void *data, const char *name, struct cpuset *ret, struct hft_err *err);
	void *data;
};
/* "online - siblings(trading) + 2-5". Names, cpulists, functions, + - & with equal precedence from the left, ( ). CPUs
 * that are not present are -ERANGE ERR_OUT_OF_BOUNDS. -EINVAL ERR_INVALID_ARGUMENT otherwise; nesting at most 16. */
int cpuexpr_eval(const char *text, const struct profile_env *env, const struct profile_names *names,
                 struct cpuset *ret, struct hft_err *err);
