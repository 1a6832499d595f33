#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P5: every write is read back; what did not take fails the transaction, which is undone, and the message says what.
load ../helper

setup() {
	host vm-1cpu
	profile p <<-'END'
		[profile]
		summary = two objects
		[phase a]
		[a/sysctl]
		vm.stat_interval = 9
		vm.swappiness = 11
	END
}

@test "P5 a write that the kernel refuses: undone, exit 1, object, wanted, found, errno" {
	before=$(shot)
	HFT_FAULT='write@*swappiness:1:EIO' exits 1 hft --json apply p
	[ "$(field .error.code)" = write-failed ]
	[[ $(field .error.subject) == *vm.swappiness* ]]
	[ "$(field .error.wanted)" = 11 ]
	[ "$(field .error.found)" = 60 ]
	[ "$(field .error.errno)" = 5 ]
	[[ $(field .error.where) == *p.conf:* ]]
	same "$before" "$(shot)"
	exits 0 hft --json status
	[ "$(field '.layers | length')" = 0 ]
}

@test "P5 a write that returns success and does not stick: undone, exit 1" {
	before=$(shot)
	# What a kernel does that ignores the value: one byte less is written, so "11" becomes "1".
	HFT_FAULT='write@*swappiness:1:short' exits 1 hft --json apply p
	same "$before" "$(shot)"
	HFT_FAULT='write@*swappiness:1:short' exits 1 hft apply p
	has vm.swappiness
}

@test "P5 on the live kernel: a value that it rounds is not ok" {
	needs_root
	f=/proc/sys/net/core/rps_sock_flow_entries
	[ -w $f ] || skip "this kernel has no $f"
	before=$(cat $f)
	profile rounded <<-'END'
		[phase a]
		[a/sysctl]
		net.core.rps_sock_flow_entries = 1000
	END
	run live --json apply rounded
	printf '%s\n' "$(cat $f)" >"$BATS_TEST_TMPDIR/now"
	live rollback --all --force >/dev/null 2>&1
	[ "$status" = 1 ]
	[ "$(field .error.code)" = not-in-effect ]
	[ "$(field .error.wanted)" = 1000 ]
	[ "$(field .error.found)" = 1024 ]
	[ "$(cat "$BATS_TEST_TMPDIR/now")" = "$before" ]
}

@test "P5 verify never says ok of what is not" {
	exits 0 hft apply p
	exits 0 hft verify
	echo 12 >"$tree/proc/sys/vm/swappiness"
	exits 3 hft --json verify
	[ "$(field .summary.drift)" = 1 ]
	rm "$tree/proc/sys/vm/swappiness"
	exits 3 hft --json verify
	[ "$(field .summary.drift)" = 1 ]
}
