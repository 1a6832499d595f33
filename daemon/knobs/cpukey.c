/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Selectors, keys and files of the knobs that have objects per CPU or policy. Must know nothing of any one tunable. */
#include "daemon/knobs/cpukey.h"

#include <errno.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/debugfs.h"
#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

bool cpukey_is_all(const char *selector)
{
	return selector[0] == '\0' || str_eq(selector, "*");
}

int cpukey_select(const struct knob_ctx *c, const char *selector, struct cpuset *ret, struct hft_err *err)
{
	if (cpukey_is_all(selector)) {
		*ret = c->host->present;
		return 0;
	}
	struct cpuset set;
	if (cpuset_parse(selector, &set, NULL) < 0 || cpuset_is_empty(&set))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, selector, "'%s' is not a list of CPUs", selector);
	if (!cpuset_is_subset(&set, &c->host->present)) {
		CLEANUP(strbuf_done) struct strbuf absent = {0};
		struct cpuset missing = set;
		cpuset_minus(&missing, &c->host->present);
		cpuset_format(&missing, &absent);
		return err_raise(err, ERR_NO_MATCH, ENOENT, selector, "CPU %s is not present", strbuf_str(&absent));
	}
	*ret = set;
	return 0;
}

int cpukey_online(const struct knob_ctx *c, struct cpuset *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	int r = fsio_read(c->fs, "/sys/devices/system/cpu/online", &text, err);

	return r < 0 ? r : cpuset_parse_kernel(strbuf_str(&text), ret, err);
}

int cpukey_split(const char *key, const char *what, int *ret_n, const char **ret_rest)
{
	if (!str_starts(key, what))
		return -EINVAL;
	const char *digits = key + strlen(what);
	const char *space = strchr(digits, ' ');
	if (space == NULL || space[1] == '\0')
		return -EINVAL;
	CLEANUP(mem_freep) char *number = str_dup_n(digits, (size_t)(space - digits));
	int64_t n;
	if (number == NULL)
		return -ENOMEM;
	if (num_parse_range(number, 0, CPUSET_MAX - 1, &n) < 0)
		return -EINVAL;
	*ret_n = (int)n;
	*ret_rest = space + 1;
	return 0;
}

int cpukey_unknown(const char *knob, const char *key, struct hft_err *err)
{
	return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "%s has no '%s' on this machine", knob, key);
}

/* ENXIO and EOPNOTSUPP: the attribute is there for every device, but not for this one. */
static bool is_lacking(int r)
{
	return r == -ENOENT || r == -ENODEV || r == -ENXIO || r == -EOPNOTSUPP;
}

static int raise_lacking(struct hft_err *err, const char *path, const char *why)
{
	if (why)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, path, "%s", why);
	return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, path, "this machine or kernel has no %s", path);
}

int cpukey_read(const struct knob_ctx *c, const char *path, struct strbuf *ret, struct hft_err *err)
{
	int r = fsio_read(c->fs, path, ret, err);
	const char *why = debugfs_lacks(c, path, r);

	if (why || is_lacking(r))
		return raise_lacking(err, path, why);
	if (r < 0)
		return r;
	strbuf_trim(ret);
	return 0;
}

int cpukey_write(const struct knob_ctx *c, const char *path, const char *value, struct hft_err *err)
{
	int r = fsio_write(c->fs, path, value, NULL);
	const char *why = debugfs_lacks(c, path, r);

	if (why || r == -ENOENT)
		return raise_lacking(err, path, why);
	if (r < 0) {
		r = err_raise(err, ERR_WRITE_FAILED, -r, path, "writing '%s' was refused: %s", value, strerror(-r));
		err_values(err, value, NULL);
	}
	return r;
}
