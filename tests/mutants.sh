#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks a copy of the code in the ways that mutants.txt lists, and shows that the promise's own test notices each.
# A mutant that does not change its file, does not compile, or survives, is a failure.
#	mutants.sh [PATTERN]	only lines that match
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

git -C "$top" ls-files -z --cached --others --exclude-standard | tar -C "$top" --null -T - -cf - | tar -C "$work" -xf -
make -C "$work" -s -j2 O=build FAULT=1 all tools >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

verdict() {
	printf '%-8s %-4s %-28s %s\n' "$1" "$promise" "$file" "$expression"
	if [ "$1" = noticed ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

while IFS='|' read -r promise file expression; do
	promise=${promise// /} file=${file// /} expression=${expression# }
	cp "$work/$file" "$work/original"
	sed -E -i "$expression" "$work/$file"
	if cmp -s "$work/original" "$work/$file"; then
		verdict VOID
	elif ! make -C "$work" -s -j2 O=build FAULT=1 all >"$work/log" 2>&1; then
		verdict BROKEN
	elif HFT_BUILD=$work/build timeout 600 bats "$work/tests/promise/p$(printf %02d "${promise#P}")"-*.bats \
		>"$work/log" 2>&1; then
		verdict SURVIVED
	else
		verdict noticed
	fi
	cp "$work/original" "$work/$file"
done < <(grep -vE '^(#|$)' "$top/tests/mutants.txt" | grep -E -- "${1:-.}")

echo "mutants: $passed passed, $failed failed"
[ "$failed" = 0 ]
