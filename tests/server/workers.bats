#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Clients, workers and the daemon that go away in the middle of an apply, and writes that do not return.
# shellcheck disable=SC2086,SC2046 # process numbers, and arguments in lists, are words
# shellcheck disable=SC2119,SC2089,SC2090
load ../helper
load lib

setup() {
	host vm-1cpu
	three_objects
	before=$(values)
}

teardown() { finish; }

# The second of two writes does not return, though it can be killed.
block="write@*swappiness:1:block"

# begin_apply: in the background, until its worker has written the first object.
begin_apply() {
	in_background client apply p
	await grep -qx 1234 "$tree/proc/sys/net/core/somaxconn"
}

@test "status, reads and other clients are served while an apply is blocked in a write (failpoint)" {
	HFT_FAULT=$block serve
	begin_apply
	exits 0 client --json status
	[ "$(field .running.kind)" = apply ]
	[ "$(field .running.profile)" = p ]
	[ "$(field .running.txn)" = 1 ] # and it is no unfinished one: it is told once, with what the journal knows
	[ "$(field .unfinished)" = null ]
	[ "$(field '.running.started | length')" -gt 10 ]
	[ "$(field .running.boot_id)" = "$(cat "$tree/proc/sys/kernel/random/boot_id")" ]
	exits 0 client status
	has 'running: transaction 1 (apply of p, running, 2 steps, begun'
	exits 0 client --json status
	[ "$(field .running.state)" = running ]
	[ "$(field .stuck)" = false ]
	exits 0 client profiles
	exits 0 client host
	exits 0 client history
	exits 0 client show p
	run client plan p
	[ "$status" = 0 ] || [ "$status" = 3 ]
	run talk < <(get_info; tuner Status; printf 'garbage\0')
	replies ok ok ProtocolViolation
	closed
}

@test "T18 two applies at a time: the second is refused at once and told why" {
	HFT_FAULT=$block serve
	begin_apply
	for verb in 'apply p' repair replay 'rollback --all'; do
		# shellcheck disable=SC2086 # words
		exits 4 client --json $verb
		[ "$(field .error.code)" = busy ]
		[[ $(field .error.subject) == *vm.swappiness ]]
	done
	# Of many at once, on a daemon that can finish, each ends or is refused; none is mixed with another.
	stop_daemon -KILL
	wait $background || true
	serve
	for i in {1..6}; do { s=0; client apply p >/dev/null 2>&1 || s=$?; echo $s >"$BATS_TEST_TMPDIR/exit.$i"; } 3>&- & done
	for i in {1..6}; do await test -s "$BATS_TEST_TMPDIR/exit.$i"; done
	[ "$(cat "$BATS_TEST_TMPDIR"/exit.* | grep -cx '[04]')" = 6 ]
	grep -qx 0 "$BATS_TEST_TMPDIR"/exit.*
	exits 0 client verify
}

@test "T19 the client dies in the middle of an apply: it is finished and journalled" {
	stick swappiness
	hold
	serve
	begin_apply
	kill -9 "$(pgrep -P "$background" -f hfttune || echo "$background")"
	in_background talk close < <(tuner Verify '{"profile":"p"}' more) # and a reader that went at once
	release
	await grep -qx 11 "$tree/proc/sys/vm/swappiness"
	await status_is '.running' null
	exits 0 client --json status
	[ "$(field '.layers | length')" = 1 ]
	exits 0 client verify
	exits 0 client --json history
	[ "$(field '.transactions[-1].state')" = committed ]
}

@test "the worker is killed in the middle of an apply: undone, and the client is told" {
	HFT_FAULT=$block serve
	begin_apply
	kill -9 $(workers)
	background_exits 1
	same "$before" "$(values)"
	exits 0 client --json status
	[ "$(field .unfinished)" = null ]
	[ "$(field .running)" = null ]
	[ "$(field '.layers | length')" = 0 ]
}

@test "the worker kills itself at a write: undone, and the connection can be used again" {
	HFT_FAULT="write@*swappiness:1:kill" serve
	run talk < <(tuner Apply '{"profile":"p"}' more; tuner Status)
	[ "$(errors | tail -2 | tr '\n' ' ')" = "InputOutput ok " ]
	[ "$(grep '"layers"' <<<"$output" | jq '.parameters.layers | length')" = 0 ]
	same "$before" "$(values)"
}

@test "a step beyond its deadline: the worker is killed, the apply undone, the client told which object" {
	HFT_FAULT=$block HFT_STEP_DEADLINE_MS=300 serve
	exits 1 client --json apply p
	[ "$(field .error.code)" = timeout ]
	[[ $(field .error.subject) == *vm.swappiness ]]
	same "$before" "$(values)"
	exits 0 client --json status
	[ "$(field .stuck)" = false ]
}

@test "a read beyond its deadline is given up, and nothing else is" {
	HFT_FAULT='read@*swappiness:*:block' HFT_STEP_DEADLINE_MS=300 serve
	run talk < <(tuner Plan '{"profile":"p"}'; get_info)
	replies Timeout ok
	same "$before" "$(values)"
}

@test "the daemon is killed in the middle of an apply: its worker dies, and the next daemon rolls back" {
	HFT_FAULT=$block serve
	begin_apply
	worker=$(workers)
	kill -9 "$daemon_pid"
	await are_gone $worker
	background_exits 7 # how far it came, the client cannot know
	[ "$(value /proc/sys/net/core/somaxconn)" = 1234 ]
	serve
	await same "$before" "$(values)"
	await status_is .unfinished null
	same "$before" "$(values)"
	status_is '.layers | length' 0
	exits 0 client apply p
}

