#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the machine that scenarios start from: the image, with this checkout built for its release (natively, in the
# image's own root), installed in a first boot (guest/prepare.sh), and kept as it stands after the second one: the disk
# holds a snapshot "lab" of memory and devices, which starts in seconds. Called by run.sh; needs root.
#
#	install.sh GUEST IMAGE DIRECTORY
set -euo pipefail
. "$(dirname "$0")/lab.bash"
guest=$1 image=$2 dir=$3
share=$dir/share tree=$dir/share/hfttune

build() {
	mkdir -p "$tree"
	tar -C "$top" -cf - "${project_parts[@]}" | tar -C "$tree" -xf -
	# The mount is this command's own, and goes with it.
	# shellcheck disable=SC2016
	unshare --mount sh -ec 'mount --bind "$1" "$2/mnt"; exec chroot "$2" env -i PATH="$PATH" make -s -C /mnt -j"$(nproc)" all man tools' \
		sh "$tree" "$image/rootfs" >"$dir/build.txt" 2>&1 || { tail -n 40 "$dir/build.txt" >&2; die "it does not build"; }
}

# The first boot is let go, the second is not: it stands at its end, with nothing mounted.
boots() {
	mkfifo "$dir/go" "$dir/monitor.in" "$dir/monitor.out"
	exec {go}<>"$dir/go" {monitor}<>"$dir/monitor.in"
	echo go >&"$go"
	power_on "$image" "$dir/disk.qcow2" "$dir" -chardev "pipe,id=c1,path=$dir/monitor" -mon chardev=c1 <&"$go"
	follow "$guest" install 'step reboot' && follow "$guest" install ready || return
	# What a boot leaves to be done, is done.
	sleep 10
	say "$guest" "install: snapshot"
	echo passed >"$share/verdict"
	printf 'savevm lab\nquit\n' >&"$monitor"
	follow "$guest" install off
}

make_share "$share" "$lab/guest/prepare.sh"
say "$guest" "project: build"
build
say "$guest" "project: install"
qemu-img create -q -f qcow2 -F raw -b "$image/disk.img" "$dir/disk.qcow2"
boots || failed=1
power_off "$dir"
[ -z "${failed:-}" ] || exit 1
qemu-img snapshot -l "$dir/disk.qcow2" | grep -q ' lab ' || { cat "$dir/qemu.txt" >&2; die "no snapshot was made"; }
rm -rf "$share" "$dir/go" "$dir"/monitor.*
