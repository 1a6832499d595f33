/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunables that are one file each: a table row says where, in which form, within which bounds. Knobs made of such rows
 * (sysctl, vm, sysfs, workqueue, parts of others) share this code; a new tunable is one line.
 */
#pragma once

#include "daemon/knobs/knob.h"

enum row_form {
	ROW_INT,     /* plain integer within min..max */
	ROW_INTS,    /* vector of n integers, each within min..max; canonical with single spaces */
	ROW_WORD,    /* one of `words`; the file shows the word itself */
	ROW_SELECT,  /* one of the words that the file offers, the chosen one in brackets: "always [madvise] never" */
	ROW_NAME,    /* a name of [A-Za-z0-9_.-], at most 31 characters (clocksource, congestion control) */
	ROW_CPULIST, /* canonical cpulist; the file shows a list */
	ROW_CPUMASK, /* canonical cpulist; the file shows a mask and takes a mask */
	ROW_YN,      /* canonical "1"/"0"; the file shows Y/N or 1/0 or true/false */
	ROW_HEX,     /* canonical "0x%x"; the file shows hex */
};

struct row {
	const char *option; /* the key, and the option in a profile; may hold '*' where the path does */
	const char *path;   /* "/sys/kernel/mm/ksm/run"; one '*' component stands for instances, NULL: derived (sysctl) */
	enum row_form form;
	int n;              /* ROW_INTS: how many */
	int64_t min, max;
	const char *words;  /* ROW_WORD, ROW_SELECT: "always|madvise|never" */
	const char *unit;
	int risk;
	enum knob_effect effect;
	const char *counter, *changes, *source, *traps, *summary;
	const char *twin;   /* the option that the kernel zeroes when this one is written (dirty_ratio/dirty_bytes), or NULL */
};
