#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs the project in a guest as README says, from a tree that was built for this release. All scenarios start from
# the machine as it is after that.

step "make install"
mkdir -p /usr/src
cp -a "$share/hfttune" /usr/src/
make -C /usr/src/hfttune install
systemctl enable --now hfttuned.socket hfttuned.service
systemctl start hfttune-replay.service # as each boot does

expect_exit 0 hfttune status
expect_await 30 systemctl is-active redis-server.service
hold
