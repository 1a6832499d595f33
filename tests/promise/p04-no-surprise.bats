#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P4: starting, stopping, restarting or crashing the daemon, and every failed command, leave the host alone.
load ../helper

setup() {
	host vm-1cpu
	profile p <<-'END'
		[profile]
		summary = one object
		[phase a]
		[a/sysctl]
		vm.swappiness = 11
	END
}

teardown() { stop_daemon -KILL; }

@test "P4 starting and stopping on an untouched host leaves no trace" {
	before=$(cd "$tree" && find . -printf '%p %m %s %T@ %C@\n' | sort)
	daemon
	exits 0 client status
	stop_daemon
	same "$before" "$(cd "$tree" && find . -printf '%p %m %s %T@ %C@\n' | sort)"
}

@test "P4 restart and crash keep what is in force" {
	daemon
	exits 0 client apply p
	now=$(shot)
	for signal in -TERM -KILL -TERM; do
		stop_daemon "$signal"
		same "$now" "$(shot)"
		daemon
		same "$now" "$(shot)"
		exits 0 client verify
	done
}

@test "P4 commands that fail leave the host alone" {
	exits 0 hft apply p
	now=$(shot)
	profile bad <<-'END'
		[phase a]
		[a/sysctl]
		vm.swappiness = 20
		vm.nonsense = 1
	END
	exits 2 hft apply bad
	exits 2 hft apply ../p
	exits 2 hft rollback --phase nonsense
	exits 2 hft frobnicate
	HFT_FAULT='write@*swappiness:1:EIO' exits 1 hft rollback --all
	same "$now" "$(shot)"
}

@test "P4 an unfinished transaction is undone at the start of the service" {
	original=$(value /proc/sys/vm/swappiness)
	HFT_FAULT="write@*swappiness:1:crash-after" hft apply p >/dev/null 2>&1 || true
	[ "$(value /proc/sys/vm/swappiness)" = 11 ]
	daemon
	await grep -qx "$original" "$tree/proc/sys/vm/swappiness"
	grep -q 'undone' "$BATS_TEST_TMPDIR/daemon.log"
	exits 0 client --json status
	[ "$(field .unfinished)" = null ]
}
