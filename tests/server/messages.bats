#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What comes over the socket: sound messages are answered in order, others with the Varlink error, and nothing else is
# disturbed. The names T1 ... Q11 are those of tests/README.md.
# shellcheck disable=SC2086,SC2046 # process numbers, and arguments in lists, are words
# shellcheck disable=SC2119,SC2089,SC2090
load ../helper
load lib

setup() {
	host vm-1cpu
	three_objects
	serve
}

teardown() { finish; }

# refused: the message on standard input is a protocol error, the connection is closed, and the daemon goes on.
refused() {
	run talk keep
	replies ProtocolViolation && closed && answers
}

@test "varlink: GetInfo and GetInterfaceDescription" {
	run talk < <(get_info; describe
		message org.varlink.service.GetInterfaceDescription '{"interface":"org.varlink.service"}'
		message org.varlink.service.GetInterfaceDescription '{"interface":"org.example.nothing"}')
	replies ok ok ok InterfaceNotFound
	closed
	[ "$(sed -n 1p <<<"$output" | jq -r '.parameters.interfaces | join(" ")')" = "org.varlink.service org.hfttune.Tuner" ]
	sed -n 2p <<<"$output" | jq -j .parameters.description | cmp - "$top/lib/proto/org.hfttune.Tuner.varlink"
	sed -n 3p <<<"$output" | jq -j .parameters.description | cmp - "$top/lib/proto/org.varlink.service.varlink"
}

@test "varlink: apply, verify and rollback stream with more, and answer once without" {
	for verb in 'Apply {"profile":"p"}' 'Verify {"profile":"p"}' 'Rollback {"all":true}'; do
		# shellcheck disable=SC2086 # words
		run talk < <(tuner $verb more)
		n=$(grep -c '^{' <<<"$output")
		[ "$n" -gt 1 ]
		[ "$(grep -c '"continues":true' <<<"$output")" = $((n - 1)) ]
		[ "$(grep '"continues":true' <<<"$output" | jq -r .parameters.progress.steps | sort -u)" -ge 2 ]
		[ "$(grep '^{' <<<"$output" | tail -1 | jq -r .parameters.summary.steps)" = 3 ]
	done
	for verb in 'Apply {"profile":"p"}' 'Verify {"profile":"p"}' 'Rollback {"all":true}'; do
		# shellcheck disable=SC2086 # words
		run talk < <(tuner $verb)
		replies ok
	done
}

@test "varlink: a large reply streams in parts, and comes whole without more" {
	stop_daemon
	rm -rf "$tree" && host xeon-2s
	serve
	profile big <<-'END'
		[profile]
		summary = every CPU and every idle state
		[phase a]
		[a/cpuidle *]
		disable = C1, C6
		[a/cpufreq *]
		governor = performance
		[a/irq *]
		affinity = 0
	END
	exits 3 client --json plan big
	whole=$(field '.steps | length')
	run talk < <(tuner Plan '{"profile":"big"}' more)
	[ "$(grep '^{' <<<"$output" | jq -s '[.[].parameters.steps // [] | length] | add')" = "$whole" ]
	[ "$whole" -gt 256 ]
	[ "$(grep -c '"steps":\[' <<<"$output")" -gt 1 ]
	run talk < <(tuner Plan '{"profile":"big"}')
	replies ok
	[ "$(grep '^{' <<<"$output" | jq '.parameters.steps | length')" = "$whole" ]
}

@test "varlink: oneway is done and not answered" {
	run talk < <(tuner Apply '{"profile":"p"}' oneway; tuner Nonsense '' ; tuner Status)
	replies MethodNotFound ok
	[ "$(grep '"layers"' <<<"$output" | jq -r '.parameters.layers | length')" = 1 ]
	[ "$(value /proc/sys/vm/swappiness)" = 11 ]
}

@test "varlink: a oneway call is done although its sender has gone at once" {
	kill -STOP "$daemon_pid" # so that it finds the call and the hang-up together
	talk close < <(tuner Apply '{"profile":"p"}' oneway)
	kill -CONT "$daemon_pid"
	await grep -qx 11 "$tree/proc/sys/vm/swappiness"
}

@test "T1 an empty message, half a message, a NUL alone: error and close, and no flood of log lines" {
	refused < <(printf '\0')
	refused < <(printf '\0\0\0')
	run talk < <(printf '{"method":"org.varlink.service.Ge')
	replies ProtocolViolation
	closed
	for i in {1..50}; do talk < <(printf '\0') >/dev/null; done
	[ "$(wc -l <"$BATS_TEST_TMPDIR/daemon.log")" -lt 10 ]
	answers
}

