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
	swappiness=$(value /proc/sys/vm/swappiness)
}

@test "P5 a write that the kernel refuses: undone, exit 1, object, wanted, found, errno" {
	before=$(shot)
	HFT_FAULT='write@*swappiness:1:EIO' exits 1 hft --json apply p
	[ "$(field .error.code)" = write-failed ]
	[[ $(field .error.subject) == *vm.swappiness* ]]
	[ "$(field .error.wanted)" = 11 ]
	[ "$(field .error.found)" = "$swappiness" ]
	[ "$(field .error.errno)" = 5 ]
	[[ $(field .error.where) == *p.conf:* ]]
	same "$before" "$(shot)"
	exits 0 hft --json status
	[ "$(field '.layers | length')" = 0 ]
}

@test "P5 a write that returns success and does not stick: undone, exit 1" {
	before=$(shot)
	HFT_FAULT='write@*swappiness:1+:ignore' exits 1 hft --json apply p
	[ "$(field .error.code)" = not-in-effect ]
	[ "$(field .error.wanted)" = 11 ]
	[ "$(field .error.found)" = "$swappiness" ]
	same "$before" "$(shot)"
	HFT_FAULT='write@*swappiness:1+:ignore' exits 1 hft apply p
	has vm.swappiness
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
