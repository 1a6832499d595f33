/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Failpoints, for tests alone: compiled in with -DHFT_FAULT (make FAULT=1), otherwise nothing.
 *
 * The specification comes from the environment variable HFT_FAULT of a FAULT build, a semicolon list of
 *     OP[@PATHPATTERN]:WHEN:ACTION
 * OP is a name below or "*"; PATHPATTERN is an fnmatch(3) pattern on the path; WHEN is N (the Nth matching call, from 1),
 * "N+" (the Nth and all later), "*" (every); ACTION is an errno name ("EIO"), "kill" (SIGKILL to itself before the call),
 * "kill-after" (SIGKILL right after the call), "crash" and "crash-after" (the same, and the daemon that forked this
 * worker first), "block" (wait for ever, killable), "short" (a write of one byte less), "ignore" (a write of fsio_write
 * is reported as done and is not, as the kernel does with an unknown clocksource).
 * Counts are per process; a forked worker starts from the counts of its parent, and again at each further call.
 * With HFT_FAULT_COUNT=FILE every passed failpoint appends "OP PATH\n" to FILE, so that a test can walk over all of them.
 */
#pragma once

enum fault_op {
	FAULT_OPEN, FAULT_READ, FAULT_WRITE, FAULT_APPEND, FAULT_SYNC, FAULT_RENAME, FAULT_UNLINK, FAULT_MKDIR,
	FAULT_LIST, FAULT_LOCK, FAULT_TRUNCATE, FAULT_N_OPS
};

#ifdef HFT_FAULT
/* Before the call: 0 = go on, -errno = fail so, 1 = make the write short, 2 = skip the write. May block or not return. */
int fault_before(enum fault_op op, const char *path);
/* After the call. May not return. */
void fault_after(enum fault_op op, const char *path);
/* Remember the counts; go back to them. */
void fault_mark(void);
void fault_rewind(void);
#else
static inline int fault_before(enum fault_op op, const char *path)
{
	(void)op;
	(void)path;
	return 0;
}
static inline void fault_after(enum fault_op op, const char *path)
{
	(void)op;
	(void)path;
}
static inline void fault_mark(void)
{
}
static inline void fault_rewind(void)
{
}
#endif