@test "daemon and worker are killed in the middle of an apply: the next daemon rolls back" {
	HFT_FAULT=$block serve
	begin_apply
	kill -9 "$daemon_pid" $(workers)
	wait "$daemon_pid" || true
	serve
	# A change that comes while the recovery runs waits for it.
	exits 0 client apply p
	exits 0 client rollback --all
	same "$before" "$(values)"
}

@test "the daemon is killed at every tenth call of an apply: rolled back, or done" {
	serve
	exits 0 client apply p
	after=$(values)
	exits 0 client rollback --all
	end_daemon
	HFT_FAULT_COUNT=$BATS_TEST_TMPDIR/points "$build/hfttune" --root "$tree" --profile-dir "$profiles" apply p >/dev/null
	n=$(wc -l <"$BATS_TEST_TMPDIR/points")
	exits 0 hft rollback --all
	for ((i = 1; i <= n; i += 10)); do
		HFT_FAULT="*:$i:block" HFT_STEP_DEADLINE_MS=100000 "$build/hfttuned" --socket "$socket" --root "$tree" \
			--profile-dir "$profiles" >/dev/null 2>&1 3>&- &
		daemon_pid=$!
		await test -S "$socket"
		client apply p >/dev/null 2>&1 3>&- &
		caller=$!
		sleep 0.05
		kill -9 "$daemon_pid"
		wait "$daemon_pid" "$caller" || true
		serve
		await status_is .unfinished null
		now=$(values)
		[ "$now" = "$before" ] || [ "$now" = "$after" ] || { echo "call $i of $n: $now" >&2; return 1; }
		exits 0 client rollback --all
		same "$before" "$(values)"
		end_daemon
	done
}

@test "a write that hangs in the kernel (FUSE): stuck, reads answer, changes are refused; then undone, and all is well" {
	stick swappiness
	hold
	HFT_STEP_DEADLINE_MS=300 serve
	fds=$(n_fds)
	begin_apply
	worker=$(workers)
	background_exits 7
	has swappiness
	kill -0 $worker # not even SIGKILL ended it
	exits 0 client --json status
	[ "$(field .stuck)" = true ]
	[ "$(field .running.state)" = "stuck in the kernel" ]
	exits 0 client profiles
	exits 0 client host
	run client plan p
	[ "$status" = 0 ] || [ "$status" = 3 ]
	for verb in 'apply p' repair replay 'rollback --all'; do
		# shellcheck disable=SC2086 # words
		exits 4 client --json $verb
		[ "$(field .error.code)" = busy ]
	done
	run talk keep < <(printf 'garbage\0') # the worker holds no connection open
	closed
	grep -q stuck "$BATS_TEST_TMPDIR/daemon.log"
	release
	await status_is .stuck false
	await status_is .unfinished null
	await same "$before" "$(values)"
	same "$before" "$(values)"
	exits 0 client apply p
	exits 0 client rollback --all
	same "$before" "$(values)"
	await fds_near "$fds"
}

@test "a daemon that is stopped or killed while a worker is stuck: the next one starts, reads, and undoes it later" {
	stick swappiness
	for signal in -TERM -KILL; do
		hold
		HFT_STEP_DEADLINE_MS=300 serve
		begin_apply
		background_exits 7
		kill "$signal" "$daemon_pid"
		wait "$daemon_pid" || true
		HFT_STEP_DEADLINE_MS=300 serve # the address is not in use
		exits 0 client --json status
		[ "$(field .unfinished.txn)" != null ]
		exits 4 client apply p
		release
		await client repair
		await status_is .unfinished null
		same "$before" "$(values)"
		end_daemon
	done
}

@test "a recovery at the start that hangs: who waits for it is refused, reads answer" {
	stick swappiness
	profile q <<-'END'
		[profile]
		summary = the object that will hang is written first
		[phase a]
		order = 1
		[phase b]
		order = 2
		[a/sysctl]
		vm.swappiness = 11
		[b/sysctl]
		net.core.somaxconn = 1234
	END
	HFT_FAULT="write@*somaxconn:1:block" serve
	in_background client apply q
	await grep -qx 11 "$tree/proc/sys/vm/swappiness"
	kill -9 "$daemon_pid"
	background_exits 7
	hold
	HFT_STEP_DEADLINE_MS=300 serve
	in_background client apply p
	exits 0 client status
	background_exits 4
	status_is .stuck true
	release
	await status_is .stuck false
	await status_is .unfinished null
}

@test "SIGTERM during an apply: it is finished first" {
	stick swappiness
	hold
	serve
	begin_apply
	kill -TERM "$daemon_pid"
	exits 0 client status
	exits 4 client rollback --all
	release
	background_exits 0
	wait "$daemon_pid"
	daemon_pid=
	[ "$(value /proc/sys/vm/swappiness)" = 11 ]
	exits 0 hft verify
}

@test "SIGTERM in a blocked read: at once" {
	HFT_FAULT='read@*swappiness:*:block' HFT_FAULT_COUNT=$BATS_TEST_TMPDIR/passed serve
	in_background talk keep < <(tuner Plan '{"profile":"p"}')
	await grep -q '^read .*swappiness' "$BATS_TEST_TMPDIR/passed"
	worker=$(workers)
	start=$EPOCHREALTIME
	kill -TERM "$daemon_pid"
	wait "$daemon_pid"
	daemon_pid=
	[ "$(bc <<<"($EPOCHREALTIME - $start) < 2")" = 1 ]
	await are_gone $worker
	background_exits 0
	closed
}
