#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The benchmark: starts the daemons, has tests/bench/bench measure them, prints one table, and exits 1 when a number is
# over its target. On a copied tree by anybody; on the live kernel by root alone, with sysctls that are put back.
#
#	run.sh BUILD-DIRECTORY
#
# In the environment: BENCH_ROUNDS (20), BENCH_CLI_ROUNDS (20), BENCH_PLAN_ROUNDS (5), BENCH_REST (60 s), BENCH_HOST
# (xeon-2s), BENCH_CPUS (512), BENCH_IRQS (4096), BENCH_PARTS ("tree live plan rest"), BENCH_TMPFS (/dev/shm),
# BENCH_DISK (the build directory), BENCH_KEEP (1: leave the files of the run behind).
set -u

build=$(cd "${1:?usage: run.sh BUILD-DIRECTORY}" && pwd) || exit 2
top=$(cd "$(dirname "$0")/../.." && pwd)
bench=$build/tests/bench/bench
genhost=$build/tests/tools/genhost
judge=$build/tests/tools/hostdump
rounds=${BENCH_ROUNDS:-20}
cli_rounds=${BENCH_CLI_ROUNDS:-20}
plan_rounds=${BENCH_PLAN_ROUNDS:-5}
rest=${BENCH_REST:-60}
host=${BENCH_HOST:-xeon-2s}
cpus=${BENCH_CPUS:-512}
irqs=${BENCH_IRQS:-4096}
parts=${BENCH_PARTS:-tree live plan rest}
work=$(mktemp -d "${BENCH_TMPFS:-/dev/shm}/hfttune-bench.XXXXXX") || exit 2
disk=$(mktemp -d "${BENCH_DISK:-$build}/bench-disk.XXXXXX") || exit 2
pids=
status=0
# Both sides of a ratio are measured ahead of whatever else the machine does, where that is permitted.
renice -n -15 -p $$ >/dev/null 2>&1

# What the live part may touch: numbers whose least change nobody notices, and no file whose writing is work of its own.
live_allow='net.core.*mem_* net.core.netdev_* net.core.dev_weight* net.core.gro_normal_batch net.core.busy_*
	net.core.somaxconn net.core.optmem_max net.core.message_* net.core.max_skb_frags
	net.ipv4.tcp_* net.ipv4.udp_* net.ipv4.ipfrag_* net.ipv4.inet_peer_* net.ipv4.igmp_* net.ipv4.icmp_ratelimit
	net.ipv4.icmp_msgs_* net.ipv4.neigh.* net.ipv4.conf.*.log_martians
	vm.compaction_proactiveness vm.dirty_expire_centisecs vm.dirty_writeback_centisecs
	vm.dirtytime_expire_seconds vm.extfrag_threshold vm.page-cluster vm.page_lock_unfairness vm.stat_interval
	vm.swappiness vm.vfs_cache_pressure vm.max_map_count vm.watermark_boost_factor'

# --- the end, whatever brought it -----------------------------------------------------------------------------------

stop_daemons() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	pids=
}

# The list names every file of the live kernel that may have been written: what hfttune left is put back by hand.
restore_live() {
	[ -e "$work/live.touched" ] || return 0
	for state in "$work/live.state" "$disk/live"; do
		[ -d "$state" ] || continue
		"$build/hfttune" --standalone --state-dir "$state" --profile-dir "$work/live" rollback --all --force \
			>"$work/live.rollback" 2>&1 || { cat "$work/live.rollback" >&2; status=1; }
	done
	[ -e "$work/live.list.all" ] && while IFS= read -r path && IFS= read -r was && read -r _; do
		[ "$(cat "/$path")" = "$was" ] && continue
		echo "bench: /$path was left at \"$(cat "/$path")\", put back to \"$was\"" >&2
		echo "$was" >"/$path"
		status=1
	done <"$work/live.list.all"
	rm -f "$work/live.touched"
}

