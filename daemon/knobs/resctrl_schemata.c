/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of schemata, as the kernel prints and takes them. */
#include "daemon/knobs/resctrl_schemata.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

char *resctrl_path(const char *group, const char *file)
{
	return str_printf(RESCTRL_DIR "%s%s%s%s", str_eq(group, RESCTRL_ROOT) ? "" : "/", str_eq(group, RESCTRL_ROOT) ? "" : group,
	                  file[0] != '\0' ? "/" : "", file);
}

char *resctrl_info(const char *resource, const char *file)
{
	return str_printf(RESCTRL_DIR "/info/%s/%s", resource, file);
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

/* "0=fff;1=ff0" or what the kernel prints ("0=  100"), canonical: without blanks and zeros in front. */
static int normalise(const char *resource, const char *text, struct strbuf *ret)
{
	bool hex = !str_eq(resource, RESCTRL_MB);
	CLEANUP(strlist_done) struct strlist parts = {0};

	if (strlist_split(&parts, text, "; ") < 0)
		return -ENOMEM;
	for (size_t i = 0; i < parts.n; i++) {
		unsigned domain;
		unsigned long long value;
		int end = 0;
		/* the blanks behind "=" have split "0=  100" in two */
		CLEANUP(mem_freep) char *part = str_ends(parts.s[i], "=") && i + 1 < parts.n
		                                        ? str_printf("%s%s", parts.s[i], parts.s[i + 1])
		                                        : strdup(parts.s[i]);
		if (!part)
			return -ENOMEM;
		i += str_ends(parts.s[i], "=");
		int n = hex ? sscanf(part, "%4u=%16llx%n", &domain, &value, &end)
		            : sscanf(part, "%4u=%16llu%n", &domain, &value, &end);
		if (n != 2 || part[end] != '\0')
			return -EINVAL;
		strbuf_addf(ret, "%s%u=", ret->len > 0 ? ";" : "", domain);
		strbuf_addf(ret, hex ? "%llx" : "%llu", value);
	}
	return ret->oom ? -ENOMEM : ret->len > 0 ? 0 : -EINVAL;
}

/* The line of a resource in the schemata of a group; -ENOENT: none. */
int schemata_read(const struct knob_ctx *c, const char *group, const char *resource, struct strbuf *ret)
{
	CLEANUP(mem_freep) char *path = resctrl_path(group, "schemata");
	CLEANUP(strbuf_done) struct strbuf text = {0};
	CLEANUP(strlist_done) struct strlist lines = {0};
	size_t len = strlen(resource);
	int r = path ? fsio_probe(c->fs, path, &text) : -ENOMEM;

	if (r == 0)
		r = strlist_split(&lines, strbuf_str(&text), "\n");
	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		const char *line = lines.s[i] + strspn(lines.s[i], " ");
		if (strncmp(line, resource, len) == 0 && line[len] == ':')
			return normalise(resource, line + len + 1, ret);
	}
	return r < 0 ? r : -ENOENT;
}

int resctrl_number(const struct knob_ctx *c, const char *resource, const char *file, int base,
                       unsigned long long *ret)
{
	CLEANUP(mem_freep) char *path = resctrl_info(resource, file);
	CLEANUP(strbuf_done) struct strbuf text = {0};
	int r = path ? fsio_probe(c->fs, path, &text) : -ENOMEM;

	char *end;
	unsigned long long n = r < 0 ? 0 : strtoull(strbuf_str(&text), &end, base);
	if (r == 0 && (end == strbuf_str(&text) || *end != '\0'))
		return -EIO;
	if (r == 0)
		*ret = n;
	return r;
}

/* One value for each domain that the root group has. */
int schemata_spread(const struct knob_ctx *c, const char *resource, const char *value, struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf root = {0}, all = {0};
	CLEANUP(strlist_done) struct strlist parts = {0};
	int r = schemata_read(c, RESCTRL_ROOT, resource, &root);

	if (r == 0)
		r = strlist_split(&parts, strbuf_str(&root), ";");
	for (size_t i = 0; r == 0 && i < parts.n; i++)
		strbuf_addf(&all, "%.*s=%s;", (int)strcspn(parts.s[i], "="), parts.s[i], value);
	return r < 0 ? r : all.oom ? -ENOMEM : normalise(resource, strbuf_str(&all), ret);
}

