# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the lab's scripts share: the guests, the cache, and following a guest that runs. Sourced after `set -eu`.

lab=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$lab/../.." && pwd)
cache=${LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hfttune-lab}

# A guest is named by its Debian release.
# shellcheck disable=SC2034 # for those who source this
declare -A codenames=([12]=bookworm [13]=trixie)

# say GUEST TEXT: a line of progress, for people.
say() {
	printf '%s  debian-%s  %s\n' "$(date +%T)" "$1" "$2" >&2
}

die() {
	printf 'lab: %s\n' "$*" >&2
	exit 1
}

# hash_of FILE...: of names and contents.
hash_of() {
	(cd "$top" && find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum | cut -c1-16
}

# The hash of everything that an image is made of; scenarios are not in it.
base_key() {
	(cd "$top" && hash_of tests/lab/{image.sh,packages,ssdt.sh,grub.cfg,guest/lab.service} packaging/deps.sh)
}

# What of this checkout is built and installed; changes elsewhere make no new disk.
project_parts=(COPYING Makefile cli daemon lib man packaging profiles rollback tests/tools)

installed_key() { # BASE-KEY
	printf '%s %s\n' "$1" "$(hash_of "${project_parts[@]}" tests/lab/{install.sh,guest/prepare.sh})" | sha256sum | cut -c1-16
}

# cached NAME KEEP COMMAND...: the directory NAME-of-this-hash in the cache, made by COMMAND DIRECTORY if it is missing,
# whole or not at all, by one run at a time. Its path is left in $entry, and stays locked against removal for as long as
# this process lives. Of older ones of the same kind KEEP remain; those in use are never removed.
cached() { # KIND HASH KEEP COMMAND...
	local kind=$1 keep=$3 temporary fd
	entry=$cache/$1-$2
	shift 3
	mkdir -p "$cache"
	exec {fd}>"$cache/$kind.lock"
	flock -w 3600 "$fd" || die "another run has been making $kind for an hour"
	if [ ! -d "$entry" ]; then
		temporary=$entry.new
		rm -rf --one-file-system "$temporary"
		mkdir "$temporary"
		"$@" "$temporary" || {
			rm -rf --one-file-system "${cache:?}/$kind.failed"
			mv "$temporary" "$cache/$kind.failed"
			die "$kind was not made: see $cache/$kind.failed"
		}
		mv "$temporary" "$entry"
	fi
	exec {used}<"$entry"
	flock -s "$used"
	touch "$entry"
	forget "$kind" "$keep"
	exec {fd}>&-
}

# forget KIND KEEP: remove all but the newest KEEP that nobody uses.
forget() {
	local old
	find "$cache" -maxdepth 1 -type d -name "$1-*" -printf '%T@ %p\n' | sort -rn | tail -n "+$(($2 + 1))" | cut -d' ' -f2- |
		while IFS= read -r old; do
			flock -xn "$old" rm -rf --one-file-system "$old" || :
		done
}

# --- a guest that runs ---

# make_share DIRECTORY SCENARIO-FILE: what the guest sees of the host. It holds the judge's rules as they are now.
make_share() {
	mkdir -p "$1"/{scenarios,tools,dumps}
	cp -r "$lab/guest" "$lab/profiles" "$1/"
	cp "$2" "$1/scenarios/"
	cp "$top"/tests/tools/hostdump{-diff,.ignore} "$1/tools/"
	echo 0 >"$1/boot"
	: >"$1/progress"
}

# The bounds of one scenario: the guest may be silent (a boot is silent) for SILENCE seconds, and take TOTAL in all.
SILENCE=${LAB_SILENCE:-300}
TOTAL=${LAB_TOTAL:-1800}

# run_guest GUEST NAME IMAGE DISK DIRECTORY [kernel]: from power on to power off, showing its progress. The share is
# DIRECTORY/share, the console DIRECTORY/console.txt. Succeeds if the scenario passed.
run_guest() {
	local guest=$1 name=$2 dir=$5 line='' end=$((SECONDS + TOTAL)) got=0
	"$lab/qemu.sh" "$3" "$4" "$dir/share" "$dir/console.txt" "${@:6}" </dev/null >"$dir/qemu.txt" 2>&1 &
	qemu=$!
	exec {progress}< <(exec tail -n +1 --pid=$qemu -f "$dir/share/progress")
	while [ "$line" != end ]; do
		IFS= read -r -t "$SILENCE" line <&"$progress" || got=$?
		if [ $got != 0 ] || [ $SECONDS -ge $end ]; then break; fi
		[ "$line" = end ] || say "$guest" "$name: $line"
	done
	exec {progress}<&-
	stop_guest "$dir" "$line" $got
	[ "$(cat "$dir/share/verdict" 2>/dev/null)" = passed ]
}

# A guest that came to its end powers off by itself; one that did not is ended, and says why it failed.
stop_guest() { # DIRECTORY LAST-LINE STATUS-OF-READ
	local i why
	if [ "$2" = end ]; then
		for ((i = 0; i < 60; i++)); do
			kill -0 "$qemu" 2>/dev/null || break
			sleep 0.5
		done
	else
		why="still running after $TOTAL s"
		[ "$3" -le 128 ] || why="silent for $SILENCE s"
		kill -0 "$qemu" 2>/dev/null || why='powered off in the middle'
		{
			echo "STUCK: $why; the console ends with:"
			tail -n 25 "$1/console.txt" | tr -dc '[:print:]\n' | sed 's/^/    /'
			cat "$1/qemu.txt"
		} | tee -a "$1/share/failed" >&2
		rm -f "$1/share/verdict"
	fi
	kill "$qemu" 2>/dev/null || :
	wait "$qemu" 2>/dev/null || :
	qemu=
}
