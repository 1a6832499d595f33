/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC-32C (Castagnoli), RFC 3720 appendix B.4: crc32c(0, "123456789", 9) is 0xe3069283. Knows nothing of journals. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The checksum of what crc already covers (0: nothing yet), followed by len bytes of buf. */
uint32_t crc32c(uint32_t crc, const void *buf, size_t len);
/* The same without the processor's instruction: what other machines take, and what a test compares with. */
uint32_t crc32c_portable(uint32_t crc, const void *buf, size_t len);
