#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The profile redis-hft as it is shipped, phase by phase: each is taken by the real Redis, the kernel and GRUB, and proven;
# a reboot later all is in force before Redis starts, its CPUs are quiet, and status says so; and after a rollback and
# another reboot the host is as it was installed.

unit=redis-server.service
cpu=/sys/devices/system/cpu
phases=(redis power pinning timers malloc isolation slice network nic scheduling memory)
only=("${phases[@]/#/--phase=}")

pid() { systemctl show -P MainPID $unit; }
pings() { [ "$(redis-cli ping)" = PONG ]; }
config() { redis-cli config get "$1" | tail -n 1; }
malloc_stats() { redis-cli memory malloc-stats | sed -n "s/^ *opt\\.$1: \\([^ ]*\\).*/\\1/p"; }
# threads NAME FIELD: of Redis' threads whose name matches, one field of stat, each value once.
threads() {
	grep -lxE "$1" "/proc/$(pid)/task"/*/comm | sed 's/comm$/stat/' | xargs sed 's/.*) //' | cut -d' ' -f$(($2 - 2)) | sort -u | xargs
}
masks() { sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/"$(pid)"/task/*/status | sort -u | xargs; }

background_yields() { [ "$(threads 'bio_.*' 41)" = 0 ]; } # the daemon sees to threads when they are born

# What Redis is to be, whoever started it.
redis_is_tuned() {
	expect_await 60 pings
	expect_eq 2-3 "$(masks)" "CPUs of Redis' threads"
	expect_file "/proc/$(pid)/cgroup" "0::/hft.slice/$unit"
	expect_eq 1 "$(threads redis-server 41)" "policy of the main thread"
	expect_eq 1 "$(threads redis-server 40)" "priority of the main thread"
	expect_await 30 background_yields
	expect_file "/proc/$(pid)/oom_score_adj" -900
	expect_eq 2 "$(malloc_stats narenas)" "narenas of jemalloc"
	expect_eq 10000 "$(malloc_stats dirty_decay_ms)" "dirty_decay_ms of jemalloc"
	expect_eq 8 "$(config hz)" "hz of Redis"
	expect_eq 1 "$(config databases)" "databases of Redis"
	expect_eq $((1 << 30)) "$(config maxmemory)" "maxmemory of Redis"
}

if on_boot 0; then
	nic=$(basename "$(echo /sys/bus/virtio/drivers/virtio_net/virtio*/net/*)")
	cat >>/etc/hfttune/host.conf <<-END
		[cpus]
		trading = 2-3
		[variables]
		nic = $nic
		restart = allowed
	END
	expect_await 60 pings
	dump before
	step "a plan is advice, and touches nothing"
	expect_exit 3 hfttune plan redis-hft
	echo "$output" >"$share/plan"
	expect_has "apply restarts $unit"
	for phase in "${phases[@]}"; do
		step "phase $phase"
		expect_exit 0 hfttune apply redis-hft --phase "$phase"
		echo "$output" >>"$share/applied"
		expect_exit 0 hfttune verify
	done
	redis_is_tuned
	expect_exit 0 hfttune apply redis-hft "${only[@]}"
	expect_eq null "$(hfttune --json apply redis-hft "${only[@]}" | jq .txn)" "transaction of a third apply"
	step "phase boot"
	expect_exit 5 hfttune apply redis-hft --phase boot
	expect_exit 0 hfttune status
	expect_has "A reboot is needed"
	reboot
fi

if on_boot 1; then
	step "status right after the boot"
	expect_exit 0 hfttune status
	echo "$output" >"$share/status"
	expect_has "replay:"
	expect_eq 12 "$(hfttune --json status | jq '[.layers[] | select(.in_force)] | length')" "layers in force"
	expect_file $cpu/isolated 2-3
	expect_file $cpu/nohz_full 2-3
	redis_is_tuned
	# Interrupts of a network card that came up after replay are there by now.
	expect_exit 0 hfttune repair
	expect_exit 0 hfttune verify
	echo "$output" >"$share/verify"
	expect_eq 0 "$(hfttune --json verify | jq .summary.pending)" pending
	step "quiet, but for what runs there"
	expect_exit 0 systemctl stop $unit
	for n in 2 3; do
		expect_exit 0 systemd-run --quiet --wait --pipe --slice=hft.slice "$(command -v noise)" $n 20
		echo "$output" >"$share/noise-$n"
		awk 'END { exit !(NF >= 8 && $2 <= 0.5) }' "$share/noise-$n" ||
			complain "$(place)" "interrupts on CPU $n" "at most 0.5 a second" "$output"
		step "CPU $n: $(tail -n 1 "$share/noise-$n")"
	done
	expect_exit 0 systemctl start $unit
	redis_is_tuned
	step "what the doctor says"
	hfttune doctor --seconds 5 >"$share/doctor" 2>&1 || expect_eq 3 $? "doctor"
	step "rollback"
	expect_exit 5 hfttune rollback --all
	echo "$output" >"$share/rollback"
	expect_exit 1 grep -q isolcpus /boot/grub/grub.cfg
	reboot
fi

step "as installed"
expect_file $cpu/isolated ""
expect_await 60 pings
expect_exit 0 hfttune status
rm /etc/hfttune/host.conf
dump after
expect_same_host before after
