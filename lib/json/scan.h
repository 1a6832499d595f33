/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The strict look at JSON text that comes before cJSON. Inside lib/json only; everybody else calls json_parse. */
#pragma once

#include <stddef.h>

/*
 * One pass over len bytes, without recursion: 0 when they are one document that keeps all rules of json.h, else
 * -EBADMSG with *ret_at (the offset, bytes) and *ret_problem (a constant), or -ENOMEM.
 */
int json_scan(const char *text, size_t len, size_t *ret_at, const char **ret_problem);
