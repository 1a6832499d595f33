#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The address: in use, left over, squatted, raced for; and restarts.
# shellcheck disable=SC2086,SC2046 # process numbers, and arguments in lists, are words
# shellcheck disable=SC2119,SC2089,SC2090
load ../helper
load lib

setup() {
	host vm-1cpu
	three_objects
}

teardown() { finish; }

second() { exits 1 timeout 5 "$build/hfttuned" --socket "$socket" --root "$tree" --profile-dir "$profiles"; }

@test "T16 a socket that is in use is refused, one that a crash left is replaced" {
	serve
	second
	has 'another hfttuned'
	answers
	stop_daemon_at -KILL
	[ -S "$socket" ]
	serve
	exits 0 client status
	end_daemon
	serve
}

stop_daemon_at() {
	kill "$1" "$daemon_pid"
	wait "$daemon_pid" || true
	daemon_pid=
}

@test "T16 what is at the address and not a socket of ours is refused and left" {
	echo precious >"$socket"
	second
	[ "$(cat "$socket")" = precious ]
	rm "$socket"
	echo precious >"$BATS_TEST_TMPDIR/else"
	ln -s else "$socket"
	second
	[ -L "$socket" ]
	rm "$socket"
	mkdir "$socket"
	second
	[ -d "$socket" ]
}

@test "T16 a socket of another user is refused, with a listener or without" {
	needs_root
	serve
	stop_daemon_at -KILL
	chown "$nobody" "$socket"
	second
	[ "$(stat -c %u "$socket")" = "$nobody" ]
}

@test "T17 the socket is never seen with another mode" {
	for _ in 1 2 3 4 5; do
		"$attack" race "$socket" >"$BATS_TEST_TMPDIR/modes" 3>&- &
		background=$!
		serve
		wait $background
		background=
		[ "$(cat "$BATS_TEST_TMPDIR/modes")" = 660 ]
		end_daemon
		rm "$socket"
	done
}

@test "T20 a restart with clients connected: they see the end, and the next one is served" {
	serve
	exits 0 client apply p
	in_background talk keep < <(get_info)
	await grep -q vendor "$BATS_TEST_TMPDIR/background"
	end_daemon
	background_exits 0
	closed
	serve
	exits 0 client verify
	exits 6 "$build/hfttune" --socket "$BATS_TEST_TMPDIR/none" status
}

@test "T20 the listening socket is taken from who started it, and survives" {
	command -v systemd-socket-activate >/dev/null || skip "needs systemd-socket-activate"
	systemd-socket-activate --listen="$socket" "$build/hfttuned" --root "$tree" --profile-dir "$profiles" \
		>"$BATS_TEST_TMPDIR/daemon.log" 2>&1 3>&- &
	daemon_pid=$!
	await answers
	exits 0 client apply p
	exits 0 client verify
}
