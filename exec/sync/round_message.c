/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/sync/round_message.h"

#include <errno.h>
#include <string.h>

#include <coterie/service.h>

#include "exec/ring/ring.h"

/* --- the group "sync": offsets as in the reference --- */

#define MESSAGE_BARRIER 0u
#define MESSAGE_SERVICE_BUILD 1u
#define BARRIER_SIZE 32u
#define BUILD_SIZE 552u
#define SIZE_AT 8u
#define RING_ID_AT 16u
#define BUILD_COUNT_AT 32u
#define BUILD_ABLE_AT 36u /* the reference sends 0 and ignores it */
#define BUILD_IDS_AT 40u
#define BUILD_JOINT_AT (BUILD_SIZE - 8u)     /* place of the last id but one, which no member uses */
#define BUILD_ANNOUNCES_AT (BUILD_SIZE - 4u) /* place of the last id, likewise */
#define BUILD_IDS_MAX 128u
#define MARK 1u /* the member knows or does this */

static void put_u32(uint8_t *at, uint32_t value) { memcpy(at, &value, sizeof(value)); }

static uint32_t get_u32(const uint8_t *at, bool is_swapped)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return is_swapped ? __builtin_bswap32(value) : value;
}

static uint64_t get_u64(const uint8_t *at, bool is_swapped)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return is_swapped ? __builtin_bswap64(value) : value;
}

static int send_sync(struct ring *ring, const struct round_message *message)
{
	uint8_t bytes[BUILD_SIZE] = {0};
	bool is_build = message->word == ROUND_BUILD;
	uint32_t size = is_build ? BUILD_SIZE : BARRIER_SIZE, count = 0;

	put_u32(bytes, is_build ? MESSAGE_SERVICE_BUILD : MESSAGE_BARRIER);
	put_u32(bytes + SIZE_AT, size);
	put_u32(bytes + RING_ID_AT, message->ring.rep);
	memcpy(bytes + RING_ID_AT + 4, &message->ring.seq, sizeof(message->ring.seq));
	if (is_build) {
		for (uint32_t id = 0; id < ROUND_SERVICES_MAX; id++)
			if ((message->services >> id & 1) != 0)
				put_u32(bytes + BUILD_IDS_AT + 4 * count++, id);
		put_u32(bytes + BUILD_COUNT_AT, count);
		put_u32(bytes + BUILD_ABLE_AT, message->is_able ? MARK : 0);
		put_u32(bytes + BUILD_JOINT_AT, message->is_joint ? MARK : 0);
		put_u32(bytes + BUILD_ANNOUNCES_AT, message->is_announcing ? MARK : 0);
	}
	return ring_send(ring, "sync", TOTEM_AGREED, &(struct iovec){bytes, size}, 1);
}

/* Check the whole message before any part of it is used: book sync, "Messages". */
static int read_build(struct round_message *message, const uint8_t *bytes, uint32_t size, bool is_swapped)
{
	uint32_t count = size == BUILD_SIZE ? get_u32(bytes + BUILD_COUNT_AT, is_swapped) : UINT32_MAX;

	if (count > BUILD_IDS_MAX)
		return -EBADMSG;
	message->word = ROUND_BUILD;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t id = get_u32(bytes + BUILD_IDS_AT + 4 * i, is_swapped);

		if (id >= ROUND_SERVICES_MAX)
			return -EBADMSG;
		message->services |= UINT64_C(1) << id;
	}
	message->is_able = get_u32(bytes + BUILD_ABLE_AT, is_swapped) == MARK;
	message->is_announcing = message->is_able && count < BUILD_IDS_MAX &&
				 get_u32(bytes + BUILD_ANNOUNCES_AT, is_swapped) == MARK;
	message->is_joint = message->is_able && count + 1 < BUILD_IDS_MAX &&
			    get_u32(bytes + BUILD_JOINT_AT, is_swapped) == MARK;
	return 0;
}

int round_message_read(struct round_message *message, const uint8_t *bytes, uint32_t size, bool is_swapped)
{
	if (size < BARRIER_SIZE)
		return -EBADMSG;
	*message = (struct round_message){.word = ROUND_BARRIER,
		.ring = {get_u32(bytes + RING_ID_AT, is_swapped), get_u64(bytes + RING_ID_AT + 4, is_swapped)}};
	switch (get_u32(bytes, is_swapped)) {
	case MESSAGE_BARRIER:
		return 0;
	case MESSAGE_SERVICE_BUILD:
		return read_build(message, bytes, size, is_swapped);
	default:
		return -ENOMSG;
	}
}

/* --- service 63 --- */

enum function {
	RESYNC_JOIN,
	RESYNC_READY,
	RESYNC_DONE,
	RESYNC_PART,
};

/* A message of service 63, behind the group prefix, in the sender's byte order. */
struct single {
	struct coterie_ring_header header;
	uint32_t service;
	uint32_t joiner;
	uint32_t representative;
	uint32_t pad;
	uint64_t seq;
};
_Static_assert(sizeof(struct single) == 40, "layout of a message of one service");
_Static_assert(offsetof(struct single, seq) == 32, "layout of a message of one service");

/* The kinds of messages from ROUND_JOIN on are in the order of the functions. */
_Static_assert(ROUND_PART - ROUND_JOIN == RESYNC_PART, "a function for each word");

static int send_single(struct ring *ring, const struct round_message *message)
{
	uint32_t function = (uint32_t)message->word - ROUND_JOIN;
	struct single single = {
		.header = {.id = (int32_t)(ROUND_SERVICE_ID << 16 | function), .size = sizeof(single)},
		.service = message->service,
		.joiner = message->joiner,
		.representative = message->ring.rep,
		.seq = message->ring.seq,
	};

	return ring_send(ring, "a", TOTEM_AGREED, &(struct iovec){&single, sizeof(single)}, 1);
}

int round_message_read_service(struct round_message *message, const uint8_t *bytes, size_t size, bool is_swapped)
{
	if (size < sizeof(struct single))
		return -EBADMSG;

	uint32_t function = get_u32(bytes + offsetof(struct single, header.id), is_swapped) & 0xffff;

	*message = (struct round_message){
		.word = function <= RESYNC_PART ? ROUND_JOIN + function : ROUND_JOIN,
		.ring = {get_u32(bytes + offsetof(struct single, representative), is_swapped),
			get_u64(bytes + offsetof(struct single, seq), is_swapped)},
		.service = get_u32(bytes + offsetof(struct single, service), is_swapped),
		.joiner = get_u32(bytes + offsetof(struct single, joiner), is_swapped),
	};
	if (message->service >= ROUND_SERVICE_ID)
		return -ERANGE;
	return function <= RESYNC_PART ? 0 : -ENOMSG;
}

int round_message_send(struct ring *ring, const struct round_message *message)
{
	bool is_sync = message->word == ROUND_BUILD || message->word == ROUND_BARRIER;

	return is_sync ? send_sync(ring, message) : send_single(ring, message);
}
