/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ethtool's ioctl, for what netlink cannot set in every kernel that we know (RSS: since Linux 6.17 alone). */
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/knobs/nic.h"
#include "lib/base/mem.h"

int nic_ioctl(const char *name, void *command)
{
	CLEANUP(mem_closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* any socket will do */
	struct ifreq request = {.ifr_data = command};

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}
