/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help and usage, made from the verb table, the option table and the table of exit statuses. */
#pragma once

#include <stddef.h>

struct text;
struct verb;

struct exit_row {
	int status;
	const char *meaning;
};
extern const struct exit_row exit_rows[];
extern const size_t n_exit_rows;

/* "usage: hfttune plan PROFILE [--phase PHASE]..."; of the program when verb is NULL. */
void help_usage(struct text *t, const struct verb *verb);
/* The whole help of the program, or of one verb. */
void help_print(struct text *t, const struct verb *verb);
