#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# After a reboot all is in force before a service starts that waits for it, and comes back to what a boot makes; where
# replay fails, the service starts all the same, and status says why.

net=/sys/class/net/dummy0/gro_flush_timeout
fields='vm.swappiness vm.dirty_bytes net.core.somaxconn'
tuned='1 134217728 8192'

# A service with a drop-in of ours, as far as its start goes: it notes what it was started with.
make_witness() {
	cat >/etc/systemd/system/witness.service <<-END
		[Unit]
		Wants=hfttune-replay.service
		After=hfttune-replay.service
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/sh -c 'sysctl -n $fields | xargs >/run/witness; cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor | uniq >>/run/witness'
		[Install]
		WantedBy=multi-user.target
	END
	systemctl daemon-reload
	systemctl enable witness.service
}

n_of() { hfttune --json history | jq '[.transactions[] | select(.kind == "'"$1"'")] | length'; }
in_force() { hfttune --json status | jq '[.layers[] | select(.in_force)] | length'; }
replays() { journalctl -b -u hfttuned --no-pager -o cat | grep -c 'replayed .* settings of' || :; }

if on_boot 0; then
	step "a service that waits for replay"
	make_witness
	use_profiles replay late-device
	reboot
fi

if on_boot 1; then
	step "nothing to replay"
	expect_await 60 systemctl is-active witness.service
	expect_eq active "$(systemctl is-active hfttune-replay.service)"
	cp /run/witness "$share/untuned"
	expect_eq 0 "$(in_force)" layers
	dump fresh
	step "apply"
	expect_exit 0 hfttune apply replay
	expect_exit 0 hfttune verify
	cat /proc/irq/default_smp_affinity >"$share/affinity"
	reboot
fi

if on_boot 2; then
	step "all is in force, and was before the service started"
	expect_await 60 systemctl is-active witness.service
	expect_eq active "$(systemctl is-active hfttune-replay.service)"
	expect_file /run/witness "$tuned"$'\n'performance
	expect_exit 0 hfttune verify
	expect_file /proc/irq/default_smp_affinity "$(cat "$share/affinity")"
	expect_true grep -q '\[never\]' /sys/kernel/mm/transparent_hugepage/enabled
	expect_true test -n "$(find "/proc/$(systemctl show -P MainPID hfttuned.service)/fd" -lname /dev/cpu_dma_latency)"
	expect_eq 3 "$(in_force)" layers
	expect_exit 0 hfttune status
	expect_has "replay: transaction 2 (replay, committed"
	expect_eq 1 "$(replays)" "told in the journal"

	step "once: neither restarts nor a second call replay anything"
	expect_exit 0 sysctl -q vm.swappiness=2
	expect_exit 0 systemctl restart hfttuned.service
	expect_exit 0 systemctl start hfttune-replay.service
	expect_exit 0 systemctl restart witness.service
	expect_exit 0 hfttune replay
	expect_file /proc/sys/vm/swappiness 2
	expect_exit 3 hfttune verify
	expect_eq 1 "$(n_of replay)" replays
	expect_exit 0 hfttune repair

	step "rolled back, the host is as a boot makes it"
	expect_exit 0 hfttune rollback --all
	# It was started when huge pages were off, and looks at that only when it starts.
	systemctl restart redis-server.service
	sleep 2
	dump after
	expect_same_host fresh after

	step "a device that will be missing"
	ip link add dummy0 type dummy
	udevadm settle # systemd sets some of it
	expect_exit 0 hfttune apply late-device
	expect_exit 0 hfttune apply replay
	expect_file $net 20000
	reboot
fi

if on_boot 3; then
	step "replay failed, and the service started all the same"
	expect_await 60 systemctl is-active witness.service
	expect_eq failed "$(systemctl is-failed hfttune-replay.service)"
	expect_file /run/witness "$(cat "$share/untuned")"
	expect_eq 0 "$(in_force)" layers
	expect_exit 0 hfttune status
	expect_has "undone"
	expect_has "cause:"
	expect_has dummy0
	expect_exit 0 systemctl restart witness.service
	expect_eq 0 "$(in_force)" "layers after a restart of the service"
	ip link add dummy0 type dummy
	udevadm settle # systemd sets some of it
	dump failed

	step "with the device it goes"
	expect_exit 0 hfttune replay
	expect_exit 0 hfttune verify
	expect_file $net 20000
	expect_exit 0 hfttune rollback --all
	dump undone
	expect_same_host failed undone
fi
