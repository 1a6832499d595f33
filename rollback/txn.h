/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A transaction that is being written, as the files of rollback/ share it. Not for anybody else. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/str.h"
#include "rollback/record.h"
#include "rollback/store.h"

struct journal;
struct numbers;

struct txn {
	struct store *store; /* borrowed */
	int64_t number;
	char *path;
	int fd; /* -1: could not be opened for appending */
	uint32_t seed;
	size_t size;        /* bytes of sound records */
	uint64_t n_records; /* the next seq */
	struct strbuf lines; /* records being made; keeps its memory, so that a plain append needs none */
	unsigned n_lines;
	bool is_flushed; /* everything appended has reached the disk */
	bool no_sync;    /* a flush of this file failed: none is tried again */
	bool no_append;  /* what follows `size` could not be cut off */
	bool is_sealed;
};

/* A transaction to go on with: t of a journal that was read, of which file_size bytes exist; a torn tail is cut. An
 * error of the disk is not one of this function: it comes out when something is recorded. -ENOMEM. */
int txn_adopt(struct store *s, const struct journal *j, size_t file_size, struct txn **ret, struct hft_err *err);
