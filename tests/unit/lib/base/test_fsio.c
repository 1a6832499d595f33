/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of lib/base/fsio on trees made in a temporary directory, and on files of /proc and /sys that all may read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct tree {
	char root[64];
	struct fsio *fs;
	struct strbuf b;
	struct hft_err err;
};

/* --- the tree, made with plain calls ------------------------------------------------------------------------------ */

static const char *real(const struct tree *t, const char *path)
{
	static char full[100];

	snprintf(full, sizeof(full), "%s%s", t->root, path);
	return full;
}

static void put_bytes(const struct tree *t, const char *path, const void *bytes, size_t size)
{
	int fd = open(real(t, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void put(const struct tree *t, const char *path, const char *text)
{
	put_bytes(t, path, text, strlen(text));
}

static void assert_content(const struct tree *t, const char *path, const char *text)
{
	char content[256] = "";
	int fd = open(real(t, path), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, content, sizeof(content) - 1) >= 0);
	close(fd);
	assert_string_equal(content, text);
}

static void make_dir(const struct tree *t, const char *path)
{
	assert_int_equal(mkdir(real(t, path), 0755), 0);
}

static void make_link(const struct tree *t, const char *target, const char *path)
{
	assert_int_equal(symlink(target, real(t, path)), 0);
}

static void assert_err(const struct tree *t, int r, int sys, const char *path)
{
	assert_int_equal(r, -sys);
	assert_int_equal(t->err.sys, sys);
	assert_string_equal(t->err.code, ERR_IO);
	assert_string_equal(t->err.subject, path);
}

static int set_up(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	strcpy(t->root, "/tmp/test_fsio.XXXXXX");
	assert_non_null(mkdtemp(t->root));
	make_dir(t, "/proc");
	make_dir(t, "/proc/sys");
	make_dir(t, "/sys");
	make_dir(t, "/sys/devices");
	make_dir(t, "/sys/devices/virtio2");
	make_dir(t, "/sys/class");
	assert_int_equal(fsio_new(t->root, &t->fs, &t->err), 0);
	*state = t;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct tree *t = *state;

	assert_int_equal(nftw(t->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	fsio_free(t->fs);
	strbuf_done(&t->b);
	free(t);
	return 0;
}

static size_t n_open_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* --- the handle --------------------------------------------------------------------------------------------------- */

static void test_new(void **state)
{
	struct tree *t = *state;
	struct fsio *fs = NULL;

	assert_false(fsio_is_live(t->fs));
	assert_string_equal(fsio_root(t->fs), t->root);
	put(t, "/file", "x");
	assert_err(t, fsio_new(real(t, "/file"), &fs, &t->err), ENOTDIR, real(t, "/file"));
	assert_err(t, fsio_new(real(t, "/none"), &fs, &t->err), ENOENT, real(t, "/none"));
	assert_null(fs);
	fsio_free(NULL);
	fsio_freep(&fs);
}

static void test_live_by_any_name(void **state)
{
	struct tree *t = *state;
	char link[100];
	make_link(t, "/", "/host");
	snprintf(link, sizeof(link), "%s", real(t, "/host"));
	const char *const names[] = { NULL, "/", "//", "/proc/..", link };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(fsio_freep) struct fsio *fs = NULL;
		assert_int_equal(fsio_new(names[i], &fs, &t->err), 0);
		assert_true(fsio_is_live(fs));
	}
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void test_read(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *text;
	} rows[] = {
		{ "60\n", 3, "60" },     { "60", 2, "60" },     { "a\n\n", 3, "a\n" },  { "", 0, "" },
		{ "\n", 1, "" },         { "a\0b\n", 4, "a" },  { "a\n\0b", 4, "a" },   { " x \n", 4, " x " },
		{ "\0", 1, "" },
	};
	struct tree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put_bytes(t, "/proc/sys/x", rows[i].bytes, rows[i].size);
		strbuf_add(&t->b, "left over");
		assert_int_equal(fsio_read(t->fs, "/proc/sys/x", &t->b, &t->err), 0);
		assert_string_equal(strbuf_str(&t->b), rows[i].text);
		assert_int_equal(t->b.len, strlen(rows[i].text));
	}
}

static void test_read_sizes(void **state)
{
	static const char *const paths[] = { "/x", "/proc/sys/x", "/sys/devices/x" }; /* the ways that reads can end */
	static const size_t sizes[] = { 4095, 4096, 4097, 8192, 16384, 65536, 300000, 1024 * 1024 };
	struct tree *t = *state;
	char *text = malloc(1024 * 1024 + 1);

	for (size_t i = 0; i < 1024 * 1024 + 1; i++)
		text[i] = (char)('a' + i % 23);
	for (size_t i = 0; i < ARRAY_LEN(paths) * ARRAY_LEN(sizes); i++) {
		const char *path = paths[i / ARRAY_LEN(sizes)];
		size_t size = sizes[i % ARRAY_LEN(sizes)];
		put_bytes(t, path, text, size);
		int r = fsio_read(t->fs, path, &t->b, &t->err);
		if (size == 1024 * 1024 && str_starts(path, "/proc/sys/")) {
			assert_err(t, r, EFBIG, path); /* no way to tell that it ended there */
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(t->b.len, size);
		assert_memory_equal(t->b.s, text, size);
	}
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		put_bytes(t, paths[i], text, 1024 * 1024 + 1);
		assert_err(t, fsio_read(t->fs, paths[i], &t->b, &t->err), EFBIG, paths[i]);
		assert_string_equal(strbuf_str(&t->b), "");
	}
	free(text);
}

static void test_read_failures(void **state)
{
	struct tree *t = *state;
	size_t before = n_open_fds();

	assert_err(t, fsio_read(t->fs, "/none", &t->b, &t->err), ENOENT, "/none");
	assert_err(t, fsio_read(t->fs, "/proc", &t->b, &t->err), EISDIR, "/proc");
	assert_int_equal(fsio_probe(t->fs, "/none", &t->b), -ENOENT);
	assert_int_equal(fsio_read(t->fs, "/none", &t->b, NULL), -ENOENT);
	put(t, "/x", "1\n");
	assert_int_equal(fsio_probe(t->fs, "/x", &t->b), 0);
	assert_string_equal(t->b.s, "1");
	if (geteuid() != 0) {
		assert_int_equal(chmod(real(t, "/x"), 0), 0);
		assert_err(t, fsio_read(t->fs, "/x", &t->b, &t->err), EACCES, "/x");
		assert_string_equal(t->b.s, "");
	}
	assert_int_equal(n_open_fds(), before);
}

static void test_read_does_not_hang_on_a_fifo(void **state)
{
	struct tree *t = *state;
	char buf[4];

	assert_int_equal(mkfifo(real(t, "/fifo"), 0600), 0);
	assert_int_equal(fsio_read(t->fs, "/fifo", &t->b, &t->err), 0);
	assert_string_equal(strbuf_str(&t->b), "");
	assert_err(t, fsio_read_bytes(t->fs, "/fifo", buf, 4, &t->err), EIO, "/fifo");
	assert_err(t, fsio_write(t->fs, "/fifo", "1", &t->err), ENXIO, "/fifo");
}

static void test_read_reuses_memory(void **state)
{
	struct tree *t = *state;

	put(t, "/x", "first value\n");
	assert_int_equal(fsio_read(t->fs, "/x", &t->b, &t->err), 0);
	const char *memory = t->b.s;
	for (int i = 0; i < 10; i++)
		assert_int_equal(fsio_read(t->fs, "/x", &t->b, &t->err), 0);
	assert_ptr_equal(t->b.s, memory);
}

static void test_read_bytes(void **state)
{
	struct tree *t = *state;
	char buf[4] = "";

	put_bytes(t, "/x", "a\0b\nc", 5);
	assert_int_equal(fsio_read_bytes(t->fs, "/x", buf, 4, &t->err), 0);
	assert_memory_equal(buf, "a\0b\n", 4);
	put(t, "/x", "abc");
	assert_err(t, fsio_read_bytes(t->fs, "/x", buf, 4, &t->err), EIO, "/x");
	assert_err(t, fsio_read_bytes(t->fs, "/none", buf, 4, &t->err), ENOENT, "/none");
}

static void test_read_file(void **state)
{
	struct tree *t = *state;

	put_bytes(t, "/x", "a\0b\n", 4);
	assert_int_equal(fsio_read_file(t->fs, "/x", 4, &t->b, &t->err), 0);
	assert_int_equal(t->b.len, 4);
	assert_memory_equal(t->b.s, "a\0b\n", 5);
	assert_err(t, fsio_read_file(t->fs, "/x", 3, &t->b, &t->err), EFBIG, "/x");
	assert_err(t, fsio_read_file(t->fs, "/proc", 9, &t->b, &t->err), EISDIR, "/proc");
	assert_err(t, fsio_read_file(t->fs, "/none", 9, &t->b, &t->err), ENOENT, "/none");
	make_link(t, "x", "/link");
	assert_err(t, fsio_read_file(t->fs, "/link", 9, &t->b, &t->err), ELOOP, "/link");
	make_link(t, "virtio2", "/sys/devices/link"); /* there, too: the last component is never followed */
	assert_err(t, fsio_read_file(t->fs, "/sys/devices/link", 9, &t->b, &t->err), ELOOP, "/sys/devices/link");
	assert_int_equal(mkfifo(real(t, "/fifo"), 0600), 0);
	assert_err(t, fsio_read_file(t->fs, "/fifo", 9, &t->b, &t->err), EINVAL, "/fifo");

	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", real(t, "/socket"));
	CLEANUP(mem_closep) int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_err(t, fsio_read_file(t->fs, "/socket", 9, &t->b, &t->err), EINVAL, "/socket");
}

/* --- the live kernel ---------------------------------------------------------------------------------------------- */

/* Every path must give what plain reading to the end gives; the values are ones that do not change by themselves. */
static void test_read_live(void **state)
{
	static const char *const paths[] = {
		"/proc/version",
		"/proc/cmdline",
		"/proc/sys/kernel/ostype",
		"/proc/sys/kernel/pid_max",
		"/proc/filesystems",
		"/proc/sys/net/ipv4/tcp_rmem",
		"/sys/devices/system/cpu/possible",
		"/sys/kernel/mm/transparent_hugepage/enabled",
		"/sys/class/net/lo/address",
	};
	struct tree *t = *state;
	CLEANUP(fsio_freep) struct fsio *fs = NULL;
	unsigned n_read = 0;

	assert_int_equal(fsio_new("/", &fs, &t->err), 0);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		FILE *f = fopen(paths[i], "re");
		if (f == NULL)
			continue; /* kernels differ */
		char *expected = calloc(1, 65536);
		size_t n = fread(expected, 1, 65535, f);
		fclose(f);
		assert_int_equal(fsio_read(fs, paths[i], &t->b, &t->err), 0);
		strbuf_addc(&t->b, '\n');
		assert_int_equal(t->b.len, n);
		assert_memory_equal(t->b.s, expected, n);
		free(expected);
		n_read++;
	}
	assert_true(n_read >= 4);
}

/* /proc/self and its magic links stay shut, and the file system cannot be climbed out of. */
static void test_live_links(void **state)
{
	struct tree *t = *state;
	CLEANUP(fsio_freep) struct fsio *fs = NULL;
	char path[64];

	assert_int_equal(fsio_new(NULL, &fs, &t->err), 0);
	assert_err(t, fsio_read(fs, "/proc/self/status", &t->b, &t->err), ELOOP, "/proc/self/status");
	snprintf(path, sizeof(path), "/proc/%d/root/proc/version", getpid());
	assert_err(t, fsio_read(fs, path, &t->b, &t->err), ELOOP, path);
	snprintf(path, sizeof(path), "/proc/%d/exe", getpid());
	assert_int_equal(fsio_link_name(fs, path, &t->b, &t->err), 0); /* looked at, not followed */
	assert_string_equal(t->b.s, "test_fsio");
	snprintf(path, sizeof(path), "/proc/%d/status", getpid());
	assert_int_equal(fsio_read(fs, path, &t->b, &t->err), 0);
	assert_true(str_starts(t->b.s, "Name:\ttest_fsio\n"));
	snprintf(path, sizeof(path), "/proc/%d/cmdline", getpid());
	assert_int_equal(fsio_read_file(fs, path, 65536, &t->b, &t->err), 0); /* its st_size is 0 */
	assert_true(t->b.len > 0 && t->b.s[t->b.len - 1] == '\0');
}

/* --- paths -------------------------------------------------------------------------------------------------------- */

static void test_paths_stay_beneath(void **state)
{
	static const char *const refused[] = {
		"/..", "/../etc", "/proc/../x", "/proc/..", "//..//x", "x", "", ".", "..", "proc/sys/x",
	};
	static const char *const fine[] = { "/x", "//x", "/./x", "/proc/..x", "/x.." };
	struct tree *t = *state;
	int fd = -1;

	put(t, "/x", "1\n");
	put(t, "/x..", "1\n");
	put(t, "/proc/..x", "1\n");
	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		assert_int_equal(fsio_read(t->fs, fine[i], &t->b, &t->err), 0);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const char *path = refused[i];
		struct strlist names = { 0 };
		mode_t mode;
		uid_t uid;
		assert_err(t, fsio_read(t->fs, path, &t->b, &t->err), EINVAL, path);
		assert_err(t, fsio_write(t->fs, path, "2", &t->err), EINVAL, path);
		assert_err(t, fsio_list(t->fs, path, &names, &t->err), EINVAL, path);
		assert_err(t, fsio_mkdirs(t->fs, path, 0755, &t->err), EINVAL, path);
		assert_err(t, fsio_create(t->fs, path, 0644, &fd, &t->err), EINVAL, path);
		assert_err(t, fsio_lock(t->fs, path, &fd, &t->err), EINVAL, path);
		assert_err(t, fsio_unlink(t->fs, path, &t->err), EINVAL, path);
		assert_err(t, fsio_rename(t->fs, path, "/y", &t->err), EINVAL, "/y");
		assert_err(t, fsio_rename(t->fs, "/x", path, &t->err), EINVAL, path);
		assert_err(t, fsio_sync_dir(t->fs, path, &t->err), EINVAL, path);
		assert_err(t, fsio_owner(t->fs, path, &uid, &mode, &t->err), EINVAL, path);
		assert_int_equal(fsio_mode(t->fs, path, &mode), -EINVAL);
		assert_false(fsio_exists(t->fs, path));
	}
	assert_int_equal(fd, -1);
	assert_content(t, "/x", "1\n");
}

