/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map of a host: packages, nodes, L3 groups and cores, siblings side by side, what is isolated or offline, and
 * where each network device hangs. Built from the reply alone, for 8 CPUs as for 512, at 80 columns as at 200.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/out.h"
#include "cli/table.h"
#include "cli/views.h"
#include "lib/base/cpuset.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

#define CELL_INDENT 4
#define CELL_GAP 2
#define MARKS_MAX 4

/* --- CPUs in the order of the map --------------------------------------------------------------------------------- */

struct map_cpu {
	int cpu, package, node, l3;
	int core;    /* the lowest CPU of its siblings: a name for the core that is unique on the host */
	enum style style;
	char mark[MARKS_MAX]; /* "", "i", "n", "in", "x" */
};

struct map {
	const struct json *host;
	struct map_cpu *cpus; /* sorted by package, node, L3, core */
	size_t n, cap;
	struct cpuset isolated;
};

static void map_done(struct map *m)
{
	free(m->cpus);
	m->cpus = NULL;
}

/* A list as the daemon sends it; what cannot be read is the empty set. */
static void parse_cpus(const char *list, struct cpuset *ret)
{
	if (cpuset_parse(list, ret, NULL) < 0)
		cpuset_zero(ret);
}

static int lowest_sibling(const struct json *cpu)
{
	struct cpuset siblings;

	parse_cpus(view_str(cpu, "siblings"), &siblings);
	int lowest = cpuset_next(&siblings, 0);
	return lowest >= 0 ? lowest : (int)view_int(cpu, "cpu");
}

static struct map_cpu map_cpu_of(const struct json *cpu)
{
	bool isolated = json_get_bool(cpu, "isolated", false);
	bool nohz = json_get_bool(cpu, "nohz_full", false);
	bool online = json_get_bool(cpu, "online", true);
	struct map_cpu c = {
		.cpu = (int)view_int(cpu, "cpu"),
		.package = (int)json_get_int(cpu, "package", -1),
		.node = (int)json_get_int(cpu, "node", -1),
		.l3 = (int)json_get_int(cpu, "l3", -1),
		.core = lowest_sibling(cpu),
		.style = !online ? STYLE_DIM : isolated || nohz ? STYLE_NOTE : STYLE_PLAIN,
	};

	str_copy(c.mark, sizeof(c.mark), !online ? "x" : isolated && nohz ? "in" : isolated ? "i" : nohz ? "n" : "");
	return c;
}

static int compare_ints(int a, int b)
{
	return (a > b) - (a < b);
}

static int compare_cpus(const void *va, const void *vb)
{
	const struct map_cpu *a = va, *b = vb;
	int r = compare_ints(a->package, b->package);

	r = r != 0 ? r : compare_ints(a->node, b->node);
	r = r != 0 ? r : compare_ints(a->l3, b->l3);
	r = r != 0 ? r : compare_ints(a->core, b->core);
	return r != 0 ? r : compare_ints(a->cpu, b->cpu);
}

static int map_read(struct map *m)
{
	parse_cpus(view_str(m->host, "isolated"), &m->isolated);
	for (const struct json *c = json_first(json_get(m->host, "cpus")); c != NULL; c = json_next(c)) {
		if (mem_grow(&m->cpus, &m->cap, m->n, sizeof(*m->cpus)) < 0)
			return -1;
		m->cpus[m->n++] = map_cpu_of(c);
	}
	if (m->n > 0)
		qsort(m->cpus, m->n, sizeof(*m->cpus), compare_cpus);
	return 0;
}

/* The end of the run of CPUs from i on that agree with it in the given respect. */
enum level { LEVEL_PACKAGE, LEVEL_NODE, LEVEL_L3, LEVEL_CORE };

static size_t run_end(const struct map *m, size_t i, enum level level)
{
	const struct map_cpu *a = &m->cpus[i];
	size_t end = i + 1;

	for (; end < m->n; end++) {
		const struct map_cpu *b = &m->cpus[end];
		if (a->package != b->package || (level >= LEVEL_NODE && a->node != b->node) ||
		    (level >= LEVEL_L3 && a->l3 != b->l3) || (level >= LEVEL_CORE && a->core != b->core))
			break;
	}
	return end;
}

