/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts, under keys that outlive a reboot: the device and its own MSI index, never the number. Must stay linear in
 * their number: four small files each, and what a device says is read once per device. Writes nothing; the irq knob
 * does.
 *
 * Since 6.2 the chip of a PCI interrupt names the device ("PCI-MSIX-0000:00:03.0"; before it "IR-" where interrupts are
 * remapped) and hwirq is the index. Earlier ("PCI-MSI", "IR-PCI-MSI") hwirq holds index, device and domain
 * (drivers/pci/msi/irqdomain.c, pci_msi_domain_calc_hwirq).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/host/parts.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

#define PROC_DIR "/proc/irq"
#define SYS_DIR "/sys/kernel/irq"
#define PCI_ADDRESS_MAX 24 /* "ffffffff:ff:1f.7" */

/* --- one interrupt's key ------------------------------------------------------------------------------------------ */

/* Does the chip put the PCI device into hwirq? */
static bool is_shared_msi_chip(const char *chip)
{
	static const char *const others[] = {"VMD-MSI", "Hyper-V PCIe MSI"};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (str_eq(chip, others[i]))
			return true;
	return str_ends(chip, "PCI-MSI");
}

/* The PCI device in the chip's name, "" when there is none in it. */
static const char *device_in_chip(const char *chip)
{
	const char *p = strstr(chip, "PCI-MSI");

	if (p == NULL)
		return "";
	p += strlen("PCI-MSI");
	p += *p == 'X';
	return *p == '-' && host_is_pci_address(p + 1, NULL) ? p + 1 : "";
}

struct irq_name {
	char device[PCI_ADDRESS_MAX]; /* "" for none */
	struct strbuf key;
};

static void name_done(struct irq_name *name)
{
	strbuf_done(&name->key);
}

static void make_name(const char *chip, uint64_t hwirq, struct irq_name *ret)
{
	const char *device = device_in_chip(chip);
	uint64_t index = hwirq;

	strbuf_reset(&ret->key);
	snprintf(ret->device, sizeof(ret->device), "%s", device);
	if (device[0] == '\0' && is_shared_msi_chip(chip)) {
		unsigned devfn = (unsigned)(hwirq >> 11 & 0xff);
		snprintf(ret->device, sizeof(ret->device), "%04x:%02x:%02x.%x", (unsigned)(hwirq >> 27),
		         (unsigned)(hwirq >> 19 & 0xff), devfn >> 3, devfn & 7);
		index = hwirq & 0x7ff;
	}
	if (ret->device[0] != '\0')
		strbuf_addf(&ret->key, "pci-%s msi-%llu", ret->device, (unsigned long long)index);
	else
		strbuf_addf(&ret->key, "%s hwirq-%llu", chip, (unsigned long long)hwirq);
}

