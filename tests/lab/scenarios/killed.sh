#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon and its worker are killed in the middle of an apply, again and again: the service comes back by itself, and
# the machine is wholly before or wholly after, with nothing lost.

use_profiles every-kind
dump before

service_answers() { hfttune status; }

step "how long an apply takes"
began=$(date +%s%N)
expect_exit 0 hfttune apply every-kind
took=$((($(date +%s%N) - began) / 1000000))
dump applied
expect_exit 0 hfttune rollback --all
dump clean
expect_same_host before clean

for tenth in 1 2 3 4 5 6 7 8 9 10; do
	ms=$((took * tenth / 10))
	hfttune apply every-kind >"$share/apply" 2>&1 &
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
	systemctl kill --signal=KILL --kill-who=all hfttuned.service
	wait $! || :
	systemctl reset-failed hfttuned.service
	expect_await 60 service_answers
	layers=$(hfttune --json status | jq '.layers | length')
	step "killed after $ms ms: $layers layers in force"
	expect_exit 0 hfttune status
	expect_eq null "$(hfttune --json status | jq -c .unfinished)" "unfinished"
	if [ "$layers" != 0 ]; then
		expect_exit 0 hfttune verify
		expect_exit 0 hfttune rollback --all
	fi
	dump after
	expect_same_host before after
done
step "undone by the service at its start: $(journalctl -b -u hfttuned --no-pager | grep -c 'has been undone') times"
expect_true test "$(journalctl -b -u hfttuned --no-pager | grep -c 'has been undone')" -gt 0
