#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The shipped profiles, as they are: they load and plan on every recorded host and on this one, and say why.
load ../helper

shipped=(low-latency-base redis-hft redistill market-data tick-to-trade)

# recorded NAME: a recorded machine that GRUB boots, and its host.conf.
recorded() {
	rm -rf "$tree"
	host "$1"
	mkdir -p "$tree/etc/default" "$tree/boot/grub" "$tree/etc/hfttune"
	echo 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"' >"$tree/etc/default/grub"
	echo '### BEGIN /etc/grub.d/10_linux ###' >"$tree/boot/grub/grub.cfg"
	answers "$2" "$3" "$4" "$5" >"$tree/etc/hfttune/host.conf"
}

answers() { printf '[cpus]\ntrading = %s\ncollector = %s\norderbook = %s\nnetwork = %s\n' "$@"; }

large() { recorded "$1" 4-7 4-5 6 7; }

hft() { "$build/hfttune" --root "$tree" --profile-dir "$top/profiles" "$@"; }

@test "the shipped profiles plan on recorded servers, and each changes something" {
	for machine in xeon-2s epyc-1s; do
		large $machine
		for name in "${shipped[@]}"; do
			exits 3 hft --json plan "$name"
			[ "$(field .summary.change)" -gt 5 ]
			[ "$(field '[.steps[] | select(.state == "change") | .phase] | unique | length')" -ge 3 ]
		done
	done
}

@test "each setting of the shipped profiles says why" {
	large xeon-2s
	for name in "${shipped[@]}"; do
		exits 0 hft --json show "$name"
		[ "$(field '.settings | length')" -gt 5 ]
		same '' "$(field '.settings[] | select((.why // "") == "") | .where + " " + .option')"
	done
}

@test "what needs a reboot is a phase of its own" {
	large xeon-2s
	for name in low-latency-base redis-hft market-data tick-to-trade; do
		exits 0 hft --json show "$name"
		same boot "$(field '[.settings[] | select(.knob == "boot") | .phase] | unique | join(" ")')"
		same boot "$(field '[.settings[] | select(.phase == "boot") | .knob] | unique | join(" ")')"
		for phase in $(field '.phases[].name'); do
			exits 3 hft --json plan "$name" --phase "$phase" || exits 0 hft --json plan "$name" --phase "$phase"
			same "$([ "$phase" = boot ] && echo true || echo false)" "$(field .summary.reboot_needed)"
		done
	done
}

@test "a profile that goes in place of another leaves one set of values" {
	large xeon-2s
	exits 5 hft apply low-latency-base
	exits 5 hft apply redis-hft --switch
	same '[madvise]' "$(grep -o '\[.*\]' "$tree/sys/kernel/mm/transparent_hugepage/enabled")"
	exits 5 hft verify
	exits 0 hft rollback --all
	same '[always]' "$(grep -o '\[.*\]' "$tree/sys/kernel/mm/transparent_hugepage/enabled")"
}

@test "redistill has five variants, and each says all of its settings once" {
	large xeon-2s
	declare -A shards=([balanced]=2048 [read-heavy]=4096 [write-heavy]=2048 [low-latency]=256 [many-connections]=2048)
	declare -A batch=([balanced]=256 [read-heavy]=256 [write-heavy]=512 [low-latency]=16 [many-connections]=64)
	mkdir -p "$tree/etc/redistill"
	printf '[conffile]\nredistill = /etc/redistill/redistill.toml\n' >>"$tree/etc/hfttune/host.conf"
	cat >"$tree/etc/redistill/redistill.toml" <<-'TOML'
		[server]
		num_shards = 1 # locks
		batch_size = 1
		buffer_size = 1
		buffer_pool_size = 1
		max_connections = 1
		[performance]
		tcp_nodelay = false
		tcp_keepalive = 1
		[memory]
		max_memory = 0
		eviction_policy = "noeviction"
	TOML
	exits 2 hft plan redistill --set variables.variant=balnced
	has 'balanced|read-heavy|write-heavy|low-latency|many-connections'
	for variant in "${!shards[@]}"; do
		exits 3 hft --json plan redistill --phase redistill --set variables.variant="$variant"
		[ "$(field '[.steps[] | select(.knob == "conffile" and .state == "change")] | length')" = 9 ]
		[ "$(field '.steps[] | select(.object | endswith("num_shards")) | .after')" = "${shards[$variant]}" ]
		[ "$(field '.steps[] | select(.object | endswith("batch_size")) | .after')" = "${batch[$variant]}" ]
	done
	exits 0 hft apply redistill --phase redistill
	grep -q '^num_shards = 2048 # locks$' "$tree/etc/redistill/redistill.toml"
	grep -q '^eviction_policy = "allkeys-lru"$' "$tree/etc/redistill/redistill.toml"
}

