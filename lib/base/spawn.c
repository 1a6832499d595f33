/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

static int set_attributes(posix_spawnattr_t *a)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	int r = posix_spawnattr_setflags(a, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	r = r != 0 ? r : posix_spawnattr_setpgroup(a, 0);
	r = r != 0 ? r : posix_spawnattr_setsigmask(a, &none);
	return r != 0 ? r : posix_spawnattr_setsigdefault(a, &all);
}

static int set_actions(posix_spawn_file_actions_t *a, const struct spawn_fd *fds, size_t n)
{
	int r = posix_spawn_file_actions_addopen(a, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = posix_spawn_file_actions_adddup2(a, fds[i].ours, fds[i].theirs);
	return r;
}

int spawn_program(const char *path, char *const argv[], char *const environment[], const struct spawn_fd *fds,
                  size_t n_fds, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	int r = set_attributes(&attr);
	r = r != 0 ? r : set_actions(&actions, fds, n_fds);
	r = r != 0 ? r : posix_spawn(ret, path, &actions, &attr, argv, environment);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}
