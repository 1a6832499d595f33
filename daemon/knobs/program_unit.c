/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running a program as a transient oneshot unit (org.freedesktop.systemd1(5)): StartTransientUnit, then wait for the
 * job to be removed. The unit is collected when it has ended; what it printed is in its journal.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "daemon/knobs/knob.h"
#include "daemon/knobs/program.h"
#include "daemon/knobs/systemd.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

#define GRACE_S 10 /* for the manager itself, beyond the time of the program */

static int append_command(sd_bus_message *m, const char *const argv[])
{
	int r = sd_bus_message_open_container(m, 'r', "sv");

	r = r < 0 ? r : sd_bus_message_append(m, "s", "ExecStart");
	r = r < 0 ? r : sd_bus_message_open_container(m, 'v', "a(sasb)");
	r = r < 0 ? r : sd_bus_message_open_container(m, 'a', "(sasb)");
	r = r < 0 ? r : sd_bus_message_open_container(m, 'r', "sasb");
	r = r < 0 ? r : sd_bus_message_append(m, "s", argv[0]);
	r = r < 0 ? r : sd_bus_message_append_strv(m, (char **)(uintptr_t)argv);
	r = r < 0 ? r : sd_bus_message_append(m, "b", false);
	for (int i = 0; i < 4; i++)
		r = r < 0 ? r : sd_bus_message_close_container(m);
	return r;
}

static int append_environment(sd_bus_message *m, const char *lang)
{
	const char *const list[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", lang[0] != '\0' ? lang : NULL, NULL };
	int r = sd_bus_message_open_container(m, 'r', "sv");

	r = r < 0 ? r : sd_bus_message_append(m, "s", "Environment");
	r = r < 0 ? r : sd_bus_message_open_container(m, 'v', "as");
	r = r < 0 ? r : sd_bus_message_append_strv(m, (char **)(uintptr_t)list);
	for (int i = 0; i < 2; i++)
		r = r < 0 ? r : sd_bus_message_close_container(m);
	return r;
}

/* `input` to standard input, and standard output to the file `output`. */
static int append_streams(sd_bus_message *m, const struct program *p)
{
	int r = sd_bus_message_append(m, "(sv)(sv)", "StandardInput", "s", "data", "StandardOutputFile", "s", p->output);

	r = r < 0 ? r : sd_bus_message_open_container(m, 'r', "sv");
	r = r < 0 ? r : sd_bus_message_append(m, "s", "StandardInputData");
	r = r < 0 ? r : sd_bus_message_open_container(m, 'v', "ay");
	r = r < 0 ? r : sd_bus_message_append_array(m, 'y', p->input, strlen(p->input));
	for (int i = 0; i < 2; i++)
		r = r < 0 ? r : sd_bus_message_close_container(m);
	return r;
}

static int append_unit(sd_bus_message *m, const char *unit, const char *lang, const struct program *p)
{
	int r = sd_bus_message_append(m, "ss", unit, "fail");

	r = r < 0 ? r : sd_bus_message_open_container(m, 'a', "(sv)");
	r = r < 0 ? r : sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "Description", "s", "Started by hfttuned", "Type", "s",
	                                      "oneshot", "TimeoutStartUSec", "t", (uint64_t)p->deadline_s * 1000000,
	                                      "CollectMode", "s", "inactive-or-failed");
	r = r < 0 ? r : append_environment(m, lang);
	r = r < 0 ? r : append_command(m, p->argv);
	if (p->output)
		r = r < 0 ? r : append_streams(m, p);
	r = r < 0 ? r : sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_append(m, "a(sa(sv))", 0);
}

static int start(const struct knob_ctx *c, sd_bus *bus, const char *unit, const struct program *p, sd_bus_error *error,
                 sd_bus_message **ret)
{
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	char lang[PROGRAM_LANG_MAX];
	int r = sd_bus_message_new_method_call(bus, &m, SYSTEMD_MANAGER, "StartTransientUnit");

	program_lang(c, lang);
	r = r < 0 ? r : append_unit(m, unit, lang, p);
	return r < 0 ? r : sd_bus_call(bus, m, 0, error, ret);
}

/* A unit of this name that is there still runs what a daemon before us started: two at once would disturb each other. */
static int start_when_free(const struct knob_ctx *c, sd_bus *bus, const char *unit, const struct program *p,
                           sd_bus_error *error, sd_bus_message **ret)
{
	time_t end = systemd_now() + p->deadline_s;

	for (;;) {
		int r = start(c, bus, unit, p, error, ret);
		if (!sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitExists") || systemd_now() > end)
			return r;
		sd_bus_error_free(error);
		systemd_beat(c);
		sd_bus_process(bus, NULL);
		sleep(1);
	}
}

static int judge(const struct systemd_job *job, const char *unit, const char *program, unsigned deadline_s,
                 struct hft_err *err)
{
	if (strcmp(job->result, "done") == 0)
		return 0;
	if (strcmp(job->result, "timeout") == 0)
		err_raise(err, ERR_TIMEOUT, ETIMEDOUT, program, "%s did not end within %u s", program, deadline_s);
	else
		err_raise(err, ERR_IO, EREMOTEIO, program, "%s failed (%s)", program, job->result);
	err_hint(err, "what it printed: journalctl -u %s", unit);
	return strcmp(job->result, "timeout") == 0 ? -ETIMEDOUT : -EREMOTEIO;
}

int program_run_unit(const struct knob_ctx *c, const struct program *p, struct hft_err *err)
{
	CLEANUP(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct systemd_job job = { 0 };
	char unit[96];

	const char *name = strrchr(p->argv[0], '/') + 1;
	snprintf(unit, sizeof(unit), "hfttune-%.40s.service", name);
	int r = sd_bus_open_system(&bus);
	r = r < 0 ? r : systemd_job_watch(bus, &job);
	r = r < 0 ? r : start_when_free(c, bus, unit, p, &error, &reply);
	r = r < 0 ? r : sd_bus_message_read(reply, "o", &job.path);
	r = r < 0 ? r : systemd_job_await(c, bus, &job, systemd_now() + p->deadline_s + GRACE_S);
	if (r < 0)
		return err_raise(err, ERR_IO, -r, p->argv[0], "cannot run %s as the unit %s: %s", p->argv[0], unit,
		                 error.message != NULL ? error.message : strerror(-r));
	return judge(&job, unit, p->argv[0], p->deadline_s, err);
}
