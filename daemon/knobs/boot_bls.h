/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command lines of grubby and rpm-ostree, apart from running them: for boot_bls.c and its tests. */
#pragma once

#include <stdbool.h>

struct hft_err;
struct strlist;

/* The words that take out what was given and add what is wanted (texts with single blanks; "" is nothing). 0 or -ENOMEM. */
int boot_bls_command(bool ostree, const char *given, const char *wanted, struct strlist *ret, struct hft_err *err);
