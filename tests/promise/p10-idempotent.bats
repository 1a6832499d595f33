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

@test "P10 a second apply and a repair write nothing, not even a transaction" {
	exits 0 hft --json apply p
	[ "$(field .summary.change)" -gt 10 ]
	for verb in "apply p" repair; do
		# shellcheck disable=SC2086 # a verb and its argument
		HFT_FAULT_COUNT=$BATS_TEST_TMPDIR/points exits 0 hft --json $verb
		[ "$(field .txn)" = null ]
		[ "$(field .summary.change)" = 0 ]
		absent '^(write|append|rename)' "$BATS_TEST_TMPDIR/points"
		rm "$BATS_TEST_TMPDIR/points"
	done
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
