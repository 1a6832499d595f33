/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forms of rows: sets of CPUs, as lists and as masks. Must know no row. */
#include "daemon/knobs/row_form.h"

#include <errno.h>
#include <string.h>

#include "daemon/host/host.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

static int parse_cpus(const struct knob_ctx *c, const struct row *row, const char *path, const char *value,
                      struct strbuf *ret, struct hft_err *err)
{
	struct cpuset set;
	int r = cpuset_parse(value, &set, NULL);

	if (r == -EINVAL || (r == 0 && cpuset_is_empty(&set)))
		return row_raise_form(row, value, err);
	if (r < 0 || (path && !cpuset_is_subset(&set, &c->host->present))) {
		CLEANUP(strbuf_done) struct strbuf present = {0};
		cpuset_format(&c->host->present, &present);
		r = err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, row->option, "%s: not all of CPUs %s are present",
		              row->option, value);
		err_values(err, strbuf_str(&present), value);
		return r;
	}
	cpuset_format(&set, ret);
	return 0;
}

static int cpulist_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	struct cpuset set;

	(void)row;
	if (cpuset_parse_kernel(text, &set, NULL) < 0)
		return -EINVAL;
	cpuset_format(&set, ret);
	return 0;
}

static int cpumask_of_text(const struct row *row, const char *text, struct strbuf *ret)
{
	struct cpuset set;

	(void)row;
	if (cpuset_parse_mask(text, &set, NULL) < 0)
		return -EINVAL;
	cpuset_format(&set, ret);
	return 0;
}

/* The kernel refuses a mask with bits beyond its own (EOVERFLOW), so it is no wider than `possible`. */
static int cpumask_to_text(const struct knob_ctx *c, const char *value, struct strbuf *ret)
{
	struct cpuset set;
	unsigned n = 1;

	if (cpuset_parse(value, &set, NULL) < 0)
		return -EINVAL;
	for (int cpu = cpuset_next(&c->host->possible, 0); cpu >= 0;
	     cpu = cpuset_next(&c->host->possible, (unsigned)cpu + 1))
		n = (unsigned)cpu + 1;
	cpuset_format_mask(&set, n, ret);
	return 0;
}

/* As many digits as before: the kernel shows as many as the machine can have CPUs ("%*pb"). */
static void cpumask_shown(const struct knob_ctx *c, const struct row *row, const char *before, const char *value,
                          struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf wide = {0};
	struct cpuset set;
	size_t len = strlen(before);

	(void)c;
	(void)row;
	cpuset_zero(&set);
	cpuset_parse(value, &set, NULL);
	cpuset_format_mask(&set, CPUSET_MAX, &wide);
	strbuf_add(ret, strbuf_str(&wide) + (len < wide.len ? wide.len - len : 0));
}

const struct row_codec row_cpulist = {
	.parse = parse_cpus,
	.of_text = cpulist_of_text,
};

const struct row_codec row_cpumask = {
	.parse = parse_cpus,
	.of_text = cpumask_of_text,
	.to_text = cpumask_to_text,
	.shown = cpumask_shown,
};
