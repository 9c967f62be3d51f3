/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz running engines in every state with packets. Byte 0 of the script selects the state and the kind of ring.
 * Records follow: one byte for the operation, one for the node and small choices, and the operation's arguments. After
 * the script there are no more faults, and the ring must form again.
 */
#include <string.h>

#include "exec/totem/cursor.h"
#include "exec/totem/wire.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/ring.h"

#define SECOND_NS UINT64_C(1000000000)
#define OPERATIONS_MAX 64u
#define BURST_MAX 32u
#define QUIET_NS (300 * SECOND_NS)

enum operation {
	RAW,    /* a packet of the bytes that follow */
	FIT,    /* the same with ids of this ring, so that more of the code runs */
	CHANGE, /* change a byte of a packet on its way */
	SET,    /* set a number in a packet on its way */
	CUT,    /* cut or lengthen a packet on its way */
	BURST,  /* many changed versions of a packet on its way, and then the right one */
	REPLAY, /* repeat one of the last packets at any node */
	DROP,   /* packets are lost */
	SEND,   /* a message */
	RUN,    /* a few steps */
	PASS,   /* time passes */
	SWITCH, /* cut a node off, or connect it again */
	OPERATIONS,
};

const char *const *const fuzz_words = NULL;

static uint64_t forged, refused, delivered, configurations;

const char *fuzz_summary(void)
{
	static char text[160];

	snprintf(text, sizeof(text), "%llu forged packets, %llu refused, %llu configurations, %llu messages",
		(unsigned long long)forged, (unsigned long long)refused, (unsigned long long)configurations,
		(unsigned long long)delivered);
	return text;
}

/* Bring a ring to the state in which it receives the packets. */
static struct ring *set_up(uint8_t choice)
{
	struct ring_setup setup = {
		.is_open = (choice & 8) != 0, .is_plain = (choice & 16) != 0, .has_swapper = (choice & 32) != 0};
	struct ring *ring = ring_create(&setup);

	if (choice % 8 == 0)
		return ring; /* the links are not up yet */
	for (uint32_t i = 0; i < RING_NODES; i++)
		ring_link_up(ring, i);
	switch (choice % 8) {
	case 1:
		FUZZ_CHECK(ring_state(ring, 1) == TOTEM_GATHER);
		break;
	case 2:
		FUZZ_CHECK(ring_run_until(ring, 1, TOTEM_COMMIT, 60 * SECOND_NS));
		break;
	case 3:
		FUZZ_CHECK(ring_run_until(ring, 1, TOTEM_RECOVERY, 60 * SECOND_NS));
		break;
	case 4: /* a recovery with frames to exchange */
		FUZZ_CHECK(ring_run_together(ring, 60 * SECOND_NS));
		for (uint32_t i = 0; i < 20; i++)
			ring_send(ring, i % RING_NODES, i % 2 == 0, 100 * i);
		ring_cut(ring, 2, true);
		for (uint32_t i = 0; i < 10; i++)
			ring_step(ring);
		FUZZ_CHECK(ring_run_until(ring, 1, TOTEM_RECOVERY, 60 * SECOND_NS));
		break;
	case 5: /* two rings */
		ring_cut(ring, 0, true);
		ring_run(ring, 20 * SECOND_NS);
		break;
	default:
		FUZZ_CHECK(ring_run_together(ring, 60 * SECOND_NS));
		ring_run(ring, SECOND_NS / 100);
		break;
	}
	return ring;
}

static void put_u32(uint8_t *bytes, size_t size, size_t at, uint32_t value, bool swap)
{
	struct cursor_out out = {.at = bytes + at, .left = size > at ? size - at : 0, .swap = swap};

	if (at <= size)
		cursor_put_u32(&out, value);
}

static void put_ring(uint8_t *bytes, size_t size, size_t at, const struct ring_id *id, bool swap)
{
	struct cursor_out out = {.at = bytes + at, .left = size > at ? size - at : 0, .swap = swap};

	if (at > size)
		return;
	cursor_put_u32(&out, id->rep);
	cursor_put_u64(&out, id->seq);
}

