#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The judge is judged, where no copied tree will do: threads, systemd, network devices, Redis. Each thing is real, and is
# changed where nobody else sees it: in a process or in namespaces of the test's own.
load ../helper

DUMP=$build/tests/tools/hostdump
DIFF=$top/tests/tools/hostdump-diff
D=$BATS_TEST_TMPDIR

setup() {
	needs_root
}

teardown() {
	for pid in ${pids:-}; do
		kill -9 "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	[ ! -d "${cgroup:-/none}" ] || await find "$cgroup" -depth -type d -exec rmdir {} +
}

# inside COMMAND...: where the thing under test is; redefined by what sets up namespaces.
inside() { "$@"; }

# What is the test's own in a dump; the rest is the host's, where others may be at work.
mine='^.(thread|process|unit|ethtool|qdisc|redis|file:/run/|/sys/class/net/(v0|tap0)/)'

# differs COMMAND... <<<LINES: the command changes the dump by these lines ("-" and "+" as hostdump-diff prints them), and
# by no other that is the test's own.
differs() {
	inside "$DUMP" >"$D/before"
	inside "$@"
	inside "$DUMP" >"$D/after"
	unchanged "$D/before" "$D/after" >"$D/diff" || true
	same "$(cat)" "$(<"$D/diff")"
}

# unchanged BEFORE AFTER: prints what differs.
unchanged() {
	! "$DIFF" "$@" | grep -E "$mine"
}

# shows COMMAND... <<<LINE: among others.
shows() {
	inside "$DUMP" >"$D/before"
	inside "$@"
	inside "$DUMP" >"$D/after"
	"$DIFF" "$D/before" "$D/after" >"$D/diff" || true
	while read -r line; do
		grep -qxF -- "$line" "$D/diff" || { echo "$*: no $line in:"; cat "$D/diff"; return 1; } >&2
	done
}

t=$'\t'

@test "a thread that is not as a new process would be is seen, and is gone with its process" {
	nice -n 7 sleep 60 3>&- &
	pids=$!
	await grep -q sleep "/proc/$pids/comm"
	"$DUMP" >"$D/a"
	grep -q "^user:sleep${t}cpus .* policy other priority 0 nice 7\$" "$D/a"
	chrt -f -p 3 "$pids"
	"$DUMP" >"$D/a"
	grep -q "^user:sleep${t}cpus .* policy fifo priority 3 nice 7\$" "$D/a"
	kill "$pids"
	wait "$pids" || true
	"$DUMP" >"$D/a"
	absent '^user:sleep' "$D/a"
}

@test "each kernel thread is there, with where it may run" {
	"$DUMP" >"$D/a"
	grep -q "^kthread:ksoftirqd/0${t}cpus 0 policy other priority 0 nice 0\$" "$D/a"
	grep -q "^kthread:migration/0${t}cpus 0 policy fifo priority 99 nice 0\$" "$D/a"
}

@test "the latency that somebody asks for is seen, and looking at it asks for nothing" {
	[ -c /dev/cpu_dma_latency ] || skip "no /dev/cpu_dma_latency"
	"$DUMP" >"$D/a"
	exec 9>/dev/cpu_dma_latency
	printf '\x05\0\0\0' >&9
	"$DUMP" >"$D/b"
	exec 9>&-
	"$DUMP" >"$D/c"
	grep -qx "/dev/cpu_dma_latency${t}5" "$D/b"
	same "$(grep ^/dev/ "$D/a")" "$(grep ^/dev/ "$D/c")"
}

read_init() { init=$(pgrep -P "$pids"); }

# A systemd of the test's own, PID 1 of its namespaces, with one service; /proc/sys and /sys are read-only there.
start_systemd() {
	local systemd=/lib/systemd/systemd hierarchy=/sys/fs/cgroup
	[ -x "$systemd" ] || skip "no systemd"
	[ -e $hierarchy/cgroup.procs ] || hierarchy=$hierarchy/unified
	[ -e $hierarchy/cgroup.procs ] || skip "no cgroup v2"
	cgroup=$hierarchy/hostdump-test-$$
	mkdir "$cgroup" "$D/generators"
	cat >"$D/boot" <<-END
		set -eu
		echo \$\$ >$cgroup/cgroup.procs
		exec unshare -C sh -eu $D/boot2
	END
	cat >"$D/boot2" <<-END
		mount -t tmpfs tmpfs /run
		mount --bind /dev/null /dev/console
		mount -o bind,ro /proc/sys /proc/sys
		umount -R /sys/fs/cgroup
		mount -o bind,remount,ro /sys
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		mkdir -p /run/systemd/system
		printf '[Unit]\nWants=victim.service\n' >/run/systemd/system/test.target
		cat >/run/systemd/system/victim.service <<-UNIT
			[Unit]
			DefaultDependencies=no
			[Service]
			ExecStart=/bin/sleep infinity
			Nice=3
			Environment=MALLOC_CONF=narenas:2
		UNIT
		export container=test SYSTEMD_GENERATOR_PATH=$D/generators
		export SYSTEMD_UNIT_PATH=/run/systemd/system.control:/run/systemd/system
		exec $systemd --system --unit=test.target --log-target=null
	END
	unshare --fork --kill-child -p -m -u -n -i --mount-proc sh "$D/boot" >"$D/boot.log" 2>&1 3>&- &
	pids=$!
	init=
	await read_init || { cat "$D/boot.log" >&2; return 1; }
	inside() { nsenter -t "$init" -m -p -u -n -i -C "$@"; }
	await inside systemctl is-active victim.service
	victim=$(inside systemctl show -P MainPID victim.service)
}

