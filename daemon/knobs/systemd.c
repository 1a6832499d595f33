/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to the service manager. Must not decide when a unit may be restarted. */
#include "daemon/knobs/systemd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "daemon/knobs/knob.h"
#include "daemon/knobs/systemd_slice.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define SERVICE "org.freedesktop.systemd1"
#define UNIT_INTERFACE SERVICE ".Unit"
#define RELOAD_S 90   /* the time that systemd itself gives it at most */
#define RESTART_S 600 /* stopping and starting, each within the unit's own limits */
#define SETTLE_S 2    /* an Exec= that fails at once ends within that, whatever the unit's Type= */

const char *systemd_lacks(const struct knob_ctx *c)
{
	if (c->copied || fsio_exists(c->fs, "/run/systemd/system"))
		return NULL;
	return "systemd is not the service manager of this host";
}

static int raise_bus(struct hft_err *err, int r, const sd_bus_error *error, const char *subject, const char *what)
{
	if (r == -ETIMEDOUT)
		return err_raise(err, ERR_TIMEOUT, ETIMEDOUT, subject, "systemd did not %s %s in time", what, subject);
	return err_raise(err, ERR_IO, -r, subject, "systemd does not %s %s: %s", what, subject,
	                 error->message != NULL ? error->message : strerror(-r));
}

/* --- jobs --------------------------------------------------------------------------------------------------------- */

static int on_job_removed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct systemd_job *job = data;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 && job->path != NULL &&
	    strcmp(path, job->path) == 0)
		snprintf(job->result, sizeof(job->result), "%s", result);
	return 0;
}

int systemd_job_watch(struct sd_bus *bus, struct systemd_job *job)
{
	return sd_bus_match_signal(bus, NULL, SYSTEMD_MANAGER, "JobRemoved", on_job_removed, job);
}

void systemd_beat(const struct knob_ctx *c)
{
	if (c->alive != NULL)
		c->alive(c->alive_data);
}

time_t systemd_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec;
}

int systemd_job_await(const struct knob_ctx *c, struct sd_bus *bus, struct systemd_job *job, time_t end)
{
	while (job->result[0] == '\0') {
		int r = sd_bus_process(bus, NULL);
		if (r == 0 && systemd_now() > end)
			return -ETIMEDOUT;
		if (r == 0) {
			systemd_beat(c);
			r = sd_bus_wait(bus, 1000000);
		}
		if (r < 0 && r != -EINTR)
			return r;
	}
	return 0;
}

/* --- reload ------------------------------------------------------------------------------------------------------- */

struct answer {
	bool came;
	int r;
	char message[256];
};

static int on_answer(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct answer *a = data;
	const sd_bus_error *failed = sd_bus_message_get_error(m);

	(void)error;
	a->came = true;
	a->r = failed != NULL ? -sd_bus_error_get_errno(failed) : 0;
	if (failed != NULL)
		snprintf(a->message, sizeof(a->message), "%s", failed->message);
	return 0;
}