static void test_links_outside_sys_are_refused(void **state)
{
	struct tree *t = *state;
	int fd = -1;

	put(t, "/proc/target", "1\n");
	make_link(t, "target", "/proc/link");
	make_link(t, "proc", "/dir");
	assert_err(t, fsio_read(t->fs, "/proc/link", &t->b, &t->err), ELOOP, "/proc/link");
	assert_err(t, fsio_read(t->fs, "/dir/target", &t->b, &t->err), ELOOP, "/dir/target");
	assert_err(t, fsio_write(t->fs, "/proc/link", "2", &t->err), ELOOP, "/proc/link");
	assert_err(t, fsio_append_open(t->fs, "/dir/target", &fd, &t->err), ELOOP, "/dir/target");
	assert_err(t, fsio_create(t->fs, "/dir/new", 0644, &fd, &t->err), ELOOP, "/dir/new");
	assert_err(t, fsio_lock(t->fs, "/proc/link", &fd, &t->err), ELOOP, "/proc/link");
	assert_err(t, fsio_mkdirs(t->fs, "/dir/new", 0755, &t->err), ELOOP, "/dir/new");
	assert_err(t, fsio_rename(t->fs, "/dir/target", "/y", &t->err), ELOOP, "/y");
	assert_err(t, fsio_rename(t->fs, "/proc/target", "/dir/y", &t->err), ELOOP, "/dir/y");
	assert_err(t, fsio_unlink(t->fs, "/dir/target", &t->err), ELOOP, "/dir/target");
	assert_content(t, "/proc/target", "1\n");
}

