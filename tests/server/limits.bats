#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Clients that are slow, silent, deaf, too many, or gone: closed in time, and nobody else notices.
# HFT_HASTE divides the time limits of clients in a FAULT build.
# shellcheck disable=SC2086,SC2046 # process numbers, and arguments in lists, are words
# shellcheck disable=SC2119,SC2089,SC2090
load ../helper
load lib

setup() {
	host vm-1cpu
	three_objects
}

teardown() {
	[ -z "${fifo:-}" ] || exec {fifo}>&-
	finish
}

# flood NAME N [USER...]: N connections that stay until `drained`; the counts in $output.
flood() {
	local name=$BATS_TEST_TMPDIR/$1 n=$2
	shift 2
	[ -p "$BATS_TEST_TMPDIR/fifo" ] || { mkfifo "$BATS_TEST_TMPDIR/fifo" && exec {fifo}<>"$BATS_TEST_TMPDIR/fifo"; }
	"$@" "$attack" flood "$socket" "$n" <"$BATS_TEST_TMPDIR/fifo" >"$name" 2>&1 3>&- {fifo}>&- &
	background="${background:-} $!"
}

counted() { await test -s "$BATS_TEST_TMPDIR/$1" && output=$(cat "$BATS_TEST_TMPDIR/$1"); }

drained() {
	exec {fifo}>&-
	wait $background
	fifo='' background=''
}

milliseconds() { sed -n 's/^-- closed after \([0-9]*\) ms/\1/p' <<<"$output"; }

@test "T5 slow loris: a byte now and then does not lengthen the time for a message" {
	HFT_HASTE=10 serve
	run "$attack" drip "$socket" 50 < <(get_info | tr '\0' ' ')
	[ "$(milliseconds)" -ge 450 ]
	[ "$(milliseconds)" -lt 2000 ]
	# Nor after a message that was whole.
	run "$attack" talk "$socket" keep < <(get_info; printf '{"me')
	replies ok
	[ "$(milliseconds)" -ge 450 ]
	[ "$(milliseconds)" -lt 2000 ]
}

@test "T5 T6 T7 slow, silent and deaf clients do not delay another" {
	serve
	"$attack" latency "$socket" 200 < <(tuner Status) >"$BATS_TEST_TMPDIR/alone"
	for _ in {1..8}; do
		"$attack" drip "$socket" 100 < <(get_info) >/dev/null 3>&- &
		background="${background:-} $!"
		talk keep 3000 </dev/null >/dev/null 3>&- &
		background="$background $!"
		talk deaf 3000 < <(repeat 300 describe) >/dev/null 3>&- &
		background="$background $!"
	done
	sleep 0.3
	"$attack" latency "$socket" 200 < <(tuner Status) >"$BATS_TEST_TMPDIR/crowded"
	"$attack" latency "$socket" 200 < <(get_info) >"$BATS_TEST_TMPDIR/info"
	echo "# Status alone: $(cat "$BATS_TEST_TMPDIR/alone"); beside 24 bad clients: $(cat "$BATS_TEST_TMPDIR/crowded") us" >&3
	read -r _ median _ < <(cat "$BATS_TEST_TMPDIR/crowded")
	[ "$median" -lt 50000 ]
	read -r _ median _ < <(cat "$BATS_TEST_TMPDIR/info")
	[ "$median" -lt 5000 ]
	kill $background
}

@test "T6 a client that never says anything: closed after 5 s, and an apply beside it is done" {
	serve
	in_background talk keep </dev/null
	exits 0 client apply p
	background_exits 0
	[ "$(milliseconds)" -ge 4900 ]
	[ "$(milliseconds)" -lt 7000 ]
}

