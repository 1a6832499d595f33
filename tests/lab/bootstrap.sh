#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Fetches the packages of a guest: DIRECTORY/root.tar is its root file system as Debian makes it. By far the longest part,
# and the one that changes least. Called by run.sh; needs root.
#
#	bootstrap.sh GUEST DIRECTORY
set -euo pipefail
. "$(dirname "$0")/lab.bash"
guest=$1 dir=$2 codename=${codenames[$1]}

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

say "$guest" "packages of $codename"
sources >"$dir/sources"
proxies >"$dir/proxies"
[ -s "$dir/sources" ] || die "no source of Debian in this host's apt: run apt-get update, or say LAB_MIRROR=URI"
# In namespaces, so that what it starts and mounts is gone when it is, however it ends.
unshare --mount --pid --fork --kill-child mmdebstrap --quiet --mode=root --variant=minbase --aptopt="$dir/proxies" \
	--essential-hook="$small_initrd" --include="$(packages | xargs | tr ' ' ,)" \
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt=force-unsafe-io "$codename" "$dir/root.tar" "$dir/sources"