int resctrl_out_of_bounds(struct hft_err *err, const char *option, const char *value, const char *bounds)
{
	err_raise(err, ERR_OUT_OF_BOUNDS, ERANGE, option, "%s of %s is out of bounds", option, value);
	err_values(err, bounds, value);
	return -ERANGE;
}

static bool is_contiguous(unsigned long long bits)
{
	if (bits == 0)
		return false;
	bits /= bits & -bits;
	return (bits & (bits + 1)) == 0;
}

/* One number of a domain against what the machine can do. */
static int check_share(const struct knob_ctx *c, const char *resource, const char *part, struct hft_err *err)
{
	const char *value = strchr(part, '=') + 1;
	unsigned long long most = 0, least = 1, gran = 1, n = 0;
	char bounds[96];

	if (str_eq(resource, RESCTRL_MB)) {
		resctrl_number(c, resource, "min_bandwidth", 10, &least);
		resctrl_number(c, resource, "bandwidth_gran", 10, &gran);
		sscanf(value, "%llu", &n);
		snprintf(bounds, sizeof(bounds), "%llu..100, a multiple of %llu", least, gran);
		return n < least || n > 100 || gran == 0 || n % gran != 0 ? resctrl_out_of_bounds(err, resource, value, bounds) : 0;
	}
	resctrl_number(c, resource, "cbm_mask", 16, &most);
	resctrl_number(c, resource, "min_cbm_bits", 10, &least);
	sscanf(value, "%llx", &n);
	snprintf(bounds, sizeof(bounds), "neighbouring bits of %llx, at least %llu", most, least);
	return !is_contiguous(n) || (n & ~most) != 0 || (unsigned)__builtin_popcountll(n) < least
	               ? resctrl_out_of_bounds(err, resource, value, bounds)
	               : 0;
}

int schemata_parse(const struct knob_ctx *c, const char *key, const char *option, const char *value,
                          struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist parts = {0};
	CLEANUP(mem_freep) char *one = strchr(value, '=') ? strdup(value) : str_printf("0=%s", value);
	CLEANUP(strbuf_done) struct strbuf checked = {0};
	bool all = !strchr(value, '=');
	int r = one ? normalise(option, one, &checked) : -ENOMEM;

	if (r == 0 && key)
		r = all ? schemata_spread(c, option, value, ret) : normalise(option, value, ret);
	if (r == -ENOMEM || (r == 0 && strlist_split(&parts, strbuf_str(ret), ";") < 0))
		return err_oom(err);
	if (r < 0)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "'%s' is neither a share nor DOMAIN=SHARE;...",
		                 value);
	for (size_t i = 0; r == 0 && i < parts.n; i++)
		r = check_share(c, option, parts.s[i], err);
	return r;
}

/* The kernel changes one line of the file; in a copied tree the others have to be kept here. */
int schemata_write(const struct knob_ctx *c, const char *path, const char *resource, const char *value)
{
	CLEANUP(mem_freep) char *line = str_printf("%s:%s", resource, value);
	CLEANUP(strbuf_done) struct strbuf old = {0}, text = {0};
	CLEANUP(strlist_done) struct strlist lines = {0};
	size_t len = strlen(resource);
	int r = 0;

	if (!line)
		return -ENOMEM;
	if (!c->copied)
		return fsio_write(c->fs, path, line, NULL);
	r = fsio_probe(c->fs, path, &old);
	r = r < 0 ? r : strlist_split(&lines, strbuf_str(&old), "\n");
	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		const char *at = lines.s[i] + strspn(lines.s[i], " ");
		bool ours = strncmp(at, resource, len) == 0 && at[len] == ':';
		strbuf_addf(&text, "%s%s", i > 0 ? "\n" : "", ours ? line : lines.s[i]);
	}
	return r < 0 ? r : text.oom ? -ENOMEM : fsio_write(c->fs, path, strbuf_str(&text), NULL);
}

