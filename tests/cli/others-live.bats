#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stopping other tools, and irqbalance's environment, on a real systemd with a real bus, in namespaces of the test's own:
# the units bear the tools' names, and sleep. Their effect is the lab's to show (scenario others).
load ../helper

setup() {
	[ "$(id -u)" = 0 ] || skip "needs root: a systemd in namespaces"
	[ -x /lib/systemd/systemd ] || skip "no systemd"
	command -v dbus-daemon >/dev/null || skip "no dbus-daemon"
	hierarchy=/sys/fs/cgroup
	[ -e $hierarchy/cgroup.procs ] || hierarchy=$hierarchy/unified
	[ -e $hierarchy/cgroup.procs ] || skip "no cgroup v2"
	D=$BATS_TEST_TMPDIR
	cgroup=$hierarchy/others-test-$$
	mkdir -p "$cgroup" "$D/units" "$D/generators" "$profiles"
	mkdir -m 700 "$D/state"
	units
	boot
}

teardown() {
	[ -z "${init:-}" ] || kill -KILL "$init" 2>/dev/null || true
	[ -z "${pids:-}" ] || wait "$pids" 2>/dev/null || true
	[ ! -d "${cgroup:-/none}" ] || await find "$cgroup" -depth -type d -exec rmdir {} +
}

# unit NAME, with what follows [Service] or the like from standard input.
unit() {
	{ printf '[Unit]\nDefaultDependencies=no\n'; cat; } >"$D/units/$1"
}

units() {
	unit tuned.service <<<$'[Service]\nExecStart=/bin/sleep infinity'
	unit irqbalance.service <<<"[Service]
EnvironmentFile=$D/default
ExecStart=/bin/sleep infinity"
	echo 'IRQBALANCE_BANNED_CPULIST=7' >"$D/default"
	unit dbus.socket <<<$'[Socket]\nListenStream=/run/dbus/system_bus_socket'
	unit dbus.service <<<$'Requires=dbus.socket\n[Service]\nExecStart=/usr/bin/dbus-daemon --system --nofork --nopidfile --systemd-activation --address=systemd:\nExecReload=/bin/true'
	unit test.target <<<'Wants=dbus.socket dbus.service tuned.service irqbalance.service'
}

boot() {
	cat >"$D/boot" <<-END
		echo \$\$ >$cgroup/cgroup.procs
		exec unshare -C sh -eu $D/boot2
	END
	cat >"$D/boot2" <<-END
		mount -t tmpfs tmpfs /run
		mount --bind /dev/null /dev/console
		mount -o bind,ro /proc/sys /proc/sys
		umount -R /sys/fs/cgroup
		mount -o bind,remount,ro /sys
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		mkdir -p /run/systemd/system /run/dbus
		mount --bind $D/units /usr/lib/systemd/system
		export container=test SYSTEMD_GENERATOR_PATH=$D/generators
		export SYSTEMD_UNIT_PATH=/run/systemd/system:/usr/lib/systemd/system
		exec /lib/systemd/systemd --system --unit=test.target --log-target=null
	END
	unshare --fork --kill-child -p -m -u -n -i --mount-proc sh -eu "$D/boot" >"$D/boot.log" 2>&1 3>&- &
	pids=$!
	await read_init || { cat "$D/boot.log" >&2; return 1; }
	await inside systemctl is-active dbus.service tuned.service irqbalance.service
}

read_init() { init=$(pgrep -P "$pids"); }
inside() { nsenter -t "$init" -m -p -u -n -i -C "$@"; }
there() { inside "$build/hfttune" --standalone --state-dir "$D/state" --profile-dir "$profiles" "$@"; }
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
