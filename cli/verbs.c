/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of verbs. A verb is a row here; nothing else in the command line lists them. */
#include "cli/verbs.h"

#include "cli/complete.h"
#include "cli/request.h"
#include "cli/version.h"
#include "cli/views.h"
#include "lib/base/mem.h"

#define PROFILE_OPTIONS (OPT_BIT(OPT_PHASE) | OPT_BIT(OPT_SET))
#define ROLLBACK_OPTIONS                                                                                               \
	(OPT_BIT(OPT_PHASE) | OPT_BIT(OPT_PROFILE) | OPT_BIT(OPT_TO) | OPT_BIT(OPT_ALL) | OPT_BIT(OPT_FORCE) |         \
	 OPT_BIT(OPT_KEEP_THEIRS))

const struct verb verbs[] = {
	{
		.name = "profiles",
		.args = "",
		.summary = "list the profiles that can be found",
		.method = "Profiles",
		.view = view_profiles,
	},
	{
		.name = "show",
		.args = "PROFILE",
		.min_args = 1,
		.max_args = 1,
		.completes = WORD_PROFILE,
		.options = OPT_BIT(OPT_SET),
		.summary = "what a profile says, with its includes and this host's CPU sets filled in",
		.method = "Show",
		.request = request_profile,
		.view = view_show,
	},
	{
		.name = "explain",
		.args = "[KNOB[.OPTION]]",
		.max_args = 1,
		.completes = WORD_KNOB,
		.summary = "what a tunable does: unit, bounds, risk, when it takes effect, traps",
		.method = "Explain",
		.request = request_subject,
		.view = view_explain,
	},
	{
		.name = "plan",
		.args = "PROFILE",
		.min_args = 1,
		.max_args = 1,
		.completes = WORD_PROFILE,
		.options = PROFILE_OPTIONS | OPT_BIT(OPT_SWITCH),
		.summary = "what apply would do; changes nothing",
		.details = "Every setting of the profile is resolved on this host and compared with what is "
		           "there now. Exits 3 when apply would write something.",
		.streams = true,
		.method = "Plan",
		.request = request_profile,
		.status = status_plan,
		.view = view_plan,
	},
	{
		.name = "apply",
		.args = "PROFILE",
		.min_args = 1,
		.max_args = 1,
		.completes = WORD_PROFILE,
		.options = PROFILE_OPTIONS | OPT_BIT(OPT_SWITCH) | OPT_BIT(OPT_KEEP),
		.summary = "put a profile in force; all of it or nothing",
		.details = "One transaction: each value is kept before it is written, and read back after. When "
		           "a step does not take, everything is undone. A second apply of the same profile "
		           "writes nothing. Ctrl-C ends the waiting, not the transaction.",
		.streams = true,
		.changes = true,
		.method = "Apply",
		.request = request_profile,
		.status = status_change,
		.view = view_change,
	},
	{
		.name = "repair",
		.args = "",
		.summary = "write again what drifted from the layers in force",
		.details = "Uses what the journal holds, never the profile's file.",
		.streams = true,
		.changes = true,
		.method = "Repair",
		.status = status_change,
		.view = view_change,
	},
	{
		.name = "replay",
		.args = "",
		.summary = "put the layers of an earlier boot in force again",
		.details = "hfttune-replay.service runs it at boot. Uses what the journal holds, never the profile's "
		           "file; originals are those of this boot. Files, such as boot parameters, outlived the "
		           "reboot and are left as they are. All of it or nothing; with nothing to replay it does "
		           "nothing.",
		.streams = true,
		.changes = true,
		.method = "Replay",
		.status = status_change,
		.view = view_change,
	},
	{
		.name = "verify",
		.args = "[PROFILE]",
		.max_args = 1,
		.completes = WORD_PROFILE,
		.options = PROFILE_OPTIONS,
		.with_arg = PROFILE_OPTIONS,
		.summary = "does the host hold what was applied, or what a profile says",
		.details = "Without PROFILE the recorded layers are judged, with it the host against the file as "
		           "it is now, applied or not. Judged by the effect, not by the file that was written. "
		           "Exits 3 on drift.",
		.streams = true,
		.method = "Verify",
		.request = request_profile,
		.status = status_verify,
		.view = view_verify,
	},
	{
		.name = "status",
		.args = "",
		.summary = "layers in force, unfinished transactions, damage",
		.method = "Status",
		.view = view_status,
	},
	{
		.name = "history",
		.args = "[TXN]",
		.max_args = 1,
		.completes = WORD_TXN,
		.summary = "the transactions; with a number, the steps of that one",
		.method = "History",
		.request = request_txn,
		.view = view_history,
	},
	{
		.name = "rollback",
		.args = "",
		.options = ROLLBACK_OPTIONS,
		.summary = "take back: the last apply, phases, a profile, what came after a transaction, or all",
		.details = "Without options the last committed apply is taken back. What somebody else changed "
		           "since is left alone, named, and makes the exit status 4, unless --force or --keep- "
		           "theirs says what to do.",
		.streams = true,
		.changes = true,
		.method = "Rollback",
		.request = request_rollback,
		.status = status_change,
		.view = view_change,
	},
	{
		.name = "host",
		.args = "",
		.summary = "a map of this host: packages, nodes, caches, cores, siblings, network devices",
		.method = "Host",
		.view = view_host,
	},
	{
		.name = "doctor",
		.args = "",
		.options = OPT_BIT(OPT_SECONDS),
		.summary = "who disturbs the CPUs that shall be quiet, and what to do about it",
		.details = "Counters of the kernel are read twice, some seconds apart, and held against what nobody "
		           "minds; no CPU is asked anything. Watch for ten minutes for what is rare. Exits 3 when "
		           "something disturbs.",
		.streams = true,
		.method = "Doctor",
		.request = request_doctor,
		.status = status_doctor,
		.view = view_doctor,
	},
	{
		.name = "version",
		.args = "",
		.summary = "the version of this program, and of the daemon when it can be reached",
		.view = view_version,
		.run = version_run,
	},
	{
		.name = "complete",
		.args = "-- WORD...",
		.max_args = 1000,
		.summary = "candidates for the last word, for the shells' completion",
		.hidden = true,
		.run = complete_run,
	},
};
const size_t n_verbs = ARRAY_LEN(verbs);

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < n_verbs; i++)
		if (str_eq(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}
