# SPDX-License-Identifier: GPL-2.0-or-later
# A real systemd with a real bus, in namespaces of the test's own, with the units that the test gives it. Sourced after
# helper.bash.
# shellcheck disable=SC2154 # of helper.bash

systemd_begin() {
	[ "$(id -u)" = 0 ] || skip "needs root: a systemd in namespaces"
	[ -x /lib/systemd/systemd ] || skip "no systemd"
	command -v dbus-daemon >/dev/null || skip "no dbus-daemon"
	hierarchy=/sys/fs/cgroup
	[ -e $hierarchy/cgroup.procs ] || hierarchy=$hierarchy/unified
	[ -e $hierarchy/cgroup.procs ] || skip "no cgroup v2"
	D=$BATS_TEST_TMPDIR
	cgroup=$hierarchy/systemd-test-$$
	mkdir -p "$cgroup" "$D/units" "$D/generators" "$profiles"
	mkdir -m 700 "$D/state"
}

systemd_end() {
	[ -z "${init:-}" ] || kill -KILL "$init" 2>/dev/null || true
	[ -z "${pids:-}" ] || wait "$pids" 2>/dev/null || true
	[ ! -d "${cgroup:-/none}" ] || await find "$cgroup" -depth -type d -exec rmdir {} +
}

# unit NAME, with what follows [Unit] from standard input.
unit() {
	{ printf '[Unit]\nDefaultDependencies=no\n'; cat; } >"$D/units/$1"
}

# systemd_boot UNIT...: start it, with these units.
systemd_boot() {
	unit dbus.socket <<<$'[Socket]\nListenStream=/run/dbus/system_bus_socket'
	unit dbus.service <<<$'Requires=dbus.socket\n[Service]\nExecStart=/usr/bin/dbus-daemon --system --nofork --nopidfile --systemd-activation --address=systemd:\nExecReload=/bin/true'
	unit test.target <<<"Wants=dbus.socket dbus.service $*"
	cat >"$D/boot" <<-END
		echo \$\$ >$cgroup/cgroup.procs
		exec unshare -C sh -eu $D/boot2
	END
	cat >"$D/boot2" <<-END
		mount -t tmpfs tmpfs /run
		mount -t tmpfs tmpfs /etc/systemd/system
		mount --bind /dev/null /dev/console
		mount -o bind,ro /proc/sys /proc/sys
		umount -R /sys/fs/cgroup
		mount -o bind,remount,ro /sys
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		mkdir -p /run/systemd/system /run/dbus
		mount --bind $D/units /usr/lib/systemd/system
		export container=test SYSTEMD_GENERATOR_PATH=$D/generators
		export SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/systemd/system:/usr/lib/systemd/system
		exec /lib/systemd/systemd --system --unit=test.target --log-target=null
	END
	unshare --fork --kill-child -p -m -u -n -i --mount-proc sh -eu "$D/boot" >"$D/boot.log" 2>&1 3>&- &
	pids=$!
	await read_init || { cat "$D/boot.log" >&2; return 1; }
	await inside systemctl is-active dbus.service "$@"
}

read_init() { init=$(pgrep -P "$pids"); }
inside() { nsenter -t "$init" -m -p -u -n -i -C "$@"; }
there() { inside "$build/hfttune" --standalone --state-dir "$D/state" --profile-dir "$profiles" "$@"; }