static void test_links_inside_sys(void **state)
{
	struct tree *t = *state;

	put(t, "/outside", "secret\n");
	put(t, "/sys/devices/virtio2/value", "1\n");
	make_link(t, "../devices/virtio2", "/sys/class/dev");
	make_link(t, "/outside", "/sys/class/absolute");
	make_link(t, "../../../../../../../../etc/passwd", "/sys/class/climbs");
	assert_int_equal(fsio_read(t->fs, "/sys/class/dev/value", &t->b, &t->err), 0);
	assert_string_equal(t->b.s, "1");
	assert_int_equal(fsio_write(t->fs, "/sys/class/dev/value", "2", &t->err), 0);
	assert_content(t, "/sys/devices/virtio2/value", "2\n");
	assert_err(t, fsio_read(t->fs, "/sys/class/absolute", &t->b, &t->err), EXDEV, "/sys/class/absolute");
	assert_err(t, fsio_read(t->fs, "/sys/class/climbs", &t->b, &t->err), EXDEV, "/sys/class/climbs");
	assert_err(t, fsio_write(t->fs, "/sys/class/absolute", "x", &t->err), EXDEV, "/sys/class/absolute");
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void test_write(void **state)
{
	static const char *const values[] = { "1", "100000", "2", "", "a b", "longer than all before" };
	struct tree *t = *state;
	char expected[64];

	put(t, "/x", "old\n");
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		assert_int_equal(fsio_write(t->fs, "/x", values[i], &t->err), 0);
		snprintf(expected, sizeof(expected), "%s\n", values[i]);
		assert_content(t, "/x", expected);
	}
	assert_err(t, fsio_write(t->fs, "/none", "1", &t->err), ENOENT, "/none");
	assert_false(fsio_exists(t->fs, "/none"));
	assert_int_not_equal(fsio_write(t->fs, "/proc", "1", &t->err), 0);
	if (geteuid() != 0) {
		assert_int_equal(chmod(real(t, "/x"), 0444), 0);
		assert_err(t, fsio_write(t->fs, "/x", "1", &t->err), EACCES, "/x");
	}
}

