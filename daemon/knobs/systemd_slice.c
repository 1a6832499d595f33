/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to the service manager, each on a connection of its own, and waiting until the control group shows what came of it. */
#include "daemon/knobs/systemd_slice.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "daemon/host/host.h"
#include "daemon/knobs/knob.h"
#include "daemon/knobs/systemd.h"
#include "lib/base/durable.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define CGROUP "/sys/fs/cgroup"
#define CONTROL "/run/systemd/system.control"
#define TRANSIENT "/run/systemd/transient" /* of units that have no file of their own, as init.scope */
#define LASTING "/etc/systemd/system.control"
#define DROPIN "50-AllowedCPUs.conf"
#define ALLOWED "AllowedCPUs="
#define DROPIN_MAX 4096
#define CALL_S 60 /* a reload of a host with thousands of units takes its time */
#define AWAIT_MS 5000
#define STOPS 6
#define AWAIT_STEP_MS 20

bool slice_is_name(const char *unit)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t len = strlen(unit);

	if (str_eq(unit, "init.scope"))
		return true;
	return len < SLICE_NAME_MAX && len > strlen(".slice") && str_ends(unit, ".slice") &&
	       strspn(unit, chars) == len && unit[0] != '-' && unit[0] != '.' && !strstr(unit, "--") &&
	       !strstr(unit, "-.");
}

/* Each "-" of the name is a slice within another (systemd.slice(5)). */
int slice_path(const char *unit, const char *file, struct strbuf *ret, struct hft_err *err)
{
	strbuf_reset(ret);
	strbuf_add(ret, CGROUP "/");
	for (const char *dash = strchr(unit, '-'); dash; dash = strchr(dash + 1, '-')) {
		strbuf_addn(ret, unit, (size_t)(dash - unit));
		strbuf_add(ret, ".slice/");
	}
	strbuf_addf(ret, "%s%s%s", unit, file[0] != '\0' ? "/" : "", file);
	return ret->oom ? err_oom(err) : 0;
}

/* --- looking -------------------------------------------------------------------------------------------------------- */

static int probe(const struct knob_ctx *c, const char *unit, const char *file, struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	int r = slice_path(unit, file, &path, NULL);

	r = r < 0 ? r : fsio_probe(c->fs, strbuf_str(&path), ret);
	strbuf_trim(ret);
	return r;
}

bool slice_is_active(const struct knob_ctx *c, const char *unit)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};

	return slice_path(unit, "", &path, NULL) == 0 && fsio_exists(c->fs, strbuf_str(&path));
}

bool slice_is_populated(const struct knob_ctx *c, const char *unit)
{
	CLEANUP(strbuf_done) struct strbuf events = {0};

	return probe(c, unit, "cgroup.events", &events) == 0 && str_starts(strbuf_str(&events), "populated 1");
}

static char *dropin_path(const char *below, const char *unit)
{
	return str_printf("%s/%s.d/" DROPIN, below, unit);
}

/* Where the runtime drop-in is, or would be. */
static char *runtime_path(const struct knob_ctx *c, const char *unit)
{
	char *path = dropin_path(TRANSIENT, unit);

	if (!path || fsio_exists(c->fs, path))
		return path;
	free(path);
	return dropin_path(CONTROL, unit);
}

const char *slice_overridden(const struct knob_ctx *c, const char *unit)
{
	CLEANUP(mem_freep) char *path = dropin_path(LASTING, unit);

	return path && fsio_exists(c->fs, path)
	               ? "`systemctl set-property` has set AllowedCPUs= for good (" LASTING "), which wins"
	               : NULL;
}

/* The last line counts; systemd writes ranges with blanks between them. */
static int parse_dropin(char *text, struct cpuset *ret)
{
	char *list = NULL;

	for (char *line = text; line; line = (line = strchr(line, '\n')) ? line + 1 : NULL)
		if (str_starts(line, ALLOWED))
			list = line + strlen(ALLOWED);
	if (!list)
		return 0;
	list[strcspn(list, "\n")] = '\0';
	for (char *blank = list; (blank = strchr(blank, ' '));)
		*blank = ',';
	int r = cpuset_parse(list, ret, NULL);
	return r < 0 ? r : !cpuset_is_empty(ret);
}

int slice_runtime_cpus(const struct knob_ctx *c, const char *unit, struct cpuset *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *path = runtime_path(c, unit);
	CLEANUP(strbuf_done) struct strbuf text = {0};
	int r = path ? fsio_read_file(c->fs, path, DROPIN_MAX, &text, NULL) : -ENOMEM;
	CLEANUP(mem_freep) char *copy = r == 0 ? strdup(strbuf_str(&text)) : NULL;

	cpuset_zero(ret);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = copy ? parse_dropin(copy, ret) : -ENOMEM;
	return r >= 0 ? r : err_raise(err, ERR_IO, -r, unit, "cannot make sense of %s: %s", path ? path : unit,
	                              strerror(-r));
}

