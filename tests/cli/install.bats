#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# `make install` and `make uninstall` in a DESTDIR that is also a copied host, so that layers can be in force there.
# HFT_BUILD is the build directory; nothing is built here (-o), so the test can run beside other builds.

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	O=${HFT_BUILD:-${O:-build}}
	case $O in /*) ;; *) O=$TOP/$O ;; esac
	if [ ! -x "$O/hfttune" ] || [ ! -x "$O/hfttuned" ]; then
		skip "no programs in $O yet"
	fi
	D=$(mktemp -d)
	make_host "$D"
	LIST=$D.list
	list >"$LIST"
}

teardown() {
	rm -rf "${D:?}" "$D.list" "$D.profiles"
}

# A host of two CPUs that can boost, as a file tree.
make_host() {
	cpus=$1/sys/devices/system/cpu
	mkdir -p "$1/proc/sys/kernel/random" "$cpus/cpu0" "$cpus/cpu1" "$cpus/cpufreq" "$1/etc" "$1/var/lib"
	for f in online present possible; do echo 0-1 >"$cpus/$f"; done
	echo 6.1.0 >"$1/proc/sys/kernel/osrelease"
	echo 11111111-2222-3333-4444-555555555555 >"$1/proc/sys/kernel/random/boot_id"
	echo 0123456789abcdef0123456789abcdef >"$1/etc/machine-id"
	echo 1 >"$cpus/cpufreq/boost"
	mkdir -p "$1.profiles"
	cat >"$1.profiles/trial.conf" <<-'END'
		[profile]
		summary = for this test

		[phase one]
		order = 1
		risk = low
		summary = one setting

		[one/cpufreq *]
		boost = 0
	END
}

# Everything in the tree, with content: what "leaves nothing" is compared by.
list() {
	(cd "$D" && find . \( -type f -printf '%p %m ' -exec md5sum {} \; \) -o -printf '%p %m %l\n' | sort)
}

run_make() {
	make -s -C "$TOP" -o "$O/hfttune" -o "$O/hfttuned" O="$O" DESTDIR="$D" "$@"
}

tuned() { # the program of the build, on the tree
	"$O/hfttune" --standalone --root "$D" --profile-dir "$D.profiles" "$@"
}

@test "install puts every file beneath DESTDIR, with modes that anybody may read" {
	run_make install
	[ -x "$D/usr/bin/hfttune" ]
	[ -x "$D/usr/sbin/hfttuned" ]
	for f in lib/systemd/system/hfttuned.service lib/systemd/system/hfttuned.socket \
		lib/systemd/system/hfttune-drift.service lib/systemd/system/hfttune-drift.timer \
		lib/sysusers.d/hfttune.conf lib/tmpfiles.d/hfttune.conf lib/systemd/catalog/hfttune.catalog \
		share/doc/hfttune/COPYING; do
		[ "$(stat -c %a "$D/usr/$f")" = 644 ] || { echo "$f"; false; }
	done
	for p in "$TOP"/profiles/*.conf; do
		[ ! -e "$p" ] || cmp "$p" "$D/usr/lib/hfttune/profiles/${p##*/}"
	done
	[ -z "$(find "$D" -name '*.new')" ]
}

@test "install honours PREFIX, in the units too" {
	run_make install PREFIX=/opt/hft
	[ ! -e "$D/usr" ]
	grep -q '^ExecStart=/opt/hft/sbin/hfttuned$' "$D/opt/hft/lib/systemd/system/hfttuned.service"
	grep -q '^ExecStart=/opt/hft/bin/hfttune ' "$D/opt/hft/lib/systemd/system/hfttune-drift.service"
	run grep -rlE '^[^#]*/usr/s?bin' "$D/opt/hft/lib"
	[ "$status" -eq 1 ]
}

@test "the descriptor store drop-in goes only to a systemd that knows it" {
	run_make install SYSTEMD_VERSION=252
	[ ! -e "$D/usr/lib/systemd/system/hfttuned.service.d" ]
	run_make install SYSTEMD_VERSION=254
	[ -e "$D/usr/lib/systemd/system/hfttuned.service.d/50-descriptor-store.conf" ]
	run_make uninstall
	list | diff "$LIST" -
}

@test "uninstall leaves nothing of an untouched installation" {
	run_make install
	run_make uninstall
	list | diff "$LIST" -
}

@test "uninstall removes units that were enabled, and a profile of an older version" {
	run_make install
	mkdir -p "$D/etc/systemd/system/sockets.target.wants"
	ln -s /usr/lib/systemd/system/hfttuned.socket "$D/etc/systemd/system/sockets.target.wants/hfttuned.socket"
	mkdir -p "$D/usr/lib/hfttune/profiles"
	touch "$D/usr/lib/hfttune/profiles/older.conf" "$D/etc/systemd/system/sockets.target.wants/other.socket"
	run_make uninstall
	[ ! -L "$D/etc/systemd/system/sockets.target.wants/hfttuned.socket" ]
	[ -e "$D/etc/systemd/system/sockets.target.wants/other.socket" ]
	[ ! -e "$D/usr" ]
}

@test "uninstall keeps what an administrator wrote" {
	run_make install
	mkdir -p "$D/etc/hfttune/profiles"
	echo '[cpus]' >"$D/etc/hfttune/host.conf"
	run run_make uninstall
	[ "$status" -eq 0 ]
	[ "$(cat "$D/etc/hfttune/host.conf")" = '[cpus]' ]
}

@test "installing over itself with layers in force changes no tuning and no state" {
	run_make install
	tuned apply trial
	list >"$LIST"
	run_make install
	list | diff "$LIST" -
	[ "$(cat "$D/sys/devices/system/cpu/cpufreq/boost")" = 0 ]
	tuned verify
}

@test "uninstall refuses while layers are in force, and changes nothing" {
	run_make install
	tuned apply trial
	list >"$LIST"
	run run_make uninstall
	[ "$status" -ne 0 ]
	[[ $output == *'rollback --all'* ]]
	list | diff "$LIST" -
}

@test "uninstall after a rollback leaves nothing" {
	run_make install
	tuned apply trial
	tuned rollback --all
	run_make uninstall
	list | diff "$LIST" -
}

@test "uninstall refuses when the journal is damaged" {
	run_make install
	tuned apply trial
	tuned rollback --all
	j=$(find "$D/var/lib/hfttune/txn" -name '*.journal' | sort | head -n 1)
	sed -i '1s/Header/Hfader/' "$j"
	list >"$LIST"
	run run_make uninstall
	[ "$status" -ne 0 ]
	list | diff "$LIST" -
}

@test "uninstall refuses when the state cannot be read" {
	run_make install
	tuned apply trial
	tuned rollback --all
	printf '#!/bin/sh\nexit 1\n' >"$D/usr/bin/hfttune"
	list >"$LIST"
	run run_make uninstall
	[ "$status" -ne 0 ]
	list | diff "$LIST" -
}

@test "FORCE=1 removes the programs, keeps state and tuning, and the way back works" {
	run_make install
	tuned apply trial
	run run_make uninstall FORCE=1
	[ "$status" -eq 0 ]
	[[ $output == *"$D/var/lib/hfttune"*'rollback --all'* ]]
	[ ! -e "$D/usr" ]
	[ -n "$(find "$D/var/lib/hfttune/txn" -name '*.journal')" ]
	[ "$(cat "$D/sys/devices/system/cpu/cpufreq/boost")" = 0 ]
	run_make install
	tuned rollback --all
	run_make uninstall
	list | diff "$LIST" -
}
