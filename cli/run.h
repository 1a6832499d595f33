/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One command, from the words to the exit status. main() is a call of this; the tests call it too. */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* words: what follows the program's name. Results go to `to`, errors for people to `errors`. */
int cli_run(size_t n, const char *const *words, FILE *to, FILE *errors);