static void test_write_large(void **state)
{
	static const size_t sizes[] = { 4094, 4095, 4096, 70000 };
	struct tree *t = *state;

	put(t, "/x", "");
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *value = malloc(sizes[i] + 1);
		memset(value, 'v', sizes[i]);
		value[sizes[i]] = '\0';
		assert_int_equal(fsio_write(t->fs, "/x", value, &t->err), 0);
		assert_int_equal(fsio_read(t->fs, "/x", &t->b, &t->err), 0);
		assert_string_equal(t->b.s, value);
		free(value);
	}
}

/* One datagram per write(2): counts the writes, and shows what is in each. */
static void test_one_write_per_value(void **state)
{
	struct tree *t = *state;
	char got[64];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	assert_int_equal(fsio_append(pair[0], "one line\n", 9, "/x", &t->err), 0);
	assert_int_equal(fsio_write_fd(pair[0], "\1\0\0\0", 4, "/dev/x", &t->err), 0);
	assert_int_equal(recv(pair[1], got, sizeof(got), MSG_DONTWAIT), 9);
	assert_int_equal(recv(pair[1], got, sizeof(got), MSG_DONTWAIT), 4);
	assert_true(recv(pair[1], got, sizeof(got), MSG_DONTWAIT) < 0);
	close(pair[0]);
	close(pair[1]);
}

/* In a child of its own, for a limit on the file size makes writes short; the exit status is the errno found. */
static int in_child_with_limit(struct tree *t, rlim_t limit, int (*run)(struct tree *t))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit r = { limit, limit };
		signal(SIGXFSZ, SIG_IGN);
		_exit(setrlimit(RLIMIT_FSIZE, &r) < 0 ? 255 : -run(t));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int write_twelve(struct tree *t)
{
	return fsio_write(t->fs, "/x", "12345678901", &t->err);
}

static int append_twelve(struct tree *t)
{
	int fd;

	int r = fsio_append_open(t->fs, "/x", &fd, &t->err);
	return r < 0 ? r : fsio_append(fd, "12345678901\n", 12, "/x", &t->err);
}

static void test_short_writes(void **state)
{
	struct tree *t = *state;

	put(t, "/x", "old\n");
	assert_int_equal(in_child_with_limit(t, 5, write_twelve), EIO);
	put(t, "/x", "old\n");
	assert_int_equal(in_child_with_limit(t, 8, append_twelve), EIO);
	assert_int_equal(in_child_with_limit(t, 0, write_twelve), EFBIG);
	assert_int_equal(in_child_with_limit(t, 4096, write_twelve), 0);
}

/* A full disk must not cost the old value. */
static void test_failed_write_keeps_the_old_value(void **state)
{
	struct tree *t = *state;

	put(t, "/x", "old\n");
	assert_int_equal(in_child_with_limit(t, 0, write_twelve), EFBIG);
	assert_content(t, "/x", "old\n");
}

/* /dev/full says ENOSPC to everything; opened by hand, since device files cannot be made unprivileged. */
static void test_no_space(void **state)
{
	struct tree *t = *state;
	CLEANUP(mem_closep) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_err(t, fsio_append(fd, "x", 1, "/full", &t->err), ENOSPC, "/full");
	assert_err(t, fsio_write_fd(fd, "x", 1, "/full", &t->err), ENOSPC, "/full");
}

/* --- files that stay open ----------------------------------------------------------------------------------------- */

static void assert_reads(struct tree *t, const char *path, const char *text)
{
	assert_int_equal(fsio_read(t->fs, path, &t->b, &t->err), 0);
	assert_string_equal(strbuf_str(&t->b), text);
}

static void test_kept_open(void **state)
{
	struct tree *t = *state;
	size_t before = n_open_fds();

	put(t, "/proc/sys/x", "1\n");
	put(t, "/sys/devices/x", "1\n");
	put(t, "/elsewhere", "1\n");
	assert_int_equal(fsio_mkdirs(t->fs, "/sys/kernel/debug", 0755, &t->err), 0);
	put(t, "/sys/kernel/debug/x", "1\n");
	assert_reads(t, "/proc/sys/x", "1");
	assert_int_equal(n_open_fds(), before); /* nothing, until told to */
	fsio_keep_open(t->fs, 10);
	for (int i = 0; i < 3; i++) {
		assert_reads(t, "/proc/sys/x", "1");
		assert_reads(t, "/elsewhere", "1");
		assert_reads(t, "/sys/kernel/debug/x", "1");
		assert_int_equal(n_open_fds(), before + 1);
	}
	assert_int_equal(fsio_write(t->fs, "/sys/devices/x", "2", &t->err), 0);
	assert_int_equal(fsio_probe(t->fs, "/sys/devices/x", &t->b), 0);
	assert_string_equal(t->b.s, "2");
	assert_int_equal(n_open_fds(), before + 2);
	fsio_keep_open(t->fs, 10); /* anew, and none of the old ones */
	assert_int_equal(n_open_fds(), before);
	assert_reads(t, "/proc/sys/x", "1");
	fsio_keep_open(t->fs, 0);
	assert_int_equal(n_open_fds(), before);
	assert_reads(t, "/proc/sys/x", "1");
	assert_int_equal(n_open_fds(), before);
}

static void test_kept_are_closed_at_the_end(void **state)
{
	struct tree *t = *state;
	CLEANUP(fsio_freep) struct fsio *fs = NULL;
	size_t before = n_open_fds();

	put(t, "/proc/sys/x", "1\n");
	assert_int_equal(fsio_new(t->root, &fs, &t->err), 0);
	fsio_keep_open(fs, 10);
	assert_int_equal(fsio_read(fs, "/proc/sys/x", &t->b, &t->err), 0);
	assert_int_equal(n_open_fds(), before + 2);
	fsio_freep(&fs);
	assert_int_equal(n_open_fds(), before);
}

