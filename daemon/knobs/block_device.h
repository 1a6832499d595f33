/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks as /sys/block has them: names change from boot to boot ("nvme1n1"), so knob block knows them by address.
 *
 * The address says where the disk is, in the words of /dev/disk/by-path: "pci-0000:00:02.0" (virtio),
 * "pci-0000:3d:00.0-nvme-1" (the namespace), "pci-0000:00:17.0-ata-1-scsi-0:0:0" (port of the controller; channel,
 * target and unit). A disk that is reached in another way (USB, a fabric, mapped, a file) has none but its name.
 */
#pragma once

#include <stdbool.h>

struct hft_err;
struct knob_ctx;
struct strbuf;

/* The address of a disk, or its name. 0; -ENOENT ERR_NOT_APPLICABLE when there is no such disk. ret is reset first. */
int block_address(const struct knob_ctx *c, const char *name, struct strbuf *ret, struct hft_err *err);
/* The name of the disk at an address: 0, or -ENOENT ERR_NOT_APPLICABLE. ret is reset first. */
int block_name(const struct knob_ctx *c, const char *address, struct strbuf *ret, struct hft_err *err);
/* Does a selector name the disk: "driver:NAME", an address, a name, or a pattern of each? Patterns mean no disks that
 * lie in memory or in a file (loop, ram, zram): those go by their name. */
bool block_selected(const struct knob_ctx *c, const char *selector, const char *name);
