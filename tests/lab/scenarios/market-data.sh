#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The profile market-data as it is shipped, but for its boot parameters: SMT goes off and the other threads of the cores
# with it, each thread of the engine is on its CPUs with the memory of its node, huge pages are on that node, and all of it
# comes back, SMT too.

unit=market-data.service
cpu=/sys/devices/system/cpu
pages=/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
phases=(smt power timers isolation slice network nic placement scheduling memory)

pid() { systemctl show -P MainPID $unit; }
thread() { grep -lx "$1" "/proc/$(pid)/task"/*/comm | cut -d/ -f5; }
mask() { sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$(thread "$1")/status"; }

step "an engine with threads of three kinds"
start_engine $unit collector0 collector1 orderbook0 network0
cat >>/etc/hfttune/host.conf <<-END
	[cpus]
	collector = 4
	orderbook = 6
	network = 2
	[variables]
	nic = $(basename "$(echo /sys/bus/virtio/drivers/virtio_net/virtio*/net/*)")
	restart = allowed
	node = 1
	hugepages = 16
END
dump before

step "apply"
expect_exit 3 hfttune plan market-data
echo "$output" >"$share/plan"
expect_exit 0 hfttune apply market-data "${phases[@]/#/--phase=}"
expect_exit 0 hfttune verify
echo "$output" >"$share/verify"
expect_file $cpu/online 0,2,4,6
expect_file $pages 16
await_engine $unit 4
for thread in collector0:4 collector1:4 orderbook0:6 network0:2 python3:2,4,6; do
	expect_eq "${thread#*:}" "$(mask "${thread%:*}")" "CPUs of ${thread%:*}"
done
expect_file "/proc/$(pid)/cgroup" "0::/hft.slice/$unit"
expect_eq bind:1 "$(awk '$2 ~ /bind/ { sub("=.*:", ":", $2); print $2; exit }' "/proc/$(pid)/numa_maps")" "memory policy"

step "the engine is restarted by hand"
expect_exit 0 systemctl restart $unit
await_engine $unit 4
collector_is_placed() { [ "$(mask collector0)" = 4 ]; }
expect_await 30 collector_is_placed
expect_await 30 hfttune verify

step "rollback"
expect_exit 0 hfttune rollback --all
expect_file $cpu/online 0-7
await_engine $unit 4
expect_eq 0-7 "$(mask collector0)" "CPUs of a thread"
sleep 2
dump after
expect_same_host before after
