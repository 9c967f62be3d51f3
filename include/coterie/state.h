/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Write and read the state that a plugin hands over when it is replaced: state_save writes it, state_load reads and
 * checks it. Plugins need not use these functions, since only they know the content of their blob. The blob stays in
 * this process. So integers have the byte order of the machine, and a descriptor is written as its number (the new
 * plugin duplicates it).
 *
 * Write a version first, and refuse unknown ones (-ENOTSUP):
 *
 *	struct coterie_state_writer writer = {.bytes = NULL};
 *	coterie_state_put_u32(&writer, 1);
 *	coterie_state_put_u64(&writer, tally->total);
 *	return coterie_state_end(&writer, blob, size);
 *
 *	struct coterie_state_reader reader = {.at = blob, .left = size};
 *	uint32_t version = coterie_state_take_u32(&reader);
 *	uint64_t total = coterie_state_take_u64(&reader);
 *	if (version != 1 || !coterie_state_is_whole(&reader))
 *		return -ENOTSUP;
 */
#ifndef COTERIE_STATE_H
#define COTERIE_STATE_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** A writer, zeroed at the start. After a failure (out of memory, 4 GiB) coterie_state_end fails. */
struct coterie_state_writer {
	uint8_t *bytes;
	uint32_t size, capacity;
	uint32_t has_failed;
};

/** A reader: `left` bytes remain at `at`. After a failure all later reads fail. */
struct coterie_state_reader {
	const uint8_t *at;
	uint32_t left;
	uint32_t has_failed;
};

static inline void coterie_state_put(struct coterie_state_writer *writer, const void *bytes, size_t size)
{
	if (writer->has_failed || size > UINT32_MAX / 2 - writer->size) {
		writer->has_failed = 1;
		return;
	}
	if (writer->size + size > writer->capacity) {
		uint32_t capacity = (uint32_t)(writer->size + size) + (uint32_t)(writer->size + size) / 2 + 64;
		uint8_t *grown = (uint8_t *)realloc(writer->bytes, capacity);

		if (grown == NULL) {
			writer->has_failed = 1;
			return;
		}
		writer->bytes = grown;
		writer->capacity = capacity;
	}
	if (size > 0)
		memcpy(writer->bytes + writer->size, bytes, size);
	writer->size += (uint32_t)size;
}

static inline void coterie_state_put_u32(struct coterie_state_writer *writer, uint32_t value)
{
	coterie_state_put(writer, &value, sizeof(value));
}

static inline void coterie_state_put_u64(struct coterie_state_writer *writer, uint64_t value)
{
	coterie_state_put(writer, &value, sizeof(value));
}

/** Set *blob and *size for state_save. 0; -ENOMEM: the bytes are freed. */
static inline int coterie_state_end(struct coterie_state_writer *writer, void **blob, uint32_t *size)
{
	if (writer->has_failed) {
		free(writer->bytes);
		return -ENOMEM;
	}
	*blob = writer->bytes;
	*size = writer->size;
	return 0;
}

/** Return the next size bytes (borrowed), or NULL if fewer remain. */
static inline const void *coterie_state_view(struct coterie_state_reader *reader, uint32_t size)
{
	const uint8_t *at = reader->at;

	if (reader->has_failed || size > reader->left) {
		reader->has_failed = 1;
		return NULL;
	}
	reader->at += size;
	reader->left -= size;
	return at;
}

/** Copy the next size bytes, or zeros if fewer remain. to may be NULL if size is 0. */
static inline void coterie_state_take(struct coterie_state_reader *reader, void *to, uint32_t size)
{
	const void *bytes = coterie_state_view(reader, size);

	if (size == 0)
		return;
	if (bytes != NULL)
		memcpy(to, bytes, size);
	else
		memset(to, 0, size);
}

static inline uint32_t coterie_state_take_u32(struct coterie_state_reader *reader)
{
	uint32_t value;

	coterie_state_take(reader, &value, sizeof(value));
	return value;
}

static inline uint64_t coterie_state_take_u64(struct coterie_state_reader *reader)
{
	uint64_t value;

	coterie_state_take(reader, &value, sizeof(value));
	return value;
}

/** Read a count of elements of at least size bytes each. Fails if too few bytes remain for them. */
static inline uint32_t coterie_state_take_count(struct coterie_state_reader *reader, uint32_t size)
{
	uint32_t count = coterie_state_take_u32(reader);

	if (size > 0 && count > reader->left / size) {
		reader->has_failed = 1;
		return 0;
	}
	return count;
}

/** Return whether no read has failed, and no bytes are left. */
static inline int coterie_state_is_whole(const struct coterie_state_reader *reader)
{
	return !reader->has_failed && reader->left == 0;
}

#endif
