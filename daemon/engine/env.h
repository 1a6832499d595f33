/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a profile may ask the host: CPU sets by name, and conditions. */
#pragma once

#include "daemon/host/host.h"
#include "daemon/profile/profile.h"

/* host is borrowed; NICs and interrupts are read when something asks for them. */
void env_init(struct profile_env *env, struct host *host);
