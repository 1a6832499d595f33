#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Static analysis of the sources; what is known to be wrong stands in cppcheck.txt, with the reason. Needs no build.
set -eu
cd "$(dirname "$0")/../.."

command -v cppcheck >/dev/null 2>&1 || { echo "cppcheck.sh: no cppcheck here, left out"; exit 0; }
exec cppcheck --quiet --error-exitcode=1 -j "$(nproc)" --std=c11 --enable=warning,performance,portability \
	--suppressions-list=tests/lint/cppcheck.txt --suppress=missingIncludeSystem \
	-I. -D_GNU_SOURCE --template='{file}:{line}: {severity}: {message} [{id}]' lib rollback daemon cli tests/tools
