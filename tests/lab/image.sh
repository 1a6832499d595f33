#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes what a guest is made of, without the project: the unpacked root file system (to build in), the disk, the ACPI
# table, the ISO that starts GRUB, and the kernel for the first boot. Called by run.sh; needs root.
#
#	image.sh GUEST DIRECTORY
set -euo pipefail
. "$(dirname "$0")/lab.bash"
guest=$1 dir=$2 codename=${codenames[$1]}
root=$dir/rootfs

# This host's own sources of Debian, for the guest's release. A host without any says LAB_MIRROR=URI.
sources() {
	local host
	host=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # apt's variables
	{
		apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME)' 'Identifier: Packages' | sort -u |
			sed -n "s/^Debian \([^ ]*\) $host\(-updates\|-security\|\)$/\1 $codename\2/p"
		[ -z "${LAB_MIRROR:-}" ] || echo "$LAB_MIRROR $codename"
	} | sed 's|^|deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] |; s|$| main|'
}

packages() {
	"$top/packaging/deps.sh" build list
	awk -v guest="$guest" '/^#/ { next } $1 == "*" || $1 == guest { $1 = ""; print }' "$lab/packages"
}

# What the host's apt uses to get out.
proxies() {
	apt-config dump --format '%F "%v";%n' | grep -E '^Acquire::https?::Proxy' || :
}

# A small initial file system, said before the kernel is installed: to unpack the usual one takes longer than the rest of
# the kernel's start.
# shellcheck disable=SC2016 # for the hook's shell
small_initrd='cd "$1/usr/share" && mkdir -p initramfs-tools/conf.d initramfs-tools/modules.d &&
echo MODULES=list >initramfs-tools/conf.d/lab && printf "virtio_pci\nvirtio_blk\next4\n" >initramfs-tools/modules.d/lab'

bootstrap() {
	[ -n "$(sources)" ] || die "no source of Debian in this host's apt: run apt-get update, or say LAB_MIRROR=URI"
	sources >"$dir/sources"
	proxies >"$dir/proxies"
	# In namespaces, so that what it starts and mounts in there is gone when it is, however it ends.
	unshare --mount --pid --fork --kill-child mmdebstrap --quiet --mode=root --variant=minbase --aptopt="$dir/proxies" \
		--essential-hook="$small_initrd" \
		--include="$(packages | xargs | tr ' ' ,)" \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' "$codename" "$root" "$dir/sources"
}

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
	chroot "$root" systemctl --quiet enable systemd-networkd.service hfttune-lab.service
	chroot "$root" systemctl --quiet disable irqbalance.service tuned.service
	chroot "$root" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
		e2scrub_all.timer e2scrub_reap.service fstrim.timer logrotate.timer systemd-tmpfiles-clean.timer \
		getty@tty1.service systemd-networkd-wait-online.service
	rm -f "$root/etc/grub.d/00_tuned"
}

disk() {
	mkdir -p "$root/boot/grub"
	cp -r "$root/usr/lib/grub/i386-pc" "$root/boot/grub/"
	mke2fs -q -t ext4 -L hftroot -d "$root" "$dir/disk.img" 4G >/dev/null
}

say "$guest" "image: packages of $codename"
bootstrap
say "$guest" "image: disk"
configure
cp "$root"/boot/vmlinuz-* "$dir/vmlinuz"
cp "$root"/boot/initrd.img-* "$dir/initrd.img"
disk
"$lab/ssdt.sh" >"$dir/ssdt.asl"
iasl -p "$dir/ssdt" "$dir/ssdt.asl" >"$dir/iasl.log" || { cat "$dir/iasl.log" >&2; exit 1; }
mkdir -p "$dir/iso/boot/grub"
cp "$lab/grub.cfg" "$dir/iso/boot/grub/"
grub-mkrescue -o "$dir/boot.iso" "$dir/iso" 2>"$dir/iso.log" || { cat "$dir/iso.log" >&2; exit 1; }
