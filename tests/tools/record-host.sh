#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# record-host.sh [-r ROOT] >NAME.tree: write down what hfttune reads of this host, as a tree for mktree and --root.
#
# Run it as root, else what only root may read comes out empty. It reads and changes nothing; but some reads are felt:
# energy preferences interrupt the CPU that they belong to, so do not run it while the host trades.
# Left out or replaced: machine and boot id, host name, the lower half of MAC addresses, the fast-open key, and nmi_watchdog
# while watchdog is 0, because reading it would forget its value. The command line stays: look through the result before
# you give it away.
set -eu

root=
while getopts r: option; do
	case $option in
	r) root=${OPTARG%/} ;;
	*) echo "usage: record-host.sh [-r ROOT]" >&2; exit 2 ;;
	esac
done

# Each line: find's starting points and tests. Symbolic links are recorded, never followed.
list() {
	# kernel
	look /etc/machine-id /proc/cmdline /proc/cpuinfo /proc/meminfo /proc/swaps /proc/pressure -maxdepth 1
	look /proc/sys/kernel /proc/sys/vm /proc/sys/fs /proc/sys/net/core /proc/sys/net/ipv4 /proc/sys/net/unix \
		! -path '*/fs/binfmt_misc*' ! -name uuid ! -name ns_last_pid ! -name tcp_fastopen_key
	look /sys/kernel/mm ! -path '*/stats/*' ! -path '*/damon/*' ! -path '*/cma/*'
	look /sys/kernel/rcu_expedited /sys/kernel/rcu_normal /sys/kernel/security/lockdown
	look /sys/devices/virtual/workqueue /sys/bus/workqueue/devices ! -path '*/power/*' ! -name uevent
	look /sys/devices/system/clocksource ! -path '*/power/*' ! -name uevent ! -name unbind_clocksource
	look /sys/devices/system/machinecheck ! -path '*/power/*' ! -name uevent
	for m in pcie_aspm workqueue zswap rcupdate haltpoll clocksource intel_idle processor kvm; do
		look "/sys/module/$m/parameters"
	done
	look /sys/fs/cgroup -maxdepth 1 \( -name cgroup.controllers -o -name cgroup.subtree_control -o -name 'cpuset.*' \)
	look /sys/fs/cgroup/cpuset -maxdepth 1 ! -name tasks ! -name cgroup.procs
	# CPUs and nodes
	look /sys/devices/system/cpu ! -name uevent ! -name modalias ! -path '*/hotplug/*' ! -path '*/thermal_throttle/*' \
		! -path '*/microcode/*' ! -path '*/crash_*' ! -path '*/cache/index[0-2]/*' ! -path '*/s2idle/*' \
		! -path '*/acpi_cppc/feedback_ctrs' ! -path '*/stats/*'
	look /sys/devices/system/node ! -path '*/memory[0-9]*' ! -path '*/power/*' ! -name uevent ! -name vmstat
	# interrupts, PCI devices, networks
	look /proc/irq /sys/kernel/irq
	look /sys/bus/pci/devices /sys/class/net -maxdepth 1
	look /sys/devices \( -path '*/pci*' -o -path '*/virtual/net/*' -o -path '*/virtio*' -o -path '*/vmbus*' \) \
		\( -path '*/msi_irqs/*' -o -path '*/net/*' -o -name class -o -name vendor -o -name device -o -name driver \
		-o -name numa_node -o -name 'local_cpu*' -o -name driver_override -o -path '*/power/control' \
		-o -path '*/link/*' \) \
		! -path '*/statistics/*' ! -path '*/net/*/power/*' ! -name uevent ! -path '*/virtual/workqueue/*' \
		! -path '*/msi_irqs' ! -path '*/usb*'
}

# find with the root before each path; paths that are not there are skipped. Entries that lie in each other are sorted out
# by the `sort -u` below.
look() {
	paths=
	while [ $# -gt 0 ]; do
		case $1 in
		/*) [ ! -e "$root$1" ] || paths="$paths $root$1" ;;
		*) break ;;
		esac
		shift
	done
	[ -z "$paths" ] && return
	# shellcheck disable=SC2086 # none of the paths has a blank
	find $paths "$@" \( -type f -o -type l -o -type d -empty \) -printf '%y\t%m\t%p\t%l\n' 2>/dev/null || :
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
watchdog=$(cat "$root/proc/sys/kernel/watchdog" 2>/dev/null || echo 1)

{
	list
	[ ! -d "$root/run/systemd/system" ] || printf 'd\t755\t%s\t\n' "$root/run/systemd/system"
	[ ! -e "$root/dev/cpu_dma_latency" ] || printf 'c\t600\t%s\t\n' "$root/dev/cpu_dma_latency"
} | LC_ALL=C sort -u -t "$(printf '\t')" -k 3,3 >"$work/entries"

# Every line of every file that can be read, behind its path and a byte 1: one grep for thousands of files, and one that
# goes on where the kernel refuses to say.
awk -F '\t' -v watchdog="$watchdog" '
	$1 != "f" || $2 !~ /[4-7]/ { next }
	$3 ~ /\/(config|remove|rescan|reset|uevent)$/ { next }
	$3 ~ /\/nmi_watchdog$/ && watchdog == 0 { next }
	{ print $3 }' "$work/entries" | xargs -d '\n' grep -asHZ '' | tr '\000' '\001' >"$work/lines" || :

echo "# recorded by record-host.sh: $(uname -m), kernel $(cat "$root/proc/sys/kernel/osrelease")"
awk -v root="$root" -v watchdog="$watchdog" '
# What stands in for facts that belong to one host only.
BEGIN {
	instead["/etc/machine-id"] = "00000000000000000000000000000001"
	instead["/proc/sys/kernel/random/boot_id"] = "00000000-0000-4000-8000-000000000001"
	instead["/proc/sys/kernel/hostname"] = "recorded"
	instead["/proc/sys/kernel/domainname"] = "(none)"
	if (watchdog == 0)
		instead["/proc/sys/kernel/nmi_watchdog"] = "1"
}

function escape(s)
{
	gsub(/\\/, "\\\\", s)
	gsub(/\t/, "\\t", s)
	return s
}

# The lower half of a MAC address belongs to one host too.
function masked(path, text)
{
	if (path !~ /\/net\/[^\/]*\/address$/ || text !~ /^[0-9a-f:]*$/ || text ~ /^00:00:00/)
		return text
	return substr(text, 1, 9) "00:00:01"
}

FNR == NR {
	end = index($0, "\001")
	path = substr($0, 1, end - 1)
	line = escape(substr($0, end + 1))
	if (path in text)
		line = text[path] "\\n" line
	text[path] = line
	next
}

{
	split($0, entry, "\t")
	path = substr(entry[3], length(root) + 1)
	if (path ~ /[{}]/) # has a meaning in the format
		next
	if (entry[1] == "d")
		print "d " path
	else if (entry[1] == "l")
		print "l " path "\t" entry[4]
	else if (path in instead)
		printf "f %04d %s\t%s\n", entry[2], path, instead[path]
	else # without a line: empty, refused, or a device
		printf "f %04d %s\t%s\n", entry[2], path, entry[3] in text ? masked(path, text[entry[3]]) : "\\c"
}' "$work/lines" "$work/entries"
