/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of `hfttune doctor` share: the CPUs that shall be quiet, and what speaks against it before any counter. */
#pragma once

#include <stdint.h>

#include "daemon/engine/session.h"
#include "lib/base/cpuset.h"

struct json;

struct doctor {
	struct session s;
	struct cpuset isolated, nohz_full, partitions, layers; /* who says that they shall be quiet */
	struct cpuset watched;                                 /* those of all that are online */
	struct json *warnings;
};

/* Read who isolates what. */
int doctor_find_cpus(struct doctor *d, struct hft_err *err);
/* Add to d->warnings what a plan would warn about, and what else makes counting pointless. */
int doctor_warn(struct doctor *d, struct hft_err *err);
