#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernel parameters from the command line: on a copied tree, and through the real GRUB of this machine, whose files are
# hidden behind others in a mount namespace of the test's own.
load ../helper

one() {
	profile one <<-'END'
		[phase a]
		[a/boot]
		isolcpus = managed_irq,domain,1
		rcu_nocbs = 1
		nosoftlockup = yes
	END
}

# A copied host with GRUB's files; CPU 1 of xeon-2s shares its core with another one.
copied() {
	host xeon-2s
	mkdir -p "$tree/etc/default" "$tree/boot/grub"
	echo 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"' >"$tree/etc/default/grub"
	echo '### BEGIN /etc/grub.d/10_linux ###' >"$tree/boot/grub/grub.cfg"
}

@test "boot: exit 5 and reboot_needed until the host was booted with it" {
	copied
	one
	exits 3 hft --json plan one
	[ "$(field .summary.reboot_needed)" = true ]
	exits 5 hft --json apply one
	[ "$(field .summary.pending)" = 3 ]
	exits 5 hft verify
	exits 0 hft --json status
	[ "$(field .reboot_needed)" = true ]
	exits 5 hft apply one # nothing to write, and a reboot is still needed
	echo 3 >"$tree/proc/sys/kernel/random/boot_id"
	echo "$(value /proc/cmdline) isolcpus=managed_irq,domain,1 rcu_nocbs=1 nosoftlockup" >"$tree/proc/cmdline"
	chmod u+w "$tree/sys/devices/system/cpu/isolated" "$tree/proc/sys/kernel/soft_watchdog"
	echo 1 >"$tree/sys/devices/system/cpu/isolated"
	echo 0 >"$tree/proc/sys/kernel/soft_watchdog"
	exits 0 hft verify
	exits 0 hft --json status
	[ "$(field .reboot_needed)" = false ]
	exits 5 hft rollback --all
	[ ! -e "$tree/etc/default/grub.d" ]
	exits 0 hft status
	has 'reboot is needed' # the kernel runs with them still
	echo 4 >"$tree/proc/sys/kernel/random/boot_id"
	exits 0 hft --json status
	[ "$(field .reboot_needed)" = false ]
}

@test "boot: taken back before the host was booted with it, nothing waits" {
	copied
	one
	exits 5 hft apply one
	exits 0 hft rollback --all
	exits 0 hft --json status
	[ "$(field .reboot_needed)" = false ]
}

@test "boot: what is refused says where" {
	copied
	online=$(value /sys/devices/system/cpu/online)
	profile p <<<$'[phase a]\n[a/boot]\nnohz_full = '"$online"
	exits 2 hft --json apply p
	[[ $(field .error.where) == */p.conf:3 ]]
	profile p <<<$'[phase a]\n[a/boot]\nmitigations = off'
	exits 4 hft --json apply p
	[ "$(field .error.code)" = refused ]
	profile p <<<$'[phase a]\n[a/boot]\ninit = /bin/sh'
	exits 2 hft apply p
	echo 'GRUB_CMDLINE_LINUX="isolcpus=2"' >>"$tree/etc/default/grub"
	one
	exits 4 hft --json apply one
	[ "$(field .error.code)" = conflict ]
	[[ $(field .error.message) == */etc/default/grub:2* ]]
	[ ! -e "$tree/etc/default/grub.d" ]
}

@test "boot: a file that somebody edited is a conflict until it is forced" {
	copied
	one
	exits 5 hft apply one
	sed -i 's/rcu_nocbs=1/rcu_nocbs=3/' "$tree/etc/default/grub.d/zz-hfttune.cfg"
	exits 4 hft rollback --all
	grep -q "'rcu_nocbs=3'" "$tree/etc/default/grub.d/zz-hfttune.cfg"
	exits 0 hft rollback --all --force
	[ ! -e "$tree/etc/default/grub.d" ]
}

