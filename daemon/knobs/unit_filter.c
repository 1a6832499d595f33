/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SystemCallFilter= as far as one call goes. Must not know who makes it. */
#include "daemon/knobs/unit_filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/knobs/unit_file.h"
#include "lib/base/mem.h"

/* Is sched_setaffinity(2) deadly? A list of what is allowed, or (with ~) of what is not; the first line says which, the
 * others add and take away (systemd.exec(5)). */
struct filter {
	bool set, is_deny, listed, harmless; /* harmless: refused with an error instead */
	char where[256];
};

static void filter_word(struct filter *f, const char *word, bool inverted, const char *where)
{
	static const char *const with[] = { "sched_setaffinity", "@resources", "@system-service", "@known" };
	size_t n = strcspn(word, ":");

	for (size_t i = 0; i < ARRAY_LEN(with); i++) {
		if (strlen(with[i]) != n || strncmp(word, with[i], n) != 0)
			continue;
		f->listed = inverted == f->is_deny;
		f->harmless = f->harmless || word[n] == ':';
		snprintf(f->where, sizeof(f->where), "%s", where);
	}
}

static int note_filter(void *data, const char *name, const char *value, const char *where)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };
	struct filter *f = data;
	bool inverted = value[0] == '~';

	if (strcmp(name, "SystemCallErrorNumber") == 0)
		f->harmless = value[0] != '\0' && strcmp(value, "kill") != 0;
	if (strcmp(name, "SystemCallFilter") != 0)
		return 0;
	if (value[0] == '\0') {
		*f = (struct filter){ .harmless = f->harmless };
		return 0;
	}
	if (!f->set)
		f->is_deny = inverted;
	if (!f->set)
		snprintf(f->where, sizeof(f->where), "%s", where);
	f->set = true;
	if (strlist_split(&words, value + inverted, " \t") < 0)
		return -ENOMEM;
	for (size_t i = 0; i < words.n; i++)
		filter_word(f, words.s[i], inverted, where);
	return 0;
}

int unit_filter_kills(const struct knob_ctx *c, const char *unit, char ret_where[static 256], struct hft_err *err)
{
	struct filter f = { 0 };

	int r = unit_each_setting(c, unit, "[Service]", note_filter, &f, err);
	snprintf(ret_where, 256, "%s", f.where);
	return r < 0 ? r : f.set && !f.harmless && f.listed == f.is_deny;
}
