#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The noise meter: it must see noise that is made, name it, and not confuse a CPU with another.
load ../helper

NOISE=$build/tests/tools/noise

teardown() {
	[ -z "${pid:-}" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null || true
}

# rate KIND NAME: of the last output, a pattern; 0 if it is not there.
rate() {
	awk -v kind="$1" -v name="$2" '$0 ~ "^ *[0-9.]+  " kind "  +" name { sum += $1 } END { print int(sum) }' <<<"$output"
}

total() { # WORD
	sed -n "s,^total: \(.* \|\)\([0-9.]*\) $1/s.*,\2,p" <<<"$output" | cut -d. -f1
}

last_cpu=$(($(nproc) - 1))

@test "noise counts and sums up by kind, the most frequent first" {
	exits 0 "$NOISE" "$last_cpu" 1
	[[ $output == "CPU $last_cpu, "*" s of busy loop, longest gap "*" us"* ]]
	[ "$(tail -n 1 <<<"$output" | grep -cE '^total: [0-9.]+ interrupts/s, [0-9.]+ softirqs/s, [0-9.]+ context switches/s$')" = 1 ]
	for kind in interrupt softirq; do
		sum=$(rate "$kind" '')
		((sum - $(total "${kind}s") <= 1 && $(total "${kind}s") - sum <= 1))
	done
	rates=$(sed -nE 's/^ *([0-9.]+)  (interrupt|softirq|context switch)  .*/\1/p' <<<"$output")
	[ "$(wc -l <<<"$rates")" -gt 2 ]
	same "$rates" "$(sort -rn <<<"$rates")"
}

@test "noise counts the CPU that it was asked for: its timer, by the kernel's own counter" {
	local before after
	column() { awk -v c="$last_cpu" '$1 == "LOC:" { print $(c + 2) }' /proc/interrupts; }
	before=$(column)
	exits 0 "$NOISE" "$last_cpu" 1
	after=$(column)
	[ "$(rate interrupt LOC)" -gt 0 ]
	[ "$(rate interrupt LOC)" -le $((after - before)) ]
}

@test "noise sees a thread that shares the CPU, by name, and the switches" {
	taskset -c "$last_cpu" sh -c 'while :; do :; done' 3>&- &
	pid=$!
	exits 0 "$NOISE" "$last_cpu" 1
	kill "$pid"
	[ "$(rate 'context switch' "sh \($pid\)\$")" -gt 0 ]
	[ "$(rate 'context switch' 'noise itself, pushed away')" -gt 0 ]
	[ "$(total 'context switches')" -gt 0 ]
	gap=$(sed -n '1s/.*longest gap \([0-9]*\)\..*/\1/p' <<<"$output")
	[ "$gap" -gt 1000 ] # the other one's turn
}

@test "noise does not count on one CPU what happens on another" {
	[ "$(nproc)" -gt 1 ] || skip "one CPU"
	# Each packet to the discard port is a softirq on the CPU that sent it.
	taskset -c "$last_cpu" bash -c 'while :; do echo >/dev/udp/127.0.0.1/9; done' 2>/dev/null 3>&- &
	pid=$!
	exits 0 "$NOISE" "$last_cpu" 1
	here=$(rate softirq NET_RX)
	exits 0 "$NOISE" 0 1
	kill "$pid"
	[ "$here" -gt 100 ]
	[ "$(rate softirq NET_RX)" -lt $((here / 4)) ]
	[ "$(rate 'context switch' "bash \\($pid\\)")" = 0 ]
}

@test "noise refuses a CPU that does not exist, or is not one, and bad arguments" {
	exits 2 "$NOISE" 8191 1
	has 'CPU 8191 does not exist'
	for arguments in '' 0 'x 1' '-1 1' '0x 1' '8192 1' '0 0' '0 x' '0 -1' '0 1 1' '0 nan'; do
		# shellcheck disable=SC2086 # words
		exits 2 "$NOISE" $arguments
		[ -n "$errors" ]
		[ -z "$output" ]
	done
}

@test "noise says of a CPU that it is offline" {
	needs_root
	# No CPU of this host is taken offline: in a mount namespace, sysfs says so of one that this process may not use.
	echo 0 >"$BATS_TEST_TMPDIR/online"
	mkdir -p "$BATS_TEST_TMPDIR/cpu/cpu8000"
	cp "$BATS_TEST_TMPDIR/online" "$BATS_TEST_TMPDIR/cpu/cpu8000"
	exits 2 unshare -m sh -c "mount --bind $BATS_TEST_TMPDIR/cpu /sys/devices/system/cpu && exec $NOISE 8000 1"
	has 'CPU 8000 is offline'
}