static void test_kept_write(void **state)
{
	static const char *const values[] = { "1", "100000", "2", "", "a b", "longer than all before", "x" };
	struct tree *t = *state;
	char expected[64];

	put(t, "/proc/sys/x", "old value\n");
	fsio_keep_open(t->fs, 10);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		assert_int_equal(fsio_write(t->fs, "/proc/sys/x", values[i], &t->err), 0);
		snprintf(expected, sizeof(expected), "%s\n", values[i]);
		assert_content(t, "/proc/sys/x", expected);
		assert_reads(t, "/proc/sys/x", values[i]);
	}
	put(t, "/proc/sys/x", "grown by somebody else\n");
	assert_int_equal(fsio_write(t->fs, "/proc/sys/x", "1", &t->err), 0);
	assert_content(t, "/proc/sys/x", "1\n");
}

static int write_twelve_kept(struct tree *t)
{
	return fsio_write(t->fs, "/proc/sys/x", "12345678901", &t->err);
}

static void test_kept_short_writes(void **state)
{
	struct tree *t = *state;

	put(t, "/proc/sys/x", "old\n");
	fsio_keep_open(t->fs, 10);
	assert_reads(t, "/proc/sys/x", "old");
	assert_int_equal(in_child_with_limit(t, 0, write_twelve_kept), EFBIG);
	assert_content(t, "/proc/sys/x", "old\n");
	assert_int_equal(in_child_with_limit(t, 5, write_twelve_kept), EIO);
	assert_int_equal(in_child_with_limit(t, 4096, write_twelve_kept), 0);
}

/* What somebody else does to the file is seen: written at once, replaced or removed by the next write. */
static void test_kept_follows_the_file(void **state)
{
	struct tree *t = *state;
	char new[100];

	put(t, "/proc/sys/x", "1\n");
	fsio_keep_open(t->fs, 10);
	assert_reads(t, "/proc/sys/x", "1");
	put(t, "/proc/sys/x", "another\n");
	assert_reads(t, "/proc/sys/x", "another");

	put(t, "/new", "replaced\n");
	snprintf(new, sizeof(new), "%s", real(t, "/new"));
	assert_int_equal(rename(new, real(t, "/proc/sys/x")), 0);
	assert_int_equal(fsio_write(t->fs, "/proc/sys/x", "2", &t->err), 0);
	assert_content(t, "/proc/sys/x", "2\n");
	assert_reads(t, "/proc/sys/x", "2");

	assert_int_equal(unlink(real(t, "/proc/sys/x")), 0);
	assert_err(t, fsio_write(t->fs, "/proc/sys/x", "3", &t->err), ENOENT, "/proc/sys/x");
	assert_err(t, fsio_read(t->fs, "/proc/sys/x", &t->b, &t->err), ENOENT, "/proc/sys/x");
	assert_string_equal(strbuf_str(&t->b), "");
	assert_err(t, fsio_read(t->fs, "/proc/sys/x", &t->b, &t->err), ENOENT, "/proc/sys/x");
	put(t, "/proc/sys/x", "again\n");
	assert_reads(t, "/proc/sys/x", "again");
}

/* Nobody may write these. Root could open some for writing (CAP_DAC_OVERRIDE), and their modes say no all the same. */
static void test_kept_live(void **state)
{
	struct tree *t = *state;
	CLEANUP(fsio_freep) struct fsio *fs = NULL;
	mode_t mode;

	assert_int_equal(fsio_new("/", &fs, &t->err), 0);
	fsio_keep_open(fs, 10);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fsio_mode(fs, "/proc/sys/kernel/ostype", &mode), 0);
		assert_int_equal(mode, 0444); /* though root could write it */
		assert_int_equal(fsio_read(fs, "/proc/sys/kernel/ostype", &t->b, &t->err), 0);
		assert_string_equal(t->b.s, "Linux");
		assert_int_equal(fsio_read(fs, "/sys/devices/system/cpu/possible", &t->b, &t->err), 0);
		assert_int_equal(fsio_read(fs, "/sys/class/net/lo/address", &t->b, &t->err), 0);
		assert_string_equal(t->b.s, "00:00:00:00:00:00");
	}
	fsio_keep_open(fs, 0);
	int without = fsio_write(fs, "/proc/sys/kernel/ostype", "Linux", &t->err);
	fsio_keep_open(fs, 10);
	assert_int_equal(fsio_read(fs, "/proc/sys/kernel/ostype", &t->b, &t->err), 0);
	assert_true(without < 0);
	assert_int_equal(fsio_write(fs, "/proc/sys/kernel/ostype", "Linux", &t->err), without);
}

static void test_kept_after_own_rename_and_unlink(void **state)
{
	struct tree *t = *state;

	put(t, "/proc/sys/x", "1\n");
	put(t, "/proc/sys/y", "2\n");
	fsio_keep_open(t->fs, 10);
	assert_reads(t, "/proc/sys/x", "1");
	assert_reads(t, "/proc/sys/y", "2");
	assert_int_equal(fsio_rename(t->fs, "/proc/sys/x", "/proc/sys/y", &t->err), 0);
	assert_reads(t, "/proc/sys/y", "1");
	assert_err(t, fsio_read(t->fs, "/proc/sys/x", &t->b, &t->err), ENOENT, "/proc/sys/x");
	assert_int_equal(fsio_write(t->fs, "/proc/sys/y", "3", &t->err), 0);
	assert_content(t, "/proc/sys/y", "3\n");
	assert_int_equal(fsio_unlink(t->fs, "/proc/sys/y", &t->err), 0);
	assert_err(t, fsio_write(t->fs, "/proc/sys/y", "4", &t->err), ENOENT, "/proc/sys/y");
}