/* --- the copied tree -------------------------------------------------------------------------------------------------- */

static int put(const struct knob_ctx *c, const char *unit, const char *file, const char *text, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0}, line = {0};
	int r = slice_path(unit, file, &path, err);

	strbuf_addf(&line, "%s\n", text);
	if (r == 0 && line.oom)
		r = err_oom(err);
	return r < 0 ? r : durable_replace(c->fs, strbuf_str(&path), line.s, line.len, 0644, err);
}

static int set_copied(const struct knob_ctx *c, const char *unit, const char *list, struct hft_err *err)
{
	CLEANUP(mem_freep) char *path = runtime_path(c, unit);
	CLEANUP(mem_freep) char *text = str_printf("[Slice]\n" ALLOWED "%s\n", list);
	int r = path && text ? fsio_mkdirs(c->fs, CONTROL, 0755, err) : err_oom(err);

	r = r < 0 ? r : durable_replace_in_dir(c->fs, path, text, strlen(text), 0644, err);
	return r == 0 && slice_is_active(c, unit) ? put(c, unit, "cpuset.cpus", list, err) : r;
}

static int start_copied(const struct knob_ctx *c, const char *unit, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0}, list = {0};
	struct cpuset set;
	int r = slice_path(unit, "", &path, err);

	r = r < 0 ? r : fsio_mkdirs(c->fs, strbuf_str(&path), 0755, err);
	r = r < 0 ? r : slice_runtime_cpus(c, unit, &set, err);
	if (r < 0)
		return r;
	cpuset_format(&set, &list);
	r = put(c, unit, "cpuset.cpus", strbuf_str(&list), err);
	return r < 0 ? r : put(c, unit, "cpuset.cpus.partition", "member", err);
}

static int stop_copied(const struct knob_ctx *c, const char *unit, struct hft_err *err)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.cpus.partition" };
	CLEANUP(strbuf_done) struct strbuf path = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files); i++) {
		r = slice_path(unit, files[i], &path, err);
		r = r < 0 ? r : fsio_unlink(c->fs, strbuf_str(&path), err);
	}
	r = r < 0 ? r : slice_path(unit, "", &path, err);
	return r < 0 ? r : fsio_rmdir(c->fs, strbuf_str(&path), err);
}

/* --- asking ----------------------------------------------------------------------------------------------------------- */

/* Sends what `append` has made of the call, and waits for the answer. */
static int ask(const char *method, int (*append)(sd_bus_message *m, const char *unit, const struct cpuset *set),
               const char *unit, const struct cpuset *set, struct hft_err *err)
{
	CLEANUP(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_open_system(&bus);

	r = r < 0 ? r : sd_bus_set_method_call_timeout(bus, CALL_S * UINT64_C(1000000));
	r = r < 0 ? r : sd_bus_message_new_method_call(bus, &m, SYSTEMD_MANAGER, method);
	r = r < 0 ? r : append(m, unit, set);
	r = r < 0 ? r : sd_bus_call(bus, m, 0, &error, &reply);
	return r >= 0 ? 0 : err_raise(err, ERR_IO, -r, unit, "the service manager refuses %s: %s", method,
	                              error.message ? error.message : strerror(-r));
}

static int append_nothing(sd_bus_message *m, const char *unit, const struct cpuset *set)
{
	(void)m;
	(void)unit;
	(void)set;
	return 0;
}

static int append_job(sd_bus_message *m, const char *unit, const struct cpuset *set)
{
	(void)set;
	return sd_bus_message_append(m, "ss", unit, "replace");
}

/* A bit for each CPU, the lowest first, up to the last one; none at all is what the unit's files say. */
static int append_cpus(sd_bus_message *m, const char *unit, const struct cpuset *set)
{
	unsigned char bits[CPUSET_MAX / 8] = {0};
	size_t n = 0;
	int r = sd_bus_message_append(m, "sb", unit, true);

	for (int cpu = cpuset_next(set, 0); cpu >= 0; cpu = cpuset_next(set, (unsigned)cpu + 1)) {
		n = (size_t)cpu / 8 + 1;
		bits[cpu / 8] |= (unsigned char)(1 << cpu % 8);
	}
	r = r < 0 ? r : sd_bus_message_open_container(m, 'a', "(sv)");
	r = r < 0 ? r : sd_bus_message_open_container(m, 'r', "sv");
	r = r < 0 ? r : sd_bus_message_append(m, "s", "AllowedCPUs");
	r = r < 0 ? r : sd_bus_message_open_container(m, 'v', "ay");
	r = r < 0 ? r : sd_bus_message_append_array(m, 'y', bits, n);
	for (int i = 0; i < 3; i++)
		r = r < 0 ? r : sd_bus_message_close_container(m);
	return r;
}

/* --- and waiting ------------------------------------------------------------------------------------------------------ */

static bool is_active(const struct knob_ctx *c, const char *unit, const struct cpuset *set)
{
	(void)set;
	return slice_is_active(c, unit);
}

static bool is_gone(const struct knob_ctx *c, const char *unit, const struct cpuset *set)
{
	(void)set;
	return !slice_is_active(c, unit);
}

static bool has_cpus(const struct knob_ctx *c, const char *unit, const struct cpuset *set)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct cpuset now;

	return !slice_is_active(c, unit) || (probe(c, unit, "cpuset.cpus", &text) == 0 &&
	                                     cpuset_parse_kernel(strbuf_str(&text), &now, NULL) == 0 &&
	                                     cpuset_equal(&now, set));
}

