/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tells that objects were wiped (knob->wiped_by), without polling: descriptors that become readable when it has
 * happened. A worker opens them, because that looks at the host; the daemon's loop keeps them and only reads.
 *
 *     links    rtnetlink(7): a link that comes up
 *     ethtool  the ethtool family's group "monitor": settings that somebody changes, at which drivers reset queues
 *     units    inotify(7) on the slices in /sys/fs/cgroup: the control group of a service is made
 */
#pragma once

struct fsio;
struct hft_err;
struct strlist;

enum wipes_kind { WIPES_LINKS, WIPES_ETHTOOL, WIPES_UNITS, WIPES_N_KINDS };

/* The descriptor of a kind, not blocking, and the caller's; *ret_fd -1 where no word is of that kind, or the kernel cannot
 * tell (no ethtool netlink). words: of knob->wiped_by(). -errno ERR_IO. */
int wipes_open(enum wipes_kind kind, struct fsio *fs, const struct strlist *words, int *ret_fd, struct hft_err *err);
/* Take what is there, and add those of `words` that it wiped, each once. 0 or -ENOMEM. */
int wipes_read(enum wipes_kind kind, int fd, const struct strlist *words, struct strlist *ret);
