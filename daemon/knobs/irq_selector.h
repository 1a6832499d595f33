/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which interrupts a selector of knob irq names:
 *     *                                          every one
 *     pci-0000:00:03.0 msi-1                     the key itself
 *     eth0 | 0000:00:03.0 | virtio2-input.*      a network device, a PCI address, an action name
 *     nic:eth0 device:ADDRESS driver:mlx5_core action:NAME queue:0-3
 * Words separated by blanks must all hold ("nic:eth0 queue:0-3"); each may be a pattern of fnmatch(3). queue: takes a
 * list of the numbers that end an action name ("eth0-TxRx-3" and "mlx5_comp3@pci:0000:3b:00.0" are queue 3).
 */
#pragma once

#include <stdbool.h>

#include "lib/base/str.h"

struct hft_err;
struct host_irq;

struct irq_selector {
	const char *text; /* borrowed */
	struct strlist words;
};

/* -EINVAL ERR_INVALID_PROFILE: empty, or a word that cannot be meant. Text must outlive *ret, which
 * irq_selector_done frees. */
int irq_selector_parse(const char *text, struct irq_selector *ret, struct hft_err *err);
void irq_selector_done(struct irq_selector *s);
bool irq_selector_matches(const struct irq_selector *s, const struct host_irq *irq);
/* No pattern in it: a selector that must match something. */
bool irq_selector_is_literal(const struct irq_selector *s);
