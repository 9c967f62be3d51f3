/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/services/votequorum/vote_case.h"

#include <check.h>
#include <string.h>

struct service_ring ring;
struct service_user users[3];

void vote_case_set_up(void)
{
	vote_ring_init(&ring);
	memset(users, 0, sizeof(users));
}

void vote_case_tear_down(void)
{
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		service_user_close(&users[i]);
	service_ring_fini(&ring);
}

struct coterie_ctx *host(uint32_t nodeid) { return ring.nodes[nodeid].host; }

void start(const char *config, uint32_t first, uint32_t last)
{
	vote_ring_config(config);
	for (uint32_t i = first; i <= last; i++)
		service_ring_start(&ring, i);
}

void watch(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		users[i] = service_user_create(&ring, i + 1, 10 + i);
		ck_assert_int_eq(vote_track(&users[i], 0, 4), 1);
	}
}

void expect(uint32_t nodeid, const char *event) { ck_assert_str_eq(vote_event(&users[nodeid - 1]), event); }

void each_is_quorate(const char *nodes, bool is_quorate)
{
	for (const char *at = nodes; *at != '\0'; at++)
		ck_assert_msg(host((uint32_t)(*at - '0'))->is_quorate == is_quorate, "node %c of %s", *at, nodes);
}

void deliver(uint32_t to, uint32_t from, uint32_t function, const void *message, uint32_t size)
{
	struct mock_message sent = {.id = function, .size = size - 16};

	sent.data = (uint8_t *)(uintptr_t)message + 16;
	mock_deliver(ring.ops, ring.nodes[to].self, from, false, &sent);
}
