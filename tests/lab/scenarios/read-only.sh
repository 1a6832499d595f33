#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# With a read-only /sys, as in a container: what lies there is not applicable, with the reason, and refused where the
# profile requires it; what lies elsewhere is applied and taken back.

use_profiles read-only
dropin=/run/systemd/system/hfttuned.service.d
mkdir -p $dropin
# Not ReadOnlyPaths=: on systemd 257 it does nothing to /sys beside the service's ProtectControlGroups=yes.
printf '[Service]\nBindReadOnlyPaths=/sys\n' >$dropin/read-only.conf
systemctl daemon-reload
systemctl restart hfttuned.service
expect_true grep -qE ' /sys ro[ ,]' "/proc/$(systemctl show -P MainPID hfttuned.service)/mountinfo"
dump before
thp=$(cat /sys/kernel/mm/transparent_hugepage/enabled)

step "apply"
expect_exit 0 hfttune --json apply read-only --phase a
expect_eq '["thp.enabled"]' "$(jq -c '[.steps[] | select(.state == "not_applicable") | .object]' <<<"$output")" "not applicable"
expect_true grep -qi 'read-only' <<<"$(jq -r '.steps[] | select(.state == "not_applicable") | .reason' <<<"$output")"
expect_file /proc/sys/vm/swappiness 11
expect_file /sys/kernel/mm/transparent_hugepage/enabled "$thp"
expect_exit 0 hfttune verify

step "a phase that requires it"
swappiness=$(cat /proc/sys/vm/swappiness)
expect_exit 1 hfttune apply read-only
expect_file /proc/sys/vm/swappiness "$swappiness"

step "rollback"
expect_exit 0 hfttune rollback --all
dump after
expect_same_host before after
