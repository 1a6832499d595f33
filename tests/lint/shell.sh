#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Checks every script of the tree with shellcheck: by name, or by first line where there is no name to tell it.
set -eu
cd "$(dirname "$0")/../.."
failed=0

command -v shellcheck >/dev/null 2>&1 || { echo "shell.sh: no shellcheck here, left out"; exit 0; }
mapfile -t scripts < <(
	grep -rlIE --exclude-dir=.git --exclude-dir='build*' '^#!(/usr/bin/env )?(/bin/|/usr/bin/)?(ba|da)?sh( |$)' . | sort
)
mapfile -t bats < <(find tests -name '*.bats' -o -name '*.bash' | sort)
[ ${#scripts[@]} -gt 0 ] || { echo "shell.sh: no scripts here" >&2; exit 1; }

shellcheck --format=gcc "${scripts[@]}" >&2 || failed=1
# SC2154: `run` of bats sets status, output and lines. SC2030, SC2031: each test is a subshell, and means to be one.
[ ${#bats[@]} -eq 0 ] || shellcheck --format=gcc --shell=bats --exclude=SC2154,SC2030,SC2031 "${bats[@]}" >&2 || failed=1
exit $failed
