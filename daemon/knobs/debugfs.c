/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why debugfs cannot be had. Must know none of its files. */
#include "daemon/knobs/debugfs.h"

#include <errno.h>
#include <string.h>

#include "daemon/knobs/knob.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define ROOT "/sys/kernel/debug"

bool debugfs_has(const char *path)
{
	return str_starts(path, ROOT "/");
}

/* The kernel has the directory in any case. */
static bool is_mounted(const struct knob_ctx *c)
{
	CLEANUP(strlist_done) struct strlist names = {0};

	return fsio_list(c->fs, ROOT, &names, NULL) < 0 || names.n > 0;
}

/* Both modes lock debugfs, reads included (security/security.c, lockdown_reasons; fs/debugfs/file.c). */
static bool is_locked_down(const struct knob_ctx *c)
{
	CLEANUP(strbuf_done) struct strbuf modes = {0};

	return fsio_probe(c->fs, "/sys/kernel/security/lockdown", &modes) == 0 &&
	       (strstr(strbuf_str(&modes), "[integrity]") || strstr(strbuf_str(&modes), "[confidentiality]"));
}

const char *debugfs_lacks(const struct knob_ctx *c, const char *path, int r)
{
	if (!debugfs_has(path))
		return NULL;
	if (r == -ENOENT && !is_mounted(c))
		return "debugfs is not mounted";
	if (r == -EPERM && is_locked_down(c))
		return "lockdown: the kernel keeps debugfs from everybody";
	return NULL;
}
