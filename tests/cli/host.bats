#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# `hfttune host` and `hfttune plan` on the recorded machines, at 80 and at 200 columns, as they were looked at by eye.
# After a change that is meant: look at what the test shows, then HFT_GOLDEN=write bats tests/cli/host.bats
load ../helper

golden() {
	local file=$top/tests/golden/$1
	shift
	if [ "${HFT_GOLDEN:-}" = write ]; then "$@" | nameless >"$file"; return; fi
	diff -u "$file" <("$@" | nameless) >&2
}

# The tree of the test has another name each time.
nameless() { sed "s,$tree,TREE,; s,$top/,,"; }

machines="xeon-2s epyc-1s vm-1cpu"

each_machine() {
	for machine in $machines; do
		tree=$BATS_TEST_TMPDIR/$machine
		host "$machine"
		for columns in 80 200; do
			COLUMNS=$columns golden "$1-$machine-$columns.txt" "${@:2}"
		done
	done
}

@test "host: a map at 80 and 200 columns" { each_machine host hft host; }

@test "plan demo: an aligned table at 80 and 200 columns" {
	export profiles=$top/profiles
	each_machine plan hft plan demo
}

@test "no line is wider than the terminal" {
	absent '^.{81,}$' "$top"/tests/golden/*-80.txt
	absent '^.{201,}$' "$top"/tests/golden/*-200.txt
}
