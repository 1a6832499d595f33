#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `hfttune host` says of packages, cores, threads, nodes and network cards what the kernel says, with SMT on and off.
# smoke

# What lscpu knows, as "cpu package core node" lines, against what hfttune says.
theirs() {
	lscpu -p=CPU,SOCKET,CORE,NODE | grep -v '^#' | tr ',' ' '
}
ours() {
	hfttune --json host | jq -r '.host.cpus[] | select(.online) | "\(.cpu) \(.package) \(.core) \(.node)"'
}
# Cores are numbered within the package by the kernel, and through by lscpu: compared as "which CPUs share one".
cores() {
	awk '{ k = $2 ":" $3; s[k] = s[k] "," $1 } END { for (k in s) print substr(s[k], 2) }' | sort
}

step "SMT on"
expect_exit 0 hfttune host
expect_eq "$(theirs | cut -d' ' -f1,2,4)" "$(ours | cut -d' ' -f1,2,4)" "CPU, package, node"
expect_eq "$(theirs | cores)" "$(ours | cores)" "CPUs of a core"
expect_eq "2 4 2" "$(ours | awk '{ p[$2]; c[$2 ":" $3]; n[$4] } END { print length(p), length(c), length(n) }')" \
	"packages, cores, nodes"
for pair in 0 2 4 6; do
	expect_eq "$(cat /sys/devices/system/cpu/cpu$pair/topology/thread_siblings_list)" \
		"$(hfttune --json host | jq -r ".host.cpus[$pair].siblings")" "siblings of CPU $pair"
done
drivers=$(hfttune --json host | jq -r '[.host.nics[].driver | select(. != "")] | unique | join(" ")')
expect_eq "e1000e virtio_net vmxnet3" "$drivers" "drivers of network cards"

step "SMT off"
echo off >/sys/devices/system/cpu/smt/control
expect_file /sys/devices/system/cpu/online 0,2,4,6
expect_eq "$(theirs | cut -d' ' -f1,2,4)" "$(ours | cut -d' ' -f1,2,4)" "CPU, package, node"
expect_eq 4 "$(ours | wc -l)" "threads"
echo on >/sys/devices/system/cpu/smt/control
expect_eq 8 "$(ours | wc -l)" "threads"
