#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What people see: the width of the terminal, and sentences that are right.
load ../helper

setup() { host vm-1cpu; }

# fits COLUMNS VERB...: no line of the verb's output is wider.
fits() {
	local columns=$1
	shift
	COLUMNS=$columns hft "$@" >"$BATS_TEST_TMPDIR/out" || [ $? = 3 ]
	[ -s "$BATS_TEST_TMPDIR/out" ]
	absent "^.{$((columns + 1)),}\$" "$BATS_TEST_TMPDIR/out"
}

@test "explain finds a row by what stands for its '*', in either spelling" {
	for asked in sysctl.net.ipv4.conf.eth0.rp_filter sysctl.net/ipv4/conf/eth0/rp_filter 'sysctl.net.ipv4.conf.*.rp_filter'; do
		exits 0 hft explain "$asked"
		has 'sysctl net.ipv4.conf.*.rp_filter'
	done
	exits 0 hft explain nic.feature.rx-gro
	has 'nic feature.*'
	for asked in nic.feature. sysctl.net.ipv4.conf.eth0.rp_filte sysctl.vm.swappiness.x; do
		exits 2 hft explain "$asked"
	done
}

@test "explain fits 80 and 200 columns: all knobs, each knob, each option" {
	knobs=$(hft --json explain | jq -r '[.rows[].knob] | unique[]')
	for columns in 80 200; do
		fits $columns explain
		for knob in $knobs; do fits $columns explain "$knob"; done
		fits $columns explain cpufreq.pstate_status
	done
}

@test "one step is one step" {
	profile one <<<$'[phase a]\n[a/sysctl]\nvm.swappiness = 11'
	exits 3 hft plan one
	has '1 step: 1 change'
	exits 0 hft apply one
	has '1 step: 1 written'
}

@test "a conflict that is left is settled by a rollback of its layer, and verify says so" {
	profile one <<<$'[phase a]\n[a/sysctl]\nvm.swappiness = 11'
	exits 0 hft apply one
	echo 77 >"$tree/proc/sys/vm/swappiness"
	exits 4 hft rollback --all
	exits 3 hft verify
	has 'rollback --phase one/a --force'
	absent 'next: .*repair' <<<"$output"
	exits 0 hft rollback --phase one/a --force
	exits 0 hft verify
}

@test "a damaged journal: verify cannot say ok, and status does not say that nothing is applied" {
	profile one <<<$'[phase a]\n[a/sysctl]\nvm.swappiness = 11'
	exits 0 hft apply one
	sed -i s/swappiness/swappinesz/ "$tree"/var/lib/hfttune/txn/0001.journal
	for _ in before after; do
		exits 4 hft --json verify
		[ "$(field .error.code)" = state-damaged ]
		[[ $(field .error.subject) == *0001.journal* ]]
		exits 0 hft status
		has 0001.journal
		absent 'No layer' <<<"$output"
		exits 0 hft verify one
		exits 4 hft apply one # moves it into quarantine
	done
}

@test "managed interrupts are one line, and interrupts that are moved one each" {
	rm -rf "$tree"
	host xeon-2s
	profile queues <<<$'[phase a]\n[a/irq driver:nvme]\naffinity = 0-3\n[a/irq nic:eth0]\naffinity = 0-3'
	exits 3 hft plan queues
	[ "$(grep -c 'managed interrupt' <<<"$output")" -le 2 ]
	grep -q 'msi-{1-[0-9]*} (nvme0q1 ... nvme0q[0-9]*) .*not applicable' <<<"$output"
	[ "$(grep -c 'eth0 mlx5_comp' <<<"$output")" -gt 2 ]
	[ "$(hft --json plan queues | jq '[.steps[] | select(.state == "not_applicable")] | length')" -gt 8 ]
}

@test "interrupts with names keep a line each, however alike they are" {
	profile all <<<$'[phase a]\n[a/irq *]\naffinity = 0'
	exits 0 hft plan all
	[ "$(grep -c ' msi-[0-9]* (' <<<"$output")" = 5 ]
}

@test "a plan cuts the masks that go along with SMT, and --json has them whole" {
	rm -r "$tree"
	host xeon-2s
	profile p <<<$'[phase a]\n[a/smt]\ncontrol = off'
	COLUMNS=100 exits 3 hft plan p
	has 'smt interrupts    pci-0000:98:00.0 msi-1=8;pci-0000:98:00....  -'
	exits 3 hft --json plan p
	[ "$(field '[.steps[] | select(.object == "interrupts")][0].before | length')" -gt 100 ]
}
