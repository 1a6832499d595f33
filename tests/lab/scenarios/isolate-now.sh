#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A cpuset partition without a reboot: everything else leaves its CPUs, what is started later stays off them too, it outlives
# what systemd does meanwhile, and a rollback leaves nothing of it. One that the kernel does not want is a failure with the
# kernel's reason.

group=/sys/fs/cgroup/hft.slice

mask_of() { # PID
	sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$1/status"
}
pid_of() { # UNIT
	systemctl show -P MainPID "$1"
}
# Threads that may run on CPU 2 or 3 though they are neither in the slice nor bound: "PID NAME LIST". The kernel's own that
# were born since may run on all CPUs, and the scheduler does not bring them there (systemd 257 has some made anew at will).
strangers() {
	local dir list
	for dir in /proc/[0-9]*/task/[0-9]*; do
		[ "$(awk '{ sub(/.*\) /, ""); print int($7 / 67108864) % 2 }' "$dir/stat" 2>/dev/null)" = 0 ] || continue
		grep -q hft.slice "$dir/cgroup" 2>/dev/null && continue
		list=$(mask_of "${dir##*/}" 2>/dev/null) || continue
		case $(cpus_of "$list" | grep -cx '[23]' || :) in
		0) ;;
		*) grep -q '^irq/\|^psimon' "$dir/comm" || echo "${dir##*/} $(cat "$dir/comm") $list" ;;
		esac
	done
}

step "before"
systemd-run --quiet --unit=pinned -p CPUAffinity=3 sleep infinity
systemd-run --quiet --unit=free sleep infinity
expect_await 10 test "$(pid_of pinned)" -gt 1
expect_eq 3 "$(mask_of "$(pid_of pinned)")" "CPUs of a pinned thread"
sleep 2
dump before

step "apply"
use_profiles isolate-now
expect_exit 3 hfttune plan isolate-now
expect_exit 0 hfttune apply isolate-now
expect_file $group/cpuset.cpus.partition isolated
expect_file $group/cpuset.cpus.effective 2-3
expect_file /sys/fs/cgroup/cpuset.cpus.effective 0-1,4-7
expect_exit 0 hfttune verify
expect_eq "" "$(strangers)" "threads that may run on the trading core"
expect_exit 0 hfttune apply isolate-now
dump isolated
expect_differs before isolated

step "what is started later"
systemd-run --quiet --unit=later sleep infinity
systemd-run --quiet --unit=trader --slice=hft.slice -p CPUAffinity=2 sleep infinity
expect_await 10 test "$(pid_of trader)" -gt 1
expect_eq 0-1,4-7 "$(mask_of "$(pid_of later)")" "CPUs of another service"
expect_eq 2 "$(mask_of "$(pid_of trader)")" "CPUs of a service in the slice"
systemctl daemon-reload
systemctl restart trader.service
expect_file $group/cpuset.cpus.partition isolated
expect_eq "" "$(strangers)" "threads that may run on the trading core"
expect_exit 0 hfttune verify

step "quiet but for the tick"
expect_exit 0 systemd-run --quiet --wait --pipe --slice=hft.slice "$(command -v noise)" 2 10
echo "$output" >"$share/noise-2"
line=$(tail -n 1 "$share/noise-2")
echo "$line"
# Work that the kernel binds to this CPU stays, and how much of it there is follows from the kernel; nobody else comes.
awk '/context switch/ && !/noise itself|kworker|migration|ksoftirqd|rcu/ && NF > 4 && !/^total/ { exit 1 }' "$share/noise-2" ||
	complain "$(place)" "who runs on CPU 2" "the loop, and what the kernel binds there" "$(cat "$share/noise-2")"

step "rollback while the slice is in use"
expect_exit 0 hfttune rollback --all
expect_true test -d $group
expect_eq active "$(systemctl is-active trader.service)" "a service in the slice"
systemctl stop trader.service later.service hft.slice
expect_eq 3 "$(mask_of "$(pid_of pinned)")" "CPUs of a pinned thread"
expect_eq 0-7 "$(mask_of "$(pid_of free)")" "CPUs of a service"
dump after
expect_same_host before after

step "and when it is not"
expect_exit 0 hfttune apply isolate-now
expect_exit 0 hfttune rollback --all
expect_true test ! -e $group
dump again
expect_same_host before again

step "what the kernel does not want"
systemctl set-property --runtime other.slice AllowedCPUs=3
systemctl start other.slice
expect_exit 1 hfttune apply isolate-now
expect_has "invalid"
# The kernel lets no cpuset that has threads be without CPUs of its own again (ENOSPC), and this slice keeps cpusets on: the
# others have all CPUs now, which is as much, and the next time nothing differs.
expect_file /sys/fs/cgroup/system.slice/cpuset.cpus.effective 0-7
dump invalid
expect_exit 1 hfttune apply isolate-now
dump undone
expect_same_host invalid undone
