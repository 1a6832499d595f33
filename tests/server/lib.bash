# SPDX-License-Identifier: GPL-2.0-or-later
# What the tests of the daemon as a server share: messages, hostile clients, other users, and a tree that hangs.
# Sourced after ../helper.
# shellcheck disable=SC2034,SC2119,SC2120 # used by who loads it

attack=$build/tests/tools/attack
nobody=65534
readers=64901 # gids that the daemon of a test sees as hfttune and hfttune-admin
admins=64902

# Three objects; somaxconn is written before swappiness.
three_objects() {
	profile p <<-'END'
		[profile]
		summary = three objects
		[phase a]
		[a/sysctl]
		kernel.numa_balancing = 0
		net.core.somaxconn = 1234
		vm.swappiness = 11
	END
}

values() {
	local f
	for f in kernel/numa_balancing net/core/somaxconn vm/swappiness; do
		echo "$f $(cat "$tree/proc/sys/$f")"
	done
}

# snapshot: every name and every content of the tree, in one go.
snapshot() {
	(cd "$tree" && find . -path ./var/lib/hfttune -prune -o -printf '%p %m %y %l\n' | sort &&
		find . -path ./var/lib/hfttune -prune -o -type f -print0 | sort -z | xargs -0 cksum)
}

# message METHOD [PARAMETERS [MEMBER...]]: one message with its NUL; `more` and `oneway` are members.
message() {
	local method=$1 parameters=${2:-} member rest=
	shift
	[ $# = 0 ] || shift
	for member in "$@"; do rest+=",\"$member\":true"; done
	printf '{"method":"%s"%s%s}\0' "$method" "${parameters:+,\"parameters\":$parameters}" "$rest"
}

# repeat N COMMAND...: the one message that it prints, N times.
repeat() {
	local n=$1
	shift
	yes "$("$@" | tr '\0' '\n')" | head -n "$n" | tr '\n' '\0'
}

tuner() { message "org.hfttune.Tuner.$1" "${@:2}"; }
describe() {
	message org.varlink.service.GetInterfaceDescription '{"interface":"org.hfttune.Tuner"}'
}
get_info() { message org.varlink.service.GetInfo; }

# talk [half|keep|close|deaf [MS]]: standard input to the daemon, its replies a line each, how it ended as the last.
talk() { "$attack" talk "$socket" "$@"; }

# errors: of the replies in $output, the name of each, "ok" for a result.
errors() {
	grep '^{' <<<"$output" | jq -r '.error // "ok" | sub("org.hfttune.Tuner."; "") | sub("org.varlink.service."; "")'
}

# replies WORD...: the replies in $output are these, in this order.
replies() { same "$(printf '%s\n' "$@")" "$(errors)"; }

closed() { has '-- closed'; }

# serve [OPTION...]: the daemon of this test; `in_groups` in front of it when $wrap says so.
serve() {
	# shellcheck disable=SC2086 # words
	${wrap:-} "$build/hfttuned" --socket "$socket" --root "$tree" --profile-dir "$profiles" --log-level info "$@" \
		>>"$BATS_TEST_TMPDIR/daemon.log" 2>&1 3>&- &
	daemon_pid=$!
	await answers
}

answers() { get_info | talk | grep -q hfttuned; }

# end_daemon: stop it as systemd does; it must end well (a sanitizer would not let it).
end_daemon() {
	kill "$daemon_pid"
	wait "$daemon_pid"
	local status=$?
	daemon_pid=
	return $status
}

# No test may end with a finding of a sanitizer or a dead daemon that nobody killed.
finish() {
	release
	stop_daemon -KILL
	unstick
	# shellcheck disable=SC2086 # process numbers
	[ -z "${background:-}" ] || wait $background 2>/dev/null
	if grep -qE 'Sanitizer|runtime error' "$BATS_TEST_TMPDIR/daemon.log" 2>/dev/null; then
		tail -40 "$BATS_TEST_TMPDIR/daemon.log" >&2
		return 1
	fi
}

# --- other users ------------------------------------------------------------------------------------------------------

# in_groups COMMAND...: with an /etc/group of its own, in a mount namespace of its own; the host's is not touched.
in_groups() {
	{ grep -v '^hfttune' /etc/group; echo "hfttune:x:$readers:"; echo "hfttune-admin:x:$admins:"; } \
		>"$BATS_TEST_TMPDIR/group"
	# shellcheck disable=SC2016 # expanded there
	exec unshare -m --propagation private sh -c 'mount --bind "$0" /etc/group && exec "$@"' \
		"$BATS_TEST_TMPDIR/group" "$@"
}

# open_up: let every user reach the socket and the attack tool, as a socket with the wrong mode would.
open_up() {
	local d
	for d in "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"; do chmod 711 "$d"; done
	install -m 755 "$attack" "$BATS_TEST_TMPDIR/attack"
	attack=$BATS_TEST_TMPDIR/attack
	chmod 666 "$socket"
}

# user UID GID GROUPS COMMAND...: GROUPS is a comma list or "".
user() {
	local uid=$1 gid=$2 groups=${3:+--groups=$3}
	shift 3
	setpriv --reuid="$uid" --regid="$gid" "${groups:---clear-groups}" "$@"
}

# --- the daemon from outside ------------------------------------------------------------------------------------------

n_fds() { find "/proc/$daemon_pid/fd" -mindepth 1 | wc -l; }
# A worker that is kept ready, or the next one, may hold a few.
fds_near() { [ "$(n_fds)" -le $(($1 + 6)) ]; }
memory_kib() { awk '/^VmHWM/ { print $2 }' "/proc/$daemon_pid/status"; }
is_sanitized() { grep -q __asan_init "$build/hfttuned"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$daemon_pid/stat"; }
workers() { cat "/proc/$daemon_pid/task/$daemon_pid/children"; }
at_most_one_worker() { [ "$(workers | wc -w)" -le 1 ]; }
are_gone() { local p; for p; do ! kill -0 "$p" || return 1; done; }
status_is() { [ "$(client --json status | jq -r "$1")" = "$2" ]; }

# in_background COMMAND...: its output in $BATS_TEST_TMPDIR/background, its exit status in background.status.
in_background() {
	{
		local s=0
		"$@" || s=$?
		echo $s >"$BATS_TEST_TMPDIR/background.status"
	} <&0 >"$BATS_TEST_TMPDIR/background" 2>&1 3>&- &
	background=$!
}

# background_exits STATUS: await its end.
background_exits() {
	await test -s "$BATS_TEST_TMPDIR/background.status"
	output=$(cat "$BATS_TEST_TMPDIR/background")
	[ "$(cat "$BATS_TEST_TMPDIR/background.status")" = "$1" ] || {
		printf 'exit status %s, expected %s:\n%s\n' "$(cat "$BATS_TEST_TMPDIR/background.status")" "$1" "$output" >&2
		return 1
	}
	rm "$BATS_TEST_TMPDIR/background.status"
}

# --- a tree that hangs ------------------------------------------------------------------------------------------------

hold() { touch "$BATS_TEST_TMPDIR/hold"; }
release() { rm -f "$BATS_TEST_TMPDIR/hold"; }

# stick FILE: from now on $tree/proc/sys/vm is a FUSE file system whose FILE takes no write while `hold` is on.
stick() {
	if [ ! -c /dev/fuse ] || [ "$(id -u)" != 0 ]; then skip "needs /dev/fuse and root"; fi
	mv "$tree/proc/sys/vm" "$BATS_TEST_TMPDIR/vm"
	mkdir "$tree/proc/sys/vm"
	"$build/tests/tools/stuckfs" "$BATS_TEST_TMPDIR/vm" "$tree/proc/sys/vm" "$1" "$BATS_TEST_TMPDIR/hold" \
		>"$BATS_TEST_TMPDIR/stuckfs.log" 2>&1 3>&- &
	stuck_pid=$!
	await mountpoint -q "$tree/proc/sys/vm"
}

unstick() {
	[ -n "${stuck_pid:-}" ] || return 0
	umount -l "$tree/proc/sys/vm"
	kill "$stuck_pid" 2>/dev/null
	wait "$stuck_pid" 2>/dev/null
	stuck_pid=
}
