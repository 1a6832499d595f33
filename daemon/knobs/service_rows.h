/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The properties of units that knob service sets, by systemd's names, and the forms of their values. */
#pragma once

#include "daemon/knobs/row.h"
#include "daemon/knobs/unit_file.h"

struct service_row {
	struct row row;      /* form ROW_INT, ROW_WORD and ROW_CPULIST, where `parse` is NULL */
	unsigned kinds;      /* 1 << enum unit_kind: which units have it */
	/* -EINVAL: not in this form; -ERANGE: out of bounds. c NULL: nothing of the host is asked. */
	int (*parse)(const struct knob_ctx *c, const char *value, struct strbuf *ret);
	const char *numbers; /* what systemd says for a word: "0=other|1=fifo"; NULL: the canonical text itself */
	/*
	 * Has the task or process, whose directory of /proc is given, what is expected? 1: just that; 2: it may be (fewer
	 * CPUs), if it was started with that; 0: no, *found says what; -ENOENT: it is gone; other -errno. `whole`: asked once for a process, not
	 * for each of its threads. NULL: a property of the control group.
	 */
	int (*holds)(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);
	bool whole;
	const char *thread;  /* the option of knob thread that sets it for single threads, which are then not asked; or NULL */
	const char *file;    /* of the control group: "memory.min"; else NULL */
};

extern const struct service_row service_rows[]; /* in the order of the drop-in */
extern const size_t n_service_rows;
const struct service_row *service_row(const char *option); /* or NULL */

/* Value text of a profile to canonical text; the errors of knob.h's parse. c NULL: nothing of the host is asked. */
int service_value_parse(const struct knob_ctx *c, const struct service_row *row, const char *value, struct strbuf *ret,
                        struct hft_err *err);
/* What systemd says of a property, as canonical text. */
void service_value_of_systemd(const struct service_row *row, const char *text, struct strbuf *ret);
/* Why two values for one unit make no sense together, or NULL. */
const char *service_clash(const char *option, const char *value, const char *other, const char *other_value);

/* --- what a process has; daemon/knobs/process.c -------------------------------------------------------------------- */

int process_affinity(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);
int process_nice(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);
int process_policy(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);
int process_priority(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);
int process_io_class(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);
int process_numa_policy(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);
int process_numa_nodes(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);
int process_oom(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);
int process_files(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);
int process_memlock(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);
int process_rtprio(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);
int process_slice(const struct knob_ctx *c, const char *dir, const char *expected, struct strbuf *found);

/* The whole process of a unit, all threads: as `holds`, and *found begins with the thread that differs. 0 also when a thread that
 * appeared meanwhile differs: they are looked at until no new one comes. */
int process_holds(const struct knob_ctx *c, const char *unit, unsigned pid, const struct service_row *row, const char *expected,
                  struct strbuf *found);
/* The value of a variable in the environment that the process was started with; "" when it is not there. 0 or -errno. */
int process_variable(const struct knob_ctx *c, unsigned pid, const char *name, struct strbuf *ret);
