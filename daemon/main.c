/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hfttuned: its options, its sockets, and its exit status. Everything else is below. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/server/server.h"
#include "lib/base/fsio.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"
#include "rollback/store.h"

#define DEFAULT_SOCKET "/run/hfttune/org.hfttune.Tuner"
#define DEFAULT_STATE_DIR "/var/lib/hfttune"

/* sysexits.h has no better ones for a service that cannot begin. */
enum { EXIT_OK = 0, EXIT_CANNOT = 1, EXIT_BAD_USAGE = 2 };

struct arguments {
	const char *socket, *root;
	char *state_dir, *host_conf; /* resolved */
	struct strlist profile_dirs;
};

static void arguments_done(struct arguments *a)
{
	free(a->state_dir);
	free(a->host_conf);
	strlist_done(&a->profile_dirs);
}

static void usage(FILE *to)
{
	fputs("usage: hfttuned [--socket PATH] [--state-dir DIR] [--profile-dir DIR]... [--host-conf FILE]\n"
	      "                [--root DIR] [--log-level error|warning|info|debug] [--version]\n",
	      to);
}

/* A path of the live file system without links in it, because fsio follows none. A missing last part may be made later. */
static char *resolve(const char *path)
{
	CLEANUP(mem_freep) char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;
	char *whole = realpath(path, NULL), *out;

	if (whole || !copy)
		return whole;
	if (slash)
		*slash = '\0';
	whole = realpath(!slash ? "." : *copy ? copy : "/", NULL);
	if (!whole)
		return str_printf("%s", path);
	out = str_printf("%s/%s", strcmp(whole, "/") == 0 ? "" : whole, slash ? slash + 1 : path);
	free(whole);
	return out;
}

static int set_option(struct arguments *a, int option)
{
	enum log_level level;

	switch (option) {
	case 's':
		a->socket = optarg;
		return 0;
	case 'r':
		a->root = optarg;
		return 0;
	case 'd':
		free(a->state_dir);
		a->state_dir = resolve(optarg);
		return a->state_dir ? 0 : -ENOMEM;
	case 'c':
		free(a->host_conf);
		a->host_conf = resolve(optarg);
		return a->host_conf ? 0 : -ENOMEM;
	case 'p':
		return strlist_take(&a->profile_dirs, resolve(optarg));
	case 'l':
		if (log_level_parse(optarg, &level) < 0)
			return -EINVAL;
		log_set_level(level);
		return 0;
	default:
		return -EINVAL;
	}
}

/* 0: go on; otherwise an exit status + 1. */
static int parse_arguments(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{"socket",      required_argument, NULL, 's'},
		{"state-dir",   required_argument, NULL, 'd'},
		{"profile-dir", required_argument, NULL, 'p'},
		{"host-conf",   required_argument, NULL, 'c'},
		{"root",        required_argument, NULL, 'r'},
		{"log-level",   required_argument, NULL, 'l'},
		{"version",     no_argument,       NULL, 'v'},
		{"help",        no_argument,       NULL, 'h'},
		{NULL,          0,                 NULL, 0  },
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (o == 'v') {
			puts("hfttuned " HFT_VERSION);
			return EXIT_OK + 1;
		}
		if (o == 'h') {
			usage(stdout);
			return EXIT_OK + 1;
		}
		if (set_option(a, o) < 0) {
			usage(stderr);
			return EXIT_BAD_USAGE + 1;
		}
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "hfttuned: %s: takes no arguments\n", argv[optind]);
	usage(stderr);
	return EXIT_BAD_USAGE + 1;
}

/* --- sockets ---------------------------------------------------------------------------------------------------------------- */

/* From systemd: the listening socket, and what its descriptor store kept. */
static int take_passed(struct server_options *o)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (str_starts(names[i], "hold."))
			holds_adopt(&o->holds, names[i], fd);
		else if (o->listen_fd < 0 && sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0)
			o->listen_fd = fd;
		else
			close(fd);
		free(names[i]);
	}
	free(names);
	return n < 0 ? n : 0;
}

