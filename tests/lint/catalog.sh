#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every message id that the daemon logs stands in the catalogue, and none else.
set -eu
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
sed -n 's/^-- \([0-9a-f]\{32\}\)$/\1/p' packaging/hfttune.catalog | sort >"$tmp/catalogue"
grep -o '"[0-9a-f]\{32\}"' daemon/server/event.c | tr -d '"' | sort >"$tmp/code"
[ -s "$tmp/code" ] || { echo "daemon/server/event.c:1: no message ids found" >&2; exit 1; }
diff "$tmp/catalogue" "$tmp/code" >&2 || { echo "packaging/hfttune.catalog:1: ids differ from daemon/server/event.c" >&2; exit 1; }