# in_grub SCRIPT: run it where /boot and /etc/default are others, with two kernels and GRUB as its package sets it up.
in_grub() {
	needs_root
	[ -x /usr/sbin/update-grub ] || skip "no GRUB here"
	unshare -m true 2>/dev/null || skip "no mount namespace of its own"
	cat >"$BATS_TEST_TMPDIR/in-grub" <<-'END'
		set -eu
		mount --make-rprivate /
		mount -t tmpfs "$(findmnt -no SOURCE /)" /boot # grub-probe asks for the device that has /boot
		mount -t tmpfs none /etc/default
		mkdir /boot/grub
		touch /boot/vmlinuz-6.1.0-56-amd64 /boot/initrd.img-6.1.0-56-amd64 /boot/vmlinuz-6.1.0-50-amd64
		cp /usr/share/grub/default/grub /etc/default/grub
		echo LANG=de_DE.UTF-8 >/etc/default/locale
		env -i PATH="$PATH" LANG=de_DE.UTF-8 update-grub >"$1/log" 2>&1 || { cat "$1/log"; exit 99; }
	END
	cat >>"$BATS_TEST_TMPDIR/in-grub"
	status=0
	output=$(unshare -m bash "$BATS_TEST_TMPDIR/in-grub" "$BATS_TEST_TMPDIR" "$build" "$profiles" 2>&1) || status=$?
	[ "$status" != 99 ] || skip "GRUB cannot tell the devices of this machine"
	[ "$status" = 0 ] || { echo "$output" >&2; return 1; }
}

@test "boot: the real GRUB gets it into every entry but the recovery, and loses it without a trace" {
	one
	in_grub <<-'END'
		hft() { "$2/hfttune" --standalone --state-dir "$1/state" --profile-dir "$3" "${@:4}"; }
		say() { (cd /etc/default && find . -printf '%p %m\n' | sort && cat grub; cat /boot/grub/grub.cfg); }
		say >"$1/before"
		r=0; hft "$@" apply one || r=$?
		[ $r = 5 ]
		[ "$(grep -c '	linux	.* quiet isolcpus=managed_irq,domain,1 rcu_nocbs=1 nosoftlockup$' /boot/grub/grub.cfg)" = 3 ]
		[ "$(grep -c '	linux	.*isolcpus' /boot/grub/grub.cfg)" = 3 ]
		[ "$(grep -c '	linux	.* single' /boot/grub/grub.cfg)" = 2 ]
		# A kernel package comes, and makes the menu anew.
		touch /boot/vmlinuz-6.1.0-60-amd64
		LANG=de_DE.UTF-8 update-grub 2>/dev/null
		r=0; hft "$@" verify || r=$?
		[ $r = 5 ]
		rm /boot/vmlinuz-6.1.0-60-amd64
		# Somebody takes it out of the menu: drift, which repair mends.
		sed -i 's/ isolcpus=managed_irq,domain,1//' /boot/grub/grub.cfg
		r=0; hft "$@" verify || r=$?
		[ $r = 3 ]
		r=0; hft "$@" repair || r=$?
		[ $r = 5 ]
		[ "$(grep -c '	linux	.*isolcpus=managed_irq,domain,1' /boot/grub/grub.cfg)" = 3 ]
		hft "$@" rollback --all
		say >"$1/after"
		diff "$1/before" "$1/after"
	END
}

# A file that comes later and assigns anew: what was staged will not be booted, and that is found out.
@test "boot: what the real GRUB does not take fails, and is undone" {
	one
	in_grub <<-'END'
		hft() { "$2/hfttune" --standalone --state-dir "$1/state" --profile-dir "$3" "${@:4}"; }
		mkdir /etc/default/grub.d
		echo 'GRUB_CMDLINE_LINUX_DEFAULT=debug' >/etc/default/grub.d/zzz.cfg
		LANG=de_DE.UTF-8 update-grub 2>/dev/null
		cp /boot/grub/grub.cfg "$1/before"
		r=0; hft "$@" --json apply one >"$1/out" || r=$?
		cat "$1/out"
		[ $r = 1 ]
		[ "$(jq -r .error.code "$1/out")" = not-in-effect ]
		[ ! -e /etc/default/grub.d/zz-hfttune.cfg ]
		[ -e /etc/default/grub.d/zzz.cfg ]
		cmp /boot/grub/grub.cfg "$1/before"
		# update-grub itself fails.
		echo 'exit 7' >/etc/default/grub.d/zzz.cfg
		r=0; hft "$@" --json apply one >"$1/out" || r=$?
		cat "$1/out"
		[ $r = 1 ]
		[ "$(jq -r .error.subject "$1/out")" = /usr/sbin/update-grub ]
		[ ! -e /etc/default/grub.d/zz-hfttune.cfg ]
		cmp /boot/grub/grub.cfg "$1/before"
	END
}
