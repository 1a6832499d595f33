/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service manager over D-Bus (org.freedesktop.systemd1(5)): what it holds of a unit, its reload, restarts. Each call
 * has a connection of its own. For the live host alone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct hft_err;
struct knob_ctx;
struct sd_bus;
struct strbuf;

/* Why there is no service manager to talk to, or NULL (also for a copied tree, where files are all there is). */
const char *systemd_lacks(const struct knob_ctx *c);
/* daemon-reload, to its end. A control group that systemd had made for a slice which nobody started goes if that leaves
 * nothing to be made for. ERR_IO, ERR_TIMEOUT. */
int systemd_reload(const struct knob_ctx *c, struct hft_err *err);
/*
 * Restart a unit, forgetting earlier failures, and wait until it is active and stays so for a moment; c->alive is called
 * meanwhile. A slice that stood for what was in it ends with that.
 * -EREMOTEIO ERR_NOT_IN_EFFECT: it is not active again; -ETIMEDOUT ERR_TIMEOUT; other -errno ERR_IO.
 */
int systemd_restart(const struct knob_ctx *c, const char *unit, struct hft_err *err);

/* --- one unit ----------------------------------------------------------------------------------------------------- */

struct systemd_unit { /* zero-initialise; systemd_unit_done frees */
	struct sd_bus *bus;
	char *name, *path;    /* the unit's, and that of its object on the bus */
	const char *type;     /* "org.freedesktop.systemd1.Service" */
	uint32_t pid;         /* of the main process, 0: none */
	uint64_t started_us;  /* when that was started, CLOCK_REALTIME; 0: not known */
	char *state, *cgroup; /* "active", ...; "/system.slice/redis-server.service", "" when it has none */
};

/* ERR_IO. */
int systemd_unit_open(const char *unit, struct systemd_unit *ret, struct hft_err *err);
void systemd_unit_done(struct systemd_unit *u);
/* A property of the unit's type as text: a number, "infinity", a string, a cpulist for a mask; of a list a line each. */
int systemd_property(const struct systemd_unit *u, const char *name, struct strbuf *ret, struct hft_err *err);

/* --- jobs, for program_unit.c too --------------------------------------------------------------------------------- */

#define SYSTEMD_MANAGER "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"

struct systemd_job {
	const char *path;
	char result[32]; /* "done", "failed", "timeout", ...; "" while it runs */
};

/* Watch for the end of the job: before it is begun, so that none is missed. */
int systemd_job_watch(struct sd_bus *bus, struct systemd_job *job);
/* Until it has ended: 0, -ETIMEDOUT, or the error of the bus. */
int systemd_job_await(const struct knob_ctx *c, struct sd_bus *bus, struct systemd_job *job, time_t end);
/* Still at it, for c->alive; and the clock of `end`, in seconds. */
void systemd_beat(const struct knob_ctx *c);
time_t systemd_now(void);
