#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the machine that scenarios start from: this checkout, built for the guest's release (natively, in the root of its
# IMAGE), and installed in a BOOTED one (boot.sh). Called by run.sh; needs root.
#
#	install.sh GUEST IMAGE BOOTED DIRECTORY
set -euo pipefail
. "$(dirname "$0")/lab.bash"
guest=$1 image=$2 booted=$3 dir=$4
tree=$dir/share/hfttune

build() {
	mkdir -p "$tree"
	tar -C "$top" -cf - "${project_parts[@]}" | tar -C "$tree" -xf -
	# The mount is this command's own, and goes with it.
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -ec 'mount --bind "$1" "$2/mnt"
		exec chroot "$2" env -i PATH="$PATH" make -s -C /mnt -j"$(nproc)" all man tools' \
		sh "$tree" "$image/rootfs" >"$dir/build.txt" 2>&1 || { tail -n 40 "$dir/build.txt" >&2; die "it does not build"; }
}

make_share "$dir/share" "$lab/guest/install.sh"
say "$guest" "project: build"
build
cp --sparse=always "$booted/disk.qcow2" "$dir/"
keep_machine "$guest" "project" "$image" "$dir" 'step hold' -loadvm lab
