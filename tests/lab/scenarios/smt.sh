#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SMT goes off with all that hangs on the threads that go: interrupts, threads and cpusets that have nothing else, and power
# settings. A rollback brings each back to where it was, in whatever order the phases go; `online` of the profile is what
# is left, and a thread that somebody pinned anew meanwhile is theirs.

cpu=/sys/devices/system/cpu

mask_of() { # PID
	sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$1/status"
}
pid_of() { # UNIT
	systemctl show -P MainPID "$1"
}
# The network card's interrupt, which may be moved.
irq=$(basename "$(dirname "$(grep -lE 'e1000|ens|enp|eth' /sys/kernel/irq/*/actions | head -n 1)")")

step "threads, an interrupt and a cpuset on what will go"
# First the slice: with the first cpuset the kernel gives all threads all CPUs (Linux 6.1).
systemctl set-property --runtime lab.slice AllowedCPUs=0-3
systemd-run --quiet --unit=keeper --slice=lab.slice sleep infinity
expect_await 10 test -e /sys/fs/cgroup/lab.slice/cpuset.cpus.effective
sleep 1
systemd-run --quiet --unit=pinned -p CPUAffinity=5 sleep infinity
systemd-run --quiet --unit=inside --slice=lab.slice -p CPUAffinity=1 sleep infinity
systemd-run --quiet --unit=both --slice=lab.slice -p CPUAffinity="2 3" sleep infinity
systemd-run --quiet --unit=taken -p CPUAffinity=7 sleep infinity
systemd-run --quiet --unit=loop -p CPUAffinity=3 perl -e 'select undef, undef, undef, 0.1 while 1'
echo 3 >"/proc/irq/$irq/smp_affinity_list"
for unit in pinned inside both taken loop; do expect_await 10 test "$(pid_of $unit)" -gt 1; done
expect_eq 5 "$(mask_of "$(pid_of pinned)")" "CPUs of a pinned thread"
expect_eq 1 "$(mask_of "$(pid_of inside)")" "CPUs of a thread in a cpuset"
sleep 2
dump before

step "off"
use_profiles no-smt
expect_exit 3 hfttune plan no-smt
expect_has "off@1,3,5,7"
expect_exit 0 hfttune apply no-smt
expect_file $cpu/online 0,2,4,6
expect_file $cpu/smt/active 0
expect_file "/proc/irq/$irq/smp_affinity_list" 0,4,6
expect_exit 0 hfttune verify
expect_exit 0 hfttune apply no-smt
expect_exit 0 hfttune status
taskset -pc 0 "$(pid_of taken)"
dump off
expect_differs before off

step "on again"
expect_exit 0 hfttune rollback --all
expect_file $cpu/online 0-7
expect_file "/proc/irq/$irq/smp_affinity_list" 3
expect_eq 5 "$(mask_of "$(pid_of pinned)")" "CPUs of a pinned thread"
expect_eq 1 "$(mask_of "$(pid_of inside)")" "CPUs of a thread in a cpuset"
expect_eq 2-3 "$(mask_of "$(pid_of both)")" "CPUs of a thread in a cpuset"
expect_eq 3 "$(mask_of "$(pid_of loop)")" "CPUs of a thread that ran"
expect_eq 0 "$(mask_of "$(pid_of taken)")" "CPUs of a thread that was pinned anew"
taskset -pc 7 "$(pid_of taken)"
dump after
expect_same_host before after

step "in another order"
expect_exit 0 hfttune apply no-smt
expect_exit 0 hfttune rollback --phase smt
expect_file $cpu/online 0-7
expect_file "/proc/irq/$irq/smp_affinity_list" 0,4,6
expect_exit 0 hfttune rollback --all
dump again
expect_same_host before again

step "killed in the middle"
expect_exit 0 hfttune apply no-smt --phase smt
systemctl kill -s KILL hfttuned.service
expect_exit 0 hfttune rollback --all
dump end
expect_same_host before end
