#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes of PACKAGES (bootstrap.sh) what a guest is made of, but for the project: the unpacked root file system (to build
# in), the disk, the ACPI table, and the ISO that starts GRUB. Called by run.sh; needs root.
#
#	image.sh GUEST PACKAGES DIRECTORY
set -euo pipefail
. "$(dirname "$0")/lab.bash"
guest=$1 packages=$2 dir=$3
root=$dir/rootfs

put() { # FILE, from standard input
	mkdir -p "$root$(dirname "$1")"
	cat >"$root$1"
}

# A host at rest: its address, its boot loader, and nothing that starts by itself while a scenario looks.
configure() {
	echo "debian-$guest" | put /etc/hostname
	echo "127.0.1.1 debian-$guest" >>"$root/etc/hosts"
	: | put /etc/machine-id
	echo 'LABEL=hftroot / ext4 errors=remount-ro 0 1' | put /etc/fstab
	put /etc/default/grub <<-'END'
		GRUB_DEFAULT=0
		GRUB_TIMEOUT=0
		GRUB_DISTRIBUTOR=Debian
		GRUB_CMDLINE_LINUX_DEFAULT="quiet"
		GRUB_CMDLINE_LINUX="console=ttyS0 mitigations=off"
		GRUB_TERMINAL=console
		GRUB_DISABLE_OS_PROBER=true
	END
	put /etc/systemd/network/lab.network <<-'END'
		[Match]
		Type=ether
		[Network]
		LinkLocalAddressing=no
		IPv6AcceptRA=no
		ConfigureWithoutCarrier=yes
		[Link]
		RequiredForOnline=no
	END
	put /usr/lib/systemd/system/hfttune-lab.service <"$lab/guest/lab.service"
	put /usr/lib/hfttune-lab/start.sh <"$lab/guest/start.sh"
	systemctl --root="$root" --quiet enable systemd-networkd.service hfttune-lab.service
	systemctl --root="$root" --quiet disable irqbalance.service tuned.service
	systemctl --root="$root" --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
		e2scrub_all.timer e2scrub_reap.service fstrim.timer logrotate.timer systemd-tmpfiles-clean.timer \
		getty@tty1.service systemd-networkd-wait-online.service
	rm -f "$root/etc/grub.d/00_tuned"
}

disk() {
	mkdir -p "$root/boot/grub"
	cp -r "$root/usr/lib/grub/i386-pc" "$root/boot/grub/"
	mke2fs -q -t ext4 -L hftroot -d "$root" "$dir/disk.img" 4G >/dev/null
}

say "$guest" image
mkdir "$root"
tar -C "$root" --numeric-owner --xattrs --xattrs-include="*" -xpf "$packages/root.tar"
configure
disk
"$lab/ssdt.sh" >"$dir/ssdt.asl"
iasl -p "$dir/ssdt" "$dir/ssdt.asl" >"$dir/iasl.log" || { cat "$dir/iasl.log" >&2; exit 1; }
mkdir -p "$dir/iso/boot/grub"
cp "$lab/grub.cfg" "$dir/iso/boot/grub/"
# With the modules of the guest: its own grub.cfg loads more of them from its disk, which have to fit.
grub-mkrescue -d "$root/usr/lib/grub/i386-pc" -o "$dir/boot.iso" "$dir/iso" 2>"$dir/iso.log" || { cat "$dir/iso.log" >&2; exit 1; }
