/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What systemd holds in memory, of itself and of each active unit: a drop-in that was removed without a reload, or a
 * property set at run time, is in no file. Asked of systemctl, which talks to PID 1 and loads nothing: it is asked by
 * pattern, and patterns match loaded units alone.
 *
 * Only active units: systemd forgets the others when it likes, and their files are walked.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/tools/hostdump.h"

#define ASK "LC_ALL=C TZ=UTC SYSTEMD_COLORS=0 systemctl show --no-pager "

/* Properties that are no settings. */
static const struct rule skip[] = {
	{"*Timestamp*",          "clock"									    },
	{"*Monotonic",           "clock"									    },
	{"*Elapse*",             "clock"									    },
	{"LastTriggerUSec",      "clock"									    },
	{"Timers*",              "holds the next elapse; the unit's files hold the rest"                            },
	{"*PID",		 "number of a process"							      },
	{"InvocationID",         "another one at each start"							},
	{"ControlGroupId",       "another one at each start"							},
	{"ExecMain*",            "result"									   },
	{"Status*",              "what the service says of itself"                                                  },
	{"*Result",              "result"									   },
	{"Job",		  "number of a job"								  },
	{"*Current",             "measured"									 },
	{"*Available",           "measured"									 },
	{"MemoryPeak",           "measured"									 },
	{"MemorySwapPeak",       "measured"									 },
	{"CPUUsageNSec",         "measured"									 },
	{"IP*gress*",            "counters"									 },
	{"IO*Bytes",             "counters"									 },
	{"IO*Operations",        "counters"									 },
	{"NRestarts",            "counter"									  },
	{"NAccepted",            "counter"									  },
	{"NConnections",         "counter"									  },
	{"NRefused",             "counter"									  },
	{"NFileDescriptorStore", "what the service keeps there"                                                     },
	{"FreezerState",         "state"									    },
	{"*By",		  "the other side of a relation: it comes and goes with the units that name this one"},
	{"*Of",		  "the same"									 },
	{"Before",               "the same"									 },
	{"After",                "the same, in part"								},
	{"Conflicts",            "the same, in part"								},
	{"Triggers",             "the same, in part"								},
	{"N*Units",              "counter"									  },
	{"N*Jobs",               "counter"									  },
	{"NNames",               "counter"									  },
	{"Progress",             "of booting"								       },
	{"SystemState",          "result"									   },
	{"Tainted",              "result"									   },
	{NULL,		   NULL									       },
};

/* Shown by their hash: what they may hold is nobody's business. */
static const char *const secrets[] = {"*Environment", "*Credential*", "*Description"};

/* Sets: a reload of the manager tells them in another order. */
static const char *const sets[] = {"Requires", "Requisite", "Wants", "BindsTo", "Upholds", "RequiresMountsFor"};

struct unit {
	char *lines[1024]; /* "Property=value" */
	size_t n;
	const char *id; /* part of a line */
	bool active;
};

static bool matches(const struct rule *rules, const char *property)
{
	for (; rules->pattern; rules++)
		if (fnmatch(rules->pattern, property, 0) == 0)
			return true;
	return false;
}

static bool is_one_of(const char *const patterns[], size_t n, const char *property)
{
	while (n-- > 0)
		if (fnmatch(patterns[n], property, 0) == 0)
			return true;
	return false;
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The words of a set in their order; what does not fit is left as it is. */
static void sort_words(char text[], size_t size, const char *value)
{
	char copy[4096], *words[256], *at = copy;
	size_t n = 0, len = strlen(value);

	if (len >= sizeof(copy) || len >= size)
		return;
	memcpy(copy, value, len + 1);
	for (char *word; n < 256 && (word = strsep(&at, " ")) != NULL;)
		words[n++] = word;
	if (at != NULL)
		return;
	qsort(words, n, sizeof(*words), compare_words);
	for (size_t i = 0; i < n; i++)
		text += sprintf(text, "%s%s", i ? " " : "", words[i]);
}

static void emit_property(struct dump *d, const char *unit, const char *line)
{
	const char *value = strchr(line, '='), *end;
	char name[128], path[640], sorted[4096] = "";

	if (!value || !value[1])
		return; /* not set */
	snprintf(name, sizeof(name), "%.*s", (int)(value++ - line), line);
	if (matches(skip, name))
		return;
	bool secret = is_one_of(secrets, sizeof(secrets) / sizeof(*secrets), name);
	if (is_one_of(sets, sizeof(sets) / sizeof(*sets), name))
		sort_words(sorted, sizeof(sorted), value);
	if (sorted[0])
		value = sorted;
	end = strstr(value, " ; start_time="); /* of commands: from here on it is when they ran */
	snprintf(path, sizeof(path), "%.500s/%s", unit, name);
	(secret ? emit_hash : emit_bytes)(d, "unit:", path, value, end ? (size_t)(end - value) : strlen(value));
}

static void emit_unit(struct dump *d, struct unit *u)
{
	for (size_t i = 0; u->active && i < u->n; i++)
		emit_property(d, u->id, u->lines[i]);
	for (size_t i = 0; i < u->n; i++) /* the Id is one of them */
		free(u->lines[i]);
	*u = (struct unit){0};
}

/* Units are separated by an empty line. One inside of a value does not end the unit: its Id would still be to come. */
static void add_line(struct dump *d, struct unit *u, const char *line)
{
	if (*line == '\0' && u->id)
		emit_unit(d, u);
	if (*line == '\0' || u->n == sizeof(u->lines) / sizeof(*u->lines))
		return; /* no unit has that many */
	u->lines[u->n] = must(strdup(line));
	if (strncmp(line, "Id=", 3) == 0)
		u->id = u->lines[u->n] + 3;
	if (strncmp(line, "ActiveState=", 12) == 0)
		u->active = strcmp(line + 12, "inactive") != 0;
	u->n++;
}

/* systemctl must not fail unnoticed. */
static void ask(struct dump *d, const char *command, struct unit *u)
{
	FILE *f = popen(command, "re");
	char *line = NULL;
	size_t room = 0;

	while (f && getline(&line, &room, f) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		add_line(d, u, line);
	}
	emit_unit(d, u);
	free(line);
	if (!f || pclose(f) != 0)
		emit(d, "unit:", "(systemctl)", "!failed");
}

void dump_units(struct dump *d)
{
	static struct unit u; /* large */

	if (access("/run/systemd/system", F_OK) < 0)
		return; /* sd_booted(3): PID 1 is another one */
	ask(d, ASK "'*.service' '*.socket' '*.timer' '*.slice' '*.scope'", &u);
	u.id = "(manager)";
	u.active = true;
	ask(d, ASK, &u);
}
