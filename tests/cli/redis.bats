#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Directives of Redis against a real server, whose unit, configuration and Unix socket lie in a copied tree.
load ../helper

setup() {
	command -v redis-check-rdb >/dev/null || skip "no redis-tools"
	host vm-1cpu
	ln -sf "$(command -v redis-check-rdb)" "$BATS_TEST_TMPDIR/redis-server" # the server, under another name
	mkdir -p "$tree/etc/redis" "$tree/etc/systemd/system" "$tree/run/redis"
	conf=$tree/etc/redis/redis.conf
	cat >"$tree/etc/systemd/system/redis-server.service" <<-'END'
		[Service]
		ExecStart=/usr/bin/redis-server /etc/redis/redis.conf --supervised systemd \
			--unixsocket /run/redis/redis.sock
	END
	cat >"$conf" <<-'END'
		# a comment
		port 0
		daemonize no
		tcp-keepalive 300
		MaxMemory   1gb
		# maxmemory 2gb
		databases 16
		hz 10
		save 3600 1
		save 300 100
		maxmemory-policy allkeys-lru
	END
	chmod 640 "$conf"
	chown nobody "$conf" 2>/dev/null || true
	profile p <<-'END'
		[phase a]
		[a/redis redis-server.service]
		databases = 1
		tcp-keepalive = 30
		hz = 8
		maxmemory = 1g
		save = ""
		latency-monitor-threshold = 5
	END
}

teardown() {
	stop_redis
}

cli() { redis-cli -s "$tree/run/redis/redis.sock" "$@"; }

now() { cli config get "$1" | tail -n 1; }

start_redis() {
	"$BATS_TEST_TMPDIR/redis-server" "$conf" --unixsocket "$tree/run/redis/redis.sock" --dir "$BATS_TEST_TMPDIR" \
		--logfile "$BATS_TEST_TMPDIR/redis.log" 3>&- &
	redis_pid=$!
	await cli ping
}

stop_redis() {
	[ -n "${redis_pid:-}" ] || return 0
	kill -9 "$redis_pid"
	wait "$redis_pid" 2>/dev/null || true
	redis_pid=
}

file() { (cd "$tree/etc/redis" && find . -printf '%p %m %u %s %i\n' | sort && cat redis.conf); }

all() { cli config get '*' | paste - - | sort; }

state() { field ".steps[] | select(.object == \"redis-server.service $1\") | .state"; }

@test "redis: the file and the server, line by line, and back to the very file" {
	start_redis
	before=$(file)
	settings=$(all)
	exits 3 hft plan p
	has "redis-server.service has to be restarted afterwards"
	same "$before" "$(file)"
	exits 0 hft apply p
	same "$(sed -n 's/^[-+]\([^-+].*\)/\1/p' <(diff -u <(echo "$before" | tail -n +3) "$conf"))" "$(cat <<-'END'
		tcp-keepalive 300
		MaxMemory   1gb
		tcp-keepalive 30
		maxmemory 1000000000
		databases 16
		hz 10
		save 3600 1
		save 300 100
		databases 1
		hz 8
		save ""
		latency-monitor-threshold 5
	END
	)"
	[ "$(stat -c '%a %U' "$conf")" = "$(sed -n 's/^\.\/redis.conf \([0-9]* [a-z]*\) .*/\1/p' <<<"$before")" ]
	[ "$(now hz) $(now maxmemory) $(now tcp-keepalive) $(now save)" = "8 1000000000 30 " ]
	exits 0 hft --json verify
	[ "$(state hz)" = ok ]
	[ "$(state databases)" = pending ]
	[ "$(field '.steps[] | select(.state == "pending") | .reason')" = restart ]
	exits 0 hft --json apply p
	[ "$(field .summary.changed)" = 0 ] || [ "$(field .summary.changed)" = null ]
	stop_redis
	start_redis
	exits 0 hft --json verify
	[ "$(state databases)" = ok ]
	exits 0 hft rollback --all
	same "$before" "$(file)"
	[ "$(now databases)" = 1 ]
	stop_redis
	start_redis
	same "$settings" "$(all)"
}

@test "redis: what somebody sets at run time or in the file is drift, and repair mends it" {
	start_redis
	before=$(file)
	exits 0 hft apply p
	cli config set hz 9
	exits 3 hft --json verify
	[ "$(state hz)" = drift ]
	[ "$(state maxmemory)" = ok ]
	exits 4 hft rollback --all # theirs
	exits 0 hft apply p
	[ "$(now hz)" = 8 ]
	sed -i 's/^hz 8/hz 7/' "$conf"
	exits 3 hft --json verify
	[ "$(state hz)" = drift ]
	exits 0 hft repair
	grep -qx 'hz 8' "$conf"
	exits 0 hft rollback --all
	same "$(cut -d' ' -f1-4 <<<"$before")" "$(file | cut -d' ' -f1-4)"
}

