#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Settings of every kind are applied to a whole machine through the installed daemon, hold, and are taken back without
# a trace.
# smoke

use_profiles every-kind

step "the idle host, twice"
dump first
dump second
expect_same_host first second

step plan
expect_exit 3 hfttune plan every-kind
dump planned
expect_same_host second planned

step apply
expect_exit 0 hfttune apply every-kind
expect_exit 0 hfttune verify
expect_exit 0 hfttune apply every-kind
dump applied
expect_differs planned applied

step "rollback"
expect_exit 0 hfttune rollback --all
dump after
expect_same_host planned after