/*
 * Set the ids in the packet to those that a member of the node's ring would have written. Offsets:
 * docs/protocol/wire.md.
 */
static void fit(struct ring *ring, uint32_t node, uint32_t from, uint8_t *bytes, size_t size)
{
	static const size_t ring_offsets[] = {29, 25, 17, 0, 17, 13};
	const struct ring_id *id = ring_of(ring, node);
	struct wire_header header;

	if (wire_decode_header(bytes, size, &header) != WIRE_OK)
		return;
	if (header.nodeid != 0)
		put_u32(bytes, size, 5, from, header.is_swapped);
	if (header.type == WIRE_MCAST || header.type == WIRE_MERGE_DETECT || header.type == WIRE_JOIN)
		put_u32(bytes, size, 13, from, header.is_swapped);
	if (header.type == WIRE_JOIN && size >= 33) {
		struct cursor_out out = {.at = bytes + 25, .left = 8, .swap = header.is_swapped};

		cursor_put_u64(&out, id->seq);
	} else if (header.type != WIRE_JOIN) {
		put_ring(bytes, size, ring_offsets[header.type], id, header.is_swapped);
	}
}

static void inject(struct ring *ring, uint32_t node, const uint8_t *bytes, size_t size)
{
	ring_inject(ring, node, bytes, size);
	forged++;
}

static void forge(struct ring *ring, struct script *script, uint8_t choice, bool is_fitted)
{
	size_t size = script_u16(script);
	const uint8_t *bytes = script_bytes(script, &size);
	uint8_t *copy = malloc(size + 1);

	FUZZ_CHECK(copy != NULL);
	if (size > 0)
		memcpy(copy, bytes, size);
	if (is_fitted)
		fit(ring, choice % RING_NODES, 1 + choice / 4 % RING_NODES, copy, size);
	inject(ring, choice % RING_NODES, copy, size);
	free(copy);
}

static void tamper(struct ring *ring, struct script *script, enum operation operation, uint8_t choice)
{
	static uint8_t copy[65536 + 64];
	uint16_t at = script_u16(script);
	uint32_t value = operation == CUT ? 0 : script_u32(script);
	uint32_t node = 0;
	size_t size = 0;
	uint8_t *bytes = ring_intercept(ring, &node, &size);

	if (bytes == NULL || size == 0)
		return;
	memcpy(copy, bytes, size);
	if ((choice & 1) != 0)
		inject(ring, node, copy, size); /* the right packet first */
	if (operation == CHANGE) {
		copy[at % size] ^= (uint8_t)value;
	} else if (operation == SET) {
		put_u32(copy, size, at % size, value, (choice & 2) != 0);
	} else if ((choice & 2) != 0) {
		size = at % size;
	} else {
		memset(copy + size, choice, at % 64);
		size += at % 64;
	}
	inject(ring, node, copy, size);
}

/*
 * Give a list of the packet a length near some limit. Give the packet as many bytes as the list needs, or a few more or
 * less. Offsets and sizes: docs/protocol/wire.md.
 */
static size_t stretch(uint8_t *copy, size_t size, size_t size_max, uint32_t random)
{
	static const struct {
		enum wire_type type;
		size_t offset, fixed, each;
	} lists[] = {{WIRE_TOKEN, 53, 57, 16}, {WIRE_JOIN, 17, 33, 4}, {WIRE_JOIN, 21, 33, 4},
		{WIRE_COMMIT_TOKEN, 37, 41, 28}};
	static const uint32_t counts[] = {0, 1, 2, 3, 4, 29, 30, 31, 32, 60, 90, 383, 384, 385, 1000, 2000};
	uint32_t count = counts[random % 16];
	struct wire_header header;

	if (wire_decode_header(copy, size, &header) != WIRE_OK)
		return size;
	for (size_t i = (random >> 4) % 2; i < sizeof(lists) / sizeof(lists[0]); i++) {
		size_t wanted = lists[i].fixed + count * lists[i].each + (random >> 5) % 4;

		if (lists[i].type != header.type || size < lists[i].fixed || wanted > size_max)
			continue;
		put_u32(copy, size, lists[i].offset, count, header.is_swapped);
		for (size_t at = size; at < wanted; at++)
			copy[at] = (uint8_t)(at % 4 == 1 ? at / 4 : 0);
		return wanted;
	}
	return size;
}