/* The manager answers before it has written to the control group. */
static int await(const struct knob_ctx *c, const char *unit,
                 bool (*done)(const struct knob_ctx *c, const char *unit, const struct cpuset *set),
                 const struct cpuset *set, const char *what, struct hft_err *err)
{
	for (int ms = 0; !done(c, unit, set); ms += AWAIT_STEP_MS) {
		if (ms > AWAIT_MS)
			return err_raise(err, ERR_TIMEOUT, ETIMEDOUT, unit, "%s %s within %d s", unit, what,
			                 AWAIT_MS / 1000);
		if (ms % 1000 == 0)
			systemd_beat(c);
		nanosleep(&(struct timespec){ .tv_nsec = AWAIT_STEP_MS * 1000000L }, NULL);
	}
	return 0;
}

int slice_set_cpus(const struct knob_ctx *c, const char *unit, const struct cpuset *set, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf list = {0};

	cpuset_format(set, &list);
	if (c->copied)
		return list.oom ? err_oom(err) : set_copied(c, unit, strbuf_str(&list), err);
	int r = ask("SetUnitProperties", append_cpus, unit, set, err);
	return r < 0 ? r : await(c, unit, has_cpus, set, "did not get its CPUs", err);
}

/*
 * The kernel does not let a cpuset with processes in it have no CPUs of its own again (ENOSPC): it gets all of them, which
 * is as much. Then the file goes, and with it the memory of the manager that there was one.
 */
int slice_reset_cpus(const struct knob_ctx *c, const char *unit, struct hft_err *err)
{
	CLEANUP(mem_freep) char *path = runtime_path(c, unit);
	struct cpuset none;
	int r = path ? 0 : err_oom(err);

	cpuset_zero(&none);
	if (r < 0 || !fsio_exists(c->fs, path))
		return r;
	r = slice_set_cpus(c, unit, &c->host->present, err);
	if (r == 0 && !c->copied)
		r = ask("SetUnitProperties", append_cpus, unit, &none, err);
	r = r < 0 ? r : durable_remove_with_dir(c->fs, path, err);
	if (r == 0)
		fsio_rmdir(c->fs, CONTROL, NULL); /* which the manager made with the first one; not if another is in it */
	return r < 0 || c->copied ? r : ask("Reload", append_nothing, unit, NULL, err);
}

int slice_start(const struct knob_ctx *c, const char *unit, struct hft_err *err)
{
	if (c->copied)
		return slice_is_active(c, unit) ? 0 : start_copied(c, unit, err);
	int r = ask("StartUnit", append_job, unit, NULL, err);
	return r < 0 ? r : await(c, unit, is_active, NULL, "did not start", err);
}

int slice_stop(const struct knob_ctx *c, const char *unit, struct hft_err *err)
{
	if (c->copied)
		return stop_copied(c, unit, err);
	/* Setting CPUs has made a control group of one that was never started; stopping that would leave it. And what is still
	 * in the manager's queue for it makes the group once more. */
	int r = -ETIMEDOUT;
	for (int i = 0; r == -ETIMEDOUT && i < STOPS; i++) {
		r = ask("StartUnit", append_job, unit, NULL, err);
		r = r < 0 ? r : ask("StopUnit", append_job, unit, NULL, err);
		r = r < 0 ? r : await(c, unit, is_gone, NULL, "did not stop", err);
	}
	return r;
}
