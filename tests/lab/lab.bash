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

digest() {
	sha256sum | cut -c1-16
}

# hash_of FILE...: of names and contents.
hash_of() {
	(cd "$top" && find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | digest
}

# The hashes of what a thing is made of; scenarios are in none.
packages_key() {
	{
		hash_of tests/lab/{bootstrap.sh,packages}
		"$top/packaging/deps.sh" build list
	} | digest
}

image_key() { # PACKAGES-KEY
	{
		echo "$1"
		hash_of tests/lab/{image.sh,ssdt.sh,grub.cfg,guest/lab.service,guest/start.sh}
	} | digest
}

# What of this checkout is built and installed; changes elsewhere make no new machine.
project_parts=(COPYING Makefile cli daemon lib man packaging profiles rollback tests/tools)

booted_key() { # IMAGE-KEY
	{
		echo "$1"
		hash_of tests/lab/{boot.sh,qemu.sh,guest/first-boot.sh}
	} | digest
}

installed_key() { # BOOTED-KEY
	{
		echo "$1"
		hash_of "${project_parts[@]}" tests/lab/{install.sh,guest/install.sh}
	} | digest
}

# cached NAME KEEP COMMAND...: the directory NAME-of-this-hash in the cache, made by COMMAND DIRECTORY if it is missing,
# whole or not at all, by one run at a time. Its path is left in $entry, and stays locked against removal for as long as
# this process lives. Of older ones of the same kind KEEP remain; those in use are never removed.
cached() { # KIND HASH KEEP COMMAND...
	local kind=$1 keep=$3 temporary fd
	entry=$cache/$1-$2
	shift 3
	mkdir -p "$cache"
	! hold_entry || return 0
	exec {fd}>"$cache/$kind.lock"
	flock -w 3600 "$fd" || die "another run has been making $kind for an hour"
	if [ ! -d "$entry" ]; then
		temporary=$entry.new
		# What runs that were broken off left behind.
		rm -rf --one-file-system "${cache:?}/$kind"-*.new
		mkdir "$temporary"
		"$@" "$temporary" || {
			rm -rf --one-file-system "${cache:?}/$kind.failed"
			mv "$temporary" "$cache/$kind.failed"
			die "$kind was not made: see $cache/$kind.failed"
		}
		mv "$temporary" "$entry"
		rm -rf --one-file-system "${cache:?}/$kind.failed"
	fi
	hold_entry
	forget "$kind" "$keep"
	exec {fd}>&-
}

# Locks $entry against removal, for as long as this process lives; fails if there is none.
hold_entry() {
	[ -d "$entry" ] || return 1
	exec {used}<"$entry"
	flock -s "$used"
	[ -d "$entry" ] || return 1 # it was being removed
	touch "$entry"
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
	cp "$top"/tests/tools/hostdump{-diff,.ignore,-reboot.ignore} "$1/tools/"
	echo 0 >"$1/boot"
	: >"$1/progress"
}

# The bounds of one scenario: the guest may be silent (a boot is silent) for SILENCE seconds, and take TOTAL in all.
SILENCE=${LAB_SILENCE:-600}
TOTAL=${LAB_TOTAL:-3600}

# power_on IMAGE DISK DIRECTORY [OPTION...]: start the guest, whose share is DIRECTORY/share and whose console goes to
# DIRECTORY/console.txt. Its port and its end are lines of the progress like any other. Standard input: see qemu.sh.
power_on() {
	exec {progress}< <(exec tail -n +1 -f "$3/share/progress")
	watcher=$!
	{
		"$lab/qemu.sh" "$1" "$2" "$3/share" "$3/console.txt" "${@:4}" <&0 >>"$3/share/progress" 2>"$3/qemu.txt" &
		echo $! >"$3/qemu.pid"
		wait $! || :
		echo off >>"$3/share/progress"
	} <&0 2>/dev/null &
	deadline=$((SECONDS + TOTAL))
}

# follow GUEST NAME LINE: show the progress until it comes to LINE; fails if the guest goes off before, or is silent, or
# takes too long.
follow() {
	local line='' silence=$SILENCE
	while [ $SECONDS -lt "$deadline" ]; do
		IFS= read -r -t "$silence" line <&"$progress" || return
		case $line in
		"$3") return ;;
		off) return 1 ;;
		end) silence=60 ;;
		ready) ;;
		*) say "$1" "$2: $line" ;;
		esac
	done
	return 1
}

# power_off DIRECTORY: what is still on is ended, and says why it had to be.
power_off() {
	kill "$watcher"
	exec {progress}<&-
	if [ "$(tail -n 1 "$1/share/progress")" != off ]; then
		explain "$1" "silent for $SILENCE s, or still running after $TOTAL s"
		kill -KILL "$(cat "$1/qemu.pid")"
	elif [ ! -e "$1/share/verdict" ]; then
		explain "$1" 'powered off in the middle'
	fi
	wait
}

explain() { # DIRECTORY WHY
	{
		echo "STUCK: $2; the console ends with:"
		tail -n 25 "$1/console.txt" 2>/dev/null | tr -dc '[:print:]\n' | sed 's/^/    /'
		echo "and what the scenario printed:"
		tail -n 10 "$1/share/output" 2>/dev/null | sed "s/^/    /"
		cat "$1/qemu.txt"
	} | tee -a "$1/share/failed" >&2
	echo failed >"$1/share/verdict"
}

# keep_machine GUEST NAME IMAGE DIRECTORY LINE [OPTION...]: let the machine of DIRECTORY/disk.qcow2 go on once, and when
# it holds again after LINE, keep memory, devices and disk as the snapshot "lab" of that file. Fails if it comes to an
# end before.
keep_machine() {
	local guest=$1 name=$2 dir=$4 monitor go kept=
	mkfifo "$dir/go" "$dir/monitor.in" "$dir/monitor.out"
	exec {go}<>"$dir/go" {monitor}<>"$dir/monitor.in"
	echo go >&"$go"
	say "$guest" "$name: power on"
	power_on "$3" "$dir/disk.qcow2" "$dir" -chardev "pipe,id=c1,path=$dir/monitor" -mon chardev=c1 "${@:6}" <&"$go"
	if follow "$guest" "$name" "$5" && follow "$guest" "$name" ready; then
		# What a boot leaves to be done, is done.
		sleep 10
		say "$guest" "$name: snapshot"
		echo passed >"$dir/share/verdict"
		printf 'savevm lab\nquit\n' >&"$monitor"
		follow "$guest" "$name" off && kept=1
	fi
	power_off "$dir"
	[ -n "$kept" ] || return
	qemu-img snapshot -l "$dir/disk.qcow2" | grep -q ' lab ' || { cat "$dir/qemu.txt" >&2; return 1; }
	rm -rf "$dir/share" "$dir/go" "$dir"/monitor.*
}
