#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the disk that scenarios start from: the image, with this checkout built for its release (natively, in the
# image's own root) and installed in a first boot (guest/prepare.sh). Called by run.sh; needs root.
#
#	install.sh GUEST IMAGE DIRECTORY
set -euo pipefail
. "$(dirname "$0")/lab.bash"
guest=$1 image=$2 dir=$3
share=$dir/share tree=$dir/share/hfttune
qemu=
trap '[ -z "$qemu" ] || kill "$qemu"' EXIT

build() {
	mkdir -p "$tree"
	tar -C "$top" -cf - "${project_parts[@]}" | tar -C "$tree" -xf -
	# The mount is this command's own, and goes with it.
	# shellcheck disable=SC2016
	unshare --mount sh -ec 'mount --bind "$1" "$2/mnt"; exec chroot "$2" env -i PATH="$PATH" make -s -C /mnt -j"$(nproc)" all man tools' \
		sh "$tree" "$image/rootfs" >"$dir/build.txt" 2>&1 || { tail -n 40 "$dir/build.txt" >&2; die "it does not build"; }
}

make_share "$share" "$lab/guest/prepare.sh"
say "$guest" "project: build"
build
say "$guest" "project: install"
: >"$share/keep-disk"
qemu-img create -q -f qcow2 -F raw -b "$image/disk.img" "$dir/disk.qcow2"
run_guest "$guest" install "$image" "$dir/disk.qcow2" "$dir" kernel || { cat "$share/failed" >&2; die "see above"; }
rm -rf "$share"
