/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC-32C, with the instruction of SSE 4.2 where the processor has it. Must not know what the bytes mean. */
#include "rollback/crc32c.h"

#include <string.h>

/*
 * The checksum is linear, so the entry of a byte is the sum of those of its bits: eight constants, which are the
 * polynomial (0x82f63b78, reflected) shifted through one to eight steps, give the table of 256.
 */
#define BIT(i, bit, value) (((i) & (bit)) != 0 ? (value) : 0u)
#define ENTRY(i)                                                                                                       \
	(BIT(i, 0x01, 0xf26b8303u) ^ BIT(i, 0x02, 0xe13b70f7u) ^ BIT(i, 0x04, 0xc79a971fu) ^                           \
	 BIT(i, 0x08, 0x8ad958cfu) ^ BIT(i, 0x10, 0x105ec76fu) ^ BIT(i, 0x20, 0x20bd8edeu) ^                           \
	 BIT(i, 0x40, 0x417b1dbcu) ^ BIT(i, 0x80, 0x82f63b78u))
#define ENTRIES_4(i) ENTRY(i), ENTRY((i) + 1), ENTRY((i) + 2), ENTRY((i) + 3)
#define ENTRIES_16(i) ENTRIES_4(i), ENTRIES_4((i) + 4), ENTRIES_4((i) + 8), ENTRIES_4((i) + 12)
#define ENTRIES_64(i) ENTRIES_16(i), ENTRIES_16((i) + 16), ENTRIES_16((i) + 32), ENTRIES_16((i) + 48)

static const uint32_t table[256] = { ENTRIES_64(0), ENTRIES_64(64), ENTRIES_64(128), ENTRIES_64(192) };

uint32_t crc32c_portable(uint32_t crc, const void *buf, size_t len)
{
	const unsigned char *p = buf;

	crc = ~crc;
	while (len-- > 0)
		crc = table[(crc ^ *p++) & 0xff] ^ (crc >> 8);
	return ~crc;
}

#ifdef __x86_64__

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *buf, size_t len)
{
	const unsigned char *p = buf;
	uint64_t wide = ~crc;

	for (; len >= sizeof(wide); p += sizeof(wide), len -= sizeof(wide)) {
		uint64_t word;
		memcpy(&word, p, sizeof(word)); /* lines start at any address */
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	while (len-- > 0)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return ~crc;
}

uint32_t crc32c(uint32_t crc, const void *buf, size_t len)
{
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_sse42(crc, buf, len);
	return crc32c_portable(crc, buf, len);
}

#else

uint32_t crc32c(uint32_t crc, const void *buf, size_t len)
{
	return crc32c_portable(crc, buf, len);
}

#endif
