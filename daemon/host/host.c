/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host: making it, freeing it, and answering questions about what was read. Must not change anything. */
#include "daemon/host/host.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/parts.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "lib/base/str.h"

/* --- small files -------------------------------------------------------------------------------------------------- */

/* The kernel or the machine does not have it, as opposed to: has it, and reading failed. */
static bool is_missing(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ENODEV || r == -ENXIO || r == -EOPNOTSUPP;
}

static int raise_read(struct hft_err *err, int r, const char *path)
{
	if (r == -ENOMEM)
		return err_oom(err);
	return err_raise(err, ERR_IO, -r, path, "cannot read %s: %s", path, strerror(-r));
}

int host_text(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err)
{
	int r = fsio_probe(fs, path, ret);

	if (is_missing(r))
		return -ENOENT;
	return r < 0 ? raise_read(err, r, path) : 0;
}

int host_text_dup(struct fsio *fs, const char *path, char **ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};

	int r = host_text(fs, path, &b, err);
	if (r < 0 && r != -ENOENT)
		return r;
	char *text = strbuf_take(&b);
	if (text == NULL)
		return err_oom(err);
	*ret = text;
	return 0;
}

int host_list(struct fsio *fs, const char *path, struct cpuset *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};

	int r = host_text(fs, path, &b, err);
	if (r < 0)
		return r;
	if (cpuset_parse_kernel(strbuf_str(&b), ret, NULL) < 0)
		return err_raise(err, ERR_IO, EINVAL, path, "%s holds no list: \"%s\"", path, strbuf_str(&b));
	return 0;
}

int host_int(struct fsio *fs, const char *path, int missing, int *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};
	int64_t n;

	int r = host_text(fs, path, &b, err);
	if (r == -ENOENT) {
		*ret = missing;
		return 0;
	}
	if (r < 0)
		return r;
	if (num_parse_range(strbuf_str(&b), INT_MIN, INT_MAX, &n) < 0)
		return err_raise(err, ERR_IO, EINVAL, path, "%s holds no number: \"%s\"", path, strbuf_str(&b));
	*ret = (int)n;
	return 0;
}

int host_link(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err)
{
	int r = fsio_link_name(fs, path, ret, NULL);

	if (r == -EINVAL || is_missing(r)) /* EINVAL: no link */
		strbuf_reset(ret);
	else if (r < 0)
		return raise_read(err, r, path);
	return 0;
}

static const char *skip_hex(const char *p, size_t min, size_t max)
{
	size_t n = 0;

	while (n < max && isxdigit((unsigned char)p[n]))
		n++;
	return n < min ? NULL : p + n;
}

bool host_is_pci_address(const char *text, const char **ret_end)
{
	const char *p = skip_hex(text, 4, 8);

	if (p == NULL || *p != ':')
		return false;
	p = skip_hex(p + 1, 2, 2);
	if (p == NULL || *p != ':')
		return false;
	p = skip_hex(p + 1, 2, 2);
	if (p == NULL || *p != '.' || p[1] < '0' || p[1] > '7')
		return false;
	p += 2;
	if (ret_end == NULL)
		return *p == '\0';
	*ret_end = p;
	return true;
}

/* --- making and freeing ------------------------------------------------------------------------------------------- */

static int read_identity(struct host *h, struct hft_err *err)
{
	int r = host_text_dup(h->fs, "/proc/sys/kernel/osrelease", &h->kernel, err);
	if (r == 0)
		r = host_text_dup(h->fs, "/proc/sys/kernel/random/boot_id", &h->boot_id, err);
	if (r == 0)
		r = host_text_dup(h->fs, "/etc/machine-id", &h->machine_id, err);
	if (r < 0)
		return r;
	/* An unknown kernel is version 0.0: older than any that a condition may ask for. */
	if (sscanf(h->kernel, "%4d.%4d", &h->kernel_major, &h->kernel_minor) != 2)
		h->kernel_major = h->kernel_minor = 0;
	h->vendor = strdup("");
	h->model = strdup("");
	return h->vendor == NULL || h->model == NULL ? err_oom(err) : 0;
}

