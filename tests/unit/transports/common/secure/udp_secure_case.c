/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/transports/common/secure/udp_secure_case.h"

#include <check.h>
#include <string.h>

const char key[49] = "a key of the ring, which is long enough for this";
const char other_key[12] = "another key";

void udp_secure_set_up(void)
{
	encryption = "aes256-gcm";
	ring_key = key;
	nodes_set_up(&UNDER_TEST);
	nodes_settle();
}

void udp_secure_tear_down(void)
{
	nodes_tear_down();
	encryption = ring_key = NULL;
}

const struct secure_counts *counts(uint32_t node, uint32_t nodeid)
{
	return secure_peer_counts(((struct udp_link *)nodes[node])->secure, nodeid);
}

uint32_t sealed_overhead(void)
{
	struct secure *secure;

	ck_assert_int_eq(secure_create(1, NULL, &secure), 0);
	ck_assert_int_eq(secure_load(secure, 1, SECURE_AES256_GCM, key, sizeof(key)), 0);

	uint32_t overhead = secure_overhead(secure, 1500 - 28 - 45);

	secure_destroy(secure);
	return overhead;
}

struct tripwire *wire_of(uint32_t node) { return &((struct udp_link *)nodes[node])->wire; }

void serve(void)
{
	for (int quiet = 0; quiet < 5; quiet++)
		for (uint32_t i = 0; i < NODES; i++) {
			mock_host_advance(hosts[i], 0);
			if (mock_host_poll(hosts[i], 2) > 0)
				quiet = 0;
		}
}

uint32_t last_watch(uint32_t node)
{
	const struct mock_queue *told = &hosts[node]->watches;
	uint32_t state = UINT32_MAX;

	if (told->count > 0)
		memcpy(&state, told->list[told->count - 1].data, sizeof(state));
	return state;
}

struct tripwire_guest *guest_of(uint32_t node) { return wire_of(node)->guests; }