@test "what an application lacks is said, and nothing is restarted unasked" {
	large xeon-2s
	exits 3 hft --json plan redis-hft
	[[ $(field '[.steps[] | select(.knob == "redis") | .reason] | unique | join(" ")') == *'redis-server.service' ]]
	mkdir -p "$tree/usr/lib/systemd/system"
	printf '[Service]\nExecStart=/usr/bin/redis-server\n' >"$tree/usr/lib/systemd/system/redis-server.service"
	exits 3 hft --json plan redis-hft --phase pinning
	[ "$(field '.steps[] | select(.object | endswith("server.service CPUAffinity")) | .after')" = 4-7 ]
	[[ $(field '.phases[0].notes | join(" ")') == *'has to be restarted'* ]]
}

@test "on one CPU: what cannot be isolated is explained, and the rest plans" {
	recorded vm-1cpu 0 0 0 0
	for name in low-latency-base redis-hft market-data tick-to-trade; do
		exits 2 hft --json plan "$name"
		[ "$(field .error.subject)" = housekeeping ]
		[[ $(field .error.hint) == *'whole core'* ]]
	done
	exits 3 hft plan redistill
}

@test "who does not say which CPUs trade is asked for them" {
	host xeon-2s
	for name in low-latency-base redis-hft tick-to-trade; do
		exits 2 hft --json plan "$name"
		[ "$(field .error.subject)" = trading ]
		[[ $(field .error.hint) == *host.conf* ]]
	done
}

@test "trading CPUs of another node than the memory are refused" {
	large xeon-2s
	for name in market-data tick-to-trade; do
		exits 2 hft --json plan "$name" --set variables.node=1
		[ "$(field .error.subject)" = trading_on_node ]
	done
}

@test "without a boot loader the other phases are planned all the same" {
	large xeon-2s
	rm -r "${tree:?}/boot" "$tree/etc/default"
	exits 3 hft --json plan low-latency-base
	[ "$(field '[.steps[] | select(.phase == "boot") | .state] | unique | join(" ")')" = not_applicable ]
	[ "$(field '[.steps[] | select(.phase == "boot")] | length')" -gt 5 ]
	[[ $(field '.steps[] | select(.object == "isolcpus") | .reason') == *'boot loader'* ]]
}

@test "the shipped profiles plan on this host" {
	[ "$(nproc --all)" -ge 2 ] || skip "one CPU"
	answers 1 1 1 1 >"$BATS_TEST_TMPDIR/host.conf"
	for name in "${shipped[@]}"; do
		status=0
		COLUMNS=80 "$build/hfttune" --standalone --state-dir "$BATS_TEST_TMPDIR/state" --profile-dir "$top/profiles" \
			--host-conf "$BATS_TEST_TMPDIR/host.conf" plan "$name" >"$BATS_TEST_TMPDIR/out" || status=$?
		[ "$status" = 3 ] || [ "$status" = 0 ]
		absent '^.{81,}$' <(grep -v '^next: ' "$BATS_TEST_TMPDIR/out")
	done
	[ ! -e "$BATS_TEST_TMPDIR/state" ]
}

@test "a plan says a reason once for neighbours that share it, and none for what it cannot do" {
	large xeon-2s
	COLUMNS=80 exits 3 hft plan low-latency-base
	same 2 "$(grep -c 'an interrupt takes 1 to 10 us' <<<"$output")"
	exits 3 hft --json plan low-latency-base
	[ "$(field '[.steps[] | select(.knob == "irq") | .why] | length')" -gt 20 ]
}

@test "the README's own profile loads" {
	large xeon-2s
	mkdir -p "$profiles"
	awk '/mine.conf/ {mine = 1} /^```/ {inside = !inside; next} mine && inside' "$top/profiles/README.md" >"$profiles/mine.conf"
	[ "$(wc -l <"$profiles/mine.conf")" -le 10 ]
	exits 3 "$build/hfttune" --root "$tree" --profile-dir "$profiles" --profile-dir "$top/profiles" --json plan mine
	[ "$(field '.steps[] | select(.object == "net.core.rmem_max") | .after')" = 33554432 ]
}
