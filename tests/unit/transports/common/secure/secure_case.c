/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/transports/common/secure/secure_case.h"

#include <check.h>
#include <string.h>

const uint8_t ring_key[128] = "a key of the ring", other_key[128] = "a key of another ring";

struct secure *nodes[NODES];
uint64_t now_ns;
uint8_t datagram[SIZE_MAX_TESTED + SECURE_OVERHEAD];
struct secure_opened opened;
static uint8_t random_next;

int fill_counting(void *bytes, size_t size)
{
	memset(bytes, ++random_next, size);
	return 0;
}

static void node_start(uint32_t node)
{
	ck_assert_int_eq(secure_create(node + 1, fill_counting, &nodes[node]), 0);
	for (uint32_t peer = 0; peer < NODES; peer++)
		if (peer != node)
			ck_assert_int_eq(secure_peer_add(nodes[node], peer + 1), 0);
	ck_assert_int_eq(secure_load(nodes[node], 1, SECURE_AES256_GCM, ring_key, sizeof(ring_key)), 0);
	ck_assert_int_eq(secure_use(nodes[node], 1), 0);
}

void node_restart(uint32_t node)
{
	secure_destroy(nodes[node]);
	node_start(node);
}

enum secure_result deliver(uint32_t from, uint32_t to, uint8_t *bytes, uint32_t size)
{
	enum secure_result result = secure_open(nodes[to], now_ns, from + 1, bytes, size, &opened);
	struct secure_opened next = opened;
	uint8_t reply[SECURE_CONTROL_SIZE];
	int replies = 0;

	while (next.reply_size > 0) {
		uint32_t sender = to;

		ck_assert_int_lt(++replies, 5);
		ck_assert_uint_eq(next.reply_size, SECURE_CONTROL_SIZE);
		memcpy(reply, next.reply, sizeof(reply));
		to = from;
		from = sender;
		ck_assert_int_eq(secure_open(nodes[to], now_ns, from + 1, reply, sizeof(reply), &next), SECURE_HANDLED);
	}
	return result;
}

void ask(uint32_t from, uint32_t to, uint32_t number)
{
	uint8_t bytes[SECURE_CONTROL_SIZE];

	ck_assert_int_eq(secure_ask(nodes[from], number, to + 1, bytes), 0);
	ck_assert_int_eq(deliver(from, to, bytes, sizeof(bytes)), SECURE_HANDLED);
}

uint32_t seal_for(uint32_t from, uint32_t to, enum secure_lane lane, uint32_t size, uint8_t *out)
{
	static uint8_t plain[SIZE_MAX_TESTED];

	memset(plain, 0x5a, size);
	ck_assert_int_eq(secure_seal(nodes[from], lane, to + 1, plain, size, out), 0);
	return size + SECURE_OVERHEAD;
}

uint32_t seal(uint32_t from, enum secure_lane lane, uint32_t size, uint8_t *out)
{
	return seal_for(from, 1, lane, size, out);
}

enum secure_result send_one(uint32_t from, uint32_t to, uint32_t size)
{
	return deliver(from, to, datagram, seal_for(from, to, SECURE_UNICAST, size, datagram));
}

void secure_case_set_up(void)
{
	now_ns = 1000000000;
	random_next = 0;
	for (uint32_t i = 0; i < NODES; i++)
		node_start(i);
	for (uint32_t from = 0; from < NODES; from++)
		for (uint32_t to = 0; to < from; to++)
			ask(from, to, 1);
}

void secure_case_tear_down(void)
{
	for (uint32_t i = 0; i < NODES; i++)
		secure_destroy(nodes[i]);
}