static void format_range(const struct map *m, size_t from, size_t end, struct strbuf *ret)
{
	struct cpuset set;

	cpuset_zero(&set);
	for (size_t i = from; i < end; i++)
		if (m->cpus[i].cpu >= 0)
			cpuset_add(&set, (unsigned)m->cpus[i].cpu);
	cpuset_format(&set, ret);
}

/* --- cells: one core each ----------------------------------------------------------------------------------------- */

/* "3/67in": the siblings, and their marks once where they agree. */
static void format_core(const struct map *m, size_t from, size_t end, struct strbuf *ret)
{
	bool agree = true;

	for (size_t i = from; i < end; i++)
		agree = agree && strcmp(m->cpus[i].mark, m->cpus[from].mark) == 0;
	for (size_t i = from; i < end; i++)
		strbuf_addf(ret, "%s%d%s", i > from ? "/" : "", m->cpus[i].cpu,
		            agree && i + 1 < end ? "" : m->cpus[i].mark);
}

static size_t count_cores(const struct map *m, size_t from, size_t end)
{
	size_t n = 0;

	for (size_t i = from; i < end; i = run_end(m, i, LEVEL_CORE))
		n++;
	return n;
}

/* The widest cell of the whole map, so that all groups line up. */
static size_t cell_width(const struct map *m)
{
	size_t widest = 0;

	for (size_t i = 0; i < m->n; i = run_end(m, i, LEVEL_CORE)) {
		CLEANUP(strbuf_done) struct strbuf cell = { 0 };
		format_core(m, i, run_end(m, i, LEVEL_CORE), &cell);
		widest = cell.len > widest ? cell.len : widest;
	}
	return widest;
}

/* How many cells stand in a line: as many as fit, but in lines of even length. */
static size_t cells_per_line(size_t n_cells, size_t width, size_t room)
{
	size_t fit = (room + CELL_GAP) / (width + CELL_GAP);

	fit = fit > 0 ? fit : 1;
	size_t lines = (n_cells + fit - 1) / fit;
	return lines > 0 ? (n_cells + lines - 1) / lines : 1;
}

struct grid {
	size_t lead;  /* column at which cells begin */
	size_t width; /* of a cell */
};

static void print_cores(struct text *t, const struct map *m, size_t from, size_t end, const struct grid *g)
{
	size_t room = text_width(t) > g->lead ? text_width(t) - g->lead : 1;
	size_t per_line = cells_per_line(count_cores(m, from, end), g->width, room);
	size_t n = 0;

	for (size_t i = from, next; i < end; i = next, n++) {
		CLEANUP(strbuf_done) struct strbuf cell = { 0 };
		next = run_end(m, i, LEVEL_CORE);
		format_core(m, i, next, &cell);
		if (n > 0 && n % per_line == 0) {
			text_nl(t);
			text_pad(t, g->lead);
		}
		text_styled(t, m->cpus[i].style, "%s", strbuf_str(&cell));
		if (next < end && (n + 1) % per_line != 0)
			text_pad(t, g->width - cell.len + CELL_GAP);
	}
	text_nl(t);
}

/* --- network devices ---------------------------------------------------------------------------------------------- */

/* Where the interrupts of a device are really delivered. */
static void effective_cpus(const struct map *m, const struct json *nic, struct cpuset *ret)
{
	CLEANUP(strbuf_done) struct strbuf prefix = { 0 };

	cpuset_zero(ret);
	if (*view_str(nic, "device") == '\0')
		return;
	strbuf_addf(&prefix, "pci-%s ", view_str(nic, "device"));
	for (const struct json *i = json_first(json_get(m->host, "interrupts")); i != NULL; i = json_next(i)) {
		struct cpuset cpus;
		if (!str_starts(view_str(i, "key"), strbuf_str(&prefix)))
			continue;
		parse_cpus(view_str(i, "effective"), &cpus);
		cpuset_or(ret, &cpus);
	}
}