/* With thousands of units it takes seconds: it is waited for as for a job. */
static int reload(const struct knob_ctx *c, struct hft_err *err)
{
	CLEANUP(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	struct answer a = { 0 };
	sd_bus_error why = SD_BUS_ERROR_NULL;
	time_t end = systemd_now() + RELOAD_S;

	int r = sd_bus_open_system(&bus);
	r = r < 0 ? r : sd_bus_message_new_method_call(bus, &m, SYSTEMD_MANAGER, "Reload");
	r = r < 0 ? r : sd_bus_call_async(bus, NULL, m, on_answer, &a, (uint64_t)RELOAD_S * 1000000);
	while (r >= 0 && !a.came) {
		r = sd_bus_process(bus, NULL);
		if (r == 0 && systemd_now() > end)
			r = -ETIMEDOUT;
		if (r == 0) {
			systemd_beat(c);
			r = sd_bus_wait(bus, 1000000);
		}
		r = r == -EINTR ? 0 : r;
	}
	r = r < 0 ? r : a.r;
	if (a.message[0] != '\0')
		why.message = a.message;
	return r < 0 ? raise_bus(err, r, &why, "its units", "reload") : 0;
}

/* --- one unit ----------------------------------------------------------------------------------------------------- */

void systemd_unit_done(struct systemd_unit *u)
{
	sd_bus_flush_close_unref(u->bus);
	free(u->name);
	free(u->path);
	free(u->state);
	free(u->cgroup);
	*u = (struct systemd_unit){ 0 };
}

static const char *type_of(const char *unit)
{
	return str_ends(unit, ".service") ? SERVICE ".Service" : str_ends(unit, ".slice") ? SERVICE ".Slice" : SERVICE ".Scope";
}

/* LoadUnit, unlike GetUnit, knows units that do not run as well. */
static int find_unit(const char *unit, struct systemd_unit *u, sd_bus_error *error)
{
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *path;

	int r = sd_bus_open_system(&u->bus);
	r = r < 0 ? r : sd_bus_call_method(u->bus, SYSTEMD_MANAGER, "LoadUnit", error, &reply, "s", unit);
	r = r < 0 ? r : sd_bus_message_read(reply, "o", &path);
	if (r < 0)
		return r;
	u->name = strdup(unit);
	u->path = strdup(path);
	u->type = type_of(unit);
	return u->name != NULL && u->path != NULL ? 0 : -ENOMEM;
}

static int read_process(struct systemd_unit *u, sd_bus_error *error)
{
	if (!str_ends(u->type, ".Service"))
		return 0;
	int r = sd_bus_get_property_trivial(u->bus, SERVICE, u->path, u->type, "MainPID", error, 'u', &u->pid);
	return r < 0 ? r : sd_bus_get_property_trivial(u->bus, SERVICE, u->path, u->type, "ExecMainStartTimestamp", error,
	                                                't', &u->started_us);
}

int systemd_unit_open(const char *unit, struct systemd_unit *ret, struct hft_err *err)
{
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	CLEANUP(systemd_unit_done) struct systemd_unit u = { 0 };

	int r = find_unit(unit, &u, &error);
	r = r < 0 ? r : sd_bus_get_property_string(u.bus, SERVICE, u.path, UNIT_INTERFACE, "ActiveState", &error, &u.state);
	r = r < 0 ? r : sd_bus_get_property_string(u.bus, SERVICE, u.path, u.type, "ControlGroup", &error, &u.cgroup);
	r = r < 0 ? r : read_process(&u, &error);
	if (r < 0)
		return raise_bus(err, r, &error, unit, "tell of");
	*ret = u;
	u = (struct systemd_unit){ 0 };
	return 0;
}

/* --- properties ---------------------------------------------------------------------------------------------------- */

static int add_mask(sd_bus_message *m, struct strbuf *ret)
{
	const uint8_t *bytes;
	struct cpuset set;
	size_t n;

	int r = sd_bus_message_read_array(m, 'y', (const void **)&bytes, &n);
	if (r < 0)
		return r;
	cpuset_zero(&set);
	for (size_t i = 0; i < 8 * n; i++)
		if (bytes[i / 8] & 1U << i % 8)
			cpuset_add(&set, (unsigned)i);
	cpuset_format(&set, ret);
	return 0;
}

static int add_lines(sd_bus_message *m, struct strbuf *ret)
{
	const char *s;

	int r = sd_bus_message_enter_container(m, 'a', "s");
	while (r >= 0 && (r = sd_bus_message_read(m, "s", &s)) > 0)
		strbuf_addf(ret, "%s\n", s);
	return r;
}

static int add_value(sd_bus_message *m, struct strbuf *ret)
{
	const char *contents, *s;
	uint64_t t;
	uint32_t u;
	int32_t i;
	char type;

	int r = sd_bus_message_peek_type(m, &type, &contents);
	if (r < 0)
		return r;
	if (type == 'a')
		return contents[0] == 'y' ? add_mask(m, ret) : add_lines(m, ret);
	if (type == 's' && (r = sd_bus_message_read(m, "s", &s)) >= 0)
		strbuf_add(ret, s);
	else if (type == 'i' && (r = sd_bus_message_read(m, "i", &i)) >= 0)
		strbuf_addf(ret, "%d", i);
	else if (type == 'u' && (r = sd_bus_message_read(m, "u", &u)) >= 0)
		strbuf_addf(ret, "%u", u);
	else if (type == 't' && (r = sd_bus_message_read(m, "t", &t)) >= 0 && t != UINT64_MAX)
		strbuf_addf(ret, "%llu", (unsigned long long)t);
	else if (type == 't' && r >= 0)
		strbuf_add(ret, "infinity");
	return r;
}

int systemd_property(const struct systemd_unit *u, const char *name, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	const char *contents;
	char type;

	strbuf_reset(ret);
	int r = sd_bus_call_method(u->bus, SERVICE, u->path, "org.freedesktop.DBus.Properties", "Get", &error, &m, "ss",
	                           u->type, name);
	r = r < 0 ? r : sd_bus_message_peek_type(m, &type, &contents);
	r = r < 0 ? r : sd_bus_message_enter_container(m, 'v', contents);
	r = r < 0 ? r : add_value(m, ret);
	if (r < 0)
		return raise_bus(err, r, &error, name, "tell of");
	return ret->oom ? err_oom(err) : 0;
}

/* --- slices ------------------------------------------------------------------------------------------------------- */

static int is_empty(const struct systemd_unit *u, const char *property, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	int r = systemd_property(u, property, &text, err);
	return r < 0 ? r : text.len == 0;
}

/* Nothing is in it, or is to be; it has no file, and no drop-in but ours. */
static int stands_for_nothing(const struct knob_ctx *c, struct systemd_unit *u, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf dropins = { 0 };
	CLEANUP(strlist_done) struct strlist paths = { 0 };

	if (!slice_is_active(c, u->name) || slice_is_populated(c, u->name))
		return 0;
	u->type = UNIT_INTERFACE;
	int r = is_empty(u, "FragmentPath", err);
	r = r == 1 ? is_empty(u, "RequiredBy", err) : r;
	if (r != 1)
		return r;
	r = systemd_property(u, "DropInPaths", &dropins, err);
	if (r == 0 && strlist_split(&paths, strbuf_str(&dropins), "\n") < 0)
		r = err_oom(err);
	for (size_t i = 0; r == 0 && i < paths.n; i++)
		if (!str_ends(paths.s[i], "/50-hfttune.conf"))
			return 0;
	return r < 0 ? r : 1;
}

/* 1: it is gone; 0: it stays. left: only if nobody has started it. */
static int drop_slice(const struct knob_ctx *c, const char *slice, bool left, struct hft_err *err)
{
	CLEANUP(systemd_unit_done) struct systemd_unit u = { 0 };

	int r = systemd_unit_open(slice, &u, err);
	if (r == 0 && left && strcmp(u.state, "inactive") != 0)
		return 0;
	r = r < 0 ? r : stands_for_nothing(c, &u, err);
	if (r != 1)
		return r;
	r = slice_stop(c, slice, err);
	return r < 0 ? r : 1;
}

int systemd_reload(const struct knob_ctx *c, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist groups = { 0 };

	int r = reload(c, err);
	if (r < 0 || fsio_list(c->fs, "/sys/fs/cgroup", &groups, NULL) < 0)
		return r;
	for (size_t i = 0; r >= 0 && i < groups.n; i++)
		if (slice_is_name(groups.s[i]) && str_ends(groups.s[i], ".slice") && !slice_is_populated(c, groups.s[i]))
			r = drop_slice(c, groups.s[i], true, err);
	return r < 0 ? r : 0;
}

/* --- restart ------------------------------------------------------------------------------------------------------- */

static int raise_down(struct hft_err *err, const char *unit, const char *state)
{
	err_raise(err, ERR_NOT_IN_EFFECT, EREMOTEIO, unit, "%s was restarted, and is %s", unit, state);
	err_values(err, "active", state);
	err_hint(err, "what it said: journalctl -u %s", unit);
	return -EREMOTEIO;
}

/* A program that ends at once has done so by then; with Restart= the process is another one. */
static int check_it_stays(const struct knob_ctx *c, const char *unit, struct hft_err *err)
{
	CLEANUP(systemd_unit_done) struct systemd_unit first = { 0 };

	int r = systemd_unit_open(unit, &first, err);
	for (int i = 0; r == 0 && i < SETTLE_S; i++) {
		CLEANUP(systemd_unit_done) struct systemd_unit now = { 0 };
		systemd_beat(c);
		sleep(1);
		r = systemd_unit_open(unit, &now, err);
		if (r == 0 && (strcmp(now.state, "active") != 0 || now.pid != first.pid))
			return raise_down(err, unit, now.pid != first.pid ? "being started again and again" : now.state);
	}
	return r;
}

static int drop_slices(const struct knob_ctx *c, char *cgroup, struct hft_err *err)
{
	int r = 1;

	for (char *slash; r == 1 && (slash = strrchr(cgroup, '/')) != NULL; *slash = '\0')
		if (str_ends(slash, ".slice"))
			r = drop_slice(c, slash + 1, false, err);
	return r < 0 ? r : 0;
}

static int restart(const struct knob_ctx *c, sd_bus *bus, const char *unit, struct hft_err *err)
{
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct systemd_job job = { 0 };

	int r = systemd_job_watch(bus, &job);
	if (r >= 0) /* it was started too often: that is over */
		sd_bus_call_method(bus, SYSTEMD_MANAGER, "ResetFailedUnit", NULL, NULL, "s", unit);
	r = r < 0 ? r : sd_bus_call_method(bus, SYSTEMD_MANAGER, "RestartUnit", &error, &reply, "ss", unit, "replace");
	r = r < 0 ? r : sd_bus_message_read(reply, "o", &job.path);
	r = r < 0 ? r : systemd_job_await(c, bus, &job, systemd_now() + RESTART_S);
	if (r < 0)
		return raise_bus(err, r, &error, unit, "restart");
	if (strcmp(job.result, "done") != 0)
		return raise_down(err, unit, job.result);
	return check_it_stays(c, unit, err);
}

int systemd_restart(const struct knob_ctx *c, const char *unit, struct hft_err *err)
{
	CLEANUP(systemd_unit_done) struct systemd_unit was = { 0 };

	int r = systemd_unit_open(unit, &was, err);
	r = r < 0 ? r : restart(c, was.bus, unit, err);
	return r < 0 ? r : drop_slices(c, was.cgroup, err);
}
