#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Becomes QEMU: one guest of 2 packages x 2 cores x 2 threads and 2 NUMA nodes, under software emulation. GRUB boots what
# the guest's update-grub wrote. Further options of QEMU may follow.
#
#	qemu.sh IMAGE DISK SHARE CONSOLE [OPTION...]
#
# It lives in a network namespace of its own. The tap is made by QEMU in there, has no address and leads nowhere, and
# goes when QEMU goes, whichever way; QEMU goes when its caller does. Standard input and output are the guest's port
# "lab": a line of input lets the agent of one boot go on.
set -eu
image=$1 disk=$2 share=$3 console=$4
shift 4

# Only a tap has several queues.
# shellcheck disable=SC2054 # the commas are options of QEMU's
queues=(-netdev tap,id=n0,ifname=lab0,queues=4,script=no,downscript=no)
[ -c /dev/net/tun ] || {
	echo 'lab: no /dev/net/tun here: the virtio NIC has one queue, and scenarios that need more will fail' >&2
	# shellcheck disable=SC2054
	queues=(-netdev user,id=n0,restrict=on)
}

# TCG offers SMT for Intel's models alone, and newer ones boot far slower. One thread for all CPUs: with a thread for each
# QEMU 7.2 may go on running code that another CPU has patched meanwhile (the kernel does so at each static key): all CPUs
# then spin on a breakpoint that is no longer there. It boots no slower on two cores.
exec setpriv --pdeathsig KILL unshare --net -- qemu-system-x86_64 -nodefaults -no-user-config \
	-machine pc -accel tcg,thread=single -cpu Nehalem -m 3072 -smp 8,sockets=2,cores=2,threads=2 \
	-object memory-backend-ram,size=1536M,id=m0 -object memory-backend-ram,size=1536M,id=m1 \
	-numa node,nodeid=0,cpus=0-3,memdev=m0 -numa node,nodeid=1,cpus=4-7,memdev=m1 \
	-acpitable "file=$image/ssdt.aml" -cdrom "$image/boot.iso" -boot d \
	-drive "file=$disk,if=none,id=d0,cache=unsafe,discard=unmap" \
	-device virtio-blk-pci,drive=d0,num-queues=8,addr=0x8 \
	"${queues[@]}" -device virtio-net-pci,netdev=n0,mq=on,vectors=10,addr=0x10 \
	-netdev user,id=n1,restrict=on -device e1000e,netdev=n1,addr=0x11 \
	-netdev user,id=n2,restrict=on -device vmxnet3,netdev=n2,addr=0x12 \
	-device virtio-rng-pci,addr=0x9 \
	-fsdev "local,id=f0,path=$share,security_model=none" -device virtio-9p-pci,fsdev=f0,mount_tag=host,addr=0xa \
	-chardev stdio,id=c0,signal=off -device virtio-serial-pci,addr=0xb -device virtserialport,chardev=c0,name=lab \
	-vga none -display none -monitor none -serial "file:$console" "$@"
