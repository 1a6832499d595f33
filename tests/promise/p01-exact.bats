#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P1: apply, then roll back, and the whole host is as it was. The judge is tests/tools/hostdump, which shares no code
# with hfttune.
load ../helper

judge=$build/tests/tools/hostdump
machines="vm-1cpu xeon-2s epyc-1s"
[ -z "${HFT_QUICK:-}" ] || machines=vm-1cpu # enough to notice a mutant

# Profiles that between them touch every kind of knob, in three layers that share objects.
three_layers() {
	profile one <<-'END'
		[cpus]
		some = 0
		[phase a]
		order = 1
		[a/sysctl]
		vm.swappiness = 11
		vm.dirty_bytes = 104857600
		vm.dirty_background_ratio = 4
		vm.min_free_kbytes = 70000
		kernel.timer_migration = 0
		net.core.rmem_max = 16777216
		net.ipv4.tcp_rmem = 4096 87380 16777216
		[a/vm]
		thp.enabled = never
		[a/workqueue]
		cpumask = ${some}
		[a/irq]
		default_smp_affinity = ${some}
		[phase b]
		order = 2
		[b/sysctl]
		vm.swappiness = 12
		vm.overcommit_memory = 1
		[b/pmqos *]
		resume_latency_us = 50
		[b/cpuidle *]
		max_latency_us = 0
		[b/cpufreq]
		governor = performance
		max_khz = max
		[b/sysfs]
		rcu_expedited = 1
	END
	profile two <<-'END'
		[phase c]
		[c/sysctl]
		vm.swappiness = 13
		vm.dirty_ratio = 15
		net.core.rmem_max = 33554432
		[c/vm]
		thp.enabled = always
		thp.defrag = never
		ksm.run = 1
	END
}

# compare BEFORE AFTER: no line differs but those that differ between two dumps of the idle host.
compare() { "$top/tests/tools/hostdump-diff" "$1" "$2" >&2; }

orders="one/a:one/b:two/c one/a:two/c:one/b one/b:one/a:two/c one/b:two/c:one/a two/c:one/a:one/b two/c:one/b:one/a"

@test "P1 on this host: three layers, rolled back in every order, no line differs" {
	needs_root
	three_layers
	for order in $orders; do
		"$judge" >"$BATS_TEST_TMPDIR/before"
		exits 0 live apply one
		exits 0 live apply two
		exits 0 live verify
		for layer in ${order//:/ }; do
			exits 0 live rollback --phase "$layer" || { live rollback --all --force; return 1; }
		done
		"$judge" >"$BATS_TEST_TMPDIR/after"
		compare "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after" || { echo "order $order" >&2; return 1; }
	done
}

@test "P1 on recorded machines: three layers, rolled back in every order, no byte differs" {
	for machine in $machines; do
		tree=$BATS_TEST_TMPDIR/$machine
		host "$machine"
		three_layers
		before=$(shot)
		for order in $orders; do
			exits 0 hft apply one
			exits 0 hft apply two
			exits 0 hft verify
			[ "$(shot)" != "$before" ]
			for layer in ${order//:/ }; do
				exits 0 hft rollback --phase "$layer"
			done
			same "$before" "$(shot)" || { echo "$machine, order $order" >&2; return 1; }
		done
	done
}

@test "P1 on recorded machines: a replay in the next boot, then a rollback, is as that boot began" {
	three_layers
	for machine in $machines; do
		rm -rf "$tree" "$BATS_TEST_TMPDIR/fresh" && host "$machine"
		cp -a "$tree" "$BATS_TEST_TMPDIR/fresh"
		exits 0 hft apply one
		exits 0 hft apply two
		applied=$(shot)
		cp -a "$BATS_TEST_TMPDIR"/fresh/{proc,sys} "$tree"
		cat /proc/sys/kernel/random/uuid >"$tree/proc/sys/kernel/random/boot_id"
		# Another boot, other values: what this one began with are its originals.
		echo 70 >"$tree/proc/sys/vm/swappiness"
		echo 262144 >"$tree/proc/sys/net/core/rmem_max"
		before=$(shot)
		exits 0 hft replay
		same "$(grep -v boot_id <<<"$applied")" "$(shot | grep -v boot_id)"
		for layer in b c a; do exits 0 hft rollback --phase $layer; done
		same "$before" "$(shot)"
	done
}

@test "P1 coupled values come back: dirty_bytes and dirty_ratio, THP and min_free_kbytes" {
	needs_root
	old="$(cat /proc/sys/vm/dirty_ratio /proc/sys/vm/dirty_bytes /proc/sys/vm/min_free_kbytes)"
	profile p <<-'END'
		[phase a]
		[a/sysctl]
		vm.dirty_bytes = 104857600
		[a/vm]
		thp.enabled = never
	END
	exits 0 live apply p
	[ "$(cat /proc/sys/vm/dirty_ratio)" = 0 ]
	exits 0 live rollback --all
	same "$old" "$(cat /proc/sys/vm/dirty_ratio /proc/sys/vm/dirty_bytes /proc/sys/vm/min_free_kbytes)"
}

@test "P1 what the kernel changes along with a write comes back, after a crash too" {
	host vm-1cpu
	min_free=$tree/proc/sys/vm/min_free_kbytes
	before=$(shot)
	profile p <<<$'[phase a]\n[a/vm]\nthp.enabled = never'
	HFT_FAULT='write@*transparent_hugepage/enabled:1:crash-after' hft apply p >/dev/null 2>&1 || true
	kept=$(<"$min_free")
	echo $((kept + 1000)) >"$min_free" # as set_recommended_min_free_kbytes() does it
	exits 0 hft repair
	same "$before" "$(shot)"
}

@test "P1 interrupts on this host: moved and put back" {
	needs_root
	[ "$(nproc)" -gt 1 ] || skip "one CPU: nothing can be moved"
	profile p <<-'END'
		[phase a]
		[a/irq *]
		affinity = 0
	END
	list() { grep -H . /proc/irq/*/smp_affinity_list; }
	before=$(list)
	exits 0 live --json apply p
	[ "$(field .summary.change)" -gt 0 ]
	exits 0 live rollback --all
	same "$before" "$(list)"
}

@test "P1 what may not come back is refused, unless the phase accepts it" {
	host xeon-2s
	echo 8 >"$tree/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
	profile p <<<$'[phase a]\n[a/vm 2048kB]\nhugepages = 0'
	exits 3 hft --json plan p
	[ "$(field '.steps[0].exact')" = false ]
	exits 4 hft --json apply p
	[ "$(field .error.code)" = refused ]
	profile p <<<$'[phase a]\naccept = inexact\n[a/vm 2048kB]\nhugepages = 0'
	exits 0 hft apply p
}

teardown() {
	[ ! -d "$BATS_TEST_TMPDIR/state" ] || live rollback --all --force >/dev/null 2>&1 || true
}
