#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P10: a second apply writes nothing.
load ../helper

setup() {
	host xeon-2s
	profile p <<-'END'
		[cpus]
		housekeeping = online - siblings(4)
		[phase a]
		[a/sysctl]
		vm.swappiness = 11
		net.ipv4.tcp_rmem = 4096 87380 16777216
		vm.dirty_bytes = 1048576
		[a/irq *]
		affinity = ${housekeeping}
		[a/irq]
		default_smp_affinity = ${housekeeping}
		[a/workqueue]
		cpumask = ${housekeeping}
		[a/cpufreq]
		governor = performance
	END
}

writes_nothing() { # VERB...
	HFT_FAULT_COUNT=$BATS_TEST_TMPDIR/points exits 0 hft --json "$@"
	[ "$(field .txn)" = null ]
	[ "$(field .summary.change)" = 0 ]
	absent '^(write|append|rename)' "$BATS_TEST_TMPDIR/points"
	rm "$BATS_TEST_TMPDIR/points"
}

@test "P10 a second apply and a repair write nothing, not even a transaction" {
	exits 0 hft --json apply p
	[ "$(field .summary.change)" -gt 10 ]
	writes_nothing apply p
	writes_nothing repair
	writes_nothing replay
}

@test "P10 a second replay writes nothing, and the first only what the boot took away" {
	keep_fresh
	exits 0 hft --json apply p
	changes=$(field .summary.change)
	reboot_tree
	echo 11 >"$tree/proc/sys/vm/swappiness"
	exits 0 hft --json replay
	[ "$(field .summary.change)" = "$((changes - 1))" ]
	writes_nothing replay
	writes_nothing repair
	writes_nothing apply p
}

@test "P10 an apply of what the host holds already records it, and writes nothing to the host" {
	profile same <<-END
		[phase a]
		[a/sysctl]
		vm.swappiness = $(value /proc/sys/vm/swappiness)
	END
	HFT_FAULT_COUNT=$BATS_TEST_TMPDIR/points exits 0 hft apply same
	absent '^write /proc' "$BATS_TEST_TMPDIR/points"
	exits 0 hft --json status
	[ "$(field '.layers | length')" = 1 ]
}

@test "P10 what the kernel refused is not tried again" {
	rm -r "$tree"
	host xeon-2s
	profile p <<<$'[phase a]\n[a/irq driver:mlx5_core queue:0-1]\naffinity = 2'
	HFT_FAULT='write@*smp_affinity_list:1:EIO' exits 0 hft --json apply p
	[ "$(field .summary.not_applicable)" = 1 ]
	exits 0 hft --json plan p
	[ "$(field .summary.not_applicable)" = 1 ]
	[ "$(field .summary.change)" = 0 ]
	exits 0 hft --json apply p
	[ "$(field .txn)" = null ]
	exits 0 hft rollback --all
	exits 3 hft --json plan p # in no layer any more
	[ "$(field .summary.change)" = 3 ]
}

@test "P10 what the kernel refused is tried once in the next boot" {
	rm -r "$tree"
	host xeon-2s
	keep_fresh
	profile p <<<$'[phase a]\n[a/irq driver:mlx5_core queue:0-1]\naffinity = 2'
	HFT_FAULT='write@*smp_affinity_list:1:EIO' exits 0 hft apply p
	reboot_tree
	HFT_FAULT='write@*smp_affinity_list:1:EIO' exits 0 hft --json replay
	[ "$(field .summary.not_applicable)" = 1 ]
	[ "$(field .summary.change)" = 2 ]
	exits 0 hft --json apply p
	[ "$(field .txn)" = null ]
	reboot_tree
	exits 0 hft --json replay # one that does not
	[ "$(field .summary.not_applicable)" = 0 ]
	[ "$(field .summary.change)" = 3 ]
}
