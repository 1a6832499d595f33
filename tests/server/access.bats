#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may call what: by the user and the groups that the kernel recorded at connect, for each row of the method table.
# Other users are real ones; the groups exist for the daemon alone, in a mount namespace.
# shellcheck disable=SC2086,SC2046 # process numbers, and arguments in lists, are words
# shellcheck disable=SC2034,SC2119,SC2089,SC2090
load ../helper
load lib

setup() {
	[ "$(id -u)" = 0 ] || skip "needs root: it becomes other users"
	host vm-1cpu
	three_objects
	wrap=in_groups
	serve
}

teardown() { finish; }

reads=9 # methods
all_methods() {
	tuner Profiles
	tuner Show '{"profile":"p"}'
	tuner Explain
	tuner Plan '{"profile":"p"}'
	tuner Verify '{"profile":"p"}'
	tuner Status
	tuner History
	tuner Host
	tuner Doctor '{"seconds":1}'
	tuner Apply '{"profile":"p"}'
	tuner Repair
	tuner Replay
	tuner Rollback
}

# calls_as UID GID GROUPS: all methods, on one connection of that user; what became of each in $output.
calls_as() {
	run user "$1" "$2" "$3" "$attack" talk "$socket" < <(all_methods; get_info)
	[ "$(errors | wc -l)" = 14 ]
	[ "$(errors | tail -1)" = ok ] # who it is, it says to everyone
}

# A copied tree has no counters that move, which Doctor says to whom it answers.
let_in() { errors | sed 's/^NotApplicable$/ok/'; }

verdict() { let_in | head -13 | sort | uniq -c | sed 's/^ *//' | tr '\n' ' '; }

@test "the table of methods is the one that is tested" {
	[ "$(grep -c '^method' "$top/lib/proto/org.hfttune.Tuner.varlink")" = 13 ]
	[ "$(grep -c '^.{.*ACCESS_READ,' "$top/daemon/server/methods.c")" = $reads ]
	[ "$(grep -c '^.{.*ACCESS_CHANGE,' "$top/daemon/server/methods.c")" = 4 ]
}

@test "T14 a user in no group: the socket's mode refuses the connection, and behind a wrong mode each method does" {
	[ "$(stat -c %a "$socket")" = 660 ]
	open_up
	chmod 660 "$socket"
	run user $nobody $nobody '' "$attack" talk "$socket" < <(get_info)
	[ "$status" = 1 ]
	has 'Permission denied'
	chmod 666 "$socket"
	before=$(values)
	calls_as $nobody $nobody ''
	[ "$(verdict)" = "13 PermissionDenied " ]
	calls_as $nobody $nobody 65533,65532
	[ "$(verdict)" = "13 PermissionDenied " ]
	same "$before" "$(values)"
}

@test "T15 a reader reads, and changes nothing" {
	open_up
	before=$(values)
	for identity in "$nobody $nobody $readers" "$nobody $readers ''" "$nobody $nobody 65533,$readers"; do
		eval "calls_as $identity"
		[ "$(verdict)" = "4 PermissionDenied 9 ok " ]
		same PermissionDenied "$(errors | sed -n '10,12p' | sort -u)"
		has 'hfttune-admin'
	done
	same "$before" "$(values)"
	grep -q "refused Apply to uid $nobody" "$BATS_TEST_TMPDIR/daemon.log"
}

@test "T15 refused calls get a line a second for each user, whatever their number" {
	open_up
	SECONDS=0
	run user $nobody $nobody '' "$attack" talk "$socket" < <(repeat 300 tuner Repair)
	[ "$(errors | grep -c PermissionDenied)" = 300 ]
	run user 65533 65533 '' "$attack" talk "$socket" < <(repeat 3 tuner Repair)
	told=$(grep -c "refused Repair to uid $nobody" "$BATS_TEST_TMPDIR/daemon.log")
	[ "$told" -ge 1 ]
	[ "$told" -le $((SECONDS + 2)) ]
	grep -q 'refused Repair to uid 65533' "$BATS_TEST_TMPDIR/daemon.log"
}

@test "T15 an admin may do everything, and so may root" {
	open_up
	for identity in "$nobody $nobody $admins" "$nobody $nobody $readers,$admins" "$nobody $admins ''" "0 0 ''"; do
		eval "calls_as $identity"
		same ok "$(let_in | sort -u)"
	done
	grep -q "Apply p for uid $nobody" "$BATS_TEST_TMPDIR/daemon.log"
}

@test "without the groups on this host, only root" {
	stop_daemon
	grep -q '^hfttune' /etc/group && skip "this host has the groups"
	wrap='' serve
	open_up
	calls_as $nobody $nobody "$readers,$admins"
	[ "$(verdict)" = "13 PermissionDenied " ]
	calls_as 0 0 ''
	same ok "$(let_in | sort -u)"
}

@test "T12 forged credentials: the kernel refuses them, and true ones change nothing" {
	open_up
	run user $nobody $nobody '' "$attack" forge "$socket" < <(tuner Apply '{"profile":"p"}')
	[ "$status" = 1 ]
	has 'Operation not permitted'
	run "$attack" forge "$socket" < <(tuner Status)
	replies ok
	answers
}

@test "T13 a connection is its maker's, whoever uses it" {
	open_up
	before=$(values)
	run "$attack" become "$socket" $nobody 0 < <(tuner Apply '{"profile":"p"}'; tuner Status)
	replies PermissionDenied PermissionDenied
	same "$before" "$(values)"
	run "$attack" become "$socket" 0 $nobody < <(tuner Status)
	replies ok
}
