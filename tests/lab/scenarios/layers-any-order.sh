#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Three layers that set the same objects can be taken out in each of their six orders, and the machine is as it was.

use_profiles one two
dump before
for order in 'one/a one/b two/c' 'one/a two/c one/b' 'one/b one/a two/c' 'one/b two/c one/a' 'two/c one/a one/b' \
	'two/c one/b one/a'; do
	step "order $order"
	expect_exit 0 hfttune apply one
	expect_exit 0 hfttune apply two
	expect_exit 0 hfttune verify
	for layer in $order; do
		expect_exit 0 hfttune rollback --phase "$layer"
	done
	dump after
	expect_same_host before after
done
