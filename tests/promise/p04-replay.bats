#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P4: replay at boot is one of the two times that the host changes without a command at a terminal. Nothing but the verb
# replays, it replays nothing but what a reboot took away, and the log says so.
load ../helper

setup() {
	host vm-1cpu
	mkdir -p "$tree/etc/default" "$tree/boot/grub"
	echo 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"' >"$tree/etc/default/grub"
	echo '### BEGIN /etc/grub.d/10_linux ###' >"$tree/boot/grub/grub.cfg"
	profile p <<-'END'
		[phase a]
		[a/sysctl]
		vm.swappiness = 11
		net.core.somaxconn = 1234
		[phase b]
		[b/boot]
		skew_tick = 1
		[b/sysctl]
		vm.stat_interval = 30
	END
	keep_fresh
}

teardown() { stop_daemon -KILL; }

@test "P4 a start of the daemon replays nothing, in whatever boot" {
	daemon
	exits 5 client apply p
	for boot in same next; do
		stop_daemon -KILL
		[ "$boot" = same ] || reboot_tree
		now=$(shot)
		daemon
		for signal in -TERM -KILL; do
			stop_daemon "$signal"
			daemon
			exits 0 client --json status
			same "$now" "$(shot)"
		done
	done
	[ "$(field '[.layers[] | select(.in_force)] | length')" = 0 ]
	[ "$(field .replay)" = null ]
}

@test "P4 a replay is announced, in the log and in status" {
	exits 5 hft apply p
	reboot_tree
	daemon --log-level info
	exits 0 client replay
	exits 0 client replay
	[ "$(grep -c 'replayed' "$BATS_TEST_TMPDIR/daemon.log")" = 1 ]
	grep -q 'replayed 3 settings of 2 layers (0 not applicable)' "$BATS_TEST_TMPDIR/daemon.log"
	exits 0 client --json status
	[ "$(field .replay.state)" = committed ]
	[ "$(field .replay.kind)" = replay ]
	[ "$(field .replay.boot_id)" = "$(value /proc/sys/kernel/random/boot_id)" ]
	[ "$(field '[.layers[] | select(.in_force)] | length')" = 2 ]
	exits 0 client history "$(field .replay.txn)"
	stop_daemon
	reboot_tree # what was said of one boot is not said of the next
	exits 0 hft --json status
	[ "$(field .replay)" = null ]
}

@test "P4 with nothing to replay no trace is left" {
	exits 0 hft replay
	[ ! -e "$tree/var/lib/hfttune" ]
	exits 5 hft apply p
	exits 0 hft replay
	exits 0 hft --json history
	[ "$(field '.transactions | length')" = 1 ]
}

@test "P4 a replay leaves alone what a reboot did not take away: files, and layers of this boot" {
	exits 5 hft apply p
	exits 0 hft rollback --phase a
	reboot_tree
	sed -i 's/skew_tick=1/skew_tick=0/' "$tree/etc/default/grub.d/zz-hfttune.cfg"
	profile q <<-'END'
		[phase x]
		[x/sysctl]
		vm.swappiness = 12
	END
	exits 0 hft apply q
	echo 77 >"$tree/proc/sys/vm/swappiness"
	exits 0 hft replay
	[ "$(value /proc/sys/vm/stat_interval)" = 30 ]
	[ "$(value /proc/sys/vm/swappiness)" = 77 ]
	grep -q skew_tick=0 "$tree/etc/default/grub.d/zz-hfttune.cfg"
	exits 3 hft verify
}

@test "P4 a replay that fails leaves the host as the boot made it, and says why when asked" {
	exits 5 hft apply p
	reboot_tree
	now=$(shot)
	HFT_FAULT='write@*somaxconn:1:EIO' exits 1 hft replay
	has "undone"
	same "$now" "$(shot)"
	exits 0 hft status
	has "not in force (rebooted)"
	has "cause: sysctl net.core.somaxconn"
	has " replay"
	exits 0 hft --json history 2
	[ "$(field '.transactions[0].state')" = undone ]
	[[ $(field '.transactions[0].cause') == *somaxconn* ]]
	exits 0 hft replay
	[ "$(value /proc/sys/net/core/somaxconn)" = 1234 ]
}
