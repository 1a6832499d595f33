#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks a copy of the code in the ways that mutants.txt lists, one at a time, and shows that the promise's own test
# notices. Noticed is a mutant when a test that the sound code passes, and does not skip, fails with it. A mutant that
# does not change its file, does not compile, hangs or survives is a failure, and so is a promise with less than two.
#	mutants.sh [PATTERN]	only lines of mutants.txt that match
# A mutant must not reach this host: tests that tune it are left out (HFT_NO_LIVE), and what runs is root only in a user
# namespace, where the kernel refuses writes to /proc/sys and /sys.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
nobody=65534
passed=0 failed=0
unset MAKEFLAGS # of a make that runs this: no WERROR, a mutant may leave a variable unused
export HFT_BUILD=$work/build HFT_NO_LIVE=1 HFT_QUICK=1 CFLAGS=-O1

# confined COMMAND...: as root of a user namespace of its own, and of nothing else.
confined() {
	local as=
	[ "$(id -u)" != 0 ] || as="setpriv --reuid=$nobody --regid=$nobody --clear-groups"
	# shellcheck disable=SC2086 # words
	$as unshare --map-root-user "$@"
}

build() { make -C "$work" -s -j2 O=build FAULT=1 all "$@" >"$work/log" 2>&1; }

# tests PROMISE FILTER: the promise's tests whose names match. As TAP in $work/tap; the status is that of bats.
tests() {
	confined timeout -k 5 300 bats --tap -f "$2" "$work/tests/promise/p$(printf %02d "${1#P}")"-*.bats >"$work/tap" 2>&1
}

# names RESULT: of the tests in $work/tap that came to "ok" (and were not skipped) or to "not ok".
names() { grep -E "^$1 [0-9]+ " "$work/tap" | grep -v ' # skip' | sed -E "s/^$1 [0-9]+ //; s/ in [0-9]+ms\$//"; }

# sound PROMISE: what the unbroken code passes, of all the tests that its mutants name, in $work/sound.
sound() {
	local filters
	filters=$(awk -F ' *[|] *' -v p="$1" '$1 == p { print $3 }' "$work/mutants" | sort -u | paste -sd '|')
	tests "$1" "$filters"
	names ok >>"$work/sound"
}

# noticed PROMISE FILTER: does a sound test fail?
noticed() {
	tests "$1" "$2"
	names 'not ok' | grep -qxFf "$work/sound"
}

verdict() {
	printf '%-8s %-4s %-28s %s\n' "$1" "$promise" "$file" "$expression"
	if [ "$1" = noticed ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

mutate() {
	cp "$work/$file" "$work/original"
	sed -E -i "$expression" "$work/$file"
	if cmp -s "$work/original" "$work/$file"; then
		verdict VOID
	elif ! build; then
		verdict BROKEN
	elif noticed "$promise" "$filter"; then
		verdict noticed
	else
		verdict SURVIVED
	fi
	cp "$work/original" "$work/$file"
}

git -C "$top" ls-files -z --cached --others --exclude-standard | tar -C "$top" --null -T - -cf - | tar -C "$work" -xf -
build tools || { cat "$work/log"; exit 1; }
confined true || { echo "mutants.sh: needs unshare(1) and user namespaces, to keep mutants off this host" >&2; exit 1; }
grep -vE '^(#|$)' "$top/tests/mutants.txt" | grep -E -- "${1:-.}" >"$work/mutants"

: >"$work/sound"
for promise in $(sed 's/ .*//' "$work/mutants" | uniq); do sound "$promise"; done
while IFS='|' read -r promise file filter expression; do
	promise=${promise// /} file=${file// /} expression=${expression# }
	filter=${filter# } filter=${filter% }
	mutate
done <"$work/mutants"

[ -n "${1:-}" ] || for n in {1..11}; do
	[ "$(grep -c "^P$n " "$work/mutants")" -ge 2 ] && continue
	echo "P$n has less than two mutants"
	failed=$((failed + 1))
done
echo "mutants: $passed noticed, $failed not, of $(wc -l <"$work/mutants")"
[ "$failed" = 0 ]
