#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What was wiped is written again: a service that is started again, a network device that is reset or whose link comes up.
# A real daemon on this host, in a network namespace of the test's own.
load ../helper
load ../unit
load lib

ns=hft-watch-$$

setup() {
	needs_root
	ip netns add "$ns" 2>/dev/null || skip "no network namespaces here"
	inside ip link add hftv0 numrxqueues 4 numtxqueues 4 type veth peer name hftv1 numrxqueues 4 numtxqueues 4 ||
		skip "no veth here"
	inside ip link set hftv0 up
	inside ip link set hftv1 up
	unit_begin
	thread one io_thd_1
	before=$(has_now one)
	threads
	queues
}

teardown() {
	stop_daemon
	unit_end
	ip netns del "$ns" 2>/dev/null || :
}

inside() { ip netns exec "$ns" "$@"; }

threads() {
	profile threads <<-END
		[phase a]
		[a/thread $unit io_thd_*]
		policy = fifo 5
	END
}

queues() {
	profile queues <<-'END'
		[phase q]
		[q/nic hftv0]
		feature.tx-scatter-gather = off
		gro_flush_timeout = 200000
		rps_cpus = 0
	END
}

# listen: the daemon, on this host and in the namespace. With that `ip` brings a /sys of its own, without control groups.
listen() {
	# shellcheck disable=SC2016 # another shell expands it
	ip netns exec "$ns" sh -eu -c '
		if [ "${1#*/systemd/}" = "$1" ]; then
			mount -t cgroup2 cgroup2 /sys/fs/cgroup
		else
			mount -t tmpfs tmpfs /sys/fs/cgroup
			mkdir /sys/fs/cgroup/systemd
			mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
		fi
		shift
		exec "$@"' sh "$slice" "$build/hfttuned" --socket "$socket" --state-dir "$BATS_TEST_TMPDIR/state" \
		--profile-dir "$profiles" >>"$BATS_TEST_TMPDIR/daemon.log" 2>&1 3>&- &
	daemon_pid=$!
	await test -S "$socket"
}

# kinds: of the transactions so far.
kinds() { client --json history | jq -r '[.transactions[].kind] | join(" ")'; }
told() { client --json history | jq -r '.transactions[].kind' | grep -c reassert; }
queue() { inside cat "/sys/class/net/hftv0/queues/rx-$1/rps_cpus"; }
flush_timeout() { inside cat /sys/class/net/hftv0/gro_flush_timeout; }
holds() { [ "$("${@:2}")" = "$1" ]; }
is_fifo() { [[ $(has_now "$1") == *"FF 5"* ]]; }
sleeps() { sed -n 's/^voluntary_ctxt_switches:\t//p' "/proc/$daemon_pid/status"; }
opened() { find "/proc/$daemon_pid/fd" -lname 'anon_inode:inotify' | wc -l; }

again() {
	unit_stop
	unit_start
	thread one io_thd_1
}

@test "a service that is started again gets its threads written again, under new names too" {
	listen
	exits 0 client apply threads
	is_fifo one
	again
	thread two io_thd_2
	await is_fifo one
	await is_fifo two || await is_fifo two # or by the second look
	exits 0 client verify
	[[ $(kinds) == 'apply reassert'* ]]
	grep -q "io_thd_1 policy.*written again" "$BATS_TEST_TMPDIR/daemon.log"
	exits 0 client rollback --all
	[ "$(has_now one) $(has_now two)" = "$before $before" ]
	holds 0 opened
}

@test "a daemon that is started finds out what it has to listen to, and changes nothing by that" {
	listen
	exits 0 client apply threads
	stop_daemon
	again
	listen
	exits 3 client verify
	holds apply kinds
	await holds 1 opened
	again
	await is_fifo one
	holds 'apply reassert' kinds
	exits 0 client rollback --all
}

@test "a thread that is born late is found by the second look" {
	listen
	exits 0 client apply threads
	again
	await is_fifo one
	thread two io_thd_2
	is_fifo two && return 1
	await is_fifo two || await is_fifo two
	exits 0 client rollback --all
}

@test "settings of a device that somebody resets come back, and its link that comes up" {
	listen
	exits 0 client apply queues
	# fewer queues, and more again: what the last ones held is gone
	inside ethtool -L hftv0 rx 2
	inside ethtool -L hftv0 rx 4
	inside ethtool -K hftv0 tx-scatter-gather on
	await holds 1 queue 3
	inside ethtool -k hftv0 | grep -q 'tx-scatter-gather: off'
	await holds 'apply reassert' kinds
	sleep 3 # it looks once more after what it has written itself
	# what is changed while the link is down comes back with it
	inside ip link set hftv0 down
	inside sh -c 'echo 0 >/sys/class/net/hftv0/gro_flush_timeout; echo 0 >/sys/class/net/hftv0/queues/rx-1/rps_cpus'
	sleep 2
	holds 0 flush_timeout
	inside ip link set hftv0 up
	await holds 200000 flush_timeout
	await holds 1 queue 1
	exits 0 client verify
	exits 0 client rollback --all
	[ "$(flush_timeout) $(queue 3)" = '0 0' ]
	inside ethtool -k hftv0 | grep -q 'tx-scatter-gather: on'
}

@test "what did not drift is not written, and what is no layer's is left alone" {
	listen
	exits 0 client apply threads
	inside ip link set hftv0 down
	inside ip link set hftv0 up
	chrt -o -p 0 "${pids[one]}"
	sleep 2
	is_fifo one && return 1 # no unit was started: it is drift, and stays so
	holds apply kinds
	exits 3 client verify
	exits 0 client rollback --all --force
}

@test "a phase with drift = report is left as it was wiped" {
	sed -i 's/^\[phase a\]/&\ndrift = report/' "$profiles/threads.conf"
	listen
	exits 0 client apply threads
	holds 0 opened
	again
	sleep 2
	is_fifo one && return 1
	exits 3 client verify
	holds apply kinds
	exits 0 client rollback --all
}

@test "somebody who keeps changing it is not fought" {
	listen
	exits 0 client apply queues
	n=0
	while [ $n -lt 5 ]; do
		inside ethtool -K hftv0 tx-scatter-gather on
		n=$((n + 1))
		await holds "$n" told
	done
	grep -q 'somebody keeps changing' "$BATS_TEST_TMPDIR/daemon.log"
	inside ethtool -K hftv0 tx-scatter-gather on
	sleep 3
	[ "$(told)" = 5 ]
	exits 3 client verify
	# a change by a client: it is listened to again
	exits 0 client repair
	inside ethtool -K hftv0 tx-scatter-gather on
	await holds 6 told
	exits 0 client rollback --all
}

@test "nothing wakes the daemon while nothing happens" {
	listen
	exits 0 client apply threads
	exits 0 client apply queues
	sleep 3
	rest=$(sleeps)
	sleep 10
	[ "$(sleeps)" = "$rest" ]
	exits 0 client rollback --all
	sleep 5 # the last look at what there is to listen to, and the worker's end
	rest=$(sleeps)
	again
	inside ip link set hftv0 down
	inside ip link set hftv0 up
	sleep 2
	[ "$(sleeps)" = "$rest" ] # without layers it does not even listen
}
