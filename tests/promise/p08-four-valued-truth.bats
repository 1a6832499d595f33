#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P8: ok, drift, pending or not applicable, with the reason, judged by the effect and not only by the file.
load ../helper

setup() {
	host xeon-2s
	profile p <<-'END'
		[profile]
		summary = interrupts away from CPU 4
		[cpus]
		housekeeping = online - siblings(4)
		[phase a]
		[a/irq nic:eth0]
		affinity = ${housekeeping}
		[a/irq driver:nvme]
		affinity = ${housekeeping}
	END
}

# The number of an interrupt of the network card.
nic_irq() { grep -lE '(eth0|mlx5|ice)' "$tree"/sys/kernel/irq/*/actions | head -1 | xargs dirname | xargs basename; }

@test "P8 ok and not applicable: managed interrupts are named once, with the reason" {
	exits 0 hft --json apply p
	[ "$(field .summary.not_applicable)" -gt 0 ]
	[ "$(field '[.steps[] | select(.state == "not_applicable") | .reason] | unique | length')" = 1 ]
	[[ $(field '[.steps[] | select(.state == "not_applicable") | .reason][0]') == *managed* ]]
	exits 0 hft --json verify
	[ "$(field .summary.ok)" -gt 0 ]
	[ "$(field .summary.drift)" = 0 ]
	[ "$(field .summary.not_applicable)" -gt 0 ]
}

@test "P8 pending: asked for, and in effect with the next interrupt; never counted as ok" {
	exits 0 hft --json apply p
	ok=$(hft --json verify | jq .summary.ok)
	echo 4 >"$tree/proc/irq/$(nic_irq)/effective_affinity_list"
	exits 0 hft --json verify
	[ "$(field .summary.pending)" = 1 ]
	[ "$(field .summary.ok)" = $((ok - 1)) ]
	[[ $(field '.steps[] | select(.state == "pending") | .reason') == *"next interrupt"* ]]
}

@test "P8 drift: the effect counts, and so does an interrupt that appeared since" {
	exits 0 hft --json apply p
	n=$(nic_irq)
	echo 4 >"$tree/proc/irq/$n/smp_affinity_list"
	exits 3 hft --json verify
	[ "$(field .summary.drift)" = 1 ]
	exits 0 hft repair
	exits 0 hft verify
}

@test "P8 not applicable: what a read-only file system holds, unless the phase requires it; a rollback fails there" {
	read_only() { HFT_FAULT='write@*transparent_hugepage/enabled:*:EROFS' "$@"; }
	for required in no yes; do
		profile "ro-$required" <<<"[phase a]
required = $required
[a/sysctl]
vm.swappiness = 11
[a/vm]
thp.enabled = never"
	done
	swappiness=$(value /proc/sys/vm/swappiness)
	exits 0 read_only hft --json apply ro-no
	[ "$(field '[.steps[] | select(.state == "not_applicable") | .object] | join(" ")')" = thp.enabled ]
	[[ $(field '.steps[] | select(.state == "not_applicable") | .reason') == *Read-only* ]]
	[ "$(value /proc/sys/vm/swappiness)" = 11 ]
	exits 0 hft --json verify # a file that can be read again says nothing about writes
	[ "$(field .summary.not_applicable)" = 1 ]
	exits 0 hft rollback --all
	[ "$(value /proc/sys/vm/swappiness)" = "$swappiness" ]
	exits 1 read_only hft apply ro-yes
	[ "$(value /proc/sys/vm/swappiness)" = "$swappiness" ]
	exits 0 hft apply ro-yes
	exits 1 read_only hft rollback --all
	exits 0 hft verify
	exits 0 hft rollback --all
}
