/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink and inotify: opened, and taken apart. Must not decide what is to be done about it. */
#include "daemon/knobs/wipes.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/knobs/ethnl.h"
#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define CGROUP_DIR "/sys/fs/cgroup"
#define DEPTH_MAX 16 /* of slices in slices */
#define BUFFER 32768 /* the largest message of rtnetlink */

static bool is_unit_word(const char *word)
{
	return str_starts(word, KNOB_WIPED_BY_UNIT);
}

static int add_once(struct strlist *l, const char *word)
{
	return strlist_has(l, word) ? 0 : strlist_add(l, word);
}

/* --- links -------------------------------------------------------------------------------------------------------- */

static int open_links(struct fsio *fs, int *ret_fd, struct hft_err *err)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	CLEANUP(mem_closep) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	(void)fs;
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_raise(err, ERR_IO, errno, "rtnetlink", "cannot listen for links that come up: %s",
		                 strerror(errno));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Of an interface with a carrier, whatever changed: which of its flags did is not told reliably. */
static bool is_link_up(const struct nlmsghdr *m)
{
	const struct ifinfomsg *i = mnl_nlmsg_get_payload(m);

	return m->nlmsg_type == RTM_NEWLINK && mnl_nlmsg_get_payload_len(m) >= sizeof(*i) && i->ifi_family == AF_UNSPEC &&
	       (i->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

static bool any_link_up(const void *buf, size_t size)
{
	const struct nlmsghdr *m = buf;
	int left = (int)size;
	bool found = false;

	for (; !found && mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		found = is_link_up(m);
	return found;
}

/* --- ethtool ------------------------------------------------------------------------------------------------------ */

static int open_ethtool(struct fsio *fs, int *ret_fd, struct hft_err *err)
{
	struct hft_err own = {0};
	int r = ethnl_monitor(ret_fd, &own);

	(void)fs;
	if (r == -ENOENT) /* an old kernel: what links tell has to do */
		return 0;
	if (r < 0 && err)
		*err = own;
	return r;
}

static bool any_message(const void *buf, size_t size)
{
	(void)buf;
	return size > 0;
}

/* Messages that were dropped for want of room were some. */
static int read_net(int fd, bool (*meant)(const void *buf, size_t size), const struct strlist *words,
                    struct strlist *ret)
{
	char buf[BUFFER] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool wiped = false;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0 || (n < 0 && (errno == ENOBUFS || errno == EINTR)))
		wiped = wiped || (n < 0 ? errno == ENOBUFS : meant(buf, (size_t)n));
	return wiped && strlist_has(words, KNOB_WIPED_BY_LINK) ? add_once(ret, KNOB_WIPED_BY_LINK) : 0;
}

static int read_links(int fd, const struct strlist *words, struct strlist *ret)
{
	return read_net(fd, any_link_up, words, ret);
}

static int read_ethtool(int fd, const struct strlist *words, struct strlist *ret)
{
	return read_net(fd, any_message, words, ret);
}

/* --- units -------------------------------------------------------------------------------------------------------- */

/* A slice may go, and come back with its service: its parent tells. Users' own services have no threads of ours. */
static void watch_slices(int fd, struct fsio *fs, const char *dir, int depth)
{
	CLEANUP(strlist_done) struct strlist names = {0};

	if (depth == 0 || inotify_add_watch(fd, dir, IN_CREATE | IN_ONLYDIR) < 0 ||
	    fsio_list(fs, dir, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP(mem_freep) char *below = str_printf("%s/%s", dir, names.s[i]);

		if (below && str_ends(names.s[i], ".slice") && !str_eq(names.s[i], "user.slice"))
			watch_slices(fd, fs, below, depth - 1);
	}
}

static int open_units(struct fsio *fs, int *ret_fd, struct hft_err *err)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0)
		return err_raise(err, ERR_IO, errno, "inotify", "cannot listen for services that start: %s",
		                 strerror(errno));
	watch_slices(fd, fs, fsio_exists(fs, CGROUP_DIR "/cgroup.controllers") ? CGROUP_DIR : CGROUP_DIR "/systemd",
	             DEPTH_MAX);
	*ret_fd = fd;
	return 0;
}

/* A new slice may have had services before anybody listened to it; so may what was dropped from the queue. */
static int add_unit(const struct inotify_event *e, const struct strlist *words, struct strlist *ret)
{
	bool all = e->mask & IN_Q_OVERFLOW || (e->len > 0 && str_ends(e->name, ".slice"));
	int r = 0;

	for (size_t i = 0; r == 0 && i < words->n; i++) {
		const char *word = words->s[i];

		if (is_unit_word(word) && (all || (e->len > 0 && str_eq(word + strlen(KNOB_WIPED_BY_UNIT), e->name))))
			r = add_once(ret, word);
	}
	return r;
}

static int read_units(int fd, const struct strlist *words, struct strlist *ret)
{
	char buf[BUFFER] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; r == 0 && at < n;) {
			const struct inotify_event *e = (const void *)(buf + at);

			r = add_unit(e, words, ret);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	return r;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static const struct {
	bool of_units;
	int (*open)(struct fsio *fs, int *ret_fd, struct hft_err *err);
	int (*read)(int fd, const struct strlist *words, struct strlist *ret);
} kinds[] = {
	[WIPES_LINKS] = {false, open_links, read_links},
	[WIPES_ETHTOOL] = {false, open_ethtool, read_ethtool},
	[WIPES_UNITS] = {true, open_units, read_units},
};

int wipes_open(enum wipes_kind kind, struct fsio *fs, const struct strlist *words, int *ret_fd, struct hft_err *err)
{
	*ret_fd = -1;
	for (size_t i = 0; i < words->n; i++)
		if (is_unit_word(words->s[i]) == kinds[kind].of_units)
			return kinds[kind].open(fs, ret_fd, err);
	return 0;
}

int wipes_read(enum wipes_kind kind, int fd, const struct strlist *words, struct strlist *ret)
{
	return kinds[kind].read(fd, words, ret);
}
