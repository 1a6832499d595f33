/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which network device a selector or a key names. Reads /sys/class/net, changes nothing. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/host.h"
#include "daemon/knobs/nic.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

#define NET_DIR "/sys/class/net"
#define PATH_LEN 160

/* --- what a device is called in a key ----------------------------------------------------------------------------- */

/* A number in a file of the interface; `missing` where there is none. */
static int read_number(const struct knob_ctx *c, const char *name, const char *file, int missing)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	char path[PATH_LEN];
	int64_t n;

	snprintf(path, sizeof(path), NET_DIR "/%s/%s", name, file);
	if (fsio_probe(c->fs, path, &text) < 0 || num_parse_range(strbuf_str(&text), 0, INT32_MAX, &n) < 0)
		return missing;
	return (int)n;
}

/* The ports of one PCI function count from 0. */
static bool is_same_port(const struct knob_ctx *c, const struct host_nic *a, const struct host_nic *b)
{
	return str_eq(a->device, b->device) &&
	       read_number(c, a->name, "dev_port", 0) == read_number(c, b->name, "dev_port", 0);
}

static bool shares_port(const struct knob_ctx *c, const struct host_nic *nic)
{
	for (size_t i = 0; i < c->host->n_nics; i++)
		if (&c->host->nics[i] != nic && is_same_port(c, &c->host->nics[i], nic))
			return true;
	return false;
}

static void make_id(const struct knob_ctx *c, const struct host_nic *nic, char id[NIC_ID_MAX])
{
	int port = nic->device[0] != '\0' ? read_number(c, nic->name, "dev_port", 0) : 0;

	if (nic->device[0] == '\0' || shares_port(c, nic))
		snprintf(id, NIC_ID_MAX, "%s", nic->name);
	else if (port > 0)
		snprintf(id, NIC_ID_MAX, "pci-%s port-%d", nic->device, port);
	else
		snprintf(id, NIC_ID_MAX, "pci-%s", nic->device);
}

static void describe(const struct knob_ctx *c, const struct host_nic *nic, const char *option, struct nic_at *ret)
{
	*ret = (struct nic_at){.nic = nic, .option = option};
	make_id(c, nic, ret->id);
	if (!c->copied)
		ret->ifindex = read_number(c, nic->name, "ifindex", 0);
}

/* --- selectors ---------------------------------------------------------------------------------------------------- */

static bool name_is(const char *name, const char *wanted)
{
	return name[0] != '\0' && (str_eq(name, wanted) || str_match(wanted, name));
}

static bool match_nic(const struct host_nic *nic, const char *wanted)
{
	return str_eq(nic->name, wanted) || (!str_eq(nic->name, "lo") && str_match(wanted, nic->name));
}

static bool match_device(const struct host_nic *nic, const char *wanted)
{
	return name_is(nic->device, wanted);
}

static bool match_driver(const struct host_nic *nic, const char *wanted)
{
	return name_is(nic->driver, wanted);
}

static const struct {
	const char *prefix;
	bool (*matches)(const struct host_nic *nic, const char *wanted);
} words[] = {
	{"nic:",    match_nic   },
	{"device:", match_device},
	{"driver:", match_driver},
};

static bool match_word(const struct host_nic *nic, const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_starts(word, words[i].prefix))
			return words[i].matches(nic, word + strlen(words[i].prefix));
	return match_nic(nic, word) || match_device(nic, word);
}

static bool matches_all(const struct host_nic *nic, const struct strlist *selector)
{
	for (size_t i = 0; i < selector->n; i++)
		if (!match_word(nic, selector->s[i]))
			return false;
	return true;
}

