#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Other tools that set the same objects, as an operator meets them, on a copied tree.
load ../helper

# runs UNIT: it is active, as systemd shows it.
runs() {
	mkdir -p "$tree/run/systemd/units" "$tree/run/systemd/system"
	ln -s 00112233445566778899aabbccddeeff "$tree/run/systemd/units/invocation:$1"
}

setup() {
	host vm-1cpu
	profile p <<'END'
[variables]
conflicts = fail
[phase a]
conflicts = ${conflicts}
[a/sysctl]
vm.swappiness = 10
[a/irq *]
affinity = 0
END
}

teardown() { stop_daemon -KILL; }

@test "a tool that runs is refused: its unit, the objects, the line and what to do" {
	runs irqbalance.service
	runs tuned.service
	before=$(shot)
	for verb in plan apply; do
		exits 4 hft "$verb" p
		has 'irqbalance.service (irqbalance) runs and sets irq '
		has 'tuned.service (TuneD) runs and sets sysctl vm.swappiness'
		has "p.conf:8"
		has 'systemctl mask --now irqbalance.service tuned.service'
		has 'conflicts = stop'
		exits 4 hft "$verb" p --json
		[ "$(field .error.code)" = conflict ]
		[ "$(field .error.subject)" = irqbalance.service ]
	done
	same "$before" "$(shot)"
	[ ! -e "$tree/var/lib/hfttune" ]
}

@test "stopped first, and started again by rollback, exactly; after a crash too" {
	runs irqbalance.service
	runs tuned.service
	before=$(shot)
	exits 3 hft plan p --set variables.conflicts=stop --json
	[ "$(field '.steps[0:2] | map(.knob + " " + .object + " " + .after) | join(" ")')" = \
		"unit irqbalance.service stopped unit tuned.service stopped" ]
	exits 0 hft apply p --set variables.conflicts=stop
	[ ! -e "$tree/run/systemd/units/invocation:tuned.service" ]
	[ -e "$tree/run/systemd/system/tuned.service" ]
	exits 0 hft verify
	exits 0 hft rollback --all
	same "$before" "$(shot)"
	HFT_FAULT='write@*swappiness:1:crash-after' hft apply p --set variables.conflicts=stop >/dev/null 2>&1 || true
	[ "$(value /proc/sys/vm/swappiness)" = 10 ]
	[ ! -e "$tree/run/systemd/units/invocation:tuned.service" ]
	exits 0 hft repair
	same "$before" "$(shot)"
}

@test "started again by somebody it is drift with its cause, and repaired" {
	runs irqbalance.service
	exits 0 hft apply p --set variables.conflicts=stop
	rm "$tree/run/systemd/system/irqbalance.service"
	runs irqbalance.service
	exits 3 hft verify
	has 'it runs again: it sets affinities of interrupts, every 10 s'
	exits 0 hft repair
	exits 0 hft verify
	# One that was not there at the apply.
	runs tuned.service
	exits 3 hft verify
	has 'it runs, and sets sysctl vm.swappiness'
	exits 0 hft repair
	exits 0 hft verify
	exits 0 hft rollback --all
	[ -h "$tree/run/systemd/units/invocation:tuned.service" ]
}

@test "ignored, and what only speaks at its time, is said; the same value is not" {
	runs irqbalance.service
	mkdir -p "$tree/etc/sysctl.d"
	printf 'vm.swappiness = 30\n' >"$tree/etc/sysctl.d/50-site.conf"
	exits 3 hft plan p --set variables.conflicts=ignore --json
	[[ $(field '.phases[0].notes[0]') == 'irqbalance.service (irqbalance) sets'*ignored* ]]
	[[ $(field '.phases[0].notes[1]') == '/etc/sysctl.d/50-site.conf:1 sets sysctl vm.swappiness to 30 at boot'* ]]
	printf 'vm.swappiness=10\n' >"$tree/etc/sysctl.d/50-site.conf"
	rm "$tree/run/systemd/units/invocation:irqbalance.service"
	exits 3 hft plan p --json
	[ "$(field '.phases[0].notes | length')" = 0 ]
}

@test "at boot: warned of where the phase refuses it, stopped where it says so" {
	keep_fresh
	exits 0 hft apply p
	reboot_tree
	runs irqbalance.service
	daemon
	exits 0 client replay
	has 'warning: irqbalance.service (irqbalance) runs and sets irq '
	grep -q 'irqbalance.service (irqbalance) runs and sets irq .*mask --now irqbalance.service' "$BATS_TEST_TMPDIR/daemon.log"
	stop_daemon
	[ "$(value /proc/sys/vm/swappiness)" = 10 ]
	exits 0 hft status
	has 'warning: irqbalance.service (irqbalance) runs'
	exits 0 hft history 2
	has 'warning: irqbalance.service (irqbalance) runs'
	exits 3 hft verify
	exits 4 hft repair
	rm "$tree/run/systemd/units/invocation:irqbalance.service"
	exits 0 hft apply p --set variables.conflicts=stop
	reboot_tree
	runs irqbalance.service
	exits 0 hft --json replay
	[ "$(field .warning)" = null ]
	[ ! -e "$tree/run/systemd/units/invocation:irqbalance.service" ]
	exits 0 hft verify
	exits 0 hft rollback --all
	[ -h "$tree/run/systemd/units/invocation:irqbalance.service" ]
}

@test "a profile stops what is known to be in the way, and nothing else" {
	profile q <<<$'[phase a]\n[a/unit]\nsshd.service = stopped'
	exits 2 hft plan q
	profile q <<<$'[phase a]\n[a/unit]\ntuned.service = running'
	exits 2 hft plan q
	profile q <<<$'[phase a]\n[a/irqbalance]\nservice = stopped\nbanned_cpus = 0'
	mkdir -p "$tree/usr/lib/systemd/system" "$tree/run/systemd/system"
	echo '[Service]' >"$tree/usr/lib/systemd/system/irqbalance.service"
	exits 2 hft plan q
}
