/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and drivers of disks (the grammar is in the header). Reads links below /sys and changes nothing. */
#include "daemon/knobs/block_device.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define BLOCK "/sys/block"
#define DRIVER "driver:"

/* --- the way to a disk, one directory after the other ------------------------------------------------------------- */

struct way {
	const struct knob_ctx *c;
	const char *name;      /* of the disk */
	struct strbuf address; /* what came of it so far; empty before the first PCI function */
};

/* "PREFIX12" */
static bool is_numbered(const char *s, const char *prefix)
{
	if (!str_starts(s, prefix))
		return false;
	s += strlen(prefix);
	return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

/* As `shape` says: x a hexadecimal digit, any other character itself; a domain may have more than four digits. */
static bool is_pci_function(const char *s)
{
	static const char shape[] = ":xx:xx.x";
	size_t domain = strspn(s, "0123456789abcdef");

	if (domain < 4 || strlen(s + domain) != strlen(shape))
		return false;
	for (size_t i = 0; shape[i] != '\0'; i++)
		if (shape[i] == 'x' ? !isxdigit((unsigned char)s[domain + i]) : s[domain + i] != shape[i])
			return false;
	return true;
}

/* "2:0:1:0": host, channel, target, unit. The number of the host is that of this boot. */
static const char *scsi_within_host(const char *s)
{
	int colons = 0;

	for (const char *p = s; *p != '\0'; p++) {
		if (*p != ':' && !isdigit((unsigned char)*p))
			return NULL;
		colons += *p == ':';
	}
	return colons == 3 ? strchr(s, ':') + 1 : NULL;
}

/* "ata3" counts all ports of the host as they were found; the controller has a number of its own for each. */
static bool add_ata_port(struct way *w, const char *port)
{
	CLEANUP(mem_freep) char *path = str_printf("/sys/class/ata_port/%s/port_no", port);
	CLEANUP(strbuf_done) struct strbuf number = {0};

	if (!path || fsio_probe(w->c->fs, path, &number) < 0)
		return false;
	strbuf_trim(&number);
	strbuf_addf(&w->address, "-ata-%s", strbuf_str(&number));
	return true;
}

static bool add_namespace(struct way *w)
{
	CLEANUP(mem_freep) char *path = str_printf(BLOCK "/%s/nsid", w->name);
	CLEANUP(strbuf_done) struct strbuf number = {0};

	if (!path || fsio_probe(w->c->fs, path, &number) < 0)
		return false;
	strbuf_trim(&number);
	strbuf_addf(&w->address, "-nvme-%s", strbuf_str(&number));
	return true;
}

/* What is between a PCI function and its disks, and adds nothing to the address. */
static bool adds_nothing(const char *dir)
{
	return str_eq(dir, "block") || str_eq(dir, "nvme") || is_numbered(dir, "virtio") || is_numbered(dir, "host") ||
	       str_starts(dir, "target") || str_starts(dir, "pci");
}

/* Go on by one directory. False: the way leads through something that has no place here. */
static bool go(struct way *w, const char *dir)
{
	const char *unit = scsi_within_host(dir);

	if (is_pci_function(dir)) {
		strbuf_reset(&w->address);
		strbuf_addf(&w->address, "pci-%s", dir);
		return true;
	}
	if (w->address.len == 0 || str_eq(dir, w->name) || adds_nothing(dir))
		return true;
	if (is_numbered(dir, "ata"))
		return add_ata_port(w, dir);
	if (is_numbered(dir, "nvme"))
		return add_namespace(w);
	if (unit)
		strbuf_addf(&w->address, "-scsi-%s", unit);
	return unit;
}

static int way_to(const struct knob_ctx *c, const char *name, struct strlist *ret)
{
	CLEANUP(mem_freep) char *path = str_printf(BLOCK "/%s", name);
	CLEANUP(strbuf_done) struct strbuf target = {0};

	if (!path)
		return -ENOMEM;
	int r = fsio_link_target(c->fs, path, &target, NULL);
	if (r == -EINVAL && fsio_exists(c->fs, path))
		return 0; /* no link: a tree that was recorded without them */
	return r < 0 ? r : strlist_split(ret, strbuf_str(&target), "/");
}

int block_address(const struct knob_ctx *c, const char *name, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist dirs = {0};
	struct way w = {.c = c, .name = name};
	bool known = true;
	int r = strchr(name, '/') ? -ENOENT : way_to(c, name, &dirs);

	if (r < 0)
		return r == -ENOMEM ? err_oom(err) :
		                      err_raise(err, ERR_NOT_APPLICABLE, ENOENT, name, "there is no disk %s", name);
	for (size_t i = 0; known && i < dirs.n; i++)
		known = go(&w, dirs.s[i]);
	strbuf_reset(ret);
	strbuf_add(ret, known && w.address.len > 0 ? strbuf_str(&w.address) : name);
	bool oom = w.address.oom || ret->oom;
	strbuf_done(&w.address);
	return oom ? err_oom(err) : 0;
}

int block_name(const struct knob_ctx *c, const char *address, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	CLEANUP(strbuf_done) struct strbuf each = {0};
	int r = fsio_list(c->fs, BLOCK, &names, NULL);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if (block_address(c, names.s[i], &each, NULL) < 0 || !str_eq(strbuf_str(&each), address))
			continue;
		strbuf_reset(ret);
		strbuf_add(ret, names.s[i]);
		return ret->oom ? err_oom(err) : 0;
	}
	return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, address, "there is no disk %s", address);
}

/* --- selectors ---------------------------------------------------------------------------------------------------- */

static bool matches(const char *selector, const char *text)
{
	return str_is_pattern(selector) ? str_match(selector, text) : str_eq(selector, text);
}

/* virtio_blk is the disk's own driver, nvme that of its controller's function. */
static bool driver_is(const struct knob_ctx *c, const char *name, const char *wanted)
{
	static const char *const links[] = {"device/driver", "device/device/driver"};

	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		CLEANUP(mem_freep) char *path = str_printf(BLOCK "/%s/%s", name, links[i]);
		CLEANUP(strbuf_done) struct strbuf driver = {0};

		if (path && fsio_link_name(c->fs, path, &driver, NULL) == 0 && matches(wanted, strbuf_str(&driver)))
			return true;
	}
	return false;
}

static bool lies_in_memory(const char *name)
{
	return is_numbered(name, "loop") || is_numbered(name, "ram") || is_numbered(name, "zram");
}

bool block_selected(const struct knob_ctx *c, const char *selector, const char *name)
{
	CLEANUP(strbuf_done) struct strbuf address = {0};

	if (str_starts(selector, DRIVER))
		return driver_is(c, name, selector + strlen(DRIVER));
	if (str_is_pattern(selector) && lies_in_memory(name))
		return false;
	return matches(selector, name) ||
	       (block_address(c, name, &address, NULL) == 0 && matches(selector, strbuf_str(&address)));
}
