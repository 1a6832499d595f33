#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The first boot of an image, by the kernel that the ISO found; from the second on GRUB boots what update-grub wrote here.

step "update-grub"
expect_exit 0 update-grub
reboot
