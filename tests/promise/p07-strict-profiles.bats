#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P7: what a profile cannot mean is exit 2 with file:line, nothing touched, other clients served.
load ../helper

setup() {
	host vm-1cpu
	before=$(shot)
}

# refused LINE [CODE]: the profile on standard input is exit 2; LINE is where ("-" for no line), nothing was touched.
refused() {
	cat >"$profiles/bad.conf"
	refused_file "$@"
}

refused_file() {
	local line=$1 code=${2:-invalid-profile} said where message
	exits 2 hft --json apply bad
	{ read -r said; read -r where; read -r message; } < <(field '.error | .code, .where, .message')
	[ "$said" = "$code" ] || { echo "code $said, expected $code: $output" >&2; return 1; }
	[ "$line" = - ] || [[ $where == *bad.conf:$line ]] ||
		{ echo "where $where, expected line $line: $output" >&2; return 1; }
	[ -n "$message" ] && [ "$message" != null ]
	same "$before" "$(shot)"
	[ ! -e "$tree/var/lib/hfttune" ] # not even that
}

@test "P7 a profile that does not exist" { exits 2 hft --json apply nowhere; [ "$(field .error.code)" = no-such-profile ]; }

# refused_kind: what is there instead of a profile is exit 2, and the error says what it should be.
refused_kind() {
	refused_file -
	[[ $(field .error.wanted) == *"regular file of at most 1 MiB"* ]]
	[[ $(field .error.where) == */bad.conf ]]
	rm -r "$profiles/bad.conf"
}

@test "P7 a directory, a pipe, a link" {
	mkdir "$profiles/bad.conf"
	refused_kind
	mkfifo "$profiles/bad.conf"
	refused_kind
	ln -s /dev/zero "$profiles/bad.conf"
	refused_kind
}

@test "P7 one gibibyte, without reading it" {
	truncate -s 1G "$profiles/bad.conf"
	refused_kind
}

@test "P7 a profile that others may write" {
	echo '[phase a]' >"$profiles/bad.conf"
	chmod 666 "$profiles/bad.conf"
	refused_file -
	[[ $(field .error.message) == */bad.conf\ is\ writable* ]]
}

@test "P7 not UTF-8" { printf '[phase a]\nsummary = \xff\xfe\n' >"$profiles/bad.conf"; refused_file 2; }

@test "P7 includes itself" { refused 2 <<<$'[profile]\ninclude = bad'; }

@test "P7 unknown section, option, variable, knob, condition" {
	refused 1 <<<$'[nonsense]\na = 1'
	refused 2 <<<$'[phase a]\nnonsense = 1'
	refused 3 <<<$'[phase a]\n[a/sysctl]\nvm.nonsense = 1'
	refused 3 <<<$'[phase a]\n[a/sysctl]\nvm.swappiness = ${nonsense}'
	refused 3 <<<$'[phase a]\n[a/nonsense]\nx = 1'
	refused 2 <<<$'[phase a]\n[a/sysctl if=nonsense]\nvm.swappiness = 1'
	refused 1 <<<$'[a/sysctl]\nvm.swappiness = 1'
}

@test "P7 bad syntax" {
	refused 1 <<<'[phase a'
	refused 1 <<<'[phase a] b'
	refused 1 <<<'vm.swappiness = 1'
	refused 2 <<<$'[phase a]\nsummary'
	refused 2 <<<$'[phase a]\nsummary: x'
	refused 3 <<<$'[phase a]\nsummary = x\n  order = 1'
	refused 3 <<<$'[phase a]\norder = 1\norder = 2'
	refused 3 <<<$'[phase a]\n[a/sysctl]\nvm.swappiness'
	refused 4 <<<$'[phase a]\n[a/sysctl]\nvm.swappiness = 1\nvm/swappiness = 2'
}

@test "P7 phase keys that nobody knows, and values that they do not take" {
	refused 2 <<<$'[phase a]\nwy = x'
	refused 2 <<<$'[phase a]\ndrift = ignore'
	refused 2 <<<$'[phase a]\nrestart = perhaps'
	refused 2 <<<$'[phase a]\nconflicts = yes'
}

@test "P7 a unit and an option that are not in the tables cannot be named" {
	for name in kernel.core_pattern kernel.modprobe kernel.sysrq kernel.modules_disabled kernel.panic \
		kernel.kexec_load_disabled fs.binfmt_misc.status ../kernel/core_pattern kernel/core_pattern \
		vm/../kernel/core_pattern; do
		refused 3 <<<"[phase a]
[a/sysctl]
$name = 1"
	done
	refused 3 no-match <<<$'[phase a]\n[a/service x.service]\nNice = 1'
	refused 3 <<<$'[phase a]\n[a/service x.service]\nExecStart = /bin/sh'
	refused 3 <<<$'[phase a]\n[a/nonsense x.service]\nNice = 1'
}