static void test_kept_modes(void **state)
{
	struct tree *t = *state;
	size_t before = n_open_fds();
	mode_t mode;

	put(t, "/sys/devices/x", "1\n");
	assert_int_equal(chmod(real(t, "/sys/devices/x"), 0444), 0);
	fsio_keep_open(t->fs, 10);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fsio_mode(t->fs, "/sys/devices/x", &mode), 0);
		assert_int_equal(mode, 0444);
	}
	assert_reads(t, "/sys/devices/x", "1");
	assert_int_equal(n_open_fds(), before + 1); /* kept, though not for writing */
	if (geteuid() != 0)
		assert_err(t, fsio_write(t->fs, "/sys/devices/x", "2", &t->err), EACCES, "/sys/devices/x");
	assert_int_equal(chmod(real(t, "/sys/devices/x"), 0644), 0);
	assert_int_equal(fsio_mode(t->fs, "/sys/devices/x", &mode), 0);
	assert_int_equal(mode, 0644);
	assert_int_equal(fsio_write(t->fs, "/sys/devices/x", "2", &t->err), 0); /* by a descriptor of its own */
	assert_reads(t, "/sys/devices/x", "2");

	put(t, "/sys/devices/secret", "1\n"); /* can be written, and not read */
	assert_int_equal(chmod(real(t, "/sys/devices/secret"), 0200), 0);
	assert_int_equal(fsio_mode(t->fs, "/sys/devices/secret", &mode), 0);
	assert_int_equal(mode, 0200);
	assert_int_equal(fsio_write(t->fs, "/sys/devices/secret", "2", &t->err), 0);
	assert_int_equal(chmod(real(t, "/sys/devices/secret"), 0600), 0);
	assert_content(t, "/sys/devices/secret", "2\n");
	assert_int_equal(fsio_mode(t->fs, "/sys/devices/none", &mode), -ENOENT);
	assert_int_equal(fsio_mode(t->fs, "/sys/devices/virtio2", &mode), 0); /* a directory */
	assert_int_equal(mode, 0755);
}

static void test_only_value_files_are_kept(void **state)
{
	struct tree *t = *state;
	CLEANUP(strlist_done) struct strlist names = { 0 };
	size_t before = n_open_fds();
	mode_t mode;

	put(t, "/proc/target", "1\n");
	put(t, "/proc/sys/target", "1\n");
	make_link(t, "target", "/proc/sys/link");
	assert_int_equal(mkfifo(real(t, "/proc/sys/fifo"), 0600), 0);
	fsio_keep_open(t->fs, 10);
	assert_reads(t, "/proc/target", "1");
	assert_reads(t, "/proc/sys/fifo", "");
	assert_err(t, fsio_write(t->fs, "/proc/sys/fifo", "1", &t->err), ENXIO, "/proc/sys/fifo");
	assert_err(t, fsio_read(t->fs, "/proc/sys/link", &t->b, &t->err), ELOOP, "/proc/sys/link");
	assert_err(t, fsio_write(t->fs, "/proc/sys/link", "1", &t->err), ELOOP, "/proc/sys/link");
	assert_err(t, fsio_read(t->fs, "/proc/sys/../target", &t->b, &t->err), EINVAL, "/proc/sys/../target");
	assert_err(t, fsio_read(t->fs, "/sys/devices", &t->b, &t->err), EISDIR, "/sys/devices");
	assert_err(t, fsio_read(t->fs, "/sys/none", &t->b, &t->err), ENOENT, "/sys/none");
	assert_err(t, fsio_write(t->fs, "/sys/none", "1", &t->err), ENOENT, "/sys/none");
	assert_int_equal(fsio_mode(t->fs, "/sys/devices", &mode), 0);
	assert_int_equal(fsio_list(t->fs, "/sys/devices", &names, &t->err), 0);
	assert_true(fsio_exists(t->fs, "/proc/sys/target"));
	assert_int_equal(fsio_read_file(t->fs, "/proc/sys/target", 9, &t->b, &t->err), 0);
	assert_int_equal(n_open_fds(), before);
}

static const char *numbered(unsigned i, char path[32])
{
	snprintf(path, 32, "/proc/sys/n%u", i);
	return path;
}

/* Nine files in four places: all is as without, but those that were used again stay. */
static void test_kept_up_to_max(void **state)
{
	struct tree *t = *state;
	size_t before = n_open_fds();
	char path[32], value[8];

	fsio_keep_open(t->fs, 4);
	for (unsigned i = 0; i < 9; i++)
		put(t, numbered(i, path), "0\n");
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 9; i++) {
			snprintf(value, sizeof(value), "%u", round * 10 + i);
			assert_int_equal(fsio_write(t->fs, numbered(i, path), value, &t->err), 0);
			assert_reads(t, path, value);
			snprintf(value, sizeof(value), "%u\n", round * 10 + i);
			assert_content(t, path, value);
			assert_int_equal(n_open_fds(), before + (round > 0 || i > 3 ? 4 : i + 1));
		}
	}
	fsio_keep_open(t->fs, 4);
	for (unsigned i = 0; i < 9; i++) { /* once each: each makes room for the next */
		snprintf(value, sizeof(value), "%u", 20 + i);
		assert_reads(t, numbered(i, path), value);
	}
	assert_int_equal(n_open_fds(), before + 4);
}

static void test_kept_large(void **state)
{
	static const char *const paths[] = { "/proc/sys/x", "/proc/irq/x", "/sys/devices/x" };
	static const size_t sizes[] = { 4095, 4096, 4097, 8192, 65536, 300000 };
	struct tree *t = *state;
	char *text = malloc(300000);

	make_dir(t, "/proc/irq");
	for (size_t i = 0; i < 300000; i++)
		text[i] = (char)('a' + i % 23);
	fsio_keep_open(t->fs, 10);
	for (size_t i = 0; i < ARRAY_LEN(paths) * ARRAY_LEN(sizes); i++) {
		const char *path = paths[i / ARRAY_LEN(sizes)];
		size_t size = sizes[i % ARRAY_LEN(sizes)];
		put_bytes(t, path, text, size);
		assert_int_equal(fsio_read(t->fs, path, &t->b, &t->err), 0);
		assert_int_equal(t->b.len, size);
		assert_memory_equal(t->b.s, text, size);
	}
	free(text);
}

/* --- looking around ----------------------------------------------------------------------------------------------- */

