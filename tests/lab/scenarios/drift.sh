#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What happens to a host while layers are in force is drift with its cause, and repaired: a thread that somebody gets onto
# an isolated CPU, boot parameters that an upgrade of the kernel must not lose, and ones that
# somebody took out.

group=/sys/fs/cgroup/hft.slice
ours=/etc/default/grub.d/zz-hfttune.cfg

mask_of() { sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$1/status"; } # PID
pid_of() { systemctl show -P MainPID "$1"; }                         # UNIT
has_parameters() { grep -q 'isolcpus=managed_irq,domain,2-3' /boot/grub/grub.cfg; }

dump before
step "isolated"
use_profiles isolate-now isolation
expect_exit 0 hfttune apply isolate-now
systemd-run --quiet --unit=stranger sleep infinity
expect_await 10 test "$(pid_of stranger)" -gt 1
stranger=$(pid_of stranger)
expect_exit 1 taskset -cp 2 "$stranger"

step "somebody opens the house to a task, and pins it"
systemctl set-property --runtime system.slice AllowedCPUs=0-7
taskset -cp 2 "$stranger"
expect_exit 3 hfttune verify
expect_has system.slice
echo "$output" >"$share/pinned"
expect_exit 0 hfttune repair
expect_exit 0 hfttune verify
expect_file $group/cpuset.cpus.partition isolated
expect_eq "" "$(cpus_of "$(mask_of "$stranger")" | grep -x '[23]' || :)" "isolated CPUs of the task"

step "a kernel package is upgraded: grub.cfg is made anew, with all that is ours"
expect_exit 5 hfttune apply isolation
expect_true has_parameters
expect_exit 0 dpkg-reconfigure "$(dpkg-query -W -f '${Package}\n' 'linux-image-*-amd64' | grep -v unsigned | head -n 1)"
expect_true has_parameters
expect_exit 5 hfttune verify

step "somebody takes our file away, and the next upgrade makes grub.cfg without it"
mv $ours /root/
expect_exit 0 update-grub
expect_exit 1 has_parameters
expect_exit 3 hfttune verify
expect_has zz-hfttune.cfg
echo "$output" >"$share/boot"
expect_exit 5 hfttune repair
expect_true has_parameters
expect_exit 5 hfttune verify

step "somebody edits grub.cfg by hand"
sed -i 's/ isolcpus=managed_irq,domain,2-3//' /boot/grub/grub.cfg
expect_exit 3 hfttune verify
expect_has grub.cfg
expect_exit 5 hfttune repair
expect_true has_parameters

step "rollback"
expect_exit 0 hfttune rollback --all # the host was never booted with them
systemctl stop stranger.service
rm -f /root/zz-hfttune.cfg
dump after
expect_same_host before after
