#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The main job on this very host, as a user would see it: plan, apply, verify, drift, repair, rollback, and the proof
# that the host is as before. Exits 0 only if every step did what it says. Needs root; needs no systemd.
#	demo.sh BUILD-DIRECTORY
set -u

build=${1:?usage: demo.sh BUILD-DIRECTORY}
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
judge=$build/tests/tools/hostdump
step=0
bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi

hfttune() { "$build/hfttune" --standalone --state-dir "$work/state" --profile-dir "$top/profiles" "$@"; }

# Whatever happens, nothing of the demo stays in force.
leave() {
	status=$?
	trap - EXIT INT TERM
	hfttune rollback --all --force >/dev/null 2>&1 || status=1
	rm -rf "$work"
	exit $status
}
trap leave EXIT
trap 'exit 130' INT TERM

fail() { printf '\ndemo: FAILED: %s\n' "$*" >&2; exit 1; }

# expect EXIT-STATUS VERB...: show the command and what it prints, and hold it to its exit status.
expect() {
	wanted=$1
	shift
	step=$((step + 1))
	printf '\n%s%d. hfttune %s%s\n' "$bold" "$step" "$*" "$plain"
	hfttune "$@"
	got=$?
	[ "$got" = "$wanted" ] || fail "hfttune $* ended with $got, expected $wanted"
}

[ "$(id -u)" = 0 ] || fail "run it as root: it tunes this host, and takes it back"
case $(cat /proc/sys/vm/swappiness) in 10) theirs=20 ;; *) theirs=10 ;; esac

"$judge" >"$work/before" || fail "the host could not be dumped"
expect 3 plan demo
expect 0 apply demo
expect 0 verify
printf '\nSomebody else writes: sysctl vm.swappiness=%s\n' "$((theirs + 33))"
echo $((theirs + 33)) >/proc/sys/vm/swappiness
expect 3 verify
expect 0 repair
expect 0 verify
expect 0 status
expect 0 rollback --all
"$judge" >"$work/after" || fail "the host could not be dumped"
printf '\n%sThe proof%s: %s tunables of this host were read before and after.\n' "$bold" "$plain" "$(wc -l <"$work/before")"
"$top/tests/tools/hostdump-diff" "$work/before" "$work/after" || fail "the host is not as it was"
echo "No line differs: the host is as it was."
