#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P2 for what is written to files: killed at any call, or failing in any call, in this boot or the next, the files of the
# host are wholly before or wholly after, and nothing of ours lies around.
load ../helper

failures="EIO ENOSPC"
[ -z "${HFT_QUICK:-}" ] || failures=EIO

setup() {
	host vm-1cpu
	mkdir -p "$tree/etc/default" "$tree/boot/grub"
	echo 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"' >"$tree/etc/default/grub"
	echo '### BEGIN /etc/grub.d/10_linux ###' >"$tree/boot/grub/grub.cfg"
	mkdir -p "$tree/etc/hfttune"
	printf '[conffile]\napp = /etc/default/app.toml\n' >"$tree/etc/hfttune/host.conf"
	application
	mkdir -p "$tree/etc/systemd/system" "$tree/usr/lib/systemd/system"
	printf '[Service]\nExecStart=/usr/bin/a\n' >"$tree/usr/lib/systemd/system/a.service"
	profile p <<-'END'
		[phase a]
		[a/conffile app]
		cache.shards = 4096
		cache.batch = 16
		[a/sysctl]
		vm.swappiness = 11
		[a/boot]
		skew_tick = 1
		tsc = reliable
		[a/service a.service]
		Nice = -5
		LimitNOFILE = 4096
	END
	swappiness=$(value /proc/sys/vm/swappiness)
	before=$(files)
}

application() { # a file of somebody else's
	printf '[cache]\nshards = 256 # many\n' >"$tree/etc/default/app.toml"
	chmod 604 "$tree/etc/default/app.toml"
}

# Names, modes, sizes and lines of what a boot loader and systemd read, and what lies beside it.
files() {
	(cd "$tree/etc" && { find default systemd -type f -printf '%p %m %s\n' -o -printf '%p %m %y\n' &&
		grep -r '' default systemd; } | sort)
}

fresh() {
	rm -rf "$tree/var/lib/hfttune" "$tree/etc/default/"{grub.d,.grub.d*,{,.}app.toml*} \
		"$tree/etc/systemd/system/"{a.service.d,.a.service.d*}
	application
	echo "$swappiness" >"$tree/proc/sys/vm/swappiness"
	cp "$BATS_TEST_TMPDIR/boot_id" "$tree/proc/sys/kernel/random/boot_id"
}

next_boot() {
	echo 22222222-2222-2222-2222-222222222222 >"$tree/proc/sys/kernel/random/boot_id"
	echo "$swappiness" >"$tree/proc/sys/vm/swappiness"
}

# settled: after a recovery the files are before or after, and a rollback takes them back.
settled() {
	local now
	hft repair >"$BATS_TEST_TMPDIR/recover.log" 2>&1 || true
	now=$(files)
	[ "$now" = "$before" ] || [ "$now" = "$after" ] || { printf '%s: neither\n%s\n' "$1" "$now" >&2; return 1; }
	hft rollback --all >"$BATS_TEST_TMPDIR/rollback.log" 2>&1 ||
		{ echo "$1: rollback: $(<"$BATS_TEST_TMPDIR/rollback.log")" >&2; return 1; }
	same "$before" "$(files)" || { echo "$1: the original was lost" >&2; return 1; }
	[ "$(value /proc/sys/vm/swappiness)" = "$swappiness" ] || { echo "$1: swappiness" >&2; return 1; }
}

each_kill() { # VERB...: killed at every call, and recovered in this boot or (every other one) in the next
	cp "$tree/proc/sys/kernel/random/boot_id" "$BATS_TEST_TMPDIR/boot_id"
	exits 5 hft apply p
	after=$(files)
	[ "$1" = apply ] && fresh
	round=0
	every_point changing "$@"
	[ "$n" -gt 30 ]
	for i in "${points[@]}"; do
		fresh
		[ "$1" = apply ] || exits 5 hft apply p
		HFT_FAULT="*:$i:crash" hft "$@" >/dev/null 2>&1 || true
		((++round % 2)) || next_boot
		settled "point $i of $n"
	done
	echo "# $n points" >&3
}

@test "P2 files: an apply that dies anywhere" {
	each_kill apply p
}

@test "P2 files: a rollback that dies anywhere" {
	each_kill rollback --all
}

# Failures of the journal are the matter of p02-nothing-lost.bats.
@test "P2 files: an apply that meets a failure at any call for a file" {
	cp "$tree/proc/sys/kernel/random/boot_id" "$BATS_TEST_TMPDIR/boot_id"
	HFT_FAULT_COUNT=$BATS_TEST_TMPDIR/points hft apply p >/dev/null || [ $? = 5 ]
	mapfile -t points < <(grep -E " /etc/(default|systemd)" "$BATS_TEST_TMPDIR/points" | telling)
	n=${#points[@]}
	[ "$n" -gt 10 ]
	after=$(files)
	for e in $failures; do
		for i in "${points[@]}"; do
			fresh
			status=0
			HFT_FAULT="*@/etc/[ds]*:$i:$e" hft apply p >"$BATS_TEST_TMPDIR/out" 2>&1 || status=$?
			case $status in
			5) same "$after" "$(files)" || { echo "$e at $i: said done, and is not" >&2; return 1; } ;;
			7) ;;
			*) same "$before" "$(files)" || { echo "$e at $i: exit $status" >&2; cat "$BATS_TEST_TMPDIR/out" >&2; return 1; } ;;
			esac
			settled "$e at $i"
		done
	done
	echo "# $n points, each with $failures" >&3
}