static void print_nic(struct text *t, const struct map *m, const struct json *nic)
{
	CLEANUP(strbuf_done) struct strbuf line = { 0 };
	struct cpuset cpus;
	char lead[32];

	strbuf_addf(&line, "%s %s", view_str(nic, "driver"), view_str(nic, "device"));
	strbuf_trim(&line);
	strbuf_addf(&line, "%s%lld rx and %lld tx queues", line.len > 0 ? ", " : "", view_int(nic, "rx_queues"),
	            view_int(nic, "tx_queues"));
	effective_cpus(m, nic, &cpus);
	if (view_int(nic, "interrupts") > 0)
		strbuf_addf(&line, ", %lld interrupts", view_int(nic, "interrupts"));
	if (!cpuset_is_empty(&cpus)) {
		strbuf_add(&line, " on CPUs ");
		cpuset_format(&cpus, &line);
	}
	if (cpuset_intersects(&cpus, &m->isolated))
		strbuf_add(&line, " (isolated ones among them)");
	snprintf(lead, sizeof(lead), "nic %-9.15s ", view_str(nic, "name"));
	text_wrap(t, 2, lead, strbuf_str(&line));
}

static void print_nics(struct text *t, const struct map *m, int node)
{
	for (const struct json *nic = json_first(json_get(m->host, "nics")); nic != NULL; nic = json_next(nic))
		if (json_get_int(nic, "node", -1) == node)
			print_nic(t, m, nic);
}

/* --- the map ------------------------------------------------------------------------------------------------------ */

static const struct json *find_node(const struct map *m, int node)
{
	for (const struct json *n = json_first(json_get(m->host, "nodes")); n != NULL; n = json_next(n))
		if (view_int(n, "node") == node)
			return n;
	return NULL;
}

/* To the other nodes; one node is near itself. */
static void add_distances(const struct json *distances, struct strbuf *b)
{
	if (json_size(distances) < 2)
		return;
	strbuf_addf(b, "%sdistances", b->len > 0 ? ", " : "");
	for (const struct json *d = json_first(distances); d != NULL; d = json_next(d))
		strbuf_addf(b, " %lld", (long long)json_int(d, 0));
}

/* "memory 250.8 GiB, 190.7 free, distances 10 21" */
static void print_memory(struct text *t, const struct json *node)
{
	CLEANUP(strbuf_done) struct strbuf b = { 0 };
	double gib = 1024.0 * 1024.0;

	if (view_int(node, "memory_kib") > 0)
		strbuf_addf(&b, "memory %.1f GiB, %.1f free", (double)view_int(node, "memory_kib") / gib,
		            (double)view_int(node, "free_kib") / gib);
	add_distances(json_get(node, "distances"), &b);
	if (b.len > 0)
		text_wrap(t, 2, "", strbuf_str(&b));
}

static void add_number(struct text *t, const char *what, int number)
{
	if (number >= 0)
		text_styled(t, STYLE_BOLD, "%s %d", what, number);
	else
		text_styled(t, STYLE_BOLD, "%s unknown", what);
}

static void print_node_heading(struct text *t, const struct map *m, size_t from, size_t end)
{
	CLEANUP(strbuf_done) struct strbuf cpus = { 0 };
	const struct map_cpu *c = &m->cpus[from];

	add_number(t, "package", c->package);
	text_addf(t, "  ");
	add_number(t, "node", c->node);
	text_nl(t);
	strbuf_addf(&cpus, "%zu cores, CPUs ", count_cores(m, from, end));
	format_range(m, from, end, &cpus);
	text_wrap(t, 2, "", strbuf_str(&cpus));
	print_memory(t, find_node(m, c->node));
}

/* Is this the first run of CPUs of its node? (A node may span packages; its devices are listed once.) */
static bool is_first_of_node(const struct map *m, size_t from)
{
	for (size_t i = 0; i < from; i++)
		if (m->cpus[i].node == m->cpus[from].node)
			return false;
	return true;
}

static void print_node(struct text *t, const struct map *m, size_t from, size_t end, const struct grid *g)
{
	print_node_heading(t, m, from, end);
	if (m->cpus[from].node >= 0 && is_first_of_node(m, from))
		print_nics(t, m, m->cpus[from].node);
	for (size_t i = from, next; i < end; i = next) {
		char lead[24];
		next = run_end(m, i, LEVEL_L3);
		if (m->cpus[i].l3 >= 0)
			snprintf(lead, sizeof(lead), "L3 %d", m->cpus[i].l3);
		else
			snprintf(lead, sizeof(lead), "L3 ?");
		text_pad(t, 2);
		text_addf(t, "%-*s", (int)g->lead - 2, lead);
		print_cores(t, m, i, next, g);
	}
}

/* Room for "  L3 NNN  ", by the longest number. */
static struct grid measure(const struct map *m)
{
	int most = 0;