/* 1 when the number has an interrupt and *ret is its name; 0 when it is gone, or has no chip to be known by. */
static int read_name(struct fsio *fs, int irq, struct strbuf *b, struct irq_name *ret, struct hft_err *err)
{
	char path[HOST_PATH_MAX];
	uint64_t hwirq;

	snprintf(path, sizeof(path), SYS_DIR "/%d/hwirq", irq);
	int r = host_text(fs, path, b, err);
	if (r < 0 || num_parse_u64(strbuf_str(b), &hwirq) < 0) /* without a domain the file is empty */
		return r == -ENOENT ? 0 : r;
	snprintf(path, sizeof(path), SYS_DIR "/%d/chip_name", irq);
	r = host_text(fs, path, b, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (b->len == 0)
		return 0;
	make_name(b->s, hwirq, ret);
	return ret->key.oom ? err_oom(err) : 1;
}

/* --- reading each ------------------------------------------------------------------------------------------------- */

static void irq_done(struct host_irq *irq)
{
	free(irq->key);
	free(irq->device);
	free(irq->driver);
	free(irq->nic);
	free(irq->actions);
}

void host_irqs_done(struct host *h)
{
	for (size_t i = 0; i < h->n_irqs; i++)
		irq_done(&h->irqs[i]);
	free(h->irqs);
	free(h->irqs_by_key);
	h->irqs = NULL;
	h->irqs_by_key = NULL;
	h->n_irqs = 0;
	h->irqs_read = false;
}

/* Even root cannot write a file without a write bit: since 6.12 that is how the kernel says whose it is. */
static bool is_managed(struct fsio *fs, int irq)
{
	char path[HOST_PATH_MAX];
	mode_t mode;

	snprintf(path, sizeof(path), PROC_DIR "/%d/smp_affinity_list", irq);
	return fsio_mode(fs, path, &mode) == 0 && (mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0;
}

/* Buffers that thousands of interrupts share. */
struct scratch {
	struct strbuf b;
	struct irq_name name;
};

static void scratch_done(struct scratch *s)
{
	strbuf_done(&s->b);
	name_done(&s->name);
}

/* 1 when read, 0 when the interrupt is gone since the directory was listed. */
static int read_irq(struct host *h, int number, struct scratch *s, struct host_irq *irq, struct hft_err *err)
{
	char path[HOST_PATH_MAX];

	int r = read_name(h->fs, number, &s->b, &s->name, err);
	if (r <= 0)
		return r;
	snprintf(path, sizeof(path), SYS_DIR "/%d/actions", number);
	r = host_text(h->fs, path, &s->b, err);
	if (r < 0 && r != -ENOENT)
		return r;
	*irq = (struct host_irq){
		.irq = number,
		.key = strdup(strbuf_str(&s->name.key)),
		.device = strdup(s->name.device),
		.actions = strdup(strbuf_str(&s->b)),
		.node = -1,
		.managed = is_managed(h->fs, number),
	};
	return irq->key == NULL || irq->device == NULL || irq->actions == NULL ? err_oom(err) : 1;
}

static int read_each(struct host *h, const struct strlist *names, struct hft_err *err)
{
	CLEANUP(scratch_done) struct scratch s = {0};
	int64_t number;

	for (size_t i = 0; i < names->n; i++) {
		if (num_parse_range(names->s[i], 0, INT32_MAX, &number) < 0)
			continue; /* default_smp_affinity */
		struct host_irq *irq = &h->irqs[h->n_irqs];
		int r = read_irq(h, (int)number, &s, irq, err);
		if (r != 0)
			h->n_irqs++; /* a half-read one too, so that it is freed */
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- what their devices say --------------------------------------------------------------------------------------- */

struct device_facts {
	struct strbuf driver;
	int node;
	const char *nic;
};

static void facts_done(struct device_facts *facts)
{
	strbuf_done(&facts->driver);
}

static int compare_nic_device(const void *a, const void *b)
{
	const struct host_nic *x = *(struct host_nic *const *)a;
	const struct host_nic *y = *(struct host_nic *const *)b;
	int order = strcmp(x->device, y->device);

	return order != 0 ? order : strverscmp(x->name, y->name);
}

/* The NICs that have a PCI device, by device. Caller frees. */
static int nics_by_device(const struct host *h, struct host_nic ***ret, size_t *ret_n, struct hft_err *err)
{
	struct host_nic **list = calloc(h->n_nics + 1, sizeof(*list));
	size_t n = 0;

	if (list == NULL)
		return err_oom(err);
	for (size_t i = 0; i < h->n_nics; i++)
		if (h->nics[i].device[0] != '\0')
			list[n++] = &h->nics[i];
	qsort(list, n, sizeof(*list), compare_nic_device);
	*ret = list;
	*ret_n = n;
	return 0;
}

/* The driver of the virtioN child: virtio-pci drives every kind of virtio device, its child says which. */
static int read_virtio_child(struct fsio *fs, const char *device, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};
	CLEANUP(strbuf_done) struct strbuf child = {0};
	char path[HOST_PATH_MAX];

	snprintf(path, sizeof(path), HOST_PCI_DIR "/%s", device);
	int r = fsio_list(fs, path, &names, NULL);
	if (r == -ENOMEM)
		return err_oom(err);
	for (size_t i = 0; i < names.n; i++) {
		if (!str_starts(names.s[i], "virtio"))
			continue;
		snprintf(path, sizeof(path), HOST_PCI_DIR "/%s/%s/driver", device, names.s[i]);
		r = host_link(fs, path, &child, err);
		if (r < 0)
			return r;
		if (child.len == 0)
			continue;
		strbuf_reset(ret);
		strbuf_addn(ret, child.s, child.len);
		return ret->oom ? err_oom(err) : 0;
	}
	return 0;
}

static int read_facts(struct fsio *fs, const char *device, struct device_facts *facts, struct hft_err *err)
{
	char path[HOST_PATH_MAX];

	strbuf_reset(&facts->driver);
	facts->node = -1;
	if (device[0] == '\0')
		return 0;
	snprintf(path, sizeof(path), HOST_PCI_DIR "/%s/driver", device);
	int r = host_link(fs, path, &facts->driver, err);
	if (r == 0 && str_starts(strbuf_str(&facts->driver), "virtio-pci"))
		r = read_virtio_child(fs, device, &facts->driver, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), HOST_PCI_DIR "/%s/numa_node", device);
	return host_int(fs, path, -1, &facts->node, err);
}

/* The node of a device that has one is the node of its interrupts; otherwise the interrupt itself may know. On a host
 * of one node there is nothing to ask. */
static int set_facts(const struct host *h, struct host_irq *irq, const struct device_facts *facts, struct hft_err *err)
{
	char path[HOST_PATH_MAX];

	irq->driver = strdup(strbuf_str(&facts->driver));
	irq->nic = strdup(facts->nic);
	if (irq->driver == NULL || irq->nic == NULL)
		return err_oom(err);
	irq->node = h->n_nodes == 1 ? h->nodes[0].node : facts->node;
	if (irq->node >= 0)
		return 0;
	snprintf(path, sizeof(path), PROC_DIR "/%d/node", irq->irq);
	return host_int(h->fs, path, -1, &irq->node, err);
}

static int compare_device(const void *a, const void *b)
{
	return strcmp((*(struct host_irq *const *)a)->device, (*(struct host_irq *const *)b)->device);
}

/* Interrupts of a device stand together in h->irqs_by_key, sorted by device for now; so do the NICs. */
static int read_devices(struct host *h, struct hft_err *err)
{
	CLEANUP(facts_done) struct device_facts facts = {.nic = ""};
	CLEANUP(mem_freep) struct host_nic **nics = NULL;
	size_t n_nics = 0;
	size_t nic = 0;

	int r = nics_by_device(h, &nics, &n_nics, err);
	qsort(h->irqs_by_key, h->n_irqs, sizeof(*h->irqs_by_key), compare_device);
	for (size_t i = 0; i < h->n_irqs && r == 0; i++) {
		struct host_irq *irq = h->irqs_by_key[i];
		if (i == 0 || !str_eq(irq->device, h->irqs_by_key[i - 1]->device)) {
			while (nic < n_nics && strcmp(nics[nic]->device, irq->device) < 0)
				nic++;
			bool has_nic = nic < n_nics && str_eq(nics[nic]->device, irq->device);
			facts.nic = has_nic ? nics[nic]->name : "";
			r = read_facts(h->fs, irq->device, &facts, err);
		}
		if (r == 0)
			r = set_facts(h, irq, &facts, err);
	}
	return r;
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static int compare_key(const void *a, const void *b)
{
	const struct host_irq *x = *(struct host_irq *const *)a;
	const struct host_irq *y = *(struct host_irq *const *)b;
	int order = strcmp(x->key, y->key);

	return order != 0 ? order : (x->irq > y->irq) - (x->irq < y->irq);
}

/* A machine with several IO-APICs has pin 8 more than once: number them, in the order of the interrupt numbers. */
static int number_twins(struct host *h, bool *ret_any, struct hft_err *err)
{
	const char *first = ""; /* key of the twins; stays, being the first one's own */
	int n = 1;

	*ret_any = false;
	for (size_t i = 0; i < h->n_irqs; i++) {
		struct host_irq *irq = h->irqs_by_key[i];
		if (!str_eq(irq->key, first)) {
			first = irq->key;
			n = 1;
			continue;
		}
		char *key = str_printf("%s #%d", first, ++n);
		if (key == NULL)
			return err_oom(err);
		free(irq->key);
		irq->key = key;
		*ret_any = true;
	}
	return 0;
}

static int index_keys(struct host *h, struct hft_err *err)
{
	bool any_twins;

	qsort(h->irqs_by_key, h->n_irqs, sizeof(*h->irqs_by_key), compare_key);
	int r = number_twins(h, &any_twins, err);
	if (r == 0 && any_twins) /* "#10" sorts before "#2" */
		qsort(h->irqs_by_key, h->n_irqs, sizeof(*h->irqs_by_key), compare_key);
	return r;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static int read_all(struct host *h, const struct strlist *names, struct hft_err *err)
{
	h->irqs = calloc(names->n + 1, sizeof(*h->irqs)); /* never a calloc of nothing */
	h->irqs_by_key = calloc(names->n + 1, sizeof(*h->irqs_by_key));
	if (h->irqs == NULL || h->irqs_by_key == NULL)
		return err_oom(err);
	int r = read_each(h, names, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < h->n_irqs; i++)
		h->irqs_by_key[i] = &h->irqs[i];
	r = read_devices(h, err);
	return r < 0 ? r : index_keys(h, err);
}

int host_read_irqs(struct host *h, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = {0};

	if (h->irqs_read)
		return 0;
	int r = host_read_nics(h, err);
	if (r < 0)
		return r;
	r = fsio_list(h->fs, PROC_DIR, &names, NULL);
	if (r < 0 && r != -ENOENT)
		return err_raise(err, r == -ENOMEM ? ERR_NO_MEMORY : ERR_IO, -r, PROC_DIR, "cannot list %s: %s",
		                 PROC_DIR, strerror(-r));
	r = read_all(h, &names, err);
	if (r < 0) {
		host_irqs_done(h);
		return r;
	}
	h->irqs_read = true;
	return 0;
}

static int compare_to_key(const void *key, const void *element)
{
	return strcmp(key, (*(struct host_irq *const *)element)->key);
}

const struct host_irq *host_irq_by_key(const struct host *h, const char *key)
{
	struct host_irq *const *found =
		h->n_irqs > 0 ? bsearch(key, h->irqs_by_key, h->n_irqs, sizeof(*h->irqs_by_key), compare_to_key) : NULL;

	return found != NULL ? *found : NULL;
}

/* Is key this name, but for the " #N" of a twin? */
static bool is_key_of(const char *key, const char *name)
{
	return str_starts(key, name) && (key[strlen(name)] == '\0' || str_starts(key + strlen(name), " #"));
}

int host_irq_recheck(const struct host *h, const struct host_irq *irq, struct hft_err *err)
{
	CLEANUP(scratch_done) struct scratch s = {0};

	int r = read_name(h->fs, irq->irq, &s.b, &s.name, err);
	if (r < 0)
		return r;
	if (r == 0)
		return err_raise(err, ERR_NOT_APPLICABLE, ESTALE, irq->key, "the interrupt is gone (it was number %d)",
		                 irq->irq);
	if (is_key_of(irq->key, strbuf_str(&s.name.key)))
		return 0;
	r = err_raise(err, ERR_NOT_APPLICABLE, ESTALE, irq->key, "number %d is another interrupt now", irq->irq);
	err_values(err, irq->key, strbuf_str(&s.name.key));
	return r;
}