@test "T7 a client that never reads: input stops, memory is bounded, and it is closed" {
	HFT_HASTE=60 serve
	before=$(memory_kib)
	fds=$(n_fds)
	in_background talk deaf < <(repeat 30000 describe)
	answers
	exits 0 client apply p
	background_exits 0
	[ "$(milliseconds)" -ge 450 ]
	is_sanitized || [ $(($(memory_kib) - before)) -lt 1280 ]
	await fds_near "$fds"
}

@test "T7 a reading worker waits for a slow reader, and ends with it" {
	rm -rf "$tree"
	host xeon-2s
	HFT_HASTE=60 serve
	in_background talk deaf < <(repeat 100 tuner Host)
	background_exits 0
	await at_most_one_worker
	answers
}

@test "T8 half-close: what was asked before is answered" {
	serve
	run talk half < <(tuner Apply '{"profile":"p"}' more; tuner Status)
	has '"layers":[{'
	closed
	# Gone without reading: no signal ends the daemon.
	for _ in {1..20}; do talk close < <(get_info; tuner Status); done
	answers
	end_daemon
}

@test "T9 10,000 connections of one user: 16 of them, root served, memory bounded" {
	needs_root
	serve
	open_up
	before=$(memory_kib)
	fds=$(n_fds)
	flood all 10000 prlimit --nofile=11000 setpriv --reuid="$nobody" --regid="$nobody" --clear-groups
	answers
	counted all
	[[ $output == "kept 16 told 9984 closed 0 failed 0" ]] || { echo "$output" >&2; return 1; }
	exits 0 client status
	is_sanitized || [ "$(memory_kib)" -lt 65536 ]
	is_sanitized || [ $(($(memory_kib) - before)) -lt 4096 ]
	drained
	await fds_near "$fds"
	run user "$nobody" "$nobody" '' "$attack" talk "$socket" < <(get_info)
	replies ok
}

@test "T9 16 users of 16 connections: 248 in all, and root has the rest" {
	needs_root
	HFT_HASTE=1 serve
	open_up
	for u in {1..16}; do flood "u$u" 16 setpriv --reuid=$((70000 + u)) --regid="$nobody" --clear-groups; done
	kept=0
	for u in {1..16}; do
		counted "u$u"
		kept=$((kept + $(cut -d' ' -f2 <<<"$output")))
	done
	[ "$kept" = 248 ]
	run talk < <(tuner Status)
	replies ok
	flood root 20
	counted root
	[[ $output == "kept 8 told 12 "* ]]
	drained
	answers
}

@test "T10 out of descriptors: the rest is turned away, the loop does not spin, and it recovers" {
	wrap='prlimit --nofile=40:40' serve
	fds=$(n_fds)
	flood all 100
	counted all
	read -r _ kept _ told _ shut _ failed <<<"$output"
	[ "$kept" -gt 10 ]
	[ "$kept" -lt 40 ]
	[ $((kept + told + shut + failed)) = 100 ]
	before=$(ticks)
	sleep 0.5
	[ $(($(ticks) - before)) -lt 15 ]
	drained
	await fds_near "$fds"
	exits 0 client apply p
	end_daemon
}

@test "T10 out of descriptors for a worker: the call fails, the connection and the daemon do not" {
	wrap='prlimit --nofile=24:24' serve
	flood all 10
	counted all
	for _ in {1..10}; do
		run talk < <(tuner Status; tuner Status; get_info)
		[ -z "$(errors)" ] || [ "$(errors | tail -1)" = ok ]
		talk close < <(tuner Status; tuner Status; tuner Status)
	done
	drained
	await answers
	run talk < <(tuner Status)
	replies ok
}

@test "T11 descriptors that come with a message are not kept" {
	serve
	fds=$(n_fds)
	run "$attack" rights "$socket" 20 253 < <(get_info)
	[ "$(errors | grep -cx ok)" = 20 ]
	run "$attack" rights "$socket" 1 253 < <(printf '\0')
	run "$attack" rights "$socket" 5 100 < <(tuner Status)
	[ "$(errors | grep -cx ok)" = 5 ]
	await fds_near "$fds"
}
