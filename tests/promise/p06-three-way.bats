#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P6: rollback looks at original, applied and current; what somebody else changed since is left, and not forgotten.
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
	stat_interval=$(value /proc/sys/vm/stat_interval)
	swappiness=$(value /proc/sys/vm/swappiness)
}

theirs() { echo 77 >"$tree/proc/sys/vm/swappiness"; }

@test "P6 a foreign value is left, the rest goes back, and a residue keeps the original: exit 4" {
	exits 0 hft apply p
	theirs
	exits 4 hft --json rollback --all
	[ "$(field .summary.conflict)" = 1 ]
	[ "$(value /proc/sys/vm/swappiness)" = 77 ]
	[ "$(value /proc/sys/vm/stat_interval)" = "$stat_interval" ]
	exits 0 hft --json status
	[ "$(field '.layers | length')" = 1 ]
	[ "$(field '.layers[0].residue')" = true ]
	[ "$(field '.layers[0].objects')" = 1 ]
	exits 4 hft rollback --all
}

@test "P6 --force writes the original" {
	exits 0 hft apply p
	theirs
	exits 4 hft rollback --all
	exits 0 hft rollback --all --force
	[ "$(value /proc/sys/vm/swappiness)" = "$swappiness" ]
	exits 0 hft --json status
	[ "$(field '.layers | length')" = 0 ]
}

@test "P6 --keep-theirs forgets it" {
	exits 0 hft apply p
	theirs
	exits 0 hft rollback --all --keep-theirs
	[ "$(value /proc/sys/vm/swappiness)" = 77 ]
	[ "$(value /proc/sys/vm/stat_interval)" = "$stat_interval" ]
	exits 0 hft --json status
	[ "$(field '.layers | length')" = 0 ]
}

@test "P6 a repeated apply shows drift, overwrites it, and the original stays the original" {
	exits 0 hft apply p
	theirs
	exits 3 hft --json plan p
	[ "$(field '.steps[] | select(.object == "vm.swappiness") | .state')" = drift ]
	exits 0 hft apply p
	[ "$(value /proc/sys/vm/swappiness)" = 11 ]
	exits 0 hft rollback --all
	[ "$(value /proc/sys/vm/swappiness)" = "$swappiness" ]
}

@test "P6 somebody else's return to the original is no conflict" {
	exits 0 hft apply p
	echo "$swappiness" >"$tree/proc/sys/vm/swappiness"
	exits 0 hft rollback --all
	[ "$(value /proc/sys/vm/swappiness)" = "$swappiness" ]
}
