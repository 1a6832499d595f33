#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `make install` over itself with layers in force, and a restart of the service after it, change no tuning; the held
# PM QoS request survives both.

use_profiles every-kind
dump before
expect_exit 0 hfttune apply every-kind
dump applied

step "make install"
expect_exit 0 make -C "$source" install
dump installed
expect_same_host applied installed
expect_exit 0 hfttune verify

step "restart"
expect_exit 0 systemctl restart hfttuned.service
expect_exit 0 hfttune verify
dump restarted
expect_same_host applied restarted

step "crash"
expect_exit 0 systemctl kill --signal=KILL --kill-who=main hfttuned.service
expect_await 30 hfttune status
expect_exit 0 hfttune verify
dump crashed
expect_same_host applied crashed

step "rollback"
expect_exit 0 hfttune rollback --all
dump after
expect_same_host before after
