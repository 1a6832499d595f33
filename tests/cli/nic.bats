#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The knob nic on real devices: a veth pair with four queues and a tap, in a network namespace of the test's own. The
# judge is ethtool, and tests/tools/hostdump, which shares no code with hfttune.
load ../helper

ns=hft-nic-$$
judge=$build/tests/tools/hostdump

setup() {
	needs_root
	ip netns add "$ns" 2>/dev/null || skip "no network namespaces here"
	inside ip link add hftv0 numrxqueues 4 numtxqueues 4 type veth peer name hftv1 numrxqueues 4 numtxqueues 4 ||
		skip "no veth here"
	inside ip tuntap add dev hftt0 mode tap multi_queue || skip "no tap here"
	inside ip link set hftv0 up
	inside ip link set hftv1 up
	# What the queues hold that will be taken away, and one that stays.
	inside sh -c 'echo 1 >/sys/class/net/hftv0/queues/rx-3/rps_cpus
		echo 1 >/sys/class/net/hftv0/queues/tx-2/xps_cpus
		echo 1 >/sys/class/net/hftv0/queues/rx-0/rps_cpus'
	dump before
}

# The namespace goes, and its devices with it.
teardown() { ip netns del "$ns" 2>/dev/null || :; }

inside() { ip netns exec "$ns" "$@"; }

# tune VERB...: the command line inside the namespace; ip netns exec shows its devices in /sys.
tune() { inside "$build/hfttune" --standalone --state-dir "$BATS_TEST_TMPDIR/state" --profile-dir "$profiles" "$@"; }

# dump NAME: every readable setting of the test's devices, as the judge and ethtool see them.
dump() {
	{
		inside "$judge" | grep 'hft[vt][01]'
		for nic in hftv0 hftv1 hftt0; do
			inside ethtool -k "$nic"
			inside ethtool -l "$nic"
		done
		inside ethtool -c hftt0
	} >"$BATS_TEST_TMPDIR/$1" 2>/dev/null || :
	grep -q 'hftv0/queues/rx-0/rps_cpus' "$BATS_TEST_TMPDIR/$1" # the judge sees what it is to judge
}

as_before() {
	dump after
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after" >&2
}

now() { inside cat "/sys/class/net/$1"; }

fewer_channels() {
	profile fewer <<-'END'
		[phase queues]
		order = 1
		[queues/nic hftv0]
		channels.rx = 2
		channels.tx = 2
		rps_cpus = 0
		feature.rx-gro = on
		feature.tx-scatter-gather = off
		threaded = 1
		gro_flush_timeout = 200000
		napi_defer_hard_irqs = 100
		tx_queue_len = 500
		rings.rx = 512
		pause.rx = off
		eee.enabled = off
		rss.indir = equal 2
		priv.rx_cqe_compress = off
		feature.highdma = off
		[queues/nic hftt0]
		coalesce.rx-frames = 16
		feature.tx-tcp-segmentation = off
	END
}

@test "nic: apply, verify, roll back: every setting of the devices is as it was" {
	fewer_channels
	exits 0 tune apply fewer
	[ "$(inside ethtool -l hftv0 | sed -n 's/^RX:[[:space:]]*//p' | tail -n 1)" = 2 ]
	inside test ! -e /sys/class/net/hftv0/queues/rx-2
	[ "$(now hftv0/gro_flush_timeout)" = 200000 ]
	[ "$(now hftv0/threaded)" = 1 ]
	inside ethtool -k hftv0 | grep -q '^generic-receive-offload: on'
	inside ethtool -k hftv0 | grep -q 'tx-tcp-segmentation: off \[requested on\]' # dragged along
	inside ethtool -c hftt0 | grep -q '^rx-frames:[[:space:]]*16'
	exits 0 tune verify
	exits 0 tune --json apply fewer
	[ "$(field '[.steps[] | select(.state == "not_applicable")] | length')" = 5 ]
	[ "$(field '[.steps[] | select(.state != "ok" and .state != "not_applicable")] | length')" = 0 ]
	exits 0 tune rollback --all
	as_before
}

@test "nic: what a driver lacks is not applicable, and refuses a phase that requires it" {
	profile lacks <<-'END'
		[phase a]
		[a/nic hftt0]
		tx_queue_len = 400
		threaded = 1
	END
	exits 0 tune apply lacks # the tap has no NAPI, and only a write shows it
	has "not applicable"
	exits 0 tune rollback --all
	as_before
	sed -i 's/^\[phase a\]/&\nrequired = yes/' "$profiles/lacks.conf"
	exits 1 tune apply lacks
	as_before
}

@test "nic: bounds are the device's, and unknown names are refused" {
	profile bad <<-'END'
		[phase a]
		[a/nic hftv0]
		channels.rx = 5
	END
	exits 2 tune plan bad
	has "0..4"
	for line in 'channels.combined' 'feature.gro = off' 'rx-usecs = 0'; do
		printf '[phase a]\n[a/nic hftv0]\n%s\n' "$line" >"$profiles/bad.conf"
		exits 2 tune plan bad
	done
	printf '[phase a]\n[a/nic nosuch0]\nthreaded = 1\n' >"$profiles/bad.conf"
	exits 2 tune plan bad
	as_before
}

@test "nic: what somebody else changed since is a conflict, the rest goes back" {
	fewer_channels
	exits 0 tune apply fewer
	inside sh -c 'echo 777 >/sys/class/net/hftv0/gro_flush_timeout'
	inside ethtool -C hftt0 rx-frames 8
	exits 3 tune verify
	exits 4 tune rollback --all
	has "hftv0 gro_flush_timeout"
	has "hftt0 coalesce.rx-frames"
	[ "$(now hftv0/gro_flush_timeout)" = 777 ]
	[ "$(now hftv0/tx_queue_len)" = 1000 ]
	exits 0 tune rollback --all --force
	as_before
}

@test "nic: a change that fails or kills half-way is undone" {
	fewer_channels
	export HFT_FAULT
	HFT_FAULT='write@ethtool:3:EIO' exits 1 tune apply fewer
	has "Input/output error"
	as_before
	for n in 1 2 3; do
		HFT_FAULT="write@ethtool:$n:kill-after" tune apply fewer >/dev/null 2>&1 && return 1
		HFT_FAULT='' exits 0 tune rollback --all
		as_before
	done
}

@test "nic: a write that is taken and does nothing is no success" {
	profile one <<-'END'
		[phase a]
		[a/nic hftv0]
		feature.rx-gro = on
	END
	export HFT_FAULT='write@ethtool:*:ignore'
	exits 1 tune apply one
	has "hftv0 feature.rx-gro"
	as_before
}

@test "nic: a queue that comes later is told from one that is tuned" {
	profile all <<-'END'
		[phase a]
		[a/nic hftv0]
		rps_cpus = 0
	END
	inside ethtool -L hftv0 rx 2
	exits 0 tune apply all
	exits 0 tune verify
	inside ethtool -L hftv0 rx 4
	exits 3 tune verify
	exits 0 tune repair
	[ "$(now hftv0/queues/rx-3/rps_cpus)" = 1 ]
	exits 0 tune verify
}
