/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the running kernel made of a parameter that it was booted with. A file that cannot be written shows what was taken
 * at boot: another value there is drift. One that can be written may have been changed since; the next boot brings it
 * back.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/knobs/boot.h"
#include "lib/base/cpuset.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

/* What the file shows for a value: "TEXT OR-TEXT" of `shows`, copied to buf. False: nothing can be seen there. */
static bool shown_text(const struct boot_row *row, const char *value, char *buf, size_t size)
{
	size_t len = strlen(value);

	if (row->shows == NULL) {
		snprintf(buf, size, "%s", value);
		return true;
	}
	for (const char *p = row->shows; *p != '\0'; p += p[strcspn(p, "|")] == '|') {
		if (strncmp(p, value, len) == 0 && p[len] == '=') {
			snprintf(buf, size, "%.*s", (int)strcspn(p + len + 1, "|"), p + len + 1);
			return true;
		}
		p += strcspn(p, "|");
	}
	return false;
}

/* "always [madvise] never": the word in brackets; else the whole. */
static void chosen(struct strbuf *text)
{
	char *open = text->len > 0 ? strchr(text->s, '[') : NULL, *end = open != NULL ? strchr(open, ']') : NULL;

	strbuf_trim(text);
	if (end == NULL)
		return;
	text->len = (size_t)(end - open) - 1;
	memmove(text->s, open + 1, text->len);
	text->s[text->len] = '\0';
}

static bool shows_text(const struct boot_row *row, const char *wanted, struct strbuf *text)
{
	CLEANUP(strlist_done) struct strlist any = { 0 };
	char want[64];

	chosen(text);
	return !shown_text(row, wanted, want, sizeof(want)) ||
	       (strlist_split(&any, want, " ") == 0 && strlist_has(&any, strbuf_str(text)));
}

static bool shows_cpus(const struct boot_row *row, const char *wanted, const char *text)
{
	struct cpuset want, have;

	/* Flags take the place of the default, which is "domain"; and the file is about that alone. */
	if (row->form == BOOT_ISOLCPUS && strchr("0123456789", wanted[0]) == NULL && strstr(wanted, "domain,") == NULL)
		return true;
	boot_value_cpus(row, wanted, &want);
	return cpuset_parse_kernel(text, &have, NULL) == 0 && cpuset_equal(&want, &have);
}

/* The file of the whole host, or that of a node. */
static void pool_path(const struct boot_row *row, int node, char *buf, size_t size)
{
	if (node < 0)
		snprintf(buf, size, "%s", row->effect);
	else
		snprintf(buf, size, "/sys/devices/system/node/node%d/hugepages/hugepages-%lldkB/nr_hugepages", node,
		         (long long)row->min);
}

static bool shows_pages(const struct knob_ctx *c, const struct boot_row *row, const char *wanted, struct strbuf *text)
{
	char path[128];
	uint64_t pages, have;
	int node;

	while (boot_next_pages(&wanted, &node, &pages)) {
		pool_path(row, node, path, sizeof(path));
		if (fsio_probe(c->fs, path, text) < 0 || num_parse_u64(strbuf_str(text), &have) < 0 || have < pages)
			return false;
	}
	return true;
}

static bool shows(const struct knob_ctx *c, const struct boot_row *row, const char *wanted, struct strbuf *text)
{
	switch (row->form) {
	case BOOT_CPUS:
	case BOOT_ISOLCPUS:
		return shows_cpus(row, wanted, strbuf_str(text));
	case BOOT_PAGES:
		return shows_pages(c, row, wanted, text);
	case BOOT_FLAG:
	case BOOT_INT:
	case BOOT_WORD:
	case BOOT_WORDS:
		break;
	}
	return shows_text(row, wanted, text);
}

void boot_effect(const struct knob_ctx *c, const struct boot_row *row, const char *wanted, struct knob_verdict *v)
{
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	mode_t mode = 0;

	v->state = KNOB_OK;
	v->reason[0] = '\0';
	if (row->effect == NULL)
		return;
	int r = fsio_probe(c->fs, row->effect, &text);
	if (r == 0 && shows(c, row, wanted, &text))
		return;
	if (r == 0)
		r = fsio_mode(c->fs, row->effect, &mode);
	v->state = r == 0 && (mode & 0222) != 0 ? KNOB_PENDING : KNOB_DRIFT;
	snprintf(v->reason, sizeof(v->reason), "%sbooted with it, but %s says '%.40s'%s",
	         v->state == KNOB_PENDING ? "reboot: " : "", row->effect, strbuf_str(&text),
	         v->state == KNOB_DRIFT ? "; see journalctl -k" : "");
}
