#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P9: from one profile to another only the differences are written; the host never passes through its defaults.
load ../helper

setup() {
	host vm-1cpu
	profile one <<-'END'
		[phase a]
		[a/sysctl]
		vm.swappiness = 11
		vm.stat_interval = 9
		net.core.somaxconn = 2000
	END
	profile two <<-'END'
		[phase b]
		[b/sysctl]
		vm.swappiness = 11
		vm.stat_interval = 8
	END
}

writes() { grep '^write /proc' "$BATS_TEST_TMPDIR/points" | sort; }

@test "P9 --switch writes each differing object once, and nothing else" {
	somaxconn=$(value /proc/sys/net/core/somaxconn)
	exits 0 hft apply one
	HFT_FAULT_COUNT=$BATS_TEST_TMPDIR/points exits 0 hft apply two --switch
	same "$(writes)" "write /proc/sys/net/core/somaxconn
write /proc/sys/vm/stat_interval"
	[ "$(value /proc/sys/vm/swappiness)" = 11 ]
	[ "$(value /proc/sys/vm/stat_interval)" = 8 ]
	[ "$(value /proc/sys/net/core/somaxconn)" = "$somaxconn" ]
	exits 0 hft --json status
	[ "$(field '[.layers[].profile] | unique | join(" ")')" = two ]
}

@test "P9 switching to a profile that does not exist, or is broken, leaves the old one in force" {
	exits 0 hft apply one
	before=$(shot)
	profile broken <<<'[phase'
	exits 2 hft apply nowhere --switch
	exits 2 hft apply broken --switch
	same "$before" "$(shot)"
	exits 0 hft verify
}
