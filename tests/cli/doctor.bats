#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# `hfttune doctor`: on a recorded host that moves from one reading to the next while it is watched, and on this one.
load ../helper

samples=$top/tests/fixtures/doctor
last_read=/proc/900/task/900/status

setup() {
	mkdir -p "$profiles" "$tree/var/lib"
	"$build/tests/tools/mktree" "$samples/before.tree" "$tree"
	"$build/tests/tools/mktree" "$samples/after.tree" "$tree.after"
}

# moving VERB...: the second reading comes into the tree as soon as the first one was read.
moving() {
	local passed=$BATS_TEST_TMPDIR/passed
	: >"$passed"
	(
		await grep -q "$last_read" "$passed"
		cp -r --remove-destination "$tree.after/." "$tree/"
	) 3>&- &
	local mover=$! status=0
	HFT_FAULT_COUNT=$passed hft "$@" || status=$?
	wait "$mover"
	return "$status"
}

noise() { field ".findings[] | select(.name == \"$1\") | $2"; }

@test "doctor: who disturbs which CPU, how often, by what, and what to do" {
	exits 3 moving --json doctor --seconds 1
	[ "$(field .cpus.watched)" = 2-3 ]
	[ "$(field .cpus.isolated)" = 2-3 ]
	[ "$(noise tick .state)" = noisy ]
	[ "$(noise tick .cpus)" = 3 ]
	[ "$(noise tick .events)" = 2480 ]
	[ "$(noise timers .cpus)" = 2 ]
	[ "$(noise devices .detail)" = virtio2-input.0 ]
	[ "$(noise devices .cpus)" = 3 ]
	[ "$(noise function-call .cpus)" = 2 ]
	[ "$(noise tlb .state)" = quiet ]
	[ "$(noise machine-check .state)" = absent ]
	[ "$(noise smi .state)" = not_watched ]
	[ "$(noise other-tasks .detail)" = 'node, cron, spinner' ]
	[ "$(noise kernel-threads-allowed .detail)" = kthreadd ]
	[ "$(noise preempted .detail)" = redis-server ]
	[ "$(noise numa-hints .events)" = 40 ]
	[ "$(noise console .per_second)" = '' ]
	[ "$(field '.findings[0].name')" = tick ] # the worst
	[ "$(field '[.findings[].name] | length')" -gt 40 ]
	[ "$(field '.summary | .noisy + .quiet + .absent + .not_watched')" = "$(field '.findings | length')" ]
}

# Rates depend on the moment: the first number with a decimal point of a line becomes as many 9s.
steady() {
	awk 'match($0, /[0-9]+\.[0-9]/) {
		number = substr($0, RSTART, RLENGTH)
		gsub(/[0-9]/, "9", number)
		$0 = substr($0, 1, RSTART - 1) number substr($0, RSTART + RLENGTH)
	} 1'
}

@test "doctor: a table at 80 and 200 columns" {
	for columns in 80 200; do
		rm -rf "$tree"
		"$build/tests/tools/mktree" "$samples/before.tree" "$tree"
		COLUMNS=$columns exits 3 moving doctor --seconds 1
		golden=$top/tests/golden/doctor-$columns.txt
		if [ "${HFT_GOLDEN:-}" = write ]; then steady <<<"$output" >"$golden"; fi
		diff -u "$golden" <(steady <<<"$output") >&2
		absent "^.{$((columns + 1)),}\$" "$golden"
	done
}

@test "doctor: a longer look lets more pass" {
	exits 3 moving --json doctor --seconds 3
	[ "$(field .milliseconds)" -ge 3000 ]
	[ "$(noise reschedule .state)" = quiet ] # 4 in 3 s, where 10 in 10 s are let pass
	[ "$(noise timers .state)" = noisy ]     # 9
	[ "$(noise kworkers .state)" = noisy ]
}

@test "doctor: a copied tree that stands still is no quiet host" {
	exits 1 hft --json doctor --seconds 1
	[ "$(field .error.code)" = not-applicable ]
}

@test "doctor: without isolated CPUs it says so, and judges what concerns the host" {
	for file in isolated nohz_full; do
		rm -f "$tree/sys/devices/system/cpu/$file" "$tree.after/sys/devices/system/cpu/$file"
	done
	last_read=/proc/vmstat
	exits 3 moving --json doctor --seconds 1
	[ "$(field .cpus.watched)" = '' ]
	[ "$(field '[.findings[] | select(.state == "noisy" and (.host_wide | not))] | length')" = 0 ]
	[ "$(noise numa-hints .state)" = noisy ]
	[ "$(noise tick .state)" = absent ]
}

@test "doctor: CPUs of partitions and of layers count as isolated, an invalid partition does not" {
	for file in isolated nohz_full; do
		rm -f "$tree/sys/devices/system/cpu/$file" "$tree.after/sys/devices/system/cpu/$file"
	done
	for part in "hft.slice isolated 3" "bad.slice isolated_invalid 2" "system.slice member 0-2"; do
		read -r name kind list <<<"$part"
		mkdir -p "$tree/sys/fs/cgroup/$name"
		echo "${kind/_invalid/ invalid (Cpu list in cpuset.cpus not exclusive)}" >"$tree/sys/fs/cgroup/$name/cpuset.cpus.partition"
		echo "$list" >"$tree/sys/fs/cgroup/$name/cpuset.cpus.effective"
	done
	exits 3 moving --json doctor --seconds 1
	[ "$(field .cpus.partitions)" = 3 ]
	[ "$(field .cpus.watched)" = 3 ]
}

