#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every interrupt goes where the profile says but for the managed ones of the disk, which the kernel keeps (it says EIO
# on Linux 6.1, EPERM on 6.12): they are named once as not applicable, and nothing is undone for them. Nor for the timer,
# which nobody can move, and which is called no managed interrupt.
# smoke

# is_managed NUMBER: an interrupt of a queue of the virtio disk.
is_managed() {
	grep -qE '^virtio[0-9]+-req\.' "/sys/kernel/irq/$1/actions"
}

affinities() { # of the managed ones
	local dir
	for dir in /proc/irq/[0-9]*; do
		! is_managed "${dir##*/}" || cat "$dir/smp_affinity_list"
	done
}

use_profiles interrupts
dump before
managed=$(affinities)
step "apply"
expect_true test "$(wc -l <<<"$managed")" -ge 8
expect_exit 0 hfttune --json apply interrupts
refused() { # CONDITION: the interrupts that cannot be moved, by what is said of them
	jq -r ".steps[] | select(.state == \"not_applicable\" and (.reason | $1)) | .object" <<<"$output"
}
expect_eq "$(wc -l <<<"$managed")" "$(refused 'startswith("managed")' | wc -l)" "how many it calls managed"
expect_eq "IO-APIC hwirq-2" "$(refused 'startswith("managed") | not')" "others"
expect_exit 0 hfttune verify
expect_has "managed"

step "what the kernel says"
expect_eq "$managed" "$(affinities)" "managed interrupts"
# The timer of the machine, and what nobody requested, has no affinity to be changed.
is_movable() {
	! is_managed "$1" && grep -qv timer "/sys/kernel/irq/$1/actions" && [ -n "$(cat "/sys/kernel/irq/$1/actions")" ]
}
moved=0
for dir in /proc/irq/[0-9]*; do
	is_movable "${dir##*/}" || continue
	expect_file "$dir/smp_affinity_list" 0-1
	moved=$((moved + 1))
done
expect_true test $moved -ge 4

step "rollback"
expect_exit 0 hfttune rollback --all
dump after
expect_same_host before after
