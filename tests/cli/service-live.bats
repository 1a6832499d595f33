#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Services that are restarted by a real systemd: what comes of one that a kill met half-way.
load ../helper
load ../systemd

setup() {
	systemd_begin
	# It starts with the nice value of systemd alone, and takes its time to say that it does not.
	# shellcheck disable=SC2016 # for the shell inside
	unit picky.service <<<'[Service]
ExecStartPre=/bin/sh -c '\''[ "$(nice)" = 0 ] || { sleep 1; exit 1; }'\''
ExecStart=/bin/sleep infinity'
	systemd_boot picky.service
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
