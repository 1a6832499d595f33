/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host as a reply object. Reads only. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/engine/session.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

static int set_cpus(struct json *j, const char *key, const struct cpuset *set)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};

	cpuset_format(set, &b);
	return b.oom ? -ENOMEM : json_set_string(j, key, strbuf_str(&b));
}

static struct json *cpu_json(const struct host *h, const struct host_cpu *c)
{
	struct json *j = json_new_object();
	unsigned cpu = (unsigned)c->cpu;
	int r = json_set_int(j, "cpu", c->cpu) | json_set_bool(j, "online", c->online) |
	        json_set_int(j, "package", c->package) | json_set_int(j, "core", c->core) |
	        json_set_int(j, "node", c->node) | json_set_int(j, "l3", c->l3) |
	        set_cpus(j, "siblings", &h->siblings[c->sibling_group]) |
	        json_set_bool(j, "isolated", cpuset_has(&h->isolated, cpu)) |
	        json_set_bool(j, "nohz_full", cpuset_has(&h->nohz_full, cpu));

	if (r < 0)
		json_freep(&j);
	return j;
}

static struct json *node_json(const struct host *h, const struct host_node *n)
{
	struct json *j = json_new_object(), *distances = json_new_array();
	int r = json_set_int(j, "node", n->node) | set_cpus(j, "cpus", &n->cpus);

	for (size_t i = 0; n->distances && i < h->n_nodes; i++)
		r |= json_add_int(distances, n->distances[i]);
	r |= json_set_take(j, "distances", distances) | json_set_int(j, "memory_kib", (int64_t)n->memory_kib) |
	     json_set_int(j, "free_kib", (int64_t)n->free_kib);
	if (r < 0)
		json_freep(&j);
	return j;
}

static int set_irq_list(struct json *j, const char *key, const struct host *h, int irq, const char *file)
{
	CLEANUP(strbuf_done) struct strbuf b = {0};
	CLEANUP(mem_freep) char *path = str_printf("/proc/irq/%d/%s", irq, file);

	if (!path)
		return -ENOMEM;
	fsio_probe(h->fs, path, &b);
	return json_set_string(j, key, strbuf_str(&b));
}

static struct json *irq_json(const struct host *h, const struct host_irq *i)
{
	struct json *j = json_new_object();
	int r = json_set_int(j, "irq", i->irq) | json_set_string(j, "key", i->key) |
	        json_set_string(j, "actions", i->actions) | json_set_string(j, "driver", i->driver) |
	        json_set_int(j, "node", i->node) | set_irq_list(j, "affinity", h, i->irq, "smp_affinity_list") |
	        set_irq_list(j, "effective", h, i->irq, "effective_affinity_list") |
	        json_set_bool(j, "managed", i->managed);

	if (r < 0)
		json_freep(&j);
	return j;
}

static int64_t count_irqs(const struct host *h, const char *nic)
{
	int64_t n = 0;

	for (size_t i = 0; i < h->n_irqs; i++)
		n += str_eq(h->irqs[i].nic, nic);
	return n;
}

static struct json *nic_json(const struct host *h, const struct host_nic *n)
{
	struct json *j = json_new_object();
	int r = json_set_string(j, "name", n->name) | json_set_string(j, "driver", n->driver) |
	        json_set_string(j, "device", n->device) | json_set_int(j, "node", n->node) |
	        json_set_int(j, "rx_queues", n->rx_queues) | json_set_int(j, "tx_queues", n->tx_queues) |
	        json_set_int(j, "interrupts", count_irqs(h, n->name)) | set_cpus(j, "local_cpus", &n->local_cpus);

	if (r < 0)
		json_freep(&j);
	return j;
}

static struct json *feature_json(const struct host_feature *f)
{
	struct json *j = json_new_object();
	int r = json_set_string(j, "name", f->name) | json_set_bool(j, "present", f->present) |
	        json_set_string(j, "note", f->note ? f->note : "");

	if (r < 0)
		json_freep(&j);
	return j;
}

static int add_lists(struct json *j, const struct host *h)
{
	struct json *cpus = json_new_array(), *nodes = json_new_array(), *irqs = json_new_array(),
	            *nics = json_new_array(), *features = json_new_array();
	int r = 0;

	for (size_t i = 0; i < h->n_cpus; i++)
		r |= json_add_take(cpus, cpu_json(h, &h->cpus[i]));
	for (size_t i = 0; i < h->n_nodes; i++)
		r |= json_add_take(nodes, node_json(h, &h->nodes[i]));
	for (size_t i = 0; i < h->n_irqs; i++)
		r |= json_add_take(irqs, irq_json(h, &h->irqs[i]));
	for (size_t i = 0; i < h->n_nics; i++)
		r |= json_add_take(nics, nic_json(h, &h->nics[i]));
	for (size_t i = 0; i < h->n_features; i++)
		r |= json_add_take(features, feature_json(&h->features[i]));
	return r | json_set_take(j, "cpus", cpus) | json_set_take(j, "nodes", nodes) |
	       json_set_take(j, "interrupts", irqs) | json_set_take(j, "nics", nics) |
	       json_set_take(j, "features", features);
}

static struct json *host_json(const struct host *h)
{
	struct json *j = json_new_object();
	struct cpuset housekeeping;
	int r;

	host_housekeeping(h, &housekeeping);
	r = json_set_string(j, "kernel", h->kernel) | json_set_string(j, "vendor", h->vendor ? h->vendor : "") |
	    json_set_string(j, "model", h->model ? h->model : "") | json_set_bool(j, "virtual", h->is_virtual) |
	    set_cpus(j, "online", &h->online) | set_cpus(j, "isolated", &h->isolated) |
	    set_cpus(j, "nohz_full", &h->nohz_full) | set_cpus(j, "housekeeping", &housekeeping) | add_lists(j, h);
	if (r < 0)
		json_freep(&j);
	return j;
}

int engine_host(const struct engine *e, struct json **ret, struct hft_err *err)
{
	CLEANUP(host_freep) struct host *h = NULL;
	struct json *j;
	int r = host_read(e->fs, &h, err);

	if (r == 0)
		r = host_read_details(h, err);
	if (r == 0)
		r = host_read_irqs(h, err);
	if (r == 0)
		r = host_read_features(h, err);
	if (r < 0)
		return r;
	j = json_new_object();
	if (json_set_take(j, "host", host_json(h)) == 0) {
		*ret = j;
		return 0;
	}
	json_free(j);
	return err_oom(err);
}
