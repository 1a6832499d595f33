/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judge of promise P1: prints every readable tunable of a host, live or copied, as sorted lines "PATH<TAB>VALUE".
 * It must not share code with hfttune, change anything, or know what hfttune tunes: it walks whole trees, asks for
 * whole lists, and leaves out only what tables name, each with its reason. What the kernel changes by itself although
 * it is a tunable is printed, and ignored by hostdump-diff on the strength of hostdump.ignore.
 *
 * Lines that are no plain file bear a class in front. Of live and copied hosts:
 *	effective:	where an interrupt really goes
 *	file:		configuration: owner, mode, hash, extended attributes
 *	boot:		the kernel command lines in the boot loader's files, by number
 * Of live hosts alone:
 *	mount: swap:
 *	kthread:	kernel threads, by name
 *	thread:		each thread of PID 1 and of services, by unit, process and name
 *	process:	limits, memory policy, the allocator's environment of the same processes
 *	user:		threads of other programs that are not as a new process would be
 *	unit:		what systemd holds of each unit that is active, and of itself
 *	ethtool: qdisc:	network devices
 *	redis:		CONFIG GET *, by address
 * The last line is "# end N", so that a dump cut short is never taken for a whole one.
 *
 *	hostdump [--root DIR]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tools/hostdump.h"

void *must(void *p)
{
	if (!p) {
		fputs("hostdump: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

uint64_t fnv1a(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n--)
		h = (h ^ *p++) * UINT64_C(0x100000001b3);
	return h;
}

/* Write src so that it holds neither blank nor control character ("value" may hold blanks). Returns the end. */
static char *escape(char *to, const char *src, size_t n, bool value)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)src[i];

		if (c == '\n' && value)
			to = stpcpy(to, "\\n");
		else if (c == '\t' && value)
			to = stpcpy(to, "\\t");
		else if (c < 0x20 || c == 0x7f || c == '\\' || (c == ' ' && !value))
			to += sprintf(to, "\\x%02x", c);
		else
			*to++ = (char)c;
	}
	*to = '\0';
	return to;
}

void emit_bytes(struct dump *d, const char *class, const char *path, const char *value, size_t n)
{
	char *line = must(malloc(strlen(class) + 4 * strlen(path) + 4 * n + 8)), *p;

	p = stpcpy(line, class);
	p = escape(p, path, strlen(path), false);
	*p++ = '\t';
	escape(p, value, n, true);
	if (d->n == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 4096;
		d->lines = must(realloc(d->lines, d->cap * sizeof(*d->lines)));
	}
	d->lines[d->n++] = line;
}

void emit(struct dump *d, const char *class, const char *path, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		must(NULL);
	emit_bytes(d, class, path, text, (size_t)n);
	free(text);
}

void emit_hash(struct dump *d, const char *class, const char *path, const char *value, size_t n)
{
	emit(d, class, path, "%zu bytes, hash %016llx", n, (unsigned long long)fnv1a(FNV_START, value, n));
}

/* A file that cannot be read any more is a difference. */
void emit_errno(struct dump *d, const char *class, const char *path, int err)
{
	const char *name = strerrorname_np(err);

	if (name)
		emit(d, class, path, "!%s", name);
	else
		emit(d, class, path, "!errno %d", err); /* the kernel's own ENOTSUPP has no name */
}

ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t r = read(fd, buf + n, size - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

ssize_t read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read_all(fd, buf, size - 1);
	int err = errno;

	if (fd >= 0)
		close(fd);
	errno = err;
	if (n < 0)
		return -1;
	buf[n] = '\0';
	while (n > 0 && buf[n - 1] == '\n')
		buf[--n] = '\0';
	return n;
}

/*
 * The tightest limit that anybody holds, in microseconds: 32 bits, host order. A copied tree may hold text instead.
 * Opening the file adds a request of its own, of the default value (2000 s): the least of all requests is still the
 * same and no CPU is woken (cpu_latency_qos_open() and pm_qos_update_target() of 6.1 and 6.12). It goes with the close.
 */
static void dump_dma_latency(struct dump *d)
{
	int fd = open("dev/cpu_dma_latency", O_RDONLY | O_CLOEXEC);
	char buf[64];
	int32_t us;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return;
	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));
	if (n < 0) {
		emit_errno(d, "", "/dev/cpu_dma_latency", errno);
	} else if (n == sizeof(us)) {
		memcpy(&us, buf, sizeof(us));
		emit(d, "", "/dev/cpu_dma_latency", "%d", us);
	} else {
		emit_bytes(d, "", "/dev/cpu_dma_latency", buf, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int print(struct dump *d)
{
	size_t n = 0;

	qsort(d->lines, d->n, sizeof(*d->lines), compare);
	for (size_t i = 0; i < d->n; i++) {
		if (i && strcmp(d->lines[i], d->lines[i - 1]) == 0)
			continue;
		puts(d->lines[i]);
		n++;
	}
	printf("# end %zu\n", n);
	for (size_t i = 0; i < d->n; i++)
		free(d->lines[i]);
	free(d->lines);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 2;
}

static void (*const live_parts[])(struct dump *d) = {
	dump_mounts, dump_swaps, dump_threads, dump_units, dump_nics, dump_netlink, dump_redis,
};

int main(int argc, char **argv)
{
	const char *root = argc == 3 && strcmp(argv[1], "--root") == 0 ? argv[2] : "/";
	struct dump d = {0};
	struct stat a, b;
	bool live;

	if (argc != 1 && argc != 3) {
		fputs("usage: hostdump [--root DIR]\n", stderr);
		return 2;
	}
	if (chdir(root) < 0 || stat(".", &a) < 0 || stat("/", &b) < 0) {
		fprintf(stderr, "hostdump: %s: %s\n", root, strerror(errno));
		return 2;
	}
	live = a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	dump_files(&d, live);
	dump_boot(&d);
	dump_dma_latency(&d);
	for (size_t i = 0; live && i < sizeof(live_parts) / sizeof(*live_parts); i++)
		live_parts[i](&d);
	return print(&d);
}
