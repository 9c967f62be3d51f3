/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Read and write numbers in packets: bounded, unaligned, in either byte order. A read or write that does not fit only
 * sets is_exhausted in the cursor. So a sequence of reads or writes needs one check, at its end.
 */
#ifndef TOTEM_CURSOR_H
#define TOTEM_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Reads the next `left` bytes, which begin at `at`. */
struct cursor {
	const uint8_t *at; /* borrowed */
	size_t left;
	bool swap;         /* numbers are in the other byte order */
	bool is_exhausted; /* a read did not fit. That read and all later ones return 0 or NULL */
};

/** Writes to the next `left` bytes, which begin at `at`. */
struct cursor_out {
	uint8_t *at; /* borrowed */
	size_t left;
	bool swap;
	bool is_exhausted; /* a write did not fit. That write and all later ones are dropped */
};

static inline uint16_t bytes_u16(const uint8_t *bytes, bool swap)
{
	uint16_t value;

	memcpy(&value, bytes, sizeof(value));
	return swap ? __builtin_bswap16(value) : value;
}

static inline uint32_t bytes_u32(const uint8_t *bytes, bool swap)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return swap ? __builtin_bswap32(value) : value;
}

static inline uint64_t bytes_u64(const uint8_t *bytes, bool swap)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return swap ? __builtin_bswap64(value) : value;
}

/** Return the next size bytes (borrowed), or NULL if fewer remain. */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t size)
{
	const uint8_t *bytes = cursor->at;

	if (cursor->is_exhausted || size > cursor->left) {
		cursor->is_exhausted = true;
		return NULL;
	}
	cursor->at += size;
	cursor->left -= size;
	return bytes;
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
	const uint8_t *bytes = cursor_take(cursor, 1);

	return bytes == NULL ? 0 : *bytes;
}

static inline uint16_t cursor_u16(struct cursor *cursor)
{
	const uint8_t *bytes = cursor_take(cursor, sizeof(uint16_t));

	return bytes == NULL ? 0 : bytes_u16(bytes, cursor->swap);
}

static inline uint32_t cursor_u32(struct cursor *cursor)
{
	const uint8_t *bytes = cursor_take(cursor, sizeof(uint32_t));

	return bytes == NULL ? 0 : bytes_u32(bytes, cursor->swap);
}

static inline uint64_t cursor_u64(struct cursor *cursor)
{
	const uint8_t *bytes = cursor_take(cursor, sizeof(uint64_t));

	return bytes == NULL ? 0 : bytes_u64(bytes, cursor->swap);
}

static inline void cursor_put(struct cursor_out *cursor, const void *bytes, size_t size)
{
	if (cursor->is_exhausted || size > cursor->left) {
		cursor->is_exhausted = true;
		return;
	}
	memcpy(cursor->at, bytes, size);
	cursor->at += size;
	cursor->left -= size;
}

static inline void cursor_put_u8(struct cursor_out *cursor, uint8_t value)
{
	cursor_put(cursor, &value, sizeof(value));
}

static inline void cursor_put_u16(struct cursor_out *cursor, uint16_t value)
{
	if (cursor->swap)
		value = __builtin_bswap16(value);
	cursor_put(cursor, &value, sizeof(value));
}

static inline void cursor_put_u32(struct cursor_out *cursor, uint32_t value)
{
	if (cursor->swap)
		value = __builtin_bswap32(value);
	cursor_put(cursor, &value, sizeof(value));
}

static inline void cursor_put_u64(struct cursor_out *cursor, uint64_t value)
{
	if (cursor->swap)
		value = __builtin_bswap64(value);
	cursor_put(cursor, &value, sizeof(value));
}

#endif