/* Somebody listens: it is not ours to replace. Nobody does, and it is a socket of ours: a crash left it. */
static int clear_address(int fd, const struct sockaddr_un *a, struct hft_err *err)
{
	struct stat st;

	if (lstat(a->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : err_raise(err, ERR_IO, errno, a->sun_path, "cannot look at it");
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return err_raise(err, ERR_REFUSED, EEXIST, a->sun_path, "what is here is not a socket of ours");
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno == EAGAIN)
		return err_raise(err, ERR_BUSY, EADDRINUSE, a->sun_path, "another hfttuned listens here");
	if (errno == ECONNREFUSED)
		unlink(a->sun_path);
	return 0;
}

static int listen_on(const char *path, struct hft_err *err)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	CLEANUP(mem_closep) int fd = -1;
	mode_t old;
	int r;

	if (strlen(path) >= sizeof(a.sun_path))
		return err_raise(err, ERR_INVALID_ARGUMENT, ENAMETOOLONG, path, "the path of a socket has at most %zu bytes",
		                 sizeof(a.sun_path) - 1);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_raise(err, ERR_IO, errno, path, "cannot make a socket");
	r = clear_address(fd, &a, err);
	if (r < 0)
		return r;
	old = umask(0117);
	r = bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, SOMAXCONN) < 0 ? errno : 0;
	umask(old);
	if (r)
		return err_raise(err, ERR_IO, r, path, "cannot listen here");
	return TAKE_FD(fd);
}

static int open_socket(const struct arguments *a, struct server_options *o, struct hft_err *err)
{
	int64_t fd;
	int r = take_passed(o);

	if (r < 0)
		return err_raise(err, ERR_IO, -r, "LISTEN_FDS", "cannot take the sockets that were passed");
	if (a->socket && str_starts(a->socket, "fd:")) {
		if (num_parse_range(a->socket + strlen("fd:"), 3, INT_MAX, &fd) < 0)
			return err_raise(err, ERR_INVALID_ARGUMENT, 0, a->socket, "a descriptor is written fd:N");
		o->client_fd = (int)fd;
		return 0;
	}
	if (o->listen_fd >= 0)
		return 0;
	r = listen_on(a->socket ? a->socket : DEFAULT_SOCKET, err);
	if (r < 0)
		return r;
	o->listen_fd = r;
	return 0;
}

/* --- what the engine works on ------------------------------------------------------------------------------------------------- */

static int open_store(const struct arguments *a, struct engine *e, struct hft_err *err)
{
	/* A state directory that was named is one of the live file system, else it belongs to the tree. */
	if (a->state_dir)
		return store_new(e->files, a->state_dir, &e->store, err);
	return store_new(e->fs, DEFAULT_STATE_DIR, &e->store, err);
}

static int open_engine(struct arguments *a, struct engine *e, struct hft_err *err)
{
	int r = fsio_new(a->root, &e->fs, err);

	if (r == 0)
		r = fsio_new(NULL, &e->files, err);
	if (r == 0)
		r = open_store(a, e, err);
	if (r < 0)
		return r;
	if (!a->profile_dirs.n && (strlist_add(&a->profile_dirs, "/etc/hfttune/profiles") < 0 ||
	                           strlist_add(&a->profile_dirs, "/run/hfttune/profiles") < 0 ||
	                           strlist_add(&a->profile_dirs, HFT_PROFILEDIR) < 0))
		return err_oom(err);
	e->profile_dirs = a->profile_dirs;
	e->host_conf = a->host_conf;
	return 0;
}

static void close_engine(struct engine *e)
{
	store_free(e->store);
	fsio_free(e->files);
	fsio_free(e->fs);
}

int main(int argc, char **argv)
{
	CLEANUP(arguments_done) struct arguments a = {0};
	struct server_options o = {.listen_fd = -1, .client_fd = -1};
	struct hft_err err = {0};
	int r = parse_arguments(argc, argv, &a);

	if (r)
		return r - 1;
	holds_init(&o.holds);
	r = open_engine(&a, &o.engine, &err);
	if (r == 0)
		r = open_socket(&a, &o, &err);
	if (r == 0) {
		o.copied_tree = !fsio_is_live(o.engine.fs);
		r = server_run(&o, &err);
	}
	if (r < 0)
		log_error("%s: %s", err.subject, err.msg);
	close_engine(&o.engine);
	return r < 0 ? EXIT_CANNOT : EXIT_OK;
}