static void test_list(void **state)
{
	struct tree *t = *state;
	CLEANUP(strlist_done) struct strlist names = { 0 };
	size_t before = n_open_fds();

	make_dir(t, "/d");
	assert_int_equal(fsio_list(t->fs, "/d", &names, &t->err), 0);
	assert_int_equal(names.n, 0);
	put(t, "/d/cpu10", "");
	put(t, "/d/cpu2", "");
	make_dir(t, "/d/.hidden");
	make_link(t, "nowhere", "/d/link");
	for (int i = 0; i < 2; i++) { /* the second time replaces */
		assert_int_equal(fsio_list(t->fs, "/d", &names, &t->err), 0);
		assert_int_equal(names.n, 4);
		assert_string_equal(names.s[0], ".hidden");
		assert_string_equal(names.s[1], "cpu2");
		assert_string_equal(names.s[2], "cpu10");
		assert_string_equal(names.s[3], "link");
	}
	assert_err(t, fsio_list(t->fs, "/d/cpu2", &names, &t->err), ENOTDIR, "/d/cpu2");
	assert_err(t, fsio_list(t->fs, "/none", &names, &t->err), ENOENT, "/none");
	assert_int_equal(names.n, 4); /* set on success only */
	assert_int_equal(fsio_list(t->fs, "/", &names, &t->err), 0);
	assert_true(strlist_has(&names, "proc"));
	assert_int_equal(n_open_fds(), before);
}

static void test_links_are_read(void **state)
{
	struct tree *t = *state;

	make_link(t, "../devices/virtio2", "/sys/class/dev");
	make_link(t, "plain", "/plain");
	make_link(t, "/abs/driver", "/sys/class/abs");
	assert_int_equal(fsio_link_name(t->fs, "/sys/class/dev", &t->b, &t->err), 0);
	assert_string_equal(t->b.s, "virtio2");
	assert_int_equal(t->b.len, 7);
	assert_int_equal(fsio_link_target(t->fs, "/sys/class/dev", &t->b, &t->err), 0);
	assert_string_equal(t->b.s, "../devices/virtio2");
	assert_int_equal(fsio_link_name(t->fs, "/plain", &t->b, &t->err), 0);
	assert_string_equal(t->b.s, "plain");
	assert_int_equal(fsio_link_name(t->fs, "/sys/class/abs", &t->b, &t->err), 0);
	assert_string_equal(t->b.s, "driver");
	assert_err(t, fsio_link_name(t->fs, "/proc", &t->b, &t->err), EINVAL, "/proc");
	assert_string_equal(strbuf_str(&t->b), "");
	assert_err(t, fsio_link_name(t->fs, "/none", &t->b, &t->err), ENOENT, "/none");
}

