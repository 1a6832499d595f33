/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stopping, starting and masking of units (org.freedesktop.systemd1(5)). Each call that makes a job waits until the
 * manager says that the job was removed: it tells that to whoever asked for it.
 */
#include "daemon/knobs/systemd_unit.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "daemon/knobs/knob.h"
#include "daemon/knobs/others.h"
#include "daemon/knobs/systemd.h"
#include "lib/base/durable.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define DEADLINE_S 120 /* beyond the 90 s that a unit has by default to stop */

/* --- the bus ------------------------------------------------------------------------------------------------------ */

static int fail(struct hft_err *err, const char *unit, int r, const char *what, const sd_bus_error *error)
{
	return err_raise(err, ERR_WRITE_FAILED, -r, unit, "systemd cannot %s %s: %s", what, unit,
	                 error != NULL && error->message != NULL ? error->message : strerror(-r));
}

static int judge(const struct systemd_job *job, const char *unit, const char *what, struct hft_err *err)
{
	if (strcmp(job->result, "done") == 0 || strcmp(job->result, "skipped") == 0)
		return 0;
	err_raise(err, ERR_WRITE_FAILED, EREMOTEIO, unit, "systemd cannot %s %s: the job ended as %s", what, unit,
	          job->result);
	err_hint(err, "see `systemctl status %s`", unit);
	return -EREMOTEIO;
}

