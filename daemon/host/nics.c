/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network devices, as /sys/class/net shows them: the physical device and driver below, where that sits, and how many
 * queues there are. Must not talk to the devices; that is the ethtool knob's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/parts.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define NET_DIR "/sys/class/net"

static void nic_done(struct host_nic *nic)
{
	free(nic->name);
	free(nic->driver);
	free(nic->device);
	free(nic->mac);
}

void host_nics_done(struct host *h)
{
	for (size_t i = 0; i < h->n_nics; i++)
		nic_done(&h->nics[i]);
	free(h->nics);
	h->nics = NULL;
	h->n_nics = 0;
	h->nics_read = false;
}

/*
 * The PCI device that carries the interface: the last address in a target such as
 * "../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/virtio2/net/eth0". Bridges come first. An interface behind USB
 * has none: the controller, its node and its interrupt serve other devices too. Cuts the target; "" for none.
 */
static const char *pci_of_target(char *target)
{
	char *found = NULL;
	char *found_end = NULL;

	if (strstr(target, "/virtual/") != NULL || strstr(target, "/usb") != NULL)
		return "";
	for (char *p = strchr(target, '/'); p != NULL; p = strchr(p + 1, '/')) {
		const char *end;
		if (host_is_pci_address(p + 1, &end) && (*end == '/' || *end == '\0')) {
			found = p + 1;
			found_end = target + (end - target);
		}
	}
	if (found == NULL)
		return "";
	*found_end = '\0';
	return found;
}

/* 1 when the name is an interface, with its device ("" for none); 0 when it is something else (bonding_masters). */
static int read_device(struct fsio *fs, const char *name, char **ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf target = {0};
	char path[HOST_PATH_MAX];

	snprintf(path, sizeof(path), NET_DIR "/%s", name);
	int r = fsio_link_target(fs, path, &target, NULL);
	if (r == -EINVAL || r == -ENOENT) /* a file; or gone since the directory was listed */
		return 0;
	if (r < 0)
		return err_raise(err, ERR_IO, -r, path, "cannot read %s: %s", path, strerror(-r));
	*ret = strdup(target.s != NULL ? pci_of_target(target.s) : "");
	return *ret != NULL ? 1 : err_oom(err);
}

/* A fact that the PCI device has; without one, that the parent has (a Hyper-V channel has a node too). */
static void device_path(const struct host_nic *nic, const char *file, char path[HOST_PATH_MAX])
{
	if (nic->device[0] != '\0')
		snprintf(path, HOST_PATH_MAX, HOST_PCI_DIR "/%s/%s", nic->device, file);
	else
		snprintf(path, HOST_PATH_MAX, NET_DIR "/%s/device/%s", nic->name, file);
}

static int read_place(struct host *h, struct host_nic *nic, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf driver = {0};
	char path[HOST_PATH_MAX];

	snprintf(path, sizeof(path), NET_DIR "/%s/device/driver", nic->name);
	int r = host_link(h->fs, path, &driver, err);
	if (r < 0)
		return r;
	nic->driver = strbuf_take(&driver);
	if (nic->driver == NULL)
		return err_oom(err);
	device_path(nic, "numa_node", path);
	r = host_int(h->fs, path, -1, &nic->node, err);
	if (r < 0)
		return r;
	device_path(nic, "local_cpulist", path);
	r = host_list(h->fs, path, &nic->local_cpus, err);
	if (r == -ENOENT)
		nic->local_cpus = h->online;
	return r == -ENOENT ? 0 : r;
}

static int count_queues(struct fsio *fs, struct host_nic *nic, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	char path[HOST_PATH_MAX];

	snprintf(path, sizeof(path), NET_DIR "/%s/queues", nic->name);
	int r = fsio_list(fs, path, &names, NULL);
	if (r == -ENOMEM)
		return err_oom(err);
	for (size_t i = 0; i < names.n; i++) {
		nic->rx_queues += str_starts(names.s[i], "rx-");
		nic->tx_queues += str_starts(names.s[i], "tx-");
	}
	return 0;
}

/* 1 when read, 0 when the name is no interface. */
static int read_nic(struct host *h, const char *name, struct host_nic *nic, struct hft_err *err)
{
	char path[HOST_PATH_MAX];

	int r = read_device(h->fs, name, &nic->device, err);
	if (r <= 0)
		return r;
	nic->name = strdup(name);
	if (nic->name == NULL)
		return err_oom(err);
	snprintf(path, sizeof(path), NET_DIR "/%s/address", name);
	r = host_text_dup(h->fs, path, &nic->mac, err);
	if (r == 0)
		r = read_place(h, nic, err);
	if (r == 0)
		r = count_queues(h->fs, nic, err);
	return r < 0 ? r : 1;
}

static int read_all(struct host *h, const struct strlist *names, struct hft_err *err)
{
	h->nics = calloc(names->n + 1, sizeof(*h->nics)); /* never a calloc of nothing */
	if (h->nics == NULL)
		return err_oom(err);
	for (size_t i = 0; i < names->n; i++) {
		struct host_nic *nic = &h->nics[h->n_nics];
		int r = read_nic(h, names->s[i], nic, err);
		if (r != 0)
			h->n_nics++; /* a half-read one too, so that it is freed */
		if (r < 0)
			return r;
	}
	return 0;
}

int host_read_nics(struct host *h, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};

	if (h->nics_read)
		return 0;
	int r = fsio_list(h->fs, NET_DIR, &names, NULL);
	if (r < 0 && r != -ENOENT)
		return err_raise(err, r == -ENOMEM ? ERR_NO_MEMORY : ERR_IO, -r, NET_DIR, "cannot list %s: %s", NET_DIR,
		                 strerror(-r));
	r = read_all(h, &names, err);
	if (r < 0) {
		host_nics_done(h);
		return r;
	}
	h->nics_read = true;
	return 0;
}

/* In the order of the listing, which fsio_list sorts by strverscmp. */
static int compare_name(const void *key, const void *element)
{
	return strverscmp(key, ((const struct host_nic *)element)->name);
}

const struct host_nic *host_nic(const struct host *h, const char *name)
{
	return h->n_nics > 0 ? bsearch(name, h->nics, h->n_nics, sizeof(*h->nics), compare_name) : NULL;
}