int host_read(struct fsio *fs, struct host **ret, struct hft_err *err)
{
	CLEANUP(host_freep) struct host *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return err_oom(err);
	h->fs = fs;
	int r = read_identity(h, err);
	if (r == 0)
		r = host_cpus_read(h, err);
	if (r == 0)
		r = host_nodes_read(h, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(h);
	return 0;
}

int host_read_details(struct host *h, struct hft_err *err)
{
	if (h->details_read)
		return 0;
	int r = host_cpus_details(h, err);
	if (r == 0)
		r = host_nodes_details(h, err);
	if (r == 0)
		h->details_read = true;
	return r;
}

void host_forget_devices(struct host *h)
{
	host_irqs_done(h);
	host_nics_done(h);
	host_forget_kthreads(h);
}

void host_free(struct host *h)
{
	if (h == NULL)
		return;
	host_irqs_done(h);
	host_nics_done(h);
	host_forget_kthreads(h);
	host_nodes_done(h);
	free(h->features);
	free(h->siblings);
	free(h->cpus);
	free(h->model);
	free(h->vendor);
	free(h->machine_id);
	free(h->boot_id);
	free(h->kernel);
	free(h);
}

void host_freep(struct host **h)
{
	host_free(*h);
	*h = NULL;
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

static int compare_cpu(const void *key, const void *element)
{
	int cpu = *(const int *)key;
	int other = ((const struct host_cpu *)element)->cpu;

	return (cpu > other) - (cpu < other);
}

struct host_cpu *host_cpu(struct host *h, int cpu)
{
	/* Nearly every machine has its CPUs numbered without a gap. */
	if (cpu >= 0 && (size_t)cpu < h->n_cpus && h->cpus[cpu].cpu == cpu)
		return &h->cpus[cpu];
	return h->n_cpus > 0 ? bsearch(&cpu, h->cpus, h->n_cpus, sizeof(*h->cpus), compare_cpu) : NULL;
}

const struct host_node *host_node(const struct host *h, int node)
{
	for (size_t i = 0; i < h->n_nodes; i++)
		if (h->nodes[i].node == node)
			return &h->nodes[i];
	return NULL;
}

void host_siblings(const struct host *h, const struct cpuset *set, struct cpuset *ret)
{
	struct cpuset all = *set;

	for (size_t i = 0; i < h->n_siblings; i++)
		if (cpuset_intersects(&h->siblings[i], set))
			cpuset_or(&all, &h->siblings[i]);
	*ret = all;
}

void host_package(const struct host *h, int package, struct cpuset *ret)
{
	cpuset_zero(ret);
	for (size_t i = 0; i < h->n_cpus; i++)
		if (h->cpus[i].online && h->cpus[i].package == package)
			cpuset_add(ret, (unsigned)h->cpus[i].cpu);
}

bool host_has_whole_core(const struct host *h, const struct cpuset *online, const struct cpuset *set)
{
	for (size_t i = 0; i < h->n_siblings; i++) {
		struct cpuset threads = h->siblings[i];

		cpuset_and(&threads, online);
		if (!cpuset_is_empty(&threads) && cpuset_is_subset(&threads, set))
			return true;
	}
	return false;
}

/* The last group takes the place of one that has gone: no group is empty. */
static void drop_group(struct host *h, int group)
{
	h->siblings[group] = h->siblings[--h->n_siblings];
	for (size_t i = 0; i < h->n_cpus; i++)
		if (h->cpus[i].sibling_group == (int)h->n_siblings)
			h->cpus[i].sibling_group = group;
}

void host_join_core(struct host *h, const struct cpuset *core)
{
	for (int cpu = cpuset_next(core, 0); cpu >= 0; cpu = cpuset_next(core, (unsigned)cpu + 1)) {
		struct host_cpu *first = host_cpu(h, cpuset_next(core, 0)), *next = host_cpu(h, cpu);

		if (first == NULL || next == NULL || first->sibling_group == next->sibling_group)
			continue;
		int gone = next->sibling_group, kept = first->sibling_group;
		cpuset_or(&h->siblings[kept], &h->siblings[gone]);
		for (size_t i = 0; i < h->n_cpus; i++)
			if (h->cpus[i].sibling_group == gone)
				h->cpus[i].sibling_group = kept;
		drop_group(h, gone);
	}
}

void host_housekeeping(const struct host *h, struct cpuset *ret)
{
	*ret = h->online;
	cpuset_minus(ret, &h->isolated);
	cpuset_minus(ret, &h->nohz_full);
}

bool host_kernel_at_least(const struct host *h, int major, int minor)
{
	return h->kernel_major > major || (h->kernel_major == major && h->kernel_minor >= minor);
}

bool host_has_driver(const struct host *h, const char *driver)
{
	for (size_t i = 0; i < h->n_nics; i++)
		if (str_eq(h->nics[i].driver, driver))
			return true;
	for (size_t i = 0; i < h->n_irqs; i++)
		if (str_eq(h->irqs[i].driver, driver))
			return true;
	return false;
}
