# SPDX-License-Identifier: GPL-2.0-or-later
# A service of the test's own, without systemd: a control group where systemd would make it, and processes that are
# called what a test wants. Sourced after helper.bash; $unit is its name.
# shellcheck disable=SC2034,SC2154 # used by who loads it

unit=hft-$$.service

# After needs_root. The group's parent is a slice of the test's own, so that what is the host's is not touched.
unit_begin() {
	slice=/sys/fs/cgroup
	[ -e $slice/cgroup.controllers ] || slice=$slice/systemd
	slice=$slice/hft$$.slice
	mkdir "$slice" 2>/dev/null || skip "no control groups here"
	declare -gA pids=()
	unit_start
}

unit_start() { mkdir "$slice/$unit"; }

# thread KEY NAME [COMMAND...]: a process NAME of the unit, known to the test as KEY; COMMAND PID runs before it is one.
thread() {
	local key=$1 name=$2
	shift 2
	mkfifo "$BATS_TEST_TMPDIR/fifo-$key" 2>/dev/null || :
	bash -c 'printf %s "$1" >/proc/$$/comm; read -r _ <>"$2"' bash "$name" "$BATS_TEST_TMPDIR/fifo-$key" \
		>/dev/null 2>&1 3>&- &
	pids[$key]=$!
	await grep -qx "$name" "/proc/$!/comm"
	[ $# = 0 ] || "$@" "$!" >/dev/null
	echo "$!" >"$slice/$unit/cgroup.procs"
}

unit_stop() {
	local key
	for key in "${!pids[@]}"; do
		kill -KILL "${pids[$key]}" 2>/dev/null || :
		wait "${pids[$key]}" 2>/dev/null || :
	done
	pids=()
	await rmdir "$slice/$unit"
}

unit_end() {
	[ -n "${slice:-}" ] && [ -d "$slice" ] || return 0
	[ ! -d "$slice/$unit" ] || unit_stop
	rmdir "$slice"
}

# has_now KEY: "CPUS POLICY PRIORITY NICE" of a process.
has_now() {
	local pid=${pids[$1]}
	echo "$(taskset -cp "$pid" | sed 's/.*: //') $(ps -o cls=,rtprio= -p "$pid" | xargs) $(
		sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 17)" # ps shows no nice of real-time policies
}
