#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stopping other tools, and irqbalance's environment, on a real systemd with a real bus, in namespaces of the test's own:
# the units bear the tools' names, and sleep. Their effect is the lab's to show (scenario others).
load ../helper
load ../systemd

setup() {
	systemd_begin
	unit tuned.service <<<$'[Service]\nExecStart=/bin/sleep infinity'
	unit irqbalance.service <<<"[Service]
EnvironmentFile=$D/default
ExecStart=/bin/sleep infinity"
	echo 'IRQBALANCE_BANNED_CPULIST=7' >"$D/default"
	systemd_boot tuned.service irqbalance.service
}

teardown() { systemd_end; }

state() { inside systemctl show -P ActiveState -P UnitFileState "$1" | xargs; }
# shellcheck disable=SC2016 # for the shell inside
banned() { inside sh -c 'tr "\0" "\n" </proc/$(systemctl show -P MainPID irqbalance.service)/environ' | sed -n 's/^IRQBALANCE_BANNED_CPULIST=//p'; }
is_banned() { [ "$(banned)" = "$1" ]; }

@test "a unit is stopped and masked, seen when somebody starts it, and started again by rollback" {
	profile p <<<$'[phase a]\n[a/unit]\ntuned.service = stopped'
	before=$(state tuned.service)
	exits 0 there apply p
	[ "$(state tuned.service)" = "inactive masked-runtime" ]
	exits 1 inside systemctl start tuned.service
	exits 0 there verify
	inside systemctl unmask --runtime tuned.service
	inside systemctl start tuned.service
	exits 3 there verify
	has 'it runs again'
	exits 0 there repair
	[ "$(state tuned.service)" = "inactive masked-runtime" ]
	exits 0 there rollback --all
	same "$before" "$(state tuned.service)"
	[ -z "$(inside ls /run/systemd/system)" ]
}

@test "a unit that is started again by an undo" {
	profile p <<<$'[phase a]\n[a/unit]\ntuned.service = stopped\n[a/irqbalance]\nbanned_cpus = 0'
	before=$(state tuned.service)
	HFT_FAULT='rename@*irqbalance.service.d*:1:fail' exits 1 there apply p
	same "$before" "$(state tuned.service)"
	[ -z "$(inside ls /run/systemd/system)" ]
}

@test "irqbalance is restarted once with its CPUs, which its own file does not outdo, and once more without them" {
	# TuneD would set it, too.
	profile p <<<$'[phase a]\nconflicts = ignore\n[a/irqbalance]\nbanned_cpus = 0'
	exits 0 there apply p
	[ "$(banned)" = 0 ]
	pid=$(inside systemctl show -P MainPID irqbalance.service)
	exits 0 there apply p
	exits 0 there verify
	[ "$pid" = "$(inside systemctl show -P MainPID irqbalance.service)" ]
	inside mv /run/systemd/system/irqbalance.service.d /run/aside
	inside systemctl daemon-reload
	inside systemctl restart irqbalance.service
	inside mv /run/aside /run/systemd/system/irqbalance.service.d
	await is_banned 7 # the unit counts as started before its program runs
	exits 3 there verify
	has 'irqbalance runs with 7'
	exits 0 there repair
	[ "$(banned)" = 0 ]
	exits 0 there rollback --all
	[ "$(banned)" = 7 ]
	[ -z "$(inside ls /run/systemd/system)" ]
}
