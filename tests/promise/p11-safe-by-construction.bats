#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P11: a whole core always stays for everything else; bounds are compiled in; no verb takes a command or a path.
load ../helper

setup() { host xeon-2s; }

with_housekeeping() {
	profile p <<-END
		[cpus]
		housekeeping = $1
		[phase a]
		[a/workqueue]
		cpumask = \${housekeeping}
	END
}

@test "P11 housekeeping must hold all online threads of a core" {
	siblings=$(cut -d- -f1 <"$tree/sys/devices/system/cpu/cpu1/topology/thread_siblings_list" | tr -d '\n')
	with_housekeeping "1" # one thread of two
	exits 2 hft --json plan p
	[[ $(field .error.where) == *p.conf:2 ]]
	with_housekeeping "online - siblings(online)"
	exits 2 hft --json plan p
	with_housekeeping "siblings(1)"
	exits 3 hft --json plan p
	[ -n "$siblings" ]
}

@test "P11 boot parameters of all layers leave a core" {
	mkdir -p "$tree/etc/default" "$tree/boot/grub"
	touch "$tree/etc/default/grub" "$tree/boot/grub/grub.cfg"
	online=$(value /sys/devices/system/cpu/online)
	profile most <<<$'[cpus]\nmine = online - siblings(0)\n[phase a]\n[a/boot]\nisolcpus = ${mine}'
	profile rest <<<$'[phase b]\n[b/boot]\nnohz_full = 0'
	profile all <<<$'[phase a]\n[a/boot]\nisolcpus = managed_irq,domain,'"$online"
	before=$(shot)
	exits 2 hft --json apply all
	[[ $(field .error.where) == *all.conf:3 ]]
	same "$before" "$(shot)"
	exits 5 hft apply most
	exits 2 hft --json apply rest
	[[ $(field .error.where) == *rest.conf:3 ]]
	exits 5 hft verify
}

@test "P11 what goes offline is no housekeeping, and leaves whole cores behind" {
	profile off <<<$'[cpus]\ntrading = 2\nhousekeeping = online - siblings(trading)\n[phase a]\n[a/smt]\ncontrol = off\n[b/workqueue]\ncpumask = ${housekeeping}\n[phase b]'
	exits 3 hft --json plan off
	[ "$(field '.steps[] | select(.knob == "workqueue") | .after')" = 0-1,3-15 ]
	online=$(value /sys/devices/system/cpu/online)
	profile all <<<"[phase a]
[a/smt 1-31]
online = 0
[a/smt]
control = off
[a/boot]
isolcpus = 0"
	mkdir -p "$tree/etc/default" "$tree/boot/grub"
	touch "$tree/etc/default/grub" "$tree/boot/grub/grub.cfg"
	exits 2 hft --json apply all
	same "$online" "$(value /sys/devices/system/cpu/online)"
}

@test "P11 a partition leaves a core" {
	profile most <<<$'[cpus]\nmine = online - 0\n[phase a]\n[a/isolate hft.slice]\nisolated = ${mine}'
	exits 2 hft --json apply most
	[[ $(field .error.where) == *most.conf:5 ]]
	profile few <<<$'[phase a]\n[a/isolate hft.slice]\nisolated = 2'
	exits 3 hft plan few
	profile half <<<$'[phase a]\n[a/isolate hft.slice]\nothers = 0'
	exits 2 hft plan half
}

@test "P11 bounds hold for every way in: profile, --set, host.conf" {
	profile v <<<$'[variables]\nv = 10\n[phase a]\n[a/sysctl]\nvm.swappiness = ${v}'
	exits 3 hft plan v
	exits 2 hft plan v --set variables.v=999
	mkdir -p "$tree/etc/hfttune"
	echo $'[variables]\nv = 999' >"$tree/etc/hfttune/host.conf"
	exits 2 hft plan v
}

@test "P11 more huge pages than there is memory are refused before the first write" {
	profile huge <<<$'[phase a]\n[a/vm 2048kB]\nhugepages = 99999999'
	before=$(shot)
	exits 2 hft --json apply huge
	[ "$(field .error.code)" = out-of-bounds ]
	same "$before" "$(shot)"
}

@test "P11 pools of huge pages that fit one by one but not together are refused" {
	free=$(awk '/^MemFree/ { print int($2 / 1048576) }' "$tree/proc/meminfo")
	n=$((free * 6 / 10))
	for size in "2048kB $((n * 512))" "1048576kB $n"; do
		profile one <<<"[phase a]
[a/vm ${size% *}]
hugepages = ${size#* }"
		exits 3 hft plan one
	done
	profile both <<<"[phase a]
[a/vm 2048kB]
hugepages = $((n * 512))
[a/vm 1048576kB]
hugepages = $n"
	before=$(shot)
	exits 2 hft --json apply both
	[ "$(field .error.code)" = out-of-bounds ]
	[[ $(field .error.where) == */both.conf:[35] ]]
	same "$before" "$(shot)"
}
