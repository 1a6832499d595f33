#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A Varlink client that nobody here wrote (systemd's varlinkctl) can ask, introspect, change and follow progress.
# guests: 13

use_profiles one
address=unix:/run/hfttune/org.hfttune.Tuner
tuner=org.hfttune.Tuner
dump before

step "info and introspect"
expect_exit 0 varlinkctl info $address
expect_has $tuner
expect_exit 0 varlinkctl introspect $address $tuner
expect_has 'method Apply'
expect_exit 0 varlinkctl introspect $address org.varlink.service
expect_has 'method GetInfo'

step "calls"
expect_exit 0 varlinkctl call -j $address $tuner.Status '{}'
expect_eq 0 "$(jq '.layers | length' <<<"$output")" "layers"
expect_exit 0 varlinkctl call -j $address $tuner.Plan '{"profile":"one"}'
expect_true test "$(jq .summary.change <<<"$output")" -gt 0
expect_exit 0 varlinkctl call -j --more $address $tuner.Apply '{"profile":"one"}'
expect_true test "$(grep -c '"progress"' <<<"$output")" -gt 1
expect_exit 0 varlinkctl call -j $address $tuner.Status '{}'
expect_eq 2 "$(jq '.layers | length' <<<"$output")" "layers"

step "errors"
expect_exit 1 varlinkctl call -j $address $tuner.Plan '{"profile":"nowhere"}'
expect_has "$tuner.NoSuchProfile"
expect_exit 1 varlinkctl call -j $address $tuner.Plan '{"profile":7}'
expect_has org.varlink.service.InvalidParameter
expect_exit 1 varlinkctl call -j $address $tuner.Nothing '{}'
expect_has org.varlink.service.MethodNotFound
expect_exit 1 setpriv --reuid=nobody --regid=nogroup --clear-groups varlinkctl call -j $address $tuner.Status '{}'

step "back"
expect_exit 0 varlinkctl call -j $address $tuner.Rollback '{"all":true}'
dump after
expect_same_host before after
