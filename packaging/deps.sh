#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what building (deps.sh build), testing (deps.sh test) and the lab (deps.sh lab) need, if it is missing. With
# apt it does so; elsewhere it prints the exact command and fails, unless everything is there already. `deps.sh KIND
# list` prints the names of Debian's packages and installs nothing.
set -eu

build_apt="gcc make pkg-config libc6-dev libsystemd-dev libnuma-dev libcpupower-dev libinih-dev libcjson-dev libmnl-dev \
libhiredis-dev"
test_apt="$build_apt scdoc libcmocka-dev bats jq strace clang libclang-rt-14-dev cppcheck shellcheck systemd mandoc \
fuse3 libfuse3-dev zsh fish util-linux procps iproute2 ethtool redis-tools grub2-common dbus"
lab_apt="qemu-system-x86 qemu-utils mmdebstrap debian-archive-keyring acpica-tools xorriso mtools grub-pc-bin \
grub-common e2fsprogs systemd util-linux make"
build_dnf="gcc make pkgconf systemd-devel numactl-devel kernel-tools-libs-devel inih-devel cjson-devel libmnl-devel hiredis-devel"
test_dnf="$build_dnf scdoc libcmocka-devel bats jq strace clang compiler-rt cppcheck ShellCheck systemd mandoc \
fuse3 fuse3-devel zsh fish util-linux procps-ng iproute iproute-tc ethtool redis"

case ${1:-} in
build) apt=$build_apt dnf=$build_dnf ;;
test) apt=$test_apt dnf=$test_dnf ;;
lab) apt=$lab_apt dnf= ;;
*) echo "usage: deps.sh build|test|lab [list]" >&2; exit 2 ;;
esac

[ "${2:-}" != list ] || { echo "$apt"; exit 0; }

missing_apt() {
	for p in $apt; do
		dpkg-query -W -f='${Status}\n' "$p" 2>/dev/null | grep -q '^install ok installed$' || printf '%s ' "$p"
	done
}

if command -v apt-get >/dev/null 2>&1; then
	missing=$(missing_apt)
	[ -n "$missing" ] || exit 0
	echo "installing: $missing"
	[ "$(id -u)" = 0 ] || { echo "deps.sh: run as root: apt-get install $missing" >&2; exit 1; }
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	# shellcheck disable=SC2086 # a list of names
	apt-get install -y -qq --no-install-recommends $missing >/dev/null
	exit 0
fi

[ -n "$dnf" ] || { echo "deps.sh: the lab is made of Debian's packages, and needs apt" >&2; exit 1; }

# Without apt: good enough if the compiler finds the headers.
for h in systemd/sd-event.h numa.h cpufreq.h ini.h cjson/cJSON.h libmnl/libmnl.h hiredis/hiredis.h; do
	if ! printf '#include <stdio.h>\n#include <%s>\n' "$h" | ${CC:-cc} -E - >/dev/null 2>&1; then
		echo "deps.sh: <$h> is missing. Install what is needed, for instance:" >&2
		echo "    dnf install $dnf" >&2
		exit 1
	fi
done
