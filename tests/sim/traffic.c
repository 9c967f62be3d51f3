/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/traffic.h"

#include <string.h>

#include "exec/totem/wire.h"

#define PREFIX_MAX 8u

static uint32_t write_prefix(const struct message *message, bool swap, uint8_t out[PREFIX_MAX])
{
	const char *group = message->is_barrier ? "sync" : "a";
	uint32_t length = message->is_barrier ? 4 : 1;

	wire_encode_u16(1, swap, out);
	wire_encode_u16((uint16_t)length, swap, out + 2);
	memcpy(out + 4, group, length);
	return 4 + length;
}

uint32_t traffic_size(const struct message *message) { return (message->is_barrier ? 8u : 5u) + message->payload_size; }

static uint64_t word_at(const struct message *message, uint32_t index)
{
	uint64_t z = (message->id * UINT64_C(0x9E3779B97F4A7C15)) ^
		     (index + UINT64_C(1)) * UINT64_C(0xBF58476D1CE4E5B9);

	return z ^ z >> 29;
}

/* Write group prefix and id, which depend on the byte order. The rest of a message does not. */
static uint32_t write_head(const struct message *message, bool swap, uint8_t out[PREFIX_MAX + 4])
{
	uint32_t size = write_prefix(message, swap, out);
	uint32_t id = swap ? __builtin_bswap32(message->id) : message->id;

	memcpy(out + size, &id, sizeof(id));
	return size + TRAFFIC_ID_SIZE;
}

static void write_body(const struct message *message, uint32_t offset, uint8_t *out, size_t size)
{
	size_t done = 0;

	/* This loop takes a fifth of a run's time, so it handles words of 8 bytes. */
	for (; offset % 8 == 0 && size - done >= 8; done += 8, offset += 8) {
		uint64_t word = word_at(message, offset / 8);

		memcpy(out + done, &word, sizeof(word));
	}
	while (done < size) {
		uint64_t word = word_at(message, offset / 8);
		size_t skip = offset % 8, part = 8 - skip < size - done ? 8 - skip : size - done;

		memcpy(out + done, (const uint8_t *)&word + skip, part);
		done += part;
		offset += (uint32_t)part;
	}
}

void traffic_write(const struct message *message, bool swap, uint8_t *out)
{
	uint32_t head = write_head(message, swap, out);

	write_body(message, 0, out + head, traffic_size(message) - head);
}

bool traffic_matches(const struct message *message, bool swap, uint32_t offset, const uint8_t *bytes, size_t size)
{
	uint8_t expected[512];
	uint32_t head = write_head(message, swap, expected);

	if (offset > traffic_size(message) || size > traffic_size(message) - offset)
		return false;
	if (offset < head) {
		size_t part = head - offset < size ? head - offset : size;

		if (memcmp(expected + offset, bytes, part) != 0)
			return false;
		bytes += part, size -= part, offset += (uint32_t)part;
	}
	while (size > 0) {
		size_t part = size < sizeof(expected) ? size : sizeof(expected);

		write_body(message, offset - head, expected, part);
		if (memcmp(expected, bytes, part) != 0)
			return false;
		bytes += part, size -= part, offset += (uint32_t)part;
	}
	return true;
}

struct message *traffic_find(
	const struct history *history, bool is_swapped, const struct iovec *iov, size_t count, const char **what)
{
	uint8_t head[PREFIX_MAX + TRAFFIC_ID_SIZE];
	struct wire_group_name name;
	uint32_t names, id;
	size_t size = 0;

	for (size_t i = 0; i < count && size < sizeof(head); i++) {
		size_t part = iov[i].iov_len < sizeof(head) - size ? iov[i].iov_len : sizeof(head) - size;

		memcpy(head + size, iov[i].iov_base, part);
		size += part;
	}

	size_t prefix = wire_decode_groups(head, size, is_swapped, &name, 1, &names);

	*what = "a message with a broken group prefix";
	if (prefix == 0 || names != 1 || prefix + sizeof(id) > size)
		return NULL;
	memcpy(&id, head + prefix, sizeof(id));

	struct message *message = history_find_message(history, is_swapped ? __builtin_bswap32(id) : id);
	uint32_t offset = 0;

	*what = "a message of unknown id";
	if (message == NULL)
		return NULL;
	*what = "a message with bytes that its source never sent";
	for (size_t i = 0; i < count; i++) {
		if (!traffic_matches(message, is_swapped, offset, iov[i].iov_base, iov[i].iov_len))
			return NULL;
		offset += (uint32_t)iov[i].iov_len;
	}
	*what = "a message cut short";
	return offset == traffic_size(message) ? message : NULL;
}