@test "PID 1 and the threads and limits of services are seen" {
	start_systemd
	read -r cpus </sys/devices/system/cpu/online
	inside "$DUMP" >"$D/a"
	grep -q "^thread:pid1/systemd/systemd${t}cpus .* slack [0-9]" "$D/a"
	grep -qx "thread:victim.service/sleep/sleep${t}cpus $cpus policy other priority 0 nice 3 slack 50000 .*" "$D/a"
	grep -qx "process:victim.service/sleep/environ/MALLOC_CONF${t}narenas:2" "$D/a"
	of=process:victim.service/sleep
	differs prlimit -p "$victim" --memlock=65536:65536 <<-END
		-$of/limits/Max-locked-memory${t}$(sed -n "s,^$of/limits/Max-locked-memory$t,,p" "$D/a")
		+$of/limits/Max-locked-memory${t}soft 65536 hard 65536 bytes
	END
	differs choom -p "$victim" -n 100 >/dev/null <<-END
		-$of/oom_score_adj${t}0
		+$of/oom_score_adj${t}100
	END
	differs sh -c "echo 33 >/proc/$victim/coredump_filter" <<-END
		-$of/coredump_filter${t}00000033
		+$of/coredump_filter${t}00000021
	END
	thread=thread:victim.service/sleep/sleep
	common="priority 0 nice 3 slack 50000 ioprio 0 uclamp $(sed -n "s/^thread:victim.* uclamp //p" "$D/a")"
	differs chrt -b -p 0 "$victim" <<-END
		-$thread${t}cpus $cpus policy other $common
		+$thread${t}cpus $cpus policy batch $common
	END
	differs taskset -pc 0 "$victim" >/dev/null <<-END
		-$thread${t}cpus $cpus policy batch $common
		+$thread${t}cpus 0 policy batch $common
	END
	differs sh -c "echo 70000 >/proc/$victim/timerslack_ns" <<-END
		-$thread${t}cpus 0 policy batch $common
		+$thread${t}cpus 0 policy batch ${common/50000/70000}
	END
	mkdir "$cgroup/system.slice/victim.service/below"
	shows sh -c "echo $victim >/sys/fs/cgroup/system.slice/victim.service/below/cgroup.procs" <<-END
		-$of/cgroup${t}/system.slice/victim.service
		+$of/cgroup${t}/system.slice/victim.service/below
	END
}

@test "what systemd holds of its units is seen: properties, drop-ins, a reload that is due, a unit that stopped" {
	start_systemd
	inside "$DUMP" >"$D/a"
	sleep 1
	differs true </dev/null
	shows systemctl set-property --runtime victim.service CPUWeight=77 <<-END
		-unit:victim.service/CPUWeight${t}[not set]
		+unit:victim.service/CPUWeight${t}77
		+unit:victim.service/DropInPaths${t}/run/systemd/system.control/victim.service.d/50-CPUWeight.conf
		+file:/run/systemd/system.control/victim.service.d${t}dir 0755 0:0
	END
	differs rm /run/systemd/system.control/victim.service.d/50-CPUWeight.conf <<-END
		-$(grep '^file:.*50-CPUWeight.conf' "$D/after")
		-unit:victim.service/NeedDaemonReload${t}no
		+unit:victim.service/NeedDaemonReload${t}yes
	END
	inside systemctl revert victim.service 2>/dev/null
	inside systemctl daemon-reload
	inside rmdir /run/systemd/system.control
	inside "$DUMP" >"$D/b"
	unchanged "$D/a" "$D/b" >&2
	shows systemctl stop victim.service <<-END
		-unit:victim.service/ActiveState${t}active
		-process:victim.service/sleep/oom_score_adj${t}0
	END
	absent '^(unit|thread|process):victim' "$D/after"
}