	for (size_t i = 0; i < m->n; i++)
		most = m->cpus[i].l3 > most ? m->cpus[i].l3 : most;
	size_t digits = most > 999 ? 6 : most > 99 ? 3 : most > 9 ? 2 : 1;
	return (struct grid){ .lead = CELL_INDENT + sizeof("L3 ") - 1 + digits, .width = cell_width(m) };
}

/* Nodes without CPUs (memory only), and devices of no node. */
static void print_rest(struct text *t, const struct map *m)
{
	for (const struct json *n = json_first(json_get(m->host, "nodes")); n != NULL; n = json_next(n)) {
		if (*view_str(n, "cpus") != '\0')
			continue;
		add_number(t, "node", (int)view_int(n, "node"));
		text_line(t, "  no CPUs");
		print_memory(t, n);
		print_nics(t, m, (int)view_int(n, "node"));
	}
	bool unknown_is_shown = m->n > 0 && m->cpus[0].node < 0;
	for (const struct json *nic = json_first(json_get(m->host, "nics")); nic != NULL; nic = json_next(nic)) {
		if (json_get_int(nic, "node", -1) >= 0)
			continue;
		if (!unknown_is_shown) {
			text_styled(t, STYLE_BOLD, "of no node");
			text_nl(t);
		}
		print_nics(t, m, -1);
		text_nl(t);
		return;
	}
}

/* --- around it ---------------------------------------------------------------------------------------------------- */

static void print_set(struct text *t, const char *name, const char *list)
{
	char lead[16];

	snprintf(lead, sizeof(lead), "%-14s", name);
	text_wrap(t, 0, lead, *list != '\0' ? list : "none");
}

static void print_sets(struct text *t, const struct json *host)
{
	static const char *const sets[] = { "online", "isolated", "nohz_full", "housekeeping" };

	text_line(t, "%s (%s)%s", view_str(host, "model"), view_str(host, "vendor"),
	          json_get_bool(host, "virtual", false) ? ", virtual" : "");
	print_set(t, "kernel", view_str(host, "kernel"));
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		print_set(t, sets[i], view_str(host, sets[i]));
	text_nl(t);
}

static void print_legend(struct text *t, const struct map *m)
{
	static const struct {
		char letter;
		const char *meaning;
	} marks[] = { { 'i', "isolated" }, { 'n', "nohz_full" }, { 'x', "offline" } };

	text_addf(t, "a/b: siblings of one core");
	for (size_t k = 0; k < ARRAY_LEN(marks); k++) {
		bool used = false;
		for (size_t i = 0; i < m->n && !used; i++)
			used = strchr(m->cpus[i].mark, marks[k].letter) != NULL;
		if (used)
			text_addf(t, ", %c: %s", marks[k].letter, marks[k].meaning);
	}
	text_nl(t);
}

static void print_features(struct text *t, const struct json *host)
{
	static const struct table_column columns[] = { { "MISSING HERE", 0, false, false },
		                                       { "WHICH MEANS", 30, false, true } };
	CLEANUP(table_done) struct table table = { 0 };
	CLEANUP(strbuf_done) struct strbuf present = { 0 };

	table_init(&table, columns, ARRAY_LEN(columns));
	for (const struct json *f = json_first(json_get(host, "features")); f != NULL; f = json_next(f)) {
		if (json_get_bool(f, "present", false)) {
			strbuf_addf(&present, "%s%s", present.len > 0 ? ", " : "", view_str(f, "name"));
			continue;
		}
		table_cell(&table, STYLE_PLAIN, "%s", view_str(f, "name"));
		table_cell(&table, STYLE_DIM, "%s", view_str(f, "note"));
	}
	if (present.len > 0) {
		text_nl(t);
		print_set(t, "has", strbuf_str(&present));
	}
	if (table_rows(&table) > 0)
		text_nl(t);
	table_print(&table, t, 0);
}

void view_host(struct text *t, const struct result *r)
{
	CLEANUP(map_done) struct map m = { .host = json_get(r->reply, "host") };

	if (map_read(&m) < 0) {
		t->b.oom = true;
		return;
	}
	struct grid g = measure(&m);
	print_sets(t, m.host);
	for (size_t i = 0, next; i < m.n; i = next) {
		next = run_end(&m, i, LEVEL_NODE);
		print_node(t, &m, i, next, &g);
		text_nl(t);
	}
	print_rest(t, &m);
	print_legend(t, &m);
	print_features(t, m.host);
}
