/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One table: error code (err.h), Varlink error name, exit status of the command line. */
#pragma once

#include <stddef.h>

struct code_row {
	const char *code;  /* the constant of err.h */
	const char *error; /* "InvalidProfile", below org.hfttune.Tuner */
	int exit;
};

enum exit_status {
	EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DIFFERS = 3, EXIT_REFUSED = 4, EXIT_REBOOT = 5,
	EXIT_NO_DAEMON = 6, EXIT_NOT_UNDONE = 7,
};

const struct code_row *code_find(const char *code);        /* falls back to the row of ERR_IO */
const struct code_row *code_find_error(const char *error); /* by Varlink name without interface; NULL when unknown */
/* The most serious of two, in the order 7 1 6 2 4 3 5 0. */
int exit_worse(int a, int b);
