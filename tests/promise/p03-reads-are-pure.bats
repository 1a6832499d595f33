#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P3: profiles show plan verify status history explain host doctor change nothing, anywhere, not even a lock file.
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

# Times and sizes as well: a rewrite with the same bytes would show.
footprint() { (cd "$tree" && find . -printf '%p %m %s %T@ %C@\n' | sort); }

# Each does its work: 0, or 3 where the host differs.
all_reads() {
	local verb
	for verb in profiles "show p" "plan p" verify "verify p" status history "explain sysctl.vm.swappiness" host version; do
		status=0
		# shellcheck disable=SC2086 # a verb and its arguments
		hft $verb >/dev/null || status=$?
		[[ $status == [03] ]] || { echo "$verb: exit status $status" >&2; return 1; }
	done
}

@test "P3 reads on an untouched host change nothing and make no state directory" {
	shot_before=$(footprint)
	all_reads
	same "$shot_before" "$(footprint)"
	[ ! -e "$tree/var/lib/hfttune" ]
}

# The tree stands still, so that it finds nothing to judge; it has looked at all of it twice by then.
@test "P3 doctor changes nothing" {
	shot_before=$(footprint)
	exits 1 hft doctor --seconds 1
	same "$shot_before" "$(footprint)"
	[ ! -e "$tree/var/lib/hfttune" ]
}

@test "P3 reads with layers in force change nothing" {
	exits 0 hft apply p
	shot_before=$(footprint)
	all_reads
	same "$shot_before" "$(footprint)"
}

@test "P3 reads with layers of an earlier boot put nothing in force" {
	exits 0 hft apply p
	cat /proc/sys/kernel/random/uuid >"$tree/proc/sys/kernel/random/boot_id"
	echo 60 >"$tree/proc/sys/vm/swappiness"
	shot_before=$(footprint)
	all_reads
	same "$shot_before" "$(footprint)"
	exits 3 hft verify
	exits 0 hft --json status
	[ "$(field '.layers[0].reason')" = rebooted ]
}

@test "P3 a read beside an unfinished transaction reports it and does not recover it" {
	HFT_FAULT="write@*swappiness:1:crash-after" hft apply p >/dev/null 2>&1 || true
	[ "$(value /proc/sys/vm/swappiness)" = 11 ]
	shot_before=$(footprint)
	all_reads
	same "$shot_before" "$(footprint)"
	exits 0 hft --json status
	[ "$(field .unfinished.txn)" = 1 ]
	exits 0 hft --json plan p
	[ "$(field .unfinished)" = 1 ]
}