# A network of the test's own, with its /sys and a copy of /etc.
start_network() {
	unshare -n -m sleep infinity 3>&- &
	pids="${pids:-} $!"
	net=$!
	await grep -q sleep "/proc/$net/comm"
	inside() { nsenter -t "$net" -n -m "$@"; }
	cp -a /etc "$D/etc"
	inside mount --bind "$D/etc" /etc
	inside mount -t sysfs sysfs /sys
	inside ip link set lo up
}

@test "settings of network devices are seen: channels, features, coalescing, messages, queueing disciplines" {
	start_network
	inside ip link add v0 numrxqueues 4 numtxqueues 4 type veth peer name v1
	inside ip tuntap add dev tap0 mode tap multi_queue
	shows ethtool -L v0 rx 2 <<-END
		-ethtool:v0/channels/rx${t}4
		+ethtool:v0/channels/rx${t}2
		-/sys/class/net/v0/queues/rx-3/rps_cpus${t}0
	END
	differs ip link set v0 txqueuelen 77 <<-END
		-/sys/class/net/v0/tx_queue_len${t}1000
		+/sys/class/net/v0/tx_queue_len${t}77
	END
	differs ethtool -K v0 gro on <<-END
		-ethtool:v0/feature/rx-gro${t}off
		+ethtool:v0/feature/rx-gro${t}on, requested
	END
	grep -qx "ethtool:lo/feature/loopback${t}on" "$D/after" # as it always is, whatever is requested
	differs ethtool -C tap0 rx-frames 8 <<-END
		-ethtool:tap0/coalesce/rx-frames${t}0
		+ethtool:tap0/coalesce/rx-frames${t}8
	END
	inside "$DUMP" >"$D/a"
	shows ethtool -s tap0 msglvl 7 <<-END
		-$(grep '^ethtool:tap0/messages/mask' "$D/a")
	END
	inside ethtool -s tap0 msglvl 0
	inside "$DUMP" >"$D/b"
	unchanged "$D/a" "$D/b" >&2
	differs tc qdisc add dev v0 root handle 1: pfifo limit 5 <<-END
		+$(qdisc v0)
	END
	inside tc qdisc change dev v0 root pfifo limit 6
	inside "$DUMP" >"$D/b"
	run unchanged "$D/after" "$D/b"
	[ "${#lines[@]}" = 2 ]
	[[ ${lines[0]} == -qdisc:v0/root* ]]
}

# qdisc NIC: its line, from a dump; so that the test need not know the hash of the options.
qdisc() {
	inside tc qdisc add dev "$1" root handle 1: pfifo limit 5
	inside "$DUMP" | grep "^qdisc:$1/root${t}pfifo 1:0,"
	inside tc qdisc del dev "$1" root
}

# A Redis in the test's network; the package redis-tools has the server under another name.
start_redis() { # OPTION...
	ln -sf "$(command -v redis-check-rdb)" "$D/redis-server"
	nsenter -t "$net" -n -m "$D/redis-server" --save '' --dir "$D" --port 6379 --bind 127.0.0.1 --logfile "$D/log" "$@" 3>&- &
	pids="$pids $!"
	await inside redis-cli ping
}

@test "the settings of a running Redis are seen, and its passwords are not shown" {
	command -v redis-check-rdb || skip "no redis-tools"
	start_network
	start_redis
	at=redis:127.0.0.1:6379
	differs redis-cli config set maxmemory-policy allkeys-lru >/dev/null <<-END
		-$at/maxmemory-policy${t}noeviction
		+$at/maxmemory-policy${t}allkeys-lru
	END
	inside redis-cli config set masterauth geheim >/dev/null
	inside "$DUMP" >"$D/a"
	grep -q "^$at/masterauth${t}6 bytes, hash" "$D/a"
	[ "$(grep -c "^$at/" "$D/a")" -gt 100 ]
	inside redis-cli config set requirepass geheim >/dev/null
	inside "$DUMP" >"$D/a"
	grep -q "^$at${t}-NOAUTH" "$D/a"
	absent 'geheim|^redis:.*/maxmemory' "$D/a"
}

@test "a Redis on a Unix socket is found by its configuration" {
	command -v redis-check-rdb || skip "no redis-tools"
	start_network
	start_redis --unixsocket "$D/redis.sock"
	mkdir -p "$D/etc/redis"
	inside "$DUMP" >"$D/a"
	echo "unixsocket $D/redis.sock" >"$D/etc/redis/test.conf"
	inside "$DUMP" >"$D/b"
	absent '^redis:/' "$D/a"
	grep -qx "redis:$D/redis.sock/maxmemory-policy${t}noeviction" "$D/b"
}
