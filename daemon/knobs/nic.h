/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of knob nic share: an object with its network device found, and the parts that knob_nic.c is made of,
 * one for each way to the kernel. Nobody else includes this, but for tests.
 *
 * Keys are "DEVICE OPTION". DEVICE is "pci-0000:00:03.0" for a PCI device, with " port-1" for a port that is not its
 * first; the interface's name where there is no PCI device, or where several interfaces are one port of it (the
 * representors of a switch).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/knobs/knob.h"

struct ethnl_answer;
struct host_nic;
struct nlattr;
struct nlmsghdr;
struct strlist;

#define NIC_ID_MAX 64
#define NIC_MESSAGE_MAX 512 /* a request: the device, and one attribute or one name */

struct nic_at {
	const struct host_nic *nic; /* borrowed from the host; for parse NULL when no device is meant (knob.h) */
	int ifindex;                /* 0 in a copied tree */
	char id[NIC_ID_MAX];        /* DEVICE */
	const char *option;         /* borrowed from the key */
};

/* --- devices (nic_device.c) --------------------------------------------------------------------------------------- */

/*
 * The devices that a selector names, to be freed by the caller: NAME, PCI ADDRESS, nic:NAME, device:ADDRESS,
 * driver:NAME, patterns; words separated by blanks must all hold. Patterns do not match lo. -EINVAL
 * ERR_INVALID_PROFILE (empty), -ENOENT ERR_NO_MATCH.
 */
int nic_select(const struct knob_ctx *c, const char *selector, const char *option, struct nic_at **ret, size_t *ret_n,
               struct hft_err *err);
/* The device of a key as it is called now: what was read before is looked at again. -ENOENT ERR_NOT_APPLICABLE. */
int nic_resolve(const struct knob_ctx *c, const char *key, struct nic_at *ret, struct hft_err *err);
/* For messages: "eth0 (virtio_net)". */
const char *nic_title(const struct nic_at *at, char text[80]);
/* Raise that the device has no such thing: -ENOENT ERR_NOT_APPLICABLE. */
int nic_raise_lacking(const struct nic_at *at, struct hft_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* --- messages (nic_message.c) ------------------------------------------------------------------------------------- */

/* Begin a request about the device in a buffer of NIC_MESSAGE_MAX bytes, aligned to 4. */
struct nlmsghdr *nic_message(void *buf, const struct nic_at *at, uint8_t command);
/* Ask for settings. -ENOENT ERR_NOT_APPLICABLE: the driver has none of the kind, or the device is gone. */
int nic_get(const struct nic_at *at, uint8_t command, struct ethnl_answer *ret, struct hft_err *err);
/* Send a change. -ENOENT ERR_NOT_APPLICABLE as above, -errno ERR_WRITE_FAILED with what the kernel says about it. */
int nic_set(const struct nic_at *at, struct nlmsghdr *m, const char *value, struct hft_err *err);
/* What a refused change means, with the kernel's text ("" for none); for nic_set and for ioctls. error > 0. */
int nic_raise_refused(const struct nic_at *at, int error, const char *text, const char *value, struct hft_err *err);
/* The attribute of an answer, NULL when it is not there. */
const struct nlattr *nic_attr(const struct ethnl_answer *a, uint16_t type);

/* --- parts -------------------------------------------------------------------------------------------------------- */

struct nic_part {
	bool by_ethtool; /* not to be had in a copied tree */
	bool (*has)(const char *option);
	/* As parse, read and write of struct knob, with the device found. What cannot be changed at all lacks, too. */
	int (*parse)(const struct knob_ctx *c, const struct nic_at *at, const char *value, struct strbuf *ret,
	             struct hft_err *err);
	int (*read)(const struct knob_ctx *c, const struct nic_at *at, struct strbuf *ret, struct hft_err *err);
	int (*set)(const struct knob_ctx *c, const struct nic_at *at, const char *value, struct hft_err *err);
	/* Judge ret->found, which is filled and not the same text as wanted. NULL: drift. */
	int (*judge)(const struct knob_ctx *c, const struct nic_at *at, const char *wanted, struct knob_verdict *ret,
	             struct hft_err *err);
	int (*explain)(size_t i, struct knob_doc *ret);
};

extern const struct nic_part nic_numbers;  /* channels, rings, coalescing, pause, EEE */
extern const struct nic_part nic_bits;     /* features and private flags, by name */
extern const struct nic_part nic_rss;      /* where the device spreads packets to */
extern const struct nic_part nic_ntuple;   /* rules that lead flows to queues */
extern const struct nic_part nic_files;    /* what /sys/class/net has, queues included */

/* What a feature takes along ("nic:feature.rx-lro, ..."), or "". Static. */
const char *nic_feature_changes(const char *option);
/* Where rules of nic_ntuple stand; the caller frees. -ENOENT ERR_NOT_APPLICABLE: the driver has none. */
int nic_ntuple_places(const struct nic_at *at, uint32_t **ret, size_t *ret_n, struct hft_err *err);
/* The most queues that receive which the device can have; 0: not known. */
uint32_t nic_queues_max(const struct nic_at *at);

/* --- ioctl (nic_ioctl.c) ------------------------------------------------------------------------------------------ */

/* SIOCETHTOOL with a command of linux/ethtool.h: 0 or -errno. */
int nic_ioctl(const char *name, void *command);
