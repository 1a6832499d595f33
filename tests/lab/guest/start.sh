#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Holds each boot of a guest until the host wants it to go on, and hands over to what the host has laid into the shared
# folder. While it holds, the folder is not mounted, and the machine's state is one that can be kept (install.sh).
set -eu
exec 3<>/dev/virtio-ports/lab
echo ready >&3
read -r _ <&3
exec 3>&-
modprobe 9pnet_virtio
mkdir -p /run/lab
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 host /run/lab
exec /bin/bash /run/lab/guest/agent.sh
