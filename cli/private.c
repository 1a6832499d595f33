/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting a private hfttuned. Must not search PATH, run a shell, or let a Ctrl-C of the terminal reach the daemon. */
#include "cli/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/options.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/spawn.h"
#include "lib/base/str.h"

#define CHILD_FD 3 /* "--socket fd:3" */

void private_path(struct strbuf *ret)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		*strrchr(self, '/') = '\0';
		strbuf_addf(ret, "%s/hfttuned", self);
		if (access(strbuf_str(ret), X_OK) == 0)
			return;
	}
	strbuf_reset(ret);
	strbuf_add(ret, HFT_LIBEXECDIR "/hfttuned");
}

/* --- what it is started with -------------------------------------------------------------------------------------- */

static int build_args(const struct options *o, const char *path, struct strlist *args)
{
	static const enum opt forwarded[] = { OPT_STATE_DIR, OPT_PROFILE_DIR, OPT_HOST_CONF, OPT_ROOT };
	int r = 0;

	r |= strlist_add(args, path);
	r |= strlist_add(args, "--socket");
	r |= strlist_add(args, "fd:3");
	r |= strlist_add(args, "--log-level");
	r |= strlist_add(args, "warning");
	for (size_t i = 0; i < ARRAY_LEN(forwarded); i++) {
		const struct strlist *values = &o->values[forwarded[i]];
		for (size_t j = 0; j < values->n; j++) {
			r |= strlist_add(args, opt_rows[forwarded[i]].name);
			r |= strlist_add(args, values->s[j]);
		}
	}
	return r;
}

/* A service manager that started the command line must not be told about the private daemon. */
static bool is_for_service(const char *variable)
{
	static const char *const names[] = { "NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=", "LISTEN_FDS=",
		                             "LISTEN_PID=", "LISTEN_FDNAMES=" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_starts(variable, names[i]))
			return true;
	return false;
}

static int build_environment(struct strlist *env)
{
	int r = 0;

	for (char **e = environ; *e != NULL; e++)
		if (!is_for_service(*e))
			r |= strlist_add(env, *e);
	return r;
}

/* exec wants a NULL at the end: one more, uncounted. */
static int terminate(struct strlist *l)
{
	if (mem_grow(&l->s, &l->cap, l->n, sizeof(*l->s)) < 0)
		return -ENOMEM;
	l->s[l->n] = NULL;
	return 0;
}

/* --- starting ----------------------------------------------------------------------------------------------------- */

int private_start(const struct options *o, int *ret_fd, pid_t *ret_pid, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = { 0 };
	CLEANUP(strlist_done) struct strlist args = { 0 };
	CLEANUP(strlist_done) struct strlist env = { 0 };
	CLEANUP(mem_closep) int ours = -1;
	CLEANUP(mem_closep) int theirs = -1;
	int pair[2];

	private_path(&path);
	if (path.oom || build_args(o, strbuf_str(&path), &args) < 0 || build_environment(&env) < 0 ||
	    terminate(&args) < 0 || terminate(&env) < 0)
		return err_oom(err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_raise(err, ERR_NO_DAEMON, errno, NULL, "cannot make a socket pair");
	ours = pair[0];
	theirs = pair[1];

	/* In a group of its own: Ctrl-C detaches the command line, and the transaction goes on. */
	const struct spawn_fd fds[] = { { theirs, CHILD_FD } };
	int r = spawn_program(strbuf_str(&path), args.s, env.s, fds, ARRAY_LEN(fds), ret_pid);
	if (r < 0) {
		err_raise(err, ERR_NO_DAEMON, r, strbuf_str(&path), "cannot start the private hfttuned");
		err_hint(err, "hfttuned belongs beside hfttune, or in " HFT_LIBEXECDIR);
		return r;
	}
	*ret_fd = TAKE_FD(ours);
	return 0;
}
