#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Governors, limits and idle states are set through the real drivers, do what they say, and come back.
# smoke

cpu=/sys/devices/system/cpu
use_profiles power
expect_file $cpu/cpu0/cpufreq/scaling_driver acpi-cpufreq
expect_file $cpu/cpuidle/current_driver acpi_idle
dump before

step "apply"
expect_exit 0 hfttune apply power
for n in 0 1 2 3 4 5 6 7; do
	expect_file $cpu/cpu$n/cpufreq/scaling_governor performance
done
for n in 2 3; do
	expect_file $cpu/cpu$n/cpufreq/scaling_min_freq "$(cat $cpu/cpu$n/cpufreq/cpuinfo_max_freq)"
	expect_file $cpu/cpu$n/cpuidle/state1/disable 1
	expect_file $cpu/cpu$n/cpuidle/state0/disable 0
done
expect_file $cpu/cpu0/cpuidle/state1/disable 0

step "the effect: CPUs 2 and 3 do not enter the state any more, CPU 4 does"
was=$(cat $cpu/cpu[234]/cpuidle/state1/usage | xargs)
sleep 3
is=$(cat $cpu/cpu[234]/cpuidle/state1/usage | xargs)
read -r was2 was3 was4 <<<"$was"
read -r is2 is3 is4 <<<"$is"
expect_eq "$was2 $was3" "$is2 $is3" "usage of state1 on CPUs 2 and 3"
expect_true test "$is4" -gt "$was4"

step "somebody else's governor is drift, and repaired"
echo schedutil >$cpu/cpu5/cpufreq/scaling_governor
expect_exit 3 hfttune verify
expect_exit 0 hfttune repair
expect_file $cpu/cpu5/cpufreq/scaling_governor performance

step "rollback"
expect_exit 0 hfttune rollback --all
dump after
expect_same_host before after
