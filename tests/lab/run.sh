#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs scenarios in guests: all of them, or those that the environment names. Both guests run side by side; within one,
# scenarios follow each other, each in a boot of its own on a throw-away disk. The last line is "N passed, N failed".
#
#	SCENARIO='NAME...' GUEST='12 13' SMOKE=1 run.sh OUTPUT-DIRECTORY
#
# LAB_LIMIT seconds bound the whole run, whatever hangs: 20 minutes for the smoke subset, four hours for all.
#
# A scenario's head says, in comments, what it proves, then what concerns the runner: `guests: 13` where it is not for
# all, `smoke` if it belongs to the subset of CI.
set -euo pipefail
. "$(dirname "$0")/lab.bash"
out=$(mkdir -p "${1:?output directory}" && cd "$1" && pwd)
declare -A runners

# --- which ---

head_of() { # SCENARIO: its comments, without the licence
	awk '!/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$lab/scenarios/$1.sh"
}

sentence_of() {
	head_of "$1" | grep -vE '^(guests:.*|smoke)$' | xargs -0 printf '%s' | tr '\n' ' '
}

wanted() { # SCENARIO GUEST
	local guests
	guests=$(head_of "$1" | sed -n 's/^guests: *//p')
	[[ " ${guests:-${!codenames[*]}} " == *" $2 "* ]] || return 1
	[ -z "${SMOKE:-}" ] || head_of "$1" | grep -qx smoke
}

# --- one scenario ---

scenario() { # GUEST NAME IMAGE INSTALLED
	local guest=$1 name=$2 dir=$out/$1/$2 started=$SECONDS result
	rm -rf "$dir"
	mkdir -p "$dir"
	say "$guest" "$name: $(sentence_of "$name")"
	make_share "$dir/share" "$lab/scenarios/$name.sh"
	cp --sparse=always "$4/disk.qcow2" "$dir/"
	power_on "$3" "$dir/disk.qcow2" "$dir" -loadvm lab < <(exec yes go 2>/dev/null)
	follow "$guest" "$name" off || :
	power_off "$dir"
	result=$(cat "$dir/share/verdict")
	rm -f "$dir/disk.qcow2"
	say "$guest" "$name: $result after $((SECONDS - started)) s"
	[ "$result" = passed ] || say "$guest" "$name: see $dir (console.txt, share/output, share/journal)"
	printf '%s\t%s\t%s\t%s\n' "$guest" "$name" $((SECONDS - started)) "$result" >>"$out/results"
}

guest() { # GUEST: makes its machine, if need be, and runs what is wanted
	local guest=$1 key packages image booted name
	key=$(packages_key)
	cached "packages-$guest" "$key" 2 "$lab/bootstrap.sh" "$guest"
	packages=$entry key=$(image_key "$key")
	cached "image-$guest" "$key" 2 "$lab/image.sh" "$guest" "$packages"
	image=$entry key=$(booted_key "$key")
	cached "booted-$guest" "$key" 2 "$lab/boot.sh" "$guest" "$image"
	booted=$entry key=$(installed_key "$key")
	cached "installed-$guest" "$key" 4 "$lab/install.sh" "$guest" "$image" "$booted"
	for name in $scenarios; do
		! wanted "$name" "$guest" || scenario "$guest" "$name" "$image" "$entry"
	done
}

# --- all ---

xml() {
	tr -dc '\t\n[:print:]' | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'
}

junit() {
	local guest name seconds result
	echo '<?xml version="1.0" encoding="UTF-8"?>'
	echo "<testsuite name=\"lab\" tests=\"$((passed + failed))\" failures=\"$failed\">"
	while IFS=$'\t' read -r guest name seconds result; do
		echo "<testcase classname=\"debian-$guest\" name=\"$name\" time=\"$seconds\">"
		[ "$result" = passed ] ||
			echo "<failure>$(xml <"$out/$guest/$name/share/failed" 2>/dev/null)</failure>"
		echo '</testcase>'
	done <"$out/results"
	echo '</testsuite>'
}

# Its scenarios that did not run are none of the results: this stands for them.
guest_failed() { # GUEST
	local why="it could not be made"
	[ -z "$late" ] || why="not done after $limit s, and broken off"
	say "$1" "the guest: $why; see above"
	mkdir -p "$out/$1/guest/share"
	echo "$why" >"$out/$1/guest/share/failed"
	printf '%s\tguest\t%s\tfailed\n' "$1" "$SECONDS" >>"$out/results"
}

summary() {
	passed=$(grep -c 'passed$' "$out/results" || :)
	failed=$(grep -c 'failed$' "$out/results" || :)
	junit >"$out/junit.xml"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
}

# Each with all that it started: some programs do not heed a request to end.
end_runners() {
	local g signal
	for signal in TERM KILL; do
		for g in "${runners[@]}" "$timer"; do kill -$signal -- "-$g" 2>/dev/null || :; done
		[ $signal = KILL ] || sleep 2
	done
	wait
}

[ "$(id -u)" = 0 ] || die "needs root: it makes file systems with other people's files in them"
scenarios=${SCENARIO:-$(cd "$lab/scenarios" && printf '%s\n' ./*.sh | sed 's|^\./||; s|\.sh$||')}
for s in $scenarios; do [ -f "$lab/scenarios/$s.sh" ] || die "no scenario $s in tests/lab/scenarios"; done
for g in ${GUEST:-12 13}; do [ -n "${codenames[$g]:-}" ] || die "no guest $g"; done
limit=${LAB_LIMIT:-$([ -n "${SMOKE:-}" ] && echo 1200 || echo 14400)}
: >"$out/results"
set -m # a process group for each, to end it as a whole
for g in ${GUEST:-12 13}; do
	guest "$g" &
	runners[$g]=$!
done
(sleep "$limit" && kill -ALRM $$) &
timer=$! late=
set +m
trap 'kill -- "-$timer" 2>/dev/null || :' EXIT
trap 'end_runners; exit 130' INT TERM
trap 'late=1; end_runners' ALRM
for g in "${!runners[@]}"; do
	wait "${runners[$g]}" || guest_failed "$g"
done
summary