/* Open, and let the manager know which call: "StopUnit" and its like, all (unit, mode) to a job. */
static int run_job(const struct knob_ctx *c, const char *unit, const char *method, const char *what, struct hft_err *err)
{
	CLEANUP(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct systemd_job job = { 0 };

	int r = sd_bus_open_system(&bus);
	r = r < 0 ? r : systemd_job_watch(bus, &job);
	r = r < 0 ? r : sd_bus_call_method(bus, SYSTEMD_MANAGER, method, &error, &reply, "ss", unit, "replace");
	r = r < 0 ? r : sd_bus_message_read(reply, "o", &job.path);
	r = r < 0 ? r : systemd_job_await(c, bus, &job, systemd_now() + DEADLINE_S);
	if (r == -ETIMEDOUT)
		return err_raise(err, ERR_TIMEOUT, ETIMEDOUT, unit, "systemd did not %s %s within %d s", what, unit,
		                 DEADLINE_S);
	return r < 0 ? fail(err, unit, r, what, &error) : judge(&job, unit, what, err);
}

/* MaskUnitFiles or UnmaskUnitFiles, at run time; the manager knows of it once it has read its files again. */
static int set_mask(const char *unit, bool mask, struct hft_err *err)
{
	CLEANUP(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_open_system(&bus);

	if (r >= 0 && mask)
		r = sd_bus_call_method(bus, SYSTEMD_MANAGER, "MaskUnitFiles", &error, NULL, "asbb", 1, unit, true, true);
	else if (r >= 0)
		r = sd_bus_call_method(bus, SYSTEMD_MANAGER, "UnmaskUnitFiles", &error, NULL, "asb", 1, unit, true);
	return r < 0 ? fail(err, unit, r, mask ? "mask" : "unmask", &error) : 0;
}

int systemd_unit_reload(const struct knob_ctx *c, struct hft_err *err)
{
	return c->copied ? 0 : systemd_reload(c, err);
}

int systemd_unit_try_restart(const struct knob_ctx *c, const char *unit, struct hft_err *err)
{
	return c->copied || !other_is_active(c, unit) ? 0 : systemd_restart(c, unit, err);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static const char *const unit_dirs[] = { "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
	                                 "/usr/lib/systemd/system", "/lib/systemd/system" };
enum { DIR_ETC, DIR_RUN };

static void path_in(int dir, const char *unit, char ret[static OTHER_PATH_MAX])
{
	snprintf(ret, OTHER_PATH_MAX, "%s/%s", unit_dirs[dir], unit);
}

/* A link to /dev/null, or a file with nothing in it (systemd.unit(5)). */
static bool is_mask(const struct knob_ctx *c, const char *path)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	if (fsio_link_target(c->fs, path, &text, NULL) == 0)
		return strcmp(strbuf_str(&text), "/dev/null") == 0;
	return fsio_probe(c->fs, path, &text) == 0 && text.len == 0;
}

bool systemd_unit_outdoes_mask(const struct knob_ctx *c, const char *unit)
{
	char path[OTHER_PATH_MAX];

	path_in(DIR_ETC, unit, path);
	return fsio_exists(c->fs, path) && !is_mask(c, path);
}

bool systemd_unit_is_barred(const struct knob_ctx *c, const char *unit)
{
	char path[OTHER_PATH_MAX];

	path_in(DIR_ETC, unit, path);
	return is_mask(c, path);
}

static bool is_masked(const struct knob_ctx *c, const char *unit)
{
	char path[OTHER_PATH_MAX];

	path_in(DIR_RUN, unit, path);
	return systemd_unit_is_barred(c, unit) || (is_mask(c, path) && !systemd_unit_outdoes_mask(c, unit));
}

const char *systemd_unit_lacks(const struct knob_ctx *c, const char *unit)
{
	char path[OTHER_PATH_MAX];

	if (!fsio_exists(c->fs, "/run/systemd/system")) /* sd_booted(3) */
		return "systemd does not run here";
	for (size_t i = 0; i < ARRAY_LEN(unit_dirs); i++) {
		path_in((int)i, unit, path);
		if (fsio_exists(c->fs, path))
			return NULL;
	}
	return other_is_active(c, unit) ? NULL : "not installed";
}

/* --- a copied tree: the same files, as the manager leaves them ------------------------------------------------------- */

/* What shows that it is active is kept aside while it is not, so that the tree comes back as it was. */
static int show_active(const struct knob_ctx *c, const char *unit, bool active, struct hft_err *err)
{
	char shown[OTHER_PATH_MAX], aside[OTHER_PATH_MAX];

	other_active_path(unit, shown);
	snprintf(aside, sizeof(aside), "/run/systemd/units/.%s", unit);
	if (!fsio_exists(c->fs, active ? aside : shown))
		return active ? durable_replace_in_dir(c->fs, shown, "", 0, 0644, err) : 0;
	return fsio_rename(c->fs, active ? aside : shown, active ? shown : aside, err);
}

static int show_mask(const struct knob_ctx *c, const char *unit, bool wanted, struct hft_err *err)
{
	char path[OTHER_PATH_MAX];

	path_in(DIR_RUN, unit, path);
	return wanted ? durable_replace(c->fs, path, "", 0, 0644, err) : durable_remove(c->fs, path, err);
}

/* --- states ------------------------------------------------------------------------------------------------------- */

static int mask(const struct knob_ctx *c, const char *unit, bool wanted, struct hft_err *err)
{
	if (wanted == is_masked(c, unit) || systemd_unit_outdoes_mask(c, unit))
		return 0;
	return c->copied ? show_mask(c, unit, wanted, err) : set_mask(unit, wanted, err);
}

static int activate(const struct knob_ctx *c, const char *unit, bool wanted, struct hft_err *err)
{
	if (wanted == other_is_active(c, unit))
		return 0;
	if (wanted && systemd_unit_is_barred(c, unit))
		return err_raise(err, ERR_WRITE_FAILED, EPERM, unit, "%s is masked in /etc, and cannot be started", unit);
	if (c->copied)
		return show_active(c, unit, wanted, err);
	return wanted ? run_job(c, unit, "StartUnit", "start", err) : run_job(c, unit, "StopUnit", "stop", err);
}

static const struct {
	const char *name;
	bool active, masked;
} states[] = {
	{ "running",        true,  false },
	{ "running masked", true,  true  },
	{ "idle",           false, false },
	{ "stopped",        false, true  },
};

int systemd_unit_read(const struct knob_ctx *c, const char *unit, struct strbuf *ret, struct hft_err *err)
{
	bool active = other_is_active(c, unit), masked = is_masked(c, unit);
	size_t i = 0;

	while (states[i].active != active || states[i].masked != masked)
		i++;
	strbuf_reset(ret);
	strbuf_add(ret, states[i].name);
	return ret->oom ? err_oom(err) : 0;
}

/* It is stopped as its own unit file says, which the manager forgets when it has read that it is masked: that comes last.
 * To be started it has to be known as unmasked. */
int systemd_unit_write(const struct knob_ctx *c, const char *unit, const char *state, struct hft_err *err)
{
	size_t i = 0;
	int r;

	while (i < ARRAY_LEN(states) && strcmp(states[i].name, state) != 0)
		i++;
	if (i == ARRAY_LEN(states))
		return err_raise(err, ERR_WRITE_FAILED, EINVAL, unit, "'%s' is no state of a unit", state);
	bool start = states[i].active && !other_is_active(c, unit);
	r = mask(c, unit, states[i].masked && !start, err);
	r = r < 0 || !start ? r : systemd_unit_reload(c, err);
	r = r < 0 ? r : activate(c, unit, states[i].active, err);
	r = r < 0 ? r : mask(c, unit, states[i].masked, err);
	return r < 0 || (start && !states[i].masked) ? r : systemd_unit_reload(c, err);
}

int systemd_unit_verify(const struct knob_ctx *c, const char *unit, const char *wanted, struct knob_verdict *ret,
                        struct hft_err *err)
{
	const struct other *o = other_find(unit);
	bool stopped = strcmp(wanted, "stopped") == 0;

	int r = systemd_unit_read(c, unit, &ret->found, err);
	if (r < 0)
		return r;
	const char *found = strbuf_str(&ret->found);
	bool held = strcmp(found, wanted) == 0 ||
	            (stopped && strcmp(found, "idle") == 0 && systemd_unit_outdoes_mask(c, unit));
	ret->state = held ? KNOB_OK : KNOB_DRIFT;
	if (!held && stopped)
		snprintf(ret->reason, sizeof(ret->reason), "%s: it sets %s",
		         str_starts(found, "running") ? "it runs again" : "whoever asks may start it again",
		         o != NULL ? o->what : "what it likes");
	return 0;
}
