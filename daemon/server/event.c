/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events with their message ids. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "daemon/server/event.h"

#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

/* Ids and fields as in packaging/hfttune.catalog; tests/lint/catalog.sh compares them. */
static const struct {
	const char *id, *field;
	enum log_level level;
} events[] = {
	[EVENT_RECOVERED] = {"cea300aabb1147088a1ff1cfcb59d886",  "HFTTUNE_OBJECTS", LOG_LEVEL_WARNING},
	[EVENT_UNDONE] = {"492c7670850d4e989edaf51f61ef18f3",     "HFTTUNE_OBJECTS", LOG_LEVEL_WARNING},
	[EVENT_NOT_UNDONE] = {"20fea859f8194f578f7d1028f8902ecc", "HFTTUNE_OBJECTS", LOG_LEVEL_ERROR  },
	[EVENT_STUCK] = {"99169fe5984f432aa823b11efd4d393e",      "HFTTUNE_OBJECTS", LOG_LEVEL_ERROR  },
	[EVENT_DAMAGE] = {"76daee2c5d8e4298a5bc863d759c42e5",     "HFTTUNE_PATH",    LOG_LEVEL_ERROR  },
	[EVENT_REPLAYED] = {"5b34b948044c4c9f8ad54e3583d3e8d2",   "HFTTUNE_OBJECTS", LOG_LEVEL_INFO   },
	[EVENT_REASSERTED] = {"203fef0ca16e4e37923123c56422abdd", "HFTTUNE_OBJECTS", LOG_LEVEL_WARNING},
	[EVENT_GAVE_UP] = {"8daf0c147f254118b5c8729341aaca95",    "HFTTUNE_OBJECTS", LOG_LEVEL_WARNING},
	[EVENT_CONTESTED] = {"ada3962617a546eb8f81af2d37c79ba1",  "HFTTUNE_OBJECTS", LOG_LEVEL_WARNING},
};

/* Under a service manager stderr is a socket of the journal (sd-daemon(3)). */
static int is_journal(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0 && S_ISSOCK(st.st_mode);
}

void event_log(enum event e, int64_t txn, const char *objects, const char *message)
{
	if (!is_journal() ||
	    sd_journal_send("MESSAGE=%s%s%s", objects, *objects ? ": " : "", message, "MESSAGE_ID=%s", events[e].id,
	                    "PRIORITY=%d", (int)events[e].level, "SYSLOG_IDENTIFIER=hfttuned", "%s=%s",
	                    events[e].field, objects, "HFTTUNE_TXN=%lld", (long long)txn, NULL) < 0)
		log_at(events[e].level, "%s%s%s", objects, *objects ? ": " : "", message);
}

void event_log_failure(const struct hft_err *err)
{
	static const struct {
		const char *code;
		enum event event;
	} meanings[] = {
		{ERR_WRITE_FAILED,  EVENT_UNDONE    },
		{ERR_NOT_IN_EFFECT, EVENT_UNDONE    },
		{ERR_NOT_UNDONE,    EVENT_NOT_UNDONE},
		{ERR_STATE,         EVENT_DAMAGE    },
	};

	for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
		if (strcmp(err->code, meanings[i].code) == 0)
			event_log(meanings[i].event, 0, err->subject, err->msg);
	}
}
