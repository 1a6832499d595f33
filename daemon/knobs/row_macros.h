/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words that tables of rows (row.h) are written in. For the .c files that hold such a table, and no other. */
#pragma once

#include "daemon/knobs/row.h"

/* Every row begins with OPT, and says its form with one of those below. */
#define OPT(name, level, when, what) .option = name, .risk = level, .effect = EFFECT_##when, .summary = what

#define INT(lo, hi, of) .form = ROW_INT, .min = lo, .max = hi, .unit = of, .bounds = #lo ".." #hi
#define INT_RULE(lo, hi, of, which, text)                                                                              \
	.form = ROW_INT, .min = lo, .max = hi, .unit = of, .rule = which, .bounds = #lo ".." #hi text
#define INTS_RULE(count, lo, hi, of, which, text)                                                                      \
	.form = ROW_INTS, .n = count, .min = lo, .max = hi, .unit = of, .rule = which,                                 \
	.bounds = #count " numbers, each " #lo ".." #hi text
#define INTS(count, lo, hi, of) INTS_RULE(count, lo, hi, of, ROW_ANY, "")
#define BOOL .form = ROW_INT, .min = 0, .max = 1, .unit = "bool", .bounds = "0..1"
#define YN .form = ROW_YN, .unit = "bool", .bounds = "0..1"
#define WORDS(list) .form = ROW_WORD, .words = list, .unit = "word", .bounds = list
#define SELECT(list) .form = ROW_SELECT, .words = list, .unit = "word", .bounds = list
#define NAME(of) .form = ROW_NAME, .unit = of, .bounds = "a name"
#define OFFERED(of, file) .form = ROW_NAME, .unit = of, .offers = file, .bounds = "one of " file
#define NAMES(of, file) .form = ROW_NAMES, .unit = of, .offers = file, .bounds = "names of " file
#define CPULIST .form = ROW_CPULIST, .unit = "cpulist", .bounds = "present CPUs"
#define CPUMASK .form = ROW_CPUMASK, .unit = "cpulist", .bounds = "present CPUs"

#define COUNTER(text) .counter = text
#define SOURCE(text) .source = text
#define CHANGES(text) .changes = text
#define TRAPS(text) .traps = text
#define TWIN(other) .twin = other
