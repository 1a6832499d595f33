/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doctor, before it counts: which CPUs shall be quiet, and what is wrong without any counter. Reads only. */
#include <errno.h>
#include <string.h>

#include "daemon/engine/doctor.h"
#include "daemon/engine/verify.h"
#include "daemon/host/host.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

/* --- which CPUs ------------------------------------------------------------------------------------------------------- */

static void find_layers(const struct session *s, struct cpuset *ret)
{
	for (size_t i = 0; i < s->state.n_layers; i++) {
		const struct layer *l = s->state.layers[i];

		for (size_t k = 0; k < l->n_entries; k++) {
			const struct layer_entry *e = &l->entries[k];
			struct cpuset taken;

			if (e->na || e->residue || !e->ref.knob->isolates ||
			    !layer_entry_in_force(l, e, s->host->boot_id))
				continue;
			e->ref.knob->isolates(e->ref.key, e->value, &taken);
			cpuset_or(ret, &taken);
		}
	}
}

int doctor_find_cpus(struct doctor *d, struct hft_err *err)
{
	const struct host *h = d->s.host;

	d->isolated = h->isolated;
	d->nohz_full = h->nohz_full;
	if (host_read_partitions(h->fs, &d->partitions) < 0)
		return err_oom(err);
	find_layers(&d->s, &d->layers);
	cpuset_and(&d->layers, &h->present);
	d->watched = d->isolated;
	cpuset_or(&d->watched, &d->nohz_full);
	cpuset_or(&d->watched, &d->partitions);
	cpuset_or(&d->watched, &d->layers);
	cpuset_and(&d->watched, &h->online);
	return 0;
}

/* --- what is wrong anyway --------------------------------------------------------------------------------------------- */

static int add_warning(struct doctor *d, const char *subject, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int add_warning(struct doctor *d, const char *subject, const char *hint, const char *fmt, ...)
{
	CLEANUP(strbuf_done) struct strbuf message = {0};
	struct json *j = json_new_object();
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&message, fmt, ap);
	va_end(ap);
	int r = json_set_string(j, "subject", subject) | json_set_string(j, "message", strbuf_str(&message)) |
	        json_set_string(j, "hint", hint);
	return (message.oom ? -ENOMEM : 0) | r | json_add_take(d->warnings, j);
}

static int warn_of_journal(struct doctor *d)
{
	int64_t txn = session_unfinished(&d->s);

	if (txn)
		return add_warning(d, "journal", "the next apply, repair or rollback undoes it; hfttune status says more",
		                   "transaction %lld is unfinished", (long long)txn);
	if (!d->s.view.damage || !d->s.view.damage->n)
		return 0;
	return add_warning(d, "journal", "hfttune status names the files", "a part of the journal is damaged");
}

static int warn_of_layers(struct doctor *d)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->s.state.n_layers; i++) {
		const struct layer *l = d->s.state.layers[i];
		CLEANUP(mem_freep) char *hint = str_printf("hfttune apply %s --phase %s", l->profile, l->phase);

		if (!hint)
			return -ENOMEM;
		if (!layer_in_force(l, d->s.host->boot_id))
			r = add_warning(d, l->phase, hint, "phase %s of %s is not in force since the host was rebooted",
			                l->phase, l->profile);
	}
	return r;
}

static int warn_of_reboot(struct doctor *d)
{
	if (!verify_needs_reboot(&d->s))
		return 0;
	return add_warning(d, "boot", "reboot this host; then `hfttune verify` says whether it took them",
	                   "kernel parameters wait for the next boot");
}

/* The scheduler puts tasks on a CPU without a tick like on any other, and then the tick is back. */
static int warn_of_lists(struct doctor *d)
{
	CLEANUP(strbuf_done) struct strbuf list = {0};
	struct cpuset bare = d->nohz_full;

	cpuset_minus(&bare, &d->isolated);
	cpuset_minus(&bare, &d->partitions);
	if (cpuset_is_empty(&bare))
		return 0;
	cpuset_format(&bare, &list);
	return add_warning(d, "nohz_full", "give isolcpus=domain the same CPUs, or put them into an isolated partition",
	                   "CPUs %s do without a tick, but the scheduler spreads tasks onto them", strbuf_str(&list));
}

static int warn_of_housekeeping(struct doctor *d)
{
	struct cpuset rest = d->s.host->online;

	cpuset_minus(&rest, &d->watched);
	if (host_has_whole_core(d->s.host, &d->s.host->online, &rest))
		return 0;
	return add_warning(d, "housekeeping", "isolate fewer CPUs",
	                   "no whole core is left for the system: interrupts and kernel threads have nowhere else to go");
}

/* What a plan of the layers in force would say of other tools, and of files that set the same. */
static int warn_of_others(struct doctor *d)
{
	struct state next;
	struct hft_err refusal = {0};
	int r = state_copy(&d->s.state, &next);

	if (r < 0)
		return r;
	for (size_t i = 0; i < next.n_layers; i++)
		next.layers[i]->touched = layer_in_force(next.layers[i], d->s.host->boot_id);
	if (conflicts_settle(&d->s, &next, NULL, &refusal) < 0)
		r = add_warning(d, refusal.subject, refusal.hint, "%s", refusal.msg);
	for (size_t i = 0; r == 0 && i < next.n_layers; i++)
		for (size_t k = 0; r == 0 && next.layers[i]->touched && k < next.layers[i]->remarks.n; k++)
			r = add_warning(d, next.layers[i]->phase, "say the same there, or leave it out of one of the two", "%s",
			                next.layers[i]->remarks.s[k]);
	state_done(&next);
	return r;
}

/* Each looks for one thing; who knows of another one adds a line. */
static int (*const checks[])(struct doctor *d) = {
	warn_of_journal, warn_of_layers, warn_of_reboot, warn_of_lists, warn_of_housekeeping, warn_of_others,
};

int doctor_warn(struct doctor *d, struct hft_err *err)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		r |= checks[i](d);
	return r < 0 ? err_oom(err) : 0;
}
