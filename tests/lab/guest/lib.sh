# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a scenario has to work with, in the guest. An expectation that fails says file:line, what was wanted and what was
# found, and ends the scenario; so does any command that fails unasked.
#
#	step TEXT                        what comes now, for people; also what tells the host that the guest lives
#	if on_boot N; then ... fi        the part of the scenario that belongs to boot N; the first is 0
#	reboot                           a real one; the scenario begins again at its top, in the next boot
#	use_profiles NAME...             tests/lab/profiles/NAME.conf, installed
#	start_engine UNIT THREAD...      a service that has threads of these names (engine.py), and all of them
#	dump NAME                        the whole host as the judge sees it, kept over reboots
#	await SECONDS COMMAND...         until it succeeds
#	expect_exit STATUS COMMAND...    run it; leaves $output and $errors
#	expect_eq WANTED FOUND [WHAT]    two texts
#	expect_has TEXT                  $output or $errors holds it
#	expect_file FILE WANTED          its content, without the newline at the end
#	expect_true COMMAND...           a condition
#	expect_await SECONDS COMMAND...  a condition that comes true in time
#	expect_cpu_quiet LIST [N [S]]    at most N (1) interrupts, softirqs, switches a second beside a loop of S (10) s
#	expect_same_host BEFORE AFTER    no line of two dumps differs, but for what each boot makes anew if one lies between
#	expect_differs BEFORE AFTER      the opposite: the judge is not blind
set -eEuo pipefail
: "${share:?}"
dumps=$share/dumps source=/usr/src/hfttune
PATH=$share/tools:$source/build/tests/tools:$PATH
boot=$(cat "$share/boot")

# file:line of the scenario that is being run, whichever helper asks.
place() {
	local i
	for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
		case ${BASH_SOURCE[i]} in
		*/lib.sh) ;;
		*) echo "tests/lab/${BASH_SOURCE[i]#"$share/"}:${BASH_LINENO[i - 1]}"; return ;;
		esac
	done
}

tell() {
	sed 's/[^[:print:][:space:]]/?/g' >>"$share/progress"
}

# complain PLACE WHAT WANTED FOUND: the first failure is the one that counts.
complain() {
	[ ! -e "$share/failed" ] || exit 1
	printf 'FAILED %s: %s\n    wanted: %s\n    found:  %s\n' "$1" "$2" "${3//$'\n'/$'\n'            }" \
		"${4//$'\n'/$'\n'            }" | head -n 60 | tee "$share/failed" | tell
	exit 1
}
trap 'status=$?; complain "$(place)" "$BASH_COMMAND" "exit status 0" "exit status $status"' ERR

expected() {
	place >>"$share/expectations"
}

step() {
	echo "step $*" | tell
	echo "== $*"
}

on_boot() {
	[ "$boot" = "$1" ]
}

reboot() {
	step reboot
	echo $((boot + 1)) >"$share/boot"
	: >"$share/rebooting"
	systemctl --no-block reboot
	exit 0
}

# For those who make the machine: it is kept as it is now, for scenarios to start from.
hold() {
	step hold
	: >"$share/holding"
	exit 0
}

use_profiles() {
	local name
	for name; do cp "$share/profiles/$name.conf" /etc/hfttune/profiles/; done
}

start_engine() {
	local unit=$1
	shift
	printf '[Service]\nExecStart=/usr/bin/python3 %s/guest/engine.py %s\n' "$share" "$*" >"/etc/systemd/system/$unit"
	systemctl daemon-reload
	systemctl start "$unit"
	await_engine "$unit" $#
}

await_engine() { # UNIT THREADS: with names, beside the main one
	expect_await 60 has_threads "$1" "$2"
}
has_threads() {
	[ "$(grep -Lx python3 "/proc/$(systemctl show -P MainPID "$1")/task"/*/comm | wc -l)" = "$2" ]
}

dump() {
	hostdump >"$dumps/$1"
	echo "$boot" >"$dumps/$1.boot"
}

await() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.3
	done
}

expect_exit() {
	local wanted=$1 found=0
	shift
	expected
	output=$("$@" 2>"$share/errors") || found=$?
	errors=$(cat "$share/errors")
	printf '$ %s\n%s\n%s\n' "$*" "$output" "$errors"
	[ $found = "$wanted" ] || complain "$(place)" "$*" "exit status $wanted" "exit status $found"$'\n'"$output"$'\n'"$errors"
}

expect_eq() {
	expected
	[ "$1" = "$2" ] || complain "$(place)" "${3:-equal}" "$1" "$2"
}

expect_has() {
	expected
	[[ $output$errors == *"$1"* ]] || complain "$(place)" "in the output" "$1" "$output"$'\n'"$errors"
}

expect_file() {
	expected
	[ "$(cat "$1")" = "$2" ] || complain "$(place)" "$1" "$2" "$(cat "$1")"
}

expect_true() {
	local status=0
	expected
	"$@" || status=$?
	[ $status = 0 ] || complain "$(place)" "$*" "exit status 0" "exit status $status"
}

expect_await() {
	expected
	await "$@" || complain "$(place)" "${*:2}" "true within $1 s" "not true"
}

differences() { # BEFORE AFTER; 0: none, and $found
	local rules=(--ignore "$share/tools/hostdump.ignore")
	cmp -s "$dumps/$1.boot" "$dumps/$2.boot" || rules+=(--ignore "$share/tools/hostdump-reboot.ignore")
	found=$(hostdump-diff "${rules[@]}" "$dumps/$1" "$dumps/$2" 2>&1)
}

expect_same_host() {
	local found status=0
	expected
	differences "$1" "$2" || status=$?
	[ $status = 0 ] || complain "$(place)" "dumps $1 and $2" "no line differs" "$(wc -l <<<"$found") lines"$'\n'"$found"
}

expect_differs() {
	local found status=0
	expected
	differences "$1" "$2" || status=$?
	[ $status = 1 ] || complain "$(place)" "dumps $1 and $2" "lines that differ" "status $status $found"
}

cpus_of() { # LIST
	local part
	for part in ${1//,/ }; do seq "${part%-*}" "${part#*-}"; done
}

expect_cpu_quiet() {
	local cpu line most=${2:-1}
	expected
	for cpu in $(cpus_of "$1"); do
		noise "$cpu" "${3:-10}" >"$share/noise-$cpu"
		line=$(tail -n 1 "$share/noise-$cpu")
		echo "CPU $cpu: $line"
		# "total: N interrupts/s, N softirqs/s, N context switches/s"
		awk -v most="$most" 'NF < 8 || $2 > most || $4 > most || $6 > most { exit 1 }' <<<"$line" ||
			complain "$(place)" "CPU $cpu" "at most $most of each a second" "$(cat "$share/noise-$cpu")"
	done
}