@test "P7 CPU sets: empty, reversed, endless, absent, no housekeeping core, nobody said" {
	refused 2 <<<$'[cpus]\nset = online - online'
	refused 2 <<<$'[cpus]\nset = 2-1'
	refused 2 <<<$'[cpus]\nset = 0-99999999999'
	refused 2 <<<$'[cpus]\nset = 7'
	[ "$(field .error.wanted)" = 0 ] # the CPUs that there are
	refused 2 <<<$'[cpus]\nset = ?'
	refused 3 <<<$'[phase a]\n[a/workqueue]\ncpumask = 2-1'
	refused 3 out-of-bounds <<<$'[phase a]\n[a/workqueue]\ncpumask = 0-99999999999'
}

@test "P7 values out of bounds, in hexadecimal, with blanks, with control characters" {
	refused 3 out-of-bounds <<<$'[phase a]\n[a/sysctl]\nvm.swappiness = 201'
	refused 3 out-of-bounds <<<$'[phase a]\n[a/sysctl]\nvm.swappiness = -1'
	refused 3 <<<$'[phase a]\n[a/sysctl]\nvm.swappiness = 0x3c'
	refused 3 <<<$'[phase a]\n[a/sysctl]\nvm.swappiness = 62 70'
	refused 3 <<<$'[phase a]\n[a/sysctl]\nvm.swappiness ='
	printf '[phase a]\n[a/sysctl]\nvm.swappiness = 6\r7\n' >"$profiles/bad.conf"
	refused_file 3
	printf '[phase a]\n[a/sysctl]\nvm.swappiness = 6\0337\n' >"$profiles/bad.conf"
	refused_file 3
	printf '[phase a]\nsummary = red \033[31m\n' >"$profiles/bad.conf"
	refused_file 2
}

@test "P7 a newline in a value of --set" {
	profile ok <<<$'[variables]\nv = 1\n[phase a]\n[a/sysctl]\nvm.swappiness = ${v}'
	exits 2 hft --json apply ok --set $'variables.v=1\n2'
	same "$before" "$(shot)"
	exits 2 hft --json apply ok --set variables.nonsense=1
	exits 2 hft --json apply ok --set nonsense
}

@test "P7 names that are paths" {
	for name in ../../etc/shadow a/b . .. -x "$(printf 'x%.0s' {1..300})" $'CON\n'; do
		exits 2 hft --json plan -- "$name"
	done
}

@test "P7 a literal selector that matches nothing: exit 2, unless optional; a pattern: not applicable or nothing" {
	refused 3 no-match <<<$'[phase a]\n[a/irq nic:eth77]\naffinity = 0'
	profile ok <<<$'[phase a]\n[a/irq nic:eth77]\noptional = yes\naffinity = 0'
	exits 0 hft --json plan ok
	[ "$(field .summary.not_applicable)" = 1 ]
	profile ok <<<$'[phase a]\n[a/irq nonsense-*]\naffinity = 0'
	exits 0 hft --json plan ok
}

@test "P7 required = yes turns not applicable into a refusal" {
	profile ok <<<$'[phase a]\n[a/cpufreq]\ngovernor = performance'
	exits 0 hft --json plan ok
	[ "$(field .summary.not_applicable)" = 1 ]
	profile strict <<<$'[phase a]\nrequired = yes\n[a/cpufreq]\ngovernor = performance'
	exits 1 hft --json plan strict
	[ "$(field .error.code)" = not-applicable ]
	[[ $(field .error.where) == *strict.conf:4 ]]
}

@test "P7 where nothing was ever applied, what is refused or has nothing to do makes no state directory" {
	profile inexact <<<$'[phase a]\n[a/vm 2048kB]\nhugepages = 0'
	profile ok <<<$'[phase a]\n[a/sysctl]\nvm.swappiness = 11'
	echo 8 >"$tree/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
	exits 4 hft apply inexact
	exits 2 hft apply ok --phase nonsense
	exits 2 hft rollback --phase a
	exits 2 hft rollback --profile ok
	exits 2 hft rollback --to 1
	exits 0 hft rollback
	exits 0 hft rollback --all --force
	exits 0 hft repair
	[ ! -e "$tree/var/lib/hfttune" ]
	exits 0 hft apply ok
	[ -e "$tree/var/lib/hfttune/txn/0001.journal" ]
}

@test "P7 other clients are served meanwhile" {
	daemon
	printf '[phase a]\nsummary = \xff\n' >"$profiles/bad.conf"
	exits 2 client apply bad
	exits 0 client status
	stop_daemon
}

teardown() { stop_daemon -KILL; }