leave() {
	[ $? = 0 ] || status=1
	trap - EXIT
	trap '' INT TERM HUP # a second one must not keep the host from being put back
	stop_daemons
	restore_live
	if [ -n "${BENCH_KEEP:-}" ]; then echo "kept: $work $disk"; else rm -rf "$work" "$disk"; fi
	exit $status
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() { echo "bench: $*" >&2; exit 1; }

# --- daemons --------------------------------------------------------------------------------------------------------

# serve NAME STATE-DIR [OPTION...]: a daemon on $work/NAME.socket; its pid in $pid.
serve() {
	at=$work/$1 state=$2
	shift 2
	"$build/hfttuned" --socket "$at.socket" --state-dir "$state" --log-level warning "$@" >"$at.log" 2>&1 &
	pid=$!
	pids="$pids $pid"
	tries=0
	until [ -S "$at.socket" ]; do
		tries=$((tries + 1))
		if [ $tries -gt 500 ] || ! kill -0 "$pid" 2>/dev/null; then
			cat "$at.log" >&2
			fail "no daemon answers at $at.socket"
		fi
		sleep 0.02
	done
}

# --- the table ------------------------------------------------------------------------------------------------------

# measure NAME VERB [OPTION...]: run bench and keep what it prints; `number NAME KEY` is one of the numbers.
measure() {
	out=$1
	shift
	"$bench" "$@" >"$work/$out.out" || fail "$out: the measurement failed"
}
number() { awk -v key="$2" '$1 == key { print $2; found = 1 } END { exit !found }' "$work/$1.out"; }

line() { printf '%-46s %12s %12s %8s %8s  %s\n' "$@" | sed 's, *$,,'; }
title() { printf '\n%s\n' "$*"; line what measured floor ratio target ''; }
ms() { awk -v us="$1" 'BEGIN { printf "%.2f ms", us / 1000 }'; }

# judged VALUE TARGET: "ok", or "OVER" and the exit status is lost.
judged() {
	verdict=$(awk -v v="$1" -v t="$2" 'BEGIN { print v != "" && v + 0 <= t + 0 ? "ok" : "OVER" }')
	[ "$verdict" = ok ] || status=1
}

# ratio WHAT MICROSECONDS FLOOR TARGET
ratio() {
	x=$(awk -v a="$2" -v b="$3" 'BEGIN { printf "%.2f", a / b }')
	judged "$x" "$4"
	line "$1" "$(ms "$2")" "$(ms "$3")" "$x" "$4" "$verdict"
}

# limit WHAT TEXT VALUE TARGET TARGET-TEXT
limit() {
	judged "$3" "$4"
	line "$1" "$2" '' '' "$5" "$verdict"
}
aside() { line "$1" "$(ms "$2")" "$(ms "$3")" "$(awk -v a="$2" -v b="$3" 'BEGIN { printf "%.2f", a / b }')" '' ''; }
beside() { line "$1" "$(ms "$2")" '' '' '' ''; }
less() { awk -v a="$1" -v b="$2" 'BEGIN { print a - b }'; }

# --- apply and verify -----------------------------------------------------------------------------------------------

# series NAME ROOT OPTION...: choose the settings, then measure with the state on tmpfs and again with it on disk. The
# options are those of hfttuned; $allow and $risk say what may be written.
series() {
	series=$1 root=$2
	shift 2
	mkdir -p "$work/$series"
	serve "$series" "$work/$series.state" --profile-dir "$work/$series" "$@"
	eval "${series}_pid=$pid"
	set -f # patterns of options, not of files
	# shellcheck disable=SC2046,SC2086
	measure "$series.settings" settings --socket "$work/$series.socket" --root "$root" --max 200 --max-risk "$risk" \
		$(printf ' --allow %s' $allow) --profile-path "$work/$series/bench.conf" --list "$work/$series.list"
	set +f
	measure "$series" series --socket "$work/$series.socket" --root "$root" --list "$work/$series.list" \
		--rounds "$rounds" --cli "$build/hfttune" --cli-rounds "$cli_rounds"
	serve "$series.disk" "$disk/$series" --profile-dir "$work/$series" "$@"
	measure "$series.disk" series --socket "$work/$series.disk.socket" --root "$root" --list "$work/$series.list" \
		--rounds "$rounds"
	print_series "$series"
}

print_series() {
	ratio 'apply' "$(number "$1" apply)" "$(number "$1" floor_apply)" 3
	ratio 'verify' "$(number "$1" verify)" "$(number "$1" floor_verify)" 2
	aside 'apply, the quickest round' "$(number "$1" apply_least)" "$(number "$1" floor_apply_least)"
	aside 'verify, the quickest round' "$(number "$1" verify_least)" "$(number "$1" floor_verify_least)"
	beside 'rollback' "$(number "$1" rollback)"
	beside 'socket alone (GetInfo)' "$(number "$1" ping)"
	[ "$cli_rounds" = 0 ] || beside 'hfttune apply, from start to exit' "$(number "$1" cli_apply)"
	[ "$cli_rounds" = 0 ] || beside 'hfttune verify, from start to exit' "$(number "$1" cli_verify)"
	beside "apply, state on disk ($(stat -f -c %T "$disk"))" "$(number "$1.disk" apply)"
	beside "the disk's share of it" "$(less "$(number "$1.disk" apply)" "$(number "$1" apply)")"
}

tree_part() {
	"$genhost" --model "$host" "$work/tree.root" || fail "genhost"
	allow='*' risk=4
	title "A copied tree ($host), state on tmpfs, median of $rounds"
	series tree "$work/tree.root" --root "$work/tree.root"
	echo "Settings: $(number tree settings)"
}

live_part() {
	[ "$(id -u)" = 0 ] || { printf '\nThe live kernel is left out: it needs root.\n'; return 0; }
	[ ! -x "$judge" ] || "$judge" >"$work/before" || fail "the host could not be dumped"
	allow=$live_allow risk=1
	: >"$work/live.touched"
	title "The live kernel ($(uname -r)), state on tmpfs, median of $rounds"
	series live /
	echo "Settings: $(number live settings)"
	restore_live
	[ -x "$judge" ] || return 0
	"$judge" >"$work/after" || fail "the host could not be dumped"
	if "$top/tests/tools/hostdump-diff" "$work/before" "$work/after"; then
		echo "The host is as it was: $(wc -l <"$work/before") lines compared."
	else
		echo "OVER: the host is not as it was"
		status=1
	fi
}

# --- plan on a large server -----------------------------------------------------------------------------------------

plan_part() {
	mkdir -p "$work/plan"
	cat >"$work/plan/server.conf" <<-'END'
		[profile]
		summary = Every CPU and every interrupt

		[cpus]
		trading = 8-63
		housekeeping = online - siblings(trading)

		[phase server]
		order = 1
		risk = low

		[server/irq *]
		affinity = ${housekeeping}

		[server/irq]
		default_smp_affinity = ${housekeeping}

		[server/sysctl]
		vm.swappiness = 10
		kernel.timer_migration = 0

		[server/cpufreq]
		governor = performance
	END
	cat >"$work/plan/interrupts.conf" <<-'END'
		[profile]
		summary = Every interrupt

		[phase interrupts]
		order = 1
		risk = low

		[interrupts/irq *]
		affinity = 0-7
	END
	for n in "$irqs" $((irqs * 2)); do
		"$genhost" --cpus "$cpus" --irqs "$n" "$work/plan.$n" || fail "genhost"
		serve "plan$n" "$work/plan.state.$n" --profile-dir "$work/plan" --root "$work/plan.$n"
	done
	title "Plan on a server of $cpus CPUs, median of $plan_rounds"
	plan_profile server
	limit "$irqs interrupts, all CPUs" "$(ms "$(number server plan1)")" "$(number server plan1)" 300000 '300 ms'
	ratio "$((irqs * 2)) interrupts against $irqs" "$(number server plan2)" "$(number server plan1)" 2.2
	plan_profile interrupts
	ratio 'the same, interrupts only' "$(number interrupts plan2)" "$(number interrupts plan1)" 2.2
	echo "Steps: $(number server steps1) and $(number server steps2)"
}

plan_profile() {
	measure "$1" plan --socket "$work/plan$irqs.socket" --socket "$work/plan$((irqs * 2)).socket" --profile "$1" \
		--rounds "$plan_rounds"
}

# --- at rest --------------------------------------------------------------------------------------------------------

# The daemons of the parts before, which have worked and have nothing to do any more. No watchdog is set here: nothing
# may wake them.
rest_part() {
	names=
	for name in tree live; do
		eval "pid=\${${name}_pid:-}"
		[ -n "$pid" ] && names="$names $name" && set -- "$@" "$pid"
	done
	if [ -z "$names" ]; then
		serve idle "$work/idle.state"
		names=idle
		set -- "$pid"
	fi
	measure rest rest --seconds "$rest" "$@"
	title "At rest, $rest s"
	i=0
	for name in $names; do
		i=$((i + 1))
		limit "wake-ups ($name)" "$(number rest wakeups$i)" "$(number rest wakeups$i)" 0 0
		limit "private memory ($name)" "$(number rest private$i) KiB" "$(number rest private$i)" 2048 '2 MiB'
		limit "resident memory ($name)" "$(number rest resident$i) KiB" "$(number rest resident$i)" 8192 '8 MiB'
	done
}

for part in $parts; do
	case $part in
	tree | live | plan | rest) "${part}_part" ;;
	*) fail "no such part: $part" ;;
	esac
done
[ $status = 0 ] || printf '\nSomething is OVER its target.\n'