/* Change a few places of copy at random, mostly whole numbers. */
static size_t garble(uint8_t *copy, size_t size, size_t size_max, uint32_t *random)
{
	static const uint32_t edges[] = {
		0, 1, 2, 4, 30, 31, 384, 385, 0x3fff, 0x4000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

	*random = *random * 1664525 + 1013904223;
	if (*random >> 29 == 0)
		size = stretch(copy, size, size_max, *random >> 8);
	for (uint32_t i = 0; i < *random >> 30; i++) {
		*random = *random * 1664525 + 1013904223;

		size_t at = (*random >> 8) % (size < 80 ? size : 80);
		uint32_t what = *random >> 24;

		if (what < 100)
			put_u32(copy, size, at, edges[what % 14], false);
		else if (what < 160) /* add or subtract a little, so that the value is in a window or just outside */
			copy[at] = (uint8_t)(copy[at] + what % 7 - 3);
		else if (what < 220)
			copy[at] ^= (uint8_t)(1u << what % 8);
		else if (what < 240)
			copy[at] = (uint8_t)what;
		else
			return (*random >> 4) % size;
	}
	return size;
}

static void burst(struct ring *ring, struct script *script, uint8_t choice)
{
	static uint8_t right[65536];
	static uint8_t copy[65536];
	uint32_t random = script_u32(script);
	uint32_t node = 0;
	size_t size = 0;
	uint8_t *bytes = ring_intercept(ring, &node, &size);

	if (bytes == NULL || size == 0)
		return;
	memcpy(right, bytes, size);
	for (uint32_t i = 0; i <= choice % BURST_MAX; i++) {
		memcpy(copy, right, size);
		inject(ring, node, copy, garble(copy, size, sizeof(copy), &random));
	}
	ring_inject(ring, node, right, size);
}

static void step(struct ring *ring, struct script *script)
{
	enum operation operation = script_u8(script) % OPERATIONS;
	uint8_t choice = script_u8(script);
	uint32_t node = choice % RING_NODES;
	const uint8_t *bytes;
	size_t size;

	switch (operation) {
	case RAW:
	case FIT:
		forge(ring, script, choice, operation == FIT);
		break;
	case CHANGE:
	case SET:
	case CUT:
		tamper(ring, script, operation, choice);
		break;
	case BURST:
		burst(ring, script, choice);
		break;
	case REPLAY:
		bytes = ring_history(ring, script_u8(script), &size);
		if (bytes != NULL)
			inject(ring, node, bytes, size);
		break;
	case DROP:
		for (uint32_t i = 0; i <= choice % 16u; i++)
			(void)ring_intercept(ring, &node, &size);
		break;
	case SEND:
		ring_send(ring, node, (choice & 64) != 0, script_u16(script));
		break;
	case RUN:
		for (uint32_t i = 0; i <= choice; i++)
			ring_step(ring);
		break;
	case PASS:
		ring_run(ring, choice * (SECOND_NS / 50));
		break;
	case SWITCH:
		ring_cut(ring, node, (choice & 64) != 0);
		break;
	case OPERATIONS:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.at = data, .left = size};
	struct ring *ring = set_up(script_u8(&script));

	for (uint32_t i = 0; i < OPERATIONS_MAX && script.left > 0; i++)
		step(ring, &script);
	for (uint32_t i = 0; i < RING_NODES; i++) {
		ring_cut(ring, i, false);
		ring_link_up(ring, i);
	}
	FUZZ_CHECK(ring_run_together(ring, QUIET_NS));
	refused += ring_counts(ring)->refused;
	delivered += ring_counts(ring)->delivered;
	configurations += ring_counts(ring)->configurations;
	ring_destroy(ring);
	return 0;
}
