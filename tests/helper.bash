# SPDX-License-Identifier: GPL-2.0-or-later
# What every bats file of this project begins with: a copied tree to tune, profiles to write, a daemon to start and to
# be rid of. Sourced by `load ../helper`.

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
# The build with failpoints (lib/base/fault.h); without HFT_FAULT it behaves like the other one.
build=${HFT_BUILD:-$top/build/fault}
tree=$BATS_TEST_TMPDIR/host
profiles=$BATS_TEST_TMPDIR/profiles
socket=$BATS_TEST_TMPDIR/socket

# host NAME: expand the recorded machine tests/fixtures/hosts/NAME.tree into $tree.
host() {
	mkdir -p "$tree/var/lib" "$profiles"
	"$build/tests/tools/mktree" "$top/tests/fixtures/hosts/$1.tree" "$tree"
}

# keep_fresh: the tree is as a boot leaves it.
keep_fresh() { cp -a "$tree" "$BATS_TEST_TMPDIR/fresh"; }

# reboot_tree: what is in /proc, /sys and /run is that of a fresh boot, and what is elsewhere stays.
reboot_tree() {
	local dir
	rm -rf "$tree/run"
	for dir in "$BATS_TEST_TMPDIR"/fresh/{proc,sys,run}; do
		[ ! -e "$dir" ] || cp -a "$dir" "$tree"
	done
	cat /proc/sys/kernel/random/uuid >"$tree/proc/sys/kernel/random/boot_id"
}

# profile NAME: a profile from standard input.
profile() {
	mkdir -p "$profiles"
	cat >"$profiles/$1.conf"
}

# hft VERB...: the command line, standalone, on the copied tree.
hft() {
	"$build/hfttune" --root "$tree" --profile-dir "$profiles" "$@"
}

# live VERB...: the command line, standalone, on this very host, with a state directory of the test's own.
live() {
	[ -z "${HFT_NO_LIVE:-}" ] || { echo "HFT_NO_LIVE: this host is not to be touched" >&2; return 99; }
	"$build/hfttune" --standalone --state-dir "$BATS_TEST_TMPDIR/state" --profile-dir "$profiles" "$@"
}

# client VERB...: the command line against the daemon of this test.
client() {
	"$build/hfttune" --socket "$socket" "$@"
}

# daemon [OPTION...]: start hfttuned on the tree and wait until it answers.
daemon() {
	"$build/hfttuned" --socket "$socket" --root "$tree" --profile-dir "$profiles" --log-level warning "$@" \
		>"$BATS_TEST_TMPDIR/daemon.log" 2>&1 3>&- &
	daemon_pid=$!
	await test -S "$socket"
}

stop_daemon() {
	[ -n "${daemon_pid:-}" ] || return 0
	kill "${1:--TERM}" "$daemon_pid" 2>/dev/null
	wait "$daemon_pid" 2>/dev/null || true
	daemon_pid=
	rm -f "$socket"
	return 0
}

# await COMMAND...: until it succeeds, 10 s at most.
await() {
	local i
	for ((i = 0; i < 500; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.02
	done
	echo "never came true: $*" >&2
	return 1
}

# exits STATUS COMMAND...: run it, keep what it printed in $output and $errors, and hold it to its exit status.
exits() {
	local wanted=$1
	shift
	status=0
	output=$("$@" 2>"$BATS_TEST_TMPDIR/errors") || status=$?
	errors=$(<"$BATS_TEST_TMPDIR/errors")
	[ "$status" = "$wanted" ] && return 0
	printf 'exit status %s, expected %s: %s\n%s\n%s\n' "$status" "$wanted" "$*" "$output" "$errors" >&2
	return 1
}

# shot [DIR]: everything in the tree but the state directory: names, modes, contents.
shot() {
	(cd "${1:-$tree}" && find . -path ./var/lib/hfttune -prune -o -printf '%p %m %y %l\n' | sort &&
		find . -path ./var/lib/hfttune -prune -o -type f -print0 | sort -z | xargs -0 cksum)
}

value() { cat "$tree$1"; }

# same A B: two texts, with their difference when they differ.
same() {
	[ "$1" = "$2" ] && return 0
	diff <(echo "$1") <(echo "$2") >&2
	return 1
}

has() {
	[[ $output$errors == *"$1"* ]] || { printf 'missing "%s" in:\n%s\n%s\n' "$1" "$output" "$errors" >&2; return 1; }
}

# absent PATTERN FILE...: no line matches; those that do are shown.
absent() {
	if grep -HnE -- "$@" >&2; then return 1; fi
}

# field JSON-PATH: of the last output, by jq.
field() { jq -r "$1" <<<"$output"; }

# changing: of failpoints on standard input ("OP PATH"), the numbers of those where something changes, an open that may
# create one of our own files among them. A kill anywhere between two of them is one at the second.
changing() {
	awk '$1 !~ /^(open|read|list)$/ || /\.tmp|\.hfttune-/ { print NR }'
}

# telling: those, and of the others the first in each directory, since a plan reads hundreds of files alike: where a failure
# may matter.
telling() {
	awk '{ dir = $2; sub("[^/]*$", "", dir) }
		$1 !~ /^(open|read|list)$/ || /hfttune/ || !seen[$1 dir]++ { print NR }'
}

# every_point WHICH VERB...: the failpoints that the command passes, of those the changing or the telling, in $points.
every_point() {
	local which=$1
	shift
	HFT_FAULT_COUNT=$BATS_TEST_TMPDIR/points hft "$@" >/dev/null || [ $? = 5 ]
	mapfile -t points < <("$which" <"$BATS_TEST_TMPDIR/points")
	rm -f "$BATS_TEST_TMPDIR/points"
	# shellcheck disable=SC2034 # for the tests
	n=${#points[@]}
}

# my_turn: what follows tunes this host, or looks whether somebody did: one test at a time, whatever runs beside it. A process
# of its own holds the lock, so that nothing that the test leaves behind does; whoever runs it: /tmp is there.
my_turn() {
	[ -z "${turn:-}" ] || return 0
	exec {turn}< <(exec flock -w 900 "${TMPDIR:-/tmp}" sh -c "echo; exec tail -s 0.2 --pid=$$ -f /dev/null" 3>&-)
	read -r _ <&"$turn" || { echo "another test of this host does not end" >&2; return 1; }
}

# needs_root: what follows tunes this host and takes it back. HFT_NO_LIVE=1 leaves such tests out (mutants.sh).
needs_root() {
	[ -z "${HFT_NO_LIVE:-}" ] || skip "HFT_NO_LIVE: this host is not to be touched"
	[ "$(id -u)" = 0 ] || skip "needs root: it tunes this host and takes it back"
	my_turn
}
