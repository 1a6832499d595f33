#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boot parameters go through GRUB: staged by an apply, in force and proven after a reboot, and gone after a rollback and
# another one.

cpu=/sys/devices/system/cpu

if on_boot 0; then
	use_profiles isolation
	dump before
	step "apply"
	expect_exit 3 hfttune plan isolation
	expect_exit 5 hfttune apply isolation
	expect_true grep -q 'isolcpus=managed_irq,domain,2-3 nohz_full=2-3 rcu_nocbs=2-3' /boot/grub/grub.cfg
	expect_exit 0 hfttune status
	expect_has "A reboot is needed"
	expect_file $cpu/isolated ""
	reboot
fi

if on_boot 1; then
	step "in force"
	expect_file $cpu/isolated 2-3
	expect_file $cpu/nohz_full 2-3
	expect_exit 0 hfttune verify
	# A tenth of the tick: interrupts and kernel threads that nobody moved come now and then (redis-hft moves them).
	expect_cpu_quiet 2-3 25
	step "rollback"
	expect_exit 5 hfttune rollback --all
	expect_true test ! -e /etc/default/grub.d/zz-hfttune.cfg
	expect_exit 1 grep -q isolcpus /boot/grub/grub.cfg
	reboot
fi

step "as it was"
expect_file $cpu/isolated ""
dump after
expect_same_host before after
