/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of /proc/meminfo that bounds depend on. Changes nothing. */
#include "daemon/knobs/meminfo.h"

#include <errno.h>
#include <string.h>

#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define MEMINFO "/proc/meminfo"

/* The text after "NAME:" at the start of a line; NULL when there is no such line. */
static char *find_line(char *text, const char *name)
{
	size_t len = strlen(name);

	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1;
	}
	return NULL;
}

int meminfo_read(const struct knob_ctx *c, const char *name, uint64_t *ret_kib, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	int r = fsio_read(c->fs, MEMINFO, &text, err);

	if (r < 0)
		return r;
	char *number = text.s ? find_line(text.s, name) : NULL;
	if (number) {
		number += strspn(number, " \t");
		number[strcspn(number, " \t\n")] = '\0';
	}
	if (!number || num_parse_u64(number, ret_kib) < 0)
		return err_raise(err, ERR_IO, EIO, MEMINFO, "%s does not say %s", MEMINFO, name);
	return 0;
}