@test "T2 300 KiB without a NUL: error, close, and no more memory than the cap" {
	before=$(memory_kib)
	refused < <(head -c 307200 /dev/zero | tr '\0' x)
	refused < <(printf '{"method":"'; head -c 307200 /dev/zero | tr '\0' x)
	# A sender that never stops is cut off as well.
	run talk keep < <(head -c 30000000 /dev/zero | tr '\0' ' ')
	closed
	is_sanitized || [ $(($(memory_kib) - before)) -lt 2048 ]
}

@test "T3 many messages in one segment, and one message in many" {
	n=$(talk < <(repeat 500 get_info) | grep -c '"vendor"')
	[ "$n" = 500 ]
	run talk < <(for i in 1 2 3 4 5; do tuner Status; get_info; tuner Explain '{"subject":"nothing"}'; done)
	replies ok ok NoMatch ok ok NoMatch ok ok NoMatch ok ok NoMatch ok ok NoMatch ||
		replies ok ok InvalidArgument ok ok InvalidArgument ok ok InvalidArgument ok ok InvalidArgument ok ok InvalidArgument
	text=$(get_info | tr '\0' '#')
	run talk < <(for ((i = 0; i < ${#text}; i++)); do
		case ${text:i:1} in '#') printf '\0' ;; *) printf %s "${text:i:1}" ;; esac
		[ $((i % 10)) -gt 0 ] || sleep 0.01
	done)
	replies ok
}

@test "T4 unknown interface or method, missing, extra or wrong parameter: the standard error, and nothing runs" {
	before=$(snapshot)
	run talk < <(
		message org.example.Foo.Bar
		message nonsense
		message ''
		tuner Frobnicate
		tuner apply '{"profile":"p"}'
		tuner Apply
		tuner Apply '{}'
		tuner Apply '{"profile":1}'
		tuner Apply '{"profile":null}'
		tuner Apply '{"profile":"p","surprise":true}'
		tuner Apply '{"profile":"p","phases":"a"}'
		tuner Apply '{"profile":"p","phases":[1]}'
		tuner Apply '{"profile":"p","keep":"yes"}'
		tuner Apply '{"profile":"p","set":{"cpus.x":4}}'
		tuner Rollback '{"to":1.5}'
		message org.varlink.service.GetInterfaceDescription
		get_info
	)
	replies InterfaceNotFound InterfaceNotFound InterfaceNotFound MethodNotFound MethodNotFound InvalidParameter \
		InvalidParameter InvalidParameter InvalidParameter InvalidParameter InvalidParameter InvalidParameter \
		InvalidParameter InvalidParameter InvalidParameter InvalidParameter ok
	has '"interface":"org.example.Foo"' # not the whole method
	has '"parameter":"profile"'
	has '"parameter":"surprise"'
	same "$before" "$(snapshot)"
}

@test "T4 a message that is no request: error and close" {
	for m in 'garbage' '[]' '"x"' '1' 'null' '{}' '{"method":1}' '{"parameters":{}}' '{"method":"a.b","more":1}' \
		'{"method":"a.b","parameters":[]}' '{"method":"a.b","upgrade":true}' \
		'{"method":"a.b","more":true,"oneway":true}'; do
		refused < <(printf '%s\0' "$m") || { echo "$m" >&2; return 1; }
	done
}

@test "Q1 nesting of 10,000 and of 100,000: error and close" {
	nested() { printf '{"method":"a.b","parameters":{"x":'; head -c "$1" /dev/zero | tr '\0' "$2"; printf '\0'; }
	refused < <(nested 10000 '[')
	refused < <(nested 100000 '[')
	refused < <(printf '{"method":"a.b","parameters":'; yes '{"a":' | head -10000 | tr -d '\n'; printf '\0')
}

@test "Q2 duplicate keys: error and close" {
	refused < <(printf '{"method":"org.varlink.service.GetInfo","method":"org.varlink.service.GetInfo"}\0')
	refused < <(tuner Apply '{"profile":"p","profile":"q"}')
	refused < <(tuner Apply '{"profile":"p","set":{"variables.a":"1","variables.\u0061":"2"}}')
}

@test "Q3 invalid UTF-8, overlong forms, surrogates, a byte order mark: error and close" {
	for bytes in '\xff' '\xc0\x80' '\xc1\xbf' '\xe0\x80\xaf' '\xed\xa0\x80' '\xf4\x90\x80\x80' '\xf8\x88\x80\x80\x80' \
		'\xc3' '\\ud800' '\\udc00' '\\ud800\\ud800'; do
		# shellcheck disable=SC2059 # the escapes are meant
		refused < <(printf "{\"method\":\"a.b$bytes\"}\0") || { echo "$bytes" >&2; return 1; }
	done
	refused < <(printf '\xef\xbb\xbf{"method":"org.varlink.service.GetInfo"}\0')
}

@test "Q4 a NUL or another control character inside a string: error and close" {
	refused < <(tuner Apply '{"profile":"p\u0000q"}')
	refused < <(printf '{"method":"a\nb"}\0')
	refused < <(printf '{"method":"a\x1bb"}\0')
	run talk < <(printf '{"method":"a\0b"}\0') # two messages, neither of which is one
	replies ProtocolViolation
}

@test "Q5 numbers that are none, or that no double holds: error and close" {
	for n in 1e400 -0 9223372036854775808 9007199254740993 0x10 007 +1 .5 1. NaN Infinity --1; do
		refused < <(tuner History "{\"txn\":$n}") || { echo "$n" >&2; return 1; }
	done
	run talk < <(tuner History '{"txn":9007199254740991}'; get_info)
	[ "$(errors | tail -1)" = ok ]
}

@test "Q6 anything after the document: error and close" {
	refused < <(printf '{"method":"org.varlink.service.GetInfo"}{}\0')
	refused < <(printf '{"method":"org.varlink.service.GetInfo"} x\0')
	refused < <(printf '{"method":"org.varlink.service.GetInfo"},\0')
}

@test "Q7 an unknown member: error and close" {
	refused < <(printf '{"method":"org.varlink.service.GetInfo","extra":1}\0')
}

@test "Q8 as many keys, elements and bytes as fit: answered at once, whatever the answer" {
	start=$EPOCHREALTIME
	run talk < <(printf '{"method":"org.hfttune.Tuner.Plan","parameters":{"profile":"p","set":{'
		seq -s, -f '"v%.0f":""' 1 20000; printf '}}}\0')
	[ "$(errors | wc -l)" = 1 ]
	run talk < <(printf '{"method":"org.hfttune.Tuner.Plan","parameters":{"profile":"p","phases":['
		seq -s, -f '"p%.0f"' 1 20000; printf ']}}\0')
	[ "$(errors | wc -l)" = 1 ]
	run talk < <(printf '{"method":"org.hfttune.Tuner.Plan","parameters":{"profile":"'
		head -c 200000 /dev/zero | tr '\0' x; printf '"}}\0')
	[ "$(errors | wc -l)" = 1 ]
	[ "$(errors)" != ok ]
	refused < <(printf '{"method":"org.hfttune.Tuner.Plan","parameters":{"profile":"'
		head -c 1048576 /dev/zero | tr '\0' x; printf '"}}\0')
	answers
	is_sanitized || [ "$(bc <<<"($EPOCHREALTIME - $start) < 3")" = 1 ]
}

@test "Q11 profile names that lead elsewhere" {
	before=$(snapshot)
	mkdir -p "$profiles/sub" && cp "$profiles/p.conf" "$profiles/sub/q.conf"
	cp "$profiles/p.conf" "$BATS_TEST_TMPDIR/outside.conf"
	long=$(head -c 300 /dev/zero | tr '\0' a)
	for name in ../../etc/shadow ../outside /etc/passwd sub/q . .. '' -x 'CON\n' 'p\t' 'p.conf/' "$long" 'p q' 'ä'; do
		run talk < <(tuner Apply "{\"profile\":\"$name\"}"; tuner Show "{\"profile\":\"$name\"}"; get_info)
		[ "$(errors | tail -1)" = ok ]
		[ "$(errors | head -2 | grep -cxE 'InvalidArgument|InvalidProfile|NoSuchProfile|ProtocolViolation')" = 2 ] ||
			{ printf '%s: %s\n' "$name" "$output" >&2; return 1; }
	done
	same "$before" "$(snapshot)"
}

@test "chance: 2000 connections with broken messages" {
	seed=${SEED:-$RANDOM}
	echo "# seed $seed" >&3
	fds=$(n_fds)
	"$attack" storm "$socket" 700 "$seed" < <(get_info; tuner Status)
	"$attack" storm "$socket" 700 "$seed" < <(tuner Plan '{"profile":"p","phases":["a"],"set":{"variables.x":"1"}}' more)
	"$attack" storm "$socket" 600 "$seed" < <(describe; get_info)
	answers
	await fds_near "$fds"
	end_daemon
}
