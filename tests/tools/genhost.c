/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * genhost [--cpus N] [--irqs M] [--nodes K] [--nics Q] DIR: a made-up host as a copied tree, for the benchmarks.
 * genhost --model NAME [DIR]: one of the machines of tests/fixtures/hosts, as text on stdout or as a directory.
 *
 * The directory must not hold such a tree already. A tmpfs is a good place: 512 CPUs and 4,096 interrupts are some
 * 130,000 files. Knows nothing of hfttune, and must not read the host that it runs on.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/tools/machine.h"
#include "tests/tools/tree.h"

/* --- lines -------------------------------------------------------------------------------------------------------- */

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "genhost: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void out_line(struct out *o, struct strbuf *line)
{
	if (line->oom)
		die("memory");
	o->lines++;
	if (o->text != NULL) {
		fprintf(o->text, "%s\n", line->s);
		return;
	}
	CLEANUP(mem_freep) char *copy = strdup(line->s);
	int r = copy != NULL ? tree_line(o->dir_fd, copy) : -ENOMEM;
	if (r < 0) {
		errno = -r;
		die(line->s);
	}
}

static void add_escaped(struct strbuf *line, const char *text)
{
	for (; *text != '\0'; text++) {
		const char *special = strchr("\\\n\t", *text);
		if (special == NULL)
			strbuf_addc(line, *text);
		else
			strbuf_addf(line, "\\%c", *special == '\n' ? 'n' : *special == '\t' ? 't' : '\\');
	}
}

__attribute__((format(printf, 4, 0))) static void out_vfile(struct out *o, mode_t mode, const char *text,
                                                            const char *path_fmt, va_list ap)
{
	CLEANUP(strbuf_done) struct strbuf line = {0};

	strbuf_addf(&line, "f %04o ", (unsigned)mode);
	strbuf_vaddf(&line, path_fmt, ap);
	strbuf_addc(&line, '\t');
	if (text != NULL)
		add_escaped(&line, text);
	else
		strbuf_add(&line, "\\c");
	out_line(o, &line);
}

void out_file(struct out *o, mode_t mode, const char *text, const char *path_fmt, ...)
{
	va_list ap;

	va_start(ap, path_fmt);
	out_vfile(o, mode, text, path_fmt, ap);
	va_end(ap);
}

void out_number(struct out *o, mode_t mode, long long number, const char *path_fmt, ...)
{
	char text[32];
	va_list ap;

	snprintf(text, sizeof(text), "%lld", number);
	va_start(ap, path_fmt);
	out_vfile(o, mode, text, path_fmt, ap);
	va_end(ap);
}

void out_link(struct out *o, const char *target, const char *path_fmt, ...)
{
	CLEANUP(strbuf_done) struct strbuf line = {0};
	va_list ap;

	strbuf_add(&line, "l ");
	va_start(ap, path_fmt);
	strbuf_vaddf(&line, path_fmt, ap);
	va_end(ap);
	strbuf_addf(&line, "\t%s", target);
	out_line(o, &line);
}

void out_dir(struct out *o, const char *path_fmt, ...)
{
	CLEANUP(strbuf_done) struct strbuf line = {0};
	va_list ap;

	strbuf_add(&line, "d ");
	va_start(ap, path_fmt);
	strbuf_vaddf(&line, path_fmt, ap);
	va_end(ap);
	out_line(o, &line);
}

void out_comment(struct out *o, const char *text)
{
	CLEANUP(strbuf_done) struct strbuf line = {0};

	strbuf_addf(&line, "# %s", text);
	out_line(o, &line);
}

/* --- sets --------------------------------------------------------------------------------------------------------- */

static struct strbuf *next_buffer(void)
{
	static struct strbuf buffers[4];
	static unsigned next;
	struct strbuf *b = &buffers[next++ % ARRAY_LEN(buffers)];

	strbuf_reset(b);
	return b;
}

const char *list_text(const struct cpuset *set)
{
	struct strbuf *b = next_buffer();

	cpuset_format(set, b);
	return strbuf_str(b);
}

/* "%*pb" with nr_cpu_ids bits: the first word has only as many digits as it needs (lib/vsprintf.c, bitmap_string). */
const char *mask_text(const struct cpuset *set, unsigned nr_cpu_ids)
{
	struct strbuf *b = next_buffer();

	for (unsigned i = (nr_cpu_ids + 31) / 32; i-- > 0;) {
		unsigned bits = nr_cpu_ids - i * 32 < 32 ? nr_cpu_ids - i * 32 : 32;
		unsigned word = (unsigned)(set->bits[i / 2] >> i % 2 * 32 & 0xffffffff);
		strbuf_addf(b, "%0*x%s", (int)((bits + 3) / 4), word, i > 0 ? "," : "");
	}
	return strbuf_str(b);
}

void machine_threads(const struct machine *m, int from, int to, struct cpuset *ret)
{
	cpuset_zero(ret);
	for (int t = 0; t < m->threads; t++)
		for (int c = from; c < to; c++)
			cpuset_add(ret, (unsigned)(t * machine_cores(m) + c));
}

void machine_all_cpus(const struct machine *m, struct cpuset *ret)
{
	machine_threads(m, 0, machine_cores(m), ret);
}

void machine_node_cpus(const struct machine *m, int node, struct cpuset *ret)
{
	cpuset_zero(ret);
	for (int cpu = 0; cpu < machine_cpus(m); cpu++)
		if (node < 0 || machine_node_of_core(m, cpu % machine_cores(m)) == node)
			cpuset_add(ret, (unsigned)cpu);
}

/* --- the program -------------------------------------------------------------------------------------------------- */

static int usage(void)
{
	fprintf(stderr, "usage: genhost [--cpus N] [--irqs M] [--nodes K] [--nics Q] DIR\n"
	                "       genhost --model NAME [DIR]\n");
	return 2;
}

static void put_machine(struct out *o, const struct machine *m)
{
	out_comment(o, m->comment);
	machine_put_kernel(o, m);
	machine_put_cpus(o, m);
	machine_put_nodes(o, m);
	machine_put_devices(o, m);
}

static int write_machine(const struct machine *m, const char *dir)
{
	struct out o = {.text = dir == NULL ? stdout : NULL, .dir_fd = -1};

	if (dir != NULL) {
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			die(dir);
		o.dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (o.dir_fd < 0)
			die(dir);
	}
	put_machine(&o, m);
	if (fflush(stdout) != 0)
		die("stdout");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"cpus",  required_argument, NULL, 'c'},
                {"irqs",  required_argument, NULL, 'i'},
		{"nodes", required_argument, NULL, 'n'},
                {"nics",  required_argument, NULL, 'q'},
		{"model", required_argument, NULL, 'm'},
                {NULL,    0,                 NULL, 0  },
	};
	int cpus = 512, irqs = 4096, nodes = 4, nics = 2;
	const char *model = NULL;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
		int *number = c == 'c' ? &cpus : c == 'i' ? &irqs : c == 'n' ? &nodes : c == 'q' ? &nics : NULL;
		if (number != NULL)
			*number = atoi(optarg);
		else if (c == 'm')
			model = optarg;
		else
			return usage();
	}
	const char *dir = optind < argc ? argv[optind] : NULL;
	if (argc - optind > 1 || (model == NULL && dir == NULL))
		return usage();
	CLEANUP(mem_freep)
	struct machine *m = model != NULL ? machine_model(model) : machine_big(cpus, irqs, nodes, nics);
	if (m == NULL) {
		fprintf(stderr, "genhost: there is no such machine\n");
		return 2;
	}
	return write_machine(m, dir);
}