@test "redis: a server that had something else than its file gets both back" {
	start_redis
	cli config set hz 12
	cli config set timeout 7
	profile p <<<$'[phase a]\n[a/redis redis-server.service]\nhz = 8\ntimeout = 5'
	before=$(file)
	exits 0 hft apply p
	[ "$(now hz) $(now timeout)" = "8 5" ]
	exits 0 hft rollback --all
	[ "$(now hz) $(now timeout)" = "12 7" ]
	same "$before" "$(file)"
}

@test "redis: the spelling of the original comes back, though the value is the same" {
	before=$(file)
	exits 0 hft apply p
	sed -i 's/^maxmemory = 1g$/maxmemory = 1gb/' "$profiles/p.conf"
	exits 0 hft apply p
	grep -qx 'maxmemory 1073741824' "$conf"
	exits 0 hft apply p
	exits 0 hft rollback --all
	same "$before" "$(file)"
	exits 3 hft --json plan p --phase a
	[ "$(field '.steps[] | select(.object == "redis-server.service maxmemory") | .state')" = ok ]
}

@test "redis: lines that somebody else changes meanwhile are theirs" {
	start_redis
	exits 0 hft apply p
	sed -i -e 's/^# a comment/# another one/' -e '/^port 0/a timeout 9' "$conf"
	exits 0 hft verify
	exits 0 hft rollback --all
	same "$(cat "$conf")" "$(cat <<-'END'
		# another one
		port 0
		timeout 9
		daemonize no
		tcp-keepalive 300
		MaxMemory   1gb
		# maxmemory 2gb
		databases 16
		hz 10
		save 3600 1
		save 300 100
		maxmemory-policy allkeys-lru
	END
	)"
	[ "$(stat -c %a "$conf")" = 640 ]
	[ "$(ls -A "$tree/etc/redis")" = redis.conf ]
}

@test "redis: without a server the file is all there is" {
	before=$(file)
	exits 0 hft apply p
	grep -qx 'databases 1' "$conf"
	exits 0 hft --json verify
	[ "$(state databases)" = ok ]
	start_redis
	exits 0 hft verify
	[ "$(now hz)" = 8 ]
	exits 0 hft rollback --all
	[ "$(now hz) $(now latency-monitor-threshold) $(now save)" = "10 0 3600 1 300 100" ]
	same "$before" "$(file)"
}

# refused CODE MESSAGE SETTING...: the plan is refused, and nothing was touched.
refused() {
	local code=$1 text=$2 before
	shift 2
	printf '[phase a]\n[a/redis redis-server.service]\n' >"$profiles/r.conf"
	printf '%s\n' "$@" >>"$profiles/r.conf"
	before=$(file)
	output=$(hft --json apply r) && return 1
	[ "$(field .error.code)" = "$code" ] || { echo "$output" >&2; return 1; }
	[[ $(field .error.message) == *"$text"* ]] || { echo "$output" >&2; return 1; }
	same "$before" "$(file)"
}

@test "redis: what cannot be is refused before anything is written, and says why" {
	start_redis
	refused invalid-profile rename-command 'rename-command = CONFIG'
	refused invalid-profile hz 'hz = fast'
	refused out-of-bounds 1..500 'hz = 1000'
	refused invalid-profile maxmemory 'maxmemory = 50%'
	refused conflict redis-server.service 'unixsocket = /tmp/x' || refused invalid-profile unixsocket 'unixsocket = /tmp/x'
	cli -n 3 set key value
	refused out-of-bounds 'database 3' 'databases = 1'
	cli -n 3 flushdb
	cli config set maxmemory 0
	cli eval 'for i = 1, 20000 do redis.call("set", i, string.rep("x", 1000)) end' 0
	refused refused evict 'maxmemory = 2mb'
	printf 'save 60 7\n' >>"$conf"
	refused conflict redis.conf:12 'save = ""'
	echo 'include /etc/redis/more.conf' >>"$conf"
	refused conflict redis.conf:13 'hz = 8'
	sed -i '/^include/d' "$conf"
	sed -i 's/--supervised/--hz 11 &/' "$tree/etc/systemd/system/redis-server.service"
	refused conflict --hz 'hz = 8'
	rm "$tree/etc/systemd/system/redis-server.service"
	refused no-match redis-server.service 'hz = 8'
	ln -s /dev/null "$tree/etc/systemd/system/redis-server.service"
	refused no-match masked 'hz = 8'
}

@test "redis: a server that refuses a value keeps it out of the file" {
	start_redis
	before=$(file)
	profile p <<<$'[phase a]\n[a/redis redis-server.service]\nhz = 8\nactivedefrag = yes'
	exits 1 hft --json apply p
	[ "$(field .error.code)" = write-failed ]
	[[ $(field .error.subject) == *activedefrag* ]]
	[ "$(now hz)" = 10 ]
	same "$before" "$(file)"
}

