/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of knob cpufreq, for its two files: knob_cpufreq.c finds the objects and moves values, cpufreq_options.c
 * is the table of what there is and which values make sense. Nobody else includes this.
 */
#pragma once

#include "daemon/knobs/knob.h"

#define CPUFREQ_CPU_DIR "/sys/devices/system/cpu"
#define CPUFREQ_POLICY_DIR CPUFREQ_CPU_DIR "/cpufreq"
#define CPUFREQ_NO_DRIVER "no cpufreq driver on this machine"
#define CPUFREQ_PATH_LEN 128
#define CPUFREQ_N_CHANGES 8
#define CPUFREQ_N_OPTIONS 10

enum cpufreq_scope { CPUFREQ_HOST, CPUFREQ_POLICY, CPUFREQ_CPU };

struct cpufreq_object;

struct cpufreq_option {
	struct knob_doc doc; /* doc.option is the last word of the key, too */
	enum cpufreq_scope scope;
	const char *files[2]; /* the first that exists; below CPUFREQ_CPU_DIR, the policy or the CPU */
	/* Value text to canonical text; reads the machine's bounds where it has any. */
	int (*parse)(const struct knob_ctx *c, const struct cpufreq_object *o, const char *value, struct strbuf *ret,
	             struct hft_err *err);
	/* Through libcpupower; 0 or anything else. NULL: through fsio. */
	int (*set)(unsigned cpu, const char *value);
	const char *lacks;                      /* why a machine may have none of the files */
	const char *changes[CPUFREQ_N_CHANGES]; /* options that a write moves too, of the policy or of all */
	const char *refused;                    /* what to do when the kernel refuses, or NULL */
};

struct cpufreq_object { /* a key, taken apart */
	const struct cpufreq_option *option;
	int n; /* of the policy or CPU; -1 for the host, and for a key that stands for what the machine lacks */
	char path[CPUFREQ_PATH_LEN]; /* the file, or "" when the machine lacks it */
	bool inverted;               /* the file says 1 for off */
};

/* In the order of writing: the kernel may refuse the value of one while an earlier one is not in place. */
extern const struct cpufreq_option cpufreq_options[CPUFREQ_N_OPTIONS];

/* A file beside those of the object's policy ("cpuinfo_max_freq"), without white space around it. 0 or -errno. */
int cpufreq_read_beside(const struct knob_ctx *c, const struct cpufreq_object *o, const char *file, struct strbuf *ret);
/* Does the option limit a frequency, so that "max" stands for what cpuinfo_max_freq is when it is written? */
bool cpufreq_is_limit(const struct cpufreq_option *option);
