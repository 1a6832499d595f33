#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boots an image (image.sh) for the first time, and once more, by GRUB; keeps it as it stands then. Called by run.sh.
#
#	boot.sh GUEST IMAGE DIRECTORY
set -euo pipefail
. "$(dirname "$0")/lab.bash"

make_share "$3/share" "$lab/guest/first-boot.sh"
qemu-img create -q -f qcow2 -F raw -b "$2/disk.img" "$3/disk.qcow2"
keep_machine "$1" "first boots" "$2" "$3" 'step reboot'
