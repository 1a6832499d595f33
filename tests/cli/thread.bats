#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The knob thread on real threads: processes of the test's own, in a control group where systemd would have a service.
# The judges are ps(1) and taskset(1).
load ../helper
load ../unit

setup() {
	needs_root
	unit_begin
	thread one io_thd_1
	thread two io_thd_2 renice -n 4 -p
	thread twin io_thd_2 chrt -b -p 0
	thread main redis-server taskset -cp 0
	before=$(all)
	profile t <<-END
		[phase a]
		[a/thread $unit io_thd_*]
		affinity = 1
		policy = fifo 5
		[a/thread $unit redis-server]
		nice = -3
	END
}

teardown() { unit_end; }

all() {
	local key
	for key in main one twin two; do echo "$key $(has_now "$key")"; done
}

@test "thread: apply, verify, roll back: each thread has what it had" {
	[ "$(nproc)" -ge 2 ] || skip "one CPU"
	exits 3 live plan t
	same "$before" "$(all)"
	exits 0 live apply t
	same "main 0 TS - -3
one 1 FF 5 0
twin 1 FF 5 0
two 1 FF 5 4" "$(all)"
	exits 0 live verify
	exits 0 live --json apply t
	[ "$(field '[.steps[] | select(.state != "ok")] | length')" = 0 ]
	exits 0 live rollback --all
	same "$before" "$(all)"
}

@test "thread: what somebody else changed since is a conflict, the rest goes back" {
	exits 0 live apply t
	chrt -r -p 7 "${pids[one]}"
	exits 3 live verify
	has "io_thd_1 policy"
	exits 4 live rollback --all
	[[ $(has_now one) == *"RR 7 0" ]]
	[ "$(has_now two)" = "$(sed -n 's/^two //p' <<<"$before")" ]
	exits 0 live rollback --all --force
	same "$before" "$(all)"
}

@test "thread: a change that fails, is killed or does nothing half-way is undone" {
	export HFT_FAULT
	HFT_FAULT='write@task\:policy:2:EPERM' exits 1 live apply t
	has "CAP_SYS_NICE"
	same "$before" "$(all)"
	HFT_FAULT='write@task\:affinity:*:ignore' exits 1 live apply t
	same "$before" "$(all)"
	for n in 1 2 3 4 5; do
		HFT_FAULT="write@task*:$n:kill-after" live apply t >/dev/null 2>&1 && return 1
		HFT_FAULT='' exits 0 live rollback --all
		same "$before" "$(all)"
	done
}

@test "thread: one that is born later is drift, is taken in by repair, and goes back to what it had" {
	exits 0 live apply t
	thread late io_thd_1 renice -n 6 -p
	thread new io_thd_3 renice -n 7 -p
	exits 3 live --json verify
	[ "$(field '[.steps[] | select(.state == "drift" and .reason == "new object")] | length')" = 2 ]
	[ "$(field '[.steps[] | select(.state == "drift" and (.reason | startswith("1 of 2 threads")))] | length')" = 2 ]
	exits 0 live repair
	[[ $(has_now late) == "1 FF 5 6" && $(has_now new) == "1 FF 5 7" ]]
	exits 0 live rollback --all
	same "$before" "$(all)"
	[[ $(has_now late) == *"TS - 6" && $(has_now new) == *"TS - 7" ]]
}

@test "thread: what is inherited from a thread of ours goes back as well" {
	exits 0 live apply t
	inherit() { chrt -f -p 5 "$1" && taskset -cp 1 "$1"; }
	thread late io_thd_1 inherit
	exits 0 live verify
	exits 0 live rollback --all
	same "$before" "$(all)"
	[ "$(has_now late)" = "$(has_now one)" ]
}

@test "thread: a service that does not run is pending, and nothing to roll back" {
	exits 0 live apply t
	unit_stop
	exits 0 live --json verify
	[ "$(field '[.steps[].state] | unique | join(" ")')" = pending ]
	[ "$(field '.steps[0].reason')" = "restart ($unit is not running)" ]
	unit_start
	thread one io_thd_1
	exits 3 live verify
	exits 0 live repair
	[[ $(has_now one) == "1 FF 5 0" ]]
	unit_stop
	exits 0 live rollback --all
}

@test "thread: names that cannot be meant are refused" {
	for section in "$unit" "nosuch-$$.service a" "redis a"; do
		printf '[phase a]\n[a/thread %s]\nnice = 1\n' "$section" >"$profiles/bad.conf"
		exits 2 live plan bad
	done
	for line in 'policy = fifo' 'policy = deadline' 'affinity = 4096' 'nice = 20' 'priority = 5'; do
		printf '[phase a]\n[a/thread %s redis-server]\n%s\n' "$unit" "$line" >"$profiles/bad.conf"
		exits 2 live plan bad
	done
}

@test "thread: threads that the kernel binds are told, and no other" {
	profile k <<-'END'
		[phase a]
		[a/thread kernel ksoftirqd/*]
		affinity = 0
		[a/thread kernel kworker/*]
		affinity = 0
	END
	exits 0 live --json plan k
	[ "$(field '[.steps[].state] | unique | join(" ")')" = not_applicable ]
	[ "$(field '[.steps[] | select(.reason | contains("PF_NO_SETAFFINITY"))] | length')" = "$(nproc)" ]
}
