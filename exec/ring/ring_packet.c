/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/ring/ring_packet.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <coterie/frame.h>

#include "exec/totem/wire.h"

#define NAME_SIZE_MAX 16u
#define NAMES_MAX 8u /* most names of a prefix that are read */
#define TYPE_AT 3u

_Static_assert(RING_PACKET_SIZE_MAX == WIRE_FRAME_SIZE_MAX, "the largest packet");
_Static_assert(RING_PACKET_RECOVERY_HEADERS == 2 * WIRE_MCAST_HEADER_SIZE, "a frame in a frame of recovery");
_Static_assert(RING_PACKET_GROUP_SIZE_MAX == 2 * sizeof(uint16_t) + NAME_SIZE_MAX, "a prefix with one name");

static bool is_of_type(const struct coterie_frame *frame, enum wire_type type)
{
	return frame->size > TYPE_AT && frame->data[TYPE_AT] == type;
}

bool ring_packet_is_token(const struct coterie_frame *frame) { return is_of_type(frame, WIRE_TOKEN); }

bool ring_packet_is_mcast(const struct coterie_frame *frame) { return is_of_type(frame, WIRE_MCAST); }

bool ring_packet_sender(const struct coterie_frame *frame, uint32_t *nodeid)
{
	struct wire_header header;

	if (wire_decode_header(frame->data, frame->size, &header) != WIRE_OK || header.type != WIRE_MCAST)
		return false;
	*nodeid = header.nodeid;
	return true;
}

uint64_t ring_packet_features(void)
{
	return WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_LINGER | WIRE_FEATURE_EARLY | WIRE_FEATURE_SILENCE;
}

/* --- faults --- */

const char *ring_packet_refusal(uint64_t reason)
{
	static const char *const texts[] = {
		[WIRE_TOO_SHORT] = "too short for its type",
		[WIRE_BAD_MAGIC] = "not a Totem packet",
		[WIRE_BAD_VERSION] = "of another protocol version",
		[WIRE_BAD_TYPE] = "of an unknown type",
		[WIRE_BAD_COUNT] = "with a count beyond its length or limit",
		[WIRE_TOO_LONG] = "too long",
		[WIRE_BAD_CONTENT] = "with contradictory content",
	};

	return reason < sizeof(texts) / sizeof(texts[0]) ? texts[reason] : NULL;
}

/* Return the name of the program that may have sent a packet without Totem's magic number. */
static const char *speaker(const uint8_t *bytes, size_t size)
{
	if (size < 2)
		return "unknown";
	if (bytes[0] == 0xFF && bytes[1] == 0xFF)
		return "Corosync 2.2";
	if (bytes[0] == 0xFE && bytes[1] == 0xFE)
		return "Corosync 2.3+";
	if (bytes[0] == 0x01)
		return "unencrypted Kronosnet";
	if (bytes[0] <= 5)
		return "unencrypted Corosync 2.0/2.1/1.x/OpenAIS";
	return "encrypted Kronosnet/Corosync 2.0/2.1/1.x/OpenAIS or unknown";
}

bool ring_packet_fault(const struct coterie_frame *frame, char *text, size_t size)
{
	struct wire_header header;

	switch (wire_decode_header(frame->data, frame->size, &header)) {
	case WIRE_OK:
		return false;
	case WIRE_TOO_SHORT:
		snprintf(text, size, "is too short...  Ignoring %u.", frame->size);
		return true;
	case WIRE_BAD_MAGIC:
		snprintf(text, size, "has bad magic number (probably sent by %s).. Ignoring",
			speaker(frame->data, frame->size));
		return true;
	case WIRE_BAD_VERSION:
		snprintf(text, size, "has unsupported version %u... Ignoring", frame->data[2]);
		return true;
	case WIRE_BAD_TYPE:
	case WIRE_BAD_COUNT:
	case WIRE_TOO_LONG:
	case WIRE_BAD_CONTENT:
		break;
	}
	snprintf(text, size, "has wrong type...  ignoring %u.", frame->data[TYPE_AT]);
	return true;
}

/* --- the group prefix --- */

size_t ring_packet_group_write(const char *group, bool swap, uint8_t out[RING_PACKET_GROUP_SIZE_MAX])
{
	size_t length = strlen(group);

	assert(length <= NAME_SIZE_MAX); /* the names are constants of this program */
	wire_encode_u16(1, swap, out);
	wire_encode_u16((uint16_t)length, swap, out + 2);
	memcpy(out + 4, group, length);
	return 4 + length;
}

static bool is_named(const struct wire_group_name *name, const char *group)
{
	return name->length == strlen(group) && memcmp(name->bytes, group, name->length) == 0;
}

size_t ring_packet_group_read(const uint8_t *bytes, size_t size, bool is_swapped, unsigned int *groups)
{
	struct wire_group_name names[NAMES_MAX];
	uint32_t count = 0;
	size_t prefix = wire_decode_groups(bytes, size, is_swapped, names, NAMES_MAX, &count);

	*groups = 0;
	if (prefix == 0)
		return 0;
	for (uint32_t i = 0; i < count && i < NAMES_MAX; i++) {
		if (is_named(&names[i], "a"))
			*groups |= RING_PACKET_GROUP_SERVICES;
		if (is_named(&names[i], "sync"))
			*groups |= RING_PACKET_GROUP_SYNC;
	}
	return prefix;
}
