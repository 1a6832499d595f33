#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A network card with four channels gets two, and a disk another scheduler; on the way back each interrupt and each queue
# has what its operator had given it, although the driver spreads both anew whenever the channels change.

use_profiles channels
for net in /sys/class/net/*; do
	[ "$(basename "$(readlink -f "$net/device/driver")")" != virtio_net ] || break
done
nic=${net##*/}
disk=/sys/block/vda/queue

channels() {
	ethtool -l "$nic" | awk '/^Current/ { now = 1 } now && $1 == "Combined:" { print $2 }'
}
interrupts() { # those of its queues, by number
	grep -lE '^virtio[0-9]+-(in|out)put\.' /sys/kernel/irq/*/actions | awk -F/ '{ print $5 }'
}
affinities() {
	local irq
	for irq in $(interrupts); do cat "/proc/irq/$irq/smp_affinity_list"; done | sort -u | xargs
}

step "four channels, with an operator's settings"
expect_eq 4 "$(channels)" "channels"
expect_eq 8 "$(interrupts | wc -l)" "interrupts"
for irq in $(interrupts); do echo $((4 + irq % 4)) >"/proc/irq/$irq/smp_affinity_list"; done
expect_eq "4 5 6 7" "$(affinities)" "affinities"
echo 30 >"$net/queues/tx-0/xps_cpus"
echo c0 >"$net/queues/tx-3/xps_cpus"
echo 4096 >/proc/sys/net/core/rps_sock_flow_entries
echo 1024 >"$net/queues/rx-3/rps_flow_cnt"
scheduler=$(cat $disk/scheduler)
dump before

step "two"
expect_exit 0 hfttune apply channels
expect_eq 2 "$(channels)" "channels"
expect_true test ! -e "$net/queues/rx-2"
expect_eq 0-1 "$(affinities)" "affinities"
expect_true grep -qF '[mq-deadline]' $disk/scheduler
expect_exit 0 hfttune verify

step "somebody else's four are drift, and repaired"
ethtool -L "$nic" combined 4
expect_exit 3 hfttune verify
expect_exit 0 hfttune repair
expect_eq 2 "$(channels)" "channels"
expect_exit 0 hfttune verify

step "four again"
expect_exit 0 hfttune rollback --all
expect_eq 4 "$(channels)" "channels"
expect_file $disk/scheduler "$scheduler"
dump after
expect_same_host before after
