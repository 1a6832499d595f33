/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of /proc/meminfo, and of a node's own, that bounds depend on. Changes nothing. */
#include "daemon/knobs/meminfo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

/* The text after "NAME:"; a node has "Node 0 " in front of it. NULL when there is no such line. */
static char *find_number(char *text, const char *name)
{
	size_t len = strlen(name);

	for (char *p = strstr(text, name); p; p = strstr(p + len, name)) {
		if (p[len] == ':' && (p == text || p[-1] == '\n' || p[-1] == ' '))
			return p + len + 1 + strspn(p + len + 1, " \t");
	}
	return NULL;
}

int meminfo_read(const struct knob_ctx *c, int node, const char *name, uint64_t *ret_kib, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	char path[64] = "/proc/meminfo";

	if (node >= 0)
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
	int r = fsio_read(c->fs, path, &text, err);
	if (r < 0)
		return r;
	char *number = text.s ? find_number(text.s, name) : NULL;
	if (number)
		number[strcspn(number, " \t\n")] = '\0';
	if (!number || num_parse_u64(number, ret_kib) < 0)
		return err_raise(err, ERR_IO, EIO, path, "%s does not say %s", path, name);
	return 0;
}

int meminfo_total(const struct knob_ctx *c, int node, uint64_t *ret_kib, struct hft_err *err)
{
	uint64_t sum = 0;
	int r = host_read_details(c->host, err);

	if (r < 0)
		return r;
	if (node >= 0 && !host_node(c->host, node))
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, "node", "there is no NUMA node %d", node);
	for (size_t i = 0; i < c->host->n_nodes; i++)
		if (node < 0 || c->host->nodes[i].node == node)
			sum += c->host->nodes[i].memory_kib;
	*ret_kib = sum;
	return 0;
}
