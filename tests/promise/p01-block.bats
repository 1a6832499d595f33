#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P1 for the queues of disks: on a copied tree what a scheduler takes along, on this host two numbers of a real disk.
load ../helper

# disk NAME: a virtio disk in the copied tree, with a scheduler that somebody has tuned.
disk() {
	local dir=devices/pci0000:00/0000:00:02.0/virtio1/block/$1
	queue=$tree/sys/$dir/queue
	mkdir -p "$tree/sys/block" "$queue/iosched"
	ln -s "../$dir" "$tree/sys/block/$1"
	echo 'none [mq-deadline] kyber' >"$queue/scheduler"
	echo 256 >"$queue/nr_requests"
	echo 2000 >"$queue/wbt_lat_usec"
	echo 1 >"$queue/iosched/fifo_batch"
	echo 100 >"$queue/iosched/read_expire"
}

@test "P1 a scheduler comes back with its settings and the depth of its queue, after a crash too" {
	host vm-1cpu
	disk vda
	before=$(shot)
	profile p <<<$'[phase a]\n[a/block vda]\nscheduler = none'
	HFT_FAULT='write@*queue/scheduler:1:crash-after' hft apply p >/dev/null 2>&1 || true
	[ "$(<"$queue/scheduler")" != 'none [mq-deadline] kyber' ]
	echo 1023 >"$queue/nr_requests" # as elevator_disable() does it, and as a new mq-deadline begins
	echo 16 >"$queue/iosched/fifo_batch"
	echo 500 >"$queue/iosched/read_expire"
	exits 0 hft repair
	same "$before" "$(shot)"
}

@test "P1 a disk is found again under another name" {
	host vm-1cpu
	disk vda
	echo 0 >"$queue/nomerges"
	profile p <<<$'[phase a]\n[a/block driver:virtio_blk]\nnomerges = 2'
	mkdir -p "$tree/sys/bus/virtio/drivers/virtio_blk"
	ln -s ../../../virtio1 "${queue%/*}/device"
	ln -s ../../../../bus/virtio/drivers/virtio_blk "${queue%/*/*/*}/driver"
	before=$(<"$queue/nomerges")
	exits 0 hft apply p
	[ "$(<"$queue/nomerges")" = 2 ]
	mv "${queue%/*}" "${queue%/*/*}/vdb"
	rm "$tree/sys/block/vda"
	ln -s ../devices/pci0000:00/0000:00:02.0/virtio1/block/vdb "$tree/sys/block/vdb"
	exits 0 hft verify
	exits 0 hft rollback --all
	same "$before" "$(<"$tree/sys/block/vdb/queue/nomerges")"
}

# real_disk: the first disk of this host that has a driver, and what its queue holds.
real_disk() {
	local dir
	for dir in /sys/block/*; do
		if [ ! -w "$dir/queue/nomerges" ] || [ ! -e "$dir/device/driver" ]; then continue; fi
		real=$dir/queue
		nomerges=$(<"$real/nomerges")
		read_ahead=$(<"$real/read_ahead_kb")
		return 0
	done
	skip "no disk with a driver here"
}

@test "P1 a disk of this host: set, proven, put back" {
	needs_root
	real_disk
	profile p <<-END
		[phase a]
		[a/block $(basename "${real%/queue}")]
		nomerges = $((nomerges == 2 ? 1 : 2))
		read_ahead_kb = $((read_ahead == 512 ? 256 : 512))
	END
	all() { grep -H . "$real"/* 2>/dev/null || true; }
	before=$(all)
	exits 0 live --json apply p
	[ "$(field .summary.change)" = 2 ]
	[ "$(<"$real/nomerges")" != "$nomerges" ]
	[ "$(<"$real/read_ahead_kb")" != "$read_ahead" ]
	exits 0 live verify
	echo "$nomerges" >"$real/nomerges"
	exits 3 live verify
	exits 0 live repair
	exits 0 live rollback --all
	same "$before" "$(all)"
}

teardown() {
	[ ! -d "$BATS_TEST_TMPDIR/state" ] || live rollback --all --force >/dev/null 2>&1 || true
	[ -n "${real:-}" ] || return 0
	echo "$nomerges" >"$real/nomerges"
	echo "$read_ahead" >"$real/read_ahead_kb"
}
