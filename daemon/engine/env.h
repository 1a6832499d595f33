/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a profile may ask the host: CPU sets by name, and conditions. */
#pragma once

#include "daemon/host/host.h"
#include "daemon/profile/profile.h"

struct env {
	struct host *host;    /* borrowed; NICs and interrupts are read when something asks for them */
	struct cpuset online; /* after the plan's own steps */
};

/* own is filled with the CPUs that are online now, and must outlive env. */
void env_init(struct profile_env *env, struct env *own, struct host *host);