static void test_link_stat(void **state)
{
	struct tree *t = *state;
	struct stat st;

	make_link(t, "nowhere", "/link");
	assert_int_equal(fsio_link_stat(t->fs, "/link", &st, &t->err), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_err(t, fsio_link_stat(t->fs, "/none", &st, &t->err), ENOENT, "/none");
}

static void test_exists_and_mode(void **state)
{
	struct tree *t = *state;
	mode_t mode = 0;
	uid_t uid = 0;

	put(t, "/x", "");
	assert_int_equal(chmod(real(t, "/x"), 0200), 0);
	make_link(t, "nowhere", "/link");
	make_link(t, "../devices/virtio2", "/sys/class/dev");
	make_link(t, "../devices/gone", "/sys/class/gone");
	assert_true(fsio_exists(t->fs, "/x"));
	assert_true(fsio_exists(t->fs, "/proc"));
	assert_true(fsio_exists(t->fs, "/"));
	assert_true(fsio_exists(t->fs, "/link"));
	assert_true(fsio_exists(t->fs, "/sys/class/dev"));
	assert_false(fsio_exists(t->fs, "/sys/class/gone"));
	assert_false(fsio_exists(t->fs, "/none"));
	assert_int_equal(fsio_mode(t->fs, "/x", &mode), 0);
	assert_int_equal(mode, 0200);
	assert_int_equal(fsio_mode(t->fs, "/none", &mode), -ENOENT);
	assert_int_equal(fsio_mode(t->fs, "/link", &mode), -ELOOP);
	assert_int_equal(fsio_owner(t->fs, "/x", &uid, &mode, &t->err), 0);
	assert_int_equal(uid, geteuid());
	assert_int_equal(mode & 07777, 0200);
	assert_err(t, fsio_owner(t->fs, "/none", &uid, &mode, &t->err), ENOENT, "/none");
}

static void test_open_device(void **state)
{
	struct tree *t = *state;
	int fd = -1;

	put(t, "/x", "abcd");
	assert_int_equal(fsio_open_device(t->fs, "/x", &fd, &t->err), 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(fsio_write_fd(fd, "AB", 2, "/x", &t->err), 0);
	mem_closep(&fd);
	assert_content(t, "/x", "ABcd");
	assert_err(t, fsio_open_device(t->fs, "/none", &fd, &t->err), ENOENT, "/none");
	assert_int_equal(fd, -1);
}

/* --- durable files ------------------------------------------------------------------------------------------------ */

static void test_mkdirs(void **state)
{
	struct tree *t = *state;
	mode_t mode, old = umask(077);

	assert_int_equal(fsio_mkdirs(t->fs, "/a//b/c/", 0755, &t->err), 0);
	umask(old);
	assert_int_equal(fsio_mode(t->fs, "/a/b/c", &mode), 0);
	assert_int_equal(mode, 0755); /* whatever the umask */
	assert_int_equal(chmod(real(t, "/a"), 0700), 0);
	assert_int_equal(fsio_mkdirs(t->fs, "/a/b/d", 0711, &t->err), 0);
	assert_int_equal(fsio_mode(t->fs, "/a", &mode), 0);
	assert_int_equal(mode, 0700); /* what was there stays as it is */
	assert_int_equal(fsio_mkdirs(t->fs, "/a/b/d", 0755, &t->err), 0);
	assert_int_equal(fsio_mode(t->fs, "/a/b/d", &mode), 0);
	assert_int_equal(mode, 0711);
	assert_int_equal(fsio_mkdirs(t->fs, "/", 0755, &t->err), 0);
	put(t, "/file", "");
	assert_err(t, fsio_mkdirs(t->fs, "/file/x", 0755, &t->err), ENOTDIR, "/file/x");
	assert_err(t, fsio_mkdirs(t->fs, "/file", 0755, &t->err), ENOTDIR, "/file");
}

static void test_create_and_append(void **state)
{
	struct tree *t = *state;
	mode_t mode, old = umask(077);
	int fd = -1, again = -1;

	assert_int_equal(fsio_create(t->fs, "/f", 0644, &fd, &t->err), 0);
	umask(old);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(fsio_mode(t->fs, "/f", &mode), 0);
	assert_int_equal(mode, 0644);
	assert_int_equal(fsio_append(fd, "one\n", 4, "/f", &t->err), 0);
	assert_err(t, fsio_create(t->fs, "/f", 0644, &again, &t->err), EEXIST, "/f");
	assert_int_equal(fsio_append_open(t->fs, "/f", &again, &t->err), 0);
	assert_int_equal(fsio_append(again, "two\n", 4, "/f", &t->err), 0);
	assert_int_equal(fsio_append(fd, "three\n", 6, "/f", &t->err), 0); /* at the end, not where it was */
	assert_content(t, "/f", "one\ntwo\nthree\n");
	assert_int_equal(fsio_truncate(fd, 4, "/f", &t->err), 0);
	assert_int_equal(fsio_append(fd, "2\n", 2, "/f", &t->err), 0);
	assert_content(t, "/f", "one\n2\n");
	assert_int_equal(fsio_datasync(fd, "/f", &t->err), 0);
	assert_int_equal(fsio_sync_dir(t->fs, "/", &t->err), 0);
	mem_closep(&again);
	mem_closep(&fd);
	assert_err(t, fsio_append_open(t->fs, "/none", &fd, &t->err), ENOENT, "/none");
	assert_err(t, fsio_append(-1, "x", 1, "/f", &t->err), EBADF, "/f");
	assert_err(t, fsio_datasync(-1, "/f", &t->err), EBADF, "/f");
	assert_err(t, fsio_truncate(-1, 0, "/f", &t->err), EBADF, "/f");
	assert_err(t, fsio_sync_dir(t->fs, "/f", &t->err), ENOTDIR, "/f");
}

static void test_rename_and_unlink(void **state)
{
	struct tree *t = *state;
	size_t before = n_open_fds();

	put(t, "/a", "new\n");
	put(t, "/proc/b", "old\n");
	assert_int_equal(fsio_rename(t->fs, "/a", "/proc/b", &t->err), 0);
	assert_false(fsio_exists(t->fs, "/a"));
	assert_content(t, "/proc/b", "new\n");
	assert_err(t, fsio_rename(t->fs, "/none", "/y", &t->err), ENOENT, "/y");
	assert_err(t, fsio_rename(t->fs, "/proc/b", "/none/y", &t->err), ENOENT, "/none/y");
	assert_err(t, fsio_rename(t->fs, "/proc/b", "/", &t->err), EINVAL, "/");
	make_link(t, "proc/b", "/link");
	assert_int_equal(fsio_unlink(t->fs, "/link", &t->err), 0); /* the link itself */
	assert_true(fsio_exists(t->fs, "/proc/b"));
	assert_int_equal(fsio_unlink(t->fs, "/proc/b", &t->err), 0);
	assert_err(t, fsio_unlink(t->fs, "/proc/b", &t->err), ENOENT, "/proc/b");
	assert_err(t, fsio_unlink(t->fs, "/sys", &t->err), EISDIR, "/sys");
	assert_err(t, fsio_unlink(t->fs, "/sys/", &t->err), EINVAL, "/sys/");
	assert_int_equal(n_open_fds(), before);
}

static void test_lock(void **state)
{
	struct tree *t = *state;
	int fd = -1, second = -1;
	mode_t mode;

	assert_int_equal(fsio_lock(t->fs, "/LOCK", &fd, &t->err), 0);
	assert_int_equal(fsio_mode(t->fs, "/LOCK", &mode), 0);
	assert_int_equal(mode, 0600);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(fsio_lock(t->fs, "/LOCK", &second, &t->err), -EWOULDBLOCK);
	assert_string_equal(t->err.code, ERR_BUSY);
	assert_string_equal(t->err.subject, "/LOCK");
	assert_int_equal(second, -1);

	/* A worker that inherited the descriptor keeps the lock when the daemon's is closed. */
	int inherited = dup(fd);
	mem_closep(&fd);
	assert_int_equal(fsio_lock(t->fs, "/LOCK", &second, &t->err), -EWOULDBLOCK);
	mem_closep(&inherited);
	assert_int_equal(fsio_lock(t->fs, "/LOCK", &second, &t->err), 0);
	mem_closep(&second);
	assert_err(t, fsio_lock(t->fs, "/none/LOCK", &fd, &t->err), ENOENT, "/none/LOCK");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new),
		TEST(test_live_by_any_name),
		TEST(test_read),
		TEST(test_read_sizes),
		TEST(test_read_failures),
		TEST(test_read_does_not_hang_on_a_fifo),
		TEST(test_read_reuses_memory),
		TEST(test_read_bytes),
		TEST(test_read_file),
		TEST(test_read_live),
		TEST(test_live_links),
		TEST(test_paths_stay_beneath),
		TEST(test_links_outside_sys_are_refused),
		TEST(test_links_inside_sys),
		TEST(test_write),
		TEST(test_write_large),
		TEST(test_one_write_per_value),
		TEST(test_short_writes),
		TEST(test_failed_write_keeps_the_old_value),
		TEST(test_no_space),
		TEST(test_kept_open),
		TEST(test_kept_are_closed_at_the_end),
		TEST(test_kept_write),
		TEST(test_kept_short_writes),
		TEST(test_kept_follows_the_file),
		TEST(test_kept_live),
		TEST(test_kept_after_own_rename_and_unlink),
		TEST(test_kept_modes),
		TEST(test_only_value_files_are_kept),
		TEST(test_kept_up_to_max),
		TEST(test_kept_large),
		TEST(test_list),
		TEST(test_links_are_read),
		TEST(test_link_stat),
		TEST(test_exists_and_mode),
		TEST(test_open_device),
		TEST(test_mkdirs),
		TEST(test_create_and_append),
		TEST(test_rename_and_unlink),
		TEST(test_lock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
