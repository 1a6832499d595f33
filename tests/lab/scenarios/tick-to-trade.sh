#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The profile tick-to-trade as it is shipped, but for its boot parameters: four channels of the network card become two,
# their interrupts beside the trading CPUs, the engine's critical threads come first on CPUs of their own; and all of it
# comes back.

unit=order-engine.service
phases=(smt power timers isolation slice network nic placement scheduling memory)
net=$(echo /sys/bus/virtio/drivers/virtio_net/virtio*/net/*)
nic=${net##*/}

channels() { ethtool -l "$nic" | awk '/^Current/ { now = 1 } now && $1 == "Combined:" { print $2 }'; }
affinities() { # of the first two queues, which are in use
	local dir
	for dir in /sys/kernel/irq/*; do
		! grep -qE 'virtio[0-9]+-(in|out)put\.[01]$' "$dir/actions" || cat "/proc/irq/${dir##*/}/smp_affinity_list"
	done | sort -u | xargs
}
pid() { systemctl show -P MainPID $unit; }
thread() { grep -lx "$1" "/proc/$(pid)/task"/*/comm | cut -d/ -f5; }
scheduling() { chrt -p "$(thread "$1")" | head -n 2 | sed 's/.*: //;s/SCHED_//' | xargs; }
is_critical() { [ "$(scheduling critical0)" = "FIFO 10" ]; }

step "an engine, and an operator's settings of the network card"
start_engine $unit critical0 critical1 logger
cat >>/etc/hfttune/host.conf <<-END
	[cpus]
	trading = 2
	network = 4
	[variables]
	nic = $nic
	queues = 2
	restart = allowed
	hugepages = 16
END
expect_eq 4 "$(channels)" channels
echo 30 >"$net/queues/tx-3/xps_cpus"
dump before

step "apply"
expect_exit 3 hfttune plan tick-to-trade
echo "$output" >"$share/plan"
expect_exit 0 hfttune apply tick-to-trade "${phases[@]/#/--phase=}"
expect_exit 0 hfttune verify
echo "$output" >"$share/verify"
expect_eq 2 "$(channels)" channels
expect_eq 4 "$(affinities)" "CPUs of the queues' interrupts"
expect_file "$net/napi_defer_hard_irqs" 100
await_engine $unit 3
expect_eq "FIFO 10" "$(scheduling critical1)" critical1
expect_eq "OTHER 0" "$(scheduling logger)" logger
expect_file "/proc/$(pid)/cgroup" "0::/hft.slice/$unit"

step "somebody gives the card four channels, and the engine is restarted by hand"
ethtool -L "$nic" combined 4
expect_exit 3 hfttune verify
expect_has channels
expect_exit 0 hfttune repair
expect_eq 2 "$(channels)" channels
expect_exit 0 systemctl restart $unit
await_engine $unit 3
expect_await 30 is_critical
expect_await 30 hfttune verify

step "rollback"
expect_exit 0 hfttune rollback --all
expect_eq 4 "$(channels)" channels
await_engine $unit 3
expect_eq "OTHER 0" "$(scheduling critical0)" critical0
sleep 2
dump after
expect_same_host before after