@test "doctor: what is wrong without any counter" {
	echo 1-3 >"$tree/isolated.new" && mv -f "$tree/isolated.new" "$tree/sys/devices/system/cpu/nohz_full"
	echo 2 >"$tree/isolated.new" && mv -f "$tree/isolated.new" "$tree/sys/devices/system/cpu/isolated"
	exits 3 moving --json doctor --seconds 1
	[[ $(field '.warnings[] | select(.subject == "nohz_full") | .message') == *'CPUs 1,3 '* ]]
	[[ $(field '.warnings[] | select(.subject == "housekeeping") | .message') == *'whole core'* ]]
	[ "$(field .summary.warnings)" = "$(field '.warnings | length')" ]
}

@test "doctor: an unfinished transaction is named, and left as it is" {
	mkdir -p "$tree/proc/sys/vm"
	echo 60 >"$tree/proc/sys/vm/swappiness"
	profile p <<<$'[phase calm]\n[calm/sysctl]\nvm.swappiness = 11'
	HFT_FAULT="write@*swappiness:1:crash-after" hft apply p >/dev/null 2>&1 || true
	exits 3 moving --json doctor --seconds 1
	[[ $(field '.warnings[] | select(.subject == "journal") | .message') == *'transaction 1 '* ]]
	[ "$(value /proc/sys/vm/swappiness)" = 11 ]
}

@test "doctor: a layer of an earlier boot is named" {
	mkdir -p "$tree/proc/sys/vm"
	echo 60 >"$tree/proc/sys/vm/swappiness"
	profile p <<<$'[phase calm]\n[calm/sysctl]\nvm.swappiness = 11'
	exits 0 hft apply p
	rm "$tree.after/proc/sys/kernel/random/boot_id" "$tree/proc/sys/kernel/random/boot_id"
	echo 22222222-2222-2222-2222-222222222222 >"$tree/proc/sys/kernel/random/boot_id"
	exits 3 moving --json doctor --seconds 1
	[ "$(field '.warnings[] | select(.subject == "calm") | .hint')" = 'hfttune apply p --phase calm' ]
}

@test "doctor: another tool that sets what a layer sets, and a file that will" {
	mkdir -p "$tree/proc/sys/vm" "$tree/etc/sysctl.d" "$tree/run/systemd/units" "$tree/run/systemd/system"
	echo 60 >"$tree/proc/sys/vm/swappiness"
	profile p <<<$'[phase calm]\n[calm/sysctl]\nvm.swappiness = 11'
	exits 0 hft apply p
	echo 'vm.swappiness = 40' >"$tree/etc/sysctl.d/60-other.conf"
	exits 3 moving --json doctor --seconds 1
	[[ $(field '.warnings[] | select(.subject == "calm") | .message') == *60-other.conf:1*vm.swappiness* ]]
	ln -s 00112233445566778899aabbccddeeff "$tree/run/systemd/units/invocation:tuned.service"
	"$build/tests/tools/mktree" "$samples/before.tree" "$tree.again"
	cp -r --remove-destination "$tree.again/." "$tree/"
	exits 3 moving --json doctor --seconds 1
	[[ $(field '.warnings[] | select(.subject == "tuned.service") | .message') == *vm.swappiness* ]]
}

@test "doctor: never asks a CPU" {
	exits 3 moving --json doctor --seconds 1
	[ "$(wc -l <"$BATS_TEST_TMPDIR/passed")" -gt 100 ]
	absent 'energy_perf_bias|energy_performance_preference|/msr|cpuinfo_cur_freq|scaling_cur_freq' "$BATS_TEST_TMPDIR/passed"
}

@test "doctor: --seconds is a number from 1 to 3600" {
	for wrong in 0 3601 x -1 1.5; do
		exits 2 hft --json doctor --seconds "$wrong"
		[ "$(field .error.code)" = invalid-argument ]
	done
	exits 2 hft plan x --seconds 1
}

@test "doctor: this host, for a second" {
	status=0
	output=$("$build/hfttune" --standalone --state-dir "$BATS_TEST_TMPDIR/state" --json doctor --seconds 1) || status=$?
	[ "$status" = 0 ] || [ "$status" = 3 ]
	[ "$(field .milliseconds)" -ge 1000 ]
	[ "$(field .milliseconds)" -lt 20000 ]
	[ "$(field '.findings | length')" -gt 40 ]
	[ ! -e "$BATS_TEST_TMPDIR/state" ]
}

@test "doctor: a busy loop on an isolated CPU of this host has the tick" {
	[ "$(id -u)" = 0 ] || skip "needs root: it mounts this host's /proc and /sys into a tree, in a namespace of its own"
	unshare -m true 2>/dev/null || skip "no mount namespace to be had"
	last=$(($(nproc --all) - 1))
	[ "$last" -ge 1 ] || skip "one CPU"
	rm -rf "$tree"
	mkdir -p "$tree/proc" "$tree/sys" "$tree/var/lib"
	echo "$last" >"$BATS_TEST_TMPDIR/isolated"
	cat >"$BATS_TEST_TMPDIR/inside" <<-'END'
		set -eu
		mount --rbind /proc "$1/proc"
		mount --rbind /sys "$1/sys"
		mount --bind "$2" "$1/sys/devices/system/cpu/isolated"
		shift 2
		exec "$@"
	END
	taskset -c "$last" timeout 3 sh -c 'while :; do :; done' 3>&- &
	busy=$!
	exits 3 unshare -m sh "$BATS_TEST_TMPDIR/inside" "$tree" "$BATS_TEST_TMPDIR/isolated" \
		"$build/hfttune" --root "$tree" --json doctor --seconds 1
	kill "$busy" || true
	[ "$(field .cpus.watched)" = "$last" ]
	[ "$(noise tick .state)" = noisy ]
	[ "$(noise tick .cpus)" = "$last" ]
	[ "$(noise tick .events)" -ge 90 ]
}
