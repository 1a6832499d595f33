#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Services that are restarted by a real systemd: what comes of one that a kill met half-way, and of threads with settings
# of their own.
load ../helper
load ../systemd

setup() {
	systemd_begin
	# It takes its time to say that it does not start with what the test sets.
	# shellcheck disable=SC2016 # for the shell inside
	unit picky.service <<<'[Service]
ExecStartPre=/bin/sh -c '\''[ "$(nice)" != 5 ] || { sleep 1; exit 1; }'\''
ExecStart=/bin/sleep infinity'
	unit plain.service <<<$'[Service]\nExecStart=/bin/sleep infinity'
	systemd_boot picky.service plain.service
}

teardown() { systemd_end; }

state() { inside systemctl show -P ActiveState "$1"; }
is() { [ "$(state "$1")" = "$2" ]; }
# family PID: it, and all that it has started.
family() {
	local pid
	echo "$1"
	for pid in $(pgrep -P "$1"); do family "$pid"; done
}
nice_now() { inside ps -o ni= -p "$(inside systemctl show -P MainPID "$1")" | xargs; }

@test "service: one that a kill left stopped is started again by recovery" {
	profile p <<-'END'
		[phase a]
		restart = allowed
		[a/service picky.service]
		Nice = 5
	END
	there apply p >/dev/null 2>&1 3>&- &
	await is picky.service activating
	# shellcheck disable=SC2046 # one word each
	kill -KILL $(family $!)
	await is picky.service failed
	exits 0 there rollback --all
	[ "$(state picky.service)" = active ]
	[ -z "$(inside ls /etc/systemd/system)" ]
}

@test "service: a thread with a setting of its own is not the service's, and has what that gives it when it is taken out" {
	profile p <<-'END'
		[phase a]
		restart = allowed
		[a/service plain.service]
		Nice = 5
		[phase b]
		[b/thread plain.service sleep]
		nice = 2
	END
	before=$(nice_now plain.service)
	exits 0 there apply p
	[ "$(nice_now plain.service)" = 2 ]
	exits 0 there verify
	exits 0 there plan p
	exits 0 there rollback --phase b
	[ "$(nice_now plain.service)" = 5 ]
	exits 0 there verify
	exits 0 there rollback --all
	[ "$(nice_now plain.service)" = "$before" ]
}