@test "redis: a password, a user, and a server that lets nobody in" {
	echo 'requirepass geheim' >>"$conf"
	start_redis
	exits 4 hft --json plan p
	[ "$(field .error.code)" = permission-denied ]
	mkdir -p "$tree/etc/hfttune"
	echo geheim >"$tree/etc/hfttune/redis.password"
	printf '[redis-password]\nredis-server.service = /etc/hfttune/redis.password\n' >"$tree/etc/hfttune/host.conf"
	chmod 644 "$tree/etc/hfttune/redis.password"
	exits 4 hft --json plan p
	[[ $(field .error.subject) == */redis.password ]]
	chmod 600 "$tree/etc/hfttune/redis.password"
	exits 0 hft apply p
	exits 0 hft rollback --all
	cli -a geheim acl setuser tuner on '>wort' '+config|get' '+info' 2>/dev/null
	printf 'tuner\nwort\n' >"$tree/etc/hfttune/redis.password"
	exits 3 hft plan p
	exits 4 hft --json apply p
	[[ $(field .error.hint) == *'+config|set'* ]]
	cli -a geheim acl setuser tuner '+config|set' 2>/dev/null
	exits 0 hft apply p
	exits 0 hft rollback --all
	absent 'geheim|wort' "$tree/var/lib/hfttune/txn/"*
}

@test "redis: CONFIG by another name, and a socket that another server has taken" {
	echo 'rename-command CONFIG Stellen' >>"$conf"
	start_redis
	exits 0 hft apply p
	[ "$(cli Stellen get hz | tail -n 1)" = 8 ]
	exits 0 hft rollback --all
	stop_redis
	cp "$conf" "$BATS_TEST_TMPDIR/other.conf"
	conf=$BATS_TEST_TMPDIR/other.conf start_redis
	exits 4 hft --json plan p
	[ "$(field .error.code)" = conflict ]
}

@test "redis: a profile names no file" {
	printf '[phase a]\n[a/sysctl]\nvm.swappiness = 1\n[conffile]\nx = /etc/passwd\n' | profile p
	exits 2 hft --json plan p
	[[ $(field .error.where) == */p.conf:4 ]]
}

# The table against the server: what it takes when nobody says otherwise, and what only a restart changes.
@test "redis: every row is what this server makes of it" {
	printf 'port 0\ndaemonize no\n' >"$conf"
	start_redis
	exits 0 hft --json --standalone explain redis
	rows=$(field '.rows[] | .option + " " + (.effect | contains("restart") | tostring)')
	[ "$(wc -l <<<"$rows")" -gt 30 ]
	printf '[phase a]\n[a/redis redis-server.service]\n' >"$profiles/r.conf"
	while read -r option restart; do
		[ "$(cli config get "$option" | wc -l)" = 2 ] || { echo "no $option" >&2; return 1; }
		value=$(now "$option")
		echo "$option = ${value:-\"\"}" >>"$profiles/r.conf"
		fixed=false
		! cli config set "$option" "$value" | grep -q immutable || fixed=true
		[ "$restart" = $fixed ] || { echo "$option: fixed $fixed, restart $restart" >&2; return 1; }
	done <<<"$rows"
	exits 3 hft --json plan r
	[ "$(field '.steps | length')" = "$(wc -l <<<"$rows")" ]
	same "" "$(field '.steps[] | select(.before != "") | .object + " " + .before')"
}

# Of a copied tree only the socket in it is spoken to; a port is this host's, here in a network of the test's own.
@test "redis: a port of this host, and a server that does not answer" {
	needs_root
	unshare -mn true 2>/dev/null || skip "no namespaces of its own"
	printf 'port 7777\nbind 127.0.0.1 -::1\nsave ""\nhz 10\n' >"$BATS_TEST_TMPDIR/live.conf"
	profile l <<<$'[phase a]\n[a/redis live.service]\nhz = 8\ntimeout = 60'
	cat >"$BATS_TEST_TMPDIR/on-a-port" <<-'END'
		set -eu
		hft() { "$2/hfttune" --standalone --state-dir "$1/state" --profile-dir "$3" "${@:4}"; }
		is() { [ "$(redis-cli -p 7777 config get "$1" | tail -n 1)" = "$2" ]; }
		ip link set lo up
		mount --make-rprivate /
		mount -t tmpfs none /etc/systemd/system
		printf '[Service]\nExecStart=/usr/bin/redis-server %s/live.conf\n' "$1" >/etc/systemd/system/live.service
		cp "$1/live.conf" "$1/before"
		"$1/redis-server" "$1/live.conf" --dir "$1" --logfile "$1/log" &
		trap 'kill -9 $!' EXIT
		until redis-cli -p 7777 ping >/dev/null 2>&1; do sleep 0.1; done
		hft "$@" apply l
		is hz 8
		grep -qx 'timeout 60' "$1/live.conf"
		kill -STOP $!
		r=0; s=$SECONDS; hft "$@" --json verify >"$1/out" || r=$?
		kill -CONT $!
		[ $r = 1 ] && [ $((SECONDS - s)) -lt 15 ]
		[ "$(jq -r .error.code "$1/out")" = timeout ]
		hft "$@" verify
		hft "$@" rollback --all
		is hz 10
		is timeout 0
		cmp "$1/before" "$1/live.conf"
	END
	exits 0 unshare -mn bash "$BATS_TEST_TMPDIR/on-a-port" "$BATS_TEST_TMPDIR" "$build" "$profiles"
}