static int check_words(const struct strlist *selector, const char *option, struct hft_err *err)
{
	if (selector->n == 0)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option,
		                 "%s needs a selector: an interface, a PCI address or driver:NAME", option);
	for (size_t i = 0; i < selector->n; i++)
		for (size_t k = 0; k < ARRAY_LEN(words); k++)
			if (str_eq(selector->s[i], words[k].prefix))
				return err_raise(err, ERR_INVALID_PROFILE, EINVAL, option, "'%s' names nothing",
				                 selector->s[i]);
	return 0;
}

int nic_select(const struct knob_ctx *c, const char *selector, const char *option, struct nic_at **ret, size_t *ret_n,
               struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist wanted = {0};
	CLEANUP(mem_freep) struct nic_at *found = NULL;
	size_t n = 0;

	if (strlist_split(&wanted, selector, " \t") < 0)
		return err_oom(err);
	int r = check_words(&wanted, option, err);
	if (r == 0)
		r = host_read_nics(c->host, err);
	if (r < 0)
		return r;
	found = calloc(c->host->n_nics + 1, sizeof(*found));
	if (!found)
		return err_oom(err);
	for (size_t i = 0; i < c->host->n_nics; i++)
		if (matches_all(&c->host->nics[i], &wanted))
			describe(c, &c->host->nics[i], option, &found[n++]);
	if (n == 0 && !str_is_pattern(selector))
		return err_raise(err, ERR_NO_MATCH, ENOENT, selector, "no network device matches '%s'", selector);
	*ret = TAKE_PTR(found);
	*ret_n = n;
	return 0;
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static bool find(const struct knob_ctx *c, const char *id, const char *option, struct nic_at *ret)
{
	for (size_t i = 0; i < c->host->n_nics; i++) {
		const struct host_nic *nic = &c->host->nics[i];

		/* Cheap first: both forms of an id begin with what the host knows. */
		if (!str_eq(nic->name, id) && (nic->device[0] == '\0' || !strstr(id, nic->device)))
			continue;
		describe(c, nic, option, ret);
		if (str_eq(ret->id, id))
			return true;
	}
	return false;
}

/* Is the interface of that name still the device that it was when it was read? */
static bool is_still(const struct knob_ctx *c, const struct nic_at *at)
{
	CLEANUP(strbuf_done) struct strbuf target = {0};
	char path[PATH_LEN], part[PATH_LEN];

	snprintf(path, sizeof(path), NET_DIR "/%s", at->nic->name);
	if (fsio_link_target(c->fs, path, &target, NULL) < 0)
		return false;
	snprintf(part, sizeof(part), "/%s/", at->nic->device);
	return at->nic->device[0] == '\0' || strstr(strbuf_str(&target), part) != NULL;
}

int nic_resolve(const struct knob_ctx *c, const char *key, struct nic_at *ret, struct hft_err *err)
{
	const char *blank = strrchr(key, ' ');
	CLEANUP(mem_freep) char *id = str_dup_n(key, blank ? (size_t)(blank - key) : 0);

	if (!id)
		return err_oom(err);
	for (int round = 0; blank && round < 2; round++) {
		int r = host_read_nics(c->host, err);
		if (r < 0)
			return r;
		if (find(c, id, blank + 1, ret) && is_still(c, ret))
			return 0;
		host_forget_devices(c->host); /* renamed, or newly come */
	}
	return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, key, "this host has no network device '%s'", id);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

const char *nic_title(const struct nic_at *at, char text[80])
{
	const char *driver = at->nic->driver;

	snprintf(text, 80, "%.20s%s%.40s%s", at->nic->name, driver[0] != '\0' ? " (" : "", driver,
	         driver[0] != '\0' ? ")" : "");
	return text;
}

int nic_raise_lacking(const struct nic_at *at, struct hft_err *err, const char *fmt, ...)
{
	char title[80];
	va_list ap;

	va_start(ap, fmt);
	int r = err_vraise(err, ERR_NOT_APPLICABLE, ENOENT, at->option, fmt, ap);
	va_end(ap);
	if (err)
		err_context(err, "%s has no %s", nic_title(at, title), at->option);
	return r;
}
