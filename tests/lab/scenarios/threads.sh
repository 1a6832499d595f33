#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Threads of a real Redis, of the kernel and of interrupts get their CPUs and policies by name. Redis restarted by hand,
# queues that the driver gave out anew and a link that comes up get back what the layers say, in a few seconds; a rollback
# leaves every thread and queue as it was.

nic=$(basename "$(echo /sys/bus/virtio/drivers/virtio_net/virtio*/net/*)")

# tid NAME: of Redis' thread. "CPUS POLICY PRIORITY" and the nice value of a thread.
tid() {
	grep -lx "$1" "/proc/$(systemctl show -P MainPID redis-server.service)/task"/*/comm | head -n 1 | cut -d/ -f5
}
has_thread() { [ -n "$(tid "$1")" ]; }
scheduling() {
	echo "$(taskset -cp "$1" | sed 's/.*: //') $(chrt -p "$1" | sed 's/.*: //;s/SCHED_//' | cut -d'|' -f1 | xargs)"
}
nice_of() { sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 17; }
kthread() { pgrep -x "$1"; }
is_hot() { [ "$(scheduling "$(tid io_thd_1)")" = "5 FIFO 5" ]; }
xps() { cat /sys/class/net/"$nic"/queues/tx-*/xps_cpus | xargs; }
inputs() {
	local dir
	for dir in /sys/kernel/irq/*; do
		! grep -q 'virtio.*-input\.' "$dir/actions" || cat "/proc/irq/${dir##*/}/smp_affinity_list"
	done | sort -u | xargs
}
reasserted() { hfttune --json history | jq '[.transactions[] | select(.kind == "reassert")] | length'; }
holds() { [ "$("${@:2}")" = "$1" ]; }

step "before"
sed -i '/^io-threads /d' /etc/redis/redis.conf
echo 'io-threads 3' >>/etc/redis/redis.conf
systemctl restart redis-server.service
expect_await 60 has_thread io_thd_2
ip link set "$nic" up
expect_true test "$(find /sys/class/net/"$nic"/queues -name 'tx-*' | wc -l)" -gt 1
sleep 2
main=$(scheduling "$(tid redis-server)")
cold_xps=$(xps)
dump before

step "apply"
use_profiles threads
expect_exit 3 hfttune plan threads
expect_exit 0 hfttune apply threads
for n in 1 2; do
	expect_eq "5 FIFO 5" "$(scheduling "$(tid io_thd_$n)")" "io_thd_$n"
done
expect_eq "0,1 OTHER 0" "$(scheduling "$(tid bio_lazy_free)" | sed 's/0-1/0,1/')" bio_lazy_free
expect_eq 5 "$(nice_of "$(tid bio_lazy_free)")" "nice of bio_lazy_free"
expect_eq "$main" "$(scheduling "$(tid redis-server)")" "the main thread, which nobody named"
expect_eq "3 FIFO 1" "$(scheduling "$(kthread ksoftirqd/3)")" ksoftirqd/3
expect_eq 0-1 "$(inputs)" "interrupts of the queues"
for t in $(pgrep '^irq/' || :); do
	expect_eq "FIFO 60" "$(scheduling "$t" | cut -d ' ' -f 2-)" "$(cat "/proc/$t/comm")"
done
expect_exit 0 hfttune verify
expect_exit 0 hfttune apply threads
expect_true holds 0 reasserted
dump applied
expect_differs before applied

step "Redis is restarted by hand"
systemctl restart redis-server.service
expect_await 30 is_hot
expect_await 20 hfttune verify
expect_true test "$(reasserted)" -ge 1
expect_eq 5 "$(nice_of "$(tid bio_lazy_free)")" "nice of bio_lazy_free"
expect_true grep -q 'io_thd_1.*written again' <<<"$(journalctl -u hfttuned.service -o cat)"

step "Redis is stopped: its threads are pending, and nothing is wrong"
systemctl stop redis-server.service
expect_exit 0 hfttune verify
expect_has "redis-server.service is not running"
systemctl start redis-server.service
expect_await 30 is_hot

step "the driver gives the queues out anew"
sleep 12
was=$(reasserted)
queues=$(ethtool -l "$nic" | sed -n 's/^Combined:[[:space:]]*//p' | tail -n 1)
ethtool -L "$nic" combined 1
ethtool -L "$nic" combined "$queues"
expect_await 20 holds 0-1 inputs
expect_await 20 hfttune verify
expect_true test "$(reasserted)" -gt "$was"

step "the link goes down, somebody changes it, and it comes up"
sleep 10
ip link set "$nic" down
echo 0 >/sys/class/net/"$nic"/gro_flush_timeout
sleep 3
expect_file "/sys/class/net/$nic/gro_flush_timeout" 0
ip link set "$nic" up
expect_await 90 holds 20000 cat "/sys/class/net/$nic/gro_flush_timeout"

step "a crash of the daemon: the next one listens again"
systemctl kill -s KILL hfttuned.service
expect_await 20 systemctl is-active hfttuned.service
expect_await 20 hfttune status
sleep 2
systemctl restart redis-server.service
expect_await 30 is_hot

step "rollback"
sleep 12
expect_exit 0 hfttune rollback --all
expect_eq "$cold_xps" "$(xps)" "transmit queues"
expect_eq "$main" "$(scheduling "$(tid io_thd_1)")" io_thd_1
dump after
expect_same_host before after
